//! The part of an audit that knows a base: which crates changed, what the same rules say about what was
//! there before, and what that makes of every finding.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::bound;
use super::own::BaseFiles;
use super::places::Started;
use crate::collectors::update::{self, GainFacts};
use crate::collectors::window::ComparisonFacts;
use crate::collectors::{self, Gathered, Scope};
use crate::domain::report::SubjectChange;
use crate::domain::{
    Change, FactSheet, Finding, Graph, Location, Measured, Node, NodeIndex, Place, PlaceKind,
    Places, Subject, SubjectKind,
};
use crate::heuristics::judge::Case;
use crate::heuristics::waivers::PolicyFacts;
use crate::heuristics::{Ruleset, change, judge};
use crate::walker::delta::{self, Base, Delta, PolicyFile, UpdateFacts, UpdateKind};
use crate::walker::models::Attached;
use crate::walker::project::Setting;
use crate::walker::replacement::StandIn;
use crate::walker::{self, Walk};

/// What the project is compared with.
#[derive(Clone, Debug)]
pub struct BaseSide {
    /// Its graph and its own files.
    pub base: Base,
    /// Every file that decides how the project is judged, on both sides; unknown where the base is a
    /// lockfile only.
    pub policy_files: Measured<Vec<PolicyFile>>,
    /// Folders of the base that are links or submodules now; unknown where the base is a lockfile only.
    pub replaced: Measured<Vec<Setting>>,
    /// All its files; absent where the base is a lockfile only.
    pub files: Option<BaseFiles>,
}

/// One comparison.
pub(super) struct Comparison<'r> {
    side: &'r BaseSide,
    delta: Delta,
    /// Sheets of the base's nodes that an updated crate continues.
    before: BTreeMap<NodeIndex, FactSheet>,
    /// Sheets of the project's own crates as they are in the base, by the node that they are now.
    own: BTreeMap<NodeIndex, Option<FactSheet>>,
    /// Crates in folders that stand in for an archive, on both sides in the same one.
    stand_ins: BTreeSet<NodeIndex>,
}

impl<'r> Comparison<'r> {
    /// Compares the graphs.
    pub(super) fn new(side: &'r BaseSide, walk: &Walk) -> Self {
        let delta = Delta::between(&side.base, walk);
        let (before, own, stand_ins) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { side, delta, before, own, stand_ins }
    }

    /// Takes every crate as changed whose files stand in for an archive and are not shown to be those of
    /// the base: the lockfile says nothing of them.
    pub(super) fn hold_files(
        &mut self,
        walk: &Walk,
        places: &Places,
        started: &Started,
        cargo_home: &Path,
    ) {
        let now = started.here(cargo_home);
        let mut base = None;
        for (&node, place) in places {
            let Some(of) = walk.graph.nodes.get(node) else { continue };
            let origin = &of.subject.origin;
            let stands_in = match place {
                Measured::Known(place) => !matches!(place.kind, PlaceKind::Path | PlaceKind::Git),
                Measured::Unknown(_) => now.of(origin) != StandIn::Itself,
            };
            if !stands_in {
                continue;
            }
            let Some(files) = &self.side.files else {
                self.delta.change_files(node);
                continue;
            };
            let base = base.get_or_insert_with(|| files.settings(started, cargo_home));
            let same_way = base.as_ref().is_ok_and(|base| base.leads_alike(origin));
            if same_way {
                self.stand_ins.insert(node);
            }
            let alike = |place: &Place| files.holds(place, of);
            if !(same_way && place.known().is_some_and(alike)) {
                self.delta.change_files(node);
            }
        }
    }

    /// The crates that changed, with what they continue.
    pub(super) fn scope(&self, walk: &Walk) -> Scope {
        let changed = (0..walk.graph.nodes.len()).filter(|&node| self.delta.changed(node));
        let base = &self.side.base.graph.nodes;
        let from = |node: NodeIndex| self.delta.from.get(&node).map(|&at| base[at].clone());
        Scope::Changed(changed.map(|node| (node, from(node))).collect())
    }

    /// Whether the change brings this crate or another version of it.
    pub(super) fn touches(&self, node: NodeIndex) -> bool {
        self.delta.changed(node)
    }

