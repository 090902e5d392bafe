//! The archive's `Cargo.toml`: what runs at build time, and where tests and examples lie.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Value;

use super::LISTED;
use super::facts::{FileRole, ManifestFacts};
use crate::domain::Measured;
use crate_read::rust_source::plain_path;

/// The facts of a manifest, and the files that it gives a role.
pub(super) struct Manifest {
    pub(super) facts: Measured<ManifestFacts>,
    /// Path of a target to its role.
    pub(super) targets: BTreeMap<String, FileRole>,
}

/// The keys that are read; cargo's normalised manifests have the dashed names, old ones underscores.
#[derive(Deserialize)]
struct Raw {
    #[serde(alias = "project")]
    package: Option<RawPackage>,
    lib: Option<RawTarget>,
    #[serde(default)]
    bin: Vec<RawTarget>,
    #[serde(default)]
    test: Vec<RawTarget>,
    #[serde(default)]
    bench: Vec<RawTarget>,
    #[serde(default)]
    example: Vec<RawTarget>,
    #[serde(default, rename = "build-dependencies", alias = "build_dependencies")]
    build_dependencies: BTreeMap<String, RawDependency>,
    #[serde(default)]
    target: BTreeMap<String, RawPlatform>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: Option<Value>,
    version: Option<Value>,
    build: Option<Value>,
    links: Option<Value>,
    repository: Option<Value>,
    license: Option<Value>,
    authors: Option<Value>,
}

#[derive(Deserialize)]
struct RawTarget {
    path: Option<String>,
    #[serde(rename = "proc-macro", alias = "proc_macro")]
    proc_macro: Option<bool>,
    #[serde(default, rename = "crate-type", alias = "crate_type")]
    crate_type: Option<Value>,
}

#[derive(Deserialize)]
struct RawPlatform {
    #[serde(default, rename = "build-dependencies", alias = "build_dependencies")]
    build_dependencies: BTreeMap<String, RawDependency>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawDependency {
    Version(#[expect(dead_code, reason = "only its presence matters")] String),
    Table { package: Option<String> },
}

impl Manifest {
    /// A manifest that could not be read.
    pub(super) fn unknown(reason: impl Into<String>) -> Self {
        Self { facts: Measured::unknown(reason), targets: BTreeMap::new() }
    }

    /// Reads a manifest; `has_default_script` tells whether there is a `build.rs`.
    pub(super) fn read(bytes: &[u8], name: &str, version: &str, has_default_script: bool) -> Self {
        let raw: Raw = match toml::from_slice(bytes) {
            Ok(raw) => raw,
            Err(error) => {
                return Self::unknown(format!("Cargo.toml is malformed: {}", error.message()));
            }
        };
        let Some(package) = &raw.package else {
            return Self::unknown("Cargo.toml has no [package]");
        };
        let text = |value: &Option<Value>| value.as_ref()?.as_str().map(str::to_owned);
        let (declared_name, declared_version) = (text(&package.name), text(&package.version));
        let facts = ManifestFacts {
            declares_expected: declared_name.as_deref() == Some(name)
                && declared_version.as_deref() == Some(version),
            declared_name,
            declared_version,
            build_scripts: build_scripts(package.build.as_ref(), has_default_script),
            proc_macro: raw.lib.as_ref().is_some_and(RawTarget::is_proc_macro),
            links: text(&package.links),
            build_dependencies: build_dependencies(&raw),
            repository: text(&package.repository),
            license: text(&package.license),
            authors: authors(package.authors.as_ref()),
        };
        Self { targets: targets(&raw, &facts), facts: Measured::Known(facts) }
    }
}

/// Most authors that are kept.
const AUTHORS: usize = 8;

fn authors(value: Option<&Value>) -> Vec<String> {
    let all = value.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str).take(AUTHORS).map(str::to_owned).collect()
}

impl RawTarget {
    fn is_proc_macro(&self) -> bool {
        let by_type = self.crate_type.as_ref().and_then(Value::as_array);
        self.proc_macro == Some(true)
            || by_type.is_some_and(|types| types.iter().any(|t| t.as_str() == Some("proc-macro")))
    }
}

/// `package.build` is a path, several, or whether to look for the default.
fn build_scripts(build: Option<&Value>, has_default: bool) -> Vec<String> {
    match build {
        Some(Value::String(path)) => vec![plain(path)],
        Some(Value::Array(paths)) => {
            paths.iter().take(LISTED).filter_map(Value::as_str).map(plain).collect()
        }
        Some(Value::Boolean(false)) => Vec::new(),
        _ if has_default => vec!["build.rs".to_owned()],
        _ => Vec::new(),
    }
}

fn build_dependencies(raw: &Raw) -> Vec<String> {
    let everywhere = raw.build_dependencies.iter();
    let somewhere = raw.target.values().flat_map(|platform| platform.build_dependencies.iter());
    let names: BTreeSet<&str> = everywhere
        .chain(somewhere)
        .map(|(key, dependency)| match dependency {
            RawDependency::Table { package: Some(package) } => package.as_str(),
            _ => key.as_str(),
        })
        .collect();
    names.into_iter().take(LISTED).map(str::to_owned).collect()
}

fn targets(raw: &Raw, facts: &ManifestFacts) -> BTreeMap<String, FileRole> {
    let mut targets = BTreeMap::new();
    for (listed, role) in [
        (&raw.test, FileRole::Test),
        (&raw.bench, FileRole::Bench),
        (&raw.example, FileRole::Example),
        (&raw.bin, FileRole::Source),
    ] {
        let paths = listed.iter().filter_map(|target| target.path.as_deref());
        targets.extend(paths.map(|path| (plain(path), role)));
    }
    let library = raw.lib.as_ref().and_then(|lib| lib.path.as_deref());
    targets.extend(library.map(|path| (plain(path), FileRole::Source)));
    // Whatever else it is: what runs at build time is that first of all.
    targets.extend(facts.build_scripts.iter().map(|path| (path.clone(), FileRole::BuildInput)));
    targets
}

/// A path of a manifest as the archive has it.
fn plain(path: &str) -> String {
    plain_path(path)
}
