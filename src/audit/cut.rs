//! What a report lists of very many findings. Exit code, waivers, baseline and comparison have been told from
//! all of them by then; what is left out is counted, and what counts against the exit code is listed first.

use std::collections::BTreeMap;

use super::gates;
use crate::domain::report::LeftOut;
use crate::domain::{Evidence, Finding, Report, RuleId, Subject};

/// Most findings that a report lists; GitHub keeps 5,000 and nobody reads more.
const FINDINGS: usize = 5_000;
/// Most findings of one rule about one subject.
const OF_A_RULE: usize = 200;
/// Most items of evidence of one finding.
const EVIDENCE: usize = 40;

/// Cuts the lists of a report.
pub fn cut(report: &mut Report) {
    let gate = report.fail_on;
    let mut order: Vec<usize> = (0..report.findings.len()).collect();
    // Stable: within each half the report's own order, the gravest first, stays.
    order.sort_by_key(|&at| !gates(&report.findings[at], gate));
    let mut keep = vec![false; order.len()];
    let mut seen: BTreeMap<(&RuleId, &Subject), usize> = BTreeMap::new();
    let mut kept = 0;
    for at in order {
        let finding = &report.findings[at];
        let of_rule = seen.entry((&finding.rule, &finding.subject)).or_insert(0);
        *of_rule += 1;
        if *of_rule <= OF_A_RULE && kept < FINDINGS {
            keep[at] = true;
            kept += 1;
        }
    }
    let mut left_out: BTreeMap<RuleId, LeftOut> = BTreeMap::new();
    let mut listed = Vec::with_capacity(kept);
    for (finding, keep) in std::mem::take(&mut report.findings).into_iter().zip(keep) {
        if keep {
            listed.push(finding);
            continue;
        }
        let entry = left_out.entry(finding.rule.clone()).or_insert_with(|| LeftOut {
            rule: finding.rule.clone(),
            level: finding.level,
            findings: 0,
            gating: 0,
        });
        entry.level = entry.level.max(finding.level);
        entry.findings += 1;
        entry.gating += usize::from(gates(&finding, gate));
    }
    listed.iter_mut().for_each(shorten);
    report.findings = listed;
    report.findings_left_out = left_out.into_values().collect();
}

/// Leaves the first items of evidence, and counts the others.
fn shorten(finding: &mut Finding) {
    let more = finding.evidence.len().saturating_sub(EVIDENCE);
    if more > 0 {
        finding.evidence.truncate(EVIDENCE);
        let note = format!("and {more} more");
        finding.evidence.push(Evidence { note, ..Evidence::default() });
    }
}
