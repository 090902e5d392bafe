//! The capability table: which API path, method, program, variable or place means what. It is data,
//! handed in by the caller; nothing here knows a name by itself.

mod rules;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use aho_corasick::AhoCorasick;
use serde::Deserialize;

pub use rules::{
    ApiRule, Asks, Capability, ChildRule, DataUse, Given, HostRule, MethodRule, OptionRule,
    PlaceRule, ProgramRule, Role, StartRule, VariableRule,
};

/// The table as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    api: Vec<ApiRule>,
    #[serde(default)]
    method: Vec<MethodRule>,
    #[serde(default)]
    program: Vec<ProgramRule>,
    #[serde(default)]
    variable: Vec<VariableRule>,
    #[serde(default)]
    place: Vec<PlaceRule>,
    #[serde(default)]
    option: Vec<OptionRule>,
    #[serde(default)]
    child: Vec<ChildRule>,
    #[serde(default)]
    host: Vec<HostRule>,
    #[serde(default)]
    start: Vec<StartRule>,
}

/// The capability table, ready for look-ups.
#[derive(Clone, Debug, Default)]
pub struct CapabilityTable {
    written: Written,
    paths: HashMap<String, usize>,
    methods: HashMap<String, Vec<usize>>,
    places: Option<AhoCorasick>,
    /// Rule of each pattern of `places`.
    place_rules: Vec<usize>,
    /// Every proper prefix of a listed path: a glob can bring one of these.
    parents: HashSet<String>,
    /// First segments of all listed paths.
    heads: HashSet<String>,
}

