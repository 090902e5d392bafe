//! Group `source`: where the files of a crate were read that come from no archive, and what of them was
//! not read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LISTED;
use crate::collectors::archive::FileRole;
use crate::domain::{Measured, PlaceKind};

/// What is known of a crate's folder. Crates that come from an archive have no such group.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct SourceFacts {
    /// What sort of place the files lie in: `path`, `git`, `vendored`, `local-registry`, `override`.
    pub kind: PlaceKind,
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files and folders that lie there and were not read, code first, at most 200.
    pub left_out: Vec<LeftOut>,
    /// How many more there are.
    pub left_out_more: u64,
    /// Files that differ from the archive whose SHA-256 the lockfile pins, those that are compiled or run
    /// first, at most 200. Empty where the lockfile promises nothing about the place; unknown where the
    /// archive is not at hand. What `cargo vendor` itself leaves out or adds is not among them.
    pub altered: Measured<Vec<AlteredFile>>,
    /// How many more there are.
    pub altered_more: u64,
    /// Of a vendored folder, files that are not as its own `.cargo-checksum.json` has them, or the archive
    /// as a whole where that list names another one than the lockfile; at most 200. Cargo refuses to
    /// build such a folder. Unknown where the list cannot be read; empty for other places.
    #[serde(default = "nothing")]
    pub contradicted: Measured<Vec<String>>,
}

fn nothing() -> Measured<Vec<String>> {
    Measured::Known(Vec::new())
}

impl SourceFacts {
    /// Everything was read, and nothing was promised that could differ.
    #[must_use]
    pub fn whole(kind: PlaceKind, files: u64, bytes: u64) -> Self {
        Self {
            kind,
            files,
            bytes,
            left_out: Vec::new(),
            left_out_more: 0,
            altered: Measured::Known(Vec::new()),
            altered_more: 0,
            contradicted: nothing(),
        }
    }

    /// Takes over what differs from the published archive, the gravest first.
    pub fn put_altered(&mut self, altered: Measured<Vec<AlteredFile>>) {
        let count = altered.known().map_or(0, Vec::len);
        self.altered_more = count.saturating_sub(LISTED) as u64;
        self.altered = altered.map(|mut altered| {
            altered.truncate(LISTED);
            altered
        });
    }
}

/// How a file differs from the published one.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum FileChange {
    /// The archive has other bytes.
    Changed,
    /// The archive has no such file.
    Added,
    /// Only the archive has it.
    Missing,
}

/// A file that differs from the published one.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct AlteredFile {
    /// Path inside the crate.
    pub path: String,
    /// How it differs: `changed`, `added`, `missing`.
    pub change: FileChange,
    /// What part it plays, from its path.
    pub role: FileRole,
    /// It is, or was, part of the code that runs at build time, is read by that code, or is the manifest
    /// of a crate whose code runs at build time.
    pub at_build: bool,
    /// It can be compiled into the crate: Rust or native source outside of tests, examples and benches,
    /// or the manifest.
    pub compiled: bool,
    /// SHA-256 of its bytes as they lie there, lower-case hexadecimal; empty where it is missing.
    pub sha256: String,
}

/// A file or folder that was not read.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Path below the crate's folder, with `/`.
    pub path: String,
    /// Why, in a few words.
    pub reason: String,
    /// Whether it can hold Rust code: by its extension, or because it is a folder.
    pub code: bool,
}
