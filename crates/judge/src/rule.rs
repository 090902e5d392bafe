//! One rule: the TOML as it is written, and the checked form that is judged.
//!
//! The format is described in `rules/README.md`. Everything a rule names (facts, signals, other
//! rules) is checked, so that a typing error can never read as "clear": of the embedded rules by a test,
//! of a user's rules when they are loaded. What is checked already is compiled when it is first wanted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::condition::{Condition, Hits, Scope};
use super::schema::{FactSchema, FactType};
use super::template::Template;
use custody_facts::rule::{RuleInfo, RuleKind};
use custody_facts::{Axis, Level, SubjectKind};

/// A rule file as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawRule {
    /// One line that states the observation.
    pub title: String,
    /// Level of a finding; signals are notes and say nothing here.
    pub level: Option<Level>,
    /// Other levels and the conditions under which they hold; the highest of those that do counts, and
    /// `level` where none does. `it` is the item of `for-each`.
    #[serde(default)]
    pub level_when: BTreeMap<Level, String>,
    /// What a signal speaks of.
    pub axis: Option<Axis>,
    /// Kinds of subject that it is judged on.
    pub applies_to: Vec<SubjectKind>,
    /// List-valued expression that is named once: every other expression may call it `hits`. Of a
    /// `list.filter(x, ...)` an item that cannot be decided hides no other.
    pub hits: Option<String>,
    /// The condition; where there are `hits` and nothing else is said, that there is one.
    pub when: Option<String>,
    /// List-valued expression: one finding an item, which is bound to `it`.
    pub for_each: Option<String>,
    /// What is said when it fires, with `{expression}` placeholders.
    #[serde(default)]
    pub message: String,
    /// What would clear it.
    #[serde(default)]
    pub clear: String,
    /// What would clear this one finding, with `{expression}` placeholders: said instead of `clear` where all
    /// of them are known.
    pub remedy: Option<String>,
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

/// What the expressions of rules may name.
#[derive(Debug)]
pub(super) struct Known {
    /// The facts.
    pub(super) schema: FactSchema,
    /// Ids of all signals.
    pub(super) signals: BTreeSet<String>,
}

/// When a rule fires.
#[derive(Debug)]
struct Decision {
    hits: Option<Hits>,
    when: Condition,
}

/// What follows when a rule fires.
#[derive(Debug)]
pub(super) struct Consequence {
    pub(super) for_each: Option<Condition>,
    pub(super) message: Template,
    pub(super) remedy: Option<Template>,
    pub(super) evidence: Vec<EvidenceSource>,
    pub(super) weight: Option<Condition>,
    /// Levels with their conditions, the highest first.
    pub(super) level_when: Vec<(Level, Condition)>,
}

impl Consequence {
    /// Every expression of it.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let evidence = self.evidence.iter();
        [self.for_each.as_ref(), self.weight.as_ref()]
            .into_iter()
            .flatten()
            .chain(self.level_when.iter().map(|(_, condition)| condition))
            .chain(self.message.conditions())
            .chain(self.remedy.iter().flat_map(Template::conditions))
            .chain(evidence.flat_map(|source| source.each.iter().chain(source.note.conditions())))
    }
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// What readers see of it.
    pub info: RuleInfo,
    /// Where it stands, for messages.
    pub file: String,
    pub(super) event: bool,
    pub(super) supersedes: Vec<String>,
    pub(super) locate: Locate,
    /// A policy has set the level, for all cases.
    pub(super) level_is_set: bool,
    /// Groups of facts of which the condition needs one to come out at all; empty where it may come out
    /// without any.
    groups: Vec<&'static str>,
    text: Cow<'static, str>,
    source: Source,
    known: Arc<Known>,
    when: OnceLock<Decision>,
    consequence: OnceLock<Consequence>,
}

/// The expressions and sentences of a rule as they are written.
#[derive(Debug)]
struct Source {
    hits: Option<String>,
    when: String,
    for_each: Option<String>,
    message: String,
    remedy: Option<String>,
    evidence: Vec<RawEvidence>,
    weight: Option<String>,
    level_when: BTreeMap<Level, String>,
}

