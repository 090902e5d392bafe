//! Folders of the base that are something else on this side: a link, or a repository of their own. What
//! stands in them is no longer what was reviewed, and a comparison of files shows none of it.

use std::fs;
use std::path::Path;

use crate::walker::project::Setting;

/// Most of them that are told.
const LISTED: usize = 500;
/// Most bytes of `.gitmodules`.
const MODULES_LIMIT: u64 = 1024 * 1024;

/// Which of `folders`, relative to the audited folder, are links or submodules now; `prefix` is where the
/// audited folder lies in its repository, whose top is `top`.
#[must_use]
pub fn replaced(project: &Path, top: &Path, prefix: &str, folders: &[String]) -> Vec<Setting> {
    let modules = modules(top, prefix);
    let mut found: Vec<Setting> = Vec::new();
    for folder in folders {
        let path = project.join(folder);
        let Ok(data) = path.symlink_metadata() else { continue };
        let value = if data.is_symlink() {
            let to = fs::read_link(&path).map(|to| to.to_string_lossy().into_owned());
            format!("a link to {}", to.unwrap_or_default())
        } else if modules.contains(folder) || path.join(".git").symlink_metadata().is_ok() {
            "a submodule".to_owned()
        } else {
            continue;
        };
        // What lies below a link is not there any more, and says nothing of its own.
        if found
            .iter()
            .any(|one| folder.strip_prefix(&*one.path).is_some_and(|r| r.starts_with('/')))
        {
            continue;
        }
        let value = value.chars().take(300).collect();
        found.push(Setting { path: folder.clone(), line: 1, name: folder.clone(), value });
    }
    found.sort();
    found.truncate(LISTED);
    found
}

/// The folders that `.gitmodules` calls submodules, relative to the audited folder.
fn modules(top: &Path, prefix: &str) -> Vec<String> {
    // What cannot be read names none; a submodule that is checked out has a `.git` of its own.
    let text = crate::disk::text(&top.join(".gitmodules"), MODULES_LIMIT).unwrap_or_default();
    let paths = text.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "path").then(|| value.trim().trim_matches('"').trim_end_matches('/'))
    });
    let below = paths.filter_map(|path| {
        if prefix.is_empty() {
            return Some(path.to_owned());
        }
        path.strip_prefix(prefix)?.strip_prefix('/').map(str::to_owned)
    });
    below.collect()
}
