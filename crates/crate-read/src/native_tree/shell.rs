//! Shell text taken apart: logical lines, pipelines, words, substitutions. Near enough to a shell for
//! build files; where quoting is ambiguous between m4, make, CMake and the shell, text is rather taken
//! for a command than left out.

use super::kind::TextKind;

/// Longest logical line that is read, in bytes.
const LONGEST_LINE: usize = 64 << 10;
/// Most commands of a line.
const MOST_COMMANDS: usize = 500;

/// A logical line: physical ones joined at backslashes, or a whole CMake call.
#[derive(Debug)]
pub(super) struct Logical {
    /// Line where it begins, from 1.
    pub line: u64,
    pub text: String,
}

/// The logical lines of a build file.
pub(super) fn logical_lines(kind: TextKind, text: &str) -> Vec<Logical> {
    if kind == TextKind::Cmake {
        return cmake_calls(text);
    }
    let mut all: Vec<Logical> = Vec::new();
    let mut joined: Option<Logical> = None;
    for (line, content) in super::lines(text) {
        let (content, more) = match content.strip_suffix('\\') {
            Some(content) => (content, true),
            None => (content, false),
        };
        let logical = joined.get_or_insert_with(|| Logical { line, text: String::new() });
        if logical.text.len() + content.len() < LONGEST_LINE {
            logical.text.push_str(content);
            logical.text.push(' ');
        }
        if !more {
            all.extend(joined.take());
        }
    }
    all.extend(joined);
    for logical in &mut all {
        if let Some(text) = plainer(kind, &logical.text) {
            logical.text = text;
        }
    }
    all.retain(|logical| !is_comment(kind, &logical.text));
    all
}

fn is_comment(kind: TextKind, text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty()
        || text.starts_with('#')
        || (kind == TextKind::Autoconf && text.starts_with("dnl"))
}

/// What m4 or make would hand to the shell, as far as it matters here.
fn plainer(kind: TextKind, text: &str) -> Option<String> {
    match kind {
        // Quotes of m4 around arguments become commands of their own; those inside names stay.
        TextKind::Autoconf if text.contains('[') => {
            let mut text = text.to_owned();
            for argument in '1'..='9' {
                text = text.replace(&format!("[${argument}]"), &format!("_{argument}_"));
            }
            for bracket in ["([", "], [", "],[", "])", ", ["] {
                text = text.replace(bracket, " ; ");
            }
            Some(text)
        }
        TextKind::Make if text.contains('$') => {
            Some(text.replace("$$", "$").replace("$(shell ", "$( "))
        }
        _ => None,
    }
}

/// CMake calls that start programs, as shell: the commands of one `execute_process` are a pipeline.
fn cmake_calls(text: &str) -> Vec<Logical> {
    const CALLS: [(&str, &str); 4] = [
        ("execute_process", " | "),
        ("add_custom_command", " ; "),
        ("add_custom_target", " ; "),
        ("exec_program", " ; "),
    ];
    let folded = text.to_ascii_lowercase();
    let mut all = Vec::new();
    for (name, between) in CALLS {
        for (at, inside) in calls(text, &folded, name, LONGEST_LINE / 8) {
            let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() as u64;
            if all.len() < MOST_COMMANDS {
                let text = inside.replace("COMMAND", between);
                all.push(Logical { line, text });
            }
        }
    }
    all.sort_by_key(|logical| logical.line);
    all
}

/// Calls of a name, each with where it stands and what is between its brackets, of at most `longest` bytes.
/// `folded` is the text in lower case.
pub(crate) fn calls<'t>(
    text: &'t str,
    folded: &str,
    name: &str,
    longest: usize,
) -> impl Iterator<Item = (usize, &'t str)> {
    memchr::memmem::find_iter(folded.as_bytes(), name.as_bytes()).filter_map(move |at| {
        let start = at + name.len();
        let end = text.floor_char_boundary(start + longest);
        let rest = text[start..end].trim_start().strip_prefix('(')?;
        Some((at, &rest[..closing(rest)]))
    })
}

