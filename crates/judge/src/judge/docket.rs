//! The rules that are judged on one kind of subject, compiled, and what they name.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::condition::{Bindings, Condition};
use crate::rule::Rule;
use crate::ruleset::Ruleset;
use custody_facts::rule::RuleKind;
use custody_facts::{FactSheet, SubjectKind};

/// Fact group to the fields of it that expressions name.
type Fields<'r> = BTreeMap<&'r str, BTreeSet<&'r str>>;

/// The rules for one kind of subject.
pub(super) struct Docket<'r> {
    /// Signals, ordered by id.
    pub(super) signals: Vec<&'r Rule>,
    /// Findings, ordered by id.
    pub(super) findings: Vec<&'r Rule>,
    /// What is named by the conditions of all and by the consequences of signals, which fire on many.
    pub(super) fields: Fields<'r>,
}

impl<'r> Docket<'r> {
    /// Compiles, on every thread, what is judged on subjects of a kind, whose facts are in `groups`.
    pub(super) fn of(ruleset: &'r Ruleset, kind: SubjectKind, groups: &BTreeSet<&str>) -> Self {
        let (signals, findings): (Vec<&Rule>, Vec<&Rule>) = ruleset
            .rules()
            .filter(|rule| rule.info.applies_to.contains(&kind))
            .partition(|rule| rule.info.kind == RuleKind::Signal);
        let concerned = |rule: &&&Rule| rule.concerns(|group| groups.contains(group));
        signals.par_iter().chain(&findings).filter(concerned).for_each(|rule| {
            rule.when();
            if rule.info.kind == RuleKind::Signal {
                rule.consequence();
            }
        });
        let conditions = signals.iter().chain(&findings).filter(concerned).map(|rule| rule.when());
        let consequences =
            signals.iter().filter(concerned).flat_map(|rule| rule.consequence().conditions());
        let fields = fields(conditions.chain(consequences));
        Self { signals, findings, fields }
    }

    /// Binds what the consequence of a finding names beyond that.
    pub(super) fn widen<'v>(&self, rule: &Rule, sheet: &'v FactSheet, bindings: &mut Bindings<'v>) {
        for (group, mut named) in fields(rule.consequence().conditions()) {
            let bound = self.fields.get(group);
            if bound.is_some_and(|bound| named.is_subset(bound)) {
                continue;
            }
            if let Some((group, facts)) = sheet.facts.get_key_value(group) {
                named.extend(bound.into_iter().flatten());
                bindings.bind_fields(group, facts, &named);
            }
        }
    }
}

fn fields<'c>(conditions: impl Iterator<Item = &'c Condition>) -> Fields<'c> {
    let mut fields = Fields::new();
    for path in conditions.flat_map(Condition::paths) {
        let mut parts = path.split('.').map(|part| part.trim_end_matches("[]"));
        let group = fields.entry(parts.next().unwrap_or_default()).or_default();
        group.extend(parts.next());
    }
    fields
}
