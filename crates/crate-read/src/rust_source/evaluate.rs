//! Constants that code computes: const functions, changed letters, tables. Code is interpreted over known
//! values with a budget of steps, and given up at the first thing that is not known. No pattern is looked
//! for: what the language computes from constants is a constant, however it is written.

use std::collections::HashMap;
use std::rc::Rc;

use syn::{BinOp, Expr, Lit, Pat, Stmt};

use super::names::segments;
use super::value::{TEXT_BYTES, Text, Value};
use super::walk::Walk;

/// Most steps of one attempt, and of all attempts of one reading.
const STEPS: u32 = 50_000;
pub(super) const ALL_STEPS: u32 = 1_000_000;
/// Deepest expression, calls included.
const DEPTH: u32 = 200;
/// Longest list or text that is computed.
pub(super) const LONGEST: usize = TEXT_BYTES;

/// A value that is known.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Int(i128),
    Bool(bool),
    Char(char),
    Text(String),
    List(Vec<Known>),
    Closure(Rc<syn::ExprClosure>),
    Unit,
}

/// Why an evaluation does not go on.
pub(super) enum Stop {
    Unknown,
    Break,
    Continue,
    Return(Known),
}

pub(super) type Evaluated = Result<Known, Stop>;

/// An evaluation that stands in one module of the code.
pub(super) struct Evaluator<'e, 'w> {
    walk: &'e Walk<'w>,
    module: usize,
    /// Variables, the innermost last.
    scope: Vec<(String, Known)>,
    pub(super) steps: u32,
    depth: u32,
    /// Whether variables of the walk are those of this code.
    outer: bool,
}

impl Walk<'_> {
    /// What an expression computes, where all of it is known; put into the value.
    pub(super) fn computed(&mut self, expression: &Expr, value: &mut Value) {
        let text = value.text.as_ref().is_some_and(|text| text.whole);
        let known = text || value.bytes.is_some() || value.list.is_some();
        if known || self.evaluated > ALL_STEPS || self.comes_from(&value.taint) {
            return;
        }
        let mut evaluator = Evaluator {
            walk: self,
            module: self.module,
            scope: Vec::new(),
            steps: 0,
            depth: 0,
            outer: true,
        };
        let found = evaluator.value(expression).ok();
        let steps = evaluator.steps;
        self.evaluated += steps;
        match found {
            Some(Known::Text(text)) => value.text = Some(Text::whole(text)),
            Some(Known::Char(letter)) => value.text = Some(Text::whole(letter)),
            Some(Known::List(list)) => given_list(&list, value),
            _ => {}
        }
    }
}

fn given_list(list: &[Known], value: &mut Value) {
    let bytes: Option<Vec<u8>> = list.iter().map(Known::byte).collect();
    if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
        value.bytes = Some(Rc::new(bytes));
        return;
    }
    let texts: Option<Vec<Text>> =
        list.iter().map(|part| Some(Text::whole(part.text()?))).collect();
    if list.iter().all(|part| matches!(part, Known::Char(_))) {
        let text: Option<String> = list.iter().map(Known::text).collect();
        value.text = text.filter(|text| !text.is_empty()).map(Text::whole);
    } else if let Some(texts) = texts.filter(|texts| texts.len() <= 64) {
        value.list = Some(Rc::new(texts));
    }
}

impl Known {
    pub(super) fn int(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(given) => Some(i128::from(*given)),
            Self::Char(letter) => Some(i128::from(u32::from(*letter))),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn byte(&self) -> Option<u8> {
        match self {
            Self::Int(number) => u8::try_from(*number).ok(),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Char(letter) => Some(letter.to_string()),
            Self::Int(number) => Some(number.to_string()),
            Self::List(list) => {
                let bytes: Option<Vec<u8>> = list.iter().map(Self::byte).collect();
                match bytes {
                    Some(bytes) => String::from_utf8(bytes).ok(),
                    None => list.iter().map(Self::text).collect(),
                }
            }
            _ => None,
        }
    }

    pub(super) fn list(self) -> Option<Vec<Self>> {
        match self {
            Self::List(list) => Some(list),
            Self::Text(text) => Some(text.bytes().map(|byte| Self::Int(byte.into())).collect()),
            _ => None,
        }
    }

    fn of(value: &Value) -> Option<Self> {
        if let Some(bytes) = &value.bytes {
            return Some(Self::List(bytes.iter().map(|byte| Self::Int((*byte).into())).collect()));
        }
        if let Some(list) = &value.list {
            let texts =
                list.iter().map(|text| text.constant().map(|text| Self::Text(text.to_owned())));
            return texts.collect::<Option<_>>().map(Self::List);
        }
        let text = value.text.as_ref()?.constant()?;
        Some(Self::Text(text.to_owned()))
    }
}

impl Evaluator<'_, '_> {
    pub(super) fn value(&mut self, expression: &Expr) -> Evaluated {
        self.steps += 1;
        if self.steps > STEPS || self.depth > DEPTH {
            return Err(Stop::Unknown);
        }
        self.depth += 1;
        let value = self.value_of(expression);
        self.depth -= 1;
        value
    }

