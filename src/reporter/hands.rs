//! What changed hands, in sentences that every format for readers says alike. Escaping is the format's.
//!
//! Who holds the keys is context and no finding: sentences say what a source stated and when.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::words::count;
use crate::domain::custody_report::ReportEvent;
use crate::domain::text::shown;
use crate::domain::{Hands, Report};

/// Changes and accounts that are named one by one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    events: usize,
    accounts: usize,
}

/// The findings have to fit below it.
pub(super) const ON_A_TERMINAL: Room = Room { events: 4, accounts: 4 };
/// Markdown and SARIF have more room.
pub(super) const ON_A_PAGE: Room = Room { events: 20, accounts: 12 };

/// A headline, a line a change, a line on who could publish alone; none where no crate of a registry
/// was audited.
pub(super) fn lines(report: &Report, room: Room) -> Vec<String> {
    let Some(hands) = &report.hands else { return Vec::new() };
    let mut lines = vec![headline(hands)];
    lines.extend(hands.events.iter().take(room.events).map(change));
    let more = hands.events.len().saturating_sub(room.events) + hands.events_left_out as usize;
    if more > 0 {
        lines.push(format!("{}: cargo custody report", count(more, "more change")));
    }
    lines.extend(alone(hands, room));
    lines
}

/// Whether the headline says that nothing is known of anybody.
pub(super) fn nothing_known(report: &Report) -> bool {
    report
        .hands
        .as_ref()
        .is_some_and(|hands| hands.owners_known == 0 && hands.publishers_known == 0)
}

/// How many changes are known, and of whom anything is.
pub(super) fn headline(hands: &Hands) -> String {
    let crates = count(hands.crates as usize, "crate");
    let whose = if hands.of_change {
        format!("{crates} that this change brings")
    } else {
        format!("{crates}, {} of which run when you build", hands.build_crates)
    };
    if hands.owners_known == 0 && hands.publishers_known == 0 {
        return format!(
            "hands: not known who can publish {crates}; `cargo custody db update` asks"
        );
    }
    let all = hands.events.len() + hands.events_left_out as usize;
    let changes = match all {
        // Pins alone remember names, and not what changed before them.
        0 if hands.publishers_known == 0 => "what changed hands is not known".to_owned(),
        0 => "no change of hands is known".to_owned(),
        all => format!("{} of hands known", count(all, "change")),
    };
    let source =
        hands.source.as_ref().map_or_else(String::new, |from| format!(" ({})", shown(from)));
    let (owners, publishers) = (hands.owners_known, hands.publishers_known);
    format!(
        "hands: {changes} in 24 months in {whose}; owners known of {owners}, publishers of \
         {publishers}{source}"
    )
}

/// One change in a sentence.
pub(super) fn change(event: &ReportEvent) -> String {
    let mark = if event.build_executed { ", runs when you build" } else { "" };
    let deed = deed(&event.kind, &shown(&event.who));
    format!("{} {}{mark}: {deed}", event.date, shown(&event.name))
}

/// What the account did, or what became of it; `who` is shown as it is.
pub(super) fn deed(kind: &str, who: &str) -> String {
    match kind {
        "owner-added" => format!("{who} was made owner"),
        "owner-removed" => format!("{who} is owner no more"),
        "first-publish" => format!("{who} published it for the first time"),
        "succession" => format!("{who} publishes it now, and nobody who did before"),
        "young-account" => format!("{who} published it with an account younger than 90 days"),
        "trusted-publishing-lost" => format!("{who} published it by token, not by its workflow"),
        "trusted-publishing-repository-changed" => {
            format!("its publishing workflow runs in another repository now ({who})")
        }
        "account-renamed" => format!("the account {who} has another name than before"),
        "repository-moved" => format!("its repository moved to {who}"),
        "contact-changed" => format!("its home page moved to {who}"),
        "ring-of-crates" => format!("{who} published it and others here for the first time"),
        other => format!("{} ({who})", shown(other)),
    }
}

