//! Who brought the opaque files of an archive, from the commits before the release.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use custody_repository::history::{
    Arrival, Arrivals, Change, DAY, History, Ignored, LEAST_BITS, MONTH, Release, SMALLEST,
    Successor, followed, integrators, is_shown, newly_ignored, releases, successors,
};
use custody_repository::{Compared, FileOutcome, ObjectId, Origin, ReadError, Repository};

use super::custody::share;
use super::facts::{
    HistoryFacts, IgnoredFacts, IntegratorFacts, LineFacts, OpaqueArrival, SuccessorFacts,
    TaggedRelease,
};
use crate::collectors::archive::{ArchiveFacts, FileFacts};
use crate::collectors::contents::Contents;
use crate::domain::Measured;
use crate::domain::text::shown;

/// Most files whose arrival is looked for, and most patterns.
const FILES_LIMIT: usize = 50;
/// Most files of any size whose arrival is looked for beside a pattern.
const SUSPECTS_LIMIT: usize = 500;
/// Most people and most releases that are listed.
const PEOPLE: usize = 20;
const RELEASES: usize = 50;
/// How long an arrival is remembered.
const MEMORY: i64 = 24 * MONTH;
/// How far from a file its author's other changes are looked at.
const NEAR: i64 = 90 * DAY;
/// Most changes of one author that are looked at for what they ignore.
const CHANGES_LIMIT: usize = 2_000;

/// The opaque files of an archive.
pub(super) fn opaque(archive: &ArchiveFacts) -> impl Iterator<Item = &FileFacts> {
    suspects(archive).filter(|file| {
        file.size >= SMALLEST && file.entropy.known().is_some_and(|bits| *bits >= LEAST_BITS)
    })
}

/// One history: of the repository, or of a submodule.
struct Line<'a> {
    repository: &'a Repository,
    commit: ObjectId,
    history: History,
    successors: Vec<Successor>,
    released: Result<Vec<Release>, String>,
    until: i64,
}

/// Whether the archive holds anything that makes its history worth reading: an opaque file, or one that the
/// commit does not explain. Small files that are no text (one crate in twenty has some) are a reason only
/// where the history is at hand: nobody has to fetch it for them, nor to be told that it is missing.
fn has_reason(contents: &Contents, compared: &Compared, has_history: bool) -> bool {
    let unexplained = |outcome: &FileOutcome| matches!(outcome, FileOutcome::Unexplained(_));
    let facts = &contents.archive.facts;
    opaque(facts).next().is_some()
        || has_history && suspects(facts).next().is_some()
        || compared.files.values().any(unexplained)
}

/// Files of an archive that are no text and no media, of whatever size.
pub(super) fn suspects(archive: &ArchiveFacts) -> impl Iterator<Item = &FileFacts> {
    archive.binaries.iter().filter(|file| file.in_profile.is_none() && !is_shown(file.class))
}

/// Looks for who brought the opaque files. `until` ends the day of the audit, in seconds since 1970.
pub(super) fn history(
    repository: &Repository,
    commit: &ObjectId,
    compared: &Compared,
    contents: &Contents,
    until: i64,
) -> Result<HistoryFacts, ReadError> {
    let mut facts = HistoryFacts::default();
    if !has_reason(contents, compared, !repository.is_shallow()) {
        return Ok(facts);
    }
    facts.looked = true;
    let place = Place { repository, commit, compared, until };
    let mut lines: Lines<'_> = BTreeMap::from([(None, place.line(None)?)]);
    for (number, file) in opaque(&contents.archive.facts).enumerate() {
        if number >= FILES_LIMIT {
            facts.left_out += 1;
            continue;
        }
        let mut arrival = arrival(file, contents);
        if let Some(origin) = compared.origins.get(&file.path) {
            let line = match lines.entry(origin.submodule.clone()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(place.line(origin.submodule.as_ref())?),
            };
            match line {
                Some(line) => line.tell(origin, &mut arrival)?,
                None => arrival.successor = unknown(file, "the clone is not complete"),
            }
        }
        facts.opaque.push(arrival);
    }
    describe(&mut facts, &lines, contents, compared)?;
    Ok(facts)
}

type Lines<'a> = BTreeMap<Option<String>, Option<Line<'a>>>;

