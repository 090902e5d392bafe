//! Crates whose files lie in folders: measured by the same collectors as archives, in parallel, and kept
//! under the hash of all their files.

use rayon::prelude::*;

use super::{Crates, want};
use crate::collectors::archive;
use crate::collectors::cargo_home::read_bounded;
use crate::collectors::contents::Contents;
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

impl Crates<'_> {
    /// Measures crates in folders, in the order given; `done` is called after each.
    #[must_use]
    pub fn measure_trees(
        &self,
        trees: &[Treed],
        done: &(dyn Fn() + Sync),
    ) -> Vec<Measured<TreeMeasured>> {
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

    fn measure_tree(&self, treed: &Treed) -> Measured<TreeMeasured> {
        let place = match &treed.place {
            Measured::Known(place) => place,
            Measured::Unknown(reason) => return Measured::unknown(reason.clone()),
        };
        if place.kind == PlaceKind::LocalRegistry {
            return self.in_local_registry(treed, place).into();
        }
        let mut tree = match SourceTree::open(place) {
            Ok(tree) => tree,
            Err(error) => return Measured::unknown(error.to_string()),
        };
        let (contents, mut source) =
            self.measurer.measure_tree(&treed.name, &treed.version, &mut tree);
        match place.kind {
            PlaceKind::Vendored | PlaceKind::Override => {
                source.put_altered(self.altered(treed, &contents));
            }
            PlaceKind::Path | PlaceKind::Git | PlaceKind::LocalRegistry => {}
        }
        Measured::Known(TreeMeasured { source, contents })
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
    fn in_local_registry(&self, treed: &Treed, place: &Place) -> Result<TreeMeasured, String> {
        let Treed { name, version, locked, .. } = treed;
        let pinned = locked.as_ref().and_then(|locked| locked.checksum.as_deref());
        let pinned = pinned.ok_or("the lockfile pins no hash of its archive")?;
        if semver::Version::parse(version).is_err() || name.contains(['/', '\\']) {
            return Err("name and version are no file name".to_owned());
        }
        let file = place.folder.join(format!("{name}-{version}.crate"));
        let bytes = read_bounded(&file, ARCHIVE_LIMIT).map_err(|error| error.to_string())?;
        let bytes = bytes.ok_or("the local registry does not hold this version")?;
        if archive::sha256(&bytes) != pinned {
            return Err("the bytes in the local registry are not the pinned ones".to_owned());
        }
        let kept = self.measurer.kept_contents(pinned, name, version, false);
        let contents =
            kept.map_or_else(|| self.measurer.measure(pinned, name, version, &bytes), Ok);
        let contents = contents.map_err(|error| error.to_string())?;
        let facts = &contents.archive.facts;
        let source = SourceFacts::whole(place.kind, facts.files, facts.unpacked_bytes);
        Ok(TreeMeasured { source, contents })
    }
}
