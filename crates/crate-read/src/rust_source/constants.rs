//! Constants in the code: texts, bytes, arrays of numbers, and what large ones of them stand for.

use std::rc::Rc;

use proc_macro2::Span;
use syn::{Expr, Lit};

use super::facts::{LISTED, LiteralForm, StepKind};
use super::literal;
use super::value::{Taint, Text, Value};
use super::walk::Walk;

/// Longest text with spaces in it that can be the name of a place, in bytes: `Login Data`.
pub(super) const PHRASE: usize = 64;

impl Walk<'_> {
    pub(super) fn array<'e>(
        &mut self,
        parts: impl ExactSizeIterator<Item = &'e Expr>,
        span: Span,
    ) -> Value {
        let count = parts.len();
        let mut bytes = Vec::new();
        let mut texts = Vec::new();
        let mut taint = Taint::default();
        let mut callables = Vec::new();
        let (mut known, mut whole) = (false, true);
        let (mut given, mut bytes_of) = (false, false);
        for part in parts {
            if let Some(byte) = byte_of(part) {
                bytes.push(byte);
                continue;
            }
            let value = self.value(part);
            given |= !value.taint.is_clean();
            bytes_of |= !value.taint.is_clean() && !value.textual;
            taint.merge(&value.taint);
            callables.extend(value.callables);
            known |= value.text.is_some();
            whole &= value.text.is_some();
            texts.push(value.text.unwrap_or_else(Text::hole));
        }
        callables.truncate(super::value::CALLABLES);
        let textual = given && !bytes_of;
        let mut value = Value { callables, textual, ..Value::of_taint(taint) };
        if count == 0 {
            value.list = Some(Rc::default());
        }
        if count > 0 && bytes.len() == count {
            self.large(LiteralForm::Bytes, &bytes, span, &mut value);
            if matches!(count, 32 | 48 | 64) {
                self.pin("an array as long as a digest", span);
            }
            value.bytes = Some(Rc::new(bytes));
        } else if known && texts.len() == count {
            let joined: String = texts.iter().map(|t| t.text.as_str()).collect();
            if let Some((_, decoded)) = literal::encoded(&joined).filter(|_| whole) {
                self.large(LiteralForm::Table, &decoded, span, &mut value);
            }
            // A list of arguments says what it says whether or not the last of them is known.
            value.list = Some(Rc::new(texts));
        }
        value
    }

    /// Records a large literal and makes it a source of data.
    fn large(&mut self, form: LiteralForm, bytes: &[u8], span: Span, value: &mut Value) {
        if bytes.len() < literal::LARGE {
            return;
        }
        if self.facts.literals.len() < LISTED {
            let measured = literal::measure(form, bytes, self.file(), Self::line(span));
            self.facts.literals.push(measured);
        } else {
            self.facts.left_out += 1;
        }
        let step = self.step(StepKind::Literal, "literal", "", span);
        value.taint.merge(&Taint::step(step));
    }

    pub(super) fn literal(&mut self, lit: &Lit) -> Value {
        let span = lit.span();
        match lit {
            Lit::Str(text) => self.text(&text.value(), span),
            Lit::ByteStr(text) => {
                let bytes = text.value();
                let mut value = match std::str::from_utf8(&bytes) {
                    Ok(text) => self.text(text, span),
                    Err(_) => Value::default(),
                };
                if value.taint.is_clean() {
                    self.large(LiteralForm::Bytes, &bytes, span, &mut value);
                }
                value.bytes = Some(Rc::new(bytes));
                value
            }
            Lit::Char(c) => Value::of_text(Text::whole(c.value())),
            Lit::Int(number) => Value::of_text(Text::whole(number.base10_digits())),
            Lit::Bool(given) => Value::of_text(Text::whole(given.value.to_string())),
            _ => Value::default(),
        }
    }

    /// A string constant: an address, a place, an encoded payload, or just text.
    fn text(&mut self, text: &str, span: Span) -> Value {
        self.addresses(text, span);
        if super::is_digest(text) {
            self.pin("a constant digest", span);
        }
        if text.len() <= PHRASE || (!text.contains(char::is_whitespace) && text.len() <= 300) {
            self.place(text, span);
        }
        let mut value = Value::default();
        if let Some((form, bytes)) = literal::encoded(text) {
            self.large(form, &bytes, span, &mut value);
        }
        if text.len() <= super::value::TEXT_BYTES {
            value.text = Some(Text::whole(text));
        }
        value
    }
}

/// A byte of an array literal.
fn byte_of(expression: &Expr) -> Option<u8> {
    match expression {
        Expr::Lit(inner) => match &inner.lit {
            Lit::Int(number) => number.base10_parse::<u8>().ok(),
            Lit::Byte(byte) => Some(byte.value()),
            _ => None,
        },
        Expr::Cast(inner) => match &*inner.expr {
            Expr::Lit(inner) => match &inner.lit {
                Lit::Char(c) => u8::try_from(c.value()).ok(),
                Lit::Int(number) => number.base10_parse::<u8>().ok(),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
