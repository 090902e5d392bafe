//! Everything that was audited, as rows that a reader can search, sort and filter.

use std::collections::BTreeSet;

use super::{levels, subject_anchor};
use crate::domain::ledger::{SOURCE, is_reading};
use crate::domain::text::shown;
use crate::domain::{Origin, Subject, SubjectKind};
use crate::reporter::view::View;
use crate::reporter::words::place;

/// Rows at most: what has a finding stands first and is always there.
const ROWS: usize = 2_500;

/// Flags of a row, and what a reader calls them.
pub(super) const FILTERS: [(&str, &str); 6] = [
    ("finding", "has a finding"),
    ("direct", "asked for by the project"),
    ("build", "runs when you build"),
    ("sole", "one account alone"),
    ("unread", "not read"),
    ("model", "models"),
];

/// One row.
pub(super) struct Package {
    pub(super) flags: String,
    pub(super) anchor: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) rank: usize,
    pub(super) level: &'static str,
    pub(super) special: String,
    pub(super) at: String,
}

/// The rows, and how many packages have none.
pub(super) fn of(view: &View<'_>) -> (Vec<Package>, usize) {
    let report = view.report;
    let levels = levels(view);
    let members = report.subjects.iter().filter(|entry| entry.subject.origin == Origin::Path);
    let direct: BTreeSet<&str> =
        members.flat_map(|entry| &entry.depends_on).map(String::as_str).collect();
    let alone = report.hands.iter().flat_map(|hands| &hands.alone);
    let sole: BTreeSet<&str> = alone.map(|one| one.name.as_str()).collect();
    let gaps = report.gaps.iter();
    let unread: BTreeSet<&Subject> = gaps
        .filter(|gap| gap.questions.iter().any(|one| one == SOURCE || is_reading(one)))
        .flat_map(|gap| &gap.subjects)
        .collect();
    let mut rows: Vec<Package> = Vec::new();
    for entry in &report.subjects {
        let subject = &entry.subject;
        let level = levels.get(subject);
        let flags = [
            ("finding", level.is_some()),
            ("direct", direct.contains(entry.identity())),
            ("build", entry.runs_at_build == Some(true)),
            ("sole", subject.kind == SubjectKind::Crate && sole.contains(subject.name.as_str())),
            ("unread", unread.contains(subject)),
            ("model", subject.kind == SubjectKind::Model),
        ];
        let set: Vec<&str> = flags.iter().filter(|(_, on)| *on).map(|(flag, _)| *flag).collect();
        let special = FILTERS.iter().filter(|(flag, _)| *flag != "finding" && set.contains(flag));
        rows.push(Package {
            anchor: level.map(|_| subject_anchor(subject)).unwrap_or_default(),
            name: shown(&subject.name),
            version: shown(&subject.version),
            rank: level.map_or(9, |level| 5 - *level as usize),
            level: level.map_or("", |level| level.as_str()),
            special: special.map(|(_, name)| *name).collect::<Vec<_>>().join(", "),
            at: place(&entry.location),
            flags: set.join(" "),
        });
    }
    rows.sort_by(|a, b| (a.rank, &a.name).cmp(&(b.rank, &b.name)));
    let left_out = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    (rows, left_out)
}
