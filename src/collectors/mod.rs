//! Measure, never judge: one file is one group of facts.
//!
//! [`gather`] runs the collectors in order: what needs the network first, then the bytes in parallel,
//! then what compares. [`groups`] lists every group with its schema; it is all that rules can name.

pub mod advisories;
pub mod archive;
pub mod arrivals;
pub mod build_code;
pub mod bundle;
pub mod cargo_home;
pub mod close_look;
pub mod concealment;
pub mod contents;
pub mod cooldown;
pub mod crate_files;
pub mod crates;
pub mod custody;
pub mod custody_api;
pub mod custody_data;
pub mod custody_store;
pub mod excerpts;
pub mod family;
mod gather;
pub mod hub;
pub mod hub_cache;
pub mod index_files;
pub mod kept;
pub mod malware;
pub mod model_custody;
pub mod model_files;
pub mod names;
pub mod native;
pub mod package_index;
pub mod package_pins;
mod pass;
pub mod pins;
pub mod publish_age;
pub mod releases;
pub mod repository;
pub mod shared;
pub mod source_tree;
mod spill;
pub mod statements;
pub mod store;
pub mod update;
mod weakened;
pub mod window;

use crate::domain::fact::{SchemaOf, schema_of};

pub use gather::{
    Equipment, GatherError, Gathered, IMPORTED, Options, Scope, client, gather, gather_within,
    single,
};
pub use repository::fetch::{FETCHED, WHOLE};

/// Every group of facts that collectors measure, with what makes the JSON Schema of its struct.
#[must_use]
pub fn groups() -> Vec<(&'static str, SchemaOf)> {
    vec![
        (crate_files::GROUP, schema_of::<crate_files::BytesFacts>),
        (releases::GROUP, schema_of::<releases::ReleaseFacts>),
        (advisories::GROUP, schema_of::<advisories::AdvisoryFacts>),
        (source_tree::GROUP, schema_of::<source_tree::SourceFacts>),
        (archive::GROUP, schema_of::<archive::ArchiveFacts>),
        (build_code::GROUP, schema_of::<build_code::BuildFacts>),
        (build_code::SECRETS_GROUP, schema_of::<build_code::SecretFacts>),
        (build_code::LIBRARY_GROUP, schema_of::<build_code::LibraryFacts>),
        (concealment::GROUP, schema_of::<concealment::ConcealmentFacts>),
        (native::GROUP, schema_of::<native::NativeFacts>),
        (repository::GROUP, schema_of::<repository::RepositoryFacts>),
        (statements::GROUP, schema_of::<statements::StatementFacts>),
        (window::WINDOW, schema_of::<window::ComparisonFacts>),
        (window::PREVIOUS, schema_of::<window::ComparisonFacts>),
        (update::BYTES, schema_of::<window::ComparisonFacts>),
        (update::GAINS, schema_of::<update::GainFacts>),
        (custody::GROUP, schema_of::<custody::CustodyFacts>),
        (custody::NEWCOMERS_GROUP, schema_of::<custody::NewcomerFacts>),
        (names::GROUP, schema_of::<names::NameFacts>),
        (arrivals::GROUP, schema_of::<arrivals::ArrivalFacts>),
        (family::GROUP, schema_of::<family::FamilyFacts>),
        (pins::GROUP, schema_of::<pins::PinFacts>),
        (model_files::GROUP, schema_of::<model_files::ModelFacts>),
        (cooldown::GROUP, schema_of::<cooldown::CooldownFacts>),
        (publish_age::GROUP, schema_of::<publish_age::PublishAgeFacts>),
        (pins::MODEL_GROUP, schema_of::<pins::ModelPinFacts>),
        (package_pins::GROUP, schema_of::<package_pins::PackagePinFacts>),
        (package_index::GROUP, schema_of::<package_index::PackageIndexFacts>),
        (malware::GROUP, schema_of::<malware::MalwareFacts>),
        (hub::GROUP, schema_of::<hub::HubFacts>),
        (hub_cache::GROUP, schema_of::<hub_cache::HubCacheFacts>),
        (model_custody::GROUP, schema_of::<model_custody::ModelCustodyFacts>),
    ]
}
