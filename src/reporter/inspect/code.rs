//! What runs at build time, and what the library does with secrets.

use serde_json::Value;

use super::page::{COLUMN, Page, SHOWN, STEPS, at, known, list, size, string, word};
use crate::domain::inspection::Inspection;
use crate::domain::text::shown;

/// Addresses that are shown.
const FEW: usize = 3;

pub(super) fn build(page: &mut Page, inspection: &Inspection, build: &Value) {
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
            "{} {form} of {}, entropy {entropy:.2} {}",
            at(literal),
            size(bytes),
            string(literal, "magic")
        );
        page.row("literal", Some(text));
    }
    for file in list(build, "unparsed").iter().take(SHOWN) {
        page.row("not parsed", Some(format!("{} {}", at(file), string(file, "reason"))));
    }
}

fn uses(page: &mut Page, inspection: &Inspection, hits: &[Value]) {
    let key =
        |hit: &Value| (at(hit), string(hit, "api").to_owned(), string(hit, "detail").to_owned());
    // One use can have several capabilities; they follow one another.
    let uses: Vec<&[Value]> = hits.chunk_by(|one, next| key(one) == key(next)).collect();
    for same in uses.iter().take(SHOWN) {
        let hit = &same[0];
        let what: Vec<&str> = same.iter().map(|hit| string(hit, "capability")).collect();
        let detail = match string(hit, "detail") {
            "" => String::new(),
            detail => format!(" {detail:?}"),
        };
        let generated = if hit["generated"] == true { " (in generated code)" } else { "" };
        let (place, api) = (at(hit), string(hit, "api"));
        page.row(&what.join(", "), Some(format!("{place} {api}{detail}{generated}")));
        if let Some(code) = inspection.code.get(&place) {
            page.code(COLUMN, code);
        }
    }
    page.more(uses.len(), "uses");
}

fn started(page: &mut Page, build: &Value) {
    let spawned = list(build, "spawned");
    for one in spawned.iter().take(SHOWN) {
        let arguments: Vec<&str> =
            list(one, "arguments").iter().filter_map(Value::as_str).collect();
        let command = format!("{} {}", string(one, "program"), arguments.join(" "));
        page.row("starts", Some(format!("{} {command}", at(one))));
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
    let urls = list(downloads, "urls");
    for url in urls.iter().take(FEW) {
        page.row("  from", word(url));
    }
    page.rest(urls.len(), FEW, "addresses");
    for place in list(downloads, "evidence").iter().take(SHOWN) {
        page.row("  seen", Some(format!("{}  {}", at(place), string(place, "note"))));
    }
}

fn flows(page: &mut Page, inspection: &Inspection, flows: &[Value]) {
    for flow in flows.iter().take(SHOWN) {
        page.row("flow", Some(format!("{} to {}", string(flow, "source"), string(flow, "sink"))));
        for (number, step) in list(flow, "steps").iter().take(STEPS).enumerate() {
            let detail = string(step, "detail");
            let place = at(step);
            let what = format!("{} {}", string(step, "kind"), string(step, "api"));
            page.row(&format!("{:>9}.", number + 1), Some(format!("{place} {what} {detail}")));
            if let Some(code) = inspection.code.get(&place) {
                page.code(COLUMN, code);
            }
        }
    }
    page.more(flows.len(), "flows");
}

fn reads(page: &mut Page, build: &Value) {
    // What the script wrote itself, and paths of which nothing is known, tell a person nothing.
    let says_something = |read: &&Value| {
        let path = string(read, "path");
        let known = path.replace("{}", "");
        string(read, "kind") != "watched"
            && !path.starts_with("$OUT_DIR")
            && known.contains(char::is_alphanumeric)
    };
    let reads: Vec<&Value> = list(build, "reads").iter().filter(says_something).collect();
    for read in reads.iter().take(SHOWN) {
        let beyond = if read["beyond"] == true { " (outside of the crate)" } else { "" };
        let (kind, path) = (string(read, "kind"), string(read, "path"));
        page.row("reaches", Some(format!("{path}{beyond}, as {kind}, from {}", at(read))));
    }
    page.more(reads.len(), "paths");
}

pub(super) fn secrets(page: &mut Page, inspection: &Inspection, secrets: &Value) {
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
