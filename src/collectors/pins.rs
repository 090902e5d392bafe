//! Group `pin`: what is different from what the project accepted in `custody.lock`.
//!
//! Compares two states, each with its day; works offline from whatever custody data is at hand, and
//! what is not known on either side is unknown. A crate without a pin is new to the project, which is
//! no fault of the crate.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{BuildPin, CratePin, Measured, ModelPin, PinnedFile, Pins};

use super::build_code::BuildFacts;
use super::custody::{
    Account, AccountKind, CrateCustody, CustodyFacts, Owner, SourceKind, Stamp, days_between,
};

/// Name of the group of crates.
pub const GROUP: &str = "pin";
/// Name of the group of models.
pub const MODEL_GROUP: &str = "model_pin";
/// Most imports that are told as new.
const IMPORTS_LIMIT: usize = 200;
/// Most entries of any list that rules see.
const LIST_LIMIT: usize = 2_000;

/// What changed since the crate was pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PinFacts {
    /// There is no pin of this crate. Source: custody.lock, as everything of the state before.
    pub new_to_you: bool,
    /// Day of the pin, `YYYY-MM-DD`.
    pub seen: Measured<String>,
    /// Age of the pin in days.
    pub seen_days: Measured<i64>,
    /// Day of the owner list that it is compared with, `YYYY-MM-DD`. Source: group `custody`.
    pub compared_with: Measured<String>,
    /// Version that was pinned.
    pub pinned_version: Measured<String>,
    /// The locked version is another one.
    pub version_changed: Measured<bool>,
    /// The archive of the same version has another SHA-256 now. Source: Cargo.lock.
    pub archive_changed: Measured<bool>,
    /// SHA-256 of the pinned archive, lower-case hexadecimal.
    pub archive_before: Measured<String>,
    /// Owners at the time of the pin, ordered.
    pub owners_before: Measured<Vec<String>>,
    /// Owners now who were none then, ordered. Source: group `custody`.
    pub owners_added: Measured<Vec<String>>,
    /// Owners then who are none now, ordered.
    pub owners_removed: Measured<Vec<String>>,
    /// Accounts that published within 24 months and had not at the time of the pin, ordered.
    pub publishers_added: Measured<Vec<String>>,
    /// A trusted workflow published the pinned version, an account published this one.
    pub trusted_publishing_lost: Measured<bool>,
    /// Owners or publishers came or went, trusted publishing was lost, or the archive changed.
    pub changed_hands: Measured<bool>,
    /// Why the last change was accepted; empty where no reason was given.
    pub accepted_reason: String,
    /// The code that runs at build time is other than the pinned one, of whatever version; unknown where it was
    /// not pinned. Source: custody.lock and group `build`, as of the rest.
    pub build_code_changed: Measured<bool>,
    /// SHA-256 over the pinned code that runs at build time; empty where nothing ran.
    pub build_code_before: Measured<String>,
    /// The same of now.
    pub build_code_now: Measured<String>,
    /// Files of that code that the pin does not have, ordered.
    pub build_files_added: Measured<Vec<String>>,
    /// Files of the pin that are gone, ordered.
    pub build_files_removed: Measured<Vec<String>>,
    /// What that code can do and could not when it was pinned, in the words of `build.capability_names`.
    pub build_capabilities_gained: Measured<Vec<String>>,
}

/// The code of a crate that runs at build time, as a pin has it.
#[must_use]
pub fn build_pin(build: &BuildFacts) -> BuildPin {
    let mut files = build.files.clone();
    files.sort();
    files.truncate(LIST_LIMIT);
    let names = build.capability_names.iter();
    let mut can: Vec<String> = names.map(|capability| capability.as_str().to_owned()).collect();
    can.sort();
    let sha256 = Some(build.inputs_sha256.clone()).filter(|hash| !hash.is_empty());
    BuildPin { sha256, files, can }
}

