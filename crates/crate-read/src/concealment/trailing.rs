//! Data behind the end of a well-formed stream: viewers and decoders stop before it.

use std::io::{Cursor, Read as _};

use flate2::bufread::GzDecoder;

use custody_bytes::zip_reader;

/// Largest file that is looked into.
const LARGEST: usize = 32 << 20;
/// Most bytes that are inflated to find the end of a stream.
const INFLATED: u64 = 128 << 20;
/// Most chunks, or members, of one file.
const PARTS: usize = 100_000;

/// Data that no reader of the format looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailing {
    /// The format, such as `png`.
    pub format: &'static str,
    /// Where the data begins.
    pub at: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// Looks for data behind the end of a PNG, gzip, zip or RIFF file, or before the first member of a zip.
/// Nothing but zeros is padding and does not count. `None` also where the stream is broken.
#[must_use]
pub fn trailing(bytes: &[u8]) -> Option<Trailing> {
    if bytes.len() > LARGEST {
        return None;
    }
    let (format, at, end) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("png", png_end(bytes)?, bytes.len())
    } else if bytes.starts_with(b"\x1f\x8b\x08") {
        ("gzip", gzip_end(bytes)?, bytes.len())
    } else if bytes.starts_with(b"RIFF") {
        ("riff", riff_end(bytes)?, bytes.len())
    } else if bytes.starts_with(b"PK\x03\x04") {
        ("zip", zip_end(bytes)?, bytes.len())
    } else {
        return None;
    };
    let hidden = bytes.get(at..end).filter(|rest| rest.iter().any(|b| *b != 0))?;
    // A line end at the end of the file is an editor's doing.
    if hidden.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    Some(Trailing { format, at: at as u64, length: hidden.len() as u64 })
}

/// Behind the checksum of `IEND`.
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    for _ in 0..PARTS {
        let head = bytes.get(at..at + 8)?;
        let length = u32::from_be_bytes(head[..4].try_into().ok()?) as usize;
        at = at.checked_add(length)?.checked_add(12)?;
        if &head[4..] == b"IEND" {
            return (at <= bytes.len()).then_some(at);
        }
    }
    None
}

/// Behind the trailer of the last gzip member.
fn gzip_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut inflated = 0;
    for _ in 0..PARTS {
        if !bytes.get(at..)?.starts_with(b"\x1f\x8b\x08") {
            return Some(at);
        }
        let mut decoder = GzDecoder::new(&bytes[at..]);
        let mut limited = (&mut decoder).take(INFLATED - inflated);
        inflated += std::io::copy(&mut limited, &mut std::io::sink()).ok()?;
        if inflated >= INFLATED {
            return None;
        }
        at = bytes.len() - decoder.into_inner().len();
    }
    None
}

/// Behind the size that a RIFF file (WAV, AVI, WebP) gives itself, padded to an even number.
fn riff_end(bytes: &[u8]) -> Option<usize> {
    let size = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize;
    let end = size.checked_add(8)?.checked_next_multiple_of(2)?;
    // Streams that were cut, and writers that did not know the size, give none.
    (size > 0 && size < u32::MAX as usize).then_some(end)
}

/// Behind the end record of a zip and its comment.
fn zip_end(bytes: &[u8]) -> Option<usize> {
    let archive = zip_reader::read(&mut Cursor::new(bytes), bytes.len() as u64).ok()?;
    usize::try_from(archive.trailing_at?).ok()
}
