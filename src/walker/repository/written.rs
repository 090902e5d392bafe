//! All files of one commit, written to a folder of our own, so that they are read like any folder: the base
//! of a comparison, and what a clone of cargo's holds at the commit that a lockfile pins.
//!
//! No name of the tree becomes a path unchecked, links are made when everything else is written, and
//! nothing is written through one. What is left out is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{RepositoryError, safe};
use crate::domain::text::shown;
use crate_read::git_objects::{self, EntryKind, GitError, Kind, ObjectId};
use custody_repository::{Objects, ReadError, Repository as Clone};

/// Most files and folders.
const ENTRIES: usize = 100_000;
/// Most bytes.
const BYTES: u64 = 512 << 20;
/// Folders inside one another, submodules included.
const DEPTH: usize = 64;
/// Submodules inside one another.
const SUBMODULES: usize = 8;

/// What belongs to the commit and was not written, with the reason.
pub type Lacking = BTreeMap<PathBuf, String>;

/// Where the commit of a submodule can be found.
pub type Others<'a> = &'a dyn Fn(&ObjectId) -> Option<Clone>;

/// Writes the files of a commit below `target`, which is empty. More than an audit reads is an error.
///
/// # Errors
/// Where the clone is damaged or has not all of the commit, or `target` cannot be written.
pub fn write(
    objects: &Objects,
    commit: &ObjectId,
    target: &Path,
    others: Others<'_>,
) -> Result<Lacking, RepositoryError> {
    let mut writing =
        Writing { others, entries: 0, bytes: 0, links: Vec::new(), lacking: Lacking::new() };
    writing.commit(objects, commit, target, (0, 0))?;
    writing.link(target);
    Ok(writing.lacking)
}

/// Writes the files of a commit that one of these clones has; submodules are looked for in all of them.
///
/// # Errors
/// Why not, as the end of a sentence that says that there is no checkout.
pub fn from_clones(clones: &[PathBuf], rev: &str, target: &Path) -> Result<Lacking, String> {
    let id = ObjectId::from_hex(rev).ok_or("")?;
    let holding = |id: &ObjectId| {
        // What cannot be opened, or read, holds nothing.
        let mut open = clones.iter().filter_map(|folder| Clone::open(folder).ok());
        open.find(|clone| clone.objects().has(id).unwrap_or(false))
    };
    let clone = holding(&id).ok_or(", nor is the commit in any of cargo's clones")?;
    write(clone.objects(), &id, target, &holding)
        .map_err(|error| format!(", and its clone cannot be read: {error}"))
}

struct Writing<'a> {
    others: Others<'a>,
    entries: usize,
    bytes: u64,
    links: Vec<(PathBuf, PathBuf)>,
    lacking: Lacking,
}

impl Writing<'_> {
    /// One commit; its depth in folders and in submodules bounds the recursion.
    fn commit(
        &mut self,
        objects: &Objects,
        commit: &ObjectId,
        target: &Path,
        (depth, inside): (usize, usize),
    ) -> Result<(), RepositoryError> {
        let object = objects.read(commit)?.ok_or(ReadError::Missing(*commit))?;
        let damaged = |source| RepositoryError::Format { what: commit.to_string(), source };
        if object.kind != Kind::Commit {
            return Err(damaged(GitError::Damaged { what: "commit" }));
        }
        let root = git_objects::commit(&object.bytes).map_err(damaged)?.tree;
        let mut queue = vec![(target.to_owned(), root, depth)];
        while let Some((folder, id, depth)) = queue.pop() {
            let entries = objects.folder(&id)?;
            make(&folder)?;
            for entry in entries {
                self.entries += 1;
                if self.entries > ENTRIES {
                    let limit = ENTRIES as u64;
                    return Err(RepositoryError::Limit { what: "files and folders", limit });
                }
                let Some(name) = safe(&entry.name) else {
                    let name = folder.join(shown(&String::from_utf8_lossy(&entry.name)));
                    self.lacking.insert(name, "no name for a file on every system".to_owned());
                    continue;
                };
                let path = folder.join(name);
                match entry.kind {
                    EntryKind::Folder if depth < DEPTH => queue.push((path, entry.id, depth + 1)),
                    EntryKind::Folder => self.lack(path, "folders are nested too deeply"),
                    EntryKind::File => self.file(objects, &entry.id, path)?,
                    EntryKind::Link => {
                        let target =
                            objects.read(&entry.id)?.ok_or(ReadError::Missing(entry.id))?;
                        let target = String::from_utf8_lossy(&target.bytes).into_owned();
                        self.links.push((path, PathBuf::from(target)));
                    }
                    EntryKind::Submodule => {
                        self.submodule(&entry.id, path, (depth + 1, inside + 1))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn lack(&mut self, path: PathBuf, why: &str) {
        self.lacking.insert(path, why.to_owned());
    }

    fn file(
        &mut self,
        objects: &Objects,
        id: &ObjectId,
        path: PathBuf,
    ) -> Result<(), RepositoryError> {
        let object = match objects.read(id) {
            Err(ReadError::Format { source: GitError::TooLarge { size }, .. }) => {
                self.lack(path, &format!("{size} bytes are more than is read of one file"));
                return Ok(());
            }
            other => other?.ok_or(ReadError::Missing(*id))?,
        };
        self.bytes += object.bytes.len() as u64;
        if self.bytes > BYTES {
            return Err(RepositoryError::Limit { what: "bytes", limit: BYTES });
        }
        fs::write(&path, &object.bytes).map_err(|source| RepositoryError::Io { path, source })
    }

    fn submodule(
        &mut self,
        commit: &ObjectId,
        path: PathBuf,
        depth: (usize, usize),
    ) -> Result<(), RepositoryError> {
        if depth.0 >= DEPTH || depth.1 > SUBMODULES {
            self.lack(path, "submodules are nested too deeply");
            return Ok(());
        }
        if let Some(clone) = (self.others)(commit) {
            return self.commit(clone.objects(), commit, &path, depth);
        }
        let short: String = commit.to_string().chars().take(12).collect();
        self.lack(path, &format!("a submodule whose commit {short} is not on this machine"));
        Ok(())
    }

    /// Makes the links, once nothing is written any more.
    fn link(&mut self, top: &Path) {
        for (path, target) in std::mem::take(&mut self.links) {
            if let Err(why) = symlink(top, &path, &target) {
                self.lacking.insert(path, why);
            }
        }
    }
}

fn make(folder: &Path) -> Result<(), RepositoryError> {
    fs::create_dir_all(folder)
        .map_err(|source| RepositoryError::Io { path: folder.to_owned(), source })
}

/// A link that stays below `top`, told from its text alone.
#[cfg(unix)]
fn symlink(top: &Path, path: &Path, target: &Path) -> Result<(), String> {
    use std::path::Component;
    let mut at = path.parent().unwrap_or(top).to_owned();
    for part in target.components() {
        let inside = match part {
            Component::CurDir => true,
            Component::Normal(name) => {
                at.push(name);
                true
            }
            Component::ParentDir => at.pop() && at.starts_with(top),
            Component::RootDir | Component::Prefix(_) => false,
        };
        if !inside {
            return Err("a link that leads out of the repository".to_owned());
        }
    }
    std::os::unix::fs::symlink(target, path).map_err(|error| error.to_string())
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path, _: &Path) -> Result<(), String> {
    Err("a link".to_owned())
}
