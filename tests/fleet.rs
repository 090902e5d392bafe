//! Many projects in one process: each has its line, and together they say what none says alone.

#[path = "replicas/shelf.rs"]
mod shelf;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use shelf::{Release, Shelf};

/// A folder of projects that lock different parts of one registry.
struct World {
    folder: tempfile::TempDir,
    home: PathBuf,
}

/// The versions and names of the shelf.
const NAMES: [&str; 3] = ["plain-one", "plain-two", "plain-three"];

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shelf = Shelf::new(folder.path());
        for name in NAMES {
            let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
            let files = vec![
                ("Cargo.toml".to_owned(), manifest.into_bytes()),
                ("src/lib.rs".to_owned(), b"pub fn one() -> u8 { 1 }".to_vec()),
            ];
            let release = Release { version: "1.0.0", published: "2024-01-01T00:00:00Z", files };
            shelf.add(name, &[release], &[]);
        }
        let (project, home) = shelf.close();
        let all = std::fs::read_to_string(project.join("Cargo.lock")).expect("is read");
        std::fs::remove_dir_all(project).expect("is removed");
        let world = Self { folder, home };
        for (at, project) in ["a", "b", "c"].iter().enumerate() {
            world.project(project, &without(&all, &NAMES[at + 1..]));
        }
        world
    }

    fn project(&self, name: &str, lock: &str) {
        let folder = self.path("fleet").join(name);
        std::fs::create_dir_all(folder.join("src")).expect("a folder");
        let manifest = "[package]\nname = \"replicas\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
        std::fs::write(folder.join("Cargo.toml"), manifest).expect("is written");
        std::fs::write(folder.join("src/lib.rs"), "").expect("is written");
        std::fs::write(folder.join("Cargo.lock"), lock).expect("is written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn list(&self, lines: &[&str]) -> PathBuf {
        let list = self.path("fleet").join("list");
        std::fs::write(&list, lines.join("\n")).expect("is written");
        list
    }

    fn tool(&self) -> Command {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        tool.arg("fleet")
            .env("CARGO_HOME", &self.home)
            .env("CARGO_CUSTODY_CACHE_DIR", self.path("cache"));
        tool
    }

    fn audit(&self, list: &Path, more: &[&str]) -> (Vec<Value>, Output) {
        let mut tool = self.tool();
        tool.arg(list).args(["--offline", "--as-of", "2026-11-23", "--jobs", "1"]).args(more);
        let output = tool.output().expect("runs");
        let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        (lines, output)
    }

    fn who(&self, spec: &str, out: &str) -> Value {
        let out = self.path(out);
        let output = self.tool().args(["who", spec, "--json", "--out"]).arg(out).output();
        serde_json::from_slice(&output.expect("runs").stdout).expect("JSON")
    }

    /// Every file of a fleet's folder but the pages, which are long.
    fn files(&self, out: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let root = self.path(out);
        let entries = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter();
        entries
            .map(|entry| entry.expect("is listed"))
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let name = entry.path().strip_prefix(&root).expect("below").to_owned();
                (name, std::fs::read(entry.path()).expect("is read"))
            })
            .collect()
    }
}

/// A lockfile without some packages.
fn without(lock: &str, names: &[&str]) -> String {
    let blocks = lock
        .split("\n[[package]]\n")
        .filter(|block| !names.iter().any(|name| block.starts_with(&format!("name = \"{name}\""))));
    let lock = blocks.collect::<Vec<_>>().join("\n[[package]]\n");
    let stays = |line: &&str| !names.iter().any(|name| line.contains(&format!("\"{name}\"")));
    lock.lines().filter(stays).collect::<Vec<_>>().join("\n") + "\n"
}

fn of<'v>(lines: &'v [Value], project: &str) -> &'v Value {
    lines.iter().find(|line| line["project"] == project).expect("it has a line")
}

