//! A file of known length read front to back with jumps: what the parsers of large model files stand on.
//! Every read is checked against what is left before a byte of memory is taken, skipping costs a seek and
//! not a read, and what was really read is counted, so that tests can hold the limits. Never writes.

use std::io::{Read, Seek, SeekFrom};

/// Bytes fetched first and after a jump. Small, because most of a large file is jumped over.
const FIRST_STEP: usize = 4 * 1024;
/// Most bytes fetched at once, reached by doubling while reading goes straight on.
const LAST_STEP: usize = 64 * 1024;

/// Why bytes could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The operating system refused.
    #[error("reading at byte {offset}: {source}")]
    Io {
        /// Where the read began.
        offset: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file ends before what it announces.
    #[error("{wanted} bytes announced at byte {offset}, {left} are left")]
    Truncated {
        /// Where the announced bytes would begin.
        offset: u64,
        /// How many were announced.
        wanted: u64,
        /// How many there are.
        left: u64,
    },
}

/// A buffered reader with a position, an end, and a count of what it read.
pub struct Stream<R> {
    inner: R,
    end: u64,
    position: u64,
    buffer: Vec<u8>,
    used: usize,
    fetched: u64,
    inner_position: Option<u64>,
    step: usize,
}

impl<R: Read + Seek> Stream<R> {
    /// A stream over the first `len` bytes of `inner`, starting at byte 0.
    pub fn new(inner: R, len: u64) -> Self {
        Stream {
            inner,
            end: len,
            position: 0,
            buffer: Vec::new(),
            used: 0,
            fetched: 0,
            inner_position: None,
            step: FIRST_STEP,
        }
    }

    /// Byte offset of the next read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Length of the whole, in bytes.
    pub fn len(&self) -> u64 {
        self.end
    }

    /// Whether there is nothing at all to read.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Bytes between the position and the end.
    pub fn left(&self) -> u64 {
        self.end - self.position
    }

    /// Bytes that were really read from the file so far; jumps are not counted.
    pub fn fetched(&self) -> u64 {
        self.fetched
    }

    /// Moves to an absolute offset, which must not lie behind the end.
    pub fn seek_to(&mut self, offset: u64) -> Result<(), StreamError> {
        if offset > self.end {
            return Err(StreamError::Truncated {
                offset: self.end,
                wanted: offset - self.end,
                left: 0,
            });
        }
        if offset >= self.position
            && let Ok(step) = usize::try_from(offset - self.position)
            && step <= self.buffer.len() - self.used
        {
            self.used += step;
        } else {
            self.buffer.clear();
            self.used = 0;
        }
        self.position = offset;
        Ok(())
    }

    /// Jumps over `count` bytes without reading them.
    #[inline]
    pub fn skip(&mut self, count: u64) -> Result<(), StreamError> {
        // Token lists are hundreds of thousands of jumps within the buffer, which never reaches past the end.
        if let Ok(step) = usize::try_from(count)
            && step <= self.buffer.len() - self.used
        {
            self.used += step;
            self.position += count;
            return Ok(());
        }
        self.check(count)?;
        self.seek_to(self.position + count)
    }

    /// Fills `target` or fails; nothing is read when the file cannot hold it.
    pub fn fill(&mut self, target: &mut [u8]) -> Result<(), StreamError> {
        self.check(target.len() as u64)?;
        let mut done = 0;
        while done < target.len() {
            if self.used == self.buffer.len() {
                self.refill(target.len() - done)?;
            }
            let take = (self.buffer.len() - self.used).min(target.len() - done);
            target[done..done + take].copy_from_slice(&self.buffer[self.used..self.used + take]);
            self.used += take;
            self.position += take as u64;
            done += take;
        }
        Ok(())
    }

