//! One newcomer on several crates of the graph at once: seen only across crates.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::event::{EventBasis, EventKind, event};
use super::facts::CustodyFacts;
use super::history::{SourceKind, days_between};

/// So many crates make a ring.
const CRATES: usize = 3;
/// All within so many days.
const DAYS: i64 = 30;

/// Adds `ring-of-crates` to every crate that takes part in one: an account published for the first time
/// on three or more of these crates within thirty days. The event is dated by the day of the third.
///
/// `facts` is the whole graph by crate name, all of the same day `as_of`.
pub fn add_rings(facts: &mut BTreeMap<String, CustodyFacts>, as_of: Date) {
    let mut arrivals: BTreeMap<String, Vec<(Date, String)>> = BTreeMap::new();
    for (name, custody) in &*facts {
        for event in custody.publish_events.known().into_iter().flatten() {
            if event.kind != EventKind::FirstPublish {
                continue;
            }
            if let Ok(on) = event.date.parse() {
                arrivals.entry(event.who.clone()).or_default().push((on, name.clone()));
            }
        }
    }
    for (account, mut seen) in arrivals {
        seen.sort();
        let Some((day, crates)) = first_ring(&seen) else { continue };
        let mut ring = event(EventKind::RingOfCrates, day, as_of, &account, SourceKind::Dump);
        ring.basis = EventBasis::Compared;
        ring.source = "first publishes across the graph".into();
        ring.before = "published on none of them".into();
        ring.after = format!("published on {} crates within {DAYS} days", crates.len());
        ring.crates = crates.iter().cloned().collect();
        for name in &ring.crates {
            if let Some(custody) = facts.get_mut(name) {
                custody.add_event(ring.clone());
            }
        }
    }
}

/// The first day on which three crates fell within thirty days, and the crates of that window: those
/// of the thirty days before it and of what followed within thirty days of the window's first.
fn first_ring(seen: &[(Date, String)]) -> Option<(Date, BTreeSet<String>)> {
    for (at, (day, _)) in seen.iter().enumerate() {
        let start = seen.iter().position(|(other, _)| days_between(*other, *day) <= DAYS)?;
        let window: BTreeSet<&String> = seen[start..=at].iter().map(|(_, name)| name).collect();
        if window.len() >= CRATES {
            let opened = seen[start].0;
            let within = seen[start..].iter().filter(|(on, _)| days_between(opened, *on) <= DAYS);
            return Some((*day, within.map(|(_, name)| name.clone()).collect()));
        }
    }
    None
}
