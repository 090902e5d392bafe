//! The only conductor: walk, gather, judge, report. It decides the order and nothing else.

mod advice;
mod bases;
mod bound;
mod cut;
mod delta;
pub mod fleet;
mod hands;
mod many;
mod models;
mod notes;
pub mod one;
mod own;
mod places;
mod questions;
mod repositories;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::collectors::{self, Gathered, Scope};
use crate::config::{Baseline, Policy};
use crate::domain::fact::{SchemaOf, schema_of};
use crate::domain::finding::Baselined;
use crate::domain::ledger::Ledger;
use crate::domain::report::{Coverage, SubjectEntry};
use crate::domain::rule::{RuleInfo, RuleKind};
use crate::domain::{
    Change, Evidence, FactSheet, Finding, Level, Location, Measured, Node, NodeIndex, Origin,
    Report, Sources, Subject, Undetermined,
};
use crate::heuristics::judge::{Case, FiredSignal, Judgement};
use crate::heuristics::waivers::{self, PolicyFacts};
use crate::heuristics::{FactSchema, Ruleset, change, judge};
use crate::walker::delta::UpdateKind;
use crate::walker::models::{self as references, Attached, Stated};
use crate::walker::{self, Nature, Walk, WalkError, packages};

pub use cut::cut;
pub use delta::BaseSide;
use delta::Comparison;
pub use hands::lanes;
pub use many::{join, not_audited};
pub use models::{not_scanned, subject_of as model_subject};
pub use own::BaseFiles;

/// What to audit, and how.
#[derive(Debug)]
pub struct Request {
    /// A project folder, a lockfile, or a model folder or file.
    pub path: PathBuf,
    /// What the walk may do.
    pub walk: walker::Options,
    /// Where facts come from.
    pub gather: collectors::Options,
    /// The project's policy, the command line already applied.
    pub policy: Policy,
    /// From which level findings fail the run; `None` is never.
    pub fail_on: Option<Level>,
    /// Rules.
    pub ruleset: Arc<Ruleset>,
    /// What the project is compared with; only what changed against it counts.
    pub base: Option<BaseSide>,
    /// Findings that stood when the project switched its gate on.
    pub baseline: Option<Baseline>,
    /// Take what is unknown as if it had turned out badly, when it comes to the exit code.
    pub strict_unknown: bool,
    /// Look up what only some formats show beside the findings: bytes, what loading a model does, licences.
    pub notes: bool,
}

