//! Group `model_custody`: who commits to a model's repository, since when, and who is new.
//!
//! The Hub tells an account a commit and no signature. An account is new with its first commit to this
//! repository; what it touched is told by the files whose last commit is its own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collectors::hub::HubFile;
use crate::domain::Measured;
use model_scan::hub::Commit;

/// Name of the group.
pub const GROUP: &str = "model_custody";
/// Longest time for which an account counts as new, in days.
pub const NEW_DAYS: i64 = 730;
/// Most entries of one list.
const LISTED: usize = 2_000;
/// Accounts of the Hub's own machinery: the first commit of every repository is by `system`.
const MACHINES: [&str; 2] = ["system", "huggingface-bot"];

/// Who commits to a model's repository.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct ModelCustodyFacts {
    /// The namespace that owns the repository; empty for the Hub's oldest models.
    pub namespace: String,
    /// `organization` or `user`. Source: the Hub's overviews.
    pub namespace_kind: Measured<String>,
    /// Whether the Hub has verified the organisation.
    pub verified: Measured<bool>,
    /// Age of the namespace in days, where the Hub tells it.
    pub namespace_days: Measured<i64>,
    /// Whether the namespace is younger than the oldest commit: a name that was freed and taken again.
    pub namespace_younger_than_history: Measured<bool>,
    /// Number of commits that were listed.
    pub commits: Measured<u32>,
    /// Whether that is the whole history.
    pub history_complete: Measured<bool>,
    /// Accounts that committed, ordered by name; at most 2,000.
    pub committers: Measured<Vec<Committer>>,
    /// Accounts whose first commit is at most 730 days old and came after somebody else's, newest
    /// first; at most 2,000. Unknown where the history is not complete.
    pub newcomers: Measured<Vec<Newcomer>>,
    /// Days since the last commit.
    pub last_commit_days: Measured<i64>,
}

/// One account that committed.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct Committer {
    /// Login on the Hub, or the name in git.
    pub account: String,
    /// Number of its commits.
    pub commits: u32,
    /// Days since its first one.
    pub first_days: i64,
    /// Days since its last one.
    pub last_days: i64,
}

/// One account that is new.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// Login on the Hub, or the name in git.
    pub account: String,
    /// Its first commit.
    pub commit: String,
    /// Days since that commit.
    pub days: i64,
    /// Days without any commit before it.
    pub silence_days: i64,
    /// Whether a weight file was last changed by it.
    pub weights: bool,
    /// Whether a code file was last changed by it.
    pub code: bool,
    /// Those weight and code files, by path; at most 2,000.
    pub files: Vec<String>,
}

/// The commits that were listed, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Commits.
    pub commits: Vec<Commit>,
    /// Whether these are all.
    pub complete: bool,
}

/// Days from an RFC 3339 moment to a day; negative where it is later.
pub(crate) fn days_before(moment: &str, as_of: Date) -> Option<i64> {
    let date = moment.parse::<Timestamp>().ok()?.to_zoned(TimeZone::UTC).date();
    Some(date.duration_until(as_of).as_secs() / 86_400)
}

/// First author of a commit that is no machine.
fn person(commit: &Commit) -> Option<&str> {
    let authors = commit.authors.iter().filter_map(|author| author.user.as_deref());
    authors.into_iter().find(|user| !MACHINES.contains(user))
}

/// A commit with a person and a day that counts.
struct Dated<'a> {
    account: &'a str,
    id: &'a str,
    days: i64,
}

/// Reads the facts off a history. `files` tell what each account touched last.
#[must_use]
pub fn measure(
    id: &str,
    history: &Measured<History>,
    files: &Measured<Vec<HubFile>>,
    as_of: Date,
) -> ModelCustodyFacts {
    let namespace = id.split_once('/').map_or("", |(owner, _)| owner);
    let unasked = "the namespace was not asked about";
    let facts = ModelCustodyFacts {
        namespace: namespace.to_owned(),
        namespace_kind: Measured::unknown(unasked),
        verified: Measured::unknown(unasked),
        namespace_days: Measured::unknown(unasked),
        namespace_younger_than_history: Measured::unknown(unasked),
        commits: history.as_ref().map(|h| u32::try_from(h.commits.len()).unwrap_or(u32::MAX)),
        history_complete: history.as_ref().map(|h| h.complete),
        committers: Measured::unknown(""),
        newcomers: Measured::unknown(""),
        last_commit_days: Measured::unknown(""),
    };
    let history = match history {
        Measured::Known(history) => history,
        Measured::Unknown(reason) => {
            let no = || reason.clone();
            return ModelCustodyFacts {
                committers: Measured::Unknown(no()),
                newcomers: Measured::Unknown(no()),
                last_commit_days: Measured::Unknown(no()),
                ..facts
            };
        }
    };
    let dated = dated(history, as_of);
    let last = dated.first().map(|commit| commit.days);
    ModelCustodyFacts {
        committers: Measured::Known(committers(&dated)),
        newcomers: if history.complete {
            newcomers(&dated, files)
        } else {
            Measured::unknown("the Hub lists more commits than were asked for")
        },
        last_commit_days: last
            .map_or_else(|| Measured::unknown("no commit has a day"), Measured::Known),
        ..facts
    }
}

/// Commits of people up to the day, newest first as the Hub lists them.
fn dated(history: &History, as_of: Date) -> Vec<Dated<'_>> {
    let commits = history.commits.iter().filter_map(|commit| {
        let days = days_before(commit.date.as_deref()?, as_of)?;
        (days >= 0).then_some(Dated { account: person(commit)?, id: &commit.id, days })
    });
    commits.collect()
}

