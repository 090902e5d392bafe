//! The model Hub: model info, trees, commits, references, namespaces, and files by range.
//!
//! A token is sent only where the caller hands one in, and never to another host: the client strips it
//! when a redirect leaves the origin. Revisions are encoded whole, so that `refs/pr/1` stays one segment.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::request::Token;
use super::{Answer, BaseUrls, Caching, Client, Expect, Method, NetError, Redirects, Request};

/// Where the Hub is, unless the user names another one.
pub const DEFAULT_ENDPOINT: &str = "https://huggingface.co/";
/// Most bytes of one answer of the API.
const API_LIMIT: u64 = 32 * 1024 * 1024;
/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Longest name and revision.
const NAME_LIMIT: usize = 200;

/// Why the Hub tells nothing of a repository.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No answer.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Missing, renamed without a trace, or private: the Hub tells these apart only with a token.
    #[error("the Hub does not show it: it is missing or private, which cannot be told apart")]
    MissingOrPrivate,
    /// The repository is there and the revision is not.
    #[error("the Hub has the repository and not this revision")]
    RevisionNotFound,
    /// The repository is there and the file is not.
    #[error("the Hub has no such file at this revision")]
    EntryNotFound,
    /// Terms have to be accepted first.
    #[error("the repository is gated: its terms have to be accepted with an account")]
    Gated,
    /// The Hub has switched it off.
    #[error("the Hub has disabled access to this repository")]
    Disabled,
    /// A name that can be no part of an address.
    #[error("{0:?} is no name or revision of a repository")]
    BadName(String),
}

impl HubError {
    /// The word for facts: `missing-or-private`, `gated`, `disabled`, `revision-not-found`,
    /// `entry-not-found`; nothing where the question was not answered.
    #[must_use]
    pub fn status(&self) -> Option<&'static str> {
        match self {
            Self::MissingOrPrivate => Some("missing-or-private"),
            Self::RevisionNotFound => Some("revision-not-found"),
            Self::EntryNotFound => Some("entry-not-found"),
            Self::Gated => Some("gated"),
            Self::Disabled => Some("disabled"),
            Self::Net(_) | Self::BadName(_) => None,
        }
    }

    /// The refusal of a word of [`HubError::status`].
    fn of(word: &[u8]) -> Option<Self> {
        [
            Self::MissingOrPrivate,
            Self::RevisionNotFound,
            Self::EntryNotFound,
            Self::Gated,
            Self::Disabled,
        ]
        .into_iter()
        .find(|error| error.status().is_some_and(|known| known.as_bytes() == word))
    }
}

/// What `HEAD` of a file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The commit that the revision stands for.
    pub commit: Option<String>,
    /// SHA-256 of a large file (64 digits) or git blob id of a small one (40 digits).
    pub etag: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
}

/// One page of a list, and where the next one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The answer.
    pub answer: Answer,
    /// Address of the next page, on the same host.
    pub next: Option<String>,
}

/// Asks one Hub.
#[derive(Clone, Debug)]
pub struct Hub {
    client: Client,
    base: String,
    token: Option<Token>,
}

impl Hub {
    /// The Hub that the user chose. `token` is sent to that host and to no other.
    #[must_use]
    pub fn new(client: &Client, urls: &BaseUrls, token: Option<Token>) -> Self {
        let base = urls.hub.clone().unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        Self { client: client.clone(), base, token }
    }

    /// `GET /api/models/{id}/revision/{revision}?blobs=true`. The answer's address tells whether the
    /// repository was renamed: see [`Hub::renamed`].
    pub async fn info(&self, id: &str, revision: &str, kept: &str) -> Result<Answer, HubError> {
        let url = format!("{}/revision/{}?blobs=true", self.api(id)?, segment(revision)?);
        // A refusal of today holds for the day as an answer does; one about a commit may be lifted.
        let refusal = Request::get(format!("{url}#refused"), Expect::Anything, 100)
            .cached(Caching::Tagged(kept.to_owned()));
        if let Some(error) = self.client.current(&refusal).and_then(|a| HubError::of(&a.bytes)) {
            return Err(error);
        }
        let answer = self.ask(&url, kept).await;
        match &answer {
            Err(HubError::Net(NetError::Offline)) => {
                let kept = self.client.kept(&refusal).and_then(|kept| HubError::of(&kept.bytes));
                kept.map_or(answer, Err)
            }
            Err(error) => {
                if let Some(word) = error.status().filter(|_| kept.len() != 40) {
                    self.client.remember(&refusal, word.as_bytes());
                }
                answer
            }
            Ok(_) => answer,
        }
    }

