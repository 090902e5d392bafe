//! The facts themselves, computed from one index file. Pure.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Locked;
use super::dependencies::{NewDependency, added};
use super::history::{History, days_between, days_until};
use crate::collectors::index_files::{FoundIndex, IndexSource};
use crate::domain::Measured;
use crate_read::cargo_index::{IndexDependency, IndexFile};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Group `releases`: the release history of a crate up to the end of the day that the audit speaks of
/// (UTC). The index has no dates of yanks: what is said of yanks is the state of `index_date`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct ReleaseFacts {
    /// Versions known by that day, yanked ones included; from the index.
    pub known_versions: Measured<u64>,
    /// When the locked version was published, RFC 3339; `pubtime` of its index line.
    pub published: Measured<String>,
    /// Age of the locked version in whole days by the calendar; from its `pubtime`.
    pub age_days: Measured<i64>,
    /// Whole days between the release before, of any version, and the locked one; unknown for a
    /// first release. From `pubtime`.
    pub gap_days_before: Measured<i64>,
    /// Whole days between the release that the locked one continues (`previous_version`) and it. From
    /// `pubtime`.
    pub gap_days_in_line: Measured<i64>,
    /// Median of the gaps between the releases before the locked one, in whole days; unknown with
    /// fewer than two. From `pubtime`.
    pub median_gap_days: Measured<i64>,
    /// The release that the locked one continues: the highest lower version of the same semver line
    /// published before it, else the highest lower version of any line. From the index.
    pub previous_version: Measured<String>,
    /// Age of the crate's first known release in whole days; deleted ones leave no trace. From
    /// `pubtime`.
    pub first_release_age_days: Measured<i64>,
    /// Whether the locked version is the crate's first known release; from the index.
    pub is_first_release: Measured<bool>,
    /// Whether the crate has only one version; from the index.
    pub only_version: Measured<bool>,
    /// Whether the locked version is yanked on `index_date`; from its index line.
    pub yanked: Measured<bool>,
    /// Versions published before the locked one; from the index.
    pub older_versions: Measured<u64>,
    /// How many of them are yanked on `index_date`; from the index.
    pub older_yanked: Measured<u64>,
    /// Whether there are older versions and all are yanked on `index_date`; from the index.
    pub all_older_yanked: Measured<bool>,
    /// How many releases directly before the locked one, without a gap, are yanked on `index_date`;
    /// from the index.
    pub yanked_run_before: Measured<u64>,
    /// How many of all its versions known by that day are yanked on `index_date`; from the index.
    pub yanked_versions: Measured<u64>,
    /// How many of them are not.
    pub unyanked_versions: Measured<u64>,
    /// Age in whole days of the oldest version that is not yanked on `index_date`: what a yank of all
    /// others leads to. Unknown where every version is yanked. From `pubtime`.
    pub oldest_unyanked_age_days: Measured<i64>,
    /// Releases of the crate within the 24 hours that end with the locked one, itself included; from
    /// `pubtime`.
    pub burst_24h: Measured<u64>,
    /// The version published last by that day; from the index.
    pub newest_version: Measured<String>,
    /// Releases published after the locked one by that day; from the index.
    pub releases_behind: Measured<u64>,
    /// Whole days by the calendar since the crate's last release; from `pubtime`.
    pub days_since_newest_release: Measured<i64>,
    /// Whether the index has the crate but not the locked version, as it looks when a release was
    /// deleted. Unknown where only an older copy of the index is at hand.
    pub vanished: Measured<bool>,
    /// Whether the registry says that it has no crate of this name; from the index.
    pub crate_absent: Measured<bool>,
    /// Whether the index line has the SHA-256 that Cargo.lock pins; from the index.
    pub index_checksum_matches: Measured<bool>,
    /// Dependencies that `previous_version` had not, development ones left out, at most 2,000; empty
    /// for a first release. From the index.
    pub new_dependencies: Measured<Vec<NewDependency>>,
    /// New dependencies that are not in the list; from the index.
    pub new_dependencies_left_out: Measured<u64>,
    /// Whether the new dependencies are the first that the crate ever had; from the index.
    pub first_dependencies_ever: Measured<bool>,
    /// Lines of the index file that could not be read.
    pub unreadable_lines: Measured<u64>,
    /// Where the index file was read.
    pub index_source: Measured<IndexSource>,
    /// The moment whose state the index file shows, RFC 3339: when Cargo wrote it, or the server's own
    /// clock.
    pub index_date: Measured<String>,
}

