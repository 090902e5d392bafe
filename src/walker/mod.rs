//! Who is in the graph: lockfile, manifests, model references. Reads the audited tree and nothing
//! else; opens no socket, runs nothing of the tree, judges nothing.
//!
//! The lockfile comes first: a folder that holds nothing else is audited as well as a whole project.
//! [`walk`] finds it, reads it and gives the graph with what is known of each node from these files
//! alone; whatever could not be read is an [`Undetermined`] entry and the walk goes on.

mod document;
pub mod facts;
mod locate;
pub mod lockfile;
pub mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use facts::LockFacts;
use lockfile::{Lockfile, LockfileError, Span};
use tree::{LOCKFILE_LIMIT, TreeError};

use crate::domain::text::shown;
use crate::domain::{
    Graph, Location, Node, NodeIndex, Origin, Sources, Subject, SubjectKind, Undetermined,
};

/// What a walk may do.
#[derive(Clone, Debug, Default)]
pub struct Options {}

/// What a walk found. All files are relative to `root`, with `/` between their parts.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The audited folder, absolute, without symbolic links.
    pub root: PathBuf,
    /// Name of the lockfile, relative to `root`.
    pub lockfile: String,
    /// The crates and how they depend on each other.
    pub graph: Graph,
    /// Text of the lockfile and of every manifest.
    pub sources: Sources,
    /// Facts group `lock` of every node.
    pub locks: BTreeMap<NodeIndex, LockFacts>,
    /// What could not be read or resolved.
    pub undetermined: Vec<Undetermined>,
}

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The path does not exist or cannot be looked at.
    #[error("cannot open `{}`: {source}", shown(&.path.to_string_lossy()))]
    Path {
        /// Path as it was given.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No lockfile.
    #[error(
        "nothing to audit in `{}`: no Cargo.lock found (looked for {})\nhelp: run `cargo generate-lockfile` in the project and commit the file, or name a Cargo.lock",
        shown(&.path.to_string_lossy()), locate::listed(.tried)
    )]
    NothingToAudit {
        /// Path as it was given.
        path: PathBuf,
        /// Every file that was looked for.
        tried: Vec<PathBuf>,
    },
    /// The lockfile cannot be read.
    #[error("{0}\nhelp: the lockfile has to be a regular file inside the audited folder")]
    Lockfile(#[from] TreeError),
    /// The lockfile is none.
    #[error(transparent)]
    Malformed(#[from] LockfileError),
}

/// Walks a project: `path` is its folder, the folder of one of its members, a Cargo.toml or a
/// lockfile.
pub fn walk(path: &Path, _options: &Options) -> Result<Walk, WalkError> {
    let locate::Located { tree, lockfile: file } = locate::locate(path)?;
    let text = tree.read(&file, LOCKFILE_LIMIT)?;
    let text = text.ok_or_else(|| WalkError::NothingToAudit {
        path: path.to_owned(),
        tried: vec![tree.root().join(&file)],
    })?;
    let lock = lockfile::parse(&text, &file)?;
    let graph = graph(&lock, &file);
    let locks = facts::measure(&lock, &graph);
    let mut sources = Sources::default();
    sources.insert(file.as_str(), text);
    let undetermined = oddities(&lock, &file, &graph);
    Ok(Walk { root: tree.root().to_owned(), lockfile: file, graph, sources, locks, undetermined })
}

/// The graph that a lockfile spells out. Every package without a source counts as the project's own
/// as long as no manifest says otherwise. Where there is none, roots are what nothing depends on.
#[must_use]
pub fn graph(lock: &Lockfile, file: &str) -> Graph {
    let place = |span: Span| Location {
        column: Some(span.column),
        end_column: Some(span.end_column),
        ..Location::line(file, span.line)
    };
    let mut needed = vec![false; lock.packages.len()];
    let nodes: Vec<Node> = lock
        .packages
        .iter()
        .map(|package| {
            for &next in &package.dependencies {
                needed[next] = true;
            }
            Node {
                subject: package.subject(),
                checksum: package.checksum.clone(),
                location: place(package.version_span),
                name_location: place(package.name_span),
                declared: Vec::new(),
                dependencies: package.dependencies.clone(),
                member: package.origin == Origin::Path,
            }
        })
        .collect();
    let mut roots: Vec<NodeIndex> = (0..nodes.len()).filter(|&at| nodes[at].member).collect();
    if roots.is_empty() {
        roots = (0..nodes.len()).filter(|&at| !needed[at]).collect();
    }
    Graph { nodes, roots }
}

/// The subject that stands for the audited project as a whole. Its name is `.`, the audited folder.
#[must_use]
pub fn project() -> Subject {
    Subject {
        kind: SubjectKind::Project,
        name: ".".to_owned(),
        version: String::new(),
        origin: Origin::Path,
    }
}

fn oddities(lock: &Lockfile, file: &str, graph: &Graph) -> Vec<Undetermined> {
    let by_id: BTreeMap<(&str, &str), &Subject> = graph
        .nodes
        .iter()
        .map(|node| ((&*node.subject.name, &*node.subject.version), &node.subject))
        .collect();
    let entries = lock.notes.iter().map(|note| {
        let package = note.package.as_ref();
        let subject = package.and_then(|(name, version)| by_id.get(&(&**name, &**version)));
        Undetermined {
            subject: subject.map_or_else(project, |subject| (*subject).clone()),
            what: "lock".to_owned(),
            file: Some(file.to_owned()),
            reason: format!("line {}: {}", note.line, note.message),
            required: false,
        }
    });
    entries.collect()
}

#[cfg(test)]
mod tests;
