//! Everything that the bytes of one archive say, measured in one [`pass`] and kept by their hash.
//!
//! What depends on the bytes alone is kept in the fact store, so that they are read once. One
//! [`Measurer`] serves any number of threads and runs.

use std::sync::Arc;

use custody_bytes::gzip_tar::Limits;
use sha2::{Digest as _, Sha256};

use super::archive::{self, ArchiveError, ArchiveListing, ArchiveRecord, BenignProfiles};
use super::build_code::{self, BuildRecord};
use super::concealment::{self, ConcealmentFacts};
use super::kept::Kept;
use super::native::{self, NativeFacts};
use super::pass;
use super::shared::Shared;
use super::source_tree::{SourceFacts, SourceTree};
use super::store::{Entry, Kind};
use super::window;
use crate::domain::FactSheet;

/// Table of what build code and libraries can do, by archive.
const CODE: Kind = Kind::small("code");
/// Table of what vendored native sources are, by archive.
const NATIVE: Kind = Kind::small("native");
/// Table of what readers do not see, by archive.
const CONCEALMENT: Kind = Kind::small("concealment");

/// Versions under which results are kept; each changes with its tables and with the code that measures,
/// of which the build takes a hash.
struct Versions {
    archive: u64,
    code: u64,
    native: u64,
    concealment: u64,
    comparison: u64,
}

/// Hash over the code that measures, see `build.rs`.
fn measuring_code() -> u64 {
    u64::from_str_radix(env!("CUSTODY_MEASURING_CODE"), 16).expect("the build writes a number")
}

impl Versions {
    fn of(profiles: &BenignProfiles) -> Self {
        let by = measuring_code();
        let archive = archive::store_version(profiles).wrapping_add(by);
        let code = build_code::store_version().wrapping_add(by);
        // A comparison depends on what was measured and on how it is compared.
        let comparison = archive
            .wrapping_add(code)
            .wrapping_add(concealment::COLLECTOR_VERSION << 40)
            .wrapping_add(window::VERSION << 48);
        let native = native::COLLECTOR_VERSION.wrapping_add(by);
        let concealment = concealment::COLLECTOR_VERSION.wrapping_add(by);
        Self { archive, code, native, concealment, comparison }
    }
}

/// Everything that one archive says, by collector. It depends on the bytes alone.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Its files. The listing is empty where the contents come from the fact store.
    pub archive: ArchiveRecord,
    /// What its code can do at build time, and with secrets.
    pub code: BuildRecord,
    /// What its vendored native sources are.
    pub native: NativeFacts,
    /// What it keeps from its readers' eyes.
    pub concealment: ConcealmentFacts,
}

/// Puts one group of the contents of an archive.
type Put = fn(&Contents, &str, &mut FactSheet);

/// The groups that the bytes of an archive tell: all of them are known, or none.
const GROUPS: [(&str, Put); 6] = [
    (archive::GROUP, |of, group, sheet| sheet.put(group, &of.archive.facts)),
    (build_code::GROUP, |of, group, sheet| sheet.put(group, &of.code.build)),
    (build_code::SECRETS_GROUP, |of, group, sheet| sheet.put(group, &of.code.secrets)),
    (build_code::LIBRARY_GROUP, |of, group, sheet| sheet.put(group, &of.code.at_run_time)),
    (native::GROUP, |of, group, sheet| sheet.put(group, &of.native)),
    (concealment::GROUP, |of, group, sheet| sheet.put(group, &of.concealment)),
];

impl Contents {
    /// Puts the groups that the bytes alone can tell; what build code reaches through other crates is
    /// not followed.
    pub fn put(&self, sheet: &mut FactSheet) {
        for (group, put) in GROUPS {
            put(self, group, sheet);
        }
    }

    /// Puts the same groups as unknown, where the archive cannot be read.
    pub fn put_unknown(sheet: &mut FactSheet, reason: &str) {
        for (group, _) in GROUPS {
            sheet.put_unknown(group, reason);
        }
    }
}

/// Measures archives, and looks first into what is kept.
pub struct Measurer {
    profiles: BenignProfiles,
    versions: Versions,
    kept: Arc<Kept>,
    limits: Limits,
    shared: Option<Shared>,
}

impl Measurer {
    /// Keeps what it measures in `kept`; reads archives within `limits`.
    #[must_use]
    pub fn new(kept: Arc<Kept>, limits: Limits, shared: Option<Shared>) -> Self {
        let profiles = BenignProfiles::embedded();
        let versions = Versions::of(&profiles);
        Self { profiles, versions, kept, limits, shared }
    }

