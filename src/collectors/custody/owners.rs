//! Owners who came and went: from the dates that a dump gives, and from two lists of different days.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::Measured;

use super::event::{CustodyEvent, EventBasis, EventKind, event};
use super::history::{Account, AccountId, CrateCustody, History, Owner, date};

/// An owner row within so many hours of the crate's first publish is that of a founder.
const FOUNDING_HOURS: i64 = 24;

/// Owners who came and went, as far as the sources tell by that day.
///
/// Known only where one source dates its owners, or two of different days list them.
pub(super) fn owner_events(history: &History, as_of: Date) -> Measured<Vec<CustodyEvent>> {
    let lists: Vec<&CrateCustody> =
        history.answers().iter().filter(|answer| answer.owners.known().is_some()).collect();
    let dated = lists.iter().any(|answer| {
        answer.owners.known().is_some_and(|owners| {
            owners.is_empty() || owners.iter().any(|owner| owner.added.is_some())
        })
    });
    if !dated && lists.iter().filter(|answer| answer.stamp.date() <= as_of).count() < 2 {
        return Measured::unknown(if lists.is_empty() {
            "no owner data for this crate"
        } else {
            "the source lists owners without saying since when"
        });
    }
    let founded = history.created().known().copied();
    let mut events = Vec::new();
    for answer in &lists {
        for owner in answer.owners.known().into_iter().flatten() {
            events.extend(added(answer, owner, founded, as_of));
        }
    }
    for pair in lists.windows(2) {
        events.extend(compared(pair[0], pair[1], as_of));
    }
    // The same row stands in every later answer: the first one that tells it is kept.
    events.sort_by(|a, b| {
        (&a.date, a.kind, &a.who, a.basis).cmp(&(&b.date, b.kind, &b.who, b.basis))
    });
    events.dedup_by(|b, a| a.kind == b.kind && a.who == b.who && a.date == b.date);
    Measured::Known(events)
}

/// A dated owner row that is not of the founding.
fn added(
    answer: &CrateCustody,
    owner: &Owner,
    founded: Option<Timestamp>,
    as_of: Date,
) -> Option<CustodyEvent> {
    let at = owner.added?;
    let account = answer.account(owner.account);
    let after_founding = match founded {
        Some(founded) => at.as_second() - founded.as_second() > FOUNDING_HOURS * 3600,
        None => owner.added_by.is_some_and(|by| answer.account(by).key() != account.key()),
    };
    if date(at) > as_of || !after_founding {
        return None;
    }
    let mut event =
        event(EventKind::OwnerAdded, date(at), as_of, &account.login, answer.stamp.source);
    if let Some(by) = owner.added_by {
        event.by = Measured::Known(answer.account(by).login.clone());
    }
    event.before = "not an owner".into();
    event.after = "owner".into();
    Some(event)
}

/// What two owner lists of different days show.
fn compared(earlier: &CrateCustody, later: &CrateCustody, as_of: Date) -> Vec<CustodyEvent> {
    let seen = later.stamp.date();
    let (Some(before), Some(after)) = (earlier.owners.known(), later.owners.known()) else {
        return Vec::new();
    };
    if earlier.stamp.date() == seen {
        return Vec::new();
    }
    let find = |owners: &[Owner], answer: &CrateCustody, key: AccountId, login: &str| {
        owners
            .iter()
            .find(|owner| same(answer.account(owner.account), key, login))
            .map(|owner| owner.added)
    };
    let make = |kind, on: Date, login: &str| {
        let mut event = event(kind, on, as_of, login, later.stamp.source);
        event.basis = EventBasis::Compared;
        event.before = format!("owners on {}: {}", earlier.stamp.date(), logins(earlier, before));
        event.after = format!("owners on {seen}: {}", logins(later, after));
        event
    };
    let mut events = Vec::new();
    for owner in before {
        let account = earlier.account(owner.account);
        match find(after, later, account.key(), &account.login) {
            None if seen <= as_of => {
                events.push(make(EventKind::OwnerRemoved, seen, &account.login));
            }
            // The row is younger than the earlier list that already had them: gone and back.
            Some(Some(again)) if again > earlier.stamp.taken && date(again) <= as_of => {
                events.push(make(EventKind::OwnerRemoved, date(again), &account.login));
            }
            None | Some(_) => {}
        }
    }
    if seen > as_of {
        return events;
    }
    for owner in after.iter().filter(|owner| owner.added.is_none()) {
        let account = later.account(owner.account);
        if find(before, earlier, account.key(), &account.login).is_none() {
            events.push(make(EventKind::OwnerAdded, seen, &account.login));
        }
    }
    events
}

/// The same account: by id, or by login where one of the sources knows no id.
fn same(account: &Account, key: AccountId, login: &str) -> bool {
    if account.id == 0 || key.1 == 0 {
        account.kind == key.0 && account.login == login
    } else {
        account.key() == key
    }
}

fn logins(answer: &CrateCustody, owners: &[Owner]) -> String {
    let mut names: Vec<&str> =
        owners.iter().map(|owner| answer.account(owner.account).login.as_str()).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(10);
    names.truncate(10);
    let mut text = names.join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}
