//! One archive against one commit of its clone, put into facts.

use std::collections::BTreeMap;

use custody_repository::history::History;
use custody_repository::{
    Address, ArchiveFile, Compared, FileOutcome, Neighbours, ObjectId, Place, Reach, ReachWalk,
    ReadError, Repository, compare, main_line_with, nearer_folders, version_tag,
};

use super::facts::{HistoryFacts, NearestFacts, RepositoryFacts, TagFacts};
use super::standing::is_lost;
use super::{Crate, history};
use crate::collectors::archive::{self, BenignProfiles, ListedFile, Observer};
use crate::domain::Measured;
use crate::domain::text::shown;
use crate_read::file_kind::FileClass;

/// Most commits of the main line that are tried in place of one that is lost.
const LINE_TRIED: usize = 20;

/// Which commit an archive is compared with.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) commit: ObjectId,
    /// Another one that the archive's record names.
    pub(super) instead: Option<ObjectId>,
    /// The folder of the crate, where it is told.
    pub(super) folder: Option<String>,
    /// Who names it.
    pub(super) by: &'static str,
}

/// One archive and its clone.
pub(super) struct Case<'a> {
    pub(super) clone: &'a Repository,
    pub(super) named: Named,
    pub(super) of: &'a Crate<'a>,
    pub(super) archive: &'a [u8],
    pub(super) place: &'a Place,
    pub(super) address: Address,
    pub(super) until: i64,
}

/// Files of an archive, hashed as git hashes them.
#[derive(Default)]
pub(super) struct Hashed(pub(super) BTreeMap<String, (ArchiveFile, FileClass)>);

impl Observer for Hashed {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        self.0.insert(file.path.clone(), (ArchiveFile::new(&file.path, bytes), file.class));
    }
}

