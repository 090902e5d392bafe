//! The manifest that cargo builds from against the one that the author wrote. Cargo rewrites
//! `Cargo.toml` when it packages and keeps the original beside it; what it changes is known, and the
//! rest should be the same. Inherited values of a workspace cannot be compared and are left out.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// Most differences.
const MOST: usize = 100;

/// What differs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// A dependency that only one of the two has, or that is another package.
    Dependency,
    /// A build-dependency that only one of the two has, or that is another package.
    BuildDependency,
    /// The build script.
    BuildScript,
    /// `package.links`.
    Links,
    /// A feature that only one of the two has.
    Feature,
    /// Whether it is a procedural macro.
    ProcMacro,
    /// The crate's name.
    Name,
}

/// One difference between the two manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// The key, such as the name of a dependency; empty where the kind says it.
    pub key: String,
    /// What the manifest in force says; empty where it says nothing.
    pub normalised: String,
    /// What the author's manifest says; empty where it says nothing.
    pub original: String,
}

/// Compares `Cargo.toml` with `Cargo.toml.orig`.
#[must_use]
pub fn differences(normalised: &Table, original: &Table) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |kind, key: &str, normalised: &str, original: &str| {
        if normalised != original && found.len() < MOST {
            found.push(Difference {
                kind,
                key: key.to_owned(),
                normalised: normalised.to_owned(),
                original: original.to_owned(),
            });
        }
    };
    for key in ["name", "links"] {
        let kind = if key == "name" { DifferenceKind::Name } else { DifferenceKind::Links };
        let (ours, theirs) = (package(normalised, key), package(original, key));
        add(kind, "", &text(ours), &text(theirs));
    }
    let (ours, theirs) = (script(normalised), script(original));
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        add(DifferenceKind::BuildScript, "", &ours, &theirs);
    } else if let Some(ours) =
        script(normalised).filter(|script| script != "build.rs" && script != "false")
    {
        add(DifferenceKind::BuildScript, "", &ours, "");
    }
    let macros = [normalised, original].map(|manifest| proc_macro(manifest).to_string());
    add(DifferenceKind::ProcMacro, "", &macros[0], &macros[1]);
    for (kind, names) in [
        (DifferenceKind::Dependency, &["dependencies"][..]),
        (DifferenceKind::BuildDependency, &["build-dependencies", "build_dependencies"]),
    ] {
        let (ours, theirs) = (dependencies(normalised, names), dependencies(original, names));
        for key in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
            let known = |all: &BTreeMap<String, Option<String>>| match all.get(key) {
                None => Some(String::new()),
                Some(package) => package.clone(),
            };
            if let (Some(ours), Some(theirs)) = (known(&ours), known(&theirs)) {
                add(kind, key, &ours, &theirs);
            } else if ours.contains_key(key) != theirs.contains_key(key) {
                let here =
                    |all: &BTreeMap<_, _>| if all.contains_key(key) { "inherited" } else { "" };
                add(kind, key, here(&ours), here(&theirs));
            }
        }
    }
    let features = [normalised, original].map(|manifest| keys(manifest, "features"));
    for key in features[0].symmetric_difference(&features[1]) {
        let has = |set: &BTreeSet<&str>| if set.contains(*key) { "declared" } else { "" };
        add(DifferenceKind::Feature, key, has(&features[0]), has(&features[1]));
    }
    found
}

fn package<'t>(manifest: &'t Table, key: &str) -> Option<&'t Value> {
    manifest.get("package").or_else(|| manifest.get("project"))?.get(key)
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or("").to_owned()
}

/// `package.build` where it is said: cargo writes what it found by itself.
fn script(manifest: &Table) -> Option<String> {
    match package(manifest, "build")? {
        Value::String(path) => Some(path.trim_start_matches("./").to_owned()),
        Value::Boolean(false) => Some("false".to_owned()),
        Value::Array(paths) => {
            Some(paths.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

fn proc_macro(manifest: &Table) -> bool {
    let library = manifest.get("lib");
    let flag = |key: &str| library.and_then(|l| l.get(key)).and_then(Value::as_bool) == Some(true);
    let types = library.and_then(|l| l.get("crate-type").or_else(|| l.get("crate_type")));
    let listed = types.and_then(Value::as_array);
    flag("proc-macro")
        || flag("proc_macro")
        || listed.is_some_and(|types| types.iter().any(|t| t.as_str() == Some("proc-macro")))
}

/// Name in code to package, on any target; `None` for a package that a workspace names.
fn dependencies(manifest: &Table, names: &[&str]) -> BTreeMap<String, Option<String>> {
    let mut all = BTreeMap::new();
    let mut add = |table: Option<&Value>| {
        for (name, dependency) in table.and_then(Value::as_table).into_iter().flatten() {
            let inherited = dependency.get("workspace").and_then(Value::as_bool) == Some(true);
            let package = dependency.get("package").and_then(Value::as_str).unwrap_or(name);
            all.insert(name.clone(), (!inherited).then(|| package.to_owned()));
        }
    };
    let targets = manifest.get("target").and_then(Value::as_table);
    for name in names {
        add(manifest.get(*name));
        for target in targets.into_iter().flat_map(|targets| targets.values()) {
            add(target.get(*name));
        }
    }
    all
}

fn keys<'t>(manifest: &'t Table, name: &str) -> BTreeSet<&'t str> {
    let table = manifest.get(name).and_then(Value::as_table);
    table.into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}