/// Compares a locked crate with its pin.
#[must_use]
pub fn pin_facts(
    pins: &Pins,
    name: &str,
    version: &str,
    sha256: Option<&str>,
    (custody, build): (&CustodyFacts, &Measured<BuildPin>),
    as_of: Date,
) -> PinFacts {
    let Some(pin) = pin_of(&pins.crates, name, version) else { return new_to_you() };
    let pinned = |text: &Option<String>| known(text.clone(), "the pin does not have it");
    let now = custody.owners.clone().map(|owners| owners.into_iter().map(|o| o.login).collect());
    let before = known(pin.owners.clone(), "the owners were not known when it was pinned");
    let publishers =
        custody.publishers.clone().map(|all| all.into_iter().map(|p| p.login).collect());
    let published = known(pin.publishers.clone(), "the publishers were not known then");
    let mut facts = PinFacts {
        new_to_you: false,
        seen: Measured::Known(pin.seen.clone()),
        seen_days: age(&pin.seen, as_of),
        compared_with: custody.data_age_days.clone().and_then(|days| day_before(as_of, days)),
        pinned_version: Measured::Known(pin.version.clone()),
        version_changed: Measured::Known(pin.version != version),
        archive_changed: archive_changed(pin, version, sha256),
        archive_before: pinned(&pin.sha256),
        owners_added: minus(&now, &before),
        owners_removed: minus(&before, &now),
        owners_before: before,
        publishers_added: minus(&publishers, &published),
        trusted_publishing_lost: trusted_lost(pin, custody),
        changed_hands: Measured::Known(false),
        accepted_reason: pin.reason.clone().unwrap_or_else(String::new),
        ..new_to_you()
    };
    facts.changed_hands = changed_hands(&facts);
    of_build(&mut facts, pin, build);
    facts
}

/// What changed of the code that runs at build time.
fn of_build(facts: &mut PinFacts, pin: &CratePin, now: &Measured<BuildPin>) {
    let before = known(pin.build.clone(), "the code that runs at build time was not pinned");
    let hash = |build: &BuildPin| build.sha256.as_ref().map_or_else(String::new, Clone::clone);
    facts.build_code_before = before.as_ref().map(hash);
    facts.build_code_now = before.clone().and_then(|_| now.as_ref().map(hash));
    let both = facts.build_code_before.clone();
    facts.build_code_changed =
        both.and_then(|before| facts.build_code_now.clone().map(|now| now != before));
    let files = |build: &Measured<BuildPin>| build.as_ref().map(|build| build.files.clone());
    let can = |build: &Measured<BuildPin>| build.as_ref().map(|build| build.can.clone());
    facts.build_files_added = minus(&files(now), &files(&before));
    facts.build_files_removed = minus(&files(&before), &files(now));
    facts.build_capabilities_gained = minus(&can(now), &can(&before));
}

/// The pin of that version; else that of another version of the crate, the last by order.
fn pin_of<'p>(pins: &'p [CratePin], name: &str, version: &str) -> Option<&'p CratePin> {
    let mut of_name = pins.iter().filter(|pin| pin.name == name);
    of_name.clone().find(|pin| pin.version == version).or_else(|| of_name.next_back())
}

fn new_to_you() -> PinFacts {
    let none = || "there is no pin of this crate".to_owned();
    PinFacts {
        new_to_you: true,
        seen: Measured::Unknown(none()),
        seen_days: Measured::Unknown(none()),
        compared_with: Measured::Unknown(none()),
        pinned_version: Measured::Unknown(none()),
        version_changed: Measured::Unknown(none()),
        archive_changed: Measured::Unknown(none()),
        archive_before: Measured::Unknown(none()),
        owners_before: Measured::Unknown(none()),
        owners_added: Measured::Unknown(none()),
        owners_removed: Measured::Unknown(none()),
        publishers_added: Measured::Unknown(none()),
        trusted_publishing_lost: Measured::Unknown(none()),
        changed_hands: Measured::Unknown(none()),
        accepted_reason: String::new(),
        build_code_changed: Measured::Unknown(none()),
        build_code_before: Measured::Unknown(none()),
        build_code_now: Measured::Unknown(none()),
        build_files_added: Measured::Unknown(none()),
        build_files_removed: Measured::Unknown(none()),
        build_capabilities_gained: Measured::Unknown(none()),
    }
}

