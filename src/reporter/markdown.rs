//! Markdown for a pull-request comment and for a step's summary: what the change did to each
//! subject, then the findings, details folded.
//!
//! The first line is a marker by which a bot finds its own comment again.

use std::fmt::Write as _;

use super::view::{Existing, View};
use super::words::{count, evidence_line, place, told, way};
use super::{Options, hands};
use crate::domain::report::{Context, SubjectChange};
use crate::domain::text::shown;
use crate::domain::{Finding, Report};

/// Marks a comment as ours.
pub(super) const MARKER: &str = "<!-- cargo-custody -->";
/// Longest text, in bytes: a step's summary above 1024 KiB is thrown away whole.
const MAX_BYTES: usize = 900 * 1024;
/// What is kept free for the lines at the end.
const RESERVE: usize = 16 * 1024;
/// Items of evidence shown with a finding.
const MAX_EVIDENCE: usize = 20;
/// Lines about what could not be determined.
const MAX_UNKNOWN: usize = 20;

pub(super) fn render(report: &Report, context: &Context<'_>, options: &Options) -> String {
    let view = View::new(report, context, options, Existing::Counted);
    let mut out = format!("{MARKER}\n### cargo custody {}\n", escaped(&view.verdict()));
    for (number, line) in hands::lines(report, hands::ON_A_PAGE).iter().enumerate() {
        let mark = if number == 0 { "\n" } else { "- " };
        let _ = writeln!(out, "{mark}{}", escaped(line));
    }
    if let Some(changes) = &report.changes {
        changed(&mut out, changes);
    }
    let most = if options.all { usize::MAX } else { options.max_findings };
    if view.shown.is_empty() {
        let _ = write!(out, "\n{}\n", escaped(&view.nothing()));
    } else {
        findings(&mut out, &view.shown, most);
    }
    summary(&mut out, &view);
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

fn changed(out: &mut String, changes: &[SubjectChange]) {
    if changes.is_empty() {
        out.push_str("\nThis change touches no crate and no model.\n");
        return;
    }
    out.push_str("\n| Changed | Version | Hands | Bytes | Capabilities |\n");
    out.push_str("|---|---|---|---|---|\n");
    let row = |change: &SubjectChange| {
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
    };
    // Half of the room is for the findings.
    rows(out, changes.iter().map(row), MAX_BYTES / 2);
}

fn findings(out: &mut String, shown_findings: &[&Finding], most: usize) {
    let listed = &shown_findings[..shown_findings.len().min(most)];
    out.push_str("\n| Level | What was seen | Where |\n|---|---|---|\n");
    let row = |finding: &&Finding| {
        format!(
            "| **{}** | {} | {} |\n",
            finding.level,
            escaped(&finding.message),
            escaped(&place(&finding.location))
        )
    };
    rows(out, listed.iter().map(row), MAX_BYTES * 3 / 4);
    out.push('\n');
    rows(out, listed.iter().map(|finding| details(finding)), MAX_BYTES - RESERVE);
    let more = shown_findings.len() - listed.len();
    if more > 0 {
        let _ = write!(out, "\n{more} more: `cargo custody check --all`\n");
    }
}

fn details(finding: &Finding) -> String {
    let mut out = format!(
        "<details><summary>{}: {} ({})</summary>\n\n",
        finding.level,
        escaped_in_html(&finding.subject.to_string()),
        escaped_in_html(&finding.rule)
    );
    for item in finding.evidence.iter().take(MAX_EVIDENCE) {
        let _ = writeln!(out, "- seen: {}", escaped(&evidence_line(item)));
    }
    let more = finding.evidence.len().saturating_sub(MAX_EVIDENCE);
    if more > 0 {
        let _ = writeln!(out, "- seen: {more} more in the JSON report");
    }
    if finding.path.len() > 1 {
        let _ = writeln!(out, "- why it is here: {}", escaped(&way(finding, "→")));
    }
    for location in &finding.related {
        let _ = writeln!(out, "- declared at {}", escaped(&place(location)));
    }
    if !finding.clear.trim().is_empty() {
        let _ = writeln!(out, "- to clear: {}", escaped(&finding.clear));
    }
    let terms: Vec<String> = finding.arithmetic.iter().map(|term| escaped(term)).collect();
    if !terms.is_empty() {
        let _ = writeln!(out, "- score {:.1}: {}", finding.score, terms.join("; "));
    }
    out.push_str("\n</details>\n");
    out
}

fn summary(out: &mut String, view: &View<'_>) {
    let groups = view.unknown();
    if !groups.is_empty() {
        let _ = write!(out, "\n<details><summary>not determined: ");
        let _ = write!(out, "{}</summary>\n\n", count(groups.len(), "group"));
        for group in groups.iter().take(MAX_UNKNOWN) {
            let _ = writeln!(out, "- {}", escaped(&group.sentence()));
        }
        if groups.len() > MAX_UNKNOWN {
            let _ = writeln!(out, "- {} more", groups.len() - MAX_UNKNOWN);
        }
        out.push_str("\n</details>\n");
    }
    let mut parts =
        vec![format!("audited: {} as of {}", view.audited(), shown(&view.report.as_of))];
    parts.extend(
        [view.left_out()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| format!("not shown: {text}")),
    );
    parts.extend([view.coverage()].into_iter().filter(|text| !text.is_empty()));
    parts.extend(
        [view.provenance()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| format!("sources: {text}")),
    );
    let _ = write!(out, "\n<sub>{}</sub>\n", escaped(&parts.join("; ")));
}

/// Text that stays text: no markup, no HTML, no cell or line break, no mention, no reference to an
/// issue, no address that becomes a link by itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in unlinked(text).chars() {
        if is_markup(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The same inside an HTML element, where a backslash would be seen.
fn escaped_in_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in unlinked(text).chars() {
        if is_markup(c) {
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn is_markup(c: char) -> bool {
    matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' | '{' | '}')
}

/// No HTML, and nothing that GitHub or GitLab link by themselves.
fn unlinked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut previous = ' ';
    for c in told(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A zero-width space keeps the sign and loses the meaning.
            '@' | '#' => {
                out.push(c);
                out.push_str("&#8203;");
            }
            '/' if previous == ':' => out.push_str("&#47;"),
            '.' if previous.eq_ignore_ascii_case(&'w') => out.push_str("&#46;"),
            _ => out.push(c),
        }
        previous = c;
    }
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
    fn a_huge_report_stays_below_the_limit_and_says_what_is_missing() {
        let mut report = sample::delta_report();
        let change = report.changes.as_ref().unwrap()[0].clone();
        report.changes = Some(vec![change; 20_000]);
        report.findings = vec![sample::known_bad(); 20_000];
        let options = Options { all: true, ..Options::default() };
        let text = render(&report, &sample::context(), &options);
        assert!(text.len() < MAX_BYTES, "{}", text.len());
        assert_eq!(text.matches("more do not fit here").count(), 3);
        assert!(text.ends_with("</sub>\n"));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn the_table_of_changes_says_new_updated_and_removed() {
        let text = text(&sample::delta_report());
        assert!(text.contains("| liblzma | 0.3.1 → 0.3.2 |"));
        assert!(text.contains("| quiet-codec | new: 2.4.0 |"));
        assert!(text.contains("| old-codec | removed: 1.0.0 |"));
    }
}
