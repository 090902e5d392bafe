//! HDF5, as far as Keras keeps a model in it: the superblock and the attributes of the root group. Data
//! sets are not touched.
//!
//! Source: <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>. Superblocks 0 to 3, object
//! headers 1 and 2 with continuations, compact attributes and dense ones in a fractal heap, strings of fixed
//! length and in the global heap.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `not-hdf5`, `unknown-superblock`, `odd-sizes`,
//! `truncated`, `malformed`, `too-many-messages`, `continuation-loop`, `attribute-not-read` (an attribute is
//! there but its value could not be followed), `duplicate-attribute`, `too-long`.

mod heap;
mod message;

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keras::{self, Keras};
use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::stream::{Stream, StreamError};

/// First bytes of the superblock.
const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
/// Most messages of the root group's header.
const MESSAGES_LIMIT: u32 = 10_000;
/// Longest attribute value that is read, in bytes.
const VALUE_LIMIT: u64 = 32 * 1024 * 1024;
/// Most attribute names that are kept.
const NAMES_LIMIT: usize = 200;

/// What an HDF5 file says about the Keras model in it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Hdf5 {
    /// Length of the file in bytes.
    pub file_size: u64,
    /// Version of the superblock, 0 to 3.
    pub superblock_version: Option<u8>,
    /// Bytes in front of the superblock.
    pub user_block: u64,
    /// Whether all attributes of the root group were read; when not, `anomalies` says why.
    pub complete: bool,
    /// Names of the root group's attributes, in file order; at most 200.
    pub attributes: Vec<String>,
    /// `keras_version`.
    pub keras_version: Option<String>,
    /// What `model_config` and `training_config` would make Keras do; absent when there is no such attribute.
    pub keras: Option<Keras>,
    /// Bytes that were read to learn this.
    pub bytes_read: u64,
    /// What a well-formed file does not show; offsets count from the start of the file.
    pub anomalies: Anomalies,
}

/// Reads the `len` bytes long file `source`.
///
/// # Errors
/// Only when the system refuses to read; everything about the content is an anomaly.
pub fn read<R: Read + Seek>(source: R, len: u64) -> Result<Hdf5, StreamError> {
    let mut file = Hdf5File {
        stream: Stream::new(source, len),
        facts: Hdf5 { file_size: len, ..Hdf5::default() },
        base: 0,
        offset_size: 8,
        length_size: 8,
        messages: 0,
        visited: BTreeSet::new(),
        unread: false,
    };
    match file.root() {
        Ok(()) => file.facts.complete = file.facts.superblock_version.is_some() && !file.unread,
        Err(Stop::Noted) => {}
        Err(Stop::Stream(StreamError::Truncated { offset, wanted, left })) => {
            let detail = format!("{wanted} bytes announced, {left} left");
            file.facts.anomalies.note("truncated", offset, detail);
        }
        Err(Stop::Stream(error)) => return Err(error),
    }
    file.facts.bytes_read = file.stream.fetched();
    Ok(file.facts)
}

/// Why reading ends early.
#[derive(Debug)]
enum Stop {
    /// An anomaly says it already.
    Noted,
    /// The bytes could not be had.
    Stream(StreamError),
}

impl From<StreamError> for Stop {
    fn from(error: StreamError) -> Self {
        Stop::Stream(error)
    }
}

/// One file on its way to facts.
struct Hdf5File<R> {
    stream: Stream<R>,
    facts: Hdf5,
    /// What addresses are relative to.
    base: u64,
    /// Bytes of an address.
    offset_size: u8,
    /// Bytes of a length.
    length_size: u8,
    messages: u32,
    /// Header blocks already read.
    visited: BTreeSet<u64>,
    /// Whether an attribute's value could not be followed.
    unread: bool,
}

impl<R: Read + Seek> Hdf5File<R> {
    fn note(&mut self, kind: &'static str, offset: u64, detail: impl Into<String>) -> Stop {
        self.facts.anomalies.note(kind, offset, detail);
        Stop::Noted
    }