fn committers(dated: &[Dated<'_>]) -> Vec<Committer> {
    let mut all: BTreeMap<&str, Committer> = BTreeMap::new();
    for commit in dated {
        let entry = all.entry(commit.account).or_insert_with(|| Committer {
            account: commit.account.to_owned(),
            commits: 0,
            first_days: commit.days,
            last_days: commit.days,
        });
        entry.commits += 1;
        entry.first_days = entry.first_days.max(commit.days);
        entry.last_days = entry.last_days.min(commit.days);
    }
    all.into_values().take(LISTED).collect()
}

/// Accounts whose first commit came after somebody else's and is at most [`NEW_DAYS`] old.
fn newcomers(dated: &[Dated<'_>], files: &Measured<Vec<HubFile>>) -> Measured<Vec<Newcomer>> {
    let files = match files {
        Measured::Known(files) => files,
        Measured::Unknown(reason) => return Measured::Unknown(reason.clone()),
    };
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut before: Option<&Dated<'_>> = None;
    let mut found = Vec::new();
    // From the oldest on.
    for commit in dated.iter().rev() {
        let first = seen.insert(commit.account);
        if let Some(before) = before
            && first
            && commit.days <= NEW_DAYS
        {
            let of_account = |file: &&HubFile| {
                (file.weights || file.code || file.format == "pickle")
                    && file.account.known().is_some_and(|account| account == commit.account)
            };
            let touched: Vec<&HubFile> = files.iter().filter(of_account).collect();
            found.push(Newcomer {
                account: commit.account.to_owned(),
                commit: commit.id.to_owned(),
                days: commit.days,
                silence_days: before.days - commit.days,
                weights: touched.iter().any(|file| file.weights),
                code: touched.iter().any(|file| file.code),
                files: touched.iter().take(LISTED).map(|file| file.path.clone()).collect(),
            });
        }
        before = Some(commit);
    }
    found.reverse();
    found.truncate(LISTED);
    Measured::Known(found)
}

/// The commit before a newcomer's first one.
pub(crate) fn commit_before<'h>(history: &'h History, commit: &str) -> Option<&'h Commit> {
    let at = history.commits.iter().position(|one| one.id == commit)?;
    history.commits.get(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_scan::hub::Author;

    const AS_OF: Date = jiff::civil::date(2026, 1, 1);

    fn history(commits: &[(&str, &str)]) -> Measured<History> {
        let commits = commits.iter().enumerate().map(|(at, (user, date))| Commit {
            id: at.to_string(),
            title: None,
            authors: vec![Author { user: Some((*user).to_owned()) }],
            date: Some(format!("{date}T00:00:00.000Z")),
        });
        Measured::Known(History { commits: commits.collect(), complete: true })
    }

    fn file(path: &str, account: &str) -> HubFile {
        HubFile {
            path: path.to_owned(),
            size: Measured::Known(1),
            sha256: Measured::unknown("x"),
            blob: Measured::unknown("x"),
            format: "pickle".to_owned(),
            weights: true,
            code: false,
            account: Measured::Known(account.to_owned()),
            changed_days: Measured::Known(1),
        }
    }

    #[test]
    fn an_account_after_a_long_silence_is_new_and_the_founder_is_not() {
        let history = history(&[
            ("eve", "2025-12-01"),
            ("ann", "2023-01-02"),
            ("ann", "2023-01-01"),
            ("system", "2022-12-31"),
        ]);
        let files = Measured::Known(vec![file("pytorch_model.bin", "eve")]);
        let facts = measure("o/n", &history, &files, AS_OF);
        let newcomers = facts.newcomers.known().unwrap();
        assert_eq!(newcomers.len(), 1);
        let eve = &newcomers[0];
        assert_eq!(
            (eve.account.as_str(), eve.days, eve.silence_days, eve.weights),
            ("eve", 31, 1064, true)
        );
        assert_eq!(facts.committers.known().unwrap().len(), 2);
        assert_eq!(facts.last_commit_days, Measured::Known(31));
    }

    #[test]
    fn a_team_that_always_commits_has_no_newcomer_of_today_with_silence() {
        let history = history(&[
            ("bob", "2025-12-01"),
            ("ann", "2025-11-30"),
            ("bob", "2022-01-01"),
            ("ann", "2021-01-01"),
        ]);
        let facts = measure("o/n", &history, &Measured::Known(Vec::new()), AS_OF);
        assert_eq!(facts.newcomers, Measured::Known(Vec::new()));
    }

    #[test]
    fn what_is_later_than_the_day_does_not_count_and_half_a_history_tells_no_newcomer() {
        let later = history(&[("eve", "2026-02-01"), ("ann", "2023-01-01")]);
        let facts = measure("o/n", &later, &Measured::Known(Vec::new()), AS_OF);
        assert_eq!(facts.newcomers, Measured::Known(Vec::new()));
        let half = later.map(|h| History { complete: false, ..h });
        let facts = measure("o/n", &half, &Measured::Known(Vec::new()), AS_OF);
        assert!(facts.newcomers.known().is_none());
        let nothing = Measured::unknown("not asked: the run is offline");
        let facts = measure("gpt2", &nothing, &Measured::unknown("x"), AS_OF);
        assert!(facts.committers.known().is_none() && facts.namespace.is_empty());
    }
}
