//! Statements: blocks, branches, loops, and places that are assigned.

use syn::{Expr, Pat, Stmt};

use super::operators::{literal, same};
use super::{Evaluated, Evaluator, Known, STEPS, Stop};

impl Evaluator<'_, '_> {
    pub(super) fn block(&mut self, block: &syn::Block) -> Evaluated {
        let before = self.scope.len();
        let value = self.statements(&block.stmts);
        self.scope.truncate(before);
        value
    }

    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Evaluated {
        let mut last = Known::Unit;
        for statement in statements {
            last = match statement {
                Stmt::Local(local) => {
                    let init = local.init.as_ref().ok_or(Stop::Unknown)?;
                    let value = self.value(&init.expr)?;
                    self.bind(&local.pat, &value)?;
                    Known::Unit
                }
                Stmt::Item(_) => Known::Unit,
                Stmt::Expr(expression, end) => {
                    let value = self.value(expression)?;
                    if end.is_some() { Known::Unit } else { value }
                }
                Stmt::Macro(statement) => self.macro_of(&statement.mac)?,
            };
        }
        Ok(last)
    }

    pub(super) fn truth(&mut self, condition: &Expr) -> Result<bool, Stop> {
        match self.value(condition)? {
            Known::Bool(truth) => Ok(truth),
            _ => Err(Stop::Unknown),
        }
    }

    pub(super) fn conditional(&mut self, inner: &syn::ExprIf) -> Evaluated {
        if self.truth(&inner.cond)? {
            return self.block(&inner.then_branch);
        }
        match &inner.else_branch {
            Some((_, otherwise)) => self.value(otherwise),
            None => Ok(Known::Unit),
        }
    }

    pub(super) fn matched(&mut self, inner: &syn::ExprMatch) -> Evaluated {
        let value = self.value(&inner.expr)?;
        for arm in &inner.arms {
            let before = self.scope.len();
            let fits = match &arm.pat {
                Pat::Guard(guard) => self.fits(&guard.pat, &value)? && self.truth(&guard.guard)?,
                pattern => self.fits(pattern, &value)?,
            };
            if fits {
                let result = self.value(&arm.body);
                self.scope.truncate(before);
                return result;
            }
            self.scope.truncate(before);
        }
        Err(Stop::Unknown)
    }

    pub(super) fn fits(&mut self, pattern: &Pat, value: &Known) -> Result<bool, Stop> {
        match pattern {
            Pat::Lit(inner) => {
                let wanted = literal(&inner.lit).ok_or(Stop::Unknown)?;
                Ok(same(&wanted, value))
            }
            Pat::Or(inner) => {
                for case in &inner.cases {
                    if self.fits(case, value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Pat::Range(inner) => {
                let end = |this: &mut Self, end: &Option<Box<Expr>>| match end {
                    Some(end) => this.value(end).map(|value| value.int()),
                    None => Ok(None),
                };
                let (from, to) = (end(self, &inner.start)?, end(self, &inner.end)?);
                let number = value.int().ok_or(Stop::Unknown)?;
                let below = match inner.limits {
                    syn::RangeLimits::HalfOpen(_) => to.is_none_or(|to| number < to),
                    syn::RangeLimits::Closed(_) => to.is_none_or(|to| number <= to),
                };
                Ok(below && from.is_none_or(|from| number >= from))
            }
            other => self.bind(other, value).map(|()| true),
        }
    }

    pub(super) fn repeated(&mut self, condition: Option<&Expr>, body: &syn::Block) -> Evaluated {
        loop {
            if let Some(condition) = condition
                && !self.truth(condition)?
            {
                return Ok(Known::Unit);
            }
            self.steps += 1;
            match self.block(body) {
                Err(Stop::Break) => return Ok(Known::Unit),
                Ok(_) | Err(Stop::Continue) => {}
                Err(stop) => return Err(stop),
            }
            if self.steps > STEPS {
                return Err(Stop::Unknown);
            }
        }
    }

    pub(super) fn for_loop(&mut self, inner: &syn::ExprForLoop) -> Evaluated {
        let over = self.value(&inner.expr)?.list().ok_or(Stop::Unknown)?;
        for item in over {
            let before = self.scope.len();
            self.bind(&inner.pat, &item)?;
            let end = self.block(&inner.body);
            self.scope.truncate(before);
            match end {
                Err(Stop::Break) => break,
                Ok(_) | Err(Stop::Continue) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(Known::Unit)
    }

    /// The variable that a place is in, and the index in it where it has one.
    pub(super) fn place(&mut self, place: &Expr) -> Result<(String, Option<usize>), Stop> {
        match place {
            Expr::Path(path) => {
                let name = path.path.get_ident().ok_or(Stop::Unknown)?;
                Ok((name.to_string(), None))
            }
            Expr::Paren(inner) => self.place(&inner.expr),
            Expr::Reference(inner) => self.place(&inner.expr),
            Expr::Unary(inner) => self.place(&inner.expr),
            Expr::Index(inner) => {
                let (name, None) = self.place(&inner.expr)? else { return Err(Stop::Unknown) };
                let at = self.value(&inner.index)?.int().ok_or(Stop::Unknown)?;
                Ok((name, usize::try_from(at).ok()))
            }
            _ => Err(Stop::Unknown),
        }
    }

    pub(super) fn variable(&mut self, name: &str) -> Result<&mut Known, Stop> {
        let found = self.scope.iter_mut().rev().find(|(of, _)| of == name);
        found.map(|(_, known)| known).ok_or(Stop::Unknown)
    }

    pub(super) fn assign(&mut self, place: &Expr, value: Known) -> Evaluated {
        let (name, at) = self.place(place)?;
        let variable = self.variable(&name)?;
        match (at, variable) {
            (None, variable) => *variable = value,
            (Some(at), Known::List(list)) => *list.get_mut(at).ok_or(Stop::Unknown)? = value,
            _ => return Err(Stop::Unknown),
        }
        Ok(Known::Unit)
    }
}
