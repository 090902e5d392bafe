//! Python, JavaScript, Perl, Ruby and PowerShell, statement by statement: which words fetch, decode, run,
//! name secrets; and which names and files carry what such a statement brings.
//!
//! No parser of these languages: names are followed inside one file, calls into functions are not.

use std::collections::BTreeMap;

use super::languages::{Words, words_of};
use super::shell::{Data, NAMES};
use super::shell_words::plain_path;
use super::{ACTS, Act, End, Language, MAX_BYTES, Origin, programs, shell};

/// Most statements of a script.
const STATEMENTS: usize = 20_000;
/// Most bytes that are looked at behind words that run their argument, all such words of a script
/// together: arguments that nothing closes end where the statement does, each of them.
const GIVEN: usize = 2 * MAX_BYTES;
/// Longest statement that is read, in bytes.
const LONGEST: usize = 32 << 10;

/// Reads a script, twice: what is used may stand before what brings it.
pub(super) fn read(language: Language, text: &str) -> Vec<Act> {
    let words = words_of(language);
    let mut reading = Reading { words, names: BTreeMap::new(), acts: Vec::new(), left: GIVEN };
    let mut statements = statements(text, words.comment);
    for (_, statement) in &mut statements {
        if language == Language::PowerShell {
            statement.make_ascii_lowercase();
        }
        let all = reading.data(statement);
        reading.remember(statement, &all);
    }
    for (line, statement) in &statements {
        reading.statement(statement, *line);
        if reading.is_full() {
            break;
        }
    }
    reading.acts
}

/// Statements with their lines: brackets hold lines together, as does a line that begins with a dot.
fn statements(text: &str, comment: &str) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = Vec::new();
    let (mut current, mut begin, mut depth) = (String::new(), 1, 0_i32);
    for (line, content) in (1_u32..).zip(text.lines()) {
        let content = content.trim();
        if content.starts_with(comment) || content.is_empty() {
            continue;
        }
        if current.is_empty() {
            begin = line;
        }
        let (mut quote, mut escaped) = (None, false);
        for c in content.chars() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (_, '\\') => escaped = true,
                (Some(open), c) if open == c => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '(' | '[') => depth += 1,
                (None, ')' | ']') => depth -= 1,
                (None, ';') if depth <= 0 => {
                    all.push((begin, std::mem::take(&mut current)));
                    continue;
                }
                _ => {}
            }
            current.push(c);
        }
        if depth <= 0 || current.len() > LONGEST {
            depth = 0;
            all.push((begin, std::mem::take(&mut current)));
        } else {
            current.push('\n');
        }
        if all.len() >= STATEMENTS {
            break;
        }
    }
    all.push((begin, current));
    all.retain(|(_, statement)| !statement.trim().is_empty());
    all
}

struct Reading {
    words: &'static Words,
    /// Names and files, and what they carry.
    names: BTreeMap<String, Data>,
    acts: Vec<Act>,
    /// What is left of [`GIVEN`].
    left: usize,
}

impl Reading {
    fn statement(&mut self, statement: &str, line: u32) {
        let all = self.data(statement);
        let to = &custody_bytes::excerpt::excerpt(statement.trim(), 120);
        self.evaluated(statement, &all, to, line);
        self.started(statement, to, line);
        if let Some(from) = all.secret.as_ref().filter(|_| has(statement, self.words.fetch)) {
            self.push(act(Origin::Secret, End::Send, from, to, line));
        }
        self.remember(statement, &all);
    }

    /// What the words and names of a text bring.
    fn data(&self, text: &str) -> Data {
        let shown = || Some(custody_bytes::excerpt::excerpt(text.trim(), 120));
        let mut data = Data::default();
        if has(text, self.words.fetch) {
            data.fetched = shown();
        }
        if has(text, self.words.decode) {
            data.decoded = shown();
        }
        if strings(text).any(is_fetching_line) {
            data.fetched = shown();
        }
        let names_secret = || strings(text).any(programs::is_secret_place);
        if has(text, self.words.environment) || names_secret() {
            data.secret = shown();
        }
        data.merge(&self.only_names(text));
        data
    }

