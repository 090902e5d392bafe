//! One attempt after another: redirects, pauses, and what the last answer is worth.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::sync::Semaphore;

use super::fresh;
use super::limits::{retry_after, used_up};
use super::reading::{check_part, check_start, kept_headers, plain_answer, read_body, refuse_page};
use super::refusal::{innermost, redirect_error, refused, shown, transport, unexpected};
use super::{Options, answer_from};
use crate::net::cache::Kept;
use crate::net::{Answer, AnswerFrom, Expect, Method, NetError, Pace, Redirects, Request};

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

#[derive(Debug)]
pub(super) struct Online {
    options: Options,
    /// When nobody is waited for any longer.
    until: Option<tokio::time::Instant>,
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

/// What came at the end of all redirects.
enum Responded {
    /// A response whose body is still to be read, and where it came from.
    Body(Url, reqwest::Response),
    /// A redirect that the request wants to see.
    Redirect(Answer),
}

impl Online {
    pub(super) fn new(options: Options) -> Self {
        Self {
            until: options.deadline.map(|after| tokio::time::Instant::now() + after),
            permits: Semaphore::new(options.concurrency.max(1)),
            options,
            paces: Mutex::default(),
            decoding: OnceLock::new(),
            plain: OnceLock::new(),
        }
    }

    /// What is asked, as long as the run waits for anybody: queues, pauses and repetitions included.
    async fn in_time<T>(
        &self,
        request: &Request,
        asked: impl Future<Output = Result<T, NetError>>,
    ) -> Result<T, NetError> {
        let Some(until) = self.until else { return asked.await };
        if let Ok(answered) = tokio::time::timeout_at(until, asked).await {
            return answered;
        }
        let url = parse(&request.url).map(|url| shown(&url)).unwrap_or_default();
        Err(NetError::Deadline { url })
    }

    /// Asks, and asks again after failures that may pass.
    pub(super) async fn ask(
        &self,
        request: &Request,
        kept: Option<&Kept>,
    ) -> Result<Answer, NetError> {
        self.in_time(request, self.ask_again(request, kept)).await
    }

    async fn ask_again(&self, request: &Request, kept: Option<&Kept>) -> Result<Answer, NetError> {
        // The semaphore is never closed, so this waits and does not fail.
        let _permit = self.permits.acquire().await;
        let mut attempt = 0;
        loop {
            match self.attempt(request, kept).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => match self.pause(&failure, attempt) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(failure.error),
                },
            }
            attempt += 1;
        }
    }

    /// Asks once and writes the body as it comes; its length.
    pub(super) async fn download(
        &self,
        request: &Request,
        into: &mut dyn std::io::Write,
    ) -> Result<u64, NetError> {
        let asked = async {
            let _permit = self.permits.acquire().await;
            self.stream(request, into).await.map_err(|failure| failure.error)
        };
        self.in_time(request, asked).await
    }

    pub(super) fn backoff(&self) -> Duration {
        self.options.backoff
    }

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
        let head = plain_answer(&url, &response);
        if request.range.is_some() {
            check_part(request, &url, &head)?;
        } else if status != 200 {
            return Err(NetError::Status { url: shown(&url), status, code: None }.into());
        }
        refuse_page(request.expect, &url, &head)?;
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
        // Only a strong tag says that the bytes are the same.
        if let Some((_, Some(etag))) = &request.part_of
            && etag.starts_with('"')
        {
            builder = builder.header("if-range", etag);
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
        super::provide_cryptography();
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
                fresh::renew(&mut answer.headers, kept_headers(response.headers()));
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

fn parse(text: &str) -> Result<Url, NetError> {
    let refuse = |why: String| NetError::BadUrl { url: text.chars().take(200).collect(), why };
    let url = Url::parse(text).map_err(|e| refuse(e.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(refuse(format!("the scheme is {other}"))),
    }
}
