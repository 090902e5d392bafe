//! The walk over parsed code: one pass, every expression once. What an expression stands for is told
//! in [`super::value`]; what calls do in [`super::calls`]; macros in [`super::macros`].

mod statements;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use proc_macro2::Span;
use syn::{Expr, Pat};

use super::Sources;
use super::acting::Acting;
use super::expand::Macros;
use super::facts::{CapabilityHit, CodeFacts, LISTED, Place, Step, StepKind};
use super::modules::Unit;
use super::names::{Names, type_path};
use super::open::OpenUse;
use super::programs::Started;
use super::statics;
use super::table::{Capability, CapabilityTable};
use super::value::{Taint, Text, Value};
use crate::script::{Act, Language};

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
    /// The same in the function that is walked, with what hangs on its parameters.
    pub written_here: HashMap<String, Taint>,
    /// Texts that files hold, of which all stands in the code.
    pub texts: HashMap<String, String>,
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
    /// Closures that are walked where they are called, inside each other.
    pub closures: usize,
    /// Macros of the crate, and the tokens of those whose expansions are walked.
    pub macros: Macros,
    pub expanded: Vec<usize>,
    pub all_expanded: usize,
    /// What functions do by themselves or under a condition.
    pub acting: Acting,
    /// Libraries that the linker is told to take, by name.
    pub libraries: Vec<(String, u32)>,
    /// Paths that library code compiles with `include!`.
    pub compiled: &'a std::collections::BTreeSet<String>,
    /// What shipped scripts do, by path and language: many calls can start the same one.
    pub shipped: HashMap<(String, Language), Rc<Vec<Act>>>,
    /// Steps of evaluation that were taken.
    pub evaluated: u32,
    /// Whether data was left in a static or in the environment of the process.
    pub left: bool,
    /// The static that a closure is handed.
    pub handed: Option<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        names: &'a Names<'a>,
        units: &'a [Unit<'a>],
        sources: &'a Sources<'a>,
        table: &'a CapabilityTable,
        entry: &'a super::Entry,
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
            at_build: entry.at_build,
            returned: None,
            sinks: Vec::new(),
            done: HashMap::new(),
            active: Vec::new(),
            depth: 0,
            written: HashMap::new(),
            written_here: HashMap::new(),
            texts: HashMap::new(),
            constants: HashMap::new(),
            seen: HashSet::new(),
            crates: HashSet::new(),
            compared: Vec::new(),
            digests: Vec::new(),
            pinned: Vec::new(),
            open: Vec::new(),
            started: Vec::new(),
            closures: 0,
            macros: Macros::new(),
            expanded: Vec::new(),
            all_expanded: 0,
            acting: Acting::default(),
            libraries: Vec::new(),
            compiled: &entry.compiled,
            shipped: HashMap::new(),
            evaluated: 0,
            left: false,
            handed: None,
        }
    }

    /// Walks everything once: items of all files, then functions that no call has led to.
    pub(super) fn run(&mut self) {
        self.functions();
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
        let outer_gates = self.acting.outside();
        let outer_written = std::mem::take(&mut self.written_here);
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
        self.written_here = outer_written;
        self.acting.back(outer_gates);
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
                let taint = Taint {
                    parameters: value.taint.parameters & !own,
                    spelled_parameters: value.taint.spelled_parameters & !own,
                    ..value.taint.clone()
                };
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
        self.does(&hit);
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
            .all_steps()
            .any(|s| self.steps.get(*s as usize).is_some_and(|s| kinds.contains(&s.kind)))
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

    /// Adds data to a variable.
    pub(super) fn add(&mut self, root: &str, taint: &Taint) {
        if taint.is_clean() {
            return;
        }
        if statics::is_static(root) {
            return self.leave_in(root, taint);
        }
        self.locals.entry(root.to_owned()).or_default().taint.merge(taint);
        // What a field holds, the whole holds.
        if let Some((whole, _)) = root.split_once('.') {
            self.locals.entry(whole.to_owned()).or_default().taint.merge(taint);
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
}
