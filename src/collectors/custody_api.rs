//! Custody data from the registry's API, within a budget of time.
//!
//! What runs at build time is asked for first, then what changed, then what one account alone is known to
//! own, then the rest. An answer
//! kept under the crate's newest version costs nothing; owners, who can change without a release, are asked for again
//! after a week, when everybody else was. What the budget does not reach is not
//! determined; the next run finds what was kept and goes on from there. A server that limits the rate,
//! or fails three times in a row, is left alone for the rest of the run; that it does not know a crate
//! which the index lists is a failure, too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::domain::Measured;
use crate::net::registry_api::{Question, RegistryApi};
use crate::net::{Answer, AnswerFrom, NetError};
use crate_read::registry_api::{
    ApiAnswerError, ApiOwner, ApiUser, ApiVersion, parse_owners, parse_versions,
};

use super::custody::{
    self, Account, AccountKind, CrateCustody, Owner, Publisher, Release, SourceKind, Stamp,
};
use super::custody_data::FRESH_DAYS;
use super::custody_store::CustodySource;

/// Most pages of one crate's versions.
const PAGES_LIMIT: usize = 50;
/// So many failures in a row end the asking.
const FAILURES_LIMIT: u32 = 3;

/// A crate that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiCrate {
    /// Name.
    pub name: String,
    /// Its newest published version, from the index; the locked one where that is not known.
    pub newest: String,
    /// It changed since the base of the audit.
    pub changed: bool,
    /// It runs at build time.
    pub build_executed: bool,
    /// One account alone owned it, by what is known from elsewhere: a file that is too old, a pin.
    pub one_owner: bool,
}

impl ApiCrate {
    /// Before which others it is asked for, the least first.
    fn rank(&self) -> (bool, bool, bool, &str) {
        (!self.build_executed, !self.changed, !self.one_owner, &self.name)
    }
}

/// What the API said, and what it was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAnswers {
    stamp: Stamp,
    answers: BTreeMap<String, CrateCustody>,
    unknown: BTreeMap<String, String>,
    /// Requests that went out.
    pub requests: usize,
    /// Crates that nobody had to be asked about.
    pub kept: usize,
    /// Crates that were not asked for completely: out of time, or the server was left alone.
    pub left: usize,
}

impl CustodySource for ApiAnswers {
    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn answer(&self, name: &str) -> Measured<CrateCustody> {
        if let Some(answer) = self.answers.get(name) {
            return Measured::Known(answer.clone());
        }
        let why = self.unknown.get(name).map_or("the registry API was not asked", String::as_str);
        Measured::unknown(why)
    }
}

/// Why a crate has no answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Answer(#[from] ApiAnswerError),
    #[error("the registry API lists more than {PAGES_LIMIT} pages of versions")]
    Pages,
    #[error("the registry API lists not one {0} of a crate that the index has")]
    Empty(&'static str),
    #[error("not asked: the registry API failed before: {0}")]
    Stopped(String),
    #[error(
        "not determined: the time for the registry API ran out; the next run goes on from here"
    )]
    Budget,
}

/// Asks about crates for at most `budget`; `now` dates answers whose server tells no time. `done` is
/// called after every crate with how many are left.
pub async fn ask_all(
    api: &RegistryApi,
    crates: &[ApiCrate],
    budget: Duration,
    now: Timestamp,
    done: &dyn Fn(usize),
) -> ApiAnswers {
    let mut order: Vec<&ApiCrate> = crates.iter().collect();
    let mut seen = BTreeSet::new();
    // Owners of whom nothing is kept go before those of last week.
    let known =
        |one: &ApiCrate| api.current(Question::Owners, &one.name, &one.newest, None).is_some();
    order.sort_by_cached_key(|one| (known(one), one.rank()));
    // A crate that is there in two versions is asked for once, where its first stands.
    order.retain(|one| seen.insert(&one.name));
    let mut run = Run {
        api,
        deadline: Instant::now() + budget,
        now,
        failures: 0,
        stopped: None,
        answers: ApiAnswers {
            stamp: Stamp { taken: now, source: SourceKind::Api },
            answers: BTreeMap::new(),
            unknown: BTreeMap::new(),
            requests: 0,
            kept: 0,
            left: 0,
        },
    };
    let all = order.len();
    for (at, one) in order.into_iter().enumerate() {
        run.crate_answer(one).await;
        done(all - at - 1);
    }
    run.answers
}

