//! Renewal of the pins of Python's and npm's packages. A version changes because somebody changed the lock;
//! other bytes of one version, and code that now runs on install, have to be accepted by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::PackagePin;

/// What a renewal did, by `ecosystem:name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageRenewal {
    /// The pins afterwards.
    pub pins: Vec<PackagePin>,
    /// Packages that had no pin.
    pub added: Vec<String>,
    /// Packages of another version than before.
    pub renewed: Vec<String>,
    /// Packages that no lock names any more.
    pub removed: Vec<String>,
    /// Packages whose pins stay until each is accepted with a reason.
    pub held: Vec<String>,
}

fn key(pin: &PackagePin) -> (&str, &str) {
    (&pin.ecosystem, &pin.name)
}

fn by_name(pins: &[PackagePin]) -> BTreeMap<(&str, &str), Vec<&PackagePin>> {
    let mut names: BTreeMap<(&str, &str), Vec<&PackagePin>> = BTreeMap::new();
    for pin in pins {
        names.entry(key(pin)).or_default().push(pin);
    }
    names
}

/// Renews pins to what the locks name now.
#[must_use]
pub fn renew_packages(old: &[PackagePin], now: &[PackagePin]) -> PackageRenewal {
    let (before, after) = (by_name(old), by_name(now));
    let name = |(ecosystem, name): &(&str, &str)| format!("{ecosystem}:{name}");
    let gone = before.keys().filter(|key| !after.contains_key(*key)).map(name);
    let mut renewal = PackageRenewal { removed: gone.collect(), ..PackageRenewal::default() };
    for (key, states) in &after {
        let Some(former) = before.get(key) else {
            renewal.added.push(name(key));
            renewal.pins.extend(states.iter().map(|pin| (*pin).clone()));
            continue;
        };
        if states.iter().any(|state| has_to_be_looked_at(former, state)) {
            renewal.held.push(name(key));
            renewal.pins.extend(former.iter().map(|pin| (*pin).clone()));
            continue;
        }
        let pins: Vec<PackagePin> = states.iter().map(|state| unchanged(former, state)).collect();
        let versions = |pins: &[&PackagePin]| {
            pins.iter().map(|pin| pin.version.clone()).collect::<BTreeSet<_>>()
        };
        if versions(former) != versions(states) {
            renewal.renewed.push(name(key));
        }
        renewal.pins.extend(pins);
    }
    renewal
}

/// Accepts one package as it is now, for a reason that stays in the file. Says whether it is there.
#[must_use]
pub fn accept_package(
    pins: &mut Vec<PackagePin>,
    now: &[PackagePin],
    name: &str,
    reason: &str,
) -> bool {
    let meant =
        |pin: &PackagePin| pin.name == name || format!("{}:{}", pin.ecosystem, pin.name) == name;
    let accepted: Vec<PackagePin> = now
        .iter()
        .filter(|pin| meant(pin))
        .map(|pin| PackagePin { reason: Some(reason.to_owned()), ..pin.clone() })
        .collect();
    if accepted.is_empty() {
        return false;
    }
    pins.retain(|pin| !meant(pin));
    pins.extend(accepted);
    true
}

fn has_to_be_looked_at(former: &[&PackagePin], now: &PackagePin) -> bool {
    let same = former.iter().find(|pin| pin.version == now.version);
    let other_bytes = same.is_some_and(
        |pin| matches!((&pin.sha256, &now.sha256), (Some(before), Some(after)) if before != after),
    );
    let quiet = former.iter().any(|pin| pin.runs_on_install == Some(false));
    let loud = former.iter().any(|pin| pin.runs_on_install == Some(true));
    other_bytes || (quiet && !loud && now.runs_on_install == Some(true))
}

/// The pin with the former's day and reason where nothing but these would change.
fn unchanged(former: &[&PackagePin], now: &PackagePin) -> PackagePin {
    let same = former.iter().find(|pin| pin.version == now.version);
    let reason = same.or(former.last()).and_then(|pin| pin.reason.clone());
    let renewed = PackagePin { reason, ..now.clone() };
    match same {
        Some(&old) if (PackagePin { seen: old.seen.clone(), ..renewed.clone() }) == *old => {
            old.clone()
        }
        _ => renewed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(name: &str, version: &str, hash: &str, runs: bool) -> PackagePin {
        PackagePin {
            ecosystem: "npm".to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            sha256: Some(hash.repeat(64)),
            runs_on_install: Some(runs),
            seen: "2026-01-01".to_owned(),
            reason: None,
        }
    }

    #[test]
    fn what_the_lock_chose_is_renewed_and_other_bytes_or_new_code_are_held() {
        let old = [
            pin("bytes", "1", "a", false),
            pin("gone", "1", "a", false),
            pin("script", "1", "a", false),
            pin("same", "1", "a", true),
            pin("up", "1", "a", true),
        ];
        let today = |pin: PackagePin| PackagePin { seen: "2026-06-01".to_owned(), ..pin };
        let now = [
            pin("bytes", "1", "b", false),
            pin("new", "1", "a", true),
            pin("same", "1", "a", true),
            pin("script", "2", "b", true),
            pin("up", "2", "b", true),
        ]
        .map(today);
        let renewal = renew_packages(&old, &now);
        assert_eq!(renewal.added, ["npm:new"]);
        assert_eq!(renewal.renewed, ["npm:up"]);
        assert_eq!(renewal.removed, ["npm:gone"]);
        assert_eq!(renewal.held, ["npm:bytes", "npm:script"]);
        let kept = |name: &str| renewal.pins.iter().find(|pin| pin.name == name).unwrap();
        assert_eq!(kept("same"), &old[3], "the day stays");
        assert_eq!(kept("script"), &old[2]);
        let mut pins = renewal.pins;
        assert!(accept_package(&mut pins, &now, "script", "read the script"));
        assert!(!accept_package(&mut pins, &now, "nobody", "x"));
        let accepted = pins.iter().find(|pin| pin.name == "script").unwrap();
        assert_eq!(
            (accepted.version.as_str(), accepted.reason.as_deref()),
            ("2", Some("read the script"))
        );
    }
}
