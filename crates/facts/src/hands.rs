//! What a reader of `check` is told first: what changed hands, who could publish alone, how much of it
//! is known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::custody_report::{ReportEvent, SolePublisher};

/// The hands that hold the audited crates. Context, never a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hands {
    /// Registry crates that this speaks of, each name once.
    pub crates: u32,
    /// How many of them run at build time.
    pub build_crates: u32,
    /// Only the crates that the change touches are meant, and not the whole graph.
    pub of_change: bool,
    /// Of how many the owners are known.
    pub owners_known: u32,
    /// Of how many the publishers are known.
    pub publishers_known: u32,
    /// What changed hands in the last 24 months: crates that run at build time first, then newest
    /// first; at most 200.
    pub events: Vec<ReportEvent>,
    /// Events that are not in the list.
    pub events_left_out: u32,
    /// Crates that run at build time and that one account alone can publish, by name.
    pub alone: Vec<SolePublisher>,
    /// Who could publish and who did, of the crates with such a change, in their order: at most 40.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<HandsLane>,
    /// Where the answers come from, each with its date; absent where nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Two years of one crate: who could publish it, and what was published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandsLane {
    /// The crate.
    pub name: String,
    /// The version that the lockfile names.
    pub locked: String,
    /// The crate runs at build time.
    pub build_executed: bool,
    /// Owners of today, and those who are gone; at most 8.
    pub owners: Vec<LaneOwner>,
    /// Its releases of the last 24 months, oldest first; at most 60, the newest.
    pub releases: Vec<LaneRelease>,
}

/// An owner in a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneOwner {
    /// Login. A string of strangers.
    pub login: String,
    /// A team.
    pub team: bool,
    /// Days since they were made owner; absent where no source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_days: Option<i64>,
    /// Days since they were seen to be gone; absent where they are owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_days: Option<i64>,
}

/// A release in a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneRelease {
    /// Version.
    pub version: String,
    /// Days since it was published.
    pub days: i64,
    /// Who published it; empty for a workflow, absent where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// It is the first by that account, and others published before.
    #[serde(default)]
    pub first: bool,
}
