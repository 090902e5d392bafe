//! Renewal of the models' pins: what `pin` takes over by itself, and what has to be accepted by name.
//!
//! A crate's version changes because somebody changed the lockfile. A model on a branch changes because
//! somebody pushed to it, and nobody here decided anything: such a pin is held.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ModelPin;

/// A model as it is today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelNow {
    /// What a pin would say.
    pub pin: ModelPin,
    /// The project names no commit, so that whoever can push decides which one it is.
    pub moving: bool,
}

/// What a renewal did, by repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelRenewal {
    /// The pins afterwards.
    pub pins: Vec<ModelPin>,
    /// Models that had no pin.
    pub added: Vec<String>,
    /// Models of another commit that the project itself chose, in the same hands.
    pub renewed: Vec<String>,
    /// Models that the project no longer names.
    pub removed: Vec<String>,
    /// Models with new committers, other bytes or a branch that moved: their pins stay.
    pub held: Vec<String>,
    /// Models that could not be looked at: their pins stay.
    pub unseen: Vec<String>,
}

/// Renews pins to what is there now, except where it has to be looked at first. `named` are the
/// repositories that the project names, whether they could be looked at or not.
#[must_use]
pub fn renew_models(old: &[ModelPin], now: &[ModelNow], named: &BTreeSet<String>) -> ModelRenewal {
    let before = by_repository(old.iter(), |pin| pin);
    let after = by_repository(now.iter(), |now| &now.pin);
    let mut renewal = ModelRenewal::default();
    for (repository, former) in &before {
        let keep = |list: &mut Vec<String>, pins: &mut Vec<ModelPin>| {
            list.push((*repository).to_owned());
            pins.extend(former.iter().map(|&pin| pin.clone()));
        };
        match after.get(repository) {
            None if named.contains(*repository) => {
                keep(&mut renewal.unseen, &mut renewal.pins);
            }
            None => renewal.removed.push((*repository).to_owned()),
            Some(states) if states.iter().any(|state| has_to_be_looked_at(former, state)) => {
                keep(&mut renewal.held, &mut renewal.pins);
            }
            Some(states) => {
                let pins: Vec<ModelPin> =
                    states.iter().map(|state| unchanged(former, &state.pin)).collect();
                if pins.iter().any(|pin| !former.contains(&pin)) {
                    renewal.renewed.push((*repository).to_owned());
                }
                renewal.pins.extend(pins);
            }
        }
    }
    for (repository, states) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        renewal.added.push((*repository).to_owned());
        renewal.pins.extend(states.iter().map(|state| state.pin.clone()));
    }
    renewal
}

/// Accepts one model as it is now, for a reason that stays in the file. Says whether it is there.
#[must_use]
pub fn accept_model(pins: &mut Vec<ModelPin>, now: &[ModelNow], name: &str, reason: &str) -> bool {
    let accepted: Vec<ModelPin> = now
        .iter()
        .filter(|state| state.pin.repository == name)
        .map(|state| ModelPin { reason: Some(reason.to_owned()), ..state.pin.clone() })
        .collect();
    if accepted.is_empty() {
        return false;
    }
    pins.retain(|pin| pin.repository != name);
    pins.extend(accepted);
    true
}

fn by_repository<'a, T>(
    all: impl Iterator<Item = &'a T>,
    pin: impl Fn(&'a T) -> &'a ModelPin,
) -> BTreeMap<&'a str, Vec<&'a T>> {
    let mut names: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for item in all {
        names.entry(&pin(item).repository).or_default().push(item);
    }
    names
}

/// Somebody new committed, the same commit has other bytes, or a branch moved by itself. What is not
/// known now is not accepted over what was known.
fn has_to_be_looked_at(former: &[&ModelPin], now: &ModelNow) -> bool {
    let same = former.iter().find(|pin| pin.revision == now.pin.revision);
    let newcomers = |pin: &&ModelPin| match (&pin.committers, &now.pin.committers) {
        (Some(before), Some(after)) => after.iter().any(|login| !before.contains(login)),
        (Some(_), None) => true,
        (None, _) => false,
    };
    let other_bytes = |pin: &&ModelPin| {
        let before: BTreeMap<&str, &str> =
            pin.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
        let files = now.pin.files.iter();
        files
            .into_iter()
            .any(|file| before.get(file.path.as_str()).is_some_and(|hash| *hash != file.sha256))
    };
    same.is_some_and(|pin| other_bytes(pin) || newcomers(pin))
        || (same.is_none() && (now.moving || former.iter().all(newcomers)))
}