/// What all histories of a repository tell together; unknown where one of them is not complete.
fn describe(
    facts: &mut HistoryFacts,
    lines: &Lines<'_>,
    contents: &Contents,
    compared: &Compared,
) -> Result<(), ReadError> {
    let (mut successors, mut told, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
    let mut why = None;
    for (of, line) in lines {
        let Some(line) = line else {
            why = Some("the clone is not complete");
            continue;
        };
        facts.commits += line.history.changes.len() as u64;
        successors.extend(line.successor_facts());
        let described = line.described(of.as_deref().unwrap_or_default());
        facts.days = facts.days.max(described.days);
        told.push(described);
        match line.newly_ignored(of.as_ref(), contents, compared)? {
            Measured::Known(found) => ignored.extend(found),
            Measured::Unknown(reason) => facts.ignored = Measured::Unknown(reason),
        }
    }
    if facts.ignored.known().is_some() {
        facts.ignored = Measured::Known(ignored);
    }
    facts.successors = Measured::Known(successors);
    facts.lines = Measured::Known(told);
    if let Some(why) = why {
        facts.successors = Measured::unknown(why);
        facts.lines = Measured::unknown(why);
        facts.ignored = Measured::unknown(why);
    }
    Ok(())
}

/// Where histories are read.
struct Place<'a> {
    repository: &'a Repository,
    commit: &'a ObjectId,
    compared: &'a Compared,
    until: i64,
}

impl<'a> Place<'a> {
    /// The history of the repository or of a submodule; none where commits are missing, since then shares
    /// mean nothing.
    fn line(&self, submodule: Option<&String>) -> Result<Option<Line<'a>>, ReadError> {
        let submodule = submodule.and_then(|name| self.compared.submodules.get(name));
        let (repository, commit) = match submodule {
            Some(submodule) => (submodule.repository(), submodule.commit),
            None => (self.repository, *self.commit),
        };
        let history = History::of(repository, &commit, self.until)?;
        let Some(mut history) = history.filter(|history| history.complete) else { return Ok(None) };
        let released = releases(repository, &mut history, self.until).map_err(|e| e.to_string());
        let successors = successors(&history);
        Ok(Some(Line { repository, commit, history, successors, released, until: self.until }))
    }
}

/// What is known of a file before anybody looks for who brought it.
fn arrival(file: &FileFacts, contents: &Contents) -> OpaqueArrival {
    OpaqueArrival {
        path: file.path.clone(),
        size: file.size,
        commit: String::new(),
        by: String::new(),
        predecessor: String::new(),
        by_program: false,
        days: 0,
        successor: unknown(file, "no file of the commit is known to have these bytes"),
        at_build: super::files::read_at_build(contents, &file.path),
        ignored: Measured::Known(Vec::new()),
    }
}

fn unknown(file: &FileFacts, why: &str) -> Measured<bool> {
    Measured::Unknown(shown(&format!("{}: {why}", file.path)))
}