/// What came out, with what reporters and other subcommands need beside the report.
#[derive(Debug)]
pub struct Audit {
    /// What the user is told.
    pub report: Report,
    /// Text of the files that locations name.
    pub sources: Sources,
    /// The full catalogue of findings.
    pub rules: Vec<RuleInfo>,
    /// Every signal that fired.
    pub signals: Vec<FiredSignal>,
    /// Signal id to the number of subjects on which it could be determined.
    pub determined: BTreeMap<String, u32>,
    /// Path of the audited folder relative to the repository's root; empty for the root.
    pub prefix: String,
    /// What the user should know about this machine.
    pub warnings: Vec<String>,
    /// All facts.
    pub sheets: Vec<FactSheet>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Nothing to audit, or a lockfile that cannot be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The machine refuses what the collectors need.
    #[error(transparent)]
    Gather(#[from] collectors::GatherError),
    /// The model cannot be looked at.
    #[error(transparent)]
    Model(#[from] collectors::model_files::ModelError),
}

/// Name of the facts group about the policy itself.
const POLICY_GROUP: &str = "policy";

/// The fact groups of the whole house, for the rules to be checked against.
#[must_use]
pub fn schema() -> FactSchema {
    let policy: (_, SchemaOf) = ("policy", schema_of::<PolicyFacts>);
    FactSchema::new(walker::groups().into_iter().chain(collectors::groups()).chain([policy]))
}

/// Whether a path is audited as a model and not as a project.
#[must_use]
pub fn is_model(path: &Path) -> bool {
    use collectors::model_files::{holds_models, may_be_model};
    if walker::is_project(path) {
        return false;
    }
    if !path.is_dir() {
        return may_be_model(path);
    }
    // Lockfiles below are what there is to audit, and models beside them are audited with them.
    holds_models(path) && walker::below(path).folders.is_empty()
}

/// Audits one project, or one model folder or file.
pub fn run(request: &Request) -> Result<Audit, AuditError> {
    if is_model(&request.path) {
        return models::run(request);
    }
    // A page or a source file could be read as a lockfile of nothing, and would pass.
    if request.path.is_file() && !walker::is_project(&request.path) {
        return Err(WalkError::NotAuditable { path: request.path.clone() }.into());
    }
    let mut walk = walker::walk(&request.path, &request.walk)?;
    let (mut named, _) = name_models(&mut walk, &request.policy);
    named.packages.count_ages(request.gather.as_of);
    let mut comparison = request.base.as_ref().map(|side| Comparison::new(side, &walk));
    let started = places::Started::of(&request.path, &walk);
    let replacements = started.here(&request.gather.cargo_home);
    walk.declared.unlocked.extend(places::new_patches(&walk, &replacements));
    let found = places::of(&walk, &request.gather.cargo_home, &replacements);
    let places = &found.places;
    if let Some(comparison) = &mut comparison {
        comparison.hold_files(&walk, places, &started, &request.gather.cargo_home);
    }
    let scope = comparison.as_ref().map_or(Scope::All, |comparison| comparison.scope(&walk));
    let options = collectors::Options {
        requirements: walk.declared.requirements.clone(),
        ..request.gather.clone()
    };
    let mut gathered = collectors::gather_within(&walk.graph, &scope, places, &options)?;
    walk.learn(natures(&gathered));
    if !gathered.features.is_empty() {
        walk.learn_features(std::mem::take(&mut gathered.features));
    }
    let sheets = std::mem::take(&mut gathered.sheets);
    let mut cases = cases(&walk, sheets, &named, &request.gather);
    walk.undetermined.extend(models::measure_local(&walk, &named, &mut cases));
    models::measure_imports(&walk, &named, &gathered, &mut cases);
    if let Some(comparison) = &mut comparison {
        comparison.gather_base(&request.gather)?;
        comparison.measure(&walk, &mut cases);
    }
    let mut judgement = judge(&request.ruleset, &cases);
    let measured = cases.iter().map(|case| &case.sheet);
    bound::bind(&mut judgement.findings, measured, |path| walk.root.join(path));
    if let Some(comparison) = &mut comparison {
        comparison.gather_own(&judgement.findings, (&walk, places), &cases, &request.gather);
        comparison.measure_models(&judgement.findings, &walk, &named);
        comparison.mark(&mut judgement.findings, &cases, &request.ruleset);
    }
    let as_of = request.gather.as_of;
    let checksums = checksums(&walk);
    let mut policy = waivers::apply(
        &mut judgement.findings,
        &request.policy.waivers,
        &as_of.to_string(),
        &checksums,
    );
    if let Some(comparison) = &comparison {
        comparison.tidy(&mut policy, &walk);
    }
    let mut project = project_case(&walk, &policy, &named);
    if let Some(comparison) = &comparison {
        comparison.measure_project(&walk, &mut project);
    }
    let mut about_project = judge(&request.ruleset, std::slice::from_ref(&project));
    if let Some(comparison) = &comparison {
        comparison.mark_project(&mut about_project.findings, &policy, &request.ruleset);
    }
    judgement.absorb(about_project);
    advice::attach(&mut judgement.findings, &cases);
    if let Some(baseline) = &request.baseline {
        hold_against(baseline, &mut judgement.findings);
    }
    walk.read_places(judgement.findings.iter().map(|finding| finding.location.file.as_str()));
    let mut sheets: Vec<FactSheet> = cases.into_iter().map(|case| case.sheet).collect();
    let changes = comparison.as_ref().map(|comparison| comparison.changes(&walk, &sheets));
    let touched = comparison.as_ref().map(|comparison| |node| comparison.touches(node));
    let touched = touched.as_ref().map(|touched| touched as &dyn Fn(NodeIndex) -> bool);
    let hands = hands::of(&walk, &gathered, touched, as_of);
    sheets.push(project.sheet);
    let mut audit = assemble(request, Audited::of(walk), gathered, judgement, sheets);
    audit.report.changes = changes;
    audit.report.hands = hands;
    audit.report.repositories = repositories::of(&audit.sheets, as_of);
    Ok(audit)
}

/// SHA-256 of the archives that the lockfile pins.
fn checksums(walk: &Walk) -> BTreeMap<Subject, String> {
    let pinned = |node: &Node| Some((node.subject.clone(), node.checksum.clone()?));
    walk.graph.nodes.iter().filter_map(pinned).collect()
}

/// Marks what the baseline knows, and says so beside the finding.
fn hold_against(baseline: &Baseline, findings: &mut [Finding]) {
    for finding in findings {
        let change = baseline.change(finding);
        if change != Change::Introduced {
            finding.evidence.push(Evidence {
                note: format!("in the baseline of {}: {}", baseline.recorded, baseline.reason),
                ..Evidence::default()
            });
        }
        if change == Change::Existing && finding.waived.is_none() {
            let Baseline { recorded, reason, .. } = baseline;
            finding.baselined =
                Some(Baselined { recorded: recorded.clone(), reason: reason.clone() });
        }
        finding.change = Some(change::milder(finding.change, change));
    }
}

/// What the crates' own manifests say of when their code runs.
fn natures(gathered: &Gathered) -> BTreeMap<usize, Nature> {
    let manifests = gathered.manifests.iter();
    manifests
        .map(|(node, manifest)| {
            let nature = Nature {
                proc_macro: manifest.proc_macro,
                build_script: !manifest.build_scripts.is_empty(),
                build_dependencies: manifest.build_dependencies.iter().cloned().collect(),
            };
            (*node, nature)
        })
        .collect()
}

/// Adds the models, data sets and services that the project names to its graph, and what sends their
/// downloads elsewhere to its facts.
pub fn name_models(walk: &mut Walk, policy: &Policy) -> (Attached, references::Discovery) {
    let stated = policy.models.iter().map(|model| Stated {
        id: model.id.clone(),
        revision: model.revision.clone(),
        location: model.location.clone(),
    });
    let discovery = references::in_project(walk, &stated.collect::<Vec<_>>());
    let mut attached = references::attach(&mut walk.graph, &discovery, &walk.declared.manifests);
    attached.packages = packages::attach(walk, &discovery.packages);
    walk.undetermined.extend(discovery.undetermined.iter().cloned());
    walk.project.add_hub_endpoints(&discovery.endpoints);
    (attached, discovery)
}

/// One case a node of the graph: its facts, its line, the way to it.
fn cases(
    walk: &Walk,
    sheets: Vec<FactSheet>,
    named: &Attached,
    gather: &collectors::Options,
) -> Vec<Case> {
    let ways = walk.graph.ways();
    let nodes = walk.graph.nodes.iter().zip(sheets).enumerate();
    nodes
        .map(|(index, (node, mut sheet))| {
            if let Some(lock) = walk.locks.get(&index) {
                sheet.put("lock", lock);
                sheet.put("exposure", &walk.exposure[&index]);
            }
            if let Some(reference) = named.references.get(&index) {
                sheet.put(references::GROUP, reference);
            }
            if let Some(service) = named.services.get(&index) {
                sheet.put(references::SERVICE_GROUP, service);
            }
            if let Some(package) = named.packages.nodes.get(&index) {
                sheet.put(packages::GROUP, package);
                about_package(&mut sheet, walk, named, index, gather);
            }
            let way = ways.to(index);
            let direct = way.get(1).copied().unwrap_or(index);
            Case {
                sheet,
                location: node.location.clone(),
                related: walk.graph.nodes[direct].declared.clone(),
                path: walk.graph.steps(&way),
            }
        })
        .collect()
}

/// What the pins and the cooldown of the project say of a package.
fn about_package(
    sheet: &mut FactSheet,
    walk: &Walk,
    named: &Attached,
    index: usize,
    gather: &collectors::Options,
) {
    use collectors::{cooldown, package_pins};
    if let Some(pins) = &gather.pins
        && let Some(now) = named.packages.pin(&walk.graph, index, gather.as_of)
    {
        sheet.put(package_pins::GROUP, &package_pins::package_pin_facts(pins, &now));
    }
    let age = named.packages.nodes.get(&index).and_then(|facts| facts.age_days);
    if let Some(policy) = &gather.cooldown
        && let Some(facts) = cooldown::package_cooldown(policy, &sheet.subject.name, age)
    {
        sheet.put(cooldown::GROUP, &facts);
    }
}

fn project_case(walk: &Walk, policy: &PolicyFacts, named: &Attached) -> Case {
    let mut sheet = FactSheet::new(walker::project_subject());
    sheet.put("project", &walk.project);
    if !named.packages.files.files.is_empty() {
        sheet.put(packages::FILES_GROUP, &named.packages.files);
    }
    sheet.put(POLICY_GROUP, policy);
    let location = Location::line(walk.lockfile.clone(), 1);
    Case { sheet, location, related: Vec::new(), path: Vec::new() }
}

/// What a report says of the audited thing beside findings.
struct Audited {
    prefix: String,
    project: Option<String>,
    /// The project's own crates: their code is the project's, and no source that it takes in.
    own: BTreeSet<Subject>,
    /// Crates that a manifest asks for and the lockfile does not list: cargo would add them.
    unlocked: BTreeSet<String>,
    subjects: Vec<SubjectEntry>,
    undetermined: Vec<Undetermined>,
    sources: Sources,
}

impl Audited {
    fn of(walk: Walk) -> Self {
        Self {
            prefix: walker::repository::prefix(&walk.root),
            project: project_name(&walk),
            own: own(&walk),
            unlocked: walk.declared.unlocked.clone(),
            subjects: subjects(&walk),
            undetermined: walk.undetermined,
            sources: walk.sources,
        }
    }
}

/// The only member's name, else the folder's.
fn project_name(walk: &Walk) -> Option<String> {
    let mut members = walk.graph.nodes.iter().filter(|node| node.member);
    match (members.next(), members.next()) {
        (Some(only), None) => Some(only.subject.name.clone()),
        _ => Some(walk.root.file_name()?.to_string_lossy().into_owned()),
    }
}

/// The crates that the project consists of: cargo takes every path below a workspace's root as a member.
/// A lockfile alone says no more than that they have no source.
fn own(walk: &Walk) -> BTreeSet<Subject> {
    let alone = walk.workspace.manifests.is_empty();
    let nodes = walk.graph.nodes.iter().enumerate().filter(|(index, node)| {
        node.member && (alone || walk.declared.manifests.contains_key(index))
    });
    nodes.map(|(_, node)| node.subject.clone()).collect()
}

fn assemble(
    request: &Request,
    audited: Audited,
    gathered: Gathered,
    judgement: Judgement,
    sheets: Vec<FactSheet>,
) -> Audit {
    let Judgement { findings, undetermined, signals, determined } = judgement;
    let mut ledger = questions::ledger(&audited, &sheets);
    let mut undetermined: Vec<Undetermined> =
        undetermined.into_iter().chain(audited.undetermined).chain(gathered.undetermined).collect();
    let mut coverage = ledger.coverage();
    if request.base.is_some() && nothing_to_look_at(&sheets) {
        // Then nothing is missing either.
        for (group, _) in collectors::groups() {
            coverage.entry(group.to_owned()).or_default();
        }
    }
    mark_required(&mut undetermined, &coverage, request);
    let idle = questions::policy(&mut ledger, &mut undetermined, request);
    undetermined.extend(ledger.undetermined());
    undetermined.sort();
    undetermined.dedup();
    let exit = exit_code(&findings, &ledger, request.fail_on);
    let unneeded = idle.into_iter().map(|name| {
        let name = crate::domain::text::shown(&name);
        format!("unread bytes of `{name}` are accepted, which has none or no longer may")
    });
    let warnings = gathered.warnings.into_iter().chain(unneeded).collect();
    let mut report = Report {
        project: audited.project,
        fail_on: request.fail_on,
        findings,
        undetermined,
        coverage,
        gaps: ledger.gaps(),
        subjects: audited.subjects,
        provenance: gathered.provenance,
        exit,
        ..one::empty(request.gather.as_of, "")
    };
    bases::add(&mut report.subjects, &sheets);
    if request.notes {
        notes::add(&mut report, &sheets, request);
    }
    let rules = request.ruleset.catalogue(RuleKind::Finding);
    Audit {
        report,
        sources: audited.sources,
        rules,
        signals,
        determined,
        prefix: audited.prefix,
        warnings,
        sheets,
    }
}

fn subjects(walk: &Walk) -> Vec<SubjectEntry> {
    let ids = identities(walk);
    let nodes = walk.graph.nodes.iter().enumerate();
    nodes
        .map(|(index, node)| SubjectEntry {
            runs_at_build: runs_at_build(walk, index),
            sha256: node.checksum.clone(),
            id: node.subject.purl().is_none().then(|| ids[index].clone()),
            depends_on: node
                .dependencies
                .iter()
                .map(|&index| ids[index].clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            ..SubjectEntry::of(node.subject.clone(), node.location.clone())
        })
        .collect()
}

/// What each node is called: its package URL, its name and version, or with its place, where two have both.
fn identities(walk: &Walk) -> Vec<String> {
    let names = walk.graph.nodes.iter().map(|node| bases::identity(&node.subject));
    let names: Vec<String> = names.collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        *counts.entry(name).or_default() += 1;
    }
    let nodes = walk.graph.nodes.iter().enumerate();
    nodes
        .map(|(index, node)| match counts[names[index].as_str()] {
            1 => names[index].clone(),
            _ if node.subject.purl().is_some() => names[index].clone(),
            _ => format!("{} ({}:{})", names[index], node.location.file, node.location.line),
        })
        .collect()
}

fn runs_at_build(walk: &Walk, node: usize) -> Option<bool> {
    walk.exposure.get(&node)?.runs_at_build.known().copied()
}

/// Whether no crate of a registry is new or other than in the base.
fn nothing_to_look_at(sheets: &[FactSheet]) -> bool {
    let of_registry = |subject: &Subject| {
        matches!(subject.origin, Origin::Registry | Origin::AlternativeRegistry { .. })
    };
    let update = |sheet: &FactSheet| group_of::<walker::delta::UpdateFacts>(sheet, "update");
    sheets.iter().filter(|sheet| of_registry(&sheet.subject)).all(|sheet| {
        matches!(update(sheet), Measured::Known(facts) if facts.kind == UpdateKind::Unchanged)
    })
}

/// A fact group that the policy requires and that is not known everywhere makes the run incomplete.
fn mark_required(
    undetermined: &mut Vec<Undetermined>,
    coverage: &BTreeMap<String, Coverage>,
    request: &Request,
) {
    for required in &request.policy.require {
        let group = &required.name;
        let complete = coverage.get(group).is_some_and(|c| c.known == c.of);
        if complete && !request.strict_unknown {
            continue;
        }
        let mut found = complete;
        for entry in undetermined.iter_mut() {
            if entry.what == *group || entry.what.starts_with(&format!("{group}.")) {
                entry.required = true;
                found = true;
            }
        }
        if !found {
            undetermined.push(Undetermined {
                subject: walker::project_subject(),
                what: group.clone(),
                file: None,
                reason: "the policy requires it, and it was not measured for every subject"
                    .to_owned(),
                required: true,
            });
        }
    }
    if request.strict_unknown {
        for entry in undetermined.iter_mut() {
            entry.required = true;
        }
    }
}

/// 1 findings at or above the level, 3 a required check could not run, 0 neither. Errors are 2 and
/// never get here.
fn exit_code(findings: &[Finding], ledger: &Ledger, fail_on: Option<Level>) -> u8 {
    if findings.iter().any(|finding| gates(finding, fail_on)) {
        1
    } else if ledger.is_incomplete() {
        3
    } else {
        0
    }
}

/// Whether a finding counts against the exit code.
fn gates(finding: &Finding, fail_on: Option<Level>) -> bool {
    finding.waived.is_none()
        && finding.change != Some(Change::Existing)
        && fail_on.is_some_and(|level| finding.level >= level)
}

/// Reads as "could not be measured" where a group is unknown as a whole.
#[must_use]
pub fn group_of<T: serde::de::DeserializeOwned>(sheet: &FactSheet, group: &str) -> Measured<T> {
    match sheet.facts.get(group) {
        None => Measured::unknown("it does not apply"),
        Some(value) => read(value),
    }
}

/// One field of a group: of a large one, that is much less to read. Unknown where the field or the group is.
fn field_of<T: serde::de::DeserializeOwned>(
    sheet: &FactSheet,
    group: &str,
    field: &str,
) -> Measured<T> {
    match sheet.facts.get(group) {
        None => Measured::unknown("it does not apply"),
        Some(value) => match value.get(field) {
            Some(field) => read(field),
            None => group_of(sheet, group),
        },
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> Measured<T> {
    serde_json::from_value(value.clone())
        .unwrap_or_else(|error| Measured::unknown(error.to_string()))
}
