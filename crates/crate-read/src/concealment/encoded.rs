//! Text that is one endless line of base64 or hexadecimal: bytes in the dress of a text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shortest run that is reported, in characters.
const SHORTEST: usize = 4096;

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Base64, either alphabet.
    Base64,
    /// Hexadecimal digits.
    Hex,
}

/// The longest encoded run on one line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedLine {
    /// How it is written.
    pub encoding: Encoding,
    /// Characters of the run.
    pub length: u64,
    /// Line, from 1.
    pub line: u64,
}

/// The longest run of at least 4,096 encoding characters without a break. Few different characters
/// (rulers, zeros) do not count.
#[must_use]
pub fn encoded_line(bytes: &[u8]) -> Option<EncodedLine> {
    let mut best: Option<EncodedLine> = None;
    let (mut start, mut line, mut counted) = (0, 1, 0);
    // A line that is long enough has no end in that many bytes: most texts are skipped in steps of that size.
    while let Some(window) = bytes.get(start..start + SHORTEST) {
        if let Some(at) = memchr::memrchr(b'\n', window) {
            start += at + 1;
            continue;
        }
        let behind = start + SHORTEST;
        let end = memchr::memchr(b'\n', &bytes[behind..]).map_or(bytes.len(), |at| behind + at);
        line += memchr::memchr_iter(b'\n', &bytes[counted..start]).count() as u64;
        counted = start;
        if let Some((encoding, length)) = longest_run(&bytes[start..end])
            && best.is_none_or(|best| best.length < length)
        {
            best = Some(EncodedLine { encoding, length, line });
        }
        start = end + 1;
    }
    best
}

fn longest_run(content: &[u8]) -> Option<(Encoding, u64)> {
    let encodes =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
    let run = content.split(|b| !encodes(b)).max_by_key(|run| run.len())?;
    if run.len() < SHORTEST {
        return None;
    }
    let mut seen = [false; 256];
    for byte in run {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.iter().filter(|seen| **seen).count();
    let hex = run.iter().all(u8::is_ascii_hexdigit);
    match (hex, different) {
        (true, 10..) => Some((Encoding::Hex, run.len() as u64)),
        (false, 32..) => Some((Encoding::Base64, run.len() as u64)),
        _ => None,
    }
}
