//! Who needs whom in one lock: edges between its packages, and which of them the project itself asks for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::entry::Entry;
use crate::domain::NodeIndex;

/// Edges of one file, as places in its list of entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edges {
    /// From whom to whom, each pair once, sorted.
    pub pairs: Vec<(usize, usize)>,
    /// Entries that nothing else in the file leads to, and one of each circle that nothing leads to.
    pub first: Vec<usize>,
}

/// Reads the edges off what entries require.
pub(super) fn of(entries: &[Entry]) -> Edges {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut by_folder: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        by_name.entry(&entry.name).or_default().push(at);
        if !entry.folder.is_empty() {
            by_folder.insert(&entry.folder, at);
        }
    }
    let mut pairs = BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        for needed in &entry.requires {
            if entry.folder.is_empty() {
                // A lock for several platforms can hold several versions; which one is meant is not told.
                let all = by_name.get(needed.as_str()).into_iter().flatten();
                pairs.extend(all.map(|to| (at, *to)));
            } else {
                pairs.extend(nearest(&by_folder, &entry.folder, needed).map(|to| (at, to)));
            }
        }
    }
    pairs.retain(|(from, to)| from != to);
    let pairs: Vec<(usize, usize)> = pairs.into_iter().collect();
    let first = first(entries.len(), &pairs);
    Edges { pairs, first }
}

/// As node looks for a module: in the package's own folder, then in that of whoever holds it, and so on.
fn nearest(by_folder: &BTreeMap<&str, usize>, folder: &str, needed: &str) -> Option<usize> {
    let mut at = folder;
    loop {
        let inside = if at.is_empty() {
            format!("node_modules/{needed}")
        } else {
            format!("{at}/node_modules/{needed}")
        };
        if let Some(found) = by_folder.get(inside.as_str()) {
            return Some(*found);
        }
        if at.is_empty() {
            return None;
        }
        at = at.rfind("/node_modules/").map_or("", |end| &at[..end]);
    }
}

fn first(count: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut needed = vec![false; count];
    for (from, to) in pairs {
        below[*from].push(*to);
        needed[*to] = true;
    }
    let mut reached = vec![false; count];
    let mut first = Vec::new();
    // Those that nobody needs, then whatever circle is left.
    let order = (0..count).filter(|at| !needed[*at]).chain((0..count).filter(|at| needed[*at]));
    for start in order {
        if reached[start] {
            continue;
        }
        first.push(start);
        reached[start] = true;
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for &to in &below[at] {
                if !std::mem::replace(&mut reached[to], true) {
                    queue.push_back(to);
                }
            }
        }
    }
    first
}

/// Adds the edges to what the nodes depend on.
pub(super) fn connect(
    edges: &Edges,
    nodes: &[NodeIndex],
    dependencies: &mut dyn FnMut(NodeIndex, NodeIndex),
) {
    for (from, to) in &edges.pairs {
        if let (Some(from), Some(to)) = (nodes.get(*from), nodes.get(*to))
            && from != to
        {
            dependencies(*from, *to);
        }
    }
}
