use std::io::Write as _;

use super::*;
use crate::collectors::custody::{AccountKind, Publisher, SourceKind, Who};
use crate_read::registry_dump::sample::{MEMBERS, dump};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn imported(folder: &Path) -> Store {
    let path = folder.join("custody.redb");
    Store::import(&dump(&MEMBERS)[..], &path).unwrap();
    Store::open(&path).unwrap()
}

#[test]
fn a_dump_becomes_one_row_a_crate_with_its_people_and_dates() {
    let folder = folder();
    let path = folder.path().join("custody.redb");
    let stats = Store::import(&dump(&MEMBERS)[..], &path).unwrap();
    assert_eq!(stats, ImportStats { crates: 1, versions: 3, owners: 3, accounts: 3, deleted: 1 });
    let store = Store::open(&path).unwrap();
    assert_eq!(store.stamp().date().to_string(), "2026-03-14");
    let row = store.row("acme-tensor").unwrap().unwrap();
    let owners = row.owners.known().unwrap();
    let logins: Vec<&str> =
        owners.iter().map(|owner| row.account(owner.account).login.as_str()).collect();
    assert_eq!(logins, ["olga", "mira-k", "github:acme:core"]);
    assert_eq!(row.account(owners[2].account).kind, AccountKind::Team);
    assert_eq!(row.account(owners[1].added_by.unwrap()).login, "olga");
    assert_eq!(owners[1].added.unwrap().to_string(), "2026-02-20T17:03:11Z");
    let releases = row.releases.known().unwrap();
    assert_eq!(releases[0].publisher, Publisher::Unnamed);
    assert!(releases[1].yanked);
    let Publisher::Account(publisher) = releases[2].publisher else { panic!("an account") };
    assert_eq!(row.account(publisher).created.unwrap().to_string(), "2025-12-30T08:00:00Z");
    assert_eq!(row.address(releases[2].homepage.unwrap()), "https://acme.invalid");
    let gone = store.row("acme-tensro").unwrap().unwrap();
    assert_eq!(gone.deleted.unwrap().message.as_deref(), Some("malicious"));
}

#[test]
fn a_crate_that_the_dump_lacks_is_unknown() {
    let folder = folder();
    let store = imported(folder.path());
    let Measured::Unknown(why) = store.answer("nobody") else { panic!("known") };
    assert_eq!(why, "the registry dump of 2026-03-14 has no such crate");
}

