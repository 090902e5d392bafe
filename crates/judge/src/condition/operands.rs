//! Whether the two sides of an operator go together. A word that no code emits would be compared in vain
//! for ever, and read as "clear": it is refused, with a suggestion.

use cel::common::ast::operators::{
    CONDITIONAL, EQUALS, GREATER, GREATER_EQUALS, IN, LESS, LESS_EQUALS, LOGICAL_AND, LOGICAL_NOT,
    LOGICAL_OR, NOT_EQUALS, NOT_STRICTLY_FALSE,
};
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use super::names::{BOOLEAN, Inferred, did_you_mean};
use crate::schema::FactType;

/// The type of what a function or operator yields, where it is the same for all operands.
pub(super) fn result(name: &str) -> FactType {
    match name {
        EQUALS | NOT_EQUALS | GREATER | GREATER_EQUALS | LESS | LESS_EQUALS | IN | LOGICAL_AND
        | LOGICAL_OR | LOGICAL_NOT | NOT_STRICTLY_FALSE | "startsWith" | "endsWith"
        | "contains" | "matches" => BOOLEAN,
        "size" => FactType::Scalar("integer"),
        _ => FactType::Any,
    }
}

/// Checks the operands of a call, whose types are `inferred`, in their order.
pub(super) fn check(call: &CallExpr, inferred: &[Inferred]) -> Result<(), String> {
    match (call.func_name.as_str(), call.args.as_slice(), inferred) {
        (LOGICAL_AND | LOGICAL_OR | LOGICAL_NOT, _, all) => all.iter().try_for_each(yes_or_no),
        (CONDITIONAL, _, [first, ..]) => yes_or_no(first),
        (EQUALS | NOT_EQUALS, [left, right], [left_type, right_type]) => {
            compared(left_type, right)?;
            compared(right_type, left)
        }
        (IN, [item, list], [item_type, list_type]) => {
            if let Expr::List(literals) = &list.expr {
                for one in &literals.elements {
                    compared(item_type, one)?;
                }
            }
            match list_type {
                (FactType::List(inner), path) => {
                    let path = path.as_ref().map(|path| format!("{path}[]"));
                    compared(&((**inner).clone(), path), item)
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Whether an expression of this type can be asked for its truth.
pub(super) fn yes_or_no((kind, path): &Inferred) -> Result<(), String> {
    match kind {
        FactType::Any | FactType::Scalar("boolean") => Ok(()),
        _ => Err(format!("{} is not a yes or no", named(path.as_deref()))),
    }
}

/// Whether a value of this type can ever equal what stands on the other side, if that is a literal.
fn compared((kind, path): &Inferred, other: &IdedExpr) -> Result<(), String> {
    let Expr::Literal(literal) = &other.expr else { return Ok(()) };
    let fits = match (kind, literal) {
        (FactType::Word(words), LiteralValue::String(word)) => {
            let word: &str = word;
            if words.contains(word) {
                return Ok(());
            }
            let suggestion = did_you_mean(word, words.iter().map(String::as_str));
            let what = named(path.as_deref());
            return Err(format!("{what} is never '{word}'{}", told(&suggestion, kind)));
        }
        (FactType::Word(_) | FactType::Scalar("string"), literal) => {
            matches!(literal, LiteralValue::String(_))
        }
        (FactType::Scalar("integer" | "number"), literal) => matches!(
            literal,
            LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_)
        ),
        (FactType::Scalar("boolean"), literal) => matches!(literal, LiteralValue::Boolean(_)),
        (FactType::Object(_) | FactType::List(_) | FactType::Map(_), _) => false,
        (FactType::Scalar(_) | FactType::Any, _) => true,
    };
    // Not known and null are told apart by the evaluation.
    if fits || matches!(literal, LiteralValue::Null) {
        return Ok(());
    }
    Err(format!("{} is compared with a value of another type", named(path.as_deref())))
}

/// A suggestion, or where there is none the words that there are.
fn told(suggestion: &str, kind: &FactType) -> String {
    match kind {
        FactType::Word(words) if suggestion.is_empty() => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            format!("; it is one of {}", words.join(", "))
        }
        _ => suggestion.to_owned(),
    }
}

fn named(path: Option<&str>) -> String {
    path.map_or_else(|| "an expression".to_owned(), |path| format!("`{path}`"))
}
