//! Changes of identity: trusted publishing lost or run elsewhere, accounts with another name, addresses
//! that moved.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::event::{CustodyEvent, EventBasis, EventKind, event};
use super::history::{AccountId, Dated, History, SourceKind, Who, date};

/// From this month on a dump that names no publisher means trusted publishing: that is when the
/// registry began to offer it. Before it, it means that the registry did not record who published.
const TRUSTED_SINCE: Date = Date::constant(2025, 7, 1);

/// How a release was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way<'h> {
    /// A source states that a trusted workflow did, and where it ran.
    Trusted(Option<&'h str>),
    /// A dump names nobody, at a time when that means a trusted workflow.
    Inferred,
    /// An account did.
    Person(&'h str),
    /// Not known.
    Silent,
}

/// How a release was published, with what a dump's silence means.
pub(super) fn way<'h>(release: &Dated<'h>) -> Way<'h> {
    match release.publisher {
        Who::Account(account) => Way::Person(&account.login),
        Who::Trusted(repository) => Way::Trusted(repository),
        Who::Unnamed => {
            let from_dump = matches!(release.stamp.source, SourceKind::Dump | SourceKind::Slim);
            if from_dump && date(release.release.published) >= TRUSTED_SINCE {
                Way::Inferred
            } else {
                Way::Silent
            }
        }
    }
}

