//! Files of which too little could be read to call them looked at: what a loader would open by its name or
//! its place, and whose bytes are empty, text, noise, cut or beyond a limit. Such a file is named among what
//! is unscannable; whether it is dangerous is for nobody to say.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ModelAnomaly, Unscannable};
use super::scan::Scanned;

/// Endings under which loaders look for weights, pickles and archives of them.
const WEIGHTS: [&str; 49] = [
    "safetensors",
    "gguf",
    "ggml",
    "ggmf",
    "onnx",
    "ort",
    "pt",
    "pth",
    "pt2",
    "ptl",
    "ptc",
    "th",
    "t7",
    "ckpt",
    "bin",
    "pkl",
    "pickle",
    "p",
    "pkl5",
    "dill",
    "joblib",
    "jbl",
    "cloudpickle",
    "sav",
    "h5",
    "hdf5",
    "keras",
    "pb",
    "tflite",
    "lite",
    "npy",
    "npz",
    "msgpack",
    "skops",
    "nemo",
    "mar",
    "engine",
    "plan",
    "trt",
    "mlmodel",
    "tar",
    "tgz",
    "zip",
    "7z",
    "gz",
    "xz",
    "bz2",
    "zst",
    "lz4",
];

/// Files that loaders open by their whole name.
const CONFIGURATIONS: [&str; 10] = [
    "config.json",
    "model_index.json",
    "adapter_config.json",
    "modules.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "generation_config.json",
    "chat_template.jinja",
];

/// Endings of what no loader of models opens: pages, pictures, sources of other languages.
const FOREIGN: [&str; 44] = [
    "pdf", "md", "rst", "adoc", "tex", "doc", "docx", "odt", "html", "htm", "css", "js", "mjs",
    "ts", "tsx", "jsx", "rs", "c", "h", "cc", "cpp", "hpp", "go", "java", "kt", "swift", "rb",
    "pl", "lua", "cs", "php", "png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "mp3", "mp4",
    "wav", "ttf", "log", "lock",
];

/// Anomalies behind which bytes were not read because the file ends or breaks: parser and kind.
const CUT: [(&str, &[&str]); 9] = [
    (
        "container",
        &[
            "compression-broken",
            "zip-broken",
            "zip-no-directory",
            "tar-broken",
            "npy-header",
            "npy-size",
        ],
    ),
    ("pickle", &["truncated", "unsupported-proto"]),
    ("safetensors", &["truncated", "header-past-end", "past-end", "not-json", "not-utf8"]),
    ("gguf", &["truncated", "past-end", "not-gguf"]),
    ("onnx", &["truncated", "malformed", "no-graph", "external-range"]),
    ("tensorflow", &["truncated", "malformed", "no-graph"]),
    ("hdf5", &["truncated", "malformed", "not-hdf5", "odd-sizes"]),
    ("config", &["not-json", "not-yaml", "not-utf8"]),
    ("pmml", &["malformed"]),
];

/// Anomalies of limits of ours: parser and kind.
const LIMITS: [(&str, &[&str]); 13] = [
    (
        "container",
        &["nesting-too-deep", "too-many-members", "zip-too-many-members", "member-too-long"],
    ),
    ("pickle", &["events-omitted"]),
    ("safetensors", &["too-many-tensors"]),
    ("gguf", &["too-many-entries", "template-too-long"]),
    ("onnx", &["too-deep", "too-many-fields"]),
    ("tensorflow", &["too-deep", "too-many-fields"]),
    ("hdf5", &["too-many-messages", "too-long", "attribute-not-read"]),
    ("tokenizer", &["too-long"]),
    ("torchscript", &["too-long"]),
    ("pmml", &["too-long", "too-deep"]),
    ("python", &["too-long", "too-deep"]),
    ("config", &["too-long", "too-deep", "too-many-values"]),
    ("template", &["too-long", "too-complex"]),
];

/// Whether a name is one that no loader opens.
pub(super) fn is_foreign(name: &str) -> bool {
    ending(name).is_some_and(|ending| FOREIGN.contains(&ending.as_str()))
}

/// Whether a loader would open a file of this name as weights.
pub(super) fn is_weights(name: &str) -> bool {
    ending(name).is_some_and(|ending| WEIGHTS.contains(&ending.as_str()))
}

