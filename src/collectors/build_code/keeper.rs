//! What is kept of a crate's files while its archive passes by: code that may run at build time, and
//! library code that a cheap byte search has marked. Everything else is looked at once and dropped.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::facts::BuildRecord;
use super::manifest::ManifestInput;
use super::marks::{Marks, STARTS_SIZE, marks};
use super::measure;
use crate_read::rust_source::{CapabilityTable, ReadKind, Spawned, modules_by_path, plain_path};

/// Most bytes kept of files near the crate's root and below `build`.
const NEAR: usize = 12 << 20;
/// Most bytes kept of other code.
const FAR: usize = 24 << 20;
/// Most bytes kept of one file: more than is parsed, so that a cut file is read as tokens and said to be.
const ONE: usize = 4 << 20;
/// Most bytes kept of files that only the code itself names.
const NAMED: usize = 64 << 20;
/// Largest text that is kept for the digests in it.
const TEXT: usize = 64 << 10;

/// Most files that a library compiles in under other names, of one round.
const COMPILED_IN: usize = 64;

/// Keeps what is needed of one crate's files. Give it every file, in any order, then finish it.
#[derive(Debug, Default)]
pub struct SourceKeeper {
    pub(super) manifest: Option<String>,
    /// Files by path: code, marked library code and small texts.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) marked: BTreeMap<String, Marks>,
    /// Library code that reads files.
    pub(super) origins: BTreeSet<String>,
    /// SHA-256 of the whole file, of files of which only the beginning is kept.
    pub(super) cut: BTreeMap<String, [u8; 32]>,
    near: usize,
    far: usize,
    /// The manifest came by and says that nothing runs at build time.
    idle: bool,
    /// Files that code names and that were not kept; while there are some, only they are taken in.
    wanted: BTreeSet<String>,
    named: usize,
    /// Files that library code compiles in under a name of tests or of data.
    compiled_in: BTreeSet<String>,
    /// Whether the archive has a folder of the name that cargo gives its own.
    pub(super) has_target: bool,
    /// Where the tests of a library would lie that compiles them in always.
    open_tests: BTreeSet<String>,
    /// Files that code names and for which there was no room.
    pub(super) refused: u64,
    /// Code files that were not kept.
    pub(super) dropped: u64,
    /// Large library files that name secrets and do not reach the network.
    pub(super) only_named: u64,
}

