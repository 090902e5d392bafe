//! A small Rust lexer that cannot fail and does not recurse: what is read before `syn` may see a file,
//! and instead of `syn` where it must not. Comments and white space are dropped.

/// What a token is. Texts keep their quotes; [`text_of`] takes them off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword, raw ones too.
    Ident,
    /// `'a`.
    Lifetime,
    /// A text literal, raw or not.
    Text,
    /// A literal of bytes, raw or not.
    ByteText,
    /// A character or a byte in single quotes.
    Char,
    /// A number with its suffix.
    Number,
    /// One character of punctuation.
    Punct(u8),
    /// An opening bracket.
    Open(u8),
    /// A closing bracket.
    Close(u8),
}

/// One token: its bytes are `source[start..end]`.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Offset of its first byte.
    pub start: usize,
    /// Offset behind its last byte.
    pub end: usize,
    /// Line of its first byte, from 1.
    pub line: u32,
}

/// Tokens of a source text, one after the other.
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lexer<'a> {
    /// Starts behind a byte order mark and a `#!` line.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mark = bytes.starts_with(b"\xEF\xBB\xBF");
        let mut lexer = Self { bytes, at: if mark { 3 } else { 0 }, line: 1 };
        if bytes[lexer.at..].starts_with(b"#!") && !bytes[lexer.at..].starts_with(b"#![") {
            lexer.skip_line();
        }
        lexer
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                (byte, _) => self.step(byte),
            }
        }
        self.at = self.bytes.len();
    }

    fn step(&mut self, byte: u8) {
        self.line += u32::from(byte == b'\n');
        self.at += 1;
    }

    fn skip_blank(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'/' if self.peek(1) == b'/' => self.skip_line(),
                b'/' if self.peek(1) == b'*' => self.skip_block_comment(),
                b' ' | b'\t' | b'\r' | b'\n' | 0x0B | 0x0C => self.step(byte),
                _ => return,
            }
        }
    }

    /// To the end of a quoted text that starts at the current byte (the opening quote).
    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.step(byte);
            if byte == b'\\' {
                let next = self.peek(0);
                if self.at < self.bytes.len() {
                    self.step(next);
                }
            } else if byte == quote {
                return;
            }
        }
    }

    /// `r"`, `r#"`: the number of `#` if a raw text starts `ahead` bytes on.
    fn raw_hashes(&self, ahead: usize) -> Option<usize> {
        let mut hashes = 0;
        while self.peek(ahead + hashes) == b'#' {
            hashes += 1;
        }
        (self.peek(ahead + hashes) == b'"').then_some(hashes)
    }

    fn raw(&mut self, prefix: usize, hashes: usize) {
        self.at += prefix + hashes + 1;
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            self.step(byte);
            if byte == b'"' && (0..hashes).all(|i| self.peek(i) == b'#') {
                self.at += hashes;
                return;
            }
        }
    }

    fn name(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| is_name(*b)) {
            self.at += 1;
        }
    }

    /// After a `'`: a character, or a lifetime or label.
    fn apostrophe(&mut self) -> Kind {
        let first = self.peek(1);
        let width = match first {
            0xF0.. => 4,
            0xE0.. => 3,
            0xC0.. => 2,
            _ => 1,
        };
        if first == b'\\' || (first != b'\'' && self.peek(1 + width) == b'\'') {
            self.quoted(b'\'');
            return Kind::Char;
        }
        self.at += 1;
        self.name();
        Kind::Lifetime
    }

    fn word(&mut self, first: u8) -> Kind {
        let raw_at = match (first, self.peek(1)) {
            (b'r', b'"' | b'#') => Some((1, Kind::Text)),
            (b'b', b'r') => Some((2, Kind::ByteText)),
            (b'c', b'r') => Some((2, Kind::Text)),
            _ => None,
        };
        if let Some((prefix, kind)) = raw_at
            && let Some(hashes) = self.raw_hashes(prefix)
        {
            self.raw(prefix, hashes);
            return kind;
        }
        match (first, self.peek(1)) {
            (b'b', b'"') => {
                self.at += 1;
                self.quoted(b'"');
                return Kind::ByteText;
            }
            (b'c', b'"') => {
                self.at += 1;
                self.quoted(b'"');
                return Kind::Text;
            }
            (b'b', b'\'') => {
                self.at += 1;
                self.quoted(b'\'');
                return Kind::Char;
            }
            (b'r', b'#') if is_name(self.peek(2)) => self.at += 2,
            _ => {}
        }
        self.name();
        Kind::Ident
    }

    fn number(&mut self) {
        self.name();
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.name();
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_blank();
        let first = *self.bytes.get(self.at)?;
        let (start, line) = (self.at, self.line);
        let kind = match first {
            b'"' => {
                self.quoted(b'"');
                Kind::Text
            }
            b'\'' => self.apostrophe(),
            b'0'..=b'9' => {
                self.number();
                Kind::Number
            }
            b'(' | b'[' | b'{' => {
                self.at += 1;
                Kind::Open(first)
            }
            b')' | b']' | b'}' => {
                self.at += 1;
                Kind::Close(first)
            }
            byte if is_name(byte) => self.word(byte),
            byte => {
                self.at += 1;
                Kind::Punct(byte)
            }
        };
        self.at = self.at.min(self.bytes.len());
        Some(Token { kind, start, end: self.at, line })
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The content of a text token: quotes, prefix and simple escapes taken off; bytes that are no UTF-8
/// become U+FFFD. Never longer than the token.
pub fn text_of(token: &[u8]) -> String {
    let Some(open) = memchr::memchr(b'"', token) else { return String::new() };
    let prefix = &token[..open];
    let hashes = memchr::memchr_iter(b'#', prefix).count();
    let close = token.len().saturating_sub(1 + hashes).max(open + 1).min(token.len());
    let body = String::from_utf8_lossy(&token[open + 1..close]);
    if prefix.contains(&b'r') {
        return body.into_owned();
    }
    unescape(&body)
}

fn unescape(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some('x') => {
                let code: String = chars.by_ref().take(2).collect();
                out.push(u8::from_str_radix(&code, 16).map_or('\u{FFFD}', char::from));
            }
            Some('u') => {
                let code: String =
                    chars.by_ref().skip(1).take_while(|c| *c != '}').take(6).collect();
                let point = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                out.push(point.unwrap_or('\u{FFFD}'));
            }
            Some('\n') | None => {}
            Some(other) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        Lexer::new(text.as_bytes()).map(|t| (t.kind, &text[t.start..t.end])).collect()
    }

    #[test]
    fn texts_of_every_spelling_are_one_token() {
        for text in ["\"a\\\"b\"", "r#\"a\"b\"#", "b\"x\"", "br##\"\"#\"##", "c\"x\""] {
            assert_eq!(kinds(text).len(), 1, "{text}");
        }
        assert_eq!(text_of(b"r#\"a\"b\"#"), "a\"b");
        assert_eq!(text_of(br#""\x63\u{75}rl\n""#), "curl\n");
    }

    #[test]
    fn a_lifetime_is_no_character() {
        assert_eq!(
            kinds("'a 'a' '\\'' 'é'").iter().map(|k| k.0).collect::<Vec<_>>(),
            [Kind::Lifetime, Kind::Char, Kind::Char, Kind::Char]
        );
    }

    #[test]
    fn code_in_comments_is_not_code() {
        assert_eq!(kinds("/* a /* b */ c */ d // e").len(), 1);
    }

    #[test]
    fn every_truncation_ends() {
        let text = "fn a() { let x = r#\"é\"#; '\\u{e9}'; b'x'; /* /* */ \"\\\"\"; 1.5e3 }";
        for end in 0..=text.len() {
            let bytes = &text.as_bytes()[..end];
            for token in Lexer::new(bytes) {
                assert!(token.start < token.end && token.end <= end);
                let _ = text_of(&bytes[token.start..token.end]);
            }
        }
    }
}
