//! What known APIs do: capability hits, reads, writes, spawned programs, and where data ends.

use proc_macro2::Span;

use super::calls::union;
use super::facts::{Flow, LISTED, Place, Read, ReadKind, StepKind, WebAddress};
use super::open::{OpenUse, Use, opened};
use super::table::{Capability, Role};
use super::value::{Taint, Text, Value};
use super::walk::Walk;
use super::{literal, paths};

/// Where data can come from; what says more is named first.
const SOURCES: [StepKind; 4] =
    [StepKind::Secret, StepKind::Fetch, StepKind::Literal, StepKind::Read];
/// Most paths whose data is remembered.
const PATHS: usize = 2_000;
/// Shortest constant that is a source of data where it is decoded, in characters.
const SHORT: usize = 8;
const DECODERS: [StepKind; 3] = [StepKind::Decode, StepKind::Decompress, StepKind::Decrypt];

impl Walk<'_> {
    /// A path as it is written: an API of the table, a constant of the crate, or neither.
    pub(super) fn use_segments(&mut self, written: &[String], span: Span) -> Value {
        self.use_with(written, span, "")
    }

    /// [`Self::use_segments`], with the constant that the API is called with.
    pub(super) fn use_with(&mut self, written: &[String], span: Span, detail: &str) -> Value {
        let path = self.resolved(written);
        let Some(first) = path.first() else { return Value::default() };
        let api = path.join("::");
        if first == "crate" {
            return self.constant(&path);
        }
        if path.len() > 1 && is_crate_name(first) {
            self.crates.insert(first.clone());
        }
        let table = self.table;
        let Some(rule) = table.api(&path) else { return self.constant(&path) };
        for capability in &rule.capabilities {
            self.hit(*capability, &api, span, detail);
        }
        Value { ty: Some(api), ..Value::default() }
    }

    /// A `const` or `static` of the crate, by its full path or its bare name.
    pub(super) fn constant(&mut self, path: &[String]) -> Value {
        let Some(name) = path.last() else { return Value::default() };
        let inside = path.first().is_some_and(|first| first == "crate");
        let module = match path.len() {
            1 => Some(self.module),
            _ if inside => self.names.find(&path[1..path.len() - 1]),
            _ => None,
        };
        let found = module.and_then(|module| {
            let value = *self.names.modules.get(module)?.constants.get(name)?;
            Some((module, value))
        });
        let Some((module, expression)) = found else { return Value::default() };
        let key = format!("crate::{module}::{name}");
        if let Some(known) = self.constants.get(&key) {
            return known.clone();
        }
        // A constant that names itself stays unknown.
        self.constants.insert(key.clone(), Value::default());
        let outer = std::mem::replace(&mut self.module, module);
        let locals = std::mem::take(&mut self.locals);
        let value = if self.depth < 1000 { self.value(expression) } else { Value::default() };
        self.locals = locals;
        self.module = outer;
        self.constants.insert(key, value.clone());
        value
    }

    /// Applies what an API does to its arguments.
    pub(super) fn apply(&mut self, role: Role, api: &str, args: &[Value], span: Span) -> Value {
        let taint = union(args, &Taint::default());
        let first = args.first().cloned().unwrap_or_default();
        match role {
            Role::ReadFile => self.read(ReadKind::File, api, &first, span),
            Role::ReadFolder => self.read(ReadKind::Folder, api, &first, span),
            Role::Glob => self.read(ReadKind::Glob, api, &first, span),
            Role::Compile => {
                match &first.list {
                    Some(list) => {
                        list.iter().for_each(|text| self.reached(ReadKind::Compile, text, span));
                    }
                    None => self.reached_value(ReadKind::Compile, &first, span),
                }
                let step = self.step(StepKind::Link, api, &first.shown().text, span);
                self.emit(&self.with_written(&first), step);
                Value::of_taint(taint)
            }
            Role::WriteFile => {
                let written = union(args.get(1..).unwrap_or(&[]), &Taint::default());
                let path = first.shown();
                let variable = first.root.clone();
                if args.len() > 1 {
                    self.write(&path, variable.as_deref(), &written, api, span);
                } else {
                    self.outside(&path, api, span);
                }
                let writes = Some((path, variable));
                Value { writes, taint: written, ..Value::default() }
            }
            Role::Copy => {
                let read = self.read(ReadKind::File, api, &first, span);
                if let Some(target) = args.get(1) {
                    let path = target.shown();
                    self.write(&path, target.root.as_deref(), &read.taint, api, span);
                }
                Value::default()
            }
            Role::Pipe => {
                if let Some((path, variable)) = args.get(1).and_then(|to| to.writes.clone()) {
                    self.write(&path, variable.as_deref(), &first.taint, api, span);
                }
                Value::of_taint(taint)
            }
            Role::Spawn => self.spawn(api, &first, span),
            Role::Variable => self.variable(api, &first, span),
            Role::Environment => {
                let step = self.step(StepKind::Secret, api, "", span);
                Value::of_taint(Taint::step(step))
            }
            Role::Fetch => self.fetch(api, taint, &first, span),
            Role::Decode => self.decode(api, taint, &first, span),
            Role::Digest if self.has(&taint, &[StepKind::Digest]) => Value::of_taint(taint),
            Role::Digest => self.digest(api, taint, span),
            Role::Permission => {
                let step = self.step(StepKind::Permission, api, &first.shown().text, span);
                self.emit(&self.with_written(&first), step);
                if let Some(root) = &first.root {
                    self.add(root, &Taint::step(step));
                }
                Value::of_taint(taint)
            }
            Role::Load => {
                let step = self.step(StepKind::Load, api, &first.shown().text, span);
                self.emit(&self.with_written(&first), step);
                Value::of_taint(taint)
            }
        }
    }

    /// A request: what goes out with it, and what comes back.
    fn fetch(&mut self, api: &str, mut taint: Taint, first: &Value, span: Span) -> Value {
        if self.has(&taint, &[StepKind::Secret, StepKind::Read]) {
            let step = self.step(StepKind::Send, api, &first.shown().text, span);
            self.emit(&taint, step);
        }
        let detail = first.text.as_ref().map_or("", |t| t.text.as_str());
        self.fetched(api, &mut taint, detail, span);
        Value::of_taint(taint)
    }

    /// What comes back from a request, once for a chain of calls.
    pub(super) fn fetched(&mut self, api: &str, taint: &mut Taint, detail: &str, span: Span) {
        if !self.has(taint, &[StepKind::Fetch]) {
            let step = self.step(StepKind::Fetch, api, detail, span);
            taint.merge(&Taint::step(step));
        }
    }

    fn digest(&mut self, api: &str, mut taint: Taint, span: Span) -> Value {
        let step = self.step(StepKind::Digest, api, "", span);
        let place = Place {
            note: format!("a digest is computed with {}", super::cut(api)),
            file: self.file().to_owned(),
            line: Self::line(span),
        };
        push_place(&mut self.digests, place);
        taint.merge(&Taint::step(step));
        Value::of_taint(taint)
    }

    fn decode(&mut self, api: &str, mut taint: Taint, first: &Value, span: Span) -> Value {
        let path: Vec<String> = api.split("::").map(str::to_owned).collect();
        let capabilities = self.table.api(&path).map_or(&[][..], |rule| &rule.capabilities);
        let kind = if capabilities.contains(&Capability::Decrypt) {
            StepKind::Decrypt
        } else if capabilities.contains(&Capability::Decompress) {
            StepKind::Decompress
        } else {
            StepKind::Decode
        };
        let crate_of = |api: &str| api.split("::").next().map(str::to_owned);
        let again = taint.steps.iter().any(|step| {
            let step = self.steps.get(*step as usize);
            step.is_some_and(|s| s.kind == kind && crate_of(&s.api) == crate_of(api))
        });
        if !again {
            let step = self.step(kind, api, "", span);
            taint.merge(&Taint::step(step));
        }
        let constant = first.text.as_ref().and_then(Text::constant);
        if kind == StepKind::Decode && constant.is_some_and(|text| text.len() >= SHORT) {
            let step = self.step(StepKind::Literal, "literal", "", span);
            taint.merge(&Taint::step(step));
        }
        let mut value = Value::of_taint(taint);
        // A short constant that is decoded at once says what it hides.
        if kind == StepKind::Decode
            && let Some(text) = first.text.as_ref().and_then(Text::constant)
        {
            let decoded = if api.starts_with("hex") || api.contains("Hex") {
                literal::hex(text.as_bytes())
            } else {
                literal::base64(text.as_bytes())
            };
            if let Some(bytes) = decoded {
                if let Ok(text) = std::str::from_utf8(&bytes) {
                    self.addresses(text, span);
                    self.place(text, span);
                    value.text = Some(Text::whole(text));
                }
                value.bytes = Some(std::rc::Rc::new(bytes));
            }
        }
        value
    }

    /// The data of a path or program: what it carries, and what was written to it.
    pub(super) fn with_written(&self, value: &Value) -> Taint {
        let mut taint = value.taint.clone();
        let listed = value.list.iter().flat_map(|list| list.iter());
        for text in value.text.iter().chain(listed).filter(|text| is_specific(&text.text)) {
            if let Some(written) = self.written.get(&text.text) {
                taint.merge(written);
            }
        }
        taint
    }

    fn read(&mut self, kind: ReadKind, api: &str, path: &Value, span: Span) -> Value {
        let text = path.shown();
        self.reached_value(kind, path, span);
        let secret = self.place(&text.text, span);
        let step_kind = if secret { StepKind::Secret } else { StepKind::Read };
        let step = self.step(step_kind, api, &text.text, span);
        let mut taint = self.with_written(path);
        taint.merge(&Taint::step(step));
        Value::of_taint(taint)
    }

    /// Records that a path is reached; one that a parameter gives, where the function is called.
    fn reached_value(&mut self, kind: ReadKind, path: &Value, span: Span) {
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
        self.holds(&path.text, &after);
    }

    /// Remembers what data the file of a path holds.
    pub(super) fn holds(&mut self, path: &str, data: &Taint) {
        if is_specific(path) && (self.written.len() < PATHS || self.written.contains_key(path)) {
            self.written.entry(path.to_owned()).or_default().merge(data);
        }
    }

    /// A write to a place that is known not to be `OUT_DIR`.
    fn outside(&mut self, path: &Text, api: &str, span: Span) {
        let text = path.text.as_str();
        let unknown = text.is_empty() || text.starts_with("{}") || text.starts_with("$OUT_DIR");
        let given = text.starts_with('$')
            && !text.starts_with("$CARGO_MANIFEST_DIR")
            && !text.starts_with("$HOME")
            && !text.starts_with("$USERPROFILE")
            && !text.starts_with("$CARGO_HOME");
        if self.at_build && !unknown && !given {
            self.hit(Capability::WriteOutsideOutDir, api, span, text);
        }
    }

    pub(super) fn variable(&mut self, api: &str, name: &Value, span: Span) -> Value {
        let text = name.shown();
        let mut value = Value::of_text(Text { text: format!("${}", text.text), whole: text.whole });
        if text.whole {
            if !self.facts.variables.contains(&text.text) && self.facts.variables.len() < LISTED {
                self.facts.variables.push(super::cut(&text.text));
            }
        } else {
            value.text = Some(Text::hole());
            if let Some(parameters) = opened(name) {
                let api = api.to_owned();
                self.leave_open(OpenUse {
                    what: Use::Variable { api },
                    text: text.clone(),
                    parameters,
                });
            }
        }
        // Of a name with unknown parts, the known ones can say enough: `{}_TOKEN`.
        let means: Vec<_> = self.table.variable(&text.text).collect();
        for capability in &means {
            self.hit(*capability, api, span, &text.text);
        }
        if means.contains(&Capability::SecretRead) {
            let step = self.step(StepKind::Secret, api, &text.text, span);
            value.taint.merge(&Taint::step(step));
        }
        value
    }

    /// Whether a path names a place that the table knows; records it.
    pub(super) fn place(&mut self, text: &str, span: Span) -> bool {
        if text.len() < 3 || text.len() > 1024 {
            return false;
        }
        let means = self.table.place(text);
        for capability in &means {
            self.hit(*capability, "path", span, text);
        }
        means.contains(&Capability::SecretRead)
    }

    /// Web addresses inside a text.
    pub(super) fn addresses(&mut self, text: &str, span: Span) {
        for start in ["http://", "https://", "ftp://", "git://", "ws://", "wss://"] {
            for (at, _) in text.match_indices(start).take(16) {
                if at > 0 && text.as_bytes()[at - 1].is_ascii_alphanumeric() {
                    continue;
                }
                let end = text[at..]
                    .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
                    .map_or(text.len(), |length| at + length);
                let url = super::cut(&text[at..end]);
                let address =
                    WebAddress { url, file: self.file().to_owned(), line: Self::line(span) };
                if self.facts.urls.len() < LISTED && !self.facts.urls.contains(&address) {
                    self.facts.urls.push(address);
                }
            }
        }
    }

    /// A constant that can be a digest to compare with.
    pub(super) fn pin(&mut self, note: &str, span: Span) {
        let place =
            Place { note: note.to_owned(), file: self.file().to_owned(), line: Self::line(span) };
        push_place(&mut self.pinned, place);
    }

    /// A comparison, of which one side was hashed.
    pub(super) fn comparison(&mut self, left: &Value, right: &Value, span: Span) {
        let hashed = |value: &Value| self.has(&value.taint, &[StepKind::Digest]);
        if hashed(left) || hashed(right) {
            let place = Place {
                note: "a computed digest is compared".to_owned(),
                file: self.file().to_owned(),
                line: Self::line(span),
            };
            push_place(&mut self.compared, place);
        }
    }

    /// Data ends: a flow, where it comes from a source and was transformed, fetched or run; and what
    /// parameters lead to it, for callers.
    pub(super) fn emit(&mut self, taint: &Taint, sink: u32) {
        if taint.parameters != 0 && self.sinks.len() < 256 {
            let mut steps: Vec<u32> = taint.steps.iter().copied().collect();
            steps.push(sink);
            self.sinks.push((taint.parameters, steps));
        }
        let Some(end) = self.steps.get(sink as usize).cloned() else { return };
        let mut steps: Vec<(u32, super::facts::Step)> = taint
            .steps
            .iter()
            .filter_map(|index| Some((*index, self.steps.get(*index as usize)?.clone())))
            .filter(|(_, step)| step.kind != StepKind::Digest)
            .collect();
        if end.kind == StepKind::Send {
            steps.retain(|(_, step)| step.kind != StepKind::Fetch);
        }
        steps.sort_by_key(|(index, step)| (rank(step.kind), *index));
        // Of a chain of calls into one crate, the first says it.
        let mut seen: Vec<(StepKind, String, String)> = Vec::new();
        steps.retain(|(_, step)| {
            let first = step.api.split("::").next().unwrap_or("").to_owned();
            let key = (step.kind, first, step.file.clone());
            let new = step.kind != StepKind::Fetch || !seen.contains(&key);
            seen.push(key);
            new
        });
        let has = |kind: StepKind| steps.iter().any(|(_, step)| step.kind == kind);
        let Some(source) = SOURCES.into_iter().find(|kind| has(*kind)) else { return };
        let decoded = steps.iter().any(|(_, step)| DECODERS.contains(&step.kind));
        let executed = matches!(end.kind, StepKind::Spawn | StepKind::Link | StepKind::Load);
        let fetched = steps.iter().any(|(_, step)| step.kind == StepKind::Fetch);
        let written = steps.iter().any(|(_, step)| step.kind == StepKind::Write);
        let wanted = match end.kind {
            StepKind::Send => true,
            StepKind::Write => decoded || fetched,
            _ => decoded || fetched || (written && executed && source == StepKind::Literal),
        };
        if !wanted {
            return;
        }
        let mut steps: Vec<_> = steps.into_iter().map(|(_, step)| step).take(11).collect();
        steps.push(end.clone());
        let flow = Flow { source, decoded, executed, sink: end.kind, steps };
        if self.facts.flows.len() >= LISTED {
            self.facts.left_out += 1;
        } else if !self.facts.flows.iter().any(|known| is_same(known, &flow)) {
            self.facts.flows.push(flow);
        }
    }
}

