//! The files that are worth a person's look, what may matter most first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::page::{Page, SHOWN, known, list, size, string};
use crate::domain::inspection::Inspection;
use crate::domain::text::shown;
use crate::domain::{Finding, Level};

/// Size from which a file can hold something, in bytes.
const LARGE: u64 = 4_096;

/// What else is known of a file.
#[derive(Default)]
struct Told<'a> {
    /// Path to how it came: `new since 1.0.0`, `other bytes than in 1.0.0`.
    came: BTreeMap<&'a str, String>,
    /// Files that a finding shows.
    bad: BTreeSet<&'a str>,
}

impl<'a> Told<'a> {
    /// From the two comparisons; the nearer one says it, where both do.
    fn of(inspection: &'a Inspection) -> Self {
        let mut told = Self { bad: shown_by_findings(&inspection.findings), ..Self::default() };
        for group in ["window", "previous"] {
            let Some(facts) = inspection.sheet.facts.get(group) else { continue };
            // Without an older release everything is new, which says nothing of one file.
            let Some(version) = facts["version"].as_str().filter(|v| *v != "no release") else {
                continue;
            };
            for file in list(facts, "binaries_added") {
                told.came.insert(string(file, "path"), format!("new since {version}"));
            }
            for file in list(facts, "binaries_changed") {
                let before = file["size_before"].as_u64().map(size).unwrap_or_default();
                let note = format!("{before} of other bytes in {version}");
                told.came.insert(string(file, "path"), note);
            }
        }
        told
    }

    /// Smaller comes first.
    fn order(&self, file: &Value) -> (bool, bool, u8, std::cmp::Reverse<u64>) {
        let good = !self.bad.contains(string(file, "path"));
        let covered = !file["in_profile"].is_null();
        let bytes = file["size"].as_u64().unwrap_or(0);
        let dull = matches!(string(file, "class"), "image" | "audio" | "font" | "certificate");
        let code = matches!(
            string(file, "class"),
            "executable" | "object" | "static-library" | "dynamic-library" | "wasm"
        );
        let rank = match self.came.get(string(file, "path")) {
            Some(_) if !dull => 0,
            _ if file["extension_disagrees"] == true && bytes >= LARGE => 1,
            _ if code => 2,
            _ if !dull => 3,
            _ => 4,
        };
        (good, covered, rank, std::cmp::Reverse(bytes))
    }
}

/// Files of an archive that findings from medium on show.
pub(in crate::reporter) fn shown_by_findings(findings: &[Finding]) -> BTreeSet<&str> {
    let grave = findings.iter().filter(|finding| finding.level >= Level::Medium);
    grave.flat_map(|finding| &finding.evidence).filter_map(|one| one.file.as_deref()).collect()
}

pub(super) fn section(page: &mut Page, inspection: &Inspection) {
    let archive = inspection.sheet.facts.get("archive").unwrap_or(&Value::Null);
    if !known(page, "Files worth looking at", archive) {
        return;
    }
    let told = Told::of(inspection);
    let mut all: Vec<&Value> = list(archive, "binaries").iter().collect();
    let outside = all.iter().filter(|file| file["in_profile"].is_null()).count();
    all.sort_by_key(|file| told.order(file));
    let note = format!("{} not text, {outside} of them in no known profile", all.len());
    page.heading("Files worth looking at", &note);
    if all.is_empty() {
        page.text(2, "none: all files are text");
    }
    for file in all.iter().take(SHOWN) {
        let path = string(file, "path");
        let mark = if told.bad.contains(path) { "!" } else { " " };
        page.push(&format!("{mark} {}", shown(path)));
        let mut line = format!("{}, {}", string(file, "magic"), string(file, "role"));
        let bytes = file["size"].as_u64().map(size);
        line.extend(bytes.map(|bytes| format!(", {bytes}")));
        line.extend(file["entropy"].as_f64().map(|bits| format!(", entropy {bits:.2}")));
        line.extend(told.came.get(path).map(|came| format!(", {came}")));
        if file["extension_disagrees"] == true {
            line.push_str(", not what its extension says");
        }
        line.extend(file["in_profile"].as_str().map(|name| format!(", profile {name}")));
        page.text(6, &line);
        if let Some(head) = inspection.heads.get(path) {
            page.push(&format!("      {head}"));
        }
    }
    page.more(all.len(), "files");
    if !told.bad.is_empty() {
        page.text(2, "`!` stands before what a finding above shows");
    }
    for odd in list(archive, "odd_entries").iter().take(SHOWN) {
        page.text(2, &format!("odd entry: {} ({})", string(odd, "path"), string(odd, "oddity")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_finding_shows_is_first_then_what_came_lately_and_pictures_are_last() {
        let told = Told {
            came: BTreeMap::from([("late", "new since 1.0.0".to_owned())]),
            bad: BTreeSet::from(["small"]),
        };
        let file = |path: &str, class: &str, size: u64, profile: Option<&str>| json!({"path": path, "class": class, "size": size, "in_profile": profile});
        let mut files = [
            file("profile", "object", 9_000, Some("ring")),
            file("picture", "image", 90_000, None),
            file("small", "compressed", 40, None),
            file("large", "compressed", 50_000, None),
            file("object", "object", 600, None),
            file("late", "compressed", 500, None),
        ];
        files.sort_by_key(|file| told.order(file));
        let order: Vec<&str> = files.iter().map(|file| string(file, "path")).collect();
        assert_eq!(order, ["small", "late", "object", "large", "picture", "profile"]);
    }
}
