//! Which models, data sets and hosted services the project names, and where. Reads the project's files
//! as text; nothing is run, parsed into trees, or fetched. A name that is only shaped like an id is
//! kept with low confidence and makes no node.
//!
//! [`in_project`] discovers, [`attach`] puts what is sure enough into the graph. Documentation
//! (`*.md`) is not a source: what it names, no code loads.

mod address;
mod around;
mod code;
mod endpoints;
mod facts;
mod files;
mod id;
mod local;
mod places;
mod python;
mod reference;
mod rust;
mod scan;
mod services;
mod tables;
mod text;
mod words;

use std::collections::{BTreeMap, BTreeSet};

pub use facts::{ReferenceFacts, ServiceFacts};
pub use local::{Layout, LocalModel};
pub use reference::{Confidence, Form, Reference, RevisionKind, revision_kind};
pub use services::stays_local;
pub use tables::{Service, Tables};

use super::packages::Packages;
use super::project::Setting;
use super::tree::{self, Tree};
use super::{Walk, project_subject};
use crate::domain::{Graph, Location, Node, NodeIndex, Origin, Subject, SubjectKind, Undetermined};
use files::Language;
use scan::Scan;

/// Name of the facts group of models, data sets and services.
pub const GROUP: &str = "reference";
/// Name of the further group of services.
pub const SERVICE_GROUP: &str = "service";
/// Most references of one project.
const REFERENCES_LIMIT: usize = 50_000;
/// Most nodes that are added to a graph.
const NODES_LIMIT: usize = 5_000;
/// Most files that could not be read and are told one by one.
const UNREAD_LIMIT: usize = 200;

/// A model that the project's policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// `owner/name`.
    pub id: String,
    /// Commit, branch or tag.
    pub revision: Option<String>,
    /// Where it is named.
    pub location: Location,
}

/// What the project's files name.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Every reference, ordered by file and line, those of low confidence included.
    pub references: Vec<Reference>,
    /// Models in the project's folder.
    pub local: Vec<LocalModel>,
    /// Locks and lists of packages of other languages.
    pub packages: Vec<String>,
    /// Where files of the project send the Hub's clients to another host.
    pub endpoints: Vec<Setting>,
    /// What could not be read.
    pub undetermined: Vec<Undetermined>,
}

/// What belongs to each node that [`attach`] added.
#[derive(Clone, Debug, Default)]
pub struct Attached {
    /// Models that lie in the project's folder.
    pub local: BTreeMap<NodeIndex, LocalModel>,
    /// Facts group `reference`.
    pub references: BTreeMap<NodeIndex, ReferenceFacts>,
    /// Facts group `service`.
    pub services: BTreeMap<NodeIndex, ServiceFacts>,
    /// What locks of other languages name.
    pub packages: Packages,
}

/// Whether a file, by its path, is one in which names of models are looked for.
pub(in crate::walker) fn reads(path: &str) -> bool {
    let skipped = path.split('/').any(|part| files::SKIPPED.contains(&part));
    !skipped && files::language(path).is_some()
}

/// Discovers in the project of a walk. A lockfile that is audited by itself stands for no folder.
#[must_use]
pub fn in_project(walk: &Walk, stated: &[Stated]) -> Discovery {
    if walk.lockfile != super::locate::CARGO_LOCK {
        return Discovery::default();
    }
    match Tree::open(&walk.root) {
        Ok(tree) => discover(&tree, &walk.graph, stated),
        Err(error) => Discovery {
            undetermined: vec![entry(None, format!("cannot open the folder: {error}"))],
            ..Discovery::default()
        },
    }
}

/// Discovers in one folder. `graph` tells which crates are in use.
#[must_use]
pub fn discover(tree: &Tree, graph: &Graph, stated: &[Stated]) -> Discovery {
    let tables = Tables::embedded();
    let names = || graph.nodes.iter().map(|node| node.subject.name.as_str());
    let hub_crate = names().any(|name| tables.loads_models(name));
    let listing = files::list(tree);
    let mut found = Discovery::default();
    let mut unread = listing.unread;
    for (path, language) in &listing.files {
        match tree.read(path, files::SIZE_LIMIT) {
            Ok(Some(text)) => {
                endpoints::scan(path, &text, &mut found.endpoints);
                if found.references.len() < REFERENCES_LIMIT {
                    found.references.extend(read(path, &text, *language, &tables, hub_crate));
                }
            }
            Ok(None) => unread.push((path.clone(), "it vanished while it was read".to_owned())),
            // Text in another encoding names no model that a loader would find.
            Err(tree::TreeError::NotUtf8 { .. }) => {}
            Err(error) => unread.push((path.clone(), error.to_string())),
        }
    }
    found.references.truncate(REFERENCES_LIMIT);
    found.references.extend(stated.iter().map(policy_reference));
    found.references.extend(service_crates(graph, &tables));
    found.references.sort_by(|a, b| {
        (&a.path, a.line, a.column, &a.id, a.form).cmp(&(&b.path, b.line, b.column, &b.id, b.form))
    });
    found.references.dedup();
    found.packages = listing.packages;
    let (local, texts) = local::assemble(tree, listing.local);
    found.local = local;
    unread.extend(listing.places.iter().map(|place| (place.path.clone(), place.reason())));
    unread.extend(taken_for_text(&texts));
    found.undetermined = unread_entries(unread, listing.cut);
    found
}

