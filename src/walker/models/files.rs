//! Which files of the project are read for models, and what language each is. `.gitignore` is not
//! obeyed: what is ignored runs as well.

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::local::{self, Candidate};
use super::places::{self, Place};
use crate::domain::text::path_text;
use crate::walker::tree::Tree;
use model_scan::search::{self, Sign};

/// Largest file that is read, 2 MiB.
pub const SIZE_LIMIT: u64 = 2 * 1024 * 1024;
/// Most files that are read.
pub const FILES_LIMIT: usize = 20_000;
/// Most bytes that are read, 256 MiB.
pub const BYTES_LIMIT: u64 = 256 * 1024 * 1024;
/// Most entries of folders that are looked at.
const ENTRIES_LIMIT: usize = 400_000;
/// Deepest folder: systems refuse longer paths not far beyond.
const DEPTH_LIMIT: usize = 512;
/// Most bytes of archives that are looked into for models, 256 MiB.
const ARCHIVES_LIMIT: u64 = 256 * 1024 * 1024;

/// Folders that hold what others wrote, or what was built.
pub(super) const SKIPPED: [&str; 10] = [
    "target",
    ".git",
    ".hg",
    "node_modules",
    "vendor",
    ".venv",
    "venv",
    "__pycache__",
    "site-packages",
    ".tox",
];

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    /// Words with `#` comments.
    Text,
    /// Words without comments.
    Json,
    /// Only addresses are looked for.
    Addresses,
}

/// What is to be read, and what was left out.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Path relative to the folder and language, sorted by path.
    pub files: Vec<(String, Language)>,
    /// Locks and lists of packages of other languages, sorted.
    pub packages: Vec<String>,
    /// Weights and folders that look like models.
    pub local: Vec<Candidate>,
    /// Folders that are looked at by name only, with what a loader of models would open there.
    pub places: Vec<Place>,
    /// Files that are too large, and the like: file and reason.
    pub unread: Vec<(String, String)>,
    /// A limit was reached, in words.
    pub cut: Option<String>,
}

/// Lists a folder. Links to folders are not followed; a link to a file counts where it stays inside.
pub(super) fn list(tree: &Tree) -> Listing {
    let mut search =
        Search { tree, listing: Listing::default(), bytes: 0, archives: ARCHIVES_LIMIT };
    let mut budget = places::ENTRIES_LIMIT;
    let mut entries = 0_usize;
    let mut walk = WalkDir::new(tree.root()).follow_links(false).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        entries += 1;
        if entries > ENTRIES_LIMIT {
            search.listing.cut =
                Some(format!("only the first {ENTRIES_LIMIT} entries of the folder are looked at"));
            break;
        }
        // A folder that cannot be listed is told by its error, which names it.
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().and_then(|path| relative(tree, path));
                let path = path.unwrap_or_default();
                search.listing.unread.push((path, "it cannot be listed".to_owned()));
                continue;
            }
        };
        let Some(path) = relative(tree, entry.path()) else { continue };
        if !entry.file_type().is_dir() {
            search.file(&entry, path);
        } else if entry.depth() > 0 && is_place(&entry) {
            search.listing.places.extend(places::look(entry.path(), path, &mut budget));
            walk.skip_current_dir();
        } else if local::is_hub_cache(entry.path()) {
            search.listing.local.push(Candidate::cache(path));
            walk.skip_current_dir();
        } else if entry.depth() >= DEPTH_LIMIT {
            let reason = format!("more than {DEPTH_LIMIT} folders inside one another");
            search.listing.unread.push((path, reason));
            walk.skip_current_dir();
        }
    }
    search.listing
}

/// Whether what lies in a folder is looked at by name only, or not at all.
fn is_place(entry: &DirEntry) -> bool {
    // What others wrote and the project ships is searched for models as its own files are.
    entry.file_name() != "vendor" && SKIPPED.iter().any(|name| entry.file_name() == *name)
}

struct Search<'t> {
    tree: &'t Tree,
    listing: Listing,
    /// Bytes of the files that are read.
    bytes: u64,
    /// Bytes of archives that may still be looked into.
    archives: u64,
}

