//! Lines of a crate registry's index, as the sparse protocol sends them and as Cargo keeps them below
//! `$CARGO_HOME/registry/index/*/.cache/`
//! (<https://doc.rust-lang.org/cargo/reference/registry-index.html>; the cache file's form is Cargo's
//! own, `src/cargo/sources/registry/index/cache.rs`).
//!
//! What every audit needs of all versions (version, hash, publish time, yank) is read at once; the
//! dependencies of a version are read when they are asked for, since they are most of the bytes. A line
//! that cannot be read is kept as a [`BadLine`]; the others still count.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

use crate::features::{FeatureDependency, FeatureTable};

/// Most bytes of one index file.
pub const FILE_LIMIT: usize = 32 * 1024 * 1024;
/// Most versions of one crate.
pub const VERSION_LIMIT: usize = 20_000;
/// Most dependencies of one version.
pub const DEPENDENCY_LIMIT: usize = 5_000;
/// Most bad lines that are described; the rest are counted in [`IndexFile::bad_left_out`].
const BAD_LINE_LIMIT: usize = 16;
/// The only form of cache file that Cargo has written since 1.54.
const CACHE_FORM: u8 = 3;
/// The newest form of index lines that is understood.
const INDEX_FORM: u32 = 2;

/// Why a file is no index file at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// It is larger than [`FILE_LIMIT`].
    #[error("the index file has {0} bytes, more than {FILE_LIMIT}")]
    TooLarge(usize),
    /// More versions than [`VERSION_LIMIT`].
    #[error("the index file has more than {VERSION_LIMIT} versions")]
    TooManyVersions,
    /// It does not begin as Cargo's cache files do.
    #[error("no cache file of Cargo: {0}")]
    NotACache(&'static str),
    /// One version's JSON is not that of an index line.
    #[error("line of version {version}: {why}")]
    Line {
        /// The version, as far as it is known.
        version: String,
        /// What the JSON reader says.
        why: String,
    },
}

/// What Cargo noted of the answer that a cache file was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// `ETag` of the sparse index's answer.
    Etag(String),
    /// `Last-Modified` of the sparse index's answer.
    LastModified(String),
    /// Commit of a git index.
    Commit(String),
    /// The server told none.
    Unknown,
}

/// One version in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexLine {
    /// Name in the registry's spelling.
    pub name: String,
    /// Version.
    pub version: String,
    /// SHA-256 of the archive, lower-case hexadecimal.
    pub checksum: String,
    /// Whether it is yanked; absent where the index does not say.
    pub yanked: Option<bool>,
    /// When it was published (RFC 3339), where the index says so.
    pub published: Option<String>,
    json: Range<usize>,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Position among the versions, from 0.
    pub position: usize,
    /// What is wrong.
    pub why: String,
}

/// One dependency of one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexDependency {
    /// Name of the crate in its registry.
    pub package: String,
    /// Version requirement.
    pub requirement: String,
    /// `normal`, `build` or `dev`.
    pub kind: String,
    /// Whether it is optional.
    pub optional: bool,
    /// Index URL of another registry, where it does not come from the same one.
    pub registry: Option<String>,
    /// `cfg(...)` or target triple that it is limited to.
    pub target: Option<String>,
}

/// An index file: the versions in the order in which they were published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    bytes: Vec<u8>,
    /// What could be read.
    pub lines: Vec<IndexLine>,
    /// What could not, at most 16.
    pub bad: Vec<BadLine>,
    /// How many more could not.
    pub bad_left_out: usize,
    /// Where the cache file came from; absent for an answer of the index itself.
    pub revision: Option<Revision>,
}

#[derive(Deserialize)]
struct RawLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    vers: Cow<'a, str>,
    #[serde(borrow)]
    cksum: Cow<'a, str>,
    #[serde(default)]
    yanked: Option<bool>,
    #[serde(default, borrow)]
    pubtime: Option<Cow<'a, str>>,
    #[serde(default)]
    v: Option<u32>,
}

#[derive(Deserialize)]
struct RawDependencies<'a> {
    #[serde(borrow)]
    deps: Vec<RawDependency<'a>>,
}

#[derive(Deserialize)]
struct RawDependency<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    req: Cow<'a, str>,
    #[serde(default)]
    optional: bool,
    #[serde(default, borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    package: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    registry: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(default)]
    features: Option<Vec<String>>,
    #[serde(default)]
    default_features: Option<bool>,
}

