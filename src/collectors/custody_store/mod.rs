//! Where custody data of many crates is kept: a store made from a registry dump, or a slim file made
//! from such a store for one graph. Both answer the same question, as the API's answers do.
//!
//! The store is a redb file because rows are written once in the order of their keys and then looked up
//! one by one: no SQL is needed, and redb is Rust without a build script. It is written beside its place
//! and renamed into it when the whole dump was read, so that a truncated dump changes nothing. What is
//! in a file is a stranger's: every row is checked before it is used.

mod assemble;
mod database;
mod download;
mod extract;
mod popular;
mod slim;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::domain::Measured;
use crate::net::NetError;
use crate_read::registry_dump::DumpError;

use super::custody::{BrokenReference, CrateCustody, History, Stamp};

pub use assemble::ImportStats;
pub use database::Store;
pub(crate) use database::is_to_come;
pub use download::{Downloaded, Progress, Target, Way};
pub use extract::{EXTRACT_SCHEMA, Extract, Written, write_extract};
pub use popular::{POPULAR, PopularCrate};
pub use slim::{SLIM_SCHEMA, Slim, write_slim};

/// Bytes at both ends of a dump that identify it, with its length.
const IDENTITY: usize = 64 * 1024;

/// Name of an import that is not kept.
const IMPORT: &str = "custody.redb";

/// Why custody data could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum CustodyStoreError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The dump could not be read.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The dump could not be downloaded.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The database could not be written or read.
    #[error("the custody store {path}: {source}")]
    Database {
        /// Which file.
        path: String,
        /// What redb said.
        source: Box<redb::Error>,
    },
    /// A file is neither dump, slim file nor store, or of a version that this program does not read.
    #[error("{path} is no custody data that can be read: {what}")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The dump was taken before the one that is there.
    #[error("this dump is of {new}, and {path} holds that of {former}: remove it to go back")]
    Older {
        /// The store that stays.
        path: String,
        /// Day of the refused dump.
        new: String,
        /// Day of the dump that stays.
        former: String,
    },
    /// The dump is of a day that has not come.
    #[error("this dump is of {day}, which has not come: a wrong clock, here or there")]
    ToCome {
        /// Its day.
        day: String,
    },
    /// A row points outside itself.
    #[error("{path}: `{name}`: {source}")]
    Reference {
        /// Which file.
        path: String,
        /// Whose row.
        name: String,
        /// Where it points.
        source: BrokenReference,
    },
}

impl CustodyStoreError {
    fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }

    fn format(path: &Path, what: impl Into<String>) -> Self {
        Self::Format { path: path.display().to_string(), what: what.into() }
    }
}

/// Something that can be asked about a crate.
pub trait CustodySource: Send + Sync {
    /// Who answers, and of which day the answers are.
    fn stamp(&self) -> Stamp;

    /// Which crates are popular, by name; none where it does not say.
    fn popular(&self) -> Vec<PopularCrate> {
        Vec::new()
    }

    /// What it says about a crate of the default registry; unknown where it does not have the crate,
    /// which does not mean that there is none.
    fn answer(&self, name: &str) -> Measured<CrateCustody>;
}

/// The answer of a source that keeps a row for each crate of the registry's dump.
fn answer_of(
    row: Result<Option<CrateCustody>, CustodyStoreError>,
    stamp: Stamp,
) -> Measured<CrateCustody> {
    match row {
        Ok(Some(row)) => Measured::Known(row),
        Ok(None) => {
            Measured::Unknown(format!("the registry dump of {} has no such crate", stamp.date()))
        }
        Err(error) => Measured::Unknown(error.to_string()),
    }
}

/// Everything that every source says of a crate; [`History`] takes the freshest for each question.
#[must_use]
pub fn history<S: AsRef<dyn CustodySource>>(sources: &[S], name: &str) -> History {
    let answers = sources.iter().map(AsRef::as_ref).map(|source| match source.answer(name) {
        Measured::Known(answer) => answer,
        Measured::Unknown(reason) => CrateCustody::unknown(source.stamp(), &reason),
    });
    History::new(name, answers.collect())
}

/// Opens a dump, a slim file or a store, told apart by their bytes. A dump is imported into
/// `cache` once and opened from there in later runs.
///
/// # Errors
/// See [`CustodyStoreError`].
pub fn open(path: &Path, cache: &Path) -> Result<Box<dyn CustodySource>, CustodyStoreError> {
    match kind(path)? {
        FileKind::Slim => Ok(Box::new(Slim::open(path)?)),
        // What the program fetched itself was held against its hash when it came.
        FileKind::Extract if path.parent() == Some(cache) => Ok(Box::new(Extract::open(path)?)),
        FileKind::Extract => Ok(Box::new(Extract::verify(path)?)),
        FileKind::Dump | FileKind::Store => Ok(Box::new(open_store(path, cache)?)),
    }
}