    /// The next `count` bytes as a vector. The caller sets its own limit first; this one only makes sure
    /// that the file holds them.
    pub fn take(&mut self, count: u64) -> Result<Vec<u8>, StreamError> {
        self.check(count)?;
        let size = usize::try_from(count).map_err(|_| self.truncated(count))?;
        let mut bytes = vec![0; size];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], StreamError> {
        if let Some(bytes) = self.buffer[self.used..].first_chunk::<N>().copied() {
            self.used += N;
            self.position += N as u64;
            return Ok(bytes);
        }
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, StreamError> {
        Ok(self.array::<1>()?[0])
    }

    /// A little-endian 32-bit number.
    pub fn u32(&mut self) -> Result<u32, StreamError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A little-endian 64-bit number.
    pub fn u64(&mut self) -> Result<u64, StreamError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn check(&self, count: u64) -> Result<(), StreamError> {
        if count > self.left() { Err(self.truncated(count)) } else { Ok(()) }
    }

    fn truncated(&self, wanted: u64) -> StreamError {
        StreamError::Truncated { offset: self.position, wanted, left: self.left() }
    }

    /// Reads the next piece into the empty buffer; at least one byte, or an error.
    fn refill(&mut self, wanted: usize) -> Result<(), StreamError> {
        let offset = self.position;
        let io = |source| StreamError::Io { offset, source };
        if self.inner_position != Some(offset) {
            // A hop over the rest of a token is reading straight on; a jump over a tensor is not.
            let hop = self.inner_position.and_then(|at| offset.checked_sub(at));
            if hop.is_none_or(|hop| hop > FIRST_STEP as u64) {
                self.step = FIRST_STEP;
            }
            self.inner.seek(SeekFrom::Start(offset)).map_err(io)?;
        }
        let step = wanted.clamp(self.step, LAST_STEP);
        self.step = (self.step * 2).min(LAST_STEP);
        let size = usize::try_from(self.left()).map_or(step, |left| left.min(step));
        self.buffer.resize(size, 0);
        self.used = 0;
        let got = loop {
            match self.inner.read(&mut self.buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => break result.map_err(io)?,
            }
        };
        self.buffer.truncate(got);
        self.inner_position = Some(offset + got as u64);
        self.fetched += got as u64;
        if got == 0 {
            // The file shrank while it was read.
            self.end = offset;
            return Err(self.truncated(wanted as u64));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn stream(bytes: &[u8]) -> Stream<Cursor<&[u8]>> {
        Stream::new(Cursor::new(bytes), bytes.len() as u64)
    }

    #[test]
    fn numbers_are_little_endian_and_the_position_follows() {
        let mut stream = stream(&[1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(stream.u32().unwrap(), 1);
        assert_eq!(stream.u64().unwrap(), 2);
        assert_eq!(stream.u8().unwrap(), 9);
        assert_eq!((stream.position(), stream.left()), (13, 0));
    }

    #[test]
    fn an_absurd_length_fails_before_memory_is_taken() {
        let mut stream = stream(&[0; 16]);
        assert!(matches!(
            stream.take(u64::MAX),
            Err(StreamError::Truncated { offset: 0, wanted: u64::MAX, left: 16 })
        ));
        assert!(stream.skip(17).is_err());
        assert!(stream.seek_to(17).is_err());
        assert_eq!(stream.fetched(), 0);
    }

    #[test]
    fn a_jump_over_a_large_field_reads_nothing_of_it() {
        let bytes = vec![7; 1_000_000];
        let mut stream = stream(&bytes);
        stream.u8().unwrap();
        stream.skip(900_000).unwrap();
        stream.u8().unwrap();
        assert!(stream.fetched() <= 2 * FIRST_STEP as u64);
        stream.seek_to(5).unwrap();
        assert_eq!(stream.take(3).unwrap(), [7, 7, 7]);
    }

    /// Counts how often it is asked for bytes.
    struct Asked<'c>(Cursor<&'c [u8]>, usize);

    impl Read for &mut Asked<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.1 += 1;
            self.0.read(into)
        }
    }

    impl Seek for &mut Asked<'_> {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn short_hops_are_read_in_large_pieces_all_the_same() {
        let bytes = vec![7; 1 << 20];
        let mut asked = Asked(Cursor::new(&bytes), 0);
        let mut stream = Stream::new(&mut asked, 1 << 20);
        while stream.left() > 20 {
            stream.u8().unwrap();
            stream.skip(18).unwrap();
        }
        assert!(asked.1 <= (1 << 20) / LAST_STEP + 5, "{} reads", asked.1);
    }

    #[test]
    fn a_file_that_shrinks_is_an_error_not_a_hang() {
        let mut stream = Stream::new(Cursor::new(vec![0; 10]), 100);
        assert!(stream.take(50).is_err());
    }
}
