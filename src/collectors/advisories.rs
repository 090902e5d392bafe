//! Group `advisories`: what the `RustSec` database says of a locked version. For the same database the ids
//! and packages are those of cargo-audit, yanked packages apart.
//!
//! Only the folders of crates that are in the graph are read. The database is a folder that the user
//! names, the copy that [`update`] downloaded, or one that another tool left in Cargo's home; [`present`]
//! and [`current`] choose.

mod choice;
mod database;
mod fixes;
mod install;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use choice::{Choice, current, is_due, present};
pub use database::{AdvisoryDb, DateFrom};
pub use fixes::{Asked, Choices, Fix, Versions};
pub use install::{Days, Installed, install, update};

use crate::domain::Measured;
use crate::net::NetError;

/// Name of the group.
pub const GROUP: &str = "advisories";
/// Age from which a database counts as stale, in days.
pub const STALE_AFTER_DAYS: i64 = 90;
/// Why nothing is known where there is no database.
pub const NO_DATABASE: &str =
    "there is no advisory database, and the run is offline: run `cargo custody db update`";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoryError {
    /// The folder has no `crates` folder in it.
    #[error("{0} is no advisory database: it has no folder `crates`")]
    NotADatabase(String),
    /// There is no advisory in it.
    #[error("{0} is no advisory database: it holds no advisory")]
    Empty(String),
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// File or folder.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The note about the downloaded copy cannot be read.
    #[error(
        "{0}: the note about the downloaded database is damaged; run `cargo custody db update`"
    )]
    DamagedNote(String),
    /// The archive could not be downloaded.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The archive is not one.
    #[error("the downloaded archive: {0}")]
    Archive(String),
    /// The archive can be read but is not put in place of the present database.
    #[error("the downloaded database is not used: {0}")]
    Refused(String),
}

/// One advisory that the locked version is affected by. From the database.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct AdvisoryFact {
    /// Its id, such as `RUSTSEC-2026-0260`.
    pub id: String,
    /// `vulnerability`, `malicious` (the category of that name), or the word of an informational
    /// advisory: `unmaintained`, `unsound`, `notice`.
    #[schemars(extend("enum" = ["vulnerability", "malicious", "unmaintained", "unsound", "notice"]))]
    pub kind: String,
    /// Its first line.
    pub title: String,
    /// Day of the advisory, `YYYY-MM-DD`.
    pub date: String,
    /// Its categories, such as `memory-corruption`.
    pub categories: Vec<String>,
    /// CVSS vector, where it has one.
    pub cvss: Option<String>,
    /// Severity according to CVSS: `none`, `low`, `medium`, `high`, `critical`; where it has a vector.
    #[schemars(extend("enum" = ["none", "low", "medium", "high", "critical"]))]
    pub severity: Option<String>,
    /// Version requirements that are not affected any more; empty where there is no fix.
    pub patched: Vec<String>,
    /// Version requirements that never were.
    pub unaffected: Vec<String>,
    /// The same issue elsewhere, such as a CVE.
    pub aliases: Vec<String>,
    /// Where to read more.
    pub url: Option<String>,
    /// How a version that it does not affect is come by.
    #[serde(default)]
    pub fix: Fix,
    /// The lowest such version above the locked one: one that cargo takes for compatible where there is
    /// one, and one that no other advisory affects where there is one; from the registry's index, or
    /// where that is not known from what `patched` begins with.
    #[serde(default)]
    pub fixed_in: Option<String>,
    /// Whose requirement keeps that version out, where `fix` is `upgrade` and it is known: `name version
    /// (requirement)`, at most 8; from the manifests of the project and the index.
    #[serde(default)]
    pub held_by: Vec<String>,
    /// What to do about it, in a sentence with the command; null where no version mends it.
    #[serde(default)]
    pub remedy: Option<String>,
}

/// Group `advisories`: what is known about a locked version by the day that the audit speaks of.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct AdvisoryFacts {
    /// Advisories that affect the locked version, withdrawn ones and later ones left out, ordered by
    /// id, at most 2,000; from the database.
    pub list: Measured<Vec<AdvisoryFact>>,
    /// Advisories beyond the list.
    pub left_out: Measured<u64>,
    /// The day whose state the database shows, `YYYY-MM-DD`.
    pub database_date: Measured<String>,
    /// What that day is taken from: `download`, or `newest-advisory`.
    pub database_date_from: Measured<DateFrom>,
    /// Age of the database in whole days; 0 where it is newer than the day of the audit.
    pub database_age_days: Measured<i64>,
    /// Whether it is older than 90 days.
    pub database_stale: Measured<bool>,
}

#[cfg(test)]
mod tests;
