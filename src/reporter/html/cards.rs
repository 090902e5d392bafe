//! A card a crate or model: its findings, what is known of its hands, its bytes and when it runs, and how
//! it comes in.

use super::{anchor, named, subject_anchor};
use crate::domain::ledger::{BUILD_CODE, SOURCE};
use crate::domain::report::{Context, Excerpt};
use crate::domain::text::shown;
use crate::domain::{Axis, Evidence, Finding, Level, Report, Subject, SubjectKind};
use crate::reporter::block::{Group, groups};
use crate::reporter::view::View;
use crate::reporter::words::{self, change_note, is_web, plain, told};

/// Lines of source shown before and after the one that is meant.
const AROUND: u32 = 2;

/// Everything about one subject.
pub(super) struct Card {
    pub(super) level: &'static str,
    pub(super) anchor: String,
    pub(super) subject: String,
    pub(super) chips: Vec<Chip>,
    pub(super) findings: Vec<OneFinding>,
    pub(super) way: Vec<String>,
    pub(super) declared: String,
}

/// One of the three answers: seen, nothing seen, or not known.
pub(super) struct Chip {
    pub(super) class: &'static str,
    pub(super) text: &'static str,
}

/// One finding of a card.
pub(super) struct OneFinding {
    pub(super) level: &'static str,
    /// Its evidence is read without a click.
    pub(super) open: bool,
    pub(super) anchor: String,
    pub(super) rule: String,
    pub(super) message: String,
    pub(super) clear: String,
    pub(super) commands: Vec<String>,
    pub(super) evidence: Vec<Item>,
    pub(super) at: String,
    pub(super) source: Vec<Line>,
    pub(super) unusual: Vec<String>,
    pub(super) sum: String,
}

/// One item of evidence.
pub(super) struct Item {
    pub(super) note: String,
    pub(super) place: String,
    pub(super) sha256: String,
    pub(super) url: String,
    pub(super) hex: Vec<HexLine>,
}

/// 16 bytes of a file, then or now.
pub(super) struct HexLine {
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// A line of the project's own source.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) number: u32,
    pub(super) text: String,
}

pub(super) fn of(view: &View<'_>, context: &Context<'_>) -> Vec<Card> {
    let mut seen = std::collections::BTreeSet::new();
    let groups = groups(&view.shown);
    groups.iter().map(|group| card(view.report, group, context, &mut seen)).collect()
}

fn card(
    report: &Report,
    group: &Group<'_>,
    context: &Context<'_>,
    seen: &mut std::collections::BTreeSet<String>,
) -> Card {
    let first = group[0];
    let mut findings: Vec<OneFinding> =
        group.iter().map(|one| finding(report, one, context)).collect();
    // One look is enough for all of them.
    if let (Some(one), Some(look)) = (findings.first_mut(), words::look(&first.subject)) {
        one.commands.insert(0, look);
    }
    // A rule can speak of one subject many times; a link leads to the first.
    for one in &mut findings {
        let mut number = 1;
        let base = one.anchor.clone();
        while !seen.insert(one.anchor.clone()) {
            number += 1;
            one.anchor = format!("{base}_{number}");
        }
    }
    let step = |step: &crate::domain::PathStep| shown(&format!("{} {}", step.name, step.version));
    let alone = first.path.len() < 2;
    Card {
        level: first.level.as_str(),
        anchor: subject_anchor(&first.subject),
        subject: shown(&first.subject.to_string()),
        chips: chips(report, group),
        findings,
        way: if alone { Vec::new() } else { first.path.iter().map(step).collect() },
        declared: first.related.first().map(words::place).unwrap_or_default(),
    }
}

