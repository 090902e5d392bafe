//! How old what is locked is, against the project's cooldown and cargo's own setting.

use jiff::Timestamp;

use super::Gathering;
use super::keys::end_of;
use crate::collectors::advisories::{AdvisoryDb, Choice, Choices};
use crate::collectors::cooldown::{self, cooldown_facts};
use crate::collectors::publish_age::{self, publish_age_facts};
use crate::collectors::releases::Locked;
use crate::domain::{Measured, NodeIndex, Origin};

impl Gathering<'_> {
    /// Measures both, where one of them is set.
    pub(super) fn ages(&mut self) {
        let (cooldown, ages) = (&self.options.cooldown, &self.options.publish_ages);
        let Some(now) = end_of(self.options.as_of) else { return };
        if cooldown.is_none() && ages.is_none() {
            return;
        }
        for (node, locked) in &self.locked {
            let published = self.published(*node);
            let (name, origin) = (&locked.name, &locked.origin);
            if let Some(facts) =
                cooldown.as_ref().and_then(|of| cooldown_facts(of, name, origin, &published, now))
            {
                self.gathered.sheets[*node].put(cooldown::GROUP, &facts);
            }
            let facts = ages.as_ref().and_then(|of| publish_age_facts(of, origin, &published, now));
            let Some(mut facts) = facts else { continue };
            if facts.younger == Measured::Known(true) && *origin == Origin::Registry {
                facts.mends = self.mends(*node, locked);
            }
            self.gathered.sheets[*node].put(publish_age::GROUP, &facts);
        }
    }

    fn published(&self, node: NodeIndex) -> Measured<Timestamp> {
        match self.history.get(&node) {
            Some(facts) => facts.published.clone().and_then(|text| {
                text.parse::<Timestamp>().map_err(|error| error.to_string()).into()
            }),
            None => Measured::unknown("its releases were not measured"),
        }
    }

    /// Advisories of the release that this one continues, and not of this one.
    fn mends(&self, node: NodeIndex, locked: &Locked) -> Measured<Vec<String>> {
        let Choice { database, .. } = self.equipment.advisories(self.options);
        let database = match database {
            Ok(database) => database,
            Err(why) => return Measured::unknown(why.clone()),
        };
        let releases = self.history.get(&node);
        if releases.is_some_and(|of| of.is_first_release == Measured::Known(true)) {
            return Measured::Known(Vec::new());
        }
        let before = releases.map_or_else(
            || Measured::unknown("its releases were not measured"),
            |of| of.previous_version.clone(),
        );
        let now = self.advisories_of(database, &locked.name, &locked.version);
        let before = before.and_then(|before| self.advisories_of(database, &locked.name, &before));
        before.and_then(|before| {
            now.map(|now| before.into_iter().filter(|id| !now.contains(id)).collect())
        })
    }

    fn advisories_of(&self, of: &AdvisoryDb, name: &str, version: &str) -> Measured<Vec<String>> {
        let facts = of.measure(name, version, self.options.as_of, &Choices::default());
        let vulnerabilities = |list: Vec<crate::collectors::advisories::AdvisoryFact>| {
            let list = list.into_iter();
            let grave =
                list.filter(|one| matches!(one.kind.as_str(), "vulnerability" | "malicious"));
            grave.map(|one| one.id).collect()
        };
        facts.list.map(vulnerabilities)
    }
}
