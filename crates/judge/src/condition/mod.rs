//! One CEL expression over the facts of a subject: compiled, checked against the fact schema, and
//! evaluated with three outcomes.
//!
//! A fact that is unknown is simply not there. CEL then answers with an error, which `&&`, `||` and
//! `exists` absorb where the rest decides; what is left over is [`Outcome::Undetermined`].

mod bindings;
mod hits;
mod names;
mod operands;
mod steps;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use cel::common::ast::IdedExpr;
use cel::parser::PrattParser;
use cel::{Env, ExecutionError, Value};

pub use bindings::Bindings;
pub use hits::Hits;
pub(super) use names::did_you_mean;

use super::schema::{FactSchema, FactType};
use names::Checker;
use steps::Steps;

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

/// What findings can ask of what the signals weigh together: axes on which something fired, those of them
/// whose strongest signal is rare, and the sum in whole bits.
pub const SCORE: [&str; 3] = ["axes", "rare_axes", "bits"];

/// What may be named beside the fact groups.
#[derive(Clone, Debug, Default)]
pub struct Scope<'a> {
    /// Ids of all signals, for `signals["id"]`; absent where none may be named.
    pub signals: Option<&'a BTreeSet<String>>,
    /// Variables with their types: `hits`, and `it` inside `for-each` and `evidence`.
    pub named: Vec<(String, FactType)>,
}

/// A checked expression.
#[derive(Debug)]
pub struct Condition {
    expression: IdedExpr,
    steps: Steps,
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
        // A tenth of the time of `Env::compile`, whose macros the strings extension does not extend.
        let expression =
            PrattParser::new().parse(source).map_err(|e| ConditionError::Syntax(e.to_string()))?;
        Self::checked(expression, schema, scope)
    }

    /// Checks every name of what is parsed already.
    fn checked(
        expression: IdedExpr,
        schema: &FactSchema,
        scope: &Scope,
    ) -> Result<Self, ConditionError> {
        let mut checker = Checker::new(schema, scope);
        let (result, _) = checker.infer(&expression).map_err(ConditionError::Name)?;
        let Checker { paths, signals, .. } = checker;
        let steps = Steps::of(&expression);
        Ok(Self { expression, steps, paths, signals, result })
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

    /// Adds the facts and signals that another expression names, whose value this one uses.
    pub(super) fn leans_on(&mut self, other: &Self) {
        self.paths.extend(other.paths.iter().cloned());
        self.signals.extend(other.signals.iter().cloned());
    }

    /// Whether it yields a yes or no, or something whose type is not known; what is wrong else.
    pub fn is_decision(&self) -> Result<(), ConditionError> {
        operands::yes_or_no(&(self.result.clone(), None)).map_err(ConditionError::Name)
    }

    /// Evaluates over `bindings`.
    pub fn evaluate(&self, bindings: &Bindings) -> Outcome {
        let steps = bindings.bound(&self.steps, MAX_STEPS);
        if steps > MAX_STEPS {
            return Outcome::Broken(format!("it would take {steps} steps, more than {MAX_STEPS}"));
        }
        match Value::resolve(&self.expression, bindings.context()) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use custody_facts::fact::SchemaOf;
    use serde_json::{Value as Json, json};

    fn schema() -> FactSchema {
        FactSchema::new([(
            "archive",
            (|| {
                json!({"type": "object", "properties": {
                    "size": {"type": "integer"},
                    "known": {"type": "boolean"},
                    "files": {"type": "array", "items": {"$ref": "#/$defs/File"}}
                }, "$defs": {"File": {"type": "object", "properties": {
                    "path": {"type": "string"}, "size": {"type": ["integer", "null"]},
                    "class": {"type": "string", "enum": ["odd", "weights"]}
                }}}})
            }) as SchemaOf,
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
    fn a_word_that_no_code_emits_is_refused_wherever_it_is_compared() {
        let word = |source: &str| {
            let whole = format!("archive.files.exists(f, {source})");
            Condition::new(&whole, &schema(), &Scope::default())
                .map(|_| ())
                .map_err(|e| e.to_string())
        };
        for fine in
            ["f.class == 'weights'", "'weights' == f.class", "f.class in ['weights', 'odd']"]
        {
            assert_eq!(word(fine), Ok(()), "{fine}");
        }
        for wrong in
            ["f.class == 'wieghts'", "'wieghts' != f.class", "f.class in ['odd', 'wieghts']"]
        {
            let said = word(wrong).expect_err(wrong);
            assert!(said.contains("is never 'wieghts', did you mean `weights`?"), "{said}");
        }
        let said = word("f.class == 'something else'").expect_err("no such word");
        let told = "`archive.files[].class` is never 'something else'; it is one of odd, weights";
        assert_eq!(said, told);
    }

    #[test]
    fn what_is_no_decision_and_what_can_never_be_equal_is_refused() {
        assert_eq!(error("archive.size && archive.known"), "`archive.size` is not a yes or no");
        assert_eq!(error("!archive.size"), "`archive.size` is not a yes or no");
        let another = "`archive.size` is compared with a value of another type";
        assert_eq!(error("archive.size == 'big'"), another);
        let condition = |source| Condition::new(source, &schema(), &Scope::default());
        assert!(condition("archive.size").expect("compiles").is_decision().is_err());
        assert!(condition("archive.files.size() > 1").expect("compiles").is_decision().is_ok());
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

    /// Without the numbers of the nodes, which the two parsers give in another order.
    fn shape(expression: &IdedExpr) -> String {
        let text = format!("{expression:?}");
        let mut parts = text.split("id: ");
        let mut shape = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            shape.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        shape
    }

    #[test]
    fn the_parser_reads_as_the_one_that_cel_compiles_with() {
        for source in [
            "a.b.exists(x, x.c == 'd' && !(x.e in ['f', \"g\"])) || a.h.size() + 1 > 2",
            "a.b.filter(x, x.c.all(y, y.startsWith('z'))).map(x, x.d)[0] == -1",
            "a ? b.c : d.exists_one(e, e.f >= 1.5e3) && signals['x-y']",
            "'it\\'s \\u00e9\\n' + r'raw\\n' == \"\"\"a\nb\"\"\" && 0x1f != 7u && null == [1, {'k': true}]",
            "!a.b && (c || d) && e % 2 == 0 || f - 1 - 2 < 3 * 4 / 5",
        ] {
            let compiled = environment().compile(source).expect(source);
            let parsed = PrattParser::new().parse(source).expect(source);
            assert_eq!(shape(&parsed), shape(compiled.expression()), "{source}");
        }
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
