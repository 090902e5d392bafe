//! Where the files of a crate lie that cargo would compile, where that is no archive of a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Measured, NodeIndex};

/// What sort of place it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// A folder of the project: one of its own crates, or a path dependency inside it.
    Path,
    /// A checkout that cargo made of a git repository.
    Git,
    /// A folder that source replacement puts in the place of a registry or of git.
    Vendored,
    /// A folder with archives that source replacement puts in the place of a registry.
    LocalRegistry,
    /// A folder that `paths` of cargo's configuration puts in the place of a crate.
    Override,
}

impl PlaceKind {
    /// The kebab-case word, as it stands in rules and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Git => "git",
            Self::Vendored => "vendored",
            Self::LocalRegistry => "local-registry",
            Self::Override => "override",
        }
    }
}

/// A folder with the files of one crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The folder that holds the manifest.
    pub folder: PathBuf,
    /// Links are followed as long as they stay inside this folder.
    pub within: PathBuf,
    /// Folders below it that are crates of the graph themselves: their files are not this crate's.
    pub without: BTreeSet<PathBuf>,
    /// Files and folders that belong there and could not be had, with the reason: a submodule whose
    /// repository is not at hand.
    pub lacking: BTreeMap<PathBuf, String>,
}

impl Place {
    /// A folder of which all files belong to the crate, and none is lacking.
    #[must_use]
    pub fn new(kind: PlaceKind, folder: PathBuf, within: PathBuf) -> Self {
        Self { kind, folder, within, without: BTreeSet::new(), lacking: BTreeMap::new() }
    }
}

/// Nodes whose files do not come from an archive; of some it is only known why there is no place.
pub type Places = BTreeMap<NodeIndex, Measured<Place>>;