/// Trusted publishing lost, or run in another repository.
pub(super) fn trusted_events(releases: &[Dated<'_>], as_of: Date) -> Vec<CustodyEvent> {
    let mut events = Vec::new();
    let mut repositories: BTreeSet<String> = BTreeSet::new();
    let mut streak: Option<(usize, Date, EventBasis)> = None;
    for release in releases {
        let on = date(release.release.published);
        let source = release.stamp.source;
        match way(release) {
            Way::Silent => {}
            Way::Inferred => {
                let (count, since, _) = streak.unwrap_or((0, on, EventBasis::Inferred));
                streak = Some((count + 1, since, EventBasis::Inferred));
            }
            Way::Trusted(repository) => {
                let (count, since, basis) = streak.unwrap_or((0, on, EventBasis::Stated));
                streak = Some((count + 1, since, basis));
                let Some(repository) = repository else { continue };
                let known: Vec<String> = repositories.iter().cloned().collect();
                if repositories.insert(repository.to_lowercase()) && !known.is_empty() {
                    let kind = EventKind::TrustedPublishingRepositoryChanged;
                    let mut event = event(kind, on, as_of, repository, source);
                    event.before = format!("workflows of {}", known.join(", "));
                    event.after =
                        format!("{} by a workflow of {repository}", release.release.number);
                    events.push(event);
                }
            }
            Way::Person(login) => {
                let Some((count, since, basis)) = streak.take() else { continue };
                let kind = EventKind::TrustedPublishingLost;
                let mut event = event(kind, on, as_of, login, source);
                event.basis = basis;
                event.before = format!("{count} releases by trusted publishing since {since}");
                event.after = format!("{} published by {login}", release.release.number);
                events.push(event);
            }
        }
    }
    events
}

/// Accounts with another name, repositories and home pages that moved.
pub(super) fn identity_events(
    history: &History,
    releases: &[Dated<'_>],
    as_of: Date,
) -> Vec<CustodyEvent> {
    let mut events = renamed(history, as_of);
    let mut forges = BTreeSet::new();
    let mut places = BTreeSet::new();
    let mut sites = BTreeSet::new();
    for release in releases {
        if let Some(place) = release.repository.and_then(place) {
            forges.insert(place.host.clone());
            let key = format!("{}/{}", place.host, place.owner);
            events.extend(moved(EventKind::RepositoryMoved, &mut places, &key, release, as_of));
        }
        if let Some(place) = release.homepage.and_then(place) {
            // Below a forge the owner says whose page it is, elsewhere the host does.
            let key = if forges.contains(&place.host) {
                format!("{}/{}", place.host, place.owner)
            } else {
                place.host
            };
            events.extend(moved(EventKind::ContactChanged, &mut sites, &key, release, as_of));
        }
    }
    events
}

/// An address that was never declared before, where others were.
fn moved(
    kind: EventKind,
    seen: &mut BTreeSet<String>,
    key: &str,
    release: &Dated<'_>,
    as_of: Date,
) -> Option<CustodyEvent> {
    let before = seen.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if !seen.insert(key.to_owned()) || before.is_empty() {
        return None;
    }
    let on = date(release.release.published);
    let mut event = event(kind, on, as_of, key, release.stamp.source);
    event.before = before;
    event.after = format!("{key}, from {} on", release.release.number);
    Some(event)
}

/// Accounts whose login differs between two answers.
fn renamed(history: &History, as_of: Date) -> Vec<CustodyEvent> {
    let mut last: BTreeMap<AccountId, (&str, Date)> = BTreeMap::new();
    let mut events = Vec::new();
    for answer in history.answers().iter().filter(|answer| answer.stamp.date() <= as_of) {
        let seen = answer.stamp.date();
        for account in answer.accounts.iter().filter(|account| account.id != 0) {
            let Some((login, day)) = last.insert(account.key(), (&account.login, seen)) else {
                continue;
            };
            if login.eq_ignore_ascii_case(&account.login) || day == seen {
                continue;
            }
            let kind = EventKind::AccountRenamed;
            let mut event = event(kind, seen, as_of, &account.login, answer.stamp.source);
            event.basis = EventBasis::Compared;
            event.before = format!("{login} on {day}");
            event.after = format!("{} on {seen}", account.login);
            events.push(event);
        }
    }
    events
}

/// Host and owner of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: String,
    owner: String,
    name: String,
}

/// Host, owner and name of `https://host/owner/name`, `git@host:owner/name` and their like.
pub(super) fn place(address: &str) -> Option<Place> {
    let rest = address.trim().trim_start_matches("git+").trim_start_matches("scm:");
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next()?;
    // `git@host:owner/name`, `host:port/owner/name` and `host/owner/name` all end the host here.
    let (host, path) = rest.split_at(rest.find(['/', ':']).unwrap_or(rest.len()));
    let host = host.rsplit('@').next()?.trim_start_matches("www.").to_lowercase();
    let port_or_path = path.trim_start_matches([':', '/']);
    let path = match port_or_path.split_once('/') {
        Some((port, path)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => path,
        _ => port_or_path,
    };
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let owner = parts.next().unwrap_or("").to_lowercase();
    let name = parts.next().unwrap_or("").trim_end_matches(".git").to_lowercase();
    (host.contains('.') || host == "localhost").then_some(Place { host, owner, name })
}

/// Whether a trusted workflow ran in another repository than the one that is declared, by owner and
/// name; `None` where the declared address has no such parts.
pub(super) fn differs(declared: &str, workflow: &str) -> Option<bool> {
    let place = place(declared)?;
    if place.owner.is_empty() || place.name.is_empty() {
        return None;
    }
    Some(format!("{}/{}", place.owner, place.name) != workflow.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> Option<(String, String, String)> {
        place(address).map(|place| (place.host, place.owner, place.name))
    }

    #[test]
    fn one_repository_has_one_place_however_it_is_written() {
        let want = Some(("forge.invalid".to_owned(), "acme".to_owned(), "tensor".to_owned()));
        for address in [
            "https://forge.invalid/acme/tensor",
            "http://www.forge.invalid/Acme/tensor.git",
            "git+https://forge.invalid/acme/tensor#main",
            "git@forge.invalid:acme/tensor.git",
            "https://git@forge.invalid/acme/tensor",
            "ssh://git@forge.invalid:22/acme/tensor",
            "forge.invalid/acme/tensor/tree/main/sub",
            "https://forge.invalid/acme/tensor?x=1",
        ] {
            assert_eq!(key(address), want, "{address}");
        }
    }

    #[test]
    fn what_is_no_address_has_no_place() {
        for address in ["", "/", ":", "acme/tensor", "https://", "a:b", "\u{202e}", "é/é"] {
            assert_eq!(key(address), None, "{address}");
        }
    }

    #[test]
    fn a_workflow_of_a_fork_differs_from_the_declared_repository() {
        let declared = "https://forge.invalid/acme/tensor.git";
        assert_eq!(differs(declared, "Acme/Tensor"), Some(false));
        assert_eq!(differs(declared, "mira/tensor"), Some(true));
        assert_eq!(differs("https://acme.invalid", "acme/tensor"), None);
    }
}
