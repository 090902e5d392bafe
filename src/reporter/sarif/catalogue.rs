//! All rules, as code scanning shows them: the full catalogue, not only the rules that fired.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::shape::{Configuration, Help, Rule, RuleProperties, Text};
use crate::domain::rule::{RuleInfo, RuleKind};
use crate::domain::{Finding, Level, SubjectKind};
use crate::reporter::words::{clip, is_web};

/// Longest description that GitHub keeps, in characters.
const MAX_DESCRIPTION: usize = 1024;
/// Longest help text, in characters; a bound against a rule folder gone wild.
const MAX_HELP: usize = 20_000;

/// Rules in the order of their ids, and where each stands.
pub(super) struct Catalogue {
    pub(super) rules: Vec<Rule>,
    places: BTreeMap<String, usize>,
}

impl Catalogue {
    /// The catalogue; a finding of a rule that is not in it brings a plain entry along, because a
    /// result without its rule is refused.
    pub(super) fn new(rules: &[RuleInfo], findings: &[&Finding]) -> Self {
        let mut all: BTreeMap<&str, Cow<'_, RuleInfo>> =
            rules.iter().map(|rule| (rule.id.as_str(), Cow::Borrowed(rule))).collect();
        for finding in findings {
            all.entry(&finding.rule).or_insert_with(|| Cow::Owned(unlisted(finding)));
        }
        let places = all.keys().enumerate().map(|(index, id)| ((*id).to_owned(), index)).collect();
        Self { rules: all.values().map(|rule| entry(rule)).collect(), places }
    }

    /// Index of a rule.
    pub(super) fn place(&self, id: &str) -> usize {
        *self.places.get(id).expect("the catalogue was made with every finding's rule")
    }
}

/// `note`, `warning` or `error`.
pub(super) fn sarif_level(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Low | Level::Medium => "warning",
        Level::High | Level::Critical => "error",
    }
}

/// Inside GitHub's bands: above 9.0 critical, 7.0 high, 4.0 medium, 0.1 low.
fn security_severity(level: Level) -> &'static str {
    match level {
        Level::Critical => "9.5",
        Level::High => "8.0",
        Level::Medium => "5.5",
        Level::Low => "2.5",
        Level::Note => "0.5",
    }
}

fn unlisted(finding: &Finding) -> RuleInfo {
    RuleInfo {
        id: finding.rule.clone(),
        kind: RuleKind::Finding,
        title: pascal_case(&finding.rule),
        level: finding.level,
        axis: None,
        applies_to: vec![finding.subject.kind],
        docs: String::new(),
        clear: String::new(),
        references: Vec::new(),
        page: None,
    }
}

fn entry(rule: &RuleInfo) -> Rule {
    let title = sentence(&clip(filled(&rule.title, &rule.id), MAX_DESCRIPTION - 1));
    let docs = filled(&rule.docs, &title).trim();
    let first = docs.split("\n\n").next().unwrap_or(docs);
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    Rule {
        name: pascal_case(&rule.id),
        full_description: Text { text: sentence(&clip(&first, MAX_DESCRIPTION - 1)) },
        help: help(rule, docs),
        help_uri: rule.page.iter().chain(&rule.references).find(|url| is_web(url)).cloned(),
        default_configuration: Configuration { level: sarif_level(rule.level) },
        properties: RuleProperties {
            tags: tags(rule),
            precision: match rule.kind {
                RuleKind::Finding => "high",
                RuleKind::Signal => "medium",
            },
            security_severity: security_severity(rule.level),
        },
        short_description: Text { text: title },
        id: rule.id.clone(),
    }
}

fn help(rule: &RuleInfo, docs: &str) -> Help {
    let mut text = clip(docs, MAX_HELP);
    let mut markdown = text.clone();
    if !rule.clear.trim().is_empty() {
        let _ = write!(text, "\n\nWhat would clear it: {}", rule.clear.trim());
        let _ = write!(markdown, "\n\n**What would clear it:** {}", rule.clear.trim());
    }
    let references: Vec<&String> = rule.references.iter().filter(|url| is_web(url)).collect();
    if !references.is_empty() {
        text.push_str("\n\nReferences:");
        markdown.push_str("\n\n**References**\n");
        for url in references {
            let _ = write!(text, "\n{url}");
            let _ = write!(markdown, "\n- <{url}>");
        }
    }
    Help { text, markdown }
}

/// At most 10, `security` first.
fn tags(rule: &RuleInfo) -> Vec<&'static str> {
    let mut tags = vec!["security", "supply-chain"];
    tags.extend(rule.axis.map(crate::domain::Axis::as_str));
    let mut kinds: Vec<&str> =
        rule.applies_to.iter().map(|kind| SubjectKind::as_str(*kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    tags.extend(kinds);
    tags.truncate(10);
    tags
}

/// `known-bad-bytes` as `KnownBadBytes`: viewers want a name that differs from the id.
fn pascal_case(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for word in id.split(['-', '_']) {
        let mut chars = word.chars();
        name.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        name.extend(chars);
    }
    let name: String = name.chars().take(255).collect();
    if name == id { format!("Rule{name}") } else { name }
}

fn filled<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.trim().is_empty() { otherwise } else { text }
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…', ':']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::sample;

    #[test]
    fn descriptions_are_there_and_not_too_long() {
        let mut rule = sample::context().rules[0].clone();
        rule.docs = "é".repeat(5_000);
        rule.title = String::new();
        let entry = entry(&rule);
        assert_eq!(entry.full_description.text.chars().count(), MAX_DESCRIPTION - 1);
        assert_eq!(entry.short_description.text, format!("{}.", rule.id));
    }

    #[test]
    fn a_name_differs_from_its_id() {
        assert_eq!(pascal_case("known-bad-bytes"), "KnownBadBytes");
        assert_eq!(pascal_case("X"), "RuleX");
    }

    #[test]
    fn a_finding_of_an_unlisted_rule_brings_it_along() {
        let finding = sample::known_bad();
        let catalogue = Catalogue::new(&[], &[&finding]);
        assert_eq!(catalogue.place("known-bad-bytes"), 0);
        assert_eq!(catalogue.rules[0].properties.security_severity, "9.5");
    }

    #[test]
    fn only_web_addresses_become_links() {
        let mut rule = sample::context().rules[0].clone();
        rule.references = vec!["javascript:alert(1)".to_owned(), "https://a.invalid/ b".to_owned()];
        let entry = entry(&rule);
        assert_eq!(entry.help_uri, None);
        assert!(!entry.help.markdown.contains("javascript"));
    }
}
