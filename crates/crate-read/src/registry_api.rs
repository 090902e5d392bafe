//! Answers of the registry's API about one crate: its versions with their publishers, its owners.
//!
//! Shapes: the registry's own `crates_io_api_types`. Only what custody asks for is read; unknown keys
//! pass, unexpected types are errors, and an HTML page is an error and never "no owners". A publisher
//! that is `null` is told apart by `trustpub_data`: with it, a trusted workflow published; without it,
//! the registry does not say who did.
//!
//! Must not: fetch, follow a page, or take an answer of any size; the caller bounds the bytes, and
//! [`ANSWER_LIMIT`] is checked again here.

use jiff::Timestamp;
use serde::Deserialize;

/// Longest answer that is read, in bytes. The longest honest one known (a crate of 1,000 versions,
/// unpaginated) is below 5 MiB; pages of 100 versions are below 1 MiB.
pub const ANSWER_LIMIT: usize = 8 * 1024 * 1024;
/// Most versions or owners in one answer.
const ITEMS_LIMIT: usize = 20_000;
/// Longest login, name or version that is kept, in bytes.
const TEXT_LIMIT: usize = 256;
/// Longest address that is kept, in bytes.
const ADDRESS_LIMIT: usize = 2048;

/// Why an answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ApiAnswerError {
    /// More bytes than any honest answer has.
    #[error("the answer has {size} bytes, over the limit of {ANSWER_LIMIT}")]
    TooLong {
        /// Its size, in bytes.
        size: usize,
    },
    /// No JSON, or not of the shape that the registry documents.
    #[error("the answer is not what the registry documents: {0}")]
    Shape(#[from] serde_json::Error),
    /// A value that no registry would give.
    #[error("the answer's {field} {what}")]
    Value {
        /// Which value.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A user as the API names them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ApiUser {
    /// The registry's id.
    pub id: u64,
    /// Login.
    pub login: String,
    /// Whether the name at the registry is still that at the forge; false after a rename or relink.
    #[serde(default)]
    pub github_username_matches: Option<bool>,
    /// When the account was made; only the version answers say so.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// The workflow that published a version, where trusted publishing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTrusted {
    /// `github`, `gitlab`, ...
    pub provider: String,
    /// `owner/name` of the repository, where the provider has one.
    pub repository: Option<String>,
    /// Commit that the workflow ran at, which the registry verified with the provider.
    pub commit: Option<String>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersion {
    /// Number.
    pub number: String,
    /// When it was published.
    pub created_at: Timestamp,
    /// Yanked.
    pub yanked: bool,
    /// Why it was yanked, in the words of who did.
    pub yank_message: Option<String>,
    /// Who published it by a token of theirs.
    pub published_by: Option<ApiUser>,
    /// Which workflow published it.
    pub trusted: Option<ApiTrusted>,
    /// Repository as this version declares it.
    pub repository: Option<String>,
    /// Home page as this version declares it.
    pub homepage: Option<String>,
    /// SHA-256 of the archive.
    pub checksum: Option<String>,
}

/// One page of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionsPage {
    /// In the order of the answer.
    pub versions: Vec<ApiVersion>,
    /// Query of the next page (`?per_page=...&seek=...`), where there is one.
    pub next_page: Option<String>,
}

/// One owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiOwner {
    /// Id, counted apart for users and teams.
    pub id: u64,
    /// Login; `github:organisation:team` for a team.
    pub login: String,
    /// A team, whose members the registry does not tell; else a user.
    pub team: bool,
    /// Whether the name at the registry is still that at the forge.
    pub github_username_matches: Option<bool>,
}

#[derive(Deserialize)]
struct RawVersions {
    versions: Vec<RawVersion>,
    #[serde(default)]
    meta: Option<RawMeta>,
}

#[derive(Deserialize)]
struct RawMeta {
    #[serde(default)]
    next_page: Option<String>,
}

#[derive(Deserialize)]
struct RawVersion {
    num: String,
    created_at: Timestamp,
    #[serde(default)]
    yanked: bool,
    #[serde(default)]
    yank_message: Option<String>,
    published_by: Option<ApiUser>,
    #[serde(default)]
    trustpub_data: Option<RawTrusted>,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    homepage: Option<String>,
    #[serde(default)]
    checksum: Option<String>,
}

#[derive(Deserialize)]
struct RawTrusted {
    provider: String,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    project_path: Option<String>,
    #[serde(default)]
    sha: Option<String>,
}

#[derive(Deserialize)]
struct RawOwners {
    users: Vec<RawOwner>,
}

#[derive(Deserialize)]
struct RawOwner {
    id: u64,
    login: String,
    kind: RawKind,
    #[serde(default)]
    github_username_matches: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    User,
    Team,
}

