//! One crate in depth, for a person at a terminal: what is in it, what runs, who published it, and what
//! the rules say. Reads the facts as JSON, so that a group that is missing costs one line and no more.

mod code;
mod concealment;
mod files;
mod native;
mod page;
mod repository;
mod verdict;
mod window;

use std::fmt::Write as _;

use serde_json::Value;

pub(super) use files::shown_by_findings;
pub(super) use page::{Page, SHOWN, list, size, string, word};

use crate::domain::fact::unknown_reason;
use crate::domain::inspection::Inspection;
use crate::domain::text::shown;

/// Lays out an inspection in lines of `width` columns.
#[must_use]
pub fn human(inspection: &Inspection, width: usize) -> String {
    let mut page = Page { out: String::new(), width };
    let facts = |group: &str| inspection.sheet.facts.get(group).unwrap_or(&Value::Null);
    header(&mut page, inspection);
    repository::section(&mut page, facts("repository"));
    verdict::section(&mut page, inspection);
    files::section(&mut page, inspection);
    code::build(&mut page, inspection, facts("build"));
    code::secrets(&mut page, inspection, facts("secrets"));
    native::section(&mut page, facts("native"));
    concealment::section(&mut page, facts("concealment"));
    window::section(&mut page, "Since an older release", facts("window"));
    window::section(&mut page, "Since the release before", facts("previous"));
    verdict::custody(&mut page, facts("custody"));
    page.out
}

fn header(page: &mut Page, inspection: &Inspection) {
    let subject = &inspection.sheet.subject;
    page.push(&format!("{} {}", shown(&subject.name), shown(&subject.version)));
    let group = |name: &str| inspection.sheet.facts.get(name).unwrap_or(&Value::Null);
    let (archive, releases) = (group("archive"), group("releases"));
    page.row("read from", inspection.path.clone());
    page.row("published", published(releases));
    let yanked =
        (releases["yanked"] == true).then(|| "yes: the registry gives it to nobody new".to_owned());
    page.row("yanked", yanked);
    // The hash of a folder is over all its files, and nothing that could be compared with an archive's.
    let packed = group("source").is_null();
    page.row("sha256", word(&archive["sha256"]).filter(|_| packed));
    let sizes = archive["packed_bytes"].as_u64().zip(archive["unpacked_bytes"].as_u64());
    page.row(
        "size",
        sizes.zip(archive["files"].as_u64()).map(|((archive, unpacked), files)| {
            let archive =
                if packed { format!("{} packed, ", size(archive)) } else { String::new() };
            format!("{archive}{} unpacked, {files} files", size(unpacked))
        }),
    );
    page.row("repository", word(&archive["manifest"]["repository"]));
    let dirty = if archive["vcs"]["dirty"] == true { ", from a changed working copy" } else { "" };
    let commit = word(&archive["vcs"]["sha1"]);
    page.row("commit", commit.map(|sha1| format!("{sha1}{dirty}")));
    repository::rows(page, group("repository"));
    page.row("links", word(&archive["manifest"]["links"]));
    for limit in &inspection.limits {
        page.row("left out", Some(limit.clone()));
    }
}

