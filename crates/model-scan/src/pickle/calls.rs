//! What makes code run: names that are imported, calls, state that is set, extension codes and
//! persistent ids.

use std::rc::Rc;

use super::event::{First, GlobalName, What};
use super::log::About;
use super::machine::Machine;
use super::opcode as op;
use super::reader::{Halt, Line};
use super::value::{GlobalId, Kind, NO_GLOBAL, Value};

/// Reads of far-away names that one scan pays for.
const FAR_READS: u32 = 200_000;

/// Builtins and modules that make lazy iterators over a callable; what exhausts one calls it.
const LAZY: &[(&str, &[&str])] = &[
    ("builtins", &["map", "filter", "iter", "zip", "enumerate", "reversed"]),
    ("__builtin__", &["map", "filter", "iter", "zip", "enumerate", "reversed"]),
    ("itertools", &["starmap", "accumulate", "filterfalse", "takewhile", "dropwhile", "groupby"]),
    ("itertools", &["imap", "ifilter", "chain", "chain.from_iterable", "islice", "tee", "repeat"]),
    ("itertools", &["count", "cycle", "product"]),
];

/// Names that are as harmless as what is handed to them. Every new way of calling one of them is an event,
/// however often it was called before.
pub const HANDS_ON: &[(&str, &str)] = &[
    ("builtins", "getattr"),
    ("__builtin__", "getattr"),
    ("operator", "itemgetter"),
    ("_operator", "itemgetter"),
    ("builtins", "type"),
    ("__builtin__", "type"),
    ("operator", "getitem"),
    ("_operator", "getitem"),
    ("functools", "partial"),
    ("types", "MethodType"),
    ("fsspec.spec", "make_instance"),
    ("dill._dill", "_load_type"),
    ("dill._dill", "_getattr"),
    ("dill._dill", "_create_array"),
    ("dill.dill", "_create_array"),
    ("numba.core.serialize", "custom_rebuild"),
    ("numba.core.serialize", "_CustomPickled._rebuild"),
    ("numba.core.types.abstract", "_type_reconstructor"),
    ("numba.cloudpickle.cloudpickle", "_function_setstate"),
    ("numba.cloudpickle.cloudpickle_fast", "_function_setstate"),
    ("numba.cloudpickle.cloudpickle", "subimport"),
    ("numba.cloudpickle.cloudpickle_fast", "subimport"),
    ("numba.cloudpickle.cloudpickle", "_make_function"),
    ("numba.cloudpickle.cloudpickle_fast", "_make_function"),
];

/// Class methods that make an object, as attributes: a module, a class and the method.
const CONSTRUCTORS: [(&str, &str, &str); 1] = [("zoneinfo", "ZoneInfo", "_unpickle")];

impl Machine<'_, '_> {
    /// `GLOBAL`, `STACK_GLOBAL` and the import of `INST`.
    pub(super) fn global(&mut self) -> Result<(), Halt> {
        match self.op {
            op::STACK_GLOBAL => {
                let name = self.pop()?;
                let module = self.pop()?;
                let value = self.stack_global(&module, &name);
                self.push(value);
            }
            op::GLOBAL => {
                let value = self.line_global()?;
                self.push(value);
            }
            _ => {
                let callee = self.line_global()?;
                let arguments = self.above_mark()?;
                self.call(callee, arguments);
            }
        }
        Ok(())
    }

    fn line_global(&mut self) -> Result<Value, Halt> {
        let module = self.window.line()?;
        let name = self.window.line()?;
        // They stand one behind the other, a line feed between.
        let both = Line { at: module.at, len: module.len + 1 + name.len };
        if let Some(lines) = self.window.buffered(both)
            && let Some(id) = self.log.of_lines(lines)
        {
            self.log.imports += 1;
            return Ok(Value::Global(id));
        }
        let value = match (self.line_text(module), self.line_text(name)) {
            (Some(module), Some(name)) => self.import(GlobalName { module, name }),
            _ => self.dynamic("a module or name longer than 4 KiB".to_owned()),
        };
        if let (Value::Global(id), Some(lines)) = (&value, self.window.buffered(both)) {
            self.log.remember_lines(lines, *id);
        }
        Ok(value)
    }

    fn stack_global(&mut self, module: &Value, name: &Value) -> Value {
        let (
            Value::Str { form: module_form, len: module_len, at: module_at },
            Value::Str { form: name_form, len: name_len, at: name_at },
        ) = (module, name)
        else {
            let detail = format!("{} . {}", self.render(module), self.render(name));
            return self.dynamic(detail);
        };
        if let Some(id) = self.log.at_places(*module_at, *name_at) {
            self.log.imports += 1;
            return Value::Global(id);
        }
        self.far_reads += 1;
        if self.far_reads > FAR_READS {
            self.expansion(format!("more than {FAR_READS} different pairs of names"));
            return Value::Returned(NO_GLOBAL);
        }
        let module = self.string(*module_form, *module_len, *module_at);
        let name = self.string(*name_form, *name_len, *name_at);
        let value = match (module, name) {
            (Some(module), Some(name)) => self.import(GlobalName { module, name }),
            _ => self.dynamic("a module or name longer than 4 KiB".to_owned()),
        };
        if let Value::Global(id) = value {
            self.log.remember_places(*module_at, *name_at, id);
        }
        value
    }

