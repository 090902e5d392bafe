//! The arrayref attack replayed: a crate that was quiet for 705 days gains a dependency that is hours
//! old, imitates a trusted name and runs a build script. The names are others, the script says `echo`.

use cargo_custody::domain::Level;

use super::registry::{Crate, File, Registry, World};
use super::run::{Project, Verdict, date};

const DROPPER: &str = r#"
use std::process::Command;
fn main() {
    Command::new("sh").args(["-c", "echo fetched"]).status().unwrap();
}
"#;

/// The quiet crate, its poisoned release, and the newborn under this name with these files.
fn world(newborn: &str, owner: &str, files: &[File]) -> World {
    let releases = [
        ("0.3.7", "2023-04-01"),
        ("0.3.8", "2024-07-15"),
        ("0.3.9", "2024-09-14"),
        ("0.3.10", "2026-08-20"),
    ];
    let mut quiet = Crate::of("quiet-array", "drew", &releases);
    quiet.releases[3].dependencies.push(newborn.to_owned());
    let mut new = Crate::of(newborn, owner, &[("1.0.107", "2026-08-20")]);
    let made = if owner == "drew" { "2014-01-01" } else { "2025-01-01" };
    new.accounts.insert(owner.to_owned(), made.to_owned());
    let mut world = World { crates: vec![quiet, new] };
    world.crates[1].releases[0].archive = super::registry::pack(newborn, "1.0.107", files);
    world
}

/// What an audit says on the day of the release, with the registry's dump of that night.
fn on_the_day(world: &World) -> Verdict {
    let registry = Registry::start(world.clone(), "2026-08-20");
    let mut project = Project::new(&registry, "2026-08-20").with_dump(world, "2026-08-20");
    let newborn = world.crates[1].name.clone();
    project.lock(&world.lock(&[("quiet-array", "0.3.10"), (&newborn, "1.0.107")]));
    project.on(date("2026-08-20"))
}

#[test]
fn the_attack_is_critical_on_its_day_and_nothing_the_day_before() {
    let world = world("proc-macro1", "fresh", &[("build.rs", DROPPER.as_bytes().to_vec())]);
    let day = on_the_day(&world);
    assert!(day.has("newborn-dependency-runs-or-imitates"), "{day:?}");
    assert!(!day.has("quiet-crate-gains-newborn-dependency"), "said once: {day:?}");
    assert_eq!(day.worst(), Some(Level::Critical));
    let registry = Registry::start(world.clone(), "2026-08-20");
    let mut before = Project::new(&registry, "2026-08-19").with_dump(&world, "2026-08-20");
    before.lock(&world.lock(&[("quiet-array", "0.3.9")]));
    let before = before.on(date("2026-08-19"));
    assert!(before.worst() <= Some(Level::Note), "{before:?}");
}

#[test]
fn without_any_custody_data_the_attack_is_critical_all_the_same() {
    let world = world("proc-macro1", "fresh", &[("build.rs", DROPPER.as_bytes().to_vec())]);
    let registry = Registry::start(world.clone(), "2026-08-20");
    let mut project = Project::new(&registry, "2026-08-20");
    project.lock(&world.lock(&[("quiet-array", "0.3.10"), ("proc-macro1", "1.0.107")]));
    let day = project.on(date("2026-08-20"));
    assert!(day.has("newborn-dependency-runs-or-imitates"), "{day:?}");
}

#[test]
fn a_stranger_of_the_same_family_name_with_a_build_script_is_critical_too() {
    let world = world("quiet-macros", "fresh", &[("build.rs", DROPPER.as_bytes().to_vec())]);
    let day = on_the_day(&world);
    assert!(day.has("newborn-dependency-runs-or-imitates"), "{day:?}");
}

#[test]
fn a_plain_newborn_of_a_stranger_is_high() {
    let world = world("number-text-tables", "fresh", &[]);
    let day = on_the_day(&world);
    assert!(day.has("quiet-crate-gains-newborn-dependency"), "{day:?}");
    assert_eq!(day.worst(), Some(Level::High));
}

#[test]
fn an_author_who_splits_a_crate_stays_below_medium() {
    let world = world("number-text-tables", "drew", &[]);
    let day = on_the_day(&world);
    assert!(day.has("quiet-crate-splits"), "{day:?}");
    assert!(day.worst() < Some(Level::Medium), "{day:?}");
}
