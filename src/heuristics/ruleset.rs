//! All rules together: the embedded ones and those of the user, loaded, checked and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::condition::{Scope, did_you_mean};
use super::rates::Rates;
use super::rule::{RawRule, Rule};
use super::schema::FactSchema;
use crate::domain::rule::{RuleInfo, RuleKind};

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Largest rule file that is read, in bytes.
const MAX_RULE_FILE: u64 = 256 * 1024;
/// Most rule files below a user's rule folder.
const MAX_RULE_FILES: usize = 2_000;

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A file cannot be read.
    #[error("cannot read rules from {path}: {source}")]
    Read {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not the TOML of a rule.
    #[error("{file}: {source}")]
    Toml {
        /// The rule's file.
        file: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A rule that says something impossible.
    #[error("{file}:{line}: {problem}")]
    Rule {
        /// The rule's file.
        file: String,
        /// Line of the key at fault, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Too many or too large files.
    #[error(
        "{path}: more than {MAX_RULE_FILES} rule files, or one larger than {MAX_RULE_FILE} bytes"
    )]
    Limit {
        /// File or folder.
        path: PathBuf,
    },
}

/// The text of one rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Path, for messages; its last two parts give kind and id.
    pub path: String,
    /// Its TOML.
    pub text: String,
}

/// Tables under `rules/tables/` that conditions look things up in, as `tables.<name>`.
const LOOKUPS: [(&str, &str); 2] =
    [("known_bad", "known-bad.toml"), ("compromised_upstreams", "compromised-upstreams.toml")];

/// Checked rules, ordered by id, with the base rates of their signals.
#[derive(Debug)]
pub struct Ruleset {
    rules: BTreeMap<String, Rule>,
    disabled: BTreeSet<String>,
    tables: serde_json::Value,
    rates: Rates,
    schema: FactSchema,
}

/// The text of an embedded table under `rules/tables/`.
#[must_use]
pub fn embedded_table(name: &str) -> Option<&'static str> {
    let path = format!("rules/tables/{name}");
    RULE_FILES.iter().find(|(file, _)| *file == path).map(|(_, text)| *text)
}

/// The text of an embedded facts sheet, by its path from the root of the repository.
#[must_use]
pub fn embedded_facts(path: &str) -> Option<&'static str> {
    FACT_SHEETS.iter().find(|(file, _)| *file == path).map(|(_, text)| *text)
}

/// All embedded facts sheets.
pub fn all_embedded_facts() -> impl Iterator<Item = (&'static str, &'static str)> {
    FACT_SHEETS.iter().copied()
}

