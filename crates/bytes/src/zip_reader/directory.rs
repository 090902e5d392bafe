//! The central directory: end records (all of them), zip64, entries.

use std::collections::BTreeSet;
use std::io;

use super::super::source::Source;
use super::{Archive, MEMBERS, Spans, u16_at, u32_at, u64_at};

/// Bytes of the end record, and of the longest comment behind it.
const END: u64 = 22;
const COMMENT: u64 = 65_535;

/// End records that are followed.
const END_RECORDS: usize = 8;

/// Largest central directory that is read.
const DIRECTORY: u64 = 64 << 20;

/// One entry of the central directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) made_by: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    pub(super) external: u32,
    /// As written; the shift of the archive is added in `header_at`.
    pub(super) header_at: u64,
    /// Where the entry stands itself.
    pub(super) at: u64,
}

/// Whether an offset lies in the data of a member that is listed already.
fn in_a_member(source: &mut dyn Source, entries: &[Entry], at: u64) -> io::Result<bool> {
    let before = entries.iter().filter(|entry| entry.header_at < at);
    let Some(entry) = before.max_by_key(|entry| entry.header_at) else { return Ok(false) };
    let header = source.bytes_at(entry.header_at, 30)?;
    let names = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
    let data_at = entry.header_at + 30 + names;
    Ok((data_at..data_at.saturating_add(entry.packed)).contains(&at))
}

/// An end record and what it says.
struct End {
    at: u64,
    entries: u64,
    length: u64,
    offset: u64,
    /// Where the directory must end: at this record, or at the zip64 one before it.
    ends_at: u64,
}

/// Places in `tail` where an end record stands whose comment fits, the last first.
pub(super) fn end_records(tail: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::rfind_iter(tail, b"PK\x05\x06").filter(|at| {
        tail.len() >= at + 22 && at + 22 + usize::from(u16_at(tail, at + 20)) <= tail.len()
    })
}

/// Reads every directory that an end record points to.
pub(super) fn read(
    source: &mut dyn Source,
    size: u64,
    archive: &mut Archive,
    spans: &mut Spans,
) -> io::Result<Vec<Entry>> {
    let length = size.min(END + COMMENT);
    let base = size - length;
    let tail = source.bytes_at(base, usize::try_from(length).unwrap_or(usize::MAX))?;
    let places: Vec<usize> = end_records(&tail).take(END_RECORDS).collect();
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, &place) in places.iter().enumerate() {
        let at = base + place as u64;
        // The end record of an archive that is itself a member is met when that member is opened.
        if in_a_member(source, &entries, at)? {
            continue;
        }
        let end = parse_end(source, at, &tail[place..])?;
        let comment = u64::from(u16_at(&tail, place + 20));
        if index == 0 && at + END + comment < size {
            let from = at + END + comment;
            archive.trailing_at = Some(from);
            let detail = format!("{} bytes follow the end record", size - from);
            archive.anomalies.note("zip-trailing", from, detail);
        }
        let found = read_directory(source, &end, archive, spans, &mut seen)?;
        if !found.is_empty() || end.entries == 0 && index == 0 {
            archive.directories += 1;
            spans.take(at, at + END + comment, "the end record");
            if archive.directories == 2 {
                let detail = "more than one end record leads to a directory";
                archive.anomalies.note("zip-several-directories", at, detail);
            }
        }
        entries.extend(found);
    }
    Ok(entries)
}

fn parse_end(source: &mut dyn Source, at: u64, bytes: &[u8]) -> io::Result<End> {
    let mut end = End {
        at,
        entries: u64::from(u16_at(bytes, 10)),
        length: u64::from(u32_at(bytes, 12)),
        offset: u64::from(u32_at(bytes, 16)),
        ends_at: at,
    };
    let Some(locator_at) = at.checked_sub(20) else { return Ok(end) };
    let locator = source.bytes_at(locator_at, 20)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(end);
    }
    // The record is where the locator says, or right before it where something was put in front.
    let places = [u64_at(&locator, 8), locator_at.saturating_sub(56)];
    for place in places {
        let record = source.bytes_at(place.min(locator_at), 56)?;
        if record.len() == 56 && record.starts_with(b"PK\x06\x06") {
            end.entries = u64_at(&record, 32);
            end.length = u64_at(&record, 40);
            end.offset = u64_at(&record, 48);
            end.ends_at = place.min(locator_at);
            break;
        }
    }
    Ok(end)
}

