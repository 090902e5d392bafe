//! The one client. Online it asks within limits; offline it opens no socket and says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::sync::Semaphore;

use super::cache::{AnswerCache, Kept};
use super::request::{KEPT_HEADERS, http_date};
use super::{Answer, AnswerFrom, Caching, Expect, Method, NetError, Pace, Redirects, Request};

/// Who is asking, as registries want to know it.
const USER_AGENT: &str = concat!(
    env!("CARGO_PKG_NAME"),
    "/",
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);
/// Most redirects of one request.
const REDIRECT_LIMIT: usize = 5;

/// Limits of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folder for answers kept between runs; nothing is kept where absent.
    pub cache: Option<PathBuf>,
    /// Longest time to a connection.
    pub connect_timeout: Duration,
    /// Longest silence within an answer.
    pub read_timeout: Duration,
    /// Longest time for a whole answer, unless the request says otherwise.
    pub total_timeout: Duration,
    /// How often a request is repeated after a failure that may pass.
    pub retries: u32,
    /// Pause before the first repetition; doubles each time.
    pub backoff: Duration,
    /// Longest pause that a server may ask for and get.
    pub longest_pause: Duration,
    /// Requests at the same time.
    pub concurrency: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_mins(2),
            retries: 3,
            backoff: Duration::from_millis(500),
            longest_pause: Duration::from_mins(1),
            concurrency: 8,
        }
    }
}

/// Asks servers, or refuses to. Cheap to clone; clones share limits and connections.
#[derive(Clone, Debug)]
pub struct Client {
    cache: Option<Arc<AnswerCache>>,
    online: Option<Arc<Online>>,
}

#[derive(Debug)]
struct Online {
    options: Options,
    permits: Semaphore,
    paces: Mutex<BTreeMap<String, Arc<Pace>>>,
    /// Decodes gzip transfer encoding.
    decoding: OnceLock<reqwest::Client>,
    /// Leaves bodies as they are: an archive must not be unpacked on the way.
    plain: OnceLock<reqwest::Client>,
}

/// A failed attempt, and whether another one makes sense.
struct Failure {
    error: NetError,
    again: Again,
}

enum Again {
    Never,
    AfterBackoff,
    After(Duration),
}

impl From<NetError> for Failure {
    fn from(error: NetError) -> Self {
        let again = match error {
            NetError::Connect { .. } | NetError::Timeout { .. } | NetError::Broken { .. } => {
                Again::AfterBackoff
            }
            _ => Again::Never,
        };
        Self { error, again }
    }
}

impl Client {
    /// A client that opens no socket: every request is answered by [`NetError::Offline`].
    #[must_use]
    pub fn offline() -> Self {
        Self { cache: None, online: None }
    }

    /// The same with a folder of answers kept by earlier runs, for [`Client::kept`].
    #[must_use]
    pub fn offline_with_cache(folder: PathBuf) -> Self {
        Self { cache: Some(Arc::new(AnswerCache::new(folder))), online: None }
    }

    /// A client that asks. Nothing is opened and no certificate is read before the first request.
    #[must_use]
    pub fn online(options: Options) -> Self {
        Self {
            cache: options.cache.clone().map(|folder| Arc::new(AnswerCache::new(folder))),
            online: Some(Arc::new(Online {
                permits: Semaphore::new(options.concurrency.max(1)),
                options,
                paces: Mutex::default(),
                decoding: OnceLock::new(),
                plain: OnceLock::new(),
            })),
        }
    }