    fn value_of(&mut self, expression: &Expr) -> Evaluated {
        match expression {
            Expr::Lit(inner) => literal(&inner.lit).ok_or(Stop::Unknown),
            Expr::Path(inner) => self.path(&inner.path),
            Expr::Paren(inner) => self.value(&inner.expr),
            Expr::Group(inner) => self.value(&inner.expr),
            Expr::Reference(inner) => self.value(&inner.expr),
            Expr::Try(inner) => self.value(&inner.expr),
            Expr::Unary(inner) => self.unary(inner),
            Expr::Cast(inner) => self.cast(inner),
            Expr::Binary(inner) => self.binary(inner),
            Expr::Index(inner) => self.index(inner),
            Expr::Array(inner) => self.all(inner.elems.iter()),
            Expr::Tuple(inner) if inner.elems.is_empty() => Ok(Known::Unit),
            Expr::Tuple(inner) => self.all(inner.elems.iter()),
            Expr::Repeat(inner) => self.repeat(inner),
            Expr::Range(inner) => self.range(inner),
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unsafe(inner) => self.block(&inner.block),
            Expr::Const(inner) => self.block(&inner.block),
            Expr::If(inner) => self.conditional(inner),
            Expr::Match(inner) => self.matched(inner),
            Expr::While(inner) => self.repeated(Some(&inner.cond), &inner.body),
            Expr::Loop(inner) => self.repeated(None, &inner.body),
            Expr::ForLoop(inner) => self.for_loop(inner),
            Expr::Assign(inner) => {
                let value = self.value(&inner.right)?;
                self.assign(&inner.left, value)
            }
            Expr::Closure(inner) => Ok(Known::Closure(Rc::new(inner.clone()))),
            Expr::Call(inner) => self.call(inner),
            Expr::MethodCall(inner) => self.method(inner),
            Expr::Macro(inner) => self.macro_of(&inner.mac),
            Expr::Break(inner) if inner.expr.is_none() => Err(Stop::Break),
            Expr::Continue(_) => Err(Stop::Continue),
            Expr::Return(inner) => {
                let value = inner.expr.as_ref().map_or(Ok(Known::Unit), |e| self.value(e))?;
                Err(Stop::Return(value))
            }
            Expr::Field(inner) => match (&inner.member, self.value(&inner.base)?) {
                (syn::Member::Unnamed(at), Known::List(list)) => {
                    list.get(at.index as usize).cloned().ok_or(Stop::Unknown)
                }
                _ => Err(Stop::Unknown),
            },
            _ => Err(Stop::Unknown),
        }
    }

    /// A copy of a long value is as many steps as it is long.
    fn costs(&mut self, known: &Known) {
        let length = match known {
            Known::List(list) => list.len(),
            Known::Text(text) => text.len() / 16,
            _ => 0,
        };
        self.steps += u32::try_from(length / 8).unwrap_or(STEPS);
    }

    fn all<'x>(&mut self, parts: impl Iterator<Item = &'x Expr>) -> Evaluated {
        parts.map(|part| self.value(part)).collect::<Result<_, _>>().map(Known::List)
    }

    fn path(&mut self, path: &syn::Path) -> Evaluated {
        let written = segments(path);
        if let [name] = written.as_slice() {
            if let Some((_, known)) = self.scope.iter().rev().find(|(of, _)| of == name) {
                let known = known.clone();
                self.costs(&known);
                return Ok(known);
            }
            if let Some(value) = self.walk.locals.get(name).filter(|_| self.outer) {
                let clean = value.taint.is_clean() && value.also.is_empty();
                return Known::of(value).filter(|_| clean).ok_or(Stop::Unknown);
            }
        }
        let names = self.walk.names;
        let path = names.resolve(self.module, &written, self.walk.table);
        let (Some(name), true) = (path.last(), path.first().is_some_and(|p| p == "crate")) else {
            let [name] = written.as_slice() else { return Err(Stop::Unknown) };
            return self.constant(self.module, name);
        };
        let module = names.find(&path[1..path.len().max(2) - 1]).ok_or(Stop::Unknown)?;
        self.constant(module, name)
    }