/// The directory right before its end, as Python finds it, and the one at the written offset, as others
/// do, where that is another.
fn read_directory(
    source: &mut dyn Source,
    end: &End,
    archive: &mut Archive,
    spans: &mut Spans,
    seen: &mut BTreeSet<u64>,
) -> io::Result<Vec<Entry>> {
    let before = end.ends_at.checked_sub(end.length);
    let mut starts: Vec<(u64, u64)> = Vec::new();
    if let Some(start) = before {
        starts.push((start, start.saturating_sub(end.offset)));
    }
    if before != Some(end.offset) && end.offset < end.at {
        starts.push((end.offset, 0));
    }
    let mut all = Vec::new();
    let mut read = 0;
    for (start, shift) in starts {
        if end.length > DIRECTORY {
            let detail = format!("a directory of {} bytes", end.length);
            archive.anomalies.note("zip-broken", start, detail);
            continue;
        }
        let length = usize::try_from(end.length.min(end.at.saturating_sub(start))).unwrap_or(0);
        let bytes = source.bytes_at(start, length)?;
        if !bytes.starts_with(b"PK\x01\x02") || !seen.insert(start) {
            continue;
        }
        spans.take(start, start + bytes.len() as u64, "the directory");
        spans.take(end.ends_at, end.at, "the zip64 end record");
        let entries = parse_entries(&bytes, start, shift);
        if entries.len() as u64 != end.entries {
            let detail = format!("{} entries announced, {} found", end.entries, entries.len());
            archive.anomalies.note("zip-entry-count", start, detail);
        }
        read += 1;
        all.extend(entries);
    }
    if read > 1 {
        let detail = format!("directories at {} and before the end record", end.offset);
        archive.anomalies.note("zip-directory-moved", end.offset, detail);
    }
    Ok(all)
}

fn parse_entries(bytes: &[u8], base: u64, shift: u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while entries.len() <= MEMBERS
        && let Some(head) = bytes.get(at..at + 46)
        && head.starts_with(b"PK\x01\x02")
    {
        let name_end = at + 46 + usize::from(u16_at(head, 28));
        let extra_end = name_end + usize::from(u16_at(head, 30));
        let end = extra_end + usize::from(u16_at(head, 32));
        let (Some(name), Some(extra)) =
            (bytes.get(at + 46..name_end), bytes.get(name_end..extra_end))
        else {
            break;
        };
        let mut entry = Entry {
            name: name.to_vec(),
            made_by: u16_at(head, 4),
            flags: u16_at(head, 8),
            method: u16_at(head, 10),
            crc: u32_at(head, 16),
            packed: u64::from(u32_at(head, 20)),
            unpacked: u64::from(u32_at(head, 24)),
            external: u32_at(head, 38),
            header_at: u64::from(u32_at(head, 42)),
            at: base + at as u64,
        };
        widen(extra, &mut entry.unpacked, &mut entry.packed, Some(&mut entry.header_at));
        entry.header_at = entry.header_at.saturating_add(shift);
        entries.push(entry);
        at = end;
    }
    entries
}

/// Takes sizes and offset from the zip64 extra field, each where the 32-bit field is full.
pub(super) fn widen(extra: &[u8], unpacked: &mut u64, packed: &mut u64, offset: Option<&mut u64>) {
    let mut rest = extra;
    while rest.len() >= 4 {
        let length = usize::from(u16_at(rest, 2));
        let Some(field) = rest.get(4..4 + length) else { return };
        if u16_at(rest, 0) == 1 {
            let mut at = 0;
            for value in [Some(unpacked), Some(packed), offset].into_iter().flatten() {
                if *value == u64::from(u32::MAX) && at + 8 <= field.len() {
                    *value = u64_at(field, at);
                    at += 8;
                }
            }
            return;
        }
        rest = &rest[4 + length..];
    }
}
