//! The policy of a project: what fails a run, what is waived and why, what must be known.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use toml::de::DeTable;

use super::age::MinAge;
use super::error::{At, ConfigError};
use super::section::{Document, Section, Told};
use crate::domain::ledger::Acceptance;
use crate::domain::{Level, Location, RuleId, Waiver};

/// From which level findings fail the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// From this one on.
    At(Level),
    /// Never.
    Never,
}

impl Default for FailOn {
    fn default() -> Self {
        Self::At(Level::High)
    }
}

impl FailOn {
    /// The level, if there is one, as a report holds it.
    #[must_use]
    pub fn level(self) -> Option<Level> {
        match self {
            Self::At(level) => Some(level),
            Self::Never => None,
        }
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        level(text).map(Self::At).ok_or_else(|| format!("{}, never", level_words()))
    }
}

fn level(text: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|level| level.as_str() == text)
}

fn level_words() -> String {
    format!("must be one of {}", Level::ALL.map(Level::as_str).join(", "))
}

/// A rule or fact group that the policy names, to be held against those that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub at: At,
}

/// A model that the project uses without naming it in code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// `owner/name`, or one name for the old ones.
    pub id: String,
    /// Commit, branch or tag.
    pub revision: Option<String>,
    /// A file or folder of the project that holds it, with `/`.
    pub file: Option<String>,
    /// Where it is named: the `id` line.
    pub location: Location,
}

/// A package that may be younger than the cooldown asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempt {
    /// Name of the package.
    pub package: String,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub location: Location,
}

/// How old a release has to be before the lockfile may name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cooldown {
    /// For every registry without an own value.
    pub min_publish_age: MinAge,
    /// Registry name, as in Cargo's configuration, to its value.
    pub registries: BTreeMap<String, MinAge>,
    /// Packages that are exempt.
    pub exempt: Vec<Exempt>,
}

/// A valid policy. What it leaves open is `None` or empty; the command line goes before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// From which level findings fail the run.
    pub fail_on: Option<FailOn>,
    /// Lowest level that is shown.
    pub min_level: Option<Level>,
    /// Open no socket at all.
    pub offline: bool,
    /// Folders with further rules, relative to the project, with `/`.
    pub rules_dirs: Vec<String>,
    /// Registry dump or slim file with custody data, relative to the project, with `/`. It stands
    /// in the audited tree: a change under review can replace it like any other file.
    pub dump: Option<String>,
    /// Fetch the repositories of crates, to compare archives with: the same as `--repos auto`.
    pub fetch_repositories: bool,
    /// Fact groups without which the run is incomplete (exit code 3).
    pub require: Vec<Named>,
    /// Rules that are switched off.
    pub disabled: BTreeSet<RuleId>,
    /// Rules whose level is another one here.
    pub levels: BTreeMap<RuleId, Level>,
    /// Exceptions.
    pub waivers: Vec<Waiver>,
    /// Cooldown of new releases, if there is one.
    pub cooldown: Option<Cooldown>,
    /// Models that code does not name.
    pub models: Vec<ModelEntry>,
    /// Crates and models whose bytes may stay unread.
    pub accept_unread: Vec<Acceptance>,
    /// Every rule that the policy names, for [`Policy::check_names`].
    pub rules_named: Vec<Named>,
}

const KEYS: [&str; 13] = [
    "fail-on",
    "min-level",
    "offline",
    "rules",
    "dump",
    "repositories",
    "require",
    "disable",
    "level",
    "waiver",
    "cooldown",
    "model",
    "accept-unread",
];

