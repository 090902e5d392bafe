//! Build-time code with what it reaches through the crates that it calls. In a project these are in the
//! graph; around a single crate there is none, and the index says which release cargo would take.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Gathering;
use crate::collectors::build_code::{self, BuildFacts, BuildRecord, Helper, capability_table};
use crate::collectors::contents::Contents;
use crate::collectors::releases::Locked;
use crate::domain::{Measured, NodeIndex};

/// Most crates that are read around a single one.
const AROUND: usize = 16;
/// Furthest crate behind a helper whose own flows still count.
const STEPS_AWAY: usize = 4;
/// Most crates behind the helpers of one crate.
const BEHIND: usize = 256;
/// Most crates that are read together with one.
const TOGETHER: usize = 8;

impl Gathering<'_> {
    pub(super) fn build_code(&mut self, measured: &[(NodeIndex, &Measured<Contents>)]) {
        let records: BTreeMap<NodeIndex, &BuildRecord> = measured
            .iter()
            .filter_map(|(node, contents)| Some((*node, &contents.known()?.code)))
            .collect();
        let followed: Vec<(NodeIndex, BuildFacts)> = records
            .par_iter()
            .map(|(node, record)| {
                let mut record = (*record).clone();
                if self.alone {
                    self.follow_alone(*node, &mut record);
                } else {
                    self.follow_graph(*node, &mut record, &records);
                }
                (*node, record.build)
            })
            .collect();
        for (node, facts) in followed {
            self.gathered.sheets[node].put(build_code::GROUP, &facts);
        }
    }

    fn follow_graph(
        &self,
        node: NodeIndex,
        record: &mut BuildRecord,
        records: &BTreeMap<NodeIndex, &BuildRecord>,
    ) {
        let named: BTreeMap<&str, NodeIndex> = self.edges[node]
            .iter()
            .map(|next| (self.gathered.sheets[*next].subject.name.as_str(), *next))
            .collect();
        record.follow(|package| match named.get(package) {
            Some(next) => records.get(next).map_or(Helper::Unread, |record| Helper::Read(record)),
            None => Helper::Absent,
        });
        let called: Vec<NodeIndex> = record
            .helpers()
            .into_iter()
            .filter_map(|package| named.get(package).copied())
            .collect();
        for (next, depth) in self.behind(called) {
            if let Some(helper) = records.get(&next).filter(|_| depth > 0) {
                record.add_flows(&self.gathered.sheets[next].subject.name, &helper.library_flows);
            }
        }
        self.together(node, record, records, &named);
    }

    /// Reads the build code of a crate with the libraries that it calls and those behind them, where any
    /// of them acts.
    fn together(
        &self,
        node: NodeIndex,
        record: &mut BuildRecord,
        records: &BTreeMap<NodeIndex, &BuildRecord>,
        named: &BTreeMap<&str, NodeIndex>,
    ) {
        let table = capability_table();
        let direct = record.unlisted_helpers(table);
        let called: Vec<NodeIndex> =
            direct.into_iter().filter_map(|package| named.get(package).copied()).collect();
        if called.is_empty() {
            return;
        }
        let mut behind: Vec<(usize, NodeIndex)> =
            self.behind(called).into_iter().map(|(next, depth)| (depth, next)).collect();
        behind.sort_unstable();
        let locked = |wanted: NodeIndex| {
            let found = self.locked.binary_search_by_key(&wanted, |(node, _)| *node).ok();
            found.map(|at| &self.locked[at].1)
        };
        let of_code = |locked: &&Locked| !table.is_head(&locked.name.replace('-', "_"));
        let read = behind.iter().filter(|(_, next)| records.contains_key(next));
        let chosen: Vec<(NodeIndex, &Locked)> = read
            .filter_map(|(_, next)| Some((*next, locked(*next).filter(of_code)?)))
            .take(TOGETHER)
            .collect();
        let acts = record.acts()
            || chosen.iter().any(|(next, _)| records.get(next).is_some_and(|r| r.acts()));
        let helpers: Vec<&Locked> = chosen.iter().map(|(_, locked)| *locked).collect();
        if let Some(of) = locked(node).filter(|_| acts && !helpers.is_empty())
            && let Some(together) = self.crates.read_together(of, record, &helpers)
        {
            record.add_together(together);
        }
    }

    /// The crates that crates need, and what these need, with how many steps away they are.
    fn behind(&self, mut waiting: Vec<NodeIndex>) -> BTreeMap<NodeIndex, usize> {
        let mut found: BTreeMap<NodeIndex, usize> = waiting.iter().map(|node| (*node, 0)).collect();
        for depth in 1..=STEPS_AWAY {
            let mut next = Vec::new();
            for node in waiting.iter().flat_map(|node| &self.edges[*node]) {
                if found.len() < BEHIND && !found.contains_key(node) {
                    found.insert(*node, depth);
                    next.push(*node);
                }
            }
            waiting = next;
        }
        found
    }

    /// Follows a crate without a project: into the newest release that the index lets it have, of those
    /// on this machine where nothing may be fetched.
    fn follow_alone(&self, node: NodeIndex, record: &mut BuildRecord) {
        let Some((_, locked)) = self.locked.iter().find(|(of, _)| *of == node) else { return };
        let wanted: Vec<String> =
            record.helpers().into_iter().take(AROUND).map(str::to_owned).collect();
        if wanted.is_empty() {
            return record.follow(|_| Helper::Unread);
        }
        let choices = self.releases.satisfying(locked, &wanted, self.options.as_of, self.runtime);
        let taken: Vec<(&str, &Locked)> = choices
            .iter()
            .filter_map(|(package, releases)| {
                let here = releases.iter().find(|release| self.crates.is_here(release));
                let any = releases.first().filter(|_| !self.options.offline);
                Some((package.as_str(), here.or(any)?))
            })
            .collect();
        let releases: Vec<&Locked> = taken.iter().map(|(_, release)| *release).collect();
        let measured = self.crates.measure(&releases, &|| ());
        let read: BTreeMap<&str, &BuildRecord> = taken
            .iter()
            .zip(&measured)
            .filter_map(|((package, _), measured)| {
                Some((*package, &measured.contents.known()?.code))
            })
            .collect();
        record.follow(|package| read.get(package).map_or(Helper::Unread, |r| Helper::Read(r)));
        let acts = record.acts() || read.values().any(|helper| helper.acts());
        let unlisted = record.unlisted_helpers(capability_table());
        let called = taken.iter().filter(|(package, _)| unlisted.contains(package));
        let helpers: Vec<&Locked> = called.map(|(_, of)| *of).take(TOGETHER).collect();
        if acts
            && !helpers.is_empty()
            && let Some(together) = self.crates.read_together(locked, record, &helpers)
        {
            record.add_together(together);
        }
    }
}
