//! Everything that the index of npm says of a package: versions, when they came, and how.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::facts::PackageIndexFacts;
use super::{Question, days};
use crate::domain::Measured;

#[derive(Deserialize)]
struct Package {
    // Without both it is no answer about a package.
    time: BTreeMap<String, Value>,
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    scripts: BTreeMap<String, Value>,
    has_install_script: Option<bool>,
    deprecated: Option<Value>,
    #[serde(default)]
    dist: Value,
}

impl Version {
    fn attested(&self) -> bool {
        self.dist.get("attestations").is_some_and(Value::is_object)
    }

    fn installs(&self) -> bool {
        let named = ["preinstall", "install", "postinstall"];
        self.has_install_script == Some(true)
            || named.iter().any(|name| self.scripts.contains_key(*name))
    }
}

pub(super) fn measure(question: &Question<'_>, bytes: &[u8]) -> PackageIndexFacts {
    let package: Package = match serde_json::from_slice(bytes) {
        Ok(package) => package,
        Err(error) => return PackageIndexFacts::unknown(&format!("no package of npm: {error}")),
    };
    let mut facts = PackageIndexFacts::unknown("the index does not tell it");
    let age = |version: &str| {
        package.time.get(version).and_then(Value::as_str).and_then(|at| days(at, question.as_of))
    };
    facts.project_status = Measured::Known(String::new());
    let dated =
        package.versions.iter().filter_map(|(name, version)| Some((age(name)?, name, version)));
    let mut dated: Vec<(i64, &String, &Version)> = dated.filter(|(age, ..)| *age >= 0).collect();
    // Oldest first; of one day by the moment itself.
    let moment = |name: &str| package.time.get(name).and_then(Value::as_str).unwrap_or_default();
    dated.sort_by(|a, b| (moment(a.1), a.1).cmp(&(moment(b.1), b.1)));
    facts.first_days = dated.first().map_or(facts.first_days, |(age, ..)| Measured::Known(*age));
    let Some(at) = dated.iter().position(|(_, name, _)| *name == question.version) else {
        facts.status = Measured::Known("version-missing".to_owned());
        return facts;
    };
    let (age, _, version) = dated[at];
    facts.status = Measured::Known("found".to_owned());
    facts.version_days = Measured::Known(age);
    let deprecated = version.deprecated.as_ref();
    facts.withdrawn = Measured::Known(deprecated.is_some_and(|why| {
        why.as_str().is_none_or(|why| !why.is_empty()) && *why != Value::Bool(false)
    }));
    facts.attested = Measured::Known(version.attested());
    let before = &dated[..at];
    facts.attested_before = Measured::Known(before.iter().any(|(.., older)| older.attested()));
    facts.install_script_new = Measured::Known(
        version.installs() && before.last().is_some_and(|(.., older)| !older.installs()),
    );
    facts.startup_files = Measured::unknown("packages of npm have none");
    facts.startup_files_new = Measured::unknown("packages of npm have none");
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(version: &str, day: i8) -> PackageIndexFacts {
        let attested = json!({"attestations": {"url": "x"}});
        let package = json!({
            "time": {"created": "2020-01-01T00:00:00Z", "1.0.0": "2026-10-01T00:00:00Z",
                     "1.0.1": "2026-11-01T00:00:00Z", "1.0.2": "2026-11-20T00:00:00Z"},
            "versions": {
                "1.0.0": {"dist": attested, "scripts": {"test": "x"}},
                "1.0.1": {"dist": attested, "deprecated": "use 2"},
                "1.0.2": {"dist": {}, "scripts": {"postinstall": "node a.js"}}
            }
        });
        let as_of = jiff::civil::date(2026, 11, day);
        let question = Question { name: "x", version, as_of };
        measure(&question, package.to_string().as_bytes())
    }

    #[test]
    fn a_release_by_token_with_a_new_script_is_told_from_the_ones_before() {
        let last = facts("1.0.2", 23);
        assert_eq!(
            (last.attested, last.attested_before),
            (Measured::Known(false), Measured::Known(true))
        );
        assert_eq!(last.install_script_new, Measured::Known(true));
        assert_eq!((last.first_days, last.version_days), (Measured::Known(53), Measured::Known(3)));
        let before = facts("1.0.1", 23);
        assert_eq!(
            (before.attested, before.withdrawn),
            (Measured::Known(true), Measured::Known(true))
        );
        assert_eq!(before.install_script_new, Measured::Known(false));
    }

    #[test]
    fn what_came_after_the_day_is_not_there_and_noise_is_unknown() {
        assert_eq!(facts("1.0.2", 10).status, Measured::Known("version-missing".to_owned()));
        let question = Question { name: "x", version: "1", as_of: jiff::civil::date(2026, 1, 1) };
        for noise in [&b"[]"[..], b"{\"versions\": 3}", b"{", b"null"] {
            assert!(measure(&question, noise).status.known().is_none());
        }
    }
}
