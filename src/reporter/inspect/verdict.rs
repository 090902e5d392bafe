//! Who publishes the crate, and what the rules say of it.

use serde_json::Value;

use super::page::{Page, SHOWN, known, list, string, word};
use crate::domain::inspection::Inspection;
use crate::domain::text::shown;
use crate::reporter::words::evidence_line;

pub(super) fn custody(page: &mut Page, custody: &Value) {
    if !known(page, "Who publishes", custody) {
        return;
    }
    page.heading("Who publishes", "");
    let workflow = custody["published_by_workflow"] == true;
    let by = if workflow {
        Some("a trusted workflow".to_owned())
    } else {
        word(&custody["published_by"])
    };
    page.row("this release", by);
    let logins = |key: &str| match custody[key].as_array() {
        Some(all) => {
            let names: Vec<&str> = all.iter().map(|one| string(one, "login")).collect();
            Some(names.join(", "))
        }
        None => word(&custody[key]),
    };
    page.row("owners", logins("owners"));
    page.row("24 months", logins("publishers"));
    for event in list(custody, "events").iter().take(SHOWN) {
        let account = string(event, "account");
        let date = string(event, "date");
        page.row("event", Some(format!("{date} {} {account}", string(event, "kind"))));
    }
}

pub(super) fn section(page: &mut Page, inspection: &Inspection) {
    page.heading("What the rules say", "");
    if inspection.findings.is_empty() {
        page.text(2, "no finding");
    }
    for finding in &inspection.findings {
        page.text(2, &format!("{} {}: {}", finding.level, finding.rule, finding.message));
        for evidence in finding.evidence.iter().take(SHOWN) {
            page.text(6, &evidence_line(evidence));
        }
    }
    if !inspection.signals.is_empty() {
        page.push("  signals");
    }
    for signal in &inspection.signals {
        let axis = signal.axis.as_str();
        page.push(&format!("  {:>6.1} bits  {axis:<12} {}", signal.bits, shown(&signal.id)));
    }
    if !inspection.undetermined.is_empty() {
        let what: Vec<&str> = inspection.undetermined.iter().map(|one| one.what.as_str()).collect();
        let note = format!("not determined: {}", what.join(", "));
        page.text(2, &note);
    }
}
