//! Decompression with a limit on memory: one place that knows how each codec is opened. Says nothing of
//! what comes out; the caller counts it.

use std::io::{self, Read};

use lz4_flex::frame::FrameDecoder;

/// Largest dictionary or window that a decoder may hold: 64 MiB is what `xz -9` asks for.
const DICTIONARY: u32 = 64 << 20;

/// The same for the decoders that count in KiB, with their own tables.
const MEMORY_KIB: u32 = (DICTIONARY >> 10) + 1024;

/// A compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// None.
    Store,
    /// Raw deflate (zip method 8).
    Deflate,
    /// Deflate with a zlib header.
    Zlib,
    /// gzip, several members too.
    Gzip,
    /// bzip2, several streams too.
    Bzip2,
    /// xz, several streams too.
    Xz,
    /// The older `.lzma` container.
    Lzma,
    /// LZMA as zip has it (method 14).
    ZipLzma,
    /// Zstandard, several frames too.
    Zstd,
    /// lz4 frames, several too.
    Lz4,
}

impl Codec {
    /// The word for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "stored",
            Self::Deflate => "deflate",
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma | Self::ZipLzma => "lzma",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// Codec of a zip method, where it is one that we read.
    pub fn of_zip_method(method: u16) -> Option<Self> {
        Some(match method {
            0 => Self::Store,
            8 => Self::Deflate,
            12 => Self::Bzip2,
            14 => Self::ZipLzma,
            20 | 93 => Self::Zstd,
            95 => Self::Xz,
            _ => return None,
        })
    }

    /// A reader of the decompressed bytes.
    ///
    /// # Errors
    /// Where the header is refused: no such stream, or a dictionary larger than 64 MiB.
    pub fn open<'r>(self, raw: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
        let raw = io::BufReader::with_capacity(16 * 1024, raw);
        Ok(match self {
            Self::Store => Box::new(raw),
            Self::Deflate => Box::new(flate2::bufread::DeflateDecoder::new(raw)),
            Self::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(raw)),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(raw)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(raw, true, MEMORY_KIB)),
            Self::Lzma => Box::new(lzma_rust2::LzmaReader::new_mem_limit(raw, MEMORY_KIB, None)?),
            Self::ZipLzma => Box::new(zip_lzma(raw)?),
            Self::Zstd => Box::new(Frames { raw: Some(raw), frame: None }),
            Self::Lz4 => Box::new(Lz4Frames { decoder: FrameDecoder::new(Ended::new(raw)) }),
        })
    }
}

/// Two bytes of version, two of the length of the properties (5), the properties, the stream.
fn zip_lzma<R: Read>(mut raw: R) -> io::Result<lzma_rust2::LzmaReader<R>> {
    let mut header = [0; 9];
    raw.read_exact(&mut header)?;
    let [_, _, 5, 0, properties, dictionary @ ..] = header else {
        return Err(io::Error::other("LZMA properties of another length than 5"));
    };
    let dictionary = u32::from_le_bytes(dictionary);
    if dictionary > DICTIONARY {
        return Err(io::Error::other(format!("an LZMA dictionary of {dictionary} bytes")));
    }
    // The size is in the directory; the stream ends by its own mark or with its bytes.
    lzma_rust2::LzmaReader::new_with_props(raw, u64::MAX, properties, dictionary, None)
}

/// Zstandard frames one after another.
struct Frames<R: io::BufRead> {
    raw: Option<R>,
    frame: Option<ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let got = frame.read(into)?;
                if got > 0 || into.is_empty() {
                    return Ok(got);
                }
                self.raw = self.frame.take().map(ruzstd::decoding::StreamingDecoder::into_inner);
            }
            let Some(mut raw) = self.raw.take() else { return Ok(0) };
            if raw.fill_buf()?.is_empty() {
                return Ok(0);
            }
            if raw.fill_buf()?.starts_with(&[0x04, 0x22, 0x4d, 0x18]) {
                return Err(io::Error::other("an lz4 frame among those of zstd"));
            }
            raw = skip_frames(raw)?;
            if raw.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let window = u64::from(DICTIONARY);
            let opened = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(raw, window);
            self.frame = Some(opened.map_err(io::Error::other)?);
        }
    }
}

/// Passes the frames that every reader of zstd skips. A head that was cut off by the buffer is none.
fn skip_frames<R: io::BufRead>(mut raw: R) -> io::Result<R> {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] = raw.fill_buf()? {
        let mut header = [0; 8];
        raw.read_exact(&mut header)?;
        let [.., a, b, c, d] = header;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if io::copy(&mut (&mut raw).take(length), &mut io::sink())? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(raw)
}

/// lz4 frames one after another, and what may be skipped between them. A block holds at most 4 MiB.
struct Lz4Frames<R: io::BufRead> {
    decoder: FrameDecoder<Ended<R>>,
}

impl<R: io::BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.decoder.read(into) {
                Ok(0) if self.decoder.get_ref().met => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                // The end of a frame.
                Ok(0) if self.decoder.get_mut().inner.fill_buf()?.is_empty() => return Ok(0),
                Ok(0) => {}
                Err(error) => match skippable(&error) {
                    Some(length) => {
                        let skipped = self.decoder.get_mut().take(u64::from(length));
                        skip(skipped)?;
                    }
                    None => return Err(error),
                },
                got => return got,
            }
        }
    }
}

/// The length of a frame that holds data of somebody else's.
fn skippable(error: &io::Error) -> Option<u32> {
    match error.get_ref()?.downcast_ref::<lz4_flex::frame::Error>()? {
        lz4_flex::frame::Error::SkippableFrame(length) => Some(*length),
        _ => None,
    }
}

fn skip(mut raw: impl Read) -> io::Result<()> {
    io::copy(&mut raw, &mut io::sink()).map(drop)
}

/// A reader that remembers whether somebody wanted more than there is: the decoder takes an end between
/// two blocks for the end of the frame.
struct Ended<R> {
    inner: R,
    met: bool,
}

impl<R> Ended<R> {
    fn new(inner: R) -> Self {
        Self { inner, met: false }
    }
}

impl<R: Read> Read for Ended<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        self.met |= got == 0 && !into.is_empty();
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn frame(data: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Codec::Lz4.open(bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn frames_of_lz4_follow_one_another_and_skippable_ones_are_skipped() {
        let skippable = [&b"\x50\x2a\x4d\x18\x03\0\0\0"[..], b"abc"].concat();
        let all = [frame(b"one "), skippable, frame(b""), frame(b"two")].concat();
        assert_eq!(read(&all).unwrap(), b"one two");
        let long = vec![7; 1 << 20];
        assert_eq!(read(&frame(&long)).unwrap(), long);
    }

    #[test]
    fn an_lz4_frame_that_is_cut_anywhere_is_an_error() {
        let whole = frame(b"one two one two one two one two three");
        for cut in 1..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
        }
        assert!(read(&[&whole[..], b"junk"].concat()).is_err());
    }

    #[test]
    fn flipped_bits_of_an_lz4_frame_never_panic() {
        let whole = [frame(b"one two one two one two"), frame(&[9; 300])].concat();
        for at in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let _ = read(&flipped);
        }
    }
}
