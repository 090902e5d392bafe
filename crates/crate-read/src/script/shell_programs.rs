//! What the programs of a shell script do with the data that they are given.

use super::evaluate;
use super::parse::{self, Word};
use super::programs::{self, Does};
use super::shell::{Data, Reading};
use super::{Act, Language, foreign};

impl Reading {
    pub(super) fn simple(&mut self, words: &[Word], input: &Data, text: &str) -> Data {
        let mut rest = words;
        while let Some((first, more)) = rest.split_first() {
            if !self.assignment(first) {
                break;
            }
            rest = more;
        }
        let words = self.words(rest);
        self.started(&words, input, text, 0)
    }

    /// A program with its arguments; what it prints.
    pub(super) fn started(
        &mut self,
        words: &[Data],
        input: &Data,
        text: &str,
        wrapped: u32,
    ) -> Data {
        let Some((program, arguments)) = words.split_first() else { return Data::default() };
        let path = program.text.clone().unwrap_or_default();
        let mut runs = program.clone();
        runs.merge(&self.file(&path));
        // A name that is fetched or decoded, or a file that holds such data.
        self.run(&runs, text);
        let mut name = programs::base(&path);
        if name.contains(['?', '*', '[']) && name.len() > 1 {
            name = programs::of_pattern(&name).map_or(name.clone(), str::to_owned);
        }
        let name = name.trim_start_matches('@');
        let texts: Vec<String> =
            arguments.iter().map(|a| a.text.clone().unwrap_or_default()).collect();
        if let Some(body) = self.functions.get(&path).cloned() {
            for (index, argument) in arguments.iter().enumerate().take(9) {
                self.assign(&(index + 1).to_string(), argument.clone());
            }
            return self.list(&body, input, 0);
        }
        if let Some(language) = programs::language(name) {
            return self.interpreter(language, arguments, &texts, input, text);
        }
        let does = programs::does(name, &texts);
        if does == Does::Wrap && wrapped < 6 {
            return self.wrapped(name, arguments, input, text, wrapped);
        }
        self.handled(does, (name, arguments, &texts), input, text)
    }

    /// What a known program makes of its arguments and of what comes in.
    fn handled(
        &mut self,
        does: Does,
        (name, arguments, texts): (&str, &[Data], &[String]),
        input: &Data,
        text: &str,
    ) -> Data {
        let mut given = input.clone();
        given.text = None;
        for argument in arguments {
            given.merge(argument);
        }
        match does {
            Does::Fetch => self.fetch(name, texts, &given, text),
            Does::Decode => {
                let mut data = self.shown(texts, &given, text);
                data.decoded = Some(text.to_owned());
                let from = input.text.as_deref();
                data.text = from.and_then(|digits| evaluate::decoded(name, digits));
                self.output_file(texts, &data);
                data
            }
            Does::Print => self.printed(name, arguments, texts),
            Does::Show | Does::Place => {
                let mut data = self.shown(texts, &given, text);
                if name == "rev" {
                    data.text = input.text.as_ref().map(|t| t.trim_end().chars().rev().collect());
                } else if name == "cat" && texts.is_empty() {
                    data.text.clone_from(&input.text);
                }
                self.placed(name, texts, &data);
                data
            }
            Does::Secret => Data { secret: Some(text.to_owned()), ..Data::default() },
            _ => self.builtin(name, arguments, texts, input, text),
        }
    }

    pub(super) fn wrapped(
        &mut self,
        name: &str,
        arguments: &[Data],
        input: &Data,
        text: &str,
        wrapped: u32,
    ) -> Data {
        let is_option = |data: &Data| {
            let text = data.text.as_deref().unwrap_or("x");
            programs::is_option(text) || text.starts_with('{')
        };
        let at = arguments.iter().position(|data| !is_option(data)).unwrap_or(arguments.len());
        if name == "exec" && at == arguments.len() {
            return Data::default();
        }
        let mut words = arguments[at..].to_vec();
        if matches!(name, "xargs" | "parallel") {
            // What comes in are more arguments.
            words.push(Data { text: None, ..input.clone() });
            return self.started(&words, &Data::default(), text, wrapped + 1);
        }
        self.started(&words, input, text, wrapped + 1)
    }

