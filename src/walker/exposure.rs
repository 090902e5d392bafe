//! How the project is exposed to each crate: facts group `exposure`.
//!
//! Three sources, each optional: the lockfile's edges, the manifests of the project's own crates
//! (which kind each first edge is), and a [`Nature`] of every other crate, read from its own manifest
//! in its archive or from `cargo metadata`. What the sources at hand do not decide stays unknown:
//! every answer is computed twice, once with only what is certain and once with all that is possible,
//! and is known where both agree.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::declared::Declared;
use super::manifest::{BuildKey, DependencyKind, Manifest};
use crate::domain::{Graph, Measured, NodeIndex};

/// Most names that `reached_from` lists, and most own crates that are followed for it.
const REACHED_FROM_LIMIT: usize = 32;

/// How the project is exposed to one crate.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct ExposureFacts {
    /// Edges on the shortest way from a crate of the project: 0 for its own crates, 1 for what they
    /// declare. Unknown where no way leads to it. Source: the lockfile.
    pub depth: Measured<u32>,
    /// Names of the project's own crates from which a way leads to it, sorted, at most 32. Source:
    /// the lockfile.
    pub reached_from: Measured<Vec<String>>,
    /// Number of the project's own crates that were not asked for `reached_from`, beyond the first
    /// 32.
    pub reached_from_left_out: u32,
    /// Whether every way to it begins with a `[dev-dependencies]` entry of the project: it is then
    /// in no program that the project ships, but runs where the project is tested. Source: the
    /// lockfile and the project's manifests.
    pub dev_only: Measured<bool>,
    /// Whether every way to it begins with a `[build-dependencies]` entry of the project. Source: the
    /// lockfile and the project's manifests.
    pub build_only: Measured<bool>,
    /// Whether it is a procedural macro, which the compiler loads and runs. Source: its own manifest.
    pub proc_macro: Measured<bool>,
    /// Whether it has a build script, which cargo compiles and runs. Source: its own manifest.
    pub build_script: Measured<bool>,
    /// Whether its code is compiled for the machine that builds, and can run there: it is a
    /// procedural macro, a build dependency, or a dependency of one of these. Source: the manifests
    /// of all crates on the way; platforms and features are not taken into account.
    pub build_machine: Measured<bool>,
    /// Whether any of its code can run while the project is built: `build_machine` or
    /// `build_script`.
    pub runs_at_build: Measured<bool>,
    /// Whether the features that are on by default bring it into a build, on any platform, tests included.
    /// Looked at only where an advisory affects a crate of the graph. Source: the project's manifests and the
    /// registry's index.
    pub brought_in: Measured<bool>,
    /// Features of the project's own crates, as `crate/feature`, of which each alone brings it in where those that
    /// are on by default do not; at most 8.
    pub features_needed: Vec<String>,
}

/// What a crate's own manifest says of when its code runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nature {
    /// The compiler loads it.
    pub proc_macro: bool,
    /// Cargo compiles and runs its build script.
    pub build_script: bool,
    /// Names of crates that it needs as build dependencies.
    pub build_dependencies: BTreeSet<String>,
}

impl Nature {
    /// Reads it off a manifest. `has_build_rs`: whether a file `build.rs` stands beside it, which
    /// counts where the manifest says nothing of build scripts.
    #[must_use]
    pub fn of(manifest: &Manifest, has_build_rs: bool) -> Self {
        let package = manifest.package.as_ref();
        let build = manifest.dependencies.iter().filter(|d| d.kind == DependencyKind::Build);
        Self {
            proc_macro: package.is_some_and(|package| package.proc_macro),
            build_script: package.is_some_and(|package| match &package.build {
                BuildKey::Default => has_build_rs,
                BuildKey::Off => false,
                BuildKey::Files(files) => !files.is_empty(),
            }),
            build_dependencies: build.map(|d| d.package.clone()).collect(),
        }
    }
}

