//! The walk through a folder: what is a file of the crate, what a link leads to, what is left out.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{LeftOut, TreeError, TreeFile, shown};
use crate::domain::{Place, PlaceKind};

/// Most entries of all folders that are looked at.
const ENTRIES: usize = 200_000;
/// Most bytes of files that are no code.
const DATA: u64 = 256 << 20;
/// Most bytes of one file.
const ONE: u64 = 64 << 20;
/// Folders inside one another.
const DEPTH: usize = 64;

/// Lists the files of a place, and what lies there and is not read.
pub(super) fn list(place: &Place) -> Result<(Vec<TreeFile>, Vec<LeftOut>), TreeError> {
    let root = fs::canonicalize(&place.folder)?;
    let within = fs::canonicalize(&place.within)?;
    if !root.starts_with(&within) {
        return Err(TreeError::Outside);
    }
    // A nested crate that is gone has no files to be left out either.
    let without = place.without.iter().filter_map(|folder| fs::canonicalize(folder).ok());
    let mut walk = Walk {
        kind: place.kind,
        without: without.filter(|folder| *folder != root).collect(),
        within,
        files: Vec::new(),
        left_out: Vec::new(),
        entries: 0,
        chain: Vec::new(),
        nested: Vec::new(),
    };
    walk.folder(&root, b"")?;
    walk.part();
    for (path, reason) in &place.lacking {
        if let Ok(below) = path.strip_prefix(&place.folder) {
            let below = below.to_string_lossy().replace('\\', "/");
            walk.leave(below.as_bytes(), true, reason);
        }
    }
    walk.order();
    Ok((walk.files, walk.left_out))
}

/// Whether a path can be Rust code by its name.
pub(super) fn is_code(path: &[u8]) -> bool {
    path.ends_with(b".rs") || path == b"Cargo.toml"
}

