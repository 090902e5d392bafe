//! One package as a file names it, whatever the format.

use super::facts::PackageSource;

/// A package in a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// As it is compared: lower case with `-` for Python.
    pub name: String,
    /// Empty where no single one is asked for.
    pub version: String,
    pub source: PackageSource,
    pub address: Option<String>,
    pub hashed: bool,
    pub sha256: Option<String>,
    /// Whether it can only be built; nothing where the file lists no archives.
    pub only_source: Option<bool>,
    pub install_script: Option<bool>,
    /// `YYYY-MM-DD`.
    pub uploaded: Option<String>,
    pub line: u32,
    /// Names of packages that it needs, as they are compared.
    pub requires: Vec<String>,
    /// The folder that npm puts it into, by which needs are resolved; empty for Python.
    pub folder: String,
}

/// A file that is no lock of a kind that is read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackageError {
    /// Not the syntax.
    #[error("it cannot be read: {0}")]
    Syntax(String),
    /// A version of the format that is not read.
    #[error("its format has version {0}, which is not read")]
    Version(String),
    /// Nothing stands in it, not even what every such file begins with.
    #[error("it is empty")]
    Empty,
    /// A lock of a tool whose format is not read.
    #[error("locks of this format are not read")]
    Foreign,
    /// More than any real file.
    #[error("it names more than {0} packages")]
    TooMany(usize),
}

/// Most packages of one file.
pub(super) const PACKAGES_LIMIT: usize = 50_000;

/// A name of Python in the form in which names are compared (PEP 503).
pub(super) fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}