impl ReleaseFacts {
    /// Nothing is known, for this reason.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        Self {
            known_versions: Measured::unknown(reason),
            published: Measured::unknown(reason),
            age_days: Measured::unknown(reason),
            gap_days_before: Measured::unknown(reason),
            gap_days_in_line: Measured::unknown(reason),
            median_gap_days: Measured::unknown(reason),
            previous_version: Measured::unknown(reason),
            first_release_age_days: Measured::unknown(reason),
            is_first_release: Measured::unknown(reason),
            only_version: Measured::unknown(reason),
            yanked: Measured::unknown(reason),
            older_versions: Measured::unknown(reason),
            older_yanked: Measured::unknown(reason),
            all_older_yanked: Measured::unknown(reason),
            yanked_run_before: Measured::unknown(reason),
            yanked_versions: Measured::unknown(reason),
            unyanked_versions: Measured::unknown(reason),
            oldest_unyanked_age_days: Measured::unknown(reason),
            burst_24h: Measured::unknown(reason),
            newest_version: Measured::unknown(reason),
            releases_behind: Measured::unknown(reason),
            days_since_newest_release: Measured::unknown(reason),
            vanished: Measured::unknown(reason),
            crate_absent: Measured::unknown(reason),
            index_checksum_matches: Measured::unknown(reason),
            new_dependencies: Measured::unknown(reason),
            new_dependencies_left_out: Measured::unknown(reason),
            first_dependencies_ever: Measured::unknown(reason),
            unreadable_lines: Measured::unknown(reason),
            index_source: Measured::unknown(reason),
            index_date: Measured::unknown(reason),
        }
    }

    /// The registry has no crate of this name.
    #[must_use]
    pub fn no_such_crate() -> Self {
        Self {
            crate_absent: Measured::Known(true),
            index_source: Measured::Known(IndexSource::Network),
            ..Self::unknown("the index has no such crate")
        }
    }
}

/// Measures the locked release. `first_published` says when a dependency's first version came out.
pub(super) fn measure(
    locked: &Locked,
    found: &FoundIndex,
    as_of: Date,
    first_published: &dyn Fn(&IndexDependency) -> Measured<Timestamp>,
) -> ReleaseFacts {
    let history = History::known_on(&found.file, as_of);
    let mut facts = ReleaseFacts {
        known_versions: count(history.releases.len()),
        crate_absent: Measured::Known(false),
        unreadable_lines: count(history.unreadable),
        index_source: Measured::Known(found.source),
        index_date: found.date.clone(),
        only_version: Measured::Known(history.releases.len() == 1),
        ..ReleaseFacts::unknown(&absence(locked, found))
    };
    of_the_crate(&mut facts, &history, as_of);
    match history.position(&locked.version) {
        Some(at) => {
            facts.vanished = Measured::Known(false);
            of_the_release(&mut facts, &history, at, locked, as_of);
            of_its_yanks(&mut facts, &history, at);
            of_its_dependencies(&mut facts, &found.file, &history, at, locked, first_published);
        }
        None => facts.vanished = vanished(locked, found),
    }
    facts
}

/// Why nothing is known of the locked version where the index file does not have it.
fn absence(locked: &Locked, found: &FoundIndex) -> String {
    if found.file.lines.iter().any(|line| line.version == locked.version) {
        "the locked version was published after the day of the audit".to_owned()
    } else {
        "the index file does not have the locked version".to_owned()
    }
}

fn vanished(locked: &Locked, found: &FoundIndex) -> Measured<bool> {
    if found.file.lines.iter().any(|line| line.version == locked.version) {
        return Measured::Known(false);
    }
    if found.source == IndexSource::Network && found.file.bad.is_empty() {
        return Measured::Known(true);
    }
    let date = found.date.known().map_or("unknown date", String::as_str);
    Measured::unknown(format!(
        "the index file at hand ({date}) does not have the locked version and may be older than it"
    ))
}

fn of_the_crate(facts: &mut ReleaseFacts, history: &History<'_>, as_of: Date) {
    let (Some(first), Some(last)) = (history.releases.first(), history.releases.last()) else {
        return;
    };
    facts.newest_version = in_order(history).map(|()| last.line.version.clone());
    facts.first_release_age_days =
        in_order(history).and_then(|()| dated(first.published)).map(|t| days_until(t, as_of));
    facts.days_since_newest_release =
        in_order(history).and_then(|()| dated(last.published)).map(|t| days_until(t, as_of));
    of_all_yanks(facts, history, as_of);
}

fn of_all_yanks(facts: &mut ReleaseFacts, history: &History<'_>, as_of: Date) {
    if history.releases.iter().any(|release| release.line.yanked.is_none()) {
        let reason = "some index lines do not say whether they are yanked";
        facts.yanked_versions = Measured::unknown(reason);
        facts.unyanked_versions = Measured::unknown(reason);
        facts.oldest_unyanked_age_days = Measured::unknown(reason);
        return;
    }
    let left = || history.releases.iter().filter(|release| release.line.yanked == Some(false));
    facts.yanked_versions = count(history.releases.len() - left().count());
    facts.unyanked_versions = count(left().count());
    facts.oldest_unyanked_age_days = in_order(history).and_then(|()| match left().next() {
        Some(oldest) => dated(oldest.published).map(|time| days_until(time, as_of)),
        None => Measured::unknown("every version is yanked"),
    });
}

