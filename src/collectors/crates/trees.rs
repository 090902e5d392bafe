//! Crates whose files lie in folders: measured by the same collectors as archives, in parallel, and kept
//! under the hash of all their files.

use rayon::prelude::*;

use super::Crates;
use crate::collectors::contents::Contents;
use crate::collectors::source_tree::{SourceFacts, SourceTree};
use crate::domain::{Measured, NodeIndex, Place};

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
        let mut tree = match SourceTree::open(place) {
            Ok(tree) => tree,
            Err(error) => return Measured::unknown(error.to_string()),
        };
        let (contents, source) = self.measurer.measure_tree(&treed.name, &treed.version, &mut tree);
        Measured::Known(TreeMeasured { source, contents })
    }
}
