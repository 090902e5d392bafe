//! The extract of the whole registry: fetched by the first run of a fresh machine, and of the same opinion as
//! the dump that it was made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cargo_custody::audit::Audit;
use cargo_custody::collectors::custody_store::{Store, write_extract};
use cargo_custody::domain::{FactSheet, Level};
use cargo_custody::heuristics::judge::{self, Verdict};

use serde_json::Value;

use super::registry::{Crate, Registry, World, answer};
use super::run::Project;

const DAY: &str = "2026-06-02";

/// The extract of a world's dump of that day.
fn extract(world: &World, day: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, path) = (folder.path().join("store"), folder.path().join("extract"));
    Store::import(&world.dump(day)[..], &store).expect("a dump");
    write_extract(&Store::open(&store).expect("a store"), &path).expect("an extract");
    std::fs::read(path).expect("written")
}

fn many() -> World {
    let releases = [("1.0.0", "2024-01-01"), ("1.1.0", "2025-01-01"), ("1.2.0", "2026-01-01")];
    let crates = (0..325)
        .map(|at| Crate::of(&format!("dep-{at:03}"), &format!("owner-{}", at % 90), &releases));
    World { crates: crates.collect() }
}

/// A registry that gives the extract and an advisory database, too.
fn registry(world: &World, extract: Vec<u8>) -> Registry {
    let advisories = super::advisories::database("", "\">= 1.0.1\"");
    Registry::with_faults(world.clone(), DAY, move |path| match path {
        "/registry.custody" => Some(answer("200 OK", "application/octet-stream", "", &extract)),
        "/advisories.tar.gz" => Some(answer("200 OK", "application/gzip", "", &advisories)),
        _ => None,
    })
}

/// A project of a fresh machine that may ask the API for as long as it takes.
fn project(registry: &Registry) -> Project {
    let mut project = Project::new(registry, DAY);
    project.request.gather.api_budget = Duration::from_mins(5);
    project.request.gather.data = Some(format!("{}registry.custody", registry.base));
    project
}

#[test]
fn the_first_run_knows_every_hand_of_325_crates_and_asks_the_api_nothing() {
    let world = many();
    let registry = registry(&world, extract(&world, "2026-06-01"));
    let project = project(&registry);
    let pins: Vec<(&str, &str)> =
        world.crates.iter().map(|one| (one.name.as_str(), "1.2.0")).collect();
    project.lock(&world.lock(&pins));
    let report = project.audit().report;
    let custody = report.coverage["custody"];
    assert_eq!((custody.known, custody.of), (325, 325));
    assert_eq!(registry.api_requests(), 0);
    assert_eq!(report.provenance["custody"], "slim file of 2026-06-01");
    assert_eq!(report.hands.as_ref().map(|hands| hands.owners_known), Some(325));
    let before = registry.requests().len();
    assert_eq!(project.audit().report, report);
    assert_eq!(registry.requests().split_off(before), Vec::<String>::new(), "the second run");
    let mut project = project;
    project.request.gather.refresh = true;
    assert_eq!(project.audit().report, report);
    let again = registry.requests().split_off(before);
    let index = again.iter().filter(|path| path.starts_with("/index/") && path.contains("dep-"));
    assert_eq!(index.count(), 325, "whoever wants it fresh: {again:?}");
    for once in ["/registry.custody", "/advisories.tar.gz"] {
        assert_eq!(again.iter().filter(|path| *path == once).count(), 1, "{once}");
    }
}

#[test]
fn what_is_newer_than_the_extract_is_asked_of_the_api() {
    let world = many();
    let mut old = world.clone();
    old.crates[7].releases.pop();
    let registry = registry(&world, extract(&old, "2026-06-01"));
    let project = project(&registry);
    project.lock(&world.lock(&[("dep-006", "1.2.0"), ("dep-007", "1.2.0")]));
    let report = project.audit().report;
    assert_eq!((report.coverage["custody"].known, registry.api_requests()), (2, 2));
    let asked = registry.requests();
    let api = asked.iter().filter(|path| path.starts_with("/api/"));
    assert!(api.clone().all(|path| path.contains("dep-007")), "{asked:?}");
}

