//! How long a server wants to be left alone, from the headers of its answer.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::net::request::http_date;

/// The pause that a server asks for, in seconds or as a date to compare with its own clock.
pub(super) fn retry_after(headers: &BTreeMap<String, String>) -> Option<Duration> {
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
pub(super) fn used_up(headers: &BTreeMap<String, String>) -> Option<Duration> {
    let header = headers.get("ratelimit")?;
    let left = header.split(';').find_map(|part| part.trim().strip_prefix("r="))?;
    if left.parse() == Ok(0_u64) { window_end(header) } else { None }
}

/// The end of a fixed window, in `RateLimit: "api";r=0;t=55`
/// (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>), and one second for clocks.
pub(super) fn window_end(header: &str) -> Option<Duration> {
    let seconds = header.split(';').find_map(|part| part.trim().strip_prefix("t="))?;
    Some(Duration::from_secs(seconds.parse::<u64>().ok()?.saturating_add(1)))
}
