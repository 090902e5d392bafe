//! Files that make a folder one of a model by where they stand and what they say, without any weights: the
//! code that a loader imports, and the configurations that name it. Much else is called like them, so that a
//! few bytes of each are read.

use std::io::Read as _;
use std::path::Path;

/// Bytes of a file that are looked at.
const PEEK: u64 = 64 * 1024;

/// Whether a file says that the folder it lies in is a model's.
pub(super) fn tells(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let words: &[&str] = match name {
        "config.json" => &["\"auto_map\"", "\"model_type\"", "\"architectures\""],
        // sentence-transformers imports what stands there under `type`.
        "modules.json" => &["\"type\""],
        "handler.py" => &["EndpointHandler"],
        "generate.py" if folder == Some("custom_generate") => &["def generate"],
        _ if is_code(name) => &["PreTrainedModel", "PretrainedConfig", "transformers", "torch"],
        _ => return false,
    };
    let mut text = Vec::new();
    crate::disk::open(path).is_ok_and(|file| file.take(PEEK).read_to_end(&mut text).is_ok())
        && words.iter().any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
}

/// Whether a name is one that transformers gives to the code of a model.
fn is_code(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".py") else { return false };
    ["modeling_", "configuration_", "tokenization_", "processing_", "image_processing_"]
        .iter()
        .any(|start| stem.len() > start.len() && stem.starts_with(start))
}
