//! Which releases a dependency of a crate could be, where no lockfile says which one it is.

use std::collections::BTreeMap;

use jiff::civil::Date;
use semver::{Version, VersionReq};

use super::history::History;
use super::{Locked, Releases};
use crate::collectors::index_files::{Lookup, Wanted};
use crate::domain::Origin;
use crate_read::cargo_index::{IndexDependency, IndexFile};

/// Most releases among which one is chosen.
const CHOICES: usize = 50;

impl Releases {
    /// For each wanted package that a release depends on, the releases that satisfy the requirement, the
    /// newest first, at most 50; packages that are not known are left out. Asks the index for what this
    /// machine does not hold, development dependencies aside.
    #[must_use]
    pub fn satisfying(
        &self,
        locked: &Locked,
        wanted: &[String],
        as_of: Date,
        runtime: &tokio::runtime::Runtime,
    ) -> BTreeMap<String, Vec<Locked>> {
        let Lookup::Found(found) = self.index.find(&locked.name, &locked.origin, None) else {
            return BTreeMap::new();
        };
        let line = found.file.lines.iter().find(|line| line.version == locked.version);
        let Some(Ok(all)) = line.map(|line| found.file.dependencies(line)) else {
            return BTreeMap::new();
        };
        if self.index.can_ask() {
            let here = |name: &String| self.index.in_cargos_cache(name, &Origin::Registry, None);
            let unseen = wanted.iter().filter(|name| !here(name));
            let unseen: Vec<Wanted> = unseen.map(|name| Wanted::any(name)).collect();
            runtime.block_on(self.index.fetch(&unseen, &|| ()));
        }
        let runs = all.iter().filter(|dependency| {
            dependency.kind != "dev"
                && dependency.registry.is_none()
                && wanted.contains(&dependency.package)
        });
        let found = runs.filter_map(|dependency| {
            let requirement = VersionReq::parse(&dependency.requirement).ok()?;
            match self.index.find(&dependency.package, &Origin::Registry, None) {
                Lookup::Found(found) => {
                    let fits = fitting(dependency, &requirement, &found.file, as_of);
                    Some((dependency.package.clone(), fits))
                }
                Lookup::NoSuchCrate | Lookup::Unknown(_) => None,
            }
        });
        found.collect()
    }
}

/// The releases of one index file that fit, the newest first. Yanked ones are given to nobody new.
fn fitting(
    dependency: &IndexDependency,
    requirement: &VersionReq,
    file: &IndexFile,
    as_of: Date,
) -> Vec<Locked> {
    let history = History::known_on(file, as_of);
    let mut fits: Vec<(Version, Locked)> = history
        .releases
        .iter()
        .filter(|release| release.line.yanked != Some(true))
        .filter_map(|release| {
            // A version that is none fits no requirement.
            let version = Version::parse(&release.line.version).ok()?;
            let locked = Locked {
                name: dependency.package.clone(),
                version: release.line.version.clone(),
                checksum: Some(release.line.checksum.clone()),
                origin: Origin::Registry,
            };
            requirement.matches(&version).then_some((version, locked))
        })
        .collect();
    fits.sort_by(|(a, _), (b, _)| b.cmp(a));
    fits.truncate(CHOICES);
    fits.into_iter().map(|(_, locked)| locked).collect()
}
