//! Local headers: compared with the directory, followed where there is none, and looked for where the
//! directory is silent.

use std::io;

use super::super::source::Source;
use super::directory::{Entry, widen};
use super::{Archive, Listing, MEMBERS, Member, Spans, u16_at, u32_at};

/// Bytes of the fixed part.
const HEADER: usize = 30;

/// Bytes read at a header at once: its fixed part, a name, and torch's padding.
const READ: usize = 192;

/// Bytes of all gaps together that are searched for headers, and of one of them.
const GAPS: u64 = 4 << 20;
const GAP: u64 = 1 << 20;

/// A data descriptor has 12 to 24 bytes.
const DESCRIPTOR: u64 = 24;

struct Local {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    data_at: u64,
}

fn read_local(source: &mut dyn Source, at: u64) -> io::Result<Option<Local>> {
    let mut bytes = source.bytes_at(at, READ)?;
    if bytes.len() < HEADER || !bytes.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let name_end = HEADER + usize::from(u16_at(&bytes, 26));
    let end = name_end + usize::from(u16_at(&bytes, 28));
    if end > bytes.len() {
        bytes = source.bytes_at(at, end)?;
    }
    let (Some(name), Some(extra)) = (bytes.get(HEADER..name_end), bytes.get(name_end..end)) else {
        return Ok(None);
    };
    let mut local = Local {
        name: name.to_vec(),
        flags: u16_at(&bytes, 6),
        method: u16_at(&bytes, 8),
        crc: u32_at(&bytes, 14),
        packed: u64::from(u32_at(&bytes, 18)),
        unpacked: u64::from(u32_at(&bytes, 22)),
        data_at: at + end as u64,
    };
    widen(extra, &mut local.unpacked, &mut local.packed, None);
    Ok(Some(local))
}

/// Reads the local header of every entry, notes what differs, and lists the members.
pub(super) fn compare(
    source: &mut dyn Source,
    size: u64,
    entries: &[Entry],
    archive: &mut Archive,
    spans: &mut Spans,
) -> io::Result<()> {
    let mut known = std::collections::BTreeMap::new();
    for entry in entries {
        let shown = String::from_utf8_lossy(&entry.name).into_owned();
        if let Some(other) = known.insert(entry.header_at, shown.clone()) {
            spans.shared += u64::from(other != shown);
        }
        let Some(local) = read_local(source, entry.header_at)? else {
            archive.anomalies.note("zip-local-missing", entry.header_at, shown);
            continue;
        };
        let member = Member {
            name: shown,
            listing: Listing::Directory,
            method: entry.method,
            flags: entry.flags | local.flags,
            crc: entry.crc,
            packed: entry.packed.min(size.saturating_sub(local.data_at)),
            unpacked: entry.unpacked,
            header_at: entry.header_at,
            data_at: local.data_at,
        };
        if local.data_at.saturating_add(entry.packed) > size {
            let detail = format!("{} reaches over the end of the archive", member.name);
            archive.anomalies.note("zip-broken", entry.header_at, detail);
        }
        spans.take(entry.header_at, member.data_at + member.packed, &member.name);
        differences(entry, &local, &member, size, archive);
        archive.members.push(member);
    }
    Ok(())
}

/// Notes where the two headers disagree; where that changes what is read, lists the local reading too.
fn differences(entry: &Entry, local: &Local, member: &Member, size: u64, archive: &mut Archive) {
    let at = entry.header_at;
    if local.name != entry.name {
        let detail = format!(
            "{} in the directory, {} in the local header",
            member.name,
            String::from_utf8_lossy(&local.name)
        );
        archive.anomalies.note("zip-name-mismatch", at, detail);
    }
    // With a data descriptor the local sizes may be zero.
    let deferred = local.flags & 8 != 0 && local.packed == 0 && local.unpacked == 0;
    let sizes = !deferred && (local.packed, local.unpacked) != (entry.packed, entry.unpacked);
    let crc = local.crc != entry.crc && !(local.flags & 8 != 0 && local.crc == 0);
    let flags = (local.flags ^ entry.flags) & (0x1 | 0x40 | 0x2000) != 0;
    if sizes || crc || flags || local.method != entry.method {
        let detail = format!(
            "{}: method {}, flags {:#x}, {} bytes in the directory; method {}, flags {:#x}, {} bytes \
             in the local header",
            member.name,
            entry.method,
            entry.flags,
            entry.packed,
            local.method,
            local.flags,
            local.packed
        );
        archive.anomalies.note("zip-header-mismatch", at, detail);
    }
    if sizes || local.method != entry.method {
        let packed = if deferred { entry.packed } else { local.packed };
        archive.members.push(Member {
            listing: Listing::Local,
            method: local.method,
            packed: packed.min(size.saturating_sub(local.data_at)),
            unpacked: if deferred { entry.unpacked } else { local.unpacked },
            crc: local.crc,
            ..member.clone()
        });
    }
}

