//! Whether the archive of a crate is what its repository holds: group `repository`. Compares with clones
//! that lie on this machine; what is missing is fetched by [`fetch`], where the user asked for it.

mod case;
pub mod custody;
mod difference;
mod facts;
pub mod fetch;
mod history;

use std::path::PathBuf;

use custody_repository::{Address, ObjectId, Place, Repository, version_tag};
pub use facts::{
    ExplainedFiles, HistoryFacts, IgnoredFacts, IntegratorFacts, LineFacts, OpaqueArrival,
    RepositoryFacts, SuccessorFacts, TagFacts, TaggedRelease, UnexplainedFile,
};
use jiff::civil::Date;

use super::contents::Contents;
use super::kept::Kept;
use super::releases::Locked;
use super::store::Kind;
use crate::domain::Measured;
use crate::domain::text::shown;
use case::{Case, Named};

/// Name of the group.
pub const GROUP: &str = "repository";
/// Table of what was compared, by archive, commit, day and the stand of the clone's references and packs.
const COMPARED: Kind = Kind::small("repository");
/// Has to be raised whenever the same archive and commit give another answer than before.
const VERSION: u64 = 3;

/// Clones on this machine.
pub struct Clones {
    place: Place,
}

impl Clones {
    /// Looks into the folders that the user named and into what cargo cloned for git dependencies.
    #[must_use]
    pub fn look(named: &[PathBuf], cargo_home: &std::path::Path) -> Self {
        let mut folders = named.to_vec();
        folders.push(cargo_home.join("git").join("db"));
        Self { place: Place::look(&folders) }
    }

    /// Compares one crate with its clone. `archive` gives the bytes, which are asked for only where nothing
    /// is kept of an earlier comparison.
    #[must_use]
    pub fn measure(
        &self,
        locked: &Locked,
        contents: &Contents,
        archive: &dyn Fn() -> Measured<Vec<u8>>,
        kept: &Kept,
        as_of: Date,
    ) -> Measured<RepositoryFacts> {
        let Some(address) = address(contents) else {
            return Measured::unknown("the manifest names no repository");
        };
        let Some(folder) = self.place.of(&address) else {
            return Measured::unknown("no clone of its repository is in the folders of --repos");
        };
        let Some(until) = end_of(as_of) else {
            return Measured::unknown("the day of the audit is beyond what can be counted");
        };
        let told = Repository::open(folder).map_err(|error| error.to_string()).and_then(|clone| {
            let named = named(&clone, locked, contents)?;
            let stand = clone.stand().map_or_else(|_| "?".to_owned(), |stand| stand.to_string());
            let commit = named.commit.to_string();
            let key =
                [&contents.archive.facts.sha256[..], &commit, &stand, &as_of.to_string()].join(" ");
            if let Some(facts) = kept.get::<RepositoryFacts>(COMPARED, &key, version()) {
                return Ok(facts);
            }
            let bytes = match archive() {
                Measured::Known(bytes) => bytes,
                Measured::Unknown(why) => return Err(why),
            };
            let case = Case {
                clone,
                named,
                locked,
                archive: &bytes,
                contents,
                place: &self.place,
                address: &address,
                until,
            };
            let facts = case.against()?;
            if is_settled(&facts) {
                kept.put(COMPARED, &key, version(), &facts);
            }
            Ok(facts)
        });
        told.map_or_else(|why| Measured::Unknown(shown(&why)), Measured::Known)
    }
}

/// The version under which results are kept: the code that measures is part of it.
fn version() -> u64 {
    let code = u64::from_str_radix(env!("CUSTODY_MEASURING_CODE"), 16);
    code.expect("the build writes a number").wrapping_add(VERSION)
}

/// Whether nothing outside the key could change the answer: the clones of submodules are not part of it.
fn is_settled(facts: &RepositoryFacts) -> bool {
    let needs_others = facts.explained_by.iter().any(|by| by.how == "submodule");
    !needs_others
        && facts.history.known().is_some()
        && facts.unexplained.iter().all(|file| file.explained.known().is_some())
}

/// The commit that the archive names, else that of its version's tag.
fn named(clone: &Repository, locked: &Locked, contents: &Contents) -> Result<Named, String> {
    let vcs = &contents.archive.facts.vcs;
    if let Some(commit) = vcs.sha1.known().and_then(|hex| ObjectId::from_hex(hex)) {
        let folder = vcs.path_in_vcs.known().map(|path| path.replace('\\', "/"));
        return Ok(Named { commit, folder, by: "record" });
    }
    let tag = version_tag(clone, &locked.name, &locked.version);
    let tag = tag.map_err(|error| error.to_string())?;
    let commit = tag.and_then(|tag| tag.commit);
    let commit =
        commit.ok_or("the archive names no commit, and no tag of the clone names its version")?;
    Ok(Named { commit, folder: None, by: "tag" })
}

fn address(contents: &Contents) -> Option<Address> {
    Address::parse(contents.archive.facts.manifest.known()?.repository.as_deref()?)
}

/// The last second of a day, since 1970.
pub(in crate::collectors) fn end_of(day: Date) -> Option<i64> {
    let end = day.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(end.timestamp().as_second())
}
