//! What names stand for: imports and plain assignments.

use std::collections::{BTreeMap, BTreeSet};

use super::capability;
use super::value::Value;

/// Most names that are remembered.
const LIMIT: usize = 20_000;

/// Longest string that a name stands for, in bytes.
const TEXT_LIMIT: usize = 256;

/// Names and what they stand for, over the whole file.
#[derive(Default)]
pub(super) struct Aliases {
    names: BTreeMap<String, Value>,
    /// Modules of `from m import *`.
    stars: BTreeSet<String>,
    /// Modules imported.
    pub(super) imports: BTreeSet<String>,
    /// How many of the names stand for something that matters.
    mattering: usize,
    /// A name that matters was not remembered.
    pub(super) full: bool,
}

impl Aliases {
    /// Remembers a meaning. One that matters is not displaced by one that does not, or `if False:` could
    /// hide it.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        // Copied at every use, so only what can be a name.
        let value = match value {
            Value::Text(text) if text.len() > TEXT_LIMIT => Value::Unknown,
            value => value,
        };
        let old = self.names.get(name);
        if old.is_some_and(matters) && !matters(&value) {
            return;
        }
        // Names that stand for nothing never crowd out those that do.
        let new = old.is_none() || !old.is_some_and(matters);
        let room = if matters(&value) {
            self.mattering < LIMIT || !new
        } else {
            old.is_some() || self.names.len() - self.mattering < LIMIT
        };
        if room {
            self.mattering += usize::from(new && matters(&value));
            self.names.insert(name.to_owned(), value);
        } else if matters(&value) {
            self.full = true;
        }
    }

    /// What a bare name stands for.
    pub(super) fn get(&self, name: &str) -> Value {
        if let Some(value) = self.names.get(name) {
            return value.clone();
        }
        for module in &self.stars {
            let path = format!("{module}.{name}");
            if capability::of(&path).is_some() {
                return Value::Path(path);
            }
        }
        Value::Path(format!("{}{name}", capability::UNBOUND))
    }

    pub(super) fn import(&mut self, module: &str) {
        if self.imports.len() < LIMIT {
            self.imports.insert(module.to_owned());
        }
    }

    pub(super) fn star(&mut self, module: &str) {
        if self.stars.len() < 100 {
            self.stars.insert(module.to_owned());
        }
    }
}

fn matters(value: &Value) -> bool {
    match value {
        Value::Path(path) | Value::Result(path) => capability::matters(path),
        Value::Getter(_) => true,
        Value::Unknown | Value::Text(_) | Value::Number(_) => false,
    }
}
