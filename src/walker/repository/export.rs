//! The files of a commit that an audit compares with, written to a folder of our own: lockfile, policy,
//! rules, manifests, cargo's configuration, build scripts, and sources that can name models. Plain files
//! only; a link or a submodule is never written, and no name of the tree becomes a path unchecked.

use std::path::{Path, PathBuf};

use super::{Repository, RepositoryError};
use crate::domain::text::shown;
use crate::walker::models;
use crate::walker::tree::{LOCKFILE_LIMIT, MANIFEST_LIMIT};
use crate_read::git_objects::{self, EntryKind, ObjectId, TreeEntry};

/// Most folders of the base that are looked into.
const FOLDERS_LIMIT: u64 = 50_000;
/// Most files that are written.
const FILES_LIMIT: u64 = 20_000;
/// Most bytes that are written.
const BYTES_LIMIT: u64 = 128 * 1024 * 1024;
/// Most sources, and most bytes of them. What a source beyond these names counts as new, so the worst of
/// a huge repository is one more look.
const SOURCES_LIMIT: u64 = 10_000;
const SOURCE_BYTES_LIMIT: u64 = 64 * 1024 * 1024;
/// Deepest folder below the audited one.
const DEPTH_LIMIT: usize = 64;
/// Files right in the audited folder that decide what is compared and how: they have to be plain.
const DECISIVE: [&str; 5] =
    ["Cargo.toml", "custody.toml", "custody.lock", "custody-baseline.toml", ".cargo/custody.toml"];

/// The base, as a folder that is deleted when this is dropped.
#[derive(Debug)]
pub struct BaseTree {
    folder: tempfile::TempDir,
    /// The commit that it was taken from.
    pub commit: ObjectId,
    /// Its folders, relative to the audited one.
    pub folders: Vec<String>,
    /// Its lockfiles, relative to the audited folder.
    pub lockfiles: Vec<String>,
}

impl BaseTree {
    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Writes what the base has of the audited folder, `prefix` below the top of `repository`, whose
/// lockfile has this name. A folder that the base does not have gives an empty one.
pub fn export(
    repository: &Repository,
    revision: &str,
    prefix: &str,
    lockfile: &str,
) -> Result<BaseTree, RepositoryError> {
    let (commit, read) = repository.resolve(revision)?;
    let temporary = tempfile::Builder::new().prefix("cargo-custody-base-").tempdir();
    let folder =
        temporary.map_err(|source| RepositoryError::Io { path: std::env::temp_dir(), source })?;
    let target = folder.path();
    let mut export = Export {
        repository,
        target,
        lockfile,
        folders: 0,
        files: 0,
        bytes: 0,
        sources: 0,
        source_bytes: 0,
        seen: Vec::new(),
        lockfiles: Vec::new(),
    };
    let mut tree = Some(read.tree);
    for part in prefix.split('/').filter(|part| !part.is_empty()) {
        tree = match tree {
            Some(id) => export.child(&id, part)?,
            None => None,
        };
    }
    if let Some(id) = tree {
        export.tree(id)?;
    }
    let (folders, lockfiles) = (export.seen, export.lockfiles);
    Ok(BaseTree { folder, commit, folders, lockfiles })
}

struct Export<'a> {
    repository: &'a Repository,
    target: &'a Path,
    lockfile: &'a str,
    folders: u64,
    files: u64,
    bytes: u64,
    sources: u64,
    source_bytes: u64,
    seen: Vec<String>,
    lockfiles: Vec<String>,
}