    /// First page of `GET /api/models/{id}/tree/{revision}?recursive=true&expand=true`.
    pub async fn tree(&self, id: &str, revision: &str, kept: &str) -> Result<Page, HubError> {
        let url =
            format!("{}/tree/{}?recursive=true&expand=true", self.api(id)?, segment(revision)?);
        self.page(&url, kept).await
    }

    /// First page of `GET /api/models/{id}/commits/{revision}`, newest first.
    pub async fn commits(&self, id: &str, revision: &str, kept: &str) -> Result<Page, HubError> {
        let url = format!("{}/commits/{}", self.api(id)?, segment(revision)?);
        self.page(&url, kept).await
    }

    /// `GET /api/models/{id}/refs?include_prs=1`.
    pub async fn refs(&self, id: &str, kept: &str) -> Result<Answer, HubError> {
        self.ask(&format!("{}/refs?include_prs=1", self.api(id)?), kept).await
    }

    /// The overview of an organisation.
    pub async fn organization(&self, name: &str, kept: &str) -> Result<Answer, HubError> {
        self.ask(&format!("{}api/organizations/{}/overview", self.base, segment(name)?), kept).await
    }

    /// The overview of a person.
    pub async fn user(&self, name: &str, kept: &str) -> Result<Answer, HubError> {
        self.ask(&format!("{}api/users/{}/overview", self.base, segment(name)?), kept).await
    }

    /// The next page of a list; its address came from the Hub and has to stay on its host.
    pub async fn page(&self, url: &str, kept: &str) -> Result<Page, HubError> {
        let answer = self.ask(url, kept).await?;
        let next = answer.header("link").and_then(next_link).and_then(|link| self.own(&link));
        Ok(Page { answer, next })
    }

    /// An address, made whole, if it is one of this Hub.
    fn own(&self, link: &str) -> Option<String> {
        let base = Url::parse(&self.base).ok()?;
        let url = base.join(link).ok()?;
        (url.origin() == base.origin()).then(|| url.to_string())
    }

    /// `HEAD` of a file; no redirect to another host is followed.
    pub async fn head(&self, id: &str, revision: &str, file: &str) -> Result<Resolved, HubError> {
        let mut request = Request::get(self.resolve(id, revision, file)?, Expect::Anything, 0);
        request.method = Method::Head;
        request.redirects = Redirects::Return;
        request.token.clone_from(&self.token);
        let request = request.header("accept-encoding", "identity");
        let answer = self.send(&request).await?;
        let plain = |text: &str| text.trim_start_matches("W/").trim_matches('"').to_owned();
        let etag = answer.header("x-linked-etag").or(answer.header("etag")).map(plain);
        Ok(Resolved {
            commit: answer.header("x-repo-commit").map(str::to_owned),
            etag,
            size: answer.header("x-linked-size").and_then(|size| size.parse().ok()),
        })
    }

    /// Bytes `from..=to` of a file, fewer where it ends before. Large files are answered by another
    /// host, which gets no token. `kept` is the tag under which they stay between runs.
    pub async fn range(
        &self,
        id: &str,
        revision: &str,
        file: &str,
        (from, to): (u64, u64),
        kept: &str,
    ) -> Result<Vec<u8>, HubError> {
        let limit = to.saturating_sub(from).saturating_add(1);
        let url = self.resolve(id, revision, file)?;
        let mut request =
            Request::get(url, Expect::Anything, limit).cached(Caching::Tagged(kept.to_owned()));
        request.range = Some((from, to));
        request.token.clone_from(&self.token);
        let answer = self.send(&request).await?;
        // A server that ignores ranges answers with the beginning, which is not what was asked for.
        let right = match answer.header("content-range") {
            Some(range) => range
                .strip_prefix("bytes ")
                .and_then(|r| r.split_once('-'))
                .is_some_and(|(first, _)| first.parse() == Ok(from)),
            None => from == 0 && answer.status == 200,
        };
        if !right {
            return Err(HubError::Net(NetError::Unexpected {
                url: answer.url,
                got: "another part of the file".to_owned(),
                expected: format!("bytes {from}-{to}"),
            }));
        }
        Ok(answer.bytes)
    }

    /// A small file whole. `kept` is the tag under which it stays between runs.
    pub async fn file(
        &self,
        id: &str,
        revision: &str,
        file: &str,
        limit: u64,
        kept: &str,
    ) -> Result<Vec<u8>, HubError> {
        let url = self.resolve(id, revision, file)?;
        let mut request =
            Request::get(url, Expect::Anything, limit).cached(Caching::Tagged(kept.to_owned()));
        request.token.clone_from(&self.token);
        Ok(self.send(&request).await?.bytes)
    }

