//! GitLab's Code Quality report: a list of places with a fingerprint each.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>. GitLab compares
//! the reports of the two branches itself, so what was there before stays listed.

use serde::Serialize;

use super::fingerprint::{Fingerprints, short_hash};
use super::view::{Existing, View, accepted_line};
use super::words::{repository_path, told};
use super::{Format, Options, ReporterError, pretty};
use crate::domain::report::Context;
use crate::domain::{Level, Report};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

pub(super) fn render(
    report: &Report,
    context: &Context<'_>,
    options: &Options,
) -> Result<String, ReporterError> {
    let mut prints = Fingerprints::default();
    let view = View::new(report, context, options, Existing::Listed);
    let accepted: Vec<Issue> = view
        .accepted
        .iter()
        .zip(view.accepted_lines())
        .map(|(finding, description)| {
            let path = repository_path(context.prefix, &finding.location.file);
            Issue {
                description,
                check_name: finding.rule.clone(),
                fingerprint: prints.next(finding, &path),
                severity: "info",
                location: Place { path, lines: Lines { begin: finding.location.line.max(1) } },
            }
        })
        .collect();
    let notes = notes(&view, context);
    let issues: Vec<Issue> = view
        .shown
        .into_iter()
        .map(|finding| {
            let path = repository_path(context.prefix, &finding.location.file);
            let description = match finding.baselined {
                Some(_) => accepted_line(finding),
                None => told(&finding.message),
            };
            Issue {
                description,
                check_name: finding.rule.clone(),
                fingerprint: prints.next(finding, &path),
                severity: severity(finding.level),
                location: Place { path, lines: Lines { begin: finding.location.line.max(1) } },
            }
        })
        .chain(accepted)
        .chain(notes)
        .collect();
    pretty(Format::Gitlab, &issues)
}

/// What was not read, and what is not listed: one entry a cause, at the lockfile, because the format has no
/// other place for it.
fn notes(view: &View<'_>, context: &Context<'_>) -> Vec<Issue> {
    let gaps = view.gap_lines().into_iter().map(|(line, required)| {
        (if required { "major" } else { "info" }, "custody-not-read", line)
    });
    let cut = Some(view.left_out()).filter(|_| !view.report.findings_left_out.is_empty());
    let cut = cut.map(|text| ("info", "custody-not-listed", format!("not listed: {text}")));
    let path = repository_path(context.prefix, "Cargo.lock");
    gaps.chain(cut)
        .map(|(severity, name, description)| Issue {
            fingerprint: short_hash(&[name, &description]),
            description,
            check_name: name.to_owned(),
            severity,
            location: Place { path: path.clone(), lines: Lines { begin: 1 } },
        })
        .collect()
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Note => "info",
        Level::Low => "minor",
        Level::Medium => "major",
        Level::High => "critical",
        Level::Critical => "blocker",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::reporter::sample;

    fn text(report: &Report, context: &Context<'_>) -> String {
        render(report, context, &Options::default()).unwrap()
    }

    #[test]
    fn the_layout_is_stable() {
        let text = text(&sample::report(), &sample::context());
        sample::golden("fixtures/reports/sample.gitlab.json", &text);
    }

    #[test]
    fn the_report_has_the_shape_that_gitlab_documents() {
        let schema = include_str!("../../fixtures/schemas/gitlab-code-quality.schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        for report in [sample::report(), sample::delta_report(), sample::incomplete_report()] {
            let issues = serde_json::from_str(&text(&report, &sample::context())).unwrap();
            sample::validate(&schema, &[], &issues);
        }
        let wrong = serde_json::json!([{ "description": "x" }]);
        assert!(sample::invalid(&schema, &[], &wrong).is_some());
    }

    #[test]
    fn no_findings_are_an_empty_list() {
        assert_eq!(text(&sample::clean_report(), &sample::context()), "[]\n");
    }

    #[test]
    fn fingerprints_are_unique_and_paths_relative_to_the_repository() {
        let mut report = sample::report();
        report.findings = vec![sample::known_bad(); 5];
        let context = Context { prefix: "./apps/chat/", ..sample::context() };
        let issues: Vec<Value> = serde_json::from_str(&text(&report, &context)).unwrap();
        let prints: BTreeSet<&str> =
            issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(prints.len(), 5);
        assert_eq!(issues[0]["location"]["path"], "apps/chat/Cargo.lock");
    }
}
