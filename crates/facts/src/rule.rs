//! Names of what is risky: rule ids, levels, axes, and what a reader is told about a rule.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SubjectKind;

/// A rule's id: kebab-case, equal to its file name, stable for ever.
pub type RuleId = String;

/// Where the pages about this program's rules are published; the rule's id and `.html` follow.
pub const PAGES: &str = "https://cargo-custody.github.io/cargo-custody/";

/// How much of a reviewer's attention a finding asks for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Context; hidden by default.
    Note,
    /// Worth knowing at an update.
    Low,
    /// Worth a look before merging.
    Medium,
    /// Stop and look.
    High,
    /// Do not run this.
    Critical,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 5] = [Self::Note, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in rules, flags and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a signal speaks of. A crate's score takes the strongest signal of each axis.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Did the power to publish change, or fall into new hands?
    Opportunity,
    /// Is there something that could be a payload?
    Means,
    /// Will it run on my machine without being called?
    Path,
    /// Is it hidden from review?
    Concealment,
}

impl Axis {
    /// The word in rules and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opportunity => "opportunity",
            Self::Means => "means",
            Self::Path => "path",
            Self::Concealment => "concealment",
        }
    }
}

/// Whether users see a rule by itself.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// One property, shown only with `--all` or as part of a finding.
    Signal,
    /// What users see.
    Finding,
}

/// A rule as readers and viewers see it: everything but its condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleInfo {
    /// Stable id.
    pub id: RuleId,
    /// Signal or finding.
    pub kind: RuleKind,
    /// One line that states the observation.
    pub title: String,
    /// Level of a finding of this rule.
    pub level: Level,
    /// Axis, for signals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis: Option<Axis>,
    /// What it can be about.
    pub applies_to: Vec<SubjectKind>,
    /// What it measures, why it matters, when it is wrong (Markdown).
    pub docs: String,
    /// What would clear it.
    pub clear: String,
    /// Where to read more.
    pub references: Vec<String>,
    /// Address of its page; only the rules of this program have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}
