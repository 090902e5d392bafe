//! The fact store as collectors use it: what was measured before is there or it is not, and what is
//! measured now is written in batches. Nothing here fails; the one reason why nothing can be kept is
//! told once, by [`Kept::problem`].

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::store::{Entry, FactStore, Kind, StoreError};

/// Values that are written to the store at once.
const BATCH: usize = 256;

/// What earlier runs measured, and what this one adds to it.
pub struct Kept {
    store: Result<FactStore, StoreError>,
    unsaved: Mutex<Vec<Entry>>,
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

    /// A value kept by an earlier run; one that cannot be read counts as not there.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, kind: Kind, key: &str, version: u64) -> Option<T> {
        self.store.as_ref().ok()?.get(kind, key, version).ok().flatten()
    }

    /// Keeps a value for the next run. Where that fails, the next run measures again.
    pub fn put<T: Serialize>(&self, kind: Kind, key: &str, version: u64, value: &T) {
        let Ok(entry) = Entry::encode(kind, key, version, value) else { return };
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        unsaved.push(entry);
        if unsaved.len() >= BATCH {
            let batch = std::mem::take(&mut *unsaved);
            drop(unsaved);
            self.write(&batch);
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
        let batch =
            std::mem::take(&mut *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner));
        self.write(&batch);
    }

    fn write(&self, batch: &[Entry]) {
        if let Ok(store) = &self.store
            && !batch.is_empty()
        {
            // A store that cannot be written costs the next run its time and nothing else.
            if let Err(error) = store.put_many(batch) {
                self.refused.get_or_init(|| error.to_string());
            }
        }
    }
}
