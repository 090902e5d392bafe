//! What backs a claim, and where it can be looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One observation that backs a finding.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Evidence {
    /// What was seen, with its numbers.
    pub note: String,
    /// File it was seen in: a member of the crate's archive, or a path relative to the audited folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Member of that file, where it is a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Byte offset in that file or member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// SHA-256 of that file, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Account that the observation is about; used to link signals by identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// The place where a reviewer looks first.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Location {
    /// File relative to the audited folder, with `/` between its parts.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// First column of the span, from 1, counted in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Column after the last of the span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    /// Member path, where `file` is an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Byte offset inside the file or member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Location {
    /// A whole line of a file.
    #[must_use]
    pub fn line(file: impl Into<String>, line: u32) -> Self {
        Self { file: file.into(), line, ..Self::default() }
    }
}
