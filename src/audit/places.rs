//! Which crates of the graph lie in folders: the project's own and its path dependencies, and what cargo's
//! configuration vendors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::collectors::source_tree::Directory;
use crate::domain::{Measured, NodeIndex, Place, PlaceKind, Places};
use crate::walker::Walk;
use crate::walker::replacement::{Replacements, StandIn};

/// The places of all crates that cargo would not take from an archive or from git.
pub(super) fn of(walk: &Walk, cargo_home: &Path) -> Places {
    let mut places = replaced(walk, cargo_home);
    let taken = places.values().filter_map(|place| Some(place.known()?.folder.clone()));
    places.extend(own(walk, taken.collect()));
    places
}

/// The crates whose manifests were found inside the project; `taken` are the folders of others.
fn own(walk: &Walk, taken: BTreeSet<PathBuf>) -> Places {
    let folders: BTreeMap<NodeIndex, PathBuf> = walk
        .declared
        .manifests
        .iter()
        .filter_map(|(&node, file)| Some((node, walk.root.join(file).parent()?.to_owned())))
        .collect();
    let all: BTreeSet<PathBuf> = folders.values().cloned().chain(taken).collect();
    folders
        .into_iter()
        .map(|(node, folder)| {
            let below = all.iter().filter(|other| **other != folder && other.starts_with(&folder));
            let place = Place {
                kind: PlaceKind::Path,
                without: below.cloned().collect(),
                within: walk.root.clone(),
                folder,
            };
            (node, Measured::Known(place))
        })
        .collect()
}

/// The crates that source replacement takes from a folder.
fn replaced(walk: &Walk, cargo_home: &Path) -> Places {
    let replacements = Replacements::read(&walk.root, cargo_home);
    let mut directories: BTreeMap<PathBuf, Directory> = BTreeMap::new();
    let mut places = Places::new();
    for (node, of) in walk.graph.nodes.iter().enumerate() {
        let folder = match replacements.of(&of.subject.origin) {
            StandIn::Itself => continue,
            StandIn::Directory(folder) => folder,
            StandIn::Unclear(reason) => {
                places.insert(node, Measured::Unknown(reason));
                continue;
            }
        };
        let directory =
            directories.entry(folder.clone()).or_insert_with(|| Directory::open(&folder));
        let place = match directory.find(&of.subject.name, &of.subject.version) {
            Ok(found) => Measured::Known(Place {
                kind: PlaceKind::Vendored,
                folder: found.to_owned(),
                within: folder,
                without: BTreeSet::new(),
            }),
            Err(reason) => Measured::Unknown(reason),
        };
        places.insert(node, place);
    }
    places
}
