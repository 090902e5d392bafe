//! What of a report is shown, and the sentences that every format for readers says alike.
//!
//! A finding is shown when its level is at least `--min-level`, or when it can fail the run: nobody
//! is told "exit 1" without the reason. Waived findings, and those of the baseline, are told in one line
//! each. What was there before the change is counted in formats for reviewers and kept in formats whose host compares runs itself
//! (it would close an absent finding as fixed).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ledger::{Cause, CauseKind};
use crate::domain::report::Context;
use crate::domain::rule::RuleKind;
use crate::domain::text::shown;
use crate::domain::{Change, Finding, Report, Subject, SubjectKind, Undetermined};

use super::Options;
use super::words::{by_kind, count};

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
    /// Findings that a waiver or the baseline covers, and that are not in `shown`.
    pub accepted: Vec<&'a Finding>,
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
        let mut view =
            Self { report, shown: Vec::new(), accepted: Vec::new(), existing: 0, hidden: 0 };
        for finding in &report.findings {
            let quiet = finding.level < least || signals.contains(finding.rule.as_str());
            if finding.waived.is_some() {
                view.accepted.push(finding);
            } else if quiet && !options.all {
                view.hidden += 1;
            } else if finding.change == Some(Change::Existing)
                && existing == Existing::Counted
                && !options.all
            {
                match finding.baselined {
                    Some(_) => view.accepted.push(finding),
                    None => view.existing += 1,
                }
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
        let audited = self.report.subjects.iter().filter(|entry| !entry.base_only);
        let subjects = audited.map(|entry| &entry.subject);
        let told = by_kind(subjects.filter(|subject| subject.kind != SubjectKind::Project));
        if told.is_empty() { "the project itself".to_owned() } else { told }
    }

    /// One line for each finding that a waiver or the baseline covers: what it is, why it does not count,
    /// and until when.
    #[must_use]
    pub fn accepted_lines(&self) -> Vec<String> {
        self.accepted.iter().map(|finding| accepted_line(finding)).collect()
    }

    /// What is counted instead of shown: "2 existing, 14 notes"; empty for nothing.
    #[must_use]
    pub fn left_out(&self) -> String {
        let mut parts = Vec::new();
        for cut in &self.report.findings_left_out {
            let gating = match cut.gating {
                0 => String::new(),
                gating => format!(", {gating} of them counted against the exit code"),
            };
            let (rule, level) = (shown(&cut.rule), cut.level);
            parts.push(format!("{} more of {rule} (up to {level}{gating})", cut.findings));
        }
        if self.existing > 0 {
            parts.push(format!("{} existing before this change", self.existing));
        }
        if self.hidden > 0 {
            parts.push(format!("{} of lower levels", self.hidden));
        }
        parts.join(", ")
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

    /// What could not be determined, one group a cause, largest group first; groups that the policy
    /// requires before the others.
    #[must_use]
    pub fn unknown(&self) -> Vec<UnknownGroup<'a>> {
        let mut groups: BTreeMap<Cause, UnknownGroup<'a>> = BTreeMap::new();
        for entry in &self.report.undetermined {
            let cause = Cause::of_reason(&entry.reason);
            groups
                .entry(cause.clone())
                .or_insert_with(|| UnknownGroup {
                    what: BTreeSet::new(),
                    cause,
                    required: false,
                    subjects: BTreeSet::new(),
                    files: 0,
                    entries: 0,
                })
                .add(entry);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|group| (!group.required, Reverse(group.subjects.len())));
        groups
    }
}

/// "waived until 2026-12-01: high[rule] codec 1.0.0: we mirror it".
pub(super) fn accepted_line(finding: &Finding) -> String {
    let why = match (&finding.waived, &finding.baselined) {
        (Some(waived), _) => {
            let until = waived
                .expires
                .as_deref()
                .map_or_else(String::new, |last| format!(" until {}", shown(last)));
            (format!("waived{until}"), waived.reason.as_str())
        }
        (None, Some(one)) => {
            (format!("in the baseline of {}", shown(&one.recorded)), one.reason.as_str())
        }
        (None, None) => ("accepted".to_owned(), ""),
    };
    let (rule, subject) = (shown(&finding.rule), shown(&finding.subject.to_string()));
    format!("{}: {}[{rule}] {subject}: {}", why.0, finding.level, shown(why.1))
}

/// Undetermined entries with one cause.
#[derive(Clone, Debug)]
pub struct UnknownGroup<'a> {
    /// Fact groups, rules and questions; those that are required stand first.
    pub what: BTreeSet<(bool, &'a str)>,
    /// Why it is unknown.
    pub cause: Cause,
    /// Whether the policy requires some of it.
    pub required: bool,
    /// Whom it is about, each once.
    pub subjects: BTreeSet<&'a Subject>,
    /// How many of the entries name a file.
    pub files: usize,
    /// How many entries there are.
    pub entries: usize,
}

impl<'a> UnknownGroup<'a> {
    fn add(&mut self, entry: &'a Undetermined) {
        self.what.insert((!entry.required, &entry.what));
        self.required |= entry.required;
        self.subjects.insert(&entry.subject);
        self.files += usize::from(entry.file.is_some());
        self.entries += 1;
    }

    /// "owners of 412 crates: no registry dump", safe to show.
    #[must_use]
    pub fn sentence(&self) -> String {
        let whom = match self.subjects.first() {
            Some(one) if self.subjects.len() == 1 => shown(&one.to_string()),
            _ => by_kind(self.subjects.iter().copied()),
        };
        let files = match self.files {
            0 => String::new(),
            n => format!(" ({})", count(n, "file")),
        };
        let named: Vec<String> =
            self.what.iter().take(WHATS).map(|(_, what)| super::ledger::question(what)).collect();
        let more = match self.what.len() - named.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let required = if self.required { "required: " } else { "" };
        let remedy = match self.cause.kind {
            // Such a cause is told in words that say themselves what to do.
            CauseKind::Other => String::new(),
            _ => format!("; to close it: {}", self.cause.remedy()),
        };
        format!(
            "{required}{}{more} of {whom}{files}: {}{remedy}",
            named.join(", "),
            shown(&self.cause.told())
        )
    }
}

/// Things told of one cause before the rest is counted.
const WHATS: usize = 3;

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
    use crate::domain::Level;
    use crate::reporter::sample;

    fn view(report: &Report, options: &Options) -> (usize, usize, usize, usize) {
        let view = View::new(report, &sample::context(), options, Existing::Counted);
        (view.shown.len(), view.accepted.len(), view.existing, view.hidden)
    }

    #[test]
    fn a_waived_finding_is_one_line_and_existing_ones_are_counted() {
        let (shown, waived, existing, hidden) = view(&sample::delta_report(), &Options::default());
        assert_eq!((waived, existing, hidden), (1, 1, 1));
        assert_eq!(shown, sample::delta_report().findings.len() - 3);
        let report = sample::delta_report();
        let view = View::new(&report, &sample::context(), &Options::default(), Existing::Counted);
        let lines = view.accepted_lines();
        assert!(lines[0].starts_with("waived until 20") && lines[0].contains(']'), "{lines:?}");
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
