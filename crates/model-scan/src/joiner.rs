//! Zero-width joiners and non-joiners where a script or an emoji needs them: the one use of an invisible
//! character that hides nothing.

/// Whether an invisible character at `at` joins what stands around it: both neighbours are visible and
/// not ASCII, as in emoji of several signs and in Persian or Indic words. A row of invisible characters
/// never does.
pub(super) fn joins(text: &str, at: usize, c: char) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + c.len_utf8()..].chars().next();
    matches!(c, '\u{200C}' | '\u{200D}')
        && before.is_some_and(visible)
        && after.is_some_and(visible)
}

fn visible(c: char) -> bool {
    // A variation selector belongs to the sign in front of it.
    !c.is_ascii()
        && !c.is_control()
        && !c.is_whitespace()
        && !matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_join(text: &str) -> bool {
        let mut joiners = text.char_indices().filter(|(_, c)| matches!(c, '\u{200B}'..='\u{200D}'));
        joiners.all(|(at, c)| joins(text, at, c))
    }

    #[test]
    fn emoji_and_persian_words_are_joined_and_rows_of_joiners_are_not() {
        for text in [
            "🤷\u{200D}♂\u{FE0F}",
            "👩🏽\u{200D}💻",
            "🏳\u{FE0F}\u{200D}🌈",
            "می\u{200C}خواهم",
            "क्\u{200D}ष",
        ] {
            assert!(all_join(text), "{text}");
        }
        for text in [
            "a\u{200D}b",
            "é\u{200D}\u{200C}é",
            "x = 1\u{200C}",
            "\u{200D}é",
            "é\u{200B}é",
            "é\u{200D} é",
        ] {
            assert!(!all_join(text), "{text:?}");
        }
    }
}
