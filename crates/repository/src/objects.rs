//! Where objects are: loose files, packs, and the object folders of other repositories that this one
//! borrows from. Reads the few pieces that it needs and keeps no pack in memory.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate_read::git_objects::{
    self, Base, FANOUT_BYTES, GitError, ID_BYTES, INDEX_HEADER, Layout, OBJECT_LIMIT, Object,
    ObjectId,
};

use crate::ReadError;

/// Most object folders, borrowed ones included.
const FOLDERS_LIMIT: usize = 32;
/// Most packs; their indexes stay open.
const PACKS_LIMIT: usize = 400;
/// Longest chain of deltas; git's own limit is 4,095.
const CHAIN_LIMIT: usize = 4_095;
/// Most bytes of deltas that one object is put together from.
const CHAIN_BYTES: u64 = 4 * OBJECT_LIMIT;
/// Most bytes of names with the same first byte: 3 million objects in the pack.
const NAMES_LIMIT: u64 = 256 * 1024;

/// One pack.
#[derive(Debug)]
struct Pack {
    index: PathBuf,
    layout: Layout,
}

/// All objects of a repository.
#[derive(Debug)]
pub struct Objects {
    folders: Vec<PathBuf>,
    packs: Vec<Pack>,
}

/// An object, or where it is told from.
enum Step {
    Whole(Object),
    Delta(Vec<u8>, Next),
}

/// Where the base of a delta is.
enum Next {
    At(u64),
    Object(ObjectId),
}

