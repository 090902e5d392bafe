//! The project's own crates in a comparison, and copies of published ones that lie in folders. A lockfile
//! says nothing of their bytes, so the project's own are read on this side whatever it says, copies
//! where they are not those of the base; and where a rule finds something about one of them, the base's
//! files are read as well: what stood there before is not news.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::places::Started;
use crate::collectors::model_files::{self, Look};
use crate::collectors::{self, Gathered, Scope};
use crate::domain::{
    FactSheet, Graph, Measured, Node, NodeIndex, Origin, Place, PlaceKind, Places, Subject,
};
use crate::walker::models::LocalModel;
use crate::walker::replacement::Replacements;
use crate::walker::repository::{self, CommitId, Repository};

/// The files of the commit that a comparison starts from.
#[derive(Clone, Debug)]
pub struct BaseFiles {
    repository: Arc<Repository>,
    commit: CommitId,
    /// All of them, once they are needed.
    written: Arc<OnceLock<Result<tempfile::TempDir, String>>>,
}

/// Most files and folders of one crate that are compared, and most folders inside one another; a crate
/// beyond it is read.
const ENTRIES: usize = 50_000;
const DEPTH: usize = 64;
/// Most bytes of one file of them.
const COMPARED: u64 = 64 << 20;

impl BaseFiles {
    /// The files of a commit.
    #[must_use]
    pub fn new(repository: Repository, commit: CommitId) -> Self {
        Self { repository: Arc::new(repository), commit, written: Arc::default() }
    }

    /// The folder that holds them, as the system names it.
    fn folder(&self) -> Result<PathBuf, String> {
        match self.written.get_or_init(|| self.write()) {
            Ok(folder) => fs::canonicalize(folder.path()).map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        }
    }

    /// What cargo's configuration puts in the place of sources, here and in the base.
    pub(super) fn settings(
        &self,
        started: &Started,
        cargo_home: &Path,
    ) -> Result<Settings, String> {
        let base = self.folder()?;
        let top = fs::canonicalize(self.repository.top()).map_err(|error| error.to_string())?;
        let home = moved(cargo_home, &top, &base);
        let there = |folder: &Path| -> Vec<PathBuf> {
            // Above the repository nothing is part of a change.
            let above = folder.ancestors();
            let then = above.map(|above| match above.strip_prefix(&top) {
                Ok(below) => base.join(below),
                Err(_) => above.to_owned(),
            });
            then.collect()
        };
        let then = started.replacements(home.as_deref().unwrap_or(cargo_home), &there);
        let back = |path: &Path| {
            plain(&path.strip_prefix(&base).map_or_else(|_| path.to_owned(), |p| top.join(p)))
        };
        Ok(Settings { now: started.here(cargo_home).moved(&plain), then: then.moved(&back) })
    }

    /// Whether the base has the same bytes where these lie. What lies outside of the repository is no part
    /// of a change.
    pub(super) fn holds(&self, place: &Place, of: &Node) -> bool {
        let Node { subject, .. } = of;
        let file = place.folder.join(format!("{}-{}.crate", subject.name, subject.version));
        let now = if place.kind == PlaceKind::LocalRegistry { &file } else { &place.folder };
        let (Ok(now), Ok(top)) = (fs::canonicalize(now), fs::canonicalize(self.repository.top()))
        else {
            return false;
        };
        let Ok(below) = now.strip_prefix(&top) else { return true };
        let mut left = ENTRIES;
        self.folder().is_ok_and(|base| alike(&now, &base.join(below), &mut left, DEPTH))
    }

    /// Writes them to a folder that is deleted with the answer.
    fn write(&self) -> Result<tempfile::TempDir, String> {
        let folder = tempfile::Builder::new().prefix("cargo-custody-base-").tempdir();
        let folder = folder.map_err(|error| error.to_string())?;
        // What a submodule holds is in a repository of its own, and new to this one.
        repository::write(self.repository.objects(), &self.commit, folder.path(), &|_| None)
            .map_err(|error| error.to_string())?;
        Ok(folder)
    }

