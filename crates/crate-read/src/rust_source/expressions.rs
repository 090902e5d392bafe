//! Expressions: what each kind of them stands for, and what it does to the variables it names.

mod operators;

use std::rc::Rc;

use syn::visit::{self, Visit};
use syn::{Expr, Pat};

use super::modules::is_test;
use super::names::{path_span, segments};
use super::value::{Callable, Value};
use super::walk::Walk;

impl Walk<'_> {
    pub(super) fn value_of(&mut self, expression: &Expr) -> Value {
        match expression {
            Expr::Lit(inner) => self.literal(&inner.lit),
            Expr::Path(inner) => self.path(&inner.path),
            Expr::Paren(inner) => self.value(&inner.expr),
            Expr::Group(inner) => self.value(&inner.expr),
            Expr::Try(inner) => Value { is_verdict: false, ..self.value(&inner.expr) },
            Expr::Await(inner) => self.awaited(inner),
            Expr::Reference(inner) => self.value(&inner.expr),
            Expr::Unary(inner) => self.unary(inner),
            Expr::Cast(inner) => self.value(&inner.expr),
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unsafe(inner) => self.block(&inner.block),
            Expr::Async(inner) => self.block(&inner.block),
            Expr::Const(inner) => self.block(&inner.block),
            Expr::Macro(inner) => self.call_macro(&inner.mac),
            Expr::Call(inner) => {
                let mut value = self.call(inner);
                self.computed(expression, &mut value, inner.paren_token.span.open());
                value
            }
            Expr::MethodCall(inner) => {
                let mut value = self.method_call(inner);
                if computes(&inner.method) {
                    self.computed(expression, &mut value, inner.method.span());
                }
                value
            }
            Expr::Field(inner) => self.field(inner),
            Expr::Index(inner) => {
                let mut value = self.index(inner);
                self.computed(expression, &mut value, inner.bracket_token.span.open());
                value
            }
            Expr::Array(inner) => self.array(inner.elems.iter(), inner.bracket_token.span.open()),
            Expr::Tuple(inner) => self.tuple(inner),
            Expr::Binary(inner) => self.binary(inner),
            Expr::Assign(inner) => {
                let right = self.value(&inner.right);
                self.assign(&inner.left, &right);
                Value::default()
            }
            Expr::Let(inner) => {
                let value = self.value(&inner.expr);
                self.bind(&inner.pat, &value);
                Value::of_taint(value.taint)
            }
            Expr::If(inner) => self.conditional(inner).0,
            Expr::Match(inner) => self.matched(inner),
            Expr::Closure(inner) => self.closure(inner),
            Expr::ForLoop(inner) => self.for_loop(inner),
            Expr::Return(inner) => {
                if let Some(expression) = &inner.expr {
                    let value = self.value(expression);
                    let before = self.returned.take().unwrap_or_default();
                    self.returned = Some(before.either(value));
                }
                Value::default()
            }
            Expr::Struct(inner) => self.structure(inner, inner.brace_token.span.open()),
            other => self.children(other),
        }
    }

    fn tuple(&mut self, inner: &syn::ExprTuple) -> Value {
        let mut whole = Value::default();
        let mut parts = Vec::new();
        for part in &inner.elems {
            let part = self.value(part);
            whole.taint.merge(&part.taint);
            whole.callables.extend(part.callables.clone());
            parts.push(Value { parts: None, ..part });
        }
        whole.textual = all_text(&parts);
        whole.parts = Some(Rc::new(parts));
        whole
    }

    /// An expression without a rule of its own: all its parts, in order.
    fn children(&mut self, expression: &Expr) -> Value {
        let outer = std::mem::take(&mut self.met);
        visit::visit_expr(self, expression);
        Value::of_taint(std::mem::replace(&mut self.met, outer))
    }

    /// What an `if` gives, and its condition.
    pub(super) fn conditional(&mut self, inner: &syn::ExprIf) -> (Value, Value) {
        let condition = self.value(&inner.cond);
        // `if sum != PIN { println!("cargo:warning=..") }` stops nothing.
        if condition.is_verdict && inner.else_branch.is_none() && only_talks(&inner.then_branch) {
            self.dropped(&condition, inner.if_token.span);
        }
        let entered = self.enter(condition.taint.answers, inner.if_token.span);
        let mut value = self.block(&inner.then_branch);
        if let Some((_, otherwise)) = &inner.else_branch {
            value = value.either(self.value(otherwise));
        }
        self.leave(entered);
        (value, condition)
    }

    fn matched(&mut self, inner: &syn::ExprMatch) -> Value {
        let value = self.value(&inner.expr);
        let mut result = Value::default();
        let decided = value.taint.answers.decided_by(&inner.arms);
        let entered = self.enter(decided, inner.match_token.span);
        for arm in &inner.arms {
            if is_test(&arm.attrs) {
                continue;
            }
            self.bind(&arm.pat, &value);
            if let Pat::Guard(guard) = &arm.pat {
                self.bind(&guard.pat, &value);
                self.value(&guard.guard);
            }
            let arm = self.value(&arm.body);
            result = result.either(arm);
        }
        self.leave(entered);
        result
    }

    fn closure(&mut self, inner: &syn::ExprClosure) -> Value {
        let root = self.handed.take();
        let input = Value { root, ..Value::of_taint(self.closure_input.clone()) };
        for pattern in &inner.inputs {
            self.bind(pattern, &input);
        }
        let outer = self.returned.take();
        let value = self.value(&inner.body);
        let mut value = match std::mem::replace(&mut self.returned, outer) {
            Some(early) => value.either(early),
            None => value,
        };
        value.callables = vec![Callable::Closure(Rc::new(inner.clone()))];
        value
    }

    fn for_loop(&mut self, inner: &syn::ExprForLoop) -> Value {
        let mut over = self.value(&inner.expr);
        let span = inner.for_token.span;
        if let Some(own) = self.operator("next", std::slice::from_ref(&over), span) {
            over = over.either(own);
        }
        let item = Value {
            root: over.root.clone(),
            list: over.list,
            callables: over.callables,
            textual: over.textual,
            ..Value::of_taint(over.taint)
        };
        self.bind(&inner.pat, &item);
        self.block(&inner.body);
        // `for b in data.iter_mut() { *b ^= k }`: what the body did to `b` it did to `data`.
        let root = over.root.as_ref().filter(|root| !super::statics::is_static(root));
        if let (Some(root), Some(name)) = (root, bound_name(&inner.pat))
            && let Some(after) = self.locals.get(&name).map(|value| value.taint.clone())
        {
            self.add(root, &after);
        }
        Value::default()
    }

    fn field(&mut self, inner: &syn::ExprField) -> Value {
        let base = self.value(&inner.base);
        let syn::Member::Named(name) = &inner.member else {
            if let (Some(parts), syn::Member::Unnamed(at)) = (&base.parts, &inner.member)
                && let Some(part) = parts.get(at.index as usize)
            {
                return part.clone();
            }
            let (root, callables) = (base.root, base.callables);
            return Value { root, callables, ..Value::of_taint(base.taint) };
        };
        let name = name.to_string();
        let key = base.root.as_ref().map(|root| format!("{root}.{name}"));
        let mut value =
            key.as_ref().and_then(|key| self.locals.get(key)).cloned().unwrap_or_default();
        value.taint.merge(&base.taint);
        value.callables.extend(base.callables);
        if value.ty.is_none()
            && let Some(Some(path)) = self.names.fields.get(&name)
        {
            value.ty = Some(self.resolved(path).join("::"));
        }
        value.root = key;
        // What goes into a started program; what comes out of it is data.
        if !matches!(name.as_str(), "stdout" | "stderr") {
            value.spawned = value.spawned.or(base.spawned);
        }
        value
    }

    fn assign(&mut self, target: &Expr, value: &Value) {
        let left = self.value(target);
        if let Some(root) = left.root {
            self.add(&root, &value.taint);
            let known = self.locals.entry(root).or_default();
            known.taint.merge(&value.taint);
            if value.text.is_some() {
                known.assigned(value);
            }
            known.list = value.list.clone().or_else(|| known.list.take());
            known.ty = value.ty.clone().or_else(|| known.ty.take());
            known.writes = value.writes.clone().or_else(|| known.writes.take());
            if !value.callables.is_empty() {
                known.callables.clone_from(&value.callables);
            }
            known.textual |= value.textual;
        }
    }

    fn path(&mut self, path: &syn::Path) -> Value {
        if let Some(name) = path.get_ident().map(ToString::to_string)
            && let Some(known) = self.locals.get(&name)
        {
            let root = known.root.clone().filter(|root| root.contains('.')).unwrap_or(name);
            return Value { root: Some(root), ..known.clone() };
        }
        let mut value = self.use_path(path);
        self.left_in(path, &mut value);
        if value.ty.is_none() && value.text.is_none() && value.taint.is_clean() {
            value.callables = self.named_function(&self.resolved(&segments(path)));
        }
        value
    }
}

