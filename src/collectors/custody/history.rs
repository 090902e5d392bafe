//! What is known of who could publish a crate, by whom it was said, and when.
//!
//! Each source (dump, slim file, API, pins) gives one [`CrateCustody`], dated; a [`History`] holds all
//! of them and answers every question from the freshest that knows it. Two of them from different days
//! show what no single one can: an owner who is gone. Plain data, pure functions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

/// Who gave an answer.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// The project's own pins: what was accepted on that day.
    Pin,
    /// The registry's API.
    Api,
    /// An extract of a dump for one graph.
    Slim,
    /// The registry's whole dump.
    Dump,
}

impl SourceKind {
    /// The word in facts and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Api => "registry API",
            Self::Slim => "slim file",
            Self::Dump => "dump",
        }
    }
}

/// Who gave an answer, and of which day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The moment that the answer describes.
    pub taken: Timestamp,
    /// Who gave it.
    pub source: SourceKind,
}

impl Stamp {
    /// The day that the answer describes.
    #[must_use]
    pub fn date(self) -> Date {
        date(self.taken)
    }
}

/// A user or a team. Users and teams are numbered apart.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// One account.
    User,
    /// A team; how many people are in it the registry does not tell.
    Team,
}

/// What identifies an account for ever; logins change. Where a source knows no id (pins), it is 0 and
/// the login identifies.
pub type AccountId = (AccountKind, u64);

/// An account as one source saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// User or team.
    pub kind: AccountKind,
    /// The registry's id.
    pub id: u64,
    /// Login; data of strangers.
    pub login: String,
    /// When the account was made, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Whether the registry's name and the forge's login differ, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relinked: Option<bool>,
}

impl Account {
    /// What identifies it.
    #[must_use]
    pub fn key(&self) -> AccountId {
        (self.kind, self.id)
    }
}

/// Who published a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Publisher {
    /// An account, by its place in [`CrateCustody::accounts`].
    #[serde(rename = "a")]
    Account(u32),
    /// A trusted workflow of a repository (`owner/name`, where known).
    #[serde(rename = "t")]
    Trusted {
        /// `github`, `gitlab`, ...
        provider: String,
        /// The repository that the workflow ran in.
        repository: Option<String>,
        /// The commit that it ran at, where the source says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    /// The source names nobody: trusted publishing in a dump, or older than the registry's records.
    #[serde(rename = "n")]
    Unnamed,
}

/// One release and who published it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Version number.
    #[serde(rename = "v")]
    pub number: String,
    /// When it was published.
    #[serde(rename = "t", with = "jiff::fmt::serde::timestamp::second::required")]
    pub published: Timestamp,
    /// By whom.
    #[serde(rename = "p")]
    pub publisher: Publisher,
    /// Repository as this release declares it: place in [`CrateCustody::addresses`].
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<u32>,
    /// Home page as this release declares it: place in [`CrateCustody::addresses`].
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<u32>,
    /// Yanked on the day of the answer.
    #[serde(rename = "y", default, skip_serializing_if = "std::ops::Not::not")]
    pub yanked: bool,
}

/// One owner on the day of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Place in [`CrateCustody::accounts`].
    pub account: u32,
    /// Since when, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Timestamp>,
    /// Who added them: place in [`CrateCustody::accounts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_by: Option<u32>,
}

/// One crate's answers from one source on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrateCustody {
    /// Whose answers, and of which day.
    pub stamp: Stamp,
    /// Everybody who is named below.
    pub accounts: Vec<Account>,
    /// Every address that a release declares, once.
    pub addresses: Vec<String>,
    /// When the crate was first published.
    pub created: Measured<Timestamp>,
    /// Owners.
    pub owners: Measured<Vec<Owner>>,
    /// Releases, any order.
    pub releases: Measured<Vec<Release>>,
    /// The crate takes trusted publishing only.
    pub trusted_only: Measured<bool>,
    /// The registry deleted it: when, and what it says of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Deleted>,
}

/// A deletion by the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// When.
    pub at: Timestamp,
    /// The registry's words.
    pub message: Option<String>,
}