impl SourceKeeper {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one file of the crate: path below its root, `/` between its parts. A path that comes again
    /// replaces the earlier one, as cargo does.
    pub fn file(&mut self, path: &str, bytes: &[u8]) {
        if !self.wanted.is_empty() {
            if self.wanted.contains(path) {
                self.take_wanted(path, bytes);
            }
            return;
        }
        self.has_target |= path.starts_with("target/");
        if path == "Cargo.toml" {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 20)]).into_owned();
            let said = ManifestInput::parse(&text, |_| true);
            self.idle = said.is_ok_and(|manifest| !manifest.runs());
            self.manifest = Some(text);
            return;
        }
        let code = has_extension(path, &["rs"]);
        let text = bytes.len() <= TEXT
            && has_extension(path, &["tsv", "csv", "txt", "json", "toml", "sha256", "inc", "in"]);
        if !code && !text {
            return;
        }
        self.marked.remove(path);
        self.origins.remove(path);
        self.files.remove(path);
        self.cut.remove(path);
        let library = code && is_library(path);
        if library && compiles_tests(bytes) {
            let folder = children(path);
            self.open_tests.insert(format!("{folder}tests.rs"));
            self.open_tests.insert(format!("{folder}tests/mod.rs"));
        }
        let marks = if library { marks(bytes) } else { Marks::default() };
        let worth = marks.worth_reading(bytes.len());
        if worth {
            self.marked.insert(path.to_owned(), marks);
        } else if marks.any() {
            self.only_named += u64::from(marks.secrets);
        }
        // What starts can be in one file, and what is started come from another.
        let origin = marks.reads && bytes.len() <= STARTS_SIZE;
        if origin {
            self.origins.insert(path.to_owned());
        }
        if !self.idle || ((worth || origin) && code) {
            self.keep(path, bytes, code);
        }
    }

    fn keep(&mut self, path: &str, bytes: &[u8], code: bool) {
        let near = code && (!path.contains('/') || path.starts_with("build"));
        let (used, most) = if near { (&mut self.near, NEAR) } else { (&mut self.far, FAR) };
        let kept = &bytes[..bytes.len().min(ONE)];
        if *used + kept.len() > most {
            self.dropped += u64::from(code);
            return;
        }
        *used += kept.len();
        self.files.insert(path.to_owned(), kept.to_vec());
        if kept.len() < bytes.len() {
            self.cut.insert(path.to_owned(), Sha256::digest(bytes).into());
        }
    }

    /// A file that code names, whatever it is called and however much code there is.
    fn take_wanted(&mut self, path: &str, bytes: &[u8]) {
        let kept = &bytes[..bytes.len().min(ONE)];
        if self.named + kept.len() > NAMED {
            self.refused += 1;
            return;
        }
        self.named += kept.len();
        self.files.insert(path.to_owned(), kept.to_vec());
        self.mark_compiled_in(path);
        self.cut.remove(path);
        if kept.len() < bytes.len() {
            self.cut.insert(path.to_owned(), Sha256::digest(bytes).into());
        }
    }

    /// Marks a file that library code compiles in, whatever it is called; whether it is worth reading.
    fn mark_compiled_in(&mut self, path: &str) -> bool {
        let Some(bytes) = self.files.get(path) else { return false };
        let marks = marks(bytes);
        let worth = self.compiled_in.contains(path)
            && !is_for_tests(bytes)
            && marks.worth_reading(bytes.len());
        worth && self.marked.insert(path.to_owned(), marks).is_none()
    }

    /// Files that the library compiles in by `#[path]`, by `include!`, or as its tests, and that are not
    /// looked at for their names; whether any is to be looked at now.
    fn compiled_in(&mut self, record: &BuildRecord) -> bool {
        let reads = record.build.reads.iter();
        let named =
            reads.filter(|read| read.kind == ReadKind::Source && read.whole && !read.at_build);
        let by_path = self.marked.iter().filter(|(_, marks)| marks.includes);
        let by_path = by_path.filter_map(|(file, _)| Some((file, self.files.get(file)?)));
        let by_path = by_path.flat_map(|(file, bytes)| modules_by_path(file, bytes));
        let named: Vec<String> = named
            .map(|read| read.path.clone())
            .chain(by_path)
            .chain(self.open_tests.iter().cloned())
            .collect();
        let new = named.into_iter().filter(|path| !self.compiled_in.contains(path));
        let new: Vec<String> = new.take(COMPILED_IN).collect();
        self.compiled_in.extend(new.iter().cloned());
        let mut any = false;
        for path in
            new.iter().filter(|path| !self.marked.contains_key(*path)).cloned().collect::<Vec<_>>()
        {
            any |= self.mark_compiled_in(&path);
        }
        any
    }

    /// Asks for the files that build-time code names, that the crate has and that were not kept. Where the
    /// answer is yes, those that it waits for have to be given once more, and all is to be measured again.
    pub fn wants(&mut self, record: &BuildRecord, has: impl Fn(&str) -> bool) -> bool {
        let marked = self.compiled_in(record);
        let named = record.build.unparsed.iter().filter(|file| file.is_absent());
        let wanted: BTreeSet<String> = named
            .flat_map(|file| {
                let module = file.file.strip_suffix(".rs").map(|stem| format!("{stem}/mod.rs"));
                [Some(file.file.clone()), module]
            })
            .flatten()
            .chain(started(&record.build.spawned))
            .chain(self.compiled_in.iter().cloned())
            .chain(self.by_scripts(record))
            .filter(|path| !self.files.contains_key(path) && has(path))
            .collect();
        let new = !wanted.is_empty() && wanted != self.wanted;
        self.wanted = wanted;
        new || marked
    }

    /// What the scripts name that build-time code starts.
    fn by_scripts<'s>(&'s self, record: &'s BuildRecord) -> impl Iterator<Item = String> + 's {
        let scripts = record.build.files.iter().filter(|file| !has_extension(file, &["rs"]));
        let kept = scripts.filter_map(|file| Some((file, self.files.get(file)?)));
        kept.flat_map(|(file, bytes)| measure::named_by_script(file, bytes))
    }

    /// The files that it waits for.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(String::as_str)
    }

    /// Measures what was kept.
    #[must_use]
    pub fn measure(&self, table: &CapabilityTable) -> BuildRecord {
        measure::record(self, table)
    }

    /// [`SourceKeeper::measure`], where nothing more will come.
    #[must_use]
    pub fn finish(self, table: &CapabilityTable) -> BuildRecord {
        self.measure(table)
    }
}

/// What may be a file of the crate among the programs that build code starts and their arguments:
/// scripts are code that runs, whatever they are called.
pub(super) fn started(spawned: &[Spawned]) -> impl Iterator<Item = String> + '_ {
    let words = spawned
        .iter()
        .flat_map(|spawned| std::iter::once(&spawned.program).chain(&spawned.arguments));
    words
        .map(|word| word.strip_prefix("$CARGO_MANIFEST_DIR/").unwrap_or(word))
        .filter(|word| !word.is_empty() && word.len() <= 300 && !word.contains("{}"))
        .map(plain_path)
}

fn has_extension(path: &str, known: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| known.contains(&extension))
}

/// Code of the library or its binaries, not of tests, examples or benches.
fn is_library(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    !matches!(first, "tests" | "examples" | "benches" | "fuzz" | "test" | "testing")
        && !path.ends_with("/tests.rs")
        && !path.contains("/tests/")
}

/// Whether a file names a module of tests that is compiled always.
fn compiles_tests(bytes: &[u8]) -> bool {
    let finder = memchr::memmem::Finder::new(b"mod tests;");
    finder.find_iter(bytes).any(|at| {
        let before = &bytes[at.saturating_sub(120)..at];
        let own = before.rsplit(|byte| matches!(byte, b';' | b'}')).next().unwrap_or(before);
        let commented = own
            .rsplit(|byte| *byte == b'\n')
            .next()
            .is_some_and(|line| line.trim_ascii_start().starts_with(b"//"));
        !commented && memchr::memmem::find(own, b"test").is_none()
    })
}

/// `#![cfg(test)]`: a module that says itself that it is one of tests.
fn is_for_tests(bytes: &[u8]) -> bool {
    memchr::memmem::find(&bytes[..bytes.len().min(8 << 10)], b"#![cfg(test").is_some()
}

/// The folder of a file's modules, with a slash behind.
fn children(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    match name {
        "lib.rs" | "mod.rs" | "main.rs" => below,
        _ => format!("{below}{}/", name.strip_suffix(".rs").unwrap_or(name)),
    }
}