impl Objects {
    /// Opens an object folder and those that it borrows from.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let mut objects = Self { folders: Vec::new(), packs: Vec::new() };
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
            let mut head = [0; 8 + FANOUT_BYTES];
            debug_assert_eq!(INDEX_HEADER, 8);
            open(&index)?.read_exact(&mut head).map_err(|source| io(&index, source))?;
            let layout = Layout::read(&head).map_err(|source| format(&index, source))?;
            self.packs.push(Pack { index, layout });
        }
        Ok(())
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

    /// Follows a chain of deltas to the object that is whole, then applies them backwards.
    fn assemble(&self, id: &ObjectId) -> Result<Option<Object>, ReadError> {
        let mut deltas: Vec<Vec<u8>> = Vec::new();
        let mut bytes = 0_u64;
        let Some(mut place) = self.find(id)? else { return Ok(None) };
        let mut object = loop {
            let (step, pack) = match place {
                Place::Loose(path) => {
                    let file = BufReader::new(open(&path)?);
                    let object = git_objects::loose(file).map_err(|e| format(&path, e))?;
                    break object;
                }
                Place::Packed { pack, offset } => (self.packs[pack].entry(offset)?, pack),
            };
            let (delta, next) = match step {
                Step::Whole(object) => break object,
                Step::Delta(delta, next) => (delta, next),
            };
            bytes += delta.len() as u64;
            deltas.push(delta);
            if deltas.len() > CHAIN_LIMIT || bytes > CHAIN_BYTES {
                let source = GitError::Damaged { what: "chain of deltas: it is too long" };
                return Err(ReadError::Format { what: id.to_string(), source });
            }
            place = match next {
                Next::At(offset) => Place::Packed { pack, offset },
                Next::Object(base) => match self.find(&base)? {
                    Some(place) => place,
                    None => return Ok(None),
                },
            };
        };
        for delta in deltas.iter().rev() {
            object.bytes = git_objects::apply_delta(&object.bytes, delta)
                .map_err(|source| ReadError::Format { what: id.to_string(), source })?;
        }
        Ok(Some(object))
    }

    fn find(&self, id: &ObjectId) -> Result<Option<Place>, ReadError> {
        let hex = id.to_string();
        for folder in &self.folders {
            let path = folder.join(&hex[..2]).join(&hex[2..]);
            if path.is_file() {
                return Ok(Some(Place::Loose(path)));
            }
        }
        for (pack, of) in self.packs.iter().enumerate() {
            if let Some(offset) = of.find(id)? {
                return Ok(Some(Place::Packed { pack, offset }));
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
        let first = u8::from_str_radix(&digits[..2], 16).unwrap_or_default();
        for pack in &self.packs {
            let (names, _) = pack.names(first)?;
            let ids = names.chunks_exact(ID_BYTES).filter_map(ObjectId::from_bytes);
            found.extend(ids.filter(|id| id.to_string().starts_with(digits)).take(2));
        }
        Ok(found)
    }
}

enum Place {
    Loose(PathBuf),
    Packed { pack: usize, offset: u64 },
}

impl Pack {
    /// The names that start with this byte, and the position of the first.
    fn names(&self, first: u8) -> Result<(Vec<u8>, u64), ReadError> {
        let (start, end) = self.layout.range(first);
        let size = (end - start) * ID_BYTES as u64;
        if size > NAMES_LIMIT * ID_BYTES as u64 {
            let what = "objects in a pack of the repository";
            return Err(ReadError::Limit { what, limit: NAMES_LIMIT * 256 });
        }
        Ok((self.piece(Layout::name_at(start), size)?, start))
    }

    fn piece(&self, at: u64, size: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let mut file = open(&self.index)?;
        file.seek(SeekFrom::Start(at)).map_err(|source| io(&self.index, source))?;
        file.take(size).read_to_end(&mut bytes).map_err(|source| io(&self.index, source))?;
        if bytes.len() as u64 == size {
            Ok(bytes)
        } else {
            Err(format(&self.index, GitError::Damaged { what: "pack index" }))
        }
    }

    /// Where an object stands in the pack.
    fn find(&self, id: &ObjectId) -> Result<Option<u64>, ReadError> {
        let first = id.as_bytes()[0];
        let (start, end) = self.layout.range(first);
        if start == end {
            return Ok(None);
        }
        let (names, start) = self.names(first)?;
        let Some(at) = git_objects::position(&names, id) else { return Ok(None) };
        let offset = self.piece(self.layout.offset_at(start + at), 4)?;
        let offset = offset.iter().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte));
        let Some(large) = self.layout.large_offset_at(offset) else {
            return Ok(Some(u64::from(offset)));
        };
        let offset = self.piece(large, 8)?;
        Ok(Some(offset.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))))
    }

    /// Reads the entry at an offset.
    fn entry(&self, offset: u64) -> Result<Step, ReadError> {
        let path = self.index.with_extension("pack");
        let mut file = open(&path)?;
        let mut head = Vec::new();
        file.seek(SeekFrom::Start(offset)).map_err(|source| io(&path, source))?;
        (&mut file).take(32).read_to_end(&mut head).map_err(|source| io(&path, source))?;
        let entry = git_objects::entry(&head).map_err(|source| format(&path, source))?;
        let damaged = || format(&path, GitError::Damaged { what: "pack" });
        let start = offset.checked_add(entry.header as u64).ok_or_else(damaged)?;
        file.seek(SeekFrom::Start(start)).map_err(|source| io(&path, source))?;
        let bytes = git_objects::inflate(BufReader::new(file), entry.size)
            .map_err(|source| format(&path, source))?;
        Ok(match entry.base {
            Base::Whole(kind) => Step::Whole(Object { kind, bytes }),
            Base::Before(distance) => {
                let base = offset.checked_sub(distance).ok_or_else(damaged)?;
                Step::Delta(bytes, Next::At(base))
            }
            Base::Object(id) => Step::Delta(bytes, Next::Object(id)),
        })
    }
}

fn open(path: &Path) -> Result<File, ReadError> {
    File::open(path).map_err(|source| io(path, source))
}

fn io(path: &Path, source: std::io::Error) -> ReadError {
    ReadError::Io { path: path.to_owned(), source }
}

fn format(path: &Path, source: GitError) -> ReadError {
    ReadError::Format { what: path.to_string_lossy().into_owned(), source }
}
