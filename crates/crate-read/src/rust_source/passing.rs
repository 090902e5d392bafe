//! Functions and methods of which nothing more is known than that texts and data pass through them.

use syn::{Expr, Lit};

use super::calls::union;
use super::value::{Taint, Text, Value};

/// Functions that give back what they were given.
const KEEPING: [&str; 13] = [
    "new",
    "from_secs",
    "from",
    "Some",
    "Ok",
    "Err",
    "Box",
    "into",
    "try_from",
    "from_utf8",
    "from_utf8_lossy",
    "from_str",
    "from_utf8_unchecked",
];

/// A call of a function that nothing is known about: data passes, texts pass through conversions.
pub(super) fn kept(path: &[String], arguments: &[Value]) -> Value {
    let taint = union(arguments, &Taint::default());
    let keeps = path.last().is_some_and(|name| KEEPING.contains(&name.as_str()));
    // `Vec::new()`: a list of texts, so far of none.
    let is_list = path.len() > 1 && path[path.len() - 2] == "Vec" && arguments.is_empty();
    if is_list {
        return Value { list: Some(std::rc::Rc::default()), ..Value::of_taint(taint) };
    }
    match arguments.first() {
        Some(first) if keeps => Value { taint, ..first.clone() },
        _ => Value::of_taint(taint),
    }
}

/// `a::B::new` constructs an `a::B`.
pub(super) fn constructed(path: &[String]) -> Option<String> {
    let at = path.len().checked_sub(2)?;
    let name = path.get(at)?;
    name.starts_with(char::is_uppercase).then(|| path[..=at].join("::"))
}

/// The constant text of a literal expression.
pub(super) fn literal_text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(inner) => match &inner.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Methods whose result is constant where their receiver is.
pub(super) fn constant_method(name: &str, receiver: &Value, arguments: &[Value]) -> Option<Value> {
    let taint = union(arguments, &receiver.taint);
    let text = match (name, &receiver.text, &receiver.list) {
        ("join" | "push", Some(text), _) => text.join(&arguments.first()?.shown()),
        ("join" | "concat", None, Some(list)) => {
            let between = arguments.first().map(Value::shown).unwrap_or_default();
            let mut joined = Text::whole("");
            for (index, part) in list.iter().enumerate() {
                if index > 0 && name == "join" {
                    joined.push(&between);
                }
                joined.push(part);
            }
            joined
        }
        ("join", None, None) => Text::hole().join(&arguments.first()?.shown()),
        ("to_lowercase" | "to_ascii_lowercase", Some(text), _) => {
            Text { text: text.text.to_lowercase(), whole: text.whole }
        }
        ("to_uppercase" | "to_ascii_uppercase", Some(text), _) => {
            Text { text: text.text.to_uppercase(), whole: text.whole }
        }
        (
            "strip_prefix" | "strip_suffix" | "trim_start_matches" | "trim_end_matches"
            | "trim_matches",
            Some(text),
            _,
        ) if text.whole => {
            let given = arguments.first()?.shown();
            let part = given.constant().filter(|part| !part.is_empty())?;
            let mut rest = text.text.as_str();
            if name != "strip_suffix" && name != "trim_end_matches" {
                rest = rest.strip_prefix(part).unwrap_or(rest);
            }
            if name != "strip_prefix" && name != "trim_start_matches" {
                rest = rest.strip_suffix(part).unwrap_or(rest);
            }
            Text::whole(rest)
        }
        ("unwrap_or" | "unwrap_or_else", Some(text), _) => {
            let mut value = Value { text: Some(text.clone()), taint, ..receiver.clone() };
            value.also.extend(arguments.first()?.text.clone());
            return Some(value);
        }
        ("rev", Some(text), _) if text.whole => {
            Text::whole(text.text.chars().rev().collect::<String>())
        }
        ("parent", Some(text), _) => {
            let cut = text.text.rfind('/').unwrap_or(0);
            Text { text: text.text[..cut].to_owned(), whole: text.whole }
        }
        ("with_file_name", Some(text), _) => {
            let cut = text.text.rfind('/').unwrap_or(0);
            let folder = Text { text: text.text[..cut].to_owned(), whole: text.whole };
            folder.join(&arguments.first()?.shown())
        }
        ("with_extension", Some(text), _) => {
            let cut = text.text.rfind('.').unwrap_or(text.text.len());
            let mut named = Text { text: text.text[..cut].to_owned(), whole: text.whole };
            named.push(&Text::whole("."));
            named.push(&arguments.first()?.shown());
            named
        }
        ("replace", Some(text), _) => {
            let (from, to) = (arguments.first()?.shown(), arguments.get(1)?.shown());
            let from = from.constant().filter(|from| !from.is_empty())?;
            let mut replaced = text.clone();
            if replaced.text.len() * (to.text.len() + 1) <= super::value::TEXT_BYTES {
                replaced.text = replaced.text.replace(from, &to.text);
            }
            replaced
        }
        _ => return None,
    };
    Some(Value { text: Some(text), taint, ty: receiver.ty.clone(), ..Value::default() })
}
