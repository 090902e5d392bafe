//! Plays a year of lockfile changes and counts the alarms: for every step, each crate of a lockfile gets
//! the newest release of its semver line that was published by then, consecutive lockfiles are compared as
//! the gate would, on that day, and findings that the change brings in are counted.
//!
//! Reads Cargo's index cache and the archives that are there, and opens no socket:
//! `cargo run --release --example replay -- path/to/Cargo.lock 2025-11-24 2026-11-23 7`
//! where the last number is the length of a step in days.
//!
//! What it leaves out: dependencies that a newer release adds or drops (the graph is that of the
//! lockfile), owners (no dump is given), and bytes of releases that are not on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cargo_custody::audit::{self, BaseSide, Request};
use cargo_custody::collectors::Options;
use cargo_custody::collectors::cargo_home::CargoHome;
use cargo_custody::collectors::index_files::{IndexFiles, Lookup};
use cargo_custody::collectors::releases::{History, same_line};
use cargo_custody::config::Policy;
use cargo_custody::domain::{Change, Level, Measured, Origin};
use cargo_custody::heuristics::{self, Ruleset};
use cargo_custody::net::{BaseUrls, Client};
use cargo_custody::walker::delta::Base;
use cargo_custody::walker::lockfile::{self, Lockfile};
use jiff::civil::Date;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or(format!("give {what}"));
    let text = std::fs::read_to_string(next("the path of a Cargo.lock")?)?;
    let (mut day, last): (Date, Date) =
        (next("the first day")?.parse()?, next("the last day")?.parse()?);
    let step: i64 = next("the days of a step")?.parse()?;
    let lock = lockfile::parse(&text, "Cargo.lock")?;
    let index = Index::of(&lock)?;
    let folder = tempfile::tempdir()?;
    let cache = folder.path().join("cache");
    let mut before = write(folder.path(), &index.lock_of(&lock, day), day)?;
    let rules = Arc::new(heuristics::load(audit::schema(), &[])?);
    let mut sum = Sum::default();
    while day < last {
        day = day.saturating_add(jiff::Span::new().days(step)).min(last);
        let now = write(folder.path(), &index.lock_of(&lock, day), day)?;
        sum.step(day, &request(&before, &now, day, &cache, &rules)?)?;
        before = now;
    }
    println!("{sum}");
    Ok(())
}

fn write(folder: &Path, text: &str, day: Date) -> std::io::Result<PathBuf> {
    let path = folder.join(format!("{day}.lock"));
    std::fs::write(&path, text)?;
    Ok(path)
}

fn request(
    before: &Path,
    now: &Path,
    day: Date,
    cache: &Path,
    rules: &Arc<Ruleset>,
) -> Result<Request, AnyError> {
    let policy_files = Measured::unknown("the base is a lockfile");
    let replaced = Measured::unknown("the base is a lockfile");
    Ok(Request {
        notes: false,
        path: now.to_owned(),
        walk: cargo_custody::walker::Options::default(),
        gather: Options {
            offline: true,
            ..Options::new(day, home::cargo_home()?, cache.to_owned())
        },
        policy: Policy::default(),
        fail_on: Some(Level::High),
        ruleset: Arc::clone(rules),
        base: Some(BaseSide {
            base: Base::of_lockfile(before)?,
            policy_files,
            replaced,
            files: None,
        }),
        baseline: None,
        strict_unknown: false,
    })
}

/// What the index says of the crates of a lockfile.
struct Index {
    files: IndexFiles,
}

impl Index {
    fn of(lock: &Lockfile) -> Result<Self, AnyError> {
        let home = CargoHome::open(&home::cargo_home()?)?;
        let files = IndexFiles::new(home, &Client::offline(), &BaseUrls::default());
        let missing = lock.packages.iter().filter(|package| {
            package.origin == Origin::Registry
                && !matches!(files.find(&package.name, &Origin::Registry, None), Lookup::Found(_))
        });
        println!("{} packages, {} without an index file", lock.packages.len(), missing.count());
        Ok(Self { files })
    }

