//! Group `source`: where the files of a crate were read that come from no archive, and what of them was
//! not read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::PlaceKind;

/// What is known of a crate's folder. Crates that come from an archive have no such group.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct SourceFacts {
    /// What sort of place the files lie in: `path`, `vendored`.
    pub kind: PlaceKind,
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files and folders that lie there and were not read, code first, at most 200.
    pub left_out: Vec<LeftOut>,
    /// How many more there are.
    pub left_out_more: u64,
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
