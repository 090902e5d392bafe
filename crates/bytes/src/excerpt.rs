//! The beginning of a string from a file, short enough to keep. Cleaning it for display is not done here.

/// At most `limit` characters of `text`; an ellipsis says that something was cut.
pub fn excerpt(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// As [`excerpt`], for bytes that ought to be UTF-8; what is not becomes the replacement character.
pub fn excerpt_of_bytes(bytes: &[u8], limit: usize) -> String {
    let most = bytes.len().min(limit.saturating_mul(4).saturating_add(4));
    excerpt(&String::from_utf8_lossy(&bytes[..most]), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_falls_between_characters() {
        assert_eq!(excerpt("äöü", 2), "äö…");
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt_of_bytes(&[b'a', 0xff, b'b'], 9), "a\u{fffd}b");
        assert_eq!(excerpt_of_bytes(&[b'x'; 1000], 3), "xxx…");
    }
}
