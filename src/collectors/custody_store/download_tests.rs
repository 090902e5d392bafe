use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::collectors::custody_store::CustodySource as _;
use crate::net::Options;
use crate::net::loopback::{Loopback, Reply};
use crate_read::registry_dump::sample::{Form, MEMBERS, dump, zip};

/// A dump with more in it than is wanted, as zip and as tar, of that day.
fn dumps(day: &str) -> (Vec<u8>, Vec<u8>) {
    let mut noise = String::new();
    for n in 0..60_000_u32 {
        let _ = write!(noise, "{}", n.wrapping_mul(2_654_435_761));
    }
    let metadata = format!("{{\"timestamp\":\"{day}T02:00:43Z\",\"crates_io_commit\":\"0\"}}");
    let mut members = MEMBERS.to_vec();
    members[7].1 = &metadata;
    members.insert(3, ("data/keywords.csv", &noise));
    (zip(&members, Form::PLAIN), dump(&members))
}

/// First and last byte that a request asks for.
fn range(head: &str) -> Option<(usize, usize)> {
    let line = head.lines().find_map(|line| line.strip_prefix("range: bytes="))?;
    let (from, to) = line.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

/// The part of `bytes` that a request asks for.
fn part(bytes: &[u8], etag: &str, (from, to): (usize, usize)) -> Reply {
    let extra = format!("content-range: bytes {from}-{to}/{}\r\netag: {etag}\r\n", bytes.len());
    Reply::status("206 Partial Content", "application/zip", &extra, &bytes[from..=to])
}

/// What a server says to a request with this head.
type Answer = dyn Fn(&str) -> Reply + Send + Sync;

fn into(store: &Path, dependents: bool) -> Target<'_> {
    Target { store, dependents, today: Some(jiff::civil::date(2026, 4, 1)) }
}

fn fetch(server: &Loopback, path: &Path) -> Result<Downloaded, CustodyStoreError> {
    let options =
        Options { retries: 0, backoff: std::time::Duration::from_millis(1), ..Options::default() };
    let client = Client::online(options);
    let runtime = crate::net::runtime().unwrap();
    Store::download(&client, &runtime, &server.base, into(path, false), &|_, _| {})
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("custody.redb")
    }

    /// With a store of that day.
    fn holding(day: &str) -> (Self, Vec<u8>) {
        let place = Self::new();
        Store::import(&dumps(day).1[..], &place.path()).unwrap();
        let before = std::fs::read(place.path()).unwrap();
        (place, before)
    }

    fn is_still(&self, before: &[u8]) -> bool {
        let alone = std::fs::read_dir(self.0.path()).unwrap().count() == 1;
        alone && std::fs::read(self.path()).unwrap() == before
    }
}

fn honest(day: &str) -> Loopback {
    let (zip, tar) = dumps(day);
    Loopback::with_heads(move |head, _| match range(head) {
        Some(range) if head.contains("/db-dump.zip ") => part(&zip, "\"a\"", range),
        None if head.contains("/db-dump.tar.gz ") => Reply::ok("application/gzip", "", &tar),
        _ => Reply::status("404 Not Found", "text/plain", "", b""),
    })
}

#[test]
fn of_the_zip_only_the_wanted_members_are_read_and_say_the_same_as_the_tar() {
    let (place, other) = (Place::new(), Place::new());
    let server = honest("2026-03-14");
    let done = fetch(&server, &place.path()).unwrap();
    let stats = Store::import(&dumps("2026-03-14").1[..], &other.path()).unwrap();
    assert_eq!((done.way, done.imported), (Way::Ranges, Some(stats)));
    let row = |place: &Place| Store::open(&place.path()).unwrap().row("acme-tensor").unwrap();
    assert_eq!(row(&place), row(&other));
    let zip = dumps("2026-03-14").0;
    assert!(zip.len() > 200_000 && done.bytes < 120_000, "{} of {}", done.bytes, zip.len());
    assert!(server.requests().iter().all(|head| !head.contains("tar.gz")));
    // Again on the same day: looked at, and not read again.
    let again = fetch(&server, &place.path()).unwrap();
    assert_eq!((again.imported, again.taken), (None, done.taken));
}

#[test]
fn a_server_without_ranges_or_without_a_zip_gives_the_tar() {
    for zip in [true, false] {
        let (whole, tar) = dumps("2026-03-14");
        let server = Loopback::start(move |path, _| match path {
            "/db-dump.zip" if zip => Reply::ok("application/zip", "", &whole),
            "/db-dump.tar.gz" => Reply::ok("application/gzip", "", &tar),
            _ => Reply::status("404 Not Found", "text/plain", "", b""),
        });
        let place = Place::new();
        let done = fetch(&server, &place.path()).unwrap();
        assert_eq!(done.way, Way::Whole);
        assert!(Store::open(&place.path()).unwrap().row("acme-tensor").unwrap().is_some());
    }
}

#[test]
fn a_part_that_breaks_off_is_gone_on_with() {
    let zip = dumps("2026-03-14").0;
    let broken = AtomicUsize::new(0);
    let server = Loopback::with_heads(move |head, _| {
        let Some((from, to)) = range(head) else {
            return Reply::status("404 Not Found", "text/plain", "", b"");
        };
        let Reply::Raw(mut bytes) = part(&zip, "\"a\"", (from, to)) else { panic!("raw") };
        // Two parts in the middle end early: the head promises more than comes.
        if to - from > 100 && broken.fetch_add(1, Ordering::SeqCst) % 3 == 1 {
            bytes.truncate(bytes.len() - 60);
        }
        Reply::Raw(bytes)
    });
    let place = Place::new();
    let done = fetch(&server, &place.path()).unwrap();
    assert_eq!(done.way, Way::Ranges);
    let heads = server.requests();
    let resumed = heads.windows(2).filter(|two| match (range(&two[0]), range(&two[1])) {
        (Some((_, a)), Some((from, b))) => a == b && from == a - 59,
        _ => false,
    });
    assert!(resumed.count() >= 1, "{heads:?}");
    assert!(Store::open(&place.path()).unwrap().row("acme-tensor").unwrap().is_some());
}

