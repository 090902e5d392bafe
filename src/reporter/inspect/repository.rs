//! What the repository says of the archive: what is explained by what, what differs, and who brought it.

use serde_json::Value;

use super::page::{Page, list, word};
use crate::domain::fact::unknown_reason;
use crate::domain::text::shown;

/// Releases that are shown.
const RELEASES: usize = 6;

/// The lines at the head of the page.
pub(super) fn rows(page: &mut Page, repository: &Value) {
    page.row("compared", compared(repository));
    page.row("tag", tag(repository));
    for line in history(&repository["history"]) {
        page.row("history", Some(line));
    }
}

/// Files that the commit does not explain, with what differs.
pub(super) fn section(page: &mut Page, repository: &Value) {
    let files = list(repository, "unexplained");
    if files.is_empty() {
        return;
    }
    page.heading("Not as in the repository", "- the commit, + the archive");
    for file in files {
        let path = word(&file["path"]).unwrap_or_default();
        if let Some(why) = unknown_reason(&file["explained"]) {
            page.text(2, &format!("not determined: {}", shown(why)));
            continue;
        }
        let at_build =
            if file["at_build"] == true { ", runs or is read at build time" } else { "" };
        let role = word(&file["role"]).unwrap_or_default();
        let why = word(&file["why"]).unwrap_or_default();
        page.text(2, &format!("{path} ({role}{at_build}): {why}"));
        for line in list(file, "difference") {
            page.code(4, line.as_str().unwrap_or_default());
        }
    }
    if let Some(more) = repository["left_out"].as_u64().filter(|more| *more > 0) {
        page.text(2, &format!("and {more} more"));
    }
}

/// What the commit says of the archive, in a line.
fn compared(repository: &Value) -> Option<String> {
    if repository.is_null() {
        return None;
    }
    if let Some(why) = unknown_reason(repository) {
        return Some(format!("not determined: {why}"));
    }
    if let Some(why) = unknown_reason(&repository["unexplained"]) {
        return Some(format!("not determined: {why}"));
    }
    let files = list(repository, "unexplained");
    let (unknown, known): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| unknown_reason(&file["explained"]).is_some());
    let reach = word(&repository["reach"]).unwrap_or_else(|| "not determined".to_owned());
    let by: Vec<String> = list(repository, "explained_by")
        .iter()
        .map(|by| format!("{} {}", by["files"], word(&by["how"]).unwrap_or_default()))
        .collect();
    let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
    let tag =
        if repository["named_by"] == "tag" { ", which the tag of the version names" } else { "" };
    Some(format!(
        "{} files as in the commit{tag}, {} explained{by}, {} not explained, {} not determined; reached from: {reach}",
        repository["same"],
        repository["explained"],
        known.len(),
        unknown.len(),
    ))
}

/// How the tag of the version stands to that commit.
fn tag(repository: &Value) -> Option<String> {
    let tag = &repository["tag"];
    if let Some(why) = unknown_reason(tag) {
        return Some(format!("not determined: {why}"));
    }
    let name = word(&tag["name"])?;
    let commit = word(&tag["commit"]).unwrap_or_default();
    Some(match tag["agrees"].as_str() {
        Some("commit") => format!("{name}: the same commit"),
        Some("folder") => format!("{name}: another commit, {commit}, with the same files"),
        Some("differs") => format!("{name}: another commit, {commit}, with other files"),
        _ => return None,
    })
}

/// What the commits before the release tell: who followed whom, who lets code in, and who brought what.
fn history(history: &Value) -> Vec<String> {
    if history.is_null() {
        return Vec::new();
    }
    if let Some(why) = unknown_reason(history) {
        return vec![format!("not determined: {why}")];
    }
    let text = |value: &Value| word(value).unwrap_or_default();
    let mut lines = Vec::new();
    for field in ["successors", "lines", "ignored"] {
        if let Some(why) = unknown_reason(&history[field]) {
            lines.push(format!("{field}: not determined: {why}"));
        }
    }
    for who in list(history, "successors") {
        lines.push(format!(
            "{} followed {} ({}): first commit {} days ago, since {} days",
            text(&who["name"]),
            text(&who["predecessor"]),
            text(&who["measure"]),
            who["came_days"],
            who["since_days"],
        ));
    }
    for line in list(history, "lines") {
        lines.extend(of_line(line));
    }
    for file in list(history, "opaque") {
        lines.push(match unknown_reason(&file["successor"]) {
            Some(why) => format!("not determined: {why}"),
            None if file["commit"] == "" => {
                format!("{}: there since {} days and more", text(&file["path"]), file["days"])
            }
            None => format!(
                "{}: brought by {} {} days ago, commit {}",
                text(&file["path"]),
                text(&file["by"]),
                file["days"],
                text(&file["commit"]),
            ),
        });
    }
    for one in list(history, "ignored") {
        lines.push(format!(
            "{}: newly ignored by {} {} days ago",
            text(&one["pattern"]),
            text(&one["by"]),
            one["days"],
        ));
    }
    lines
}

fn of_line(line: &Value) -> Vec<String> {
    let text = |value: &Value| word(value).unwrap_or_default();
    let of = match text(&line["of"]) {
        of if of.is_empty() => String::new(),
        of => format!("submodule {of}: "),
    };
    let people: Vec<String> = list(line, "integrators")
        .iter()
        .filter(|one| one["year"].as_u64() > Some(0))
        .take(3)
        .map(|one| {
            format!("{} {:.0} %", text(&one["name"]), one["share"].as_f64().unwrap_or(0.0) * 100.0)
        })
        .collect();
    let mut lines = vec![format!(
        "{of}let in by {} ({} of {} commits of 24 months name who)",
        if people.is_empty() { "nobody known".to_owned() } else { people.join(", ") },
        line["integrated_known"],
        line["integrated"],
    )];
    let releases = list(line, "releases");
    for release in &releases[releases.len().saturating_sub(RELEASES)..] {
        let mut odd = Vec::new();
        if release["first"] == true {
            odd.push("the first by this person".to_owned());
        }
        if release["new_key"] == true {
            odd.push(format!("new key {}", text(&release["key"])));
        }
        if let Some(days) = release["silence_days"].as_i64().filter(|days| *days > 0) {
            odd.push(format!("after {days} days of silence"));
        }
        if !odd.is_empty() {
            let (tag, by) = (text(&release["tag"]), text(&release["by"]));
            lines.push(format!(
                "{of}{tag} by {by}, {} days ago: {}",
                release["days"],
                odd.join(", ")
            ));
        }
    }
    lines
}
