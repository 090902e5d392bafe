//! Diagnostics for a terminal, in the manner of rustc: the line of the project's own file, what was
//! seen, why the subject is in the graph, what would clear it, and how the score came about.
//!
//! Everything is said in words; colour only repeats it.

use std::fmt::Write as _;

use annotate_snippets::{Group, Renderer};
use anstyle::{AnsiColor, Style};

use super::view::{Existing, View};
use super::words::{self, count};
use super::wrap::{hanging, wrap};
use super::{Options, hands, snippet};
use crate::domain::report::Context;
use crate::domain::text::shown;
use crate::domain::{Finding, Level, Report};

/// Items of evidence shown with a finding before the rest is counted.
const MAX_EVIDENCE: usize = 6;
/// Lines about what could not be determined.
const MAX_UNKNOWN: usize = 5;
/// Narrower than this, text is laid out as if it were this wide.
const MIN_WIDTH: usize = 40;

pub(super) fn render(report: &Report, context: &Context<'_>, options: &Options) -> String {
    let options = Options { width: options.width.max(MIN_WIDTH), ..*options };
    let view = View::new(report, context, &options, Existing::Counted);
    let page = Page { options, context, view };
    let mut out = String::new();
    page.hands(&mut out);
    page.changes(&mut out);
    page.findings(&mut out);
    page.summary(&mut out);
    settled(&out)
}

struct Page<'a> {
    options: Options,
    context: &'a Context<'a>,
    view: View<'a>,
}

