//! Whether the archive of a crate is what its repository holds: group `repository`. Compares with clones
//! that lie on this machine; fetches nothing.

pub mod custody;
mod facts;
pub mod fetch;
mod history;

use std::collections::BTreeMap;
use std::path::PathBuf;

use custody_repository::{
    Address, ArchiveFile, Explanation, FileOutcome, Neighbours, ObjectId, Place, Reach, ReachWalk,
    ReadError, Repository, compare,
};
pub use facts::{HistoryFacts, OpaqueArrival, RepositoryFacts, SuccessorFacts, UnexplainedFile};
use jiff::civil::Date;

use super::archive::{self, BenignProfiles, ListedFile, Observer, VcsFacts, role_of};

use super::contents::Contents;
use super::releases::Locked;
use crate::domain::Measured;
use crate::domain::text::shown;
use crate_read::file_kind::FileClass;
use crate_read::rust_source::ReadKind;

/// Name of the group.
pub const GROUP: &str = "repository";
/// Most files that are listed.
const LISTED: usize = 200;

/// Clones on this machine.
pub struct Clones {
    place: Place,
}

/// Files of an archive, hashed as git hashes them.
#[derive(Default)]
struct Hashed(BTreeMap<String, (ArchiveFile, FileClass)>);

impl Observer for Hashed {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        self.0.insert(file.path.clone(), (ArchiveFile::new(&file.path, bytes), file.class));
    }
}

impl Clones {
    /// Looks into the folders that the user named and into what cargo cloned for git dependencies.
    #[must_use]
    pub fn look(named: &[PathBuf], cargo_home: &std::path::Path) -> Self {
        let mut folders = named.to_vec();
        folders.push(cargo_home.join("git").join("db"));
        Self { place: Place::look(&folders) }
    }

    /// Compares one crate with its clone.
    #[must_use]
    pub fn measure(
        &self,
        locked: &Locked,
        contents: &Contents,
        archive: &[u8],
        as_of: Date,
    ) -> Measured<RepositoryFacts> {
        let Some(address) = address(contents) else {
            return Measured::unknown("the manifest names no repository");
        };
        let Some(folder) = self.place.of(&address) else {
            return Measured::unknown("no clone of its repository is in the folders of --repos");
        };
        let vcs = &contents.archive.facts.vcs;
        let Measured::Known(sha1) = &vcs.sha1 else {
            return Measured::unknown("the archive names no commit");
        };
        let Some(commit) = ObjectId::from_hex(sha1) else {
            return Measured::unknown("the archive names no commit");
        };
        let mut hashed = Hashed::default();
        let profiles = BenignProfiles::embedded();
        if let Err(error) =
            archive::measure(&locked.name, &locked.version, archive, &profiles, &mut hashed)
        {
            return Measured::unknown(error.to_string());
        }
        let name = address.folder_name();
        let Some(until) = end_of(as_of) else {
            return Measured::unknown("the day of the audit is beyond what can be counted");
        };
        let case = Case {
            clone: folder,
            commit,
            vcs,
            hashed: &hashed,
            contents,
            neighbours: Neighbours { place: &self.place, address: &address },
            until,
        };
        match case.against() {
            Ok(facts) => facts.map(|facts| RepositoryFacts { name, ..facts }),
            Err(error) => Measured::unknown(shown(&error.to_string())),
        }
    }
}

fn address(contents: &Contents) -> Option<Address> {
    Address::parse(contents.archive.facts.manifest.known()?.repository.as_deref()?)
}

/// The last second of a day, since 1970.
pub(in crate::collectors) fn end_of(day: Date) -> Option<i64> {
    let end = day.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(end.timestamp().as_second())
}

/// One archive and its clone.
struct Case<'a> {
    clone: &'a std::path::Path,
    commit: ObjectId,
    vcs: &'a VcsFacts,
    hashed: &'a Hashed,
    contents: &'a Contents,
    neighbours: Neighbours<'a>,
    until: i64,
}

impl Case<'_> {
    fn against(&self) -> Result<Measured<RepositoryFacts>, ReadError> {
        let folder = self.vcs.path_in_vcs.known().map(|path| path.replace('\\', "/"));
        if folder.as_deref().is_some_and(|path| path.split('/').any(|part| part == "..")) {
            return Ok(Measured::unknown("path_in_vcs leaves the repository"));
        }
        let repository = Repository::open(self.clone)?;
        let files: Vec<ArchiveFile> =
            self.hashed.0.values().map(|(file, _)| file.clone()).collect();
        let neighbours = Some(self.neighbours);
        let compared = compare(&repository, &self.commit, folder.as_deref(), &files, neighbours)?;
        let Some(compared) = compared else {
            return Ok(Measured::unknown("the clone has not the commit that the archive names"));
        };
        let walk = ReachWalk::of(&repository, &[self.commit])?;
        let told =
            history::history(&repository, &self.commit, &compared, self.contents, self.until);
        let told = told.unwrap_or_else(|error| Measured::Unknown(shown(&error.to_string())));
        let mut facts = RepositoryFacts {
            name: String::new(),
            commit: self.commit.to_string(),
            reach: reach(&walk, &self.commit),
            same: 0,
            explained: 0,
            unexplained: Vec::new(),
            left_out: 0,
            history: told,
        };
        for (path, outcome) in compared.files {
            let item = match outcome {
                FileOutcome::Explained(Explanation::Same) => {
                    facts.same += 1;
                    continue;
                }
                FileOutcome::Explained(_) => {
                    facts.explained += 1;
                    continue;
                }
                FileOutcome::Undetermined(why) => {
                    let why = Measured::Unknown(shown(&format!("{path}: {why}")));
                    self.file(path, why, String::new())
                }
                FileOutcome::Unexplained(why) => self.file(path, Measured::Known(false), why),
            };
            if facts.unexplained.len() < LISTED {
                facts.unexplained.push(item);
            } else {
                facts.left_out += 1;
            }
        }
        Ok(Measured::Known(facts))
    }

    fn file(&self, path: String, explained: Measured<bool>, why: String) -> UnexplainedFile {
        let class = self.hashed.0.get(&path).map_or(FileClass::Opaque, |(_, class)| *class);
        let opaque = !matches!(
            class,
            FileClass::Text
                | FileClass::Empty
                | FileClass::Image
                | FileClass::Audio
                | FileClass::Font
                | FileClass::Document
        );
        let at_build =
            self.contents.code.build.files.contains(&path) || read_at_build(self.contents, &path);
        UnexplainedFile { explained, role: role_of(&path), at_build, opaque, why, path }
    }
}

/// Whether code that runs at build time reads a file, by its name, its folder or a pattern.
fn read_at_build(contents: &Contents, path: &str) -> bool {
    let reads = contents.code.build.reads.iter();
    reads.filter(|read| read.at_build && read.kind != ReadKind::Watched).any(|read| {
        let place = read.path.trim_start_matches("./").trim_end_matches('/');
        let inside = || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
        let many = matches!(read.kind, ReadKind::Folder | ReadKind::Glob);
        !place.is_empty() && (path == place || many && inside())
    })
}

fn reach(walk: &ReachWalk, commit: &ObjectId) -> Measured<String> {
    let word = match walk.class(commit) {
        Some(Reach::DefaultBranch) => "default-branch",
        Some(Reach::OtherReference) => "other-reference",
        _ if !walk.complete => return Measured::unknown("the clone has not all commits"),
        Some(Reach::RequestOnly) => "request-only",
        Some(Reach::Nothing | Reach::Absent) | None => "nothing",
    };
    Measured::Known(word.to_owned())
}
