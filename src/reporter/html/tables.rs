//! What changed, models, what was not determined, and what was let through: plain tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::report::{ModelNote, SubjectEntry};
use crate::domain::text::shown;
use crate::domain::{Finding, Report, Subject, SubjectKind};
use crate::reporter::ledger::{question, remedy, subjects_told};
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
    pub(super) loading: String,
    pub(super) steps: Vec<String>,
    pub(super) acts: bool,
    pub(super) known: Vec<String>,
}

/// Which questions are open of which package.
pub(super) struct Matrix {
    pub(super) questions: Vec<String>,
    pub(super) rows: Vec<(String, Vec<bool>)>,
    pub(super) left_out: usize,
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
    pub(super) how: &'static str,
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
    models.map(|entry| model(report, entry)).collect()
}

fn model(report: &Report, entry: &SubjectEntry) -> Model {
    let about = report.findings.iter().filter(|one| one.subject == entry.subject);
    let mut known: Vec<String> = about.map(|one| told(&one.message)).collect();
    let gaps = report.gaps.iter().filter(|gap| gap.subjects.contains(&entry.subject));
    known.extend(gaps.map(|gap| format!("not known: {}", shown(&gap.cause.told()))));
    let note = report.models.iter().find(|note| note.subject == entry.subject);
    if let Some(note) = note.filter(|note| !note.committers.is_empty()) {
        let names: Vec<String> = note.committers.iter().map(|name| shown(name)).collect();
        known.push(format!("committed to by {}", names.join(", ")));
    }
    known.extend(entry.license.iter().map(|license| format!("licence {}", shown(license))));
    let steps: Vec<String> = note.into_iter().flat_map(|n| &n.steps).map(|one| told(one)).collect();
    Model {
        name: shown(&entry.subject.name),
        commit: match entry.subject.version.as_str() {
            "" => "no commit is given".to_owned(),
            commit => shown(commit),
        },
        at: place(&entry.location),
        loading: note.map_or_else(|| "not looked at".to_owned(), loading),
        acts: !steps.is_empty(),
        steps,
        known,
    }
}

/// What loading does, after its steps.
fn loading(note: &ModelNote) -> String {
    if note.formats.is_empty() {
        return "its files were not looked at".to_owned();
    }
    let formats = shown(&note.formats.join(", "));
    let more = match note.steps_left_out {
        0 => String::new(),
        more => format!("and {more} steps more; "),
    };
    let rest = if note.read { "" } else { "; not every file could be looked at" };
    if note.steps.is_empty() {
        format!("makes data and nothing else, as far as was seen ({formats}{rest})")
    } else {
        format!("{more}{formats}{rest}")
    }
}

/// Packages in the matrix.
const ROWS: usize = 1_000;

/// The questions that gaps leave open, package by package.
pub(super) fn matrix(report: &Report) -> Matrix {
    let asked: BTreeSet<&str> =
        report.gaps.iter().flat_map(|gap| &gap.questions).map(String::as_str).collect();
    let mut open: BTreeMap<&Subject, BTreeSet<&str>> = BTreeMap::new();
    for gap in &report.gaps {
        for subject in &gap.subjects {
            open.entry(subject).or_default().extend(gap.questions.iter().map(String::as_str));
        }
    }
    let left_out = open.len().saturating_sub(ROWS);
    let rows = open.into_iter().take(ROWS).map(|(subject, open)| {
        (shown(&subject.to_string()), asked.iter().map(|one| open.contains(one)).collect())
    });
    let rows = rows.collect();
    Matrix { questions: asked.into_iter().map(question).collect(), rows, left_out }
}

pub(super) fn gaps(report: &Report) -> Vec<Gap> {
    let gaps = report.gaps.iter();
    gaps.map(|gap| Gap {
        cause: told(&gap.cause.told()),
        questions: gap.questions.iter().map(|one| question(one)).collect::<Vec<_>>().join(", "),
        whom: subjects_told(&gap.subjects),
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

/// Rules that speak of exceptions which no longer count.
const OVER: [(&str, &str); 4] = [
    ("expired-waiver", "over"),
    ("outdated-waiver", "the bytes have changed"),
    ("unbound-waiver", "names no bytes"),
    ("unused-waiver", "covers nothing"),
];

/// What is let through, and what no longer is; that comes first.
pub(super) fn exceptions(report: &Report) -> Vec<Exception> {
    let over = report.findings.iter().filter_map(|finding| {
        let (_, why) = OVER.iter().find(|(rule, _)| finding.rule == *rule)?;
        Some(Exception {
            what: told(&finding.message),
            how: "waiver",
            reason: told(&finding.clear),
            until: (*why).to_owned(),
            expired: true,
        })
    });
    let what = |finding: &Finding| {
        told(&format!("{} {}: {}", finding.level, finding.rule, finding.message))
    };
    let waived = report.findings.iter().filter_map(|finding| {
        let waived = finding.waived.as_ref()?;
        let until = waived.expires.clone().unwrap_or_default();
        Some(Exception {
            what: what(finding),
            how: "waiver",
            reason: told(&waived.reason),
            expired: !until.is_empty() && until < report.as_of,
            until: shown(&until),
        })
    });
    let baselined = report.findings.iter().filter_map(|finding| {
        let one = finding.baselined.as_ref().filter(|_| finding.waived.is_none())?;
        Some(Exception {
            what: what(finding),
            how: "baseline",
            reason: told(&one.reason),
            until: format!("recorded {}", shown(&one.recorded)),
            expired: false,
        })
    });
    let accepted = report.gaps.iter().filter_map(|gap| {
        Some(Exception {
            what: format!("not read: {}", subjects_told(&gap.subjects)),
            how: "accepted unread",
            reason: told(gap.accepted.as_ref()?),
            until: String::new(),
            expired: false,
        })
    });
    over.chain(waived).chain(baselined).chain(accepted).collect()
}
