//! Calls: into the crate's own functions, and of methods.

use proc_macro2::Span;
use syn::Expr;

use super::names::{path_span, segments};
use super::passing::{constant_method, constructed, kept};
use super::table::Role;
use super::value::{Taint, Value};
use super::walk::{Summary, Walk};

/// Methods that give back what they were called on.
const TRANSPARENT: [&str; 60] = [
    "unwrap",
    "expect",
    "unwrap_or",
    "unwrap_or_else",
    "unwrap_or_default",
    "ok",
    "ok_or",
    "err",
    "ok_or_else",
    "map_err",
    "context",
    "with_context",
    "clone",
    "cloned",
    "copied",
    "to_string",
    "to_owned",
    "into",
    "try_into",
    "as_str",
    "as_ref",
    "as_mut",
    "as_deref",
    "as_path",
    "as_os_str",
    "as_bytes",
    "as_slice",
    "as_bytes_mut",
    "to_str",
    "to_string_lossy",
    "into_owned",
    "into_string",
    "into_os_string",
    "into_bytes",
    "into_boxed_str",
    "to_path_buf",
    "into_path_buf",
    "to_vec",
    "display",
    "borrow",
    "borrow_mut",
    "iter",
    "iter_mut",
    "into_iter",
    "bytes",
    "chars",
    "collect",
    "trim",
    "by_ref",
    "canonicalize",
    "inspect_err",
    "read_to_end",
    "into_reader",
    "lock",
    "into_inner",
    "leak",
    "as_mut_slice",
    "or",
    "or_else",
    "into_vec",
];

/// Methods that put their arguments into what they are called on.
const FILLING: [&str; 13] = [
    "push",
    "push_str",
    "extend",
    "extend_from_slice",
    "append",
    "insert",
    "write_all",
    "write",
    "update",
    "chain_update",
    "write_str",
    "copy_from_slice",
    "clone_from_slice",
];

