//! Which crate of the base a crate continues.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use crate::domain::{Graph, NodeIndex};

/// Pairs the nodes of `graph` with those of `base` by name: the same identity, then the same version
/// from another place, then the same semver line, then what is left, highest version first.
pub(super) fn pair(base: &Graph, graph: &Graph) -> BTreeMap<NodeIndex, NodeIndex> {
    let mut by_name: BTreeMap<&str, (Vec<NodeIndex>, Vec<NodeIndex>)> = BTreeMap::new();
    for (index, node) in base.nodes.iter().enumerate() {
        by_name.entry(&node.subject.name).or_default().0.push(index);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        by_name.entry(&node.subject.name).or_default().1.push(index);
    }
    let mut pairs = BTreeMap::new();
    for (old, new) in by_name.into_values() {
        let mut group = Group { base, graph, old, new, pairs: &mut pairs };
        group.by(|subject| format!("{subject:?}"));
        group.by(|subject| subject.version.clone());
        group.by(|subject| line(&subject.version));
        group.by(|_| String::new());
    }
    pairs
}

/// The nodes of one name that have no partner yet.
struct Group<'g> {
    base: &'g Graph,
    graph: &'g Graph,
    old: Vec<NodeIndex>,
    new: Vec<NodeIndex>,
    pairs: &'g mut BTreeMap<NodeIndex, NodeIndex>,
}

impl Group<'_> {
    /// Pairs those of equal keys, highest versions first.
    fn by(&mut self, key: impl Fn(&crate::domain::Subject) -> String) {
        let sorted = |graph: &Graph, nodes: &[NodeIndex]| {
            let mut keyed: BTreeMap<String, Vec<NodeIndex>> = BTreeMap::new();
            for &node in nodes {
                keyed.entry(key(&graph.nodes[node].subject)).or_default().push(node);
            }
            for nodes in keyed.values_mut() {
                nodes.sort_by_cached_key(|&node| parsed(&graph.nodes[node].subject.version));
            }
            keyed
        };
        let mut taken = BTreeSet::new();
        let mut old = sorted(self.base, &self.old);
        for (key, mut new) in sorted(self.graph, &self.new) {
            let Some(old) = old.get_mut(&key) else { continue };
            while let (Some(_), Some(_)) = (old.last(), new.last()) {
                if let (Some(from), Some(to)) = (old.pop(), new.pop()) {
                    self.pairs.insert(to, from);
                    taken.insert(from);
                }
            }
        }
        let pairs = &*self.pairs;
        self.new.retain(|node| !pairs.contains_key(node));
        self.old.retain(|node| !taken.contains(node));
    }
}

/// The lockfile's reader has checked every version; one that is none all the same sorts first.
fn parsed(version: &str) -> Option<Version> {
    Version::parse(version).ok()
}

/// What a caret requirement would admit together: the first number that is not zero, and those before.
pub(super) fn line(version: &str) -> String {
    match parsed(version) {
        Some(v) if v.major > 0 => v.major.to_string(),
        Some(v) if v.minor > 0 => format!("0.{}", v.minor),
        Some(v) => format!("0.0.{}", v.patch),
        None => version.to_owned(),
    }
}

/// Whether a version is lower than another by precedence; build metadata does not count.
pub(super) fn lower(version: &str, than: &str) -> bool {
    match (parsed(version), parsed(than)) {
        (Some(a), Some(b)) => a.cmp_precedence(&b).is_lt(),
        _ => false,
    }
}
