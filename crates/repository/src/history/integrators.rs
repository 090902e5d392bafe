//! Who lets code in, as far as git knows: the committers of the commits on the main line. Squash merges and
//! edits in a host's pages carry the host's name, in a third of repositories nearly all: unknown, not zero.

use std::collections::{BTreeMap, HashSet};

use crate_read::git_objects::ObjectId;

use super::{Change, History, MONTH, Person};

/// Months that shares are taken over.
const WINDOW: i64 = 24 * MONTH;

/// Somebody who lets code in.
#[derive(Clone, Debug, PartialEq)]
pub struct Integrator {
    /// The person.
    pub person: Person,
    /// The first and the last time, in seconds since 1970.
    pub first: i64,
    /// The last time.
    pub last: i64,
    /// How many commits of the main line.
    pub all: u64,
    /// How many of the last 12 months.
    pub year: u64,
    /// How many of the 24 months before these.
    pub before: u64,
}

/// Who lets code in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Integrators {
    /// Those who are known, most commits of the last year first.
    pub people: Vec<Integrator>,
    /// Commits of the main line in the last 24 months.
    pub commits: u64,
    /// How many of these name a person.
    pub known: u64,
    /// Commits of the main line in the last 12 months.
    pub year: u64,
}

/// Who let code into the main line that ends with a commit.
#[must_use]
pub fn integrators(history: &History, head: &ObjectId, until: i64) -> Integrators {
    let mut found = Integrators::default();
    let mut people: BTreeMap<Person, Integrator> = BTreeMap::new();
    for change in main_line(history, head) {
        let at = change.seconds;
        let (is_late, is_year) = (at > until - WINDOW, at > until - 12 * MONTH);
        found.commits += u64::from(is_late);
        found.year += u64::from(is_year);
        let Some(person) = change.integrator else { continue };
        found.known += u64::from(is_late);
        let new = Integrator { person, first: at, last: at, all: 0, year: 0, before: 0 };
        let integrator = people.entry(person).or_insert(new);
        integrator.first = integrator.first.min(at);
        integrator.last = integrator.last.max(at);
        integrator.all += 1;
        integrator.year += u64::from(is_year);
        integrator.before += u64::from(!is_year && at > until - 36 * MONTH);
    }
    found.people = people.into_values().collect();
    found.people.sort_by_key(|one| (std::cmp::Reverse((one.year, one.all)), one.person));
    found
}

/// The first parents of a commit, newest first.
fn main_line<'a>(history: &'a History, head: &ObjectId) -> Vec<&'a Change> {
    let (mut line, mut seen) = (Vec::new(), HashSet::new());
    // The head can be later than what is told: then the first of its parents that is not.
    let mut at = history.get(head).or_else(|| history.changes.last());
    while let Some(change) = at.filter(|change| seen.insert(change.id)) {
        line.push(change);
        at = change.parents.first().and_then(|parent| history.get(parent));
    }
    line
}
