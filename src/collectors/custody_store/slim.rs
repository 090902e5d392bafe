//! A slim file: the rows of one graph, to be cached or committed by CI.
//!
//! Gzip of JSON lines. The first line is the header: `{"schema":"custody-slim/1","taken":TIME,
//! "source":"dump","crates":N}`; then one line a crate, ordered by name: `{"name":...,"custody":...}`
//! with the row as the store has it, or `"custody":null` where the dump had no such crate. The same
//! store and names give the same bytes: no time of writing is in it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::collectors::custody::{CrateCustody, SourceKind, Stamp};
use crate::domain::Measured;

use super::{CustodySource, CustodyStoreError};

/// First value of the header.
pub const SLIM_SCHEMA: &str = "custody-slim/1";
/// Most bytes after decompression.
const UNPACKED_LIMIT: u64 = 1 << 30;
/// Most crates.
const CRATES_LIMIT: usize = 1_000_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    schema: String,
    taken: Timestamp,
    source: SourceKind,
    crates: usize,
}

#[derive(Serialize)]
struct LineOut<'a> {
    name: &'a str,
    custody: Option<&'a CrateCustody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineIn {
    name: String,
    custody: Option<CrateCustody>,
}

/// Writes a slim file; `None` says that the source has no such crate.
///
/// # Errors
/// None in memory; the signature is that of the writers below it.
pub fn write_slim(
    stamp: Stamp,
    rows: &BTreeMap<String, Option<CrateCustody>>,
) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    let header = Header {
        schema: SLIM_SCHEMA.to_owned(),
        taken: stamp.taken,
        source: stamp.source,
        crates: rows.len(),
    };
    serde_json::to_writer(&mut out, &header)?;
    out.write_all(b"\n")?;
    for (name, custody) in rows {
        serde_json::to_writer(&mut out, &LineOut { name, custody: custody.as_ref() })?;
        out.write_all(b"\n")?;
    }
    out.finish()
}

/// A slim file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slim {
    path: PathBuf,
    stamp: Stamp,
    rows: BTreeMap<String, Option<CrateCustody>>,
}

impl Slim {
    /// Reads a slim file whole.
    ///
    /// # Errors
    /// [`CustodyStoreError::Format`] for anything that is cut, damaged or not one.
    pub fn open(path: &Path) -> Result<Self, CustodyStoreError> {
        let file = crate::disk::open(path).map_err(|error| CustodyStoreError::io(path, error))?;
        Self::read(file, path)
    }

    /// The same from any bytes; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(bytes: impl Read, path: &Path) -> Result<Self, CustodyStoreError> {
        let mut input = BufReader::new(MultiGzDecoder::new(bytes)).take(UNPACKED_LIMIT);
        let mut line = String::new();
        let mut next = |line: &mut String| {
            line.clear();
            match input.read_line(line) {
                Ok(_) if line.ends_with('\n') => Ok(true),
                Ok(0) if input.limit() > 0 => Ok(false),
                Ok(_) => Err(CustodyStoreError::format(path, "it ends within a line")),
                Err(error) => Err(CustodyStoreError::io(path, error)),
            }
        };
        if !next(&mut line)? {
            return Err(CustodyStoreError::format(path, "it is empty"));
        }
        let header: Header = parse(path, &line)?;
        if header.schema != SLIM_SCHEMA {
            return Err(CustodyStoreError::format(
                path,
                "it is of another version; write it again",
            ));
        }
        let stamp = Stamp { taken: header.taken, source: SourceKind::Slim };
        let mut rows = BTreeMap::new();
        while next(&mut line)? {
            let LineIn { name, custody } = parse(path, &line)?;
            let custody = custody.map(|row| checked(path, &name, row, stamp)).transpose()?;
            if rows.insert(name, custody).is_some() || rows.len() > CRATES_LIMIT {
                return Err(CustodyStoreError::format(path, "a crate stands in it twice"));
            }
        }
        if rows.len() != header.crates {
            return Err(CustodyStoreError::format(
                path,
                format!("{} crates are announced and {} are there", header.crates, rows.len()),
            ));
        }
        Ok(Self { path: path.to_owned(), stamp, rows })
    }

    /// The crates that it speaks of, whether the dump had them or not.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, line: &'a str) -> Result<T, CustodyStoreError> {
    serde_json::from_str(line).map_err(|error| CustodyStoreError::format(path, error.to_string()))
}

/// A row's references checked; its stamp is the file's own, whatever the row says.
fn checked(
    path: &Path,
    name: &str,
    row: CrateCustody,
    stamp: Stamp,
) -> Result<CrateCustody, CustodyStoreError> {
    let row = CrateCustody { stamp, ..row };
    row.checked().map_err(|source| CustodyStoreError::Reference {
        path: path.display().to_string(),
        name: name.to_owned(),
        source,
    })
}

impl CustodySource for Slim {
    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn answer(&self, name: &str) -> Measured<CrateCustody> {
        match self.rows.get(name) {
            Some(Some(row)) => Measured::Known(row.clone()),
            Some(None) => Measured::Unknown(format!(
                "the registry dump of {} had no such crate",
                self.stamp.date()
            )),
            None => {
                Measured::Unknown(format!("{} was not written for this crate", self.path.display()))
            }
        }
    }
}
