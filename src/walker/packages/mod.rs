//! Packages of Python and npm: the third kind of subject, as far as locks and lists in the project's folder
//! name them. Files are read as data; nothing is resolved, installed or asked.

mod address;
mod edges;
mod entry;
mod facts;
mod imports;
mod lines;
mod npm;
mod options;
mod python;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use jiff::civil::Date;

pub use facts::{
    Ecosystem, ExtraIndex, ImportFacts, Imported, PackageFacts, PackageFile, PackageFiles,
    PackageSource, YoungerImport,
};
pub use imports::{Locked, imports, younger};

use super::tree::{self, Tree};
use super::{Walk, project_subject};
use crate::domain::{
    Graph, Location, Node, NodeIndex, Origin, PackagePin, Subject, SubjectKind, Undetermined,
};
use entry::{Entry, PackageError};

/// Name of the facts group of one package.
pub const GROUP: &str = "package_lock";
/// Name of the facts group of the project's locks and lists.
pub const FILES_GROUP: &str = "packages";
/// Name of the facts group of what a model's code imports.
pub const IMPORTS_GROUP: &str = "imports";

/// Largest file that is read: a hundred times the largest of real projects.
const SIZE_LIMIT: u64 = 64 << 20;
/// Most files of one project, and most packages that become nodes.
const FILES_LIMIT: usize = 500;
const NODES_LIMIT: usize = 20_000;
/// Most files that are told for one package.
const NAMED_LIMIT: usize = 20;
/// Deepest folder, and most entries, of a model that is audited for itself.
const DEPTH_LIMIT: usize = 16;
const ENTRIES_LIMIT: usize = 100_000;

/// What the project's locks and lists name.
#[derive(Clone, Debug, Default)]
pub struct Packages {
    /// Facts group `package_lock` of every node that was added.
    pub nodes: BTreeMap<NodeIndex, PackageFacts>,
    /// Facts group `packages` of the project.
    pub files: PackageFiles,
}

impl Packages {
    /// What a pin would say of each of them, on this day.
    #[must_use]
    pub fn pins(&self, graph: &Graph, as_of: Date) -> Vec<PackagePin> {
        self.nodes.keys().filter_map(|node| self.pin(graph, *node, as_of)).collect()
    }

    /// What a pin would say of one of them.
    #[must_use]
    pub fn pin(&self, graph: &Graph, node: NodeIndex, as_of: Date) -> Option<PackagePin> {
        let facts = self.nodes.get(&node)?;
        let Node { subject, checksum, .. } = graph.nodes.get(node)?;
        let runs = match (facts.install_script, facts.only_source) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, None) => None,
            _ => Some(false),
        };
        Some(PackagePin {
            ecosystem: facts.ecosystem.as_str().to_owned(),
            name: subject.name.clone(),
            version: subject.version.clone(),
            sha256: checksum.clone(),
            runs_on_install: runs,
            seen: as_of.to_string(),
            reason: None,
        })
    }

    /// Counts ages to the day that the audit speaks of.
    pub fn count_ages(&mut self, as_of: Date) {
        for facts in self.nodes.values_mut() {
            let day = facts.uploaded.as_ref().and_then(|day| day.parse::<Date>().ok());
            facts.age_days = day.map(|day| i64::from((as_of - day).get_days()));
        }
    }
}

/// Whether a file, by its path, is a lock or a list of packages.
#[must_use]
pub(in crate::walker) fn is_package_file(path: &str) -> bool {
    kind(path).is_some()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    PythonLock,
    Requirements,
    PipConfiguration,
    Npm,
    /// A lock in a format of its own, which is named and not read.
    Foreign,
}

fn kind(path: &str) -> Option<Kind> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "uv.lock" | "poetry.lock" | "pylock.toml" => Some(Kind::PythonLock),
        "package-lock.json" | "npm-shrinkwrap.json" => Some(Kind::Npm),
        "pip.conf" | "pip.ini" => Some(Kind::PipConfiguration),
        "yarn.lock" | "pnpm-lock.yaml" | "pipfile.lock" => Some(Kind::Foreign),
        name if name.starts_with("pylock.") && name.rsplit('.').next() == Some("toml") => {
            Some(Kind::PythonLock)
        }
        name => {
            let stem = name.strip_suffix(".txt")?;
            let below = folder.rsplit('/').next() == Some("requirements");
            let listed = ["requirements", "constraints"];
            (below || listed.iter().any(|word| stem.starts_with(word) || stem.ends_with(word)))
                .then_some(Kind::Requirements)
        }
    }
}

/// One file that was read.
struct Parsed {
    path: String,
    ecosystem: Ecosystem,
    entries: Vec<Entry>,
    includes: Vec<String>,
    extra_indexes: Vec<ExtraIndex>,
}

