//! `report`: who holds the keys of this graph.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Failure;
use super::arguments::{CheckArguments, ReportArguments};
use super::{output, session};
use crate::collectors::archive::ManifestFacts;
use crate::collectors::custody::{EventOrder, ReportCrate, custody_report};
use crate::domain::text::shown;
use crate::domain::{CustodyReport, Graph, Hands, NodeIndex, Origin};
use crate::reporter::{self, Format};
use crate::{audit, collectors, walker};

/// Most rows of each table on a terminal; JSON has all of them.
const ROWS: usize = 15;
/// Columns of a terminal.
const WIDTH: usize = 80;

/// Prints the custody report.
pub fn run(arguments: &ReportArguments) -> Result<u8, Failure> {
    let check = CheckArguments::about(&arguments.path, &arguments.common);
    let request = session::request(&check)?;
    let walk = walker::walk(&request.path, &request.walk)?;
    let gathered = collectors::gather(&walk.graph, &request.gather)?;
    for warning in &gathered.warnings {
        output::warning(warning);
    }
    let dependents = dependents(&walk.graph);
    let crates: Vec<ReportCrate<'_>> = gathered
        .custody
        .iter()
        .map(|(node, facts)| ReportCrate {
            name: &walk.graph.nodes[*node].subject.name,
            build_executed: gathered.manifests.get(node).is_some_and(ManifestFacts::runs_at_build),
            dependents: dependents[*node],
            facts,
        })
        .collect();
    let report = custody_report(&crates, EventOrder::Newest, request.gather.as_of);
    let source = gathered.provenance.get("custody").map(String::as_str);
    let of_registry = walk.graph.nodes.iter().map(|node| &node.subject);
    let of_registry = of_registry.filter(|one| one.origin == Origin::Registry);
    // The report counts those of which something is known.
    let names: BTreeSet<&str> = of_registry.map(|one| one.name.as_str()).collect();
    let asked = if arguments.json { Some("json") } else { arguments.format.as_deref() };
    output::in_format(asked, |format| {
        Ok(match format {
            Format::Json => reporter::json_text(&report)?,
            Format::Html => {
                let built = crates.iter().filter(|one| one.build_executed).count();
                let hands = hands(&report, &gathered, (names.len(), built), source);
                let folder = walk.root.file_name().unwrap_or_default().to_string_lossy();
                let texts = vec![("In a table".to_owned(), table(&report, names.len(), source))];
                audit::one::hands_page(&folder, hands, request.gather.as_of, texts)?
            }
            _ => table(&report, names.len(), source),
        })
    })?;
    Ok(0)
}

/// The same as the section of an audit has it.
fn hands(
    report: &CustodyReport,
    gathered: &collectors::Gathered,
    (crates, built): (usize, usize),
    source: Option<&str>,
) -> Hands {
    Hands {
        crates: u32::try_from(crates).unwrap_or(u32::MAX),
        build_crates: u32::try_from(built).unwrap_or(u32::MAX),
        of_change: false,
        owners_known: report.owners_known,
        publishers_known: report.publishers_known,
        events: report.events.clone(),
        events_left_out: report.events_left_out,
        alone: report.sole_build_publishers.clone(),
        lanes: audit::lanes(gathered, &report.events, usize::MAX),
        source: source.map(str::to_owned),
    }
}

/// How many nodes depend on each, directly or not; the project's own members are not counted.
fn dependents(graph: &Graph) -> Vec<u32> {
    let mut counts = vec![0; graph.nodes.len()];
    for (from, node) in graph.nodes.iter().enumerate().filter(|(_, node)| !node.member) {
        let mut seen = BTreeSet::from([from]);
        let mut open: Vec<NodeIndex> = node.dependencies.clone();
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                counts[at] += 1;
                open.extend(&graph.nodes[at].dependencies);
            }
        }
    }
    counts
}

fn table(report: &CustodyReport, crates: usize, source: Option<&str>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "Who holds the keys of {crates} crates, as of {}\nowners known of {}, publishers of {}{}\n",
        report.as_of,
        report.owners_known,
        report.publishers_known,
        source.map_or_else(String::new, |source| format!("; {source}"))
    );
    if report.owners_known == 0 && report.publishers_known == 0 {
        out.push_str(
            "Nothing is known yet. Fetch the registry's dump (`cargo custody db update`), name a dump or slim\n\
             file (--dump FILE), or give the registry's API more time (--api-budget 5m; it knows today only).\n",
        );
        return out;
    }
    accounts(report, &mut out);
    sole_publishers(report, &mut out);
    watch(report, &mut out);
    events(report, &mut out);
    out
}

fn accounts(report: &CustodyReport, out: &mut String) {
    let _ =
        writeln!(out, "{:<28} {:>6} {:>14} {:>6}", "account", "crates", "run at build", "alone");
    for holder in report.accounts.iter().take(ROWS) {
        let login = short(&holder.login, if holder.team { 21 } else { 28 });
        let login = if holder.team { format!("{login} (team)") } else { login };
        let (crates, build, sole) = (holder.crates, holder.build_crates, holder.sole);
        let _ = writeln!(out, "{login:<28} {crates:>6} {build:>14} {sole:>6}");
    }
    more(report.accounts.len(), out);
}

fn sole_publishers(report: &CustodyReport, out: &mut String) {
    let sole = &report.sole_build_publishers;
    if sole.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nRun when you build, and one account alone can publish them");
    for one in sole.iter().take(ROWS) {
        let (name, login) = (short(&one.name, 34), short(&one.login, 28));
        let others = match one.other_crates {
            0 => String::new(),
            others => format!("and {others} more"),
        };
        let _ = writeln!(out, "{}", format!("  {name:<34} {login:<28} {others}").trim_end());
    }
    more(sole.len(), out);
}

fn watch(report: &CustodyReport, out: &mut String) {
    if report.watch.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nWorth an eye: much needed, and new hands hold it alone");
    for one in report.watch.iter().take(ROWS) {
        let (name, login) = (short(&one.name, 22), short(&one.login, 20));
        let count = one.dependents;
        let _ = writeln!(out, "  {name:<22} {login:<20} since {}, {count} need it", one.since);
    }
    more(report.watch.len(), out);
}

fn events(report: &CustodyReport, out: &mut String) {
    if report.events.is_empty() {
        let _ = writeln!(out, "\nNo change of hands is known in the last 24 months.");
        return;
    }
    let _ = writeln!(out, "\nWhat changed hands in the last 24 months");
    for event in report.events.iter().take(ROWS) {
        let mark = if event.build_executed { '*' } else { ' ' };
        let line =
            format!("  {}{mark} {:<18} {}: ", event.date, short(&event.name, 18), event.kind);
        let room = WIDTH.saturating_sub(line.chars().count());
        let _ = writeln!(out, "{line}{}", short(&event.who, room));
    }
    if report.events.iter().take(ROWS).any(|event| event.build_executed) {
        out.push_str("  * its code runs when you build\n");
    }
    more(report.events.len() + report.events_left_out as usize, out);
}

fn more(all: usize, out: &mut String) {
    if all > ROWS {
        let _ = writeln!(out, "  and {} more (--json)", all - ROWS);
    }
}

fn short(text: &str, width: usize) -> String {
    let clean = shown(text);
    if clean.chars().count() <= width {
        return clean;
    }
    clean.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
