//! What code does on its own account: before `main`, or only where the machine answers a question in one
//! way (the date, the host or user name, a variable of CI).
//!
//! While functions are walked, what each does is noted with the condition that it stands under, and which
//! functions it calls; what is reached is put together when all was walked.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::Span;
use syn::{Expr, Pat};

use super::facts::{Act, ActWhen, CapabilityHit};
use super::table::{Asks, Capability};
use super::value::{Text, Value};
use super::walk::Walk;

/// Most acts that one reading tells.
const ACTS: usize = 32;
/// Most uses that one act lists.
const USES: usize = 8;
/// Most things that are noted of one function.
const NOTED: usize = 256;
/// What stands for code outside of any function that runs before `main`.
const OUTSIDE: usize = usize::MAX;
/// Numbers from here on are seconds of a date, not a duration (2001).
const SECONDS: u64 = 1_000_000_000;
/// Years that a clock can be compared with.
const YEARS: std::ops::RangeInclusive<u64> = 2020..=2100;

/// What a value says about the machine: questions whose answer it is, by bit, and those that a comparison
/// with a constant has decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    asked: u8,
    decided: u8,
    /// A part of a date: a month, an hour.
    calendar: bool,
}

impl Answers {
    pub(super) fn to(question: Asks) -> Self {
        let bit = bit(question);
        // That CI is there is the answer; of a name or a clock it is what it is compared with.
        Self { asked: bit, decided: if question == Asks::Ci { bit } else { 0 }, calendar: false }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.asked |= other.asked;
        self.decided |= other.decided;
        self.calendar |= other.calendar;
    }

    /// A comparison with a constant.
    fn compared(self, constant: Option<&Text>) -> Self {
        let text = constant.filter(|text| text.whole).map(|text| text.text.as_str());
        let number = text.and_then(|text| text.parse::<u64>().ok());
        let is_date = number.is_some_and(|n| n >= SECONDS || YEARS.contains(&n))
            || text.is_some_and(is_date)
            || (self.calendar && number.is_some());
        let is_name = text.is_some_and(|text| !text.is_empty()) && number.is_none();
        let mut decided = self.decided;
        if is_date {
            decided |= self.asked & bit(Asks::Clock);
        }
        if is_name {
            decided |= self.asked & bit(Asks::Host);
        }
        Self { asked: 0, decided, calendar: false }
    }

    /// What a match on an answer decides: its arms name constants.
    pub(super) fn decided_by(self, arms: &[syn::Arm]) -> Self {
        let mut decided = self;
        for text in arms.iter().filter_map(|arm| constant_of(&arm.pat)) {
            decided.merge(self.compared(Some(&text)));
        }
        decided
    }

    fn question(self) -> Option<Asks> {
        [Asks::Host, Asks::Ci, Asks::Clock].into_iter().find(|asks| self.decided & bit(*asks) != 0)
    }
}

fn bit(question: Asks) -> u8 {
    match question {
        Asks::Clock => 1,
        Asks::Host => 2,
        Asks::Ci => 4,
    }
}

/// `2027-01-31` at the beginning.
fn is_date(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        text.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.starts_with("20") && digits(0..4) && digits(5..7) && text.as_bytes().get(4) == Some(&b'-')
}

/// A condition that code stands under.
#[derive(Clone, Debug)]
struct Gate {
    asks: Asks,
    file: String,
    line: u32,
}

/// What is noted of one function.
#[derive(Clone, Debug)]
enum Deed {
    Use(CapabilityHit),
    Calls(usize),
}

/// What functions do and call, each under the innermost condition that it stands under.
#[derive(Clone, Debug, Default)]
pub(super) struct Acting {
    deeds: HashMap<usize, Vec<(Deed, Option<usize>)>>,
    gates: Vec<Gate>,
    open: Vec<usize>,
    /// Functions that run by themselves, with what makes them.
    early: Vec<(usize, CapabilityHit)>,
}

impl Acting {
    fn note(&mut self, function: usize, deed: Deed) {
        let gate = self.open.last().copied();
        let noted = self.deeds.entry(function).or_default();
        if noted.len() < NOTED {
            noted.push((deed, gate));
        }
    }

    /// A function is walked: conditions of its caller are not its own.
    pub(super) fn outside(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.open)
    }

    /// The function was walked.
    pub(super) fn back(&mut self, open: Vec<usize>) {
        self.open = open;
    }

    /// What a function and those that it calls do.
    fn reached(&self, function: usize) -> BTreeSet<CapabilityHit> {
        let (mut done, mut todo) = (BTreeSet::new(), vec![function]);
        let mut uses = BTreeSet::new();
        while let Some(index) = todo.pop() {
            if !done.insert(index) || uses.len() >= NOTED {
                continue;
            }
            for (deed, _) in self.deeds.get(&index).into_iter().flatten() {
                match deed {
                    Deed::Use(hit) => _ = uses.insert(hit.clone()),
                    Deed::Calls(other) => todo.push(*other),
                }
            }
        }
        uses
    }

    /// Everything that is done early or under a condition.
    pub(super) fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        for (function, made_by) in &self.early {
            let does = self.reached(*function);
            let when = ActWhen::BeforeMain;
            push(&mut acts, (when, &made_by.api, &made_by.file, made_by.line), does);
        }
        let mut gated: Vec<BTreeSet<CapabilityHit>> = vec![BTreeSet::new(); self.gates.len()];
        for (deed, gate) in self.deeds.values().flatten() {
            let Some(under) = gate.and_then(|gate| gated.get_mut(gate)) else { continue };
            match deed {
                Deed::Use(hit) => _ = under.insert(hit.clone()),
                Deed::Calls(index) => under.extend(self.reached(*index)),
            }
        }
        for (gate, does) in self.gates.iter().zip(gated) {
            let when = match gate.asks {
                Asks::Clock => ActWhen::ByDate,
                Asks::Host => ActWhen::ByHost,
                Asks::Ci => ActWhen::InCi,
            };
            push(&mut acts, (when, "if", &gate.file, gate.line), does);
        }
        acts
    }
}

