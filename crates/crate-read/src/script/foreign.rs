//! Python, JavaScript, Perl, Ruby and PowerShell, statement by statement: which words fetch, decode, run,
//! name secrets; and which names and files carry what such a statement brings.
//!
//! No parser of these languages: names are followed inside one file, calls into functions are not.

use std::collections::BTreeMap;

use super::languages::{Words, words_of};
use super::shell::Data;
use super::{ACTS, Act, End, Language, Origin, programs, shell};

/// Most statements of a script.
const STATEMENTS: usize = 20_000;
/// Most names and files that are followed.
const NAMES: usize = 2_000;
/// Longest statement that is read, in bytes.
const LONGEST: usize = 32 << 10;

/// Reads a script, twice: what is used may stand before what brings it.
pub(super) fn read(language: Language, text: &str) -> Vec<Act> {
    let words = words_of(language);
    let folds = language == Language::PowerShell;
    let mut reading = Reading { words, names: BTreeMap::new(), acts: Vec::new() };
    let statements = statements(text, words.comment);
    for _ in 0..2 {
        reading.acts.clear();
        for (line, statement) in &statements {
            let folded = if folds { statement.to_ascii_lowercase() } else { statement.clone() };
            reading.statement(&folded, *line);
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
}

impl Reading {
    fn statement(&mut self, statement: &str, line: u32) {
        let all = self.data(statement);
        self.evaluated(statement, line);
        self.started(statement, line);
        let fetches = has(statement, self.words.fetch);
        if fetches && let Some(from) = &all.secret {
            let act = self.act(Origin::Secret, End::Send, from, statement, line);
            self.push(act);
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
        for name in identifiers(text).chain(strings(text)) {
            if let Some(held) = self.names.get(file_name(name)) {
                data.merge(held);
            }
        }
        data
    }

    /// `exec(code)`, `fetch(..).then(eval)`.
    fn evaluated(&mut self, statement: &str, line: u32) {
        for word in self.words.evaluate {
            for (at, _) in statement.match_indices(word) {
                if !begins(statement, at, word) {
                    continue;
                }
                let all = word.starts_with('(') || word.starts_with('[');
                let given = if all { statement } else { argument(&statement[at + word.len()..]) };
                let piped = statement[..at].trim_end().ends_with('|');
                let data = self.data(if piped { statement } else { given });
                self.run(&data, statement, line);
            }
        }
    }

    /// `os.system(line)`, `subprocess.run([program, ..])`.
    fn started(&mut self, statement: &str, line: u32) {
        for word in self.words.start {
            let found = statement.match_indices(word).find(|(at, _)| begins(statement, *at, word));
            let Some((at, _)) = found else { continue };
            let rest = &statement[at + word.len()..];
            let rest = rest
                .find('(')
                .filter(|open| *open < 24)
                .map_or(rest, |open| if word.ends_with('(') { rest } else { &rest[open + 1..] });
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
            self.run(&data, statement, line);
            for text in strings(statement).filter(|text| text.contains(' ')) {
                for act in shell::read(text) {
                    self.push(Act { line, ..act });
                }
            }
        }
    }

    /// What names carry, without the words of the text itself.
    fn only_names(&self, text: &str) -> Data {
        let mut data = Data::default();
        for name in identifiers(text).chain(strings(text)) {
            if let Some(held) = self.names.get(file_name(name)) {
                data.merge(held);
            }
        }
        data
    }

    /// The names that a statement assigns, and the files that it names, carry what it brings.
    fn remember(&mut self, statement: &str, data: &Data) {
        let carries = data.fetched.is_some() || data.decoded.is_some() || data.secret.is_some();
        if !carries || self.names.len() > NAMES {
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
                    self.names.entry(name.to_owned()).or_default().merge(data);
                }
            }
        }
        let with = statement
            .trim_start()
            .strip_prefix("with ")
            .and_then(|_| statement.rsplit_once(" as "));
        if let Some((_, name)) = with {
            for name in identifiers(name) {
                self.names.entry(name.to_owned()).or_default().merge(data);
            }
        }
        let receiver = statement.split_once(".write(").map(|(receiver, _)| receiver);
        for name in receiver.into_iter().filter_map(|receiver| identifiers(receiver).last()) {
            self.names.entry(name.to_owned()).or_default().merge(data);
        }
        for file in strings(statement).filter(|text| is_file(text)) {
            self.names.entry(file_name(file).to_owned()).or_default().merge(data);
        }
        self.remember_targets(statement, data);
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
                self.names.entry(name.to_owned()).or_default().merge(data);
            }
            if let Some(name) = identifiers(&statement[..at]).last() {
                self.names.entry(name.to_owned()).or_default().merge(data);
            }
        }
    }

    fn run(&mut self, data: &Data, statement: &str, line: u32) {
        let (from, origin) = match (&data.fetched, &data.decoded) {
            (Some(from), _) => (from, Origin::Fetch),
            (None, Some(from)) => (from, Origin::Decode),
            (None, None) => return,
        };
        let act = self.act(origin, End::Run, from, statement, line);
        self.push(act);
    }

    #[expect(clippy::unused_self, reason = "reads as what it makes")]
    fn act(&self, origin: Origin, end: End, from: &str, statement: &str, line: u32) -> Act {
        let to = custody_bytes::excerpt::excerpt(statement.trim(), 120);
        Act { origin, end, from: from.to_owned(), to, line }
    }

    fn push(&mut self, act: Act) {
        if self.acts.len() < ACTS && !self.acts.contains(&act) {
            self.acts.push(act);
        }
    }
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

fn file_name(text: &str) -> &str {
    text.strip_prefix("./").unwrap_or(text)
}
