//! Python's tokens, as far as names, strings, brackets and lines matter. No recursion over the source's
//! nesting, no copy of the source.

use std::borrow::Cow;

/// Longest string literal whose content is kept, in bytes.
const TEXT_LIMIT: usize = 8192;
/// Longest f-string whose expressions are looked at, in bytes.
const FORMAT_LIMIT: usize = 256 * 1024;
/// Deepest f-string in an f-string that is looked into.
const FORMAT_DEPTH: u8 = 4;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Bytes from the start of the source.
    pub offset: usize,
    /// Line, counted from 1.
    pub line: u64,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'a> {
    /// The first token of a logical line, with its column.
    LineStart(usize),
    /// The end of a logical line.
    Newline,
    /// An identifier or keyword, in the form Python compares them.
    Name(Cow<'a, str>),
    /// A number as written.
    Number(&'a str),
    /// A string, unescaped and cut; `length` is that of the literal.
    Text {
        /// The content.
        content: String,
        /// Bytes between the quotes.
        length: usize,
    },
    /// An operator or bracket, one character each except `:=`, `==` and `**`.
    Op(&'static str),
    /// A literal whose closing quote is missing.
    Unterminated,
}

const OPERATORS: [&str; 29] = [
    ":=", "==", "**", "!=", "<=", ">=", "->", "+=", "(", ")", "[", "]", "{", "}", ",", ":", ".",
    ";", "@", "=", "+", "-", "*", "/", "%", "&", "|", "<", ">",
];

/// A lexer over one source.
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    /// Open brackets; lines end only outside of them.
    depth: usize,
    at_line_start: bool,
    /// Expressions of f-strings that wait to be given out, innermost last: where each ends, and where to
    /// go on after it.
    pending: Vec<Token<'a>>,
    format_depth: u8,
    /// Triple quotes that are known to have no closing ones ahead; without this memory, a file of them
    /// would be searched to its end once for each.
    open_ended: Vec<&'a str>,
}

impl<'a> Lexer<'a> {
    /// Starts behind a byte order mark.
    pub fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Lexer {
            text,
            at,
            line: 1,
            depth: 0,
            at_line_start: true,
            pending: Vec::new(),
            format_depth: 0,
            open_ended: Vec::new(),
        }
    }

    /// Brackets that are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn token(&self, kind: Kind<'a>, offset: usize) -> Token<'a> {
        Token { kind, offset, line: self.line }
    }

    /// Skips white space and comments; a token when a logical line begins or ends on the way.
    fn space(&mut self) -> Option<Token<'a>> {
        let mut column = 0;
        while let Some(byte) = self.byte(0) {
            match byte {
                b' ' | b'\x0c' => column += 1,
                b'\t' => column = (column / 8 + 1) * 8,
                // Python ends a line at a carriage return too, whatever follows.
                b'\r' if self.byte(1) == Some(b'\n') => {}
                b'\\' if self.text[self.at..].starts_with("\\\r\n") => {
                    self.at += 2;
                    self.line += 1;
                }
                b'\\' if matches!(self.byte(1), Some(b'\n' | b'\r')) => {
                    self.at += 1;
                    self.line += 1;
                }
                b'#' => {
                    let rest = &self.text.as_bytes()[self.at..];
                    self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                    continue;
                }
                b'\n' | b'\r' => {
                    let end = self.token(Kind::Newline, self.at);
                    self.at += 1;
                    self.line += 1;
                    column = 0;
                    if self.depth == 0 && !self.at_line_start {
                        self.at_line_start = true;
                        return Some(end);
                    }
                    continue;
                }
                _ => break,
            }
            self.at += 1;
        }
        if self.at_line_start && self.depth == 0 && self.at < self.text.len() {
            self.at_line_start = false;
            return Some(self.token(Kind::LineStart(column), self.at));
        }
        None
    }

    /// The string literal at the cursor, if there is one: its prefix and quotes.
    fn quote(&self) -> Option<(usize, &'a str)> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let prefix = rest.iter().take(3).take_while(|b| b"rRbBfFuUtT".contains(b)).count();
        let quote = *rest.get(prefix)?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let start = self.at + prefix;
        let triple = rest.get(prefix..prefix + 3).is_some_and(|q| q.iter().all(|b| *b == quote));
        Some((prefix, &self.text[start..start + if triple { 3 } else { 1 }]))
    }

    fn string(&mut self, prefix: usize, quotes: &'a str) -> Token<'a> {
        let start = self.at;
        let letters = self.text[start..start + prefix].to_ascii_lowercase();
        let body = start + prefix + quotes.len();
        let line = self.line;
        let known = self.open_ended.contains(&quotes);
        let Some(end) = (if known { None } else { self.string_end(body, quotes) }) else {
            if quotes.len() == 3 && !known {
                self.open_ended.push(quotes);
            }
            // Go on behind the line, so that one bad literal does not hide the rest.
            let rest = &self.text.as_bytes()[body..];
            self.at = body + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            return Token { kind: Kind::Unterminated, offset: start, line };
        };
        let inner = &self.text[body..end];
        self.line += memchr::memchr_iter(b'\n', inner.as_bytes()).count() as u64;
        self.at = end + quotes.len();
        if letters.contains(['f', 't']) && self.format_depth < FORMAT_DEPTH {
            self.fields(&inner[..inner.floor_char_boundary(FORMAT_LIMIT)], body, line);
        }
        let kept = &inner[..inner.floor_char_boundary(TEXT_LIMIT)];
        let content = if letters.contains('r') { kept.to_owned() } else { unescaped(kept) };
        Token { kind: Kind::Text { content, length: inner.len() }, offset: start, line }
    }

    fn string_end(&self, body: usize, quotes: &str) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let quote = quotes.as_bytes()[0];
        let mut at = body;
        loop {
            let ahead = memchr::memchr3(quote, b'\\', b'\n', bytes.get(at..)?)?;
            at += ahead;
            match bytes[at] {
                b'\\' => at += 2,
                b'\n' if quotes.len() == 1 => return None,
                b'\n' => at += 1,
                _ if bytes[at..].starts_with(quotes.as_bytes()) => return Some(at),
                _ => at += 1,
            }
        }
    }

    /// The expressions in the braces of an f-string, as if they stood in brackets behind it.
    fn fields(&mut self, inner: &'a str, body: usize, line: u64) {
        let mut tokens = Vec::new();
        let bytes = inner.as_bytes();
        let mut at = 0;
        while let Some(ahead) = memchr::memchr(b'{', &bytes[at..]) {
            at += ahead + 1;
            if bytes.get(at) == Some(&b'{') {
                at += 1;
                continue;
            }
            let mut depth = 1;
            let end = bytes[at..].iter().position(|b| {
                depth += i32::from(*b == b'{') - i32::from(*b == b'}');
                depth == 0
            });
            let end = end.map_or(bytes.len(), |end| at + end);
            let mut lexer = Lexer::new(&inner[at..end]);
            lexer.format_depth = self.format_depth + 1;
            lexer.depth = 1;
            lexer.at_line_start = false;
            tokens.push(Token { kind: Kind::Op("("), offset: body + at, line });
            tokens.extend(lexer.map(|mut token| {
                token.offset += body + at;
                token.line += line - 1;
                token
            }));
            tokens.push(Token { kind: Kind::Op(")"), offset: body + end, line });
            at = end;
        }
        if !tokens.is_empty() {
            tokens.insert(0, Token { kind: Kind::Op(","), offset: body, line });
        }
        tokens.reverse();
        self.pending.extend(tokens);
    }

    fn name(&mut self) -> Option<Token<'a>> {
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        if !(first.is_alphabetic() || first == '_') {
            return None;
        }
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || is_odd_letter(c)))
            .unwrap_or(rest.len());
        let name = &rest[..length];
        let token = self.token(Kind::Name(comparable(name)), self.at);
        self.at += length;
        Some(token)
    }

    fn other(&mut self) -> Token<'a> {
        let start = self.at;
        let rest = &self.text[start..];
        if rest.as_bytes()[0].is_ascii_digit() {
            let length = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
                .unwrap_or(rest.len());
            self.at += length;
            return self.token(Kind::Number(&rest[..length]), start);
        }
        if let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(**op)) {
            match *op {
                "(" | "[" | "{" => self.depth += 1,
                ")" | "]" | "}" => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.at += op.len();
            return self.token(Kind::Op(op), start);
        }
        self.at += rest.chars().next().map_or(1, char::len_utf8);
        self.token(Kind::Op("?"), start)
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(token) = self.pending.pop() {
            return Some(token);
        }
        if let Some(token) = self.space() {
            return Some(token);
        }
        if self.at >= self.text.len() {
            return None;
        }
        if let Some((prefix, quotes)) = self.quote() {
            return Some(self.string(prefix, quotes));
        }
        if let Some(token) = self.name() {
            return Some(token);
        }
        Some(self.other())
    }
}

