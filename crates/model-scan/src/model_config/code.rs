//! Keys by which a configuration names code.

use super::{CHARS, CodeReference, LIST_LIMIT, ModelConfig, path};
use custody_bytes::excerpt::excerpt;
use custody_bytes::json::Json;

/// Libraries whose classes `model_index.json` may name without bringing code of its own.
const COMPONENT_LIBRARIES: [&str; 7] =
    ["diffusers", "transformers", "tokenizers", "peft", "optimum", "flax", "stable_diffusion"];

/// `{"AutoModel": "modeling_x.Model"}`; the value can be a list, and can begin with `owner/repo--`.
pub(super) fn auto_map(value: &Json<'_>, keys: &[&str], facts: &mut ModelConfig) {
    for (class, reference) in value.members() {
        let key = format!("{}.{class}", path(keys));
        if let Some(text) = reference.text() {
            keep(facts, &key, text);
        } else {
            for text in reference.elements().iter().filter_map(Json::text) {
                keep(facts, &key, text);
            }
        }
    }
    // Old configurations of tokenizers hold the list itself.
    for text in value.elements().iter().filter_map(Json::text) {
        keep(facts, &path(keys), text);
    }
}

/// `{"task": {"impl": "pipeline_x.Pipeline", ...}}`.
pub(super) fn custom_pipelines(value: &Json<'_>, keys: &[&str], facts: &mut ModelConfig) {
    for (task, pipeline) in value.members() {
        if let Some(text) = pipeline.get("impl").and_then(Json::text) {
            keep(facts, &format!("{}.{task}.impl", path(keys)), text);
        }
    }
}

/// peft: `{"base_model_class": "X", "parent_library": "transformers_modules.org.repo.file"}`.
pub(super) fn auto_mapping(value: &Json<'_>, keys: &[&str], facts: &mut ModelConfig) {
    if let Some(library) = value.get("parent_library").and_then(Json::text) {
        let class = value.get("base_model_class").and_then(Json::text).unwrap_or("");
        keep(facts, &path(keys), &format!("{library}.{class}"));
    }
}

/// Components of `model_index.json` (`"unet": ["library", "Class"]`) and types of `modules.json`
/// (`[{"type": "sentence_transformers.models.Pooling"}]`) from libraries that bring code of their own.
pub(super) fn components(tree: &Json<'_>, facts: &mut ModelConfig) {
    if tree.get("_class_name").is_some() && tree.get("_diffusers_version").is_some() {
        for (key, value) in tree.members() {
            let [Json::Text(library), Json::Text(class)] = value.elements() else { continue };
            let root = library.split('.').next().unwrap_or(library);
            if key != "_class_name" && !COMPONENT_LIBRARIES.contains(&root) {
                keep(facts, key, &format!("{library}.{class}"));
            }
        }
        // A pipeline of the repository's own: `["pipeline_x", "XPipeline"]` as `_class_name`.
        if let Some([Json::Text(module), Json::Text(class)]) =
            tree.get("_class_name").map(Json::elements)
        {
            keep(facts, "_class_name", &format!("{module}.{class}"));
        }
    }
    for module in tree.elements() {
        if let (Some(kind), Some(_)) = (module.get("type").and_then(Json::text), module.get("path"))
            && !kind.starts_with("sentence_transformers.")
        {
            keep(facts, "modules.type", kind);
        }
    }
}

/// Takes a reference apart and keeps it.
fn keep(facts: &mut ModelConfig, key: &str, value: &str) {
    if facts.code.len() >= LIST_LIMIT {
        facts.code_left_out += 1;
        return;
    }
    let (repository, rest) = match value.split_once("--") {
        Some((repository, rest)) => (Some(excerpt(repository, CHARS)), rest),
        None => (None, value),
    };
    let (module, name) = match rest.rsplit_once('.') {
        Some((module, name)) if !name.is_empty() => (module, Some(excerpt(name, CHARS))),
        _ => (rest, None),
    };
    facts.code.push(CodeReference {
        key: excerpt(key, CHARS),
        value: excerpt(value, CHARS),
        repository,
        module: excerpt(module, CHARS),
        name,
    });
}
