//! The walk over parsed code: one pass, every expression once. What an expression stands for is told
//! in [`super::value`]; what calls do in [`super::calls`]; macros in [`super::macros`].

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Lit, Pat};

use super::facts::{CapabilityHit, CodeFacts, LISTED, LiteralForm, Place, Step, StepKind};
use super::modules::{Unit, is_test};
use super::names::{Names, path_span, segments, type_path};
use super::open::OpenUse;
use super::programs::Started;
use super::table::{Capability, CapabilityTable};
use super::value::{Taint, Text, Value};
use super::{Sources, literal};

/// Most expressions that one reading walks: the bound on its time.
pub(super) const EXPRESSIONS: u64 = 1_500_000;
/// Deepest expression from which a call is still followed into the function.
const FOLLOW_DEPTH: usize = 400;
/// Most steps that one reading keeps.
const STEPS: usize = 50_000;
/// Most functions that are followed into at once.
const FOLLOW_CALLS: usize = 24;

/// What a function of the crate does with its parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub returns: Value,
    /// Parameters (by bit) that end in a sink, with the steps on the way; the sink is the last.
    pub sinks: Vec<(u64, Vec<u32>)>,
    /// Parameters (by bit) that receive data through `&mut`, and what they receive.
    pub fills: Vec<(usize, Taint)>,
    /// What parameters decide.
    pub open: Vec<OpenUse>,
}

