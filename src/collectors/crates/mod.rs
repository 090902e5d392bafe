//! The archives of many crates: found, fetched where they are missing, verified, measured in parallel.
//!
//! What depends on the bytes alone is kept in the fact store by their hash, so that a second run opens
//! no archive; whether the file on disk is still the one that was verified is told by its size and time.

mod together;
mod trees;

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::archive::{ArchiveError, ManifestFacts};
use super::cargo_home::CargoHome;
use super::contents::{Contents, Measurer};
use super::crate_files::{BytesFacts, CrateFile, CrateFiles, Want};
use super::gather::Options;
use super::kept::Kept;
use super::releases::{Locked, Older, OlderRelease};
use super::shared::Shared;
use super::store::Kind;
use super::window::{self, ComparisonFacts};
use crate::domain::{self, NodeIndex};
use crate::net::archives::ArchiveUrls;
use crate::net::index::SparseIndex;
use crate::net::{Client, NetError};

pub use trees::{TreeMeasured, Treed};

/// Table of what was found where, by pinned hash.
const FOUND: Kind = Kind::small("found");
/// Table of comparisons, by the hashes of both archives.
const COMPARISON: Kind = Kind::small("comparison");
/// Has to be raised whenever the same files give another answer than before.
const FOUND_VERSION: u64 = 2;

/// Which file was verified, and with what result.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    stamp: String,
    bytes: BytesFacts,
}

/// What the bytes of one crate say.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Where the archive was found, and whether it is the pinned one.
    pub bytes: BytesFacts,
    /// What it holds.
    pub contents: domain::Measured<Contents>,
    /// What the manifest says of an archive that could not be read to its end.
    pub manifest: Option<ManifestFacts>,
}

/// Why the contents of an archive are not known.
#[derive(Debug, thiserror::Error)]
enum Unread {
    /// Only other bytes are there.
    #[error("the bytes on this machine are not the pinned ones")]
    Mismatched,
    /// There is no archive.
    #[error("{0}")]
    Unavailable(String),
    /// The right archive cannot be read.
    #[error(transparent)]
    Broken(#[from] ArchiveError),
}

/// A crate compared with its older releases.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Against the last release that is old enough.
    pub window: ComparisonFacts,
    /// Against the release before it, where there is one.
    pub previous: Option<ComparisonFacts>,
}

/// Reads archives from Cargo's cache, the tool's own, or the registry.
pub struct Crates<'a> {
    files: CrateFiles,
    client: Client,
    options: &'a Options,
    runtime: &'a tokio::runtime::Runtime,
    measurer: Arc<Measurer>,
}

impl<'a> Crates<'a> {
    /// Downloads go to `options.cache_dir`, what is measured to what `measurer` keeps.
    #[must_use]
    pub fn new(
        home: CargoHome,
        client: Client,
        options: &'a Options,
        runtime: &'a tokio::runtime::Runtime,
        measurer: Arc<Measurer>,
    ) -> Self {
        let files = CrateFiles::new(home, Some(options.cache_dir.join("archives")));
        Self { files, client, options, runtime, measurer }
    }

    /// The shared store, where this run may use it.
    fn shared(&self) -> Option<&Shared> {
        self.measurer.shared().filter(|shared| shared.allows(self.options.offline))
    }

    fn kept(&self) -> &Kept {
        self.measurer.kept()
    }

    /// Whether the archive of a release is on this machine.
    #[must_use]
    pub fn is_here(&self, locked: &Locked) -> bool {
        want(locked).is_some_and(|want| self.files.missing(std::slice::from_ref(&want)).is_empty())
    }

    /// The pinned bytes of an archive that is on this machine.
    #[must_use]
    pub fn bytes(&self, locked: &Locked) -> domain::Measured<Vec<u8>> {
        match want(locked).map(|want| self.files.read(&want)) {
            Some(CrateFile::Found { bytes, .. }) => domain::Measured::Known(bytes),
            _ => domain::Measured::unknown("the pinned archive is not on this machine"),
        }
    }

    /// The client that it asks through.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Measures archives, in the order given; `done` is called after each.
    #[must_use]
    pub fn measure(&self, locked: &[&Locked], done: &(dyn Fn() + Sync)) -> Vec<Measured> {
        let wants: Vec<Option<Want>> = locked.iter().map(|locked| want(locked)).collect();
        let all_wanted: Vec<Want> = wants.iter().flatten().cloned().collect();
        let unreachable = self.fetch(&all_wanted);
        let all = wants
            .par_iter()
            .map(|want| {
                let measured = match want {
                    Some(want) => self.measure_one(want, unreachable.as_deref()),
                    None => unpinned(),
                };
                done();
                measured
            })
            .collect();
        self.give(&all_wanted);
        all
    }

