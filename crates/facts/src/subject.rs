//! Who is audited: a crate, a model, a data set, a hosted service, or the project itself.

use std::fmt::Write as _;

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
    /// An index of packages of another language.
    PackageIndex {
        /// `python` or `npm`.
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
        let escape = |text: &str, keep_slash: bool| -> String {
            let mut out = String::new();
            for byte in text.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        out.push(byte as char);
                    }
                    b'/' if keep_slash => out.push('/'),
                    other => {
                        let _ = write!(out, "%{other:02X}");
                    }
                }
            }
            out
        };
        let (kind, keep_slash) = match (self.kind, &self.origin) {
            (SubjectKind::Crate, Origin::Path | Origin::Local) => return None,
            (SubjectKind::Crate, _) => ("cargo", false),
            (SubjectKind::Model | SubjectKind::Dataset, Origin::Hub) => ("huggingface", true),
            (SubjectKind::Package, Origin::PackageIndex { ecosystem }) => {
                (if ecosystem == "npm" { "npm" } else { "pypi" }, true)
            }
            _ => return None,
        };
        let name = escape(&self.name, keep_slash);
        let base = if self.version.is_empty() {
            format!("pkg:{kind}/{name}")
        } else {
            format!("pkg:{kind}/{name}@{}", escape(&self.version, false))
        };
        match &self.origin {
            Origin::Git { url, rev, .. } => Some(format!(
                "{base}?vcs_url=git%2B{}%40{}",
                escape(url, false),
                escape(rev, false)
            )),
            Origin::AlternativeRegistry { index } => {
                Some(format!("{base}?repository_url={}", escape(index, false)))
            }
            _ => Some(base),
        }
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
