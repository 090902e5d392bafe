//! One page that needs nothing else: nothing is loaded, nothing is sent.
//!
//! The template escapes every value; what is put in unescaped is the style and the script of this folder,
//! which the content security policy knows by their hashes, so that nothing else can style or run. Signs
//! that are invisible or turn the reading order around are taken out of the whole page.

use std::collections::BTreeMap;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::view::{Existing, View};
use super::words::told;
use super::{Format, Options, ReporterError, hands};
use crate::domain::report::Context;
use crate::domain::text::{is_hidden, shown};
use crate::domain::{Level, Report, Subject};

mod cards;
mod graph;
mod lanes;
mod packages;
mod repositories;
mod tables;
#[cfg(test)]
mod tests;

/// The style of every page.
pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Everything that the template shows, in its order.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    style: &'static str,
    style_hash: String,
    script: &'static str,
    script_hash: String,
    title: String,
    kind: &'static str,
    texts: Vec<(String, String)>,
    sections: Vec<(&'static str, &'static str)>,
    worst: Worst,
    verdict: String,
    facts: Vec<(&'static str, String)>,
    tiles: Vec<Tile>,
    nothing: String,
    cards: Vec<cards::Card>,
    hands: Option<lanes::Hands>,
    repositories: Option<repositories::Section>,
    graph: Option<graph::Graph>,
    changes: Vec<tables::Change>,
    models: Vec<tables::Model>,
    gaps: Vec<tables::Gap>,
    matrix: tables::Matrix,
    open: Vec<String>,
    coverage: Vec<tables::Answered>,
    exceptions: Vec<tables::Exception>,
    filters: Vec<(&'static str, &'static str)>,
    packages: Vec<packages::Package>,
    packages_total: usize,
    packages_left_out: usize,
    version: String,
    as_of: String,
    sources: String,
}

/// What the masthead says first.
struct Worst {
    level: &'static str,
    word: &'static str,
    sentence: String,
}

/// A number with a name, and where it leads.
struct Tile {
    class: &'static str,
    number: String,
    name: &'static str,
    anchor: &'static str,
}

pub(super) fn render(
    report: &Report,
    context: &Context<'_>,
    options: &Options,
) -> Result<String, ReporterError> {
    let view = View::new(report, context, options, Existing::Listed);
    written(&page(&view, context))
}

/// A page that is about one crate, one model or one graph.
#[derive(Clone, Debug)]
pub struct About {
    /// What it is, in the words of its head.
    pub kind: &'static str,
    /// The first sentence, where it is not that of the worst finding.
    pub sentence: Option<String>,
    /// Texts that are shown as they are, with their titles.
    pub texts: Vec<(String, String)>,
}

/// Lays out such a page.
pub fn page_about(
    report: &Report,
    context: &Context<'_>,
    about: About,
) -> Result<String, ReporterError> {
    let view = View::new(report, context, &Options::default(), Existing::Listed);
    let mut page = page(&view, context);
    page.kind = about.kind;
    page.texts = about.texts;
    if let Some(sentence) = about.sentence {
        page.worst = Worst { level: "unknown", word: "who", sentence };
        page.verdict = String::new();
    }
    page.sections = sections(&page);
    written(&page)
}

/// The text of a page, of whatever template, without what is hidden.
pub(super) fn written(page: &impl Template) -> Result<String, ReporterError> {
    let text = page.render().map_err(|source| ReporterError::Template {
        format: Format::Html,
        why: source.to_string(),
    })?;
    // Of what is hidden only the line breaks of texts stay.
    Ok(text.chars().filter(|c| !is_hidden(*c)).collect())
}

fn page(view: &View<'_>, context: &Context<'_>) -> Page {
    let report = view.report;
    let mut page = Page {
        style: STYLE,
        style_hash: hash(STYLE),
        script: SCRIPT,
        script_hash: hash(SCRIPT),
        title: report.project.as_deref().map_or_else(|| "This project".to_owned(), shown),
        kind: "report",
        texts: Vec::new(),
        sections: Vec::new(),
        worst: worst(view),
        verdict: view.verdict(),
        facts: facts(view),
        tiles: tiles(view),
        nothing: view.nothing(),
        cards: cards::of(view, context),
        hands: lanes::of(report),
        repositories: repositories::of(report),
        graph: graph::of(view),
        changes: tables::changes(report),
        models: tables::models(report),
        gaps: tables::gaps(report),
        matrix: tables::matrix(report),
        open: view.open(true, false),
        coverage: tables::coverage(report),
        exceptions: tables::exceptions(report),
        filters: packages::FILTERS.to_vec(),
        packages: Vec::new(),
        packages_total: report.subjects.len(),
        packages_left_out: 0,
        version: shown(&report.tool_version),
        as_of: shown(&report.as_of),
        sources: view.provenance(),
    };
    (page.packages, page.packages_left_out) = packages::of(view);
    page.sections = sections(&page);
    page
}

