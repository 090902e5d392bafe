//! What a commit changed: the files of one folder tree that another has not, or has in another form.

use std::collections::HashMap;

use crate_read::git_objects::{EntryKind, ObjectId};

use crate::{ReadError, Repository};

/// Most folders of one commit that are compared with those before it.
const FOLDERS_LIMIT: usize = 2_000;
/// Deepest folder.
const DEPTH_LIMIT: usize = 32;

/// A file that is new, or whose bytes are.
pub(super) struct Changed {
    /// Its path.
    pub(super) path: String,
    /// Its last part, as it stands in the tree.
    pub(super) name: Vec<u8>,
    /// The bytes before, where there was a file.
    pub(super) before: Option<ObjectId>,
    /// The bytes now.
    pub(super) now: ObjectId,
}

/// Calls `each` for every file that is new or changed; false where the trees are too far apart to tell all.
pub(super) fn changed(
    repository: &Repository,
    before: Option<ObjectId>,
    now: ObjectId,
    each: &mut dyn FnMut(Changed) -> Result<(), ReadError>,
) -> Result<bool, ReadError> {
    let objects = repository.objects();
    let mut open = vec![(String::new(), before, now, 0)];
    let mut folders = 0;
    while let Some((at, before, now, depth)) = open.pop() {
        folders += 1;
        if folders > FOLDERS_LIMIT || depth > DEPTH_LIMIT {
            return Ok(false);
        }
        let old = before.map(|id| objects.folder(&id)).transpose()?.unwrap_or_default();
        let old: HashMap<&[u8], (EntryKind, ObjectId)> =
            old.iter().map(|entry| (&entry.name[..], (entry.kind, entry.id))).collect();
        for entry in objects.folder(&now)? {
            let other = old.get(&entry.name[..]).filter(|(kind, _)| *kind == entry.kind);
            let other = other.map(|(_, id)| *id);
            if other == Some(entry.id) {
                continue;
            }
            let path = format!("{at}{}", String::from_utf8_lossy(&entry.name));
            match entry.kind {
                EntryKind::Folder => open.push((format!("{path}/"), other, entry.id, depth + 1)),
                EntryKind::File => {
                    each(Changed { path, name: entry.name, before: other, now: entry.id })?;
                }
                EntryKind::Link | EntryKind::Submodule => {}
            }
        }
    }
    Ok(true)
}
