//! Git checkouts that cargo made below `CARGO_HOME/git/checkouts`: one folder a repository, called after it
//! with a hash of its address, and in it one folder a commit, called by its first digits.
//!
//! Forks share names and first digits, so that only the whole commit in `HEAD` says which one it is.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Most folders that are looked at.
const FOLDERS: usize = 20_000;
/// Largest file of a repository that is read here.
const SMALL: u64 = 1 << 20;
/// Fewest digits by which cargo calls a commit.
const SHORT: usize = 7;

/// The checkout of a commit, or why there is none.
pub fn checkout(cargo_home: &Path, rev: &str) -> Result<PathBuf, String> {
    if rev.len() < 40 || !rev.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("the lockfile does not say at which commit".to_owned());
    }
    let all = folders(&cargo_home.join("git/checkouts"));
    let commits = all.iter().flat_map(|repository| folders(repository)).take(FOLDERS);
    let mut unfinished = false;
    for folder in commits {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let named = name.len() >= SHORT && rev.starts_with(&*name);
        if !named || head(&folder.join(".git")).as_deref() != Some(rev) {
            continue;
        }
        // Cargo makes a checkout anew that it did not finish.
        if folder.join(".cargo-ok").is_file() {
            return Ok(folder);
        }
        unfinished = true;
    }
    let short = &rev[..SHORT];
    Err(if unfinished {
        format!("a finished git checkout of commit {short} is not on this machine")
    } else {
        format!("the git checkout of commit {short} is not on this machine")
    })
}

/// The bare clones that cargo keeps below `CARGO_HOME/git/db`, one a repository.
#[must_use]
pub fn databases(cargo_home: &Path) -> Vec<PathBuf> {
    folders(&cargo_home.join("git/db"))
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    // A folder that is not there, or cannot be listed, holds no checkout that could be read.
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let paths = entries.take(FOLDERS).flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The commit that is checked out.
fn head(git: &Path) -> Option<String> {
    let text = small(&git.join("HEAD"))?;
    let Some(name) = text.trim().strip_prefix("ref: ") else { return Some(text.trim().to_owned()) };
    let plain = name.starts_with("refs/") && !name.split('/').any(|part| part == "..");
    if !plain {
        return None;
    }
    if let Some(commit) = small(&git.join(name)) {
        return Some(commit.trim().to_owned());
    }
    let packed = small(&git.join("packed-refs"))?;
    let found = packed.lines().find_map(|line| line.split_once(' ').filter(|(_, n)| *n == name));
    found.map(|(commit, _)| commit.to_owned())
}

fn small(path: &Path) -> Option<String> {
    let file = crate::disk::open(path).ok()?;
    let mut text = String::new();
    file.take(SMALL).read_to_string(&mut text).ok()?;
    Some(text)
}