/// Who alone can publish something that runs at build time, each with those crates; most crates first.
pub(super) fn by_account(hands: &Hands) -> Vec<(&str, Vec<&str>)> {
    let mut accounts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in &hands.alone {
        accounts.entry(&one.login).or_default().push(&one.name);
    }
    let mut accounts: Vec<_> = accounts.into_iter().collect();
    // Stable: those with as many stay in the order of their names.
    accounts.sort_by_key(|(_, crates)| Reverse(crates.len()));
    accounts
}

/// The first of these accounts in one line.
fn alone(hands: &Hands, room: Room) -> Option<String> {
    let accounts = by_account(hands);
    if accounts.is_empty() {
        return None;
    }
    let named = accounts.iter().take(room.accounts).map(|(login, names)| match names[..] {
        [only] => format!("{} ({})", shown(login), shown(only)),
        _ => format!("{} ({})", shown(login), count(names.len(), "crate")),
    });
    let mut named: Vec<String> = named.collect();
    let more = accounts.len().saturating_sub(room.accounts);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    Some(format!("alone can publish what runs when you build: {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::custody_report::SolePublisher;
    use crate::reporter::{Format, Options, render, sample};

    fn event(name: &str, who: &str, build_executed: bool) -> ReportEvent {
        ReportEvent { build_executed, ..sample::event(name, who) }
    }

    fn report(who: &str) -> Report {
        let sole = |name: &str, login: &str| SolePublisher {
            name: name.to_owned(),
            login: login.to_owned(),
            other_crates: 0,
        };
        let hands = Hands {
            crates: 7,
            build_crates: 3,
            owners_known: 5,
            publishers_known: 6,
            events: vec![event("acme-sys", who, true), event("plain", "other", false)],
            alone: vec![sole("acme-sys", who), sole("a", "busy"), sole("b", "busy")],
            ..Hands::default()
        };
        Report { hands: Some(hands), ..sample::report() }
    }

    #[test]
    fn a_handover_stands_in_the_first_lines_of_every_format_for_readers() {
        let report = report("mira-k");
        for format in [Format::Human, Format::Markdown, Format::Html, Format::Sarif, Format::Json] {
            let text = render(format, &report, &sample::context(), &Options::default()).unwrap();
            let lines = if format == Format::Human { 20 } else { usize::MAX };
            let head: Vec<&str> = text.lines().take(lines).collect();
            // Markdown escapes a hyphen nowhere and HTML neither.
            for word in ["acme-sys", "mira-k", "2026-10-02"] {
                assert!(head.iter().any(|line| line.contains(word)), "{format}: {word}\n{text}");
            }
        }
    }

    #[test]
    fn who_could_publish_most_alone_is_named_first() {
        let lines = lines(&report("mira-k"), ON_A_TERMINAL);
        let last = lines.last().unwrap();
        assert_eq!(
            last,
            "alone can publish what runs when you build: busy (2 crates), mira-k (acme-sys)"
        );
    }

    #[test]
    fn nothing_known_is_said_and_is_not_no_change() {
        let mut report = report("x");
        report.hands = Some(Hands { crates: 9, ..Hands::default() });
        let lines = lines(&report, ON_A_TERMINAL);
        assert!(lines[0].contains("not known who can publish 9 crates"), "{lines:?}");
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn changes_beyond_the_room_are_counted() {
        let mut report = report("x");
        let hands = report.hands.as_mut().unwrap();
        hands.events = vec![event("many", "x", true); 9];
        hands.events_left_out = 3;
        let lines = lines(&report, ON_A_TERMINAL);
        assert!(lines[0].contains("12 changes of hands known"), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("8 more changes")), "{lines:?}");
    }

    #[test]
    fn an_account_of_a_stranger_acts_nowhere() {
        let report = report("<img src=x>\u{202e}\u{1b}[2J[a](b) @all");
        for format in [Format::Human, Format::Markdown, Format::Html] {
            let text = render(format, &report, &sample::context(), &Options::default()).unwrap();
            assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{format}");
            assert!(format == Format::Human || !text.contains("<img src=x>"), "{format}: {text}");
            assert!(format != Format::Markdown || !text.contains("[a](b)"), "{text}");
        }
    }
}
