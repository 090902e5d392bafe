//! What a file is, told from its bytes alone: class, and the signature that gave it away.
//!
//! A signature counts only where what follows it makes sense: two letters are no executable. Whatever
//! matches nothing is text, or opaque. Names are looked at in [`expected`] only, to be compared with
//! what the bytes say.

mod ar;
mod code;
mod data;
mod entropy;
mod expected;
mod media;
mod packed;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use entropy::{ENTROPY_FLOOR, ENTROPY_SAMPLE, bits_per_byte};
pub use expected::expected;
pub use text::is_text;

/// What sort of thing a file is, by its bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FileClass {
    /// A program: ELF, PE or Mach-O that is started, position-independent ones included.
    Executable,
    /// Machine or byte code that is linked or loaded by something else: ELF, COFF or Mach-O objects,
    /// LLVM bitcode, Metal libraries, Java classes.
    Object,
    /// An `ar` archive of objects.
    StaticLibrary,
    /// ELF, PE or Mach-O that is loaded into a program.
    DynamicLibrary,
    /// An `ar` archive whose members are import stubs only: it names functions and holds none.
    ImportLibrary,
    /// WebAssembly.
    Wasm,
    /// One compressed stream.
    Compressed,
    /// Several files in one: zip, tar, 7z and the like.
    Archive,
    /// A picture.
    Image,
    /// Sound or film.
    Audio,
    /// A font.
    Font,
    /// DER: certificates, keys, revocation lists, PKCS#12.
    Certificate,
    /// A serialised automaton of the `regex-automata` crate.
    DfaTable,
    /// A document that is not plain text, such as PDF.
    Document,
    /// Weights of a model, pickles included.
    ModelWeights,
    /// Bytes that match nothing known and are not text.
    Opaque,
    /// Text: UTF-8, UTF-16 with its mark, or Latin-1.
    Text,
    /// No bytes at all.
    Empty,
}

impl FileClass {
    /// All of them, in their order.
    pub const ALL: [Self; 18] = [
        Self::Executable,
        Self::Object,
        Self::StaticLibrary,
        Self::DynamicLibrary,
        Self::ImportLibrary,
        Self::Wasm,
        Self::Compressed,
        Self::Archive,
        Self::Image,
        Self::Audio,
        Self::Font,
        Self::Certificate,
        Self::DfaTable,
        Self::Document,
        Self::ModelWeights,
        Self::Opaque,
        Self::Text,
        Self::Empty,
    ];

    /// Whether a file of this class could carry something that nobody reads.
    #[must_use]
    pub fn could_carry(self) -> bool {
        match self {
            Self::Executable
            | Self::Object
            | Self::StaticLibrary
            | Self::DynamicLibrary
            | Self::Wasm
            | Self::Compressed
            | Self::Archive
            | Self::ModelWeights
            | Self::Opaque => true,
            Self::ImportLibrary
            | Self::Image
            | Self::Audio
            | Self::Font
            | Self::Certificate
            | Self::DfaTable
            | Self::Document
            | Self::Text
            | Self::Empty => false,
        }
    }

    /// The kebab-case word, as it stands in facts and rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Object => "object",
            Self::StaticLibrary => "static-library",
            Self::DynamicLibrary => "dynamic-library",
            Self::ImportLibrary => "import-library",
            Self::Wasm => "wasm",
            Self::Compressed => "compressed",
            Self::Archive => "archive",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Font => "font",
            Self::Certificate => "certificate",
            Self::DfaTable => "dfa-table",
            Self::Document => "document",
            Self::ModelWeights => "model-weights",
            Self::Opaque => "opaque",
            Self::Text => "text",
            Self::Empty => "empty",
        }
    }

    /// Whether people read it as it is: text, or nothing.
    #[must_use]
    pub fn is_readable(self) -> bool {
        matches!(self, Self::Text | Self::Empty)
    }
}

/// Class of a file and what gave it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// What it is.
    pub class: FileClass,
    /// The format in a few words, such as `ELF program` or `xz stream`.
    pub magic: &'static str,
}

/// A recogniser's answer.
const fn kind(class: FileClass, magic: &'static str) -> FileKind {
    FileKind { class, magic }
}

/// Tells what a file is from all of its bytes. Takes time linear in their number, at worst.
#[must_use]
pub fn classify(bytes: &[u8]) -> FileKind {
    if bytes.is_empty() {
        return kind(FileClass::Empty, "empty");
    }
    // Weak signatures, that ordinary text could carry by chance, are asked only about what is not text.
    signature(bytes)
        .or_else(|| text::encoding(bytes).map(|encoding| kind(FileClass::Text, encoding)))
        .or_else(|| weak_signature(bytes))
        .unwrap_or(kind(FileClass::Opaque, remark(bytes)))
}

/// Formats whose first bytes no text has, or that are checked further on.
fn signature(bytes: &[u8]) -> Option<FileKind> {
    // Most files of a crate are sources: one look at the first byte spares them all the rest.
    let first = bytes[0];
    if first.is_ascii_lowercase() || matches!(first, b'/' | b'#' | b'[' | b'{' | b' ' | b'\n') {
        return data::printable_signature(bytes);
    }
    code::signature(bytes)
        .or_else(|| ar::signature(bytes))
        .or_else(|| packed::signature(bytes))
        .or_else(|| media::signature(bytes))
        .or_else(|| data::signature(bytes))
}

/// Formats that have no signature, or one of two bytes.
fn weak_signature(bytes: &[u8]) -> Option<FileKind> {
    code::weak_signature(bytes)
        .or_else(|| packed::weak_signature(bytes))
        .or_else(|| data::weak_signature(bytes))
}

/// A word on opaque bytes that begin like something they are not.
fn remark(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'M', b'Z', ..] => "begins like a DOS program, has no PE header",
        [0x7f, b'E', b'L', b'F', ..] => "begins like ELF, header broken",
        _ if bytes.iter().all(|byte| *byte == bytes[0]) => "one byte repeated",
        _ => "unknown",
    }
}

/// Little-endian number at an offset, where the file is long enough.
fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// Little-endian number at an offset, where the file is long enough.
fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// Big-endian number at an offset, where the file is long enough.
fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// Little-endian number at an offset, where the file is long enough.
fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

#[cfg(test)]
mod tests;