/// Follows local headers from the start, for an archive without a directory.
pub(super) fn follow(
    source: &mut dyn Source,
    size: u64,
    archive: &mut Archive,
    spans: &mut Spans,
) -> io::Result<()> {
    let mut at = 0;
    while archive.members.len() < MEMBERS {
        let Some(local) = read_local(source, at)? else { return Ok(()) };
        let deferred = local.flags & 8 != 0 && local.packed == 0;
        let next = list_local(&local, at, size, deferred, archive, spans);
        if deferred {
            return Ok(());
        }
        at = next;
    }
    Ok(())
}

fn list_local(
    local: &Local,
    at: u64,
    size: u64,
    deferred: bool,
    archive: &mut Archive,
    spans: &mut Spans,
) -> u64 {
    let left = size.saturating_sub(local.data_at);
    let packed = if deferred { left } else { local.packed.min(left) };
    let member = Member {
        name: String::from_utf8_lossy(&local.name).into_owned(),
        listing: Listing::Local,
        method: local.method,
        flags: local.flags,
        crc: local.crc,
        packed,
        unpacked: local.unpacked,
        header_at: at,
        data_at: local.data_at,
    };
    let end = local.data_at + packed;
    if !deferred {
        spans.take(at, end, &member.name);
    }
    archive.members.push(member);
    end
}

/// Looks for local headers in bytes that no entry speaks for, and says what else lies there.
pub(super) fn look_into_gaps(
    source: &mut dyn Source,
    size: u64,
    archive: &mut Archive,
    spans: &mut Spans,
) -> io::Result<()> {
    let mut left = GAPS;
    for (start, end) in spans.gaps(size) {
        let length = end - start;
        if length == 0 || left == 0 {
            continue;
        }
        let looked = length.min(GAP).min(left);
        left -= looked;
        let bytes = source.bytes_at(start, usize::try_from(looked).unwrap_or(0))?;
        let found = hidden(source, start, size, &bytes, archive, spans)?;
        if start == 0 && archive.directories > 0 {
            archive.prefix = found.map_or(length, |first| first - start);
            if archive.prefix > 0 {
                let detail = format!("{} bytes before the first member", archive.prefix);
                archive.anomalies.note("zip-prefix", 0, detail);
            }
        } else if length > DESCRIPTOR
            && found.is_none()
            && archive.trailing_at != Some(start)
            && bytes.iter().any(|byte| *byte != 0)
        {
            let detail = format!("{length} bytes that no entry speaks for");
            archive.anomalies.note("zip-gap", start, detail);
        }
    }
    Ok(())
}

fn hidden(
    source: &mut dyn Source,
    base: u64,
    size: u64,
    bytes: &[u8],
    archive: &mut Archive,
    spans: &mut Spans,
) -> io::Result<Option<u64>> {
    let mut first = None;
    for place in memchr::memmem::find_iter(bytes, b"PK\x03\x04").take(1024) {
        let at = base + place as u64;
        let Some(local) = read_local(source, at)? else { continue };
        let deferred = local.flags & 8 != 0 && local.packed == 0;
        let name = String::from_utf8_lossy(&local.name).into_owned();
        if archive.directories > 0 {
            archive.anomalies.note("zip-hidden-member", at, name);
        }
        list_local(&local, at, size, deferred, archive, spans);
        first = first.or(Some(at));
    }
    Ok(first)
}
