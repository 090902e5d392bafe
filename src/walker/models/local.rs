//! Models that lie in the project's folder: caches of the Hub, folders with weights, single files. Only
//! names, sizes and first bytes are looked at; what is in the files is for the model-file scanner.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::walker::tree::Tree;
use model_scan::search::Sign;

/// Most files of one model that are listed.
const FILES_LIMIT: usize = 2_000;

/// How a model lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layout {
    /// `models--owner--name` with `refs`, `blobs` and `snapshots`, as Hub clients keep it.
    HubCache,
    /// A folder with weights and their configuration.
    Folder,
    /// One file.
    File,
}

/// A model on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalModel {
    /// The folder or file, relative to the audited folder.
    pub path: String,
    /// Where it lies below the audited folder; its path is how that is shown.
    pub place: PathBuf,
    /// How it lies there.
    pub layout: Layout,
    /// The repository that a cache's folder names.
    pub repository: Option<String>,
    /// Weight files, relative to the audited folder, at most 2,000; for a cache, the commits in it.
    pub files: Vec<String>,
    /// What the references of a cache point at: `main` to a commit.
    pub refs: BTreeMap<String, String>,
}

/// What the walk over the folder came across.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Candidate {
    Cache(String),
    /// A file: as it is shown, where it lies below the audited folder, and what it means.
    File {
        path: String,
        place: PathBuf,
        sign: Sign,
    },
}

impl Candidate {
    pub fn cache(path: String) -> Self {
        Self::Cache(path)
    }
}

/// Whether a folder has the name and the parts of a Hub cache.
pub(super) fn is_hub_cache(path: &Path) -> bool {
    let named = path
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with("models--") || name.starts_with("datasets--"));
    named && path.join("snapshots").is_dir()
}

/// What one folder has of a model.
#[derive(Default)]
struct Parts {
    /// A file that is called like a configuration lies there.
    configured: bool,
    /// What says by itself that it is a model's.
    tells: Vec<Seen>,
    weights: Vec<Seen>,
    /// Text under names that announce weights.
    texts: Vec<Seen>,
    code: Vec<Seen>,
}

/// A file as it is shown, and where it lies.
type Seen = (String, PathBuf);

/// Puts candidates together: weights beside a configuration are one model, and so is what says itself that it
/// is a model's; others stand alone. The second list names text that is taken for no model.
pub(super) fn assemble(tree: &Tree, candidates: Vec<Candidate>) -> (Vec<LocalModel>, Vec<String>) {
    let mut folders: BTreeMap<String, Parts> = BTreeMap::new();
    let mut found = Vec::new();
    for candidate in candidates {
        let (path, place, sign) = match candidate {
            Candidate::Cache(path) => {
                found.push(cache(tree, path));
                continue;
            }
            Candidate::File { path, place, sign } => (path, place, sign),
        };
        let parts = folders.entry(folder_of(&path)).or_default();
        match sign {
            Sign::Configuration => parts.configured = true,
            Sign::Tells => parts.tells.push((path, place)),
            Sign::Code => parts.code.push((path, place)),
            Sign::Weights => parts.weights.push((path, place)),
            Sign::Text => parts.texts.push((path, place)),
            // Named where it was found.
            Sign::TooLarge => {}
        }
    }
    let mut texts = Vec::new();
    for (folder, parts) in folders {
        texts.extend(of_folder(tree, folder, parts, &mut found));
    }
    found.sort();
    (found, texts)
}

/// The models of one folder; the answer is the text that belongs to none.
fn of_folder(
    tree: &Tree,
    folder: String,
    parts: Parts,
    found: &mut Vec<LocalModel>,
) -> Vec<String> {
    let Parts { configured, tells, mut weights, texts, code } = parts;
    let mut left = Vec::new();
    if configured || !tells.is_empty() || !weights.is_empty() {
        weights.extend(texts);
    } else {
        left.extend(texts.into_iter().map(|(path, _)| path));
    }
    let inside = !folder.is_empty();
    let with_code = !code.is_empty() && (configured && inside || !tells.is_empty());
    let whole = inside
        && (configured && (!weights.is_empty() || with_code)
            || !tells.is_empty() && (!weights.is_empty() || !is_program(tree, &tells)));
    let mut all = weights;
    all.extend(tells);
    if with_code {
        all.extend(code);
    }
    all.sort();
    if whole {
        all.truncate(FILES_LIMIT);
        let place = all.first().and_then(|(_, place)| place.parent());
        let place = place.map_or_else(|| PathBuf::from(&folder), Path::to_owned);
        let files = all.into_iter().map(|(path, _)| path).collect();
        found.push(local(folder, place, Layout::Folder, files));
    } else {
        let alone = all.into_iter();
        found.extend(
            alone.map(|(path, place)| local(path.clone(), place, Layout::File, vec![path])),
        );
    }
    left
}

