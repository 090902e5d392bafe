//! One CEL expression over the facts of a subject: compiled, checked against the fact schema, and
//! evaluated with three outcomes.
//!
//! A fact that is unknown is simply not there. CEL then answers with an error, which `&&`, `||` and
//! `exists` absorb where the rest decides; what is left over is [`Outcome::Undetermined`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use cel::{Context, Env, ExecutionError, Program, Value};
use serde_json::Value as Json;

use super::schema::{FactSchema, FactType, Field};

/// Longest source of an expression, in bytes.
const MAX_SOURCE: usize = 8 * 1024;
/// Deepest nesting of brackets in an expression.
const MAX_NESTING: usize = 48;
/// Most steps that one evaluation may take, estimated from the lengths of the lists it walks.
const MAX_STEPS: u64 = 4_000_000;

/// Why an expression cannot be used.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ConditionError {
    /// Longer than 8 KiB or nested deeper than 48 brackets.
    #[error("the expression is too long or too deeply nested")]
    TooLarge,
    /// Not CEL.
    #[error("{0}")]
    Syntax(String),
    /// Names a fact, variable or signal that does not exist, or uses `has`.
    #[error("{0}")]
    Name(String),
}

/// What came out of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A value.
    Value(Value),
    /// A fact it needs is unknown.
    Undetermined,
    /// The expression itself is at fault: a type error, or too many steps.
    Broken(String),
}

/// What may be named beside the fact groups.
#[derive(Clone, Debug, Default)]
pub struct Scope<'a> {
    /// Ids of all signals, for `signals["id"]`.
    pub signals: BTreeSet<&'a str>,
    /// Type of `it`, inside `for-each` and `evidence`.
    pub item: Option<FactType>,
}

/// A checked expression.
#[derive(Debug)]
pub struct Condition {
    program: Program,
    paths: BTreeSet<String>,
    signals: BTreeSet<String>,
    result: FactType,
}

fn environment() -> &'static Arc<Env> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    ENV.get_or_init(|| {
        let mut env = Env::stdlib();
        env.add_extension(cel::extensions::strings)
            .expect("the strings extension declares nothing twice");
        Arc::new(env)
    })
}

impl Condition {
    /// Compiles `source` and checks every name in it.
    pub fn new(source: &str, schema: &FactSchema, scope: &Scope) -> Result<Self, ConditionError> {
        if source.len() > MAX_SOURCE || nesting(source) > MAX_NESTING {
            return Err(ConditionError::TooLarge);
        }
        let program =
            environment().compile(source).map_err(|e| ConditionError::Syntax(e.to_string()))?;
        let mut checker = Checker {
            schema,
            scope,
            locals: Vec::new(),
            paths: BTreeSet::new(),
            signals: BTreeSet::new(),
        };
        let (result, _) = checker.infer(program.expression()).map_err(ConditionError::Name)?;
        let Checker { paths, signals, .. } = checker;
        Ok(Self { program, paths, signals, result })
    }

    /// Every fact path that the expression names, `group.field...`, list items as `[]`.
    pub fn paths(&self) -> &BTreeSet<String> {
        &self.paths
    }

    /// Every signal that the expression names.
    pub fn signals(&self) -> &BTreeSet<String> {
        &self.signals
    }

    /// Type of an item, where the expression yields a list.
    pub fn item_type(&self) -> FactType {
        match &self.result {
            FactType::List(item) => (**item).clone(),
            _ => FactType::Any,
        }
    }

    /// Evaluates over `bindings`.
    pub fn evaluate(&self, bindings: &Bindings) -> Outcome {
        let steps = bindings.steps(self.program.expression(), &mut Vec::new());
        if steps > MAX_STEPS {
            return Outcome::Broken(format!("it would take {steps} steps, more than {MAX_STEPS}"));
        }
        match self.program.execute(&bindings.context) {
            Ok(value) => Outcome::Value(value),
            Err(
                ExecutionError::NoSuchKey(_)
                | ExecutionError::UndeclaredReference(_)
                | ExecutionError::IndexOutOfBounds(_),
            ) => Outcome::Undetermined,
            Err(error) => Outcome::Broken(error.to_string()),
        }
    }
}

fn nesting(source: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The variables of one evaluation: fact groups, `subject`, `signals`, `it`.
pub struct Bindings<'v> {
    context: Context<'v, 'v>,
    lengths: BTreeMap<String, u64>,
    longest: u64,
}

