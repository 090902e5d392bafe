//! One crate in depth, for a person at a terminal: what is in it, what runs, who published it, and what
//! the rules say. Reads the facts as JSON, so that a group that is missing costs one line and no more.

use std::fmt::Write as _;

use serde_json::Value;

use super::words::{evidence_line, told};
use super::wrap::hanging;
use crate::domain::fact::unknown_reason;
use crate::domain::inspection::Inspection;
use crate::domain::text::shown;

/// Entries of one list; `--json` has all of them.
const SHOWN: usize = 12;
/// Steps of a flow, and lines about one entry.
const STEPS: usize = 12;

/// Lays out an inspection in lines of `width` columns.
#[must_use]
pub fn human(inspection: &Inspection, width: usize) -> String {
    let mut page = Page { out: String::new(), width };
    let facts = |group: &str| inspection.sheet.facts.get(group).unwrap_or(&Value::Null);
    header(&mut page, inspection);
    files(&mut page, inspection, facts("archive"));
    build(&mut page, inspection, facts("build"));
    secrets(&mut page, inspection, facts("secrets"));
    native(&mut page, facts("native"));
    comparison(&mut page, "Since an older release", facts("window"));
    comparison(&mut page, "Since the release before", facts("previous"));
    custody(&mut page, facts("custody"));
    verdict(&mut page, inspection);
    page.out
}

/// The page as it grows.
pub(super) struct Page {
    pub(super) out: String,
    pub(super) width: usize,
}

impl Page {
    /// A heading with an empty line before it.
    pub(super) fn heading(&mut self, title: &str, note: &str) {
        let gap = if note.is_empty() { "" } else { "  " };
        self.push(&format!("\n{title}{gap}{note}"));
    }

    /// One line as it is: for code and hexadecimal, which must not be broken.
    pub(super) fn push(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// A sentence or list, broken at spaces.
    pub(super) fn text(&mut self, indent: usize, text: &str) {
        let room = self.width.saturating_sub(indent);
        let body =
            hanging(&told(text), room, 0).replace('\n', &format!("\n{}", " ".repeat(indent)));
        self.push(&format!("{}{body}", " ".repeat(indent)));
    }

    /// A name and its value in two columns; nothing where there is no value.
    pub(super) fn row(&mut self, name: &str, value: Option<String>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return };
        let room = self.width.saturating_sub(15);
        let body = hanging(&told(&value), room, 0).replace('\n', &format!("\n{}", " ".repeat(15)));
        self.push(&format!("  {name:<12} {body}"));
    }

    /// A quoted line of code, cut to the width.
    pub(super) fn code(&mut self, indent: usize, code: &str) {
        let room = self.width.saturating_sub(indent + 2);
        let code = shown(code);
        let cut: String = match code.char_indices().nth(room) {
            Some(_) => code.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
            None => code,
        };
        self.push(&format!("{}| {cut}", " ".repeat(indent)));
    }

    /// Says how many entries were not shown.
    pub(super) fn more(&mut self, total: usize, what: &str) {
        if total > SHOWN {
            self.push(&format!("  … and {} more {what} (--json lists all)", total - SHOWN));
        }
    }
}

/// A scalar in words; `not determined: ...` where it is unknown, none where it is absent or null.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => unknown_reason(value).map(|why| format!("not determined: {why}")),
        Value::Array(all) => Some(all.iter().filter_map(word).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// A string, empty where there is none.
fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// "1.4 MB": a size that a person reads.
pub(super) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let scaled = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=999_999 => format!("{:.0} kB", scaled(1_000)),
        1_000_000..=999_999_999 => format!("{:.1} MB", scaled(1_000_000)),
        _ => format!("{:.1} GB", scaled(1_000_000_000)),
    }
}

