//! Programs that code starts: what they are called, what they are given, and what they do with data.

use proc_macro2::Span;

use super::effects::listed;
use super::facts::{CapabilityHit, LISTED, ReadKind, Spawned, StepKind};
use super::open::{OpenUse, Use, filled, opened};
use super::paths;
use super::table::{Capability, DataUse};
use super::value::{Taint, Text, Value};
use super::walk::Walk;

/// Most arguments of a program that are kept.
const ARGUMENTS: usize = 16;

impl Walk<'_> {
    pub(super) fn spawn(&mut self, api: &str, program: &Value, span: Span) -> Value {
        let text = program.shown();
        let words: Vec<String> = text.text.split_whitespace().map(str::to_owned).collect();
        // `duct::cmd!`-like and `sh -c`-like APIs take a whole line.
        let name = words.first().cloned().unwrap_or_default();
        let taint = self.with_written(program);
        let step = self.step(StepKind::Spawn, api, &text.text, span);
        self.emit(&taint, step);
        // A script whose text stands in the code is started by its name.
        if let Some(script) = self.texts.get(&text.text).cloned() {
            self.line_of_code("", &script, step, span);
        }
        let mut value = Value { ty: Some(command_type(api)), taint, ..Value::default() };
        if text.whole && name.contains(['/', '\\']) {
            self.script_file("", &name, span);
        }
        let arguments: Vec<String> = words.into_iter().skip(1).take(ARGUMENTS).collect();
        value.spawned = self.start(&name, &arguments, span);
        for other in &program.also {
            self.other_program(&mut value, &other.text, span);
        }
        if let (Some(index), Some(parameters)) = (value.spawned, opened(program)) {
            self.leave_open(OpenUse { what: Use::Program(index), text, parameters });
            if let Some(open) = self.started.get_mut(index) {
                open.program = true;
            }
        }
        value
    }

    /// A program that is started instead, by another branch: what runs or fetches what it is given counts.
    fn other_program(&mut self, value: &mut Value, text: &str, span: Span) {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let Some((name, arguments)) = words.split_first() else { return };
        let weight = |walk: &Self, index: Option<usize>| {
            let spawned = index.and_then(|index| walk.facts.spawned.get(index));
            match spawned.and_then(|spawned| walk.data_use(spawned)) {
                Some(DataUse::Interprets) => 3,
                Some(DataUse::Wraps | DataUse::Fetches) => 2,
                None => 1,
                Some(_) => 0,
            }
        };
        let other = self.start(name, arguments, span);
        if weight(self, other) > weight(self, value.spawned) {
            value.spawned = other;
        }
    }

    /// Records a program that is started; its index among them.
    pub(super) fn start(
        &mut self,
        program: &str,
        arguments: &[String],
        span: Span,
    ) -> Option<usize> {
        if self.facts.spawned.len() >= LISTED {
            self.facts.left_out += 1;
            return None;
        }
        self.facts.spawned.push(Spawned {
            program: super::cut(program),
            arguments: arguments.iter().map(|word| super::cut(word)).collect(),
            file: self.file().to_owned(),
            line: Self::line(span),
        });
        self.started.push(Started::default());
        Some(self.facts.spawned.len() - 1)
    }

    /// A program whose name or arguments the caller of a function gives.
    pub(super) fn started_by_call(
        &mut self,
        index: usize,
        open: &OpenUse,
        values: &[Value],
        span: Span,
    ) {
        let Some(spawned) = self.facts.spawned.get(index).cloned() else { return };
        let Some(started) = self.started.get(index).cloned() else { return };
        let value = |parameters: u64| values.get(parameters.trailing_zeros() as usize);
        let program = match value(open.parameters).filter(|_| started.program) {
            Some(value) => {
                let (text, _) = filled(&open.text, value);
                Value { text: Some(text), ..value.clone() }
            }
            None => Value::of_text(Text::whole(spawned.program.clone())),
        };
        let mut given = Vec::new();
        for (position, text) in spawned.arguments.iter().enumerate() {
            let parameters = started.arguments.iter().find(|(at, _)| *at == position);
            match parameters.and_then(|(_, parameters)| value(*parameters)) {
                Some(value) => given.push(value.clone()),
                None => given.push(Value::of_text(Text::whole(text.clone()))),
            }
        }
        let says_more = program.shown().text != spawned.program
            || given.iter().any(|value| value.list.is_some() || value.shown().whole);
        if says_more {
            let command = self.spawn("std::process::Command::new", &program, span);
            if let Some(index) = command.spawned {
                self.command_arguments(index, "args", &given, span);
            }
        }
    }

    /// What the programs mean, once all their arguments are known.
    pub(super) fn programs(&mut self) {
        let table = self.table;
        for spawned in self.facts.spawned.clone() {
            let line = format!("{} {}", spawned.program, spawned.arguments.join(" "));
            for capability in table.program(&spawned.program, &spawned.arguments) {
                self.push_hit(CapabilityHit {
                    capability,
                    api: spawned.program.clone(),
                    file: spawned.file.clone(),
                    line: spawned.line,
                    detail: super::cut(line.trim()),
                    generated: false,
                    through: String::new(),
                });
            }
        }
    }

    /// `.arg("x")`, `.args(["x", "y"])`, `.stdout(file)`, `.env("RUSTC_WRAPPER", ..)` on a command; the
    /// data that the command stands for from then on.
    pub(super) fn command_arguments(
        &mut self,
        index: usize,
        method: &str,
        arguments: &[Value],
        span: Span,
    ) -> Taint {
        match method {
            "arg" | "args" | "raw_arg" => self.given_arguments(index, method, arguments, span),
            "env" => {
                let name = arguments.first().map(Value::shown).unwrap_or_default();
                if matches!(name.text.as_str(), "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER") {
                    self.hit(Capability::RustcWrapper, "Command::env", span, &name.text);
                }
                if let Some(value) = arguments.get(1) {
                    self.child_variable(&name.text, value, span);
                }
                Taint::default()
            }
            "write_all" | "write" | "write_fmt" | "stdin" => {
                self.child_input(index, method, arguments, span);
                Taint::default()
            }
            "stdout" => {
                let data = self.started.get(index).map(|s| s.data.clone()).unwrap_or_default();
                if let Some((path, variable)) = arguments.first().and_then(|to| to.writes.clone()) {
                    self.write(&path, variable.as_deref(), &data, method, span);
                }
                Taint::default()
            }
            _ => Taint::default(),
        }
    }

    fn given_arguments(
        &mut self,
        index: usize,
        method: &str,
        arguments: &[Value],
        span: Span,
    ) -> Taint {
        let mut texts: Vec<Text> = Vec::new();
        for value in arguments {
            for text in listed(value) {
                self.argument(index, &text, value);
                texts.push(text);
            }
        }
        let Some(spawned) = self.facts.spawned.get(index).cloned() else { return Taint::default() };
        let mut data = Taint::default();
        for value in arguments {
            data.merge(&self.with_written(value));
        }
        for argument in texts.iter().map(|text| text.text.as_str()) {
            for word in argument.split([' ', '"', '\'', '=', ';', '|', '>', '<', '~', '@']) {
                self.place(word.trim_matches(['(', ')', '/']), span);
            }
        }
        // What a program does that a parameter names is settled where the function is called.
        if !self.started.get(index).is_some_and(|started| started.program) {
            self.options(&spawned, arguments, span);
            if self.data_use(&spawned) == Some(DataUse::Wraps) {
                self.wrapped(index, arguments, &data, span);
            } else {
                self.handle(&spawned, method, (&texts, arguments), &mut data, span);
            }
        }
        if let Some(started) = self.started.get_mut(index) {
            started.data.merge(&data);
        }
        data
    }

    /// What a program does with the data that it is given: `data` is that, and afterwards what it gives.
    fn handle(
        &mut self,
        spawned: &Spawned,
        method: &str,
        (texts, values): (&[Text], &[Value]),
        data: &mut Taint,
        span: Span,
    ) {
        match self.data_use(spawned) {
            Some(DataUse::Fetches) => {
                if self.has(data, &[StepKind::Secret, StepKind::Read]) {
                    let step = self.step(StepKind::Send, &spawned.program, "", span);
                    self.emit(data, step);
                }
                let line = spawned.arguments.join(" ");
                let step = self.step(StepKind::Fetch, &spawned.program, &line, span);
                data.merge(&Taint::step(step));
                self.put_into(texts, values, data, &spawned.program, span);
            }
            Some(DataUse::RunsFetched) => {
                let line = spawned.arguments.join(" ");
                let fetch = self.step(StepKind::Fetch, &spawned.program, &line, span);
                let run = self.step(StepKind::Spawn, &spawned.program, &line, span);
                self.emit(&Taint::step(fetch), run);
            }
            Some(DataUse::Decodes) => {
                for text in texts {
                    data.merge(&self.input(text, &spawned.program, span));
                }
                let step = self.step(StepKind::Decode, &spawned.program, "", span);
                data.merge(&Taint::step(step));
                self.put_into(texts, values, data, &spawned.program, span);
            }
            Some(DataUse::Moves) => {
                if !data.is_clean() {
                    self.put_into(texts, values, data, &spawned.program, span);
                }
            }
            Some(DataUse::Interprets) => self.interpreted(spawned, (texts, values), data, span),
            Some(DataUse::Compiles) => {
                let first = texts.first().map_or("", |text| text.text.as_str());
                let step = self.step(StepKind::Link, &spawned.program, first, span);
                self.emit(data, step);
            }
            Some(DataUse::Wraps) => {}
            None => {
                let step = self.step(StepKind::Spawn, method, &spawned.program, span);
                self.emit(data, step);
            }
        }
    }

    pub(super) fn data_use(&self, spawned: &Spawned) -> Option<DataUse> {
        self.table.data_use(&spawned.program, &spawned.arguments)
    }

    fn argument(&mut self, index: usize, text: &Text, value: &Value) {
        let Some(spawned) = self.facts.spawned.get_mut(index) else { return };
        if spawned.arguments.len() >= ARGUMENTS {
            return;
        }
        let position = spawned.arguments.len();
        spawned.arguments.push(super::cut(&text.text));
        let parameters = value.taint.parameters;
        if text.text == "{}" && parameters.is_power_of_two() {
            let is_open = self.started.get_mut(index).is_some_and(|started| {
                started.arguments.push((position, parameters));
                started.program || started.arguments.len() > 1
            });
            if !is_open {
                let (what, text) = (Use::Program(index), text.clone());
                self.leave_open(OpenUse { what, text, parameters });
            }
        }
    }

    /// A file of the crate that a program is given.
    pub(super) fn input(&mut self, text: &Text, program: &str, span: Span) -> Taint {
        let path = text.text.as_str();
        if !names_a_file(path) {
            return Taint::default();
        }
        let kind = if path.contains('*') { ReadKind::Glob } else { ReadKind::File };
        self.reached(kind, text, span);
        let step = self.step(StepKind::Read, program, path, span);
        Taint::step(step)
    }

    /// Data that a program can have put into every file that it was given.
    fn put_into(
        &mut self,
        texts: &[Text],
        values: &[Value],
        data: &Taint,
        program: &str,
        span: Span,
    ) {
        let targets: Vec<&Text> = texts
            .iter()
            .filter(|text| !text.text.starts_with('-') && !text.text.contains("://"))
            .collect();
        if targets.is_empty() {
            return;
        }
        let step = self.step(StepKind::Write, program, "", span);
        let mut after = data.clone();
        after.merge(&Taint::step(step));
        for text in targets {
            self.holds(text, &after, None);
        }
        for root in values.iter().filter_map(|value| value.root.clone()) {
            self.add(&root, &after);
        }
    }
}

/// What is kept of a started program beyond the facts.
#[derive(Clone, Debug, Default)]
pub(super) struct Started {
    /// Whether a parameter names it.
    pub program: bool,
    /// Arguments that parameters give.
    pub arguments: super::open::OpenArguments,
    /// The data that comes out of it.
    pub data: Taint,
    /// The program that it starts, where it is a wrapper.
    pub wraps: Option<usize>,
}

/// Whether a constant argument names a file of the crate, not a flag, an address or a place outside.
pub(super) fn names_a_file(text: &str) -> bool {
    let path = paths::from_root(text);
    !path.starts_with(['-', '$', '/', '{', '|', '%', '@', '<', '>'])
        && path.len() >= 3
        && path.len() <= 300
        && path.contains(['.', '/'])
        && !path.contains("://")
        && !path.contains([' ', '\'', '"', '=', '(', ';', '\\'])
        && path.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '*'))
}

/// `std::process::Command::new` to `std::process::Command`.
fn command_type(api: &str) -> String {
    api.strip_suffix("::new").unwrap_or(api).to_owned()
}
