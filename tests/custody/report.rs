//! `cargo custody report` of a made-up graph, as a person sees it on a terminal of 80 columns.

use std::path::Path;
use std::process::Command;

use super::registry::{Crate, Registry, World};
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
    run("report", registry, project, more)
}

fn run(command: &str, registry: &Registry, project: &Project, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .arg(command)
        .arg(&project.request.path)
        .args(["--as-of", DAY, "--api-budget", "0s", "--cache-dir"])
        .arg(project.at("cache"))
        .args(more)
        .env_clear()
        .env("HOME", project.at("home"))
        .env("CARGO_HOME", project.at("cargo"))
        .env("CARGO_CUSTODY_INDEX", format!("{}index/", registry.base))
        .env("CARGO_CUSTODY_DATA", "off")
        .env("CARGO_CUSTODY_ADVISORY_DB", format!("{}advisories.tar.gz", registry.base))
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

#[test]
fn a_check_begins_with_what_changed_hands_and_who_could_publish_alone() {
    let (registry, project) = project();
    let text = run("check", &registry, &project, &["--fail-on", "never"]);
    let head: Vec<&str> = text.lines().take(20).collect();
    let head = head.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["gem-1", "buyer", "2026-", "alone can publish what runs when you build: "] {
        assert!(head.contains(word), "{word}\n{text}");
    }
    let json = run("check", &registry, &project, &["--fail-on", "never", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let hands = &report["hands"];
    assert_eq!(hands["build_crates"], 3, "{hands}");
    assert_eq!(hands["crates"].as_u64(), report["coverage"]["custody"]["of"].as_u64());
    let built: Vec<bool> = hands["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["build_executed"].as_bool().unwrap())
        .collect();
    assert!(built.is_sorted_by(|a, b| a >= b), "what runs at build time comes first");
}

#[test]
fn a_check_that_knows_nobody_says_so() {
    let (_registry, mut project) = project();
    project.request.gather.dump = None;
    std::fs::remove_file(project.at("dump.tar.gz")).unwrap();
    let audit = project.audit();
    let hands = audit.report.hands.expect("there are crates of a registry");
    assert_eq!((hands.owners_known, hands.publishers_known), (0, 0));
    assert!(hands.crates > 3 && hands.events.is_empty());
}

/// The crates of many honest timelines and a handover of one that runs when the project is built, in every
/// format that a person or a service reads.
#[test]
fn a_planted_handover_stands_at_the_head_of_every_format() {
    let (registry, project) = project();
    let file = |name: &str| project.at(name).display().to_string();
    let formats =
        ["markdown", "html", "sarif", "json"].map(|format| format!("{format}={}", file(format)));
    let mut more = vec!["--fail-on", "never", "--format", "human"];
    more.extend(formats.iter().flat_map(|format| ["--format", format.as_str()]));
    let human = run("check", &registry, &project, &more);
    let read = |name: &str| std::fs::read_to_string(project.at(name)).expect("written");
    let head = |text: &str| {
        let lines: Vec<&str> = text.lines().take(20).collect();
        lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = "2026-04-13 gem-1, runs when you build: buyer published it and others here for the first time";
    assert!(head(&human).contains(said), "{human}");
    let markdown = read("markdown").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(markdown.contains(said), "{markdown}");
    assert!(read("html").contains(said));
    let sarif: serde_json::Value = serde_json::from_str(&read("sarif")).expect("JSON");
    let notes = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array();
    let told =
        notes.expect("there are some").iter().filter_map(|note| note["message"]["text"].as_str());
    assert!(told.clone().any(|text| text.contains(said)), "{:?}", told.collect::<Vec<_>>());
    let json: serde_json::Value = serde_json::from_str(&read("json")).expect("JSON");
    let first = &json["hands"]["events"][0];
    let (name, who, date) = (&first["name"], &first["who"], &first["date"]);
    assert_eq!((name, who, date), (&"gem-1".into(), &"buyer".into(), &"2026-04-13".into()));
    assert_eq!(first["build_executed"], true);
}

#[test]
fn inspect_names_the_hands_of_one_crate() {
    let (registry, mut project) = project();
    project.request.path = "gem-1@1.0.1".into();
    let page = run("inspect", &registry, &project, &[]);
    for said in
        ["this release buyer", "buyer (for 61 days)", "2026-04-01 buyer was made owner, by owner-1"]
    {
        assert!(page.contains(said), "{said}\n{page}");
    }
}

#[test]
fn a_fleet_says_who_can_publish_into_how_many_projects_and_run_when_they_are_built() {
    let day = [("1.0.0", "2024-01-01")];
    let of = |name: &str, login: &str| Crate::of(name, login, &day);
    let world = World { crates: vec![of("one", "ann"), of("two", "ann"), of("three", "bob")] };
    let world = world.packed(|name, _| {
        let built = ("build.rs", b"fn main() {}\n".to_vec());
        (name == "two").then_some(built).into_iter().collect()
    });
    let registry = Registry::start(world.clone(), DAY);
    let project = Project::new(&registry, DAY).with_dump(&world, DAY);
    project.lock(&world.lock(&[("one", "1.0.0"), ("two", "1.0.0")]));
    let (out, dump) = (project.at("out"), project.at("dump.tar.gz"));
    let mut more = vec!["--out".to_owned(), out.display().to_string()];
    more.extend(["--dump".to_owned(), dump.display().to_string(), "--quiet".to_owned()]);
    for (name, pins) in [("q", ["one"].as_slice()), ("r", &["one", "three"])] {
        let pins: Vec<(&str, &str)> = pins.iter().map(|name| (*name, "1.0.0")).collect();
        std::fs::create_dir(project.at(name)).expect("a folder");
        let lock = project.at(name).join("Cargo.lock");
        std::fs::write(&lock, world.lock(&pins)).expect("is written");
        more.push(lock.display().to_string());
    }
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let told = run("fleet", &registry, &project, &more);
    let last: serde_json::Value =
        serde_json::from_str(told.lines().last().expect("the sum")).expect("JSON");
    let accounts = last["fleet"]["accounts"].as_array().expect("accounts").iter();
    let accounts: Vec<_> = accounts
        .map(|one| {
            let number = |key: &str| one[key].as_u64().expect("a number");
            let who = one["login"].as_str().expect("a login");
            (who, number("projects"), number("build_projects"), number("crates"))
        })
        .collect();
    assert_eq!(accounts, [("ann", 3, 1, 2), ("bob", 1, 0, 1)], "{told}");
    assert_eq!(last["fleet"]["without_custody"], 0, "{told}");
    let page = std::fs::read_to_string(out.join("fleet.html")).expect("the page");
    assert!(page.contains("<td>ann</td>"), "{page}");
}
