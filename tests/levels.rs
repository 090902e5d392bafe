//! The policy of levels in `rules/levels.md`, held against every finding; and that what is measured is
//! judged, or that the page says why not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_custody::audit;
use cargo_custody::domain::Level;
use cargo_custody::domain::rule::RuleKind;
use cargo_custody::heuristics::rule::Rule;
use cargo_custody::heuristics::{self, Ruleset};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    std::fs::read_to_string(root().join("rules/levels.md")).expect("the policy is written")
}

/// Cells of the table rows behind a heading, up to the next heading.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = page();
    let (_, rest) = page.split_once(heading).unwrap_or_else(|| panic!("no part {heading:?}"));
    let part = rest.split("\n## ").next().unwrap_or(rest);
    let rows = part.lines().filter(|line| line.starts_with("| ")).map(|line| {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    });
    rows.skip(1).collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Every word that stands before a dot, and every word after one.
fn words(text: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut groups, mut fields) = (BTreeSet::new(), BTreeSet::new());
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    for path in text.split(|c: char| !is_word(c) && c != '.') {
        let mut parts = path.split('.');
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        if !rest.is_empty() {
            groups.insert(first);
        }
        fields.extend(rest);
    }
    (groups, fields)
}

fn text_of(rule: &Rule) -> String {
    std::fs::read_to_string(root().join(&rule.file)).expect("a rule is a file")
}

/// What a rule decides by: everything before its message.
fn head(text: &str) -> &str {
    text.split("\nmessage").next().unwrap_or(text)
}

struct Policy {
    /// Group of facts to its axis.
    axes: BTreeMap<String, String>,
    /// Fields that speak of concealment wherever they stand.
    hiding: Vec<String>,
}

impl Policy {
    fn read() -> Self {
        let (mut axes, mut hiding) = (BTreeMap::new(), Vec::new());
        for row in rows("the axes of the score:").into_iter().take(5) {
            let Some(groups) = row.get(2) else { continue };
            let mut groups = groups.split(", and ");
            for group in quoted(groups.next().unwrap_or_default()) {
                axes.insert(group.to_owned(), row[0].clone());
            }
            hiding.extend(quoted(groups.next().unwrap_or_default()).into_iter().map(str::to_owned));
        }
        Self { axes, hiding }
    }

    /// How many axes a finding joins.
    fn joined(&self, rules: &Ruleset, rule: &Rule) -> usize {
        let text = text_of(rule);
        let (groups, fields) = words(head(&text));
        if fields.contains("rare_axes") {
            return 3;
        }
        let mut axes: BTreeSet<&str> =
            groups.iter().filter_map(|group| self.axes.get(*group)).map(String::as_str).collect();
        if self.hiding.iter().any(|field| fields.contains(field.as_str())) {
            axes.insert("concealment");
        }
        for id in rule.signals() {
            let of_signal =
                rules.rule(id).and_then(|signal| signal.info.axis).expect("a signal has an axis");
            axes.insert(match of_signal.as_str() {
                "opportunity" => "hands",
                "means" => "bytes",
                other => other,
            });
        }
        axes.len()
    }
}

/// The loudest level that a finding can have.
fn loudest(rule: &Rule) -> Level {
    let text = text_of(rule);
    let table: toml::Table = text.parse().expect("a rule is TOML");
    let other = table.get("level-when").and_then(toml::Value::as_table);
    let named = other.into_iter().flat_map(toml::Table::keys).map(String::as_str);
    let all = [Level::Note, Level::Low, Level::Medium, Level::High, Level::Critical];
    let named = named.filter_map(|name| all.into_iter().find(|level| level.as_str() == name));
    named.chain([rule.info.level]).max().expect("it has one")
}

/// The axes that a level needs.
fn needed(level: Level) -> usize {
    match level {
        Level::Note | Level::Low | Level::Medium => 1,
        Level::High => 2,
        Level::Critical => 3,
    }
}

