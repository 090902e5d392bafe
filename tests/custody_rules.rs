//! The custody rules on the custody timelines.

use cargo_custody::audit;
use cargo_custody::heuristics::{self, BUILT_IN, selftest};

const OURS: [&str; 29] = [
    "archive-changed-since-pin",
    "deleted-by-registry",
    "first-publish",
    "keys-changed-since-pin",
    "look-alike-name",
    "mass-yank",
    "new-hands-new-payload",
    "new-owner-publishes-at-once",
    "newborn-dependency-runs-or-imitates",
    "newborn-look-alike",
    "newborn-look-alike-runs-at-build",
    "owner-added",
    "owner-removed",
    "publishers-succeeded",
    "quiet-crate-gains-newborn-dependency",
    "quiet-crate-splits",
    "released-by-token",
    "removed-crate",
    "released-from-another-repository",
    "repository-moved",
    "ring-of-crates",
    "sole-publisher",
    "succession",
    "token-release-by-newcomer",
    "trusted-publishing-lost",
    "trusted-publishing-moved",
    "young-account",
    "young-account-on-unrelated-crates",
    "younger-than-cooldown",
];

#[test]
fn every_custody_rule_loads_and_its_tests_hold() {
    let rules = heuristics::load(audit::schema(), &[]).unwrap_or_else(|e| panic!("{e}"));
    for id in OURS {
        assert!(rules.rule(id).is_some(), "{id}");
    }
    let outcome = selftest::run(&rules, &|_, path| BUILT_IN.facts(path).map(str::to_owned));
    let failures: Vec<String> = outcome
        .failures
        .iter()
        .filter(|failure| OURS.contains(&failure.rule.as_str()) && failure.test > 0)
        .map(|failure| format!("{} test {}: {}", failure.rule, failure.test, failure.problem))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
