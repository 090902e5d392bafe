//! Group `advisories`: chooses the database, asks for a newer one where that is due, and looks every
//! locked crate up in it.

use std::collections::BTreeSet;

use super::Gathering;
use crate::collectors::advisories::{self, AdvisoryDb, Asked, Choice, Choices, Versions};
use crate::collectors::releases::Locked;
use crate::domain::{Measured, NodeIndex, Origin};

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

    /// Whether an advisory affects any of the crates.
    pub(super) fn is_affected(&self) -> bool {
        self.locked.iter().any(|(node, _)| {
            let group = self.gathered.sheets[*node].facts.get(advisories::GROUP);
            let list = group.and_then(|group| group.get("list")?.as_array());
            list.is_some_and(|list| !list.is_empty())
        })
    }

    fn look_up(&mut self, database: &AdvisoryDb) {
        if let Measured::Known(date) = database.date() {
            self.gathered.provenance.insert("advisories".to_owned(), format!("RustSec, {date}"));
        }
        let as_of = self.options.as_of;
        let measure = |locked: &Locked, choices: &Choices| {
            database.measure(&locked.name, &locked.version, as_of, choices)
        };
        let mut affected = Vec::new();
        for (node, locked) in &self.locked {
            if locked.origin != Origin::Registry {
                continue;
            }
            let facts = measure(locked, &Choices::default());
            if facts.list.known().is_some_and(|list| !list.is_empty()) {
                affected.push((*node, locked));
            }
            self.gathered.sheets[*node].put(advisories::GROUP, &facts);
        }
        // Only what is affected needs a version that mends it, which those who need it have to admit.
        let concerned: BTreeSet<NodeIndex> =
            affected.iter().flat_map(|(node, _)| self.dependents(*node).chain([*node])).collect();
        let crates: Vec<&Locked> = self
            .locked
            .iter()
            .filter(|(node, _)| concerned.contains(node))
            .map(|(_, locked)| locked)
            .collect();
        self.releases.ask(&crates, self.runtime);
        for (node, locked) in affected {
            let versions = self.releases.takeable(&locked.name, as_of);
            let versions = versions.map(Versions::Listed).unwrap_or_default();
            let asked = self.asked(node, &locked.name).unwrap_or_default();
            let facts = measure(locked, &Choices { versions, asked });
            self.gathered.sheets[node].put(advisories::GROUP, &facts);
        }
    }

    fn dependents(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        let edges = self.edges.iter().enumerate();
        edges.filter(move |(_, to)| to.contains(&node)).map(|(from, _)| from)
    }

    /// What everybody who needs a crate asks for; nothing where one of them does not tell.
    fn asked(&self, node: NodeIndex, name: &str) -> Option<Vec<Asked>> {
        let mut all = Vec::new();
        for from in self.dependents(node) {
            let who = &self.gathered.sheets[from].subject;
            let by = who.to_string();
            let told = match self.options.requirements.get(&(from, node)) {
                Some(told) => told.iter().cloned().collect(),
                None if who.origin == Origin::Registry => {
                    self.releases.asks(&who.name, &who.version, name)?
                }
                None => return None,
            };
            all.extend(told.into_iter().map(|requirement| Asked { by: by.clone(), requirement }));
        }
        Some(all)
    }
}
