//! What is found in one file of a native tree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything found in one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NativeFile {
    /// Upstream versions that the file names.
    pub upstreams: Vec<Upstream>,
    /// Repositories that a `.gitmodules` names.
    pub submodules: Vec<Submodule>,
}

/// A version that a vendored tree gives itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upstream {
    /// Name of the upstream project in lower case, such as `xz`, `zstd` or `openssl`; one spelling for
    /// projects with several. Where no table knows it, what the file calls it.
    pub name: String,
    /// Version as the file gives it, such as `5.6.1` or `8.22.0-DEV`.
    pub version: String,
    /// Folder of the vendored tree inside the crate, empty for the crate's root. A guess from the path:
    /// everything before the first folder called `src`, `include`, `lib` and the like.
    pub tree: String,
    /// The file inside the crate.
    pub path: String,
    /// Line, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A git submodule that the tree names: where vendored sources come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Submodule {
    /// Folder that it is checked out to.
    pub folder: String,
    /// Address as it stands in the file.
    pub url: String,
    /// The `.gitmodules` file inside the crate.
    pub path: String,
    /// Line of the address, from 1.
    pub line: u64,
}
