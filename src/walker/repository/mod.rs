//! The repository around the audited folder, read as data: which commit a revision names, and the few
//! files of that commit that an audit compares with.
//!
//! The `git` program is not started here, because it would obey configuration, attributes and hooks of the
//! tree; no configuration is read here either. Every object is checked against its own name, so that a
//! mistake in reading can end the run and never change what is compared.

mod ancestry;
mod export;
mod replaced;
mod revision;
mod written;

use std::fs;
use std::path::{Path, PathBuf};

pub use ancestry::Parting;
use export::safe;
pub use export::{BaseTree, export};
pub use replaced::replaced;
pub use written::{Lacking, from_clones, write};

use crate::domain::text::shown;
pub use crate_read::git_objects::ObjectId as CommitId;
use crate_read::git_objects::{GitError, ObjectId};
use custody_repository::{Objects, ReadError};

/// Why nothing of the base can be read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// No `.git` above the folder.
    #[error("`{}` is in no git repository\nhelp: name the base's lockfile with --base-lockfile", shown(&.folder.to_string_lossy()))]
    NoRepository {
        /// The audited folder.
        folder: PathBuf,
    },
    /// A file of the repository cannot be read.
    #[error("cannot read `{}` of the git repository: {source}", shown(&.path.to_string_lossy()))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file of the repository is not what it should be.
    #[error("{what}: {source}")]
    Format {
        /// File or object.
        what: String,
        /// What is wrong.
        source: GitError,
    },
    /// The revision is written in a way that is not read here.
    #[error("`{}` is not a revision that can be read here: {problem}\nhelp: name a branch, a tag or a commit, with ~N or ^N behind it if need be", shown(.revision))]
    BadRevision {
        /// The revision.
        revision: String,
        /// Why.
        problem: &'static str,
    },
    /// Nothing has this name.
    #[error("this clone has no `{}`{}", shown(.revision), fetch_help(.revision, *.shallow))]
    UnknownRevision {
        /// The revision.
        revision: String,
        /// The clone is shallow.
        shallow: bool,
    },
    /// Several objects start with these digits.
    #[error("`{}` is short for several objects", shown(.revision))]
    Ambiguous {
        /// The revision.
        revision: String,
    },
    /// An object that others name is not in this clone.
    #[error("the object {id} ({role}) is not in this clone{}", missing_help(*.shallow))]
    Missing {
        /// Its name.
        id: ObjectId,
        /// What it is needed for.
        role: String,
        /// The clone is shallow.
        shallow: bool,
    },
    /// A file of the base that decides what is compared is not a plain file.
    #[error("`{}` is a symbolic link or submodule in the base, and is not followed", shown(.file))]
    NotPlain {
        /// Path relative to the audited folder.
        file: String,
    },
    /// A form of repository that is not read.
    #[error("{what} is not read\nhelp: name the base's lockfile with --base-lockfile")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// More than an audit reads.
    #[error(
        "the base has more than {limit} {what}\nhelp: audit a smaller folder, or name the base's lockfile with --base-lockfile"
    )]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        limit: u64,
    },
}

impl From<ReadError> for RepositoryError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io { path, source } => Self::Io { path, source },
            ReadError::Format { what, source } => Self::Format { what, source },
            ReadError::Limit { what, limit } => Self::Limit { what, limit },
            ReadError::Missing(id) => Self::Missing { id, role: String::new(), shallow: false },
            ReadError::NoRepository(folder) => Self::NoRepository { folder },
            ReadError::Unsupported(what) => Self::Unsupported { what },
        }
    }
}

fn fetch_help(revision: &str, shallow: bool) -> String {
    let name = revision.rsplit('/').next().unwrap_or(revision);
    let name = name.split(['~', '^']).next().unwrap_or(name);
    let why = if shallow { ": it is a shallow clone, which has only a few commits" } else { "" };
    format!(
        "{why}\nhelp: fetch it first: `git fetch --depth=1 origin {}`; in a workflow give actions/checkout `fetch-depth: 0`, or `fetch-depth: 2` where the revision is HEAD^1",
        shown(name)
    )
}

fn missing_help(shallow: bool) -> &'static str {
    if shallow {
        ": it is a shallow clone\nhelp: fetch more of it: `git fetch --unshallow`; in a workflow give actions/checkout `fetch-depth: 0`, or `fetch-depth: 2` where the revision is HEAD^1"
    } else {
        ": it is a partial or damaged clone\nhelp: `git fetch --refetch --no-filter origin`, or name the base's lockfile with --base-lockfile"
    }
}

/// A repository on disk.
#[derive(Debug)]
pub struct Repository {
    /// The folder that is checked out.
    top: PathBuf,
    /// What belongs to this checkout: `HEAD`.
    own: PathBuf,
    /// What all checkouts share: objects and branches.
    common: PathBuf,
    objects: Objects,
    /// The clone has not all commits.
    shallow: bool,
}

/// Longest `.git` file, `commondir` file or loose reference.
const POINTER_LIMIT: u64 = 16 * 1024;

impl Repository {
    /// The repository that a folder is in: the nearest folder upwards that holds `.git`.
    pub fn discover(folder: &Path) -> Result<Self, RepositoryError> {
        let none = || RepositoryError::NoRepository { folder: folder.to_owned() };
        let real = fs::canonicalize(folder)
            .map_err(|source| RepositoryError::Io { path: folder.to_owned(), source })?;
        let top = top(&real).ok_or_else(none)?;
        let dot_git = top.join(".git");
        let own = if dot_git.is_dir() {
            dot_git
        } else {
            // A worktree or a submodule: a file that says where.
            let text = pointer(&dot_git)?.ok_or_else(none)?;
            let target = text.trim_end().strip_prefix("gitdir: ").ok_or_else(none)?;
            top.join(target)
        };
        let common = match pointer(&own.join("commondir"))? {
            Some(text) => own.join(text.trim_end()),
            None => own.clone(),
        };
        if custody_repository::has_reftable(&common)? {
            let what = "a reftable, in which branches and tags stand,";
            return Err(RepositoryError::Unsupported { what });
        }
        Ok(Self {
            objects: Objects::open(&common.join("objects"))?,
            shallow: common.join("shallow").exists() || own.join("shallow").exists(),
            top,
            own,
            common,
        })
    }

    /// The checked-out folder, absolute.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Its objects.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }
}

/// The nearest folder upwards that holds `.git`.
#[must_use]
pub fn top(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|above| above.join(".git").exists()).map(Path::to_owned)
}

/// Where a folder stands below the top of its repository, with `/`; empty for the top itself, and
/// where it is in no repository or its path is not UTF-8.
#[must_use]
pub fn prefix(folder: &Path) -> String {
    let below = top(folder).and_then(|top| folder.strip_prefix(top).ok().map(Path::to_owned));
    let parts = below.iter().flat_map(|path| path.components());
    let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/")).unwrap_or_default()
}

/// The text of a small file that may be there.
fn pointer(path: &Path) -> Result<Option<String>, RepositoryError> {
    use std::io::Read as _;
    let io = |source| RepositoryError::Io { path: path.to_owned(), source };
    // `refs/heads/a` may be a folder of branches.
    if path.is_dir() {
        return Ok(None);
    }
    match crate::disk::open(path) {
        Ok(file) => {
            let mut text = String::new();
            file.take(POINTER_LIMIT).read_to_string(&mut text).map_err(io)?;
            Ok(Some(text))
        }
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(io(source)),
    }
}

#[cfg(test)]
mod tests;