/// The table could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the capability table is not valid")]
pub struct TableError(#[from] toml::de::Error);

impl CapabilityTable {
    /// Reads the table from TOML.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let written: Written = toml::from_str(text)?;
        let mut table = Self::default();
        for (index, rule) in written.api.iter().enumerate() {
            for path in &rule.paths {
                table.paths.insert(path.clone(), index);
                let parents = path.match_indices("::").map(|(at, _)| path[..at].to_owned());
                table.parents.extend(parents);
                table.heads.extend(path.split("::").next().map(str::to_owned));
            }
        }
        for (index, rule) in written.method.iter().enumerate() {
            for name in &rule.names {
                table.methods.entry(name.clone()).or_default().push(index);
            }
        }
        let mut names = Vec::new();
        for (index, rule) in written.place.iter().enumerate() {
            names.extend(rule.names.iter().map(String::as_str));
            table.place_rules.resize(names.len(), index);
        }
        table.places = AhoCorasick::builder().ascii_case_insensitive(true).build(names).ok();
        table.written = written;
        Ok(table)
    }

    /// Why each entry stands in the table, in the order of the file.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        let written = &self.written;
        (written.api.iter().map(|rule| rule.why.as_str()))
            .chain(written.method.iter().map(|rule| rule.why.as_str()))
            .chain(written.program.iter().map(|rule| rule.why.as_str()))
            .chain(written.variable.iter().map(|rule| rule.why.as_str()))
            .chain(written.place.iter().map(|rule| rule.why.as_str()))
            .chain(written.option.iter().map(|rule| rule.why.as_str()))
            .chain(written.child.iter().map(|rule| rule.why.as_str()))
            .chain(written.host.iter().map(|rule| rule.why.as_str()))
            .chain(written.start.iter().map(|rule| rule.why.as_str()))
    }

    /// The rule of the longest listed prefix of a full path.
    #[must_use]
    pub fn api<S: Borrow<str>>(&self, segments: &[S]) -> Option<&ApiRule> {
        // Nearly every path of a program begins with no crate that is listed.
        if !self.heads.contains(segments.first()?.borrow()) {
            return None;
        }
        let mut path = segments.join("::");
        loop {
            if let Some(index) = self.paths.get(path.as_str()) {
                return self.written.api.get(*index);
            }
            let shorter = path.rfind("::")?;
            path.truncate(shorter);
        }
    }

    /// Whether listed paths begin with this name: the name of a crate.
    #[must_use]
    pub fn is_head(&self, name: &str) -> bool {
        self.heads.contains(name)
    }

    /// Whether a path is listed, lies below a listed one, or leads to one.
    #[must_use]
    pub fn knows(&self, segments: &[String]) -> bool {
        self.parents.contains(&segments.join("::")) || self.api(segments).is_some()
    }

    /// Rules for a method call on a receiver of this type.
    pub fn methods<'t>(
        &'t self,
        name: &str,
        receiver: Option<&'t str>,
    ) -> impl Iterator<Item = &'t MethodRule> {
        self.methods
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|index| self.written.method.get(*index))
            .filter(move |rule| rule.on.is_none() || rule.on.as_deref() == receiver)
    }

    /// What starting this program with these constant arguments means, beyond `spawn`.
    pub fn program<'t>(
        &'t self,
        program: &str,
        arguments: &'t [String],
    ) -> impl Iterator<Item = Capability> + 't {
        self.programs(program, arguments).flat_map(|rule| rule.capabilities.iter().copied())
    }

    /// Rules for a program that is started with these constant arguments.
    fn programs<'t>(
        &'t self,
        program: &str,
        arguments: &'t [String],
    ) -> impl Iterator<Item = &'t ProgramRule> + 't {
        let name = program_name(program);
        self.written.program.iter().filter(move |rule| rule.names.contains(&name)).filter(|rule| {
            rule.with.is_empty()
                || rule.with.iter().any(|word| match word.strip_prefix('~') {
                    Some(part) => arguments.iter().any(|argument| argument.contains(part)),
                    None => arguments.contains(word),
                })
        })
    }

    /// What this program does with the data that it is given, where that is known.
    #[must_use]
    pub fn data_use(&self, program: &str, arguments: &[String]) -> Option<DataUse> {
        self.programs(program, arguments).find_map(|rule| rule.data)
    }

    /// What an argument names to this program, by itself or by the option before it; and its value.
    #[must_use]
    pub fn option<'w>(
        &self,
        program: &str,
        before: &str,
        text: &'w str,
    ) -> Option<(Given, &'w str)> {
        let name = program_name(program);
        for rule in self.written.option.iter().filter(|rule| rule.programs.contains(&name)) {
            for option in &rule.options {
                if before == option {
                    return Some((rule.given, text));
                }
                let value = text.strip_prefix(option.as_str());
                if let Some(value) =
                    value.filter(|value| option.ends_with('=') && !value.is_empty())
                {
                    return Some((rule.given, value));
                }
            }
        }
        None
    }

    /// What a variable of a child's environment names.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<Given> {
        let found = self.written.child.iter().find(|rule| {
            rule.names.iter().any(|known| {
                known == name
                    || known.strip_suffix('*').is_some_and(|start| name.starts_with(start))
            })
        });
        found.map(|rule| rule.given)
    }

    /// What reading this environment variable means.
    pub fn variable(&self, name: &str) -> impl Iterator<Item = Capability> + '_ {
        self.variables(name).flat_map(|rule| rule.capabilities.iter().copied())
    }

    /// What the value of this environment variable answers.
    #[must_use]
    pub fn asks(&self, name: &str) -> Option<Asks> {
        self.variables(name).find_map(|rule| rule.asks)
    }

    /// Rules for this environment variable.
    fn variables(&self, name: &str) -> impl Iterator<Item = &VariableRule> + '_ {
        let upper = name.to_ascii_uppercase();
        let padded = format!("_{upper}_");
        self.written.variable.iter().filter(move |rule| {
            rule.names.iter().any(|known| {
                *known == upper || (rule.inside && padded.contains(&format!("_{known}_")))
            })
        })
    }

    /// Whether a path names settings of a project that start something.
    #[must_use]
    pub fn starts(&self, path: &str) -> bool {
        self.written.start.iter().flat_map(|rule| &rule.names).any(|name| {
            let ends = path.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('/'));
            ends || path.contains(&format!("/{name}/"))
        })
    }

    /// What a constant that names this place means.
    #[must_use]
    pub fn place(&self, path: &str) -> Vec<Capability> {
        let rules = self.place_rules_of(path);
        let means = rules.flat_map(|rule| rule.capabilities.iter().copied());
        means.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// Whether what is written to this place starts by itself.
    #[must_use]
    pub fn starts_by_itself(&self, path: &str) -> bool {
        self.place_rules_of(path).any(|rule| rule.starts)
    }

    /// Whether a host, or the address behind it, is of a service where anybody can receive data.
    #[must_use]
    pub fn is_drop(&self, host: &str, path: &str) -> bool {
        self.written.host.iter().flat_map(|rule| &rule.names).any(|name| {
            let (known, below) = name.split_once('/').unwrap_or((name, ""));
            let is_host =
                host == known || host.strip_suffix(known).is_some_and(|front| front.ends_with('.'));
            is_host && path.trim_start_matches('/').starts_with(below)
        })
    }

    fn place_rules_of<'t>(&'t self, path: &'t str) -> impl Iterator<Item = &'t PlaceRule> + 't {
        let bytes = path.as_bytes();
        let border = |byte: Option<&u8>| byte.is_none_or(|b| matches!(b, b'/' | b'\\'));
        let found = self.places.iter().flat_map(move |places| places.find_overlapping_iter(path));
        found.filter_map(move |found| {
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            let whole = border(before) && border(bytes.get(found.end()));
            let rule = self.place_rules.get(found.pattern().as_usize()).filter(|_| whole)?;
            self.written.place.get(*rule)
        })
    }
}

/// The name of a program without folder and extension; of one that a variable names (`$CC`), the
/// variable's name in lower case.
fn program_name(program: &str) -> String {
    let file = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let file = file.strip_suffix(".exe").unwrap_or(&file);
    file.trim_start_matches('$').to_owned()
}
