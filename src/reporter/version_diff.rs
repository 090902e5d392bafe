//! Two versions of a crate side by side, for a person at a terminal.

use super::inspect::{Page, SHOWN, size};
use crate::domain::Measured;
use crate::domain::inspection::{DiffFile, Patch, Release, Use, VersionDiff};
use crate::domain::text::shown;

/// Lines of 16 bytes that are shown of a file; `--json` has 256 bytes.
pub(super) const HEX_LINES: usize = 8;

/// Lays out a comparison in lines of `width` columns.
#[must_use]
pub fn human(diff: &VersionDiff, width: usize) -> String {
    let mut page = Page { out: String::new(), width };
    let versions = format!("{} -> {}", shown(&diff.old.version), shown(&diff.new.version));
    page.push(&format!("{} {versions}", shown(&diff.name)));
    for (name, release) in [("old", &diff.old), ("new", &diff.new)] {
        about(&mut page, name, release);
    }
    for (title, sign, list) in [
        ("Files added", '+', &diff.added),
        ("Files changed", '~', &diff.changed),
        ("Files removed", '-', &diff.removed),
    ] {
        files(&mut page, title, sign, list);
    }
    page.heading("Runs at build time", "");
    page.text(2, runs(diff));
    uses(&mut page, '+', &diff.capabilities_gained);
    uses(&mut page, '-', &diff.capabilities_lost);
    page.heading("Dependencies", "");
    dependencies(&mut page, '+', &diff.dependencies_gained);
    dependencies(&mut page, '-', &diff.dependencies_lost);
    if let Some(patch) = &diff.patch {
        patched(&mut page, patch);
    }
    page.out
}

/// What became of the code that runs when somebody builds.
pub(super) fn runs(diff: &VersionDiff) -> &'static str {
    match (diff.old.runs_at_build.is_empty(), diff.new.runs_at_build.is_empty()) {
        (true, true) => "nothing, before and after",
        (true, false) => "something runs now, and nothing did before",
        (false, true) => "nothing runs any more",
        (false, false) if diff.build_code_changed => "its code has changed",
        (false, false) => "its code is the same, byte for byte",
    }
}

/// Who published a release.
pub(super) fn published_by(release: &Release) -> String {
    match &release.published_by {
        Measured::Known(login) if login.is_empty() => "a trusted workflow".to_owned(),
        Measured::Known(login) => login.clone(),
        Measured::Unknown(why) => format!("not determined: {why}"),
    }
}

/// Hunks with what the tool sees in them at their head, then bytes, old against new.
fn patched(page: &mut Page, patch: &Patch) {
    for text in &patch.texts {
        page.heading(&shown(&text.path), "");
        for hunk in &text.hunks {
            page.push(&format!("  @@ {} -> {} @@", hunk.old_line, hunk.new_line));
            for thought in &hunk.thoughts {
                page.text(2, &format!("! {thought}"));
            }
            for line in &hunk.lines {
                page.quoted(2, line);
            }
        }
        if !text.left_out.is_empty() {
            page.text(2, &text.left_out);
        }
    }
    for bytes in &patch.bytes {
        page.heading(&shown(&bytes.path), "first bytes");
        let none = Vec::new();
        let (before, after) =
            (bytes.before.as_ref().unwrap_or(&none), bytes.after.as_ref().unwrap_or(&none));
        for at in 0..before.len().max(after.len()).min(HEX_LINES) {
            let (old, new) = (before.get(at), after.get(at));
            let line = |sign, line: Option<&String>| {
                line.map(|line| format!("  {sign} {:04x}  {}", at * 16, shown(line)))
            };
            if old == new {
                old.and_then(|_| line(' ', old)).iter().for_each(|line| page.push(line));
            } else {
                line('-', old).iter().chain(&line('+', new)).for_each(|line| page.push(line));
            }
        }
    }
    if patch.left_out > 0 {
        page.text(0, &format!("and {} files more", patch.left_out));
    }
    if patch.texts.is_empty() && patch.bytes.is_empty() {
        page.text(0, "no build code and no file that is not text has changed");
    }
}

fn about(page: &mut Page, name: &str, release: &Release) {
    let known = |value: &Measured<String>| match value {
        Measured::Known(text) => text.clone(),
        Measured::Unknown(why) => format!("not determined: {why}"),
    };
    page.heading(name, &shown(&release.version));
    page.row("published", Some(known(&release.published)));
    page.row("by", Some(published_by(release)));
    page.row("sha256", Some(release.sha256.clone()));
    let unpacked = size(release.unpacked_bytes);
    page.row("size", Some(format!("{unpacked} unpacked, {} files", release.files)));
    page.row("at build", Some(release.runs_at_build.join(", ")));
    page.row("vendors", Some(release.upstreams.join(", ")));
}

fn files(page: &mut Page, title: &str, sign: char, list: &[DiffFile]) {
    let binaries = list.iter().filter(|file| file.binary).count();
    page.heading(title, &format!("{}, {binaries} of them not text", list.len()));
    for file in list.iter().take(SHOWN) {
        let sizes = match (file.size_before, file.size) {
            (Some(before), Some(after)) if before != after => {
                format!("{} -> {}", size(before), size(after))
            }
            (_, Some(one)) | (Some(one), None) => size(one),
            (None, None) => String::new(),
        };
        page.text(2, &format!("{sign} {} {}, {sizes}", file.path, file.class));
        if !file.head.is_empty() {
            page.push(&format!("      {}", shown(&file.head)));
        }
    }
    page.more(list.len(), "files");
}

