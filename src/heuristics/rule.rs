//! One rule: the TOML as it is written, and the checked form that is judged.
//!
//! The format is described in `rules/README.md`. Everything a rule names (facts, signals, other
//! rules) is checked when the rules are loaded, so that a typing error can never read as "clear".

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::condition::{Condition, Scope};
use super::schema::FactSchema;
use super::template::Template;
use crate::domain::rule::{RuleInfo, RuleKind};
use crate::domain::{Axis, Level, SubjectKind};

/// A rule file as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawRule {
    /// One line that states the observation.
    pub title: String,
    /// Level of a finding; signals are notes and say nothing here.
    pub level: Option<Level>,
    /// What a signal speaks of.
    pub axis: Option<Axis>,
    /// Kinds of subject that it is judged on.
    pub applies_to: Vec<SubjectKind>,
    /// The condition.
    pub when: String,
    /// List-valued expression: one finding an item, which is bound to `it`.
    pub for_each: Option<String>,
    /// What is said when it fires, with `{expression}` placeholders.
    #[serde(default)]
    pub message: String,
    /// What would clear it.
    #[serde(default)]
    pub clear: String,
    /// Where to read more.
    #[serde(default)]
    pub references: Vec<String>,
    /// What it measures, why it matters, when it is wrong.
    pub docs: String,
    /// What backs it.
    #[serde(default)]
    pub evidence: Vec<RawEvidence>,
    /// A number from 0 to 1 by which a signal's weight is multiplied: the fading of an old event.
    pub weight: Option<String>,
    /// Signals only: it speaks of something that this release changed.
    #[serde(default)]
    pub event: bool,
    /// Findings that say less about the same thing and are left out when this one fires.
    #[serde(default)]
    pub supersedes: Vec<String>,
    /// Where a reviewer is sent: the subject's own line (default), or the first evidence that names
    /// a line of a project file.
    #[serde(default)]
    pub locate: Locate,
    /// Inline tests.
    #[serde(default, rename = "test")]
    pub tests: Vec<RawTest>,
}

/// Where a finding is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Locate {
    /// At the subject: its line in Cargo.lock, or the line that names the model.
    #[default]
    Subject,
    /// At the first item of evidence with a file and a line of the project.
    Evidence,
}

/// One source of evidence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawEvidence {
    /// List-valued expression; its items are bound to `it`. Without it there is one item.
    pub each: Option<String>,
    /// What was seen, with `{expression}` placeholders.
    pub note: String,
}

/// One inline test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawTest {
    /// Facts sheet, a path from the root of the repository (or from the rule's folder).
    pub facts: String,
    /// Facts that replace those of the sheet, group by group, field by field.
    #[serde(default)]
    pub with: BTreeMap<String, toml::Value>,
    /// Dotted paths of facts that are made unknown.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// `fires`, `clear` or `undetermined`.
    pub expect: Expected,
}

/// What a test expects of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// The condition holds.
    Fires,
    /// It does not.
    Clear,
    /// A fact it needs is unknown.
    Undetermined,
}

/// A checked source of evidence.
#[derive(Debug)]
pub(super) struct EvidenceSource {
    pub(super) each: Option<Condition>,
    pub(super) note: Template,
}

/// A checked rule.
#[derive(Debug)]
pub struct Rule {
    /// What readers see of it.
    pub info: RuleInfo,
    /// Where it stands, for messages.
    pub file: String,
    pub(super) when: Condition,
    pub(super) for_each: Option<Condition>,
    pub(super) message: Template,
    pub(super) evidence: Vec<EvidenceSource>,
    pub(super) weight: Option<Condition>,
    pub(super) event: bool,
    pub(super) supersedes: Vec<String>,
    pub(super) locate: Locate,
    pub(super) tests: Vec<RawTest>,
}

impl Rule {
    /// Ids of the signals that the condition names.
    pub fn signals(&self) -> &BTreeSet<String> {
        self.when.signals()
    }

