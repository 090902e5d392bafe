//! Parts of one large file on a server: asked for by range, the file the same all the time, and gone on with
//! where the connection broke off.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;

use super::{Client, Expect, NetError, Request};

/// Longest time for one part.
const PART_TIMEOUT: Duration = Duration::from_hours(1);
/// How often a part that broke off is gone on with.
const RESUMPTIONS: u32 = 5;

/// A file of which parts can be had.
#[derive(Clone, Debug)]
pub struct RangedFile {
    client: Client,
    url: String,
    /// Bytes of the whole file.
    pub size: u64,
    etag: Option<String>,
}

impl RangedFile {
    /// Looks whether parts of a file can be had; `None` where there is no such file, or where the server
    /// gives it whole or not at all.
    ///
    /// # Errors
    /// [`NetError`] where the server did not answer.
    pub async fn open(client: &Client, url: &str) -> Result<Option<Self>, NetError> {
        let mut request = Request::get(url, Expect::Anything, 1);
        request.range = Some((0, 0));
        let answer = match client.send(&request).await {
            Ok(answer) => answer,
            // The whole file is on its way, or a page that is longer than a byte.
            Err(NetError::TooLarge { .. } | NetError::Unexpected { .. }) => return Ok(None),
            Err(error) if error.status().is_some() => return Ok(None),
            Err(error) => return Err(error),
        };
        let size = answer.header("content-range").and_then(parse_range);
        let Some((0, 0, size)) = size.filter(|_| answer.status == 206) else { return Ok(None) };
        let etag = answer.header("etag").map(str::to_owned);
        Ok(Some(Self { client: client.clone(), url: url.to_owned(), size, etag }))
    }

    /// A small part, in memory.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn bytes(&self, place: Range<u64>) -> Result<Vec<u8>, NetError> {
        let mut bytes = Vec::new();
        self.stream(place, &mut bytes).await?;
        Ok(bytes)
    }

    /// Writes a part as it comes. Where the connection breaks, the rest is asked for: what was written
    /// stands.
    ///
    /// # Errors
    /// [`NetError::Changed`] where the file is another by now; [`NetError`].
    pub async fn stream(&self, place: Range<u64>, into: &mut dyn Write) -> Result<(), NetError> {
        let mut out = Counted { into, written: 0 };
        let length = place.end.saturating_sub(place.start);
        let mut attempt = 0;
        while out.written < length {
            let from = place.start + out.written;
            match self.part(from..place.end, &mut out).await {
                Ok(()) => {}
                Err(error) if attempt < RESUMPTIONS && passes(&error) => {
                    tokio::time::sleep(self.client.backoff() * (1 << attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn part(&self, place: Range<u64>, out: &mut Counted<'_>) -> Result<(), NetError> {
        let mut request =
            Request::get(&self.url, Expect::Anything, place.end.saturating_sub(place.start));
        request.range = Some((place.start, place.end.saturating_sub(1)));
        request.total_timeout = Some(PART_TIMEOUT);
        request.part_of = Some((self.size, self.etag.clone()));
        self.client.download(&request, out).await.map(|_| ())
    }
}

/// Whether another attempt may go better.
fn passes(error: &NetError) -> bool {
    match error {
        NetError::Connect { .. } | NetError::Timeout { .. } | NetError::Broken { .. } => true,
        other => other.status().is_some_and(|status| status >= 500),
    }
}

/// First byte, last byte and size of `bytes 0-99/1234`.
pub(super) fn parse_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?, size.parse().ok()?))
}

struct Counted<'a> {
    into: &'a mut dyn Write,
    written: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.into.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
