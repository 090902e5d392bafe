//! Requirement files of pip: one requirement a line, options, and files that include one another.

use super::address::masked;
use super::entry::{Entry, PACKAGES_LIMIT, PackageError, normal};
use super::facts::{ExtraIndex, PackageSource};
use super::options;

/// What one file says, without what it includes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Requirements {
    pub entries: Vec<Entry>,
    /// Paths behind `-r` and `-c`, as written.
    pub includes: Vec<String>,
    pub extra_indexes: Vec<ExtraIndex>,
}

/// Reads one file, which is called `path`.
pub(super) fn read(path: &str, text: &str) -> Result<Requirements, PackageError> {
    let mut found = Requirements::default();
    for (number, line) in options::logical(text) {
        if line.starts_with('-') {
            for (name, value) in options::options(&line) {
                option(path, number, name, value, &mut found);
            }
        } else {
            found.entries.extend(requirement(&line, number));
        }
        if found.entries.len() > PACKAGES_LIMIT {
            return Err(PackageError::TooMany(PACKAGES_LIMIT));
        }
    }
    Ok(found)
}

/// What one option of a file says.
fn option(path: &str, line: u32, name: &str, value: String, found: &mut Requirements) {
    match name {
        _ if value.is_empty() => {}
        "--requirement" | "--constraint" => found.includes.push(value),
        "--extra-index-url" | "--find-links" => {
            found.extra_indexes.push(extra(path, line, &value));
        }
        "--editable" => found.entries.extend(requirement(&value, line)),
        _ => {}
    }
}

fn extra(path: &str, line: u32, address: &str) -> ExtraIndex {
    let (address, credentials) = masked(address);
    ExtraIndex { address, credentials, file: path.to_owned(), line }
}

/// Reads a configuration of pip that lies in the tree.
pub(super) fn configuration(path: &str, text: &str) -> Requirements {
    let indexes = options::of_configuration(text);
    Requirements {
        extra_indexes: indexes.iter().map(|(line, value)| extra(path, *line, value)).collect(),
        ..Requirements::default()
    }
}

fn requirement(line: &str, number: u32) -> Option<Entry> {
    if line.is_empty() || line.starts_with('-') {
        return None;
    }
    // Options of the requirement itself follow the rest.
    let (wanted, options) =
        line.split_once(" --").map_or((line, ""), |(wanted, rest)| (wanted, rest));
    let hashed = options.contains("hash=") || options.contains("hash ");
    let wanted = wanted.split(';').next().unwrap_or(wanted).trim();
    let blank = Entry {
        name: String::new(),
        version: String::new(),
        source: PackageSource::Index,
        address: None,
        hashed,
        sha256: None,
        only_source: None,
        install_script: None,
        uploaded: None,
        line: number,
        requires: Vec::new(),
        folder: String::new(),
    };
    if let Some((name, address)) = wanted.split_once('@')
        && !name.contains(['/', ':'])
    {
        return by_address(name, address.trim(), blank);
    }
    if wanted.contains("://") {
        let name = wanted.rsplit_once("#egg=").map(|(_, name)| name)?;
        return by_address(name, wanted, blank);
    }
    // A folder or an archive of the project's own.
    if wanted.contains('/') || wanted.starts_with('.') {
        return None;
    }
    let end = wanted.find(['=', '<', '>', '!', '~', ' ', '[', '(', ',']).unwrap_or(wanted.len());
    let name = normal(&wanted[..end]);
    if name.is_empty()
        || name.ends_with('-')
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        return None;
    }
    // Prose goes on with a word, a requirement never does.
    let rest = wanted[end..].trim_start();
    if !rest.is_empty() && !rest.starts_with(['=', '<', '>', '!', '~', '[', '(', ',']) {
        return None;
    }
    let version = exact(&wanted[end..]).unwrap_or_default();
    Some(Entry { name, version, ..blank })
}

fn by_address(name: &str, address: &str, blank: Entry) -> Option<Entry> {
    let name = normal(name.split('[').next().unwrap_or(name));
    let git = address.starts_with("git+");
    // A commit follows the last `@` of the path.
    let path =
        address.split("://").nth(1).and_then(|rest| rest.split_once('/')).map(|(_, path)| path);
    let commit = path
        .and_then(|path| path.split('#').next()?.rsplit_once('@'))
        .is_some_and(|(_, at)| at.len() >= 40 && at.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let hashed = blank.hashed || (git && commit) || address.contains("#sha256=");
    let source = if git { PackageSource::Git } else { PackageSource::Address };
    let address = Some(masked(address.trim_start_matches("git+")).0);
    (!name.is_empty()).then_some(Entry { name, source, address, hashed, ..blank })
}

/// The one version that is asked for.
fn exact(specifier: &str) -> Option<String> {
    let specifier = specifier.split_once(']').map_or(specifier, |(_, rest)| rest).trim();
    let version = specifier.strip_prefix("===").or_else(|| specifier.strip_prefix("=="))?.trim();
    let plain = !version.is_empty() && !version.contains([',', '*', ' ', '<', '>']);
    plain.then(|| version.to_owned())
}
