//! `explain`: a rule's page, generated from the rule.

use std::fmt::Write as _;

use super::Failure;
use super::arguments::ExplainArguments;
use super::output;
use super::session;
use crate::domain::rule::{RuleInfo, RuleKind};

/// How a score comes about. `-v` shows the sums.
const SCORE: &str = "\
# The score

Orders findings of one level; no level depends on it alone. It is a sum in bits: a signal that one honest
crate in 1,024 shows weighs 10, one that every second shows weighs 1. How many show what was measured on the
crates of well-known projects (rules/tables/base-rates.toml); `check` says it as \"5 of 3,123 honest crates\".

Of each axis the strongest signal counts, so that one property does not count twice:
  opportunity   the power to publish changed hands, or hangs on somebody new
  means         something is there that nobody can read, or that can do much
  path          it runs when you build
  concealment   it was made to be overlooked

The sum is multiplied where two axes speak of the same thing: by 1.5 for the same file, 1.3 for the same
account, 1.2 for what the same release changed. An event fades as it gets older.
What is not known counts as not seen; `--strict-unknown` takes it for seen.

`cargo custody check -v` shows the sum of every finding, and `terms` of the JSON report has it as data.
";

/// Prints the page of one rule.
pub fn run(arguments: &ExplainArguments) -> Result<u8, Failure> {
    if arguments.rule == "score" {
        output::stdout(SCORE.as_bytes())?;
        return Ok(0);
    }
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
