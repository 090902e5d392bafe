//! The walk over a parsed template.

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, Expr, ForLoop, GetItem, Macro, Stmt};

use super::fold::{Folded, Folder};
use super::names::{dunders_in, is_dangerous, is_dunder, is_dunder_piece};
use super::{ChatTemplate, prose};

/// Loops in loops from which on a template is no longer about messages.
const LOOPS: u32 = 6;
/// Sentences by which the system prompt of published models turns reasoning on and off.
const MODE_SWITCHES: [&str; 2] = ["detailed thinking on", "detailed thinking off"];
/// A range that no conversation needs.
const RANGE: i64 = 100_000;

/// Walks the whole template.
pub(super) fn template(tree: &Stmt<'_>, facts: &mut ChatTemplate) {
    let mut walk = Walk { facts, folder: Folder::new(), loops: 0, work: 1, macros: Vec::new() };
    walk.statement(tree);
    if walk.folder.exhausted() {
        walk.facts.anomalies.note("too-complex", None, "constants take too long to fold");
    }
}

struct Walk<'f, 't> {
    facts: &'f mut ChatTemplate,
    folder: Folder,
    loops: u32,
    /// Product of the constant ranges of the loops around.
    work: i64,
    /// The macros around: their names and parameters.
    macros: Vec<(&'t str, Vec<&'t str>)>,
}

