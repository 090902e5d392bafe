//! The audited version's own publish: by whom, from how old an account, and how that compares with the
//! releases before it.

use jiff::civil::Date;

use crate::domain::Measured;

use super::facts::CustodyFacts;
use super::history::{AccountId, Dated, History, Publisher, Who, date, days_between};
use super::identity::{Way, differs, way};

/// What is known of the audited version's own publish.
pub(super) fn of_version(
    facts: &mut CustodyFacts,
    history: &History,
    releases: &Measured<Vec<Dated<'_>>>,
    version: &str,
    as_of: Date,
) {
    let position = releases.as_ref().and_then(|list| {
        list.iter().position(|release| release.release.number == version).map_or_else(
            || Measured::Unknown(format!("no source of {as_of} or before knows version {version}")),
            Measured::Known,
        )
    });
    let list = releases.known().map_or(&[][..], Vec::as_slice);
    let at = match position {
        Measured::Known(at) => at,
        Measured::Unknown(why) => {
            facts.publisher_source = Measured::Unknown(why.clone());
            facts.publisher_data_age_days = Measured::Unknown(why.clone());
            facts.published_by = Measured::Unknown(why.clone());
            facts.published_by_workflow = Measured::Unknown(why.clone());
            facts.published_from_commit = Measured::Unknown(why.clone());
            facts.publisher_account_age_days = Measured::Unknown(why.clone());
            facts.publisher_is_new = Measured::Unknown(why.clone());
            facts.trusted_publishing_dropped = Measured::Unknown(why.clone());
            facts.trusted_repository_differs = Measured::Unknown(why);
            return;
        }
    };
    let release = &list[at];
    facts.publisher_source = Measured::Known(release.stamp.source.as_str().to_owned());
    facts.publisher_data_age_days = Measured::Known(days_between(release.stamp.date(), as_of));
    facts.trusted_publishing_dropped = dropped(&list[..at], release);
    let silent = "the source names no publisher of this version";
    (facts.published_by, facts.published_by_workflow) = match way(release) {
        Way::Person(login) => (Measured::Known(login.to_owned()), Measured::Known(false)),
        Way::Trusted(_) => (Measured::Known(String::new()), Measured::Known(true)),
        Way::Inferred | Way::Silent => (Measured::unknown(silent), Measured::unknown(silent)),
    };
    facts.published_from_commit = match &release.release.publisher {
        Publisher::Trusted { commit: Some(commit), .. } => Measured::Known(commit.to_lowercase()),
        Publisher::Trusted { .. } => Measured::unknown("the source does not say at which commit"),
        _ => Measured::unknown("no source says that a trusted workflow published it"),
    };
    let Who::Account(account) = release.publisher else {
        let why = "no account published this version";
        facts.publisher_account_age_days = Measured::unknown(why);
        facts.publisher_is_new = facts.published_by_workflow.clone().map(|_| false);
        facts.trusted_repository_differs = match (way(release), release.repository) {
            (Way::Trusted(Some(workflow)), Some(declared)) => differs(declared, workflow)
                .map_or_else(
                    || Measured::unknown("the declared repository has no owner"),
                    Measured::Known,
                ),
            _ => Measured::unknown("the workflow's or the declared repository is not known"),
        };
        return;
    };
    facts.trusted_repository_differs = Measured::Known(false);
    facts.publisher_account_age_days = match history.account_created(account.key()) {
        Some(at) => Measured::Known(days_between(date(at), date(release.release.published))),
        None => Measured::unknown("the source does not say when the account was made"),
    };
    facts.publisher_is_new = is_new(&list[..at], account.key());
}

/// Whether an account published this release, and a workflow the last one before it that is known.
fn dropped(earlier: &[Dated<'_>], release: &Dated<'_>) -> Measured<bool> {
    match way(release) {
        Way::Person(_) => {}
        Way::Trusted(_) | Way::Inferred => return Measured::Known(false),
        Way::Silent => return Measured::unknown("the source names no publisher of this version"),
    }
    let mut before = earlier.iter().rev().map(way).filter(|way| *way != Way::Silent);
    match before.next() {
        Some(Way::Trusted(_) | Way::Inferred) => Measured::Known(true),
        Some(_) => Measured::Known(false),
        None if earlier.is_empty() => Measured::Known(false),
        None => Measured::unknown("earlier releases name no publisher"),
    }
}

/// Whether others published before and this account did not.
fn is_new(earlier: &[Dated<'_>], key: AccountId) -> Measured<bool> {
    let own = |who: &Who<'_>| matches!(who, Who::Account(account) if account.key() == key);
    if earlier.is_empty() || earlier.iter().any(|release| own(&release.publisher)) {
        return Measured::Known(false);
    }
    if earlier.iter().any(|release| way(release) == Way::Silent) {
        return Measured::unknown("earlier releases name no publisher");
    }
    Measured::Known(true)
}
