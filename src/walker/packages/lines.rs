//! Requirement files of pip: one requirement a line, options, and files that include one another.

use super::address::masked;
use super::entry::{Entry, PACKAGES_LIMIT, PackageError, normal};
use super::facts::{ExtraIndex, PackageSource};

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
    for (number, line) in logical(text) {
        if let Some(rest) =
            option(&line, "-r", "--requirement").or_else(|| option(&line, "-c", "--constraint"))
        {
            found.includes.push(rest.to_owned());
        } else if let Some(address) = option(&line, "--extra-index-url", "--extra-index-url")
            .or_else(|| option(&line, "-f", "--find-links"))
        {
            let (address, credentials) = masked(address);
            let file = path.to_owned();
            found.extra_indexes.push(ExtraIndex { address, credentials, file, line: number });
        } else if let Some(entry) = requirement(&line, number) {
            found.entries.push(entry);
        }
        if found.entries.len() > PACKAGES_LIMIT {
            return Err(PackageError::TooMany(PACKAGES_LIMIT));
        }
    }
    Ok(found)
}

/// Lines put together where they go on behind a backslash, without comments; numbers count from 1.
fn logical(text: &str) -> Vec<(u32, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (at, line) in text.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let bare = if line.trim_start().starts_with('#') {
            ""
        } else {
            line.find(" #").or_else(|| line.find("\t#")).map_or(line, |at| &line[..at])
        };
        let (start, mut whole) = open.take().unwrap_or((number, String::new()));
        if let Some(part) = bare.trim_end().strip_suffix('\\') {
            whole.push_str(part);
            whole.push(' ');
            open = Some((start, whole));
        } else {
            whole.push_str(bare);
            lines.push((start, whole.trim().to_owned()));
        }
    }
    lines.extend(open.map(|(start, whole)| (start, whole.trim().to_owned())));
    lines
}

/// The value of an option, behind a space or `=`.
fn option<'l>(line: &'l str, short: &str, long: &str) -> Option<&'l str> {
    for name in [long, short] {
        if let Some(rest) = line.strip_prefix(name)
            && (rest.starts_with([' ', '\t', '=']) || (name == short && short.len() == 2))
        {
            let rest = rest.trim_start_matches([' ', '\t', '=']).trim();
            return (!rest.is_empty()).then_some(rest);
        }
    }
    None
}

fn requirement(line: &str, number: u32) -> Option<Entry> {
    let line = option(line, "-e", "--editable").unwrap_or(line);
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
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
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
