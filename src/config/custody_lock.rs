//! `custody.lock`: what the project has accepted, one block a crate or model, kept under version control.
//!
//! Sorted and written the same way each time, so that a diff shows what changed hands and nothing else.
//! Read strictly: a key that is not known, a block that stands twice or a merge conflict is an error
//! with its line, because a pin that is silently not read accepts everything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::error::{At, ConfigError};
use super::section::{Document, Section};
use crate::domain::{BuildPin, CratePin, ModelPin, PackagePin, PinnedFile, Pins};

/// Name of the file, beside `Cargo.lock`.
pub const LOCK_FILE: &str = "custody.lock";
/// Longest file that is read, in bytes.
pub const LOCK_LIMIT: usize = 64 * 1024 * 1024;
/// Value of `build-code` where nothing runs.
const NOTHING: &str = "none";
/// Version of the file's layout.
const VERSION: i64 = 1;

const HEAD: &str = "\
# What this project has accepted: who could publish its crates and models on the day they were looked
# at. Written by `cargo custody pin`; accept one change with `cargo custody pin --update NAME --reason TEXT`.
version = 1
";

/// Reads the text of a `custody.lock`; `file` is its name in errors.
///
/// # Errors
/// [`ConfigError`], with line and column.
pub fn parse_pins(text: &str, file: &str) -> Result<Pins, ConfigError> {
    if text.len() > LOCK_LIMIT {
        return Err(ConfigError::TooLarge {
            file: file.to_owned(),
            size: text.len() as u64,
            limit: LOCK_LIMIT as u64,
        });
    }
    let document = Document { file, text };
    if let Some(line) = conflict(text) {
        let at = At { file: file.to_owned(), line, column: 1 };
        let message = "an unresolved merge conflict".to_owned();
        return Err(ConfigError::Syntax { at, message });
    }
    let table = document.parse()?;
    let top = Section::new(document, "", table.get_ref(), table.span());
    top.only(&["version", "crate", "model", "package"])?;
    check_version(&top)?;
    let mut pins = Pins::default();
    let mut places = BTreeMap::new();
    for section in top.tables("crate")? {
        let pin = crate_pin(&section)?;
        let place = section.at();
        unique(&mut places, ("crate", pin.name.clone(), pin.version.clone()), place)?;
        pins.crates.push(pin);
    }
    for section in top.tables("model")? {
        let pin = model_pin(&section)?;
        let place = section.at();
        unique(&mut places, ("model", pin.repository.clone(), pin.revision.clone()), place)?;
        pins.models.push(pin);
    }
    for section in top.tables("package")? {
        let pin = package_pin(&section)?;
        let name = format!("{}:{}", pin.ecosystem, pin.name);
        unique(&mut places, ("package", name, pin.version.clone()), section.at())?;
        pins.packages.push(pin);
    }
    sort(&mut pins);
    Ok(pins)
}

/// Line of the first conflict marker.
fn conflict(text: &str) -> Option<u32> {
    let marker = |line: &str| ["<<<<<<< ", ">>>>>>> "].iter().any(|m| line.starts_with(m));
    let at = text.lines().position(|line| marker(line) || line == "=======")?;
    u32::try_from(at + 1).ok()
}

fn check_version(top: &Section<'_>) -> Result<(), ConfigError> {
    match top.number("version")? {
        Some(told) if told.value == VERSION => Ok(()),
        Some(told) => Err(Section::problem(
            told.at,
            "version",
            format!("must be {VERSION}; a newer cargo-custody wrote this file"),
        )),
        None => Err(Section::problem(top.at(), "version", format!("must be there, as {VERSION}"))),
    }
}

