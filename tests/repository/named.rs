//! Which commit an archive is held against, from where that commit is reached, and what differs.

use std::collections::{BTreeMap, BTreeSet};

use crate::sample::{Files, Sample};
use crate::{Audit, grafts, told};

const NAME: &str = "named-crate";

fn packed() -> (Sample, Files) {
    let sample = Sample::new();
    sample.write("Cargo.toml", grafts::ROOT);
    sample.write("README.md", "read\n");
    for (path, text) in grafts::member(NAME) {
        sample.write(&format!("crates/{NAME}/{path}"), text);
    }
    sample.commit("a");
    let files = sample.package(NAME, "1.2.0");
    (sample, files)
}

fn lines(sample: &Sample, files: &Files) -> BTreeSet<String> {
    let audit = Audit::of(&BTreeMap::from([(NAME.to_owned(), files.clone())]));
    told(&audit.report(&[sample.at()])).remove(NAME).unwrap_or_default()
}

#[test]
fn an_archive_without_a_record_is_held_against_the_tag_of_its_version() {
    let (sample, mut files) = packed();
    files.remove(".cargo_vcs_info.json");
    let none = lines(&sample, &files);
    assert!(
        none.iter().all(|line| line.contains("no tag of the clone names its version")),
        "{none:?}"
    );
    sample.git(&["tag", "v1.2.0"]);
    sample.write("other", "later\n");
    sample.commit("later");
    assert_eq!(lines(&sample, &files), BTreeSet::new());
    files.insert("src/new.rs".to_owned(), b"pub fn n() {}\n".to_vec());
    assert_eq!(lines(&sample, &files), BTreeSet::from(["low archive-differs-from-tag".to_owned()]));
    // A tag with the crate's own name goes before one of the whole repository.
    let before = sample.git(&["rev-parse", "HEAD~1"]);
    sample.git(&["tag", "-f", "v1.2.0", "HEAD"]);
    sample.git(&["tag", "named-crate-v1.2.0", &before]);
    let audit = Audit::of(&BTreeMap::from([(NAME.to_owned(), files)]));
    let page = audit.inspect("named-crate@1.2.0", sample.at(), &["--json"]);
    let told: serde_json::Value = serde_json::from_str(&page).expect("JSON");
    let facts = &told["sheet"]["facts"]["repository"];
    assert_eq!(
        (facts["commit"].as_str(), facts["named_by"].as_str()),
        (Some(&*before), Some("tag"))
    );
    assert_eq!(facts["tag"]["name"], "named-crate-v1.2.0");
}

#[test]
fn a_commit_that_only_a_request_has_is_told_unless_it_was_squashed() {
    let (sample, _) = packed();
    sample.git(&["checkout", "-q", "-b", "request"]);
    sample.write(&format!("crates/{NAME}/src/lib.rs"), "pub fn a() {}\nmod b;\n");
    let commit = sample.commit("release");
    let files = sample.package(NAME, "1.2.0");
    sample.git(&["update-ref", "refs/pull/7/head", &commit]);
    sample.git(&["checkout", "-q", "main"]);
    sample.git(&["branch", "-q", "-D", "request"]);
    let medium = "medium commit-on-no-branch".to_owned();
    assert_eq!(lines(&sample, &files), BTreeSet::from([medium]));
    // The host squashes it into a commit of its own, with another change before it.
    sample.write("elsewhere", "x\n");
    sample.commit("other");
    sample.write(&format!("crates/{NAME}/src/lib.rs"), "pub fn a() {}\nmod b;\n");
    sample.commit("release (#7)");
    assert_eq!(lines(&sample, &files), BTreeSet::new());
}

#[test]
fn a_commit_that_a_complete_clone_lacks_is_held_against_what_the_clone_has() {
    let (sample, mut files) = packed();
    let record = format!(
        "{{\"git\":{{\"sha1\":\"{}\"}},\"path_in_vcs\":\"crates/{NAME}\"}}",
        "ab".repeat(20)
    );
    files.insert(".cargo_vcs_info.json".to_owned(), record.into_bytes());
    let found = |files: &Files| {
        let lines = lines(&sample, files).into_iter();
        lines.filter(|line| !line.starts_with("undetermined: ")).collect::<Vec<_>>()
    };
    // A history that was rewritten: what was released is on the main line, under another name.
    sample.write("other", "later\n");
    sample.commit("later");
    assert_eq!(found(&files), Vec::<String>::new());
    let mut changed = files.clone();
    changed.insert("src/b.rs".to_owned(), b"pub fn b() { c() }\n".to_vec());
    assert_eq!(found(&changed), ["medium commit-on-no-branch"]);
    changed.insert("build.rs".to_owned(), b"fn main() {}\n".to_vec());
    let manifest = String::from_utf8(changed["Cargo.toml"].clone()).expect("UTF-8");
    let manifest = manifest.replace("build = false", "build = \"build.rs\"");
    changed.insert("Cargo.toml".to_owned(), manifest.into_bytes());
    assert_eq!(found(&changed), ["high commit-on-no-branch"]);
    sample.git(&["tag", "v1.2.0", "HEAD~1"]);
    assert_eq!(found(&changed), ["high commit-on-no-branch"]);
    assert_eq!(found(&files), Vec::<String>::new());
    // A clone that is older than the release says nothing.
    let audit = Audit::of(&BTreeMap::from([(NAME.to_owned(), changed.clone())]));
    let old = Sample::new();
    old.write("a", "a");
    let mut stream = Vec::new();
    Sample::stream(&mut stream, "Founder", 15_000, &[("a", b"a")]);
    old.import(&stream);
    let lines = told(&audit.report(&[old.at()])).remove(NAME).unwrap_or_default();
    assert!(lines.iter().all(|line| line.starts_with("undetermined: ")), "{lines:?}");
}

#[test]
fn what_differs_is_shown_line_by_line_and_in_hexadecimal() {
    let (sample, mut files) = packed();
    files.insert("src/b.rs".to_owned(), "pub fn b() { c\u{200b}() }\n".as_bytes().to_vec());
    files.insert("tests/data.bin".to_owned(), vec![1, 2, 3, 0xff]);
    files.insert("src/new.rs".to_owned(), b"pub fn n() {}\n".to_vec());
    let audit = Audit::of(&BTreeMap::from([(NAME.to_owned(), files)]));
    let page = audit.inspect("named-crate@1.2.0", sample.at(), &[]);
    for line in [
        "| -1: pub fn b() {}",
        "| +1: pub fn b() { c\\u{200b}() }",
        "| +1: pub fn n() {}",
        "| -00000000: 01 02 03 04",
        "| +00000000: 01 02 03 ff",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let html = audit.html(sample.at());
    for part in
        ["Of 1 archives", "+1: pub fn b() { c\\u{200b}() }", "src/b.rs: the commit has other bytes"]
    {
        assert!(html.contains(part), "{part}");
    }
    // A clone without contents says that it differs, and not in what.
    let folder = tempfile::tempdir().expect("a folder");
    sample.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = folder.path().join("owner+sample");
    let source = format!("file://{}", sample.at().display());
    sample.git(&[
        "clone",
        "-q",
        "--bare",
        "--filter=blob:none",
        &source,
        clone.to_str().expect("UTF-8"),
    ]);
    let page = audit.inspect("named-crate@1.2.0", folder.path(), &[]);
    assert!(page.contains("src/b.rs (source): the commit has other bytes"), "{page}");
    assert!(!page.contains("| -1: pub fn b()"), "{page}");
}
