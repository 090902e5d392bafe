//! The `RustSec` advisory database as one archive.

use std::time::Duration;

use super::{Answer, BaseUrls, Caching, Client, Expect, NetError, Request};

/// The main branch of <https://github.com/rustsec/advisory-db> as a gzip tar.
pub const DEFAULT_ARCHIVE: &str =
    "https://github.com/rustsec/advisory-db/archive/refs/heads/main.tar.gz";
/// Most bytes of the archive. It has about 1 MB.
pub const ARCHIVE_LIMIT: u64 = 64 * 1024 * 1024;

/// Downloads the database, unless the server says that the kept answer holds. What is in it has to be checked before it is used.
///
/// # Errors
/// [`NetError`]; [`NetError::Unexpected`] where what came is no gzip stream.
pub async fn download(client: &Client, urls: &BaseUrls) -> Result<Answer, NetError> {
    let mut request = Request::get(urls.advisory_db.clone(), Expect::Gzip, ARCHIVE_LIMIT)
        .cached(Caching::Revalidate);
    request.total_timeout = Some(Duration::from_mins(5));
    client.send(&request).await
}
