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
    /// Commit that the archive names, 40 hexadecimal digits; from `.cargo_vcs_info.json`.
    pub commit: String,
    /// From where that commit can be reached: `default-branch`, `other-reference` (a branch or tag),
    /// `request-only` (the head of a pull or merge request), `nothing`. Unknown where the clone is shallow.
    pub reach: Measured<String>,
    /// Files with the same bytes under the same path, links and submodules apart.
    pub same: u64,
    /// Files explained otherwise: through a link, by line ends, as a licence from elsewhere, by an LFS
    /// pointer, by a submodule, as made by cargo.
    pub explained: u64,
    /// Files that nothing in the commit explains or that could not be compared, in order, at most 200.
    pub unexplained: Vec<UnexplainedFile>,
    /// Further such files.
    pub left_out: u64,
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
}

/// What the commits before the release tell, of the repository and of its submodules that hold opaque
/// files. Looked at only where the archive holds opaque files: of others it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryFacts {
    /// Commits that were read, those of submodules included.
    pub commits: u64,
    /// Days from the first of them to the audit.
    pub days: u64,
    /// Who followed somebody who had done nearly all, within memory of the audit's day, in order.
    pub successors: Vec<SuccessorFacts>,
    /// Opaque files of the archive (4 KiB and more, 7.5 bits a byte and more, no media, outside the table
    /// of harmless blobs), in order, at most 50, each with who brought it.
    pub opaque: Vec<OpaqueArrival>,
    /// Further such files.
    pub left_out: u64,
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
