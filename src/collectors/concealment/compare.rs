//! What two releases say together.

use std::collections::BTreeSet;

use super::facts::{ConcealmentFacts, IgnoredInput};

/// Patterns that hide a build input now and did not in the older release, wherever they stand.
#[must_use]
pub fn newly_ignored(now: &ConcealmentFacts, before: &ConcealmentFacts) -> Vec<IgnoredInput> {
    let known: BTreeSet<(&str, &str)> = before
        .ignored_inputs
        .iter()
        .map(|input| (input.path.as_str(), input.pattern.as_str()))
        .collect();
    now.ignored_inputs
        .iter()
        .filter(|input| !known.contains(&(input.path.as_str(), input.pattern.as_str())))
        .cloned()
        .collect()
}

/// The native library that this release binds and the older one did not.
#[must_use]
pub fn links_taken_over(now: &ConcealmentFacts, before: &ConcealmentFacts) -> Option<String> {
    now.links.clone().filter(|_| now.links != before.links)
}