impl Page<'_> {
    fn hands(&self, out: &mut String) {
        let lines = hands::lines(self.view.report, hands::ON_A_TERMINAL);
        for line in &lines {
            self.paragraph(out, line);
        }
        if !lines.is_empty() {
            out.push('\n');
        }
    }

    fn changes(&self, out: &mut String) {
        let Some(changes) = &self.view.report.changes else { return };
        let new = changes.iter().filter(|change| change.from.is_none()).count();
        let removed = changes.iter().filter(|change| change.to.is_none()).count();
        let updated = changes.len() - new - removed;
        let text = format!("this change: {new} new, {updated} updated, {removed} removed");
        self.paragraph(out, &text);
        out.push('\n');
    }

    fn findings(&self, out: &mut String) {
        let most = if self.options.all { usize::MAX } else { self.options.max_findings };
        for finding in self.view.shown.iter().take(most) {
            self.header(out, finding);
            out.push_str(&self.body(finding));
            out.push_str("\n\n");
        }
        let more = self.view.shown.len().saturating_sub(most);
        if more > 0 {
            self.paragraph(out, &format!("{more} more: cargo custody check --all"));
            out.push('\n');
        }
    }

    /// `critical[rule]: message`, with a hanging indent.
    fn header(&self, out: &mut String, finding: &Finding) {
        let level = finding.level.as_str();
        let rule = shown(&finding.rule);
        let changed = finding.change.map_or("", words::change_note);
        let text = format!("{level}[{rule}]: {}{changed}", words::told(&finding.message));
        let text = hanging(&text, self.options.width, 2);
        let mark = format!("{level}[{rule}]");
        let rest = text.strip_prefix(&mark).unwrap_or(&text);
        let style = self.style(finding.level);
        let bold = self.bold();
        let name = self.link(finding, &mark);
        let _ = writeln!(out, "{style}{name}{style:#}{bold}{rest}{bold:#}");
    }

    fn link(&self, finding: &Finding, text: &str) -> String {
        let url = self
            .context
            .rules
            .iter()
            .find(|rule| rule.id == finding.rule)
            .and_then(|rule| rule.references.first())
            .filter(|url| words::is_web(url));
        match url {
            Some(url) if self.options.links => format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"),
            _ => text.to_owned(),
        }
    }

    /// The source line and the notes below it.
    fn body(&self, finding: &Finding) -> String {
        let gutter = snippet::gutter(finding, self.context.sources);
        let mut notes = vec![("seen", self.seen(finding))];
        if finding.path.len() > 1 {
            let mut why = words::way(finding, "->");
            if let Some(declared) = finding.related.first() {
                let _ = write!(why, " (declared at {})", words::place(declared));
            }
            notes.push(("why here", vec![why]));
        }
        notes.push(("to clear", vec![words::told(&finding.clear)]));
        let terms: Vec<String> = finding.arithmetic.iter().map(|term| words::told(term)).collect();
        // A finding that no signal speaks of has nothing to add up.
        if !terms.is_empty() {
            notes.push(("score", vec![format!("{:.1}: {}", finding.score, terms.join("; "))]));
        }

        let mut group = Group::with_level(snippet::level(finding.level));
        group = snippet::add_to(group, finding, self.context.sources);
        for (label, items) in notes {
            if items.iter().any(|item| !item.is_empty()) {
                group = group.element(
                    annotate_snippets::Level::NOTE
                        .with_name(Some(label))
                        .message(self.note(label, &items, gutter)),
                );
            }
        }
        self.renderer().render(&[group])
    }

    fn seen(&self, finding: &Finding) -> Vec<String> {
        let most = if self.options.all { usize::MAX } else { MAX_EVIDENCE };
        let mut lines: Vec<String> =
            finding.evidence.iter().take(most).map(words::evidence_line).collect();
        let more = finding.evidence.len().saturating_sub(most);
        if more > 0 {
            lines.push(format!("{more} more in the JSON report"));
        }
        lines
    }

    /// Lines of a note, cut so that they end at the terminal's edge once they are indented.
    fn note(&self, label: &str, items: &[String], gutter: usize) -> String {
        let room = self.options.width.saturating_sub(gutter + label.len() + 5).max(20);
        let lines: Vec<String> = items
            .iter()
            .map(|item| {
                let hang = if items.len() > 1 { 2 } else { 0 };
                wrap(item, room, room - hang).join(&format!("\n{}", " ".repeat(hang)))
            })
            .collect();
        lines.join("\n")
    }

    fn summary(&self, out: &mut String) {
        let view = &self.view;
        if view.shown.is_empty() {
            self.paragraph(out, &view.nothing());
        }
        let left_out = view.left_out();
        if !left_out.is_empty() {
            self.paragraph(out, &format!("not shown: {left_out}"));
        }
        self.unknown(out);
        let mut audited =
            format!("audited: {} as of {}", view.audited(), shown(&view.report.as_of));
        let coverage = view.coverage();
        if !coverage.is_empty() {
            let _ = write!(audited, "; {coverage}");
        }
        self.paragraph(out, &audited);
        let sources = view.provenance();
        if !sources.is_empty() {
            self.paragraph(out, &format!("sources: {sources}"));
        }
        self.verdict(out);
    }

    fn unknown(&self, out: &mut String) {
        let groups = self.view.unknown();
        let most = if self.options.all { usize::MAX } else { MAX_UNKNOWN };
        for group in groups.iter().take(most) {
            self.paragraph(out, &format!("not determined: {}", group.sentence()));
        }
        let more = groups.len().saturating_sub(most);
        if more > 0 {
            self.paragraph(out, &format!("not determined: {} more", count(more, "group")));
        }
    }

    fn verdict(&self, out: &mut String) {
        let text = self.view.verdict();
        let color = match self.view.report.exit {
            0 => AnsiColor::Green,
            1 => AnsiColor::Red,
            _ => AnsiColor::Yellow,
        };
        let style = self.colored(color.on_default().bold());
        let text = hanging(&text, self.options.width, 2);
        let _ = writeln!(out, "{style}{text}{style:#}");
    }

    fn paragraph(&self, out: &mut String, text: &str) {
        out.push_str(&hanging(text, self.options.width, 2));
        out.push('\n');
    }

    fn renderer(&self) -> Renderer {
        let renderer = if self.options.color { Renderer::styled() } else { Renderer::plain() };
        renderer.term_width(self.options.width)
    }

    fn colored(&self, style: Style) -> Style {
        if self.options.color { style } else { Style::new() }
    }

    fn bold(&self) -> Style {
        self.colored(Style::new().bold())
    }

    fn style(&self, level: Level) -> Style {
        self.colored(match level {
            Level::Critical | Level::High => AnsiColor::BrightRed.on_default().bold(),
            Level::Medium => AnsiColor::BrightYellow.on_default().bold(),
            Level::Low => AnsiColor::BrightBlue.on_default().bold(),
            Level::Note => AnsiColor::BrightGreen.on_default().bold(),
        })
    }
}

