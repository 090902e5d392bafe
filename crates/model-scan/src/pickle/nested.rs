//! Pickles inside the strings of a pickle: plain, base64, hexadecimal, zlib or gzip, several over one
//! another. A string is only looked at in depth where its first bytes may begin one.

use std::io::Read;

use base64::Engine as _;

use super::opcode;

/// Bytes of a string that decide whether it is looked at.
pub(super) const PREFIX: usize = 128;

/// Shortest pickle worth finding: `c`, two names, `.`.
const SHORTEST: u64 = 8;

/// Shortest string whose base64 or hexadecimal form is undone.
const SHORTEST_ENCODED: usize = 16;

/// Longest encoded string that is decoded in memory, and longest result.
pub(super) const DECODED: usize = 16 << 20;

/// Encodings over one another that are undone.
const LAYERS: u8 = 3;

/// Whether a string is long enough to hold a pickle.
pub(super) fn long_enough(len: u64) -> bool {
    len >= SHORTEST
}

/// Whether bytes begin like a pickle that does something: PROTO and an opcode, or a GLOBAL, at once or
/// after a mark.
pub fn begins_pickle(bytes: &[u8]) -> bool {
    match bytes {
        [0x80, 0..=5, next, ..] => opcode::is_opcode(*next),
        [b'c', rest @ ..] | [b'(', b'c', rest @ ..] => is_global(rest),
        [b'(', b'S' | b'V' | b'U' | b'X' | b'I' | b'K' | b'i' | b'N' | b'l' | b'd', ..] => {
            memchr::memchr(b'\n', &bytes[..bytes.len().min(PREFIX)]).is_some()
                || bytes.contains(&opcode::STACK_GLOBAL)
        }
        [b'S', b'\'' | b'"', ..] => memchr::memchr(b'\n', bytes).is_some(),
        [b'(' | b'X' | b'U' | 0x8c | b'V', ..] => {
            bytes.contains(&opcode::STACK_GLOBAL) || bytes.contains(&opcode::MEMOIZE)
        }
        _ => false,
    }
}

/// Two lines that can be a module and a name.
fn is_global(bytes: &[u8]) -> bool {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let module = lines.next().is_some_and(is_dotted);
    let name = lines.next().is_some_and(is_dotted);
    module && name && lines.next().is_some()
}

fn is_dotted(line: &[u8]) -> bool {
    let first = line.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_' || *b >= 0x80);
    first
        && line
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(*b, b'_' | b'.' | b' ') || *b >= 0x80)
}

/// Whether text can be a module or a name: parts of letters, digits and underscores with dots between.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 256
        && text.split('.').all(|part| {
            let mut chars = part.chars();
            chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && chars.all(|c| c.is_alphanumeric() || c == '_')
        })
}

/// Whether the first bytes of a string may begin a pickle, encoded or not. Cheap for ordinary text.
pub(super) fn may_hold(prefix: &[u8]) -> bool {
    plausible(prefix, LAYERS) && holds(prefix, LAYERS)
}

/// The same by the first eight bytes, without taking memory.
fn plausible(prefix: &[u8], layers: u8) -> bool {
    match prefix {
        [0x80, 0..=5, ..]
        | [b'c' | b'(' | b'X' | b'U' | b'V' | 0x8c, ..]
        | [b'S', b'\'' | b'"', ..]
        | [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]
        | [0x1f, 0x8b, ..] => true,
        _ if layers == 0 || prefix.len() < SHORTEST_ENCODED => false,
        _ => {
            let bits = |index: usize| sextet(prefix[index]);
            let hexed = |index: usize| char::from(prefix[index]).to_digit(16);
            let base64: Option<u32> = (0..4).try_fold(0, |sum, at| Some(sum << 6 | bits(at)?));
            let hex: Option<u32> = (0..6).try_fold(0, |sum, at| Some(sum << 4 | hexed(at)?));
            [base64, hex].into_iter().flatten().any(|three| {
                let bytes = three.to_be_bytes();
                plausible_head(&bytes[1..], layers - 1)
            })
        }
    }
}

