//! What advisories say of the components, with what the project says to it: the VEX part of a bill.
//!
//! A waiver of an advisory is a statement that it does not touch the project: `not_affected`, with its reason.
//! What the baseline knows was seen and is looked at: `in_triage`. Everything else is open, and is not called
//! exploitable: that nobody has looked.

use super::shape::{Advisory, Affects, Analysis, Rating, Reference, Source, Vulnerability};
use super::timestamp;
use crate::domain::finding::AdvisoryNote;
use crate::domain::report::SubjectEntry;
use crate::domain::text::shown;
use crate::domain::{Finding, Report};
use crate::reporter::words::{is_web, told};

const RUSTSEC: Source = Source { name: "RustSec", url: "https://rustsec.org" };

/// One entry an advisory and subject, in the order of the findings.
pub(super) fn of(report: &Report, entries: &[&SubjectEntry]) -> Vec<Vulnerability> {
    let mut all: Vec<Vulnerability> = Vec::new();
    for finding in &report.findings {
        let Some(advisory) = &finding.advisory else { continue };
        let entry = entries.iter().find(|entry| entry.subject == finding.subject);
        let Some(entry) = entry else { continue };
        let one = vulnerability(finding, advisory, entry.identity());
        if !all.iter().any(|other| other.bom_ref == one.bom_ref) {
            all.push(one);
        }
    }
    all
}

fn vulnerability(finding: &Finding, advisory: &AdvisoryNote, reference: &str) -> Vulnerability {
    let aliases = advisory.aliases.iter();
    Vulnerability {
        bom_ref: format!("{}/{reference}", shown(&advisory.id)),
        id: shown(&advisory.id),
        source: RUSTSEC,
        references: aliases.map(|id| Reference { id: shown(id), source: elsewhere(id) }).collect(),
        ratings: vec![rating(advisory)],
        description: told(&finding.message),
        recommendation: told(&finding.clear),
        advisories: advisory
            .url
            .iter()
            .filter(|url| is_web(url))
            .map(|url| Advisory { url: url.clone() })
            .collect(),
        published: timestamp(&advisory.date),
        analysis: analysis(finding, advisory),
        affects: vec![Affects { reference: reference.to_owned() }],
    }
}

fn elsewhere(id: &str) -> Source {
    if id.starts_with("CVE-") {
        Source { name: "CVE", url: "https://www.cve.org" }
    } else {
        Source { name: "GitHub Advisories", url: "https://github.com/advisories" }
    }
}

fn rating(advisory: &AdvisoryNote) -> Rating {
    let severity = match advisory.severity.as_deref() {
        Some("critical") => "critical",
        Some("high") => "high",
        Some("medium") => "medium",
        Some("low") => "low",
        Some("none") => "none",
        _ if matches!(advisory.kind.as_str(), "notice" | "unmaintained") => "info",
        _ => "unknown",
    };
    let method = advisory.cvss.as_deref().and_then(|vector| match vector.get(..8) {
        Some("CVSS:3.0") => Some("CVSSv3"),
        Some("CVSS:3.1") => Some("CVSSv31"),
        Some("CVSS:4.0") => Some("CVSSv4"),
        _ => None,
    });
    Rating { severity, method, vector: advisory.cvss.as_deref().map(shown) }
}

fn analysis(finding: &Finding, advisory: &AdvisoryNote) -> Analysis {
    if let Some(waived) = &finding.waived {
        let until = waived.expires.as_deref();
        let until = until.map_or_else(String::new, |last| format!(" (until {})", shown(last)));
        let detail = format!("{}{until}", told(&waived.reason));
        return Analysis { state: "not_affected", response: Vec::new(), detail };
    }
    let response = if advisory.fix == "update" { vec!["update"] } else { Vec::new() };
    let detail = finding.baselined.as_ref().map(|one| told(&one.reason)).unwrap_or_default();
    Analysis { state: "in_triage", response, detail }
}
