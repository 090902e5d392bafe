//! The part of a run that asks who holds the keys: custody, names, pins, cooldown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rayon::prelude::*;

use super::Gathering;
use super::equipment::CustodyFile;
use crate::collectors::archive::ManifestFacts;
use crate::collectors::arrivals::{self, Arrived};
use crate::collectors::custody::{
    self, AccountKind, CustodyFacts, History, add_rings, custody_facts,
};
use crate::collectors::custody_api::{ApiAnswers, ApiCrate, ask_all};
use crate::collectors::custody_data;
use crate::collectors::custody_store::{self, CustodySource};
use crate::collectors::family::{self, Relative};
use crate::collectors::names::{self, NameChecks, NameFacts, Prepared};
use crate::collectors::pins::pinned_custody;
use crate::collectors::releases::{Locked, ReleaseFacts};
use crate::collectors::statements;
use crate::domain::{Measured, NodeIndex, Origin, SubjectKind};
use crate::net::registry_api::RegistryApi;

/// Why nothing is known of custody where nobody could be asked.
const NOBODY_ASKED: &str = "there is no registry dump, slim file or pin, and the registry API was not \
                            asked: see `cargo custody db` and --api-budget";

/// The store that `db import` fills, in the cache folder.
pub const IMPORTED: &str = "custody.redb";

/// Owners of a crate, by login.
type Logins = Measured<BTreeSet<String>>;

