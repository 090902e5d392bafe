//! What of a report is shown, and the sentences that every format for readers says alike.
//!
//! A finding is shown when its level is at least `--min-level`, or when it can fail the run: nobody
//! is told "exit 1" without the reason. Waived findings are counted. What was there before the
//! change is counted in formats for reviewers and kept in formats whose host compares runs itself
//! (it would close an absent finding as fixed).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::report::Context;
use crate::domain::rule::RuleKind;
use crate::domain::text::shown;
use crate::domain::{Change, Finding, Level, Report, SubjectKind};

use super::Options;
use super::words::{and, count};

/// Whether findings that were there before the change are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Count them.
    Counted,
    /// List them like the others.
    Listed,
}

/// A report, sorted into what is shown and what is only counted.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The report itself.
    pub report: &'a Report,
    /// Findings to lay out, in the report's order.
    pub shown: Vec<&'a Finding>,
    /// Findings that a waiver covers.
    pub waived: usize,
    /// Findings that were there before the change and are not in `shown`.
    pub existing: usize,
    /// Notes and signals that are not in `shown`.
    pub hidden: usize,
}

impl<'a> View<'a> {
    /// Sorts the findings of a report.
    #[must_use]
    pub fn new(
        report: &'a Report,
        context: &Context<'_>,
        options: &Options,
        existing: Existing,
    ) -> Self {
        let signals: BTreeSet<&str> = context
            .rules
            .iter()
            .filter(|rule| rule.kind == RuleKind::Signal)
            .map(|rule| rule.id.as_str())
            .collect();
        let least = report.fail_on.map_or(options.min_level, |gate| gate.min(options.min_level));
        let mut view = Self { report, shown: Vec::new(), waived: 0, existing: 0, hidden: 0 };
        for finding in &report.findings {
            let quiet = finding.level < least || signals.contains(finding.rule.as_str());
            if finding.waived.is_some() {
                view.waived += 1;
            } else if quiet && !options.all {
                view.hidden += 1;
            } else if finding.change == Some(Change::Existing)
                && existing == Existing::Counted
                && !options.all
            {
                view.existing += 1;
            } else {
                view.shown.push(finding);
            }
        }
        view
    }

    /// Findings that count against the exit code.
    #[must_use]
    pub fn gating(&self) -> usize {
        self.report.findings.iter().filter(|finding| gates(self.report, finding)).count()
    }

    /// "725 crates and 3 models": what was audited, by kind.
    #[must_use]
    pub fn audited(&self) -> String {
        let mut counts = BTreeMap::new();
        for entry in &self.report.subjects {
            if entry.subject.kind != SubjectKind::Project && !entry.base_only {
                *counts.entry(entry.subject.kind).or_insert(0) += 1;
            }
        }
        if counts.is_empty() {
            return "the project itself".to_owned();
        }
        let parts: Vec<String> =
            counts.into_iter().map(|(kind, n)| count(n, kind.as_str())).collect();
        and(&parts)
    }

    /// What is counted instead of shown: "1 waived, 2 existing, 14 notes"; empty for nothing.
    #[must_use]
    pub fn left_out(&self) -> String {
        let mut parts = Vec::new();
        if self.waived > 0 {
            parts.push(format!("{} waived", self.waived));
        }
        if self.existing > 0 {
            parts.push(format!("{} existing before this change", self.existing));
        }
        if self.hidden > 0 {
            parts.push(format!("{} below the level shown", self.hidden));
        }
        parts.join(", ")
    }

    /// Which fact families were measured in full, in part, and not at all; empty without coverage.
    #[must_use]
    pub fn coverage(&self) -> String {
        let mut full = Vec::new();
        let mut rest = Vec::new();
        for (family, coverage) in &self.report.coverage {
            let family = shown(family);
            if coverage.known == coverage.of {
                full.push(family);
            } else {
                rest.push(format!("{family} {} of {}", coverage.known, coverage.of));
            }
        }
        let mut parts = Vec::new();
        if !full.is_empty() {
            parts.push(format!("measured in full: {}", full.join(", ")));
        }
        if !rest.is_empty() {
            parts.push(format!("in part: {}", rest.join(", ")));
        }
        parts.join("; ")
    }

    /// Where the facts come from: "advisories (2026-11-20, 1044 entries)".
    #[must_use]
    pub fn provenance(&self) -> String {
        let parts: Vec<String> = self
            .report
            .provenance
            .iter()
            .map(|(what, origin)| format!("{} ({})", shown(what), shown(origin)))
            .collect();
        parts.join(", ")
    }

    /// The sentence that stands where no finding is shown.
    #[must_use]
    pub fn nothing(&self) -> String {
        let doubt = if self.report.undetermined.is_empty() {
            ""
        } else {
            ", as far as it could be measured"
        };
        if self.report.changes.is_some() {
            format!("This change brings in nothing that stands out{doubt}.")
        } else {
            format!("Nothing stands out in {}{doubt}.", self.audited())
        }
    }

