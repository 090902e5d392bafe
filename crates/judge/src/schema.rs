//! The fact schema: which facts exist, of what type, and what they mean. It is generated from the
//! collectors' structs, handed in by the conductor, and is what rule conditions are checked against.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::condition::did_you_mean;
use custody_facts::fact::{SchemaOf, unknown_reason};

/// The type of a fact, as far as a condition needs it. Cheap to clone: checking a rule passes types on
/// at every step.
#[derive(Clone, Debug, PartialEq)]
pub enum FactType {
    /// A struct: field name to type and description.
    Object(Arc<BTreeMap<String, Field>>),
    /// A map with free keys.
    Map(Arc<FactType>),
    /// A list.
    List(Arc<FactType>),
    /// A boolean, number or string, by its JSON Schema name.
    Scalar(&'static str),
    /// A string out of a closed vocabulary: the words that the code can emit.
    Word(Arc<BTreeSet<String>>),
    /// Not known to the schema; nothing below it is checked.
    Any,
}

/// One field of a fact struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its type.
    pub fact_type: FactType,
    /// The doc comment: meaning, unit, source.
    pub description: String,
}

/// Group name to the type of its facts.
#[derive(Clone, Debug)]
pub struct FactSchema {
    groups: BTreeMap<&'static str, Group>,
}

/// One group, whose schema is made and read when somebody asks about it: a run asks about few.
#[derive(Clone, Debug)]
struct Group {
    schema: Option<SchemaOf>,
    field: OnceLock<Field>,
}

impl Group {
    fn field(&self) -> &Field {
        self.field.get_or_init(|| {
            let schema = self.schema.map_or(Value::Null, |make| make());
            Field { fact_type: fact_type(&schema, &schema, 0), description: description(&schema) }
        })
    }
}

/// Deepest nesting of schema types that is followed; fact structs are far flatter.
const MAX_DEPTH: usize = 12;

impl FactSchema {
    /// The fact groups, each with what makes its JSON Schema.
    #[must_use]
    pub fn new(groups: impl IntoIterator<Item = (&'static str, SchemaOf)>) -> Self {
        let group = |schema| Group { schema: Some(schema), field: OnceLock::new() };
        Self { groups: groups.into_iter().map(|(name, schema)| (name, group(schema))).collect() }
    }

    /// Adds a table of knowledge under a name of its own; its types are read off its values.
    #[must_use]
    pub(super) fn with_table(mut self, name: &'static str, table: &Value) -> Self {
        let fact_type = type_of_value(table, 0);
        let description = "Knowledge that rules look things up in: `rules/tables/`.".to_owned();
        let field = Field { fact_type, description }.into();
        self.groups.insert(name, Group { schema: None, field });
        self
    }

    /// The type of a group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Field> {
        self.groups.get(name).map(Group::field)
    }

    /// The name of a group, where there is one of that name.
    pub(super) fn name(&self, word: &str) -> Option<&'static str> {
        self.groups.get_key_value(word).map(|(name, _)| *name)
    }

    /// The names of all groups, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.groups.keys().copied()
    }

    /// What is wrong with facts that somebody wrote by hand: a group, a field or a word that no collector
    /// fills, or a value of another type.
    #[must_use]
    pub fn fault(&self, group: &str, facts: &Value) -> Option<String> {
        match self.group(group) {
            Some(field) => fault(group, &field.fact_type, facts),
            None => Some(format!("no fact group `{group}`{}", did_you_mean(group, self.names()))),
        }
    }

    /// The fact table in Markdown, as it stands in `rules/README.md`.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        for (name, field) in self.groups.iter().map(|(name, group)| (name, group.field())) {
            let _ = write!(out, "\n### `{name}`\n\n{}\n\n", field.description);
            out.push_str("| fact | type | meaning |\n|---|---|---|\n");
            rows(name, &field.fact_type, &mut out, 0);
        }
        out
    }
}

fn fault(path: &str, fact_type: &FactType, value: &Value) -> Option<String> {
    if value.is_null() || unknown_reason(value).is_some() {
        return None;
    }
    match (fact_type, value) {
        (FactType::Object(fields), Value::Object(values)) => {
            values.iter().find_map(|(name, value)| {
                let at = format!("{path}.{name}");
                let Some(field) = fields.get(name) else {
                    let known = did_you_mean(name, fields.keys().map(String::as_str));
                    return Some(format!("no fact `{at}`{known}"));
                };
                fault(&at, &field.fact_type, value)
            })
        }
        (FactType::Map(item), Value::Object(values)) => {
            values.values().find_map(|value| fault(&format!("{path}[]"), item, value))
        }
        (FactType::List(item), Value::Array(values)) => {
            values.iter().find_map(|value| fault(&format!("{path}[]"), item, value))
        }
        (FactType::Word(words), Value::String(word)) if !words.contains(word) => {
            let known = did_you_mean(word, words.iter().map(String::as_str));
            Some(format!("`{path}` is never '{word}'{known}"))
        }
        (FactType::Any, _)
        | (FactType::Word(_) | FactType::Scalar("string"), Value::String(_))
        | (FactType::Scalar("number"), Value::Number(_))
        | (FactType::Scalar("boolean"), Value::Bool(_)) => None,
        (FactType::Scalar("integer"), Value::Number(number)) if !number.is_f64() => None,
        _ => Some(format!("`{path}` is a {}, and not {value}", type_name(fact_type))),
    }
}

