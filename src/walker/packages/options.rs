//! The lines of a requirement file as pip takes them: where they end, how they go on, and options that are
//! written short, long, cut to an unambiguous beginning, or in quotes.

/// Options that pip knows in such files; those without a value end the search for one.
const LONG: [(&str, bool); 17] = [
    ("--index-url", true),
    ("--pypi-url", true),
    ("--extra-index-url", true),
    ("--no-index", false),
    ("--constraint", true),
    ("--requirement", true),
    ("--editable", true),
    ("--find-links", true),
    ("--no-binary", true),
    ("--only-binary", true),
    ("--prefer-binary", false),
    ("--require-hashes", false),
    ("--pre", false),
    ("--trusted-host", true),
    ("--use-feature", true),
    ("--hash", true),
    ("--config-settings", true),
];
const SHORT: [(&str, &str); 5] = [
    ("-r", "--requirement"),
    ("-c", "--constraint"),
    ("-e", "--editable"),
    ("-f", "--find-links"),
    ("-i", "--index-url"),
];

/// Lines put together where they go on behind a backslash, without comments; numbers count from 1.
pub(super) fn logical(text: &str) -> Vec<(u32, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (at, line) in physical(text).enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let comment = line.trim_start().starts_with('#');
        let (start, mut whole) = open.take().unwrap_or((number, String::new()));
        match line.strip_suffix('\\') {
            // Nothing stands between the parts: an option can go on in the next line.
            Some(part) if !comment => {
                whole.push_str(part.trim_matches('\\'));
                open = Some((start, whole));
            }
            _ => {
                if comment {
                    whole.push(' ');
                }
                whole.push_str(line);
                lines.push((start, without_comment(&whole).trim().to_owned()));
            }
        }
    }
    lines.extend(open.map(|(start, whole)| (start, without_comment(&whole).trim().to_owned())));
    lines
}

/// Lines as Python splits text: a bare carriage return ends one as well.
fn physical(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    // One line more for each pair of both, which is told apart by its number.
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = text.find(ends) else {
            rest = None;
            return (!text.is_empty()).then_some(text);
        };
        let end = text[at..].chars().next().map_or(1, char::len_utf8);
        let both = if text[at..].starts_with("\r\n") { 2 } else { end };
        rest = Some(&text[at + both..]);
        Some(&text[..at])
    })
}

fn without_comment(line: &str) -> &str {
    let mut before = true;
    for (at, c) in line.char_indices() {
        if c == '#' && before {
            return &line[..at];
        }
        before = c.is_whitespace();
    }
    line
}

/// The options of a line that begins with one: full names and values.
pub(super) fn options(line: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut words = words(line).into_iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        if let Some((full, takes)) = long(name) {
            let value = if takes { value.or_else(|| words.next()) } else { None };
            found.push((full, value.unwrap_or_default()));
        } else if let Some((_, full)) = SHORT.iter().find(|(short, _)| name.starts_with(*short))
            && !name.starts_with("--")
        {
            let attached = word[2..].trim_start_matches('=').to_owned();
            let value = if attached.is_empty() { words.next() } else { Some(attached) };
            found.push((*full, value.unwrap_or_default()));
        }
    }
    found
}

/// The option of this name, or the only one that begins so.
fn long(name: &str) -> Option<(&'static str, bool)> {
    if name.len() < 3 || !name.starts_with("--") {
        return None;
    }
    if let Some(exact) = LONG.iter().find(|(full, _)| *full == name) {
        return Some(*exact);
    }
    let mut all = LONG.iter().filter(|(full, _)| full.starts_with(name));
    match (all.next(), all.next()) {
        (Some(only), None) => Some(*only),
        _ => None,
    }
}

/// Words of a line as a shell splits them, with quotes and backslashes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_with(String::new);
            }
            (None | Some('"'), '\\') => {
                word.get_or_insert_with(String::new).extend(chars.next());
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    words
}

/// Further indexes that a configuration of pip names, with their lines: one a line, or several words.
pub(super) fn of_configuration(text: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (at, line) in physical(text.strip_prefix('\u{feff}').unwrap_or(text)).enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if line.trim().is_empty() || line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let value = if line.starts_with([' ', '\t']) {
            inside.then_some(line)
        } else {
            let (key, value) = line.split_once(['=', ':']).unwrap_or((line, ""));
            let key = key.trim().to_ascii_lowercase().replace('_', "-");
            inside = matches!(key.as_str(), "extra-index-url" | "find-links");
            inside.then_some(value)
        };
        let words = value.into_iter().flat_map(str::split_whitespace);
        found.extend(words.map(|word| (number, word.to_owned())));
    }
    found
}