    /// The repository that an answer of [`Hub::info`] came from, where it is not the one that was
    /// asked for: it was renamed, and its old name may be free. Empty where it is the same.
    #[must_use]
    pub fn renamed(id: &str, answered: Option<&str>) -> String {
        answered.filter(|now| *now != id).map_or_else(String::new, str::to_owned)
    }

    fn api(&self, id: &str) -> Result<String, HubError> {
        Ok(format!("{}api/models/{}", self.base, path(id)?))
    }

    fn resolve(&self, id: &str, revision: &str, file: &str) -> Result<String, HubError> {
        let mut parts = Vec::new();
        for part in file.split('/') {
            // A part that climbs would ask for another repository's file.
            if matches!(part, "" | "." | "..") {
                return Err(HubError::BadName(file.chars().take(100).collect()));
            }
            parts.push(utf8_percent_encode(part, SEGMENT).to_string());
        }
        let revision = segment(revision)?;
        Ok(format!("{}{}/resolve/{revision}/{}", self.base, path(id)?, parts.join("/")))
    }

    async fn ask(&self, url: &str, kept: &str) -> Result<Answer, HubError> {
        let mut request =
            Request::get(url, Expect::Json, API_LIMIT).cached(Caching::Tagged(kept.to_owned()));
        request.redirects = Redirects::SameHost;
        request.token.clone_from(&self.token);
        self.send(&request).await
    }

    async fn send(&self, request: &Request) -> Result<Answer, HubError> {
        match self.client.send(request).await {
            Ok(answer) => Ok(answer),
            // What an earlier run kept is better than nothing where nobody may be asked.
            Err(NetError::Offline) => {
                self.client.kept(request).ok_or(HubError::Net(NetError::Offline))
            }
            Err(error) => Err(refusal(error)),
        }
    }
}

/// What a refusal means, by the Hub's own code where it sends one.
fn refusal(error: NetError) -> HubError {
    let NetError::Status { status, code, .. } = &error else { return HubError::Net(error) };
    match (code.as_deref(), *status) {
        (Some("RevisionNotFound"), _) => HubError::RevisionNotFound,
        (Some("EntryNotFound"), _) => HubError::EntryNotFound,
        (Some("GatedRepo"), _) => HubError::Gated,
        (Some("DisabledRepo"), _) => HubError::Disabled,
        (Some("RepoNotFound"), _) | (None, 401 | 404) => HubError::MissingOrPrivate,
        _ => HubError::Net(error),
    }
}

fn path(id: &str) -> Result<String, HubError> {
    let parts: Vec<String> = id.split('/').map(segment).collect::<Result<_, _>>()?;
    if parts.len() > 2 {
        return Err(HubError::BadName(id.chars().take(100).collect()));
    }
    Ok(parts.join("/"))
}

fn segment(text: &str) -> Result<String, HubError> {
    let bad = text.is_empty() || text.len() > NAME_LIMIT || matches!(text, "." | "..");
    if bad || text.chars().any(char::is_control) {
        return Err(HubError::BadName(text.chars().take(100).collect()));
    }
    Ok(utf8_percent_encode(text, SEGMENT).to_string())
}

