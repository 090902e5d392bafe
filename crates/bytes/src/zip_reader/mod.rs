//! A zip reader for archives that lie. Libraries trust one of the two headers that a member has, and
//! attackers choose the other one; this one reads the central directory and the local headers, compares
//! them, and lists whatever either of them would yield. Checksums and flags never decide whether bytes
//! are looked at. Decompresses nothing itself.
//!
//! Anomalies: `zip-broken`, `zip-no-directory`, `zip-several-directories`, `zip-entry-count`,
//! `zip-directory-moved`, `zip-name-mismatch`, `zip-header-mismatch`, `zip-local-missing`, `zip-odd-flags`,
//! `zip-encrypted`, `zip-duplicate-member`, `zip-hidden-member`, `zip-overlap`, `zip-prefix`,
//! `zip-trailing`, `zip-gap`, `zip-traversal`, `zip-symlink`, `zip-name-control`, `zip-too-many-members`.

mod directory;
mod local;
mod names;
pub use names::leaves;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;

use super::anomaly::Anomalies;
use super::source::Source;

/// Members listed of one archive.
pub const MEMBERS: usize = 100_000;

/// Which header a member is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listing {
    /// The central directory; what most libraries go by.
    Directory,
    /// A local header that the directory does not name, or whose sizes and method differ from it.
    Local,
}

/// One way to read one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name, bytes that are no UTF-8 replaced.
    pub name: String,
    /// By which header.
    pub listing: Listing,
    /// Compression method as the header has it.
    pub method: u16,
    /// General purpose flags, of both headers together.
    pub flags: u16,
    /// CRC-32 that is claimed.
    pub crc: u32,
    /// Compressed size, bytes.
    pub packed: u64,
    /// Uncompressed size that is claimed, bytes.
    pub unpacked: u64,
    /// Offset of the local header.
    pub header_at: u64,
    /// Offset of the data.
    pub data_at: u64,
}

impl Member {
    /// Whether the name is that of a folder.
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Whether a flag says that it is encrypted. The bytes decide whether it is.
    pub fn claims_encryption(&self) -> bool {
        self.flags & 0x41 != 0
    }
}

/// What an archive lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// Members, in the order of their data; several readings of one stand side by side.
    pub members: Vec<Member>,
    /// What was odd.
    pub anomalies: Anomalies,
    /// Bytes before the first local header, where there are some.
    pub prefix: u64,
    /// Where bytes begin that follow the end record and its comment, where there are some.
    pub trailing_at: Option<u64>,
    /// End records that lead to a directory.
    pub directories: u32,
}

/// Whether the bytes that end here hold an end record: the tail of a file, at most 66 KiB.
pub fn has_end_record(tail: &[u8]) -> bool {
    directory::end_records(tail).next().is_some()
}

/// Lists an archive of `size` bytes.
///
/// # Errors
/// Only where the source cannot be read. A broken archive is listed as far as it goes.
pub fn read(source: &mut dyn Source, size: u64) -> io::Result<Archive> {
    let mut archive = Archive::default();
    let mut spans = Spans::default();
    let mut entries = directory::read(source, size, &mut archive, &mut spans)?;
    if entries.len() > MEMBERS {
        archive.anomalies.note("zip-too-many-members", None, format!("{} members", entries.len()));
        entries.truncate(MEMBERS);
    }
    names::check(&entries, &mut archive.anomalies);
    local::compare(source, size, &entries, &mut archive, &mut spans)?;
    if archive.directories == 0 {
        archive.anomalies.note("zip-no-directory", None, "no end record with a directory");
        local::follow(source, size, &mut archive, &mut spans)?;
    }
    local::look_into_gaps(source, size, &mut archive, &mut spans)?;
    spans.report_overlaps(&mut archive.anomalies);
    archive
        .members
        .sort_by(|a, b| (a.data_at, a.listing, &a.name).cmp(&(b.data_at, b.listing, &b.name)));
    Ok(archive)
}

/// Names in the central directory, without a look at the members themselves; nothing where no end record
/// leads to a directory.
///
/// # Errors
/// Only where the source cannot be read.
pub fn names(source: &mut dyn Source, size: u64) -> io::Result<Option<Vec<String>>> {
    let mut archive = Archive::default();
    let entries = directory::read(source, size, &mut archive, &mut Spans::default())?;
    let name = |entry: &directory::Entry| String::from_utf8_lossy(&entry.name).into_owned();
    Ok((archive.directories > 0).then(|| entries.iter().take(MEMBERS).map(name).collect()))
}

/// Which bytes of the archive are spoken for.
#[derive(Default)]
struct Spans {
    /// Start to end and name; the longest of those with one start.
    taken: BTreeMap<u64, (u64, String)>,
    shared: u64,
}

impl Spans {
    fn take(&mut self, start: u64, end: u64, what: &str) {
        let slot = self.taken.entry(start).or_insert_with(|| (end, what.to_owned()));
        if slot.0 < end {
            *slot = (end, what.to_owned());
        }
    }

    /// Ranges below `size` that nothing takes.
    fn gaps(&self, size: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut at = 0;
        for (&start, &(end, _)) in &self.taken {
            if start > at {
                gaps.push((at, start.min(size)));
            }
            at = at.max(end);
        }
        if at < size {
            gaps.push((at, size));
        }
        gaps
    }

    fn report_overlaps(&mut self, anomalies: &mut Anomalies) {
        let mut before: Option<(u64, &str)> = None;
        for (&start, (end, what)) in &self.taken {
            if let Some((until, other)) = before
                && start < until
            {
                let detail = format!("{what} begins {} bytes inside {other}", until - start);
                anomalies.note("zip-overlap", start, detail);
            }
            if before.is_none_or(|(until, _)| *end > until) {
                before = Some((*end, what));
            }
        }
        if self.shared > 0 {
            let detail = format!("{} more members share data with another", self.shared);
            anomalies.note("zip-overlap", None, detail);
        }
    }
}

/// Two bytes, little end first; 0 past the end.
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |pair| u16::from_le_bytes([pair[0], pair[1]]))
}

/// Four bytes, little end first; 0 past the end.
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
