//! Indexes of Python and npm, where the user named one: who is asked stands in the user's environment or own
//! configuration, never in the audited tree, and nobody is asked where nobody was named. No token is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::{Answer, Caching, Client, Expect, NetError, Request};

/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'@');
/// Most bytes of one answer: the largest packages have some thousand files.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;
/// Longest name.
const NAME_LIMIT: usize = 214;
/// Media type of the simple index as JSON (PEP 691).
const SIMPLE: &str = "application/vnd.pypi.simple.v1+json";

/// Asks one index.
#[derive(Clone, Debug)]
pub struct PackageIndex {
    client: Client,
    base: String,
}

impl PackageIndex {
    /// The index at a base address that ends in `/`.
    #[must_use]
    pub fn new(client: &Client, base: &str) -> Self {
        Self { client: client.clone(), base: base.to_owned() }
    }

    /// The page of one distribution of Python, as JSON. `kept` is the tag under which it stays.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn python(&self, name: &str, kept: &str) -> Result<Answer, NetError> {
        self.ask(&format!("{}/", segment(name)), kept, Some(SIMPLE)).await
    }

    /// Everything about one package of npm. `kept` is the tag under which it stays.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn npm(&self, name: &str, kept: &str) -> Result<Answer, NetError> {
        self.ask(&segment(name), kept, None).await
    }

    async fn ask(&self, path: &str, kept: &str, media: Option<&str>) -> Result<Answer, NetError> {
        let url = format!("{}{path}", self.base);
        let mut request =
            Request::get(url, Expect::Json, ANSWER_LIMIT).cached(Caching::Tagged(kept.to_owned()));
        if let Some(media) = media {
            request = request.header("accept", media);
        }
        self.send(&request).await
    }

    /// Bytes `from..=to` of a file that an answer of this index names; `kept` is what its bytes are known by.
    /// The address may be relative, and may lead to another host, but never from `https` to `http`.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn part(
        &self,
        page: &str,
        file: &str,
        (from, to): (u64, u64),
        kept: &str,
    ) -> Result<Vec<u8>, NetError> {
        let refused = || NetError::Unexpected {
            url: file.chars().take(200).collect(),
            got: "an address of a file that is not asked".to_owned(),
            expected: "http or https, and not less than the index's own".to_owned(),
        };
        let base = Url::parse(page).or_else(|_| Url::parse(&self.base)).map_err(|_| refused())?;
        let url = base.join(file).map_err(|_| refused())?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && base.scheme() == "http");
        if !secure || !url.username().is_empty() || url.password().is_some() {
            return Err(refused());
        }
        let limit = to.saturating_sub(from).saturating_add(1);
        let mut request = Request::get(url.as_str(), Expect::Anything, limit)
            .cached(Caching::Tagged(kept.to_owned()));
        request.range = Some((from, to));
        let answer = self.send(&request).await?;
        let right = answer.header("content-range").is_some_and(|range| {
            let first = range.strip_prefix("bytes ").and_then(|range| range.split('-').next());
            first.and_then(|first| first.parse().ok()) == Some(from)
        });
        if right && answer.bytes.len() as u64 == limit { Ok(answer.bytes) } else { Err(refused()) }
    }

    async fn send(&self, request: &Request) -> Result<Answer, NetError> {
        match self.client.send(request).await {
            // What an earlier run kept is better than nothing where nobody may be asked.
            Err(NetError::Offline) => self.client.kept(request).ok_or(NetError::Offline),
            other => other,
        }
    }
}

/// A name as one segment of a path; what is too long is cut, and then found nowhere.
fn segment(name: &str) -> String {
    let name: String = name.chars().take(NAME_LIMIT).collect();
    let encoded = utf8_percent_encode(&name, SEGMENT).to_string();
    // `.` and `..` would be taken out of the path.
    if encoded.chars().all(|c| c == '.') { encoded.replace('.', "%2E") } else { encoded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::loopback::{Loopback, Reply};

    fn run<T>(future: impl Future<Output = T>) -> T {
        crate::net::runtime().unwrap().block_on(future)
    }

    #[test]
    fn a_name_is_one_segment_and_no_file_leads_elsewhere_than_the_web() {
        let server = Loopback::start(|_, _| Reply::ok("application/json", "", b"{}"));
        let client = Client::online(crate::net::Options { retries: 0, ..Default::default() });
        let index = PackageIndex::new(&client, &server.base);
        run(index.npm("@scope/name", "t")).unwrap();
        run(index.python("../x", "t")).unwrap();
        let asked = server.requests();
        assert!(asked[0].starts_with("GET /@scope%2Fname "), "{asked:?}");
        assert!(asked[1].starts_with("GET /..%2Fx/ "), "{asked:?}");
        for file in ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://me:pw@127.0.0.1/x"] {
            assert!(run(index.part(&server.base, file, (0, 3), "t")).is_err(), "{file}");
        }
        let secure = "https://127.0.0.1:1/simple/x/";
        assert!(run(index.part(secure, "http://127.0.0.1:1/x", (0, 3), "t")).is_err());
        assert_eq!(server.requests().len(), 2, "nobody else was asked");
        assert!(!asked.iter().any(|head| head.contains("authorization")));
    }
}
