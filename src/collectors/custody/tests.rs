use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, date as day};

use super::timeline::{self, Expected, Timeline};
use super::*;
use crate::domain::Measured;

/// The facts of every crate of a timeline on a day, rings included, at their newest release.
fn facts_on(timeline: &Timeline, as_of: Date) -> BTreeMap<String, CustodyFacts> {
    facts_of(&histories(timeline), as_of)
}

fn histories(timeline: &Timeline) -> Vec<History> {
    timeline.crates.iter().map(timeline::CrateTimeline::history).collect()
}

fn facts_of(histories: &[History], as_of: Date) -> BTreeMap<String, CustodyFacts> {
    let mut facts = histories
        .iter()
        .map(|history| {
            let releases = history.releases_by(as_of);
            let newest = releases
                .known()
                .and_then(|list| list.last())
                .map_or(String::new(), |last| last.release.number.clone());
            (history.name.clone(), custody_facts(history, &newest, as_of))
        })
        .collect();
    add_rings(&mut facts, as_of);
    facts
}

fn seen(facts: &CustodyFacts) -> Vec<Expected> {
    let mut seen: Vec<Expected> = facts
        .events
        .known()
        .into_iter()
        .flatten()
        .map(|event| Expected {
            kind: event.kind,
            who: event.who.clone(),
            date: event.date.clone(),
        })
        .collect();
    seen.sort();
    seen
}

fn of(facts: &CustodyFacts, kind: EventKind) -> &CustodyEvent {
    facts.events.known().unwrap().iter().find(|event| event.kind == kind).unwrap()
}

fn one(file: &str, as_of: Date) -> CustodyFacts {
    facts_on(&timeline::all()[file], as_of).into_values().next().unwrap()
}

#[test]
fn every_timeline_shows_each_event_from_its_day_on_and_not_before() {
    for (file, timeline) in timeline::all() {
        assert!(!timeline.about.is_empty());
        let first = timeline.crates.iter().map(timeline::CrateTimeline::first_day).min().unwrap();
        let mut as_of = first.max(timeline.as_of.saturating_sub(4.years()));
        let histories = histories(&timeline);
        while as_of <= timeline.as_of {
            let facts = facts_of(&histories, as_of);
            for one in &timeline.crates {
                let mut want: Vec<Expected> = one
                    .expect
                    .iter()
                    .filter(|event| event.date <= as_of.to_string())
                    .cloned()
                    .collect();
                want.sort();
                assert_eq!(seen(&facts[&one.name]), want, "{file}: {} on {as_of}", one.name);
            }
            as_of = as_of.tomorrow().unwrap();
        }
    }
}

#[test]
fn no_event_is_forgotten_within_24_months_and_none_falls_off_a_cliff() {
    for (file, timeline) in timeline::all() {
        let histories = histories(&timeline);
        for months in 1..=24 {
            let later = facts_of(&histories, timeline.as_of.saturating_add(months.months()));
            for one in &timeline.crates {
                let mut want = one.expect.clone();
                want.sort();
                assert_eq!(seen(&later[&one.name]), want, "{file} after {months} months");
            }
        }
    }
    for age in 0..2_000 {
        let (now, tomorrow) = (event::weight(age), event::weight(age + 1));
        assert!(now - tomorrow >= 0.0 && now - tomorrow < 0.002, "{age}");
        assert!(now >= 0.249 || age > 1_095, "{age}");
    }
    assert!((event::weight(0) - 1.0).abs() < 1e-9);
    assert!((event::weight(365) - 0.5).abs() < 0.001);
    assert!(event::weight(1461).abs() < 1e-9 && event::weight(1460) > 0.0);
}

#[test]
fn on_the_day_of_the_payload_the_handover_is_still_remembered() {
    let facts = one("xz-handover", day(2024, 2, 24));
    assert_eq!(facts.published_by, Measured::Known("newcomer".to_owned()));
    assert_eq!(facts.publisher_is_new, Measured::Known(false));
    let first = of(&facts, EventKind::FirstPublish);
    assert_eq!(first.age_days, 343);
    assert!(first.weight > 0.5 && first.weight < 0.53);
    assert_eq!(first.hours_since_added, Measured::Known(92 * 24));
    let succession = of(&facts, EventKind::Succession);
    assert_eq!(succession.overlap_days, 0);
    assert_eq!(succession.before, "1 releases from 2020-03-17 to 2020-03-17 by founder");
    assert_eq!(facts.publisher_count, Measured::Known(2));
    assert!(!facts.coverage.owners, "the only owner list is younger than that day");
}

