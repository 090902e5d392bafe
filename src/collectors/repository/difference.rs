//! What differs between a file of an archive and the same of a commit, in a few lines for a person.

use std::fmt::Write as _;

use crate_read::file_kind::is_text;
use similar::{ChangeTag, TextDiff};

use crate::domain::text::shown;

/// Most lines that are told of one file.
const LINES: usize = 24;
/// Longest line, in characters.
const WIDTH: usize = 160;
/// Most bytes of a file that are compared line by line.
const TEXT: usize = 64 * 1024;
/// Bytes in a row of hexadecimal, and rows.
const ROW: usize = 16;
const ROWS: usize = 4;

/// The lines that differ, or the first bytes that do. `other` is what the commit has; none where it has no
/// such file, or the clone not its contents.
pub(super) fn difference(archive: &[u8], other: Option<&[u8]>) -> Vec<String> {
    let texts = is_text(archive) && other.is_none_or(is_text);
    let small = archive.len() <= TEXT && other.is_none_or(|bytes| bytes.len() <= TEXT);
    match other {
        Some(bytes) if texts && small => of_texts(bytes, archive),
        Some(bytes) => of_bytes(bytes, archive),
        None if texts => of_texts(b"", &archive[..archive.len().min(TEXT)]),
        None => of_bytes(b"", archive),
    }
}

fn of_texts(commit: &[u8], archive: &[u8]) -> Vec<String> {
    let (old, new) = (String::from_utf8_lossy(commit), String::from_utf8_lossy(archive));
    let diff = TextDiff::from_lines(&*old, &*new);
    let mut lines = Vec::new();
    for change in diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal) {
        if lines.len() == LINES {
            lines.push("…".to_owned());
            break;
        }
        let (sign, at) = match change.tag() {
            ChangeTag::Delete => ('-', change.old_index()),
            _ => ('+', change.new_index()),
        };
        let number = at.map_or(0, |at| at + 1);
        // Signs that cannot be seen are the difference as often as not.
        let text: String = change.value().trim_end_matches('\n').escape_debug().to_string();
        let text = text.replace("\\\"", "\"").replace("\\'", "'").replace("\\t", "    ");
        let text: String = shown(&text).chars().take(WIDTH).collect();
        lines.push(format!("{sign}{number}: {text}"));
    }
    lines
}

fn of_bytes(commit: &[u8], archive: &[u8]) -> Vec<String> {
    let same = commit.iter().zip(archive).take_while(|(a, b)| a == b).count();
    let start = same - same % ROW;
    let mut lines = vec![format!(
        "{} bytes in the commit, {} in the archive, the same up to byte {same}",
        commit.len(),
        archive.len()
    )];
    for (sign, bytes) in [('-', commit), ('+', archive)] {
        let rows = bytes.get(start..).unwrap_or_default().chunks(ROW).take(ROWS);
        for (row, number) in rows.zip(0..) {
            let mut line = format!("{sign}{:08x}:", start + number * ROW);
            for byte in row {
                write!(line, " {byte:02x}").expect("writing to a string cannot fail");
            }
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_line_by_line_and_what_cannot_be_seen_is_named() {
        let told = difference(b"a\nb\nc\n", Some(b"a\nx\nc\n"));
        assert_eq!(told, ["-2: x", "+2: b"]);
        let told = difference("a\nb \u{202e}\n".as_bytes(), Some(b"a\nb\n"));
        assert_eq!(told, ["-2: b", "+2: b \\u{202e}"]);
        assert_eq!(difference(b"a\r\n", Some(b"a\n")), ["-1: a", "+1: a\\r"]);
        let many = "l\n".repeat(100);
        assert_eq!(difference(many.as_bytes(), None).len(), LINES + 1);
    }

    #[test]
    fn other_bytes_are_told_in_hexadecimal_from_where_they_differ() {
        let (mut old, mut new) = (vec![0_u8; 40], vec![0_u8; 40]);
        (old[33], new[33]) = (1, 0xff);
        let told = difference(&new, Some(&old));
        assert_eq!(told[0], "40 bytes in the commit, 40 in the archive, the same up to byte 33");
        assert_eq!(told[1], "-00000020: 00 01 00 00 00 00 00 00");
        assert_eq!(told[2], "+00000020: 00 ff 00 00 00 00 00 00");
        assert_eq!(difference(&[0, 1, 2], Some(&[])).len(), 2);
    }
}
