//! Who held the keys over 24 months, a lane a crate: owners as bars, releases as dots, what changed as marks.

use crate::domain::custody_report::ReportEvent;
use crate::domain::text::shown;
use crate::domain::{HandsLane, LaneOwner, Report};
use crate::reporter::hands;
use crate::reporter::words::clip;

/// Crates that get a lane.
const LANES: usize = 40;
/// Days that a lane shows.
const DAYS: i64 = 730;
/// Where the time begins and how wide it is.
const LEFT: i64 = 190;
const WIDTH: i64 = 560;
/// Height of the line of releases, of an owner's bar, and of the gap between two lanes.
const LINE: usize = 20;
const BAR: usize = 13;
const GAP: usize = 6;
/// Days without a release from which a stretch is hatched.
const SILENCE: i64 = 365;

/// The section on hands.
pub(super) struct Hands {
    pub(super) headline: String,
    pub(super) height: usize,
    pub(super) ticks: Vec<Tick>,
    pub(super) lanes: Vec<Lane>,
    pub(super) events: Vec<String>,
    pub(super) alone: Vec<(String, String)>,
}

/// A date above the lanes.
pub(super) struct Tick {
    pub(super) x: i64,
    pub(super) name: &'static str,
}

/// One crate.
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) built: bool,
    pub(super) y: usize,
    pub(super) silences: Vec<(i64, i64)>,
    pub(super) releases: Vec<Dot>,
    pub(super) dots: Vec<Dot>,
    pub(super) owners: Vec<Owner>,
}

/// A release or an event.
pub(super) struct Dot {
    pub(super) class: &'static str,
    pub(super) x: i64,
    pub(super) title: String,
}

/// An owner, from when to when.
pub(super) struct Owner {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) x: i64,
    pub(super) width: i64,
    pub(super) y: usize,
}

pub(super) fn of(report: &Report) -> Option<Hands> {
    let held = report.hands.as_ref()?;
    let mut names: Vec<&str> = Vec::new();
    for event in &held.events {
        if !names.contains(&event.name.as_str()) && names.len() < LANES {
            names.push(&event.name);
        }
    }
    let mut height = 26;
    let mut lanes = Vec::new();
    for name in names {
        let events: Vec<&ReportEvent> = held.events.iter().filter(|e| e.name == *name).collect();
        let known = held.lanes.iter().find(|lane| lane.name == *name);
        let lane = lane(name, &events, known, height + LINE / 2);
        height += LINE + lane.owners.len() * BAR + GAP;
        lanes.push(lane);
    }
    let tick = |(days, name)| Tick { x: x(days), name };
    let ticks = [(730, "2 years"), (548, "18 months"), (365, "1 year"), (183, "6 months"), (0, "")];
    let joined =
        |crates: &[&str]| crates.iter().map(|one| shown(one)).collect::<Vec<_>>().join(", ");
    let alone = hands::by_account(held).into_iter();
    Some(Hands {
        headline: hands::headline(held),
        height,
        ticks: ticks.into_iter().map(tick).collect(),
        lanes,
        events: held.events.iter().map(hands::change).collect(),
        alone: alone.map(|(login, crates)| (shown(login), joined(&crates))).collect(),
    })
}

fn lane(name: &str, events: &[&ReportEvent], known: Option<&HandsLane>, y: usize) -> Lane {
    let owners = known.map_or(&[][..], |lane| &lane.owners);
    let owners = owners.iter().enumerate();
    Lane {
        name: short(name),
        built: events.iter().any(|event| event.build_executed),
        y,
        silences: known.map(silences).unwrap_or_default(),
        releases: known.map(releases).unwrap_or_default(),
        dots: events.iter().map(|event| dot(event)).collect(),
        owners: owners.map(|(at, one)| owner(one, y + LINE / 2 + 2 + at * BAR)).collect(),
    }
}

fn releases(lane: &HandsLane) -> Vec<Dot> {
    let all = lane.releases.iter();
    all.map(|release| {
        let locked = release.version == lane.locked;
        let by = match release.by.as_deref() {
            None => "nobody is named".to_owned(),
            Some("") => "by a workflow".to_owned(),
            Some(login) => format!("by {}", shown(login)),
        };
        let first = if release.first { ", for the first time" } else { "" };
        let told = if locked { ", the locked version" } else { "" };
        Dot {
            class: match (locked, release.first) {
                (true, true) => "release first locked",
                (true, false) => "release locked",
                (false, true) => "release first",
                (false, false) => "release",
            },
            x: x(release.days),
            title: format!("{} {by}{first}{told}", shown(&release.version)),
        }
    })
    .collect()
}

/// Stretches without a release, from where to how wide.
fn silences(lane: &HandsLane) -> Vec<(i64, i64)> {
    let days: Vec<i64> = lane.releases.iter().map(|release| release.days).collect();
    let quiet = days.windows(2).filter(|two| two[0] - two[1] >= SILENCE);
    quiet.map(|two| (x(two[0]), x(two[1]) - x(two[0]))).collect()
}

fn owner(owner: &LaneOwner, y: usize) -> Owner {
    let login = shown(&owner.login);
    let (from, to) = (owner.since_days.unwrap_or(DAYS), owner.gone_days.unwrap_or(0));
    let since = owner.since_days.map_or_else(
        || "since when no source says".to_owned(),
        |days| format!("since {days} days"),
    );
    let title = match owner.gone_days {
        Some(days) => format!("{login}: owner no more, since {days} days"),
        None => format!("{login}: owner, {since}"),
    };
    let team = if owner.team { " (team)" } else { "" };
    Owner {
        class: match (owner.gone_days, owner.since_days) {
            (Some(_), _) => "owner gone",
            (None, Some(days)) if days < DAYS => "owner new",
            (None, None) => "owner undated",
            (None, Some(_)) => "owner",
        },
        name: short(&format!("{login}{team}")),
        title,
        x: x(from),
        width: (x(to) - x(from)).max(2),
        y,
    }
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
    clip(&shown(name), 26)
}