fn known<T>(value: Option<T>, reason: &str) -> Measured<T> {
    value.map_or_else(|| Measured::unknown(reason), Measured::Known)
}

fn age(day: &str, as_of: Date) -> Measured<i64> {
    match day.parse::<Date>() {
        Ok(day) => Measured::Known(days_between(day, as_of)),
        Err(error) => Measured::Unknown(format!("the pin's day: {error}")),
    }
}

fn day_before(as_of: Date, days: i64) -> Measured<String> {
    match as_of.checked_sub(jiff::Span::new().days(days)) {
        Ok(day) => Measured::Known(day.to_string()),
        Err(error) => Measured::Unknown(error.to_string()),
    }
}

fn archive_changed(pin: &CratePin, version: &str, sha256: Option<&str>) -> Measured<bool> {
    if pin.version != version {
        return Measured::Known(false);
    }
    match (&pin.sha256, sha256) {
        (Some(before), Some(now)) => Measured::Known(before != now),
        (None, _) => Measured::unknown("the pin has no archive hash"),
        (_, None) => Measured::unknown("the lockfile has no archive hash"),
    }
}

fn trusted_lost(pin: &CratePin, custody: &CustodyFacts) -> Measured<bool> {
    match pin.trusted_publishing {
        Some(true) => custody.published_by_workflow.clone().map(|by_workflow| !by_workflow),
        Some(false) => Measured::Known(false),
        None => Measured::unknown("how it was published was not known when it was pinned"),
    }
}

/// Those of `a` that are not in `b`, ordered.
fn minus(a: &Measured<Vec<String>>, b: &Measured<Vec<String>>) -> Measured<Vec<String>> {
    a.clone().and_then(|a| {
        b.clone().map(|b| {
            let b: BTreeSet<String> = b.into_iter().collect();
            let a: BTreeSet<String> = a.into_iter().filter(|login| !b.contains(login)).collect();
            a.into_iter().take(LIST_LIMIT).collect()
        })
    })
}

/// True where something changed for certain, false where nothing did, unknown in between.
fn changed_hands(facts: &PinFacts) -> Measured<bool> {
    let some = |list: &Measured<Vec<String>>| list.as_ref().map(|list| !list.is_empty());
    let questions = [
        some(&facts.owners_added),
        some(&facts.owners_removed),
        some(&facts.publishers_added),
        facts.trusted_publishing_lost.clone(),
        facts.archive_changed.clone(),
    ];
    if questions.contains(&Measured::Known(true)) {
        return Measured::Known(true);
    }
    questions
        .into_iter()
        .find(|question| question.known().is_none())
        .unwrap_or(Measured::Known(false))
}

/// The pin that accepts a crate as it is now.
#[must_use]
pub fn crate_pin(
    name: &str,
    version: &str,
    sha256: Option<&str>,
    custody: &CustodyFacts,
    as_of: Date,
) -> CratePin {
    let seen = custody.data_age_days.clone().and_then(|days| day_before(as_of, days));
    CratePin {
        name: name.to_owned(),
        version: version.to_owned(),
        sha256: sha256.map(str::to_owned),
        owners: custody.owners.known().map(|all| all.iter().map(|o| o.login.clone()).collect()),
        publishers: custody
            .publishers
            .known()
            .map(|all| all.iter().map(|p| p.login.clone()).collect()),
        trusted_publishing: custody.published_by_workflow.known().copied(),
        // The day of the data: a pin must not look fresher than what it copies.
        seen: seen.known().cloned().unwrap_or_else(|| as_of.to_string()),
        reason: None,
        build: None,
    }
}

