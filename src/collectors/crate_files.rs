//! Where the bytes of a crate archive come from: Cargo's own cache, this tool's cache, or a download.
//! Bytes are handed out only when their SHA-256 is the one that the lockfile pins.
//!
//! First [`CrateFiles::fetch`] downloads what is nowhere on disk (asynchronous, bounded); then
//! [`CrateFiles::read`] is called from as many threads as there are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::sha256;
use super::cargo_home::{self, Belongs, CargoHome, read_bounded};
use super::spill::Spill;
use crate::domain::{Measured, Origin};
use crate::net::archives::{ARCHIVE_LIMIT, ArchiveUrls, download};
use crate::net::{Client, NetError};

/// Name of the group of [`BytesFacts`].
pub const GROUP: &str = "bytes";

/// One archive that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// Name of the crate.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 that the lockfile pins, lower-case hexadecimal.
    pub checksum: String,
    /// Which registry it is from; other origins have no archives.
    pub origin: Origin,
}

/// Where bytes were found.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FoundIn {
    /// Cargo's cache below `CARGO_HOME`.
    CargoCache,
    /// This tool's own cache, filled by a download.
    OwnCache,
    /// A download of this run.
    Download,
    /// A folder of archives that source replacement names.
    LocalRegistry,
    /// Nowhere on this machine: another one measured an archive with the pinned SHA-256 and put what it
    /// says into the shared store.
    SharedStore,
}

/// A file of the right name whose bytes are not those that the lockfile pins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mismatch {
    /// Where it lies.
    pub found_in: FoundIn,
    /// SHA-256 of the bytes that were expected, from Cargo.lock (lower-case hexadecimal).
    pub expected: String,
    /// SHA-256 of the bytes that are there (lower-case hexadecimal).
    pub got: String,
    /// Size of what is there, in bytes.
    pub size: u64,
    /// Whether it looks like an archive that somebody is still writing, or stopped writing: it is the
    /// beginning of the right one or, where the right one is not at hand, its gzip stream breaks off.
    pub unfinished: bool,
}

/// What became of one wanted archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrateFile {
    /// The pinned bytes.
    Found {
        /// The archive.
        bytes: Vec<u8>,
        /// Where it was.
        found_in: FoundIn,
        /// Other bytes under the same name in Cargo's cache.
        mismatch: Option<Mismatch>,
    },
    /// There are only other bytes; they are not handed out.
    Mismatched(Mismatch),
    /// There are none, and why.
    Unavailable(String),
}

/// Group `bytes`: whether the archive on this machine is the one that the lockfile pins.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct BytesFacts {
    /// Where the archive was read: `cargo-cache`, `own-cache`, or `shared-store` where only its facts
    /// were; from the search itself.
    pub found_in: Measured<FoundIn>,
    /// Whether a finished archive of this name and version has another SHA-256 than Cargo.lock pins.
    pub checksum_mismatch: Measured<bool>,
    /// The other bytes, where there are some, unfinished files included (at most one).
    pub mismatches: Vec<Mismatch>,
    /// Why an archive that has the SHA-256 that Cargo.lock pins cannot be read to its end; null where it can,
    /// and where there is none.
    pub unreadable: Option<String>,
}

impl BytesFacts {
    /// Of an archive that is not on this machine, and of which the shared store knows the contents.
    #[must_use]
    pub fn of_shared_store() -> Self {
        Self {
            found_in: Measured::Known(FoundIn::SharedStore),
            checksum_mismatch: Measured::Known(false),
            mismatches: Vec::new(),
            unreadable: None,
        }
    }
}

impl CrateFile {
    /// What rules may know of it.
    #[must_use]
    pub fn facts(&self) -> BytesFacts {
        let (found_in, mismatch) = match self {
            Self::Found { found_in, mismatch, .. } => {
                (Measured::Known(*found_in), mismatch.clone())
            }
            Self::Mismatched(mismatch) => (
                Measured::unknown("only other bytes than the pinned ones are there"),
                Some(mismatch.clone()),
            ),
            Self::Unavailable(reason) => {
                return BytesFacts {
                    found_in: Measured::unknown(reason.clone()),
                    checksum_mismatch: Measured::unknown(reason.clone()),
                    mismatches: Vec::new(),
                    unreadable: None,
                };
            }
        };
        let checksum_mismatch = match (&mismatch, self) {
            (Some(other), _) if !other.unfinished => Measured::Known(true),
            (_, Self::Found { .. }) => Measured::Known(false),
            _ => Measured::unknown("the archive on disk is unfinished"),
        };
        let mismatches = mismatch.into_iter().collect();
        BytesFacts { found_in, checksum_mismatch, mismatches, unreadable: None }
    }
}

