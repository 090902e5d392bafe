//! From declarations to nodes: which crate of the graph a line of a manifest asks for, and of which
//! kind each edge of the project's own crates is.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Declaration, DeclaredSource, DependencyKind, Manifest, Patch};
use super::tree;
use super::workspace::Workspace;
use crate::domain::{Graph, NodeIndex, Origin, Subject};

/// Most versions of one name among the dependencies of one crate that a declaration is compared
/// with. Real projects have two or three; a made-up one could have a hundred thousand.
const VERSIONS_LIMIT: usize = 32;

/// How manifests and graph fit together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Node of each crate of the project whose manifest was read, with that manifest's file.
    pub manifests: BTreeMap<NodeIndex, String>,
    /// Kinds of the edges that leave those nodes, by both ends.
    pub kinds: BTreeMap<(NodeIndex, NodeIndex), BTreeSet<DependencyKind>>,
    /// What those crates ask of what they need from a registry, as written, by both ends.
    pub requirements: BTreeMap<(NodeIndex, NodeIndex), BTreeSet<String>>,
    /// Declarations that the lockfile knows nothing of: file, line, and what is missing.
    pub missing: Vec<(String, u32, String)>,
    /// Names that cargo would lock anew, and so change what it builds: the lockfile lacks them, or has
    /// another source or version than the manifest asks for.
    pub unlocked: BTreeSet<String>,
    /// Names that the lockfile lists as patches which the graph does not use.
    pub unused_patches: BTreeSet<String>,
}

/// Finds the nodes of the project's crates and of what they declare, writes the places of the
/// declarations into the graph, and corrects which nodes are the project's own.
pub(super) fn connect(graph: &mut Graph, workspace: &Workspace) -> Declared {
    let mut found = Declared::default();
    if workspace.manifests.is_empty() {
        return found;
    }
    let own = own_nodes(graph);
    for manifest in workspace.manifests.values() {
        let Some(package) = &manifest.package else { continue };
        let named = own.get(package.name.as_str()).map_or(&[][..], Vec::as_slice);
        let node = match (workspace.version(package), named) {
            (None, &[only]) => Some(only),
            (Some(version), _) => {
                named.iter().copied().find(|&at| graph.nodes[at].subject.version == version)
            }
            (None, _) => None,
        };
        match node {
            Some(node) => {
                found.manifests.insert(node, manifest.file.clone());
            }
            None if manifest.file == "Cargo.toml" => {
                found.missing.push((manifest.file.clone(), 1, package.name.clone()));
                unlisted(graph, workspace, manifest, &mut found);
            }
            None => {
                if workspace.is_locked(manifest) {
                    found.missing.push((manifest.file.clone(), 1, package.name.clone()));
                    found.unlocked.insert(package.name.clone());
                }
                unlisted(graph, workspace, manifest, &mut found);
            }
        }
    }
    disown(graph, workspace, &found);
    for (&node, file) in &found.manifests.clone() {
        edges(graph, workspace, node, &workspace.manifests[file], &mut found);
    }
    for node in &mut graph.nodes {
        node.declared.sort();
        node.declared.dedup();
    }
    found
}

fn own_nodes(graph: &Graph) -> BTreeMap<String, Vec<NodeIndex>> {
    let mut own: BTreeMap<String, Vec<NodeIndex>> = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if node.subject.origin == Origin::Path {
            own.entry(node.subject.name.clone()).or_default().push(index);
        }
    }
    own
}

/// A path dependency outside the audited folder is not the project's own.
fn disown(graph: &mut Graph, workspace: &Workspace, found: &Declared) {
    let outside: BTreeSet<&str> = workspace
        .outside_paths()
        .into_iter()
        .map(|(_, declaration)| declaration.package.as_str())
        .collect();
    for (index, node) in graph.nodes.iter_mut().enumerate() {
        if !found.manifests.contains_key(&index) && outside.contains(node.subject.name.as_str()) {
            node.member = false;
        }
    }
    let members: Vec<NodeIndex> =
        (0..graph.nodes.len()).filter(|&index| graph.nodes[index].member).collect();
    if !members.is_empty() {
        graph.roots = members;
    }
}