fn uses(page: &mut Page, sign: char, uses: &[Use]) {
    for one in uses.iter().take(SHOWN) {
        let detail =
            if one.detail.is_empty() { String::new() } else { format!("  {:?}", one.detail) };
        let place = format!("{}:{}", one.file, one.line);
        page.text(2, &format!("{sign} {}  {place}  {}{detail}", one.capability, one.api));
        if !one.code.is_empty() {
            page.code(6, &one.code);
        }
    }
    page.more(uses.len(), "uses");
}

fn dependencies(page: &mut Page, sign: char, list: &Measured<Vec<String>>) {
    match list {
        Measured::Known(all) if all.is_empty() => page.text(2, &format!("{sign} none")),
        Measured::Known(all) => {
            for one in all.iter().take(SHOWN) {
                page.text(2, &format!("{sign} {one}"));
            }
            page.more(all.len(), "dependencies");
        }
        Measured::Unknown(why) => page.text(2, &format!("{sign} not determined: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inspection::{BytesPatch, DIFF, Hunk, TextPatch};
    use crate::domain::text::is_hidden;

    const HOSTILE: &str = "a\u{1b}]0;x\u{7}\u{2066}b\r\nc";

    fn hostile() -> VersionDiff {
        let release = Release {
            version: HOSTILE.to_owned(),
            published: Measured::unknown(HOSTILE),
            published_by: Measured::Known(HOSTILE.to_owned()),
            sha256: "00".to_owned(),
            files: 1,
            unpacked_bytes: 1,
            runs_at_build: vec![HOSTILE.to_owned()],
            upstreams: vec![HOSTILE.to_owned()],
        };
        let file = DiffFile {
            path: HOSTILE.to_owned(),
            class: "opaque".to_owned(),
            binary: true,
            size_before: Some(1),
            size: Some(2),
            sha256: "00".to_owned(),
            head: "fd 37".to_owned(),
        };
        let gained = Use {
            capability: "spawn".to_owned(),
            api: HOSTILE.to_owned(),
            detail: HOSTILE.to_owned(),
            file: HOSTILE.to_owned(),
            line: 1,
            code: HOSTILE.to_owned(),
        };
        VersionDiff {
            schema: DIFF.to_owned(),
            name: HOSTILE.to_owned(),
            old: release.clone(),
            new: release,
            added: Vec::new(),
            changed: vec![file],
            removed: Vec::new(),
            dependencies_gained: Measured::Known(vec![HOSTILE.to_owned()]),
            dependencies_lost: Measured::unknown(HOSTILE),
            capabilities_gained: vec![gained],
            capabilities_lost: Vec::new(),
            build_code_changed: true,
            patch: Some(Patch {
                texts: vec![TextPatch {
                    path: HOSTILE.to_owned(),
                    hunks: vec![Hunk {
                        old_line: 1,
                        new_line: 1,
                        lines: vec![format!("+{HOSTILE}")],
                        thoughts: vec![HOSTILE.to_owned()],
                    }],
                    left_out: String::new(),
                }],
                bytes: vec![BytesPatch {
                    path: HOSTILE.to_owned(),
                    before: None,
                    after: Some(vec!["fd 37".to_owned()]),
                }],
                left_out: 0,
            }),
        }
    }

    #[test]
    fn the_page_has_what_is_seen_beside_its_hunk_and_runs_nothing() {
        let mut diff = hostile();
        diff.name = "<script>x</script>".to_owned();
        let patch = diff.patch.as_mut().unwrap();
        patch.texts[0].hunks[0].lines = vec![" fn main() {".to_owned(), "+    spawn();".to_owned()];
        patch.texts[0].hunks[0].thoughts = vec!["spawn: <b> (new)".to_owned()];
        patch.bytes[0].before = Some(vec!["00 37".to_owned()]);
        let page = crate::reporter::diff_page::html(&diff).unwrap();
        assert!(!page.chars().any(|c| c != '\n' && is_hidden(c)), "{page}");
        assert!(!page.contains("<script") && page.contains("default-src 'none'"), "{page}");
        let (hunk, rest) = page.split_once("<aside>").unwrap();
        assert!(hunk.contains("<span class=\"new\">+    spawn();"), "{hunk}");
        assert!(rest.starts_with("<p>spawn: &#60;b&#62; (new)</p>"), "{rest}");
        assert!(page.contains("<span class=\"old\">- 0000  00 37"), "{page}");
        assert!(page.contains("<span class=\"new\">+ 0000  fd 37"), "{page}");
    }

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        let page = human(&hostile(), 80);
        let hidden: Vec<char> = page.chars().filter(|c| *c != '\n' && is_hidden(*c)).collect();
        assert!(hidden.is_empty(), "{page}");
        assert!(page.contains("1 B -> 2 B") && page.contains("its code has changed"), "{page}");
        assert!(!page.lines().any(|line| line.starts_with('c')), "{page}");
    }
}
