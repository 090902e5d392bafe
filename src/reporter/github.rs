//! Workflow commands that GitHub shows as annotations on a pull request; needs no permission, so
//! it works for forks.
//!
//! A step shows ten errors, ten warnings and ten notices; the rest would vanish silently, so it is
//! counted in a last notice. Words of strangers could be commands, so line breaks never survive.

use std::fmt::Write as _;

use super::Options;
use super::view::{Existing, View};
use super::words::{count, repository_path, told};
use crate::domain::report::Context;
use crate::domain::text::shown;
use crate::domain::{Finding, Level, Report};

/// Annotations of one kind that a step shows.
const MAX_OF_A_KIND: usize = 10;

pub(super) fn render(report: &Report, context: &Context<'_>, options: &Options) -> String {
    let view = View::new(report, context, options, Existing::Counted);
    let mut left =
        [("error", MAX_OF_A_KIND), ("warning", MAX_OF_A_KIND), ("notice", MAX_OF_A_KIND)];
    let mut out = String::new();
    if report.exit == 3 {
        left[1].1 -= 1;
        let _ = writeln!(out, "::warning title=cargo custody::{}", data(&view.verdict()));
    }
    // The last notices are for what is accepted, what was cut and what does not fit.
    let accepted = view.accepted_lines();
    let cut = !view.report.findings_left_out.is_empty();
    left[2].1 -= 1
        + usize::from(!accepted.is_empty())
        + usize::from(cut)
        + usize::from(!view.report.sections.is_empty());
    let mut more = 0;
    for finding in &view.shown {
        let kind = kind(finding.level);
        match left.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, room)) if *room > 0 => {
                *room -= 1;
                annotation(&mut out, kind, finding, context);
            }
            _ => more += 1,
        }
    }
    // One command, so that many waivers leave room for findings; its lines are one each.
    let sections = view.section_lines();
    if !sections.is_empty() {
        let text = data(&sections.join("\n"));
        let _ = writeln!(out, "::notice title=cargo custody::{text}");
    }
    if !accepted.is_empty() {
        let text = format!("accepted:\n{}", accepted.join("\n"));
        let _ = writeln!(out, "::notice title=cargo custody::{}", data(&text));
    }
    if cut {
        let text = format!("not listed: {}", view.left_out());
        let _ = writeln!(out, "::notice title=cargo custody::{}", data(&text));
    }
    if more > 0 {
        let text = format!(
            "{} not annotated: see the step's summary or cargo custody check --all",
            count(more, "more finding")
        );
        let _ = writeln!(out, "::notice title=cargo custody::{}", data(&text));
    }
    out
}

fn kind(level: Level) -> &'static str {
    match level {
        Level::Note => "notice",
        Level::Low | Level::Medium => "warning",
        Level::High | Level::Critical => "error",
    }
}

fn annotation(out: &mut String, kind: &str, finding: &Finding, context: &Context<'_>) {
    let location = &finding.location;
    let path = property(&repository_path(context.prefix, &location.file));
    let line = location.line.max(1);
    let _ = write!(out, "::{kind} file={path},line={line},endLine={line}");
    if let (Some(column), Some(end)) = (location.column, location.end_column) {
        let _ = write!(out, ",col={column},endColumn={end}");
    }
    let title = property(&format!("{}: {}", finding.level, shown(&finding.rule)));
    let mut message = data(&told(&finding.message));
    if !finding.clear.trim().is_empty() {
        let _ = write!(message, "%0ATo clear: {}", data(&told(&finding.clear)));
    }
    let _ = writeln!(out, ",title={title}::{message}");
}

/// Escapes the part after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a value before `::`.
fn property(text: &str) -> String {
    data(&shown(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::sample;

    fn text(report: &Report) -> String {
        render(report, &sample::context(), &Options::default())
    }

    #[test]
    fn the_layout_is_stable() {
        sample::golden("fixtures/reports/sample.github", &text(&sample::report()));
        sample::golden("fixtures/reports/incomplete.github", &text(&sample::incomplete_report()));
    }

    #[test]
    fn every_line_is_a_command_and_no_stranger_writes_one() {
        let mut report = sample::report();
        for finding in &mut report.findings {
            finding.message = "x\n::stop-commands::y\r\n##[add-path]/tmp %0A::z".to_owned();
            finding.location.file = "a,line=1::b\n::error::c%".to_owned();
            finding.rule = "r,title=x::y".to_owned();
        }
        let text = text(&report);
        let (told, accepted): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| !line.starts_with("::notice title=cargo custody::"));
        assert_eq!(accepted.len(), 1, "the waived one");
        for line in told {
            let rest = ["::error file=", "::warning file=", "::notice file="]
                .iter()
                .find_map(|start| line.strip_prefix(start))
                .unwrap_or_else(|| panic!("{line}"));
            let (properties, data) = rest.split_once("::").unwrap();
            assert_eq!(
                properties.matches(',').count(),
                properties.matches('=').count() - 2,
                "{properties}"
            );
            assert!(data.contains("%250A"), "{data}");
        }
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn ten_of_a_kind_are_annotated_and_the_rest_is_counted() {
        let mut report = sample::report();
        report.findings =
            [vec![sample::known_bad(); 12], vec![sample::unpinned_model(); 14]].concat();
        let text = text(&report);
        assert_eq!(text.matches("::error ").count(), 10);
        assert_eq!(text.matches("::warning ").count(), 10);
        assert!(text.contains("::notice title=cargo custody::6 more findings not annotated"));
    }

    #[test]
    fn notices_leave_room_for_the_count() {
        let mut report = sample::report();
        let mut finding = sample::unpinned_model();
        finding.level = Level::Note;
        report.findings = vec![finding; 30];
        let options = Options { all: true, ..Options::default() };
        let text = render(&report, &sample::context(), &options);
        assert_eq!(text.matches("::notice ").count(), 10, "{text}");
        assert!(text.contains("21 more findings"));
    }
}
