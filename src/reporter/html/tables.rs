//! What changed, models, what was not determined, and what was let through: plain tables.

use super::whom;
use crate::domain::text::shown;
use crate::domain::{Report, SubjectKind};
use crate::reporter::ledger::{question, remedy};
use crate::reporter::words::{place, told};

/// What a change did to one subject.
pub(super) struct Change {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) hands: String,
    pub(super) bytes: String,
    pub(super) capabilities: String,
    pub(super) notable: bool,
}

/// A model.
pub(super) struct Model {
    pub(super) name: String,
    pub(super) commit: String,
    pub(super) at: String,
    pub(super) known: Vec<String>,
}

/// A cause of not knowing.
pub(super) struct Gap {
    pub(super) cause: String,
    pub(super) questions: String,
    pub(super) whom: String,
    pub(super) remedy: String,
    pub(super) required: bool,
}

/// How often a question was answered.
pub(super) struct Answered {
    pub(super) name: String,
    pub(super) known: usize,
    pub(super) of: usize,
}

/// Something that was let through.
pub(super) struct Exception {
    pub(super) what: String,
    pub(super) reason: String,
    pub(super) until: String,
    pub(super) expired: bool,
}

/// What is worth a look stands first.
pub(super) fn changes(report: &Report) -> Vec<Change> {
    let mut all: Vec<Change> = report
        .changes
        .iter()
        .flatten()
        .map(|change| Change {
            name: shown(&change.name),
            version: match (&change.from, &change.to) {
                (Some(from), Some(to)) => shown(&format!("{from} → {to}")),
                (None, Some(to)) => shown(&format!("new: {to}")),
                (Some(from), None) => shown(&format!("removed: {from}")),
                (None, None) => String::new(),
            },
            hands: shown(&change.hands),
            bytes: shown(&change.bytes),
            capabilities: shown(&change.capabilities),
            notable: change.notable,
        })
        .collect();
    all.sort_by_key(|change| !change.notable);
    all
}

pub(super) fn models(report: &Report) -> Vec<Model> {
    let models = report.subjects.iter().filter(|entry| entry.subject.kind == SubjectKind::Model);
    models
        .map(|entry| {
            let about = report.findings.iter().filter(|one| one.subject == entry.subject);
            let mut known: Vec<String> = about.map(|one| told(&one.message)).collect();
            let gaps = report.gaps.iter().filter(|gap| gap.subjects.contains(&entry.subject));
            known.extend(gaps.map(|gap| format!("not known: {}", shown(&gap.cause.told()))));
            Model {
                name: shown(&entry.subject.name),
                commit: match entry.subject.version.as_str() {
                    "" => "no commit is given".to_owned(),
                    commit => shown(commit),
                },
                at: place(&entry.location),
                known,
            }
        })
        .collect()
}

pub(super) fn gaps(report: &Report) -> Vec<Gap> {
    let gaps = report.gaps.iter();
    gaps.map(|gap| Gap {
        cause: told(&gap.cause.told()),
        questions: gap.questions.iter().map(|one| question(one)).collect::<Vec<_>>().join(", "),
        whom: whom(&gap.subjects),
        remedy: match &gap.accepted {
            Some(reason) => format!("accepted: {}", shown(reason)),
            None => remedy(gap).map(told).unwrap_or_default(),
        },
        required: !gap.required.is_empty(),
    })
    .collect()
}

pub(super) fn coverage(report: &Report) -> Vec<Answered> {
    let all = report.coverage.iter().filter(|(_, one)| one.of > 0);
    all.map(|(name, one)| Answered { name: question(name), known: one.known, of: one.of }).collect()
}

pub(super) fn exceptions(report: &Report) -> Vec<Exception> {
    let waived = report.findings.iter().filter_map(|finding| {
        let waived = finding.waived.as_ref()?;
        let until = waived.expires.clone().unwrap_or_default();
        Some(Exception {
            what: told(&format!("{} {}: {}", finding.level, finding.rule, finding.message)),
            reason: told(&waived.reason),
            expired: !until.is_empty() && until < report.as_of,
            until: shown(&until),
        })
    });
    let accepted = report.gaps.iter().filter_map(|gap| {
        Some(Exception {
            what: format!("not read: {}", whom(&gap.subjects)),
            reason: told(gap.accepted.as_ref()?),
            until: String::new(),
            expired: false,
        })
    });
    waived.chain(accepted).collect()
}