/// What a crate declares that the lockfile does not list, and no crate of that name either.
fn unlisted(graph: &Graph, workspace: &Workspace, manifest: &Manifest, found: &mut Declared) {
    if !workspace.locks_all(manifest) {
        return;
    }
    let locked: BTreeSet<&str> =
        graph.nodes.iter().map(|node| node.subject.name.as_str()).collect();
    for declaration in &manifest.dependencies {
        let says = workspace.inherited(declaration).unwrap_or(declaration);
        if !locked.contains(says.package.as_str()) {
            let line = declaration.location.line;
            found.missing.push((manifest.file.clone(), line, says.package.clone()));
            found.unlocked.insert(says.package.clone());
        }
    }
}

fn edges(
    graph: &mut Graph,
    workspace: &Workspace,
    from: NodeIndex,
    manifest: &Manifest,
    found: &mut Declared,
) {
    let mut by_name: BTreeMap<String, Vec<NodeIndex>> = BTreeMap::new();
    for &to in &graph.nodes[from].dependencies {
        by_name.entry(graph.nodes[to].subject.name.clone()).or_default().push(to);
    }
    for declaration in &manifest.dependencies {
        let inherited = workspace.inherited(declaration);
        let says = inherited.unwrap_or(declaration);
        let named = by_name.get(&says.package).map_or(&[][..], Vec::as_slice);
        if named.is_empty() && says.package != graph.nodes[from].subject.name {
            let line = declaration.location.line;
            found.missing.push((manifest.file.clone(), line, says.package.clone()));
            if workspace.locks_all(manifest) {
                found.unlocked.insert(says.package.clone());
            }
        }
        let kept = named.iter().any(|&at| keeps(&graph.nodes[at].subject, says));
        if !kept && !named.is_empty() && workspace.locks_all(manifest) {
            let (line, name) = (declaration.location.line, says.package.clone());
            if !workspace.is_patched(&name) {
                found.missing.push((manifest.file.clone(), line, name.clone()));
                found.unlocked.insert(name);
            }
        }
        for to in fitting(graph, &named[..named.len().min(VERSIONS_LIMIT)], says) {
            found.kinds.entry((from, to)).or_default().insert(declaration.kind);
            if let Some(requirement) = &says.requirement {
                let asked = found.requirements.entry((from, to)).or_default();
                asked.insert(requirement.clone());
            }
            let declared = &mut graph.nodes[to].declared;
            declared.push(declaration.location.clone());
            declared.extend(inherited.map(|entry| entry.location.clone()));
        }
    }
}

/// Of several versions of one name, those that the declaration admits; all, if it admits none (a
/// patch may have put another version there).
fn fitting(graph: &Graph, named: &[NodeIndex], says: &Declaration) -> Vec<NodeIndex> {
    if named.len() < 2 {
        return named.to_vec();
    }
    let fits = |&at: &NodeIndex| {
        let subject = &graph.nodes[at].subject;
        let place = matches!(
            (&says.source, &subject.origin),
            (DeclaredSource::Registry, Origin::Registry)
                | (DeclaredSource::AlternativeRegistry(_), Origin::AlternativeRegistry { .. })
                | (DeclaredSource::Git { .. }, Origin::Git { .. })
                | (DeclaredSource::Path(_), Origin::Path)
                | (DeclaredSource::Workspace, _)
        );
        place && admits(says, &subject.version)
    };
    let fit: Vec<NodeIndex> = named.iter().copied().filter(fits).collect();
    if fit.is_empty() { named.to_vec() } else { fit }
}

/// Whether a declaration's requirement takes a version; what cannot be read as either takes all.
fn admits(says: &Declaration, version: &str) -> bool {
    let requirement = says.requirement.as_deref().map(semver::VersionReq::parse);
    match (requirement, semver::Version::parse(version)) {
        (Some(Ok(requirement)), Ok(version)) => requirement.matches(&version),
        _ => true,
    }
}

/// Whether cargo would keep a locked crate for a declaration. Only what comes from a registry is doubted:
/// what a path or a repository puts in its place may be a patch of a configuration that is not at hand.
fn keeps(locked: &Subject, says: &Declaration) -> bool {
    if !matches!(locked.origin, Origin::Registry | Origin::AlternativeRegistry { .. }) {
        return true;
    }
    match &says.source {
        DeclaredSource::Registry | DeclaredSource::AlternativeRegistry(_) => {
            admits(says, &locked.version)
        }
        DeclaredSource::Path(_) | DeclaredSource::Git { .. } => false,
        DeclaredSource::Workspace => true,
    }
}