    /// Whether no socket may be opened.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.online.is_none()
    }

    /// The answer that an earlier run kept, without asking anybody.
    #[must_use]
    pub fn kept(&self, request: &Request) -> Option<Answer> {
        let kept = self.find_kept(request)?;
        Some(answer_from(request, kept, AnswerFrom::Kept))
    }

    /// The answer that was kept under the request's own tag, without asking anybody.
    #[must_use]
    pub fn current(&self, request: &Request) -> Option<Answer> {
        let Caching::Tagged(tag) = &request.caching else { return None };
        let kept = self.find_kept(request).filter(|kept| kept.tag.as_ref() == Some(tag))?;
        Some(answer_from(request, kept, AnswerFrom::Kept))
    }

    /// Asks, within the request's limits and the client's.
    ///
    /// # Errors
    /// [`NetError`]; a status other than a success is [`NetError::Status`].
    pub async fn send(&self, request: &Request) -> Result<Answer, NetError> {
        let kept = self.find_kept(request);
        if let (Caching::Tagged(tag), Some(entry)) = (&request.caching, &kept)
            && entry.tag.as_ref() == Some(tag)
        {
            return Ok(answer_from(request, entry.clone(), AnswerFrom::Kept));
        }
        let Some(online) = &self.online else { return Err(NetError::Offline) };
        // The semaphore is never closed, so this waits and does not fail.
        let _permit = online.permits.acquire().await;
        let mut attempt = 0;
        loop {
            match online.attempt(request, kept.as_ref()).await {
                Ok(answer) => {
                    self.keep(request, &answer);
                    return Ok(answer);
                }
                Err(failure) => match online.pause(&failure, attempt) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(failure.error),
                },
            }
            attempt += 1;
        }
    }

    /// Asks once and writes the body to `into` as it comes, at most the request's limit of it. Nothing
    /// is kept and nothing repeated: what was written before a failure is for the caller to throw away.
    ///
    /// # Errors
    /// [`NetError`]; an answer that is an HTML page where another thing is expected is one.
    pub async fn download(
        &self,
        request: &Request,
        into: &mut dyn std::io::Write,
    ) -> Result<u64, NetError> {
        let Some(online) = &self.online else { return Err(NetError::Offline) };
        // The semaphore is never closed, so this waits and does not fail.
        let _permit = online.permits.acquire().await;
        online.stream(request, into).await.map_err(|failure| failure.error)
    }

    fn find_kept(&self, request: &Request) -> Option<Kept> {
        if request.caching == Caching::Never {
            return None;
        }
        self.cache.as_ref()?.get(&key(request), request.limit)
    }

    /// Keeps what the caller made of an answer that is none, under the request's tag.
    pub fn remember(&self, request: &Request, bytes: &[u8]) {
        if let (Some(cache), Caching::Tagged(tag)) = (&self.cache, &request.caching) {
            let (headers, tag) = (BTreeMap::new(), Some(tag.clone()));
            let _ = cache.put(&key(request), &Kept { headers, tag, body: bytes.to_vec() });
        }
    }

    /// Keeps an answer. A disk that is full costs the next run a request and this one nothing.
    fn keep(&self, request: &Request, answer: &Answer) {
        let tag = match &request.caching {
            Caching::Never => return,
            Caching::Revalidate => None,
            Caching::Tagged(tag) => Some(tag.clone()),
        };
        let validated = answer.header("etag").or(answer.header("last-modified")).is_some();
        // Part of a file is kept under its own key, and only where the caller says how long it holds.
        let whole = answer.status == 200;
        let part = answer.status == 206 && request.range.is_some() && tag.is_some();
        if !(whole || part) || (tag.is_none() && !validated) {
            return;
        }
        if let Some(cache) = &self.cache {
            let kept = Kept { headers: answer.headers.clone(), tag, body: answer.bytes.clone() };
            let _ = cache.put(&key(request), &kept);
        }
    }
}

/// What came at the end of all redirects.
enum Responded {
    /// A response whose body is still to be read, and where it came from.
    Body(Url, reqwest::Response),
    /// A redirect that the request wants to see.
    Redirect(Answer),
}

impl Online {
    /// How long to wait before the next attempt; nothing where there is to be none.
    fn pause(&self, failure: &Failure, attempt: u32) -> Option<Duration> {
        if attempt >= self.options.retries {
            return None;
        }
        match failure.again {
            Again::Never => None,
            Again::AfterBackoff => Some(self.options.backoff.saturating_mul(1 << attempt.min(16))),
            Again::After(pause) => (pause <= self.options.longest_pause).then_some(pause),
        }
    }

