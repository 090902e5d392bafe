//! Decompression with a limit on memory: one place that knows how each codec is opened. Says nothing of
//! what comes out; the caller counts it.

use std::io::{self, Read};

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
            let window = u64::from(DICTIONARY);
            let opened = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(raw, window);
            self.frame = Some(opened.map_err(io::Error::other)?);
        }
    }
}
