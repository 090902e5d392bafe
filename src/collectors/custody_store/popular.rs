//! Which crates of a registry are popular: much downloaded, or needed by many others.
//!
//! Somebody who imitates a name imitates one of these. What is young is left out, however often it was
//! downloaded: downloads can be made, and a crate of yesterday that stood here would be compared with nobody.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// So many of the most downloaded and as many of the most needed; the registry's own check of new names takes
/// the 3,000 most downloaded.
pub const POPULAR: usize = 3_000;
/// Crates younger than this are not popular, in days.
const SETTLED_DAYS: i64 = 365;
/// Longest list that is read, in bytes of JSON.
pub(super) const LIST_LIMIT: u64 = 4 << 20;
/// Most default versions and pairs of crates that are counted; ten times what the registry had in 2026.
const COUNT_LIMIT: usize = 30_000_000;

/// A popular crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopularCrate {
    /// Its name.
    #[serde(rename = "n")]
    pub name: String,
    /// Downloads of all versions and times.
    #[serde(rename = "d")]
    pub downloads: u64,
    /// How many crates need it, by their newest versions and not for tests only; absent where the dump was read
    /// without that.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub dependents: Option<u32>,
}

/// What is counted while a dump is read.
#[derive(Default)]
pub(super) struct Usage {
    downloads: Vec<(u32, u64)>,
    defaults: HashSet<u32>,
    /// A crate that is needed, and the version that needs it.
    needed: Vec<(u32, u32)>,
    dependencies_read: bool,
}

impl Usage {
    /// Takes the downloads of a crate.
    pub(super) fn downloads(&mut self, crate_id: u32, downloads: u64) -> Result<(), String> {
        self.downloads.push((crate_id, downloads));
        within(self.downloads.len())
    }

    /// Takes a version that stands for its crate.
    pub(super) fn default_version(&mut self, version: u32) -> Result<(), String> {
        self.defaults.insert(version);
        within(self.defaults.len())
    }

    /// Takes a dependency. Before the default versions were seen nobody can tell whether it counts: then none
    /// of them does, and the number of dependents is not known.
    pub(super) fn dependency(&mut self, crate_id: u32, version: u32) -> Result<(), String> {
        if self.defaults.is_empty() {
            return Ok(());
        }
        self.dependencies_read = true;
        if self.defaults.contains(&version) {
            self.needed.push((crate_id, version));
        }
        within(self.needed.len())
    }

    /// The popular ones among crates with their ids, names and first days, ordered by name; nothing where the
    /// dump has no downloads.
    pub(super) fn popular<'n>(
        mut self,
        crates: impl Iterator<Item = (u32, &'n str, i64)>,
        taken: Timestamp,
    ) -> Vec<PopularCrate> {
        if self.downloads.is_empty() {
            return Vec::new();
        }
        self.needed.sort_unstable();
        self.needed.dedup();
        self.downloads.sort_unstable();
        let settled = taken.as_second() - SETTLED_DAYS * 86_400;
        let mut all: Vec<PopularCrate> = crates
            .filter(|(.., first)| *first <= settled)
            .map(|(id, name, _)| {
                let at = self.downloads.partition_point(|(of, _)| *of < id);
                let downloads = self.downloads.get(at).filter(|(of, _)| *of == id);
                let needed = &self.needed[self.needed.partition_point(|(of, _)| *of < id)..];
                let dependents = needed.partition_point(|(of, _)| *of == id);
                PopularCrate {
                    name: name.to_owned(),
                    downloads: downloads.map_or(0, |(_, count)| *count),
                    dependents: self
                        .dependencies_read
                        .then(|| u32::try_from(dependents).unwrap_or(u32::MAX)),
                }
            })
            .collect();
        let mut popular = top(&mut all, |one| one.downloads);
        popular.extend(top(&mut all, |one| u64::from(one.dependents.unwrap_or(0))));
        popular.sort_by(|a, b| a.name.cmp(&b.name));
        popular
    }
}

fn within(count: usize) -> Result<(), String> {
    if count > COUNT_LIMIT {
        return Err("the dump has more rows than any honest one".to_owned());
    }
    Ok(())
}

/// Takes those out of a list that have most of something, and at least one.
fn top(all: &mut Vec<PopularCrate>, of: impl Fn(&PopularCrate) -> u64) -> Vec<PopularCrate> {
    all.sort_by(|a, b| of(b).cmp(&of(a)).then_with(|| a.name.cmp(&b.name)));
    let some = all.partition_point(|one| of(one) > 0);
    all.drain(..some.min(POPULAR)).collect()
}