fn of_the_release(
    facts: &mut ReleaseFacts,
    history: &History<'_>,
    at: usize,
    locked: &Locked,
    as_of: Date,
) {
    let release = &history.releases[at];
    let published = dated(release.published);
    facts.published = match &release.line.published {
        Some(text) => Measured::Known(text.clone()),
        None => Measured::unknown("the index line has no publish time"),
    };
    facts.age_days = published.clone().map(|time| days_until(time, as_of));
    facts.is_first_release = in_order(history).map(|()| at == 0);
    facts.releases_behind = in_order(history).and_then(|()| count(history.releases.len() - 1 - at));
    facts.index_checksum_matches = match &locked.checksum {
        Some(checksum) => Measured::Known(release.line.checksum == *checksum),
        None => Measured::unknown("Cargo.lock has no checksum for it"),
    };
    let gap_after = |before: Option<Timestamp>| {
        in_order(history)
            .and_then(|()| dated(before))
            .and_then(|before| published.clone().map(|now| days_between(before, now)))
    };
    if at > 0 {
        facts.gap_days_before = gap_after(history.releases[at - 1].published);
    } else {
        facts.gap_days_before = Measured::unknown("it is the first release");
    }
    if let Some(previous) = history.predecessor(at) {
        facts.previous_version = Measured::Known(previous.line.version.clone());
        facts.gap_days_in_line = gap_after(previous.published);
    } else {
        facts.previous_version = Measured::unknown("it is the first release");
        facts.gap_days_in_line = Measured::unknown("it is the first release");
    }
    facts.median_gap_days = in_order(history).and_then(|()| median(history.gaps(), at));
    facts.burst_24h = in_order(history).and_then(|()| published).and_then(|now| {
        let within = |time: Timestamp| (0..DAY).contains(&(now.as_second() - time.as_second()));
        count(history.releases[..=at].iter().filter(|r| r.published.is_some_and(within)).count())
    });
}

fn of_its_yanks(facts: &mut ReleaseFacts, history: &History<'_>, at: usize) {
    let silent = || Measured::unknown("the index line does not say whether it is yanked");
    facts.yanked = history.releases[at].line.yanked.map_or_else(silent, Measured::Known);
    let older = &history.releases[..at];
    facts.older_versions = count(older.len());
    if older.iter().any(|r| r.line.yanked.is_none()) {
        let reason = "some index lines do not say whether they are yanked";
        facts.older_yanked = Measured::unknown(reason);
        facts.all_older_yanked = Measured::unknown(reason);
        facts.yanked_run_before = Measured::unknown(reason);
        return;
    }
    let yanked = older.iter().filter(|r| r.line.yanked == Some(true)).count();
    facts.older_yanked = count(yanked);
    facts.all_older_yanked = Measured::Known(!older.is_empty() && yanked == older.len());
    facts.yanked_run_before =
        count(older.iter().rev().take_while(|r| r.line.yanked == Some(true)).count());
}

fn of_its_dependencies(
    facts: &mut ReleaseFacts,
    file: &IndexFile,
    history: &History<'_>,
    at: usize,
    locked: &Locked,
    first_published: &dyn Fn(&IndexDependency) -> Measured<Timestamp>,
) {
    let added = match added(file, history, at) {
        Ok(added) => added,
        Err(error) => {
            facts.new_dependencies = Measured::unknown(error.to_string());
            facts.new_dependencies_left_out = Measured::unknown(error.to_string());
            facts.first_dependencies_ever = Measured::unknown(error.to_string());
            return;
        }
    };
    let published = dated(history.releases[at].published);
    let list = added.dependencies.into_iter().map(|dependency| {
        let first = first_published(&dependency);
        let seen_before = added.seen_before.contains(&dependency.package);
        NewDependency::new(dependency, &locked.name, published.clone(), first, seen_before)
    });
    facts.new_dependencies = Measured::Known(list.collect());
    facts.new_dependencies_left_out = count(added.left_out);
    facts.first_dependencies_ever = Measured::Known(added.first_ever);
}

/// When the first version in an index file was published.
pub(super) fn first_published(file: &IndexFile) -> Measured<Timestamp> {
    let mut first: Option<Timestamp> = None;
    for line in &file.lines {
        let Some(time) = line.published.as_deref().and_then(|text| text.parse().ok()) else {
            return Measured::unknown("some of its versions have no publish time");
        };
        first = Some(first.map_or(time, |f| f.min(time)));
    }
    first.map_or_else(|| Measured::unknown("its index file has no version"), Measured::Known)
}

/// Known where every release has a time, so that before and after mean something.
fn in_order(history: &History<'_>) -> Measured<()> {
    if history.undated == 0 {
        Measured::Known(())
    } else {
        Measured::unknown(format!("{} versions have no publish time", history.undated))
    }
}

fn dated(time: Option<Timestamp>) -> Measured<Timestamp> {
    time.map_or_else(|| Measured::unknown("no publish time"), Measured::Known)
}

fn count(n: usize) -> Measured<u64> {
    Measured::Known(n as u64)
}

/// Median of the gaps between the releases before the one at `at`.
fn median(mut gaps: Vec<i64>, at: usize) -> Measured<i64> {
    gaps.truncate(at.saturating_sub(1));
    if gaps.len() < 2 {
        return Measured::unknown("fewer than three releases before it");
    }
    gaps.sort_unstable();
    Measured::Known(gaps[gaps.len() / 2])
}
