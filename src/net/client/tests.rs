use std::collections::BTreeMap;

use super::limits::{retry_after, used_up};
use super::refusal::shown;
use super::*;
use crate::net::loopback::{Loopback, Reply};
use crate::net::request::Token;
use crate::net::{Expect, Redirects};

fn quick() -> Options {
    Options {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_millis(200),
        total_timeout: Duration::from_secs(5),
        backoff: Duration::from_millis(1),
        retries: 2,
        ..Options::default()
    }
}

fn ask(options: Options, request: &Request) -> Result<Answer, NetError> {
    crate::net::runtime().unwrap().block_on(Client::online(options).send(request))
}

fn json(url: &str) -> Request {
    Request::get(url, Expect::Json, 1000)
}

#[test]
fn an_offline_client_opens_no_socket() {
    let server = Loopback::start(|_, _| Reply::ok("application/json", "", b"{}"));
    let request = json(&server.base);
    let answer = crate::net::runtime().unwrap().block_on(Client::offline().send(&request));
    assert!(matches!(answer, Err(NetError::Offline)));
    assert!(server.requests().is_empty());
}

#[test]
fn the_server_learns_who_asks_and_where_to_complain() {
    let server = Loopback::start(|_, _| Reply::ok("application/json", "", b"{}"));
    ask(quick(), &json(&server.base)).unwrap();
    let head = &server.requests()[0];
    assert!(head.contains("user-agent: cargo-custody/"), "{head}");
    assert!(head.contains("(https://github.com/cargo-custody/cargo-custody)"), "{head}");
}

