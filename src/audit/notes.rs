//! What a reader wants to see beside the findings: bytes, what loading a model does, licences and publishers.

use std::collections::BTreeMap;

use super::{Request, field_of, group_of};
use crate::collectors::archive::{self, ArchiveFacts, ManifestFacts};
use crate::collectors::custody;
use crate::collectors::excerpts::{self, Wanted};
use crate::collectors::hub::{self, HubFacts};
use crate::collectors::model_custody::{self, ModelCustodyFacts};
use crate::collectors::model_files::{self, ImportVerdict, ModelFacts};
use crate::collectors::window::{self, ComparisonFacts};
use crate::domain::report::ModelNote;
use crate::domain::{FactSheet, Level, Measured, Origin, Report, SubjectKind};

/// Crates whose bytes are shown, and files of one of them.
const CRATES: usize = 12;
const FILES: usize = 4;
/// Steps and committers that are told of one model.
const STEPS: usize = 24;
const COMMITTERS: usize = 8;

/// Adds all of it to a report.
pub(super) fn add(report: &mut Report, sheets: &[FactSheet], request: &Request) {
    people(report, sheets);
    report.models = sheets.iter().filter_map(model).collect();
    report.excerpts = excerpts::read(&wanted(report, sheets), &request.gather);
}

/// The licence and the publisher of each subject.
fn people(report: &mut Report, sheets: &[FactSheet]) {
    let by_subject: BTreeMap<_, &FactSheet> =
        sheets.iter().map(|sheet| (&sheet.subject, sheet)).collect();
    for entry in &mut report.subjects {
        let Some(sheet) = by_subject.get(&entry.subject) else { continue };
        match entry.subject.kind {
            SubjectKind::Crate => {
                let manifest = field_of::<ManifestFacts>(sheet, archive::GROUP, "manifest");
                if let Measured::Known(manifest) = manifest {
                    entry.license = manifest.license;
                    entry.authors = manifest.authors;
                }
                let by = field_of::<String>(sheet, custody::GROUP, "published_by");
                entry.published_by = by.known().filter(|login| !login.is_empty()).cloned();
            }
            SubjectKind::Model => {
                let facts = group_of::<HubFacts>(sheet, hub::GROUP);
                let licenses = facts.known().and_then(|facts| facts.licenses_spdx.known().cloned());
                entry.license = licenses.and_then(|all| all.into_iter().next());
            }
            _ => {}
        }
    }
}

fn model(sheet: &FactSheet) -> Option<ModelNote> {
    if sheet.subject.kind != SubjectKind::Model {
        return None;
    }
    let files = group_of::<ModelFacts>(sheet, model_files::GROUP);
    let custody = group_of::<ModelCustodyFacts>(sheet, model_custody::GROUP);
    let committers = custody.known().and_then(|facts| facts.committers.known().cloned());
    let committers = committers.unwrap_or_default().into_iter().take(COMMITTERS);
    let facts = files.known();
    let mut steps = facts.map(steps).unwrap_or_default();
    let steps_left_out = steps.len().saturating_sub(STEPS) as u64;
    steps.truncate(STEPS);
    let formats = facts.map(|facts| {
        facts.formats.iter().map(|(format, count)| format!("{format} {count}")).collect()
    });
    Some(ModelNote {
        subject: sheet.subject.clone(),
        formats: formats.unwrap_or_default(),
        steps,
        steps_left_out,
        read: facts.is_some_and(|facts| facts.unscannable.is_empty() && facts.files_left_out == 0),
        committers: committers.map(|one| one.account).collect(),
    })
}

/// What happens beyond making data, file by file in the order of the bytes.
fn steps(facts: &ModelFacts) -> Vec<String> {
    let mut steps = Vec::new();
    for file in &facts.files {
        let mut of_file: Vec<(u64, String)> = Vec::new();
        let odd = |verdict: &ImportVerdict| *verdict != ImportVerdict::Allowed;
        for one in file.imports.iter().filter(|one| odd(&one.verdict)) {
            of_file.push((one.offset, format!("imports {}.{}", one.module, one.name)));
        }
        for one in file.calls.iter().filter(|one| odd(&one.verdict)) {
            of_file.push((one.offset, format!("calls {}({})", one.callee, one.arguments)));
        }
        of_file.sort();
        let told = of_file.into_iter();
        steps.extend(told.map(|(at, what)| format!("{} at byte {at}: {what}", file.path)));
    }
    for target in facts.targets.iter().filter(|one| one.verdict != ImportVerdict::Allowed) {
        steps.push(format!("{}: names {} to be made", target.path, target.target));
    }
    for part in facts.configs.iter().filter(|part| part.facts.trust_remote_code) {
        steps.push(format!("{}: asks for the code beside it to be run", part.path));
    }
    steps
}

/// Bytes of the files that findings from medium on show.
fn wanted(report: &Report, sheets: &[FactSheet]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let by_subject: BTreeMap<_, &FactSheet> =
        sheets.iter().map(|sheet| (&sheet.subject, sheet)).collect();
    for finding in report.findings.iter().filter(|finding| finding.level >= Level::Medium) {
        let subject = &finding.subject;
        if subject.kind != SubjectKind::Crate || subject.origin != Origin::Registry {
            continue;
        }
        let known = wanted.iter().position(|one| one.subject == *subject);
        if known.is_none() && wanted.len() == CRATES {
            continue;
        }
        let Some(sheet) = by_subject.get(subject) else { continue };
        let archive = group_of::<ArchiveFacts>(sheet, archive::GROUP);
        let Measured::Known(archive) = archive else { continue };
        let at = known.unwrap_or_else(|| {
            wanted.push(Wanted {
                subject: subject.clone(),
                checksum: archive.sha256.clone(),
                files: Vec::new(),
                old_version: compared_with(sheet),
            });
            wanted.len() - 1
        });
        for one in &finding.evidence {
            let (Some(file), Some(sha256)) = (&one.file, &one.sha256) else { continue };
            let binary = archive.binaries.iter().any(|other| other.path == *file);
            let files = &mut wanted[at].files;
            if binary && files.len() < FILES && !files.iter().any(|(path, ..)| path == file) {
                files.push((file.clone(), sha256.clone(), one.offset.unwrap_or(0)));
            }
        }
    }
    wanted.retain(|one| !one.files.is_empty());
    wanted
}

/// The older release that a comparison was made with; the nearest one first.
fn compared_with(sheet: &FactSheet) -> Option<String> {
    let version = |group: &str| {
        let facts = group_of::<ComparisonFacts>(sheet, group);
        facts.known().and_then(|facts| facts.version.known().cloned())
    };
    [window::PREVIOUS, window::WINDOW]
        .into_iter()
        .filter_map(version)
        .find(|version| version != "no release")
}