/// All references of one text.
fn read(
    path: &str,
    text: &str,
    language: Language,
    tables: &Tables,
    hub_crate: bool,
) -> Vec<Reference> {
    let mut scan = Scan::new(path, text);
    match language {
        Language::Rust => rust::scan(&mut scan, tables, hub_crate),
        Language::Python => python::scan(&mut scan),
        Language::Text => text::scan(&mut scan, true),
        Language::Json => text::scan(&mut scan, false),
        Language::Addresses => addresses(&mut scan),
    }
    services::scan(&mut scan, tables);
    services::settle(&mut scan.found, tables);
    scan.found
}

/// Only addresses that lead to one file, in languages that are not read otherwise.
fn addresses(scan: &mut Scan<'_>) {
    for address in address::find(scan.text) {
        if address.form == Form::HubUrl {
            continue;
        }
        let base = scan::Named::model(address.id, address.form, Confidence::High);
        let named = scan::Named { kind: address.kind, revision: address.revision, ..base };
        scan.push(address.at, named);
    }
}

fn policy_reference(stated: &Stated) -> Reference {
    Reference {
        kind: SubjectKind::Model,
        id: stated.id.clone(),
        revision: stated.revision.clone(),
        revision_kind: revision_kind(stated.revision.as_deref()),
        form: Form::Policy,
        confidence: Confidence::High,
        path: stated.location.file.clone(),
        line: stated.location.line,
        column: stated.location.column.unwrap_or(0),
        trust_remote_code: None,
        code_pinned: None,
        in_tests: false,
    }
}

/// Crates of the graph that speak to one service, named where the lockfile names the crate.
fn service_crates(graph: &Graph, tables: &Tables) -> Vec<Reference> {
    let nodes = graph.nodes.iter().filter_map(|node| {
        let service = tables.service_of_crate(&node.subject.name)?;
        let place = node.declared.first().unwrap_or(&node.name_location);
        Some(Reference {
            kind: SubjectKind::Service,
            id: service.hosts.first()?.clone(),
            revision: None,
            revision_kind: RevisionKind::None,
            form: Form::ServiceCrate,
            confidence: Confidence::High,
            path: place.file.clone(),
            line: place.line,
            column: place.column.unwrap_or(0),
            trust_remote_code: None,
            code_pinned: None,
            in_tests: false,
        })
    });
    nodes.collect()
}

/// What is told of text under names that announce weights, where nothing else of a model lies beside it.
fn taken_for_text(texts: &[String]) -> Option<(String, String)> {
    let (first, rest) = texts.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" ({more} more such files)"),
    };
    let reason = "it is text, and no other file of a model lies beside it: taken for no model";
    Some((first.clone(), format!("{reason}{more}")))
}

fn entry(file: Option<String>, reason: String) -> Undetermined {
    Undetermined {
        subject: project_subject(),
        what: GROUP.to_owned(),
        file,
        reason,
        required: false,
    }
}

fn unread_entries(unread: Vec<(String, String)>, cut: Option<String>) -> Vec<Undetermined> {
    let beyond = unread.len().saturating_sub(UNREAD_LIMIT);
    let mut entries: Vec<Undetermined> = unread
        .into_iter()
        .take(UNREAD_LIMIT)
        .map(|(file, reason)| entry(Some(file), reason))
        .collect();
    if beyond > 0 {
        entries.push(entry(None, format!("{beyond} more files could not be read")));
    }
    entries.extend(cut.map(|reason| entry(None, reason)));
    entries
}

