//! Lines of a given width, counted as a terminal counts them.

use unicode_width::UnicodeWidthStr as _;

/// Breaks `text` at spaces into lines of at most `width` columns; the first line may use `first`
/// columns only. A word that is longer than a line stays whole: hashes and paths are for copying.
#[must_use]
pub(super) fn wrap(text: &str, first: usize, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let columns = word.width();
        let room = if lines.is_empty() { first } else { width };
        if used > 0 && used + 1 + columns > room {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += columns;
    }
    lines.push(line);
    lines
}

/// Text in lines of `width` columns, every line but the first indented by `hang` spaces.
#[must_use]
pub(super) fn hanging(text: &str, width: usize, hang: usize) -> String {
    let room = width.saturating_sub(hang);
    wrap(text, width, room).join(&format!("\n{}", " ".repeat(hang)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_width() {
        assert_eq!(wrap("aa bb cc dd", 5, 5), ["aa bb", "cc dd"]);
        assert_eq!(wrap("aa bb cc dd", 2, 8), ["aa", "bb cc dd"]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(wrap("日本 語", 5, 5), ["日本", "語"]);
    }

    #[test]
    fn a_long_word_stays_whole() {
        assert_eq!(wrap("a 0123456789 b", 4, 4), ["a", "0123456789", "b"]);
    }

    #[test]
    fn no_words_are_one_empty_line() {
        assert_eq!(wrap(" ", 4, 4), [""]);
    }
}
