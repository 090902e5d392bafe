//! Base models as subjects of the report: what an adapter, quantisation or merge is built on is a
//! dependency of it. They are known only after the Hub was asked, so they stand beside the graph; of
//! each, model info tells name, terms and what it names in turn, and nothing is judged.

use std::collections::{BTreeMap, BTreeSet};

use crate::collectors::hub::{self, BaseModel, HubFacts};
use crate::domain::report::SubjectEntry;
use crate::domain::{FactSheet, Location, Measured, Origin, Subject, SubjectKind};

/// Adds the base models that the sheets tell to the subjects, with the edges to them. A base is located
/// where the project names the model that is built on it.
pub(super) fn add(entries: &mut Vec<SubjectEntry>, sheets: &[FactSheet]) {
    let mut places: BTreeMap<Subject, Location> = BTreeMap::new();
    let mut edges: BTreeMap<Subject, BTreeSet<String>> = BTreeMap::new();
    for sheet in sheets.iter().filter(|sheet| sheet.subject.kind == SubjectKind::Model) {
        let Measured::Known(HubFacts { base_models: Measured::Known(bases), .. }) =
            super::group_of::<HubFacts>(sheet, hub::GROUP)
        else {
            continue;
        };
        let own = entries.iter().find(|entry| entry.subject == sheet.subject);
        let place = own.map(|entry| entry.location.clone()).unwrap_or_default();
        for base in &bases {
            let subject = base_subject(base);
            let from = if base.named_by == sheet.subject.name {
                sheet.subject.clone()
            } else {
                Subject { name: base.named_by.clone(), ..subject.clone() }
            };
            edges.entry(from).or_default().insert(identity(&subject));
            places.entry(subject).or_insert_with(|| place.clone());
        }
    }
    let known: BTreeSet<Subject> = entries.iter().map(|entry| entry.subject.clone()).collect();
    let new = places.into_iter().filter(|(subject, _)| !known.contains(subject));
    entries.extend(new.map(|(subject, location)| SubjectEntry {
        base_only: true,
        ..SubjectEntry::of(subject, location)
    }));
    for entry in entries.iter_mut() {
        if let Some(more) = edges.remove(&entry.subject) {
            let all: BTreeSet<String> = entry.depends_on.drain(..).chain(more).collect();
            entry.depends_on = all.into_iter().collect();
        }
    }
}

fn base_subject(base: &BaseModel) -> Subject {
    Subject {
        kind: SubjectKind::Model,
        name: base.id.clone(),
        version: String::new(),
        origin: Origin::Hub,
    }
}

/// What other entries call a subject.
pub(super) fn identity(subject: &Subject) -> String {
    subject.purl().unwrap_or_else(|| subject.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> Subject {
        Subject {
            kind: SubjectKind::Model,
            name: name.to_owned(),
            version: String::new(),
            origin: Origin::Hub,
        }
    }

    fn base(id: &str, named_by: &str, depth: u32) -> BaseModel {
        BaseModel {
            id: id.to_owned(),
            relation: "adapter".to_owned(),
            named_by: named_by.to_owned(),
            source: "card".to_owned(),
            depth,
            renamed_to: Measured::Known(String::new()),
            status: Measured::Known("found".to_owned()),
            gated: Measured::unknown("x"),
            licenses: Measured::unknown("x"),
        }
    }

    #[test]
    fn a_chain_is_a_chain_of_dependencies_and_a_base_that_is_named_itself_stands_once() {
        let entry = |name: &str| SubjectEntry {
            purl: None,
            ..SubjectEntry::of(model(name), Location::line("src/main.rs", 7))
        };
        let mut entries = vec![entry("o/adapter"), entry("o/base")];
        let mut sheet = FactSheet::new(model("o/adapter"));
        let bases = vec![base("o/base", "o/adapter", 1), base("o/first", "o/base", 2)];
        let facts =
            HubFacts { base_models: Measured::Known(bases), ..HubFacts::unknown("not asked") };
        sheet.put(hub::GROUP, &facts);
        add(&mut entries, &[sheet]);
        let told: Vec<(&str, &[String])> = entries
            .iter()
            .map(|entry| (entry.subject.name.as_str(), entry.depends_on.as_slice()))
            .collect();
        assert_eq!(
            told,
            [
                ("o/adapter", &["pkg:huggingface/o/base".to_owned()][..]),
                ("o/base", &["pkg:huggingface/o/first".to_owned()][..]),
                ("o/first", &[][..]),
            ]
        );
        assert_eq!(entries[2].location.line, 7);
        let audited: Vec<bool> = entries.iter().map(|entry| !entry.base_only).collect();
        assert_eq!(audited, [true, true, false]);
    }
}
