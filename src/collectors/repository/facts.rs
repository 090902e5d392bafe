//! The facts of the group `repository`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collectors::archive::FileRole;
use crate::domain::Measured;

/// Group `repository`: the archive against the commit that it names. Absent where no clone was looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryFacts {
    /// Owner and name of the repository whose clone was read, from the manifest; joined by `+`.
    pub name: String,
    /// Commit that the archive is compared with, 40 hexadecimal digits.
    pub commit: String,
    /// Who names that commit: `registry` (which verified it for the workflow that published the release),
    /// `record` (the archive, in `.cargo_vcs_info.json`), or `tag` (the tag of the version, where neither names
    /// one). Where the first two differ and the record's commit comes after the registry's, as in a workflow that
    /// commits the version before it publishes, it is the record's.
    pub named_by: String,
    /// The tag of the version. Unknown where the clone has no tags at all.
    pub tag: Measured<TagFacts>,
    /// No branch and no tag leads to the commit, and the folder of the crate has the same contents at a tag
    /// or on the main line of the default branch: a request that was squashed when it was merged. Where the
    /// commit is absent: the tag of the version explains every file.
    pub folder_elsewhere: Measured<bool>,
    /// From where that commit can be reached: `default-branch`, `other-reference` (a branch or tag),
    /// `request-only` (the head of a pull or merge request), `nothing`, `absent` (a complete clone that is younger
    /// than the release has it not). Unknown where the clone has not all that could lead to it.
    pub reach: Measured<String>,
    /// Files with the same bytes under the same path, links and submodules apart.
    pub same: u64,
    /// Files explained otherwise: through a link, by line ends, as a licence from elsewhere, by an LFS
    /// pointer, by a submodule, as made by cargo.
    pub explained: u64,
    /// The same by what explains them, in order.
    pub explained_by: Vec<ExplainedFiles>,
    /// Files that nothing in the commit explains or that could not be compared, in order, at most 200. Unknown
    /// where the commit is absent.
    pub unexplained: Measured<Vec<UnexplainedFile>>,
    /// Further such files; none of them weighs more than those that are listed.
    pub left_out: u64,
    /// Where no branch and no tag leads to the commit and the crate's folder is not elsewhere as it is there: what
    /// the tag of the version, or else the main line when the commit was made, does not explain. Empty otherwise.
    pub nearest: Measured<NearestFacts>,
    /// Folders of the commit that hold a package of the same name and lie nearer to its root than the one that the
    /// archive names, or outside of tests, fixtures and the like where that one is inside; at most 20.
    pub nearer_folders: Measured<Vec<String>>,
    /// Who brought the opaque files that the archive holds, and whom they followed.
    pub history: Measured<HistoryFacts>,
}

/// A file of the archive that the commit does not explain, or of which that is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnexplainedFile {
    /// Path below the archive's root folder.
    pub path: String,
    /// False; unknown where the file could not be compared.
    pub explained: Measured<bool>,
    /// What part it plays, from its path.
    pub role: FileRole,
    /// It is code that runs at build time, or is read by such code.
    pub at_build: bool,
    /// Its bytes are no text, picture, sound, font or document.
    pub opaque: bool,
    /// What was found instead, in a few words; empty where it could not be compared.
    pub why: String,
    /// Of the first five such files: the lines that differ, `-` in the commit and `+` in the archive, or the
    /// first bytes that do; empty where the clone has not the contents. Strings of strangers.
    pub difference: Vec<String>,
}

/// What the repository has in place of a commit that nothing leads to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NearestFacts {
    /// Name of the tag, or `the default branch`; empty where nothing was looked for.
    pub name: String,
    /// Its commit.
    pub commit: String,
    /// Files of the archive that it does not explain, those that run or are read at build time first, at most 50.
    pub files: Vec<UnexplainedFile>,
}

/// The tag of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagFacts {
    /// Its name; empty where there is no such tag.
    pub name: String,
    /// Its commit; empty where there is no tag, or the clone has not what it names.
    pub commit: String,
    /// How it stands to the commit that the archive is compared with: `commit` (it is the same), `folder` (the
    /// crate's folder has the same contents), `differs`, or empty where there is no tag.
    pub agrees: String,
}

/// How many files one thing explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedFiles {
    /// `link`, `line-ends`, `elsewhere`, `submodule`, `lfs-pointer`, `generated` or `lockfile`.
    pub how: String,
    /// Number of files.
    pub files: u64,
}

