//! A TOML text whose values know where they stand. Cargo.lock and Cargo.toml are both read through
//! it, so that there is one parser and one way to count lines.
//!
//! `toml`'s own parser is used: it borrows from the text, keeps a span for every key and value, and
//! limits nesting (80 levels), so that neither parsing nor dropping recurses without bound.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::domain::Location;
use crate::domain::text::shown;

/// Longest line, in bytes, for whose columns characters are counted. Cargo writes no such line, and a
/// file that is one line of many million bytes would be counted through for every value.
const COLUMN_LIMIT: usize = 4_096;

/// A value with its place.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// Why a text is not TOML.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum DocumentError {
    /// A merge that was not finished.
    #[error("line {line} is a merge conflict marker (`<<<<<<<`)")]
    MergeConflict {
        /// Line of the first marker, from 1.
        line: u32,
    },
    /// Anything else that TOML refuses.
    #[error("line {line}: {message}")]
    Syntax {
        /// Where the parser stopped, from 1.
        line: u32,
        /// What it says.
        message: String,
    },
}

/// A parsed text.
#[derive(Debug)]
pub(super) struct Document<'i> {
    /// The root table.
    pub table: DeTable<'i>,
    /// Where its lines begin.
    pub lines: Lines<'i>,
}

impl<'i> Document<'i> {
    /// Parses a text. A leading byte order mark is skipped, as cargo does.
    pub(super) fn parse(text: &'i str) -> Result<Self, DocumentError> {
        let lines = Lines::new(text);
        match DeTable::parse(text) {
            Ok(table) => Ok(Self { table: table.into_inner(), lines }),
            Err(error) => Err(match conflict_line(text) {
                Some(line) => DocumentError::MergeConflict { line },
                None => DocumentError::Syntax {
                    line: error.span().map_or(1, |span| lines.line(span.start)),
                    message: shown(error.message()),
                },
            }),
        }
    }
}

/// Line of the first conflict marker that git writes at the start of a line.
fn conflict_line(text: &str) -> Option<u32> {
    text.lines()
        .position(|line| line == "<<<<<<<" || line.starts_with("<<<<<<< "))
        .map(|index| u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
}

/// From byte offsets to lines and columns.
#[derive(Debug)]
pub(super) struct Lines<'i> {
    text: &'i str,
    starts: Vec<usize>,
}

impl<'i> Lines<'i> {
    fn new(text: &'i str) -> Self {
        let starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Self { text, starts: starts.collect() }
    }

    /// Line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let before = self.starts.partition_point(|&start| start <= offset);
        u32::try_from(before.max(1)).unwrap_or(u32::MAX)
    }

    /// Line and columns of a span. A span over several lines ends with its first line; columns far
    /// into a line of thousands of bytes are left out.
    pub(super) fn location(&self, file: &str, span: &Range<usize>) -> Location {
        let line = self.line(span.start);
        let index = usize::try_from(line - 1).unwrap_or(0);
        let start = self.starts.get(index).copied().unwrap_or(0);
        let end = self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        let column = |offset: usize| -> Option<u32> {
            let before = self.text.get(start..offset.clamp(start, end.max(start)))?;
            if before.len() > COLUMN_LIMIT {
                return None;
            }
            u32::try_from(before.chars().count()).ok()?.checked_add(1)
        };
        Location {
            column: column(span.start),
            end_column: column(span.end),
            ..Location::line(file, line)
        }
    }
}

/// A key of a table: its own place and its value.
pub(super) fn entry<'t, 'i>(
    table: &'t DeTable<'i>,
    key: &str,
) -> Option<(Range<usize>, &'t Value<'i>)> {
    table.get_key_value(key).map(|(key, value)| (key.span(), value))
}

/// The text under a key, where it is a string.
pub(super) fn string<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key).and_then(|value| value.get_ref().as_str())
}

/// The table under a key.
pub(super) fn table<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    table.get(key).and_then(|value| value.get_ref().as_table())
}

/// The array under a key.
pub(super) fn array<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeArray<'i>> {
    table.get(key).and_then(|value| value.get_ref().as_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_become_lines_and_columns_counted_in_characters() {
        let text = "# é\nä = 1\n[dependencies]\nfoo = \"1\"\n";
        let text = text.replace('ä', "\"ä\"");
        let document = Document::parse(&text).unwrap();
        let dependencies = table(&document.table, "dependencies").unwrap();
        let (span, _) = entry(dependencies, "foo").unwrap();
        let place = document.lines.location("Cargo.toml", &span);
        assert_eq!((place.line, place.column, place.end_column), (4, Some(1), Some(4)));
        let (span, value) = entry(&document.table, "ä").unwrap();
        assert_eq!(document.lines.location("x", &span).end_column, Some(4));
        assert_eq!(document.lines.location("x", &value.span()).column, Some(7));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_read() {
        let text = "\u{feff}a = 1\r\nb = \"x\"\r\n";
        let document = Document::parse(text).unwrap();
        let (span, _) = entry(&document.table, "b").unwrap();
        assert_eq!(document.lines.location("x", &span).line, 2);
        let conflict = Document::parse("a = 1\r\n<<<<<<<\r\n").unwrap_err();
        assert_eq!(conflict, DocumentError::MergeConflict { line: 2 });
    }

    #[test]
    fn columns_far_into_a_line_are_left_out_and_its_number_is_not() {
        let text = format!("a = [{}\"end\"]", "1,".repeat(5_000));
        let document = Document::parse(&text).unwrap();
        let place = document.lines.location("x", &(10_000..10_003));
        assert_eq!((place.line, place.column), (1, None));
    }

    #[test]
    fn a_conflict_is_named_by_its_marker_and_other_errors_by_their_line() {
        let conflicted = "a = 1\n<<<<<<< HEAD\nb = 1\n=======\nb = 2\n>>>>>>> other\n";
        assert_eq!(
            Document::parse(conflicted).unwrap_err(),
            DocumentError::MergeConflict { line: 2 }
        );
        let DocumentError::Syntax { line, .. } = Document::parse("a = 1\nb = =\n").unwrap_err()
        else {
            panic!("not a conflict")
        };
        assert_eq!(line, 2);
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        for text in [
            format!("a = {}{}", "[".repeat(200_000), "]".repeat(200_000)),
            format!("a = {}1{}", "{b=".repeat(100_000), "}".repeat(100_000)),
            format!("a{} = 1", ".a".repeat(200_000)),
            format!("[a{}]", ".a".repeat(200_000)),
        ] {
            assert!(Document::parse(&text).is_err());
        }
    }
}
