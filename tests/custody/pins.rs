//! Pins as a person writes them, and cargo's own setting of how old a release has to be.

use super::faults::cli;
use super::registry::{Crate, Registry, World};
use super::run::Project;

const DAY: &str = "2026-06-02";

/// One crate whose build script changes with its second release, and one that no dump of the tests knows.
fn world() -> World {
    let releases = [("1.0.0", "2024-01-01"), ("1.1.0", "2026-06-01")];
    let mut acme = Crate::of("acme", "ada", &releases);
    acme.accounts.insert("eve".to_owned(), "2015-01-01".to_owned());
    acme.owners.push(("eve".to_owned(), "2026-04-02T08:00:00Z".to_owned(), "ada".to_owned()));
    let world = World { crates: vec![acme, Crate::of("dark", "dora", &releases[..1])] };
    world.packed(|name, version| {
        let script: &[u8] = match (name, version) {
            ("acme", "1.0.0") => b"fn main() {}\n",
            ("acme", _) => {
                b"fn main() { std::process::Command::new(\"echo\").status().unwrap(); }\n"
            }
            _ => return Vec::new(),
        };
        vec![("build.rs", script.to_vec())]
    })
}

/// A project whose archives and index lines an audit put into the cache; its dump knows only the first crate.
fn project(pins: &[(&str, &str)]) -> (Registry, Project, String) {
    let world = world();
    let registry = Registry::start(world.clone(), DAY);
    let project = Project::new(&registry, DAY);
    project.lock(&world.lock(pins));
    project.audit();
    let known = World { crates: vec![world.crates[0].clone()] };
    std::fs::write(project.at("dump"), known.dump(DAY)).unwrap();
    let dump = project.at("dump").display().to_string();
    (registry, project, dump)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Rule and level of what a check finds.
fn found(project: &Project, more: &[&str]) -> Vec<(String, String)> {
    let at = project.request.path.display().to_string();
    let arguments = [&["check", at.as_str(), "--format", "json"], more].concat();
    let output = cli(project, &arguments);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr)));
    let of = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| (of(finding, "rule"), of(finding, "level"))).collect()
}

fn lock_of(project: &Project) -> String {
    std::fs::read_to_string(project.request.path.join("custody.lock")).expect("pinned")
}

#[test]
fn a_pin_refuses_what_it_could_not_see_and_says_what_is_odd_about_the_rest() {
    let (_registry, project, dump) = project(&[("acme", "1.0.0"), ("dark", "1.0.0")]);
    let at = project.request.path.display().to_string();
    let pinned = cli(&project, &["pin", &at, "--dump", &dump]);
    let said = text(&pinned.stdout);
    assert_eq!(pinned.status.code(), Some(3), "{said}{}", text(&pinned.stderr));
    assert!(said.contains("dark was not seen and is not pinned: "), "{said}");
    let odd = "2026-04-02 acme, runs when you build: eve was made owner, 61 days ago";
    assert!(said.contains(odd), "{said}");
    let lock = lock_of(&project);
    assert!(lock.contains("name = \"acme\"") && !lock.contains("dark"), "{lock}");
    let forced = cli(&project, &["pin", &at, "--dump", &dump, "--update", "dark", "--reason", "x"]);
    assert_eq!(forced.status.code(), Some(2));
    assert!(text(&forced.stderr).contains("`dark` was not seen"), "{}", text(&forced.stderr));
    let again = cli(&project, &["pin", &at, "--dump", &dump]);
    assert!(!text(&again.stdout).contains("eve"), "told once: {}", text(&again.stdout));
}

#[test]
fn build_code_that_was_pinned_is_told_when_it_changes_and_kept_until_it_is_accepted() {
    let (_registry, project, dump) = project(&[("acme", "1.0.0")]);
    let at = project.request.path.display().to_string();
    let pinned = cli(&project, &["pin", &at, "--dump", &dump, "--build-code"]);
    assert_eq!(pinned.status.code(), Some(0), "{}", text(&pinned.stderr));
    assert!(lock_of(&project).contains("build-files = [\"build.rs\"]"), "{}", lock_of(&project));
    let rule = "build-code-changed-since-pin".to_owned();
    let levels = |found: Vec<(String, String)>| -> Vec<String> {
        found.into_iter().filter(|(id, _)| *id == rule).map(|(_, level)| level).collect()
    };
    assert!(levels(found(&project, &["--dump", &dump])).is_empty());
    project.lock(&world().lock(&[("acme", "1.1.0")]));
    project.audit();
    assert_eq!(levels(found(&project, &["--dump", &dump])), ["high"], "it starts programs now");
    let renewed = cli(&project, &["pin", &at, "--dump", &dump]);
    assert!(
        text(&renewed.stdout).contains("build code and keeps its pin"),
        "{}",
        text(&renewed.stdout)
    );
    assert!(lock_of(&project).contains("version = \"1.0.0\""));
    let reason = ["--update", "acme", "--reason", "read the build script"];
    let accepted = cli(&project, &[&["pin", &at, "--dump", &dump][..], &reason].concat());
    assert_eq!(accepted.status.code(), Some(0), "{}", text(&accepted.stderr));
    assert!(lock_of(&project).contains("build-can = [\"spawn\"]"), "{}", lock_of(&project));
    assert!(levels(found(&project, &["--dump", &dump])).is_empty());
}

#[test]
fn a_lock_is_held_against_cargos_own_setting_of_how_old_releases_have_to_be() {
    let (_registry, project, _) = project(&[("acme", "1.1.0"), ("dark", "1.0.0")]);
    let setting = |folder: &std::path::Path, text: &str| {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("config.toml"), text).unwrap();
    };
    let advisory = |about: &str, id: u32| {
        let folder = project.at("advisories").join("crates").join(about);
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-2026-{id:04}\"\npackage = \"{about}\"\ndate = \"2026-05-20\"\n\n\
             [versions]\npatched = [\">= 1.1.0\"]\n```\n\n# A bad sum\n"
        );
        std::fs::write(folder.join(format!("RUSTSEC-2026-{id:04}.md")), text).unwrap();
    };
    advisory("other", 1);
    let database = project.at("advisories").display().to_string();
    let young = |project: &Project| {
        let found = found(project, &["--advisory-db", &database]).into_iter();
        found.filter(|(id, _)| id == "locked-too-young").count()
    };
    assert_eq!(young(&project), 0, "nobody asks for an age");
    let home = project.at("cargo");
    setting(&home, "[registry]\nglobal-min-publish-age = \"7 days\"\n");
    assert_eq!(young(&project), 1, "the release of yesterday");
    setting(&home, "[registry]\nglobal-min-publish-age = \"1 day\"\n");
    assert_eq!(young(&project), 0);
    setting(
        &home,
        "[registry]\nglobal-min-publish-age = \"7 days\"\n[resolver]\nincompatible-publish-age = \"allow\"\n",
    );
    assert_eq!(young(&project), 0, "as cargo lets it through");
    setting(&home, "");
    setting(&project.request.path.join(".cargo"), "[registry]\nmin-publish-age = \"7 days\"\n");
    assert_eq!(young(&project), 1, "the project's own");
    advisory("acme", 2);
    assert_eq!(young(&project), 0, "it mends an advisory of the release before");
}
