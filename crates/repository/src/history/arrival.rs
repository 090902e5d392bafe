//! Which commit brought a file in the form in which a release has it.

use std::collections::HashMap;

use crate_read::git_objects::{EntryKind, ObjectId};

use super::{Change, History};
use crate::{ReadError, Repository};

/// Most commits that are looked at for one file.
const STEPS_LIMIT: usize = 50_000;
/// Most folders that are remembered for one file.
const KEPT_LIMIT: usize = 200_000;

/// Where a file came from.
#[derive(Clone, Debug)]
pub enum Arrival<'a> {
    /// This commit brought it.
    By(&'a Change),
    /// It was there already at that time, in seconds since 1970, and no further was looked.
    Before(i64),
    /// It cannot be told, and why.
    Unknown(&'static str),
}

/// Looks for where files came from.
#[derive(Debug)]
pub struct Arrivals<'a> {
    repository: &'a Repository,
    history: &'a History,
}

impl<'a> Arrivals<'a> {
    /// In this history.
    #[must_use]
    pub fn new(repository: &'a Repository, history: &'a History) -> Self {
        Self { repository, history }
    }

    /// Follows a file back from a commit to the one that brought these bytes to this path, and no
    /// further back than `since`.
    pub fn of(
        &self,
        commit: &ObjectId,
        path: &str,
        blob: &ObjectId,
        since: i64,
    ) -> Result<Arrival<'a>, ReadError> {
        let mut looker = Looker::new(self.repository, path);
        let Some(mut at) = self.history.get(commit) else {
            return Ok(Arrival::Unknown("the commit is later than the day of the audit"));
        };
        if looker.find(&at.tree)? != Some(*blob) {
            return Ok(Arrival::Unknown("the commit has no such file"));
        }
        for _ in 0..STEPS_LIMIT {
            if at.seconds < since {
                return Ok(Arrival::Before(at.seconds));
            }
            let mut older = None;
            for parent in &at.parents {
                let Some(parent) = self.history.get(parent) else {
                    return Ok(Arrival::Unknown("the clone has not all commits"));
                };
                if looker.find(&parent.tree)? == Some(*blob) {
                    older = Some(parent);
                    break;
                }
            }
            match older {
                Some(parent) => at = parent,
                None => return Ok(Arrival::By(at)),
            }
        }
        Ok(Arrival::Unknown("too many commits lie between"))
    }
}

/// Finds one path in many trees; folders that did not change are looked at once.
struct Looker<'a> {
    repository: &'a Repository,
    parts: Vec<Vec<u8>>,
    kept: HashMap<(ObjectId, usize), Option<ObjectId>>,
}

impl<'a> Looker<'a> {
    fn new(repository: &'a Repository, path: &str) -> Self {
        let parts = path.split('/').map(|part| part.as_bytes().to_vec()).collect();
        Self { repository, parts, kept: HashMap::new() }
    }

    fn find(&mut self, root: &ObjectId) -> Result<Option<ObjectId>, ReadError> {
        let mut way = Vec::new();
        let mut at = *root;
        let mut found = None;
        for depth in 0..self.parts.len() {
            if let Some(known) = self.kept.get(&(at, depth)) {
                found = *known;
                break;
            }
            way.push((at, depth));
            let Some((kind, id)) = self.entry(&at, depth)? else { break };
            let is_last = depth + 1 == self.parts.len();
            match kind {
                EntryKind::Folder if !is_last => at = id,
                EntryKind::File if is_last => found = Some(id),
                _ => break,
            }
        }
        if self.kept.len() < KEPT_LIMIT {
            self.kept.extend(way.into_iter().map(|place| (place, found)));
        }
        Ok(found)
    }

    fn entry(
        &self,
        folder: &ObjectId,
        depth: usize,
    ) -> Result<Option<(EntryKind, ObjectId)>, ReadError> {
        let entries = self.repository.objects().folder(folder)?;
        let entry = entries.into_iter().find(|entry| entry.name == self.parts[depth]);
        Ok(entry.map(|entry| (entry.kind, entry.id)))
    }
}
