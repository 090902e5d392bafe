use std::path::Path;

use super::*;
use crate::collectors::custody::{History, custody_facts};
use crate::net::loopback::{Loopback, Reply};
use crate::net::{Client, Options};

const OWNERS: &str = r#"{"users":[{"id":7001,"login":"mira-k","kind":"user","github_username_matches":false},
    {"id":55,"login":"github:acme:core","kind":"team"}]}"#;

fn versions(from: u32, to: u32, next: Option<&str>) -> String {
    let rows: Vec<String> = (from..to)
        .map(|at| {
            format!(
                r#"{{"num":"0.{at}.0","created_at":"2025-0{}-01T00:00:00Z","yanked":false,
                "published_by":{{"id":7001,"login":"mira-k","created_at":"2020-01-01T00:00:00Z"}},
                "repository":"https://forge.invalid/acme/x","trustpub_data":null}}"#,
                1 + at % 9
            )
        })
        .collect();
    format!(
        r#"{{"versions":[{}],"meta":{{"total":9,"next_page":{}}}}}"#,
        rows.join(","),
        serde_json::json!(next)
    )
}

const DATE: &str = "date: Tue, 02 Jun 2026 10:00:00 GMT\r\n";

fn healthy(path: &str, _: usize) -> Reply {
    let body = if path.contains("/owners") {
        OWNERS.to_owned()
    } else if path.contains("seek=b") {
        versions(3, 6, None)
    } else if path.contains("/crates/paged/") {
        versions(0, 3, Some("?per_page=100&seek=b"))
    } else {
        versions(0, 2, None)
    };
    Reply::ok("application/json", DATE, body.as_bytes())
}

fn client(cache: Option<&Path>) -> Client {
    Client::online(Options {
        cache: cache.map(Path::to_owned),
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(2),
        total_timeout: Duration::from_secs(5),
        backoff: Duration::from_millis(1),
        longest_pause: Duration::from_millis(20),
        retries: 1,
        ..Options::default()
    })
}

fn one(name: &str) -> ApiCrate {
    ApiCrate {
        name: name.to_owned(),
        newest: "0.1.0".to_owned(),
        changed: false,
        build_executed: false,
        one_owner: false,
    }
}

fn now() -> Timestamp {
    "2026-06-03T00:00:00Z".parse().unwrap()
}

fn ask(client: &Client, base: &str, crates: &[ApiCrate], budget: Duration) -> ApiAnswers {
    let api = RegistryApi::new(client, base, Duration::ZERO);
    crate::net::runtime().unwrap().block_on(ask_all(&api, crates, budget, now(), &|_| {}))
}

const LONG: Duration = Duration::from_mins(1);

#[test]
fn publishers_and_owners_come_with_the_servers_date() {
    let server = Loopback::start(healthy);
    let answers = ask(&client(None), &server.base, &[one("acme")], LONG);
    assert_eq!((answers.requests, answers.kept, answers.left), (2, 0, 0));
    let Measured::Known(row) = answers.answer("acme") else { panic!("unknown") };
    assert_eq!(row.stamp.taken.to_string(), "2026-06-02T10:00:00Z");
    let history = History::new("acme", vec![row.checked().unwrap()]);
    let facts = custody_facts(&history, "0.1.0", jiff::civil::date(2026, 6, 3));
    assert_eq!(facts.source, Measured::Known("registry API".to_owned()));
    assert_eq!((facts.owner_users, facts.owner_teams), (Measured::Known(1), Measured::Known(1)));
    assert_eq!(facts.published_by, Measured::Known("mira-k".to_owned()));
    assert_eq!(facts.relinked_accounts, Measured::Known(vec!["mira-k".to_owned()]));
    assert!(facts.sole_publisher.known().is_none(), "a team is no single person");
    assert!(facts.owner_events.known().is_none(), "the API tells no dates of owners");
}

#[test]
fn all_pages_are_read() {
    let server = Loopback::start(healthy);
    let answers = ask(&client(None), &server.base, &[one("paged")], LONG);
    let Measured::Known(row) = answers.answer("paged") else { panic!("unknown") };
    assert_eq!(row.releases.known().unwrap().len(), 6);
    assert_eq!(answers.requests, 3);
    assert!(server.requests()[1].contains("/paged/versions?per_page=100&seek=b "));
}

#[test]
fn pages_without_end_are_an_error() {
    let server = Loopback::start(|path, before| {
        if path.contains("/owners") {
            return Reply::ok("application/json", "", OWNERS.as_bytes());
        }
        let next = format!("?seek={before}");
        Reply::ok("application/json", "", versions(0, 1, Some(&next)).as_bytes())
    });
    let answers = ask(&client(None), &server.base, &[one("acme")], LONG);
    let Measured::Known(row) = answers.answer("acme") else { panic!("unknown") };
    assert!(matches!(row.releases, Measured::Unknown(why) if why.contains("pages")));
    assert!(row.owners.known().is_some());
}

