//! Calls of methods: on commands, by the table, on types of the crate, and of which only the name is known.

use proc_macro2::Span;
use syn::Expr;

use super::calls::union;
use super::checks::is_still_unread;
use super::facts::StepKind;
use super::method_names::{
    ALTERING, FILLING, IMPLEMENTATIONS, IN_PLACE, LONGEST_LIST, MEASURING, TRANSPARENT,
};
use super::passing::constant_method;
use super::table::Role;
use super::value::{Taint, Text, Value};
use super::walk::Walk;

impl Walk<'_> {
    pub(super) fn method_call(&mut self, call: &syn::ExprMethodCall) -> Value {
        let name = call.method.to_string();
        let receiver = self.value(&call.receiver);
        let was_verdict = receiver.is_verdict;
        let mut value = self.method_on(call, &name, receiver);
        if was_verdict {
            value.is_verdict = is_still_unread(&name);
        }
        value
    }

    fn method_on(&mut self, call: &syn::ExprMethodCall, name: &str, receiver: Value) -> Value {
        let outer = std::mem::replace(&mut self.closure_input, receiver.taint.clone());
        self.handed = receiver.root.clone().filter(|root| super::statics::is_static(root));
        let span = call.method.span();
        // `in_ci().then(|| act())`
        let entered = name == "then" && self.enter(receiver.taint.answers, span);
        let arguments = self.arguments(call.args.iter());
        self.handed = None;
        self.leave(entered);
        self.closure_input = outer;
        if let Some(spawned) = receiver.spawned {
            let data = self.command_arguments(spawned, name, &arguments, span);
            if let Some(root) = &receiver.root {
                self.add(root, &data);
            }
            let mut taint = union(&arguments, &receiver.taint);
            taint.merge(&data);
            return Value { taint, ..receiver };
        }
        self.certificates(name, &arguments, span);
        let receiver = opened_how(name, receiver);
        let ruled = self.ruled_method(name, &receiver, &arguments, span);
        self.fill_from(call, name, &receiver, &arguments, span);
        if let Some(mut value) = ruled {
            self.verdict(name, &mut value, span);
            return value;
        }
        if let Some(value) = constant_method(name, &receiver, &arguments) {
            return value;
        }
        let methods = self.local_methods(name, receiver.ty.as_deref());
        if !methods.is_empty() {
            let mut values = vec![receiver];
            values.extend(arguments);
            let mut exprs: Vec<&Expr> = vec![&call.receiver];
            exprs.extend(call.args.iter());
            let kept = TRANSPARENT.contains(&name).then(|| values[0].clone());
            let results = methods.iter().map(|index| self.follow(*index, &values, &exprs, span));
            let value = results.reduce(Value::either).unwrap_or_default();
            return match kept {
                Some(receiver) => receiver.either(value),
                None => value,
            };
        }
        let mut value = self.unknown_method(call, name, receiver, &arguments);
        if !arguments.is_empty() {
            self.verdict(name, &mut value, span);
        }
        value
    }

    /// A method of which only its name is known.
    fn unknown_method(
        &mut self,
        call: &syn::ExprMethodCall,
        name: &str,
        receiver: Value,
        arguments: &[Value],
    ) -> Value {
        let span = call.method.span();
        if MEASURING.contains(&name) {
            let is_verdict = receiver.is_verdict;
            return Value { is_verdict, ..Self::measuring(&receiver, arguments) };
        }
        let mut taint = union(arguments, &receiver.taint);
        Self::part_of_date(name, &mut taint.answers);
        taint.merge(&self.call_given(&receiver, arguments, span));
        if name == "parse" && is_tokens(call) {
            self.included(&taint, "parse", "", span);
        }
        if TRANSPARENT.contains(&name) {
            let textual = (receiver.textual && !name.ends_with("bytes")) || name == "to_str";
            return Value { taint, textual, ..receiver };
        }
        if receiver.textual {
            taint = self.parsed(&taint);
        } else if ALTERING.contains(&name) {
            taint = self.altered(&taint, name, span);
        }
        Value {
            taint,
            ty: receiver.ty,
            root: receiver.root,
            writes: receiver.writes,
            callables: receiver.callables,
            textual: receiver.textual && name != "bytes",
            ..Value::default()
        }
    }

    /// A method that the table lists, or one of a type whose paths it lists.
    fn ruled_method(
        &mut self,
        name: &str,
        receiver: &Value,
        arguments: &[Value],
        span: Span,
    ) -> Option<Value> {
        let table = self.table;
        let mut role = None;
        let mut api = name.to_owned();
        let rules: Vec<_> = table.methods(name, receiver.ty.as_deref()).collect();
        for rule in rules {
            for capability in &rule.capabilities {
                self.hit(*capability, name, span, "");
            }
            role = role.or(rule.role);
        }
        if role.is_none()
            && let Some(ty) = &receiver.ty
        {
            let path: Vec<String> = ty.split("::").map(str::to_owned).collect();
            let of_type = table.api(&path).and_then(|rule| rule.role);
            // `engine.decode(x)`, `hash.finalize()`, `client.get(url)`
            if let Some(found @ (Role::Decode | Role::Digest | Role::Fetch)) = of_type
                && !matches!(name, "unwrap" | "expect" | "clone" | "map_err")
            {
                role = Some(found);
                api = format!("{ty}::{name}");
            }
        }
        let role = role?;
        if role == Role::Fetch && arguments.is_empty() {
            // `.send()`, `.bytes()`: what goes out was given before.
            let mut taint = receiver.taint.clone();
            self.fetched(&api, &mut taint, "", span);
            return Some(Value { taint, text: None, ..receiver.clone() });
        }
        let mut given: Vec<Value> = arguments.to_vec();
        if given.is_empty() || matches!(role, Role::Spawn | Role::Pipe) {
            given.insert(0, receiver.clone());
        }
        let mut value = self.apply(role, &api, &given, span);
        value.taint.merge(&receiver.taint);
        value.ty = value.ty.or_else(|| receiver.ty.clone());
        value.root = value.root.or_else(|| receiver.root.clone());
        Some(value)
    }

    /// What a method does to what it is called on, and to its `&mut` arguments.
    fn fill_from(
        &mut self,
        call: &syn::ExprMethodCall,
        name: &str,
        receiver: &Value,
        arguments: &[Value],
        span: Span,
    ) {
        for (argument, value) in call.args.iter().zip(arguments) {
            if let (Expr::Reference(reference), Some(root)) = (argument, &value.root)
                && reference.mutability.is_some()
            {
                self.add(root, &receiver.taint);
            }
        }
        let taint = union(arguments, &Taint::default());
        if name == "reverse"
            && let Some(root) = &receiver.root
            && !receiver.taint.is_clean()
        {
            let step = self.step(StepKind::Decode, "reverse", "", span);
            self.add(root, &Taint::step(step));
        }
        if IN_PLACE.contains(&name)
            && let Some(root) = &receiver.root
            && !receiver.textual
        {
            let taint = self.altered(&receiver.taint, name, span);
            self.add(root, &taint);
        }
        if !FILLING.iter().any(|beginning| name.starts_with(beginning)) {
            return;
        }
        if let Some((path, variable)) = &receiver.writes
            && name.starts_with("write")
        {
            let mut taint = taint.clone();
            if let Some(value) = arguments.first() {
                taint.merge(&self.made_here(value, name, span));
                self.holds_text(path, value);
            }
            self.write(path, variable.as_deref(), &taint, name, span);
        }
        if let Some(root) = &receiver.root {
            match (name, arguments.first()) {
                ("push_str" | "write_str", Some(value)) => self.append(root, value),
                ("push", Some(value)) => self.push(root, value),
                ("extend" | "extend_from_slice" | "append", Some(value)) => {
                    self.add(root, &taint);
                    self.lengthen(root, &super::effects::listed(value));
                }
                ("resize", _) => {
                    let taint = self.altered(&taint, name, span);
                    self.add(root, &taint);
                }
                _ => self.add(root, &taint),
            }
        }
    }

    /// A list of texts becomes longer.
    fn lengthen(&mut self, root: &str, texts: &[Text]) -> bool {
        let Some(known) = self.locals.get_mut(root) else { return false };
        let Some(list) = &known.list else { return false };
        if list.len() + texts.len() <= LONGEST_LIST {
            let mut longer = list.as_ref().clone();
            longer.extend(texts.iter().cloned());
            known.list = Some(std::rc::Rc::new(longer));
        }
        true
    }

    /// `path.push("x")` joins, `text.push('x')` appends, `arguments.push("x")` makes the list longer.
    fn push(&mut self, root: &str, value: &Value) {
        if self.lengthen(root, &[value.shown()]) {
            return self.add(root, &value.taint);
        }
        let is_path = self
            .locals
            .get(root)
            .and_then(|known| known.ty.as_deref())
            .is_some_and(|ty| ty.ends_with("PathBuf") || ty.ends_with("OsString"));
        if !is_path {
            return self.append(root, value);
        }
        let known = self.locals.entry(root.to_owned()).or_default();
        known.taint.merge(&value.taint);
        if let Some(text) = &known.text {
            known.text = Some(text.join(&value.shown()));
        }
    }

    /// `into` is the `from` of whatever it becomes.
    fn conversions(&self, name: &str) -> Vec<usize> {
        let by = match name {
            "into" => "from",
            "try_into" => "try_from",
            "to_string" => "fmt",
            _ => return Vec::new(),
        };
        let known = self.names.by_name.get(by).cloned().unwrap_or_default();
        let methods: Vec<usize> =
            known.into_iter().filter(|at| self.names.functions[*at].owner.is_some()).collect();
        if methods.len() > IMPLEMENTATIONS { Vec::new() } else { methods }
    }

    /// An operator of a type of the crate.
    pub(super) fn operator(&mut self, method: &str, values: &[Value], span: Span) -> Option<Value> {
        let own = self.own_method(values.first()?, method)?;
        Some(self.follow(own, values, &[], span))
    }

    /// A method of the crate's own type that a value is of.
    pub(super) fn own_method(&self, value: &Value, method: &str) -> Option<usize> {
        self.names.methods_of(value.ty.as_deref()?, method).next()
    }

    /// Methods of the crate: by its type where that is known, else all that have the name.
    fn local_methods(&self, name: &str, receiver: Option<&str>) -> Vec<usize> {
        let Some(candidates) = self.names.by_name.get(name) else { return Vec::new() };
        if let Some(own) = receiver.and_then(|ty| self.names.methods_of(ty, name).next()) {
            return vec![own];
        }
        if TRANSPARENT.contains(&name) {
            return self.conversions(name);
        }
        // `OpenOptions::new().write(true)` is not the crate's own `write`.
        if receiver.is_some_and(is_std_type) {
            let owned = |at: &usize| self.names.functions[*at].owner.is_some_and(is_any);
            return candidates.iter().copied().filter(owned).take(IMPLEMENTATIONS).collect();
        }
        let is_method = |at: &usize| self.names.functions[*at].owner.is_some();
        let methods: Vec<usize> = candidates.iter().copied().filter(is_method).collect();
        // A trait object can be any of them; a name that many types have says nothing.
        if methods.len() > IMPLEMENTATIONS { Vec::new() } else { methods }
    }
}

