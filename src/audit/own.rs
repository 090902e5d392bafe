//! The project's own crates in a comparison. A lockfile says nothing of their bytes, so they are read on this
//! side whatever it says, and where a rule finds something about one of them, the base's files are read
//! as well: what stood there before is not news.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::collectors::{self, Gathered, Scope};
use crate::domain::{FactSheet, Graph, Measured, Node, NodeIndex, Place, PlaceKind, Places};
use crate::walker::repository::{self, CommitId, Repository};

/// The files of the commit that a comparison starts from.
#[derive(Clone, Debug)]
pub struct BaseFiles {
    repository: Arc<Repository>,
    commit: CommitId,
}

impl BaseFiles {
    /// The files of a commit.
    #[must_use]
    pub fn new(repository: Repository, commit: CommitId) -> Self {
        Self { repository: Arc::new(repository), commit }
    }

    /// Writes them to a folder that is deleted with the answer.
    fn write(&self) -> Result<tempfile::TempDir, String> {
        let folder = tempfile::Builder::new().prefix("cargo-custody-base-").tempdir();
        let folder = folder.map_err(|error| error.to_string())?;
        // What a submodule holds is in a repository of its own, and new to this one.
        repository::write(self.repository.objects(), &self.commit, folder.path(), &|_| None)
            .map_err(|error| error.to_string())?;
        Ok(folder)
    }

    /// What is measured of these crates, as they are in the base; `None` for those that it does not have.
    pub(super) fn sheets(
        &self,
        nodes: &BTreeMap<NodeIndex, (&Node, &Place)>,
        options: &collectors::Options,
    ) -> Result<BTreeMap<NodeIndex, Option<FactSheet>>, String> {
        let folder = self.write()?;
        let base = fs::canonicalize(folder.path()).map_err(|error| error.to_string())?;
        let there = |path: &Path| moved(path, self.repository.top(), &base);
        let mut graph = Graph::default();
        let mut places = Places::new();
        let mut all: BTreeMap<NodeIndex, Option<FactSheet>> =
            nodes.keys().map(|&node| (node, None)).collect();
        let mut order = Vec::new();
        for (&node, (of, place)) in nodes {
            let Some(folder) = there(&place.folder).filter(|folder| folder.is_dir()) else {
                continue;
            };
            let without = place.without.iter().filter_map(|folder| there(folder)).collect();
            let (kind, within) = (PlaceKind::Path, base.clone());
            let place = Place { without, ..Place::new(kind, folder, within) };
            places.insert(graph.nodes.len(), Measured::Known(place));
            graph.nodes.push(Node { dependencies: Vec::new(), ..(*of).clone() });
            order.push(node);
        }
        let gathered = collectors::gather_within(&graph, &Scope::All, &places, options);
        let Gathered { sheets, .. } = gathered.map_err(|error| error.to_string())?;
        for (node, sheet) in order.into_iter().zip(sheets) {
            all.insert(node, Some(sheet));
        }
        Ok(all)
    }
}

/// Where a path of the checkout lies in another folder.
fn moved(path: &Path, top: &Path, to: &Path) -> Option<PathBuf> {
    // A nested crate that is gone has no files to be left out either.
    let real = fs::canonicalize(path).ok()?;
    Some(to.join(real.strip_prefix(fs::canonicalize(top).ok()?).ok()?))
}
