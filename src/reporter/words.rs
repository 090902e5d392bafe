//! Places, paths, evidence and numbers in words, alike in every format for readers.
//!
//! What comes out is safe to show; escaping for Markdown or HTML is the format's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::domain::finding::Term;
use crate::domain::text::{SHOWN_CHARS, shown};
use crate::domain::{
    Change, Evidence, Finding, Level, Location, Origin, PathStep, Subject, SubjectKind,
};

/// ", introduced by this change": to be put behind the name of a finding.
#[must_use]
pub fn change_note(change: Change) -> &'static str {
    match change {
        Change::Introduced => ", introduced by this change",
        Change::Raised => ", raised by this change",
        Change::Existing => ", existing",
    }
}

/// Whether a name or a version means nothing to a shell, and is no option.
#[must_use]
pub fn plain(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(known)
}

/// The command that looks closer at a crate of the registry; only of names that are [`plain`].
#[must_use]
pub fn look(subject: &Subject) -> Option<String> {
    let of_registry = subject.kind == SubjectKind::Crate && subject.origin == Origin::Registry;
    (of_registry && plain(&subject.name) && plain(&subject.version))
        .then(|| format!("cargo custody inspect {}@{}", subject.name, subject.version))
}

/// The command that accepts a finding about a crate or a model, to be given a reason; nothing where a name
/// means something to a shell, and nothing for a critical finding: nobody should be handed that by the way.
#[must_use]
pub fn waive(finding: &Finding) -> Option<String> {
    let Subject { kind, name, .. } = &finding.subject;
    let takes = matches!(kind, SubjectKind::Crate | SubjectKind::Model);
    (takes && finding.level < Level::Critical && plain(&finding.rule) && name.split('/').all(plain))
        .then(|| format!("cargo custody waive {} {name} --reason TEXT", finding.rule))
}

/// Longest message, in characters.
const MAX_MESSAGE: usize = 2_000;

/// A sentence of ours that quotes strangers, safe to show: cleaned like [`shown`], cut only where it
/// is far longer than a sentence.
#[must_use]
pub fn told(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_MESSAGE));
    let mut chars = text.chars().take(MAX_MESSAGE).peekable();
    while chars.peek().is_some() {
        let part: String = chars.by_ref().take(SHOWN_CHARS).collect();
        out.push_str(&shown(&part));
    }
    if text.chars().nth(MAX_MESSAGE).is_some() {
        out.push('…');
    }
    out
}