fn unique(
    seen: &mut BTreeMap<(&'static str, String, String), u32>,
    key: (&'static str, String, String),
    at: At,
) -> Result<(), ConfigError> {
    let line = at.line;
    let name = key.1.clone();
    match seen.insert(key, line) {
        Some(first) => Err(Section::problem(
            at,
            "name",
            format!(
                "`{}` is pinned twice, first on line {first}",
                crate::domain::text::shown(&name)
            ),
        )),
        None => Ok(()),
    }
}

fn crate_pin(section: &Section<'_>) -> Result<CratePin, ConfigError> {
    section.only(&[
        "name",
        "version",
        "sha256",
        "owners",
        "publishers",
        "trusted-publishing",
        "seen",
        "reason",
        "build-code",
        "build-files",
        "build-can",
    ])?;
    Ok(CratePin {
        name: section.required("name")?.value.to_owned(),
        version: section.required("version")?.value.to_owned(),
        sha256: sha256(section)?,
        owners: logins(section, "owners")?,
        publishers: logins(section, "publishers")?,
        trusted_publishing: section.flag("trusted-publishing")?,
        seen: seen(section)?,
        reason: section.text("reason")?.map(|told| told.value.to_owned()),
        build: build_pin(section)?,
    })
}

/// What runs at build time; files and abilities mean nothing without the hash.
fn build_pin(section: &Section<'_>) -> Result<Option<BuildPin>, ConfigError> {
    let sha256 = match section.text("build-code")? {
        None => return Ok(None),
        Some(told) if told.value == NOTHING => None,
        Some(_) => hash(section, "build-code")?,
    };
    let listed = |key| Ok::<_, ConfigError>(logins(section, key)?.unwrap_or_default());
    Ok(Some(BuildPin { sha256, files: listed("build-files")?, can: listed("build-can")? }))
}

fn model_pin(section: &Section<'_>) -> Result<ModelPin, ConfigError> {
    section.only(&[
        "repository",
        "revision",
        "files",
        "committers",
        "namespace",
        "signer",
        "signed",
        "seen",
        "reason",
    ])?;
    let mut files = Vec::new();
    for entry in section.tables("files")? {
        entry.only(&["path", "sha256", "imports"])?;
        let path = entry.required("path")?.value.to_owned();
        let Some(sha256) = sha256(&entry)? else {
            return Err(ConfigError::Missing {
                at: entry.at(),
                section: "model.files".to_owned(),
                key: "sha256",
            });
        };
        files.push(PinnedFile { path, sha256, imports: logins(&entry, "imports")? });
    }
    files.sort();
    Ok(ModelPin {
        repository: section.required("repository")?.value.to_owned(),
        revision: section.required("revision")?.value.to_owned(),
        files,
        committers: logins(section, "committers")?,
        namespace: section.text("namespace")?.map(|told| told.value.to_owned()),
        signer: signer(section)?,
        seen: seen(section)?,
        reason: section.text("reason")?.map(|told| told.value.to_owned()),
    })
}

fn package_pin(section: &Section<'_>) -> Result<PackagePin, ConfigError> {
    section.only(&[
        "ecosystem",
        "name",
        "version",
        "sha256",
        "runs-on-install",
        "seen",
        "reason",
    ])?;
    Ok(PackagePin {
        ecosystem: section.required("ecosystem")?.value.to_owned(),
        name: section.required("name")?.value.to_owned(),
        // A list that asks for any version pins none.
        version: section.text("version")?.map_or_else(String::new, |told| told.value.to_owned()),
        sha256: sha256(section)?,
        runs_on_install: section.flag("runs-on-install")?,
        seen: seen(section)?,
        reason: section.text("reason")?.map(|told| told.value.to_owned()),
    })
}

/// `signed = false` says that nobody had signed; absent is not known.
fn signer(section: &Section<'_>) -> Result<Option<String>, ConfigError> {
    let nobody = section.flag("signed")? == Some(false);
    let named = section.text("signer")?.map(|told| told.value.to_owned());
    Ok(named.or(nobody.then(String::new)))
}

fn seen(section: &Section<'_>) -> Result<String, ConfigError> {
    match section.day("seen")? {
        Some(day) => Ok(day),
        None => section.required("seen").map(|told| told.value.to_owned()),
    }
}

fn sha256(section: &Section<'_>) -> Result<Option<String>, ConfigError> {
    hash(section, "sha256")
}

fn hash(section: &Section<'_>, key: &'static str) -> Result<Option<String>, ConfigError> {
    let Some(told) = section.text(key)? else { return Ok(None) };
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if told.value.len() == 64 && told.value.bytes().all(hex) {
        Ok(Some(told.value.to_owned()))
    } else {
        Err(Section::problem(told.at, key, "must be 64 lower-case hexadecimal digits"))
    }
}

/// A list of names; absent is not empty.
fn logins(section: &Section<'_>, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
    if !section.has(key) {
        return Ok(None);
    }
    let mut logins: Vec<String> =
        section.texts(key)?.into_iter().map(|told| told.value.to_owned()).collect();
    logins.sort();
    logins.dedup();
    Ok(Some(logins))
}

fn sort(pins: &mut Pins) {
    pins.crates.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    pins.models.sort_by(|a, b| (&a.repository, &a.revision).cmp(&(&b.repository, &b.revision)));
    pins.packages.sort_by(|a, b| {
        (&a.ecosystem, &a.name, &a.version).cmp(&(&b.ecosystem, &b.name, &b.version))
    });
}

/// The text of the file: the same for the same pins.
#[must_use]
pub fn write_pins(pins: &Pins) -> String {
    let mut pins = pins.clone();
    sort(&mut pins);
    let mut out = HEAD.to_owned();
    for pin in &pins.crates {
        out.push_str("\n[[crate]]\n");
        line(&mut out, "name", &pin.name);
        line(&mut out, "version", &pin.version);
        optional(&mut out, "sha256", pin.sha256.as_ref());
        list(&mut out, "owners", pin.owners.as_ref());
        list(&mut out, "publishers", pin.publishers.as_ref());
        if let Some(trusted) = pin.trusted_publishing {
            let _ = writeln!(out, "trusted-publishing = {trusted}");
        }
        if let Some(build) = &pin.build {
            line(&mut out, "build-code", build.sha256.as_deref().unwrap_or(NOTHING));
            list(&mut out, "build-files", Some(&build.files).filter(|files| !files.is_empty()));
            list(&mut out, "build-can", Some(&build.can).filter(|can| !can.is_empty()));
        }
        line(&mut out, "seen", &pin.seen);
        optional(&mut out, "reason", pin.reason.as_ref());
    }
    for pin in &pins.models {
        out.push_str("\n[[model]]\n");
        line(&mut out, "repository", &pin.repository);
        line(&mut out, "revision", &pin.revision);
        list(&mut out, "committers", pin.committers.as_ref());
        optional(&mut out, "namespace", pin.namespace.as_ref());
        match pin.signer.as_deref() {
            Some("") => out.push_str("signed = false\n"),
            _ => optional(&mut out, "signer", pin.signer.as_ref()),
        }
        line(&mut out, "seen", &pin.seen);
        optional(&mut out, "reason", pin.reason.as_ref());
        for file in &pin.files {
            out.push_str("[[model.files]]\n");
            line(&mut out, "path", &file.path);
            line(&mut out, "sha256", &file.sha256);
            list(&mut out, "imports", file.imports.as_ref());
        }
    }
    for pin in &pins.packages {
        out.push_str("\n[[package]]\n");
        line(&mut out, "ecosystem", &pin.ecosystem);
        line(&mut out, "name", &pin.name);
        if !pin.version.is_empty() {
            line(&mut out, "version", &pin.version);
        }
        optional(&mut out, "sha256", pin.sha256.as_ref());
        if let Some(runs) = pin.runs_on_install {
            let _ = writeln!(out, "runs-on-install = {runs}");
        }
        line(&mut out, "seen", &pin.seen);
        optional(&mut out, "reason", pin.reason.as_ref());
    }
    out
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key} = {}", quoted(value));
}

fn optional(out: &mut String, key: &str, value: Option<&String>) {
    if let Some(value) = value {
        line(out, key, value);
    }
}

/// One name a line, so that a diff shows who came and who went.
fn list(out: &mut String, key: &str, values: Option<&Vec<String>>) {
    let Some(values) = values else { return };
    let mut values = values.clone();
    values.sort();
    values.dedup();
    let _ = match &values[..] {
        [] => writeln!(out, "{key} = []"),
        [one] => writeln!(out, "{key} = [{}]", quoted(one)),
        many => {
            let lines: Vec<String> = many.iter().map(|value| quoted(value)).collect();
            writeln!(out, "{key} = [\n    {},\n]", lines.join(",\n    "))
        }
    };
}

/// A TOML basic string on one line: whatever a stranger calls themselves stays inside the quotes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() || crate::domain::text::is_hidden(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What a renewal of the pins did, by crate name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewal {
    /// The pins afterwards.
    pub pins: Pins,
    /// Crates that had no pin.
    pub added: Vec<String>,
    /// Crates of another version than before, in the same hands.
    pub renewed: Vec<String>,
    /// Crates that are no longer in the graph.
    pub removed: Vec<String>,
    /// Crates that changed hands, or the code that they run at build time: their pins stay as they were until each is accepted with a reason.
    pub held: Vec<String>,
}

