//! Group `cooldown`: whether a locked release is younger than the project lets releases be.
//!
//! The meaning is that of Cargo's `registry.global-min-publish-age` and of the values per registry that
//! go before it: the age between publish and use, 0 switches it off, and what has no publish time is
//! unknown and neither young nor old. The ages come from the policy; nothing is read here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Measured, Origin};

/// Name of the group.
pub const GROUP: &str = "cooldown";

/// What the policy asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CooldownPolicy {
    /// Least age for every registry without its own, in hours; 0 switches it off.
    pub global_hours: u32,
    /// Registry, by the index URL that lockfiles have or by `default`, to its own least age in hours.
    pub registries: BTreeMap<String, u32>,
    /// Packages that are exempt, with the reason.
    pub exempt: BTreeMap<String, String>,
}

/// Key of the default registry in [`CooldownPolicy::registries`].
pub const DEFAULT_REGISTRY: &str = "default";

/// How old the locked release is, measured against the project's own cooldown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CooldownFacts {
    /// Least age that the policy asks for, in hours; 0 where it is switched off. Source: custody.toml.
    pub min_age_hours: u32,
    /// Age of the release at the moment of the audit, in whole hours. Source: the index's `pubtime`.
    pub age_hours: Measured<i64>,
    /// The release is younger than the policy asks for, exempt or not.
    pub younger: Measured<bool>,
    /// The policy exempts this package.
    pub exempt: bool,
    /// Why it does; empty where it does not. Source: custody.toml.
    pub exempt_reason: String,
}

/// Measures one package of Python or npm by the day of its upload, which is all that a lock tells: the global
/// age counts, and a whole day is 24 hours.
#[must_use]
pub fn package_cooldown(
    policy: &CooldownPolicy,
    name: &str,
    age_days: Option<i64>,
) -> Option<CooldownFacts> {
    let min_age_hours = policy.global_hours;
    if min_age_hours == 0 {
        return None;
    }
    let age_hours = age_days.map_or_else(
        || Measured::unknown("the lock does not tell the day of the upload"),
        |days| Measured::Known(days.saturating_mul(24)),
    );
    let reason = policy.exempt.get(name);
    Some(CooldownFacts {
        min_age_hours,
        younger: age_hours.as_ref().map(|hours| *hours < i64::from(min_age_hours)),
        age_hours,
        exempt: reason.is_some(),
        exempt_reason: reason.cloned().unwrap_or_else(String::new),
    })
}

/// Measures one locked package at a moment. Packages that no registry published have no cooldown.
#[must_use]
pub fn cooldown_facts(
    policy: &CooldownPolicy,
    name: &str,
    origin: &Origin,
    published: &Measured<Timestamp>,
    now: Timestamp,
) -> Option<CooldownFacts> {
    let registry = match origin {
        Origin::Registry => DEFAULT_REGISTRY,
        Origin::AlternativeRegistry { index } => index,
        Origin::Git { .. }
        | Origin::Path
        | Origin::Hub
        | Origin::Local
        | Origin::PackageIndex { .. } => return None,
    };
    let min_age_hours = policy.registries.get(registry).copied().unwrap_or(policy.global_hours);
    let age = published.clone().map(|at| now.as_second().saturating_sub(at.as_second()));
    let least = i64::from(min_age_hours) * 3600;
    Some(CooldownFacts {
        min_age_hours,
        age_hours: age.clone().map(|seconds| seconds.div_euclid(3600)),
        younger: if min_age_hours == 0 {
            Measured::Known(false)
        } else {
            age.map(|seconds| seconds < least)
        },
        exempt: policy.exempt.contains_key(name),
        exempt_reason: policy.exempt.get(name).cloned().unwrap_or_else(String::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(hours: u32, published: &str, name: &str) -> CooldownFacts {
        let policy = CooldownPolicy {
            global_hours: hours,
            registries: BTreeMap::from([("https://index.example.invalid/".to_owned(), 0)]),
            exempt: BTreeMap::from([("ours".to_owned(), "we publish it ourselves".to_owned())]),
        };
        let published = published.parse::<Timestamp>().map_err(|_| "no publish time").into();
        let now = "2026-03-14T12:00:00Z".parse().unwrap();
        cooldown_facts(&policy, name, &Origin::Registry, &published, now).unwrap()
    }

    #[test]
    fn a_release_is_young_until_the_very_second() {
        assert_eq!(facts(72, "2026-03-11T12:00:01Z", "x").younger, Measured::Known(true));
        assert_eq!(facts(72, "2026-03-11T12:00:00Z", "x").younger, Measured::Known(false));
        assert_eq!(facts(72, "2026-03-11T12:00:01Z", "x").age_hours, Measured::Known(71));
        assert_eq!(facts(72, "2026-03-15T12:00:00Z", "x").younger, Measured::Known(true));
    }

    #[test]
    fn switched_off_is_never_young_and_no_publish_time_is_unknown() {
        assert_eq!(facts(0, "2026-03-14T11:59:00Z", "x").younger, Measured::Known(false));
        assert!(facts(72, "", "x").younger.known().is_none());
        assert_eq!(facts(0, "", "x").younger, Measured::Known(false));
    }

    #[test]
    fn an_exemption_is_told_with_its_reason_and_hides_nothing() {
        let facts = facts(72, "2026-03-14T11:00:00Z", "ours");
        assert!(facts.exempt && facts.younger == Measured::Known(true));
        assert_eq!(facts.exempt_reason, "we publish it ourselves");
    }

    #[test]
    fn a_registry_has_its_own_age_and_git_has_none() {
        let policy = CooldownPolicy {
            global_hours: 72,
            registries: BTreeMap::from([("https://index.example.invalid/".to_owned(), 24)]),
            exempt: BTreeMap::new(),
        };
        let now: Timestamp = "2026-03-14T12:00:00Z".parse().unwrap();
        let published = Measured::Known("2026-03-13T00:00:00Z".parse().unwrap());
        let other = |index: &str| Origin::AlternativeRegistry { index: index.to_owned() };
        let of = |origin: &Origin| cooldown_facts(&policy, "x", origin, &published, now);
        assert_eq!(of(&other("https://index.example.invalid/")).unwrap().min_age_hours, 24);
        assert_eq!(of(&other("https://else.example.invalid/")).unwrap().min_age_hours, 72);
        assert_eq!(of(&Origin::Path), None);
    }
}
