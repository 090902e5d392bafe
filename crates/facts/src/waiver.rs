//! An exception with a reason: which finding does not gate, and until when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Location, RuleId};

/// One waiver of the policy, already validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    /// Which rule it is about.
    pub rule: RuleId,
    /// Name of the crate or model.
    pub package: String,
    /// Only this version, where given.
    pub version: Option<String>,
    /// Why, in the words of the person who wrote it.
    pub reason: String,
    /// Last day on which it counts, `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// SHA-256 of everything that is waived: of every item of evidence that has one, or of the crate's
    /// whole archive. The waiver dies when any of it changes.
    pub sha256: Vec<String>,
    /// Where it stands in custody.toml.
    pub location: Location,
}
