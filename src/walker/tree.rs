//! The audited folder: the only door through which the walker reads files.
//!
//! A path that leaves the folder, by `..` or through a symbolic link, is refused. Only regular files
//! are opened (a named pipe would block for ever), and only up to a size.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::domain::text::shown;

/// Largest Cargo.lock that is read, 8 MiB: about 40,000 packages, fifty times the largest of real AI
/// projects. A text made to be costly takes about 75 times its size in memory while it is parsed.
pub const LOCKFILE_LIMIT: u64 = 8 * 1024 * 1024;

/// Largest manifest or configuration file that is read, 2 MiB.
pub const MANIFEST_LIMIT: u64 = 2 * 1024 * 1024;

/// Why a file of the audited folder was not read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The path leaves the folder.
    #[error("`{}` leaves the audited folder and is not followed", shown(.file))]
    Leaves {
        /// Path as it was asked for.
        file: String,
    },
    /// A folder, pipe, socket or device stands where a file is expected.
    #[error("`{}` is not a regular file", shown(.file))]
    NotAFile {
        /// Path relative to the audited folder.
        file: String,
    },
    /// A symbolic link stands where a plain file is expected.
    #[error("`{}` is a symbolic link; a change of what it leads to would not show in its place", shown(.file))]
    Link {
        /// Path relative to the audited folder.
        file: String,
    },
    /// Over the limit.
    #[error("`{}` has {size} bytes; at most {limit} are read", shown(.file))]
    TooLarge {
        /// Path relative to the audited folder.
        file: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Not text.
    #[error("`{}` is not UTF-8 (byte {offset})", shown(.file))]
    NotUtf8 {
        /// Path relative to the audited folder.
        file: String,
        /// Offset of the first byte that is not.
        offset: usize,
    },
    /// The operating system refused.
    #[error("cannot read `{}`: {source}", shown(.file))]
    Io {
        /// Path relative to the audited folder.
        file: String,
        /// What it said.
        source: std::io::Error,
    },
}

/// The audited folder.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Opens a folder.
    ///
    /// # Errors
    /// Where it does not exist or cannot be resolved.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        Ok(Self { root: fs::canonicalize(root)? })
    }

    /// The folder, absolute and without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Text of a file, its path relative to the folder; nothing where there is no such file.
    pub fn read(&self, file: &str, limit: u64) -> Result<Option<String>, TreeError> {
        let Some(path) = self.resolve(file)? else { return Ok(None) };
        let io = |source| TreeError::Io { file: file.to_owned(), source };
        let meta = fs::metadata(&path).map_err(io)?;
        if !meta.is_file() {
            return Err(TreeError::NotAFile { file: file.to_owned() });
        }
        let too_large = |size| TreeError::TooLarge { file: file.to_owned(), size, limit };
        if meta.len() > limit {
            return Err(too_large(meta.len()));
        }
        let mut bytes = Vec::new();
        let opened = crate::disk::open(&path).map_err(io)?;
        opened.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > limit {
            return Err(too_large(bytes.len() as u64));
        }
        String::from_utf8(bytes).map(Some).map_err(|error| TreeError::NotUtf8 {
            file: file.to_owned(),
            offset: error.utf8_error().valid_up_to(),
        })
    }

    /// Refuses a file that is a symbolic link itself.
    pub(super) fn refuse_link(&self, file: &str) -> Result<(), TreeError> {
        let link = normalise(file)
            .and_then(|inside| self.root.join(inside).symlink_metadata().ok())
            .is_some_and(|meta| meta.is_symlink());
        if link { Err(TreeError::Link { file: file.to_owned() }) } else { Ok(()) }
    }

    /// Where a relative path leads, symbolic links followed; nothing where there is nothing.
    pub fn resolve(&self, file: &str) -> Result<Option<PathBuf>, TreeError> {
        let leaves = || TreeError::Leaves { file: file.to_owned() };
        let inside = normalise(file).ok_or_else(leaves)?;
        let path = self.root.join(inside);
        match fs::canonicalize(&path) {
            Ok(real) if real.starts_with(&self.root) => Ok(Some(real)),
            Ok(_) => Err(leaves()),
            Err(error) if absent(&error) => {
                // A dangling link is there, and leads to nothing that may be read.
                if path.symlink_metadata().is_ok() { Err(leaves()) } else { Ok(None) }
            }
            Err(source) => Err(TreeError::Io { file: file.to_owned(), source }),
        }
    }

    /// Names of the folders in a folder, sorted; hidden ones, those named `target` and those whose
    /// name is not UTF-8 are left out, and links are not followed. Takes one from `budget` for each
    /// entry and stops at 0. A folder that cannot be listed has none.
    pub(super) fn folders(&self, folder: &str, budget: &mut usize) -> Vec<String> {
        let Ok(Some(path)) = self.resolve(folder) else { return Vec::new() };
        let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
        let mut names = Vec::new();
        for entry in entries.flatten() {
            if *budget == 0 {
                break;
            }
            *budget -= 1;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if let (true, Ok(name)) = (is_folder, entry.file_name().into_string())
                && !name.starts_with('.')
                && name != "target"
            {
                names.push(name);
            }
        }
        names.sort();
        names
    }
}

