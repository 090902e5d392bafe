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
    /// Shortest ways from the roots. Ties go to the node that stands first.
    #[must_use]
    pub fn ways(&self) -> Ways {
        let mut from: Vec<Option<NodeIndex>> = vec![None; self.nodes.len()];
        let mut queue = std::collections::VecDeque::new();
        for &root in &self.roots {
            if from[root].is_none() {
                from[root] = Some(root);
                queue.push_back(root);
            }
        }
        while let Some(at) = queue.pop_front() {
            for &next in &self.nodes[at].dependencies {
                if from[next].is_none() {
                    from[next] = Some(at);
                    queue.push_back(next);
                }
            }
        }
        Ways { from }
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

/// How each node is reached from the roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// The node before it; itself for a root; nothing where no way leads to it.
    from: Vec<Option<NodeIndex>>,
}

impl Ways {
    /// The way to a node, root first; empty where there is none.
    #[must_use]
    pub fn to(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let mut way = Vec::new();
        let mut at = node;
        while let Some(before) = self.from[at] {
            way.push(at);
            if before == at {
                break;
            }
            at = before;
        }
        way.reverse();
        way
    }
}