impl Bindings<'_> {
    /// Nothing bound yet.
    #[must_use]
    pub fn new() -> Self {
        let context = Context::with_env(Arc::clone(environment()));
        Self { context, lengths: BTreeMap::new(), longest: 1 }
    }

    /// Binds a variable to JSON; unknown parts are left out.
    pub fn bind(&mut self, name: &str, json: &Json) {
        if let Some(value) = known(json) {
            self.measure(name, json);
            self.context.add_variable_from_value(name, value);
        }
    }

    /// Binds a variable to a value of an earlier evaluation.
    pub fn bind_value(&mut self, name: &str, value: Value) {
        self.context.add_variable_from_value(name, value);
    }

    fn measure(&mut self, path: &str, json: &Json) {
        match json {
            Json::Array(items) => {
                let length = items.len() as u64;
                self.longest = self.longest.max(length);
                let below = format!("{path}[]");
                for item in items {
                    self.measure(&below, item);
                }
                let known = self.lengths.entry(path.to_owned()).or_insert(0);
                *known = (*known).max(length);
            }
            Json::Object(fields) => {
                for (name, value) in fields {
                    if matches!(value, Json::Array(_) | Json::Object(_)) {
                        self.measure(&format!("{path}.{name}"), value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Upper bound of the steps that evaluating `expr` takes.
    fn steps(&self, expr: &IdedExpr, locals: &mut Vec<(String, String)>) -> u64 {
        match &expr.expr {
            Expr::Comprehension(c) => {
                let path = select_path(&c.iter_range, locals);
                let length = path
                    .as_ref()
                    .and_then(|p| self.lengths.get(p))
                    .copied()
                    .unwrap_or(self.longest);
                let range = self.steps(&c.iter_range, locals);
                locals.push((c.iter_var.clone(), path.map_or_else(String::new, |p| p + "[]")));
                let body = self.steps(&c.loop_step, locals) + self.steps(&c.loop_cond, locals);
                locals.pop();
                range.saturating_add(length.saturating_mul(body)).saturating_add(1)
            }
            Expr::Call(call) => {
                let mut sum = 1_u64;
                for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    sum = sum.saturating_add(self.steps(part, locals));
                }
                sum
            }
            Expr::Select(select) => 1 + self.steps(&select.operand, locals),
            Expr::List(list) => {
                let mut sum = 1_u64;
                for part in &list.elements {
                    sum = sum.saturating_add(self.steps(part, locals));
                }
                sum
            }
            _ => 1,
        }
    }
}

impl Default for Bindings<'_> {
    fn default() -> Self {
        Self::new()
    }
}

fn select_path(expr: &IdedExpr, locals: &[(String, String)]) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => match locals.iter().rev().find(|(local, _)| local == name) {
            Some((_, path)) if path.is_empty() => None,
            Some((_, path)) => Some(path.clone()),
            None => Some(name.clone()),
        },
        Expr::Select(select) => {
            Some(format!("{}.{}", select_path(&select.operand, locals)?, select.field))
        }
        _ => None,
    }
}

/// JSON as a CEL value; `None` for an unknown one, which is left out of maps and lists.
#[must_use]
pub fn known(json: &Json) -> Option<Value> {
    if crate::domain::fact::unknown_reason(json).is_some() {
        return None;
    }
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => {
            n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or(f64::NAN)), Value::Int)
        }
        Json::String(s) => Value::String(Arc::new(s.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().filter_map(known).collect())),
        Json::Object(fields) => {
            let map: HashMap<String, Value> = fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), known(value)?)))
                .collect();
            Value::from(map)
        }
    })
}

struct Checker<'a> {
    schema: &'a FactSchema,
    scope: &'a Scope<'a>,
    locals: Vec<(String, FactType, Option<String>)>,
    paths: BTreeSet<String>,
    signals: BTreeSet<String>,
}

/// A type, and the fact path it was read from.
type Inferred = (FactType, Option<String>);

const ANY: Inferred = (FactType::Any, None);

