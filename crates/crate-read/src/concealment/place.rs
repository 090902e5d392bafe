//! Where in a source text a character stands: code, comment or string.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where something stands in a source text.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// What the compiler or interpreter acts on.
    Code,
    /// A comment.
    Comment,
    /// A string or character literal.
    String,
}

/// How comments and strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Rust: nested block comments, raw strings, lifetimes.
    Rust,
    /// C and everything that took its comments.
    C,
    /// Shell, make, CMake, Python, TOML: `#` to the end of the line.
    Hash,
}

/// How a file is written, by its name; `None` for what is no source text.
#[must_use]
pub fn syntax_of(path: &str) -> Option<Syntax> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Some(match extension {
        "rs" => Syntax::Rust,
        "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" | "inl" | "cu" | "m" | "mm" | "js"
        | "ts" | "java" | "go" | "swift" | "cs" | "glsl" | "wgsl" | "proto" => Syntax::C,
        "sh" | "bash" | "py" | "toml" | "cmake" | "m4" | "ac" | "am" | "mk" | "pl" | "rb"
        | "ps1" | "yml" | "yaml" => Syntax::Hash,
        _ if matches!(name, "CMakeLists.txt" | "Makefile" | "configure" | "GNUmakefile") => {
            Syntax::Hash
        }
        _ => return None,
    })
}

/// Walks through a text and says of every character where it stands.
pub(super) fn walk(text: &str, syntax: Syntax, mut visit: impl FnMut(usize, char, Place)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let (end, place) = region(bytes, at, syntax);
        let end = text.ceil_char_boundary(end.max(at + 1));
        for (offset, c) in text[at..end].char_indices() {
            visit(at + offset, c, place);
        }
        at = end;
    }
}

/// The comment or string that begins here, else one character of code.
fn region(bytes: &[u8], at: usize, syntax: Syntax) -> (usize, Place) {
    let next = bytes.get(at + 1).copied();
    match (bytes[at], syntax) {
        (b'#', Syntax::Hash) => (end_of_line(bytes, at), Place::Comment),
        (b'/', Syntax::Rust | Syntax::C) if next == Some(b'/') => {
            (end_of_line(bytes, at), Place::Comment)
        }
        (b'/', Syntax::Rust | Syntax::C) if next == Some(b'*') => {
            (end_of_block(bytes, at + 2, syntax == Syntax::Rust), Place::Comment)
        }
        (b'r', Syntax::Rust) if matches!(next, Some(b'"' | b'#')) && !in_word(bytes, at) => {
            raw_string(bytes, at).map_or((at + 1, Place::Code), |end| (end, Place::String))
        }
        (b'"', _) => (end_of_string(bytes, at, b'"'), Place::String),
        (b'\'', Syntax::Rust) => {
            char_literal(bytes, at).map_or((at + 1, Place::Code), |end| (end, Place::String))
        }
        (b'\'', Syntax::C) => (end_of_string(bytes, at, b'\''), Place::String),
        _ => (at + 1, Place::Code),
    }
}

fn in_word(bytes: &[u8], at: usize) -> bool {
    at > 0
        && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
        && bytes[at - 1] != b'b'
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n)
}

fn end_of_block(bytes: &[u8], from: usize, nested: bool) -> usize {
    let mut depth = 1_u32;
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'*', b'/', rest)) {
        at += found;
        match (bytes[at], bytes.get(at + 1)) {
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            (b'/', Some(b'*')) if nested => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Strings of C end at the line; those of Rust need not, and neither do those of shells.
fn end_of_string(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut next = at + 1;
    while let Some(byte) = bytes.get(next) {
        match *byte {
            b'\\' => next += 2,
            byte if byte == quote => return next + 1,
            b'\n' if quote == b'\'' => return next,
            _ => next += 1,
        }
    }
    bytes.len()
}

fn raw_string(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..].iter().take(256).take_while(|b| **b == b'#').count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut from = open + 1;
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memchr(b'"', rest)) {
        let end = from + found + 1;
        if bytes[end..].iter().take(hashes).take_while(|b| **b == b'#').count() == hashes {
            return Some(end + hashes);
        }
        from = end;
    }
    Some(bytes.len())
}

/// A character literal rather than a lifetime.
fn char_literal(bytes: &[u8], at: usize) -> Option<usize> {
    let limit = bytes.len().min(at + 14);
    match bytes.get(at + 1)? {
        b'\\' => {
            let from = at + 3;
            memchr::memchr(b'\'', bytes.get(from..limit)?).map(|n| from + n + 1)
        }
        first => {
            let width = match first {
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            (bytes.get(at + 1 + width) == Some(&b'\'')).then_some(at + 2 + width)
        }
    }
}
