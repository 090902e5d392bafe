//! One place of the project's files that names a model, a data set or a hosted service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Measured, SubjectKind};

/// How the name is written: which syntactic form was read.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `.model("owner/name")`, `.dataset(...)`: hf-hub up to 0.5.
    HfHubMethod,
    /// `Repo::new`, `Repo::model`, `Repo::with_revision`: hf-hub up to 0.5.
    HfHubRepo,
    /// `.model("owner", "name")`: hf-hub 1.x.
    HfHubClient,
    /// `from_pretrained` in Rust, such as `Tokenizer::from_pretrained`.
    RustFromPretrained,
    /// A variant of an enum of fastembed.
    FastembedEnum,
    /// A builder of a model, such as `TextModelBuilder::new("owner/name")`.
    ModelBuilder,
    /// A match arm whose value is an id.
    MatchArm,
    /// A constant, static or variable.
    Constant,
    /// A field of a struct.
    StructField,
    /// The default of a command-line argument.
    DefaultValue,
    /// Any other literal.
    Literal,
    /// `from_pretrained` in Python.
    PythonFromPretrained,
    /// `snapshot_download`, `hf_hub_download`.
    PythonDownload,
    /// `pipeline(model=...)`.
    PythonPipeline,
    /// `SentenceTransformer(...)`, `CrossEncoder(...)`, `LLM(...)`.
    PythonConstructor,
    /// `load_dataset(...)`.
    PythonLoadDataset,
    /// An address of the Hub that leads to one file.
    ResolveUrl,
    /// Any other address of the Hub.
    HubUrl,
    /// `hf://owner/name`.
    HubUri,
    /// `hf download`, `huggingface-cli download`.
    HubCli,
    /// A flag such as `--model-id`.
    CommandLine,
    /// llama.cpp's `-hf`.
    LlamaCpp,
    /// `FROM hf.co/...` or `ollama run hf.co/...`.
    Ollama,
    /// `ollama run llama3.2:1b`, `FROM llama3.2` of a Modelfile: a name of Ollama's own library.
    OllamaLibrary,
    /// `docker model run ai/smollm2`: a model in a registry of containers.
    OciModel,
    /// An environment variable such as `MODEL_ID`.
    Environment,
    /// A key of a configuration file.
    ConfigKey,
    /// A git submodule.
    GitSubmodule,
    /// `[[model]]` of custody.toml.
    Policy,
    /// A crate of the graph that speaks to one service.
    ServiceCrate,
    /// The address of a service.
    ServiceUrl,
    /// The variable that holds a service's key.
    ServiceVariable,
}

impl Form {
    /// Every form, in the order of their declaration.
    #[must_use]
    pub fn name(self) -> String {
        let word = format!("{self:?}");
        let mut out = String::new();
        for (at, c) in word.char_indices() {
            if c.is_ascii_uppercase() && at > 0 {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
        }
        out
    }
}

/// How sure it is that the code loads what it names.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It has the shape of an id, and nothing around says what it is used for.
    Low,
    /// It has the shape of an id and stands where such ids are kept, in a file that uses a hub.
    Medium,
    /// It is the argument of a call, flag or key that takes nothing else.
    High,
}

/// What a revision is.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum RevisionKind {
    /// 40 hexadecimal digits, or the digest of an image: it stands still.
    Commit,
    /// `main`, `master` or `refs/heads/...`: it moves with every push.
    Branch,
    /// Any other name; both can be moved.
    TagOrBranch,
    /// `refs/pr/N`: not merged, and its author may be a stranger who can still push to it.
    PullRequest,
    /// `refs/convert/...`: what the Hub itself converts.
    Converted,
    /// The code passes one that cannot be read off its text.
    Variable,
    /// None is given: the default branch.
    None,
}

/// One reference. `path`, `line` and `column` are those of the name itself.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `model`, `dataset` or `service`.
    pub kind: SubjectKind,
    /// `owner/name`, one name for the Hub's oldest models, or the host of a service.
    pub id: String,
    /// The revision as written, where one is.
    pub revision: Option<String>,
    /// What that revision is.
    pub revision_kind: RevisionKind,
    /// How the name is written.
    pub form: Form,
    /// How sure it is that this is loaded.
    pub confidence: Confidence,
    /// File, relative to the audited folder.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// First column of the name, from 1, in characters; 0 where it was not counted.
    pub column: u32,
    /// Whether the same call or command enables code from the repository (`trust_remote_code`,
    /// `--trust-remote-code`); absent where it says nothing.
    pub trust_remote_code: Option<bool>,
    /// Whether the same call or command gives a commit for code that comes from a second repository
    /// (`code_revision`, `--code-revision`); absent where it says nothing.
    pub code_pinned: Option<bool>,
    /// Whether it stands in a test, a benchmark or an example: by the file's path, or in a module of
    /// Rust that is compiled for tests only.
    pub in_tests: bool,
}

impl Reference {
    /// Whether the revision is a commit; unknown where the code computes it.
    #[must_use]
    pub fn pinned(&self) -> Measured<bool> {
        match self.revision_kind {
            RevisionKind::Variable => {
                Measured::unknown("the revision is computed, and cannot be read off the code")
            }
            kind => Measured::Known(kind == RevisionKind::Commit),
        }
    }
}

/// What a revision is, by its text.
#[must_use]
pub fn revision_kind(revision: Option<&str>) -> RevisionKind {
    let Some(text) = revision else { return RevisionKind::None };
    let digest = text.strip_prefix("sha256:");
    if digest.is_some_and(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit())) {
        return RevisionKind::Commit;
    }
    if text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        RevisionKind::Commit
    } else if text.starts_with("refs/pr/") {
        RevisionKind::PullRequest
    } else if text.starts_with("refs/convert/") {
        RevisionKind::Converted
    } else if matches!(text, "main" | "master") || text.starts_with("refs/heads/") {
        RevisionKind::Branch
    } else {
        RevisionKind::TagOrBranch
    }
}

/// Whether a path is that of a test, a benchmark or an example.
#[must_use]
pub fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        matches!(stem, "tests" | "test" | "testing" | "benches" | "examples" | "fixtures")
            || stem.ends_with("_test")
            || stem.ends_with("_tests")
            || stem.starts_with("test_")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forty_hexadecimal_digits_stand_still() {
        let commit = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf";
        for (revision, kind) in [
            (None, RevisionKind::None),
            (Some(commit), RevisionKind::Commit),
            (Some(&commit[..7]), RevisionKind::TagOrBranch),
            (Some("main"), RevisionKind::Branch),
            (Some("refs/pr/12"), RevisionKind::PullRequest),
            (Some("refs/convert/parquet"), RevisionKind::Converted),
            (Some("v1.0"), RevisionKind::TagOrBranch),
        ] {
            assert_eq!(revision_kind(revision), kind, "{revision:?}");
        }
    }

    #[test]
    fn a_form_is_shown_as_it_is_written_in_facts() {
        let written = serde_json::to_value(Form::HfHubMethod).unwrap();
        assert_eq!(written, Form::HfHubMethod.name());
    }
}
