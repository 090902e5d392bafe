use super::*;
use crate::domain::report::SubjectChange;
use crate::domain::timeline::{
    DeliveredFile, DeliveryEntry, DifferingFile, IntegratorEntry, ReleaseEntry, Repositories,
    RepositoryCustody, RepositoryEntry, TimelineEvent,
};
use crate::domain::{Evidence, Hands, HandsLane, LaneOwner, LaneRelease};
use crate::reporter::sample;

fn text(report: &Report) -> String {
    render(report, &sample::context(), &Options::default()).unwrap()
}

/// A report in which every string that a stranger could have written is `hostile`.
fn hostile(hostile: &str) -> Report {
    let mut report = sample::delta_report();
    for finding in &mut report.findings {
        finding.message = hostile.to_owned();
        finding.rule = hostile.to_owned();
        finding.clear = hostile.to_owned();
        finding.subject.name = hostile.to_owned();
        finding.location.file = hostile.to_owned();
        finding.arithmetic = vec![hostile.to_owned()];
        for step in &mut finding.path {
            step.name = hostile.to_owned();
        }
        finding.evidence.push(Evidence {
            note: hostile.to_owned(),
            file: Some(hostile.to_owned()),
            sha256: Some(hostile.to_owned()),
            url: Some(format!("https://x.invalid/{hostile}")),
            ..Evidence::default()
        });
    }
    report.project = Some(hostile.to_owned());
    for entry in &mut report.subjects {
        entry.subject.name = hostile.to_owned();
        entry.subject.version = hostile.to_owned();
    }
    report.provenance.insert(hostile.to_owned(), hostile.to_owned());
    report.hands = Some(Hands {
        crates: 1,
        publishers_known: 1,
        source: Some(hostile.to_owned()),
        events: vec![sample::event(hostile, hostile)],
        ..Hands::default()
    });
    report.repositories = Some(repositories(hostile));
    let bad = hostile.to_owned();
    report.changes = Some(vec![SubjectChange {
        name: bad.clone(),
        from: Some(bad.clone()),
        to: Some(bad.clone()),
        hands: bad.clone(),
        bytes: bad.clone(),
        capabilities: bad,
        notable: true,
    }]);
    report
}

fn repositories(hostile: &str) -> Repositories {
    let text = || hostile.to_owned();
    let custody = RepositoryCustody {
        name: text(),
        first: "2019-01-01".to_owned(),
        as_of: "2024-02-24".to_owned(),
        integrators: vec![IntegratorEntry {
            name: text(),
            first: "2019-01-01".to_owned(),
            last: text(),
            ..IntegratorEntry::default()
        }],
        releases: vec![ReleaseEntry {
            tag: text(),
            by: text(),
            date: text(),
            ..ReleaseEntry::default()
        }],
        deliveries: vec![DeliveryEntry {
            by: text(),
            predecessor: text(),
            date: "2024-01-23".to_owned(),
            files: vec![DeliveredFile { path: text(), size: 9 }],
            ..DeliveryEntry::default()
        }],
        events: vec![TimelineEvent { who: text(), what: text(), ..TimelineEvent::default() }],
        ..RepositoryCustody::default()
    };
    let file = DifferingFile {
        path: text(),
        why: text(),
        at_build: true,
        difference: vec![format!("+1: {hostile}"), text()],
    };
    Repositories {
        compared: 9,
        explained: 8,
        entries: vec![RepositoryEntry {
            name: text(),
            version: text(),
            repository: text(),
            commit: text(),
            explained_by: vec![(text(), 3)],
            unexplained: vec![file],
            custody: Some(custody),
            ..RepositoryEntry::default()
        }],
        ..Repositories::default()
    }
}

