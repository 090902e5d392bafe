//! What changed in the bytes between two releases of a crate: groups `window` (against the last
//! release of the same semver line that is at least [`WINDOW_DAYS`] older) and `previous` (against
//! the release right before it).
//!
//! A window, because a slow attacker spreads a change over several releases, and because a poisoned
//! release that is followed by a harmless one must not look clean. Compares listings; reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::{
    ArchiveFacts, ArchiveListing, ArchiveRecord, FileFacts, FileRole, ListedFile,
};
use super::build_code::{BuildRecord, HostKind};
use super::concealment::{ConcealmentFacts, IgnoredInput, links_taken_over, newly_ignored};
use super::weakened::{self, Weakened};
use crate::domain::Measured;
use crate_read::file_kind::FileClass;
use crate_read::rust_source::Capability;

/// How much older the compared release has to be, in days.
pub const WINDOW_DAYS: i64 = 180;
/// Group of the comparison with the last release that is old enough.
pub const WINDOW: &str = "window";
/// Group of the comparison with the release before.
pub const PREVIOUS: &str = "previous";
/// Has to be raised whenever the same listings give other facts than before.
pub const VERSION: u64 = 4;
/// Most files in one list.
const LISTED: usize = 2_000;

/// What changed in the bytes of a crate since an older release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonFacts {
    /// The older release; `no release` where none is old enough, so that everything is new.
    pub version: Measured<String>,
    /// Days between the two releases, from the index; from the crate's first release where none is
    /// old enough.
    pub days_between: Measured<i64>,
    /// Files that are neither text nor import libraries, whose path is new and whose bytes were
    /// nowhere in the older release; at most 2,000.
    pub binaries_added: Measured<Vec<FileFacts>>,
    /// Such files whose path was there with other bytes, and whose bytes were nowhere in the older
    /// release; at most 2,000.
    pub binaries_changed: Measured<Vec<ChangedFile>>,
    /// Number of such files that are gone.
    pub binaries_removed: Measured<u64>,
    /// Number of all files whose path is new.
    pub files_added: Measured<u64>,
    /// Number of all files whose bytes are others.
    pub files_changed: Measured<u64>,
    /// Number of all files that are gone.
    pub files_removed: Measured<u64>,
    /// Sum of the sizes of all files now minus then, in bytes.
    pub bytes_grown: Measured<i64>,
    /// What build-time code can do now and could not then, sorted. Only what the code itself says.
    pub capabilities_gained: Measured<Vec<Capability>>,
    /// What build-time code could do then and cannot now, sorted.
    pub capabilities_lost: Measured<Vec<Capability>>,
    /// What library code can do at run time now and could not then, sorted; not what stands outside of the
    /// crate's own code.
    pub library_gained: Measured<Vec<Capability>>,
    /// Hosts that library code names beside the network now and did not then, of a number or a service
    /// where anybody can receive data.
    pub hosts_gained: Measured<Vec<String>>,
    /// Checks that the older release had and this one does not, and what can be reviewed less; at most 64.
    pub weakened: Measured<Vec<Weakened>>,
    /// Whether any code runs at build time now and none did then.
    pub newly_runs_at_build: Measured<bool>,
    /// Whether only the last number of the version differs; false where there is no older release.
    pub patch: Measured<bool>,
    /// Share of Rust files whose bytes are new or others, 0 to 1.
    pub rust_changed_share: Measured<f64>,
    /// Patterns of `.gitignore` files and of `package.exclude` that match build inputs now and were not
    /// there then; at most 200.
    pub newly_ignored: Measured<Vec<IgnoredInput>>,
    /// The native library that the manifest binds now (`package.links`) and did not bind then; absent
    /// where it is the same, or none.
    pub links_gained: Measured<Option<String>>,
}

impl ComparisonFacts {
    /// Nothing could be compared.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        Self {
            version: Measured::unknown(reason),
            days_between: Measured::unknown(reason),
            binaries_added: Measured::unknown(reason),
            binaries_changed: Measured::unknown(reason),
            binaries_removed: Measured::unknown(reason),
            files_added: Measured::unknown(reason),
            files_changed: Measured::unknown(reason),
            files_removed: Measured::unknown(reason),
            bytes_grown: Measured::unknown(reason),
            capabilities_gained: Measured::unknown(reason),
            capabilities_lost: Measured::unknown(reason),
            library_gained: Measured::unknown(reason),
            hosts_gained: Measured::unknown(reason),
            weakened: Measured::unknown(reason),
            newly_runs_at_build: Measured::unknown(reason),
            patch: Measured::unknown(reason),
            rust_changed_share: Measured::unknown(reason),
            newly_ignored: Measured::unknown(reason),
            links_gained: Measured::unknown(reason),
        }
    }

    /// No file of this release is worth fetching an older one for: no such file can be new in it.
    #[must_use]
    pub fn nothing_to_compare(concealment: &ConcealmentFacts) -> Self {
        let unknown =
            Self::unknown("it holds no binary file or capability that is worth a comparison");
        // What is not there now cannot be new.
        let newly_ignored = match concealment.ignored_inputs.as_slice() {
            [] => Measured::Known(Vec::new()),
            _ => unknown.newly_ignored.clone(),
        };
        let links_gained = match concealment.links {
            None => Measured::Known(None),
            Some(_) => unknown.links_gained.clone(),
        };
        Self {
            binaries_added: Measured::Known(Vec::new()),
            binaries_changed: Measured::Known(Vec::new()),
            capabilities_gained: Measured::Known(Vec::new()),
            newly_ignored,
            links_gained,
            ..unknown
        }
    }
}

