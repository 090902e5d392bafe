//! A tar read from a stream, member by member, with nothing taken into memory.
//!
//! Own code because what is needed is the path and the size of plain members, while a general tar
//! reader takes long-name and extended headers of any announced size into memory: a few kilobytes of
//! gzip could ask for gigabytes. Here they are skipped; the dump has no path that needs them.

use std::io::{self, Read};

use super::DumpError;

/// Size of a header, and the unit to which content is padded.
const BLOCK: u64 = 512;
/// A header's bytes.
type Header = [u8; 512];

/// A member.
#[derive(Debug)]
pub(super) struct Member {
    /// Path in the archive, `/` between parts.
    pub(super) path: String,
}

/// A tar on its way past. Reading yields the current member's content.
pub(super) struct TarStream<R> {
    inner: R,
    limit: u64,
    offset: u64,
    left: u64,
    padding: u64,
}

impl<R: Read> TarStream<R> {
    /// A stream that refuses to go beyond `limit` bytes.
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit, offset: 0, left: 0, padding: 0 }
    }

    /// Passes what is left of the current member and goes to the next regular file; `None` at the
    /// archive's end mark. Bytes that end without an end mark are an error.
    pub(super) fn next_member(&mut self) -> Result<Option<Member>, DumpError> {
        loop {
            self.skip(self.left.saturating_add(self.padding))?;
            let start = self.offset;
            let mut header: Header = [0; 512];
            self.fill(&mut header)?;
            if header.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            let wrong = |what| DumpError::Tar { offset: start, what };
            if octal(&header[148..156]) != Some(checksum(&header)) {
                return Err(wrong("a header's checksum does not match"));
            }
            let size = octal(&header[124..136]).ok_or(wrong("a size is not octal"))?;
            self.left = size;
            self.padding = (BLOCK - size % BLOCK) % BLOCK;
            if matches!(header[156], b'0' | 0) {
                return Ok(Some(Member { path: path(&header) }));
            }
        }
    }

    /// Reads to the last byte of the stream, so that its checksum is verified.
    pub(super) fn finish(&mut self) -> Result<(), DumpError> {
        let mut scratch = [0_u8; 16 * 1024];
        loop {
            let read = self.inner.read(&mut scratch)?;
            if read == 0 {
                return Ok(());
            }
            self.passed(read)?;
        }
    }

    fn skip(&mut self, mut count: u64) -> Result<(), DumpError> {
        (self.left, self.padding) = (0, 0);
        let mut scratch = [0_u8; 16 * 1024];
        while count > 0 {
            let part = usize::try_from(count).unwrap_or(usize::MAX).min(scratch.len());
            self.fill(&mut scratch[..part])?;
            count -= part as u64;
        }
        Ok(())
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), DumpError> {
        self.inner.read_exact(into)?;
        self.passed(into.len())
    }

    fn passed(&mut self, count: usize) -> Result<(), DumpError> {
        self.offset = self.offset.saturating_add(count as u64);
        if self.offset > self.limit {
            return Err(DumpError::TooLarge { limit: self.limit });
        }
        Ok(())
    }
}

impl<R: Read> Read for TarStream<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut into[..most])?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{} bytes of a table are missing", self.left),
            ));
        }
        self.left -= read as u64;
        self.passed(read).map_err(io::Error::other)?;
        Ok(read)
    }
}

/// Sum of the header's bytes, its checksum field counted as spaces.
fn checksum(header: &Header) -> u64 {
    header
        .iter()
        .enumerate()
        .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u64::from(byte) })
        .sum()
}

/// An octal number ended by a space or NUL, or the base-256 form that GNU tar uses from 8 GiB on.
fn octal(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let (first, rest) = field.split_first()?;
        let high = u64::from(first & 0x7f);
        return rest
            .iter()
            .try_fold(high, |sum, &byte| sum.checked_mul(256)?.checked_add(u64::from(byte)));
    }
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(|c| c == ' ' || c == '\0');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// Prefix and name of a ustar header.
fn path(header: &Header) -> String {
    let text = |field: &[u8]| {
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let name = text(&header[..100]);
    // GNU tar (magic "ustar ") keeps times where ustar has the prefix.
    let prefix =
        if &header[257..263] == b"ustar\0" { text(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}