/// Whether three decoded bytes may go on as a pickle, a stream or another encoding.
fn plausible_head(bytes: &[u8], layers: u8) -> bool {
    match bytes {
        [first @ (b'c' | b'(' | b'S' | b'X' | b'U' | b'V'), next, ..] => {
            *first != b'S' || matches!(next, b'\'' | b'"')
        }
        [0x80, 0..=5, ..]
        | [0x8c, ..]
        | [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]
        | [0x1f, 0x8b, ..] => true,
        _ => layers > 0 && bytes.iter().all(|byte| sextet(*byte).is_some()),
    }
}

/// Value of a base64 letter.
fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

fn holds(prefix: &[u8], layers: u8) -> bool {
    if begins_pickle(prefix) {
        return true;
    }
    if layers == 0 {
        return false;
    }
    match peel(prefix, PREFIX) {
        Some((_, inner)) => holds(&inner, layers - 1),
        None => false,
    }
}

/// Undoes every encoding; the names of what was undone, outermost first, and the bytes. `None` where no
/// pickle comes out.
pub(super) fn decode(bytes: Vec<u8>) -> Option<(Vec<&'static str>, Vec<u8>)> {
    let mut names = Vec::new();
    let mut bytes = bytes;
    loop {
        if begins_pickle(&bytes) {
            return Some((names, bytes));
        }
        if names.len() >= usize::from(LAYERS) {
            return None;
        }
        let (name, inner) = peel(&bytes, DECODED)?;
        names.push(name);
        bytes = inner;
    }
}

/// Undoes one encoding, at most `most` bytes of result; what is decoded before a defect is kept.
fn peel(bytes: &[u8], most: usize) -> Option<(&'static str, Vec<u8>)> {
    match bytes {
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => {
            Some(("zlib", inflate(flate2::read::ZlibDecoder::new(bytes), most)))
        }
        [0x1f, 0x8b, ..] => Some(("gzip", inflate(flate2::read::GzDecoder::new(bytes), most))),
        _ => {
            // Hexadecimal digits are base64 letters too, so they go first.
            hex(bytes, most).map(|inner| ("hex", inner)).or_else(|| base_64(bytes, most))
        }
    }
}

fn inflate(decoder: impl Read, most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    // An error ends the output early; what came before it is looked at.
    let _ = decoder.take(most as u64).read_to_end(&mut out);
    out
}

fn hex(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let digits = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if digits.len() < 12 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits
        .chunks_exact(2)
        .take(most)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

fn base_64(bytes: &[u8], most: usize) -> Option<(&'static str, Vec<u8>)> {
    let mut letters = Vec::with_capacity(bytes.len().min(most));
    for &byte in bytes {
        match byte {
            b'-' => letters.push(b'+'),
            b'_' => letters.push(b'/'),
            b'\n' | b'\r' | b' ' | b'=' => {}
            byte if byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/' => {
                letters.push(byte);
            }
            _ => return None,
        }
    }
    if letters.len() < 10 {
        return None;
    }
    letters.truncate(letters.len() / 4 * 4 + [0, 0, 2, 3][letters.len() % 4]);
    let config = base64::engine::GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let mut inner = engine.decode(&letters).ok()?;
    inner.truncate(most);
    Some(("base64", inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_words_are_not_looked_at() {
        for word in ["classification", "(see the manual)", "hidden_size", "gpt2-medium-model", "80"]
        {
            assert!(!may_hold(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn a_pickle_behind_three_encodings_comes_out() {
        let inner = b"cposix\nsystem\n(S'echo'\ntR.";
        let hexed = inner.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let coded = base64::engine::general_purpose::STANDARD.encode(hexed);
        assert!(may_hold(coded.as_bytes()));
        let (names, bytes) = decode(coded.into_bytes()).unwrap();
        assert_eq!((names, bytes.as_slice()), (vec!["base64", "hex"], inner.as_slice()));
    }
}
