//! The words of a shell: quotes, variables, substitutions, arrays, here-documents.

use super::evaluate::unescape;
use super::parse::{DEEPEST, List, Parser, Piece, Word, is_end, parse_inner};

impl Parser<'_, '_> {
    /// The here-document that ends with a line of this word.
    pub(super) fn document(&mut self, raw: &str) -> Word {
        let is_plain = raw.contains(['\'', '"', '\\']);
        let end_word: String = raw.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        let (line_end, begin) = self.documents.unwrap_or_else(|| {
            let rest = &self.bytes[self.at..];
            let end = self.at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            (end, (end + 1).min(self.bytes.len()))
        });
        let mut end = begin;
        let mut after = self.bytes.len();
        for line in self.text.get(begin..).unwrap_or("").split_inclusive('\n') {
            if line.trim() == end_word {
                after = end + line.len();
                break;
            }
            end += line.len();
        }
        self.documents = Some((line_end, after));
        let body = self.text.get(begin..end).unwrap_or("");
        if is_plain { vec![Piece::Quoted(body.to_owned())] } else { self.inside_quotes(body) }
    }

    /// The pieces of a text in double quotes.
    fn inside_quotes(&mut self, text: &str) -> Word {
        let bytes = text.as_bytes();
        let mut word = Word::new();
        let (mut at, mut plain) = (0, String::new());
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => {
                    let next = text[at + 1..].chars().next();
                    at += 1 + next.map_or(0, char::len_utf8);
                    match next {
                        Some('\n') | None => {}
                        Some(c @ ('$' | '`' | '"' | '\\')) => plain.push(c),
                        Some(c) => plain.extend(['\\', c]),
                    }
                }
                b'$' | b'`' => {
                    let (piece, length) = self.expansion(&text[at..], true);
                    word.extend(
                        (!plain.is_empty()).then(|| Piece::Quoted(std::mem::take(&mut plain))),
                    );
                    word.push(piece);
                    at += length;
                }
                _ => {
                    let next = text[at..].chars().next().unwrap_or(' ');
                    plain.push(next);
                    at += next.len_utf8();
                }
            }
        }
        if !plain.is_empty() || word.is_empty() {
            word.push(Piece::Quoted(plain));
        }
        word
    }

    /// One word, or nothing at the end of a command.
    pub(super) fn word(&mut self) -> Option<Word> {
        let start = self.at;
        let mut word = Word::new();
        while self.at < self.bytes.len() {
            let rest = self.text.get(self.at..)?;
            match self.bytes[self.at] {
                b'\'' => {
                    let end = rest[1..].find('\'').map_or(rest.len(), |end| end + 2);
                    self.take(end);
                    word.push(Piece::Quoted(rest[1..end].trim_end_matches('\'').to_owned()));
                }
                b'$' if rest.starts_with("$'") => {
                    let end = rest[2..].find('\'').map_or(rest.len(), |end| end + 3);
                    self.take(end);
                    word.push(Piece::Quoted(unescape(rest[2..end].trim_end_matches('\''))));
                }
                b'"' => {
                    let end = end_of_double(rest);
                    self.take(end);
                    let inside = rest[1..end].strip_suffix('"').unwrap_or(&rest[1..end]);
                    word.extend(self.inside_quotes(inside));
                }
                b'\\' => {
                    let next = rest[1..].chars().next();
                    self.take(1 + next.map_or(0, char::len_utf8));
                    word.extend(next.filter(|c| *c != '\n').map(|c| Piece::Quoted(c.to_string())));
                }
                b'<' | b'>' if rest[1..].starts_with('(') => {
                    let (piece, length) = self.group_output(&rest[1..]);
                    self.take(length + 1);
                    word.push(piece);
                }
                b'$' | b'`' => {
                    let (piece, length) = self.expansion(rest, false);
                    self.take(length);
                    word.push(piece);
                }
                b'(' if ends_with_equals(&word) && self.depth < DEEPEST => {
                    self.at += 1;
                    word.push(self.array());
                }
                byte if is_end(byte) || byte == b'<' || byte == b'>' => break,
                _ => {
                    let stop = |c: char| c.is_ascii_whitespace() || "|&;()<>'\"\\$`".contains(c);
                    let end = rest.find(stop).unwrap_or(rest.len());
                    self.at += end;
                    word.push(Piece::Text(rest[..end].to_owned()));
                }
            }
        }
        (self.at > start).then_some(word)
    }

    /// Goes on, counting lines.
    fn take(&mut self, length: usize) {
        let end = (self.at + length).min(self.bytes.len());
        let lines = memchr::memchr_iter(b'\n', &self.bytes[self.at..end]).count();
        self.line += u32::try_from(lines).unwrap_or(0);
        self.at = end;
    }

    fn array(&mut self) -> Piece {
        let mut words = Vec::new();
        self.depth += 1;
        loop {
            self.skip(true);
            match self.word() {
                Some(word) => words.push(word),
                None => break,
            }
        }
        self.depth -= 1;
        if self.peek() == b')' {
            self.at += 1;
        }
        Piece::Array(words)
    }

    /// `$name`, `${..}`, `$(..)`, backticks at the start of a text, and their length.
    fn expansion(&mut self, text: &str, quoted: bool) -> (Piece, usize) {
        if text.starts_with('`') {
            let end = end_of(text, '`');
            let inner = text[1..end].trim_end_matches('`').replace("\\`", "`").replace("\\$", "$");
            return (Piece::Output(self.inner(&inner)), end);
        }
        let Some(rest) = text.strip_prefix('$') else { return (Piece::Text(String::new()), 1) };
        if rest.starts_with('(') {
            let (piece, length) = self.group_output(rest);
            return (piece, length + 1);
        }
        if let Some(inside) = rest.strip_prefix('{') {
            let end = inside.find('}').unwrap_or(inside.len());
            let (name, more) = name_of(&inside[..end]);
            let piece = Piece::Variable(name.to_owned(), more.to_owned(), quoted);
            return (piece, (end + 3).min(text.len()));
        }
        let (mut name, _) = name_of(rest);
        if name.is_empty() {
            name = rest.get(..1).filter(|c| "@*#?!$".contains(c)).unwrap_or("");
        }
        if name.is_empty() {
            return (Piece::Text("$".to_owned()), 1);
        }
        (Piece::Variable(name.to_owned(), String::new(), quoted), 1 + name.len())
    }

    /// A bracketed list of commands at the start of a text, and its length.
    fn group_output(&mut self, text: &str) -> (Piece, usize) {
        let end = crate::native_tree::shell::end_of_group(text.as_bytes(), 0).min(text.len());
        let end = text.floor_char_boundary(end);
        let inner = text.get(1..end.saturating_sub(1)).unwrap_or("");
        if inner.starts_with('(') {
            return (Piece::Text("0".to_owned()), end);
        }
        (Piece::Output(self.inner(inner)), end)
    }

    fn inner(&mut self, text: &str) -> List {
        if self.depth >= DEEPEST {
            return List::new();
        }
        parse_inner(text, self.line, self.depth + 1, self.left)
    }
}

/// A name at the start of a text, and what comes behind it.
pub(super) fn name_of(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

fn ends_with_equals(word: &Word) -> bool {
    matches!(word.last(), Some(Piece::Text(text)) if text.ends_with('='))
}

/// Where a text in double quotes ends, its quotes included: substitutions inside have quotes of their own.
fn end_of_double(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            b'$' if bytes.get(at + 1) == Some(&b'(') => {
                at = crate::native_tree::shell::end_of_group(bytes, at + 1);
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// Where a text ends that begins with a quote and ends with the same one.
fn end_of(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}
