//! The arrows of the house: which module may import which, and which of the libraries below `crates/`.
//! A new module has to be given a row. Between the libraries Cargo itself holds the arrows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module of `src/` to what it may import from the crate (itself apart). The words (`domain`) and the door
/// to files (`disk`) are libraries that everybody may import.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("net", &[][..]),
        ("config", &[]),
        ("walker", &["custody_bytes", "model_scan", "crate_read", "custody_repository"]),
        ("collectors", &["net", "custody_bytes", "model_scan", "crate_read", "custody_repository"]),
        ("heuristics", &["custody_judge"]),
        ("reporter", &[]),
        ("audit", &["config", "walker", "collectors", "net", "heuristics", "reporter"]),
        (
            "cli",
            &[
                "audit",
                "config",
                "walker",
                "collectors",
                "net",
                "heuristics",
                "reporter",
                "custody_bytes",
                "model_scan",
                "crate_read",
                "custody_repository",
            ],
        ),
        ("lib", &["custody_bytes", "custody_facts"]),
        ("main", &["cli"]),
    ])
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be listed") {
        let path = entry.expect("src can be listed").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The libraries below `crates/`; their code begins with their name.
const LIBRARIES: [&str; 6] = [
    "custody_bytes",
    "custody_facts",
    "custody_judge",
    "model_scan",
    "crate_read",
    "custody_repository",
];

/// Names of libraries, and names that follow `crate::` (or `cargo_custody::`) in the code, comments left out.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        for library in LIBRARIES {
            if code.contains(&format!("{library}::")) {
                found.push(library.to_owned());
            }
        }
        for marker in ["crate::", "cargo_custody::"] {
            for (at, _) in code.match_indices(marker) {
                let rest = &code[at + marker.len()..];
                let name: String =
                    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if name.is_empty() {
                    found.extend(
                        rest.trim_start_matches('{')
                            .split(',')
                            .map(|part| part.trim().split("::").next().unwrap_or("").to_owned())
                            .filter(|part| !part.is_empty()),
                    );
                } else {
                    found.push(name);
                }
            }
        }
    }
    found
}

#[test]
fn arrows_go_one_way() {
    let allowed = allowed();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    files.sort();
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&source).expect("below src");
        let first = relative.components().next().expect("not empty").as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        let Some(may) = allowed.get(module.as_str()) else {
            wrong.push(format!("{module}: a new module has to be given a row"));
            continue;
        };
        for import in imports(&fs::read_to_string(&file).expect("source is UTF-8")) {
            if import != module
                && (allowed.contains_key(import.as_str()) || LIBRARIES.contains(&import.as_str()))
                && !may.contains(&import.as_str())
            {
                wrong.push(format!("{} imports {import}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_in_braces_is_seen() {
    assert_eq!(imports("use crate::{net, walker::x};"), ["net", "walker"]);
    assert_eq!(imports("let x = crate::audit::run();"), ["audit"]);
    assert_eq!(imports("use model_scan::pickle::Globals;"), ["model_scan"]);
}

/// Code of a file that is not a test of its own: what stands before its tests.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

#[test]
fn files_are_opened_through_one_door() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_name().expect("a file").to_string_lossy().into_owned();
        // The `File` of the fact store is a database of its own; timelines are read by tests only.
        // The words of the byte search are looked for in other people's code.
        if file.ends_with("build_code/marks.rs")
            || name.contains("tests")
            || name == "sample.rs"
            || ["store.rs", "timeline.rs"].contains(&&*name)
        {
            continue;
        }
        let text = fs::read_to_string(&file).expect("source is UTF-8");
        for way in
            ["fs::File::open(", " File::open(", "(File::open(", "fs::read(", "fs::read_to_string("]
        {
            if without_tests(&text).contains(way) {
                wrong.push(format!("{} opens with `{way}` and not by `disk`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Folders of the house that hold code or data, as the page names them.
fn rooms(root: &Path) -> Vec<String> {
    let mut rooms = Vec::new();
    for place in ["src", "crates"] {
        for entry in fs::read_dir(root.join(place)).expect("the folder can be listed") {
            let entry = entry.expect("the folder can be listed");
            if entry.path().is_dir() {
                rooms.push(format!("{place}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    rooms.sort();
    rooms
}

#[test]
fn the_page_has_a_row_for_every_room_and_no_room_is_missing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/architecture.md")).expect("the page is there");
    let named: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split('`').next())
        .filter(|room| room.starts_with("src/") || room.starts_with("crates/"))
        .map(str::to_owned)
        .collect();
    for room in rooms(root) {
        assert!(named.contains(&room), "docs/architecture.md has no row for {room}");
    }
    for room in named {
        let there = root.join(&room).is_dir() || root.join(format!("{room}.rs")).is_file();
        assert!(there, "docs/architecture.md names {room}, which is not there");
    }
}
