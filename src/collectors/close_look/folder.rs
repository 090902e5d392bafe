//! A crate's folder as an archive in memory, so that it passes the same readers. Links are not
//! followed, nothing outside of the folder is read, and what is too large is left out and told.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::{CloseLook, read};
use crate::collectors::archive::ArchiveError;
use custody_bytes::gzip_tar::pack::{Packed, pack};

/// Most files that are read.
const FILES: usize = 50_000;
/// Most bytes of all files together.
const TOTAL: u64 = 512 << 20;
/// Most bytes of one file.
const ONE: u64 = 128 << 20;
/// Folders inside one another.
const DEPTH: usize = 64;
/// Most sentences about what was left out.
const TOLD: usize = 20;

/// Why a folder could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Its manifest cannot be read.
    #[error("cannot read {path}: {reason}")]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It cannot be packed.
    #[error("cannot pack the folder: {0}")]
    Pack(#[from] std::io::Error),
    /// What was packed cannot be measured: one of the archive limits was reached.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A folder that was read.
#[derive(Debug)]
pub struct Folder {
    /// `package.name`.
    pub name: String,
    /// `package.version`; `0.0.0` where the manifest has none or takes it from its workspace.
    pub version: String,
    /// What it shows. Hash and packed size are those of the copy in memory and mean nothing.
    pub look: CloseLook,
    /// What was left out, one sentence each.
    pub limits: Vec<String>,
}

/// Looks at a crate's folder. `.git` and `target` folders are not part of it.
pub fn read_folder(path: &Path) -> Result<Folder, FolderError> {
    let (name, version) = name_and_version(&path.join("Cargo.toml"))?;
    let mut limits = Vec::new();
    let files = collect(path, &mut limits);
    let packed = pack(&format!("{name}-{version}"), &files)?;
    let look = read(&name, &version, &packed)?;
    Ok(Folder { name, version, look, limits })
}

fn name_and_version(path: &Path) -> Result<(String, String), FolderError> {
    let failed = |reason: String| FolderError::Manifest { path: path.to_owned(), reason };
    let data = fs::symlink_metadata(path).map_err(|error| failed(error.to_string()))?;
    if !data.is_file() || data.len() > 4 << 20 {
        return Err(failed("it is no plain file of at most 4 MiB".to_owned()));
    }
    let text = crate::disk::text(path, 4 << 20).map_err(|error| failed(error.to_string()))?;
    let manifest: toml::Table = text.parse().map_err(|e: toml::de::Error| failed(e.to_string()))?;
    let package =
        manifest.get("package").ok_or_else(|| failed("it has no [package]".to_owned()))?;
    let word = |key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let name = word("name").ok_or_else(|| failed("the package has no name".to_owned()))?;
    Ok((name, word("version").unwrap_or_else(|| "0.0.0".to_owned())))
}

fn collect(root: &Path, limits: &mut Vec<String>) -> Vec<Packed> {
    let part_of_it = |entry: &DirEntry| {
        entry.depth() == 0
            || !(entry.file_type().is_dir()
                && (entry.file_name() == ".git" || entry.file_name() == "target"))
    };
    let mut files = Vec::new();
    let mut total = 0_u64;
    let mut tell = |what: String| {
        if limits.len() < TOLD {
            limits.push(what);
        }
    };
    let walk = WalkDir::new(root).max_depth(DEPTH).follow_links(false).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(part_of_it) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                tell(error.to_string());
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        match packed(root, &entry, TOTAL.saturating_sub(total)) {
            Ok(file) if files.len() < FILES => {
                total += file.1.len() as u64;
                files.push(file);
            }
            Ok(_) => {
                tell(format!("only the first {FILES} files were read"));
                break;
            }
            Err(why) => tell(format!("{} was not read: {why}", entry.path().display())),
        }
    }
    files
}

fn packed(root: &Path, entry: &DirEntry, limit: u64) -> Result<Packed, String> {
    if !entry.file_type().is_file() {
        return Err("it is a link or no plain file".to_owned());
    }
    let size = entry.metadata().map_err(|error| error.to_string())?.len();
    if size > ONE.min(limit) {
        return Err(format!("{size} bytes are over the limit"));
    }
    let below = entry.path().strip_prefix(root).map_err(|error| error.to_string())?;
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    let bytes = crate::disk::read(entry.path(), limit).map_err(|error| error.to_string())?;
    Ok((parts.join("/"), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_reads_like_its_archive_and_links_stay_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("crate");
        fs::create_dir_all(root.join("src")).expect("made");
        fs::write(root.join("Cargo.toml"), "[package]\nname = \"x\"\nversion = \"1.0.0\"\n")
            .expect("written");
        fs::write(root.join("src/lib.rs"), "pub fn f() {}\n").expect("written");
        fs::write(folder.path().join("secret"), "outside").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", root.join("link")).expect("linked");
        let read = read_folder(&root).expect("reads");
        assert_eq!((read.name.as_str(), read.version.as_str()), ("x", "1.0.0"));
        let paths: Vec<&str> = read
            .look
            .contents
            .archive
            .listing
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(paths, ["Cargo.toml", "src/lib.rs"]);
        #[cfg(unix)]
        assert_eq!(read.limits.len(), 1);
    }

    #[test]
    fn a_folder_without_a_manifest_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(read_folder(folder.path()), Err(FolderError::Manifest { .. })));
    }
}