/// An older release.
#[derive(Clone, Copy, Debug)]
pub struct Against<'a> {
    /// Its version.
    pub version: &'a str,
    /// Its files.
    pub listing: &'a ArchiveListing,
    /// Its code.
    pub code: &'a BuildRecord,
    /// What it keeps from its readers.
    pub concealment: &'a ConcealmentFacts,
}

/// The release that is compared.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// Its version.
    pub version: &'a str,
    /// Its files.
    pub archive: &'a ArchiveRecord,
    /// Its code.
    pub code: &'a BuildRecord,
    /// What it keeps from its readers.
    pub concealment: &'a ConcealmentFacts,
}

/// Whether an older release is worth fetching: some file could carry something, or code that runs at
/// build time can do more than start a compiler.
#[must_use]
pub fn worth_comparing(facts: &ArchiveFacts, code: &BuildRecord) -> bool {
    let files = &facts.binaries;
    files.iter().any(|file| file.class.could_carry() && file.in_profile.is_none())
        || code.build.capability_names.iter().any(|capability| could_act(*capability))
        || could_act_at_run_time(code)
        || weakened::could_be(code)
}

/// Whether library code does what few do.
fn could_act_at_run_time(code: &BuildRecord) -> bool {
    let library = &code.at_run_time;
    !library.flows.is_empty()
        || !library.acts.is_empty()
        || !library.autostart.is_empty()
        || !code.secrets.modules.is_empty()
        || library.hosts.iter().any(|host| host.kind != HostKind::Named)
}

/// Capabilities that few build scripts have.
fn could_act(capability: Capability) -> bool {
    match capability {
        Capability::Network
        | Capability::Download
        | Capability::RawSocket
        | Capability::Shell
        | Capability::SecretRead
        | Capability::HomeOrCredentialRead
        | Capability::PermissionChange
        | Capability::DynamicLoad
        | Capability::RustcWrapper
        | Capability::Decode
        | Capability::Decompress
        | Capability::Decrypt => true,
        Capability::Spawn
        | Capability::EnvironmentWideRead
        | Capability::WriteOutsideOutDir
        | Capability::LinkArgument
        | Capability::Ffi
        | Capability::PreMain
        | Capability::Gate => false,
    }
}

/// A file whose bytes changed while its name stayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedFile {
    /// Path below the archive's root folder.
    pub path: String,
    /// What part it plays in the crate.
    pub role: FileRole,
    /// What it is now, from its bytes.
    pub class: FileClass,
    /// Size now, in bytes.
    pub size: u64,
    /// SHA-256 now, lower-case hexadecimal.
    pub sha256: String,
    /// Entropy now in bits a byte; unknown below 4,096 bytes.
    pub entropy: Measured<f64>,
    /// The format now, in a few words.
    pub magic: String,
    /// Name of the profile in the table of harmless blobs that covers it.
    pub in_profile: Option<String>,
    /// Size then, in bytes.
    pub size_before: u64,
    /// SHA-256 then, lower-case hexadecimal.
    pub sha256_before: String,
}

/// Compares a release with an older one, or with nothing.
#[must_use]
pub fn compare(
    release: &Now<'_>,
    against: Option<&Against<'_>>,
    days_between: i64,
) -> ComparisonFacts {
    let now = release.archive;
    let nothing = ArchiveListing::default();
    let older = against.map_or(&nothing, |against| against.listing);
    let before: BTreeMap<&str, &ListedFile> =
        older.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let known: BTreeSet<&str> = older.files.iter().map(|file| file.sha256.as_str()).collect();
    let after: BTreeSet<&str> = now.listing.files.iter().map(|file| file.path.as_str()).collect();
    let news = |file: &&FileFacts| !known.contains(file.sha256.as_str());
    let (changed, added): (Vec<_>, Vec<_>) = now
        .facts
        .binaries
        .iter()
        .filter(news)
        .partition(|file| before.contains_key(file.path.as_str()));
    let gone = || older.files.iter().filter(|file| !after.contains(file.path.as_str()));
    let others =
        now.listing.files.iter().filter(|file| {
            before.get(file.path.as_str()).is_some_and(|old| old.sha256 != file.sha256)
        });
    let known_changed = changed
        .into_iter()
        .take(LISTED)
        .filter_map(|file| Some(changed_file(file, before.get(file.path.as_str())?)))
        .collect();
    ComparisonFacts {
        version: Measured::Known(against.map_or("no release", |a| a.version).to_owned()),
        days_between: Measured::Known(days_between),
        binaries_added: Measured::Known(added.into_iter().take(LISTED).cloned().collect()),
        binaries_changed: Measured::Known(known_changed),
        binaries_removed: count(gone().filter(|file| is_binary(file.class))),
        files_added: count(after.iter().filter(|path| !before.contains_key(**path))),
        files_changed: count(others),
        files_removed: count(gone()),
        bytes_grown: Measured::Known(bytes(&now.listing).saturating_sub(bytes(older))),
        patch: Measured::Known(
            against.is_some_and(|older| is_patch(older.version, release.version)),
        ),
        rust_changed_share: Measured::Known(rust_changed_share(&now.listing, &before)),
        newly_ignored: Measured::Known(match against {
            Some(older) => newly_ignored(release.concealment, older.concealment),
            None => release.concealment.ignored_inputs.clone(),
        }),
        links_gained: Measured::Known(match against {
            Some(older) => links_taken_over(release.concealment, older.concealment),
            None => release.concealment.links.clone(),
        }),
        weakened: Measured::Known(match against {
            Some(older) => weakened::compare(release, older),
            None => Vec::new(),
        }),
        ..capabilities(release.code, against)
    }
}