#[test]
fn a_healthy_succession_shows_overlap_and_a_predecessor_who_stayed() {
    let facts = one("healthy-succession", day(2024, 4, 1));
    let succession = facts
        .publish_events
        .known()
        .unwrap()
        .iter()
        .find(|event| event.is(&[EventKind::Succession]) && event.date == "2023-05-04")
        .unwrap();
    assert_eq!(succession.overlap_days, 333);
    assert_eq!(succession.predecessor_is_owner, Measured::Known(true));
}

#[test]
fn a_lone_maintainer_is_one_and_a_team_is_not() {
    let lone = one("lone-maintainer", day(2026, 11, 22));
    assert_eq!(lone.sole_publisher, Measured::Known(true));
    assert_eq!(lone.strongest_event_weight, Measured::Known(0.0));
    let team = one("team-only", day(2026, 11, 22));
    assert!(team.sole_publisher.known().is_none());
    assert_eq!((team.owner_users, team.owner_teams), (Measured::Known(0), Measured::Known(1)));
    let three = one("healthy-team", day(2026, 11, 22));
    assert_eq!(three.sole_publisher, Measured::Known(false));
    assert_eq!(three.publisher_count, Measured::Known(3));
}

#[test]
fn trusted_publishing_is_not_an_unknown_publisher() {
    let before = one("token-after-trusted", day(2028, 1, 19));
    assert_eq!(before.published_by_workflow, Measured::Known(true));
    assert_eq!(before.published_by, Measured::Known(String::new()));
    assert_eq!(before.trusted_publishing_share, Measured::Known(1.0));
    assert!(before.sole_publisher.known().is_none());
    let after = one("token-after-trusted", day(2028, 1, 20));
    assert_eq!(after.published_by, Measured::Known("ada".to_owned()));
    let lost = of(&after, EventKind::TrustedPublishingLost);
    assert_eq!(lost.before, "8 releases by trusted publishing since 2025-12-05");
    assert_eq!(lost.basis, EventBasis::Stated);
    assert_eq!(before.trusted_publishing_dropped, Measured::Known(false));
    assert_eq!(after.trusted_publishing_dropped, Measured::Known(true));
    assert_eq!(after.publisher_source, Measured::Known("registry API".to_owned()));
    let fork = one("trusted-elsewhere", day(2027, 6, 1));
    assert_eq!(fork.trusted_repository_differs, Measured::Known(true));
}

#[test]
fn a_new_owner_who_publishes_at_once_is_measured_in_hours() {
    let facts = one("prompt-publish", day(2026, 4, 1));
    let first = of(&facts, EventKind::FirstPublish);
    assert_eq!(first.hours_since_added, Measured::Known(31));
    assert_eq!(first.predecessor_is_owner, Measured::Known(true));
    assert_eq!(of(&facts, EventKind::OwnerAdded).by, Measured::Known("ada".to_owned()));
    assert_eq!(facts.publisher_is_new, Measured::Known(true));
}

#[test]
fn a_deletion_counts_from_the_day_that_it_happened() {
    let timeline = &timeline::all()["deleted"];
    let on = |as_of| facts_on(timeline, as_of)["acme-tensro"].clone();
    assert_eq!(on(day(2026, 3, 3)).deleted, Measured::Known(false));
    assert_eq!(on(day(2026, 3, 5)).deleted, Measured::Known(true));
    assert_eq!(on(day(2026, 3, 5)).deleted_message, Measured::Known("malicious".to_owned()));
    assert!(on(day(2026, 3, 1)).deleted.known().is_none());
}

#[test]
fn without_data_everything_is_unknown_and_nothing_is_zero() {
    let facts = custody_facts(&History::new("x", Vec::new()), "1.0.0", day(2026, 1, 1));
    let json = serde_json::to_value(&facts).unwrap();
    for (key, value) in json.as_object().unwrap() {
        if !["coverage", "events_left_out"].contains(&key.as_str()) {
            assert!(crate::domain::fact::unknown_reason(value).is_some(), "{key} is {value}");
        }
    }
    assert_eq!(facts.coverage, CustodyCoverage::default());
    assert_eq!(serde_json::from_value::<CustodyFacts>(json).unwrap(), facts);
}

