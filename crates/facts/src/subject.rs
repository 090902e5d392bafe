//! Who is audited: a crate, a model, a data set, a hosted service, or the project itself.

use packageurl::PackageUrl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What sort of thing a subject is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// The audited project: its own manifests, build scripts and configuration.
    Project,
    /// A package of the Cargo graph.
    Crate,
    /// A model repository, or a model folder or file on disk.
    Model,
    /// A data set that code names.
    Dataset,
    /// A hosted inference service that code sends data to.
    Service,
    /// A package of Python or npm that a lock of the project names.
    Package,
}

impl SubjectKind {
    /// The kebab-case word, as it stands in rules and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Crate => "crate",
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Service => "service",
            Self::Package => "package",
        }
    }
}

/// Where a subject comes from.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Origin {
    /// The default crate registry.
    Registry,
    /// Another crate registry, by the URL in the lockfile.
    AlternativeRegistry {
        /// Index URL without the `registry+` or `sparse+` prefix.
        index: String,
    },
    /// A git repository pinned by the lockfile.
    Git {
        /// Repository URL without query and fragment.
        url: String,
        /// The locked commit, 40 hexadecimal digits; empty where the lock has none.
        rev: String,
        /// What the manifest asked for: `branch=x`, `tag=x`, `rev=x`, or nothing for the default branch.
        reference: Option<String>,
    },
    /// A folder of the project, or a path dependency.
    Path,
    /// A model or data-set repository of a Hub.
    Hub,
    /// A file or folder on disk that is audited for itself.
    Local,
    /// An index of packages of another language, or a library of models that is no Hub.
    PackageIndex {
        /// `python` or `npm`; of models `ollama` or `oci`.
        ecosystem: String,
    },
}

impl Origin {
    /// The word for it in reports and rules.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::AlternativeRegistry { .. } => "alternative-registry",
            Self::Git { .. } => "git",
            Self::Path => "path",
            Self::Hub => "hub",
            Self::Local => "local",
            Self::PackageIndex { .. } => "package-index",
        }
    }
}

/// The identity of what is audited. Ordered by kind, then name, then version.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Subject {
    /// Crate, model, ...
    pub kind: SubjectKind,
    /// Crate name, `owner/name` of a model, or a path relative to the audited folder.
    pub name: String,
    /// Version, or the model's revision; empty where there is none.
    pub version: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl Subject {
    /// A crate of the default registry.
    #[must_use]
    pub fn registry_crate(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            kind: SubjectKind::Crate,
            name: name.into(),
            version: version.into(),
            origin: Origin::Registry,
        }
    }

    /// Package URL (<https://github.com/package-url/purl-spec>), where the kind of subject has one.
    #[must_use]
    pub fn purl(&self) -> Option<String> {
        let kind = match (self.kind, &self.origin) {
            (SubjectKind::Crate, Origin::Path | Origin::Local) => return None,
            (SubjectKind::Crate, _) => "cargo",
            (SubjectKind::Model | SubjectKind::Dataset, Origin::Hub) => "huggingface",
            (SubjectKind::Package, Origin::PackageIndex { ecosystem }) if ecosystem == "npm" => {
                "npm"
            }
            (SubjectKind::Package, Origin::PackageIndex { .. }) => "pypi",
            _ => return None,
        };
        let (namespace, name) = match self.name.rsplit_once('/') {
            Some((owner, name)) if kind != "cargo" => (Some(owner), name),
            _ => (None, self.name.as_str()),
        };
        let mut purl = PackageUrl::new(kind, name).ok()?;
        if let Some(owner) = namespace {
            purl.with_namespace(owner).ok()?;
        }
        if !self.version.is_empty() {
            purl.with_version(self.version.as_str()).ok()?;
        }
        match &self.origin {
            Origin::Git { url, rev, .. } => {
                purl.add_qualifier("vcs_url", format!("git+{url}@{rev}")).ok()?;
            }
            Origin::AlternativeRegistry { index } => {
                purl.add_qualifier("repository_url", index.as_str()).ok()?;
            }
            _ => {}
        }
        Some(purl.to_string())
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.version.is_empty() {
            write!(f, "{}", self.name)
        } else {
            write!(f, "{} {}", self.name, self.version)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purl(kind: SubjectKind, name: &str, version: &str, origin: Origin) -> Option<String> {
        Subject { kind, name: name.to_owned(), version: version.to_owned(), origin }.purl()
    }

    #[test]
    fn a_package_url_names_what_others_can_look_up_and_nothing_of_this_machine() {
        let registry = purl(SubjectKind::Crate, "serde", "1.0.0+a b", Origin::Registry);
        assert_eq!(registry.as_deref(), Some("pkg:cargo/serde@1.0.0%2Ba%20b"));
        let model = purl(SubjectKind::Model, "Org/Name", "abc", Origin::Hub);
        assert_eq!(model.as_deref(), Some("pkg:huggingface/Org/Name@abc"));
        let npm = Origin::PackageIndex { ecosystem: "npm".to_owned() };
        let scoped = purl(SubjectKind::Package, "@scope/name", "1.0", npm);
        assert_eq!(scoped.as_deref(), Some("pkg:npm/%40scope/name@1.0"));
        assert_eq!(purl(SubjectKind::Crate, "mine", "1.0.0", Origin::Path), None);
    }
}