    /// Where it keeps what it measures.
    #[must_use]
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The store that it shares with other machines, if it does.
    #[must_use]
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_ref()
    }

    /// Under which everything of one archive is kept.
    #[must_use]
    pub fn key(sha256: &str, name: &str, version: &str) -> String {
        archive::store_key(sha256, name, version)
    }

    /// Everything that is kept of one archive, with the version of each.
    #[must_use]
    pub fn kinds(&self) -> [(Kind, u64); 5] {
        [
            (Kind::ARCHIVE, self.versions.archive),
            (Kind::LISTING, self.versions.archive),
            (CODE, self.versions.code),
            (NATIVE, self.versions.native),
            (CONCEALMENT, self.versions.concealment),
        ]
    }

    /// One number for all versions: facts of the same archive under the same number are the same.
    #[must_use]
    pub fn facts_version(&self) -> u64 {
        let mut hash = Sha256::new();
        for (kind, version) in self.kinds() {
            hash.update(kind.table_name());
            hash.update(version.to_le_bytes());
        }
        hash.finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// Version under which what code does is kept.
    #[must_use]
    pub fn code_version(&self) -> u64 {
        self.versions.code
    }

    /// What is kept of one archive as it is stored; `None` where anything is missing.
    #[must_use]
    pub fn kept_entries(&self, key: &str) -> Option<Vec<Entry>> {
        self.kinds().iter().map(|(kind, version)| self.kept.entry(*kind, key, *version)).collect()
    }

    /// Version under which comparisons of what it measures are kept.
    #[must_use]
    pub fn comparison_version(&self) -> u64 {
        self.versions.comparison
    }

    /// What was measured before of the archive with this SHA-256.
    #[must_use]
    pub fn kept_contents(
        &self,
        sha256: &str,
        name: &str,
        version: &str,
        with_listing: bool,
    ) -> Option<Contents> {
        self.kept_under(&archive::store_key(sha256, name, version), with_listing)
    }

    fn kept_under(&self, key: &str, with_listing: bool) -> Option<Contents> {
        let facts = self.kept.get(Kind::ARCHIVE, key, self.versions.archive)?;
        let code = self.kept.get(CODE, key, self.versions.code)?;
        let native = self.kept.get(NATIVE, key, self.versions.native)?;
        let concealment = self.kept.get(CONCEALMENT, key, self.versions.concealment)?;
        let listing = if with_listing {
            self.kept.get(Kind::LISTING, key, self.versions.archive)?
        } else {
            ArchiveListing::default()
        };
        Some(Contents { archive: ArchiveRecord { facts, listing }, code, native, concealment })
    }

    /// Measures an archive whose SHA-256 the caller has verified.
    pub fn measure(
        &self,
        sha256: &str,
        name: &str,
        version: &str,
        bytes: &[u8],
    ) -> Result<Contents, ArchiveError> {
        let contents = pass::archive(
            self.limits,
            &self.profiles,
            (name, version),
            (bytes, Some(sha256)),
            &mut (),
        )?;
        self.keep(&archive::store_key(sha256, name, version), &contents);
        Ok(contents)
    }

    /// Measures the files of a folder, with their listing; the other answer is what of them was read.
    pub fn measure_tree(
        &self,
        name: &str,
        version: &str,
        tree: &mut SourceTree,
    ) -> (Contents, SourceFacts) {
        let (mut files, mut bytes) = (0, 0);
        let sha256 = tree.each(|_, content| {
            files += 1;
            bytes += content.len() as u64;
        });
        // The hash speaks of the files as they lie there, and not of an archive.
        let key = archive::store_key(&format!("files-{sha256}"), name, version);
        let contents = self.kept_under(&key, true).unwrap_or_else(|| {
            let (contents, beyond) = pass::tree(&self.profiles, (name, version), tree, &mut ());
            // The hash does not speak of files outside of the folder, and files that changed between the
            // two readings would be kept under the wrong one.
            if !beyond && contents.archive.facts.sha256 == sha256 {
                self.keep(&key, &contents);
            }
            contents
        });
        (contents, tree.facts(files, bytes))
    }

    fn keep(&self, key: &str, contents: &Contents) {
        let Contents { archive, code, native, concealment } = contents;
        self.kept.put(Kind::ARCHIVE, key, self.versions.archive, &archive.facts);
        self.kept.put(Kind::LISTING, key, self.versions.archive, &archive.listing);
        self.kept.put(CODE, key, self.versions.code, code);
        self.kept.put(NATIVE, key, self.versions.native, native);
        self.kept.put(CONCEALMENT, key, self.versions.concealment, concealment);
    }
}

#[cfg(test)]
#[path = "contents_tests.rs"]
mod tests;
