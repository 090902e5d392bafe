//! Crate archives from the registry's static host or download service.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::index::crate_name;
use super::{Answer, Client, Expect, NetError, Request};

/// Most bytes of one archive. The registry's own limit is 10 MB, raised for few crates.
pub const ARCHIVE_LIMIT: u64 = 256 * 1024 * 1024;
/// Most bytes of a database dump.
pub const DUMP_LIMIT: u64 = 16 * 1024 * 1024 * 1024;
/// The dump in its zip form, below the base of the static files.
pub const DUMP_ZIP: &str = "db-dump.zip";
/// Longest time for a database dump.
const DUMP_TIMEOUT: Duration = Duration::from_hours(2);
/// Longest time for one archive.
const ARCHIVE_TIMEOUT: Duration = Duration::from_mins(5);
/// What stays as it is in a path segment; `+` does not, since some stores read it as a space.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const MARKERS: [&str; 5] =
    ["{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}"];

/// How the address of an archive is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveUrls {
    /// Files below a base that ends in `/`: `crates/{name}/{name}-{version}.crate`.
    Static(String),
    /// The `dl` value of an index, with or without markers.
    Template(String),
}

impl ArchiveUrls {
    /// The address of one archive. `sha256` is lower-case hexadecimal.
    ///
    /// # Errors
    /// [`NetError::BadName`] where the name is no crate name or the version no version.
    pub fn url(&self, name: &str, version: &str, sha256: &str) -> Result<String, NetError> {
        let krate = crate_name(name)?;
        if semver::Version::parse(version).is_err() {
            return Err(NetError::BadName(version.chars().take(100).collect()));
        }
        let segment = utf8_percent_encode(version, SEGMENT).to_string();
        let template = match self {
            Self::Static(base) => {
                return Ok(format!("{base}crates/{name}/{name}-{segment}.crate"));
            }
            Self::Template(template) => template,
        };
        if !MARKERS.iter().any(|marker| template.contains(marker)) {
            let base = template.trim_end_matches('/');
            return Ok(format!("{base}/{name}/{segment}/download"));
        }
        let mut prefix = String::new();
        krate.prefix(&mut prefix, '/');
        Ok(template
            .replace("{crate}", name)
            .replace("{version}", &segment)
            .replace("{prefix}", &prefix)
            .replace("{lowerprefix}", &prefix.to_ascii_lowercase())
            .replace("{sha256-checksum}", sha256))
    }
}

/// Downloads one archive. The caller checks its hash.
///
/// # Errors
/// [`NetError`]; [`NetError::Unexpected`] where what came is no gzip stream.
pub async fn download(client: &Client, url: &str) -> Result<Answer, NetError> {
    let mut request = Request::get(url, Expect::Gzip, ARCHIVE_LIMIT);
    request.total_timeout = Some(ARCHIVE_TIMEOUT);
    client.send(&request).await
}

/// Downloads the registry's database dump into a file, as it comes.
///
/// # Errors
/// [`NetError`]; the file then holds no dump.
pub async fn download_dump(
    client: &Client,
    static_files: &str,
    into: &mut dyn std::io::Write,
) -> Result<u64, NetError> {
    let url = format!("{static_files}db-dump.tar.gz");
    let mut request = Request::get(&url, Expect::Gzip, DUMP_LIMIT);
    request.total_timeout = Some(DUMP_TIMEOUT);
    client.download(&request, into).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_without_markers_gets_the_download_path() {
        let urls = ArchiveUrls::Template("http://127.0.0.1/v1/crates".to_owned());
        assert_eq!(
            urls.url("liblzma-sys", "0.3.2+5.6.1", "ab").unwrap(),
            "http://127.0.0.1/v1/crates/liblzma-sys/0.3.2%2B5.6.1/download"
        );
    }

    #[test]
    fn every_marker_is_filled() {
        let urls = ArchiveUrls::Template(
            "http://127.0.0.1/{prefix}/{lowerprefix}/{crate}/{version}/{sha256-checksum}"
                .to_owned(),
        );
        assert_eq!(
            urls.url("MyCrate", "1.0.0", "ab").unwrap(),
            "http://127.0.0.1/My/Cr/my/cr/MyCrate/1.0.0/ab"
        );
        assert_eq!(
            urls.url("abc", "1.0.0", "ab").unwrap(),
            "http://127.0.0.1/3/a/3/a/abc/1.0.0/ab"
        );
    }

    #[test]
    fn the_static_host_has_files() {
        let urls = ArchiveUrls::Static("http://127.0.0.1/".to_owned());
        assert_eq!(
            urls.url("serde", "1.0.0+x", "").unwrap(),
            "http://127.0.0.1/crates/serde/serde-1.0.0%2Bx.crate"
        );
    }

    #[test]
    fn names_and_versions_that_climb_out_are_refused() {
        let urls = ArchiveUrls::Static("http://127.0.0.1/".to_owned());
        assert!(urls.url("../x", "1.0.0", "").is_err());
        assert!(urls.url("x", "../../1.0.0", "").is_err());
        assert!(urls.url("x", "1.0.0/../..", "").is_err());
    }
}
