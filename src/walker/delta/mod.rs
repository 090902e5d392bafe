//! What a change does to the graph and to the project's own files: facts groups `update` (one for each
//! crate that is new or other than before) and `change` (one for the project).
//!
//! Compares two walks. A crate is followed by its name: first the same version, then the same semver
//! line, then whatever is left on both sides, so that an update across lines is an update and not a
//! removal beside an addition. Whether a difference matters is for the rules.

mod project;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use project::{ChangeFacts, PolicyFile, PolicyLine, ScriptChange, changes};

use super::exposure::ExposureFacts;
use super::facts::{LockFacts, SourceKind};
use super::models;
use super::project::ProjectFacts;
use super::tree::Tree;
use super::workspace::Workspace;
use super::{Walk, WalkError};
use crate::domain::{Graph, Location, Measured, Node, NodeIndex, Origin, Sources};

/// Name of the facts group of a crate.
pub const GROUP: &str = "update";
/// Name of the facts group of the project.
pub const CHANGE_GROUP: &str = "change";
/// Most names in one list of facts.
const LISTED: usize = 500;

/// What the audited project is compared with.
#[derive(Clone, Debug)]
pub struct Base {
    /// What it is called: a revision with its commit, or a file.
    pub label: String,
    /// Its graph; empty where it has no lockfile.
    pub graph: Graph,
    /// It has a lockfile.
    pub lockfile: bool,
    /// Facts group `lock` of every node.
    pub locks: BTreeMap<NodeIndex, LockFacts>,
    /// Facts group `exposure` of every node, as far as the files of the project tell.
    pub exposure: BTreeMap<NodeIndex, ExposureFacts>,
    /// What its own files set up; unknown where only a lockfile was given.
    pub project: Measured<ProjectFacts>,
    /// Text of the files that were read.
    pub sources: Sources,
}

impl Base {
    /// The base in a folder of its own. Without a lockfile everything counts as new.
    pub fn of_folder(folder: &Path, lockfile: &str, label: &str) -> Result<Self, WalkError> {
        let path = if lockfile == "Cargo.lock" { folder.to_owned() } else { folder.join(lockfile) };
        if folder.join(lockfile).symlink_metadata().is_ok() {
            return Ok(Self::of_walk(super::walk(&path, &super::Options::default())?, label));
        }
        let open = Tree::open(folder);
        let tree = open.map_err(|source| WalkError::Path { path: folder.to_owned(), source })?;
        let mut sources = Sources::default();
        let workspace = Workspace::read(&tree, &mut sources);
        let project = super::project::measure(&tree, &workspace, &mut sources, &mut Vec::new());
        Ok(Self {
            label: label.to_owned(),
            graph: Graph::default(),
            lockfile: false,
            locks: BTreeMap::new(),
            exposure: BTreeMap::new(),
            project: Measured::Known(project),
            sources,
        })
    }

    /// The base as a lockfile, with the manifests beside it if it is named `Cargo.lock`.
    pub fn of_lockfile(file: &Path) -> Result<Self, WalkError> {
        let label = crate::domain::text::shown(&file.to_string_lossy());
        let mut base = Self::of_walk(super::walk(file, &super::Options::default())?, &label);
        base.project = Measured::unknown("the base is given as a lockfile only");
        Ok(base)
    }

    /// Models, data sets and services that the base names are nodes as on the audited side, so that
    /// only what a change brings in is new.
    fn of_walk(mut walk: Walk, label: &str) -> Self {
        let named = models::in_project(&walk, &[]);
        models::attach(&mut walk.graph, &named, &walk.declared.manifests);
        walk.project.add_hub_endpoints(&named.endpoints);
        Self {
            label: label.to_owned(),
            lockfile: true,
            locks: walk.locks,
            exposure: walk.exposure,
            graph: walk.graph,
            project: Measured::Known(walk.project),
            sources: walk.sources,
        }
    }
}

/// What happened to a crate.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateKind {
    /// The base has no crate that it continues.
    New,
    /// The base has it in another version, from another place or with another checksum.
    Updated,
    /// The base has exactly this.
    Unchanged,
}

