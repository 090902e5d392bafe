//! Which files of the project are read for models, and what language each is. `.gitignore` is not
//! obeyed: what is ignored runs as well.

use std::path::Path;

use walkdir::WalkDir;

use super::local::{self, Candidate};
use crate::walker::tree::Tree;

/// Largest file that is read, 2 MiB.
pub const SIZE_LIMIT: u64 = 2 * 1024 * 1024;
/// Most files that are read.
pub const FILES_LIMIT: usize = 20_000;
/// Most bytes that are read, 256 MiB.
pub const BYTES_LIMIT: u64 = 256 * 1024 * 1024;
/// Most entries of folders that are looked at.
const ENTRIES_LIMIT: usize = 400_000;
/// Deepest folder.
const DEPTH_LIMIT: usize = 32;

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
    /// Files that are too large, and the like: file and reason.
    pub unread: Vec<(String, String)>,
    /// A limit was reached, in words.
    pub cut: Option<String>,
}

/// Lists a folder. Links are not followed.
pub(super) fn list(tree: &Tree) -> Listing {
    let mut listing = Listing::default();
    let (mut entries, mut bytes) = (0_usize, 0_u64);
    let mut walk = WalkDir::new(tree.root())
        .follow_links(false)
        .max_depth(DEPTH_LIMIT)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        entries += 1;
        if entries > ENTRIES_LIMIT {
            listing.cut =
                Some(format!("only the first {ENTRIES_LIMIT} entries of the folder are looked at"));
            break;
        }
        // A folder that cannot be listed is told by its error, which names it.
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().and_then(|path| relative(tree, path));
                listing.unread.push((path.unwrap_or_default(), "it cannot be listed".to_owned()));
                continue;
            }
        };
        let Some(path) = relative(tree, entry.path()) else { continue };
        if entry.file_type().is_dir() {
            if entry.depth() > 0 && SKIPPED.iter().any(|name| entry.file_name() == *name) {
                walk.skip_current_dir();
            } else if local::is_hub_cache(entry.path()) {
                listing.local.push(Candidate::cache(path));
                walk.skip_current_dir();
            }
            continue;
        }
        let Ok(meta) = entry.metadata() else { continue };
        if !meta.is_file() {
            continue;
        }
        if let Some(candidate) = local::candidate(&path, entry.path(), meta.len()) {
            listing.local.push(candidate);
        }
        if crate::walker::packages::is_package_file(&path) {
            listing.packages.push(path.clone());
        }
        let Some(language) = language(&path) else { continue };
        if meta.len() > SIZE_LIMIT {
            if language != Language::Json {
                let reason = format!("{} bytes, {SIZE_LIMIT} are read", meta.len());
                listing.unread.push((path, reason));
            }
            continue;
        }
        bytes = bytes.saturating_add(meta.len());
        if listing.files.len() >= FILES_LIMIT || bytes > BYTES_LIMIT {
            listing.cut = Some(format!(
                "only the first {} files are read for names of models",
                listing.files.len()
            ));
            break;
        }
        listing.files.push((path, language));
    }
    listing
}

fn relative(tree: &Tree, path: &Path) -> Option<String> {
    let text = path.strip_prefix(tree.root()).ok()?.to_str()?;
    Some(if std::path::MAIN_SEPARATOR == '/' { text.to_owned() } else { text.replace('\\', "/") })
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
