//! A database in a folder: `crates/<name>/<ID>.md`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rustsec::advisory::Advisory;
use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::fixes::{self, Choices, Fix, Found};
use super::install::Note;
use super::{AdvisoryError, AdvisoryFact, AdvisoryFacts, STALE_AFTER_DAYS};
use crate::collectors::cargo_home::read_bounded;
use crate::domain::Measured;
use crate::net::index::crate_path;

/// Most bytes of one advisory.
pub(super) const FILE_LIMIT: u64 = 1024 * 1024;
/// Most advisories of one crate that are read and listed.
const LIST_LIMIT: usize = 2_000;

/// What the date of a database is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DateFrom {
    /// The server's clock when it was downloaded.
    Download,
    /// The newest advisory in it: it is at least as new as that.
    NewestAdvisory,
}

/// An advisory database.
#[derive(Clone, Debug, PartialEq)]
pub struct AdvisoryDb {
    crates: PathBuf,
    date: Measured<Date>,
    date_from: DateFrom,
    asked: Option<Date>,
}

impl AdvisoryDb {
    /// Opens a folder that the user names.
    ///
    /// # Errors
    /// [`AdvisoryError`] where it is no database.
    pub fn open(folder: &Path) -> Result<Self, AdvisoryError> {
        let crates = folder.join("crates");
        if !crates.is_dir() {
            return Err(AdvisoryError::NotADatabase(folder.display().to_string()));
        }
        let date = newest_advisory(&crates)?;
        if date.known().is_none() && !holds_advisories(&crates)? {
            return Err(AdvisoryError::Empty(folder.display().to_string()));
        }
        Ok(Self { crates, date, date_from: DateFrom::NewestAdvisory, asked: None })
    }

    /// Opens the copy that [`super::update`] put below `cache`; nothing where there is none.
    ///
    /// # Errors
    /// [`AdvisoryError`] where there is one and it is damaged.
    pub fn open_cached(cache: &Path) -> Result<Option<Self>, AdvisoryError> {
        let Some(note) = Note::read(cache)? else { return Ok(None) };
        let crates = note.folder(cache).join("crates");
        if !crates.is_dir() {
            return Err(AdvisoryError::DamagedNote(cache.display().to_string()));
        }
        let (date, date_from) = match note.downloaded {
            Some(date) => (Measured::Known(date), DateFrom::Download),
            None => (newest_advisory(&crates)?, DateFrom::NewestAdvisory),
        };
        Ok(Some(Self { crates, date, date_from, asked: note.last_asked() }))
    }

    /// The last day of which it is known that a newer one was asked for.
    #[must_use]
    pub fn asked(&self) -> Option<Date> {
        self.asked
    }

    /// The day whose state it shows.
    #[must_use]
    pub fn date(&self) -> Measured<Date> {
        self.date.clone()
    }

    /// What affects one version of a crate of the default registry, and which of the choices mends it.
    #[must_use]
    pub fn measure(
        &self,
        name: &str,
        version: &str,
        as_of: Date,
        choices: &Choices,
    ) -> AdvisoryFacts {
        let found = Version::parse(version)
            .map_err(|error| format!("{version} is no version: {error}"))
            .and_then(|version| self.affecting(name, &version, as_of, choices));
        let (list, left_out) = match found {
            Ok(mut list) => {
                list.sort_by(|a, b| a.id.cmp(&b.id));
                let left_out = list.len().saturating_sub(LIST_LIMIT);
                list.truncate(LIST_LIMIT);
                (Measured::Known(list), Measured::Known(left_out as u64))
            }
            Err(reason) => (Measured::unknown(reason.clone()), Measured::unknown(reason)),
        };
        let age =
            self.date.clone().map(|date| date.duration_until(as_of).as_hours().div_euclid(24));
        AdvisoryFacts {
            list,
            left_out,
            database_date: self.date.clone().map(|date| date.to_string()),
            database_date_from: Measured::Known(self.date_from),
            database_stale: age.clone().map(|days| days > STALE_AFTER_DAYS),
            database_age_days: age.map(|days| days.max(0)),
        }
    }

    /// One file that cannot be read makes the answer unknown: it may be the one that matters.
    fn affecting(
        &self,
        name: &str,
        version: &Version,
        as_of: Date,
        choices: &Choices,
    ) -> Result<Vec<AdvisoryFact>, String> {
        let all = self.known(name, as_of)?;
        let affects = |advisory: &&Advisory| advisory.versions.is_vulnerable(version);
        if !all.iter().any(|advisory| affects(&advisory)) {
            return Ok(Vec::new());
        }
        let fact =
            |one: &Advisory| fact(one, (name, version), fixes::find(one, &all, version, choices));
        Ok(all.iter().filter(affects).map(fact).collect())
    }

    /// The advisories about a crate of the default registry that count on that day.
    fn known(&self, name: &str, as_of: Date) -> Result<Vec<Advisory>, String> {
        crate_path(name).map_err(|error| error.to_string())?;
        let paths = files(&self.crates.join(name)).map_err(|error| error.to_string())?;
        if paths.is_empty() && !self.crates.is_dir() {
            return Err("the advisory database was taken away during the run".to_owned());
        }
        let mut all = Vec::new();
        for path in paths {
            let Some(advisory) = read(&path, name)? else { continue };
            let date: Date = advisory
                .date()
                .as_str()
                .parse()
                .map_err(|error| format!("{}: {error}", advisory.id()))?;
            let source = advisory.metadata.source.as_ref();
            let counts = !advisory.withdrawn()
                && date <= as_of
                && source.is_none_or(rustsec::SourceId::is_default_registry);
            if counts {
                all.push(advisory);
            }
        }
        Ok(all)
    }
}