impl Policy {
    /// Reads the text of a `custody.toml`; `file` is its name in errors and locations.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ConfigError> {
        let document = Document { file, text };
        let table = document.parse()?;
        Self::from_section(Section::new(document, "", table.get_ref(), 0..0))
    }

    /// Reads `[workspace.metadata.custody]` or `[package.metadata.custody]` of a `Cargo.toml`; none
    /// where there is neither.
    pub fn from_manifest(text: &str, file: &str) -> Result<Option<Self>, ConfigError> {
        let document = Document { file, text };
        let table = document.parse()?;
        let mut found: Option<(&str, Self)> = None;
        for (owner, name) in [
            ("workspace", "[workspace.metadata.custody]"),
            ("package", "[package.metadata.custody]"),
        ] {
            let Some(section) = metadata(document, table.get_ref(), owner) else { continue };
            let policy = Self::from_section(section)?;
            if let Some((first, _)) = found {
                return Err(ConfigError::Ambiguous {
                    first: format!("{file} {first}"),
                    second: format!("{file} {name}"),
                });
            }
            found = Some((name, policy));
        }
        Ok(found.map(|(_, policy)| policy))
    }

    fn from_section(top: Section<'_>) -> Result<Self, ConfigError> {
        top.only(&KEYS)?;
        let mut policy = Self {
            fail_on: parsed(&top, "fail-on")?,
            min_level: top
                .text("min-level")?
                .map(|told| level_of("min-level", &told))
                .transpose()?,
            offline: top.flag("offline")?.unwrap_or(false),
            dump: top.text("dump")?.map(|told| inside("dump", &told)).transpose()?,
            fetch_repositories: fetches(&top)?,
            require: top.texts("require")?.into_iter().map(Named::from).collect(),
            ..Self::default()
        };
        for told in top.texts("rules")? {
            policy.rules_dirs.push(inside("rules", &told)?);
        }
        for told in top.texts("disable")? {
            policy.disabled.insert(rule_id("disable", &told)?);
            policy.rules_named.push(told.into());
        }
        policy.read_levels(&top)?;
        for section in top.tables("waiver")? {
            policy.read_waiver(&section)?;
        }
        policy.cooldown = top.table("cooldown")?.map(|section| cooldown(&section)).transpose()?;
        for section in top.tables("model")? {
            policy.models.push(model(&section)?);
        }
        for section in top.tables("accept-unread")? {
            section.only(&["package", "reason", "expires"])?;
            policy.accept_unread.push(Acceptance {
                package: section.required("package")?.value.to_owned(),
                reason: section.required("reason")?.value.trim().to_owned(),
                expires: section.day("expires")?,
            });
        }
        Ok(policy)
    }

    /// `[level]`: rule id = level.
    fn read_levels(&mut self, top: &Section<'_>) -> Result<(), ConfigError> {
        let Some(section) = top.table("level")? else { return Ok(()) };
        for name in section.names() {
            let rule = rule_id("level", &name)?;
            if let Some(told) = section.text(name.value)? {
                self.levels.insert(rule, level_of(name.value, &told)?);
            }
            self.rules_named.push(name.into());
        }
        Ok(())
    }

    fn read_waiver(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.only(&["rule", "package", "version", "reason", "expires", "sha256"])?;
        let rule = section.required("rule")?;
        let sha256 = section.text_or_texts("sha256")?;
        for told in &sha256 {
            sha256_of(told)?;
        }
        self.waivers.push(Waiver {
            rule: rule_id("rule", &rule)?,
            package: section.required("package")?.value.to_owned(),
            version: section.text("version")?.map(|told| told.value.to_owned()),
            reason: section.required("reason")?.value.trim().to_owned(),
            expires: section.day("expires")?,
            sha256: sha256.into_iter().map(|told| told.value.to_owned()).collect(),
            location: rule.at.location(),
        });
        self.rules_named.push(rule.into());
        Ok(())
    }

    /// Holds the rules and fact groups that the policy names against those that exist.
    pub fn check_names(
        &self,
        rules: &BTreeSet<&str>,
        groups: &BTreeSet<&str>,
    ) -> Result<(), ConfigError> {
        let unknown = |named: &Named, what: &str, known: &BTreeSet<&str>| ConfigError::Unknown {
            at: named.at.clone(),
            what: what.to_owned(),
            name: named.name.clone(),
            known: known.iter().map(|&name| name.to_owned()).collect(),
        };
        if let Some(named) = self.rules_named.iter().find(|n| !rules.contains(n.name.as_str())) {
            return Err(unknown(named, "rule", rules));
        }
        if let Some(named) = self.require.iter().find(|n| !groups.contains(n.name.as_str())) {
            return Err(unknown(named, "fact group", groups));
        }
        Ok(())
    }
}

impl From<Told<&str>> for Named {
    fn from(told: Told<&str>) -> Self {
        Self { name: told.value.to_owned(), at: told.at }
    }
}

