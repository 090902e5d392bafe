//! Archives against repositories through the whole program: crates of a generated workspace, packed by
//! the real cargo, one changed in one way each, audited with `--repos`.

#[path = "../replicas/shelf.rs"]
mod shelf;

#[path = "../replicas/make.rs"]
mod make;

mod custody;
mod fetch;
mod grafts;
mod history;
mod named;
mod sample;
mod server;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use sample::{Files, Sample};
use serde_json::Value;
use shelf::{Release, Shelf};

const RULES: [&str; 11] = [
    "record-names-inner-folder",
    "program-adds-opaque-file",
    "archive-differs-from-tag",
    "build-input-newly-ignored-by-successor",
    "new-hands-archive-differs",
    "successor-adds-opaque-file",
    "successor-adds-opaque-build-input",
    "archive-not-in-repository",
    "opaque-file-not-in-repository",
    "file-not-in-repository",
    "commit-on-no-branch",
];

/// A project that locks these archives.
struct Audit {
    folder: tempfile::TempDir,
}

impl Audit {
    fn of(archives: &BTreeMap<String, Files>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shelf = Shelf::new(folder.path());
        for (name, files) in archives {
            let files = files.clone().into_iter().collect();
            let release = Release { version: "1.2.0", published: "2023-02-01T08:00:00Z", files };
            shelf.add(name, &[release], &[]);
        }
        shelf.close();
        Self { folder }
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    /// What the program reports, with these folders of clones.
    fn report(&self, repos: &[&Path]) -> Value {
        self.report_as_of("2026-11-23", repos)
    }

    fn report_as_of(&self, day: &str, repos: &[&Path]) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        command
            .args(["check", "--offline", "--as-of", day, "--format", "json"])
            .arg(self.folder.path().join("project"))
            .env("CARGO_HOME", self.folder.path().join("home"))
            .env("CARGO_CUSTODY_CACHE_DIR", self.folder.path().join("cache"));
        for folder in repos {
            command.arg("--repos").arg(folder);
        }
        let output = command.output().expect("starts");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The facts of the group `repository` of one crate.
    fn compared(&self, name: &str, repos: &[&Path]) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        command
            .args(["inspect", &format!("{name}@1.2.0"), "--json", "--offline"])
            .args(["--as-of", "2026-11-23"])
            .env("CARGO_HOME", self.at().join("home"))
            .env("CARGO_CUSTODY_CACHE_DIR", self.at().join("cache"))
            .env("CARGO_CUSTODY_DATA", "off");
        for folder in repos {
            command.arg("--repos").arg(folder);
        }
        let output = command.output().expect("starts");
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
        told["sheet"]["facts"]["repository"].clone()
    }

    /// The page of an audit.
    fn html(&self, repos: &Path) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
            .args(["check", "--offline", "--as-of", "2026-11-23", "--format", "html", "--repos"])
            .args([repos, &self.at().join("project")])
            .env("CARGO_HOME", self.at().join("home"))
            .env("CARGO_CUSTODY_CACHE_DIR", self.at().join("cache"))
            .output()
            .expect("starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What `inspect` says of a crate on the day of the release of xz 5.6.0.
    fn inspect(&self, what: &str, repos: &Path, flags: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
            .args(["inspect", what, "--offline", "--as-of", "2024-02-24", "--repos"])
            .arg(repos)
            .args(flags)
            .env("CARGO_HOME", self.at().join("home"))
            .env("CARGO_CUSTODY_CACHE_DIR", self.at().join("cache"))
            .env("CARGO_CUSTODY_DATA", "off")
            .env("COLUMNS", "120")
            .output()
            .expect("starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// Crate to the findings of these rules, each as `LEVEL RULE`, and to what was not determined of it.
fn told(report: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    for finding in report["findings"].as_array().expect("a list") {
        let rule = text(&finding["rule"]);
        if RULES.contains(&rule.as_str()) {
            let line = format!("{} {rule}", text(&finding["level"]));
            told.entry(text(&finding["subject"]["name"])).or_default().insert(line);
        }
    }
    for gap in report["undetermined"].as_array().expect("a list") {
        if text(&gap["what"]).starts_with("repository") {
            let line = format!("undetermined: {}", text(&gap["reason"]));
            told.entry(text(&gap["subject"]["name"])).or_default().insert(line);
        }
    }
    told
}

/// A workspace with so many members, all alike but for their names, and what cargo packs of them.
fn workspace(names: &[String]) -> (Sample, BTreeMap<String, Files>) {
    let sample = Sample::new();
    sample.write("Cargo.toml", grafts::ROOT);
    sample.write("README.md", "read\n");
    sample.write("LICENSE-MIT", "licence\n");
    for name in names {
        for (path, text) in grafts::member(name) {
            sample.write(&format!("crates/{name}/{path}"), text);
        }
    }
    sample.commit("a");
    for name in names {
        sample.write(&format!("crates/{name}/src/lib.rs"), "pub fn a() {}\nmod b;\n");
    }
    sample.commit("b");
    let archives = sample.package_all(names, "1.2.0");
    (sample, archives)
}

#[test]
fn every_graft_is_noticed_and_no_clean_archive_is() {
    let grafts = grafts::all();
    let clean = ["untouched-one", "untouched-two"].map(str::to_owned);
    let names: Vec<String> = grafts.iter().map(grafts::Graft::name).chain(clean.clone()).collect();
    let (sample, mut archives) = workspace(&names);
    let older = sample.git(&["rev-parse", "HEAD~1"]);
    for graft in &grafts {
        graft.apply(archives.get_mut(&graft.name()).expect("packed"), &older);
    }
    let told = told(&Audit::of(&archives).report(&[sample.at()]));
    let mut wrong = Vec::new();
    for graft in &grafts {
        let heard = told.get(&graft.name()).cloned().unwrap_or_default();
        if !heard.iter().any(|line| line.starts_with(graft.expected)) {
            wrong.push(format!("{}: {} expected, {heard:?}", graft.name(), graft.expected));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for name in clean {
        assert_eq!(told.get(&name), None, "{name}");
    }
}

#[test]
fn without_a_folder_of_clones_nothing_is_said_and_without_the_clone_it_is_a_gap() {
    let (_sample, archives) = workspace(&["untouched".to_owned()]);
    let audit = Audit::of(&archives);
    assert_eq!(told(&audit.report(&[])), BTreeMap::new());
    let empty = tempfile::tempdir().expect("a folder");
    let told = told(&audit.report(&[empty.path()]));
    let gap = "undetermined: no clone of its repository is in the folders of --repos";
    assert_eq!(told["untouched"], BTreeSet::from([gap.to_owned()]));
}
