//! The advisories that findings are about, as data beside the sentences.

use std::collections::BTreeMap;

use super::group_of;
use crate::collectors::advisories::{self, AdvisoryFact, AdvisoryFacts, Fix};
use crate::domain::finding::AdvisoryNote;
use crate::domain::{Finding, Subject};
use crate::heuristics::judge::Case;

/// Adds to each finding the advisory of its subject whose id its message names.
pub(super) fn attach(findings: &mut [Finding], cases: &[Case]) {
    let mut known: BTreeMap<&Subject, Vec<AdvisoryFact>> = BTreeMap::new();
    for case in cases {
        let facts = group_of::<AdvisoryFacts>(&case.sheet, advisories::GROUP);
        let list = facts.known().and_then(|facts| facts.list.known().cloned()).unwrap_or_default();
        if !list.is_empty() {
            known.entry(&case.sheet.subject).or_default().extend(list);
        }
    }
    for finding in findings.iter_mut() {
        let list = known.get(&finding.subject).map_or(&[][..], Vec::as_slice);
        // The message of such a rule names the id and nothing before it but the subject.
        let about = list.iter().find(|one| finding.message.contains(&format!(": {}, ", one.id)));
        finding.advisory = about.map(note);
    }
}

fn note(fact: &AdvisoryFact) -> AdvisoryNote {
    let fact = fact.clone();
    AdvisoryNote {
        id: fact.id,
        kind: fact.kind,
        date: fact.date,
        severity: fact.severity,
        cvss: fact.cvss,
        aliases: fact.aliases,
        patched: fact.patched,
        url: fact.url,
        fix: match fact.fix {
            Fix::Update => "update",
            Fix::Upgrade => "upgrade",
            Fix::None => "none",
        }
        .to_owned(),
        fixed_in: fact.fixed_in,
        held_by: fact.held_by,
    }
}
