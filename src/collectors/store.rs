//! What was measured before, kept in two files of the cache directory.
//!
//! Facts that depend on an archive's bytes alone are measured once: a second run opens no archive. The
//! store is a convenience and never a condition: where it cannot be opened, read or written, the
//! caller gets a reason, measures afresh and goes on. A value that does not hold together (checksum,
//! version, form) counts as not there.

use std::borrow::Borrow;
use std::fs;
use std::io;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use redb::{
    Builder, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase as _,
    StorageError, TableDefinition, TableError,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A file above this size is started anew: a cache needs no other upkeep.
const MAX_FILE: u64 = 512 << 20;
/// Memory for pages; one run reads every page once.
const PAGE_CACHE: usize = 4 << 20;
/// Largest value that is unpacked; a listing of 100,000 files has 20 MB.
const MAX_VALUE: u64 = 64 << 20;
/// Version, checksum and form before each value.
const HEAD: usize = 8 + 4 + 1;
/// Values up to this size are stored as they are: unpacking would cost more than it saves.
const PLAIN: usize = 4096;

/// A table: one sort of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    table: &'static str,
    place: Shelf,
}

/// The file that a table is in. A file is checked from end to end when it is opened, so the small values
/// that every run needs are kept apart from the large ones that few runs need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    Small,
    Large,
}

impl Kind {
    /// Facts of archives.
    pub const ARCHIVE: Self = Self::small("archive");
    /// Listings of archives.
    pub const LISTING: Self = Self::large("listing");

    /// A table of values that most runs need. Its name is part of the file's format.
    #[must_use]
    pub const fn small(table: &'static str) -> Self {
        Self { table, place: Shelf::Small }
    }

    /// A table of values that few runs need, or of many KiB each.
    #[must_use]
    pub const fn large(table: &'static str) -> Self {
        Self { table, place: Shelf::Large }
    }

    /// Name of the table, part of the format.
    #[must_use]
    pub const fn table_name(self) -> &'static str {
        self.table
    }

    fn table(self) -> TableDefinition<'static, &'static str, &'static [u8]> {
        TableDefinition::new(self.table)
    }
}

/// Why there is no store, or no value could be written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The cache directory cannot be made or the file cannot be opened.
    #[error("cannot open {path}: {source}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system or the file's reader said.
        source: Box<DatabaseError>,
    },
    /// The cache directory cannot be made.
    #[error("cannot make {path}: {source}", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file with the large values cannot be opened.
    #[error("{0}")]
    Large(String),
    /// The file can be read only.
    #[error("the store can be read only")]
    ReadOnly,
    /// Reading or writing failed: a full disk, a damaged file.
    #[error("the store cannot be used: {0}")]
    Storage(Box<redb::Error>),
    /// A value cannot be encoded.
    #[error("a value cannot be encoded: {0}")]
    Encode(#[from] serde_json::Error),
}

impl StoreError {
    fn storage(error: impl Into<redb::Error>) -> Self {
        Self::Storage(Box::new(error.into()))
    }
}

/// A value, encoded and ready to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    kind: Kind,
    key: String,
    value: Vec<u8>,
}

impl Entry {
    /// Encodes a value; done by the threads that measured it. `version` is the collector's: another one
    /// makes the value invisible, and the next write under the same key replaces it.
    pub fn encode<T: Serialize>(
        kind: Kind,
        key: impl Into<String>,
        version: u64,
        value: &T,
    ) -> Result<Self, StoreError> {
        let plain = serde_json::to_vec(value)?;
        let (form, body) = if plain.len() <= PLAIN { (0, plain) } else { (1, deflated(&plain)?) };
        let mut value = Vec::with_capacity(HEAD + body.len());
        value.extend_from_slice(&version.to_le_bytes());
        value.extend_from_slice(&checksum(&body).to_le_bytes());
        value.push(form);
        value.extend_from_slice(&body);
        Ok(Self { kind, key: key.into(), value })
    }
}

impl Entry {
    /// Takes a value as it is stored; `None` where version, checksum or form are not right.
    #[must_use]
    pub fn from_stored(kind: Kind, key: &str, version: u64, value: &[u8]) -> Option<Self> {
        body_of(value, version)?;
        Some(Self { kind, key: key.to_owned(), value: value.to_owned() })
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Under which it is kept.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// As it is stored.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// What was encoded, where it was by this version of its collector.
    #[must_use]
    pub fn decoded<T: DeserializeOwned>(&self, version: u64) -> Option<T> {
        decoded(&self.value, version)
    }
}

/// The store of one cache directory.
pub struct FactStore {
    small: File,
    /// Opened when it is first asked for; the reason where that failed.
    large: OnceLock<Result<File, String>>,
    directory: PathBuf,
}

impl FactStore {
    /// Opens the store of a cache directory and makes both where they are missing. A damaged store is
    /// started anew; one that cannot be written is opened for reading.
    ///
    /// # Errors
    /// Where another process is using the file, or there is no right to read it.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let made = fs::create_dir_all(directory);
        match (File::open(directory, Shelf::Small), made) {
            (Ok(small), _) => {
                Ok(Self { small, large: OnceLock::new(), directory: directory.to_owned() })
            }
            // A directory that cannot be made says more than the file that is not in it.
            (Err(_), Err(source)) => {
                Err(StoreError::Directory { path: directory.to_owned(), source })
            }
            (Err(error), Ok(())) => Err(error),
        }
    }

