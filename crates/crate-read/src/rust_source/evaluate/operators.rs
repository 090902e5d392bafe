//! Operators, casts, ranges and parts of values that are known.

use syn::{BinOp, Expr, Lit};

use super::{Evaluated, Evaluator, Known, LONGEST, STEPS, Stop};

impl Evaluator<'_, '_> {
    pub(super) fn binary(&mut self, inner: &syn::ExprBinary) -> Evaluated {
        let left = self.value(&inner.left)?;
        match (&inner.op, &left) {
            (BinOp::And(_), Known::Bool(false)) | (BinOp::Or(_), Known::Bool(true)) => {
                return Ok(left);
            }
            (BinOp::And(_) | BinOp::Or(_), _) => return self.value(&inner.right),
            _ => {}
        }
        let right = self.value(&inner.right)?;
        self.changed |= matches!((&left, &right), (Known::Int(_) | Known::Char(_), Known::Int(_)));
        if let Some(plain) = without_assignment(&inner.op) {
            let value = arithmetic(&plain, &left, &right)?;
            return self.assign(&inner.left, value);
        }
        arithmetic(&inner.op, &left, &right)
    }

    pub(super) fn unary(&mut self, inner: &syn::ExprUnary) -> Evaluated {
        let value = self.value(&inner.expr)?;
        match (&inner.op, value) {
            (syn::UnOp::Not(_), Known::Bool(truth)) => Ok(Known::Bool(!truth)),
            // Of bytes: other widths are rare where texts are made.
            (syn::UnOp::Not(_), Known::Int(number)) => Ok(Known::Int(!number & 0xff)),
            (syn::UnOp::Neg(_), Known::Int(number)) => Ok(Known::Int(-number)),
            (syn::UnOp::Deref(_), value) => Ok(value),
            _ => Err(Stop::Unknown),
        }
    }

    pub(super) fn cast(&mut self, inner: &syn::ExprCast) -> Evaluated {
        let value = self.value(&inner.expr)?;
        let syn::Type::Path(path) = &*inner.ty else { return Ok(value) };
        let name = path.path.get_ident().map(ToString::to_string).unwrap_or_default();
        let number = value.int().ok_or(Stop::Unknown)?;
        Ok(match name.as_str() {
            "u8" => Known::Int(number & 0xff),
            "u16" => Known::Int(number & 0xffff),
            "u32" => Known::Int(number & 0xffff_ffff),
            "char" => {
                self.changed = true;
                let code = u32::try_from(number).ok().and_then(char::from_u32);
                Known::Char(code.ok_or(Stop::Unknown)?)
            }
            _ => Known::Int(number),
        })
    }

    pub(super) fn repeat(&mut self, inner: &syn::ExprRepeat) -> Evaluated {
        let value = self.value(&inner.expr)?;
        let length = self.value(&inner.len)?.int().and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length <= LONGEST).ok_or(Stop::Unknown)?;
        self.steps += u32::try_from(length).unwrap_or(STEPS);
        Ok(Known::List(vec![value; length]))
    }

    pub(super) fn range(&mut self, inner: &syn::ExprRange) -> Evaluated {
        let start = inner.start.as_ref().ok_or(Stop::Unknown)?;
        let end = inner.end.as_ref().ok_or(Stop::Unknown)?;
        let (start, end) = (self.value(start)?.int(), self.value(end)?.int());
        let (start, mut end) = (start.ok_or(Stop::Unknown)?, end.ok_or(Stop::Unknown)?);
        end += i128::from(matches!(inner.limits, syn::RangeLimits::Closed(_)));
        let long = i128::try_from(LONGEST).unwrap_or(0);
        if end.saturating_sub(start) > long {
            return Err(Stop::Unknown);
        }
        Ok(Known::List((start..end).map(Known::Int).collect()))
    }

    pub(super) fn index(&mut self, inner: &syn::ExprIndex) -> Evaluated {
        let of = self.value(&inner.expr)?;
        if let Expr::Range(range) = &*inner.index {
            let mut end = |end: &Option<Box<Expr>>| match end {
                Some(end) => self
                    .value(end)?
                    .int()
                    .and_then(|at| usize::try_from(at).ok())
                    .map(Some)
                    .ok_or(Stop::Unknown),
                None => Ok(None),
            };
            let (from, to) = (end(&range.start)?.unwrap_or(0), end(&range.end)?);
            let closed = usize::from(matches!(range.limits, syn::RangeLimits::Closed(_)));
            return part(of, from, to.map(|to| to + closed)).ok_or(Stop::Unknown);
        }
        let at = self.value(&inner.index)?.int().and_then(|at| usize::try_from(at).ok());
        let list = of.list().ok_or(Stop::Unknown)?;
        at.and_then(|at| list.get(at).cloned()).ok_or(Stop::Unknown)
    }
}

