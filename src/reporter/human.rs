//! The report on a terminal: one block a crate or model, worst first, then what is not known, a line a
//! cause, and the verdict last.
//!
//! Everything is said in words; colour only repeats it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::view::{Existing, View, gates};
use super::wrap::hanging;
use super::{Options, block, hands, words};
use crate::domain::report::Context;
use crate::domain::text::shown;
use crate::domain::{Finding, Level, Report};

/// Lines about findings that a waiver or the baseline covers.
const MAX_ACCEPTED: usize = 40;
/// Narrower than this, text is laid out as if it were this wide.
const MIN_WIDTH: usize = 40;

pub(super) fn render(report: &Report, context: &Context<'_>, options: &Options) -> String {
    let options = Options { width: options.width.max(MIN_WIDTH), ..*options };
    let view = View::new(report, context, &options, Existing::Counted);
    let page = Page { options, context, view };
    let mut out = String::new();
    page.title(&mut out);
    page.hands(&mut out);
    page.changes(&mut out);
    page.findings(&mut out);
    page.summary(&mut out);
    settled(&out)
}

/// What every part of the page looks at.
pub(super) struct Page<'a> {
    pub(super) options: Options,
    pub(super) context: &'a Context<'a>,
    pub(super) view: View<'a>,
}

impl Page<'_> {
    fn hands(&self, out: &mut String) {
        let lines = hands::lines(self.view.report, hands::ON_A_TERMINAL);
        for line in &lines {
            self.paragraph(out, line);
        }
        out.push('\n');
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

    /// First what was audited, so that a log says what it is about.
    fn title(&self, out: &mut String) {
        let report = self.view.report;
        let project = report.project.as_deref().map(|name| format!("{}: ", shown(name)));
        let text = format!(
            "cargo custody {} · {}{} · {}",
            shown(&report.tool_version),
            project.unwrap_or_default(),
            self.view.audited(),
            shown(&report.as_of)
        );
        self.paragraph(out, &text);
    }

    fn findings(&self, out: &mut String) {
        let most = if self.options.all { usize::MAX } else { self.options.max_findings };
        let shown = &self.view.shown[..self.view.shown.len().min(most)];
        let mut advised = Vec::new();
        let groups = block::groups(shown);
        for (at, group) in groups.iter().enumerate() {
            let follows = at > 0 && block::alike(&groups[at - 1], group);
            out.push_str(&block::block(self, group, follows, &mut advised));
            if !groups.get(at + 1).is_some_and(|next| block::alike(group, next)) {
                out.push('\n');
            }
        }
        let more = self.view.shown.len() - shown.len();
        if more > 0 {
            self.paragraph(out, &format!("{more} more: cargo custody check --all"));
            out.push('\n');
        }
    }

    /// `critical[rule]: message`, with a hanging indent.
    pub(super) fn header(&self, out: &mut String, finding: &Finding) {
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
            .and_then(|rule| rule.page.as_ref().or(rule.references.first()))
            .filter(|url| words::is_web(url));
        match url {
            Some(url) if self.options.links => format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"),
            _ => text.to_owned(),
        }
    }

    fn summary(&self, out: &mut String) {
        let view = &self.view;
        if view.shown.is_empty() {
            self.paragraph(out, &view.nothing());
        }
        let accepted = view.accepted_lines();
        let most = if self.options.all { usize::MAX } else { MAX_ACCEPTED };
        for line in accepted.iter().take(most) {
            self.paragraph(out, line);
        }
        let more = accepted.len().saturating_sub(most);
        if more > 0 {
            self.paragraph(out, &format!("accepted: {more} more: cargo custody check --all"));
        }
        for line in view.section_lines() {
            self.paragraph(out, &line);
        }
        let left_out = view.left_out();
        if !left_out.is_empty() {
            self.paragraph(out, &format!("not shown: {left_out} (--all)"));
        }
        // What fails the run has its own command.
        let told = view.shown.iter().any(|finding| gates(view.report, finding));
        if let Some(waive) = view.shown.first().filter(|_| !told).and_then(|one| words::waive(one))
        {
            self.paragraph(out, &format!("accept: {waive}"));
        }
        self.unknown(out);
        if self.everything() {
            for (name, text) in [("measured", view.coverage()), ("sources", view.provenance())] {
                if !text.is_empty() {
                    self.paragraph(out, &format!("{name}: {text}"));
                }
            }
        }
        self.verdict(out);
    }

    fn everything(&self) -> bool {
        self.options.all || self.options.verbose
    }

    fn unknown(&self, out: &mut String) {
        let told = hands::nothing_known(self.view.report);
        for line in self.view.open(self.everything(), told) {
            self.paragraph(out, &format!("not known: {line}"));
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
                let one_word = !line.get(10..).unwrap_or(line).trim().contains(' ');
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
        report.findings[0].location.file = "elsewhere/main.rs".to_owned();
        assert!(text(&report).contains("at      elsewhere/main.rs:23"), "{}", text(&report));
    }

    #[test]
    fn findings_of_one_crate_stand_together_and_its_way_is_told_once() {
        let mut report = sample::report();
        let mut second = sample::known_bad();
        second.rule = "second-rule".to_owned();
        second.level = Level::Low;
        report.findings = vec![sample::known_bad(), sample::new_hands(), second];
        let text = text(&report);
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}\n{text}"));
        assert!(at("low[second-rule]") < at("high[new-hands"), "{text}");
        assert_eq!(text.matches("-> liblzma-sys 0.3.2").count(), 1, "{text}");
        assert_eq!(text.matches("liblzma-sys 0.3.3 or later").count(), 1, "{text}");
    }

    #[test]
    fn rarity_is_told_in_crates_and_the_sum_only_where_more_is_asked_for() {
        let few = text(&sample::report());
        assert!(few.contains("11 of 1,358 honest crates: a file that nobody can read"), "{few}");
        assert!(!few.contains("means "), "{few}");
        let options = Options { verbose: true, ..Options::default() };
        let more = render(&sample::report(), &sample::context(), &options);
        assert!(more.contains("means ") && more.contains("measured: "), "{more}");
    }

    #[test]
    fn a_line_of_the_lock_is_not_quoted_and_a_line_of_code_is() {
        let text = text(&sample::report());
        assert!(!text.contains("version = \"0.3.2\""), "{text}");
        assert!(text.contains("at      src/main.rs:2: let repo = api.model("), "{text}");
    }

    #[test]
    fn what_is_not_known_is_one_line_a_cause() {
        let mut report = sample::report();
        report.undetermined.extend(sample::details(40));
        let few = text(&report);
        assert_eq!(few.matches("not known: ").count(), 3, "{few}");
        assert!(few.contains("40 single facts about 40 crates"), "{few}");
        let options = Options { verbose: true, ..Options::default() };
        let more = render(&report, &sample::context(), &options);
        assert!(more.contains("of 40 crates: odd"), "{more}");
    }
}
