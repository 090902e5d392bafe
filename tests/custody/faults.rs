//! What a registry, a dump or a lockfile of pins can do to a run: a clear word, never an invented owner,
//! and nothing lost of what was known before.

use std::process::{Command, Output};
use std::time::Duration;

use super::registry::{Crate, Registry, World, answer};
use super::run::{Project, date, files_below};

const DAY: &str = "2026-06-02";

fn world() -> World {
    let releases = [("1.0.0", "2024-01-01"), ("1.1.0", "2025-01-01")];
    World { crates: vec![Crate::of("acme", "ada", &releases)] }
}

/// An audit whose registry's API answers as `reply` says; index and archives are honest.
fn under(reply: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (Registry, Project) {
    let fault = move |path: &str| path.starts_with("/api/").then(|| reply(path));
    let registry = Registry::with_faults(world(), DAY, fault);
    let mut project = Project::new(&registry, DAY);
    project.request.gather.api_budget = Duration::from_secs(5);
    project.lock(&world().lock(&[("acme", "1.1.0")]));
    (registry, project)
}

fn owners(project: &Project) -> serde_json::Value {
    let audit = project.audit();
    let sheet = audit.sheets.iter().find(|sheet| sheet.subject.name == "acme").expect("a sheet");
    let custody = sheet.facts["custody"].clone();
    if custody["$unknown"].is_null() { custody["owner_users"].clone() } else { custody }
}

#[test]
fn an_api_in_trouble_is_unknown_owners_and_the_audit_goes_on() {
    let json = "application/json";
    let html = b"<html>maintenance</html>".to_vec();
    let large = vec![b' '; 10 * 1024 * 1024];
    let faults: Vec<(&str, Vec<u8>)> = vec![
        ("down", answer("500 Internal Server Error", "text/plain", "", b"")),
        ("limited", answer("429 Too Many Requests", json, "retry-after: 3600\r\n", b"{}")),
        ("forbidden", answer("403 Forbidden", "text/plain", "", b"data access")),
        ("a page with 200", answer("200 OK", "text/html", "", &html)),
        ("a page called JSON", answer("200 OK", json, "", &html)),
        ("other types", answer("200 OK", json, "", br#"{"users":{"a":1},"versions":7}"#)),
        ("ten megabytes", answer("200 OK", json, "", &large)),
        ("elsewhere", answer("302 Found", json, "location: http://localhost:9/\r\n", b"")),
        ("cut", answer("200 OK", json, "", b"{\"users\":[{\"id\":1,")),
        ("nothing", Vec::new()),
    ];
    std::thread::scope(|scope| {
        for (name, reply) in faults {
            scope.spawn(move || {
                let (registry, project) = under(move |_| reply.clone());
                let owners = owners(&project);
                assert!(owners["$unknown"].is_string(), "{name}: {owners}");
                assert!(registry.api_requests() >= 1, "{name}");
            });
        }
    });
}

#[test]
fn an_api_that_never_answers_takes_its_budget_and_no_more() {
    let (open, closed) = std::sync::mpsc::channel::<()>();
    let closed = std::sync::Mutex::new(closed);
    let (_registry, mut project) = under(move |_| {
        // Until the test lets go: an answer never comes.
        let _ = closed.lock().expect("nobody panics with it").recv();
        Vec::new()
    });
    let held = open;
    project.request.gather.api_budget = Duration::from_millis(300);
    let owners = owners(&project);
    let reason = owners["$unknown"].as_str().expect("unknown").to_owned();
    assert!(reason.contains("time for the registry API ran out"), "{reason}");
    drop(held);
}

#[test]
fn hostile_logins_are_data_and_become_no_path() {
    let logins =
        ["../../../etc/passwd", "\u{1b}[31mred\u{1b}[0m", "a\u{202e}b", &"x".repeat(10_000)];
    std::thread::scope(|scope| {
        for login in logins {
            scope.spawn(move || {
                let users =
                    serde_json::json!({"users": [{"id": 1, "login": login, "kind": "user"}]});
                let (_registry, project) = under(move |path| {
                    let owners = path.ends_with("owners");
                    let body = if owners { users.to_string() } else { String::from("{}") };
                    answer("200 OK", "application/json", "", body.as_bytes())
                });
                let audit = project.audit();
                let sheet = audit.sheets.iter().find(|sheet| sheet.subject.name == "acme");
                let custody = &sheet.expect("a sheet").facts["custody"];
                let kept = custody["owners"][0]["login"].as_str() == Some(login);
                assert_eq!(kept, login.len() < 1_000, "data, or refused for its length: {custody}");
                let cache = files_below(&project.request.gather.cache_dir);
                assert!(cache.iter().all(|path| !path.contains("passwd") && !path.contains("..")));
            });
        }
    });
}

#[test]
fn an_api_in_trouble_loses_nothing_of_what_was_known() {
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let now = std::sync::Arc::clone(&broken);
    let fault = move |path: &str| {
        let down = path.starts_with("/api/") && now.load(std::sync::atomic::Ordering::SeqCst);
        down.then(|| answer("500 Internal Server Error", "text/plain", "", b""))
    };
    let registry = Registry::with_faults(world(), DAY, fault);
    let mut project = Project::new(&registry, DAY);
    project.request.gather.api_budget = Duration::from_secs(20);
    project.lock(&world().lock(&[("acme", "1.0.0")]));
    assert_eq!(owners(&project), 1);
    broken.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(owners(&project), 1, "kept under the newest version");
    project.request.gather.offline = true;
    project.request.gather.api_budget = Duration::ZERO;
    assert!(owners(&project)["$unknown"].is_string(), "a run that may not ask says so");
}

/// The program itself, without a registry.
pub fn cli(project: &Project, arguments: &[&str]) -> Output {
    // Flags of `db` stand before its own subcommands.
    let (command, rest) = arguments.split_first().expect("a subcommand");
    Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .arg(command)
        .args(["--offline", "--as-of", DAY, "--cache-dir"])
        .arg(project.at("cache"))
        .args(rest)
        .env_clear()
        .env("HOME", project.at("home"))
        .env("CARGO_HOME", project.at("cargo"))
        .env("CARGO_CUSTODY_INDEX", &project.request.gather.urls.index)
        .output()
        .expect("it starts")
}

#[test]
fn a_damaged_dump_is_a_word_and_not_an_empty_registry() {
    let registry = Registry::start(world(), DAY);
    let project = Project::new(&registry, DAY);
    project.lock(&world().lock(&[("acme", "1.1.0")]));
    let whole = world().dump(DAY);
    let shuffled = project.at("shuffled.tar.gz");
    std::fs::write(&shuffled, &whole).unwrap();
    for (name, bytes) in [("half.tar.gz", &whole[..whole.len() / 2]), ("nothing", b"".as_slice())] {
        let path = project.at(name);
        std::fs::write(&path, bytes).unwrap();
        let path = path.display().to_string();
        let imported = cli(&project, &["db", "import", &path]);
        assert_eq!(imported.status.code(), Some(2), "{name}");
        let said = String::from_utf8_lossy(&imported.stderr).into_owned();
        assert!(said.starts_with("error: "), "{said}");
        let report = cli(
            &project,
            &["report", &project.request.path.display().to_string(), "--dump", &path],
        );
        assert_eq!(report.status.code(), Some(2), "what is named has to be usable");
        let told = String::from_utf8_lossy(&report.stderr).into_owned();
        assert!(told.contains("the custody data that was named cannot be used"), "{told}");
    }
    let whole = shuffled.display().to_string();
    assert_eq!(cli(&project, &["db", "import", &whole]).status.code(), Some(0));
    let report = cli(&project, &["report", &project.request.path.display().to_string()]);
    let told = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(told.contains("owners known of 1,") && told.contains("ada"), "{told}");
}

#[test]
fn a_cache_that_cannot_be_written_leaves_no_archive_unread() {
    let registry = Registry::start(world(), DAY);
    let mut project = Project::new(&registry, DAY);
    project.lock(&world().lock(&[("acme", "1.1.0")]));
    std::fs::write(project.at("file"), "").unwrap();
    project.request.gather.cache_dir = project.at("file").join("cache");
    let audit = project.audit();
    let source = audit.report.coverage["source"];
    assert_eq!((source.known, source.of), (1, 1), "{:?}", audit.report.gaps);
    let told = audit.warnings.iter().any(|warning| warning.contains("nothing is kept"));
    assert!(told, "{:?}", audit.warnings);
    project.request.gather.dump = Some(project.at("dump"));
    std::fs::write(project.at("dump"), world().dump(DAY)).unwrap();
    assert!(project.audit().report.provenance.contains_key("custody"), "a dump is read, too");
}

#[test]
fn a_conflicted_or_edited_lock_of_pins_stops_the_run_with_its_line() {
    let registry = Registry::start(world(), DAY);
    let project = Project::new(&registry, DAY);
    project.lock(&world().lock(&[("acme", "1.1.0")]));
    let at = project.request.path.display().to_string();
    for (text, line) in [
        ("version = 1\n<<<<<<< ours\n", "custody.lock:2"),
        ("version = 1\n\n[[crate]]\nname = \"acme\"\nowner = [\"ada\"]\n", "custody.lock:5"),
        ("version = 9\n", "custody.lock:1"),
    ] {
        std::fs::write(project.request.path.join("custody.lock"), text).unwrap();
        let output = cli(&project, &["check", &at]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn a_clock_before_the_data_counts_nobody() {
    let registry = Registry::start(world(), DAY);
    let mut project = Project::new(&registry, DAY).with_dump(&world(), DAY);
    project.lock(&world().lock(&[("acme", "1.1.0")]));
    project.request.gather.as_of = date("2020-01-01");
    let owners = owners(&project);
    assert!(owners["$unknown"].is_string(), "{owners}");
}

#[test]
fn pins_alone_show_offline_what_changed_hands() {
    let before = world();
    let mut after = world();
    after.crates[0].accounts.insert("eve".to_owned(), "2026-01-01".to_owned());
    let added = "2026-05-20T08:00:00Z".to_owned();
    after.crates[0].owners.push(("eve".to_owned(), added, "ada".to_owned()));
    let registry = Registry::start(world(), DAY);
    let project = Project::new(&registry, DAY);
    project.lock(&world().lock(&[("acme", "1.1.0")]));
    let dump = |name: &str, world: &World, day: &str| {
        let path = project.at(name);
        std::fs::write(&path, world.dump(day)).unwrap();
        path.display().to_string()
    };
    let (old, new) = (dump("old", &before, "2026-05-01"), dump("new", &after, "2026-06-01"));
    let at = project.request.path.display().to_string();
    assert_eq!(cli(&project, &["pin", &at, "--dump", &old]).status.code(), Some(0));
    let checked = cli(&project, &["check", &at, "--dump", &new, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("a report");
    let found = report["findings"].as_array().unwrap().iter();
    let found = found.filter(|finding| finding["rule"] == "keys-changed-since-pin");
    let notes: Vec<&str> = found
        .flat_map(|finding| finding["evidence"].as_array().unwrap())
        .map(|evidence| evidence["note"].as_str().unwrap())
        .collect();
    assert_eq!(notes, ["owner now, none on 2026-05-01: eve"], "{report:#}");
    let accepted =
        ["pin", &at, "--dump", &new, "--update", "acme", "--reason", "eve is a colleague"];
    assert_eq!(cli(&project, &accepted).status.code(), Some(0));
    let text = std::fs::read_to_string(project.request.path.join("custody.lock")).unwrap();
    assert!(text.contains("eve is a colleague"), "{text}");
    let checked = cli(&project, &["check", &at, "--dump", &new, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("a report");
    let found = report["findings"].as_array().unwrap();
    assert!(found.iter().all(|finding| finding["rule"] != "keys-changed-since-pin"));
}

#[test]
fn the_rates_of_custody_signals_come_out_of_a_dump() {
    let mut world = World {
        crates: (0..40)
            .map(|at| {
                let releases = [("1.0.0", "2024-01-01"), ("1.1.0", "2026-01-01")];
                Crate::of(&format!("made-{at}"), "ada", &releases)
            })
            .collect(),
    };
    // Four of the forty got another owner, who published two of them.
    for at in 0..4 {
        let one = &mut world.crates[at];
        one.accounts.insert("bea".to_owned(), "2015-01-01".to_owned());
        one.owners.push(("bea".to_owned(), "2025-12-01T08:00:00Z".to_owned(), "ada".to_owned()));
        if at < 2 {
            one.releases[1].publisher = "bea".to_owned();
        }
    }
    let registry = Registry::start(world.clone(), DAY);
    let project = Project::new(&registry, DAY);
    let dump = project.at("dump");
    std::fs::write(&dump, world.dump(DAY)).unwrap();
    let measured = cli(&project, &["rules", "--measure", &dump.display().to_string()]);
    let told = String::from_utf8_lossy(&measured.stdout).into_owned();
    assert_eq!(measured.status.code(), Some(0), "{}", String::from_utf8_lossy(&measured.stderr));
    for line in [
        "owner-added = { fires = 4, of = 40 }",
        "first-publish = { fires = 2, of = 40 }",
        "young-account = { fires = 0, of = 40 }",
        "sole-publisher = { fires = 36, of = 40 }",
        "the newest releases of 40 crates",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("ring-of-crates") && !told.contains("build-shell"), "{told}");
}

/// A full disk, told by a limit on how large files may become: writing fails as it does there.
#[cfg(unix)]
#[test]
fn a_full_disk_is_a_word_and_the_former_store_stays() {
    let registry = Registry::start(world(), DAY);
    let project = Project::new(&registry, DAY);
    let dump = |day: &str| {
        let path = project.at(day);
        std::fs::write(&path, world().dump(day)).unwrap();
        path.display().to_string()
    };
    let (first, second) = (dump("2026-06-01"), dump(DAY));
    assert_eq!(cli(&project, &["db", "import", &first]).status.code(), Some(0));
    let store = project.at("cache").join("custody.redb");
    let before = std::fs::read(&store).unwrap();
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["db", "--offline", "--cache-dir"])
        .arg(project.at("cache"))
        .args(["import", &second])
        .env_clear()
        .env("HOME", project.at("home"))
        .env("CARGO_HOME", project.at("cargo"))
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&limited.stderr).into_owned();
    assert_eq!(limited.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: "), "{said}");
    assert_eq!(std::fs::read(&store).unwrap(), before);
    let entries = std::fs::read_dir(project.at("cache")).unwrap().flatten();
    let left: Vec<_> =
        entries.filter(|one| one.file_name().to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Ctrl-C in the middle: the program is gone while half of the dump has come.
#[test]
fn a_download_that_is_stopped_in_the_middle_changes_nothing() {
    let whole = world().dump(DAY);
    let (reached, wait) = std::sync::mpsc::channel::<()>();
    let reached = std::sync::Mutex::new(reached);
    let (open, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let registry = Registry::with_faults(world(), DAY, move |path| {
        if path != "/static/db-dump.tar.gz" {
            return None;
        }
        let _ = reached.lock().expect("nobody panics with it").send(());
        // Until the test lets go: the answer never comes to its end.
        let _ = held.lock().expect("nobody panics with it").recv();
        Some(answer("200 OK", "application/gzip", "", &whole[..whole.len() / 2]))
    });
    let project = Project::new(&registry, DAY);
    let first = project.at("first");
    std::fs::write(&first, world().dump("2026-06-01")).unwrap();
    assert_eq!(
        cli(&project, &["db", "import", &first.display().to_string()]).status.code(),
        Some(0)
    );
    let store = project.at("cache").join("custody.redb");
    let before = std::fs::read(&store).unwrap();
    let mut running = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["db", "-q", "--cache-dir"])
        .arg(project.at("cache"))
        .args(["update", "--only", "custody"])
        .env_clear()
        .env("HOME", project.at("home"))
        .env("CARGO_HOME", project.at("cargo"))
        .env("CARGO_CUSTODY_DATA", "off")
        .env("CARGO_CUSTODY_ADVISORY_DB", format!("{}advisories.tar.gz", registry.base))
        .env("CARGO_CUSTODY_STATIC", format!("{}static/", registry.base))
        .spawn()
        .expect("it starts");
    wait.recv().expect("the dump is asked for");
    running.kill().expect("it runs still");
    running.wait().expect("it ends");
    drop(open);
    assert_eq!(std::fs::read(&store).unwrap(), before);
    let again = cli(&project, &["db", "import", &first.display().to_string()]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
}