    fn constant(&mut self, module: usize, name: &str) -> Evaluated {
        let module_of = self.walk.names.modules.get(module).ok_or(Stop::Unknown)?;
        let expression = *module_of.constants.get(name).ok_or(Stop::Unknown)?;
        self.elsewhere(module, Vec::new(), |inner| inner.value(expression))
    }

    /// Evaluates code that stands elsewhere, with variables of its own.
    pub(super) fn elsewhere(
        &mut self,
        module: usize,
        scope: Vec<(String, Known)>,
        code: impl FnOnce(&mut Self) -> Evaluated,
    ) -> Evaluated {
        let outer = std::mem::replace(&mut self.outer, false);
        let module = std::mem::replace(&mut self.module, module);
        let scope = std::mem::replace(&mut self.scope, scope);
        let value = code(self);
        (self.outer, self.module, self.scope) = (outer, module, scope);
        match value {
            Err(Stop::Return(value)) => Ok(value),
            Err(_) => Err(Stop::Unknown),
            known => known,
        }
    }

    /// A function of the crate with these arguments.
    pub(super) fn function(&mut self, index: usize, given: Vec<Known>) -> Evaluated {
        let function = *self.walk.names.functions.get(index).ok_or(Stop::Unknown)?;
        let mut scope = HashMap::new();
        if function.signature.inputs.len() != given.len() {
            return Err(Stop::Unknown);
        }
        for (input, value) in function.signature.inputs.iter().zip(given) {
            let name = match input {
                syn::FnArg::Receiver(_) => "self".to_owned(),
                syn::FnArg::Typed(input) => match &*input.pat {
                    Pat::Ident(name) => name.ident.to_string(),
                    _ => return Err(Stop::Unknown),
                },
            };
            scope.insert(name, value);
        }
        // `N` of `[u8; N]` is the length of what is given.
        for parameter in &function.signature.generics.params {
            if let syn::GenericParam::Const(parameter) = parameter {
                let length = scope.values().find_map(|value| match value {
                    Known::List(list) => i128::try_from(list.len()).ok(),
                    _ => None,
                });
                let length = length.ok_or(Stop::Unknown)?;
                scope.insert(parameter.ident.to_string(), Known::Int(length));
            }
        }
        self.elsewhere(function.module, scope.into_iter().collect(), |inner| {
            inner.block(function.block)
        })
    }

    /// A closure with these arguments.
    pub(super) fn closure(&mut self, closure: &Known, given: &[Known]) -> Evaluated {
        let Known::Closure(closure) = closure else { return Err(Stop::Unknown) };
        let before = self.scope.len();
        for (pattern, value) in closure.inputs.iter().zip(given) {
            self.bind(pattern, value)?;
        }
        let value = self.value(&closure.body);
        self.scope.truncate(before);
        value
    }

    pub(super) fn bind(&mut self, pattern: &Pat, value: &Known) -> Result<(), Stop> {
        match pattern {
            Pat::Ident(name) => self.scope.push((name.ident.to_string(), value.clone())),
            Pat::Wild(_) => {}
            Pat::Type(inner) => self.bind(&inner.pat, value)?,
            Pat::Reference(inner) => self.bind(&inner.pat, value)?,
            Pat::Paren(inner) => self.bind(&inner.pat, value)?,
            Pat::Tuple(inner) => {
                let Known::List(parts) = value else { return Err(Stop::Unknown) };
                if parts.len() != inner.elems.len() {
                    return Err(Stop::Unknown);
                }
                for (pattern, part) in inner.elems.iter().zip(parts) {
                    self.bind(pattern, part)?;
                }
            }
            _ => return Err(Stop::Unknown),
        }
        Ok(())
    }

    fn block(&mut self, block: &syn::Block) -> Evaluated {
        let before = self.scope.len();
        let value = self.statements(&block.stmts);
        self.scope.truncate(before);
        value
    }

