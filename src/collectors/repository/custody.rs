//! Custody of a repository by itself, whoever's it is: a maintainer's, or the C library's below a crate.

use custody_repository::history::{
    DAY, Deliveries, History, Ignored, Integrators, MONTH, Release, Successor, deliveries,
    followed, integrators, newly_ignored, releases, successors,
};
use custody_repository::{ObjectId, ReadError, Repository};
use jiff::civil::Date;

use crate::domain::text::shown;
use crate::domain::timeline::{
    DeliveredFile, DeliveryEntry, IntegratorEntry, REPOSITORY, ReleaseEntry, RepositoryCustody,
    SuccessionEntry, TimelineEvent,
};

/// How far back files are looked at.
const BACK: i64 = 36 * MONTH;
/// Most entries of a list.
const LISTED: usize = 200;
/// Most people that are listed.
const PEOPLE: usize = 20;
/// Most commits whose ignore files are compared.
const CHANGES_LIMIT: usize = 20_000;

/// Why nothing can be told of a repository.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no commit to begin with.
    #[error("the repository has no branch to begin with, or not its commit")]
    NoHead,
    /// The day cannot be counted.
    #[error("the day of the audit is beyond what can be counted")]
    Day,
}

/// Tells who holds a repository, as of a day.
pub fn custody(
    repository: &Repository,
    name: &str,
    as_of: Date,
) -> Result<RepositoryCustody, CustodyError> {
    let until = super::end_of(as_of).ok_or(CustodyError::Day)?;
    let head = repository.head()?.ok_or(CustodyError::NoHead)?;
    custody_of(repository, &head, name, as_of, until)
}

/// The same of the commits that lead to one.
pub(super) fn custody_of(
    repository: &Repository,
    head: &ObjectId,
    name: &str,
    as_of: Date,
    until: i64,
) -> Result<RepositoryCustody, CustodyError> {
    let mut history = History::of(repository, head, until)?.ok_or(CustodyError::NoHead)?;
    let mut undetermined = Vec::new();
    let released = releases(repository, &mut history, until).unwrap_or_else(|error| {
        undetermined.push(format!("releases: {error}"));
        Vec::new()
    });
    if !history.complete {
        undetermined
            .push("the clone has not all commits: shares and firsts mean little".to_owned());
    }
    let told = Told {
        repository,
        successors: if history.complete { successors(&history) } else { Vec::new() },
        integrators: integrators(&history, head, until),
        history,
        releases: released,
        until,
    };
    let delivered = told.delivered(&told.brought(&mut undetermined));
    let mut custody = RepositoryCustody {
        schema: REPOSITORY.to_owned(),
        name: shown(name),
        commit: head.to_string(),
        as_of: as_of.to_string(),
        first: told.history.changes.first().map(|change| day(change.seconds)).unwrap_or_default(),
        commits: told.history.changes.len() as u64,
        integrated: told.integrators.commits,
        integrated_known: told.integrators.known,
        integrators: told.people(),
        successions: told.successions(),
        releases: told.releases(),
        events: told.events(&delivered, &mut undetermined),
        deliveries: last(delivered),
        undetermined,
    };
    custody.undetermined.extend(told.gaps());
    Ok(custody)
}

/// The day of a time; a time that no calendar has is told as it is.
fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| format!("{seconds} s"),
        |time| time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
    )
}

/// The last entries of a list.
fn last<T>(mut all: Vec<T>) -> Vec<T> {
    all.split_off(all.len().saturating_sub(LISTED))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of commits are far below 2^52")]
pub(super) fn share(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { (count as f64 / of as f64 * 100.0).round() / 100.0 }
}

/// What was measured, before it is put into words.
struct Told<'a> {
    repository: &'a Repository,
    history: History,
    successors: Vec<Successor>,
    integrators: Integrators,
    releases: Vec<Release>,
    until: i64,
}

