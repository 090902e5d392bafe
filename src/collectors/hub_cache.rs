//! Group `hub_cache`: the copy of a model that this machine's Hub cache holds, which is what a program
//! loads. Its bytes are held against the ids that name them and against what the project accepted. Works
//! without the network; writes nothing, loads nothing.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use crate::domain::hash::hex;
use crate::domain::{Measured, ModelPin, PinnedFile};

/// Name of the group.
pub const GROUP: &str = "hub_cache";
/// Most files of one model.
const FILES_LIMIT: usize = 2_000;
/// Deepest folder of a snapshot.
const DEPTH_LIMIT: usize = 16;
/// Largest file that is hashed, 64 MiB, and most bytes that are hashed of one model, 512 MiB: hashing
/// all weights at every audit would take minutes.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
const TOTAL_BYTES: u64 = 512 * 1024 * 1024;

/// The copy of a model on this machine.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct HubCacheFacts {
    /// The commit that the cache holds for the revision that the project names. Source: `refs` and
    /// `snapshots` of the cache.
    pub commit: String,
    /// Whether that is the commit that was pinned; unknown where none is. Source: custody.lock.
    pub commit_is_pinned: Measured<bool>,
    /// Files of the snapshot, ordered by path; at most 2,000.
    pub files: Vec<CachedFile>,
    /// Files beyond those listed.
    pub files_left_out: u32,
    /// Files whose bytes are others than the id that the cache keeps them under.
    pub altered: Vec<CachedFile>,
    /// Files too large to be hashed, whose id is taken as it is.
    pub unverified: u32,
    /// Files with another SHA-256 than the pin of the same commit has, by path. Unknown where that
    /// commit is not pinned.
    pub different_from_pin: Measured<Vec<String>>,
}

/// One file of a snapshot.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct CachedFile {
    /// Path in the repository.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Id that the cache keeps it under: SHA-256 of a large file (64 digits), git blob id of a small one
    /// (40 digits). Unknown where it is a plain copy.
    pub blob: Measured<String>,
    /// SHA-256, lower-case hexadecimal: computed, or the id of a large file that was not hashed.
    pub sha256: Measured<String>,
}

/// A snapshot that was found: its facts, and the folder for the scanner of model files.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached {
    /// Facts of the group.
    pub facts: HubCacheFacts,
    /// The snapshot's folder.
    pub folder: PathBuf,
}

/// Looks for a model at a revision (empty for the default branch). `None` where the cache does not have
/// it, which says nothing about the model.
#[must_use]
pub fn find(cache: &Path, id: &str, revision: &str, pins: &[ModelPin]) -> Option<Cached> {
    let repository = cache.join(folder_name(id)?);
    let commit = commit(&repository, if revision.is_empty() { "main" } else { revision })?;
    let folder = repository.join("snapshots").join(&commit);
    if !fs::symlink_metadata(&folder).ok()?.is_dir() {
        return None;
    }
    let of_model = || pins.iter().filter(|pin| pin.repository == id);
    let commit_is_pinned = if of_model().next().is_none() {
        Measured::unknown("there is no pin of this model")
    } else {
        Measured::Known(of_model().any(|pin| pin.revision == commit))
    };
    let mut reading = Reading {
        blobs: repository.join("blobs"),
        left: TOTAL_BYTES,
        altered: Vec::new(),
        unverified: 0,
    };
    let (files, files_left_out) = reading.snapshot(&folder);
    let pin = of_model().find(|pin| pin.revision == commit);
    let different = pin.map_or_else(
        || Measured::unknown("this commit is not pinned"),
        |pin| Measured::Known(different(&files, &pin.files)),
    );
    let facts = HubCacheFacts {
        commit,
        commit_is_pinned,
        files_left_out,
        altered: reading.altered,
        unverified: reading.unverified,
        different_from_pin: different,
        files,
    };
    Some(Cached { facts, folder })
}

impl Cached {
    /// What a pin would say of the copy: only the files that are in the cache, and no committers.
    #[must_use]
    pub fn pin(&self, repository: &str, as_of: Date) -> ModelPin {
        let file = |file: &CachedFile| {
            let sha256 = file.sha256.known()?.clone();
            Some(PinnedFile { path: file.path.clone(), sha256, imports: None })
        };
        ModelPin {
            repository: repository.to_owned(),
            revision: self.facts.commit.clone(),
            files: self.facts.files.iter().filter_map(file).collect(),
            committers: None,
            namespace: None,
            signer: None,
            seen: as_of.to_string(),
            reason: None,
        }
    }
}

