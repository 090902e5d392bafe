//! A finding's own identity: the same after an update, after lines moved, and on another machine.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::domain::Finding;
use crate::domain::hash::hex;

/// Counts equal fingerprints, so that each is unique in its document.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    seen: BTreeMap<String, u32>,
}

impl Fingerprints {
    /// `<32 hex digits>:<n>` of rule, subject without its version, and file in the repository.
    pub(super) fn next(&mut self, finding: &Finding, path: &str) -> String {
        let parts = [&finding.rule, finding.subject.kind.as_str(), &finding.subject.name, path];
        let own = short_hash(&parts);
        let count = self.seen.entry(own.clone()).or_insert(0);
        *count += 1;
        format!("{own}:{count}")
    }
}

/// The first 16 bytes of the SHA-256 of some texts, each with its length, as hexadecimal.
pub(super) fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Subject;
    use crate::reporter::sample;

    #[test]
    fn an_update_keeps_the_fingerprint_and_another_crate_has_another() {
        let mut finding = sample::known_bad();
        let first = Fingerprints::default().next(&finding, "Cargo.lock");
        finding.subject.version = "0.3.3".to_owned();
        finding.location.line = 99;
        assert_eq!(Fingerprints::default().next(&finding, "Cargo.lock"), first);
        finding.subject = Subject::registry_crate("other", "0.3.3");
        assert_ne!(Fingerprints::default().next(&finding, "Cargo.lock"), first);
    }

    #[test]
    fn equal_ones_are_numbered() {
        let mut prints = Fingerprints::default();
        let finding = sample::known_bad();
        assert!(prints.next(&finding, "a").ends_with(":1"));
        assert!(prints.next(&finding, "a").ends_with(":2"));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(short_hash(&["ab", "c"]), short_hash(&["a", "bc"]));
    }
}
