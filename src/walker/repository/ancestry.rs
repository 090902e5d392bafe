//! Where two histories part: the newest commit that both have. What a branch brings in is told against that
//! commit; against the tip of the other branch, whatever was merged there meanwhile would count as undone.

use std::collections::{BTreeMap, BinaryHeap};

use super::{Repository, RepositoryError};
use crate_read::git_objects::{Commit, ObjectId};

/// Most commits that are looked at.
const COMMITS_LIMIT: usize = 200_000;

/// The commit that a comparison starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parting {
    /// What the revision itself names.
    pub tip: ObjectId,
    /// The newest commit that it has in common with `HEAD`; the tip where there is none that can be seen.
    pub base: ObjectId,
}

/// Reached from the first side, from the second; below a commit that both have.
const FIRST: u8 = 1;
const SECOND: u8 = 2;
const STALE: u8 = 4;

impl Repository {
    /// Where the history of a revision and that of `HEAD` part. Unrelated histories, and those whose
    /// common part a shallow clone does not have, give the revision itself.
    pub fn parting(&self, revision: &str) -> Result<Parting, RepositoryError> {
        let (tip, _) = self.resolve(revision)?;
        let base = match self.resolve("HEAD") {
            Ok((head, _)) => self.merge_base(tip, head)?.unwrap_or(tip),
            // Nothing is committed here yet.
            Err(RepositoryError::UnknownRevision { .. }) => tip,
            Err(error) => return Err(error),
        };
        Ok(Parting { tip, base })
    }

    /// The newest commit that both have, as `git merge-base` finds it: both histories are walked from
    /// their newest commits on until whatever is left lies below a commit that both have.
    fn merge_base(&self, a: ObjectId, b: ObjectId) -> Result<Option<ObjectId>, RepositoryError> {
        let mut seen: BTreeMap<ObjectId, (u8, Commit)> = BTreeMap::new();
        let mut queue = BinaryHeap::new();
        let mut found: Vec<(i64, ObjectId)> = Vec::new();
        for (id, side) in [(a, FIRST), (b, SECOND)] {
            self.reach(id, side, &mut seen, &mut queue)?;
        }
        let open = |queue: &BinaryHeap<(i64, ObjectId)>,
                    seen: &BTreeMap<ObjectId, (u8, Commit)>| {
            queue.iter().any(|(_, id)| seen.get(id).is_some_and(|(flags, _)| flags & STALE == 0))
        };
        while open(&queue, &seen) {
            let Some((_, id)) = queue.pop() else { break };
            let Some((flags, commit)) = seen.get(&id) else { continue };
            let (mut flags, commit) = (*flags, commit.clone());
            if flags & STALE == 0 && flags & (FIRST | SECOND) == FIRST | SECOND {
                found.push((commit.committed, id));
                flags |= STALE;
            }
            for parent in commit.parents {
                self.reach(parent, flags, &mut seen, &mut queue)?;
            }
            if seen.len() > COMMITS_LIMIT {
                return Ok(None);
            }
        }
        found.retain(|(_, id)| seen.get(id).is_some_and(|(flags, _)| flags & STALE == 0));
        Ok(found.into_iter().max().map(|(_, id)| id))
    }

    /// Marks a commit as reached. One that the clone does not have is where its history ends.
    fn reach(
        &self,
        id: ObjectId,
        flags: u8,
        seen: &mut BTreeMap<ObjectId, (u8, Commit)>,
        queue: &mut BinaryHeap<(i64, ObjectId)>,
    ) -> Result<(), RepositoryError> {
        if let Some((before, commit)) = seen.get_mut(&id) {
            if *before & flags != flags {
                *before |= flags;
                queue.push((commit.committed, id));
            }
            return Ok(());
        }
        let Some(commit) = self.objects.commit(&id)? else { return Ok(()) };
        queue.push((commit.committed, id));
        seen.insert(id, (flags, commit));
        Ok(())
    }
}
