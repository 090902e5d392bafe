//! Patterns by which a commit newly keeps build inputs out of version control.

use std::collections::BTreeSet;

use crate_read::concealment;
use crate_read::git_objects::{self, EntryKind, Kind, ObjectId, TreeEntry};

use super::{Change, History};
use crate::{ReadError, Repository};

/// Most folders of one commit that are compared with those before it.
const FOLDERS_LIMIT: usize = 2_000;
/// Deepest folder.
const DEPTH_LIMIT: usize = 32;

/// What a commit newly ignores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// These patterns match build inputs, each with its file; often none.
    Patterns(BTreeSet<String>),
    /// It cannot be told, and why.
    Unknown(&'static str),
}

/// The patterns of `.gitignore` files that match build inputs and that a commit brought, against its
/// first parent. What is too large or not in the clone is unknown.
pub fn newly_ignored(
    repository: &Repository,
    history: &History,
    change: &Change,
) -> Result<Ignored, ReadError> {
    let Some(parent) = change.parents.first() else {
        return Ok(Ignored::Patterns(BTreeSet::new()));
    };
    let Some(parent) = history.get(parent) else {
        return Ok(Ignored::Unknown("the clone has not all commits"));
    };
    let mut found = BTreeSet::new();
    let mut open = vec![(String::new(), Some(parent.tree), change.tree, 0)];
    let mut folders = 0;
    while let Some((at, before, now, depth)) = open.pop() {
        folders += 1;
        if folders > FOLDERS_LIMIT || depth > DEPTH_LIMIT {
            return Ok(Ignored::Unknown("the commit changes too many folders"));
        }
        let old = before.map(|id| folder(repository, &id)).transpose()?.unwrap_or_default();
        for entry in folder(repository, &now)? {
            let other = old.iter().find(|other| other.name == entry.name);
            if other.is_some_and(|other| other.id == entry.id && other.kind == entry.kind) {
                continue;
            }
            let path = format!("{at}{}", String::from_utf8_lossy(&entry.name));
            let other = other.filter(|other| other.kind == entry.kind).map(|other| other.id);
            match entry.kind {
                EntryKind::Folder => open.push((format!("{path}/"), other, entry.id, depth + 1)),
                EntryKind::File if entry.name == b".gitignore" => {
                    let now = patterns(repository, &path, &entry.id)?;
                    let old = match other {
                        Some(id) => patterns(repository, &path, &id)?,
                        None => Some(BTreeSet::new()),
                    };
                    let (Some(now), Some(old)) = (now, old) else {
                        return Ok(Ignored::Unknown("the clone has no file contents"));
                    };
                    found.extend(now.difference(&old).map(|p| format!("{path}: {p}")));
                }
                _ => {}
            }
        }
    }
    Ok(Ignored::Patterns(found))
}

fn folder(repository: &Repository, id: &ObjectId) -> Result<Vec<TreeEntry>, ReadError> {
    let object = repository.objects().read(id)?.filter(|object| object.kind == Kind::Tree);
    let object = object.ok_or(ReadError::Missing(*id))?;
    git_objects::tree(&object.bytes)
        .map_err(|source| ReadError::Format { what: id.to_string(), source })
}

/// None where the clone has not the file's contents.
fn patterns(
    repository: &Repository,
    path: &str,
    id: &ObjectId,
) -> Result<Option<BTreeSet<String>>, ReadError> {
    let Some(object) = repository.objects().read(id)? else { return Ok(None) };
    let all = concealment::ignored(path, &object.bytes).into_iter();
    Ok(Some(all.map(|pattern| pattern.pattern).collect()))
}
