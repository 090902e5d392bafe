//! Group `advisories`: chooses the database, asks for a newer one where that is due, and looks every
//! locked crate up in it.

use super::Gathering;
use crate::collectors::advisories::{self, AdvisoryDb, Choice, Versions};
use crate::collectors::releases::Locked;
use crate::domain::{Measured, Origin};

impl Gathering<'_> {
    pub(super) fn advisories(&mut self) {
        if !self.locked.iter().any(|(_, locked)| locked.origin == Origin::Registry) {
            // Then nobody needs it, and nobody is asked.
            return;
        }
        let equipment = self.equipment;
        let Choice { database, warning } = equipment.advisories(self.options);
        self.gathered.warnings.extend(warning.clone());
        match database {
            Ok(database) => self.look_up(database),
            Err(why) => {
                for (node, _) in &self.locked {
                    self.gathered.sheets[*node].put_unknown(advisories::GROUP, why.clone());
                }
            }
        }
    }

    fn look_up(&mut self, database: &AdvisoryDb) {
        if let Measured::Known(date) = database.date() {
            self.gathered.provenance.insert("advisories".to_owned(), format!("RustSec, {date}"));
        }
        let as_of = self.options.as_of;
        let measure = |locked: &Locked, versions: Option<Versions>| {
            let versions = || versions.unwrap_or_default();
            database.measure(&locked.name, &locked.version, as_of, versions)
        };
        let mut affected = Vec::new();
        for (node, locked) in &self.locked {
            if locked.origin != Origin::Registry {
                continue;
            }
            let facts = measure(locked, None);
            if facts.list.known().is_some_and(|list| !list.is_empty()) {
                affected.push((*node, locked));
            }
            self.gathered.sheets[*node].put(advisories::GROUP, &facts);
        }
        // Only what is affected needs a version that mends it.
        let crates: Vec<&Locked> = affected.iter().map(|(_, locked)| *locked).collect();
        self.releases.ask(&crates, self.runtime);
        for (node, locked) in affected {
            let versions = self.releases.takeable(&locked.name, as_of).map(Versions::Listed);
            self.gathered.sheets[node].put(advisories::GROUP, &measure(locked, versions));
        }
    }
}
