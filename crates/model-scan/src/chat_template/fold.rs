//! Constant folding: what an expression can only be, as far as its parts are constants.
//!
//! A variable that is set more than once has several candidates. Sizes, candidates and total work are
//! bounded, because the template's author chooses the expression.

use std::collections::BTreeMap;

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, Expr, Filter, Slice, UnaryOpKind};
use minijinja::value::ValueKind;

/// Most candidates of one expression.
const CANDIDATES: usize = 8;
/// Longest string and list that folding makes.
const LENGTH: usize = 4096;
/// Steps of folding for one template.
const FUEL: u32 = 200_000;

/// A folded value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Folded {
    /// A string.
    Text(String),
    /// A whole number; saturated at the ends of its range.
    Number(i64),
    /// A list or tuple.
    List(Vec<Folded>),
}

impl Folded {
    /// The string, when it is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Folded::Text(text) = self { Some(text) } else { None }
    }

    fn shown(&self) -> String {
        match self {
            Folded::Text(text) => text.clone(),
            Folded::Number(number) => number.to_string(),
            Folded::List(parts) => parts.iter().map(Folded::shown).collect(),
        }
    }
}

/// The variables seen so far and the work left.
pub(super) struct Folder {
    variables: BTreeMap<String, Vec<Folded>>,
    fuel: u32,
    /// A repetition or power that would have grown past the limits.
    pub(super) huge: bool,
}

impl Folder {
    pub(super) fn new() -> Self {
        Folder { variables: BTreeMap::new(), fuel: FUEL, huge: false }
    }

    /// Whether the work was cut short.
    pub(super) fn exhausted(&self) -> bool {
        self.fuel == 0
    }

    /// Remembers what a variable (or `namespace.attribute`) can be.
    pub(super) fn set(&mut self, target: &Expr<'_>, values: Vec<Folded>) {
        let Some(name) = variable(target) else { return };
        let known = self.variables.entry(name).or_default();
        for value in values {
            if known.len() < CANDIDATES && !known.contains(&value) {
                known.push(value);
            }
        }
    }

    /// What the expression can be; empty when that is not known.
    pub(super) fn fold(&mut self, expr: &Expr<'_>) -> Vec<Folded> {
        if self.fuel == 0 {
            return Vec::new();
        }
        self.fuel -= 1;
        let mut values = match expr {
            Expr::Const(constant) => of_value(&constant.value).into_iter().collect(),
            Expr::Var(_) | Expr::GetAttr(_) => variable(expr)
                .and_then(|name| self.variables.get(&name))
                .cloned()
                .unwrap_or_default(),
            Expr::UnaryOp(op) => match op.op {
                UnaryOpKind::Neg => self.each(&op.expr, |value| match value {
                    Folded::Number(number) => Some(Folded::Number(number.saturating_neg())),
                    _ => None,
                }),
                UnaryOpKind::Not => Vec::new(),
            },
            Expr::BinOp(op) => self.binary(op.op, &op.left, &op.right),
            Expr::IfExpr(cond) => {
                let mut values = self.fold(&cond.true_expr);
                if let Some(other) = &cond.false_expr {
                    values.extend(self.fold(other));
                }
                values
            }
            Expr::List(list) => self.list(&list.items),
            Expr::Tuple(tuple) => self.list(&tuple.items),
            Expr::Map(map) => self.list(&map.keys),
            Expr::Slice(slice) => self.slice(slice),
            Expr::GetItem(item) => {
                let index = self.fold(&item.subscript_expr);
                self.each(&item.expr, |value| element(value, index.first()?))
            }
            Expr::Filter(filter) => self.filter(filter),
            Expr::Call(call) => self.call(call),
            Expr::Compare(_) | Expr::Test(_) => Vec::new(),
        };
        values.truncate(CANDIDATES);
        let cost = values.iter().filter_map(Folded::text).map(str::len).sum::<usize>() / 64;
        self.fuel = self.fuel.saturating_sub(u32::try_from(cost).unwrap_or(u32::MAX));
        values
    }

    fn each(&mut self, expr: &Expr<'_>, change: impl Fn(&Folded) -> Option<Folded>) -> Vec<Folded> {
        self.fold(expr).iter().filter_map(change).collect()
    }