/// Whether all that is not constant is text.
pub(super) fn all_text(values: &[Value]) -> bool {
    let mut given = values.iter().filter(|value| !value.taint.is_clean()).peekable();
    given.peek().is_some() && given.all(|value| value.textual)
}

/// Methods at whose end a text or bytes can stand that were computed.
fn computes(method: &syn::Ident) -> bool {
    const ENDS: [&str; 6] = ["collect", "fold", "concat", "join", "to_vec", "next"];
    ENDS.iter().any(|end| method == end)
}

/// Whether a block does nothing but print.
fn only_talks(block: &syn::Block) -> bool {
    const TALKING: [&str; 6] = ["println", "eprintln", "print", "eprint", "warn", "info"];
    block.stmts.iter().all(|statement| {
        let mac = match statement {
            syn::Stmt::Macro(statement) => &statement.mac,
            syn::Stmt::Expr(Expr::Macro(inner), _) => &inner.mac,
            _ => return false,
        };
        mac.path.segments.last().is_some_and(|last| TALKING.iter().any(|name| last.ident == name))
    })
}

/// The one name that a pattern binds.
fn bound_name(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) => Some(name.ident.to_string()),
        Pat::Reference(inner) => bound_name(&inner.pat),
        Pat::Tuple(inner) => inner.elems.last().and_then(bound_name),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        let value = self.value(expression);
        self.met.merge(&value.taint);
    }
    fn visit_block(&mut self, block: &'ast syn::Block) {
        let value = self.block(block);
        self.met.merge(&value.taint);
    }
    fn visit_item(&mut self, _: &'ast syn::Item) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_path(&mut self, _: &'ast syn::Path) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

impl Walk<'_> {
    /// A path in an expression: a constant of the crate, or an API.
    pub(super) fn use_path(&mut self, path: &syn::Path) -> Value {
        self.use_segments(&segments(path), path_span(path))
    }
}