/// At most `most` characters; of a longer text the last one says that it goes on.
#[must_use]
pub fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Whether a text is an address that may become a link.
#[must_use]
pub fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\' | '`'))
    })
}

/// "1 crate", "2 crates"; knows the plural of every kind of subject.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    let plural = match noun {
        "dataset" => "data sets",
        _ => "",
    };
    match (n, plural) {
        (1, "") => format!("1 {noun}"),
        (1, _) => "1 data set".to_owned(),
        (_, "") => format!("{n} {noun}s"),
        (_, plural) => format!("{n} {plural}"),
    }
}

/// "325 crates and 3 models": how many there are of each kind.
#[must_use]
pub fn by_kind<'s>(subjects: impl Iterator<Item = &'s Subject>) -> String {
    let mut counts: BTreeMap<SubjectKind, usize> = BTreeMap::new();
    for subject in subjects {
        *counts.entry(subject.kind).or_default() += 1;
    }
    let parts: Vec<String> = counts.into_iter().map(|(kind, n)| count(n, kind.as_str())).collect();
    and(&parts)
}

/// "a", "a and b", "a, b and c".
#[must_use]
pub fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The way from the project to a subject; a long one keeps its first two and last three steps.
#[must_use]
pub fn way(finding: &Finding, arrow: &str) -> String {
    let name = |step: &PathStep| {
        let text = if step.version.is_empty() {
            step.name.clone()
        } else {
            format!("{} {}", step.name, step.version)
        };
        shown(&text)
    };
    let steps = &finding.path;
    let parts: Vec<String> = if steps.len() > 6 {
        let middle = format!("({} more)", steps.len() - 5);
        let (head, tail) = (&steps[..2], &steps[steps.len() - 3..]);
        head.iter().map(name).chain([middle]).chain(tail.iter().map(name)).collect()
    } else {
        steps.iter().map(name).collect()
    };
    parts.join(&format!(" {arrow} "))
}

/// A file's path from the repository's root, with `/`; never absolute, never upwards.
#[must_use]
pub fn repository_path(prefix: &str, file: &str) -> String {
    let parts: Vec<&str> = prefix
        .split('/')
        .chain(file.split('/'))
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .collect();
    parts.join("/")
}

/// `file:line` of a place, or its member and byte where it is no text; safe to show.
#[must_use]
pub fn place(location: &Location) -> String {
    let file = shown(&location.file);
    let mut text = match (&location.member, location.offset) {
        (Some(member), _) => format!("{file}!{}", shown(member)),
        (None, Some(_)) => file,
        (None, None) => format!("{file}:{}", location.line),
    };
    if let Some(offset) = location.offset {
        let _ = write!(text, " at byte {offset}");
    }
    text
}

/// Which hashes of evidence are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashes {
    /// Every one, whole.
    All,
    /// Those that stand for something that has no file name: a waiver wants them. Whole.
    ForCopying,
}

/// One item of evidence in one line, safe to show: the note, then where to look, with its hash.
#[must_use]
pub fn evidence_line(evidence: &Evidence) -> String {
    self::evidence(evidence, Hashes::All)
}

/// One item of evidence in one line, safe to show.
#[must_use]
pub fn evidence(evidence: &Evidence, hashes: Hashes) -> String {
    let mut place = Vec::new();
    if let Some(file) = &evidence.file {
        let member = evidence.member.iter().map(|member| format!("!{}", shown(member)));
        let file: String = [shown(file)].into_iter().chain(member).collect();
        place.push(match (evidence.line, evidence.offset) {
            (Some(line), _) => format!("{file}:{line}"),
            (None, Some(offset)) => format!("{file} at byte {offset}"),
            (None, None) => file,
        });
    }
    let told_whole = hashes == Hashes::All || evidence.file.is_none();
    if let Some(sha256) = evidence.sha256.as_ref().filter(|_| told_whole) {
        place.push(format!("sha256 {}", shown(sha256)));
    }
    let note = told(&evidence.note);
    match (note.is_empty(), place.is_empty()) {
        (_, true) => note,
        (true, false) => place.join(", "),
        (false, false) => format!("{note} ({})", place.join(", ")),
    }
}

/// How unusual a term of a score is, as a reader counts: `5 of 1,358 honest crates: ...`.
#[must_use]
pub fn rarity(term: &Term) -> String {
    let title = told(&term.title);
    let mut rest = title.chars();
    let first = rest.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    let title = format!("{first}{}", rest.as_str());
    format!("{} of {} honest crates: {title}", grouped(term.fires), grouped(term.of))
}

/// More honest crates than one in this many show what is not unusual at all.
const COMMON: u32 = 20;

/// The rarest term that is behind the finding: `5 of 1,358 honest crates: ...`. Rates were measured on crates
/// and speak of nothing else.
#[must_use]
pub fn unusual(finding: &Finding) -> Option<String> {
    if finding.subject.kind != SubjectKind::Crate || finding.level < Level::Medium {
        return None;
    }
    let rare = |term: &&Term| term.behind && term.of > 0 && term.fires <= term.of / COMMON;
    let measured = finding.terms.iter().filter(rare);
    let rarest = measured.max_by(|a, b| a.bits.total_cmp(&b.bits))?;
    Some(rarity(rarest))
}

/// A number with a comma before every three digits.
#[must_use]
pub fn grouped(n: u32) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::sample;

    #[test]
    fn a_long_message_is_not_cut_like_a_name() {
        let long = "word ".repeat(200);
        assert_eq!(told(&long), long);
        assert_eq!(told(&"x".repeat(9_000)).chars().count(), MAX_MESSAGE + 1);
        assert_eq!(told("a\x1b\n\u{202E}b"), "a\\u{1b} \\u{202e}b");
    }

    #[test]
    fn only_a_crate_with_a_plain_name_is_looked_at() {
        let crate_of = |name: &str| Subject::registry_crate(name, "1.0.0");
        assert_eq!(look(&crate_of("a-b")).as_deref(), Some("cargo custody inspect a-b@1.0.0"));
        for name in ["", "-f", "a;b", "a b", "$(a)", "a'b", "\u{e9}"] {
            assert_eq!(look(&crate_of(name)), None, "{name}");
        }
        let local = Subject { origin: Origin::Path, ..crate_of("a") };
        let model = Subject { kind: SubjectKind::Model, ..crate_of("a") };
        assert_eq!([look(&local), look(&model)], [None, None]);
    }

    #[test]
    fn a_text_is_cut_only_where_it_is_too_long() {
        assert_eq!([clip("äöü", 3), clip("äöü", 2), clip("", 0)], ["äöü", "ä…", ""]);
        assert_eq!([clip("ab", 1), clip("ab", 0)], ["…", "…"]);
    }

    #[test]
    fn rarity_is_told_in_crates() {
        let mut term = sample::report().findings[0].terms[0].clone();
        term.of = 1_234_567;
        let told = rarity(&term);
        assert_eq!(told, "11 of 1,234,567 honest crates: a file that nobody can read");
        assert_eq!([grouped(999), grouped(1_000)], ["999", "1,000"]);
    }

    #[test]
    fn a_hash_is_whole_and_left_out_only_beside_a_file_name() {
        let hash = "ab".repeat(32);
        let of_file = Evidence {
            file: Some("x".to_owned()),
            sha256: Some(hash.clone()),
            ..Evidence::default()
        };
        let of_code = Evidence { file: None, ..of_file.clone() };
        assert_eq!(evidence(&of_file, Hashes::ForCopying), "x");
        assert!(evidence(&of_file, Hashes::All).ends_with(&hash));
        assert!(evidence(&of_code, Hashes::ForCopying).ends_with(&hash));
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(count(1, "crate"), "1 crate");
        assert_eq!(count(0, "crate"), "0 crates");
        assert_eq!(count(2, "dataset"), "2 data sets");
        assert_eq!(and(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }

    #[test]
    fn a_long_way_is_shortened_in_the_middle() {
        let mut finding = sample::report().findings[0].clone();
        let step = finding.path[0].clone();
        finding.path = (0..9)
            .map(|n| PathStep { name: format!("c{n}"), version: String::new(), ..step.clone() })
            .collect();
        assert_eq!(way(&finding, "->"), "c0 -> c1 -> (4 more) -> c6 -> c7 -> c8");
    }
}
