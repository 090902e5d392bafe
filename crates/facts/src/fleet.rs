//! Many projects at once: what is remembered of each, and what only all of them together can say.

use serde::{Deserialize, Serialize};

use super::Level;

/// Name of the format of lines, records and the summary.
pub const FLEET_SCHEMA: &str = "custody-fleet/1";

/// One line about one project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectLine {
    /// `custody-fleet/1`.
    pub schema: String,
    /// The project as the list names it. A string of strangers.
    pub project: String,
    /// Exit code that `check` would have ended with; 2 where it could not be audited.
    pub exit: u8,
    /// Why it could not be audited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Crates of registries that it locks.
    pub crates: usize,
    /// Findings that are neither waived nor known from before, most important first.
    pub findings: Vec<Struck>,
    /// Causes for which questions that the run needs were not answered.
    pub incomplete: Vec<String>,
}

/// A finding on one project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Struck {
    /// The rule.
    pub rule: String,
    /// How much it matters.
    pub level: Level,
    /// Whom it concerns: name and version.
    pub subject: String,
}

/// Everything that is remembered of a project, in a file of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// What was printed about it.
    #[serde(flatten)]
    pub line: ProjectLine,
    /// The day that the audit speaks of, `YYYY-MM-DD`.
    pub as_of: String,
    /// What the run was asked, as a hash: a record of another question is not taken for an answer.
    pub run: String,
    /// SHA-256 of the lockfile; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lockfile: Option<String>,
    /// The crates that it locks, by name and version.
    pub locked: Vec<LockedCrate>,
    /// Who can publish into it, by login.
    pub accounts: Vec<AccountHere>,
}

/// A crate in a lockfile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockedCrate {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// An account that can publish crates of one project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountHere {
    /// Login. A string of strangers.
    pub login: String,
    /// A team: an unknown number of people.
    pub team: bool,
    /// Names of the crates of this project that it can publish and that run when it is built.
    pub at_build: Vec<String>,
    /// Names of the others.
    pub others: Vec<String>,
}

/// What only the whole fleet can say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetSummary {
    /// `custody-fleet/1`.
    pub schema: String,
    /// The day that the audits speak of, `YYYY-MM-DD`.
    pub as_of: String,
    /// Projects, those that could not be audited included.
    pub projects: usize,
    /// Projects with a finding that fails them.
    pub failed: usize,
    /// Projects of which something needed was not read.
    pub incomplete: usize,
    /// Projects that could not be audited, and why, by name.
    pub not_audited: Vec<NotAudited>,
    /// Projects that failed or of which something needed was not read, the worst first; at most
    /// [`FleetSummary::ACCOUNTS`].
    #[serde(default)]
    pub not_passed: Vec<NotPassed>,
    /// Projects that are not in that list.
    #[serde(default)]
    pub not_passed_left_out: usize,
    /// Findings, those on most projects first.
    pub findings: Vec<FleetFinding>,
    /// Accounts and teams, those that can publish what runs at build in most projects first; at most
    /// [`FleetSummary::ACCOUNTS`].
    pub accounts: Vec<FleetAccount>,
    /// Accounts that are not in the list.
    pub accounts_left_out: usize,
    /// Projects for which no owner of any crate is known.
    pub without_custody: usize,
    /// Different crate versions that are locked.
    pub crate_versions: usize,
}

impl FleetSummary {
    /// Most accounts, and most projects, that are listed.
    pub const ACCOUNTS: usize = 500;
}

/// A project that could not be audited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotAudited {
    /// The project. A string of strangers.
    pub project: String,
    /// Why.
    pub why: String,
}

/// A project that was audited and did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotPassed {
    /// The project. A string of strangers.
    pub project: String,
    /// Exit code of its audit: 1 failed, 3 incomplete.
    pub exit: u8,
    /// The highest level of its findings.
    pub level: Option<Level>,
    /// How many findings it has.
    pub findings: usize,
}

/// One rule on one subject, over the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetFinding {
    /// The rule.
    pub rule: String,
    /// Its highest level.
    pub level: Level,
    /// Whom it concerns. A string of strangers.
    pub subject: String,
    /// On how many projects.
    pub projects: usize,
}

/// One account, over the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetAccount {
    /// Login. A string of strangers.
    pub login: String,
    /// A team.
    pub team: bool,
    /// Projects into which it can publish.
    pub projects: usize,
    /// Projects in which a crate of it runs at build.
    pub build_projects: usize,
    /// Different crates of it.
    pub crates: usize,
}
