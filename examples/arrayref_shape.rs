//! Counts, over the whole histories of the crates of lockfiles, how often an honest release has the shape
//! of the attack on `arrayref` of 2026-08-20: a long-quiet crate gains a dependency on a newborn crate. The last
//! line counts the rule itself.
//!
//! Reads Cargo's index cache and nothing else, so run `cargo fetch` before:
//! `cargo run --example arrayref_shape -- path/to/Cargo.lock [MORE]`

use std::collections::{BTreeMap, BTreeSet};

use cargo_custody::audit;
use cargo_custody::collectors::cargo_home::CargoHome;
use cargo_custody::collectors::index_files::{IndexFiles, Lookup};
use cargo_custody::collectors::releases::{self, History, Locked, ReleaseFacts, Releases};
use cargo_custody::domain::{FactSheet, Origin, Subject};
use cargo_custody::heuristics::judge::{Verdict, verdicts};
use cargo_custody::heuristics::{self, Ruleset};
use cargo_custody::net::{BaseUrls, Client};
use jiff::civil::Date;

type AnyError = Box<dyn std::error::Error>;

/// The rule that is counted, and the signal that it reads.
const RULE: &str = "quiet-crate-gains-newborn-dependency";
const SIGNAL: &str = "gains-newborn-dependency";

fn main() -> Result<(), AnyError> {
    let mut names = BTreeSet::new();
    for lock in std::env::args().skip(1) {
        names.extend(registry_names(&std::fs::read_to_string(lock)?)?);
    }
    if names.is_empty() {
        return Err("give the path of a Cargo.lock".into());
    }
    let home = CargoHome::open(&home::cargo_home()?)?;
    let index = || IndexFiles::new(home.clone(), &Client::offline(), &BaseUrls::default());
    let (files, releases) = (index(), Releases::new(index()));
    let rules = the_rule()?;
    let mut counts = BTreeMap::new();
    let mut crates = 0_usize;
    for name in names {
        let found = match files.find(&name, &Origin::Registry, None) {
            Lookup::Found(found) => found,
            other => {
                eprintln!("{name}: {other:?}");
                continue;
            }
        };
        crates += 1;
        let history = History::known_on(&found.file, Date::MAX);
        for release in &history.releases {
            let locked = Locked {
                name: name.clone(),
                version: release.line.version.clone(),
                checksum: None,
                origin: Origin::Registry,
            };
            let facts = releases.measure_in(&found, &locked, Date::MAX);
            count(&mut counts, &locked, &facts, &rules);
        }
    }
    println!("{crates:>7}  crates");
    for (what, number) in counts {
        println!("{number:>7}  {what}");
    }
    Ok(())
}

/// The embedded rules without all that are not counted.
fn the_rule() -> Result<Ruleset, AnyError> {
    let mut rules = heuristics::load(audit::schema(), &[])?;
    let ids: Vec<String> = rules.rules().map(|rule| rule.info.id.clone()).collect();
    let others = ids.iter().map(String::as_str).filter(|id| ![RULE, SIGNAL].contains(id));
    rules.disable(others)?;
    Ok(rules)
}

fn registry_names(lock: &str) -> Result<BTreeSet<String>, AnyError> {
    let lock: toml::Table = lock.parse()?;
    let packages = lock.get("package").and_then(|p| p.as_array()).ok_or("no packages")?;
    let of_a_registry = |p: &&toml::Value| {
        p.get("source")
            .and_then(|source| source.as_str())
            .is_some_and(|s| s.starts_with("registry"))
    };
    let name = |p: &toml::Value| p.get("name")?.as_str().map(str::to_owned);
    Ok(packages.iter().filter(of_a_registry).filter_map(name).collect())
}

fn count(
    counts: &mut BTreeMap<&'static str, usize>,
    locked: &Locked,
    facts: &ReleaseFacts,
    rules: &Ruleset,
) {
    let mut add = |what| *counts.entry(what).or_default() += 1;
    if facts.is_first_release.known() != Some(&false) {
        return add("first releases, or of unknown order");
    }
    add("consecutive releases");
    let Some(new) = facts.new_dependencies.known() else { return add("unknown dependencies") };
    let fresh: Vec<_> = new.iter().filter(|d| !d.seen_before).collect();
    if fresh.is_empty() {
        return;
    }
    add("that add a dependency never had before");
    let young = |days: i64| {
        fresh.iter().any(|d| {
            !d.sibling && d.first_published_age_days.known().is_some_and(|age| *age < days)
        })
    };
    if fresh.iter().any(|d| !d.sibling && d.first_published_age_days.known().is_none()) {
        add("of which some dependency's age is unknown");
    }
    let gap = facts.gap_days_before.known().copied().unwrap_or(0);
    if young(30) {
        add("to a crate younger than 30 days and no sibling");
        for (days, what) in [
            (90, "... after more than 090 days without a release"),
            (180, "... after more than 180 days without a release"),
            (365, "... after more than 365 days without a release"),
            (730, "... after more than 730 days without a release"),
        ] {
            if gap > days {
                add(what);
            }
        }
    }
    let mut sheet = FactSheet::new(Subject::registry_crate(&locked.name, &locked.version));
    sheet.put(releases::GROUP, facts);
    if verdicts(rules, &sheet).get(RULE) == Some(&Verdict::Fires) {
        add("~ the rule fires");
        let published = facts.published.known().map_or("", String::as_str);
        let names: Vec<_> = fresh.iter().map(|d| d.name.as_str()).collect();
        let Locked { name, version, .. } = locked;
        eprintln!("{name} {version} of {published}, after {gap} days: {}", names.join(", "));
    }
}
