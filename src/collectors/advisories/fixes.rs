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

/// Somebody of the lock who needs the crate, and what they ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `name version` of who asks.
    pub by: String,
    /// The requirement, as written.
    pub requirement: String,
}

/// What cargo may choose from for one crate of a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Versions that the registry has.
    pub versions: Versions,
    /// What is asked for, by everybody who needs it; empty where that is not known of all of them: then the
    /// default requirement of the locked version is taken for what is asked.
    pub asked: Vec<Asked>,
}

/// The way out of an advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) fix: Fix,
    pub(super) version: Option<Version>,
    pub(super) held_by: Vec<String>,
}

/// Requirements that are told.
const HELD_LIMIT: usize = 8;

impl Choices {
    /// Whether the lock alone has to change for this version.
    fn allow(&self, locked: &Version, version: &Version) -> bool {
        if self.asked.is_empty() {
            return is_compatible(locked, version);
        }
        self.asked.iter().all(|asked| admits(&asked.requirement, locked, version))
    }

    /// Who keeps this version out.
    fn held_by(&self, locked: &Version, version: &Version) -> Vec<String> {
        let held = self.asked.iter().filter(|one| !admits(&one.requirement, locked, version));
        let told = held.map(|one| format!("{} ({})", one.by, one.requirement));
        let all: std::collections::BTreeSet<String> = told.collect();
        all.into_iter().take(HELD_LIMIT).collect()
    }
}

/// Whether a requirement admits a version. One that does not admit the locked version is not what locked it
/// (a patch, an override), and says nothing.
fn admits(requirement: &str, locked: &Version, version: &Version) -> bool {
    VersionReq::parse(requirement)
        .is_ok_and(|asked| asked.matches(version) || !asked.matches(locked))
}

/// The version to take instead of `locked`; `all` are the advisories about the crate.
pub(super) fn find(one: &Advisory, all: &[Advisory], locked: &Version, choices: &Choices) -> Found {
    // A pre-release mends a pre-release only: cargo takes none for anything else.
    let mends = |v: &Version| {
        let mature = v.pre.is_empty() || !locked.pre.is_empty();
        v > locked && mature && !one.versions.is_vulnerable(v)
    };
    let mut above: Vec<Version> = match &choices.versions {
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
    let allowed = |v: &&Version| choices.allow(locked, v);
    let update = above.iter().filter(allowed).find(clean);
    let update = update.or_else(|| above.iter().find(allowed));
    if let Some(version) = update {
        return Found { fix: Fix::Update, version: Some(version.clone()), held_by: Vec::new() };
    }
    match above.iter().find(clean).or(above.first()) {
        Some(version) => Found {
            fix: Fix::Upgrade,
            version: Some(version.clone()),
            held_by: choices.held_by(locked, version),
        },
        None => Found::default(),
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
