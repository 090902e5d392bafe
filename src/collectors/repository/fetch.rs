//! Which repositories and commits the crates of a graph were made from, and fetching them into a cache.
//! What was fetched before is not asked for again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use custody_repository::history::{History, MONTH, lacking_patterns};
use custody_repository::{Address, ObjectId, Repository, lacking};

use super::history::opaque;
use crate::collectors::archive::{self, ArchiveFacts};
use crate::domain::text::shown;
use crate::domain::{FactSheet, Measured};
use crate::net::git::{Base, Depth, FetchError, Git, Limits, Remote};

/// Folder of the cache that holds what was fetched.
pub const FETCHED: &str = "repositories";
/// Folder of the cache that holds repositories with all their file contents.
pub const WHOLE: &str = "repositories-whole";
/// Most contents that are asked for in one call.
const AT_ONCE: usize = 5_000;

/// Of which crates the commits before the release are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Histories {
    /// Of those whose archive holds opaque files.
    OfOpaque,
    /// Of all.
    All,
    /// Of none.
    None,
}

/// A commit of a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The repository.
    pub remote: Remote,
    /// The commit.
    pub commit: ObjectId,
}

/// Commits, each with whether its history is wanted and the crates that name it.
pub type Commits = BTreeMap<Wanted, (bool, Vec<String>)>;
/// Crates of which nothing is fetched, each with the reason.
pub type Left = Vec<(String, String)>;

/// What became of a fetch.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Commits that were there already.
    pub kept: u64,
    /// Commits that were fetched.
    pub fetched: u64,
    /// Crates that nothing was fetched for, with the reason, in order.
    pub left: Left,
}

/// The commits that crates name, and the crates of which nothing can be fetched.
#[must_use]
pub fn wanted<'s>(
    sheets: impl IntoIterator<Item = &'s FactSheet>,
    histories: Histories,
) -> (Commits, Left) {
    let (mut all, mut left) = (Commits::new(), Left::new());
    for sheet in sheets {
        let Some(facts) = sheet.facts.get(archive::GROUP) else { continue };
        let name = format!("{} {}", sheet.subject.name, sheet.subject.version);
        let facts = serde_json::from_value::<Measured<ArchiveFacts>>(facts.clone());
        let facts = match facts {
            Ok(Measured::Known(facts)) => facts,
            Ok(Measured::Unknown(reason)) => {
                left.push((name, reason));
                continue;
            }
            Err(error) => {
                left.push((name, error.to_string()));
                continue;
            }
        };
        match of_crate(&facts) {
            Ok(wanted) => {
                let has_opaque = || opaque(&facts).next().is_some();
                let deep = match histories {
                    Histories::All => true,
                    Histories::OfOpaque => has_opaque(),
                    Histories::None => false,
                };
                let entry = all.entry(wanted).or_default();
                entry.0 |= deep;
                entry.1.push(name);
            }
            Err(why) => left.push((name, why.to_owned())),
        }
    }
    (all, left)
}

fn of_crate(facts: &ArchiveFacts) -> Result<Wanted, &'static str> {
    let repository = facts.manifest.known().and_then(|manifest| manifest.repository.as_deref());
    let address = repository.and_then(Address::parse).ok_or("the manifest names no repository")?;
    let commit = facts.vcs.sha1.known().and_then(|hex| ObjectId::from_hex(hex));
    let commit = commit.ok_or("the archive names no commit")?;
    let remote = Remote::new(address.host(), address.path());
    let remote = remote.ok_or("its repository is not on a host that is asked")?;
    Ok(Wanted { remote, commit })
}

/// What fetching may take.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// From where.
    pub base: Base,
    /// How much one call of git may take.
    pub limits: Limits,
    /// Of which crates the history is fetched.
    pub histories: Histories,
}

/// The commits that are wanted of one repository.
type OfOne<'a> = Vec<(&'a Wanted, &'a (bool, Vec<String>))>;

/// Repositories that are fetched at the same time: hosts answer slowly, and nothing is to be computed.
const TOGETHER: usize = 6;

/// Fetches all of them until a time; `tick` is called after each.
pub fn fetch(
    git: &Git,
    wanted: &Commits,
    until: Option<Instant>,
    tick: &(dyn Fn() + Sync),
) -> Fetched {
    // Two fetches into one clone would be in each other's way.
    let mut repositories: BTreeMap<&Remote, OfOne<'_>> = BTreeMap::new();
    for (wanted, what) in wanted {
        repositories.entry(&wanted.remote).or_default().push((wanted, what));
    }
    let queue: Mutex<VecDeque<_>> = Mutex::new(repositories.into_values().collect());
    let result: Mutex<Fetched> = Mutex::default();
    let work = || {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while let Some(commits) = next() {
            for (wanted, (deep, crates)) in commits {
                let told = match until {
                    Some(until) if Instant::now() >= until => {
                        Err("the time of the run is up".to_owned())
                    }
                    _ => one(git, wanted, *deep),
                };
                let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
                match told {
                    Ok(true) => result.fetched += 1,
                    Ok(false) => result.kept += 1,
                    Err(why) => {
                        result.left.extend(crates.iter().map(|name| (name.clone(), shown(&why))));
                    }
                }
                tick();
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(work);
        }
    });
    let mut result = result.into_inner().unwrap_or_else(PoisonError::into_inner);
    result.left.sort();
    result
}

/// Fetches one commit and the contents that a comparison needs; whether that was necessary.
fn one(git: &Git, wanted: &Wanted, deep: bool) -> Result<bool, String> {
    let told = |error: FetchError| error.to_string();
    let folder = git.folder(&wanted.remote);
    let there = Repository::open(&folder).ok().and_then(|repository| {
        let has = repository.objects().has(&wanted.commit).ok()?;
        Some(has && !(deep && repository.is_shallow()))
    });
    let is_new = there != Some(true);
    if is_new {
        let depth = if deep { Depth::History } else { Depth::Commit };
        git.commit(&wanted.remote, &wanted.commit.to_string(), depth).map_err(told)?;
    }
    let repository = Repository::open(&folder).map_err(|error| error.to_string())?;
    let mut lacking = lacking(&repository, &wanted.commit).map_err(|error| error.to_string())?;
    if deep {
        lacking.extend(patterns(&repository, &wanted.commit).map_err(|error| error.to_string())?);
    }
    let ids: Vec<String> = lacking.iter().map(ToString::to_string).collect();
    for ids in ids.chunks(AT_ONCE) {
        git.objects(&wanted.remote, ids).map_err(told)?;
    }
    Ok(is_new)
}

/// Contents of ignore files that the commits of the 36 months before a commit changed, and that are not here:
/// without them nobody can say whether a build input was newly ignored.
fn patterns(
    repository: &Repository,
    commit: &ObjectId,
) -> Result<std::collections::BTreeSet<ObjectId>, custody_repository::ReadError> {
    let Some(history) = History::of(repository, commit, i64::MAX)? else {
        return Ok(std::collections::BTreeSet::new());
    };
    let newest = history.get(commit).map_or(0, |change| change.seconds);
    lacking_patterns(repository, &history, newest - 36 * MONTH)
}
