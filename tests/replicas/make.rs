//! Makes the bytes of a replica's files from what its text says. Everything is harmless: programs are a
//! header and noise, payloads are noise, and scripts only `echo`.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use serde::Deserialize;

/// What a file of a replica holds.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Made {
    /// This text.
    Text(String),
    /// What one word makes.
    Word(Word),
}

/// One way to make bytes.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Word {
    /// So many bytes that look random, the same ones in every run.
    Noise(usize),
    /// So many bytes that begin like a 64-bit ELF program.
    Program(usize),
    /// So many bytes that begin like a 64-bit ELF object.
    Object(usize),
    /// So many bytes that begin like a 64-bit ELF shared library.
    Shared(usize),
    /// A static library that holds such an object.
    Library(usize),
    /// A valid picture of one pixel, of this shade of grey.
    Picture(u8),
    /// One part after the other.
    Join(Vec<Made>),
    /// The same thing so many times.
    Repeat(usize, Box<Made>),
    /// A gzip stream.
    Gzip(Box<Made>),
    /// Base64 on one line.
    Base64(Box<Made>),
    /// Hexadecimal digits on one line.
    Hex(Box<Made>),
    /// Numbers with commas between them, as in an array of bytes.
    Numbers(Box<Made>),
    /// A text in which `@NAME@` stands for something that is made.
    Template { text: String, with: BTreeMap<String, Made> },
}

impl Made {
    /// The bytes. `seed` makes the noise of two files differ.
    pub fn bytes(&self, seed: &str) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Word(word) => word.bytes(seed),
        }
    }
}

impl Word {
    fn bytes(&self, seed: &str) -> Vec<u8> {
        match self {
            Self::Noise(size) => noise(seed, *size),
            Self::Program(size) => elf(2, seed, *size),
            Self::Object(size) => elf(1, seed, *size),
            Self::Shared(size) => elf(3, seed, *size),
            Self::Library(size) => library(&elf(1, seed, *size)),
            Self::Picture(shade) => picture(*shade),
            Self::Join(parts) => parts.iter().flat_map(|part| part.bytes(seed)).collect(),
            Self::Repeat(times, part) => part.bytes(seed).repeat(*times),
            Self::Gzip(inner) => {
                let mut out =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                out.write_all(&inner.bytes(seed)).expect("memory takes it");
                out.finish().expect("memory takes it")
            }
            Self::Base64(inner) => {
                let engine = base64::engine::general_purpose::STANDARD;
                engine.encode(inner.bytes(seed)).into_bytes()
            }
            Self::Hex(inner) => {
                inner.bytes(seed).iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect()
            }
            Self::Numbers(inner) => {
                let numbers: Vec<String> =
                    inner.bytes(seed).iter().map(ToString::to_string).collect();
                numbers.join(", ").into_bytes()
            }
            Self::Template { text, with } => {
                let mut text = text.clone();
                for (name, made) in with {
                    let made = String::from_utf8(made.bytes(seed)).expect("a template takes text");
                    text = text.replace(&format!("@{name}@"), &made);
                }
                text.into_bytes()
            }
        }
    }
}

/// Bytes of xorshift, seeded by a text.
fn noise(seed: &str, size: usize) -> Vec<u8> {
    let mut state = seed.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(|_| next()).collect()
}

/// An ELF header for x86-64 with no segments and no sections, and noise behind it.
fn elf(kind: u8, seed: &str, size: usize) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend([kind, 0, 0x3e, 0, 1, 0, 0, 0]);
    bytes.resize(64, 0);
    bytes[52] = 64;
    bytes.extend(noise(seed, size.saturating_sub(64)));
    bytes
}

/// An `ar` archive of one member.
fn library(member: &[u8]) -> Vec<u8> {
    let head = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a.o/", 0, 0, 0, 644, member.len());
    let mut bytes = b"!<arch>\n".to_vec();
    bytes.extend(head.into_bytes());
    bytes.extend(member);
    bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    bytes
}

/// A PNG of one grey pixel.
fn picture(shade: u8) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&[0, shade]).expect("memory takes it");
    let pixel = zlib.finish().expect("memory takes it");
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
    for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", &pixel), (b"IEND", &[])] {
        out.extend(u32::try_from(data.len()).expect("small").to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(data);
        out.extend(kind);
        out.extend(data);
        out.extend(sum.sum().to_be_bytes());
    }
    out
}
