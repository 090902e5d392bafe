//! The files of a model: what would run, be imported or be fetched when it is loaded. Reads a folder or a
//! file on disk, says what was seen and what could not be looked at, and never loads or runs any of it.
//! Bytes decide what a file is; a file that cannot be read never stops the next one.

mod carried;
mod doubt;
mod facts;
mod origins;
mod pickles;
mod place;
mod scan;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::domain::hash::hex;
use crate::domain::text::path_text;
use custody_bytes::source::Source;
pub use facts::{
    ConfigTarget, ImportVerdict, ModelAnomaly, ModelCall, ModelCard, ModelFacts, ModelFile,
    ModelImport, OriginMismatch, Part, Unscannable,
};
use model_scan::pickle;
use model_scan::search::{self, Sign};
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

/// Files up to this size get a hash; weights are not read to their end unless somebody asks.
const HASHED: u64 = 1 << 20;

/// What is told of a file on which a parser panicked: a defect of ours, or of a decoder.
pub const PARSER_FAILED: &str = "a parser failed on it";

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

/// How files are looked at.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What stands before the paths of the facts: where the model lies in the audited folder, empty or
    /// ending in `/`.
    pub prefix: String,
    /// Whether to tell what was seen as readable lines.
    pub trace: bool,
    /// Whether to hash files of whatever size.
    pub hash: bool,
}

/// What was seen in one file, line by line. Strings of the file are in it: clean before display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTrace {
    /// The file, as its `path` in the facts.
    pub path: String,
    /// Members, opcodes that import and call, anomalies, in the order of the bytes.
    pub lines: Vec<String>,
}

/// Measures a model folder or a single model file.
///
/// # Errors
/// Where the path itself cannot be looked at; everything below it is a fact.
pub fn measure(path: &Path) -> Result<ModelFacts, ModelError> {
    Ok(look(path, &Look::default())?.0)
}

/// Measures, and tells more where that is asked for.
///
/// # Errors
/// Where the path itself cannot be looked at; everything below it is a fact.
pub fn look(path: &Path, how: &Look) -> Result<(ModelFacts, Vec<FileTrace>), ModelError> {
    let mut entries = list(path)?;
    for entry in &mut entries {
        entry.name.insert_str(0, &how.prefix);
    }
    let mut scanned: Vec<Scanned> = entries.par_iter().map(|entry| entry.scan(how)).collect();
    let traces = scanned.iter_mut().filter_map(|one| {
        Some(FileTrace { path: one.file.path.clone(), lines: one.trace.take()? })
    });
    let traces = traces.collect();
    // One file alone says nothing of what lies beside it.
    if path.is_dir() {
        doubt::missing(&mut scanned);
    }
    Ok((gather(scanned), traces))
}

/// Whether a folder holds something that a model audit is for, by the names and the first bytes of its
/// first entries. A folder that cannot be listed holds nothing.
#[must_use]
pub fn holds_models(path: &Path) -> bool {
    let mut room = PEEK_ARCHIVES;
    let walk = walkdir::WalkDir::new(path).max_depth(PEEK_DEPTH).sort_by_file_name();
    let files = walk.into_iter().filter_entry(|entry| entry.file_name() != ".git").flatten();
    files.take(PEEK_ENTRIES).any(|found| {
        let Ok(data) = fs::metadata(found.path()) else { return false };
        if !data.is_file() {
            return false;
        }
        found.file_name().to_str().is_some_and(names_a_model)
            || place::tells(found.path())
            || belongs_to_model(found.path(), data.len(), &mut room)
            || disk::open(found.path())
                .is_ok_and(|file| is_model_file(file, data.len(), is_archive(found.path())))
    })
}

/// Whether a file that somebody names can be audited as a model: anything but what no loader opens (a
/// page, a picture, a source file), and that too where its bytes are those of weights.
#[must_use]
pub fn may_be_model(path: &Path) -> bool {
    let name = path_text(path.file_name().map_or(path, Path::new));
    let foreign = doubt::is_foreign(&name);
    if !foreign && (doubt::is_expected(&name) || place::tells(path)) {
        return true;
    }
    match fs::metadata(path) {
        Ok(data) if data.is_file() => {
            disk::open(path).is_ok_and(|file| holds_code(file, data.len(), foreign))
        }
        // Named for what it is: a pipe or a device is refused in words.
        _ => !foreign,
    }
}

/// Whether the bytes of a file are such as a loader would act on whatever the name is; text of a name that is
/// not foreign where it could be code or a template.
fn holds_code(mut file: File, size: u64, foreign: bool) -> bool {
    use model_scan::model_kind::{HEAD, ModelFileKind as Kind, sniff};
    let mut head = Vec::new();
    if (&mut file).take(HEAD as u64).read_to_end(&mut head).is_err() {
        return true;
    }
    match sniff(&head, size) {
        Kind::Other if !foreign => true,
        Kind::Text if !foreign && CODE.iter().any(|word| holds(&head, word)) => true,
        kind @ (Kind::Other | Kind::Text) => pickle::probe(&mut file, 0..size, kind == Kind::Text),
        Kind::Json | Kind::Xml => !foreign,
        kind => kind != Kind::Empty,
    }
}

