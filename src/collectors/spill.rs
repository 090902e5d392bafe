//! Downloads that the cache folder does not take: a disk that is full or read-only costs the next run its
//! time, and must not leave an archive unread that came. They are held in memory, and beyond a bound in a
//! temporary folder that goes with the run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

/// Most bytes that are held in memory.
const HELD: usize = 256 << 20;

/// What one run holds for itself, by hash.
#[derive(Debug, Default)]
pub(super) struct Spill {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: BTreeMap<String, Vec<u8>>,
    bytes: usize,
    folder: Option<TempDir>,
    /// Files in the folder.
    filed: BTreeMap<String, PathBuf>,
}

impl Spill {
    /// Holds the bytes of a hash.
    ///
    /// # Errors
    /// Where memory is used up and no temporary file can be written.
    pub fn hold(&self, checksum: &str, bytes: Vec<u8>) -> std::io::Result<()> {
        self.hold_within(checksum, bytes, HELD)
    }

    fn hold_within(&self, checksum: &str, bytes: Vec<u8>, most: usize) -> std::io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let total = inner.bytes.saturating_add(bytes.len());
        if total <= most {
            inner.bytes = total;
            inner.held.insert(checksum.to_owned(), bytes);
            return Ok(());
        }
        let folder = match inner.folder.take() {
            Some(folder) => folder,
            None => tempfile::tempdir()?,
        };
        // Counted, so that no text from a lockfile becomes a path.
        let path = folder.path().join(format!("{}.crate", inner.filed.len()));
        inner.folder = Some(folder);
        fs::write(&path, bytes)?;
        inner.filed.insert(checksum.to_owned(), path);
        Ok(())
    }

    /// Whether the bytes of a hash are held.
    pub fn has(&self, checksum: &str) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.held.contains_key(checksum) || inner.filed.contains_key(checksum)
    }

    /// The bytes of a hash; nothing where they are not held.
    pub fn get(&self, checksum: &str, limit: u64) -> Option<Vec<u8>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = inner.held.get(checksum) {
            return Some(bytes.clone());
        }
        let path = inner.filed.get(checksum)?.clone();
        drop(inner);
        crate::disk::read(&path, limit).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_memory_does_not_take_comes_back_from_a_folder_that_goes_with_the_run() {
        let spill = Spill::default();
        spill.hold_within("aa", vec![1; 10], 15).unwrap();
        spill.hold_within("bb", vec![2; 10], 15).unwrap();
        assert_eq!(spill.get("aa", 99), Some(vec![1; 10]));
        assert_eq!(spill.get("bb", 99), Some(vec![2; 10]));
        assert!(spill.has("bb") && !spill.has("cc"));
        assert_eq!(spill.get("cc", 99), None);
        let folder = spill.inner.lock().unwrap().folder.as_ref().unwrap().path().to_owned();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        drop(spill);
        assert!(!folder.exists());
    }
}
