//! The facts of group `custody`, as rules see them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

use super::event::{CustodyEvent, EventKind};
use super::history::{AccountId, AccountKind, Dated, History, Who, date, days_between};
use super::identity::{Way, identity_events, trusted_events, way};
use super::owners::owner_events;
use super::publishers::publish_events;
use super::version::of_version;

/// Most entries of any list that rules see.
const LIST_LIMIT: usize = 2_000;

/// One owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerFact {
    /// Login; `github:organisation:team` for a team. A string of strangers. Source: dump or API.
    pub login: String,
    /// `user` or `team`.
    pub kind: AccountKind,
    /// Days since they were made owner. Source: dump; the API does not say.
    pub since_days: Measured<i64>,
}

/// One account that published within 24 months.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublisherFact {
    /// Login. A string of strangers. Source: dump or API.
    pub login: String,
    /// Releases by this account within 24 months.
    pub releases: u32,
    /// Days since its first release of this crate ever.
    pub first_days: i64,
    /// Days since its last.
    pub last_days: i64,
    /// Days since the account was made. Source: dump or API.
    pub account_age_days: Measured<i64>,
}

/// Which questions could be answered.
#[expect(
    clippy::struct_excessive_bools,
    reason = "five independent questions, each answered or not"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyCoverage {
    /// Who owns the crate.
    pub owners: bool,
    /// Since when they do.
    pub owner_dates: bool,
    /// Who published its releases.
    pub publishers: bool,
    /// When the publishers' accounts were made.
    pub account_ages: bool,
    /// Which releases a trusted workflow published.
    pub trusted_publishing: bool,
}

/// Who can publish this crate, since when, and what changed hands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyFacts {
    /// Source of the owner list: dump, slim file, registry API or pin.
    pub source: Measured<String>,
    /// Age of the owner list in days on the day of the audit.
    pub data_age_days: Measured<i64>,
    /// Owners that are users. Source: dump, slim file or API.
    pub owner_users: Measured<u32>,
    /// Owners that are teams; how many people that is, no source says.
    pub owner_teams: Measured<u32>,
    /// The owners, ordered by login.
    pub owners: Measured<Vec<OwnerFact>>,
    /// Distinct accounts that published within 24 months; trusted workflows are not counted.
    pub publisher_count: Measured<u32>,
    /// Those accounts, ordered by login.
    pub publishers: Measured<Vec<PublisherFact>>,
    /// One user is the only owner: who published before and owns it no more cannot publish. Unknown where a team
    /// owns, or a trusted workflow published within 24 months: those are an unknown number of people.
    pub sole_publisher: Measured<bool>,
    /// Share of the releases of 24 months that a trusted workflow published, from 0 to 1.
    pub trusted_publishing_share: Measured<f64>,
    /// The registry takes only trusted publishing for this crate.
    pub trusted_publishing_only: Measured<bool>,
    /// Source of who published the audited version: dump, slim file, registry API or pin.
    pub publisher_source: Measured<String>,
    /// Age of that answer in days on the day of the audit; negative where it was given later, which
    /// changes nothing: who published a version never changes.
    pub publisher_data_age_days: Measured<i64>,
    /// Login that published the audited version; empty where a trusted workflow did.
    pub published_by: Measured<String>,
    /// The audited version was published by a trusted workflow.
    pub published_by_workflow: Measured<bool>,
    /// Commit at which that workflow ran, which the registry verified with its provider, lower-case hexadecimal.
    /// Source: API; a dump does not have it.
    pub published_from_commit: Measured<String>,
    /// Age in days of that account when it published the audited version.
    pub publisher_account_age_days: Measured<i64>,
    /// The audited version is that account's first of this crate, and others published before.
    pub publisher_is_new: Measured<bool>,
    /// An account published the audited version, and a trusted workflow the release before it of which
    /// that is known.
    pub trusted_publishing_dropped: Measured<bool>,
    /// The workflow that published the audited version ran in another repository than the declared one.
    pub trusted_repository_differs: Measured<bool>,
    /// It is known in which repository the workflow of every release ran that a workflow published. Never false:
    /// unknown where a source does not say, as a dump never does. Source: API.
    pub workflow_repositories_known: Measured<bool>,
    /// Logins among owners and publishers whose name at the registry differs from that at the forge.
    pub relinked_accounts: Measured<Vec<String>>,
    /// Owners added and removed. Unknown where no source dates owners and there are not two lists.
    pub owner_events: Measured<Vec<CustodyEvent>>,
    /// First publishes, successions, young accounts, changes of trusted publishing, rings of crates.
    pub publish_events: Measured<Vec<CustodyEvent>>,
    /// Accounts renamed, repositories and home pages moved.
    pub identity_events: Measured<Vec<CustodyEvent>>,
    /// All of the three lists, newest first. Unknown where nothing was seen and a list is unknown; where
    /// something was seen it may lack what the unknown list would have shown.
    pub events: Measured<Vec<CustodyEvent>>,
    /// Events beyond the 2,000 newest of any list, which are left out.
    pub events_left_out: u32,
    /// The greatest `weight` among the events; 0 where there was none.
    pub strongest_event_weight: Measured<f64>,
    /// The registry deleted the crate by the day of the audit. Source: dump.
    pub deleted: Measured<bool>,
    /// What the registry says about the deletion; empty where it says nothing.
    pub deleted_message: Measured<String>,
    /// What the registry says about the deletion names malware: it has the word `malicious` or `malware`.
    pub deleted_as_malicious: Measured<bool>,
    /// Which questions could be answered.
    pub coverage: CustodyCoverage,
}

