//! Build-dependencies, followed one step: a build script that calls `helper::run()` can do what the
//! helper's library can.

use super::facts::BuildRecord;
use super::measure::names;
use crate::formats::rust_source::{Capability, CapabilityHit, Downloads, Verification};

/// What a helper passes on even where it does not reach the network.
const STARTS: [Capability; 2] = [Capability::Spawn, Capability::Shell];
/// Most uses that one crate passes on.
const FEW: usize = 32;

impl BuildRecord {
    /// Adds what is reached through other crates. `records` gives the record of a package that this crate
    /// depends on, where it was measured. A crate counts where the build code names it.
    pub fn follow<'r>(&mut self, records: impl Fn(&str) -> Option<&'r Self>) {
        let mut fetchers: Vec<String> = Vec::new();
        for (in_code, package) in &self.build_dependencies {
            let named = self.build.crates.iter().any(|name| name == in_code || is(name, package));
            let Some(record) = records(package).filter(|_| named) else { continue };
            let online = record.library.iter().any(|hit| hit.capability == Capability::Network);
            for hit in record.library.iter().take(FEW) {
                // Reads matter where what was read can leave: `cc` looks through the environment, too.
                if !online && !STARTS.contains(&hit.capability) {
                    continue;
                }
                let hit = CapabilityHit { through: package.clone(), ..hit.clone() };
                if matches!(hit.capability, Capability::Download) {
                    fetchers.push(format!("{} through {package}", hit.api));
                }
                self.build.through.push(hit);
            }
        }
        self.build.through_names = names(self.build.through.iter());
        if fetchers.is_empty() {
            return;
        }
        fetchers.sort();
        fetchers.dedup();
        fetchers.truncate(FEW);
        match &mut self.build.downloads {
            Some(downloads) => downloads.by.extend(fetchers),
            // The fetching happens elsewhere: whether it is verified cannot be told from here.
            none => {
                *none = Some(Downloads {
                    urls: self.build.urls.iter().map(|url| url.url.clone()).take(64).collect(),
                    by: fetchers,
                    verification: Verification::Unknown,
                    evidence: Vec::new(),
                });
            }
        }
    }
}

fn is(in_code: &str, package: &str) -> bool {
    in_code == package.replace('-', "_")
}
