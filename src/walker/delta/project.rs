//! What a change does to the project's own files: facts group `change`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Base;
use crate::domain::text::shown;
use crate::domain::{Measured, Sources};
use crate::walker::project::{PatchFact, ProjectFacts, Setting};

/// Most lines of the policy that are listed.
const LINES_LIMIT: usize = 200;

/// What a change does to the project's own files.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct ChangeFacts {
    /// What the project is compared with: a revision with its commit, or a file.
    pub base: String,
    /// The base has a lockfile. Without one every crate counts as new.
    pub base_has_lockfile: bool,
    /// Lines of the policy, its waivers, the baseline and the project's own rules that differ from
    /// the base; at most 200. Unknown where the base is given as a lockfile.
    pub policy_lines: Measured<Vec<PolicyLine>>,
    /// Programs and toolchain folders that cargo's configuration names and did not name in the base.
    pub programs_added: Measured<Vec<Setting>>,
    /// Compiler flags and variables that cargo's configuration sets and did not set in the base.
    pub flags_added: Measured<Vec<Setting>>,
    /// Sources, registries, `paths` and network settings that cargo's configuration sets and did not
    /// set in the base.
    pub sources_added: Measured<Vec<Setting>>,
    /// Places that set `HF_ENDPOINT` and did not in the base.
    pub hub_endpoints_added: Measured<Vec<Setting>>,
    /// `[patch]` and `[replace]` entries that are new, or put something else in the crate's place.
    pub patches_added: Measured<Vec<PatchFact>>,
    /// Folders of the base that are a link or a submodule now (`value`); at most 500. Unknown where the
    /// base is given as a lockfile.
    pub folders_replaced: Measured<Vec<Setting>>,
    /// Build scripts of the project's own crates that are new or have other bytes.
    pub build_scripts_changed: Measured<Vec<ScriptChange>>,
}

/// One line of a policy file that is not the same on both sides.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyLine {
    /// File, relative to the audited folder.
    pub path: String,
    /// Line, from 1: in this side's file, or where a removed line would stand in it.
    pub line: u32,
    /// `added` or `removed`.
    pub what: String,
    /// The line, shortened.
    pub text: String,
}

/// One build script that is not what it was.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScriptChange {
    /// File, relative to the audited folder.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// SHA-256 in the base; empty where it is new.
    pub sha256_before: String,
    /// First line that is not the same, from 1.
    pub line: u32,
}

/// One file that decides how the project is judged, on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// Its path, relative to the audited folder.
    pub path: String,
    /// Its text in the base, where it is there.
    pub before: Option<String>,
    /// Its text on this side, where it is there.
    pub after: Option<String>,
}

/// Compares the project's own files with those of the base.
#[must_use]
pub fn changes(
    base: &Base,
    project: &ProjectFacts,
    sources: &Sources,
    policy: Measured<&[PolicyFile]>,
    replaced: Measured<Vec<Setting>>,
) -> ChangeFacts {
    let before = base.project.as_ref();
    let added = |lists: &dyn Fn(&ProjectFacts) -> Vec<Setting>| {
        before.clone().map(|before| settings_added(lists(before), lists(project)))
    };
    ChangeFacts {
        base: base.label.clone(),
        base_has_lockfile: base.lockfile,
        policy_lines: policy.map(policy_lines),
        programs_added: added(&|p| [&p.programs[..], &p.toolchain_paths, &p.aliases].concat()),
        flags_added: added(&|p| [&p.flags[..], &p.environment].concat()),
        sources_added: added(&|p| {
            [&p.source_replacements[..], &p.network, &p.path_overrides].concat()
        }),
        hub_endpoints_added: added(&|p| p.hub_endpoints.clone()),
        patches_added: before.clone().map(|before| patches_added(before, project)),
        folders_replaced: replaced,
        build_scripts_changed: before.map(|before| {
            let first_line = |path: &str| first_changed_line(path, &base.sources, sources);
            scripts_changed(before, project, &first_line)
        }),
    }
}

fn settings_added(before: Vec<Setting>, now: Vec<Setting>) -> Vec<Setting> {
    let before: BTreeSet<(String, String, String)> =
        before.into_iter().map(|s| (s.path, s.name, s.value)).collect();
    let key = |s: &Setting| (s.path.clone(), s.name.clone(), s.value.clone());
    now.into_iter().filter(|setting| !before.contains(&key(setting))).collect()
}

fn patches_added(before: &ProjectFacts, now: &ProjectFacts) -> Vec<PatchFact> {
    let key = |p: &PatchFact| (p.name.clone(), p.of.clone(), p.source.clone(), p.value.clone());
    let before: BTreeSet<_> = before.patches.iter().map(key).collect();
    now.patches.iter().filter(|patch| !before.contains(&key(patch))).cloned().collect()
}

fn scripts_changed(
    before: &ProjectFacts,
    now: &ProjectFacts,
    first_line: &dyn Fn(&str) -> u32,
) -> Vec<ScriptChange> {
    let before: BTreeMap<&str, &str> =
        before.build_scripts.iter().map(|file| (&*file.path, &*file.sha256)).collect();
    now.build_scripts
        .iter()
        .filter(|file| before.get(&*file.path) != Some(&&*file.sha256))
        .map(|file| ScriptChange {
            path: file.path.clone(),
            size: file.size,
            sha256: file.sha256.clone(),
            sha256_before: before.get(&*file.path).map(|&s| s.to_owned()).unwrap_or_default(),
            line: first_line(&file.path),
        })
        .collect()
}

/// Where a file is first other than in the base, from 1; what only lost lines at its end, at its end.
fn first_changed_line(path: &str, before: &Sources, now: &Sources) -> u32 {
    let text = |sources: &Sources| sources.text(path).map(str::to_owned);
    let file = PolicyFile { path: path.to_owned(), before: text(before), after: text(now) };
    lines_of(&file).first().map_or(1, |line| line.line)
}

fn policy_lines(files: &[PolicyFile]) -> Vec<PolicyLine> {
    files.iter().flat_map(lines_of).take(LINES_LIMIT).collect()
}

/// The lines between what both sides start with and what both end with.
pub(super) fn lines_of(file: &PolicyFile) -> Vec<PolicyLine> {
    let lines = |text: &Option<String>| -> Vec<String> {
        text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
    };
    let (before, after) = (lines(&file.before), lines(&file.after));
    let common = |pairs: &mut dyn Iterator<Item = (&String, &String)>| {
        pairs.take_while(|(a, b)| a == b).count()
    };
    let head = common(&mut before.iter().zip(&after));
    let tail = common(&mut before[head..].iter().rev().zip(after[head..].iter().rev()));
    let line = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    let told = |at: u32, what: &str, text: &str| PolicyLine {
        path: file.path.clone(),
        line: at,
        what: what.to_owned(),
        text: shown(text.trim()),
    };
    let first = line(head.min(after.len().saturating_sub(1)));
    let gone = before[head..before.len() - tail].iter().map(|text| told(first, "removed", text));
    let new = after[head..after.len() - tail]
        .iter()
        .enumerate()
        .map(|(index, text)| told(line(head + index), "added", text));
    let blank = |line: &PolicyLine| !line.text.is_empty();
    new.chain(gone).filter(blank).collect()
}
