//! What was measured. A measurement is known, or unknown with a reason; it is never guessed.
//!
//! A collector fills a plain struct whose fields are [`Measured`] where they can be missing. The
//! struct is serialised into a [`FactSheet`], one group a collector; an unknown value is written as
//! `{"$unknown": "reason"}`, so that a saved sheet can be judged again with the same result.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Subject;

/// Makes the JSON Schema of a group of facts; made only for groups that somebody asks about.
pub type SchemaOf = fn() -> Value;

/// The JSON Schema of `T`, from its fields and their doc comments.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// The key that marks an unknown value in a serialised sheet.
pub const UNKNOWN_KEY: &str = "$unknown";

/// A value, or why it could not be determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured<T> {
    /// It was measured.
    Known(T),
    /// It was not, and this is why (one short sentence without a full stop).
    Unknown(String),
}

impl<T> Measured<T> {
    /// Unknown, with its reason.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown(reason.into())
    }

    /// The value where it is known.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Applies `f` to a known value and keeps an unknown one with its reason.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Measured<U> {
        match self {
            Self::Known(value) => Measured::Known(f(value)),
            Self::Unknown(reason) => Measured::Unknown(reason),
        }
    }

    /// Chains a measurement that depends on a known value.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Measured<U>) -> Measured<U> {
        match self {
            Self::Known(value) => f(value),
            Self::Unknown(reason) => Measured::Unknown(reason),
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Measured<&T> {
        match self {
            Self::Known(value) => Measured::Known(value),
            Self::Unknown(reason) => Measured::Unknown(reason.clone()),
        }
    }
}

impl<T> From<T> for Measured<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Measured<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }
}

impl<T: Serialize> Serialize for Measured<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Unknown(reason) => {
                BTreeMap::from([(UNKNOWN_KEY, reason.as_str())]).serialize(serializer)
            }
        }
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Measured<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match unknown_reason(&value) {
            Some(reason) => Ok(Self::Unknown(reason.to_owned())),
            None => {
                serde_json::from_value(value).map(Self::Known).map_err(serde::de::Error::custom)
            }
        }
    }
}

/// The schema of a measured value is that of the value: rules see the value or nothing.
impl<T: JsonSchema> JsonSchema for Measured<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// The reason, if this value is the mark of an unknown one.
#[must_use]
pub fn unknown_reason(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) if map.len() == 1 => map.get(UNKNOWN_KEY)?.as_str(),
        _ => None,
    }
}

/// The one reason for which nothing of a group is known: then the group is not.
fn nothing_known(value: &Value) -> Option<&str> {
    let mut reasons = value.as_object()?.values().map(unknown_reason);
    let first = reasons.next()??;
    reasons.all(|reason| reason == Some(first)).then_some(first)
}

/// Everything measured about one subject, one group a collector, ready to be saved or judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactSheet {
    /// Whom the facts are about.
    pub subject: Subject,
    /// Group name (`archive`, `releases`, ...) to its facts; a group that was not measured is
    /// `{"$unknown": "reason"}`. A group that does not apply to this kind of subject is absent.
    pub facts: BTreeMap<String, Value>,
}

impl FactSheet {
    /// An empty sheet.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self { subject, facts: BTreeMap::new() }
    }

    /// Records one group.
    ///
    /// # Panics
    /// Never for our own fact structs: their map keys are strings, so they serialise.
    pub fn put<T: Serialize>(&mut self, group: &str, facts: &T) {
        let value = serde_json::to_value(facts).expect("fact structs have string keys");
        if let Some(reason) = nothing_known(&value) {
            return self.put_unknown(group, reason);
        }
        self.facts.insert(group.to_owned(), value);
    }

    /// Records that a whole group could not be measured.
    pub fn put_unknown(&mut self, group: &str, reason: impl Into<String>) {
        self.put(group, &Measured::<()>::unknown(reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_which_nothing_is_known_for_one_reason_is_itself_unknown() {
        #[derive(Serialize)]
        struct Facts {
            one: Measured<u32>,
            other: Measured<u32>,
        }
        let put = |one, other| {
            let mut sheet = FactSheet::new(Subject::registry_crate("a", "1.0.0"));
            sheet.put("group", &Facts { one, other });
            sheet.facts.remove("group").expect("was put")
        };
        let offline = || Measured::unknown("offline");
        let nothing = put(offline(), offline());
        assert_eq!(unknown_reason(&nothing), Some("offline"));
        for told in
            [put(offline(), Measured::unknown("refused")), put(offline(), Measured::Known(1))]
        {
            assert_eq!(unknown_reason(&told), None);
            assert_eq!(unknown_reason(&told["one"]), Some("offline"));
        }
    }
}
