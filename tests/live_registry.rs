//! The real registry, asked for one small crate. Run by CI with `cargo test -- --ignored`.

use cargo_custody::collectors::cargo_home::CargoHome;
use cargo_custody::collectors::crate_files::{CrateFile, CrateFiles, FoundIn, Want};
use cargo_custody::collectors::index_files::{IndexFiles, IndexSource, Lookup, Wanted};
use cargo_custody::domain::Origin;
use cargo_custody::net::archives::ArchiveUrls;
use cargo_custody::net::index::SparseIndex;
use cargo_custody::net::{BaseUrls, Client, Options, runtime};

/// The user's own servers, as the command line reads them.
fn urls() -> BaseUrls {
    let mut urls = BaseUrls::default();
    if let Ok(index) = std::env::var("CARGO_CUSTODY_INDEX") {
        urls.index = BaseUrls::checked("CARGO_CUSTODY_INDEX", &index).expect("an address");
    }
    urls
}

#[test]
#[ignore = "live"]
fn live_one_crate_is_in_the_index_and_its_archive_has_the_indexs_hash() {
    let empty = tempfile::tempdir().expect("a folder");
    let client = Client::online(Options::default());
    let runtime = runtime().expect("a runtime");
    let home = CargoHome::open(empty.path()).expect("an empty home");
    let index = IndexFiles::new(home.clone(), &client, &urls());
    runtime.block_on(index.fetch(&[Wanted::any("itoa")], &|| ()));
    let Lookup::Found(found) = index.find("itoa", &Origin::Registry, None) else {
        panic!("{:?}", index.find("itoa", &Origin::Registry, None));
    };
    assert_eq!(found.source, IndexSource::Network);
    assert!(found.file.bad.is_empty());
    let line = found.file.lines.iter().find(|l| l.version == "1.0.0").expect("itoa 1.0.0");

    let config = runtime.block_on(SparseIndex::new(&client, &urls()).config()).expect("config");
    let files = CrateFiles::new(home, Some(empty.path().join("own")));
    let want = Want {
        name: "itoa".to_owned(),
        version: "1.0.0".to_owned(),
        checksum: line.checksum.clone(),
        origin: Origin::Registry,
    };
    runtime.block_on(files.fetch(&[&want], &client, &ArchiveUrls::Template(config.dl), &|| ()));
    let found = files.read(&want);
    assert!(matches!(found, CrateFile::Found { found_in: FoundIn::OwnCache, .. }), "{found:?}");
}

/// The findings of one of the repository's projects on a machine that has nothing yet, advisories aside:
/// exit code, then level, rule and subject of each.
fn audited(project: &str, more: &[&str]) -> (i32, Vec<(String, String, String)>) {
    let empty = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["check", "--format", "json", "--api-budget", "0s", "--as-of", "2026-11-23"])
        .arg(format!("fixtures/projects/{project}"))
        .arg("--cache-dir")
        .arg(empty.path().join("cache"))
        .args(more)
        .env("CARGO_HOME", empty.path().join("cargo"))
        .output()
        .expect("the program runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("findings").iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let told = findings.map(|f| (text(&f["level"]), text(&f["rule"]), text(&f["subject"]["name"])));
    (output.status.code().expect("an exit code"), told.collect())
}

#[test]
#[ignore = "live"]
fn live_both_real_cases_come_first_and_without_hash_yank_or_advisory_too() {
    let known = ["known-bad-file", "yanked-in-lock", "mass-yank"];
    let off: Vec<&str> = known.iter().flat_map(|rule| ["--disable", *rule]).collect();
    for more in [&[][..], &off] {
        let (code, findings) = audited("xz-in-the-graph", more);
        assert_eq!(code, 1);
        let first: Vec<&str> = findings.iter().take(2).map(|(_, _, name)| name.as_str()).collect();
        assert_eq!(first, ["liblzma-sys", "serde_derive"], "{findings:?}");
        assert!(findings[..2].iter().all(|(level, ..)| level == "critical" || level == "high"));
    }
}

#[test]
#[ignore = "live"]
fn live_a_real_application_has_nothing_above_low() {
    let (code, findings) = audited("ai-app", &[]);
    let loud: Vec<_> =
        findings.iter().filter(|(level, ..)| level != "note" && level != "low").collect();
    assert!(code == 0 && loud.is_empty(), "{code} {loud:?}");
    assert!(findings.iter().filter(|(level, ..)| level == "low").count() <= 10, "{findings:?}");
}
