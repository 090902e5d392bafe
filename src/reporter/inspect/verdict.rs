//! Who publishes the crate, and what the rules say of it.

use serde_json::Value;

use super::page::{Page, SHOWN, known, list, string, word};
use crate::domain::fact::unknown_reason;
use crate::domain::inspection::Inspection;
use crate::domain::text::shown;
use crate::reporter::hands::deed;
use crate::reporter::words::{evidence_line, grouped};

pub(super) fn custody(page: &mut Page, custody: &Value) {
    if !known(page, "Hands", custody) {
        return;
    }
    let from = word(&custody["source"]).filter(|_| custody["source"].is_string());
    page.heading(
        "Hands",
        &from.map_or_else(String::new, |from| format!("as told by: {}", shown(&from))),
    );
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
    page.row("owners", owners(&custody["owners"]));
    if custody["sole_publisher"] == true {
        page.row("alone", Some("one account alone can publish it".to_owned()));
    }
    page.row("24 months", logins("publishers"));
    for event in list(custody, "events").iter().take(SHOWN) {
        let (date, kind, who) =
            (string(event, "date"), string(event, "kind"), string(event, "who"));
        let by = event["by"].as_str().map_or_else(String::new, |by| format!(", by {by}"));
        page.row("changed", Some(format!("{date} {}{by}", deed(kind, who))));
    }
    let events = &custody["events"];
    match (events.as_array(), unknown_reason(events)) {
        (Some(all), _) if all.is_empty() => {
            page.row("changed", Some("no change of hands is known".to_owned()));
        }
        (Some(all), _) => page.more(all.len(), "changes of hands"),
        (None, Some(why)) => page.row("changed", Some(format!("not determined: {why}"))),
        (None, None) => {}
    }
}

/// Owners with the day-count since when they are that, where it is known.
fn owners(owners: &Value) -> Option<String> {
    let Some(all) = owners.as_array() else { return word(owners) };
    let one = |owner: &Value| {
        let login = string(owner, "login");
        match owner["since_days"].as_i64() {
            Some(days) => format!("{login} (for {days} days)"),
            None => login.to_owned(),
        }
    };
    Some(all.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// A weight as a reader counts: `1 of 1,024`. An event that has faded counts as what it still weighs.
fn rarity(bits: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let one_of = bits.clamp(0.0, 30.0).exp2().round() as u32;
    format!("1 of {}", grouped(one_of))
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
        page.push("  signals, and how many honest crates show the like");
    }
    for signal in &inspection.signals {
        let (axis, rare) = (signal.axis.as_str(), rarity(signal.bits));
        page.push(&format!("  {rare:>12}  {axis:<12} {}", shown(&signal.id)));
    }
    if !inspection.undetermined.is_empty() {
        let what: Vec<&str> = inspection.undetermined.iter().map(|one| one.what.as_str()).collect();
        let note = format!("not determined: {}", what.join(", "));
        page.text(2, &note);
    }
}

#[cfg(test)]
mod tests {
    use super::rarity;

    #[test]
    fn a_weight_is_told_in_crates() {
        assert_eq!(rarity(10.0), "1 of 1,024");
        assert_eq!(rarity(0.0), "1 of 1");
        assert_eq!(rarity(f64::INFINITY), "1 of 1,073,741,824");
    }
}