    pub(super) fn import(&mut self, name: GlobalName) -> Value {
        self.log.imports += 1;
        let Some((id, new)) = self.log.intern(name.clone()) else {
            let most = super::log::GLOBALS;
            self.expansion(format!("more than {most} different names are imported"));
            return Value::Returned(NO_GLOBAL);
        };
        if new {
            self.note(What::Import(name));
        }
        Value::Global(id)
    }

    fn dynamic(&mut self, detail: String) -> Value {
        self.log.imports += 1;
        self.note(What::DynamicGlobal { detail });
        Value::Returned(NO_GLOBAL)
    }

    /// `REDUCE`, `NEWOBJ`, `NEWOBJ_EX` and `OBJ`.
    pub(super) fn call_op(&mut self) -> Result<(), Halt> {
        if self.op == op::OBJ {
            let mut arguments = self.above_mark()?;
            if arguments.is_empty() {
                return Err(Halt::malformed("OBJ without a class"));
            }
            let callee = arguments.remove(0);
            self.call(callee, arguments);
            return Ok(());
        }
        let keywords = if self.op == op::NEWOBJ_EX { Some(self.pop()?) } else { None };
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let mut list = match &arguments {
            Value::Node(node) if matches!(node.kind, Kind::Tuple) => {
                // Nobody else sees the usual tuple of arguments, so its items can be moved.
                let own = Rc::strong_count(node) == 1;
                if own { node.items.take() } else { node.items.borrow().clone() }
            }
            _ => vec![arguments],
        };
        list.extend(keywords);
        self.call(callee, list);
        Ok(())
    }

    fn call(&mut self, callee: Value, arguments: Vec<Value>) {
        if let Some(value) = self.named_type(&callee, &arguments) {
            self.push(value);
            return;
        }
        self.sub_import(&callee, &arguments);
        self.hidden_pickle(&callee, &arguments);
        let callee = self.bound(&callee, &arguments).unwrap_or(callee);
        if self.code_object(&callee, &arguments) {
            let result = self.node(Kind::Call(callee), Vec::new().into());
            self.push(result);
            return;
        }
        match callee {
            Value::Global(id) => self.call_global(id, &arguments),
            _ => self.call_result(&callee, &arguments),
        }
        let result = self.node(Kind::Call(callee), arguments.into());
        self.push(result);
    }

    /// dill asks for a type by its bare name; the type is imported then, and judged like any other.
    fn named_type(&mut self, callee: &Value, arguments: &[Value]) -> Option<Value> {
        let Value::Global(id) = callee else { return None };
        let asks = self.log.global(*id).is_some_and(|global| {
            global.name == "_load_type"
                && matches!(global.module.as_str(), "dill._dill" | "dill.dill")
        });
        let [Value::Str { form, len, at }] = arguments else { return None };
        if !asks {
            return None;
        }
        let name = self.string(*form, *len, *at)?;
        self.call_global(*id, arguments);
        let module = if name.ends_with("Type") { "types" } else { "builtins" };
        Some(self.import(GlobalName { module: module.to_owned(), name }))
    }

    /// A constructor that libraries save as an attribute of its class, and call; or a class inside of a class,
    /// as protocol 2 writes the members of an enumeration: it is imported by its dotted name then, as the
    /// later protocols do, and judged like it. A method, or more than one constant, stays what it is.
    fn bound(&mut self, callee: &Value, arguments: &[Value]) -> Option<Value> {
        let node = callee.node()?;
        let Kind::Call(Value::Global(getter)) = &node.kind else { return None };
        if self.log.global(*getter)?.name != "getattr" {
            return None;
        }
        let items = node.items.borrow();
        let [Value::Global(class), Value::Str { form, len, at }] = items.as_slice() else {
            return None;
        };
        let class = self.log.global(*class)?.clone();
        let attribute = self.string(*form, *len, *at)?;
        let known = (class.module.as_str(), class.name.as_str(), attribute.as_str());
        let bare = attribute.trim_start_matches('_');
        let class_like = attribute.len() - bare.len() < 2
            && bare.starts_with(|c: char| c.is_ascii_uppercase())
            && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let member = class_like
            && matches!(arguments, [only] if matches!(only, Value::Global(_)) || self.is_plain(only));
        if !member && !CONSTRUCTORS.contains(&known) {
            return None;
        }
        let name = format!("{}.{attribute}", class.name);
        Some(self.import(GlobalName { module: class.module, name }))
    }

