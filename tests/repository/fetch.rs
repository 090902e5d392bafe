//! `repos fetch` against git servers on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use crate::sample::{Files, Sample};
use crate::server::{Manner, Server, publish};
use crate::{Audit, grafts, told};

/// A workspace whose repository has an address of a known host.
fn workspace() -> (Sample, BTreeMap<String, Files>) {
    let sample = Sample::new();
    sample.write("Cargo.toml", grafts::ROOT.replace("host.example", "github.com"));
    sample.write("README.md", "read\n");
    // Contents that nobody has to fetch.
    let noise = crate::make::Made::Word(crate::make::Word::Noise(300_000)).bytes("large");
    sample.write("data/large.bin", noise);
    for name in ["clean-crate", "changed-crate"] {
        for (path, text) in grafts::member(name) {
            sample.write(&format!("crates/{name}/{path}"), text);
        }
    }
    sample.commit("a");
    let mut archives = sample.package_all(&["clean-crate", "changed-crate"], "1.2.0");
    let changed = archives.get_mut("changed-crate").expect("packed");
    changed.insert("src/new.rs".to_owned(), b"pub fn n() {}\n".to_vec());
    (sample, archives)
}

fn fetch(audit: &Audit, base: &str, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["repos", "fetch"])
        .arg(audit.at().join("project"))
        .args(flags)
        .env("CARGO_HOME", audit.at().join("home"))
        .env("CARGO_CUSTODY_CACHE_DIR", audit.at().join("cache"))
        .env("CARGO_CUSTODY_GIT_BASE", base)
        .output()
        .expect("starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn commits_are_fetched_without_file_contents_and_compared_with() {
    let (sample, archives) = workspace();
    let root = tempfile::tempdir().expect("a folder");
    publish(&sample, root.path(), "sample");
    let server = Server::start(root.path(), Manner::Honest);
    let audit = Audit::of(&archives);
    let output = fetch(&audit, &server.base, &[]);
    assert!(said(&output).starts_with("1 commits fetched, 0 were there"), "{}", said(&output));
    assert!(server.sent() < 100_000, "{} bytes were sent", server.sent());
    let told = told(&audit.report(&[Path::new("auto")]));
    let high = BTreeSet::from(["high archive-not-in-repository".to_owned()]);
    let lines = |name: &str| told.get(name).cloned().unwrap_or_default();
    assert_eq!((lines("clean-crate"), lines("changed-crate")), (BTreeSet::new(), high));
    // What is there is not asked for again.
    let before = server.requests();
    let again = fetch(&audit, &server.base, &[]);
    assert!(said(&again).starts_with("0 commits fetched, 1 were there"), "{}", said(&again));
    assert_eq!(server.requests(), before);
    let deep = fetch(&audit, &server.base, &["--history", "all"]);
    // It has one commit, which is its whole history.
    assert!(said(&deep).starts_with("0 commits fetched, 1 were there"), "{}", said(&deep));
}

/// From where the commit of a crate is reached, as it is told of what was fetched, and the findings.
fn reached(sample: &Sample, files: &Files) -> (String, BTreeSet<String>, usize) {
    let root = tempfile::tempdir().expect("a folder");
    publish(sample, root.path(), "sample");
    let server = Server::start(root.path(), Manner::Honest);
    let audit = Audit::of(&BTreeMap::from([("clean-crate".to_owned(), files.clone())]));
    let output = fetch(&audit, &server.base, &[]);
    assert!(said(&output).starts_with("1 commits fetched"), "{}", said(&output));
    let asked = server.requests();
    fetch(&audit, &server.base, &[]);
    assert_eq!(server.requests(), asked, "what was asked is not asked again");
    let auto = [Path::new("auto")];
    let reach = audit.compared("clean-crate", &auto)["reach"].to_string();
    let lines = told(&audit.report(&auto)).remove("clean-crate").unwrap_or_default();
    (reach, lines, server.sent())
}