/// Renews the crates' pins to what is there now, except where something changed hands. A block that did
/// not change keeps its day and reason. Models are left as they are.
#[must_use]
pub fn renew(old: &Pins, now: &[CratePin]) -> Renewal {
    let (before, after) = (by_name(&old.crates), by_name(now));
    let mut renewal = Renewal::default();
    renewal.pins.models.clone_from(&old.models);
    renewal.pins.packages.clone_from(&old.packages);
    renewal.removed =
        before.keys().filter(|name| !after.contains_key(*name)).map(ToString::to_string).collect();
    for (name, blocks) in after {
        let Some(former) = before.get(name) else {
            renewal.added.push(name.to_owned());
            renewal.pins.crates.extend(blocks.into_iter().cloned());
            continue;
        };
        if blocks.iter().any(|block| changed_hands(former, block)) {
            renewal.held.push(name.to_owned());
            renewal.pins.crates.extend(former.iter().map(|&pin| pin.clone()));
            continue;
        }
        let kept: Vec<CratePin> = blocks.iter().map(|block| unchanged(former, block)).collect();
        if kept.iter().any(|pin| !former.contains(&pin)) {
            renewal.renewed.push(name.to_owned());
        }
        renewal.pins.crates.extend(kept);
    }
    sort(&mut renewal.pins);
    renewal
}

