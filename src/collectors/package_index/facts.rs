//! What an index says of one package: facts group `package_index`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

/// What the index that the user named says of one package at its locked version.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct PackageIndexFacts {
    /// What became of the question: `found`, `missing`, or `version-missing` (the package is there, the
    /// version is not). Source: the index, as everything here.
    #[schemars(extend("enum" = ["found", "missing", "version-missing"]))]
    pub status: Measured<String>,
    /// What the index says of the whole project, such as `active`, `archived` or `quarantined`; empty where it
    /// says nothing.
    pub project_status: Measured<String>,
    /// Days since the first upload of any version: since when there is a package of this name.
    pub first_days: Measured<i64>,
    /// Days since the first upload of this version.
    pub version_days: Measured<i64>,
    /// Whether this version was withdrawn (yanked, deprecated).
    pub withdrawn: Measured<bool>,
    /// Whether the index holds a statement of the workflow that published this version.
    pub attested: Measured<bool>,
    /// Whether it does for a version that was uploaded before this one.
    pub attested_before: Measured<bool>,
    /// Whether this version runs a script of its own when it is installed and the one before did not. Source:
    /// npm only; unknown for Python.
    pub install_script_new: Measured<bool>,
    /// Files of the wheel that Python runs at every start: `*.pth`, `sitecustomize.py`, `usercustomize.py`;
    /// sorted, at most 50. Source: the wheel's directory, two requests by range; unknown for npm.
    pub startup_files: Measured<Vec<String>>,
    /// Those of them that the version before does not have, sorted.
    pub startup_files_new: Measured<Vec<String>>,
}

impl PackageIndexFacts {
    /// Nothing is known, for one reason.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        fn no<T>(reason: &str) -> Measured<T> {
            Measured::unknown(reason)
        }
        Self {
            status: no(reason),
            project_status: no(reason),
            first_days: no(reason),
            version_days: no(reason),
            withdrawn: no(reason),
            attested: no(reason),
            attested_before: no(reason),
            install_script_new: no(reason),
            startup_files: no(reason),
            startup_files_new: no(reason),
        }
    }
}
