//! Group `newcomers`: accounts that came to several crates of the graph within three months, and how many of these
//! crates had nothing to do with each other before.
//!
//! Whoever publishes a settled crate for the first time came to it, whatever the list of owners says today: nobody
//! publishes without a key, and a row that is gone, or a team's, tells of nobody. Whoever was made its owner came
//! to it, too, before any release: the key is in his hand, and a workflow of his can publish without his name.
//!
//! Seen only across crates, from the histories and events of all of them. A bot of a project, or a colleague
//! who takes over a family of crates, comes to many at once, too: crates count as related where an account
//! held or published both a year before the newcomer came. Accounts that came with the newcomer, or were sent
//! ahead, prove nothing. Measures and does not judge.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

use super::event::{CustodyEvent, EventKind};
use super::facts::CustodyFacts;
use super::history::{Account, AccountId, AccountKind, History, Who, date, days_between};

/// Name of the group.
pub const NEWCOMERS_GROUP: &str = "newcomers";
/// Crates that an account came to within so many days count together: a quarter of a year. Six weeks could be waited
/// out between one crate and the next.
const DAYS: i64 = 92;
/// A crate is old enough for a newcomer to be news from this age on, and whoever held it for so long before one came
/// is no helper of his, in days.
const SETTLED_DAYS: i64 = 365;
/// Most crates of one account that are compared with each other, and listed.
const CRATES_LIMIT: usize = 100;

/// An account that came to several crates of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Newcomer {
    /// Its login. A string of strangers. Source: dump.
    pub who: String,
    /// Age of the account in days when it came to the first of these crates. Source: dump or API.
    pub account_age_days: Measured<i64>,
    /// The crates, a year old or older, that it published for the first time, or became owner of without a release,
    /// within 92 days, by name, at most 100. Source: group `custody` of all of them.
    pub crates: Vec<String>,
    /// How many groups these crates form in which no account held or published a crate of two groups
    /// a year before the newcomer came. Source: owners and publishers of all of them.
    pub unrelated: u32,
    /// Day on which it came to the first of them, `YYYY-MM-DD`.
    pub from: String,
    /// Day on which it came to the last of them, `YYYY-MM-DD`.
    pub to: String,
    /// Days from `to` to the day of the audit.
    pub age_days: i64,
}

/// Who came to this crate and others of the graph at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewcomerFacts {
    /// Accounts that came to this crate and at least one other, ordered by login. Unknown where no source names
    /// its publishers, or nobody was seen and no source dates its owners; what is not known of other crates
    /// leaves them out.
    pub list: Measured<Vec<Newcomer>>,
}

/// An account that came to one crate.
struct Arrival<'a> {
    day: Date,
    name: &'a str,
    account: &'a Account,
    history: &'a History,
}

/// Measures every crate of the graph by name, all on the same day.
#[must_use]
pub fn newcomers(
    crates: &BTreeMap<&str, (&History, &CustodyFacts)>,
    as_of: Date,
) -> BTreeMap<String, NewcomerFacts> {
    let mut by_account: BTreeMap<AccountId, Vec<Arrival<'_>>> = BTreeMap::new();
    for (name, (history, facts)) in crates {
        for arrival in arrivals(name, history, facts) {
            by_account.entry(arrival.account.key()).or_default().push(arrival);
        }
    }
    let mut found: BTreeMap<&str, Vec<Newcomer>> = BTreeMap::new();
    for arrivals in by_account.values_mut() {
        arrivals.sort_by_key(|arrival| (arrival.day, arrival.name));
        let Some(window) = fullest(arrivals) else { continue };
        let newcomer = newcomer(window, as_of);
        for arrival in window {
            found.entry(arrival.name).or_default().push(newcomer.clone());
        }
    }
    let facts = crates.iter().map(|(name, (_, custody))| {
        let mut list = found.remove(name).unwrap_or_default();
        list.sort_by(|a, b| a.who.cmp(&b.who));
        let known = custody.publish_events.as_ref().map(|_| ());
        let known = match &custody.owner_events {
            Measured::Unknown(why) if list.is_empty() => {
                known.and_then(|()| Measured::Unknown(why.clone()))
            }
            _ => known,
        };
        ((*name).to_owned(), NewcomerFacts { list: known.map(|()| list) })
    });
    facts.collect()
}

