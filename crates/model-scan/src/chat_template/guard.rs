//! Refuses templates whose nesting would exhaust the stack of the recursive parser, before it sees them.
//!
//! minijinja limits some of its recursion itself (150 levels) but neither chains of operators, which make
//! trees that are dropped recursively, nor `elif` chains, nor signs.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

/// Most operators, dots, filters and brackets in one tag; each can add a level to the tree.
const OPERATORS: u32 = 400;
/// Most signs, `not` and `if` in one tag; each adds a level to the parser's stack.
const RECURSING: u32 = 60;
/// Deepest nesting of brackets.
const BRACKETS: u32 = 60;
/// Most `elif` in the whole template.
const ELIFS: u32 = 200;

/// Why the template is not given to the parser.
pub(super) fn too_complex(text: &str) -> Option<String> {
    let (mut operators, mut recursing, mut brackets, mut elifs) = (0, 0, 0_u32, 0);
    for token in tokenize(text, false, SyntaxConfig::default()) {
        let Ok((token, _)) = token else { return None };
        match token {
            Token::BlockStart | Token::VariableStart => {
                (operators, recursing, brackets) = (0, 0, 0);
            }
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => {
                brackets += 1;
                operators += 1;
            }
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                brackets = brackets.saturating_sub(1);
            }
            Token::Minus => {
                recursing += 1;
                operators += 1;
            }
            Token::Ident("not" | "if" | "else") => recursing += 1,
            Token::Ident("and" | "or" | "in" | "is") => operators += 1,
            Token::Ident("elif") => elifs += 1,
            Token::Comma
            | Token::Colon
            | Token::Assign
            | Token::Ident(_)
            | Token::TemplateData(_)
            | Token::Str(_)
            | Token::String(_)
            | Token::Int(_)
            | Token::Int128(_)
            | Token::Float(_)
            | Token::BlockEnd
            | Token::VariableEnd => {}
            _ => operators += 1,
        }
        for (count, limit, what) in [
            (operators, OPERATORS, "operators in one tag"),
            (recursing, RECURSING, "signs and conditions in one tag"),
            (brackets, BRACKETS, "levels of brackets"),
            (elifs, ELIFS, "elif"),
        ] {
            if count > limit {
                return Some(format!("more than {limit} {what}"));
            }
        }
    }
    None
}
