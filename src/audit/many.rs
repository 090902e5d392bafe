//! Several lockfiles in one report: each was audited for itself, and stands in it as a section.

use std::collections::BTreeMap;

use super::Audit;
use crate::domain::ledger::{Cause, Gap};
use crate::domain::report::{Coverage, Section};
use crate::domain::{Finding, Hands, Location, Report, Sources, SubjectKind, Undetermined};
use crate::heuristics::judge::Judgement;

/// Puts audits of the folders `prefix` together; there has to be one at least.
#[must_use]
pub fn join(audits: Vec<(String, Audit)>) -> Option<Audit> {
    let mut joined: Option<Audit> = None;
    let mut sections = Vec::new();
    for (prefix, mut audit) in audits {
        sections.push(section(&prefix, &audit.report));
        move_below(&prefix, &mut audit);
        match &mut joined {
            None => joined = Some(audit),
            Some(all) => add(all, audit),
        }
    }
    let mut all = joined?;
    let mut judged = Judgement { findings: once(all.report.findings), ..Judgement::default() };
    // Brings the findings of all into one order.
    judged.absorb(Judgement::default());
    all.report.findings = judged.findings;
    all.report.undetermined.sort();
    all.report.undetermined.dedup();
    all.report.sections = sections;
    Some(all)
}

fn section(prefix: &str, report: &Report) -> Section {
    let crates = |entry: &&crate::domain::report::SubjectEntry| {
        entry.subject.kind == SubjectKind::Crate && !entry.base_only
    };
    Section {
        lockfile: below(prefix, "Cargo.lock"),
        crates: report.subjects.iter().filter(crates).count(),
        findings: report.findings.len(),
        exit: report.exit,
    }
}

fn below(prefix: &str, file: &str) -> String {
    if prefix.is_empty() { file.to_owned() } else { format!("{prefix}/{file}") }
}

/// Names every place by its way from the folder that is audited as a whole.
fn move_below(prefix: &str, audit: &mut Audit) {
    let place = |location: &mut Location| {
        location.file = below(prefix, &location.file);
    };
    for finding in &mut audit.report.findings {
        place(&mut finding.location);
        finding.related.iter_mut().for_each(place);
        finding.path.iter_mut().filter_map(|step| step.location.as_mut()).for_each(place);
    }
    audit.report.subjects.iter_mut().for_each(|entry| place(&mut entry.location));
    for entry in &mut audit.report.undetermined {
        if entry.subject.kind == SubjectKind::Project || entry.what == "lock" {
            entry.file = entry.file.take().map(|file| below(prefix, &file));
        }
    }
    let mut sources = Sources::default();
    for (file, text) in audit.sources.iter() {
        sources.insert(below(prefix, file), text);
    }
    audit.sources = sources;
}

/// What one rule says of one subject in the same words is one finding, with the other places beside it.
fn once(findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        let about_project = finding.subject.kind == SubjectKind::Project;
        let place = if about_project { finding.location.file.clone() } else { String::new() };
        let key = (
            format!("{}{place}", finding.rule),
            format!("{:?}", finding.subject),
            finding.message.clone(),
        );
        let same = seen.get(&key).copied().filter(|&at| {
            let first = &all[at];
            (first.level, &first.change, &first.waived, &first.baselined)
                == (finding.level, &finding.change, &finding.waived, &finding.baselined)
        });
        if let Some(at) = same {
            all[at].related.push(finding.location);
        } else {
            seen.insert(key, all.len());
            all.push(finding);
        }
    }
    all
}

/// The graver of two exit codes: findings, then what is missing.
fn graver(a: u8, b: u8) -> u8 {
    let weight = |code: u8| match code {
        2 => 3,
        1 => 2,
        0 => 0,
        _ => 1,
    };
    if weight(b) > weight(a) { b } else { a }
}

