//! A text of shell, Dockerfile, YAML, TOML, JSON or the like as words with their places. One reader for
//! all of them: a model is named after a flag, a key or a variable in each, and quotes, commas and
//! brackets around it mean nothing here. No nesting is followed.

/// Most words of one file.
const WORDS_LIMIT: usize = 400_000;

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    pub at: usize,
    /// Line, from 0.
    pub line: u32,
    /// Line on which its command begins: the same, unless the line before ends in a backslash.
    pub command: u32,
}

/// The words of a text. `:` and `=` stand by themselves where they end a key; what follows `#` at the
/// start of a word is a comment, except in JSON.
pub(super) fn words(text: &str, hash_comments: bool) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let (mut start, mut command, mut goes_on) = (0, 0, false);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        command = if goes_on { command } else { number };
        goes_on = line.trim_end().ends_with('\\');
        let before = found.len();
        line_words(line, start, number, hash_comments, &mut found);
        found[before..].iter_mut().for_each(|word| word.command = command);
        start += line.len();
        if found.len() >= WORDS_LIMIT {
            break;
        }
    }
    found.truncate(WORDS_LIMIT);
    found
}

fn separates(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'`,;()[]{}<>|&\\".contains(&byte)
}

fn line_words<'a>(line: &'a str, start: usize, number: u32, hash: bool, into: &mut Vec<Word<'a>>) {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if separates(bytes[at]) {
            at += 1;
            continue;
        }
        if hash && bytes[at] == b'#' && (at == 0 || bytes[at - 1].is_ascii_whitespace()) {
            return;
        }
        let length = bytes[at..].iter().take_while(|b| !separates(**b)).count();
        split(&line[at..at + length], start + at, number, into);
        at += length;
    }
}

/// `KEY=value`, `key:` and `"key":` become three words; `host:port` and addresses stay whole.
fn split<'a>(text: &'a str, at: usize, line: u32, into: &mut Vec<Word<'a>>) {
    let mut push = |from: usize, to: usize| {
        if from < to {
            into.push(Word { text: &text[from..to], at: at + from, line, command: line });
        }
    };
    let key = |part: &str| {
        !part.is_empty()
            && part.len() <= 60
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$'))
    };
    if let Some(equals) = text.find('=')
        && (equals == 0 || key(&text[..equals]))
    {
        let operator = if text[equals..].starts_with("==") { 2 } else { 1 };
        push(0, equals);
        push(equals, equals + operator);
        push(equals + operator, text.len());
    } else if text.starts_with(':') {
        push(0, 1);
        push(1, text.len());
    } else if text.ends_with(':') {
        push(0, text.len() - 1);
        push(text.len() - 1, text.len());
    } else {
        push(0, text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<&str> {
        words(text, true).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn keys_and_values_are_told_apart_in_every_notation() {
        let expected = ["model", ":", "o/n"];
        for text in
            ["model: o/n", "\"model\": \"o/n\",", "{\"model\":\"o/n\"}", "- model: 'o/n' # why"]
        {
            let found: Vec<&str> = told(text).into_iter().filter(|w| *w != "-").collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(told("ENV MODEL_ID=o/n"), ["ENV", "MODEL_ID", "=", "o/n"]);
        assert_eq!(
            told("x --model-id=o/n:Q4 https://a.invalid/b?c=d"),
            ["x", "--model-id", "=", "o/n:Q4", "https://a.invalid/b?c=d"]
        );
    }

    #[test]
    fn offsets_and_lines_are_those_of_the_text() {
        let text = "a\r\n  é: b\n";
        let found = words(text, true);
        assert_eq!(found[3].text, "b");
        assert_eq!((&text[found[3].at..=found[3].at], found[3].line), ("b", 1));
    }
}
