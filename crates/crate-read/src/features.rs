//! What a crate's features turn on, as its manifest or the registry's index has it.

use std::collections::BTreeMap;

/// Features and dependencies of one crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureTable {
    /// Feature to what it turns on, in the words of manifests.
    pub features: BTreeMap<String, Vec<String>>,
    /// Dependencies of every platform; those for tests only of the project's own crates.
    pub dependencies: Vec<FeatureDependency>,
}

/// One dependency, with what it turns on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureDependency {
    /// The name that features call it by.
    pub key: String,
    /// Name of the crate.
    pub package: String,
    /// Version requirement; empty where there is none.
    pub requirement: String,
    /// Only a feature turns it on.
    pub optional: bool,
    /// With the features that are on by default.
    pub default_features: bool,
    /// With these features.
    pub features: Vec<String>,
}
