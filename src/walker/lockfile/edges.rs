//! The edges: from `name`, `name version` and `name version (source)` to packages.
//!
//! Cargo writes the shortest of the three forms that is unambiguous. A text that fits no package,
//! or several, is what cargo itself would drop and resolve anew; here it is a note and no edge.
//! Every text costs one look-up, however many packages share a name.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::{Note, Raw, source};
use crate::domain::text::shown;

/// Edges of every package, by index into `raw`, in the order of the file, each once.
pub(super) fn resolve(raw: &[Raw<'_>], notes: &mut Vec<Note>) -> Vec<Vec<usize>> {
    let index = Index::new(raw);
    let mut resolved = Vec::with_capacity(raw.len());
    for from in raw {
        let mut edges: Vec<usize> = Vec::with_capacity(from.dependencies.len());
        let mut seen = HashSet::with_capacity(from.dependencies.len());
        for &(line, text) in &from.dependencies {
            match index.target(text) {
                Fit::One(target) => {
                    if seen.insert(target) {
                        edges.push(target);
                    }
                }
                unfit => notes.push(Note {
                    line,
                    package: Some((from.package.name.clone(), from.package.version.clone())),
                    message: format!("depends on `{}`, which {}", shown(text), unfit.says()),
                }),
            }
        }
        resolved.push(edges);
    }
    resolved
}

/// How many packages a text fits.
#[derive(Clone, Copy)]
enum Fit {
    None,
    One(usize),
    Several,
}

impl Fit {
    fn says(self) -> &'static str {
        match self {
            Self::None => "the lockfile does not list",
            Self::One(_) => "the lockfile lists once",
            Self::Several => "fits several packages of the lockfile",
        }
    }
}

/// A look-up table for each of the three forms.
struct Index<'r> {
    names: HashMap<&'r str, Fit>,
    versions: HashMap<(&'r str, &'r str), Fit>,
    places: HashMap<(&'r str, &'r str, &'r str), Fit>,
    /// Version 1 writes a folder on disk as `name version`, and everything else with its source.
    on_disk: HashMap<(&'r str, &'r str), Fit>,
}

impl<'r> Index<'r> {
    fn new(raw: &'r [Raw<'_>]) -> Self {
        let mut index = Self {
            names: HashMap::with_capacity(raw.len()),
            versions: HashMap::with_capacity(raw.len()),
            places: HashMap::with_capacity(raw.len()),
            on_disk: HashMap::new(),
        };
        for (at, each) in raw.iter().enumerate() {
            let (name, version) = (each.package.name.as_str(), each.package.version.as_str());
            add(&mut index.names, name, at);
            add(&mut index.versions, (name, version), at);
            match each.source {
                None => add(&mut index.on_disk, (name, version), at),
                Some(full) => {
                    add(&mut index.places, (name, version, full), at);
                    let place = source::without_commit(full);
                    if place != full {
                        add(&mut index.places, (name, version, place), at);
                    }
                }
            }
        }
        index
    }

    fn target(&self, text: &str) -> Fit {
        let mut parts = text.splitn(3, ' ');
        let name = parts.next().unwrap_or(text);
        let found = match (parts.next(), parts.next()) {
            (None, _) => self.names.get(name),
            (Some(version), None) => {
                let all = self.versions.get(&(name, version));
                match all {
                    Some(Fit::Several) => self.on_disk.get(&(name, version)).or(all),
                    _ => all,
                }
            }
            (Some(version), Some(place)) => {
                let bare = place.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
                bare.and_then(|place| self.places.get(&(name, version, place)))
            }
        };
        found.copied().unwrap_or(Fit::None)
    }
}

fn add<K: Eq + Hash>(map: &mut HashMap<K, Fit>, key: K, at: usize) {
    map.entry(key).and_modify(|fit| *fit = Fit::Several).or_insert(Fit::One(at));
}
