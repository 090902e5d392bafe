//! What code scanning would do with it.

use serde_json::Value;

use super::*;
use crate::reporter::sample;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../fixtures/schemas/sarif-2.1.0.json")).unwrap()
}

fn text(report: &Report) -> String {
    render(report, &sample::context(), &Options::default()).unwrap()
}

fn run(report: &Report) -> Value {
    let mut log: Value = serde_json::from_str(&text(report)).unwrap();
    log["runs"][0].take()
}

fn results(report: &Report) -> Vec<Value> {
    run(report)["results"].as_array().unwrap().clone()
}

#[test]
fn the_layout_is_stable() {
    sample::golden("fixtures/reports/sample.sarif", &text(&sample::report()));
    sample::golden("fixtures/reports/clean.sarif", &text(&sample::clean_report()));
}

#[test]
fn logs_are_valid_with_and_without_findings() {
    let reports = [
        sample::report(),
        sample::clean_report(),
        sample::delta_report(),
        sample::incomplete_report(),
    ];
    for report in reports {
        let log = serde_json::from_str(&text(&report)).unwrap();
        sample::validate(&schema(), &[], &log);
    }
}

#[test]
fn the_schema_notices_a_wrong_log() {
    let mut log: Value = serde_json::from_str(&text(&sample::report())).unwrap();
    log["runs"][0]["results"][0]["level"] = Value::from("critical");
    assert!(sample::invalid(&schema(), &[], &log).is_some());
}

#[test]
fn results_are_an_array_and_rules_the_full_catalogue_even_without_findings() {
    let run = run(&sample::clean_report());
    assert_eq!(run["results"], serde_json::json!([]));
    let ids: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    let expected: Vec<&str> = sample::context().rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, expected);
    assert!(ids.is_sorted());
}

#[test]
fn every_rule_is_told_as_github_wants_it() {
    for rule in run(&sample::clean_report())["tool"]["driver"]["rules"].as_array().unwrap() {
        assert_ne!(rule["id"], rule["name"]);
        for text in ["/shortDescription/text", "/fullDescription/text", "/help/text"] {
            assert!(!rule.pointer(text).unwrap().as_str().unwrap().is_empty(), "{text}");
        }
        let properties = &rule["properties"];
        assert_eq!(properties["tags"][0], "security");
        assert!(properties["tags"].as_array().unwrap().len() <= 10);
        let severity: f64 = properties["security-severity"].as_str().unwrap().parse().unwrap();
        assert!(severity > 0.0 && severity <= 10.0);
        assert!(properties.get("problem.severity").is_none());
    }
}

#[test]
fn a_result_names_its_rule_by_id_and_index() {
    let run = run(&sample::report());
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}

#[test]
fn a_dependency_stands_on_its_version_line_with_the_genuine_hash() {
    let result = &results(&sample::report())[0];
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 23);
    assert_eq!(region["endLine"], 23);
    assert_eq!((&region["startColumn"], &region["endColumn"]), (&1.into(), &18.into()));
    let expected = &line_hash::line_hashes(sample::LOCK)[22];
    assert_eq!(result["partialFingerprints"]["primaryLocationLineHash"], expected.as_str());
}

#[test]
fn moving_a_line_keeps_both_fingerprints() {
    let mut sources = crate::domain::Sources::default();
    let moved = sample::LOCK.replacen("version = 4\n", "version = 4\n\n# moved\n\n", 1);
    sources.insert("Cargo.lock", moved);
    let mut report = sample::report();
    for finding in &mut report.findings {
        finding.location.line += 3;
    }
    let context = Context { sources: &sources, ..sample::context() };
    let log = render(&report, &context, &Options::default()).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    let before = &results(&sample::report())[0]["partialFingerprints"];
    assert_eq!(&log["runs"][0]["results"][0]["partialFingerprints"], before);
}

#[test]
fn findings_of_one_rule_on_one_line_are_one_result() {
    let mut report = sample::report();
    let mut second = sample::known_bad();
    second.message = "liblzma-sys 0.3.2 ships a third one".to_owned();
    report.findings.insert(1, second);
    let results = results(&report);
    let on_line = |result: &&Value| result["ruleId"] == "known-bad-bytes";
    assert_eq!(results.iter().filter(on_line).count(), 1);
    assert!(results[0]["message"]["text"].as_str().unwrap().contains("a third one"));
}

