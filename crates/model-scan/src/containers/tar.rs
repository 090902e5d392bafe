//! Tar as Python's `tarfile` reads it: checksummed 512-byte headers, long names of GNU and pax.

use std::io;

use custody_bytes::source::Source;

/// One block.
const BLOCK: u64 = 512;

/// Longest name or pax record that is kept.
const NAME: u64 = 64 * 1024;

/// Empty blocks in a row that end the reading; `tarfile` can be told to go on after two.
const EMPTY_BLOCKS: u32 = 64;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: u8,
    pub(super) link: String,
    pub(super) data_at: u64,
    pub(super) size: u64,
    pub(super) header_at: u64,
}

/// Whether a file begins with a tar header whose checksum holds.
pub fn is_tar(head: &[u8]) -> bool {
    head.get(..512).is_some_and(|block| block[0] != 0 && checksum_holds(block))
}

fn checksum_holds(block: &[u8]) -> bool {
    let Some(written) = octal(&block[148..156]) else { return false };
    let sum = |byte: &u8| u64::from(*byte);
    let signed = |byte: &u8| i64::from(byte.cast_signed());
    let field: u64 = block[148..156].iter().map(sum).sum();
    let unsigned = block.iter().map(sum).sum::<u64>() - field + 8 * 32;
    let field: i64 = block[148..156].iter().map(signed).sum();
    let signed = block.iter().map(signed).sum::<i64>() - field + 8 * 32;
    written == unsigned || i64::try_from(written) == Ok(signed)
}

fn octal(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        let wide = rest.iter().rev().take(8).rev();
        return Some(wide.fold(0, |value, byte| value << 8 | u64::from(*byte)));
    }
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let digits = digits.split('\0').next().unwrap_or(digits);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

fn text(field: &[u8]) -> String {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// Lists the members, at most `most`; the second value says why the reading ended early.
pub(super) fn list(
    source: &mut dyn Source,
    size: u64,
    most: usize,
) -> io::Result<(Vec<Entry>, Option<String>)> {
    let mut lister = Lister { entries: Vec::new(), overrides: Overrides::default() };
    let mut at = 0;
    let mut empty = 0;
    while at + BLOCK <= size && empty < EMPTY_BLOCKS {
        let block = source.bytes_at(at, 512)?;
        if block.len() < 512 {
            break;
        }
        if block.iter().all(|byte| *byte == 0) {
            empty += 1;
            at += BLOCK;
            continue;
        }
        empty = 0;
        if lister.entries.len() >= most {
            return Ok((lister.entries, Some(format!("more than {most} members"))));
        }
        match lister.header(source, &block, at, size)? {
            Ok(next) => at = next,
            Err(why) => return Ok((lister.entries, Some(why))),
        }
    }
    Ok((lister.entries, None))
}

struct Lister {
    entries: Vec<Entry>,
    overrides: Overrides,
}

/// What a long-name or pax header says of the next member.
#[derive(Default)]
struct Overrides {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

impl Lister {
    /// Takes one header; where the next one stands, or why there is none.
    fn header(
        &mut self,
        source: &mut dyn Source,
        block: &[u8],
        at: u64,
        size: u64,
    ) -> io::Result<Result<u64, String>> {
        let (true, Some(declared)) = (checksum_holds(block), octal(&block[124..136])) else {
            return Ok(Err(format!("no tar header at byte {at}")));
        };
        let data_at = at + BLOCK;
        let kind = block[156];
        let about_next = matches!(kind, b'L' | b'K' | b'x' | b'g');
        let wanted = match self.overrides.size {
            Some(size) if !about_next => size,
            _ => declared,
        };
        let length = wanted.min(size - data_at);
        if about_next {
            self.overrides.take(kind, &read(source, data_at, length)?);
        } else {
            self.member(block, at, length);
        }
        if length < wanted {
            return Ok(Err(format!("{wanted} bytes announced at byte {at}, {length} are left")));
        }
        let step = length.checked_next_multiple_of(BLOCK);
        let next = step.and_then(|step| data_at.checked_add(step));
        Ok(next.ok_or_else(|| format!("{wanted} bytes announced at byte {at}")))
    }

    fn member(&mut self, block: &[u8], at: u64, size: u64) {
        let ustar = block[257..].starts_with(b"ustar\0");
        let prefix = if ustar { text(&block[345..500]) } else { String::new() };
        let short = text(&block[..100]);
        let joined = if prefix.is_empty() { short } else { format!("{prefix}/{short}") };
        let overrides = std::mem::take(&mut self.overrides);
        self.entries.push(Entry {
            name: overrides.name.unwrap_or(joined),
            kind: block[156],
            link: overrides.link.unwrap_or_else(|| text(&block[157..257])),
            data_at: at + BLOCK,
            size,
            header_at: at,
        });
    }
}

impl Overrides {
    fn take(&mut self, kind: u8, bytes: &[u8]) {
        match kind {
            b'L' => self.name = Some(text(bytes)),
            b'K' => self.link = Some(text(bytes)),
            _ => self.pax(bytes),
        }
    }

    /// Records of the form `LENGTH KEY=VALUE\n`.
    fn pax(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(space) = memchr::memchr(b' ', rest) {
            let digits = std::str::from_utf8(&rest[..space]).ok();
            let length = digits.and_then(|digits| digits.parse::<usize>().ok());
            let Some((length, record)) =
                length.and_then(|length| Some((length, rest.get(space + 1..length)?)))
            else {
                break;
            };
            let record = String::from_utf8_lossy(record);
            match record.trim_end_matches('\n').split_once('=') {
                Some(("path", value)) => self.name = Some(value.to_owned()),
                Some(("linkpath", value)) => self.link = Some(value.to_owned()),
                Some(("size", value)) => self.size = value.parse().ok(),
                _ => {}
            }
            rest = &rest[length..];
        }
    }
}

fn read(source: &mut dyn Source, at: u64, length: u64) -> io::Result<Vec<u8>> {
    source.bytes_at(at, usize::try_from(length.min(NAME)).unwrap_or(0))
}
