//! Answers of the model Hub's API, and the front matter of model cards. Shapes as the `huggingface_hub`
//! client reads them; every field may be missing, and what is missing is `None`, never a default.

mod card;
mod merge;
mod signer;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

pub use card::{CARD_LIMIT, Card, read_card};
pub use merge::{is_repository, merged_models};
pub use signer::claimed_signer;

/// Most entries of one answer that are kept.
pub const ENTRIES_LIMIT: usize = 50_000;

/// Why an answer is not one.
#[derive(Debug, thiserror::Error)]
#[error("the Hub's answer is not the {expected} that was asked for: {source}")]
pub struct HubAnswerError {
    /// What was asked for.
    pub expected: &'static str,
    /// What the parser says.
    pub source: serde_json::Error,
}

/// Who may download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Anybody.
    Open,
    /// Anybody who accepts the terms.
    Automatic,
    /// Whom the owner lets in.
    Manual,
}

impl Gate {
    /// The word for facts: `open`, `auto` or `manual`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Automatic => "auto",
            Self::Manual => "manual",
        }
    }
}

fn gate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Gate>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(false) => Some(Gate::Open),
        Value::String(word) if word == "manual" => Some(Gate::Manual),
        Value::Bool(true) | Value::String(_) => Some(Gate::Automatic),
        _ => None,
    })
}

/// `GET /api/models/{id}/revision/{revision}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelInfo {
    /// `owner/name` as it is called today.
    pub id: Option<String>,
    /// The namespace.
    pub author: Option<String>,
    /// The commit that the revision stands for.
    pub sha: Option<String>,
    /// RFC 3339.
    pub last_modified: Option<String>,
    /// RFC 3339; never before March 2022, when the Hub began to keep it.
    pub created_at: Option<String>,
    /// Whether only its owner sees it.
    pub private: Option<bool>,
    /// Who may download.
    #[serde(deserialize_with = "gate")]
    pub gated: Option<Gate>,
    /// Whether the Hub has switched it off.
    pub disabled: Option<bool>,
    /// What it is for, such as `text-generation`.
    #[serde(rename = "pipeline_tag")]
    pub pipeline_tag: Option<String>,
    /// The library that loads it.
    #[serde(rename = "library_name")]
    pub library_name: Option<String>,
    /// Free tags, with some that the Hub adds: `license:...`, `base_model:...`.
    pub tags: Option<Vec<String>>,
    /// The card's front matter, as the Hub read it.
    pub card_data: Option<Value>,
    /// A digest of `config.json`.
    pub config: Option<Value>,
    /// How the library would load it; with `custom_class`, by code from the repository.
    pub transformers_info: Option<Value>,
    /// Results of evaluations, from the card.
    #[serde(rename = "model-index")]
    pub model_index: Option<Value>,
    /// Files.
    pub siblings: Option<Vec<Sibling>>,
}

/// One file of [`ModelInfo`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sibling {
    /// Path in the repository.
    pub rfilename: String,
    /// Bytes; only where blobs were asked for.
    pub size: Option<u64>,
    /// Git blob id.
    pub blob_id: Option<String>,
    /// Where the content is kept outside of git.
    pub lfs: Option<Lfs>,
}

/// A file that is kept outside of git.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Lfs {
    /// SHA-256 of the content; called `sha256` in model info and `oid` in trees.
    #[serde(alias = "oid")]
    pub sha256: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
}

/// One entry of `GET /api/models/{id}/tree/{revision}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TreeEntry {
    /// `file` or `directory`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Path in the repository.
    pub path: String,
    /// Git blob id.
    pub oid: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Where the content is kept outside of git.
    pub lfs: Option<Lfs>,
    /// The commit that touched it last; only where it was asked for.
    pub last_commit: Option<LastCommit>,
    /// What the Hub's own scanners say; only where it was asked for.
    pub security_file_status: Option<Value>,
}

/// The commit that touched a file last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LastCommit {
    /// Commit.
    pub id: String,
    /// First line of its message.
    pub title: Option<String>,
    /// RFC 3339.
    pub date: Option<String>,
}

/// One entry of `GET /api/models/{id}/commits/{revision}`, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// Commit.
    pub id: String,
    /// First line of its message.
    pub title: Option<String>,
    /// Accounts that wrote it.
    pub authors: Vec<Author>,
    /// RFC 3339.
    pub date: Option<String>,
}

/// One author of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Author {
    /// Login on the Hub, or the name in git where there is none.
    pub user: Option<String>,
}