    /// Version and checksum of a package on a day: the newest of its line, else the newest at all.
    fn on(&self, name: &str, locked: &str, day: Date) -> Option<(String, String)> {
        let Lookup::Found(found) = self.files.find(name, &Origin::Registry, None) else {
            return None;
        };
        let history = History::known_on(&found.file, day);
        let locked = semver::Version::parse(locked).ok()?;
        let usable = history.releases.iter().filter(|release| {
            release.version <= locked
                && (release.version.pre.is_empty() || !locked.pre.is_empty())
                && (release.line.yanked != Some(true) || release.version == locked)
        });
        let usable: Vec<_> = usable.collect();
        let of_line = usable.iter().filter(|release| same_line(&release.version, &locked));
        let newest = of_line
            .max_by(|a, b| a.version.cmp(&b.version))
            .or_else(|| usable.iter().max_by(|a, b| a.version.cmp(&b.version)))?;
        Some((newest.line.version.clone(), newest.line.checksum.clone()))
    }

    /// The lockfile as it could have been on a day.
    fn lock_of(&self, lock: &Lockfile, day: Date) -> String {
        let resolved: Vec<Option<(String, Option<String>)>> = lock
            .packages
            .iter()
            .map(|package| match package.origin {
                Origin::Registry => self
                    .on(&package.name, &package.version, day)
                    .map(|(version, checksum)| (version, Some(checksum))),
                _ => Some((package.version.clone(), None)),
            })
            .collect();
        let mut entries: BTreeMap<(String, String), (Option<String>, BTreeSet<String>)> =
            BTreeMap::new();
        for (package, resolved_to) in lock.packages.iter().zip(&resolved) {
            let Some((version, checksum)) = resolved_to else { continue };
            let names = package.dependencies.iter().filter_map(|&to| {
                let (version, _) = resolved[to].as_ref()?;
                Some(format!("{} {version}", lock.packages[to].name))
            });
            let entry = entries.entry((package.name.clone(), version.clone())).or_default();
            entry.0.clone_from(checksum);
            entry.1.extend(names);
        }
        let mut text = String::from("version = 4\n");
        for ((name, version), (checksum, dependencies)) in entries {
            let _ = write!(text, "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
            if let Some(checksum) = checksum {
                let source = "registry+https://github.com/rust-lang/crates.io-index";
                let _ = writeln!(text, "source = \"{source}\"\nchecksum = \"{checksum}\"");
            }
            let dependencies: Vec<String> = dependencies.into_iter().collect();
            let _ = writeln!(text, "dependencies = {dependencies:?}");
        }
        text
    }
}

/// Counts over all steps.
#[derive(Default)]
struct Sum {
    steps: u32,
    steps_with_alarm: u32,
    crates: usize,
    /// Of these, those whose archive was read.
    read: usize,
    alarms: BTreeMap<String, u32>,
    notes: BTreeMap<String, u32>,
}

impl Sum {
    fn step(&mut self, day: Date, request: &Request) -> Result<(), AnyError> {
        let report = audit::run(request)?.report;
        let changes = report.changes.map_or(0, |changes| changes.len());
        let mut alarms = 0;
        for finding in &report.findings {
            if finding.change == Some(Change::Existing) || finding.rule.starts_with("advisory-") {
                continue;
            }
            if finding.level >= Level::Medium {
                alarms += 1;
                println!("{day} {} {}: {}", finding.level.as_str(), finding.rule, finding.message);
                *self.alarms.entry(finding.rule.clone()).or_default() += 1;
            } else {
                *self.notes.entry(finding.rule.clone()).or_default() += 1;
            }
        }
        println!("{day}: {changes} crates changed, {alarms} alarms");
        self.steps += 1;
        self.steps_with_alarm += u32::from(alarms > 0);
        self.crates += changes;
        self.read += report.coverage.get("archive").map_or(0, |coverage| coverage.known);
        Ok(())
    }
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let alarms: u32 = self.alarms.values().sum();
        let Self { steps, crates, read, .. } = self;
        writeln!(f, "{steps} lockfile changes, {crates} crates changed, bytes read of {read}")?;
        writeln!(f, "alarms (medium and above, advisories aside): {alarms} {:?}", self.alarms)?;
        writeln!(f, "changes with one: {}", self.steps_with_alarm)?;
        write!(f, "below medium: {:?}", self.notes)
    }
}
