//! `rules`: the catalogue, its tests, the fact table, the base rates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Failure;
use super::arguments::{CheckArguments, RulesArguments};
use super::{output, session};
use crate::audit;
use crate::domain::SubjectKind;
use crate::domain::rule::RuleKind;
use crate::heuristics::{Ruleset, selftest};
use crate::reporter::book;

/// Lists, tests or measures rules.
pub fn run(arguments: &RulesArguments) -> Result<u8, Failure> {
    let ruleset = session::ruleset(&arguments.common.rules)?;
    if arguments.test {
        return test(&ruleset);
    }
    if arguments.facts {
        output::stdout(ruleset.schema().table().as_bytes())?;
        return Ok(0);
    }
    if let Some(folder) = &arguments.book {
        return book(&ruleset, folder);
    }
    if !arguments.measure.is_empty() {
        return measure(arguments);
    }
    output::stdout(list(&ruleset, arguments.json)?.as_bytes())?;
    Ok(0)
}

fn list(ruleset: &Ruleset, json: bool) -> Result<String, Failure> {
    let findings = ruleset.catalogue(RuleKind::Finding);
    let signals = ruleset.catalogue(RuleKind::Signal);
    if json {
        let all: Vec<_> = findings.iter().chain(&signals).collect();
        return Ok(serde_json::to_string_pretty(&all)? + "\n");
    }
    let mut text = String::from("Findings\n");
    for rule in &findings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<9} {}\n            {}", rule.level, rule.id, rule.title);
    }
    text.push_str("\nSignals, shown only as part of a finding or with --all\n");
    for rule in &signals {
        let axis = rule.axis.map_or("", crate::domain::Axis::as_str);
        let _ = writeln!(text, "  {axis:<11} {}\n              {}", rule.id, rule.title);
    }
    Ok(text)
}

/// Writes the pages about the rules.
fn book(ruleset: &Ruleset, folder: &Path) -> Result<u8, Failure> {
    let rules: Vec<_> = ruleset
        .rules()
        .map(|rule| (&rule.info, ruleset.rates().of(&rule.info.id).interval()))
        .collect();
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::text(format!("cannot create {}: {error}", folder.display())))?;
    let pages = book::pages(&rules)?;
    for (name, text) in &pages {
        output::file(&folder.join(name), text.as_bytes())?;
    }
    output::stdout(format!("wrote {} pages into {}\n", pages.len(), folder.display()).as_bytes())?;
    Ok(0)
}

/// Most bytes of one facts sheet.
const FACTS_BYTES: u64 = 64 << 20;

fn test(ruleset: &Ruleset) -> Result<u8, Failure> {
    let outcome = selftest::run(ruleset, &|rule, facts| {
        // Beside the rule's folder, or where the user stands.
        let beside = Path::new(rule).ancestors().skip(1).map(|folder| folder.join(facts));
        beside
            .chain([PathBuf::from(facts)])
            .find_map(|path| crate::disk::text(&path, FACTS_BYTES).ok())
    });
    let mut text = String::new();
    for failure in &outcome.failures {
        let _ = writeln!(text, "{} test {}: {}", failure.rule, failure.test, failure.problem);
    }
    let passed = outcome.ran.saturating_sub(outcome.failures.len());
    let _ = writeln!(text, "{passed} passed, {} failed", outcome.failures.len());
    output::stdout(text.as_bytes())?;
    Ok(u8::from(!outcome.failures.is_empty()))
}

/// Counts how often each signal fires, over several graphs; a crate that stands in two counts once.
fn measure(arguments: &RulesArguments) -> Result<u8, Failure> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut seen: BTreeSet<crate::domain::Subject> = BTreeSet::new();
    let mut told: BTreeMap<String, u32> = BTreeMap::new();
    let mut determined = 0_u32;
    let mut as_of = String::new();
    for lockfile in &arguments.measure {
        let check = CheckArguments {
            path: lockfile.clone(),
            common: arguments.common.clone(),
            ..CheckArguments::default()
        };
        let audit = audit::run(&session::request(&check)?)?;
        as_of.clone_from(&audit.report.as_of);
        let news: Vec<_> = audit
            .sheets
            .iter()
            .map(|sheet| &sheet.subject)
            .filter(|subject| subject.kind == SubjectKind::Crate && subject.purl().is_some())
            .filter(|subject| !seen.contains(*subject))
            .cloned()
            .collect();
        for signal in audit.signals.iter().filter(|signal| news.contains(&signal.subject)) {
            *counts.entry(signal.hit.id.clone()).or_insert(0) += 1;
        }
        for (signal, count) in &audit.determined {
            *told.entry(signal.clone()).or_insert(0) += count;
        }
        determined += u32::try_from(news.len()).unwrap_or(u32::MAX);
        seen.extend(news);
    }
    let ruleset = session::ruleset(&arguments.common.rules)?;
    let graphs = arguments.measure.len();
    let source = format!(
        "rules --measure over {graphs} lockfiles, {determined} different crates that are not the project's own"
    );
    let mut text = format!("date = {as_of:?}\nsource = {source:?}\n\n[signals]\n");
    for rule in ruleset.catalogue(RuleKind::Signal) {
        let fires = counts.get(&rule.id).copied().unwrap_or(0);
        // A crate of two graphs is told of twice and counts once.
        let of = told.get(&rule.id).copied().unwrap_or(0).min(determined);
        let _ = writeln!(text, "{} = {{ fires = {fires}, of = {of} }}", rule.id);
    }
    output::stdout(text.as_bytes())?;
    Ok(0)
}
