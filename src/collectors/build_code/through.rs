//! Build-dependencies, followed one step: a build script that calls `helper::run()` can do what the
//! helper's library can.

use super::facts::BuildRecord;
use super::measure::names;
use crate::domain::Measured;
use crate_read::rust_source::{Capability, CapabilityHit, Downloads, Flow, Verification};

/// What a helper passes on even where it does not reach the network.
const ALONE: [Capability; 3] =
    [Capability::Spawn, Capability::Shell, Capability::WriteOutsideOutDir];
/// Most uses that one crate passes on.
const FEW: usize = 32;

/// What is at hand of a package that build code names.
#[derive(Clone, Copy, Debug)]
pub enum Helper<'r> {
    /// What its archive says.
    Read(&'r BuildRecord),
    /// It is no part of the graph: nothing of it is built.
    Absent,
    /// It is part of the graph, and its archive was not read.
    Unread,
}

impl BuildRecord {
    /// Packages that the build code names in its paths and that the manifest lists for it: those whose
    /// libraries run with it.
    #[must_use]
    pub fn helpers(&self) -> Vec<&str> {
        let named = |in_code: &str, package: &str| {
            self.build.crates.iter().any(|name| name == in_code || is(name, package))
        };
        let all = self.build_dependencies.iter();
        all.filter(|(in_code, package)| named(in_code, package)).map(|(_, p)| p.as_str()).collect()
    }

    /// Adds flows inside a crate that a helper needs: its code runs with the helper's.
    pub fn add_flows(&mut self, package: &str, flows: &[Flow]) {
        let known = self.build.flows.iter().any(|flow| flow.through == package);
        if !known {
            self.build.flows.extend(flows_through(package, flows));
            self.told_downloads();
        }
    }

    /// Adds what is reached through other crates, which `find` gives by package.
    pub fn follow<'r>(&mut self, find: impl Fn(&str) -> Helper<'r>) {
        let mut fetchers: Vec<String> = Vec::new();
        let mut unread: Vec<String> = Vec::new();
        let mut through = Vec::new();
        let mut flows = Vec::new();
        let own = self.build.downloads.as_ref().map(|d| d.by.clone()).unwrap_or_default();
        for package in self.helpers() {
            let record = match find(package) {
                Helper::Read(record) => record,
                Helper::Absent => continue,
                Helper::Unread => {
                    unread.push(package.to_owned());
                    continue;
                }
            };
            flows.extend(flows_through(package, &record.library_flows));
            let online = record.library.iter().any(|hit| hit.capability == Capability::Network);
            for hit in record.library.iter().take(FEW) {
                // Reads matter where what was read can leave: `cc` looks through the environment, too.
                if !online && !ALONE.contains(&hit.capability) {
                    continue;
                }
                let hit = CapabilityHit { through: package.to_owned(), ..hit.clone() };
                through.push(hit);
            }
            let fetch = record.library.iter().find(|hit| hit.capability == Capability::Download);
            // A client that the code itself is seen to call needs no second mention.
            let called = own.iter().any(|api| is(api.split("::").next().unwrap_or(""), package));
            if let Some(hit) = fetch.filter(|_| !called) {
                fetchers.push(format!("{} through {package}", hit.api));
            }
        }
        self.build.through = through;
        self.build.flows.extend(flows);
        self.build.through_names = if unread.is_empty() {
            Measured::Known(names(self.build.through.iter()))
        } else {
            Measured::Unknown(format!("not read: {}", unread.join(", ")))
        };
        if fetchers.is_empty() {
            return self.told_downloads();
        }
        fetchers.sort();
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

fn flows_through<'f>(package: &str, flows: &'f [Flow]) -> impl Iterator<Item = Flow> + 'f {
    let package = package.to_owned();
    flows.iter().take(FEW).map(move |flow| Flow { through: package.clone(), ..flow.clone() })
}

fn is(in_code: &str, package: &str) -> bool {
    in_code == package.replace('-', "_")
}