#[derive(Deserialize)]
struct RawFeatures<'a> {
    #[serde(borrow)]
    deps: Vec<RawDependency<'a>>,
    #[serde(default)]
    features: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    features2: Option<BTreeMap<String, Vec<String>>>,
}

impl IndexFile {
    /// Reads an answer of the sparse index: one JSON object a line.
    ///
    /// # Errors
    /// Only where the file is too large; lines that cannot be read are in [`IndexFile::bad`].
    pub fn from_lines(bytes: Vec<u8>) -> Result<Self, IndexError> {
        check_size(&bytes)?;
        let mut file = Self::empty(bytes, None);
        let mut start = 0;
        let ends: Vec<usize> =
            memchr::memchr_iter(b'\n', &file.bytes).chain([file.bytes.len()]).collect();
        for end in ends {
            let line = start..end;
            start = end + 1;
            if !file.bytes[line.clone()].trim_ascii().is_empty() {
                file.push(line)?;
            }
        }
        Ok(file)
    }

    /// Reads a file of Cargo's index cache: a header, then version and JSON in turn, each ended by NUL.
    ///
    /// # Errors
    /// Where it is too large or does not begin as such files do.
    pub fn from_cache(bytes: Vec<u8>) -> Result<Self, IndexError> {
        check_size(&bytes)?;
        let (revision, mut at) = cache_header(&bytes)?;
        let mut file = Self::empty(bytes, Some(revision));
        while at < file.bytes.len() {
            let Some(version) = until_nul(&file.bytes, at) else {
                file.note_bad("the file ends within a version".to_owned());
                break;
            };
            let Some(json) = until_nul(&file.bytes, version.end + 1) else {
                file.note_bad("the file ends within a line".to_owned());
                break;
            };
            at = json.end + 1;
            file.push(json)?;
        }
        Ok(file)
    }

    fn empty(bytes: Vec<u8>, revision: Option<Revision>) -> Self {
        Self { bytes, lines: Vec::new(), bad: Vec::new(), bad_left_out: 0, revision }
    }

    fn push(&mut self, json: Range<usize>) -> Result<(), IndexError> {
        if self.lines.len() + self.bad.len() + self.bad_left_out >= VERSION_LIMIT {
            return Err(IndexError::TooManyVersions);
        }
        match serde_json::from_slice::<RawLine<'_>>(&self.bytes[json.clone()]) {
            Ok(raw) if raw.v.is_some_and(|v| v > INDEX_FORM) => {
                let why = "a form of index line that is not understood".to_owned();
                self.note_bad(why);
            }
            Ok(raw) => {
                let line = IndexLine {
                    name: raw.name.into_owned(),
                    version: raw.vers.into_owned(),
                    checksum: raw.cksum.to_ascii_lowercase(),
                    yanked: raw.yanked,
                    published: raw.pubtime.map(Cow::into_owned),
                    json,
                };
                self.lines.push(line);
            }
            Err(error) => self.note_bad(error.to_string()),
        }
        Ok(())
    }

    fn note_bad(&mut self, why: String) {
        let position = self.lines.len() + self.bad.len() + self.bad_left_out;
        if self.bad.len() < BAD_LINE_LIMIT {
            self.bad.push(BadLine { position, why });
        } else {
            self.bad_left_out += 1;
        }
    }

    /// The dependencies of one of this file's versions, development ones included.
    ///
    /// # Errors
    /// [`IndexError::Line`] where they are not as they should be or more than [`DEPENDENCY_LIMIT`].
    pub fn dependencies(&self, line: &IndexLine) -> Result<Vec<IndexDependency>, IndexError> {
        let wrong = |why: String| IndexError::Line { version: line.version.clone(), why };
        let json = self
            .bytes
            .get(line.json.clone())
            .ok_or_else(|| wrong("it is a line of another file".to_owned()))?;
        let raw: RawDependencies<'_> =
            serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        if raw.deps.len() > DEPENDENCY_LIMIT {
            return Err(wrong(format!("it has {} dependencies", raw.deps.len())));
        }
        Ok(raw.deps.into_iter().map(IndexDependency::from).collect())
    }

    /// The features of one version, and its dependencies with what they turn on.
    ///
    /// # Errors
    /// [`IndexError::Line`] where the line cannot be read.
    pub fn features(&self, line: &IndexLine) -> Result<FeatureTable, IndexError> {
        let wrong = |why: String| IndexError::Line { version: line.version.clone(), why };
        let json = self.bytes.get(line.json.clone());
        let json = json.ok_or_else(|| wrong("it is a line of another file".to_owned()))?;
        let raw: RawFeatures<'_> =
            serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        if raw.deps.len() > DEPENDENCY_LIMIT {
            return Err(wrong(format!("it has {} dependencies", raw.deps.len())));
        }
        // Cargo keeps the newer syntax apart, for older cargos to pass over.
        let mut features = raw.features.unwrap_or_default();
        features.extend(raw.features2.unwrap_or_default());
        let used = raw.deps.into_iter().filter(|one| one.kind.as_deref() != Some("dev"));
        let dependencies = used.map(|one| FeatureDependency {
            key: one.name.clone().into_owned(),
            package: one.package.unwrap_or(one.name).into_owned(),
            requirement: one.req.into_owned(),
            optional: one.optional,
            default_features: one.default_features.unwrap_or(true),
            features: one.features.unwrap_or_default(),
        });
        Ok(FeatureTable { features, dependencies: dependencies.collect() })
    }
}

