use jiff::civil::date;

use super::*;
use crate::collectors::custody_store::{Store, write_extract};
use crate::net::Options;
use crate::net::loopback::{Loopback, Reply};
use crate_read::registry_dump::sample::{MEMBERS, dump};

/// An extract of a dump of that day.
fn extract(day: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let metadata = format!("{{\"timestamp\":\"{day}T02:00:43Z\",\"crates_io_commit\":\"0\"}}");
    let mut members = MEMBERS.to_vec();
    members[7].1 = &metadata;
    let store = folder.path().join("store");
    Store::import(&dump(&members)[..], &store).unwrap();
    let path = folder.path().join("extract");
    write_extract(&Store::open(&store).unwrap(), &path).unwrap();
    fs::read(path).unwrap()
}

fn on(day: Date) -> When {
    When { as_of: day, today: day, anew: false }
}

/// What a run has on a day whose server gives this, and how many requests it made.
fn run(cache: &Path, body: Option<&[u8]>, day: Date) -> (Present, usize) {
    run_when(cache, body, on(day))
}

fn run_when(cache: &Path, body: Option<&[u8]>, when: When) -> (Present, usize) {
    let body = body.map(<[u8]>::to_vec);
    let server = Loopback::start(move |_, _| match &body {
        Some(body) => Reply::ok("application/octet-stream", "", body),
        None => Reply::status("404 Not Found", "text/plain", "", b""),
    });
    let client = Client::online(Options { retries: 0, ..Options::default() });
    let store = cache.join("custody.redb");
    let present = current(&client, Some(&server.base), (cache, &store), when);
    let present = crate::net::runtime().unwrap().block_on(present);
    (present, server.requests().len())
}

fn day_of(present: &Present) -> String {
    Extract::open(present.file.as_ref().unwrap()).unwrap().stamp().date().to_string()
}

#[test]
fn it_is_fetched_where_it_is_missing_or_a_week_old_and_not_in_between() {
    let cache = tempfile::tempdir().unwrap();
    let (first, second) = (extract("2026-03-14"), extract("2026-03-21"));
    let (present, asked) = run(cache.path(), Some(&first), date(2026, 3, 15));
    assert_eq!((day_of(&present).as_str(), asked, present.warning), ("2026-03-14", 1, None));
    let (_, asked) = run(cache.path(), Some(&second), date(2026, 3, 15));
    assert_eq!(asked, 0);
    let (_, asked) = run(cache.path(), Some(&second), date(2026, 3, 20));
    assert_eq!(asked, 0, "six days old");
    let anew = When { anew: true, ..on(date(2026, 3, 20)) };
    let (present, asked) = run_when(cache.path(), Some(&extract("2026-03-19")), anew);
    assert_eq!((day_of(&present).as_str(), asked), ("2026-03-19", 1), "whoever wants it fresh");
    let (present, _) = run_when(cache.path(), Some(&first), anew);
    assert_eq!(day_of(&present), "2026-03-19", "and never an older one");
    fs::remove_file(cache.path().join(EXTRACT)).unwrap();
    fs::remove_file(cache.path().join(NOTE)).unwrap();
    run(cache.path(), Some(&first), date(2026, 3, 15));
    let (present, asked) = run(cache.path(), Some(&second), date(2026, 3, 21));
    assert_eq!((day_of(&present).as_str(), asked), ("2026-03-21", 1));
}

#[test]
fn that_there_is_none_is_said_once_a_day_and_stops_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let (present, asked) = run(cache.path(), None, date(2026, 3, 15));
    assert!(present.warning.unwrap().contains("(yet)"));
    assert_eq!((present.file, asked), (None, 1));
    assert_eq!(run(cache.path(), None, date(2026, 3, 15)), (Present::default(), 0));
    assert_eq!(run(cache.path(), None, date(2026, 3, 16)).1, 1);
}

#[test]
fn what_is_damaged_older_or_a_page_leaves_the_former_one_in_place() {
    let good = extract("2026-03-14");
    let mut bent = extract("2026-04-01");
    let last = bent.len() - 1;
    bent[last] ^= 1;
    let older = extract("2026-03-10");
    let cut = &extract("2026-04-01")[..40];
    for (body, why) in [
        (bent.as_slice(), "hash"),
        (&older, "2026-03-10"),
        (cut, "cut"),
        (b"<html>sign in</html>", "does not begin"),
        (b"", "cut"),
    ] {
        let cache = tempfile::tempdir().unwrap();
        run(cache.path(), Some(&good), date(2026, 3, 15));
        let (present, asked) = run(cache.path(), Some(body), date(2026, 4, 2));
        assert_eq!((day_of(&present).as_str(), asked), ("2026-03-14", 1));
        let warning = present.warning.unwrap();
        assert!(warning.contains(why), "{warning}");
        let mut names: Vec<_> = fs::read_dir(cache.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [EXTRACT, NOTE], "nothing is left behind");
    }
}

#[test]
fn a_dump_imported_this_week_makes_it_unneeded_and_offline_asks_nobody() {
    let cache = tempfile::tempdir().unwrap();
    let store = cache.path().join("custody.redb");
    Store::import(&dump(&MEMBERS)[..], &store).unwrap();
    assert_eq!(run(cache.path(), None, date(2026, 3, 16)), (Present::default(), 0));
    let client = Client::offline();
    let url = Some("http://127.0.0.1:9/");
    let present = current(&client, url, (cache.path(), &store), on(date(2026, 9, 1)));
    assert_eq!(crate::net::runtime().unwrap().block_on(present), Present::default());
}

#[test]
fn one_of_a_day_that_has_not_come_is_refused_and_one_of_a_newer_form_too() {
    let good = extract("2026-03-14");
    let mut newer = extract("2026-04-01");
    let at = memchr::memmem::find(&newer, b"custody-extract/").unwrap() + b"custody-extract/".len();
    newer[at] = b'9';
    for (body, why) in
        [(extract("2031-01-01"), "2031-01-01, which has not come"), (newer, "another version")]
    {
        let cache = tempfile::tempdir().unwrap();
        run(cache.path(), Some(&good), date(2026, 3, 15));
        let (present, _) = run(cache.path(), Some(&body), date(2026, 4, 2));
        assert_eq!(day_of(&present), "2026-03-14");
        assert!(present.warning.as_ref().unwrap().contains(why), "{:?}", present.warning);
    }
    let cache = tempfile::tempdir().unwrap();
    fs::write(cache.path().join(EXTRACT), extract("2031-01-01")).unwrap();
    let (present, _) = run(cache.path(), Some(&good), date(2026, 3, 22));
    // It is no week old by any clock, and replaced once one is asked for.
    assert_eq!(day_of(&present), "2026-03-14");
}
