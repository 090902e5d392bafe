use serde_json::Value;

use super::*;
use crate::domain::finding::{AdvisoryNote, Waived};
use crate::domain::report::ModelNote;
use crate::domain::{Origin, Subject};
use crate::reporter::sample;

fn text(report: &Report) -> String {
    render(report, &sample::context(), "1.6").unwrap()
}

fn bom(report: &Report) -> Value {
    serde_json::from_str(&text(report)).unwrap()
}

/// Holds both versions of the bill against the public schemas.
fn validate(report: &Report) {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let others = [
        ("spdx", include_str!("../../../fixtures/schemas/spdx.schema.json")),
        ("jsf-0.82", include_str!("../../../fixtures/schemas/jsf-0.82.schema.json")),
        (
            "cryptography-defs",
            include_str!("../../../fixtures/schemas/cryptography-defs.schema.json"),
        ),
    ];
    let others = others.map(|(name, text)| {
        (format!("http://cyclonedx.org/schema/{name}.schema.json"), parse(text))
    });
    let others = others.each_ref().map(|(url, schema)| (url.as_str(), schema.clone()));
    for (version, schema) in [
        ("1.6", include_str!("../../../fixtures/schemas/bom-1.6.schema.json")),
        ("1.7", include_str!("../../../fixtures/schemas/bom-1.7.schema.json")),
    ] {
        let bom = render(report, &sample::context(), version).unwrap();
        let bom = parse(&bom);
        assert_eq!(bom["specVersion"], version);
        sample::validate(&parse(schema), &others, &bom);
    }
}

fn more_kinds() -> Report {
    let mut report = sample::clean_report();
    for (kind, name) in [
        (SubjectKind::Project, "."),
        (SubjectKind::Dataset, "acme/words"),
        (SubjectKind::Service, "api.example.invalid"),
    ] {
        let mut entry = report.subjects[1].clone();
        entry.subject =
            Subject { kind, name: name.to_owned(), version: String::new(), origin: Origin::Hub };
        entry.purl = entry.subject.purl();
        entry.sha256 = Some("no hash".to_owned());
        report.subjects.push(entry);
    }
    report
}

#[test]
fn the_layout_is_stable() {
    sample::golden("fixtures/reports/sample.cdx.json", &text(&sample::report()));
}

#[test]
fn bills_are_valid() {
    validate(&sample::report());
    validate(&more_kinds());
    validate(&told_of());
}

#[test]
fn crates_and_models_are_in_one_graph() {
    let bom = bom(&sample::report());
    assert_eq!(bom["metadata"]["component"]["name"], "ai-app");
    assert_eq!(bom["dependencies"][0]["dependsOn"], serde_json::json!(["ai-app"]));
    let app = &bom["dependencies"][1];
    assert_eq!(app["ref"], "ai-app");
    let depends_on = app["dependsOn"].as_array().unwrap();
    assert!(depends_on.contains(&"pkg:huggingface/acme/embed-small".into()));
    assert!(depends_on.contains(&"pkg:cargo/liblzma@0.3.2".into()));
    let kinds: Vec<&str> = bom["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| component["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.last(), Some(&"machine-learning-model"));
}