#[test]
fn without_an_extract_the_run_goes_on_and_says_so_once() {
    let world = many();
    let registry = Registry::start(world.clone(), DAY);
    let mut project = project(&registry);
    project.request.gather.api_budget = Duration::ZERO;
    project.lock(&world.lock(&[("dep-006", "1.2.0")]));
    let told = |project: &Project| {
        let warnings = project.audit().warnings;
        warnings.iter().filter(|warning| warning.contains("whole registry")).count()
    };
    assert_eq!((told(&project), told(&project)), (1, 0));
    let report = project.audit().report;
    assert_eq!(report.coverage["custody"].known, 0, "unknown, and nothing invented");
}

#[test]
fn every_timeline_reads_the_same_from_the_dump_and_from_its_extract() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/registry");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    for path in files {
        let file = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let world = World::timeline(file);
        let newest = world.crates.iter().flat_map(|one| &one.releases);
        let Some(day) = newest.map(|release| release.day().to_owned()).max() else { continue };
        let pins: Vec<(&str, &str)> = world
            .crates
            .iter()
            .filter_map(|one| Some((one.name.as_str(), one.newest_on(&day)?.number.as_str())))
            .collect();
        let registry = registry(&world, extract(&world, &day));
        let lock = world.lock(&pins);
        let mut from_dump = Project::new(&registry, &day).with_dump(&world, &day);
        from_dump.lock(&lock);
        let mut from_extract = Project::new(&registry, &day);
        from_extract.request.gather.data = Some(format!("{}registry.custody", registry.base));
        from_extract.lock(&lock);
        let day = super::run::date(&day);
        let (dump, extract) = (from_dump.on(day), from_extract.on(day));
        assert_eq!(dump, extract, "{file}");
        let custody = from_extract.audit().report.coverage["custody"];
        assert_eq!(custody.known, pins.len(), "{file}");
    }
}

/// Whether the newest version is judged alike whichever way its custody data came, and every event of the timeline is
/// seen by every way that can know it. The registry's API tells no dates of owners, and its dump no workflows. What one
/// of them does not know it leaves open; none of the three says the opposite of another.
#[test]
fn every_timeline_is_seen_and_judged_alike_by_api_dump_and_extract() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/registry");
    let files: Vec<_> = std::fs::read_dir(folder)
        .expect("fixtures")
        .map(|one| one.expect("an entry").path())
        .collect();
    let (judged, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for path in files.iter().filter(|path| path.extension().is_some_and(|of| of == "json")) {
            scope.spawn(|| {
                let (decided, events) = alike(path);
                judged.fetch_add(decided, Ordering::SeqCst);
                seen.fetch_add(events, Ordering::SeqCst);
            });
        }
    });
    assert!(judged.into_inner() > 200, "rules that were decided");
    assert!(seen.into_inner() >= 30, "events that were expected");
}

/// Events that a dump cannot tell: it says that a workflow published, and not whose.
const OF_API: [&str; 1] = ["trusted-publishing-repository-changed"];
/// Events that the API cannot tell: it has no dates of owners.
const OF_DUMP: [&str; 1] = ["owner-added"];
/// That an owner is gone is told by what was known of another day: a former dump, or a pin.
const OF_BEFORE: &str = "owner-removed";

/// An event: crate, kind, who, day.
type Event = (String, String, String, String);

fn events(audit: &Audit) -> BTreeSet<Event> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let of = |sheet: &FactSheet| {
        let all = sheet.facts.get("custody").and_then(|custody| custody["events"].as_array());
        let all = all.into_iter().flatten().map(|event| {
            let [kind, who, date] = ["kind", "who", "date"].map(|key| text(&event[key]));
            (sheet.subject.name.clone(), kind, who, date)
        });
        all.collect::<Vec<_>>()
    };
    audit.sheets.iter().flat_map(of).collect()
}

/// What is found of crates that the registry has no more.
fn of_removal(audit: &Audit) -> Vec<(String, String, Level)> {
    let rules = ["deleted-by-registry", "removed-crate"];
    let found = audit.report.findings.iter().filter(|one| rules.contains(&one.rule.as_str()));
    found.map(|one| (one.subject.name.clone(), one.rule.clone(), one.level)).collect()
}

