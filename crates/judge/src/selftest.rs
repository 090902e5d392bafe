//! Runs the tests that stand inside the rules, and every rule on every facts sheet.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::judge::{Verdict, verdicts};
use super::rule::{Expected, RawTest, Rule};
use super::ruleset::Ruleset;
use super::schema::FactSchema;
use custody_facts::FactSheet;
use custody_facts::fact::UNKNOWN_KEY;

/// A test that did not come out as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Rule whose test it is.
    pub rule: String,
    /// Which test, from 1, or 0 for the rule as a whole.
    pub test: usize,
    /// What happened instead.
    pub problem: String,
}

/// How many inline tests ran, and which failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Tests that ran.
    pub ran: usize,
    /// Those that failed.
    pub failures: Vec<Failure>,
}

/// Runs all inline tests. `read` gives the text of a facts sheet that is not embedded, by the
/// rule's file and the name that the test uses.
pub fn run(ruleset: &Ruleset, read: &dyn Fn(&str, &str) -> Option<String>) -> Outcome {
    let mut outcome = Outcome::default();
    for rule in ruleset.rules() {
        let mut fail = |test, problem| {
            outcome.failures.push(Failure { rule: rule.info.id.clone(), test, problem });
        };
        let tests = match rule.tests() {
            Ok(tests) => tests,
            Err(error) => {
                fail(0, error.to_string());
                continue;
            }
        };
        for needed in [Expected::Fires, Expected::Clear] {
            if !tests.iter().any(|test| test.expect == needed) {
                fail(0, format!("it has no test that expects {needed:?}"));
            }
        }
        for (index, test) in tests.iter().enumerate() {
            if let Err(problem) = run_one(ruleset, rule, test, read) {
                fail(index + 1, problem);
            }
        }
        outcome.ran += tests.len();
    }
    outcome
}

fn run_one(
    ruleset: &Ruleset,
    rule: &Rule,
    test: &RawTest,
    read: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<(), String> {
    let json = ruleset
        .built_in()
        .facts(&test.facts)
        .map(str::to_owned)
        .or_else(|| read(&rule.file, &test.facts))
        .ok_or_else(|| format!("there is no facts sheet {}", test.facts))?;
    let mut sheet: FactSheet =
        serde_json::from_str(&json).map_err(|e| format!("{}: {e}", test.facts))?;
    apply(&mut sheet, test, ruleset.schema())?;
    let all = verdicts(ruleset, &sheet);
    let found = all.get(&rule.info.id).ok_or_else(|| {
        format!("it does not apply to a {} such as {}", sheet.subject.kind.as_str(), test.facts)
    })?;
    let agrees = matches!(
        (found, test.expect),
        (Verdict::Fires, Expected::Fires)
            | (Verdict::Clear, Expected::Clear)
            | (Verdict::Undetermined, Expected::Undetermined)
    );
    if agrees {
        Ok(())
    } else {
        Err(format!("{} was expected to be {:?} and is {found:?}", test.facts, test.expect))
    }
}

/// Replaces facts by those of the test.
fn apply(sheet: &mut FactSheet, test: &RawTest, schema: &FactSchema) -> Result<(), String> {
    for (group, changes) in &test.with {
        let mut changes = serde_json::to_value(changes).map_err(|e| e.to_string())?;
        with_nulls(&mut changes);
        if let Some(problem) = schema.fault(group, &changes) {
            return Err(format!("`with`: {problem}"));
        }
        let facts = sheet.facts.entry(group.clone()).or_insert_with(|| json!({}));
        merge(facts, changes);
    }
    for path in &test.unknown {
        let mut parts = path.split('.');
        let group = parts.next().unwrap_or("");
        let mut at = sheet.facts.entry(group.to_owned()).or_insert_with(|| json!({}));
        for part in parts {
            at = at
                .as_object_mut()
                .ok_or_else(|| format!("`{path}` leads through something that is no struct"))?
                .entry(part)
                .or_insert_with(|| json!({}));
        }
        *at = json!({UNKNOWN_KEY: "made unknown by the test"});
    }
    Ok(())
}

/// TOML has no null: a test writes the text `$null`.
fn with_nulls(value: &mut Value) {
    match value {
        Value::String(text) if text == "$null" => *value = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(with_nulls),
        Value::Object(fields) => fields.values_mut().for_each(with_nulls),
        _ => {}
    }
}

/// JSON Merge Patch (RFC 7386) without the deletion of keys.
fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (key, value) in changes {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, changes) => *into = changes,
    }
}

/// Which rules fire on each sheet: the golden list that shows what a new rule trips.
#[must_use]
pub fn fired_on<'s>(
    ruleset: &Ruleset,
    sheets: impl Iterator<Item = (&'s str, &'s FactSheet)>,
) -> BTreeMap<String, Vec<String>> {
    sheets
        .map(|(name, sheet)| {
            let fired = verdicts(ruleset, sheet)
                .into_iter()
                .filter(|(_, verdict)| *verdict == Verdict::Fires)
                .map(|(id, _)| id)
                .collect();
            (name.to_owned(), fired)
        })
        .collect()
}
