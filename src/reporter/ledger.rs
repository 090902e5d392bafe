//! What the ledger says, in words: headline, coverage and gaps. Nothing else may say that something was
//! measured to its end, or that a run went well.

use std::collections::BTreeSet;

use crate::domain::ledger::{BUILD_CODE, Cause, CauseKind, FILES, Gap, SOURCE, is_reading};
use crate::domain::report::Coverage;
use crate::domain::text::shown;
use crate::domain::{Level, Report, Subject};

use super::view::View;
use super::words::{and, by_kind, count};

/// Names told with a gap before the rest is counted.
const NAMED: usize = 5;

impl View<'_> {
    /// Which questions were answered for every subject, for some, and for none; empty without coverage.
    #[must_use]
    pub fn coverage(&self) -> String {
        let single: BTreeSet<&str> = self
            .report
            .undetermined
            .iter()
            .filter_map(|entry| Some(entry.what.split_once('.')?.0))
            .collect();
        let (mut full, mut but, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for (question, coverage) in &self.report.coverage {
            let lacks = single.contains(question.as_str());
            let question = shown(question);
            if coverage.known == coverage.of {
                if lacks { but.push(question) } else { full.push(question) }
            } else {
                rest.push(format!("{question} {} of {}", coverage.known, coverage.of));
            }
        }
        let mut parts = Vec::new();
        if !full.is_empty() {
            parts.push(format!("measured in full: {}", full.join(", ")));
        }
        if !but.is_empty() {
            parts.push(format!("all but single facts: {}", but.join(", ")));
        }
        if !rest.is_empty() {
            parts.push(format!("in part: {}", rest.join(", ")));
        }
        parts.join("; ")
    }

    /// What was not determined, one line a cause; what the run needs comes first. Single facts that rules
    /// would have liked to know are counted unless `all` are asked for. `without_custody`: that nothing
    /// is known of hands is said elsewhere.
    #[must_use]
    pub fn open(&self, all: bool, without_custody: bool) -> Vec<String> {
        let gaps = self.report.gaps.iter();
        let told = gaps.filter(|gap| !(without_custody && gap.questions == ["custody"]));
        let mut lines: Vec<String> = told.map(gap_line).collect();
        let causes: BTreeSet<&Cause> = self.report.gaps.iter().map(|gap| &gap.cause).collect();
        let mut facts = 0;
        let mut whom: BTreeSet<&Subject> = BTreeSet::new();
        for group in self.unknown() {
            let is_told = causes.contains(&group.cause);
            if group.files > 0 || (!is_told && (all || group.required)) {
                lines.push(group.sentence());
            } else if !is_told {
                facts += group.entries;
                whom.extend(&group.subjects);
            }
        }
        if facts > 0 {
            let whom = whom.into_iter().cloned().collect::<Vec<_>>();
            lines.push(format!(
                "{} about {} (-v)",
                count(facts, "single fact"),
                subjects_told(&whom)
            ));
        }
        lines
    }

    /// One line for each gap among what a run is required to read, or that was accepted, and whether it is
    /// required: what was not answered, about whom, why, and what would close it.
    #[must_use]
    pub fn gap_lines(&self) -> Vec<(String, bool)> {
        let told = self.report.gaps.iter().filter(|gap| {
            let reading = gap.questions.iter().any(|question| is_reading(question));
            !gap.required.is_empty() || (gap.accepted.is_some() && reading)
        });
        told.map(|gap| (unread_line(gap), !gap.required.is_empty())).collect()
    }

    /// One line for each of several lockfiles: what was audited, and what would have come of it alone.
    #[must_use]
    pub fn section_lines(&self) -> Vec<String> {
        let sections = self.report.sections.iter();
        sections
            .map(|one| {
                let end = match one.exit {
                    0 => "passed".to_owned(),
                    1 => "failed".to_owned(),
                    3 => "incomplete".to_owned(),
                    code => format!("exit {code}"),
                };
                let (crates, findings) =
                    (count(one.crates, "crate"), count(one.findings, "finding"));
                format!("{}: {crates}, {findings}: {end}", shown(&one.lockfile))
            })
            .collect()
    }

    /// Why the run ends with its exit code, in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let gate = self.report.fail_on.map_or("never", Level::as_str);
        match self.report.exit {
            0 if self.report.fail_on.is_none() => {
                format!("passed: findings never fail this run{}", accepted(self.report))
            }
            0 => {
                let (hands, open) = (hands(self.report), accepted(self.report));
                format!("passed: nothing counts at level {gate} or above{hands}{open}")
            }
            1 => format!(
                "failed: {} at level {gate} or above (exit 1)",
                count(self.gating(), "finding")
            ),
            3 => format!("incomplete: {} (exit 3)", missing(self.report)),
            code => format!("error: the audit could not be completed (exit {code})"),
        }
    }
}

