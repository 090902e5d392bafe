//! JSON as the loaders of model files read it, one event at a time, without recursion.
//!
//! `serde_json` is not used here for three reasons that matter against an attacker: it hides duplicate keys,
//! it refuses what Python's `json` takes (`NaN`, `Infinity`, lone surrogates), so that a file the loader
//! obeys would look merely broken to us, and its tree takes memory that the file's author chooses.
//! Depth and the number of values are bounded; a string without escapes is borrowed.

use std::borrow::Cow;

/// Deepest nesting that is followed; also bounds the recursion when a tree is dropped.
pub const DEPTH_LIMIT: usize = 256;

/// Why a text is not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not UTF-8.
    #[error("byte {offset} is not UTF-8")]
    NotUtf8 {
        /// First offending byte.
        offset: usize,
    },
    /// Against the grammar.
    #[error("byte {offset}: {expected} expected")]
    Syntax {
        /// Where.
        offset: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// Deeper than [`DEPTH_LIMIT`].
    #[error("byte {offset}: nested deeper than {DEPTH_LIMIT} levels")]
    TooDeep {
        /// Where the limit was passed.
        offset: usize,
    },
    /// More values than the caller allows.
    #[error("byte {offset}: more than {limit} values")]
    TooMany {
        /// Where the limit was passed.
        offset: usize,
        /// The limit.
        limit: usize,
    },
}

impl JsonError {
    /// The byte at which reading stopped.
    pub fn offset(&self) -> usize {
        match self {
            JsonError::NotUtf8 { offset }
            | JsonError::Syntax { offset, .. }
            | JsonError::TooDeep { offset }
            | JsonError::TooMany { offset, .. } => *offset,
        }
    }
}

