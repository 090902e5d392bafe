//! Strings from strangers, made safe to show. Escaping for Markdown or HTML is the reporter's.

use std::fmt::Write as _;
use std::path::Path;

/// Longest string from a stranger that is shown, in characters.
pub const SHOWN_CHARS: usize = 300;

/// Writes what could act on a terminal, turn the reading order around or not be seen as `\u{202e}`, so that
/// two names that differ in it look different; other blanks and line breaks are spaces. Shortens to
/// [`SHOWN_CHARS`].
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(SHOWN_CHARS * 4));
    let mut count = 0;
    for c in text.chars() {
        if count == SHOWN_CHARS {
            out.push('…');
            break;
        }
        if is_hidden(c) || matches!(c, '\u{2028}' | '\u{2029}') {
            let escaped = c.escape_unicode();
            count = (count + escaped.len()).min(SHOWN_CHARS);
            out.extend(escaped);
            continue;
        }
        out.push(if c.is_whitespace() { ' ' } else { c });
        count += 1;
    }
    out
}

/// A path with `/` between its parts. What of it is no UTF-8 is written as `\xNN`, so that two such names stay
/// two.
#[must_use]
pub fn path_text(path: &Path) -> String {
    let mut out = String::new();
    for part in path.components() {
        if !out.is_empty() {
            out.push('/');
        }
        for chunk in part.as_os_str().as_encoded_bytes().utf8_chunks() {
            out.push_str(chunk.valid());
            for byte in chunk.invalid() {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out
}

/// Whether a character is invisible or changes how its neighbours are read.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_bidi_marks_never_reach_the_reader() {
        assert_eq!(shown("a\x1b[31mb\u{202E}c\nd"), "a\\u{1b}[31mb\\u{202e}c d");
    }

    #[test]
    fn names_that_differ_in_what_is_not_seen_look_different() {
        let names =
            ["m.pkl", "m\r.pkl", "m\u{E0041}.pkl", "m\u{2028}.pkl", "m\u{9b}.pkl", "m\u{200b}.pkl"];
        let seen: std::collections::BTreeSet<String> = names.map(shown).into();
        assert_eq!(seen.len(), names.len(), "{seen:?}");
        let hidden = "\u{202e}".repeat(10_000);
        assert!(shown(&hidden).chars().count() <= SHOWN_CHARS + 8);
    }

    #[cfg(unix)]
    #[test]
    fn bytes_of_a_name_that_are_no_text_are_escaped_and_not_lost() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = |bytes| Path::new(std::ffi::OsStr::from_bytes(bytes));
        assert_eq!(path_text(path(b"models/caf\xe9.pkl")), "models/caf\\xe9.pkl");
        assert_eq!(path_text(path("a/é.pkl".as_bytes())), "a/é.pkl");
    }

    #[test]
    fn a_huge_name_is_cut() {
        assert_eq!(shown(&"x".repeat(10_000)).chars().count(), SHOWN_CHARS + 1);
    }
}