fn published(releases: &Value) -> Option<String> {
    if let Some(why) = unknown_reason(releases) {
        return Some(format!("not determined: {why}"));
    }
    let mut text = word(&releases["published"])?;
    if let Some(age) = releases["age_days"].as_i64() {
        write!(text, ", {age} days ago").expect("writing to a string cannot fail");
    }
    if let Some(gap) = releases["gap_days_before"].as_i64() {
        write!(text, ", {gap} days after the release before")
            .expect("writing to a string cannot fail");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inspection::INSPECTION;
    use crate::domain::text::is_hidden;
    use crate::domain::{FactSheet, Subject};

    /// What a stranger might call things: a terminal escape, a bidirectional override, line breaks.
    const HOSTILE: &str = "a\u{1b}[2J\u{202e}b\nc\u{200b}\u{7}";

    fn hostile() -> Inspection {
        let mut sheet = FactSheet::new(Subject::registry_crate(HOSTILE, HOSTILE));
        let hit = json!({"capability": "spawn", "api": HOSTILE, "file": HOSTILE, "line": 3, "detail": HOSTILE});
        sheet.put(
            "archive",
            &json!({
                "sha256": "00", "packed_bytes": 1, "unpacked_bytes": 1_500_000, "files": 1,
                "binaries": [{"path": HOSTILE, "role": "fixture", "class": "opaque", "size": 5,
                    "magic": HOSTILE, "entropy": {"$unknown": HOSTILE}, "in_profile": null}],
                "odd_entries": [{"path": HOSTILE, "oddity": "symlink"}],
                "manifest": {"repository": HOSTILE}, "vcs": {"sha1": {"$unknown": HOSTILE}},
            }),
        );
        sheet.put("build", &json!({
            "build_scripts": [HOSTILE], "capabilities": [hit], "variables": [HOSTILE],
            "spawned": [{"program": HOSTILE, "arguments": [HOSTILE], "file": HOSTILE, "line": 1}],
            "flows": [{"source": "read", "sink": "spawn", "steps": [hit]}],
            "downloads": {"urls": [HOSTILE], "by": [HOSTILE], "verification": "none", "evidence": []},
            "reads": [{"path": HOSTILE, "kind": "file", "file": HOSTILE, "line": 1}],
        }));
        sheet.put(
            "native",
            &json!({"code_files": 1, "build_files": 0,
            "upstreams": [{"name": HOSTILE, "version": HOSTILE, "path": HOSTILE, "line": 1}],
            "early": [{"kind": "ifunc", "text": HOSTILE, "path": HOSTILE, "line": 1}]}),
        );
        let event = json!({"date": HOSTILE, "kind": HOSTILE, "who": HOSTILE, "by": HOSTILE});
        sheet.put(
            "custody",
            &json!({"published_by": HOSTILE, "source": HOSTILE,
            "owners": [{"login": HOSTILE}], "events": [event]}),
        );
        sheet.put_unknown("window", HOSTILE);
        Inspection {
            schema: INSPECTION.to_owned(),
            path: Some(HOSTILE.to_owned()),
            sheet,
            heads: [(HOSTILE.to_owned(), "fd 37".to_owned())].into(),
            code: [(format!("{HOSTILE}:3"), HOSTILE.to_owned())].into(),
            findings: Vec::new(),
            signals: Vec::new(),
            undetermined: Vec::new(),
            limits: vec![HOSTILE.to_owned()],
        }
    }

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        let page = human(&hostile(), 80);
        let hidden: Vec<char> = page.chars().filter(|c| *c != '\n' && is_hidden(*c)).collect();
        assert!(hidden.is_empty(), "{page}");
        assert!(page.contains("fd 37"), "{page}");
        // A line break in a name never starts a line of its own.
        assert!(!page.lines().any(|line| line.starts_with('c')), "{page}");
    }

    #[test]
    fn unknown_groups_and_missing_ones_cost_no_more_than_a_line() {
        let mut inspection = hostile();
        inspection.sheet.facts.clear();
        inspection.sheet.put_unknown("archive", "nobody has it");
        let page = human(&inspection, 80);
        assert!(page.contains("not determined: nobody has it"), "{page}");
        assert!(page.contains("no finding"), "{page}");
    }

    #[test]
    fn hands_are_named_with_the_day_on_which_they_changed() {
        let mut inspection = hostile();
        inspection.sheet.put(
            "custody",
            &json!({
                "source": "dump", "published_by": "buyer", "sole_publisher": true,
                "owners": [{"login": "buyer", "since_days": 61}],
                "events": [{"kind": "owner-added", "date": "2026-04-01", "who": "buyer", "by": "ada"}],
            }),
        );
        let page = human(&inspection, 80);
        for line in [
            "Hands  as told by: dump",
            "  this release buyer",
            "  owners       buyer (for 61 days)",
            "  alone        one account alone can publish it",
            "  changed      2026-04-01 buyer was made owner, by ada",
        ] {
            assert!(page.lines().any(|of_page| of_page == line), "{line}\n{page}");
        }
        let events = json!({"owners": [], "events": {"$unknown": "nobody was asked"}});
        inspection.sheet.put("custody", &events);
        let page = human(&inspection, 80);
        assert!(page.contains("  changed      not determined: nobody was asked"), "{page}");
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(512), "512 B");
        assert_eq!(size(88_664), "89 kB");
        assert_eq!(size(1_470_196), "1.5 MB");
    }
}
