//! Brackets: arguments, subscripts and what stands in each other.

use super::{ARGUMENTS_LIMIT, DEPTH_LIMIT, Statement, Walk};
use crate::python_source::lexer::Token;
use crate::python_source::value::Value;

/// An open bracket.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent marks of one argument list")]
pub(super) struct Group {
    /// What is called or indexed; the module's own names are an empty path.
    pub(super) callee: Value,
    /// `(`, `[` or `{`.
    pub(super) bracket: &'static str,
    /// Whether `callee` means anything.
    pub(super) applied: bool,
    pub(super) arguments: Vec<Value>,
    /// Name of the keyword argument that is being read.
    pub(super) keyword: Option<String>,
    /// Value of the enclosing expression left of a `+`.
    pub(super) outer_left: Option<Value>,
    /// Whether an argument comes from decoding, and whether from the network.
    pub(super) decoded: bool,
    pub(super) fetched: bool,
    pub(super) remote_code: bool,
    pub(super) weights_only: bool,
    /// Name that `:=` gives the argument's value to.
    pub(super) walrus: Option<String>,
    /// A slice `[::-1]` so far; `=name` while a name may turn out to be a keyword argument's.
    pub(super) slice: String,
    /// Parameters of a definition, not values.
    pub(super) parameters: bool,
    /// Whether a lambda's body is being read here.
    pub(super) lambda: bool,
    pub(super) offset: usize,
    pub(super) line: u64,
}

impl Walk<'_> {
    pub(super) fn open(&mut self, op: &'static str, token: &Token<'_>) {
        let applied = self.operand && op != "{";
        if self.groups.len() >= DEPTH_LIMIT {
            if self.ignored == 0 {
                let detail = format!("more than {DEPTH_LIMIT} brackets in each other");
                self.facts.anomalies.note("too-deep", token.offset as u64, detail);
            }
            self.ignored += 1;
            return;
        }
        let parameters = self.statement == Statement::Definition && self.groups.is_empty();
        self.groups.push(Group {
            callee: std::mem::take(&mut self.current),
            bracket: op,
            applied,
            outer_left: self.left.take(),
            parameters: parameters && op == "(",
            offset: if applied { self.offset } else { token.offset },
            line: if applied { self.line } else { token.line },
            ..Group::default()
        });
        self.clear();
    }

    pub(super) fn argument(&mut self) {
        self.reference();
        self.settle();
        let value = std::mem::take(&mut self.current);
        if let Some(group) = self.groups.last_mut() {
            if let Some(name) = group.walrus.take() {
                self.aliases.set(&name, value.clone());
            }
            if group.arguments.len() < ARGUMENTS_LIMIT && self.operand {
                group.arguments.push(value);
            }
            group.keyword = None;
            group.slice.clear();
        }
        self.clear();
    }

    pub(super) fn comma(&mut self) {
        if self.groups.is_empty() {
            self.reference();
            self.clear();
            self.left = None;
            return;
        }
        self.argument();
        if let Some(group) = self.groups.last_mut() {
            group.lambda = false;
        }
    }

    pub(super) fn close(&mut self) {
        if self.ignored > 0 {
            self.ignored -= 1;
            self.clear();
            return;
        }
        let slice = self.groups.last().map(|group| group.slice.clone()).unwrap_or_default();
        self.argument();
        let Some(group) = self.groups.pop() else {
            self.clear();
            return;
        };
        let (decoded, fetched) = (group.decoded, group.fetched);
        self.left.clone_from(&group.outer_left);
        self.current = match (group.applied, group.bracket) {
            (true, "(") => self.called(&group),
            (true, _) => indexed(&group, &slice),
            // Brackets around a single value; the strings of a list stay available to `join`.
            (false, "{") => Value::Unknown,
            (false, _) => match <[Value; 1]>::try_from(group.arguments) {
                Ok([single]) => single,
                Err(several) => {
                    let texts: Option<Vec<_>> = several.iter().map(Value::text).collect();
                    texts.map_or(Value::Unknown, |texts| Value::Text(texts.concat()))
                }
            },
        };
        if let Some(outer) = self.groups.last_mut() {
            outer.decoded |= decoded;
            outer.fetched |= fetched;
        }
        self.operand = true;
        (self.offset, self.line) = (group.offset, group.line);
    }
}

/// What `callee[...]` gives.
fn indexed(group: &Group, slice: &str) -> Value {
    match (&group.callee, group.arguments.first()) {
        (Value::Text(text), _) if slice == "::-1" => Value::Text(text.chars().rev().collect()),
        (Value::Path(path), Some(Value::Text(name))) if path == "sys.modules" => {
            Value::Path(name.clone())
        }
        (Value::Path(_), Some(Value::Text(name))) => group.callee.clone().attribute(name),
        (Value::Result(call), _) => Value::Result(call.clone()),
        _ => Value::Unknown,
    }
}
