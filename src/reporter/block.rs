//! One crate or model with all findings about it, as a block on a terminal: what, seen, why, do, and how
//! unusual it is, in crates. Nothing is said twice.

use std::fmt::Write as _;

use super::human::Page;
use super::view::gates;
use super::words::{self, Hashes};
use super::wrap::wrap;
use crate::domain::{Finding, Level, SubjectKind};

/// Items of evidence shown before the rest is counted: with what stops somebody, and with the others.
const MAX_EVIDENCE: [usize; 2] = [3, 1];
/// Where the text of a line begins.
const INDENT: usize = 10;

/// Findings of one subject, most important first.
pub(super) type Group<'a> = Vec<&'a Finding>;

/// Findings by subject; a subject stands where its worst finding stood.
pub(super) fn groups<'a>(findings: &[&'a Finding]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for finding in findings {
        match groups.iter_mut().find(|group| group[0].subject == finding.subject) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// Whether two blocks say the same of two subjects, below the level that stops anybody: such stand close.
pub(super) fn alike(one: &Group<'_>, other: &Group<'_>) -> bool {
    let [a] = one[..] else { return false };
    let [b] = other[..] else { return false };
    a.rule == b.rule && a.level < Level::High
}

/// The block of one subject. `follows`: the one above said the same of another; `advised` are the remedies that
/// stand above it already.
pub(super) fn block<'a>(
    page: &Page<'_>,
    group: &Group<'a>,
    follows: bool,
    advised: &mut Vec<&'a str>,
) -> String {
    let mut out = String::new();
    let full = page.options.all || page.options.verbose;
    for (at, finding) in group.iter().enumerate() {
        page.header(&mut out, finding);
        let stops = gates(page.view.report, finding);
        // What is said of one more crate, or beside something graver, is said in a sentence.
        let beside = at > 0 && finding.level < Level::Medium && gates(page.view.report, group[0]);
        let brief = !full && !stops && (beside || follows);
        let mut lines = Lines { out: &mut out, width: page.options.width };
        if !brief {
            about(page, finding, at == 0, advised, &mut lines);
        }
        if at + 1 == group.len() && gates(page.view.report, group[0]) {
            lines.put("look", &words::look(&group[0].subject).into_iter().collect::<Vec<_>>());
        }
    }
    out
}

/// What stands below the sentence of a finding.
fn about<'a>(
    page: &Page<'_>,
    finding: &'a Finding,
    first: bool,
    advised: &mut Vec<&'a str>,
    lines: &mut Lines<'_>,
) {
    let stops = gates(page.view.report, finding);
    lines.put("at", &own_place(page, finding));
    lines.put("seen", &seen(page, finding));
    if first {
        lines.put("why", &[why(finding)]);
    }
    if !advised.contains(&finding.clear.as_str()) {
        lines.put("do", &[words::told(&finding.clear)]);
        advised.push(&finding.clear);
    } else if stops {
        lines.put("do", &["the same as above".to_owned()]);
    }
    if stops {
        lines.put("or", &words::waive(finding).into_iter().collect::<Vec<_>>());
    }
    if page.options.verbose {
        lines.put("score", &sum(finding));
    } else if first {
        lines.put("unusual", &words::unusual(finding).into_iter().collect::<Vec<_>>());
    }
}

struct Lines<'o> {
    out: &'o mut String,
    width: usize,
}

impl Lines<'_> {
    /// `  seen    text`, as many lines as it takes; nothing where there is no text.
    fn put(&mut self, label: &str, items: &[String]) {
        let room = self.width.saturating_sub(INDENT);
        let mut label = label;
        for item in items.iter().filter(|item| !item.trim().is_empty()) {
            for line in wrap(item, room, room) {
                // Writing to a String cannot fail.
                let _ = writeln!(self.out, "  {label:<8}{line}");
                label = "";
            }
        }
    }
}

/// Where it lies, with the line itself, unless the line of a lock file would say again what the
/// heading says.
fn own_place(page: &Page<'_>, finding: &Finding) -> Vec<String> {
    let location = &finding.location;
    if location.file.rsplit('/').next() == Some("Cargo.lock") && location.member.is_none() {
        return Vec::new();
    }
    let place = words::place(location);
    // Evidence that names the same place says what is there.
    if finding.evidence.iter().any(|one| words::evidence_line(one).contains(&place)) {
        return Vec::new();
    }
    let plain = location.member.is_none() && location.offset.is_none();
    let line = page.context.sources.line(&location.file, location.line).filter(|_| plain);
    let line = line.map(|line| crate::domain::text::shown(line.trim())).unwrap_or_default();
    vec![if line.is_empty() { place } else { format!("{place}: {line}") }]
}

fn seen(page: &Page<'_>, finding: &Finding) -> Vec<String> {
    let full = page.options.all || page.options.verbose;
    let minor = finding.level < Level::Medium && !gates(page.view.report, finding);
    let most = if full { usize::MAX } else { MAX_EVIDENCE[usize::from(minor)] };
    let hashes = if full { Hashes::All } else { Hashes::ForCopying };
    // A heading can be all that there is to say.
    let news = |line: &String| !line.is_empty() && *line != words::told(&finding.message);
    let lines = finding.evidence.iter().map(|one| words::evidence(one, hashes));
    let mut lines: Vec<String> = lines.filter(news).collect();
    let more = lines.len().saturating_sub(most);
    if more > 0 {
        lines.truncate(most);
        lines.push(format!("and {more} more: -v"));
    }
    lines
}

/// The way to it, and where the first step is asked for.
fn why(finding: &Finding) -> String {
    // That a project depends on what it names goes without saying.
    let named = finding.path.len() == 2 && finding.subject.kind != SubjectKind::Crate;
    if finding.path.len() < 2 || named {
        return String::new();
    }
    let mut why = words::way(finding, "->");
    if let Some(declared) = finding.related.first() {
        let _ = write!(why, " ({})", words::place(declared));
    }
    why
}

fn sum(finding: &Finding) -> Vec<String> {
    let terms: Vec<String> = finding.arithmetic.iter().map(|term| words::told(term)).collect();
    if terms.is_empty() {
        return Vec::new();
    }
    vec![format!("{:.1}: {}", finding.score, terms.join("; "))]
}
