//! What changed in the bytes since older releases.

use serde_json::Value;

use super::page::{Page, SHOWN, known, list, size, string, word};
use crate::domain::fact::unknown_reason;
use crate::domain::text::shown;

pub(super) fn section(page: &mut Page, title: &str, group: &Value) {
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
    if version == "no release" {
        let days = word(&group["days_between"]).unwrap_or_default();
        page.heading(title, "there is none that is old enough");
        return page.text(2, &format!("the first release is {days} days older: all of it is new"));
    }
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
    for pattern in list(group, "newly_ignored").iter().take(SHOWN) {
        let (pattern, path) = (string(pattern, "pattern"), string(pattern, "path"));
        page.row("now ignored", Some(format!("`{pattern}` in {path}")));
    }
    page.row("now links", group["links_gained"].as_str().map(str::to_owned));
    for (sign, files) in [('+', added), ('~', changed)] {
        for file in files.iter().take(SHOWN) {
            let bytes = file["size"].as_u64().map(size).unwrap_or_default();
            let before = file["size_before"].as_u64().map(|before| format!("{} -> ", size(before)));
            let bytes = format!("{}{bytes}", before.unwrap_or_default());
            let (path, magic) = (string(file, "path"), string(file, "magic"));
            page.text(2, &format!("{sign} {path} {magic}, {bytes}"));
        }
        page.more(files.len(), "files");
    }
}
