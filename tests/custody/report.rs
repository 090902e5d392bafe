//! `cargo custody report` of a made-up graph, as a person sees it on a terminal of 80 columns.

use std::path::Path;
use std::process::Command;

use super::registry::{Registry, World};
use super::run::Project;

const DAY: &str = "2026-06-01";
/// Crates of the graph whose code runs at build time.
const BUILT: [&str; 3] = ["gem-1", "lone", "quiet-array"];

/// The crates of several timelines, with one lockfile that pins the newest release of each.
fn project() -> (Registry, Project) {
    let files = ["mass-handover", "lone-maintainer", "team-only", "healthy-team", "arrayref"];
    let crates = files.iter().flat_map(|file| World::timeline(file).crates);
    let all = World { crates: crates.filter(|one| one.newest_on(DAY).is_some()).collect() };
    let world = all.packed(|name, _| {
        let script = b"fn main() {}\n".to_vec();
        BUILT.iter().filter(|built| **built == name).map(|_| ("build.rs", script.clone())).collect()
    });
    let registry = Registry::start(world.clone(), DAY);
    let project = Project::new(&registry, DAY).with_dump(&world, DAY);
    let newest = |name: &str| world.find(name).newest_on(DAY).expect("filtered").number.clone();
    let pins: Vec<(String, String)> =
        world.crates.iter().map(|one| (one.name.clone(), newest(&one.name))).collect();
    let pins: Vec<(&str, &str)> = pins.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    project.lock(&world.lock(&pins));
    (registry, project)
}

fn report(registry: &Registry, project: &Project, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .arg("report")
        .arg(&project.request.path)
        .args(["--as-of", DAY, "--api-budget", "0s", "--cache-dir"])
        .arg(project.at("cache"))
        .args(more)
        .env_clear()
        .env("HOME", project.at("home"))
        .env("CARGO_HOME", project.at("cargo"))
        .env("CARGO_CUSTODY_INDEX", format!("{}index/", registry.base))
        .env("CARGO_CUSTODY_DUMP", project.at("dump.tar.gz"))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// `CUSTODY_BLESS=1 cargo test --test custody report` rewrites it. The README shows it.
#[test]
fn the_table_fits_a_terminal_and_says_who_holds_what() {
    let (registry, project) = project();
    let table = report(&registry, &project, &[]);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports/custody.txt");
    if std::env::var_os("CUSTODY_BLESS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(&path).unwrap());
}

#[test]
fn the_same_in_json_has_every_account_and_event() {
    let (registry, project) = project();
    let report: serde_json::Value =
        serde_json::from_str(&report(&registry, &project, &["--json"])).expect("JSON");
    let accounts = report["accounts"].as_array().unwrap();
    let buyer = accounts.iter().find(|account| account["login"] == "buyer").expect("listed");
    assert_eq!((&buyer["crates"], &buyer["build_crates"]), (&4.into(), &1.into()));
    let team = accounts.iter().find(|account| account["team"] == true).expect("a team");
    assert_eq!(team["sole"], 0, "a team is no single person");
    let events = report["events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["kind"] == "ring-of-crates"));
    assert!(events.iter().all(|event| event["date"].is_string() && event["source"].is_string()));
}