/// Measures every node. `natures` holds what is known of the crates' own manifests; a crate that is
/// not in it leaves open what depends on it.
#[must_use]
pub fn measure(
    graph: &Graph,
    declared: &Declared,
    natures: &BTreeMap<NodeIndex, Nature>,
) -> BTreeMap<NodeIndex, ExposureFacts> {
    let depths = depths(graph);
    let (reached, left_out) = reached_from(graph);
    let first = FirstKinds::new(graph, declared);
    let machine = BuildMachine::new(graph, declared, natures);
    let facts = (0..graph.nodes.len()).map(|node| {
        let nature = natures.get(&node);
        let of_nature = |read: fn(&Nature) -> bool| match nature {
            Some(nature) => Measured::Known(read(nature)),
            None => Measured::unknown("its own manifest was not read"),
        };
        let build_script = of_nature(|nature| nature.build_script);
        let build_machine = machine.says(node);
        let facts = ExposureFacts {
            depth: depths[node].map_or_else(unreached, Measured::Known),
            reached_from: if depths[node].is_some() {
                Measured::Known(reached[node].clone())
            } else {
                unreached()
            },
            reached_from_left_out: left_out,
            dev_only: first.only(node, DependencyKind::Dev),
            build_only: first.only(node, DependencyKind::Build),
            proc_macro: of_nature(|nature| nature.proc_macro),
            runs_at_build: either(&build_machine, &build_script),
            build_script,
            build_machine,
            brought_in: Measured::unknown("the features were not followed"),
            features_needed: Vec::new(),
        };
        (node, facts)
    });
    facts.collect()
}

fn unreached<T>() -> Measured<T> {
    Measured::unknown("no way leads to it from a crate of the project")
}

/// `a || b` where either may be unknown.
fn either(a: &Measured<bool>, b: &Measured<bool>) -> Measured<bool> {
    match (a, b) {
        (Measured::Known(true), _) | (_, Measured::Known(true)) => Measured::Known(true),
        (Measured::Known(false), other) | (other, Measured::Known(false)) => other.clone(),
        (unknown, Measured::Unknown(_)) => unknown.clone(),
    }
}

fn depths(graph: &Graph) -> Vec<Option<u32>> {
    let mut depths = vec![None; graph.nodes.len()];
    let mut level: Vec<NodeIndex> = graph.roots.clone();
    let mut depth = 0;
    while !level.is_empty() {
        let mut next = Vec::new();
        for node in level {
            if depths[node].is_none() {
                depths[node] = Some(depth);
                next.extend(&graph.nodes[node].dependencies);
            }
        }
        level = next;
        depth += 1;
    }
    depths
}

/// Names of the own crates that reach each node, and how many were not asked.
fn reached_from(graph: &Graph) -> (Vec<Vec<String>>, u32) {
    let mut reached: Vec<Vec<String>> = vec![Vec::new(); graph.nodes.len()];
    for &root in graph.roots.iter().take(REACHED_FROM_LIMIT) {
        let name = &graph.nodes[root].subject.name;
        for (node, &hit) in closure(graph, [root], |_, _| true).iter().enumerate() {
            if hit {
                reached[node].push(name.clone());
            }
        }
    }
    for names in &mut reached {
        names.sort();
        names.dedup();
    }
    let left_out = graph.roots.len().saturating_sub(REACHED_FROM_LIMIT);
    (reached, u32::try_from(left_out).unwrap_or(u32::MAX))
}

/// Everything that `starts` lead to over the edges that `follow` admits, themselves included.
fn closure(
    graph: &Graph,
    starts: impl IntoIterator<Item = NodeIndex>,
    follow: impl Fn(NodeIndex, NodeIndex) -> bool,
) -> Vec<bool> {
    let mut seen = vec![false; graph.nodes.len()];
    let mut stack: Vec<NodeIndex> = starts.into_iter().collect();
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            let next = graph.nodes[node].dependencies.iter().copied();
            stack.extend(next.filter(|&next| follow(node, next)));
        }
    }
    seen
}