    /// Why the run ends with its exit code, in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let gate = self.report.fail_on.map_or("never", Level::as_str);
        let required = self.report.undetermined.iter().filter(|u| u.required).count();
        match self.report.exit {
            0 if self.report.fail_on.is_none() => "passed: findings never fail this run".to_owned(),
            0 => format!("passed: nothing counts at level {gate} or above"),
            1 => format!(
                "failed: {} at level {gate} or above (exit 1)",
                count(self.gating(), "finding")
            ),
            3 => format!(
                "incomplete: no finding at level {gate} or above, but {} that the policy requires \
                 could not be made (exit 3)",
                count(required, "check")
            ),
            code => format!("error: the audit could not be completed (exit {code})"),
        }
    }

    /// What could not be determined, grouped by what and why, largest group first; groups that the
    /// policy requires before the others.
    #[must_use]
    pub fn unknown(&self) -> Vec<UnknownGroup<'a>> {
        let mut groups: BTreeMap<(bool, &str, &str), UnknownGroup<'a>> = BTreeMap::new();
        for entry in &self.report.undetermined {
            groups
                .entry((!entry.required, &entry.what, &entry.reason))
                .or_insert_with(|| UnknownGroup {
                    what: &entry.what,
                    reason: &entry.reason,
                    required: entry.required,
                    subjects: Vec::new(),
                    files: 0,
                })
                .add(entry);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|group| (!group.required, Reverse(group.subjects.len())));
        groups
    }
}

/// Undetermined entries that say the same of several subjects.
#[derive(Clone, Debug)]
pub struct UnknownGroup<'a> {
    /// Fact group or rule.
    pub what: &'a str,
    /// Why it is unknown.
    pub reason: &'a str,
    /// Whether the policy requires it.
    pub required: bool,
    /// Whom it is about, in the report's order, each once.
    pub subjects: Vec<&'a crate::domain::Subject>,
    /// How many of the entries name a file.
    pub files: usize,
}

impl<'a> UnknownGroup<'a> {
    fn add(&mut self, entry: &'a crate::domain::Undetermined) {
        if self.subjects.last() != Some(&&entry.subject) {
            self.subjects.push(&entry.subject);
        }
        self.files += usize::from(entry.file.is_some());
    }

    /// "owners of 412 crates: no registry dump", safe to show.
    #[must_use]
    pub fn sentence(&self) -> String {
        let whom = match self.subjects.as_slice() {
            [one] => shown(&one.to_string()),
            many => {
                let kinds: BTreeSet<SubjectKind> = many.iter().map(|s| s.kind).collect();
                let kind = kinds.first().filter(|_| kinds.len() == 1);
                count(many.len(), kind.map_or("subject", |kind| kind.as_str()))
            }
        };
        let files = match self.files {
            0 => String::new(),
            n => format!(" ({})", count(n, "file")),
        };
        let required = if self.required { "required: " } else { "" };
        format!("{required}{} of {whom}{files}: {}", shown(self.what), shown(self.reason))
    }
}

/// Whether a finding counts against the exit code.
#[must_use]
pub fn gates(report: &Report, finding: &Finding) -> bool {
    report.fail_on.is_some_and(|gate| finding.level >= gate)
        && finding.waived.is_none()
        && finding.change != Some(Change::Existing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Subject, Undetermined};
    use crate::reporter::sample;

    fn view(report: &Report, options: &Options) -> (usize, usize, usize, usize) {
        let view = View::new(report, &sample::context(), options, Existing::Counted);
        (view.shown.len(), view.waived, view.existing, view.hidden)
    }

    #[test]
    fn waived_notes_and_existing_are_counted_not_shown() {
        let (shown, waived, existing, hidden) = view(&sample::delta_report(), &Options::default());
        assert_eq!((waived, existing, hidden), (1, 1, 1));
        assert_eq!(shown, sample::delta_report().findings.len() - 3);
    }

    #[test]
    fn what_fails_the_run_is_shown_whatever_the_level_asked_for() {
        let report = sample::report();
        let options = Options { min_level: Level::Critical, ..Options::default() };
        let view = View::new(&report, &sample::context(), &options, Existing::Counted);
        let shown = view.shown.iter().filter(|finding| gates(&report, finding)).count();
        assert_eq!(shown, view.gating());
        assert!(view.gating() > 0);
    }

    #[test]
    fn a_waived_or_existing_finding_does_not_gate() {
        let mut report = sample::delta_report();
        report.fail_on = Some(Level::Note);
        for finding in &report.findings {
            let free = finding.waived.is_some() || finding.change == Some(Change::Existing);
            assert_eq!(gates(&report, finding), !free, "{}", finding.rule);
        }
        report.fail_on = None;
        assert!(!report.findings.iter().any(|finding| gates(&report, finding)));
    }

    #[test]
    fn unknowns_that_say_the_same_are_one_line_and_required_ones_come_first() {
        let mut report = sample::clean_report();
        report.undetermined = (0..412)
            .map(|n| entry(&format!("crate-{n}"), "owners", "no registry dump", false))
            .chain([entry("serde", "advisories", "no database", true)])
            .collect();
        let context = sample::context();
        let view = View::new(&report, &context, &Options::default(), Existing::Counted);
        let lines: Vec<String> = view.unknown().iter().map(UnknownGroup::sentence).collect();
        assert_eq!(
            lines,
            [
                "required: advisories of serde 1.0.0: no database",
                "owners of 412 crates: no registry dump"
            ]
        );
    }

    fn entry(name: &str, what: &str, reason: &str, required: bool) -> Undetermined {
        Undetermined {
            subject: Subject::registry_crate(name, "1.0.0"),
            what: what.to_owned(),
            file: None,
            reason: reason.to_owned(),
            required,
        }
    }
}
