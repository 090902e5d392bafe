//! The body and the headers of an answer, held against what was asked for.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::refusal::{shown, transport, unexpected};
use crate::net::ranges::parse_range;
use crate::net::request::KEPT_HEADERS;
use crate::net::{Answer, AnswerFrom, Expect, NetError, Request};

pub(super) fn plain_answer(url: &Url, response: &reqwest::Response) -> Answer {
    Answer {
        status: response.status().as_u16(),
        url: url.to_string(),
        headers: kept_headers(response.headers()),
        bytes: Vec::new(),
        from: AnswerFrom::Network,
    }
}

pub(super) fn kept_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    KEPT_HEADERS
        .iter()
        .filter_map(|&name| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned())))
        .collect()
}

pub(super) async fn read_body(
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
pub(super) fn refuse_page(expect: Expect, url: &Url, answer: &Answer) -> Result<(), NetError> {
    let page = answer
        .header("content-type")
        .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
    if page && expect != Expect::Anything {
        return Err(unexpected(url, "an HTML page", expected(expect)));
    }
    Ok(())
}

/// The same, told by the first bytes, since types are often wrong.
pub(super) fn check_start(expect: Expect, url: &Url, bytes: &[u8]) -> Result<(), NetError> {
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

/// Whether an answer is the part that was asked for, of the file that is meant.
pub(super) fn check_part(request: &Request, url: &Url, head: &Answer) -> Result<(), NetError> {
    let changed = || NetError::Changed { url: shown(url) };
    match head.status {
        206 => {}
        // The server gives the whole file where it is not the one that is meant.
        200 | 412 | 416 if request.part_of.is_some() => return Err(changed()),
        status => return Err(NetError::Status { url: shown(url), status, code: None }),
    }
    let came = head.header("content-range").and_then(parse_range);
    let came =
        came.ok_or_else(|| unexpected(url, "a part without its place", "a part of a file"))?;
    if request.range != Some((came.0, came.1)) {
        return Err(unexpected(url, "another part", "the part that was asked for"));
    }
    match &request.part_of {
        Some((size, etag)) if *size != came.2 || etag.as_deref() != head.header("etag") => {
            Err(changed())
        }
        _ => Ok(()),
    }
}

pub(super) fn expected(expect: Expect) -> &'static str {
    match expect {
        Expect::Json => "JSON",
        Expect::JsonLines => "JSON lines",
        Expect::Gzip => "a gzip archive",
        Expect::Anything => "a file",
    }
}
