//! The lines of the project's own files that a finding points at, for the terminal.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Mark, Origin, Snippet};

use super::words::place;
use crate::domain::text::{is_hidden, shown};
use crate::domain::{Finding, Level, Location, Sources};

/// Longest part of a source line that is shown, in characters.
const MAX_COLUMNS: usize = 400;

/// The renderer's colours for a level; its name is printed by the header.
pub(super) fn level(level: Level) -> Mark<'static> {
    match level {
        Level::Critical | Level::High => Mark::ERROR,
        Level::Medium => Mark::WARNING,
        Level::Low => Mark::INFO,
        Level::Note => Mark::NOTE,
    }
}

/// Columns of the line-number gutter, without the bar.
pub(super) fn gutter(finding: &Finding, sources: &Sources) -> usize {
    match sources.line(&finding.location.file, finding.location.line) {
        Some(_) => finding.location.line.to_string().len() + 1,
        None => 1,
    }
}

/// Adds the source line of a finding, or only its place where the text is not at hand.
pub(super) fn add_to<'a>(group: Group<'a>, finding: &Finding, sources: &Sources) -> Group<'a> {
    let location = &finding.location;
    match sources.line(&location.file, location.line) {
        Some(line) if location.member.is_none() => {
            group.element(snippet(finding, &clean(line), sources))
        }
        _ => {
            if location.member.is_some() || location.offset.is_some() {
                return group.element(Origin::path(place(location)));
            }
            group.element(Origin::path(shown(&location.file)).line(usize_of(location.line)))
        }
    }
}

fn snippet(
    finding: &Finding,
    line: &str,
    sources: &Sources,
) -> Snippet<'static, annotate_snippets::Annotation<'static>> {
    let location = &finding.location;
    let mut first = location.line;
    let mut text = String::new();
    // The `version` line of a package says little without the `name` line above it.
    let name = finding.path.last().and_then(|step| step.location.as_ref()).filter(|name| {
        name.file == location.file && name.line < location.line && location.line - name.line <= 2
    });
    if let Some(name) = name {
        first = name.line;
        for number in name.line..location.line {
            text.push_str(&clean(sources.line(&location.file, number).unwrap_or("")));
            text.push('\n');
        }
    }
    let start = text.len();
    let span = span(location, line);
    text.push_str(line);
    let mut snippet =
        Snippet::source(text).line_start(usize_of(first)).path(shown(&location.file)).annotation(
            AnnotationKind::Primary
                .span(start + span.start..start + span.end)
                .label(label(&location.file)),
        );
    if name.is_some() {
        snippet = snippet.annotation(AnnotationKind::Visible.span(0..1));
    }
    snippet
}

fn label(file: &str) -> &'static str {
    match file.rsplit('/').next() {
        Some("Cargo.lock") => "locked here",
        Some("Cargo.toml") => "declared here",
        _ => "named here",
    }
}

/// Bytes of the span: its columns where they are given, else the line without its indentation.
fn span(location: &Location, line: &str) -> Range<usize> {
    let byte = |column: u32| {
        line.char_indices().nth(usize_of(column.saturating_sub(1))).map_or(line.len(), |(at, _)| at)
    };
    let indent = line.len() - line.trim_start().len();
    let start = location.column.map_or(indent, byte);
    let end = location.end_column.map_or(line.len(), byte);
    start..end.max(start)
}

/// A source line in which nothing acts on a terminal; columns stay where they are.
fn clean(line: &str) -> String {
    line.chars()
        .take(MAX_COLUMNS)
        .map(|c| if is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let at = |column, end_column| Location {
            column: Some(column),
            end_column: Some(end_column),
            ..Location::line("f", 1)
        };
        assert_eq!(&"aé日b"[span(&at(2, 4), "aé日b")], "é日");
        assert_eq!(&"ab"[span(&at(9, 2), "ab")], "");
        assert_eq!(&"  ab"[span(&Location::line("f", 1), "  ab")], "ab");
    }

    #[test]
    fn hidden_characters_become_visible_and_columns_stay() {
        assert_eq!(clean("a\u{202E}b\x1bc"), "a\u{FFFD}b\u{FFFD}c");
        assert_eq!(clean(&"x".repeat(10_000)).len(), MAX_COLUMNS);
    }
}
