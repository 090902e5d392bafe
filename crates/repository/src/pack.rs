//! One pack and its index. Small indexes are kept in memory; both files stay open.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use crate_read::git_objects::{
    self, Base, FANOUT_BYTES, GitError, ID_BYTES, INDEX_HEADER, Layout, Object, ObjectId,
};

use crate::ReadError;
use crate::objects::{format, io, open};

/// Most bytes of names with the same first byte: 3 million objects in the pack.
const NAMES_LIMIT: u64 = 256 * 1024;
/// Largest index that is kept in memory: 290,000 objects.
const INDEX_KEPT: u64 = 8 * 1024 * 1024;

/// One pack.
#[derive(Debug)]
pub(crate) struct Pack {
    index: PathBuf,
    layout: Layout,
    file: Mutex<File>,
    whole: OnceLock<Vec<u8>>,
    size: u64,
    entries: Mutex<Option<BufReader<File>>>,
}

/// What stands in a pack.
pub(crate) enum Entry {
    Whole(Object),
    Delta(Vec<u8>, Next),
}

/// Where the base of a delta is.
pub(crate) enum Next {
    At(u64),
    Object(ObjectId),
}

impl Pack {
    /// Opens the pack of an index.
    pub(crate) fn open(index: PathBuf) -> Result<Self, ReadError> {
        let mut head = [0; 8 + FANOUT_BYTES];
        debug_assert_eq!(INDEX_HEADER, 8);
        let mut file = open(&index)?;
        let size = file.metadata().map_err(|source| io(&index, source))?.len();
        file.read_exact(&mut head).map_err(|source| io(&index, source))?;
        let layout = Layout::read(&head).map_err(|source| format(&index, source))?;
        let (file, entries) = (Mutex::new(file), Mutex::new(None));
        Ok(Self { index, layout, file, whole: OnceLock::new(), size, entries })
    }

    /// The file name of its index.
    pub(crate) fn name(&self) -> std::borrow::Cow<'_, str> {
        self.index.file_name().unwrap_or_default().to_string_lossy()
    }

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

    /// Bytes of the index.
    fn piece(&self, at: u64, size: u64) -> Result<Vec<u8>, ReadError> {
        if self.size > INDEX_KEPT {
            return self.stored(at, size);
        }
        let whole = if let Some(whole) = self.whole.get() {
            whole
        } else {
            let read = self.stored(0, self.size)?;
            self.whole.get_or_init(|| read)
        };
        let damaged = || format(&self.index, GitError::Damaged { what: "pack index" });
        let start = usize::try_from(at).map_err(|_| damaged())?;
        let size = usize::try_from(size).map_err(|_| damaged())?;
        let end = start.checked_add(size).ok_or_else(damaged)?;
        whole.get(start..end).map(<[u8]>::to_vec).ok_or_else(damaged)
    }

    fn stored(&self, at: u64, size: u64) -> Result<Vec<u8>, ReadError> {
        let damaged = || format(&self.index, GitError::Damaged { what: "pack index" });
        let mut bytes = Vec::new();
        let mut file = self.file.lock().map_err(|_| damaged())?;
        file.seek(SeekFrom::Start(at)).map_err(|source| io(&self.index, source))?;
        (&mut *file)
            .take(size)
            .read_to_end(&mut bytes)
            .map_err(|source| io(&self.index, source))?;
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(damaged()) }
    }

    /// Where an object stands in the pack.
    pub(crate) fn find(&self, id: &ObjectId) -> Result<Option<u64>, ReadError> {
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

    /// At most two objects whose name starts with these hexadecimal digits.
    pub(crate) fn short(&self, digits: &str) -> Result<Vec<ObjectId>, ReadError> {
        let first = u8::from_str_radix(&digits[..2], 16).unwrap_or_default();
        let (names, _) = self.names(first)?;
        let ids = names.chunks_exact(ID_BYTES).filter_map(ObjectId::from_bytes);
        Ok(ids.filter(|id| id.to_string().starts_with(digits)).take(2).collect())
    }

    /// Reads the entry at an offset.
    pub(crate) fn entry(&self, offset: u64) -> Result<Entry, ReadError> {
        let path = self.index.with_extension("pack");
        let damaged = || format(&path, GitError::Damaged { what: "pack" });
        let mut entries = self.entries.lock().map_err(|_| damaged())?;
        let file = match &mut *entries {
            Some(file) => file,
            none => none.insert(BufReader::new(open(&path)?)),
        };
        let mut head = Vec::new();
        file.seek(SeekFrom::Start(offset)).map_err(|source| io(&path, source))?;
        (&mut *file).take(32).read_to_end(&mut head).map_err(|source| io(&path, source))?;
        let entry = git_objects::entry(&head).map_err(|source| format(&path, source))?;
        let back = i64::try_from(head.len()).map_err(|_| damaged())?;
        let header = i64::try_from(entry.header).map_err(|_| damaged())?;
        file.seek_relative(header - back).map_err(|source| io(&path, source))?;
        let bytes =
            git_objects::inflate(&mut *file, entry.size).map_err(|source| format(&path, source))?;
        Ok(match entry.base {
            Base::Whole(kind) => Entry::Whole(Object { kind, bytes }),
            Base::Before(distance) => {
                let base = offset.checked_sub(distance).ok_or_else(damaged)?;
                Entry::Delta(bytes, Next::At(base))
            }
            Base::Object(id) => Entry::Delta(bytes, Next::Object(id)),
        })
    }
}
