//! Files that code reads and writes, and which data they hold afterwards.

use proc_macro2::Span;

use super::facts::{LISTED, Read, ReadKind, StepKind};
use super::open::{OpenUse, Use, opened};
use super::paths;
use super::table::Capability;
use super::value::{Taint, Text, Value};
use super::walk::Walk;

/// Most paths whose data is remembered.
const PATHS: usize = 2_000;

impl Walk<'_> {
    /// The data of a path or program: what it carries, and what was written to it.
    pub(super) fn with_written(&self, value: &Value) -> Taint {
        let mut taint = value.taint.clone();
        let listed = value.list.iter().flat_map(|list| list.iter());
        for text in value.text.iter().chain(listed).filter(|text| is_specific(&text.text)) {
            taint.merge(&self.held(&text.text));
        }
        taint
    }

    pub(super) fn read(&mut self, kind: ReadKind, api: &str, path: &Value, span: Span) -> Value {
        let text = path.shown();
        self.reached_value(kind, path, span);
        let secret = self.place(&text.text, span);
        let step_kind = if secret { StepKind::Secret } else { StepKind::Read };
        let step = self.step(step_kind, api, &text.text, span);
        let mut taint = self.with_written(path);
        taint.merge(&Taint::step(step));
        let textual = api.ends_with("to_string");
        Value { textual, ..Value::of_taint(taint) }
    }

    /// Records that a path is reached; one that a parameter gives, where the function is called.
    pub(super) fn reached_value(&mut self, kind: ReadKind, path: &Value, span: Span) {
        let text = path.shown();
        if let Some(parameters) = opened(path) {
            let (what, text) = (Use::Read(kind), text.clone());
            self.leave_open(OpenUse { what, text, parameters });
        }
        self.reached(kind, &text, span);
    }

    /// Records that a path is reached.
    pub(super) fn reached(&mut self, kind: ReadKind, text: &Text, span: Span) {
        let path = paths::from_root(&text.text);
        if path.is_empty() || path == "{}" {
            return;
        }
        let read = Read {
            beyond: paths::is_beyond(&path),
            path: super::cut(&path),
            kind,
            whole: text.whole,
            at_build: self.at_build,
            file: self.file().to_owned(),
            line: Self::line(span),
        };
        if self.facts.reads.len() < LISTED {
            self.facts.reads.push(read);
        } else {
            self.facts.left_out += 1;
        }
    }

    /// Data ends in a file.
    pub(super) fn write(
        &mut self,
        path: &Text,
        variable: Option<&str>,
        taint: &Taint,
        api: &str,
        span: Span,
    ) {
        self.outside(path, api, span);
        if taint.is_clean() {
            return;
        }
        let step = self.step(StepKind::Write, api, &path.text, span);
        self.emit(taint, step);
        let mut after = taint.clone();
        after.merge(&Taint::step(step));
        if let Some(variable) = variable {
            self.add(variable, &after);
        }
        let given = variable.and_then(|name| self.locals.get(name)).cloned();
        self.holds(path, &after, given.as_ref());
        let from_root = paths::from_root(&path.text);
        let compiled = self.compiled.contains(&from_root)
            || (from_root.starts_with("$OUT_DIR/")
                && paths::kind_of_name(&from_root) == Some("rs"));
        if compiled {
            self.included(&after, "include!", &path.text, span);
        }
    }

    /// The data of a value that is written: where nothing is known of it and it is no text of the code, code
    /// has made it.
    pub(super) fn made_here(&mut self, value: &Value, api: &str, span: Span) -> Taint {
        if self.comes_from(&value.taint) || value.taint.parameters != 0 {
            return value.taint.clone();
        }
        let is_text = value.text.is_some()
            || value.list.is_some()
            || value.bytes.as_deref().is_some_and(|bytes| std::str::from_utf8(bytes).is_ok());
        if is_text {
            return Taint::default();
        }
        let mut made = value.taint.clone();
        made.merge(&Taint::step(self.step(StepKind::Compute, api, "", span)));
        made
    }

    /// Whether it is known where data comes from.
    pub(super) fn comes_from(&self, taint: &Taint) -> bool {
        self.has(taint, &super::flows::SOURCES)
    }

    /// Remembers the text that the file of a path holds, where all of it stands in the code.
    pub(super) fn holds_text(&mut self, path: &Text, value: &Value) {
        let text = value.shown();
        let known = text.whole && text.text.len() > 8 && is_specific(&path.text);
        if known && self.texts.len() < PATHS {
            self.texts.insert(path.text.clone(), text.text);
        }
    }

    /// Data becomes source code that is compiled.
    pub(super) fn included(&mut self, data: &Taint, api: &str, detail: &str, span: Span) {
        let step = self.step(StepKind::Include, api, detail, span);
        self.emit(data, step);
    }

    /// Remembers what data the file of a path holds; `given` is the value of the path, where it is known.
    pub(super) fn holds(&mut self, path: &Text, data: &Taint, given: Option<&Value>) {
        let hangs = data.parameters | data.spelled_parameters != 0;
        let open = given.and_then(opened).filter(|_| !path.whole);
        if hangs || open.is_some() {
            let (what, text) = (Use::Held(Box::new(data.clone())), path.clone());
            let parameters = open.unwrap_or(0);
            self.leave_open(OpenUse { what, text, parameters });
        }
        let path = path.text.as_str();
        if !is_specific(path) {
            return;
        }
        let settled = data.settled();
        for (files, data) in [(&mut self.written, &settled), (&mut self.written_here, data)] {
            if !data.is_clean() && (files.len() < PATHS || files.contains_key(path)) {
                files.entry(path.to_owned()).or_default().merge(data);
            }
        }
    }

    /// The data that the file of a path holds.
    pub(super) fn held(&self, path: &str) -> Taint {
        let mut data = Taint::default();
        let mut place = path;
        // What lies in a folder that was unpacked or copied is of that archive.
        for _ in 0..8 {
            for files in [&self.written, &self.written_here] {
                if let Some(held) = files.get(place) {
                    data.merge(held);
                }
            }
            match place.rsplit_once('/') {
                Some((folder, _)) if data.is_clean() && folder.len() > 2 => place = folder,
                _ => return data,
            }
        }
        data
    }

    /// All files that are known to hold data.
    pub(super) fn held_files(&self) -> impl Iterator<Item = (&String, &Taint)> {
        self.written.iter().chain(&self.written_here)
    }

    /// A write to a place that is known not to be `OUT_DIR`.
    pub(super) fn outside(&mut self, path: &Text, api: &str, span: Span) {
        let text = path.text.as_str();
        let unknown = text.is_empty() || text.starts_with("{}") || text.starts_with("$OUT_DIR");
        let given = text.starts_with('$')
            && !text.starts_with("$CARGO_MANIFEST_DIR")
            && !text.starts_with("$HOME")
            && !text.starts_with("$USERPROFILE")
            && !text.starts_with("$CARGO_HOME");
        // A place that everybody has is known wherever the home folder is.
        let named = unknown && text.contains('/') && !self.table.place(text).is_empty();
        // Settings in a folder that is found by going up, not in one that the build has made.
        let above = text.starts_with("{}") || text.starts_with("$OUT_DIR/..");
        let named = named || (above && self.table.starts(text));
        if self.at_build && (named || (!unknown && !given)) {
            self.hit(Capability::WriteOutsideOutDir, api, span, text);
        }
    }
}

/// A path that says enough to be the same elsewhere.
fn is_specific(text: &str) -> bool {
    !text.ends_with("{}") && text.contains(|c: char| c.is_alphanumeric()) && text.len() > 2
}