    /// What is measured of these crates, as they are in the base; `None` for those that it does not have.
    pub(super) fn sheets(
        &self,
        nodes: &BTreeMap<NodeIndex, (&Node, &Place)>,
        options: &collectors::Options,
    ) -> Result<BTreeMap<NodeIndex, Option<FactSheet>>, String> {
        let base = self.folder()?;
        let there = |path: &Path| moved(path, self.repository.top(), &base);
        let mut graph = Graph::default();
        let mut places = Places::new();
        let mut all: BTreeMap<NodeIndex, Option<FactSheet>> =
            nodes.keys().map(|&node| (node, None)).collect();
        let mut order = Vec::new();
        for (&node, (of, place)) in nodes {
            let Some(folder) = there(&place.folder).filter(|folder| folder.is_dir()) else {
                continue;
            };
            let without = place.without.iter().filter_map(|folder| there(folder)).collect();
            let (kind, within) = (place.kind, base.clone());
            let place = Place { without, ..Place::new(kind, folder, within) };
            places.insert(graph.nodes.len(), Measured::Known(place));
            graph.nodes.push(Node { dependencies: Vec::new(), ..(*of).clone() });
            order.push(node);
        }
        let gathered = collectors::gather_within(&graph, &Scope::All, &places, options);
        let Gathered { sheets, .. } = gathered.map_err(|error| error.to_string())?;
        for (node, sheet) in order.into_iter().zip(sheets) {
            all.insert(node, Some(sheet));
        }
        Ok(all)
    }
}

impl BaseFiles {
    /// What is measured of these models below `root`, as they are in the base; without those that it does not
    /// have.
    pub(super) fn models(
        &self,
        root: &Path,
        models: &BTreeMap<NodeIndex, (&Subject, &LocalModel)>,
    ) -> Result<BTreeMap<NodeIndex, FactSheet>, String> {
        let folder = self.write()?;
        let base = fs::canonicalize(folder.path()).map_err(|error| error.to_string())?;
        let there = moved(root, self.repository.top(), &base);
        let there = there.ok_or("the folder is not in the repository")?;
        let mut all = BTreeMap::new();
        for (&node, (subject, model)) in models {
            let (place, prefix) = super::models::place_of(&there, model);
            if place.symlink_metadata().is_err() {
                continue;
            }
            // Every hash is needed, for what counts is whether these are the same bytes.
            let how = Look { prefix, hash: true, ..Look::default() };
            let Ok((facts, _)) = model_files::look(&place, &how) else { continue };
            let mut sheet = FactSheet::new((*subject).clone());
            sheet.put(model_files::GROUP, &facts);
            all.insert(node, sheet);
        }
        Ok(all)
    }
}

/// Where a path of the checkout lies in another folder.
fn moved(path: &Path, top: &Path, to: &Path) -> Option<PathBuf> {
    // A nested crate that is gone has no files to be left out either.
    let real = fs::canonicalize(path).ok()?;
    Some(to.join(real.strip_prefix(fs::canonicalize(top).ok()?).ok()?))
}

/// What stands in for sources on both sides, with the paths of this side.
pub(super) struct Settings {
    now: Replacements,
    then: Replacements,
}

impl Settings {
    /// Whether both sides take a crate's files from the same place.
    pub(super) fn leads_alike(&self, origin: &Origin) -> bool {
        self.now.of(origin) == self.then.of(origin) && self.now.paths() == self.then.paths()
    }
}

/// A path without `.` and `..`, told from its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            _ => plain.push(part),
        }
    }
    plain
}

/// Whether two files, or all files of two folders, have the same bytes. Links are not: what they lead to
/// can change without them.
fn alike(now: &Path, then: &Path, left: &mut usize, depth: usize) -> bool {
    let (Ok(a), Ok(b)) = (now.symlink_metadata(), then.symlink_metadata()) else { return false };
    if a.is_file() && b.is_file() {
        let read = |path: &Path| crate::disk::read(path, COMPARED);
        return a.len() == b.len()
            && matches!((read(now), read(then)), (Ok(now), Ok(then)) if now == then);
    }
    if !(a.is_dir() && b.is_dir() && depth > 0) {
        return false;
    }
    let (Some(here), Some(there)) = (names(now, left), names(then, left)) else { return false };
    here == there
        && here.iter().all(|name| alike(&now.join(name), &then.join(name), left, depth - 1))
}

/// What lies in a folder; nothing is said where it is too much.
fn names(folder: &Path, left: &mut usize) -> Option<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).ok()? {
        *left = left.checked_sub(1)?;
        names.insert(entry.ok()?.file_name());
    }
    Some(names)
}
