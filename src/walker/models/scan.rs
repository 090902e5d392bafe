//! What one file's scan works with: its text, and the references found so far.

use super::id::is_placeholder;
use super::reference::{Confidence, Form, Reference, is_test_path, revision_kind};
use crate::domain::SubjectKind;

/// Most references of one file.
pub(super) const FILE_LIMIT: usize = 5_000;
/// Longest line, in bytes, for whose columns characters are counted.
const COLUMN_LIMIT: usize = 4_096;

/// From byte offsets to lines and columns; the line starts are found once.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Self { text, starts: starts.collect() }
    }

    /// Line and column, both from 1; the column is 0 where the line is too long to count.
    pub fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts[line - 1];
        let column = match self.text.get(start..offset) {
            Some(before) if before.len() <= COLUMN_LIMIT => before.chars().count() + 1,
            _ => 0,
        };
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(0))
    }
}

/// What is told of one reference besides where it stands.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub kind: SubjectKind,
    pub id: String,
    pub revision: Option<String>,
    /// The code passes a revision that cannot be read off its text.
    pub computed: bool,
    pub form: Form,
    pub confidence: Confidence,
    pub trust: Option<bool>,
    pub code_pinned: Option<bool>,
}

impl Named {
    pub fn model(id: impl Into<String>, form: Form, confidence: Confidence) -> Self {
        Self {
            kind: SubjectKind::Model,
            id: id.into(),
            revision: None,
            computed: false,
            form,
            confidence,
            trust: None,
            code_pinned: None,
        }
    }
}

/// One file that is read.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    pub path: &'a str,
    pub text: &'a str,
    lines: Lines<'a>,
    in_tests: bool,
    /// Byte ranges of test modules.
    pub tests: Vec<std::ops::Range<usize>>,
    pub found: Vec<Reference>,
    /// References beyond [`FILE_LIMIT`].
    pub left_out: usize,
}

impl<'a> Scan<'a> {
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let in_tests = is_test_path(path);
        Self {
            path,
            text,
            lines: Lines::new(text),
            in_tests,
            tests: Vec::new(),
            found: Vec::new(),
            left_out: 0,
        }
    }

    /// Whether no more references are kept.
    pub fn is_full(&self) -> bool {
        self.found.len() >= FILE_LIMIT
    }

    /// Whether a byte lies in a test, by its module or by the path of the file.
    pub fn is_test(&self, at: usize) -> bool {
        self.in_tests || self.tests.iter().any(|range| range.contains(&at))
    }

    /// Keeps one reference whose name begins at a byte offset.
    pub fn push(&mut self, at: usize, named: Named) {
        if is_placeholder(&named.id) {
            return;
        }
        if self.is_full() {
            self.left_out += 1;
            return;
        }
        let (line, column) = self.lines.place(at);
        let revision_kind = match (&named.revision, named.computed) {
            (None, true) => super::reference::RevisionKind::Variable,
            (revision, _) => revision_kind(revision.as_deref()),
        };
        self.found.push(Reference {
            kind: named.kind,
            id: named.id,
            revision: named.revision,
            revision_kind,
            form: named.form,
            confidence: named.confidence,
            path: self.path.to_owned(),
            line,
            column,
            trust_remote_code: named.trust,
            code_pinned: named.code_pinned,
            in_tests: self.is_test(at),
        });
    }
}
