//! Operators: those of the language, and methods of the crate that they call.

use proc_macro2::Span;
use syn::{BinOp, Expr};

use crate::rust_source::facts::StepKind;
use crate::rust_source::method_names::MEASURING;
use crate::rust_source::value::{Taint, Text, Value};
use crate::rust_source::walk::Walk;

impl Walk<'_> {
    pub(super) fn awaited(&mut self, inner: &syn::ExprAwait) -> Value {
        let value = self.value(&inner.base);
        let span = inner.await_token.span;
        match self.operator("poll", std::slice::from_ref(&value), span) {
            Some(own) => value.either(own),
            None => value,
        }
    }

    pub(super) fn unary(&mut self, inner: &syn::ExprUnary) -> Value {
        let value = self.value(&inner.expr);
        let (method, span) = match &inner.op {
            syn::UnOp::Deref(token) => ("deref", token.span),
            // `!line.is_empty()` is a question, `!byte` another byte.
            syn::UnOp::Not(_) if asks(&inner.expr) => return value,
            syn::UnOp::Not(token) => ("not", token.span),
            syn::UnOp::Neg(token) => ("neg", token.span),
            _ => return value,
        };
        match self.operator(method, std::slice::from_ref(&value), span) {
            Some(own) => value.either(own),
            None if method == "deref" || value.textual => value,
            None => Value { taint: self.altered(&value.taint, method, span), ..value },
        }
    }

    pub(super) fn index(&mut self, inner: &syn::ExprIndex) -> Value {
        let mut value = self.value(&inner.expr);
        let index = self.value(&inner.index);
        let span = inner.bracket_token.span.open();
        if let Some(own) = self.own_method(&value, "index") {
            return self.follow(own, &[value, index], &[], span);
        }
        // `WORDS[2]` of a constant list.
        let at = index.text.as_ref().and_then(|text| text.text.parse::<usize>().ok());
        if let (Some(list), Some(at)) = (&value.list, at) {
            let text = list.get(at).cloned();
            return Value { text, list: None, ..value };
        }
        // `table[byte]`: what it is looked up by decides what comes out.
        if !index.textual && value.list.is_none() {
            let by = self.altered(&index.taint, "[]", span);
            value.taint.merge(&by);
        }
        if matches!(&*inner.index, Expr::Range(range) if range.start.is_some() || range.end.is_some())
            && !value.textual
        {
            value.taint = self.altered(&value.taint, "[..]", span);
            value.bytes = None;
        }
        // Of a text, a part is another text.
        if matches!(&*inner.index, Expr::Range(range) if range.start.is_some() || range.end.is_some())
        {
            value.text = value.text.filter(|text| !text.whole);
        }
        value
    }

    pub(super) fn binary(&mut self, inner: &syn::ExprBinary) -> Value {
        let left = self.value(&inner.left);
        let right = self.value(&inner.right);
        let span = operator_span(&inner.op);
        if let Some(method) = operator_method(&inner.op)
            && let Some(own) = self.own_method(&left, method)
        {
            return self.follow(own, &[left, right], &[], span);
        }
        let mut taint = left.taint.clone();
        taint.merge(&right.taint);
        match inner.op {
            BinOp::Add(_) => {
                let text = match left.text {
                    Some(mut text) => {
                        text.push(&right.text.unwrap_or_else(Text::hole));
                        Some(text)
                    }
                    // `UNIX_EPOCH + Duration::from_secs(1_790_000_000)`
                    None => right.text.filter(|_| is_epoch(&inner.left)),
                };
                Value { text, ..Value::of_taint(taint) }
            }
            BinOp::Eq(_) | BinOp::Ne(_) => {
                self.comparison(&left, &right, span);
                let hashed = self.has(&left.taint, &[StepKind::Digest])
                    || self.has(&right.taint, &[StepKind::Digest]);
                Value { is_verdict: hashed, ..Self::comparing(&left, &right) }
            }
            BinOp::BitXor(_) if !taint.is_clean() => {
                let step = self.step(StepKind::Decode, "^", "", span);
                taint.merge(&Taint::step(step));
                Value::of_taint(taint)
            }
            BinOp::BitXorAssign(_) if !taint.is_clean() && !is_plain(&inner.left) => {
                let step = self.step(StepKind::Decode, "^=", "", span);
                if let Some(root) = &left.root {
                    taint.merge(&Taint::step(step));
                    self.add(root, &taint);
                }
                if let Some(name) = dereferenced(&inner.left) {
                    self.add(&name, &taint);
                }
                Value::default()
            }
            BinOp::AddAssign(_) => {
                if let Some(root) = &left.root {
                    self.append(root, &right);
                }
                Value::default()
            }
            BinOp::And(_) | BinOp::Or(_) => {
                let mut value = Value::default();
                value.taint.answers = taint.answers;
                value
            }
            BinOp::Lt(_) | BinOp::Le(_) | BinOp::Ge(_) | BinOp::Gt(_) => {
                Self::comparing(&left, &right)
            }
            _ if taint.is_clean() || left.textual || right.textual => Value::of_taint(taint),
            _ => {
                let taint = self.altered(&taint, "arithmetic", span);
                if let (true, Some(root)) = (is_assigning(&inner.op), &left.root) {
                    self.add(root, &taint);
                }
                Value::of_taint(taint)
            }
        }
    }
}

