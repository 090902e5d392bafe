//! Archives against the clones of their repositories.

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;

use super::Gathering;
use crate::collectors::crates::Measured as MeasuredCrate;
use crate::collectors::repository::fetch::{self, FETCHED};
use crate::collectors::repository::{self, Clones, RepositoryFacts};
use crate::domain::Measured;
use crate::net::git::Git;

impl Gathering<'_> {
    /// Compares every archive with the clone of its repository, where the user named folders of clones or
    /// wants them fetched. Nobody who did neither is told that clones are missing.
    pub(super) fn repositories(&mut self, measured: &[MeasuredCrate]) {
        if self.options.repos.is_empty() {
            return;
        }
        let missing = self.fetch_repositories();
        let clones = Clones::look(&self.options.repos, &self.options.cargo_home);
        let kept = &self.equipment.kept;
        let all: Vec<Measured<RepositoryFacts>> = self
            .locked
            .par_iter()
            .zip(measured)
            .map(|((_, locked), measured)| match &measured.contents {
                Measured::Known(contents) => {
                    let bytes = || self.crates.bytes(locked);
                    let facts = clones.measure(locked, contents, &bytes, kept, self.options.as_of);
                    let name = format!("{} {}", locked.name, locked.version);
                    match (facts, missing.get(&name)) {
                        (Measured::Unknown(_), Some(why)) => {
                            Measured::Unknown(format!("its repository was not fetched: {why}"))
                        }
                        (facts, _) => facts,
                    }
                }
                Measured::Unknown(reason) => Measured::Unknown(reason.clone()),
            })
            .collect();
        kept.save();
        for (sheet, facts) in self.sheets().into_iter().zip(all) {
            sheet.put(repository::GROUP, &facts);
        }
    }

    /// Fetches what is missing, where that was asked for; crates that nothing was fetched for, with the
    /// reason.
    fn fetch_repositories(&self) -> BTreeMap<String, String> {
        let Some(fetching) = self.options.fetching.as_ref().filter(|_| !self.options.offline)
        else {
            return BTreeMap::new();
        };
        let nodes = self.locked.iter().map(|(node, _)| &self.gathered.sheets[*node]);
        let (wanted, mut left) = fetch::wanted(nodes, fetching.histories);
        let cache = self.options.cache_dir.join(FETCHED);
        let git = Git::new(cache, fetching.base.clone(), fetching.limits);
        let until = self.options.deadline.and_then(|time| Instant::now().checked_add(time));
        let progress = self.progress("fetching repositories", wanted.len());
        let result = fetch::fetch(&git, &wanted, until, &|| progress.inc(1));
        progress.finish_and_clear();
        left.extend(result.left);
        left.into_iter().collect()
    }
}
