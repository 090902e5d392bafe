//! Releases, as tags tell them: who made each, with which key, and after how long a silence.

use std::collections::{BTreeMap, BTreeSet};

use crate_read::git_objects::{self, Kind, ObjectId};

use super::signing::{Signing, signing};
use super::{DAY, History, MONTH, Person};
use crate::{ReadError, Repository};

/// Most tags that are read.
const TAGS_LIMIT: usize = 50_000;
/// Most tags of tags.
const HOPS_LIMIT: usize = 8;
/// From how long ago on somebody's first release no longer makes a newcomer.
const NEWCOMER: i64 = 36 * MONTH;
/// A silence is at least so long.
const SILENCE: i64 = 365 * DAY;

/// One release.
#[derive(Clone, Debug)]
pub struct Release {
    /// The tag, without `refs/tags/`.
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Who made it: the tagger, else who committed what it names. None for machines and hosts, and where
    /// the commit is not at hand.
    pub by: Option<Person>,
    /// When, in seconds since 1970.
    pub seconds: i64,
    /// How the tag is signed.
    pub signing: Signing,
    /// No release before it is signed with this key, and some are signed.
    pub has_new_key: bool,
    /// Nobody knows a release by the same person before it, and there are others.
    pub is_first: bool,
    /// All releases of a year were made by people whose first release is at most 36 months old, and
    /// earlier ones by others. None where it is not known who made one of them.
    pub succession: Option<bool>,
    /// Days since the release before, where that is a year and more.
    pub silence: Option<i64>,
}

/// The releases up to a time, oldest first. People who make them are added to those of the history.
pub fn releases(
    repository: &Repository,
    history: &mut History,
    until: i64,
) -> Result<Vec<Release>, ReadError> {
    let mut all = Vec::new();
    for (name, id) in repository.references()? {
        let Some(name) = name.strip_prefix("refs/tags/").filter(|name| is_version(name)) else {
            continue;
        };
        if all.len() == TAGS_LIMIT {
            return Err(ReadError::Limit { what: "tags", limit: TAGS_LIMIT as u64 });
        }
        all.extend(
            read(repository, history, name, *id)?.filter(|release| release.seconds <= until),
        );
    }
    history.settle();
    for release in &mut all {
        release.by = release.by.map(|person| history.people.lead(person));
    }
    all.sort_by(|a, b| (a.seconds, &a.name).cmp(&(b.seconds, &b.name)));
    tell(&mut all);
    Ok(all)
}

/// `v1.2.3`, `1.2`, `name-1.2.3`, and the like.
fn is_version(name: &str) -> bool {
    name.split(['-', '/', '_', '@', 'v']).any(|part| {
        let mut numbers = part.split('.');
        let is_number = |n: &str| n.starts_with(|c: char| c.is_ascii_digit());
        part.contains('.') && numbers.next().is_some_and(is_number)
    })
}

fn read(
    repository: &Repository,
    history: &mut History,
    name: &str,
    mut id: ObjectId,
) -> Result<Option<Release>, ReadError> {
    let (mut maker, mut signed) = (None, Signing::None);
    for _ in 0..HOPS_LIMIT {
        let Some(object) = repository.objects().read(&id)? else { return Ok(None) };
        let damaged = |source| ReadError::Format { what: id.to_string(), source };
        match object.kind {
            Kind::Tag => {
                if maker.is_none() {
                    maker = git_objects::tagger(&object.bytes);
                    signed = signing(&object.bytes);
                }
                id = git_objects::tag_target(&object.bytes).map_err(damaged)?;
            }
            Kind::Commit => {
                let (_, committer) = git_objects::signatures(&object.bytes).map_err(damaged)?;
                let maker = maker.unwrap_or(committer);
                return Ok(Some(Release {
                    name: name.to_owned(),
                    commit: id,
                    by: history.people.of(&maker),
                    seconds: maker.seconds,
                    signing: signed,
                    has_new_key: false,
                    is_first: false,
                    succession: Some(false),
                    silence: None,
                }));
            }
            Kind::Tree | Kind::Blob => return Ok(None),
        }
    }
    Ok(None)
}