/// One step through a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// `{`
    MapStart,
    /// `}`
    MapEnd,
    /// `[`
    ListStart,
    /// `]`
    ListEnd,
    /// The name of a member, unescaped.
    Key(Cow<'a, str>),
    /// A string, unescaped; a lone surrogate has become the replacement character.
    Text(Cow<'a, str>),
    /// A number as written, `NaN` and infinities included.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

/// A whole value with every duplicate key kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as written.
    Number(&'a str),
    /// A string.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object: names and values in file order, duplicates included.
    Map(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    /// The members, when it is an object; otherwise none.
    pub fn members(&self) -> &[(Cow<'_, str>, Json<'_>)] {
        if let Json::Map(members) = self { members } else { &[] }
    }

    /// The elements, when it is a list; otherwise none.
    pub fn elements(&self) -> &[Json<'_>] {
        if let Json::List(elements) = self { elements } else { &[] }
    }

    /// The member of this name that a loader sees: the last one.
    pub fn get(&self, name: &str) -> Option<&Json<'_>> {
        self.members().iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The string, when it is one.
    pub fn text(&self) -> Option<&str> {
        if let Json::Text(text) = self { Some(text) } else { None }
    }

    /// The number, when it is a whole one that is not negative.
    pub fn u64(&self) -> Option<u64> {
        if let Json::Number(text) = self { text.parse().ok() } else { None }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Json::Bool(true))
    }
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Value,
    /// After `[`.
    ValueOrListEnd,
    /// After `{`.
    KeyOrMapEnd,
    /// After a comma in an object.
    Key,
    CommaOrEnd,
    End,
}

/// Reads events from one text.
pub struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    event_start: usize,
    open: Vec<u8>,
    expect: Expect,
}

impl<'a> JsonReader<'a> {
    /// A reader at the start of `bytes`, which have to be UTF-8 as a whole.
    pub fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| JsonError::NotUtf8 { offset: error.valid_up_to() })?;
        Ok(JsonReader { text, at: 0, event_start: 0, open: Vec::new(), expect: Expect::Value })
    }

    /// Where the event given last began, in bytes.
    pub fn event_start(&self) -> usize {
        self.event_start
    }

    /// The next event; `None` after the one value of the text, when nothing but white space follows.
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>, JsonError> {
        loop {
            self.skip_white_space();
            self.event_start = self.at;
            let Some(&byte) = self.text.as_bytes().get(self.at) else {
                return if self.expect == Expect::End { Ok(None) } else { Err(self.wrong("more")) };
            };
            match (self.expect, byte) {
                (Expect::End, _) => return Err(self.wrong("the end")),
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    self.expect =
                        if self.open.last() == Some(&b'{') { Expect::Key } else { Expect::Value };
                }
                (Expect::CommaOrEnd | Expect::KeyOrMapEnd, b'}') if self.inside(b'{') => {
                    return Ok(Some(self.close(Event::MapEnd)));
                }
                (Expect::CommaOrEnd | Expect::ValueOrListEnd, b']') if self.inside(b'[') => {
                    return Ok(Some(self.close(Event::ListEnd)));
                }
                (Expect::CommaOrEnd, _) => return Err(self.wrong("a comma or a closing bracket")),
                (Expect::Key | Expect::KeyOrMapEnd, b'"') => return self.key().map(Some),
                (Expect::Key | Expect::KeyOrMapEnd, _) => return Err(self.wrong("a key")),
                (Expect::Value | Expect::ValueOrListEnd, _) => {
                    return self.value_event(byte).map(Some);
                }
            }
        }
    }

    /// The next whole value. `budget` is how many values it and those after it may hold together.
    pub fn value(&mut self, budget: &mut usize) -> Result<Json<'a>, JsonError> {
        let Some(event) = self.next_event()? else { return Err(self.wrong("a value")) };
        self.value_from(event, budget)
    }

    /// The value that starts with an event already taken.
    pub fn value_from(
        &mut self,
        first: Event<'a>,
        budget: &mut usize,
    ) -> Result<Json<'a>, JsonError> {
        let limit = *budget;
        let mut open: Vec<(Option<Cow<'a, str>>, Json<'a>)> = Vec::new();
        let mut key = None;
        let mut event = first;
        loop {
            *budget = budget
                .checked_sub(1)
                .ok_or(JsonError::TooMany { offset: self.event_start, limit })?;
            let done = match event {
                Event::Key(name) => {
                    key = Some(name);
                    None
                }
                Event::MapStart => {
                    open.push((key.take(), Json::Map(Vec::new())));
                    None
                }
                Event::ListStart => {
                    open.push((key.take(), Json::List(Vec::new())));
                    None
                }
                Event::MapEnd | Event::ListEnd => open.pop(),
                Event::Text(text) => Some((key.take(), Json::Text(text))),
                Event::Number(text) => Some((key.take(), Json::Number(text))),
                Event::Bool(value) => Some((key.take(), Json::Bool(value))),
                Event::Null => Some((key.take(), Json::Null)),
            };
            if let Some((name, value)) = done {
                match open.last_mut() {
                    None => return Ok(value),
                    Some((_, Json::List(elements))) => elements.push(value),
                    Some((_, Json::Map(members))) => {
                        members.push((name.unwrap_or(Cow::Borrowed("")), value));
                    }
                    Some(_) => {}
                }
            }
            event = self.next_event()?.ok_or_else(|| self.wrong("more"))?;
        }
    }

    fn inside(&self, bracket: u8) -> bool {
        self.open.last() == Some(&bracket)
    }

    fn wrong(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax { offset: self.at, expected }
    }

    fn skip_white_space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn after_value(&mut self) {
        self.expect = if self.open.is_empty() { Expect::End } else { Expect::CommaOrEnd };
    }

    fn close(&mut self, event: Event<'a>) -> Event<'a> {
        self.at += 1;
        self.open.pop();
        self.after_value();
        event
    }

    fn start(&mut self, bracket: u8) -> Result<(), JsonError> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(JsonError::TooDeep { offset: self.at });
        }
        self.at += 1;
        self.open.push(bracket);
        Ok(())
    }

    fn key(&mut self) -> Result<Event<'a>, JsonError> {
        let name = self.string()?;
        self.skip_white_space();
        if self.text.as_bytes().get(self.at) != Some(&b':') {
            return Err(self.wrong("a colon"));
        }
        self.at += 1;
        self.expect = Expect::Value;
        Ok(Event::Key(name))
    }

    fn value_event(&mut self, byte: u8) -> Result<Event<'a>, JsonError> {
        let event = match byte {
            b'{' => {
                self.start(b'{')?;
                self.expect = Expect::KeyOrMapEnd;
                return Ok(Event::MapStart);
            }
            b'[' => {
                self.start(b'[')?;
                self.expect = Expect::ValueOrListEnd;
                return Ok(Event::ListStart);
            }
            b'"' => Event::Text(self.string()?),
            b'-' | b'0'..=b'9' => Event::Number(self.number()?),
            _ => self.word()?,
        };
        self.after_value();
        Ok(event)
    }

    fn word(&mut self) -> Result<Event<'a>, JsonError> {
        const WORDS: [(&str, Event<'static>); 5] = [
            ("true", Event::Bool(true)),
            ("false", Event::Bool(false)),
            ("null", Event::Null),
            ("NaN", Event::Number("NaN")),
            ("Infinity", Event::Number("Infinity")),
        ];
        let rest = &self.text[self.at..];
        for (word, event) in WORDS {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(event);
            }
        }
        Err(self.wrong("a value"))
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        let rest = &self.text[start..];
        if rest.starts_with("-Infinity") {
            self.at += "-Infinity".len();
            return Ok("-Infinity");
        }
        let length = rest
            .bytes()
            .take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        let number = &rest[..length];
        if number.parse::<f64>().is_err() || number == "-" || number.ends_with('.') {
            return Err(self.wrong("a number"));
        }
        self.at += length;
        Ok(number)
    }

    /// The string that starts at the quote under the cursor.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let text = self.text;
        let bytes = text.as_bytes();
        self.at += 1;
        let start = self.at;
        let mut own: Option<String> = None;
        let mut piece = start;
        loop {
            let ahead = bytes[self.at..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            let Some(ahead) = ahead else { return Err(self.wrong("a closing quote")) };
            self.at += ahead;
            match bytes[self.at] {
                b'"' => {
                    let last = &text[piece..self.at];
                    self.at += 1;
                    return Ok(match own {
                        None => Cow::Borrowed(last),
                        Some(text) => Cow::Owned(text + last),
                    });
                }
                b'\\' => {
                    let own = own.get_or_insert_with(String::new);
                    own.push_str(&text[piece..self.at]);
                    own.push(self.escape()?);
                    piece = self.at;
                }
                _ => return Err(self.wrong("a character that is no control character")),
            }
        }
    }

    /// The character that the escape under the cursor stands for.
    fn escape(&mut self) -> Result<char, JsonError> {
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        let plain = match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.wrong("a known escape")),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.code_unit(self.at)?;
        self.at += 6;
        if (0xd800..0xdc00).contains(&first)
            && let Ok(second @ 0xdc00..0xe000) = self.code_unit(self.at)
        {
            self.at += 6;
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The number of the `\uXXXX` at `at`.
    fn code_unit(&self, at: usize) -> Result<u32, JsonError> {
        self.text
            .get(at..at + 6)
            .and_then(|escape| escape.strip_prefix("\\u"))
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or(JsonError::Syntax { offset: at, expected: "four hexadecimal digits" })
    }
}

