//! What known APIs do: capability hits, reads, writes, spawned programs, and where data ends.

use proc_macro2::Span;

use super::acting::Answers;
use super::calls::union;
use super::facts::{CheckKind, LISTED, Place, ReadKind, StepKind, WebAddress};
use super::literal;
use super::open::{OpenUse, Use, opened};
use super::table::{Capability, Role};
use super::value::{Taint, Text, Value};
use super::walk::Walk;

/// Shortest constant that is a source of data where it is decoded, in characters.
const SHORT: usize = 8;

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
            let mut value = self.constant(&path);
            // `Stage << data`: a type without fields is a value of its own.
            let is_type = path.last().is_some_and(|name| {
                name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
            });
            if is_type && value.ty.is_none() {
                value.ty = Some(api);
            }
            return value;
        }
        if path.len() > 1 && is_crate_name(first) {
            self.crates.insert(first.clone());
        }
        let table = self.table;
        let Some(rule) = table.api(&path) else { return self.constant(&path) };
        for capability in &rule.capabilities {
            self.hit(*capability, &api, span, detail);
        }
        let mut value = Value { ty: Some(api), ..Value::default() };
        value.taint.answers = rule.asks.map(Answers::to).unwrap_or_default();
        value
    }

    /// A `const` or `static` of the crate, by its full path or its bare name.
    pub(super) fn constant(&mut self, path: &[String]) -> Value {
        let Some(name) = path.last() else { return Value::default() };
        let inside = path.first().is_some_and(|first| first == "crate");
        let module = match path.len() {
            1 => Some(self.module),
            // An associated constant lies in the module of its type.
            length if inside => self
                .names
                .find(&path[1..length - 1])
                .or_else(|| self.names.find(&path[1..(length - 2).max(1)])),
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
        let mut value = if self.depth < 1000 { self.value(expression) } else { Value::default() };
        self.computed(expression, &mut value, Span::call_site());
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
            Role::Compile => self.compile(api, &first, taint, span),
            Role::WriteFile => self.write_file(api, &first, args, span),
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
            Role::Remove => self.removed(api, &first, span),
            Role::SetVariable => {
                let name = first.shown();
                if let Some(value) = args.get(1) {
                    self.child_variable(&name.text, value, span);
                    self.leave_in(&super::statics::of_environment(&name.text), &value.taint);
                }
                Value::default()
            }
            Role::Variable => self.variable(api, &first, span),
            Role::Here => {
                let ty = Some("std::path::PathBuf".to_owned());
                Value { ty, ..Value::of_text(Text::whole("$CARGO_MANIFEST_DIR")) }
            }
            Role::Environment => {
                let step = self.step(StepKind::Secret, api, "", span);
                Value::of_taint(Taint::step(step))
            }
            Role::Fetch => self.fetch(api, taint, &first, span),
            Role::Decode => self.decode(api, taint, &first, span),
            Role::Digest if self.has(&taint, &[StepKind::Digest]) => Value::of_taint(taint),
            Role::Digest => self.digest(api, taint, span),
            Role::Permission => self.permission(api, &first, taint, span),
            Role::Load => {
                let step = self.step(StepKind::Load, api, &first.shown().text, span);
                self.emit(&self.with_written(&first), step);
                Value::of_taint(taint)
            }
        }
    }

    fn compile(&mut self, api: &str, first: &Value, taint: Taint, span: Span) -> Value {
        match &first.list {
            Some(list) => {
                list.iter().for_each(|text| self.reached(ReadKind::Compile, text, span));
            }
            None => self.reached_value(ReadKind::Compile, first, span),
        }
        let step = self.step(StepKind::Link, api, &first.shown().text, span);
        self.emit(&self.with_written(first), step);
        Value::of_taint(taint)
    }

    fn write_file(&mut self, api: &str, first: &Value, args: &[Value], span: Span) -> Value {
        let mut written = union(args.get(1..).unwrap_or(&[]), &Taint::default());
        let path = first.shown();
        if let Some(value) = args.get(1) {
            written.merge(&self.made_here(value, api, span));
            self.holds_text(&path, value);
        }
        let variable = first.root.clone();
        if args.len() > 1 {
            self.write(&path, variable.as_deref(), &written, api, span);
        } else {
            self.outside(&path, api, span);
        }
        let writes = Some((path, variable));
        Value { writes, taint: written, ..Value::default() }
    }

    fn removed(&mut self, api: &str, first: &Value, span: Span) -> Value {
        // What is below the user's folder, not what the build or a test has made.
        if first.shown().text.starts_with("$HOME") || first.ty.as_deref().is_some_and(is_home) {
            self.hit(
                Capability::WriteOutsideOutDir,
                api,
                span,
                &format!("removes {}", first.shown().text),
            );
        }
        Value::default()
    }

    fn permission(&mut self, api: &str, first: &Value, taint: Taint, span: Span) -> Value {
        let step = self.step(StepKind::Permission, api, &first.shown().text, span);
        self.emit(&self.with_written(first), step);
        if let Some(root) = &first.root {
            self.add(root, &Taint::step(step));
        }
        Value::of_taint(taint)
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
        let again = taint.all_steps().any(|step| {
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
        value.taint.merge(&self.held(&super::statics::of_environment(&text.text)));
        // Of a name with unknown parts, the known ones can say enough: `{}_TOKEN`.
        let means: Vec<_> = self.table.variable(&text.text).collect();
        for capability in &means {
            self.hit(*capability, api, span, &text.text);
        }
        value.taint.answers = self.table.asks(&text.text).map(Answers::to).unwrap_or_default();
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
            self.check(CheckKind::DigestCompared, "==", span);
        }
    }
}

/// Whether an API gives the user's folder.
fn is_home(api: &str) -> bool {
    api.ends_with("home_dir") || api.ends_with("config_dir") || api.ends_with("document_dir")
}

/// Whether the first segment of a path names another crate, not a type.
fn is_crate_name(first: &str) -> bool {
    const TYPES: [&str; 19] = [
        "std", "str", "char", "bool", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16",
        "i32", "i64", "i128", "isize", "f32", "f64", "self",
    ];
    !first.starts_with(char::is_uppercase) && !TYPES.contains(&first)
}

fn push_place(list: &mut Vec<Place>, place: Place) {
    if list.len() < 32 && !list.contains(&place) {
        list.push(place);
    }
}

/// The texts of a value: of a list, or the one.
pub(super) fn listed(value: &Value) -> Vec<Text> {
    match &value.list {
        Some(list) => list.as_ref().clone(),
        None => vec![value.shown()],
    }
}