fn push(
    acts: &mut Vec<Act>,
    (when, on, file, line): (ActWhen, &str, &str, u32),
    does: BTreeSet<CapabilityHit>,
) {
    if does.is_empty() || acts.len() >= ACTS {
        return;
    }
    let does = does.into_iter().take(USES).collect();
    acts.push(Act { when, on: on.to_owned(), does, file: file.to_owned(), line });
}

/// What counts as doing something.
fn acts(capability: Capability) -> bool {
    matches!(
        capability,
        Capability::Network
            | Capability::Download
            | Capability::RawSocket
            | Capability::Spawn
            | Capability::Shell
            | Capability::SecretRead
            | Capability::EnvironmentWideRead
            | Capability::DynamicLoad
            | Capability::WriteOutsideOutDir
    )
}

impl Walk<'_> {
    /// The function that is walked does something.
    pub(super) fn does(&mut self, hit: &CapabilityHit) {
        if let Some(function) = self.active.last()
            && acts(hit.capability)
            && !hit.generated
        {
            self.acting.note(*function, Deed::Use(hit.clone()));
        }
    }

    /// The function that is walked calls another one.
    pub(super) fn calls(&mut self, index: usize) {
        if let Some(function) = self.active.last() {
            self.acting.note(*function, Deed::Calls(index));
        }
    }

    /// Whether a condition asks the machine; what is walked until [`Self::leave`] stands under it.
    pub(super) fn enter(&mut self, condition: Answers, span: Span) -> bool {
        let Some(asks) = condition.question() else { return false };
        if self.acting.gates.len() >= NOTED {
            return false;
        }
        let (file, line) = (self.file().to_owned(), Self::line(span));
        self.acting.open.push(self.acting.gates.len());
        self.acting.gates.push(Gate { asks, file, line });
        true
    }

    pub(super) fn leave(&mut self, entered: bool) {
        if entered {
            self.acting.open.pop();
        }
    }

    /// A value that says only how two others compare.
    pub(super) fn comparing(left: &Value, right: &Value) -> Value {
        let mut value = Value::default();
        value.taint.answers = left.taint.answers.compared(right.text.as_ref());
        value.taint.answers.merge(right.taint.answers.compared(left.text.as_ref()));
        value
    }

    /// What a method that measures says about an answer: `name.contains("build")`, `ci.is_ok()`.
    pub(super) fn measuring(receiver: &Value, arguments: &[Value]) -> Value {
        let mut value = Value::default();
        let constant = arguments.first().and_then(|argument| argument.text.as_ref());
        value.taint.answers = receiver.taint.answers.compared(constant);
        value
    }

    /// What a method gives of an answer: `now.month()` is a part of a date.
    pub(super) fn part_of_date(name: &str, answers: &mut Answers) {
        const PARTS: [&str; 8] =
            ["month", "month0", "day", "day0", "hour", "weekday", "ordinal", "minute"];
        answers.calendar |= PARTS.contains(&name) && answers.asked & bit(Asks::Clock) != 0;
    }

    /// A function that runs by itself, by its attribute.
    pub(super) fn early_function(&mut self, name: &str, made_by: &CapabilityHit) {
        let candidates = self.names.by_name.get(name).cloned().unwrap_or_default();
        let here = candidates.into_iter().find(|index| {
            let function = &self.names.functions[*index];
            function.owner.is_none() && function.module == self.module
        });
        if let Some(index) = here {
            self.acting.early.push((index, made_by.clone()));
        }
    }

    /// A static that runs by itself: the functions that it names, and its own initial value.
    pub(super) fn early_static(&mut self, value: &Expr, made_by: &CapabilityHit) {
        self.active.push(OUTSIDE);
        let value = self.value(value);
        self.active.pop();
        for callable in &value.callables {
            if let super::value::Callable::Function(index) = callable {
                self.acting.note(OUTSIDE, Deed::Calls(*index));
            }
        }
        self.acting.early.push((OUTSIDE, made_by.clone()));
    }
}

/// The constant that a pattern names.
fn constant_of(pattern: &Pat) -> Option<Text> {
    match pattern {
        Pat::Lit(inner) => match &inner.lit {
            syn::Lit::Str(text) => Some(Text::whole(text.value())),
            syn::Lit::Int(number) => Some(Text::whole(number.base10_digits())),
            _ => None,
        },
        Pat::TupleStruct(inner) => inner.elems.iter().find_map(constant_of),
        Pat::Or(inner) => inner.cases.iter().find_map(constant_of),
        Pat::Reference(inner) => constant_of(&inner.pat),
        Pat::Guard(inner) => constant_of(&inner.pat),
        _ => None,
    }
}

/// Whether a block always leaves what it stands in.
pub(super) fn leaves(block: &syn::Block) -> bool {
    let Some(syn::Stmt::Expr(last, _)) = block.stmts.last() else { return false };
    matches!(last, Expr::Return(_) | Expr::Break(_) | Expr::Continue(_))
}