    fn pace(&self, url: &Url) -> Arc<Pace> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(paces.entry(host).or_default())
    }

    /// One body, written as it comes.
    async fn stream(
        &self,
        request: &Request,
        into: &mut dyn std::io::Write,
    ) -> Result<u64, Failure> {
        let (url, mut response) = match self.respond(request, None).await? {
            Responded::Body(url, response) => (url, response),
            Responded::Redirect(answer) => {
                return Err(NetError::Status {
                    url: answer.url,
                    status: answer.status,
                    code: None,
                }
                .into());
            }
        };
        let status = response.status().as_u16();
        if status != 200 {
            return Err(NetError::Status { url: shown(&url), status, code: None }.into());
        }
        refuse_page(request.expect, &url, &plain_answer(&url, &response))?;
        let mut written = 0_u64;
        while let Some(chunk) = response.chunk().await.map_err(|error| transport(&url, &error))? {
            written = written.saturating_add(chunk.len() as u64);
            if written > request.limit {
                return Err(NetError::TooLarge { url: shown(&url), limit: request.limit }.into());
            }
            into.write_all(&chunk).map_err(|error| NetError::Unexpected {
                url: shown(&url),
                got: format!("a disk that cannot be written: {error}"),
                expected: "room for the download".to_owned(),
            })?;
        }
        Ok(written)
    }

    /// One attempt, redirects included.
    async fn attempt(&self, request: &Request, kept: Option<&Kept>) -> Result<Answer, Failure> {
        match self.respond(request, kept).await? {
            Responded::Body(url, response) => self.receive(request, &url, response, kept).await,
            Responded::Redirect(answer) => Ok(answer),
        }
    }

    /// The response at the end of all redirects.
    async fn respond(&self, request: &Request, kept: Option<&Kept>) -> Result<Responded, Failure> {
        let first = parse(&request.url)?;
        let mut url = first.clone();
        for _ in 0..=REDIRECT_LIMIT {
            self.pace(&url).turn(request.interval).await;
            let same_origin = url.origin() == first.origin();
            let response = self
                .build(request, &url, kept, same_origin)?
                .send()
                .await
                .map_err(|error| transport(&url, &error))?;
            let status = response.status();
            if status.is_redirection() && status.as_u16() != 304 {
                if request.redirects == Redirects::Return {
                    return Ok(Responded::Redirect(plain_answer(&url, &response)));
                }
                url = redirected(request, &first, &url, response.headers())?;
                continue;
            }
            return Ok(Responded::Body(url, response));
        }
        Err(redirect_error(&first, &url, "there are too many").into())
    }

    fn build(
        &self,
        request: &Request,
        url: &Url,
        kept: Option<&Kept>,
        same_origin: bool,
    ) -> Result<reqwest::RequestBuilder, NetError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
        };
        let total = request.total_timeout.unwrap_or(self.options.total_timeout);
        let mut builder = self.http(request.expect)?.request(method, url.clone()).timeout(total);
        if matches!(request.expect, Expect::Json | Expect::JsonLines) {
            builder = builder.header("accept", "application/json, text/plain;q=0.9, */*;q=0.5");
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some((from, to)) = request.range {
            builder = builder.header("range", format!("bytes={from}-{to}"));
        }
        if same_origin && let Some(token) = &request.token {
            builder = builder.bearer_auth(token.secret());
        }
        if let Some(kept) = kept {
            if let Some(etag) = kept.headers.get("etag") {
                builder = builder.header("if-none-match", etag);
            } else if let Some(time) = kept.headers.get("last-modified") {
                builder = builder.header("if-modified-since", time);
            }
        }
        Ok(builder)
    }

    fn http(&self, expect: Expect) -> Result<&reqwest::Client, NetError> {
        let (cell, decode) = match expect {
            Expect::Json | Expect::JsonLines => (&self.decoding, true),
            Expect::Gzip | Expect::Anything => (&self.plain, false),
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        // Somebody else may have installed one already; any provider will do then.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(self.options.connect_timeout)
            .read_timeout(self.options.read_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .gzip(decode)
            .build()
            .map_err(|error| NetError::Setup(innermost(&error)))?;
        Ok(cell.get_or_init(|| client))
    }

    async fn receive(
        &self,
        request: &Request,
        url: &Url,
        response: reqwest::Response,
        kept: Option<&Kept>,
    ) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        match status {
            304 => {
                let Some(kept) = kept else {
                    return Err(unexpected(url, "status 304", "an answer").into());
                };
                let mut answer = answer_from(request, kept.clone(), AnswerFrom::Revalidated);
                if let Some(date) = kept_headers(response.headers()).remove("date") {
                    answer.headers.insert("date".to_owned(), date);
                }
                Ok(answer)
            }
            200 | 206 => {
                let mut answer = plain_answer(url, &response);
                if let Some(pause) = used_up(&answer.headers) {
                    self.pace(url).hold(pause.min(self.options.longest_pause));
                }
                if request.method == Method::Get {
                    refuse_page(request.expect, url, &answer)?;
                    answer.bytes = read_body(response, url, request.limit).await?;
                    check_start(request.expect, url, &answer.bytes)?;
                }
                Ok(answer)
            }
            429 | 503 => Err(self.limited(url, status, response.headers())),
            500..=599 => {
                let error = refused(url, status, response.headers());
                Err(Failure { error, again: Again::AfterBackoff })
            }
            _ => Err(refused(url, status, response.headers()).into()),
        }
    }

    /// The server wants to be left alone for a while: nobody asks this host meanwhile.
    fn limited(&self, url: &Url, status: u16, headers: &HeaderMap) -> Failure {
        let asked = retry_after(&kept_headers(headers));
        if let Some(pause) = asked {
            self.pace(url).hold(pause.min(self.options.longest_pause));
        }
        let error = if status == 429 {
            NetError::RateLimited { url: shown(url), seconds: asked.map(|p| p.as_secs()) }
        } else {
            refused(url, status, headers)
        };
        Failure { error, again: asked.map_or(Again::AfterBackoff, Again::After) }
    }
}

