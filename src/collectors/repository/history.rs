//! Who brought the opaque files of an archive, from the commits before the release.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use custody_repository::history::{
    Arrival, Arrivals, Change, DAY, History, Ignored, MONTH, Successor, newly_ignored, successors,
};
use custody_repository::{Compared, ObjectId, Origin, ReadError, Repository};

use super::facts::{HistoryFacts, OpaqueArrival, SuccessorFacts};
use crate::collectors::archive::{ArchiveFacts, FileFacts};
use crate::collectors::contents::Contents;
use crate::domain::Measured;
use crate::domain::text::shown;
use crate_read::file_kind::FileClass;

/// Most files whose arrival is looked for.
const FILES_LIMIT: usize = 50;
/// Smallest file, in bytes, and least bits a byte, from which on a file can hide something of size.
const SMALLEST: u64 = 4_096;
const LEAST_BITS: f64 = 7.5;
/// How long an arrival is remembered.
const MEMORY: i64 = 24 * MONTH;
/// How far from a file its author's other changes are looked at.
const NEAR: i64 = 90 * DAY;
/// Most changes of one author that are looked at for what they ignore.
const CHANGES_LIMIT: usize = 2_000;

/// The opaque files of an archive.
pub(super) fn opaque(archive: &ArchiveFacts) -> impl Iterator<Item = &FileFacts> {
    archive.binaries.iter().filter(|file| {
        file.size >= SMALLEST
            && file.entropy.known().is_some_and(|bits| *bits >= LEAST_BITS)
            && file.in_profile.is_none()
            && !matches!(
                file.class,
                FileClass::Image
                    | FileClass::Audio
                    | FileClass::Font
                    | FileClass::Document
                    | FileClass::Certificate
            )
    })
}

/// One history: of the repository, or of a submodule.
struct Line<'a> {
    repository: &'a Repository,
    commit: ObjectId,
    history: History,
    successors: Vec<Successor>,
    until: i64,
}

/// Looks for who brought the opaque files. `until` ends the day of the audit, in seconds since 1970.
pub(super) fn history(
    repository: &Repository,
    commit: &ObjectId,
    compared: &Compared,
    contents: &Contents,
    until: i64,
) -> Result<Measured<HistoryFacts>, ReadError> {
    let mut facts = HistoryFacts::default();
    let mut lines: BTreeMap<Option<String>, Option<Line>> = BTreeMap::new();
    for (number, file) in opaque(&contents.archive.facts).enumerate() {
        if number >= FILES_LIMIT {
            facts.left_out += 1;
            continue;
        }
        let mut arrival = arrival(file, contents);
        if let Some(origin) = compared.origins.get(&file.path) {
            let line = match lines.entry(origin.submodule.clone()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    entry.insert(Line::of(repository, commit, compared, origin, until)?)
                }
            };
            match line {
                Some(line) => line.tell(origin, &mut arrival)?,
                None => arrival.successor = unknown(file, "the clone is not complete"),
            }
        }
        facts.opaque.push(arrival);
    }
    for line in lines.values().flatten() {
        line.describe(&mut facts);
    }
    Ok(Measured::Known(facts))
}

/// What is known of a file before anybody looks for who brought it.
fn arrival(file: &FileFacts, contents: &Contents) -> OpaqueArrival {
    OpaqueArrival {
        path: file.path.clone(),
        size: file.size,
        commit: String::new(),
        by: String::new(),
        predecessor: String::new(),
        days: 0,
        successor: unknown(file, "no file of the commit is known to have these bytes"),
        at_build: super::read_at_build(contents, &file.path),
        ignored: Measured::Known(Vec::new()),
    }
}

fn unknown(file: &FileFacts, why: &str) -> Measured<bool> {
    Measured::Unknown(shown(&format!("{}: {why}", file.path)))
}

impl<'a> Line<'a> {
    /// The history that a file stands in; none where commits are missing, since then shares mean nothing.
    fn of(
        repository: &'a Repository,
        commit: &ObjectId,
        compared: &'a Compared,
        origin: &Origin,
        until: i64,
    ) -> Result<Option<Self>, ReadError> {
        let submodule = origin.submodule.as_ref().and_then(|name| compared.submodules.get(name));
        let (repository, commit) = match submodule {
            Some(submodule) => (submodule.repository(), submodule.commit),
            None => (repository, *commit),
        };
        let history = History::of(repository, &commit, until)?;
        Ok(history.filter(|history| history.complete).map(|history| {
            let successors = successors(&history);
            Self { repository, commit, history, successors, until }
        }))
    }

    /// Who brought a file, and whether that one had followed somebody.
    fn tell(&self, origin: &Origin, fact: &mut OpaqueArrival) -> Result<(), ReadError> {
        let arrivals = Arrivals::new(self.repository, &self.history);
        let since = self.until - MEMORY;
        match arrivals.of(&self.commit, &origin.path, &origin.blob, since)? {
            Arrival::Unknown(why) => {
                fact.successor = Measured::Unknown(shown(&format!("{}: {why}", fact.path)));
            }
            Arrival::Before(seconds) => {
                fact.days = self.days(seconds);
                fact.successor = Measured::Known(false);
            }
            Arrival::By(change) => {
                fact.commit = change.id.to_string();
                fact.days = self.days(change.seconds);
                fact.by = change.author.map(|who| self.name(who)).unwrap_or_default();
                let followed = self.successors.iter().find(|successor| {
                    Some(successor.person) == change.author && successor.holds(change.seconds)
                });
                fact.successor = Measured::Known(followed.is_some());
                if let Some(followed) = followed {
                    fact.predecessor = self.name(followed.predecessor);
                    fact.ignored = self.ignored(change)?;
                }
            }
        }
        Ok(())
    }

    /// What the author of a change newly ignored around it.
    fn ignored(&self, change: &Change) -> Result<Measured<Vec<String>>, ReadError> {
        let near = |other: &&Change| {
            other.author == change.author && (other.seconds - change.seconds).abs() <= NEAR
        };
        let mut patterns = BTreeSet::new();
        for (number, other) in self.history.changes.iter().filter(near).enumerate() {
            if number >= CHANGES_LIMIT {
                return Ok(Measured::unknown("its author made too many changes around it"));
            }
            match newly_ignored(self.repository, &self.history, other)? {
                Ignored::Patterns(found) => patterns.extend(found.iter().map(|p| shown(p))),
                Ignored::Unknown(why) => return Ok(Measured::unknown(why)),
            }
        }
        Ok(Measured::Known(patterns.into_iter().collect()))
    }

    fn describe(&self, facts: &mut HistoryFacts) {
        facts.commits += self.history.changes.len() as u64;
        let first = self.history.changes.first().map_or(0, |change| self.days(change.seconds));
        facts.days = facts.days.max(u64::try_from(first).unwrap_or_default());
        let held = self.successors.iter().filter(|successor| successor.holds(self.until));
        facts.successors.extend(held.map(|successor| SuccessorFacts {
            name: self.name(successor.person),
            predecessor: self.name(successor.predecessor),
            measure: successor.measure.as_str().to_owned(),
            before: (successor.before * 100.0).round() / 100.0,
            came_days: self.days(successor.came),
            since_days: self.days(successor.since),
        }));
    }

    fn name(&self, person: usize) -> String {
        shown(self.history.people.name(person))
    }

    fn days(&self, seconds: i64) -> i64 {
        (self.until - seconds).max(0) / DAY
    }
}
