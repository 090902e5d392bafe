//! Which importable names are known to be harmless, known to be dangerous, or neither. A pure function over
//! a table that is data (`rules/tables/pickle-globals.toml`): nothing here names a Python module.
//!
//! Order of judgement: Python 2 names are translated; an exact pair of the allow list is allowed; a denied
//! module (with everything below it), a denied name, or a path that leads through one is denied; a dotted
//! name whose first part is no known class of its module is denied; everything else is unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is no TOML of this shape.
    #[error("the table of globals cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A pair stands on both lists.
    #[error("{module}.{name} is allowed and denied by name")]
    Contradiction {
        /// Its module.
        module: String,
        /// Its name.
        name: String,
    },
}

/// What the lists say of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// An exact pair of the allow list.
    Allowed,
    /// Allowed as long as the function handed to it first is allowed (`functools.partial`).
    AllowedOfAllowed,
    /// On no list.
    Unknown,
    /// On the deny list, or reached through it.
    Denied,
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<'t> {
    /// What the lists say.
    pub verdict: Verdict,
    /// Why, one clause.
    pub reason: &'t str,
    /// Advisory or CVE, where there is one.
    pub reference: Option<&'t str>,
    /// What it is good for, for a denied name: `execution`, `import`, `network`, ...
    pub family: Option<&'t str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    python2: BTreeMap<String, String>,
    deny_segments: DenySegments,
    deny: Vec<Deny>,
    allow: Vec<Allow>,
}

/// Attribute names that are denied in any module.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DenySegments {
    reason: String,
    names: BTreeSet<String>,
}

/// A module, or some names of it, that is denied.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deny {
    module: String,
    /// Only these names; absent: everything, submodules too.
    names: Option<BTreeSet<String>>,
    family: String,
    reason: String,
    reference: Option<String>,
    /// Whether a path through any component of this name is denied, wherever it begins.
    #[serde(default)]
    component: bool,
}

/// Names of a module that are allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Allow {
    modules: Vec<String>,
    names: BTreeSet<String>,
    reason: String,
    /// The first argument must be allowed as well.
    #[serde(default)]
    of_allowed: bool,
}

/// The lists, ready to be asked.
#[derive(Clone, Debug)]
pub struct Globals {
    python2: BTreeMap<String, String>,
    segments: DenySegments,
    deny: BTreeMap<String, Vec<Deny>>,
    components: BTreeMap<String, Deny>,
    allow: BTreeMap<String, Vec<Allow>>,
}

impl Globals {
    /// Reads the table.
    ///
    /// # Errors
    /// Where it has another shape, or allows what it denies by name.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let raw: Raw = toml::from_str(text)?;
        let mut deny: BTreeMap<String, Vec<Deny>> = BTreeMap::new();
        let mut components = BTreeMap::new();
        for entry in raw.deny {
            if entry.component {
                components.insert(entry.module.clone(), entry.clone());
            }
            deny.entry(entry.module.clone()).or_default().push(entry);
        }
        let mut allow: BTreeMap<String, Vec<Allow>> = BTreeMap::new();
        for entry in raw.allow {
            for module in &entry.modules {
                allow.entry(module.clone()).or_default().push(entry.clone());
            }
        }
        let globals =
            Self { python2: raw.python2, segments: raw.deny_segments, deny, components, allow };
        globals.check()?;
        Ok(globals)
    }

    /// No pair may be allowed and denied by its own name; a denied module may have allowed pairs.
    fn check(&self) -> Result<(), TableError> {
        for (module, entries) in &self.allow {
            for name in entries.iter().flat_map(|entry| &entry.names) {
                let named = self.deny.get(module).into_iter().flatten();
                if named.filter_map(|deny| deny.names.as_ref()).any(|names| names.contains(name)) {
                    let (module, name) = (module.clone(), name.clone());
                    return Err(TableError::Contradiction { module, name });
                }
            }
        }
        Ok(())
    }

    /// What the lists say of `module` `name`, both as the pickle writes them.
    pub fn judge(&self, module: &str, name: &str) -> Judgement<'_> {
        let module = self.python2.get(module).map_or(module, String::as_str);
        if let Some(judgement) = self.allowed(module, name) {
            return judgement;
        }
        if let Some(deny) = self.denied(module, name) {
            return Judgement {
                verdict: Verdict::Denied,
                reason: &deny.reason,
                reference: deny.reference.as_deref(),
                family: Some(&deny.family),
            };
        }
        if name.split('.').any(|segment| self.segments.names.contains(segment)) {
            return Self::plain(Verdict::Denied, &self.segments.reason, Some("internals"));
        }
        if let Some((class, _)) = name.split_once('.')
            && self.allowed(module, class).is_none()
        {
            let reason = "a dotted name that does not begin with a known class of its module";
            return Self::plain(Verdict::Denied, reason, Some("dotted-name"));
        }
        Self::plain(Verdict::Unknown, "on no list", None)
    }

    fn plain<'t>(verdict: Verdict, reason: &'t str, family: Option<&'t str>) -> Judgement<'t> {
        Judgement { verdict, reason, reference: None, family }
    }

    fn allowed(&self, module: &str, name: &str) -> Option<Judgement<'_>> {
        let entry = self.allow.get(module)?.iter().find(|entry| entry.names.contains(name))?;
        let verdict = if entry.of_allowed { Verdict::AllowedOfAllowed } else { Verdict::Allowed };
        Some(Self::plain(verdict, &entry.reason, None))
    }

    fn denied(&self, module: &str, name: &str) -> Option<&Deny> {
        // The module itself and every module above it.
        let mut ends: Vec<usize> = module.match_indices('.').map(|(at, _)| at).take(64).collect();
        ends.push(module.len());
        let first = name.split('.').next().unwrap_or(name);
        for end in ends.into_iter().rev() {
            let above = &module[..end];
            for deny in self.deny.get(above).into_iter().flatten() {
                let names = deny.names.as_ref();
                if names.is_none_or(|names| names.contains(name) || names.contains(first)) {
                    return Some(deny);
                }
            }
        }
        let parts = module.split('.').chain(name.split('.'));
        parts.take(256).find_map(|part| {
            let part = self.python2.get(part).map_or(part, String::as_str);
            self.components.get(part)
        })
    }
}
