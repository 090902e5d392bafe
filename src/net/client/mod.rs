//! The one client. Online it asks within limits; offline it opens no socket and says so.

mod fresh;
mod limits;
mod online;
mod reading;
mod refusal;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::cache::{AnswerCache, Kept};
use super::{Answer, AnswerFrom, Caching, NetError, Request};
use online::Online;

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
    /// How long after its making the client waits for anybody; absent for ever.
    pub deadline: Option<Duration>,
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
            deadline: None,
        }
    }
}

/// Asks servers, or refuses to. Cheap to clone; clones share limits and connections.
#[derive(Clone, Debug)]
pub struct Client {
    cache: Option<Arc<AnswerCache>>,
    online: Option<Arc<Online>>,
}

/// Says which cryptography all sockets of this process use.
pub(super) fn provide_cryptography() {
    // Somebody else may have installed one already; any provider will do then.
    let _ = rustls::crypto::ring::default_provider().install_default();
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
            online: Some(Arc::new(Online::new(options))),
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

    /// The kept answer, as long as its server said that it holds: then nobody is asked.
    #[must_use]
    pub fn fresh(&self, request: &Request) -> Option<Answer> {
        if request.anew || request.caching != Caching::Revalidate {
            return None;
        }
        let kept = self.find_kept(request)?;
        let holds = fresh::holds(&kept.headers, kept.at, Timestamp::now().as_second());
        holds.then(|| answer_from(request, kept, AnswerFrom::Kept))
    }

    /// The answer that was kept under the request's own tag, without asking anybody.
    #[must_use]
    pub fn current(&self, request: &Request) -> Option<Answer> {
        let Caching::Tagged(tag) = &request.caching else { return None };
        if request.anew {
            return None;
        }
        let kept = self.find_kept(request).filter(|kept| kept.tag.as_ref() == Some(tag))?;
        Some(answer_from(request, kept, AnswerFrom::Kept))
    }

    /// Pause before the first repetition of what failed.
    #[must_use]
    pub fn backoff(&self) -> Duration {
        self.online.as_ref().map_or(Duration::ZERO, |online| online.backoff())
    }

    /// Asks, within the request's limits and the client's.
    ///
    /// # Errors
    /// [`NetError`]; a status other than a success is [`NetError::Status`].
    pub async fn send(&self, request: &Request) -> Result<Answer, NetError> {
        let kept = self.find_kept(request);
        if let (Caching::Tagged(tag), Some(entry)) = (&request.caching, &kept)
            && entry.tag.as_ref() == Some(tag)
            && !request.anew
        {
            return Ok(answer_from(request, entry.clone(), AnswerFrom::Kept));
        }
        let Some(online) = &self.online else { return Err(NetError::Offline) };
        let answer = online.ask(request, kept.as_ref()).await?;
        self.keep(request, &answer);
        Ok(answer)
    }

    /// Asks once and writes the body to `into` as it comes, at most the request's limit of it; of a request
    /// for a part of a file exactly that part. Nothing is kept and nothing repeated: what was written before a failure is for the caller to throw away.
    ///
    /// # Errors
    /// [`NetError`]; an answer that is an HTML page where another thing is expected is one.
    pub async fn download(
        &self,
        request: &Request,
        into: &mut dyn std::io::Write,
    ) -> Result<u64, NetError> {
        let Some(online) = &self.online else { return Err(NetError::Offline) };
        online.download(request, into).await
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
            let kept = Kept { headers, tag, body: bytes.to_vec(), at: None };
            let _ = cache.put(&key(request), &kept);
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
            let (headers, body) = (answer.headers.clone(), answer.bytes.clone());
            let at = Some(Timestamp::now().as_second());
            let kept = Kept { headers, tag, body, at };
            let _ = cache.put(&key(request), &kept);
        }
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

#[cfg(test)]
mod tests;