    fn call_global(&mut self, id: GlobalId, arguments: &[Value]) {
        for argument in arguments.iter().filter(|argument| argument.is_result()) {
            if self.is_lazy(argument)
                && self.log.wants(id, About::Drained)
                && let Some(callee) = self.log.global(id).cloned()
            {
                let iterator = self.render(argument);
                self.note(What::Drain { callee, iterator });
            }
        }
        let built = matches!(self.op, op::NEWOBJ | op::NEWOBJ_EX);
        let about = if built { About::Built } else { About::Call };
        let new_way = self.is_new_way(id, arguments);
        if (self.log.wants(id, about) || new_way)
            && let Some(callee) = self.log.global(id).cloned()
        {
            let first = self.first(arguments);
            let plain = arguments.iter().skip(1).all(|argument| self.is_plain(argument));
            let arguments = self.render_all(arguments);
            self.note(What::Call { callee, arguments, first, plain, built });
        }
    }

    /// Whether the callee hands on its arguments and was never called with such ones.
    fn is_new_way(&mut self, id: GlobalId, arguments: &[Value]) -> bool {
        let hands_on = self.log.global(id).is_some_and(|global| {
            HANDS_ON.contains(&(global.module.as_str(), global.name.as_str()))
        });
        if !hands_on {
            return false;
        }
        let first = match self.first(arguments) {
            First::Absent => 0,
            First::Global(_) => 1,
            First::Of(_) => 2,
            First::Constant => 3,
            First::Other => 4,
        };
        let plain = arguments.iter().skip(1).all(|argument| self.is_plain(argument));
        let root = arguments.first().and_then(Value::root);
        self.log.is_new_way((id, root, first * 2 + u8::from(plain)))
    }

    fn first(&mut self, arguments: &[Value]) -> First {
        let Some(first) = arguments.first() else { return First::Absent };
        let name = first.root().and_then(|id| self.log.global(id)).cloned();
        match (first, name) {
            (Value::Global(_), Some(name)) => First::Global(name),
            (first, Some(name)) if first.is_result() => First::Of(name),
            (first, _) if self.is_plain(first) => First::Constant,
            _ => First::Other,
        }
    }

    /// A number, nothing, or a text that does not begin with `__`.
    fn is_plain(&mut self, value: &Value) -> bool {
        match *value {
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => true,
            Value::Str { form, len, at } => {
                let text = self.string(form, len, at);
                text.is_some_and(|text| !text.trim_start().starts_with("__"))
            }
            _ => false,
        }
    }

    fn call_result(&mut self, callee: &Value, arguments: &[Value]) {
        let root = callee.root();
        if self.log.wants(root.unwrap_or(NO_GLOBAL), About::CallOnResult) {
            let root = root.and_then(|id| self.log.global(id).cloned());
            let callee = self.render(callee);
            let arguments = self.render_all(arguments);
            self.note(What::CallOnResult { callee, root, arguments });
        }
    }

    fn is_lazy(&self, value: &Value) -> bool {
        let Some(global) = value.root().and_then(|id| self.log.global(id)) else { return false };
        LAZY.iter().any(|(module, names)| {
            *module == global.module && names.contains(&global.name.as_str())
        })
    }

    /// BUILD: `__setstate__`, or attributes from a dictionary.
    pub(super) fn build(&mut self) -> Result<(), Halt> {
        let state = self.pop()?;
        let target = self.top()?;
        match &target {
            Value::Global(id) => self.rebind(*id, std::slice::from_ref(&state)),
            _ if target.is_result() => {
                let root = target.root();
                if self.log.wants(root.unwrap_or(NO_GLOBAL), About::BuildOnResult) {
                    let root = root.and_then(|id| self.log.global(id).cloned());
                    let state = self.render(&state);
                    self.note(What::BuildOnResult { root, state });
                }
                self.array_follows(&target, &state)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// State or items set on a global itself.
    pub(super) fn rebind(&mut self, id: GlobalId, state: &[Value]) {
        if self.log.wants(id, About::Rebind)
            && let Some(target) = self.log.global(id).cloned()
        {
            let state = self.render_all(state);
            self.note(What::Rebind { target, state });
        }
    }

    pub(super) fn extension(&mut self) -> Result<(), Halt> {
        let code = match self.op {
            op::EXT1 => i64::from(self.window.byte()?),
            op::EXT2 => i64::from(u16::from_le_bytes(self.window.array()?)),
            _ => i64::from(i32::from_le_bytes(self.window.array()?)),
        };
        self.log.imports += 1;
        self.note(What::Extension { code });
        self.push(Value::Returned(NO_GLOBAL));
        Ok(())
    }

    pub(super) fn persistent(&mut self) -> Result<(), Halt> {
        let id = if self.op == op::BINPERSID {
            let id = self.pop()?;
            self.note_storage(&id);
            if self.level.persistent_seen { String::new() } else { self.render(&id) }
        } else {
            let line = self.window.line()?;
            self.line_text(line).unwrap_or_else(|| "longer than 4 KiB".to_owned())
        };
        if !self.level.persistent_seen {
            self.level.persistent_seen = true;
            self.note(What::PersistentId { id });
        }
        self.push(Value::Unknown);
        Ok(())
    }
}
