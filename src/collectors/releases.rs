//! Group `releases`: the release history of a registry crate, from the index alone: how old the locked
//! release is, how long it was quiet before, what was yanked, and which dependencies came with it.
//!
//! Works offline from Cargo's index cache. Measures; whether a gap is long or a dependency young is
//! for the rules to say.

mod dependencies;
mod facts;
mod history;
mod satisfying;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use dependencies::NewDependency;
pub use facts::ReleaseFacts;
pub use history::{History, Release, days_between, days_until, same_line};

use super::index_files::{FoundIndex, IndexFiles, IndexSource, Lookup, Pin, Wanted};
use super::kept::Kept;
use super::store::Kind;
use crate::domain::{Measured, NodeIndex, Origin};
use crate_read::features::FeatureTable;

/// Name of the group.
pub const GROUP: &str = "releases";
/// Most index files that are asked for only because a new dependency is in them.
const DEPENDENCY_REQUESTS: usize = 200;

/// Table of what index files said of a release on a day.
const NOTED: Kind = Kind::small("releases");
/// Table of the older releases that a release was compared with on a day.
const NOTED_OLDER: Kind = Kind::small("older");
/// Has to be raised whenever the same index files give another answer than before.
const VERSION: u64 = 2;

/// Something that was read from index files, and the state that they were in.
#[derive(Debug, Serialize, Deserialize)]
struct Noted<T> {
    /// The day that it speaks of.
    as_of: Date,
    /// Crate name to the stamp of its index file.
    stamps: BTreeMap<String, String>,
    value: T,
}

/// A locked crate of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locked {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// SHA-256 of its archive according to the lockfile.
    pub checksum: Option<String>,
    /// Which registry it is from.
    pub origin: Origin,
}

/// A release before a locked one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderRelease {
    /// Version.
    pub version: String,
    /// SHA-256 of its archive according to the index.
    pub checksum: String,
    /// Days between it and the locked one.
    pub days_between: i64,
}

/// The releases before a locked one that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Older {
    /// The last one that is old enough, of the same line where there is one.
    pub window: Option<OlderRelease>,
    /// The one that it continues.
    pub previous: Option<OlderRelease>,
    /// Days between the crate's first release and the locked one.
    pub days_since_first: i64,
}

/// Measures release histories.
pub struct Releases {
    index: IndexFiles,
    kept: Option<Arc<Kept>>,
    first: Mutex<BTreeMap<String, Measured<Timestamp>>>,
}

impl Releases {
    /// Reads from these index files.
    #[must_use]
    pub fn new(index: IndexFiles) -> Self {
        Self { index, kept: None, first: Mutex::default() }
    }

    /// Keeps what was read from Cargo's index cache for the next run.
    #[must_use]
    pub fn keeping(self, kept: Arc<Kept>) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// Measures all, in the order given. Asks the index first for what Cargo's cache does not hold,
    /// then for the new dependencies that turned up; `done` is called after every answer.
    #[must_use]
    pub fn measure_all(
        &self,
        locked: &[Locked],
        as_of: Date,
        runtime: &tokio::runtime::Runtime,
        done: &(dyn Fn() + Sync),
    ) -> Vec<ReleaseFacts> {
        let noted: Vec<Option<ReleaseFacts>> =
            locked.par_iter().map(|one| self.noted(NOTED, one, as_of)).collect();
        let new = locked.iter().zip(&noted).filter(|(_, noted)| noted.is_none());
        let new: Vec<&Locked> = new.map(|(one, _)| one).collect();
        runtime.block_on(self.index.fetch(&self.missing(&new), done));
        let mut facts: Vec<ReleaseFacts> = noted
            .into_par_iter()
            .zip(locked)
            .map(|(noted, one)| noted.unwrap_or_else(|| self.measure(one, as_of)))
            .collect();
        let unseen = self.unseen_dependencies(&facts);
        if !unseen.is_empty() {
            runtime.block_on(self.index.fetch(&unseen, done));
            let unseen: BTreeSet<String> = unseen.into_iter().map(|one| one.name).collect();
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            first.retain(|name, _| !unseen.contains(name));
            drop(first);
            facts.par_iter_mut().zip(locked).for_each(|(facts, one)| {
                if new_names(facts).any(|name| unseen.contains(name)) {
                    *facts = self.measure(one, as_of);
                }
            });
        }
        self.save();
        facts
    }

    /// Asks the index for those of these crates that this machine does not know, once.
    pub fn ask(&self, locked: &[&Locked], runtime: &tokio::runtime::Runtime) {
        runtime.block_on(self.index.fetch(&self.missing(locked), &|| {}));
    }

    /// The versions of a crate of the default registry that cargo could take on a day: those published
    /// by then and not yanked. Nothing where its index file is not at hand.
    #[must_use]
    pub fn takeable(&self, name: &str, as_of: Date) -> Option<Vec<semver::Version>> {
        let Lookup::Found(found) = self.index.find(name, &Origin::Registry, None) else {
            return None;
        };
        let history = History::known_on(&found.file, as_of);
        let lines = history.releases.iter().map(|release| release.line);
        let taken = lines.filter(|line| line.yanked != Some(true));
        Some(taken.filter_map(|line| semver::Version::parse(&line.version).ok()).collect())
    }

