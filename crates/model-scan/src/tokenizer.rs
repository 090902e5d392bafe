//! `tokenizer.json`: sizes, added tokens and the regular expressions that a loader compiles. Read as events,
//! because vocabularies are large and not needed.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `too-long`, `not-json`, `long-added-token`,
//! `many-added-tokens`, `long-regex`, `nested-quantifier` (a repetition in a repetition, which a
//! backtracking engine takes exponential time for).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::json::{Event, JsonError, JsonReader};

/// Longest file that is looked at, in bytes; real ones stay under 40 MB.
pub const SIZE_LIMIT: usize = 256 * 1024 * 1024;
/// Added tokens beyond which a file is unusual.
const ADDED_TOKENS: u64 = 20_000;
/// Characters of an added token beyond which it is unusual.
const TOKEN_CHARS: usize = 256;
/// Bytes of a regular expression beyond which it is unusual.
const REGEX_BYTES: usize = 4096;
/// Most regular expressions that are kept.
const REGEXES: usize = 32;

/// What a tokenizer file holds.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Tokenizer {
    /// Length in bytes.
    pub size: u64,
    /// Whether the file was read to its end.
    pub complete: bool,
    /// Number of entries of the vocabulary.
    pub vocabulary: u64,
    /// Number of added tokens.
    pub added_tokens: u64,
    /// Regular expressions of normalizers and splitters, each cut to 300 characters; at most 32.
    pub regexes: Vec<String>,
    /// What an ordinary file does not show; offsets count from the start of the file.
    pub anomalies: Anomalies,
}

/// Reads a `tokenizer.json`.
pub fn read(bytes: &[u8]) -> Tokenizer {
    let mut facts = Tokenizer { size: bytes.len() as u64, ..Tokenizer::default() };
    if bytes.len() > SIZE_LIMIT {
        let detail = format!("{} bytes, {SIZE_LIMIT} are looked at", bytes.len());
        facts.anomalies.note("too-long", None, detail);
        return facts;
    }
    match events(bytes, &mut facts) {
        Ok(()) => facts.complete = true,
        Err(error) => {
            facts.anomalies.note("not-json", error.offset() as u64, error.to_string());
        }
    }
    if facts.added_tokens > ADDED_TOKENS {
        facts.anomalies.note("many-added-tokens", None, format!("{} tokens", facts.added_tokens));
    }
    facts
}

fn events(bytes: &[u8], facts: &mut Tokenizer) -> Result<(), JsonError> {
    let mut reader = JsonReader::new(bytes)?;
    // The keys that lead to where the reader is; an empty one stands for a list's element.
    let mut path: Vec<String> = Vec::new();
    let mut key = String::new();
    while let Some(event) = reader.next_event()? {
        let at = reader.event_start() as u64;
        match event {
            Event::Key(name) => {
                if path.last().is_some_and(|last| last == "vocab") {
                    facts.vocabulary += 1;
                }
                key = excerpt(&name, 40);
            }
            Event::MapStart | Event::ListStart => path.push(std::mem::take(&mut key)),
            Event::MapEnd | Event::ListEnd => {
                if path.iter().any(|part| part == "added_tokens") && path.len() == 3 {
                    facts.added_tokens += 1;
                }
                path.pop();
            }
            Event::Text(text) => {
                let added = path.iter().any(|part| part == "added_tokens");
                if added && key == "content" && text.chars().count() > TOKEN_CHARS {
                    let detail = excerpt(&text, 80);
                    facts.anomalies.note("long-added-token", at, detail);
                }
                if key == "Regex" {
                    regex(&text, at, facts);
                }
                key.clear();
            }
            Event::Number(_) | Event::Bool(_) | Event::Null => key.clear(),
        }
    }
    Ok(())
}

fn regex(text: &str, at: u64, facts: &mut Tokenizer) {
    if text.len() > REGEX_BYTES {
        facts.anomalies.note("long-regex", at, format!("{} bytes", text.len()));
    }
    if has_nested_quantifier(text) {
        facts.anomalies.note("nested-quantifier", at, excerpt(text, 200));
    }
    if facts.regexes.len() < REGEXES {
        facts.regexes.push(excerpt(text, 300));
    }
}

/// Whether an unbounded repetition is repeated without bound, as in `(a+)+`.
fn has_nested_quantifier(text: &str) -> bool {
    // For each open group: whether an unbounded repetition is inside.
    let mut groups = vec![false];
    let mut class = false;
    let mut bytes = text.bytes().peekable();
    let mut closed = None;
    while let Some(byte) = bytes.next() {
        let inner = closed.take();
        match byte {
            b'\\' => {
                bytes.next();
            }
            b']' => class = false,
            _ if class => {}
            b'[' => class = true,
            b'(' => groups.push(false),
            b')' if groups.len() > 1 => {
                let repeated = groups.pop().unwrap_or(false);
                if let (true, Some(outer)) = (repeated, groups.last_mut()) {
                    *outer = true;
                }
                closed = Some(repeated);
            }
            b'+' | b'*' => {
                if inner == Some(true) {
                    return true;
                }
                // A second sign is possessive and does not backtrack.
                let possessive = byte == b'+' && bytes.peek() == Some(&b'+');
                if let (false, Some(group)) = (possessive, groups.last_mut()) {
                    *group = true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_tokenizer_is_quiet() {
        let text = r#"{"version": "1.0", "added_tokens": [{"id": 0, "content": "<s>", "special": true}, {"id": 1, "content": "</s>"}],
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": [["a", "b"]]}}"#;
        let facts = read(text.as_bytes());
        assert!(facts.complete && facts.anomalies.is_empty(), "{:?}", facts.anomalies);
        assert_eq!((facts.vocabulary, facts.added_tokens, facts.regexes.len()), (3, 2, 1));
        for end in 0..text.len() {
            assert!(!read(&text.as_bytes()[..end]).complete, "{end}");
        }
    }

    #[test]
    fn repetitions_in_repetitions_are_seen() {
        for regex in ["(a+)+", "(a*)*b", "((a+)b)*", "(?:x|y+)+$"] {
            assert!(has_nested_quantifier(regex), "{regex}");
        }
        for regex in ["(ab)+", "a+b+", "(a+)b", "[(+]+", "\\(a+\\)+", "(a+)?"] {
            assert!(!has_nested_quantifier(regex), "{regex}");
        }
    }

    #[test]
    fn odd_sizes_are_named() {
        let long = format!(r#"{{"added_tokens": [{{"content": "{}"}}]}}"#, "x".repeat(300));
        assert!(read(long.as_bytes()).anomalies.has("long-added-token"));
        let many = format!(r#"{{"added_tokens": [{}{{}}]}}"#, "{},".repeat(20_001));
        assert!(read(many.as_bytes()).anomalies.has("many-added-tokens"));
    }
}
