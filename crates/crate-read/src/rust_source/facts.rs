//! What a reading of source code yields. Lists are bounded by [`LISTED`]; what was left out is counted.

mod flow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::table::Capability;
pub use flow::{Act, ActWhen, Check, CheckKind, Flow, Step, StepKind};

/// Most entries of one list.
pub const LISTED: usize = 500;
/// Most characters of a text that is kept in a fact.
pub const TEXT_CHARS: usize = 200;

/// One use of an API, program, variable or place that the capability table knows.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct CapabilityHit {
    /// What it allows, one word of the capability table.
    pub capability: Capability,
    /// The full path of the API that was used, with `use`, aliases and re-exports resolved; `token` paths are as written.
    pub api: String,
    /// File inside the crate, `/` between its parts.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
    /// The constant that says more: a program, URL, variable, place or linker argument; empty where none is constant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether it stands in code that a macro generates (`quote!`) instead of in code that runs here.
    #[serde(default)]
    pub generated: bool,
    /// The crate through which it is reached; empty for the crate's own code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub through: String,
}

/// A program that is started.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Spawned {
    /// The program, where it is constant (`$NAME` for an environment variable, `{}` for an unknown part).
    pub program: String,
    /// Its constant arguments in order, at most 16.
    pub arguments: Vec<String>,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// A web address in the code.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct WebAddress {
    /// The address, with `{}` for parts that are not constant.
    pub url: String,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// How a file is reached.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReadKind {
    /// `include_bytes!`, `include_str!`.
    Include,
    /// `include!` or `#[path]`: it is compiled as Rust.
    Source,
    /// Opened or copied.
    File,
    /// A folder that is listed or walked.
    Folder,
    /// A pattern.
    Glob,
    /// Compiled or linked.
    Compile,
    /// Named by `rerun-if-changed` only: weak evidence.
    Watched,
}

/// A file, folder or pattern that code reaches.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Read {
    /// Path inside the crate; with `$NAME` in front where it hangs on an environment variable, absolute or
    /// starting with `..` where it leaves the crate, and `{}` for parts that are not constant.
    pub path: String,
    /// How it is reached.
    pub kind: ReadKind,
    /// Whether all parts of the path are constant.
    pub whole: bool,
    /// Whether the path is known to leave the crate.
    pub beyond: bool,
    /// Whether it is code that runs at build time that reaches it, not ordinary library code.
    pub at_build: bool,
    /// The file that names it.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// How a large literal is written.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LiteralForm {
    /// An array of numbers, or a byte string.
    Bytes,
    /// Base64 text.
    Base64,
    /// Hexadecimal text.
    Hex,
    /// Many texts that are joined.
    Table,
}

/// A literal of at least 256 bytes that stands for bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LargeLiteral {
    /// How it is written.
    pub form: LiteralForm,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
    /// Bytes that it decodes to (the first 4 MiB are decoded).
    pub size: u64,
    /// Shannon entropy of those bytes, bits per byte, 0 to 8.
    pub entropy: f64,
    /// What the first bytes say: `elf`, `pe`, `gzip`, `xz`, `zip`, `script`, ...; empty where nothing is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub magic: String,
    /// SHA-256 of those bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// A file that could not be parsed, and was read as tokens or not at all.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Unparsed {
    /// File inside the crate (or the path that was asked for, where there is none).
    pub file: String,
    /// Line of the problem, from 1; 0 where there is none.
    pub line: u32,
    /// Why, in one short sentence.
    pub reason: String,
    /// Why, in one word.
    #[serde(default)]
    pub why: Unread,
}

/// Why a file was not parsed.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Unread {
    /// It is not Rust as it is known here; it was read as tokens.
    #[default]
    Syntax,
    /// A limit of the reader was hit: what stands there was read as tokens, or not at all.
    Limit,
    /// Code names it, and it was not among the files at hand.
    Absent,
    /// Code names it, and it lies outside of the crate.
    Beyond,
}

impl Unparsed {
    /// Whether code names a file that was not among those at hand.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self.why, Unread::Absent | Unread::Beyond)
    }

    /// Whether code names a file that lies outside of the crate.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.why == Unread::Beyond
    }
}

/// A message of a build script to cargo.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Directive {
    /// The key, `rustc-link-lib` and so on.
    pub key: String,
    /// The value, with `{}` for parts that are not constant.
    pub value: String,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// Whether what is fetched is compared with a digest that the crate pins.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    /// A computed digest is compared, and the crate's own files hold a constant digest.
    PinnedDigest,
    /// A digest is computed, but only names a folder or a cache entry.
    CacheKeyOnly,
    /// No digest is computed.
    None,
    /// It cannot be told: the fetching happens in another crate, or a comparison without a constant digest.
    Unknown,
}

/// A place in the code that backs a statement.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Place {
    /// What is there.
    pub note: String,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// What the code fetches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Downloads {
    /// Addresses in the crate's build code, constant parts only.
    pub urls: Vec<String>,
    /// APIs, programs or crates that fetch.
    pub by: Vec<String>,
    /// Whether what is fetched is compared with a pinned digest.
    pub verification: Verification,
    /// Where that is seen.
    pub evidence: Vec<Place>,
}

/// Everything that a reading of some code of one crate yields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodeFacts {
    /// Files that the entry points reach, in order; each was parsed or is in `unparsed`.
    pub files: Vec<String>,
    /// Uses of known APIs, in order of file and line.
    pub capabilities: Vec<CapabilityHit>,
    /// Programs that are started.
    pub spawned: Vec<Spawned>,
    /// Web addresses in string constants.
    pub urls: Vec<WebAddress>,
    /// Names of environment variables that are read, sorted.
    pub variables: Vec<String>,
    /// Files, folders and patterns that are reached.
    pub reads: Vec<Read>,
    /// Data that is read, transformed and written or run.
    pub flows: Vec<Flow>,
    /// Large literals that stand for bytes.
    pub literals: Vec<LargeLiteral>,
    /// Messages to cargo.
    pub directives: Vec<Directive>,
    /// What it does by itself or under a condition on the machine, at most 32.
    #[serde(default)]
    pub acts: Vec<Act>,
    /// How what is fetched is checked, at most 64.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Files of the crate that it starts or gives to an interpreter, sorted: they were read as scripts.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// Files that could not be parsed.
    pub unparsed: Vec<Unparsed>,
    /// Crates that the code names (first segments of paths that are neither local nor `std`), sorted.
    pub crates: Vec<String>,
    /// What is fetched; absent where nothing is.
    pub downloads: Option<Downloads>,
    /// Entries left out because a list was full.
    pub left_out: u64,
    /// What the reading took: expressions that were walked, and tokens of files that were not parsed.
    pub work: u64,
}