    /// Whether the condition asks for facts beside signals.
    pub fn names_facts(&self) -> bool {
        !self.when.paths().is_empty()
    }

    /// Every expression of the rule.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let evidence = self.evidence.iter();
        [Some(&self.when), self.for_each.as_ref(), self.weight.as_ref()]
            .into_iter()
            .flatten()
            .chain(self.message.conditions())
            .chain(evidence.flat_map(|source| source.each.iter().chain(source.note.conditions())))
    }

    /// Checks a raw rule. The error is one line, to be prefixed with the file's name.
    pub(super) fn check(
        id: &str,
        kind: RuleKind,
        file: &str,
        raw: RawRule,
        schema: &FactSchema,
        scope: &Scope,
    ) -> Result<Self, String> {
        check_words(id, kind, &raw)?;
        let compile = |key: &str, source: &str, scope: &Scope| {
            Condition::new(source, schema, scope).map_err(|e| format!("`{key}`: {e}"))
        };
        let when = compile("when", &raw.when, scope)?;
        let for_each =
            raw.for_each.as_deref().map(|s| compile("for-each", s, scope)).transpose()?;
        let weight = raw.weight.as_deref().map(|s| compile("weight", s, scope)).transpose()?;
        let item = for_each.as_ref().map(Condition::item_type);
        let scope_of = |item: Option<_>| Scope { signals: scope.signals.clone(), item };
        let message = Template::new(&raw.message, schema, &scope_of(item.clone()))
            .map_err(|e| format!("`message`: {e}"))?;
        let mut evidence = Vec::new();
        for source in &raw.evidence {
            let outer = scope_of(item.clone());
            let each =
                source.each.as_deref().map(|s| compile("evidence.each", s, &outer)).transpose()?;
            let inner = scope_of(each.as_ref().map(Condition::item_type).or_else(|| item.clone()));
            let note = Template::new(&source.note, schema, &inner)
                .map_err(|e| format!("`evidence.note`: {e}"))?;
            evidence.push(EvidenceSource { each, note });
        }
        let info = RuleInfo {
            id: id.to_owned(),
            kind,
            title: raw.title.clone(),
            level: raw.level.unwrap_or(Level::Note),
            axis: raw.axis,
            applies_to: raw.applies_to.clone(),
            docs: raw.docs.trim().to_owned(),
            clear: raw.clear.trim().to_owned(),
            references: raw.references.clone(),
        };
        Ok(Self {
            info,
            file: file.to_owned(),
            when,
            for_each,
            message,
            evidence,
            weight,
            event: raw.event,
            supersedes: raw.supersedes,
            locate: raw.locate,
            tests: raw.tests,
        })
    }
}

/// What can be said of a raw rule without looking at its expressions.
fn check_words(id: &str, kind: RuleKind, raw: &RawRule) -> Result<(), String> {
    let kebab = id.split('-').all(|part| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    });
    if !kebab {
        return Err("the file name, which is the rule's id, is not kebab-case".to_owned());
    }
    if raw.applies_to.is_empty() {
        return Err("`applies-to` is empty".to_owned());
    }
    if raw.title.trim().is_empty() || raw.docs.trim().is_empty() {
        return Err("`title` and `docs` must say something".to_owned());
    }
    match kind {
        RuleKind::Signal if raw.axis.is_none() => Err("a signal needs an `axis`".to_owned()),
        RuleKind::Signal if raw.level.is_some() => {
            Err("a signal has no `level`; findings that join it do".to_owned())
        }
        RuleKind::Finding if raw.level.is_none() => Err("a finding needs a `level`".to_owned()),
        RuleKind::Finding if raw.message.trim().is_empty() || raw.clear.trim().is_empty() => {
            Err("a finding needs a `message` and what would `clear` it".to_owned())
        }
        RuleKind::Finding if raw.axis.is_some() || raw.weight.is_some() || raw.event => {
            Err("`axis`, `weight` and `event` belong to signals".to_owned())
        }
        _ => Ok(()),
    }
}
