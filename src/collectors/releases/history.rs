//! The releases of one crate in time, as far as they were known on a day. Pure.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use semver::Version;

use crate_read::cargo_index::{IndexFile, IndexLine};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// One release.
#[derive(Clone, Debug, PartialEq)]
pub struct Release<'a> {
    /// Its line in the index.
    pub line: &'a IndexLine,
    /// Its version.
    pub version: Version,
    /// When it was published, where the index says so.
    pub published: Option<Timestamp>,
}

/// The releases known on a day, in the order of their publication.
#[derive(Clone, Debug, PartialEq)]
pub struct History<'a> {
    /// In the order of time; where no time is known, in the order of the index.
    pub releases: Vec<Release<'a>>,
    /// How many of them have no publish time.
    pub undated: usize,
    /// Lines whose version or time cannot be read.
    pub unreadable: usize,
}

/// Releases between which requirements are met: same major version, below 1.0 same minor, below 0.1
/// same patch (<https://doc.rust-lang.org/cargo/reference/semver.html>).
#[must_use]
pub fn same_line(a: &Version, b: &Version) -> bool {
    (a.major, a.minor, a.patch) == (b.major, b.minor, b.patch)
        || (a.major == b.major && (a.major > 0 || (a.minor == b.minor && a.minor > 0)))
}

/// Whole days from one moment to a later one; negative where it is earlier.
#[must_use]
pub fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_second() - from.as_second()).div_euclid(DAY)
}

/// Whole days by the calendar (UTC) from a moment to a day: 0 on the same day.
#[must_use]
pub fn days_until(from: Timestamp, day: Date) -> i64 {
    let from = TimeZone::UTC.to_datetime(from).date();
    // Both are dates of the years that jiff knows, so their distance in days exists.
    from.duration_until(day).as_secs().div_euclid(DAY)
}

impl<'a> History<'a> {
    /// What was known at the end of `as_of` (UTC). Versions without a publish time count as known.
    #[must_use]
    pub fn known_on(file: &'a IndexFile, as_of: Date) -> Self {
        let mut unreadable = file.bad.len() + file.bad_left_out;
        let mut releases = Vec::new();
        for line in &file.lines {
            let version = Version::parse(&line.version);
            let published = line.published.as_deref().map(str::parse::<Timestamp>).transpose();
            match (version, published) {
                (Ok(version), Ok(published)) => {
                    if published.is_none_or(|time| days_until(time, as_of) >= 0) {
                        releases.push(Release { line, version, published });
                    }
                }
                _ => unreadable += 1,
            }
        }
        let undated = releases.iter().filter(|r| r.published.is_none()).count();
        if undated == 0 {
            // The sort is stable: equal times stay in the order of the index.
            releases.sort_by_key(|r| r.published);
        }
        Self { releases, undated, unreadable }
    }

    /// Position of a version.
    #[must_use]
    pub fn position(&self, version: &str) -> Option<usize> {
        self.releases.iter().position(|r| r.line.version == version)
    }

    /// The release that `at` continues: the highest lower version of the same line published before
    /// it, else the highest lower version of any line, else the one published just before it.
    #[must_use]
    pub fn predecessor(&self, at: usize) -> Option<&Release<'a>> {
        let version = &self.releases[at].version;
        let lower = || self.releases[..at].iter().filter(|r| r.version < *version);
        lower()
            .filter(|r| same_line(&r.version, version))
            .max_by(|a, b| a.version.cmp(&b.version))
            .or_else(|| lower().max_by(|a, b| a.version.cmp(&b.version)))
            .or_else(|| self.releases[..at].last())
    }

    /// The release to compare `at` with over a window: published at least `days` before it, of the
    /// same line where there is one, the highest lower version, else the latest.
    #[must_use]
    pub fn earlier_by(&self, at: usize, days: i64) -> Option<&Release<'a>> {
        let Release { version, published, .. } = &self.releases[at];
        let published = (*published)?;
        let old = || {
            self.releases[..at]
                .iter()
                .filter(|r| r.published.is_some_and(|time| days_between(time, published) >= days))
        };
        let lower = || old().filter(|r| r.version < *version);
        lower()
            .filter(|r| same_line(&r.version, version))
            .max_by(|a, b| a.version.cmp(&b.version))
            .or_else(|| lower().max_by(|a, b| a.version.cmp(&b.version)))
            .or_else(|| old().next_back())
    }

    /// Days between each release and the one before it, where all have a time.
    #[must_use]
    pub fn gaps(&self) -> Vec<i64> {
        self.releases
            .windows(2)
            .filter_map(|pair| Some(days_between(pair[0].published?, pair[1].published?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_is_what_a_caret_requirement_spans() {
        for (a, b, same) in [
            ("1.2.0", "1.9.3", true),
            ("1.2.0", "2.0.0", false),
            ("0.3.9", "0.3.10", true),
            ("0.3.9", "0.4.0", false),
            ("0.0.1", "0.0.2", false),
            ("0.0.1", "0.0.1", true),
        ] {
            assert_eq!(same_line(&version(a), &version(b)), same, "{a} {b}");
        }
    }

    #[test]
    fn days_are_counted_by_the_calendar_for_ages_and_by_the_clock_for_gaps() {
        let evening: Timestamp = "2026-08-19T23:00:00Z".parse().unwrap();
        let morning: Timestamp = "2026-08-20T01:00:00Z".parse().unwrap();
        assert_eq!(days_until(evening, jiff::civil::date(2026, 8, 20)), 1);
        assert_eq!(days_until(morning, jiff::civil::date(2026, 8, 20)), 0);
        assert_eq!(days_until(morning, jiff::civil::date(2026, 8, 19)), -1);
        assert_eq!(days_between(evening, morning), 0);
        assert_eq!(days_between(morning, evening), -1);
    }
}