/// What the commits before the release tell, of the repository and of its submodules that hold opaque
/// files. Looked at only where the archive holds opaque files or files that the commit does not explain, and
/// for smaller files that are no text and no media where the clone has its history: of others it says nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryFacts {
    /// Whether there was a reason to look.
    pub looked: bool,
    /// Commits that were read, those of submodules included.
    pub commits: u64,
    /// Days from the first of them to the audit.
    pub days: u64,
    /// Who followed somebody who had done nearly all, within memory of the audit's day, in order. Unknown
    /// where the clone has not all commits.
    pub successors: Measured<Vec<SuccessorFacts>>,
    /// Who lets code in and who releases, of the repository and of each submodule that was looked at.
    pub lines: Measured<Vec<LineFacts>>,
    /// Patterns that match build inputs and that a successor newly put into a `.gitignore` within 24 months
    /// before the audit, at most 50.
    pub ignored: Measured<Vec<IgnoredFacts>>,
    /// Opaque files of the archive (4 KiB and more, 7.5 bits a byte and more, no media, outside the table
    /// of harmless blobs), in order, at most 50, each with who brought it.
    pub opaque: Vec<OpaqueArrival>,
    /// Further such files.
    pub left_out: u64,
}

impl Default for HistoryFacts {
    fn default() -> Self {
        Self {
            looked: false,
            commits: 0,
            days: 0,
            successors: Measured::Known(Vec::new()),
            lines: Measured::Known(Vec::new()),
            ignored: Measured::Known(Vec::new()),
            opaque: Vec::new(),
            left_out: 0,
        }
    }
}

/// One history: of the repository, or of a submodule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineFacts {
    /// Folder of the submodule; empty for the repository itself.
    pub of: String,
    /// Days from the first commit to the audit.
    pub days: u64,
    /// Commits on the main line in the last 24 months.
    pub integrated: u64,
    /// How many of these name who let them in: squash merges and edits in a host's pages do not.
    pub integrated_known: u64,
    /// Who lets code in, most commits of the last 12 months first, at most 20.
    pub integrators: Vec<IntegratorFacts>,
    /// Releases by their tags, oldest first, the newest 50.
    pub releases: Vec<TaggedRelease>,
    /// All releases of the last year are by people whose first is at most 36 months old, and earlier ones were
    /// by others; as of the newest release. Unknown where it is not known who made one of them.
    pub release_succession: Measured<bool>,
}

/// Somebody who lets code in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntegratorFacts {
    /// Name, as git has it.
    pub name: String,
    /// Part of the commits of the last 12 months on the main line, 0 to 1.
    pub share: f64,
    /// Commits of the last 12 months.
    pub year: u64,
    /// Commits of the 24 months before these.
    pub before: u64,
    /// Days from the first time to the audit.
    pub first_days: i64,
    /// Days from the last time to the audit.
    pub last_days: i64,
}

/// A release as its tag tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaggedRelease {
    /// The tag.
    pub tag: String,
    /// Who made it, as git has it; empty where that is not known.
    pub by: String,
    /// Days from it to the audit.
    pub days: i64,
    /// The key that its signature names; empty where it is not signed. Nothing is verified.
    pub key: String,
    /// Others are signed, and none before it with this key.
    pub new_key: bool,
    /// The first by this person, and others made some before.
    pub first: bool,
    /// Days since the release before, where that is a year and more; else 0.
    pub silence_days: i64,
}

/// A build input that is newly kept out of version control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IgnoredFacts {
    /// The pattern, with its file.
    pub pattern: String,
    /// Who put it there, as git has it.
    pub by: String,
    /// Whom that one had followed.
    pub predecessor: String,
    /// Days from it to the audit.
    pub days: i64,
    /// The commit.
    pub commit: String,
    /// Files of the archive that are no text and no media, of whatever size, and that the same person brought
    /// within 24 months before the audit, at most 20.
    pub beside: Vec<String>,
}

/// Somebody who followed somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuccessorFacts {
    /// Name, as git has it: whatever its bearer wrote.
    pub name: String,
    /// The one who had written nearly all before.
    pub predecessor: String,
    /// `newcomer` (30 % of a year within two years of the first commit) or `flip` (half of a year and
    /// more, at any time).
    pub measure: String,
    /// What part of the two years before the predecessor wrote, 0 to 1.
    pub before: f64,
    /// Days from the successor's first commit to the audit.
    pub came_days: i64,
    /// Days since the measure first held.
    pub since_days: i64,
}

/// An opaque file and who brought it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpaqueArrival {
    /// Path below the archive's root folder.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Commit that brought these bytes; empty where that was more than 24 months before the audit.
    pub commit: String,
    /// Its author, as git has it; empty for a machine, and where no commit is named.
    pub by: String,
    /// Whom the author followed; empty where nobody.
    pub predecessor: String,
    /// It came under the name of a program or a host, as anybody can call himself. Then `by` and `predecessor` are
    /// of a successor who was in office, if there was one.
    pub by_program: bool,
    /// Days from that commit to the audit; at least so many where no commit is named.
    pub days: i64,
    /// The author had followed somebody when the file came, or was remembered for it. Unknown where the
    /// clone does not tell who brought it.
    pub successor: Measured<bool>,
    /// Code that runs at build time reads it.
    pub at_build: bool,
    /// Patterns that match build inputs and that the same author newly put into a `.gitignore` within 90
    /// days before the file or after it, each with its file. Looked at for successors only.
    pub ignored: Measured<Vec<String>>,
}