/// Adds a node for every model, data set and service that is named with at least medium confidence:
/// one a revision, located where it is named first, depended on by the project's crates whose folder
/// names it. `manifests` are the manifests of those crates, by node.
pub fn attach(
    graph: &mut Graph,
    discovery: &Discovery,
    manifests: &BTreeMap<NodeIndex, String>,
) -> Attached {
    let mut by_subject: BTreeMap<Subject, Vec<Reference>> = BTreeMap::new();
    for reference in &discovery.references {
        if reference.confidence > Confidence::Low {
            by_subject.entry(subject(reference)).or_default().push(reference.clone());
        }
    }
    let tables = Tables::embedded();
    let mut attached = Attached::default();
    for (subject, references) in by_subject.into_iter().take(NODES_LIMIT) {
        let Some(facts) = ReferenceFacts::of(references) else { continue };
        let node = graph.nodes.len();
        if subject.kind == SubjectKind::Service {
            attached.services.insert(node, service_facts(&subject, &tables));
        }
        graph.nodes.push(node_of(subject, &facts));
        let paths = facts.references.iter().map(|reference| reference.path.as_str());
        depend(graph, node, paths, manifests);
        attached.references.insert(node, facts);
    }
    for model in outermost(&discovery.local).take(NODES_LIMIT) {
        let node = graph.nodes.len();
        graph.nodes.push(node_of_local(model));
        depend(graph, node, [model.path.as_str()].into_iter(), manifests);
        attached.local.insert(node, model.clone());
    }
    attached
}

/// Whether a folder of this name holds what others wrote, or what was built.
#[must_use]
pub(in crate::walker) fn is_skipped(name: &str) -> bool {
    files::SKIPPED.contains(&name)
}

/// Models on disk that lie in no folder of another one, which is audited as a whole.
fn outermost(all: &[LocalModel]) -> impl Iterator<Item = &LocalModel> {
    let folders = all.iter().filter(|model| model.layout != Layout::File);
    let folders: BTreeSet<&str> = folders.map(|model| model.path.as_str()).collect();
    all.iter().filter(move |model| {
        let mut above = model.path.match_indices('/').map(|(at, _)| &model.path[..at]);
        !above.any(|folder| folders.contains(folder))
    })
}

fn node_of_local(model: &LocalModel) -> Node {
    let first = model.files.first().filter(|_| model.layout != Layout::HubCache);
    let place = Location::line(first.unwrap_or(&model.path).clone(), 1);
    Node {
        subject: Subject {
            kind: SubjectKind::Model,
            name: model.path.clone(),
            version: String::new(),
            origin: Origin::Local,
        },
        checksum: None,
        location: place.clone(),
        name_location: place,
        declared: Vec::new(),
        dependencies: Vec::new(),
        member: false,
    }
}

fn subject(reference: &Reference) -> Subject {
    let of = |ecosystem: &str| Origin::PackageIndex { ecosystem: ecosystem.to_owned() };
    let origin = match (reference.kind, reference.form) {
        (SubjectKind::Service, _) => Origin::Local,
        (_, Form::OllamaLibrary) => of("ollama"),
        (_, Form::OciModel) => of("oci"),
        _ => Origin::Hub,
    };
    Subject {
        kind: reference.kind,
        name: reference.id.clone(),
        version: match reference.revision_kind {
            // Told apart from the default branch, of which more is known.
            RevisionKind::Variable => "?".to_owned(),
            _ => reference.revision.clone().unwrap_or_default(),
        },
        origin,
    }
}

fn service_facts(subject: &Subject, tables: &Tables) -> ServiceFacts {
    let vendor = tables.service_of_host(&subject.name).map(|service| service.vendor.clone());
    ServiceFacts {
        host: subject.name.clone(),
        vendor: vendor.unwrap_or_default(),
        local: stays_local(&subject.name),
    }
}

fn node_of(subject: Subject, facts: &ReferenceFacts) -> Node {
    let place = |reference: &Reference| Location {
        column: (reference.column > 0).then_some(reference.column),
        ..Location::line(reference.path.clone(), reference.line)
    };
    let places: Vec<Location> = facts.references.iter().map(place).collect();
    let first = places.first().cloned().unwrap_or_default();
    Node {
        subject,
        checksum: None,
        location: first.clone(),
        name_location: first,
        declared: places.into_iter().skip(1).take(20).collect(),
        dependencies: Vec::new(),
        member: false,
    }
}

/// Makes the crates whose folders name a node depend on it; where no folder fits, the first root does.
pub(in crate::walker) fn depend<'p>(
    graph: &mut Graph,
    node: NodeIndex,
    paths: impl Iterator<Item = &'p str>,
    manifests: &BTreeMap<NodeIndex, String>,
) {
    let mut parents: Vec<NodeIndex> = Vec::new();
    for path in paths {
        let owner = manifests
            .iter()
            .filter_map(|(&at, manifest)| {
                let folder = manifest.strip_suffix("Cargo.toml")?;
                path.starts_with(folder).then_some((folder.len(), at))
            })
            .max_by_key(|(length, _)| *length)
            .map(|(_, at)| at)
            .or_else(|| graph.roots.first().copied());
        if let Some(owner) = owner
            && !parents.contains(&owner)
        {
            parents.push(owner);
        }
    }
    for parent in parents {
        graph.nodes[parent].dependencies.push(node);
    }
}

#[cfg(test)]
mod tests;
