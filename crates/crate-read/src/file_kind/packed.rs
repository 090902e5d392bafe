//! Compressed streams and archives.

use flate2::{Decompress, FlushDecompress};

use super::{FileClass, FileKind, kind, u32_le, u64_le};

pub(super) fn signature(bytes: &[u8]) -> Option<FileKind> {
    compressed(bytes).map(|magic| kind(FileClass::Compressed, magic)).or_else(|| archive(bytes))
}

fn compressed(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0x1f, 0x8b, 8, ..] => "gzip stream",
        [0x1f, 0x9d, 0x80..=0x90, ..] => "compress (.Z) stream",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz stream",
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => "bzip2 stream",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd stream",
        [0x37, 0xa4, 0x30, 0xec, ..] => "zstd dictionary",
        [4, 0x22, 0x4d, 0x18, ..] => "lz4 stream",
        [b'L', b'Z', b'I', b'P', 0 | 1, 0x0c..=0xff, ..] => "lzip stream",
        [0xff, 6, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => "snappy stream",
        [0x89, b'L', b'Z', b'O', 0, ..] => "lzo stream",
        _ => return None,
    })
}

fn archive(bytes: &[u8]) -> Option<FileKind> {
    if bytes.get(257..262) == Some(b"ustar") {
        return Some(kind(FileClass::Archive, "tar archive"));
    }
    Some(match bytes {
        [b'P', b'K', 3, 4, ..] => zip(bytes),
        [b'P', b'K', 5 | 6, 6, ..] | [b'P', b'K', 7, 8, ..] => {
            kind(FileClass::Archive, "zip archive")
        }
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => kind(FileClass::Archive, "7z archive"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => kind(FileClass::Archive, "rar archive"),
        [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..] => kind(FileClass::Archive, "cabinet archive"),
        [b'x', b'a', b'r', b'!', 0, ..] => kind(FileClass::Archive, "xar archive"),
        [0xed, 0xab, 0xee, 0xdb, ..] => kind(FileClass::Archive, "rpm package"),
        [b'0', b'7', b'0', b'7', b'0', b'1' | b'2' | b'7', ..] if bytes.len() >= 110 => {
            kind(FileClass::Archive, "cpio archive")
        }
        _ => return None,
    })
}

/// Zip, or a model checkpoint in one: `torch.save` and `numpy.savez` begin with members of their own.
fn zip(bytes: &[u8]) -> FileKind {
    let length = bytes.get(26..28).map_or(0, |l| usize::from(u16::from_le_bytes([l[0], l[1]])));
    let name = bytes.get(30..30 + length).unwrap_or(&[]);
    if name.ends_with(b"/data.pkl") || name.ends_with(b".npy") {
        kind(FileClass::ModelWeights, "checkpoint in a zip")
    } else {
        kind(FileClass::Archive, "zip archive")
    }
}

/// Formats that have two bytes of signature or none; asked about what is not text.
pub(super) fn weak_signature(bytes: &[u8]) -> Option<FileKind> {
    if is_lzma_alone(bytes) {
        return Some(kind(FileClass::Compressed, "lzma stream without signature"));
    }
    is_zlib(bytes).then_some(kind(FileClass::Compressed, "zlib stream"))
}

/// The header of `.lzma` (LZMA SDK, `lzma.txt`): properties, dictionary size, uncompressed size, then
/// a range coder stream, whose first byte is always zero. Encoders write dictionary sizes of 2^n or
/// 2^n + 2^(n-1) only, and sizes below 256 GiB or unknown, as `file` and xz require as well.
fn is_lzma_alone(bytes: &[u8]) -> bool {
    let (Some(dictionary), Some(size), Some(first)) =
        (u32_le(bytes, 1), u64_le(bytes, 5), bytes.get(13))
    else {
        return false;
    };
    let plausible_dictionary = dictionary == u32::MAX
        || (dictionary >= 4096 && {
            let rest = dictionary >> dictionary.trailing_zeros();
            rest == 1 || rest == 3
        });
    let plausible_size = size == u64::MAX || size < 1 << 38;
    bytes[0] < 225 && bytes.len() >= 18 && *first == 0 && plausible_dictionary && plausible_size
}

/// Two header bytes with a check (RFC 1950), believed only where the data begins to inflate.
fn is_zlib(bytes: &[u8]) -> bool {
    let [method, flags, ..] = bytes else { return false };
    let header = u16::from_be_bytes([*method, *flags]);
    if method & 0x0f != 8 || method >> 4 > 7 || header % 31 != 0 || flags & 0x20 != 0 {
        return false;
    }
    let mut output = [0_u8; 1024];
    let mut state = Decompress::new(true);
    state.decompress(bytes, &mut output, FlushDecompress::None).is_ok() && state.total_out() > 0
}