/// `[workspace.metadata.custody]` or `[package.metadata.custody]`.
fn metadata<'a>(
    document: Document<'a>,
    manifest: &'a DeTable<'a>,
    owner: &str,
) -> Option<Section<'a>> {
    let custody = manifest
        .get(owner)?
        .get_ref()
        .as_table()?
        .get("metadata")?
        .get_ref()
        .as_table()?
        .get("custody")?;
    Some(Section::new(document, "", custody.get_ref().as_table()?, custody.span()))
}

fn parsed<T: FromStr<Err = String>>(
    section: &Section<'_>,
    key: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(told) = section.text(key)? else { return Ok(None) };
    told.value.parse().map(Some).map_err(|problem| Section::problem(told.at, key, problem))
}

/// What the policy says of repositories.
fn fetches(top: &Section<'_>) -> Result<bool, ConfigError> {
    match top.text("repositories")? {
        None => Ok(false),
        Some(told) => match told.value {
            "fetch" => Ok(true),
            "never" => Ok(false),
            _ => Err(Section::problem(told.at, "repositories", "must be one of fetch, never")),
        },
    }
}

/// A level by its word.
pub(super) fn level_of(key: &str, told: &Told<&str>) -> Result<Level, ConfigError> {
    level(told.value).ok_or_else(|| Section::problem(told.at.clone(), key, level_words()))
}

/// Rule ids are kebab-case; anything else is a slip or an attempt at something.
fn rule_id(key: &str, told: &Told<&str>) -> Result<RuleId, ConfigError> {
    let kebab = told.value.len() <= 100
        && told.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if kebab {
        Ok(told.value.to_owned())
    } else {
        Err(Section::problem(told.at.clone(), key, "must name rules by their kebab-case ids"))
    }
}

fn sha256_of(told: &Told<&str>) -> Result<(), ConfigError> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if told.value.len() == 64 && told.value.bytes().all(hex) {
        Ok(())
    } else {
        let problem = "must be 64 lower-case hexadecimal digits";
        Err(Section::problem(told.at.clone(), "sha256", problem))
    }
}

/// A path that stays inside the project, its parts joined by `/`.
fn inside(key: &str, told: &Told<&str>) -> Result<String, ConfigError> {
    let wrong = || {
        let problem = "must be a path inside the project, with `/` between its parts";
        Section::problem(told.at.clone(), key, problem)
    };
    let hostile = |c: char| c == '\\' || c == ':' || c.is_control();
    if told.value.starts_with('/') || told.value.contains(hostile) {
        return Err(wrong());
    }
    let parts: Vec<&str> =
        told.value.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || parts.contains(&"..") || parts.contains(&".git") {
        return Err(wrong());
    }
    Ok(parts.join("/"))
}

fn cooldown(section: &Section<'_>) -> Result<Cooldown, ConfigError> {
    section.only(&["min-publish-age", "registries", "exempt"])?;
    let mut cooldown = Cooldown {
        min_publish_age: parsed(section, "min-publish-age")?.unwrap_or_default(),
        ..Cooldown::default()
    };
    if let Some(registries) = section.table("registries")? {
        for name in registries.names() {
            if let Some(age) = parsed(&registries, name.value)? {
                cooldown.registries.insert(name.value.to_owned(), age);
            }
        }
    }
    for entry in section.tables("exempt")? {
        entry.only(&["package", "reason"])?;
        let package = entry.required("package")?;
        cooldown.exempt.push(Exempt {
            package: package.value.to_owned(),
            reason: entry.required("reason")?.value.trim().to_owned(),
            location: package.at.location(),
        });
    }
    Ok(cooldown)
}

fn model(section: &Section<'_>) -> Result<ModelEntry, ConfigError> {
    section.only(&["id", "revision", "file"])?;
    let id = section.required("id")?;
    let word = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if id.value.split('/').count() > 2 || !id.value.split('/').all(word) {
        return Err(Section::problem(id.at, "id", "must be like `owner/name`"));
    }
    let revision = section.text("revision")?;
    if let Some(told) =
        revision.as_ref().filter(|told| !told.value.split('/').all(word) || told.value.len() > 200)
    {
        let problem = "must be a commit, a branch or a tag";
        return Err(Section::problem(told.at.clone(), "revision", problem));
    }
    Ok(ModelEntry {
        id: id.value.to_owned(),
        revision: revision.map(|told| told.value.to_owned()),
        file: section.text("file")?.map(|told| inside("file", &told)).transpose()?,
        location: id.at.location(),
    })
}

#[cfg(test)]
mod tests;
