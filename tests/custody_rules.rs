//! The custody rules on the custody timelines. The tests inside of them are run with those of all rules.

use std::sync::LazyLock;

use cargo_custody::audit;
use cargo_custody::domain::{FactSheet, Level, Location};
use cargo_custody::heuristics::judge::{Case, judge};
use cargo_custody::heuristics::{self, BUILT_IN, Ruleset};

const OURS: [&str; 33] = [
    "advisory-not-built",
    "archive-changed-since-pin",
    "build-code-changed-since-pin",
    "deleted-by-registry",
    "first-publish",
    "keys-changed-since-pin",
    "locked-too-young",
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
    "statements-disagree",
    "succession",
    "token-release-by-newcomer",
    "trusted-publishing-lost",
    "trusted-publishing-moved",
    "young-account",
    "young-account-on-unrelated-crates",
    "younger-than-cooldown",
];

/// Expressions are compiled once a ruleset, so one serves all tests.
static RULES: LazyLock<Ruleset> = LazyLock::new(|| {
    heuristics::load(audit::schema(), &[]).unwrap_or_else(|error| panic!("{error}"))
});

#[test]
fn every_custody_rule_loads() {
    for id in OURS {
        assert!(RULES.rule(id).is_some(), "{id}");
    }
}

/// The levels that a finding has on a sheet, some of its facts replaced.
fn levels(sheet: &str, with: &[(&str, serde_json::Value)], rule: &str) -> Vec<Level> {
    let text = BUILT_IN.facts(&format!("fixtures/facts/{sheet}.json")).expect("a sheet");
    let mut sheet: FactSheet = serde_json::from_str(text).expect("a sheet");
    for (group, facts) in with {
        let of = sheet.facts.entry((*group).to_owned()).or_insert_with(|| serde_json::json!({}));
        for (key, value) in facts.as_object().expect("a group") {
            of[key] = value.clone();
        }
    }
    let location = Location::line("Cargo.lock", 1);
    let case = Case { sheet, location, related: Vec::new(), path: Vec::new() };
    let findings = judge(&RULES, &[case]).findings.into_iter();
    findings.filter(|finding| finding.rule == rule).map(|finding| finding.level).collect()
}

#[test]
fn a_removed_crate_is_high_and_critical_where_somebody_calls_it_malicious() {
    let of = |sheet, with: &[(&str, serde_json::Value)], rule| levels(sheet, with, rule);
    assert_eq!(of("custody-deleted", &[], "deleted-by-registry"), [Level::Critical]);
    let asked =
        serde_json::json!({"deleted_message": "by its owner", "deleted_as_malicious": false});
    assert_eq!(of("custody-deleted", &[("custody", asked)], "deleted-by-registry"), [Level::High]);
    let absent = ("releases", serde_json::json!({"crate_absent": true}));
    assert_eq!(of("itoa-1.0.19", std::slice::from_ref(&absent), "removed-crate"), [Level::High]);
    let advisory = serde_json::json!({"list": [{"id": "RUSTSEC-2026-0001", "kind": "malicious"}]});
    assert_eq!(
        of("itoa-1.0.19", &[absent, ("advisories", advisory)], "removed-crate"),
        [Level::Critical]
    );
}

#[test]
fn a_young_account_on_unrelated_crates_is_medium_and_high_where_code_runs_at_build_time() {
    let rule = "young-account-on-unrelated-crates";
    assert_eq!(levels("custody-young-buyer", &[], rule), [Level::Medium]);
    let script =
        serde_json::json!({"manifest": {"build_scripts": ["build.rs"], "proc_macro": false}});
    assert_eq!(levels("custody-young-buyer", &[("archive", script)], rule), [Level::High]);
}
