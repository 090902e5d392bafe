//! The variables of one evaluation: facts as values that borrow their text.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString,
};
use cel::common::value::Val;
use cel::{Context, Value};
use serde_json::Value as Json;

use super::environment;
use super::steps::Steps;

/// A value that borrows from facts that live for `'v`.
type Borrowed<'v> = Box<dyn Val + 'v>;

/// The variables of one evaluation: fact groups, `subject`, `signals`, `it`.
pub struct Bindings<'v> {
    context: Context<'v, 'v>,
    facts: Vec<(&'v str, &'v Json)>,
    /// Length of the longest list.
    longest: u64,
    /// Fact path to the length of the longest list at it; measured when it first matters.
    lengths: OnceCell<BTreeMap<String, u64>>,
}

impl<'v> Bindings<'v> {
    /// Nothing bound yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            context: Context::with_env(Arc::clone(environment())),
            facts: Vec::new(),
            longest: 1,
            lengths: OnceCell::new(),
        }
    }

    pub(super) fn context(&self) -> &Context<'v, 'v> {
        &self.context
    }

    /// Binds a variable to JSON; unknown parts are left out.
    pub fn bind(&mut self, name: &'v str, json: &'v Json) {
        if let Some(value) = value_of(json, &mut self.longest) {
            self.remember(name, json);
            self.context.add_variable_as_val(name, value);
        }
    }

    /// Binds a variable to an object of which nobody asks for other fields than `wanted`.
    pub fn bind_fields(&mut self, name: &'v str, json: &'v Json, wanted: &BTreeSet<&str>) {
        let Json::Object(fields) = json else { return self.bind(name, json) };
        if is_unknown(json) {
            return;
        }
        let longest = &mut self.longest;
        let map: HashMap<CelMapKey<'v>, Borrowed<'v>> = fields
            .iter()
            .filter(|(field, _)| wanted.contains(field.as_str()))
            .filter_map(|(field, value)| {
                Some((CelMapKey::from(field.as_str()), value_of(value, longest)?))
            })
            .collect();
        self.remember(name, json);
        self.context.add_variable_as_val(name, Box::new(CelMap::from(map)));
    }

    /// Binds a variable to named scalars.
    pub fn bind_map<T>(&mut self, name: &str, entries: impl IntoIterator<Item = (&'v str, T)>)
    where
        T: Scalar<'v>,
    {
        let map: HashMap<CelMapKey<'v>, Borrowed<'v>> =
            entries.into_iter().map(|(key, value)| (CelMapKey::from(key), value.boxed())).collect();
        self.context.add_variable_as_val(name, Box::new(CelMap::from(map)));
    }

    /// Binds a variable to a value of an earlier evaluation.
    pub fn bind_value(&mut self, name: &str, value: Value) {
        self.context.add_variable_from_value(name, value);
    }

    /// Takes a variable of [`Bindings::bind_value`] back.
    pub(super) fn unbind(&mut self, name: &str) {
        if let Context::Root { variables, .. } = &mut self.context {
            variables.remove(name);
        }
    }

    fn remember(&mut self, name: &'v str, json: &'v Json) {
        // A group that is bound again, with more of its fields, is no longer than before.
        if !self.facts.iter().any(|(known, _)| *known == name) {
            self.facts.push((name, json));
            self.lengths.take();
        }
    }

    /// Upper bound of the steps; exact about the lengths of lists only where it is above `limit`.
    pub(super) fn bound(&self, steps: &Steps, limit: u64) -> u64 {
        let rough = steps.bound(&|_| self.longest);
        if rough <= limit {
            return rough;
        }
        let lengths = self.lengths.get_or_init(|| {
            let mut lengths = BTreeMap::new();
            for (name, json) in &self.facts {
                measure(name, json, &mut lengths);
            }
            lengths
        });
        steps.bound(&|path| match path {
            // An item of another expression, whose lists stand under other names.
            None => self.longest,
            Some(path) if matches!(path.split(['.', '[']).next(), Some("it" | "hits")) => {
                self.longest
            }
            // A list that is not there is not walked.
            Some(path) => lengths.get(path).copied().unwrap_or(0),
        })
    }
}

impl Default for Bindings<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// What [`Bindings::bind_map`] takes.
pub trait Scalar<'v> {
    /// The value that expressions see.
    fn boxed(self) -> Box<dyn Val + 'v>;
}

impl<'v> Scalar<'v> for bool {
    fn boxed(self) -> Box<dyn Val + 'v> {
        Box::new(CelBool::from(self))
    }
}

impl<'v> Scalar<'v> for i64 {
    fn boxed(self) -> Box<dyn Val + 'v> {
        Box::new(CelInt::from(self))
    }
}

impl<'v> Scalar<'v> for &'v str {
    fn boxed(self) -> Box<dyn Val + 'v> {
        Box::new(CelString::from(self))
    }
}

fn is_unknown(json: &Json) -> bool {
    custody_facts::fact::unknown_reason(json).is_some()
}

/// JSON as a value; `None` for an unknown one, which is left out of maps and lists.
fn value_of<'v>(json: &'v Json, longest: &mut u64) -> Option<Borrowed<'v>> {
    Some(match json {
        Json::Null => Box::new(CelNull),
        Json::Bool(b) => Box::new(CelBool::from(*b)),
        Json::Number(n) => match n.as_i64() {
            Some(whole) => Box::new(CelInt::from(whole)),
            None => Box::new(CelDouble::from(n.as_f64().unwrap_or(f64::NAN))),
        },
        Json::String(s) => Box::new(CelString::from(s.as_str())),
        Json::Array(items) => {
            *longest = (*longest).max(items.len() as u64);
            let items: Vec<_> = items.iter().filter_map(|item| value_of(item, longest)).collect();
            Box::new(CelList::from(items))
        }
        Json::Object(_) if is_unknown(json) => return None,
        Json::Object(fields) => {
            let map: HashMap<CelMapKey<'v>, Borrowed<'v>> = fields
                .iter()
                .filter_map(|(field, value)| {
                    Some((CelMapKey::from(field.as_str()), value_of(value, longest)?))
                })
                .collect();
            Box::new(CelMap::from(map))
        }
    })
}

/// Notes the length of every list below `path`.
fn measure(path: &str, json: &Json, lengths: &mut BTreeMap<String, u64>) {
    match json {
        Json::Array(items) => {
            let below = format!("{path}[]");
            for item in items {
                measure(&below, item, lengths);
            }
            let known = lengths.entry(path.to_owned()).or_insert(0);
            *known = (*known).max(items.len() as u64);
        }
        Json::Object(fields) => {
            for (name, value) in fields {
                if matches!(value, Json::Array(_) | Json::Object(_)) {
                    measure(&format!("{path}.{name}"), value, lengths);
                }
            }
        }
        _ => {}
    }
}
