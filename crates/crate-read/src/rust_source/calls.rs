//! Calls: into the crate's own functions, and of functions of which only the name is known.

use proc_macro2::Span;
use syn::Expr;

use super::facts::{ReadKind, StepKind};
use super::flows::CHANGES;
use super::names::{path_span, segments};
use super::open::{OpenUse, Use, filled};
use super::passing::{constructed, kept};
use super::value::{Taint, Value};
use super::walk::{Summary, Walk};

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
            let exprs: Vec<&Expr> = call.args.iter().collect();
            return self.follow(index, &arguments, &exprs, span);
        }
        let arguments = self.arguments(call.args.iter());
        let constant = arguments.first().and_then(|first| first.text.as_ref());
        let known = constant.filter(|text| text.text != "{}");
        let detail = known.map(|text| text.text.clone()).unwrap_or_default();
        let called = self.use_with(&written, span, &detail);
        // `const RUN: fn(Vec<u8>) = tail;`
        if !called.callables.is_empty() {
            return self.call_value(&called, &arguments, span);
        }
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
    pub(super) fn parsed(&self, taint: &Taint) -> Taint {
        if self.is_changed(taint) { taint.clone() } else { taint.spelled() }
    }

    /// Whether data was decoded or changed on the way.
    pub(super) fn is_changed(&self, taint: &Taint) -> bool {
        self.has(taint, &CHANGES)
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

    pub(super) fn arguments<'e>(
        &mut self,
        arguments: impl Iterator<Item = &'e Expr>,
    ) -> Vec<Value> {
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
            if !self.comes_from(&taint) && taint.parameters == 0 {
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
            taint.merge(&given(*parameters, values));
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