/// Words of which text that is code or a template has one.
const CODE: [&[u8]; 4] = [b"{%", b"{{", b"import ", b"#!"];

fn holds(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

/// Whether a name is that of an archive of anything: a folder is no model's for having one.
fn is_archive(path: &Path) -> bool {
    const ENDINGS: [&str; 20] = [
        "zip", "jar", "whl", "egg", "docx", "xlsx", "pptx", "odt", "ods", "odp", "apk", "epub",
        "vsix", "nupkg", "tar", "tgz", "gz", "xz", "bz2", "7z",
    ];
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Whether the bytes are of weights, of an archive, or of a pickle. `packed`: the name is that of an
/// archive, so that the bytes of one tell nothing.
fn is_model_file(mut file: File, size: u64, packed: bool) -> bool {
    use model_scan::model_kind::{HEAD, ModelFileKind as Kind, sniff};
    let mut head = Vec::new();
    if (&mut file).take(HEAD as u64).read_to_end(&mut head).is_err() {
        return false;
    }
    match sniff(&head, size) {
        kind @ (Kind::Other | Kind::Text) => pickle::probe(&mut file, 0..size, kind == Kind::Text),
        Kind::Empty | Kind::Xml | Kind::Json | Kind::NativeCode => false,
        Kind::Zip | Kind::Tar | Kind::Gzip | Kind::Bzip2 | Kind::Xz | Kind::SevenZip => !packed,
        _ => true,
    }
}

/// Whether the search inside a project would take a file up.
fn belongs_to_model(path: &Path, size: u64, room: &mut u64) -> bool {
    let found = search::sign(&path_text(path), size, room, || disk::open(path));
    matches!(found, Some(Sign::Weights | Sign::Tells))
}

/// How far [`holds_models`] looks.
const PEEK_DEPTH: usize = 6;
const PEEK_ENTRIES: usize = 5_000;
const PEEK_ARCHIVES: u64 = 64 << 20;

/// Names that only the files of models have, where bytes do not tell: text, JSON, raw pickles.
fn names_a_model(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let known = [
        "tokenizer.json",
        "tokenizer_config.json",
        "model_index.json",
        "adapter_config.json",
        "processor_config.json",
        "preprocessor_config.json",
        "chat_template.json",
        "keras_metadata.pb",
    ];
    let endings = ["pkl", "pickle", "pt", "pth", "ckpt", "joblib", "pmml"];
    // A template of any other name is a page of some web service as well.
    known.contains(&name.as_str())
        || name.strip_suffix(".jinja").is_some_and(|stem| stem.starts_with("chat_template"))
        || name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending))
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
            let reason = PARSER_FAILED.to_owned();
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
    fn scan(&self, how: &Look) -> Scanned {
        // Decoders of others stand below; a defect of theirs must not end the scan of the next file.
        let attempt = panic::catch_unwind(|| self.try_scan(how));
        let result = attempt.unwrap_or_else(|_| Err(PARSER_FAILED.to_owned()));
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

    fn try_scan(&self, how: &Look) -> Result<Scanned, String> {
        if let Some(why) = &self.refused {
            return Err(why.clone());
        }
        // Asked again through the open file, which may be another one by now.
        let mut file = disk::open(&self.place).map_err(|error| error.to_string())?;
        let data = file.metadata().map_err(|error| error.to_string())?;
        if !data.is_file() {
            return Err("no regular file".to_owned());
        }
        let mut scanned = scan::scan(&mut file, data.len(), &self.name, how.trace);
        if how.hash || data.len() <= HASHED {
            scanned.file.sha256 = Some(sha256(file).map_err(|error| error.to_string())?);
        }
        Ok(scanned)
    }
}

/// SHA-256 of a file, lower-case hexadecimal.
///
/// # Errors
/// Where it cannot be read to its end.
pub fn sha256(mut file: File) -> std::io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            got => digest.update(&piece[..got]),
        }
    }
    Ok(hex(&digest.finalize()))
}

/// Everything below a path, in order. Links to files are followed, links to folders are not.
fn list(path: &Path) -> Result<Vec<Entry>, ModelError> {
    let data =
        fs::metadata(path).map_err(|source| ModelError::Path { path: path.to_owned(), source })?;
    if !data.is_dir() {
        let name = path_text(path.file_name().map_or(path, Path::new));
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
    path_text(path.strip_prefix(root).unwrap_or(path))
}

/// One struct from all files, in their order.
fn gather(mut all: Vec<Scanned>) -> ModelFacts {
    doubt::tell(&mut all);
    // Where lists have to be cut, what has most to say comes first; each half in order of the path.
    if all.len() > PARTS {
        all.sort_by_cached_key(|one| (std::cmp::Reverse(one.weight()), one.file.path.clone()));
    }
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
            + join(&mut facts.tokenizers, one.tokenizers, PARTS)
            + join(&mut facts.targets, one.targets, PARTS)
            + join(&mut facts.cards, one.cards, PARTS);
        files.push(one.file);
    }
    facts.origin_mismatches = origins::mismatches(&facts.gguf, &facts.cards);
    if files.len() > KEPT {
        facts.files_left_out = (files.len() - KEPT) as u64;
        files.truncate(KEPT);
    }
    if facts.file_count > PARTS as u64 {
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
