//! All rules together: the embedded ones and those of the user, loaded, checked and counted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::condition::did_you_mean;
use super::rates::Rates;
use super::rule::{Known, RawRule, Rule};
use super::schema::FactSchema;
use custody_facts::rule::{RuleInfo, RuleKind};

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
    /// A folder that was named for its rules and has none.
    #[error("{path} holds no rules: they are `.toml` files below `findings/` or `signals/`")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// The text of one rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Path, for messages; its last two parts give kind and id.
    pub path: Cow<'static, str>,
    /// Its TOML.
    pub text: Cow<'static, str>,
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
    known: Arc<Known>,
    built_in: &'static BuiltIn,
}

/// What a program brings along, each a path from the root of its repository and a text.
#[derive(Debug)]
pub struct BuiltIn {
    /// Rules (`rules/findings/**`, `rules/signals/**`) and tables (`rules/tables/*`).
    pub rules: &'static [(&'static str, &'static str)],
    /// The facts sheets that the rules' inline tests name.
    pub sheets: &'static [(&'static str, &'static str)],
}

impl BuiltIn {
    /// Paths and texts of the rules, findings and signals, without the tables.
    fn rule_files(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.rules.iter().copied().filter(|(path, _)| identity(path).is_some())
    }

    /// Ids of the rules.
    #[must_use]
    pub fn ids(&self) -> Vec<&'static str> {
        let name = |(path, _): (&'static str, _)| path.rsplit('/').next()?.strip_suffix(".toml");
        self.rule_files().filter_map(name).collect()
    }

    /// The text of a table under `rules/tables/`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&'static str> {
        let path = format!("rules/tables/{name}");
        self.rules.iter().find(|(file, _)| *file == path).map(|(_, text)| *text)
    }

    /// The text of a facts sheet, by its path.
    #[must_use]
    pub fn facts(&self, path: &str) -> Option<&'static str> {
        self.sheets.iter().find(|(file, _)| *file == path).map(|(_, text)| *text)
    }

    /// The lookup tables as one JSON object; without those that are not there or are not TOML.
    fn lookups(&self) -> serde_json::Value {
        let mut all = serde_json::Map::new();
        for (name, file) in LOOKUPS {
            if let Some(table) = self.table(file).and_then(|text| toml::from_str(text).ok()) {
                all.insert(name.to_owned(), table);
            }
        }
        serde_json::Value::Object(all)
    }
}

/// The rule files below a folder that is named for them; one without any is an error.
pub fn read_named(folder: &Path) -> Result<Vec<RuleFile>, RuleError> {
    let files = read_folder(folder)?;
    if files.iter().any(|file| identity(&file.path).is_some()) {
        return Ok(files);
    }
    Err(RuleError::Empty { path: folder.to_owned() })
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
        let text = custody_bytes::disk::text(path, MAX_RULE_FILE).map_err(read)?;
        let path = path.to_string_lossy().replace('\\', "/");
        files.push(RuleFile { path: path.into(), text: text.into() });
    }
    Ok(files)
}

impl Ruleset {
    /// The embedded rules and `extra` ones; an extra rule with a known id replaces it.
    ///
    /// # Panics
    /// If the embedded table of base rates is not TOML, which a test excludes.
    pub fn load(
        built_in: &'static BuiltIn,
        schema: FactSchema,
        extra: &[RuleFile],
    ) -> Result<Self, RuleError> {
        let tables = built_in.lookups();
        let schema = schema.with_table("tables", &tables);
        // One after the other would be half of the time that a small check takes.
        let embedded = built_in.rules.par_iter().filter_map(|(path, text)| {
            let file = RuleFile { path: (*path).into(), text: (*text).into() };
            Written::read(file, without_tests(text))
        });
        let users = extra.par_iter().filter_map(|file| Written::read(file.clone(), &file.text));
        let written: Vec<Result<Written, RuleError>> = embedded.chain(users).collect();
        let mut all = BTreeMap::new();
        for written in written {
            let written = written?;
            let embedded = built_in.rules.iter().any(|(path, _)| *path == written.file.path);
            let path = written.file.path.clone();
            let replaced = all.insert(written.id.clone(), written);
            // Within the embedded rules an id stands for one rule; a user's rule replaces one.
            if let Some(first) = replaced.filter(|_| embedded) {
                let problem = format!("`{}` is the id of {}, too", first.id, first.file.path);
                return Err(RuleError::Rule { file: path.into(), line: 1, problem });
            }
        }
        let signals = all.values().filter(|rule| rule.kind == RuleKind::Signal);
        let signals = signals.map(|rule| rule.id.clone()).collect();
        let known = Arc::new(Known { schema, signals });
        let ids: BTreeSet<String> = all.keys().cloned().collect();
        let mut rules = BTreeMap::new();
        for (id, written) in all {
            let theirs = extra.iter().any(|file| file.path == written.file.path);
            let mut rule = written.into_rule(&ids, &known)?;
            let page = || format!("{}{}.html", custody_facts::rule::PAGES, rule.info.id);
            rule.info.page = (!theirs).then(page);
            rules.insert(id, rule);
        }
        let table = built_in.table("base-rates.toml").unwrap_or_default();
        let rates = Rates::from_toml(table).expect("a test reads the embedded base rates");
        let ruleset = Self { rules, disabled: BTreeSet::new(), tables, rates, known, built_in };
        if !extra.is_empty() {
            ruleset.check()?;
        }
        Ok(ruleset)
    }

