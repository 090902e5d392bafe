//! The dump in its zip form, member by member: where the wanted ones lie, told by the central directory
//! alone, and their bytes checked on the way past.
//!
//! Stricter than the reader of strangers' archives: the registry writes plain zips, so whatever does not
//! fit together (offsets, sizes, counts, names, methods, checksums) is an error and never a guess.

use std::io::{self, Read};
use std::ops::Range;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::DumpError;
use super::row::is_wanted;

/// Bytes of the end record; of the zip64 locator; of the zip64 end record.
const END: usize = 22;
const LOCATOR: usize = 20;
const END64: usize = 56;
/// How many bytes at the end of the file [`find_directory`] wants: an end record with the longest comment,
/// and what zip64 puts before it.
pub const TAIL: u64 = 65_535 + (END + LOCATOR + END64) as u64;
/// Most bytes of a central directory. The registry's has about 2 kB.
pub const DIRECTORY_LIMIT: u64 = 1 << 20;
/// Bytes of a local header without name and extra field.
const LOCAL: usize = 30;

/// Where a zip's central directory lies, and how many members it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// First byte and the one behind the last.
    pub place: Range<u64>,
    /// Members.
    pub entries: u64,
}

/// A member of the dump that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipMember {
    /// Its path.
    pub path: String,
    /// The bytes to ask for: from its header to what comes behind its data.
    pub place: Range<u64>,
    /// Size after decompression, as the directory says; reading checks it.
    pub unpacked: u64,
    method: u16,
    crc: u32,
    packed: u64,
}

fn wrong(what: impl Into<String>) -> DumpError {
    DumpError::Zip { what: what.into() }
}

/// A little-endian number of `width` bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(width)?)?;
    Some(field.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// Finds the central directory by the last bytes of a file of `size` bytes: at least [`TAIL`] of them, or
/// all.
///
/// # Errors
/// [`DumpError::Zip`] where they are no end of a plain zip.
pub fn find_directory(tail: &[u8], size: u64) -> Result<Directory, DumpError> {
    let short = || wrong("its end is cut");
    let base = size.checked_sub(tail.len() as u64).ok_or_else(short)?;
    // The comment has to reach to the last byte: nothing may follow.
    let mut places = memchr::memmem::rfind_iter(tail, b"PK\x05\x06");
    let end = places.find(|&at| {
        number(tail, at + 20, 2)
            .is_some_and(|comment| (at + END) as u64 + comment == tail.len() as u64)
    });
    let end = end.ok_or_else(|| wrong("it has no end record"))?;
    let field = |at: usize, width: usize| number(tail, at, width).ok_or_else(short);
    let (disk, entries) = (field(end + 4, 2)?, field(end + 10, 2)?);
    let (length, offset) = (field(end + 12, 4)?, field(end + 16, 4)?);
    let full =
        entries == 0xffff || length == 0xffff_ffff || offset == 0xffff_ffff || disk == 0xffff;
    let (entries, length, offset, behind) = if full {
        let locator = end.checked_sub(LOCATOR).ok_or_else(short)?;
        if !tail[locator..].starts_with(b"PK\x06\x07") {
            return Err(wrong("its zip64 locator is missing"));
        }
        let at = field(locator + 8, 8)?.checked_sub(base);
        let at = at.and_then(|at| usize::try_from(at).ok());
        let at = at.ok_or_else(|| wrong("its zip64 end record is not at its end"))?;
        let record = tail.get(at..locator).unwrap_or_default();
        if !record.starts_with(b"PK\x06\x06") || record.len() < END64 {
            return Err(wrong("its zip64 end record is not where the locator says"));
        }
        (field(at + 32, 8)?, field(at + 40, 8)?, field(at + 48, 8)?, base + at as u64)
    } else {
        (entries, length, offset, base + end as u64)
    };
    if offset.checked_add(length) != Some(behind) {
        return Err(wrong("its directory does not end at its end record"));
    }
    if length > DIRECTORY_LIMIT {
        return Err(wrong(format!("its directory has {length} bytes")));
    }
    Ok(Directory { place: offset..behind, entries })
}

/// One entry as the directory has it.
struct Entry {
    path: String,
    flags: u64,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    header_at: u64,
}

/// The wanted members, in the order of their bytes, from the bytes of the directory.
///
/// # Errors
/// [`DumpError`] where a wanted member stands twice, is encrypted, packed by another method, or lies where
/// it cannot lie.
pub fn wanted_members(bytes: &[u8], directory: &Directory) -> Result<Vec<ZipMember>, DumpError> {
    let mut entries = entries(bytes)?;
    if entries.len() as u64 != directory.entries {
        return Err(wrong(format!(
            "{} members are announced and {} are listed",
            directory.entries,
            entries.len()
        )));
    }
    for (at, entry) in entries.iter().enumerate() {
        if let Some(table) = is_wanted(&entry.path)
            && entries[..at].iter().any(|other| other.path == entry.path)
        {
            return Err(DumpError::RepeatedTable { table });
        }
    }
    entries.sort_by_key(|entry| entry.header_at);
    let next = entries.iter().skip(1).map(|entry| entry.header_at);
    let ends: Vec<u64> = next.chain([directory.place.start]).collect();
    let mut members: Vec<ZipMember> = Vec::new();
    for (entry, end) in entries.into_iter().zip(ends) {
        let Some(path) = is_wanted(&entry.path) else { continue };
        let head = (LOCAL + entry.path.len()) as u64;
        let least = entry.header_at.checked_add(head).and_then(|at| at.checked_add(entry.packed));
        if least.is_none_or(|least| least > end) {
            return Err(wrong(format!("{path} overlaps what comes behind it")));
        }
        if entry.flags & 0x41 != 0 || !matches!(entry.method, 0 | 8) {
            return Err(wrong(format!(
                "{path} is packed by method {}, flags {:#x}",
                entry.method, entry.flags
            )));
        }
        members.push(ZipMember {
            path: entry.path,
            place: entry.header_at..end,
            unpacked: entry.unpacked,
            method: entry.method,
            crc: entry.crc,
            packed: entry.packed,
        });
    }
    Ok(members)
}

fn entries(bytes: &[u8]) -> Result<Vec<Entry>, DumpError> {
    let cut = || wrong("its directory is cut");
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if !rest.starts_with(b"PK\x01\x02") {
            return Err(wrong("its directory has something else in it"));
        }
        let field = |at: usize, width: usize| number(rest, at, width).ok_or_else(cut);
        let length = |at: usize| Ok::<_, DumpError>(usize::try_from(field(at, 2)?).unwrap_or(0));
        let name_end = 46 + length(28)?;
        let extra_end = name_end + length(30)?;
        let end = extra_end + length(32)?;
        let name = rest.get(46..name_end).ok_or_else(cut)?;
        let extra = rest.get(name_end..extra_end).ok_or_else(cut)?;
        let mut sizes = [field(24, 4)?, field(20, 4)?, field(42, 4)?];
        widen(extra, &mut sizes)?;
        let [unpacked, packed, header_at] = sizes;
        entries.push(Entry {
            path: String::from_utf8_lossy(name).into_owned(),
            flags: field(8, 2)?,
            method: u16::try_from(field(10, 2)?).unwrap_or(u16::MAX),
            crc: u32::try_from(field(16, 4)?).unwrap_or(u32::MAX),
            packed,
            unpacked,
            header_at,
        });
        rest = rest.get(end..).ok_or_else(cut)?;
    }
    Ok(entries)
}

