//! Exceptions: which findings a waiver covers, and which waivers cover nothing or have run out.

use serde::{Deserialize, Serialize};

use crate::domain::finding::Waived;
use crate::domain::{Finding, Waiver};

/// What became of the waivers, as facts of the project (group `policy`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PolicyFacts {
    /// Waivers that no finding needed; each is a place in the policy to tidy up.
    pub unused_waivers: Vec<WaiverFacts>,
    /// Waivers whose last day is past on the day of the audit; they no longer cover anything.
    pub expired_waivers: Vec<WaiverFacts>,
    /// Waivers bound to a file hash that none of the finding's evidence has any more: the bytes
    /// that were looked at have changed.
    pub outdated_waivers: Vec<WaiverFacts>,
}

/// One waiver, as rules see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WaiverFacts {
    /// Rule that it is about.
    pub rule: String,
    /// Crate or model that it is about.
    pub package: String,
    /// The reason that it gives.
    pub reason: String,
    /// Its last day, `YYYY-MM-DD`; empty where it has none.
    pub expires: String,
    /// The policy file.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// Marks the findings that a waiver covers on `as_of` (`YYYY-MM-DD`).
pub fn apply(findings: &mut [Finding], waivers: &[Waiver], as_of: &str) -> PolicyFacts {
    let mut facts = PolicyFacts::default();
    for waiver in waivers {
        if waiver.expires.as_deref().is_some_and(|last| last < as_of) {
            facts.expired_waivers.push(facts_of(waiver));
            continue;
        }
        let (mut used, mut changed) = (false, false);
        for finding in findings.iter_mut().filter(|finding| about(waiver, finding)) {
            if bytes_agree(waiver, finding) {
                used = true;
                let Waiver { reason, expires, .. } = waiver;
                finding.waived = Some(Waived { reason: reason.clone(), expires: expires.clone() });
            } else {
                changed = true;
            }
        }
        match (used, changed) {
            (true, _) => {}
            (false, true) => facts.outdated_waivers.push(facts_of(waiver)),
            (false, false) => facts.unused_waivers.push(facts_of(waiver)),
        }
    }
    facts
}

fn about(waiver: &Waiver, finding: &Finding) -> bool {
    waiver.rule == finding.rule
        && waiver.package == finding.subject.name
        && waiver.version.as_ref().is_none_or(|version| *version == finding.subject.version)
}

fn bytes_agree(waiver: &Waiver, finding: &Finding) -> bool {
    waiver.sha256.as_ref().is_none_or(|hash| {
        finding.evidence.iter().any(|evidence| evidence.sha256.as_ref() == Some(hash))
    })
}

fn facts_of(waiver: &Waiver) -> WaiverFacts {
    WaiverFacts {
        rule: waiver.rule.clone(),
        package: waiver.package.clone(),
        reason: waiver.reason.clone(),
        expires: waiver.expires.clone().unwrap_or_default(),
        file: waiver.location.file.clone(),
        line: waiver.location.line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Evidence, Level, Location, Subject};

    fn finding() -> Finding {
        Finding {
            rule: "build-download".to_owned(),
            level: Level::Medium,
            score: 1.0,
            subject: Subject::registry_crate("ort-sys", "2.0.0"),
            message: String::new(),
            evidence: vec![Evidence { sha256: Some("aa".to_owned()), ..Evidence::default() }],
            location: Location::line("Cargo.lock", 1),
            related: Vec::new(),
            path: Vec::new(),
            change: None,
            arithmetic: Vec::new(),
            terms: Vec::new(),
            clear: String::new(),
            waived: None,
        }
    }

    fn waiver() -> Waiver {
        Waiver {
            rule: "build-download".to_owned(),
            package: "ort-sys".to_owned(),
            version: None,
            reason: "we mirror it".to_owned(),
            expires: None,
            sha256: None,
            location: Location::line("custody.toml", 3),
        }
    }

    #[test]
    fn a_waiver_covers_its_finding_and_no_other() {
        let mut findings = [finding()];
        let facts = apply(&mut findings, &[waiver()], "2026-11-23");
        assert!(findings[0].waived.is_some());
        assert_eq!(facts, PolicyFacts::default());
        let other = Waiver { package: "torch-sys".to_owned(), ..waiver() };
        assert_eq!(apply(&mut [finding()], &[other], "2026-11-23").unused_waivers.len(), 1);
    }

    #[test]
    fn a_waiver_counts_on_its_last_day_and_not_after() {
        let dated = Waiver { expires: Some("2026-11-23".to_owned()), ..waiver() };
        let mut findings = [finding()];
        apply(&mut findings, std::slice::from_ref(&dated), "2026-11-23");
        assert!(findings[0].waived.is_some());
        let mut findings = [finding()];
        let facts = apply(&mut findings, &[dated], "2026-11-24");
        assert!(findings[0].waived.is_none());
        assert_eq!(facts.expired_waivers.len(), 1);
    }

    #[test]
    fn a_waiver_dies_when_the_bytes_change() {
        let bound = Waiver { sha256: Some("bb".to_owned()), ..waiver() };
        let mut findings = [finding()];
        let facts = apply(&mut findings, &[bound], "2026-11-23");
        assert!(findings[0].waived.is_none());
        assert_eq!(facts.outdated_waivers.len(), 1);
    }
}