#[test]
fn a_list_of_a_later_day_does_not_count_owners_of_an_earlier_one() {
    let facts = one("lone-maintainer", day(2025, 1, 1));
    let Measured::Unknown(why) = &facts.owner_users else { panic!("counted") };
    assert_eq!(why, "the owner list is of 2026-11-22, after the day that is asked about");
    assert!(facts.publisher_count.known().is_some(), "publishes of the past do not change");
}

#[test]
fn an_owner_list_without_dates_cannot_say_that_nobody_was_added() {
    let facts = one("token-after-trusted", day(2028, 2, 1));
    assert!(facts.owner_users.known().is_some());
    assert!(facts.owner_events.known().is_none());
    assert!(facts.publish_events.known().is_some());
    assert!(!facts.coverage.owner_dates);
}

fn account(id: u64, login: &str) -> Account {
    Account {
        kind: AccountKind::User,
        id,
        login: login.to_owned(),
        created: None,
        relinked: Some(id == 2),
    }
}

fn stamp(taken: &str, source: SourceKind) -> Stamp {
    Stamp { taken: taken.parse().unwrap(), source }
}

#[test]
fn a_renamed_account_is_the_same_account_with_another_name() {
    let answer = |taken, login| CrateCustody {
        accounts: vec![account(1, "ada"), account(2, login)],
        owners: Measured::Known(vec![
            Owner { account: 0, added: None, added_by: None },
            Owner { account: 1, added: None, added_by: None },
        ]),
        releases: Measured::Known(Vec::new()),
        ..CrateCustody::unknown(stamp(taken, SourceKind::Api), "not asked")
    };
    let history = History::new(
        "x",
        vec![answer("2026-05-01T00:00:00Z", "mira-new"), answer("2026-02-01T00:00:00Z", "mira")],
    );
    let facts = custody_facts(&history, "1.0.0", day(2026, 6, 1));
    let events = facts.events.known().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].who.as_str()), (EventKind::AccountRenamed, "mira-new"));
    assert_eq!(events[0].before, "mira on 2026-02-01");
    assert_eq!(facts.relinked_accounts, Measured::Known(vec!["mira-new".to_owned()]));
    let earlier = custody_facts(&history, "1.0.0", day(2026, 4, 30));
    assert!(earlier.events.known().is_none(), "one list alone shows no change of owners");
}

#[test]
fn the_silence_of_a_dump_means_a_workflow_only_since_there_are_workflows() {
    let release = |number: &str, published: &str, publisher| Release {
        number: number.to_owned(),
        published: published.parse().unwrap(),
        publisher,
        repository: None,
        homepage: None,
        yanked: false,
    };
    let with = |since: &str| CrateCustody {
        accounts: vec![account(1, "ada")],
        releases: Measured::Known(vec![
            release("1.0.0", since, Publisher::Unnamed),
            release("1.1.0", "2026-01-01T00:00:00Z", Publisher::Account(0)),
        ]),
        ..CrateCustody::unknown(stamp("2026-02-01T00:00:00Z", SourceKind::Dump), "not asked")
    };
    let old = History::new("x", vec![with("2018-01-01T00:00:00Z")]);
    let facts = custody_facts(&old, "1.1.0", day(2026, 3, 1));
    assert_eq!(facts.publish_events, Measured::Known(Vec::new()));
    assert!(facts.publisher_is_new.known().is_none());
    let new = History::new("x", vec![with("2025-12-01T00:00:00Z")]);
    let facts = custody_facts(&new, "1.1.0", day(2026, 3, 1));
    let lost = of(&facts, EventKind::TrustedPublishingLost);
    assert_eq!(lost.basis, EventBasis::Inferred);
    assert!(facts.trusted_publishing_share.known().is_none());
}

#[test]
fn an_answer_that_points_nowhere_is_refused() {
    let mut answer =
        CrateCustody::unknown(stamp("2026-02-01T00:00:00Z", SourceKind::Slim), "not asked");
    answer.owners = Measured::Known(vec![Owner { account: 7, added: None, added_by: None }]);
    assert_eq!(answer.checked().unwrap_err().to_string(), "an answer points to account 7 of 0");
}

