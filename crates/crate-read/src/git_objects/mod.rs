//! Git's object formats: names, loose objects, trees, commits, pack entries, deltas and pack indexes
//! (<https://git-scm.com/docs/pack-format>). Reads bytes that it is given; whether an object is the one
//! that was asked for is told by its hash, which [`ObjectId::of`] computes.
//!
//! Written here and not taken from a library: we need to read a few small text files of one commit, the
//! libraries that do it bring over a hundred crates, and every object is checked against its own name.
//! Object names of 256 bits are not read.

mod delta;
mod pack;
mod signature;

use std::fmt;
use std::io::{BufRead, Read};

use sha1::{Digest as _, Sha1};

pub use delta::apply as apply_delta;
pub use delta::sizes as delta_sizes;
pub use pack::{Base, Entry, FANOUT_BYTES, INDEX_HEADER, Layout, entry, position};
pub use signature::{Signature, signatures, tagger};

/// Largest object that is read, in bytes: the largest lockfile twice over.
pub const OBJECT_LIMIT: u64 = 16 * 1024 * 1024;
/// Bytes of an object name.
pub const ID_BYTES: usize = 20;

/// Why bytes are not what they should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GitError {
    /// The bytes end too early, or say something impossible.
    #[error("damaged {what}")]
    Damaged {
        /// What was read.
        what: &'static str,
    },
    /// Over the limit.
    #[error("an object of {size} bytes; at most {OBJECT_LIMIT} are read")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// A format that is not read.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

/// The name of an object: the SHA-1 of its kind, size and bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; ID_BYTES]);

impl ObjectId {
    /// From 40 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 2 * ID_BYTES {
            return None;
        }
        let mut id = [0; ID_BYTES];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(id))
    }

    /// From its bytes; none where they are not 20.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The name that an object of this kind and these bytes has.
    #[must_use]
    pub fn of(kind: Kind, bytes: &[u8]) -> Self {
        let mut hash = Sha1::new();
        hash.update(format!("{} {}\0", kind.as_str(), bytes.len()));
        hash.update(bytes);
        Self(hash.finalize().into())
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// Git's own word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    fn of_word(word: &[u8]) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag]
            .into_iter()
            .find(|kind| kind.as_str().as_bytes() == word)
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its bytes, without the header.
    pub bytes: Vec<u8>,
}

/// Inflates a zlib stream that holds exactly `size` bytes.
pub fn inflate(packed: impl BufRead, size: u64) -> Result<Vec<u8>, GitError> {
    if size > OBJECT_LIMIT {
        return Err(GitError::TooLarge { size });
    }
    let damaged = GitError::Damaged { what: "zlib stream" };
    let mut bytes = Vec::new();
    let read = flate2::bufread::ZlibDecoder::new(packed).take(size + 1).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() as u64 == size => Ok(bytes),
        _ => Err(damaged),
    }
}

/// A loose object: a zlib stream of its kind, its size and its bytes.
pub fn loose(packed: impl Read) -> Result<Object, GitError> {
    let damaged = || GitError::Damaged { what: "loose object" };
    let mut all = Vec::new();
    let limit = OBJECT_LIMIT + 32;
    let stream = flate2::read::ZlibDecoder::new(packed).take(limit + 1);
    std::io::BufReader::new(stream).read_to_end(&mut all).map_err(|_| damaged())?;
    let end = all.iter().take(32).position(|&byte| byte == 0).ok_or_else(damaged)?;
    let header = std::str::from_utf8(&all[..end]).map_err(|_| damaged())?;
    let (word, size) = header.split_once(' ').ok_or_else(damaged)?;
    let kind = Kind::of_word(word.as_bytes()).ok_or_else(damaged)?;
    let size: u64 = size.parse().map_err(|_| damaged())?;
    if size > OBJECT_LIMIT {
        return Err(GitError::TooLarge { size });
    }
    let bytes = all.split_off(end + 1);
    if bytes.len() as u64 == size { Ok(Object { kind, bytes }) } else { Err(damaged()) }
}

/// What a tree entry is, by its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A plain file, executable or not.
    File,
    /// A symbolic link; its object holds the target.
    Link,
    /// The commit of a submodule, which is in another repository.
    Submodule,
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Name, one part of a path.
    pub name: Vec<u8>,
    /// Its object.
    pub id: ObjectId,
}

/// The entries of a tree, in its own order.
pub fn tree(bytes: &[u8]) -> Result<Vec<TreeEntry>, GitError> {
    let damaged = || GitError::Damaged { what: "tree" };
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = rest.iter().position(|&byte| byte == b' ').ok_or_else(damaged)?;
        let (mode, after) = (&rest[..space], &rest[space + 1..]);
        let end = after.iter().position(|&byte| byte == 0).ok_or_else(damaged)?;
        let id = after.get(end + 1..end + 1 + ID_BYTES).ok_or_else(damaged)?;
        let kind = match mode {
            b"40000" | b"040000" => EntryKind::Folder,
            b"120000" => EntryKind::Link,
            b"160000" => EntryKind::Submodule,
            _ if mode.starts_with(b"100") => EntryKind::File,
            _ => return Err(damaged()),
        };
        let id = ObjectId::from_bytes(id).ok_or_else(damaged)?;
        entries.push(TreeEntry { kind, name: after[..end].to_vec(), id });
        rest = &after[end + 1 + ID_BYTES..];
    }
    Ok(entries)
}

/// The tree and the parents of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its root folder.
    pub tree: ObjectId,
    /// Its parents, in order.
    pub parents: Vec<ObjectId>,
    /// When it was committed, in seconds since 1970, as it says itself; 0 where it does not.
    pub committed: i64,
}

/// Reads the header of a commit.
pub fn commit(bytes: &[u8]) -> Result<Commit, GitError> {
    let damaged = || GitError::Damaged { what: "commit" };
    let mut lines = bytes.split(|&byte| byte == b'\n').map_while(|l| std::str::from_utf8(l).ok());
    let tree =
        lines.next().and_then(|line| line.strip_prefix("tree ")).and_then(ObjectId::from_hex);
    let parents = lines
        .map_while(|line| line.strip_prefix("parent "))
        .map(|hex| ObjectId::from_hex(hex).ok_or_else(damaged))
        .collect::<Result<_, _>>()?;
    Ok(Commit { tree: tree.ok_or_else(damaged)?, parents, committed: committed(bytes) })
}

/// The time in the line `committer NAME <ADDRESS> SECONDS ZONE`.
fn committed(bytes: &[u8]) -> i64 {
    let header = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
    let line = header.into_iter().find_map(|line| line.strip_prefix(b"committer "));
    let after = line.and_then(|line| line.rsplit(|&byte| byte == b'>').next());
    let text = after.and_then(|after| std::str::from_utf8(after).ok());
    text.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// What an annotated tag points to.
pub fn tag_target(bytes: &[u8]) -> Result<ObjectId, GitError> {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.strip_prefix("object "))
        .and_then(ObjectId::from_hex)
        .ok_or(GitError::Damaged { what: "tag" })
}

#[cfg(test)]
mod tests;
