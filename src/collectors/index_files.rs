//! Where the index file of a crate comes from: Cargo's index cache, an answer kept by an earlier run, or
//! the sparse index itself.
//!
//! Cargo's cache may hold several registries under several folder names; the right file is the one
//! whose line for the locked version has the checksum that the lockfile pins. First
//! [`IndexFiles::fetch`] asks for what is missing (asynchronous, bounded); then [`IndexFiles::find`] is
//! called from as many threads as there are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cargo_home::{self, Belongs, CargoHome, read_bounded};
use crate::domain::{Measured, Origin};
use crate::net::index::{IndexAnswer, SparseIndex, crate_path};
use crate::net::{Answer, BaseUrls, Client};
use crate_read::cargo_index::{FILE_LIMIT, IndexFile};

/// Where index lines were read.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum IndexSource {
    /// Cargo's cache below `CARGO_HOME`.
    CargoCache,
    /// An answer that an earlier run of this tool kept, not confirmed by this one.
    OwnCache,
    /// The index itself, asked or confirmed by this run.
    Network,
}

/// The version that a lockfile pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin<'a> {
    /// Version.
    pub version: &'a str,
    /// SHA-256 of its archive, lower-case hexadecimal.
    pub checksum: &'a str,
}

/// An index file and where it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundIndex {
    /// Its lines.
    pub file: IndexFile,
    /// Where it was read.
    pub source: IndexSource,
    /// The moment whose state it shows, RFC 3339.
    pub date: Measured<String>,
}

/// What is known of a crate in the index.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// Its file.
    Found(FoundIndex),
    /// The registry says that there is no such crate.
    NoSuchCrate,
    /// Nothing, and why.
    Unknown(String),
}

/// A crate whose index file is wanted, with the versions that have to be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Name.
    pub name: String,
    /// Versions; without one any state of the file will do.
    pub versions: Vec<String>,
}

impl Wanted {
    /// A crate, in whatever versions.
    #[must_use]
    pub fn any(name: &str) -> Self {
        Self { name: name.to_owned(), versions: Vec::new() }
    }
}

#[derive(Debug)]
enum Fetched {
    /// The client keeps it on disk.
    Kept,
    /// An earlier run asked, and the registry said that its answer holds until after now.
    Fresh,
    /// There is no disk cache.
    Held(Answer),
    NoSuchCrate,
    Failed(String),
}

/// Finds, fetches and reads index files.
#[derive(Debug)]
pub struct IndexFiles {
    home: CargoHome,
    client: Client,
    index: SparseIndex,
    anew: bool,
    fetched: Mutex<BTreeMap<String, Fetched>>,
}

/// A file of Cargo's cache that may be the right one.
struct Candidate {
    found: FoundIndex,
    belongs: Belongs,
    /// What its line for the locked version says: the pinned hash, another one, or there is no line.
    agrees: Option<bool>,
}

impl IndexFiles {
    /// Looks into `home` first, then asks the index of `urls` as far as `client` may.
    #[must_use]
    pub fn new(home: CargoHome, client: &Client, urls: &BaseUrls) -> Self {
        Self {
            home,
            client: client.clone(),
            index: SparseIndex::new(client, urls),
            anew: false,
            fetched: Mutex::default(),
        }
    }

    /// The same; where `anew`, neither Cargo's cache nor what an earlier run kept spares a question.
    #[must_use]
    pub fn anew(self, anew: bool) -> Self {
        Self { index: self.index.anew(anew), anew, ..self }
    }

    /// Whether everything is asked for anew.
    #[must_use]
    pub fn asks_anew(&self) -> bool {
        self.anew && self.can_ask()
    }

    /// Whether Cargo's cache answers for this version, told without reading more than it must.
    #[must_use]
    pub fn in_cargos_cache(&self, name: &str, origin: &Origin, version: Option<&str>) -> bool {
        if self.asks_anew() {
            return false;
        }
        let Ok(path) = crate_path(name) else { return false };
        self.home.indexes(origin).iter().any(|folder| {
            let file = folder.path.join(&path);
            let Some(version) = version else { return file.is_file() };
            // What cannot be read is reported when the file is used.
            let Ok(Some(bytes)) = read_bounded(&file, FILE_LIMIT as u64) else { return false };
            let line = [b"\0", version.as_bytes(), b"\0"].concat();
            memchr::memmem::find(&bytes, &line).is_some()
        })
    }

