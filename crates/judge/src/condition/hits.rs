//! A list that a rule names once. An item whose facts are unknown leaves a whole `filter` undetermined in
//! CEL; here it hides no other item.

use cel::Value;
use cel::common::ast::operators::CONDITIONAL;
use cel::common::ast::{Expr, IdedExpr};

use super::{Bindings, Condition, ConditionError, Outcome, Scope};
use crate::schema::{FactSchema, FactType};

/// The expression as a whole, and for `list.filter(x, keep)` its parts.
#[derive(Debug)]
pub struct Hits {
    whole: Condition,
    parts: Option<Parts>,
}

#[derive(Debug)]
struct Parts {
    list: Condition,
    variable: String,
    keep: Condition,
}

impl Hits {
    /// Compiles `source` and checks every name in it.
    pub fn new(source: &str, schema: &FactSchema, scope: &Scope) -> Result<Self, ConditionError> {
        let whole = Condition::new(source, schema, scope)?;
        if !matches!(whole.result, FactType::List(_) | FactType::Any) {
            return Err(ConditionError::Name("the expression is not a list".to_owned()));
        }
        let parts = match filter(&whole.expression) {
            Some((list, variable, keep)) => {
                let list = Condition::checked(list.clone(), schema, scope)?;
                let item = (variable.to_owned(), list.item_type());
                let inner = Scope { signals: scope.signals, named: vec![item] };
                let keep = Condition::checked(keep.clone(), schema, &inner)?;
                Some(Parts { list, variable: variable.to_owned(), keep })
            }
            None => None,
        };
        Ok(Self { whole, parts })
    }

    /// The expression as a whole.
    pub fn whole(&self) -> &Condition {
        &self.whole
    }

    /// The type of the list.
    pub fn fact_type(&self) -> FactType {
        self.whole.result.clone()
    }

    /// Binds `hits` for the rule that is judged next; leaves it unbound, which is unknown, where no item is
    /// known to be one and some could be.
    pub fn bind(&self, bindings: &mut Bindings) {
        bindings.unbind("hits");
        let outcome = match self.whole.evaluate(bindings) {
            Outcome::Undetermined => self.parts.as_ref().and_then(|parts| parts.known(bindings)),
            Outcome::Value(list) => Some(list),
            Outcome::Broken(_) => None,
        };
        if let Some(list) = outcome {
            bindings.bind_value("hits", list);
        }
    }
}

impl Parts {
    /// The items that are certainly kept; `None` where there is none.
    fn known(&self, bindings: &mut Bindings) -> Option<Value> {
        let Outcome::Value(Value::List(items)) = self.list.evaluate(bindings) else { return None };
        let mut kept = Vec::new();
        for item in items.iter() {
            bindings.bind_value(&self.variable, item.clone());
            if self.keep.evaluate(bindings) == Outcome::Value(Value::Bool(true)) {
                kept.push(item.clone());
            }
        }
        bindings.unbind(&self.variable);
        (!kept.is_empty()).then(|| Value::List(kept.into()))
    }
}

/// List, variable and condition of what was written as `list.filter(x, keep)`.
fn filter(expression: &IdedExpr) -> Option<(&IdedExpr, &str, &IdedExpr)> {
    let Expr::Comprehension(all) = &expression.expr else { return None };
    let Expr::Call(step) = &all.loop_step.expr else { return None };
    let [keep, added, _] = step.args.as_slice() else { return None };
    let Expr::Call(sum) = &added.expr else { return None };
    // `map` with a condition adds something made of the item.
    let itself = matches!(sum.args.as_slice(), [_, added] if matches!(&added.expr,
        Expr::List(list) if matches!(list.elements.as_slice(),
            [one] if matches!(&one.expr, Expr::Ident(name) if *name == all.iter_var))));
    (step.func_name == CONDITIONAL && itself).then_some((
        &all.iter_range,
        all.iter_var.as_str(),
        keep,
    ))
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
                json!({"type": "object", "properties": {"files": {"type": "array", "items": {
                    "type": "object", "properties": {"size": {"type": "integer"}}}}}})
            }) as SchemaOf,
        )])
    }

    /// How many hits there are; nothing where that is not known.
    fn hits(source: &str, archive: &Json) -> Option<usize> {
        let hits = Hits::new(source, &schema(), &Scope::default()).expect(source);
        let mut bindings = Bindings::new();
        bindings.bind("archive", archive);
        bindings.bind_value("hits", Value::Int(1));
        hits.bind(&mut bindings);
        let scope = Scope { signals: None, named: vec![("hits".to_owned(), hits.fact_type())] };
        let size = Condition::new("hits.size()", &schema(), &scope).expect("compiles");
        match size.evaluate(&bindings) {
            Outcome::Value(Value::Int(n)) => usize::try_from(n).ok(),
            Outcome::Undetermined => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_item_that_cannot_be_decided_hides_no_other_and_alone_leaves_it_open() {
        let unknown = json!({"size": {"$unknown": "x"}});
        let files = json!({"files": [unknown, {"size": 9}, {"size": 1}]});
        assert_eq!(hits("archive.files.filter(f, f.size > 5)", &files), Some(1));
        assert_eq!(hits("archive.files.filter(f, f.size > 0)", &files), Some(2));
        assert_eq!(hits("archive.files.filter(f, f.size > 10)", &files), None);
        assert_eq!(hits("archive.files.filter(f, f.size > 5)", &json!({"files": []})), Some(0));
        assert_eq!(hits("archive.files.filter(f, f.size > 5)", &json!({})), None);
    }

    #[test]
    fn other_lists_are_taken_as_they_are_and_what_is_no_list_is_refused() {
        let files = json!({"files": [{"size": 9}, {"size": 1}]});
        assert_eq!(hits("archive.files", &files), Some(2));
        assert_eq!(hits("archive.files.map(f, f.size > 5, f.size)", &files), Some(1));
        let number = Hits::new("archive.files.size()", &schema(), &Scope::default());
        assert!(number.is_err());
    }
}
