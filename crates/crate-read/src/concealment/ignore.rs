//! Patterns of `.gitignore` and `package.exclude` that hide build inputs: what is ignored is in no
//! review, and what is excluded is in no archive. The m4 file that started the xz backdoor was in the
//! release and, by `.gitignore`, in no commit.

use toml::{Table, Value};

/// Most patterns of one file.
const MOST: usize = 64;
/// Largest file that is read.
const LARGEST: usize = 256 << 10;

/// A pattern that matches a build input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnorePattern {
    /// The pattern.
    pub pattern: String,
    /// A name that it matches, such as `build.rs`.
    pub matches: &'static str,
    /// Line, from 1; 0 for an entry of the manifest.
    pub line: u64,
}

/// Names that stand for the kinds of build inputs.
const INPUTS: [&str; 9] = [
    "build.rs",
    "x.m4",
    "configure.ac",
    "Makefile.am",
    "CMakeLists.txt",
    "x.cmake",
    "x.c",
    "x.h",
    "x.rs",
];

/// The build input that a pattern matches by the last part of its path, if it matches one.
#[must_use]
pub fn build_input(pattern: &str) -> Option<&'static str> {
    let pattern = pattern.trim().trim_start_matches("**/").trim_start_matches('/');
    if pattern.is_empty() || pattern.starts_with(['#', '!']) || pattern.ends_with('/') {
        return None;
    }
    let (folders, last) = pattern.rsplit_once('/').map_or(("", pattern), |(f, l)| (f, l));
    // A whole folder, or everything, is not aimed at a build input.
    if last.trim_matches('*').is_empty() || folders.contains("test") || folders.contains("target") {
        return None;
    }
    let named = last.rsplit_once('.').map(|(_, extension)| extension);
    let literal = match named {
        Some("m4") => Some("x.m4"),
        Some("cmake") => Some("x.cmake"),
        _ => None,
    };
    literal.or_else(|| INPUTS.into_iter().find(|input| glob(last.as_bytes(), input.as_bytes())))
}

/// `*` and `?` against a name. Patterns with many stars are cut short by the caller's bound on length.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    if pattern.len() > 200 {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Patterns of a `.gitignore` that match build inputs; empty for other files.
#[must_use]
pub fn ignored(path: &str, bytes: &[u8]) -> Vec<IgnorePattern> {
    if path.rsplit('/').next() != Some(".gitignore") || bytes.len() > LARGEST {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let lines = (1..).zip(text.lines());
    let found = lines.filter_map(|(line, pattern)| {
        let matches = build_input(pattern)?;
        Some(IgnorePattern { pattern: pattern.trim().to_owned(), matches, line })
    });
    found.take(MOST).collect()
}

/// Patterns of `package.exclude` that match build inputs.
#[must_use]
pub fn excluded(manifest: &Table) -> Vec<IgnorePattern> {
    let package = manifest.get("package").and_then(Value::as_table);
    let patterns = package.and_then(|p| p.get("exclude")).and_then(Value::as_array);
    let found = patterns.into_iter().flatten().filter_map(|pattern| {
        let pattern = pattern.as_str()?;
        let matches = build_input(pattern)?;
        Some(IgnorePattern { pattern: pattern.to_owned(), matches, line: 0 })
    });
    found.take(MOST).collect()
}
