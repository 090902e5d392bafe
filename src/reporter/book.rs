//! Pages about the rules, made from the rules' own text: where the links of reports lead.
//!
//! Plain files with relative links and nothing to load. Texts of rules are paragraphs, lists that begin
//! with `- `, blocks between three backticks, and code between single ones; nothing else is markup.

use askama::Template;

use super::ReporterError;
use super::html::{STYLE, hash, written};
use super::words::{and, is_web};
use crate::domain::Level;
use crate::domain::rule::{RuleInfo, RuleKind};

/// One rule and the 95 % interval of how often it fires on honest code, as two fractions.
pub type Entry<'a> = (&'a RuleInfo, (f64, f64));

#[derive(Template)]
#[template(path = "rule.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: &'a str,
    id: &'a str,
    title: &'a str,
    about: String,
    docs: Vec<Block>,
    clear: &'a str,
    references: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Index<'a> {
    style: &'static str,
    style_hash: &'a str,
    version: &'static str,
    groups: Vec<(String, Vec<(&'a str, &'a str)>)>,
}

/// A part of a rule's text.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Text(Vec<Span>),
    List(Vec<Vec<Span>>),
    Code(String),
}

/// A part of a line.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    code: bool,
    text: String,
}

/// File names and their texts: a page a rule, and `index.html`.
pub fn pages(rules: &[Entry<'_>]) -> Result<Vec<(String, String)>, ReporterError> {
    let style_hash = hash(STYLE);
    let mut pages = Vec::with_capacity(rules.len() + 1);
    for (rule, interval) in rules {
        let page = Page {
            style: STYLE,
            style_hash: &style_hash,
            id: &rule.id,
            title: &rule.title,
            about: about(rule, *interval),
            docs: blocks(&rule.docs),
            clear: &rule.clear,
            references: rule.references.iter().map(String::as_str).filter(|u| is_web(u)).collect(),
        };
        pages.push((format!("{}.html", rule.id), written(&page)?));
    }
    let version = env!("CARGO_PKG_VERSION");
    let index = Index { style: STYLE, style_hash: &style_hash, version, groups: groups(rules) };
    pages.push(("index.html".to_owned(), written(&index)?));
    Ok(pages)
}

/// Findings by level, worst first, then the signals.
fn groups<'a>(rules: &[Entry<'a>]) -> Vec<(String, Vec<(&'a str, &'a str)>)> {
    let named = |fits: &dyn Fn(&RuleInfo) -> bool| -> Vec<(&'a str, &'a str)> {
        let fitting = rules.iter().filter(|(rule, _)| fits(rule));
        fitting.map(|(rule, _)| (rule.id.as_str(), rule.title.as_str())).collect()
    };
    let mut groups: Vec<(String, Vec<(&str, &str)>)> = Level::ALL
        .into_iter()
        .rev()
        .map(|level| {
            let of_level = |rule: &RuleInfo| rule.kind == RuleKind::Finding && rule.level == level;
            (format!("Findings of level {level}"), named(&of_level))
        })
        .collect();
    let signal = |rule: &RuleInfo| rule.kind == RuleKind::Signal;
    groups.push(("Signals, shown as part of a finding".to_owned(), named(&signal)));
    groups.retain(|(_, rules)| !rules.is_empty());
    groups
}

/// What kind of rule it is, and about what.
fn about(rule: &RuleInfo, (low, high): (f64, f64)) -> String {
    let kinds: Vec<String> = rule.applies_to.iter().map(|kind| kind.as_str().to_owned()).collect();
    match (rule.kind, rule.axis) {
        (RuleKind::Signal, Some(axis)) => format!(
            "A signal on the axis of {}, about {}. It fires on {:.2} to {:.2} % of honest crates (95 % \
             interval) and is shown by itself only with --all.",
            axis.as_str(),
            and(&kinds),
            low * 100.0,
            high * 100.0
        ),
        _ => format!("A finding of level {}, about {}.", rule.level, and(&kinds)),
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            // What follows the backticks on their line names a language.
            blocks.push(Block::Code(part.split_once('\n').map_or("", |(_, code)| code).to_owned()));
            continue;
        }
        for paragraph in part.split("\n\n").map(str::trim).filter(|text| !text.is_empty()) {
            if paragraph.starts_with("- ") {
                let items = paragraph.trim_start_matches("- ").split("\n- ").map(spans);
                blocks.push(Block::List(items.collect()));
            } else {
                blocks.push(Block::Text(spans(paragraph)));
            }
        }
    }
    blocks
}

fn spans(text: &str) -> Vec<Span> {
    let parts = text.split('`').enumerate();
    parts
        .filter(|(_, part)| !part.is_empty())
        .map(|(at, part)| Span { code: at % 2 == 1, text: part.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::sample;

    #[test]
    fn every_rule_has_a_page_and_the_index_leads_to_it() {
        let context = sample::context();
        let rules: Vec<Entry<'_>> = context.rules.iter().map(|rule| (rule, (0.0, 0.01))).collect();
        let pages = pages(&rules).unwrap();
        let (name, index) = pages.last().unwrap();
        assert_eq!(name, "index.html");
        for rule in context.rules {
            let file = format!("{}.html", rule.id);
            assert!(index.contains(&format!("href=\"{file}\"")), "{file}");
            let page = pages.iter().find(|(name, _)| *name == file).map(|(_, page)| page).unwrap();
            assert!(page.contains(&rule.title) && page.contains("What clears it"), "{page}");
        }
    }

    #[test]
    fn a_text_is_paragraphs_lists_and_code_and_nothing_else() {
        let found = blocks("One `a<b>` two.\n\n- x\n- `y`\n\n```sh\nrun\n```\n<script>");
        let plain = |text: &str| Span { code: false, text: text.to_owned() };
        let code = |text: &str| Span { code: true, text: text.to_owned() };
        assert_eq!(
            found,
            [
                Block::Text(vec![plain("One "), code("a<b>"), plain(" two.")]),
                Block::List(vec![vec![plain("x")], vec![code("y")]]),
                Block::Code("run\n".to_owned()),
                Block::Text(vec![plain("<script>")]),
            ]
        );
        let mut rule = sample::context().rules[0].clone();
        rule.docs = "<script>alert(1)</script> `</code><img>` a\u{202e}b\u{1b}c".to_owned();
        let pages = pages(&[(&rule, (0.0, 0.1))]).unwrap();
        assert!(!pages[0].1.contains("<script") && !pages[0].1.contains("<img"));
        assert!(pages[0].1.contains(" abc</p>"), "{}", pages[0].1);
    }
}