/// Whether an expression says yes or no.
fn asks(expression: &Expr) -> bool {
    match expression {
        Expr::Paren(inner) => asks(&inner.expr),
        Expr::MethodCall(call) => {
            let name = call.method.to_string();
            name.starts_with("is_") || MEASURING.contains(&name.as_str())
        }
        Expr::Macro(_) => true,
        _ => false,
    }
}

/// The method that an operator calls on a type of the crate.
fn operator_method(operator: &BinOp) -> Option<&'static str> {
    Some(match operator {
        BinOp::Add(_) => "add",
        BinOp::Sub(_) => "sub",
        BinOp::Mul(_) => "mul",
        BinOp::Div(_) => "div",
        BinOp::Rem(_) => "rem",
        BinOp::Shl(_) => "shl",
        BinOp::Shr(_) => "shr",
        BinOp::BitAnd(_) => "bitand",
        BinOp::BitOr(_) => "bitor",
        BinOp::BitXor(_) => "bitxor",
        BinOp::Eq(_) | BinOp::Ne(_) => "eq",
        BinOp::Lt(_) | BinOp::Gt(_) | BinOp::Le(_) | BinOp::Ge(_) => "partial_cmp",
        BinOp::AddAssign(_) => "add_assign",
        BinOp::ShlAssign(_) => "shl_assign",
        BinOp::BitOrAssign(_) => "bitor_assign",
        _ => return None,
    })
}

/// `UNIX_EPOCH`: what is added to it is a date.
fn is_epoch(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "UNIX_EPOCH"))
}

/// `+=` and its kin.
fn is_assigning(operator: &BinOp) -> bool {
    !matches!(
        operator,
        BinOp::Add(_)
            | BinOp::Sub(_)
            | BinOp::Mul(_)
            | BinOp::Div(_)
            | BinOp::Rem(_)
            | BinOp::BitXor(_)
            | BinOp::BitAnd(_)
            | BinOp::BitOr(_)
            | BinOp::Shl(_)
            | BinOp::Shr(_)
    )
}

/// `*b` to `b`.
fn dereferenced(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Unary(inner) => match &*inner.expr {
            Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        },
        _ => None,
    }
}

/// A plain variable: an accumulator (a checksum, a hash), not data that is changed in place.
fn is_plain(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(_))
}

/// Where the operators stand that have a rule of their own.
fn operator_span(operator: &BinOp) -> Span {
    match operator {
        BinOp::Eq(token) => token.spans[0],
        BinOp::Ne(token) => token.spans[0],
        BinOp::BitXor(token) => token.spans[0],
        BinOp::BitXorAssign(token) => token.spans[0],
        _ => Span::call_site(),
    }
}
