//! Pictures, sound, fonts and documents.

use super::{FileClass, FileKind, kind, u16_le, u32_be, u32_le};

pub(super) fn signature(bytes: &[u8]) -> Option<FileKind> {
    image(bytes)
        .map(|magic| kind(FileClass::Image, magic))
        .or_else(|| audio(bytes).map(|magic| kind(FileClass::Audio, magic)))
        .or_else(|| font(bytes).map(|magic| kind(FileClass::Font, magic)))
        .or_else(|| document(bytes).map(|magic| kind(FileClass::Document, magic)))
}

fn image(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "PNG image",
        [0xff, 0xd8, 0xff, 0xc0..=0xfe, ..] => "JPEG image",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "GIF image",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "WebP image",
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => "TIFF image",
        [b'B', b'M', ..] if is_bmp(bytes) => "BMP image",
        [0, 0, 1 | 2, 0, ..] if is_icon(bytes) => "icon",
        [b'i', b'c', b'n', b's', ..] if size_fits(u32_be(bytes, 4), bytes) => "icon set",
        [b'8', b'B', b'P', b'S', 0, 1 | 2, ..] => "Photoshop image",
        [b'q', b'o', b'i', b'f', _, _, _, _, _, _, _, _, 3 | 4, 0 | 1, ..] => "QOI image",
        [b'D', b'D', b'S', b' ', 124, 0, 0, 0, ..] => "DDS image",
        [0x76, 0x2f, 0x31, 1, ..] => "OpenEXR image",
        [0xab, b'K', b'T', b'X', ..] => "KTX texture",
        [0xff, 0x0a, ..] if bytes.len() > 16 && bytes.contains(&0) => "JPEG XL image",
        [0, 0, 0, 0x0c, b'J', b'X' | b'P', b'L' | b' ', b' ', ..] => "JPEG 2000 or XL image",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..]
            if [&b"avif"[..], b"avis", b"heic", b"heix", b"mif1"]
                .iter()
                .any(|b| brand.starts_with(b)) =>
        {
            "AVIF or HEIF image"
        }
        _ => return None,
    })
}

/// The size in the header is that of the file, or the reserved bytes and header size are right.
fn is_bmp(bytes: &[u8]) -> bool {
    u32_le(bytes, 6) == Some(0)
        && matches!(u32_le(bytes, 14), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Count of images, then for each a size and an offset inside the file.
fn is_icon(bytes: &[u8]) -> bool {
    let count = usize::from(u16_le(bytes, 4).unwrap_or(0));
    (1..=64).contains(&count)
        && (0..count).all(|index| {
            let at = 6 + index * 16;
            match (u32_le(bytes, at + 8), u32_le(bytes, at + 12)) {
                (Some(size), Some(offset)) => {
                    u64::from(size) + u64::from(offset) <= bytes.len() as u64
                }
                _ => false,
            }
        })
}

fn size_fits(size: Option<u32>, bytes: &[u8]) -> bool {
    size.is_some_and(|size| u64::from(size) <= bytes.len() as u64)
}

fn audio(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [b'R', b'I', b'F', b'F' | b'X', _, _, _, _, b'W', b'A', b'V', b'E', ..] => "WAVE sound",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => "AVI film",
        [b'f', b'L', b'a', b'C', 0 | 0x80, 0, 0, 34, ..] => "FLAC sound",
        [b'O', b'g', b'g', b'S', 0, ..] => "Ogg stream",
        [b'I', b'D', b'3', 2..=4, 0, ..] => "MP3 sound",
        [0xff, 0xfb | 0xf3 | 0xf2 | 0xfa, rate, ..] if rate >> 4 != 0x0f && rate & 0x0c != 0x0c => {
            "MP3 sound"
        }
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => "AIFF sound",
        [b'M', b'T', b'h', b'd', 0, 0, 0, 6, ..] => "MIDI sound",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "Matroska film",
        [0, 0, _, _, b'f', b't', b'y', b'p', ..] => "MP4 film or sound",
        [b'D', b'K', b'I', b'F', 0, 0, 32, 0, ..] => "IVF film",
        _ => return None,
    })
}

fn font(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0, 1, 0, 0, 0, 4..=64, ..] | [b't', b'r', b'u', b'e', 0, 4..=64, ..]
            if bytes.len() > 76 =>
        {
            "TrueType font"
        }
        [b'O', b'T', b'T', b'O', 0, ..] => "OpenType font",
        [b't', b't', b'c', b'f', 0, 1 | 2, ..] => "font collection",
        [b'w', b'O', b'F', b'F', ..] if size_fits(u32_be(bytes, 8), bytes) => "WOFF font",
        [b'w', b'O', b'F', b'2', ..] if size_fits(u32_be(bytes, 8), bytes) => "WOFF2 font",
        _ => return None,
    })
}

fn document(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', ..] => "PDF document",
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => "OLE2 document",
        _ => return None,
    })
}
