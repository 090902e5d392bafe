//! `rules --measure`: how often each signal fires, over graphs or over facts that are already there.

#[cfg(feature = "parquet")]
mod columns;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;

use crate::audit;
use crate::cli::arguments::{CheckArguments, RulesArguments};
use crate::cli::{Failure, output, session};
use crate::domain::rule::RuleKind;
use crate::domain::{FactSheet, Location, Subject, SubjectKind};
use crate::heuristics::judge::Case;
use crate::heuristics::rates::Rate;
use crate::heuristics::{Ruleset, judge};

/// Sheets that are judged at a time.
const BATCH: usize = 512;

/// What was counted.
struct Counts<'r> {
    ruleset: &'r Ruleset,
    /// Signal id to the subjects on which it fired.
    fires: BTreeMap<String, u32>,
    /// Signal id to the subjects on which it could be told.
    told: BTreeMap<String, u32>,
    /// Subjects that were looked at; one that comes twice counts once.
    seen: BTreeSet<Subject>,
    /// Sheets that wait to be judged.
    waiting: Vec<Case>,
}

/// Counts over the graphs of lockfiles: their crates, without the project's own.
pub fn graphs(arguments: &RulesArguments, lockfiles: &[PathBuf]) -> Result<u8, Failure> {
    let ruleset = session::ruleset(&arguments.common.rules)?;
    let mut counts = Counts::new(&ruleset);
    let mut as_of = String::new();
    for lockfile in lockfiles {
        let check = CheckArguments::about(lockfile, &arguments.common);
        let audit = audit::run(&session::request(&check)?)?;
        as_of.clone_from(&audit.report.as_of);
        for sheet in audit.sheets {
            if sheet.subject.kind == SubjectKind::Crate && sheet.subject.purl().is_some() {
                counts.add(sheet);
            }
        }
    }
    let source = format!(
        "rules --measure over {} lockfiles, {} different crates that are not the project's own",
        lockfiles.len(),
        counts.seen.len()
    );
    print(counts, &as_of, &source)
}

/// A line of `facts --stdin`, as far as it is judged.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    sheet: Option<FactSheet>,
}

/// Counts over facts that `facts --stdin` printed, without an archive. What lies in a project and not in
/// a crate, such as the way to it, is not told there: signals over it have `of = 0`.
pub fn facts(arguments: &RulesArguments) -> Result<u8, Failure> {
    let ruleset = session::ruleset(&arguments.common.rules)?;
    let mut counts = Counts::new(&ruleset);
    let mut errors = 0_usize;
    for path in &arguments.from {
        lines::each(path, &mut |line| {
            let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
            match line.sheet {
                Some(sheet) => counts.add(sheet),
                None => errors += 1,
            }
            Ok(())
        })
        .map_err(|why| Failure::text(format!("cannot read {}: {why}", path.display())))?;
    }
    let source = format!(
        "rules --measure over facts of {} different subjects; {errors} lines had none",
        counts.seen.len()
    );
    let as_of = session::day(&arguments.common)?;
    print(counts, &as_of.to_string(), &source)
}

impl<'r> Counts<'r> {
    fn new(ruleset: &'r Ruleset) -> Self {
        Self {
            ruleset,
            fires: BTreeMap::new(),
            told: BTreeMap::new(),
            seen: BTreeSet::new(),
            waiting: Vec::new(),
        }
    }

    fn add(&mut self, sheet: FactSheet) {
        if !self.seen.insert(sheet.subject.clone()) {
            return;
        }
        let location = Location::line("facts", 1);
        self.waiting.push(Case { sheet, location, related: Vec::new(), path: Vec::new() });
        if self.waiting.len() >= BATCH {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let judgement = judge(self.ruleset, &std::mem::take(&mut self.waiting));
        for signal in judgement.signals {
            *self.fires.entry(signal.hit.id).or_insert(0) += 1;
        }
        for (signal, count) in judgement.determined {
            *self.told.entry(signal).or_insert(0) += count;
        }
    }
}

/// Prints the table that `rules/tables/base-rates.toml` is, each rate with its interval.
fn print(mut counts: Counts<'_>, as_of: &str, source: &str) -> Result<u8, Failure> {
    counts.judge();
    let mut text = format!("date = {as_of:?}\nsource = {source:?}\n\n[signals]\n");
    for rule in counts.ruleset.catalogue(RuleKind::Signal) {
        let count = |counted: &BTreeMap<String, u32>| counted.get(&rule.id).copied().unwrap_or(0);
        let rate = Rate { fires: count(&counts.fires), of: count(&counts.told) };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", rate.line(&rule.id));
    }
    output::stdout(text.as_bytes())?;
    Ok(0)
}