/// What a change does to one crate, according to the two lockfiles.
#[expect(clippy::struct_excessive_bools, reason = "independent facts that rules read by name")]
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct UpdateFacts {
    /// `new`, `updated` or `unchanged`.
    pub kind: UpdateKind,
    /// Version in the base; empty where it is new.
    pub from_version: String,
    /// SHA-256 of the archive according to the base's lockfile; empty where it is new or has none.
    pub from_checksum: String,
    /// Where the base takes it from (`registry`, `alternative-registry`, `git`, `path`), with the
    /// address of a registry or repository behind it; empty where it is new.
    pub from_source: String,
    /// The same for this side.
    pub source: String,
    /// It is taken from another kind of place, registry or repository than in the base.
    pub source_changed: bool,
    /// It comes from the same git repository at another commit.
    pub commit_changed: bool,
    /// The lockfile pins another SHA-256 for the same version from the same place, or none any more.
    pub checksum_changed: bool,
    /// Cargo takes it from files of this repository or of this machine (vendored, a local registry, a `paths`
    /// override), and they, or the configuration that leads to them, are not shown to be those of the
    /// base. The lockfile says nothing of it.
    #[serde(default)]
    pub files_changed: bool,
    /// Its version is lower than in the base, by semver.
    pub downgrade: bool,
    /// Its version is on another semver line than in the base (1 to 2, or 0.1 to 0.2).
    pub crosses_line: bool,
    /// The base's lockfile lists some version of a crate of this name.
    pub name_in_base: bool,
    /// The project depends on it directly and did not in the base. Unknown where a lockfile lists no
    /// crate of the project.
    pub newly_direct: Measured<bool>,
    /// Names that it depends on now and that the base's version did not depend on; for a new crate
    /// empty. At most 500.
    pub dependencies_added: Vec<String>,
}

/// One crate that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Name.
    pub name: String,
    /// Version in the base.
    pub version: String,
}

/// How two graphs differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// Facts of every node of the audited graph, in its order.
    pub facts: Vec<UpdateFacts>,
    /// Node of the audited graph to the node of the base that it continues, unchanged ones included.
    pub from: BTreeMap<NodeIndex, NodeIndex>,
    /// What the base has and this side does not continue, ordered.
    pub removed: Vec<Removed>,
}

impl Delta {
    /// Compares the audited graph with that of the base.
    #[must_use]
    pub fn between(base: &Base, walk: &Walk) -> Self {
        let pairs = versions::pair(&base.graph, &walk.graph);
        let names: BTreeSet<&str> = base.graph.nodes.iter().map(|n| &*n.subject.name).collect();
        let nodes = walk.graph.nodes.iter().enumerate();
        let facts = nodes.map(|(index, node)| {
            let from = pairs.get(&index).copied();
            let direct = walk.locks.get(&index).map(|lock| lock.direct.clone());
            let direct = direct.unwrap_or_else(|| Measured::unknown("not in the lockfile"));
            let before = from.map_or(Measured::Known(false), |from| {
                base.locks.get(&from).map_or(Measured::Known(false), |lock| lock.direct.clone())
            });
            let newly_direct = direct.and_then(|direct| before.map(|before| direct && !before));
            let mut facts = match from {
                Some(from) => updated(&base.graph, from, &walk.graph, index, newly_direct),
                None => new(node, newly_direct),
            };
            facts.name_in_base = names.contains(&*node.subject.name);
            facts
        });
        let facts = facts.collect();
        let kept: BTreeSet<NodeIndex> = pairs.values().copied().collect();
        let gone = base.graph.nodes.iter().enumerate().filter(|(at, _)| !kept.contains(at));
        let removed = gone.map(|(_, node)| Removed {
            name: node.subject.name.clone(),
            version: node.subject.version.clone(),
        });
        Self { facts, removed: removed.collect(), from: pairs }
    }

    /// Takes a crate as other than in the base, whose lockfile entry is the same and whose files are not.
    pub fn change_files(&mut self, node: NodeIndex) {
        if let Some(facts) = self.facts.get_mut(node) {
            facts.files_changed = true;
            if facts.kind == UpdateKind::Unchanged {
                facts.kind = UpdateKind::Updated;
            }
        }
    }

    /// Whether a node is new or other than in the base.
    #[must_use]
    pub fn changed(&self, node: NodeIndex) -> bool {
        self.facts.get(node).is_some_and(|facts| facts.kind != UpdateKind::Unchanged)
    }
}