#[test]
fn twenty_thousand_releases_by_two_turn_takers_are_measured_in_no_time() {
    let start: jiff::Timestamp = "2015-01-01T00:00:00Z".parse().unwrap();
    let releases = (0..20_000_u32)
        .map(|at| Release {
            number: format!("0.0.{at}"),
            published: start.saturating_add(i64::from(at).hours() * 5).unwrap(),
            publisher: Publisher::Account(at / 4 % 2),
            repository: None,
            homepage: None,
            yanked: false,
        })
        .collect();
    let answer = CrateCustody {
        accounts: vec![account(1, "ada"), account(2, "bea")],
        releases: Measured::Known(releases),
        ..CrateCustody::unknown(stamp("2026-12-01T00:00:00Z", SourceKind::Dump), "not asked")
    };
    let history = History::new("busy", vec![answer]);
    let facts = custody_facts(&history, "0.0.7", day(2026, 12, 1));
    assert!(facts.publish_events.known().unwrap().len() <= 2_000);
}

#[test]
fn the_report_says_who_holds_the_keys_and_of_what_nothing_is_known() {
    let timelines = timeline::all();
    let mut facts = facts_on(&timelines["mass-handover"], day(2026, 6, 1));
    facts.extend(facts_on(&timelines["lone-maintainer"], day(2026, 11, 22)));
    facts.extend(facts_on(&timelines["team-only"], day(2026, 11, 22)));
    let nothing = custody_facts(&History::new("dark", Vec::new()), "1.0.0", day(2026, 6, 1));
    facts.insert("dark".to_owned(), nothing);
    let crates: Vec<ReportCrate<'_>> = facts
        .iter()
        .map(|(name, facts)| ReportCrate {
            name,
            build_executed: ["gem-1", "lone"].contains(&name.as_str()),
            dependents: 0,
            facts,
        })
        .collect();
    let report = custody_report(&crates, EventOrder::Newest, day(2026, 11, 22));
    assert_eq!((report.crates, report.owners_known, report.publishers_known), (7, 6, 6));
    let buyer = &report.accounts[0];
    assert_eq!((buyer.login.as_str(), buyer.crates, buyer.build_crates), ("buyer", 4, 1));
    assert!(report.accounts.iter().any(|holder| holder.team && holder.login == "github:acme:core"));
    let sole: Vec<(&str, &str)> = report
        .sole_build_publishers
        .iter()
        .map(|sole| (sole.name.as_str(), sole.login.as_str()))
        .collect();
    assert_eq!(sole, [("lone", "dora")]);
    assert_eq!(report.unknown[0].name, "dark");
    assert!(report.events.iter().any(|event| event.kind == "ring-of-crates"));
}

#[test]
fn a_needed_crate_with_a_successor_who_is_alone_is_watched_and_its_twin_is_not() {
    // The founder of the xz dates leaves once the newcomer publishes.
    let mut facts = one("xz-handover", day(2024, 4, 1));
    facts.sole_publisher = Measured::Known(true);
    let Measured::Known(owners) = &mut facts.owners else { panic!("known") };
    owners.retain(|owner| owner.login == "newcomer");
    let twin = one("healthy-succession", day(2024, 4, 1));
    let lone = one("lone-maintainer", day(2026, 11, 22));
    let of =
        |name, dependents, facts| ReportCrate { name, build_executed: false, dependents, facts };
    let crates = [of("xz-shaped", 40, &facts), of("twin", 40, &twin), of("lone", 40, &lone)];
    let report = custody_report(&crates, EventOrder::Newest, day(2024, 4, 1));
    let watched: Vec<(&str, &str, &str)> = report
        .watch
        .iter()
        .map(|one| (one.name.as_str(), one.login.as_str(), one.since.as_str()))
        .collect();
    assert_eq!(watched, [("xz-shaped", "newcomer", "2023-05-04")]);
    let little = [of("xz-shaped", 1, &facts), of("twin", 40, &twin), of("lone", 40, &lone)];
    assert!(
        custody_report(&little, EventOrder::Newest, day(2024, 4, 1)).watch.is_empty(),
        "few need it"
    );
}

