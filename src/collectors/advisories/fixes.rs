//! Which version mends what an advisory says.

use rustsec::advisory::{Advisory, Informational};
use schemars::JsonSchema;
use semver::{Op, Version, VersionReq};
use serde::{Deserialize, Serialize};

/// How a version that an advisory does not affect is come by.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fix {
    /// `cargo update`: it is compatible with the locked one.
    Update,
    /// A requirement has to be changed: it is not compatible with the locked one.
    Upgrade,
    /// There is none.
    #[default]
    None,
}

/// Which versions of a crate a registry has, those yanked left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// These.
    Listed(Vec<Version>),
    /// Nobody knows: what the advisory says has to do.
    #[default]
    Unknown,
}

/// The version to take instead of `locked`; `all` are the advisories about the crate.
pub(super) fn find(
    one: &Advisory,
    all: &[Advisory],
    locked: &Version,
    versions: &Versions,
) -> (Fix, Option<Version>) {
    // A pre-release mends a pre-release only: cargo takes none for anything else.
    let mends = |v: &Version| {
        let mature = v.pre.is_empty() || !locked.pre.is_empty();
        v > locked && mature && !one.versions.is_vulnerable(v)
    };
    let mut above: Vec<Version> = match versions {
        Versions::Listed(versions) => versions.iter().filter(|v| mends(v)).cloned().collect(),
        Versions::Unknown => Vec::new(),
    };
    if above.is_empty() {
        // An index file on this machine may be older than the advisory.
        let said = one.versions.patched().iter().filter_map(lowest);
        above.extend(said.filter(mends));
    }
    above.sort();
    let clean =
        |v: &&Version| !all.iter().any(|other| counts(other) && other.versions.is_vulnerable(v));
    let compatible = |v: &&Version| is_compatible(locked, v);
    let update = above.iter().filter(compatible).find(clean);
    let update = update.or_else(|| above.iter().find(compatible));
    if let Some(version) = update {
        return (Fix::Update, Some(version.clone()));
    }
    match above.iter().find(clean).or(above.first()) {
        Some(version) => (Fix::Upgrade, Some(version.clone())),
        None => (Fix::None, None),
    }
}

/// Whether an advisory speaks against taking a version: that nobody maintains it holds for all.
fn counts(advisory: &Advisory) -> bool {
    !matches!(
        advisory.metadata.informational,
        Some(Informational::Unmaintained | Informational::Notice)
    )
}

/// Whether cargo takes one version for the other, by its default requirement.
fn is_compatible(locked: &Version, other: &Version) -> bool {
    VersionReq::parse(&format!("^{}.{}.{}", locked.major, locked.minor, locked.patch)).is_ok_and(
        |caret| caret.matches(&Version { pre: semver::Prerelease::EMPTY, ..other.clone() }),
    )
}

/// The version that a requirement begins with.
fn lowest(requirement: &VersionReq) -> Option<Version> {
    let begins = requirement.comparators.iter().find(|comparator| {
        matches!(comparator.op, Op::GreaterEq | Op::Caret | Op::Tilde | Op::Exact)
    })?;
    Some(Version {
        major: begins.major,
        minor: begins.minor.unwrap_or(0),
        patch: begins.patch.unwrap_or(0),
        pre: begins.pre.clone(),
        build: semver::BuildMetadata::EMPTY,
    })
}