/// Locks and lists below a folder, sorted; folders that hold what others wrote are left out.
#[must_use]
pub fn files_below(root: &Path) -> Vec<String> {
    let skipped = |entry: &walkdir::DirEntry| {
        entry.depth() == 0
            || !entry.file_type().is_dir()
            || !super::models::is_skipped(&entry.file_name().to_string_lossy())
    };
    let entries = walkdir::WalkDir::new(root).max_depth(DEPTH_LIMIT).sort_by_file_name();
    let entries = entries.into_iter().filter_entry(skipped).take(ENTRIES_LIMIT);
    let files = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    let relative = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(root).ok()?.to_str()?.replace('\\', "/");
        is_package_file(&path).then_some(path)
    };
    files.filter_map(relative).collect()
}

/// Reads the files and puts every package into the walk's graph, once a version.
pub fn attach(walk: &mut Walk, paths: &[String]) -> Packages {
    let into = Into {
        root: &walk.root,
        graph: &mut walk.graph,
        undetermined: &mut walk.undetermined,
        manifests: &walk.declared.manifests,
    };
    attach_to(into, paths)
}

/// Where packages are put.
pub struct Into<'w> {
    /// The folder that the paths begin in.
    pub root: &'w Path,
    /// Its graph: nodes are added, and depended on by the roots.
    pub graph: &'w mut Graph,
    /// What could not be read.
    pub undetermined: &'w mut Vec<Undetermined>,
    /// Manifests of the project's own crates, by node.
    pub manifests: &'w BTreeMap<NodeIndex, String>,
}

/// Reads the files and puts every package into a graph, once a version.
pub fn attach_to(mut walk: Into<'_>, paths: &[String]) -> Packages {
    let mut packages = Packages::default();
    if paths.is_empty() {
        return packages;
    }
    let Ok(tree) = Tree::open(walk.root) else { return packages };
    let parsed = read_all(&tree, paths, walk.undetermined);
    packages.files.files = parsed.values().map(|one| summed(one, &parsed)).collect();
    for one in parsed.values() {
        add(&mut walk, one, &mut packages);
    }
    packages
}

/// Reads files and what they include, each once; what cannot be read is told.
fn read_all(
    tree: &Tree,
    paths: &[String],
    untold: &mut Vec<Undetermined>,
) -> BTreeMap<String, Parsed> {
    let mut parsed = BTreeMap::new();
    let mut seen: BTreeSet<String> = paths.iter().cloned().collect();
    let mut queue: VecDeque<String> = paths.iter().cloned().collect();
    let mut left = FILES_LIMIT;
    while let Some(path) = queue.pop_front() {
        if left == 0 {
            let reason = format!("{} more lists of packages", queue.len() + 1);
            untold.push(undetermined(&path, reason));
            break;
        }
        left -= 1;
        let one = match read(tree, &path) {
            Ok(one) => one,
            Err(reason) => {
                untold.push(undetermined(&path, reason));
                continue;
            }
        };
        for include in &one.includes {
            match included(&path, include) {
                Some(inside) if seen.insert(inside.clone()) => queue.push_back(inside),
                Some(_) => {}
                None => {
                    let (include, _) = address::masked(include);
                    let reason = format!("it includes {include}, which is not read");
                    untold.push(undetermined(&path, reason));
                }
            }
        }
        parsed.insert(path, one);
    }
    parsed
}

/// The path of a file that another one includes; nothing for an address and for what leaves the folder.
fn included(path: &str, include: &str) -> Option<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if include.contains("://") { None } else { tree::within(folder, include) }
}

fn undetermined(path: &str, reason: String) -> Undetermined {
    Undetermined {
        subject: project_subject(),
        what: FILES_GROUP.to_owned(),
        file: Some(path.to_owned()),
        reason,
        required: false,
    }
}

fn read(tree: &Tree, path: &str) -> Result<Parsed, String> {
    let text = tree.read(path, SIZE_LIMIT).map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| "it is not there".to_owned())?;
    parse(path, &text).map_err(|error| error.to_string())
}

fn parse(path: &str, text: &str) -> Result<Parsed, PackageError> {
    let mut one = Parsed {
        path: path.to_owned(),
        ecosystem: Ecosystem::Python,
        entries: Vec::new(),
        includes: Vec::new(),
        extra_indexes: Vec::new(),
    };
    match kind(path) {
        Some(Kind::Npm) => {
            one.ecosystem = Ecosystem::Npm;
            one.entries = npm::read(text)?;
        }
        Some(Kind::PythonLock) => one.entries = python::read(text)?,
        Some(Kind::Foreign) => return Err(PackageError::Foreign),
        Some(Kind::PipConfiguration) => {
            one.extra_indexes = lines::configuration(path, text).extra_indexes;
        }
        Some(Kind::Requirements) | None => {
            let found = lines::read(path, text)?;
            one.entries = found.entries;
            one.includes = found.includes;
            one.extra_indexes = found.extra_indexes;
        }
    }
    Ok(one)
}

