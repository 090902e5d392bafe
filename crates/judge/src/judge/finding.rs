//! What a rule that fired says: findings, with their evidence and their place.

use cel::Value;
use cel::objects::KeyRef;
use sha2::{Digest as _, Sha256};

use super::Case;
use crate::condition::{Bindings, Condition, Outcome};
use crate::rule::{Locate, Rule};
use crate::score::Score;
use custody_facts::hash::hex;
use custody_facts::{Evidence, FactSheet, Finding, Level, Location, Subject, SubjectKind};

/// Most items of evidence that one finding carries, and most findings that one rule may make of one subject,
/// while they are judged; reports list fewer. What lies beyond is one item with a hash over all of it, so
/// that a waiver, a baseline and a comparison see any change.
const MAX_EVIDENCE: usize = 5_000;
const MAX_PER_RULE: usize = 5_000;

/// One finding, or one an item of `for-each`.
pub(super) fn findings(
    rule: &Rule,
    case: &Case,
    sum: &Score,
    bindings: &mut Bindings,
) -> Vec<Finding> {
    let Some(for_each) = &rule.consequence().for_each else {
        return vec![finding(rule, case, sum, bindings, None)];
    };
    let mut all = Vec::new();
    let mut rest = Rest::default();
    for item in items(for_each, bindings) {
        let one = finding(rule, case, sum, bindings, Some(&item));
        if all.len() < MAX_PER_RULE {
            all.push(one);
        } else {
            one.evidence.iter().for_each(|evidence| rest.add(evidence));
            rest.count += 1;
        }
    }
    if let Some(last) = all.last_mut() {
        last.evidence.extend(rest.evidence("more of this kind are not listed"));
    }
    all
}

/// What is told of what is too much to list.
#[derive(Default)]
struct Rest {
    count: usize,
    hash: Sha256,
}

