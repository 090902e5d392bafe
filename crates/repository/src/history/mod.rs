//! What the commits before a release tell of who decides: the commits that lead to it, their people,
//! who followed whom, and who brought which file. Measures; what it means is for the rules to say.

mod arrival;
mod dates;
mod diff;
mod ignored;
mod integrators;
mod opaque;
mod people;
mod releases;
mod signing;
mod succession;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate_read::git_objects::{self, Kind, ObjectId};

pub use arrival::{Arrival, Arrivals};
pub use ignored::{Ignored, lacking_patterns, newly_ignored};
pub use integrators::{Integrator, Integrators, integrators};
pub use opaque::{Deliveries, Delivery, LEAST_BITS, OpaqueFile, SMALLEST, deliveries, is_shown};
pub use people::{People, Person, is_machine};
pub use releases::{Release, releases};
pub use signing::{Signing, signing};
pub use succession::{Measure, Successor, followed, successors};

use crate::{ReadError, Repository};

/// Most commits that are read.
const COMMITS_LIMIT: usize = 300_000;

/// Seconds of a day.
pub const DAY: i64 = 86_400;
/// Seconds of a month of 365.25 / 12 days.
pub const MONTH: i64 = 2_629_800;

/// One commit.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its name.
    pub id: ObjectId,
    /// Its root folder.
    pub tree: ObjectId,
    /// Its parents, in order.
    pub parents: Vec<ObjectId>,
    /// Who wrote it; none for a machine.
    pub author: Option<Person>,
    /// Who let it in, as far as git knows: the committer, or the author of a merge that the host made.
    pub integrator: Option<Person>,
    /// When it was committed, in seconds since 1970: as it says itself, where that agrees with the commits
    /// around it.
    pub seconds: i64,
}

impl Change {
    /// Whether it joins two lines of history.
    #[must_use]
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }
}

/// All commits that lead to one.
#[derive(Debug)]
pub struct History {
    /// By date, oldest first.
    pub changes: Vec<Change>,
    /// Their people.
    pub people: People,
    /// No parent is missing.
    pub complete: bool,
    /// Commits that are dated later, and of which nothing is told.
    pub later: u64,
    at: HashMap<ObjectId, usize>,
}

impl History {
    /// Reads the commits that lead to one, but for those dated after `until`. None where the clone has
    /// not the commit.
    pub fn of(
        repository: &Repository,
        start: &ObjectId,
        until: i64,
    ) -> Result<Option<Self>, ReadError> {
        let mut history = Self {
            changes: Vec::new(),
            people: People::default(),
            complete: true,
            later: 0,
            at: HashMap::new(),
        };
        let mut seen = HashSet::from([*start]);
        let mut open = vec![*start];
        while let Some(id) = open.pop() {
            let object = repository.objects().read(&id)?.filter(|o| o.kind == Kind::Commit);
            let Some(object) = object else {
                history.complete = false;
                continue;
            };
            let change = history.change(id, &object.bytes)?;
            open.extend(change.parents.iter().filter(|parent| seen.insert(**parent)));
            if seen.len() > COMMITS_LIMIT {
                return Err(ReadError::Limit { what: "commits", limit: COMMITS_LIMIT as u64 });
            }
            history.changes.push(change);
        }
        dates::mend(&mut history.changes, start);
        let all = history.changes.len();
        history.changes.retain(|change| change.seconds <= until);
        history.later = (all - history.changes.len()) as u64;
        if history.changes.is_empty() && !history.complete {
            return Ok(None);
        }
        history.changes.sort_by_key(|change| (change.seconds, change.id));
        history.settle();
        history.at = history.changes.iter().enumerate().map(|(at, c)| (c.id, at)).collect();
        Ok(Some(history))
    }

    /// Gives every change the number that stands for all of its people's, after some were found to be one.
    fn settle(&mut self) {
        let people = &self.people;
        for change in &mut self.changes {
            change.author = change.author.map(|person| people.lead(person));
            change.integrator = change.integrator.map(|person| people.lead(person));
        }
    }

    fn change(&mut self, id: ObjectId, bytes: &[u8]) -> Result<Change, ReadError> {
        let damaged = |source| ReadError::Format { what: id.to_string(), source };
        let commit = git_objects::commit(bytes).map_err(damaged)?;
        let (author, committer) = git_objects::signatures(bytes).map_err(damaged)?;
        let writer = self.people.of(&author);
        let letter = self.people.of(&committer);
        // The host makes a merge for whoever pressed the button, and writes that one as its author.
        let integrator = if commit.parents.len() > 1 { letter.or(writer) } else { letter };
        Ok(Change {
            id,
            tree: commit.tree,
            parents: commit.parents,
            author: writer,
            integrator,
            seconds: committer.seconds,
        })
    }

    /// Root folders of its commits since a time that the clone has not.
    pub fn lacking_folders(
        &self,
        repository: &Repository,
        since: i64,
    ) -> Result<BTreeSet<ObjectId>, ReadError> {
        let mut lacking = BTreeSet::new();
        for change in self.changes.iter().filter(|change| change.seconds >= since) {
            if !repository.objects().has(&change.tree)? {
                lacking.insert(change.tree);
            }
        }
        Ok(lacking)
    }

    /// A commit of this history.
    #[must_use]
    pub fn get(&self, id: &ObjectId) -> Option<&Change> {
        self.at.get(id).map(|at| &self.changes[*at])
    }
}

#[cfg(test)]
mod tests;
