//! What is known about a value while tokens go by.

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Value {
    /// Nothing.
    #[default]
    Unknown,
    /// Something reached by a dotted name with aliases resolved; empty for the module's own names.
    Path(String),
    /// A constant string.
    Text(String),
    /// A constant whole number.
    Number(u32),
    /// What a call of this function returned.
    Result(String),
    /// `operator.attrgetter(name)`.
    Getter(String),
}

/// Longest dotted name and string that are put together.
const LENGTH: usize = 512;

impl Value {
    /// This value's attribute.
    pub(super) fn attribute(self, name: &str) -> Value {
        match self {
            Value::Path(path) if path.len() + name.len() < LENGTH => match name {
                // A detour that changes nothing.
                "__dict__" | "__call__" | "__func__" | "__wrapped__" => Value::Path(path),
                _ if path.is_empty() => Value::Path(name.to_owned()),
                _ => Value::Path(format!("{path}.{name}")),
            },
            Value::Result(call) if call.len() + name.len() < LENGTH => {
                Value::Result(format!("{call}().{name}"))
            }
            Value::Text(text) => Value::Result(format!("{text:.80}.{name}")),
            _ => Value::Unknown,
        }
    }

    /// This value and another one put together by `+` or by standing side by side.
    pub(super) fn plus(&self, other: &Value) -> Value {
        match (self, other) {
            (Value::Text(a), Value::Text(b)) if a.len() + b.len() < LENGTH => {
                Value::Text(format!("{a}{b}"))
            }
            (Value::Result(call), _) | (_, Value::Result(call)) => Value::Result(call.clone()),
            _ => Value::Unknown,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn path(&self) -> Option<&str> {
        if let Value::Path(path) = self { Some(path) } else { None }
    }
}