/// The accounts that came to a settled crate: by their first release, else by being made owner.
fn arrivals<'a>(name: &'a str, history: &'a History, facts: &CustodyFacts) -> Vec<Arrival<'a>> {
    let of = |list: &Measured<Vec<CustodyEvent>>, kind: EventKind| {
        let events = list.known().into_iter().flatten().filter(|event| event.kind == kind);
        let dated = events.filter_map(|event| Some((event.who.clone(), event.date.parse().ok()?)));
        dated.collect::<Vec<(String, Date)>>()
    };
    let mut came = of(&facts.publish_events, EventKind::FirstPublish);
    let founded = history.created().known().map(|at| date(*at));
    for (who, day) in of(&facts.owner_events, EventKind::OwnerAdded) {
        let settled = founded.is_some_and(|at| days_between(at, day) >= SETTLED_DAYS);
        // Of one who came, went and came again, the first time.
        if settled && !came.iter().any(|(known, _)| *known == who) {
            came.push((who, day));
        }
    }
    came.into_iter()
        .filter_map(|(who, day)| {
            let answers = history.answers().iter().rev();
            let mut accounts = answers.flat_map(|answer| &answer.accounts);
            let one = |one: &&Account| one.login == who && one.kind == AccountKind::User;
            Some(Arrival { day, name, account: accounts.find(one)?, history })
        })
        .collect()
}

/// The most crates within [`DAYS`], the earliest where several are as many; at least two.
fn fullest<'s, 'a>(sorted: &'s [Arrival<'a>]) -> Option<&'s [Arrival<'a>]> {
    let windows = (0..sorted.len()).map(|start| {
        let rest = &sorted[start..];
        let within = rest.partition_point(|one| days_between(rest[0].day, one.day) <= DAYS);
        &rest[..within.min(CRATES_LIMIT)]
    });
    // `max_by_key` gives the last of equals, so it goes from the end.
    windows.rev().max_by_key(|window| window.len()).filter(|window| window.len() >= 2)
}

fn newcomer(window: &[Arrival<'_>], as_of: Date) -> Newcomer {
    let (first, last) = (&window[0], &window[window.len() - 1]);
    let created = window.iter().find_map(|one| one.history.account_created(one.account.key()));
    let mut crates: Vec<String> = window.iter().map(|one| one.name.to_owned()).collect();
    crates.sort();
    Newcomer {
        who: first.account.login.clone(),
        account_age_days: match created {
            Some(at) => Measured::Known(days_between(date(at), first.day)),
            None => Measured::unknown("the source does not say when the account was made"),
        },
        crates,
        unrelated: groups(window),
        from: first.day.to_string(),
        to: last.day.to_string(),
        age_days: days_between(last.day, as_of),
    }
}

/// How many groups remain when crates with a common account are put together.
fn groups(window: &[Arrival<'_>]) -> u32 {
    let mut groups: Vec<BTreeSet<AccountId>> = Vec::new();
    let before = window[0].day.saturating_sub(jiff::Span::new().days(SETTLED_DAYS));
    for arrival in window {
        let mut own = holders(arrival.history, before);
        own.remove(&arrival.account.key());
        let (related, mut apart): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| !group.is_disjoint(&own));
        own.extend(related.into_iter().flatten());
        apart.push(own);
        groups = apart;
    }
    u32::try_from(groups.len()).unwrap_or(u32::MAX)
}

/// Everybody who held or published a crate before a day. An owner of whom no source says since when may be one.
fn holders(history: &History, before: Date) -> BTreeSet<AccountId> {
    let mut holders = BTreeSet::new();
    for answer in history.answers() {
        for owner in answer.owners.known().into_iter().flatten() {
            if owner.added.is_none_or(|at| date(at) < before) {
                holders.insert(answer.account(owner.account).key());
            }
        }
    }
    if let Measured::Known(releases) = history.releases_by(before) {
        for release in releases {
            if let Who::Account(account) = release.publisher {
                holders.insert(account.key());
            }
        }
    }
    holders
}
