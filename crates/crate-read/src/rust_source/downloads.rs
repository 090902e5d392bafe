//! The end of a reading: what is fetched, and whether a pinned digest is compared with it.

use std::collections::BTreeSet;

use super::facts::{CapabilityHit, CheckKind, CodeFacts, Downloads, LISTED, Place, Verification};
use super::table::Capability;
use super::walk::Walk;

/// Most names of what fetches.
const BY: usize = 32;

impl Walk<'_> {
    /// The facts, completed.
    pub(super) fn finish(mut self) -> CodeFacts {
        self.linked_libraries();
        self.programs();
        self.facts.variables.sort();
        let mut crates: Vec<String> = self.crates.iter().map(|name| super::cut(name)).collect();
        crates.sort();
        crates.truncate(LISTED);
        self.facts.crates = crates;
        self.facts.downloads = self.downloads();
        self.facts.acts = self.acting.acts();
        self.checks();
        self.facts
    }

    fn downloads(&mut self) -> Option<Downloads> {
        let by = fetching(&self.facts.capabilities);
        if by.is_empty() {
            return None;
        }
        let (verification, evidence) = self.verification();
        Some(Downloads { urls: urls(&self.facts), by, verification, evidence })
    }

    fn verification(&self) -> (Verification, Vec<Place>) {
        let mut evidence = self.digests.clone();
        evidence.extend(self.compared.iter().cloned());
        let commits = self.pinned_commits();
        let ignored =
            self.facts.checks.iter().filter(|c| c.kind == CheckKind::ResultDropped).count();
        let verification = if self.digests.is_empty() {
            if commits.is_empty() { Verification::None } else { Verification::PinnedDigest }
        } else if self.compared.len() <= ignored {
            Verification::CacheKeyOnly
        } else if self.pinned.is_empty() {
            Verification::Unknown
        } else {
            Verification::PinnedDigest
        };
        if verification == Verification::PinnedDigest {
            evidence.extend(self.pinned.iter().take(8).cloned());
            evidence.extend(commits);
        }
        (verification, evidence)
    }

    /// `git checkout <commit>`: the commit is a digest of what is fetched.
    fn pinned_commits(&self) -> Vec<Place> {
        let is_commit =
            |word: &String| word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
        self.facts
            .spawned
            .iter()
            .filter(|spawned| spawned.program == "git" && spawned.arguments.iter().any(is_commit))
            .map(|spawned| Place {
                note: "git is given a whole commit id".to_owned(),
                file: spawned.file.clone(),
                line: spawned.line,
            })
            .collect()
    }
}

/// Adds what files that were read as tokens fetch: hits from `known` on. Whether it is verified is not
/// told by tokens.
pub(super) fn of_tokens(facts: &mut CodeFacts, known: usize) {
    let by = fetching(facts.capabilities.get(known..).unwrap_or(&[]));
    if by.is_empty() {
        return;
    }
    let urls = urls(facts);
    match &mut facts.downloads {
        Some(downloads) => {
            downloads.urls = urls;
            downloads.by.extend(by);
            downloads.by.sort();
            downloads.by.dedup();
            downloads.by.truncate(BY);
        }
        none => {
            let (verification, evidence) = (Verification::Unknown, Vec::new());
            *none = Some(Downloads { urls, by, verification, evidence });
        }
    }
}

/// What fetches, each once, sorted.
fn fetching(hits: &[CapabilityHit]) -> Vec<String> {
    let by: BTreeSet<&String> = hits
        .iter()
        .filter(|hit| !hit.generated)
        .filter(|hit| matches!(hit.capability, Capability::Network | Capability::Download))
        .map(|hit| &hit.api)
        .collect();
    by.into_iter().take(BY).cloned().collect()
}

/// Addresses, each once, sorted.
fn urls(facts: &CodeFacts) -> Vec<String> {
    let urls: BTreeSet<&String> = facts.urls.iter().map(|url| &url.url).collect();
    urls.into_iter().take(64).cloned().collect()
}