#[test]
fn each_project_has_its_line_and_one_that_cannot_be_audited_does_not_stop_the_rest() {
    let world = World::new();
    world.project("broken", "this is no lockfile");
    let list = world.list(&["a", "broken", "../x", "b", "a", "gone", "c"]);
    let (lines, output) = world.audit(&list, &[]);
    assert_eq!(lines.len(), 7, "{lines:?}");
    for (project, crates) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(of(&lines, project)["crates"], crates);
        assert!(of(&lines, project)["error"].is_null());
    }
    assert!(of(&lines, "../x")["error"].as_str().is_some_and(|why| why.contains("leads out")));
    for project in ["broken", "gone"] {
        assert_eq!(of(&lines, project)["exit"], 2);
        assert!(of(&lines, project)["error"].is_string(), "{project}");
    }
    let sum = &lines[6]["fleet"];
    assert_eq!((&sum["projects"], &sum["crate_versions"]), (&json!(6), &json!(3)));
    assert_eq!(sum["not_audited"].as_array().map(Vec::len), Some(3));
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("a is listed twice and audited once"), "{told}");
}

#[test]
fn a_project_counts_once_however_it_is_named_and_what_is_none_says_so() {
    let world = World::new();
    std::fs::write(world.path("fleet/notes.txt"), "no project").expect("is written");
    std::fs::write(world.path("fleet/m.pkl"), b"\x80\x04N.").expect("is written");
    let long = "x".repeat(300_000);
    let names =
        ["\u{feff}a", "a/Cargo.lock", "a/Cargo.toml", "./a", "notes.txt", "m.pkl", &long, "b"];
    let (lines, output) = world.audit(&world.list(&names), &[]);
    let told: Vec<(&str, u64)> = lines[..lines.len() - 1]
        .iter()
        .map(|line| {
            (line["project"].as_str().expect("a name"), line["exit"].as_u64().expect("a code"))
        })
        .collect();
    let good = of(&lines, "a")["exit"].as_u64().expect("a code");
    assert!(good != 2, "{lines:?}");
    assert_eq!(told, [("a", good), ("notes.txt", 2), ("m.pkl", 2), ("line 7", 2), ("b", good)]);
    assert_eq!(of(&lines, "m.pkl")["error"], "it is no folder, manifest or lockfile");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told.matches("is listed twice and audited once").count(), 3, "{told}");
    // Ten thousand of them are not ten thousand sentences.
    let (_, output) = world.audit(&world.list(&vec!["a"; 10_000]), &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told.matches("is listed twice").count(), 3, "{told}");
    assert!(told.contains("9996 more lines name what is listed before"), "{told}");
}

#[test]
fn who_has_it_is_answered_from_what_was_written_down() {
    let world = World::new();
    let list = world.list(&["a", "b", "c"]);
    world.audit(&list, &["--out", world.path("out").to_str().expect("UTF-8")]);
    // Nothing of the projects is needed any more.
    std::fs::remove_dir_all(world.path("fleet")).expect("is removed");
    assert_eq!(world.who("plain-two@1.0.0", "out")["locked"], json!({"1.0.0": ["b", "c"]}));
    assert_eq!(world.who("plain-three", "out")["locked"], json!({"1.0.0": ["c"]}));
    let none = world.who("plain-three@2.0.0", "out");
    assert_eq!((&none["projects"], &none["locked"]), (&json!(3), &json!({})));
}