    /// `exec(code)`, `fetch(..).then(eval)`.
    fn evaluated(&mut self, statement: &str, all: &Data, to: &str, line: u32) {
        for word in self.words.evaluate {
            for (at, _) in statement.match_indices(word) {
                if self.is_full() {
                    return;
                }
                if !begins(statement, at, word) {
                    continue;
                }
                let piped = statement[..at].trim_end().ends_with('|');
                // Where too much was looked at already, the word is taken to run what the statement brings.
                if piped || word.starts_with(['(', '[']) || self.left == 0 {
                    self.run(all, to, line);
                    continue;
                }
                let given = argument(&statement[at + word.len()..]);
                self.left = self.left.saturating_sub(given.len());
                let data = self.data(given);
                self.run(&data, to, line);
            }
        }
    }

    /// `os.system(line)`, `subprocess.run([program, ..])`.
    fn started(&mut self, statement: &str, to: &str, line: u32) {
        let mut has_read_lines = false;
        for word in self.words.start {
            let found = statement.match_indices(word).find(|(at, _)| begins(statement, *at, word));
            let Some((at, _)) = found else { continue };
            self.program(&statement[at + word.len()..], word.ends_with('('), to, line);
            if !std::mem::replace(&mut has_read_lines, true) {
                self.shell_lines(statement, line);
            }
        }
    }

    /// What is behind a word that starts programs.
    fn program(&mut self, rest: &str, is_open: bool, to: &str, line: u32) {
        let open = rest.find('(').filter(|open| *open < 24 && !is_open);
        let rest = open.map_or(rest, |open| &rest[open + 1..]);
        let first = rest.split([',', '\n']).next().unwrap_or(rest);
        let mut data = self.only_names(first);
        let program = strings(first).next().unwrap_or("");
        if first.contains('`') {
            data.merge(&self.data(first));
        }
        let is_interpreter = programs::language(program).is_some()
            || first.contains("sys.executable")
            || first.contains("execPath");
        if is_interpreter {
            data.merge(&self.only_names(rest));
        }
        self.run(&data, to, line);
    }

    /// Texts in quotes that are lines of a shell.
    fn shell_lines(&mut self, statement: &str, line: u32) {
        for text in strings(statement).filter(|text| text.contains(' ')) {
            if self.is_full() {
                return;
            }
            for act in shell::read(text) {
                self.push(Act { line, ..act });
            }
        }
    }

    /// What names carry, without the words of the text itself.
    fn only_names(&self, text: &str) -> Data {
        let mut data = Data::default();
        for name in identifiers(text).chain(strings(text)) {
            if let Some(held) = self.names.get(plain_path(name)) {
                data.merge(held);
            }
        }
        data
    }

    /// The names that a statement assigns, and the files that it names, carry what it brings.
    fn remember(&mut self, statement: &str, data: &Data) {
        if data.is_clean() {
            return;
        }
        let assigned = statement.split_once('=').filter(|(left, right)| {
            !right.starts_with(['=', '~', '>'])
                && !left.contains('(')
                && !left.ends_with(['!', '<', '>'])
        });
        if let Some((left, _)) = assigned {
            for name in identifiers(left) {
                if !matches!(name, "const" | "let" | "var" | "my" | "our" | "self" | "this") {
                    self.keep(name, data);
                }
            }
        }
        let with = statement
            .trim_start()
            .strip_prefix("with ")
            .and_then(|_| statement.rsplit_once(" as "));
        if let Some((_, name)) = with {
            for name in identifiers(name) {
                self.keep(name, data);
            }
        }
        let receiver = statement.split_once(".write(").map(|(receiver, _)| receiver);
        for name in receiver.into_iter().filter_map(|receiver| identifiers(receiver).last()) {
            self.keep(name, data);
        }
        for file in strings(statement).filter(|text| is_file(text)) {
            self.keep(plain_path(file), data);
        }
        self.remember_targets(statement, data);
    }

