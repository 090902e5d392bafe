//! Compares the archive of a crate with the commit that it names.
//!
//! A [`Repository`] is a clone on disk, bare or not, complete or not. Its objects are read as data and each
//! is checked against its own name; no program is started and no configuration obeyed. [`compare`] says of
//! every file of an archive what explains it, or that nothing does.

mod compare;
pub mod history;
mod lacking;
mod manifest;
mod objects;
mod pack;
mod place;
mod reach;
mod submodule;
mod tag;
mod tree;
mod written;

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use compare::{ArchiveFile, Compared, Explanation, FileOutcome, Origin, compare};
pub use crate_read::git_objects::{Kind, ObjectId};
use custody_bytes::disk;
pub use lacking::lacking;
pub use objects::Objects;
pub use place::{Address, Place};
pub use reach::{ASKED, Reach, ReachWalk};
pub use submodule::{Neighbours, Submodule, submodules};
pub use tag::{
    VersionTag, folder, lacking_roots, main_line_before, main_line_has, main_line_with,
    nearer_folders, tag_names, version_tag,
};

/// Why something of a repository cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("cannot read `{path}` of the git repository: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Something is not what it should be.
    #[error("{what}: {source}")]
    Format {
        /// File or object.
        what: String,
        /// What is wrong.
        source: crate_read::git_objects::GitError,
    },
    /// More than is read.
    #[error("the repository has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        limit: u64,
    },
    /// An object is not in this clone.
    #[error("the object {0} is not in this clone")]
    Missing(ObjectId),
    /// A form of repository that is not read.
    #[error("{0} is not read")]
    Unsupported(&'static str),
    /// A folder that is no repository.
    #[error("`{0}` is no git repository")]
    NoRepository(PathBuf),
}

/// Longest `.git` file, `commondir` file, configuration or loose reference.
const POINTER_LIMIT: u64 = 64 * 1024;
/// Most bytes of `packed-refs`, and most references.
const PACKED_LIMIT: u64 = 64 * 1024 * 1024;
const REFS_LIMIT: usize = 500_000;
/// Deepest folder of loose references.
const REFS_DEPTH: usize = 12;

/// A clone on disk.
#[derive(Debug)]
pub struct Repository {
    git_dir: PathBuf,
    objects: Objects,
    shallow: bool,
    /// References stand in one binary table, which is not read.
    reftable: bool,
    /// Read once, when they are first asked for.
    references: OnceLock<Vec<Reference>>,
}

/// A reference and what it points to.
pub type Reference = (String, ObjectId);

