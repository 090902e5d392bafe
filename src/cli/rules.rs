//! `rules`: the catalogue, its tests, the fact table, the base rates.

mod measure;
mod registry;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Failure;
use super::arguments::RulesArguments;
use super::{output, session};
use crate::collectors::custody_store;
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
    if let Some([data]) = arguments.measure.as_deref()
        && custody_store::is_data(data)
    {
        return registry::measure(arguments, &ruleset, data);
    }
    match (&arguments.measure, arguments.from.is_empty()) {
        (Some(lockfiles), false) if lockfiles.is_empty() => return measure::facts(arguments),
        (Some(lockfiles), true) if !lockfiles.is_empty() => {
            return measure::graphs(arguments, lockfiles);
        }
        (Some(_), _) => {
            return Err(Failure::text(
                "--measure counts over lockfiles, or over facts with --from",
            ));
        }
        (None, _) => {}
    }
    output::stdout(list(&ruleset, arguments.json)?.as_bytes())?;
    Ok(0)
}

fn list(ruleset: &Ruleset, json: bool) -> Result<String, Failure> {
    let findings = ruleset.catalogue(RuleKind::Finding);
    let signals = ruleset.catalogue(RuleKind::Signal);
    if json {
        let all: Vec<_> = findings.iter().chain(&signals).collect();
        return Ok(crate::reporter::json_text(&all)?);
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
