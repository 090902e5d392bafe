//! The foreign sources that a crate carries.

use serde_json::Value;

use super::page::{COLUMN, Page, SHOWN, STEPS, known, list, string};

pub(super) fn section(page: &mut Page, native: &Value) {
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
            page.code(COLUMN, string(step, "text"));
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
        page.code(COLUMN, string(one, "text").trim());
    }
    page.more(early.len(), "places");
}
