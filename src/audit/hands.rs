//! The block on hands of a report, from the same facts that rules read.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::collectors::Gathered;
use crate::collectors::custody::{ReportCrate, custody_report};
use crate::domain::custody_report::{CustodyReport, ReportEvent};
use crate::domain::{FactSheet, Hands, Measured, Origin};
use crate::walker::Walk;
use crate::walker::delta::{UpdateFacts, UpdateKind};

use super::group_of;

/// Most events of the block.
const EVENTS_LIMIT: usize = 200;
/// Events that say where a crate lies, and not whose it is.
const OF_PLACE: [&str; 2] = ["repository-moved", "contact-changed"];

/// What changed hands, among the crates that the change touches or else in the whole graph; `None` where
/// there is no crate of a registry.
pub(super) fn of(
    walk: &Walk,
    gathered: &Gathered,
    sheets: &[FactSheet],
    of_change: bool,
    as_of: Date,
) -> Option<Hands> {
    let (mut built, mut others) = (Vec::new(), Vec::new());
    // Name to whether it runs at build time. A crate that is there in two versions counts once.
    let mut names: BTreeMap<&str, bool> = BTreeMap::new();
    for (node, sheet) in sheets.iter().enumerate().take(walk.graph.nodes.len()) {
        if sheet.subject.origin != Origin::Registry || (of_change && !touched(sheet)) {
            continue;
        }
        let name = walk.graph.nodes[node].subject.name.as_str();
        let runs = walk.exposure.get(&node).and_then(|exposure| exposure.runs_at_build.known());
        let build_executed = runs == Some(&true);
        *names.entry(name).or_default() |= build_executed;
        if let Some(facts) = gathered.custody.get(&node) {
            let one = ReportCrate { name, build_executed, dependents: 0, facts };
            if build_executed { built.push(one) } else { others.push(one) }
        }
    }
    if names.is_empty() {
        return None;
    }
    others.retain(|one| names.get(one.name) != Some(&true));
    let hands = joined(custody_report(&built, as_of), custody_report(&others, as_of));
    Some(Hands {
        crates: count(names.len()),
        build_crates: count(names.values().filter(|runs| **runs).count()),
        of_change,
        source: gathered.provenance.get("custody").cloned(),
        ..hands
    })
}

/// Whether the change brings this crate or another version of it.
fn touched(sheet: &FactSheet) -> bool {
    let update = group_of::<UpdateFacts>(sheet, "update");
    matches!(update, Measured::Known(facts) if facts.kind != UpdateKind::Unchanged)
}

/// One block of two reports: what runs at build time comes first.
fn joined(built: CustodyReport, others: CustodyReport) -> Hands {
    let of_people = |event: &ReportEvent| !OF_PLACE.contains(&event.kind.as_str());
    let events = built.events.into_iter().chain(others.events);
    let mut events: Vec<ReportEvent> = events.filter(of_people).collect();
    let more = count(events.len().saturating_sub(EVENTS_LIMIT));
    events.truncate(EVENTS_LIMIT);
    Hands {
        owners_known: built.owners_known + others.owners_known,
        publishers_known: built.publishers_known + others.publishers_known,
        events,
        events_left_out: built.events_left_out + others.events_left_out + more,
        alone: built.sole_build_publishers,
        ..Hands::default()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