/// Measures one crate at one version on one day. Only what was known by that day counts.
#[must_use]
pub fn custody_facts(history: &History, version: &str, as_of: Date) -> CustodyFacts {
    let releases = history.releases_by(as_of);
    let list = releases.known().map_or(&[][..], Vec::as_slice);
    let known = releases.as_ref().map(|_| ());
    let mut facts = of_owners(history, as_of);
    let window = as_of.saturating_sub(24.months());
    let recent: Vec<&Dated<'_>> =
        list.iter().filter(|release| date(release.release.published) > window).collect();
    let publishers = known.clone().and_then(|()| publishers(history, list, &recent, as_of));
    facts.publisher_count = publishers.as_ref().map(count);
    facts.sole_publisher = sole(&facts, &recent, &publishers);
    facts.coverage.account_ages = publishers.known().is_some_and(|all| {
        all.iter().all(|publisher| publisher.account_age_days.known().is_some())
    });
    facts.publishers = publishers;
    facts.trusted_publishing_share = known.clone().and_then(|()| trusted_share(&recent));
    facts.coverage.publishers = known.known().is_some();
    facts.coverage.trusted_publishing = facts.trusted_publishing_share.known().is_some();
    facts.workflow_repositories_known = known.clone().and_then(|()| workflows_known(list));
    of_version(&mut facts, history, &releases, version, as_of);
    let mut events = publish_events(history, list, as_of);
    events.extend(trusted_events(list, as_of));
    facts.publish_events = known.clone().map(|()| events);
    facts.identity_events = known.map(|()| identity_events(history, list, as_of));
    facts.owner_events = owner_events(history, as_of);
    facts.coverage.owner_dates = facts.owner_events.known().is_some();
    facts.join_events();
    facts
}

impl CustodyFacts {
    /// Adds an event that only the whole graph shows.
    pub(super) fn add_event(&mut self, event: CustodyEvent) {
        if let Measured::Known(events) = &mut self.publish_events {
            events.push(event);
        }
        self.join_events();
    }

    /// Orders and bounds the lists, and joins them.
    fn join_events(&mut self) {
        let mut all = Vec::new();
        let mut unknown = None;
        let mut left_out = 0;
        for list in [&mut self.owner_events, &mut self.publish_events, &mut self.identity_events] {
            match list {
                Measured::Known(events) => {
                    left_out += bound(events);
                    all.extend(events.iter().cloned());
                }
                Measured::Unknown(why) => unknown = unknown.or(Some(why.clone())),
            }
        }
        left_out += bound(&mut all);
        let strongest = all.iter().map(|event| event.weight).fold(0.0, f64::max);
        self.events_left_out = self.events_left_out.max(left_out);
        (self.events, self.strongest_event_weight) = match unknown {
            Some(why) if all.is_empty() => (Measured::Unknown(why.clone()), Measured::Unknown(why)),
            _ => (Measured::Known(all), Measured::Known(strongest)),
        };
    }
}

/// Newest first, at most [`LIST_LIMIT`]; says how many were left out.
fn bound(events: &mut Vec<CustodyEvent>) -> u32 {
    events.sort_by(|a, b| {
        (a.age_days, a.kind, &a.who, &a.after).cmp(&(b.age_days, b.kind, &b.who, &b.after))
    });
    let left_out = events.len().saturating_sub(LIST_LIMIT);
    events.truncate(LIST_LIMIT);
    u32::try_from(left_out).unwrap_or(u32::MAX)
}