    /// Gathers what is known of the versions that the base locks, of updated crates only.
    pub(super) fn gather_base(
        &mut self,
        options: &collectors::Options,
    ) -> Result<(), collectors::GatherError> {
        let nodes: Vec<NodeIndex> = self
            .delta
            .from
            .iter()
            .filter(|(node, _)| self.delta.changed(**node))
            .map(|(_, &from)| from)
            .collect();
        if nodes.is_empty() {
            return Ok(());
        }
        let base = &self.side.base;
        let alone =
            |&at: &NodeIndex| Node { dependencies: Vec::new(), ..base.graph.nodes[at].clone() };
        let graph = Graph { nodes: nodes.iter().map(alone).collect(), roots: Vec::new() };
        let Gathered { sheets, .. } = collectors::gather(&graph, options)?;
        for (at, mut sheet) in nodes.into_iter().zip(sheets) {
            if let (Some(lock), Some(exposure)) = (base.locks.get(&at), base.exposure.get(&at)) {
                sheet.put("lock", lock);
                sheet.put("exposure", exposure);
            }
            self.before.insert(at, sheet);
        }
        Ok(())
    }

    /// Adds what changed to the facts of every crate.
    pub(super) fn measure(&self, walk: &Walk, cases: &mut [Case]) {
        for (index, case) in cases.iter_mut().enumerate() {
            let Some(facts) = self.delta.facts.get(index) else { continue };
            if let Some(place) = facts.place(&walk.graph.nodes[index], &walk.sources) {
                case.location = place;
            }
            case.sheet.put(delta::GROUP, facts);
            if let Some(before) = self.sheet_before(index) {
                let gains = update::gains(before, &case.sheet);
                case.sheet.put(update::GAINS, &gains);
            }
        }
    }

    /// Gathers what the base has of the project's own crates, of those with a finding only.
    pub(super) fn gather_own(
        &mut self,
        findings: &[Finding],
        (walk, places): (&Walk, &Places),
        cases: &[Case],
        options: &collectors::Options,
    ) {
        let found: BTreeSet<&Subject> = findings.iter().map(|finding| &finding.subject).collect();
        let mut nodes = BTreeMap::new();
        for (node, of) in walk.graph.nodes.iter().enumerate() {
            if let Some(Measured::Known(place)) = places.get(&node)
                && (place.kind == PlaceKind::Path
                    || (self.stand_ins.contains(&node) && self.delta.changed(node)))
                && found.contains(&of.subject)
            {
                nodes.insert(node, (of, place));
            }
        }
        let Some(files) = self.side.files.as_ref().filter(|_| !nodes.is_empty()) else { return };
        let sheets = files.sheets(&nodes, options);
        // What cannot be read of the base counts as not there: everything is new then.
        self.own = sheets.unwrap_or_else(|_| nodes.keys().map(|&node| (node, None)).collect());
        // Where the base lacks the folder of a copy, what it continues is the archive.
        self.own.retain(|node, sheet| sheet.is_some() || !self.stand_ins.contains(node));
        for (node, sheet) in &mut self.own {
            // Lockfile and manifests say the same of it as now, or the node would have changed.
            for group in ["lock", "exposure"] {
                if let (Some(sheet), Some(facts)) =
                    (sheet.as_mut(), cases[*node].sheet.facts.get(group))
                {
                    sheet.put(group, facts);
                }
            }
        }
    }

    /// Measures what the base has of the models in the project's folder, of those with a finding only.
    pub(super) fn measure_models(&mut self, findings: &[Finding], walk: &Walk, named: &Attached) {
        let found: BTreeSet<&Subject> = findings.iter().map(|finding| &finding.subject).collect();
        let subject = |node: NodeIndex| &walk.graph.nodes[node].subject;
        let models = named.local.iter().map(|(&node, model)| (node, (subject(node), model)));
        let models: BTreeMap<_, _> = models.filter(|(_, (it, _))| found.contains(it)).collect();
        let Some(files) = self.side.files.as_ref().filter(|_| !models.is_empty()) else { return };
        // What cannot be read of the base counts as not there: everything is new then.
        let sheets = files.models(&walk.root, &models).unwrap_or_default();
        self.own.extend(sheets.into_iter().map(|(node, sheet)| (node, Some(sheet))));
    }

    fn sheet_before(&self, node: NodeIndex) -> Option<&FactSheet> {
        if let Some(own) = self.own.get(&node) {
            return own.as_ref();
        }
        self.before.get(self.delta.from.get(&node)?)
    }

    /// Adds what changed to the facts of the project.
    pub(super) fn measure_project(&self, walk: &Walk, case: &mut Case) {
        let files = self.side.policy_files.as_ref();
        let replaced = self.side.replaced.clone();
        let files = files.map(Vec::as_slice);
        let facts = delta::changes(&self.side.base, &walk.project, &walk.sources, files, replaced);
        case.sheet.put(delta::CHANGE_GROUP, &facts);
    }

