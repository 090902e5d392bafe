//! Who is in the graph: lockfile, manifests, model references. Reads the audited tree and nothing
//! else; opens no socket, runs nothing of the tree, judges nothing.
//!
//! The lockfile comes first: a folder that holds nothing else is audited as well as a whole project.
//! [`walk`] finds it, reads it and gives the graph with what is known of each node from these files
//! alone; whatever could not be read is an [`Undetermined`] entry and the walk goes on.

mod below;
pub mod declared;
pub mod delta;
mod document;
pub mod exposure;
pub mod facts;
mod features;
mod locate;
pub mod lockfile;
pub mod manifest;
pub mod metadata;
pub mod models;
pub mod packages;
pub mod project;
pub mod replacement;
pub mod repository;
pub mod tree;
pub mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use below::{Below, below, passes_over};
pub use declared::{Declared, new_patches};
pub use exposure::{ExposureFacts, Nature};
pub use facts::LockFacts;
pub use locate::is_project;
use lockfile::{Lockfile, LockfileError, Span};
pub use metadata::MetadataMode;
pub use project::ProjectFacts;
use tree::{LOCKFILE_LIMIT, Tree, TreeError};
use workspace::Workspace;

use crate::domain::fact::{SchemaOf, schema_of};
use crate::domain::text::shown;
use crate::domain::{
    Graph, Location, Node, NodeIndex, Origin, Sources, Subject, SubjectKind, Undetermined,
};

/// Most entries of one kind that a walk adds to what is undetermined.
const ENTRIES_LIMIT: usize = 200;
/// Largest file that is read to show a line of it.
const PLACE_LIMIT: u64 = 1024 * 1024;

/// The groups of facts that a walk measures, with the JSON Schema of each.
#[must_use]
pub fn groups() -> Vec<(&'static str, SchemaOf)> {
    vec![
        ("lock", schema_of::<LockFacts>),
        ("exposure", schema_of::<ExposureFacts>),
        ("project", schema_of::<ProjectFacts>),
        (models::GROUP, schema_of::<models::ReferenceFacts>),
        (packages::GROUP, schema_of::<packages::PackageFacts>),
        (packages::FILES_GROUP, schema_of::<packages::PackageFiles>),
        (packages::IMPORTS_GROUP, schema_of::<packages::ImportFacts>),
        (models::SERVICE_GROUP, schema_of::<models::ServiceFacts>),
        (delta::GROUP, schema_of::<delta::UpdateFacts>),
        (delta::CHANGE_GROUP, schema_of::<delta::ChangeFacts>),
    ]
}

/// What a walk may do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether cargo may be asked what each crate is.
    pub metadata: MetadataMode,
}

/// What a walk found. All files are relative to `root`, with `/` between their parts.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The audited folder, absolute, without symbolic links.
    pub root: PathBuf,
    /// Name of the lockfile, relative to `root`.
    pub lockfile: String,
    /// The crates and how they depend on each other.
    pub graph: Graph,
    /// Text of the lockfile, of every manifest and build script and of cargo's configuration in the
    /// folder.
    pub sources: Sources,
    /// The project's own manifests.
    pub workspace: Workspace,
    /// How manifests and graph fit together.
    pub declared: Declared,
    /// Facts group `lock` of every node.
    pub locks: BTreeMap<NodeIndex, LockFacts>,
    /// Facts group `exposure` of every node, as far as the files of the project tell.
    pub exposure: BTreeMap<NodeIndex, ExposureFacts>,
    /// Facts group `project` of the project as a whole, whose subject is [`project_subject`].
    pub project: ProjectFacts,
    /// What is known of when each crate's code runs: at first of the project's own crates only.
    pub natures: BTreeMap<NodeIndex, Nature>,
    /// What could not be read or resolved.
    pub undetermined: Vec<Undetermined>,
}

impl Walk {
    /// Asks cargo about all crates. Its failure is an entry, and what it would have told is unknown.
    fn ask_cargo(&mut self) {
        if self.workspace.manifests.is_empty() {
            return;
        }
        let manifest = self.root.join("Cargo.toml");
        match metadata::natures(&manifest, &self.root, &self.graph, metadata::TIME_LIMIT) {
            Ok(natures) => self.learn(natures),
            Err(error) => self.undetermined.push(Undetermined {
                subject: project_subject(),
                what: "exposure".to_owned(),
                file: None,
                reason: error.to_string(),
                required: false,
            }),
        }
    }

