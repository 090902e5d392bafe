//! Group `publish_age`: whether a locked release is younger than cargo itself is told to let releases be.
//!
//! Cargo asks when it resolves, and keeps what is locked whatever its age: a lockfile that somebody made with
//! another configuration, or a change that brings one, is never looked at. The setting is that of the user and of
//! the base branch (`config::cargo_age`); what has no publish time is unknown, which cargo lets through.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{AgeSetting, Measured, Origin, PublishAges};

/// Name of the group.
pub const GROUP: &str = "publish_age";

/// How old a locked release is, measured against cargo's own setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishAgeFacts {
    /// Least age that cargo asks for of the release's registry, in hours, rounded up; 0 where it is switched off.
    /// Source: cargo's configuration.
    pub min_age_hours: Measured<i64>,
    /// Which key of which file or which variable says so; empty where none does for this registry.
    pub set_by: String,
    /// Age of the release at the end of the day of the audit, in whole hours. Source: the index's `pubtime`.
    pub age_hours: Measured<i64>,
    /// The release is younger than that.
    pub younger: Measured<bool>,
    /// Advisories that affect the release which it continues, and not this one: it mends them, and waiting would
    /// leave them open. Measured for young releases only, empty for the others. Source: the advisory database.
    pub mends: Measured<Vec<String>>,
}

/// Measures one locked release at a moment. What no registry published has no age, and cargo asks for none.
#[must_use]
pub fn publish_age_facts(
    ages: &PublishAges,
    origin: &Origin,
    published: &Measured<Timestamp>,
    now: Timestamp,
) -> Option<PublishAgeFacts> {
    let setting = match origin {
        Origin::Registry => ages.default_registry.as_ref(),
        Origin::AlternativeRegistry { index } => ages.registries.get(index),
        Origin::Git { .. }
        | Origin::Path
        | Origin::Hub
        | Origin::Local
        | Origin::PackageIndex { .. } => return None,
    };
    let none = AgeSetting { seconds: Ok(0), set_by: String::new() };
    let AgeSetting { seconds, set_by } = setting.or(ages.global.as_ref()).unwrap_or(&none);
    let least: Measured<i64> = match seconds {
        Ok(seconds) => Measured::Known(i64::try_from(*seconds).unwrap_or(i64::MAX)),
        Err(why) => Measured::Unknown(why.clone()),
    };
    let age = published.clone().map(|at| now.as_second().saturating_sub(at.as_second()));
    let younger = match (&least, &age) {
        (Measured::Known(0), _) => Measured::Known(false),
        (Measured::Known(least), Measured::Known(age)) => Measured::Known(age < least),
        (Measured::Unknown(why), _) | (_, Measured::Unknown(why)) => Measured::Unknown(why.clone()),
    };
    Some(PublishAgeFacts {
        min_age_hours: least.map(|seconds| seconds.saturating_add(3_599) / 3_600),
        set_by: set_by.clone(),
        age_hours: age.map(|seconds| seconds.div_euclid(3_600)),
        mends: match &younger {
            Measured::Known(false) => Measured::Known(Vec::new()),
            Measured::Known(true) => Measured::unknown("no advisory database was asked"),
            Measured::Unknown(why) => Measured::Unknown(why.clone()),
        },
        younger,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages() -> PublishAges {
        let age = |seconds| AgeSetting { seconds, set_by: "here".to_owned() };
        PublishAges {
            global: Some(age(Ok(7 * 86_400))),
            default_registry: None,
            registries: [("https://own.example.invalid/".to_owned(), age(Ok(0)))].into(),
        }
    }

    fn facts(ages: &PublishAges, origin: &Origin, published: &str) -> Option<PublishAgeFacts> {
        let published = published.parse::<Timestamp>().map_err(|_| "the index has no time").into();
        publish_age_facts(ages, origin, &published, "2026-03-14T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_release_is_too_young_until_the_very_second_and_a_missing_time_is_unknown() {
        let at = |published| facts(&ages(), &Origin::Registry, published).unwrap();
        assert_eq!(at("2026-03-07T12:00:01Z").younger, Measured::Known(true));
        assert_eq!(at("2026-03-07T12:00:00Z").younger, Measured::Known(false));
        assert_eq!(at("2026-03-07T12:00:01Z").min_age_hours, Measured::Known(168));
        assert!(at("").younger.known().is_none());
    }

    #[test]
    fn cargos_exemptions_are_ours() {
        let other = |index: &str| Origin::AlternativeRegistry { index: index.to_owned() };
        let at = "2026-03-14T11:00:00Z";
        let own = facts(&ages(), &other("https://own.example.invalid/"), at).unwrap();
        assert_eq!(own.younger, Measured::Known(false), "its own registry asks for none");
        assert_eq!(
            facts(&ages(), &other("https://else.invalid/"), at).unwrap().younger,
            Measured::Known(true)
        );
        assert_eq!(facts(&ages(), &Origin::Path, at), None);
        let named = PublishAges { global: None, ..ages() };
        assert_eq!(facts(&named, &Origin::Registry, at).unwrap().younger, Measured::Known(false));
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_unknown() {
        let mut ages = ages();
        ages.global =
            Some(AgeSetting { seconds: Err("no time span".to_owned()), set_by: String::new() });
        let facts = facts(&ages, &Origin::Registry, "2020-01-01T00:00:00Z").unwrap();
        assert!(facts.younger.known().is_none() && facts.mends.known().is_none());
    }
}
