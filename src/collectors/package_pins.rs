//! Group `package_pin`: what is different from the package that the project accepted in `custody.lock`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Measured, PackagePin, Pins};

/// Name of the group.
pub const GROUP: &str = "package_pin";

/// What changed since a package was pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PackagePinFacts {
    /// There is no pin of this package. Source: custody.lock, as everything of the state before.
    pub new_to_you: bool,
    /// Day of the pin, `YYYY-MM-DD`.
    pub seen: Measured<String>,
    /// Version that was pinned.
    pub pinned_version: Measured<String>,
    /// The locked version is another one.
    pub version_changed: Measured<bool>,
    /// The same version has another SHA-256 now.
    pub bytes_changed: Measured<bool>,
    /// It runs code of its own when it is installed, and the pinned version did not.
    pub runs_on_install_added: Measured<bool>,
    /// Why the last change was accepted; empty where no reason was given.
    pub accepted_reason: String,
}

/// Compares a package with its pin: that of the same version, else the newest.
#[must_use]
pub fn package_pin_facts(pins: &Pins, now: &PackagePin) -> PackagePinFacts {
    let same_name = |pin: &&PackagePin| pin.ecosystem == now.ecosystem && pin.name == now.name;
    let of_name = || pins.packages.iter().filter(same_name);
    let exact = of_name().find(|pin| pin.version == now.version);
    let Some(pin) = exact.or_else(|| of_name().max_by(|a, b| a.seen.cmp(&b.seen))) else {
        let none = || "there is no pin of this package".to_owned();
        return PackagePinFacts {
            new_to_you: true,
            seen: Measured::Unknown(none()),
            pinned_version: Measured::Unknown(none()),
            version_changed: Measured::Unknown(none()),
            bytes_changed: Measured::Unknown(none()),
            runs_on_install_added: Measured::Unknown(none()),
            accepted_reason: String::new(),
        };
    };
    let same = pin.version == now.version;
    let bytes_changed = match (&pin.sha256, &now.sha256) {
        _ if !same => Measured::Known(false),
        (Some(before), Some(after)) => Measured::Known(before != after),
        _ => Measured::unknown("the hash was not known then, or is not now"),
    };
    let runs_on_install_added = match (pin.runs_on_install, now.runs_on_install) {
        (Some(before), Some(after)) => Measured::Known(after && !before),
        _ => Measured::unknown("whether it runs code was not known then, or is not now"),
    };
    PackagePinFacts {
        new_to_you: false,
        seen: Measured::Known(pin.seen.clone()),
        pinned_version: Measured::Known(pin.version.clone()),
        version_changed: Measured::Known(!same),
        bytes_changed,
        runs_on_install_added,
        accepted_reason: pin.reason.clone().unwrap_or_else(String::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(version: &str, hash: &str, runs: bool) -> PackagePin {
        PackagePin {
            ecosystem: "python".to_owned(),
            name: "x".to_owned(),
            version: version.to_owned(),
            sha256: Some(hash.repeat(64)),
            runs_on_install: Some(runs),
            seen: "2026-11-01".to_owned(),
            reason: None,
        }
    }

    #[test]
    fn other_bytes_of_one_version_and_new_code_at_install_are_told() {
        let pins = Pins { packages: vec![pin("1", "a", false)], ..Pins::default() };
        let told = |now: &PackagePin| {
            let facts = package_pin_facts(&pins, now);
            (facts.bytes_changed, facts.runs_on_install_added)
        };
        let known = |a, b| (Measured::Known(a), Measured::Known(b));
        assert_eq!(told(&pin("1", "a", false)), known(false, false));
        assert_eq!(told(&pin("1", "b", false)), known(true, false));
        assert_eq!(told(&pin("2", "b", true)), known(false, true));
        let other = PackagePin { ecosystem: "npm".to_owned(), ..pin("1", "b", true) };
        assert!(package_pin_facts(&pins, &other).new_to_you);
        let open = PackagePin { sha256: None, runs_on_install: None, ..pin("1", "a", false) };
        let (bytes, runs) = told(&open);
        assert!(bytes.known().is_none() && runs.known().is_none());
    }
}
