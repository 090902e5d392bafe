//! One archive against one commit of its clone, put into facts.

use std::collections::BTreeMap;

use custody_repository::{
    Address, ArchiveFile, Compared, Explanation, FileOutcome, Kind, Neighbours, ObjectId, Origin,
    Place, Reach, ReachWalk, ReadError, Repository, compare, folder, main_line_has, version_tag,
};

use super::difference::difference;
use super::facts::{ExplainedFiles, HistoryFacts, RepositoryFacts, TagFacts, UnexplainedFile};
use super::history;
use crate::collectors::archive::{self, BenignProfiles, ListedFile, Observer, role_of};
use crate::collectors::contents::Contents;
use crate::collectors::releases::Locked;
use crate::domain::Measured;
use crate::domain::text::shown;
use crate_read::file_kind::FileClass;
use crate_read::rust_source::ReadKind;

/// Most files that are listed.
const LISTED: usize = 200;
/// Most files whose difference is told, and most bytes of one that are kept for it.
const TOLD: usize = 5;
const TOLD_BYTES: usize = 1 << 20;

/// Which commit an archive is compared with.
pub(super) struct Named {
    pub(super) commit: ObjectId,
    /// The folder of the crate, where it is told.
    pub(super) folder: Option<String>,
    /// Who names it.
    pub(super) by: &'static str,
}

/// One archive and its clone.
pub(super) struct Case<'a> {
    pub(super) clone: Repository,
    pub(super) named: Named,
    pub(super) locked: &'a Locked,
    pub(super) archive: &'a [u8],
    pub(super) contents: &'a Contents,
    pub(super) place: &'a Place,
    pub(super) address: &'a Address,
    pub(super) until: i64,
}

/// Files of an archive, hashed as git hashes them.
#[derive(Default)]
struct Hashed(BTreeMap<String, (ArchiveFile, FileClass)>);

impl Observer for Hashed {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        self.0.insert(file.path.clone(), (ArchiveFile::new(&file.path, bytes), file.class));
    }
}

/// The bytes of a few files.
struct Picked<'a> {
    wanted: &'a [String],
    found: BTreeMap<String, Vec<u8>>,
}

impl Observer for Picked<'_> {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        if self.wanted.contains(&file.path) {
            let bytes = &bytes[..bytes.len().min(TOLD_BYTES)];
            self.found.insert(file.path.clone(), bytes.to_vec());
        }
    }
}

