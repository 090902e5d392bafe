//! What is asked, and what comes back.

use std::collections::BTreeMap;
use std::time::Duration;

/// What the body has to be. A page with status 200 that is something else is an error, not data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// One JSON value.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// A gzip stream.
    Gzip,
    /// Whatever the server has; only for files whose hash is checked afterwards.
    Anything,
}

/// Where redirects may lead. None goes from `https` to `http`, and none carries credentials to
/// another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// At most five, to any host.
    Follow,
    /// At most five, within the host that was asked.
    SameHost,
    /// The redirect itself is the answer.
    Return,
}

/// What is kept on disk between runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Nothing.
    Never,
    /// The last answer; the server is asked whether it still holds, unless the caller takes it as long as the
    /// server said that it holds ([`super::Client::fresh`]).
    Revalidate,
    /// The last answer; it holds without a request as long as the caller's tag is the same.
    Tagged(String),
}

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The body is wanted.
    Get,
    /// Only the headers are wanted.
    Head,
}

/// One request with its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Full address.
    pub url: String,
    /// Whether the body is wanted.
    pub method: Method,
    /// What the body has to be.
    pub expect: Expect,
    /// Most bytes of body, after decompression on the way.
    pub limit: u64,
    /// Where redirects may lead.
    pub redirects: Redirects,
    /// What is kept between runs.
    pub caching: Caching,
    /// At least this long between two requests to the same host.
    pub interval: Duration,
    /// Longest time for the whole answer; the client's own where absent.
    pub total_timeout: Option<Duration>,
    /// Bearer token, sent to the origin of `url` only.
    pub token: Option<Token>,
    /// First and last byte wanted.
    pub range: Option<(u64, u64)>,
    /// The file that `range` is a part of: its size, and its `ETag` where the server told one. An answer
    /// about another file is none.
    pub part_of: Option<(u64, Option<String>)>,
    /// Further headers, such as `cargo-protocol`.
    pub headers: Vec<(&'static str, String)>,
    /// Ask, although a kept answer would do.
    pub anew: bool,
}

impl Request {
    /// A plain `GET` that is not cached.
    #[must_use]
    pub fn get(url: impl Into<String>, expect: Expect, limit: u64) -> Self {
        Self {
            url: url.into(),
            method: Method::Get,
            expect,
            limit,
            redirects: Redirects::Follow,
            caching: Caching::Never,
            interval: Duration::ZERO,
            total_timeout: None,
            token: None,
            range: None,
            part_of: None,
            headers: Vec::new(),
            anew: false,
        }
    }

    /// The same, kept between runs.
    #[must_use]
    pub fn cached(mut self, caching: Caching) -> Self {
        self.caching = caching;
        self
    }

    /// The same, at most once per `interval` and host.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The same; where `anew`, no kept answer does.
    #[must_use]
    pub fn anew(mut self, anew: bool) -> Self {
        self.anew = anew;
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A secret that is sent and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// How an answer was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFrom {
    /// The server sent it now.
    Network,
    /// The server says that the kept one still holds.
    Revalidated,
    /// It was kept, and nobody was asked.
    Kept,
}

/// Headers that an answer keeps, in lower case.
pub(super) const KEPT_HEADERS: &[&str] = &[
    "age",
    "cache-control",
    "content-range",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "link",
    "location",
    "ratelimit",
    "retry-after",
    "x-error-code",
    "x-linked-etag",
    "x-linked-size",
    "x-repo-commit",
];

/// A success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code: 200, 206, or 3xx where redirects are returned.
    pub status: u16,
    /// Address that answered in the end.
    pub url: String,
    /// The headers that are of use to somebody, with lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub bytes: Vec<u8>,
    /// How it was come by.
    pub from: AnswerFrom,
}

impl Answer {
    /// One header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// When the server said this, RFC 3339 in UTC, from its `Date` header; for a kept answer the day
    /// on which it was fetched or last confirmed.
    #[must_use]
    pub fn date(&self) -> Option<String> {
        http_date(self.header("date")?).map(|time| time.to_string())
    }
}

/// Reads the date form of HTTP headers, `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<jiff::Timestamp> {
    // RFC 9110 writes GMT where RFC 2822 wants an offset; jiff takes only numbers for certain.
    let text = text.trim().strip_suffix("GMT")?;
    let zoned = jiff::fmt::rfc2822::parse(&format!("{text}+0000")).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read() {
        let time = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(time.to_string(), "1994-11-06T08:49:37Z");
        assert!(http_date("yesterday").is_none());
    }

    #[test]
    fn a_token_is_never_shown() {
        assert!(!format!("{:?}", Token::new("hf_secret")).contains("secret"));
    }
}