/// Which kinds of first edges lead to each node.
struct FirstKinds {
    /// The project's own crates: ways begin with them.
    own: Vec<bool>,
    by_kind: BTreeMap<DependencyKind, Vec<bool>>,
    /// Reached over first edges of a kind that is not known.
    open: Vec<bool>,
}

impl FirstKinds {
    fn new(graph: &Graph, declared: &Declared) -> Self {
        let mut starts: BTreeMap<DependencyKind, Vec<NodeIndex>> = BTreeMap::new();
        let mut open = Vec::new();
        for &root in &graph.roots {
            for &next in &graph.nodes[root].dependencies {
                match declared.kinds.get(&(root, next)) {
                    Some(kinds) => {
                        for &kind in kinds {
                            starts.entry(kind).or_default().push(next);
                        }
                    }
                    None => open.push(next),
                }
            }
        }
        // The dev-dependencies of an own crate count from that crate only.
        let follow = |from: NodeIndex, to: NodeIndex| {
            let kinds = declared.kinds.get(&(from, to));
            kinds.is_none_or(|kinds| kinds.iter().any(|kind| *kind != DependencyKind::Dev))
        };
        let by_kind = starts
            .into_iter()
            .map(|(kind, starts)| (kind, closure(graph, starts, follow)))
            .collect();
        let own = graph.nodes.iter().map(|node| node.member).collect();
        Self { own, by_kind, open: closure(graph, open, follow) }
    }

    fn only(&self, node: NodeIndex, wanted: DependencyKind) -> Measured<bool> {
        let by = |kind| self.by_kind.get(&kind).is_some_and(|reached| reached[node]);
        let all = [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Dev];
        let others = all.into_iter().filter(|kind| *kind != wanted).any(by);
        if self.own[node] || others {
            Measured::Known(false)
        } else if self.open[node] {
            Measured::unknown("the manifest of a crate of the project was not read")
        } else if by(wanted) {
            Measured::Known(true)
        } else {
            unreached()
        }
    }
}

/// What is compiled for the machine that builds.
struct BuildMachine {
    certain: Vec<bool>,
    possible: Vec<bool>,
}

impl BuildMachine {
    fn new(graph: &Graph, declared: &Declared, natures: &BTreeMap<NodeIndex, Nature>) -> Self {
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        for (index, node) in graph.nodes.iter().enumerate() {
            let nature = natures.get(&index);
            match nature {
                Some(nature) if nature.proc_macro => certain.push(index),
                Some(_) => {}
                None => possible.push(index),
            }
            for &next in &node.dependencies {
                let by_manifest = declared.kinds.get(&(index, next));
                let name = &graph.nodes[next].subject.name;
                let build = match (by_manifest, nature) {
                    (Some(kinds), _) => Some(kinds.contains(&DependencyKind::Build)),
                    (None, Some(nature)) => Some(nature.build_dependencies.contains(name)),
                    (None, None) => None,
                };
                match build {
                    Some(true) => certain.push(next),
                    Some(false) => {}
                    None => possible.push(next),
                }
            }
        }
        // What runs on the building machine takes its own dependencies there, of every kind but dev.
        let follow = |from: NodeIndex, to: NodeIndex| {
            let kinds = declared.kinds.get(&(from, to));
            kinds.is_none_or(|kinds| kinds.iter().any(|kind| *kind != DependencyKind::Dev))
        };
        let all: Vec<NodeIndex> = certain.iter().chain(&possible).copied().collect();
        Self { certain: closure(graph, certain, follow), possible: closure(graph, all, follow) }
    }

    fn says(&self, node: NodeIndex) -> Measured<bool> {
        match (self.certain[node], self.possible[node]) {
            (true, _) => Measured::Known(true),
            (false, false) => Measured::Known(false),
            (false, true) => {
                Measured::unknown("the manifest of a crate on the way to it was not read")
            }
        }
    }
}

#[cfg(test)]
mod tests;