#[test]
fn what_leads_to_a_commit_is_fetched_with_it() {
    let (sample, archives) = workspace();
    let files = &archives["clean-crate"];
    for number in 0..40 {
        sample.write("later", format!("{number}\n"));
        sample.commit("later");
    }
    let (reach, lines, sent) = reached(&sample, files);
    assert_eq!((&*reach, lines), ("\"default-branch\"", BTreeSet::new()));
    assert!(sent < 100_000, "{sent} bytes were sent");
    // A tag of the version says it, too, and more cheaply.
    let first = sample.git(&["rev-list", "--max-parents=0", "main"]);
    sample.git(&["tag", "clean-crate-v1.2.0", &first]);
    let (reach, lines, tagged) = reached(&sample, files);
    assert_eq!((&*reach, lines), ("\"other-reference\"", BTreeSet::new()));
    assert!(tagged < sent, "{tagged} bytes, and {sent} without the tag");
    sample.git(&["tag", "-d", "clean-crate-v1.2.0"]);
    // Somebody hands in a request and releases it.
    sample.git(&["checkout", "-q", "-b", "request"]);
    sample.write("crates/clean-crate/build.rs", "fn main() {}\n");
    let commit = sample.commit("release");
    let released = sample.package("clean-crate", "1.2.0");
    sample.git(&["update-ref", "refs/pull/7/head", &commit]);
    sample.git(&["checkout", "-q", "main"]);
    sample.git(&["branch", "-q", "-D", "request"]);
    sample.write("later", "last\n");
    sample.commit("later");
    let (reach, lines, _) = reached(&sample, &released);
    let high = BTreeSet::from(["high commit-on-no-branch".to_owned()]);
    assert_eq!((&*reach, lines), ("\"nothing\"", high));
    // The same, squashed when it was merged.
    sample.write("crates/clean-crate/build.rs", "fn main() {}\n");
    sample.commit("release (#7)");
    let (reach, lines, _) = reached(&sample, &released);
    assert_eq!((&*reach, lines), ("\"nothing\"", BTreeSet::new()));
}

#[test]
fn the_repositories_of_submodules_are_fetched_with_the_one_that_needs_them() {
    let inner = Sample::new();
    inner.write("z.c", "int z;\n");
    inner.write("unrelated/y.c", "int y;\n");
    let commit = inner.commit("c");
    let (sample, _) = workspace();
    let url = "[submodule \"z\"]\n\tpath = crates/clean-crate/z\n\turl = ../inner.git\n";
    sample.write(".gitmodules", url);
    sample.write("crates/clean-crate/z/z.c", "int z;\n");
    sample.git(&["add", ".gitmodules"]);
    let link = format!("160000,{commit},crates/clean-crate/z");
    sample.git(&["update-index", "--add", "--cacheinfo", &link]);
    sample.git(&["commit", "-q", "-m", "submodule"]);
    let head = sample.git(&["rev-parse", "HEAD"]);
    let mut files = Files::new();
    for path in ["Cargo.toml", "src/lib.rs", "src/b.rs", "z/z.c"] {
        let bytes = std::fs::read(sample.at().join("crates/clean-crate").join(path));
        files.insert(path.to_owned(), bytes.expect("is there"));
    }
    let record =
        format!("{{\"git\":{{\"sha1\":\"{head}\"}},\"path_in_vcs\":\"crates/clean-crate\"}}");
    files.insert(".cargo_vcs_info.json".to_owned(), record.into_bytes());
    let manifest = "[package]\nname = \"clean-crate\"\nversion = \"1.2.0\"\n\
        repository = \"https://github.com/owner/sample\"\n";
    files.insert("Cargo.toml".to_owned(), manifest.as_bytes().to_vec());
    let root = tempfile::tempdir().expect("a folder");
    publish(&sample, root.path(), "sample");
    publish(&inner, root.path(), "inner");
    let server = Server::start(root.path(), Manner::Honest);
    let audit = Audit::of(&BTreeMap::from([("clean-crate".to_owned(), files)]));
    let output = fetch(&audit, &server.base, &[]);
    assert!(said(&output).starts_with("2 commits fetched"), "{}", said(&output));
    let told = audit.compared("clean-crate", &[Path::new("auto")]);
    let by = told["explained_by"].to_string();
    assert!(by.contains("submodule"), "{told}");
}

