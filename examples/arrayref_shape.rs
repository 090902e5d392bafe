//! Counts, over the whole histories of the crates of a lockfile, how often an honest release has the shape
//! of the attack on `arrayref` of 2026-08-20: a long-quiet crate gains a dependency on a newborn crate.
//!
//! Reads Cargo's index cache and nothing else, so run `cargo fetch` before:
//! `cargo run --example arrayref_shape -- path/to/Cargo.lock`

use std::collections::{BTreeMap, BTreeSet};

use cargo_custody::collectors::cargo_home::CargoHome;
use cargo_custody::collectors::index_files::{IndexFiles, Lookup};
use cargo_custody::collectors::releases::{History, Locked, ReleaseFacts, Releases};
use cargo_custody::domain::Origin;
use cargo_custody::net::{BaseUrls, Client};
use jiff::civil::Date;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let lock = std::env::args().nth(1).ok_or("give the path of a Cargo.lock")?;
    let home = CargoHome::open(&home::cargo_home()?)?;
    let index = || IndexFiles::new(home.clone(), &Client::offline(), &BaseUrls::default());
    let (files, releases) = (index(), Releases::new(index()));
    let mut counts = BTreeMap::new();
    for name in registry_names(&std::fs::read_to_string(lock)?)? {
        match files.find(&name, &Origin::Registry, None) {
            Lookup::Found(found) => {
                let history = History::known_on(&found.file, Date::MAX);
                for release in &history.releases {
                    let locked = Locked {
                        name: name.clone(),
                        version: release.line.version.clone(),
                        checksum: None,
                        origin: Origin::Registry,
                    };
                    let facts = releases.measure_in(&found, &locked, Date::MAX);
                    count(&mut counts, &name, &facts);
                }
            }
            other => eprintln!("{name}: {other:?}"),
        }
    }
    for (what, number) in counts {
        println!("{number:>7}  {what}");
    }
    Ok(())
}

fn registry_names(lock: &str) -> Result<BTreeSet<String>, AnyError> {
    let lock: toml::Table = lock.parse()?;
    let packages = lock.get("package").and_then(|p| p.as_array()).ok_or("no packages")?;
    let of_a_registry = |p: &&toml::Value| p.get("source").is_some();
    let name = |p: &toml::Value| p.get("name")?.as_str().map(str::to_owned);
    Ok(packages.iter().filter(of_a_registry).filter_map(name).collect())
}

fn count(counts: &mut BTreeMap<&'static str, usize>, name: &str, facts: &ReleaseFacts) {
    let mut add = |what| *counts.entry(what).or_default() += 1;
    if facts.is_first_release.known() != Some(&false) {
        return add("first releases, or of unknown order");
    }
    add("consecutive releases");
    let Some(new) = facts.new_dependencies.known() else { return add("unknown dependencies") };
    let fresh: Vec<_> = new.iter().filter(|d| !d.seen_before).collect();
    if !fresh.is_empty() {
        add("that add a dependency never had before");
    }
    let young = |days: i64| {
        fresh.iter().any(|d| {
            !d.sibling && d.first_published_age_days.known().is_some_and(|age| *age < days)
        })
    };
    if fresh.iter().any(|d| !d.sibling && d.first_published_age_days.known().is_none()) {
        add("of which some dependency's age is unknown");
    }
    if !young(30) {
        return;
    }
    add("to a crate younger than 30 days and no sibling");
    if young(7) {
        add("to a crate younger than 7 days and no sibling");
    }
    let gap = facts.gap_days_before.known().copied().unwrap_or(0);
    for (days, what) in [
        (90, "... after more than 090 days without a release"),
        (180, "... after more than 180 days without a release"),
        (365, "... after more than 365 days without a release"),
        (730, "... after more than 730 days without a release"),
    ] {
        if gap > days {
            add(what);
            if days >= 180 {
                let published = facts.published.known().map_or("", String::as_str);
                let names: Vec<_> = fresh.iter().map(|d| d.name.as_str()).collect();
                eprintln!("{name} of {published}, after {gap} days: {}", names.join(", "));
            }
        }
    }
}
