//! What a crate's archive holds, measured in one pass over its bytes.
//!
//! Nothing is unpacked to disk and nothing is judged. A member that is no plain file is a fact, and what a
//! link points to stands at the link's place, too, because cargo compiles it from there; an
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
use std::collections::BTreeMap;

pub use facts::{
    ArchiveFacts, ArchiveListing, ArchiveRecord, ClassCounts, FileFacts, FileRole, ListedFile,
    ManifestFacts, OddEntry, Oddity, VcsFacts,
};
pub use profiles::{BenignProfiles, ProfilesError};
pub use role::role_of;

use super::source_tree::SourceTree;
use custody_bytes::gzip_tar::links::Unpacking;
use custody_bytes::gzip_tar::{GzipTar, GzipTarError, Limits, Member, MemberKind, Tail};
use scan::Scan;
pub(super) use scan::sha256;

/// Name of the group of [`ArchiveFacts`].
pub const GROUP: &str = "archive";
/// Entries of a list that rules see; what is left out is counted.
pub const LISTED: usize = 2_000;

/// Most bytes that links may repeat. No archive of 682 holds a link.
const LINKED_BYTES: u64 = 64 << 20;

/// Has to be raised whenever the same archive gives other facts or another listing than before.
pub const COLLECTOR_VERSION: u32 = 3;

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
    measure_within(Limits::default(), name, version, (bytes, None), profiles, observer)
}

/// [`measure`] with other limits, of bytes whose SHA-256 the caller may know.
pub fn measure_within(
    limits: Limits,
    name: &str,
    version: &str,
    (bytes, known): (&[u8], Option<&str>),
    profiles: &BenignProfiles,
    observer: &mut dyn Observer,
) -> Result<ArchiveRecord, ArchiveError> {
    let mut scan = Scan::new(name, version);
    let stopped = read(limits, bytes, &mut scan, observer).err();
    let sha256 = known.map_or_else(|| sha256(bytes), str::to_owned);
    let record = scan.draw(sha256, bytes.len() as u64, profiles);
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

/// Reads all members into the scan, and what links make of them.
fn read(
    limits: Limits,
    bytes: &[u8],
    scan: &mut Scan<'_>,
    observer: &mut dyn Observer,
) -> Result<(), GzipTarError> {
    let (tail, stopped) = pass(limits, bytes, |_, member| {
        scan.member(member, observer);
        Ok(())
    })?;
    scan.tail = tail;
    match stopped {
        None if scan.has_links() => follow(limits, bytes, scan, observer),
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// Hands out what stands at other places than its member, as cargo unpacks links.
fn follow(
    limits: Limits,
    bytes: &[u8],
    scan: &mut Scan<'_>,
    observer: &mut dyn Observer,
) -> Result<(), GzipTarError> {
    let mut unpacking = Unpacking::default();
    let (_, stopped) = pass(limits, bytes, |number, member| {
        unpacking.member(number, member);
        Ok(())
    })?;
    let standing = unpacking.finish(scan.folder());
    scan.leads_out(&standing.outside);
    let mut places: BTreeMap<usize, Vec<&[u8]>> = BTreeMap::new();
    for (path, number) in &standing.files {
        places.entry(*number).or_default().push(path);
    }
    let over = |limit| GzipTarError::Limit { what: "what links repeat", limit };
    let mut repeated = 0;
    let (_, repeating) = pass(limits, bytes, |number, member| {
        for path in places.get(&number).into_iter().flatten() {
            if scan.stands(path, member, observer) {
                repeated += member.bytes.len() as u64;
            }
            if repeated > LINKED_BYTES {
                return Err(over(LINKED_BYTES));
            }
        }
        Ok(())
    })?;
    match stopped.or(repeating) {
        Some(error) => Err(error),
        None if standing.cut => Err(over(standing.files.len() as u64)),
        None => Ok(()),
    }
}

/// One pass over the members, each with its number; what lies behind them, and what stopped it.
fn pass(
    limits: Limits,
    bytes: &[u8],
    mut each: impl FnMut(usize, &Member<'_>) -> Result<(), GzipTarError>,
) -> Result<(Tail, Option<GzipTarError>), GzipTarError> {
    let mut archive = GzipTar::new(bytes, limits, BUFFER.take())?;
    let mut number = 0;
    let stopped = loop {
        match archive.next() {
            Ok(Some(member)) => {
                if let Err(error) = each(number, &member) {
                    break Some(error);
                }
                number += 1;
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let (tail, buffer) = archive.finish(stopped.is_none());
    BUFFER.set(buffer);
    Ok((tail, stopped))
}

#[cfg(test)]
mod tests;