    /// Which files of Cargo's cache tell of this crate, with their sizes and times: as long as the
    /// answer stays the same, so does that of [`IndexFiles::find`]. `None` where another source may
    /// answer, or this run asked one.
    #[must_use]
    pub fn stamp(&self, name: &str, origin: &Origin) -> Option<String> {
        if self.was_fetched(name) {
            return None;
        }
        let path = crate_path(name).ok()?;
        let mut sure = false;
        let mut stamps = Vec::new();
        for folder in self.home.indexes(origin) {
            let Some(stamp) = cargo_home::stamp(&folder.path.join(&path)) else { continue };
            sure |= folder.belongs == Belongs::Surely;
            stamps.push(stamp);
        }
        sure.then(|| stamps.join("\n"))
    }

    /// Asks the default registry's index for these crates, as many at a time as the client allows;
    /// `done` is called after each. Nobody is asked for what an earlier run kept, as long as the registry said that
    /// it holds and every wanted version is in it.
    pub async fn fetch(&self, wanted: &[Wanted], done: &(dyn Fn() + Sync)) {
        let all = wanted.iter().map(|one| async move {
            let fetched = if self.is_fresh(one) { Fetched::Fresh } else { self.ask(one).await };
            let mut all = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(one.name.clone(), fetched);
            drop(all);
            done();
        });
        futures_util::future::join_all(all).await;
        self.doubt_absence(wanted).await;
    }

    /// Whether what an earlier run kept answers for this crate without a question.
    fn is_fresh(&self, wanted: &Wanted) -> bool {
        let Some(answer) = self.index.fresh_lines(&wanted.name) else { return false };
        let Ok(file) = read_lines(&wanted.name, answer.bytes) else { return false };
        let has = |version: &String| file.lines.iter().any(|line| line.version == *version);
        wanted.versions.iter().all(has)
    }

    async fn ask(&self, wanted: &Wanted) -> Fetched {
        match self.index.crate_lines(&wanted.name).await {
            Ok(IndexAnswer::Lines(_)) if self.index.kept_lines(&wanted.name).is_some() => {
                Fetched::Kept
            }
            Ok(IndexAnswer::Lines(answer)) => Fetched::Held(answer),
            Ok(IndexAnswer::NoSuchCrate) => Fetched::NoSuchCrate,
            Err(error) => Fetched::Failed(error.to_string()),
        }
    }

    /// A crate that the index does not have any more is a strong sign, and an index that has nothing is none:
    /// one that says of crates that they are gone has to answer with its own configuration.
    async fn doubt_absence(&self, wanted: &[Wanted]) {
        let absent = |all: &BTreeMap<String, Fetched>| {
            let gone = |name: &&String| matches!(all.get(*name), Some(Fetched::NoSuchCrate));
            wanted.iter().map(|one| &one.name).filter(gone).cloned().collect::<Vec<_>>()
        };
        let gone = absent(&self.fetched.lock().unwrap_or_else(PoisonError::into_inner));
        if gone.is_empty() {
            return;
        }
        if let Err(error) = self.index.ask_config().await {
            let mut all = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            for name in gone {
                let reason = format!(
                    "the index says that it has no such crate, and has no configuration either: {error}"
                );
                all.insert(name, Fetched::Failed(reason));
            }
        }
    }

    /// Whether [`IndexFiles::fetch`] was called for this crate, with whatever success.
    #[must_use]
    pub fn was_fetched(&self, name: &str) -> bool {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }

