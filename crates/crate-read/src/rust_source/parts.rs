//! Values of several parts and values that can be one of several: lists, tuples, structs, what branches
//! give. Where a constant can be one thing or another, each of them is kept: the first that is known would
//! let an innocent branch speak for the other.

use std::rc::Rc;

use syn::{Expr, Lit, Member, Pat};

use super::table::DataUse;
use super::value::{Text, Value};
use super::walk::Walk;

/// Most texts that one value can stand for, and most texts of a list that is put together.
const TEXTS: usize = 24;
/// Most parts of a tuple or struct that are kept.
const PARTS: usize = 24;
/// Most elements of a list whose parts are joined.
const ELEMENTS: usize = 64;
/// Deepest parts of parts that are kept: a table of structs with lists needs three.
const NESTING: u8 = 4;
/// Methods that give one element of a list.
const ELEMENT: [&str; 13] = [
    "get",
    "get_mut",
    "first",
    "last",
    "nth",
    "next",
    "next_back",
    "pop",
    "pop_front",
    "remove",
    "swap_remove",
    "min",
    "max",
];
/// Methods that append an element.
const APPENDING: [&str; 4] = ["push", "push_back", "push_front", "add"];
/// Methods that append a list.
const EXTENDING: [&str; 4] = ["extend", "extend_from_slice", "append", "extend_from_within"];

/// Named parts: fields by their names, parts of tuples by their numbers.
pub(super) type Parts = Rc<Vec<(String, Value)>>;

impl Value {
    /// Every text that it can be. What is an option stands first, then the longest: where one of them is a
    /// line of code, it follows the option that says so.
    pub(super) fn texts(&self) -> Vec<Text> {
        let mut texts = vec![self.shown()];
        texts.extend(self.others.iter().flat_map(|others| others.iter().cloned()));
        if texts.len() > 1 {
            let is_option = |text: &Text| text.text.starts_with(['-', '/']) && text.text.len() <= 3;
            texts.sort_by_key(|text| (!is_option(text), std::cmp::Reverse(text.text.len())));
        }
        texts
    }

    /// Adds a text that it can be, too.
    pub(super) fn or_text(&mut self, text: &Text) {
        if self.text.as_ref() == Some(text) || text.text == "{}" {
            return;
        }
        if self.text.as_ref().is_none_or(|known| known.text == "{}") {
            self.text = Some(text.clone());
            return;
        }
        let others = Rc::make_mut(self.others.get_or_insert_default());
        if others.len() < TEXTS && !others.contains(text) {
            others.push(text.clone());
        }
    }

    /// Adds what another value's texts, lists and parts can be.
    pub(super) fn or_parts(&mut self, other: &Self) {
        self.nesting = self.nesting.max(other.nesting);
        for text in other.text.iter().chain(other.others.iter().flat_map(|others| others.iter())) {
            self.or_text(text);
        }
        if let Some(list) = &other.list {
            match &mut self.list {
                Some(own) if own != list => lengthen(own, list.iter().cloned()),
                Some(_) => {}
                own => *own = Some(Rc::clone(list)),
            }
        }
        match (&mut self.parts, &other.parts) {
            (Some(own), Some(others)) if !Rc::ptr_eq(own, others) => {
                let own = Rc::make_mut(own);
                for (name, part) in others.iter() {
                    match own.iter().position(|(known, _)| known == name) {
                        Some(at) => own[at].1.or_parts(part),
                        None if own.len() < PARTS => own.push((name.clone(), part.clone())),
                        None => {}
                    }
                }
            }
            (own @ None, Some(others)) => *own = Some(Rc::clone(others)),
            _ => {}
        }
        match (&mut self.element, &other.element) {
            (Some(own), Some(theirs)) if !Rc::ptr_eq(own, theirs) => {
                Rc::make_mut(own).or_parts(theirs);
            }
            (own @ None, Some(theirs)) => *own = Some(Rc::clone(theirs)),
            _ => {}
        }
    }

    /// One part, with the data of the whole.
    pub(super) fn part(&self, name: &str) -> Option<Self> {
        let (_, part) = self.parts.as_ref()?.iter().find(|(known, _)| known == name)?;
        let mut part = part.clone();
        part.taint.merge(&self.taint);
        Some(part)
    }

    /// What one element of a list can be, with the data of the list.
    pub(super) fn any_element(&self) -> Self {
        let mut one = self.element.as_deref().cloned().unwrap_or_default();
        for text in self.list.iter().flat_map(|list| list.iter()) {
            one.or_text(text);
        }
        Self {
            root: self.root.clone(),
            callables: self.callables.clone(),
            textual: self.textual,
            taint: self.taint.clone(),
            ..one
        }
    }

    /// Named parts as a value; without them where none says more than its data.
    pub(super) fn with_parts(mut self, parts: impl Iterator<Item = (String, Self)>) -> Self {
        let kept: Vec<_> = parts
            .take(PARTS)
            .filter(|(_, part)| part.says_something())
            .map(|(name, part)| (name, part.as_inner()))
            .collect();
        if !kept.is_empty() {
            self.nesting = 1 + kept.iter().map(|(_, part)| part.nesting).max().unwrap_or(0);
            self.parts = Some(Rc::new(kept));
        }
        self
    }

    /// What is kept of a part of another value: nothing that is nested too deep, so that neither a list that
    /// is put into itself nor its end costs a stack.
    fn as_inner(&self) -> Self {
        let mut inner = Self { root: None, spawned: None, callables: Vec::new(), ..self.clone() };
        if inner.nesting >= NESTING {
            (inner.parts, inner.element, inner.nesting) = (None, None, 0);
        }
        inner
    }