    /// Compiles every expression of every rule and checks every name in them. Rules of the user's are
    /// checked when they are loaded, with all others, whose signals they may have taken away; the embedded
    /// ones alone are checked by a test.
    pub fn check(&self) -> Result<(), RuleError> {
        let all: Vec<&Rule> = self.rules.values().collect();
        let checked: Vec<Result<(), RuleError>> = all
            .into_par_iter()
            .map(|rule| {
                rule.compile().map_err(|problem| at_fault(&rule.file, rule.text(), problem))
            })
            .collect();
        checked.into_iter().collect()
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
    pub fn set_level(&mut self, id: &str, level: custody_facts::Level) -> Result<(), String> {
        if !self.rules.contains_key(id) {
            return Err(self.no_rule(id));
        }
        if let Some(rule) = self.rules.get_mut(id) {
            rule.info.level = level;
            rule.level_is_set = true;
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

    /// What the program brought along.
    #[must_use]
    pub fn built_in(&self) -> &'static BuiltIn {
        self.built_in
    }

    /// The base rates.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The schema that the rules were checked against.
    #[must_use]
    pub fn schema(&self) -> &FactSchema {
        &self.known.schema
    }

    /// Ids of all signals.
    pub(super) fn signals(&self) -> &BTreeSet<String> {
        &self.known.signals
    }
}

/// A rule file that was read.
struct Written {
    id: String,
    kind: RuleKind,
    file: RuleFile,
    raw: RawRule,
}

impl Written {
    /// Reads a rule from `toml`, the text of the file or enough of it; `None` for what is no rule by its
    /// path.
    fn read(file: RuleFile, toml: &str) -> Option<Result<Self, RuleError>> {
        let (id, kind) = identity(&file.path)?;
        Some(match toml::from_str(toml) {
            Ok(raw) => Ok(Self { id, kind, file, raw }),
            Err(source) => {
                Err(RuleError::Toml { file: file.path.into_owned(), source: Box::new(source) })
            }
        })
    }

    fn into_rule(self, ids: &BTreeSet<String>, known: &Arc<Known>) -> Result<Rule, RuleError> {
        let Self { id, kind, file, raw } = self;
        if let Some(other) = raw.supersedes.iter().find(|other| !ids.contains(*other)) {
            let problem = format!("`supersedes`: no rule `{other}`");
            return Err(at_fault(&file.path, &file.text, problem));
        }
        Rule::new((&id, kind), &file.path, file.text.clone(), raw, Arc::clone(known))
            .map_err(|problem| at_fault(&file.path, &file.text, problem))
    }
}

fn at_fault(file: &str, text: &str, problem: String) -> RuleError {
    RuleError::Rule { file: file.to_owned(), line: line_of(text, &problem), problem }
}

/// The part of a rule file that says what the rule does; its tests stand behind it, as long again.
/// That nothing but tests stands there is tested with the rules.
fn without_tests(text: &str) -> &str {
    memchr::memmem::find(text.as_bytes(), b"\n[[test]]").map_or(text, |end| &text[..end])
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

/// The line of the key that a problem starts with, in backquotes; 1 where it names none.
fn line_of(text: &str, problem: &str) -> usize {
    let key = problem.strip_prefix('`').and_then(|rest| rest.split('`').next());
    let Some(key) = key.map(|key| key.rsplit('.').next().unwrap_or(key)) else { return 1 };
    let starts = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|r| r.trim_start().starts_with('='))
    };
    text.lines().position(starts).map_or(1, |index| index + 1)
}
