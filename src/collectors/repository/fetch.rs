//! Which repositories and commits the crates of a graph were made from, and fetching them into a cache.
//! What was fetched before is not asked for again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use custody_repository::history::{DAY, History, MONTH, lacking_patterns};
use custody_repository::{
    ASKED, Address, ObjectId, Reach, ReachWalk, ReadError, Repository, lacking, lacking_roots,
    submodules, tag_names,
};

use super::history::opaque;
use crate::collectors::archive::{self, ArchiveFacts};
use crate::collectors::custody;
use crate::domain::text::shown;
use crate::domain::{FactSheet, Measured};
use crate::net::git::{Base, Depth, FetchError, Git, Limits, Lines, Remote};

/// Folder of the cache that holds what was fetched.
pub const FETCHED: &str = "repositories";
/// Folder of the cache that holds repositories with all their file contents.
pub const WHOLE: &str = "repositories-whole";
/// Most contents that are asked for in one call.
const AT_ONCE: usize = 5_000;
/// Most names of tags that are asked for with one commit.
const TAGS_LIMIT: usize = 300;
/// Most commits of a main line whose folders are fetched to be held against a crate's.
const ROOTS_LIMIT: usize = 300;

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

/// Who names a commit, and what is wanted of it.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    /// The commits before it, too.
    pub history: bool,
    /// The crates that name it.
    pub crates: Vec<Named>,
    /// It is a submodule's: nobody asks from where it is reached, nor for its tags and its own submodules.
    pub is_submodule: bool,
}

/// A crate that names a commit.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder, where it is told; else the whole commit.
    pub folder: String,
}

/// Commits with what is wanted of them.
pub type Commits = BTreeMap<Wanted, Needed>;
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
        match of_crate(&facts, verified(sheet)) {
            Ok(wanted) => {
                let history = match histories {
                    Histories::All => true,
                    Histories::OfOpaque => opaque(&facts).next().is_some(),
                    Histories::None => false,
                };
                let folder = facts.vcs.path_in_vcs.known().map(|path| path.replace('\\', "/"));
                for wanted in wanted {
                    let needed = all.entry(wanted).or_default();
                    needed.history |= history;
                    needed.crates.push(Named {
                        name: sheet.subject.name.clone(),
                        version: sheet.subject.version.clone(),
                        folder: folder.clone().unwrap_or_default(),
                    });
                }
            }
            Err(why) => left.push((name, why.to_owned())),
        }
    }
    (all, left)
}

/// The commit that the registry verified for the workflow that published a crate.
#[must_use]
pub fn verified(sheet: &FactSheet) -> Option<ObjectId> {
    let custody = sheet.facts.get(custody::GROUP)?;
    ObjectId::from_hex(&custody.get("published_from_commit")?.as_str()?.to_lowercase())
}

/// The commit that the archive names and the one that the registry verified.
fn of_crate(
    facts: &ArchiveFacts,
    verified: Option<ObjectId>,
) -> Result<BTreeSet<Wanted>, &'static str> {
    let repository = facts.manifest.known().and_then(|manifest| manifest.repository.as_deref());
    let address = repository.and_then(Address::parse).ok_or("the manifest names no repository")?;
    let recorded = facts.vcs.sha1.known().and_then(|hex| ObjectId::from_hex(hex));
    let commits: BTreeSet<ObjectId> = recorded.into_iter().chain(verified).collect();
    if commits.is_empty() {
        return Err("the archive names no commit");
    }
    let remote = Remote::new(address.host(), address.path());
    let remote = remote.ok_or("its repository is not on a host that is asked")?;
    Ok(commits.into_iter().map(|commit| Wanted { remote: remote.clone(), commit }).collect())
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
type OfOne<'a> = Vec<(&'a Wanted, &'a Needed)>;

/// Repositories that are fetched at the same time: hosts answer slowly, and nothing is to be computed.
const TOGETHER: usize = 6;