/// `models--owner--name`; nothing for a name that could leave the folder.
fn folder_name(id: &str) -> Option<String> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let parts: Vec<&str> = id.split('/').collect();
    let right = parts.len() <= 2 && parts.iter().all(|text| part(text));
    right.then(|| format!("models--{}", parts.join("--")))
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The commit that the cache's own reference names; a commit stands for itself.
fn commit(repository: &Path, revision: &str) -> Option<String> {
    if is_commit(revision) {
        return Some(revision.to_owned());
    }
    // A revision is a text of the project, and `refs/pr/1` is a folder in the cache.
    if revision.split('/').any(|part| matches!(part, "" | "." | "..") || part.contains('\\')) {
        return None;
    }
    let mut text = String::new();
    let file = crate::disk::open(&repository.join("refs").join(revision)).ok()?;
    file.take(200).read_to_string(&mut text).ok()?;
    let commit = text.trim();
    is_commit(commit).then(|| commit.to_owned())
}

fn different(files: &[CachedFile], pinned: &[PinnedFile]) -> Vec<String> {
    let other = |file: &&CachedFile| {
        let pin = pinned.iter().find(|pin| pin.path == file.path);
        pin.is_some_and(|pin| file.sha256.known().is_some_and(|hash| *hash != pin.sha256))
    };
    files.iter().filter(other).map(|file| file.path.clone()).collect()
}

struct Reading {
    blobs: PathBuf,
    left: u64,
    altered: Vec<CachedFile>,
    unverified: u32,
}

impl Reading {
    fn snapshot(&mut self, folder: &Path) -> (Vec<CachedFile>, u32) {
        let (mut files, mut left_out) = (Vec::new(), 0);
        let walk = WalkDir::new(folder).max_depth(DEPTH_LIMIT).sort_by_file_name();
        // A folder that cannot be listed holds files that no program of this user can load.
        for entry in walk.into_iter().flatten().filter(|entry| !entry.file_type().is_dir()) {
            let Ok(below) = entry.path().strip_prefix(folder) else { continue };
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            if files.len() == FILES_LIMIT {
                left_out += 1;
            } else if let Some(file) = self.file(entry.path(), parts.join("/")) {
                files.push(file);
            }
        }
        (files, left_out)
    }

    /// One file, through its link into `blobs` where it is one.
    fn file(&mut self, place: &Path, path: String) -> Option<CachedFile> {
        // A link that leads nowhere is a download that did not finish.
        let size = fs::metadata(place).ok().filter(fs::Metadata::is_file)?.len();
        let blob = self.blob(place);
        let sha256 = match &blob {
            _ if size <= FILE_BYTES && size <= self.left => {
                self.left -= size;
                match hashes(place, size) {
                    Ok((sha256, sha1)) => {
                        let altered = blob.known().is_some_and(|id| *id != sha256 && *id != sha1);
                        let file = CachedFile { path, size, blob, sha256: sha256.into() };
                        if altered {
                            self.altered.push(file.clone());
                        }
                        return Some(file);
                    }
                    Err(error) => Measured::unknown(error.to_string()),
                }
            }
            Measured::Known(id) if id.len() == 64 => {
                self.unverified += 1;
                Measured::Known(id.clone())
            }
            _ => {
                self.unverified += 1;
                Measured::unknown(format!("{size} bytes, too many to be hashed at every audit"))
            }
        };
        Some(CachedFile { path, size, blob, sha256 })
    }

    fn blob(&self, place: &Path) -> Measured<String> {
        let inside = |place: &Path| -> io::Result<Option<String>> {
            let (target, blobs) = (fs::canonicalize(place)?, fs::canonicalize(&self.blobs)?);
            let name = target.file_name().and_then(|name| name.to_str());
            Ok(name.filter(|_| target.parent() == Some(&*blobs)).map(str::to_owned))
        };
        match inside(place) {
            Ok(Some(id))
                if matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                Measured::Known(id.to_ascii_lowercase())
            }
            Ok(_) => Measured::unknown("it is no link into the cache's `blobs`"),
            Err(error) => Measured::unknown(error.to_string()),
        }
    }
}

/// SHA-256, and the git blob id.
fn hashes(place: &Path, size: u64) -> io::Result<(String, String)> {
    let (mut sha256, mut sha1) = (Sha256::new(), Sha1::new());
    sha1.update(format!("blob {size}\0"));
    let mut file = crate::disk::open(place)?.take(size);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => {
                sha256.update(&buffer[..count]);
                sha1.update(&buffer[..count]);
            }
        }
    }
    Ok((hex(&sha256.finalize()), hex(&sha1.finalize())))
}

#[cfg(test)]
#[path = "hub_cache_tests.rs"]
mod tests;
