//! The block on hands of a report, from the same facts that rules read.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::collectors::Gathered;
use crate::collectors::custody::{EventOrder, ReportCrate, custody_report};
use crate::domain::custody_report::ReportEvent;
use crate::domain::{Hands, HandsLane, NodeIndex, Origin};
use crate::walker::Walk;

/// Most events of the block.
const EVENTS_LIMIT: usize = 200;
/// Events that say where a crate lies, and not whose it is.
const OF_PLACE: [&str; 2] = ["repository-moved", "contact-changed"];

/// What changed hands, among the crates that the change touches or else in the whole graph; `None` where
/// there is no crate of a registry. `changed` tells which nodes the change touches, where there is one.
pub(super) fn of(
    walk: &Walk,
    gathered: &Gathered,
    changed: Option<&dyn Fn(NodeIndex) -> bool>,
    as_of: Date,
) -> Option<Hands> {
    // Name to whether it runs at build time. A crate that is there in two versions counts once.
    let mut names: BTreeMap<&str, bool> = BTreeMap::new();
    let mut known: BTreeMap<&str, ReportCrate<'_>> = BTreeMap::new();
    for (node, of) in walk.graph.nodes.iter().enumerate() {
        if of.subject.origin != Origin::Registry || changed.is_some_and(|touched| !touched(node)) {
            continue;
        }
        let name = of.subject.name.as_str();
        let runs = walk.exposure.get(&node).and_then(|exposure| exposure.runs_at_build.known());
        *names.entry(name).or_default() |= runs == Some(&true);
        if let Some(facts) = gathered.custody.get(&node) {
            known.insert(name, ReportCrate { name, build_executed: false, dependents: 0, facts });
        }
    }
    if names.is_empty() {
        return None;
    }
    let crates: Vec<ReportCrate<'_>> = known
        .into_iter()
        .map(|(name, one)| ReportCrate { build_executed: names[name], ..one })
        .collect();
    let report = custody_report(&crates, EventOrder::BuildFirst, as_of);
    let of_people = |event: &ReportEvent| !OF_PLACE.contains(&event.kind.as_str());
    let mut events: Vec<ReportEvent> = report.events.into_iter().filter(of_people).collect();
    let more = count(events.len().saturating_sub(EVENTS_LIMIT));
    events.truncate(EVENTS_LIMIT);
    Some(Hands {
        lanes: lanes(gathered, &events, LANES),
        crates: count(names.len()),
        build_crates: count(names.values().filter(|runs| **runs).count()),
        of_change: changed.is_some(),
        owners_known: report.owners_known,
        publishers_known: report.publishers_known,
        events,
        events_left_out: report.events_left_out + more,
        alone: report.sole_build_publishers,
        source: gathered.provenance.get("custody").cloned(),
    })
}

/// Most lanes.
const LANES: usize = 40;

/// The lanes of the crates that the events speak of, in their order, at most so many.
#[must_use]
pub fn lanes(gathered: &Gathered, events: &[ReportEvent], most: usize) -> Vec<HandsLane> {
    let mut lanes: Vec<HandsLane> = Vec::new();
    for event in events {
        if lanes.len() == most || lanes.iter().any(|lane| lane.name == event.name) {
            continue;
        }
        // Of two versions the later one.
        if let Some(lane) = gathered.lanes.values().rev().find(|lane| lane.name == event.name) {
            lanes.push(HandsLane { build_executed: event.build_executed, ..lane.clone() });
        }
    }
    lanes
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
