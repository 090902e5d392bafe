//! The custody report of a graph, from the facts of its crates. Context, never a verdict: most of the
//! registry hangs on single accounts, and nearly all of them are honest.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::Measured;
use crate::domain::custody_report::{
    CustodyReport, KeyHolder, ReportEvent, SolePublisher, UnknownCrate, WatchedCrate,
};

use super::event::EventKind;
use super::facts::CustodyFacts;
use super::history::AccountKind;

/// Events older than 24 months are not recent.
const RECENT_DAYS: i64 = 731;
/// Most events of the report.
const EVENTS_LIMIT: usize = 500;
/// Most crate names of one account.
const NAMES_LIMIT: usize = 100;

/// A crate of the graph.
#[derive(Clone, Copy, Debug)]
pub struct ReportCrate<'a> {
    /// Its name; a crate that is there in two versions is given once.
    pub name: &'a str,
    /// It runs at build time: a build script, a proc-macro, or a dependency of one.
    pub build_executed: bool,
    /// How many crates of the graph depend on it, directly or not.
    pub dependents: u32,
    /// What is known of it.
    pub facts: &'a CustodyFacts,
}

/// In which order changes are told, and so which are left out where there are very many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOrder {
    /// The newest first.
    Newest,
    /// Those of crates that run at build time first, each half the newest first.
    BuildFirst,
}

/// Sums up who holds the keys.
#[must_use]
pub fn custody_report(crates: &[ReportCrate<'_>], order: EventOrder, as_of: Date) -> CustodyReport {
    let crates: BTreeMap<&str, &ReportCrate<'_>> =
        crates.iter().map(|one| (one.name, one)).collect();
    let mut report = CustodyReport {
        as_of: as_of.to_string(),
        crates: count(crates.len()),
        accounts: key_holders(&crates),
        ..CustodyReport::default()
    };
    let many = top_decile(&crates);
    let mut events = Vec::new();
    for one in crates.values() {
        report.watch.extend(watched(one).filter(|found| found.dependents >= many));
        report.owners_known += u32::from(one.facts.coverage.owners);
        report.publishers_known += u32::from(one.facts.coverage.publishers);
        if let Measured::Unknown(reason) = &one.facts.owners {
            report.unknown.push(UnknownCrate { name: one.name.to_owned(), reason: reason.clone() });
        }
        events.extend(recent_events(one));
        if let Some(login) = sole_login(one.facts).filter(|_| one.build_executed) {
            let holder = report.accounts.iter().find(|holder| holder.login == login);
            report.sole_build_publishers.push(SolePublisher {
                name: one.name.to_owned(),
                login: login.to_owned(),
                other_crates: holder.map_or(0, |holder| holder.crates.saturating_sub(1)),
            });
        }
    }
    events.sort_by(|a, b| {
        (a.age_days, &a.name, &a.kind, &a.who).cmp(&(b.age_days, &b.name, &b.kind, &b.who))
    });
    if order == EventOrder::BuildFirst {
        // Stable: within each half the newest stay first.
        events.sort_by_key(|event| !event.build_executed);
    }
    report.events_left_out = count(events.len().saturating_sub(EVENTS_LIMIT));
    events.truncate(EVENTS_LIMIT);
    report.events = events;
    report
}

/// A crate whose publishers changed lately and that one account alone can publish now.
fn watched(one: &ReportCrate<'_>) -> Option<WatchedCrate> {
    let login = sole_login(one.facts)?;
    let events = one.facts.publish_events.known()?;
    let recent = |event: &&super::CustodyEvent| {
        event.kind == EventKind::Succession && event.age_days <= RECENT_DAYS
    };
    let succession = events.iter().find(recent)?;
    Some(WatchedCrate {
        name: one.name.to_owned(),
        login: login.to_owned(),
        since: succession.date.clone(),
        dependents: one.dependents,
        build_executed: one.build_executed,
    })
}

/// So many dependents has the last crate of the most needed tenth; at least one.
fn top_decile(crates: &BTreeMap<&str, &ReportCrate<'_>>) -> u32 {
    let mut dependents: Vec<u32> = crates.values().map(|one| one.dependents).collect();
    dependents.sort_unstable_by(|a, b| b.cmp(a));
    let tenth = dependents.len().div_ceil(10);
    dependents.get(tenth.saturating_sub(1)).copied().unwrap_or(1).max(1)
}

/// Owners with what they can publish.
fn key_holders(crates: &BTreeMap<&str, &ReportCrate<'_>>) -> Vec<KeyHolder> {
    let mut holders: BTreeMap<(&str, bool), KeyHolder> = BTreeMap::new();
    for one in crates.values() {
        for owner in one.facts.owners.known().into_iter().flatten() {
            let team = owner.kind == AccountKind::Team;
            let holder = holders.entry((&owner.login, team)).or_insert_with(|| KeyHolder {
                login: owner.login.clone(),
                team,
                crates: 0,
                build_crates: 0,
                sole: 0,
                names: Vec::new(),
            });
            holder.crates += 1;
            holder.build_crates += u32::from(one.build_executed);
            holder.sole += u32::from(one.facts.sole_publisher == Measured::Known(true));
            if holder.names.len() < NAMES_LIMIT {
                holder.names.push(one.name.to_owned());
            }
        }
    }
    let mut holders: Vec<KeyHolder> = holders.into_values().collect();
    holders.sort_by(|a, b| {
        (b.build_crates, b.crates, &a.login).cmp(&(a.build_crates, a.crates, &b.login))
    });
    holders
}

/// The one account that can publish it, where that is known.
fn sole_login(facts: &CustodyFacts) -> Option<&str> {
    if facts.sole_publisher != Measured::Known(true) {
        return None;
    }
    facts.owners.known()?.first().map(|owner| owner.login.as_str())
}

fn recent_events(one: &ReportCrate<'_>) -> Vec<ReportEvent> {
    let events = one.facts.events.known().into_iter().flatten();
    events
        .filter(|event| event.age_days <= RECENT_DAYS)
        .map(|event| ReportEvent {
            name: one.name.to_owned(),
            kind: event.kind.as_str().to_owned(),
            date: event.date.clone(),
            age_days: event.age_days,
            who: event.who.clone(),
            before: event.before.clone(),
            after: event.after.clone(),
            build_executed: one.build_executed,
            source: event.source.clone(),
        })
        .collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
