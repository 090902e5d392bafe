//! Views of a source that are sources themselves: a range of it, and what it decompresses to.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use custody_bytes::codec::Codec;
use custody_bytes::source::Source;

/// A source that several views read in turn.
pub(super) type Shared<'a> = Rc<RefCell<dyn Source + 'a>>;

/// A range of a shared source.
#[derive(Clone)]
pub(super) struct Section<'a> {
    shared: Shared<'a>,
    start: u64,
    length: u64,
    at: u64,
}

impl<'a> Section<'a> {
    pub(super) fn new(shared: &Shared<'a>, start: u64, length: u64) -> Self {
        Self { shared: Rc::clone(shared), start, length, at: 0 }
    }

    /// A part of this one, cut at its end.
    pub(super) fn part(&self, start: u64, length: u64) -> Self {
        let start = start.min(self.length);
        let length = length.min(self.length - start);
        Self { shared: Rc::clone(&self.shared), start: self.start + start, length, at: 0 }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Up to `count` bytes from its start.
    pub(super) fn head(&self, count: usize) -> io::Result<Vec<u8>> {
        let count = usize::try_from(self.length).map_or(count, |length| length.min(count));
        self.shared.borrow_mut().bytes_at(self.start, count)
    }
}

impl Read for Section<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let count = usize::try_from(left).map_or(into.len(), |left| left.min(into.len()));
        if count == 0 {
            return Ok(0);
        }
        let at = self.start + self.at;
        let got = self.shared.borrow_mut().read_at(at, &mut into[..count])?;
        self.at += got as u64;
        Ok(got)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = target(to, self.at, self.length)?;
        Ok(self.at)
    }
}

fn target(to: SeekFrom, at: u64, length: u64) -> io::Result<u64> {
    let target = match to {
        SeekFrom::Start(target) => Some(target),
        SeekFrom::End(step) => length.checked_add_signed(step),
        SeekFrom::Current(step) => at.checked_add_signed(step),
    };
    target.ok_or_else(|| io::Error::other("a seek before the start"))
}

/// Bytes of decompressed data that are kept from its start.
pub(super) const HEAD_KEPT: usize = if cfg!(test) { 1 << 20 } else { 16 << 20 };

/// Bytes kept behind the reading position.
const RECENT: usize = 1 << 20;

/// Bytes kept from the end: a zip archive is read from there, and its list of members first.
pub(super) const TAIL_KEPT: usize = if cfg!(test) { 128 << 10 } else { 4 << 20 };

/// How often the decompression may begin again, for reads far behind. An archive inside takes three: its
/// local headers, the gaps between its members, and the members, each in the order of the bytes.
const RESTARTS: u32 = 6;

/// What is kept of decompressed data while all of it goes by once.
#[derive(Default)]
pub(super) struct Kept {
    /// From the start, at most [`HEAD_KEPT`].
    pub(super) head: Vec<u8>,
    /// To the end; at least [`TAIL_KEPT`] of it where there is as much.
    tail: Vec<u8>,
    /// Bytes that went by.
    pub(super) size: u64,
}

impl Kept {
    pub(super) fn take(&mut self, piece: &[u8]) {
        let room = HEAD_KEPT.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..room]);
        if self.tail.len() >= 2 * TAIL_KEPT {
            self.tail.drain(..self.tail.len() - TAIL_KEPT);
        }
        self.tail.extend_from_slice(piece);
        self.size += piece.len() as u64;
    }
}

/// Decompressed data of known size, more than is kept in memory: read forwards, with a short memory and a
/// kept end.
pub(super) struct Inflated<'a> {
    raw: Section<'a>,
    codec: Codec,
    kept: Kept,
    at: u64,
    decoder: Option<Box<dyn Read + 'a>>,
    /// Decompressed bytes up to `decoded`.
    recent: Vec<u8>,
    decoded: u64,
    restarts: u32,
}

impl<'a> Inflated<'a> {
    pub(super) fn new(raw: Section<'a>, codec: Codec, kept: Kept) -> Self {
        let recent = Vec::new();
        Self { raw, codec, kept, at: 0, decoder: None, recent, decoded: 0, restarts: 0 }
    }

    /// Decompresses until `recent` covers the position, or fails.
    fn reach(&mut self) -> io::Result<()> {
        let behind = self.at < self.decoded - self.recent.len() as u64;
        if self.decoder.is_none() || behind {
            self.restarts += 1;
            if self.restarts > RESTARTS {
                return Err(io::Error::other(
                    "too many reads out of order in compressed data, which is not held in memory as a whole",
                ));
            }
            self.decoder = Some(self.codec.open(self.raw.part(0, self.raw.length()))?);
            self.recent.clear();
            self.decoded = 0;
        }
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        while self.decoded <= self.at {
            if self.recent.len() >= 2 * RECENT {
                self.recent.drain(..RECENT);
            }
            let kept = self.recent.len();
            self.recent.resize(kept + 64 * 1024, 0);
            let got = decoder.read(&mut self.recent[kept..]);
            self.recent.truncate(kept + got.as_ref().copied().unwrap_or(0));
            match got? {
                0 => return Ok(()),
                got => self.decoded += got as u64,
            }
        }
        Ok(())
    }
}

impl Read for Inflated<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.kept.size || into.is_empty() {
            return Ok(0);
        }
        let tail_at = self.kept.size - self.kept.tail.len() as u64;
        let (bytes, base) = if self.at < self.kept.head.len() as u64 {
            (&self.kept.head, 0)
        } else if self.at >= tail_at {
            (&self.kept.tail, tail_at)
        } else {
            self.reach()?;
            (&self.recent, self.decoded - self.recent.len() as u64)
        };
        let from = usize::try_from(self.at - base).unwrap_or(usize::MAX);
        let available = bytes.get(from..).unwrap_or(&[]);
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Inflated<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = target(to, self.at, self.kept.size)?;
        Ok(self.at)
    }
}
