//! Cargo.lock, versions 1 to 4: the truth about who is in the graph.
//!
//! The text is parsed whole and then checked field by field: what cargo itself refuses (a package
//! without a version, the same package twice, a checksum that is none) is an error here, too; what
//! cargo tolerates but a reader should know of (a dependency that no package answers to, a git
//! package without a commit) is a [`Note`]. Works on text alone, so that a lockfile out of a git
//! object is read by the same code as one on disk. Must not resolve, fetch or repair anything.

mod edges;
mod source;

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::document::{self, Document, DocumentError, Value};
use crate::domain::text::shown;
use crate::domain::{Origin, Subject, SubjectKind};

/// Newest lockfile version that this reader knows.
pub const NEWEST_VERSION: u32 = 4;

/// Most notes that are kept for one lockfile; the rest is counted in a last one.
pub const NOTES_LIMIT: usize = 200;

/// A lockfile, every field checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockfile {
    /// Version of the format, from 1. Versions 1 and 2 do not say so and are told apart by where
    /// the checksums stand.
    pub version: u32,
    /// All packages, ordered by [`Subject`].
    pub packages: Vec<Package>,
    /// `[[patch.unused]]`: patches that the manifest declares and the graph does not use.
    pub unused_patches: Vec<UnusedPatch>,
    /// What is odd, in the order of its lines.
    pub notes: Vec<Note>,
}

/// One `[[package]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Crate name.
    pub name: String,
    /// Version, valid semver.
    pub version: String,
    /// Where it comes from; no source means a folder on disk.
    pub origin: Origin,
    /// SHA-256 of its archive, 64 lower-case hexadecimal digits; absent for git and path packages.
    pub checksum: Option<String>,
    /// What it depends on, as indices into [`Lockfile::packages`], in the order of the file.
    pub dependencies: Vec<usize>,
    /// Whether the lockfile itself says on which path it lies. Cargo writes no such thing, so it is none
    /// of the project's own crates.
    pub placed: bool,
    /// Whether a `[replace]` entry put another package in its place.
    pub replaced: bool,
    /// Line of `[[package]]`, from 1.
    pub line: u32,
    /// Where the value of `name` stands.
    pub name_span: Span,
    /// Where the value of `version` stands.
    pub version_span: Span,
}

impl Package {
    /// Its identity.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Crate,
            name: self.name.clone(),
            version: self.version.clone(),
            origin: self.origin.clone(),
        }
    }
}

/// A place in the lockfile: one line, columns counted in characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Column after the last.
    pub end_column: u32,
}

/// A patch that the graph does not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedPatch {
    /// Crate name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Line of its `[[patch.unused]]`.
    pub line: u32,
}

/// Something odd that does not stop the audit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Line that it is about.
    pub line: u32,
    /// Name and version of the package that it is about; nothing where it is about the file.
    pub package: Option<(String, String)>,
    /// What was seen, one short sentence without a full stop.
    pub message: String,
}

/// Why a text is no lockfile. Every message names the file and the line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LockfileError {
    /// A merge that was not finished.
    #[error(
        "{file}:{line}: merge conflict marker `<<<<<<<`\nhelp: finish the merge, or take one side and run `cargo generate-lockfile`"
    )]
    MergeConflict {
        /// Name of the file.
        file: String,
        /// Line of the first marker.
        line: u32,
    },
    /// Not TOML.
    #[error("{file}:{line}: not a lockfile: {message}")]
    Syntax {
        /// Name of the file.
        file: String,
        /// Line where the parser stopped.
        line: u32,
        /// What it says.
        message: String,
    },
    /// TOML, but a field is missing or is not what cargo writes.
    #[error("{file}:{line}: {message}")]
    Field {
        /// Name of the file.
        file: String,
        /// Line of the field, or of its package.
        line: u32,
        /// What is wrong with it.
        message: String,
    },
    /// The same package twice.
    #[error("{file}:{line}: `{package}` is already locked in line {first}")]
    Duplicate {
        /// Name of the file.
        file: String,
        /// Line of the second.
        line: u32,
        /// Line of the first.
        first: u32,
        /// Name and version.
        package: String,
    },
}

/// Reads a lockfile from its text; `file` is the name that errors show.
pub fn parse(text: &str, file: &str) -> Result<Lockfile, LockfileError> {
    let document = Document::parse(text).map_err(|error| match error {
        DocumentError::MergeConflict { line } => {
            LockfileError::MergeConflict { file: shown(file), line }
        }
        DocumentError::Syntax { line, message } => {
            LockfileError::Syntax { file: shown(file), line, message }
        }
    })?;
    Reader { document: &document, file, notes: Vec::new() }.read()
}