#[test]
fn a_repository_with_hooks_and_programs_in_its_configuration_runs_nothing() {
    let (sample, archives) = workspace();
    let root = tempfile::tempdir().expect("a folder");
    let bare = publish(&sample, root.path(), "sample");
    let server = Server::start(root.path(), Manner::Honest);
    let audit = Audit::of(&archives);
    let mark = root.path().join("ran");
    let script = format!("#!/bin/sh\ntouch {}\n", mark.display());
    // Where a clone of ours will lie, somebody has left traps.
    let clone = audit.at().join("cache/repositories/github.com/owner+sample");
    std::fs::create_dir_all(clone.join("hooks")).expect("made");
    for hook in ["post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"] {
        let path = clone.join("hooks").join(hook);
        std::fs::write(&path, &script).expect("written");
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("made a program");
    }
    let config = format!(
        "[remote \"origin\"]\n\turl = ext::sh -c touch% {0}\n\tuploadpack = touch {0}\n\
         [core]\n\tfsmonitor = touch {0}\n\tsshCommand = touch {0}\n[credential]\n\thelper = !touch {0}\n",
        mark.display()
    );
    std::fs::write(clone.join("config"), config).expect("written");
    drop(bare);
    let output = fetch(&audit, &server.base, &[]);
    assert!(said(&output).starts_with("1 commits fetched"), "{}", said(&output));
    assert!(!mark.exists(), "a program ran");
}

#[test]
fn a_redirect_is_not_followed_and_an_endless_answer_is_cut() {
    let (_sample, archives) = workspace();
    let root = tempfile::tempdir().expect("a folder");
    for (manner, why) in [(Manner::Redirects, "git failed"), (Manner::Endless, "git was stopped")] {
        let server = Server::start(root.path(), manner);
        let audit = Audit::of(&archives);
        let output = fetch(&audit, &server.base, &["--time", "1s"]);
        assert!(said(&output).contains(why), "{}", said(&output));
        assert!(said(&output).contains("not fetched: clean-crate 1.2.0"), "{}", said(&output));
    }
}

#[test]
fn too_much_is_cut_and_a_commit_that_the_host_lacks_is_told() {
    let (sample, mut archives) = workspace();
    let root = tempfile::tempdir().expect("a folder");
    publish(&sample, root.path(), "sample");
    let server = Server::start(root.path(), Manner::Honest);
    let audit = Audit::of(&archives);
    let output = fetch(&audit, &server.base, &["--mib", "0"]);
    assert!(said(&output).contains("git was stopped at 0 MiB"), "{}", said(&output));
    for files in archives.values_mut() {
        let record = format!("{{\"git\":{{\"sha1\":\"{}\"}}}}", "ab".repeat(20));
        files.insert(".cargo_vcs_info.json".to_owned(), record.into_bytes());
    }
    let output = fetch(&Audit::of(&archives), &server.base, &[]);
    assert!(said(&output).contains("git failed: fatal: "), "{}", said(&output));
    let elsewhere = fetch(&audit, "http://evil.example:80", &[]);
    assert_eq!(elsewhere.status.code(), Some(2));
}

