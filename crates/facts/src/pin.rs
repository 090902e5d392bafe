//! What a project has accepted: who held the keys of a crate or model on the day it was looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A crate as it was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CratePin {
    /// Name.
    pub name: String,
    /// Version that was in the lockfile.
    pub version: String,
    /// SHA-256 of its archive, lower-case hexadecimal; absent where the lockfile has none.
    pub sha256: Option<String>,
    /// Logins of the owners, sorted; absent where they were not known.
    pub owners: Option<Vec<String>>,
    /// Logins that had published within 24 months, sorted; absent where they were not known.
    pub publishers: Option<Vec<String>>,
    /// The version was published by a trusted workflow; absent where that was not known.
    pub trusted_publishing: Option<bool>,
    /// Day on which this was seen, `YYYY-MM-DD`.
    pub seen: String,
    /// Why a change was accepted, in the words of the person who did.
    pub reason: Option<String>,
    /// What of it runs at build time; absent where that was not pinned.
    pub build: Option<BuildPin>,
}

/// The code of a crate that runs at build time, as it was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BuildPin {
    /// SHA-256 over path and bytes of all of it, lower-case hexadecimal; absent where nothing runs.
    pub sha256: Option<String>,
    /// Its files, sorted.
    pub files: Vec<String>,
    /// What it can do, in the words of the rules, sorted.
    pub can: Vec<String>,
}

/// A model as it was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelPin {
    /// `owner/name`.
    pub repository: String,
    /// Commit.
    pub revision: String,
    /// Its files, sorted by path.
    pub files: Vec<PinnedFile>,
    /// Logins that committed to it, sorted; absent where they were not known.
    pub committers: Option<Vec<String>>,
    /// Whether an `organization` or a `user` held its namespace; absent where that was not known.
    pub namespace: Option<String>,
    /// Whom its signature claimed to be by, empty where nobody had signed; absent where it was not known.
    pub signer: Option<String>,
    /// Day on which this was seen, `YYYY-MM-DD`.
    pub seen: String,
    /// Why a change was accepted.
    pub reason: Option<String>,
}

/// A package of Python or npm as it was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackagePin {
    /// `python` or `npm`.
    pub ecosystem: String,
    /// Name.
    pub name: String,
    /// Version that was locked; empty where none was.
    pub version: String,
    /// SHA-256 of its archive, lower-case hexadecimal; absent where the lock has none, or has several archives.
    pub sha256: Option<String>,
    /// Whether it runs code of its own when it is installed; absent where the lock does not say.
    pub runs_on_install: Option<bool>,
    /// Day on which this was seen, `YYYY-MM-DD`.
    pub seen: String,
    /// Why a change was accepted.
    pub reason: Option<String>,
}

/// A file of a model.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct PinnedFile {
    /// Path in the repository.
    pub path: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// What it imports, sorted, where it is Python that was read; absent otherwise.
    pub imports: Option<Vec<String>>,
}

/// Everything that a project has accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pins {
    /// Crates, by name and version.
    pub crates: Vec<CratePin>,
    /// Models, by repository and revision.
    pub models: Vec<ModelPin>,
    /// Packages of Python and npm, by ecosystem, name and version.
    pub packages: Vec<PackagePin>,
}