impl Checker<'_> {
    fn infer(&mut self, expr: &IdedExpr) -> Result<Inferred, String> {
        match &expr.expr {
            Expr::Ident(name) => self.ident(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(c) => self.comprehension(c),
            Expr::List(list) => {
                let mut item = FactType::Any;
                for element in &list.elements {
                    item = self.infer(element)?.0;
                }
                Ok((FactType::List(Box::new(item)), None))
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let cel::common::ast::EntryExpr::MapEntry(entry) = &entry.expr {
                        self.infer(&entry.key)?;
                        self.infer(&entry.value)?;
                    }
                }
                Ok(ANY)
            }
            Expr::Struct(_) => Err("a rule cannot build structs".to_owned()),
            Expr::Literal(_) | Expr::Unspecified => Ok((FactType::Scalar("literal"), None)),
        }
    }

    fn ident(&mut self, name: &str) -> Result<Inferred, String> {
        if let Some((_, kind, path)) = self.locals.iter().rev().find(|(local, ..)| local == name) {
            return Ok((kind.clone(), path.clone()));
        }
        if name == "it"
            && let Some(item) = &self.scope.item
        {
            return Ok((item.clone(), None));
        }
        if name == "signals" {
            return Err("write signals[\"id\"] with a literal id".to_owned());
        }
        if name == "subject" {
            let field =
                || Field { fact_type: FactType::Scalar("string"), description: String::new() };
            let fields = ["kind", "name", "version", "origin"].map(|f| (f.to_owned(), field()));
            return Ok((FactType::Object(fields.into()), Some(name.to_owned())));
        }
        let Some(group) = self.schema.group(name) else {
            let groups = self.schema.groups().map(|(group, _)| group);
            return Err(format!("no fact group `{name}`{}", did_you_mean(name, groups)));
        };
        self.paths.insert(name.to_owned());
        Ok((group.fact_type.clone(), Some(name.to_owned())))
    }

    fn select(&mut self, select: &SelectExpr) -> Result<Inferred, String> {
        if select.test {
            return Err("has() turns unknown into false; compare the fact itself".to_owned());
        }
        let (kind, path) = self.infer(&select.operand)?;
        let at = path.as_ref().map(|p| format!("{p}.{}", select.field));
        match kind {
            FactType::Object(fields) => {
                let Some(field) = fields.get(&select.field) else {
                    let known = fields.keys().map(String::as_str);
                    let whole = at.unwrap_or_else(|| select.field.clone());
                    return Err(format!("no fact `{whole}`{}", did_you_mean(&select.field, known)));
                };
                if let Some(at) = &at {
                    self.paths.insert(at.clone());
                }
                Ok((field.fact_type.clone(), at))
            }
            FactType::Map(item) => Ok((*item, at)),
            FactType::Any => Ok((FactType::Any, at)),
            FactType::List(_) | FactType::Scalar(_) => {
                Err(format!("`{}` has no fields", path.unwrap_or_else(|| "a value".to_owned())))
            }
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<Inferred, String> {
        if call.func_name == "_[_]"
            && let [object, index] = call.args.as_slice()
        {
            return self.index(object, index);
        }
        if let Some(target) = &call.target {
            self.infer(target)?;
        }
        let mut inferred = Vec::new();
        for arg in &call.args {
            inferred.push(self.infer(arg)?);
        }
        Ok(match call.func_name.as_str() {
            "_?_:_" if inferred.len() == 3 => inferred.swap_remove(1),
            "_+_" if inferred.len() == 2 => inferred.swap_remove(1),
            _ => ANY,
        })
    }

    fn index(&mut self, object: &IdedExpr, index: &IdedExpr) -> Result<Inferred, String> {
        if matches!(&object.expr, Expr::Ident(name) if name == "signals") {
            let Expr::Literal(LiteralValue::String(id)) = &index.expr else {
                return Err("write signals[\"id\"] with a literal id".to_owned());
            };
            let id: &str = id;
            if !self.scope.signals.contains(id) {
                let known = self.scope.signals.iter().copied();
                return Err(format!("no signal `{id}`{}", did_you_mean(id, known)));
            }
            self.signals.insert(id.to_owned());
            return Ok((FactType::Scalar("boolean"), None));
        }
        let (kind, path) = self.infer(object)?;
        self.infer(index)?;
        Ok(match kind {
            FactType::List(item) | FactType::Map(item) => (*item, path.map(|p| p + "[]")),
            _ => ANY,
        })
    }

    fn comprehension(&mut self, c: &ComprehensionExpr) -> Result<Inferred, String> {
        let (range, path) = self.infer(&c.iter_range)?;
        let item = match range {
            FactType::List(item) => (*item, path.map(|p| p + "[]")),
            FactType::Map(_) => (FactType::Scalar("string"), None),
            FactType::Any => ANY,
            FactType::Object(_) | FactType::Scalar(_) => {
                return Err(format!("`{}` is not a list", path.unwrap_or_default()));
            }
        };
        let accumulator = self.infer(&c.accu_init)?;
        let depth = self.locals.len();
        self.locals.push((c.iter_var.clone(), item.0, item.1));
        self.locals.push((c.accu_var.clone(), accumulator.0, None));
        self.infer(&c.loop_cond)?;
        let step = self.infer(&c.loop_step)?;
        self.locals.truncate(depth);
        self.locals.push((c.accu_var.clone(), step.0, None));
        let result = self.infer(&c.result);
        self.locals.truncate(depth);
        result
    }
}

/// ", did you mean `x`?" for the nearest of `known`, or nothing.
pub(super) fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> String {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 + candidate.len() / 4)
        .min()
        .map_or_else(String::new, |(_, candidate)| format!(", did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> FactSchema {
        FactSchema::new([(
            "archive".to_owned(),
            json!({"type": "object", "properties": {
                "size": {"type": "integer"},
                "known": {"type": "boolean"},
                "files": {"type": "array", "items": {"$ref": "#/$defs/File"}}
            }, "$defs": {"File": {"type": "object", "properties": {
                "path": {"type": "string"}, "size": {"type": ["integer", "null"]}
            }}}}),
        )])
    }

    fn evaluate(source: &str, archive: &Json) -> Outcome {
        let condition = Condition::new(source, &schema(), &Scope::default()).expect(source);
        let mut bindings = Bindings::new();
        bindings.bind("archive", archive);
        condition.evaluate(&bindings)
    }

    fn error(source: &str) -> String {
        Condition::new(source, &schema(), &Scope::default()).expect_err(source).to_string()
    }

    const TRUE: Outcome = Outcome::Value(Value::Bool(true));
    const FALSE: Outcome = Outcome::Value(Value::Bool(false));

    #[test]
    fn an_unknown_fact_leaves_a_condition_undetermined_unless_the_rest_decides() {
        let unknown = || json!({"size": {"$unknown": "not read"}, "known": false});
        assert_eq!(evaluate("archive.size > 1", &unknown()), Outcome::Undetermined);
        assert_eq!(evaluate("archive.size > 1 && archive.known", &unknown()), FALSE);
        assert_eq!(evaluate("archive.known && archive.size > 1", &unknown()), FALSE);
        assert_eq!(evaluate("archive.size > 1 || !archive.known", &unknown()), TRUE);
        assert_eq!(evaluate("!archive.known || archive.size > 1", &unknown()), TRUE);
        assert_eq!(evaluate("!(archive.size > 1)", &unknown()), Outcome::Undetermined);
    }

    #[test]
    fn a_whole_unknown_group_leaves_a_condition_undetermined() {
        assert_eq!(evaluate("archive.size > 1", &json!({"$unknown": "x"})), Outcome::Undetermined);
    }

    #[test]
    fn an_unknown_item_does_not_hide_a_known_one() {
        let files =
            json!({"files": [{"path": "a", "size": {"$unknown": "x"}}, {"path": "b", "size": 9}]});
        assert_eq!(evaluate("archive.files.exists(f, f.size > 5)", &files), TRUE);
        assert_eq!(evaluate("archive.files.exists(f, f.size > 10)", &files), Outcome::Undetermined);
    }

    #[test]
    fn a_misspelt_fact_is_refused_with_a_suggestion_even_inside_a_comprehension() {
        assert_eq!(error("archive.sise > 1"), "no fact `archive.sise`, did you mean `size`?");
        let nested = "archive.files.filter(f, f.size > 1).exists(g, g.pth == 'x')";
        assert_eq!(error(nested), "no fact `pth`, did you mean `path`?");
        assert_eq!(error("archiv.size > 1"), "no fact group `archiv`, did you mean `archive`?");
    }

    #[test]
    fn has_is_refused_because_it_turns_unknown_into_false() {
        assert!(error("has(archive.size)").contains("has()"));
    }

    #[test]
    fn the_paths_of_a_condition_are_known() {
        let source = "archive.files.exists(f, f.size > 1) && archive.known";
        let condition = Condition::new(source, &schema(), &Scope::default()).expect("compiles");
        let paths: Vec<_> = condition.paths().iter().map(String::as_str).collect();
        let wanted = ["archive", "archive.files", "archive.files[].size", "archive.known"];
        assert_eq!(paths, wanted);
    }

    #[test]
    fn a_condition_that_would_run_for_ever_is_broken_not_run() {
        let files: Vec<_> = (0..2_000).map(|i| json!({"path": "x", "size": i})).collect();
        let nested = "archive.files.exists(a, archive.files.exists(b, a.size > b.size + 9999))";
        let outcome = evaluate(nested, &json!({"files": files}));
        assert!(
            matches!(outcome, Outcome::Broken(ref why) if why.contains("steps")),
            "{outcome:?}"
        );
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_parsed() {
        let source = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
        let compiled = Condition::new(&source, &schema(), &Scope::default());
        assert_eq!(compiled.expect_err("too large"), ConditionError::TooLarge);
    }
}