/// "advisories of 11 crates: no database; to close it: ...".
fn gap_line(gap: &Gap) -> String {
    // Two questions can have one name, as both comparisons with older releases have.
    let mut questions: Vec<String> = Vec::new();
    for one in gap.questions.iter().map(|one| question(one)) {
        if !questions.contains(&one) {
            questions.push(one);
        }
    }
    let more = questions.len().saturating_sub(QUESTIONS);
    questions.truncate(QUESTIONS);
    if more > 0 {
        questions.push(format!("{more} more"));
    }
    let cause = shown(&gap.cause.told());
    let required = if gap.required.is_empty() { "" } else { "required: " };
    let remedy = match (&gap.accepted, remedy(gap)) {
        (Some(reason), _) => format!("; accepted: {}", shown(reason)),
        (None, None) => String::new(),
        (None, Some(remedy)) => format!("; to close it: {remedy}"),
    };
    format!("{required}{} of {}: {cause}{remedy}", and(&questions), subjects_told(&gap.subjects))
}

/// What closes a gap; none where the cause, in the words of whoever met it, says so itself.
pub(super) fn remedy(gap: &Gap) -> Option<&str> {
    let said = gap.cause.kind == CauseKind::Other || gap.cause.on.contains("--");
    Some(gap.remedy.as_str()).filter(|remedy| !said && !remedy.is_empty())
}

/// Questions told with a gap before the rest is counted.
const QUESTIONS: usize = 3;

/// A question in words.
pub(super) fn question(name: &str) -> String {
    match name {
        SOURCE => "source code".to_owned(),
        BUILD_CODE => "build code".to_owned(),
        FILES => "model files".to_owned(),
        "custody" => "who holds the keys".to_owned(),
        "model" => "what is in the files".to_owned(),
        "native" => "native code".to_owned(),
        "archive" => "what is in the archive".to_owned(),
        "build" => "what runs at build time".to_owned(),
        "bytes" => "whether the archive is the pinned one".to_owned(),
        "releases" => "when it was released".to_owned(),
        "window" | "previous" => "what changed since older releases".to_owned(),
        other => shown(other).replace('_', " "),
    }
}

/// "serde 1.0.0", "346 crates", "2 crates and 1 model".
pub(super) fn subjects_told(subjects: &[Subject]) -> String {
    if let [one] = subjects {
        return shown(&one.to_string());
    }
    if subjects.is_empty() { count(0, "crate") } else { by_kind(subjects.iter()) }
}

/// "; hands known of 310 of 326 crates": what a pass says nothing about.
fn hands(report: &Report) -> String {
    let Some(hands) = &report.hands else { return String::new() };
    let known = hands.owners_known.min(hands.publishers_known);
    let crates = count(hands.crates as usize, "crate");
    if hands.crates == 0 { String::new() } else { format!("; hands known of {known} of {crates}") }
}

/// "not read: source of codec 1.0.0 and 3 more: offline and not cached; run once without --offline".
fn unread_line(gap: &Gap) -> String {
    let names: Vec<String> =
        gap.subjects.iter().map(|subject| shown(&subject.to_string())).collect();
    let questions = if gap.required.is_empty() { &gap.questions } else { &gap.required };
    let questions: Vec<String> = questions.iter().map(|question| shown(question)).collect();
    let end = match &gap.accepted {
        Some(reason) if gap.required.is_empty() => format!("accepted: {}", shown(reason)),
        _ => format!("to close: {}", gap.remedy),
    };
    let (what, whom, why) = (and(&questions), few(&names), shown(&gap.cause.told()));
    format!("not read: {what} of {whom}: {why}; {end}")
}

/// "8 of 11 crates could not be read (offline and not cached)".
fn missing(report: &Report) -> String {
    let of = |question: &str| report.coverage.get(question).copied().unwrap_or_default();
    let mut parts = Vec::new();
    for (question, word, what) in [
        (SOURCE, "crate", "could not be read"),
        (BUILD_CODE, "crate", "have build code that could not be read"),
        (FILES, "model", "could not be read whole"),
    ] {
        let gaps: Vec<&Gap> = required(report, |one| one == question);
        if !gaps.is_empty() {
            let Coverage { known, of } = of(question);
            let causes: Vec<String> = gaps.iter().map(|gap| shown(&gap.cause.told())).collect();
            let whom = format!("{} of {}", of - known, count(of, word));
            parts.push(format!("{whom} {what} ({})", causes.join("; ")));
        }
    }
    let others = required(report, |one| !is_reading(one));
    let questions: BTreeSet<String> = others
        .iter()
        .flat_map(|gap| &gap.required)
        .filter(|one| !is_reading(one))
        .map(|one| shown(one))
        .collect();
    if !questions.is_empty() {
        let told: Vec<String> = questions.into_iter().collect();
        parts.push(format!("the policy requires what could not be determined: {}", and(&told)));
    }
    parts.join("; ")
}

fn required(report: &Report, which: impl Fn(&str) -> bool) -> Vec<&Gap> {
    let gaps = report.gaps.iter();
    gaps.filter(|gap| gap.required.iter().any(|question| which(question))).collect()
}

/// "; unread and accepted: a, b": what was let through although nobody read it.
fn accepted(report: &Report) -> String {
    let mut names: Vec<String> = report
        .gaps
        .iter()
        .filter(|gap| gap.accepted.is_some())
        .filter(|gap| gap.questions.iter().any(|question| is_reading(question)))
        .flat_map(|gap| &gap.subjects)
        .map(|subject| shown(&subject.name))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() { String::new() } else { format!("; unread and accepted: {}", few(&names)) }
}

fn few(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names[..names.len() - more].join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}