    fn keep(&mut self, name: &str, data: &Data) {
        if self.names.len() < NAMES || self.names.contains_key(name) {
            self.names.entry(name.to_owned()).or_default().merge(data);
        }
    }

    /// Variables that name the file that something is put into.
    fn remember_targets(&mut self, statement: &str, data: &Data) {
        // `urlretrieve(url, target)`, `DownloadFile(url, $t)`, `-OutFile $t`.
        let target = [
            "urlretrieve",
            "downloadfile",
            "-outfile",
            "getstore",
            "writeFileSync(",
            "write_bytes",
            "write_text",
        ];
        if let Some(at) = target.iter().find_map(|word| statement.find(word)) {
            for name in identifiers(&statement[at..]).skip(1) {
                self.keep(name, data);
            }
            if let Some(name) = identifiers(&statement[..at]).last() {
                self.keep(name, data);
            }
        }
    }

    fn run(&mut self, data: &Data, to: &str, line: u32) {
        match (&data.fetched, &data.decoded) {
            (Some(from), _) => self.push(act(Origin::Fetch, End::Run, from, to, line)),
            (None, Some(from)) => self.push(act(Origin::Decode, End::Run, from, to, line)),
            (None, None) => {}
        }
    }

    fn is_full(&self) -> bool {
        self.acts.len() >= ACTS
    }

    fn push(&mut self, act: Act) {
        if !self.is_full() && !self.acts.contains(&act) {
            self.acts.push(act);
        }
    }
}

fn act(origin: Origin, end: End, from: &str, to: &str, line: u32) -> Act {
    Act { origin, end, from: from.to_owned(), to: to.to_owned(), line }
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.match_indices(word).any(|(at, _)| begins(text, at, word)))
}

/// Whether a word that begins with a letter begins there, not inside another word; and whether it is no
/// method where methods of that name do something else (`pattern.exec(line)`).
fn begins(text: &str, at: usize, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let before = &text[..at];
    let within = word.starts_with(is_letter) && before.ends_with(is_letter);
    let bare =
        matches!(word, "exec(" | "eval(" | "import(" | "system" | "exec" | "eval " | "fetch(");
    let short = word.len() < 8 && word.ends_with(is_letter);
    let goes_on = short && text[at + word.len()..].starts_with(is_letter);
    !(within || goes_on || bare && before.ends_with(['.', '>']))
}

/// What a call is given: up to the bracket that closes it, or the end where there is none.
fn argument(text: &str) -> &str {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return &text[..at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

/// Words that can be names, those inside quotes too.
fn identifiers(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        .filter(|word| word.len() <= 64)
}

/// Texts in quotes.
fn strings(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let open = rest.find(['"', '\'', '`'])?;
        let quote = rest[open..].chars().next()?;
        let inside = &rest[open + 1..];
        let end = inside.find(quote).unwrap_or(inside.len());
        rest = inside.get(end + 1..).unwrap_or("");
        Some(&inside[..end])
    })
}

/// Whether a text in quotes is a line of a shell that fetches.
fn is_fetching_line(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().map(str::to_owned);
    let Some(program) = words.next().filter(|_| text.len() <= 4_096) else { return false };
    let arguments: Vec<String> = words.take(32).collect();
    let address = arguments.iter().any(|argument| argument.contains("://"));
    address && programs::does(&programs::base(&program), &arguments) == programs::Does::Fetch
}

/// Whether a text in quotes can be a path of a file that is written.
fn is_file(text: &str) -> bool {
    (3..=200).contains(&text.len())
        && text.contains(['/', '.', '\\'])
        && !text.contains([' ', ':', '\n', '(', ','])
        && text.contains(|c: char| c.is_ascii_alphabetic())
}
