//! What an update does to a crate beyond its lockfile entry: groups `update_bytes` (its files against
//! those of the version that the base locks) and `update_gains` (what its build-time code can do now and
//! could not, and who published the two versions).
//!
//! Compares what other collectors measured of both versions. Measures; whether a gain is one too many is
//! for the rules.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::archive::{self, ArchiveFacts};
use super::build_code::{self, BuildFacts};
use super::custody::{self, CustodyFacts};
use crate::domain::fact::unknown_reason;
use crate::domain::{FactSheet, Measured};

/// Group of the comparison of files, of the same shape as `window`.
pub const BYTES: &str = "update_bytes";
/// Group of what was gained and lost.
pub const GAINS: &str = "update_gains";

/// What an update gains and loses.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct GainFacts {
    /// What code that runs at build time can do in this version and could not in the base's, in the
    /// words of `build.capability_names`. Source: both archives.
    pub capabilities_gained: Measured<Vec<String>>,
    /// What it could do and cannot any more.
    pub capabilities_lost: Measured<Vec<String>>,
    /// Programs that it can start now and could not, in the words of `build.programs`.
    pub programs_gained: Measured<Vec<String>>,
    /// It runs at build time now and did not.
    pub build_code_gained: Measured<bool>,
    /// Who published the base's version: a login, or `a workflow`.
    pub publisher_before: Measured<String>,
    /// Who published this version.
    pub publisher: Measured<String>,
    /// The two are not the same account. False where both were published by a workflow.
    pub publisher_changed: Measured<bool>,
    /// The base's version was published by a trusted workflow and this one by an account.
    pub trusted_publishing_lost: Measured<bool>,
    /// `package.repository` of the base's version, without scheme, `.git` and a slash at the end, in
    /// lower case; empty where it declares none. Source: the manifest in its archive.
    pub repository_before: Measured<String>,
    /// The same of this version.
    pub repository: Measured<String>,
}

/// Compares the sheets of the base's version and of this one.
#[must_use]
pub fn gains(before: &FactSheet, now: &FactSheet) -> GainFacts {
    let build = both::<BuildFacts>(before, now, build_code::GROUP);
    let names = |facts: &BuildFacts| -> BTreeSet<String> {
        facts.capability_names.iter().map(word).collect()
    };
    let programs = |facts: &BuildFacts| facts.programs.iter().cloned().collect();
    let (old, new) = (publisher(before), publisher(now));
    let both_known =
        old.as_ref().and_then(|old| new.as_ref().map(|new| (old.clone(), new.clone())));
    GainFacts {
        capabilities_gained: build.as_ref().map(|(a, b)| less(&names(b), &names(a))),
        capabilities_lost: build.as_ref().map(|(a, b)| less(&names(a), &names(b))),
        programs_gained: build.as_ref().map(|(a, b)| less(&programs(b), &programs(a))),
        build_code_gained: build.and_then(|(a, b)| {
            a.runs_at_build.and_then(|before| b.runs_at_build.map(|now| now && !before))
        }),
        publisher_changed: both_known.clone().map(|(old, new)| old != new),
        trusted_publishing_lost: both_known.map(|(old, new)| old.workflow && !new.workflow),
        repository_before: repository(before),
        repository: repository(now),
        publisher_before: old.map(|publisher| publisher.name),
        publisher: new.map(|publisher| publisher.name),
    }
}

/// A capability as it is written in facts.
fn word<T: Serialize>(capability: &T) -> String {
    match serde_json::to_value(capability) {
        Ok(serde_json::Value::String(word)) => word,
        other => format!("{other:?}"),
    }
}

fn less(all: &BTreeSet<String>, without: &BTreeSet<String>) -> Vec<String> {
    all.difference(without).cloned().collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Publisher {
    name: String,
    workflow: bool,
}

fn publisher(sheet: &FactSheet) -> Measured<Publisher> {
    read::<CustodyFacts>(sheet, custody::GROUP).and_then(|facts| {
        facts.published_by_workflow.and_then(|workflow| {
            facts.published_by.map(|login| {
                let name = if workflow { "a workflow".to_owned() } else { login };
                Publisher { name, workflow }
            })
        })
    })
}

/// The repository that the manifest in an archive declares, in a form that can be compared.
fn repository(sheet: &FactSheet) -> Measured<String> {
    read::<ArchiveFacts>(sheet, archive::GROUP).and_then(|facts| facts.manifest).map(|manifest| {
        let declared = manifest.repository.unwrap_or_default().to_lowercase();
        let bare = declared.split_once("://").map_or(declared.as_str(), |(_, rest)| rest);
        bare.trim_end_matches('/').trim_end_matches(".git").to_owned()
    })
}

fn both<T: DeserializeOwned>(before: &FactSheet, now: &FactSheet, group: &str) -> Measured<(T, T)> {
    let new = read(now, group);
    let old = read(before, group);
    old.and_then(|old| new.map(|new| (old, new)))
}

fn read<T: DeserializeOwned>(sheet: &FactSheet, group: &str) -> Measured<T> {
    let Some(value) = sheet.facts.get(group) else {
        return Measured::unknown(format!("`{group}` of {} was not measured", sheet.subject));
    };
    match unknown_reason(value) {
        Some(reason) => Measured::unknown(format!("{}: {reason}", sheet.subject)),
        None => serde_json::from_value(value.clone()).into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Subject;

    fn sheet(version: &str) -> FactSheet {
        FactSheet::new(Subject::registry_crate("codec", version))
    }

    #[test]
    fn what_was_not_measured_on_one_side_is_unknown_and_names_the_version() {
        let mut now = sheet("2.0.0");
        now.put("build", &json!({"$unknown": "no archive"}));
        let facts = gains(&sheet("1.0.0"), &now);
        assert_eq!(
            facts.capabilities_gained,
            Measured::unknown("`build` of codec 1.0.0 was not measured")
        );
        assert!(facts.publisher_changed.known().is_none());
    }

    #[test]
    fn a_repository_is_compared_without_its_trimmings() {
        let of = |declared: &str| {
            let mut sheet = sheet("1.0.0");
            let mut facts: ArchiveFacts = serde_json::from_str::<serde_json::Value>(include_str!(
                "../../fixtures/facts/itoa-1.0.19.json"
            ))
            .and_then(|sheet| serde_json::from_value(sheet["facts"][archive::GROUP].clone()))
            .unwrap();
            if let Measured::Known(manifest) = &mut facts.manifest {
                manifest.repository = Some(declared.to_owned());
            }
            sheet.put(archive::GROUP, &facts);
            repository(&sheet)
        };
        let plain = Measured::Known("example.invalid/a/b".to_owned());
        assert_eq!(of("https://Example.invalid/a/b.git"), plain);
        assert_eq!(of("git://example.invalid/a/b/"), plain);
        assert!(repository(&sheet("1.0.0")).known().is_none());
    }

    #[test]
    fn differences_are_those_of_the_sets() {
        let set = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        assert_eq!(less(&set(&["network", "process"]), &set(&["process"])), ["network"]);
        assert!(less(&set(&["a"]), &set(&["a", "b"])).is_empty());
    }
}