/// Tells of each release what those before it say of it.
fn tell(all: &mut [Release]) {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    let mut firsts: BTreeMap<Person, i64> = BTreeMap::new();
    for at in 0..all.len() {
        let now = all[at].seconds;
        if let Signing::Key(key) = &all[at].signing {
            all[at].has_new_key = !keys.is_empty() && !keys.contains(key);
            keys.insert(key.clone());
        }
        if let Some(by) = all[at].by {
            let others = firsts.len();
            let first = *firsts.entry(by).or_insert(now);
            all[at].is_first = others > 0 && firsts.len() > others && first == now;
        }
        let before = at.checked_sub(1).map(|before| now - all[before].seconds);
        all[at].silence = before.filter(|gap| *gap >= SILENCE).map(|gap| gap / DAY);
        let year = all[..=at].iter().rev().take_while(|release| release.seconds > now - 365 * DAY);
        let makers: Vec<Option<Person>> = year.map(|release| release.by).collect();
        let is_new = |by: &Person| firsts.get(by).is_none_or(|first| *first >= now - NEWCOMER);
        let is_old = |by: &Option<Person>| by.is_some_and(|by| !is_new(&by));
        let had_others = firsts.values().any(|first| *first < now - NEWCOMER);
        all[at].succession = if !had_others || makers.iter().any(is_old) {
            Some(false)
        } else if makers.iter().any(Option::is_none) {
            None
        } else {
            Some(true)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(day: i64, by: Option<Person>, key: Option<&str>) -> Release {
        Release {
            name: day.to_string(),
            commit: ObjectId::from_hex(&"0".repeat(40)).expect("a name"),
            by,
            seconds: day * DAY,
            signing: key.map_or(Signing::None, |key| Signing::Key(key.to_owned())),
            has_new_key: false,
            is_first: false,
            succession: Some(false),
            silence: None,
        }
    }

    #[test]
    fn versions_are_told_from_other_tags() {
        for name in ["v5.6.0", "1.2", "release-1.2.3", "name/v0.1.0", "sys-v0.1.0-rc.1", "a@1.0.0"]
        {
            assert!(is_version(name), "{name}");
        }
        for name in ["latest", "nightly", "before-rewrite", "v", "x86.64"] {
            assert!(!is_version(name), "{name}");
        }
    }

    #[test]
    fn a_succession_needs_a_year_without_the_old_hands() {
        let mut all: Vec<Release> = (0..5).map(|n| release(n * 400, Some(1), None)).collect();
        all.push(release(1_700, Some(2), None));
        all.push(release(1_900, Some(2), None));
        all.push(release(2_000, Some(2), None));
        tell(&mut all);
        let said: Vec<_> = all.iter().map(|release| release.succession).collect();
        let no = Some(false);
        // The founder's last is of day 1,600: a year later nobody else's is left.
        assert_eq!(said, [no, no, no, no, no, no, no, Some(true)]);
        assert!(all[5].is_first && !all[6].is_first && !all[0].is_first);
        assert_eq!(all[1].silence, Some(400));
        assert_eq!(all[5].silence, None);
        // Who made a release is not told: neither is the succession.
        all[6].by = None;
        tell(&mut all);
        assert_eq!(all[7].succession, None);
    }

    #[test]
    fn a_key_is_new_where_others_were_known() {
        let mut all = vec![
            release(1, Some(1), Some("A")),
            release(2, Some(1), None),
            release(3, Some(1), Some("A")),
            release(4, Some(2), Some("B")),
            release(5, Some(2), Some("B")),
        ];
        tell(&mut all);
        let new: Vec<bool> = all.iter().map(|release| release.has_new_key).collect();
        assert_eq!(new, [false, false, false, true, false]);
    }
}
