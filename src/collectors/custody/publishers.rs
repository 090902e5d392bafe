//! What the series of releases shows: newcomers, successions, young accounts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use crate::domain::Measured;

use super::event::{CustodyEvent, EventKind, event};
use super::history::{Account, AccountId, Dated, History, Who, date, days_between};

/// A crate is old enough for a first publish to be news from this age on, in days.
const SETTLED_DAYS: i64 = 365;
/// An account is young until this age, in days.
const YOUNG_DAYS: i64 = 90;
/// So many releases in a row make a succession.
const RUN: usize = 3;

/// What the series of releases shows: newcomers, successions, young accounts.
pub(super) fn publish_events(
    history: &History,
    releases: &[Dated<'_>],
    as_of: Date,
) -> Vec<CustodyEvent> {
    let mut events = Vec::new();
    let mut seen = BTreeSet::new();
    for (at, release) in releases.iter().enumerate() {
        let Who::Account(account) = release.publisher else { continue };
        if seen.insert(account.key()) {
            events.extend(first_publish(history, &releases[..at], release, account, as_of));
            events.extend(young_account(history, release, account, as_of));
        }
    }
    events.extend(successions(history, releases, as_of));
    events
}

/// A newcomer on a settled crate.
fn first_publish(
    history: &History,
    earlier: &[Dated<'_>],
    release: &Dated<'_>,
    account: &Account,
    as_of: Date,
) -> Option<CustodyEvent> {
    let on = date(release.release.published);
    let first = earlier.first()?;
    if days_between(date(first.release.published), on) < SETTLED_DAYS {
        return None;
    }
    // Where no earlier publisher is named, this one may well be the founder.
    let named: Vec<_> = earlier.iter().filter(|e| e.publisher != Who::Unnamed).collect();
    let last = named.last()?;
    let mut event = event(EventKind::FirstPublish, on, as_of, &account.login, release.stamp.source);
    event.before = format!(
        "{} releases by others, the last by {} on {}",
        named.len(),
        name(&last.publisher),
        date(last.release.published)
    );
    event.after = format!("{} published by {}", release.release.number, account.login);
    event.hours_since_added = hours_since_added(history, account.key(), release);
    let keys: Vec<AccountId> = named.iter().filter_map(|e| key(&e.publisher)).collect();
    event.predecessor_is_owner = still_owner(history, &keys, as_of);
    Some(event)
}

fn hours_since_added(history: &History, key: AccountId, release: &Dated<'_>) -> Measured<i64> {
    let published = release.release.published;
    let added = history.answers().iter().flat_map(|answer| {
        let owners = answer.owners.known().into_iter().flatten();
        owners
            .filter(|owner| answer.account(owner.account).key() == key)
            .filter_map(|owner| owner.added)
    });
    match added.filter(|&at| at <= published).max() {
        Some(at) => Measured::Known((published.as_second() - at.as_second()) / 3600),
        None => Measured::unknown("no source says when they became owner"),
    }
}

/// An account younger than ninety days, at its first release here.
fn young_account(
    history: &History,
    release: &Dated<'_>,
    account: &Account,
    as_of: Date,
) -> Option<CustodyEvent> {
    let on = date(release.release.published);
    let made = date(history.account_created(account.key())?);
    let age = days_between(made, on);
    if age >= YOUNG_DAYS {
        return None;
    }
    let mut event = event(EventKind::YoungAccount, on, as_of, &account.login, release.stamp.source);
    event.before = format!("account made on {made}");
    event.after = format!("published {} when it was {age} days old", release.release.number);
    Some(event)
}

/// Days on which the last releases stopped having a publisher in common with the old ones.
fn successions(history: &History, releases: &[Dated<'_>], as_of: Date) -> Vec<CustodyEvent> {
    let mut days_of: BTreeMap<AccountId, Vec<Date>> = BTreeMap::new();
    let mut named: Vec<&Dated<'_>> = Vec::new();
    let mut events = Vec::new();
    // Accounts that once took over; when they take turns with their predecessors, that is no news.
    let mut successors: BTreeSet<AccountId> = BTreeSet::new();
    for (end, release) in releases.iter().enumerate() {
        let run = &releases[(end + 1).saturating_sub(RUN)..=end];
        let keys: Vec<AccountId> = run.iter().filter_map(|r| key(&r.publisher)).collect();
        let window = if keys.len() == RUN { predecessors(&named, run) } else { None };
        let now = window.as_ref().is_some_and(|(from, to, _)| {
            let back = |key: &AccountId| {
                let days = days_of.get(key).map_or(&[][..], Vec::as_slice);
                let at = days.partition_point(|day| day < from);
                days.get(at).is_some_and(|day| day <= to)
            };
            !keys.iter().any(back)
        });
        if let (true, Some((_, _, old))) = (now, window)
            && !keys.iter().all(|key| successors.contains(key))
        {
            events.push(succession(history, releases, run, old, as_of));
            successors.extend(keys);
        }
        if let Some(key) = key(&release.publisher) {
            days_of.entry(key).or_default().push(date(release.release.published));
            named.push(release);
        }
    }
    events
}

/// The releases that a run is compared with, and their first and last day: those of 24 to 60 months
/// before its end; of a crate that is younger than that, those that are half a year older than the run.
/// Only releases that name an account can be compared.
fn predecessors<'r, 'h>(
    named: &'r [&'r Dated<'h>],
    run: &[Dated<'h>],
) -> Option<(Date, Date, &'r [&'r Dated<'h>])> {
    let on = |release: &Dated<'_>| date(release.release.published);
    let newest = on(run.last()?);
    let between = |from: Date, to: Date| {
        let start = named.partition_point(|release| on(release) < from);
        let end = named.partition_point(|release| on(release) <= to);
        (start < end).then(|| (from, to, &named[start..end]))
    };
    let from = newest.saturating_sub(60.months());
    between(from, newest.saturating_sub(24.months()))
        .or_else(|| between(from, on(run.first()?).saturating_sub(180.days())))
}

fn succession(
    history: &History,
    releases: &[Dated<'_>],
    run: &[Dated<'_>],
    old: &[&Dated<'_>],
    as_of: Date,
) -> CustodyEvent {
    let old_keys: Vec<AccountId> = old.iter().filter_map(|r| key(&r.publisher)).collect();
    let newest = &run[RUN - 1];
    let on = date(newest.release.published);
    let who = name(&newest.publisher).to_owned();
    let mut event = event(EventKind::Succession, on, as_of, &who, newest.stamp.source);
    let spelled = |list: &mut Vec<&str>| {
        list.sort_unstable();
        list.dedup();
        list.truncate(10);
        list.join(", ")
    };
    event.before = format!(
        "{} releases from {} to {} by {}",
        old.len(),
        date(old[0].release.published),
        date(old[old.len() - 1].release.published),
        spelled(&mut old.iter().map(|r| name(&r.publisher)).collect())
    );
    event.after = format!(
        "the last {RUN} releases by {}",
        spelled(&mut run.iter().map(|r| name(&r.publisher)).collect())
    );
    let new: Vec<AccountId> = run.iter().filter_map(|r| key(&r.publisher)).collect();
    let arrival = releases
        .iter()
        .find(|r| key(&r.publisher).is_some_and(|key| new.contains(&key)))
        .map_or(on, |r| date(r.release.published));
    let last_of_old = releases
        .iter()
        .rev()
        .find(|r| key(&r.publisher).is_some_and(|key| old_keys.contains(&key)))
        .map_or(arrival, |r| date(r.release.published));
    event.overlap_days = days_between(arrival, last_of_old).max(0);
    event.predecessor_is_owner = still_owner(history, &old_keys, as_of);
    event
}

/// Whether one of them owns the crate still.
fn still_owner(history: &History, keys: &[AccountId], as_of: Date) -> Measured<bool> {
    history.owners_on(as_of).map(|answer| {
        let owners = answer.owners.known().into_iter().flatten();
        owners.into_iter().any(|owner| keys.contains(&answer.account(owner.account).key()))
    })
}

/// The id of an account that published.
pub(super) fn key(who: &Who<'_>) -> Option<AccountId> {
    match who {
        Who::Account(account) => Some(account.key()),
        Who::Trusted(_) | Who::Unnamed => None,
    }
}

/// A publisher in words.
fn name<'a>(who: &Who<'a>) -> &'a str {
    match who {
        Who::Account(account) => &account.login,
        Who::Trusted(Some(repository)) => repository,
        Who::Trusted(None) => "a trusted workflow",
        Who::Unnamed => "nobody named",
    }
}
