//! What the project says of each model, data set and service that it names: facts groups `reference`
//! and `service`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{Confidence, Reference, RevisionKind};
use crate::domain::Measured;

/// Most references of one subject that are listed.
const LISTED: usize = 200;

/// How the project names one model, data set or service, at one revision.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct ReferenceFacts {
    /// Where it is named, ordered by file and line; at most 200. Source: the project's files.
    pub references: Vec<Reference>,
    /// Number of places that name it.
    pub count: u32,
    /// Places beyond those listed.
    pub left_out: u32,
    /// The revision as written; empty where none is given, which is the default branch.
    pub revision: String,
    /// What the revision is: `commit`, `branch`, `tag-or-branch`, `pull-request`, `converted`,
    /// `variable` or `none`.
    pub revision_kind: RevisionKind,
    /// Whether the revision is a commit of 40 hexadecimal digits, which stands still. Unknown where
    /// the code computes the revision.
    pub pinned: Measured<bool>,
    /// Whether a place that names it also enables code from the repository
    /// (`trust_remote_code=True`, `--trust-remote-code`).
    pub trust_remote_code: bool,
    /// Whether every place that names it also gives a commit for code from a second repository
    /// (`code_revision=...`, `--code-revision`).
    pub code_pinned: bool,
    /// How sure it is that the project loads it, by the surest place: `low`, `medium` or `high`.
    pub confidence: Confidence,
    /// Whether only tests, benchmarks and examples name it: by the paths of their files, or in modules
    /// of Rust that are compiled for tests only.
    pub only_in_tests: bool,
}

impl ReferenceFacts {
    /// Sums up the references of one subject; they all have the same revision.
    #[must_use]
    pub(super) fn of(mut references: Vec<Reference>) -> Option<Self> {
        references.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        let first = references.first()?.clone();
        let count = u32::try_from(references.len()).unwrap_or(u32::MAX);
        let facts = Self {
            count,
            left_out: count.saturating_sub(u32::try_from(LISTED).unwrap_or(u32::MAX)),
            revision: first.revision.clone().unwrap_or_default(),
            revision_kind: first.revision_kind,
            pinned: first.pinned(),
            trust_remote_code: references.iter().any(|r| r.trust_remote_code == Some(true)),
            code_pinned: references.iter().all(|r| r.code_pinned == Some(true)),
            confidence: references.iter().map(|r| r.confidence).max().unwrap_or(Confidence::Low),
            only_in_tests: references.iter().all(|r| r.in_tests),
            references: Vec::new(),
        };
        references.truncate(LISTED);
        Some(Self { references, ..facts })
    }
}

/// What is known of a hosted service by its address.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Its host, with the port where one is named.
    pub host: String,
    /// Who runs it, for the services that are known; empty otherwise. Source:
    /// `rules/tables/ai-services.toml`.
    pub vendor: String,
    /// Whether the address stays on this machine or a private network, so that no data leaves.
    pub local: bool,
}
