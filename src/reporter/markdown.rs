//! Markdown for a pull-request comment and for a step's summary: the findings, what the change did to
//! what is worth a look, then everything else, folded.
//!
//! The first line is a marker by which a bot finds its own comment again. A comment holds 65,536
//! characters: the table of what is not unusual goes first, then evidence, then remedies. No finding goes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::block::{Group, groups};
use super::gfm::{escaped, escaped_in_html};
use super::view::{Existing, View};
use super::words::{self, change_note, count, evidence_line, place, way};
use super::{Options, hands};
use crate::domain::report::{Context, SubjectChange};
use crate::domain::text::shown;
use crate::domain::{Finding, Level, Report};

/// Marks a comment as ours.
pub(super) const MARKER: &str = "<!-- cargo-custody -->";
/// Longest text, in bytes, which is never less than in characters: GitHub refuses a comment of more than
/// 65,536 characters.
const MAX_BYTES: usize = 65_000;
/// What is kept free for what changed in what is worth a look, for what is not known and for the end.
const RESERVE: usize = 8 * 1024;
/// Items of evidence shown with a finding.
const MAX_EVIDENCE: usize = 8;
/// Most lines about what is accepted.
const MAX_ACCEPTED: usize = 40;
/// Lines about what could not be determined.
const MAX_UNKNOWN: usize = 20;

/// How much is told of each finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Everything.
    Evidence,
    /// What, why and what to do.
    Remedy,
    /// The sentence.
    Sentence,
}

pub(super) fn render(report: &Report, context: &Context<'_>, options: &Options) -> String {
    let view = View::new(report, context, options, Existing::Counted);
    let mut out = format!("{MARKER}\n### cargo custody {}\n", escaped(&view.verdict()));
    let groups = groups(&view.shown);
    if view.shown.is_empty() {
        let _ = write!(out, "\n{}\n", escaped(&view.nothing()));
    } else {
        let room = MAX_BYTES - RESERVE - out.len();
        let details = [Detail::Evidence, Detail::Remedy, Detail::Sentence];
        let told = details.into_iter().map(|detail| findings(&groups, detail));
        let fits = told.into_iter().find(|text| text.len() <= room);
        out.push_str(&fits.unwrap_or_else(|| names(&view.shown, room)));
    }
    let end = summary(&view);
    for (number, line) in hands::lines(report, hands::ON_A_PAGE).iter().enumerate() {
        let mark = if number == 0 { "\n" } else { "- " };
        let line = format!("{mark}{}\n", escaped(line));
        if out.len() + line.len() + end.len() < MAX_BYTES {
            out.push_str(&line);
        }
    }
    if let Some(changes) = &report.changes {
        changed(&mut out, changes, MAX_BYTES.saturating_sub(end.len()));
    }
    out.push_str(&end);
    out
}