/// An audit that may ask nobody but the server of this test.
fn check(audit: &Audit, base: &str, flags: &[&str]) -> Output {
    let nowhere = "http://127.0.0.1:9/";
    Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["check", "--as-of", "2026-11-23", "--format", "json", "--api-budget", "0s"])
        .arg(audit.at().join("project"))
        .args(flags)
        .env("CARGO_HOME", audit.at().join("home"))
        .env("CARGO_CUSTODY_CACHE_DIR", audit.at().join("cache"))
        .env("CARGO_CUSTODY_GIT_BASE", base)
        .env("CARGO_CUSTODY_DATA", "off")
        .env("CARGO_CUSTODY_ADVISORY_DB", nowhere)
        .env("CARGO_CUSTODY_INDEX", nowhere)
        .env("CARGO_CUSTODY_STATIC", nowhere)
        .output()
        .expect("starts")
}

#[test]
fn an_audit_fetches_where_the_policy_or_the_flag_says_so_and_never_offline() {
    let (sample, archives) = workspace();
    let root = tempfile::tempdir().expect("a folder");
    publish(&sample, root.path(), "sample");
    let lines = |output: &Output| {
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", said(output)));
        told(&report).remove("changed-crate").unwrap_or_default()
    };
    let high = "high archive-not-in-repository";
    for by_policy in [false, true] {
        let server = Server::start(root.path(), Manner::Honest);
        let audit = Audit::of(&archives);
        let flags: &[&str] = if by_policy { &[] } else { &["--repos", "auto"] };
        assert_eq!(lines(&check(&audit, &server.base, &[])), BTreeSet::new(), "nobody asked");
        if by_policy {
            let policy = audit.at().join("project/custody.toml");
            std::fs::write(policy, "repositories = \"fetch\"\n").expect("written");
        }
        let offline = check(&audit, &server.base, &[flags, &["--offline"]].concat());
        assert!(!lines(&offline).contains(high));
        assert_eq!(server.requests(), 0, "offline, or not asked to");
        let fetched = lines(&check(&audit, &server.base, flags));
        assert!(fetched.contains(high) && server.requests() > 0, "{by_policy}: {fetched:?}");
        let asked = server.requests();
        assert!(lines(&check(&audit, &server.base, flags)).contains(high));
        assert_eq!(server.requests(), asked, "what is there is not asked for again");
    }
    // A host that is down is a gap with its reason.
    let audit = Audit::of(&archives);
    let gap = lines(&check(&audit, "http://127.0.0.1:9", &["--repos", "auto"]));
    assert!(
        gap.iter().any(|line| line.contains("its repository was not fetched: git failed")),
        "{gap:?}"
    );
}

#[test]
fn a_history_is_fetched_with_the_contents_of_its_ignore_files() {
    use crate::history::{FIRST_FILES, IGNORED, deed, history, noise};
    let sample = history(
        true,
        vec![
            deed(FIRST_FILES, "Heir", "tests/files/good-1.bin", noise("a")),
            deed(IGNORED, "Heir", "m4/.gitignore", b"build-to-host.m4\n".to_vec()),
        ],
    );
    let manifest = std::fs::read_to_string(sample.at().join("Cargo.toml")).expect("is there");
    sample.write("Cargo.toml", manifest.replace("host.example", "github.com"));
    sample.git(&["add", "-A"]);
    sample.git(&["-c", "user.name=Heir", "commit", "-q", "-m", "moved"]);
    let archives = BTreeMap::from([("packer".to_owned(), sample.package("packer", "1.2.0"))]);
    let root = tempfile::tempdir().expect("a folder");
    publish(&sample, root.path(), "sample");
    let server = Server::start(root.path(), Manner::Honest);
    let audit = Audit::of(&archives);
    let output = fetch(&audit, &server.base, &["--history", "all"]);
    assert!(said(&output).starts_with("1 commits fetched"), "{}", said(&output));
    let report = audit.report_as_of("2024-02-24", &[Path::new("auto")]);
    let lines = told(&report).remove("packer").unwrap_or_default();
    // The release itself is later than that day; the file and the pattern are not.
    assert!(!lines.iter().any(|line| line.contains("no file contents")), "{lines:?}");
}
