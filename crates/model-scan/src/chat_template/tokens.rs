//! The search that remains when a template cannot be parsed: names and strings, token by token.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::names::{dunders_in, is_dangerous, is_dunder_piece};
use super::{ChatTemplate, prose};

/// Looks for dangerous names in tokens, with neighbouring strings put together; where even the tokens are
/// broken, in the bare text.
pub(super) fn search(text: &str, facts: &mut ChatTemplate) {
    prose::instructions(text, 0, facts);
    let mut joined = String::new();
    let mut after_dot = false;
    for token in tokenize(text, false, SyntaxConfig::default()) {
        let Ok((token, span)) = token else {
            return bare(text, facts);
        };
        let offset = u64::from(span.start_offset);
        match &token {
            Token::Ident(name) if is_dangerous(name) && after_dot => {
                facts.dangerous("dangerous-attribute", name, offset, "as an attribute");
            }
            Token::Str(piece) => join(&mut joined, piece, offset, facts),
            Token::String(piece) => join(&mut joined, piece, offset, facts),
            Token::Tilde | Token::Plus | Token::ParenOpen | Token::ParenClose => {}
            _ => joined.clear(),
        }
        after_dot = matches!(token, Token::Dot);
    }
}

fn join(joined: &mut String, piece: &str, offset: u64, facts: &mut ChatTemplate) {
    const LONGEST: usize = 4096;
    if joined.len() + piece.len() > LONGEST {
        joined.clear();
    }
    joined.push_str(&piece[..piece.floor_char_boundary(LONGEST)]);
    if is_dunder_piece(piece) {
        facts.anomalies.note("dunder-piece", offset, piece);
    }
    let found: Vec<String> = dunders_in(joined).map(str::to_owned).collect();
    for name in found {
        facts.dangerous("dangerous-attribute", &name, offset, "as a string");
        joined.clear();
    }
}

fn bare(text: &str, facts: &mut ChatTemplate) {
    let start = text.as_ptr() as usize;
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    for word in words.filter(|word| is_dangerous(word)) {
        let offset = (word.as_ptr() as usize - start) as u64;
        facts.dangerous("dangerous-attribute", word, offset, "in text that is no Jinja");
    }
}