    /// Finds the superblock and reads the header of the root group.
    fn root(&mut self) -> Result<(), Stop> {
        let mut start = 0_u64;
        loop {
            if start + 8 > self.stream.len() {
                return Err(self.note("not-hdf5", 0, "no superblock"));
            }
            self.stream.seek_to(start)?;
            if &self.stream.array::<8>()? == SIGNATURE {
                break;
            }
            start = if start == 0 { 512 } else { start * 2 };
        }
        self.facts.user_block = start;
        let version = self.stream.u8()?;
        self.facts.superblock_version = Some(version);
        let header = match version {
            0 | 1 => self.superblock_0(version)?,
            2 | 3 => self.superblock_2()?,
            _ => {
                self.facts.superblock_version = None;
                let detail = format!("version {version}, 0 to 3 are known");
                return Err(self.note("unknown-superblock", start + 8, detail));
            }
        };
        self.object_header(header)
    }

    fn sizes(&mut self, offsets: u8, lengths: u8) -> Result<(), Stop> {
        if ![2, 4, 8].contains(&offsets) || ![2, 4, 8].contains(&lengths) {
            let at = self.stream.position();
            let detail = format!("addresses of {offsets}, lengths of {lengths} bytes");
            return Err(self.note("odd-sizes", at, detail));
        }
        (self.offset_size, self.length_size) = (offsets, lengths);
        Ok(())
    }

    fn superblock_0(&mut self, version: u8) -> Result<u64, Stop> {
        let rest = self.stream.array::<7>()?;
        self.sizes(rest[4], rest[5])?;
        self.stream.skip(2 + 2 + 4 + if version == 1 { 4 } else { 0 })?;
        self.base = self.stored(self.offset_size)?;
        self.stream.skip(u64::from(self.offset_size))?;
        self.end_of_file()?;
        // The driver and the name of the root group come before its header.
        self.stream.skip(2 * u64::from(self.offset_size))?;
        self.address()
    }

    fn superblock_2(&mut self) -> Result<u64, Stop> {
        let rest = self.stream.array::<3>()?;
        self.sizes(rest[0], rest[1])?;
        self.base = self.stored(self.offset_size)?;
        self.stream.skip(u64::from(self.offset_size))?;
        self.end_of_file()?;
        self.address()
    }

    /// Where the file ends according to its superblock; most of it is not read, so a cut shows only here.
    fn end_of_file(&mut self) -> Result<(), Stop> {
        let at = self.stream.position();
        let end = self.stored(self.offset_size)?;
        let undefined = end == u64::MAX >> (64 - 8 * u32::from(self.offset_size));
        if !undefined && end > self.stream.len() {
            let detail = format!("{end} bytes announced, {} are there", self.stream.len());
            self.facts.anomalies.note("truncated", at, detail);
        }
        Ok(())
    }

    /// A number of the given width.
    fn stored(&mut self, width: u8) -> Result<u64, Stop> {
        let mut bytes = [0; 8];
        self.stream.fill(&mut bytes[..usize::from(width).min(8)])?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn length(&mut self) -> Result<u64, Stop> {
        self.stored(self.length_size)
    }

    /// An address, from the start of the file.
    fn address(&mut self) -> Result<u64, Stop> {
        let at = self.stream.position();
        let address = self.stored(self.offset_size)?;
        match self.base.checked_add(address).filter(|address| *address < self.stream.len()) {
            Some(address) => Ok(address),
            None => Err(self.note("malformed", at, format!("address {address} is behind the end"))),
        }
    }

    /// A header block that was seen before would be read for ever.
    fn visit(&mut self, at: u64) -> Result<(), Stop> {
        if self.visited.insert(at) {
            return Ok(());
        }
        Err(self.note("continuation-loop", at, "a header that continues in itself"))
    }

    /// What an attribute's value says.
    fn attribute(&mut self, name: &str, value: Option<&str>, at: u64) {
        let facts = &mut self.facts;
        if facts.attributes.iter().any(|known| known == name) {
            facts.anomalies.note("duplicate-attribute", at, name);
        }
        if facts.attributes.len() < NAMES_LIMIT {
            facts.attributes.push(excerpt(name, 100));
        }
        match (name, value) {
            ("model_config" | "training_config", Some(text)) => {
                let seen = keras::read(text.trim_end_matches('\0').as_bytes());
                match &mut facts.keras {
                    Some(all) => all.merge(seen),
                    None => facts.keras = Some(seen),
                }
            }
            ("model_config" | "training_config", None) => {
                facts.anomalies.note("attribute-not-read", at, name);
                self.unread = true;
            }
            ("keras_version", Some(text)) => {
                facts.keras_version = Some(excerpt(text.trim_end_matches('\0'), 100));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
