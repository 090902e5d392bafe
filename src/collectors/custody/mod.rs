//! Group `custody`: who can publish this crate, since when, and what changed hands.
//!
//! A pure function of what the sources said ([`History`]), the version that is audited and a day: only
//! what could be known by that day counts. Measures and does not judge: a succession is reported with
//! its dates, whether it is healthy is for the rules to say, from what the bytes did at the same time.
//!
//! Every question is answered or unknown by itself: the API tells publishers but never when an owner
//! was added; a dump tells that, but not which workflow published. A team or a trusted workflow stands
//! for an unknown number of people, never for one.

mod event;
mod facts;
mod history;
mod identity;
mod newcomers;
mod owners;
mod publishers;
mod report;
mod ring;
mod version;

/// Name of the group.
pub const GROUP: &str = "custody";

pub use event::{CustodyEvent, EventBasis, EventKind};
pub use facts::{CustodyCoverage, CustodyFacts, OwnerFact, PublisherFact, custody_facts};
pub use history::{
    Account, AccountId, AccountKind, BrokenReference, CrateCustody, Dated, Deleted, History, Owner,
    Publisher, Release, SourceKind, Stamp, Who, date, days_between,
};
pub use newcomers::{NEWCOMERS_GROUP, Newcomer, NewcomerFacts, newcomers};
pub use report::{EventOrder, ReportCrate, custody_report};
pub use ring::add_rings;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod timeline;