/// Whether a path is of a type of the standard library, not of one of its functions.
fn is_std_type(path: &str) -> bool {
    path.starts_with("std::")
        && path.rsplit("::").next().is_some_and(|name| name.starts_with(char::is_uppercase))
}

/// Whether an implementation is for all types: `impl<T> Apply for T`.
fn is_any(owner: &syn::Ident) -> bool {
    let name = owner.to_string();
    name.len() == 1 && name.starts_with(char::is_uppercase)
}

/// What `OpenOptions` are for: to read, until something says that they write.
fn opened_how(name: &str, mut receiver: Value) -> Value {
    const OPTIONS: &str = "std::fs::OpenOptions";
    if receiver.ty.as_deref().is_some_and(|ty| ty.starts_with(OPTIONS)) {
        match name {
            "read" => receiver.ty = Some(format!("{OPTIONS}::reading")),
            "write" | "append" | "create" | "create_new" | "truncate" => {
                receiver.ty = Some(OPTIONS.to_owned());
            }
            _ => {}
        }
    }
    receiver
}

/// Whether a call of `parse` gives tokens of Rust: `parse::<TokenStream>()`.
fn is_tokens(call: &syn::ExprMethodCall) -> bool {
    let given = call.turbofish.iter().flat_map(|given| &given.args);
    given.into_iter().any(|argument| match argument {
        syn::GenericArgument::Type(ty) => super::names::type_path(ty)
            .is_some_and(|path| path.last().is_some_and(|name| name.ends_with("TokenStream"))),
        _ => false,
    })
}