#[test]
fn links_in_a_message_are_its_related_locations() {
    for result in results(&sample::report()) {
        let text = result["message"]["text"].as_str().unwrap().to_owned();
        let related = result["relatedLocations"].as_array().map_or(0, Vec::len);
        assert_eq!(text.matches("](").count(), related, "{text}");
        for id in 1..=related {
            assert!(text.contains(&format!("]({id})")), "{text}");
        }
    }
}

#[test]
fn waived_results_are_suppressed_and_existing_ones_unchanged() {
    let existing = |result: &Value| result["properties"]["change"] == "existing";
    let results = results(&sample::delta_report());
    assert!(results.iter().any(existing));
    for result in &results {
        let waived = result["ruleId"] == "yanked-in-lock";
        let excused = &result["suppressions"][0];
        assert_eq!(excused["status"] == "accepted", waived, "{result:#}");
        assert!(result["level"] == "note" || !waived);
        if waived {
            let why = excused["justification"].as_str().unwrap();
            assert!(why.starts_with("waived until"), "{why}");
        }
        assert_eq!(result["baselineState"] == "unchanged", existing(result), "{result:#}");
    }
}

#[test]
fn a_missing_required_check_fails_the_delivery_so_that_no_alert_is_closed() {
    let invocation = |report| run(&report)["invocations"][0].clone();
    assert_eq!(invocation(sample::report())["executionSuccessful"], true);
    let incomplete = invocation(sample::incomplete_report());
    assert_eq!(incomplete["executionSuccessful"], false);
    let told = incomplete["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(told.contains("required: advisories of liblzma 0.3.2"), "{told}");
}

#[test]
fn the_category_names_the_workspace() {
    assert_eq!(category(""), "cargo-custody/");
    assert_eq!(category("apps/chat"), "cargo-custody/apps/chat/");
}

#[test]
fn a_long_path_keeps_its_ends() {
    let mut report = sample::report();
    let step = report.findings[0].path[0].clone();
    report.findings[0].path = (0..50)
        .map(|n| crate::domain::PathStep { name: format!("c{n}"), ..step.clone() })
        .collect();
    let result = &results(&report)[0];
    let steps = &result["codeFlows"][0]["threadFlows"][0]["locations"];
    let name = |index: usize| steps[index]["location"]["message"]["text"].clone();
    assert_eq!(steps.as_array().unwrap().len(), 20);
    assert_eq!(
        (name(0), name(1), name(19)),
        ("c0 0.1.0".into(), "c31 0.1.0".into(), "c49 0.1.0".into())
    );
}

#[test]
fn five_thousand_results_are_kept_and_the_rest_is_told() {
    let mut report = sample::clean_report();
    report.findings = (0..5_003)
        .map(|line| {
            let mut finding = sample::unpinned_model();
            finding.location.line = line + 1;
            finding
        })
        .collect();
    let run = run(&report);
    assert_eq!(run["results"].as_array().unwrap().len(), 5_000);
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let last = notifications.last().unwrap()["message"]["text"].as_str().unwrap();
    assert!(last.starts_with("3 results are left out"), "{last}");
}

/// Every `artifactLocation.uri` in a document.
fn addresses(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(uri) = map.get("artifactLocation").and_then(|l| l["uri"].as_str()) {
                into.push(uri.to_owned());
            }
            map.values().for_each(|value| addresses(value, into));
        }
        Value::Array(list) => list.iter().for_each(|value| addresses(value, into)),
        _ => {}
    }
}

#[test]
fn no_address_with_a_scheme_stands_in_an_artifact_location() {
    let mut report = sample::report();
    report.findings[0].location.file = "https://evil.example.invalid/a".to_owned();
    let mut found = Vec::new();
    addresses(&run(&report), &mut found);
    assert!(found.len() > 5);
    assert!(found.iter().all(|uri| !uri.contains(':') && !uri.starts_with('/')), "{found:?}");
}