/// Reads one answer of `/crates/{name}/versions`.
///
/// # Errors
/// See [`ApiAnswerError`].
pub fn parse_versions(bytes: &[u8]) -> Result<VersionsPage, ApiAnswerError> {
    let raw: RawVersions = parse(bytes)?;
    bounded(raw.versions.len())?;
    let next_page = raw.meta.and_then(|meta| meta.next_page);
    let is_query = |query: &String| {
        query.starts_with('?') && query.len() <= ADDRESS_LIMIT && !query.contains(['#', '\n'])
    };
    if next_page.as_ref().is_some_and(|query| !is_query(query)) {
        return Err(ApiAnswerError::Value { field: "next page", what: "is no query" });
    }
    let versions = raw.versions.into_iter().map(version).collect::<Result<_, _>>()?;
    Ok(VersionsPage { versions, next_page })
}

/// Reads one answer of `/crates/{name}/owners`.
///
/// # Errors
/// See [`ApiAnswerError`].
pub fn parse_owners(bytes: &[u8]) -> Result<Vec<ApiOwner>, ApiAnswerError> {
    let raw: RawOwners = parse(bytes)?;
    bounded(raw.users.len())?;
    raw.users
        .into_iter()
        .map(|owner| {
            Ok(ApiOwner {
                id: owner.id,
                login: short(owner.login, "login")?,
                team: matches!(owner.kind, RawKind::Team),
                github_username_matches: owner.github_username_matches,
            })
        })
        .collect()
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ApiAnswerError> {
    if bytes.len() > ANSWER_LIMIT {
        return Err(ApiAnswerError::TooLong { size: bytes.len() });
    }
    Ok(serde_json::from_slice(bytes)?)
}

fn bounded(count: usize) -> Result<(), ApiAnswerError> {
    if count > ITEMS_LIMIT {
        return Err(ApiAnswerError::Value { field: "list", what: "is longer than any honest one" });
    }
    Ok(())
}

fn version(raw: RawVersion) -> Result<ApiVersion, ApiAnswerError> {
    let published_by = raw
        .published_by
        .map(|user| Ok::<_, ApiAnswerError>(ApiUser { login: short(user.login, "login")?, ..user }))
        .transpose()?;
    let trusted = raw
        .trustpub_data
        .map(|data| {
            let repository = data.repository.or(data.project_path);
            Ok::<_, ApiAnswerError>(ApiTrusted {
                provider: short(data.provider, "provider")?,
                repository: repository
                    .map(|text| address(text, "trusted repository"))
                    .transpose()?,
                commit: data.sha.map(|text| short(text, "trusted commit")).transpose()?,
            })
        })
        .transpose()?;
    Ok(ApiVersion {
        number: short(raw.num, "version")?,
        created_at: raw.created_at,
        yanked: raw.yanked,
        yank_message: raw.yank_message.map(|text| address(text, "yank message")).transpose()?,
        published_by,
        trusted,
        repository: raw.repository.map(|text| address(text, "repository")).transpose()?,
        homepage: raw.homepage.map(|text| address(text, "home page")).transpose()?,
        checksum: raw.checksum.map(|text| short(text, "checksum")).transpose()?,
    })
}

fn short(text: String, field: &'static str) -> Result<String, ApiAnswerError> {
    if text.is_empty() {
        return Err(ApiAnswerError::Value { field, what: "is empty" });
    }
    if text.len() > TEXT_LIMIT {
        return Err(ApiAnswerError::Value { field, what: "is longer than any honest one" });
    }
    Ok(text)
}

fn address(text: String, field: &'static str) -> Result<String, ApiAnswerError> {
    if text.len() > ADDRESS_LIMIT {
        return Err(ApiAnswerError::Value { field, what: "is longer than any honest one" });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: &str = r#"{"versions":[
      {"id":90210,"crate":"acme-tensor","num":"0.4.1","dl_path":"/x","updated_at":"2026-03-14T09:26:53Z",
       "created_at":"2026-03-14T09:26:53Z","downloads":900,"features":{"default":["std"]},"yanked":false,
       "yank_message":null,"crate_size":48211,
       "published_by":{"id":7001,"login":"mira-k","name":"Mira K","avatar":null,"url":"u",
         "github_username_matches":true,"created_at":"2025-12-30T08:00:00Z"},
       "audit_actions":[],"checksum":"9f2c","repository":"https://forge.invalid/acme/tensor",
       "homepage":null,"trustpub_data":null,"linecounts":{}},
      {"id":90111,"num":"0.4.0","created_at":"2026-01-14T09:26:53+00:00","yanked":true,
       "yank_message":"oops","published_by":null,
       "trustpub_data":{"provider":"github","repository":"acme/tensor","run_id":"1","sha":"1f0e"}},
      {"num":"0.3.0","created_at":"2025-12-14T09:26:53Z","published_by":null,
       "trustpub_data":{"provider":"gitlab","project_path":"acme/tensor","job_id":"88","sha":"1f0e"}},
      {"num":"0.1.0","created_at":"2016-12-14T09:26:53Z","published_by":null,"trustpub_data":null}],
      "meta":{"total":17,"next_page":"?per_page=100&seek=abc"}}"#;

    #[test]
    fn a_page_of_versions_tells_people_workflows_and_silence_apart() {
        let page = parse_versions(VERSIONS.as_bytes()).unwrap();
        assert_eq!(page.next_page.as_deref(), Some("?per_page=100&seek=abc"));
        let [new, trusted, gitlab, old] = &page.versions[..] else { panic!("four versions") };
        assert_eq!(new.published_by.as_ref().unwrap().login, "mira-k");
        assert!(new.published_by.as_ref().unwrap().created_at.is_some());
        assert!(trusted.published_by.is_none() && trusted.yanked);
        assert_eq!(trusted.trusted.as_ref().unwrap().repository.as_deref(), Some("acme/tensor"));
        assert_eq!(gitlab.trusted.as_ref().unwrap().provider, "gitlab");
        assert_eq!(gitlab.trusted.as_ref().unwrap().repository.as_deref(), Some("acme/tensor"));
        assert!(old.published_by.is_none() && old.trusted.is_none());
    }

    #[test]
    fn owners_are_users_and_teams() {
        let text = r#"{"users":[{"id":7001,"login":"mira-k","kind":"user","url":"u","name":"Mira K",
            "avatar":null,"github_username_matches":false},
            {"id":55,"login":"github:acme:core","kind":"team","url":"u","name":"core","avatar":null}]}"#;
        let owners = parse_owners(text.as_bytes()).unwrap();
        assert!(!owners[0].team && owners[0].github_username_matches == Some(false));
        assert!(owners[1].team && owners[1].github_username_matches.is_none());
    }

    #[test]
    fn an_outage_page_is_an_error_and_not_zero_owners() {
        for bytes in [
            &b"<html><body>502 Bad Gateway</body></html>"[..],
            b"",
            b"{}",
            b"[]",
            b"null",
            br#"{"errors":[{"detail":"crate `x` does not exist"}]}"#,
            br#"{"users":null}"#,
            br#"{"users":{"id":1}}"#,
            br#"{"users":[{"id":"1","login":"a","kind":"user"}]}"#,
            br#"{"users":[{"id":1,"login":"a","kind":"robot"}]}"#,
            br#"{"users":[{"id":1,"login":"","kind":"user"}]}"#,
            br#"{"users":[{"id":-1,"login":"a","kind":"user"}]}"#,
        ] {
            assert!(parse_owners(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(parse_owners(br#"{"users":[]}"#).unwrap().is_empty());
    }

    #[test]
    fn an_answer_cut_anywhere_is_an_error() {
        for end in 0..VERSIONS.len() {
            assert!(parse_versions(&VERSIONS.as_bytes()[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_publisher_of_another_type_is_an_error() {
        let wrong = VERSIONS.replace(r#""published_by":{"#, r#""published_by":7001,"x":{"#);
        assert!(parse_versions(wrong.as_bytes()).is_err());
    }

    #[test]
    fn hostile_values_are_refused_or_kept_as_data() {
        let login = |login: &str| {
            format!(
                r#"{{"users":[{{"id":1,"login":{},"kind":"user"}}]}}"#,
                serde_json::json!(login)
            )
        };
        assert!(parse_owners(login(&"x".repeat(10_000)).as_bytes()).is_err());
        for name in ["../../etc/passwd", "\u{1b}[31mred", "a\u{202e}b", "per%cent?x=1&y"] {
            assert_eq!(parse_owners(login(name).as_bytes()).unwrap()[0].login, name);
        }
        let elsewhere = VERSIONS.replace("?per_page=100&seek=abc", "//other.invalid/x");
        assert!(parse_versions(elsewhere.as_bytes()).is_err());
    }

    #[test]
    fn ten_megabytes_are_refused_before_they_are_parsed() {
        let bytes = vec![b' '; 10 * 1024 * 1024];
        assert!(matches!(parse_owners(&bytes), Err(ApiAnswerError::TooLong { .. })));
    }

    #[test]
    fn a_thousand_nested_brackets_do_not_overflow_the_stack() {
        let text = format!(r#"{{"users":[],"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse_owners(text.as_bytes()).unwrap().is_empty());
    }
}