impl Export<'_> {
    fn entries(&mut self, id: &ObjectId) -> Result<Vec<TreeEntry>, RepositoryError> {
        self.folders += 1;
        if self.folders > FOLDERS_LIMIT {
            return Err(RepositoryError::Limit { what: "folders", limit: FOLDERS_LIMIT });
        }
        let object = self.repository.needed(id, "a folder of the base")?;
        git_objects::tree(&object.bytes)
            .map_err(|source| RepositoryError::Format { what: id.to_string(), source })
    }

    /// A folder of a folder.
    fn child(&mut self, id: &ObjectId, name: &str) -> Result<Option<ObjectId>, RepositoryError> {
        let entries = self.entries(id)?;
        let found = entries.into_iter().find(|entry| entry.name == name.as_bytes());
        Ok(found.filter(|entry| entry.kind == EntryKind::Folder).map(|entry| entry.id))
    }

    fn tree(&mut self, root: ObjectId) -> Result<(), RepositoryError> {
        let mut queue = vec![(String::new(), root, 0)];
        while let Some((folder, id, depth)) = queue.pop() {
            let entries = self.entries(&id)?;
            let package = entries.iter().any(|entry| entry.name == b"Cargo.toml");
            for entry in entries {
                let Some(name) = safe(&entry.name) else { continue };
                let path =
                    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                if name == "Cargo.lock" {
                    self.lockfiles.push(path.clone());
                }
                match entry.kind {
                    EntryKind::Folder if depth < DEPTH_LIMIT => {
                        self.seen.push(path.clone());
                        queue.push((path, entry.id, depth + 1));
                    }
                    EntryKind::File if path == self.lockfile || wanted(name, &folder, package) => {
                        self.file(&path, &entry.id)?;
                    }
                    EntryKind::File if models::reads(&path) => self.source(&path, &entry.id)?,
                    EntryKind::Link | EntryKind::Submodule if self.decisive(&path) => {
                        return Err(RepositoryError::NotPlain { file: path });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn decisive(&self, path: &str) -> bool {
        path == self.lockfile || DECISIVE.contains(&path)
    }

    fn file(&mut self, path: &str, id: &ObjectId) -> Result<(), RepositoryError> {
        let object = match self.repository.needed(id, path) {
            // A file that no audit would read is not compared either.
            Err(RepositoryError::Format {
                source: git_objects::GitError::TooLarge { .. }, ..
            }) if !self.decisive(path) => {
                return Ok(());
            }
            other => other?,
        };
        let size = object.bytes.len() as u64;
        let limit = if path == self.lockfile { LOCKFILE_LIMIT } else { MANIFEST_LIMIT };
        if size > limit && !self.decisive(path) {
            return Ok(());
        }
        self.files += 1;
        self.bytes += size;
        if self.files > FILES_LIMIT {
            return Err(RepositoryError::Limit { what: "manifests", limit: FILES_LIMIT });
        }
        if self.bytes > BYTES_LIMIT {
            return Err(RepositoryError::Limit { what: "bytes of manifests", limit: BYTES_LIMIT });
        }
        self.write(path, &object.bytes)
    }

    /// A source that can name models; one that is too large, or beyond the limits, is left out.
    fn source(&mut self, path: &str, id: &ObjectId) -> Result<(), RepositoryError> {
        if self.sources >= SOURCES_LIMIT || self.source_bytes >= SOURCE_BYTES_LIMIT {
            return Ok(());
        }
        let object = match self.repository.needed(id, path) {
            Err(RepositoryError::Format {
                source: git_objects::GitError::TooLarge { .. }, ..
            }) => return Ok(()),
            other => other?,
        };
        let size = object.bytes.len() as u64;
        if size > MANIFEST_LIMIT {
            return Ok(());
        }
        self.sources += 1;
        self.source_bytes += size;
        self.write(path, &object.bytes)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), RepositoryError> {
        let target: PathBuf =
            path.split('/').fold(self.target.to_owned(), |at, part| at.join(part));
        let failed = |source| RepositoryError::Io { path: PathBuf::from(shown(path)), source };
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&target, bytes).map_err(failed)
    }
}

/// A name that can be one part of a path on every system.
pub(super) fn safe(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    let hostile = name.is_empty()
        || name.contains(odd)
        || matches!(name, "." | "..")
        || name.eq_ignore_ascii_case(".git")
        || name.len() > 200;
    (!hostile).then_some(name)
}

/// Whether an audit reads such a file. `package`: its folder holds a manifest.
fn wanted(name: &str, folder: &str, package: bool) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    match (name, extension) {
        ("custody.lock" | "rust-toolchain" | ".env" | ".envrc", _) | (_, Some("toml")) => true,
        ("config", _) => folder == ".cargo" || folder.ends_with("/.cargo"),
        // Build scripts: `build.rs`, what stands beside a manifest, and what is in a `build` folder.
        (_, Some("rs")) => {
            package || name.starts_with("build") || folder == "build" || folder.ends_with("/build")
        }
        _ => false,
    }
}
