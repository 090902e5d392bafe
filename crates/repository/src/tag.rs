//! The tag of a version, and whether a folder has the same contents at another commit.

use std::collections::HashSet;

use crate_read::git_objects::{self, Kind, ObjectId};

use crate::tree::{Found, Snapshot};
use crate::{ArchiveFile, ReadError, Repository, manifest};

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

/// What people call the tag of a version, one with the crate's name before others.
#[must_use]
pub fn tag_names(name: &str, version: &str) -> Vec<String> {
    let mut names = Vec::new();
    for between in ["-", "/", "@", "_"] {
        names.push(format!("{name}{between}v{version}"));
        names.push(format!("{name}{between}{version}"));
    }
    names.extend([format!("v{version}"), version.to_owned()]);
    names
}

/// The tag of a version. None where there is none.
pub fn version_tag(
    repository: &Repository,
    name: &str,
    version: &str,
) -> Result<Option<VersionTag>, ReadError> {
    let references = repository.references()?;
    let found = tag_names(name, version).into_iter().find_map(|tag| {
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

/// Commits of the default branch's main line at which the manifest of a folder has these bytes, newest first, each
/// contents of the folder once.
pub fn main_line_with(
    repository: &Repository,
    path: &str,
    manifest: &ArchiveFile,
    most: usize,
) -> Result<Vec<ObjectId>, ReadError> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let manifest_path = format!("{path}/Cargo.toml");
    let mut at = repository.head()?;
    for _ in 0..LINE_LIMIT {
        let Some(id) = at.filter(|_| found.len() < most) else { break };
        let Some(commit) = repository.objects().commit(&id)? else { break };
        let snapshot = Snapshot::at(repository.objects(), commit.tree);
        if let Ok(Some(contents)) = snapshot.folder_at(path)
            && seen.insert(contents)
            && let Ok(Found::File { id: blob, .. }) = snapshot.find(&manifest_path)
            && manifest.is(&blob)
        {
            found.push(id);
        }
        at = commit.parents.first().copied();
    }
    Ok(found)
}

/// The newest commit of the default branch's main line that is not younger than a time; the oldest that is at hand
/// where all are.
pub fn main_line_before(
    repository: &Repository,
    until: i64,
) -> Result<Option<ObjectId>, ReadError> {
    let (mut at, mut last) = (repository.head()?, None);
    for _ in 0..LINE_LIMIT {
        let Some(id) = at else { break };
        let Some(commit) = repository.objects().commit(&id)? else { break };
        last = Some(id);
        if commit.committed <= until {
            break;
        }
        at = commit.parents.first().copied();
    }
    Ok(last)
}

/// Parts of paths where packages lie that nobody releases.
const ASIDE: [&str; 14] = [
    "test",
    "tests",
    "testdata",
    "test-data",
    "fixture",
    "fixtures",
    "example",
    "examples",
    "bench",
    "benches",
    "vendor",
    "vendored",
    "third_party",
    "third-party",
];
/// Most manifests that are read, and most folders that are told.
const MANIFESTS_LIMIT: usize = 5_000;
const TWINS_LIMIT: usize = 20;

/// Folders of a commit with a package of this name that lie nearer to its root than a folder, or outside of tests
/// and the like where that one is inside. Manifests that the clone has not are passed over.
pub fn nearer_folders(
    repository: &Repository,
    commit: &ObjectId,
    folder: &str,
    name: &str,
) -> Result<Vec<String>, ReadError> {
    let folder = folder.trim_matches('/');
    let is_aside = |path: &str| path.split('/').any(|part| ASIDE.contains(&part));
    let depth = |path: &str| path.split('/').filter(|part| !part.is_empty()).count();
    // Nothing is nearer than the root.
    let Some(snapshot) = Snapshot::of(repository.objects(), commit)?.filter(|_| !folder.is_empty())
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (path, id) in snapshot.listing_of("Cargo.toml", MANIFESTS_LIMIT)? {
        let at = path.strip_suffix("Cargo.toml").unwrap_or(&path).trim_end_matches('/');
        let is_nearer = depth(at) < depth(folder) || is_aside(folder);
        if at == folder || is_aside(at) || !is_nearer || found.len() >= TWINS_LIMIT {
            continue;
        }
        let text = snapshot.blob(&id).ok().flatten();
        let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if text.and_then(|text| manifest::package_name(&text)).as_deref() == Some(name) {
            found.push(at.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// Root folders of the default branch's main line since a time that the clone has not, newest first.
pub fn lacking_roots(
    repository: &Repository,
    since: i64,
    most: usize,
) -> Result<Vec<ObjectId>, ReadError> {
    let (mut at, mut lacking) = (repository.head()?, Vec::new());
    for _ in 0..most {
        let Some(commit) = at.map(|at| repository.objects().commit(&at)).transpose()?.flatten()
        else {
            break;
        };
        if commit.committed < since {
            break;
        }
        if !repository.objects().has(&commit.tree)? {
            lacking.push(commit.tree);
        }
        at = commit.parents.first().copied();
    }
    Ok(lacking)
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
/// they are not in the clone; those before `since` need not be.
pub fn main_line_has(
    repository: &Repository,
    path: &str,
    contents: &ObjectId,
    since: Option<i64>,
) -> Result<Option<bool>, ReadError> {
    let is_early = |commit: &git_objects::Commit| since.is_some_and(|at| commit.committed < at);
    let Some(mut at) = repository.head()? else { return Ok(None) };
    let mut seen = HashSet::new();
    while seen.len() < LINE_LIMIT {
        if !seen.insert(at) {
            return Ok(Some(false));
        }
        let Some(commit) = repository.objects().commit(&at)? else {
            return Ok(since.map(|_| false));
        };
        if is_early(&commit) {
            return Ok(Some(false));
        }
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