impl Rule {
    /// Takes a raw rule. Its expressions are not looked at; see [`Rule::compile`]. `text` is the file that
    /// `raw` was read from. The error is one line, to be prefixed with the file's name.
    pub(super) fn new(
        (id, kind): (&str, RuleKind),
        file: &str,
        text: Cow<'static, str>,
        raw: RawRule,
        known: Arc<Known>,
    ) -> Result<Self, String> {
        check_words(id, kind, &raw)?;
        let info = RuleInfo {
            id: id.to_owned(),
            kind,
            title: raw.title,
            level: raw.level.unwrap_or(Level::Note),
            axis: raw.axis,
            applies_to: raw.applies_to,
            docs: raw.docs.trim().to_owned(),
            clear: raw.clear.trim().to_owned(),
            references: raw.references,
            page: None,
        };
        let when = match (raw.when, &raw.hits) {
            (Some(when), _) => when,
            (None, Some(_)) => "hits.size() > 0".to_owned(),
            (None, None) => return Err("a rule needs a `when`, or `hits`".to_owned()),
        };
        let source = Source {
            hits: raw.hits,
            when,
            for_each: raw.for_each,
            message: raw.message,
            remedy: raw.remedy,
            evidence: raw.evidence,
            weight: raw.weight,
            level_when: raw.level_when,
        };
        let groups = match &text {
            Cow::Borrowed(_) => {
                let hits = source.hits.as_deref().unwrap_or_default();
                groups_named(&format!("{} {hits}", source.when), &known.schema)
            }
            Cow::Owned(_) => Vec::new(),
        };
        Ok(Self {
            info,
            file: file.to_owned(),
            groups,
            event: raw.event,
            supersedes: raw.supersedes,
            locate: raw.locate,
            level_is_set: false,
            text,
            source,
            known,
            when: OnceLock::new(),
            consequence: OnceLock::new(),
        })
    }

    /// Compiles every expression and checks every name. The error is one line that begins with the key at
    /// fault.
    pub(super) fn compile(&self) -> Result<(), String> {
        let when = self.compile_when()?;
        self.when.get_or_init(|| when);
        let consequence = self.compile_consequence()?;
        self.consequence.get_or_init(|| consequence);
        Ok(())
    }

    /// The condition.
    pub(super) fn when(&self) -> &Condition {
        &self.decision().when
    }

    /// What the rule calls `hits`.
    pub(super) fn hits(&self) -> Option<&Hits> {
        self.decision().hits.as_ref()
    }

    fn decision(&self) -> &Decision {
        self.when.get_or_init(|| self.compile_when().unwrap_or_else(|e| self.unchecked(&e)))
    }

    /// What follows when it fires.
    pub(super) fn consequence(&self) -> &Consequence {
        self.consequence
            .get_or_init(|| self.compile_consequence().unwrap_or_else(|e| self.unchecked(&e)))
    }

