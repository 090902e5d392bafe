//! A window over a source, made for one byte at a time at 30 million opcodes a second: what lies in the
//! buffer costs no call, what is skipped is sought over, and text that is wanted later is read again.

use std::io;
use std::ops::Range;

use custody_bytes::source::Source;

/// First read after a jump; doubles up to [`LARGEST_STEP`] while reading goes straight on.
const SMALLEST_STEP: usize = 4 * 1024;
const LARGEST_STEP: usize = 64 * 1024;

/// First read where a look mostly ends after a few bytes.
const PEEKED_STEP: usize = 128;

/// Why the machine cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    /// The bytes end in the middle of an opcode, or before STOP.
    #[error("the bytes end before STOP")]
    End,
    /// The unpickler would refuse this.
    #[error("{0}")]
    Malformed(String),
    /// The source could not be read.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
}

impl Halt {
    /// A refusal with its reason.
    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed(why.into())
    }
}

/// A line-wise argument: where its text lies, without the line feed.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) at: u64,
    pub(super) len: u64,
}

/// The window. Offsets are those of the source.
pub(super) struct Window<'s> {
    source: &'s mut dyn Source,
    end: u64,
    buffer: Vec<u8>,
    /// Source offset of `buffer[0]`.
    start: u64,
    at: usize,
    step: usize,
}

impl<'s> Window<'s> {
    /// A window that starts at `range.start` and sees nothing beyond `range.end`.
    pub(super) fn new(source: &'s mut dyn Source, range: Range<u64>) -> Self {
        Self {
            source,
            end: range.end,
            buffer: Vec::new(),
            start: range.start,
            at: 0,
            step: SMALLEST_STEP,
        }
    }

    /// Reads less at first, for a look that mostly ends after a few bytes.
    pub(super) fn in_small_steps(mut self) -> Self {
        self.step = PEEKED_STEP;
        self
    }

    /// Offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// Where the range ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Bytes between here and the end.
    pub(super) fn left(&self) -> u64 {
        self.end.saturating_sub(self.offset())
    }

    /// The next byte.
    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Halt> {
        if self.at == self.buffer.len() {
            self.fill(1)?;
        }
        let byte = self.buffer[self.at];
        self.at += 1;
        Ok(byte)
    }

    /// The next `N` bytes.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Halt> {
        if self.buffer.len() - self.at < N {
            self.fill(N)?;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.buffer[self.at..self.at + N]);
        self.at += N;
        Ok(bytes)
    }

    /// Up to `count` bytes that come next, without passing them; fewer at the end.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], Halt> {
        let count = usize::try_from(self.left()).map_or(count, |left| left.min(count));
        if self.buffer.len() - self.at < count {
            self.fill(count)?;
        }
        Ok(&self.buffer[self.at..self.at + count])
    }

    /// Passes `count` bytes; those outside the buffer are never read.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Halt> {
        if count > self.left() {
            return Err(Halt::End);
        }
        self.jump(self.offset() + count);
        Ok(())
    }

    /// Goes to any offset of the range.
    pub(super) fn jump(&mut self, to: u64) {
        match to.checked_sub(self.start).map(usize::try_from) {
            Some(Ok(inside)) if inside <= self.buffer.len() => self.at = inside,
            _ => {
                self.buffer.clear();
                self.start = to.min(self.end);
                self.at = 0;
                self.step = SMALLEST_STEP;
            }
        }
    }

    /// A line, as the C unpickler reads it: where the bytes end without a line feed, the last byte is
    /// taken for one.
    pub(super) fn line(&mut self) -> Result<Line, Halt> {
        let at = self.offset();
        loop {
            if self.at == self.buffer.len() {
                match self.fill(1) {
                    Err(Halt::End) => break,
                    other => other?,
                }
            }
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[self.at..]) {
                let len = self.offset() - at + found as u64;
                self.at += found + 1;
                return Ok(Line { at, len });
            }
            self.at = self.buffer.len();
        }
        match self.offset() - at {
            0 | 1 => Err(Halt::End),
            rest => Ok(Line { at, len: rest - 1 }),
        }
    }

    /// The text of a line, where all of it still lies in the buffer.
    #[inline]
    pub(super) fn buffered(&self, line: Line) -> Option<&[u8]> {
        let from = usize::try_from(line.at.checked_sub(self.start)?).ok()?;
        self.buffer.get(from..from.checked_add(usize::try_from(line.len).ok()?)?)
    }

    /// Bytes from anywhere in the range, the position kept; `None` where they cannot be read.
    pub(super) fn text(&mut self, at: u64, len: usize) -> Option<Vec<u8>> {
        let inside = at.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        if let Some(bytes) = inside.and_then(|from| self.buffer.get(from..from.checked_add(len)?)) {
            return Some(bytes.to_vec());
        }
        if at.checked_add(len as u64)? > self.end {
            return None;
        }
        let bytes = self.source.bytes_at(at, len).ok()?;
        (bytes.len() == len).then_some(bytes)
    }

    /// Makes sure that `count` bytes lie in the buffer.
    #[cold]
    fn fill(&mut self, count: usize) -> Result<(), Halt> {
        if count as u64 > self.left() {
            return Err(Halt::End);
        }
        let kept = self.buffer.len() - self.at;
        self.start += self.at as u64;
        self.buffer.copy_within(self.at.., 0);
        self.at = 0;
        let step = count.max(self.step);
        self.step = (self.step * 2).min(LARGEST_STEP);
        let size = usize::try_from(self.end - self.start).map_or(step, |left| left.min(step));
        self.buffer.resize(size.max(kept), 0);
        let got = self.source.read_at(self.start + kept as u64, &mut self.buffer[kept..])?;
        self.buffer.truncate(kept + got);
        if self.buffer.len() < count {
            // The file shrank while it was read.
            self.end = self.start + self.buffer.len() as u64;
            return Err(Halt::End);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_last_line_without_a_line_feed_loses_its_last_byte_as_in_c() {
        let mut source = Cursor::new(b"os\nsystem!".to_vec());
        let mut window = Window::new(&mut source, 0..10);
        let first = window.line().unwrap();
        let second = window.line().unwrap();
        assert_eq!((first.at, first.len, second.at, second.len), (0, 2, 3, 6));
        assert!(window.byte().is_err());
    }

    #[test]
    fn text_is_read_again_after_the_buffer_moved_on() {
        let mut bytes = b"early".to_vec();
        bytes.resize(1_000_000, b'x');
        let mut source = Cursor::new(bytes);
        let mut window = Window::new(&mut source, 0..1_000_000);
        window.byte().unwrap();
        window.skip(900_000).unwrap();
        assert_eq!(window.byte().unwrap(), b'x');
        assert_eq!(window.text(0, 5).unwrap(), b"early");
        assert_eq!(window.offset(), 900_002);
    }
}