fn add(all: &mut Audit, one: Audit) {
    let (into, from) = (&mut all.report, one.report);
    into.findings.extend(from.findings);
    into.undetermined.extend(from.undetermined);
    for (question, coverage) in from.coverage {
        let Coverage { known, of } = into.coverage.entry(question).or_default();
        *known += coverage.known;
        *of += coverage.of;
    }
    into.gaps = gaps(std::mem::take(&mut into.gaps), from.gaps);
    into.subjects.extend(from.subjects);
    match (&mut into.changes, from.changes) {
        (Some(changes), Some(more)) => changes.extend(more),
        (changes @ None, more) => *changes = more,
        (Some(_), None) => {}
    }
    into.hands = hands(into.hands.take(), from.hands);
    into.repositories = super::repositories::joined(into.repositories.take(), from.repositories);
    into.models.extend(from.models);
    into.excerpts.extend(from.excerpts);
    into.provenance.extend(from.provenance);
    into.exit = graver(into.exit, from.exit);
    for (file, text) in one.sources.iter() {
        all.sources.insert(file, text);
    }
    all.signals.extend(one.signals);
    for (id, count) in one.determined {
        *all.determined.entry(id).or_insert(0) += count;
    }
    all.warnings.extend(one.warnings);
    all.warnings.sort();
    all.warnings.dedup();
    all.sheets.extend(one.sheets);
}

/// One gap a cause, as in a single audit.
fn gaps(all: Vec<Gap>, more: Vec<Gap>) -> Vec<Gap> {
    let mut by_cause: BTreeMap<(Cause, Option<String>), Gap> = BTreeMap::new();
    for gap in all.into_iter().chain(more) {
        let key = (gap.cause.clone(), gap.accepted.clone());
        let Some(known) = by_cause.get_mut(&key) else {
            by_cause.insert(key, gap);
            continue;
        };
        known.questions.extend(gap.questions);
        known.required.extend(gap.required);
        known.subjects.extend(gap.subjects);
        for names in [&mut known.questions, &mut known.required] {
            names.sort();
            names.dedup();
        }
        known.subjects.sort();
        known.subjects.dedup();
    }
    let mut gaps: Vec<Gap> = by_cause.into_values().collect();
    gaps.sort_by_key(|gap| {
        (gap.required.is_empty(), std::cmp::Reverse(gap.subjects.len()), gap.cause.clone())
    });
    gaps
}

/// Hands of both; a crate that stands in two lockfiles counts in each.
fn hands(all: Option<Hands>, more: Option<Hands>) -> Option<Hands> {
    let (Some(mut all), Some(more)) = (all.clone(), more.clone()) else { return all.or(more) };
    all.crates += more.crates;
    all.build_crates += more.build_crates;
    all.owners_known += more.owners_known;
    all.publishers_known += more.publishers_known;
    all.events_left_out += more.events_left_out;
    for event in more.events {
        if !all.events.contains(&event) {
            all.events.push(event);
        }
    }
    for lane in more.lanes {
        if !all.lanes.iter().any(|other| other.name == lane.name) {
            all.lanes.push(lane);
        }
    }
    for one in more.alone {
        if !all.alone.contains(&one) {
            all.alone.push(one);
        }
    }
    Some(all)
}

/// What is said of lockfiles that lie below an audited one and are not audited with it; `cut` where there
/// are more folders than were searched.
#[must_use]
pub fn not_audited(folders: &[String], cut: bool) -> Vec<Undetermined> {
    let entry = |file: Option<String>, reason: &str| Undetermined {
        subject: crate::walker::project_subject(),
        what: "lock".to_owned(),
        file,
        reason: reason.to_owned(),
        required: false,
    };
    let another = "another lockfile, which this run does not audit: --recursive takes it in";
    let mut entries: Vec<Undetermined> =
        folders.iter().map(|folder| entry(Some(below(folder, "Cargo.lock")), another)).collect();
    if cut {
        entries.push(entry(None, "there are more folders or lockfiles below than are looked into"));
    }
    entries
}