/// What the owner list shows; everything else unknown as yet.
fn of_owners(history: &History, as_of: Date) -> CustodyFacts {
    let answer = history.owners_on(as_of);
    let owners = answer.as_ref().map(|answer| {
        let all = answer.owners.known().into_iter().flatten();
        let mut owners: Vec<OwnerFact> = all
            .map(|owner| {
                let account = answer.account(owner.account);
                OwnerFact {
                    login: account.login.clone(),
                    kind: account.kind,
                    since_days: match owner.added {
                        Some(at) => Measured::Known(days_between(date(at), as_of)),
                        None => Measured::unknown("the source does not say since when"),
                    },
                }
            })
            .collect();
        owners.sort_by(|a, b| (&a.login, a.kind).cmp(&(&b.login, b.kind)));
        owners.truncate(LIST_LIMIT);
        owners
    });
    let number = |kind| owners.as_ref().map(|all| count_by(all, |owner| owner.kind == kind));
    let unset = || "not measured".to_owned();
    CustodyFacts {
        source: answer.as_ref().map(|answer| answer.stamp.source.as_str().to_owned()),
        data_age_days: answer.as_ref().map(|answer| days_between(answer.stamp.date(), as_of)),
        owner_users: number(AccountKind::User),
        owner_teams: number(AccountKind::Team),
        coverage: CustodyCoverage { owners: owners.known().is_some(), ..Default::default() },
        owners,
        publisher_count: Measured::Unknown(unset()),
        publishers: Measured::Unknown(unset()),
        sole_publisher: Measured::Unknown(unset()),
        trusted_publishing_share: Measured::Unknown(unset()),
        trusted_publishing_only: history
            .freshest(as_of, |answer| answer.trusted_only.clone())
            .map(|(only, _)| only),
        publisher_source: Measured::Unknown(unset()),
        publisher_data_age_days: Measured::Unknown(unset()),
        published_by: Measured::Unknown(unset()),
        published_by_workflow: Measured::Unknown(unset()),
        published_from_commit: Measured::Unknown(unset()),
        publisher_account_age_days: Measured::Unknown(unset()),
        publisher_is_new: Measured::Unknown(unset()),
        trusted_publishing_dropped: Measured::Unknown(unset()),
        trusted_repository_differs: Measured::Unknown(unset()),
        workflow_repositories_known: Measured::Unknown(unset()),
        relinked_accounts: relinked(history, as_of),
        owner_events: Measured::Unknown(unset()),
        publish_events: Measured::Unknown(unset()),
        identity_events: Measured::Unknown(unset()),
        events: Measured::Unknown(unset()),
        events_left_out: 0,
        strongest_event_weight: Measured::Unknown(unset()),
        deleted: deletion(history, as_of, |_| true, false),
        deleted_message: deletion(history, as_of, |m| m.unwrap_or("").to_owned(), String::new()),
        deleted_as_malicious: deletion(history, as_of, |m| m.is_some_and(names_malware), false),
    }
}