impl Case<'_> {
    /// The facts, or why there are none.
    pub(super) fn against(&self) -> Result<RepositoryFacts, String> {
        let mut hashed = Hashed::default();
        self.look(&mut hashed)?;
        let told = self.chosen(&hashed).and_then(|named| match self.compared(&named, &hashed)? {
            Some(facts) => Ok(Some(facts)),
            None => self.absent(&hashed),
        });
        told.map_err(|error| error.to_string())?
            .ok_or_else(|| "the clone has not the commit that the archive names".to_owned())
    }

    /// The commit that the registry verified, unless the archive's own explains what that one does not, comes
    /// after it and is led to by a branch or tag: a workflow commits the version before it publishes.
    fn chosen(&self, hashed: &Hashed) -> Result<Named, ReadError> {
        let Some(record) = self.named.instead else { return Ok(self.named.clone()) };
        let recorded = Named { commit: record, by: "record", ..self.named.clone() };
        let explains = |named: &Named| {
            let compared = self.against_commit(named, hashed)?;
            Ok(compared.is_some_and(|compared| is_explained(&compared)))
        };
        if explains(&self.named)? || !explains(&recorded)? {
            return Ok(self.named.clone());
        }
        let is_reached = matches!(
            self.reach(&record).known().map(String::as_str),
            Some("default-branch" | "other-reference")
        );
        let history = History::of(self.clone, &record, i64::MAX)?;
        let comes_after = history.is_some_and(|history| history.get(&self.named.commit).is_some());
        Ok(if is_reached && comes_after { recorded } else { self.named.clone() })
    }

    /// What is said of a crate whose commit a clone has not that is complete and younger than its release.
    /// Then the tag of the version, or a commit of the main line with the same manifest, may explain it all.
    fn absent(&self, hashed: &Hashed) -> Result<Option<RepositoryFacts>, ReadError> {
        let commit = self.named.commit;
        let walk = ReachWalk::of(self.clone, &[commit])?;
        let day = self.of.published.and_then(super::end_of);
        let tag = version_tag(self.clone, &self.of.locked.name, &self.of.locked.version)?;
        // Where the tag of the version is, the clone is no older than the release.
        let is_younger = tag.is_some()
            || day.zip(self.clone.newest()?).is_some_and(|(day, newest)| newest > day);
        if !walk.complete || !is_younger || walk.class(&commit) != Some(Reach::Absent) {
            return Ok(None);
        }
        let at =
            |commit| Named { commit, instead: None, by: "tag", folder: self.named.folder.clone() };
        let tagged = tag.as_ref().and_then(|tag| tag.commit).map(at);
        let compared = match &tagged {
            Some(tagged) => self.against_commit(tagged, hashed)?,
            None => None,
        };
        let is_tagged = compared.is_some_and(|compared| is_explained(&compared));
        let mut is_elsewhere = is_tagged;
        if let (false, Some(author)) = (is_elsewhere, hashed.0.get("Cargo.toml.orig")) {
            let folder = self.named.folder.as_deref().unwrap_or_default();
            for commit in main_line_with(self.clone, folder, &author.0, LINE_TRIED)? {
                let compared = self.against_commit(&at(commit), hashed)?;
                is_elsewhere |= compared.is_some_and(|compared| is_explained(&compared));
            }
        }
        let nearest = if is_elsewhere {
            Measured::Known(NearestFacts::default())
        } else {
            self.nearest(day.unwrap_or(i64::MAX), hashed)?
        };
        let why = "a complete clone of its repository has not the commit that it was made from";
        Ok(Some(RepositoryFacts {
            name: self.address.folder_name(),
            commit: commit.to_string(),
            named_by: self.named.by.to_owned(),
            folder_elsewhere: Measured::Known(is_elsewhere),
            tag: Measured::Known(TagFacts {
                name: tag.as_ref().map(|tag| shown(&tag.name)).unwrap_or_default(),
                commit: tag
                    .as_ref()
                    .and_then(|tag| tag.commit)
                    .map(|commit| commit.to_string())
                    .unwrap_or_default(),
                agrees: match (&tag, is_tagged) {
                    (None, _) => "",
                    (Some(_), true) => "folder",
                    (Some(_), false) => "differs",
                }
                .to_owned(),
            }),
            reach: Measured::Known("absent".to_owned()),
            same: 0,
            explained: 0,
            explained_by: Vec::new(),
            unexplained: Measured::unknown(why),
            left_out: 0,
            nearest,
            nearer_folders: Measured::unknown(why),
            history: Measured::unknown(why),
        }))
    }

    pub(super) fn against_commit(
        &self,
        named: &Named,
        hashed: &Hashed,
    ) -> Result<Option<Compared>, ReadError> {
        let files: Vec<ArchiveFile> = hashed.0.values().map(|(file, _)| file.clone()).collect();
        let neighbours = Some(Neighbours { place: self.place, address: &self.address });
        compare(self.clone, &named.commit, named.folder.as_deref(), &files, neighbours)
    }

    pub(super) fn look(&self, observer: &mut dyn Observer) -> Result<(), String> {
        let (name, version) = (&self.of.locked.name, &self.of.locked.version);
        let profiles = BenignProfiles::embedded();
        archive::measure(name, version, self.archive, &profiles, observer)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    fn compared(
        &self,
        named: &Named,
        hashed: &Hashed,
    ) -> Result<Option<RepositoryFacts>, ReadError> {
        let Named { commit, by, .. } = named;
        let Some(compared) = self.against_commit(named, hashed)? else { return Ok(None) };
        let reach = self.reach(commit);
        let told = history::history(self.clone, commit, &compared, self.of.contents, self.until);
        let told: Measured<HistoryFacts> =
            told.map_or_else(|error| Measured::Unknown(shown(&error.to_string())), Measured::Known);
        let tag = self.tag(commit, &compared.folder);
        let elsewhere = self.folder_elsewhere(commit, &reach, &tag, &compared.folder);
        let nearest = if is_lost(&reach) && elsewhere.known() == Some(&false) {
            let made = self.clone.objects().commit(commit)?.map_or(i64::MAX, |made| made.committed);
            self.nearest(made, hashed)?
        } else {
            Measured::Known(NearestFacts::default())
        };
        let name = &self.of.locked.name;
        let nearer: Measured<Vec<String>> =
            match nearer_folders(self.clone, commit, &compared.folder, name) {
                Ok(found) => Measured::Known(found.iter().map(|folder| shown(folder)).collect()),
                Err(error) => Measured::Unknown(shown(&error.to_string())),
            };
        let mut facts = RepositoryFacts {
            name: self.address.folder_name(),
            commit: commit.to_string(),
            named_by: (*by).to_owned(),
            folder_elsewhere: elsewhere,
            tag,
            reach,
            same: 0,
            explained: 0,
            explained_by: Vec::new(),
            unexplained: Measured::Known(Vec::new()),
            left_out: 0,
            nearest,
            nearer_folders: nearer,
            history: told,
        };
        let files = self.files(&mut facts, &compared, hashed);
        facts.unexplained = Measured::Known(files);
        Ok(Some(facts))
    }
}

/// Whether everything of an archive is explained.
pub(super) fn is_explained(compared: &Compared) -> bool {
    compared.files.values().all(|outcome| matches!(outcome, FileOutcome::Explained(_)))
}