/// A file with everything that it includes, each once, however they include one another.
fn summed(one: &Parsed, all: &BTreeMap<String, Parsed>) -> PackageFile {
    let mut file = PackageFile {
        path: one.path.clone(),
        ecosystem: one.ecosystem,
        packages: 0,
        unhashed: 0,
        extra_indexes: Vec::new(),
    };
    let mut seen = BTreeSet::from([one.path.as_str()]);
    let mut queue = VecDeque::from([one]);
    // What a configuration of pip says counts for the lists beside and below it.
    let configured = all.values().filter(|other| {
        let folder = other.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        kind(&other.path) == Some(Kind::PipConfiguration)
            && kind(&one.path) == Some(Kind::Requirements)
            && (folder.is_empty() || one.path.starts_with(&format!("{folder}/")))
    });
    queue.extend(configured);
    while let Some(next) = queue.pop_front() {
        file.packages += next.entries.len() as u64;
        let open = |entry: &&Entry| entry.source == PackageSource::Index && !entry.hashed;
        file.unhashed += next.entries.iter().filter(open).count() as u64;
        file.extra_indexes.extend(next.extra_indexes.iter().cloned());
        for include in &next.includes {
            let Some(path) = included(&next.path, include) else { continue };
            if let Some((path, included)) = all.get_key_value(&path)
                && seen.insert(path)
            {
                queue.push_back(included);
            }
        }
    }
    file.extra_indexes.truncate(NAMED_LIMIT);
    file
}

fn add(walk: &mut Into<'_>, one: &Parsed, packages: &mut Packages) {
    let mut known: BTreeMap<Subject, NodeIndex> = packages
        .nodes
        .keys()
        .map(|index| (walk.graph.nodes[*index].subject.clone(), *index))
        .collect();
    let mut nodes: Vec<NodeIndex> = Vec::new();
    for entry in &one.entries {
        let subject = Subject {
            kind: SubjectKind::Package,
            name: entry.name.clone(),
            version: entry.version.clone(),
            origin: Origin::PackageIndex { ecosystem: one.ecosystem.as_str().to_owned() },
        };
        let facts = measured(one, entry);
        if let Some(index) = known.get(&subject) {
            if let Some(before) = packages.nodes.get_mut(index) {
                merge(before, facts);
            }
            nodes.push(*index);
            continue;
        }
        if packages.nodes.len() >= NODES_LIMIT {
            let reason = format!("only {NODES_LIMIT} packages are looked at");
            walk.undetermined.push(undetermined(&one.path, reason));
            break;
        }
        let node = walk.graph.nodes.len();
        walk.graph.nodes.push(node_of(one, entry, subject.clone()));
        known.insert(subject, node);
        packages.nodes.insert(node, facts);
        nodes.push(node);
    }
    let edges = edges::of(&one.entries);
    for node in edges.first.iter().filter_map(|at| nodes.get(*at)) {
        let path = [one.path.as_str()].into_iter();
        super::models::depend(walk.graph, *node, path, walk.manifests);
    }
    let mut seen: BTreeSet<(NodeIndex, NodeIndex)> = BTreeSet::new();
    edges::connect(&edges, &nodes, &mut |from, to| {
        let dependencies = &mut walk.graph.nodes[from].dependencies;
        if seen.insert((from, to)) && !dependencies.contains(&to) {
            dependencies.push(to);
        }
    });
}

fn node_of(one: &Parsed, entry: &Entry, subject: Subject) -> Node {
    let place = Location::line(one.path.clone(), entry.line);
    Node {
        subject,
        checksum: entry.sha256.clone(),
        location: place.clone(),
        name_location: place,
        declared: Vec::new(),
        dependencies: Vec::new(),
        member: false,
    }
}

fn measured(one: &Parsed, entry: &Entry) -> PackageFacts {
    PackageFacts {
        ecosystem: one.ecosystem,
        source: entry.source,
        address: entry.address.clone(),
        pinned: !entry.version.is_empty() || entry.hashed,
        hashed: entry.hashed,
        only_source: entry.only_source,
        install_script: entry.install_script,
        uploaded: entry.uploaded.clone(),
        age_days: None,
        files: vec![one.path.clone()],
    }
}

/// The same version in a second file: what any of them leaves open is open, and what any says is known.
fn merge(before: &mut PackageFacts, more: PackageFacts) {
    before.hashed &= more.hashed;
    before.pinned &= more.pinned;
    before.only_source = before.only_source.or(more.only_source);
    before.install_script = before.install_script.or(more.install_script);
    before.uploaded = before.uploaded.take().or(more.uploaded);
    for file in more.files {
        if !before.files.contains(&file) && before.files.len() < NAMED_LIMIT {
            before.files.push(file);
        }
    }
}
