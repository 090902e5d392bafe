//! A cargo that no file of the audited tree can steer.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why no such cargo can be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsafePlace {
    /// The folder for temporary files, or one above it, holds settings that would be obeyed.
    #[error("the folder for temporary files is in reach of cargo or rustup settings (`{0}`)")]
    Temporary(String),
    /// `CARGO_HOME` or `RUSTUP_HOME` is a folder of the tree.
    #[error("{0} is inside the audited folder")]
    Home(&'static str),
    /// `RUSTUP_TOOLCHAIN` is a path that may be the tree's.
    #[error("RUSTUP_TOOLCHAIN is a path that is not known to be outside the audited folder")]
    Toolchain,
    /// There is no cargo outside the tree.
    #[error("no cargo was found in PATH outside the audited folder")]
    NoCargo,
}

/// Variables that cargo and rustup need from the user's environment. All others are left out: they
/// may have been set by a file of the tree (`direnv`, a devcontainer), and some name programs.
const KEPT: [&str; 9] = [
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "LANG",
];

/// Files that make cargo or rustup do something else, in the working directory or above it.
const SETTINGS: [&str; 4] =
    [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];

/// A cargo to be started in `empty`; `root` is the audited folder.
pub(super) fn cargo(root: &Path, empty: &Path) -> Result<Command, UnsafePlace> {
    let root = resolved(root);
    let home = cargo_home();
    out_of_reach(&root, empty, home.as_deref())?;
    if home.as_deref().is_some_and(|home| resolved(home).starts_with(&root)) {
        return Err(UnsafePlace::Home("CARGO_HOME"));
    }
    if env::var_os("RUSTUP_HOME").is_some_and(|home| resolved(Path::new(&home)).starts_with(&root))
    {
        return Err(UnsafePlace::Home("RUSTUP_HOME"));
    }
    if !is_safe_toolchain(env::var_os("RUSTUP_TOOLCHAIN").as_deref(), &root) {
        return Err(UnsafePlace::Toolchain);
    }
    let path = safe_path(env::var_os("PATH").as_deref(), &root);
    let name = format!("cargo{}", env::consts::EXE_SUFFIX);
    let program = path
        .iter()
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file() && !resolved(program).starts_with(&root));
    let mut command = Command::new(program.ok_or(UnsafePlace::NoCargo)?);
    command.current_dir(empty).env_clear();
    // Every folder came out of a PATH, so that none holds the separator.
    command.env("PATH", env::join_paths(&path).map_err(|_| UnsafePlace::NoCargo)?);
    command.envs(env::vars_os().filter(|(name, _)| is_kept(name)));
    if let Some(home) = home {
        command.env("CARGO_HOME", home);
    }
    // Empty values win over the configuration in CARGO_HOME: the user's own, but not needed here.
    command.env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_TERM_COLOR", "never");
    // A toolchain that is not there is a failure and not a download.
    command.env("RUSTUP_AUTO_INSTALL", "0");
    Ok(command)
}

/// Indices of other registries may be told by the environment alone.
fn is_kept(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    KEPT.contains(&name) || (name.starts_with("CARGO_REGISTRIES_") && name.ends_with("_INDEX"))
}

/// Cargo's home, absolute: cargo itself would read a relative one from the empty folder.
fn cargo_home() -> Option<PathBuf> {
    home::cargo_home().ok()
}

/// Neither in the tree nor below settings that are not the user's own.
fn out_of_reach(root: &Path, empty: &Path, home: Option<&Path>) -> Result<(), UnsafePlace> {
    let empty = resolved(empty);
    if empty.starts_with(root) {
        return Err(UnsafePlace::Temporary(empty.to_string_lossy().into_owned()));
    }
    let own = home.map(resolved);
    for folder in empty.ancestors() {
        for name in SETTINGS {
            let file = folder.join(name);
            let is_own = own
                .as_deref()
                .is_some_and(|own| file.parent().is_some_and(|parent| resolved(parent) == own));
            if !is_own && file.symlink_metadata().is_ok() {
                return Err(UnsafePlace::Temporary(file.to_string_lossy().into_owned()));
            }
        }
    }
    Ok(())
}

/// A toolchain is a name, or a path: rustup writes the latter for a `rust-toolchain.toml` with
/// `path`, when it started this very process.
fn is_safe_toolchain(toolchain: Option<&OsStr>, root: &Path) -> bool {
    let Some(toolchain) = toolchain else { return true };
    let path = Path::new(toolchain);
    if path.components().count() <= 1 && !path.is_absolute() {
        return toolchain != ".." && toolchain != ".";
    }
    path.is_absolute() && !resolved(path).starts_with(root)
}

/// The folders of a PATH that are absolute and outside the tree.
fn safe_path(path: Option<&OsStr>, root: &Path) -> Vec<PathBuf> {
    let all = path.map(OsString::from).unwrap_or_default();
    env::split_paths(&all)
        .filter(|folder| folder.is_absolute() && !resolved(folder).starts_with(root))
        .collect()
}

/// A path without symbolic links, or as it is where it leads nowhere.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_what_is_relative_or_the_trees() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let inside = root.join("bin");
        fs::create_dir(&inside).unwrap();
        let path =
            env::join_paths(["/usr/bin".as_ref(), inside.as_path(), "bin".as_ref(), ".".as_ref()]);
        assert_eq!(safe_path(Some(&path.unwrap()), &root), [Path::new("/usr/bin")]);
        assert!(safe_path(None, &root).is_empty());
    }

    #[test]
    fn a_toolchain_of_the_tree_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let safe = |name: &OsStr| is_safe_toolchain(Some(name), &root);
        assert!(safe("1.95.0-x86_64-unknown-linux-gnu".as_ref()));
        assert!(safe("/usr/lib/rust".as_ref()));
        assert!(is_safe_toolchain(None, &root));
        assert!(!safe(root.join("toolchain").as_os_str()));
        assert!(!safe("../toolchain".as_ref()) && !safe("..".as_ref()));
    }

    #[test]
    fn a_temporary_folder_below_settings_is_refused_and_the_users_own_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        let empty = top.join("tmp/empty");
        fs::create_dir_all(&empty).unwrap();
        fs::create_dir_all(top.join("tree")).unwrap();
        let tree = top.join("tree").canonicalize().unwrap();
        assert_eq!(out_of_reach(&tree, &empty, None), Ok(()));
        fs::create_dir(top.join(".cargo")).unwrap();
        fs::write(top.join(".cargo/config.toml"), "").unwrap();
        assert!(matches!(out_of_reach(&tree, &empty, None), Err(UnsafePlace::Temporary(_))));
        assert_eq!(out_of_reach(&tree, &empty, Some(&top.join(".cargo"))), Ok(()));
        let whole = top.canonicalize().unwrap();
        assert!(matches!(out_of_reach(&whole, &empty, None), Err(UnsafePlace::Temporary(_))));
    }
}
