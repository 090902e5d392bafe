//! The tag of a version, and whether a folder has the same contents at another commit.

use std::collections::HashSet;

use crate_read::git_objects::{self, Kind, ObjectId};

use crate::tree::Snapshot;
use crate::{ReadError, Repository};

/// Most tags of tags.
const HOPS_LIMIT: usize = 8;
/// Most commits of the main line that are looked at.
const LINE_LIMIT: usize = 5_000;

/// A tag that names a version of a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionTag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// The commit that it leads to; none where it leads to something else or out of the clone.
    pub commit: Option<ObjectId>,
}

/// The tag of a version, one with the crate's name before others. None where there is none.
pub fn version_tag(
    repository: &Repository,
    name: &str,
    version: &str,
) -> Result<Option<VersionTag>, ReadError> {
    let mut wanted = Vec::new();
    for between in ["-", "/", "@", "_"] {
        wanted.push(format!("{name}{between}v{version}"));
        wanted.push(format!("{name}{between}{version}"));
    }
    wanted.extend([format!("v{version}"), version.to_owned()]);
    let references = repository.references()?;
    let found = wanted.into_iter().find_map(|tag| {
        let full = format!("refs/tags/{tag}");
        references.iter().find(|(name, _)| *name == full).map(|(_, id)| (tag, *id))
    });
    let Some((name, mut id)) = found else { return Ok(None) };
    for _ in 0..HOPS_LIMIT {
        let Some(object) = repository.objects().read(&id)? else { break };
        match object.kind {
            Kind::Commit => return Ok(Some(VersionTag { name, commit: Some(id) })),
            Kind::Tag => {
                id = git_objects::tag_target(&object.bytes)
                    .map_err(|source| ReadError::Format { what: id.to_string(), source })?;
            }
            Kind::Tree | Kind::Blob => break,
        }
    }
    Ok(Some(VersionTag { name, commit: None }))
}

/// The name of a folder's contents at a commit; none where either is not there.
pub fn folder(
    repository: &Repository,
    commit: &ObjectId,
    path: &str,
) -> Result<Option<ObjectId>, ReadError> {
    match Snapshot::of(repository.objects(), commit)? {
        Some(snapshot) => snapshot.folder_at(path),
        None => Ok(None),
    }
}

/// Whether a commit of the default branch's main line has a folder with these contents: what a request
/// that was squashed when it was merged leaves. None where too many commits would have to be looked at, or
/// they are not in the clone.
pub fn main_line_has(
    repository: &Repository,
    path: &str,
    contents: &ObjectId,
) -> Result<Option<bool>, ReadError> {
    let Some(mut at) = repository.head()? else { return Ok(None) };
    let mut seen = HashSet::new();
    while seen.len() < LINE_LIMIT {
        if !seen.insert(at) {
            return Ok(Some(false));
        }
        let Some(commit) = repository.objects().commit(&at)? else { return Ok(None) };
        let snapshot = Snapshot::at(repository.objects(), commit.tree);
        if snapshot.folder_at(path)? == Some(*contents) {
            return Ok(Some(true));
        }
        match commit.parents.first() {
            Some(parent) => at = *parent,
            None => return Ok(Some(false)),
        }
    }
    Ok(None)
}
