//! Timelines replayed day by day through the whole pipeline: a registry's index and archives, its dump,
//! facts, rules. A day knows what was published by that day and nothing else.

use cargo_custody::domain::Level;
use jiff::ToSpan as _;

use super::registry::{File, Registry, World, noise};
use super::run::{Project, Verdict, date};

const HANDS: [&str; 3] = ["owner-added", "first-publish", "succession"];
const K1: &str = "new-hands-new-payload";

const HONEST_BUILD: &str = "fn main() { println!(\"cargo:rerun-if-changed=build.rs\"); }\n";
/// Reads, turns into something else, writes and runs; what it runs is `echo`.
const POISONED_BUILD: &str = r#"
use std::{env, fs, path::Path, process::Command};
fn main() {
    let seed = fs::read("tests/files/good-large_compressed.lzma").unwrap();
    let plain: Vec<u8> = seed.iter().map(|byte| byte ^ 0x5a).collect();
    let out = Path::new(&env::var("OUT_DIR").unwrap()).join("stage");
    fs::write(&out, plain).unwrap();
    Command::new("echo").arg(out).status().unwrap();
}
"#;

/// A compressed test file as far as its first bytes show.
fn sample(seed: u64, length: usize) -> Vec<u8> {
    [b"\xfd7zXZ\0".as_slice(), &noise(seed, length - 6)].concat()
}

/// What every release of both projects holds: a library that changes, a build script, small test files
/// of which 5.4.0 added one, as the real one did.
fn ordinary(version: &str) -> Vec<File> {
    let text = format!("pub const VERSION: &str = \"{version}\";\n");
    let mut files = vec![
        ("src/lib.rs", text.into_bytes()),
        ("build.rs", HONEST_BUILD.as_bytes().to_vec()),
        ("tests/files/good-1.xz", sample(7, 68)),
        ("tests/files/good-2.xz", sample(8, 424)),
    ];
    if version >= "5.4" {
        files.push(("tests/files/good-3.xz", sample(9, 1_000)));
    }
    files
}

/// The same, and from 5.6.0 on what xz 5.6.0 had in its place: sizes are the real ones, bytes are not.
fn xz_shaped(version: &str) -> Vec<File> {
    let mut files = ordinary(version);
    let payload = match version {
        "5.6.0" => Some((noise(56, 484), noise(560, 35_430))),
        "5.6.1" => Some((noise(57, 512), noise(561, 35_421))),
        _ => None,
    };
    if let Some((loader, payload)) = payload {
        files[1].1 = POISONED_BUILD.as_bytes().to_vec();
        files.push(("tests/files/bad-3-corrupt_lzma2.xz", loader));
        files.push(("tests/files/good-large_compressed.lzma", payload));
    }
    files
}

/// Audits a project that locks the newest release of each day, from `from` to `to`, both included;
/// after `frozen` it stays with what it has, and five weeks later it is audited once a week. Everything is fetched once, then every day is audited
/// offline.
fn replay(
    world: &World,
    name: &str,
    [from, frozen, to]: [&str; 3],
    mut look: impl FnMut(&str, &str, Verdict),
) {
    let registry = Registry::start(world.clone(), to);
    let mut project = Project::new(&registry, to).with_dump(world, "2024-04-01");
    let one = world.find(name);
    for release in one.releases.iter().filter(|release| release.day() <= frozen) {
        project.lock(&world.lock(&[(name, &release.number)]));
        project.on(date(to));
    }
    project.request.gather.offline = true;
    let asked = registry.requests().len();
    let mut locked = String::new();
    let (mut day, last) = (date(from), date(to));
    while day <= last {
        let until = day.min(date(frozen)).to_string();
        let newest = &one.newest_on(&until).expect("it began before").number;
        if *newest != locked {
            locked.clone_from(newest);
            project.lock(&world.lock(&[(name, newest)]));
        }
        look(&day.to_string(), &locked, project.on(day));
        // Nothing happens any more some weeks after the last release: from there on once a week will do.
        let settled = day > date(frozen).saturating_add(5.weeks());
        let step = if settled { 7.days() } else { 1.day() };
        day = match day.checked_add(step).expect("a day") {
            next if day < last => next.min(last),
            next => next,
        };
    }
    assert_eq!(registry.requests().len(), asked, "the days themselves ask nobody");
}

#[test]
fn the_xz_shape_is_critical_on_the_day_of_the_payload_not_a_day_before_and_for_24_months() {
    let world = World::timeline("xz-handover").packed(|_, version| xz_shaped(version));
    let mut first_seen = None;
    let mut first_critical = None;
    let days = ["2022-12-01", "2024-02-24", "2026-02-24"];
    replay(&world, "xz-shaped", days, |day, version, verdict| {
        if verdict.any_signal(&HANDS) {
            first_seen.get_or_insert(day.to_owned());
        } else {
            assert!(first_seen.is_none(), "forgotten on {day}");
        }
        if verdict.has(K1) {
            first_critical.get_or_insert(day.to_owned());
            assert_eq!(verdict.worst(), Some(Level::Critical), "{day}");
        } else {
            assert!(first_critical.is_none(), "{version} forgotten on {day}: {verdict:?}");
            assert!(verdict.worst() <= Some(Level::Note), "{day}: {verdict:?}");
        }
    });
    assert_eq!(first_seen.as_deref(), Some("2022-12-16"), "the day of the handover");
    assert_eq!(first_critical.as_deref(), Some("2024-02-24"), "the day of the release");
}

#[test]
fn the_healthy_twin_of_the_same_dates_never_exceeds_a_note() {
    let world = World::timeline("healthy-succession").packed(|_, version| ordinary(version));
    let mut seen = 0;
    let days = ["2022-12-01", "2024-04-01", "2024-06-01"];
    replay(&world, "twin", days, |day, version, verdict| {
        seen += usize::from(verdict.any_signal(&HANDS));
        assert!(verdict.worst() <= Some(Level::Note), "{version} on {day}: {verdict:?}");
    });
    assert!(seen > 500, "the handover is seen all the time: {seen}");
}
