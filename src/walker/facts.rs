//! What the lockfile alone says of each crate: facts group `lock`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lockfile::Lockfile;
use crate::domain::{Graph, Measured, NodeIndex, Origin};

/// What kind of place a crate is taken from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// The default crate registry.
    Registry,
    /// Another crate registry.
    AlternativeRegistry,
    /// A git repository.
    Git,
    /// A folder on disk.
    Path,
}

/// How the manifest asks for a git dependency, as the lockfile repeats it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum GitReference {
    /// Not a git dependency.
    None,
    /// The repository's default branch.
    Default,
    /// A named branch.
    Branch,
    /// A tag.
    Tag,
    /// `rev = "..."`.
    Rev,
}

/// What the lockfile says of one crate.
#[expect(clippy::struct_excessive_bools, reason = "independent facts that rules read by name")]
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct LockFacts {
    /// Where the crate is taken from: `registry`, `alternative-registry`, `git` or `path`. Source:
    /// `source` of its `[[package]]`; without one it is a folder on disk.
    pub source: SourceKind,
    /// Whether the lockfile holds a SHA-256 of its archive. Git and path packages never have one.
    pub checksum_present: bool,
    /// What the manifest asked for: `branch`, `tag`, `rev`, `default` (the default branch), or
    /// `none` where it is no git dependency. Source: the query of `source`.
    pub git_reference: GitReference,
    /// Whether `cargo update` can move it to another commit without a change to a manifest: a git
    /// dependency that is not asked for by `rev = "<hexadecimal commit>"`.
    pub git_floating: bool,
    /// Whether the lockfile says which commit of a git dependency is used, as 40 or 64 hexadecimal
    /// digits. False for everything that does not come from git.
    pub git_commit_known: bool,
    /// Whether the crate is the project's own: a folder of the audited project.
    pub member: bool,
    /// Whether a crate of the project itself depends on it. Unknown where the lockfile lists no
    /// crate of the project.
    pub direct: Measured<bool>,
    /// Number of packages in the lockfile that depend on it directly.
    pub dependents: u32,
    /// Number of packages that it depends on directly, for all platforms and enabled features.
    pub dependencies: u32,
    /// Number of packages of this name in the lockfile, this one included.
    pub versions_of_name: u32,
    /// Version of the lockfile format, 1 to 4; the same for all crates of a project.
    pub lock_version: u32,
}

/// Reads the facts of every crate off the graph.
pub(super) fn measure(lock: &Lockfile, graph: &Graph) -> BTreeMap<NodeIndex, LockFacts> {
    let mut dependents = vec![0_u32; graph.nodes.len()];
    let mut direct = vec![false; graph.nodes.len()];
    for node in &graph.nodes {
        for &next in &node.dependencies {
            dependents[next] = dependents[next].saturating_add(1);
            direct[next] |= node.member;
        }
    }
    let mut versions: BTreeMap<&str, u32> = BTreeMap::new();
    for node in &graph.nodes {
        *versions.entry(&node.subject.name).or_insert(0) += 1;
    }
    let any_member = graph.nodes.iter().any(|node| node.member);
    let facts = graph.nodes.iter().enumerate().map(|(index, node)| {
        let (source, git_reference, git_floating) = origin_facts(&node.subject.origin);
        let facts = LockFacts {
            source,
            checksum_present: node.checksum.is_some(),
            git_reference,
            git_floating,
            git_commit_known: matches!(&node.subject.origin, Origin::Git { rev, .. } if !rev.is_empty()),
            member: node.member,
            direct: if any_member {
                Measured::Known(direct[index])
            } else {
                Measured::unknown("the lockfile lists no crate of the project")
            },
            dependents: dependents[index],
            dependencies: u32::try_from(node.dependencies.len()).unwrap_or(u32::MAX),
            versions_of_name: versions[node.subject.name.as_str()],
            lock_version: lock.version,
        };
        (index, facts)
    });
    facts.collect()
}

fn origin_facts(origin: &Origin) -> (SourceKind, GitReference, bool) {
    match origin {
        Origin::Registry => (SourceKind::Registry, GitReference::None, false),
        Origin::AlternativeRegistry { .. } => {
            (SourceKind::AlternativeRegistry, GitReference::None, false)
        }
        Origin::Git { reference, .. } => {
            let (kind, floating) = git_reference(reference.as_deref());
            (SourceKind::Git, kind, floating)
        }
        Origin::Path | Origin::Hub | Origin::Local | Origin::PackageIndex { .. } => {
            (SourceKind::Path, GitReference::None, false)
        }
    }
}

/// `rev` also takes names such as `refs/pull/1/head`, which move; only a hexadecimal commit, or its
/// beginning of at least seven digits, stands still.
pub(super) fn git_reference(reference: Option<&str>) -> (GitReference, bool) {
    match reference.and_then(|text| text.split_once('=')) {
        Some(("branch", _)) => (GitReference::Branch, true),
        Some(("tag", _)) => (GitReference::Tag, true),
        Some(("rev", rev)) => {
            let commit =
                (7..=64).contains(&rev.len()) && rev.bytes().all(|byte| byte.is_ascii_hexdigit());
            (GitReference::Rev, !commit)
        }
        _ => (GitReference::Default, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_commit_stands_still() {
        for (reference, floating) in [
            (None, true),
            (Some("branch=main"), true),
            (Some("tag=v1.0"), true),
            (Some("rev=main"), true),
            (Some("rev=refs/pull/1/head"), true),
            (Some("rev=35d7ae7"), false),
        ] {
            assert_eq!(git_reference(reference).1, floating, "{reference:?}");
        }
    }
}