/// The one value of a whole text, of at most `limit` values.
pub fn parse(bytes: &[u8], limit: usize) -> Result<Json<'_>, JsonError> {
    let mut reader = JsonReader::new(bytes)?;
    let mut budget = limit;
    let value = reader.value(&mut budget)?;
    match reader.next_event()? {
        None => Ok(value),
        Some(_) => Err(reader.wrong("the end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_of_two_equal_keys_are_seen_and_the_last_one_counts() {
        let value = parse(br#"{"a": 1, "a": [true, null, "x"]}"#, 100).unwrap();
        assert_eq!(value.members().len(), 2);
        assert_eq!(value.get("a").unwrap().elements().len(), 3);
    }

    #[test]
    fn what_python_takes_is_taken() {
        for text in
            [r"[NaN, Infinity, -Infinity, 1e400]", r#""\ud800""#, " \r\n\t0 ", r#"{"\u0061":{}}"#]
        {
            assert!(parse(text.as_bytes(), 100).is_ok(), "{text}");
        }
        assert_eq!(parse(br#""\ud83d\ude00""#, 9).unwrap().text(), Some("\u{1f600}"));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "[1 2]",
            "01x",
            "'a'",
            "\"\n\"",
            "\"\\x41\"",
            "{} {}",
            "nul",
            "[}",
            "{]",
            "-",
            "1.",
            "\"\\u12g4\"",
            "{1:2}",
            "]",
            ",",
            "\"\\",
            "\"\\u1",
        ] {
            assert!(parse(text.as_bytes(), 100).is_err(), "{text}");
        }
    }

    #[test]
    fn a_nesting_bomb_ends_in_an_error_not_in_the_stack() {
        let bomb = "[".repeat(1_000_000);
        assert!(matches!(parse(bomb.as_bytes(), usize::MAX), Err(JsonError::TooDeep { .. })));
        let fine = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(parse(fine.as_bytes(), 1000).is_ok());
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let many = format!("[{}1]", "1,".repeat(1000));
        assert!(matches!(parse(many.as_bytes(), 100), Err(JsonError::TooMany { limit: 100, .. })));
    }

    #[test]
    fn truncation_at_every_byte_is_an_error() {
        let text = r#"{"a":[1,-2.5e3,"\u00e9\n\ud83d\ude00",{"b":null}],"é":true}"#.as_bytes();
        assert!(parse(text, 100).is_ok());
        for end in 0..text.len() {
            assert!(parse(&text[..end], 100).is_err(), "{end}");
        }
    }
}
