//! What a change does to a finding: brings it in, makes it worse, or leaves it as it was.
//!
//! A finding is known by its rule and by what it is based on: files, hashes, addresses, accounts, and,
//! where an item of evidence has none of these, its words without their numbers (an age grows every
//! day). Lines do not count, they move.

use std::collections::BTreeSet;

use custody_facts::{Change, Evidence, Finding};

/// What became of `finding`, when `before` is what the same rules say about what it continues.
#[must_use]
pub fn since(finding: &Finding, before: &[Finding]) -> Change {
    let same: Vec<&Finding> = before.iter().filter(|old| old.rule == finding.rule).collect();
    let Some(level) = same.iter().map(|old| old.level).max() else { return Change::Introduced };
    let known: BTreeSet<String> =
        same.iter().flat_map(|old| old.evidence.iter().map(key)).collect();
    let seen: BTreeSet<String> = finding.evidence.iter().map(key).collect();
    if seen.is_subset(&known) && finding.level <= level {
        Change::Existing
    } else if !seen.is_empty() && seen.is_disjoint(&known) {
        Change::Introduced
    } else {
        Change::Raised
    }
}

/// The milder of two answers: a finding that either side knows is not new.
#[must_use]
pub fn milder(a: Option<Change>, b: Change) -> Change {
    match (a, b) {
        (Some(Change::Existing), _) | (_, Change::Existing) => Change::Existing,
        (Some(Change::Raised), _) | (_, Change::Raised) => Change::Raised,
        (Some(Change::Introduced) | None, Change::Introduced) => Change::Introduced,
    }
}

fn key(evidence: &Evidence) -> String {
    let Evidence { file, member, sha256, url, account, note, .. } = evidence;
    if file.is_none() && sha256.is_none() && url.is_none() && account.is_none() {
        return note.chars().filter(|c| !c.is_ascii_digit()).collect();
    }
    format!("{file:?} {member:?} {sha256:?} {url:?} {account:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use custody_facts::{Level, Location, Subject};

    fn finding(level: Level, evidence: &[Evidence]) -> Finding {
        Finding {
            rule: "new-opaque-file".to_owned(),
            level,
            score: 0.0,
            subject: Subject::registry_crate("codec", "1.0.0"),
            message: String::new(),
            evidence: evidence.to_vec(),
            location: Location::line("Cargo.lock", 1),
            related: Vec::new(),
            path: Vec::new(),
            change: None,
            arithmetic: Vec::new(),
            terms: Vec::new(),
            clear: String::new(),
            advisory: None,
            waived: None,
            baselined: None,
        }
    }

    fn file(sha256: &str) -> Evidence {
        Evidence {
            file: Some("a.bin".to_owned()),
            sha256: Some(sha256.to_owned()),
            ..Evidence::default()
        }
    }

    fn note(text: &str) -> Evidence {
        Evidence { note: text.to_owned(), ..Evidence::default() }
    }

    #[test]
    fn the_same_thing_seen_before_is_existing_and_other_bytes_are_introduced() {
        let now = finding(Level::Medium, &[file("aa")]);
        assert_eq!(since(&now, &[]), Change::Introduced);
        assert_eq!(since(&now, std::slice::from_ref(&now)), Change::Existing);
        assert_eq!(since(&now, &[finding(Level::Medium, &[file("bb")])]), Change::Introduced);
    }

    #[test]
    fn a_higher_level_or_more_evidence_is_raised() {
        let before = [finding(Level::Low, &[file("aa")])];
        assert_eq!(since(&finding(Level::High, &[file("aa")]), &before), Change::Raised);
        assert_eq!(since(&finding(Level::Low, &[file("aa"), file("bb")]), &before), Change::Raised);
    }

    #[test]
    fn an_age_that_grew_is_no_change_and_another_name_is() {
        let before = [finding(Level::Low, &[note("gained `kit`, 3 days old")])];
        let later = finding(Level::Low, &[note("gained `kit`, 90 days old")]);
        assert_eq!(since(&later, &before), Change::Existing);
        let other = finding(Level::Low, &[note("gained `evil`, 3 days old")]);
        assert_eq!(since(&other, &before), Change::Introduced);
    }

    #[test]
    fn the_milder_answer_counts() {
        assert_eq!(milder(None, Change::Introduced), Change::Introduced);
        assert_eq!(milder(Some(Change::Introduced), Change::Raised), Change::Raised);
        assert_eq!(milder(Some(Change::Existing), Change::Introduced), Change::Existing);
    }
}