impl Search<'_> {
    fn file(&mut self, entry: &DirEntry, path: String) {
        let Some((place, size)) = self.place(entry, &path) else { return };
        self.model(&path, place, size);
        let vendored = path.split('/').any(|part| part == "vendor");
        if entry.file_type().is_symlink() || vendored {
            return;
        }
        let language = language(&path);
        if entry.path().to_str().is_none() {
            if language.is_some() {
                let reason = "its name is not UTF-8, and it is not read for names of models";
                self.listing.unread.push((path, reason.to_owned()));
            }
            return;
        }
        if crate::walker::packages::is_package_file(&path) {
            self.listing.packages.push(path.clone());
        }
        let Some(language) = language else { return };
        if size > SIZE_LIMIT {
            if language != Language::Json {
                let reason = format!("{size} bytes, {SIZE_LIMIT} are read");
                self.listing.unread.push((path, reason));
            }
            return;
        }
        let bytes = self.bytes.saturating_add(size);
        if self.listing.files.len() >= FILES_LIMIT || bytes > BYTES_LIMIT {
            // Models are searched for to the end all the same.
            let most = self.listing.files.len();
            let cut = || format!("only the first {most} files are read for names of models");
            self.listing.cut.get_or_insert_with(cut);
            return;
        }
        self.bytes = bytes;
        self.listing.files.push((path, language));
    }

    /// Where a file lies below the audited folder, and its size; nothing for what is no regular
    /// file. A link out of the folder is named where its name is that of weights.
    fn place(&mut self, entry: &DirEntry, path: &str) -> Option<(PathBuf, u64)> {
        let root = self.tree.root();
        if entry.file_type().is_symlink() {
            let inside = entry.path().canonicalize().ok().filter(|real| real.starts_with(root));
            if inside.is_none() && search::is_named(path) {
                let reason = "a link that leads nowhere inside the audited folder is not followed";
                self.listing.unread.push((path.to_owned(), reason.to_owned()));
            }
            inside?;
        }
        let place = entry.path();
        let meta = place.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((place.strip_prefix(root).ok()?.to_owned(), meta.len()))
    }

    /// Keeps a file that may belong to a model.
    fn model(&mut self, path: &str, place: PathBuf, size: u64) {
        let on_disk = self.tree.root().join(&place);
        match search::sign(path, size, &mut self.archives, || crate::disk::open(&on_disk)) {
            Some(Sign::TooLarge) => {
                let reason = format!("an archive of {size} bytes is not searched for models");
                self.listing.unread.push((path.to_owned(), reason));
            }
            Some(sign) => {
                self.listing.local.push(Candidate::File { path: path.to_owned(), place, sign });
            }
            None => {}
        }
    }
}

/// A path below the folder as it is shown: bytes that are no UTF-8 are escaped.
fn relative(tree: &Tree, path: &Path) -> Option<String> {
    path.strip_prefix(tree.root()).ok().map(path_text)
}

/// The language of a file by its name; nothing for what is not read.
pub(super) fn language(path: &str) -> Option<Language> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    // Locks and manifests are read elsewhere; vocabularies hold millions of words.
    if matches!(
        lower.as_str(),
        "cargo.toml"
            | "cargo.lock"
            | "custody.toml"
            | "custody.lock"
            | "package-lock.json"
            | "tokenizer.json"
            | "vocab.json"
            | "rust-toolchain.toml"
            | "deny.toml"
    ) {
        return None;
    }
    if lower.contains("dockerfile")
        || lower.contains("containerfile")
        || lower.contains("modelfile")
    {
        return Some(Language::Text);
    }
    if matches!(
        lower.as_str(),
        "makefile" | "justfile" | ".gitmodules" | ".env" | ".envrc" | "procfile"
    ) || lower.starts_with(".env.")
    {
        return Some(Language::Text);
    }
    match lower.rsplit_once('.')?.1 {
        "rs" => Some(Language::Rust),
        "py" | "pyi" => Some(Language::Python),
        "sh" | "bash" | "zsh" | "fish" | "ps1" | "yaml" | "yml" | "toml" | "env" | "cfg"
        | "ini" | "mk" | "just" | "tf" | "hcl" | "nix" | "service" | "conf" => Some(Language::Text),
        "json" | "json5" | "jsonc" | "jsonnet" => Some(Language::Json),
        "js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx" | "html" | "go" | "java" | "kt" | "swift"
        | "cpp" | "cc" | "c" | "h" | "ipynb" => Some(Language::Addresses),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_or_fetched_is_not_walked_and_what_is_ignored_is() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".gitignore", "ignored");
        write("ignored/a.rs", "");
        write("target/b.rs", "");
        write("node_modules/c.py", "");
        write(".github/workflows/d.yml", "");
        write("README.md", "");
        write("big.sh", &"#".repeat(3 * 1024 * 1024));
        let listing = list(&Tree::open(folder.path()).unwrap());
        let names: Vec<&str> = listing.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [".github/workflows/d.yml", "ignored/a.rs"]);
        assert_eq!(listing.unread.len(), 1);
    }
}
