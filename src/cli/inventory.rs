//! `inventory`: which crates carry AI, which models, data sets and hosted services a project names,
//! and where. Opens no socket.

mod bases;
mod human;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::Failure;
use super::arguments::InventoryArguments;
use super::{output, session};
use crate::audit;
use crate::config;
use crate::domain::{Graph, NodeIndex, SubjectKind};
use crate::walker::models::{
    self, Attached, Discovery, Layout, ReferenceFacts, RevisionKind, Tables,
};
use crate::walker::tree::Tree;
use crate::walker::{self, Walk};
use bases::BaseEntry;

/// Name of the JSON schema.
const SCHEMA: &str = "custody-inventory/1";

/// Everything about AI in one project.
#[derive(Debug, Serialize)]
struct Inventory {
    schema: &'static str,
    crates: Vec<CrateEntry>,
    models: Vec<NamedEntry>,
    datasets: Vec<NamedEntry>,
    services: Vec<ServiceEntry>,
    local: Vec<LocalEntry>,
    /// Names that are only shaped like ids; they are not counted above.
    possible: Vec<PossibleEntry>,
    /// What could not be read.
    unread: Vec<String>,
}

/// A crate that carries AI.
#[derive(Debug, Serialize)]
struct CrateEntry {
    name: String,
    version: String,
    role: String,
    /// A crate of the project asks for it directly.
    direct: bool,
    place: String,
}

/// A model or data set at one revision.
#[derive(Debug, Serialize)]
struct NamedEntry {
    id: String,
    revision: String,
    revision_kind: RevisionKind,
    pinned: Option<bool>,
    trust_remote_code: bool,
    only_in_tests: bool,
    /// What an adapter, quantisation or merge is built on, nearest first, as far as answers tell that
    /// an earlier `check` kept.
    base: Vec<BaseEntry>,
    places: Vec<Place>,
    /// Places beyond those listed.
    more: u32,
}

/// Where something is named, and in which form.
#[derive(Debug, Serialize)]
struct Place {
    file: String,
    line: u32,
    form: String,
}

/// A hosted service, or an address of the same kind that stays at home.
#[derive(Debug, Serialize)]
struct ServiceEntry {
    host: String,
    vendor: String,
    local: bool,
    places: Vec<Place>,
    more: u32,
}

/// A model that lies in the project's folder.
#[derive(Debug, Serialize)]
struct LocalEntry {
    path: String,
    layout: &'static str,
    repository: Option<String>,
    files: usize,
    /// What its own configuration says that it is built on.
    base: Vec<BaseEntry>,
}

/// A name that may be a model.
#[derive(Debug, Serialize)]
struct PossibleEntry {
    id: String,
    file: String,
    line: u32,
}

/// Prints the inventory of one project.
pub fn run(arguments: &InventoryArguments) -> Result<u8, Failure> {
    let inventory = take(&arguments.path, arguments)?;
    let text = if arguments.json {
        crate::reporter::json_text(&inventory)?
    } else {
        let color = output::colored(arguments.common.color);
        human::render(&inventory, output::width(), color)
    };
    output::stdout(text.as_bytes())?;
    Ok(0)
}

fn take(path: &Path, arguments: &InventoryArguments) -> Result<Inventory, Failure> {
    let policy = if arguments.common.no_config {
        config::Policy::default()
    } else {
        config::load(&session::folder_of(path), arguments.common.config.as_deref())?
    };
    let mut walk = walker::walk(path, &walker::Options::default())?;
    let crates = crates(&walk);
    let (attached, discovery) = audit::name_models(&mut walk, &policy);
    let chains = bases::kept(&walk.graph, &session::gather_options(&arguments.common, true)?)?;
    Ok(Inventory {
        schema: SCHEMA,
        crates,
        models: named(&walk.graph, &attached, SubjectKind::Model, &chains),
        datasets: named(&walk.graph, &attached, SubjectKind::Dataset, &chains),
        services: services(&walk.graph, &attached),
        local: local(&walk, &discovery),
        possible: possible(&discovery),
        unread: discovery.undetermined.iter().map(unread).collect(),
    })
}