/// The bytes of a file, which may have grown since it was listed.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        crate::disk::open(path)?.take(ONE + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| error.to_string())?;
    if bytes.len() as u64 > ONE { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

fn too_large(size: u64) -> String {
    format!("{size} bytes are more than is read of one file")
}

struct Walk {
    kind: PlaceKind,
    within: PathBuf,
    without: Vec<PathBuf>,
    files: Vec<TreeFile>,
    left_out: Vec<LeftOut>,
    entries: usize,
    /// The folders that the walk is in, from the root.
    chain: Vec<PathBuf>,
    /// Folders below with a manifest of their own, as paths.
    nested: Vec<Vec<u8>>,
}

impl Walk {
    /// One folder and all below it; the chain's length bounds the recursion.
    fn folder(&mut self, real: &Path, path: &[u8]) -> io::Result<()> {
        let mut entries = fs::read_dir(real)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        self.chain.push(real.to_owned());
        self.entries(entries, path);
        self.chain.pop();
        Ok(())
    }

    fn entries(&mut self, entries: Vec<fs::DirEntry>, path: &[u8]) {
        for entry in entries {
            let name = entry.file_name();
            let mut below = path.to_vec();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend_from_slice(name.as_encoded_bytes());
            self.entries += 1;
            if self.entries > ENTRIES {
                self.leave(
                    &below,
                    true,
                    &format!("only {ENTRIES} files and folders are looked at"),
                );
                return;
            }
            match self.lead(&entry.path()) {
                Ok((to, data)) => self.entry(&to, &data, &below),
                Err((reason, code)) => self.leave(&below, code || is_code(&below), &reason),
            }
        }
    }

    /// Where an entry leads, links followed; else why not, and whether code can lie there.
    fn lead(&self, path: &Path) -> Result<(PathBuf, Metadata), (String, bool)> {
        let own = path.symlink_metadata().map_err(|error| (error.to_string(), true))?;
        if !own.is_symlink() {
            return Ok((path.to_owned(), own));
        }
        let dangling = |_| ("a link that leads to nothing".to_owned(), false);
        let real = fs::canonicalize(path).map_err(dangling)?;
        let data = fs::metadata(&real).map_err(dangling)?;
        if real.starts_with(&self.within) {
            Ok((real, data))
        } else {
            Err(("a link that leads out of the project".to_owned(), data.is_dir()))
        }
    }

    fn entry(&mut self, real: &Path, data: &Metadata, path: &[u8]) {
        if data.is_dir() {
            if self.is_apart(real, path) {
                return;
            }
            if self.chain.iter().any(|folder| folder == real) {
                // Its files are in the list, under a shorter path.
                return self.leave(path, false, "a link that leads back to where it lies");
            }
            if self.chain.len() >= DEPTH {
                return self.leave(path, true, "folders are nested too deeply");
            }
            if self.is_package(real) {
                self.nested.push(path.to_vec());
            }
            if let Err(error) = self.folder(real, path) {
                self.leave(path, true, &error.to_string());
            }
        } else if !data.is_file() {
            self.leave(path, is_code(path), "no plain file");
        } else if data.len() > ONE {
            self.leave(path, is_code(path), &too_large(data.len()));
        } else {
            let (path, real) = (path.to_vec(), real.to_owned());
            self.files.push(TreeFile { path, real, size: data.len(), mode: mode(data) });
        }
    }

    /// Whether a folder is no part of the crate: another crate of the graph, the repository's own data,
    /// or what cargo builds into.
    fn is_apart(&self, real: &Path, path: &[u8]) -> bool {
        let cargos = match self.kind {
            PlaceKind::Path | PlaceKind::Override => matches!(path, b".git" | b"target"),
            PlaceKind::Git => path == b".git",
            PlaceKind::Vendored | PlaceKind::LocalRegistry => false,
        };
        cargos || self.without.iter().any(|folder| folder == real)
    }

    /// Whether cargo takes a folder as another package, which is no part of the one around it. What `cargo
    /// vendor` writes is one package all through.
    fn is_package(&self, real: &Path) -> bool {
        let cargos = matches!(self.kind, PlaceKind::Path | PlaceKind::Override | PlaceKind::Git);
        cargos && real.join("Cargo.toml").is_file()
    }

    /// Leaves out other packages below, unless code or manifest of this one may lead into them.
    fn part(&mut self) {
        let nested = std::mem::take(&mut self.nested);
        if nested.is_empty() {
            return;
        }
        let inside = |path: &[u8], folder: &[u8]| {
            path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
        };
        let below = |file: &&TreeFile| nested.iter().any(|folder| inside(&file.path, folder));
        let own: Vec<&TreeFile> = self.files.iter().filter(|file| !below(file)).collect();
        let names: Vec<&[u8]> = nested.iter().map(|path| last(path)).collect();
        let reached = super::nested::reached(&own, &names);
        let apart: Vec<&Vec<u8>> =
            nested.iter().filter(|path| !reached.contains(last(path))).collect();
        let gone = |path: &[u8]| apart.iter().any(|folder| inside(path, folder));
        self.files.retain(|file| !gone(&file.path));
        self.left_out.retain(|left| !gone(left.path.as_bytes()));
    }

    fn leave(&mut self, path: &[u8], code: bool, reason: &str) {
        self.left_out.push(LeftOut { path: shown(path), reason: reason.to_owned(), code });
    }

    /// Manifest and code first, then the rest from small to large, as far as there is room for it.
    fn order(&mut self) {
        self.files.sort_by(|a, b| rank(a).cmp(&rank(b)));
        let mut data = 0_u64;
        let (kept, over): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.files).into_iter().partition(|file| {
                data += if is_code(&file.path) { 0 } else { file.size };
                data <= DATA
            });
        for file in &over {
            self.leave(
                &file.path,
                false,
                &format!("the crate holds more than {DATA} bytes of data"),
            );
        }
        self.files = kept;
    }
}

/// The name of a folder.
fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn rank(file: &TreeFile) -> (bool, u64, &[u8]) {
    let code = is_code(&file.path);
    (!code, if code { 0 } else { file.size }, &file.path)
}

#[cfg(unix)]
fn mode(data: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    // What differs between two checkouts of the same files is whether they can be started.
    data.permissions().mode() & 0o6111
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0
}
