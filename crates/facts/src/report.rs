//! What the user is told: the one structure that every output format lays out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ledger::Gap;
use super::rule::RuleInfo;
use super::{Finding, Hands, Level, Location, RuleId, Sources, Subject, Undetermined};

/// Name of the JSON schema, `custody-report/1`.
pub const SCHEMA: &str = "custody-report/1";

/// How much of one fact family is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Subjects for which the family was measured.
    pub known: usize,
    /// Subjects to which it applies.
    pub of: usize,
}

/// One subject of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectEntry {
    /// Its identity.
    #[serde(flatten)]
    pub subject: Subject,
    /// Package URL, where the kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// SHA-256 of its archive according to the lockfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where it is named.
    pub location: Location,
    /// It is known only as the base of another model: it was not audited itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base_only: bool,
    /// Package URLs, or names where there is none, of what it depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// What `depends_on` of others calls it, where it has no package URL: two crates of a workspace can have
    /// one name. Absent in reports of older versions, which call it by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether its code runs on the machine that builds; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_at_build: Option<bool>,
    /// The licence that its manifest or its card names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Who published this version; absent where that is not known, or a workflow did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_by: Option<String>,
    /// The authors that its manifest names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
}

impl SubjectEntry {
    /// What `depends_on` of others calls it.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.purl.as_deref().or(self.id.as_deref()).unwrap_or(&self.subject.name)
    }

    /// An entry of which no more is known.
    #[must_use]
    pub fn of(subject: Subject, location: Location) -> Self {
        Self {
            purl: subject.purl(),
            sha256: None,
            location,
            base_only: false,
            depends_on: Vec::new(),
            id: None,
            runs_at_build: None,
            license: None,
            published_by: None,
            authors: Vec::new(),
            subject,
        }
    }
}

/// What loading a model does, as far as its bytes were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelNote {
    /// The model.
    pub subject: Subject,
    /// Formats of its files with their number, such as `safetensors 2`; empty where no file was seen.
    pub formats: Vec<String>,
    /// What happens when somebody loads it beyond making data, in the order of its bytes, at most 24: the file,
    /// the place, and what is imported, called or run.
    pub steps: Vec<String>,
    /// Steps that are not listed.
    #[serde(default)]
    pub steps_left_out: u64,
    /// Whether every file was looked at.
    pub read: bool,
    /// Accounts that committed to it, as far as that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub committers: Vec<String>,
}

/// The bytes at the place that a finding speaks of: at most 256 of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excerpt {
    /// The crate.
    pub subject: Subject,
    /// The file in its archive.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Where the bytes stand.
    pub offset: u64,
    /// The bytes, in hexadecimal without spaces.
    pub bytes: String,
    /// The older release in which the file was another one, where that is at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_version: Option<String>,
    /// The bytes at the same place there; absent where the file was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_bytes: Option<String>,
}

/// What a change did to one subject, in delta mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectChange {
    /// Name of the crate or model.
    pub name: String,
    /// Version before; absent where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Version now; absent where it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What changed hands, in one line, or why that is not known.
    pub hands: String,
    /// What changed in the bytes, in one line, or why that is not known.
    pub bytes: String,
    /// Which capabilities of build-time code were gained or lost, in one line.
    pub capabilities: String,
    /// Its hands, build code, bytes or source changed in character: worth a reviewer's look.
    #[serde(default)]
    pub notable: bool,
}

/// One of several lockfiles that were audited in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// The lockfile, relative to the audited folder.
    pub lockfile: String,
    /// Crates in it.
    pub crates: usize,
    /// Findings about it and its crates.
    pub findings: usize,
    /// The exit code that it alone would have had.
    pub exit: u8,
}

/// Findings that a report does not list, because there are too many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The rule that they are of.
    pub rule: RuleId,
    /// The highest level among them.
    pub level: Level,
    /// How many there are.
    pub findings: usize,
    /// How many of them count against the exit code; they were judged before the list was cut.
    pub gating: usize,
}

/// A whole report. Lists are sorted, so that equal inputs give equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `custody-report/1`.
    pub schema: String,
    /// Version of the tool that wrote it.
    pub tool_version: String,
    /// What was audited: the name of its only crate, else of its folder or file. Absent in reports
    /// of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The day the audit speaks of, `YYYY-MM-DD`.
    pub as_of: String,
    /// Level from which findings fail the run; absent for `never`.
    pub fail_on: Option<Level>,
    /// Findings, most important first.
    pub findings: Vec<Finding>,
    /// Findings beyond those that are listed, one entry a rule. What counts is listed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings_left_out: Vec<LeftOut>,
    /// What could not be determined.
    pub undetermined: Vec<Undetermined>,
    /// Fact family to how much of it is known.
    pub coverage: BTreeMap<String, Coverage>,
    /// What was asked and not answered, one entry a cause; what the run needs comes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// The lockfiles, where several were audited in one run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// Everything that was audited.
    pub subjects: Vec<SubjectEntry>,
    /// What the change did, in delta mode; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<SubjectChange>>,
    /// What changed hands, who could publish alone, and how much of it is known; absent where no crate
    /// of a registry was audited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hands: Option<Hands>,
    /// What the repositories behind the crates tell; absent where none was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repositories: Option<super::timeline::Repositories>,
    /// What loading each model does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelNote>,
    /// Bytes at the places that findings speak of, most important finding first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excerpts: Vec<Excerpt>,
    /// Where the facts come from, each with its date: `advisories`, `custody`, ...
    pub provenance: BTreeMap<String, String>,
    /// The exit code of the run.
    pub exit: u8,
}

/// What reporters may look at beside the report: rule texts and the lines that findings point into.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The full catalogue of finding rules, sorted by id.
    pub rules: &'a [RuleInfo],
    /// Text of the files that locations name.
    pub sources: &'a Sources,
    /// Path of the audited folder relative to the repository's root, with `/`; empty for the root.
    pub prefix: &'a str,
}
