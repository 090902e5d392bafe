//! The page of a fleet: as the report's page, nothing to load and every string escaped.

use askama::Template;

use super::ReporterError;
use super::html::{STYLE, hash, written};
use super::words::told;
use crate::domain::Level;
use crate::domain::fleet::FleetSummary;

/// Rows of each table; the JSON has all.
const ROWS: usize = 200;

#[derive(Template)]
#[template(path = "fleet.html")]
struct Page<'s> {
    style: &'static str,
    style_hash: String,
    verdict: String,
    summary: &'s FleetSummary,
    tables: Vec<Table>,
}

struct Table {
    title: &'static str,
    heads: Vec<&'static str>,
    rows: Vec<Row>,
    left_out: usize,
}

struct Row {
    /// The page of the project in its first cell.
    page: Option<String>,
    cells: Vec<String>,
}

/// Lays the summary out as one page; `page_of` tells where the page of a project is, seen from this one.
///
/// # Errors
///
/// What the template says, where it cannot be filled.
pub fn page(
    summary: &FleetSummary,
    page_of: &dyn Fn(&str) -> String,
) -> Result<String, ReporterError> {
    // What is worst in most projects first: a lead reads the first rows.
    let mut findings: Vec<_> = summary.findings.iter().collect();
    findings.sort_by_key(|one| std::cmp::Reverse((one.level, one.projects)));
    let findings = findings.into_iter().map(|finding| {
        let projects = finding.projects.to_string();
        [finding.level.as_str().to_owned(), finding.rule.clone(), finding.subject.clone(), projects]
    });
    let refused = summary.not_audited.iter().map(|one| [one.project.clone(), one.why.clone()]);
    let tables = [
        not_passed(summary, page_of),
        table("Not audited", ["project", "why"], refused),
        table("Findings", ["level", "rule", "subject", "projects"], findings),
        accounts(summary),
    ];
    written(&Page {
        style: STYLE,
        style_hash: hash(STYLE),
        verdict: verdict(summary),
        summary,
        tables: tables.into_iter().flatten().collect(),
    })
}

/// The fleet in one sentence.
#[must_use]
pub fn verdict(summary: &FleetSummary) -> String {
    let FleetSummary { projects, failed, incomplete, not_audited, .. } = summary;
    let refused = not_audited.len();
    let passed = projects.saturating_sub(failed + incomplete + refused);
    format!(
        "{passed} passed, {failed} failed, {incomplete} incomplete, {refused} could not be audited"
    )
}

fn not_passed(summary: &FleetSummary, page_of: &dyn Fn(&str) -> String) -> Option<Table> {
    let rows = summary.not_passed.iter().map(|one| {
        let became = if one.exit == 1 { "failed" } else { "incomplete" };
        let level = one.level.map_or("none", Level::as_str);
        [one.project.clone(), became.to_owned(), level.to_owned(), one.findings.to_string()]
    });
    let heads = ["project", "it", "highest level", "findings"];
    let mut table = table("Projects that did not pass", heads, rows)?;
    table.left_out += summary.not_passed_left_out;
    for (row, one) in table.rows.iter_mut().zip(&summary.not_passed) {
        row.page = Some(page_of(&one.project));
    }
    Some(table)
}

fn accounts(summary: &FleetSummary) -> Option<Table> {
    let rows = summary.accounts.iter().map(|account| {
        let team = if account.team { " (team)" } else { "" };
        [
            format!("{}{team}", account.login),
            account.build_projects.to_string(),
            account.projects.to_string(),
            account.crates.to_string(),
        ]
    });
    let heads = ["account", "runs at build in", "can publish into", "crates"];
    table("Who can publish into these projects", heads, rows)
}

/// A table of strangers' strings; none where it has no rows.
fn table<const N: usize>(
    title: &'static str,
    heads: [&'static str; N],
    rows: impl ExactSizeIterator<Item = [String; N]>,
) -> Option<Table> {
    let left_out = rows.len().saturating_sub(ROWS);
    let cells = |row: [String; N]| row.iter().map(|cell| told(cell)).collect();
    let row = |row| Row { page: None, cells: cells(row) };
    let rows: Vec<Row> = rows.take(ROWS).map(row).collect();
    (!rows.is_empty()).then(|| Table { title, heads: heads.to_vec(), rows, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fleet::{FleetAccount, FleetFinding, NotAudited, NotPassed};

    #[test]
    fn strangers_bring_no_element_and_the_page_loads_nothing() {
        let hostile = "</style><script>alert(1)</script><img src=x onerror=y>\"'".to_owned();
        let summary = FleetSummary {
            projects: 3,
            failed: 1,
            findings: vec![FleetFinding {
                rule: hostile.clone(),
                level: Level::High,
                subject: hostile.clone(),
                projects: 2,
            }],
            accounts: vec![FleetAccount {
                login: hostile.clone(),
                team: true,
                projects: 3,
                build_projects: 1,
                crates: 7,
            }],
            not_audited: vec![NotAudited { project: hostile.clone(), why: hostile.clone() }],
            not_passed: vec![NotPassed {
                project: hostile.clone(),
                exit: 1,
                level: Some(Level::High),
                findings: 2,
            }],
            ..FleetSummary::default()
        };
        let text = page(&summary, &|_| format!("projects/{hostile}.html")).expect("is filled");
        assert!(!text.contains("<script") && !text.contains("<img"));
        assert!(text.contains("1 passed, 1 failed, 0 incomplete, 1 could not be audited"));
        assert!(text.contains("default-src 'none'; style-src 'sha256-"));
        assert_eq!(text.matches("</style>").count(), 1);
    }

    #[test]
    fn the_worst_finding_of_most_projects_stands_first() {
        let one = |level, rule: &str, projects| FleetFinding {
            rule: rule.to_owned(),
            level,
            subject: "x".to_owned(),
            projects,
        };
        let findings =
            vec![one(Level::Note, "a", 9), one(Level::High, "b", 1), one(Level::High, "c", 2)];
        let summary = FleetSummary { findings, ..FleetSummary::default() };
        let text = page(&summary, &|_| String::new()).expect("is filled");
        let at = |rule: &str| text.find(&format!("<td>{rule}</td>")).expect("a row");
        assert!(at("c") < at("b") && at("b") < at("a"));
    }

    #[test]
    fn a_long_table_says_how_much_is_left_out() {
        let one = NotAudited { project: "p".to_owned(), why: "w".to_owned() };
        let summary = FleetSummary { not_audited: vec![one; ROWS + 5], ..FleetSummary::default() };
        let nowhere = |_: &str| String::new();
        assert!(page(&summary, &nowhere).expect("is filled").contains("and 5 more"));
    }
}
