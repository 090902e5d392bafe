//! Custody of one git repository: who lets code in, who followed whom, who releases, who brought files that
//! nobody can read. Plain data; names and paths in it are those of strangers, dates are what commits say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Schema name of a [`RepositoryCustody`].
pub const REPOSITORY: &str = "custody-repository/1";

/// What the history of a repository tells, as of a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryCustody {
    /// [`REPOSITORY`].
    pub schema: String,
    /// The address or the folder, as it was named.
    pub name: String,
    /// The commit whose history was read: the head of the default branch.
    pub commit: String,
    /// The day of which it speaks, `YYYY-MM-DD`; later commits count for nothing.
    pub as_of: String,
    /// Day of the first commit, `YYYY-MM-DD`.
    pub first: String,
    /// Commits up to that day.
    pub commits: u64,
    /// Commits on the main line in the 24 months before it.
    pub integrated: u64,
    /// How many of these name who let them in; squash merges and edits in a host's pages do not.
    pub integrated_known: u64,
    /// Who lets code in, most commits of the last 12 months first, at most 20.
    pub integrators: Vec<IntegratorEntry>,
    /// Who followed somebody who had done nearly all, and is remembered for it, in order.
    pub successions: Vec<SuccessionEntry>,
    /// Releases, oldest first, the newest 200.
    pub releases: Vec<ReleaseEntry>,
    /// Commits of the last 36 months that brought opaque files, oldest first, the newest 200.
    pub deliveries: Vec<DeliveryEntry>,
    /// What happened, by day, oldest first.
    pub events: Vec<TimelineEvent>,
    /// What cannot be told, one sentence each.
    pub undetermined: Vec<String>,
}

/// Somebody who lets code in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntegratorEntry {
    /// Name, as git has it.
    pub name: String,
    /// First day.
    pub first: String,
    /// Last day.
    pub last: String,
    /// Commits on the main line.
    pub commits: u64,
    /// Part of the last 12 months' commits, 0 to 1.
    pub share: f64,
    /// Commits of the last 12 months, and of the 24 months before these.
    pub year: u64,
    /// The second.
    pub before: u64,
}

/// Somebody who followed somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuccessionEntry {
    /// Name, as git has it.
    pub name: String,
    /// The one who had written nearly all before.
    pub predecessor: String,
    /// `newcomer` (30 % of a year within two years of the first commit, measure A) or `flip` (half of a year
    /// and more, at any time, measure B).
    pub measure: String,
    /// Part of the two years before that the predecessor wrote, 0 to 1.
    pub before: f64,
    /// Day of the first commit.
    pub came: String,
    /// Day since which the measure held.
    pub since: String,
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseEntry {
    /// The tag.
    pub tag: String,
    /// Its commit.
    pub commit: String,
    /// Day.
    pub date: String,
    /// Who made it; empty where that is not known.
    pub by: String,
    /// The key that its signature names; empty where it is not signed. Nothing is verified.
    pub key: String,
    /// Others are signed and none before it with this key.
    pub new_key: bool,
    /// The first by this person.
    pub first: bool,
    /// All releases of a year are by people who are new within 36 months, and earlier ones were by others;
    /// absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succession: Option<bool>,
    /// Days since the release before, where that is a year and more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<i64>,
}

/// A commit that brought opaque files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryEntry {
    /// Day.
    pub date: String,
    /// Its name.
    pub commit: String,
    /// Who wrote it; empty for a machine.
    pub by: String,
    /// Whom that one had followed on that day; empty where nobody.
    pub predecessor: String,
    /// The files, at most 20.
    pub files: Vec<DeliveredFile>,
    /// Further files.
    pub left_out: u64,
}

/// A file of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveredFile {
    /// Path in the repository.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
}

/// Something that happened on a day.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct TimelineEvent {
    /// Day.
    pub date: String,
    /// `first-commit`, `newcomer`, `flip`, `first-release`, `release-succession`, `new-key`,
    /// `release-after-silence`, `opaque-file`, `build-input-ignored`.
    pub kind: String,
    /// Who, as git has it; empty where that is not known.
    pub who: String,
    /// What, in a few words.
    pub what: String,
    /// Somebody who had followed a lone maintainer did it, and it is a file that nobody can read or a
    /// build input that is kept out of version control.
    pub joined: bool,
}

/// What a report tells of the repositories behind its crates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Repositories {
    /// Crates whose archive was held against a commit.
    pub compared: u64,
    /// Crates of which no file is left unexplained.
    pub explained: u64,
    /// Crates that could not be compared; the reasons are among what was not determined.
    pub unknown: u64,
    /// Crates of which something is to be shown: files that differ, or a history that was a reason to look,
    /// in order, at most 50.
    pub entries: Vec<RepositoryEntry>,
    /// Further such crates.
    pub left_out: u64,
}

/// One crate and its repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryEntry {
    /// The crate.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Owner and name of the repository, joined by `+`.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// Who names it: `record` or `tag`.
    pub named_by: String,
    /// Files with the same bytes under the same path.
    pub same: u64,
    /// What explains others, with how many.
    pub explained_by: Vec<(String, u64)>,
    /// Files that nothing explains, at most 20.
    pub unexplained: Vec<DifferingFile>,
    /// Further such files, those that could not be compared included.
    pub left_out: u64,
    /// Who holds the repository, where there was a reason to look and its history is at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custody: Option<RepositoryCustody>,
}

/// A file that the commit does not explain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DifferingFile {
    /// Path in the archive.
    pub path: String,
    /// What was found instead.
    pub why: String,
    /// It runs at build time, or is read by what does.
    pub at_build: bool,
    /// Lines or bytes that differ, `-` in the commit and `+` in the archive.
    pub difference: Vec<String>,
}
