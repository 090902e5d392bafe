//! The extract of a whole registry: what a store holds of every crate, in one compressed file that is looked
//! up by name without being loaded.
//!
//! `custody\n`, the length of the header (4 bytes, little-endian), the header as JSON, the index, the list of
//! popular crates (JSON, deflate), the blocks.
//! A block holds the rows of up to [`ROWS`] crates in the order of their names, as [`rows`] packs them; the
//! index (deflate) names the first crate of each block, its length and its checksum. The header tells schema,
//! day of the source and the SHA-256 of both and of all that follows. The same store gives the same bytes.
//!
//! A file that is whole was checked when it was fetched; opening reads header and index only, and every block
//! is held against its checksum when it is read. Rows are a stranger's and checked as those of a store are.

mod rows;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::collectors::custody::{CrateCustody, SourceKind, Stamp};
use crate::disk;
use crate::domain::Measured;
use crate::domain::hash::hex;

use super::popular::{LIST_LIMIT, PopularCrate};
use super::{CustodySource, CustodyStoreError, Store, answer_of};
use rows::{Cursor, Packer};

/// First bytes of an extract.
pub(super) const MAGIC: &[u8; 8] = b"custody\n";
/// Version of the form.
pub const EXTRACT_SCHEMA: &str = "custody-extract/3";
/// Crates of one block.
pub const ROWS: usize = 256;
/// Longest header, index and block that are read, in bytes after decompression.
const HEADER_LIMIT: usize = 64 * 1024;
const INDEX_LIMIT: u64 = 64 << 20;
const BLOCK_LIMIT: u64 = 256 << 20;
/// Blocks that stay unpacked: neighbours are often asked for together.
const HELD: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    schema: String,
    taken: Timestamp,
    crates: u64,
    /// Packed bytes of the index.
    index: u64,
    /// Packed bytes of the list of popular crates.
    popular: u64,
    /// Of what the header says beside it, and all that follows.
    sha256: String,
}

impl Header {
    /// A hash that has taken in what the header says: a day that was edited is damage, too.
    fn hash(&self) -> Sha256 {
        let Self { schema, taken, crates, index, popular, sha256: _ } = self;
        Sha256::new_with_prefix(format!("{schema}\n{taken}\n{crates}\n{index}\n{popular}\n"))
    }
}

/// Where a block lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    first: String,
    offset: u64,
    length: u64,
    crc: u32,
}

/// What writing an extract came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Crates in it, those that the registry deleted included.
    pub crates: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes the extract of a whole store to `path`: beside its place first, renamed into it when it is whole.
///
/// # Errors
/// See [`CustodyStoreError`].
pub fn write_extract(store: &Store, path: &Path) -> Result<Written, CustodyStoreError> {
    let told = |error| CustodyStoreError::io(path, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut blocks = tempfile::tempfile_in(folder).map_err(told)?;
    let mut writing = Writing::default();
    store.each(|name, row| writing.take(name, &row, &mut blocks).map_err(told))?;
    let (index, crates) = writing.finish(&mut blocks).map_err(told)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(told)?;
    let popular = serde_json::to_vec(&store.popular()).map_err(io::Error::from).map_err(told)?;
    let popular = deflated(&popular).map_err(told)?;
    let front = (index.as_slice(), popular.as_slice());
    let bytes = put_together(store.stamp(), crates, front, &mut blocks, &mut file).map_err(told)?;
    file.as_file().sync_all().map_err(told)?;
    file.persist(path).map_err(|error| told(error.error))?;
    Ok(Written { crates, bytes })
}

/// Header, index and blocks, one behind the other.
fn put_together(
    stamp: Stamp,
    crates: u64,
    (index, popular): (&[u8], &[u8]),
    blocks: &mut File,
    into: &mut impl Write,
) -> io::Result<u64> {
    blocks.rewind()?;
    let mut header = Header {
        schema: EXTRACT_SCHEMA.to_owned(),
        taken: stamp.taken,
        crates,
        index: index.len() as u64,
        popular: popular.len() as u64,
        sha256: String::new(),
    };
    let mut hash = header.hash();
    hash.update(index);
    hash.update(popular);
    let (hash, body) = hash_of(hash, blocks)?;
    header.sha256 = hash;
    let header = serde_json::to_vec(&header).map_err(io::Error::other)?;
    let length = u32::try_from(header.len()).map_err(io::Error::other)?;
    into.write_all(MAGIC)?;
    into.write_all(&length.to_le_bytes())?;
    into.write_all(&header)?;
    into.write_all(index)?;
    into.write_all(popular)?;
    blocks.rewind()?;
    io::copy(blocks, into)?;
    let front = (index.len() + popular.len()) as u64;
    Ok(MAGIC.len() as u64 + 4 + u64::from(length) + front + body)
}

/// The hash of what was taken in already and of the rest of a file, and the length of the rest.
fn hash_of(mut hash: Sha256, file: &mut File) -> io::Result<(String, u64)> {
    let mut buffer = vec![0; 64 * 1024];
    let mut length = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hex(&hash.finalize()), length)),
            got => {
                hash.update(&buffer[..got]);
                length += got as u64;
            }
        }
    }
}

