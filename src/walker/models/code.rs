//! Tokens of Rust and Python in one form, and the calls in them. Nothing is parsed into a tree, so that
//! no nesting can cost more than its length.

use std::collections::BTreeMap;

use crate_read::rust_source::lexer as rust;
use model_scan::python_source::lexer as python;

/// Most tokens of one argument list that are looked at.
const CALL_TOKENS: usize = 400;

/// What a token is. Brackets count by their own byte; operators of several characters are one mark
/// each, except that Rust's arrive byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name(String),
    Text(String),
    Open(u8),
    Close(u8),
    Mark(u8),
    Other,
}

/// One token and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub at: usize,
}

impl Token {
    pub fn name(&self) -> Option<&str> {
        if let Kind::Name(name) = &self.kind { Some(name) } else { None }
    }

    pub fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    pub fn is(&self, mark: u8) -> bool {
        matches!(self.kind, Kind::Mark(m) | Kind::Open(m) | Kind::Close(m) if m == mark)
    }
}

/// Tokens of a Rust source.
pub(super) fn rust_tokens(source: &str) -> Vec<Token> {
    let bytes = source.as_bytes();
    let tokens = rust::Lexer::new(bytes).map(|token| {
        let of = &bytes[token.start..token.end];
        let kind = match token.kind {
            rust::Kind::Ident => Kind::Name(String::from_utf8_lossy(of).into_owned()),
            rust::Kind::Text => Kind::Text(rust::text_of(of)),
            rust::Kind::Punct(byte) => Kind::Mark(byte),
            rust::Kind::Open(byte) => Kind::Open(byte),
            rust::Kind::Close(byte) => Kind::Close(byte),
            _ => Kind::Other,
        };
        Token { kind, at: token.start }
    });
    tokens.collect()
}

/// Tokens of a Python source; the end of a logical line is a `;`.
pub(super) fn python_tokens(source: &str) -> Vec<Token> {
    let tokens = python::Lexer::new(source).filter_map(|token| {
        let kind = match token.kind {
            python::Kind::LineStart(_) => return None,
            python::Kind::Newline => Kind::Mark(b';'),
            python::Kind::Name(name) => Kind::Name(name.into_owned()),
            python::Kind::Text { content, .. } => Kind::Text(content),
            python::Kind::Op(op) => match op.as_bytes() {
                [byte @ (b'(' | b'[' | b'{')] => Kind::Open(*byte),
                [byte @ (b')' | b']' | b'}')] => Kind::Close(*byte),
                [byte] => Kind::Mark(*byte),
                _ => Kind::Other,
            },
            python::Kind::Number(_) | python::Kind::Unterminated => Kind::Other,
        };
        Some(Token { kind, at: token.offset })
    });
    tokens.collect()
}

/// A value as far as it can be read off the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A literal, by its token.
    Text(usize),
    /// A name, the last part of its path.
    Name(String),
    /// Anything else.
    Other,
}

/// One argument: its keyword, where it has one, and its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub keyword: Option<String>,
    pub from: usize,
    pub to: usize,
}

