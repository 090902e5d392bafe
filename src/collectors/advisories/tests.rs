use std::fs;
use std::io::Write as _;
use std::path::Path;

use jiff::civil::date;

use super::*;
use crate::net::loopback::{Loopback, Reply};
use crate::net::{BaseUrls, Client, Options};

fn advisory(id: &str, package: &str, more: &str, patched: &str) -> String {
    format!(
        "```toml\n[advisory]\nid = \"{id}\"\npackage = \"{package}\"\ndate = \"2026-08-20\"\n{more}\n\n\
         [versions]\npatched = [{patched}]\n```\n\n# Title of {id}\n\nText.\n"
    )
}

fn write(root: &Path, package: &str, id: &str, text: &str) {
    let folder = root.join("crates").join(package);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{id}.md")), text).unwrap();
}

fn database(text: &str) -> (tempfile::TempDir, AdvisoryDb) {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "acme", "RUSTSEC-2026-0001", text);
    let db = AdvisoryDb::open(root.path()).unwrap();
    (root, db)
}

fn list(db: &AdvisoryDb, version: &str) -> Vec<AdvisoryFact> {
    db.measure("acme", version, date(2026, 9, 1), &Choices::default())
        .list
        .known()
        .expect("known")
        .clone()
}

#[test]
fn a_version_below_the_fix_is_affected_and_the_fix_is_not() {
    let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", "", "\">= 1.2.0\""));
    let found = list(&db, "1.1.9");
    assert_eq!(found[0].id, "RUSTSEC-2026-0001");
    assert_eq!(found[0].kind, "vulnerability");
    assert_eq!(found[0].title, "Title of RUSTSEC-2026-0001");
    assert_eq!(found[0].patched, [">=1.2.0"]);
    assert_eq!(list(&db, "1.2.0"), []);
}

#[test]
fn kinds_tell_malice_and_neglect_from_mistakes() {
    for (more, kind) in [
        ("categories = [\"malicious\"]", "malicious"),
        ("informational = \"unmaintained\"", "unmaintained"),
        ("informational = \"unsound\"", "unsound"),
        ("categories = [\"memory-corruption\"]", "vulnerability"),
    ] {
        let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", more, ""));
        assert_eq!(list(&db, "1.0.0")[0].kind, kind);
    }
}

#[test]
fn severity_comes_from_the_vector() {
    let more = "cvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"";
    let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", more, ""));
    assert_eq!(list(&db, "1.0.0")[0].severity.as_deref(), Some("critical"));
}

#[test]
fn withdrawn_and_later_advisories_do_not_count() {
    let more = "withdrawn = \"2026-08-21\"";
    let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", more, ""));
    assert_eq!(list(&db, "1.0.0"), []);
    let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", "", ""));
    let before = db.measure("acme", "1.0.0", date(2026, 8, 19), &Choices::default());
    assert_eq!(before.list, Measured::Known(Vec::new()));
    assert_eq!(list(&db, "1.0.0").len(), 1);
}

#[test]
fn a_database_grows_stale_after_ninety_days() {
    let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", "", ""));
    let at = |day| db.measure("acme", "1.0.0", day, &Choices::default());
    assert_eq!(at(date(2026, 8, 30)).database_age_days, Measured::Known(10));
    assert_eq!(at(date(2026, 11, 18)).database_stale, Measured::Known(false));
    assert_eq!(at(date(2026, 11, 19)).database_stale, Measured::Known(true));
    assert_eq!(at(date(2026, 1, 1)).database_age_days, Measured::Known(0));
    assert_eq!(at(date(2026, 8, 30)).database_date_from, Measured::Known(DateFrom::NewestAdvisory));
}

#[test]
fn an_advisory_that_cannot_be_read_is_unknown_and_not_none() {
    for text in ["", "ä".repeat(40).as_str(), "```toml\n[advisory]\n", "<html>"] {
        let (_root, db) = database(text);
        let facts = db.measure("acme", "1.0.0", date(2026, 9, 1), &Choices::default());
        assert!(
            matches!(&facts.list, Measured::Unknown(why) if why.contains("RUSTSEC-2026-0001.md"))
        );
        // Another crate's file is no reason to doubt this one's.
        assert_eq!(
            db.measure("other", "1.0.0", date(2026, 9, 1), &Choices::default()).list,
            Measured::Known(Vec::new())
        );
    }
}