/// What the timeline says has to be seen.
fn expected(timeline: &Value) -> BTreeSet<Event> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let crates = timeline["crates"].as_array().expect("crates").iter();
    let of = |one: &Value| {
        let all = one["expect"].as_array().expect("a list").iter().map(|event| {
            let [kind, who, date] = ["kind", "who", "date"].map(|key| text(&event[key]));
            (text(&one["name"]), kind, who, date)
        });
        all.collect::<Vec<_>>()
    };
    crates.flat_map(of).filter(|(_, kind, ..)| kind != OF_BEFORE).collect()
}

fn without(events: &BTreeSet<Event>, kinds: &[&str]) -> BTreeSet<Event> {
    events.iter().filter(|(_, kind, ..)| !kinds.contains(&kind.as_str())).cloned().collect()
}

/// Holds the three ways against each other and against the timeline; answers how often two of them decided, and how
/// many events were seen.
fn alike(path: &Path) -> (usize, usize) {
    let file = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let timeline: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    let day = timeline["as-of"].as_str().expect("a day").to_owned();
    let world = World::timeline(file);
    let pins: Vec<(&str, &str)> = world
        .crates
        .iter()
        .filter_map(|one| Some((one.name.as_str(), one.newest_on(&day)?.number.as_str())))
        .collect();
    let extract = extract(&world, &day);
    let registry = Registry::with_faults(world.clone(), &day, move |path| {
        let kind = "application/octet-stream";
        (path == "/registry.custody").then(|| answer("200 OK", kind, "", &extract))
    });
    let lock = world.lock(&pins);
    let dump = Project::new(&registry, &day).with_dump(&world, &day);
    let mut from_extract = Project::new(&registry, &day);
    from_extract.request.gather.data = Some(format!("{}registry.custody", registry.base));
    let mut api = Project::new(&registry, &day);
    api.request.gather.api_budget = Duration::from_mins(5);
    let [dump, from_extract, api] = [dump, from_extract, api].map(|project| {
        project.lock(&lock);
        let audit = project.audit();
        (verdicts(&project, &audit), events(&audit), of_removal(&audit))
    });
    assert_eq!(dump, from_extract, "{file}: the extract is the dump");
    let expected = expected(&timeline);
    let gone: Vec<&str> = world
        .crates
        .iter()
        .filter(|one| one.deleted.is_some())
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(registry.api_requests(), 2 * (pins.len() - gone.len()), "{file}");
    let there: BTreeSet<Event> =
        expected.iter().filter(|(name, ..)| !gone.contains(&name.as_str())).cloned().collect();
    let from_before = [OF_BEFORE];
    assert_eq!(without(&dump.1, &from_before), without(&there, &OF_API), "{file}: by the dump");
    assert_eq!(without(&api.1, &from_before), without(&there, &OF_DUMP), "{file}: by the API");
    let mut decided = 0;
    for (of, verdict) in &api.0 {
        let other = dump.0.get(of).cloned().unwrap_or(Verdict::Undetermined);
        if *verdict != Verdict::Undetermined && other != Verdict::Undetermined {
            assert_eq!(*verdict, other, "{file}: {of:?} by the API and by the dump");
            decided += 1;
        }
    }
    let told = |rule: &str, level: Level| {
        let of = |name: &&str| ((*name).to_owned(), rule.to_owned(), level);
        gone.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(dump.2, told("deleted-by-registry", Level::Critical), "{file}: in its own words");
    assert_eq!(api.2, told("removed-crate", Level::High), "{file}: the index alone");
    (decided, there.len())
}

type Verdicts = BTreeMap<(String, String), Verdict>;

/// What the rules make of every crate, by the way that its custody data came.
fn verdicts(project: &Project, audit: &Audit) -> Verdicts {
    let crates = audit.sheets.iter().filter(|sheet| sheet.facts.contains_key("custody"));
    let of = |sheet: &FactSheet| {
        let name = sheet.subject.name.clone();
        let all = judge::verdicts(&project.request.ruleset, sheet).into_iter();
        all.map(|(rule, verdict)| ((name.clone(), rule), verdict)).collect::<Vec<_>>()
    };
    crates.flat_map(of).collect()
}
