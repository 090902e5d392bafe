//! A CycloneDX 1.6 bill of materials with crates and models in one dependency graph.
//!
//! <https://cyclonedx.org/docs/1.6/json/>. An inventory, not a judgement: findings are not in it.
//! Equal reports give equal bytes, so the serial number is made from the content and the time stamp
//! is the day the audit speaks of.

use std::collections::BTreeSet;

use serde::Serialize;

use super::fingerprint::short_hash;
use super::view::{Existing, View};
use super::words::{place, repository_path};
use super::{Format, Options, ReporterError, pretty};
use crate::domain::report::{Context, SubjectEntry};
use crate::domain::text::shown;
use crate::domain::{Location, Report, SubjectKind};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    services: Vec<Service>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    tools: Tools,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Tools {
    components: [Component; 1],
}

#[derive(Serialize)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Service {
    #[serde(rename = "bom-ref")]
    reference: String,
    name: String,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

pub(super) fn render(report: &Report, context: &Context<'_>) -> Result<String, ReporterError> {
    let entries = once(report);
    let known: BTreeSet<&str> = entries.iter().map(|entry| reference(entry)).collect();
    let mut bom = Bom {
        format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: Metadata {
            timestamp: timestamp(&report.as_of),
            tools: Tools { components: [tool(report)] },
            component: None,
            properties: told(report, context),
        },
        components: Vec::new(),
        services: Vec::new(),
        dependencies: Vec::new(),
    };
    for entry in &entries {
        match entry.subject.kind {
            SubjectKind::Project => bom.metadata.component = Some(component(entry, context)),
            SubjectKind::Service => bom.services.push(Service {
                reference: reference(entry).to_owned(),
                name: shown(&entry.subject.name),
                properties: vec![named_at(&entry.location, context)],
            }),
            SubjectKind::Crate
            | SubjectKind::Model
            | SubjectKind::Dataset
            | SubjectKind::Package => {
                bom.components.push(component(entry, context));
            }
        }
        bom.dependencies.push(dependency(entry, &known));
    }
    bom.serial_number = Some(serial(&pretty(Format::Cyclonedx, &bom)?));
    pretty(Format::Cyclonedx, &bom)
}

/// What was not read, and what was accepted: findings are not in a bill, but a bill of what nobody looked at
/// says so.
fn told(report: &Report, context: &Context<'_>) -> Vec<Property> {
    let view = View::new(report, context, &Options::default(), Existing::Counted);
    let gaps = view.gap_lines().into_iter().map(|(value, _)| ("cargo-custody:not-read", value));
    let accepted = view.accepted_lines().into_iter();
    let accepted = accepted.map(|value| ("cargo-custody:accepted", value));
    let sections = view.section_lines().into_iter();
    let sections = sections.map(|value| ("cargo-custody:lockfile", value));
    sections.chain(gaps).chain(accepted).map(|(name, value)| Property { name, value }).collect()
}

/// Every subject once: references must be unique.
fn once(report: &Report) -> Vec<&SubjectEntry> {
    let mut seen = BTreeSet::new();
    report.subjects.iter().filter(|entry| seen.insert(reference(entry))).collect()
}

/// How others of the report refer to a subject: its package URL, or its name.
fn reference(entry: &SubjectEntry) -> &str {
    entry.purl.as_deref().unwrap_or(&entry.subject.name)
}

fn dependency(entry: &SubjectEntry, known: &BTreeSet<&str>) -> Dependency {
    let own = reference(entry);
    let depends_on: BTreeSet<&str> = entry
        .depends_on
        .iter()
        .map(String::as_str)
        .filter(|other| known.contains(other) && *other != own)
        .collect();
    Dependency {
        reference: own.to_owned(),
        depends_on: depends_on.into_iter().map(ToOwned::to_owned).collect(),
    }
}

fn component(entry: &SubjectEntry, context: &Context<'_>) -> Component {
    let kind = match entry.subject.kind {
        SubjectKind::Project | SubjectKind::Service => "application",
        SubjectKind::Crate | SubjectKind::Package => "library",
        SubjectKind::Model => "machine-learning-model",
        SubjectKind::Dataset => "data",
    };
    let hashes = entry.sha256.iter().filter(|hash| is_sha256(hash));
    Component {
        kind,
        reference: Some(reference(entry).to_owned()),
        name: shown(&entry.subject.name),
        version: shown(&entry.subject.version),
        hashes: hashes.map(|hash| Hash { alg: "SHA-256", content: hash.clone() }).collect(),
        purl: entry.purl.clone(),
        properties: vec![named_at(&entry.location, context)],
    }
}

fn named_at(location: &Location, context: &Context<'_>) -> Property {
    let file = repository_path(context.prefix, &location.file);
    let location = Location { file, ..location.clone() };
    Property { name: "cargo-custody:named-at", value: place(&location) }
}

fn tool(report: &Report) -> Component {
    Component {
        kind: "application",
        reference: None,
        name: "cargo-custody".to_owned(),
        version: report.tool_version.clone(),
        hashes: Vec::new(),
        purl: None,
        properties: Vec::new(),
    }
}

/// Midnight of the day the audit speaks of; none where it is not a day.
fn timestamp(as_of: &str) -> Option<String> {
    let day: jiff::civil::Date = as_of.parse().ok()?;
    Some(format!("{day}T00:00:00Z"))
}

/// A UUID of version 8, made from the content (RFC 9562, section 5.8).
fn serial(content: &str) -> String {
    let hash = short_hash(&[content]);
    let (head, tail) = (&hash[..12], &hash[20..]);
    format!("urn:uuid:{}-{}-8{}-8{}-{tail}", &head[..8], &head[8..], &hash[13..16], &hash[17..20])
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::{Origin, Subject};
    use crate::reporter::sample;

    fn text(report: &Report) -> String {
        render(report, &sample::context()).unwrap()
    }

    fn bom(report: &Report) -> Value {
        serde_json::from_str(&text(report)).unwrap()
    }

    fn validate(bom: &Value) {
        let parse = |text| serde_json::from_str::<Value>(text).unwrap();
        let others = [
            (
                "http://cyclonedx.org/schema/spdx.schema.json",
                parse(include_str!("../../fixtures/schemas/spdx.schema.json")),
            ),
            (
                "http://cyclonedx.org/schema/jsf-0.82.schema.json",
                parse(include_str!("../../fixtures/schemas/jsf-0.82.schema.json")),
            ),
        ];
        let schema = parse(include_str!("../../fixtures/schemas/bom-1.6.schema.json"));
        sample::validate(&schema, &others, bom);
    }

    fn more_kinds() -> Report {
        let mut report = sample::clean_report();
        for (kind, name) in [
            (SubjectKind::Project, "."),
            (SubjectKind::Dataset, "acme/words"),
            (SubjectKind::Service, "api.example.invalid"),
        ] {
            let mut entry = report.subjects[1].clone();
            entry.subject = Subject {
                kind,
                name: name.to_owned(),
                version: String::new(),
                origin: Origin::Hub,
            };
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
        validate(&bom(&sample::report()));
        validate(&bom(&more_kinds()));
    }

    #[test]
    fn crates_and_models_are_in_one_graph() {
        let bom = bom(&sample::report());
        let app = &bom["dependencies"][0];
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
}