/// Fetches all of them until a time; `tick` is called after each.
pub fn fetch(
    git: &Git,
    wanted: &Commits,
    until: Option<Instant>,
    tick: &(dyn Fn() + Sync),
) -> Fetched {
    let Round { mut fetched, submodules } = round(git, wanted, until, tick);
    // A submodule can be a repository that others are in, too: a second round, or two fetches into one
    // clone would be in each other's way.
    let more = round(git, &submodules, until, &|| {}).fetched;
    fetched.kept += more.kept;
    fetched.fetched += more.fetched;
    fetched.left.extend(more.left);
    fetched.left.sort();
    fetched
}

/// What came of one round.
#[derive(Default)]
struct Round {
    fetched: Fetched,
    submodules: Commits,
}

fn round(git: &Git, wanted: &Commits, until: Option<Instant>, tick: &(dyn Fn() + Sync)) -> Round {
    let mut repositories: BTreeMap<&Remote, OfOne<'_>> = BTreeMap::new();
    for (wanted, needed) in wanted {
        repositories.entry(&wanted.remote).or_default().push((wanted, needed));
    }
    let queue: Mutex<VecDeque<_>> = Mutex::new(repositories.into_iter().collect());
    let result: Mutex<Round> = Mutex::default();
    let is_late = || until.is_some_and(|until| Instant::now() >= until);
    let work = || {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while let Some((remote, commits)) = next() {
            let mut there = OfOne::new();
            for (wanted, needed) in commits {
                let told = if is_late() {
                    Err("the time of the run is up".to_owned())
                } else {
                    one(git, wanted, needed)
                };
                let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
                if told.is_ok() {
                    there.push((wanted, needed));
                }
                result.take(told, needed);
                tick();
            }
            there.retain(|(_, needed)| !needed.is_submodule);
            if !is_late() {
                // Without it a comparison can be made; only from where its commit is reached is unknown.
                let _ = lines(git, remote, &there);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(work);
        }
    });
    result.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Round {
    /// Counts what became of one commit.
    fn take(&mut self, told: Result<One, String>, needed: &Needed) {
        match told {
            Ok(one) => {
                if one.is_new {
                    self.fetched.fetched += 1;
                } else {
                    self.fetched.kept += 1;
                }
                for wanted in one.submodules {
                    let of = self.submodules.entry(wanted).or_default();
                    of.is_submodule = true;
                    of.history |= needed.history;
                    of.crates.extend(needed.crates.iter().cloned());
                }
            }
            Err(why) => {
                let why = if needed.is_submodule {
                    format!("a submodule of its repository: {why}")
                } else {
                    why
                };
                let name = |of: &Named| format!("{} {}", of.name, of.version);
                self.fetched.left.extend(needed.crates.iter().map(|of| (name(of), shown(&why))));
            }
        }
    }
}

/// What became of one commit.
struct One {
    is_new: bool,
    submodules: BTreeSet<Wanted>,
}

/// Fetches one commit and the contents that a comparison needs.
fn one(git: &Git, wanted: &Wanted, needed: &Needed) -> Result<One, String> {
    let told = |error: FetchError| error.to_string();
    let read = |error: ReadError| error.to_string();
    let folder = git.folder(&wanted.remote);
    let there = Repository::open(&folder).ok().and_then(|repository| {
        let has = repository.objects().has(&wanted.commit).ok()?;
        Some(has && !(needed.history && repository.is_shallow()))
    });
    let is_new = there != Some(true);
    if is_new {
        let depth = if needed.history { Depth::History } else { Depth::Commit };
        let tags = tags_of(needed);
        git.commit(&wanted.remote, &wanted.commit.to_string(), depth, &tags).map_err(told)?;
    }
    let repository = Repository::open(&folder).map_err(read)?;
    let lacking = lacking(&repository, &wanted.commit).map_err(read)?;
    objects(git, &wanted.remote, lacking)?;
    for what in [folders_of, patterns_of] {
        if needed.history {
            let repository = Repository::open(&folder).map_err(read)?;
            objects(git, &wanted.remote, what(&repository, &wanted.commit).map_err(read)?)?;
        }
    }
    if needed.is_submodule {
        return Ok(One { is_new, submodules: BTreeSet::new() });
    }
    // What came just now is in a pack of its own.
    let repository = Repository::open(&folder).map_err(read)?;
    let mut submodules = BTreeSet::new();
    let folders: BTreeSet<&str> = needed.crates.iter().map(|of| &*of.folder).collect();
    let address = Address::parse(&wanted.remote.address());
    for below in folders {
        let Some(address) = &address else { break };
        let found = self::submodules(&repository, &wanted.commit, below, address).map_err(read)?;
        submodules.extend(found.into_iter().filter_map(|(address, commit)| {
            let remote = Remote::new(address.host(), address.path())?;
            Some(Wanted { remote, commit })
        }));
    }
    Ok(One { is_new, submodules })
}

/// What the tags of the releases that a commit was made for can be called.
fn tags_of(needed: &Needed) -> Vec<String> {
    if needed.is_submodule {
        return Vec::new();
    }
    let names = needed.crates.iter().flat_map(|of| tag_names(&of.name, &of.version));
    let names: BTreeSet<String> = names.collect();
    names.into_iter().take(TAGS_LIMIT).collect()
}

fn objects(
    git: &Git,
    remote: &Remote,
    ids: impl IntoIterator<Item = ObjectId>,
) -> Result<(), String> {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    for ids in ids.chunks(AT_ONCE) {
        git.objects(remote, ids).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Asks from where commits are reached that no tag of their version names: first the branches, then what no
/// branch leads to in the tags, and whether the main line has the same folder. Nothing is asked twice.
fn lines(git: &Git, remote: &Remote, commits: &OfOne<'_>) -> Result<(), String> {
    let told = |error: FetchError| error.to_string();
    let folder = git.folder(remote);
    let commits = commits.iter().map(|(wanted, _)| wanted.commit);
    let mut open: Vec<ObjectId> =
        commits.filter(|id| !git.is_asked(remote, ASKED, &id.to_string())).collect();
    for what in [Lines::Branches, Lines::Tags] {
        let repository = Repository::open(&folder).map_err(|error| error.to_string())?;
        open = unreached(&repository, &open).map_err(|error| error.to_string())?;
        let dates = open.iter().filter_map(|id| repository.objects().commit(id).ok().flatten());
        let Some(first) = dates.map(|commit| commit.committed).min() else { return Ok(()) };
        // Clocks of those who commit differ, by time zones more often than by chance.
        let since = first.saturating_sub(DAY).max(0);
        let names: Vec<String> = open.iter().map(ToString::to_string).collect();
        git.lines(remote, &names, since, what).map_err(told)?;
        if what == Lines::Tags {
            let repository = Repository::open(&folder).map_err(|error| error.to_string())?;
            let roots = lacking_roots(&repository, since, ROOTS_LIMIT);
            objects(git, remote, roots.map_err(|error| error.to_string())?)?;
            for name in &names {
                git.was_asked(remote, ASKED, name).map_err(told)?;
            }
        }
    }
    Ok(())
}

/// Those that nothing in a clone is known to lead to.
fn unreached(repository: &Repository, commits: &[ObjectId]) -> Result<Vec<ObjectId>, ReadError> {
    let walk = ReachWalk::of(repository, commits)?;
    let is_reached = |id: &ObjectId| {
        matches!(walk.class(id), Some(Reach::DefaultBranch | Reach::OtherReference))
    };
    Ok(commits.iter().copied().filter(|id| !is_reached(id)).collect())
}

/// Folders of the commits of the 36 months before one that are not here: their commits came alone, when it was
/// asked what leads to an older release.
fn folders_of(repository: &Repository, commit: &ObjectId) -> Result<BTreeSet<ObjectId>, ReadError> {
    match History::of(repository, commit, i64::MAX)? {
        Some(history) => history.lacking_folders(repository, window(&history, commit)),
        None => Ok(BTreeSet::new()),
    }
}

/// Contents of ignore files that these commits changed and that are not here: without them nobody can say
/// whether a build input was newly ignored.
fn patterns_of(
    repository: &Repository,
    commit: &ObjectId,
) -> Result<BTreeSet<ObjectId>, ReadError> {
    match History::of(repository, commit, i64::MAX)? {
        Some(history) => lacking_patterns(repository, &history, window(&history, commit)),
        None => Ok(BTreeSet::new()),
    }
}

fn window(history: &History, commit: &ObjectId) -> i64 {
    history.get(commit).map_or(0, |change| change.seconds) - 36 * MONTH
}