/// The part of a comparison that is about build-time code.
fn capabilities(code: &BuildRecord, against: Option<&Against<'_>>) -> ComparisonFacts {
    let now = &code.build.capability_names;
    let none = Vec::new();
    let before = against.map_or(&none, |against| &against.code.build.capability_names);
    let without = |these: &[Capability], those: &[Capability]| {
        Measured::Known(these.iter().filter(|c| !those.contains(c)).copied().collect())
    };
    let ran = against.map_or(Measured::Known(false), |a| a.code.build.runs_at_build.clone());
    let libraries = against.map(|against| &against.code.at_run_time);
    let could = libraries.map_or(&none, |library| &library.capability_names);
    let odd = code.at_run_time.hosts.iter().filter(|host| host.kind != HostKind::Named);
    let named = |host: &str| {
        libraries.is_some_and(|library| library.hosts.iter().any(|known| known.host == host))
    };
    let gained = odd.filter(|host| !named(&host.host)).map(|host| host.host.clone());
    ComparisonFacts {
        library_gained: without(&code.at_run_time.capability_names, could),
        hosts_gained: Measured::Known(gained.collect()),
        capabilities_gained: without(now, before),
        capabilities_lost: without(before, now),
        newly_runs_at_build: code
            .build
            .runs_at_build
            .clone()
            .and_then(|runs| ran.map(|ran| runs && !ran)),
        ..ComparisonFacts::unknown("it is no matter of code")
    }
}

fn changed_file(file: &FileFacts, old: &ListedFile) -> ChangedFile {
    ChangedFile {
        path: file.path.clone(),
        role: file.role,
        class: file.class,
        size: file.size,
        sha256: file.sha256.clone(),
        entropy: file.entropy.clone(),
        magic: file.magic.clone(),
        in_profile: file.in_profile.clone(),
        size_before: old.size,
        sha256_before: old.sha256.clone(),
    }
}

/// Whether two versions differ in their last number only.
fn is_patch(before: &str, now: &str) -> bool {
    match (semver::Version::parse(before), semver::Version::parse(now)) {
        (Ok(before), Ok(now)) => {
            (before.major, before.minor) == (now.major, now.minor) && before.patch != now.patch
        }
        _ => false,
    }
}

fn is_binary(class: FileClass) -> bool {
    !matches!(class, FileClass::Text | FileClass::Empty | FileClass::ImportLibrary)
}

fn is_rust(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

fn count(items: impl Iterator) -> Measured<u64> {
    Measured::Known(items.count() as u64)
}

fn bytes(listing: &ArchiveListing) -> i64 {
    let sum = listing.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
    i64::try_from(sum).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a share of a number of files")]
fn rust_changed_share(now: &ArchiveListing, before: &BTreeMap<&str, &ListedFile>) -> f64 {
    let rust = now.files.iter().filter(|file| is_rust(&file.path));
    let (mut all, mut same) = (0_u64, 0_u64);
    for file in rust {
        all += 1;
        let unchanged = before.get(file.path.as_str()).is_some_and(|old| old.sha256 == file.sha256);
        same += u64::from(unchanged);
    }
    if all == 0 { 0.0 } else { 1.0 - same as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_the_last_number_only() {
        assert!(is_patch("1.2.3", "1.2.4"));
        assert!(!is_patch("1.2.3", "1.3.0") && !is_patch("0.2.9", "1.2.10"));
        assert!(!is_patch("1.2.3", "1.2.3") && !is_patch("one", "1.2.3"));
    }

    #[test]
    fn what_is_not_there_cannot_be_new() {
        let mut concealment = crate::collectors::concealment::ConcealmentKeeper::new().finish();
        let facts = ComparisonFacts::nothing_to_compare(&concealment);
        assert_eq!(facts.newly_ignored, Measured::Known(Vec::new()));
        assert_eq!(facts.links_gained, Measured::Known(None));
        concealment.links = Some("lzma".to_owned());
        let facts = ComparisonFacts::nothing_to_compare(&concealment);
        assert!(facts.links_gained.known().is_none(), "nobody looked whether it was there before");
    }
}
