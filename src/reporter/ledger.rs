//! What the ledger says, in words: headline, coverage and gaps. Nothing else may say that something was
//! measured to its end, or that a run went well.

use crate::domain::ledger::{BUILD_CODE, FILES, Gap, SOURCE, is_reading};
use crate::domain::report::Coverage;
use crate::domain::text::shown;
use crate::domain::{Level, Report};

use super::view::View;
use super::words::{and, count};

/// Names told with a gap before the rest is counted.
const NAMED: usize = 5;

impl View<'_> {
    /// Which questions were answered for every subject, for some, and for none; empty without coverage.
    #[must_use]
    pub fn coverage(&self) -> String {
        let mut full = Vec::new();
        let mut rest = Vec::new();
        for (question, coverage) in &self.report.coverage {
            let question = shown(question);
            if coverage.known == coverage.of {
                full.push(question);
            } else {
                rest.push(format!("{question} {} of {}", coverage.known, coverage.of));
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

    /// Why the run ends with its exit code, in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let gate = self.report.fail_on.map_or("never", Level::as_str);
        match self.report.exit {
            0 if self.report.fail_on.is_none() => {
                format!("passed: findings never fail this run{}", accepted(self.report))
            }
            0 => {
                format!("passed: nothing counts at level {gate} or above{}", accepted(self.report))
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
    let questions: std::collections::BTreeSet<String> = others
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
