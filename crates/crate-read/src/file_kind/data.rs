//! Certificates, automata and model weights.

use super::{FileClass, FileKind, kind, u64_le};

/// Elements looked at inside a DER sequence.
const MAX_ELEMENTS: usize = 10_000;
/// Largest safetensors header: 100 MB, as the reference reader has it.
const MAX_SAFETENSORS_HEADER: u64 = 100_000_000;

pub(super) fn signature(bytes: &[u8]) -> Option<FileKind> {
    if is_dfa(bytes) {
        return Some(kind(FileClass::DfaTable, "regex-automata table"));
    }
    match bytes {
        [b'G', b'G', b'U', b'F', 1..=9, 0, 0, 0, ..]
        | [b'G', b'G', b'U', b'F', 0, 0, 0, 1..=9, ..] => {
            Some(kind(FileClass::ModelWeights, "GGUF model"))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1..=3, ..] => {
            Some(kind(FileClass::ModelWeights, "NumPy array"))
        }
        [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', ..] => {
            Some(kind(FileClass::ModelWeights, "HDF5 file"))
        }
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => {
            Some(kind(FileClass::ModelWeights, "TensorFlow Lite model"))
        }
        _ if is_safetensors(bytes) => Some(kind(FileClass::ModelWeights, "safetensors")),
        _ => None,
    }
}

/// Formats that begin with letters that ordinary text begins with, too.
pub(super) fn printable_signature(bytes: &[u8]) -> Option<FileKind> {
    let binary = super::code::signature(bytes)
        .or_else(|| super::packed::signature(bytes))
        .or_else(|| super::media::signature(bytes));
    match bytes {
        // The first byte of a safetensors header length can be any letter.
        _ if bytes.get(7) == Some(&0) && is_safetensors(bytes) => {
            Some(kind(FileClass::ModelWeights, "safetensors"))
        }
        [b'r', b'u', b's', b't', b'-', ..] if is_dfa(bytes) => {
            Some(kind(FileClass::DfaTable, "regex-automata table"))
        }
        [b'l' | b't', b'm' | b'j', b'g', b'g', 0..=9, 0, ..]
        | [b'f', b'm', b'g', b'g', 0..=9, 0, ..] => {
            Some(kind(FileClass::ModelWeights, "GGML model"))
        }
        _ => binary,
    }
}

/// DER and pickles: structure instead of a signature.
pub(super) fn weak_signature(bytes: &[u8]) -> Option<FileKind> {
    if is_der(bytes) {
        return Some(kind(FileClass::Certificate, "DER structure"));
    }
    match bytes {
        [0x80, 2..=5, .., b'.'] => Some(kind(FileClass::ModelWeights, "pickle")),
        _ => None,
    }
}

/// `regex-automata` labels its tables, after at most seven bytes of padding.
fn is_dfa(bytes: &[u8]) -> bool {
    let padding = bytes.iter().take(8).take_while(|byte| **byte == 0).count();
    bytes[padding..].starts_with(b"rust-regex-automata-dfa-")
}

fn is_safetensors(bytes: &[u8]) -> bool {
    let Some(length) = u64_le(bytes, 0) else { return false };
    if !(2..=MAX_SAFETENSORS_HEADER).contains(&length) || bytes.get(8) != Some(&b'{') {
        return false;
    }
    let end = usize::try_from(length + 7).unwrap_or(usize::MAX);
    matches!(bytes.get(end), Some(b'}' | b' '))
}

/// A DER sequence that ends with the file and is filled exactly by its elements, or the inside of one:
/// TLS libraries keep algorithm identifiers and public keys without their frame.
fn is_der(bytes: &[u8]) -> bool {
    match der_element(bytes) {
        Some((0x30, inside, [])) => !inside.is_empty() && is_der_run(inside),
        Some((0x30 | 0x06, inside, _)) => inside.len() > 2 && is_der_run(bytes),
        _ => false,
    }
}

/// DER elements, one behind the other, up to the last byte.
fn is_der_run(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for _ in 0..MAX_ELEMENTS {
        if rest.is_empty() {
            return true;
        }
        let Some((_, _, next)) = der_element(rest) else { return false };
        rest = next;
    }
    false
}

/// Tag, content and what follows of the first DER element.
fn der_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if first & 0x80 == 0 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.is_empty() || digits.len() > 4 || digits[0] == 0 {
            return None;
        }
        (digits.iter().fold(0, |value, digit| value << 8 | usize::from(*digit)), rest)
    };
    // High tag numbers take more bytes than one; certificates have none.
    if tag & 0x1f == 0x1f || *tag == 0 {
        return None;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