#[test]
fn an_unchanged_crate_costs_nothing_and_a_changed_one_two_requests() {
    let server = Loopback::start(healthy);
    let cache = tempfile::tempdir().unwrap();
    let client = client(Some(cache.path()));
    let mut crates = [one("acme"), one("zeta"), one("paged")];
    let first = ask(&client, &server.base, &crates, LONG);
    assert_eq!((first.requests, server.requests().len()), (7, 7));
    let second = ask(&client, &server.base, &crates, LONG);
    assert_eq!((second.requests, second.kept, server.requests().len()), (0, 3, 7));
    assert_eq!(second.answer("acme"), first.answer("acme"));
    let api = RegistryApi::new(&client, &server.base, Duration::ZERO).anew(true);
    let anew = ask_all(&api, &crates[..1], LONG, now(), &|_| {});
    let anew = crate::net::runtime().unwrap().block_on(anew);
    assert_eq!((anew.requests, server.requests().len()), (2, 9), "whoever wants it fresh");
    crates[1].newest = "0.2.0".to_owned();
    let third = ask(&client, &server.base, &crates, LONG);
    assert_eq!((third.requests, server.requests().len()), (2, 11));
    let offline = Client::offline_with_cache(cache.path().to_owned());
    crates[0].newest = "9.9.9".to_owned();
    let fourth = ask(&offline, &server.base, &crates, LONG);
    assert_eq!((fourth.requests, server.requests().len()), (0, 11));
    assert_eq!(fourth.answer("acme"), first.answer("acme"), "an older answer tells its own day");
    let Measured::Unknown(why) = ask(&offline, &server.base, &[one("new")], LONG).answer("new")
    else {
        panic!("known")
    };
    assert_eq!(why, "not asked: the run is offline");
}

#[test]
fn owners_are_asked_for_again_after_a_week_and_last_of_all() {
    let server = Loopback::start(healthy);
    let cache = tempfile::tempdir().unwrap();
    let client = client(Some(cache.path()));
    ask(&client, &server.base, &[one("acme")], LONG);
    let api = RegistryApi::new(&client, &server.base, Duration::ZERO);
    let on = |day: &str, crates: &[ApiCrate]| {
        let now: Timestamp = format!("{day}T23:00:00Z").parse().unwrap();
        let before = server.requests().len();
        let asked = ask_all(&api, crates, LONG, now, &|_| {});
        let answers = crate::net::runtime().unwrap().block_on(asked);
        assert!(answers.answer("acme").known().is_some());
        server.requests().split_off(before)
    };
    assert_eq!(on("2026-06-08", &[one("acme")]), Vec::<String>::new());
    let later = on("2026-06-09", &[one("acme"), one("zeta")]);
    let paths: Vec<&str> = later.iter().filter_map(|head| head.split(' ').nth(1)).collect();
    let of = |name: &str, what: &str| format!("/api/v1/crates/{name}/{what}");
    assert_eq!(paths, [of("zeta", "versions"), of("zeta", "owners"), of("acme", "owners")]);
    let none = crate::net::runtime().unwrap().block_on(ask_all(
        &api,
        &[one("acme")],
        Duration::ZERO,
        "2026-07-01T00:00:00Z".parse().unwrap(),
        &|_| {},
    ));
    let Measured::Known(row) = none.answer("acme") else { panic!("the old answer stays") };
    assert_eq!(row.stamp.taken.to_string(), "2026-06-02T10:00:00Z", "and tells its day");
}

#[test]
fn what_the_budget_does_not_reach_is_not_determined_and_the_next_run_goes_on() {
    let server = Loopback::start(healthy);
    let cache = tempfile::tempdir().unwrap();
    let client = client(Some(cache.path()));
    let mut crates = [one("c"), one("a"), one("build"), one("changed")];
    crates[2].build_executed = true;
    crates[3].changed = true;
    let none = ask(&client, &server.base, &crates, Duration::ZERO);
    assert_eq!((none.requests, none.left), (0, 4));
    let Measured::Unknown(why) = none.answer("a") else { panic!("known") };
    assert!(why.starts_with("not determined: the time for the registry API ran out"), "{why}");
    let api = RegistryApi::new(&client, &server.base, Duration::from_millis(150));
    let run = |budget| {
        let runtime = crate::net::runtime().unwrap();
        runtime.block_on(ask_all(&api, &crates, budget, now(), &|_| {}))
    };
    let some = run(Duration::from_millis(520));
    assert!(some.left > 0 && some.answer("build").known().is_some(), "{some:?}");
    let asked: Vec<String> = server
        .requests()
        .iter()
        .filter_map(|head| Some(head.split("/crates/").nth(1)?.split('/').next()?.to_owned()))
        .collect();
    assert_eq!(asked[0], "build");
    assert_eq!(asked[2], "changed");
    let rest = run(LONG);
    assert!(rest.left == 0 && rest.kept >= 1 && rest.requests < 8, "{rest:?}");
    assert_eq!(server.requests().len(), 8, "nothing was asked twice");
}

