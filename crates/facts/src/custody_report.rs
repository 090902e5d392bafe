//! Who holds the keys of a graph: the custody report, as plain data for whoever lays it out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who can publish what this project builds, and what changed hands lately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyReport {
    /// Day of the report, `YYYY-MM-DD`.
    pub as_of: String,
    /// Registry crates in the graph; each name once.
    pub crates: u32,
    /// Of how many the owners are known.
    pub owners_known: u32,
    /// Of how many the publishers are known.
    pub publishers_known: u32,
    /// Everybody who can publish at least one of them, most crates that run at build time first, then
    /// most crates.
    pub accounts: Vec<KeyHolder>,
    /// Crates that run at build time and that one account alone can publish, by name.
    pub sole_build_publishers: Vec<SolePublisher>,
    /// Crates worth an eye, by name: the people who publish changed within 24 months, one account alone
    /// can publish now, and a tenth of the graph's crates at most are needed by as many others. Nothing
    /// is known against them; this is where xz stood a year before its payload.
    pub watch: Vec<WatchedCrate>,
    /// Custody events of the last 24 months, newest first, at most 500.
    pub events: Vec<ReportEvent>,
    /// Events that are not in the list.
    pub events_left_out: u32,
    /// Crates of which the owners are not known, with the reason, by name.
    pub unknown: Vec<UnknownCrate>,
}

/// An account or team that can publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyHolder {
    /// Login. A string of strangers.
    pub login: String,
    /// A team: an unknown number of people.
    pub team: bool,
    /// Crates of this graph that it can publish.
    pub crates: u32,
    /// How many of them run at build time.
    pub build_crates: u32,
    /// How many of them it alone can publish, as far as that is known.
    pub sole: u32,
    /// Their names, ordered, at most 100.
    pub names: Vec<String>,
}

/// A crate that runs at build time and hangs on one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SolePublisher {
    /// The crate.
    pub name: String,
    /// The account. A string of strangers.
    pub login: String,
    /// How many other crates of the graph the account can publish.
    pub other_crates: u32,
}

/// A crate that many need and that hangs on one newcomer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WatchedCrate {
    /// The crate.
    pub name: String,
    /// The account. A string of strangers.
    pub login: String,
    /// Day of the succession, `YYYY-MM-DD`.
    pub since: String,
    /// How many crates of the graph depend on it, directly or not.
    pub dependents: u32,
    /// The crate runs at build time.
    pub build_executed: bool,
}

/// A change of custody in the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportEvent {
    /// The crate.
    pub name: String,
    /// What changed: `owner-added`, `succession`, ...
    pub kind: String,
    /// Since which day it was known, `YYYY-MM-DD`.
    pub date: String,
    /// Its age in days.
    pub age_days: i64,
    /// The account. A string of strangers.
    pub who: String,
    /// The state before.
    pub before: String,
    /// The state after.
    pub after: String,
    /// The crate runs at build time.
    pub build_executed: bool,
    /// Which source shows it.
    pub source: String,
}

/// A crate of which not enough is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownCrate {
    /// The crate.
    pub name: String,
    /// Why.
    pub reason: String,
}