/// The rule files below a folder, `signals/**` and `findings/**`, ordered by path.
pub fn read_folder(folder: &Path) -> Result<Vec<RuleFile>, RuleError> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name().max_depth(4) {
        let entry = entry.map_err(|e| RuleError::Read {
            path: folder.to_owned(),
            source: e.into_io_error().unwrap_or_else(|| std::io::Error::other("a link loop")),
        })?;
        let path = entry.path();
        if !entry.file_type().is_file() || path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let read = |source| RuleError::Read { path: path.to_owned(), source };
        let length = entry.metadata().map_err(|e| read(e.into()))?.len();
        if files.len() == MAX_RULE_FILES || length > MAX_RULE_FILE {
            return Err(RuleError::Limit { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        files.push(RuleFile { path: path.to_string_lossy().replace('\\', "/"), text });
    }
    Ok(files)
}

impl Ruleset {
    /// The embedded rules and `extra` ones; an extra rule with a known id replaces it.
    ///
    /// # Panics
    /// If the embedded table of base rates is not TOML, which a test excludes.
    pub fn load(schema: FactSchema, extra: &[RuleFile]) -> Result<Self, RuleError> {
        let tables = tables();
        let schema = schema.with_table("tables", &tables);
        let embedded = RULE_FILES
            .iter()
            .map(|(path, text)| RuleFile { path: (*path).to_owned(), text: (*text).to_owned() });
        let mut raw = BTreeMap::new();
        for file in embedded.chain(extra.iter().cloned()) {
            if let Some((id, kind)) = identity(&file.path) {
                let rule: RawRule = toml::from_str(&file.text).map_err(|source| {
                    RuleError::Toml { file: file.path.clone(), source: Box::new(source) }
                })?;
                let replaced = raw.insert(id.clone(), (kind, file.clone(), rule));
                // Within the embedded rules an id stands for one rule; a user's rule replaces one.
                if let Some((_, first, _)) = replaced
                    && RULE_FILES.iter().any(|(path, _)| *path == file.path)
                {
                    let problem = format!("`{id}` is the id of {}, too", first.path);
                    return Err(RuleError::Rule { file: file.path, line: 1, problem });
                }
            }
        }
        let signals: BTreeSet<&str> = raw
            .iter()
            .filter(|(_, (kind, ..))| *kind == RuleKind::Signal)
            .map(|(id, _)| id.as_str())
            .collect();
        let scope = Scope { signals, item: None };
        let no_signals = Scope::default();
        let check = |(id, (kind, file, rule)): (&String, &(RuleKind, RuleFile, RawRule))| {
            let scope = if *kind == RuleKind::Finding { &scope } else { &no_signals };
            Rule::check(id, *kind, &file.path, rule.clone(), &schema, scope)
                .and_then(|checked| superseded_exist(&checked, &raw).map(|()| checked))
                .map(|checked| (id.clone(), checked))
                .map_err(|problem| RuleError::Rule {
                    line: line_of(&file.text, &problem),
                    file: file.path.clone(),
                    problem,
                })
        };
        // One after the other would be a tenth of a second run.
        let checked: Vec<Result<_, RuleError>> = raw.par_iter().map(check).collect();
        let rules = checked.into_iter().collect::<Result<_, _>>()?;
        let table = embedded_table("base-rates.toml").expect("the table is embedded");
        let rates = Rates::from_toml(table).expect("a test reads the embedded base rates");
        Ok(Self { rules, disabled: BTreeSet::new(), tables, rates, schema })
    }

    /// Leaves out rules by id; an id that does not exist is an error text with a suggestion.
    pub fn disable<'i>(&mut self, ids: impl IntoIterator<Item = &'i str>) -> Result<(), String> {
        for id in ids {
            if !self.rules.contains_key(id) {
                return Err(self.no_rule(id));
            }
            self.disabled.insert(id.to_owned());
        }
        Ok(())
    }

    /// Gives rules another level.
    pub fn set_level(&mut self, id: &str, level: crate::domain::Level) -> Result<(), String> {
        if !self.rules.contains_key(id) {
            return Err(self.no_rule(id));
        }
        if let Some(rule) = self.rules.get_mut(id) {
            rule.info.level = level;
        }
        Ok(())
    }

    /// Says that there is no such rule, and which one was perhaps meant.
    #[must_use]
    pub fn no_rule(&self, id: &str) -> String {
        let known = self.rules.keys().map(String::as_str);
        format!("no rule `{id}`{}", did_you_mean(id, known))
    }

    /// The tables that conditions look things up in.
    pub(super) fn tables(&self) -> &serde_json::Value {
        &self.tables
    }

    /// All rules that are not switched off, ordered by id.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values().filter(|rule| !self.disabled.contains(&rule.info.id))
    }

    /// One rule.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.get(id)
    }

    /// What readers see of all rules of a kind, ordered by id.
    #[must_use]
    pub fn catalogue(&self, kind: RuleKind) -> Vec<RuleInfo> {
        self.rules.values().map(|rule| &rule.info).filter(|i| i.kind == kind).cloned().collect()
    }

    /// The base rates.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The schema that the rules were checked against.
    #[must_use]
    pub fn schema(&self) -> &FactSchema {
        &self.schema
    }
}

/// The lookup tables as one JSON object.
fn tables() -> serde_json::Value {
    let mut all = serde_json::Map::new();
    for (name, file) in LOOKUPS {
        let text = embedded_table(file).expect("the table is embedded");
        all.insert(name.to_owned(), toml::from_str(text).expect("a test reads the tables"));
    }
    serde_json::Value::Object(all)
}

/// Id and kind of a rule file; `None` for tables and the like.
fn identity(path: &str) -> Option<(String, RuleKind)> {
    let parts: Vec<&str> = path.split('/').collect();
    let (name, folders) = parts.split_last()?;
    let id = name.strip_suffix(".toml")?;
    let kind = folders.iter().rev().find_map(|folder| match *folder {
        "signals" => Some(RuleKind::Signal),
        "findings" => Some(RuleKind::Finding),
        _ => None,
    })?;
    Some((id.to_owned(), kind))
}

fn superseded_exist<T>(rule: &Rule, known: &BTreeMap<String, T>) -> Result<(), String> {
    match rule.supersedes.iter().find(|id| !known.contains_key(*id)) {
        Some(id) => Err(format!("`supersedes`: no rule `{id}`")),
        None => Ok(()),
    }
}

/// The line of the key that a problem starts with, in backquotes; 1 where it names none.
fn line_of(text: &str, problem: &str) -> usize {
    let key = problem.strip_prefix('`').and_then(|rest| rest.split('`').next());
    let Some(key) = key.map(|key| key.rsplit('.').next().unwrap_or(key)) else { return 1 };
    let starts = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|r| r.trim_start().starts_with('='))
    };
    text.lines().position(starts).map_or(1, |index| index + 1)
}