#[test]
fn what_runs_at_build_time_is_asked_for_first_and_what_one_account_owns_before_the_rest() {
    let server = Loopback::start(healthy);
    let mut crates = [one("a"), one("lone"), one("changed"), one("build"), one("build")];
    crates[1].one_owner = true;
    crates[2].changed = true;
    crates[4].build_executed = true;
    ask(&client(None), &server.base, &crates, LONG);
    let mut asked: Vec<String> = server
        .requests()
        .iter()
        .filter_map(|head| Some(head.split("/crates/").nth(1)?.split('/').next()?.to_owned()))
        .collect();
    asked.dedup();
    assert_eq!(asked, ["build", "changed", "lone", "a"]);
}

#[test]
fn faults_are_unknown_and_never_zero_owners() {
    type Fault = (&'static str, fn() -> Reply);
    let faults: [Fault; 7] = [
        ("html", || Reply::ok("text/html", "", b"<html>maintenance</html>")),
        ("html as json", || Reply::ok("application/json", "", b"<html>maintenance</html>")),
        ("types", || Reply::ok("application/json", "", br#"{"users":7,"versions":"x"}"#)),
        ("large", || Reply::ok("application/json", "", &vec![b' '; 10 * 1024 * 1024])),
        ("down", || Reply::status("503 Service Unavailable", "text/plain", "", b"")),
        ("forbidden", || Reply::status("403 Forbidden", "text/plain", "", b"blocked")),
        ("limited", || {
            Reply::status("429 Too Many Requests", "text/plain", "retry-after: 3600\r\n", b"")
        }),
    ];
    for (name, reply) in faults {
        let server = Loopback::start(move |_, _| reply());
        let crates = ["a", "b", "c", "d", "e", "f"].map(one);
        let answers = ask(&client(None), &server.base, &crates, LONG);
        for one in &crates {
            assert!(answers.answer(&one.name).known().is_none(), "{name}");
        }
        if name == "limited" {
            assert!(server.requests().len() <= 2, "a server that limits is left alone");
        }
        if name == "down" {
            assert!(server.requests().len() <= 8, "and one that is down, soon");
        }
    }
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let other = Loopback::start(healthy);
    let target = other.base.replace("127.0.0.1", "localhost");
    let server = Loopback::start(move |path, _| {
        let location = format!("location: {target}{}\r\n", path.trim_start_matches('/'));
        Reply::status("302 Found", "text/plain", &location, b"")
    });
    let answers = ask(&client(None), &server.base, &[one("acme")], LONG);
    assert!(answers.answer("acme").known().is_none());
    assert!(other.requests().is_empty());
}

#[test]
fn a_name_that_climbs_out_is_never_asked_for() {
    let server = Loopback::start(healthy);
    let crates = ["../../users/x", "a/b", "a?x=1", "", "\u{202e}"].map(one);
    let answers = ask(&client(None), &server.base, &crates, LONG);
    assert!(server.requests().is_empty());
    assert!(crates.iter().all(|one| answers.answer(&one.name).known().is_none()));
}

#[test]
fn hostile_logins_are_data() {
    let logins = ["../../etc", "\u{1b}[31m", "a\u{202e}b"];
    let body = serde_json::json!({"users": logins.iter().enumerate().map(|(id, login)| {
        serde_json::json!({"id": id, "login": login, "kind": "user"})
    }).collect::<Vec<_>>()})
    .to_string();
    let server = Loopback::start(move |path, _| {
        let body = if path.contains("/owners") { body.clone() } else { versions(0, 1, None) };
        Reply::ok("application/json", "", body.as_bytes())
    });
    let answers = ask(&client(None), &server.base, &[one("acme")], LONG);
    let Measured::Known(row) = answers.answer("acme") else { panic!("unknown") };
    let kept: Vec<&str> = row.accounts.iter().map(|a| a.login.as_str()).collect();
    assert_eq!(&kept[1..], logins);
}

#[test]
fn a_crate_takes_two_requests_and_no_more() {
    let server = Loopback::start(healthy);
    let client = client(None);
    let api = RegistryApi::new(&client, &server.base, Duration::ZERO);
    let answers = crate::net::runtime().unwrap().block_on(ask_all(
        &api,
        &[one("a"), one("b")],
        LONG,
        now(),
        &|_| {},
    ));
    assert_eq!(answers.requests, 4);
}

#[test]
fn progress_is_told_after_every_crate_with_how_many_are_left() {
    let server = Loopback::start(healthy);
    let client = client(None);
    let api = RegistryApi::new(&client, &server.base, Duration::ZERO);
    let told = std::cell::RefCell::new(Vec::new());
    let crates = ["a", "b", "c"].map(one);
    let done = |left: usize| told.borrow_mut().push(left);
    crate::net::runtime().unwrap().block_on(ask_all(&api, &crates, LONG, now(), &done));
    assert_eq!(told.into_inner(), [2, 1, 0]);
}
