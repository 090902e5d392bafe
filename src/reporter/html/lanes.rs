//! Changes of hands as lanes of 24 months, one a crate.

use std::collections::BTreeMap;

use crate::domain::Report;
use crate::domain::custody_report::ReportEvent;
use crate::domain::text::shown;
use crate::reporter::hands;

/// Crates that get a lane.
const LANES: usize = 40;
/// Days that a lane shows.
const DAYS: i64 = 730;
/// Where the time begins and how wide it is.
const LEFT: i64 = 190;
const WIDTH: i64 = 560;
/// Height of a lane.
const LANE: usize = 24;

/// The section on hands.
pub(super) struct Hands {
    pub(super) headline: String,
    pub(super) height: usize,
    pub(super) ticks: Vec<Tick>,
    pub(super) lanes: Vec<Lane>,
    pub(super) events: Vec<String>,
    pub(super) alone: Vec<(String, String)>,
}

/// A date below the lanes.
pub(super) struct Tick {
    pub(super) x: i64,
    pub(super) name: &'static str,
}

/// One crate.
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) built: bool,
    pub(super) y: usize,
    pub(super) dots: Vec<Dot>,
}

/// One event.
pub(super) struct Dot {
    pub(super) class: &'static str,
    pub(super) x: i64,
    pub(super) title: String,
}

pub(super) fn of(report: &Report) -> Option<Hands> {
    let held = report.hands.as_ref()?;
    let mut told = hands::lines(report, hands::WHOLE).into_iter();
    let headline = told.next()?;
    let mut names: Vec<&str> = Vec::new();
    for event in &held.events {
        if !names.contains(&event.name.as_str()) && names.len() < LANES {
            names.push(&event.name);
        }
    }
    let lane = |(at, name): (usize, &&str)| {
        let events = held.events.iter().filter(|event| event.name == **name);
        Lane {
            name: short(name),
            built: events.clone().any(|event| event.build_executed),
            y: 34 + at * LANE,
            dots: events.map(dot).collect(),
        }
    };
    let lanes: Vec<Lane> = names.iter().enumerate().map(lane).collect();
    let tick = |(days, name)| Tick { x: x(days), name };
    let ticks = [(730, "2 years"), (548, "18 months"), (365, "1 year"), (183, "6 months"), (0, "")];
    let mut alone: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in &held.alone {
        alone.entry(&one.login).or_default().push(shown(&one.name));
    }
    let mut alone: Vec<_> = alone.into_iter().collect();
    alone.sort_by_key(|(login, crates)| (std::cmp::Reverse(crates.len()), *login));
    Some(Hands {
        headline,
        height: 34 + lanes.len() * LANE,
        ticks: ticks.into_iter().map(tick).collect(),
        lanes,
        events: held.events.iter().map(hands::change).collect(),
        alone: alone.into_iter().map(|(login, all)| (shown(login), all.join(", "))).collect(),
    })
}

fn x(age_days: i64) -> i64 {
    LEFT + WIDTH - age_days.clamp(0, DAYS) * WIDTH / DAYS
}

fn dot(event: &ReportEvent) -> Dot {
    let class = match event.kind.as_str() {
        "owner-added" => "gained",
        "first-publish" | "succession" | "young-account" | "ring-of-crates" => "first",
        "owner-removed" | "trusted-publishing-lost" | "trusted-publishing-repository-changed" => {
            "lost"
        }
        _ => "other",
    };
    Dot { class, x: x(event.age_days), title: hands::change(event) }
}

fn short(name: &str) -> String {
    let name = shown(name);
    if name.chars().count() <= 26 { name } else { name.chars().take(25).chain(['…']).collect() }
}
