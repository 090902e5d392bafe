//! How the commit of an archive stands in its repository: what leads to it, the tag of the version, and what the
//! branches have in its place where nothing does.

use custody_repository::history::DAY;
use custody_repository::{
    ASKED, FileOutcome, ObjectId, Reach, ReachWalk, ReadError, folder, main_line_before,
    main_line_has, version_tag,
};

use super::case::{Case, Hashed, Named};
use super::facts::{NearestFacts, TagFacts};
use crate::domain::Measured;
use crate::domain::text::shown;
use crate_read::file_kind::FileClass;

/// Most files of which it is told that the nearest commit does not explain them.
const NEAREST: usize = 50;

/// Whether no branch and no tag leads to a commit.
pub(super) fn is_lost(reach: &Measured<String>) -> bool {
    let lost = ["request-only", "nothing", "absent"];
    reach.known().is_some_and(|reach| lost.contains(&reach.as_str()))
}

impl Case<'_> {
    pub(super) fn reach(&self, commit: &ObjectId) -> Measured<String> {
        let walk = match ReachWalk::of(self.clone, &[*commit]) {
            Ok(walk) => walk,
            Err(error) => return Measured::Unknown(shown(&error.to_string())),
        };
        let word = match walk.class(commit) {
            Some(Reach::DefaultBranch) => "default-branch",
            Some(Reach::OtherReference) => "other-reference",
            _ if !walk.is_settled(commit) => {
                return Measured::unknown("the clone has not all commits");
            }
            Some(Reach::RequestOnly) => "request-only",
            Some(Reach::Nothing | Reach::Absent) | None => "nothing",
        };
        Measured::Known(word.to_owned())
    }

    /// The tag of the version, and how it stands to the commit.
    pub(super) fn tag(&self, at: &ObjectId, path: &str) -> Measured<TagFacts> {
        let (name, version) = (&self.of.locked.name, &self.of.locked.version);
        let told = self.clone.references().and_then(|references| {
            if !references.iter().any(|(name, _)| name.starts_with("refs/tags/")) {
                return Ok(Measured::unknown("the clone has no tags"));
            }
            let Some(tag) = version_tag(self.clone, name, version)? else {
                return Ok(Measured::Known(TagFacts::default()));
            };
            let name = shown(&tag.name);
            let Some(commit) = tag.commit else {
                let why = "the clone has not what the tag of the version names";
                return Ok(Measured::unknown(why));
            };
            let agrees = if commit == *at {
                "commit"
            } else {
                let of = |commit: &ObjectId| folder(self.clone, commit, path);
                match (of(&commit)?, of(at)?) {
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
    pub(super) fn folder_elsewhere(
        &self,
        commit: &ObjectId,
        reach: &Measured<String>,
        tag: &Measured<TagFacts>,
        path: &str,
    ) -> Measured<bool> {
        if !is_lost(reach) {
            return Measured::Known(false);
        }
        if tag.known().is_some_and(|tag| tag.agrees == "folder") {
            return Measured::Known(true);
        }
        let told = folder(self.clone, commit, path).and_then(|here| match here {
            Some(here) => main_line_has(self.clone, path, &here, self.asked_since(commit)?),
            None => Ok(Some(false)),
        });
        match told {
            Ok(Some(told)) => Measured::Known(told),
            Ok(None) => Measured::unknown("the main line is too long, or not in the clone"),
            Err(error) => Measured::Unknown(shown(&error.to_string())),
        }
    }

    /// Where branches were fetched for a commit: the time since which they were.
    fn asked_since(&self, commit: &ObjectId) -> Result<Option<i64>, ReadError> {
        let name = format!("{ASKED}{commit}");
        if !self.clone.references()?.iter().any(|(known, _)| *known == name) {
            return Ok(None);
        }
        let commit = self.clone.objects().commit(commit)?;
        Ok(commit.map(|commit| commit.committed.saturating_sub(DAY).max(0)))
    }

    /// What the tag of the version, or else the main line at a time, does not explain of the archive: where nothing
    /// leads to its own commit, this is what a reviewer would have seen.
    pub(super) fn nearest(
        &self,
        until: i64,
        hashed: &Hashed,
    ) -> Result<Measured<NearestFacts>, ReadError> {
        let tag = version_tag(self.clone, &self.of.locked.name, &self.of.locked.version)?;
        let tagged = tag.and_then(|tag| Some((shown(&tag.name), tag.commit?)));
        let found = match tagged {
            Some(found) => Some(found),
            None => main_line_before(self.clone, until)?
                .map(|commit| ("the default branch".to_owned(), commit)),
        };
        let nothing = "the clone has neither a tag of the version nor a default branch";
        let Some((name, commit)) = found else { return Ok(Measured::unknown(nothing)) };
        let named = Named { commit, instead: None, by: "tag", folder: self.named.folder.clone() };
        let compared = match self.against_commit(&named, hashed) {
            Ok(Some(compared)) => compared,
            Ok(None) => return Ok(Measured::unknown(nothing)),
            Err(error) => return Ok(Measured::Unknown(shown(&error.to_string()))),
        };
        let mut files = Vec::new();
        for (path, outcome) in &compared.files {
            if let FileOutcome::Unexplained(why) = outcome {
                let class = hashed.0.get(path).map_or(FileClass::Opaque, |(_, class)| *class);
                files.push(self.file(path, class, Measured::Known(false), why.clone()));
            }
        }
        files.sort_by_key(|file| !file.at_build);
        files.truncate(NEAREST);
        Ok(Measured::Known(NearestFacts { name, commit: commit.to_string(), files }))
    }
}