/// Facts sheets for the rules' own tests: a timeline, its crate, a day.
const SHEETS: [(&str, &str, Date); 14] = [
    ("xz-day-before", "xz-handover", day(2024, 2, 23)),
    ("xz-release-day", "xz-handover", day(2024, 2, 24)),
    ("healthy-succession", "healthy-succession", day(2024, 4, 1)),
    ("lone-maintainer", "lone-maintainer", day(2026, 11, 22)),
    ("new-account", "new-account", day(2026, 4, 1)),
    ("token-after-trusted", "token-after-trusted", day(2028, 2, 1)),
    ("trusted-elsewhere", "trusted-elsewhere", day(2027, 6, 1)),
    ("mass-handover", "mass-handover", day(2026, 6, 1)),
    ("young-buyer", "young-buyer", day(2026, 6, 1)),
    ("repository-moved", "repository-moved", day(2026, 6, 1)),
    ("prompt-publish", "prompt-publish", day(2026, 4, 1)),
    ("team-only", "team-only", day(2026, 11, 22)),
    ("removed-and-back", "removed-and-back", day(2026, 6, 1)),
    ("deleted", "deleted", day(2026, 3, 5)),
];

/// `CUSTODY_BLESS=1 cargo test --lib facts_sheets` writes them anew.
#[test]
fn the_facts_sheets_of_the_rules_tests_are_those_of_the_timelines() {
    let timelines = timeline::all();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/facts");
    for (sheet, file, as_of) in SHEETS {
        let (name, custody) = facts_on(&timelines[file], as_of).pop_first().unwrap();
        let history = timelines[file].crates[0].history();
        let releases = history.releases_by(as_of);
        let version = &releases.known().unwrap().last().unwrap().release.number;
        let subject = crate::domain::Subject::registry_crate(name, version.clone());
        let mut facts = crate::domain::FactSheet::new(subject);
        facts.put(GROUP, &custody);
        let newcomers = newcomers_on(&timelines[file], as_of).pop_first().unwrap().1;
        facts.put(NEWCOMERS_GROUP, &newcomers);
        let text = serde_json::to_string_pretty(&facts).unwrap() + "\n";
        let path = format!("{folder}/custody-{sheet}.json");
        if std::env::var_os("CUSTODY_BLESS").is_some() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{path}");
    }
}

/// Who came to the crates of a timeline, on a day.
fn newcomers_on(timeline: &Timeline, as_of: Date) -> BTreeMap<String, NewcomerFacts> {
    let facts = facts_on(timeline, as_of);
    let histories: Vec<History> =
        timeline.crates.iter().map(timeline::CrateTimeline::history).collect();
    let crates =
        histories.iter().map(|history| (history.name.as_str(), (history, &facts[&history.name])));
    newcomers(&crates.collect(), as_of)
}

#[test]
fn a_newcomer_is_told_with_the_crates_that_had_nothing_to_do_with_each_other() {
    let timelines = timeline::all();
    let found = newcomers_on(&timelines["young-buyer"], day(2026, 6, 1));
    for name in ["brick", "kiln", "mortar", "plaster"] {
        let Measured::Known(list) = &found[name].list else { panic!("known") };
        let [one] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!(
            (one.who.as_str(), one.account_age_days.known()),
            ("buyer", Some(&50)),
            "{name}"
        );
        assert_eq!((one.crates.len(), one.unrelated), (4, 3), "two of the four were of one owner");
        assert_eq!(
            (one.from.as_str(), one.to.as_str(), one.age_days),
            ("2026-04-11", "2026-04-13", 49)
        );
    }
    let old = newcomers_on(&timelines["mass-handover"], day(2026, 6, 1));
    assert_eq!(old["gem-1"].list.known().unwrap()[0].unrelated, 4);
    let of_four = old["gem-4"].list.known().unwrap();
    assert_eq!(of_four[0].crates.len(), 4, "it was given to him, and waits");
    let early = newcomers_on(&timelines["young-buyer"], day(2026, 4, 1));
    assert!(
        early.values().all(|facts| facts.list.known().is_none_or(Vec::is_empty)),
        "one is no several"
    );
    let given = newcomers_on(&timelines["young-buyer"], day(2026, 4, 3));
    let given = &given["kiln"].list.known().unwrap()[0];
    assert_eq!((given.from.as_str(), given.crates.len()), ("2026-04-01", 4), "before any release");
}

/// What is seen of the buyer where every answer was changed so.
fn buyer_seen(change: impl Fn(&mut CrateCustody)) -> Vec<(usize, u32, String)> {
    let timelines = timeline::all();
    let as_of = day(2026, 6, 1);
    let histories: Vec<History> = timelines["young-buyer"]
        .crates
        .iter()
        .map(|one| {
            let mut answer = one.history().answers()[0].clone();
            change(&mut answer);
            History::new(&one.name, vec![answer])
        })
        .collect();
    let facts = facts_of(&histories, as_of);
    let crates = histories.iter().map(|h| (h.name.as_str(), (h, &facts[&h.name]))).collect();
    let Measured::Known(list) = &newcomers(&crates, as_of)["kiln"].list else { return Vec::new() };
    list.iter().map(|one| (one.crates.len(), one.unrelated, one.who.clone())).collect()
}

