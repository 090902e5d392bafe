//! Constants that code computes: const functions, changed letters, tables. Code is interpreted over known
//! values with a budget of steps, and given up at the first thing that is not known. No pattern is looked
//! for: what the language computes from constants is a constant, however it is written.

use std::collections::HashMap;
use std::rc::Rc;

use proc_macro2::Span;
use syn::{Expr, Pat};

mod code;
mod library;
mod operators;

use super::facts::StepKind;
use super::names::segments;
use super::value::{TEXT_BYTES, Taint, Text, Value};
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
    /// Whether anything was computed, not only put together.
    changed: bool,
}

impl Walk<'_> {
    /// What an expression computes, where all of it is known; put into the value.
    pub(super) fn computed(&mut self, expression: &Expr, value: &mut Value, span: Span) {
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
            changed: false,
        };
        let found = evaluator.value(expression).ok();
        let (steps, changed) = (evaluator.steps, evaluator.changed);
        self.evaluated += steps;
        match found {
            Some(Known::Text(text)) if is_readable(&text) => value.text = Some(Text::whole(text)),
            Some(Known::List(list)) => given_list(&list, value),
            _ => return,
        }
        // Not what stands in the code: it is read, and was hidden.
        if changed && (value.text.is_some() || value.bytes.is_some()) {
            let step = self.step(StepKind::Compute, "a computation", "", span);
            value.taint.merge(&Taint::step(step));
        }
    }
}

/// Whether a text is there to be read.
fn is_readable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| !letter.is_control() || letter.is_whitespace())
}

fn given_list(list: &[Known], value: &mut Value) {
    let bytes: Option<Vec<u8>> = list.iter().map(Known::byte).collect();
    if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
        // Bytes that are no text say nothing more than that they were made.
        if std::str::from_utf8(&bytes).is_ok_and(is_readable) {
            value.bytes = Some(Rc::new(bytes));
        }
        return;
    }
    let texts: Option<Vec<Text>> =
        list.iter().map(|part| Some(Text::whole(part.text()?))).collect();
    if list.iter().all(|part| matches!(part, Known::Char(_))) {
        let text: Option<String> = list.iter().map(Known::text).collect();
        value.text = text.filter(|text| is_readable(text)).map(Text::whole);
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
            Expr::Lit(inner) => operators::literal(&inner.lit).ok_or(Stop::Unknown),
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
        library::of_std(&path, given).ok_or(Stop::Unknown)
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