/// A crate's pin as a source of custody data: who owned it on the day of the pin. What the pin has of
/// publishers has no dates, so it answers no question about releases.
#[must_use]
pub fn pinned_custody(pins: &Pins, name: &str) -> Option<CrateCustody> {
    let of_name = pins.crates.iter().filter(|pin| pin.name == name && pin.owners.is_some());
    let pin = of_name.max_by(|a, b| (&a.seen, &a.version).cmp(&(&b.seen, &b.version)))?;
    let taken: Timestamp = format!("{}T00:00:00Z", pin.seen).parse().ok()?;
    let mut row = CrateCustody::unknown(
        Stamp { taken, source: SourceKind::Pin },
        "a pin has no dates of releases",
    );
    let mut owners = Vec::new();
    for login in pin.owners.iter().flatten() {
        owners.push(Owner {
            account: u32::try_from(row.accounts.len()).ok()?,
            added: None,
            added_by: None,
        });
        row.accounts.push(Account {
            // Teams are written as `host:organisation:team`; no user's login has a colon.
            kind: if login.contains(':') { AccountKind::Team } else { AccountKind::User },
            id: 0,
            login: login.clone(),
            created: None,
            relinked: None,
        });
    }
    row.owners = Measured::Known(owners);
    Some(row)
}

/// What changed since a model was pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelPinFacts {
    /// There is no pin of this model. Source: custody.lock, as everything of the state before.
    pub new_to_you: bool,
    /// Day of the pin, `YYYY-MM-DD`.
    pub seen: Measured<String>,
    /// Age of the pin in days.
    pub seen_days: Measured<i64>,
    /// Revision that was pinned.
    pub pinned_revision: Measured<String>,
    /// The revision is another one.
    pub revision_changed: Measured<bool>,
    /// Files whose SHA-256 is another one, by path, at most 2,000.
    pub files_changed: Measured<Vec<String>>,
    /// Files that the pin does not have, by path, at most 2,000.
    pub files_added: Measured<Vec<String>>,
    /// Files that are gone, by path, at most 2,000.
    pub files_removed: Measured<Vec<String>>,
    /// Files changed, came or went although the revision is the same.
    pub changed_at_same_revision: Measured<bool>,
    /// Committers who were none at the time of the pin, ordered.
    pub committers_added: Measured<Vec<String>>,
    /// An organisation holds the namespace where a person did, or the other way round.
    pub namespace_kind_changed: Measured<bool>,
    /// Whom the signature claimed to be by; empty where nobody had signed.
    pub signer_before: Measured<String>,
    /// Somebody had signed it, and now it is somebody else or nobody. What signatures claim is not verified.
    pub signer_changed: Measured<bool>,
    /// Modules that its Python imports and did not, ordered; at most 200.
    pub imports_added: Measured<Vec<String>>,
    /// Why the last change was accepted; empty where no reason was given.
    pub accepted_reason: String,
}

/// A model as it is now.
#[derive(Clone, Debug)]
pub struct ModelState {
    /// Its files with their hashes.
    pub files: Measured<Vec<PinnedFile>>,
    /// Accounts that committed.
    pub committers: Measured<Vec<String>>,
    /// `organization` or `user`.
    pub namespace: Measured<String>,
    /// Whom its signature claims to be by; empty where nobody signed.
    pub signer: Measured<String>,
    /// Modules that its Python imports, sorted.
    pub imports: Measured<Vec<String>>,
}

