//! The block on repositories of a report, from the same facts that rules read.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::collectors::repository::{GROUP, HistoryFacts, LineFacts, RepositoryFacts};
use crate::domain::text::shown;
use crate::domain::timeline::{
    DeliveredFile, DeliveryEntry, DifferingFile, IntegratorEntry, REPOSITORY, ReleaseEntry,
    Repositories, RepositoryCustody, RepositoryEntry, SuccessionEntry, TimelineEvent,
};
use crate::domain::{FactSheet, Measured};

use super::group_of;

/// Most crates of the block, and most files of a crate.
const ENTRIES: usize = 50;
const FILES: usize = 20;

/// What the repositories tell; `None` where none was looked for.
pub(super) fn of(sheets: &[FactSheet], as_of: Date) -> Option<Repositories> {
    let mut told = Repositories::default();
    let mut was_asked = false;
    for sheet in sheets.iter().filter(|sheet| sheet.facts.contains_key(GROUP)) {
        was_asked = true;
        let Measured::Known(facts) = group_of::<RepositoryFacts>(sheet, GROUP) else {
            told.unknown += 1;
            continue;
        };
        told.compared += 1;
        let has_all = facts.unexplained.known().is_some_and(Vec::is_empty);
        told.explained += u64::from(has_all);
        let history = facts.history.known().filter(|history| history.looked);
        if has_all && history.is_none() {
            continue;
        }
        if told.entries.len() < ENTRIES {
            told.entries.push(entry(sheet, &facts, as_of));
        } else {
            told.left_out += 1;
        }
    }
    was_asked.then_some(told)
}

/// The blocks of two lockfiles; a crate that stands in both counts in each.
pub(super) fn joined(
    all: Option<Repositories>,
    more: Option<Repositories>,
) -> Option<Repositories> {
    let (mut all, more) = match (all, more) {
        (Some(all), Some(more)) => (all, more),
        (all, more) => return all.or(more),
    };
    all.compared += more.compared;
    all.explained += more.explained;
    all.unknown += more.unknown;
    all.left_out += more.left_out;
    for entry in more.entries {
        if all.entries.contains(&entry) {
            continue;
        }
        if all.entries.len() < ENTRIES {
            all.entries.push(entry);
        } else {
            all.left_out += 1;
        }
    }
    Some(all)
}

fn entry(sheet: &FactSheet, facts: &RepositoryFacts, as_of: Date) -> RepositoryEntry {
    let listed = facts.unexplained.known().map_or(&[][..], Vec::as_slice);
    let differing = listed.iter().filter(|file| file.explained.known().is_some());
    let files: Vec<DifferingFile> = differing
        .take(FILES)
        .map(|file| DifferingFile {
            path: shown(&file.path),
            why: shown(&file.why),
            at_build: file.at_build,
            difference: file.difference.clone(),
        })
        .collect();
    let history = facts.history.known().filter(|history| history.looked);
    RepositoryEntry {
        name: sheet.subject.name.clone(),
        version: sheet.subject.version.clone(),
        repository: facts.name.clone(),
        commit: facts.commit.clone(),
        named_by: facts.named_by.clone(),
        same: facts.same,
        explained_by: facts.explained_by.iter().map(|by| (by.how.clone(), by.files)).collect(),
        left_out: facts.left_out + (listed.len() - files.len()) as u64,
        unexplained: files,
        custody: history.and_then(|history| custody(facts, history, as_of)),
    }
}