/// Accepts one crate as it is now, for a reason that stays in the file. Says whether the crate is there.
#[must_use]
pub fn accept(pins: &mut Pins, now: &[CratePin], name: &str, reason: &str) -> bool {
    let blocks: Vec<CratePin> = now
        .iter()
        .filter(|pin| pin.name == name)
        .map(|pin| CratePin { reason: Some(reason.to_owned()), ..pin.clone() })
        .collect();
    if blocks.is_empty() {
        return false;
    }
    pins.crates.retain(|pin| pin.name != name);
    pins.crates.extend(blocks);
    sort(pins);
    true
}

fn by_name(pins: &[CratePin]) -> BTreeMap<&str, Vec<&CratePin>> {
    let mut names: BTreeMap<&str, Vec<&CratePin>> = BTreeMap::new();
    for pin in pins {
        names.entry(&pin.name).or_default().push(pin);
    }
    names
}

/// Whether a block shows other hands, other code at build time, or other bytes under the same version, than all
/// of the former.
/// What is not known now cannot show a change, and is not accepted over what was known.
fn changed_hands(former: &[&CratePin], now: &CratePin) -> bool {
    let differs = |old: &&CratePin| {
        let set = |a: &Option<Vec<String>>, b: &Option<Vec<String>>| match (a, b) {
            (Some(a), Some(b)) => a != b,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let newcomers = match (&old.publishers, &now.publishers) {
            (Some(a), Some(b)) => b.iter().any(|login| !a.contains(login)),
            (Some(_), None) => true,
            (None, _) => false,
        };
        let bytes = old.version == now.version && old.sha256.is_some() && old.sha256 != now.sha256;
        let lost = old.trusted_publishing == Some(true) && now.trusted_publishing != Some(true);
        let build =
            old.build.is_some() && old.build.as_ref().map(code) != now.build.as_ref().map(code);
        set(&old.owners, &now.owners) || newcomers || bytes || lost || build
    };
    let same_version = former.iter().find(|old| old.version == now.version);
    same_version.or(former.last()).is_some_and(differs)
}

/// What tells build code from other build code.
fn code(build: &BuildPin) -> Option<&str> {
    build.sha256.as_deref()
}

/// The block with the former's day and reason where nothing but these would change.
fn unchanged(former: &[&CratePin], now: &CratePin) -> CratePin {
    let same_version = former.iter().find(|old| old.version == now.version);
    let reason = same_version.or(former.last()).and_then(|old| old.reason.clone());
    let renewed = CratePin { reason, ..now.clone() };
    match same_version {
        Some(&old) if (CratePin { seen: old.seen.clone(), ..renewed.clone() }) == *old => {
            old.clone()
        }
        _ => renewed,
    }
}

#[cfg(test)]
#[path = "custody_lock_tests.rs"]
mod tests;