    /// Whether asking can change anything.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        !self.client.is_offline()
    }

    /// The index file of a crate. What this run fetched counts first, then Cargo's cache, then what an
    /// earlier run kept.
    #[must_use]
    pub fn find(&self, name: &str, origin: &Origin, pin: Option<Pin<'_>>) -> Lookup {
        if *origin == Origin::Registry
            && let Some(answered) = self.find_fetched(name)
            && !matches!(answered, Lookup::Unknown(_))
        {
            return answered;
        }
        match self.find_cargos(name, origin, pin) {
            Ok(Some(found)) => return Lookup::Found(found),
            Ok(None) => {}
            Err(reason) => return Lookup::Unknown(reason),
        }
        if *origin != Origin::Registry {
            return Lookup::Unknown(
                "not in Cargo's index cache, and only the default registry's index is asked"
                    .to_owned(),
            );
        }
        if let Some(Lookup::Unknown(reason)) = self.find_fetched(name) {
            return Lookup::Unknown(reason);
        }
        match self.index.kept_lines(name) {
            Some(answer) => read_answer(name, answer, IndexSource::OwnCache),
            None if self.can_ask() => {
                Lookup::Unknown("its index file was not asked for".to_owned())
            }
            None => {
                Lookup::Unknown("not in Cargo's index cache, and the run is offline".to_owned())
            }
        }
    }

    fn find_fetched(&self, name: &str) -> Option<Lookup> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        Some(match fetched.get(name)? {
            Fetched::Held(answer) => read_answer(name, answer.clone(), IndexSource::Network),
            Fetched::Kept => self.read_kept(name, IndexSource::Network),
            Fetched::Fresh => self.read_kept(name, IndexSource::OwnCache),
            Fetched::NoSuchCrate => Lookup::NoSuchCrate,
            Fetched::Failed(reason) => Lookup::Unknown(reason.clone()),
        })
    }

    fn read_kept(&self, name: &str, source: IndexSource) -> Lookup {
        match self.index.kept_lines(name) {
            Some(answer) => read_answer(name, answer, source),
            None => Lookup::Unknown("the answer that was kept is gone".to_owned()),
        }
    }

    /// The file of Cargo's cache that belongs to the registry that is meant: the freshest whose line
    /// agrees with the lockfile, else one whose folder is surely the right one.
    fn find_cargos(
        &self,
        name: &str,
        origin: &Origin,
        pin: Option<Pin<'_>>,
    ) -> Result<Option<FoundIndex>, String> {
        let path = crate_path(name).map_err(|error| error.to_string())?;
        let mut candidates = Vec::new();
        for folder in self.home.indexes(origin) {
            let file = folder.path.join(&path);
            if let Some(found) = read_cargos(&file)? {
                let agrees = pin.and_then(|pin| agrees(&found.file, pin));
                candidates.push(Candidate { found, belongs: folder.belongs, agrees });
            }
        }
        candidates.retain(|c| c.agrees == Some(true) || c.belongs == Belongs::Surely);
        let best = candidates.into_iter().max_by(|a, b| {
            let key = |c: &Candidate| {
                let agreement = match c.agrees {
                    Some(true) => 2,
                    Some(false) => 1,
                    None => 0,
                };
                (agreement, c.found.date.known().cloned())
            };
            key(a).cmp(&key(b))
        });
        Ok(best.map(|c| c.found))
    }
}

fn agrees(file: &IndexFile, pin: Pin<'_>) -> Option<bool> {
    let line = file.lines.iter().find(|line| line.version == pin.version)?;
    Some(line.checksum == pin.checksum)
}

fn read_cargos(path: &Path) -> Result<Option<FoundIndex>, String> {
    let told = |error: &dyn std::fmt::Display| format!("Cargo's index cache: {error}");
    let Some(bytes) = read_bounded(path, FILE_LIMIT as u64).map_err(|e| told(&e))? else {
        return Ok(None);
    };
    let file = IndexFile::from_cache(bytes).map_err(|e| told(&e))?;
    Ok(Some(FoundIndex { file, source: IndexSource::CargoCache, date: modified(path) }))
}

/// When Cargo last wrote a file, in whole seconds.
fn modified(path: &Path) -> Measured<String> {
    let seconds = fs::metadata(path)
        .and_then(|data| data.modified())
        .map_err(|error| error.to_string())
        .and_then(|time| jiff::Timestamp::try_from(time).map_err(|error| error.to_string()))
        .map(jiff::Timestamp::as_second);
    let text = seconds.and_then(|seconds| {
        jiff::Timestamp::from_second(seconds).map(|t| t.to_string()).map_err(|e| e.to_string())
    });
    text.into()
}

fn read_answer(name: &str, answer: Answer, source: IndexSource) -> Lookup {
    let date =
        answer.date().map_or_else(|| Measured::unknown("the server told no date"), Measured::Known);
    match read_lines(name, answer.bytes) {
        Ok(file) => Lookup::Found(FoundIndex { file, source, date }),
        Err(why) => Lookup::Unknown(why),
    }
}

/// The lines of this crate. An answer without a line, or with one of another crate, is none: it would make
/// every version seem removed, or its hash wrong.
fn read_lines(name: &str, bytes: Vec<u8>) -> Result<IndexFile, String> {
    let file = IndexFile::from_lines(bytes).map_err(|error| error.to_string())?;
    if file.lines.is_empty() && file.bad.is_empty() {
        return Err("the index answered without a single version".to_owned());
    }
    match file.lines.iter().find(|line| !line.name.eq_ignore_ascii_case(name)) {
        Some(other) => Err(format!(
            "the index answered with lines of another crate, `{}`",
            crate::domain::text::shown(&other.name)
        )),
        None => Ok(file),
    }
}

#[cfg(test)]
#[path = "index_files_tests.rs"]
pub(crate) mod tests;
