//! Values that are called: functions by their name, closures in variables, in fields, in lists, and as
//! arguments; and what a value does when it is dropped.

use std::rc::Rc;

use proc_macro2::Span;
use syn::Expr;

use super::calls::{carried, union};
use super::flows::CHANGES;
use super::open::{OpenUse, Use};
use super::value::{Callable, Taint, Text, Value};
use super::walk::Walk;

/// Most closures that are walked inside each other when they are called.
const CLOSURES: usize = 3;

impl Walk<'_> {
    /// Calls everything that a value can stand for.
    pub(super) fn call_value(&mut self, called: &Value, arguments: &[Value], span: Span) -> Value {
        let taint = union(arguments, &called.taint);
        let mut result = Value { taint, ..Value::default() };
        if called.taint.parameters.is_power_of_two() && called.callables.is_empty() {
            let (what, text) = (Use::Call(Rc::new(arguments.to_vec())), Text::hole());
            self.leave_open(OpenUse { what, text, parameters: called.taint.parameters });
        }
        for callable in &called.callables {
            let value = match callable {
                Callable::Function(index) => self.follow(*index, arguments, &[], span),
                Callable::Closure(closure) => self.call_closure(closure, arguments),
            };
            result = result.either(value);
        }
        result
    }

    /// A closure that was kept: its body once more, with what it is given now.
    fn call_closure(&mut self, closure: &Rc<syn::ExprClosure>, arguments: &[Value]) -> Value {
        let says_more = arguments.iter().any(|value| {
            !value.taint.is_clean() || !value.callables.is_empty() || value.text.is_some()
        });
        if !says_more || self.closures >= CLOSURES {
            return Value::default();
        }
        self.closures += 1;
        for (pattern, argument) in closure.inputs.iter().zip(arguments) {
            self.bind(pattern, &Value { root: None, ..argument.clone() });
        }
        let early = self.returned.take();
        let mut value = self.value(&closure.body);
        if let Some(returned) = std::mem::replace(&mut self.returned, early) {
            value = value.either(returned);
        }
        self.closures -= 1;
        value
    }

    /// What a function left open because a parameter is called.
    pub(super) fn called_later(
        &mut self,
        open: &OpenUse,
        given: &[Value],
        all: &[Value],
        span: Span,
    ) {
        let position = open.parameters.trailing_zeros() as usize;
        let Some(called) = all.get(position).cloned() else { return };
        let arguments: Vec<Value> = given
            .iter()
            .map(|value| Value { taint: carried(&value.taint, all), root: None, ..value.clone() })
            .collect();
        self.call_value(&called, &arguments, span);
    }

    /// Functions that a method is given are called with what it is called on: `map(f)`, `for_each(f)`.
    pub(super) fn call_given(
        &mut self,
        receiver: &Value,
        arguments: &[Value],
        span: Span,
    ) -> Taint {
        let mut taint = Taint::default();
        let item = Value { root: None, callables: Vec::new(), ..receiver.clone() };
        for argument in arguments {
            for callable in &argument.callables {
                let given = std::slice::from_ref(&item);
                match callable {
                    Callable::Function(index) => {
                        taint.merge(&self.follow(*index, given, &[], span).taint);
                    }
                    // One that stands here was walked with what it is given.
                    Callable::Closure(closure) if argument.root.is_some() => {
                        taint.merge(&self.call_closure(closure, given).taint);
                    }
                    Callable::Closure(_) => {}
                }
            }
        }
        taint
    }

    /// What the crate's own `Read`, `Write` or `Iterator` of a type does to what goes through it.
    pub(super) fn streamed(&mut self, ty: &str) -> Taint {
        const STREAMS: [&str; 6] = ["read", "write", "next", "fill_buf", "poll_read", "poll_write"];
        let names = self.names;
        let mut changes = Taint::default();
        for method in STREAMS {
            for index in names.methods_of(ty, method) {
                let Some(summary) = self.summary(index) else { continue };
                let fills = summary.fills.iter().map(|(_, taint)| taint);
                for taint in fills.chain([&summary.returns.taint]) {
                    changes.merge(&self.changes(taint));
                }
            }
        }
        changes
    }

    /// The steps of data that change it.
    fn changes(&self, taint: &Taint) -> Taint {
        let is_change = |step: &u32| {
            self.steps.get(*step as usize).is_some_and(|step| CHANGES.contains(&step.kind))
        };
        let steps = taint.all_steps().copied().filter(is_change).collect();
        Taint { steps, ..Taint::default() }
    }

    /// A value of a type of the crate is made: its `drop` runs with what it holds.
    pub(super) fn made(&mut self, ty: &str, value: &Value, span: Span) {
        if value.taint.is_clean() {
            return;
        }
        let names = self.names;
        for index in names.methods_of(ty, "drop") {
            self.follow(index, std::slice::from_ref(value), &[], span);
        }
    }

    /// The function of the crate that a path names, where it is not called at once.
    pub(super) fn named_function(&self, path: &[String]) -> Vec<Callable> {
        self.local_function(path).map(Callable::Function).into_iter().collect()
    }

    /// A struct or tuple struct of the crate with these parts.
    pub(super) fn structure(&mut self, inner: &syn::ExprStruct, span: Span) -> Value {
        self.use_path(&inner.path);
        let mut value = Value::default();
        let parts = inner.fields.iter().map(|field| &field.expr).chain(inner.rest.as_deref());
        for part in parts.collect::<Vec<&Expr>>() {
            let part = self.value(part);
            value.taint.merge(&part.taint);
            value.callables.extend(part.callables);
        }
        let ty = self.resolved(&super::names::segments(&inner.path)).join("::");
        value.taint.merge(&self.streamed(&ty));
        self.made(&ty, &value, span);
        Value { ty: Some(ty), ..value }
    }
}
