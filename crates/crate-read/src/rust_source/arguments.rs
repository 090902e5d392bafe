//! What arguments mean to the program that is given them: which are code, which name a script or another
//! program, and what the environment of a child changes. The grammar is data of the table.

use proc_macro2::Span;

use super::effects::listed;
use super::facts::{Spawned, StepKind};
use super::programs::names_a_file;
use super::table::{DataUse, Given};
use super::value::{Taint, Text, Value};
use super::walk::Walk;
use crate::script::is_option;

impl Walk<'_> {
    /// An interpreter is given data: as a script that was written, or as code in the argument itself.
    pub(super) fn interpreted(
        &mut self,
        spawned: &Spawned,
        (texts, values): (&[Text], &[Value]),
        data: &mut Taint,
        span: Span,
    ) {
        let step = self.step(StepKind::Spawn, &spawned.program, "", span);
        let before = spawned.arguments.len().saturating_sub(texts.len() + 1);
        self.encoded_command(&spawned.arguments[before..], step, span);
        // The first argument of awk is its program.
        let first = spawned.arguments.iter().position(|text| !text.starts_with('-'));
        let is_awk = matches!(spawned.program.as_str(), "awk" | "gawk" | "mawk")
            && first.is_some_and(|at| at + texts.len() >= spawned.arguments.len());
        let is_inline = is_awk || spawned.arguments[before..].iter().any(|text| is_inline(text));
        if is_inline || self.has(data, &[StepKind::Write]) {
            self.emit(data, step);
        }
        // Code that stands nowhere: not in the text, not in a parameter, not in what was read.
        let hidden = |value: &Value| {
            value.taint.is_clean() && value.list.is_none() && value.shown().text == "{}"
        };
        if is_inline && data.is_clean() && values.iter().any(hidden) {
            let made = self.step(StepKind::Compute, "an argument", "", span);
            self.emit(&Taint::step(made), step);
        }
        // A script whose text stands in the code.
        for text in
            texts.iter().filter_map(|text| self.texts.get(&text.text).cloned()).collect::<Vec<_>>()
        {
            data.merge(&self.line_of_code(&spawned.program, &text, step, span));
        }
        let others = values.iter().flat_map(|value| &value.also);
        let is_line = |text: &&Text| {
            text.text.contains([' ', '\n']) || (is_inline && text.text.contains(['$', '(', '`']))
        };
        for line in texts.iter().chain(others).filter(is_line) {
            data.merge(&self.line_of_code(&spawned.program, &line.text, step, span));
        }
        self.shipped_script(spawned, texts.len(), span);
    }

    /// `powershell -EncodedCommand ..`: a text that nobody can read is run.
    fn encoded_command(&mut self, arguments: &[String], runs: u32, span: Span) {
        for pair in arguments.windows(2) {
            let flag = pair[0].to_ascii_lowercase();
            let is_flag = flag.len() >= 3 && "-encodedcommand".starts_with(&flag) || flag == "-ec";
            if is_flag && pair[1].len() >= 32 && !pair[1].contains(' ') {
                let mut data = Taint::step(self.step(StepKind::Literal, "literal", "", span));
                data.merge(&Taint::step(self.step(StepKind::Decode, &pair[0], "", span)));
                self.emit(&data, runs);
            }
        }
    }

    /// A program that starts another one: the first argument that is neither an option nor a number is
    /// that program, the rest is for it.
    pub(super) fn wrapped(&mut self, index: usize, values: &[Value], data: &Taint, span: Span) {
        for value in values {
            let list = listed(value);
            for text in &list {
                let one = Value {
                    text: Some(text.clone()),
                    list: None,
                    taint: if list.len() == 1 { value.taint.clone() } else { Taint::default() },
                    ..value.clone()
                };
                let inner = self.started.get(index).and_then(|started| started.wraps);
                // `env -S line`, `script -qc line`, `watch line`.
                if inner.is_none() && text.text.contains(' ') {
                    let step = self.step(StepKind::Spawn, "a line for a wrapper", "", span);
                    self.line_of_code("sh", &text.text, step, span);
                }
                match inner {
                    Some(inner) => {
                        self.command_arguments(inner, "arg", &[one], span);
                    }
                    None if is_option(&text.text) => {}
                    None => {
                        let started = self.spawn("std::process::Command::new", &one, span).spawned;
                        if let Some(wrapper) = self.started.get_mut(index) {
                            wrapper.wraps = started;
                        }
                    }
                }
            }
        }
        // `timeout -s KILL 9 $program`: where the program's place is not told, what was written runs.
        let unsure = self.started.get(index).and_then(|started| started.wraps);
        let unknown = unsure.and_then(|at| self.facts.spawned.get(at).cloned());
        if unknown.is_none_or(|inner| self.data_use(&inner).is_none())
            && self.has(data, &[StepKind::Write])
        {
            let step = self.step(StepKind::Spawn, "started by another program", "", span);
            self.emit(data, step);
        }
    }

    /// Options of a known program that name code: `tar --to-command=x`, `make -f x`, `cc -B x`.
    pub(super) fn options(&mut self, spawned: &Spawned, values: &[Value], span: Span) {
        let new: usize = values.iter().map(|value| listed(value).len()).sum();
        let mut at = spawned.arguments.len().saturating_sub(new);
        for value in values {
            for text in listed(value) {
                // `git -c alias.x='!line'`
                if let Some((_, line)) =
                    text.text.split_once("=!").filter(|_| spawned.program == "git")
                {
                    let step = self.step(StepKind::Spawn, &spawned.program, "", span);
                    self.line_of_code("sh", line, step, span);
                }
                let before = at.checked_sub(1).and_then(|at| spawned.arguments.get(at));
                let before = before.map_or("", String::as_str);
                let found = self.table.option(&spawned.program, before, &text.text);
                let found = found.map(|(given, rest)| (given, rest.to_owned()));
                if let Some((given, rest)) = found {
                    self.option(spawned, given, &rest, value, span);
                }
                at += 1;
            }
        }
    }

    fn option(&mut self, spawned: &Spawned, given: Given, rest: &str, value: &Value, span: Span) {
        let rest = rest.trim_matches(['"', '\'']);
        let given_text = Text { text: rest.to_owned(), whole: !rest.contains("{}") };
        let named = Value { text: Some(given_text), list: None, ..value.clone() };
        let mut data = self.with_written(&named);
        let kind = match given {
            Given::Library | Given::Libraries => StepKind::Load,
            _ => StepKind::Spawn,
        };
        let step = self.step(kind, &spawned.program, rest, span);
        match given {
            Given::Program => {
                let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                if let Some((program, arguments)) = words.split_first() {
                    self.start(program, arguments, span);
                    self.line_of_code("sh", rest, step, span);
                }
                for text in spawned.arguments.clone() {
                    let text = Text::whole(text);
                    data.merge(&self.input(&text, &spawned.program, span));
                }
            }
            Given::Programs | Given::Libraries => data.merge(&self.below(rest)),
            Given::Script if is_document(rest) => self.script_file(&spawned.program, rest, span),
            Given::Script | Given::Library | Given::Code => {}
        }
        let shipped = given != Given::Script && names_a_file(rest);
        if !shipped && !self.has(&data, &[StepKind::Write, StepKind::Read]) {
            return;
        }
        if given == Given::Script && !self.has(&data, &[StepKind::Write]) {
            return;
        }
        if shipped {
            data.merge(&Taint::step(self.step(StepKind::Read, &spawned.program, rest, span)));
        }
        self.emit(&data, step);
    }

    /// The environment of a child: where it finds its programs, and what it loads or runs first.
    pub(super) fn child_variable(&mut self, name: &str, value: &Value, span: Span) {
        let Some(given) = self.table.child(name) else { return };
        let mut data = match given {
            Given::Programs | Given::Libraries => Taint::default(),
            _ => self.with_written(value),
        };
        if given != Given::Code && !data.is_clean() && !self.has(&data, &[StepKind::Write]) {
            return;
        }
        let mut shown = String::new();
        for text in listed(value) {
            for part in text.text.split([':', ';']) {
                if matches!(given, Given::Programs | Given::Libraries) {
                    data.merge(&self.below(part));
                    let inside = part.starts_with("$CARGO_MANIFEST_DIR/");
                    if inside {
                        let step = self.step(StepKind::Read, "Command::env", part, span);
                        data.merge(&Taint::step(step));
                    }
                }
                if shown.is_empty() {
                    part.clone_into(&mut shown);
                }
            }
        }
        let is_library = matches!(given, Given::Library | Given::Libraries);
        let kind = if is_library { StepKind::Load } else { StepKind::Spawn };
        let step = self.step(kind, name, &shown, span);
        self.emit(&data, step);
    }

    /// What was written directly into a folder.
    fn below(&self, folder: &str) -> Taint {
        let mut data = Taint::default();
        let folder = folder.trim_end_matches('/');
        if folder.len() < 3 {
            return data;
        }
        for (path, held) in self.held_files() {
            let inside = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            if inside.is_some_and(|name| !name.contains('/')) {
                data.merge(held);
            }
        }
        data
    }

    /// What goes into the standard input of a program: code for an interpreter, and for what is not known.
    pub(super) fn child_input(&mut self, index: usize, method: &str, data: &[Value], span: Span) {
        let Some(spawned) = self.facts.spawned.get(index).cloned() else { return };
        let by_input = spawned
            .arguments
            .iter()
            .any(|text| matches!(text.as_str(), "-" | "/dev/stdin" | "-f-" | "--file=-"));
        let runs = match self.data_use(&spawned) {
            Some(DataUse::Interprets | DataUse::Wraps) => true,
            Some(DataUse::Compiles) => by_input,
            _ => false,
        };
        if runs {
            let step = self.step(StepKind::Spawn, method, "", span);
            for value in data {
                self.emit(&self.with_written(value), step);
                let line = value.shown();
                if line.text.contains([' ', '\n']) {
                    self.line_of_code(&spawned.program, &line.text, step, span);
                }
            }
        }
    }
}

/// Whether a file is named as a document, picture or table.
fn is_document(path: &str) -> bool {
    const KINDS: [&str; 16] = [
        "md", "txt", "css", "html", "svg", "png", "jpg", "ico", "dat", "bin", "csv", "tsv", "json",
        "woff", "ttf", "pdf",
    ];
    path.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind))
}

/// Whether an argument says that the next one is code.
fn is_inline(text: &str) -> bool {
    const FLAGS: [&str; 16] = [
        "-c",
        "-e",
        "-r",
        "-p",
        "-lc",
        "-ec",
        "-xc",
        "/c",
        "/k",
        "-command",
        "-encodedcommand",
        "-enc",
        "--eval",
        "--command",
        "eval",
        "-s",
    ];
    let text = text.to_ascii_lowercase();
    FLAGS.contains(&text.as_str())
}