/// The pin with the former's day and reason where nothing but these would change.
fn unchanged(former: &[&ModelPin], now: &ModelPin) -> ModelPin {
    let same = former.iter().find(|pin| pin.revision == now.revision);
    let reason = same.or(former.last()).and_then(|pin| pin.reason.clone());
    let renewed = ModelPin { reason, ..now.clone() };
    match same {
        Some(&old) if (ModelPin { seen: old.seen.clone(), ..renewed.clone() }) == *old => {
            old.clone()
        }
        _ => renewed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PinnedFile;

    fn pin(repository: &str, revision: &str, hash: &str, committers: &[&str]) -> ModelPin {
        ModelPin {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            files: vec![PinnedFile {
                path: "a.bin".to_owned(),
                sha256: hash.to_owned(),
                imports: None,
            }],
            committers: Some(committers.iter().map(|&login| login.to_owned()).collect()),
            namespace: None,
            signer: None,
            seen: "2026-01-01".to_owned(),
            reason: None,
        }
    }

    fn now(pin: ModelPin, moving: bool) -> ModelNow {
        ModelNow { pin: ModelPin { seen: "2026-06-01".to_owned(), ..pin }, moving }
    }

    #[test]
    fn what_the_project_chose_is_renewed_and_what_moved_by_itself_is_held() {
        let old = [
            pin("o/chosen", "1", "a", &["ann"]),
            pin("o/drift", "1", "a", &["ann"]),
            pin("o/gone", "1", "a", &["ann"]),
            pin("o/hands", "1", "a", &["ann"]),
            pin("o/moved", "1", "a", &["ann"]),
            pin("o/same", "1", "a", &["ann"]),
            pin("o/silent", "1", "a", &["ann"]),
        ];
        let states = [
            now(pin("o/chosen", "2", "b", &["ann"]), false),
            now(pin("o/drift", "1", "b", &["ann"]), false),
            now(pin("o/hands", "2", "b", &["ann", "eve"]), false),
            now(pin("o/moved", "2", "b", &["ann"]), true),
            now(pin("o/new", "1", "a", &["ann"]), true),
            now(pin("o/same", "1", "a", &["ann"]), true),
        ];
        let mut named: BTreeSet<String> =
            states.iter().map(|state| state.pin.repository.clone()).collect();
        named.insert("o/silent".to_owned());
        let renewal = renew_models(&old, &states, &named);
        assert_eq!(renewal.added, ["o/new"]);
        assert_eq!(renewal.renewed, ["o/chosen"]);
        assert_eq!(renewal.removed, ["o/gone"]);
        assert_eq!(renewal.held, ["o/drift", "o/hands", "o/moved"]);
        assert_eq!(renewal.unseen, ["o/silent"]);
        let kept = |name: &str| renewal.pins.iter().find(|pin| pin.repository == name);
        assert_eq!(kept("o/same"), Some(&old[5]), "the day stays");
        assert_eq!(kept("o/moved"), Some(&old[4]));
        assert_eq!(kept("o/silent"), Some(&old[6]));
        assert!(kept("o/gone").is_none());
    }

    #[test]
    fn a_model_is_accepted_by_name_with_its_reason() {
        let mut pins = vec![pin("o/a", "1", "a", &["ann"]), pin("o/b", "1", "a", &["ann"])];
        let states = [now(pin("o/a", "2", "b", &["ann", "eve"]), true)];
        assert!(accept_model(&mut pins, &states, "o/a", "eve is ann's colleague"));
        assert!(!accept_model(&mut pins, &states, "o/b", "x"));
        let accepted = pins.iter().find(|pin| pin.repository == "o/a").unwrap();
        assert_eq!(accepted.revision, "2");
        assert_eq!(accepted.reason.as_deref(), Some("eve is ann's colleague"));
        assert_eq!(pins.len(), 2);
    }
}