fn absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// A relative path without `.` and `..`, with `/` between its parts; nothing where it would leave
/// the folder or is absolute. The empty text is the folder itself.
pub fn normalise(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// What a path written in a file of `folder` leads to, relative to the audited folder; nothing where
/// it leaves that folder or is absolute.
pub fn within(folder: &str, path: &str) -> Option<String> {
    let absolute = path.starts_with(['/', '\\']) || Path::new(path).is_absolute();
    if absolute { None } else { normalise(&join(folder, path)) }
}

/// Joins two relative paths with `/`; the empty text is the folder itself.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_normalised_and_never_leaves() {
        assert_eq!(normalise("a/./b/../c").as_deref(), Some("a/c"));
        assert_eq!(normalise("").as_deref(), Some(""));
        assert_eq!(normalise("../x"), None);
        assert_eq!(normalise("a/../../x"), None);
        assert_eq!(normalise("/etc/passwd"), None);
        assert_eq!(within("a", "/etc/passwd"), None);
        assert_eq!(within("a", "../b").as_deref(), Some("b"));
        assert_eq!(within("a", "../../b"), None);
    }

    #[test]
    fn what_is_not_there_is_none_and_what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("Cargo.toml")).unwrap();
        fs::write(folder.path().join("big"), [b'x'; 11]).unwrap();
        fs::write(folder.path().join("latin"), b"caf\xe9").unwrap();
        let tree = Tree::open(folder.path()).unwrap();
        assert!(tree.read("absent", 10).unwrap().is_none());
        assert!(tree.read("big/absent", 10).unwrap().is_none());
        assert!(matches!(tree.read("Cargo.toml", 10), Err(TreeError::NotAFile { .. })));
        assert!(matches!(tree.read("big", 10), Err(TreeError::TooLarge { size: 11, .. })));
        assert!(matches!(tree.read("latin", 10), Err(TreeError::NotUtf8 { offset: 3, .. })));
        assert_eq!(tree.read("big", 11).unwrap().unwrap().len(), 11);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_inside_is_followed_and_a_link_outside_is_refused() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("real"), "r").unwrap();
        let link = |to: &Path, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        };
        link(Path::new("real"), "inside");
        link(&outside.path().join("secret"), "outside");
        link(outside.path(), "folder");
        link(Path::new("nowhere"), "dangling");
        let tree = Tree::open(folder.path()).unwrap();
        assert_eq!(tree.read("inside", 10).unwrap().as_deref(), Some("r"));
        for file in ["outside", "folder/secret", "dangling"] {
            assert!(matches!(tree.read(file, 10), Err(TreeError::Leaves { .. })), "{file}");
        }
    }
}