/// A part of a list or text.
pub(super) fn part(of: Known, from: usize, to: Option<usize>) -> Option<Known> {
    match of {
        Known::Text(text) => {
            let to = to.unwrap_or(text.len());
            text.get(from..to).map(|part| Known::Text(part.to_owned()))
        }
        Known::List(list) => {
            let to = to.unwrap_or(list.len());
            list.get(from..to).map(|part| Known::List(part.to_vec()))
        }
        _ => None,
    }
}

pub(super) fn literal(lit: &Lit) -> Option<Known> {
    Some(match lit {
        Lit::Int(number) => Known::Int(number.base10_parse().ok()?),
        Lit::Byte(byte) => Known::Int(byte.value().into()),
        Lit::Bool(given) => Known::Bool(given.value),
        Lit::Char(letter) => Known::Char(letter.value()),
        Lit::Str(text) => Known::Text(text.value()),
        Lit::ByteStr(text) => {
            Known::List(text.value().into_iter().map(|byte| Known::Int(byte.into())).collect())
        }
        _ => return None,
    })
}

pub(super) fn same(one: &Known, other: &Known) -> bool {
    match (one, other) {
        (Known::Bool(one), Known::Bool(other)) => one == other,
        (Known::Int(_) | Known::Char(_), Known::Int(_) | Known::Char(_)) => {
            one.int() == other.int()
        }
        _ => one.text().is_some() && one.text() == other.text(),
    }
}

/// The operator of `+=` without the assignment.
pub(super) fn without_assignment(operator: &BinOp) -> Option<BinOp> {
    Some(match operator {
        BinOp::AddAssign(_) => BinOp::Add(<syn::Token![+]>::default()),
        BinOp::SubAssign(_) => BinOp::Sub(<syn::Token![-]>::default()),
        BinOp::MulAssign(_) => BinOp::Mul(<syn::Token![*]>::default()),
        BinOp::BitXorAssign(_) => BinOp::BitXor(<syn::Token![^]>::default()),
        BinOp::BitAndAssign(_) => BinOp::BitAnd(<syn::Token![&]>::default()),
        BinOp::BitOrAssign(_) => BinOp::BitOr(<syn::Token![|]>::default()),
        BinOp::ShlAssign(_) => BinOp::Shl(<syn::Token![<<]>::default()),
        BinOp::ShrAssign(_) => BinOp::Shr(<syn::Token![>>]>::default()),
        _ => return None,
    })
}

pub(super) fn arithmetic(operator: &BinOp, left: &Known, right: &Known) -> Evaluated {
    if let (BinOp::Add(_), Known::Text(one)) = (operator, left) {
        let other = right.text().filter(|other| one.len() + other.len() <= LONGEST);
        return other.map(|other| Known::Text(format!("{one}{other}"))).ok_or(Stop::Unknown);
    }
    match operator {
        BinOp::Eq(_) => return Ok(Known::Bool(same(left, right))),
        BinOp::Ne(_) => return Ok(Known::Bool(!same(left, right))),
        _ => {}
    }
    let (Some(one), Some(other)) = (left.int(), right.int()) else { return Err(Stop::Unknown) };
    let shift = u32::try_from(other).ok().filter(|shift| *shift < 64);
    let number = match operator {
        BinOp::Add(_) => one.checked_add(other),
        BinOp::Sub(_) => one.checked_sub(other),
        BinOp::Mul(_) => one.checked_mul(other),
        BinOp::Div(_) => one.checked_div(other),
        BinOp::Rem(_) => one.checked_rem(other),
        BinOp::BitXor(_) => Some(one ^ other),
        BinOp::BitAnd(_) => Some(one & other),
        BinOp::BitOr(_) => Some(one | other),
        BinOp::Shl(_) => shift.and_then(|shift| one.checked_shl(shift)),
        BinOp::Shr(_) => shift.and_then(|shift| one.checked_shr(shift)),
        BinOp::Lt(_) => return Ok(Known::Bool(one < other)),
        BinOp::Le(_) => return Ok(Known::Bool(one <= other)),
        BinOp::Gt(_) => return Ok(Known::Bool(one > other)),
        BinOp::Ge(_) => return Ok(Known::Bool(one >= other)),
        _ => None,
    };
    number.map(Known::Int).ok_or(Stop::Unknown)
}
