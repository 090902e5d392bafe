//! Shell text to lists of pipelines of commands, whose words keep their quotes and substitutions apart.

/// Deepest nesting of groups and substitutions.
pub(super) const DEEPEST: u32 = 12;
/// Most commands of a script.
const COMMANDS: usize = 20_000;

/// Commands, one after the other.
pub(super) type List = Vec<Pipeline>;

/// Commands whose output goes into the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    pub commands: Vec<Command>,
}

/// A command.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub kind: Kind,
    pub redirections: Vec<Redirection>,
    pub line: u32,
    /// The command as it stands.
    pub text: String,
}

/// What a command is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Simple(Vec<Word>),
    /// `{ ..; }`, `( .. )`, loops and branches: all that stands in them, in order.
    Group(List),
    /// `for name in words; do ..; done`.
    For(String, Vec<Word>, List),
    Function(String, List),
}

/// `< file`, `3<> file`, `<<< text`, `<<END`.
#[derive(Clone, Debug)]
pub(super) struct Redirection {
    /// The number before it, or empty.
    pub number: String,
    pub operator: &'static str,
    pub target: Word,
}

/// A part of a word.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Quoted(String),
    /// Name, what stands behind it inside the braces, and whether it is quoted.
    Variable(String, String, bool),
    /// `$(..)`, backticks, `<(..)`.
    Output(List),
    /// `name=(a b c)`: the words of the array.
    Array(Vec<Word>),
}

pub(super) type Word = Vec<Piece>;

/// Parses a text.
pub(super) fn parse(text: &str) -> List {
    let mut left = COMMANDS;
    parse_inner(text, 1, 0, &mut left)
}

pub(super) fn parse_inner(text: &str, line: u32, depth: u32, left: &mut usize) -> List {
    let mut parser =
        Parser { text, bytes: text.as_bytes(), at: 0, line, depth, left, documents: None };
    parser.list(&[])
}

