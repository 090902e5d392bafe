//! Where bytes come from: a file on disk, or memory. Parsers take this instead of a slice, so that a field
//! of 512 MB costs a seek and not a read.

use std::io::{self, Read, Seek, SeekFrom};

/// Anything that can be read at any place; every `Read + Seek` is one.
pub trait Source: Read + Seek {
    /// Length in bytes, by asking for the end.
    fn size(&mut self) -> io::Result<u64> {
        self.seek(SeekFrom::End(0))
    }

    /// Reads at an absolute offset until `into` is full or the source ends; says how many bytes came.
    fn read_at(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        let mut done = 0;
        while done < into.len() {
            match self.read(&mut into[done..]) {
                Ok(0) => break,
                Ok(got) => done += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Up to `count` bytes from an absolute offset. The caller bounds `count`.
    fn bytes_at(&mut self, at: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let got = self.read_at(at, &mut bytes)?;
        bytes.truncate(got);
        Ok(bytes)
    }
}

impl<T: Read + Seek> Source for T {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_read_past_the_end_is_short_and_not_an_error() {
        let mut source = Cursor::new(b"abcdef".to_vec());
        assert_eq!(source.size().unwrap(), 6);
        assert_eq!(source.bytes_at(4, 100).unwrap(), b"ef");
        assert!(source.bytes_at(900, 3).unwrap().is_empty());
    }
}
