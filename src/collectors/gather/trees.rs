//! The part of a run that reads crates from folders.

use super::{Gathering, put_contents};
use crate::collectors::contents::Contents;
use crate::collectors::crates::{Measured as MeasuredCrate, Treed};
use crate::collectors::source_tree;
use crate::domain::{Graph, Measured, NodeIndex, Places};

/// The nodes that have a place, as crates to be measured.
pub(super) fn of(graph: &Graph, places: &Places) -> Vec<Treed> {
    let treed = places.iter().filter_map(|(&node, place)| {
        let of = graph.nodes.get(node)?;
        let subject = &of.subject;
        Some(Treed {
            node,
            name: subject.name.clone(),
            version: subject.version.clone(),
            place: place.clone(),
            locked: super::locked(of),
        })
    });
    treed.collect()
}

impl Gathering<'_> {
    /// Measures the crates in folders. What stands in for an archive replaces what the archive says, since
    /// cargo compiles the folder; the answer is what the others hold.
    pub(super) fn trees(
        &mut self,
        archives: &mut [MeasuredCrate],
    ) -> Vec<(NodeIndex, Measured<Contents>)> {
        let treed = std::mem::take(&mut self.treed);
        let progress = self.progress("reading folders", treed.len());
        let all = self.crates.measure_trees(&treed, &|| progress.inc(1));
        progress.finish_and_clear();
        let mut apart = Vec::new();
        for (Treed { node, .. }, answer) in treed.iter().zip(all) {
            let (source, contents) = match answer.measured {
                Measured::Known(tree) => (Measured::Known(tree.source), tree.contents.into()),
                Measured::Unknown(reason) => {
                    (Measured::Unknown(reason.clone()), Measured::Unknown(reason))
                }
            };
            let sheet = &mut self.gathered.sheets[*node];
            match source {
                Measured::Known(source) => sheet.put(source_tree::GROUP, &source),
                Measured::Unknown(reason) => sheet.put_unknown(source_tree::GROUP, reason),
            }
            if let Some(at) = self.locked.iter().position(|(locked, _)| locked == node) {
                archives[at].contents = contents;
                if let Some(bytes) = answer.bytes {
                    archives[at].bytes = bytes;
                }
            } else {
                put_contents(sheet, &contents);
                apart.push((*node, contents));
            }
        }
        self.treed = treed;
        apart
    }
}
