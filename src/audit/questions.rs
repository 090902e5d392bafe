//! Which questions a run has to answer about each subject, and what became of them: the ledger is filled
//! here, from the facts, and read by everything that speaks of completeness.

use super::{Audited, Request, group_of};
use crate::collectors::archive;
use crate::collectors::build_code::{self, BuildFacts};
use crate::collectors::model_files::{self, ModelFacts};
use crate::collectors::source_tree::{self, SourceFacts};
use crate::domain::fact::unknown_reason;
use crate::domain::ledger::{
    Answer, BUILD_CODE, Cause, CauseKind, FILES, Ledger, SOURCE, is_reading,
};
use crate::domain::{FactSheet, Measured, Origin, Subject, SubjectKind, Undetermined};
use crate::walker::delta::{UpdateFacts, UpdateKind};

/// Words for what is not asked of code that the project itself consists of.
const OWN: &str = "the project's own code";
/// Words for what is not asked of a crate that a change leaves as it is.
const AS_BEFORE: &str = "exactly as in the base";
/// Words for what is not asked of a model that only a service has.
const NOT_HERE: &str = "its files are not on this machine";

/// Fills the ledger of one run.
pub(super) fn ledger(audited: &Audited, sheets: &[FactSheet]) -> Ledger {
    let mut ledger = Ledger::new();
    for name in &audited.unlocked {
        let cause = Cause::new(CauseKind::NotLocked, "a manifest");
        ledger.write(SOURCE, &Subject::registry_crate(name, ""), Answer::Unanswered(cause));
    }
    for sheet in sheets {
        for (group, facts) in &sheet.facts {
            if group == super::POLICY_GROUP {
                continue;
            }
            let answer = match unknown_reason(facts) {
                None => Answer::Answered,
                Some(reason) => Answer::Unanswered(Cause::of_reason(reason)),
            };
            ledger.write(group, &sheet.subject, answer);
        }
        match sheet.subject.kind {
            SubjectKind::Crate => {
                let source = source(audited, sheet);
                if source == Answer::Answered {
                    ledger.write(BUILD_CODE, &sheet.subject, build_code(sheet));
                }
                ledger.write(SOURCE, &sheet.subject, source);
            }
            SubjectKind::Model => ledger.write(FILES, &sheet.subject, files(sheet)),
            SubjectKind::Project
            | SubjectKind::Dataset
            | SubjectKind::Service
            | SubjectKind::Package => {}
        }
    }
    ledger
}

/// Whether the bytes that cargo would compile were read.
fn source(audited: &Audited, sheet: &FactSheet) -> Answer {
    // The project's own files are read whatever the lockfiles say.
    if unchanged(sheet) && !audited.own.contains(&sheet.subject) {
        return Answer::NotApplicable(AS_BEFORE);
    }
    if let Some(facts) = sheet.facts.get(archive::GROUP) {
        return match unknown_reason(facts) {
            None => all_code(sheet),
            Some(reason) => Answer::Unanswered(Cause::of_reason(reason)),
        };
    }
    let kind = match &sheet.subject.origin {
        Origin::Path if audited.own.contains(&sheet.subject) => {
            return Answer::NotApplicable(OWN);
        }
        Origin::Registry | Origin::AlternativeRegistry { .. } => "a registry without an archive",
        Origin::Git { .. } => "a git source",
        Origin::Path => "a path outside the project",
        Origin::Hub | Origin::Local | Origin::PackageIndex { .. } => {
            "a place that is none of cargo's"
        }
    };
    Answer::Unanswered(Cause::new(CauseKind::UnsupportedSource, kind))
}

/// Whether nothing that lies in the crate's folder and can be code was left out, and no link of its archive
/// leads to bytes that are not in it.
fn all_code(sheet: &FactSheet) -> Answer {
    if let Some(link) = leads_out(sheet) {
        return Answer::Unanswered(Cause::new(CauseKind::LimitHit, link));
    }
    let Measured::Known(source) = group_of::<SourceFacts>(sheet, source_tree::GROUP) else {
        return Answer::Answered;
    };
    match source.left_out.iter().find(|left| left.code) {
        Some(left) => {
            let told = format!("{}: {}", left.path, left.reason);
            Answer::Unanswered(Cause::new(CauseKind::LimitHit, told))
        }
        None => Answer::Answered,
    }
}

