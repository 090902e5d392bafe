//! Archives against the clones of their repositories.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use super::Gathering;
use crate::collectors::crates::Measured as MeasuredCrate;
use crate::collectors::repository::fetch::{self, FETCHED};
use crate::collectors::repository::{self, Clones, Crate, RepositoryFacts};
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
        let mut all: Vec<Measured<RepositoryFacts>> = Vec::new();
        let mut by_clone: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
        for (at, measured) in measured.iter().enumerate() {
            let folder = match &measured.contents {
                Measured::Known(contents) => clones.folder(contents).map_err(str::to_owned),
                Measured::Unknown(reason) => Err(reason.clone()),
            };
            match folder {
                Ok(folder) => {
                    by_clone.entry(folder).or_default().push(at);
                    all.push(Measured::unknown("it was not compared"));
                }
                Err(why) => all.push(Measured::Unknown(why)),
            }
        }
        let told: Vec<(usize, Measured<RepositoryFacts>)> = by_clone
            .into_par_iter()
            .flat_map_iter(|(folder, crates)| {
                let of: Vec<Crate<'_>> =
                    crates.iter().filter_map(|at| self.compared(*at, &measured[*at])).collect();
                let facts = clones.measure(folder, &of, &self.equipment.kept, self.options.as_of);
                crates.into_iter().zip(facts)
            })
            .collect();
        for (at, facts) in told {
            all[at] = facts;
        }
        self.equipment.kept.save();
        for (at, facts) in all.into_iter().enumerate() {
            let (node, locked) = &self.locked[at];
            let name = format!("{} {}", locked.name, locked.version);
            let facts = match (facts, missing.get(&name)) {
                (Measured::Unknown(_), Some(why)) => {
                    Measured::Unknown(format!("its repository was not fetched: {why}"))
                }
                (facts, _) => facts,
            };
            self.gathered.sheets[*node].put(repository::GROUP, &facts);
        }
    }

    /// A crate as it is compared; none whose archive is not known.
    fn compared<'a>(&'a self, at: usize, measured: &'a MeasuredCrate) -> Option<Crate<'a>> {
        let (node, locked) = &self.locked[at];
        let published = self.history.get(node).and_then(|facts| facts.published.known());
        Some(Crate {
            locked,
            contents: measured.contents.known()?,
            archive: Box::new(move || self.crates.bytes(locked)),
            published: published.and_then(|time| time.get(..10)?.parse().ok()),
            verified: repository::verified(&self.gathered.sheets[*node]),
        })
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
