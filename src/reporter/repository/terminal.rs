//! Custody of one repository, for a person at a terminal.

use crate::domain::text::shown;
use crate::domain::timeline::{ReleaseEntry, RepositoryCustody};
use crate::reporter::inspect::{Page, SHOWN, size};

/// Events that are shown, the newest.
const EVENTS: usize = 60;

/// Lays out what was told in lines of `width` columns.
#[must_use]
pub fn human(told: &RepositoryCustody, width: usize) -> String {
    let mut page = Page { out: String::new(), width };
    page.push(&format!("{}, as of {}", shown(&told.name), told.as_of));
    page.row("commit", Some(told.commit.clone()));
    let since = format!("{} commits since {}", told.commits, told.first);
    page.row("history", Some(since));
    joined(&mut page, told);
    integrators(&mut page, told);
    page.heading("Who followed whom", "");
    if told.successions.is_empty() {
        page.text(2, "nobody took over most of the work of one person within memory (24 months)");
    }
    for one in &told.successions {
        page.text(
            2,
            &format!(
                "{} followed {} ({}): first commit {}, since {}; before that {:.0} % were {}'s",
                shown(&one.name),
                shown(&one.predecessor),
                one.measure,
                one.came,
                one.since,
                one.before * 100.0,
                shown(&one.predecessor),
            ),
        );
    }
    releases(&mut page, &told.releases);
    page.heading("What happened", "! by somebody who had taken over from one person");
    let start = told.events.len().saturating_sub(EVENTS);
    for event in &told.events[start..] {
        let mark = if event.joined { '!' } else { ' ' };
        let who = if event.who.is_empty() { "not known who".to_owned() } else { shown(&event.who) };
        page.text(
            1,
            &format!("{mark} {} {}: {who}: {}", event.date, event.kind, shown(&event.what)),
        );
    }
    if start > 0 {
        page.push(&format!("  … and {start} earlier events (--json lists all)"));
    }
    if !told.undetermined.is_empty() {
        page.heading("Not determined", "");
        for gap in &told.undetermined {
            page.text(2, &shown(gap));
        }
    }
    page.out
}

/// What stands out: the files that a successor brought.
fn joined(page: &mut Page, told: &RepositoryCustody) {
    let brought = told.deliveries.iter().filter(|delivery| !delivery.predecessor.is_empty());
    for delivery in brought.rev().take(SHOWN) {
        let files = delivery.files.iter().take(3);
        let files: Vec<String> =
            files.map(|file| format!("{} ({})", shown(&file.path), size(file.size))).collect();
        let more = delivery.files.len().saturating_sub(3) as u64 + delivery.left_out;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        page.row(
            "look at",
            Some(format!(
                "{}: {}, who followed {}, brought {}{more}, which nobody can read; commit {}",
                delivery.date,
                shown(&delivery.by),
                shown(&delivery.predecessor),
                files.join(", "),
                delivery.commit,
            )),
        );
    }
}

fn integrators(page: &mut Page, told: &RepositoryCustody) {
    let known = format!(
        "known of {} of {} commits of the last 24 months",
        told.integrated_known, told.integrated
    );
    page.heading("Who lets code in", &known);
    for one in told.integrators.iter().take(SHOWN) {
        page.text(
            2,
            &format!(
                "{:.0} % of the last year ({}; {} in the two years before): {}, {} to {}",
                one.share * 100.0,
                one.year,
                one.before,
                shown(&one.name),
                one.first,
                one.last,
            ),
        );
    }
    page.more(told.integrators.len(), "people");
}

fn releases(page: &mut Page, releases: &[ReleaseEntry]) {
    page.heading("Releases", "newest last; keys as the signatures name them, not verified");
    let start = releases.len().saturating_sub(SHOWN);
    if start > 0 {
        page.push(&format!("  … and {start} earlier ones (--json lists all)"));
    }
    for release in &releases[start..] {
        let by =
            if release.by.is_empty() { "not known who".to_owned() } else { shown(&release.by) };
        let key = match (release.key.as_str(), release.new_key) {
            ("", _) => String::new(),
            (key, false) => format!(", key {}", shown(key)),
            (key, true) => format!(", new key {}", shown(key)),
        };
        let first = if release.first { ", the first by this person" } else { "" };
        page.text(2, &format!("{} {}: {by}{key}{first}", release.date, shown(&release.tag)));
    }
}