    /// Says of every finding about a crate what the change made of it.
    pub(super) fn mark(&self, findings: &mut [Finding], cases: &[Case], ruleset: &Ruleset) {
        let nodes: BTreeMap<&Subject, NodeIndex> =
            cases.iter().enumerate().map(|(index, case)| (&case.sheet.subject, index)).collect();
        let wanted: BTreeSet<&Subject> = findings.iter().map(|finding| &finding.subject).collect();
        // Only what an updated crate with a finding continues has to be judged.
        let mut before: BTreeMap<NodeIndex, Vec<Finding>> = BTreeMap::new();
        for (&subject, &node) in nodes.iter().filter(|(subject, _)| wanted.contains(*subject)) {
            if let Some(sheet) = self.sheet_before(node) {
                let case = bare(sheet.clone());
                let mut findings = judge(ruleset, &[case]).findings;
                // Its hashes were all measured.
                bound::bind(&mut findings, std::iter::once(sheet), |_| PathBuf::new());
                before.insert(node, findings);
                debug_assert_eq!(&cases[node].sheet.subject, subject);
            }
        }
        let mut changes = Vec::new();
        for finding in findings.iter() {
            let node = nodes.get(&finding.subject).copied();
            changes.push(match node {
                Some(node) if !self.delta.changed(node) && !self.own.contains_key(&node) => {
                    Change::Existing
                }
                Some(node) => change::since(finding, before.get(&node).map_or(&[], Vec::as_slice)),
                None => Change::Introduced,
            });
        }
        for (finding, change) in findings.iter_mut().zip(changes) {
            finding.change = Some(change);
        }
    }

    /// Says of every finding about the project what the change made of it.
    pub(super) fn mark_project(
        &self,
        findings: &mut [Finding],
        policy: &PolicyFacts,
        ruleset: &Ruleset,
    ) {
        let mut sheet = FactSheet::new(walker::project_subject());
        if let Measured::Known(project) = &self.side.base.project {
            sheet.put("project", project);
        }
        // Both sides are held against the base's policy.
        sheet.put(super::POLICY_GROUP, policy);
        let before = judge(ruleset, &[bare(sheet)]).findings;
        for finding in findings {
            finding.change = Some(change::since(finding, &before));
        }
    }

    /// A waiver of something that was not looked at is not unused.
    pub(super) fn tidy(&self, policy: &mut PolicyFacts, walk: &Walk) {
        let nodes = walk.graph.nodes.iter().enumerate();
        let changed: BTreeSet<&str> = nodes
            .filter(|(index, _)| self.delta.changed(*index))
            .map(|(_, node)| node.subject.name.as_str())
            .collect();
        policy.unused_waivers.retain(|waiver| changed.contains(waiver.package.as_str()));
        policy.outdated_waivers.retain(|waiver| changed.contains(waiver.package.as_str()));
    }

    /// One line for every crate that is new, other or gone; the project's own are left out.
    pub(super) fn changes(&self, walk: &Walk, sheets: &[FactSheet]) -> Vec<SubjectChange> {
        let nodes = walk.graph.nodes.iter().enumerate();
        // A model on disk that the base has as well is told by its findings only.
        let had =
            |index: &NodeIndex, kind| kind == SubjectKind::Model && self.own.contains_key(index);
        let changed = nodes.filter(|(index, node)| {
            self.delta.changed(*index) && !had(index, node.subject.kind) && !node.member
        });
        let told = changed.map(|(index, node)| {
            let facts = &self.delta.facts[index];
            let new = facts.kind == UpdateKind::New;
            SubjectChange {
                name: node.subject.name.clone(),
                from: (!new).then(|| facts.from_version.clone()),
                to: Some(node.subject.version.clone()),
                hands: hands(facts, &sheets[index]),
                bytes: if new { size(&sheets[index]) } else { bytes(facts, &sheets[index]) },
                capabilities: capabilities(new, &sheets[index]),
                notable: notable(facts, &sheets[index]),
            }
        });
        let gone = self.delta.removed.iter().map(|removed| SubjectChange {
            name: removed.name.clone(),
            from: Some(removed.version.clone()),
            to: None,
            hands: String::new(),
            bytes: String::new(),
            capabilities: String::new(),
            notable: false,
        });
        told.chain(gone).collect()
    }
}

fn bare(sheet: FactSheet) -> Case {
    Case { sheet, location: Location::default(), related: Vec::new(), path: Vec::new() }
}

/// A measurement in one line, or why it is not known.
fn line<T>(measured: &Measured<T>, told: impl FnOnce(&T) -> String) -> String {
    match measured {
        Measured::Known(value) => told(value),
        Measured::Unknown(reason) => format!("not known: {reason}"),
    }
}