struct Run<'a> {
    api: &'a RegistryApi,
    deadline: Instant,
    now: Timestamp,
    failures: u32,
    /// Why nobody is asked any more.
    stopped: Option<String>,
    answers: ApiAnswers,
}

impl Run<'_> {
    /// One crate: both questions, each answered or unknown by itself.
    async fn crate_answer(&mut self, one: &ApiCrate) {
        let before = self.answers.requests;
        let versions = self.versions(one).await;
        let owners = self.owners(one).await;
        if self.answers.requests == before && versions.is_ok() && owners.is_ok() {
            self.answers.kept += 1;
        }
        let left = |error: Option<&AskError>| {
            matches!(error, Some(AskError::Budget | AskError::Stopped(_)))
        };
        if left(versions.as_ref().err()) || left(owners.as_ref().err()) {
            self.answers.left += 1;
        }
        if let (Err(error), Err(_)) = (&versions, &owners) {
            self.answers.unknown.insert(one.name.clone(), error.to_string());
            return;
        }
        self.answers.answers.insert(one.name.clone(), row_of(versions, owners, self.now));
    }

    async fn versions(&mut self, one: &ApiCrate) -> Result<(Vec<ApiVersion>, Timestamp), AskError> {
        let mut versions = Vec::new();
        let mut page: Option<String> = None;
        let mut taken = self.now;
        for _ in 0..PAGES_LIMIT {
            let answer = self.ask(Question::Versions, one, page.as_deref()).await?;
            taken = taken.min(self.taken(&answer));
            let parsed = parse_versions(&answer.bytes)?;
            versions.extend(parsed.versions);
            match parsed.next_page {
                Some(next) if page.as_ref() != Some(&next) => page = Some(next),
                Some(_) => return Err(AskError::Pages),
                None if versions.is_empty() => return Err(AskError::Empty("version")),
                None => return Ok((versions, taken)),
            }
        }
        Err(AskError::Pages)
    }

    async fn owners(&mut self, one: &ApiCrate) -> Result<(Vec<ApiOwner>, Timestamp), AskError> {
        let answer = self.ask(Question::Owners, one, None).await?;
        let owners = parse_owners(&answer.bytes)?;
        if owners.is_empty() {
            return Err(AskError::Empty("owner"));
        }
        Ok((owners, self.taken(&answer)))
    }

    fn taken(&self, answer: &Answer) -> Timestamp {
        answer
            .date()
            .and_then(|date| date.parse().ok())
            .map_or(self.now, |at: Timestamp| at.min(self.now))
    }

    /// The kept answer for this newest version; else a request, if there is time; else an older kept
    /// answer, which tells its own day.
    async fn ask(
        &mut self,
        question: Question,
        one: &ApiCrate,
        page: Option<&str>,
    ) -> Result<Answer, AskError> {
        let kept = self.api.current(question, &one.name, &one.newest, page);
        let stale =
            kept.as_ref().is_some_and(|kept| question == Question::Owners && self.is_stale(kept));
        if let Some(kept) = kept.filter(|_| !stale) {
            return Ok(kept);
        }
        let result = if let Some(why) = &self.stopped {
            Err(AskError::Stopped(why.clone()))
        } else if Instant::now() >= self.deadline {
            Err(AskError::Budget)
        } else {
            let api = if stale { self.api.clone().anew(true) } else { self.api.clone() };
            let sent = api.ask(question, &one.name, &one.newest, page);
            timeout_at(self.deadline, sent)
                .await
                .map_or(Err(AskError::Budget), |result| result.map_err(AskError::Net))
        };
        match &result {
            Ok(answer) => {
                self.failures = 0;
                self.answers.requests += usize::from(answer.from != AnswerFrom::Kept);
            }
            Err(AskError::Net(error)) => self.failed(error),
            Err(_) => {}
        }
        result.or_else(|error| self.api.kept(question, &one.name, page).ok_or(error))
    }

    /// Whether an answer is so old that who is in it may have changed.
    fn is_stale(&self, answer: &Answer) -> bool {
        let days =
            custody::days_between(custody::date(self.taken(answer)), custody::date(self.now));
        days >= i64::from(FRESH_DAYS)
    }

    fn failed(&mut self, error: &NetError) {
        if matches!(error, NetError::Offline | NetError::BadName(_)) {
            return;
        }
        self.answers.requests += 1;
        self.failures += 1;
        if matches!(error, NetError::RateLimited { .. }) || self.failures >= FAILURES_LIMIT {
            self.stopped = Some(error.to_string());
        }
    }
}

