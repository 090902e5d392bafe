//! What is known about an expression: its constant text or bytes, its type, and the steps that its data
//! went through.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::acting::Answers;

/// Longest constant text that is followed, in bytes.
pub(super) const TEXT_BYTES: usize = 8 << 10;
/// Most steps that data carries along.
const STEPS: usize = 24;
/// Most other texts of one value.
const ALSO: usize = 8;
/// Most things that one value can stand for when it is called.
pub(super) const CALLABLES: usize = 16;

/// A text with its constant parts; `{}` stands for the others, `$NAME` for an environment variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text {
    pub text: String,
    pub whole: bool,
}

impl Text {
    pub(super) fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), whole: true }
    }

    pub(super) fn hole() -> Self {
        Self { text: "{}".to_owned(), whole: false }
    }

    /// Appends, up to [`TEXT_BYTES`].
    pub(super) fn push(&mut self, other: &Self) {
        if self.text.len() + other.text.len() > TEXT_BYTES {
            self.whole = false;
            return;
        }
        self.text.push_str(&other.text);
        self.whole &= other.whole;
    }

    /// Appends as a path does.
    pub(super) fn join(&self, other: &Self) -> Self {
        if other.text.starts_with('/') || other.text.starts_with('$') {
            return other.clone();
        }
        let mut joined = self.clone();
        if !joined.text.is_empty() && !joined.text.ends_with('/') {
            joined.push(&Self::whole("/"));
        }
        joined.push(other);
        joined
    }

    /// The text, where all of it is constant.
    pub(super) fn constant(&self) -> Option<&str> {
        self.whole.then_some(self.text.as_str())
    }
}

/// Where data comes from: steps by index, and parameters of the function by bit. What was only spelled
/// out as literals of a text (numbers, quoted strings, parsed fields) is kept apart: it is no code in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Taint {
    pub steps: BTreeSet<u32>,
    pub parameters: u64,
    pub spelled_steps: BTreeSet<u32>,
    pub spelled_parameters: u64,
    /// What it says about the machine.
    pub answers: Answers,
}

impl Taint {
    pub(super) fn step(step: u32) -> Self {
        Self { steps: BTreeSet::from([step]), ..Self::default() }
    }

    pub(super) fn parameter(index: usize) -> Self {
        Self { parameters: 1 << index.min(63), ..Self::default() }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.parameters |= other.parameters;
        self.spelled_parameters |= other.spelled_parameters;
        self.answers.merge(other.answers);
        add(&mut self.steps, &other.steps);
        add(&mut self.spelled_steps, &other.spelled_steps);
    }

    pub(super) fn is_clean(&self) -> bool {
        self.steps.is_empty()
            && self.spelled_steps.is_empty()
            && self.parameters | self.spelled_parameters == 0
    }

    /// The same data, spelled out.
    pub(super) fn spelled(&self) -> Self {
        let whole = self.whole();
        let (spelled_steps, spelled_parameters) = (whole.steps, whole.parameters);
        Self { spelled_steps, spelled_parameters, ..Self::default() }
    }

    /// The same data, spelled out or not.
    pub(super) fn whole(&self) -> Self {
        let mut steps = self.steps.clone();
        add(&mut steps, &self.spelled_steps);
        let parameters = self.parameters | self.spelled_parameters;
        Self { steps, parameters, ..Self::default() }
    }

    /// Every step, spelled out or not.
    pub(super) fn all_steps(&self) -> impl Iterator<Item = &u32> {
        self.steps.iter().chain(&self.spelled_steps)
    }

    /// Without what hangs on parameters: they mean something in their function only.
    pub(super) fn settled(&self) -> Self {
        Self { parameters: 0, spelled_parameters: 0, ..self.clone() }
    }
}

fn add(to: &mut BTreeSet<u32>, steps: &BTreeSet<u32>) {
    for step in steps {
        if to.len() >= STEPS {
            return;
        }
        to.insert(*step);
    }
}

/// Something that can be called: a function of the crate by its index, or a closure.
#[derive(Clone, Debug)]
pub(super) enum Callable {
    Function(usize),
    Closure(Rc<syn::ExprClosure>),
}

/// What is known about an expression.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub text: Option<Text>,
    pub bytes: Option<Rc<Vec<u8>>>,
    pub list: Option<Rc<Vec<Text>>>,
    /// Other texts that it can be: of another branch, of an assignment before.
    pub also: Vec<Text>,
    /// Of a tuple, what each part is.
    pub parts: Option<Rc<Vec<Value>>>,
    /// Full path of its type, or of the API constant that it is.
    pub ty: Option<String>,
    pub taint: Taint,
    /// The variable that it is, or is a part of.
    pub root: Option<String>,
    /// Index of the spawned program that it is.
    pub spawned: Option<usize>,
    /// Path of the file that it writes to, and the variable that holds that path.
    pub writes: Option<(Text, Option<String>)>,
    /// What it calls when it is called.
    pub callables: Vec<Callable>,
    /// Whether it is text, not bytes.
    pub textual: bool,
    /// Whether it says only whether something is genuine, and nobody acted on it yet.
    pub is_verdict: bool,
}

impl Value {
    pub(super) fn of_text(text: Text) -> Self {
        Self { text: Some(text), ..Self::default() }
    }

    pub(super) fn of_taint(taint: Taint) -> Self {
        Self { taint, ..Self::default() }
    }

    /// Joins what two branches give; the first known text wins.
    pub(super) fn either(mut self, other: Self) -> Self {
        self.taint.merge(&other.taint);
        self.text = match (self.text.take(), other.text) {
            (Some(one), Some(other)) if one != other => {
                self.also.push(other);
                Some(one)
            }
            (one, other) => one.or(other),
        };
        self.also.extend(other.also);
        self.also.truncate(ALSO);
        self.parts = self.parts.or(other.parts);
        self.bytes = self.bytes.or(other.bytes);
        self.list = self.list.or(other.list);
        self.ty = self.ty.or(other.ty);
        self.spawned = self.spawned.or(other.spawned);
        self.writes = self.writes.or(other.writes);
        if self.callables.len() < CALLABLES {
            self.callables.extend(other.callables);
        }
        self.textual |= other.textual;
        self.is_verdict |= other.is_verdict;
        self
    }

    /// Becomes the text of an assignment; what it was before it can still be.
    pub(super) fn assigned(&mut self, value: &Self) {
        if let Some(before) = self.text.take().filter(|before| before.whole)
            && self.also.len() < ALSO
        {
            self.also.push(before);
        }
        self.text.clone_from(&value.text);
        self.also.extend(value.also.iter().cloned());
        self.also.truncate(ALSO);
    }

    /// The text, or a hole.
    pub(super) fn shown(&self) -> Text {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let bytes = self.bytes.as_deref().filter(|b| b.len() <= TEXT_BYTES);
        match bytes.and_then(|b| std::str::from_utf8(b).ok()) {
            Some(text) => Text::whole(text),
            None => Text::hole(),
        }
    }
}