    /// Writes what was measured to this machine's store, and to the shared one.
    fn give(&self, wants: &[Want]) {
        if let Some(shared) = self.shared() {
            self.runtime.block_on(shared.give_all(&self.measurer, wants));
        }
        self.kept().save();
    }

    fn measure_one(&self, want: &Want, unreachable: Option<&str>) -> Measured {
        let stamp = self.files.stamp(want);
        if let Some(kept) = stamp.as_deref().and_then(|stamp| self.kept_crate(want, stamp)) {
            return kept;
        }
        if stamp.is_none() && self.shared().is_some() {
            // Nothing of that name is on this machine, and no byte of it is needed.
            if let Some(contents) = self.kept_contents(want, false) {
                let contents = domain::Measured::Known(contents);
                let bytes = BytesFacts::of_shared_store();
                return Measured { bytes, contents, manifest: None };
            }
        }
        let mut file = self.files.read(want);
        if let (CrateFile::Unavailable(reason), Some(why)) = (&mut file, unreachable) {
            why.clone_into(reason);
        }
        let mut bytes = file.facts();
        let contents = self.contents(want, &file);
        let mut manifest = None;
        let contents = contents.map_err(|unread| {
            if let Unread::Broken(error) = &unread {
                let ArchiveError::Broken { source, partial, .. } = error;
                bytes.unreadable = Some(source.to_string());
                manifest = partial.facts.manifest.known().cloned();
            }
            unread.to_string()
        });
        if let Some(stamp) = stamp {
            let found = Found { stamp, bytes: bytes.clone() };
            self.kept().put(FOUND, &want.checksum, FOUND_VERSION, &found);
        }
        Measured { bytes, contents: contents.into(), manifest }
    }

    /// What an earlier run measured, if the file on disk is still the one it verified.
    fn kept_crate(&self, want: &Want, stamp: &str) -> Option<Measured> {
        let found: Found = self.kept().get(FOUND, &want.checksum, FOUND_VERSION)?;
        if found.stamp != stamp {
            return None;
        }
        let contents = self.kept_contents(want, false)?;
        let contents = domain::Measured::Known(contents);
        Some(Measured { bytes: found.bytes, contents, manifest: None })
    }

    fn kept_contents(&self, want: &Want, with_listing: bool) -> Option<Contents> {
        self.measurer.kept_contents(&want.checksum, &want.name, &want.version, with_listing)
    }

    fn contents(&self, want: &Want, file: &CrateFile) -> Result<Contents, Unread> {
        let bytes = match file {
            CrateFile::Found { bytes, .. } => bytes,
            CrateFile::Mismatched(_) => return Err(Unread::Mismatched),
            CrateFile::Unavailable(reason) => return Err(Unread::Unavailable(reason.clone())),
        };
        Ok(self.measurer.measure(&want.checksum, &want.name, &want.version, bytes)?)
    }

    /// The contents of an archive with their listing: kept by an earlier run, else measured.
    fn recorded(&self, want: &Want) -> domain::Measured<Contents> {
        match self.kept_contents(want, true) {
            Some(contents) => domain::Measured::Known(contents),
            None => self.contents(want, &self.files.read(want)).into(),
        }
    }

    /// Compares crates with their older releases, in the order given.
    #[must_use]
    pub fn compare(&self, crates: &[(NodeIndex, &Locked, Older)]) -> Vec<Comparison> {
        let older = crates.iter().flat_map(|(_, locked, older)| {
            let releases = older.window.iter().chain(&older.previous);
            releases
                .filter(|release| self.kept_comparison(locked, release).is_none())
                .map(|release| want_older(locked, release))
        });
        let older: Vec<Want> = older.collect();
        let unreachable = self.fetch(&older);
        let all = crates
            .par_iter()
            .map(|(_, locked, older)| {
                let against = |release: &_| {
                    self.compare_with(locked, Some(release), 0, unreachable.as_deref())
                };
                Comparison {
                    window: older.window.as_ref().map_or_else(
                        || self.compare_with(locked, None, older.days_since_first, None),
                        against,
                    ),
                    previous: older.previous.as_ref().map(against),
                }
            })
            .collect();
        self.give(&older);
        all
    }

    /// Compares crates with one older release each, in the order given.
    #[must_use]
    pub fn compare_named(
        &self,
        crates: &[(NodeIndex, &Locked, OlderRelease)],
    ) -> Vec<ComparisonFacts> {
        let missing = crates
            .iter()
            .filter(|(_, locked, older)| self.kept_comparison(locked, older).is_none())
            .flat_map(|(_, locked, older)| {
                want(locked).into_iter().chain([want_older(locked, older)])
            });
        let missing: Vec<Want> = missing.collect();
        let unreachable = self.fetch(&missing);
        let all = crates
            .par_iter()
            .map(|(_, locked, older)| {
                self.compare_with(locked, Some(older), 0, unreachable.as_deref())
            })
            .collect();
        self.give(&missing);
        all
    }

