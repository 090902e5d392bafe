//! `repository`: who holds a repository, as of a day.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::history::{BEGIN, FIRST_FILES, IGNORED, RELEASED, deed, history, noise};
use crate::sample::Sample;
use crate::server::{Manner, Server, publish};

/// A history with the dates of xz, and tags with them.
fn xz() -> Sample {
    let sample = history(
        true,
        vec![
            deed(FIRST_FILES, "Heir", "tests/files/good-1.bin", noise("a")),
            deed(IGNORED, "Heir", "m4/.gitignore", b"build-to-host.m4\n".to_vec()),
        ],
    );
    let mut stream = Vec::new();
    for (tag, who, day) in [
        ("v5.2.5", "Founder", BEGIN + 441),
        ("v5.3.2", "Founder", BEGIN + 1_031),
        ("v5.4.1", "Founder", 19_368), // 2023-01-11
        ("v5.4.2", "Heir", 19_434),    // 2023-03-18
        ("v5.4.5", "Heir", 19_662),
        ("v5.4.6", "Heir", 19_748), // 2024-01-26
        ("v5.6.0", "Heir", RELEASED),
    ] {
        let who = format!("{who} <{}@mail.example> {} +0000", who.to_lowercase(), day * 86_400);
        let tag = format!("tag {tag}\nfrom refs/heads/main\ntagger {who}\ndata 1\nr\n");
        stream.extend(tag.into_bytes());
    }
    sample.import(&stream);
    sample
}

fn run(subject: &str, flags: &[&str], cache: &Path, base: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
    command.args(["repository", subject]).args(flags).env("CARGO_CUSTODY_CACHE_DIR", cache);
    command.env("CARGO_HOME", cache).env("CARGO_CUSTODY_DATA", "off");
    if let Some(base) = base {
        command.env("CARGO_CUSTODY_GIT_BASE", base);
    }
    command.output().expect("starts")
}

