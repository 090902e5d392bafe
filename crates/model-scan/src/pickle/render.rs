//! Values as short readable text, for arguments in events.

use std::fmt::Write as _;

use super::machine::Machine;
use super::value::{Kind, NO_GLOBAL, Node, Value};

/// Characters of one string that are shown.
const STRING_SHOWN: usize = 120;

/// Length at which a rendering stops, bytes.
const WHOLE: usize = 320;

/// Levels that are shown.
const LEVELS: u8 = 6;

impl Machine<'_, '_> {
    /// One value.
    pub(super) fn render(&mut self, value: &Value) -> String {
        let mut out = String::new();
        self.write(value, &mut out, LEVELS);
        out
    }

    /// Several values with commas between.
    pub(super) fn render_all(&mut self, values: &[Value]) -> String {
        let mut out = String::new();
        self.write_items(values, &mut out, LEVELS);
        out
    }

    fn write_items(&mut self, values: &[Value], out: &mut String, levels: u8) {
        for (index, value) in values.iter().enumerate() {
            if out.len() >= WHOLE {
                out.push('…');
                return;
            }
            if index > 0 {
                out.push_str(", ");
            }
            self.write(value, out, levels);
        }
    }

    fn write(&mut self, value: &Value, out: &mut String, levels: u8) {
        match value {
            Value::Unknown | Value::Absent => out.push('?'),
            Value::None => out.push_str("None"),
            Value::Bool(true) => out.push_str("True"),
            Value::Bool(false) => out.push_str("False"),
            Value::Int(number) => out.push_str(&number.to_string()),
            Value::Float(number) => out.push_str(&number.to_string()),
            Value::Str { form, len, at } => {
                let text = self.string(*form, *len, *at);
                write_text(text, *len, out);
            }
            Value::Bytes { form, len, at } => {
                out.push('b');
                let text = self.string(*form, *len, *at);
                write_text(text, *len, out);
            }
            Value::Global(id) => {
                if let Some(name) = self.log.global(*id) {
                    out.push_str(&name.to_string());
                }
            }
            Value::Returned(NO_GLOBAL) => out.push_str("?(…)"),
            Value::Returned(id) => {
                self.write(&Value::Global(*id), out, levels);
                out.push_str("(…)");
            }
            Value::Node(_) if levels == 0 || out.len() >= WHOLE => out.push('…'),
            Value::Node(node) => self.write_node(node, out, levels - 1),
        }
    }

    fn write_node(&mut self, node: &Node, out: &mut String, levels: u8) {
        let items = node.items.borrow().clone();
        let (open, close) = match &node.kind {
            Kind::Tuple => ('(', ')'),
            Kind::List => ('[', ']'),
            Kind::Dict => return self.write_dict(node, &items, out, levels),
            Kind::Set => ('{', '}'),
            Kind::Call(callee) => {
                self.write(callee, out, levels);
                ('(', ')')
            }
        };
        out.push(open);
        self.write_items(&items, out, levels);
        if node.count.get() > items.len() as u64 {
            out.push_str(", …");
        }
        out.push(close);
    }

    fn write_dict(&mut self, node: &Node, items: &[Value], out: &mut String, levels: u8) {
        out.push('{');
        for (index, pair) in items.chunks(2).enumerate() {
            if out.len() >= WHOLE {
                out.push('…');
                break;
            }
            if index > 0 {
                out.push_str(", ");
            }
            self.write(&pair[0], out, levels);
            out.push_str(": ");
            self.write(pair.get(1).unwrap_or(&Value::Unknown), out, levels);
        }
        if node.count.get() > items.len() as u64 {
            out.push_str(", …");
        }
        out.push('}');
    }
}

fn write_text(text: Option<String>, len: u32, out: &mut String) {
    let Some(text) = text else {
        let _ = write!(out, "'… {len} bytes'");
        return;
    };
    out.push('\'');
    let mut chars = text.chars();
    out.extend(chars.by_ref().take(STRING_SHOWN).flat_map(char::escape_default));
    if chars.next().is_some() {
        out.push('…');
    }
    out.push('\'');
}