const OPENERS: [&str; 7] = ["if", "while", "until", "case", "for", "select", "{"];
const MIDDLES: [&str; 4] = ["then", "else", "elif", "do"];
const CLOSERS: [&str; 5] = ["fi", "done", "esac", "}", ")"];
const OPERATORS: [&str; 11] = ["<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "&>", "<", ">"];

pub(super) struct Parser<'t, 'l> {
    pub text: &'t str,
    pub bytes: &'t [u8],
    pub at: usize,
    pub line: u32,
    pub depth: u32,
    pub left: &'l mut usize,
    /// Where the line ends after which here-documents stand, and where these end.
    pub documents: Option<(usize, usize)>,
}

impl<'t> Parser<'t, '_> {
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn is_next(&self, text: &str) -> bool {
        self.bytes[self.at.min(self.bytes.len())..].starts_with(text.as_bytes())
    }

    fn newline(&mut self) {
        self.line += 1;
        self.at += 1;
        if let Some((line_end, end)) = self.documents
            && self.at > line_end
        {
            self.documents = None;
            let skipped = &self.bytes[self.at.min(end)..end];
            self.line += u32::try_from(memchr::memchr_iter(b'\n', skipped).count()).unwrap_or(0);
            self.at = self.at.max(end);
        }
    }

    /// Blanks, joined lines and comments; with `lines`, line ends and separators too.
    pub(super) fn skip(&mut self, lines: bool) {
        loop {
            match self.peek() {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.bytes.get(self.at + 1) == Some(&b'\n') => {
                    self.at += 1;
                    self.newline();
                }
                b'#' if self.at == 0 || is_end(self.bytes[self.at - 1]) => {
                    let rest = &self.bytes[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                b'\n' if lines => self.newline(),
                b';' | b'&' if lines => self.at += 1,
                _ => return,
            }
        }
    }

    /// The plain word that comes next, where it is one.
    fn keyword(&self) -> &'t str {
        let rest = &self.text[self.text.floor_char_boundary(self.at)..];
        if rest.starts_with(')') {
            return ")";
        }
        let end = rest.bytes().position(is_end).unwrap_or(rest.len());
        &rest[..end]
    }

    fn list(&mut self, stop: &[&str]) -> List {
        let mut list = List::new();
        loop {
            self.skip(true);
            if self.at >= self.bytes.len() || *self.left == 0 {
                return list;
            }
            let word = self.keyword();
            if stop.contains(&word) {
                return list;
            }
            let before = self.at;
            let pipeline = self.pipeline();
            if !pipeline.commands.is_empty() {
                list.push(pipeline);
            }
            // What opens nothing here is passed over: `)` of a pattern, a stray `}`.
            if self.at == before {
                self.at += 1;
                while !self.text.is_char_boundary(self.at) {
                    self.at += 1;
                }
            }
        }
    }

    fn pipeline(&mut self) -> Pipeline {
        let mut pipeline = Pipeline::default();
        loop {
            pipeline.commands.extend(self.command());
            self.skip(false);
            if self.peek() != b'|' {
                return pipeline;
            }
            if self.is_next("||") {
                self.at += 2;
                return pipeline;
            }
            self.at += if self.is_next("|&") { 2 } else { 1 };
            self.skip(true);
        }
    }

    fn command(&mut self) -> Option<Command> {
        self.skip(false);
        *self.left = self.left.checked_sub(1)?;
        let (start, line) = (self.at, self.line);
        let mut word = self.keyword();
        while word == "!" || MIDDLES.contains(&word) || matches!(word, "time" | "coproc") {
            self.at += word.len();
            self.skip(false);
            if word == "coproc" {
                break;
            }
            word = self.keyword();
        }
        let kind = if self.peek() == b'(' && self.depth < DEEPEST {
            self.at += 1;
            self.group()
        } else if OPENERS.contains(&word) && self.depth < DEEPEST {
            self.at += word.len();
            match word {
                "for" | "select" => self.loop_over(),
                "case" => {
                    self.word();
                    self.group()
                }
                _ => self.group(),
            }
        } else if CLOSERS.contains(&word) {
            return None;
        } else {
            return self.simple(start, line, word == "coproc");
        };
        let mut redirections = Vec::new();
        self.skip(false);
        while let Some(redirection) = self.redirection() {
            redirections.push(redirection);
            self.skip(false);
        }
        Some(Command { kind, redirections, line, text: self.between(start) })
    }

    fn between(&self, start: usize) -> String {
        custody_bytes::excerpt::excerpt(self.text.get(start..self.at).unwrap_or("").trim(), 120)
    }

    fn group(&mut self) -> Kind {
        self.depth += 1;
        let mut all = List::new();
        let stop: Vec<&str> = CLOSERS.iter().chain(&MIDDLES).copied().collect();
        loop {
            all.extend(self.list(&stop));
            let word = self.keyword();
            self.at += word.len();
            let is_pattern = word == ")" && self.is_case_pattern();
            if self.at >= self.bytes.len() || *self.left == 0 {
                break;
            }
            if CLOSERS.contains(&word) && !is_pattern {
                break;
            }
        }
        self.depth -= 1;
        Kind::Group(all)
    }

    /// Whether a closing bracket ends the pattern of a branch: an `esac` comes before the next `(`.
    fn is_case_pattern(&self) -> bool {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let rest = &rest[..rest.len().min(4_096)];
        let Some(end) = memchr::memmem::find(rest, b"esac") else { return false };
        memchr::memmem::find(&rest[..end], b"case").is_none()
    }

    /// `name in a b c; do ..; done`, behind the `for`.
    fn loop_over(&mut self) -> Kind {
        self.skip(false);
        let name = self.keyword().to_owned();
        self.at += name.len();
        self.skip(false);
        let mut words = Vec::new();
        if self.keyword() == "in" {
            self.at += 2;
            self.skip(false);
            while let Some(word) = self.word() {
                words.push(word);
                self.skip(false);
            }
        }
        self.skip(true);
        if self.keyword() == "do" {
            self.at += 2;
        }
        match self.group() {
            Kind::Group(body) => Kind::For(name, words, body),
            other => other,
        }
    }

    fn simple(&mut self, start: usize, line: u32, is_coprocess: bool) -> Option<Command> {
        let (mut words, mut redirections): (Vec<Word>, Vec<Redirection>) = (Vec::new(), Vec::new());
        loop {
            self.skip(false);
            if let Some(redirection) = self.redirection() {
                redirections.push(redirection);
                continue;
            }
            let Some(word) = self.word() else { break };
            if words.is_empty() && self.is_next("()") && self.depth < DEEPEST {
                self.at += 2;
                let name = plain(&word).unwrap_or_default();
                return Some(self.function(name, start, line));
            }
            words.push(word);
            if words.len() == 2 && words.first().and_then(plain).as_deref() == Some("function") {
                let name = words.get(1).and_then(plain).unwrap_or_default();
                return Some(self.function(name, start, line));
            }
        }
        if is_coprocess {
            let target = vec![Piece::Quoted("&COPROC".to_owned())];
            redirections.push(Redirection { number: String::new(), operator: ">", target });
        }
        let some = !words.is_empty() || !redirections.is_empty();
        let text = self.between(start);
        some.then_some(Command { kind: Kind::Simple(words), redirections, line, text })
    }

    fn function(&mut self, name: String, start: usize, line: u32) -> Command {
        if self.is_next("()") {
            self.at += 2;
        }
        self.skip(true);
        self.depth += 1;
        let body = self.command().map(|command| Pipeline { commands: vec![command] });
        self.depth -= 1;
        let kind = Kind::Function(name, body.into_iter().collect());
        Command { kind, redirections: Vec::new(), line, text: self.between(start) }
    }

    fn redirection(&mut self) -> Option<Redirection> {
        let digits = self.bytes[self.at.min(self.bytes.len())..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
            .min(3);
        let number = self.text.get(self.at..self.at + digits)?.to_owned();
        let rest = self.text.get(self.at + digits..)?;
        if rest.starts_with("<(") || rest.starts_with(">(") {
            return None;
        }
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator))?;
        self.at += digits + operator.len();
        self.skip(false);
        let begin = self.at;
        let mut target = self.word().unwrap_or_default();
        if matches!(operator, "<<" | "<<-") {
            let raw = self.text.get(begin..self.at).unwrap_or("");
            target = self.document(raw);
        }
        Some(Redirection { number, operator, target })
    }
}

/// The text of a word that is nothing else.
fn plain(word: &Word) -> Option<String> {
    match word.as_slice() {
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}

pub(super) fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'|' | b'&' | b';' | b'(' | b')')
}

/// Whether a text can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}
