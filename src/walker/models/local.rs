//! Models that lie in the project's folder: caches of the Hub, folders with weights, single files. Only
//! names, sizes and first bytes are looked at; what is in the files is for the model-file scanner.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::walker::tree::Tree;
use model_scan::model_kind::{self, ModelFileKind};
use model_scan::pickle;

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
    Weights {
        path: String,
        alone: bool,
    },
    Configuration(String),
    /// Python that a loader imports where a configuration lies beside it.
    Code(String),
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

/// What a file means for finding models; nothing for most.
pub(super) fn candidate(path: &str, on_disk: &Path, size: u64) -> Option<Candidate> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    if matches!(
        name.as_str(),
        "config.json" | "model_index.json" | "adapter_config.json" | "modules.json"
    ) {
        return Some(Candidate::Configuration(path.to_owned()));
    }
    if matches!(name.rsplit_once('.'), Some((stem, "py")) if stem.starts_with("modeling_")) {
        return Some(Candidate::Code(path.to_owned()));
    }
    let weights = match name.rsplit_once('.') {
        // What bears no ending bears no announcement: bytes alone decide.
        None => is_weights(on_disk, size, BARE),
        Some((_, ending)) => match ending {
            "safetensors" | "gguf" | "ggml" | "onnx" | "pt" | "pt2" | "ptl" | "pth" | "ckpt"
            | "keras" | "tflite" | "joblib" | "ot" | "skops" | "nemo" | "mar" => true,
            "bin" | "pb" | "h5" | "hdf5" | "pkl" | "pickle" | "p" | "dill" | "sav" | "th"
            | "npz" | "model" | "weights" | "data" | "dat" => is_weights(on_disk, size, NAMED),
            _ => return None,
        },
    };
    weights.then(|| Candidate::Weights { path: path.to_owned(), alone: true })
}

/// Kinds that are models under a name that may be one's.
const NAMED: &[ModelFileKind] = &[
    ModelFileKind::Pickle,
    ModelFileKind::Zip,
    ModelFileKind::Safetensors,
    ModelFileKind::Gguf,
    ModelFileKind::Ggml,
    ModelFileKind::Onnx,
    ModelFileKind::TensorFlow,
    ModelFileKind::Hdf5,
    ModelFileKind::LfsPointer,
];

/// Kinds that are models whatever they are called.
const BARE: &[ModelFileKind] =
    &[ModelFileKind::Pickle, ModelFileKind::Safetensors, ModelFileKind::Gguf];

/// Whether the first bytes are those of one of these kinds, the pickles without a telling start
/// included.
fn is_weights(path: &Path, size: u64, kinds: &[ModelFileKind]) -> bool {
    use ModelFileKind as Kind;
    let Ok(mut file) = crate::disk::open(path) else { return false };
    let mut head = Vec::new();
    if (&mut file).take(model_kind::HEAD as u64).read_to_end(&mut head).is_err() {
        return false;
    }
    match model_kind::sniff(&head, size) {
        kind @ (Kind::Other | Kind::Text) => pickle::probe(&mut file, 0..size, kind == Kind::Text),
        kind => kinds.contains(&kind),
    }
}

/// Puts candidates together: weights beside a configuration are one model, others stand alone.
pub(super) fn assemble(tree: &Tree, candidates: Vec<Candidate>) -> Vec<LocalModel> {
    let mut folders: BTreeMap<String, (bool, Vec<String>)> = BTreeMap::new();
    let mut code: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    let folder_of = |path: &str| path.rsplit_once('/').map_or(String::new(), |(f, _)| f.to_owned());
    for candidate in candidates {
        match candidate {
            Candidate::Cache(path) => found.push(cache(tree, path)),
            Candidate::Configuration(path) => {
                folders.entry(folder_of(&path)).or_default().0 = true;
            }
            Candidate::Code(path) => code.entry(folder_of(&path)).or_default().push(path),
            Candidate::Weights { path, .. } => {
                folders.entry(folder_of(&path)).or_default().1.push(path);
            }
        }
    }
    for (folder, (configured, mut files)) in folders {
        // A configuration and the code that it can name are a model without weights.
        if configured && !folder.is_empty() {
            files.extend(code.remove(&folder).unwrap_or_default());
        }
        files.sort();
        if configured && !files.is_empty() && !folder.is_empty() {
            files.truncate(FILES_LIMIT);
            found.push(local(folder, Layout::Folder, files));
        } else {
            let alone = files.into_iter().map(|file| local(file.clone(), Layout::File, vec![file]));
            found.extend(alone);
        }
    }
    found.sort();
    found
}

fn local(path: String, layout: Layout, files: Vec<String>) -> LocalModel {
    LocalModel { path, layout, repository: None, files, refs: BTreeMap::new() }
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
    LocalModel { path, layout: Layout::HubCache, repository, files: commits, refs }
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
        let found = assemble(&tree, listing.local);
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