/// Opens a dump or a store, which know every crate; see [`open`].
///
/// # Errors
/// See [`CustodyStoreError`]; a slim file is one.
pub fn open_store(path: &Path, cache: &Path) -> Result<Store, CustodyStoreError> {
    match kind(path)? {
        FileKind::Slim => Err(CustodyStoreError::format(
            path,
            "it is a slim file, which knows the crates of one graph only; name a dump",
        )),
        FileKind::Extract => {
            Err(CustodyStoreError::format(path, "it is an extract already; name a dump"))
        }
        FileKind::Store => Store::open(path),
        FileKind::Dump => {
            let store = imported_path(path, cache)?;
            if store.exists() {
                return Store::open(&store);
            }
            let import = |to: &Path| {
                let dump = disk::open(path).map_err(|error| CustodyStoreError::io(path, error))?;
                Store::import(std::io::BufReader::with_capacity(1 << 20, dump), to)
            };
            if can_keep(cache) {
                import(&store)?;
                return Store::open(&store);
            }
            // A cache that cannot be written costs the next run its time and this one nothing.
            let scratch =
                tempfile::tempdir().map_err(|error| CustodyStoreError::io(path, error))?;
            let store = scratch.path().join(IMPORT);
            import(&store)?;
            Ok(Store::open(&store)?.within(scratch))
        }
    }
}

/// Whether a file looks like custody data: a dump, a slim file, an extract, a store.
#[must_use]
pub fn is_data(path: &Path) -> bool {
    let mut start = [0; 8];
    let read = disk::open(path).and_then(|mut file| file.read_exact(&mut start));
    let begins = |magic: &[u8]| start.starts_with(magic);
    read.is_ok() && (begins(&[0x1f, 0x8b]) || begins(extract::MAGIC) || begins(b"redb"))
}

/// Whether a file can be put into a folder.
fn can_keep(folder: &Path) -> bool {
    std::fs::create_dir_all(folder).is_ok() && tempfile::NamedTempFile::new_in(folder).is_ok()
}

/// What a file with custody data can be.
enum FileKind {
    Dump,
    Slim,
    Extract,
    Store,
}

/// Tells by the first bytes; anything else than the other two counts as a store, which says more of
/// what is wrong with it.
fn kind(path: &Path) -> Result<FileKind, CustodyStoreError> {
    let read = || -> std::io::Result<FileKind> {
        let mut magic = Vec::new();
        disk::open(path)?.take(extract::MAGIC.len() as u64).read_to_end(&mut magic)?;
        if magic == extract::MAGIC {
            return Ok(FileKind::Extract);
        }
        if magic.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if !magic.starts_with(&[0x1f, 0x8b]) {
            return Ok(FileKind::Store);
        }
        let mut start = [0; 1];
        MultiGzDecoder::new(disk::open(path)?).read_exact(&mut start)?;
        Ok(if start == *b"{" { FileKind::Slim } else { FileKind::Dump })
    };
    read().map_err(|error| CustodyStoreError::io(path, error))
}

/// Where the store of a dump is kept: named by the dump's length and its first and last bytes, the last
/// of which are the checksum of the whole.
fn imported_path(path: &Path, cache: &Path) -> Result<PathBuf, CustodyStoreError> {
    use std::io::{Seek as _, SeekFrom};
    let read = || -> std::io::Result<String> {
        let mut file = disk::open(path)?;
        let length = file.metadata()?.len();
        let mut hash = Sha256::new_with_prefix(length.to_le_bytes());
        let mut part = Vec::new();
        file.by_ref().take(IDENTITY as u64).read_to_end(&mut part)?;
        file.seek(SeekFrom::Start(length.saturating_sub(IDENTITY as u64)))?;
        file.take(IDENTITY as u64).read_to_end(&mut part)?;
        hash.update(&part);
        let digest = hash.finalize();
        let key = digest.iter().take(8).fold(0_u64, |key, &byte| key << 8 | u64::from(byte));
        Ok(format!("{key:016x}"))
    };
    let key = read().map_err(|error| CustodyStoreError::io(path, error))?;
    Ok(cache.join(format!("custody-{key}.redb")))
}

#[cfg(test)]
mod tests;