/// The state of the walk.
pub(super) struct Walk<'a> {
    pub names: &'a Names<'a>,
    pub units: &'a [Unit<'a>],
    pub sources: &'a Sources<'a>,
    pub table: &'a CapabilityTable,
    pub facts: CodeFacts,
    pub steps: Vec<Step>,
    /// Index of the module whose code is read.
    pub module: usize,
    pub locals: HashMap<String, Value>,
    /// Data met while the children of an expression without a rule of its own are walked.
    pub met: Taint,
    pub closure_input: Taint,
    pub at_build: bool,
    pub returned: Option<Value>,
    pub sinks: Vec<(u64, Vec<u32>)>,
    pub done: HashMap<usize, Rc<Summary>>,
    pub active: Vec<usize>,
    pub depth: usize,
    /// Data that was written to a path whose text is known.
    pub written: HashMap<String, Taint>,
    pub constants: HashMap<String, Value>,
    pub seen: HashSet<CapabilityHit>,
    pub crates: HashSet<String>,
    pub compared: Vec<Place>,
    pub digests: Vec<Place>,
    pub pinned: Vec<Place>,
    /// What the function that is walked leaves open.
    pub open: Vec<OpenUse>,
    /// One a spawned program of the facts.
    pub started: Vec<Started>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        names: &'a Names<'a>,
        units: &'a [Unit<'a>],
        sources: &'a Sources<'a>,
        table: &'a CapabilityTable,
        at_build: bool,
    ) -> Self {
        Self {
            names,
            units,
            sources,
            table,
            facts: CodeFacts::default(),
            steps: Vec::new(),
            module: 0,
            locals: HashMap::new(),
            met: Taint::default(),
            closure_input: Taint::default(),
            at_build,
            returned: None,
            sinks: Vec::new(),
            done: HashMap::new(),
            active: Vec::new(),
            depth: 0,
            written: HashMap::new(),
            constants: HashMap::new(),
            seen: HashSet::new(),
            crates: HashSet::new(),
            compared: Vec::new(),
            digests: Vec::new(),
            pinned: Vec::new(),
            open: Vec::new(),
            started: Vec::new(),
        }
    }

    /// Walks everything once: items of all files, then functions that no call has led to.
    pub(super) fn run(&mut self) {
        for index in 0..self.names.functions.len() {
            self.summary(index);
        }
        for (index, unit) in self.units.iter().enumerate() {
            if let Some(tree) = &unit.tree {
                self.module = self.names.find(&unit.module).unwrap_or(0);
                debug_assert!(index < self.units.len());
                self.items(&tree.items, index);
            }
        }
    }

    /// The file whose code is read.
    pub(super) fn file(&self) -> &'a str {
        let unit = self.names.modules.get(self.module).map_or(0, |module| module.unit);
        self.units.get(unit).map_or("", |unit| unit.file.as_str())
    }

    /// The line of a span in its file.
    pub(super) fn line(span: Span) -> u32 {
        u32::try_from(span.start().line).unwrap_or(u32::MAX).max(1)
    }

    /// What a function does; it is walked when it is asked for first.
    pub(super) fn summary(&mut self, index: usize) -> Option<Rc<Summary>> {
        if let Some(known) = self.done.get(&index) {
            return Some(Rc::clone(known));
        }
        let follow = self.depth < FOLLOW_DEPTH && self.active.len() < FOLLOW_CALLS;
        if !follow || self.active.contains(&index) {
            return None;
        }
        let function = *self.names.functions.get(index)?;
        let outer = (
            std::mem::replace(&mut self.module, function.module),
            std::mem::take(&mut self.locals),
            std::mem::take(&mut self.returned),
            std::mem::take(&mut self.sinks),
            std::mem::take(&mut self.met),
            std::mem::take(&mut self.closure_input),
        );
        let outer_open = std::mem::take(&mut self.open);
        self.active.push(index);
        let parameters = self.parameters(function.signature);
        let mut returns = self.block(function.block);
        if let Some(early) = self.returned.take() {
            returns = returns.either(early);
        }
        if returns.ty.is_none()
            && let syn::ReturnType::Type(_, ty) = &function.signature.output
        {
            returns.ty = type_path(ty).map(|path| self.resolved(&path).join("::"));
        }
        returns.root = None;
        let fills = self.fills(&parameters);
        self.active.pop();
        let sinks = std::mem::take(&mut self.sinks);
        (self.module, self.locals, self.returned, self.sinks, self.met, self.closure_input) = outer;
        let open = std::mem::replace(&mut self.open, outer_open);
        let summary = Rc::new(Summary { returns, sinks, fills, open });
        self.done.insert(index, Rc::clone(&summary));
        Some(summary)
    }

    /// Binds the parameters, each to its own mark; the receiver is parameter 0 where there is one.
    fn parameters(&mut self, signature: &syn::Signature) -> Vec<String> {
        let mut bound = Vec::new();
        for (index, input) in signature.inputs.iter().enumerate() {
            let taint = Taint::parameter(index);
            match input {
                syn::FnArg::Receiver(_) => {
                    self.locals.insert("self".to_owned(), Value::of_taint(taint));
                    bound.push("self".to_owned());
                }
                syn::FnArg::Typed(input) => {
                    let ty = type_path(&input.ty).map(|path| self.resolved(&path).join("::"));
                    self.bind(&input.pat, &Value { ty, taint, ..Value::default() });
                    bound.push(match &*input.pat {
                        Pat::Ident(pat) => pat.ident.to_string(),
                        _ => String::new(),
                    });
                }
            }
        }
        bound
    }

    /// What parameters hold at the end beyond themselves.
    fn fills(&self, parameters: &[String]) -> Vec<(usize, Taint)> {
        let mut fills = Vec::new();
        for (index, name) in parameters.iter().enumerate() {
            if let Some(value) = self.locals.get(name) {
                let own = Taint::parameter(index).parameters;
                let taint =
                    Taint { parameters: value.taint.parameters & !own, ..value.taint.clone() };
                if !taint.is_clean() {
                    fills.push((index, taint));
                }
            }
        }
        fills
    }

    /// The full path of a path in the current module.
    pub(super) fn resolved(&self, written: &[String]) -> Vec<String> {
        self.names.resolve(self.module, written, self.table)
    }

    /// Records a use, once.
    pub(super) fn hit(&mut self, capability: Capability, api: &str, span: Span, detail: &str) {
        let hit = CapabilityHit {
            capability,
            api: super::cut(api),
            file: self.file().to_owned(),
            line: Self::line(span),
            detail: super::cut(detail),
            generated: false,
            through: String::new(),
        };
        self.push_hit(hit);
    }

    pub(super) fn push_hit(&mut self, hit: CapabilityHit) {
        if self.facts.capabilities.len() >= LISTED {
            self.facts.left_out += 1;
        } else if self.seen.insert(hit.clone()) {
            self.facts.capabilities.push(hit);
        }
    }

    /// Makes a step.
    pub(super) fn step(&mut self, kind: StepKind, api: &str, detail: &str, span: Span) -> u32 {
        let step = Step {
            kind,
            api: super::cut(api),
            detail: super::cut(detail),
            file: self.file().to_owned(),
            line: Self::line(span),
        };
        if self.steps.len() < STEPS {
            self.steps.push(step);
        } else {
            self.facts.left_out += 1;
        }
        u32::try_from(self.steps.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn has(&self, taint: &Taint, kinds: &[StepKind]) -> bool {
        taint
            .steps
            .iter()
            .any(|s| self.steps.get(*s as usize).is_some_and(|s| kinds.contains(&s.kind)))
    }

    /// Statements in order; the value of the last.
    pub(super) fn block(&mut self, block: &syn::Block) -> Value {
        let mut last = Value::default();
        for statement in &block.stmts {
            last = match statement {
                syn::Stmt::Local(local) => {
                    self.local(local);
                    Value::default()
                }
                syn::Stmt::Item(_) => Value::default(),
                syn::Stmt::Expr(expression, None) => self.value(expression),
                syn::Stmt::Expr(expression, Some(_)) => {
                    self.value(expression);
                    Value::default()
                }
                syn::Stmt::Macro(statement) => self.call_macro(&statement.mac),
            };
        }
        last
    }

    fn local(&mut self, local: &syn::Local) {
        if is_test(&local.attrs) {
            return;
        }
        let mut value = match &local.init {
            Some(init) => {
                let value = self.value(&init.expr);
                if let Some((_, otherwise)) = &init.diverge {
                    self.value(otherwise);
                }
                value
            }
            None => Value::default(),
        };
        if let Pat::Type(typed) = &local.pat
            && value.ty.is_none()
        {
            value.ty = type_path(&typed.ty).map(|path| self.resolved(&path).join("::"));
        }
        self.bind(&local.pat, &value);
    }

    /// Gives the names of a pattern what is known about the value.
    pub(super) fn bind(&mut self, pattern: &Pat, value: &Value) {
        let parts: Vec<&Pat> = match pattern {
            Pat::Ident(name) => {
                self.locals.insert(name.ident.to_string(), value.clone());
                return;
            }
            Pat::Type(inner) => vec![&*inner.pat],
            Pat::Reference(inner) => vec![&*inner.pat],
            Pat::Paren(inner) => vec![&*inner.pat],
            Pat::TupleStruct(inner) if inner.elems.len() == 1 => inner.elems.iter().collect(),
            Pat::Or(inner) => inner.cases.iter().collect(),
            Pat::Tuple(inner) => return self.bind_parts(inner.elems.iter(), value),
            Pat::TupleStruct(inner) => return self.bind_parts(inner.elems.iter(), value),
            Pat::Slice(inner) => return self.bind_parts(inner.elems.iter(), value),
            Pat::Struct(inner) => {
                return self.bind_parts(inner.fields.iter().map(|field| &*field.pat), value);
            }
            _ => return,
        };
        for part in parts {
            self.bind(part, value);
        }
    }

    fn bind_parts<'p>(&mut self, parts: impl Iterator<Item = &'p Pat>, value: &Value) {
        let part = Value { root: value.root.clone(), ..Value::of_taint(value.taint.clone()) };
        for pattern in parts {
            self.bind(pattern, &part);
        }
    }

    /// What is known about an expression. Every expression passes here once.
    pub(super) fn value(&mut self, expression: &Expr) -> Value {
        self.facts.work += 1;
        if self.facts.work > EXPRESSIONS {
            return Value::default();
        }
        self.depth += 1;
        let value = self.value_of(expression);
        self.depth -= 1;
        value
    }

    fn value_of(&mut self, expression: &Expr) -> Value {
        match expression {
            Expr::Lit(inner) => self.literal(&inner.lit),
            Expr::Path(inner) => self.path(&inner.path),
            Expr::Paren(inner) => self.value(&inner.expr),
            Expr::Group(inner) => self.value(&inner.expr),
            Expr::Try(inner) => self.value(&inner.expr),
            Expr::Await(inner) => self.value(&inner.base),
            Expr::Reference(inner) => self.value(&inner.expr),
            Expr::Unary(inner) => self.value(&inner.expr),
            Expr::Cast(inner) => self.value(&inner.expr),
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unsafe(inner) => self.block(&inner.block),
            Expr::Async(inner) => self.block(&inner.block),
            Expr::Const(inner) => self.block(&inner.block),
            Expr::Macro(inner) => self.call_macro(&inner.mac),
            Expr::Call(inner) => self.call(inner),
            Expr::MethodCall(inner) => self.method_call(inner),
            Expr::Field(inner) => self.field(inner),
            Expr::Index(inner) => {
                let value = self.value(&inner.expr);
                self.value(&inner.index);
                value
            }
            Expr::Array(inner) => self.array(inner.elems.iter(), inner.bracket_token.span.open()),
            Expr::Tuple(inner) => {
                let mut taint = Taint::default();
                inner.elems.iter().for_each(|part| taint.merge(&self.value(part).taint));
                Value::of_taint(taint)
            }
            Expr::Binary(inner) => self.binary(inner),
            Expr::Assign(inner) => {
                let right = self.value(&inner.right);
                self.assign(&inner.left, &right);
                Value::default()
            }
            Expr::Let(inner) => {
                let value = self.value(&inner.expr);
                self.bind(&inner.pat, &value);
                Value::of_taint(value.taint)
            }
            Expr::If(inner) => {
                self.value(&inner.cond);
                let then = self.block(&inner.then_branch);
                match &inner.else_branch {
                    Some((_, otherwise)) => then.either(self.value(otherwise)),
                    None => then,
                }
            }
            Expr::Match(inner) => self.matched(inner),
            Expr::Closure(inner) => self.closure(inner),
            Expr::ForLoop(inner) => self.for_loop(inner),
            Expr::Return(inner) => {
                if let Some(expression) = &inner.expr {
                    let value = self.value(expression);
                    let before = self.returned.take().unwrap_or_default();
                    self.returned = Some(before.either(value));
                }
                Value::default()
            }
            Expr::Struct(inner) => {
                self.use_path(&inner.path);
                self.children(expression)
            }
            other => self.children(other),
        }
    }

    /// An expression without a rule of its own: all its parts, in order.
    fn children(&mut self, expression: &Expr) -> Value {
        let outer = std::mem::take(&mut self.met);
        visit::visit_expr(self, expression);
        Value::of_taint(std::mem::replace(&mut self.met, outer))
    }

    fn matched(&mut self, inner: &syn::ExprMatch) -> Value {
        let value = self.value(&inner.expr);
        let mut result = Value::default();
        for arm in &inner.arms {
            if is_test(&arm.attrs) {
                continue;
            }
            self.bind(&arm.pat, &value);
            if let Pat::Guard(guard) = &arm.pat {
                self.bind(&guard.pat, &value);
                self.value(&guard.guard);
            }
            let arm = self.value(&arm.body);
            result = result.either(arm);
        }
        result
    }

    fn closure(&mut self, inner: &syn::ExprClosure) -> Value {
        let input = Value::of_taint(self.closure_input.clone());
        for pattern in &inner.inputs {
            self.bind(pattern, &input);
        }
        let value = self.value(&inner.body);
        match self.returned.take() {
            Some(early) => value.either(early),
            None => value,
        }
    }

    fn for_loop(&mut self, inner: &syn::ExprForLoop) -> Value {
        let over = self.value(&inner.expr);
        let item = Value { root: over.root.clone(), ..Value::of_taint(over.taint) };
        self.bind(&inner.pat, &item);
        self.block(&inner.body);
        // `for b in data.iter_mut() { *b ^= k }`: what the body did to `b` it did to `data`.
        if let (Some(root), Some(name)) = (&over.root, bound_name(&inner.pat))
            && let Some(after) = self.locals.get(&name).map(|value| value.taint.clone())
        {
            self.add(root, &after);
        }
        Value::default()
    }

    fn field(&mut self, inner: &syn::ExprField) -> Value {
        let base = self.value(&inner.base);
        let syn::Member::Named(name) = &inner.member else {
            return Value { root: base.root, ..Value::of_taint(base.taint) };
        };
        let name = name.to_string();
        let key = base.root.as_ref().map(|root| format!("{root}.{name}"));
        let mut value =
            key.as_ref().and_then(|key| self.locals.get(key)).cloned().unwrap_or_default();
        value.taint.merge(&base.taint);
        if value.ty.is_none()
            && let Some(Some(path)) = self.names.fields.get(&name)
        {
            value.ty = Some(self.resolved(path).join("::"));
        }
        value.root = key;
        value
    }

    fn binary(&mut self, inner: &syn::ExprBinary) -> Value {
        let left = self.value(&inner.left);
        let right = self.value(&inner.right);
        let span = operator_span(&inner.op);
        let mut taint = left.taint.clone();
        taint.merge(&right.taint);
        match inner.op {
            BinOp::Add(_) => {
                let text = left.text.map(|mut text| {
                    text.push(&right.text.unwrap_or_else(Text::hole));
                    text
                });
                Value { text, ..Value::of_taint(taint) }
            }
            BinOp::Eq(_) | BinOp::Ne(_) => {
                self.comparison(&left, &right, span);
                Value::default()
            }
            BinOp::BitXor(_) if !taint.is_clean() => {
                let step = self.step(StepKind::Decode, "^", "", span);
                taint.merge(&Taint::step(step));
                Value::of_taint(taint)
            }
            BinOp::BitXorAssign(_) if !taint.is_clean() && !is_plain(&inner.left) => {
                let step = self.step(StepKind::Decode, "^=", "", span);
                if let Some(root) = &left.root {
                    taint.merge(&Taint::step(step));
                    self.add(root, &taint);
                }
                if let Some(name) = dereferenced(&inner.left) {
                    self.add(&name, &taint);
                }
                Value::default()
            }
            BinOp::AddAssign(_) => {
                if let Some(root) = &left.root {
                    self.append(root, &right);
                }
                Value::default()
            }
            _ => Value::of_taint(taint),
        }
    }

    fn assign(&mut self, target: &Expr, value: &Value) {
        let left = self.value(target);
        if let Some(root) = left.root {
            let known = self.locals.entry(root).or_default();
            known.taint.merge(&value.taint);
            if value.text.is_some() {
                known.text.clone_from(&value.text);
            }
            known.ty = value.ty.clone().or_else(|| known.ty.take());
            known.writes = value.writes.clone().or_else(|| known.writes.take());
        }
    }

    /// Adds data to a variable.
    pub(super) fn add(&mut self, root: &str, taint: &Taint) {
        if !taint.is_clean() {
            self.locals.entry(root.to_owned()).or_default().taint.merge(taint);
        }
    }

    /// Appends a text to a variable.
    pub(super) fn append(&mut self, root: &str, value: &Value) {
        let known = self.locals.entry(root.to_owned()).or_default();
        known.taint.merge(&value.taint);
        if let Some(text) = &mut known.text {
            text.push(&value.text.clone().unwrap_or_else(Text::hole));
        }
    }

    pub(super) fn array<'e>(
        &mut self,
        parts: impl ExactSizeIterator<Item = &'e Expr>,
        span: Span,
    ) -> Value {
        let count = parts.len();
        let mut bytes = Vec::new();
        let mut texts = Vec::new();
        let mut taint = Taint::default();
        for part in parts {
            if let Some(byte) = byte_of(part) {
                bytes.push(byte);
                continue;
            }
            let value = self.value(part);
            taint.merge(&value.taint);
            if let Some(text) = value.text {
                texts.push(text);
            }
        }
        let mut value = Value::of_taint(taint);
        if count > 0 && bytes.len() == count {
            self.large(LiteralForm::Bytes, &bytes, span, &mut value);
            if matches!(count, 32 | 48 | 64) {
                self.pin("an array as long as a digest", span);
            }
            value.bytes = Some(Rc::new(bytes));
        } else if count > 0 && texts.len() == count {
            let joined: String = texts.iter().map(|t| t.text.as_str()).collect();
            if let Some((_, decoded)) = literal::encoded(&joined) {
                self.large(LiteralForm::Table, &decoded, span, &mut value);
            }
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

    fn literal(&mut self, lit: &Lit) -> Value {
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
            _ => Value::default(),
        }
    }

    /// A string constant: an address, a place, an encoded payload, or just text.
    fn text(&mut self, text: &str, span: Span) -> Value {
        self.addresses(text, span);
        if super::is_digest(text) {
            self.pin("a constant digest", span);
        }
        if !text.contains(char::is_whitespace) && text.len() <= 300 {
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

    fn path(&mut self, path: &syn::Path) -> Value {
        if let Some(name) = path.get_ident().map(ToString::to_string)
            && let Some(known) = self.locals.get(&name)
        {
            let root = known.root.clone().filter(|root| root.contains('.')).unwrap_or(name);
            return Value { root: Some(root), ..known.clone() };
        }
        self.use_path(path)
    }
}

/// The one name that a pattern binds.
fn bound_name(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) => Some(name.ident.to_string()),
        Pat::Reference(inner) => bound_name(&inner.pat),
        Pat::Tuple(inner) => inner.elems.last().and_then(bound_name),
        _ => None,
    }
}

/// `*b` to `b`.
fn dereferenced(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Unary(inner) => match &*inner.expr {
            Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        },
        _ => None,
    }
}

/// A plain variable: an accumulator (a checksum, a hash), not data that is changed in place.
fn is_plain(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(_))
}

/// Where the operators stand that have a rule of their own.
fn operator_span(operator: &BinOp) -> Span {
    match operator {
        BinOp::Eq(token) => token.spans[0],
        BinOp::Ne(token) => token.spans[0],
        BinOp::BitXor(token) => token.spans[0],
        BinOp::BitXorAssign(token) => token.spans[0],
        _ => Span::call_site(),
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

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        let value = self.value(expression);
        self.met.merge(&value.taint);
    }
    fn visit_block(&mut self, block: &'ast syn::Block) {
        let value = self.block(block);
        self.met.merge(&value.taint);
    }
    fn visit_item(&mut self, _: &'ast syn::Item) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_path(&mut self, _: &'ast syn::Path) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

impl Walk<'_> {
    /// A path in an expression: a constant of the crate, or an API.
    pub(super) fn use_path(&mut self, path: &syn::Path) -> Value {
        self.use_segments(&segments(path), path_span(path))
    }
}