/// Takes unpacked size, packed size and offset from the zip64 field, each where the 32-bit one is full.
fn widen(extra: &[u8], sizes: &mut [u64; 3]) -> Result<(), DumpError> {
    let full = u64::from(u32::MAX);
    if !sizes.contains(&full) {
        return Ok(());
    }
    let lacking = || wrong("a zip64 size is missing");
    let mut rest = extra;
    loop {
        let (Some(kind), Some(length)) = (number(rest, 0, 2), number(rest, 2, 2)) else {
            return Err(lacking());
        };
        let end = 4 + usize::try_from(length).unwrap_or(0);
        let field = rest.get(4..end).ok_or_else(lacking)?;
        if kind == 1 {
            let mut at = 0;
            for size in sizes.iter_mut().filter(|size| **size == full) {
                *size = number(field, at, 8).ok_or_else(lacking)?;
                at += 8;
            }
            return Ok(());
        }
        rest = &rest[end..];
    }
}

/// The content of one member out of the bytes of its [`ZipMember::place`]. At its end size and checksum are
/// held against the directory: content that is another is an error of the last read.
///
/// # Errors
/// Where the local header is not that of the member.
pub fn open_member<R: Read>(mut reader: R, member: &ZipMember) -> io::Result<MemberReader<R>> {
    let refuse =
        |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", member.path));
    let mut head = [0; LOCAL];
    reader.read_exact(&mut head)?;
    let length = |at| number(&head, at, 2).unwrap_or(0);
    let (name, extra) = (length(26), length(28));
    let method = length(8);
    if !head.starts_with(b"PK\x03\x04") || name != member.path.len() as u64 {
        return Err(refuse("another header stands where the directory says"));
    }
    if method != u64::from(member.method) || length(6) & 0x41 != 0 {
        return Err(refuse("its header says another method"));
    }
    let mut rest = Vec::new();
    (&mut reader).take(name + extra).read_to_end(&mut rest)?;
    if !rest.starts_with(member.path.as_bytes()) {
        return Err(refuse("its header has another name"));
    }
    let taken = LOCAL as u64 + name + extra;
    if (member.place.end - member.place.start).saturating_sub(taken) < member.packed {
        return Err(refuse("its data reaches beyond its place"));
    }
    let data = reader.take(member.packed);
    let body = if member.method == 0 {
        Body::Stored(data)
    } else {
        Body::Deflated(DeflateDecoder::new(data))
    };
    Ok(MemberReader { body, crc: Crc::new(), read: 0, member: member.clone() })
}

enum Body<R> {
    Stored(io::Take<R>),
    Deflated(DeflateDecoder<io::Take<R>>),
}

/// See [`open_member`].
pub struct MemberReader<R> {
    body: Body<R>,
    crc: Crc,
    read: u64,
    member: ZipMember,
}

impl<R: Read> Read for MemberReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = match &mut self.body {
            Body::Stored(data) => data.read(into)?,
            Body::Deflated(data) => data.read(into)?,
        };
        self.crc.update(&into[..got]);
        self.read += got as u64;
        let whole = self.read == self.member.unpacked;
        if self.read > self.member.unpacked || (got == 0 && !into.is_empty() && !whole) {
            return Err(self.refuse("its size is another than the directory says"));
        }
        if got == 0 && !into.is_empty() && self.crc.sum() != self.member.crc {
            return Err(self.refuse("its checksum is another than the directory says"));
        }
        Ok(got)
    }
}

impl<R> MemberReader<R> {
    fn refuse(&self, what: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", self.member.path))
    }
}