    /// A list of which every part is known; other parts are left out, since only names matter here.
    fn list(&mut self, items: &[Expr<'_>]) -> Vec<Folded> {
        let mut parts = Vec::new();
        for item in items.iter().take(LENGTH) {
            parts.extend(self.fold(item).into_iter().next());
        }
        vec![Folded::List(parts)]
    }

    fn binary(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) -> Vec<Folded> {
        let (left, right) = (self.fold(left), self.fold(right));
        let mut values = Vec::new();
        for a in &left {
            for b in &right {
                if values.len() < CANDIDATES {
                    values.extend(self.apply(op, a, b));
                }
            }
        }
        values
    }

    fn apply(&mut self, op: BinOpKind, a: &Folded, b: &Folded) -> Option<Folded> {
        match (op, a, b) {
            (BinOpKind::Add, Folded::List(a), Folded::List(b)) if a.len() + b.len() <= LENGTH => {
                Some(Folded::List(a.iter().chain(b).cloned().collect()))
            }
            (BinOpKind::Add, Folded::Number(a), Folded::Number(b)) => {
                Some(Folded::Number(a.saturating_add(*b)))
            }
            (BinOpKind::Sub, Folded::Number(a), Folded::Number(b)) => {
                Some(Folded::Number(a.saturating_sub(*b)))
            }
            (BinOpKind::Mul, Folded::Number(a), Folded::Number(b)) => {
                Some(Folded::Number(a.saturating_mul(*b)))
            }
            (BinOpKind::Pow, Folded::Number(a), Folded::Number(b)) => {
                let power = a.saturating_pow(u32::try_from(*b).ok()?);
                self.huge |= power.unsigned_abs() > 1 << 40;
                Some(Folded::Number(power))
            }
            (BinOpKind::Concat, a, b) => bounded(a.shown() + &b.shown()),
            (BinOpKind::Add, Folded::Text(a), Folded::Text(b)) => bounded(format!("{a}{b}")),
            (BinOpKind::Mul, Folded::Text(text), Folded::Number(times))
            | (BinOpKind::Mul, Folded::Number(times), Folded::Text(text)) => {
                self.repeat(text, *times)
            }
            (BinOpKind::Mul, Folded::List(parts), Folded::Number(times)) => {
                self.huge |= is_huge(parts.len(), *times);
                None
            }
            (BinOpKind::Rem, Folded::Text(text), value) => bounded(percent_format(text, value)),
            _ => None,
        }
    }

    fn repeat(&mut self, text: &str, times: i64) -> Option<Folded> {
        self.huge |= is_huge(text.len(), times);
        let times = usize::try_from(times).ok()?;
        (text.len().checked_mul(times)? <= LENGTH).then(|| Folded::Text(text.repeat(times)))
    }

    fn slice(&mut self, slice: &Slice<'_>) -> Vec<Folded> {
        let mut bound = |part: &Option<Expr<'_>>| match part {
            None => Some(None),
            Some(part) => match self.fold(part).as_slice() {
                [Folded::Number(number)] => Some(Some(*number)),
                _ => None,
            },
        };
        let (Some(start), Some(stop), Some(by)) =
            (bound(&slice.start), bound(&slice.stop), bound(&slice.step))
        else {
            return Vec::new();
        };
        self.each(&slice.expr, |value| match value {
            Folded::Text(text) => {
                let letters: Vec<char> = text.chars().collect();
                Some(Folded::Text(sliced(&letters, start, stop, by)?.into_iter().collect()))
            }
            Folded::List(parts) => Some(Folded::List(sliced(parts, start, stop, by)?)),
            Folded::Number(_) => None,
        })
    }

    fn filter(&mut self, filter: &Filter<'_>) -> Vec<Folded> {
        let Some(expr) = &filter.expr else { return Vec::new() };
        let arguments = self.arguments(&filter.args);
        self.each(expr, |value| method(value, filter.name, &arguments))
    }

