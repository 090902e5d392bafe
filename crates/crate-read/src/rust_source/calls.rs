//! Calls: into the crate's own functions, and of methods.

use proc_macro2::Span;
use syn::Expr;

use super::checks::is_still_unread;
use super::facts::{ReadKind, StepKind};
use super::names::{path_span, segments};
use super::open::{OpenUse, Use, filled};
use super::passing::{constant_method, constructed, kept};
use super::table::Role;
use super::value::{Taint, Text, Value};
use super::walk::{Summary, Walk};

/// Longest list of texts that is followed.
const LONGEST_LIST: usize = 64;
/// Most methods of one name that a call on an unknown type is followed into.
const IMPLEMENTATIONS: usize = 4;
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

/// Beginnings of the names of methods that put their arguments into what they are called on.
const FILLING: [&str; 22] = [
    "push",
    "extend",
    "append",
    "insert",
    "write",
    "update",
    "chain_update",
    "copy_from",
    "clone_from",
    "resize",
    "put",
    "set",
    "add",
    "fill",
    "feed",
    "send",
    "store",
    "splice",
    "replace_range",
    "enqueue",
    "absorb",
    "input",
];
/// Methods that say something about data and give nothing of it back.
const MEASURING: [&str; 22] = [
    "len",
    "is_empty",
    "is_some",
    "is_none",
    "is_ok",
    "is_err",
    "contains",
    "contains_key",
    "starts_with",
    "ends_with",
    "exists",
    "is_file",
    "is_dir",
    "eq",
    "ne",
    "cmp",
    "partial_cmp",
    "count",
    "capacity",
    "any",
    "all",
    "metadata",
];
/// Methods that give back other bytes than those that they are called on, or in another order.
const ALTERING: [&str; 44] = [
    "rev",
    "reverse",
    "swap",
    "rotate_left",
    "rotate_right",
    "step_by",
    "chunks",
    "chunks_exact",
    "rchunks",
    "array_chunks",
    "windows",
    "wrapping_add",
    "wrapping_sub",
    "wrapping_mul",
    "wrapping_neg",
    "overflowing_add",
    "overflowing_sub",
    "saturating_sub",
    "saturating_add",
    "checked_sub",
    "checked_add",
    "swap_bytes",
    "reverse_bits",
    "sort",
    "sort_by",
    "sort_by_key",
    "sort_unstable",
    "sort_unstable_by_key",
    "skip",
    "take",
    "nth",
    "split_at",
    "split_off",
    "drain",
    "resize",
    "retain",
    "dedup",
    "zip",
    "fold",
    "scan",
    "skip_while",
    "take_while",
    "truncate",
    "copy_within",
];

/// Those of them that change what they are called on.
const IN_PLACE: [&str; 14] = [
    "swap",
    "rotate_left",
    "rotate_right",
    "sort",
    "sort_by",
    "sort_by_key",
    "sort_unstable",
    "sort_unstable_by",
    "sort_unstable_by_key",
    "copy_within",
    "retain",
    "dedup",
    "drain",
    "split_off",
];

