//! Cargo.toml: where the project declares what it depends on, with the place of every declaration.
//!
//! One manifest at a time and from text alone. What its entries lead to is [`super::workspace`]'s to
//! find; whether they are wise is nobody's here. Entries of a shape that cargo refuses are left out:
//! the lockfile, not the manifest, says what is in the graph.

mod dependency;

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::document::{self, Document, DocumentError};
use crate::domain::Location;
use crate::domain::text::shown;

pub use dependency::{Declaration, DeclaredSource, DependencyKind};

/// One parsed manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its path relative to the audited folder.
    pub file: String,
    /// `[package]`, absent in a virtual manifest.
    pub package: Option<PackageTable>,
    /// `[workspace]`.
    pub workspace: Option<WorkspaceTable>,
    /// All dependencies, of every target and kind, in no order that matters.
    pub dependencies: Vec<Declaration>,
    /// `[patch]` and `[replace]` entries.
    pub patches: Vec<Patch>,
    /// `[features]`: what each turns on.
    pub features: BTreeMap<String, Vec<String>>,
}

/// What `[package]` and the target tables say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageTable {
    /// Crate name.
    pub name: String,
    /// Its version.
    pub version: PackageVersion,
    /// What `build` says.
    pub build: BuildKey,
    /// `[lib] proc-macro = true`, or `proc-macro` among its types: the compiler loads and runs it.
    pub proc_macro: bool,
}

/// The version of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageVersion {
    /// Written here; cargo reads an absent one as 0.0.0.
    Own(String),
    /// `version.workspace = true`.
    Inherited,
}

/// Which build scripts a package names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildKey {
    /// Nothing is said: `build.rs`, if that file is there.
    Default,
    /// `build = false`.
    Off,
    /// The named files.
    Files(Vec<String>),
}

/// What `[workspace]` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceTable {
    /// Folders of members, with wildcards.
    pub members: Vec<String>,
    /// Folders that are none.
    pub exclude: Vec<String>,
    /// `[workspace.dependencies]`.
    pub dependencies: Vec<Declaration>,
    /// `[workspace.package] version`.
    pub version: Option<String>,
}

/// One entry that puts a crate in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What it patches: a registry's name or URL, or `replace` for the old `[replace]` table.
    pub of: String,
    /// The replacement.
    pub with: Declaration,
}

/// Why a manifest was not read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file}: {reason}")]
pub struct ManifestError {
    /// Its path relative to the audited folder.
    pub file: String,
    /// What is wrong, with the line.
    pub reason: String,
}

impl From<(&str, DocumentError)> for ManifestError {
    fn from((file, error): (&str, DocumentError)) -> Self {
        Self { file: shown(file), reason: error.to_string() }
    }
}

/// Reads a manifest from its text; `file` is its path relative to the audited folder.
pub fn parse(text: &str, file: &str) -> Result<Manifest, ManifestError> {
    let document = Document::parse(text).map_err(|error| ManifestError::from((file, error)))?;
    let root = &document.table;
    let reader = dependency::Reader { lines: &document.lines, file };
    Ok(Manifest {
        file: file.to_owned(),
        package: package(root),
        workspace: document::table(root, "workspace").map(|table| WorkspaceTable {
            members: strings(table, "members"),
            exclude: strings(table, "exclude"),
            dependencies: reader.table(table, "dependencies", DependencyKind::Normal, None),
            version: document::table(table, "package")
                .and_then(|package| document::string(package, "version"))
                .map(str::to_owned),
        }),
        dependencies: reader.all(root),
        patches: patches(root, &reader),
        features: features(root),
    })
}

/// `[features]`. An entry of a shape that cargo refuses turns nothing on.
fn features(root: &DeTable<'_>) -> BTreeMap<String, Vec<String>> {
    let table = document::table(root, "features");
    let names = table.into_iter().flat_map(|table| table.keys().map(move |key| (table, key)));
    names.map(|(table, key)| (key.get_ref().to_string(), strings(table, key.get_ref()))).collect()
}

fn package(root: &DeTable<'_>) -> Option<PackageTable> {
    let table = document::table(root, "package").or_else(|| document::table(root, "project"))?;
    let name = document::string(table, "name")?.to_owned();
    let version = match table.get("version").map(toml::Spanned::get_ref) {
        Some(DeValue::String(version)) => PackageVersion::Own(version.to_string()),
        Some(_) => PackageVersion::Inherited,
        None => PackageVersion::Own("0.0.0".to_owned()),
    };
    let build = match table.get("build").map(toml::Spanned::get_ref) {
        None | Some(DeValue::Boolean(true)) => BuildKey::Default,
        Some(DeValue::String(file)) => BuildKey::Files(vec![file.to_string()]),
        Some(DeValue::Array(_)) => BuildKey::Files(strings(table, "build")),
        Some(_) => BuildKey::Off,
    };
    let lib = document::table(root, "lib");
    let flag =
        |key| lib.and_then(|lib| lib.get(key)).and_then(|v| v.get_ref().as_bool()).unwrap_or(false);
    let types = lib.map(|lib| [strings(lib, "crate-type"), strings(lib, "crate_type")].concat());
    let by_type = types.is_some_and(|types| types.iter().any(|one| one == "proc-macro"));
    let proc_macro = flag("proc-macro") || flag("proc_macro") || by_type;
    Some(PackageTable { name, version, build, proc_macro })
}

/// `[patch.<registry>]` and `[replace]` entries of a manifest or of a cargo configuration file.
pub(super) fn patches(root: &DeTable<'_>, reader: &dependency::Reader<'_, '_>) -> Vec<Patch> {
    let mut found = Vec::new();
    for (of, table) in document::table(root, "patch").into_iter().flatten() {
        let entries =
            table.get_ref().as_table().map(|t| reader.entries(t, DependencyKind::Normal, None));
        found.extend(
            entries.into_iter().flatten().map(|with| Patch { of: of.get_ref().to_string(), with }),
        );
    }
    let replaced = reader.table(root, "replace", DependencyKind::Normal, None);
    found.extend(replaced.into_iter().map(|with| Patch { of: "replace".to_owned(), with }));
    found
}

/// The same for a configuration file, whose text is parsed elsewhere.
pub(super) fn patches_of(document: &Document<'_>, file: &str) -> Vec<Patch> {
    patches(&document.table, &dependency::Reader { lines: &document.lines, file })
}

fn strings(table: &DeTable<'_>, key: &str) -> Vec<String> {
    let items = document::array(table, key).into_iter().flatten();
    items.filter_map(|item| item.get_ref().as_str()).map(str::to_owned).collect()
}

impl Manifest {
    /// Folder that holds it, relative to the audited folder; empty for the folder itself.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Line 1, where a finding about the whole manifest is shown.
    #[must_use]
    pub fn location(&self) -> Location {
        Location::line(self.file.as_str(), 1)
    }
}

#[cfg(test)]
mod tests;
