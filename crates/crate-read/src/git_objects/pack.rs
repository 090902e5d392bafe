//! Packs and their indexes, version 2. The files are large, so the caller reads the few pieces that
//! [`Layout`] names and never a whole file.

use super::{GitError, ID_BYTES, Kind, ObjectId};

/// Bytes before the fanout table of an index.
pub const INDEX_HEADER: u64 = 8;
/// Bytes of the fanout table.
pub const FANOUT_BYTES: usize = 1024;

const DAMAGED: GitError = GitError::Damaged { what: "pack" };

/// Where the tables of an index stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many objects have a first byte up to this one.
    fanout: Vec<u32>,
}

impl Layout {
    /// Reads the first bytes of an index: header and fanout table.
    pub fn read(head: &[u8]) -> Result<Self, GitError> {
        let damaged = GitError::Damaged { what: "pack index" };
        let Some((header, table)) = head.split_at_checked(8) else { return Err(damaged) };
        if &header[..4] != b"\xfftOc" {
            return Err(GitError::Unsupported("a pack index of version 1"));
        }
        if header[4..] != [0, 0, 0, 2] {
            return Err(GitError::Unsupported("a pack index of a version above 2"));
        }
        let fanout: Vec<u32> = table.chunks_exact(4).take(256).map(number).collect();
        if fanout.len() < 256 || !fanout.is_sorted() {
            return Err(damaged);
        }
        Ok(Self { fanout })
    }

    /// Number of objects.
    #[must_use]
    pub fn objects(&self) -> u64 {
        u64::from(self.fanout[255])
    }

    /// Positions of the objects whose name starts with this byte: first, and one past the last.
    #[must_use]
    pub fn range(&self, first: u8) -> (u64, u64) {
        let at = usize::from(first);
        let start = if at == 0 { 0 } else { self.fanout[at - 1] };
        (u64::from(start), u64::from(self.fanout[at]))
    }

    /// Where the name at a position stands in the file.
    #[must_use]
    pub fn name_at(position: u64) -> u64 {
        INDEX_HEADER + FANOUT_BYTES as u64 + position * ID_BYTES as u64
    }

    /// Where the offset of an object stands in the file; 4 bytes.
    #[must_use]
    pub fn offset_at(&self, position: u64) -> u64 {
        Self::name_at(self.objects()) + self.objects() * 4 + position * 4
    }

    /// Where a large offset stands in the file, for an offset with the highest bit set; 8 bytes.
    #[must_use]
    pub fn large_offset_at(&self, offset: u32) -> Option<u64> {
        let index = u64::from(offset & 0x7fff_ffff);
        (offset & 0x8000_0000 != 0).then(|| self.offset_at(self.objects()) + index * 8)
    }
}

/// Where a name stands in a sorted list of names.
#[must_use]
pub fn position(names: &[u8], id: &ObjectId) -> Option<u64> {
    let (names, _) = names.as_chunks::<ID_BYTES>();
    names.binary_search(id.as_bytes()).ok().map(|at| at as u64)
}

/// What a pack entry is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing: it is whole.
    Whole(Kind),
    /// A delta from the entry this many bytes before it.
    Before(u64),
    /// A delta from another object.
    Object(ObjectId),
}

/// The head of a pack entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is told from.
    pub base: Base,
    /// Inflated size, of the delta where it is one.
    pub size: u64,
    /// Bytes before the zlib stream.
    pub header: usize,
}

/// Reads the head of a pack entry; at most 32 bytes of it are needed.
pub fn entry(bytes: &[u8]) -> Result<Entry, GitError> {
    let first = *bytes.first().ok_or(DAMAGED)?;
    let mut size = u64::from(first & 0x0f);
    let mut at = 1;
    let mut more = first & 0x80 != 0;
    while more {
        let byte = *bytes.get(at).ok_or(DAMAGED)?;
        // 4 bits and 8 times 7 are 60: more would overflow and no object is that large.
        if at > 8 {
            return Err(DAMAGED);
        }
        size |= u64::from(byte & 0x7f) << (4 + 7 * (at - 1));
        more = byte & 0x80 != 0;
        at += 1;
    }
    let base = match (first >> 4) & 7 {
        1 => Base::Whole(Kind::Commit),
        2 => Base::Whole(Kind::Tree),
        3 => Base::Whole(Kind::Blob),
        4 => Base::Whole(Kind::Tag),
        6 => {
            let (distance, read) = distance(&bytes[at..])?;
            at += read;
            Base::Before(distance)
        }
        7 => {
            let id = bytes.get(at..at + ID_BYTES).and_then(ObjectId::from_bytes);
            at += ID_BYTES;
            Base::Object(id.ok_or(DAMAGED)?)
        }
        _ => return Err(DAMAGED),
    };
    Ok(Entry { base, size, header: at })
}

/// The distance of a delta's base: 7 bits a byte, highest first, each further byte adding one.
fn distance(bytes: &[u8]) -> Result<(u64, usize), GitError> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(9) {
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return if value == 0 { Err(DAMAGED) } else { Ok((value, index + 1)) };
        }
        value += 1;
    }
    Err(DAMAGED)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte))
}
