//! Which copy of the database a run reads, and whether it asks for a newer one first.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::{AdvisoryDb, AdvisoryError, NO_DATABASE, update};
use crate::domain::Measured;
use crate::net::{BaseUrls, Client};

/// Most folders of another tool that are looked at.
const COPIES_LIMIT: usize = 32;

/// The copy that a run reads, or why there is none.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The database.
    pub database: Result<AdvisoryDb, String>,
    /// What the user should know of how it was come by.
    pub warning: Option<String>,
}

/// Whether a newer database is to be asked for: once a day, and not for a day in the past of which the
/// present one tells already.
#[must_use]
pub fn is_due(cache: &Path, as_of: Date) -> bool {
    match AdvisoryDb::open_cached(cache) {
        Ok(Some(database)) => database.asked().is_none_or(|asked| asked < as_of),
        Ok(None) | Err(_) => true,
    }
}

/// What this machine has: the newer of the tool's own copy and of one that another tool left in Cargo's
/// home.
#[must_use]
pub fn present(cache: &Path, cargo_home: &Path) -> Choice {
    let own = AdvisoryDb::open_cached(cache);
    let mut best: Option<AdvisoryDb> = None;
    let mut warning = None;
    match own {
        Ok(own) => best = own,
        Err(error) => warning = Some(error.to_string()),
    }
    for folder in copies(cargo_home) {
        // What is no database says nothing about those that are.
        let Ok(found) = AdvisoryDb::open(&folder) else { continue };
        let newer = |best: &AdvisoryDb| matches!((found.date(), best.date()), (Measured::Known(a), Measured::Known(b)) if a > b);
        if best.as_ref().is_none_or(newer) {
            best = Some(found);
        }
    }
    let database = best.ok_or_else(|| warning.clone().unwrap_or_else(|| NO_DATABASE.to_owned()));
    Choice { database, warning }
}

/// Asks for a newer database where that is due or `anew` says so, and answers with what is there then. A failure
/// costs freshness, which is told, and nothing else.
pub async fn current(
    client: &Client,
    urls: &BaseUrls,
    (cache, cargo_home): (&Path, &Path),
    (as_of, anew): (Date, bool),
) -> Choice {
    if client.is_offline() || !(anew || is_due(cache, as_of)) {
        return present(cache, cargo_home);
    }
    let Err(error) = update(client, urls, cache, as_of).await else {
        return present(cache, cargo_home);
    };
    let Ok(database) = present(cache, cargo_home).database else {
        return Choice { database: Err(nothing(&error)), warning: None };
    };
    let of = match database.date() {
        Measured::Known(date) => format!("of {date}"),
        Measured::Unknown(_) => "on this machine".to_owned(),
    };
    let warning = format!("no newer advisories: {error}; those {of} are read");
    Choice { database: Ok(database), warning: Some(warning) }
}

/// Why there is no database at all.
fn nothing(error: &AdvisoryError) -> String {
    match error {
        AdvisoryError::Net(net) if net.is_absent() => {
            "there is no advisory database where it is looked for; name one by --advisory-db"
                .to_owned()
        }
        _ => format!("there is no advisory database: {error}"),
    }
}

/// Where cargo-audit and cargo-deny keep theirs.
fn copies(cargo_home: &Path) -> Vec<PathBuf> {
    let mut all = vec![cargo_home.join("advisory-db")];
    let mut of_deny: Vec<PathBuf> = fs::read_dir(cargo_home.join("advisory-dbs"))
        .into_iter()
        .flatten()
        .take(COPIES_LIMIT)
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    of_deny.sort();
    all.extend(of_deny);
    all.retain(|folder| folder.join("crates").is_dir());
    all
}
