//! The pass over the bytes of a crate in which every collector reads, for an audit as for a person who looks
//! closer: whoever wants to see the bytes beside them is handed each file as well.

use std::collections::HashSet;

use custody_bytes::gzip_tar::Limits;

use super::archive::{self, ArchiveError, ArchiveListing, BenignProfiles, ListedFile, Observer};
use super::build_code::{BuildRecord, SourceKeeper, capability_table};
use super::concealment::ConcealmentKeeper;
use super::contents::Contents;
use super::native::NativeKeeper;
use super::source_tree::SourceTree;
use crate_read::rust_source::Unparsed;

/// Most times that the files of a crate are handed out for what its code names.
const PASSES: usize = 4;

/// Hands every file to all collectors that read bytes, and to one who looks over their shoulders.
struct Keepers<'o> {
    code: SourceKeeper,
    native: NativeKeeper,
    concealment: ConcealmentKeeper,
    also: &'o mut dyn Observer,
}

impl<'o> Keepers<'o> {
    fn new(also: &'o mut dyn Observer) -> Self {
        Self {
            code: SourceKeeper::default(),
            native: NativeKeeper::default(),
            concealment: ConcealmentKeeper::default(),
            also,
        }
    }
}

impl Observer for Keepers<'_> {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        self.code.file(&file.path, bytes);
        self.native.file(&file.path, &file.sha256, bytes);
        self.concealment.file(file, bytes);
        self.also.file(file, bytes);
    }
}

/// Reads the archive of a crate, by name and version, with its SHA-256 where that is known. `also` sees every file once.
pub(super) fn archive(
    limits: Limits,
    profiles: &BenignProfiles,
    (name, version): (&str, &str),
    packed: (&[u8], Option<&str>),
    also: &mut dyn Observer,
) -> Result<Contents, ArchiveError> {
    let mut keepers = Keepers::new(also);
    let archive = archive::measure_within(limits, name, version, packed, profiles, &mut keepers)?;
    let paths = paths(&archive.listing);
    let has = |path: &str| paths.contains(path);
    let mut code = code(keepers.code, has, |keeper| {
        // It was read to its end before.
        let _ = archive::measure_within(limits, name, version, packed, profiles, keeper);
    });
    code.build.cover(listed(&archive.listing));
    let (native, concealment) = (keepers.native.finish(), keepers.concealment.finish());
    Ok(Contents { archive, code, native, concealment })
}

/// Reads the files of a folder. The other answer is whether its code names files outside of the folder, so
/// that the contents hang on more than its own bytes.
pub(super) fn tree(
    profiles: &BenignProfiles,
    (name, version): (&str, &str),
    tree: &mut SourceTree,
    also: &mut dyn Observer,
) -> (Contents, bool) {
    let mut keepers = Keepers::new(also);
    let archive = archive::measure_tree(name, version, tree, profiles, &mut keepers);
    let paths = paths(&archive.listing);
    let mut beyond = false;
    let outside = tree.clone();
    let has = |path: &str| paths.contains(path) || outside.outside(path).is_some();
    let mut code = code(keepers.code, has, |keeper| {
        archive::measure_tree(name, version, tree, profiles, keeper);
        let named: Vec<String> = keeper.wanted().map(str::to_owned).collect();
        for path in named {
            if let Some(bytes) = outside.outside(&path) {
                keeper.file(&path, &bytes);
                beyond = true;
            }
        }
    });
    code.build.cover(listed(&archive.listing));
    beyond |= code.build.unparsed.iter().any(Unparsed::is_beyond);
    let (native, concealment) = (keepers.native.finish(), keepers.concealment.finish_folder());
    (Contents { archive, code, native, concealment }, beyond)
}

/// Every file with its SHA-256.
fn listed(listing: &ArchiveListing) -> impl Iterator<Item = (&str, &str)> {
    listing.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str()))
}

/// The paths of a crate.
fn paths(listing: &ArchiveListing) -> HashSet<&str> {
    listing.files.iter().map(|file| file.path.as_str()).collect()
}

/// What the code can do, once every file is at hand that build-time code names; `again` hands out all
/// files once more.
fn code(
    mut keeper: SourceKeeper,
    has: impl Fn(&str) -> bool,
    mut again: impl FnMut(&mut SourceKeeper),
) -> BuildRecord {
    for _ in 0..PASSES {
        let record = keeper.measure(capability_table());
        if !keeper.wants(&record, &has) {
            return record;
        }
        if keeper.wanted().next().is_some() {
            again(&mut keeper);
        }
    }
    keeper.finish(capability_table())
}