impl From<RawDependency<'_>> for IndexDependency {
    fn from(raw: RawDependency<'_>) -> Self {
        Self {
            // A renamed dependency carries its real name in `package`.
            package: raw.package.unwrap_or(raw.name).into_owned(),
            requirement: raw.req.into_owned(),
            // Lines from before 2016 leave the kind out; Cargo reads them as normal ones.
            kind: raw.kind.map_or_else(|| "normal".to_owned(), Cow::into_owned),
            optional: raw.optional,
            registry: raw.registry.map(Cow::into_owned),
            target: raw.target.map(Cow::into_owned),
        }
    }
}

fn check_size(bytes: &[u8]) -> Result<(), IndexError> {
    if bytes.len() > FILE_LIMIT { Err(IndexError::TooLarge(bytes.len())) } else { Ok(()) }
}

/// The bytes from `at` to the next NUL, without it.
fn until_nul(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let length = memchr::memchr(0, bytes.get(at..)?)?;
    Some(at..at + length)
}

fn cache_header(bytes: &[u8]) -> Result<(Revision, usize), IndexError> {
    let Some((&form, rest)) = bytes.split_first() else {
        return Err(IndexError::NotACache("it is empty"));
    };
    if form != CACHE_FORM {
        return Err(IndexError::NotACache("its form is not the one of Cargo 1.54 and later"));
    }
    let Some((index_form, _)) = rest.split_first_chunk::<4>() else {
        return Err(IndexError::NotACache("it ends within its header"));
    };
    if u32::from_le_bytes(*index_form) > INDEX_FORM {
        return Err(IndexError::NotACache("its index lines are of a newer form"));
    }
    let Some(text) = until_nul(bytes, 5) else {
        return Err(IndexError::NotACache("it ends within its header"));
    };
    let after = text.end + 1;
    let Ok(text) = std::str::from_utf8(&bytes[text]) else {
        return Err(IndexError::NotACache("its revision is not text"));
    };
    let revision = if let Some(etag) = text.strip_prefix("etag: ") {
        Revision::Etag(etag.to_owned())
    } else if let Some(time) = text.strip_prefix("last-modified: ") {
        Revision::LastModified(time.to_owned())
    } else if text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        Revision::Commit(text.to_owned())
    } else {
        // Cargo writes `Unknown`; whatever else stands here tells no more than that.
        Revision::Unknown
    };
    Ok((revision, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(version: &str, more: &str) -> String {
        format!(
            r#"{{"name":"acme","vers":"{version}","deps":[],"cksum":"AB","features":{{}},"yanked":false{more}}}"#
        )
    }

    fn cache(revision: &str, lines: &[(&str, String)]) -> Vec<u8> {
        let mut out = vec![3, 2, 0, 0, 0];
        out.extend_from_slice(revision.as_bytes());
        out.push(0);
        for (version, json) in lines {
            out.extend_from_slice(version.as_bytes());
            out.push(0);
            out.extend_from_slice(json.as_bytes());
            out.push(0);
        }
        out
    }

    #[test]
    fn lines_of_the_index_are_read_in_order() {
        let text = format!(
            "{}\n{}\n",
            line("0.1.0", ""),
            line("0.2.0", r#","pubtime":"2026-03-14T09:26:53Z","v":2"#)
        );
        let file = IndexFile::from_lines(text.into_bytes()).unwrap();
        assert_eq!(file.lines.len(), 2);
        assert_eq!(file.lines[0].published, None);
        assert_eq!(file.lines[0].checksum, "ab");
        assert_eq!(file.lines[1].published.as_deref(), Some("2026-03-14T09:26:53Z"));
    }

    #[test]
    fn a_mirror_may_write_its_json_with_spaces() {
        let json = r#"{"name": "acme", "vers": "1.0.0", "deps": [], "cksum": "ab", "features": {}, "yanked": null, "pubtime": null}"#;
        let file = IndexFile::from_cache(cache("Unknown", &[("1.0.0", json.to_owned())])).unwrap();
        assert_eq!(file.revision, Some(Revision::Unknown));
        assert_eq!(file.lines[0].yanked, None);
        assert_eq!(file.lines[0].published, None);
    }

    #[test]
    fn the_revision_says_where_a_cache_file_came_from() {
        for (text, revision) in [
            ("etag: W/\"a\"", Revision::Etag("W/\"a\"".to_owned())),
            ("last-modified: Sun", Revision::LastModified("Sun".to_owned())),
            (&"a".repeat(40), Revision::Commit("a".repeat(40))),
            ("Unknown", Revision::Unknown),
        ] {
            let file = IndexFile::from_cache(cache(text, &[])).unwrap();
            assert_eq!(file.revision, Some(revision));
        }
    }

    #[test]
    fn a_renamed_dependency_has_the_name_of_its_crate() {
        let json = line("1.0.0", "").replace(
            r#""deps":[]"#,
            r#""deps":[{"name":"cc2","req":"^1","features":[],"optional":true,"default_features":true,"target":"cfg(unix)","kind":"build","package":"cc"}]"#,
        );
        let file = IndexFile::from_lines(json.into_bytes()).unwrap();
        let dependency = &file.dependencies(&file.lines[0]).unwrap()[0];
        assert_eq!((dependency.package.as_str(), dependency.kind.as_str()), ("cc", "build"));
        assert!(dependency.optional);
    }

    #[test]
    fn a_bad_line_is_told_and_the_others_count() {
        let text = format!("{}\n{{\"name\":1}}\n{}\n", line("0.1.0", ""), line("0.3.0", ""));
        let file = IndexFile::from_lines(text.into_bytes()).unwrap();
        assert_eq!(file.lines.len(), 2);
        assert_eq!(file.bad[0].position, 1);
    }

    #[test]
    fn many_bad_lines_are_counted_and_few_kept() {
        let file = IndexFile::from_lines("x\n".repeat(100).into_bytes()).unwrap();
        assert_eq!((file.bad.len(), file.bad_left_out), (BAD_LINE_LIMIT, 100 - BAD_LINE_LIMIT));
        let flood = IndexFile::from_lines("x\n".repeat(VERSION_LIMIT + 1).into_bytes());
        assert_eq!(flood, Err(IndexError::TooManyVersions));
    }

    #[test]
    fn a_line_of_a_newer_form_is_not_guessed_at() {
        let file = IndexFile::from_lines(line("1.0.0", r#","v":3"#).into_bytes()).unwrap();
        assert!(file.lines.is_empty());
        assert_eq!(file.bad.len(), 1);
    }

    #[test]
    fn a_cache_file_cut_at_any_byte_is_an_error_or_says_that_it_is_cut() {
        let whole = cache("etag: x", &[("0.1.0", line("0.1.0", "")), ("0.2.0", line("0.2.0", ""))]);
        let first = cache("etag: x", &[("0.1.0", line("0.1.0", ""))]).len();
        let header = cache("etag: x", &[]).len();
        for cut in 0..whole.len() {
            match IndexFile::from_cache(whole[..cut].to_vec()) {
                Err(_) => assert!(cut < header, "cut at {cut}"),
                // A cut between two lines cannot be told from a shorter file.
                Ok(file) => assert!(!file.bad.is_empty() || cut == first || cut == header),
            }
        }
    }

    #[test]
    fn what_is_no_cache_file_is_refused() {
        for bytes in [&b""[..], b"<html>", &[3, 9, 0, 0, 0, b'x', 0], &[2, 2, 0, 0, 0, 0]] {
            assert!(matches!(IndexFile::from_cache(bytes.to_vec()), Err(IndexError::NotACache(_))));
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
        let json = line("1.0.0", "")
            .replace(r#""deps":[]"#, &format!(r#""deps":{}"#, "[".repeat(100_000)));
        let file = IndexFile::from_lines(json.into_bytes()).unwrap();
        assert_eq!(file.bad.len(), 1);
    }
}