/// Whether a file of this name may be read as part of a model whatever its text says: weights, configurations,
/// code, templates, and the blobs of a cache, which are called by their hashes.
pub(super) fn is_expected(name: &str) -> bool {
    const READ: [&str; 12] =
        ["py", "pyw", "pyi", "json", "yaml", "yml", "jinja", "jinja2", "j2", "xml", "pmml", "pyc"];
    let blob = matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    blob || is_weights(name)
        || CONFIGURATIONS.contains(&name)
        || ending(name).is_some_and(|ending| READ.contains(&ending.as_str()))
}

/// Names the external data that a folder's models read and that are not there.
pub(super) fn missing(all: &mut [Scanned]) {
    let here: BTreeSet<String> = all.iter().map(|one| one.file.path.clone()).collect();
    for one in all {
        let folder = one.file.path.rfind('/').map_or("", |at| &one.file.path[..=at]).to_owned();
        let named: BTreeSet<&String> =
            one.onnx.iter().flat_map(|part| &part.facts.external_files).collect();
        let absent = named.into_iter().filter(|file| {
            !model_scan::model_config::leaves(file) && !here.contains(&resolved(&folder, file))
        });
        let path = one.file.path.clone();
        let absent: Vec<Unscannable> = absent
            .map(|file| Unscannable {
                path: path.clone(),
                member: String::new(),
                reason: format!("its external data is not here: {file}"),
            })
            .take(MISSING)
            .collect();
        one.unscannable.extend(absent);
    }
}

/// A path below a folder, without the steps that lead nowhere.
fn resolved(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{folder}{}", parts.join("/"))
}

/// Files of external data that are named one by one.
const MISSING: usize = 20;

/// Names what could not be understood among files that were scanned.
pub(super) fn tell(all: &mut [Scanned]) {
    let raw = raw_tensors(all);
    for one in all {
        let mut reasons: BTreeMap<String, String> = BTreeMap::new();
        if let Some(reason) = of_bytes(&one.file.path, &one.file.format)
            && !(one.file.format == "other" && raw.contains(&one.file.path))
            // Read by its name, for it has no other sign: the metadata of Keras.
            && one.tensorflow.is_empty()
        {
            reasons.insert(String::new(), reason.to_owned());
        }
        for anomaly in &one.file.anomalies {
            if let Some(reason) = of_anomaly(anomaly) {
                reasons.entry(anomaly.member.clone()).or_insert(reason);
            }
        }
        for told in &one.unscannable {
            reasons.remove(&told.member);
        }
        let path = one.file.path.clone();
        let added = reasons.into_iter().map(|(member, reason)| Unscannable {
            path: path.clone(),
            member,
            reason,
        });
        one.unscannable.extend(added);
    }
}

/// Why the bytes of a file say nothing of what its name announces.
fn of_bytes(path: &str, format: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let weights = is_weights(name);
    // A name of a loader's without an ending, such as a blob of a cache.
    let bare = !name.contains('.');
    match format {
        "empty" if weights || CONFIGURATIONS.contains(&name) => Some("it is empty"),
        "text" | "json" | "xml" if weights => Some("it is text, and its name announces weights"),
        "other" if weights || bare => Some("its bytes are of no kind that is read"),
        _ => None,
    }
}

/// What an anomaly leaves unread, in words.
fn of_anomaly(anomaly: &ModelAnomaly) -> Option<String> {
    let among = |table: &[(&str, &[&str])]| {
        table.iter().any(|(source, kinds)| {
            *source == anomaly.source && kinds.contains(&anomaly.kind.as_str())
        })
    };
    let why = if among(&CUT) {
        "it is cut or damaged"
    } else if among(&LIMITS) {
        "it is larger or deeper than what is looked at"
    } else {
        return None;
    };
    Some(format!("{why}: {} ({})", anomaly.kind, anomaly.source))
}

/// Files that another file of the same model names as plain numbers: external data of ONNX, and the
/// `.bin` beside the `.xml` of `OpenVINO`.
fn raw_tensors(all: &[Scanned]) -> BTreeSet<String> {
    let mut raw = BTreeSet::new();
    for one in all {
        let path = &one.file.path;
        let folder = path.rfind('/').map_or("", |at| &path[..=at]);
        let external = one.onnx.iter().flat_map(|part| &part.facts.external_files);
        raw.extend(external.map(|file| resolved(folder, file)));
        if let Some(stem) = path.strip_suffix(".xml").filter(|_| one.file.format == "xml") {
            raw.insert(format!("{stem}.bin"));
        }
    }
    raw
}

fn ending(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}