    fn kept_comparison(&self, locked: &Locked, older: &OlderRelease) -> Option<ComparisonFacts> {
        let key = comparison_key(locked.checksum.as_deref()?, Some(older), 0);
        self.kept().get(COMPARISON, &key, self.measurer.comparison_version())
    }

    /// Compares a crate with one older release, or with nothing.
    fn compare_with(
        &self,
        locked: &Locked,
        older: Option<&OlderRelease>,
        days_since_first: i64,
        unreachable: Option<&str>,
    ) -> ComparisonFacts {
        let Some(want) = want(locked) else {
            return ComparisonFacts::unknown("the lockfile pins no hash of its archive");
        };
        let key = comparison_key(&want.checksum, older, days_since_first);
        if let Some(kept) = self.kept().get(COMPARISON, &key, self.measurer.comparison_version()) {
            return kept;
        }
        let now = match self.recorded(&want) {
            domain::Measured::Known(now) => now,
            domain::Measured::Unknown(reason) => return ComparisonFacts::unknown(&reason),
        };
        let release = window::Now {
            version: &locked.version,
            archive: &now.archive,
            code: &now.code,
            concealment: &now.concealment,
        };
        let Some(older) = older else {
            let facts = window::compare(&release, None, days_since_first);
            self.kept().put(COMPARISON, &key, self.measurer.comparison_version(), &facts);
            return facts;
        };
        let before = want_older(locked, older);
        match self.recorded(&before) {
            domain::Measured::Known(record) => {
                let days = older.days_between;
                let against = window::Against {
                    version: &older.version,
                    listing: &record.archive.listing,
                    code: &record.code,
                    concealment: &record.concealment,
                };
                let facts = window::compare(&release, Some(&against), days);
                self.kept().put(COMPARISON, &key, self.measurer.comparison_version(), &facts);
                facts
            }
            domain::Measured::Unknown(reason) => {
                let reason = unreachable.map_or(reason, str::to_owned);
                ComparisonFacts::unknown(&format!("{} {}: {reason}", before.name, before.version))
            }
        }
    }

    /// Takes what the shared store knows and downloads what is missing then. The answer is why nothing
    /// could be asked for, if so.
    fn fetch(&self, wants: &[Want]) -> Option<String> {
        let mut missing = self.files.missing(wants);
        if let Some(shared) = self.shared() {
            self.runtime.block_on(shared.exchange(&self.measurer, wants));
            missing.retain(|want| self.kept_contents(want, true).is_none());
        }
        if missing.is_empty() {
            return None;
        }
        if self.options.offline {
            return Some("the archive is not on this machine, and the run is offline".to_owned());
        }
        self.runtime.block_on(async {
            match self.urls().await {
                Ok(urls) => {
                    self.files.fetch(&missing, &self.client, &urls, &|| {}).await;
                    None
                }
                Err(error) => Some(error.to_string()),
            }
        })
    }

    async fn urls(&self) -> Result<ArchiveUrls, NetError> {
        if let Some(base) = &self.options.urls.static_files {
            return Ok(ArchiveUrls::Static(base.clone()));
        }
        let index = SparseIndex::new(&self.client, &self.options.urls);
        Ok(ArchiveUrls::Template(index.config().await?.dl))
    }
}

/// Under which a comparison is kept: both hashes, or the crate's age where there is nothing older.
fn comparison_key(now: &str, older: Option<&OlderRelease>, days_since_first: i64) -> String {
    match older {
        Some(older) => format!("{now}/{}", older.checksum),
        None => format!("{now}/{days_since_first} days"),
    }
}

fn want(locked: &Locked) -> Option<Want> {
    Some(Want {
        name: locked.name.clone(),
        version: locked.version.clone(),
        checksum: locked.checksum.clone()?,
        origin: locked.origin.clone(),
    })
}

fn want_older(locked: &Locked, release: &OlderRelease) -> Want {
    Want {
        name: locked.name.clone(),
        version: release.version.clone(),
        checksum: release.checksum.clone(),
        origin: locked.origin.clone(),
    }
}

fn unpinned() -> Measured {
    let reason = "the lockfile pins no hash of its archive";
    Measured {
        bytes: CrateFile::Unavailable(reason.to_owned()).facts(),
        contents: domain::Measured::unknown(reason),
        manifest: None,
    }
}