/// Whether every workflow that published is known by its repository.
fn workflows_known(releases: &[Dated<'_>]) -> Measured<bool> {
    let silent = releases.iter().find(|one| matches!(way(one), Way::Trusted(None) | Way::Inferred));
    match silent {
        None => Measured::Known(true),
        Some(one) => Measured::Unknown(format!(
            "no source says in which repository the workflow of {} ran",
            one.release.number
        )),
    }
}

/// Whether the registry's words name malware.
fn names_malware(message: &str) -> bool {
    let message = message.to_lowercase();
    ["malicious", "malware"].iter().any(|word| message.contains(word))
}

/// A question to the registry's list of deleted crates; `none` where it is not in the list.
fn deletion<T>(
    history: &History,
    as_of: Date,
    of: impl Fn(Option<&str>) -> T,
    none: T,
) -> Measured<T> {
    let lists = history.answers().iter().filter(|answer| {
        !matches!(answer.stamp.source, super::SourceKind::Api | super::SourceKind::Pin)
    });
    let mut asked = false;
    for answer in lists {
        asked |= answer.stamp.date() <= as_of;
        if let Some(deleted) = answer.deleted.as_ref().filter(|d| date(d.at) <= as_of) {
            return Measured::Known(of(deleted.message.as_deref()));
        }
    }
    if asked { Measured::Known(none) } else { Measured::unknown("no dump of that day or before") }
}

/// Accounts whose names at registry and forge differ, by the freshest answer that says so.
fn relinked(history: &History, as_of: Date) -> Measured<Vec<String>> {
    let mut by_account: BTreeMap<AccountId, (&str, bool)> = BTreeMap::new();
    for answer in history.answers().iter().filter(|answer| answer.stamp.date() <= as_of) {
        for account in &answer.accounts {
            if let Some(relinked) = account.relinked {
                by_account.insert(account.key(), (&account.login, relinked));
            }
        }
    }
    if by_account.is_empty() {
        return Measured::unknown("no source compares the names of its accounts");
    }
    let mut logins: Vec<String> = by_account
        .into_values()
        .filter(|(_, relinked)| *relinked)
        .map(|(login, _)| login.to_owned())
        .take(LIST_LIMIT)
        .collect();
    logins.sort();
    Measured::Known(logins)
}

/// Who published within 24 months; unknown where a release of that time names nobody.
fn publishers(
    history: &History,
    all: &[Dated<'_>],
    recent: &[&Dated<'_>],
    as_of: Date,
) -> Measured<Vec<PublisherFact>> {
    let silent = recent.iter().filter(|release| way(release) == Way::Silent).count();
    if silent > 0 {
        return Measured::Unknown(format!(
            "the source names no publisher for {silent} releases of the last 24 months"
        ));
    }
    let mut by_account: BTreeMap<AccountId, PublisherFact> = BTreeMap::new();
    for release in recent {
        let Who::Account(account) = release.publisher else { continue };
        let ago = |at: Timestamp| days_between(date(at), as_of);
        let first = all
            .iter()
            .find(|r| matches!(r.publisher, Who::Account(a) if a.key() == account.key()))
            .map_or(release.release.published, |r| r.release.published);
        let fact = by_account.entry(account.key()).or_insert_with(|| PublisherFact {
            login: account.login.clone(),
            releases: 0,
            first_days: ago(first),
            last_days: 0,
            account_age_days: match history.account_created(account.key()) {
                Some(at) => Measured::Known(ago(at)),
                None => Measured::unknown("the source does not say when the account was made"),
            },
        });
        fact.releases = fact.releases.saturating_add(1);
        fact.last_days = ago(release.release.published);
    }
    let mut publishers: Vec<_> = by_account.into_values().collect();
    publishers.sort_by(|a, b| a.login.cmp(&b.login));
    publishers.truncate(LIST_LIMIT);
    Measured::Known(publishers)
}

/// Whether one account alone can publish.
fn sole(
    facts: &CustodyFacts,
    recent: &[&Dated<'_>],
    publishers: &Measured<Vec<PublisherFact>>,
) -> Measured<bool> {
    let owners = match &facts.owners {
        Measured::Known(owners) => owners,
        Measured::Unknown(why) => return Measured::Unknown(why.clone()),
    };
    if owners.iter().filter(|owner| owner.kind == AccountKind::User).count() > 1 {
        return Measured::Known(false);
    }
    match &owners[..] {
        [] => {
            return Measured::unknown(
                "the owner list is empty, so nobody is known who can publish",
            );
        }
        [owner] if owner.kind == AccountKind::User => {}
        _ => {
            return Measured::unknown("a team owns it, and no source says how many people that is");
        }
    }
    if recent.iter().any(|release| matches!(way(release), Way::Trusted(_) | Way::Inferred)) {
        return Measured::unknown(
            "a trusted workflow published, and no source says who can change it",
        );
    }
    // Whether workflows published is known where every publisher is.
    publishers.as_ref().map(|_| true)
}

/// Share of trusted publishing among these releases.
fn trusted_share(recent: &[&Dated<'_>]) -> Measured<f64> {
    let mut trusted = 0_u32;
    for release in recent {
        match way(release) {
            Way::Trusted(_) => trusted += 1,
            Way::Person(_) => {}
            Way::Inferred => {
                return Measured::unknown(
                    "the dump names no publisher for a release and does not say why",
                );
            }
            Way::Silent => return Measured::unknown("a release names no publisher"),
        }
    }
    match count(recent) {
        0 => Measured::unknown("no release within 24 months"),
        all => Measured::Known(f64::from(trusted) / f64::from(all)),
    }
}

fn count<T>(list: impl AsRef<[T]>) -> u32 {
    u32::try_from(list.as_ref().len()).unwrap_or(u32::MAX)
}

fn count_by<T>(list: &[T], test: impl Fn(&T) -> bool) -> u32 {
    u32::try_from(list.iter().filter(|item| test(item)).count()).unwrap_or(u32::MAX)
}

/// Used by the collectors that compare: whether an event is of that kind.
impl CustodyEvent {
    /// Whether it is of one of these kinds.
    #[must_use]
    pub fn is(&self, kinds: &[EventKind]) -> bool {
        kinds.contains(&self.kind)
    }
}
