//! Models on disk: audited for themselves, or as part of the project whose folder they lie in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Audit, AuditError, Audited, Request, assemble, bound, hold_against};
use crate::collectors::model_files::{self, Look, ModelFacts};
use crate::collectors::{Gathered, malware};
use crate::domain::report::SubjectEntry;
use crate::domain::{
    FactSheet, Graph, Location, Node, Origin, Sources, Subject, SubjectKind, Undetermined,
};
use crate::heuristics::judge::{Case, judge};
use crate::heuristics::waivers;
use crate::walker::models::{Attached, Layout, LocalModel};
use crate::walker::packages::{self, ImportFacts, Locked};
use crate::walker::{Walk, repository};

/// The subject that stands for a model on disk: it is called by the last part of its path, whatever way
/// leads to it.
#[must_use]
pub fn subject_of(path: &Path) -> Subject {
    let whole = path.canonicalize();
    let path = whole.as_deref().unwrap_or(path);
    Subject {
        kind: SubjectKind::Model,
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        version: String::new(),
        origin: Origin::Local,
    }
}

/// Audits one model folder or file.
pub(super) fn run(request: &Request) -> Result<Audit, AuditError> {
    let facts = model_files::measure(&request.path)?;
    let subject = subject_of(&request.path);
    let mut sheet = FactSheet::new(subject.clone());
    sheet.put(model_files::GROUP, &facts);
    let first = facts.files.first().map_or(".", |file| file.path.as_str());
    let location = Location::line(first, 1);
    let folder = if request.path.is_dir() { Some(&*request.path) } else { request.path.parent() };
    let beside = beside(request, &subject, &facts);
    if let Some(imports) = &beside.imports {
        sheet.put(packages::IMPORTS_GROUP, imports);
    }
    let case = Case { sheet, location: location.clone(), related: Vec::new(), path: Vec::new() };
    let cases: Vec<Case> = std::iter::once(case).chain(beside.cases).collect();
    let mut judgement = judge(&request.ruleset, &cases);
    let whole = request.path.is_dir();
    let place = |path: &str| if whole { request.path.join(path) } else { request.path.clone() };
    bound::bind(&mut judgement.findings, cases.iter().map(|case| &case.sheet), place);
    let as_of = request.gather.as_of.to_string();
    waivers::apply(&mut judgement.findings, &request.policy.waivers, &as_of, &BTreeMap::new());
    if let Some(baseline) = &request.baseline {
        hold_against(baseline, &mut judgement.findings);
    }
    let mut undetermined = not_scanned(&subject, &facts, true);
    undetermined.extend(beside.undetermined);
    let audited = Audited {
        prefix: folder.map(repository::prefix).unwrap_or_default(),
        project: Some(subject.name.clone()),
        own: BTreeSet::new(),
        unlocked: BTreeSet::new(),
        // Who names a model wants to know about all of it.
        undetermined,
        subjects: std::iter::once(SubjectEntry {
            purl: None,
            sha256: match facts.files.as_slice() {
                [only] => only.sha256.clone(),
                _ => None,
            },
            depends_on: beside.first,
            ..SubjectEntry::of(subject, location)
        })
        .chain(beside.subjects)
        .collect(),
        sources: Sources::default(),
    };
    let sheets = cases.into_iter().map(|case| case.sheet).collect();
    Ok(assemble(request, audited, Gathered::default(), judgement, sheets))
}

/// Packages that a model's own lists name, where it is audited for itself.
#[derive(Default)]
struct Beside {
    cases: Vec<Case>,
    subjects: Vec<SubjectEntry>,
    /// Those that the lists themselves ask for, by package URL.
    first: Vec<String>,
    undetermined: Vec<Undetermined>,
    /// What its code imports, where there is a list of Python packages.
    imports: Option<ImportFacts>,
}

/// Reads the lists of packages in the folder of a model. Nobody is asked about them.
fn beside(request: &Request, subject: &Subject, facts: &ModelFacts) -> Beside {
    let mut beside = Beside::default();
    if !request.path.is_dir() {
        return beside;
    }
    let paths = packages::files_below(&request.path);
    let place = Location::line(paths.first().map_or(".", String::as_str), 1);
    let mut graph = Graph { nodes: vec![root(subject, &place)], roots: vec![0] };
    let into = packages::Into {
        root: &request.path,
        graph: &mut graph,
        undetermined: &mut beside.undetermined,
        manifests: &BTreeMap::new(),
    };
    let mut named = packages::attach_to(into, &paths);
    named.count_ages(request.gather.as_of);
    let locked = Locked::of(&graph, &named);
    if !locked.is_empty() {
        beside.imports = Some(imports(facts, &locked).0);
    }
    let ways = graph.ways();
    let purls = |nodes: &[usize]| -> Vec<String> {
        nodes.iter().filter_map(|node| graph.nodes[*node].subject.purl()).collect()
    };
    beside.first = purls(&graph.nodes[0].dependencies);
    for (&index, lock) in &named.nodes {
        let node = &graph.nodes[index];
        let mut sheet = FactSheet::new(node.subject.clone());
        sheet.put(packages::GROUP, lock);
        if let Some(records) = &request.gather.malware {
            let Subject { name, version, .. } = &node.subject;
            let facts = records.of(lock.ecosystem.as_str(), name, version);
            sheet.put(malware::GROUP, &facts);
        }
        beside.subjects.push(SubjectEntry {
            sha256: node.checksum.clone(),
            depends_on: purls(&node.dependencies),
            ..SubjectEntry::of(node.subject.clone(), node.location.clone())
        });
        beside.cases.push(Case {
            sheet,
            location: node.location.clone(),
            related: Vec::new(),
            path: graph.steps(&ways.to(index)),
        });
    }
    beside
}