/// Heads a section whose group is unknown or absent; the answer is whether there is something to show.
fn known(page: &mut Page, title: &str, group: &Value) -> bool {
    if let Some(why) = unknown_reason(group) {
        page.heading(title, "");
        page.text(2, &format!("not determined: {why}"));
        return false;
    }
    !group.is_null()
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
    page.row("sha256", word(&archive["sha256"]));
    let sizes = archive["packed_bytes"].as_u64().zip(archive["unpacked_bytes"].as_u64());
    page.row(
        "size",
        sizes.map(|(packed, unpacked)| {
            let files = archive["files"].as_u64().unwrap_or(0);
            format!("{} packed, {} unpacked, {files} files", size(packed), size(unpacked))
        }),
    );
    page.row("repository", word(&archive["manifest"]["repository"]));
    let dirty = if archive["vcs"]["dirty"] == true { ", from a changed working copy" } else { "" };
    let commit = word(&archive["vcs"]["sha1"]);
    page.row("commit", commit.map(|sha1| format!("{sha1}{dirty}")));
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

fn files(page: &mut Page, inspection: &Inspection, archive: &Value) {
    if !known(page, "Files worth looking at", archive) {
        return;
    }
    let mut all: Vec<&Value> = list(archive, "binaries").iter().collect();
    let outside = all.iter().filter(|file| file["in_profile"].is_null()).count();
    // What no profile of harmless files covers comes first, pictures and the like behind the rest.
    let dull = |file: &Value| matches!(string(file, "class"), "image" | "audio" | "font");
    all.sort_by_key(|file| (!file["in_profile"].is_null(), dull(file)));
    let note = format!("{} not text, {outside} of them in no known profile", all.len());
    page.heading("Files worth looking at", &note);
    if all.is_empty() {
        page.text(2, "none: all files are text");
    }
    for file in all.iter().take(SHOWN) {
        let path = string(file, "path");
        page.push(&format!("  {}", shown(path)));
        let mut line = format!("{}, {}", string(file, "magic"), string(file, "role"));
        let bytes = file["size"].as_u64().map(size);
        line.extend(bytes.map(|bytes| format!(", {bytes}")));
        line.extend(file["entropy"].as_f64().map(|bits| format!(", entropy {bits:.2}")));
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
    for odd in list(archive, "odd_entries").iter().take(SHOWN) {
        page.text(2, &format!("odd entry: {} ({})", string(odd, "path"), string(odd, "oddity")));
    }
}

fn build(page: &mut Page, inspection: &Inspection, build: &Value) {
    if !known(page, "Runs at build time", build) {
        return;
    }
    let mut what: Vec<String> = word(&build["build_scripts"]).into_iter().collect();
    if build["proc_macro"] == true {
        what.push("proc macro".to_owned());
    }
    what.retain(|what| !what.is_empty());
    page.heading("Runs at build time", "");
    if what.is_empty() {
        page.text(2, "nothing: no build script, no procedural macro");
    }
    page.row("code", Some(what.join(", ")));
    page.row("can", word(&build["capability_names"]));
    page.row("through", word(&build["through_names"]));
    page.row("environment", word(&build["variables"]));
    page.row("limits", word(&build["limits"]));
    uses(page, inspection, list(build, "capabilities"));
    started(page, build);
    downloads(page, &build["downloads"]);
    flows(page, inspection, list(build, "flows"));
    reads(page, build);
    for literal in list(build, "literals").iter().take(SHOWN) {
        let bytes = literal["size"].as_u64().unwrap_or(0);
        let entropy = literal["entropy"].as_f64().unwrap_or(0.0);
        let form = string(literal, "form");
        let text = format!(
            "literal    {}  {form} of {}, entropy {entropy:.2} {}",
            at(literal),
            size(bytes),
            string(literal, "magic")
        );
        page.text(2, &text);
    }
    for file in list(build, "unparsed").iter().take(SHOWN) {
        page.text(2, &format!("not parsed {}  {}", at(file), string(file, "reason")));
    }
}

/// `file:line` of an entry.
fn at(entry: &Value) -> String {
    format!("{}:{}", string(entry, "file"), entry["line"].as_u64().unwrap_or(0))
}

fn uses(page: &mut Page, inspection: &Inspection, hits: &[Value]) {
    for hit in hits.iter().take(SHOWN) {
        let detail = match string(hit, "detail") {
            "" => String::new(),
            detail => format!("  {detail:?}"),
        };
        let generated = if hit["generated"] == true { "  (in generated code)" } else { "" };
        let (place, api) = (at(hit), string(hit, "api"));
        let what = string(hit, "capability");
        page.text(2, &format!("{what}  {place}  {api}{detail}{generated}"));
        if let Some(code) = inspection.code.get(&place) {
            page.code(6, code);
        }
    }
    page.more(hits.len(), "uses");
}

fn started(page: &mut Page, build: &Value) {
    let spawned = list(build, "spawned");
    for one in spawned.iter().take(SHOWN) {
        let arguments: Vec<&str> =
            list(one, "arguments").iter().filter_map(Value::as_str).collect();
        let command = format!("{} {}", string(one, "program"), arguments.join(" "));
        page.text(2, &format!("starts     {}  {command}", at(one)));
    }
    page.more(spawned.len(), "programs");
}

fn downloads(page: &mut Page, downloads: &Value) {
    if downloads.is_null() {
        return;
    }
    let verified = match string(downloads, "verification") {
        "pinned-digest" => "compared with a digest that the crate pins",
        "cache-key-only" => "not verified: the digest only names a cache entry",
        "none" => "not verified: no digest is computed",
        _ => "whether it is verified cannot be told",
    };
    page.row("downloads", Some(verified.to_owned()));
    page.row("  by", word(&downloads["by"]));
    for url in list(downloads, "urls").iter().take(SHOWN) {
        page.row("  from", word(url));
    }
    for place in list(downloads, "evidence").iter().take(SHOWN) {
        page.row("  seen", Some(format!("{}  {}", at(place), string(place, "note"))));
    }
}

fn flows(page: &mut Page, inspection: &Inspection, flows: &[Value]) {
    for flow in flows.iter().take(SHOWN) {
        page.text(2, &format!("flow       {} to {}", string(flow, "source"), string(flow, "sink")));
        for (number, step) in list(flow, "steps").iter().take(STEPS).enumerate() {
            let detail = string(step, "detail");
            let place = at(step);
            let what = format!("{} {}", string(step, "kind"), string(step, "api"));
            page.text(6, &format!("{}. {place}  {what} {detail}", number + 1));
            if let Some(code) = inspection.code.get(&place) {
                page.code(9, code);
            }
        }
    }
    page.more(flows.len(), "flows");
}

fn reads(page: &mut Page, build: &Value) {
    let reads: Vec<&Value> =
        list(build, "reads").iter().filter(|read| string(read, "kind") != "watched").collect();
    for read in reads.iter().take(SHOWN) {
        let beyond = if read["beyond"] == true { "  (outside of the crate)" } else { "" };
        let kind = string(read, "kind");
        page.text(2, &format!("reaches    {}  {kind} {}{beyond}", at(read), string(read, "path")));
    }
    page.more(reads.len(), "paths");
}

fn secrets(page: &mut Page, inspection: &Inspection, secrets: &Value) {
    if !known(page, "Secrets at run time", secrets) {
        return;
    }
    let (modules, early) = (list(secrets, "modules"), list(secrets, "pre_main"));
    if modules.is_empty() && early.is_empty() {
        return;
    }
    page.heading("Secrets at run time", "");
    for module in modules.iter().take(SHOWN) {
        page.push(&format!("  {}", shown(string(module, "file"))));
        for part in ["secrets", "network", "started", "gates"] {
            uses(page, inspection, list(module, part));
        }
        flows(page, inspection, list(module, "flows"));
    }
    page.more(modules.len(), "files");
    uses(page, inspection, early);
}

fn native(page: &mut Page, native: &Value) {
    if !known(page, "Vendored native sources", native) {
        return;
    }
    let count = |key: &str| native[key].as_u64().unwrap_or(0);
    if count("code_files") + count("build_files") == 0 {
        return;
    }
    let note = format!("{} code files, {} build files", count("code_files"), count("build_files"));
    page.heading("Vendored native sources", &note);
    let place = |entry: &Value| {
        format!("{}:{}", string(entry, "path"), entry["line"].as_u64().unwrap_or(0))
    };
    for upstream in list(native, "upstreams").iter().take(SHOWN) {
        let what = format!("{} {}", string(upstream, "name"), string(upstream, "version"));
        page.row("upstream", Some(format!("{what}  {}", place(upstream))));
    }
    for module in list(native, "submodules").iter().take(SHOWN) {
        let what = format!("{} from {}", string(module, "folder"), string(module, "url"));
        page.row("submodule", Some(what));
    }
    for chain in list(native, "chains").iter().take(SHOWN) {
        page.row("hidden run", Some(place(chain)));
        for step in list(chain, "steps").iter().take(STEPS) {
            page.code(15, string(step, "text"));
        }
    }
    for probe in list(native, "broken_probes").iter().take(SHOWN) {
        let what =
            format!("{} can never succeed: {}", string(probe, "decides"), string(probe, "why"));
        page.row("probe", Some(format!("{what}  {}", place(probe))));
    }
    let early = list(native, "early");
    for one in early.iter().take(SHOWN) {
        page.row("runs early", Some(format!("{}  {}", string(one, "kind"), place(one))));
        page.code(15, string(one, "text").trim());
    }
    page.more(early.len(), "places");
}

fn comparison(page: &mut Page, title: &str, group: &Value) {
    if !known(page, title, group) {
        return;
    }
    let Some(version) = group["version"].as_str() else {
        if let Some(why) = unknown_reason(&group["version"]) {
            page.heading(title, "");
            page.text(2, &format!("not compared: {why}"));
        }
        return;
    };
    let days = group["days_between"].as_i64().map(|days| format!(", {days} days older"));
    page.heading(title, &format!("{}{}", shown(version), days.unwrap_or_default()));
    let count = |key: &str| word(&group[key]).unwrap_or_else(|| "?".to_owned());
    let (added, changed) = (list(group, "binaries_added"), list(group, "binaries_changed"));
    page.text(
        2,
        &format!(
            "{} files added, {} changed, {} removed; not text: {} added, {} changed, {} removed",
            count("files_added"),
            count("files_changed"),
            count("files_removed"),
            added.len(),
            changed.len(),
            count("binaries_removed"),
        ),
    );
    page.row("gained", word(&group["capabilities_gained"]));
    page.row("lost", word(&group["capabilities_lost"]));
    if group["newly_runs_at_build"] == true {
        page.text(2, "runs code at build time, which the older release did not");
    }
    for (sign, files) in [('+', added), ('~', changed)] {
        for file in files.iter().take(SHOWN) {
            let bytes = file["size"].as_u64().map(size).unwrap_or_default();
            let path = shown(string(file, "path"));
            page.push(&format!("  {sign} {path}  {}, {bytes}", shown(string(file, "magic"))));
        }
        page.more(files.len(), "files");
    }
}

fn custody(page: &mut Page, custody: &Value) {
    if !known(page, "Who publishes", custody) {
        return;
    }
    page.heading("Who publishes", "");
    let workflow = custody["published_by_workflow"] == true;
    let by = if workflow {
        Some("a trusted workflow".to_owned())
    } else {
        word(&custody["published_by"])
    };
    page.row("this release", by);
    let logins = |key: &str| match custody[key].as_array() {
        Some(all) => {
            let names: Vec<&str> = all.iter().map(|one| string(one, "login")).collect();
            Some(names.join(", "))
        }
        None => word(&custody[key]),
    };
    page.row("owners", logins("owners"));
    page.row("24 months", logins("publishers"));
    for event in list(custody, "events").iter().take(SHOWN) {
        let account = string(event, "account");
        let date = string(event, "date");
        page.row("event", Some(format!("{date} {} {account}", string(event, "kind"))));
    }
}

fn verdict(page: &mut Page, inspection: &Inspection) {
    page.heading("What the rules say", "");
    if inspection.findings.is_empty() {
        page.text(2, "no finding");
    }
    for finding in &inspection.findings {
        page.text(2, &format!("{} {}: {}", finding.level, finding.rule, finding.message));
        for evidence in finding.evidence.iter().take(SHOWN) {
            page.text(6, &evidence_line(evidence));
        }
    }
    if !inspection.signals.is_empty() {
        page.push("  signals");
    }
    for signal in &inspection.signals {
        let axis = signal.axis.as_str();
        page.push(&format!("  {:>6.1} bits  {axis:<12} {}", signal.bits, shown(&signal.id)));
    }
    if !inspection.undetermined.is_empty() {
        let what: Vec<&str> = inspection.undetermined.iter().map(|one| one.what.as_str()).collect();
        let note = format!("not determined: {}", what.join(", "));
        page.text(2, &note);
    }
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
        sheet.put("custody", &json!({"published_by": HOSTILE, "owners": [{"login": HOSTILE}]}));
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
    fn sizes_are_for_people() {
        assert_eq!(size(512), "512 B");
        assert_eq!(size(88_664), "89 kB");
        assert_eq!(size(1_470_196), "1.5 MB");
    }
}