/// The folder of a model that a file belongs to: loaders look for some in folders of their own.
fn folder_of(path: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let inner = matches!(last, "custom_generate" | "additional_chat_templates");
    if inner { above.to_owned() } else { folder.to_owned() }
}

/// Whether a program lies in the folder of these files, which is not all of a model then.
fn is_program(tree: &Tree, files: &[Seen]) -> bool {
    let Some(folder) = files.first().and_then(|(_, place)| place.parent()) else { return false };
    let folder = tree.root().join(folder);
    ["Cargo.toml", "package.json", "pyproject.toml", "setup.py", "go.mod"]
        .iter()
        .any(|name| folder.join(name).exists())
}

fn local(path: String, place: PathBuf, layout: Layout, files: Vec<String>) -> LocalModel {
    LocalModel { path, place, layout, repository: None, files, refs: BTreeMap::new() }
}

/// Reads the layout of `models--owner--name`
/// (<https://huggingface.co/docs/huggingface_hub/guides/manage-cache>). References are small files
/// that hold a commit; snapshots are folders named by one.
fn cache(tree: &Tree, path: String) -> LocalModel {
    let name = path.rsplit('/').next().unwrap_or(&path);
    let repository = name.split_once("--").map(|(_, rest)| rest.replacen("--", "/", 1));
    let mut refs = BTreeMap::new();
    for name in names(tree, &format!("{path}/refs")) {
        // What cannot be read, or is no commit, names nothing.
        if let Ok(Some(text)) = tree.read(&format!("{path}/refs/{name}"), 200) {
            let commit = text.trim();
            if commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()) {
                refs.insert(name, commit.to_owned());
            }
        }
    }
    let commits = names(tree, &format!("{path}/snapshots"));
    let place = PathBuf::from(&path);
    LocalModel { path, place, layout: Layout::HubCache, repository, files: commits, refs }
}

/// Names in a folder, sorted, at most [`FILES_LIMIT`].
fn names(tree: &Tree, folder: &str) -> Vec<String> {
    let Ok(Some(path)) = tree.resolve(folder) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .take(FILES_LIMIT)
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_files_and_caches_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let commit = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf";
        write("m/config.json", b"{}");
        write("m/model.safetensors", b"x");
        write("alone.gguf", b"GGUF");
        write("c/config.json", b"{\"auto_map\": {}}");
        write("c/modeling_x.py", b"import torch");
        write("d/modeling_y.py", b"import clay");
        write("old.pkl", b"cposix\nsystem\n(S'echo'\ntR.");
        write("bare", b"\x80\x04K\x01.");
        write("config.pkl", b"amends \"pkl:Project\"\n");
        write("firmware.bin", b"\x01\x02 not weights");
        write("models--o--n-1/refs/main", commit.as_bytes());
        write(&format!("models--o--n-1/snapshots/{commit}/config.json"), b"{}");
        let tree = Tree::open(folder.path()).unwrap();
        let listing = crate::walker::models::files::list(&tree);
        let (found, texts) = assemble(&tree, listing.local);
        assert!(texts.is_empty());
        let told: Vec<_> = found.iter().map(|m| (m.path.as_str(), m.layout)).collect();
        assert_eq!(
            told,
            [
                ("alone.gguf", Layout::File),
                ("bare", Layout::File),
                ("c", Layout::Folder),
                ("m", Layout::Folder),
                ("models--o--n-1", Layout::HubCache),
                ("old.pkl", Layout::File)
            ]
        );
        assert_eq!(found[4].repository.as_deref(), Some("o/n-1"));
        assert_eq!(found[4].refs["main"], commit);
    }
}
