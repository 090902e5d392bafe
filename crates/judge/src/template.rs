//! Sentences with `{expression}` placeholders: a rule's message and the notes of its evidence.

use std::collections::BTreeSet;

use cel::Value;

use super::condition::{Bindings, Condition, ConditionError, Outcome, Scope};
use super::schema::FactSchema;
use custody_facts::text;

/// Most different items of a list that a sentence names.
const NAMED_ITEMS: usize = 4;

#[derive(Debug)]
enum Part {
    Text(String),
    Subject,
    Value(Box<Condition>),
}

/// A checked sentence.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Splits `source` at its placeholders and checks their expressions. `{{` is a brace.
    pub(super) fn new(
        source: &str,
        schema: &FactSchema,
        scope: &Scope,
    ) -> Result<Self, ConditionError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source.trim();
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            if rest[at..].starts_with("{{") || rest[at..].starts_with("}}") {
                text.push_str(&rest[at..=at]);
                rest = &rest[at + 2..];
                continue;
            }
            let end = rest[at..].find('}').filter(|_| rest[at..].starts_with('{'));
            let Some(end) = end else {
                return Err(ConditionError::Syntax("a brace without its partner".to_owned()));
            };
            let inside = rest[at + 1..at + end].trim();
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(match inside {
                "subject" => Part::Subject,
                expression => Part::Value(Box::new(Condition::new(expression, schema, scope)?)),
            });
            rest = &rest[at + end + 1..];
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        Ok(Self { parts })
    }

    /// The expressions of its placeholders.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(condition) => Some(condition.as_ref()),
            Part::Text(_) | Part::Subject => None,
        })
    }

    /// Fills the placeholders, where a value stands in each of them.
    pub(super) fn fill_known(&self, subject: &str, bindings: &Bindings) -> Option<String> {
        let unknown = |condition: &Condition| !matches!(condition.evaluate(bindings), Outcome::Value(value) if value != Value::Null);
        if self.conditions().any(unknown) {
            return None;
        }
        Some(self.fill(subject, bindings))
    }

    /// Fills the placeholders. Strings from strangers are made safe to show; a value that is not
    /// known reads "unknown".
    pub(super) fn fill(&self, subject: &str, bindings: &Bindings) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Subject => text::shown(subject),
                Part::Value(expression) => match expression.evaluate(bindings) {
                    Outcome::Value(value) => shown(&value),
                    Outcome::Undetermined | Outcome::Broken(_) => "unknown".to_owned(),
                },
            })
            .collect::<String>()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Int(n) => thousands(&n.to_string()),
        Value::UInt(n) => thousands(&n.to_string()),
        Value::Float(x) => format!("{x:.1}"),
        Value::Bool(b) => if *b { "yes" } else { "no" }.to_owned(),
        Value::String(s) => text::shown(s),
        Value::List(items) => {
            let mut seen = BTreeSet::new();
            let names = items.iter().map(shown).filter(|name| seen.insert(name.clone()));
            let mut names: Vec<String> = names.collect();
            let more = names.len().saturating_sub(NAMED_ITEMS);
            if more > 0 {
                names.truncate(NAMED_ITEMS);
                names.push(format!("{more} more"));
            }
            names.join(", ")
        }
        Value::Null => "none".to_owned(),
        _ => "a value".to_owned(),
    }
}

/// `1234567` as `1,234,567`; four digits stay as they are, so that years read as years.
fn thousands(digits: &str) -> String {
    let (sign, number) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    if number.len() <= 4 {
        return digits.to_owned();
    }
    let mut out = String::new();
    for (index, digit) in number.chars().enumerate() {
        if index > 0 && (number.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use custody_facts::fact::SchemaOf;
    use serde_json::json;

    fn fill(source: &str) -> String {
        let schema = FactSchema::new([(
            "archive",
            (|| {
                json!({"type": "object", "properties": {"size": {"type": "integer"},
                "names": {"type": "array", "items": {"type": "string"}}, "gone": {"type": "integer"}}})
            }) as SchemaOf,
        )]);
        let names = ["a", "b\x1b[1m", "a", "c", "d", "e", "f", "f"];
        let archive = json!({"size": 1_234_567, "names": names});
        let mut bindings = Bindings::new();
        bindings.bind("archive", &archive);
        let template = Template::new(source, &schema, &Scope::default()).expect(source);
        template.fill("foo 1.2.3", &bindings)
    }

    #[test]
    fn numbers_are_readable_and_lists_are_cut_and_repeat_nothing() {
        assert_eq!(fill("{subject}: {archive.size} bytes"), "foo 1.2.3: 1,234,567 bytes");
        assert_eq!(fill("{archive.names}"), "a, b\\u{1b}[1m, c, d, 2 more");
    }

    #[test]
    fn an_unknown_value_reads_unknown() {
        assert_eq!(fill("{{x}} {archive.gone} days"), "{x} unknown days");
    }
}
