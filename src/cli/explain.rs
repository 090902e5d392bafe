//! `explain`: a rule's page, generated from the rule.

use std::fmt::Write as _;

use super::Failure;
use super::arguments::ExplainArguments;
use super::output;
use super::session;
use crate::domain::rule::{RuleInfo, RuleKind};

/// Prints the page of one rule.
pub fn run(arguments: &ExplainArguments) -> Result<u8, Failure> {
    let ruleset = session::ruleset(&arguments.rules)?;
    let rule = ruleset.rule(&arguments.rule).ok_or_else(|| {
        Failure::text(ruleset.no_rule(&arguments.rule))
            .help("`cargo custody rules` lists all rules")
    })?;
    output::stdout(page(&rule.info, ruleset.rates().of(&rule.info.id).interval()).as_bytes())?;
    Ok(0)
}

/// The page of a rule, in plain text that is also Markdown.
fn page(rule: &RuleInfo, (low, high): (f64, f64)) -> String {
    let mut page = String::new();
    let kinds: Vec<_> = rule.applies_to.iter().map(|kind| kind.as_str()).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(page, "# {}\n\n{}\n", rule.id, rule.title);
    match (rule.kind, rule.axis) {
        (RuleKind::Signal, Some(axis)) => {
            let (low, high) = (low * 100.0, high * 100.0);
            let _ = writeln!(
                page,
                "A signal on the axis of {}, about a {}. It fires on {low:.2} to {high:.2} % of honest\n\
                 crates (95 % interval) and is shown by itself only with --all.\n",
                axis.as_str(),
                kinds.join(" or a "),
            );
        }
        _ => {
            let _ = writeln!(page, "Level: {}. About: {}.\n", rule.level, kinds.join(", "));
        }
    }
    let _ = writeln!(page, "{}", rule.docs);
    if !rule.clear.is_empty() {
        let _ = writeln!(page, "\n## What clears it\n\n{}", rule.clear);
    }
    if !rule.references.is_empty() {
        let _ = writeln!(page, "\n## References\n");
        for reference in &rule.references {
            let _ = writeln!(page, "- {reference}");
        }
    }
    page
}