/// Compares a model with its pin.
#[must_use]
pub fn model_pin_facts(
    pins: &Pins,
    repository: &str,
    revision: &str,
    now: &ModelState,
    as_of: Date,
) -> ModelPinFacts {
    let ModelState { files, committers, .. } = now;
    let mut of_name = pins.models.iter().filter(|pin| pin.repository == repository);
    let exact = of_name.clone().find(|pin| pin.revision == revision);
    let Some(pin) = exact.or_else(|| of_name.next_back()) else { return model_new_to_you() };
    let before = Measured::Known(pin.files.clone());
    let paths = |files: &Measured<Vec<PinnedFile>>| {
        files.clone().map(|files| files.into_iter().map(|file| file.path).collect::<Vec<_>>())
    };
    let changed = files.as_ref().map(|files| changed_files(pin, files));
    let added = minus(&paths(files), &paths(&before));
    let removed = minus(&paths(&before), &paths(files));
    let any = [&changed, &added, &removed]
        .into_iter()
        .try_fold(false, |any, list| list.known().map(|list| any || !list.is_empty()));
    let same = pin.revision == revision;
    ModelPinFacts {
        new_to_you: false,
        seen: Measured::Known(pin.seen.clone()),
        seen_days: age(&pin.seen, as_of),
        pinned_revision: Measured::Known(pin.revision.clone()),
        revision_changed: Measured::Known(!same),
        changed_at_same_revision: known(any, "the files of now are not known")
            .map(|any| any && same),
        files_changed: changed,
        files_added: added,
        files_removed: removed,
        committers_added: minus(
            committers,
            &known(pin.committers.clone(), "the committers were not known when it was pinned"),
        ),
        namespace_kind_changed: another(pin.namespace.as_ref(), &now.namespace),
        signer_changed: another(pin.signer.as_ref(), &now.signer)
            .map(|another| another && pin.signer.as_ref().is_some_and(|signer| !signer.is_empty())),
        signer_before: known(pin.signer.clone(), NOT_PINNED),
        imports_added: imports_added(pin, &now.imports),
        accepted_reason: pin.reason.clone().unwrap_or_else(String::new),
    }
}

/// Why a pin does not tell something: it was taken by an older version, or it was not known then.
const NOT_PINNED: &str = "it was not known when the model was pinned";

fn another(before: Option<&String>, now: &Measured<String>) -> Measured<bool> {
    match (before, now) {
        (Some(before), Measured::Known(now)) => Measured::Known(before != now),
        (None, _) => Measured::unknown(NOT_PINNED),
        (_, Measured::Unknown(reason)) => Measured::Unknown(reason.clone()),
    }
}

/// What is imported now and by no file of the pin; unknown where a pinned Python file was not read.
fn imports_added(pin: &ModelPin, now: &Measured<Vec<String>>) -> Measured<Vec<String>> {
    let python = |file: &&PinnedFile| file.path.rsplit('.').next() == Some("py");
    if pin.files.iter().filter(python).any(|file| file.imports.is_none()) {
        return Measured::unknown(NOT_PINNED);
    }
    let before: Vec<String> =
        pin.files.iter().filter_map(|file| file.imports.clone()).flatten().collect();
    let added = minus(now, &Measured::Known(before));
    added.map(|mut added| {
        added.truncate(IMPORTS_LIMIT);
        added
    })
}

fn changed_files(pin: &ModelPin, files: &[PinnedFile]) -> Vec<String> {
    let before: std::collections::BTreeMap<&str, &str> =
        pin.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    let changed: BTreeSet<&str> = files
        .iter()
        .filter(|file| before.get(file.path.as_str()).is_some_and(|hash| *hash != file.sha256))
        .map(|file| file.path.as_str())
        .collect();
    changed.into_iter().take(LIST_LIMIT).map(str::to_owned).collect()
}

fn model_new_to_you() -> ModelPinFacts {
    let none = || "there is no pin of this model".to_owned();
    ModelPinFacts {
        new_to_you: true,
        seen: Measured::Unknown(none()),
        seen_days: Measured::Unknown(none()),
        pinned_revision: Measured::Unknown(none()),
        revision_changed: Measured::Unknown(none()),
        files_changed: Measured::Unknown(none()),
        files_added: Measured::Unknown(none()),
        files_removed: Measured::Unknown(none()),
        changed_at_same_revision: Measured::Unknown(none()),
        committers_added: Measured::Unknown(none()),
        namespace_kind_changed: Measured::Unknown(none()),
        signer_before: Measured::Unknown(none()),
        signer_changed: Measured::Unknown(none()),
        imports_added: Measured::Unknown(none()),
        accepted_reason: String::new(),
    }
}

#[cfg(test)]
#[path = "pins_tests.rs"]
mod tests;