/// The answers of both questions as one row of custody data.
fn row_of(
    versions: Result<(Vec<ApiVersion>, Timestamp), AskError>,
    owners: Result<(Vec<ApiOwner>, Timestamp), AskError>,
    now: Timestamp,
) -> CrateCustody {
    let of = |at: Option<Timestamp>| at.unwrap_or(now);
    let taken = of(versions.as_ref().ok().map(|v| v.1)).min(of(owners.as_ref().ok().map(|o| o.1)));
    let stamp = Stamp { taken, source: SourceKind::Api };
    let mut row = CrateCustody::unknown(stamp, "the registry API does not say");
    match versions {
        Ok((versions, _)) => {
            let releases: Vec<Release> =
                versions.into_iter().map(|version| release(&mut row, version)).collect();
            if let Some(first) = releases.iter().map(|release| release.published).min() {
                row.created = Measured::Known(first);
            }
            row.releases = Measured::Known(releases);
        }
        Err(error) => row.releases = Measured::Unknown(error.to_string()),
    }
    row.owners = match owners {
        Ok((owners, _)) => {
            Measured::Known(owners.into_iter().map(|owner| owned(&mut row, owner)).collect())
        }
        Err(error) => Measured::Unknown(error.to_string()),
    };
    row
}

fn release(row: &mut CrateCustody, version: ApiVersion) -> Release {
    let publisher = match (version.published_by, version.trusted) {
        (Some(user), _) => Publisher::Account(user_place(row, user)),
        (None, Some(trusted)) => Publisher::Trusted {
            provider: trusted.provider,
            repository: trusted.repository,
            commit: trusted.commit,
        },
        (None, None) => Publisher::Unnamed,
    };
    Release {
        number: version.number,
        published: version.created_at,
        publisher,
        repository: version.repository.map(|address| address_place(row, address)),
        homepage: version.homepage.map(|address| address_place(row, address)),
        yanked: version.yanked,
    }
}

fn owned(row: &mut CrateCustody, owner: ApiOwner) -> Owner {
    let account = Account {
        kind: if owner.team { AccountKind::Team } else { AccountKind::User },
        id: owner.id,
        login: owner.login,
        created: None,
        relinked: owner.github_username_matches.map(|matches| !matches),
    };
    Owner { account: account_place(row, account), added: None, added_by: None }
}

fn user_place(row: &mut CrateCustody, user: ApiUser) -> u32 {
    account_place(
        row,
        Account {
            kind: AccountKind::User,
            id: user.id,
            login: user.login,
            created: user.created_at,
            relinked: user.github_username_matches.map(|matches| !matches),
        },
    )
}

/// The place of an account, with what either answer knows of it.
fn account_place(row: &mut CrateCustody, account: Account) -> u32 {
    let known = row.accounts.iter().position(|known| known.key() == account.key());
    let at = known.unwrap_or(row.accounts.len());
    match row.accounts.get_mut(at) {
        Some(known) => {
            known.created = known.created.or(account.created);
            known.relinked = known.relinked.or(account.relinked);
        }
        None => row.accounts.push(account),
    }
    place(at)
}

fn address_place(row: &mut CrateCustody, address: String) -> u32 {
    place(row.addresses.iter().rposition(|known| *known == address).unwrap_or_else(|| {
        row.addresses.push(address);
        row.addresses.len() - 1
    }))
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("an answer has fewer than 2^32 bytes")
}

#[cfg(test)]
#[path = "custody_api_tests.rs"]
mod tests;
