//! What is known about an expression: its constant text or bytes, its type, and the steps that its data
//! went through.

use std::collections::BTreeSet;
use std::rc::Rc;

/// Longest constant text that is followed, in bytes.
pub(super) const TEXT_BYTES: usize = 8 << 10;
/// Most steps that data carries along.
const STEPS: usize = 24;

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

/// Where data comes from: steps by index, and parameters of the function by bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Taint {
    pub steps: BTreeSet<u32>,
    pub parameters: u64,
}

impl Taint {
    pub(super) fn step(step: u32) -> Self {
        Self { steps: BTreeSet::from([step]), parameters: 0 }
    }

    pub(super) fn parameter(index: usize) -> Self {
        Self { steps: BTreeSet::new(), parameters: 1 << index.min(63) }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.parameters |= other.parameters;
        for step in &other.steps {
            if self.steps.len() >= STEPS {
                return;
            }
            self.steps.insert(*step);
        }
    }

    pub(super) fn is_clean(&self) -> bool {
        self.steps.is_empty() && self.parameters == 0
    }
}

/// What is known about an expression.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub text: Option<Text>,
    pub bytes: Option<Rc<Vec<u8>>>,
    pub list: Option<Rc<Vec<Text>>>,
    /// Full path of its type, or of the API constant that it is.
    pub ty: Option<String>,
    pub taint: Taint,
    /// The variable that it is, or is a part of.
    pub root: Option<String>,
    /// Index of the spawned program that it is.
    pub spawned: Option<usize>,
    /// Path of the file that it writes to, and the variable that holds that path.
    pub writes: Option<(Text, Option<String>)>,
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
        self.text = self.text.or(other.text);
        self.bytes = self.bytes.or(other.bytes);
        self.list = self.list.or(other.list);
        self.ty = self.ty.or(other.ty);
        self.spawned = self.spawned.or(other.spawned);
        self.writes = self.writes.or(other.writes);
        self
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
