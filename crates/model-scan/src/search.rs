//! Which files of a folder belong to models: by the names that loaders ask for, by what stands in a
//! configuration, and by the bytes whatever the name is. Looks at the first bytes only, but into archives.
//! How bad such a file is says nobody here.

use std::io::{self, Read as _};

use custody_bytes::anomaly::Anomaly;
use custody_bytes::codec::Codec;
use custody_bytes::source::Source;

use super::containers::{self, Member, Visitor};
use super::model_kind::{HEAD, ModelFileKind as Kind, sniff};
use super::pickle;

/// Bytes of a configuration that are looked at.
const CONFIGURATION: usize = 64 * 1024;

/// Values of a configuration that are parsed: more do not stand in so many bytes.
const VALUES: usize = CONFIGURATION;

/// Largest archive that is looked into; one that is larger is named.
pub const ARCHIVE: u64 = 32 << 20;

/// What a file means for finding models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Weights, or a pickle.
    Weights,
    /// Text under a name that announces weights and that others use as well: `messages.pt`.
    Text,
    /// A configuration by its name alone, which many programs have.
    Configuration,
    /// A configuration, a template or code that says by itself that it is a model's.
    Tells,
    /// Python that a loader imports where a configuration lies beside it.
    Code,
    /// An archive that is too large to be looked into.
    TooLarge,
}

/// Endings that announce weights whatever the bytes are; text among them may be something else.
const ANNOUNCED: [&str; 14] = [
    "safetensors",
    "gguf",
    "ggml",
    "onnx",
    "pt",
    "pt2",
    "ptl",
    "pth",
    "ckpt",
    "keras",
    "tflite",
    "joblib",
    "skops",
    "ot",
];

/// Endings that are pickles for whoever writes Python, and text for others.
const PICKLES: [&str; 5] = ["pkl", "pickle", "dill", "cloudpickle", "gpickle"];

/// Endings under which weights and much else is kept: the bytes decide.
const NAMED: [&str; 25] = [
    "bin", "pb", "h5", "hdf5", "p", "sav", "th", "npz", "model", "weights", "data", "dat", "mar",
    "nemo", "jbl", "pkl5", "pck", "pandas", "params", "pdparams", "pdmodel", "pdopt", "t7", "ptc",
    "msgpack",
];

/// Kinds that are models under a name that may be one's.
const NAMED_KINDS: [Kind; 10] = [
    Kind::Pickle,
    Kind::Zip,
    Kind::Tar,
    Kind::Safetensors,
    Kind::Gguf,
    Kind::Ggml,
    Kind::Onnx,
    Kind::TensorFlow,
    Kind::Hdf5,
    Kind::LfsPointer,
];

/// Stems of names that loaders ask for or people give to weights, so that text under them is none.
const STEMS: [&str; 7] = ["model", "weight", "checkpoint", "ckpt", "epoch", "adapter", "lora"];

/// Endings of sources and pages that no loader opens and that are many.
const SOURCES: [&str; 40] = [
    "rs", "toml", "lock", "md", "c", "h", "cc", "cpp", "hpp", "js", "mjs", "cjs", "ts", "tsx",
    "jsx", "css", "scss", "html", "htm", "svg", "go", "java", "kt", "swift", "rb", "cs", "php",
    "lua", "sh", "ps1", "sql", "graphql", "proto", "yml", "yaml", "rst", "adoc", "tex", "map",
    "ftl",
];

/// What a file of this path (parts joined by `/`) and size means; `open` gives its bytes and is asked only
/// where the name leaves it open. `room` is how many bytes of archives may still be looked into. What cannot be opened under a telling name counts as what it is called.
pub fn sign<S: Source>(
    path: &str,
    size: u64,
    room: &mut u64,
    open: impl FnOnce() -> io::Result<S>,
) -> Option<Sign> {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path).to_ascii_lowercase();
    let folder = parts.next().unwrap_or_default();
    if let Some(words) = words(&name, folder) {
        let mut opened = open().ok()?;
        let head = opened.bytes_at(0, CONFIGURATION).ok()?;
        return told(&name, &head, words);
    }
    if is_asked_for(&name) {
        return Some(Sign::Weights);
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    if ending.is_some_and(|ending| SOURCES.contains(&ending) || is_code_ending(ending)) {
        return None;
    }
    by_bytes(&name, ending, size, room, &mut open().ok()?)
}

