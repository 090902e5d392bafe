//! Code objects that a pickle builds: which names they refer to. What is read are the strings of the call, as
//! the opcodes push them; the byte code itself is not looked at.

use super::event::{GlobalName, What};
use super::machine::Machine;
use super::value::{Kind, Value};

/// Words kept of one code object.
const WORDS: usize = 256;

/// Name under which an imported module itself stands.
pub const MODULE: &str = "<module>";

impl Machine<'_, '_> {
    /// `subimport("os")`: the module is imported, and judged like any other.
    pub(super) fn sub_import(&mut self, callee: &Value, arguments: &[Value]) {
        let Value::Global(id) = callee else { return };
        let asks = self.log.global(*id).is_some_and(|by| by.name == "subimport");
        let [Value::Str { form, len, at }] = arguments else { return };
        if asks && let Some(module) = self.string(*form, *len, *at) {
            self.import(GlobalName { module, name: MODULE.to_owned() });
        }
    }

    /// What numba unpickles is read where it begins as numba writes it. Anything else is code that nobody read.
    pub(super) fn hidden_pickle(&mut self, callee: &Value, arguments: &[Value]) {
        let Value::Global(id) = callee else { return };
        let unpickles = |by: &&GlobalName| by.name == "_unpickle__CustomPickled";
        let Some(by) = self.log.global(*id).filter(unpickles).cloned() else { return };
        let begins = match arguments {
            [Value::Bytes { at, .. }] => self
                .window
                .text(*at, 2)
                .is_some_and(|head| matches!(head.as_slice(), [0x80, 2..=5])),
            _ => false,
        };
        if !begins {
            self.note(What::Code { by, names: Vec::new(), whole: false });
        }
    }

    /// `_builtin_type("CodeType")(...)`: notes the names in it. Every one is an event, however many there are.
    pub(super) fn code_object(&mut self, callee: &Value, arguments: &[Value]) -> bool {
        let Some(node) = callee.node() else { return false };
        let Kind::Call(Value::Global(id)) = &node.kind else { return false };
        let Some(by) = self.log.global(*id).filter(|by| by.name == "_builtin_type").cloned() else {
            return false;
        };
        let asked = match node.items.borrow().as_slice() {
            [Value::Str { form, len, at }] => (*form, *len, *at),
            _ => return false,
        };
        if self.string(asked.0, asked.1, asked.2).as_deref() != Some("CodeType") {
            return false;
        }
        let (names, whole) = self.words(arguments);
        self.note(What::Code { by, names, whole });
        true
    }

    /// The single words among the strings of a call and of the tuples in it.
    fn words(&mut self, arguments: &[Value]) -> (Vec<String>, bool) {
        let mut strings = Vec::new();
        let mut whole = true;
        for argument in arguments {
            match argument {
                Value::Node(node) if matches!(node.kind, Kind::Tuple) => {
                    let items = node.items.borrow();
                    whole &= items.len() as u64 == node.count.get();
                    for item in items.iter() {
                        // A code object inside of this one is an event of its own; another container is not read.
                        whole &= !matches!(item, Value::Unknown | Value::Returned(_));
                        strings.push(item.clone());
                    }
                }
                Value::Unknown | Value::Returned(_) => whole = false,
                other => strings.push(other.clone()),
            }
        }
        let mut names = Vec::new();
        for string in strings {
            let Value::Str { form, len, at } = string else { continue };
            let Some(text) = self.string(form, len, at) else {
                // Longer than any name: a text of the code.
                continue;
            };
            let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.' || b >= 0x80;
            if text.is_empty() || !text.bytes().all(word) {
                continue;
            }
            whole &= names.len() < WORDS;
            if names.len() < WORDS && !names.contains(&text) {
                names.push(text);
            }
        }
        (names, whole)
    }
}
