//! Which folder is audited, and which of its files is the lockfile.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::WalkError;
use super::document::{self, Document};
use super::tree::{MANIFEST_LIMIT, Tree};
use super::workspace::Workspace;
use crate::domain::Sources;

/// Name that cargo gives to a lockfile.
pub(super) const CARGO_LOCK: &str = "Cargo.lock";

/// The audited folder and its lockfile.
#[derive(Debug)]
pub(super) struct Located {
    /// The audited folder.
    pub tree: Tree,
    /// Name of the lockfile in it.
    pub lockfile: String,
}

/// Whether a path is meant as a project: a folder with a manifest or a lockfile, a manifest, or a file
/// that is a lockfile by its name or its words. What cannot be looked at is left to the walk to refuse.
#[must_use]
pub fn is_project(path: &Path) -> bool {
    let Ok(data) = fs::metadata(path) else { return true };
    if data.is_dir() {
        return path.join("Cargo.toml").exists() || path.join(CARGO_LOCK).exists();
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    if matches!(ending, Some("toml" | "lock")) {
        return true;
    }
    data.is_file() && crate::disk::open(path).is_ok_and(lists_packages)
}

/// Bytes of a file that show whether it is a lockfile, and those that show whether it is a text at all: weights
/// are asked, too, and of half a gigabyte of them not more than a page is read here.
const PEEK: u64 = 64 * 1024;
const TEXT: u64 = 4 * 1024;

fn lists_packages(mut file: impl Read) -> bool {
    let mut head = Vec::new();
    let mut reads =
        |most: u64, head: &mut Vec<u8>| file.by_ref().take(most).read_to_end(head).is_ok();
    reads(TEXT, &mut head)
        && memchr::memchr(0, &head).is_none()
        && reads(PEEK - TEXT, &mut head)
        && memchr::memmem::find(&head, b"[[package]]").is_some()
}

/// Finds the lockfile of a project folder, of a member's folder, of a manifest, or takes the
/// lockfile itself. As in cargo the search goes up to the nearest manifest, and from there to the folder
/// whose manifest has a `[workspace]`; never out of the repository (the nearest folder upwards that holds
/// `.git`) where there is one.
pub(super) fn locate(path: &Path) -> Result<Located, WalkError> {
    let io = |source| WalkError::Path { path: path.to_owned(), source };
    // The link itself decides: a lockfile that is a link out of its folder is refused later.
    let meta = fs::metadata(path).map_err(io)?;
    if meta.is_dir() {
        return search(path, &fs::canonicalize(path).map_err(io)?);
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str());
    match name {
        Some("Cargo.toml") => search(path, &fs::canonicalize(folder).map_err(io)?),
        Some(name) => {
            Ok(Located { tree: Tree::open(folder).map_err(io)?, lockfile: name.to_owned() })
        }
        None => Err(WalkError::NothingToAudit { path: path.to_owned(), tried: Vec::new() }),
    }
}

fn search(path: &Path, start: &Path) -> Result<Located, WalkError> {
    let repository = start.ancestors().find(|folder| folder.join(".git").exists());
    let package = start.ancestors().find(|folder| folder.join("Cargo.toml").exists());
    let mut tried = Vec::new();
    for folder in start.ancestors() {
        let lock = folder.join(CARGO_LOCK);
        let own = folder == start || Some(folder) == package;
        let counts = own && !is_taken_in(folder, repository);
        if (counts || is_workspace(folder)) && lock.symlink_metadata().is_ok() {
            let open = Tree::open(folder);
            let tree = open.map_err(|source| WalkError::Path { path: path.to_owned(), source })?;
            return Ok(Located { tree, lockfile: CARGO_LOCK.to_owned() });
        }
        tried.push(lock);
        // Nothing above a workspace's root, or above the repository, belongs to this project, and nothing
        // above a folder that is in no package.
        if repository == Some(folder) || is_workspace(folder) || package.is_none() {
            break;
        }
    }
    Err(WalkError::NothingToAudit { path: path.to_owned(), tried })
}

/// Whether a folder's package belongs to a workspace above that has a lockfile: cargo uses that one, and a
/// lockfile beside the package is a leftover.
fn is_taken_in(package: &Path, repository: Option<&Path>) -> bool {
    if is_workspace(package) || !package.join("Cargo.toml").exists() || Some(package) == repository
    {
        return false;
    }
    for folder in package.ancestors().skip(1) {
        if is_workspace(folder) {
            let (Ok(tree), Ok(below)) = (Tree::open(folder), package.strip_prefix(folder)) else {
                return false;
            };
            let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
            let manifest = parts.map(|parts| format!("{}/Cargo.toml", parts.join("/")));
            let workspace = Workspace::read(&tree, &mut Sources::default());
            return folder.join(CARGO_LOCK).exists()
                && manifest.is_some_and(|manifest| workspace.manifests.contains_key(&manifest));
        }
        if repository == Some(folder) {
            break;
        }
    }
    false
}

/// Whether a folder's manifest has a `[workspace]`. A manifest that cannot be read does not end the
/// search; it is reported when manifests are read.
fn is_workspace(folder: &Path) -> bool {
    let Ok(tree) = Tree::open(folder) else { return false };
    let Ok(Some(text)) = tree.read("Cargo.toml", MANIFEST_LIMIT) else { return false };
    Document::parse(&text)
        .is_ok_and(|manifest| document::table(&manifest.table, "workspace").is_some())
}

/// The places that were looked at, for a message.
pub(super) fn listed(tried: &[PathBuf]) -> String {
    let shown: Vec<String> =
        tried.iter().map(|path| crate::domain::text::shown(&path.to_string_lossy())).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that are read of `bytes`, and what is said of them.
    fn asked(bytes: &[u8]) -> (usize, bool) {
        let mut rest = bytes;
        let said = lists_packages(&mut rest);
        (bytes.len() - rest.len(), said)
    }

    #[test]
    fn weights_are_asked_by_a_page_and_a_lockfile_by_all_that_may_stand_before() {
        let mut weights = vec![1_u8; 100_000];
        weights[8] = 0;
        assert_eq!(asked(&weights), (4096, false));
        let late = format!("{}[[package]]\n", "# a comment\n".repeat(1_000));
        assert_eq!(asked(late.as_bytes()), (late.len(), true));
    }
}
