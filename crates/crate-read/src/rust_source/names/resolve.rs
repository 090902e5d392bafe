//! What a path means: the hops from the name as it is written to the item.

use std::collections::BTreeSet;

use super::Names;
use crate::rust_source::table::CapabilityTable;

/// Most aliases that are followed for one name.
const HOPS: usize = 24;

impl Names<'_> {
    /// A path as it is written in a module, where `crate` is the crate of that module.
    pub(super) fn anchored(&self, module: usize, mut path: Vec<String>) -> Vec<String> {
        let root = self.modules[module].path.first().filter(|root| self.crates.contains(*root));
        if let Some(root) = root
            && path.first().is_some_and(|first| first == "crate" || first == "$crate")
            && path.get(1) != Some(root)
        {
            path.insert(1, root.clone());
        }
        path
    }

    /// The crate beside this one that a path begins in.
    fn of_crate_beside(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        let package = self.renames.get(first).map(|package| package.replace('-', "_"));
        let name = package.as_ref().unwrap_or(first);
        self.crates.contains(name).then(|| {
            let inside = path[1..].iter().cloned();
            ["crate".to_owned(), name.clone()].into_iter().chain(inside).collect()
        })
    }

    /// The full path of a path as it is written in a module. Local items begin with `crate`; `core` and
    /// `alloc` are written `std`.
    pub(in crate::rust_source) fn resolve(
        &self,
        module: usize,
        written: &[String],
        table: &CapabilityTable,
    ) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut path = self.anchored(module, written.to_vec());
        let mut at = module;
        for _ in 0..HOPS {
            let Some(first) = path.first().cloned() else { break };
            match first.as_str() {
                "crate" | "$crate" => {
                    let (inner, rest) = self.descend(&[], &path[1..]);
                    if rest.is_empty() || !seen.insert((inner, rest.clone())) {
                        break;
                    }
                    let Some(next) = self.step(inner, &rest, table) else {
                        return self.local(inner, rest);
                    };
                    (at, path) = (inner, next);
                }
                "self" | "super" => {
                    let base = self.upwards(at, &mut path);
                    path.splice(0..0, std::iter::once("crate".to_owned()).chain(base));
                }
                _ => {
                    if !seen.insert((at, path.clone())) {
                        break;
                    }
                    let Some(next) = self.step(at, &path, table) else {
                        if self.modules[at].defined.contains(&first) {
                            return self.local(at, path);
                        }
                        let Some(beside) = self.of_crate_beside(&path) else { break };
                        path = beside;
                        continue;
                    };
                    path = next;
                }
            }
        }
        self.external(path)
    }

    /// Takes leading `self` and `super` off a path; the module path that they lead to.
    fn upwards(&self, module: usize, path: &mut Vec<String>) -> Vec<String> {
        let mut base = self.modules[module].path.clone();
        let up = path.iter().take_while(|part| *part == "self" || *part == "super").count();
        for part in path.drain(..up) {
            if part == "super" {
                base.pop();
            }
        }
        base
    }

    fn local(&self, module: usize, rest: Vec<String>) -> Vec<String> {
        let base = self.modules[module].path.iter().cloned();
        std::iter::once("crate".to_owned()).chain(base).chain(rest).collect()
    }

    fn external(&self, mut path: Vec<String>) -> Vec<String> {
        if let Some(first) = path.first_mut() {
            if let Some(package) = self.renames.get(first.as_str()) {
                *first = package.replace('-', "_");
            }
            if first == "core" || first == "alloc" {
                "std".clone_into(first);
            }
        }
        path
    }

    /// The deepest module of the crate that a path starts with, and what is left.
    fn descend(&self, base: &[String], path: &[String]) -> (usize, Vec<String>) {
        let mut at = base.to_vec();
        let mut module = self.find(&at).unwrap_or(0);
        for (index, part) in path.iter().enumerate() {
            at.push(part.clone());
            match self.find(&at) {
                Some(inner) => module = inner,
                None => return (module, path[index..].to_vec()),
            }
        }
        (module, Vec::new())
    }

    /// One hop: an import, a child module, or a glob.
    fn step(&self, module: usize, path: &[String], table: &CapabilityTable) -> Option<Vec<String>> {
        let first = path.first()?;
        let here = &self.modules[module];
        if let Some(target) = here.uses.get(first) {
            let mut next = target.clone();
            next.extend_from_slice(&path[1..]);
            return (next != path).then_some(next);
        }
        if here.defined.contains(first) {
            return None;
        }
        let mut child = here.path.clone();
        child.push(first.clone());
        if self.by_path.contains_key(&child) {
            let mut next = vec!["crate".to_owned()];
            next.extend(child);
            next.extend_from_slice(&path[1..]);
            return Some(next);
        }
        self.glob(module, path, table, 0)
    }

    /// A name that only a glob can bring: from a module of the crate, or from a path that the table knows.
    fn glob(
        &self,
        module: usize,
        path: &[String],
        table: &CapabilityTable,
        depth: usize,
    ) -> Option<Vec<String>> {
        let first = path.first()?;
        if needs_no_glob(first) {
            return None;
        }
        for glob in self.modules[module].globs.iter().take(64) {
            let full = self.glob_base(module, glob);
            // `std` is listed name by name; of other crates everything is, and `std::fs` is none of it.
            let listed_whole = full.first().is_some_and(|f| !is_local_or_std(f));
            if listed_whole && table.is_head(first) {
                continue;
            }
            if full.first().is_some_and(|f| f == "crate") {
                let (inner, rest) = self.descend(&[], &full[1..]);
                if !rest.is_empty() || inner == module {
                    continue;
                }
                let there = &self.modules[inner];
                if there.uses.contains_key(first) || there.defined.contains(first) {
                    let mut next = full;
                    next.extend_from_slice(path);
                    return Some(next);
                }
                if depth < 4
                    && let Some(found) = self.glob(inner, path, table, depth + 1)
                {
                    return Some(found);
                }
            } else {
                let mut next = self.external(full);
                next.extend_from_slice(path);
                if table.knows(&next) {
                    return Some(next);
                }
            }
        }
        None
    }

    fn glob_base(&self, module: usize, glob: &[String]) -> Vec<String> {
        let here = &self.modules[module];
        let mut full = glob.to_vec();
        for _ in 0..8 {
            match full.first().map(String::as_str) {
                Some("self" | "super") => {
                    let base = self.upwards(module, &mut full);
                    full.splice(0..0, std::iter::once("crate".to_owned()).chain(base));
                    return full;
                }
                Some(first) => match here.uses.get(first) {
                    Some(target) if target.first().map(String::as_str) != Some(first) => {
                        full.splice(0..1, target.iter().cloned());
                    }
                    _ => break,
                },
                None => break,
            }
        }
        let mut child = here.path.clone();
        child.extend(full.first().cloned());
        if self.by_path.contains_key(&child) {
            let rest = full.split_off(1.min(full.len()));
            full = std::iter::once("crate".to_owned()).chain(child).chain(rest).collect();
        }
        full
    }
}

fn is_local_or_std(name: &str) -> bool {
    matches!(name, "crate" | "std" | "core" | "alloc")
}

/// Names of the standard prelude and of primitive types: no import brings them.
pub(in crate::rust_source) fn needs_no_glob(name: &str) -> bool {
    const NAMES: [&str; 35] = [
        "String", "Vec", "Option", "Result", "Some", "None", "Ok", "Err", "Box", "ToString",
        "ToOwned", "From", "Into", "Default", "Iterator", "Clone", "Drop", "str", "char", "bool",
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64", "Self",
    ];
    NAMES.contains(&name)
}
