//! Commands that finish the job: an exception that is written, a lockfile that is mended. The binary on made-up
//! projects, offline; cargo takes crates from a folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Runs the program with a home and a cache of its own.
fn custody(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_HOME", folder.join("cargo"))
        .env("CARGO_CUSTODY_CACHE_DIR", folder.join("cache"))
        .env("CARGO_CUSTODY_DATA", "off")
        .env("CARGO_CUSTODY_OFFLINE", "1")
        .env("CARGO_CUSTODY_ADVISORY_DB", "http://127.0.0.1:9/none")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).unwrap()
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A project that names a model, and a folder of crates that cargo takes for the registry.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(
        at,
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nacme = \"1\"\nhf-hub = \"0.4\"\n",
    );
    write(
        at,
        "app/src/main.rs",
        "fn main() {\n    let api = hf_hub::api::sync::Api::new().unwrap();\n    let _ = api.model(\"acme/encoder\".to_string());\n}\n",
    );
    let package = |name: &str, version: &str, sum: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{REGISTRY}\"\nchecksum = \"{sum}\"\n\n"
        )
    };
    let (a, h) = ("a".repeat(64), "c".repeat(64));
    write(
        at,
        "app/Cargo.lock",
        &format!(
            "version = 4\n\n{}[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"acme\",\n \"hf-hub\",\n]\n\n{}",
            package("acme", "1.0.0", &a),
            package("hf-hub", "0.4.3", &h),
        ),
    );
    for (name, version, sum) in
        [("acme", "1.0.0", &a), ("acme", "1.0.1", &"b".repeat(64)), ("hf-hub", "0.4.3", &h)]
    {
        let of = format!("vendor/{name}-{version}");
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
        write(at, &format!("{of}/Cargo.toml"), &manifest);
        write(at, &format!("{of}/src/lib.rs"), "");
        let checksum = format!("{{\"files\": {{}}, \"package\": \"{sum}\"}}");
        write(at, &format!("{of}/.cargo-checksum.json"), &checksum);
    }
    let vendor = at.join("vendor");
    write(
        at,
        "cargo/config.toml",
        &format!(
            "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = {}\n",
            toml::Value::from(vendor.display().to_string())
        ),
    );
    write(
        at,
        "advisories/crates/acme/RUSTSEC-2026-0001.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"acme\"\ndate = \"2026-05-20\"\n\n[versions]\npatched = [\">= 1.0.1\"]\n```\n\n# A bad sum\n",
    );
    folder
}

const FIX: [&str; 4] = ["fix", "app", "--advisory-db", "advisories"];

#[test]
fn fix_locks_the_mended_version_and_nothing_else() {
    let folder = project();
    let before = fs::read_to_string(folder.path().join("app/Cargo.lock")).unwrap();
    let dry = custody(folder.path(), &[&FIX[..], &["--dry-run"]].concat());
    assert!(said(&dry).contains("cargo update -p acme@1.0.0 --precise 1.0.1\n"), "{}", said(&dry));
    assert_eq!(fs::read_to_string(folder.path().join("app/Cargo.lock")).unwrap(), before);

    let done = custody(folder.path(), &FIX);
    assert!(said(&done).contains("done: cargo update -p acme@1.0.0"), "{}", said(&done));
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let after = fs::read_to_string(folder.path().join("app/Cargo.lock")).unwrap();
    assert!(after.contains("version = \"1.0.1\"") && !after.contains("version = \"1.0.0\""));
    assert!(after.contains("version = \"0.4.3\""), "{after}");
    let again = custody(folder.path(), &FIX);
    assert!(said(&again).contains("no advisory speaks"), "{}", said(&again));
}

#[test]
fn fix_does_not_go_behind_settings_of_the_tree_and_leaves_what_a_requirement_holds() {
    let folder = project();
    write(folder.path(), "app/.cargo/config.toml", "");
    let refused = custody(folder.path(), &FIX);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("--dry-run"), "{}", said(&refused));
    fs::remove_file(folder.path().join("app/.cargo/config.toml")).unwrap();
    let manifest = fs::read_to_string(folder.path().join("app/Cargo.toml")).unwrap();
    write(folder.path(), "app/Cargo.toml", &manifest.replace("acme = \"1\"", "acme = \"=1.0.0\""));
    let held = custody(folder.path(), &FIX);
    assert_eq!(held.status.code(), Some(1), "{}", said(&held));
    let told = "app 0.1.0 (=1.0.0) keeps 1.0.1 out: change that first";
    assert!(said(&held).contains(told), "{}", said(&held));
}

#[test]
fn a_waiver_is_written_and_counts_in_the_next_run() {
    let folder = project();
    let waive = |more: &[&str]| {
        let all =
            ["waive", "unpinned-model", "acme/encoder", "--path", "app", "--reason", "read it"];
        custody(folder.path(), &[&all[..], more].concat())
    };
    write(folder.path(), "app/custody.toml", "fail-on = \"low\"");
    let check = || {
        let check = ["check", "app", "--advisory-db", "advisories", "--format", "json"];
        let report = custody(folder.path(), &check);
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
        let all = report["findings"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["rule"] == "unpinned-model").unwrap()
    };
    assert!(check()["waived"].is_null());
    let written = waive(&["--expires", "2999-01-01"]);
    assert_eq!(written.status.code(), Some(0), "{}", said(&written));
    assert_eq!(check()["waived"]["reason"], "read it");
    assert_eq!(check()["waived"]["expires"], "2999-01-01");
    let text = fs::read_to_string(folder.path().join("app/custody.toml")).unwrap();
    assert!(text.starts_with("fail-on = \"low\"\n\n[[waiver]]\n"), "{text}");
    let twice = waive(&[]);
    assert!(said(&twice).contains("waived already"), "{}", said(&twice));
}

#[test]
fn a_slip_in_the_policy_is_answered_with_what_was_meant() {
    let folder = project();
    write(folder.path(), "app/custody.toml", "[cooldown]\nmin-publish-aeg = \"3 days\"\n");
    let refused = custody(folder.path(), &["check", "app"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("help: did you mean `min-publish-age`?"), "{}", said(&refused));
}

#[test]
fn inspect_fails_where_it_is_asked_to_and_writes_a_page_and_json_that_acts_on_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let model = "m\u{202e}odel.pt";
    // Calls posix.system with an echo, as text: only its bytes are read.
    write(folder.path(), model, "cposix\nsystem\n(S'echo'\ntR.");
    let inspect = |more: &[&str]| custody(folder.path(), &[&["inspect", model], more].concat());
    assert_eq!(inspect(&[]).status.code(), Some(0));
    let failed = inspect(&["--fail-on", "high", "--format", "html=page.html"]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("posix.system") && page.contains("what was seen of one crate or model"));
    let json = String::from_utf8(inspect(&["--json"]).stdout).unwrap();
    assert!(!json.contains('\u{202e}') && json.contains("\\u202e"), "{json}");
    let facts = String::from_utf8(custody(folder.path(), &["facts", model]).stdout).unwrap();
    assert!(!facts.contains('\u{202e}') && facts.contains("\\u202e"), "{facts}");
}

#[test]
fn the_report_on_hands_is_a_page_too() {
    let folder = project();
    let report = custody(folder.path(), &["report", "app", "--format", "html=hands.html"]);
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    let page = fs::read_to_string(folder.path().join("hands.html")).unwrap();
    assert!(page.contains("Who holds the keys of 2 crates"), "{page}");
}

#[test]
fn the_score_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let told = said(&custody(folder.path(), &["explain", "score"]));
    assert!(told.contains("bits") && told.contains("concealment"), "{told}");
}