/// The arguments between the bracket at `open` and its closing one, and the index after that; what is
/// longer than [`CALL_TOKENS`] is cut.
pub(super) fn arguments(tokens: &[Token], open: usize) -> (Vec<Argument>, usize) {
    let mut found = Vec::new();
    let (mut depth, mut from) = (0_usize, open + 1);
    let last = tokens.len().min(open.saturating_add(CALL_TOKENS));
    for at in open..last {
        match &tokens[at].kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => {
                depth -= 1;
                if depth == 0 {
                    found.extend(argument(tokens, from, at));
                    return (found, at + 1);
                }
            }
            Kind::Mark(b',') if depth == 1 => {
                found.extend(argument(tokens, from, at));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.extend(argument(tokens, from, last));
    (found, last)
}

fn argument(tokens: &[Token], from: usize, to: usize) -> Option<Argument> {
    if from >= to {
        return None;
    }
    let keyword = match (&tokens[from].kind, tokens.get(from + 1)) {
        (Kind::Name(name), Some(next))
            if next.is(b'=') && !tokens.get(from + 2).is_some_and(|t| t.is(b'=')) =>
        {
            Some(name.clone())
        }
        _ => None,
    };
    let from = if keyword.is_some() { from + 2 } else { from };
    (from < to).then_some(Argument { keyword, from, to })
}

/// Names around a literal that leave it as it is.
const TRANSPARENT: [&str; 12] = [
    "String",
    "Some",
    "Cow",
    "Borrowed",
    "from",
    "into",
    "to_string",
    "to_owned",
    "clone",
    "as_str",
    "PathBuf",
    "Arc",
];

/// What an argument is: a literal, however wrapped, or a name.
pub(super) fn value(tokens: &[Token], argument: &Argument) -> Value {
    let span = &tokens[argument.from..argument.to];
    let mut name = None;
    for (at, token) in span.iter().enumerate() {
        match &token.kind {
            Kind::Text(_) if name.is_none() => return Value::Text(argument.from + at),
            Kind::Name(word) => {
                let called = span.get(at + 1).is_some_and(|next| next.is(b'(') || next.is(b'!'));
                if TRANSPARENT.contains(&word.as_str()) || (called && name.is_some()) {
                    continue;
                }
                if called {
                    return Value::Other;
                }
                name = Some(word.clone());
            }
            // A closure or a choice: what comes out is not decided here.
            Kind::Open(b'{') | Kind::Mark(b'|') => return name.map_or(Value::Other, Value::Name),
            _ => {}
        }
    }
    name.map_or(Value::Other, Value::Name)
}

/// Constants and variables that hold one literal: name to the literal's token. A name that holds
/// several different ones is left out.
pub(super) fn constants(tokens: &[Token], python: bool) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for at in 0..tokens.len() {
        let Some((name, text)) = constant(tokens, at, python) else { continue };
        found
            .entry(name.to_owned())
            .and_modify(|known| {
                if known.is_none_or(|before| tokens[before].text() != tokens[text].text()) {
                    *known = None;
                }
            })
            .or_insert(Some(text));
    }
    found.into_iter().filter_map(|(name, at)| Some((name, at?))).collect()
}

fn constant(tokens: &[Token], at: usize, python: bool) -> Option<(&str, usize)> {
    let (name, mut next) = if python {
        if at > 0 && !tokens[at - 1].is(b';') {
            return None;
        }
        (tokens[at].name()?, at + 1)
    } else {
        if !matches!(tokens[at].name()?, "const" | "static" | "let") {
            return None;
        }
        let skip = usize::from(tokens.get(at + 1)?.name() == Some("mut"));
        (tokens.get(at + 1 + skip)?.name()?, at + 2 + skip)
    };
    // Over the type, if there is one.
    let limit = next + 12;
    while !tokens.get(next)?.is(b'=') {
        let stops = tokens[next].is(b';') || tokens[next].is(b'(') || tokens[next].text().is_some();
        if stops || next > limit {
            return None;
        }
        next += 1;
    }
    next += 1;
    for ahead in next..next + 6 {
        let token = tokens.get(ahead)?;
        match &token.kind {
            Kind::Text(_) => return Some((name, ahead)),
            Kind::Name(word) if TRANSPARENT.contains(&word.as_str()) => {}
            Kind::Open(b'(') | Kind::Mark(b'&' | b':') => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_taken_apart_however_it_nests() {
        let tokens =
            rust_tokens("Repo::with_revision(X.into(), RepoType::Model, \"r\".to_string())");
        let (arguments, after) = arguments(&tokens, 4);
        assert_eq!(after, tokens.len());
        let values: Vec<Value> = arguments.iter().map(|a| value(&tokens, a)).collect();
        assert_eq!(values[0], Value::Name("X".to_owned()));
        assert!(matches!(values[2], Value::Text(at) if tokens[at].text() == Some("r")));
    }

    #[test]
    fn a_constant_of_two_values_is_none() {
        let tokens =
            rust_tokens("const A: &str = \"x\"; let b = String::from(\"y\"); let b = \"z\";");
        let constants = constants(&tokens, false);
        assert_eq!(constants.keys().collect::<Vec<_>>(), ["A"]);
        let tokens = python_tokens("a = \"x\"\nb: str = 'y'\nc = f(\"z\")\n");
        let constants = super::constants(&tokens, true);
        assert_eq!(constants.keys().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn hostile_nesting_costs_its_length_only() {
        let text = "model(".repeat(100_000);
        let tokens = rust_tokens(&text);
        for at in 0..tokens.len() {
            if tokens[at].is(b'(') {
                assert!(arguments(&tokens, at).1 <= tokens.len());
            }
        }
    }
}
