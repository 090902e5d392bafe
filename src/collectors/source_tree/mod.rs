//! The files of a crate as cargo would see them, from a folder: a path dependency, a member, a vendored
//! copy. One list in a fixed order, with bytes on demand, so that whoever reads archives reads this.
//!
//! Links are what they point to as long as that lies inside the bound; of what is left out a list is
//! kept, and code that was left out is never silent.

mod checkouts;
mod facts;
mod folder;
mod nested;
mod packages;
mod promise;

use std::fs;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

pub use checkouts::{checkout, databases};
pub use facts::{AlteredFile, FileChange, LeftOut, SourceFacts};
pub use packages::{Package, Packages};
pub use promise::{Copy, altered};

use crate::domain::hash::hex;
use crate::domain::{Place, PlaceKind};

/// Name of the group of [`SourceFacts`].
pub const GROUP: &str = "source";

/// Most entries of the list of what was left out.
pub const LISTED: usize = 200;

/// Why a folder is no source tree.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It cannot be listed.
    #[error("cannot look into the folder: {0}")]
    Folder(#[from] std::io::Error),
    /// It lies outside of what may be read.
    #[error("the folder leads out of the project")]
    Outside,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Path below the crate's folder, `/` between its parts, in whatever encoding.
    pub path: Vec<u8>,
    /// Where its bytes are, links followed.
    real: PathBuf,
    /// Its size when it was listed.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
}

/// A crate's files.
#[derive(Clone, Debug)]
pub struct SourceTree {
    kind: PlaceKind,
    folder: PathBuf,
    within: PathBuf,
    /// Manifest first, then code, then the rest from small to large.
    pub files: Vec<TreeFile>,
    left_out: Vec<LeftOut>,
}

impl SourceTree {
    /// Lists the files of a place.
    ///
    /// # Errors
    /// Where it cannot be listed or is not inside its own bound.
    pub fn open(place: &Place) -> Result<Self, TreeError> {
        let (files, left_out) = folder::list(place)?;
        let (folder, within) = (place.folder.clone(), place.within.clone());
        Ok(Self { kind: place.kind, folder, within, files, left_out })
    }

    /// The bytes of a file outside of the folder, or in a part of it that is not the crate's, that code
    /// names by a path from the folder. Nothing where that leads out of the bound.
    #[must_use]
    pub fn outside(&self, path: &str) -> Option<Vec<u8>> {
        let real = fs::canonicalize(self.folder.join(path)).ok()?;
        let inside = real.starts_with(fs::canonicalize(&self.within).ok()?);
        let plain = inside && fs::metadata(&real).is_ok_and(|data| data.is_file());
        plain.then(|| folder::read(&real).ok())?
    }

    /// Hands out every file with its bytes; one that cannot be read is left out and told. The answer is
    /// the SHA-256 over paths, modes and contents, lower-case hexadecimal.
    pub fn each(&mut self, mut file: impl FnMut(&TreeFile, &[u8])) -> String {
        let mut digest = Sha256::new();
        let mut unread = Vec::new();
        for listed in &self.files {
            match folder::read(&listed.real) {
                Ok(bytes) => {
                    digest.update((listed.path.len() as u64).to_le_bytes());
                    digest.update(&listed.path);
                    digest.update(listed.mode.to_le_bytes());
                    digest.update(Sha256::digest(&bytes));
                    file(listed, &bytes);
                }
                Err(reason) => unread.push(LeftOut {
                    path: shown(&listed.path),
                    code: folder::is_code(&listed.path),
                    reason,
                }),
            }
        }
        self.left_out.extend(unread);
        hex(&digest.finalize())
    }

    /// What is told about it.
    #[must_use]
    pub fn facts(&self, files: u64, bytes: u64) -> SourceFacts {
        let mut left_out = self.left_out.clone();
        left_out.sort_by(|a, b| (!a.code, &a.path).cmp(&(!b.code, &b.path)));
        left_out.dedup();
        let left_out_more = left_out.len().saturating_sub(LISTED) as u64;
        left_out.truncate(LISTED);
        SourceFacts { left_out, left_out_more, ..SourceFacts::whole(self.kind, files, bytes) }
    }
}

/// A path as text; bytes that are not UTF-8 as the replacement character.
fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests;
