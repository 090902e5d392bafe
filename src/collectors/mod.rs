//! Measure, never judge: one file is one group of facts.
//!
//! [`gather`] runs the collectors in order: what needs the network first, then the bytes in parallel,
//! then what compares. [`groups`] lists every group with its schema; it is all that rules can name.

pub mod advisories;
pub mod archive;
pub mod arrivals;
pub mod build_code;
pub mod cargo_home;
pub mod close_look;
pub mod concealment;
pub mod cooldown;
pub mod crate_files;
pub mod crates;
pub mod custody;
pub mod custody_api;
pub mod custody_store;
mod gather;
pub mod hub;
pub mod hub_cache;
pub mod index_files;
pub mod kept;
pub mod model_custody;
pub mod model_files;
pub mod names;
pub mod native;
pub mod pins;
pub mod releases;
pub mod store;
pub mod update;
pub mod window;

pub use gather::{
    GatherError, Gathered, IMPORTED, Options, Scope, client, gather, gather_within, single,
};

/// Every group of facts that collectors measure, with the JSON Schema of its struct.
#[must_use]
pub fn groups() -> Vec<(String, serde_json::Value)> {
    let group = |name: &str, schema: schemars::Schema| (name.to_owned(), schema.to_value());
    vec![
        group(crate_files::GROUP, schemars::schema_for!(crate_files::BytesFacts)),
        group(releases::GROUP, schemars::schema_for!(releases::ReleaseFacts)),
        group(advisories::GROUP, schemars::schema_for!(advisories::AdvisoryFacts)),
        group(archive::GROUP, schemars::schema_for!(archive::ArchiveFacts)),
        group(build_code::GROUP, schemars::schema_for!(build_code::BuildFacts)),
        group(build_code::SECRETS_GROUP, schemars::schema_for!(build_code::SecretFacts)),
        group(concealment::GROUP, schemars::schema_for!(concealment::ConcealmentFacts)),
        group(native::GROUP, schemars::schema_for!(native::NativeFacts)),
        group(window::WINDOW, schemars::schema_for!(window::ComparisonFacts)),
        group(window::PREVIOUS, schemars::schema_for!(window::ComparisonFacts)),
        group(update::BYTES, schemars::schema_for!(window::ComparisonFacts)),
        group(update::GAINS, schemars::schema_for!(update::GainFacts)),
        group(custody::GROUP, schemars::schema_for!(custody::CustodyFacts)),
        group(names::GROUP, schemars::schema_for!(names::NameFacts)),
        group(arrivals::GROUP, schemars::schema_for!(arrivals::ArrivalFacts)),
        group(pins::GROUP, schemars::schema_for!(pins::PinFacts)),
        group(model_files::GROUP, schemars::schema_for!(model_files::ModelFacts)),
        group(cooldown::GROUP, schemars::schema_for!(cooldown::CooldownFacts)),
        group(pins::MODEL_GROUP, schemars::schema_for!(pins::ModelPinFacts)),
        group(hub::GROUP, schemars::schema_for!(hub::HubFacts)),
        group(hub_cache::GROUP, schemars::schema_for!(hub_cache::HubCacheFacts)),
        group(model_custody::GROUP, schemars::schema_for!(model_custody::ModelCustodyFacts)),
    ]
}