    /// An interpreter: code in its arguments, a script file, or what comes in.
    pub(super) fn interpreter(
        &mut self,
        language: Language,
        arguments: &[Data],
        texts: &[String],
        input: &Data,
        text: &str,
    ) -> Data {
        let inline = texts.iter().position(|argument| is_inline(language, argument));
        if let Some(at) = inline {
            let mut output = Data::default();
            for code in arguments.iter().skip(at + 1).take(1) {
                output.merge(&self.interpret(language, code, input, text));
            }
            return output;
        }
        let script = arguments.iter().zip(texts).find(|(data, text)| {
            (!text.starts_with('-') || text.is_empty()) && (!text.is_empty() || !data.is_clean())
        });
        match script {
            Some((data, path)) if path != "/dev/stdin" => {
                let mut held = self.file(path);
                held.merge(data);
                self.interpret(language, &held, input, text)
            }
            _ => self.interpret(language, input, &Data::default(), text),
        }
    }

    /// Data is run as code.
    pub(super) fn interpret(
        &mut self,
        language: Language,
        code: &Data,
        input: &Data,
        text: &str,
    ) -> Data {
        let before = self.acts.len();
        self.run(code, text);
        if self.acts.len() > before {
            return Data { text: None, ..code.clone() };
        }
        match (&code.text, language) {
            (Some(code), Language::Shell | Language::Batch) => self.code(&code.clone(), input),
            (Some(code), other) => {
                let line = self.line.saturating_sub(1);
                for act in foreign::read(other, code) {
                    let act = Act { line: act.line + line, ..act };
                    self.push(act);
                }
                Data::default()
            }
            (None, _) => Data::default(),
        }
    }

    pub(super) fn builtin(
        &mut self,
        name: &str,
        arguments: &[Data],
        texts: &[String],
        input: &Data,
        text: &str,
    ) -> Data {
        let mut joined = Data::default();
        for argument in arguments {
            joined.merge(argument);
        }
        let all_known = arguments.iter().all(|argument| argument.text.is_some());
        joined.text = all_known.then(|| texts.join(" "));
        match name {
            "eval" | "iex" | "invoke-expression" => {
                return self.interpret(Language::Shell, &joined, input, text);
            }
            "trap" => {
                if let Some(code) = arguments.first() {
                    self.interpret(Language::Shell, &code.clone(), input, text);
                }
            }
            "." | "source" | "call" => {
                let from = texts.first().map_or("", String::as_str);
                let mut held = if from == "/dev/stdin" { input.clone() } else { self.file(from) };
                if let Some(argument) = arguments.first() {
                    held.merge(argument);
                }
                return self.interpret(Language::Shell, &held, input, text);
            }
            "read" | "mapfile" | "readarray" => {
                for name in texts.iter().filter(|t| !t.starts_with('-')) {
                    self.assign(&name.clone(), input.clone());
                }
            }
            "mktemp" => {
                self.temporary += 1;
                return Data::of_text(format!("/tmp/made-{}", self.temporary));
            }
            "find" => {
                let at = texts.iter().position(|t| matches!(t.as_str(), "-exec" | "-execdir"));
                if let Some(at) = at {
                    return self.started(&arguments[at + 1..], input, text, 1);
                }
            }
            "local" | "export" | "declare" | "readonly" | "typeset" | "set" => {
                self.declared(arguments, texts);
            }
            _ => {}
        }
        Data { text: None, ..joined }
    }

    /// `export name=value`.
    fn declared(&mut self, arguments: &[Data], texts: &[String]) {
        for (data, text) in arguments.iter().zip(texts) {
            if let Some((name, value)) = text.split_once('=').filter(|(n, _)| parse::is_name(n)) {
                let value = Data { text: Some(value.to_owned()), ..data.clone() };
                self.assign(name, value);
            }
        }
    }
}

/// Whether an argument of an interpreter says that code comes next.
fn is_inline(language: Language, argument: &str) -> bool {
    match language {
        Language::Shell => {
            argument.len() <= 8 && argument.starts_with('-') && argument.ends_with('c')
        }
        Language::Batch => matches!(argument, "/c" | "/C" | "/k" | "/K" | "//c"),
        Language::Python => argument == "-c" || (argument.len() <= 4 && argument.ends_with('c')),
        Language::Script => matches!(argument, "-e" | "-p" | "-pe" | "--eval" | "--print" | "eval"),
        Language::Perl | Language::Ruby => {
            argument.len() <= 6 && argument.starts_with('-') && argument.ends_with(['e', 'E'])
        }
        Language::PowerShell => {
            let argument = argument.to_ascii_lowercase();
            matches!(argument.as_str(), "-c" | "-command" | "-com")
        }
    }
}