    fn says_something(&self) -> bool {
        self.text.is_some() || self.list.is_some() || self.parts.is_some() || self.element.is_some()
    }

    /// Adds an element to what the elements of a list can be.
    pub(super) fn with_element(&mut self, element: &Self) {
        if element.parts.is_none() && element.list.is_none() && element.element.is_none() {
            return;
        }
        let one = element.as_inner();
        self.nesting = self.nesting.max(1 + one.nesting);
        match &mut self.element {
            Some(known) => Rc::make_mut(known).or_parts(&one),
            None => self.element = Some(Rc::new(one)),
        }
    }
}

fn lengthen(list: &mut Rc<Vec<Text>>, texts: impl Iterator<Item = Text>) {
    let room = TEXTS.saturating_sub(list.len());
    if room > 0 {
        Rc::make_mut(list).extend(texts.take(room));
    }
}

impl Walk<'_> {
    /// The program that is meant, of the texts that its name can be: one that runs what it is given before one
    /// that does less with it.
    pub(super) fn worst_program(&self, program: &Value) -> Value {
        if program.others.is_none() {
            return program.clone();
        }
        let rank = |text: &Text| {
            let words: Vec<String> = text.text.split_whitespace().map(str::to_owned).collect();
            let known =
                words.split_first().and_then(|(name, rest)| self.table.data_use(name, rest));
            match known {
                Some(DataUse::Interprets) => 0,
                Some(DataUse::Wraps) => 1,
                _ if !self.held(&text.text).is_clean() => 2,
                Some(DataUse::Fetches) => 3,
                Some(_) => 4,
                None => 5,
            }
        };
        let text = program.texts().into_iter().min_by_key(rank);
        Value { text, others: None, ..program.clone() }
    }

    /// `list.push(x)`, `list.extend([x, y])` on what is no text.
    pub(super) fn put_into_list(&mut self, root: &str, method: &str, given: &[Value]) {
        let Some(value) = given.first() else { return };
        let known = self.locals.entry(root.to_owned()).or_default();
        if known.text.is_some() || known.writes.is_some() || known.spawned.is_some() {
            return;
        }
        if APPENDING.contains(&method) {
            known.with_element(value);
            if value.text.is_some() {
                let texts = value.texts();
                lengthen(known.list.get_or_insert_default(), texts.into_iter());
            }
        } else if EXTENDING.contains(&method)
            && let Some(list) = &value.list
        {
            let list = Rc::clone(list);
            lengthen(known.list.get_or_insert_default(), list.iter().cloned());
        }
    }

    /// Binds the parts of a pattern, each to what is known about it.
    pub(super) fn bind_named_parts(&mut self, pattern: &Pat, value: &Value) -> bool {
        if value.parts.is_none() && value.list.is_none() {
            return false;
        }
        match pattern {
            Pat::Tuple(inner) => self.bind_numbered(inner.elems.iter(), value),
            Pat::TupleStruct(inner) => self.bind_numbered(inner.elems.iter(), value),
            Pat::Slice(inner) => self.bind_numbered(inner.elems.iter(), value),
            Pat::Struct(inner) => {
                for field in &inner.fields {
                    let name = match &field.member {
                        Member::Named(name) => name.to_string(),
                        Member::Unnamed(index) => index.index.to_string(),
                    };
                    let part = value.part(&name).unwrap_or_else(|| remainder(value));
                    self.bind(&field.pat, &part);
                }
            }
            _ => return false,
        }
        true
    }

    fn bind_numbered<'p>(&mut self, parts: impl Iterator<Item = &'p Pat>, value: &Value) {
        for (index, pattern) in parts.enumerate() {
            let text = value.list.as_ref().and_then(|list| list.get(index)).cloned();
            let part = match (value.part(&index.to_string()), text) {
                (Some(part), _) => part,
                (None, Some(text)) => Value { text: Some(text), ..remainder(value) },
                (None, None) => remainder(value),
            };
            self.bind(pattern, &part);
        }
    }
}

/// A list at an index: the element where the index is a constant, else any of them.
pub(super) fn indexed(list: &Value, index: &Expr) -> Value {
    let constant = match index {
        Expr::Lit(constant) => Some(&constant.lit),
        _ => None,
    };
    if let (Some(Lit::Int(number)), Some(texts)) = (constant, &list.list)
        && let Some(text) = number.base10_parse::<usize>().ok().and_then(|at| texts.get(at))
    {
        return Value { text: Some(text.clone()), list: None, element: None, ..list.clone() };
    }
    // `map["key"]` of a map that was made of pairs.
    let mut element = list.any_element();
    if matches!(constant, Some(Lit::Str(_)))
        && let Some(value) = element.part("1")
    {
        element = value;
    }
    Value {
        bytes: list.bytes.clone(),
        ty: element.ty.clone().or_else(|| list.ty.clone()),
        ..element
    }
}

/// `list.first()`, `pairs.get("key")`.
pub(super) fn element_method(name: &str, receiver: &Value) -> Option<Value> {
    let is_list = receiver.list.is_some() || receiver.element.is_some();
    if !is_list || !ELEMENT.contains(&name) {
        return None;
    }
    Some(receiver.any_element())
}

/// What is known of a part of which only the whole is known.
pub(super) fn remainder(value: &Value) -> Value {
    Value {
        root: value.root.clone(),
        callables: value.callables.clone(),
        textual: value.textual,
        ..Value::of_taint(value.taint.clone())
    }
}

/// How many elements of a list are looked at for their parts.
pub(super) fn is_looked_at(index: usize) -> bool {
    index < ELEMENTS
}