/// The text without spaces at the ends of its lines, and without a line that a CI runner would take
/// for one of its commands (`::add-path::` at the start, `##[...]` anywhere): words of strangers can
/// land at the start of a wrapped line.
fn settled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_end();
        let word = line.trim_start();
        if let Some(command) = word.strip_prefix("::") {
            out.push_str(&line[..line.len() - word.len()]);
            out.push_str(": :");
            out.push_str(&command.replace("##[", "# #["));
        } else {
            out.push_str(&line.replace("##[", "# #["));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::sample;
    use unicode_width::UnicodeWidthStr as _;

    fn text(report: &Report) -> String {
        render(report, &sample::context(), &Options::default())
    }

    #[test]
    fn the_layout_is_stable() {
        sample::golden("fixtures/reports/sample.txt", &text(&sample::report()));
        sample::golden("fixtures/reports/clean.txt", &text(&sample::clean_report()));
        sample::golden("fixtures/reports/delta.txt", &text(&sample::delta_report()));
        sample::golden("fixtures/reports/incomplete.txt", &text(&sample::incomplete_report()));
    }

    #[test]
    fn lines_fit_the_terminal_and_end_without_spaces() {
        for width in [60, 80, 120] {
            let options = Options { width, ..Options::default() };
            for line in render(&sample::report(), &sample::context(), &options).lines() {
                let one_word = !line.trim_start_matches([' ', '|', '=']).trim().contains(' ');
                assert!(line.width() <= width || one_word, "{width}: {line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }

    #[test]
    fn colour_only_repeats_what_words_say() {
        let options = Options { color: true, ..Options::default() };
        let colored = render(&sample::report(), &sample::context(), &options);
        assert!(colored.contains("\x1b["));
        let bare = anstream::adapter::strip_str(&colored).to_string();
        assert_eq!(settled(&bare), text(&sample::report()));
    }

    #[test]
    fn no_escape_of_a_stranger_reaches_the_terminal() {
        let text = text(&sample::report());
        assert!(!text.contains('\x1b') && !text.contains('\u{202E}'), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::error")), "{text}");
    }

    #[test]
    fn no_line_is_a_command_for_a_ci_runner() {
        let mut report = sample::report();
        report.findings.truncate(1);
        report.findings[0].evidence[0].note =
            "::stop-commands::x ".repeat(9) + "##[add-path]/tmp ##[add-path]/tmp";
        let text = text(&report);
        assert!(text.contains("stop-commands") && text.contains("add-path"));
        for line in text.lines() {
            assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line}");
        }
    }

    #[test]
    fn ten_findings_are_shown_and_the_rest_is_counted() {
        let mut report = sample::report();
        report.findings = vec![sample::known_bad(); 13];
        assert_eq!(text(&report).matches("critical[").count(), 10);
        assert!(text(&report).contains("3 more: cargo custody check --all"));
        let options = Options { all: true, ..Options::default() };
        let all = render(&report, &sample::context(), &options);
        assert_eq!(all.matches("critical[").count(), 13);
    }

    #[test]
    fn a_finding_in_a_file_that_was_not_read_still_has_its_place() {
        let mut report = sample::report();
        report.findings.truncate(1);
        report.findings[0].location.file = "elsewhere/Cargo.lock".to_owned();
        assert!(text(&report).contains("elsewhere/Cargo.lock:23"), "{}", text(&report));
    }
}