    /// Reads the files that findings point at, as far as they are small text below the root, so that
    /// reports can show the line and fingerprint it.
    pub fn read_places<'f>(&mut self, files: impl Iterator<Item = &'f str>) {
        let Ok(tree) = Tree::open(&self.root) else { return };
        for file in files.collect::<BTreeSet<_>>() {
            // What cannot be read is shown without its line.
            if self.sources.text(file).is_none()
                && let Ok(Some(text)) = tree.read(file, PLACE_LIMIT)
            {
                self.sources.insert(file, text);
            }
        }
    }

    /// Adds what is known of other crates (from the manifests in their archives) and measures the exposure anew.
    pub fn learn(&mut self, natures: BTreeMap<NodeIndex, Nature>) {
        self.natures.extend(natures);
        self.exposure = exposure::measure(&self.graph, &self.declared, &self.natures);
    }
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
        "nothing to audit in `{}`: no Cargo.lock found (looked for {}), and no file of a model\nhelp: run `cargo generate-lockfile` in the project and commit the file, or name a Cargo.lock",
        shown(&.path.to_string_lossy()), locate::listed(.tried)
    )]
    NothingToAudit {
        /// Path as it was given.
        path: PathBuf,
        /// Every file that was looked for.
        tried: Vec<PathBuf>,
    },
    /// A lockfile without a package.
    #[error(
        "nothing to audit in `{}`: the lockfile `{}` lists no package\nhelp: run `cargo generate-lockfile` in the project and commit the file",
        shown(&.path.to_string_lossy()), shown(.file)
    )]
    NoPackage {
        /// Path as it was given.
        path: PathBuf,
        /// Name of the lockfile.
        file: String,
    },
    /// A file that is neither a lockfile nor of a model.
    #[error(
        "nothing to audit in `{}`: neither a lockfile nor a file that a loader of models would open",
        shown(&.path.to_string_lossy())
    )]
    NotAuditable {
        /// Path as it was given.
        path: PathBuf,
    },
    /// The lockfile cannot be read.
    #[error("{0}\nhelp: the lockfile has to be a regular file inside the audited folder")]
    Lockfile(#[from] TreeError),
    /// The lockfile is none.
    #[error(transparent)]
    Malformed(#[from] LockfileError),
}

/// Which folder an audit of `path` is about, absolute, and the name of its lockfile.
pub fn audited(path: &Path) -> Result<(PathBuf, String), WalkError> {
    let located = locate::locate(path)?;
    Ok((located.tree.root().to_owned(), located.lockfile))
}

/// Walks a project: `path` is its folder, the folder of one of its members, a Cargo.toml or a
/// lockfile.
pub fn walk(path: &Path, options: &Options) -> Result<Walk, WalkError> {
    let locate::Located { tree, lockfile: file } = locate::locate(path)?;
    tree.refuse_link(&file)?;
    let text = tree.read(&file, LOCKFILE_LIMIT)?;
    let text = text.ok_or_else(|| WalkError::NothingToAudit {
        path: path.to_owned(),
        tried: vec![tree.root().join(&file)],
    })?;
    let lock = lockfile::parse(&text, &file)?;
    if lock.packages.is_empty() {
        return Err(WalkError::NoPackage { path: path.to_owned(), file });
    }
    let mut sources = Sources::default();
    sources.insert(file.as_str(), text);
    // A lockfile of another name is somebody's copy; the manifest beside it is not its own.
    let workspace = if file == locate::CARGO_LOCK {
        Workspace::read(&tree, &mut sources)
    } else {
        Workspace::default()
    };
    let mut graph = graph(&lock, &file);
    let mut declared = declared::connect(&mut graph, &workspace);
    declared.unused_patches = lock.unused_patches.iter().map(|patch| patch.name.clone()).collect();
    let patches = workspace.patches();
    declared.unlocked.extend(new_patches(&graph, &declared.unused_patches, &patches));
    let natures = own_natures(&tree, &workspace, &declared);
    let mut unread = workspace.unread.clone();
    let project = project::measure(&tree, &workspace, &mut sources, &mut unread);
    let mut undetermined = oddities(&lock, &file, &graph);
    undetermined.extend(bounded(unread.into_iter().map(|(file, reason)| (file, None, reason))));
    undetermined.extend(bounded(declared.missing.iter().map(|(file, line, name)| {
        let name = shown(name);
        let reason = format!("the lockfile does not list `{name}` here: it may be out of date");
        (file.clone(), Some(*line), reason)
    })));
    let mut walk = Walk {
        root: tree.root().to_owned(),
        lockfile: file,
        locks: facts::measure(&lock, &graph),
        exposure: exposure::measure(&graph, &declared, &natures),
        graph,
        sources,
        workspace,
        declared,
        project,
        natures,
        undetermined,
    };
    if options.metadata == MetadataMode::Auto {
        walk.ask_cargo();
    }
    Ok(walk)
}

fn own_natures(
    tree: &Tree,
    workspace: &Workspace,
    declared: &Declared,
) -> BTreeMap<NodeIndex, Nature> {
    let scripts = workspace.build_scripts(tree);
    let natures = declared.manifests.iter().map(|(&node, file)| {
        let manifest = &workspace.manifests[file];
        let has_build_rs = scripts.contains(&tree::join(manifest.folder(), "build.rs"));
        (node, Nature::of(manifest, has_build_rs))
    });
    natures.collect()
}

/// Entries about the project, in the order given; beyond the limit they are counted.
fn bounded(entries: impl Iterator<Item = (String, Option<u32>, String)>) -> Vec<Undetermined> {
    let entry = |file: Option<String>, reason: String| Undetermined {
        subject: project_subject(),
        what: "project".to_owned(),
        file,
        reason,
        required: false,
    };
    let mut kept = Vec::new();
    let mut left_out = 0_usize;
    for (file, line, reason) in entries {
        if kept.len() == ENTRIES_LIMIT {
            left_out += 1;
            continue;
        }
        let reason = line.map_or(reason.clone(), |line| format!("line {line}: {reason}"));
        kept.push(entry(Some(file), reason));
    }
    if left_out > 0 {
        kept.push(entry(None, format!("{left_out} more entries of this kind are not listed")));
    }
    kept
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
                member: package.origin == Origin::Path && !package.placed,
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
pub fn project_subject() -> Subject {
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
            subject: subject.map_or_else(project_subject, |subject| (*subject).clone()),
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
