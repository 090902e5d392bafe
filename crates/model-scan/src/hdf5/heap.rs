//! The two heaps: the global one with strings of variable length, and fractal ones with dense attributes.

use std::io::{Read, Seek};

use super::{Hdf5File, Stop, VALUE_LIMIT};

/// Most objects of a global heap collection that are passed on the way to the one asked for.
const OBJECTS_LIMIT: u32 = 100_000;
/// Most direct blocks of a fractal heap that are read.
const BLOCKS_LIMIT: u64 = 64;
/// Longest direct block that is read, in bytes; the library writes at most 64 KiB.
const BLOCK_LIMIT: u64 = 1024 * 1024;

impl<R: Read + Seek> Hdf5File<R> {
    /// Object `index` of the global heap collection at `at`.
    pub(super) fn heap_object(&mut self, at: u64, index: u32) -> Result<Option<Vec<u8>>, Stop> {
        self.stream.seek_to(at)?;
        if &self.stream.array::<4>()? != b"GCOL" {
            return Err(self.note("malformed", at, "a global heap without its signature"));
        }
        self.stream.skip(4)?;
        let size = self.length()?;
        let end = at.saturating_add(size).min(self.stream.len());
        for _ in 0..OBJECTS_LIMIT {
            if self.stream.position() + 16 > end {
                return Ok(None);
            }
            let head = self.stream.array::<8>()?;
            let found = u32::from(u16::from_le_bytes([head[0], head[1]]));
            let size = self.length()?;
            if found == 0 {
                return Ok(None);
            }
            if found == index {
                return Ok(Some(self.stream.take(size.min(VALUE_LIMIT))?));
            }
            let Some(padded) = size.checked_next_multiple_of(8) else { return Ok(None) };
            self.stream.skip(padded)?;
        }
        Ok(None)
    }

    /// Attributes in the fractal heap at `at`: its blocks hold attribute messages one after another.
    pub(super) fn dense_attributes(&mut self, at: u64) -> Result<(), Stop> {
        self.visit(at)?;
        self.stream.seek_to(at)?;
        if &self.stream.array::<4>()? != b"FRHP" {
            return Err(self.note("malformed", at, "a fractal heap without its signature"));
        }
        let head = self.stream.array::<6>()?;
        let filtered = u16::from_le_bytes([head[3], head[4]]) != 0;
        let (lengths, offsets) = (u64::from(self.length_size), u64::from(self.offset_size));
        // From the largest managed object to the number of huge ones, and on to that of tiny ones.
        self.stream.skip(4 + 7 * lengths + 2 * offsets)?;
        let huge = self.length()?;
        self.stream.skip(2 * lengths)?;
        let width = u64::from(u16::from_le_bytes(self.stream.array()?));
        let first = self.length()?;
        let largest = self.length()?;
        let heap_bits = u16::from_le_bytes(self.stream.array()?);
        self.stream.skip(2)?;
        let root = self.address()?;
        let rows = u64::from(u16::from_le_bytes(self.stream.array()?));
        let header = 5 + offsets + u64::from(heap_bits.div_ceil(8));
        if filtered || first == 0 || huge > 0 || rows.saturating_mul(width) > BLOCKS_LIMIT {
            self.unread = true;
            let detail = format!("{huge} huge attributes, {rows} rows of blocks");
            self.facts.anomalies.note("attribute-not-read", at, detail);
        }
        if filtered || first == 0 {
            return Ok(());
        }
        if rows == 0 {
            return self.direct_block(root, first);
        }
        let mut places = Vec::new();
        self.stream.seek_to(root)?;
        if &self.stream.array::<4>()? != b"FHIB" {
            return Err(self.note("malformed", root, "an indirect block without its signature"));
        }
        self.stream.seek_to(root)?;
        self.stream.skip(header)?;
        for number in 0..rows.saturating_mul(width).min(BLOCKS_LIMIT) {
            let row = number / width.max(1);
            let size = first.checked_shl(u32::try_from(row.saturating_sub(1)).unwrap_or(64));
            let place = self.stored(self.offset_size)?;
            match size.filter(|size| *size <= largest) {
                Some(size) => places.push((self.base.saturating_add(place), size)),
                None => break,
            }
        }
        for (place, size) in places {
            if place < self.stream.len() {
                self.direct_block(place, size)?;
            }
        }
        Ok(())
    }

    /// Finds the attributes that matter by their names; a message's head is checked before it is believed.
    fn direct_block(&mut self, at: u64, size: u64) -> Result<(), Stop> {
        if size > BLOCK_LIMIT {
            return Err(self.note("malformed", at, format!("a direct block of {size} bytes")));
        }
        self.stream.seek_to(at)?;
        let block = self.stream.take(size)?;
        if !block.starts_with(b"FHDB") {
            return Err(self.note("malformed", at, "a direct block without its signature"));
        }
        for name in [&b"model_config\0"[..], b"training_config\0", b"keras_version\0"] {
            for found in memchr::memmem::find_iter(&block, name) {
                // Version 3 has nine bytes before the name, the others eight.
                for (version, head) in [(3, 9), (2, 8), (1, 8)] {
                    let Some(start) = found.checked_sub(head) else { continue };
                    let length = [block[start + 2], block[start + 3]];
                    let matches = usize::from(u16::from_le_bytes(length)) == name.len();
                    if block[start] == version && matches {
                        self.stream.seek_to(at + start as u64)?;
                        self.attribute_message(at + size)?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}