impl<'t> Walk<'_, 't> {
    fn note(&mut self, kind: &'static str, offset: u64, detail: impl Into<String>) {
        self.facts.anomalies.note(kind, offset, detail);
    }

    fn body(&mut self, body: &[Stmt<'t>]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt<'t>) {
        match statement {
            Stmt::Template(template) => self.body(&template.children),
            Stmt::EmitExpr(emit) => self.expr(&emit.expr),
            Stmt::EmitRaw(raw) => {
                prose::instructions(raw.raw, u64::from(raw.span().start_offset), self.facts);
            }
            Stmt::ForLoop(each) => self.for_loop(each),
            Stmt::IfCond(cond) => {
                self.expr(&cond.expr);
                self.body(&cond.true_body);
                self.body(&cond.false_body);
            }
            Stmt::WithBlock(with) => {
                for (target, value) in &with.assignments {
                    self.assign(target, value);
                }
                self.body(&with.body);
            }
            Stmt::Set(set) => self.assign(&set.target, &set.expr),
            Stmt::SetBlock(set) => {
                set.filter.iter().for_each(|filter| self.expr(filter));
                self.set_block(&set.target, &set.body);
            }
            Stmt::AutoEscape(escape) => self.body(&escape.body),
            Stmt::FilterBlock(filter) => {
                self.expr(&filter.filter);
                self.body(&filter.body);
            }
            Stmt::Block(block) => self.body(&block.body),
            Stmt::Import(import) => self.import(&import.expr),
            Stmt::FromImport(import) => self.import(&import.expr),
            Stmt::Extends(extends) => self.import(&extends.name),
            Stmt::Include(include) => self.import(&include.name),
            Stmt::Macro(declared) => self.macro_body(declared),
            Stmt::CallBlock(block) => {
                self.call(&block.call, offset(&block.call.expr));
                self.macro_body(&block.macro_decl);
            }
            Stmt::Continue(_) | Stmt::Break(_) => {}
            Stmt::Do(statement) => self.call(&statement.call, offset(&statement.call.expr)),
        }
    }

    fn import(&mut self, name: &Expr<'t>) {
        self.note("import", offset(name), "another template is loaded by this one");
        self.expr(name);
    }

    fn assign(&mut self, target: &Expr<'t>, value: &Expr<'t>) {
        self.expr(value);
        let values = self.folder.fold(value);
        self.folder.set(target, values);
    }

    /// `{% set x %}text{% endset %}`: the text is a constant when nothing but text is inside.
    fn set_block(&mut self, target: &Expr<'t>, body: &[Stmt<'t>]) {
        if let [Stmt::EmitRaw(raw)] = body {
            let text = raw.raw.to_owned();
            self.constant(&text, u64::from(raw.span().start_offset));
            self.folder.set(target, vec![Folded::Text(text)]);
        }
        self.body(body);
    }

    fn macro_body(&mut self, declared: &Macro<'t>) {
        declared.defaults.iter().for_each(|default| self.expr(default));
        let parameters = declared.args.iter().filter_map(|parameter| match parameter {
            Expr::Var(var) => Some(var.id),
            _ => None,
        });
        self.macros.push((declared.name, parameters.collect()));
        self.body(&declared.body);
        self.macros.pop();
    }

    fn for_loop(&mut self, each: &ForLoop<'t>) {
        self.expr(&each.iter);
        each.filter_expr.iter().for_each(|filter| self.expr(filter));
        let members = self.folder.fold(&each.iter);
        let parts = members.into_iter().filter_map(|value| match value {
            Folded::List(parts) => Some(parts),
            Folded::Text(_) | Folded::Number(_) => None,
        });
        self.folder.set(&each.target, parts.flatten().collect());
        let around = self.work;
        let rounds = self.range(&each.iter).unwrap_or(1).max(1);
        self.work = around.saturating_mul(rounds);
        self.loops += 1;
        self.facts.loop_depth = self.facts.loop_depth.max(self.loops);
        let at = offset(&each.iter);
        if self.loops == LOOPS {
            self.note("deep-loops", at, format!("{LOOPS} loops in each other"));
        }
        if self.work >= 10_000_000 && rounds > 1 && around > 1 {
            self.note("huge-range", at, format!("{} rounds of constant loops", self.work));
        }
        self.body(&each.body);
        self.loops -= 1;
        self.work = around;
        self.body(&each.else_body);
    }

    /// Number of rounds of `range(constant)`.
    fn range(&mut self, expr: &Expr<'t>) -> Option<i64> {
        let Expr::Call(call) = expr else { return None };
        let Expr::Var(function) = &call.expr else { return None };
        if function.id != "range" {
            return None;
        }
        let mut bounds = Vec::new();
        for argument in &call.args {
            let CallArg::Pos(bound) = argument else { continue };
            bounds.extend(self.folder.fold(bound).into_iter().filter_map(|value| match value {
                Folded::Number(number) => Some(number),
                Folded::Text(_) | Folded::List(_) => None,
            }));
        }
        bounds.into_iter().max()
    }

    fn expr(&mut self, expr: &Expr<'t>) {
        let at = offset(expr);
        match expr {
            Expr::Var(var) if is_dunder(var.id) => {
                self.facts.dangerous("dangerous-attribute", var.id, at, "as a variable");
            }
            Expr::Var(_) => {}
            Expr::Const(constant) => {
                if let Some(text) = constant.value.as_str() {
                    self.constant(text, at);
                }
            }
            Expr::Slice(slice) => {
                self.expr(&slice.expr);
                for part in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    self.expr(part);
                }
                self.folded(expr);
            }
            Expr::UnaryOp(op) => self.expr(&op.expr),
            Expr::BinOp(op) => {
                if matches!(op.op, BinOpKind::In) {
                    self.trigger(&op.left, &op.right);
                }
                self.expr(&op.left);
                self.expr(&op.right);
                self.folded(expr);
            }
            Expr::Compare(compare) => {
                self.expr(&compare.expr);
                compare.ops.iter().for_each(|op| self.expr(&op.expr));
            }
            Expr::IfExpr(cond) => {
                self.expr(&cond.test_expr);
                self.expr(&cond.true_expr);
                cond.false_expr.iter().for_each(|other| self.expr(other));
            }
            Expr::Filter(filter) => {
                filter.expr.iter().for_each(|value| self.expr(value));
                self.arguments(&filter.args);
                self.filter(filter.name, &filter.args, at);
                self.folded(expr);
            }
            Expr::Test(test) => {
                self.expr(&test.expr);
                self.arguments(&test.args);
            }
            Expr::GetAttr(attribute) => {
                self.expr(&attribute.expr);
                self.accessed(attribute.name, at, "as an attribute");
            }
            Expr::GetItem(item) => self.item(item, at),
            Expr::Call(call) => self.call(call, at),
            Expr::List(list) => list.items.iter().for_each(|item| self.expr(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.expr(item)),
            Expr::Map(map) => {
                map.keys.iter().chain(&map.values).for_each(|part| self.expr(part));
            }
        }
    }

    fn accessed(&mut self, name: &str, at: u64, how: &str) {
        // `map(attribute='a.__class__')` takes a path.
        for part in name.split('.').filter(|part| is_dangerous(part)) {
            self.facts.dangerous("dangerous-attribute", part, at, how);
        }
    }

    fn item(&mut self, item: &GetItem<'t>, at: u64) {
        self.expr(&item.expr);
        self.expr(&item.subscript_expr);
        let names = self.folder.fold(&item.subscript_expr);
        for name in names.iter().filter_map(Folded::text) {
            self.accessed(name, at, "as an item");
        }
        if names.is_empty() && is_computed(&item.subscript_expr) {
            self.note("computed-attribute", at, "an item whose name is put together");
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'t>]) {
        for argument in arguments {
            let (CallArg::Pos(value)
            | CallArg::Kwarg(_, value)
            | CallArg::PosSplat(value)
            | CallArg::KwargSplat(value)) = argument;
            self.expr(value);
        }
    }

    fn filter(&mut self, name: &str, arguments: &[CallArg<'t>], at: u64) {
        let takes_names = matches!(
            name,
            "attr"
                | "map"
                | "selectattr"
                | "rejectattr"
                | "groupby"
                | "sum"
                | "sort"
                | "unique"
                | "min"
                | "max"
        );
        for argument in arguments {
            let (CallArg::Pos(value) | CallArg::Kwarg(_, value)) = argument else { continue };
            let values = self.folder.fold(value);
            for text in values.iter().filter_map(Folded::text).filter(|_| takes_names) {
                self.accessed(text, at, "by a filter");
            }
            if name == "attr" && values.is_empty() {
                self.note("computed-attribute", at, "an attribute whose name is no constant");
            }
            let wide = values.iter().any(|v| matches!(v, Folded::Number(n) if *n >= 10_000_000));
            if wide && matches!(name, "center" | "indent" | "format" | "truncate" | "wordwrap") {
                self.note("huge-repeat", at, format!("{name} of ten million characters or more"));
            }
        }
    }

    fn call(&mut self, call: &Call<'t>, at: u64) {
        self.expr(&call.expr);
        self.arguments(&call.args);
        match &call.expr {
            Expr::Var(function) if function.id == "range" => {
                let length = self.range_of(call).unwrap_or(0);
                if length >= RANGE {
                    self.note("huge-range", at, format!("range of {length}"));
                }
            }
            Expr::Var(function) if self.repeats(function.id, &call.args) => {
                let detail = format!("{} calls itself with no part of its data", function.id);
                self.note("recursive-macro", at, detail);
            }
            Expr::Var(function) if matches!(function.id, "getattr" | "eval" | "exec" | "open") => {
                self.facts.dangerous("dangerous-attribute", function.id, at, "is called");
            }
            Expr::GetAttr(method) if matches!(method.name, "format" | "format_map") => {
                for text in self.folder.fold(&method.expr).iter().filter_map(Folded::text) {
                    for name in dunders_in(text) {
                        self.facts.dangerous("dangerous-attribute", name, at, "in a format field");
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a macro is called inside of itself with nothing that is part of what it was called with.
    /// Templates that describe tools walk down the types of parameters that way, which ends with the data.
    fn repeats(&self, name: &str, arguments: &[CallArg<'t>]) -> bool {
        let Some((_, own)) = self.macros.iter().rev().find(|(around, _)| *around == name) else {
            return false;
        };
        !arguments.iter().any(|argument| match argument {
            CallArg::Pos(value) | CallArg::Kwarg(_, value) => is_part(value, own),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => false,
        })
    }

    fn range_of(&mut self, call: &Call<'t>) -> Option<i64> {
        let mut longest = None;
        for argument in &call.args {
            let CallArg::Pos(bound) = argument else { continue };
            for value in self.folder.fold(bound) {
                if let Folded::Number(number) = value {
                    longest = longest.max(Some(number));
                }
            }
        }
        longest
    }

    /// A constant that stands in the template.
    fn constant(&mut self, text: &str, at: u64) {
        prose::instructions(text, at, self.facts);
        if is_dunder_piece(text) {
            self.note("dunder-piece", at, text);
        }
        self.named(text, at);
        let digits = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
        if digits >= 8 && text.contains('%') {
            self.note("huge-repeat", at, "a format with a width of ten million or more");
        }
    }

    /// A constant that comes out of folding.
    fn folded(&mut self, expr: &Expr<'t>) {
        let at = offset(expr);
        let values = self.folder.fold(expr);
        if std::mem::take(&mut self.folder.huge) {
            self.note("huge-repeat", at, "a constant of ten million characters or more");
        }
        for text in values.iter().filter_map(Folded::text) {
            prose::instructions(text, at, self.facts);
            self.named(text, at);
        }
    }

    fn named(&mut self, text: &str, at: u64) {
        let known = self.facts.anomalies.seen.iter().any(|anomaly| anomaly.offset == Some(at));
        if !known && is_dunder(text) {
            self.facts.dangerous("dangerous-string", text, at, "as a string");
        }
    }

    /// `'word' in message.content`: text for some conversations only. Markers such as `</think>` are not
    /// words, and neither are the switches that published models document.
    fn trigger(&mut self, needle: &Expr<'t>, haystack: &Expr<'t>) {
        let about_content = match haystack {
            Expr::GetAttr(attribute) => attribute.name == "content",
            Expr::GetItem(item) => self
                .folder
                .fold(&item.subscript_expr)
                .iter()
                .any(|name| name.text() == Some("content")),
            Expr::Filter(filter) => {
                return filter.expr.iter().for_each(|inner| self.trigger(needle, inner));
            }
            Expr::Call(call) => {
                if let Expr::GetAttr(method) = &call.expr {
                    self.trigger(needle, &method.expr);
                }
                return;
            }
            _ => false,
        };
        if !about_content {
            return;
        }
        for word in self.folder.fold(needle).iter().filter_map(Folded::text) {
            let switch = MODE_SWITCHES.contains(&word);
            let plain = !switch
                && word.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\''));
            if plain && word.chars().filter(|c| c.is_alphabetic()).count() >= 3 {
                self.note("content-trigger", offset(needle), word);
            }
        }
    }
}

/// Filters and methods that give what is inside of a value.
const TAKES_PARTS: [&str; 7] = ["items", "values", "first", "last", "dictsort", "get", "pop"];

/// Whether an argument is an attribute or item of something, or a name that is not the macro's own
/// parameter: that of a loop, for instance.
fn is_part(argument: &Expr<'_>, own: &[&str]) -> bool {
    match argument {
        Expr::GetAttr(_) | Expr::GetItem(_) => true,
        Expr::Var(var) => !own.contains(&var.id),
        Expr::Map(map) => map.values.iter().any(|value| is_part(value, own)),
        Expr::List(list) => list.items.iter().any(|value| is_part(value, own)),
        Expr::Filter(filter) => {
            TAKES_PARTS.contains(&filter.name)
                || filter.expr.as_ref().is_some_and(|value| is_part(value, own))
        }
        Expr::Call(call) => match &call.expr {
            Expr::GetAttr(method) => {
                TAKES_PARTS.contains(&method.name) || is_part(&method.expr, own)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a name is put together from parts.
fn is_computed(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::BinOp(op) => matches!(op.op, BinOpKind::Concat | BinOpKind::Rem),
        Expr::Filter(filter) => matches!(filter.name, "join" | "format" | "replace" | "reverse"),
        Expr::Call(call) => matches!(&call.expr, Expr::GetAttr(method)
            if matches!(method.name, "join" | "format" | "replace")),
        _ => false,
    }
}

fn offset(expr: &Expr<'_>) -> u64 {
    u64::from(expr.span().start_offset)
}
