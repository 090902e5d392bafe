//! Which commits brought files that nobody can read.

use std::collections::HashSet;

use crate_read::file_kind::{FileClass, bits_per_byte, classify};
use crate_read::git_objects::{GitError, ObjectId};

use super::diff::changed;
use super::{Change, History};
use crate::{ReadError, Repository};

/// Smallest file, in bytes, and least bits a byte, from which on a file can hide something of size. Of the
/// ordinary test files of xz 90 % are below 424 bytes; its payload had 35 kB and 7.99 bits.
pub const SMALLEST: u64 = 4_096;
/// Least bits a byte.
pub const LEAST_BITS: f64 = 7.5;
/// Most bytes of contents that are read of one repository, and most files that are told of one commit.
const BYTES_LIMIT: u64 = 1 << 29;
const TOLD_LIMIT: usize = 20;
/// Most files that are remembered as seen.
const SEEN_LIMIT: usize = 2_000_000;

/// Whether a class of files is one that people look at, or that a machine has for its own reasons.
#[must_use]
pub fn is_shown(class: FileClass) -> bool {
    matches!(
        class,
        FileClass::Image
            | FileClass::Audio
            | FileClass::Font
            | FileClass::Document
            | FileClass::Certificate
    )
}

/// A file that nobody can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueFile {
    /// Its path.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A commit that brought such files.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name.
    pub commit: ObjectId,
    /// The first of the files, at most 20.
    pub files: Vec<OpaqueFile>,
    /// Further ones.
    pub left_out: u64,
}

/// What a history brought.
#[derive(Clone, Debug, Default)]
pub struct Deliveries {
    /// The commits, oldest first.
    pub all: Vec<Delivery>,
    /// New files whose contents the clone has not, or that are larger than what is read.
    pub unread: u64,
    /// Commits that change more than is compared.
    pub too_large: u64,
    /// Not all contents were read: there are too many.
    pub cut: bool,
}

/// The commits since a time that brought bytes that were not there before, 4 KiB and more of 7.5 bits a byte
/// and more, no media.
pub fn deliveries(
    repository: &Repository,
    history: &History,
    since: i64,
) -> Result<Deliveries, ReadError> {
    let mut found = Deliveries::default();
    let mut eyes = Eyes { repository, seen: HashSet::new(), bytes: 0 };
    let start = history.changes.partition_point(|change| change.seconds < since);
    if let Some(before) = start.checked_sub(1).map(|at| &history.changes[at]) {
        // What lies there is not new when it is moved.
        changed(repository, None, before.tree, &mut |file| {
            eyes.seen.insert(file.now);
            Ok(())
        })?;
    }
    for change in &history.changes[start..] {
        eyes.look(history, change, &mut found)?;
    }
    Ok(found)
}

struct Eyes<'a> {
    repository: &'a Repository,
    seen: HashSet<ObjectId>,
    bytes: u64,
}

impl Eyes<'_> {
    fn look(
        &mut self,
        history: &History,
        change: &Change,
        found: &mut Deliveries,
    ) -> Result<(), ReadError> {
        let parent = match change.parents.first() {
            None => None,
            Some(parent) => match history.get(parent) {
                Some(parent) => Some(parent.tree),
                None => return Ok(()),
            },
        };
        let mut delivery = Delivery { commit: change.id, files: Vec::new(), left_out: 0 };
        let is_whole = changed(self.repository, parent, change.tree, &mut |file| {
            if self.seen.len() > SEEN_LIMIT || self.bytes > BYTES_LIMIT {
                found.cut = true;
                return Ok(());
            }
            if !self.seen.insert(file.now) {
                return Ok(());
            }
            match self.size(&file.now)? {
                Size::Unread => found.unread += 1,
                Size::Plain => {}
                Size::Opaque(size) if delivery.files.len() < TOLD_LIMIT => {
                    delivery.files.push(OpaqueFile { path: file.path, size });
                }
                Size::Opaque(_) => delivery.left_out += 1,
            }
            Ok(())
        })?;
        found.too_large += u64::from(!is_whole);
        if !delivery.files.is_empty() {
            delivery.files.sort_by(|a, b| a.path.cmp(&b.path));
            found.all.push(delivery);
        }
        Ok(())
    }

    fn size(&mut self, id: &ObjectId) -> Result<Size, ReadError> {
        let object = match self.repository.objects().read(id) {
            Ok(Some(object)) => object,
            Ok(None) | Err(ReadError::Format { source: GitError::TooLarge { .. }, .. }) => {
                return Ok(Size::Unread);
            }
            Err(error) => return Err(error),
        };
        let size = object.bytes.len() as u64;
        self.bytes += size;
        let is_opaque = size >= SMALLEST
            && bits_per_byte(&object.bytes).is_some_and(|bits| bits >= LEAST_BITS)
            && !is_shown(classify(&object.bytes).class);
        Ok(if is_opaque { Size::Opaque(size) } else { Size::Plain })
    }
}

enum Size {
    Unread,
    Plain,
    Opaque(u64),
}
