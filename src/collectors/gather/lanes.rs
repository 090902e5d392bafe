//! Two years of the crates that changed hands, for a picture: who could publish, and what was published.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::collectors::custody::{
    AccountKind, CustodyFacts, Dated, EventKind, History, Who, date, days_between,
};
use crate::domain::{HandsLane, LaneOwner, LaneRelease};

/// Days that a lane shows.
const DAYS: i64 = 730;
/// Owners and releases of one lane.
const OWNERS: usize = 8;
const RELEASES: usize = 60;

/// The lane of one crate; nothing where nothing changed hands within its time.
pub(super) fn lane(
    history: &History,
    facts: &CustodyFacts,
    (name, version): (&str, &str),
    as_of: Date,
) -> Option<HandsLane> {
    let events = facts.events.known()?;
    if !events.iter().any(|event| event.age_days <= DAYS) {
        return None;
    }
    let present = facts.owners.known().into_iter().flatten().map(|owner| LaneOwner {
        login: owner.login.clone(),
        team: owner.kind == AccountKind::Team,
        since_days: owner.since_days.known().copied(),
        gone_days: None,
    });
    let gone = events.iter().filter(|event| event.kind == EventKind::OwnerRemoved);
    let gone = gone.map(|event| LaneOwner {
        login: event.who.clone(),
        team: false,
        since_days: None,
        gone_days: Some(event.age_days),
    });
    Some(HandsLane {
        name: name.to_owned(),
        locked: version.to_owned(),
        build_executed: false,
        owners: present.chain(gone).take(OWNERS).collect(),
        releases: history.releases_by(as_of).known().map(|all| releases(all, as_of))?,
    })
}

fn releases(all: &[Dated<'_>], as_of: Date) -> Vec<LaneRelease> {
    let mut oldest_first: Vec<&Dated<'_>> = all.iter().collect();
    oldest_first.sort_by_key(|one| one.release.published);
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut lane = Vec::new();
    for one in oldest_first {
        let by = match one.publisher {
            Who::Account(account) => Some(account.login.as_str()),
            Who::Trusted(_) => Some(""),
            Who::Unnamed => None,
        };
        let others = !seen.is_empty();
        let new = by.is_some_and(|login| !login.is_empty() && seen.insert(login));
        let days = days_between(date(one.release.published), as_of);
        if days <= DAYS {
            lane.push(LaneRelease {
                version: one.release.number.clone(),
                days,
                by: by.map(str::to_owned),
                first: new && others,
            });
        }
    }
    lane.split_off(lane.len().saturating_sub(RELEASES))
}