#[test]
fn references_are_unique_and_lead_somewhere() {
    let mut report = sample::report();
    report.subjects.push(report.subjects[1].clone());
    report.subjects[1].depends_on.push("pkg:cargo/nobody@1.0.0".to_owned());
    let bom = bom(&report);
    let references: Vec<&str> = bom["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| component["bom-ref"].as_str().unwrap())
        .collect();
    assert_eq!(references.iter().collect::<BTreeSet<_>>().len(), references.len());
    assert!(!text(&report).contains("nobody"));
}

#[test]
fn the_serial_number_follows_the_content_alone() {
    let serial = |report: &Report| bom(report)["serialNumber"].clone();
    assert_eq!(serial(&sample::report()), serial(&sample::report()));
    assert_ne!(serial(&sample::report()), serial(&more_kinds()));
}

#[test]
fn the_time_is_the_day_of_the_audit() {
    assert_eq!(timestamp("2026-11-23").as_deref(), Some("2026-11-23T00:00:00Z"));
    assert_eq!(timestamp("soon"), None);
}

/// A report with an advisory, a licence, a publisher and a model that was looked at.
fn told_of() -> Report {
    let mut report = sample::report();
    let subject = report.subjects[1].subject.clone();
    let mut open = sample::known_bad();
    open.rule = "advisory-vulnerability".to_owned();
    open.subject = subject.clone();
    open.advisory = Some(AdvisoryNote {
        id: "RUSTSEC-2026-0001".to_owned(),
        kind: "vulnerability".to_owned(),
        date: "2026-05-20".to_owned(),
        severity: Some("high".to_owned()),
        cvss: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned()),
        aliases: vec!["CVE-2026-1".to_owned(), "GHSA-1".to_owned()],
        url: Some("https://a.invalid/x".to_owned()),
        fix: "update".to_owned(),
        ..AdvisoryNote::default()
    });
    let mut waived = open.clone();
    waived.advisory.as_mut().unwrap().id = "RUSTSEC-2026-0002".to_owned();
    waived.waived =
        Some(Waived { reason: "not built".to_owned(), expires: Some("2027-01-01".to_owned()) });
    report.findings.extend([open, waived]);
    report.subjects[1].license = Some("MIT/Apache-2.0".to_owned());
    report.subjects[1].published_by = Some("ana".to_owned());
    report.subjects[1].authors = vec!["Ana <a@b.invalid>".to_owned()];
    report.subjects[2].license = Some("see <LICENCE>".to_owned());
    report.subjects[2].runs_at_build = Some(true);
    let model = report.subjects.iter().find(|one| one.subject.kind == SubjectKind::Model);
    report.models.push(ModelNote {
        subject: model.unwrap().subject.clone(),
        formats: vec!["pickle 1".to_owned()],
        steps: vec!["model.pt at byte 24: calls posix.system('echo')".to_owned()],
        steps_left_out: 0,
        read: true,
        committers: vec!["ben".to_owned()],
    });
    report
}

#[test]
fn advisories_are_vulnerabilities_and_a_waiver_is_what_the_project_says_to_one() {
    let bom = bom(&told_of());
    let [open, waived] = bom["vulnerabilities"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!(open["analysis"]["state"], "in_triage");
    assert_eq!(open["analysis"]["response"][0], "update");
    assert_eq!(open["ratings"][0]["method"], "CVSSv31");
    assert_eq!(open["affects"][0]["ref"], "pkg:cargo/liblzma@0.3.2");
    assert_eq!(waived["analysis"]["state"], "not_affected");
    assert_eq!(waived["analysis"]["detail"], "not built (until 2027-01-01)");
}

#[test]
fn licences_publishers_and_what_a_model_does_are_told() {
    let bom = bom(&told_of());
    let components = bom["components"].as_array().unwrap();
    let find = |name: &str| components.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(find("liblzma")["licenses"][0]["expression"], "MIT OR Apache-2.0");
    assert_eq!(find("liblzma")["supplier"]["name"], "ana");
    assert_eq!(find("liblzma-sys")["licenses"][0]["license"]["name"], "see <LICENCE>");
    let text = text(&told_of());
    assert!(text.contains("calls posix.system") && text.contains("cargo-custody:committer"));
    assert!(text.contains("\"cargo-custody:runs-at-build\""));
}

#[test]
fn two_crates_of_one_name_are_two_components_and_members_keep_their_edges() {
    let mut report = sample::report();
    let mut twin = report.subjects[0].clone();
    twin.id = Some("ai-app 0.1.0 (other/Cargo.toml:1)".to_owned());
    report.subjects[0].id = Some("ai-app 0.1.0 (Cargo.toml:1)".to_owned());
    twin.depends_on = vec!["ai-app 0.1.0 (Cargo.toml:1)".to_owned()];
    report.subjects.push(twin);
    let bom = bom(&report);
    let all = bom["dependencies"].as_array().unwrap();
    let edge = all.iter().find(|one| one["ref"] == "ai-app 0.1.0 (other/Cargo.toml:1)").unwrap();
    assert_eq!(edge["dependsOn"], serde_json::json!(["ai-app 0.1.0 (Cargo.toml:1)"]));
    assert_eq!(all[0]["dependsOn"].as_array().unwrap().len(), 2);
}