fn sections(page: &Page) -> Vec<(&'static str, &'static str)> {
    [
        (true, "findings", "Findings"),
        (!page.texts.is_empty(), "text", "What was read"),
        (page.hands.is_some(), "hands", "Who holds the keys"),
        (page.repositories.is_some(), "repositories", "Repositories"),
        (page.graph.is_some(), "graph", "How it comes in"),
        (!page.changes.is_empty(), "changes", "What changed"),
        (!page.models.is_empty(), "models", "Models"),
        (true, "unknown", "Not determined"),
        (!page.exceptions.is_empty(), "exceptions", "Exceptions"),
        (true, "packages", "All packages"),
        (true, "reading", "How to read this"),
    ]
    .into_iter()
    .filter(|(there, ..)| *there)
    .map(|(_, anchor, name)| (anchor, name))
    .collect()
}

/// The worst finding ranks above the gate: a run that does not fail can have one.
fn worst(view: &View<'_>) -> Worst {
    if let Some(finding) = view.shown.first() {
        let level = finding.level.as_str();
        return Worst { level, word: level, sentence: told(&finding.message) };
    }
    if view.report.exit == 3 {
        let sentence = "Not everything that this run needs could be read.".to_owned();
        return Worst { level: "unknown", word: "not known", sentence };
    }
    Worst { level: "good", word: "nothing found", sentence: view.nothing() }
}

fn facts(view: &View<'_>) -> Vec<(&'static str, String)> {
    let gate = view.report.fail_on.map_or("never", Level::as_str);
    let facts = [
        ("Audited", view.audited()),
        ("As of", shown(&view.report.as_of)),
        ("Fails from", gate.to_owned()),
        ("Not shown", view.left_out()),
    ];
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn tiles(view: &View<'_>) -> Vec<Tile> {
    let report = view.report;
    let mut tiles: Vec<Tile> = Level::ALL
        .into_iter()
        .rev()
        .filter_map(|level| {
            let many = view.shown.iter().filter(|finding| finding.level == level).count();
            (many > 0 || level >= Level::High).then(|| Tile {
                class: level.as_str(),
                number: many.to_string(),
                name: level.as_str(),
                anchor: "findings",
            })
        })
        .collect();
    if let Some(held) = &report.hands {
        let known = !hands::nothing_known(report);
        let events = held.events.len() + held.events_left_out as usize;
        tiles.push(Tile {
            class: if known { "hands" } else { "unknown" },
            number: if known { events.to_string() } else { "?".to_owned() },
            name: if known { "changes of hands in 24 months" } else { "hands: not known" },
            anchor: "hands",
        });
    }
    let (known, of) =
        report.coverage.values().fold((0, 0), |(known, of), one| (known + one.known, of + one.of));
    if let Some(percent) = (known * 100).checked_div(of) {
        tiles.push(Tile {
            class: if known == of { "answered" } else { "unknown" },
            number: format!("{percent} %"),
            name: "of the questions answered",
            anchor: "unknown",
        });
    }
    tiles
}

/// What the policy knows a style or a script by.
pub(super) fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// A name that stays the same from run to run, for links into the page: `rule/crate@version`.
fn anchor(parts: &[&str]) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "-_.@/+".contains(c);
    let mut text = parts.join("/");
    text = text.chars().map(|c| if keep(c) { c } else { '_' }).take(200).collect();
    text
}

/// The anchor of everything about a subject.
fn subject_anchor(subject: &Subject) -> String {
    anchor(&["about", &named(subject)])
}

/// `name@version`, or the name alone.
fn named(subject: &Subject) -> String {
    if subject.version.is_empty() {
        subject.name.clone()
    } else {
        format!("{}@{}", subject.name, subject.version)
    }
}

/// The worst level of what is shown about each subject.
fn levels<'a>(view: &View<'a>) -> BTreeMap<&'a Subject, Level> {
    let mut levels: BTreeMap<&Subject, Level> = BTreeMap::new();
    for finding in &view.shown {
        let level = levels.entry(&finding.subject).or_insert(finding.level);
        *level = (*level).max(finding.level);
    }
    levels
}
