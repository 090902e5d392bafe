//! What the archive keeps from its readers' eyes.

use serde_json::Value;

use super::page::{Page, SHOWN, known, list, size, string};

/// Places of one kind.
type Lines = Vec<String>;

pub(super) fn section(page: &mut Page, group: &Value) {
    const TITLE: &str = "Kept from readers";
    if !known(page, TITLE, group) {
        return;
    }
    let rows: Vec<(&str, Lines)> = vec![
        ("trailing", lines(group, "trailing", trailing)),
        ("hidden text", lines(group, "hidden_text", hidden)),
        ("look-alike", lines(group, "look_alikes", look_alike)),
        ("encoded", lines(group, "encoded", encoded)),
        ("cargo runs", lines(group, "cargo_programs", cargo_program)),
        ("manifests", lines(group, "manifest_differences", difference)),
    ];
    let ignored = list(group, "ignored_inputs").len();
    if rows.iter().all(|(_, lines)| lines.is_empty()) && ignored == 0 {
        return;
    }
    page.heading(TITLE, "");
    for (name, lines) in rows {
        for line in lines.iter().take(SHOWN) {
            page.row(name, Some(line.clone()));
        }
        page.more(lines.len(), "places");
    }
    // Everyday in autotools projects, by the dozen; what is new of it stands in the comparisons.
    if ignored > 0 {
        let note = "patterns of version control match build inputs (--json lists them)";
        page.row("ignored", Some(format!("{ignored} {note}")));
    }
}

fn lines(group: &Value, key: &str, line: impl Fn(&Value) -> String) -> Lines {
    list(group, key).iter().map(line).collect()
}

fn place(entry: &Value) -> String {
    match entry["line"].as_u64() {
        Some(line) if line > 0 => format!("{}:{line}", string(entry, "path")),
        _ => string(entry, "path").to_owned(),
    }
}

fn trailing(entry: &Value) -> String {
    let bytes = entry["size"].as_u64().map(size).unwrap_or_default();
    format!("{}  {bytes} after the {} ends", place(entry), string(entry, "format"))
}

fn hidden(entry: &Value) -> String {
    let (kind, character) = (string(entry, "kind"), string(entry, "character"));
    format!("{}  {character} ({kind}, in {})", place(entry), string(entry, "place"))
}

fn look_alike(entry: &Value) -> String {
    format!("{}  {} for {}", place(entry), string(entry, "name"), string(entry, "looks_like"))
}

fn encoded(entry: &Value) -> String {
    let length = entry["length"].as_u64().unwrap_or(0);
    format!("{}  {length} characters of {}", place(entry), string(entry, "encoding"))
}

fn cargo_program(entry: &Value) -> String {
    format!("{}  {} = {}", place(entry), string(entry, "key"), string(entry, "program"))
}

fn difference(entry: &Value) -> String {
    let (kind, now) = (string(entry, "kind"), string(entry, "normalised"));
    let key = string(entry, "key");
    format!("{kind} {key}: {now:?}, and {:?} in the author's own", string(entry, "original"))
}