impl Walk<'_> {
    pub(super) fn call(&mut self, call: &syn::ExprCall) -> Value {
        let Expr::Path(function) = &*call.func else {
            let function = self.value(&call.func);
            let arguments = self.arguments(call.args.iter());
            return Value::of_taint(union(&arguments, &function.taint));
        };
        let span = path_span(&function.path);
        let written = segments(&function.path);
        if let [name] = written.as_slice()
            && let Some(known) = self.locals.get(name)
        {
            let taint = known.taint.clone();
            let arguments = self.arguments(call.args.iter());
            return Value::of_taint(union(&arguments, &taint));
        }
        let path = self.resolved(&written);
        if let Some(index) = self.local_function(&path) {
            let arguments = self.arguments(call.args.iter());
            self.fill_arguments(call.args.iter(), &arguments);
            return self.follow(index, &arguments, &call.args.iter().collect::<Vec<_>>(), span);
        }
        let arguments = self.arguments(call.args.iter());
        let constant = arguments.first().and_then(|first| first.text.as_ref());
        let known = constant.filter(|text| text.text != "{}");
        let detail = known.map(|text| text.text.clone()).unwrap_or_default();
        let called = self.use_with(&written, span, &detail);
        let value = match self.table.api(&path).and_then(|rule| rule.role) {
            Some(role) => self.apply(role, &path.join("::"), &arguments, span),
            None => kept(&path, &arguments),
        };
        self.fill_arguments(call.args.iter(), &arguments);
        let mut value = value;
        value.taint.merge(&called.taint);
        value.ty = value.ty.or_else(|| constructed(&path)).or(called.ty);
        value.root = None;
        value
    }

    fn arguments<'e>(&mut self, arguments: impl Iterator<Item = &'e Expr>) -> Vec<Value> {
        arguments.map(|argument| self.value(argument)).collect()
    }

    /// `f(a, &mut b)`: what went in can have come to `b`.
    fn fill_arguments<'e>(&mut self, arguments: impl Iterator<Item = &'e Expr>, values: &[Value]) {
        let mut all = Taint::default();
        for value in values {
            all.merge(&value.taint);
        }
        for (argument, value) in arguments.zip(values) {
            if let (Expr::Reference(reference), Some(root)) = (argument, &value.root)
                && reference.mutability.is_some()
            {
                self.add(root, &all);
            }
        }
    }

    /// A function of the crate by its full path.
    fn local_function(&self, path: &[String]) -> Option<usize> {
        let name = path.last()?;
        let candidates = self.names.by_name.get(name)?;
        if path.first().is_some_and(|first| first == "crate") || path.len() == 1 {
            let module = path.get(1..path.len() - 1).unwrap_or(&[]);
            let owner = path.len().checked_sub(2).and_then(|at| path.get(at));
            let fits = |index: &&usize| {
                let function = &self.names.functions[**index];
                let here = &self.names.modules[function.module].path;
                match function.owner {
                    None => here.as_slice() == module || path.len() == 1,
                    Some(of) => owner.is_some_and(|o| of == o),
                }
            };
            return candidates.iter().find(fits).or_else(|| only(candidates)).copied();
        }
        // `Self::name` and `Type::name` of a type that is not imported.
        let owner = path.len().checked_sub(2).and_then(|at| path.get(at))?;
        let fits = |index: &&usize| {
            let function = &self.names.functions[**index];
            function.owner.is_some_and(|owned| owned == owner || owner == "Self")
        };
        candidates.iter().find(fits).copied()
    }

    /// Follows a call into the crate: what the function returns, ends and fills with these arguments.
    fn follow(&mut self, index: usize, values: &[Value], arguments: &[&Expr], span: Span) -> Value {
        let Some(summary) = self.summary(index) else {
            return Value::of_taint(union(values, &Taint::default()));
        };
        let summary: &Summary = &summary;
        self.settle(&summary.open, values, span);
        for (parameters, steps) in &summary.sinks {
            let mut taint = given(*parameters, values);
            if taint.is_clean() {
                continue;
            }
            let Some((sink, before)) = steps.split_last() else { continue };
            taint.steps.extend(before.iter().copied());
            self.emit(&taint, *sink);
        }
        for (position, received) in &summary.fills {
            if let Some(root) = values.get(*position).and_then(|value| value.root.clone()) {
                let mut taint = given(received.parameters, values);
                taint.steps.extend(received.steps.iter().copied());
                let by_reference = arguments.get(*position).is_none_or(|argument| {
                    matches!(argument, Expr::Reference(r) if r.mutability.is_some())
                        || matches!(argument, Expr::Path(_))
                });
                if by_reference {
                    self.add(&root, &taint);
                }
            }
        }
        let mut value = summary.returns.clone();
        let mut taint = given(value.taint.parameters, values);
        taint.steps.extend(value.taint.steps.iter().copied());
        value.taint = taint;
        value
    }

    pub(super) fn method_call(&mut self, call: &syn::ExprMethodCall) -> Value {
        let name = call.method.to_string();
        let receiver = self.value(&call.receiver);
        let outer = std::mem::replace(&mut self.closure_input, receiver.taint.clone());
        let arguments = self.arguments(call.args.iter());
        self.closure_input = outer;
        let span = call.method.span();
        if let Some(spawned) = receiver.spawned {
            let data = self.command_arguments(spawned, &name, &arguments, span);
            if let Some(root) = &receiver.root {
                self.add(root, &data);
            }
            let mut taint = union(&arguments, &receiver.taint);
            taint.merge(&data);
            return Value { taint, ..receiver };
        }
        let ruled = self.ruled_method(&name, &receiver, &arguments, span);
        self.fill_from(call, &name, &receiver, &arguments, span);
        if let Some(value) = ruled {
            return value;
        }
        if let Some(value) = constant_method(&name, &receiver, &arguments) {
            return value;
        }
        if let Some(index) = self.local_method(&name, receiver.ty.as_deref()) {
            let mut values = vec![receiver];
            values.extend(arguments);
            let mut exprs: Vec<&Expr> = vec![&call.receiver];
            exprs.extend(call.args.iter());
            return self.follow(index, &values, &exprs, span);
        }
        let taint = union(&arguments, &receiver.taint);
        if TRANSPARENT.contains(&name.as_str()) {
            return Value { taint, ..receiver };
        }
        Value {
            taint,
            ty: receiver.ty,
            root: receiver.root,
            writes: receiver.writes,
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
            let step = self.step(super::facts::StepKind::Decode, "reverse", "", span);
            self.add(root, &Taint::step(step));
        }
        if !FILLING.contains(&name) {
            return;
        }
        if let Some((path, variable)) = &receiver.writes
            && name.starts_with("write")
        {
            self.write(path, variable.as_deref(), &taint, name, span);
        }
        if let Some(root) = &receiver.root {
            match (name, arguments.first()) {
                ("push_str" | "write_str", Some(value)) => self.append(root, value),
                ("push", Some(value)) => {
                    self.push(root, value);
                }
                _ => self.add(root, &taint),
            }
        }
    }

    /// `path.push("x")` joins, `text.push('x')` appends.
    fn push(&mut self, root: &str, value: &Value) {
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

    /// A method of the crate: by its type where that is known, else where only one has the name.
    fn local_method(&self, name: &str, receiver: Option<&str>) -> Option<usize> {
        if TRANSPARENT.contains(&name) {
            return None;
        }
        let candidates = self.names.by_name.get(name)?;
        let methods: Vec<usize> = candidates
            .iter()
            .copied()
            .filter(|index| self.names.functions[*index].owner.is_some())
            .collect();
        let owner = receiver.and_then(|ty| ty.rsplit("::").next());
        let fits = |index: &&usize| {
            let function = &self.names.functions[**index];
            function.owner.is_some_and(|o| Some(o.to_string().as_str()) == owner)
        };
        methods.iter().find(fits).or_else(|| only(&methods)).copied()
    }
}

fn only(candidates: &[usize]) -> Option<&usize> {
    match candidates {
        [one] => Some(one),
        _ => None,
    }
}

/// What arguments of these parameters carry.
fn given(parameters: u64, values: &[Value]) -> Taint {
    let mut taint = Taint::default();
    for (index, value) in values.iter().enumerate().take(64) {
        if parameters & (1 << index) != 0 {
            taint.merge(&value.taint);
        }
    }
    taint
}

pub(super) fn union(values: &[Value], more: &Taint) -> Taint {
    let mut taint = more.clone();
    for value in values {
        taint.merge(&value.taint);
    }
    taint
}