impl Case<'_> {
    /// The facts, or why there are none.
    pub(super) fn against(&self) -> Result<RepositoryFacts, String> {
        let leaves = |path: &String| path.split('/').any(|part| part == "..");
        if self.named.folder.as_ref().is_some_and(leaves) {
            return Err("path_in_vcs leaves the repository".to_owned());
        }
        let mut hashed = Hashed::default();
        self.look(&mut hashed)?;
        self.compared(&hashed)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| "the clone has not the commit that the archive names".to_owned())
    }

    fn look(&self, observer: &mut dyn Observer) -> Result<(), String> {
        let (name, version) = (&self.locked.name, &self.locked.version);
        let profiles = BenignProfiles::embedded();
        archive::measure(name, version, self.archive, &profiles, observer)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    fn compared(&self, hashed: &Hashed) -> Result<Option<RepositoryFacts>, ReadError> {
        let files: Vec<ArchiveFile> = hashed.0.values().map(|(file, _)| file.clone()).collect();
        let neighbours = Some(Neighbours { place: self.place, address: self.address });
        let Named { commit, folder, by } = &self.named;
        let compared = compare(&self.clone, commit, folder.as_deref(), &files, neighbours)?;
        let Some(compared) = compared else { return Ok(None) };
        let reach = self.reach();
        let told = history::history(&self.clone, commit, &compared, self.contents, self.until);
        let told: Measured<HistoryFacts> =
            told.map_or_else(|error| Measured::Unknown(shown(&error.to_string())), Measured::Known);
        let tag = self.tag(&compared.folder);
        let mut facts = RepositoryFacts {
            name: self.address.folder_name(),
            commit: commit.to_string(),
            named_by: (*by).to_owned(),
            folder_elsewhere: self.folder_elsewhere(&reach, &tag, &compared.folder),
            tag,
            reach,
            same: 0,
            explained: 0,
            explained_by: Vec::new(),
            unexplained: Vec::new(),
            left_out: 0,
            history: told,
        };
        self.files(&mut facts, &compared, hashed);
        Ok(Some(facts))
    }

    fn files(&self, facts: &mut RepositoryFacts, compared: &Compared, hashed: &Hashed) {
        let mut by: BTreeMap<Explanation, u64> = BTreeMap::new();
        for (path, outcome) in &compared.files {
            let (explained, why) = match outcome {
                FileOutcome::Explained(Explanation::Same) => {
                    facts.same += 1;
                    continue;
                }
                FileOutcome::Explained(how) => {
                    facts.explained += 1;
                    *by.entry(*how).or_default() += 1;
                    continue;
                }
                FileOutcome::Undetermined(why) => {
                    (Measured::Unknown(shown(&format!("{path}: {why}"))), String::new())
                }
                FileOutcome::Unexplained(why) => (Measured::Known(false), why.clone()),
            };
            if facts.unexplained.len() < LISTED {
                let class = hashed.0.get(path).map_or(FileClass::Opaque, |(_, class)| *class);
                facts.unexplained.push(self.file(path, class, explained, why));
            } else {
                facts.left_out += 1;
            }
        }
        let by = by.into_iter();
        facts.explained_by =
            by.map(|(how, files)| ExplainedFiles { how: how.as_str().to_owned(), files }).collect();
        self.differences(facts, compared);
    }

    fn file(
        &self,
        path: &String,
        class: FileClass,
        explained: Measured<bool>,
        why: String,
    ) -> UnexplainedFile {
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
            self.contents.code.build.files.contains(path) || read_at_build(self.contents, path);
        UnexplainedFile {
            explained,
            role: role_of(path),
            at_build,
            opaque,
            why,
            path: path.clone(),
            difference: Vec::new(),
        }
    }

    /// Tells of the first files what differs. The archive is read once more for them.
    fn differences(&self, facts: &mut RepositoryFacts, compared: &Compared) {
        let files = facts.unexplained.iter().filter(|file| file.explained.known().is_some());
        let wanted: Vec<String> = files.take(TOLD).map(|file| file.path.clone()).collect();
        if wanted.is_empty() {
            return;
        }
        let mut picked = Picked { wanted: &wanted, found: BTreeMap::new() };
        if self.look(&mut picked).is_err() {
            return;
        }
        for file in &mut facts.unexplained {
            let Some(bytes) = picked.found.get(&file.path) else { continue };
            match compared.others.get(&file.path) {
                None => file.difference = difference(bytes, None),
                // What the clone has no contents of differs, and nobody can say in what.
                Some(origin) => {
                    if let Some(other) = self.contents_of(origin, compared) {
                        file.difference = difference(bytes, Some(&other));
                    }
                }
            }
        }
    }

    fn contents_of(&self, origin: &Origin, compared: &Compared) -> Option<Vec<u8>> {
        let submodule = origin.submodule.as_ref();
        let objects = match submodule.map(|folder| compared.submodules.get(folder)) {
            None => self.clone.objects(),
            Some(found) => found?.repository().objects(),
        };
        let object = objects.read(&origin.blob).ok()??;
        (object.kind == Kind::Blob).then_some(object.bytes)
    }

    fn reach(&self) -> Measured<String> {
        let commit = self.named.commit;
        let walk = match ReachWalk::of(&self.clone, &[commit]) {
            Ok(walk) => walk,
            Err(error) => return Measured::Unknown(shown(&error.to_string())),
        };
        let word = match walk.class(&commit) {
            Some(Reach::DefaultBranch) => "default-branch",
            Some(Reach::OtherReference) => "other-reference",
            _ if !walk.complete => return Measured::unknown("the clone has not all commits"),
            Some(Reach::RequestOnly) => "request-only",
            Some(Reach::Nothing | Reach::Absent) | None => "nothing",
        };
        Measured::Known(word.to_owned())
    }

    /// The tag of the version, and how it stands to the commit.
    fn tag(&self, path: &str) -> Measured<TagFacts> {
        let (name, version) = (&self.locked.name, &self.locked.version);
        let told = self.clone.references().and_then(|references| {
            if !references.iter().any(|(name, _)| name.starts_with("refs/tags/")) {
                return Ok(Measured::unknown("the clone has no tags"));
            }
            let Some(tag) = version_tag(&self.clone, name, version)? else {
                return Ok(Measured::Known(TagFacts::default()));
            };
            let name = shown(&tag.name);
            let Some(commit) = tag.commit else {
                let why = "the clone has not what the tag of the version names";
                return Ok(Measured::unknown(why));
            };
            let agrees = if commit == self.named.commit {
                "commit"
            } else {
                let of = |commit: &ObjectId| folder(&self.clone, commit, path);
                match (of(&commit)?, of(&self.named.commit)?) {
                    (Some(one), Some(other)) if one == other => "folder",
                    _ => "differs",
                }
            };
            let (commit, agrees) = (commit.to_string(), agrees.to_owned());
            Ok(Measured::Known(TagFacts { name, commit, agrees }))
        });
        told.unwrap_or_else(|error: ReadError| Measured::Unknown(shown(&error.to_string())))
    }

    /// Whether the crate's folder stands elsewhere as it does at a commit that nothing leads to.
    fn folder_elsewhere(
        &self,
        reach: &Measured<String>,
        tag: &Measured<TagFacts>,
        path: &str,
    ) -> Measured<bool> {
        let lost = |reach: &String| matches!(reach.as_str(), "request-only" | "nothing");
        if !reach.known().is_some_and(lost) {
            return Measured::Known(false);
        }
        if tag.known().is_some_and(|tag| tag.agrees == "folder") {
            return Measured::Known(true);
        }
        let told = folder(&self.clone, &self.named.commit, path).and_then(|here| match here {
            Some(here) => main_line_has(&self.clone, path, &here),
            None => Ok(Some(false)),
        });
        match told {
            Ok(Some(told)) => Measured::Known(told),
            Ok(None) => Measured::unknown("the main line is too long, or not in the clone"),
            Err(error) => Measured::Unknown(shown(&error.to_string())),
        }
    }
}

/// Whether code that runs at build time reads a file, by its name, its folder or a pattern.
pub(super) fn read_at_build(contents: &Contents, path: &str) -> bool {
    let reads = contents.code.build.reads.iter();
    reads.filter(|read| read.at_build && read.kind != ReadKind::Watched).any(|read| {
        let place = read.path.trim_start_matches("./").trim_end_matches('/');
        let inside = || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
        let many = matches!(read.kind, ReadKind::Folder | ReadKind::Glob);
        !place.is_empty() && (path == place || many && inside())
    })
}