fn unread(entry: &crate::domain::Undetermined) -> String {
    match &entry.file {
        Some(file) => format!("{file}: {}", entry.reason),
        None => entry.reason.clone(),
    }
}

fn crates(walk: &Walk) -> Vec<CrateEntry> {
    let tables = Tables::embedded();
    let mut direct = vec![false; walk.graph.nodes.len()];
    for node in walk.graph.nodes.iter().filter(|node| node.member) {
        for &next in &node.dependencies {
            direct[next] = true;
        }
    }
    let nodes = walk.graph.nodes.iter().zip(direct);
    let entries = nodes.filter_map(|(node, direct)| {
        let name = &node.subject.name;
        let role = match tables.role(name) {
            Some(role) => role.to_owned(),
            None => format!("client of {}", tables.service_of_crate(name)?.vendor),
        };
        let place = node.declared.first().unwrap_or(&node.name_location);
        Some(CrateEntry {
            name: name.clone(),
            version: node.subject.version.clone(),
            role,
            direct,
            place: format!("{}:{}", place.file, place.line),
        })
    });
    entries.filter(|entry| !entry.version.is_empty()).collect()
}

fn places(facts: &ReferenceFacts) -> Vec<Place> {
    let place = |reference: &models::Reference| Place {
        file: reference.path.clone(),
        line: reference.line,
        form: reference.form.name(),
    };
    facts.references.iter().map(place).collect()
}

fn named(
    graph: &Graph,
    attached: &Attached,
    kind: SubjectKind,
    chains: &BTreeMap<NodeIndex, Vec<BaseEntry>>,
) -> Vec<NamedEntry> {
    let of_kind =
        attached.references.iter().filter(|(node, _)| graph.nodes[**node].subject.kind == kind);
    of_kind
        .map(|(&node, facts)| NamedEntry {
            id: graph.nodes[node].subject.name.clone(),
            revision: facts.revision.clone(),
            revision_kind: facts.revision_kind,
            pinned: facts.pinned.known().copied(),
            trust_remote_code: facts.trust_remote_code,
            only_in_tests: facts.only_in_tests,
            base: chains.get(&node).cloned().unwrap_or_default(),
            places: places(facts),
            more: facts.left_out,
        })
        .collect()
}

fn services(graph: &Graph, attached: &Attached) -> Vec<ServiceEntry> {
    let entries = attached.services.iter().map(|(node, service)| ServiceEntry {
        host: graph.nodes[*node].subject.name.clone(),
        vendor: service.vendor.clone(),
        local: service.local,
        places: attached.references.get(node).map(places).unwrap_or_default(),
        more: attached.references.get(node).map_or(0, |facts| facts.left_out),
    });
    entries.collect()
}

fn local(walk: &Walk, discovery: &Discovery) -> Vec<LocalEntry> {
    // The walk has read the folder; where that fails now, the places are told without their bases.
    let tree = Tree::open(&walk.root).ok();
    let base = |model: &models::LocalModel| match (&tree, model.layout) {
        (Some(tree), Layout::Folder) => bases::local(tree, &model.path),
        _ => Vec::new(),
    };
    let entry = |model: &models::LocalModel| LocalEntry {
        path: model.path.clone(),
        layout: match model.layout {
            Layout::HubCache => "hub-cache",
            Layout::Folder => "folder",
            Layout::File => "file",
        },
        repository: model.repository.clone(),
        files: model.files.len(),
        base: base(model),
    };
    discovery.local.iter().map(entry).collect()
}

/// Most names that are told as possible.
const POSSIBLE_LIMIT: usize = 100;

fn possible(discovery: &Discovery) -> Vec<PossibleEntry> {
    let low = discovery.references.iter().filter(|r| r.confidence == models::Confidence::Low);
    low.take(POSSIBLE_LIMIT)
        .map(|r| PossibleEntry { id: r.id.clone(), file: r.path.clone(), line: r.line })
        .collect()
}