/// A stored answer points to an account or address that it does not hold.
#[derive(Debug, thiserror::Error)]
#[error("an answer points to {what} {index} of {count}")]
pub struct BrokenReference {
    /// Account or address.
    pub what: &'static str,
    /// Which.
    pub index: u32,
    /// Of how many.
    pub count: usize,
}

impl CrateCustody {
    /// An answer that knows nothing, for `reason`.
    #[must_use]
    pub fn unknown(stamp: Stamp, reason: &str) -> Self {
        Self {
            stamp,
            accounts: Vec::new(),
            addresses: Vec::new(),
            created: Measured::unknown(reason),
            owners: Measured::unknown(reason),
            releases: Measured::unknown(reason),
            trusted_only: Measured::unknown(reason),
            deleted: None,
        }
    }

    /// Checks that everything that is pointed to exists; what comes from a file has to pass here
    /// before [`Self::account`] may be used.
    ///
    /// # Errors
    /// The first reference that leads nowhere.
    pub fn checked(self) -> Result<Self, BrokenReference> {
        let within = |what, count: usize, index: u32| {
            if (index as usize) < count {
                Ok(())
            } else {
                Err(BrokenReference { what, index, count })
            }
        };
        for owner in self.owners.known().into_iter().flatten() {
            within("account", self.accounts.len(), owner.account)?;
            owner.added_by.map_or(Ok(()), |by| within("account", self.accounts.len(), by))?;
        }
        for release in self.releases.known().into_iter().flatten() {
            if let Publisher::Account(index) = release.publisher {
                within("account", self.accounts.len(), index)?;
            }
            for index in [release.repository, release.homepage].into_iter().flatten() {
                within("address", self.addresses.len(), index)?;
            }
        }
        Ok(self)
    }

    /// An account by its place.
    ///
    /// # Panics
    /// Never after [`Self::checked`].
    #[must_use]
    pub fn account(&self, index: u32) -> &Account {
        &self.accounts[index as usize]
    }

    /// An address by its place.
    ///
    /// # Panics
    /// Never after [`Self::checked`].
    #[must_use]
    pub fn address(&self, index: u32) -> &str {
        &self.addresses[index as usize]
    }
}

/// Everything that the sources said of one crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The crate.
    pub name: String,
    /// The answers, oldest first; of one day the one that knows more comes last.
    answers: Vec<CrateCustody>,
}

/// A release with its account resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<'h> {
    /// The release.
    pub release: &'h Release,
    /// Who published it.
    pub publisher: Who<'h>,
    /// Repository as it declares it.
    pub repository: Option<&'h str>,
    /// Home page as it declares it.
    pub homepage: Option<&'h str>,
    /// Which source named the publisher.
    pub stamp: Stamp,
}