fn findings(groups: &[Group<'_>], detail: Detail) -> String {
    let mut out = String::new();
    for group in groups {
        for (at, finding) in group.iter().enumerate() {
            let changed = finding.change.map_or("", change_note);
            let _ = writeln!(
                out,
                "\n**{}** {}: {}{changed}",
                finding.level,
                escaped(&finding.rule),
                escaped(&finding.message)
            );
            if detail < Detail::Sentence {
                notes(&mut out, finding, detail, at == 0);
            }
        }
    }
    out
}

/// Evidence folded, then why it is here, what to do, and how unusual it is.
fn notes(out: &mut String, finding: &Finding, detail: Detail, first: bool) {
    out.push('\n');
    if detail == Detail::Evidence {
        let shown_lines = finding.evidence.iter().take(MAX_EVIDENCE);
        for line in shown_lines.map(evidence_line).filter(|line| !line.is_empty()) {
            let _ = writeln!(out, "- seen: {}", escaped(&line));
        }
        let more = finding.evidence.len().saturating_sub(MAX_EVIDENCE);
        if more > 0 {
            let _ = writeln!(out, "- seen: {more} more in the JSON report");
        }
    }
    if first && finding.path.len() > 1 {
        let declared = finding.related.first().map(|at| format!(" ({})", place(at)));
        let why = way(finding, "→") + &declared.unwrap_or_default();
        let _ = writeln!(out, "- why: {}", escaped(&why));
    }
    if !finding.clear.trim().is_empty() {
        let _ = writeln!(out, "- do: {}", escaped(&finding.clear));
    }
    if let Some(unusual) = words::unusual(finding).filter(|_| first) {
        let _ = writeln!(out, "- unusual: {}", escaped(&unusual));
    }
}

/// One line a rule, with everybody whom it is about: so short that thousands fit; what does not fit even
/// so is counted with its rule.
fn names(findings: &[&Finding], room: usize) -> String {
    let mut rules: BTreeMap<(std::cmp::Reverse<Level>, &str), Vec<String>> = BTreeMap::new();
    for finding in findings {
        let key = (std::cmp::Reverse(finding.level), finding.rule.as_str());
        rules.entry(key).or_default().push(escaped(&finding.subject.to_string()));
    }
    let mut out = String::from("\n");
    let each = room / rules.len().max(1);
    for ((level, rule), subjects) in rules {
        let _ = write!(out, "- **{}** {} ({}):", level.0, escaped(rule), subjects.len());
        let end = out.len() + each.saturating_sub(200);
        for (at, subject) in subjects.iter().enumerate() {
            if out.len() + subject.len() > end {
                let _ = write!(out, " and {} more", subjects.len() - at);
                break;
            }
            let _ = write!(out, "{} {subject}", if at == 0 { "" } else { "," });
        }
        out.push('\n');
    }
    out.push_str("\nToo many to tell more here: see the JSON, SARIF or HTML report.\n");
    out
}

/// Adds rows while there is room, and says how many did not fit.
fn rows(out: &mut String, rows: impl ExactSizeIterator<Item = String>, limit: usize) {
    let mut left = rows.len();
    for row in rows {
        if out.len() + row.len() > limit {
            let _ = write!(out, "\n{left} more do not fit here.\n");
            return;
        }
        out.push_str(&row);
        left -= 1;
    }
}

/// What the change brings: what is worth a look stands open, the rest is folded.
fn changed(out: &mut String, changes: &[SubjectChange], limit: usize) {
    const HEAD: &str =
        "\n| Changed | Version | Hands | Bytes | Capabilities |\n|---|---|---|---|---|\n";
    const SPARE: usize = 400;
    if changes.is_empty() {
        out.push_str("\nThis change touches no crate and no model.\n");
        return;
    }
    let (look, rest): (Vec<&SubjectChange>, Vec<_>) = changes.iter().partition(|one| one.notable);
    let limit = limit.saturating_sub(SPARE);
    if !look.is_empty() {
        out.push_str("\nLook here: hands, build code, bytes or source changed in character.\n");
        out.push_str(HEAD);
        rows(out, look.iter().map(|change| row(change)), limit);
    }
    if !rest.is_empty() && out.len() < limit {
        let updates = count(rest.len(), "update");
        let _ = writeln!(out, "\n<details><summary>nothing unusual: {updates}</summary>");
        out.push_str(HEAD);
        rows(out, rest.iter().map(|change| row(change)), limit);
        out.push_str("\n</details>\n");
    }
}

fn row(change: &SubjectChange) -> String {
    let version = match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{} → {}", escaped(from), escaped(to)),
        (None, Some(to)) => format!("new: {}", escaped(to)),
        (Some(from), None) => format!("removed: {}", escaped(from)),
        (None, None) => String::new(),
    };
    format!(
        "| {} | {version} | {} | {} | {} |\n",
        escaped(&change.name),
        escaped(&change.hands),
        escaped(&change.bytes),
        escaped(&change.capabilities)
    )
}

/// One line for each finding that a waiver or the baseline covers.
fn accepted(out: &mut String, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let findings = count(lines.len(), "finding");
    let _ = writeln!(out, "\n<details><summary>accepted: {findings}</summary>\n");
    for line in lines.iter().take(MAX_ACCEPTED) {
        let _ = writeln!(out, "- {}", escaped(line));
    }
    if lines.len() > MAX_ACCEPTED {
        let _ = writeln!(out, "- {} more in the JSON report", lines.len() - MAX_ACCEPTED);
    }
    out.push_str("\n</details>\n");
}

