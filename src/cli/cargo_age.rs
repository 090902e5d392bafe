//! Where cargo's own configuration lies: the user's, that of the folder whose policy counts, and variables.

use std::path::Path;

use super::Failure;
use crate::config::cargo_age::{ConfigText, publish_ages};
use crate::domain::PublishAges;
use crate::walker::repository;

/// Most bytes of a configuration file.
const CONFIG_BYTES: u64 = 1 << 20;

/// How old cargo lets releases be, by the user's configuration and that of the judging side: a change cannot
/// lower it. `project` tells how deep in its repository the audited folder lies: cargo reads the folders above.
pub fn read(home: &Path, judge: &Path, project: &Path) -> Result<Option<PublishAges>, Failure> {
    let prefix = repository::prefix(project);
    let depth = prefix.split('/').filter(|part| !part.is_empty()).count();
    let mut files = Vec::new();
    files.extend(one(home, "the user's")?);
    let above: Vec<&Path> = judge.ancestors().take(depth + 1).collect();
    for folder in above.into_iter().rev() {
        files.extend(one(&folder.join(".cargo"), "the project's")?);
    }
    let ours = |key: &str| {
        (key.starts_with("CARGO_REG") && key.ends_with("MIN_PUBLISH_AGE"))
            || key == "CARGO_RESOLVER_INCOMPATIBLE_PUBLISH_AGE"
    };
    let variables = std::env::vars_os().filter_map(|(key, value)| {
        let key = key.into_string().ok().filter(|key| ours(key))?;
        Some((key, value.to_string_lossy().into_owned()))
    });
    Ok(publish_ages(&files, &variables.collect::<Vec<_>>()))
}

/// The configuration in a folder; the old name goes before the new one, as in cargo.
fn one(folder: &Path, whose: &str) -> Result<Option<ConfigText>, Failure> {
    for name in ["config", "config.toml"] {
        let path = folder.join(name);
        if !path.symlink_metadata().is_ok_and(|data| data.is_file()) {
            continue;
        }
        let text = crate::disk::text(&path, CONFIG_BYTES)
            .map_err(|error| Failure::text(format!("cannot read {}: {error}", path.display())))?;
        return Ok(Some((format!("{whose} .cargo/{name}"), text)));
    }
    Ok(None)
}
