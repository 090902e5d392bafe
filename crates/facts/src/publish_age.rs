//! Cargo's own setting of how old a release has to be before it is resolved to, as it was read.

use std::collections::BTreeMap;

/// One value of the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgeSetting {
    /// The least age in seconds, 0 for none; why it cannot be told else.
    pub seconds: Result<u64, String>,
    /// Which key says so, and where it stands.
    pub set_by: String,
}

/// What cargo asks for, registry by registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishAges {
    /// `registry.global-min-publish-age`: every registry without its own.
    pub global: Option<AgeSetting>,
    /// `registry.min-publish-age`: the default registry.
    pub default_registry: Option<AgeSetting>,
    /// `registries.<name>.min-publish-age`, by the index that lockfiles have.
    pub registries: BTreeMap<String, AgeSetting>,
}
