//! The files of one commit: looked up by path, links followed inside the commit only.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use crate_read::git_objects::{EntryKind, GitError, Kind, ObjectId};

use crate::{Objects, ReadError};

/// Most links that are followed on the way to one file.
const HOPS_LIMIT: usize = 16;
/// Most entries of one commit.
const ENTRIES_LIMIT: usize = 400_000;
/// Deepest folder.
const DEPTH_LIMIT: usize = 64;

/// What a path of a commit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A file; whether a link led to it.
    File { id: ObjectId, linked: bool },
    /// A path inside a submodule: the submodule's folder, its commit, and the rest of the path.
    Submodule { folder: String, commit: ObjectId, rest: String },
    /// Nothing, or a folder.
    Nothing,
}

/// One commit.
pub(crate) struct Snapshot<'a> {
    objects: &'a Objects,
    root: ObjectId,
    folders: Folders,
}

/// The entries of one folder by name: a folder can hold a hundred thousand, and an archive asks for each.
type Folder = BTreeMap<Vec<u8>, (EntryKind, ObjectId)>;

/// Folders of one repository that were read, by name: the same in whichever of its commits.
pub(crate) type Folders = Rc<RefCell<HashMap<ObjectId, Rc<Folder>>>>;

impl<'a> Snapshot<'a> {
    /// The files of a commit; none where the clone has not the commit.
    pub(crate) fn of(objects: &'a Objects, commit: &ObjectId) -> Result<Option<Self>, ReadError> {
        Ok(objects.commit(commit)?.map(|commit| Self::at(objects, commit.tree)))
    }

    /// The files below a root folder.
    pub(crate) fn at(objects: &'a Objects, root: ObjectId) -> Self {
        Self { objects, root, folders: Folders::default() }
    }

    /// The same, with folders of this repository that were read before.
    pub(crate) fn knowing(self, folders: &Folders) -> Self {
        Self { folders: Rc::clone(folders), ..self }
    }

    fn folder(&self, id: &ObjectId) -> Result<Rc<Folder>, ReadError> {
        if let Some(known) = self.folders.borrow().get(id) {
            return Ok(Rc::clone(known));
        }
        let mut entries = Folder::new();
        for entry in self.objects.folder(id)? {
            // Of two files of one name nobody knows which one a checkout leaves.
            if entries.insert(entry.name, (entry.kind, entry.id)).is_some() {
                let source = GitError::Damaged { what: "tree: a name stands in it twice" };
                return Err(ReadError::Format { what: id.to_string(), source });
            }
        }
        let entries = Rc::new(entries);
        let mut folders = self.folders.borrow_mut();
        if folders.len() > ENTRIES_LIMIT {
            return Err(ReadError::Limit { what: "folders", limit: ENTRIES_LIMIT as u64 });
        }
        folders.insert(*id, Rc::clone(&entries));
        Ok(entries)
    }

    /// The bytes of a file; none where the clone has them not.
    pub(crate) fn blob(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.objects.read(id)?.filter(|object| object.kind == Kind::Blob).map(|o| o.bytes))
    }

    /// The name of a folder's contents; none where there is no such folder. Links are not followed.
    pub(crate) fn folder_at(&self, path: &str) -> Result<Option<ObjectId>, ReadError> {
        let mut at = self.root;
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            match self.folder(&at)?.get(part.as_bytes()) {
                Some((EntryKind::Folder, id)) => at = *id,
                _ => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// What a path is. Links are followed; one that leaves the commit leads to nothing.
    pub(crate) fn find(&self, path: &str) -> Result<Found, ReadError> {
        let mut ahead: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut way: Vec<(String, ObjectId)> = Vec::new();
        let (mut at, mut hops) = (self.root, 0);
        while let Some(part) = ahead.pop() {
            if part.is_empty() || part == "." {
                continue;
            }
            if part == ".." {
                let Some((_, above)) = way.pop() else { return Ok(Found::Nothing) };
                at = above;
                continue;
            }
            let entries = self.folder(&at)?;
            let Some(&(kind, id)) = entries.get(part.as_bytes()) else {
                return Ok(Found::Nothing);
            };
            match kind {
                EntryKind::Folder => {
                    if way.len() > DEPTH_LIMIT {
                        return Ok(Found::Nothing);
                    }
                    way.push((part, at));
                    at = id;
                }
                EntryKind::File if ahead.is_empty() => {
                    return Ok(Found::File { id, linked: hops > 0 });
                }
                EntryKind::File => return Ok(Found::Nothing),
                EntryKind::Link => {
                    hops += 1;
                    let target = self.blob(&id)?.ok_or(ReadError::Missing(id))?;
                    let target = String::from_utf8_lossy(&target).into_owned();
                    if hops > HOPS_LIMIT || target.starts_with('/') || target.len() > 4_096 {
                        return Ok(Found::Nothing);
                    }
                    ahead.extend(target.split('/').rev().map(str::to_owned));
                }
                EntryKind::Submodule => {
                    let mut folder: Vec<String> = way.into_iter().map(|(name, _)| name).collect();
                    folder.push(part);
                    ahead.reverse();
                    return Ok(Found::Submodule {
                        folder: folder.join("/"),
                        commit: id,
                        rest: ahead.join("/"),
                    });
                }
            }
        }
        Ok(Found::Nothing)
    }

    /// Files of this name anywhere in the commit, with their paths.
    pub(crate) fn listing_of(
        &self,
        name: &str,
        most: usize,
    ) -> Result<Vec<(String, ObjectId)>, ReadError> {
        let all = self.listing()?.into_iter();
        let end = format!("/{name}");
        Ok(all.filter(|(path, _)| path == name || path.ends_with(&end)).take(most).collect())
    }

    /// All files of the commit with their paths; of folders with the same contents the nearest, since a few can stand for
    /// any number of paths.
    pub(crate) fn listing(&self) -> Result<Vec<(String, ObjectId)>, ReadError> {
        // Those nearest to the root first, so that of folders with the same contents the nearest is told.
        let mut queue = VecDeque::from([(String::new(), self.root, 0)]);
        let mut files = Vec::new();
        let mut seen = 0;
        let mut walked = HashSet::from([self.root]);
        while let Some((folder, id, depth)) = queue.pop_front() {
            for (name, &(kind, id)) in self.folder(&id)?.iter() {
                seen += 1;
                if seen > ENTRIES_LIMIT {
                    let limit = ENTRIES_LIMIT as u64;
                    return Err(ReadError::Limit { what: "files in one commit", limit });
                }
                let name = String::from_utf8_lossy(name);
                let path =
                    if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
                match kind {
                    EntryKind::Folder if depth < DEPTH_LIMIT && walked.insert(id) => {
                        queue.push_back((path, id, depth + 1));
                    }
                    EntryKind::File => files.push((path, id)),
                    _ => {}
                }
            }
        }
        Ok(files)
    }
}
