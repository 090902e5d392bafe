//! What is kept of archives, shared between machines. What the shared store has is taken into the local
//! one, what it lacks is given to it; the local store has the same entries in the same form.
//!
//! Nothing here fails. A store that refuses, and a value that is damaged, are told once, and cost the
//! time to measure again and nothing else. Whoever can write to the store decides what its readers
//! believe of an archive: its values hold together and speak of the archive under whose name they lie, but
//! what they say of it is taken on trust. With a secret (`CARGO_CUSTODY_STORE_KEY`) only who knows it
//! writes what is believed.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use futures_util::StreamExt as _;

use super::archive::ArchiveFacts;
use super::bundle;
use super::contents::Measurer;
use super::crate_files::Want;
use super::store::{Entry, Kind};
use crate::net::shared_store::SharedStore;

/// Table of the archives that are known to be in a shared store, by its address and their key.
const SHARED: Kind = Kind::small("shared");
/// Requests at a time.
const AT_ONCE: usize = 16;

/// A shared store, as one process uses it.
pub struct Shared {
    store: SharedStore,
    /// Archives that need not be asked about again, by their key.
    settled: Mutex<BTreeSet<String>>,
    /// Archives of which the store has a damaged value, by their key.
    damaged: Mutex<BTreeSet<String>>,
    refused: OnceLock<String>,
}

impl Shared {
    /// Uses an open store.
    #[must_use]
    pub fn new(store: SharedStore) -> Self {
        Self {
            store,
            settled: Mutex::default(),
            damaged: Mutex::default(),
            refused: OnceLock::new(),
        }
    }

    /// Whether it may be used in a run that is offline.
    #[must_use]
    pub fn allows(&self, offline: bool) -> bool {
        !(offline && self.store.needs_socket())
    }

    /// What the user should know of the store.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner).len();
        let damaged = (damaged > 0)
            .then(|| format!("{damaged} values of the shared store are damaged and were not used"));
        damaged.into_iter().chain(self.refused.get().cloned()).collect()
    }

    /// Takes what the store has of these archives into what `measurer` keeps, and gives it what was kept
    /// here and is not known to be there.
    pub async fn exchange(&self, measurer: &Measurer, wants: &[Want]) {
        let new: Vec<&Want> = wants.iter().filter(|want| self.is_new(measurer, want)).collect();
        let all = futures_util::stream::iter(new);
        all.for_each_concurrent(AT_ONCE, |want| self.exchange_one(measurer, want)).await;
        if self.refused.get().is_none() {
            measurer.kept().save();
        }
    }

    fn is_new(&self, measurer: &Measurer, want: &Want) -> bool {
        let key = Measurer::key(&want.checksum, &want.name, &want.version);
        if !is_sha256(&want.checksum) || self.is_settled(&key) {
            return false;
        }
        let known = measurer.kept().get::<bool>(SHARED, &self.mark(&key), measurer.facts_version());
        if known == Some(true) && measurer.kept_entries(&key).is_some() {
            self.settle(key);
            return false;
        }
        true
    }

    fn mark(&self, key: &str) -> String {
        let seal = self.store.seal().map(bundle::seal_id).unwrap_or_default();
        format!("{:?}{seal} {key}", self.store)
    }

    /// Under what the values of one measuring code and one secret lie.
    fn version(&self, measurer: &Measurer) -> String {
        let seal = self.store.seal().map(|secret| format!("-{}", bundle::seal_id(secret)));
        format!("{:016x}{}", measurer.facts_version(), seal.unwrap_or_default())
    }

    fn is_settled(&self, key: &str) -> bool {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    fn settle(&self, key: String) {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    async fn exchange_one(&self, measurer: &Measurer, want: &Want) {
        // A store that does not answer is not asked a thousand times.
        if self.refused.get().is_some() {
            return;
        }
        let key = Measurer::key(&want.checksum, &want.name, &want.version);
        if measurer.kept_entries(&key).is_some() {
            return self.give(measurer, want).await;
        }
        let seal = self.store.seal();
        match self.store.get(&name(&self.version(measurer), &want.checksum)).await {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let entries = bundle::unpack(&bytes, &key, &measurer.kinds(), seal);
                if let Some(entries) = entries.filter(|all| speaks_of(measurer, all, want)) {
                    for entry in entries {
                        measurer.kept().put_entry(entry);
                    }
                    self.settled_there(measurer, key);
                } else {
                    self.damaged.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
                }
            }
            Err(error) => {
                self.refused.get_or_init(|| error.to_string());
            }
        }
    }

    /// Gives the store what is kept here of an archive.
    pub async fn give(&self, measurer: &Measurer, want: &Want) {
        let key = Measurer::key(&want.checksum, &want.name, &want.version);
        if self.refused.get().is_some() || !is_sha256(&want.checksum) || self.is_settled(&key) {
            return;
        }
        let Some(entries) = measurer.kept_entries(&key) else { return };
        let over = self.damaged.lock().unwrap_or_else(PoisonError::into_inner).contains(&key);
        let bytes = bundle::pack(&entries, self.store.seal());
        let version = self.version(measurer);
        match self.store.put(&name(&version, &want.checksum), bytes, over).await {
            Ok(_) => self.settled_there(measurer, key),
            Err(error) => {
                self.refused.get_or_init(|| error.to_string());
            }
        }
    }

    /// Gives the store what was measured of these archives.
    pub async fn give_all(&self, measurer: &Measurer, wants: &[Want]) {
        let all = futures_util::stream::iter(wants);
        all.for_each_concurrent(AT_ONCE, |want| self.give(measurer, want)).await;
    }

    fn settled_there(&self, measurer: &Measurer, key: String) {
        measurer.kept().put(SHARED, &self.mark(&key), measurer.facts_version(), &true);
        self.settle(key);
    }
}

/// Whether what was measured is the archive that was asked for, and not another one under its name.
fn speaks_of(measurer: &Measurer, entries: &[Entry], want: &Want) -> bool {
    let versions = measurer.kinds();
    let of = entries.iter().zip(versions).find(|(entry, _)| entry.kind() == Kind::ARCHIVE);
    let facts: Option<ArchiveFacts> = of.and_then(|(entry, (_, version))| entry.decoded(version));
    facts.is_some_and(|facts| {
        let named = facts.manifest.known().is_none_or(|manifest| {
            !manifest.declares_expected || manifest.declared_name.as_ref() == Some(&want.name)
        });
        facts.sha256 == want.checksum && named
    })
}

/// Name of a value: version of the facts, then the archive's SHA-256. No string of a lockfile is in it.
fn name<'n>(version: &'n str, sha256: &'n str) -> [&'n str; 4] {
    ["facts", version, &sha256[..2], sha256]
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