#[test]
fn every_project_has_sarif_and_a_page_and_the_fleet_has_one() {
    let world = World::new();
    let list = world.list(&["a", "b"]);
    world.audit(&list, &["--out", world.path("out").to_str().expect("UTF-8")]);
    let files = world.files("out");
    let ending = |wanted: &str| {
        files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == wanted)).count()
    };
    assert_eq!((ending("sarif"), ending("html"), ending("json")), (2, 3, 3));
    // A project that did not pass leads to its own page.
    let bad = std::fs::read_to_string(world.path("fleet/a/Cargo.lock")).expect("is read");
    let at = bad.find("checksum = \"").expect("a checksum") + "checksum = \"".len();
    world.project("bad", &format!("{}{}{}", &bad[..at], "0".repeat(64), &bad[at + 64..]));
    let failing = world.path("failing");
    world.audit(&world.list(&["a", "bad"]), &["--out", failing.to_str().expect("UTF-8")]);
    let page = std::fs::read_to_string(failing.join("fleet.html")).expect("is read");
    let links: Vec<&str> = page.split("<a href=\"").skip(1).collect();
    let of_bad = links.iter().find(|rest| rest.contains(">bad</a>")).expect("a link");
    assert!(failing.join(of_bad.split('"').next().expect("an address")).is_file(), "{links:?}");
    for (path, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => assert!(text.contains("default-src 'none'"), "{}", path.display()),
            _ => assert!(serde_json::from_slice::<Value>(bytes).is_ok(), "{}", path.display()),
        }
    }
}

#[test]
fn shards_are_together_what_one_run_is() {
    let world = World::new();
    let list = world.list(&["a", "b", "c"]);
    let out = |name: &str| world.path(name).to_str().expect("UTF-8").to_owned();
    let (_, whole) = world.audit(&list, &["--out", &out("whole")]);
    world.audit(&list, &["--out", &out("shards"), "--shard", "1/2"]);
    world.audit(&list, &["--out", &out("shards"), "--shard", "2/2"]);
    let projects = |name: &str| -> Vec<(PathBuf, Vec<u8>)> {
        world.files(name).into_iter().filter(|(path, _)| path.starts_with("projects")).collect()
    };
    assert_eq!(projects("shards"), projects("whole"));
    let sum = world.tool().args(["sum", "--out", &out("shards")]).output().expect("runs");
    let whole = String::from_utf8(whole.stdout).expect("UTF-8");
    assert_eq!(whole.lines().last(), String::from_utf8_lossy(&sum.stdout).lines().next());
}

#[test]
fn what_an_interrupted_run_finished_is_not_done_again_and_all_of_it_is_as_if_never_interrupted() {
    let world = World::new();
    let list = world.list(&["a", "b", "c"]);
    let out = world.path("out").to_str().expect("UTF-8").to_owned();
    let (lines, _) = world.audit(&list, &["--out", &out]);
    let whole = world.files("out");
    // As a kill leaves it: one record is missing, another file is half written under its other name.
    let record = |project: &str| {
        let mut named =
            whole.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "json"));
        let found = named.find(|(path, _)| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(&format!("{project}-")))
        });
        world.path("out").join(&found.expect("it has a record").0)
    };
    std::fs::remove_file(record("b")).expect("is removed");
    // What is taken from a record and not measured shows in its line.
    let text = std::fs::read_to_string(record("c")).expect("is read");
    std::fs::write(record("c"), text.replace("\"crates\":3", "\"crates\":33")).expect("is written");
    let (again, _) = world.audit(&list, &["--out", &out, "--resume"]);
    assert_eq!((of(&again, "a"), of(&again, "b")), (of(&lines, "a"), of(&lines, "b")));
    assert_eq!(of(&again, "c")["crates"], 33);
    // Another question, or another lockfile, is not answered by an old record.
    let (other, _) = world.audit(&list, &["--out", &out, "--resume", "--fail-on", "never"]);
    assert_eq!(of(&other, "c")["crates"], 3);
    let (anew, _) = world.audit(&list, &["--out", &out]);
    assert_eq!(anew[3], lines[3]);
    assert_eq!(world.files("out"), whole);
}

#[test]
fn the_name_of_a_project_acts_on_no_terminal() {
    let world = World::new();
    let lock = std::fs::read_to_string(world.path("fleet/a/Cargo.lock")).expect("is read");
    world.project("a\u{202e}b", &lock);
    let list = world.list(&["a\u{202e}b"]);
    let out = world.path("out");
    let (lines, output) = world.audit(&list, &["--out", out.to_str().expect("UTF-8")]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.contains('\u{202e}') && text.contains("a\\u202eb"), "{text}");
    assert_eq!(lines[0]["project"], "a\u{202e}b", "the same name, written as an escape");
    let kept = std::fs::read_to_string(out.join("fleet.json")).expect("is read");
    assert!(!kept.contains('\u{202e}'), "{kept}");
}