/// `GET /api/models/{id}/refs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Refs {
    /// Branches.
    pub branches: Vec<GitRef>,
    /// What the Hub converts.
    pub converts: Vec<GitRef>,
    /// Tags.
    pub tags: Vec<GitRef>,
    /// Pull requests; only where they were asked for.
    pub pull_requests: Option<Vec<GitRef>>,
}

/// One reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRef {
    /// Short name.
    pub name: String,
    /// Full name.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Commit.
    pub target_commit: String,
}

/// `GET /api/organizations/{name}/overview` or `/api/users/{name}/overview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Namespace {
    /// Name of an organisation.
    pub name: Option<String>,
    /// Login of a person.
    pub user: Option<String>,
    /// Whether the Hub has verified the organisation.
    pub is_verified: Option<bool>,
    /// RFC 3339, where the Hub tells it.
    pub created_at: Option<String>,
    /// Number of members of an organisation.
    pub num_users: Option<u64>,
    /// Number of models.
    pub num_models: Option<u64>,
}

fn parse<T: DeserializeOwned>(bytes: &[u8], expected: &'static str) -> Result<T, HubAnswerError> {
    serde_json::from_slice(bytes).map_err(|source| HubAnswerError { expected, source })
}

/// Reads model info.
pub fn model_info(bytes: &[u8]) -> Result<ModelInfo, HubAnswerError> {
    parse(bytes, "model info")
}

/// Reads one page of a tree.
pub fn tree(bytes: &[u8]) -> Result<Vec<TreeEntry>, HubAnswerError> {
    parse(bytes, "list of files")
}

/// Reads one page of commits.
pub fn commits(bytes: &[u8]) -> Result<Vec<Commit>, HubAnswerError> {
    parse(bytes, "list of commits")
}

/// Reads references.
pub fn refs(bytes: &[u8]) -> Result<Refs, HubAnswerError> {
    parse(bytes, "list of references")
}

/// Reads the overview of an organisation or a person.
pub fn namespace(bytes: &[u8]) -> Result<Namespace, HubAnswerError> {
    parse(bytes, "overview of a namespace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_info_is_read_with_what_is_there() {
        let text =
            br#"{"id":"o/n","sha":"abc","gated":"manual","lastModified":"2025-01-02T03:04:05.000Z",
            "pipeline_tag":"text-generation","siblings":[{"rfilename":"model.safetensors","size":7,
            "blobId":"b","lfs":{"sha256":"aa","size":7,"pointerSize":1}}],"unknownKey":{"a":[1]}}"#;
        let info = model_info(text).unwrap();
        assert_eq!(info.gated, Some(Gate::Manual));
        assert_eq!((info.private, info.disabled), (None, None));
        let siblings = info.siblings.unwrap();
        assert_eq!(siblings[0].lfs.as_ref().unwrap().sha256.as_deref(), Some("aa"));
        assert_eq!(model_info(br#"{"gated":false}"#).unwrap().gated, Some(Gate::Open));
        assert_eq!(model_info(b"{}").unwrap().gated, None);
    }

    #[test]
    fn trees_name_the_hash_oid_and_commits_their_authors() {
        let text =
            br#"[{"type":"file","oid":"b","size":9,"path":"a.bin","lfs":{"oid":"cc","size":9},
            "lastCommit":{"id":"1","title":"t","date":"2025-01-01T00:00:00.000Z"}},
            {"type":"directory","oid":"d","path":"x"}]"#;
        let entries = tree(text).unwrap();
        assert_eq!(entries[0].lfs.as_ref().unwrap().sha256.as_deref(), Some("cc"));
        assert_eq!(entries[1].kind, "directory");
        let list = commits(br#"[{"id":"1","title":"t","message":"","authors":[{"user":"ann"}],"date":"2025-01-01T00:00:00.000Z"}]"#).unwrap();
        assert_eq!(list[0].authors[0].user.as_deref(), Some("ann"));
    }

    #[test]
    fn what_is_cut_or_nested_without_end_is_an_error() {
        let text = br#"{"branches":[{"name":"main","ref":"refs/heads/main","targetCommit":"c"}],"converts":[],"tags":[]}"#;
        assert_eq!(refs(text).unwrap().branches[0].target_commit, "c");
        for end in 0..text.len() {
            assert!(refs(&text[..end]).is_err(), "{end}");
        }
        let deep = format!("{{\"cardData\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(model_info(deep.as_bytes()).is_err());
    }
}