/// Where the bracket closes that was opened before the text.
pub(crate) fn closing(text: &str) -> usize {
    let mut depth = 0_u32;
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted && depth == 0 => return at,
            b')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The pipelines of a text, each a list of commands. Brackets are flattened: what a group prints goes
/// where the group's output goes.
pub(crate) fn pipelines(text: &str) -> Vec<Vec<&str>> {
    let bytes = text.as_bytes();
    let mut all: Vec<Vec<&str>> = vec![Vec::new()];
    let mut start = 0;
    let mut at = 0;
    let mut depth = 0_usize;
    let mut commands = 0;
    while at < bytes.len() && commands < MOST_COMMANDS {
        let byte = bytes[at];
        let (length, ends) = match byte {
            b'\'' | b'"' | b'`' => {
                at = end_of_quote(bytes, at);
                continue;
            }
            b'\\' => {
                at += 2;
                continue;
            }
            b'$' | b'<' if bytes.get(at + 1) == Some(&b'(') => {
                at = end_of_group(bytes, at + 1);
                continue;
            }
            b'#' if at == 0 || bytes[at - 1].is_ascii_whitespace() => {
                (memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at), false)
            }
            b'(' => {
                depth += 1;
                (1, false)
            }
            b')' => {
                depth = depth.saturating_sub(1);
                (1, false)
            }
            b'|' if bytes.get(at + 1) == Some(&b'|') => (2, depth == 0),
            b'&' if bytes.get(at + 1) == Some(&b'&') => (2, depth == 0),
            b'|' => (1, false),
            b';' => (1, depth == 0),
            _ => {
                at += 1;
                continue;
            }
        };
        push(&mut all, &text[start..at]);
        commands += 1;
        at += length;
        start = at;
        if ends {
            all.push(Vec::new());
        }
    }
    if let Some(rest) = text.get(start..) {
        push(&mut all, rest);
    }
    all.retain(|pipeline| !pipeline.is_empty());
    all
}

fn push<'t>(all: &mut [Vec<&'t str>], command: &'t str) {
    let command = command.trim();
    if let (false, Some(last)) = (command.is_empty(), all.last_mut()) {
        last.push(command);
    }
}

/// Where a quoted part ends, its quote included. The end is a character boundary: quotes are ASCII.
fn end_of_quote(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    let mut next = at + 1;
    while let Some(byte) = bytes.get(next) {
        match *byte {
            b'\\' if quote != b'\'' => next += 2,
            byte if byte == quote => return next + 1,
            _ => next += 1,
        }
    }
    bytes.len()
}

/// Where a bracketed part ends whose bracket opens at `at`.
pub(crate) fn end_of_group(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_u32;
    let mut next = at;
    while let Some(byte) = bytes.get(next) {
        match *byte {
            b'\\' => next += 1,
            b'\'' => next = end_of_quote(bytes, next).saturating_sub(1),
            b'(' => depth += 1,
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return next + 1;
                }
            }
            _ => {}
        }
        next += 1;
    }
    bytes.len()
}

/// The texts of substitutions in a command: backticks, `$(...)` and `<(...)`, not inside `'...'`.
pub(crate) fn substitutions(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (start, end) = match *byte {
            b'\\' => {
                at += 2;
                continue;
            }
            b'\'' => {
                at = end_of_quote(bytes, at);
                continue;
            }
            b'`' => (at + 1, end_of_quote(bytes, at)),
            b'$' | b'<' if bytes.get(at + 1) == Some(&b'(') => {
                (at + 2, end_of_group(bytes, at + 1))
            }
            _ => {
                at += 1;
                continue;
            }
        };
        found.extend(text.get(start..end.saturating_sub(1)));
        at = end.max(at + 1);
    }
    found
}

/// The words of a command, without the quotes around them.
pub(crate) fn words(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && !bytes[at].is_ascii_whitespace() {
            at = match bytes[at] {
                b'\'' | b'"' | b'`' => end_of_quote(bytes, at),
                b'$' | b'<' if bytes.get(at + 1) == Some(&b'(') => end_of_group(bytes, at + 1),
                b'\\' => at + 2,
                _ => at + 1,
            };
        }
        words.extend(text.get(start..at.min(bytes.len())).map(without_quotes));
    }
    words
}

/// A word without the pair of quotes around it.
pub(super) fn without_quotes(word: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| word.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(word)
}

/// The names of the variables that a text mentions: `$name`, `${name}`, `$(name)`, `@name@`.
pub(super) fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices(['$', '@']) {
        let rest = &text[at + 1..];
        let open = rest.starts_with(['{', '(']);
        let rest = if open { &rest[1..] } else { rest };
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        if !name.is_empty() && (mark == "$" || rest[name.len()..].starts_with('@')) {
            found.push(name);
        }
    }
    found
}
