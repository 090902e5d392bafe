//! Which facts and signals an expression names, and whether they exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

use super::{Scope, operands};
use crate::schema::{FactSchema, FactType, Field};

/// Walks an expression, tells its type and collects what it names.
pub(super) struct Checker<'a> {
    schema: &'a FactSchema,
    scope: &'a Scope<'a>,
    locals: Vec<(String, FactType, Option<String>)>,
    /// Every fact path, list items as `[]`.
    pub(super) paths: BTreeSet<String>,
    /// Every signal.
    pub(super) signals: BTreeSet<String>,
}

/// A type, and the fact path it was read from.
pub(super) type Inferred = (FactType, Option<String>);

/// What a condition has to be.
pub(super) const BOOLEAN: FactType = FactType::Scalar("boolean");
const ANY: Inferred = (FactType::Any, None);

impl<'a> Checker<'a> {
    pub(super) fn new(schema: &'a FactSchema, scope: &'a Scope<'a>) -> Self {
        Self { schema, scope, locals: Vec::new(), paths: BTreeSet::new(), signals: BTreeSet::new() }
    }

    /// The type of an expression and the path it was read from; what is wrong with it else.
    pub(super) fn infer(&mut self, expr: &IdedExpr) -> Result<Inferred, String> {
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
                Ok((FactType::List(Arc::new(item)), None))
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
            Expr::Literal(LiteralValue::Boolean(_)) => Ok((BOOLEAN, None)),
            Expr::Literal(_) | Expr::Unspecified => Ok((FactType::Scalar("literal"), None)),
        }
    }

    fn ident(&mut self, name: &str) -> Result<Inferred, String> {
        if let Some((_, kind, path)) = self.locals.iter().rev().find(|(local, ..)| local == name) {
            return Ok((kind.clone(), path.clone()));
        }
        if let Some((_, kind)) = self.scope.named.iter().find(|(known, _)| known == name) {
            return Ok((kind.clone(), None));
        }
        if name == "signals" {
            return Err("write signals[\"id\"] with a literal id".to_owned());
        }
        if name == "subject" {
            let field =
                || Field { fact_type: FactType::Scalar("string"), description: String::new() };
            let fields = ["kind", "name", "version", "origin"].map(|f| (f.to_owned(), field()));
            return Ok((FactType::Object(Arc::new(fields.into())), Some(name.to_owned())));
        }
        if name == "score" {
            let field =
                || Field { fact_type: FactType::Scalar("integer"), description: String::new() };
            let fields = super::SCORE.map(|f| (f.to_owned(), field()));
            return Ok((FactType::Object(Arc::new(fields.into())), Some(name.to_owned())));
        }
        let Some(group) = self.schema.group(name) else {
            let known = did_you_mean(name, self.schema.names());
            return Err(format!("no fact group `{name}`{known}"));
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
            FactType::Map(item) => Ok(((*item).clone(), at)),
            FactType::Any => {
                self.paths.extend(at.clone());
                Ok((FactType::Any, at))
            }
            FactType::List(_) | FactType::Scalar(_) | FactType::Word(_) => {
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
        operands::check(call, &inferred)?;
        Ok(match call.func_name.as_str() {
            "_?_:_" if inferred.len() == 3 => inferred.swap_remove(1),
            "_+_" if inferred.len() == 2 => inferred.swap_remove(1),
            name => (operands::result(name), None),
        })
    }

    fn index(&mut self, object: &IdedExpr, index: &IdedExpr) -> Result<Inferred, String> {
        if matches!(&object.expr, Expr::Ident(name) if name == "signals") {
            let Expr::Literal(LiteralValue::String(id)) = &index.expr else {
                return Err("write signals[\"id\"] with a literal id".to_owned());
            };
            let id: &str = id;
            if !self.scope.signals.is_some_and(|known| known.contains(id)) {
                let known = self.scope.signals.into_iter().flatten().map(String::as_str);
                return Err(format!("no signal `{id}`{}", did_you_mean(id, known)));
            }
            self.signals.insert(id.to_owned());
            return Ok((BOOLEAN, None));
        }
        let (kind, path) = self.infer(object)?;
        self.infer(index)?;
        if let FactType::Object(_) = kind {
            // Whoever evaluates binds the fields that are named, and no others.
            return Err(format!("write `{}.field`", path.unwrap_or_else(|| "value".to_owned())));
        }
        Ok(match kind {
            FactType::List(item) | FactType::Map(item) => ((*item).clone(), path.map(|p| p + "[]")),
            _ => ANY,
        })
    }

    fn comprehension(&mut self, c: &ComprehensionExpr) -> Result<Inferred, String> {
        let (range, path) = self.infer(&c.iter_range)?;
        let item = match range {
            FactType::List(item) => ((*item).clone(), path.map(|p| p + "[]")),
            FactType::Map(_) => (FactType::Scalar("string"), None),
            FactType::Any => ANY,
            FactType::Object(_) | FactType::Scalar(_) | FactType::Word(_) => {
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
pub(crate) fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> String {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 + candidate.len() / 4)
        .min()
        .map_or_else(String::new, |(_, candidate)| format!(", did you mean `{candidate}`?"))
}
