//! Where objects are: loose files, packs, and the object folders of other repositories that this one
//! borrows from. Reads the few pieces that it needs; of a pack only its index is kept in memory.
//!
//! The plumbing of gitoxide was tried in its place (`gix-odb` 0.87 with `gix-pack` 0.77, 2026-11-29, one object
//! of each pack that `benches/hostile_packs.py` writes; the table is in `benches/README.md`). By default a pack
//! of a kilobyte that claims 8 GiB makes it take 8 GiB and 21 s. With its limit on single allocations set to
//! the 16 MiB of ours memory stays at 25 MiB, but nothing bounds what is made on the way to one object: a pack
//! of 1.6 MB takes 5 CPU s for one blob, ten times that pack ten times as long, and we have two seconds for a
//! repository. Nor does it look whether the bytes have the name that was asked for. It would bring 55 crates.
//! So this stays: a sum over the whole chain is limited before anything is made, and every object is hashed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate_read::git_objects::{
    self, Commit, GitError, Kind, OBJECT_LIMIT, Object, ObjectId, TreeEntry,
};

use crate::ReadError;
use crate::pack::{Entry, Next, Pack};

/// Most object folders, borrowed ones included.
const FOLDERS_LIMIT: usize = 32;
/// Most packs.
const PACKS_LIMIT: usize = 400;
/// Longest chain of deltas; git's own limit is 4,095.
const CHAIN_LIMIT: usize = 4_095;
/// Most bytes of deltas that one object is put together from.
const CHAIN_BYTES: u64 = 4 * OBJECT_LIMIT;
/// Most bytes that are made on the way to one object: a small delta can copy the same bytes very often.
const MADE_BYTES: u64 = 64 * OBJECT_LIMIT;
/// Most bytes of bases that are kept for the next object.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// All objects of a repository.
#[derive(Debug)]
pub struct Objects {
    folders: Vec<PathBuf>,
    packs: Vec<Pack>,
    kept: Mutex<Kept>,
}

/// Bases of deltas; trees of neighbouring commits share them.
#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    objects: std::collections::HashMap<(usize, u64), Object>,
}

impl Kept {
    fn put(&mut self, place: (usize, u64), object: &Object) {
        if object.bytes.len() > KEPT_BYTES / 16 || self.objects.contains_key(&place) {
            return;
        }
        if self.bytes + object.bytes.len() > KEPT_BYTES {
            *self = Self::default();
        }
        self.bytes += object.bytes.len();
        self.objects.insert(place, object.clone());
    }
}

enum Place {
    Loose(PathBuf),
    Packed { pack: usize, offset: u64 },
}

impl Objects {
    /// Opens an object folder and those that it borrows from.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let mut objects = Self { folders: Vec::new(), packs: Vec::new(), kept: Mutex::default() };
        let mut queue = vec![folder.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(folder) = queue.pop() {
            let Ok(real) = fs::canonicalize(&folder) else { continue };
            if !seen.insert(real.clone()) || objects.folders.len() == FOLDERS_LIMIT {
                continue;
            }
            let borrowed = crate::pointer(&real.join("info/alternates"))?.unwrap_or_default();
            let lines = borrowed.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            queue.extend(lines.map(|line| real.join(line)));
            objects.packs_of(&real)?;
            objects.folders.push(real);
        }
        Ok(objects)
    }