fn hands(facts: &UpdateFacts, sheet: &FactSheet) -> String {
    if facts.source_changed {
        return format!("now from {}, before from {}", facts.source, facts.from_source);
    }
    if let Measured::Known(gains) = super::group_of::<GainFacts>(sheet, update::GAINS) {
        let both = gains.publisher_before.and_then(|old| gains.publisher.map(|new| (old, new)));
        return line(&both, |(old, new)| {
            if old == new {
                format!("published by {new}, as before")
            } else {
                format!("published by {new}, before by {old}")
            }
        });
    }
    let custody =
        super::group_of::<collectors::custody::CustodyFacts>(sheet, collectors::custody::GROUP);
    let published = custody.and_then(|facts| {
        facts.published_by_workflow.and_then(|workflow| {
            facts.published_by.map(|login| if workflow { "a workflow".to_owned() } else { login })
        })
    });
    line(&published, |by| format!("published by {by}"))
}

/// Whether a reviewer should look: another source or other bytes than promised, another publisher, new
/// binary files, new things that build code can do. What is not known is no reason.
fn notable(facts: &UpdateFacts, sheet: &FactSheet) -> bool {
    if facts.source_changed || facts.checksum_changed || facts.files_changed {
        return true;
    }
    if facts.kind == UpdateKind::New {
        let build = super::group_of::<collectors::build_code::BuildFacts>(
            sheet,
            collectors::build_code::GROUP,
        );
        return build.known().is_some_and(|facts| !facts.capability_names.is_empty());
    }
    let gains = super::group_of::<GainFacts>(sheet, update::GAINS);
    let gained = gains.known().is_some_and(|gains| {
        let hands = (gains.publisher_before.known(), gains.publisher.known());
        let others = matches!(hands, (Some(old), Some(new)) if old != new);
        others || gains.capabilities_gained.known().is_some_and(|gained| !gained.is_empty())
    });
    let compared = super::group_of::<ComparisonFacts>(sheet, update::BYTES);
    let binaries = compared.known().and_then(|compared| compared.binaries_added.known());
    gained || binaries.is_some_and(|added| !added.is_empty())
}

fn size(sheet: &FactSheet) -> String {
    let archive =
        super::group_of::<collectors::archive::ArchiveFacts>(sheet, collectors::archive::GROUP);
    line(&archive, |facts| format!("{} files, {} bytes", facts.files, facts.unpacked_bytes))
}

fn bytes(facts: &UpdateFacts, sheet: &FactSheet) -> String {
    if facts.checksum_changed {
        return "another SHA-256 for the same version".to_owned();
    }
    if facts.files_changed {
        return "not from the files of the base, for the same entry of the lockfile".to_owned();
    }
    let compared = super::group_of::<ComparisonFacts>(sheet, update::BYTES);
    let told = compared.and_then(|c| {
        let ComparisonFacts { files_added, files_changed, files_removed, bytes_grown, .. } = c;
        let (added, binaries) = (files_added, c.binaries_added);
        added.and_then(|added| {
            files_changed.and_then(|changed| {
                files_removed.and_then(|removed| {
                    bytes_grown.and_then(|grown| {
                        binaries.map(|b| (added, changed, removed, grown, b.len()))
                    })
                })
            })
        })
    });
    line(&told, |(added, changed, removed, grown, binaries)| {
        let binaries =
            if *binaries > 0 { format!(", {binaries} new binary files") } else { String::new() };
        format!("files: {added} new, {changed} changed, {removed} gone{binaries}; {grown:+} bytes")
    })
}

fn capabilities(new: bool, sheet: &FactSheet) -> String {
    if new {
        let build = super::group_of::<collectors::build_code::BuildFacts>(
            sheet,
            collectors::build_code::GROUP,
        );
        return line(&build, |facts| {
            let names = serde_json::to_value(&facts.capability_names).unwrap_or_default();
            let names: Vec<&str> =
                names.as_array().into_iter().flatten().filter_map(|n| n.as_str()).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        });
    }
    let gains = super::group_of::<GainFacts>(sheet, update::GAINS);
    let both = gains.and_then(|gains| {
        let lost = gains.capabilities_lost;
        gains.capabilities_gained.and_then(|gained| lost.map(|lost| (gained, lost)))
    });
    line(&both, |(gained, lost)| match (gained.is_empty(), lost.is_empty()) {
        (true, true) => "as before".to_owned(),
        (false, true) => format!("gained: {}", gained.join(", ")),
        (true, false) => format!("lost: {}", lost.join(", ")),
        (false, false) => format!("gained: {}; lost: {}", gained.join(", "), lost.join(", ")),
    })
}