/// Finds, downloads and checks archives.
#[derive(Debug)]
pub struct CrateFiles {
    home: CargoHome,
    own: Option<PathBuf>,
    failures: Mutex<BTreeMap<String, Failure>>,
    /// Downloads of this run that the cache folder did not take.
    spill: Spill,
}

/// Bytes under one name in Cargo's cache.
struct InCargosCache {
    /// Those that the lockfile pins.
    pinned: Option<Vec<u8>>,
    /// Others that stand where they should.
    other: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Failure {
    Reason(String),
    Mismatch(Mismatch),
}

/// Why an archive could not be put into this tool's cache.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("the download could not be kept: {0}")]
    Keep(#[source] io::Error),
    #[error("only the default registry is asked for archives")]
    OtherRegistry,
    #[error("the download has SHA-256 {got} and {size} bytes")]
    Mismatch { got: String, size: u64 },
}

impl CrateFiles {
    /// `own` is the folder for downloads; without one, or where it cannot be written, they last as long as
    /// the run.
    #[must_use]
    pub fn new(home: CargoHome, own: Option<PathBuf>) -> Self {
        Self { home, own, failures: Mutex::default(), spill: Spill::default() }
    }

    /// Which of these have no file on disk, neither in Cargo's cache nor in this tool's.
    #[must_use]
    pub fn missing<'a>(&self, wants: &'a [Want]) -> Vec<&'a Want> {
        wants.iter().filter(|want| !self.on_disk(want)).collect()
    }

    fn on_disk(&self, want: &Want) -> bool {
        let Ok(name) = file_name(want) else { return false };
        self.spill.has(&want.checksum)
            || self.own_path(&want.checksum).is_some_and(|path| path.is_file())
            || self
                .home
                .archives(&want.origin)
                .iter()
                .any(|folder| folder.path.join(&name).is_file())
    }

    /// Downloads archives into this tool's cache, as many at a time as the client allows. `done` is
    /// called after each. What fails is remembered as the reason that [`CrateFiles::read`] gives.
    pub async fn fetch(
        &self,
        wants: &[&Want],
        client: &Client,
        urls: &ArchiveUrls,
        done: &(dyn Fn() + Sync),
    ) {
        let all = wants.iter().map(|want| async move {
            if let Err(error) = self.fetch_one(want, client, urls).await {
                self.remember(want, &error);
            }
            done();
        });
        futures_util::future::join_all(all).await;
    }

    async fn fetch_one(
        &self,
        want: &Want,
        client: &Client,
        urls: &ArchiveUrls,
    ) -> Result<(), FetchError> {
        // The address of another registry would come from the audited tree.
        if want.origin != Origin::Registry {
            return Err(FetchError::OtherRegistry);
        }
        let url = urls.url(&want.name, &want.version, &want.checksum)?;
        let answer = download(client, &url).await?;
        let got = sha256(&answer.bytes);
        if got != want.checksum {
            return Err(FetchError::Mismatch { got, size: answer.bytes.len() as u64 });
        }
        let path = self.own_path(&want.checksum);
        if path.is_some_and(|path| keep(&path, &answer.bytes).is_ok()) {
            return Ok(());
        }
        self.spill.hold(&want.checksum, answer.bytes).map_err(FetchError::Keep)
    }

    fn remember(&self, want: &Want, error: &FetchError) {
        let failure = match error {
            FetchError::Mismatch { got, size } => Failure::Mismatch(Mismatch {
                found_in: FoundIn::Download,
                expected: want.checksum.clone(),
                got: got.clone(),
                size: *size,
                unfinished: false,
            }),
            other => Failure::Reason(other.to_string()),
        };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.insert(want.checksum.clone(), failure);
    }

    /// Which files under this name are there, with their sizes and times: as long as the answer stays
    /// the same, so does that of [`CrateFiles::read`]. `None` where there is no file.
    #[must_use]
    pub fn stamp(&self, want: &Want) -> Option<String> {
        let name = file_name(want).ok()?;
        let cargos = self.home.archives(&want.origin);
        let paths = cargos.iter().map(|folder| folder.path.join(&name));
        let stamps: Vec<String> = paths
            .chain(self.own_path(&want.checksum))
            .filter_map(|path| cargo_home::stamp(&path))
            .collect();
        (!stamps.is_empty()).then(|| stamps.join("\n"))
    }

    /// The pinned bytes, or why there are none.
    #[must_use]
    pub fn read(&self, want: &Want) -> CrateFile {
        let InCargosCache { pinned, other } = match self.read_cargos(want) {
            Ok(found) => found,
            Err(reason) => return CrateFile::Unavailable(reason),
        };
        if let Some(bytes) = pinned {
            let mismatch = other.map(|other| mismatch(want, &other, Some(&bytes)));
            return CrateFile::Found { bytes, found_in: FoundIn::CargoCache, mismatch };
        }
        if let Some(bytes) = self.read_own(want) {
            let mismatch = other.map(|other| mismatch(want, &other, Some(&bytes)));
            return CrateFile::Found { bytes, found_in: FoundIn::OwnCache, mismatch };
        }
        if let Some(bytes) = self.spill.get(&want.checksum, ARCHIVE_LIMIT) {
            let mismatch = other.map(|other| mismatch(want, &other, Some(&bytes)));
            return CrateFile::Found { bytes, found_in: FoundIn::Download, mismatch };
        }
        if let Some(other) = other {
            return CrateFile::Mismatched(mismatch(want, &other, None));
        }
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.get(&want.checksum) {
            Some(Failure::Mismatch(mismatch)) => CrateFile::Mismatched(mismatch.clone()),
            Some(Failure::Reason(reason)) => CrateFile::Unavailable(reason.clone()),
            None => CrateFile::Unavailable("the archive is not on this machine".to_owned()),
        }
    }

    /// The pinned bytes in Cargo's cache, and other bytes that stand where they should.
    fn read_cargos(&self, want: &Want) -> Result<InCargosCache, String> {
        let name = file_name(want).map_err(|error| error.to_string())?;
        let mut other = None;
        for folder in self.home.archives(&want.origin) {
            let bytes = match read_bounded(&folder.path.join(&name), ARCHIVE_LIMIT) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(error) => return Err(format!("{name} in Cargo's cache: {error}")),
            };
            if sha256(&bytes) == want.checksum {
                return Ok(InCargosCache { pinned: Some(bytes), other });
            }
            // In the folder of some other registry the name means some other crate.
            if folder.belongs == Belongs::Surely {
                other = Some(bytes);
            }
        }
        Ok(InCargosCache { pinned: None, other })
    }

    /// The pinned bytes in this tool's cache. A damaged file there is removed: it is ours.
    fn read_own(&self, want: &Want) -> Option<Vec<u8>> {
        let path = self.own_path(&want.checksum)?;
        let bytes = read_bounded(&path, ARCHIVE_LIMIT).ok()??;
        if sha256(&bytes) == want.checksum {
            return Some(bytes);
        }
        // It stays in the way only until the next run where it cannot be removed.
        let _ = fs::remove_file(path);
        None
    }

    /// Kept by hash, so that no name from a lockfile becomes a path.
    fn own_path(&self, checksum: &str) -> Option<PathBuf> {
        let valid = checksum.len() == 64 && checksum.bytes().all(|b| b.is_ascii_hexdigit());
        let own = self.own.as_ref()?;
        valid.then(|| own.join(&checksum[..2]).join(format!("{checksum}.crate")))
    }
}

fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("an archive lies in a folder of its cache");
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// The name of an archive in Cargo's cache, if name and version can be parts of a path.
fn file_name(want: &Want) -> Result<String, NetError> {
    crate::net::index::crate_path(&want.name)?;
    if semver::Version::parse(&want.version).is_err() {
        return Err(NetError::BadName(want.version.chars().take(100).collect()));
    }
    Ok(format!("{}-{}.crate", want.name, want.version))
}

fn mismatch(want: &Want, other: &[u8], right: Option<&[u8]>) -> Mismatch {
    Mismatch {
        found_in: FoundIn::CargoCache,
        expected: want.checksum.clone(),
        got: sha256(other),
        size: other.len() as u64,
        unfinished: right.map_or_else(|| breaks_off(other), |right| right.starts_with(other)),
    }
}

/// Whether a gzip stream ends before it is complete. Reads at most 1 GiB of it.
fn breaks_off(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let mut stream = io::Read::take(flate2::read::GzDecoder::new(bytes), 1 << 30);
    match io::copy(&mut stream, &mut io::sink()) {
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::UnexpectedEof,
    }
}

#[cfg(test)]
#[path = "crate_files_tests.rs"]
mod tests;