    fn packs_of(&mut self, folder: &Path) -> Result<(), ReadError> {
        let Ok(entries) = fs::read_dir(folder.join("pack")) else { return Ok(()) };
        let mut indexes: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "idx"))
            .collect();
        indexes.sort();
        for index in indexes {
            if self.packs.len() == PACKS_LIMIT {
                let what = "packs (`git gc` puts them together)";
                return Err(ReadError::Limit { what, limit: PACKS_LIMIT as u64 });
            }
            self.packs.push(Pack::open(index)?);
        }
        Ok(())
    }

    /// Names of the packs' indexes.
    pub(crate) fn packs(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        self.packs.iter().map(Pack::name)
    }

    /// Reads an object; none where it is not there.
    pub fn read(&self, id: &ObjectId) -> Result<Option<Object>, ReadError> {
        let Some(object) = self.assemble(id)? else { return Ok(None) };
        if ObjectId::of(object.kind, &object.bytes) == *id {
            return Ok(Some(object));
        }
        let source = GitError::Damaged { what: "object: its bytes do not have its name" };
        Err(ReadError::Format { what: id.to_string(), source })
    }

    /// The entries of a folder, which has to be there. Anything else under its name is damage.
    pub fn folder(&self, id: &ObjectId) -> Result<Vec<TreeEntry>, ReadError> {
        let damaged = |source| ReadError::Format { what: id.to_string(), source };
        let object = self.read(id)?.ok_or(ReadError::Missing(*id))?;
        if object.kind != Kind::Tree {
            return Err(damaged(GitError::Damaged { what: "tree" }));
        }
        git_objects::tree(&object.bytes).map_err(damaged)
    }

    /// A commit; none where it is not there, or is something else.
    pub fn commit(&self, id: &ObjectId) -> Result<Option<Commit>, ReadError> {
        let object = self.read(id)?.filter(|object| object.kind == Kind::Commit);
        let commit = object.map(|object| git_objects::commit(&object.bytes)).transpose();
        commit.map_err(|source| ReadError::Format { what: id.to_string(), source })
    }

    /// Whether an object is there; its bytes are not looked at.
    pub fn has(&self, id: &ObjectId) -> Result<bool, ReadError> {
        Ok(self.find(id)?.is_some())
    }

    /// Follows a chain of deltas to the object that is whole, then applies them backwards.
    fn assemble(&self, id: &ObjectId) -> Result<Option<Object>, ReadError> {
        let broken = |source| ReadError::Format { what: id.to_string(), source };
        let mut deltas: Vec<(Vec<u8>, (usize, u64))> = Vec::new();
        let (mut bytes, mut made) = (0_u64, 0_u64);
        let Some(mut place) = self.find(id)? else { return Ok(None) };
        let mut object = loop {
            let (pack, offset) = match place {
                Place::Loose(path) => {
                    let file = BufReader::new(open(&path)?);
                    break git_objects::loose(file).map_err(|e| format(&path, e))?;
                }
                Place::Packed { pack, offset } => (pack, offset),
            };
            if let Some(kept) = self.kept(&(pack, offset)) {
                break kept;
            }
            let (delta, next) = match self.packs[pack].entry(offset)? {
                Entry::Whole(object) => {
                    self.keep((pack, offset), &object, deltas.is_empty());
                    break object;
                }
                Entry::Delta(delta, next) => (delta, next),
            };
            bytes += delta.len() as u64;
            made += git_objects::delta_sizes(&delta).map_err(broken)?.1;
            deltas.push((delta, (pack, offset)));
            if deltas.len() > CHAIN_LIMIT || bytes > CHAIN_BYTES || made > MADE_BYTES {
                let source = GitError::Damaged { what: "chain of deltas: it is too long" };
                return Err(broken(source));
            }
            place = match next {
                Next::At(offset) => Place::Packed { pack, offset },
                Next::Object(base) => match self.find(&base)? {
                    Some(place) => place,
                    None => return Ok(None),
                },
            };
        };
        for (at, (delta, place)) in deltas.iter().enumerate().rev() {
            object.bytes = git_objects::apply_delta(&object.bytes, delta).map_err(broken)?;
            self.keep(*place, &object, at == 0 && deltas.len() == 1);
        }
        Ok(Some(object))
    }

    fn kept(&self, place: &(usize, u64)) -> Option<Object> {
        self.kept.lock().ok()?.objects.get(place).cloned()
    }

    /// Keeps an object for the next one, unless it stands alone as blobs and commits do.
    fn keep(&self, place: (usize, u64), object: &Object, alone: bool) {
        if (!alone || object.kind == Kind::Tree)
            && let Ok(mut kept) = self.kept.lock()
        {
            kept.put(place, object);
        }
    }

    fn find(&self, id: &ObjectId) -> Result<Option<Place>, ReadError> {
        for (pack, of) in self.packs.iter().enumerate() {
            if let Some(offset) = of.find(id)? {
                return Ok(Some(Place::Packed { pack, offset }));
            }
        }
        let hex = id.to_string();
        for folder in &self.folders {
            let path = folder.join(&hex[..2]).join(&hex[2..]);
            if path.is_file() {
                return Ok(Some(Place::Loose(path)));
            }
        }
        Ok(None)
    }

    /// All objects whose name starts with these hexadecimal digits, at least 4 of them; at most 2.
    pub fn short(&self, digits: &str) -> Result<BTreeSet<ObjectId>, ReadError> {
        let mut found = BTreeSet::new();
        for folder in &self.folders {
            let Ok(entries) = fs::read_dir(folder.join(&digits[..2])) else { continue };
            let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
            let full = names.map(|name| format!("{}{name}", &digits[..2]));
            found.extend(
                full.filter(|hex| hex.starts_with(digits))
                    .filter_map(|hex| ObjectId::from_hex(&hex)),
            );
        }
        for pack in &self.packs {
            found.extend(pack.short(digits)?);
        }
        Ok(found)
    }
}

pub(crate) fn open(path: &Path) -> Result<File, ReadError> {
    custody_bytes::disk::open(path).map_err(|source| io(path, source))
}

pub(crate) fn io(path: &Path, source: std::io::Error) -> ReadError {
    ReadError::Io { path: path.to_owned(), source }
}

pub(crate) fn format(path: &Path, source: GitError) -> ReadError {
    ReadError::Format { what: path.to_string_lossy().into_owned(), source }
}
