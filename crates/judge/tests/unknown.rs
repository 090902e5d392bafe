//! What is decided without a fact stays decided whatever the fact turns out to be: no answer of the judge
//! depends on what nobody measured. Held over generated conditions and facts.

use custody_judge::FactSchema;
use custody_judge::condition::{Bindings, Condition, Outcome, Scope};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

fn schema() -> FactSchema {
    fn group() -> Value {
        json!({"type": "object", "properties": {
            "yes": {"type": "boolean"},
            "other": {"type": "boolean"},
            "count": {"type": "integer"},
            "files": {"type": "array", "items": {"$ref": "#/$defs/File"}}
        }, "$defs": {"File": {"type": "object", "properties": {
            "ran": {"type": "boolean"}, "size": {"type": "integer"}
        }}}})
    }
    FactSchema::new([("f", group as fn() -> Value)])
}

/// A yes or no about one item, `it` being its name.
fn about_item(it: &'static str) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(format!("{it}.ran")),
        (0..3_i64).prop_map(move |n| format!("{it}.size > {n}")),
        Just("f.yes".to_owned()),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a} || {b})")),
        ]
    })
}

/// A condition over the group.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("f.yes".to_owned()),
        Just("f.other".to_owned()),
        (0..3_i64).prop_map(|n| format!("f.count == {n}")),
        (0..3_i64).prop_map(|n| format!("size(f.files) > {n}")),
        about_item("x").prop_map(|a| format!("f.files.exists(x, {a})")),
        about_item("x").prop_map(|a| format!("f.files.all(x, {a})")),
        about_item("x").prop_map(|a| format!("f.files.exists_one(x, {a})")),
        about_item("x").prop_map(|a| format!("size(f.files.filter(x, {a})) >= 1")),
        about_item("x").prop_map(|a| format!("f.files.filter(x, {a}).exists(y, y.size > 1)")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// A known value, and whether it is hidden.
type Hidden<T> = (T, bool);

#[derive(Clone, Debug)]
struct Facts {
    yes: Hidden<bool>,
    other: Hidden<bool>,
    count: Hidden<i64>,
    files: Hidden<Vec<(Hidden<bool>, Hidden<i64>)>>,
}

fn facts() -> impl Strategy<Value = Facts> {
    let item = || ((any::<bool>(), any::<bool>()), (0..4_i64, any::<bool>()));
    let files = (proptest::collection::vec(item(), 0..4), any::<bool>());
    let flag = || (any::<bool>(), any::<bool>());
    (flag(), flag(), (0..4_i64, any::<bool>()), files)
        .prop_map(|(yes, other, count, files)| Facts { yes, other, count, files })
}

impl Facts {
    /// As JSON, with the hidden values in it or not.
    fn json(&self, whole: bool) -> Value {
        let show = |value: Value, hidden: bool| {
            if hidden && !whole { json!({"$unknown": "not measured"}) } else { value }
        };
        let item = |(ran, size): &(Hidden<bool>, Hidden<i64>)| json!({"ran": show(ran.0.into(), ran.1), "size": show(size.0.into(), size.1)});
        let files: Vec<Value> = self.files.0.iter().map(item).collect();
        json!({
            "yes": show(self.yes.0.into(), self.yes.1),
            "other": show(self.other.0.into(), self.other.1),
            "count": show(self.count.0.into(), self.count.1),
            "files": show(files.into(), self.files.1),
        })
    }
}

fn outcome(condition: &Condition, facts: &Value) -> Outcome {
    let mut bindings = Bindings::new();
    bindings.bind("f", facts);
    condition.evaluate(&bindings)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3_000,
        rng_seed: RngSeed::Fixed(20_261_129),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_answer_without_a_fact_holds_whatever_the_fact_is(
        source in condition(),
        facts in facts(),
    ) {
        let checked = Condition::new(&source, &schema(), &Scope::default()).expect(&source);
        let whole = outcome(&checked, &facts.json(true));
        prop_assert!(matches!(whole, Outcome::Value(_)), "{source}: {whole:?}");
        match outcome(&checked, &facts.json(false)) {
            Outcome::Undetermined => {}
            decided => prop_assert_eq!(decided, whole, "{}", source),
        }
    }
}
