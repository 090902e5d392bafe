//! Group `arrivals`: what is known of the crates that a release depends on and the one before it did not.
//!
//! Joins what other groups say of two crates, the one that gains and the one that is gained: the index's
//! dependencies, owners, names, manifests. Pure; an arrival that the lockfile does not have is listed
//! with what its name and the index tell. Measures; whether an arrival is a hijack is for the rules.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::ManifestFacts;
use super::custody::CustodyFacts;
use super::names::NameFacts;
use super::releases::{NewDependency, ReleaseFacts};
use crate::domain::Measured;

/// Name of the group.
pub const GROUP: &str = "arrivals";

/// The crates that a release newly depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArrivalFacts {
    /// One entry a new dependency, in the order of `releases.new_dependencies`; at most 2,000.
    pub list: Measured<Vec<Arrival>>,
}

/// Whether two crates have an owner in common.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kinship {
    /// At least one login owns both.
    Shared,
    /// Both owner lists are known and have nobody in common.
    Others,
    /// One of the owner lists is not known.
    Unknown,
}

/// One crate that a release newly depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Arrival {
    /// Its name. Source: the index line of the release.
    pub name: String,
    /// `normal` or `build`. Source: the index line of the release.
    pub kind: String,
    /// Age of its first version when the release was published, in whole days. Source: both index files.
    pub first_published_age_days: Measured<i64>,
    /// The names suggest one family. Anybody can choose a name: see `owners`.
    pub sibling: bool,
    /// An earlier release already depended on it. Source: the index.
    pub seen_before: bool,
    /// The lockfile has it.
    pub in_graph: bool,
    /// Version that the lockfile has.
    pub version: Measured<String>,
    /// Whether it has an owner in common with the crate that gains it: `shared`, `others`, `unknown`.
    /// Source: the owner lists of group `custody`.
    pub owners: Kinship,
    /// Better-known names that it resembles, without those that it shares an owner with. Source: group
    /// `names`.
    pub look_alike_of: Vec<String>,
    /// It has a build script or is a procedural macro: its code runs when the project is built. Source:
    /// the manifest in its archive.
    pub runs_at_build: Measured<bool>,
    /// Login that published the locked version; empty where a trusted workflow did. A string of
    /// strangers. Source: group `custody`.
    pub published_by: Measured<String>,
    /// Age in days of that account when it published it. Source: group `custody`.
    pub publisher_account_age_days: Measured<i64>,
}

/// What the other groups say of an arrival that the lockfile has.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Version.
    pub version: &'a str,
    /// Its people, where anything is known of them.
    pub custody: Option<&'a CustodyFacts>,
    /// Its manifest, where its archive was read.
    pub manifest: Option<&'a ManifestFacts>,
}

/// Joins what is known of every new dependency of one crate. `custody` is that of the crate that gains
/// them; `find` gives what the lockfile has of an arrival, and what its name resembles.
#[must_use]
pub fn arrivals<'a>(
    releases: &ReleaseFacts,
    custody: Option<&CustodyFacts>,
    find: &dyn Fn(&str) -> (Option<Arrived<'a>>, NameFacts),
) -> ArrivalFacts {
    let list = releases.new_dependencies.as_ref().map(|all| {
        all.iter()
            .map(|dependency| {
                let (arrived, names) = find(&dependency.name);
                arrival(dependency, custody, arrived, &names)
            })
            .collect()
    });
    ArrivalFacts { list }
}

fn arrival(
    dependency: &NewDependency,
    gainer: Option<&CustodyFacts>,
    arrived: Option<Arrived<'_>>,
    names: &NameFacts,
) -> Arrival {
    let people = arrived.and_then(|one| one.custody);
    let absent = || match arrived {
        Some(_) => "nothing is known of who publishes it",
        None => "the lockfile does not have it",
    };
    let (published_by, account_age) = match people {
        Some(custody) => (custody.published_by.clone(), custody.publisher_account_age_days.clone()),
        None => (Measured::unknown(absent()), Measured::unknown(absent())),
    };
    let strangers = names.look_alikes.iter().filter(|one| one.owners != Kinship::Shared);
    Arrival {
        name: dependency.name.clone(),
        kind: dependency.kind.clone(),
        first_published_age_days: dependency.first_published_age_days.clone(),
        sibling: dependency.sibling,
        seen_before: dependency.seen_before,
        in_graph: arrived.is_some(),
        version: match arrived {
            Some(one) => Measured::Known(one.version.to_owned()),
            None => Measured::unknown(absent()),
        },
        owners: kinship(gainer, people),
        look_alike_of: strangers.map(|one| one.of.clone()).collect(),
        runs_at_build: match arrived {
            None => Measured::unknown(absent()),
            Some(Arrived { manifest: None, .. }) => Measured::unknown("its archive was not read"),
            Some(Arrived { manifest: Some(manifest), .. }) => {
                Measured::Known(manifest.runs_at_build())
            }
        },
        published_by,
        publisher_account_age_days: account_age,
    }
}