/// The address of `rel="next"` in a `Link` header.
fn next_link(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.split_once('>')?;
        let next = parameters.split(';').any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
        next.then(|| address.trim().trim_start_matches('<').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::loopback::{Loopback, Reply};

    fn hub(server: &Loopback, token: Option<&str>) -> Hub {
        let urls = BaseUrls { hub: Some(server.base.clone()), ..BaseUrls::default() };
        let client = Client::online(crate::net::Options { retries: 0, ..Default::default() });
        Hub::new(&client, &urls, token.map(Token::new))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        crate::net::runtime().unwrap().block_on(future)
    }

    #[test]
    fn a_revision_is_one_segment_and_names_cannot_climb() {
        let server = Loopback::start(|_, _| Reply::ok("application/json", "", b"{}"));
        let hub = hub(&server, None);
        run(hub.info("o/n", "refs/pr/1", "t")).unwrap();
        assert!(
            server.requests()[0]
                .starts_with("GET /api/models/o/n/revision/refs%2Fpr%2F1?blobs=true ")
        );
        assert!(matches!(run(hub.info("../x", "main", "t")), Err(HubError::BadName(_))));
        assert!(matches!(run(hub.info("a/b/c", "main", "t")), Err(HubError::BadName(_))));
        assert!(matches!(run(hub.head("o/n", "main", "../x")), Err(HubError::BadName(_))));
        assert_eq!(server.requests().len(), 1);
    }

    #[test]
    fn refusals_are_told_apart_where_the_hub_does() {
        for (status, code, expected) in [
            ("404 Not Found", "x-error-code: RevisionNotFound\r\n", "revision-not-found"),
            ("403 Forbidden", "x-error-code: GatedRepo\r\n", "gated"),
            ("401 Unauthorized", "", "missing-or-private"),
            ("404 Not Found", "x-error-code: RepoNotFound\r\n", "missing-or-private"),
        ] {
            let server =
                Loopback::start(move |_, _| Reply::status(status, "application/json", code, b"{}"));
            let error = run(hub(&server, None).info("o/n", "main", "t")).unwrap_err();
            assert_eq!(error.status(), Some(expected), "{error}");
        }
        let server = Loopback::start(|_, _| Reply::status("500 Oops", "text/html", "", b""));
        assert_eq!(run(hub(&server, None).info("o/n", "main", "t")).unwrap_err().status(), None);
    }

    #[test]
    fn a_refusal_holds_for_its_day_and_for_no_commit() {
        let server = Loopback::start(|_, _| {
            Reply::status("403 Forbidden", "x/y", "x-error-code: GatedRepo\r\n", b"")
        });
        let folder = tempfile::tempdir().unwrap();
        let cache = Some(folder.path().to_owned());
        let client =
            Client::online(crate::net::Options { cache, retries: 0, ..Default::default() });
        let urls = BaseUrls { hub: Some(server.base.clone()), ..BaseUrls::default() };
        let online = Hub::new(&client, &urls, None);
        let offline = Client::offline_with_cache(folder.path().to_owned());
        let offline = Hub::new(&offline, &urls, None);
        let commit = "1".repeat(40);
        for (hub, kept, asked) in [
            (&online, "2026-11-23", 1),
            (&online, "2026-11-23", 1),
            (&offline, "2026-11-23", 1),
            (&online, "2026-11-24", 2),
            (&online, &*commit, 3),
            (&online, &*commit, 4),
        ] {
            let error = run(hub.info("o/n", "main", kept)).unwrap_err();
            assert_eq!(error.status(), Some("gated"));
            assert_eq!(server.requests().len(), asked);
        }
    }

    #[test]
    fn a_token_stays_with_the_hub() {
        let other = Loopback::start(|_, _| Reply::ok("application/octet-stream", "", b"ab"));
        let target = other.base.replace("127.0.0.1", "localhost");
        let server = Loopback::start(move |_, _| {
            Reply::status("302 Found", "text/plain", &format!("location: {target}x\r\n"), b"")
        });
        let bytes = run(hub(&server, Some("hf_secret")).range("o/n", "main", "a.bin", (0, 1), "t"))
            .unwrap();
        assert_eq!(bytes, b"ab");
        assert!(server.requests()[0].contains("hf_secret"));
        assert!(!other.requests()[0].contains("hf_secret"));
        assert!(other.requests()[0].contains("range: bytes=0-1"));
    }

    #[test]
    fn the_beginning_is_not_taken_for_another_part() {
        let server = Loopback::start(|_, n| {
            if n == 0 {
                let range = "content-range: bytes 4-5/6\r\n";
                return Reply::status("206 Partial Content", "x/y", range, b"ef");
            }
            Reply::ok("x/y", "", b"ab")
        });
        let hub = hub(&server, None);
        assert_eq!(run(hub.range("o/n", "main", "a", (4, 5), "t")).unwrap(), b"ef");
        assert!(run(hub.range("o/n", "main", "a", (4, 5), "t")).is_err());
        assert_eq!(run(hub.range("o/n", "main", "a", (0, 5), "t")).unwrap(), b"ab");
    }

    #[test]
    fn the_next_page_stays_on_the_host() {
        assert_eq!(
            next_link("<http://a.invalid/b?c=d>; rel=\"next\"").as_deref(),
            Some("http://a.invalid/b?c=d")
        );
        assert_eq!(next_link("<http://a.invalid/>; rel=\"prev\""), None);
        let server = Loopback::start(|_, n| {
            let link = if n == 0 {
                "link: <http://example.invalid/x>; rel=\"next\"\r\n"
            } else {
                "link: </y?cursor=1>; rel=\"next\"\r\n"
            };
            Reply::ok("application/json", link, b"[]")
        });
        let hub = hub(&server, None);
        assert_eq!(run(hub.tree("o/n", "main", "t")).unwrap().next, None);
        let next = run(hub.tree("o/n", "main", "t")).unwrap().next;
        assert_eq!(next, Some(format!("{}y?cursor=1", server.base)));
    }
}
