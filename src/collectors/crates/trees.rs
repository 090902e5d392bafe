//! Crates whose files lie in folders: measured by the same collectors as archives, in parallel, and kept
//! under the hash of all their files.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Crates, want};
use crate::collectors::archive::{self, ArchiveError};
use crate::collectors::cargo_home::read_bounded;
use crate::collectors::contents::Contents;
use crate::collectors::crate_files::{BytesFacts, CrateFile, FoundIn, Mismatch};
use crate::collectors::releases::Locked;
use crate::collectors::source_tree::{self, AlteredFile, Copy, SourceFacts, SourceTree};
use crate::domain::{Measured, NodeIndex, Place, PlaceKind};
use crate::net::archives::ARCHIVE_LIMIT;

/// A crate in a folder.
#[derive(Clone, Debug)]
pub struct Treed {
    /// Its node.
    pub node: NodeIndex,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Where its files are, or why that is not known.
    pub place: Measured<Place>,
    /// What the lockfile promises, where it comes from a registry.
    pub locked: Option<Locked>,
}

/// What the files of one crate say, and which of them were read.
#[derive(Clone, Debug)]
pub struct TreeMeasured {
    /// Where they were read, and what was left out.
    pub source: SourceFacts,
    /// What they hold.
    pub contents: Contents,
}

/// What became of one crate in a folder.
#[derive(Clone, Debug)]
pub struct TreeAnswer {
    /// What was measured.
    pub measured: Measured<TreeMeasured>,
    /// Whether its archive is the pinned one, where it is one of a local registry.
    pub bytes: Option<BytesFacts>,
}

impl TreeAnswer {
    fn unknown(reason: impl Into<String>) -> Self {
        Self { measured: Measured::unknown(reason), bytes: None }
    }
}

impl Crates<'_> {
    /// Measures crates in folders, in the order given; `done` is called after each.
    #[must_use]
    pub fn measure_trees(&self, trees: &[Treed], done: &(dyn Fn() + Sync)) -> Vec<TreeAnswer> {
        let all = trees
            .par_iter()
            .map(|treed| {
                let measured = self.measure_tree(treed);
                done();
                measured
            })
            .collect();
        self.kept().save();
        all
    }

    fn measure_tree(&self, treed: &Treed) -> TreeAnswer {
        let place = match &treed.place {
            Measured::Known(place) => place,
            Measured::Unknown(reason) => return TreeAnswer::unknown(reason.clone()),
        };
        if place.kind == PlaceKind::LocalRegistry {
            return self.in_local_registry(treed, place);
        }
        let mut tree = match SourceTree::open(place) {
            Ok(tree) => tree,
            Err(error) => return TreeAnswer::unknown(error.to_string()),
        };
        let (contents, mut source) =
            self.measurer.measure_tree(&treed.name, &treed.version, &mut tree);
        match place.kind {
            PlaceKind::Vendored | PlaceKind::Override => {
                source.put_altered(self.altered(treed, &contents));
            }
            PlaceKind::Path | PlaceKind::Git | PlaceKind::LocalRegistry => {}
        }
        if place.kind == PlaceKind::Vendored {
            let pinned = treed.locked.as_ref().and_then(|locked| locked.checksum.as_deref());
            source.contradicted = contradicted(place, &contents, pinned);
        }
        let measured = Measured::Known(TreeMeasured { source, contents });
        TreeAnswer { measured, bytes: None }
    }

    /// What differs from the archive that the lockfile promises.
    fn altered(&self, treed: &Treed, here: &Contents) -> Measured<Vec<AlteredFile>> {
        let Some(want) = treed.locked.as_ref().and_then(want) else {
            return Measured::unknown("the lockfile pins no hash of an archive");
        };
        self.recorded(&want).map(|published| {
            let published =
                Copy { listing: &published.archive.listing, build: &published.code.build };
            let here = Copy { listing: &here.archive.listing, build: &here.code.build };
            source_tree::altered(published, here)
        })
    }

    /// A crate of a local registry: an archive, of which cargo compares the hash.
    fn in_local_registry(&self, treed: &Treed, place: &Place) -> TreeAnswer {
        let file = match local_archive(treed, place) {
            Ok(file) => file,
            Err(reason) => return TreeAnswer::unknown(reason),
        };
        let mut bytes = file.facts();
        let measured = match &file {
            CrateFile::Found { bytes: archive, .. } => {
                self.in_archive(treed, place, archive, &mut bytes.unreadable)
            }
            CrateFile::Mismatched(_) => {
                Err("the bytes in the local registry are not the pinned ones".to_owned())
            }
            CrateFile::Unavailable(reason) => Err(reason.clone()),
        };
        TreeAnswer { measured: measured.into(), bytes: Some(bytes) }
    }

    fn in_archive(
        &self,
        Treed { name, version, .. }: &Treed,
        place: &Place,
        archive: &[u8],
        unreadable: &mut Option<String>,
    ) -> Result<TreeMeasured, String> {
        let pinned = archive::sha256(archive);
        let kept = self.measurer.kept_contents(&pinned, name, version, false);
        let contents =
            kept.map_or_else(|| self.measurer.measure(&pinned, name, version, archive), Ok);
        let contents = contents.map_err(|error| {
            let ArchiveError::Broken { source, .. } = &error;
            *unreadable = Some(source.to_string());
            error.to_string()
        })?;
        let facts = &contents.archive.facts;
        let source = SourceFacts::whole(place.kind, facts.files, facts.unpacked_bytes);
        Ok(TreeMeasured { source, contents })
    }
}