#[test]
fn a_truncated_dump_leaves_the_former_store_as_it_was() {
    let folder = folder();
    let path = folder.path().join("custody.redb");
    Store::import(&dump(&MEMBERS)[..], &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let bytes = dump(&MEMBERS);
    for end in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        assert!(Store::import(&bytes[..end], &path).is_err());
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_dump_older_than_the_last_is_refused_and_changes_nothing() {
    let folder = folder();
    let path = folder.path().join("custody.redb");
    Store::import(&dump(&MEMBERS)[..], &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut older = MEMBERS;
    older[7].1 = "{\"timestamp\":\"2026-03-13T02:00:43Z\",\"crates_io_commit\":\"57fa0006\"}";
    let error = Store::import(&dump(&older)[..], &path).unwrap_err().to_string();
    assert!(error.contains("2026-03-13") && error.contains("2026-03-14"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    Store::import(&dump(&MEMBERS)[..], &path).expect("the same day again is no step back");
    std::fs::write(&path, b"no store").unwrap();
    Store::import(&dump(&older)[..], &path)
        .expect("what cannot be read has no day to go back from");
}

#[test]
fn a_slim_file_says_what_the_store_says_and_has_the_same_bytes_each_time() {
    let folder = folder();
    let store = imported(folder.path());
    let slim = store.slim(["nobody", "acme-tensor", "acme-tensor", "acme-tensro"]).unwrap();
    assert_eq!(slim, store.slim(["acme-tensro", "acme-tensor", "nobody"]).unwrap());
    let read = Slim::read(&slim[..], Path::new("x.slim")).unwrap();
    assert_eq!(read.names().collect::<Vec<_>>(), ["acme-tensor", "acme-tensro", "nobody"]);
    assert_eq!(read.stamp(), Stamp { source: SourceKind::Slim, ..store.stamp() });
    let (mut a, b) = (store.row("acme-tensor").unwrap().unwrap(), read.answer("acme-tensor"));
    a.stamp.source = SourceKind::Slim;
    assert_eq!(Measured::Known(a), b);
    assert!(matches!(read.answer("nobody"), Measured::Unknown(w) if w.contains("had no such")));
    assert!(matches!(read.answer("other"), Measured::Unknown(w) if w.contains("not written for")));
}

#[test]
fn a_slim_file_that_is_cut_or_edited_is_refused() {
    let folder = folder();
    let slim = imported(folder.path()).slim(["acme-tensor"]).unwrap();
    let at = Path::new("x.slim");
    for end in 0..slim.len() {
        assert!(Slim::read(&slim[..end], at).is_err(), "cut at {end}");
    }
    let mut text = String::new();
    MultiGzDecoder::new(&slim[..]).read_to_string(&mut text).unwrap();
    let packed = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    for (what, edited) in [
        ("a reference that leads nowhere", text.replace(r#"{"account":0"#, r#"{"account":9"#)),
        ("another version", text.replace("slim/1", "slim/2")),
        ("a missing row", text.lines().next().unwrap().to_owned() + "\n"),
        ("no line end", text.trim_end().to_owned()),
    ] {
        assert_ne!(edited, text, "{what}");
        assert!(Slim::read(&packed(&edited)[..], at).is_err(), "{what}");
    }
}

#[test]
fn dump_slim_file_and_store_are_told_apart_by_their_bytes() {
    let folder = folder();
    let cache = folder.path().join("cache");
    let (dump_path, slim_path) = (folder.path().join("a"), folder.path().join("b"));
    std::fs::write(&dump_path, dump(&MEMBERS)).unwrap();
    std::fs::write(&slim_path, imported(folder.path()).slim(["acme-tensor"]).unwrap()).unwrap();
    for (path, kind) in [
        (&dump_path, SourceKind::Dump),
        (&dump_path, SourceKind::Dump),
        (&slim_path, SourceKind::Slim),
        (&folder.path().join("custody.redb"), SourceKind::Dump),
    ] {
        let source = open(path, &cache).unwrap();
        assert_eq!(source.stamp().source, kind);
        assert!(source.answer("acme-tensor").known().is_some());
    }
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1, "imported once");
    std::fs::write(&dump_path, b"neither of them").unwrap();
    assert!(open(&dump_path, &cache).is_err());
    std::fs::write(&dump_path, b"").unwrap();
    assert!(open(&dump_path, &cache).is_err());
}

/// One answer to every question.
struct Later(CrateCustody);
impl CustodySource for Later {
    fn stamp(&self) -> Stamp {
        self.0.stamp
    }
    fn answer(&self, _: &str) -> Measured<CrateCustody> {
        Measured::Known(self.0.clone())
    }
}

#[test]
fn the_freshest_source_wins_each_question_and_the_older_one_fills_what_it_lacks() {
    let folder = folder();
    let store = imported(folder.path());
    let row = store.row("acme-tensor").unwrap().unwrap();
    let taken = "2026-05-01T00:00:00Z".parse().unwrap();
    let mut later = row.clone();
    later.stamp = Stamp { taken, source: SourceKind::Api };
    later.releases = Measured::unknown("not asked");
    let Measured::Known(owners) = &mut later.owners else { panic!("known") };
    owners.retain(|owner| owner.account != 0);
    let sources: Vec<Box<dyn CustodySource>> = vec![Box::new(Later(later)), Box::new(store)];
    let history = history(&sources, "acme-tensor");
    let day = jiff::civil::date(2026, 6, 1);
    assert_eq!(history.owners_on(day).known().unwrap().stamp.source, SourceKind::Api);
    let releases = history.releases_by(day);
    assert_eq!(releases.known().unwrap()[2].stamp.source, SourceKind::Dump);
    assert!(
        matches!(releases.known().unwrap()[2].publisher, Who::Account(a) if a.login == "mira-k")
    );
}

#[test]
fn a_crate_that_stands_twice_is_refused_and_an_owner_without_a_row_stays_distinct() {
    let folder = folder();
    let path = folder.path().join("custody.redb");
    let rows: Vec<&str> = MEMBERS[2].1.splitn(2, '\n').collect();
    let other = rows[1].replace("4242", "4243");
    let texts = [
        (format!("{}\n{}{other}", rows[0], rows[1]), "`acme-tensor` twice"),
        (
            format!("{}\n{}{}", rows[0], rows[1], rows[1].replace("acme-tensor", "x")),
            "number 4242 twice",
        ),
    ];
    for (rows, what) in &texts {
        let mut twice = MEMBERS;
        twice[2].1 = rows;
        let error = Store::import(&dump(&twice)[..], &path).unwrap_err().to_string();
        assert!(error.contains(*what), "{error}");
        assert!(!path.exists());
    }
    let tables = |at: usize, text: &str| {
        let mut members = MEMBERS;
        members[at].1 = text;
        Store::import(&dump(&members)[..], &path).map(|_| ()).map_err(|error| error.to_string())
    };
    for (at, (table, text)) in MEMBERS.iter().enumerate() {
        let what = match table.rsplit('/').next().unwrap() {
            "crate_owners.csv" => ("not one owner", "an owner"),
            "versions.csv" => ("not one version", "a version"),
            "users.csv" => ("", "account number"),
            "teams.csv" => ("", "team number"),
            _ => continue,
        };
        let (header, rows) = text.split_once('\n').unwrap();
        let again = tables(at, &format!("{header}\n{rows}{rows}")).unwrap_err();
        assert!(again.contains(what.1) && again.contains("twice"), "{table}: {again}");
        if !what.0.is_empty() {
            let none = tables(at, &format!("{header}\n")).unwrap_err();
            assert!(none.contains(what.0), "{table}: {none}");
        }
        assert!(!path.exists());
    }
    let mut unknown = MEMBERS;
    unknown[5].1 =
        "created_at,gh_id,gh_login,id,name,username\n2016-01-01 00:00:00+00,1,olga,17,,olga\n";
    Store::import(&dump(&unknown)[..], &path).unwrap();
    let row = Store::open(&path).unwrap().row("acme-tensor").unwrap().unwrap();
    let logins: Vec<&str> =
        row.owners.known().unwrap().iter().map(|o| row.account(o.account).login.as_str()).collect();
    assert_eq!(logins, ["olga", "#7001", "github:acme:core"]);
}

#[test]
fn two_imports_at_once_leave_the_newer_one_whole_and_nothing_beside_it() {
    for _ in 0..8 {
        let folder = folder();
        let path = folder.path().join("custody.redb");
        let of = |day: &str| {
            let metadata =
                format!("{{\"timestamp\":\"{day}T02:00:43Z\",\"crates_io_commit\":\"0\"}}");
            let mut members = MEMBERS;
            members[7].1 = &metadata;
            dump(&members)
        };
        let dumps = [of("2026-03-14"), of("2026-03-15"), of("2026-03-15")];
        std::thread::scope(|scope| {
            for dump in &dumps {
                // The older one may come second, and is refused then.
                scope.spawn(|| drop(Store::import(&dump[..], &path)));
            }
        });
        let store = Store::open(&path).unwrap();
        assert_eq!(store.stamp().date().to_string(), "2026-03-15");
        assert!(store.row("acme-tensor").unwrap().is_some());
        drop(store);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[cfg(unix)]
#[test]
fn what_a_stopped_import_left_behind_is_taken_away_by_the_next() {
    let folder = folder();
    let left = folder.path().join(".custody-writing-aB3dE6");
    std::fs::write(&left, b"half of a store").unwrap();
    std::fs::write(folder.path().join("notes"), b"somebody's own").unwrap();
    Store::import(&dump(&MEMBERS)[..], &folder.path().join("custody.redb")).unwrap();
    assert!(!left.exists() && folder.path().join("notes").exists());
}
