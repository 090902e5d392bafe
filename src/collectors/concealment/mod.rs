//! What a crate keeps from its readers' eyes: group `concealment`. Read from the bytes of the archive;
//! nothing is judged, and most of it has honest causes.
//!
//! A [`ConcealmentKeeper`] reads every file once while the archive passes by and keeps findings, the two
//! manifests and the names of build inputs. The result depends on those bytes alone, so it can be kept
//! under the archive's hash with [`COLLECTOR_VERSION`]. [`newly_ignored`] and [`links_taken_over`]
//! compare two releases.

mod compare;
mod facts;
mod keeper;

#[cfg(test)]
mod tests;

pub use compare::{links_taken_over, newly_ignored};
pub use facts::{
    CargoProgram, ConcealmentFacts, EncodedText, HiddenText, IgnoredInput, LookAlikeName,
    TrailingData,
};
pub use keeper::ConcealmentKeeper;

/// Name of the group.
pub const GROUP: &str = "concealment";

/// Has to be raised whenever the same archive gives other facts than before.
pub const COLLECTOR_VERSION: u64 = 1;
