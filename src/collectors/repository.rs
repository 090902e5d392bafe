//! Whether the archive of a crate is what its repository holds: group `repository`. Compares with clones
//! that lie on this machine; fetches nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use custody_repository::{
    Address, ArchiveFile, Explanation, FileOutcome, ObjectId, Place, Reach, ReachWalk, Repository,
    compare,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::{self, BenignProfiles, FileRole, ListedFile, Observer, VcsFacts, role_of};
use super::crates::Contents;
use super::releases::Locked;
use crate::domain::Measured;
use crate::domain::text::shown;
use crate_read::file_kind::FileClass;

/// Name of the group.
pub const GROUP: &str = "repository";
/// Most files that are listed.
const LISTED: usize = 200;

/// Group `repository`: the archive against the commit that it names. Absent where no clone was looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryFacts {
    /// Owner and name of the repository whose clone was read, from the manifest; joined by `+`.
    pub name: String,
    /// Commit that the archive names, 40 hexadecimal digits; from `.cargo_vcs_info.json`.
    pub commit: String,
    /// From where that commit can be reached: `default-branch`, `other-reference` (a branch or tag),
    /// `request-only` (the head of a pull or merge request), `nothing`. Unknown where the clone is shallow.
    pub reach: Measured<String>,
    /// Files with the same bytes under the same path, links and submodules apart.
    pub same: u64,
    /// Files explained otherwise: through a link, by line ends, as a licence from elsewhere, by an LFS
    /// pointer, as made by cargo.
    pub explained: u64,
    /// Files that nothing in the commit explains, in order, at most 200. A file that could not be compared
    /// is an unknown item.
    pub unexplained: Vec<Measured<UnexplainedFile>>,
    /// Further such files.
    pub left_out: u64,
}

/// A file of the archive that the commit does not explain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnexplainedFile {
    /// Path below the archive's root folder.
    pub path: String,
    /// What part it plays, from its path.
    pub role: FileRole,
    /// It is code that runs at build time, or is read by such code.
    pub at_build: bool,
    /// Its bytes are no text, picture, sound, font or document.
    pub opaque: bool,
    /// What was found instead, in a few words.
    pub why: String,
}

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
        match against(folder, &commit, vcs, &hashed, contents) {
            Ok(facts) => facts.map(|facts| RepositoryFacts { name, ..facts }),
            Err(error) => Measured::unknown(shown(&error.to_string())),
        }
    }
}

fn address(contents: &Contents) -> Option<Address> {
    Address::parse(contents.archive.facts.manifest.known()?.repository.as_deref()?)
}

fn against(
    clone: &std::path::Path,
    commit: &ObjectId,
    vcs: &VcsFacts,
    hashed: &Hashed,
    contents: &Contents,
) -> Result<Measured<RepositoryFacts>, custody_repository::ReadError> {
    let folder = vcs.path_in_vcs.known().map(|path| path.replace('\\', "/"));
    if folder.as_deref().is_some_and(|path| path.split('/').any(|part| part == "..")) {
        return Ok(Measured::unknown("path_in_vcs leaves the repository"));
    }
    let repository = Repository::open(clone)?;
    let files: Vec<ArchiveFile> = hashed.0.values().map(|(file, _)| file.clone()).collect();
    let Some(compared) = compare(&repository, commit, folder.as_deref(), &files)? else {
        return Ok(Measured::unknown("the clone has not the commit that the archive names"));
    };
    let walk = ReachWalk::of(&repository, &[*commit])?;
    let mut facts = RepositoryFacts {
        name: String::new(),
        commit: commit.to_string(),
        reach: reach(&walk, commit),
        same: 0,
        explained: 0,
        unexplained: Vec::new(),
        left_out: 0,
    };
    for (path, outcome) in compared {
        let item = match outcome {
            FileOutcome::Explained(Explanation::Same) => {
                facts.same += 1;
                continue;
            }
            FileOutcome::Explained(_) => {
                facts.explained += 1;
                continue;
            }
            FileOutcome::Undetermined(why) => Measured::unknown(format!("{path}: {why}")),
            FileOutcome::Unexplained(why) => Measured::Known(file(path, why, hashed, contents)),
        };
        if facts.unexplained.len() < LISTED {
            facts.unexplained.push(item);
        } else {
            facts.left_out += 1;
        }
    }
    Ok(Measured::Known(facts))
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

fn file(path: String, why: String, hashed: &Hashed, contents: &Contents) -> UnexplainedFile {
    let class = hashed.0.get(&path).map_or(FileClass::Opaque, |(_, class)| *class);
    let opaque = !matches!(
        class,
        FileClass::Text
            | FileClass::Empty
            | FileClass::Image
            | FileClass::Audio
            | FileClass::Font
            | FileClass::Document
    );
    let build = &contents.code.build;
    let read = build.reads.iter().any(|read| read.path.trim_start_matches("./") == path);
    let at_build = build.files.contains(&path) || read;
    UnexplainedFile { role: role_of(&path), at_build, opaque, why, path }
}