    /// What a release of the default registry asks of a dependency, those of its tests left out: they lock
    /// nothing for others. Nothing where its index file is not at hand or does not tell.
    #[must_use]
    pub fn asks(&self, name: &str, version: &str, dependency: &str) -> Option<Vec<String>> {
        let Lookup::Found(found) = self.index.find(name, &Origin::Registry, None) else {
            return None;
        };
        let line = found.file.lines.iter().find(|line| line.version == version)?;
        let all = found.file.dependencies(line).ok()?;
        let of_it = all.into_iter().filter(|one| one.package == dependency && one.kind != "dev");
        let asks: Vec<String> = of_it.map(|one| one.requirement).collect();
        (!asks.is_empty()).then_some(asks)
    }

    /// What the features of these crates turn on, from the index files at hand; nobody is asked.
    #[must_use]
    pub fn features(&self, locked: &[(NodeIndex, Locked)]) -> BTreeMap<NodeIndex, FeatureTable> {
        let read = |(node, locked): &(NodeIndex, Locked)| {
            let pin = locked.checksum.as_deref();
            let pin = pin.map(|checksum| Pin { version: &locked.version, checksum });
            let Lookup::Found(found) = self.index.find(&locked.name, &locked.origin, pin) else {
                return None;
            };
            let line = found.file.lines.iter().find(|line| line.version == locked.version)?;
            Some((*node, found.file.features(line).ok()?))
        };
        locked.par_iter().filter_map(read).collect()
    }

    /// Crates whose locked version Cargo's cache does not know, and that were not asked for yet.
    fn missing(&self, locked: &[&Locked]) -> Vec<Wanted> {
        if !self.index.can_ask() {
            return Vec::new();
        }
        let missing: BTreeSet<(&str, &str)> = locked
            .par_iter()
            .filter(|one| one.origin == Origin::Registry)
            .filter(|one| !self.index.was_fetched(&one.name))
            .filter(|one| !self.index.in_cargos_cache(&one.name, &one.origin, Some(&one.version)))
            .map(|one| (one.name.as_str(), one.version.as_str()))
            .collect();
        let mut all: Vec<Wanted> = Vec::new();
        for (name, version) in missing {
            match all.last_mut().filter(|last| last.name == name) {
                Some(last) => last.versions.push(version.to_owned()),
                None => {
                    all.push(Wanted { name: name.to_owned(), versions: vec![version.to_owned()] });
                }
            }
        }
        all
    }

    /// New dependencies whose own index file is not on this machine.
    fn unseen_dependencies(&self, facts: &[ReleaseFacts]) -> Vec<Wanted> {
        if !self.index.can_ask() {
            return Vec::new();
        }
        let names: BTreeSet<&str> = facts
            .iter()
            .flat_map(new_names)
            .filter(|name| !self.index.was_fetched(name))
            .filter(|name| !self.index.in_cargos_cache(name, &Origin::Registry, None))
            .collect();
        names.into_iter().take(DEPENDENCY_REQUESTS).map(Wanted::any).collect()
    }

    /// Measures one crate with what is at hand.
    #[must_use]
    pub fn measure(&self, locked: &Locked, as_of: Date) -> ReleaseFacts {
        let pin =
            locked.checksum.as_deref().map(|checksum| Pin { version: &locked.version, checksum });
        match self.index.find(&locked.name, &locked.origin, pin) {
            Lookup::Unknown(reason) => ReleaseFacts::unknown(&reason),
            Lookup::NoSuchCrate => ReleaseFacts::no_such_crate(),
            Lookup::Found(found) => {
                let facts = self.measure_in(&found, locked, as_of);
                // What is left out may come from any index file.
                if found.source == IndexSource::CargoCache
                    && facts.new_dependencies_left_out == Measured::Known(0)
                {
                    self.note(NOTED, locked, as_of, new_names(&facts), &facts);
                }
                facts
            }
        }
    }

    /// What an earlier run read, if every index file is as it was then.
    fn noted<T: DeserializeOwned>(&self, kind: Kind, locked: &Locked, as_of: Date) -> Option<T> {
        if self.index.asks_anew() {
            return None;
        }
        let noted: Noted<T> = self.kept.as_ref()?.get(kind, &key(locked), VERSION)?;
        let same = |(name, stamp): (&String, &String)| {
            self.stamp(name, locked).is_some_and(|now| now == *stamp)
        };
        (noted.as_of == as_of && noted.stamps.iter().all(same)).then_some(noted.value)
    }