/// Whether the first segment of a path names another crate, not a type.
fn is_crate_name(first: &str) -> bool {
    const TYPES: [&str; 19] = [
        "std", "str", "char", "bool", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16",
        "i32", "i64", "i128", "isize", "f32", "f64", "self",
    ];
    !first.starts_with(char::is_uppercase) && !TYPES.contains(&first)
}

/// Whether two flows begin and end at the same places.
fn is_same(one: &Flow, other: &Flow) -> bool {
    one.source == other.source
        && one.decoded == other.decoded
        && one.steps.first() == other.steps.first()
        && one.steps.last() == other.steps.last()
}

/// Order of steps in a flow: sources, then what transforms, then what writes.
fn rank(kind: StepKind) -> u8 {
    match kind {
        StepKind::Read | StepKind::Literal | StepKind::Fetch | StepKind::Secret => 0,
        StepKind::Decode | StepKind::Decompress | StepKind::Decrypt | StepKind::Digest => 1,
        StepKind::Write => 2,
        StepKind::Permission => 3,
        _ => 4,
    }
}

fn push_place(list: &mut Vec<Place>, place: Place) {
    if list.len() < 32 && !list.contains(&place) {
        list.push(place);
    }
}

/// A path that says enough to be the same elsewhere.
fn is_specific(text: &str) -> bool {
    !text.ends_with("{}") && text.contains(|c: char| c.is_alphanumeric()) && text.len() > 2
}

/// The texts of a value: of a list, or the one.
pub(super) fn listed(value: &Value) -> Vec<Text> {
    match &value.list {
        Some(list) => list.as_ref().clone(),
        None => vec![value.shown()],
    }
}
