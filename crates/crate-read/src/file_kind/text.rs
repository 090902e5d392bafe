//! Text or not. Latin-1 sources and UTF-16 files are text: people read them.

/// Whether the bytes are text in one of the known encodings.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    encoding(bytes).is_some()
}

/// The encoding, in a few words.
pub(super) fn encoding(bytes: &[u8]) -> Option<&'static str> {
    if let [0xff, 0xfe, rest @ ..] = bytes {
        return is_utf16(rest, u16::from_le_bytes).then_some("UTF-16 text");
    }
    if let [0xfe, 0xff, rest @ ..] = bytes {
        return is_utf16(rest, u16::from_be_bytes).then_some("UTF-16 text");
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => is_printable(bytes).then_some("UTF-8 text"),
        Err(_) => is_latin1(bytes).then_some("Latin-1 text"),
    }
}

/// Control characters that no text needs: not tabulator, line feed, vertical tabulator, form feed,
/// carriage return and escape, nor the backspace with which manual pages were underlined.
fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, 0x08..=b'\r' | 0x1b)) || byte == 0x7f
}

/// How many control characters there are, counted in bytes so that many are looked at in one step.
fn controls(bytes: &[u8]) -> usize {
    let count = |few: &[u8]| few.iter().fold(0_u8, |sum, byte| sum + u8::from(is_control(*byte)));
    bytes.chunks(usize::from(u8::MAX)).map(|few| usize::from(count(few))).sum()
}

/// At most one control character in a hundred: Rust sources and expected outputs of tests hold a NUL
/// here and there, machine code and tables that happen to be UTF-8 have many.
fn is_printable(bytes: &[u8]) -> bool {
    controls(bytes) <= 1 + bytes.len() / 100
}

/// Western text in one byte a letter: no control characters, and at least seven bytes in ten ASCII.
fn is_latin1(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    controls(bytes) == 0 && high <= bytes.len() / 10 * 3
}

/// Behind the byte order mark: whole units, surrogates in pairs, hardly any control characters.
fn is_utf16(rest: &[u8], unit: fn([u8; 2]) -> u16) -> bool {
    let (pairs, odd) = rest.as_chunks::<2>();
    if !odd.is_empty() {
        return false;
    }
    let mut controls = 0_usize;
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(c) if c.is_control() && !c.is_whitespace() => controls += 1,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    controls <= pairs.len() / 100
}