#[test]
fn a_dump_that_is_replaced_in_the_middle_is_read_anew_or_refused() {
    let (place, before) = Place::holding("2026-03-10");
    let (old, new) = (dumps("2026-03-14").0, dumps("2026-03-15").0);
    let server = Loopback::with_heads(move |head, before| {
        let Some(range) = range(head) else {
            return Reply::status("404 Not Found", "a/b", "", b"");
        };
        // The fourth request and all after it meet the next day's file.
        if before < 3 { part(&old, "\"a\"", range) } else { part(&new, "\"b\"", range) }
    });
    let done = fetch(&server, &place.path()).unwrap();
    assert_eq!(done.taken.to_string(), "2026-03-15T02:00:43Z");
    assert!(!place.is_still(&before));
    let (place, before) = Place::holding("2026-03-10");
    let zip = dumps("2026-03-14").0;
    let server = Loopback::with_heads(move |head, before| match range(head) {
        Some(range) => part(&zip, &format!("\"{before}\""), range),
        None => Reply::status("404 Not Found", "a/b", "", b""),
    });
    let error = fetch(&server, &place.path()).unwrap_err().to_string();
    assert!(error.contains("was replaced while it was being read"), "{error}");
    assert!(place.is_still(&before));
}

#[test]
fn what_is_no_dump_leaves_the_former_store_alone() {
    let (place, before) = Place::holding("2026-03-10");
    let (zip, tar) = dumps("2026-03-14");
    let mut bent = zip.clone();
    let at = memchr::memmem::find(&bent, b"data/versions.csv").unwrap();
    bent[at + 60] ^= 1;
    let cut = tar[..tar.len() / 2].to_vec();
    let page = |_: &str| Reply::ok("text/html", "", b"<html>maintenance</html>");
    let answers: Vec<Box<Answer>> = vec![
        Box::new(page),
        // A byte of the content is another.
        Box::new(move |head| {
            range(head).map_or(Reply::Raw(Vec::new()), |r| part(&bent, "\"a\"", r))
        }),
        // The part is another than the one asked for.
        Box::new(move |head| match range(head) {
            Some((0, 0)) => part(&zip, "\"a\"", (0, 0)),
            Some((from, to)) => part(&zip, "\"a\"", (from - 1, to - 1)),
            None => Reply::Raw(Vec::new()),
        }),
        Box::new(move |head| {
            if head.contains("zip") {
                Reply::status("404 Not Found", "a/b", "", b"")
            } else {
                Reply::ok("application/gzip", "", &cut)
            }
        }),
    ];
    for (at, answer) in answers.into_iter().enumerate() {
        let server = Loopback::with_heads(move |head, _| answer(head));
        assert!(fetch(&server, &place.path()).is_err(), "{at}");
        assert!(place.is_still(&before), "{at}");
    }
    let older = fetch(&honest("2026-03-09"), &place.path()).unwrap_err().to_string();
    assert!(older.contains("2026-03-09") && older.contains("2026-03-10"), "{older}");
    assert!(place.is_still(&before));
}

#[test]
fn what_depends_on_what_is_asked_for_where_it_is_wanted_and_read_last() {
    let metadata = "{\"timestamp\":\"2026-03-14T02:00:43Z\",\"crates_io_commit\":\"0\"}";
    let mut members = MEMBERS.to_vec();
    members[7].1 = metadata;
    // In the file it stands before the table that it needs.
    members.insert(0, ("data/dependencies.csv", "crate_id,kind,version_id\n4242,0,1\n"));
    members.push(("data/default_versions.csv", "crate_id,num_versions,version_id\n7,1,1\n"));
    members.push(("data/crate_downloads.csv", "crate_id,downloads\n4242,9\n"));
    let zip = zip(&members, Form::PLAIN);
    let server = Loopback::with_heads(move |head, _| match range(head) {
        Some(range) => part(&zip, "\"a\"", range),
        None => Reply::status("404 Not Found", "text/plain", "", b""),
    });
    let client = Client::online(Options { retries: 0, ..Options::default() });
    let runtime = crate::net::runtime().unwrap();
    for (dependents, told) in [(false, None), (true, Some(1))] {
        let place = Place::new();
        let path = place.path();
        let to = into(&path, dependents);
        Store::download(&client, &runtime, &server.base, to, &|_, _| {}).unwrap();
        let popular = Store::open(&place.path()).unwrap().popular();
        let [one] = popular.as_slice() else { panic!("{popular:?}") };
        assert_eq!((one.name.as_str(), one.downloads, one.dependents), ("acme-tensor", 9, told));
    }
}

#[test]
fn a_dump_of_a_day_that_has_not_come_is_refused_and_blocks_nobody() {
    let (place, before) = Place::holding("2026-03-10");
    let error = fetch(&honest("2031-01-01"), &place.path()).unwrap_err().to_string();
    assert!(error.contains("2031-01-01, which has not come"), "{error}");
    assert!(place.is_still(&before));
    // One that is there all the same, from a machine with a wrong clock, does not hold the store for years.
    let (place, _) = Place::holding("2031-01-01");
    assert_eq!(
        fetch(&honest("2026-03-14"), &place.path()).unwrap().taken.to_string(),
        "2026-03-14T02:00:43Z"
    );
    assert!(fetch(&honest("2026-04-02"), &place.path()).is_ok(), "a clock may be a day behind");
}
