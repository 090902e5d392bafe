//! Findings as SARIF results: one a rule and line, because code scanning knows results by these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::catalogue::{Catalogue, sarif_level};
use super::line_hash::line_hashes;
use super::shape::{
    ArtifactLocation, CodeFlow, FlowStep, Outcome, OutcomeProperties, PhysicalLocation, Place,
    Region, Suppression, Text, ThreadFlow,
};
use crate::domain::report::Context;
use crate::domain::text::shown;
use crate::domain::{Change, Finding, Location};
use crate::reporter::fingerprint::Fingerprints;
use crate::reporter::view::accepted_line;
use crate::reporter::words::{evidence_line, place, repository_path, told};

/// Steps of a dependency path.
const MAX_STEPS: usize = 20;
/// Related places of a result.
const MAX_RELATED: usize = 20;
/// Items of evidence told in a message.
const MAX_EVIDENCE: usize = 6;
/// Subjects named in a message that several findings share.
const MAX_MERGED: usize = 10;

/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+').remove(b'@');

/// Why none of the findings counts; nothing where one does.
fn suppressions(group: &[&Finding]) -> Vec<Suppression> {
    let all = group.iter().all(|finding| finding.waived.is_some() || finding.baselined.is_some());
    let told = group.iter().filter(|_| all).map(|finding| plain(&accepted_line(finding)));
    let justified =
        |justification| Suppression { kind: "external", status: "accepted", justification };
    told.collect::<BTreeSet<_>>().into_iter().map(justified).collect()
}

/// Groups findings by rule, file and line; groups and their members keep the report's order.
pub(super) fn grouped<'a>(findings: &[&'a Finding]) -> Vec<Vec<&'a Finding>> {
    let mut places: BTreeMap<(&str, &str, u32), usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let key = (finding.rule.as_str(), finding.location.file.as_str(), finding.location.line);
        let index = *places.entry(key).or_insert(groups.len());
        if index == groups.len() {
            groups.push(Vec::new());
        }
        groups[index].push(finding);
    }
    groups
}

/// Writes results; keeps what is computed once a file.
pub(super) struct Writer<'a> {
    context: &'a Context<'a>,
    lines: BTreeMap<&'a str, Lines<'a>>,
    own: Fingerprints,
}

struct Lines<'a> {
    texts: Vec<&'a str>,
    hashes: Vec<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self { context, lines: BTreeMap::new(), own: Fingerprints::default() }
    }

    /// One result for findings of one rule on one line.
    pub(super) fn outcome(&mut self, group: &[&'a Finding], catalogue: &Catalogue) -> Outcome {
        let first = group[0];
        let related = related(group);
        let level = group.iter().map(|finding| finding.level).max().unwrap_or(first.level);
        let excused = suppressions(group);
        let changes = group.iter().filter_map(|finding| finding.change);
        Outcome {
            rule_index: catalogue.place(&first.rule),
            // What does not count is no warning either.
            level: if excused.is_empty() { sarif_level(level) } else { "note" },
            message: Text { text: message(group, &related) },
            locations: [self.place(&first.location, None, None)],
            partial_fingerprints: self.fingerprints(first),
            baseline_state: group.iter().filter_map(|f| f.change).min().map(
                |change| match change {
                    Change::Introduced => "new",
                    Change::Raised => "updated",
                    Change::Existing => "unchanged",
                },
            ),
            suppressions: excused,
            code_flows: self.flow(first).into_iter().collect(),
            properties: OutcomeProperties {
                level: level.as_str(),
                score: group.iter().map(|finding| finding.score).fold(first.score, f64::max),
                subjects: group.iter().map(|finding| subject(finding)).collect(),
                change: changes.min().map(change_word),
            },
            related_locations: related
                .iter()
                .enumerate()
                .map(|(index, location)| self.place(location, Some(index + 1), None))
                .collect(),
            rule_id: first.rule.clone(),
        }
    }

    fn fingerprints(&mut self, finding: &'a Finding) -> BTreeMap<&'static str, String> {
        let location = &finding.location;
        let mut prints = BTreeMap::new();
        if let Some(lines) = self.lines(&location.file)
            && let Some(hash) = index(location.line).and_then(|index| lines.hashes.get(index))
        {
            prints.insert("primaryLocationLineHash", hash.clone());
        }
        let path = repository_path(self.context.prefix, &location.file);
        prints.insert("custody/v1", self.own.next(finding, &path));
        prints
    }

    fn lines(&mut self, file: &'a str) -> Option<&Lines<'a>> {
        if !self.lines.contains_key(file) {
            let text = self.context.sources.text(file)?;
            let lines = Lines { texts: text.lines().collect(), hashes: line_hashes(text) };
            self.lines.insert(file, lines);
        }
        self.lines.get(file)
    }

    fn place(&mut self, location: &'a Location, id: Option<usize>, text: Option<String>) -> Place {
        let line = self
            .lines(&location.file)
            .and_then(|lines| lines.texts.get(index(location.line)?).copied());
        Place {
            id,
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation {
                    uri: uri(self.context.prefix, &location.file),
                },
                region: region(location, line),
            },
            message: text.map(|text| Text { text }),
        }
    }

    /// The way from the project to the subject; a long one keeps its first step and its last ones.
    fn flow(&mut self, finding: &'a Finding) -> Option<CodeFlow> {
        let located: Vec<_> = finding
            .path
            .iter()
            .filter_map(|step| step.location.as_ref().map(|location| (step, location)))
            .collect();
        if located.len() < 2 {
            return None;
        }
        let skipped = located.len().saturating_sub(MAX_STEPS);
        let locations = located
            .iter()
            .enumerate()
            .filter(|(number, _)| *number == 0 || *number > skipped)
            .map(|(_, (step, location))| {
                let text = plain(format!("{} {}", step.name, step.version).trim());
                FlowStep { location: self.place(location, None, Some(text)) }
            })
            .collect();
        Some(CodeFlow { thread_flows: [ThreadFlow { locations }] })
    }
}

fn related<'a>(group: &[&'a Finding]) -> Vec<&'a Location> {
    let mut related: Vec<&Location> = Vec::new();
    for location in group.iter().flat_map(|finding| &finding.related) {
        if related.len() < MAX_RELATED && !related.contains(&location) {
            related.push(location);
        }
    }
    related
}

