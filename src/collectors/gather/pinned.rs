//! What is different from what the project accepted.

use std::collections::BTreeMap;

use super::{Gathered, Gathering};
use crate::collectors::build_code::{self, BuildFacts};
use crate::collectors::custody::{CustodyFacts, History, custody_facts};
use crate::collectors::pins::{self, build_pin, pin_facts};
use crate::domain::fact::unknown_reason;
use crate::domain::{BuildPin, Measured, NodeIndex};

impl Gathering<'_> {
    /// Holds every crate against its pin. Of one of which nobody knows the people, the bytes and the code that
    /// it runs can still be other ones.
    pub(super) fn pins(&mut self, by_node: &BTreeMap<NodeIndex, CustodyFacts>) {
        let Some(pins) = &self.options.pins else { return };
        let as_of = self.options.as_of;
        for (node, locked) in &self.locked {
            let nobody;
            let custody = match by_node.get(node) {
                Some(known) => known,
                None if pins.crates.iter().any(|pin| pin.name == locked.name) => {
                    let history = History::new(locked.name.as_str(), Vec::new());
                    nobody = custody_facts(&history, &locked.version, as_of);
                    &nobody
                }
                None => continue,
            };
            let build = self.gathered.build_pin(*node);
            let sha256 = locked.checksum.as_deref();
            let now = (custody, &build);
            let facts = pin_facts(pins, &locked.name, &locked.version, sha256, now, as_of);
            self.gathered.sheets[*node].put(pins::GROUP, &facts);
        }
    }
}

impl Gathered {
    /// The code of a crate that runs at build time, as a pin has it; unknown where it was not read.
    #[must_use]
    pub fn build_pin(&self, node: NodeIndex) -> Measured<BuildPin> {
        let group = self.sheets.get(node).and_then(|sheet| sheet.facts.get(build_code::GROUP));
        let Some(group) = group else { return Measured::unknown("it was not measured") };
        if let Some(why) = unknown_reason(group) {
            return Measured::unknown(why);
        }
        match serde_json::from_value::<BuildFacts>(group.clone()) {
            Ok(facts) => facts.runs_at_build.as_ref().map(|_| build_pin(&facts)),
            Err(error) => Measured::unknown(error.to_string()),
        }
    }
}
