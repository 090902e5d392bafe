//! A CycloneDX bill of materials, 1.6 or 1.7, with crates and models in one dependency graph.
//!
//! <https://cyclonedx.org/docs/1.7/json/>. An inventory, not a judgement: of findings it has the advisories, as
//! vulnerabilities with what the project says to them, and a property that names the others. Equal reports give
//! equal bytes, so the serial number is made from the content and the time stamp is the day the audit speaks of.
//!
//! The structs are our own: of the kept crates `cyclonedx-bom` 0.8 ends with 1.5, `serde-cyclonedx` 0.10 with
//! 1.6 and makes its types by a build script. The public schemas hold what is written.

mod shape;
mod vulnerabilities;

use std::collections::BTreeSet;

use super::fingerprint::short_hash;
use super::view::{Existing, View};
use super::words::{place, repository_path};
use super::{Format, Options, ReporterError, pretty};
use crate::domain::report::{Context, SubjectEntry};
use crate::domain::text::shown;
use crate::domain::{Location, Origin, Report, SubjectKind};
use shape::{Bom, Component, Dependency, Hash, License, Metadata, Named, Property, Service, Tools};

/// How the project itself is referred to, where nothing in the graph stands for it.
const PROJECT: &str = "cargo-custody:project";

pub(super) fn render(
    report: &Report,
    context: &Context<'_>,
    spec_version: &'static str,
) -> Result<String, ReporterError> {
    let entries = once(report);
    let known: BTreeSet<&str> = entries.iter().map(|entry| entry.identity()).collect();
    let mut bom = Bom {
        format: "CycloneDX",
        spec_version,
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
        vulnerabilities: vulnerabilities::of(report, &entries),
    };
    for entry in &entries {
        match entry.subject.kind {
            SubjectKind::Project => {
                bom.metadata.component = Some(component(report, entry, context));
            }
            SubjectKind::Service => bom.services.push(Service {
                reference: entry.identity().to_owned(),
                name: shown(&entry.subject.name),
                properties: vec![named_at(&entry.location, context)],
            }),
            SubjectKind::Crate
            | SubjectKind::Model
            | SubjectKind::Dataset
            | SubjectKind::Package => {
                bom.components.push(component(report, entry, context));
            }
        }
        bom.dependencies.push(dependency(entry, &known));
    }
    if bom.metadata.component.is_none() {
        let (component, dependency) = project(report, &entries);
        bom.metadata.component = Some(component);
        bom.dependencies.insert(0, dependency);
    }
    bom.serial_number = Some(serial(&pretty(Format::Cyclonedx, &bom)?));
    pretty(Format::Cyclonedx, &bom)
}

/// What the bill is of: it consists of the crates that have no source but their folder.
fn project(report: &Report, entries: &[&SubjectEntry]) -> (Component, Dependency) {
    let own = |entry: &&&SubjectEntry| matches!(entry.subject.origin, Origin::Path | Origin::Local);
    let members: BTreeSet<&str> =
        entries.iter().filter(own).map(|entry| entry.identity()).collect();
    let component = Component {
        kind: "application",
        reference: Some(PROJECT.to_owned()),
        name: report.project.as_deref().map_or_else(|| "project".to_owned(), shown),
        ..Component::default()
    };
    let depends_on = members.into_iter().map(ToOwned::to_owned).collect();
    (component, Dependency { reference: PROJECT.to_owned(), depends_on })
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
    report.subjects.iter().filter(|entry| seen.insert(entry.identity())).collect()
}

fn dependency(entry: &SubjectEntry, known: &BTreeSet<&str>) -> Dependency {
    let own = entry.identity();
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

fn component(report: &Report, entry: &SubjectEntry, context: &Context<'_>) -> Component {
    let kind = match entry.subject.kind {
        SubjectKind::Project | SubjectKind::Service => "application",
        SubjectKind::Crate | SubjectKind::Package => "library",
        SubjectKind::Model => "machine-learning-model",
        SubjectKind::Dataset => "data",
    };
    let hashes = entry.sha256.iter().filter(|hash| is_sha256(hash));
    let supplier = entry.published_by.as_ref().or_else(|| entry.authors.first());
    let named = |name: &String| Named { name: shown(name) };
    Component {
        kind,
        reference: Some(entry.identity().to_owned()),
        supplier: supplier.map(named),
        authors: entry.authors.iter().map(named).collect(),
        name: shown(&entry.subject.name),
        version: shown(&entry.subject.version),
        hashes: hashes.map(|hash| Hash { alg: "SHA-256", content: hash.clone() }).collect(),
        licenses: entry.license.iter().map(|text| license(text)).collect(),
        purl: entry.purl.clone(),
        properties: properties(report, entry, context),
    }
}

/// A licence as an expression, where it reads as one; old manifests write `MIT/Apache-2.0`.
fn license(text: &str) -> License {
    let text = shown(&text.replace('/', " OR "));
    let word = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
    let bare = text.replace(['(', ')'], " ");
    let words: Vec<&str> = bare.split_whitespace().collect();
    let joins = |at: usize, one: &str| (at % 2 == 1) == matches!(one, "AND" | "OR" | "WITH");
    let reads = words.iter().enumerate().all(|(at, one)| joins(at, one) && one.chars().all(word));
    if reads && words.len() % 2 == 1 {
        License::Expression(text)
    } else {
        License::License(Named { name: if text.is_empty() { "none".to_owned() } else { text } })
    }
}

/// What the audit knows of it beyond an inventory.
fn properties(report: &Report, entry: &SubjectEntry, context: &Context<'_>) -> Vec<Property> {
    let mut all = vec![named_at(&entry.location, context)];
    let mut add = |name, value: String| all.push(Property { name, value });
    if let Some(runs) = entry.runs_at_build {
        add("cargo-custody:runs-at-build", runs.to_string());
    }
    if let Some(login) = &entry.published_by {
        add("cargo-custody:published-by", shown(login));
    }
    let findings = report.findings.iter().filter(|one| one.subject == entry.subject);
    let told: BTreeSet<String> =
        findings.map(|one| format!("{} {}", one.level, shown(&one.rule))).collect();
    for one in told {
        add("cargo-custody:finding", one);
    }
    let notes = report.models.iter().filter(|note| note.subject == entry.subject);
    for note in notes {
        note.formats.iter().for_each(|one| add("cargo-custody:format", shown(one)));
        note.steps.iter().for_each(|one| add("cargo-custody:loading", shown(one)));
        note.committers.iter().for_each(|one| add("cargo-custody:committer", shown(one)));
    }
    all
}

fn named_at(location: &Location, context: &Context<'_>) -> Property {
    let file = repository_path(context.prefix, &location.file);
    let location = Location { file, ..location.clone() };
    Property { name: "cargo-custody:named-at", value: place(&location) }
}

fn tool(report: &Report) -> Component {
    Component {
        kind: "application",
        name: "cargo-custody".to_owned(),
        version: report.tool_version.clone(),
        ..Component::default()
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
mod tests;
