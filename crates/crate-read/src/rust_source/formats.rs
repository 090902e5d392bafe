//! Format strings: their constant parts, and what of their arguments stands in them as it is.

use proc_macro2::TokenStream;
use syn::Expr;

use super::calls::union;
use super::macros::arguments;
use super::value::{Taint, Text, Value};
use super::walk::Walk;

impl Walk<'_> {
    /// A format string with its arguments filled in as far as they are constant; and the argument before
    /// it, where there is one: what is written to.
    pub(super) fn formatted(
        &mut self,
        tokens: &TokenStream,
        skip: usize,
    ) -> (Value, Option<Value>) {
        let Ok(parsed) = arguments(tokens) else {
            self.scan_tokens(tokens.clone(), false);
            return (Value::default(), None);
        };
        let mut to = None;
        let mut named = Vec::new();
        let mut positional = Vec::new();
        let mut format = None;
        for (index, argument) in parsed.iter().enumerate() {
            match argument {
                Expr::Assign(pair) if index > skip => {
                    let value = self.value(&pair.right);
                    if let Expr::Path(name) = &*pair.left
                        && let Some(name) = name.path.get_ident()
                    {
                        named.push((name.to_string(), value));
                    }
                }
                _ => {
                    let value = self.value(argument);
                    match index.cmp(&skip) {
                        std::cmp::Ordering::Less => to = Some(value),
                        std::cmp::Ordering::Equal => format = Some(value.shown()),
                        std::cmp::Ordering::Greater => positional.push(value),
                    }
                }
            }
        }
        let Some(format) = format.filter(|format| format.whole) else {
            return (Value::of_taint(union(&positional, &Taint::default())), to);
        };
        (self.fill_format(&format.text, &positional, &named), to)
    }

    fn fill_format(
        &mut self,
        format: &str,
        positional: &[Value],
        named: &[(String, Value)],
    ) -> Value {
        let mut text = Text::whole("");
        let mut taint = Taint::default();
        let is_bare = is_bare(format);
        let mut next = 0;
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            text.push(&Text::whole(&rest[..at]));
            let after = &rest[at..];
            if after.starts_with("{{") || after.starts_with("}}") {
                text.push(&Text::whole(&after[..1]));
                rest = &after[2..];
                continue;
            }
            let Some(end) = after.find('}').filter(|_| after.starts_with('{')) else {
                rest = &after[1..];
                continue;
            };
            let (name, form) = after[1..end].split_once(':').unwrap_or((&after[1..end], ""));
            let name = name.trim();
            let value = if name.is_empty() {
                next += 1;
                positional.get(next - 1).cloned()
            } else if let Ok(index) = name.parse::<usize>() {
                positional.get(index).cloned()
            } else {
                let given = named.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
                let known = given.or_else(|| self.locals.get(name).cloned());
                // A constant of the module.
                known.or_else(|| Some(self.constant(&[name.to_owned()])))
            };
            match value {
                Some(value) => {
                    // A number or a quoted text is a literal; text that was decoded may be code.
                    let as_it_is = form.is_empty()
                        && (is_bare || (value.textual && self.is_changed(&value.taint)));
                    taint.merge(&if as_it_is {
                        value.taint.clone()
                    } else {
                        value.taint.spelled()
                    });
                    text.push(&value.shown());
                }
                None => text.push(&Text::hole()),
            }
            rest = &after[end + 1..];
        }
        text.push(&Text::whole(rest));
        Value { text: Some(text), textual: true, ..Value::of_taint(taint) }
    }
}

/// Whether a format string is places and white space only.
fn is_bare(format: &str) -> bool {
    let mut inside = false;
    format.chars().all(|c| {
        inside = (inside || c == '{') && c != '}';
        inside || c == '}' || c.is_whitespace()
    })
}
