//! Calls: what they mean, and what they give.

use super::Walk;
use super::brackets::Group;
use crate::python_source::capability::{self, Capability};
use crate::python_source::value::Value;
use crate::python_source::{CALLS_LIMIT, PythonCall};
use custody_bytes::excerpt::excerpt;

impl Walk<'_> {
    /// What a call gives, after it was listed if it matters.
    pub(super) fn called(&mut self, group: &Group) -> Value {
        let first = group.arguments.first();
        match &group.callee {
            Value::Path(path) => {
                let name =
                    capability::canonical(path.trim_start_matches(capability::UNBOUND)).to_owned();
                let value = self.looked_up(&name, group);
                if group.remote_code {
                    self.list(&name, Capability::RemoteCode, group, true);
                } else if let Some((capability, function)) = capability::of(path)
                    && !(name == "torch.load" && group.weights_only)
                {
                    let function = function.to_owned();
                    self.list(&function, capability, group, true);
                }
                value.unwrap_or(Value::Result(name))
            }
            Value::Getter(name) => first.cloned().unwrap_or_default().attribute(name),
            Value::Result(path) => {
                if group.remote_code {
                    let path = path.clone();
                    self.list(&path, Capability::RemoteCode, group, true);
                }
                // `''.join([...])`, `'...'[::-1]`, `'...'.decode()` keep what they were made of.
                match path.rsplit_once('.') {
                    Some((_, "join")) => {
                        first.filter(|v| v.text().is_some()).cloned().unwrap_or_default()
                    }
                    Some((made, "decode" | "encode" | "strip" | "read" | "text")) => {
                        Value::Result(made.to_owned())
                    }
                    _ => Value::Result(format!("{path:.200}()")),
                }
            }
            _ => Value::Unknown,
        }
    }

    /// The value of a call that looks something up by name.
    pub(super) fn looked_up(&mut self, name: &str, group: &Group) -> Option<Value> {
        let first = group.arguments.first();
        match name {
            "__import__" | "importlib.import_module" | "importlib.__import__" => {
                Some(Value::Path(first?.text()?.to_owned()))
            }
            "getattr" | "inspect.getattr_static" => {
                let root = first?.path().is_some_and(capability::is_root);
                if let Some(Value::Text(attribute)) = group.arguments.get(1) {
                    return Some(first?.clone().attribute(attribute));
                }
                if root {
                    let of = first?.path().unwrap_or_default();
                    let detail = format!("getattr on {of}");
                    self.facts.anomalies.note("computed-name", group.offset as u64, detail);
                }
                None
            }
            "globals" | "locals" => Some(Value::Path(String::new())),
            "vars" => first.cloned(),
            "operator.attrgetter" => Some(Value::Getter(first?.text()?.to_owned())),
            "chr" => match first? {
                Value::Number(code) => char::from_u32(*code).map(|c| Value::Text(c.to_string())),
                _ => None,
            },
            "str" | "bytes" | "bytearray" => first.filter(|value| value.path().is_none()).cloned(),
            _ => None,
        }
    }

    /// Marks the brackets around a value that comes from decoding or from the network.
    pub(super) fn taint(&mut self, value: &Value) {
        let Value::Result(function) = value else { return };
        let name = function.split("()").next().unwrap_or(function);
        let Some((capability, _)) = capability::of(name) else { return };
        if let Some(group) = self.groups.last_mut() {
            group.decoded |= capability == Capability::Decode || name.starts_with("marshal.");
            group.fetched |= capability == Capability::Network;
        }
    }

    /// Lists a function that is named but not called here.
    pub(super) fn reference(&mut self) {
        if !self.operand || self.after_dot {
            return;
        }
        let Value::Path(path) = &self.current else { return };
        let Some((capability, function)) = capability::of(path) else { return };
        if !matches!(capability, Capability::Code | Capability::Process | Capability::Import) {
            return;
        }
        let group = Group { offset: self.offset, line: self.line, ..Group::default() };
        let function = function.to_owned();
        self.list(&function, capability, &group, false);
    }

    pub(super) fn list(
        &mut self,
        function: &str,
        capability: Capability,
        group: &Group,
        called: bool,
    ) {
        if self.facts.calls.len() >= CALLS_LIMIT {
            self.facts.calls_left_out += 1;
            return;
        }
        let (scope, within) = self.scope();
        self.facts.calls.push(PythonCall {
            function: excerpt(function, 200),
            capability,
            scope,
            within,
            line: group.line,
            offset: group.offset as u64,
            called,
            decoded_argument: group.decoded,
            fetched_argument: group.fetched,
            argument: group.arguments.iter().find_map(Value::text).map(|text| excerpt(text, 200)),
        });
    }
}