    fn statements(&mut self, statements: &[Stmt]) -> Evaluated {
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

    fn truth(&mut self, condition: &Expr) -> Result<bool, Stop> {
        match self.value(condition)? {
            Known::Bool(truth) => Ok(truth),
            _ => Err(Stop::Unknown),
        }
    }

    fn conditional(&mut self, inner: &syn::ExprIf) -> Evaluated {
        if self.truth(&inner.cond)? {
            return self.block(&inner.then_branch);
        }
        match &inner.else_branch {
            Some((_, otherwise)) => self.value(otherwise),
            None => Ok(Known::Unit),
        }
    }

    fn matched(&mut self, inner: &syn::ExprMatch) -> Evaluated {
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

    fn fits(&mut self, pattern: &Pat, value: &Known) -> Result<bool, Stop> {
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

    fn repeated(&mut self, condition: Option<&Expr>, body: &syn::Block) -> Evaluated {
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

    fn for_loop(&mut self, inner: &syn::ExprForLoop) -> Evaluated {
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

    fn assign(&mut self, place: &Expr, value: Known) -> Evaluated {
        let (name, at) = self.place(place)?;
        let variable = self.variable(&name)?;
        match (at, variable) {
            (None, variable) => *variable = value,
            (Some(at), Known::List(list)) => *list.get_mut(at).ok_or(Stop::Unknown)? = value,
            _ => return Err(Stop::Unknown),
        }
        Ok(Known::Unit)
    }

    fn binary(&mut self, inner: &syn::ExprBinary) -> Evaluated {
        let left = self.value(&inner.left)?;
        match (&inner.op, &left) {
            (BinOp::And(_), Known::Bool(false)) | (BinOp::Or(_), Known::Bool(true)) => {
                return Ok(left);
            }
            (BinOp::And(_) | BinOp::Or(_), _) => return self.value(&inner.right),
            _ => {}
        }
        let right = self.value(&inner.right)?;
        if let Some(plain) = without_assignment(&inner.op) {
            let value = arithmetic(&plain, &left, &right)?;
            return self.assign(&inner.left, value);
        }
        arithmetic(&inner.op, &left, &right)
    }

    fn unary(&mut self, inner: &syn::ExprUnary) -> Evaluated {
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

    fn cast(&mut self, inner: &syn::ExprCast) -> Evaluated {
        let value = self.value(&inner.expr)?;
        let syn::Type::Path(path) = &*inner.ty else { return Ok(value) };
        let name = path.path.get_ident().map(ToString::to_string).unwrap_or_default();
        let number = value.int().ok_or(Stop::Unknown)?;
        Ok(match name.as_str() {
            "u8" => Known::Int(number & 0xff),
            "u16" => Known::Int(number & 0xffff),
            "u32" => Known::Int(number & 0xffff_ffff),
            "char" => {
                let code = u32::try_from(number).ok().and_then(char::from_u32);
                Known::Char(code.ok_or(Stop::Unknown)?)
            }
            _ => Known::Int(number),
        })
    }

    fn repeat(&mut self, inner: &syn::ExprRepeat) -> Evaluated {
        let value = self.value(&inner.expr)?;
        let length = self.value(&inner.len)?.int().and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length <= LONGEST).ok_or(Stop::Unknown)?;
        self.steps += u32::try_from(length).unwrap_or(STEPS);
        Ok(Known::List(vec![value; length]))
    }

    fn range(&mut self, inner: &syn::ExprRange) -> Evaluated {
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

    fn index(&mut self, inner: &syn::ExprIndex) -> Evaluated {
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

    fn call(&mut self, call: &syn::ExprCall) -> Evaluated {
        let Expr::Path(function) = &*call.func else { return Err(Stop::Unknown) };
        let written = segments(&function.path);
        let given: Vec<Known> =
            call.args.iter().map(|a| self.value(a)).collect::<Result<_, _>>()?;
        if let [name] = written.as_slice()
            && let Some((_, known)) = self.scope.iter().rev().find(|(of, _)| of == name)
        {
            let known = known.clone();
            return self.closure(&known, &given);
        }
        let path = self.walk.names.resolve(self.module, &written, self.walk.table);
        if path.first().is_some_and(|first| first == "crate")
            && let Some(index) = self.walk.local_function(&path)
        {
            return self.function(index, given);
        }
        super::evaluate_calls::of_std(&path, given).ok_or(Stop::Unknown)
    }

    /// `vec![..]` and `concat!(..)`; nothing of other macros is known.
    fn macro_of(&mut self, mac: &syn::Macro) -> Evaluated {
        let parsed = super::macros::arguments(&mac.tokens).map_err(|_| Stop::Unknown)?;
        let list = self.all(parsed.iter());
        if mac.path.is_ident("vec") {
            return list;
        }
        let text = mac.path.is_ident("concat").then_some(list?).and_then(|list| {
            let Known::List(list) = list else { return None };
            list.iter().map(Known::text).collect::<Option<String>>()
        });
        text.map(Known::Text).ok_or(Stop::Unknown)
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

fn literal(lit: &Lit) -> Option<Known> {
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
fn without_assignment(operator: &BinOp) -> Option<BinOp> {
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

fn arithmetic(operator: &BinOp, left: &Known, right: &Known) -> Evaluated {
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