/// Blocks on their way.
#[derive(Default)]
struct Writing {
    packer: Packer,
    first: String,
    index: Vec<u8>,
    crates: u64,
}

impl Writing {
    fn take(&mut self, name: &str, row: &CrateCustody, out: &mut File) -> io::Result<()> {
        if self.packer.rows() == 0 {
            name.clone_into(&mut self.first);
        }
        self.packer.push(name, row);
        self.crates += 1;
        if self.packer.rows() == ROWS { self.close(out) } else { Ok(()) }
    }

    fn close(&mut self, out: &mut File) -> io::Result<()> {
        if self.packer.rows() == 0 {
            return Ok(());
        }
        let block = deflated(&std::mem::take(&mut self.packer).finish())?;
        let mut crc = flate2::Crc::new();
        crc.update(&block);
        out.write_all(&block)?;
        rows::number(&mut self.index, self.first.len() as u64);
        self.index.extend(self.first.as_bytes());
        rows::number(&mut self.index, block.len() as u64);
        self.index.extend(crc.sum().to_le_bytes());
        Ok(())
    }

    fn finish(mut self, out: &mut File) -> io::Result<(Vec<u8>, u64)> {
        self.close(out)?;
        Ok((deflated(&self.index)?, self.crates))
    }
}

fn deflated(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn inflated(bytes: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    DeflateDecoder::new(bytes).take(limit + 1).read_to_end(&mut out)?;
    if out.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it unpacks to too much"));
    }
    Ok(out)
}

/// An extract, open.
pub struct Extract {
    path: PathBuf,
    file: Mutex<File>,
    stamp: Stamp,
    crates: u64,
    /// Where the packed list of popular crates lies.
    popular: (u64, u64),
    blocks: Vec<Block>,
    held: Mutex<Vec<(usize, Arc<Vec<u8>>)>>,
}

impl Extract {
    /// Opens an extract: reads its header and its index.
    ///
    /// # Errors
    /// [`CustodyStoreError::Format`] for a file that is none, is cut, or is of another version.
    pub fn open(path: &Path) -> Result<Self, CustodyStoreError> {
        let told = |error| CustodyStoreError::io(path, error);
        let mut file = disk::open(path).map_err(told)?;
        let size = file.metadata().map_err(told)?.len();
        let (header, body_at) = read_header(&mut file, path)?;
        let index_end = body_at.saturating_add(header.index);
        let blocks_at = index_end.saturating_add(header.popular);
        if blocks_at > size {
            return Err(CustodyStoreError::format(path, "it is cut within its index"));
        }
        let mut packed = Vec::new();
        (&mut file).take(header.index).read_to_end(&mut packed).map_err(told)?;
        let index = inflated(&packed, INDEX_LIMIT);
        let index = index.map_err(|error| CustodyStoreError::format(path, error.to_string()))?;
        let blocks = parse_index(&index, blocks_at);
        let blocks =
            blocks.ok_or_else(|| CustodyStoreError::format(path, "its index is damaged"))?;
        let ends = blocks.last().map_or(blocks_at, |last| last.offset + last.length);
        if ends != size {
            return Err(CustodyStoreError::format(
                path,
                format!("it has {size} bytes where its index says {ends}"),
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            stamp: Stamp { taken: header.taken, source: SourceKind::Slim },
            crates: header.crates,
            popular: (index_end, header.popular),
            blocks,
            held: Mutex::default(),
        })
    }

    /// Crates in it.
    #[must_use]
    pub fn crates(&self) -> u64 {
        self.crates
    }

    /// Holds the whole file against the hash in its header.
    ///
    /// # Errors
    /// [`CustodyStoreError::Format`] where it is another.
    pub fn verify(path: &Path) -> Result<Self, CustodyStoreError> {
        let told = |error| CustodyStoreError::io(path, error);
        let mut file = disk::open(path).map_err(told)?;
        let (header, _) = read_header(&mut file, path)?;
        let (hash, _) = hash_of(header.hash(), &mut file).map_err(told)?;
        if hash != header.sha256 {
            return Err(CustodyStoreError::format(path, "its hash is not the one in its header"));
        }
        Self::open(path)
    }

    /// The row of a crate.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn row(&self, name: &str) -> Result<Option<CrateCustody>, CustodyStoreError> {
        let at = self.blocks.partition_point(|block| block.first.as_str() <= name);
        let Some(at) = at.checked_sub(1) else { return Ok(None) };
        let block = self.block(at)?;
        let damaged = |_| CustodyStoreError::format(&self.path, "a block is damaged");
        let mut cursor = Cursor::open(&block).map_err(damaged)?;
        while let Some(found) = cursor.next_name().map_err(damaged)? {
            if found == name {
                let row = cursor.row(self.stamp).map_err(damaged)?;
                return row.checked().map(Some).map_err(|source| CustodyStoreError::Reference {
                    path: self.path.display().to_string(),
                    name: name.to_owned(),
                    source,
                });
            }
        }
        Ok(None)
    }