fn chips(report: &Report, group: &Group<'_>) -> Vec<Chip> {
    let subject = &group[0].subject;
    if subject.kind != SubjectKind::Crate {
        return Vec::new();
    }
    let open = |questions: &[&str]| {
        report.gaps.iter().any(|gap| {
            gap.subjects.contains(subject)
                && gap.questions.iter().any(|one| questions.contains(&one.as_str()))
        })
    };
    let on = |axes: &[Axis]| {
        group.iter().flat_map(|one| &one.terms).any(|term| axes.contains(&term.axis))
    };
    let chip = |yes: bool, unknown: bool, texts: [&'static str; 3]| match (yes, unknown) {
        (true, _) => Chip { class: "yes", text: texts[0] },
        (false, true) => Chip { class: "unknown", text: texts[1] },
        (false, false) => Chip { class: "no", text: texts[2] },
    };
    let runs = report.subjects.iter().find(|entry| entry.subject == *subject);
    let runs = runs.and_then(|entry| entry.runs_at_build);
    vec![
        chip(
            on(&[Axis::Opportunity]) && changed(report, subject),
            open(&["custody"]),
            ["hands: something changed", "hands: not known", "hands: nothing seen"],
        ),
        chip(
            on(&[Axis::Means, Axis::Concealment]),
            open(&[SOURCE, BUILD_CODE, "archive"]),
            ["bytes: something stands out", "bytes: not known", "bytes: nothing seen"],
        ),
        chip(
            runs == Some(true),
            runs.is_none(),
            [
                "runs when you build",
                "runs when you build: not known",
                "does not run when you build",
            ],
        ),
    ]
}

/// Whether a change of hands is known of the crate: that it is young is none.
fn changed(report: &Report, subject: &Subject) -> bool {
    let Some(hands) = &report.hands else { return false };
    hands.events.iter().any(|event| event.name == subject.name) || hands.events_left_out > 0
}

fn finding(report: &Report, finding: &Finding, context: &Context<'_>) -> OneFinding {
    let changed = finding.change.map_or("", change_note);
    let terms = finding.terms.iter().filter(|term| term.of > 0 && term.behind);
    let of_crate = finding.subject.kind == SubjectKind::Crate;
    let source = source(finding, context);
    OneFinding {
        level: finding.level.as_str(),
        open: finding.level >= Level::High,
        anchor: anchor(&[&finding.rule, &named(&finding.subject)]),
        rule: shown(&finding.rule),
        message: format!("{}{changed}", told(&finding.message)),
        clear: told(&finding.clear),
        commands: commands(finding),
        evidence: finding.evidence.iter().map(|one| item(report, finding, one)).collect(),
        at: words::place(&finding.location),
        source,
        unusual: terms.filter(|_| of_crate).map(words::rarity).collect(),
        sum: told(&finding.arithmetic.join("; ")),
    }
}

/// What to type to mend it and to read on; only of names that mean nothing to a shell.
fn commands(finding: &Finding) -> Vec<String> {
    let subject = &finding.subject;
    let mut commands = Vec::new();
    if let Some(advisory) = finding.advisory.as_ref().filter(|one| one.fix == "update")
        && let Some(version) = &advisory.fixed_in
        && plain(&subject.name)
        && plain(&subject.version)
        && plain(version)
    {
        let spec = format!("{}@{}", subject.name, subject.version);
        commands.push(format!("cargo update -p {spec} --precise {version}"));
    }
    for command in told_commands(&finding.clear) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands.extend(words::waive(finding));
    if plain(&finding.rule) {
        commands.push(format!("cargo custody explain {}", finding.rule));
    }
    commands
}

/// The commands for cargo that a remedy names between backticks, where no sign in them means anything to a
/// shell.
fn told_commands(clear: &str) -> Vec<String> {
    let quiet = |c: char| c.is_ascii_alphanumeric() || " -_.+@=/".contains(c);
    let quoted = clear.split('`').skip(1).step_by(2);
    let commands = quoted.filter(|text| text.starts_with("cargo ") && text.chars().all(quiet));
    commands.map(str::to_owned).collect()
}

fn item(report: &Report, finding: &Finding, evidence: &Evidence) -> Item {
    let excerpt = report.excerpts.iter().find(|one| {
        one.subject == finding.subject
            && Some(&one.file) == evidence.file.as_ref()
            && Some(&one.sha256) == evidence.sha256.as_ref()
    });
    let bare = Evidence { note: String::new(), sha256: None, ..evidence.clone() };
    Item {
        note: told(&evidence.note),
        place: words::evidence_line(&bare),
        sha256: evidence.sha256.as_deref().map(shown).unwrap_or_default(),
        hex: excerpt.map(hex_lines).unwrap_or_default(),
        url: evidence.url.clone().filter(|url| is_web(url)).unwrap_or_default(),
    }
}