/// A character beyond ASCII that may be part of an identifier, such as a combining mark.
fn is_odd_letter(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace()
}

/// Python compares identifiers in NFKC: `ｅｘｅｃ` is `exec`. Full-width and mathematical letters are the
/// ones that fall together with ASCII.
fn comparable(name: &str) -> Cow<'_, str> {
    use unicode_normalization::UnicodeNormalization;
    if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(name.nfkc().collect()) }
}

/// A literal's content; what is no known escape stays as it is, as in Python.
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (c, length) = one_escape(escape);
        match c {
            Some(c) => out.push(c),
            None if length == 0 => out.push('\\'),
            None => {}
        }
        rest = escape.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// The character of an escape behind its backslash, and how much it takes.
fn one_escape(escape: &str) -> (Option<char>, usize) {
    let coded = |start: usize, digits: usize, radix| {
        let code = escape.get(start..start + digits)?;
        char::from_u32(u32::from_str_radix(code, radix).ok()?)
    };
    let numbered = |digits| {
        (coded(1, digits, 16), if coded(1, digits, 16).is_some() { 1 + digits } else { 0 })
    };
    match escape.as_bytes().first() {
        Some(b'x') => numbered(2),
        Some(b'u') => numbered(4),
        Some(b'U') => numbered(8),
        Some(b'0'..=b'7') => {
            let digits = escape.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            (coded(0, digits, 8), digits)
        }
        Some(b'n') => (Some('\n'), 1),
        Some(b't') => (Some('\t'), 1),
        Some(b'r') => (Some('\r'), 1),
        Some(b'\n') => (None, 1),
        Some(c @ (b'\\' | b'\'' | b'"')) => (Some(char::from(*c)), 1),
        _ => (None, 0),
    }
}
