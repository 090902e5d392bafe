//! What locks of Python and npm say of each package (facts group `package_lock`), of themselves (`packages`), and
//! what the code of a model imports beside them (`imports`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

/// Which packages.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum Ecosystem {
    /// Distributions of Python.
    Python,
    /// Packages of npm.
    Npm,
}

impl Ecosystem {
    /// The word for messages and for the origin of a subject.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Npm => "npm",
        }
    }
}

/// What kind of place a package is taken from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum PackageSource {
    /// An index, the default one where none is named.
    Index,
    /// One file by its address.
    Address,
    /// A repository.
    Git,
    /// A folder or file on disk.
    Path,
}

/// What a lock says of one package.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct PackageFacts {
    /// `python` or `npm`.
    pub ecosystem: Ecosystem,
    /// Where it is taken from: `index`, `address`, `git` or `path`.
    pub source: PackageSource,
    /// The index, address or repository, without credentials; absent where the file names none.
    pub address: Option<String>,
    /// Whether one version is asked for, and no other will do.
    pub pinned: bool,
    /// Whether the file holds a hash of the archive or, for git, a commit.
    pub hashed: bool,
    /// Whether there is no wheel, so that `setup.py` or a build backend runs when it is installed. Null
    /// where the file does not list archives.
    pub only_source: Option<bool>,
    /// Whether a script of its own runs when it is installed. Null where the file does not say.
    pub install_script: Option<bool>,
    /// Day of the newest upload of this version, `YYYY-MM-DD`. Null where the file does not say.
    pub uploaded: Option<String>,
    /// Days from that upload to the day the audit speaks of; negative where it came later. Null where
    /// the file does not say.
    pub age_days: Option<i64>,
    /// Files that name it, sorted; at most 20.
    pub files: Vec<String>,
}

/// The locks and lists of packages of a project.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct PackageFiles {
    /// In order of their paths; at most 500.
    pub files: Vec<PackageFile>,
}

/// One lock or list of packages.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct PackageFile {
    /// The file, relative to the audited folder.
    pub path: String,
    /// `python` or `npm`.
    pub ecosystem: Ecosystem,
    /// Number of packages that it names, with those of files that it includes.
    pub packages: u64,
    /// Number of them that come from an index without a hash.
    pub unhashed: u64,
    /// Indexes beside the main one that it asks, with those of files that it includes.
    pub extra_indexes: Vec<ExtraIndex>,
}

/// An index that is asked beside the main one.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct ExtraIndex {
    /// Its address, without credentials.
    pub address: String,
    /// Whether the file holds a user name or password for it.
    pub credentials: bool,
    /// File that names it.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
}

/// What the code of a model imports that no lock around it names.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct ImportFacts {
    /// Distributions that imports ask for and no lock names, sorted; at most 200.
    pub unlocked: Vec<Imported>,
    /// Modules that no table leads to a distribution and that no lock has by that name, sorted; at most 200.
    /// A free name can be taken by anybody.
    pub untold: Vec<Imported>,
    /// Number of lists and locks of Python packages that were looked at.
    pub locks: u64,
    /// Locked packages that came into being after the model's repository, sorted; at most 200. Unknown where
    /// nobody told since when there is the model or one of the packages. Source: the Hub, and the index that
    /// the user named.
    pub younger: Measured<Vec<YoungerImport>>,
}

/// A package that is younger than the model whose code imports it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct YoungerImport {
    /// The distribution.
    pub distribution: String,
    /// The top-level module.
    pub module: String,
    /// File of the model that imports it first.
    pub path: String,
    /// Days since there is a package of that name.
    pub package_days: i64,
    /// Days since there is the model's repository.
    pub model_days: i64,
}

/// A module that code imports.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Imported {
    /// The top-level module.
    pub module: String,
    /// The distribution that holds it, by a table; the module's own name where none is told.
    pub distribution: String,
    /// File of the model that imports it first.
    pub path: String,
}
