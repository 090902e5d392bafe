//! Follows the data of a shell script: through variables, functions, pipes, redirections and files.

use std::collections::BTreeMap;

use super::parse::{self, Command, Kind, List, Redirection};
use super::programs;
use super::{ACTS, Act, End, Origin};

/// Most commands that are followed, with those of functions and of texts that are run.
const COMMANDS: usize = 20_000;
/// Deepest calls, substitutions and texts that are run.
const DEEPEST: u32 = 16;
/// Most variables and files.
pub(super) const NAMES: usize = 2_000;
/// Longest constant text that is followed.
pub(super) const LONGEST: usize = 16 << 10;

/// What is known of data.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    /// What it is made of: the command that brought each.
    pub fetched: Option<String>,
    pub decoded: Option<String>,
    pub secret: Option<String>,
    /// The text itself, where it is constant.
    pub text: Option<String>,
}

impl Data {
    pub(super) fn of_text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Takes in where other data comes from; the text stays.
    pub(super) fn merge(&mut self, other: &Self) {
        let or = |to: &mut Option<String>, from: &Option<String>| {
            if to.is_none() {
                to.clone_from(from);
            }
        };
        or(&mut self.fetched, &other.fetched);
        or(&mut self.decoded, &other.decoded);
        or(&mut self.secret, &other.secret);
    }

    pub(super) fn is_clean(&self) -> bool {
        self.fetched.is_none() && self.decoded.is_none() && self.secret.is_none()
    }
}

/// Reads a script.
pub(super) fn read(text: &str) -> Vec<Act> {
    let mut reading = Reading { left: COMMANDS, ..Reading::default() };
    reading.code(text, &Data::default());
    reading.acts
}

#[derive(Default)]
pub(super) struct Reading {
    pub names: BTreeMap<String, Data>,
    /// Arrays, word by word.
    pub arrays: BTreeMap<String, Vec<Data>>,
    pub files: BTreeMap<String, Data>,
    pub functions: BTreeMap<String, List>,
    pub acts: Vec<Act>,
    pub left: usize,
    pub depth: u32,
    pub line: u32,
    pub temporary: u32,
}

impl Reading {
    /// Runs a constant text; the data that it prints.
    pub(super) fn code(&mut self, text: &str, input: &Data) -> Data {
        if self.depth >= DEEPEST || text.len() > super::MAX_BYTES {
            return Data::default();
        }
        let line = self.line;
        let list = parse::parse(text);
        let output = self.list(&list, input, line.saturating_sub(1));
        self.line = line;
        output
    }

    /// `above` is added to line numbers: a text inside a script counts from its own first line.
    pub(super) fn list(&mut self, list: &List, input: &Data, above: u32) -> Data {
        let mut all = Data::default();
        if self.depth >= DEEPEST {
            return all;
        }
        self.depth += 1;
        let single = list.len() == 1;
        for pipeline in list {
            let mut data = input.clone();
            let count = pipeline.commands.len();
            for (index, command) in pipeline.commands.iter().enumerate() {
                let piped = index > 0 || count == 1;
                data = self.command(command, &data, piped, above);
            }
            all.merge(&data);
            if single {
                all.text = data.text;
            }
        }
        self.depth -= 1;
        all
    }

    pub(super) fn command(
        &mut self,
        command: &Command,
        input: &Data,
        piped: bool,
        above: u32,
    ) -> Data {
        let Some(left) = self.left.checked_sub(1) else { return Data::default() };
        self.left = left;
        self.line = above + command.line;
        let mut input = if piped { input.clone() } else { Data::default() };
        let mut output = Data::default();
        for redirection in &command.redirections {
            self.comes_in(redirection, &mut input, &command.text);
        }
        match &command.kind {
            Kind::Simple(words) => output = self.simple(words, &input, &command.text),
            Kind::Group(list) => output = self.list(list, &input, above),
            Kind::For(name, words, body) => {
                let mut items = Data::default();
                for word in words {
                    items = self.word(word);
                }
                self.assign(name, items);
                output = self.list(body, &input, above);
            }
            Kind::Function(name, body) => {
                if self.functions.len() < NAMES {
                    self.functions.insert(name.clone(), body.clone());
                }
            }
        }
        for redirection in &command.redirections {
            self.goes_out(redirection, &output, &command.text);
        }
        output
    }

    /// `< file`, `<<< text`, `<<END`, `<& 3`, `< /dev/tcp/..`.
    pub(super) fn comes_in(&mut self, redirection: &Redirection, input: &mut Data, text: &str) {
        let mut target = self.word(&redirection.target);
        let name = target.text.clone().unwrap_or_default();
        if name.starts_with("/dev/tcp/") || name.starts_with("/dev/udp/") {
            let fetched = Data { fetched: Some(text.to_owned()), ..Data::default() };
            if redirection.operator != ">" && redirection.operator != ">>" {
                self.keep(&format!("&{}", redirection.number), fetched.clone());
                input.merge(&fetched);
            }
            return;
        }
        match redirection.operator {
            "<<<" | "<<" | "<<-" => *input = target,
            "<&" => {
                let held = self.file(&format!("&{name}"));
                input.merge(&held);
                target.text = None;
                input.merge(&target);
            }
            "<" | "<>" => {
                let mut held = self.file(&name);
                held.merge(&target);
                if programs::is_secret_place(&name) {
                    held.secret = Some(text.to_owned());
                }
                input.merge(&held);
                input.text = held.text;
            }
            _ => {}
        }
    }

    pub(super) fn goes_out(&mut self, redirection: &Redirection, output: &Data, text: &str) {
        if !matches!(redirection.operator, ">" | ">>" | ">|" | "&>" | ">&") {
            return;
        }
        if redirection.number == "2" {
            return;
        }
        let name = self.word(&redirection.target).text.unwrap_or_default();
        if name.starts_with("/dev/tcp/") || name.starts_with("/dev/udp/") {
            self.act(output.secret.as_ref(), Origin::Secret, End::Send, text);
        }
        self.keep(&name, output.clone());
        if let Some(process) = name.strip_prefix('&') {
            self.assign(process, output.clone());
        }
    }

    /// Data is started or run as code.
    pub(super) fn run(&mut self, data: &Data, text: &str) {
        if data.fetched.is_some() {
            self.act(data.fetched.as_ref(), Origin::Fetch, End::Run, text);
        } else {
            self.act(data.decoded.as_ref(), Origin::Decode, End::Run, text);
        }
    }

    pub(super) fn act(&mut self, from: Option<&String>, origin: Origin, end: End, text: &str) {
        let Some(from) = from.cloned() else { return };
        self.push(Act { origin, end, from, to: text.to_owned(), line: self.line });
    }

    pub(super) fn push(&mut self, act: Act) {
        let known = self.acts.iter().any(|known| {
            (known.origin, known.end, &known.from, &known.to)
                == (act.origin, act.end, &act.from, &act.to)
        });
        if self.acts.len() < ACTS && !known {
            self.acts.push(act);
        }
    }
}