    fn bytes(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        let mut packed = Vec::new();
        (&mut *file).take(length).read_to_end(&mut packed)?;
        Ok(packed)
    }

    fn block(&self, at: usize) -> Result<Arc<Vec<u8>>, CustodyStoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = held.iter().find(|(place, _)| *place == at) {
            return Ok(Arc::clone(block));
        }
        let Block { offset, length, crc, .. } = self.blocks[at];
        let read = || -> io::Result<Vec<u8>> {
            let packed = self.bytes(offset, length)?;
            let mut sum = flate2::Crc::new();
            sum.update(&packed);
            if sum.sum() != crc {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a block is damaged"));
            }
            inflated(&packed, BLOCK_LIMIT)
        };
        let block = Arc::new(read().map_err(|error| CustodyStoreError::io(&self.path, error))?);
        held.truncate(HELD - 1);
        held.insert(0, (at, Arc::clone(&block)));
        Ok(block)
    }
}

/// The header, and where what follows it begins.
fn read_header(file: &mut File, path: &Path) -> Result<(Header, u64), CustodyStoreError> {
    let cut = |_| CustodyStoreError::format(path, "it is cut within its header");
    let mut start = [0; 12];
    file.read_exact(&mut start).map_err(cut)?;
    let length = u32::from_le_bytes([start[8], start[9], start[10], start[11]]) as usize;
    if !start.starts_with(MAGIC) || length > HEADER_LIMIT {
        return Err(CustodyStoreError::format(path, "it does not begin as an extract"));
    }
    let mut text = vec![0; length];
    file.read_exact(&mut text).map_err(cut)?;
    let value: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| CustodyStoreError::format(path, error.to_string()))?;
    // A newer form is named as that, whatever else its header has.
    if value.get("schema").and_then(serde_json::Value::as_str) != Some(EXTRACT_SCHEMA) {
        return Err(CustodyStoreError::format(
            path,
            "it is of another version than this program reads",
        ));
    }
    let header = serde_json::from_value(value)
        .map_err(|error| CustodyStoreError::format(path, error.to_string()))?;
    Ok((header, (start.len() + length) as u64))
}

/// The blocks that an index lists; nothing where it is damaged or out of order.
fn parse_index(index: &[u8], mut offset: u64) -> Option<Vec<Block>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut rest = index;
    while !rest.is_empty() {
        let length = usize::try_from(rows::take_number(&mut rest)?).ok()?;
        let first = std::str::from_utf8(rest.get(..length)?).ok()?.to_owned();
        rest = &rest[length..];
        let length = rows::take_number(&mut rest)?;
        let crc = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?);
        rest = &rest[4..];
        if blocks.last().is_some_and(|before| before.first >= first) {
            return None;
        }
        blocks.push(Block { first, offset, length, crc });
        offset = offset.checked_add(length)?;
    }
    Some(blocks)
}

impl CustodySource for Extract {
    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn popular(&self) -> Vec<PopularCrate> {
        let (offset, length) = self.popular;
        let text = self.bytes(offset, length).and_then(|packed| inflated(&packed, LIST_LIMIT));
        // Its hash was held against the header when the file came; what is damaged since says nothing.
        text.ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn answer(&self, name: &str) -> Measured<CrateCustody> {
        answer_of(self.row(name), self.stamp)
    }
}

#[cfg(test)]
mod tests;
