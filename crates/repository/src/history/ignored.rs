//! Patterns by which a commit newly keeps build inputs out of version control.

use std::collections::BTreeSet;

use crate_read::concealment;
use crate_read::git_objects::ObjectId;

use super::diff::changed;
use super::{Change, History};
use crate::{ReadError, Repository};

/// Most contents that are named as lacking.
const NAMED_LIMIT: usize = 20_000;

/// What a commit newly ignores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// These patterns match build inputs, each with its file; often none.
    Patterns(BTreeSet<String>),
    /// It cannot be told, and why.
    Unknown(&'static str),
}

/// The patterns of `.gitignore` files that match build inputs and that a commit brought, against its
/// first parent. What is too large or not in the clone is unknown.
pub fn newly_ignored(
    repository: &Repository,
    history: &History,
    change: &Change,
) -> Result<Ignored, ReadError> {
    let Some(parent) = change.parents.first() else {
        return Ok(Ignored::Patterns(BTreeSet::new()));
    };
    let Some(parent) = history.get(parent) else {
        return Ok(Ignored::Unknown("the clone has not all commits"));
    };
    let (mut found, mut has_contents) = (BTreeSet::new(), true);
    let is_whole = changed(repository, Some(parent.tree), change.tree, &mut |file| {
        if file.name != b".gitignore" {
            return Ok(());
        }
        let now = patterns(repository, &file.path, &file.now)?;
        let old = match file.before {
            Some(id) => patterns(repository, &file.path, &id)?,
            None => Some(BTreeSet::new()),
        };
        match (now, old) {
            (Some(now), Some(old)) => {
                found.extend(now.difference(&old).map(|p| format!("{}: {p}", file.path)));
            }
            _ => has_contents = false,
        }
        Ok(())
    })?;
    Ok(match (is_whole, has_contents) {
        (true, true) => Ignored::Patterns(found),
        (false, _) => Ignored::Unknown("the commit changes too many folders"),
        (_, false) => Ignored::Unknown("the clone has no file contents"),
    })
}

/// The contents of `.gitignore` files, as commits since a time changed them, that the clone has not.
pub fn lacking_patterns(
    repository: &Repository,
    history: &History,
    since: i64,
) -> Result<BTreeSet<ObjectId>, ReadError> {
    let mut lacking = BTreeSet::new();
    for change in history.changes.iter().filter(|change| change.seconds >= since) {
        let parent = change.parents.first().and_then(|parent| history.get(parent));
        let Some(parent) = parent else { continue };
        changed(repository, Some(parent.tree), change.tree, &mut |file| {
            if file.name == b".gitignore" {
                for id in file.before.into_iter().chain([file.now]) {
                    if lacking.len() < NAMED_LIMIT && !repository.objects().has(&id)? {
                        lacking.insert(id);
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(lacking)
}

/// None where the clone has not the file's contents.
fn patterns(
    repository: &Repository,
    path: &str,
    id: &ObjectId,
) -> Result<Option<BTreeSet<String>>, ReadError> {
    let Some(object) = repository.objects().read(id)? else { return Ok(None) };
    let all = concealment::ignored(path, &object.bytes).into_iter();
    Ok(Some(all.map(|pattern| pattern.pattern).collect()))
}
