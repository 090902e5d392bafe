//! A line of code that is handed to a shell or another interpreter: the programs that it starts, the
//! files that it reads, and data that it decodes or fetches and then runs.
//!
//! Words, pipes, substitutions and redirections are split by [`shell`], a lexer of our own that never
//! recurses: what is asked of a line is which programs it starts with which words, and half of the lines
//! come out of format strings with holes that no grammar takes. The grammars of tree-sitter are C that a
//! build script compiles, which is not put in front of hostile bytes here; `brush-parser` is Rust, but a
//! parser of whole scripts by recursion, which gives nothing for a line that it refuses.

use proc_macro2::Span;

use super::facts::{ReadKind, StepKind};
use super::programs::names_a_file;
use super::table::DataUse;
use super::value::{Taint, Text};
use super::walk::Walk;
use crate::native_tree::command::Command;
use crate::native_tree::{ChainKind, shell};
use crate::script::is_option;

/// Deepest substitution that is read.
const DEEPEST: u32 = 4;
/// Most programs of one line.
const PROGRAMS: usize = 64;
/// Most wrappers around one program.
const WRAPPERS: usize = 4;
/// Where data can come from.
const ORIGINS: [StepKind; 5] =
    [StepKind::Fetch, StepKind::Literal, StepKind::Read, StepKind::Secret, StepKind::Compute];
/// Shortest run of base64 or hexadecimal inside a line that stands for data, in characters.
const ENCODED: usize = 120;

