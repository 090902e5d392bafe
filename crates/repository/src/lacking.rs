//! Which file contents a comparison needs and a clone without contents lacks: manifests, the list of
//! submodules, links. Everything else is compared by name.

use std::collections::BTreeSet;

use crate_read::git_objects::{EntryKind, ObjectId};

use crate::{ReadError, Repository};

/// Most folders that are looked into, and most contents that are named.
const FOLDERS_LIMIT: usize = 100_000;
const NAMED_LIMIT: usize = 20_000;
/// Deepest folder.
const DEPTH_LIMIT: usize = 64;

/// The contents that a comparison with a commit needs and the clone has not, in order.
pub fn lacking(
    repository: &Repository,
    commit: &ObjectId,
) -> Result<BTreeSet<ObjectId>, ReadError> {
    let objects = repository.objects();
    let root = objects.commit(commit)?.ok_or(ReadError::Missing(*commit))?.tree;
    let mut open = vec![(root, 0)];
    let (mut seen, mut lacking) = (BTreeSet::new(), BTreeSet::new());
    while let Some((id, depth)) = open.pop() {
        if depth > DEPTH_LIMIT || !seen.insert(id) {
            continue;
        }
        if seen.len() > FOLDERS_LIMIT {
            return Err(ReadError::Limit { what: "folders", limit: FOLDERS_LIMIT as u64 });
        }
        for entry in objects.folder(&id)? {
            let wanted = match entry.kind {
                EntryKind::Folder => {
                    open.push((entry.id, depth + 1));
                    false
                }
                EntryKind::Link => true,
                EntryKind::File => matches!(&entry.name[..], b"Cargo.toml" | b".gitmodules"),
                EntryKind::Submodule => false,
            };
            if wanted && lacking.len() < NAMED_LIMIT && !objects.has(&entry.id)? {
                lacking.insert(entry.id);
            }
        }
    }
    Ok(lacking)
}
