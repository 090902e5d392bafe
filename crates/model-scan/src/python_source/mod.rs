//! Python beside weights: what it would do when it is imported, instantiated or called. Tokens and a light
//! statement structure; nothing is executed and no syntax tree is built.
//!
//! Why no parser crate: `ruff_python_parser` (0.0.10) grows the stack without limit and returns trees that
//! are dropped recursively, so that nesting chosen by an attacker ends the process, and it brings a build
//! script with assembly; `tree-sitter-python` is generated C; `rustpython-parser` is no longer kept. All of
//! them refuse or repair sources that differ from the Python version they know. Tokens suffice to say which
//! function is called where, survive any nesting, and read Python 2 as well.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `too-long`, `not-utf8`, `null-byte`,
//! `unterminated-string`, `unbalanced-brackets`, `too-deep`, `long-line`, `long-literal`, `hidden-text`,
//! `odd-encoding` (a PEP 263 declaration that changes what the bytes mean), `computed-name` (a function is
//! looked up by a name that is put together at run time), `internals` (`__subclasses__`, `__globals__` and
//! the like).

mod aliases;
mod capability;
pub mod lexer;
mod value;
mod walk;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use capability::Capability;

use crate::joiner::joins;
use custody_bytes::anomaly::Anomalies;

/// Longest source that is looked at, in bytes.
pub const SIZE_LIMIT: usize = 16 * 1024 * 1024;
/// Most calls that are kept.
const CALLS_LIMIT: usize = 500;
/// Most imported modules that are kept.
const IMPORTS_LIMIT: usize = 200;

/// What a Python source would do.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct PythonSource {
    /// Length in bytes.
    pub size: u64,
    /// Number of lines.
    pub lines: u64,
    /// Calls of and references to functions that can do more than compute, in file order; at most 500.
    pub calls: Vec<PythonCall>,
    /// Number of such calls beyond those kept.
    pub calls_left_out: u64,
    /// Modules that are imported, by full name, sorted; at most 200.
    pub imports: Vec<String>,
    /// What an ordinary source does not show.
    pub anomalies: Anomalies,
}

/// One call of, or reference to, a function that can do more than compute.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct PythonCall {
    /// Full name with import aliases resolved, such as `os.system`; built-ins stand without module.
    pub function: String,
    /// What the function can do.
    pub capability: Capability,
    /// When the line runs.
    pub scope: PythonScope,
    /// Class and function around it, such as `Model.__init__`; absent at module level.
    pub within: Option<String>,
    /// Line, counted from 1.
    pub line: u64,
    /// Bytes from the start of the source.
    pub offset: u64,
    /// Whether it is called here; otherwise it is passed on or assigned.
    pub called: bool,
    /// Whether an argument comes from a decoding function such as `base64.b64decode` or `bytes.fromhex`.
    pub decoded_argument: bool,
    /// Whether an argument comes from the network.
    pub fetched_argument: bool,
    /// The first constant string among the arguments, cut to 200 characters.
    pub argument: Option<String>,
}

/// When a line of a module runs.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum PythonScope {
    /// On import.
    Module,
    /// On import too: the body of a class.
    Class,
    /// When the object is made: `__init__`, `__new__`, `__post_init__`, `__setstate__`, `__reduce__` and
    /// the hooks that a loader calls (`from_pretrained`, `_load_from_state_dict`).
    Construction,
    /// When the function is called.
    Function,
    /// When the lambda is called.
    Lambda,
    /// Only when the file is run as a program: below `if __name__ == "__main__":`.
    Main,
}

/// Reads one source.
pub fn read(bytes: &[u8]) -> PythonSource {
    let mut facts = PythonSource { size: bytes.len() as u64, ..PythonSource::default() };
    let mut bytes = bytes;
    if bytes.len() > SIZE_LIMIT {
        let detail = format!("{} bytes, {SIZE_LIMIT} are looked at", bytes.len());
        facts.anomalies.note("too-long", SIZE_LIMIT as u64, detail);
        bytes = &bytes[..SIZE_LIMIT];
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        Err(error) => {
            let at = error.valid_up_to() as u64;
            facts.anomalies.note("not-utf8", at, "decoded with replacement characters");
            String::from_utf8_lossy(bytes)
        }
    };
    facts.lines = memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64 + 1;
    surface(&text, &mut facts.anomalies);
    walk::walk(&text, &mut facts);
    facts
}

/// What can be said without tokens.
fn surface(text: &str, anomalies: &mut Anomalies) {
    const LONG_LINE: usize = 20_000;
    for (at, c) in text.char_indices() {
        match c {
            '\0' => anomalies.note("null-byte", at as u64, "Python refuses such a source"),
            '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
                if !joins(text, at, c) =>
            {
                anomalies.note("hidden-text", at as u64, format!("U+{:04X}", u32::from(c)));
            }
            _ => {}
        }
    }
    let mut at = 0;
    for (number, line) in text.split('\n').enumerate() {
        if line.len() > LONG_LINE {
            let detail = format!("line {} has {} bytes", number + 1, line.len());
            anomalies.note("long-line", at as u64, detail);
        }
        if number < 2 {
            encoding(line, at, anomalies);
        }
        at += line.len() + 1;
    }
}

/// PEP 263: a comment in the first two lines names the encoding.
fn encoding(line: &str, at: usize, anomalies: &mut Anomalies) {
    let Some(comment) = line.trim_start_matches(['\u{feff}', ' ', '\t', '\x0c']).strip_prefix('#')
    else {
        return;
    };
    let Some((_, rest)) = comment.split_once("coding") else { return };
    let Some(rest) = rest.strip_prefix([':', '=']) else { return };
    let name: String = rest
        .trim_start_matches([' ', '\t'])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(40)
        .collect::<String>()
        .to_ascii_lowercase()
        .replace('_', "-");
    let harmless = ["utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1"];
    let family = ["utf-8-", "iso-8859-", "cp125", "windows-125"];
    if !harmless.contains(&name.as_str()) && !family.iter().any(|start| name.starts_with(start)) {
        anomalies.note("odd-encoding", at as u64, format!("declared as {name}"));
    }
}

#[cfg(test)]
mod tests;