impl Told<'_> {
    fn name(&self, person: usize) -> String {
        shown(self.history.people.name(person))
    }

    fn brought(&self, undetermined: &mut Vec<String>) -> Deliveries {
        let found = deliveries(self.repository, &self.history, self.until - BACK);
        let found = found.unwrap_or_else(|error| {
            undetermined.push(format!("opaque files: {}", shown(&error.to_string())));
            Deliveries::default()
        });
        if found.unread > 0 {
            undetermined.push(format!(
                "opaque files: the contents of {} new files are not in the clone, or too large",
                found.unread
            ));
        }
        if found.too_large > 0 {
            let count = found.too_large;
            undetermined.push(format!("opaque files: {count} commits change too many folders"));
        }
        if found.cut {
            undetermined.push("opaque files: there is more than is read".to_owned());
        }
        found
    }

    fn people(&self) -> Vec<IntegratorEntry> {
        let people = self.integrators.people.iter().take(PEOPLE);
        people
            .map(|one| IntegratorEntry {
                name: self.name(one.person),
                first: day(one.first),
                last: day(one.last),
                commits: one.all,
                share: share(one.year, self.integrators.year),
                year: one.year,
                before: one.before,
            })
            .collect()
    }

    /// Those of whom it holds, or is remembered, on the day of the audit.
    fn held(&self) -> impl Iterator<Item = &Successor> {
        self.successors.iter().filter(|one| one.holds(self.until))
    }

    fn successions(&self) -> Vec<SuccessionEntry> {
        self.held()
            .map(|one| SuccessionEntry {
                name: self.name(one.person),
                predecessor: self.name(one.predecessor),
                measure: one.measure.as_str().to_owned(),
                before: (one.before * 100.0).round() / 100.0,
                came: day(one.came),
                since: day(one.since),
            })
            .collect()
    }

    fn releases(&self) -> Vec<ReleaseEntry> {
        let entries = self.releases.iter().map(|release| ReleaseEntry {
            tag: shown(&release.name),
            commit: release.commit.to_string(),
            date: day(release.seconds),
            by: release.by.map(|by| self.name(by)).unwrap_or_default(),
            key: release.signing.key().to_owned(),
            new_key: release.has_new_key,
            first: release.is_first,
            succession: release.succession,
            silence: release.silence,
        });
        last(entries.collect())
    }

    fn delivered(&self, brought: &Deliveries) -> Vec<DeliveryEntry> {
        let all = brought.all.iter().filter_map(|delivery| {
            let change = self.history.get(&delivery.commit)?;
            Some(DeliveryEntry {
                date: day(change.seconds),
                commit: delivery.commit.to_string(),
                by: change.author.map(|by| self.name(by)).unwrap_or_default(),
                predecessor: followed(&self.successors, change)
                    .map(|one| self.name(one.predecessor))
                    .unwrap_or_default(),
                files: delivery
                    .files
                    .iter()
                    .map(|file| DeliveredFile { path: shown(&file.path), size: file.size })
                    .collect(),
                left_out: delivery.left_out,
            })
        });
        all.collect()
    }

    fn events(
        &self,
        delivered: &[DeliveryEntry],
        undetermined: &mut Vec<String>,
    ) -> Vec<TimelineEvent> {
        let mut events = Vec::new();
        for one in &self.successors {
            let (who, before) = (self.name(one.person), self.name(one.predecessor));
            let came = format!(
                "first commit; {before} had written {} of the two years before",
                percent(one.before)
            );
            events.push(event(one.came, "first-commit", &who, &came));
            let what = match one.measure.as_str() {
                "newcomer" => {
                    format!("30 % of a year within two years of the first commit, after {before}")
                }
                _ => format!("half of a year's commits and more, after {before}"),
            };
            events.push(event(one.since, one.measure.as_str(), &who, &what));
        }
        self.of_releases(&mut events);
        events.extend(delivered.iter().map(of_delivery));
        self.of_patterns(&mut events, undetermined);
        events.sort();
        events.dedup();
        events
    }

    fn of_releases(&self, events: &mut Vec<TimelineEvent>) {
        let mut before = Some(false);
        for release in &self.releases {
            let who = release.by.map(|by| self.name(by)).unwrap_or_default();
            let tag = shown(&release.name);
            if release.is_first {
                events.push(event(release.seconds, "first-release", &who, &tag));
            }
            if release.has_new_key {
                events.push(event(release.seconds, "new-key", &who, &tag));
            }
            if let Some(days) = release.silence {
                let what = format!("{tag}, after {days} days without a release");
                events.push(event(release.seconds, "release-after-silence", &who, &what));
            }
            if release.succession == Some(true) && before != Some(true) {
                let what = format!("{tag}: nobody of the old hands released for a year");
                events.push(event(release.seconds, "release-succession", &who, &what));
            }
            before = release.succession;
        }
    }

    fn of_patterns(&self, events: &mut Vec<TimelineEvent>, undetermined: &mut Vec<String>) {
        let since = self.until - BACK;
        let recent = self.history.changes.iter().filter(|change| change.seconds >= since);
        let mut unknown = 0_u64;
        for (number, change) in recent.enumerate() {
            if number >= CHANGES_LIMIT {
                undetermined.push("ignored build inputs: too many commits".to_owned());
                break;
            }
            match newly_ignored(self.repository, &self.history, change) {
                Ok(Ignored::Patterns(found)) => {
                    let who = change.author.map(|by| self.name(by)).unwrap_or_default();
                    let joined = followed(&self.successors, change).is_some();
                    events.extend(found.iter().map(|pattern| TimelineEvent {
                        joined,
                        ..event(change.seconds, "build-input-ignored", &who, &shown(pattern))
                    }));
                }
                Ok(Ignored::Unknown(_)) | Err(_) => unknown += 1,
            }
        }
        if unknown > 0 {
            undetermined
                .push(format!("ignored build inputs: {unknown} commits cannot be compared"));
        }
    }

    fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        if self.integrators.known * 2 < self.integrators.commits {
            gaps.push(format!(
                "who lets code in: git knows it of {} of {} commits of the last 24 months",
                self.integrators.known, self.integrators.commits
            ));
        }
        if self.history.later > 0 {
            gaps.push(format!("{} commits are dated later and were left out", self.history.later));
        }
        let begin = self.history.changes.first().map_or(self.until, |change| change.seconds);
        if begin > self.until - 24 * MONTH {
            let days = (self.until - begin) / DAY;
            gaps.push(format!(
                "who followed whom: the history is {days} days long, two years are needed"
            ));
        }
        gaps
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// The files that nobody can read of one commit, on the line of time.
fn of_delivery(entry: &DeliveryEntry) -> TimelineEvent {
    let first = entry.files.first().map_or("", |file| &file.path);
    let more = entry.files.len() as u64 - 1 + entry.left_out;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    TimelineEvent {
        date: entry.date.clone(),
        kind: "opaque-file".to_owned(),
        who: entry.by.clone(),
        what: format!("{first}{more}, commit {}", &entry.commit[..12]),
        joined: !entry.predecessor.is_empty(),
    }
}

fn event(seconds: i64, kind: &str, who: &str, what: &str) -> TimelineEvent {
    TimelineEvent {
        date: day(seconds),
        kind: kind.to_owned(),
        who: who.to_owned(),
        what: what.to_owned(),
        joined: false,
    }
}
