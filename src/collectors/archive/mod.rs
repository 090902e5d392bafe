//! What a crate's archive holds, measured in one pass over its bytes.
//!
//! Nothing is unpacked to disk and nothing is judged. A member that is no plain file is a fact; an
//! archive that cannot be read to its end is an error that carries what was read before. The result
//! depends on the bytes, the expected name and version, and the table of profiles only, so it can be
//! kept: see [`store_key`] and [`store_version`].

mod facts;
mod manifest;
mod profiles;
mod role;
mod scan;
mod vcs;

use std::cell::Cell;

pub use facts::{
    ArchiveFacts, ArchiveListing, ArchiveRecord, ClassCounts, FileFacts, FileRole, ListedFile,
    ManifestFacts, OddEntry, Oddity, VcsFacts,
};
pub use profiles::{BenignProfiles, ProfilesError};
pub use role::role_of;

use super::source_tree::SourceTree;
use custody_bytes::gzip_tar::{GzipTar, GzipTarError, Limits, Member, MemberKind};
use scan::Scan;
pub(super) use scan::sha256;

/// Name of the group of [`ArchiveFacts`].
pub const GROUP: &str = "archive";
/// Entries of a list that rules see; what is left out is counted.
pub const LISTED: usize = 2_000;

/// Has to be raised whenever the same archive gives other facts or another listing than before.
pub const COLLECTOR_VERSION: u32 = 1;

/// Sees every file's bytes during the pass, so that further collectors need not inflate again.
pub trait Observer {
    /// One file, in the order of the archive, with all its bytes. A path can come twice: the last one
    /// is what cargo keeps.
    fn file(&mut self, file: &ListedFile, bytes: &[u8]);
}

/// The observer who does not look.
impl Observer for () {
    fn file(&mut self, _: &ListedFile, _: &[u8]) {}
}

/// Why an archive could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read to its end.
    #[error("the archive of {name} {version} cannot be read to its end: {source}")]
    Broken {
        /// Expected crate name.
        name: String,
        /// Expected version.
        version: String,
        /// What stopped the reader.
        source: GzipTarError,
        /// What was read before. Counts and lists cover only that.
        partial: Box<ArchiveRecord>,
    },
}

/// Key under which the record of an archive is kept.
#[must_use]
pub fn store_key(sha256: &str, name: &str, version: &str) -> String {
    format!("{sha256}/{name}-{version}")
}

/// Version under which the record of an archive is kept: the collector's and the profiles'.
#[must_use]
pub fn store_version(profiles: &BenignProfiles) -> u64 {
    u64::from(COLLECTOR_VERSION) << 32 | u64::from(profiles.checksum())
}

thread_local! {
    /// Working memory of this thread, kept from archive to archive.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Measures the archive of `name` and `version` from its bytes.
///
/// `observer` gets every file's bytes on the way; `()` is one that does not look.
pub fn measure(
    name: &str,
    version: &str,
    bytes: &[u8],
    profiles: &BenignProfiles,
    observer: &mut dyn Observer,
) -> Result<ArchiveRecord, ArchiveError> {
    measure_within(Limits::default(), name, version, bytes, profiles, observer)
}

/// [`measure`] with other limits.
pub fn measure_within(
    limits: Limits,
    name: &str,
    version: &str,
    bytes: &[u8],
    profiles: &BenignProfiles,
    observer: &mut dyn Observer,
) -> Result<ArchiveRecord, ArchiveError> {
    let mut scan = Scan::new(name, version);
    let stopped = read(limits, bytes, &mut scan, observer).err();
    let record = scan.finish(bytes, profiles);
    match stopped {
        None => Ok(record),
        Some(source) => Err(ArchiveError::Broken {
            name: name.to_owned(),
            version: version.to_owned(),
            source,
            partial: Box::new(record),
        }),
    }
}

/// Measures the files of a folder as if they had come in an archive. Hash and size are those of all files
/// together.
pub fn measure_tree(
    name: &str,
    version: &str,
    tree: &mut SourceTree,
    profiles: &BenignProfiles,
    observer: &mut dyn Observer,
) -> ArchiveRecord {
    let mut scan = Scan::new(name, version);
    let root = format!("{name}-{version}/").into_bytes();
    let mut total = 0;
    let sha256 = tree.each(|file, bytes| {
        total += bytes.len() as u64;
        let path = [root.as_slice(), &file.path].concat();
        let kind = MemberKind::File;
        let member = Member { path: &path, link_target: b"", kind, mode: file.mode, bytes };
        scan.member(&member, observer);
    });
    scan.tail.inflated_bytes = total;
    scan.draw(sha256, total, profiles)
}

/// Reads all members into the scan.
fn read(
    limits: Limits,
    bytes: &[u8],
    scan: &mut Scan<'_>,
    observer: &mut dyn Observer,
) -> Result<(), GzipTarError> {
    let mut archive = GzipTar::new(bytes, limits, BUFFER.take())?;
    let stopped = loop {
        match archive.next() {
            Ok(Some(member)) => scan.member(&member, observer),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let (tail, buffer) = archive.finish(stopped.is_none());
    BUFFER.set(buffer);
    scan.tail = tail;
    stopped.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