impl UpdateFacts {
    /// The line of the lockfile that the change touches. That is the version's, which is where the
    /// crate is found, unless the version stays and its source or checksum does not.
    #[must_use]
    pub fn place(&self, of: &Node, sources: &Sources) -> Option<Location> {
        let key = match (self.kind, self.source_changed || self.commit_changed) {
            (UpdateKind::Updated, _) if self.from_version != of.subject.version => return None,
            (UpdateKind::Updated, true) => "source",
            (UpdateKind::Updated, false) if self.checksum_changed => "checksum",
            _ => return None,
        };
        let Location { file, line, .. } = &of.location;
        let below = sources.text(file)?.lines().skip(usize::try_from(*line).ok()?);
        let entry = below.take_while(|text| !text.trim().is_empty() && !text.starts_with('['));
        let at = entry.enumerate().find_map(|(at, text)| {
            text.strip_prefix(key)?.trim_start().starts_with('=').then_some(at)
        })?;
        Some(Location::line(file.clone(), line.saturating_add(u32::try_from(at + 1).ok()?)))
    }
}

fn new(node: &Node, newly_direct: Measured<bool>) -> UpdateFacts {
    UpdateFacts {
        kind: UpdateKind::New,
        from_version: String::new(),
        from_checksum: String::new(),
        from_source: String::new(),
        source: place(&node.subject.origin),
        source_changed: false,
        commit_changed: false,
        checksum_changed: false,
        files_changed: false,
        downgrade: false,
        crosses_line: false,
        name_in_base: false,
        newly_direct,
        dependencies_added: Vec::new(),
    }
}

fn updated(
    base: &Graph,
    from: NodeIndex,
    graph: &Graph,
    index: NodeIndex,
    newly_direct: Measured<bool>,
) -> UpdateFacts {
    let (old, node) = (&base.nodes[from], &graph.nodes[index]);
    let (old_source, source) = (place(&old.subject.origin), place(&node.subject.origin));
    let same = old.subject == node.subject;
    let source_changed = old_source != source;
    let same_release = !source_changed && old.subject.version == node.subject.version;
    let checksum_changed = same_release && old.checksum.is_some() && old.checksum != node.checksum;
    let commit_changed = !source_changed && old.subject.origin != node.subject.origin;
    UpdateFacts {
        kind: if same && !checksum_changed { UpdateKind::Unchanged } else { UpdateKind::Updated },
        from_version: old.subject.version.clone(),
        from_checksum: old.checksum.clone().unwrap_or_default(),
        from_source: old_source,
        downgrade: versions::lower(&node.subject.version, &old.subject.version),
        crosses_line: versions::line(&node.subject.version) != versions::line(&old.subject.version),
        dependencies_added: if same { Vec::new() } else { gained(base, old, graph, node) },
        source,
        source_changed,
        commit_changed,
        checksum_changed,
        files_changed: false,
        name_in_base: true,
        newly_direct,
    }
}

fn gained(base: &Graph, old: &Node, graph: &Graph, node: &Node) -> Vec<String> {
    let names = |graph: &Graph, node: &Node| -> BTreeSet<String> {
        node.dependencies.iter().map(|&to| graph.nodes[to].subject.name.clone()).collect()
    };
    let before = names(base, old);
    names(graph, node).into_iter().filter(|name| !before.contains(name)).take(LISTED).collect()
}

/// Kind of a place, and which one.
fn place(origin: &Origin) -> String {
    let kind = |kind: SourceKind| match kind {
        SourceKind::Registry => "registry",
        SourceKind::AlternativeRegistry => "alternative-registry",
        SourceKind::Git => "git",
        SourceKind::Path => "path",
    };
    match origin {
        Origin::Registry | Origin::Hub => kind(SourceKind::Registry).to_owned(),
        Origin::AlternativeRegistry { index } => {
            format!("{} {index}", kind(SourceKind::AlternativeRegistry))
        }
        Origin::Git { url, .. } => format!("{} {url}", kind(SourceKind::Git)),
        Origin::Path | Origin::Local => kind(SourceKind::Path).to_owned(),
        Origin::PackageIndex { ecosystem } => ecosystem.clone(),
    }
}

#[cfg(test)]
mod tests;