/// Whether a loader of models would open a file of this name, compressed or not, whatever it holds.
#[must_use]
pub fn is_named(path: &str) -> bool {
    const COMPRESSED: [&str; 8] = ["gz", "bz2", "xz", "zst", "lz4", "lzma", "z", "bak"];
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let inner = stem.rsplit_once('.').map(|(_, inner)| inner);
    let among = |ending: &str| PICKLES.contains(&ending) || ANNOUNCED.contains(&ending);
    among(ending) || is_asked_for(&name) || COMPRESSED.contains(&ending) && inner.is_some_and(among)
}

/// Code and text that is read for its words elsewhere.
fn is_code_ending(ending: &str) -> bool {
    matches!(ending, "py" | "pyi" | "json" | "jsonc" | "json5" | "ipynb")
}

/// The names of files with weights that the common loaders ask for.
fn is_asked_for(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    match ending {
        "bin" => {
            ["pytorch_model", "diffusion_pytorch_model", "adapter_model"]
                .iter()
                .any(|start| stem.starts_with(start))
                || matches!(
                    stem,
                    "training_args" | "optimizer" | "scheduler" | "open_clip_pytorch_model"
                )
        }
        "msgpack" => stem.starts_with("flax_model"),
        "h5" => stem.starts_with("tf_model"),
        _ => false,
    }
}

/// Keys or words of which one makes a configuration, a template or code one of a model; none where any
/// content does. Nothing for files that are no such thing by their name.
fn words(name: &str, folder: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "config.json" => &["auto_map", "transformers_version"],
        "tokenizer_config.json" => &["chat_template", "auto_map"],
        "processor_config.json" | "preprocessor_config.json" => {
            &["chat_template", "auto_map", "processor_class", "image_processor_type"]
        }
        "adapter_config.json" => &["peft_type", "auto_mapping", "base_model_name_or_path"],
        "model_index.json" => &["_class_name"],
        // sentence-transformers imports what stands there under `type`.
        "modules.json" => &["idx"],
        "chat_template.json" => &["chat_template"],
        "keras_metadata.pb" => &[],
        "handler.py" => &["class EndpointHandler"],
        "generate.py" if folder == "custom_generate" => &[],
        _ if is_model_code(name) => &[],
        _ if is_template(name, folder) => &[],
        _ => return None,
    })
}

/// Whether a name is one that transformers gives to the code of a model.
fn is_model_code(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((stem, "py")) if stem.starts_with("modeling_"))
}

fn is_template(name: &str, folder: &str) -> bool {
    name.strip_suffix(".jinja")
        .is_some_and(|stem| stem == "chat_template" || folder == "additional_chat_templates")
}

/// What the content of a file with one of those names makes it.
fn told(name: &str, head: &[u8], words: &[&str]) -> Option<Sign> {
    if is_model_code(name) {
        return Some(Sign::Code);
    }
    let tells = words.is_empty()
        || if name.rsplit_once('.').is_some_and(|(_, ending)| ending == "json") {
            has_key(head, words)
        } else {
            has_word(head, words)
        };
    let common =
        matches!(name, "config.json" | "model_index.json" | "adapter_config.json" | "modules.json");
    match (tells, common) {
        (true, _) => Some(Sign::Tells),
        (false, true) => Some(Sign::Configuration),
        (false, false) => None,
    }
}

fn has_word(text: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}

/// Whether JSON, or the first item of a list of it, has one of these keys, however it is spelt. What cannot be
/// parsed, for it is cut here or broken, is searched for the words.
fn has_key(text: &[u8], keys: &[&str]) -> bool {
    let Ok(json) = custody_bytes::json::parse(text, VALUES) else { return has_word(text, keys) };
    let object = json.elements().first().unwrap_or(&json);
    keys.iter().any(|key| {
        // Other programs have a switch of that name.
        object.get(key).is_some_and(|value| *key != "auto_map" || !value.members().is_empty())
    })
}