/// The archive of a crate in a local registry.
fn local_archive(treed: &Treed, place: &Place) -> Result<CrateFile, String> {
    let Treed { name, version, locked, .. } = treed;
    let pinned = locked.as_ref().and_then(|locked| locked.checksum.as_deref());
    let pinned = pinned.ok_or("the lockfile pins no hash of its archive")?;
    if semver::Version::parse(version).is_err() || name.contains(['/', '\\']) {
        return Err("name and version are no file name".to_owned());
    }
    let file = place.folder.join(format!("{name}-{version}.crate"));
    let bytes = read_bounded(&file, ARCHIVE_LIMIT).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or("the local registry does not hold this version")?;
    let (got, found_in) = (archive::sha256(&bytes), FoundIn::LocalRegistry);
    Ok(if got == pinned {
        CrateFile::Found { bytes, found_in, mismatch: None }
    } else {
        let (expected, size) = (pinned.to_owned(), bytes.len() as u64);
        CrateFile::Mismatched(Mismatch { found_in, expected, got, size, unfinished: false })
    })
}

/// Largest list of hashes in a vendored folder; the longest crate known has 2,090 files.
const LIST_LIMIT: u64 = 16 << 20;

/// What the list of hashes that `cargo vendor` writes says of the files.
#[derive(serde::Deserialize)]
struct Checksums {
    #[serde(default)]
    files: BTreeMap<String, String>,
    package: Option<String>,
}

/// What in a vendored folder is not as its own list of hashes has it; cargo compares those files alone.
fn contradicted(place: &Place, here: &Contents, pinned: Option<&str>) -> Measured<Vec<String>> {
    let name = ".cargo-checksum.json";
    let read = || -> Result<Checksums, String> {
        let text = crate::disk::text(&place.folder.join(name), LIST_LIMIT);
        let text = text.map_err(|error| format!("{name}: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))
    };
    Measured::from(read()).map(|listed: Checksums| {
        let files = here.archive.listing.files.iter();
        let now: BTreeMap<&str, &str> =
            files.map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
        let package = listed.package.as_deref().filter(|hash| pinned.is_some_and(|p| p != *hash));
        let package = package.map(|_| "the archive as a whole".to_owned());
        let other = listed
            .files
            .iter()
            .filter(|(path, hash)| now.get(path.as_str()) != Some(&hash.as_str()))
            .map(|(path, _)| path.clone());
        package.into_iter().chain(other).take(source_tree::LISTED).collect()
    })
}
