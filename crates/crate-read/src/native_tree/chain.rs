//! Commands that turn data into commands: cut out, mapped, decoded, then run. The loader of the xz
//! backdoor was such a chain, spread over variables of an m4 file.
//!
//! Variables, functions and files that hold such data are followed inside one file, twice, so that the
//! order of definitions does not matter. `eval` of a configure script's own variables is everyday, and so
//! is `sed`; only decoding, decrypting and cutting by position count before `eval`.

use std::collections::BTreeMap;

use super::TextFile;
use super::command::{Command, assigned, is_assignment};
use super::facts::{ChainKind, ChainStep, CommandChain};
use super::kind::TextKind;
use super::shell::{self, Logical};
use custody_bytes::excerpt::excerpt;

/// Most steps of a chain.
const STEPS: usize = 16;
/// Most variables, functions and files that are followed.
const FOLLOWED: usize = 2_000;
/// Most chains of one file.
const CHAINS: usize = 32;
/// Deepest nesting of substitutions and quoted commands.
const DEEPEST: u32 = 5;

/// What a variable or function stands for.
#[derive(Clone, Debug, Default)]
struct Held {
    /// Data that came out of these steps.
    output: Vec<ChainStep>,
    /// Commands with these steps, not run yet.
    commands: Vec<ChainStep>,
}

/// One reading of one file.
struct Reading<'f> {
    file: &'f TextFile<'f>,
    names: BTreeMap<String, Held>,
    /// Files that hold data of these steps.
    files: BTreeMap<String, Vec<ChainStep>>,
    function: Option<String>,
    line: u64,
    chains: Vec<CommandChain>,
}

/// Reads one build file.
pub(super) fn read(file: &TextFile<'_>, kind: TextKind, text: &str) -> Vec<CommandChain> {
    let lines = shell::logical_lines(kind, text);
    let mut reading = Reading {
        file,
        names: BTreeMap::new(),
        files: BTreeMap::new(),
        function: None,
        line: 0,
        chains: Vec::new(),
    };
    reading.all(&lines);
    if reading.names.is_empty() && reading.files.is_empty() && reading.chains.is_empty() {
        return Vec::new();
    }
    reading.chains.clear();
    reading.all(&lines);
    reading.chains.dedup_by_key(|chain| chain.line);
    reading.chains
}

/// Steps that hide what is run. A mapping hides it only where the result goes straight to a shell:
/// configure scripts map characters before `eval` to make names of variables.
fn hides(steps: &[ChainStep], mapping_counts: bool) -> bool {
    steps.iter().any(|step| match step.what {
        ChainKind::Decode | ChainKind::Decrypt | ChainKind::Slice => true,
        ChainKind::Map => mapping_counts,
        ChainKind::Search | ChainKind::Run => false,
    })
}

