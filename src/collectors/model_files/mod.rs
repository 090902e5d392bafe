//! The files of a model: what would run, be imported or be fetched when it is loaded. Reads a folder or a
//! file on disk, says what was seen and what could not be looked at, and never loads or runs any of it.
//! Bytes decide what a file is; a file that cannot be read never stops the next one.

mod facts;
mod pickles;
mod scan;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::formats::source::Source;
pub use facts::{
    ImportVerdict, ModelAnomaly, ModelCall, ModelFacts, ModelFile, ModelImport, Part, Unscannable,
};
use scan::Scanned;

/// Name of the group of facts.
pub const GROUP: &str = "model";

/// Files that are scanned below one folder.
const FILES: usize = 100_000;

/// Folders inside one another.
const DEPTH: usize = 64;

/// Entries kept of files, of what is unscannable, and of each format.
const KEPT: usize = 2_000;
const PARTS: usize = 500;

/// Why a path cannot be audited as a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It does not exist, or may not be looked at.
    #[error("{path} cannot be looked at")]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Measures a model folder or a single model file.
///
/// # Errors
/// Where the path itself cannot be looked at; everything below it is a fact.
pub fn measure(path: &Path) -> Result<ModelFacts, ModelError> {
    let entries = list(path)?;
    let scanned: Vec<Scanned> = entries.par_iter().map(|entry| entry.scan(false)).collect();
    Ok(gather(scanned))
}

/// Measures one file and tells what was seen as readable lines: members, opcodes that import and call,
/// anomalies. Holds strings of the file: clean before display.
///
/// # Errors
/// Where the path itself cannot be looked at.
pub fn trace(path: &Path) -> Result<(ModelFacts, Vec<String>), ModelError> {
    let mut scanned: Vec<Scanned> = list(path)?.iter().map(|entry| entry.scan(true)).collect();
    let mut lines = Vec::new();
    for one in &mut scanned {
        lines.push(format!("{} ({} bytes)", one.file.path, one.file.size));
        lines.extend(one.trace.take().into_iter().flatten());
    }
    Ok((gather(scanned), lines))
}

/// Files that come one by one from elsewhere than the disk, such as a Hub.
#[derive(Default)]
pub struct Reading {
    scanned: Vec<Scanned>,
}

impl Reading {
    /// Scans one file of `size` bytes; its facts are named `path`.
    pub fn file(&mut self, source: &mut dyn Source, size: u64, path: &str) {
        // As for files on disk: a defect of a decoder must not end the scan of the next file.
        let attempt =
            panic::catch_unwind(AssertUnwindSafe(|| scan::scan(source, size, path, false)));
        self.scanned.push(attempt.unwrap_or_else(|_| {
            let mut scanned = Scanned::default();
            path.clone_into(&mut scanned.file.path);
            "unreadable".clone_into(&mut scanned.file.format);
            let (path, member) = (path.to_owned(), String::new());
            let reason = "a parser failed on it".to_owned();
            scanned.unscannable.push(Unscannable { path, member, reason });
            scanned
        }));
    }

    /// Whether no file was scanned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scanned.is_empty()
    }

    /// The facts of all of them, in the order of their reading.
    #[must_use]
    pub fn facts(self) -> ModelFacts {
        gather(self.scanned)
    }
}

/// Something found on disk.
struct Entry {
    /// Where it is.
    place: PathBuf,
    /// How it is called in facts.
    name: String,
    link: bool,
    /// Why it is not scanned.
    refused: Option<String>,
}

impl Entry {
    fn scan(&self, trace: bool) -> Scanned {
        // Decoders of others stand below; a defect of theirs must not end the scan of the next file.
        let attempt = panic::catch_unwind(|| self.try_scan(trace));
        let result = attempt.unwrap_or_else(|_| Err("a parser failed on it".to_owned()));
        match result {
            Ok(mut scanned) => {
                scanned.file.link = self.link;
                scanned
            }
            Err(reason) => {
                let mut scanned = Scanned::default();
                scanned.file.path.clone_from(&self.name);
                "unreadable".clone_into(&mut scanned.file.format);
                let (path, member) = (self.name.clone(), String::new());
                scanned.unscannable.push(Unscannable { path, member, reason });
                scanned
            }
        }
    }

    fn try_scan(&self, trace: bool) -> Result<Scanned, String> {
        if let Some(why) = &self.refused {
            return Err(why.clone());
        }
        // Asked again through the open file, which may be another one by now.
        let mut file = File::open(&self.place).map_err(|error| error.to_string())?;
        let data = file.metadata().map_err(|error| error.to_string())?;
        if !data.is_file() {
            return Err("no regular file".to_owned());
        }
        Ok(scan::scan(&mut file, data.len(), &self.name, trace))
    }
}