#[test]
fn a_list_of_nothing_and_a_shard_that_is_none_are_errors() {
    let world = World::new();
    let (_, output) = world.audit(&world.list(&["", "# nothing"]), &[]);
    assert_eq!(output.status.code(), Some(2));
    let (_, output) = world.audit(&world.list(&["a"]), &["--shard", "3/2"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A project whose lockfile names other bytes for a crate than its archive has, in a repository of its own.
fn repository(world: &World, name: &str, bad_before: bool) {
    let lock = std::fs::read_to_string(world.path("fleet/a/Cargo.lock")).expect("is read");
    let at = lock.find("checksum = \"").expect("a checksum") + "checksum = \"".len();
    let bad = format!("{}{}{}", &lock[..at], "0".repeat(64), &lock[at + 64..]);
    world.project(name, if bad_before { &bad } else { &lock });
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(world.path("fleet").join(name)).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "x")
                .env(format!("GIT_{role}_EMAIL"), "x@y.invalid");
        }
        assert!(git.output().expect("git is here").status.success(), "{arguments:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--no-gpg-sign", "--message=x"]);
    world.project(name, &bad);
}

#[test]
fn since_a_revision_each_project_answers_for_its_own_changes() {
    let world = World::new();
    repository(&world, "changed", false);
    repository(&world, "as-before", true);
    let list = world.list(&["changed", "as-before", "a"]);
    let (lines, _) = world.audit(&list, &[]);
    for project in ["changed", "as-before"] {
        assert_eq!(of(&lines, project)["exit"], 1, "{lines:?}");
    }
    let (lines, output) = world.audit(&list, &["--since", "main"]);
    assert_eq!(of(&lines, "changed")["exit"], 1, "{lines:?}");
    assert_eq!(of(&lines, "as-before")["findings"], json!([]), "{lines:?}");
    // No repository, no revision: that is an error of this project and of no other.
    assert!(of(&lines, "a")["error"].is_string(), "{lines:?}");
    assert_eq!(lines[3]["fleet"]["failed"], 1);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn ten_thousand_lines_at_once_have_ten_thousand_answers() {
    let world = World::new();
    let mut tool = world.tool();
    tool.args(["-", "--offline", "--as-of", "2026-11-23", "--quiet"])
        .current_dir(world.path("fleet"));
    tool.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = tool.spawn().expect("starts");
    let lines: Vec<String> = (0..10_000).map(|n| format!("gone-{n}")).collect();
    let lines = lines.join("\n") + "\n";
    let mut stdin = child.stdin.take().expect("piped");
    let feeder = std::thread::spawn(move || {
        stdin.write_all(lines.as_bytes()).and_then(|()| stdin.write_all(b"a\n")).expect("is read");
    });
    let output = child.wait_with_output().expect("ends");
    feeder.join().expect("fed");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 10_002);
    assert!(
        text.lines()
            .any(|line| line.contains("\"project\":\"a\"") && line.contains("\"crates\":1"))
    );
    let sum: Value = serde_json::from_str(text.lines().last().expect("the sum")).expect("JSON");
    assert_eq!(sum["fleet"]["not_audited"].as_array().map(Vec::len), Some(10_000));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_store_that_refuses_is_told_once_for_all_projects() {
    let world = World::new();
    std::fs::create_dir(world.path("store")).expect("a folder");
    std::fs::write(world.path("store").join("facts"), b"in the way").expect("is written");
    let list = world.list(&["a", "b", "c"]);
    let (plain, _) =
        world.audit(&list, &["--cache-dir", world.path("other").to_str().expect("UTF-8")]);
    let (lines, output) =
        world.audit(&list, &["--store", &format!("file:{}", world.path("store").display())]);
    assert_eq!(lines, plain);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told.matches("the shared store cannot be used").count(), 1, "{told}");
}

