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
    /// Where the answers come from, each with its date; absent where nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}
