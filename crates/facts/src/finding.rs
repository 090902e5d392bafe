//! What was found, and what could not be determined.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Axis, Evidence, Level, Location, RuleId, Subject};

/// One step of the way from the project to a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct PathStep {
    /// Name of the package or model.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// What a change did to a finding, in delta mode.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// This change brings it in.
    Introduced,
    /// It was there, and this change makes it worse.
    Raised,
    /// It was there before.
    Existing,
}

/// Why a finding does not count against the exit code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    /// The reason that the waiver gives.
    pub reason: String,
    /// Until when, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// One term of a score: the strongest signal of one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// What the signal speaks of.
    pub axis: Axis,
    /// Id of the signal.
    pub signal: RuleId,
    /// What the signal states, in one line.
    pub title: String,
    /// What it weighs here, in bits.
    pub bits: f64,
    /// Honest crates on which it fires, of those that were measured.
    pub fires: u32,
    /// Honest crates on which it could be determined; 0 where nobody has measured it.
    pub of: u32,
    /// What is left of the weight of an old event, from 0 to 1.
    pub decay: f64,
    /// The signal reads what the rule of the finding reads: it says how unusual the finding is, and not only
    /// the crate. Absent in reports of older versions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
}

/// Why a finding that stood when the project switched its gate on does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baselined {
    /// Day of the baseline, `YYYY-MM-DD`.
    pub recorded: String,
    /// The reason that the baseline gives.
    pub reason: String,
}

/// The advisory that a finding is about, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdvisoryNote {
    /// Its id, such as `RUSTSEC-2026-0260`.
    pub id: String,
    /// `vulnerability`, `malicious`, `unmaintained`, `unsound` or `notice`.
    pub kind: String,
    /// Day of the advisory, `YYYY-MM-DD`.
    pub date: String,
    /// Severity according to CVSS, where it has a vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The CVSS vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<String>,
    /// The same issue elsewhere, such as a CVE.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Version requirements that are not affected any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patched: Vec<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `update`: the lock alone has to change. `upgrade`: a requirement, too. `none`: no version mends it.
    pub fix: String,
    /// The version that mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_in: Option<String>,
    /// Who asks for a version that is not mended, where `fix` is `upgrade`: name, version, requirement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<String>,
}

/// A judged observation, ready to be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Id of the rule that fired.
    pub rule: RuleId,
    /// How much attention it asks for.
    pub level: Level,
    /// Sum over the axes in bits, times the link factor; orders findings of one level.
    pub score: f64,
    /// Whom it is about.
    pub subject: Subject,
    /// What was seen, one sentence or two, with numbers.
    pub message: String,
    /// What backs it.
    pub evidence: Vec<Evidence>,
    /// Where a reviewer looks first.
    pub location: Location,
    /// Other places worth a link: the declaration of the direct dependency that brings it in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Location>,
    /// Why it is in the graph: from the project to the subject.
    pub path: Vec<PathStep>,
    /// What this change did to it; absent outside delta mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// How the score came about, one line a term.
    pub arithmetic: Vec<String>,
    /// The terms of the score, as data: at most one an axis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Term>,
    /// What would clear it.
    pub clear: String,
    /// The advisory that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advisory: Option<AdvisoryNote>,
    /// Present where a waiver covers it; it then does not gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// Present where the baseline knows it as it is; it then does not gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baselined: Option<Baselined>,
}

/// Something that a rule or a reader would want to know and that could not be determined.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Undetermined {
    /// Whom it is about.
    pub subject: Subject,
    /// Fact group or rule that could not be determined.
    pub what: String,
    /// File that could not be scanned, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why.
    pub reason: String,
    /// Whether the policy requires it: such an entry leads to exit code 3.
    #[serde(default)]
    pub required: bool,
}
