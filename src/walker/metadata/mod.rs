//! What `cargo metadata` knows of the crates: which are procedural macros, which have build scripts,
//! which dependencies are for building.
//!
//! The one place of the walker that starts a program, and only where [`MetadataMode::Auto`] asks for
//! it. A tree can name programs that cargo or rustup would run (`build.rustc-wrapper`, a toolchain
//! `path`); both look for these settings from the working directory upwards. Cargo is therefore
//! started from an empty folder outside the tree, as a program outside the tree, with an environment
//! of its own making, offline, and for a limited time. Where that cannot be assured it is not started
//! ([`sandbox`]). Any failure leaves the facts unknown, with its reason.

mod sandbox;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use cargo_metadata::{DependencyKind, Metadata, Package, TargetKind};

use super::exposure::Nature;
use super::lockfile::origin_of;
use crate::domain::text::shown;
use crate::domain::{Graph, NodeIndex};

pub use sandbox::UnsafePlace;

/// How long cargo may take: 60 times what a graph of 800 crates takes.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long it may take to lock another version: it may have to ask the index.
const UPDATE_LIMIT: Duration = Duration::from_mins(2);

/// Most bytes of its answer that are read; a graph of 800 crates takes 10 MB.
const ANSWER_LIMIT: u64 = 256 * 1024 * 1024;

/// Most bytes of its complaint that are read.
const COMPLAINT_LIMIT: u64 = 64 * 1024;

/// Whether cargo may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetadataMode {
    /// No. What only it knows is unknown, or comes from the crates' archives.
    #[default]
    Never,
    /// Where there is a manifest and it can be started safely. Takes about half a second for 800
    /// crates, and unpacks into cargo's own cache what is not unpacked there yet.
    Auto,
}

/// Why cargo told nothing.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It could have run a program of the tree.
    #[error("cargo was not started: {0}")]
    Unsafe(#[from] UnsafePlace),
    /// The operating system refused.
    #[error("cannot {operation}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// What it said.
        source: std::io::Error,
    },
    /// It took too long and was ended.
    #[error("cargo was ended after {} seconds", .0.as_secs())]
    Slow(Duration),
    /// It answered more than is read.
    #[error("cargo answered more than {ANSWER_LIMIT} bytes")]
    Large,
    /// It failed.
    #[error("cargo failed: {0}")]
    Failed(String),
    /// Its answer is no metadata.
    #[error("`cargo metadata` gave no metadata: {0}")]
    Answer(#[from] serde_json::Error),
}

/// Asks cargo about the workspace of a manifest; `root` is the audited folder, from which nothing
/// may be run. The lockfile is not changed and no socket is opened.
pub fn natures(
    manifest: &Path,
    root: &Path,
    graph: &Graph,
    limit: Duration,
) -> Result<BTreeMap<NodeIndex, Nature>, MetadataError> {
    let empty = tempfile::Builder::new().prefix("cargo-custody-").tempdir();
    let empty = empty.map_err(|source| io("create an empty folder", source))?;
    let mut command = sandbox::cargo(root, empty.path())?;
    command.args(["metadata", "--format-version", "1", "--locked", "--offline", "--manifest-path"]);
    command.arg(manifest);
    let answer = answer(command, limit)?;
    let metadata: Metadata = serde_json::from_slice(&answer)?;
    Ok(matched(graph, &metadata.packages))
}

/// Lets cargo lock another version of one crate: `cargo update -p SPEC --precise VERSION`. Cargo is started
/// as for [`natures`], so that it obeys no setting of the tree; of the tree it writes Cargo.lock.
pub fn update(
    manifest: &Path,
    root: &Path,
    (spec, version): (&str, &str),
    offline: bool,
) -> Result<(), MetadataError> {
    let empty = tempfile::Builder::new().prefix("cargo-custody-").tempdir();
    let empty = empty.map_err(|source| io("create an empty folder", source))?;
    let mut command = sandbox::cargo(root, empty.path())?;
    if !offline {
        command.env_remove("CARGO_NET_OFFLINE");
    }
    command.args(["update", "--quiet", "-p", spec, "--precise", version, "--manifest-path"]);
    command.arg(manifest);
    answer(command, UPDATE_LIMIT).map(drop)
}

fn io(operation: &'static str, source: std::io::Error) -> MetadataError {
    MetadataError::Io { operation, source }
}

/// Runs a command and gives what it wrote.
fn answer(mut command: Command, limit: Duration) -> Result<Vec<u8>, MetadataError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| io("start cargo", source))?;
    let answer = reader(child.stdout.take(), ANSWER_LIMIT);
    let complaint = reader(child.stderr.take(), COMPLAINT_LIMIT);
    // Both ends close when cargo ends. A reader that still waits after the limit is left behind: it
    // ends with the program that holds the other end.
    let Ok(bytes) = answer.recv_timeout(limit) else {
        end(&mut child);
        return Err(MetadataError::Slow(limit));
    };
    let bytes = bytes.map_err(|source| io("read what cargo says", source))?;
    if bytes.len() as u64 > ANSWER_LIMIT {
        end(&mut child);
        return Err(MetadataError::Large);
    }
    let said = complaint.recv_timeout(limit);
    let Ok(said) = said else {
        end(&mut child);
        return Err(MetadataError::Slow(limit));
    };
    let status = child.wait().map_err(|source| io("wait for cargo", source))?;
    if status.success() {
        return Ok(bytes);
    }
    let said = said.map_err(|source| io("read what cargo says", source))?;
    Err(MetadataError::Failed(first_error(&String::from_utf8_lossy(&said))))
}

/// Ends a program that is no longer waited for. It may have ended by itself by now, which is as good.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

/// Reads in a thread of its own, one byte more than the limit at most.
fn reader<R: Read + Send + 'static>(
    from: Option<R>,
    limit: u64,
) -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = match from {
            Some(from) => from.take(limit + 1).read_to_end(&mut bytes).map(|_| bytes),
            None => Ok(bytes),
        };
        // Nobody listens any more where the time was up.
        drop(send.send(read));
    });
    receive
}

fn first_error(said: &str) -> String {
    let line = said.lines().find_map(|line| line.strip_prefix("error: "));
    shown(line.or_else(|| said.lines().next()).unwrap_or("it gave no reason"))
}

/// Finds the node of each package that cargo tells of.
fn matched(graph: &Graph, packages: &[Package]) -> BTreeMap<NodeIndex, Nature> {
    let mut nodes: BTreeMap<(&str, &str), Vec<NodeIndex>> = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        nodes.entry((&node.subject.name, &node.subject.version)).or_default().push(index);
    }
    let mut found = BTreeMap::new();
    for package in packages {
        let version = package.version.to_string();
        let named = nodes.get(&(package.name.as_str(), version.as_str()));
        let origin = origin_of(package.source.as_ref().map(|source| source.repr.as_str()));
        let node = match named.map_or(&[][..], Vec::as_slice) {
            &[only] => Some(only),
            several => several.iter().copied().find(|&at| graph.nodes[at].subject.origin == origin),
        };
        if let Some(node) = node {
            found.insert(node, nature(package));
        }
    }
    found
}

fn nature(package: &Package) -> Nature {
    let has = |kind: &TargetKind| package.targets.iter().any(|target| target.kind.contains(kind));
    let build = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Build);
    Nature {
        proc_macro: has(&TargetKind::ProcMacro),
        build_script: has(&TargetKind::CustomBuild),
        build_dependencies: build.map(|dependency| dependency.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests;