fn login_of(answer: &CrateCustody, place: u32) -> &str {
    &answer.account(place).login
}

#[test]
fn whoever_published_came_whatever_the_owners_say_and_whoever_was_made_owner_came_unpublished() {
    let seen = vec![(4, 3, "buyer".to_owned())];
    assert_eq!(buyer_seen(|_| {}), seen);
    let row_gone = buyer_seen(|answer| {
        let names = answer.clone();
        let Measured::Known(owners) = &mut answer.owners else { panic!("known") };
        owners.retain(|owner| login_of(&names, owner.account) != "buyer");
    });
    assert_eq!(row_gone, seen, "the row is gone, or was a team's");
    let undated = buyer_seen(|answer| {
        let Measured::Known(owners) = &mut answer.owners else { panic!("known") };
        for owner in owners.iter_mut() {
            owner.added = None;
        }
    });
    assert_eq!(undated[0].2, "buyer", "the API, which dates no owner");
    let by_workflow = buyer_seen(|answer| {
        let names = answer.clone();
        let Measured::Known(releases) = &mut answer.releases else { panic!("known") };
        for release in releases {
            if matches!(release.publisher, Publisher::Account(place) if login_of(&names, place) == "buyer")
            {
                release.publisher = Publisher::Unnamed;
            }
        }
    });
    assert_eq!(by_workflow, seen, "a workflow of his published, and the dump names nobody");
    let neither = buyer_seen(|answer| {
        let names = answer.clone();
        let Measured::Known(owners) = &mut answer.owners else { panic!("known") };
        owners.retain(|owner| login_of(&names, owner.account) != "buyer");
        let Measured::Known(releases) = &mut answer.releases else { panic!("known") };
        releases.retain(|one| {
            !matches!(one.publisher, Publisher::Account(place) if login_of(&names, place) == "buyer")
        });
    });
    assert!(neither.is_empty(), "nobody came");
}

#[test]
fn who_owns_it_no_more_cannot_publish() {
    let timelines = timeline::all();
    let mut answer = timelines["mass-handover"].crates[0].history().answers()[0].clone();
    let names = answer.clone();
    let facts = |answer: &CrateCustody| {
        let history = History::new("gem-1", vec![answer.clone()]);
        custody_facts(&history, "1.0.1", day(2026, 6, 1)).sole_publisher
    };
    assert_eq!(facts(&answer), Measured::Known(false), "the founder is there");
    let Measured::Known(owners) = &mut answer.owners else { panic!("known") };
    owners.retain(|owner| login_of(&names, owner.account) == "buyer");
    assert_eq!(facts(&answer), Measured::Known(true), "he published lately and cannot any more");
}

#[test]
fn an_accomplice_who_comes_along_makes_no_relation_and_an_owner_of_before_does() {
    let timelines = timeline::all();
    let timeline = &timelines["young-buyer"];
    let facts = facts_on(timeline, day(2026, 6, 1));
    for (since, groups) in
        [("2026-04-05T00:00:00Z", 3), ("2025-12-30T00:00:00Z", 3), ("2020-01-01T00:00:00Z", 1)]
    {
        let with_friend = |one: &timeline::CrateTimeline| {
            let mut answer = one.history().answers()[0].clone();
            answer.accounts.push(account(77, "friend"));
            let friend = u32::try_from(answer.accounts.len() - 1).unwrap();
            let owner =
                Owner { account: friend, added: Some(since.parse().unwrap()), added_by: None };
            let Measured::Known(owners) = &mut answer.owners else { panic!("known") };
            owners.push(owner);
            History::new(&one.name, vec![answer])
        };
        let histories: Vec<History> = timeline.crates.iter().map(with_friend).collect();
        let crates = histories.iter().map(|h| (h.name.as_str(), (h, &facts[&h.name]))).collect();
        let found = newcomers(&crates, day(2026, 6, 1));
        assert_eq!(found["kiln"].list.known().unwrap()[0].unrelated, groups, "{since}");
    }
}