#[test]
fn after_the_deadline_nobody_is_waited_for_and_nobody_is_asked() {
    let server =
        Loopback::start(|_, _| Reply::status("503 Busy", "text/plain", "retry-after: 60\r\n", b""));
    let options = Options { deadline: Some(Duration::from_millis(300)), ..quick() };
    let client = Client::online(options);
    let runtime = crate::net::runtime().unwrap();
    let request = json(&server.base);
    let first = runtime.block_on(client.send(&request)).unwrap_err();
    assert!(matches!(first, NetError::Deadline { .. }), "{first}");
    let asked = server.requests().len();
    let second = runtime.block_on(client.send(&request)).unwrap_err();
    assert!(second.to_string().contains("the deadline of the run is over"), "{second}");
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn a_missing_thing_is_not_asked_for_twice() {
    let server = Loopback::start(|_, _| Reply::status("404 Not Found", "text/plain", "", b""));
    let error = ask(quick(), &json(&server.base)).unwrap_err();
    assert!(error.is_absent());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_error_is_retried_and_then_told() {
    let server = Loopback::start(|_, _| Reply::status("502 Bad Gateway", "text/html", "", b"<p>"));
    let error = ask(quick(), &json(&server.base)).unwrap_err();
    assert_eq!(error.status(), Some(502));
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_error_that_passes_is_no_error() {
    let server = Loopback::start(|_, before| {
        if before == 0 {
            Reply::status("500 Oops", "text/plain", "", b"")
        } else {
            Reply::ok("application/json", "", b"{}")
        }
    });
    assert_eq!(ask(quick(), &json(&server.base)).unwrap().bytes, b"{}");
}

#[test]
fn after_a_short_pause_that_the_server_asks_for_it_is_asked_again() {
    let server = Loopback::start(|_, before| {
        if before == 0 {
            Reply::status("429 Slow", "text/plain", "retry-after: 1\r\n", b"")
        } else {
            Reply::ok("application/json", "", b"{}")
        }
    });
    assert_eq!(ask(quick(), &json(&server.base)).unwrap().bytes, b"{}");
}

#[test]
fn a_long_pause_is_told_instead_of_waited_for() {
    let server = Loopback::start(|_, _| {
        Reply::status("429 Slow", "text/plain", "retry-after: 3600\r\n", b"")
    });
    let error = ask(quick(), &json(&server.base)).unwrap_err();
    assert!(matches!(error, NetError::RateLimited { seconds: Some(3600), .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_pause_told_as_a_date_counts_from_the_servers_own_clock() {
    let headers = BTreeMap::from([
        ("retry-after".to_owned(), "Sun, 06 Nov 1994 08:49:47 GMT".to_owned()),
        ("date".to_owned(), "Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
    ]);
    assert_eq!(retry_after(&headers), Some(Duration::from_secs(10)));
}

#[test]
fn the_last_answer_of_a_window_asks_for_a_pause_and_others_do_not() {
    let headers = |text: &str| BTreeMap::from([("ratelimit".to_owned(), text.to_owned())]);
    assert_eq!(used_up(&headers("\"api\";r=0;t=9")), Some(Duration::from_secs(10)));
    assert_eq!(used_up(&headers("\"api\";r=499;t=300")), None);
    assert_eq!(used_up(&headers("nonsense")), None);
}

#[test]
fn a_stalled_server_is_a_timeout() {
    let server = Loopback::start(|_, _| Reply::Stall);
    let error = ask(Options { retries: 0, ..quick() }, &json(&server.base)).unwrap_err();
    assert!(matches!(error, NetError::Timeout { .. }), "{error}");
}

#[test]
fn a_body_that_breaks_off_is_no_body() {
    let server = Loopback::start(|_, _| {
        Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec())
    });
    let error = ask(Options { retries: 0, ..quick() }, &json(&server.base)).unwrap_err();
    assert!(matches!(error, NetError::Broken { .. }), "{error}");
}

#[test]
fn a_page_where_data_should_be_is_an_error() {
    for (kind, expect) in [
        ("text/html; charset=utf-8", Expect::Json),
        ("application/json", Expect::Json),
        ("application/gzip", Expect::Gzip),
        ("text/plain", Expect::JsonLines),
    ] {
        let server = Loopback::start(move |_, _| Reply::ok(kind, "", b"<html>sign in</html>"));
        let error = ask(quick(), &Request::get(&server.base, expect, 1000)).unwrap_err();
        assert!(matches!(error, NetError::Unexpected { .. }), "{kind}: {error}");
    }
}

#[test]
fn a_body_over_the_limit_is_refused_told_or_untold() {
    let told = Loopback::start(|_, _| Reply::ok("application/json", "", &[b'1'; 2000]));
    let untold = Loopback::start(|_, _| {
        let mut raw = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        raw.extend_from_slice(&[b'1'; 2000]);
        Reply::Raw(raw)
    });
    for server in [told, untold] {
        let error = ask(quick(), &json(&server.base)).unwrap_err();
        assert!(matches!(error, NetError::TooLarge { limit: 1000, .. }), "{error}");
    }
}

#[test]
fn a_token_does_not_follow_a_redirect_to_another_origin() {
    let other = Loopback::start(|_, _| Reply::ok("application/json", "", b"{}"));
    let target = other.base.clone();
    let server = Loopback::start(move |_, _| {
        Reply::status("302 Found", "text/plain", &format!("location: {target}\r\n"), b"")
    });
    let mut request = json(&server.base);
    request.token = Some(Token::new("hf_secret"));
    ask(quick(), &request).unwrap();
    assert!(server.requests()[0].contains("authorization: Bearer hf_secret"));
    assert!(!other.requests()[0].contains("hf_secret"));
}

#[test]
fn redirects_end_after_five_and_never_leave_http() {
    let server =
        Loopback::start(|_, _| Reply::status("302 Found", "text/plain", "location: /on\r\n", b""));
    let error = ask(quick(), &json(&server.base)).unwrap_err();
    assert!(matches!(error, NetError::Redirect { .. }), "{error}");
    assert_eq!(server.requests().len(), 6);
    let server = Loopback::start(|_, _| {
        Reply::status("302 Found", "text/plain", "location: file:///etc/passwd\r\n", b"")
    });
    assert!(matches!(ask(quick(), &json(&server.base)), Err(NetError::Redirect { .. })));
}

#[test]
fn a_redirect_to_another_host_is_refused_where_the_request_says_so() {
    let server = Loopback::start(|_, _| {
        Reply::status("302 Found", "text/plain", "location: http://example.invalid/\r\n", b"")
    });
    let mut request = json(&server.base);
    request.redirects = Redirects::SameHost;
    let error = ask(quick(), &request).unwrap_err();
    assert!(error.to_string().contains("leaves the host"), "{error}");
}

#[test]
fn a_kept_answer_is_revalidated_and_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Loopback::start(|_, before| {
        if before == 0 {
            Reply::ok("application/json", "etag: \"one\"\r\n", b"{\"a\":1}")
        } else {
            Reply::status("304 Not Modified", "application/json", "", b"")
        }
    });
    let options = Options { cache: Some(folder.path().to_owned()), ..quick() };
    let request = json(&server.base).cached(Caching::Revalidate);
    let first = ask(options.clone(), &request).unwrap();
    let second = ask(options, &request).unwrap();
    assert_eq!((first.from, second.from), (AnswerFrom::Network, AnswerFrom::Revalidated));
    assert_eq!(first.bytes, second.bytes);
    assert!(server.requests()[1].contains("if-none-match: \"one\""));
    let offline = Client::offline_with_cache(folder.path().to_owned());
    assert_eq!(offline.kept(&request).unwrap().bytes, first.bytes);
}

#[test]
fn an_answer_with_the_callers_tag_costs_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Loopback::start(|_, _| Reply::ok("application/json", "", b"{}"));
    let options = Options { cache: Some(folder.path().to_owned()), ..quick() };
    let tagged = |tag: &str| json(&server.base).cached(Caching::Tagged(tag.to_owned()));
    ask(options.clone(), &tagged("1.0.0")).unwrap();
    assert_eq!(ask(options.clone(), &tagged("1.0.0")).unwrap().from, AnswerFrom::Kept);
    assert_eq!(server.requests().len(), 1);
    ask(options, &tagged("1.0.1")).unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_failure_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Loopback::start(|_, _| {
        Reply::Raw(b"HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 9\r\n\r\n{".to_vec())
    });
    let options = Options { cache: Some(folder.path().to_owned()), retries: 0, ..quick() };
    ask(options, &json(&server.base).cached(Caching::Revalidate)).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_address_is_shown_without_its_secrets() {
    let url = reqwest::Url::parse("http://user:word@127.0.0.1/a?token=b#c").unwrap();
    assert_eq!(shown(&url), "http://127.0.0.1/a");
}