/// Whether two crates have an owner in common.
pub(super) fn kinship(a: Option<&CustodyFacts>, b: Option<&CustodyFacts>) -> Kinship {
    let logins = |facts: Option<&CustodyFacts>| {
        let owners = facts?.owners.known()?;
        Some(owners.iter().map(|owner| owner.login.clone()).collect::<BTreeSet<String>>())
    };
    match (logins(a), logins(b)) {
        (Some(a), Some(b)) if a.is_disjoint(&b) => Kinship::Others,
        (Some(_), Some(_)) => Kinship::Shared,
        _ => Kinship::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::collectors::custody::{custody_facts, timeline};
    use crate::collectors::names::{NameChecks, Prepared};

    fn dependency(name: &str, age: i64) -> NewDependency {
        NewDependency {
            name: name.to_owned(),
            requirement: "^1".to_owned(),
            kind: "normal".to_owned(),
            optional: false,
            other_registry: false,
            first_published: Measured::unknown("not needed here"),
            first_published_age_days: Measured::Known(age),
            sibling: false,
            seen_before: false,
        }
    }

    fn names(name: &str) -> NameFacts {
        let graph = ["quiet-array", name];
        let checks = NameChecks::new(Prepared::embedded(), graph);
        checks.measure(name, &|_| Measured::unknown("not asked"))
    }

    fn of(file: &str, name: &str, version: &str) -> CustodyFacts {
        let timelines = timeline::all();
        let one = timelines[file].crates.iter().find(|one| one.name == name).unwrap();
        custody_facts(&one.history(), version, date(2026, 8, 21))
    }

    #[test]
    fn an_arrival_carries_its_name_its_people_and_what_it_runs() {
        let gainer = of("arrayref", "quiet-array", "0.3.10");
        let newborn = of("arrayref", "macro-one", "1.0.107");
        let manifest = ManifestFacts {
            declared_name: None,
            declared_version: None,
            declares_expected: true,
            build_scripts: vec!["build.rs".to_owned()],
            proc_macro: false,
            links: None,
            build_dependencies: Vec::new(),
            repository: None,
            license: None,
            authors: Vec::new(),
        };
        let releases = ReleaseFacts {
            new_dependencies: Measured::Known(vec![dependency("proc-macro1", 0)]),
            ..ReleaseFacts::unknown("not needed here")
        };
        let find = |name: &str| {
            let arrived =
                Arrived { version: "1.0.107", custody: Some(&newborn), manifest: Some(&manifest) };
            (Some(arrived), names(name))
        };
        let facts = arrivals(&releases, Some(&gainer), &find);
        let one = &facts.list.known().unwrap()[0];
        assert_eq!(one.look_alike_of, ["proc-macro2"]);
        assert_eq!(one.owners, Kinship::Others);
        assert_eq!(one.runs_at_build, Measured::Known(true));
        assert_eq!(one.publisher_account_age_days, Measured::Known(2));
    }

    #[test]
    fn an_arrival_that_is_not_locked_is_unknown_and_not_harmless() {
        let releases = ReleaseFacts {
            new_dependencies: Measured::Known(vec![dependency("zzz-odd-name", 0)]),
            ..ReleaseFacts::unknown("not needed here")
        };
        let facts = arrivals(&releases, None, &|name| (None, names(name)));
        let one = &facts.list.known().unwrap()[0];
        assert!(!one.in_graph && one.owners == Kinship::Unknown);
        assert!(one.runs_at_build.known().is_none() && one.published_by.known().is_none());
        let none = arrivals(&ReleaseFacts::unknown("offline"), None, &|name| (None, names(name)));
        assert_eq!(none.list, Measured::unknown("offline"));
    }
}
