//! Exceptions: which findings a waiver covers, and which waivers cover nothing or have run out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use custody_facts::finding::Waived;
use custody_facts::{Finding, Level, Subject, Waiver};

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
    /// Waivers of a critical finding that name no SHA-256 although there is one to name; they do not
    /// cover it.
    #[serde(default)]
    pub unbound_waivers: Vec<WaiverFacts>,
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

/// Marks the findings that a waiver covers on `as_of` (`YYYY-MM-DD`). `checksums`: SHA-256 of the archives
/// that the lockfile pins.
pub fn apply(
    findings: &mut [Finding],
    waivers: &[Waiver],
    as_of: &str,
    checksums: &BTreeMap<Subject, String>,
) -> PolicyFacts {
    let mut facts = PolicyFacts::default();
    for waiver in waivers {
        if waiver.expires.as_deref().is_some_and(|last| last < as_of) {
            facts.expired_waivers.push(facts_of(waiver));
            continue;
        }
        let (mut used, mut changed, mut unbound) = (false, false, false);
        for finding in findings.iter_mut().filter(|finding| about(waiver, finding)) {
            let archive = checksums.get(&finding.subject).map(String::as_str);
            if waiver.sha256.is_empty() && needs_hash(finding, archive) {
                unbound = true;
            } else if bytes_agree(waiver, finding, archive) {
                used = true;
                let Waiver { reason, expires, .. } = waiver;
                finding.waived = Some(Waived { reason: reason.clone(), expires: expires.clone() });
            } else {
                changed = true;
            }
        }
        if unbound {
            facts.unbound_waivers.push(facts_of(waiver));
            continue;
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

/// Whether a finding is too grave to be waived whatever the bytes are, and has bytes that can be named.
fn needs_hash(finding: &Finding, archive: Option<&str>) -> bool {
    let named = archive.is_some() || finding.evidence.iter().any(|one| one.sha256.is_some());
    finding.level == Level::Critical && named
}

/// Whether all bytes in question are those that were looked at: one hash among several says nothing of the
/// others.
fn bytes_agree(waiver: &Waiver, finding: &Finding, archive: Option<&str>) -> bool {
    let named = |hash: &str| waiver.sha256.iter().any(|one| one == hash);
    if waiver.sha256.is_empty() || archive.is_some_and(named) {
        return true;
    }
    let mut hashes = finding.evidence.iter().filter_map(|one| one.sha256.as_deref()).peekable();
    hashes.peek().is_some() && hashes.all(named)
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
    use custody_facts::{Evidence, Level, Location, Subject};

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
            advisory: None,
            waived: None,
            baselined: None,
        }
    }

    fn waiver() -> Waiver {
        Waiver {
            rule: "build-download".to_owned(),
            package: "ort-sys".to_owned(),
            version: None,
            reason: "we mirror it".to_owned(),
            expires: None,
            sha256: Vec::new(),
            location: Location::line("custody.toml", 3),
        }
    }

    fn none() -> BTreeMap<Subject, String> {
        BTreeMap::new()
    }

    fn bytes(hash: &str) -> Evidence {
        Evidence { sha256: Some(hash.to_owned()), ..Evidence::default() }
    }

    fn excused(finding: &Finding, hashes: &[&str]) -> bool {
        let sha256 = hashes.iter().map(|&hash| hash.to_owned()).collect();
        let archive = BTreeMap::from([(finding.subject.clone(), "archive".to_owned())]);
        let mut findings = [finding.clone()];
        apply(&mut findings, &[Waiver { sha256, ..waiver() }], "2026-11-23", &archive);
        findings[0].waived.is_some()
    }

    #[test]
    fn all_bytes_in_question_have_to_agree_or_the_whole_archive() {
        let two = Finding { evidence: vec![bytes("aa"), bytes("bb")], ..finding() };
        assert!(!excused(&two, &["aa"]), "the other file may be anything");
        assert!(excused(&two, &["aa", "bb"]));
        assert!(excused(&two, &["archive"]));
        assert!(!excused(&Finding { evidence: Vec::new(), ..finding() }, &["aa"]));
    }

    #[test]
    fn a_critical_finding_is_waived_for_named_bytes_only() {
        let grave = Finding { level: Level::Critical, ..finding() };
        assert!(!excused(&grave, &[]));
        assert!(excused(&grave, &["aa"]));
        let facts = apply(&mut [grave.clone()], &[waiver()], "2026-11-23", &none());
        assert_eq!(facts.unbound_waivers.len(), 1);
        // Where nothing has a hash, none can be named.
        let mut bare = [Finding { evidence: Vec::new(), ..grave }];
        apply(&mut bare, &[waiver()], "2026-11-23", &none());
        assert!(bare[0].waived.is_some());
    }

    #[test]
    fn a_waiver_covers_its_finding_and_no_other() {
        let mut findings = [finding()];
        let facts = apply(&mut findings, &[waiver()], "2026-11-23", &none());
        assert!(findings[0].waived.is_some());
        assert_eq!(facts, PolicyFacts::default());
        let other = Waiver { package: "torch-sys".to_owned(), ..waiver() };
        assert_eq!(
            apply(&mut [finding()], &[other], "2026-11-23", &none()).unused_waivers.len(),
            1
        );
    }

    #[test]
    fn a_waiver_counts_on_its_last_day_and_not_after() {
        let dated = Waiver { expires: Some("2026-11-23".to_owned()), ..waiver() };
        let mut findings = [finding()];
        apply(&mut findings, std::slice::from_ref(&dated), "2026-11-23", &none());
        assert!(findings[0].waived.is_some());
        let mut findings = [finding()];
        let facts = apply(&mut findings, &[dated], "2026-11-24", &none());
        assert!(findings[0].waived.is_none());
        assert_eq!(facts.expired_waivers.len(), 1);
    }

    #[test]
    fn a_waiver_dies_when_the_bytes_change() {
        let bound = Waiver { sha256: vec!["bb".to_owned()], ..waiver() };
        let mut findings = [finding()];
        let facts = apply(&mut findings, &[bound], "2026-11-23", &none());
        assert!(findings[0].waived.is_none());
        assert_eq!(facts.outdated_waivers.len(), 1);
    }
}
