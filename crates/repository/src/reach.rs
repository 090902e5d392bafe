//! From where a commit can be reached: the default branch, another branch or tag, or only the head of
//! somebody's request, which a host serves from the main repository, too.
//!
//! A clone that was fetched for one commit alone holds little of its history. Where the branches were asked for
//! what happened since that commit ([`ASKED`] says so), what is not met there is not reached: a commit is younger
//! than those that lead to it only where somebody's clock was wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate_read::git_objects::{self, Kind, ObjectId};

use crate::{ReadError, Repository};

/// Most commits that are walked.
const COMMITS_LIMIT: usize = 2_000_000;
/// Most tags of tags.
const HOPS_LIMIT: usize = 8;
/// References to commits that were fetched by their names alone.
const FETCHED: &str = "refs/custody/";
/// The default branch, as it was fetched.
const DEFAULT: &str = "refs/custody/HEAD";
/// Below it stands a reference to each commit since which branches, and where these do not lead to it tags, were
/// fetched.
pub const ASKED: &str = "refs/custody/asked/";

/// From where a commit can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The default branch has it.
    DefaultBranch,
    /// Another branch, or a tag.
    OtherReference,
    /// Only the head of a pull or merge request.
    RequestOnly,
    /// It is there and nothing leads to it.
    Nothing,
    /// The clone has it not.
    Absent,
}

/// Classes of a repository's commits, told for many commits at once.
#[derive(Debug)]
pub struct ReachWalk {
    wanted: BTreeMap<ObjectId, Reach>,
    asked: BTreeSet<ObjectId>,
    /// Commits whose parents should be here and are not: then nothing is said of what is not reached.
    pub complete: bool,
}

impl ReachWalk {
    /// Walks from the references until each wanted commit is met, or nothing is left.
    pub fn of(repository: &Repository, wanted: &[ObjectId]) -> Result<Self, ReadError> {
        let references = repository.references()?;
        let default = repository.default_branch()?;
        let mut stages: [Vec<ObjectId>; 3] = Default::default();
        let (mut complete, mut asked) = (!repository.is_shallow(), BTreeSet::new());
        for (name, id) in references {
            if name.starts_with(ASKED) {
                asked.insert(*id);
            }
            // What was fetched by its name alone says nothing of branches, and is not all there is.
            if name.starts_with(FETCHED) && name != DEFAULT {
                complete = false;
                continue;
            }
            let stage = if Some(name) == default.as_ref() || name == DEFAULT {
                0
            } else if is_request(name) {
                2
            } else {
                1
            };
            stages[stage].push(*id);
        }
        let mut walk = Self { wanted: BTreeMap::new(), asked, complete };
        let mut open: BTreeSet<ObjectId> = wanted.iter().copied().collect();
        let mut seen = BTreeSet::new();
        let classes = [Reach::DefaultBranch, Reach::OtherReference, Reach::RequestOnly];
        for (starts, class) in stages.into_iter().zip(classes) {
            walk.stage(repository, starts, class, &mut open, &mut seen)?;
        }
        for id in open {
            let here = repository.objects().read(&id)?.is_some_and(|o| o.kind == Kind::Commit);
            walk.wanted.insert(id, if here { Reach::Nothing } else { Reach::Absent });
        }
        Ok(walk)
    }

    fn stage(
        &mut self,
        repository: &Repository,
        starts: Vec<ObjectId>,
        class: Reach,
        open: &mut BTreeSet<ObjectId>,
        seen: &mut BTreeSet<ObjectId>,
    ) -> Result<(), ReadError> {
        let mut queue: VecDeque<(ObjectId, usize)> = starts.into_iter().map(|id| (id, 0)).collect();
        while let Some((id, hops)) = queue.pop_front() {
            if open.is_empty() {
                return Ok(());
            }
            if !seen.insert(id) {
                continue;
            }
            if seen.len() > COMMITS_LIMIT {
                return Err(ReadError::Limit { what: "commits", limit: COMMITS_LIMIT as u64 });
            }
            let Some(object) = repository.objects().read(&id)? else {
                self.complete = false;
                continue;
            };
            let damaged = |source| ReadError::Format { what: id.to_string(), source };
            match object.kind {
                Kind::Commit => {
                    if open.remove(&id) {
                        self.wanted.insert(id, class);
                    }
                    let commit = git_objects::commit(&object.bytes).map_err(damaged)?;
                    queue.extend(commit.parents.into_iter().map(|parent| (parent, 0)));
                }
                Kind::Tag if hops < HOPS_LIMIT => {
                    let target = git_objects::tag_target(&object.bytes).map_err(damaged)?;
                    queue.push_back((target, hops + 1));
                }
                Kind::Tag | Kind::Tree | Kind::Blob => {}
            }
        }
        Ok(())
    }

    /// Whether it is known where a commit is not reached from.
    #[must_use]
    pub fn is_settled(&self, id: &ObjectId) -> bool {
        self.complete || self.asked.contains(id)
    }

    /// The class of a commit that was wanted.
    #[must_use]
    pub fn class(&self, id: &ObjectId) -> Option<Reach> {
        self.wanted.get(id).copied()
    }
}

/// References that a host makes for what strangers hand in.
fn is_request(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    parts.iter().any(|part| matches!(*part, "pull" | "merge-requests" | "pr"))
}