impl Line<'_> {
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
                let Some(author) = change.author else {
                    self.of_program(change, fact);
                    return Ok(());
                };
                fact.by = self.name(author);
                let followed = followed(&self.successors, change);
                fact.successor = Measured::Known(followed.is_some());
                if let Some(followed) = followed {
                    fact.predecessor = self.name(followed.predecessor);
                    fact.ignored = self.ignored(change)?;
                }
            }
        }
        Ok(())
    }

    /// A file that came under the name of a program or a host: anybody can call himself that, so nobody knows
    /// who brought it. Told is whom a successor who was in office then had followed.
    fn of_program(&self, change: &Change, fact: &mut OpaqueArrival) {
        fact.by_program = true;
        let in_office = self.successors.iter().find(|one| one.holds(change.seconds));
        if let Some(followed) = in_office {
            fact.by = self.name(followed.person);
            fact.predecessor = self.name(followed.predecessor);
        }
        let why = "it came under the name of a program or a host, which anybody can write";
        fact.successor = Measured::Unknown(shown(&format!("{}: {why}", fact.path)));
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

    /// Who followed whom, as far as it holds or is remembered on the day of the audit.
    fn successor_facts(&self) -> impl Iterator<Item = SuccessorFacts> {
        let held = self.successors.iter().filter(|successor| successor.holds(self.until));
        held.map(|successor| SuccessorFacts {
            name: self.name(successor.person),
            predecessor: self.name(successor.predecessor),
            measure: successor.measure.as_str().to_owned(),
            before: (successor.before * 100.0).round() / 100.0,
            came_days: self.days(successor.came),
            since_days: self.days(successor.since),
        })
    }

    /// Who lets code in, and who releases.
    fn described(&self, of: &str) -> LineFacts {
        let found = integrators(&self.history, &self.commit, self.until);
        let first = self.history.changes.first().map_or(0, |change| self.days(change.seconds));
        let people = found.people.iter().take(PEOPLE).map(|one| IntegratorFacts {
            name: self.name(one.person),
            share: share(one.year, found.year),
            year: one.year,
            before: one.before,
            first_days: self.days(one.first),
            last_days: self.days(one.last),
        });
        let releases = self.released.as_ref().map_or(&[][..], Vec::as_slice);
        let newest = &releases[releases.len().saturating_sub(RELEASES)..];
        LineFacts {
            of: shown(of),
            days: u64::try_from(first).unwrap_or_default(),
            integrated: found.commits,
            integrated_known: found.known,
            integrators: people.collect(),
            releases: newest.iter().map(|release| self.release(release)).collect(),
            release_succession: match (&self.released, releases.last()) {
                (Err(why), _) => Measured::Unknown(shown(why)),
                (Ok(_), None) => Measured::Known(false),
                (Ok(_), Some(last)) => last.succession.map_or_else(
                    || Measured::unknown("it is not known who made one of the releases"),
                    Measured::Known,
                ),
            },
        }
    }

    fn release(&self, release: &Release) -> TaggedRelease {
        TaggedRelease {
            tag: shown(&release.name),
            by: release.by.map(|by| self.name(by)).unwrap_or_default(),
            days: self.days(release.seconds),
            key: release.signing.key().to_owned(),
            new_key: release.has_new_key,
            first: release.is_first,
            silence_days: release.silence.unwrap_or_default(),
        }
    }

    /// Build inputs that successors newly ignored, each with what else they brought.
    fn newly_ignored(
        &self,
        submodule: Option<&String>,
        contents: &Contents,
        compared: &Compared,
    ) -> Result<Measured<Vec<IgnoredFacts>>, ReadError> {
        let recent =
            self.history.changes.iter().filter(|change| change.seconds > self.until - MEMORY);
        let by_successor =
            recent.filter_map(|change| Some((change, followed(&self.successors, change)?)));
        let mut found = Vec::new();
        let mut brought = BTreeMap::new();
        for (number, (change, followed)) in by_successor.enumerate() {
            if number >= CHANGES_LIMIT {
                return Ok(Measured::unknown("successors made too many changes"));
            }
            let patterns = match newly_ignored(self.repository, &self.history, change)? {
                Ignored::Patterns(patterns) => patterns,
                Ignored::Unknown(why) => return Ok(Measured::unknown(why)),
            };
            for pattern in patterns {
                if found.len() >= FILES_LIMIT {
                    break;
                }
                let beside = match brought.entry(followed.person) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => entry.insert(self.brought_by(
                        followed.person,
                        submodule,
                        contents,
                        compared,
                    )?),
                };
                found.push(IgnoredFacts {
                    pattern: shown(&pattern),
                    by: self.name(followed.person),
                    predecessor: self.name(followed.predecessor),
                    days: self.days(change.seconds),
                    commit: change.id.to_string(),
                    beside: beside.clone(),
                });
            }
        }
        Ok(Measured::Known(found))
    }

    /// Files of the archive that are no text and no media and that somebody brought lately.
    fn brought_by(
        &self,
        person: usize,
        submodule: Option<&String>,
        contents: &Contents,
        compared: &Compared,
    ) -> Result<Vec<String>, ReadError> {
        let arrivals = Arrivals::new(self.repository, &self.history);
        let mut brought = Vec::new();
        for file in suspects(&contents.archive.facts).take(SUSPECTS_LIMIT) {
            let Some(origin) = compared.origins.get(&file.path) else { continue };
            if origin.submodule.as_ref() != submodule || brought.len() >= 20 {
                continue;
            }
            let since = self.until - MEMORY;
            if let Arrival::By(change) =
                arrivals.of(&self.commit, &origin.path, &origin.blob, since)?
                && change.author == Some(person)
            {
                brought.push(shown(&file.path));
            }
        }
        Ok(brought)
    }

    fn name(&self, person: usize) -> String {
        shown(self.history.people.name(person))
    }

    fn days(&self, seconds: i64) -> i64 {
        (self.until - seconds).max(0) / DAY
    }
}
