//! Custody of one repository as a page: a lane for everybody who mattered, with releases and files on it.

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;

use crate::domain::text::shown;
use crate::domain::timeline::{RepositoryCustody, TimelineEvent};
use crate::reporter::ReporterError;
use crate::reporter::html::{STYLE, hash, written};
use crate::reporter::words::clip;

/// Lanes of a timeline.
const LANES: usize = 10;
/// Where the time begins, how wide it is, and how high a lane.
const LEFT: i64 = 170;
const WIDTH: i64 = 640;
const LANE: i64 = 26;
/// Most marks of one lane.
const MARKS: usize = 120;

#[derive(Template)]
#[template(path = "repository.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: String,
    told: &'a RepositoryCustody,
    timeline: Timeline,
    known: String,
}

/// A drawing of who was there when.
#[derive(Template)]
#[template(path = "timeline.html")]
pub(in crate::reporter) struct Timeline {
    width: i64,
    height: i64,
    ticks: Vec<(i64, String)>,
    lanes: Vec<Lane>,
    events: Vec<(String, bool)>,
}

struct Lane {
    name: String,
    y: i64,
    from: i64,
    to: i64,
    marks: Vec<Mark>,
}

struct Mark {
    class: &'static str,
    x: i64,
    title: String,
}

/// Lays out a page that needs nothing else.
pub fn html(told: &RepositoryCustody) -> Result<String, ReporterError> {
    let known = format!(
        "Git knows who let in {} of {} commits of the last 24 months.",
        told.integrated_known, told.integrated
    );
    written(&Page { style: STYLE, style_hash: hash(STYLE), told, timeline: timeline(told), known })
}

/// The drawing of a repository's people.
pub(in crate::reporter) fn timeline(told: &RepositoryCustody) -> Timeline {
    let scale = Scale::of(told);
    let mut lanes: BTreeMap<String, Lane> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    let people = told.successions.iter().flat_map(|one| [&one.predecessor, &one.name]);
    let people = people.chain(told.integrators.iter().map(|one| &one.name));
    let people = people.chain(told.deliveries.iter().map(|delivery| &delivery.by));
    for name in people.filter(|name| !name.is_empty()) {
        if !order.contains(name) && order.len() < LANES {
            order.push(name.clone());
        }
    }
    for (name, y) in order.iter().zip((0..).map(|at| 34 + at * LANE)) {
        let one = told.integrators.iter().find(|one| one.name == *name);
        let (from, to) = one.map_or((0, 0), |one| (scale.x(&one.first), scale.x(&one.last)));
        lanes.insert(name.clone(), Lane { name: short(name), y, from, to, marks: Vec::new() });
    }
    for (who, mark) in marks(told, &scale) {
        if let Some(lane) = lanes.get_mut(&who).filter(|lane| lane.marks.len() < MARKS) {
            lane.marks.push(mark);
        }
    }
    let sentence = |event: &TimelineEvent| {
        let who = if event.who.is_empty() { "not known who" } else { &event.who };
        let text = format!("{} {}: {who}: {}", event.date, event.kind, event.what);
        (shown(&text), event.joined)
    };
    Timeline {
        width: LEFT + WIDTH + 20,
        height: 40 + i64::try_from(order.len()).unwrap_or_default() * LANE,
        ticks: scale.ticks(),
        lanes: order.iter().filter_map(|name| lanes.remove(name)).collect(),
        events: told.events.iter().rev().take(MARKS).map(sentence).collect(),
    }
}

fn marks(told: &RepositoryCustody, scale: &Scale) -> Vec<(String, Mark)> {
    let mut marks = Vec::new();
    let mut put = |who: &str, class, date: &str, title: String| {
        marks.push((who.to_owned(), Mark { class, x: scale.x(date), title: shown(&title) }));
    };
    for delivery in &told.deliveries {
        let joined = !delivery.predecessor.is_empty();
        let class = if joined { "lost" } else { "other" };
        let first = delivery.files.first().map_or("", |file| &file.path);
        let count = delivery.files.len() as u64 + delivery.left_out;
        let title =
            format!("{}: {count} files that nobody can read, {}", delivery.date, shown(first));
        put(&delivery.by, class, &delivery.date, title);
    }
    for event in told.events.iter().filter(|event| event.kind == "build-input-ignored") {
        let class = if event.joined { "lost" } else { "other" };
        put(
            &event.who,
            class,
            &event.date,
            format!("{}: ignored: {}", event.date, shown(&event.what)),
        );
    }
    for release in told.releases.iter().rev() {
        let class = if release.first || release.new_key { "first" } else { "gained" };
        put(
            &release.by,
            class,
            &release.date,
            format!("{}: release {}", release.date, shown(&release.tag)),
        );
    }
    marks
}

/// Days from the first to the last.
struct Scale {
    from: Option<Date>,
    days: i64,
}

impl Scale {
    fn of(told: &RepositoryCustody) -> Self {
        let from = told.first.parse::<Date>().ok();
        let to = told.as_of.parse::<Date>().ok();
        let days = from.zip(to).map_or(1, |(from, to)| days(from, to));
        Self { from, days: days.max(1) }
    }

    fn x(&self, date: &str) -> i64 {
        let at = self.from.zip(date.parse::<Date>().ok());
        let at = at.map_or(0, |(from, at)| days(from, at)).clamp(0, self.days);
        LEFT + at * WIDTH / self.days
    }

    /// The beginnings of years, thinned out.
    fn ticks(&self) -> Vec<(i64, String)> {
        let Some(from) = self.from else { return Vec::new() };
        let years = self.days / 365 + 1;
        let step = usize::try_from(years / 10 + 1).unwrap_or(1);
        let first = i64::from(from.year()) + 1;
        let all = (first..=first + years).map(|year| (self.x(&format!("{year:04}-01-01")), year));
        let inside = all.filter(|(x, _)| *x < LEFT + WIDTH);
        inside.step_by(step).map(|(x, year)| (x, year.to_string())).collect()
    }
}

fn days(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

fn short(name: &str) -> String {
    clip(&shown(name), 22)
}