fn type_of_value(value: &Value, depth: usize) -> FactType {
    if depth > MAX_DEPTH {
        return FactType::Any;
    }
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let fact_type = type_of_value(value, depth + 1);
                (name.clone(), Field { fact_type, description: String::new() })
            });
            FactType::Object(Arc::new(fields.collect()))
        }
        Value::Array(items) => FactType::List(Arc::new(
            items.first().map_or(FactType::Any, |item| type_of_value(item, depth + 1)),
        )),
        Value::String(_) => FactType::Scalar("string"),
        Value::Number(_) => FactType::Scalar("number"),
        Value::Bool(_) => FactType::Scalar("boolean"),
        Value::Null => FactType::Any,
    }
}

fn rows(path: &str, fact_type: &FactType, out: &mut String, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match fact_type {
        FactType::Object(fields) => {
            for (name, field) in fields.iter() {
                let at = format!("{path}.{name}");
                let meaning = field.description.replace('\n', " ").replace('|', "\\|");
                let kind = type_name(&field.fact_type);
                let _ = writeln!(out, "| `{at}` | {kind} | {meaning} |");
                rows(&at, &field.fact_type, out, depth + 1);
            }
        }
        FactType::List(item) | FactType::Map(item) => {
            rows(&format!("{path}[]"), item, out, depth + 1);
        }
        FactType::Scalar(_) | FactType::Word(_) | FactType::Any => {}
    }
}

fn type_name(fact_type: &FactType) -> String {
    match fact_type {
        FactType::Object(_) => "struct".to_owned(),
        FactType::Map(item) => format!("map of {}", type_name(item)),
        FactType::List(item) => format!("list of {}", type_name(item)),
        FactType::Scalar(name) => (*name).to_owned(),
        FactType::Word(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        FactType::Any => "any".to_owned(),
    }
}

fn description(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or("").trim().to_owned()
}

/// Follows `$ref`, unwraps `anyOf`/`oneOf` with null, and reads enums of strings as closed vocabularies.
fn fact_type(schema: &Value, root: &Value, depth: usize) -> FactType {
    if depth > MAX_DEPTH {
        return FactType::Any;
    }
    // A field may narrow the type that it refers to.
    if let Some(words) = words(schema) {
        return FactType::Word(Arc::new(words));
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map_or(FactType::Any, |found| fact_type(found, root, depth + 1));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(options)) = schema.get(key) {
            return one_of(options, root, depth);
        }
    }
    match type_word(schema) {
        Some("object") => object_type(schema, root, depth),
        Some("array") => FactType::List(Arc::new(
            schema.get("items").map_or(FactType::Any, |items| fact_type(items, root, depth + 1)),
        )),
        Some("string") => FactType::Scalar("string"),
        Some("integer") => FactType::Scalar("integer"),
        Some("number") => FactType::Scalar("number"),
        Some("boolean") => FactType::Scalar("boolean"),
        _ => FactType::Any,
    }
}

/// The words of an `enum` or `const` of strings.
fn words(schema: &Value) -> Option<BTreeSet<String>> {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(words)), _) => words.iter().map(word).collect(),
        (_, Some(only)) => word(only).map(|only| BTreeSet::from([only])),
        _ => None,
    }
}

fn type_word(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(word) => Some(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        _ => None,
    }
}

/// Structs among the options are merged, so that a fact of any variant can be named.
fn one_of(options: &[Value], root: &Value, depth: usize) -> FactType {
    let mut merged: Option<FactType> = None;
    for option in options {
        if option.get("type").and_then(Value::as_str) == Some("null") {
            continue;
        }
        let next = fact_type(option, root, depth + 1);
        merged = Some(match (merged, next) {
            (None, next) => next,
            (Some(FactType::Object(mut left)), FactType::Object(right)) => {
                Arc::make_mut(&mut left).extend(Arc::unwrap_or_clone(right));
                FactType::Object(left)
            }
            (Some(FactType::Word(mut left)), FactType::Word(right)) => {
                Arc::make_mut(&mut left).extend(Arc::unwrap_or_clone(right));
                FactType::Word(left)
            }
            (Some(left), right) if left == right => left,
            _ => FactType::Any,
        });
    }
    merged.unwrap_or(FactType::Any)
}

fn object_type(schema: &Value, root: &Value, depth: usize) -> FactType {
    if let Some(Value::Object(properties)) = schema.get("properties") {
        let fields = properties
            .iter()
            .map(|(name, property)| {
                let field = Field {
                    fact_type: fact_type(property, root, depth + 1),
                    description: description(property),
                };
                (name.clone(), field)
            })
            .collect();
        return FactType::Object(Arc::new(fields));
    }
    match schema.get("additionalProperties") {
        Some(values @ Value::Object(_)) => {
            FactType::Map(Arc::new(fact_type(values, root, depth + 1)))
        }
        _ => FactType::Any,
    }
}