fn told(folder: &Path, day: &str) -> Value {
    let cache = tempfile::tempdir().expect("a folder");
    let flags = ["--json", "--offline", "--as-of", day];
    let output = run(folder.to_str().expect("UTF-8"), &flags, cache.path(), None);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Kinds of events with their days; those of a successor's own with a mark.
fn events(told: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let events = told["events"].as_array().expect("a list").iter();
    events
        .map(|event| {
            let mark = if event["joined"] == true { "!" } else { "" };
            format!(
                "{} {}{mark} {}",
                text(&event["date"]),
                text(&event["kind"]),
                text(&event["who"])
            )
        })
        .collect()
}

#[test]
fn a_repository_is_told_day_by_day() {
    let sample = xz();
    let before = told(sample.at(), "2024-01-22");
    assert_eq!(before["schema"], "custody-repository/1");
    let seen = events(&before);
    assert!(!seen.iter().any(|event| event.contains('!')), "{seen:?}");
    assert!(seen.contains(&"2023-03-18 first-release Heir".to_owned()), "{seen:?}");
    assert!(!seen.iter().any(|event| event.contains("release-succession")), "{seen:?}");
    let day = events(&told(sample.at(), "2024-01-23"));
    assert_eq!(day.last().expect("one"), "2024-01-23 opaque-file! Heir");
    let later = told(sample.at(), "2024-02-24");
    let seen = events(&later);
    assert!(seen.contains(&"2024-02-15 build-input-ignored! Heir".to_owned()), "{seen:?}");
    assert!(seen.contains(&"2024-01-26 release-succession Heir".to_owned()), "{seen:?}");
    assert_eq!(later["integrators"][0]["name"], "Heir");
    assert_eq!(later["integrated"], later["integrated_known"]);
    assert_eq!(later["successions"][0]["predecessor"], "Founder");
    assert_eq!(later["undetermined"].as_array().expect("a list").len(), 0, "{later}");
    let commits = |told: &Value| told["commits"].as_u64().expect("a number");
    assert!(commits(&before) < commits(&later));
}

#[test]
fn a_page_and_a_terminal_show_the_same_and_no_name_leaves_its_place() {
    let sample = xz();
    let mut stream = b"commit refs/heads/main\ncommitter &lt;b\x1b[2J\xe2\x80\xae \
        <x@mail.example> 1708700000 +0000\ndata 1\nc\nfrom refs/heads/main^0\n"
        .to_vec();
    stream.extend(format!("M 100644 inline a<b>.bin\ndata {}\n", noise("q").len()).into_bytes());
    stream.extend(noise("q"));
    stream.extend(b"\n\n");
    sample.import(&stream);
    let cache = tempfile::tempdir().expect("a folder");
    let at = sample.at().to_str().expect("UTF-8").to_owned();
    let text = |flags: &[&str]| {
        let output = run(&at, flags, cache.path(), None);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let page = text(&["--html", "--offline", "--as-of", "2024-02-24"]);
    assert!(page.contains("class=\"lost\""), "the successor's file is on the page");
    assert!(page.contains("a&#60;b&#62;.bin") || page.contains("a&lt;b&gt;.bin"), "{page}");
    assert!(!page.contains("a<b>.bin") && !page.contains('\u{202e}'));
    let lines = text(&["--offline", "--as-of", "2024-02-24"]);
    assert!(lines.contains("look at      2024-01-23: Heir, who followed Founder"), "{lines}");
    assert!(!lines.contains('\u{1b}') && !lines.contains('\u{202e}'), "{lines}");
}

#[test]
fn a_repository_of_a_host_is_fetched_and_without_the_network_it_is_not() {
    let sample = xz();
    let root = tempfile::tempdir().expect("a folder");
    publish(&sample, root.path(), "sample");
    let server = Server::start(root.path(), Manner::Honest);
    let cache = tempfile::tempdir().expect("a folder");
    let url = "https://github.com/owner/sample";
    let none = run(url, &["--offline", "--json"], cache.path(), Some(&server.base));
    assert_eq!(none.status.code(), Some(2));
    assert_eq!(server.requests(), 0);
    let day = ["--json", "--as-of", "2024-02-24"];
    let output = run(url, &day, cache.path(), Some(&server.base));
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let seen = events(&told);
    assert!(seen.contains(&"2024-01-23 opaque-file! Heir".to_owned()), "{seen:?}");
    let asked = server.requests();
    let again = run(url, &[&day[..], &["--offline"]].concat(), cache.path(), Some(&server.base));
    assert_eq!((again.stdout, server.requests()), (output.stdout, asked));
}

#[test]
fn what_a_clone_lacks_is_named() {
    let sample = xz();
    let folder = tempfile::tempdir().expect("a folder");
    let source = format!("file://{}", sample.at().display());
    sample.git(&["config", "uploadpack.allowFilter", "true"]);
    let gaps = |flags: &[&str], name: &str| {
        let clone = folder.path().join(name);
        let clone = clone.to_str().expect("UTF-8");
        sample.git(&[&["clone", "-q", "--bare"][..], flags, &[&source, clone]].concat());
        told(Path::new(clone), "2024-02-24")["undetermined"].to_string()
    };
    let shallow = gaps(&["--depth=5"], "shallow");
    assert!(shallow.contains("the clone has not all commits"), "{shallow}");
    let without = gaps(&["--filter=blob:none"], "without");
    assert!(without.contains("new files are not in the clone"), "{without}");
    assert!(without.contains("ignored build inputs: "), "{without}");
    let empty = Sample::new();
    let at = empty.at().to_str().expect("UTF-8").to_owned();
    let output = run(&at, &["--offline"], folder.path(), None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no branch to begin with"), "{said}");
    for (format, why) in
        [("--object-format=sha256", "SHA-256"), ("--ref-format=reftable", "reftable")]
    {
        let place = folder.path().join(why);
        let place = place.to_str().expect("UTF-8");
        empty.git(&["init", "-q", format, place]);
        let output = run(place, &["--offline"], folder.path(), None);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(why) && said.contains("is not read"), "{said}");
    }
}