impl Walk<'_> {
    pub(super) fn call(&mut self, call: &syn::ExprCall) -> Value {
        let Expr::Path(function) = &*call.func else {
            let function = self.value(&call.func);
            let arguments = self.arguments(call.args.iter());
            return self.call_value(&function, &arguments, call.paren_token.span.open());
        };
        let span = path_span(&function.path);
        let written = segments(&function.path);
        if let [name] = written.as_slice()
            && let Some(known) = self.locals.get(name).cloned()
        {
            let arguments = self.arguments(call.args.iter());
            return self.call_value(&known, &arguments, span);
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
        let mut value = match self.table.api(&path).and_then(|rule| rule.role) {
            Some(role) => self.apply(role, &path.join("::"), &arguments, span),
            None => self.unknown_call(&path, &arguments, span),
        };
        self.fill_arguments(call.args.iter(), &arguments);
        self.verdict(path.last().map_or("", String::as_str), &mut value, span);
        value.taint.merge(&called.taint);
        value.ty = value.ty.or_else(|| constructed(&path)).or(called.ty);
        value.root = None;
        value
    }

    /// A call of which only its name and what it is given are known.
    fn unknown_call(&mut self, path: &[String], arguments: &[Value], span: Span) -> Value {
        let mut value = kept(path, arguments);
        let name = path.last().map_or("", String::as_str);
        if name.starts_with("from_utf8") {
            value.textual = true;
        } else if path.len() > 1 && arguments.iter().any(|value| value.textual) {
            value.taint = self.parsed(&value.taint);
        }
        let from_text = matches!(name, "from_str" | "parse_str" | "parse_file");
        if from_text && path.iter().any(|part| part == "TokenStream") {
            self.included(&value.taint, &path.join("::"), "", span);
        }
        value.taint.merge(&self.file_of_call(path, arguments, span));
        let (first, rest) = (arguments.first(), arguments.get(1..).unwrap_or(&[]));
        if let Some(first) = first {
            value.taint.merge(&self.call_given(first, rest, span));
        }
        if path.len() <= 2 && name.starts_with(char::is_uppercase) {
            value.taint.merge(&self.streamed(name));
            self.made(&path.join("::"), &value, span);
            value.ty = Some(path.join("::"));
        }
        value.callables = arguments.iter().flat_map(|value| value.callables.clone()).collect();
        value
    }

    /// A function of another crate that is given the name of a file can read it.
    fn file_of_call(&mut self, path: &[String], arguments: &[Value], span: Span) -> Taint {
        let mut taint = Taint::default();
        let foreign = path.len() > 1
            && path.first().is_some_and(|first| {
                first.starts_with(|c: char| c.is_ascii_lowercase())
                    && !matches!(
                        first.as_str(),
                        "std" | "crate" | "self" | "super" | "syn" | "quote"
                    )
            });
        for text in arguments.iter().filter_map(|value| value.text.clone()).filter(|_| foreign) {
            let file = super::paths::from_root(&text.text);
            let named = super::programs::names_a_file(&text.text) && file.contains('/');
            if text.whole && named && super::paths::kind_of_name(&file).is_some() {
                taint.merge(&self.input(&text, &path.join("::"), span));
            }
        }
        taint
    }

    /// Data that went through a parser or a change of texts: fields and words. What was changed before
    /// is not reviewed as text, and stays what it is.
    fn parsed(&self, taint: &Taint) -> Taint {
        if self.is_changed(taint) { taint.clone() } else { taint.spelled() }
    }

    /// Whether data was decoded or changed on the way.
    pub(super) fn is_changed(&self, taint: &Taint) -> bool {
        let changes = [StepKind::Decode, StepKind::Decompress, StepKind::Decrypt, StepKind::Alter];
        self.has(taint, &changes)
    }

    /// Data that the code changes itself.
    pub(super) fn altered(&mut self, taint: &Taint, api: &str, span: Span) -> Taint {
        let mut altered = taint.clone();
        if !taint.is_clean() && !self.has(taint, &[StepKind::Alter]) {
            let step = self.step(StepKind::Alter, api, "", span);
            altered.merge(&Taint::step(step));
        }
        altered
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
    pub(super) fn local_function(&self, path: &[String]) -> Option<usize> {
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
            // A bare name calls no method: `drop(file)` is not the crate's own `drop`.
            let may =
                |index: &&usize| path.len() > 1 || self.names.functions[**index].owner.is_none();
            return candidates.iter().find(fits).or_else(|| only(candidates).filter(may)).copied();
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
    pub(super) fn follow(
        &mut self,
        index: usize,
        values: &[Value],
        arguments: &[&Expr],
        span: Span,
    ) -> Value {
        self.calls(index);
        let Some(summary) = self.summary(index) else {
            return Value::of_taint(union(values, &Taint::default()));
        };
        let summary: &Summary = &summary;
        self.settle(&summary.open, values, span);
        let named = self.named_files(&summary.open, values, span);
        let values = named.as_deref().unwrap_or(values);
        for (parameters, steps) in &summary.sinks {
            let mut taint = given(*parameters, values);
            let Some((sink, before)) = steps.split_last() else { continue };
            if taint.is_clean() {
                let written = before.iter().any(|step| {
                    self.steps.get(*step as usize).is_some_and(|s| s.kind == StepKind::Write)
                });
                let position = parameters.trailing_zeros() as usize;
                let Some(value) = values.get(position).filter(|_| written).cloned() else {
                    continue;
                };
                taint = self.made_here(&value, "an argument", span);
            }
            if taint.is_clean() {
                continue;
            }
            taint.steps.extend(before.iter().copied());
            self.emit(&taint, *sink);
        }
        for (position, received) in &summary.fills {
            if let Some(root) = values.get(*position).and_then(|value| value.root.clone()) {
                let taint = carried(received, values);
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
        value.taint = carried(&value.taint, values);
        let parameters = summary.returns.taint.parameters;
        let passed =
            values.iter().enumerate().filter(|(at, _)| parameters >> (*at).min(63) & 1 == 1);
        value.callables.extend(passed.flat_map(|(_, value)| value.callables.clone()));
        value
    }

    /// What a function is given, with the files that it reads by the names that it is given.
    fn named_files(
        &mut self,
        open: &[OpenUse],
        values: &[Value],
        span: Span,
    ) -> Option<Vec<Value>> {
        let mut named: Option<Vec<Value>> = None;
        for open in open {
            let position = open.parameters.trailing_zeros() as usize;
            let (Use::Read(ReadKind::File | ReadKind::Folder | ReadKind::Glob), Some(value)) =
                (&open.what, values.get(position))
            else {
                continue;
            };
            let (text, _) = filled(&open.text, value);
            if text.whole {
                let step = self.step(StepKind::Read, "a call", &text.text, span);
                let values = named.get_or_insert_with(|| values.to_vec());
                values[position].taint.merge(&Taint::step(step));
            }
        }
        named
    }

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
        let span = call.method.span();
        // `in_ci().then(|| act())`
        let entered = name == "then" && self.enter(&receiver, span);
        let arguments = self.arguments(call.args.iter());
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
        let ty = values.first()?.ty.clone()?;
        let name = ty.rsplit("::").next().unwrap_or(&ty);
        let known = self.names.by_name.get(method)?;
        let own = known
            .iter()
            .copied()
            .find(|index| self.names.functions[*index].owner.is_some_and(|owner| owner == name))?;
        Some(self.follow(own, values, &[], span))
    }

    /// Methods of the crate: by its type where that is known, else all that have the name.
    fn local_methods(&self, name: &str, receiver: Option<&str>) -> Vec<usize> {
        let Some(candidates) = self.names.by_name.get(name) else { return Vec::new() };
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
        if let Some(found) = methods.iter().find(fits) {
            return vec![*found];
        }
        if TRANSPARENT.contains(&name) {
            return self.conversions(name);
        }
        // `OpenOptions::new().write(true)` is not the crate's own `write`.
        if receiver.is_some_and(|ty| ty.starts_with("std::")) {
            return Vec::new();
        }
        // A trait object can be any of them; a name that many types have says nothing.
        if methods.len() > IMPLEMENTATIONS { Vec::new() } else { methods }
    }
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

fn only(candidates: &[usize]) -> Option<&usize> {
    match candidates {
        [one] => Some(one),
        _ => None,
    }
}

/// What a taint of a function's own parameters stands for where the function is given these values.
pub(super) fn carried(taint: &Taint, values: &[Value]) -> Taint {
    let mut carried = taint.settled();
    carried.merge(&given(taint.parameters, values));
    carried.merge(&given(taint.spelled_parameters, values).spelled());
    carried
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
