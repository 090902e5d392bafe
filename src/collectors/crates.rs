//! The archives of many crates: found, fetched where they are missing, verified, measured in parallel.

use rayon::prelude::*;

use super::archive::{self, ArchiveFacts, ArchiveListing, ArchiveRecord, BenignProfiles};
use super::cargo_home::CargoHome;
use super::crate_files::{BytesFacts, CrateFile, CrateFiles, Want};
use super::gather::Options;
use super::releases::{Locked, Older, OlderRelease};
use super::window::{self, ComparisonFacts};
use crate::domain::{self, NodeIndex};
use crate::net::archives::ArchiveUrls;
use crate::net::index::SparseIndex;
use crate::net::{Client, NetError};

/// What the bytes of one crate say.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Where the archive was found, and whether it is the pinned one.
    pub bytes: BytesFacts,
    /// What it holds.
    pub facts: domain::Measured<ArchiveFacts>,
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
    profiles: BenignProfiles,
}

impl<'a> Crates<'a> {
    /// Downloads go to `options.cache_dir`.
    #[must_use]
    pub fn new(
        home: CargoHome,
        client: Client,
        options: &'a Options,
        runtime: &'a tokio::runtime::Runtime,
    ) -> Self {
        let files = CrateFiles::new(home, Some(options.cache_dir.join("archives")));
        Self { files, client, options, runtime, profiles: BenignProfiles::embedded() }
    }

    /// Measures archives, in the order given.
    #[must_use]
    pub fn measure(&self, locked: &[&Locked]) -> Vec<Measured> {
        let wants: Vec<Option<Want>> = locked.iter().map(|locked| want(locked)).collect();
        let unreachable = self.fetch(&wants.iter().flatten().cloned().collect::<Vec<_>>());
        wants
            .par_iter()
            .map(|want| match want {
                Some(want) => self.measure_one(want, unreachable.as_deref()),
                None => unpinned(),
            })
            .collect()
    }

    fn measure_one(&self, want: &Want, unreachable: Option<&str>) -> Measured {
        let mut file = self.files.read(want);
        if let (CrateFile::Unavailable(reason), Some(why)) = (&mut file, unreachable) {
            why.clone_into(reason);
        }
        let bytes = file.facts();
        let facts = self.record(want, &file).map(|record| record.facts);
        Measured { bytes, facts }
    }

    fn record(&self, want: &Want, file: &CrateFile) -> domain::Measured<ArchiveRecord> {
        match file {
            CrateFile::Found { bytes, .. } => {
                archive::measure(&want.name, &want.version, bytes, &self.profiles, &mut ()).into()
            }
            CrateFile::Mismatched(_) => {
                domain::Measured::unknown("the bytes on this machine are not the pinned ones")
            }
            CrateFile::Unavailable(reason) => domain::Measured::unknown(reason.clone()),
        }
    }

    /// Compares crates with their older releases, in the order given.
    #[must_use]
    pub fn compare(&self, crates: &[(NodeIndex, &Locked, Older)]) -> Vec<Comparison> {
        let older = crates.iter().flat_map(|(_, locked, older)| {
            let releases = older.window.iter().chain(&older.previous);
            releases.map(|release| want_older(locked, release))
        });
        let unreachable = self.fetch(&older.collect::<Vec<_>>());
        crates
            .par_iter()
            .map(|(_, locked, older)| self.compare_one(locked, older, unreachable.as_deref()))
            .collect()
    }

    fn compare_one(&self, locked: &Locked, older: &Older, unreachable: Option<&str>) -> Comparison {
        let now = want(locked).map_or_else(
            || domain::Measured::unknown("the lockfile pins no hash"),
            |want| self.record(&want, &self.files.read(&want)),
        );
        let now = match now {
            domain::Measured::Known(now) => now,
            domain::Measured::Unknown(reason) => {
                let unknown = ComparisonFacts::unknown(&reason);
                return Comparison { window: unknown.clone(), previous: Some(unknown) };
            }
        };
        let against = |release: &OlderRelease| {
            let want = want_older(locked, release);
            match self.record(&want, &self.files.read(&want)) {
                domain::Measured::Known(record) => {
                    let days = release.days_between;
                    window::compare(&now, &record.listing, &release.version, days)
                }
                domain::Measured::Unknown(reason) => {
                    let reason = unreachable.map_or(reason, str::to_owned);
                    ComparisonFacts::unknown(&format!("{} {}: {reason}", want.name, want.version))
                }
            }
        };
        let nothing = ArchiveListing::default();
        Comparison {
            window: older.window.as_ref().map_or_else(
                || window::compare(&now, &nothing, "no release", older.days_since_first),
                against,
            ),
            previous: older.previous.as_ref().map(against),
        }
    }

    /// Downloads what is missing. The answer is why nothing could be asked for, if so.
    fn fetch(&self, wants: &[Want]) -> Option<String> {
        let missing = self.files.missing(wants);
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
        facts: domain::Measured::unknown(reason),
    }
}
