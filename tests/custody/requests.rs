//! What a run asks the registry's API for, counted by the registry.

use std::time::Duration;

use super::registry::{Crate, Registry, World};
use super::run::Project;

const DAY: &str = "2026-06-02";

/// So many crates of one account each, with three releases.
fn many(count: usize) -> World {
    let releases = [("1.0.0", "2024-01-01"), ("1.1.0", "2025-01-01"), ("1.2.0", "2026-01-01")];
    let crates = (0..count)
        .map(|at| Crate::of(&format!("dep-{at:03}"), &format!("owner-{}", at % 90), &releases));
    World { crates: crates.collect() }
}

fn pins(world: &World, version: impl Fn(usize) -> &'static str) -> String {
    let names: Vec<(&str, &str)> =
        world.crates.iter().enumerate().map(|(at, one)| (one.name.as_str(), version(at))).collect();
    world.lock(&names)
}

/// A project that may ask the API for as long as it takes, at a pace that a test can wait for.
fn asking(registry: &Registry) -> Project {
    let mut project = Project::new(registry, DAY);
    project.request.gather.api_budget = Duration::from_mins(5);
    project
}

#[test]
fn a_second_check_of_an_unchanged_lock_asks_the_api_nothing() {
    let world = many(3);
    let registry = Registry::start(world.clone(), DAY);
    let project = asking(&registry);
    project.lock(&pins(&world, |_| "1.2.0"));
    let first = project.audit();
    assert_eq!(registry.api_requests(), 6, "versions and owners of three crates");
    let custody = first.report.coverage["custody"];
    assert_eq!((custody.known, custody.of), (3, 3));
    let second = project.audit();
    assert_eq!(registry.api_requests(), 6);
    assert_eq!(second.report, first.report);
}

#[test]
fn a_change_of_five_crates_among_many_makes_at_most_ten_requests() {
    let world = many(60);
    let registry = Registry::start(world.clone(), DAY);
    let mut project = asking(&registry);
    let base = project.at("base.lock");
    std::fs::write(&base, pins(&world, |_| "1.1.0")).unwrap();
    project.lock(&pins(&world, |at| if at < 5 { "1.2.0" } else { "1.1.0" }));
    project.request.base = Some(cargo_custody::audit::BaseSide {
        base: cargo_custody::walker::delta::Base::of_lockfile(&base).expect("a lockfile"),
        policy_files: cargo_custody::domain::Measured::unknown("the base is a lockfile only"),
        replaced: cargo_custody::domain::Measured::Known(Vec::new()),
        files: None,
    });
    let audit = project.audit();
    assert_eq!(registry.api_requests(), 10, "{:?}", registry.requests());
    assert_eq!(audit.report.changes.as_ref().map(Vec::len), Some(5));
    project.audit();
    assert_eq!(registry.api_requests(), 10, "and none the next time");
}

#[test]
fn five_hundred_crates_with_a_dump_or_a_slim_file_ask_the_api_nothing() {
    let world = many(500);
    let registry = Registry::start(world.clone(), DAY);
    let mut project = Project::new(&registry, DAY).with_dump(&world, DAY);
    project.lock(&pins(&world, |_| "1.2.0"));
    project.request.gather.offline = true;
    let with_dump = project.audit();
    assert_eq!(with_dump.report.coverage["custody"].known, 500);
    let dump = project.request.gather.dump.clone().expect("a dump");
    let cache = project.request.gather.cache_dir.clone();
    let store = cargo_custody::collectors::custody_store::open_store(&dump, &cache).expect("opens");
    let names: Vec<&str> = world.crates.iter().map(|one| one.name.as_str()).collect();
    let slim = project.at("custody.slim");
    std::fs::write(&slim, store.slim(names).expect("a slim file")).unwrap();
    project.request.gather.dump = Some(slim);
    let with_slim = project.audit();
    assert_eq!(with_slim.report.coverage["custody"].known, 500);
    let people = |audit: &cargo_custody::audit::Audit| -> Vec<serde_json::Value> {
        let sheets = audit.sheets.iter().filter_map(|sheet| sheet.facts.get("custody"));
        sheets.map(|custody| custody["publishers"].clone()).collect()
    };
    assert_eq!(people(&with_dump), people(&with_slim));
    assert!(registry.requests().is_empty());
}

#[test]
fn what_the_budget_did_not_reach_is_told_and_asked_by_the_next_run() {
    let world = many(4);
    let registry = Registry::start(world.clone(), DAY);
    let mut project = asking(&registry);
    project.lock(&pins(&world, |_| "1.2.0"));
    project.request.gather.api_budget = Duration::from_millis(1_500);
    let first = project.audit();
    let asked = registry.api_requests();
    assert!((1..=4).contains(&asked), "{asked}");
    let unknown: Vec<&serde_json::Value> = first
        .sheets
        .iter()
        .filter_map(|sheet| sheet.facts.get("custody"))
        // Where nothing at all is known of a crate, the group is unknown as a whole.
        .map(|custody| match &custody["$unknown"] {
            serde_json::Value::Null => &custody["owners"]["$unknown"],
            reason => reason,
        })
        .filter(|reason| !reason.is_null())
        .collect();
    assert!(!unknown.is_empty());
    for reason in unknown {
        assert!(reason.as_str().is_some_and(|why| why.starts_with("not determined")), "{reason}");
    }
    project.request.gather.api_budget = Duration::from_mins(5);
    let second = project.audit();
    assert_eq!(registry.api_requests(), 8, "nothing was asked twice");
    assert_eq!(second.report.coverage["custody"].known, 4);
}

#[test]
fn a_workflow_that_ran_at_another_commit_than_the_archive_names_is_told() {
    let mut world = many(2);
    for (at, one) in world.crates.iter_mut().enumerate() {
        one.releases[2].publisher = String::new();
        one.releases[2].commit = (at == 1).then(|| "2b".repeat(20));
    }
    let registry = Registry::start(world.clone(), DAY);
    let project = asking(&registry);
    project.lock(&pins(&world, |_| "1.2.0"));
    let findings = project.audit().report.findings;
    let told = findings.iter().filter(|finding| finding.rule == "statements-disagree");
    let told: Vec<&str> = told.map(|finding| finding.subject.name.as_str()).collect();
    assert_eq!(told, ["dep-001"], "and the one whose workflow ran at the recorded commit is not");
}
