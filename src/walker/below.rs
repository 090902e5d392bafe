//! Lockfiles below a folder: a repository of several projects, or one whose crate is not at its root.

use std::path::Path;

use super::locate::CARGO_LOCK;

/// Most entries of folders that are looked at.
const ENTRIES: usize = 200_000;
/// Most lockfiles that are told.
const LOCKFILES: usize = 500;
/// Deepest folder that is looked into.
const DEPTH: usize = 16;

/// What was found below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// Folders that hold a lockfile, relative, with `/`, ordered; the folder itself is left out.
    pub folders: Vec<String>,
    /// There were more folders than are looked into.
    pub cut: bool,
}

/// Whether a folder of this name is passed over: hidden ones, `target` and `node_modules`.
#[must_use]
pub fn passes_over(name: &str) -> bool {
    name.starts_with('.') || name == "target" || name == "node_modules"
}

/// Looks for lockfiles below a folder. Links are not followed, and some folders are passed over
/// ([`passes_over`]).
#[must_use]
pub fn below(folder: &Path) -> Below {
    let mut found = Below::default();
    let passed = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(entry.file_type().is_dir() && passes_over(&name))
    };
    let walk = walkdir::WalkDir::new(folder).max_depth(DEPTH).sort_by_file_name();
    for (number, entry) in walk.into_iter().filter_entry(passed).flatten().enumerate() {
        if number >= ENTRIES || found.folders.len() >= LOCKFILES {
            found.cut = true;
            break;
        }
        if entry.depth() > 1 && entry.file_name() == CARGO_LOCK {
            found.folders.extend(relative(folder, entry.path().parent()));
        }
    }
    found
}

fn relative(folder: &Path, path: Option<&Path>) -> Option<String> {
    let below = path?.strip_prefix(folder).ok()?;
    let parts: Option<Vec<&str>> =
        below.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lockfiles_are_found_in_folders_and_not_in_what_is_built_or_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "Cargo.lock",
            "b/src-tauri/Cargo.lock",
            "a/Cargo.lock",
            "target/x/Cargo.lock",
            ".git/Cargo.lock",
            "node_modules/x/Cargo.lock",
            "c/Cargo.toml",
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = below(folder.path());
        assert_eq!(found.folders, ["a", "b/src-tauri"]);
        assert!(!found.cut);
    }

    #[test]
    fn more_lockfiles_than_are_told_are_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=LOCKFILES {
            let project = folder.path().join(format!("p{number:03}"));
            fs::create_dir(&project).unwrap();
            fs::write(project.join("Cargo.lock"), "").unwrap();
        }
        let found = below(folder.path());
        assert_eq!((found.folders.len(), found.cut), (LOCKFILES, true));
    }
}