impl Gathering<'_> {
    /// Who can publish each crate, since when, and how that compares with the pins.
    pub(super) fn keys(&mut self) {
        let files = self.custody_files();
        let sources = self.custody_sources(&files);
        let mut by_node: BTreeMap<NodeIndex, CustodyFacts> = BTreeMap::new();
        let mut histories: BTreeMap<NodeIndex, History> = BTreeMap::new();
        for (node, locked) in &self.locked {
            if locked.origin != Origin::Registry {
                continue;
            }
            let history = self.history_of(&sources, &locked.name);
            if history.answers().is_empty() {
                self.gathered.sheets[*node].put_unknown(custody::GROUP, NOBODY_ASKED);
            } else {
                let facts = custody_facts(&history, &locked.version, self.options.as_of);
                let which = (locked.name.as_str(), locked.version.as_str());
                let lane = super::lanes::lane(&history, &facts, which, self.options.as_of);
                self.gathered.lanes.extend(lane.map(|lane| (*node, lane)));
                by_node.insert(*node, facts);
                histories.insert(*node, history);
            }
        }
        self.rings(&mut by_node);
        self.newcomers(&by_node, &histories);
        drop(histories);
        for (node, facts) in &by_node {
            let sheet = &mut self.gathered.sheets[*node];
            match (&facts.owners, &facts.published_by) {
                // Neither who may publish nor who did: nothing is known of it, for one reason. Of a crate that was
                // deleted that is all there is to know, and the deletion is what counts.
                (Measured::Unknown(_), Measured::Unknown(reason))
                    if facts.deleted != Measured::Known(true) =>
                {
                    sheet.put_unknown(custody::GROUP, reason.clone());
                }
                _ => sheet.put(custody::GROUP, facts),
            }
        }
        let names = self.name_checks(&files);
        let owners = self.owners(&by_node);
        let measured = self.names(&names, &owners);
        self.arrivals(&by_node, &|name| match measured.get(name) {
            Some(facts) => facts.clone(),
            None => names.measure(name, &|name| known_owners(&owners, name)),
        });
        self.families(&by_node);
        self.pins(&by_node);
        self.ages();
        self.gathered.custody = by_node;
    }

    /// The files that this machine has, as far as they can be opened.
    fn custody_files(&mut self) -> Vec<Arc<CustodyFile>> {
        let mut files = Vec::new();
        for path in self.custody_paths() {
            match self.equipment.custody(&path, &self.options.cache_dir) {
                Ok(file) => files.push(file),
                Err(why) => self.gathered.warnings.push(why),
            }
        }
        files
    }

    /// Everything that can be asked: these files, and the API within its budget.
    fn custody_sources(&mut self, files: &[Arc<CustodyFile>]) -> Vec<Arc<dyn CustodySource>> {
        let mut sources: Vec<Arc<dyn CustodySource>> =
            files.iter().map(|file| Arc::clone(&file.source)).collect();
        if let Some(stamp) = sources.iter().map(|source| source.stamp()).max() {
            let told = format!("{} of {}", stamp.source.as_str(), stamp.date());
            self.gathered.provenance.insert("custody".to_owned(), told);
        }
        if let Some(answers) = self.ask_registry(&sources) {
            sources.push(Arc::new(answers));
        }
        sources
    }

    /// What this machine has: the file that the user names, else the store that a dump was imported into
    /// and the extract of the whole registry, which is fetched where that is due.
    fn custody_paths(&mut self) -> Vec<PathBuf> {
        if let Some(dump) = &self.options.dump {
            return vec![dump.clone()];
        }
        if !self.locked.iter().any(|(_, locked)| locked.origin == Origin::Registry) {
            return Vec::new();
        }
        let imported = self.options.cache_dir.join(IMPORTED);
        let custody_data::Present { file, warning } = self.equipment.extract(self.options).clone();
        self.gathered.warnings.extend(warning);
        imported.is_file().then_some(imported).into_iter().chain(file).collect()
    }

    /// What all of these and the pins say of a crate.
    fn history_of(&self, sources: &[Arc<dyn CustodySource>], name: &str) -> History {
        let history = custody_store::history(sources, name);
        match self.options.pins.as_ref().and_then(|pins| pinned_custody(pins, name)) {
            Some(pin) => history.with(pin),
            None => history,
        }
    }

    /// Whether a file of this week knows of a crate up to its newest version: then the API has nothing to
    /// add that would be worth a second.
    fn is_told(&self, sources: &[Arc<dyn CustodySource>], name: &str, newest: &str) -> bool {
        let fresh = sources
            .iter()
            .filter(|source| custody_data::is_fresh(source.stamp().date(), self.options.as_of));
        let mut answers = fresh.filter_map(|source| source.answer(name).known().cloned());
        answers.any(|answer| {
            let releases = answer.releases.known();
            answer.owners.known().is_some()
                && releases.is_some_and(|all| all.iter().any(|r| r.number == newest))
        })
    }

    /// Whether one account alone owned a crate, by the freshest of what is at hand, however old.
    fn is_held_by_one(&self, sources: &[Arc<dyn CustodySource>], name: &str) -> bool {
        let history = self.history_of(sources, name);
        let answer = history.owners_on(self.options.as_of);
        let owners = answer.known().and_then(|answer| Some((answer, answer.owners.known()?)));
        owners.is_some_and(|(answer, owners)| match owners.as_slice() {
            [only] => answer.account(only.account).kind == AccountKind::User,
            _ => false,
        })
    }

    /// The question about a crate to the API, where a file does not answer it.
    fn to_ask(
        &self,
        sources: &[Arc<dyn CustodySource>],
        node: NodeIndex,
        locked: &Locked,
    ) -> Option<ApiCrate> {
        let history = self.history.get(&node);
        if history.is_some_and(|facts| facts.crate_absent == Measured::Known(true)) {
            // The registry has no such crate: its API has nothing to say of it, and would seem to fail.
            return None;
        }
        let newest = history.and_then(|facts| facts.newest_version.known());
        let newest = newest.unwrap_or(&locked.version);
        let changed = self.options.changed.contains(&locked.name);
        if !changed && self.is_told(sources, &locked.name, newest) {
            return None;
        }
        let manifest = self.gathered.manifests.get(&node);
        Some(ApiCrate {
            name: locked.name.clone(),
            newest: newest.clone(),
            changed,
            build_executed: manifest.is_some_and(ManifestFacts::runs_at_build),
            one_owner: self.is_held_by_one(sources, &locked.name),
        })
    }

    fn ask_registry(&mut self, sources: &[Arc<dyn CustodySource>]) -> Option<ApiAnswers> {
        if self.options.api_budget.is_zero() || self.options.offline {
            return None;
        }
        let of_registry =
            self.locked.iter().filter(|(_, locked)| locked.origin == Origin::Registry);
        let crates: Vec<ApiCrate> =
            of_registry.filter_map(|(node, locked)| self.to_ask(sources, *node, locked)).collect();
        if crates.is_empty() {
            return None;
        }
        let now = end_of(self.options.as_of)?;
        let budget = self.options.api_budget;
        let progress = self.progress("asking the registry", crates.len());
        let answers = self.runtime.block_on(async {
            match RegistryApi::find(self.crates.client(), &self.options.urls).await {
                Ok(Some(api)) => {
                    let api = api.anew(self.options.refresh);
                    let done = |left: usize| {
                        progress.set_position((crates.len().saturating_sub(left)) as u64);
                    };
                    Ok(Some(ask_all(&api, &crates, budget, now, &done).await))
                }
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            }
        });
        progress.finish_and_clear();
        match answers {
            Ok(answers) => answers,
            Err(error) => {
                self.gathered.warnings.push(format!("the registry API was not asked: {error}"));
                None
            }
        }
    }

    /// What is seen only across crates: one newcomer on several of them.
    fn rings(&self, by_node: &mut BTreeMap<NodeIndex, CustodyFacts>) {
        let name = |node: &NodeIndex| self.gathered.sheets[*node].subject.name.clone();
        let mut by_name: BTreeMap<String, CustodyFacts> =
            by_node.iter().map(|(node, facts)| (name(node), facts.clone())).collect();
        add_rings(&mut by_name, self.options.as_of);
        // Where a crate is there in two versions, the later one stands for both.
        let last: BTreeMap<String, NodeIndex> =
            by_node.keys().map(|node| (name(node), *node)).collect();
        for (name, node) in last {
            if let (Some(with_rings), Some(facts)) = (by_name.remove(&name), by_node.get_mut(&node))
            {
                *facts = with_rings;
            }
        }
    }

    /// Who came to several crates of the graph at once.
    fn newcomers(
        &mut self,
        by_node: &BTreeMap<NodeIndex, CustodyFacts>,
        histories: &BTreeMap<NodeIndex, History>,
    ) {
        let of = |(node, history): (&NodeIndex, _)| {
            let name = self.gathered.sheets[*node].subject.name.as_str();
            (name, (history, &by_node[node]))
        };
        let crates: BTreeMap<&str, (&History, &CustodyFacts)> = histories.iter().map(of).collect();
        let found = custody::newcomers(&crates, self.options.as_of);
        for node in histories.keys() {
            let sheet = &mut self.gathered.sheets[*node];
            // Where it is not known, group `custody` says so already.
            let facts = found.get(&sheet.subject.name).filter(|facts| facts.list.known().is_some());
            if let Some(facts) = facts {
                sheet.put(custody::NEWCOMERS_GROUP, facts);
            }
        }
    }

    /// The checks of names, against the popular ones and all crates of the registry, those outside the scope
    /// included. Popular is what the newest file with such a list says, else the table that comes with the
    /// program.
    fn name_checks(&self, files: &[Arc<CustodyFile>]) -> NameChecks {
        let mut newest: Vec<&Arc<CustodyFile>> = files.iter().collect();
        newest.sort_by_key(|file| std::cmp::Reverse(file.source.stamp()));
        let told = newest.into_iter().find_map(|file| file.popular());
        let popular = told.unwrap_or_else(Prepared::embedded);
        let subjects = self.gathered.sheets.iter().map(|sheet| &sheet.subject);
        let crates = subjects.filter(|subject| {
            subject.kind == SubjectKind::Crate && subject.origin == Origin::Registry
        });
        NameChecks::new(popular, crates.map(|subject| subject.name.as_str()))
    }

    /// The logins of every crate's owners, by crate name.
    fn owners(&self, by_node: &BTreeMap<NodeIndex, CustodyFacts>) -> BTreeMap<String, Logins> {
        let logins = |facts: &CustodyFacts| {
            facts.owners.as_ref().map(|all| all.iter().map(|owner| owner.login.clone()).collect())
        };
        let known = self
            .locked
            .iter()
            .filter_map(|(node, locked)| Some((locked.name.clone(), logins(by_node.get(node)?))));
        known.collect()
    }

    /// What the name of each crate resembles; the answer is the same by name.
    fn names(
        &mut self,
        checks: &NameChecks,
        owners: &BTreeMap<String, Logins>,
    ) -> BTreeMap<String, NameFacts> {
        let owners_of = |name: &str| known_owners(owners, name);
        let measured: Vec<(NodeIndex, NameFacts)> = self
            .locked
            .par_iter()
            .filter(|(_, locked)| locked.origin == Origin::Registry)
            .map(|(node, locked)| (*node, checks.measure(&locked.name, &owners_of)))
            .collect();
        let mut by_name = BTreeMap::new();
        for (node, facts) in measured {
            let sheet = &mut self.gathered.sheets[node];
            sheet.put(names::GROUP, &facts);
            by_name.insert(sheet.subject.name.clone(), facts);
        }
        by_name
    }

    /// What is known of the crates that each release newly depends on.
    fn arrivals(
        &mut self,
        by_node: &BTreeMap<NodeIndex, CustodyFacts>,
        names_of: &dyn Fn(&str) -> NameFacts,
    ) {
        let unmeasured = ReleaseFacts::unknown("its releases were not measured");
        let mut measured = Vec::new();
        for (node, locked) in &self.locked {
            if locked.origin != Origin::Registry {
                continue;
            }
            let releases = self.history.get(node).unwrap_or(&unmeasured);
            let find = |name: &str| {
                let mut edges = self.edges[*node].iter();
                let to = edges.find(|to| self.gathered.sheets[**to].subject.name == name);
                let arrived = to.map(|to| Arrived {
                    version: &self.gathered.sheets[*to].subject.version,
                    custody: by_node.get(to),
                    manifest: self.gathered.manifests.get(to),
                });
                (arrived, names_of(name))
            };
            measured.push((*node, arrivals::arrivals(releases, by_node.get(node), &find)));
        }
        for (node, facts) in measured {
            self.gathered.sheets[node].put(arrivals::GROUP, &facts);
        }
    }

    /// What three parties say of the commit that each release was made from.
    pub(super) fn statements(&mut self) {
        for (node, locked) in &self.locked {
            if locked.origin == Origin::Registry {
                let sheet = &mut self.gathered.sheets[*node];
                // One statement is nothing that another could disagree with.
                if let Some(facts) = statements::statements(&|group| sheet.facts.get(group)) {
                    sheet.put(statements::GROUP, &facts);
                }
            }
        }
    }

    /// The older crates that each young one came with.
    fn families(&mut self, by_node: &BTreeMap<NodeIndex, CustodyFacts>) {
        let mut measured = Vec::new();
        for (node, locked) in &self.locked {
            if locked.origin != Origin::Registry {
                continue;
            }
            let Some(releases) = self.history.get(node) else { continue };
            if !releases.first_release_age_days.known().copied().is_some_and(family::is_young) {
                continue;
            }
            let relative = |node: NodeIndex, releases| Relative {
                name: &self.gathered.sheets[node].subject.name,
                version: &self.gathered.sheets[node].subject.version,
                releases,
                manifest: self.gathered.manifests.get(&node),
                custody: by_node.get(&node),
            };
            let others = self.locked.iter().filter(|(other, _)| self.edges[*other].contains(node));
            let dependents: Vec<Relative<'_>> = others
                .filter_map(|(other, _)| Some(relative(*other, self.history.get(other)?)))
                .collect();
            let facts = family::family(&relative(*node, releases), &dependents);
            measured.push((*node, facts));
        }
        for (node, facts) in measured {
            self.gathered.sheets[node].put(family::GROUP, &facts);
        }
    }
}

fn known_owners(owners: &BTreeMap<String, Logins>, name: &str) -> Logins {
    owners.get(name).cloned().unwrap_or_else(|| Measured::unknown("its owners are not known"))
}

/// The last second of a day (UTC): what happened on the day of the audit counts.
pub(super) fn end_of(day: Date) -> Option<Timestamp> {
    day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