fn key(request: &Request) -> String {
    let secret = request.token.as_ref().map(super::request::Token::secret);
    match request.range {
        Some((from, to)) => AnswerCache::key(&format!("{}\n{from}-{to}", request.url), secret),
        None => AnswerCache::key(&request.url, secret),
    }
}

fn answer_from(request: &Request, kept: Kept, from: AnswerFrom) -> Answer {
    let status = if kept.headers.contains_key("content-range") { 206 } else { 200 };
    Answer { status, url: request.url.clone(), headers: kept.headers, bytes: kept.body, from }
}

fn plain_answer(url: &Url, response: &reqwest::Response) -> Answer {
    Answer {
        status: response.status().as_u16(),
        url: url.to_string(),
        headers: kept_headers(response.headers()),
        bytes: Vec::new(),
        from: AnswerFrom::Network,
    }
}

fn kept_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    KEPT_HEADERS
        .iter()
        .filter_map(|&name| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned())))
        .collect()
}

/// The pause that a server asks for, in seconds or as a date to compare with its own clock.
fn retry_after(headers: &BTreeMap<String, String>) -> Option<Duration> {
    let Some(text) = headers.get("retry-after").map(|text| text.trim()) else {
        return window_end(headers.get("ratelimit")?);
    };
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let now = http_date(headers.get("date")?)?;
    Some(http_date(text)?.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

/// The pause after an answer that was the last one of its window: `RateLimit: "api";r=0;t=55`.
fn used_up(headers: &BTreeMap<String, String>) -> Option<Duration> {
    let header = headers.get("ratelimit")?;
    let left = header.split(';').find_map(|part| part.trim().strip_prefix("r="))?;
    if left.parse() == Ok(0_u64) { window_end(header) } else { None }
}

/// The end of a fixed window, in `RateLimit: "api";r=0;t=55`
/// (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>), and one second for clocks.
fn window_end(header: &str) -> Option<Duration> {
    let seconds = header.split(';').find_map(|part| part.trim().strip_prefix("t="))?;
    Some(Duration::from_secs(seconds.parse::<u64>().ok()?.saturating_add(1)))
}

fn redirected(
    request: &Request,
    first: &Url,
    url: &Url,
    headers: &HeaderMap,
) -> Result<Url, NetError> {
    let Some(target) = headers.get("location").and_then(|v| v.to_str().ok()) else {
        return Err(unexpected(url, "a redirect without a target", "an answer"));
    };
    let next = url.join(target).map_err(|e| NetError::BadUrl {
        url: target.chars().take(200).collect(),
        why: e.to_string(),
    })?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(redirect_error(url, &next, "it is not an http address"));
    }
    if url.scheme() == "https" && next.scheme() == "http" {
        return Err(redirect_error(url, &next, "it leaves TLS"));
    }
    if request.redirects == Redirects::SameHost && next.host_str() != first.host_str() {
        return Err(redirect_error(url, &next, "it leaves the host"));
    }
    Ok(next)
}

async fn read_body(
    mut response: reqwest::Response,
    url: &Url,
    limit: u64,
) -> Result<Vec<u8>, NetError> {
    let too_large = || NetError::TooLarge { url: shown(url), limit };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(url, &error))? {
        if (bytes.len() as u64).saturating_add(chunk.len() as u64) > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A login page, a captive portal or an outage page, told by its type before it is read.
fn refuse_page(expect: Expect, url: &Url, answer: &Answer) -> Result<(), NetError> {
    let page = answer
        .header("content-type")
        .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
    if page && expect != Expect::Anything {
        return Err(unexpected(url, "an HTML page", expected(expect)));
    }
    Ok(())
}

/// The same, told by the first bytes, since types are often wrong.
fn check_start(expect: Expect, url: &Url, bytes: &[u8]) -> Result<(), NetError> {
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    let right = match expect {
        Expect::Anything => true,
        Expect::Gzip => bytes.starts_with(&[0x1f, 0x8b]),
        Expect::JsonLines => matches!(first, None | Some(b'{')),
        Expect::Json => {
            matches!(first, Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
        }
    };
    let got = match first {
        None => "nothing",
        Some(b'<') => "an HTML page",
        Some(_) => "something else",
    };
    if right { Ok(()) } else { Err(unexpected(url, got, expected(expect))) }
}

fn expected(expect: Expect) -> &'static str {
    match expect {
        Expect::Json => "JSON",
        Expect::JsonLines => "JSON lines",
        Expect::Gzip => "a gzip archive",
        Expect::Anything => "a file",
    }
}

fn parse(text: &str) -> Result<Url, NetError> {
    let refuse = |why: String| NetError::BadUrl { url: text.chars().take(200).collect(), why };
    let url = Url::parse(text).map_err(|e| refuse(e.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(refuse(format!("the scheme is {other}"))),
    }
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only where an address can have no user name, and then there is none to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn refused(url: &Url, status: u16, headers: &HeaderMap) -> NetError {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("x-error-code").map(|code| code.chars().take(60).collect());
    // The one refusal that the Hub tells in words only.
    let disabled = text("x-error-message") == Some("Access to this resource is disabled.");
    let code = code.or_else(|| disabled.then(|| "DisabledRepo".to_owned()));
    NetError::Status { url: shown(url), status, code }
}

fn unexpected(url: &Url, got: &str, expected: &str) -> NetError {
    NetError::Unexpected { url: shown(url), got: got.to_owned(), expected: expected.to_owned() }
}

fn redirect_error(url: &Url, to: &Url, why: &'static str) -> NetError {
    NetError::Redirect { url: shown(url), to: shown(to), why }
}

fn transport(url: &Url, error: &reqwest::Error) -> NetError {
    let url = shown(url);
    if error.is_timeout() {
        NetError::Timeout { url }
    } else if error.is_connect() {
        NetError::Connect { url, why: innermost(error) }
    } else {
        NetError::Broken { url, why: innermost(error) }
    }
}

/// The last cause of an error: the outer ones only repeat the address.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
