//! Group `family`: the older crates of the graph that a young crate came with.
//!
//! Authors split crates, and the parts are as new as those that an attacker makes. What tells them apart
//! is who asks for them: an older crate, released together with the young one, from a repository of the same
//! account or by the same people. A repository in a manifest proves nothing about the young crate alone; that
//! the older one depends on it does, since only those who publish the older one can say so. Measures; what it
//! is worth is for the rules.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::ManifestFacts;
use super::arrivals::{Kinship, kinship};
use super::custody::CustodyFacts;
use super::releases::ReleaseFacts;

/// Name of the group.
pub const GROUP: &str = "family";
/// A crate whose first release is at least this many days old is not asked about.
const YOUNG_DAYS: i64 = 180;
/// Most elders that are listed.
const LISTED: usize = 200;

/// The older crates that a young one came with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FamilyFacts {
    /// Crates of the graph that depend on this one and are known to be older, by name, at most 200. Empty
    /// where the crate's own first release is 180 days old or of unknown age. Source: Cargo.lock and the
    /// index.
    pub elders: Vec<Elder>,
}

/// An older crate that depends on a young one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Elder {
    /// Its name.
    pub name: String,
    /// Its version in the lockfile.
    pub version: String,
    /// Age of its first release in whole days. Source: the index.
    pub first_release_age_days: i64,
    /// Whole days between its release before and the locked one. Source: the index.
    pub gap_days_before: i64,
    /// Whole days between its locked release and that of the young crate. Source: the index.
    pub days_apart: i64,
    /// Both manifests are at hand and their `package.repository` is on the same host below the same account.
    pub same_account: bool,
    /// Both owner lists are known and have a login in common. Source: group `custody`.
    pub shared_owner: bool,
}

/// What is known of one crate of the graph.
#[derive(Clone, Copy, Debug)]
pub struct Relative<'a> {
    /// Name.
    pub name: &'a str,
    /// Version.
    pub version: &'a str,
    /// Its releases.
    pub releases: &'a ReleaseFacts,
    /// Its manifest, where its archive was read.
    pub manifest: Option<&'a ManifestFacts>,
    /// Its people, where anything is known of them.
    pub custody: Option<&'a CustodyFacts>,
}

/// Whether a crate is young enough to be asked about, by the age of its first release in days.
#[must_use]
pub fn is_young(first_release_age_days: i64) -> bool {
    first_release_age_days < YOUNG_DAYS
}

/// The older ones among `dependents`, the crates that depend on `young`.
#[must_use]
pub fn family(young: &Relative<'_>, dependents: &[Relative<'_>]) -> FamilyFacts {
    let mut elders: Vec<Elder> = dependents.iter().filter_map(|one| elder(young, one)).collect();
    elders.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    elders.truncate(LISTED);
    FamilyFacts { elders }
}

/// What makes `other` an elder, where all of that is known.
fn elder(young: &Relative<'_>, other: &Relative<'_>) -> Option<Elder> {
    let age = *other.releases.first_release_age_days.known()?;
    if age <= *young.releases.first_release_age_days.known()? {
        return None;
    }
    let moment = |one: &Relative<'_>| one.releases.published.known()?.parse::<Timestamp>().ok();
    let apart = moment(young)?.duration_since(moment(other)?).abs();
    let account = |one: &Relative<'_>| account_of(one.manifest?.repository.as_deref()?);
    Some(Elder {
        name: other.name.to_owned(),
        version: other.version.to_owned(),
        first_release_age_days: age,
        gap_days_before: *other.releases.gap_days_before.known()?,
        days_apart: apart.as_hours() / 24,
        same_account: account(young).is_some_and(|mine| account(other) == Some(mine)),
        shared_owner: kinship(young.custody, other.custody) == Kinship::Shared,
    })
}

/// Host and first part of the path of a web address, in lower case.
fn account_of(url: &str) -> Option<String> {
    let (_, rest) = url.trim().split_once("://")?;
    let mut parts = rest.split('/').filter(|part| !part.is_empty());
    let (host, account) = (parts.next()?, parts.next()?);
    Some(format!("{host}/{account}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Measured;

    fn releases(first: i64, gap: i64, published: &str) -> ReleaseFacts {
        ReleaseFacts {
            first_release_age_days: Measured::Known(first),
            gap_days_before: Measured::Known(gap),
            published: Measured::Known(published.to_owned()),
            ..ReleaseFacts::unknown("not needed here")
        }
    }

    fn manifest(repository: &str) -> ManifestFacts {
        ManifestFacts {
            declared_name: None,
            declared_version: None,
            declares_expected: true,
            build_scripts: Vec::new(),
            proc_macro: false,
            links: None,
            build_dependencies: Vec::new(),
            repository: Some(repository.to_owned()),
            license: None,
            authors: Vec::new(),
        }
    }

    fn relative<'a>(
        name: &'a str,
        releases: &'a ReleaseFacts,
        manifest: Option<&'a ManifestFacts>,
    ) -> Relative<'a> {
        Relative { name, version: "1.0.0", releases, manifest, custody: None }
    }

    #[test]
    fn a_part_that_was_split_off_has_an_elder_of_its_account() {
        let (new, old) =
            (releases(40, 3, "2026-11-01T10:00:00Z"), releases(2000, 30, "2026-11-01T10:20:00Z"));
        let (mine, same) = (
            manifest("https://example.invalid/a/b/tree/main/part"),
            manifest("https://example.invalid/A/b.git/"),
        );
        let facts =
            family(&relative("b-part", &new, Some(&mine)), &[relative("b", &old, Some(&same))]);
        let elder = &facts.elders[0];
        assert!(elder.same_account && !elder.shared_owner);
        assert_eq!((elder.days_apart, elder.gap_days_before), (0, 30));
    }

    #[test]
    fn what_is_not_known_makes_no_family() {
        let (new, old) =
            (releases(40, 3, "2026-11-01T10:00:00Z"), releases(2000, 30, "2026-09-01T10:20:00Z"));
        let mine = manifest("https://example.invalid/a/b");
        let unread = family(&relative("b-part", &new, Some(&mine)), &[relative("b", &old, None)]);
        assert!(!unread.elders[0].same_account);
        assert_eq!(unread.elders[0].days_apart, 60);
        let unknown = ReleaseFacts::unknown("offline");
        let nobody =
            family(&relative("b-part", &new, Some(&mine)), &[relative("b", &unknown, None)]);
        assert_eq!(nobody, FamilyFacts::default());
        let twin = releases(40, 3, "2026-11-01T10:00:00Z");
        assert_eq!(family(&relative("x", &new, None), &[relative("y", &twin, None)]).elders, []);
    }

    #[test]
    fn a_host_without_an_account_is_nobodys() {
        assert_eq!(account_of("https://example.invalid/"), None);
        assert_eq!(account_of("nonsense"), None);
        assert_eq!(
            account_of("https://example.invalid//A/b").as_deref(),
            Some("example.invalid/a")
        );
    }
}
