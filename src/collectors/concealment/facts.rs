//! The facts about what readers do not see.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collectors::archive::FileRole;
use crate::domain::Measured;
use crate_read::concealment::{Difference, Encoding, HiddenKind, Place};

/// What a crate keeps from its readers' eyes. Read from the bytes of the archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConcealmentFacts {
    /// Files with data behind the end of their well-formed stream, ordered by path; at most 200.
    pub trailing: Vec<TrailingData>,
    /// Hidden characters in source texts, one a line and kind, ordered by path; at most 200.
    pub hidden_text: Vec<HiddenText>,
    /// Identifiers of Rust code that look like other ones, ordered by path; at most 200.
    pub look_alikes: Vec<LookAlikeName>,
    /// Texts with an encoded run of at least 4,096 characters on one line, ordered by path; at most 200.
    pub encoded: Vec<EncodedText>,
    /// Programs that a `.cargo/config.toml` of the crate names, ordered by path; at most 200. Cargo reads
    /// such a file only for whoever builds inside the unpacked crate.
    pub cargo_programs: Vec<CargoProgram>,
    /// Patterns of `.gitignore` files and of `package.exclude` that match build inputs, ordered by path;
    /// at most 200.
    pub ignored_inputs: Vec<IgnoredInput>,
    /// Differences between `Cargo.toml` and `Cargo.toml.orig` that packaging does not make, at most 100.
    /// Unknown where either is missing or cannot be read.
    pub manifest_differences: Measured<Vec<Difference>>,
    /// `package.links` of the manifest in force, the native library that it binds.
    pub links: Option<String>,
    /// Entries that were left out because a list was full.
    pub left_out: u64,
}

/// Data behind the end of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrailingData {
    /// The format: `png`, `gzip`, `zip` or `riff`.
    #[schemars(extend("enum" = ["png", "gzip", "zip", "riff"]))]
    pub format: String,
    /// Where the data begins, in bytes from the start of the file.
    pub at: u64,
    /// Length of the data in bytes.
    pub size: u64,
    /// The file inside the crate.
    pub path: String,
    /// What part it plays, by its path.
    pub role: FileRole,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A hidden character.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HiddenText {
    /// What it does: `bidi`, `invisible` or `payload`.
    pub kind: HiddenKind,
    /// Where it stands: `code`, `comment` or `string`.
    pub place: Place,
    /// The code point, such as `U+202E`.
    pub character: String,
    /// The file inside the crate.
    pub path: String,
    /// What part it plays, by its path.
    pub role: FileRole,
    /// Line, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// An identifier that looks like another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookAlikeName {
    /// The identifier.
    pub name: String,
    /// The name in ASCII that it looks like.
    pub looks_like: String,
    /// The file inside the crate.
    pub path: String,
    /// What part it plays, by its path.
    pub role: FileRole,
    /// Line, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A text with an endless encoded line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EncodedText {
    /// How it is written.
    pub encoding: Encoding,
    /// Characters of the longest run.
    pub length: u64,
    /// The file inside the crate.
    pub path: String,
    /// What part it plays, by its path.
    pub role: FileRole,
    /// Line, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A program that cargo's configuration names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CargoProgram {
    /// The key, such as `build.rustc-wrapper`.
    pub key: String,
    /// The program, as it stands there.
    pub program: String,
    /// The file inside the crate.
    pub path: String,
    /// Line, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A pattern that hides a build input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct IgnoredInput {
    /// The pattern.
    pub pattern: String,
    /// A name that it matches, such as `build.rs`; `x` stands for any stem.
    pub matches: String,
    /// The `.gitignore` inside the crate, or `Cargo.toml` for `package.exclude`.
    pub path: String,
    /// Line, from 1; 0 where it stands in the manifest.
    pub line: u64,
}
