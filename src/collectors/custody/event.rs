//! Changes of custody, dated, from the answers of one crate.
//!
//! An event is remembered with a weight that halves every twelve months, stays at a quarter from the
//! second to the end of the third year, and fades to nothing within the fourth. In the xz history the last
//! sign of the handover was 343 days old on the day of the payload; a rule that looks back half a year saw
//! nothing.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

use super::history::{SourceKind, days_between};

/// Days in a mean month.
const MONTH: f64 = 365.25 / 12.0;
/// Months until an event is remembered less than a quarter.
const QUARTER_UNTIL: f64 = 36.0;
/// Months until an event is forgotten.
const MEMORY: f64 = 48.0;

/// What changed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// An account or team was made owner after the crate's founding.
    OwnerAdded,
    /// An owner is gone.
    OwnerRemoved,
    /// An account published here for the first time, and the crate was a year old or older.
    FirstPublish,
    /// The last three releases have no publisher in common with those of 24 to 60 months before.
    Succession,
    /// An account published when it was younger than 90 days.
    YoungAccount,
    /// A person published by token after releases by trusted publishing.
    TrustedPublishingLost,
    /// The trusted workflow runs in another repository than before.
    TrustedPublishingRepositoryChanged,
    /// An account that can or did publish has another name than before.
    AccountRenamed,
    /// The declared repository lies with another host or owner than ever before.
    RepositoryMoved,
    /// The declared home page lies with another host or owner than ever before.
    ContactChanged,
    /// One account published for the first time on three or more crates of the graph within 30 days.
    RingOfCrates,
}

impl EventKind {
    /// The word in facts and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OwnerAdded => "owner-added",
            Self::OwnerRemoved => "owner-removed",
            Self::FirstPublish => "first-publish",
            Self::Succession => "succession",
            Self::YoungAccount => "young-account",
            Self::TrustedPublishingLost => "trusted-publishing-lost",
            Self::TrustedPublishingRepositoryChanged => "trusted-publishing-repository-changed",
            Self::AccountRenamed => "account-renamed",
            Self::RepositoryMoved => "repository-moved",
            Self::ContactChanged => "contact-changed",
            Self::RingOfCrates => "ring-of-crates",
        }
    }
}

/// How an event is known.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EventBasis {
    /// A source states it with its date.
    Stated,
    /// Two answers of different days differ; it happened between them, the date is that of the later.
    Compared,
    /// It follows from what a source leaves out: a dump names no publisher where a workflow published.
    Inferred,
}

/// One change of custody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyEvent {
    /// What changed. Source: the answer named in `source`.
    pub kind: EventKind,
    /// First UTC day on which it could be known, `YYYY-MM-DD`.
    pub date: String,
    /// Days from that day to the day of the audit.
    pub age_days: i64,
    /// Login of the account that it is about, or the address for `repository-moved` and
    /// `contact-changed`. A string of strangers.
    pub who: String,
    /// Login of who brought it about, where a source says so: the owner who added another.
    pub by: Measured<String>,
    /// The state before, in words.
    pub before: String,
    /// The state after, in words.
    pub after: String,
    /// Memory of it, from 1 down to 0.25 within 24 months, 0 after 48 months.
    pub weight: f64,
    /// How it is known: `stated`, `compared`, `inferred`.
    pub basis: EventBasis,
    /// Which source shows it: dump, slim file, registry API, pin.
    pub source: String,
    /// For `first-publish`: hours between being made owner and publishing.
    pub hours_since_added: Measured<i64>,
    /// For `succession`: days from the newcomers' first release to their predecessors' last one; 0 if
    /// the predecessors never published again.
    pub overlap_days: i64,
    /// For `succession` and `first-publish`: an account that published before is still an owner.
    pub predecessor_is_owner: Measured<bool>,
    /// For `ring-of-crates`: the crates, ordered by name; empty for the other kinds.
    pub crates: Vec<String>,
}

/// Memory of an event of that age.
#[must_use]
pub(super) fn weight(age_days: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "days between two dates of the calendar")]
    let months = age_days.max(0) as f64 / MONTH;
    let halving = (-months / 12.0).exp2().max(0.25);
    let last_year = (MEMORY - months) / (MEMORY - QUARTER_UNTIL) / 4.0;
    halving.min(last_year.max(0.0))
}

/// An event with everything empty that its kind does not need.
pub(super) fn event(
    kind: EventKind,
    on: Date,
    as_of: Date,
    who: &str,
    source: SourceKind,
) -> CustodyEvent {
    let age_days = days_between(on, as_of);
    CustodyEvent {
        kind,
        date: on.to_string(),
        age_days,
        who: who.to_owned(),
        by: Measured::unknown("no source says who brought it about"),
        before: String::new(),
        after: String::new(),
        weight: weight(age_days),
        basis: EventBasis::Stated,
        source: source.as_str().to_owned(),
        hours_since_added: Measured::unknown(
            "does not apply, or when they became owner is not known",
        ),
        overlap_days: 0,
        predecessor_is_owner: Measured::unknown("does not apply, or the owners are not known"),
        crates: Vec::new(),
    }
}
