//! Custody data that a run fetches by itself: the extract of the whole registry, one file that names no crate
//! of the project to anybody.
//!
//! Asked for where it is missing or older than a week, at most once a day, whatever came of it; checked whole
//! before it takes the place of the former one. A failure costs freshness and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::cargo_home::read_bounded;
use super::custody::Stamp;
use super::custody_store::{self, CustodySource as _, CustodyStoreError, Extract};
use crate::net::{Client, Expect, NetError, Request};

/// The extract in the cache folder.
pub const EXTRACT: &str = "registry.custody";
/// When it was asked for.
const NOTE: &str = "registry.custody.json";
/// Age from which a newer one is asked for, in days.
pub const FRESH_DAYS: i32 = 7;
/// Most bytes of an extract. The registry's has about 15 MB.
pub const EXTRACT_LIMIT: u64 = 128 << 20;
/// Longest time for it.
const TIMEOUT: Duration = Duration::from_mins(2);

/// What a run has of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    /// Why there is no newer one.
    pub warning: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    asked: Date,
}

/// Why what was fetched is not used.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("what came is no extract: {0}")]
    Damaged(String),
    #[error("it cannot be kept: {0}")]
    Disk(#[from] std::io::Error),
    #[error("it is of {0}, which has not come")]
    ToCome(Date),
    #[error("it is of {new}, and the one that is there of {former}")]
    Older { new: Date, former: Date },
    #[error("it has {new} crates where the one that is there has {former}")]
    Shrunk { new: u64, former: u64 },
}

/// The days that count for what a run fetches.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// The day of the audit.
    pub as_of: Date,
    /// The day of the clock, which what is fetched cannot be ahead of.
    pub today: Date,
    /// Ask, although what is there would do.
    pub anew: bool,
}

/// Fetches a newer extract where that is due, and answers with what is there then. `url` is absent where
/// the user wants none; `store` is the store that a dump was imported into.
pub async fn current(
    client: &Client,
    url: Option<&str>,
    (cache, store): (&Path, &Path),
    When { as_of, today, anew }: When,
) -> Present {
    let file = cache.join(EXTRACT);
    let mut warning = None;
    if let Some(url) = url
        && !client.is_offline()
        && (anew || is_due(cache, store, as_of, today))
    {
        let fetched = fetch(client, url, cache, today).await;
        // Also of a failure: nobody is asked twice a day.
        let noted = note(cache, as_of);
        warning = fetched.err().map(|why| told(&why, url)).or(noted.err().map(|e| e.to_string()));
    }
    Present { file: file.is_file().then_some(file), warning }
}

/// The words for a failure; that nothing was published yet is no outage.
fn told(why: &Refusal, url: &str) -> String {
    match why {
        Refusal::Net(error) if error.is_absent() => {
            format!("there is no custody data of the whole registry at {url} (yet)")
        }
        why => format!("no newer custody data of the whole registry: {why}"),
    }
}

fn is_due(cache: &Path, store: &Path, as_of: Date, today: Date) -> bool {
    let note = read_bounded(&cache.join(NOTE), 4096).ok().flatten();
    let note: Option<Note> = note.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if note.is_some_and(|note| note.asked >= as_of) {
        return false;
    }
    let extract = Extract::open(&cache.join(EXTRACT)).ok().map(|extract| extract.stamp());
    let imported = store.is_file().then(|| custody_store::open(store, cache).ok()).flatten();
    let newest = extract.max(imported.map(|store| store.stamp()));
    // One of a day that has not come is not fresh either.
    newest.is_none_or(|stamp| {
        !is_fresh(stamp.date(), as_of) || custody_store::is_to_come(stamp.date(), Some(today))
    })
}

/// Whether data of `day` are fresh enough on another day.
#[must_use]
pub fn is_fresh(day: Date, as_of: Date) -> bool {
    as_of.since(day).is_ok_and(|age| age.get_days() < FRESH_DAYS)
}

fn note(cache: &Path, as_of: Date) -> std::io::Result<()> {
    fs::create_dir_all(cache)?;
    let file = tempfile::NamedTempFile::new_in(cache)?;
    serde_json::to_writer(&file, &Note { asked: as_of }).map_err(std::io::Error::other)?;
    file.persist(cache.join(NOTE))?;
    Ok(())
}

/// Downloads beside the present one, checks, and renames into its place.
async fn fetch(client: &Client, url: &str, cache: &Path, today: Date) -> Result<(), Refusal> {
    fs::create_dir_all(cache)?;
    let mut file = tempfile::NamedTempFile::new_in(cache)?;
    let mut request = Request::get(url, Expect::Anything, EXTRACT_LIMIT);
    request.total_timeout = Some(TIMEOUT);
    client.download(&request, file.as_file_mut()).await?;
    let new = Extract::verify(file.path()).map_err(|error| match error {
        CustodyStoreError::Format { what, .. } => Refusal::Damaged(what),
        error => Refusal::Damaged(error.to_string()),
    })?;
    let to_come = |stamp: Stamp| custody_store::is_to_come(stamp.date(), Some(today));
    if to_come(new.stamp()) {
        return Err(Refusal::ToCome(new.stamp().date()));
    }
    let place = cache.join(EXTRACT);
    // One that cannot be read has no day to go back from, and one of a day that has not come blocks nobody.
    if let Some(former) = Extract::open(&place).ok().filter(|former| !to_come(former.stamp())) {
        if former.stamp() > new.stamp() {
            return Err(Refusal::Older { new: new.stamp().date(), former: former.stamp().date() });
        }
        if new.crates() < former.crates() / 2 {
            return Err(Refusal::Shrunk { new: new.crates(), former: former.crates() });
        }
    }
    file.as_file().sync_all()?;
    file.persist(&place).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
#[path = "custody_data_tests.rs"]
mod tests;
