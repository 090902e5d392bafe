//! For how long a kept answer is taken without asking its server.
//!
//! As long as the server itself says (`Cache-Control: max-age`, RFC 9111), and never longer than an hour: a mirror
//! that says a year would keep a removed release or a yank from being seen. A server that says nothing is asked.

use std::collections::BTreeMap;

/// Longest time, in seconds, whatever a server says. The default registry says 600 of its index.
const LONGEST: i64 = 3_600;

/// Whether an answer that came at `at` still holds at `now`, both in seconds since 1970 by this machine's clock.
/// One of a moment that has not come, as after a clock was set back, does not.
pub(super) fn holds(headers: &BTreeMap<String, String>, at: Option<i64>, now: i64) -> bool {
    let Some(age) = at.and_then(|at| now.checked_sub(at)).filter(|age| *age >= 0) else {
        return false;
    };
    // How old it was already when it came, out of a cache on the way.
    let before = match headers.get("age").map(|text| text.trim().parse::<u32>()) {
        None => 0,
        Some(Ok(seconds)) => i64::from(seconds),
        Some(Err(_)) => return false,
    };
    age.saturating_add(before) < lifetime(headers)
}

/// Seconds for which the server says that its answer holds.
fn lifetime(headers: &BTreeMap<String, String>) -> i64 {
    let Some(control) = headers.get("cache-control") else { return 0 };
    let mut seconds = 0;
    for word in control.split(',') {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-cache" | "no-store" => return 0,
            // Digits only; of two that differ none is believed.
            "max-age" => match value.trim().trim_matches('"').parse::<u32>().map(i64::from) {
                Ok(told) if seconds == 0 || seconds == told => seconds = told,
                _ => return 0,
            },
            _ => {}
        }
    }
    seconds.min(LONGEST)
}

/// What a confirmation says anew of an answer that is kept: its day, and for how long it holds from here on.
pub(super) fn renew(kept: &mut BTreeMap<String, String>, mut confirmed: BTreeMap<String, String>) {
    // How old the former answer was on its way says nothing of this one.
    kept.remove("age");
    for name in ["age", "cache-control", "date"] {
        if let Some(value) = confirmed.remove(name) {
            kept.insert(name.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn until(all: &[(&str, &str)]) -> i64 {
        let headers = headers(all);
        let mut ages = 0..=2 * LONGEST;
        ages.find(|age| !holds(&headers, Some(1_000), 1_000 + age)).expect("it ends")
    }

    #[test]
    fn an_answer_holds_as_long_as_its_server_says_and_an_hour_at_most() {
        assert_eq!(until(&[("cache-control", "public,max-age=600")]), 600);
        assert_eq!(until(&[("cache-control", "Max-Age=\"60\"")]), 60);
        assert_eq!(until(&[("cache-control", "max-age=600"), ("age", "590")]), 10);
        assert_eq!(until(&[("cache-control", "max-age=31536000, immutable")]), 3_600);
    }

    #[test]
    fn who_says_nothing_or_what_cannot_be_read_is_asked() {
        for all in [
            &[][..],
            &[("cache-control", "public")],
            &[("cache-control", "max-age=600, no-cache")],
            &[("cache-control", "no-store, max-age=600")],
            &[("cache-control", "max-age=-1")],
            &[("cache-control", "max-age=99999999999999999999")],
            &[("cache-control", "max-age=600, max-age=60")],
            &[("cache-control", "s-maxage=600")],
            &[("cache-control", "max-age=600"), ("age", "old")],
        ] {
            assert_eq!(until(all), 0, "{all:?}");
        }
    }

    #[test]
    fn an_answer_of_an_unknown_or_later_moment_is_not_fresh() {
        let said = headers(&[("cache-control", "max-age=600")]);
        assert!(holds(&said, Some(1_000), 1_000));
        assert!(!holds(&said, None, 1_000));
        assert!(!holds(&said, Some(1_001), 1_000));
        assert!(!holds(&said, Some(i64::MIN), i64::MAX));
    }

    #[test]
    fn a_confirmation_has_the_last_word_on_how_long() {
        let mut kept = headers(&[("age", "500"), ("cache-control", "max-age=600"), ("etag", "a")]);
        renew(&mut kept, headers(&[("cache-control", "max-age=60"), ("etag", "b")]));
        assert_eq!(kept, headers(&[("cache-control", "max-age=60"), ("etag", "a")]));
    }
}