/// What the bytes of a file with this name are.
fn by_bytes(
    name: &str,
    ending: Option<&str>,
    size: u64,
    room: &mut u64,
    file: &mut dyn Source,
) -> Option<Sign> {
    let head = file.bytes_at(0, HEAD).ok()?;
    let kind = sniff(&head, size);
    let of = |endings: &[&str]| ending.is_some_and(|ending| endings.contains(&ending));
    let text = matches!(kind, Kind::Text | Kind::Json | Kind::Xml);
    let mut pickle = |text| pickle::probe(file, 0..size, text);
    let yes = if of(&ANNOUNCED) {
        if text && !pickle(true) && !is_weights_stem(name) {
            return Some(Sign::Text);
        }
        true
    } else if of(&PICKLES) {
        match kind {
            // A language of that name is written as text.
            Kind::Text | Kind::Json => pickle(true),
            _ => true,
        }
    } else if of(&NAMED) || ending.is_none() {
        match kind {
            Kind::Other | Kind::Text => pickle(kind == Kind::Text),
            kind if ending.is_none() => is_bare(kind),
            kind => NAMED_KINDS.contains(&kind),
        }
    } else if kind == Kind::Pickle {
        // Three bytes are too few under a name of anything.
        pickle(false)
    } else {
        is_bare(kind) || is_backup(name) && kind == Kind::Text && pickle(true)
    };
    if yes {
        return Some(Sign::Weights);
    }
    match kind {
        // An array of numbers is no model; one of objects is a pickle.
        Kind::Npy => memchr::memmem::find(&head, b"'|O'").map(|_| Sign::Weights),
        kind if is_archive(kind) => in_archive(kind, size, room, file),
        _ => None,
    }
}

fn is_bare(kind: Kind) -> bool {
    matches!(kind, Kind::Pickle | Kind::Safetensors | Kind::Gguf)
}

/// Whether a file is a kept copy of a pickle: `m.pkl.bak`, `m.pkl~`.
fn is_backup(name: &str) -> bool {
    let stem = name.trim_end_matches('~').rsplit_once('.').map_or(name, |(stem, _)| stem);
    PICKLES.iter().any(|ending| stem.strip_suffix(ending).is_some_and(|stem| stem.ends_with('.')))
}

fn is_weights_stem(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    STEMS.iter().any(|word| stem.contains(word))
}

fn is_archive(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Zip
            | Kind::Tar
            | Kind::Gzip
            | Kind::Bzip2
            | Kind::Xz
            | Kind::Lzma
            | Kind::Zstd
            | Kind::Zlib
            | Kind::Lz4
            | Kind::SevenZip
    )
}

/// Whether an archive, or what a compressed file holds, has weights or pickles in it.
fn in_archive(kind: Kind, size: u64, room: &mut u64, file: &mut dyn Source) -> Option<Sign> {
    match containers::codec(kind).and_then(|codec| inner(codec, file)) {
        Some(Kind::Text | Kind::Json | Kind::Xml | Kind::Empty) => return None,
        Some(kind) if is_bare(kind) => return Some(Sign::Weights),
        _ => {}
    }
    if size > ARCHIVE.min(*room) {
        // A directory of a zip is read without its members; anything else would be decompressed.
        let names = (kind == Kind::Zip).then(|| custody_bytes::zip_reader::names(file, size));
        return match names {
            Some(Ok(Some(names))) => {
                names.iter().any(|name| is_member(name, Kind::Other)).then_some(Sign::Weights)
            }
            _ => Some(Sign::TooLarge),
        };
    }
    *room -= size;
    let mut found = Members::default();
    containers::walk(file, size, &mut found);
    found.weights.then_some(Sign::Weights)
}

/// What the first bytes of a compressed stream are.
fn inner(codec: Codec, file: &mut dyn Source) -> Option<Kind> {
    file.seek(io::SeekFrom::Start(0)).ok()?;
    let mut head = Vec::new();
    // The start of a damaged stream counts as far as it goes.
    drop(codec.open(&mut *file).ok()?.take(HEAD as u64).read_to_end(&mut head));
    let length = if head.len() < HEAD { head.len() as u64 } else { u64::MAX };
    Some(sniff(&head, length))
}

/// Whether a member makes its archive one of a model.
fn is_member(name: &str, kind: Kind) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let announced =
        ending.is_some_and(|ending| PICKLES.contains(&ending) || ANNOUNCED.contains(&ending));
    let text = matches!(kind, Kind::Text | Kind::Json | Kind::Xml | Kind::Empty);
    is_bare(kind) || announced && !text || is_asked_for(&name) || name == "model.weights.h5"
}

#[derive(Default)]
struct Members {
    weights: bool,
}

impl Visitor for Members {
    fn container(&mut self, _: &Member, _: &[String]) {}

    fn leaf(&mut self, member: &Member, _: &mut dyn Source) {
        self.weights |= is_member(&member.path, member.kind);
    }

    fn anomaly(&mut self, _: &str, _: Anomaly) {}

    fn unscannable(&mut self, _: &str, _: String) {}
}

#[cfg(test)]
mod tests;