#[test]
fn repositories_show_what_differs_and_who_was_there() {
    let mut report = sample::report();
    assert!(!text(&report).contains("id=\"repositories\""));
    report.repositories = Some(repositories("Heir"));
    let page = text(&report);
    for part in [
        "Of 9 archives that were held against the commit that they were made from, 8 are explained",
        "<span class=\"hit\">+1: Heir</span>",
        "<circle class=\"lost\"",
        "href=\"#repositories\"",
        "explained otherwise: 3 Heir",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn strangers_bring_no_element_and_no_attribute() {
    let text =
        text(&hostile("</style></script><script>alert(1)</script><img src=x onerror=y>\"' &amp; "));
    assert_eq!(text.matches("<script").count(), 1);
    assert_eq!(text.matches("</script").count(), 1);
    assert_eq!(text.matches("</style").count(), 1);
    assert!(!text.contains("<img"));
    let tags = text.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    for (tag, _) in tags.filter(|(tag, _)| !tag.starts_with('/')) {
        assert!(!tag.contains(" onerror="), "{tag}");
    }
}

#[test]
fn signs_that_nobody_sees_are_nowhere_on_the_page() {
    let text = text(&hostile("a\u{202e}b\u{1b}[2Jc\u{2028}d\u{e0041}e\u{9b}f"));
    assert!(!text.chars().any(is_hidden));
    assert!(!text.contains('\u{2028}'));
}

#[test]
fn only_web_addresses_become_links() {
    let mut report = sample::report();
    for url in ["javascript:alert(1)", "https://a.invalid/\"onclick=x", "data:text/html,x"] {
        report.findings[0].evidence[0].url = Some(url.to_owned());
        assert!(!text(&report).contains(url), "{url}");
    }
    report.findings[0].evidence[0].url = Some("https://a.invalid/?a".to_owned());
    assert!(text(&report).contains("href=\"https://a.invalid/?a\""));
}

#[test]
fn the_page_loads_nothing() {
    let text = text(&sample::report());
    assert!(text.contains("default-src 'none'; style-src 'sha256-"));
    assert!(text.contains("; script-src 'sha256-"));
    for element in ["<link", "<img", "<iframe", " src=\"", "@import", "url(", "fetch(", "<base"] {
        assert!(!text.contains(element), "{element}");
    }
}

#[test]
fn only_style_and_script_are_put_in_as_they_are_and_both_are_small() {
    let template = include_str!("../../../templates/report.html");
    assert_eq!(template.matches("|safe").count(), 2);
    assert!(template.contains("{{ style|safe }}") && template.contains("{{ script|safe }}"));
    assert!(STYLE.len() <= 12_000 && SCRIPT.len() <= 25_000, "{} {}", STYLE.len(), SCRIPT.len());
    assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
}

#[test]
fn every_link_into_the_page_arrives_and_no_anchor_is_there_twice() {
    let mut report = sample::delta_report();
    report.findings.push(sample::known_bad());
    let text = text(&report);
    let values = |name: &str| -> Vec<String> {
        let parts = text.split(name).skip(1);
        parts.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    };
    let anchors = values(" id=\"");
    let unique: std::collections::BTreeSet<&String> = anchors.iter().collect();
    assert_eq!(unique.len(), anchors.len(), "{anchors:?}");
    let links = values("href=\"#");
    assert!(links.len() > 12, "{links:?}");
    for link in &links {
        assert!(unique.contains(link), "{link}");
    }
    assert!(links.contains(&"known-bad-bytes/liblzma-sys@0.3.2".to_owned()), "{links:?}");
}

#[test]
fn one_look_stands_with_the_first_finding_of_a_crate() {
    let mut report = sample::report();
    let mut second = sample::known_bad();
    second.rule = "second-rule".to_owned();
    report.findings = vec![sample::known_bad(), second];
    let page = text(&report);
    let look = "<p class=\"command\"><code>cargo custody inspect liblzma-sys@0.3.2</code></p>";
    assert_eq!(page.matches(look).count(), 1, "{page}");
    let explained = |rule: &str| page.find(&format!("cargo custody explain {rule}<")).unwrap();
    let (first, second) = (explained("known-bad-bytes"), explained("second-rule"));
    assert!(page.find(look).unwrap() < first && first < second, "{page}");
    for finding in &mut report.findings {
        finding.subject.name = "a;b".to_owned();
    }
    assert!(!text(&report).contains("cargo custody inspect"));
}

#[test]
fn the_worst_finding_ranks_above_a_gate_that_lets_it_through() {
    let mut report = sample::report();
    report.fail_on = None;
    report.exit = 0;
    let text = text(&report);
    let worst = text.find("class=\"mast critical\"").unwrap();
    assert!(worst < text.find("findings never fail this run").unwrap());
}

#[test]
fn what_is_not_known_is_grey_and_not_good() {
    let mut report = sample::report();
    report.hands = Some(Hands { crates: 9, ..Hands::default() });
    let text = text(&report);
    assert!(text.contains("<li class=\"unknown\"><a href=\"#hands\"><b>?</b>"), "{text}");
    assert!(text.contains("chip unknown\">runs when you build: not known"), "{text}");
}

#[test]
fn thousands_of_packages_are_cut_and_no_finding_is() {
    let mut report = sample::report();
    let entry = report.subjects[1].clone();
    report.subjects.extend((0..4_000).map(|n| {
        let mut one = entry.clone();
        one.subject.name = format!("package-{n}");
        one
    }));
    report.findings = (0..300)
        .map(|n| {
            let mut one = sample::known_bad();
            one.subject.name = format!("package-{}", 3_999 - n);
            one
        })
        .collect();
    let text = text(&report);
    assert!(text.contains("packages more, without a finding, are in the JSON report"));
    for n in 0..300 {
        assert!(text.contains(&format!("about/package-{}@0.3.2\"", 3_999 - n)), "{n}");
    }
    assert!(text.len() < 1_500_000, "{}", text.len());
}

#[test]
fn a_project_of_750_packages_stays_small() {
    let mut report = sample::report();
    let entry = report.subjects[1].clone();
    report.subjects.extend((0..750).map(|n| {
        let mut one = entry.clone();
        one.subject.name = format!("package-with-a-name-{n}");
        one
    }));
    assert!(text(&report).len() < 400_000, "{}", text(&report).len());
}

#[test]
fn every_lane_is_drawn_with_its_owners_releases_and_changes() {
    let mut report = sample::report();
    let owner = |login: &str| LaneOwner { login: login.to_owned(), ..LaneOwner::default() };
    let release = |days: i64, first: bool| LaneRelease {
        version: format!("1.0.{days}"),
        days,
        by: Some("ana".to_owned()),
        first,
    };
    let lane = |name: &str| HandsLane {
        name: name.to_owned(),
        locked: "1.0.9".to_owned(),
        build_executed: true,
        owners: vec![owner("ana"), LaneOwner { gone_days: Some(9), ..owner("ben") }],
        releases: vec![release(700, false), release(9, true)],
    };
    report.hands = Some(Hands {
        crates: 2,
        publishers_known: 2,
        events: vec![sample::event("one", "ana"), sample::event("two", "ana")],
        lanes: vec![lane("one"), lane("two")],
        ..Hands::default()
    });
    let text = text(&report);
    let start = text.find("<svg class=\"lanes\"").unwrap();
    let drawing = &text[start..start + text[start..].find("</svg>").unwrap()];
    for (what, many) in [
        ("class=\"event ", 2),
        ("class=\"release first locked\"", 2),
        ("class=\"owner gone\"", 2),
        ("class=\"silence\"", 2),
    ] {
        assert_eq!(drawing.matches(what).count(), many, "{what}: {drawing}");
    }
    // What is opened is closed by its own name: a wrong end would swallow all that follows.
    for element in ["path", "circle", "g", "text", "title"] {
        let opened = drawing.matches(&format!("<{element} ")).count()
            + drawing.matches(&format!("<{element}>")).count();
        assert_eq!(opened, drawing.matches(&format!("</{element}>")).count(), "{element}");
    }
}
