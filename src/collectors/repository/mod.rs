//! Whether the archive of a crate is what its repository holds: group `repository`. Compares with clones
//! that lie on this machine; what is missing is fetched by [`fetch`], where the user asked for it. Each clone is
//! opened once, for all crates that come from it.

mod case;
pub mod custody;
mod difference;
mod facts;
pub mod fetch;
mod files;
mod history;
mod standing;

use std::path::{Path, PathBuf};

use custody_repository::{Address, ObjectId, Place, Repository, version_tag};
pub use facts::{
    ExplainedFiles, HistoryFacts, IgnoredFacts, IntegratorFacts, LineFacts, NearestFacts,
    OpaqueArrival, RepositoryFacts, SuccessorFacts, TagFacts, TaggedRelease, UnexplainedFile,
};
use jiff::civil::Date;

use super::contents::Contents;
use super::kept::Kept;
use super::releases::Locked;
use super::store::Kind;
use crate::domain::Measured;
use crate::domain::text::shown;
use case::{Case, Named};
pub use fetch::verified;

/// Name of the group.
pub const GROUP: &str = "repository";
/// Table of what was compared, by archive, commit, day and the stand of the clone's references and packs.
const COMPARED: Kind = Kind::small("repository");
/// Has to be raised whenever the same archive and commit give another answer than before.
const VERSION: u64 = 4;

/// Clones on this machine.
pub struct Clones {
    place: Place,
}

impl Clones {
    /// Looks into the folders that the user named and into what cargo cloned for git dependencies.
    #[must_use]
    pub fn look(named: &[PathBuf], cargo_home: &Path) -> Self {
        let mut folders = named.to_vec();
        folders.push(cargo_home.join("git").join("db"));
        Self { place: Place::look(&folders) }
    }

    /// The folder of a crate's clone, or why there is none.
    pub fn folder(&self, contents: &Contents) -> Result<&Path, &'static str> {
        let address = address(contents).ok_or("the manifest names no repository")?;
        let found = self.place.of(&address);
        found.ok_or("no clone of its repository is in the folders of --repos")
    }

    /// Compares crates with the one clone that all of them come from.
    #[must_use]
    pub fn measure(
        &self,
        folder: &Path,
        crates: &[Crate<'_>],
        kept: &Kept,
        as_of: Date,
    ) -> Vec<Measured<RepositoryFacts>> {
        let open = || {
            let until =
                end_of(as_of).ok_or("the day of the audit is beyond what can be counted")?;
            let clone = Repository::open(folder).map_err(|error| error.to_string())?;
            let stand = clone.stand().map_or_else(|_| "?".to_owned(), |stand| stand.to_string());
            Ok::<_, String>((clone, stand, until))
        };
        let (clone, stand, until) = match open() {
            Ok(told) => told,
            Err(why) => return crates.iter().map(|_| Measured::Unknown(shown(&why))).collect(),
        };
        let told = |of: &Crate<'_>| {
            let named = named(&clone, of)?;
            let key = [
                &of.contents.archive.facts.sha256[..],
                &named.commit.to_string(),
                &named.instead.map(|id| id.to_string()).unwrap_or_default(),
                &stand,
                &as_of.to_string(),
                &of.published.map(|day| day.to_string()).unwrap_or_default(),
            ];
            let key = key.join(" ");
            if let Some(facts) = kept.get::<RepositoryFacts>(COMPARED, &key, version()) {
                return Ok(facts);
            }
            let bytes = match (of.archive)() {
                Measured::Known(bytes) => bytes,
                Measured::Unknown(why) => return Err(why),
            };
            let address = address(of.contents).ok_or("the manifest names no repository")?;
            let place = &self.place;
            let case = Case { clone: &clone, named, of, archive: &bytes, place, address, until };
            let facts = case.against()?;
            if is_settled(&facts) {
                kept.put(COMPARED, &key, version(), &facts);
            }
            Ok(facts)
        };
        let told = |of| told(of).map_or_else(|why| Measured::Unknown(shown(&why)), Measured::Known);
        crates.iter().map(told).collect()
    }
}

/// A crate that is compared with its clone.
pub struct Crate<'a> {
    /// Which.
    pub locked: &'a Locked,
    /// What its archive is known to hold.
    pub contents: &'a Contents,
    /// Its bytes, which are asked for only where nothing is kept of an earlier comparison.
    pub archive: Box<dyn Fn() -> Measured<Vec<u8>> + Sync + 'a>,
    /// When it was published, if that is known.
    pub published: Option<Date>,
    /// The commit that the registry verified for the workflow that published it, if it says so.
    pub verified: Option<ObjectId>,
}

/// The version under which results are kept: the code that measures is part of it.
fn version() -> u64 {
    let code = u64::from_str_radix(env!("CUSTODY_MEASURING_CODE"), 16);
    code.expect("the build writes a number").wrapping_add(VERSION)
}

/// Whether nothing outside the key could change the answer: the clones of submodules are not part of it.
fn is_settled(facts: &RepositoryFacts) -> bool {
    let needs_others = facts.explained_by.iter().any(|by| by.how == "submodule");
    let files = facts.unexplained.known();
    !needs_others
        && facts.history.known().is_some()
        && files.is_some_and(|files| files.iter().all(|file| file.explained.known().is_some()))
}

/// The commit that the registry verified, else the one that the archive names, else that of its version's tag.
fn named(clone: &Repository, of: &Crate<'_>) -> Result<Named, String> {
    let vcs = &of.contents.archive.facts.vcs;
    let recorded = vcs.sha1.known().and_then(|hex| ObjectId::from_hex(hex));
    // A path that leaves the repository is told of as a record that cargo did not write.
    let leaves = |path: &String| path.split('/').any(|part| part == "..");
    let folder = vcs.path_in_vcs.known().map(|path| path.replace('\\', "/"));
    let folder = folder.filter(|path| !leaves(path));
    let has = |id: &ObjectId| clone.objects().has(id).unwrap_or_default();
    match (of.verified.filter(has), recorded) {
        (Some(commit), recorded) => {
            let instead = recorded.filter(|record| *record != commit && has(record));
            return Ok(Named { commit, instead, folder, by: "registry" });
        }
        (None, Some(commit)) => return Ok(Named { commit, instead: None, folder, by: "record" }),
        (None, None) => {}
    }
    let tag = version_tag(clone, &of.locked.name, &of.locked.version);
    let tag = tag.map_err(|error| error.to_string())?;
    let commit = tag.and_then(|tag| tag.commit);
    let commit =
        commit.ok_or("the archive names no commit, and no tag of the clone names its version")?;
    Ok(Named { commit, instead: None, folder: None, by: "tag" })
}

fn address(contents: &Contents) -> Option<Address> {
    Address::parse(contents.archive.facts.manifest.known()?.repository.as_deref()?)
}

/// The last second of a day, since 1970.
pub(in crate::collectors) fn end_of(day: Date) -> Option<i64> {
    let end = day.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(end.timestamp().as_second())
}
