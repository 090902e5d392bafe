//! Tests of the ledger.

use super::*;

fn named(name: &str) -> Subject {
    Subject::registry_crate(name, "1.0.0")
}

fn offline() -> Answer {
    Answer::Unanswered(Cause::new(CauseKind::Offline, ""))
}

#[test]
fn what_is_not_answered_is_incomplete_and_counted() {
    let mut ledger = Ledger::new();
    ledger.write(SOURCE, &named("a"), Answer::Answered);
    assert!(!ledger.is_incomplete());
    ledger.write(SOURCE, &named("b"), offline());
    ledger.write(SOURCE, &named("c"), Answer::NotApplicable("a test"));
    assert!(ledger.is_incomplete());
    assert_eq!(ledger.coverage()[SOURCE], Coverage { known: 1, of: 2 });
    assert!(ledger.undetermined()[0].required);
}

#[test]
fn an_open_question_is_not_closed_by_a_second_answer() {
    let mut ledger = Ledger::new();
    ledger.write(SOURCE, &named("a"), offline());
    ledger.write(SOURCE, &named("a"), Answer::Answered);
    assert!(ledger.is_incomplete());
}

#[test]
fn one_cause_is_told_once_with_all_whom_it_struck() {
    let mut ledger = Ledger::new();
    for name in ["a", "b", "c"] {
        ledger.write(SOURCE, &named(name), offline());
        ledger.write("archive", &named(name), offline());
    }
    let gaps = ledger.gaps();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].subjects.len(), 3);
    assert_eq!(gaps[0].questions, ["archive", SOURCE]);
    assert_eq!(gaps[0].required, [SOURCE]);
    assert!(gaps[0].remedy.contains("--offline"));
}

#[test]
fn a_missing_advisory_database_has_its_own_remedy_whether_the_run_is_offline_or_not() {
    let reasons =
        ["there is no advisory database, and the run is offline: x", "no advisory database"];
    for reason in reasons {
        let cause = Cause::of_reason(reason);
        assert_eq!(cause.told(), "no advisory database");
        assert!(cause.remedy().contains("db update"));
    }
}

#[test]
fn a_gap_is_accepted_by_name_until_its_day() {
    let mut ledger = Ledger::new();
    ledger.write(SOURCE, &named("a"), offline());
    let until = |day: &str| Acceptance {
        package: "a".to_owned(),
        reason: "read by hand".to_owned(),
        expires: Some(day.to_owned()),
    };
    assert_eq!(ledger.accept(&[until("2026-01-01")], "2026-01-02"), ["a"]);
    assert!(ledger.is_incomplete());
    let none: [String; 0] = [];
    assert_eq!(ledger.accept(&[until("2026-01-02")], "2026-01-02"), none);
    assert!(!ledger.is_incomplete());
    let gap = &ledger.gaps()[0];
    assert_eq!(gap.accepted.as_deref(), Some("read by hand"));
    assert!(gap.required.is_empty());
    assert_eq!(ledger.coverage()[SOURCE], Coverage { known: 0, of: 1 });
}

#[test]
fn a_question_that_the_policy_requires_makes_the_run_incomplete() {
    let mut ledger = Ledger::new();
    ledger.write("advisories", &named("a"), offline());
    assert!(!ledger.is_incomplete());
    ledger.require("advisories");
    assert!(ledger.is_incomplete());
}

#[test]
fn reasons_of_collectors_have_their_causes() {
    let kind = |reason: &str| Cause::of_reason(reason).kind;
    assert_eq!(kind("not asked: the run is offline"), CauseKind::Offline);
    assert_eq!(
        Cause::of_reason("no connection for https://a.invalid:8/x: refused"),
        Cause::new(CauseKind::Unreachable, "a.invalid:8")
    );
    assert_eq!(kind("https://a.invalid/x answered with status 410"), CauseKind::Removed);
    assert_eq!(
        Cause::of_reason("https://a.invalid/x answered with status 503").told(),
        "refused by a.invalid with status 503"
    );
    assert_eq!(kind("the lockfile pins no hash of its archive"), CauseKind::Unpinned);
    assert_eq!(kind("the bytes on this machine are not the pinned ones"), CauseKind::Damaged);
    assert_eq!(Cause::of_reason("odd").told(), "odd");
}

#[test]
fn a_database_that_did_not_come_says_so_and_one_that_nobody_asked_for_does_not() {
    let told = |reason: &str| Cause::of_reason(reason).told();
    assert_eq!(
        told("there is no advisory database: no connection for https://a.invalid/x: refused"),
        "no advisory database: no answer from a.invalid"
    );
    assert_eq!(told("no advisory database"), "no advisory database");
}