impl Rest {
    fn add(&mut self, one: &Evidence) {
        for part in [&one.file, &one.member, &one.sha256, &one.url, &one.account] {
            let part = part.as_deref().unwrap_or_default();
            self.hash.update((part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
    }

    fn evidence(self, words: &str) -> Option<Evidence> {
        let note = format!("{} {words}", self.count);
        let sha256 = Some(hex(&self.hash.finalize()));
        (self.count > 0).then(|| Evidence { note, sha256, ..Evidence::default() })
    }
}

/// One finding; `about` is its item of `for-each`.
fn finding(
    rule: &Rule,
    case: &Case,
    sum: &Score,
    bindings: &mut Bindings,
    about: Option<&Value>,
) -> Finding {
    let sheet = &case.sheet;
    if let Some(item) = about {
        bindings.bind_value("it", item.clone());
    }
    let message = rule.consequence().message.fill(&sheet.subject.to_string(), bindings);
    let remedy = rule.consequence().remedy.as_ref();
    let remedy = remedy.and_then(|one| one.fill_known(&sheet.subject.to_string(), bindings));
    let evidence = evidence(rule, sheet, bindings, about);
    let whole_file = sheet.subject.kind == SubjectKind::Model;
    let at_evidence = (rule.locate == Locate::Evidence)
        .then(|| evidence.iter().find_map(|one| place_of(one, whole_file)))
        .flatten();
    Finding {
        rule: rule.info.id.clone(),
        level: level(rule, bindings),
        score: (sum.low * 10.0).round() / 10.0,
        subject: sheet.subject.clone(),
        message,
        evidence,
        location: at_evidence.unwrap_or_else(|| case.location.clone()),
        related: case.related.clone(),
        path: case.path.clone(),
        change: None,
        arithmetic: sum.arithmetic.clone(),
        terms: sum.terms.clone(),
        clear: with_name(remedy.unwrap_or_else(|| rule.info.clear.clone()), &sheet.subject),
        advisory: None,
        waived: None,
        baselined: None,
    }
}

/// What stands for the subject in the commands of a remedy.
const NAMED: &str = "NAME@VERSION";

/// The remedy with the subject's own name in its commands, where neither means anything to a shell.
fn with_name(clear: String, subject: &Subject) -> String {
    let plain = |text: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        !text.is_empty() && !text.starts_with('-') && text.chars().all(known)
    };
    if !clear.contains(NAMED) || !plain(&subject.name) || !plain(&subject.version) {
        return clear;
    }
    clear.replace(NAMED, &format!("{}@{}", subject.name, subject.version))
}

/// The highest level whose condition holds, else the rule's own.
fn level(rule: &Rule, bindings: &Bindings) -> Level {
    let holds = |condition: &Condition| {
        matches!(condition.evaluate(bindings), Outcome::Value(Value::Bool(true)))
    };
    let mut others = rule.consequence().level_when.iter().filter(|_| !rule.level_is_set);
    others.find(|(_, when)| holds(when)).map_or(rule.info.level, |(level, _)| *level)
}

/// The line of a text, or a place in a file of a model, where evidence names one. `whole_file`: that it
/// names a file is enough.
fn place_of(evidence: &Evidence, whole_file: bool) -> Option<Location> {
    let file = evidence.file.clone()?;
    let known = evidence.line.is_some() || whole_file;
    known.then(|| Location {
        member: evidence.member.clone(),
        offset: evidence.offset,
        ..Location::line(file, evidence.line.unwrap_or(1))
    })
}

fn items(list: &Condition, bindings: &Bindings) -> Vec<Value> {
    match list.evaluate(bindings) {
        Outcome::Value(Value::List(items)) => items.iter().cloned().collect(),
        _ => Vec::new(),
    }
}

pub(super) fn evidence(
    rule: &Rule,
    sheet: &FactSheet,
    bindings: &mut Bindings,
    about: Option<&Value>,
) -> Vec<Evidence> {
    let subject = sheet.subject.to_string();
    let mut all = Vec::new();
    let mut rest = Rest::default();
    for source in &rule.consequence().evidence {
        // The evidence before it has bound its own items.
        if let Some(item) = about {
            bindings.bind_value("it", item.clone());
        }
        let Some(each) = &source.each else {
            all.push(Evidence {
                note: source.note.fill(&subject, bindings),
                ..Evidence::default()
            });
            continue;
        };
        for item in items(each, bindings) {
            bindings.bind_value("it", item.clone());
            let mut one = evidence_of(&item, source.note.fill(&subject, bindings));
            if let (None, Some(about)) = (&one.file, about) {
                // What is listed of a file stands in that file.
                let whole = evidence_of(about, String::new());
                one = Evidence { file: whole.file, member: one.member.or(whole.member), ..one };
            }
            if all.len() < MAX_EVIDENCE {
                all.push(one);
            } else {
                rest.add(&one);
                rest.count += 1;
            }
        }
    }
    all.extend(rest.evidence("more items are not listed"));
    all
}

/// The fields of a fact that have a place in evidence keep it.
fn evidence_of(item: &Value, note: String) -> Evidence {
    let text = |names: &[&str]| {
        let Value::Map(map) = item else { return None };
        names.iter().find_map(|name| match map.get(&KeyRef::String(name)) {
            Some(Value::String(s)) if !s.is_empty() => Some(s.to_string()),
            _ => None,
        })
    };
    let number = |name: &str| {
        let Value::Map(map) = item else { return None };
        match map.get(&KeyRef::String(name)) {
            Some(Value::Int(n)) => u64::try_from(*n).ok(),
            _ => None,
        }
    };
    Evidence {
        note,
        file: text(&["path", "file"]),
        member: text(&["member"]),
        line: number("line").and_then(|n| u32::try_from(n).ok()),
        offset: number("offset"),
        sha256: text(&["sha256"]),
        url: text(&["url"]),
        account: text(&["who", "account"]),
    }
}