fn root(subject: &Subject, place: &Location) -> Node {
    Node {
        subject: subject.clone(),
        checksum: None,
        location: place.clone(),
        name_location: place.clone(),
        declared: Vec::new(),
        dependencies: Vec::new(),
        member: true,
    }
}

/// Measures the models in the project's folder into their cases; the answer is what of them could not be
/// looked at.
pub(super) fn measure_local(
    walk: &Walk,
    named: &Attached,
    cases: &mut [Case],
) -> Vec<Undetermined> {
    let mut undetermined = Vec::new();
    let locked = Locked::of(&walk.graph, &named.packages);
    for (&node, model) in &named.local {
        let (place, prefix) = place_of(&walk.root, model);
        let sheet = &mut cases[node].sheet;
        match model_files::look(&place, &Look { prefix, ..Look::default() }) {
            Ok((facts, _)) => {
                sheet.put(model_files::GROUP, &facts);
                if !locked.is_empty() {
                    sheet.put(packages::IMPORTS_GROUP, &imports(&facts, &locked).0);
                }
                undetermined.extend(not_scanned(&sheet.subject, &facts, true));
            }
            Err(error) => {
                sheet.put_unknown(model_files::GROUP, error.to_string());
                undetermined.push(Undetermined {
                    subject: sheet.subject.clone(),
                    what: model_files::GROUP.to_owned(),
                    file: None,
                    reason: error.to_string(),
                    required: true,
                });
            }
        }
    }
    undetermined
}

/// Where a model of a project lies, and what stands before the paths of its facts.
pub(super) fn place_of(root: &Path, model: &LocalModel) -> (PathBuf, String) {
    let place = root.join(&model.place);
    match model.layout {
        Layout::HubCache => (place.join("snapshots"), format!("{}/snapshots/", model.path)),
        Layout::Folder => (place, format!("{}/", model.path)),
        Layout::File => (place, folder_of(&model.path)),
    }
}

/// Puts what the Python of models on the Hub imports beside what the project's locks name.
pub(super) fn measure_imports(
    walk: &Walk,
    named: &Attached,
    gathered: &Gathered,
    cases: &mut [Case],
) {
    let locked = Locked::of(&walk.graph, &named.packages);
    if locked.is_empty() {
        return;
    }
    let days = gathered.package_days.iter();
    let days: BTreeMap<String, i64> =
        days.map(|(node, days)| (walk.graph.nodes[*node].subject.name.clone(), *days)).collect();
    for (node, files) in &gathered.imports {
        let stems = files.keys().flat_map(|path| path.split('/'));
        let own = stems.map(|name| name.trim_end_matches(".py").to_owned()).collect();
        let sources = files.iter().map(|(path, modules)| (path.as_str(), modules.as_slice()));
        let (mut facts, found) = packages::imports(&locked, &own, sources);
        let since = gathered.model_days.get(node).copied();
        facts.younger = packages::younger(&found, since, &days);
        cases[*node].sheet.put(packages::IMPORTS_GROUP, &facts);
    }
}

/// What the sources of a model import and no lock of the project names.
fn imports(facts: &ModelFacts, locked: &Locked) -> (ImportFacts, Vec<packages::Imported>) {
    // A module beside another is imported by its bare name.
    let stems = facts.python.iter().flat_map(|part| part.path.split('/'));
    let own = stems.map(|name| name.trim_end_matches(".py").to_owned()).collect();
    let sources = facts.python.iter().filter(|part| part.member.is_empty());
    let sources = sources.map(|part| (part.path.as_str(), part.facts.imports.as_slice()));
    packages::imports(locked, &own, sources)
}

/// The folder of a path with the `/` behind it; empty where there is none.
fn folder_of(path: &str) -> String {
    path.rfind('/').map_or(String::new(), |at| path[..=at].to_owned())
}

/// Files and members that could not be looked at.
#[must_use]
pub fn not_scanned(subject: &Subject, facts: &ModelFacts, required: bool) -> Vec<Undetermined> {
    let entry = |file: Option<String>, reason: String| Undetermined {
        subject: subject.clone(),
        what: model_files::GROUP.to_owned(),
        file,
        reason,
        required,
    };
    let mut entries: Vec<Undetermined> = facts
        .unscannable
        .iter()
        .map(|one| {
            let member = if one.member.is_empty() { "" } else { "!" };
            let file = format!("{}{member}{}", one.path, one.member);
            entry(Some(file), one.reason.clone())
        })
        .collect();
    if facts.unscannable_left_out > 0 {
        let reason = format!("{} more files or members", facts.unscannable_left_out);
        entries.push(entry(None, reason));
    }
    entries
}