/// The observation first (it is the alert's title), then what backs it, the links, what clears it.
fn message(group: &[&Finding], related: &[&Location]) -> String {
    let first = group[0];
    let mut text = sentence(&plain(&first.message));
    for other in group.iter().skip(1).take(MAX_MERGED) {
        let _ = write!(text, " {}", sentence(&plain(&other.message)));
    }
    let more = group.len().saturating_sub(1 + MAX_MERGED);
    if more > 0 {
        let _ = write!(text, " {more} more of this kind on this line.");
    }
    let evidence: Vec<String> = first
        .evidence
        .iter()
        .take(MAX_EVIDENCE)
        .map(|item| unlinked(&evidence_line(item)))
        .collect();
    if !evidence.is_empty() {
        let more = match first.evidence.len() - evidence.len() {
            0 => String::new(),
            n => format!("; {n} more"),
        };
        let _ = write!(text, " Seen: {}{more}.", evidence.join("; "));
    }
    if !related.is_empty() {
        let links: Vec<String> = related
            .iter()
            .enumerate()
            .map(|(index, location)| {
                let words = place(location).replace(['[', ']', '(', ')', '\\'], "_");
                format!("[{words}]({})", index + 1)
            })
            .collect();
        let _ = write!(text, " Declared at {}.", links.join(", "));
    }
    if !first.clear.trim().is_empty() {
        let _ = write!(text, " To clear: {}", sentence(&plain(&first.clear)));
    }
    text
}

/// A stranger's words: safe to show, no link, no placeholder.
fn plain(text: &str) -> String {
    unlinked(&told(text))
}

/// Breaks what a viewer would read as an embedded link `[text](target)` or a placeholder `{0}`.
fn unlinked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut previous = ' ';
    for c in text.chars() {
        if (previous == ']' && c == '(') || (previous == '{' && c.is_ascii_digit()) {
            out.push(' ');
        }
        out.push(c);
        previous = c;
    }
    out
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn subject(finding: &Finding) -> String {
    finding.subject.purl().unwrap_or_else(|| shown(&finding.subject.to_string()))
}

fn change_word(change: Change) -> &'static str {
    match change {
        Change::Introduced => "introduced",
        Change::Raised => "raised",
        Change::Existing => "existing",
    }
}

/// Relative to the repository's root; never absolute, never with a scheme, never upwards.
fn uri(prefix: &str, file: &str) -> String {
    let path = repository_path(prefix, file);
    let parts: Vec<String> =
        path.split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect();
    parts.join("/")
}

/// One line, four coordinates: an alert shows in a pull request only if all its lines changed.
fn region(location: &Location, line: Option<&str>) -> Region {
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX - 1);
    let whole = line.map(|line| {
        let indent = &line[..line.len() - line.trim_start().len()];
        (count(indent) + 1, count(line) + 1)
    });
    let (first, end) = whole.unwrap_or((1, 2));
    let start_column = location.column.unwrap_or(first).max(1);
    let end_column = location.end_column.unwrap_or(end).max(start_column.saturating_add(1));
    let line = location.line.max(1);
    Region { start_line: line, start_column, end_line: line, end_column }
}

fn index(line: u32) -> Option<usize> {
    usize::try_from(line.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative_and_encoded() {
        assert_eq!(uri("", "Cargo.lock"), "Cargo.lock");
        assert_eq!(uri("apps/chat", "src/a b#%é.rs"), "apps/chat/src/a%20b%23%25%C3%A9.rs");
        assert_eq!(uri("", "https://evil.invalid/x"), "https%3A/evil.invalid/x");
        assert_eq!(uri("./a/", "../../b\\c"), "a/b%5Cc");
    }

    #[test]
    fn a_strangers_link_is_no_link() {
        assert_eq!(plain("[x](https://evil.invalid) {0}"), "[x] (https://evil.invalid) { 0}");
    }

    #[test]
    fn a_region_is_one_line_with_four_coordinates() {
        let region = region(&Location::line("Cargo.lock", 0), None);
        assert_eq!((region.start_line, region.end_line), (1, 1));
        assert_eq!((region.start_column, region.end_column), (1, 2));
    }
}