    /// Keeps what was read from the index files of a crate and of `others`.
    fn note<'n, T: Serialize>(
        &self,
        kind: Kind,
        locked: &'n Locked,
        as_of: Date,
        others: impl Iterator<Item = &'n str>,
        value: &T,
    ) {
        let Some(kept) = &self.kept else { return };
        let names = std::iter::once(locked.name.as_str()).chain(others);
        let stamps: Option<BTreeMap<String, String>> =
            names.map(|name| Some((name.to_owned(), self.stamp(name, locked)?))).collect();
        if let Some(stamps) = stamps {
            kept.put(kind, &key(locked), VERSION, &Noted { as_of, stamps, value });
        }
    }

    /// The stamp of an index file: the crate's own registry for itself, the default one for others.
    fn stamp(&self, name: &str, locked: &Locked) -> Option<String> {
        let own = name == locked.name;
        self.index.stamp(name, if own { &locked.origin } else { &Origin::Registry })
    }

    fn save(&self) {
        if let Some(kept) = &self.kept {
            kept.save();
        }
    }

    /// The older releases that a release is compared with.
    #[must_use]
    pub fn older(&self, locked: &Locked, as_of: Date, window_days: i64) -> Measured<Older> {
        if let Some((days, older)) = self.noted::<(i64, Older)>(NOTED_OLDER, locked, as_of)
            && days == window_days
        {
            return Measured::Known(older);
        }
        let pin =
            locked.checksum.as_deref().map(|checksum| Pin { version: &locked.version, checksum });
        let found = match self.index.find(&locked.name, &locked.origin, pin) {
            Lookup::Unknown(reason) => return Measured::Unknown(reason),
            Lookup::NoSuchCrate => return Measured::unknown("the index has no such crate"),
            Lookup::Found(found) => found,
        };
        let history = History::known_on(&found.file, as_of);
        let Some(at) = history.position(&locked.version) else {
            return Measured::unknown("the index does not list this version");
        };
        let Some(published) = history.releases[at].published else {
            return Measured::unknown("the index does not say when it was published");
        };
        let release = |older: &Release<'_>| {
            Some(OlderRelease {
                version: older.line.version.clone(),
                checksum: older.line.checksum.clone(),
                days_between: days_between(older.published?, published),
            })
        };
        let first = history.releases.first().and_then(|r| r.published).unwrap_or(published);
        let older = Older {
            window: history.earlier_by(at, window_days).and_then(release),
            previous: history.predecessor(at).and_then(release),
            days_since_first: days_between(first, published),
        };
        if found.source == IndexSource::CargoCache {
            let value = (window_days, &older);
            self.note(NOTED_OLDER, locked, as_of, std::iter::empty(), &value);
        }
        Measured::Known(older)
    }

    /// A release of the same crate that somebody names, as one to compare with. The days between the
    /// two are negative where it is the younger one.
    #[must_use]
    pub fn named(&self, locked: &Locked, older: &Locked, as_of: Date) -> Measured<OlderRelease> {
        let Some(checksum) = older.checksum.clone() else {
            return Measured::unknown("the base pins no hash of its archive");
        };
        let found = match self.index.find(&locked.name, &locked.origin, None) {
            Lookup::Unknown(reason) => return Measured::Unknown(reason),
            Lookup::NoSuchCrate => return Measured::unknown("the index has no such crate"),
            Lookup::Found(found) => found,
        };
        let history = History::known_on(&found.file, as_of);
        let published =
            |version: &str| history.position(version).and_then(|at| history.releases[at].published);
        match (published(&older.version), published(&locked.version)) {
            (Some(before), Some(now)) => Measured::Known(OlderRelease {
                version: older.version.clone(),
                checksum,
                days_between: days_between(before, now),
            }),
            _ => Measured::unknown("the index does not say when both versions were published"),
        }
    }

    /// Measures one crate in an index file that was found for it.
    #[must_use]
    pub fn measure_in(&self, found: &FoundIndex, locked: &Locked, as_of: Date) -> ReleaseFacts {
        facts::measure(locked, found, as_of, &|dependency| {
            self.first_published(&dependency.package, dependency.registry.is_some())
        })
    }

    /// When the first version of a crate was published; deleted versions leave no trace.
    fn first_published(&self, name: &str, elsewhere: bool) -> Measured<Timestamp> {
        if elsewhere {
            return Measured::unknown("it comes from another registry");
        }
        let known = self.first.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(known) = known {
            return known;
        }
        let first = match self.index.find(name, &Origin::Registry, None) {
            Lookup::Unknown(reason) => Measured::Unknown(reason),
            Lookup::NoSuchCrate => Measured::unknown("the index has no such crate any more"),
            Lookup::Found(found) => facts::first_published(&found.file),
        };
        let mut all = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.to_owned(), first.clone());
        first
    }
}

/// A release of a registry, as the store names it.
fn key(locked: &Locked) -> String {
    let registry = match &locked.origin {
        Origin::AlternativeRegistry { index } => index.as_str(),
        _ => "",
    };
    let checksum = locked.checksum.as_deref().unwrap_or_default();
    format!("{}/{}/{checksum}/{registry}", locked.name, locked.version)
}

fn new_names(facts: &ReleaseFacts) -> impl Iterator<Item = &str> {
    facts
        .new_dependencies
        .known()
        .into_iter()
        .flatten()
        .filter(|dependency| !dependency.other_registry)
        .map(|dependency| dependency.name.as_str())
}

#[cfg(test)]
mod tests;
