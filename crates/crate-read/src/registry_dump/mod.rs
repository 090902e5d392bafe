//! The registry's public database dump: PostgreSQL CSV tables in a gzip tar, read front to back, or in a zip,
//! of which the wanted members are read one by one.
//!
//! Only the tables that say who could publish what, and since when, and how much a crate is used, are read;
//! the rest (readmes, downloads a day, keywords) flows past. Nothing is unpacked to disk and no table is held: every row
//! goes to the caller as it comes. Columns are found by their header, so their order does not matter.
//! A dump that ends early, or lacks a table or column that is needed, is an error and never a short
//! answer. Layout: the registry's own `dump-db.toml` and storage code.
//!
//! Must not: keep rows, know what an owner means, or trust a size that the file announces.

mod csv_table;
mod row;
mod tar_stream;
mod zip_members;

use std::io::Read;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;

pub use row::{
    CrateRow, DeletedRow, DependencyRow, DownloadsRow, DumpRow, OwnerRow, TeamRow, TrustedOnly,
    UserRow, VersionRow,
};

pub use zip_members::{
    DIRECTORY_LIMIT, Directory, MemberReader, TAIL, ZipMember, find_directory, open_member,
    wanted_members,
};

/// Path of the largest member that can be read: what every version depends on. It is of use after the table of
/// default versions only, and whoever asks for parts can do without it.
pub const DEPENDENCIES: &str = "data/dependencies.csv";
/// Path of the member that says when a dump was taken.
pub const METADATA: &str = "metadata.json";

use csv_table::CsvTable;
use row::{TABLES, Table};
use tar_stream::TarStream;

/// Longest `metadata.json` that is read, in bytes.
const METADATA_LIMIT: u64 = 64 * 1024;

/// Limits of one reading, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct DumpLimits {
    /// Most bytes after decompression; the whole dump, unread tables included.
    pub unpacked: u64,
    /// Longest value of a column that is read. Columns that are not read may be of any length.
    pub field: usize,
}

impl Default for DumpLimits {
    fn default() -> Self {
        Self { unpacked: 256 * 1024 * 1024 * 1024, field: 64 * 1024 }
    }
}