/// Everything below a path, in order. Links to files are followed, links to folders are not.
fn list(path: &Path) -> Result<Vec<Entry>, ModelError> {
    let data =
        fs::metadata(path).map_err(|source| ModelError::Path { path: path.to_owned(), source })?;
    if !data.is_dir() {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let refused = (!data.is_file()).then(|| "no regular file".to_owned());
        return Ok(vec![Entry { place: path.to_owned(), name, link: false, refused }]);
    }
    let walk = walkdir::WalkDir::new(path).max_depth(DEPTH).sort_by_file_name().into_iter();
    let mut entries = Vec::new();
    for found in walk.filter_entry(|entry| entry.file_name() != ".git") {
        if entries.len() >= FILES {
            let refused = Some(format!("more than {FILES} files"));
            let name = "(further files)".to_owned();
            entries.push(Entry { place: path.to_owned(), name, link: false, refused });
            break;
        }
        match found {
            Ok(found) => entries.extend(entry(path, &found)),
            Err(error) => {
                let place = error.path().unwrap_or(path).to_owned();
                let name = relative(path, &place);
                entries.push(Entry { place, name, link: false, refused: Some(error.to_string()) });
            }
        }
    }
    Ok(entries)
}

fn entry(root: &Path, found: &walkdir::DirEntry) -> Option<Entry> {
    let place = found.path().to_owned();
    let name = relative(root, &place);
    let kind = found.file_type();
    if kind.is_dir() {
        let deepest = found.depth() == DEPTH;
        let refused = Some(format!("more than {DEPTH} folders inside one another"));
        return deepest.then_some(Entry { place, name, link: false, refused });
    }
    let refused = match fs::metadata(&place) {
        Ok(data) if data.is_file() => None,
        Ok(data) if data.is_dir() => Some("a link to a folder is not followed".to_owned()),
        Ok(_) => Some("no regular file".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    Some(Entry { place, name, link: kind.is_symlink(), refused })
}

/// A path below the root with `/` between its parts.
fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// One struct from all files, in their order.
fn gather(all: Vec<Scanned>) -> ModelFacts {
    let mut facts = ModelFacts::default();
    let mut files = Vec::new();
    for one in all {
        facts.file_count += 1;
        facts.bytes = facts.bytes.saturating_add(one.file.size);
        *facts.formats.entry(one.file.format.clone()).or_insert(0) += 1;
        facts.pickle_files += u64::from(one.file.pickles > 0);
        facts.denied_imports += count(&one.file, ImportVerdict::Denied);
        facts.unknown_imports += count(&one.file, ImportVerdict::Unknown);
        facts.unscannable_left_out += join(&mut facts.unscannable, one.unscannable, KEPT);
        facts.parts_left_out += join(&mut facts.safetensors, one.safetensors, PARTS)
            + join(&mut facts.gguf, one.gguf, PARTS)
            + join(&mut facts.onnx, one.onnx, PARTS)
            + join(&mut facts.tensorflow, one.tensorflow, PARTS)
            + join(&mut facts.hdf5, one.hdf5, PARTS)
            + join(&mut facts.keras, one.keras, PARTS)
            + join(&mut facts.configs, one.configs, PARTS)
            + join(&mut facts.templates, one.templates, PARTS)
            + join(&mut facts.python, one.python, PARTS)
            + join(&mut facts.torchscript, one.torchscript, PARTS)
            + join(&mut facts.pmml, one.pmml, PARTS)
            + join(&mut facts.skops, one.skops, PARTS)
            + join(&mut facts.tokenizers, one.tokenizers, PARTS);
        files.push(one.file);
    }
    if files.len() > KEPT {
        facts.files_left_out = (files.len() - KEPT) as u64;
        // Stable: files with something to say come first, each half in order of the path.
        files.sort_by_key(|file| {
            file.imports.is_empty() && file.calls.is_empty() && file.anomalies.is_empty()
        });
        files.truncate(KEPT);
        files.sort_by(|a, b| a.path.cmp(&b.path));
    }
    facts.files = files;
    facts
}

fn count(file: &ModelFile, verdict: ImportVerdict) -> u64 {
    file.imports.iter().filter(|import| import.verdict == verdict).count() as u64
}

/// Appends up to a limit; how many were left out.
fn join<T>(into: &mut Vec<T>, more: Vec<T>, most: usize) -> u64 {
    let room = most.saturating_sub(into.len());
    let left_out = more.len().saturating_sub(room);
    into.extend(more.into_iter().take(room));
    left_out as u64
}
