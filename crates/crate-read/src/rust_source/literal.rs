//! Large literals: what bytes they stand for. Decoded in memory, bounded, and never kept.

use sha2::{Digest as _, Sha256};

use super::facts::{LargeLiteral, LiteralForm};

/// Fewest bytes that a literal must stand for.
pub(super) const LARGE: usize = 256;
/// Most bytes of one literal that are decoded.
const DECODED: usize = 4 << 20;

/// A text that is base64 or hexadecimal, decoded; nothing for ordinary text.
pub(super) fn encoded(text: &str) -> Option<(LiteralForm, Vec<u8>)> {
    let (form, decoded) = decoded(text)?;
    says_something(&decoded).then_some((form, decoded))
}

fn decoded(text: &str) -> Option<(LiteralForm, Vec<u8>)> {
    let bytes: Vec<u8> =
        text.bytes().filter(|b| !b.is_ascii_whitespace()).take(DECODED * 2).collect();
    if bytes.len() < LARGE {
        return None;
    }
    // Long identifiers and paths use few of the 64 characters; encoded bytes use nearly all.
    let mut seen = [false; 256];
    for byte in &bytes {
        seen[usize::from(*byte)] = true;
    }
    let variety = seen.iter().filter(|s| **s).count();
    if variety >= 8
        && let Some(decoded) = hex(&bytes)
    {
        return Some((LiteralForm::Hex, decoded));
    }
    let decoded = base64(&bytes)?;
    let digits = bytes.iter().any(u8::is_ascii_digit);
    (variety >= 20 && digits).then_some((LiteralForm::Base64, decoded))
}

/// Lower-case hexadecimal.
fn hex_of(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// Decodes hexadecimal text of even length.
pub(super) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Decodes base64 text in either alphabet, padded or not.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|b| *b != b'=').map_or(0, |at| at + 1);
    let mut out = Vec::with_capacity(end * 3 / 4);
    let (mut pending, mut bits) = (0u32, 0u32);
    if text.len() - end > 2 || end % 4 == 1 {
        return None;
    }
    for byte in &text[..end] {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        pending = pending << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((pending >> bits & 0xFF) as u8);
        }
    }
    Some(out)
}

/// Whether decoded bytes say something: they begin as a known kind, look random, or are a text.
/// Words and numbers that happen to be made of base64 characters do not.
fn says_something(bytes: &[u8]) -> bool {
    let printable =
        bytes.iter().filter(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t')).count();
    !magic(bytes).is_empty() || entropy(bytes) >= 6.8 || printable * 20 >= bytes.len() * 19
}

/// Measures what a literal stands for.
pub(super) fn measure(form: LiteralForm, bytes: &[u8], file: &str, line: u32) -> LargeLiteral {
    let digest = Sha256::digest(bytes);
    LargeLiteral {
        form,
        file: file.to_owned(),
        line,
        size: bytes.len() as u64,
        entropy: entropy(bytes),
        magic: magic(bytes).to_owned(),
        sha256: hex_of(&digest),
    }
}

/// Shannon entropy, bits per byte, rounded to three digits.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let sum: f64 = counts
        .iter()
        .filter(|c| **c > 0)
        .map(|c| {
            let share = f64::from(*c) / total;
            -share * share.log2()
        })
        .sum();
    (sum * 1000.0).round() / 1000.0
}

/// What the first bytes say.
fn magic(bytes: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 16] = [
        (b"\x7FELF", "elf"),
        (b"MZ", "pe"),
        (b"\xCF\xFA\xED\xFE", "mach-o"),
        (b"\xCE\xFA\xED\xFE", "mach-o"),
        (b"\xCA\xFE\xBA\xBE", "mach-o"),
        (b"!<arch>\n", "ar"),
        (b"\0asm", "wasm"),
        (b"\x1F\x8B\x08", "gzip"),
        (b"\xFD7zXZ\0", "xz"),
        (b"\x28\xB5\x2F\xFD", "zstd"),
        (b"BZh", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"7z\xBC\xAF\x27\x1C", "7z"),
        (b"#!", "script"),
        (b"\x89PNG", "png"),
        (b"\xFF\xD8\xFF", "jpeg"),
    ];
    KNOWN.iter().find(|(start, _)| bytes.starts_with(start)).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_in_both_alphabets_and_nothing_else_is() {
        assert_eq!(base64(b"Y3VybA==").as_deref(), Some(b"curl".as_slice()));
        assert_eq!(base64(b"Y3VybA").as_deref(), Some(b"curl".as_slice()));
        assert_eq!(base64(b"not base64!"), None);
        assert_eq!(hex(b"6375726c").as_deref(), Some(b"curl".as_slice()));
        assert_eq!(hex(b"637"), None);
    }

    #[test]
    fn a_long_word_is_no_base64() {
        assert!(encoded(&"a".repeat(600)).is_none());
        assert!(encoded(&"the quick brown fox ".repeat(40)).is_none());
    }

    #[test]
    fn an_executable_in_a_literal_is_named() {
        let mut bytes = b"\x7FELF".to_vec();
        bytes.extend((0..=255u8).cycle().take(400));
        let text: String = hex_of(&bytes);
        let (form, decoded) = encoded(&text).expect("hexadecimal");
        let literal = measure(form, &decoded, "build.rs", 1);
        assert_eq!((literal.form, literal.magic.as_str()), (LiteralForm::Hex, "elf"));
        assert!(literal.entropy > 7.0 && literal.size == 404);
    }
}
