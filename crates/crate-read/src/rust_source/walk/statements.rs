//! Statements, macros of the crate, and what patterns bind.

use syn::{Expr, Pat};

use super::{FOLLOW_CALLS, Walk};
use crate::rust_source::acting;
use crate::rust_source::expand;
use crate::rust_source::modules::is_test;
use crate::rust_source::names::type_path;
use crate::rust_source::value::Value;

impl Walk<'_> {
    /// Statements in order; the value of the last.
    pub(in crate::rust_source) fn block(&mut self, block: &syn::Block) -> Value {
        self.statements(&block.stmts)
    }

    /// What a macro of the crate gives, walked; nothing where it is no such macro, or too much.
    pub(in crate::rust_source) fn expansion(&mut self, mac: &syn::Macro) -> Option<Value> {
        let open: usize = self.expanded.iter().skip(1).sum();
        if self.all_expanded > expand::ALL_TOKENS
            || open > expand::OPEN_TOKENS
            || self.expanded.len() > FOLLOW_CALLS
        {
            return None;
        }
        let (statements, tokens) = expand::statements(mac, &self.macros)?;
        self.expanded.push(tokens);
        self.all_expanded += tokens;
        let value = self.statements(&statements);
        self.expanded.pop();
        Some(value)
    }

    fn statements(&mut self, statements: &[syn::Stmt]) -> Value {
        let mut last = Value::default();
        let mut entered = 0;
        for statement in statements {
            last = match statement {
                // `if asked { return }`: what follows stands under the same condition.
                syn::Stmt::Expr(Expr::If(inner), _) if acting::leaves(&inner.then_branch) => {
                    let (value, condition) = self.conditional(inner);
                    entered +=
                        usize::from(self.enter(condition.taint.answers, inner.if_token.span));
                    value
                }
                syn::Stmt::Local(local) => {
                    self.local(local);
                    Value::default()
                }
                syn::Stmt::Item(_) => Value::default(),
                syn::Stmt::Expr(expression, None) => self.value(expression),
                syn::Stmt::Expr(expression, Some(end)) => {
                    let value = self.value(expression);
                    self.dropped(&value, end.span);
                    Value::default()
                }
                syn::Stmt::Macro(statement) => self.call_macro(&statement.mac),
            };
        }
        for _ in 0..entered {
            self.leave(true);
        }
        last
    }

    fn local(&mut self, local: &syn::Local) {
        if is_test(&local.attrs) {
            return;
        }
        let mut value = match &local.init {
            Some(init) => {
                let value = self.value(&init.expr);
                if let Some((_, otherwise)) = &init.diverge {
                    self.value(otherwise);
                }
                value
            }
            None => Value::default(),
        };
        if let Pat::Type(typed) = &local.pat
            && value.ty.is_none()
        {
            value.ty = type_path(&typed.ty).map(|path| self.resolved(&path).join("::"));
        }
        if let Some(init) = &local.init
            && let Some(ends) = channel(&local.pat, &init.expr)
        {
            // What goes in at one end comes out at the other.
            value.root = Some(format!("{ends}.end"));
        }
        self.dropped_in(&local.pat, &value, local.let_token.span);
        value.is_verdict = false;
        self.bind(&local.pat, &value);
    }

    /// Gives the names of a pattern what is known about the value.
    pub(in crate::rust_source) fn bind(&mut self, pattern: &Pat, value: &Value) {
        let parts: Vec<&Pat> = match pattern {
            Pat::Ident(name) => {
                self.locals.insert(name.ident.to_string(), value.clone());
                return;
            }
            Pat::Type(inner) => vec![&*inner.pat],
            Pat::Reference(inner) => vec![&*inner.pat],
            Pat::Paren(inner) => vec![&*inner.pat],
            Pat::TupleStruct(inner) if inner.elems.len() == 1 => inner.elems.iter().collect(),
            Pat::Or(inner) => inner.cases.iter().collect(),
            Pat::Tuple(inner) => {
                if let Some(parts) = value.parts.clone().filter(|p| p.len() == inner.elems.len()) {
                    for (pattern, part) in inner.elems.iter().zip(parts.iter()) {
                        self.bind(pattern, part);
                    }
                    return;
                }
                return self.bind_parts(inner.elems.iter(), value);
            }
            Pat::TupleStruct(inner) => return self.bind_parts(inner.elems.iter(), value),
            Pat::Slice(inner) => return self.bind_parts(inner.elems.iter(), value),
            Pat::Struct(inner) => {
                return self.bind_parts(inner.fields.iter().map(|field| &*field.pat), value);
            }
            _ => return,
        };
        for part in parts {
            self.bind(part, value);
        }
    }

    fn bind_parts<'p>(&mut self, parts: impl Iterator<Item = &'p Pat>, value: &Value) {
        let part = Value {
            root: value.root.clone(),
            callables: value.callables.clone(),
            textual: value.textual,
            ..Value::of_taint(value.taint.clone())
        };
        for pattern in parts {
            self.bind(pattern, &part);
        }
    }
}

/// `let (tx, rx) = channel();`: the name of the end that gives.
fn channel(pattern: &Pat, made_by: &Expr) -> Option<String> {
    let (Pat::Tuple(ends), Expr::Call(call)) = (pattern, made_by) else { return None };
    let Expr::Path(path) = &*call.func else { return None };
    let name = path.path.segments.last()?.ident.to_string();
    let known =
        ["channel", "sync_channel", "unbounded", "bounded", "unbounded_channel", "pipe", "pair"];
    match ends.elems.last()? {
        Pat::Ident(end) if known.contains(&name.as_str()) => Some(end.ident.to_string()),
        _ => None,
    }
}
