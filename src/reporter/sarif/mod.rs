//! SARIF 2.1.0, as GitHub code scanning wants it.
//!
//! Code scanning closes an alert whose result is gone, opens one for every result, shows only the
//! first location, and in a pull request only alerts whose lines the change touches. Hence: findings
//! that were there before stay listed, waived ones and those of the baseline carry `suppressions`, dependency
//! findings stand on the `version` line of their package, and a run in which a required check is missing says that it
//! failed, so that its upload does not close anything.

mod catalogue;
mod line_hash;
mod outcome;
mod shape;

use std::collections::BTreeMap;

use serde_json::Value;

use self::catalogue::Catalogue;
use self::outcome::{Writer, grouped};
use self::shape::{AutomationDetails, Driver, Invocation, Log, Notification, Run, Text, Tool};
use super::view::{Existing, View};
use super::{Format, Options, ReporterError, hands, pretty};
use crate::domain::report::Context;
use crate::domain::{Finding, Report};

/// Results that code scanning keeps of a run.
const MAX_RESULTS: usize = 5_000;
/// Notifications about what could not be determined.
const MAX_NOTIFICATIONS: usize = 100;

pub(super) fn render(
    report: &Report,
    context: &Context<'_>,
    options: &Options,
) -> Result<String, ReporterError> {
    let view = View::new(report, context, options, Existing::Listed);
    let all: Vec<&Finding> = view.shown.iter().chain(&view.accepted).copied().collect();
    let groups = grouped(&all);
    let catalogue = Catalogue::new(context.rules, &all);
    let mut writer = Writer::new(context);
    let results: Vec<_> =
        groups.iter().take(MAX_RESULTS).map(|group| writer.outcome(group, &catalogue)).collect();
    let cut = groups.len() - results.len();
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver: driver(report, catalogue) },
            automation_details: AutomationDetails { id: category(context.prefix) },
            column_kind: "unicodeCodePoints",
            invocations: [invocation(&view, cut)],
            results,
            properties: properties(report)?,
        }],
    };
    pretty(Format::Sarif, &log)
}

/// The day of the audit, and what is known of the hands.
fn properties(report: &Report) -> Result<BTreeMap<&'static str, Value>, ReporterError> {
    let mut all = BTreeMap::from([("asOf", Value::from(report.as_of.as_str()))]);
    if let Some(held) = &report.hands {
        let held = serde_json::to_value(held)
            .map_err(|source| ReporterError::Json { format: Format::Sarif, source })?;
        all.insert("hands", held);
    }
    Ok(all)
}

fn driver(report: &Report, catalogue: Catalogue) -> Driver {
    Driver {
        name: "cargo-custody",
        semantic_version: report.tool_version.clone(),
        information_uri: Some(env!("CARGO_PKG_REPOSITORY")).filter(|uri| !uri.is_empty()),
        rules: catalogue.rules,
    }
}

/// What stands before the last `/` is the category: one a workspace of the repository.
fn category(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => "cargo-custody/".to_owned(),
        prefix => format!("cargo-custody/{prefix}/"),
    }
}

fn invocation(view: &View<'_>, cut: usize) -> Invocation {
    let groups = view.unknown();
    let mut texts: Vec<String> = groups
        .iter()
        .take(MAX_NOTIFICATIONS)
        .map(|group| format!("Not determined: {}.", group.sentence()))
        .collect();
    let more = groups.len() - texts.len();
    if more > 0 {
        texts.push(format!("Not determined: {more} more groups."));
    }
    texts.extend(view.section_lines());
    texts.extend(view.gap_lines().into_iter().map(|(line, _)| line));
    if !view.report.findings_left_out.is_empty() {
        texts.push(format!("Not listed: {}.", view.left_out()));
    }
    if cut > 0 {
        texts.push(format!("{cut} results are left out: {MAX_RESULTS} are kept of a run."));
    }
    Invocation {
        execution_successful: !matches!(view.report.exit, 2 | 3),
        exit_code: view.report.exit,
        tool_execution_notifications: texts
            .into_iter()
            .map(|text| Notification { level: "warning", message: Text { text } })
            .chain(held(view.report))
            .collect(),
    }
}

/// What changed hands, as a note of the run: it is no result, because nothing is wrong with it.
fn held(report: &Report) -> Option<Notification> {
    let lines = hands::lines(report, hands::ON_A_PAGE);
    (!lines.is_empty())
        .then(|| Notification { level: "note", message: Text { text: lines.join("\n") } })
}

#[cfg(test)]
mod tests;