/// One pass over a parsed text.
struct Reader<'d, 'i> {
    document: &'d Document<'i>,
    file: &'d str,
    notes: Vec<Note>,
}

/// A package before its dependencies are resolved.
struct Raw<'d> {
    package: Package,
    source: Option<&'d str>,
    dependencies: Vec<(u32, &'d str)>,
}

impl<'d> Reader<'d, '_> {
    fn read(mut self) -> Result<Lockfile, LockfileError> {
        let root = &self.document.table;
        let stated = self.stated_version(root)?;
        let mut raw = Vec::new();
        // `[root]` is how cargo wrote the project itself until 2017.
        for value in root.get("root").into_iter().chain(self.packages(root)?) {
            raw.push(self.package(value)?);
        }
        let old = self.old_checksums(root, &mut raw)?;
        self.reject_duplicates(&raw)?;
        raw.sort_by_cached_key(|raw| raw.package.subject());
        let resolved = edges::resolve(&raw, &mut self.notes);
        let mut packages: Vec<Package> = raw.into_iter().map(|raw| raw.package).collect();
        for (package, dependencies) in packages.iter_mut().zip(resolved) {
            package.dependencies = dependencies;
        }
        let unused_patches = self.unused_patches(root);
        let version = stated.unwrap_or(if old { 1 } else { 2 });
        Ok(Lockfile { version, packages, unused_patches, notes: bounded(self.notes) })
    }

    fn stated_version(&mut self, root: &DeTable<'_>) -> Result<Option<u32>, LockfileError> {
        let Some(value) = root.get("version") else { return Ok(None) };
        let line = self.line(&value.span());
        let number = value.get_ref().as_integer().and_then(|i| i.as_str().parse::<u32>().ok());
        let Some(version) = number.filter(|version| *version > 0) else {
            return Err(self.field(line, "`version` of a lockfile is a number from 1"));
        };
        if version > NEWEST_VERSION {
            let message = format!(
                "lockfile version {version} is newer than {NEWEST_VERSION}, the newest that is known here"
            );
            self.notes.push(Note { line, package: None, message });
        }
        Ok(Some(version))
    }

    fn packages(&self, root: &'d DeTable<'_>) -> Result<&'d [Value<'d>], LockfileError> {
        match root.get("package") {
            None => Ok(&[]),
            Some(value) => match value.get_ref() {
                DeValue::Array(packages) => Ok(packages),
                _ => Err(self.field(self.line(&value.span()), "`package` is not a list of tables")),
            },
        }
    }

    fn package(&mut self, value: &'d Value<'_>) -> Result<Raw<'d>, LockfileError> {
        let line = self.line(&value.span());
        let Some(table) = value.get_ref().as_table() else {
            return Err(self.field(line, "a package is not a table"));
        };
        let (name, name_span) = self.required(table, "name", line)?;
        let (version, version_span) = self.required(table, "version", line)?;
        if !is_name(name) {
            return Err(self.field(name_span.line, &format!("`{}` is no crate name", shown(name))));
        }
        if semver::Version::parse(version).is_err() {
            let message = format!("`{}` is no version", shown(version));
            return Err(self.field(version_span.line, &message));
        }
        let source = self.optional(table, "source")?;
        let parsed = source.map(source::parse);
        if let Some(odd) = parsed.as_ref().and_then(|source| source.odd.clone()) {
            let package = Some((name.to_owned(), version.to_owned()));
            self.notes.push(Note { line, package, message: odd });
        }
        let package = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            placed: parsed.as_ref().is_some_and(|source| source.origin == Origin::Path),
            origin: parsed.map_or(Origin::Path, |source| source.origin),
            checksum: self.checksum(table)?,
            dependencies: Vec::new(),
            replaced: table.contains_key("replace"),
            line,
            name_span,
            version_span,
        };
        Ok(Raw { package, source, dependencies: self.dependencies(table)? })
    }

    fn dependencies(&self, table: &'d DeTable<'_>) -> Result<Vec<(u32, &'d str)>, LockfileError> {
        let Some(value) = table.get("dependencies") else { return Ok(Vec::new()) };
        let wrong = |span| self.field(self.line(&span), "`dependencies` is not a list of texts");
        let list = value.get_ref().as_array().ok_or_else(|| wrong(value.span()))?;
        list.iter()
            .map(|item| {
                let text = item.get_ref().as_str().ok_or_else(|| wrong(item.span()))?;
                Ok((self.line(&item.span()), text))
            })
            .collect()
    }

    fn checksum(&self, table: &DeTable<'_>) -> Result<Option<String>, LockfileError> {
        let Some(text) = self.optional(table, "checksum")? else { return Ok(None) };
        let line = table.get("checksum").map_or(1, |value| self.line(&value.span()));
        self.checked(text, line).map(Some)
    }

    fn checked(&self, checksum: &str, line: u32) -> Result<String, LockfileError> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if checksum.len() == 64 && checksum.bytes().all(digit) {
            return Ok(checksum.to_owned());
        }
        Err(self.field(line, "a checksum is not 64 lower-case hexadecimal digits"))
    }

    /// Version 1 keeps the checksums in `[metadata]`, under `checksum name version (source)`.
    fn old_checksums(
        &self,
        root: &DeTable<'_>,
        raw: &mut [Raw<'_>],
    ) -> Result<bool, LockfileError> {
        let Some(metadata) = document::table(root, "metadata") else { return Ok(false) };
        let mut checksums = BTreeMap::new();
        for (key, value) in metadata {
            if let Some(id) = key.get_ref().strip_prefix("checksum ")
                && let Some(text) = value.get_ref().as_str()
                && text != "<none>"
            {
                checksums.insert(id, self.checked(text, self.line(&value.span()))?);
            }
        }
        for Raw { package, source, .. } in raw {
            let Some(source) = source else { continue };
            let id = format!("{} {} ({source})", package.name, package.version);
            if package.checksum.is_none() {
                package.checksum = checksums.get(id.as_str()).cloned();
            }
        }
        Ok(!checksums.is_empty())
    }

    fn reject_duplicates(&self, raw: &[Raw<'_>]) -> Result<(), LockfileError> {
        let mut seen = BTreeMap::new();
        for Raw { package, source, .. } in raw {
            let identity = (&package.name, &package.version, source);
            if let Some(first) = seen.insert(identity, package.line) {
                return Err(LockfileError::Duplicate {
                    file: shown(self.file),
                    line: package.line,
                    first,
                    package: shown(&format!("{} {}", package.name, package.version)),
                });
            }
        }
        Ok(())
    }

    fn unused_patches(&self, root: &DeTable<'_>) -> Vec<UnusedPatch> {
        let unused = document::table(root, "patch").and_then(|t| document::array(t, "unused"));
        let mut patches = Vec::new();
        for value in unused.into_iter().flatten() {
            if let Some(table) = value.get_ref().as_table()
                && let Some(name) = document::string(table, "name")
                && let Some(version) = document::string(table, "version")
            {
                let line = self.line(&value.span());
                patches.push(UnusedPatch { name: name.into(), version: version.into(), line });
            }
        }
        patches
    }

    fn required(
        &self,
        table: &'d DeTable<'_>,
        key: &str,
        line: u32,
    ) -> Result<(&'d str, Span), LockfileError> {
        let text = self.optional(table, key)?;
        let place = table.get(key).map(|value| self.span(&value.span()));
        text.zip(place).ok_or_else(|| self.field(line, &format!("a package has no `{key}`")))
    }

    fn optional(
        &self,
        table: &'d DeTable<'_>,
        key: &str,
    ) -> Result<Option<&'d str>, LockfileError> {
        let Some(value) = table.get(key) else { return Ok(None) };
        let wrong = || self.field(self.line(&value.span()), &format!("`{key}` is not a text"));
        value.get_ref().as_str().map(Some).ok_or_else(wrong)
    }

    fn line(&self, span: &Range<usize>) -> u32 {
        self.document.lines.line(span.start)
    }

    fn span(&self, span: &Range<usize>) -> Span {
        let place = self.document.lines.location("", span);
        let column = place.column.unwrap_or(1);
        Span { line: place.line, column, end_column: place.end_column.unwrap_or(column) }
    }

    fn field(&self, line: u32, message: &str) -> LockfileError {
        LockfileError::Field { file: shown(self.file), line, message: message.to_owned() }
    }
}

/// Where a `source` text leads; without one, to a folder on disk.
pub(super) fn origin_of(source: Option<&str>) -> Origin {
    source.map_or(Origin::Path, |text| source::parse(text).origin)
}

/// What cargo takes as the name of a package: letters, digits, `-` and `_`.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

/// Sorts notes by line and keeps the first [`NOTES_LIMIT`].
fn bounded(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort();
    if notes.len() > NOTES_LIMIT {
        let left_out = notes.len() - NOTES_LIMIT;
        let line = notes[NOTES_LIMIT].line;
        notes.truncate(NOTES_LIMIT);
        let message = format!("{left_out} more oddities of the lockfile are not listed");
        notes.push(Note { line, package: None, message });
    }
    notes
}

#[cfg(test)]
mod tests;
