//! The first gzip member, inflated piece by piece into a buffer that the tar reader looks into.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{GzipTarError, Limits};

/// How every gzip member with deflate begins (RFC 1952).
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Bytes inflated in one go. Large enough that most files lie in one piece and need no copy, small
/// enough to stay in the processor's second-level cache while they are hashed.
const CHUNK: usize = 256 << 10;

/// Buffers larger than this are not kept for the next archive.
const KEPT: usize = 16 << 20;

/// Inflates a gzip member; `start..end` of the buffer is what was inflated and not yet consumed.
pub(super) struct Inflater<'a> {
    packed: &'a [u8],
    /// Packed bytes read so far, header included.
    read: usize,
    state: Decompress,
    crc: Crc,
    done: bool,
    limits: Limits,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    inflated: u64,
}

impl<'a> Inflater<'a> {
    pub(super) fn new(
        packed: &'a [u8],
        limits: Limits,
        buffer: Vec<u8>,
    ) -> Result<Self, GzipTarError> {
        let read = header_length(packed)?;
        Ok(Self {
            packed,
            read,
            state: Decompress::new(false),
            crc: Crc::new(),
            done: false,
            limits,
            buffer,
            start: 0,
            end: 0,
            inflated: 0,
        })
    }

    /// What was inflated and not yet consumed.
    pub(super) fn available(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Lets go of the first `count` available bytes, of all where there are fewer.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
    }

    /// Where the available bytes begin, counted in the inflated data.
    pub(super) fn offset(&self) -> u64 {
        self.inflated - (self.end - self.start) as u64
    }

    /// Bytes inflated so far.
    pub(super) fn inflated(&self) -> u64 {
        self.inflated
    }

    /// The packed bytes that were not read; behind the gzip member once it ended.
    pub(super) fn unread(&self) -> &'a [u8] {
        if self.done { &self.packed[self.read..] } else { &[] }
    }

    /// The buffer, for reuse.
    pub(super) fn into_buffer(mut self) -> Vec<u8> {
        if self.buffer.len() > KEPT {
            self.buffer.truncate(KEPT);
            self.buffer.shrink_to_fit();
        }
        self.buffer
    }

    /// Makes at least `want` bytes available; false where the data ends before.
    ///
    /// The buffer grows with the bytes that really come, never with what a header claims.
    pub(super) fn fill(&mut self, want: usize) -> Result<bool, GzipTarError> {
        if self.end - self.start >= want {
            return Ok(true);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < want && !self.done {
            if self.end == self.buffer.len() {
                let grown = (self.buffer.len() * 2).min(want).max(self.buffer.len() + CHUNK);
                self.buffer.resize(grown, 0);
            }
            self.inflate_once()?;
        }
        Ok(self.end >= want)
    }

    /// Fills the free part of the buffer as far as the data goes.
    fn inflate_once(&mut self) -> Result<(), GzipTarError> {
        let (in_before, out_before) = (self.state.total_in(), self.state.total_out());
        let room = self.buffer.len().min(self.end + CHUNK);
        let result = self.state.decompress(
            &self.packed[self.read..],
            &mut self.buffer[self.end..room],
            FlushDecompress::None,
        );
        let taken = usize::try_from(self.state.total_in() - in_before).unwrap_or(usize::MAX);
        let given = usize::try_from(self.state.total_out() - out_before).unwrap_or(usize::MAX);
        self.crc.update(&self.buffer[self.end..self.end + given]);
        self.read += taken;
        self.end += given;
        self.inflated += given as u64;
        match result {
            Err(_) => Err(GzipTarError::Corrupt { inflated: self.inflated }),
            Ok(Status::StreamEnd) => self.trailer(),
            Ok(_) if given == 0 => Err(GzipTarError::Truncated { inflated: self.inflated }),
            Ok(_) => self.check_limits(),
        }
    }

    /// Compares checksum and length behind the deflate data.
    fn trailer(&mut self) -> Result<(), GzipTarError> {
        let Some((trailer, _)) = self.packed[self.read..].split_first_chunk::<8>() else {
            return Err(GzipTarError::Truncated { inflated: self.inflated });
        };
        let word = |at: usize| {
            u32::from_le_bytes([trailer[at], trailer[at + 1], trailer[at + 2], trailer[at + 3]])
        };
        if word(0) != self.crc.sum() || word(4) != self.crc.amount() {
            return Err(GzipTarError::Checksum);
        }
        self.read += trailer.len();
        self.done = true;
        self.check_limits()
    }

    fn check_limits(&self) -> Result<(), GzipTarError> {
        let Limits { total_bytes, ratio, ratio_free_bytes, .. } = self.limits;
        if self.inflated > total_bytes {
            return Err(GzipTarError::Limit { what: "the inflated size", limit: total_bytes });
        }
        if self.inflated > ratio_free_bytes
            && self.inflated > ratio.saturating_mul(self.read as u64)
        {
            return Err(GzipTarError::Limit { what: "inflated bytes a packed byte", limit: ratio });
        }
        Ok(())
    }
}

/// Length of the gzip header (RFC 1952, section 2.3).
fn header_length(packed: &[u8]) -> Result<usize, GzipTarError> {
    let short = GzipTarError::Truncated { inflated: 0 };
    if !packed.starts_with(&MAGIC) {
        return Err(GzipTarError::NotGzip);
    }
    let flags = *packed.get(3).ok_or_else(|| short.clone())?;
    let mut at = 10_usize;
    if flags & 0x04 != 0 {
        let extra = packed.get(at..at + 2).ok_or_else(|| short.clone())?;
        at += 2 + usize::from(u16::from_le_bytes([extra[0], extra[1]]));
    }
    for text in [0x08, 0x10] {
        if flags & text != 0 {
            let rest = packed.get(at..).ok_or_else(|| short.clone())?;
            at += memchr::memchr(0, rest).ok_or_else(|| short.clone())? + 1;
        }
    }
    if flags & 0x02 != 0 {
        at += 2;
    }
    if at > packed.len() { Err(short) } else { Ok(at) }
}
