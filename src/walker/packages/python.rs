//! `uv.lock`, `poetry.lock` and `pylock.toml` (PEP 751): plain tables, read as such.

use toml::{Table, Value};

use super::address::masked;
use super::entry::{Entry, PACKAGES_LIMIT, PackageError, normal};
use super::facts::PackageSource;

/// Reads any of the three.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, PackageError> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| PackageError::Syntax(error.message().to_owned()))?;
    if table.is_empty() {
        return Err(PackageError::Empty);
    }
    known_version(&table)?;
    let (key, header) = if table.contains_key("packages") {
        ("packages", "[[packages]]")
    } else {
        ("package", "[[package]]")
    };
    let packages = match table.get(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(packages)) => packages,
        Some(_) => return Err(PackageError::Syntax(format!("`{key}` is no list"))),
    };
    if packages.len() > PACKAGES_LIMIT {
        return Err(PackageError::TooMany(PACKAGES_LIMIT));
    }
    let older = table.get("metadata").and_then(|metadata| metadata.get("files"));
    let lines = text.lines().enumerate().filter(|(_, line)| line.trim() == header);
    // The name stands on the line after the header.
    let mut lines = lines.map(|(at, _)| u32::try_from(at + 2).unwrap_or(u32::MAX));
    let entries = packages.iter().filter_map(|package| {
        let line = lines.next().unwrap_or(1);
        entry(package.as_table()?, older, line)
    });
    Ok(entries.collect())
}

/// Refuses a format of a later version than is read: uv counts 1, PEP 751 says `1.0`. poetry's is not held
/// against a number: from 1 to 2 its tables stayed.
fn known_version(table: &Table) -> Result<(), PackageError> {
    let version = match (table.get("version"), table.get("lock-version")) {
        (Some(Value::Integer(1)), _) | (None, None) => return Ok(()),
        (Some(Value::Integer(version)), _) => version.to_string(),
        (_, Some(Value::String(version))) if version.starts_with("1.") => return Ok(()),
        (_, Some(version)) | (Some(version), None) => version.to_string(),
    };
    Err(PackageError::Version(version))
}

fn entry(package: &Table, older: Option<&Value>, line: u32) -> Option<Entry> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let name = text("name")?;
    let (source, address, commit) = source(package)?;
    let own = |key: &str| package.get(key).and_then(Value::as_array).map(Vec::as_slice);
    let kept = older.and_then(|files| files.get(name)).and_then(Value::as_array).map(Vec::as_slice);
    // poetry lists wheels and sources together, and may list none.
    let listed = own("files").filter(|files| !files.is_empty()).or(kept).unwrap_or_default();
    let file_name =
        |file: &Value| file.get("file").and_then(Value::as_str).unwrap_or_default().to_owned();
    let wheels = own("wheels").unwrap_or_default();
    let sdist = package.get("sdist").or_else(|| package.get("archive"));
    let is_wheel = |file: &&Value| file_name(file).rsplit('.').next() == Some("whl");
    let wheel_count = wheels.len() + listed.iter().filter(is_wheel).count();
    let archives: Vec<&Value> = wheels.iter().chain(sdist).chain(listed).collect();
    let uploads = archives.iter().filter_map(|archive| {
        let day = match archive.get("upload-time")? {
            Value::String(text) => text.clone(),
            Value::Datetime(time) => time.to_string(),
            _ => return None,
        };
        day.get(..10).map(str::to_owned)
    });
    let uploaded = uploads.max();
    let hashes = archives.iter().map(|archive| sha256(archive));
    let hashes: Vec<Option<String>> = hashes.collect();
    Some(Entry {
        name: normal(name),
        version: text("version").unwrap_or_default().to_owned(),
        source,
        address,
        hashed: commit || (!hashes.is_empty() && hashes.iter().all(Option::is_some)),
        sha256: match hashes.as_slice() {
            [only] => only.clone(),
            _ => None,
        },
        only_source: (source == PackageSource::Index && !archives.is_empty())
            .then_some(wheel_count == 0),
        install_script: None,
        uploaded,
        line,
        requires: requires(package),
        folder: String::new(),
    })
}

fn sha256(archive: &Value) -> Option<String> {
    let hash = archive
        .get("hash")
        .and_then(Value::as_str)
        .and_then(|hash| hash.strip_prefix("sha256:"))
        .or_else(|| archive.get("hashes")?.get("sha256")?.as_str())?;
    (hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| hash.to_ascii_lowercase())
}

/// Kind, address, and whether a commit is named; nothing for the project itself.
fn source(package: &Table) -> Option<(PackageSource, Option<String>, bool)> {
    let shown = |value: &Value| value.as_str().map(|text| masked(text).0);
    // pylock.toml
    if let Some(vcs) = package.get("vcs") {
        let commit = vcs.get("commit-id").and_then(Value::as_str).is_some();
        return Some((PackageSource::Git, vcs.get("url").and_then(shown), commit));
    }
    if package.contains_key("directory") {
        return None;
    }
    if let Some(archive) = package.get("archive") {
        return Some((PackageSource::Address, archive.get("url").and_then(shown), false));
    }
    let Some(source) = package.get("source").and_then(Value::as_table) else {
        return Some((PackageSource::Index, package.get("index").and_then(shown), false));
    };
    let of = |key: &str| source.get(key);
    // poetry
    if let Some(kind) = of("type").and_then(Value::as_str) {
        let address = of("url").and_then(shown);
        return match kind {
            "git" => Some((PackageSource::Git, address, of("resolved_reference").is_some())),
            "url" => Some((PackageSource::Address, address, false)),
            "directory" | "file" => None,
            _ => Some((PackageSource::Index, address, false)),
        };
    }
    // uv
    if let Some(registry) = of("registry") {
        return Some((PackageSource::Index, shown(registry), false));
    }
    if let Some(git) = of("git") {
        let commit = git.as_str().and_then(|git| git.rsplit_once('#')).is_some();
        return Some((PackageSource::Git, shown(git), commit));
    }
    if let Some(url) = of("url") {
        return Some((PackageSource::Address, shown(url), false));
    }
    None
}

/// What it needs: a list of tables (uv, `pylock.toml`) or a table by name (poetry), with the optional ones.
fn requires(package: &Table) -> Vec<String> {
    let mut names: Vec<String> = match package.get("dependencies") {
        Some(Value::Array(list)) => list.iter().filter_map(named).collect(),
        Some(Value::Table(table)) => table.keys().map(|name| normal(name)).collect(),
        _ => Vec::new(),
    };
    let optional = package.get("optional-dependencies").and_then(Value::as_table);
    let groups = optional.into_iter().flat_map(|groups| groups.values());
    names.extend(groups.filter_map(Value::as_array).flatten().filter_map(named));
    names
}

fn named(dependency: &Value) -> Option<String> {
    dependency.get("name").and_then(Value::as_str).map(normal)
}
