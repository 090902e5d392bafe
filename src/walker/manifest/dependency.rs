//! One dependency as a manifest declares it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::Location;
use crate::walker::document::{self, Lines};

/// For what a crate is needed.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(rename_all = "kebab-case")]
pub enum DependencyKind {
    /// `[dependencies]`.
    Normal,
    /// `[build-dependencies]`: runs on the machine that builds.
    Build,
    /// `[dev-dependencies]`: tests, benches and examples.
    Dev,
}

/// Where a declaration takes the crate from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredSource {
    /// The default registry.
    Registry,
    /// Another registry, by its name or index URL.
    AlternativeRegistry(String),
    /// A git repository.
    Git {
        /// Its URL.
        url: String,
        /// `branch=x`, `tag=x` or `rev=x`; nothing for the default branch.
        reference: Option<String>,
    },
    /// A folder, relative to the manifest's own.
    Path(String),
    /// `workspace = true`: what the workspace's root manifest says.
    Workspace,
}

/// One entry of a dependency table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The key: the name that the project's code uses.
    pub key: String,
    /// Name of the crate; differs from the key where `package = ` renames it.
    pub package: String,
    /// For what it is needed.
    pub kind: DependencyKind,
    /// Where its key stands.
    pub location: Location,
    /// The version requirement as written.
    pub requirement: Option<String>,
    /// Where it is taken from.
    pub source: DeclaredSource,
    /// Whether only a feature turns it on.
    pub optional: bool,
    /// What `default-features` says; nothing where it is not there.
    pub default_features: Option<bool>,
    /// Features that it is asked for with.
    pub features: Vec<String>,
    /// The `[target.'...']` that it is for; nothing for all.
    pub target: Option<String>,
}

/// Reads declarations of one file.
pub struct Reader<'d, 'i> {
    /// For their places.
    pub(in crate::walker) lines: &'d Lines<'i>,
    /// The file's path relative to the audited folder.
    pub(in crate::walker) file: &'d str,
}

/// Table names, the old spellings too, with their kind.
const TABLES: [(&str, DependencyKind); 5] = [
    ("dependencies", DependencyKind::Normal),
    ("build-dependencies", DependencyKind::Build),
    ("build_dependencies", DependencyKind::Build),
    ("dev-dependencies", DependencyKind::Dev),
    ("dev_dependencies", DependencyKind::Dev),
];

impl Reader<'_, '_> {
    /// Every dependency table of a manifest, those of targets too.
    pub(super) fn all(&self, root: &DeTable<'_>) -> Vec<Declaration> {
        let mut found = Vec::new();
        for (name, kind) in TABLES {
            found.extend(self.table(root, name, kind, None));
        }
        for (target, tables) in document::table(root, "target").into_iter().flatten() {
            let Some(tables) = tables.get_ref().as_table() else { continue };
            for (name, kind) in TABLES {
                found.extend(self.table(tables, name, kind, Some(target.get_ref())));
            }
        }
        found
    }

    /// One dependency table, by its name.
    pub(super) fn table(
        &self,
        parent: &DeTable<'_>,
        name: &str,
        kind: DependencyKind,
        target: Option<&str>,
    ) -> Vec<Declaration> {
        let table = document::table(parent, name);
        table.map_or_else(Vec::new, |table| self.entries(table, kind, target))
    }

    /// The entries of a dependency table.
    pub(super) fn entries(
        &self,
        table: &DeTable<'_>,
        kind: DependencyKind,
        target: Option<&str>,
    ) -> Vec<Declaration> {
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let (requirement, detail) = match value.get_ref() {
                DeValue::String(requirement) => (Some(requirement.to_string()), None),
                DeValue::Table(detail) => (text(detail, "version"), Some(detail)),
                _ => return None,
            };
            let flag = |key| {
                detail.and_then(|t| t.get(key)).and_then(|v| v.get_ref().as_bool()) == Some(true)
            };
            let key_text: &std::borrow::Cow<'_, str> = key.get_ref();
            Some(Declaration {
                key: key_text.to_string(),
                package: detail
                    .and_then(|detail| text(detail, "package"))
                    .unwrap_or_else(|| key_text.to_string()),
                kind,
                location: self.lines.location(self.file, &key.span()),
                requirement,
                source: detail.map_or(DeclaredSource::Registry, source),
                optional: flag("optional"),
                default_features: detail.and_then(default_features),
                features: detail.map_or_else(Vec::new, |detail| super::strings(detail, "features")),
                target: target.map(str::to_owned),
            })
        };
        table.iter().filter_map(entry).collect()
    }
}

fn source(detail: &DeTable<'_>) -> DeclaredSource {
    if detail.get("workspace").and_then(|value| value.get_ref().as_bool()) == Some(true) {
        return DeclaredSource::Workspace;
    }
    // A dependency with both is built from the folder or repository; the version is for publishing.
    if let Some(path) = text(detail, "path") {
        return DeclaredSource::Path(path);
    }
    if let Some(url) = text(detail, "git") {
        let reference = ["branch", "tag", "rev"]
            .into_iter()
            .find_map(|key| text(detail, key).map(|value| format!("{key}={value}")));
        return DeclaredSource::Git { url, reference };
    }
    match text(detail, "registry").or_else(|| text(detail, "registry-index")) {
        Some(registry) => DeclaredSource::AlternativeRegistry(registry),
        None => DeclaredSource::Registry,
    }
}

/// The old spelling, too.
fn default_features(detail: &DeTable<'_>) -> Option<bool> {
    let value = detail.get("default-features").or_else(|| detail.get("default_features"));
    value.and_then(|value| value.get_ref().as_bool())
}

fn text(table: &DeTable<'_>, key: &str) -> Option<String> {
    document::string(table, key).map(str::to_owned)
}
