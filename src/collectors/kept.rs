//! The fact store as collectors use it: what was measured before is there or it is not, and what is
//! measured now is written in batches. Nothing here fails; the one reason why nothing can be kept is
//! told once, by [`Kept::problem`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::store::{Entry, FactStore, Kind, StoreError};

/// Values that are written to the store at once.
const BATCH: usize = 256;

/// What is not written yet, by table and key.
type Unsaved = BTreeMap<(&'static str, String), Arc<Entry>>;

/// What earlier runs measured, and what this one adds to it.
pub struct Kept {
    store: Result<FactStore, StoreError>,
    unsaved: Mutex<Unsaved>,
    /// Held by the thread that writes.
    writing: Mutex<()>,
    /// Whether [`Kept::save`] waits until a batch is full.
    in_batches: bool,
    /// Why the first batch that could not be written could not: a full disk, say.
    refused: OnceLock<String>,
}

impl Kept {
    /// Opens the store of a cache directory.
    #[must_use]
    pub fn open(directory: &Path) -> Self {
        Self {
            store: FactStore::open(directory),
            unsaved: Mutex::default(),
            writing: Mutex::default(),
            in_batches: false,
            refused: OnceLock::new(),
        }
    }

    /// Writes full batches only, and the rest with [`Kept::write_all`]: for many small runs in one process,
    /// each of which would otherwise wait for the disk.
    #[must_use]
    pub fn in_batches(self) -> Self {
        Self { in_batches: true, ..self }
    }

    /// Why nothing can be kept between runs, if so.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let closed = self.store.as_ref().err().map(ToString::to_string);
        closed.or_else(|| self.refused.get().cloned())
    }

    /// A value kept by an earlier run or by this one; one that cannot be read counts as not there.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, kind: Kind, key: &str, version: u64) -> Option<T> {
        if let Some(entry) = self.not_written(kind, key) {
            return entry.decoded(version);
        }
        self.store.as_ref().ok()?.get(kind, key, version).ok().flatten()
    }

    /// The same as it is stored.
    #[must_use]
    pub fn entry(&self, kind: Kind, key: &str, version: u64) -> Option<Entry> {
        if let Some(entry) = self.not_written(kind, key) {
            return Entry::from_stored(kind, key, version, entry.value());
        }
        self.store.as_ref().ok()?.entry(kind, key, version).ok().flatten()
    }

    fn not_written(&self, kind: Kind, key: &str) -> Option<Arc<Entry>> {
        let unsaved = self.unsaved();
        if unsaved.is_empty() {
            return None;
        }
        unsaved.get(&(kind.table_name(), key.to_owned())).cloned()
    }

    fn unsaved(&self) -> MutexGuard<'_, Unsaved> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a value for the next run. Where that fails, the next run measures again.
    pub fn put<T: Serialize>(&self, kind: Kind, key: &str, version: u64, value: &T) {
        if let Ok(entry) = Entry::encode(kind, key, version, value) {
            self.put_entry(entry);
        }
    }

    /// Keeps an entry for the next run.
    pub fn put_entry(&self, entry: Entry) {
        let mut unsaved = self.unsaved();
        unsaved.insert((entry.kind().table_name(), entry.key().to_owned()), Arc::new(entry));
        let full = unsaved.len() >= BATCH;
        drop(unsaved);
        // Where somebody is writing already, this waits for the next time.
        if full && let Ok(_writing) = self.writing.try_lock() {
            self.write();
        }
    }

    /// Writes what is not written yet.
    pub fn save(&self) {
        if !self.in_batches {
            self.write_all();
        }
    }

    /// Writes what is not written yet, whatever the size of the batch.
    pub fn write_all(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.write();
    }

    /// Until they are in the store, entries are still found here.
    fn write(&self) {
        let batch: Vec<Arc<Entry>> = self.unsaved().values().cloned().collect();
        if let Ok(store) = &self.store
            && !batch.is_empty()
        {
            // A store that cannot be written costs the next run its time and nothing else.
            if let Err(error) = store.put_many(&batch) {
                self.refused.get_or_init(|| error.to_string());
            }
        }
        let mut unsaved = self.unsaved();
        for entry in batch {
            let key = (entry.kind().table_name(), entry.key().to_owned());
            if unsaved.get(&key).is_some_and(|now| Arc::ptr_eq(now, &entry)) {
                unsaved.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_yet_is_found_and_stays_found() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::open(folder.path()).in_batches();
        kept.put(Kind::ARCHIVE, "k", 1, &"value");
        kept.save();
        assert!(!kept.unsaved().is_empty(), "a batch is not full");
        assert_eq!(kept.get::<String>(Kind::ARCHIVE, "k", 1).as_deref(), Some("value"));
        assert_eq!(kept.get::<String>(Kind::ARCHIVE, "k", 2), None);
        let before = kept.entry(Kind::ARCHIVE, "k", 1).unwrap();
        kept.write_all();
        assert!(kept.unsaved().is_empty());
        assert_eq!(kept.entry(Kind::ARCHIVE, "k", 1).unwrap().value(), before.value());
    }
}