/// Lines of 16 bytes that are shown, beginning with the first that differs from the older release.
const HEX_LINES: usize = 8;

/// The bytes of a file, those of the older release before each line that differs.
fn hex_lines(excerpt: &Excerpt) -> Vec<HexLine> {
    let line = |text: Option<&String>, at: usize| -> Option<String> {
        let part = text?.get(at * 32..)?;
        let part = part.get(..part.len().min(32))?;
        (!part.is_empty()).then(|| part.to_owned())
    };
    let told = |sign: &str, hex: &str, at: usize| {
        let bytes = hex.as_bytes().chunks(2).map(String::from_utf8_lossy);
        let pairs: Vec<String> = bytes.map(|two| shown(&two)).collect();
        let text: String = pairs.iter().map(|two| sign_of(two)).collect();
        let place = excerpt.offset.saturating_add(at as u64 * 16);
        format!("{sign} {place:06x}  {:<47}  {text}", pairs.join(" "))
    };
    let lines = excerpt.bytes.len().max(excerpt.old_bytes.as_ref().map_or(0, String::len));
    let lines = lines.div_ceil(32);
    let pair = |at: usize| (line(excerpt.old_bytes.as_ref(), at), line(Some(&excerpt.bytes), at));
    let differs = |at: &usize| pair(*at).0 != pair(*at).1;
    let first = excerpt.old_bytes.as_ref().and_then(|_| (0..lines).find(differs)).unwrap_or(0);
    let mut out = Vec::new();
    if let Some(version) = &excerpt.old_version {
        let then = match &excerpt.old_bytes {
            Some(old) if *old == excerpt.bytes => "has the same bytes here",
            Some(_) => "had other bytes: those with -",
            None => "had no such file",
        };
        out.push(HexLine { class: "", text: format!("{} {then}", shown(version)) });
    }
    for at in first..lines.min(first + HEX_LINES) {
        let (old, new) = pair(at);
        if excerpt.old_bytes.is_none() || old == new {
            out.extend(new.map(|hex| HexLine { class: "", text: told(" ", &hex, at) }));
        } else {
            out.extend(old.map(|hex| HexLine { class: "old", text: told("-", &hex, at) }));
            out.extend(new.map(|hex| HexLine { class: "new", text: told("+", &hex, at) }));
        }
    }
    out
}

/// What a byte is in a text; a dot for what has no sign.
fn sign_of(hex: &str) -> char {
    let byte = u8::from_str_radix(hex, 16).unwrap_or(0);
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}

/// A few lines around the place, where it is a place in a text of the project that is no lock file.
fn source(finding: &Finding, context: &Context<'_>) -> Vec<Line> {
    let at = &finding.location;
    let lock = at.file.rsplit('/').next() == Some("Cargo.lock");
    if lock || at.member.is_some() || at.offset.is_some() {
        return Vec::new();
    }
    let from = at.line.saturating_sub(AROUND).max(1);
    (from..=at.line.saturating_add(AROUND))
        .filter_map(|number| {
            let text = context.sources.line(&at.file, number)?;
            let class = if number == at.line { "hit" } else { "" };
            Some(Line { class, number, text: told(text) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_a_remedy_are_copied_and_nothing_that_a_shell_would_read_otherwise() {
        let told = "`cargo update -p a@1.0.0` or `make x`, `cargo update -p $(id)`, `cargo custody db update`.";
        let commands = ["cargo update -p a@1.0.0", "cargo custody db update"];
        assert_eq!(told_commands(told), commands);
    }

    #[test]
    fn a_young_crate_alone_is_no_change_of_hands() {
        let mut report = crate::reporter::sample::report();
        let subject = report.findings[0].subject.clone();
        report.hands = None;
        assert!(!changed(&report, &subject));
        report.hands = Some(crate::domain::Hands::default());
        assert!(!changed(&report, &subject));
    }
}