/// A publisher, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who<'h> {
    /// An account.
    Account(&'h Account),
    /// A trusted workflow, and the repository that it ran in.
    Trusted(Option<&'h str>),
    /// Nobody is named.
    Unnamed,
}

impl History {
    /// Collects answers about one crate.
    #[must_use]
    pub fn new(name: impl Into<String>, mut answers: Vec<CrateCustody>) -> Self {
        answers.sort_by_key(|answer| answer.stamp);
        Self { name: name.into(), answers }
    }

    /// One more answer.
    #[must_use]
    pub fn with(mut self, answer: CrateCustody) -> Self {
        self.answers.push(answer);
        self.answers.sort_by_key(|answer| answer.stamp);
        self
    }

    /// The answers, oldest first.
    #[must_use]
    pub fn answers(&self) -> &[CrateCustody] {
        &self.answers
    }

    /// The freshest owner list of that day or before it; a pin only where nothing else has one, since
    /// it copies what others said.
    #[must_use]
    pub fn owners_on(&self, as_of: Date) -> Measured<&CrateCustody> {
        let mut reason = "no owner data for this crate".to_owned();
        let pin = |answer: &&CrateCustody| answer.stamp.source == SourceKind::Pin;
        let newest_first = || self.answers.iter().rev();
        let others = newest_first().filter(|answer| !pin(answer));
        for answer in others.chain(newest_first().filter(pin)) {
            match &answer.owners {
                Measured::Known(_) if answer.stamp.date() <= as_of => {
                    return Measured::Known(answer);
                }
                Measured::Known(_) => {
                    reason = format!(
                        "the owner list is of {}, after the day that is asked about",
                        answer.stamp.date()
                    );
                }
                Measured::Unknown(why) => reason.clone_from(why),
            }
        }
        Measured::Unknown(reason)
    }

    /// The releases published by that day, oldest first. A release that several sources know is
    /// taken from the freshest that names its publisher: a publisher never changes.
    #[must_use]
    pub fn releases_by(&self, as_of: Date) -> Measured<Vec<Dated<'_>>> {
        let mut reason = "no publisher data for this crate".to_owned();
        let mut by_number: BTreeMap<&str, Dated<'_>> = BTreeMap::new();
        let mut known = false;
        for answer in &self.answers {
            let releases = match &answer.releases {
                Measured::Known(releases) => releases,
                Measured::Unknown(why) => {
                    reason.clone_from(why);
                    continue;
                }
            };
            known = true;
            for release in releases.iter().filter(|release| date(release.published) <= as_of) {
                let publisher = match &release.publisher {
                    Publisher::Account(index) => Who::Account(answer.account(*index)),
                    Publisher::Trusted { repository, .. } => Who::Trusted(repository.as_deref()),
                    Publisher::Unnamed => Who::Unnamed,
                };
                let dated = Dated {
                    release,
                    publisher,
                    repository: release.repository.map(|index| answer.address(index)),
                    homepage: release.homepage.map(|index| answer.address(index)),
                    stamp: answer.stamp,
                };
                match by_number.get(release.number.as_str()) {
                    Some(_) if publisher == Who::Unnamed => {}
                    _ => {
                        by_number.insert(&release.number, dated);
                    }
                }
            }
        }
        if !known {
            return Measured::Unknown(reason);
        }
        let mut releases: Vec<_> = by_number.into_values().collect();
        releases.sort_by(|a, b| {
            (a.release.published, &a.release.number).cmp(&(b.release.published, &b.release.number))
        });
        Measured::Known(releases)
    }

    /// When an account was made, by whichever source says so.
    #[must_use]
    pub fn account_created(&self, key: AccountId) -> Option<Timestamp> {
        self.answers
            .iter()
            .rev()
            .flat_map(|answer| &answer.accounts)
            .filter(|account| account.key() == key)
            .find_map(|account| account.created)
    }

    /// When the crate was first published: as a source says, else its first known release.
    #[must_use]
    pub fn created(&self) -> Measured<Timestamp> {
        let said = self.answers.iter().rev().find_map(|answer| answer.created.known().copied());
        let first = self
            .answers
            .iter()
            .filter_map(|answer| answer.releases.known())
            .flatten()
            .map(|release| release.published)
            .min();
        match (said, first) {
            (Some(said), Some(first)) => Measured::Known(said.min(first)),
            (Some(at), None) | (None, Some(at)) => Measured::Known(at),
            (None, None) => Measured::unknown("no source says when the crate was first published"),
        }
    }

    /// The freshest answer to the question that `pick` asks, of that day or before it.
    pub fn freshest<T>(
        &self,
        as_of: Date,
        pick: impl Fn(&CrateCustody) -> Measured<T>,
    ) -> Measured<(T, Stamp)> {
        let mut reason = "no custody data for this crate".to_owned();
        for answer in self.answers.iter().rev().filter(|answer| answer.stamp.date() <= as_of) {
            match pick(answer) {
                Measured::Known(value) => return Measured::Known((value, answer.stamp)),
                Measured::Unknown(why) => reason = why,
            }
        }
        Measured::Unknown(reason)
    }
}

/// The UTC day of a moment.
#[must_use]
pub fn date(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// Whole days from `from` to `to`; negative where `to` is earlier.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}