#[test]
fn a_finding_is_no_louder_than_what_it_joins_or_the_page_says_why() {
    let rules = heuristics::load(audit::schema(), &[]).expect("the embedded rules load");
    let policy = Policy::read();
    assert!(policy.axes.len() > 20 && !policy.hiding.is_empty(), "the table is read");
    let excepted: BTreeMap<String, String> = rows("## What needs no company")
        .into_iter()
        .map(|row| (quoted(&row[0])[0].to_owned(), row[1].clone()))
        .collect();
    let mut wrong = Vec::new();
    let mut loud = BTreeSet::new();
    for rule in rules.rules().filter(|rule| rule.info.kind == RuleKind::Finding) {
        let id = &rule.info.id;
        let (level, joined) = (loudest(rule), policy.joined(&rules, rule));
        if needed(level) > joined.max(usize::from(level <= Level::Medium)) {
            loud.insert(id.clone());
            if excepted.get(id).is_none_or(|why| why.len() < 10) {
                wrong.push(format!("{id} is {} and joins {joined} axes", level.as_str()));
            }
        }
    }
    let idle = excepted.keys().filter(|id| !loud.contains(*id));
    wrong.extend(idle.map(|id| format!("{id} needs no exception, or is no finding")));
    assert!(wrong.is_empty(), "see rules/levels.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_list_of_facts_is_read_by_a_rule_or_the_page_says_why_not() {
    let rules = heuristics::load(audit::schema(), &[]).expect("the embedded rules load");
    let texts: String = rules
        .rules()
        .map(|rule| text_of(rule).split("[[test]]").next().unwrap_or_default().to_owned())
        .collect();
    let table = rules.schema().table();
    let lists = table.lines().filter_map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let (fact, kind) = (cells.next()?, cells.next()?);
        let fact = quoted(fact).first().copied()?;
        (kind.starts_with("list of") && fact.matches('.').count() == 1).then_some(fact)
    });
    let is_read = |fact: &str| {
        texts.match_indices(fact).any(|(at, _)| {
            let next = texts.as_bytes().get(at + fact.len());
            !next.is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        })
    };
    let told: Vec<Vec<String>> = rows("## Facts that people read and no finding judges");
    let excepted: BTreeSet<&str> = told.iter().flat_map(|row| quoted(&row[0])).collect();
    assert!(told.iter().all(|row| row[1].len() >= 20), "each with a reason");
    let lists: BTreeSet<&str> = lists.collect();
    assert!(lists.len() > 60, "the table of facts is read: {}", lists.len());
    let mut wrong: Vec<String> = lists
        .iter()
        .filter(|fact| !is_read(fact) && !excepted.contains(*fact))
        .map(|fact| format!("{fact} is read by no rule"))
        .collect();
    wrong.extend(
        excepted
            .iter()
            .filter(|fact| !lists.contains(*fact) || is_read(fact))
            .map(|fact| format!("{fact} needs no exception, or is no list of facts")),
    );
    assert!(wrong.is_empty(), "see rules/levels.md:\n{}", wrong.join("\n"));
}

/// A signal reaches a finding by its name, or by what it adds to the score that `rare-together` reads.
#[test]
fn every_signal_can_reach_a_finding() {
    let rules = heuristics::load(audit::schema(), &[]).expect("the embedded rules load");
    let findings: Vec<&Rule> =
        rules.rules().filter(|rule| rule.info.kind == RuleKind::Finding).collect();
    let by_score = findings.iter().any(|rule| head(&text_of(rule)).contains("score.rare_axes"));
    for signal in rules.catalogue(RuleKind::Signal) {
        let named = findings.iter().any(|rule| rule.signals().contains(&signal.id));
        let weighs = rules.rates().of(&signal.id).bits() > 0.0;
        assert!(named || (by_score && weighs), "no finding can be reached by {}", signal.id);
    }
}