    /// `'a'.upper()`, `dict(a=b)|list`, and the like.
    fn call(&mut self, call: &Call<'_>) -> Vec<Folded> {
        match &call.expr {
            Expr::GetAttr(attribute) => {
                let arguments = self.arguments(&call.args);
                self.each(&attribute.expr, |value| match (attribute.name, value) {
                    // Python's way round: the separator's method takes the list.
                    ("join", Folded::Text(separator)) => {
                        method(arguments.first()?, "join", &[Folded::Text(separator.clone())])
                    }
                    (name, value) => method(value, name, &arguments),
                })
            }
            Expr::Var(function) if function.id == "dict" => {
                let names = call.args.iter().filter_map(|argument| match argument {
                    CallArg::Kwarg(name, _) => Some(Folded::Text((*name).to_owned())),
                    CallArg::Pos(_) | CallArg::PosSplat(_) | CallArg::KwargSplat(_) => None,
                });
                vec![Folded::List(names.collect())]
            }
            _ => Vec::new(),
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Vec<Folded> {
        let mut values = Vec::new();
        for argument in arguments {
            let (CallArg::Pos(expr) | CallArg::Kwarg(_, expr)) = argument else { continue };
            values.extend(self.fold(expr).into_iter().next());
        }
        values
    }
}

/// The name of a variable or of an attribute of one.
fn variable(expr: &Expr<'_>) -> Option<String> {
    match expr {
        Expr::Var(var) => Some(var.id.to_owned()),
        Expr::GetAttr(attribute) => match &attribute.expr {
            Expr::Var(var) => Some(format!("{}.{}", var.id, attribute.name)),
            _ => None,
        },
        _ => None,
    }
}

fn of_value(value: &minijinja::Value) -> Option<Folded> {
    match value.kind() {
        ValueKind::String => value.as_str().and_then(|text| bounded(text.to_owned())),
        ValueKind::Number => Some(Folded::Number(i64::try_from(value.clone()).unwrap_or(i64::MAX))),
        _ => None,
    }
}

fn bounded(text: String) -> Option<Folded> {
    (text.len() <= LENGTH).then_some(Folded::Text(text))
}

/// A repetition that costs the renderer a gibibyte or so.
fn is_huge(length: usize, times: i64) -> bool {
    const HUGE: i64 = 10_000_000;
    i64::try_from(length).unwrap_or(i64::MAX).saturating_mul(times) >= HUGE
}

fn element(value: &Folded, index: &Folded) -> Option<Folded> {
    let Folded::Number(index) = index else { return None };
    let position = |length: usize| {
        let length = i64::try_from(length).ok()?;
        usize::try_from(if *index < 0 { index.checked_add(length)? } else { *index }).ok()
    };
    match value {
        Folded::Text(text) => {
            let letter = text.chars().nth(position(text.chars().count())?)?;
            Some(Folded::Text(letter.to_string()))
        }
        Folded::List(parts) => parts.get(position(parts.len())?).cloned(),
        Folded::Number(_) => None,
    }
}

/// What a filter or a method of this name makes of a constant.
fn method(value: &Folded, name: &str, arguments: &[Folded]) -> Option<Folded> {
    let argument = |at: usize| arguments.get(at).and_then(Folded::text);
    match (name, value) {
        ("join", Folded::List(parts)) => {
            let separator = argument(0).unwrap_or("");
            let parts: Vec<_> = parts.iter().map(Folded::shown).collect();
            bounded(parts.join(separator))
        }
        ("list" | "sort" | "unique" | "items" | "keys", Folded::List(_))
        | ("string" | "safe" | "e" | "escape" | "default" | "d", _) => Some(value.clone()),
        ("list", Folded::Text(text)) => {
            Some(Folded::List(text.chars().map(|c| Folded::Text(c.to_string())).collect()))
        }
        ("reverse", Folded::List(parts)) => {
            Some(Folded::List(parts.iter().rev().cloned().collect()))
        }
        ("first", Folded::List(parts)) => parts.first().cloned(),
        ("last", Folded::List(parts)) => parts.last().cloned(),
        ("format", Folded::Text(text)) => bounded(formatted(text, arguments)),
        (_, Folded::Text(text)) => text_method(text, name, argument(0), argument(1)),
        _ => None,
    }
}

fn text_method(
    text: &str,
    name: &str,
    first: Option<&str>,
    second: Option<&str>,
) -> Option<Folded> {
    let changed = match name {
        "upper" | "swapcase" if text.chars().all(|c| !c.is_uppercase()) => text.to_uppercase(),
        "lower" | "swapcase" => text.to_lowercase(),
        "upper" => text.to_uppercase(),
        "capitalize" | "title" | "trim" | "strip" => text.trim().to_owned(),
        "reverse" => text.chars().rev().collect(),
        "replace" => {
            let grown = text.matches(first?).count().saturating_mul(second?.len()) + text.len();
            if grown > LENGTH {
                return None;
            }
            text.replace(first?, second?)
        }
        "removeprefix" => text.strip_prefix(first?).unwrap_or(text).to_owned(),
        "removesuffix" => text.strip_suffix(first?).unwrap_or(text).to_owned(),
        "split" => {
            let parts = text.split(first.filter(|s| !s.is_empty()).unwrap_or(" "));
            return Some(Folded::List(parts.map(|part| Folded::Text(part.to_owned())).collect()));
        }
        _ => return None,
    };
    bounded(changed)
}

/// A slice, as Python takes it.
fn sliced<T: Clone>(
    parts: &[T],
    start: Option<i64>,
    stop: Option<i64>,
    by: Option<i64>,
) -> Option<Vec<T>> {
    let length = i64::try_from(parts.len()).ok()?;
    let by = by.unwrap_or(1);
    let (low, high) = if by < 0 { (-1, length - 1) } else { (0, length) };
    let place = |bound: Option<i64>, otherwise: i64| match bound {
        None => otherwise,
        Some(at) if at < 0 => at.saturating_add(length).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let (start, stop) = if by < 0 {
        (place(start, high), place(stop, low))
    } else {
        (place(start, low), place(stop, high))
    };
    if by == 0 {
        return None;
    }
    let mut taken = Vec::new();
    let mut at = start;
    while (by > 0 && at < stop) || (by < 0 && at > stop) {
        taken.extend(parts.get(usize::try_from(at).ok()?).cloned());
        at = at.checked_add(by)?;
    }
    Some(taken)
}

/// A number in one of the ways in which a format spells it: as the character of that code point, too.
fn spelled(value: &Folded, conversion: char) -> Option<String> {
    let Folded::Number(number) = value else { return None };
    match conversion {
        'c' => u32::try_from(*number).ok().and_then(char::from_u32).map(String::from),
        'd' | 'i' | 'u' => Some(number.to_string()),
        'x' => Some(format!("{number:x}")),
        'X' => Some(format!("{number:X}")),
        'o' => Some(format!("{number:o}")),
        'b' => Some(format!("{number:b}")),
        _ => None,
    }
}

/// Fills the first place of a format that takes a number; whether there was one.
fn fill_number(out: &mut String, argument: &Folded) -> bool {
    for conversion in ['c', 'd', 'i', 'u', 'x', 'X', 'o', 'b'] {
        for place in [format!("%{conversion}"), format!("{{:{conversion}}}")] {
            if out.contains(&place)
                && let Some(shown) = spelled(argument, conversion)
            {
                *out = out.replacen(&place, &shown, 1);
                return true;
            }
        }
    }
    false
}

/// Formats with numbered places such as `{0:c}` lose their numbers, which say the order only.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('{');
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        rest = if after[digits..].starts_with(':') { &after[digits..] } else { after };
    }
    out + rest
}

/// `%s` and `{}` filled in, as far as it takes to see a name come together.
fn formatted(text: &str, arguments: &[Folded]) -> String {
    let mut out = without_numbers(text);
    for (number, argument) in arguments.iter().enumerate().take(16) {
        if out.len() < LENGTH && fill_number(&mut out, argument) {
            continue;
        }
        let shown = argument.shown();
        let numbered = format!("{{{number}}}");
        for place in ["%s", "{}", numbered.as_str()] {
            if out.contains(place) && out.len() + shown.len() <= LENGTH {
                out = out.replacen(place, &shown, 1);
                break;
            }
        }
    }
    out
}

fn percent_format(text: &str, value: &Folded) -> String {
    match value {
        Folded::List(parts) => formatted(text, parts),
        single => formatted(text, std::slice::from_ref(single)),
    }
}
