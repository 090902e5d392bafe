//! Several machines with one store of facts: what one measured the other need not have, and what is
//! damaged, refused or written twice costs nothing but time.

#[path = "replicas/shelf.rs"]
mod shelf;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shelf::{Release, Shelf};

/// Crates on the shelf.
const CRATES: usize = 8;
/// Names of the crates.
fn name(number: usize) -> String {
    format!("crate-{number}")
}

/// A folder with a registry, a project that locks all of it, and a shared store.
struct World {
    folder: tempfile::TempDir,
    project: PathBuf,
    home: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shelf = Shelf::new(folder.path());
        for number in 0..CRATES {
            let text = format!("pub fn number() -> usize {{ {number} }}\n").repeat(200);
            let files = vec![
                (
                    "Cargo.toml".to_owned(),
                    format!("[package]\nname = \"{}\"\nversion = \"1.0.0\"\n", name(number))
                        .into_bytes(),
                ),
                ("src/lib.rs".to_owned(), text.into_bytes()),
            ];
            let release = Release { version: "1.0.0", published: "2024-01-01T00:00:00Z", files };
            shelf.add(&name(number), &[release], &[]);
        }
        let (project, home) = shelf.close();
        Self { folder, project, home }
    }

    /// The same registry with an index and without an archive.
    fn without_archives(&self) -> PathBuf {
        let bare = self.folder.path().join("bare");
        copy(&self.home.join("registry/index"), &bare.join("registry/index"));
        std::fs::create_dir_all(bare.join("registry/cache")).expect("a folder");
        bare
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tool(&self, home: &Path, cache: &str, store: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        command.env("CARGO_HOME", home).env("CARGO_CUSTODY_CACHE_DIR", self.path(cache));
        match store {
            Some(store) => command.env(
                "CARGO_CUSTODY_STORE",
                if store.contains(':') {
                    store.to_owned()
                } else {
                    format!("file:{}", self.path(store).display())
                },
            ),
            None => command.env_remove("CARGO_CUSTODY_STORE"),
        };
        command
    }

    fn check(&self, home: &Path, cache: &str, store: Option<&str>) -> (Value, String) {
        let output = self
            .tool(home, cache, store)
            .args(["check", "--offline", "--as-of", "2026-11-23", "--format", "json"])
            .arg(&self.project)
            .output()
            .expect("runs");
        (json(&output), String::from_utf8(output.stderr).expect("UTF-8"))
    }

    fn worker(&self, cache: &str, store: &str) -> Command {
        let mut command = self.tool(&self.home, cache, Some(store));
        command
            .args(["facts", "--stdin", "--offline", "--as-of", "2026-11-23", "--jobs", "1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    /// Every value of a store, by name.
    fn values(&self, store: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.path(store);
        let files = walkdir::WalkDir::new(&root).into_iter().map(|entry| entry.expect("listed"));
        files
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let bytes = std::fs::read(entry.path()).expect("is read");
                (entry.path().strip_prefix(&root).expect("below").to_owned(), bytes)
            })
            .collect()
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("listed");
        let target = to.join(entry.path().strip_prefix(from).expect("below"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).expect("a folder");
        } else {
            std::fs::copy(entry.path(), target).expect("is copied");
        }
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Archives whose contents are known; the project's own crate, which is read from its folder, is left out.
fn coverage(report: &Value) -> u64 {
    report["coverage"]["archive"]["known"].as_u64().expect("a number") - 1
}

#[test]
fn a_machine_without_archives_knows_what_another_one_measured() {
    let world = World::new();
    let bare = world.without_archives();
    let (alone, _) = world.check(&bare, "cache-alone", None);
    assert_eq!(coverage(&alone), 0);
    let (first, told) = world.check(&world.home, "cache-first", Some("store"));
    assert_eq!((coverage(&first), world.values("store").len()), (CRATES as u64, CRATES), "{told}");
    let (second, told) = world.check(&bare, "cache-second", Some("store"));
    assert_eq!(coverage(&second), CRATES as u64, "{told}");
    assert_eq!(first["findings"], second["findings"]);
    assert_eq!(second["coverage"]["bytes"], first["coverage"]["bytes"]);
    assert_eq!(first["exit"], second["exit"]);
}

#[test]
fn what_was_measured_before_there_was_a_store_is_given_to_it() {
    let world = World::new();
    world.check(&world.home, "cache", None);
    world.check(&world.home, "cache", Some("store"));
    assert_eq!(world.values("store").len(), CRATES);
    // And it need not be asked again: an emptied store stays empty.
    std::fs::remove_dir_all(world.path("store")).expect("removed");
    world.check(&world.home, "cache", Some("store"));
    assert_eq!(world.values("store").len(), 0);
}

#[test]
fn a_truncated_value_is_told_once_measured_again_and_replaced() {
    let world = World::new();
    let (whole, _) = world.check(&world.home, "cache-first", Some("store"));
    let before = world.values("store");
    for (at, file) in before.keys().enumerate().take(2) {
        let path = world.path("store").join(file);
        let bytes = std::fs::read(&path).expect("is read");
        std::fs::write(&path, &bytes[..bytes.len() * at / 2]).expect("is written");
    }
    let (again, told) = world.check(&world.home, "cache-second", Some("store"));
    assert_eq!(again["findings"], whole["findings"]);
    assert_eq!(told.matches("2 values of the shared store are damaged").count(), 1, "{told}");
    assert_eq!(world.values("store"), before);
    let (_, told) = world.check(&world.home, "cache-third", Some("store"));
    assert!(!told.contains("damaged"), "{told}");
}

/// The key under which a value's entries lie: the archive's SHA-256, name and version.
fn key_of(value: &[u8], file: &Path) -> Vec<u8> {
    let sha256 = file.file_name().expect("a name").to_string_lossy().into_owned();
    let at = value.windows(64).position(|part| part == sha256.as_bytes()).expect("its key");
    value[at..at + 64 + 1 + name(0).len() + "-1.0.0".len()].to_vec()
}

#[test]
fn a_value_that_speaks_of_another_archive_is_not_used() {
    let world = World::new();
    world.check(&world.home, "cache-first", Some("store"));
    let values = world.values("store");
    let mut files = values.keys();
    let (mine, other) = (files.next().expect("a value"), files.next().expect("another"));
    // What was measured of one crate, under the name and the key of another, and its hash made right.
    let (from, to) = (key_of(&values[mine], mine), key_of(&values[other], other));
    let head = b"custody-bundle/1\n".len() + 32;
    let mut body = values[mine][head..].to_vec();
    while let Some(at) = body.windows(from.len()).position(|part| part == from) {
        body[at..at + from.len()].copy_from_slice(&to);
    }
    let forged = [&values[mine][..head - 32], Sha256::digest(&body).as_slice(), &body].concat();
    std::fs::write(world.path("store").join(other), forged).expect("is written");
    let bare = world.without_archives();
    let (report, told) = world.check(&bare, "cache-second", Some("store"));
    assert_eq!(coverage(&report), CRATES as u64 - 1, "{told}");
    assert!(told.contains("1 values of the shared store are damaged and were not used"), "{told}");
    // Where the archive is, it is measured, and its value put right.
    world.check(&world.home, "cache-third", Some("store"));
    assert_eq!(world.values("store"), values);
}

#[test]
fn a_report_says_of_how_many_crates_only_the_store_was_asked() {
    let world = World::new();
    let (first, _) = world.check(&world.home, "cache-first", Some("store"));
    assert!(first["provenance"]["archives"].is_null(), "{}", first["provenance"]);
    let bare = world.without_archives();
    let (second, _) = world.check(&bare, "cache-second", Some("store"));
    let told = second["provenance"]["archives"].as_str().expect("it is told");
    assert!(
        told.starts_with(&format!("{CRATES} of {CRATES} crates as the shared store")),
        "{told}"
    );
}

#[test]
fn with_a_secret_only_who_knows_it_writes_what_is_believed() {
    let world = World::new();
    let bare = world.without_archives();
    let known = |cache: &str, secret: Option<&str>, home: &Path| {
        let mut tool = world.tool(home, cache, Some("store"));
        if let Some(secret) = secret {
            tool.env("CARGO_CUSTODY_STORE_KEY", secret);
        }
        tool.args(["check", "--offline", "--as-of", "2026-11-23", "--format", "json"]);
        let output = tool.arg(&world.project).output().expect("runs");
        (coverage(&json(&output)), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // Anybody's values are not asked for by one with a secret, nor are another one's.
    known("a", None, &world.home);
    known("b", Some("others"), &world.home);
    let before = world.values("store");
    assert_eq!(known("c", Some("ours"), &bare), (0, known("d", Some("ours"), &bare).1));
    known("e", Some("ours"), &world.home);
    let (all, told) = known("f", Some("ours"), &bare);
    assert_eq!(all, CRATES as u64, "{told}");
    let after = world.values("store");
    assert_eq!(after.len(), 3 * CRATES);
    assert!(
        before.iter().all(|value| after.get(value.0) == Some(value.1)),
        "nothing is written over"
    );
    // Values that lie under the right name and are sealed with another secret.
    let place = |secret: &str| {
        let others: Vec<_> = after.keys().filter(|file| !before.contains_key(*file)).collect();
        let folder = others[0].components().nth(1).expect("a version").as_os_str().to_owned();
        let mut theirs = before.keys().filter(|file| file.to_string_lossy().contains('-'));
        assert!(secret != "ours" && theirs.clone().count() == CRATES);
        (folder, theirs.next().expect("a value").clone())
    };
    let (folder, theirs) = place("others");
    let target = Path::new("facts").join(folder).join(
        theirs.strip_prefix("facts").expect("below").components().skip(1).collect::<PathBuf>(),
    );
    assert!(after.contains_key(&target), "{}", target.display());
    std::fs::copy(world.path("store").join(&theirs), world.path("store").join(&target))
        .expect("copied");
    let (all, told) = known("g", Some("ours"), &bare);
    assert_eq!(all, CRATES as u64 - 1, "{told}");
    assert!(told.contains("1 values of the shared store are damaged and were not used"), "{told}");
}

#[test]
fn two_writers_at_once_leave_what_one_would() {
    let world = World::new();
    world.check(&world.home, "cache", Some("one"));
    let start = |cache: &str| {
        let mut tool = world.tool(&world.home, cache, Some("two"));
        tool.args(["check", "--offline", "--as-of", "2026-11-23", "--format", "json"])
            .arg(&world.project)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts")
    };
    let writers = ["a", "b", "c"].map(start);
    for mut writer in writers {
        assert!(writer.wait().expect("ends").code().is_some());
    }
    assert_eq!(world.values("two"), world.values("one"));
}

#[test]
fn a_store_that_refuses_is_told_once_and_costs_nothing_else() {
    let world = World::new();
    std::fs::create_dir(world.path("store")).expect("a folder");
    std::fs::write(world.path("store").join("facts"), b"in the way").expect("is written");
    let (report, told) = world.check(&world.home, "cache", Some("store"));
    assert_eq!(coverage(&report), CRATES as u64);
    assert_eq!(told.matches("the shared store cannot be used").count(), 1, "{told}");
    let bad =
        world.tool(&world.home, "cache", Some("ftp://x")).arg("check").output().expect("runs");
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("file:FOLDER or s3://"));
}

/// The lines of one shard of the list.
fn shard(part: usize) -> String {
    let mine = (0..CRATES).filter(|number| number % 2 == part);
    mine.map(|number| name(number) + "@1.0.0\n").collect()
}

fn finish(mut worker: std::process::Child, input: &str) -> Vec<String> {
    let mut stdin = worker.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("is read");
    drop(stdin);
    let output = worker.wait_with_output().expect("ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn a_worker_that_is_killed_and_its_shard_run_again_give_what_one_run_gives() {
    let world = World::new();
    let start = |cache: &str, store: &str| world.worker(cache, store).spawn().expect("starts");
    let all = [shard(0), shard(1)].concat();
    let mut whole = finish(start("whole", "store-of-one"), &all);
    let mut killed = start("killed", "store");
    let mut stdin = killed.stdin.take().expect("piped");
    let half: String = shard(1).split_inclusive('\n').take(CRATES / 4).collect();
    stdin.write_all(half.as_bytes()).expect("is read");
    let mut answers = BufReader::new(killed.stdout.take().expect("piped"));
    let mut line = String::new();
    answers.read_line(&mut line).expect("an answer");
    assert!(whole.contains(&line.trim_end().to_owned()), "{line}");
    // SIGKILL, with its input open and the other half not yet given.
    killed.kill().expect("is killed");
    killed.wait().expect("is gone");
    drop(stdin);
    let mut rest = String::new();
    answers.read_to_string(&mut rest).expect("is read");
    let mut union = finish(start("other", "store"), &shard(0));
    union.extend(finish(start("killed", "store"), &shard(1)));
    whole.sort();
    union.sort();
    assert_eq!(union, whole);
    assert_eq!(world.values("store"), world.values("store-of-one"));
}
