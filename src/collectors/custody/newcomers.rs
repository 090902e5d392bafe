//! Group `newcomers`: accounts that became owner and published for the first time on several crates of the
//! graph within weeks, and how many of these crates had nothing to do with each other before.
//!
//! Seen only across crates, from the histories and events of all of them. A bot of a project, or a colleague
//! who takes over a family of crates, comes to many at once, too: crates count as related where an account
//! held or published both before the newcomer came. Accounts that came with the newcomer prove nothing.
//! Measures and does not judge.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

use super::event::{CustodyEvent, EventKind};
use super::facts::CustodyFacts;
use super::history::{Account, AccountId, History, Who, date, days_between};

/// Name of the group.
pub const NEWCOMERS_GROUP: &str = "newcomers";
/// Crates that an account came to within so many days count together: six weeks.
const DAYS: i64 = 42;
/// Most crates of one account that are compared with each other, and listed.
const CRATES_LIMIT: usize = 100;

/// An account that came to several crates of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Newcomer {
    /// Its login. A string of strangers. Source: dump.
    pub who: String,
    /// Age of the account in days at its first release on the first of these crates. Source: dump or API.
    pub account_age_days: Measured<i64>,
    /// The crates on which it published for the first time within 42 days, and of which it became owner
    /// within 42 days of that, by name, at most 100. Source: group `custody` of all of them.
    pub crates: Vec<String>,
    /// How many groups these crates form in which no account held or published a crate of two groups
    /// before the newcomer came. Source: owners and publishers of all of them.
    pub unrelated: u32,
    /// Day of its first release on the first of them, `YYYY-MM-DD`.
    pub from: String,
    /// Day of its first release on the last of them, `YYYY-MM-DD`.
    pub to: String,
    /// Days from `to` to the day of the audit.
    pub age_days: i64,
}

/// Who came to this crate and others of the graph at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewcomerFacts {
    /// Accounts that came to this crate and at least one other, ordered by login. Unknown where no source
    /// dates the owners of this crate or names its publishers; what is not known of other crates leaves
    /// them out.
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
        let known = custody.owner_events.as_ref().and_then(|_| custody.publish_events.as_ref());
        ((*name).to_owned(), NewcomerFacts { list: known.map(|_| list) })
    });
    facts.collect()
}

/// The accounts that became owner of a settled crate and published it for the first time within weeks.
fn arrivals<'a>(name: &'a str, history: &'a History, facts: &CustodyFacts) -> Vec<Arrival<'a>> {
    let of = |list: &Measured<Vec<CustodyEvent>>, kind: EventKind| {
        let events = list.known().into_iter().flatten().filter(|event| event.kind == kind);
        let dated = events.filter_map(|event| Some((event.who.clone(), event.date.parse().ok()?)));
        dated.collect::<Vec<(String, Date)>>()
    };
    let made_owner = of(&facts.owner_events, EventKind::OwnerAdded);
    let published = of(&facts.publish_events, EventKind::FirstPublish);
    let near = |who: &str, day: Date| {
        made_owner.iter().any(|(owner, on)| owner == who && days_between(*on, day).abs() <= DAYS)
    };
    let came = published.into_iter().filter(|(who, day)| near(who, *day));
    came.filter_map(|(who, day)| {
        let answers = history.answers().iter().rev();
        let account = answers.flat_map(|answer| &answer.accounts).find(|one| one.login == who)?;
        Some(Arrival { day, name, account, history })
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
    let before = window[0].day.saturating_sub(jiff::Span::new().days(DAYS));
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

/// Everybody who held or published a crate before a day.
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
