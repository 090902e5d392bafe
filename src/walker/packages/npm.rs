//! `package-lock.json` and `npm-shrinkwrap.json` of versions 2 and 3.

use std::collections::HashMap;

use serde_json::Value;

use super::address::masked;
use super::entry::{Entry, PACKAGES_LIMIT, PackageError};
use super::facts::PackageSource;

/// Where npm keeps packages; what stands behind the last of it is the name.
const FOLDER: &str = "node_modules/";

/// Reads a lock.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, PackageError> {
    let lock: Value =
        serde_json::from_str(text).map_err(|error| PackageError::Syntax(error.to_string()))?;
    let Some(lock) = lock.as_object() else {
        return Err(PackageError::Syntax("it is no object".to_owned()));
    };
    let version = lock.get("lockfileVersion").and_then(Value::as_u64).unwrap_or(1);
    if version > 3 {
        return Err(PackageError::Version(version.to_string()));
    }
    let Some(packages) = lock.get("packages").and_then(Value::as_object) else {
        return Err(PackageError::Version(version.to_string()));
    };
    if packages.len() > PACKAGES_LIMIT {
        return Err(PackageError::TooMany(PACKAGES_LIMIT));
    }
    let mut lines: HashMap<&str, u32> = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if let Some(key) = line.strip_prefix('"').and_then(|rest| rest.split('"').next())
            && key.contains(FOLDER)
        {
            lines.entry(key).or_insert(u32::try_from(at + 1).unwrap_or(u32::MAX));
        }
    }
    let entries = packages.iter().filter_map(|(key, package)| {
        entry(key, package, lines.get(key.as_str()).copied().unwrap_or(1))
    });
    Ok(entries.collect())
}

fn entry(key: &str, package: &Value, line: u32) -> Option<Entry> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let is = |key: &str| package.get(key).and_then(Value::as_bool) == Some(true);
    // Folders of the project itself, and links to them.
    let (_, name) = key.rsplit_once(FOLDER)?;
    if is("link") {
        return None;
    }
    let resolved = text("resolved").unwrap_or_default();
    let version = text("version").unwrap_or_default();
    let source = match resolved {
        "" => PackageSource::Index,
        git if git.starts_with("git") => PackageSource::Git,
        file if file.starts_with("file:") => PackageSource::Path,
        // A package of an index lies below its own name.
        url if url.contains(&format!("/{}/-/", text("name").unwrap_or(name))) => {
            PackageSource::Index
        }
        _ => PackageSource::Address,
    };
    let commit = source == PackageSource::Git && resolved.contains('#');
    Some(Entry {
        name: text("name").unwrap_or(name).to_owned(),
        version: version.to_owned(),
        source,
        address: (!resolved.is_empty()).then(|| masked(resolved).0),
        hashed: commit || text("integrity").is_some() || is("inBundle"),
        sha256: None,
        only_source: None,
        install_script: Some(is("hasInstallScript")),
        uploaded: None,
        line,
        requires: requires(package),
        folder: key.to_owned(),
    })
}

/// What it needs, also where it need not be there.
fn requires(package: &Value) -> Vec<String> {
    let lists = ["dependencies", "optionalDependencies", "peerDependencies"];
    let objects = lists.iter().filter_map(|list| package.get(*list)?.as_object());
    objects.flat_map(|object| object.keys().cloned()).collect()
}