/// A link that leads out of the archive. Read from the facts as they are: a graph has tens of thousands.
fn leads_out(sheet: &FactSheet) -> Option<String> {
    let entries = sheet.facts.get(archive::GROUP)?.get("odd_entries")?.as_array()?;
    let out = entries.iter().find(|entry| entry["oddity"] == "link-leads-out")?;
    Some(format!("{}: a link that leads out of the archive", out["path"].as_str()?))
}

/// Code or an input of build-time code that was not read.
fn unread_input(sheet: &FactSheet, build: &BuildFacts) -> Option<String> {
    if let Some(file) = build.unparsed.iter().find(|file| file.is_beyond()) {
        return Some(format!("{}: {}", file.file, file.reason));
    }
    let Measured::Known(source) = group_of::<SourceFacts>(sheet, source_tree::GROUP) else {
        return None;
    };
    let reads = || build.reads.iter().filter(|read| read.at_build);
    let left = source.left_out.iter().find(|left| reads().any(|read| read.path == left.path))?;
    Some(format!("{}, which its build code reads: {}", left.path, left.reason))
}

/// Whether a comparison with a base left the crate out.
fn unchanged(sheet: &FactSheet) -> bool {
    let update: Measured<UpdateFacts> = group_of(sheet, crate::walker::delta::GROUP);
    matches!(update, Measured::Known(facts) if facts.kind == UpdateKind::Unchanged)
}

/// Whether all code was read that runs at build time.
fn build_code(sheet: &FactSheet) -> Answer {
    let facts: BuildFacts = match group_of(sheet, build_code::GROUP) {
        Measured::Known(facts) => facts,
        Measured::Unknown(reason) => return Answer::Unanswered(Cause::of_reason(&reason)),
    };
    match (&facts.runs_at_build, facts.limits.first()) {
        (Measured::Known(false), _) => Answer::NotApplicable("nothing of it runs at build time"),
        (Measured::Unknown(reason), _) => Answer::Unanswered(Cause::of_reason(reason)),
        (Measured::Known(true), Some(limit)) => {
            Answer::Unanswered(Cause::new(CauseKind::LimitHit, limit.as_str()))
        }
        (Measured::Known(true), None) => match unread_input(sheet, &facts) {
            Some(input) => Answer::Unanswered(Cause::new(CauseKind::LimitHit, input)),
            None => Answer::Answered,
        },
    }
}

/// Whether every file of a model on this machine was read.
fn files(sheet: &FactSheet) -> Answer {
    if !sheet.facts.contains_key(model_files::GROUP) {
        return Answer::NotApplicable(NOT_HERE);
    }
    match group_of::<ModelFacts>(sheet, model_files::GROUP) {
        // Whose files are here and could not be opened, `models::measure_local` requires by name.
        Measured::Unknown(_) if sheet.subject.origin == Origin::Hub => {
            Answer::NotApplicable(NOT_HERE)
        }
        Measured::Unknown(reason) => Answer::Unanswered(Cause::of_reason(&reason)),
        Measured::Known(facts) => match facts.unscannable.first() {
            Some(file) => Answer::Unanswered(Cause::of_reason(&file.reason)),
            None => Answer::Answered,
        },
    }
}

/// Writes what the policy requires beside that, and what it accepts. The answer is whom an acceptance
/// names without need.
pub(super) fn policy(
    ledger: &mut Ledger,
    undetermined: &mut [Undetermined],
    request: &Request,
) -> Vec<String> {
    for entry in undetermined.iter().filter(|entry| entry.required) {
        let question = question(&entry.what);
        ledger.require(question);
        let cause = Cause::of_reason(&entry.reason);
        ledger.write(question, &entry.subject, Answer::Unanswered(cause));
    }
    let idle = ledger.accept(&request.policy.accept_unread, &request.gather.as_of.to_string());
    for entry in undetermined.iter_mut() {
        entry.required &= !(is_reading(question(&entry.what)) && ledger.accepts(&entry.subject));
    }
    idle
}

/// The question that an entry of the list of what is not determined leaves open.
fn question(what: &str) -> &str {
    if what == model_files::GROUP { FILES } else { what }
}