/// What Ctrl-C sends. A suite that runs in the background of a script has it ignored, and its children with it:
/// there it is the signal that ends a process in the same way.
#[cfg(unix)]
fn interrupt() -> rustix::process::Signal {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // Signal 2 is the second bit.
    if ignored & 0b10 == 0 { rustix::process::Signal::INT } else { rustix::process::Signal::TERM }
}

/// Ctrl-C while the fourth line waits for a reader: names of 8 KiB fill the pipe.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_whole_records_and_the_next_run_finishes_them() {
    let world = World::new();
    let long: Vec<String> = (0..40).map(|n| format!("{n}-{}", "x".repeat(8_000))).collect();
    let mut names: Vec<&str> = long.iter().map(String::as_str).collect();
    names.insert(0, "a");
    names.push("b");
    let list = world.list(&names);
    let (out, whole) = (world.path("out"), world.path("whole"));
    world.audit(&list, &["--out", whole.to_str().expect("UTF-8")]);
    let mut tool = world.tool();
    tool.arg(&list).args(["--offline", "--as-of", "2026-11-23", "--jobs", "1", "--out"]).arg(&out);
    let mut child = tool.stdout(Stdio::piped()).spawn().expect("starts");
    let mut stdout = child.stdout.take().expect("piped");
    let mut first = [0; 1];
    stdout.read_exact(&mut first).expect("a line begins");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, interrupt()).expect("is there");
    assert!(!child.wait().expect("ends").success());
    let (done, all) = (world.files("out"), world.files("whole"));
    assert!(done.iter().any(|(path, _)| path.to_string_lossy().starts_with("projects/a-")));
    assert!(!done.iter().any(|(path, _)| path.to_string_lossy().starts_with("projects/b-")));
    assert!(done.iter().all(|file| all.contains(file)), "nothing is half written");
    world.audit(&list, &["--out", out.to_str().expect("UTF-8"), "--resume"]);
    assert_eq!(world.files("out"), all);
}

/// No file may have more than some KiB, as if the disk were full.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run_without_half_a_file_and_the_next_run_goes_on() {
    let world = World::new();
    let list = world.list(&["a", "b"]);
    let (out, whole) = (world.path("out"), world.path("whole"));
    world.audit(&list, &["--out", whole.to_str().expect("UTF-8")]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"]);
    shell.arg(env!("CARGO_BIN_EXE_cargo-custody")).arg("fleet").arg(&list);
    shell.args(["--offline", "--as-of", "2026-11-23", "--jobs", "1", "--out"]).arg(&out);
    shell.env("CARGO_HOME", &world.home).env("CARGO_CUSTODY_CACHE_DIR", world.path("cache-2"));
    let output = shell.output().expect("runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("cannot write") && told.contains("--resume"), "{told}");
    let all = world.files("whole");
    assert!(world.files("out").iter().all(|file| all.contains(file)), "nothing is half written");
    world.audit(&list, &["--out", out.to_str().expect("UTF-8"), "--resume"]);
    assert_eq!(world.files("out"), all);
    let mut tool = world.tool();
    tool.arg(&list).args(["--offline", "--as-of", "2026-11-23"]);
    if let Ok(full) = std::fs::File::options().write(true).open("/dev/full") {
        assert_eq!(tool.stdout(full).output().expect("runs").status.code(), Some(2));
    }
}

/// A folder where a file is wanted stands for every way in which a disk refuses.
#[test]
fn where_nothing_can_be_written_the_run_ends_and_says_how_to_go_on() {
    let world = World::new();
    let list = world.list(&["a", "b"]);
    let out = world.path("out");
    world.audit(&list, &["--out", out.to_str().expect("UTF-8")]);
    for (path, _) in world.files("out") {
        let path = out.join(path);
        std::fs::remove_file(&path).expect("is removed");
        std::fs::create_dir_all(path.join("in the way")).expect("a folder");
    }
    let (_, output) = world.audit(&list, &["--out", out.to_str().expect("UTF-8")]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("cannot write") && told.contains("--resume"), "{told}");
}
