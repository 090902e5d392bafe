//! Download of the database: unpacked into a folder of its own, checked, then swapped in by renaming one
//! small note. A reader sees the old database or the new one, never half of it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::AdvisoryError;
use super::database::{FILE_LIMIT, parse};
use crate::collectors::archive::sha256;
use crate::collectors::cargo_home::read_bounded;
use crate::net::index::crate_path;
use crate::net::{BaseUrls, Client, advisories};
use custody_bytes::gzip_tar::{GzipTar, Limits, MemberKind};

/// Name of the note, and of the folder that holds the databases.
const NOTE: &str = "current.json";
const FOLDER: &str = "advisories";
/// One advisory in this many may be unreadable (a newer form) before the database is refused.
const UNREADABLE_SHARE: usize = 50;

/// Says which unpacked database is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    sha256: String,
    pub(super) downloaded: Option<Date>,
    /// The day of the run that asked for it, or confirmed it, last.
    #[serde(default)]
    pub(super) asked: Option<Date>,
    advisories: usize,
    #[serde(default)]
    unreadable: usize,
}

impl Note {
    pub(super) fn read(cache: &Path) -> Result<Option<Self>, AdvisoryError> {
        let path = cache.join(FOLDER).join(NOTE);
        let bytes = read_bounded(&path, 64 * 1024).map_err(|source| told(&path, source))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let damaged = || AdvisoryError::DamagedNote(path.display().to_string());
        let note: Self = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let valid = note.sha256.len() == 64 && note.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        if valid { Ok(Some(note)) } else { Err(damaged()) }
    }

    pub(super) fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(FOLDER).join(&self.sha256)
    }

    /// The last day of which it is known that the database was asked for.
    pub(super) fn last_asked(&self) -> Option<Date> {
        self.asked.max(self.downloaded)
    }

    fn told(&self) -> Installed {
        Installed {
            advisories: self.advisories,
            unreadable: self.unreadable,
            sha256: self.sha256.clone(),
            downloaded: self.downloaded,
        }
    }
}

/// What an update brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Advisories in the database.
    pub advisories: usize,
    /// Files that could not be read and were left out.
    pub unreadable: usize,
    /// SHA-256 of the archive, lower-case hexadecimal.
    pub sha256: String,
    /// The server's day of the download.
    pub downloaded: Option<Date>,
}

/// Downloads the database and puts it in place of the former copy below `cache`; where the server says
/// that it is the same still, nothing is sent. `asked` is the day of this run.
///
/// # Errors
/// [`AdvisoryError`]; the former copy then stays as it is.
pub async fn update(
    client: &Client,
    urls: &BaseUrls,
    cache: &Path,
    asked: Date,
) -> Result<Installed, AdvisoryError> {
    let answer = advisories::download(client, urls).await?;
    let downloaded = answer.date().and_then(|date| date.get(..10)?.parse().ok());
    install(&answer.bytes, Days { downloaded, asked: Some(asked) }, cache)
}

/// The days that belong to a download.
#[derive(Clone, Copy, Debug, Default)]
pub struct Days {
    /// What the server says.
    pub downloaded: Option<Date>,
    /// What the run says that asked.
    pub asked: Option<Date>,
}

