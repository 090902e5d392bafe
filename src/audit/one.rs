//! One crate, one model or one graph as a report, for the page of `inspect` and `report`: the same sections as
//! the page of an audit, as far as there is something to say.

use std::path::Path;

use jiff::civil::Date;

use super::places;

use crate::domain::report::{Context, SCHEMA, SubjectEntry};
use crate::domain::{
    Finding, Hands, Level, Location, Place, Report, Sources, Subject, Undetermined,
};
use crate::reporter::{self, ReporterError};
use crate::walker::{self, MetadataMode};

/// What the rules say of one subject.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Whom it is about.
    pub subject: &'a Subject,
    /// What fired.
    pub findings: &'a [Finding],
    /// What could not be told.
    pub undetermined: &'a [Undetermined],
    /// From which level on the run fails.
    pub gate: Option<Level>,
    /// The day.
    pub as_of: Date,
}

/// The crate in a folder, and where its files are, as an audit of the project around it has them; nothing
/// where no lockfile speaks of the folder.
#[must_use]
pub fn crate_in(folder: &Path) -> Option<(Subject, Place)> {
    let walk = walker::walk(folder, &walker::Options { metadata: MetadataMode::Never }).ok()?;
    let (node, place) = places::lying_in(&walk, folder)?;
    Some((walk.graph.nodes[node].subject.clone(), place))
}

/// The page about one subject. `texts` are shown as they are, each below its title.
pub fn page(
    about: &Judged<'_>,
    kind: &'static str,
    texts: Vec<(String, String)>,
) -> Result<String, ReporterError> {
    let mut report = empty(about.as_of, &about.subject.to_string());
    report.fail_on = about.gate;
    report.findings = about.findings.to_vec();
    report.undetermined = about.undetermined.to_vec();
    report.exit =
        u8::from(about.gate.is_some_and(|gate| about.findings.iter().any(|one| one.level >= gate)));
    report.subjects.push(SubjectEntry::of(about.subject.clone(), Location::line(".", 1)));
    laid_out(&report, kind, None, texts)
}

/// The page about who holds the keys of a graph.
pub fn hands_page(
    project: &str,
    hands: Hands,
    as_of: Date,
    texts: Vec<(String, String)>,
) -> Result<String, ReporterError> {
    let mut report = empty(as_of, project);
    let sentence = format!("Who holds the keys of {} crates", hands.crates);
    report.hands = Some(hands);
    laid_out(&report, "custody report", Some(sentence), texts)
}

fn laid_out(
    report: &Report,
    kind: &'static str,
    sentence: Option<String>,
    texts: Vec<(String, String)>,
) -> Result<String, ReporterError> {
    let sources = Sources::default();
    let context = Context { rules: &[], sources: &sources, prefix: "" };
    reporter::page_about(report, &context, reporter::About { kind, sentence, texts })
}

/// A report of nothing.
pub(super) fn empty(as_of: Date, project: &str) -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        project: Some(project.to_owned()),
        as_of: as_of.to_string(),
        fail_on: None,
        findings: Vec::new(),
        findings_left_out: Vec::new(),
        undetermined: Vec::new(),
        coverage: std::collections::BTreeMap::new(),
        gaps: Vec::new(),
        sections: Vec::new(),
        subjects: Vec::new(),
        changes: None,
        hands: None,
        repositories: None,
        models: Vec::new(),
        excerpts: Vec::new(),
        provenance: std::collections::BTreeMap::new(),
        exit: 0,
    }
}
