//! The dependency graph as the walker found it: crates and models in one.

use serde::{Deserialize, Serialize};

use super::{Location, PathStep, Subject};

/// Index of a node in [`Graph::nodes`].
pub type NodeIndex = usize;

/// One subject of the graph, with what the lockfile or the source says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its identity.
    pub subject: Subject,
    /// SHA-256 of its archive according to the lockfile, lower-case hexadecimal.
    pub checksum: Option<String>,
    /// Where a finding about it is shown: the `version` line of its `[[package]]`, the line that
    /// names the model, or line 1 of a manifest.
    pub location: Location,
    /// The `name` line of its `[[package]]`, for the steps of a path.
    pub name_location: Location,
    /// Where the project declares it, if it is a direct dependency.
    pub declared: Vec<Location>,
    /// What it depends on, in the order of the lockfile.
    pub dependencies: Vec<NodeIndex>,
    /// A member of the audited project itself.
    pub member: bool,
}

/// Nodes and edges. Roots are the project's own members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// All subjects, ordered by [`Subject`].
    pub nodes: Vec<Node>,
    /// The project's own members.
    pub roots: Vec<NodeIndex>,
}

impl Graph {
    /// Shortest way from a root to every node, each as the list of node indices root first.
    /// A node that no root reaches has an empty list. Ties go to the node that stands first.
    #[must_use]
    pub fn shortest_paths(&self) -> Vec<Vec<NodeIndex>> {
        let mut parent: Vec<Option<NodeIndex>> = vec![None; self.nodes.len()];
        let mut seen = vec![false; self.nodes.len()];
        let mut queue = std::collections::VecDeque::new();
        for &root in &self.roots {
            if !seen[root] {
                seen[root] = true;
                queue.push_back(root);
            }
        }
        while let Some(at) = queue.pop_front() {
            for &next in &self.nodes[at].dependencies {
                if !seen[next] {
                    seen[next] = true;
                    parent[next] = Some(at);
                    queue.push_back(next);
                }
            }
        }
        (0..self.nodes.len())
            .map(|node| {
                if !seen[node] {
                    return Vec::new();
                }
                let mut way = vec![node];
                let mut at = node;
                while let Some(up) = parent[at] {
                    way.push(up);
                    at = up;
                }
                way.reverse();
                way
            })
            .collect()
    }

    /// A way as the steps that a report shows.
    #[must_use]
    pub fn steps(&self, way: &[NodeIndex]) -> Vec<PathStep> {
        way.iter()
            .map(|&index| {
                let node = &self.nodes[index];
                PathStep {
                    name: node.subject.name.clone(),
                    version: node.subject.version.clone(),
                    location: Some(node.name_location.clone()),
                }
            })
            .collect()
    }
}