#[test]
fn a_file_in_the_wrong_folder_is_not_believed() {
    let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "elsewhere", "", ""));
    assert!(matches!(
        db.measure("acme", "1.0.0", date(2026, 9, 1), &Choices::default()).list,
        Measured::Unknown(_)
    ));
}

#[test]
fn a_name_that_climbs_out_reads_nothing() {
    let (_root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", "", ""));
    let facts = db.measure("../crates/acme", "1.0.0", date(2026, 9, 1), &Choices::default());
    assert!(matches!(facts.list, Measured::Unknown(_)));
}

/// A gzip tar of these files.
fn archive(files: &[(String, String)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, text) in files {
        let mut header = [0_u8; 512];
        header[..path.len()].copy_from_slice(path.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(text.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    gzip.finish().unwrap()
}

fn good(count: usize) -> Vec<u8> {
    let file = |n| {
        let id = format!("RUSTSEC-2026-{n:04}");
        (format!("advisory-db-main/crates/acme/{id}.md"), advisory(&id, "acme", "", ""))
    };
    archive(&(1..=count).map(file).collect::<Vec<_>>())
}

fn update_from(cache: &Path, body: Vec<u8>) -> Result<Installed, AdvisoryError> {
    let server = Loopback::start(move |_, _| {
        Reply::ok("application/x-gzip", "date: Fri, 21 Aug 2026 06:28:40 GMT\r\n", &body)
    });
    let client = Client::online(Options { retries: 0, ..Options::default() });
    let urls = BaseUrls { advisory_db: server.base.clone(), ..BaseUrls::default() };
    crate::net::runtime().unwrap().block_on(update(&client, &urls, cache, date(2026, 8, 21)))
}

#[test]
fn an_update_is_swapped_in_and_dated_by_the_server() {
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(AdvisoryDb::open_cached(cache.path()).unwrap(), None);
    assert_eq!(update_from(cache.path(), good(2)).unwrap().advisories, 2);
    assert_eq!(update_from(cache.path(), good(3)).unwrap().advisories, 3);
    let db = AdvisoryDb::open_cached(cache.path()).unwrap().unwrap();
    assert_eq!(list(&db, "1.0.0").len(), 3);
    assert_eq!(db.date(), Measured::Known(date(2026, 8, 21)));
    // The note and the one database in use.
    assert_eq!(fs::read_dir(cache.path().join("advisories")).unwrap().count(), 2);
}

#[test]
fn the_same_download_twice_changes_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let first = update_from(cache.path(), good(2)).unwrap();
    assert_eq!(update_from(cache.path(), good(2)).unwrap(), first);
    assert!(AdvisoryDb::open_cached(cache.path()).unwrap().is_some());
}

#[test]
fn a_bad_download_leaves_the_present_database_alone() {
    let cache = tempfile::tempdir().unwrap();
    update_from(cache.path(), good(4)).unwrap();
    let cut = {
        let mut whole = good(6);
        whole.truncate(whole.len() / 2);
        whole
    };
    let bad_file =
        archive(&[("x/crates/acme/RUSTSEC-2026-0001.md".to_owned(), "<html>".to_owned())]);
    for body in [b"<html>".to_vec(), cut, archive(&[]), bad_file, good(1)] {
        assert!(update_from(cache.path(), body).is_err());
        let db = AdvisoryDb::open_cached(cache.path()).unwrap().unwrap();
        assert_eq!(list(&db, "1.0.0").len(), 4);
        assert_eq!(fs::read_dir(cache.path().join("advisories")).unwrap().count(), 2);
    }
}

#[test]
fn members_that_climb_out_of_the_archive_are_left_out() {
    let cache = tempfile::tempdir().unwrap();
    let text = advisory("RUSTSEC-2026-0001", "acme", "", "");
    let body = archive(&[
        ("crates/acme/RUSTSEC-2026-0001.md".to_owned(), text.clone()),
        ("crates/../RUSTSEC-2026-0002.md".to_owned(), text.clone()),
        ("../../crates/acme/RUSTSEC-2026-0003.md".to_owned(), text),
    ]);
    let installed = update_from(cache.path(), body).unwrap();
    assert_eq!((installed.advisories, installed.unreadable), (1, 0));
}

#[test]
fn a_folder_without_crates_is_no_database() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(AdvisoryDb::open(empty.path()), Err(AdvisoryError::NotADatabase(_))));
}

#[test]
fn the_same_archive_on_a_later_day_is_not_unpacked_and_is_younger() {
    let cache = tempfile::tempdir().unwrap();
    let first = update_from(cache.path(), good(2)).unwrap();
    let mark = cache.path().join("advisories").join(&first.sha256).join("mark");
    fs::write(&mark, b"").unwrap();
    let days = Days { downloaded: None, asked: Some(date(2026, 9, 1)) };
    assert_eq!(install(&good(2), days, cache.path()).unwrap().advisories, 2);
    assert!(mark.exists(), "the folder is the one that was there");
    let db = AdvisoryDb::open_cached(cache.path()).unwrap().unwrap();
    assert_eq!(db.asked(), Some(date(2026, 9, 1)));
}

fn index(versions: &[&str]) -> Versions {
    Versions::Listed(versions.iter().map(|text| text.parse().unwrap()).collect())
}

/// How `locked` of a crate with these advisories (requirements of fixed versions) is mended.
fn fix_of(locked: &str, patched: &[&str], versions: &Versions) -> (Fix, Option<String>) {
    let choices = Choices { versions: versions.clone(), asked: Vec::new() };
    let first = mended(locked, patched, &choices);
    (first.fix, first.fixed_in)
}

fn mended(locked: &str, patched: &[&str], choices: &Choices) -> AdvisoryFact {
    let root = tempfile::tempdir().unwrap();
    for (n, patched) in patched.iter().enumerate() {
        let id = format!("RUSTSEC-2026-000{n}");
        write(root.path(), "acme", &id, &advisory(&id, "acme", "", patched));
    }
    let db = AdvisoryDb::open(root.path()).unwrap();
    let facts = db.measure("acme", locked, date(2026, 9, 1), choices);
    facts.list.known().unwrap()[0].clone()
}

#[test]
fn the_lock_takes_what_everybody_who_needs_the_crate_admits() {
    let asked = |asked: &[(&str, &str)]| Choices {
        versions: index(&["1.0.0", "1.1.0", "2.0.0"]),
        asked: asked
            .iter()
            .map(|(by, it)| Asked { by: (*by).to_owned(), requirement: (*it).to_owned() })
            .collect(),
    };
    let mend = |patched: &str, all: &[(&str, &str)]| mended("1.0.0", &[patched], &asked(all));
    let wide = mend("\">= 2.0.0\"", &[("app 0.1.0", ">=1"), ("lib 1.0.0", ">=1, <3")]);
    assert_eq!((wide.fix, wide.held_by.len()), (Fix::Update, 0), "beyond the default requirement");
    assert_eq!(wide.remedy.unwrap(), "cargo update -p acme@1.0.0 --precise 2.0.0");
    let held = mend("\">= 1.1.0\"", &[("app 0.1.0", "1"), ("lib 1.0.0", "=1.0.0")]);
    assert_eq!((held.fix, held.held_by), (Fix::Upgrade, vec!["lib 1.0.0 (=1.0.0)".to_owned()]));
    assert_eq!(
        held.remedy.unwrap(),
        "lib 1.0.0 (=1.0.0) keeps 1.1.0 out: change that first, then cargo update -p acme@1.0.0 --precise 1.1.0"
    );
    // What does not admit the locked version either (a patch put it there) holds nothing.
    assert_eq!(mend("\">= 1.1.0\"", &[("app 0.1.0", "^3")]).fix, Fix::Update);
}

#[test]
fn the_fix_is_the_lowest_version_that_cargo_takes_and_no_advisory_speaks_of() {
    let told = |text: &str| Some(text.to_owned());
    let all = index(&["1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0", "1.3.0", "2.0.0"]);
    assert_eq!(fix_of("1.0.0", &["\">= 1.1.0\""], &all), (Fix::Update, told("1.1.0")));
    let two = ["\">= 1.1.0\"", "\">= 1.2.0\""];
    assert_eq!(fix_of("1.0.0", &two, &all), (Fix::Update, told("1.2.0")), "for both at once");
    assert_eq!(fix_of("1.0.0", &["\">= 2.0.0\""], &all), (Fix::Upgrade, told("2.0.0")));
    assert_eq!(fix_of("1.0.0", &[""], &all), (Fix::None, None));
    // The index on this machine ends before the fix, or there is none.
    for old in [index(&["1.0.0"]), Versions::Unknown] {
        assert_eq!(fix_of("1.0.0", &["\">= 1.1.4\""], &old), (Fix::Update, told("1.1.4")));
    }
    let early = index(&["0.3.1", "0.3.2", "0.4.0"]);
    assert_eq!(fix_of("0.3.1", &["\">= 0.3.2\""], &early), (Fix::Update, told("0.3.2")));
    assert_eq!(fix_of("0.3.1", &["\">= 0.4.0\""], &early), (Fix::Upgrade, told("0.4.0")));
}

#[test]
fn a_database_that_is_taken_away_in_the_middle_is_no_clean_bill() {
    let (root, db) = database(&advisory("RUSTSEC-2026-0001", "acme", "", ""));
    fs::remove_dir_all(root.path().join("crates")).unwrap();
    let facts = db.measure("acme", "1.0.0", date(2026, 9, 1), &Choices::default());
    assert!(matches!(facts.list, Measured::Unknown(_)));
}

/// What a run would read that asks a server with this database, and how often it asks.
fn choose(
    cache: &Path,
    home: &Path,
    body: Option<Vec<u8>>,
    day: jiff::civil::Date,
) -> (Choice, usize) {
    choose_when(cache, home, body, (day, false))
}

fn choose_when(
    cache: &Path,
    home: &Path,
    body: Option<Vec<u8>>,
    when: (jiff::civil::Date, bool),
) -> (Choice, usize) {
    let server = Loopback::start(move |_, _| match &body {
        Some(body) => Reply::ok("application/x-gzip", "etag: \"a\"\r\n", body),
        None => Reply::status("404 Not Found", "text/plain", "", b""),
    });
    let client = Client::online(Options { retries: 0, ..Options::default() });
    let urls = BaseUrls { advisory_db: server.base.clone(), ..BaseUrls::default() };
    let chosen = current(&client, &urls, (cache, home), when);
    let chosen = crate::net::runtime().unwrap().block_on(chosen);
    (chosen, server.requests().len())
}

#[test]
fn a_newer_database_is_asked_for_once_a_day() {
    let (cache, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let on = |day| {
        let (chosen, asked) = choose(cache.path(), home.path(), Some(good(2)), day);
        assert_eq!(chosen.warning, None);
        assert_eq!(list(&chosen.database.unwrap(), "1.0.0").len(), 2);
        asked
    };
    assert_eq!(on(date(2026, 9, 1)), 1);
    assert_eq!(on(date(2026, 9, 1)), 0, "once a day");
    let anew = (date(2026, 9, 1), true);
    let (_, asked) = choose_when(cache.path(), home.path(), Some(good(2)), anew);
    assert_eq!(asked, 1, "whoever wants it fresh");
    assert_eq!(on(date(2026, 8, 1)), 0, "the past is in it");
    assert_eq!(on(date(2026, 9, 2)), 1);
}

#[test]
fn a_copy_of_another_tool_is_read_where_nothing_can_be_fetched() {
    for place in ["advisory-db", "advisory-dbs/github.com-0123"] {
        let (cache, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = advisory("RUSTSEC-2026-0001", "acme", "", "");
        write(&home.path().join(place), "acme", "RUSTSEC-2026-0001", &text);
        let offline = present(cache.path(), home.path());
        assert_eq!(list(&offline.database.unwrap(), "1.0.0").len(), 1);
        assert_eq!(offline.warning, None);
        let (chosen, asked) = choose(cache.path(), home.path(), None, date(2026, 9, 1));
        assert_eq!((list(&chosen.database.unwrap(), "1.0.0").len(), asked), (1, 1));
        let warning = chosen.warning.unwrap();
        assert!(warning.contains("status 404") && warning.contains("2026-08-20"), "{warning}");
    }
}

#[test]
fn without_any_database_the_answer_is_unknown_and_says_why() {
    let (cache, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(present(cache.path(), home.path()).database.unwrap_err(), NO_DATABASE);
    let (chosen, _) = choose(cache.path(), home.path(), None, date(2026, 9, 1));
    assert!(chosen.database.unwrap_err().contains("--advisory-db"));
    let page = Some(b"<html>".to_vec());
    let (chosen, _) = choose(cache.path(), home.path(), page, date(2026, 9, 1));
    assert!(chosen.database.unwrap_err().contains("gzip"));
}