/// The advisory files of one folder, ordered; none where there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, AdvisoryError> {
    let told = |source| AdvisoryError::Io { path: folder.display().to_string(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(told(error)),
    };
    let mut found = Vec::new();
    for entry in entries.take(LIST_LIMIT) {
        let path = entry.map_err(told)?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads one advisory; nothing for a draft.
fn read(path: &Path, package: &str) -> Result<Option<Advisory>, String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.starts_with("RUSTSEC-0000-0000.") {
        return Ok(None);
    }
    let told = |why: &dyn std::fmt::Display| format!("advisory {name} cannot be read: {why}");
    let bytes = read_bounded(path, FILE_LIMIT)
        .map_err(|error| told(&error))?
        .ok_or_else(|| told(&"it is gone"))?;
    parse(bytes, &name, package).map(Some).map_err(|why| told(&why))
}

/// Parses one advisory and checks that it lies where it belongs, as cargo-audit does.
pub(super) fn parse(bytes: Vec<u8>, file: &str, package: &str) -> Result<Advisory, String> {
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    // rustsec 0.33 cuts other beginnings at a byte that may lie within a character.
    if !text.starts_with("```toml") {
        return Err("it does not begin with a TOML block".to_owned());
    }
    let advisory: Advisory = text.parse().map_err(|error: rustsec::Error| error.to_string())?;
    if file != format!("{}.md", advisory.id()) {
        return Err(format!("it is about {}", advisory.id()));
    }
    if advisory.metadata.package.as_str() != package {
        return Err(format!("it is about the crate {}", advisory.metadata.package));
    }
    Ok(advisory)
}

fn fact(advisory: &Advisory, locked: (&str, &Version), found: Found) -> AdvisoryFact {
    let data = &advisory.metadata;
    let words = |requirements: &[semver::VersionReq]| {
        requirements.iter().map(ToString::to_string).collect()
    };
    AdvisoryFact {
        id: data.id.to_string(),
        kind: kind(advisory),
        title: data.title.clone(),
        date: data.date.to_string(),
        categories: data.categories.iter().map(ToString::to_string).collect(),
        cvss: data.cvss.as_ref().map(ToString::to_string),
        severity: data.cvss.as_ref().map(|cvss| cvss.severity().to_string()),
        patched: words(advisory.versions.patched()),
        unaffected: words(advisory.versions.unaffected()),
        aliases: data.aliases.iter().map(ToString::to_string).collect(),
        fix: found.fix,
        remedy: remedy(locked, &found),
        fixed_in: found.version.map(|version| version.to_string()),
        held_by: found.held_by,
        url: data.url.as_ref().map(ToString::to_string),
    }
}

/// What to do, in a sentence with the command.
fn remedy((name, locked): (&str, &Version), found: &Found) -> Option<String> {
    let version = found.version.as_ref()?;
    let command = format!("cargo update -p {name}@{locked} --precise {version}");
    match found.fix {
        Fix::Update => Some(command),
        Fix::Upgrade => {
            let who = match found.held_by.as_slice() {
                [] => "A requirement".to_owned(),
                [one] => one.clone(),
                [one, more @ ..] => format!("{one} and {} more", more.len()),
            };
            Some(format!("{who} keeps {version} out: change that first, then {command}"))
        }
        Fix::None => None,
    }
}

fn kind(advisory: &Advisory) -> String {
    let data = &advisory.metadata;
    match &data.informational {
        Some(word) => word.to_string(),
        None if data.categories.iter().any(|category| category.name() == "malicious") => {
            "malicious".to_owned()
        }
        None => "vulnerability".to_owned(),
    }
}

/// The newest day of an advisory. Ids begin with the year, so only files of the last year are opened.
fn newest_advisory(crates: &Path) -> Result<Measured<Date>, AdvisoryError> {
    let told = |source| AdvisoryError::Io { path: crates.display().to_string(), source };
    let mut last_year = String::new();
    let mut of_that_year = Vec::new();
    for entry in fs::read_dir(crates).map_err(told)? {
        let folder = entry.map_err(told)?;
        if !folder.file_type().map_err(told)?.is_dir() {
            continue;
        }
        for path in files(&folder.path())? {
            let Some(year) = year_of(&path) else { continue };
            if year > last_year {
                last_year = year;
                of_that_year.clear();
                of_that_year.push(path);
            } else if year == last_year {
                of_that_year.push(path);
            }
        }
    }
    let mut newest = None;
    for path in &of_that_year {
        let told = |source| AdvisoryError::Io { path: path.display().to_string(), source };
        let bytes = read_bounded(path, FILE_LIMIT).map_err(told)?;
        newest = newest.max(bytes.as_deref().and_then(date_line));
    }
    Ok(newest.map_or_else(|| Measured::unknown("it has no dated advisory"), Measured::Known))
}

/// Whether there is a file in it that is an advisory by its name, readable or not.
fn holds_advisories(crates: &Path) -> Result<bool, AdvisoryError> {
    let told = |source| AdvisoryError::Io { path: crates.display().to_string(), source };
    for entry in fs::read_dir(crates).map_err(told)? {
        let folder = entry.map_err(told)?.path();
        if folder.is_dir() && files(&folder)?.iter().any(|path| year_of(path).is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `2026` of `RUSTSEC-2026-0001.md`.
fn year_of(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_str()?;
    let year = name.strip_prefix("RUSTSEC-")?.get(..4)?;
    (year != "0000" && year.bytes().all(|b| b.is_ascii_digit())).then(|| year.to_owned())
}

/// The day in the line `date = "2026-08-20"`.
fn date_line(bytes: &[u8]) -> Option<Date> {
    let text = std::str::from_utf8(bytes).ok()?;
    let line = text.lines().find(|line| line.starts_with("date"))?;
    line.split('"').nth(1)?.parse().ok()
}
