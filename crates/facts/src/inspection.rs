//! One crate looked at closely, and two versions of one held against each other: what `inspect` and
//! `diff` tell a person. Plain data; the strings in it are those of strangers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Axis, Evidence, FactSheet, Finding, Measured, RuleId, Undetermined};

/// Schema name of an [`Inspection`].
pub const INSPECTION: &str = "custody-inspection/1";
/// Schema name of a [`ModelInspection`].
pub const MODEL_INSPECTION: &str = "custody-model-inspection/1";
/// Schema name of a [`VersionDiff`].
pub const DIFF: &str = "custody-diff/1";

/// Everything that is known of one crate, and what the rules say of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inspection {
    /// [`INSPECTION`].
    pub schema: String,
    /// The archive or folder on disk, where it was not named by name and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// All facts.
    pub sheet: FactSheet,
    /// First bytes of files that are not text, in hexadecimal, by path.
    pub heads: BTreeMap<String, String>,
    /// Source lines that the facts point at, by `file:line`.
    pub code: BTreeMap<String, String>,
    /// What fired, most important first.
    pub findings: Vec<Finding>,
    /// Single observations behind the score, heaviest first.
    pub signals: Vec<WeighedSignal>,
    /// What a rule would have wanted to know.
    pub undetermined: Vec<Undetermined>,
    /// What was left out of the reading, one sentence each.
    pub limits: Vec<String>,
}

impl Inspection {
    /// Nothing but the facts of one subject.
    #[must_use]
    pub fn about(sheet: FactSheet) -> Self {
        Self {
            schema: INSPECTION.to_owned(),
            path: None,
            sheet,
            heads: BTreeMap::new(),
            code: BTreeMap::new(),
            findings: Vec::new(),
            signals: Vec::new(),
            undetermined: Vec::new(),
            limits: Vec::new(),
        }
    }
}

/// What loading a model would do, and what the rules say of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInspection {
    /// [`MODEL_INSPECTION`].
    pub schema: String,
    /// The file or folder, as it was named.
    pub path: String,
    /// All facts.
    pub sheet: FactSheet,
    /// What was seen in each file, in the order of its bytes.
    pub traces: Vec<ModelTrace>,
    /// What fired, most important first.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub undetermined: Vec<Undetermined>,
}

/// What was seen in one file of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelTrace {
    /// The file.
    pub path: String,
    /// Members, opcodes that import and call, what is odd, quoted texts. `!` begins a line about something
    /// that can do more than build data, `?` one about something that is on no list or odd.
    pub lines: Vec<String>,
}

/// A signal that fired, and what it weighs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WeighedSignal {
    /// Rule id.
    pub id: RuleId,
    /// What it speaks of.
    pub axis: Axis,
    /// Weight in bits of surprisal.
    pub bits: f64,
    /// What backs it.
    pub evidence: Vec<Evidence>,
}

/// Two versions of a crate, held against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VersionDiff {
    /// [`DIFF`].
    pub schema: String,
    /// Crate name.
    pub name: String,
    /// The older version, as asked for.
    pub old: Release,
    /// The newer version, as asked for.
    pub new: Release,
    /// Files whose path is new, those that are not text first, then by path.
    pub added: Vec<DiffFile>,
    /// Files whose bytes are others, in the same order.
    pub changed: Vec<DiffFile>,
    /// Files that are gone, in the same order.
    pub removed: Vec<DiffFile>,
    /// Dependencies of the newer version only: package, requirement and kind. From the index.
    pub dependencies_gained: Measured<Vec<String>>,
    /// Dependencies of the older version only.
    pub dependencies_lost: Measured<Vec<String>>,
    /// Uses in build-time code that the older version has not, by what they are, not by line.
    pub capabilities_gained: Vec<Use>,
    /// Uses in build-time code that the newer version has no longer.
    pub capabilities_lost: Vec<Use>,
    /// Whether the code that runs at build time has other bytes.
    pub build_code_changed: bool,
    /// Hunks and bytes, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Patch>,
}

/// What a reviewer reads of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Patch {
    /// Texts that run when somebody builds, or decide what does.
    pub texts: Vec<TextPatch>,
    /// Files that are not text.
    pub bytes: Vec<BytesPatch>,
    /// Files beyond the lists.
    pub left_out: u32,
}

/// One text that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TextPatch {
    /// Path below the crate's root.
    pub path: String,
    /// What differs, in the order of the file.
    pub hunks: Vec<Hunk>,
    /// What is not shown, in words; empty where all is.
    pub left_out: String,
}

/// Lines that differ, with three around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hunk {
    /// First line in the older text, from 1.
    pub old_line: usize,
    /// First line in the newer text, from 1.
    pub new_line: usize,
    /// The lines, with `+`, `-` or a space before each.
    pub lines: Vec<String>,
    /// What the tool sees in the lines that are new.
    pub thoughts: Vec<String>,
}

/// One file that is not text and differs: its first 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BytesPatch {
    /// Path below the crate's root.
    pub path: String,
    /// Bytes then, 16 a line, in hexadecimal; absent where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Vec<String>>,
    /// Bytes now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<String>>,
}

/// One of the two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// When it was published, RFC 3339. From the index.
    pub published: Measured<String>,
    /// Who published it; empty where a trusted workflow did.
    pub published_by: Measured<String>,
    /// SHA-256 of the archive.
    pub sha256: String,
    /// Files in the archive.
    pub files: u64,
    /// Bytes of the unpacked archive.
    pub unpacked_bytes: u64,
    /// Build scripts, `proc macro` where it is one.
    pub runs_at_build: Vec<String>,
    /// Upstream projects whose sources it vendors, with their versions.
    pub upstreams: Vec<String>,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffFile {
    /// Path below the crate's root.
    pub path: String,
    /// What it is now (then, where it is gone), from its bytes.
    pub class: String,
    /// Whether it is neither text nor empty.
    pub binary: bool,
    /// Size then, in bytes; absent where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_before: Option<u64>,
    /// Size now, in bytes; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 now (then, where it is gone).
    pub sha256: String,
    /// First bytes now, in hexadecimal; empty for text and for files that are gone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub head: String,
}

/// A use of an API that build-time code gained or lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Use {
    /// What it allows.
    pub capability: String,
    /// The API.
    pub api: String,
    /// The constant that says more; empty where none does.
    pub detail: String,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
    /// That line; empty where it was not kept.
    pub code: String,
}