    /// The value under a key, where it was written by this version of its collector.
    pub fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &str,
        version: u64,
    ) -> Result<Option<T>, StoreError> {
        self.with(kind, key, |stored| decoded(stored, version))
    }

    /// The entry under a key as it is stored, where it was written by this version of its collector.
    pub fn entry(&self, kind: Kind, key: &str, version: u64) -> Result<Option<Entry>, StoreError> {
        self.with(kind, key, |stored| Entry::from_stored(kind, key, version, stored))
    }

    fn with<T>(
        &self,
        kind: Kind,
        key: &str,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let transaction = self.on(kind.place)?.begin_read()?;
        let table = match transaction.open_table(kind.table()) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(StoreError::storage(error)),
        };
        let found = table.get(key).map_err(StoreError::storage)?;
        Ok(found.and_then(|value| read(value.value())))
    }

    /// Writes the entries: all of a file's, or none of them.
    pub fn put_many<E: Borrow<Entry>>(&self, entries: &[E]) -> Result<(), StoreError> {
        for place in [Shelf::Small, Shelf::Large] {
            let mut these = entries
                .iter()
                .map(Borrow::borrow)
                .filter(|entry: &&Entry| entry.kind.place == place)
                .peekable();
            if these.peek().is_some() {
                self.on(place)?.put(these)?;
            }
        }
        Ok(())
    }

    fn on(&self, place: Shelf) -> Result<&File, StoreError> {
        match place {
            Shelf::Small => Ok(&self.small),
            Shelf::Large => self
                .large
                .get_or_init(|| {
                    File::open(&self.directory, place).map_err(|error| error.to_string())
                })
                .as_ref()
                .map_err(|reason| StoreError::Large(reason.clone())),
        }
    }
}

/// One file of the store.
enum File {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl File {
    fn open(directory: &Path, place: Shelf) -> Result<Self, StoreError> {
        let path = directory.join(match place {
            Shelf::Small => "facts.redb",
            Shelf::Large => "listings.redb",
        });
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_FILE) {
            // Where this fails, so does opening for writing, which is reported.
            let _ = fs::remove_file(&path);
        }
        let builder = builder();
        let opened = match builder.create(&path) {
            Err(error) if is_damage(&error) => fs::remove_file(&path)
                .map_err(DatabaseError::from)
                .and_then(|()| builder.create(&path)),
            other => other,
        };
        match opened {
            Ok(database) => Ok(Self::Writable(database)),
            Err(source) => match ReadOnlyDatabase::open(&path) {
                Ok(database) => Ok(Self::ReadOnly(database)),
                Err(_) => Err(StoreError::Open { path, source: Box::new(source) }),
            },
        }
    }

    fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        match self {
            Self::Writable(database) => database.begin_read(),
            Self::ReadOnly(database) => database.begin_read(),
        }
        .map_err(StoreError::storage)
    }

    fn put<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Result<(), StoreError> {
        let Self::Writable(database) = self else { return Err(StoreError::ReadOnly) };
        let transaction = database.begin_write().map_err(StoreError::storage)?;
        for entry in entries {
            let mut table =
                transaction.open_table(entry.kind.table()).map_err(StoreError::storage)?;
            table
                .insert(entry.key.as_str(), entry.value.as_slice())
                .map_err(StoreError::storage)?;
        }
        transaction.commit().map_err(StoreError::storage)
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(PAGE_CACHE);
    // A plain open trusts the file and may panic on a damaged one.
    builder.set_check_integrity_on_open(true);
    builder
}

/// Whether the file is of no use to anyone: not held by another process, not out of reach.
fn is_damage(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Storage(StorageError::Corrupted(_))
        | DatabaseError::RepairAborted
        | DatabaseError::UpgradeRequired(_) => true,
        DatabaseError::Storage(StorageError::Io(error)) => {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

/// Form and body of a value, where version and checksum are right.
fn body_of(stored: &[u8], version: u64) -> Option<(u8, &[u8])> {
    let (head, body) = stored.split_at_checked(HEAD)?;
    let (written_by, head) = head.split_first_chunk::<8>()?;
    let (sum, form) = head.split_first_chunk::<4>()?;
    if u64::from_le_bytes(*written_by) != version || u32::from_le_bytes(*sum) != checksum(body) {
        return None;
    }
    matches!(form, [0 | 1]).then(|| (form[0], body))
}

/// The value, where version, checksum and form are right.
fn decoded<T: DeserializeOwned>(stored: &[u8], version: u64) -> Option<T> {
    let (form, body) = body_of(stored, version)?;
    let value = if form == 0 {
        serde_json::from_slice(body)
    } else {
        let mut plain = Vec::new();
        DeflateDecoder::new(body).take(MAX_VALUE).read_to_end(&mut plain).ok()?;
        serde_json::from_slice(&plain)
    };
    // Written by a program whose structs differ under the same version: measured afresh.
    value.ok()
}

fn deflated(plain: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).and_then(|()| encoder.finish()).map_err(serde_json::Error::io)
}

fn checksum(body: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(body);
    crc.sum()
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