/// Unpacks an archive of the database, checks it and puts it in place.
///
/// # Errors
/// [`AdvisoryError`]; the former copy then stays as it is.
pub fn install(archive: &[u8], days: Days, cache: &Path) -> Result<Installed, AdvisoryError> {
    let parent = cache.join(FOLDER);
    fs::create_dir_all(&parent).map_err(|source| told(&parent, source))?;
    let Days { downloaded, asked } = days;
    let sha256 = sha256(archive);
    // A damaged note does not stand in the way of a new database.
    let former = Note::read(cache).unwrap_or(None);
    if let Some(same) = former.as_ref().filter(|note| note.sha256 == sha256)
        && same.folder(cache).join("crates").is_dir()
    {
        let note = Note { downloaded, asked, ..same.clone() };
        write_note(&parent, &note)?;
        return Ok(note.told());
    }
    let fresh = tempfile::TempDir::new_in(&parent).map_err(|source| told(&parent, source))?;
    let (advisories, unreadable) = unpack(archive, fresh.path())?;
    accept(advisories, unreadable, former.as_ref())?;
    let note = Note { sha256, downloaded, asked, advisories, unreadable };
    let folder = note.folder(cache);
    if !folder.is_dir() {
        fs::rename(fresh.path(), &folder).map_err(|source| told(&folder, source))?;
    }
    write_note(&parent, &note)?;
    if let Some(former) = former.filter(|former| former.sha256 != note.sha256) {
        // Left behind, it costs space and nothing else.
        let _ = fs::remove_dir_all(former.folder(cache));
    }
    Ok(note.told())
}

/// Writes the advisories of crates; returns how many were read and how many could not be.
fn unpack(archive: &[u8], into: &Path) -> Result<(usize, usize), AdvisoryError> {
    let broken = |error: &dyn std::fmt::Display| AdvisoryError::Archive(error.to_string());
    let limits = Limits { total_bytes: 512 << 20, member_bytes: FILE_LIMIT, ..Limits::default() };
    let mut tar = GzipTar::new(archive, limits, Vec::new()).map_err(|e| broken(&e))?;
    let (mut read, mut unreadable) = (0, 0);
    while let Some(member) = tar.next().map_err(|e| broken(&e))? {
        if member.kind != MemberKind::File {
            continue;
        }
        let Some((package, file)) = place(member.path) else { continue };
        if parse(member.bytes.to_vec(), file, package).is_err() {
            unreadable += 1;
            continue;
        }
        let folder = into.join("crates").join(package);
        fs::create_dir_all(&folder).map_err(|source| told(&folder, source))?;
        let path = folder.join(file);
        fs::write(&path, member.bytes).map_err(|source| told(&path, source))?;
        read += 1;
    }
    Ok((read, unreadable))
}

/// Crate and file of a member `[prefix/]crates/<crate>/RUSTSEC-YYYY-NNNN.md`, if both are harmless.
fn place(path: &[u8]) -> Option<(&str, &str)> {
    let path = std::str::from_utf8(path).ok()?;
    let mut parts = path.strip_prefix("./").unwrap_or(path).rsplit('/');
    let (file, package, collection) = (parts.next()?, parts.next()?, parts.next()?);
    let stem = file.strip_suffix(".md")?.strip_prefix("RUSTSEC-")?;
    let harmless = stem.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && crate_path(package).is_ok()
        && collection == "crates"
        && parts.count() <= 1
        && !stem.starts_with("0000-");
    harmless.then_some((package, file))
}

/// An empty, mostly unreadable or suddenly halved database is an outage or an attack, not news.
fn accept(
    advisories: usize,
    unreadable: usize,
    former: Option<&Note>,
) -> Result<(), AdvisoryError> {
    let refused = |why: String| Err(AdvisoryError::Refused(why));
    if advisories == 0 {
        return refused("it has no advisory".to_owned());
    }
    if unreadable.saturating_mul(UNREADABLE_SHARE) > advisories {
        return refused(format!("{unreadable} of its advisories cannot be read"));
    }
    match former {
        Some(former) if advisories < former.advisories / 2 => refused(format!(
            "it has {advisories} advisories where the present one has {}",
            former.advisories
        )),
        _ => Ok(()),
    }
}

fn write_note(parent: &Path, note: &Note) -> Result<(), AdvisoryError> {
    let path = parent.join(NOTE);
    let text = serde_json::to_vec_pretty(note).expect("a note is plain data");
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(&text)?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|source| told(&path, source))
}

fn told(path: &Path, source: io::Error) -> AdvisoryError {
    AdvisoryError::Io { path: path.display().to_string(), source }
}