/// The crate whose place an entry takes. The old `[replace]` writes its version, and where it comes from, too.
fn replaced(patch: &Patch) -> &str {
    let name = patch.with.package.as_str();
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    name.split_once([':', '@']).map_or(name, |(name, _)| name)
}

/// A patch: the name of the crate whose place it takes, and its version where that is known.
pub type Patching = (String, Option<String>);

/// Patches that cargo would take and the lockfile does not know: the crate still comes from a registry in a
/// version that the patch could stand for, and the patch is not listed as unused.
pub fn new_patches<'p>(
    graph: &Graph,
    unused: &BTreeSet<String>,
    patches: impl IntoIterator<Item = &'p Patching>,
) -> BTreeSet<String> {
    let mut locked: BTreeMap<&str, Vec<&Subject>> = BTreeMap::new();
    for node in &graph.nodes {
        locked.entry(&node.subject.name).or_default().push(&node.subject);
    }
    let is_new = |(name, version): &&Patching| {
        let there = locked.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        let replaced =
            there.iter().any(|one| matches!(one.origin, Origin::Path | Origin::Git { .. }));
        let stands_for =
            |one: &&Subject| version.as_ref().is_none_or(|v| compatible(v, &one.version));
        !replaced && !unused.contains(name) && there.iter().any(stands_for)
    };
    patches.into_iter().filter(is_new).map(|(name, _)| name.clone()).collect()
}

/// Whether one requirement, as people write them, takes both versions.
fn compatible(one: &str, other: &str) -> bool {
    let [Ok(one), Ok(other)] = [one, other].map(semver::Version::parse) else { return true };
    one.major == other.major
        && (one.major > 0 || one.minor == other.minor)
        && (one.major > 0 || one.minor > 0 || one.patch == other.patch)
}

impl Workspace {
    /// Whether cargo locks the package of a manifest: a member of the workspace, or what a dependency of one
    /// leads to. What only a patch leads to may be unused.
    fn is_locked(&self, manifest: &Manifest) -> bool {
        let leads = |by: &Manifest, path: &str| {
            tree::within(by.folder(), path).as_deref() == Some(manifest.folder())
        };
        let mut all =
            self.manifests.values().flat_map(|by| by.patches.iter().map(move |p| (by, p)));
        let patched = all.any(|(by, patch)| {
            matches!(&patch.with.source, DeclaredSource::Path(path) if leads(by, path))
        });
        self.locks_all(manifest) && !patched
    }

    /// Whether a patch of a manifest takes the place of crates of this name.
    fn is_patched(&self, name: &str) -> bool {
        let mut patches = self.manifests.values().flat_map(|manifest| &manifest.patches);
        patches.any(|patch| replaced(patch) == name)
    }

    /// The patches of the root's manifest; cargo takes no others.
    #[must_use]
    pub fn patches(&self) -> Vec<Patching> {
        let Some(root) = self.manifests.get("Cargo.toml") else { return Vec::new() };
        let version = |path: &str| {
            let folder = tree::within(root.folder(), path)?;
            let package =
                self.manifests.get(&tree::join(&folder, "Cargo.toml"))?.package.as_ref()?;
            self.version(package).map(str::to_owned)
        };
        let elsewhere = root.patches.iter().filter_map(|patch| match &patch.with.source {
            DeclaredSource::Path(path) => Some((replaced(patch).to_owned(), version(path))),
            DeclaredSource::Git { .. } => Some((replaced(patch).to_owned(), None)),
            _ => None,
        });
        elsewhere.collect()
    }

    /// Declarations of folders outside the audited one, with the file that holds each.
    #[must_use]
    pub fn outside_paths(&self) -> Vec<(&str, &Declaration)> {
        let mut outside = Vec::new();
        for (manifest, declaration) in self.declarations() {
            if let DeclaredSource::Path(path) = &declaration.source
                && tree::within(manifest.folder(), path).is_none()
            {
                outside.push((manifest.file.as_str(), declaration));
            }
        }
        outside
    }

    /// Every declaration of every manifest, those of the workspace and of patches too.
    pub fn declarations(&self) -> impl Iterator<Item = (&Manifest, &Declaration)> {
        self.manifests.values().flat_map(|manifest| {
            let workspace = manifest.workspace.iter().flat_map(|table| &table.dependencies);
            let patches = manifest.patches.iter().map(|patch| &patch.with);
            let all = manifest.dependencies.iter().chain(workspace).chain(patches);
            all.map(move |declaration| (manifest, declaration))
        })
    }
}
