//! The end of a reading: what is fetched, and whether a pinned digest is compared with it.

use super::facts::{CodeFacts, Downloads, LISTED, Place, Verification};
use super::table::Capability;
use super::walk::Walk;

impl Walk<'_> {
    /// The facts, completed.
    pub(super) fn finish(mut self) -> CodeFacts {
        self.programs();
        self.facts.variables.sort();
        let mut crates: Vec<String> = self.crates.iter().map(|name| super::cut(name)).collect();
        crates.sort();
        crates.truncate(LISTED);
        self.facts.crates = crates;
        self.facts.downloads = self.downloads();
        self.facts
    }

    fn downloads(&mut self) -> Option<Downloads> {
        let mut by: Vec<String> = self
            .facts
            .capabilities
            .iter()
            .filter(|hit| !hit.generated)
            .filter(|hit| matches!(hit.capability, Capability::Network | Capability::Download))
            .map(|hit| hit.api.clone())
            .collect();
        by.sort();
        by.dedup();
        by.truncate(32);
        if by.is_empty() {
            return None;
        }
        let mut urls: Vec<String> = self.facts.urls.iter().map(|url| url.url.clone()).collect();
        urls.sort();
        urls.dedup();
        urls.truncate(64);
        let (verification, evidence) = self.verification();
        Some(Downloads { urls, by, verification, evidence })
    }

    fn verification(&self) -> (Verification, Vec<Place>) {
        let mut evidence = self.digests.clone();
        evidence.extend(self.compared.iter().cloned());
        let commits = self.pinned_commits();
        let verification = if self.digests.is_empty() {
            if commits.is_empty() { Verification::None } else { Verification::PinnedDigest }
        } else if self.compared.is_empty() {
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