impl Reading<'_> {
    fn all(&mut self, lines: &[Logical]) {
        for logical in lines {
            self.line = logical.line;
            let text = logical.text.trim_end();
            if let Some(name) = function_head(text) {
                self.function = Some(name.to_owned());
            } else if text.starts_with('}') {
                self.function = None;
            }
            self.text(text, 0);
        }
    }

    /// All pipelines of a text; the answer is what comes out of the last one.
    fn text(&mut self, text: &str, depth: u32) -> Vec<ChainStep> {
        let mut last = Vec::new();
        if depth > DEEPEST {
            return last;
        }
        for pipeline in shell::pipelines(text) {
            last = self.pipeline(&pipeline, depth);
        }
        last
    }

    /// One pipeline: what flows through it, who runs it, where it is kept.
    fn pipeline(&mut self, commands: &[&str], depth: u32) -> Vec<ChainStep> {
        let mut steps: Vec<ChainStep> = Vec::new();
        for (index, text) in commands.iter().enumerate() {
            let words = shell::words(text);
            if self.assignments(&words, text, depth) {
                continue;
            }
            let inner = self.substituted(text, depth);
            let Some(command) = Command::of(&words) else { continue };
            let is_eval = command.program == "eval";
            let evaluated;
            let command = if is_eval {
                let Some(rest) = Command::of(&command.arguments) else { continue };
                evaluated = rest;
                &evaluated
            } else {
                &command
            };
            let held = self.mentioned(text, command);
            let mut arguments = inner;
            arguments.extend(held.output);
            if is_eval && hides(&arguments, false) {
                self.run(&arguments, text);
            }
            if let Some(inline) = command.inline() {
                if hides(&arguments, false) {
                    self.run(&arguments, text);
                }
                let unquoted = inline.replace("\\\"", "\"").replace("\\$", "$");
                extend(&mut steps, self.text(&unquoted, depth + 1));
            }
            extend(&mut steps, arguments);
            extend(&mut steps, held.commands);
            if let Some(script) = command.script()
                && let Some(from) = self.files.get(base(script)).cloned()
            {
                self.run(&from, text);
            }
            let started = words.first().filter(|word| word.contains('/'));
            if let Some(from) = started.and_then(|word| self.files.get(base(word))).cloned() {
                self.run(&from, text);
            }
            if let Some(what) = command.kind() {
                extend(&mut steps, vec![self.step(what, text)]);
            } else if index > 0 && command.interprets_input() && hides(&steps, true) {
                self.run(&steps, text);
            }
            if sources_input(command) && hides(&steps, false) {
                self.run(&steps, text);
            }
            self.written(text, &steps);
        }
        if let Some(function) = self.function.clone()
            && !steps.is_empty()
        {
            extend(&mut self.hold(&function).commands, steps.clone());
        }
        steps
    }

    /// Takes in `name=value`; the answer is whether the command was that and nothing else.
    fn assignments(&mut self, words: &[&str], text: &str, depth: u32) -> bool {
        let spaced = matches!(words.get(1), Some(&("=" | ":=" | "+=" | "?=")));
        let only = spaced || (!words.is_empty() && words.iter().all(|word| is_assignment(word)));
        if spaced {
            // make: NAME = the rest of the line
            let value = text.split_once('=').map_or("", |(_, value)| value);
            self.assign(words[0], value.trim(), depth);
        }
        if only && !spaced {
            for (name, value) in words.iter().filter_map(|word| assigned(word)) {
                self.assign(name, value, depth);
            }
        }
        only
    }

    fn assign(&mut self, name: &str, value: &str, depth: u32) {
        let mut held = Held { output: self.substituted(value, depth), commands: Vec::new() };
        let text = shell::without_quotes(value);
        if text.contains(' ') && depth < DEEPEST {
            let text = text.replace("\\\"", "\"").replace("\\$", "$").replace("\\`", "`");
            // Text of commands is not run here: what it would run is looked at where it is used.
            let before = self.chains.len();
            held.commands = self.text(&text, depth + 1);
            self.chains.truncate(before);
        } else {
            for other in shell::variables(text) {
                if let Some(known) = self.names.get(other).cloned() {
                    extend(&mut held.output, known.output);
                    extend(&mut held.commands, known.commands);
                }
            }
        }
        if !held.output.is_empty() || !held.commands.is_empty() {
            *self.hold(name) = held;
        }
    }

    fn hold(&mut self, name: &str) -> &mut Held {
        if self.names.len() >= FOLLOWED {
            self.names.clear();
        }
        self.names.entry(name.to_owned()).or_default()
    }

    /// What the substitutions in a command give.
    fn substituted(&mut self, text: &str, depth: u32) -> Vec<ChainStep> {
        let mut steps = Vec::new();
        if depth < DEEPEST {
            for inner in shell::substitutions(text) {
                let inner = inner.replace("\\`", "`").replace("\\$", "$");
                extend(&mut steps, self.text(&inner, depth + 1));
            }
        }
        steps
    }

    /// What the variables in a command, and the function that it calls, stand for.
    fn mentioned(&self, text: &str, command: &Command<'_>) -> Held {
        let mut all = Held::default();
        let called = self.names.get(&command.program).into_iter();
        let named = shell::variables(text).into_iter().filter_map(|name| self.names.get(name));
        for held in named.chain(called) {
            extend(&mut all.output, held.output.clone());
            extend(&mut all.commands, held.commands.clone());
        }
        if reads_files(command) {
            for argument in &command.arguments {
                if let Some(steps) = self.files.get(base(argument.trim_start_matches('<'))) {
                    extend(&mut all.output, steps.clone());
                }
            }
        }
        all
    }

    /// Remembers the files that data is written to: `> file`, `of=file`, `tee file`, `-o file`.
    fn written(&mut self, text: &str, steps: &[ChainStep]) {
        if !hides(steps, true) || self.files.len() >= FOLLOWED {
            return;
        }
        let words = shell::words(text);
        for (index, word) in words.iter().enumerate() {
            let target = match word.trim_start_matches('1').strip_prefix('>') {
                Some(rest) if rest.trim_start_matches('>').is_empty() => {
                    words.get(index + 1).copied()
                }
                Some(rest) => Some(rest.trim_start_matches('>')),
                None => word.strip_prefix("of=").or_else(|| {
                    let before = index.checked_sub(1).and_then(|before| words.get(before));
                    matches!(before, Some(&("tee" | "-o" | "-out"))).then_some(*word)
                }),
            };
            let target = target.map_or("", base);
            if !target.is_empty() && !target.starts_with('&') && target != "null" {
                self.files.insert(target.to_owned(), steps.to_vec());
            }
        }
    }

    fn step(&self, what: ChainKind, text: &str) -> ChainStep {
        ChainStep { what, line: self.line, text: excerpt(text, 120) }
    }

    fn run(&mut self, steps: &[ChainStep], text: &str) {
        if self.chains.len() >= CHAINS {
            return;
        }
        let mut steps: Vec<ChainStep> = steps.iter().take(STEPS - 1).cloned().collect();
        steps.push(self.step(ChainKind::Run, text));
        self.chains.push(CommandChain {
            steps,
            path: self.file.path.to_owned(),
            line: self.line,
            sha256: self.file.sha256.to_owned(),
        });
    }
}

/// Appends steps that are not there yet, up to the bound.
fn extend(steps: &mut Vec<ChainStep>, more: Vec<ChainStep>) {
    for step in more {
        if steps.len() < STEPS - 1 && !steps.contains(&step) {
            steps.push(step);
        }
    }
}

/// The name of a file without folders and quotes.
fn base(path: &str) -> &str {
    let path = shell::without_quotes(path);
    path.rsplit('/').next().unwrap_or(path)
}

/// A command that reads the files it names, rather than runs them or only handles them.
fn reads_files(command: &Command<'_>) -> bool {
    !command.is_interpreter()
        && !matches!(command.program.as_str(), "." | "source" | "rm" | "chmod" | "test" | "[")
}

/// `. /dev/stdin` and `source <(...)`.
fn sources_input(command: &Command<'_>) -> bool {
    let takes = |a: &&str| a.starts_with("<(") || **a == *"/dev/stdin";
    (matches!(command.program.as_str(), "." | "source") || command.is_interpreter())
        && command.arguments.iter().any(takes)
}

/// The name of a function that a line begins to define.
fn function_head(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let (name, rest) = text.strip_prefix("function ").unwrap_or(text).split_once('(')?;
    let name = name.trim_end();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (plain && rest.trim_start().starts_with(')')).then_some(name)
}
