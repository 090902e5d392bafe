//! Only the ledger's renderer may say that something was measured to its end, or that a run went well.

use std::fs;
use std::path::{Path, PathBuf};

/// The renderer itself, and the runner of rules' own tests, which speaks of tests and not of a project.
/// The fleet counts exit codes, which the ledger of each project decided.
const MAY: [&str; 3] = ["reporter/ledger.rs", "cli/rules.rs", "reporter/fleet.rs"];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be listed") {
        let path = entry.expect("src can be listed").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// Lines of code before the tests of a file that hold one of the words inside a literal.
fn wrong(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let literal = |line: &str| line.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    lines
        .flat_map(|line| -> Vec<String> { literal(line) })
        .filter(|text| text.contains("in full") || text.contains("passed"))
        .collect()
}

#[test]
fn a_literal_with_the_words_is_found_and_a_comment_is_not() {
    assert_eq!(wrong("// passed\nlet a = \"in full\"; let passed = 1;"), ["in full"]);
    assert_eq!(wrong("let a = \"it passed\";\n#[cfg(test)]\n\"passed\""), ["it passed"]);
}

#[test]
fn only_the_ledgers_renderer_says_in_full_or_passed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for folder in ["audit", "cli", "reporter", "collectors"] {
        rust_files(&source.join(folder), &mut files);
    }
    for library in ["facts", "judge"] {
        rust_files(&source.join(format!("../crates/{library}/src")), &mut files);
    }
    files.push(source.join("audit.rs"));
    assert!(files.len() > 100, "the folders of the house are read");
    for file in files {
        let name = file.strip_prefix(&source).expect("below src").to_string_lossy().into_owned();
        if !MAY.contains(&name.as_str()) && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&file).expect("sources are text");
            assert!(wrong(&text).is_empty(), "{name}: {:?}", wrong(&text));
        }
    }
}