impl Repository {
    /// Opens a bare repository, or the one whose working copy this folder is.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let git_dir = git_dir(folder)?.ok_or_else(|| ReadError::NoRepository(folder.to_owned()))?;
        Ok(Self {
            reftable: has_reftable(&git_dir)?,
            objects: Objects::open(&git_dir.join("objects"))?,
            shallow: git_dir.join("shallow").exists(),
            references: OnceLock::new(),
            git_dir,
        })
    }

    /// Its objects.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Whether commits may be missing.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// All references, by name; symbolic ones are left out. Like the packs they are those of the first look.
    pub fn references(&self) -> Result<&[Reference], ReadError> {
        if let Some(known) = self.references.get() {
            return Ok(known);
        }
        let read = self.read_references()?;
        Ok(self.references.get_or_init(|| read))
    }

    fn read_references(&self) -> Result<Vec<Reference>, ReadError> {
        if self.reftable {
            return Err(ReadError::Unsupported("a reftable, in which branches and tags stand,"));
        }
        let mut all = std::collections::BTreeMap::new();
        let path = self.git_dir.join("packed-refs");
        if let Ok(file) = disk::open(&path) {
            let mut text = Vec::new();
            let read = file.take(PACKED_LIMIT).read_to_end(&mut text);
            read.map_err(|source| ReadError::Io { path, source })?;
            for line in text.split(|byte| *byte == b'\n') {
                let Some((hex, name)) = line.split_at_checked(40) else { continue };
                let id = std::str::from_utf8(hex).ok().and_then(ObjectId::from_hex);
                let name = name.strip_prefix(b" ").and_then(|n| std::str::from_utf8(n).ok());
                if let (Some(id), Some(name)) = (id, name) {
                    all.insert(name.to_owned(), id);
                }
            }
        }
        self.loose("refs", 0, &mut all)?;
        Ok(all.into_iter().collect())
    }

    fn loose(
        &self,
        name: &str,
        depth: usize,
        all: &mut std::collections::BTreeMap<String, ObjectId>,
    ) -> Result<(), ReadError> {
        let Ok(entries) = fs::read_dir(self.git_dir.join(name)) else { return Ok(()) };
        for entry in entries.flatten() {
            let Ok(part) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            let full = format!("{name}/{part}");
            if kind.is_dir() && depth < REFS_DEPTH {
                self.loose(&full, depth + 1, all)?;
            } else if kind.is_file() && all.len() < REFS_LIMIT {
                let text = pointer(&entry.path())?.unwrap_or_default();
                if let Some(id) = text.get(..40).and_then(ObjectId::from_hex) {
                    all.insert(full, id);
                }
            }
        }
        Ok(())
    }

    /// The name of the default branch: what the remote's `HEAD` says, else what `HEAD` says.
    pub fn default_branch(&self) -> Result<Option<String>, ReadError> {
        for name in ["refs/remotes/origin/HEAD", "HEAD"] {
            let text = pointer(&self.git_dir.join(name))?;
            if let Some(branch) = text.as_deref().and_then(|text| text.strip_prefix("ref: ")) {
                return Ok(Some(branch.trim().to_owned()));
            }
        }
        Ok(None)
    }

    /// The commit that the default branch has, or else where this clone stands: a detached `HEAD`, or the
    /// one commit that was fetched by its name.
    pub fn head(&self) -> Result<Option<ObjectId>, ReadError> {
        let references = self.references()?;
        let named = |name: &str| references.iter().find(|(n, _)| n == name).map(|(_, id)| *id);
        if let Some(id) = self.default_branch()?.and_then(|name| named(&name)) {
            return Ok(Some(id));
        }
        let text = pointer(&self.git_dir.join("HEAD"))?.unwrap_or_default();
        if let Some(id) = ObjectId::from_hex(text.trim()) {
            return Ok(Some(id));
        }
        let usual = ["refs/custody/HEAD", "refs/heads/main", "refs/heads/master"];
        if let Some(id) = usual.iter().find_map(|name| named(name)) {
            return Ok(Some(id));
        }
        let mut all = references.iter().filter(|(name, _)| !name.starts_with("refs/tags/"));
        let first = all.next().map(|(_, id)| *id);
        Ok(first.filter(|_| all.next().is_none()))
    }

    /// When the newest commit was made that a reference names, in seconds since 1970, as it says itself; none
    /// where there is none.
    pub fn newest(&self) -> Result<Option<i64>, ReadError> {
        let mut newest = None;
        for (_, id) in self.references()? {
            let commit = self.objects.commit(id)?;
            newest = newest.max(commit.map(|commit| commit.committed));
        }
        Ok(newest)
    }

    /// Addresses of the remotes, from the repository's own configuration and what was fetched last; both
    /// are read as text.
    pub fn addresses(&self) -> Result<Vec<Address>, ReadError> {
        addresses_of(&self.git_dir)
    }

    /// A sum over where all references stand and which packs there are: what is reached from where, which tags
    /// there are, and what is missing is the same as long as it is.
    pub fn stand(&self) -> Result<ObjectId, ReadError> {
        let mut text = format!("{:?} {}\n", self.default_branch()?, self.shallow);
        for pack in self.objects.packs() {
            writeln!(text, "{pack}").expect("writing to a string cannot fail");
        }
        for (name, id) in self.references()? {
            writeln!(text, "{id} {name}").expect("writing to a string cannot fail");
        }
        Ok(ObjectId::of(Kind::Blob, text.as_bytes()))
    }
}

fn addresses_of(git_dir: &Path) -> Result<Vec<Address>, ReadError> {
    let config = pointer(&git_dir.join("config"))?.unwrap_or_default();
    let fetched = pointer(&git_dir.join("FETCH_HEAD"))?.unwrap_or_default();
    Ok(place::addresses(&config, &fetched))
}

/// Whether references stand in one binary table; an error where objects have names that are not read.
pub fn has_reftable(git_dir: &Path) -> Result<bool, ReadError> {
    let config = pointer(&git_dir.join("config"))?.unwrap_or_default();
    let format = place::extension(&config, "objectformat");
    if format.is_some_and(|format| format != "sha1") {
        return Err(ReadError::Unsupported("a repository whose objects are named by SHA-256"));
    }
    let storage = place::extension(&config, "refstorage");
    Ok(storage.is_some_and(|storage| storage != "files"))
}

/// The folder with objects and references that belongs to a folder; none where it is no repository.
fn git_dir(folder: &Path) -> Result<Option<PathBuf>, ReadError> {
    let dot = folder.join(".git");
    let own = if dot.is_dir() {
        dot
    } else if let Some(text) = pointer(&dot)? {
        let Some(target) = text.trim_end().strip_prefix("gitdir: ") else { return Ok(None) };
        folder.join(target)
    } else if folder.join("objects").is_dir() && folder.join("HEAD").is_file() {
        folder.to_owned()
    } else {
        return Ok(None);
    };
    let common = match pointer(&own.join("commondir"))? {
        Some(text) => own.join(text.trim_end()),
        None => own,
    };
    Ok(common.join("objects").is_dir().then_some(common))
}

/// The text of a small file that may be there.
fn pointer(path: &Path) -> Result<Option<String>, ReadError> {
    if !path.is_file() {
        return Ok(None);
    }
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    disk::open(path).map_err(io)?.take(POINTER_LIMIT).read_to_end(&mut bytes).map_err(io)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod odd_tests;
#[cfg(test)]
mod tests;
