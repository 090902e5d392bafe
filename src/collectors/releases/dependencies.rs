//! What a release depends on that the one before it did not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::history::{History, days_between};
use crate::domain::Measured;
use crate_read::cargo_index::{IndexDependency, IndexError, IndexFile};

/// Most new dependencies that are listed.
pub(super) const LIST_LIMIT: usize = 2_000;

/// A dependency that a release has and its predecessor had not. Development dependencies are left out:
/// they do not reach those who depend on the crate.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "rules read independent yes-or-no facts")]
pub struct NewDependency {
    /// Name of the crate that is depended on, from the index line of the release.
    pub name: String,
    /// Version requirement, from the index line of the release.
    pub requirement: String,
    /// `normal` or `build`, from the index line of the release.
    pub kind: String,
    /// Whether it is optional, from the index line of the release.
    pub optional: bool,
    /// Whether it comes from another registry than the crate itself, from the index line.
    pub other_registry: bool,
    /// When the first version of the dependency was published (RFC 3339), from its own index file.
    pub first_published: Measured<String>,
    /// Age of the dependency's first version when this release was published, in whole days; negative
    /// where it is younger than the release. From both index files.
    pub first_published_age_days: Measured<i64>,
    /// Whether the names suggest one family: they share the part before the first `-` or `_`, or one
    /// contains the other. Computed from the names.
    pub sibling: bool,
    /// Whether an earlier release of the crate already depended on it, from its index lines.
    pub seen_before: bool,
}

/// The new dependencies of a release, without what other index files would tell.
pub(super) struct Added {
    pub dependencies: Vec<IndexDependency>,
    pub left_out: usize,
    /// Names that releases before the predecessor already had.
    pub seen_before: BTreeSet<String>,
    /// No release before this one had any dependency.
    pub first_ever: bool,
}

/// Compares the release at `at` with its predecessor; a first release has nothing new.
pub(super) fn added(
    file: &IndexFile,
    history: &History<'_>,
    at: usize,
) -> Result<Added, IndexError> {
    let now = shipped(file, history, at)?;
    let Some(before) = history.predecessor(at) else {
        return Ok(Added {
            dependencies: Vec::new(),
            left_out: 0,
            seen_before: BTreeSet::new(),
            first_ever: false,
        });
    };
    let had: BTreeSet<String> = names(file.dependencies(before.line)?);
    let mut fresh: Vec<IndexDependency> =
        now.into_iter().filter(|d| !had.contains(&d.package)).collect();
    fresh.sort();
    fresh.dedup_by(|a, b| (&a.package, &a.kind) == (&b.package, &b.kind));
    let mut added = Added {
        left_out: fresh.len().saturating_sub(LIST_LIMIT),
        dependencies: fresh,
        seen_before: BTreeSet::new(),
        first_ever: false,
    };
    added.dependencies.truncate(LIST_LIMIT);
    if !added.dependencies.is_empty() {
        // Only now are the lines of all earlier releases worth reading.
        let mut ever = BTreeSet::new();
        for release in &history.releases[..at] {
            ever.extend(names(file.dependencies(release.line)?));
        }
        added.first_ever = ever.is_empty();
        added.seen_before = ever;
    }
    Ok(added)
}

/// Dependencies that reach those who depend on the crate.
fn shipped(
    file: &IndexFile,
    history: &History<'_>,
    at: usize,
) -> Result<Vec<IndexDependency>, IndexError> {
    let mut all = file.dependencies(history.releases[at].line)?;
    all.retain(|d| d.kind != "dev");
    Ok(all)
}

fn names(dependencies: Vec<IndexDependency>) -> BTreeSet<String> {
    dependencies.into_iter().filter(|d| d.kind != "dev").map(|d| d.package).collect()
}

impl NewDependency {
    /// Joins what the index says of the release with what it says of the dependency.
    pub(super) fn new(
        dependency: IndexDependency,
        of: &str,
        published: Measured<Timestamp>,
        first: Measured<Timestamp>,
        seen_before: bool,
    ) -> Self {
        let age = first
            .clone()
            .and_then(|first| published.map(|published| days_between(first, published)));
        Self {
            sibling: siblings(of, &dependency.package),
            name: dependency.package,
            requirement: dependency.requirement,
            kind: dependency.kind,
            optional: dependency.optional,
            other_registry: dependency.registry.is_some(),
            first_published: first.map(|time| time.to_string()),
            first_published_age_days: age,
            seen_before,
        }
    }
}

/// Whether two names suggest one family.
fn siblings(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let (a, b) = (plain(a), plain(b));
    let first = |name: &str| name.split('-').next().unwrap_or("").to_owned();
    first(&a) == first(&b) || a.contains(&b) || b.contains(&a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_share_their_first_word_or_contain_one_another() {
        assert!(siblings("tokio", "tokio-macros"));
        assert!(siblings("serde_json", "serde-core"));
        assert!(siblings("my-toml", "toml"));
        assert!(!siblings("arrayref", "proc-macro1"));
        assert!(!siblings("toml", "serde_core"));
    }
}