/// Why a dump could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The bytes end early, or are no gzip.
    #[error("reading the dump: {0}")]
    Io(#[from] std::io::Error),
    /// The archive is not a tar as the registry writes it.
    #[error("the dump is no valid tar at byte {offset}: {what}")]
    Tar {
        /// Byte of the unpacked archive.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The zip is not as the registry writes it.
    #[error("the dump is no zip that can be read in parts: {what}")]
    Zip {
        /// What is wrong with it.
        what: String,
    },
    /// It unpacks to more than the limit.
    #[error("the dump unpacks to more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A table that is needed is not there.
    #[error("the dump has no {table}")]
    MissingTable {
        /// Its file name.
        table: &'static str,
    },
    /// A table stands in it twice.
    #[error("the dump has {table} twice")]
    RepeatedTable {
        /// Its file name.
        table: &'static str,
    },
    /// A column that is needed is not in the header.
    #[error("{table} has no column `{column}`")]
    MissingColumn {
        /// File name of the table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A row cannot be read.
    #[error("{table}, row {row}: {what}")]
    Row {
        /// File name of the table.
        table: &'static str,
        /// Row after the header, from 1.
        row: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Neither `metadata.json` nor the folder says when the dump was taken.
    #[error("the dump does not say when it was taken")]
    Undated,
    /// The caller refused a row.
    #[error("{0}")]
    Refused(String),
}

/// Reads a gzip tar dump and hands every row of interest to `take`, in the order of the file: tables
/// come in any order, so ids may be seen before what they name.
///
/// Returns when the dump was taken. Reads to the last byte, so that a truncated or damaged file is
/// found even where the damage is in a table that is not needed.
///
/// # Errors
/// See [`DumpError`]; what `take` refuses ends the reading.
pub fn read_dump<R: Read>(
    reader: R,
    limits: DumpLimits,
    take: &mut dyn FnMut(DumpRow<'_>) -> Result<(), String>,
) -> Result<Timestamp, DumpError> {
    let mut tar = TarStream::new(MultiGzDecoder::new(reader), limits.unpacked);
    let mut tables = TableReader::new(limits, take);
    let mut folder = None;
    while let Some(member) = tar.next_member()? {
        if folder.is_none() {
            folder = date_of_folder(&member.path);
        }
        let name = below_folder(&member.path);
        if row::is_wanted(name).is_some() {
            tables.member(name, &mut tar)?;
        }
    }
    tar.finish()?;
    tables.complete()?;
    tables.taken().or(folder).ok_or(DumpError::Undated)
}

/// Reads the members of a dump, in whatever order they come.
pub struct TableReader<'t> {
    limits: DumpLimits,
    seen: Vec<&'static str>,
    taken: Option<Timestamp>,
    take: &'t mut dyn FnMut(DumpRow<'_>) -> Result<(), String>,
}

impl<'t> TableReader<'t> {
    /// Hands every row to `take`.
    pub fn new(
        limits: DumpLimits,
        take: &'t mut dyn FnMut(DumpRow<'_>) -> Result<(), String>,
    ) -> Self {
        Self { limits, seen: Vec::new(), taken: None, take }
    }

    /// Reads one member to its end, given its path below the dated folder; one that is not wanted is left
    /// alone.
    ///
    /// # Errors
    /// See [`DumpError`].
    pub fn member(&mut self, path: &str, mut content: impl Read) -> Result<(), DumpError> {
        let Some(name) = row::is_wanted(path) else { return Ok(()) };
        if self.seen.contains(&name) {
            return Err(DumpError::RepeatedTable { table: name });
        }
        self.seen.push(name);
        if let Some(table) = TABLES.iter().find(|table| table.path == name) {
            return read_table(&mut content, table, self.limits, self.take);
        }
        self.taken = taken_at(content)?;
        Ok(())
    }

    /// When the dump was taken, as far as its metadata was seen and says so.
    #[must_use]
    pub fn taken(&self) -> Option<Timestamp> {
        self.taken
    }

    /// Says whether all tables were there that are needed.
    ///
    /// # Errors
    /// [`DumpError::MissingTable`].
    pub fn complete(&self) -> Result<(), DumpError> {
        match TABLES.iter().find(|table| table.required && !self.seen.contains(&table.path)) {
            Some(missing) => Err(DumpError::MissingTable { table: missing.path }),
            None => Ok(()),
        }
    }
}

/// One table from header to last row.
fn read_table<R: Read>(
    content: &mut R,
    table: &'static Table,
    limits: DumpLimits,
    take: &mut dyn FnMut(DumpRow<'_>) -> Result<(), String>,
) -> Result<(), DumpError> {
    let mut csv = CsvTable::open(content, table, limits.field)?;
    while let Some(record) = csv.next_record()? {
        let row = (table.parse)(&record).map_err(|what| DumpError::Row {
            table: table.path,
            row: record.number(),
            what,
        })?;
        take(row).map_err(DumpError::Refused)?;
    }
    Ok(())
}

/// `2026-03-14-020043/data/crates.csv` without its first folder; other paths as they are.
fn below_folder(path: &str) -> &str {
    match path.trim_start_matches("./").split_once('/') {
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => path.trim_start_matches("./"),
    }
}

/// The moment that the dump's folder is named after: `YYYY-MM-DD-HHMMSS`.
fn date_of_folder(path: &str) -> Option<Timestamp> {
    let folder = path.trim_start_matches("./").split('/').next()?;
    let digits: Vec<&str> = folder.split('-').collect();
    let [year, month, day, time] = digits[..] else { return None };
    if time.len() != 6 || !time.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hour, rest) = time.split_at(2);
    let (minute, second) = rest.split_at(2);
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

/// The `timestamp` of `metadata.json`.
fn taken_at(content: impl Read) -> Result<Option<Timestamp>, DumpError> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        timestamp: Timestamp,
    }
    let mut text = Vec::new();
    let mut content = content.take(METADATA_LIMIT + 1);
    content.read_to_end(&mut text)?;
    if text.len() as u64 > METADATA_LIMIT {
        return Ok(None);
    }
    match serde_json::from_slice::<Metadata>(&text) {
        Ok(metadata) => Ok(Some(metadata.timestamp)),
        Err(error) => Err(DumpError::Row {
            table: METADATA,
            row: u64::try_from(error.line()).unwrap_or(u64::MAX),
            what: error.to_string(),
        }),
    }
}

#[cfg(any(test, feature = "samples"))]
pub mod sample;
#[cfg(test)]
mod tests;