/// The facts of a history with dates instead of ages; none where the clone has not all commits.
fn custody(
    facts: &RepositoryFacts,
    history: &HistoryFacts,
    as_of: Date,
) -> Option<RepositoryCustody> {
    let lines = history.lines.known()?;
    let day = |days: i64| {
        as_of.checked_sub(days.days()).map_or_else(|_| String::new(), |d| d.to_string())
    };
    let successors = history.successors.known().map(Vec::as_slice).unwrap_or_default();
    let mut told = RepositoryCustody {
        schema: REPOSITORY.to_owned(),
        name: facts.name.clone(),
        commit: facts.commit.clone(),
        as_of: as_of.to_string(),
        first: day(i64::try_from(history.days).unwrap_or_default()),
        commits: history.commits,
        integrated: lines.iter().map(|line| line.integrated).sum(),
        integrated_known: lines.iter().map(|line| line.integrated_known).sum(),
        integrators: lines.iter().flat_map(|line| integrators(line, &day)).collect(),
        releases: lines.iter().flat_map(|line| releases(line, &day)).collect(),
        ..RepositoryCustody::default()
    };
    told.successions = successors
        .iter()
        .map(|one| SuccessionEntry {
            name: one.name.clone(),
            predecessor: one.predecessor.clone(),
            measure: one.measure.clone(),
            before: one.before,
            came: day(one.came_days),
            since: day(one.since_days),
        })
        .collect();
    told.deliveries = history
        .opaque
        .iter()
        .filter(|file| !file.commit.is_empty())
        .map(|file| DeliveryEntry {
            date: day(file.days),
            commit: file.commit.clone(),
            by: file.by.clone(),
            predecessor: file.predecessor.clone(),
            files: vec![DeliveredFile { path: shown(&file.path), size: file.size }],
            left_out: 0,
        })
        .collect();
    told.events = events(&told, history, &day);
    Some(told)
}

fn integrators<'a>(
    line: &'a LineFacts,
    day: &'a dyn Fn(i64) -> String,
) -> impl Iterator<Item = IntegratorEntry> + 'a {
    line.integrators.iter().map(|one| IntegratorEntry {
        name: one.name.clone(),
        first: day(one.first_days),
        last: day(one.last_days),
        commits: one.year + one.before,
        share: one.share,
        year: one.year,
        before: one.before,
    })
}

fn releases<'a>(
    line: &'a LineFacts,
    day: &'a dyn Fn(i64) -> String,
) -> impl Iterator<Item = ReleaseEntry> + 'a {
    line.releases.iter().map(|one| ReleaseEntry {
        tag: one.tag.clone(),
        commit: String::new(),
        date: day(one.days),
        by: one.by.clone(),
        key: one.key.clone(),
        new_key: one.new_key,
        first: one.first,
        succession: None,
        silence: (one.silence_days > 0).then_some(one.silence_days),
    })
}

fn events(
    told: &RepositoryCustody,
    history: &HistoryFacts,
    day: &dyn Fn(i64) -> String,
) -> Vec<TimelineEvent> {
    let event = |date: &str, kind: &str, who: &str, what: String| TimelineEvent {
        date: date.to_owned(),
        kind: kind.to_owned(),
        who: who.to_owned(),
        what,
        joined: false,
    };
    let mut events = Vec::new();
    for one in &told.successions {
        let what = format!("after {}", one.predecessor);
        events.push(event(&one.came, "first-commit", &one.name, what.clone()));
        events.push(event(&one.since, &one.measure, &one.name, what));
    }
    for release in &told.releases {
        if release.first {
            events.push(event(&release.date, "first-release", &release.by, release.tag.clone()));
        }
        if release.new_key {
            events.push(event(&release.date, "new-key", &release.by, release.tag.clone()));
        }
    }
    for delivery in &told.deliveries {
        let path = delivery.files.first().map(|file| file.path.clone()).unwrap_or_default();
        let joined = !delivery.predecessor.is_empty();
        events.push(TimelineEvent {
            joined,
            ..event(&delivery.date, "opaque-file", &delivery.by, path)
        });
    }
    for one in history.ignored.known().into_iter().flatten() {
        events.push(TimelineEvent {
            joined: true,
            ..event(&day(one.days), "build-input-ignored", &one.by, one.pattern.clone())
        });
    }
    events.sort();
    events.dedup();
    events
}