impl Walk<'_> {
    /// Reads a line that a program is given; the data that comes out of it. `runs` is the step of the
    /// interpreter that is given the line.
    pub(super) fn line_of_code(
        &mut self,
        program: &str,
        text: &str,
        runs: u32,
        span: Span,
    ) -> Taint {
        let mut out = Taint::default();
        let known = self.facts.flows.len();
        if holds_encoded(text) && decodes(text) {
            let mut data = Taint::step(self.step(StepKind::Literal, "literal", "", span));
            data.merge(&Taint::step(self.step(StepKind::Decode, "inside the line", "", span)));
            self.emit(&data, runs);
        }
        let text = text.replace("${IFS}", " ").replace("$IFS", " ").replace("|&", "|");
        self.pipelines(&text, span, 0, &mut out);
        self.acts_of_line(program, text.as_str(), known, span);
        out
    }

    fn pipelines(&mut self, text: &str, span: Span, depth: u32, out: &mut Taint) {
        for pipeline in shell::pipelines(text).into_iter().take(PROGRAMS) {
            let mut data = Taint::default();
            for (index, command) in pipeline.iter().enumerate().take(PROGRAMS) {
                self.command_of_line(command, index > 0, span, depth, &mut data);
            }
            out.merge(&data);
        }
    }

    /// One command: `data` is what comes in, and afterwards what goes out.
    fn command_of_line(
        &mut self,
        text: &str,
        piped: bool,
        span: Span,
        depth: u32,
        data: &mut Taint,
    ) {
        if depth < DEEPEST {
            for inner in shell::substitutions(text) {
                let mut given = Taint::default();
                self.pipelines(inner, span, depth + 1, &mut given);
                data.merge(&given);
            }
        }
        let words = shell::words(text);
        let plain = self.plain_words(&words);
        let words: Vec<&str> = plain.iter().map(String::as_str).collect();
        let Some(command) = Command::of(&words) else { return };
        let given = |text: &str| Text { text: text.to_owned(), whole: !text.contains("{}") };
        let arguments: Vec<String> = command.arguments.iter().map(|a| (*a).to_owned()).collect();
        let Some(index) = self.start(&command.program, &arguments, span) else { return };
        let Some(spawned) = self.facts.spawned.get(index).cloned() else { return };
        for word in &words {
            data.merge(&self.held(word));
        }
        let program = command.program.to_ascii_lowercase();
        let known = self.data_use(&spawned);
        let kind = command.kind();
        let decodes = kind.is_some_and(|kind| kind != ChainKind::Search);
        if decodes || matches!(known, Some(DataUse::Moves | DataUse::Decodes)) {
            for word in words.iter().skip(1).filter(|word| names_a_file(word)) {
                data.merge(&self.input(&given(word), &program, span));
            }
        }
        if known == Some(DataUse::RunsFetched) {
            let fetch = self.step(StepKind::Fetch, &program, text, span);
            let run = self.step(StepKind::Spawn, &program, text, span);
            self.emit(&Taint::step(fetch), run);
        }
        if known == Some(DataUse::Fetches) {
            if self.has(data, &[StepKind::Secret, StepKind::Read]) {
                let step = self.step(StepKind::Send, &program, text, span);
                self.emit(data, step);
            }
            data.merge(&Taint::step(self.step(StepKind::Fetch, &program, text, span)));
        } else if decodes || known == Some(DataUse::Decodes) {
            let step_kind = match kind {
                Some(ChainKind::Decrypt) => StepKind::Decrypt,
                _ => StepKind::Decode,
            };
            data.merge(&Taint::step(self.step(step_kind, &program, text, span)));
        }
        if matches!(program.as_str(), "echo" | "printf") && holds_encoded(text) {
            data.merge(&Taint::step(self.step(StepKind::Literal, &program, "", span)));
        }
        if let Some(script) = command.script() {
            self.script_file(&program, script, span);
        }
        let takes_input =
            command.interprets_input() || matches!(program.as_str(), "iex" | "invoke-expression");
        let is_started = words.first().is_some_and(|word| !self.held(word).is_clean());
        if (piped && takes_input) || program == "eval" || command.script().is_some() || is_started {
            let step = self.step(StepKind::Spawn, &program, text, span);
            // `echo c2g= | base64 -d | sh`: too short to be a literal, long enough to be a line.
            if self.is_changed(data) && !self.has(data, &ORIGINS) {
                data.merge(&Taint::step(self.step(StepKind::Compute, "inside the line", "", span)));
            }
            self.emit(data, step);
        }
        if let Some(inline) = command.inline().filter(|_| depth < DEEPEST) {
            self.pipelines(inline, span, depth + 1, data);
        }
        self.redirected(&words, data, span);
    }

    /// Words as the shell runs them: the program without quotes inside its name, without braces before it,
    /// and behind wrappers such as `timeout 9`.
    fn plain_words(&self, words: &[&str]) -> Vec<String> {
        let mut plain: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for _ in 0..WRAPPERS {
            while plain
                .first()
                .is_some_and(|word| matches!(word.as_str(), "{" | "(" | "!" | "then" | "do"))
            {
                plain.remove(0);
            }
            let Some(first) = plain.first_mut() else { return plain };
            *first = first.replace(['"', '\'', '\\'], "");
            let is_wrapper =
                plain.len() > 1 && self.table.data_use(&plain[0], &[]) == Some(DataUse::Wraps);
            if !is_wrapper {
                return plain;
            }
            plain.remove(0);
            while plain.len() > 1 && is_option(&plain[0]) {
                plain.remove(0);
            }
        }
        plain
    }

    /// `> file`, `-o file`, `-OutFile file`, `< file`.
    fn redirected(&mut self, words: &[&str], data: &mut Taint, span: Span) {
        for (index, word) in words.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| words.get(before)).copied();
            if let Some(from) = word.strip_prefix('<').filter(|from| names_a_file(from)) {
                self.reached(ReadKind::File, &Text::whole(from), span);
                data.merge(&Taint::step(self.step(StepKind::Read, "<", from, span)));
            }
            let redirected = word.trim_start_matches('1').strip_prefix('>');
            let target = match (redirected.map(|rest| rest.trim_start_matches('>')), before) {
                (Some(rest), _) if !rest.is_empty() => Some(rest),
                (None, Some(">" | ">>" | "-o" | "-O" | "--output" | "tee" | "-C" | "-d")) => {
                    Some(*word)
                }
                (None, Some(flag)) if flag.eq_ignore_ascii_case("-OutFile") => Some(*word),
                _ => None,
            };
            if let Some(target) = target.filter(|target| !target.starts_with(['&', '-'])) {
                let text = Text { text: target.to_owned(), whole: !target.contains("{}") };
                self.write(&text, None, &data.clone(), "the line's output", span);
            }
        }
    }
}

/// Whether a line says that it decodes something itself.
fn decodes(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "b64decode",
        "frombase64string",
        "base64",
        "-enc",
        "decode_base64",
        "unpack(",
        "unhexlify",
        "fromhex",
        "atob",
        "xxd -r",
        "decompress",
        "unescape",
    ];
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

/// Whether a text holds a long run of base64 or hexadecimal characters.
fn holds_encoded(text: &str) -> bool {
    let is_encoded = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    text.split(|c| !is_encoded(c)).any(|run| {
        run.len() >= ENCODED && run.contains(|c: char| c.is_ascii_digit()) && !run.contains("//")
    })
}
