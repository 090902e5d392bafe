//! Group `package_index`: what the indexes of Python and npm say of a locked package, where the user named
//! one. One question a package, two requests by range for the directory of a wheel; nothing is downloaded
//! whole, nothing is unpacked. Measures, never judges.

mod facts;
mod npm;
mod python;
mod wheel;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use facts::PackageIndexFacts;

use crate::net::NetError;
use crate::net::package_index::PackageIndex;

/// Name of the group.
pub const GROUP: &str = "package_index";

/// One package to ask about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// As the index calls it.
    pub name: &'a str,
    /// The locked version; empty where none is.
    pub version: &'a str,
    /// The day that the audit speaks of: what was uploaded later does not count.
    pub as_of: Date,
}

/// Asks the index of Python about one distribution.
pub async fn python(index: &PackageIndex, question: &Question<'_>) -> PackageIndexFacts {
    let kept = question.as_of.to_string();
    match index.python(question.name, &kept).await {
        Ok(answer) => python::measure(index, question, &answer).await,
        Err(error) => refused(&error),
    }
}

/// Asks the index of npm about one package.
pub async fn npm(index: &PackageIndex, question: &Question<'_>) -> PackageIndexFacts {
    match index.npm(question.name, &question.as_of.to_string()).await {
        Ok(answer) => npm::measure(question, &answer.bytes),
        Err(error) => refused(&error),
    }
}

/// A package that is not there is known not to be; an index that did not answer says nothing.
fn refused(error: &NetError) -> PackageIndexFacts {
    let mut facts = PackageIndexFacts::unknown(&error.to_string());
    if matches!(error.status(), Some(404 | 410)) {
        facts.status = crate::domain::Measured::Known("missing".to_owned());
    }
    facts
}

/// Days from an RFC 3339 moment to a day; negative where it is later.
fn days(moment: &str, as_of: Date) -> Option<i64> {
    let date = moment.parse::<Timestamp>().ok()?.to_zoned(TimeZone::UTC).date();
    Some(date.duration_until(as_of).as_secs() / 86_400)
}
