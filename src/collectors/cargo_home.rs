//! What Cargo itself keeps below `CARGO_HOME`: archives and index files, one folder a registry.
//!
//! A folder is called after the host of its index and a hash that depends on Cargo's version and on
//! source replacement, so several folders can belong to one registry, and one name can stand for
//! different crates in the folders of different registries. Which file is meant is told by the hash
//! that the lockfile pins, not by the folder. Only reads; never takes Cargo's lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk;
use crate::domain::Origin;

/// How sure it is that a folder holds the registry that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belongs {
    /// Its host is that of the registry's index, or it is the only folder there is.
    Surely,
    /// It may be a mirror that replaces the registry, or another registry altogether.
    Perhaps,
}

/// One registry's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryFolder {
    /// The folder.
    pub path: PathBuf,
    /// Whether it is that of the registry that is meant.
    pub belongs: Belongs,
}

/// The registry folders of one `CARGO_HOME`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoHome {
    archives: Vec<(PathBuf, String)>,
    indexes: Vec<(PathBuf, String)>,
}

impl CargoHome {
    /// Lists the folders below `CARGO_HOME`. A folder that is not there holds nothing.
    ///
    /// # Errors
    /// Where a folder is there and cannot be listed.
    pub fn open(home: &Path) -> io::Result<Self> {
        let registry = home.join("registry");
        Ok(Self {
            archives: folders(&registry.join("cache"))?,
            indexes: folders(&registry.join("index"))?,
        })
    }

    /// Folders that may hold archives of `origin`'s registry, the surest first.
    #[must_use]
    pub fn archives(&self, origin: &Origin) -> Vec<RegistryFolder> {
        ranked(&self.archives, origin)
    }

    /// Folders that may hold index files of `origin`'s registry, the surest first.
    #[must_use]
    pub fn indexes(&self, origin: &Origin) -> Vec<RegistryFolder> {
        ranked(&self.indexes, origin)
            .into_iter()
            .map(|f| RegistryFolder { path: f.path.join(".cache"), ..f })
            .collect()
    }
}

/// Reads a file of at most `limit` bytes; nothing where there is no such file.
///
/// # Errors
/// What the system says, or that the file is too large.
pub(super) fn read_bounded(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match disk::read(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What changes when a file changes: path, length and time of the last change. `None` for a file that
/// cannot be looked at; who reads it learns why.
pub(super) fn stamp(path: &Path) -> Option<String> {
    let data = fs::metadata(path).ok()?;
    let time = data.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", path.display(), data.len(), time.as_nanos()))
}

/// Folders with the host that their name begins with, ordered by name.
fn folders(parent: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some((host, hash)) = name.rsplit_once('-')
            && hash.len() == 16
            && entry.path().is_dir()
        {
            found.push((entry.path(), host.to_owned()));
        }
    }
    found.sort();
    Ok(found)
}

fn ranked(folders: &[(PathBuf, String)], origin: &Origin) -> Vec<RegistryFolder> {
    let hosts = hosts(origin);
    let mut out: Vec<RegistryFolder> = folders
        .iter()
        .map(|(path, host)| {
            let surely = folders.len() == 1 || hosts.contains(host);
            let belongs = if surely { Belongs::Surely } else { Belongs::Perhaps };
            RegistryFolder { path: path.clone(), belongs }
        })
        .collect();
    out.sort_by(|a, b| (a.belongs, &a.path).cmp(&(b.belongs, &b.path)));
    out
}

/// Hosts that an origin's registry has in Cargo's folder names.
fn hosts(origin: &Origin) -> Vec<String> {
    let urls = match origin {
        Origin::Registry => vec![
            tame_index::index::sparse::CRATES_IO_HTTP_INDEX,
            tame_index::index::git::CRATES_IO_INDEX,
        ],
        Origin::AlternativeRegistry { index } => vec![index.as_str()],
        _ => Vec::new(),
    };
    urls.into_iter().filter_map(host).collect()
}

/// The host of an address, without user and port.
fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.split(':').next()?.to_ascii_lowercase())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The folder name that Cargo gives the default registry.
    pub(crate) fn default_folder() -> String {
        let host = host(tame_index::index::sparse::CRATES_IO_HTTP_INDEX).unwrap();
        format!("{host}-1949cf8c6b5b557f")
    }

    #[test]
    fn the_default_registrys_folder_comes_first() {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("registry/cache");
        for name in ["aaa.example.invalid-0123456789abcdef", &default_folder(), "no-registry"] {
            fs::create_dir_all(cache.join(name)).unwrap();
        }
        let found = CargoHome::open(home.path()).unwrap().archives(&Origin::Registry);
        assert_eq!(found.len(), 2);
        assert!(found[0].path.ends_with(default_folder()));
        assert_eq!(found[1].belongs, Belongs::Perhaps);
    }

    #[test]
    fn an_empty_home_holds_nothing() {
        let home = tempfile::tempdir().unwrap();
        let found = CargoHome::open(home.path()).unwrap();
        assert!(found.archives(&Origin::Registry).is_empty());
        assert!(found.indexes(&Origin::Registry).is_empty());
    }

    #[test]
    fn a_file_over_the_limit_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("f");
        fs::write(&path, [0; 11]).unwrap();
        assert_eq!(read_bounded(&path, 11).unwrap().unwrap().len(), 11);
        assert!(read_bounded(&path, 10).is_err());
        assert_eq!(read_bounded(&home.path().join("none"), 10).unwrap(), None);
    }
}