fn summary(view: &View<'_>) -> String {
    let mut out = String::new();
    for (number, line) in view.section_lines().iter().enumerate() {
        let _ = writeln!(out, "{}- {}", if number == 0 { "\n" } else { "" }, escaped(line));
    }
    accepted(&mut out, &view.accepted_lines());
    let lines = view.open(true, hands::nothing_known(view.report));
    if !lines.is_empty() {
        let causes = count(lines.len(), "cause");
        let _ = writeln!(
            out,
            "\n<details><summary>not known: {}</summary>\n",
            escaped_in_html(&causes)
        );
        for line in lines.iter().take(MAX_UNKNOWN) {
            let _ = writeln!(out, "- {}", escaped(line));
        }
        if lines.len() > MAX_UNKNOWN {
            let _ = writeln!(out, "- {} more", lines.len() - MAX_UNKNOWN);
        }
        out.push_str("\n</details>\n");
    }
    let mut parts =
        vec![format!("audited: {} as of {}", view.audited(), shown(&view.report.as_of))];
    let named = |name: &str, text: String| {
        let told = if name.is_empty() { text.clone() } else { format!("{name}: {text}") };
        (!text.is_empty()).then_some(told)
    };
    parts.extend(named("not shown", view.left_out()));
    parts.extend(named("", view.coverage()));
    parts.extend(named("sources", view.provenance()));
    let _ = write!(out, "\n<sub>{}</sub>\n", escaped(&parts.join("; ")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Evidence;
    use crate::reporter::sample;

    fn text(report: &Report) -> String {
        render(report, &sample::context(), &Options::default())
    }

    #[test]
    fn the_layout_is_stable() {
        sample::golden("fixtures/reports/delta.md", &text(&sample::delta_report()));
        sample::golden("fixtures/reports/clean.md", &text(&sample::clean_report()));
    }

    #[test]
    fn a_bot_finds_its_comment_by_the_first_line() {
        assert!(text(&sample::report()).starts_with("<!-- cargo-custody -->\n"));
    }

    #[test]
    fn strangers_bring_no_markup() {
        let hostile = "a|b `c` <img src=x> @octo #987 [x](y) https://e.invalid www.e.invalid \
                       <!-- --> $x$\n| new | row |\n# head";
        let mut report = sample::delta_report();
        for finding in &mut report.findings {
            finding.message = hostile.to_owned();
            finding.clear = hostile.to_owned();
            finding.rule = hostile.to_owned();
            finding.subject.name = hostile.to_owned();
            finding.evidence = vec![Evidence { note: hostile.to_owned(), ..Evidence::default() }];
        }
        for change in report.changes.as_mut().unwrap() {
            change.hands = hostile.to_owned();
        }
        let text = text(&report);
        for line in text.lines().skip(1) {
            assert!(!line.contains("<img") && !line.contains("<!--"), "{line}");
            assert!(!line.contains("@octo") && !line.contains("#987"), "{line}");
            assert!(!line.contains("https://") && !line.contains("www."), "{line}");
            assert!(!line.contains(" `c`") && !line.contains(" [x]"), "{line}");
            assert!(!line.starts_with("| new") && !line.starts_with("# head"), "{line}");
            if line.starts_with('|') {
                let cells = line.replace("\\|", "").matches('|').count();
                assert!(cells == 4 || cells == 6, "{line}");
            }
        }
    }

    #[test]
    fn a_huge_report_fits_a_comment_and_names_every_finding() {
        for (many, detail) in [(60, "- do: "), (250, "ships 2 files"), (1_500, "c1499 0.3.2")] {
            let mut report = sample::delta_report();
            let change = report.changes.as_ref().unwrap()[0].clone();
            report.changes = Some(vec![change; 20_000]);
            report.findings = (0..many)
                .map(|n| {
                    let mut one = sample::known_bad();
                    one.subject.name = format!("c{n}");
                    one.message = one.message.replace("liblzma-sys", &one.subject.name);
                    one
                })
                .collect();
            let text = text(&report);
            assert!(text.chars().count() < 65_536, "{}", text.len());
            assert!(text.contains(detail), "{many}: {}", &text[..2_000]);
            for n in 0..many {
                assert!(text.contains(&format!("c{n} ")), "{many}: c{n}");
            }
            assert!(text.contains("do not fit here"));
            assert!(text.ends_with("</sub>\n"));
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        }
    }

    #[test]
    fn what_cannot_be_named_even_shortly_is_counted_with_its_rule() {
        let mut report = sample::report();
        report.findings = vec![sample::known_bad(); 9_000];
        let text = text(&report);
        assert!(text.len() < 65_536 && text.contains("(9000):") && text.contains(" more"));
    }

    #[test]
    fn findings_come_before_the_table_and_what_is_not_unusual_is_folded() {
        let text = text(&sample::delta_report());
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
        assert!(at("**critical**") < at("Look here") && at("Look here") < at("nothing unusual"));
        assert!(at("| quiet-codec |") < at("<details>") && at("<details>") < at("| liblzma |"));
    }

    #[test]
    fn the_table_of_changes_says_new_updated_and_removed() {
        let text = text(&sample::delta_report());
        assert!(text.contains("| liblzma | 0.3.1 → 0.3.2 |"));
        assert!(text.contains("| quiet-codec | new: 2.4.0 |"));
        assert!(text.contains("| old-codec | removed: 1.0.0 |"));
    }
}