    /// Whether the condition can come out as anything but undetermined where a subject has only these groups
    /// of facts. Told without compiling it.
    pub(super) fn concerns(&self, has: impl Fn(&str) -> bool) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|group| has(group))
    }

    fn unchecked(&self, problem: &str) -> ! {
        unreachable!("{}: a test compiles what is embedded, `load` the rest: {problem}", self.file)
    }

    /// Ids of the signals that the condition names.
    pub fn signals(&self) -> &BTreeSet<String> {
        self.when().signals()
    }

    /// Whether the condition asks for facts beside signals.
    pub fn names_facts(&self) -> bool {
        !self.when().paths().is_empty()
    }

    /// Its inline tests.
    pub(super) fn tests(&self) -> Result<Vec<RawTest>, toml::de::Error> {
        toml::from_str::<RawRule>(&self.text).map(|raw| raw.tests)
    }

    /// The file's text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn scope(&self, item: Option<FactType>, hits: Option<&Hits>) -> Scope<'_> {
        // A signal names no other.
        let signals = (self.info.kind == RuleKind::Finding).then_some(&self.known.signals);
        let mut named = Vec::new();
        named.extend(item.map(|item| ("it".to_owned(), item)));
        named.extend(hits.map(|hits| ("hits".to_owned(), hits.fact_type())));
        Scope { signals, named }
    }

    fn condition(&self, key: &str, source: &str, scope: &Scope) -> Result<Condition, String> {
        Condition::new(source, &self.known.schema, scope).map_err(|e| format!("`{key}`: {e}"))
    }

    fn template(&self, key: &str, source: &str, scope: &Scope) -> Result<Template, String> {
        Template::new(source, &self.known.schema, scope).map_err(|e| format!("`{key}`: {e}"))
    }

    fn compile_when(&self) -> Result<Decision, String> {
        let hits = self.source.hits.as_ref().map(|source| {
            Hits::new(source, &self.known.schema, &self.scope(None, None))
                .map_err(|e| format!("`hits`: {e}"))
        });
        let hits = hits.transpose()?;
        let scope = self.scope(None, hits.as_ref());
        let mut when = self.condition("when", &self.source.when, &scope)?;
        when.is_decision().map_err(|e| format!("`when`: {e}"))?;
        if let Some(hits) = &hits {
            when.leans_on(hits.whole());
        }
        Ok(Decision { hits, when })
    }

    fn compile_consequence(&self) -> Result<Consequence, String> {
        let hits = self.hits();
        let source = &self.source;
        let whole = self.scope(None, hits);
        let optional = |key: &str, expression: Option<&String>, scope: &Scope| {
            expression.map(|text| self.condition(key, text, scope)).transpose()
        };
        let for_each = optional("for-each", source.for_each.as_ref(), &whole)?;
        let weight = optional("weight", source.weight.as_ref(), &whole)?;
        let item = for_each.as_ref().map(Condition::item_type);
        let outer = self.scope(item.clone(), hits);
        let message = self.template("message", &source.message, &outer)?;
        let remedy = source.remedy.as_ref();
        let remedy = remedy.map(|text| self.template("remedy", text, &outer)).transpose()?;
        let mut evidence = Vec::new();
        for one in &source.evidence {
            let each = optional("evidence.each", one.each.as_ref(), &outer)?;
            let inner =
                self.scope(each.as_ref().map(Condition::item_type).or_else(|| item.clone()), hits);
            let note = self.template("evidence.note", &one.note, &inner)?;
            evidence.push(EvidenceSource { each, note });
        }
        let level_when = source.level_when.iter().rev().map(|(level, text)| {
            Ok::<_, String>((*level, self.condition("level-when", text, &outer)?))
        });
        let level_when = level_when.collect::<Result<_, _>>()?;
        Ok(Consequence { for_each, message, remedy, evidence, weight, level_when })
    }
}

/// The groups of facts among the words of a condition; none where it may name something beside facts, too.
/// That no embedded condition comes out without a fact, as `true || archive.known` would, is tested.
fn groups_named(when: &str, schema: &FactSchema) -> Vec<&'static str> {
    let mut groups = Vec::new();
    for path in when.as_bytes().split(|byte| !byte.is_ascii_alphanumeric() && !b"_.".contains(byte))
    {
        // Of `group.field` the first word; `x.group` is a field.
        let word = path.split(|byte| *byte == b'.').next().unwrap_or(path);
        match std::str::from_utf8(word) {
            Ok("signals" | "score" | "subject" | "tables") => return Vec::new(),
            Ok(word) if word.len() > 1 => {
                groups.extend(schema.name(word).filter(|group| !groups.contains(group)));
            }
            _ => {}
        }
    }
    groups
}

impl Rule {
    /// The facts that its condition reads, as `group.field`.
    pub(super) fn reads(&self) -> BTreeSet<&str> {
        let text = [Some(&self.source.when), self.source.hits.as_ref()];
        let words = text.into_iter().flatten().flat_map(|text| {
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        });
        let fact = |path: &'_ str| {
            let (group, rest) = path.split_once('.')?;
            self.known.schema.name(group)?;
            let field = rest.split('.').next()?;
            Some(group.len() + 1 + field.len())
        };
        words.filter_map(|path| fact(path).map(|end| &path[..end])).collect()
    }

    /// Whether its condition asks for a signal by name.
    pub(super) fn names_signal(&self, id: &str) -> bool {
        let quoted = [format!("\"{id}\""), format!("'{id}'")];
        quoted.iter().any(|name| self.source.when.contains(name))
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
        RuleKind::Signal if raw.level.is_some() || !raw.level_when.is_empty() => {
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
