//! From what code imports to what a lock names: by a table of those that are called otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::Packages;
use super::entry::normal;
use super::facts::{Ecosystem, ImportFacts, Imported, YoungerImport};
use crate::domain::{Graph, Measured};

/// Most imports of each sort that are kept.
const KEPT: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    /// Modules of the standard library.
    standard: String,
    /// Module to the distributions that hold it.
    distributions: BTreeMap<String, Vec<String>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let text = include_str!("../../../rules/tables/python-imports.toml");
    toml::from_str(text).expect("our own table of imports is valid")
});

static STANDARD: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| TABLE.standard.split_whitespace().collect());

/// The Python packages that a project's locks name.
#[derive(Clone, Debug, Default)]
pub struct Locked {
    names: BTreeSet<String>,
    files: u64,
}

impl Locked {
    /// Of a graph to which packages were attached.
    #[must_use]
    pub fn of(graph: &Graph, packages: &Packages) -> Self {
        let python = |ecosystem: Ecosystem| ecosystem == Ecosystem::Python;
        let nodes = packages.nodes.iter().filter(|(_, facts)| python(facts.ecosystem));
        let files = packages.files.files.iter().filter(|file| python(file.ecosystem));
        Self {
            names: nodes.map(|(node, _)| graph.nodes[*node].subject.name.clone()).collect(),
            files: files.count() as u64,
        }
    }

    /// Whether no lock says anything: then nothing is missing from it either.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files == 0
    }
}

/// What sources import and no lock names, and what of it a lock does name. `sources`: path and imported modules of each; `own`: modules of the
/// model itself, which lie beside the sources.
pub fn imports<'s>(
    locked: &Locked,
    own: &BTreeSet<String>,
    sources: impl Iterator<Item = (&'s str, &'s [String])>,
) -> (ImportFacts, Vec<Imported>) {
    let mut facts = ImportFacts {
        unlocked: Vec::new(),
        untold: Vec::new(),
        locks: locked.files,
        younger: Measured::unknown(
            "nobody was asked since when there are the model and its packages",
        ),
    };
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, modules) in sources {
        for module in modules {
            let top = module.split('.').next().unwrap_or(module);
            let known = top.is_empty() || STANDARD.contains(top) || own.contains(top);
            if known || !seen.insert(top.to_owned()) {
                continue;
            }
            let told = TABLE.distributions.get(top);
            let candidates = told.map_or_else(
                || vec![normal(top)],
                |names| names.iter().map(|name| normal(name)).collect(),
            );
            let named = candidates.iter().find(|name| locked.names.contains(*name));
            let distribution = named.or(candidates.first()).cloned().unwrap_or_default();
            let (module, path) = (top.to_owned(), path.to_owned());
            let imported = Imported { module, distribution, path };
            if named.is_some() {
                found.push(imported);
                continue;
            }
            let list = if told.is_some() { &mut facts.unlocked } else { &mut facts.untold };
            if list.len() < KEPT {
                list.push(imported);
            }
        }
    }
    facts.unlocked.sort();
    facts.untold.sort();
    (facts, found)
}

/// Which of the locked packages that a model's code imports are younger than its repository. `days`: since
/// when there is each package, by name.
#[must_use]
pub fn younger(
    imported: &[Imported],
    model_days: Option<i64>,
    days: &BTreeMap<String, i64>,
) -> Measured<Vec<YoungerImport>> {
    let Some(model_days) = model_days else {
        return Measured::unknown("nobody told since when there is the model");
    };
    let mut found = Vec::new();
    let mut untold = None;
    for Imported { module, distribution, path } in imported {
        match days.get(distribution) {
            Some(&package_days) if package_days < model_days => found.push(YoungerImport {
                distribution: distribution.clone(),
                module: module.clone(),
                path: path.clone(),
                package_days,
                model_days,
            }),
            Some(_) => {}
            None => untold = Some(format!("nobody told since when there is {distribution}")),
        }
    }
    found.sort();
    found.truncate(KEPT);
    match untold {
        Some(reason) if found.is_empty() => Measured::Unknown(reason),
        _ => Measured::Known(found),
    }
}
