//! Configuration beside weights, JSON or YAML: which code a loader would import, which other repository it
//! would ask, which files it would open. Read as one tree whatever the file is called, because loaders
//! take these keys from many files.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `too-long`, `not-utf8`, `not-json`, `not-yaml`,
//! `too-deep`, `too-many-values`, `duplicate-key`, `path-leaves-folder`, `yaml-python-tag`, `yaml-alias`,
//! `several-documents`.

mod code;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::json::{self, Json, JsonError};

/// Longest JSON that is looked at, in bytes; the index of the largest models takes some megabytes.
pub const JSON_LIMIT: usize = 32 * 1024 * 1024;
/// Longest YAML that is looked at, in bytes.
pub const YAML_LIMIT: usize = 4 * 1024 * 1024;
/// Most values in one file.
const VALUES_LIMIT: usize = 1_000_000;
/// Most entries of one list of facts.
const LIST_LIMIT: usize = 200;
/// Longest string kept, in characters.
const CHARS: usize = 300;

/// What a configuration would make a loader do.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct ModelConfig {
    /// Whether the file was read to its end.
    pub complete: bool,
    /// `model_type`, such as `llama`.
    pub model_type: Option<String>,
    /// `architectures`, such as `LlamaForCausalLM`.
    pub architectures: Vec<String>,
    /// `_name_or_path`: where the model was when it was saved.
    pub name_or_path: Option<String>,
    /// Code that the file asks to import: `auto_map`, `custom_pipelines`, components of `model_index.json`,
    /// types of `modules.json`, peft's `auto_mapping`.
    pub code: Vec<CodeReference>,
    /// Number of such references beyond those kept.
    pub code_left_out: u64,
    /// Whether a key `trust_remote_code` is true anywhere.
    pub trust_remote_code: bool,
    /// Values of `_target_`: what hydra and its users would import and call.
    pub targets: Vec<String>,
    /// `base_model_name_or_path` of an adapter.
    pub base_model: Option<String>,
    /// `revision` of an adapter's base model.
    pub base_model_revision: Option<String>,
    /// `peft_type` of an adapter, such as `LORA`.
    pub peft_type: Option<String>,
    /// `quantization_config.quant_method`, such as `gptq`.
    pub quantization: Option<String>,
    /// Files that an index names, without repetition, sorted; at most 200.
    pub weight_files: Vec<String>,
    /// Number of files that an index names, without repetition.
    pub weight_file_count: u64,
    /// How many of them are pickles by their names (`.bin`, `.pt`, `.pth`, `.ckpt`, `.pkl`).
    pub pickled_weight_files: u64,
    /// Where chat templates were found in the file, as keys joined by dots.
    pub template_keys: Vec<String>,
    /// The chat templates themselves, for the template parser; not part of the saved facts.
    #[serde(skip)]
    pub templates: Vec<ConfigTemplate>,
    /// What an ordinary configuration does not show.
    pub anomalies: Anomalies,
}

/// Code that a configuration names.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct CodeReference {
    /// The key that names it, such as `auto_map.AutoModel`.
    pub key: String,
    /// As written, such as `org/other--modeling_x.Model`.
    pub value: String,
    /// The other repository whose code is asked for; absent when it is this one.
    pub repository: Option<String>,
    /// Module or library, such as `modeling_x`.
    pub module: String,
    /// Class or function in it, where one is named.
    pub name: Option<String>,
}

/// A chat template found in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigTemplate {
    /// Keys that lead to it, joined by dots.
    pub key: String,
    /// The Jinja text.
    pub text: String,
}

/// Reads JSON or YAML, told apart by the first character.
pub fn read(bytes: &[u8]) -> ModelConfig {
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xef | 0xbb | 0xbf));
    if matches!(first, Some(b'{' | b'[')) { read_json(bytes) } else { read_yaml(bytes) }
}

/// Reads JSON as Python's `json` would.
pub fn read_json(bytes: &[u8]) -> ModelConfig {
    let mut facts = ModelConfig::default();
    if bytes.len() > JSON_LIMIT {
        let detail = format!("{} bytes, {JSON_LIMIT} are looked at", bytes.len());
        facts.anomalies.note("too-long", None, detail);
        return facts;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match json::parse(bytes, VALUES_LIMIT) {
        Ok(tree) => {
            facts.complete = true;
            collect(&tree, &mut facts);
        }
        Err(error) => {
            let kind = match error {
                JsonError::NotUtf8 { .. } => "not-utf8",
                JsonError::TooDeep { .. } => "too-deep",
                JsonError::TooMany { .. } => "too-many-values",
                JsonError::Syntax { .. } => "not-json",
            };
            facts.anomalies.note(kind, error.offset() as u64, error.to_string());
        }
    }
    facts
}

/// Reads YAML as events: no alias is followed, no tag is obeyed.
pub fn read_yaml(bytes: &[u8]) -> ModelConfig {
    let mut facts = ModelConfig::default();
    if bytes.len() > YAML_LIMIT {
        let detail = format!("{} bytes, {YAML_LIMIT} are looked at", bytes.len());
        facts.anomalies.note("too-long", None, detail);
        return facts;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let (trees, complete) = yaml::trees(text, VALUES_LIMIT, &mut facts.anomalies);
            facts.complete = complete;
            for tree in &trees {
                collect(tree, &mut facts);
            }
        }
        Err(error) => {
            facts.anomalies.note("not-utf8", error.valid_up_to() as u64, "not UTF-8");
        }
    }
    facts
}

/// Collects facts from a whole tree.
fn collect(tree: &Json<'_>, facts: &mut ModelConfig) {
    let mut shards = BTreeSet::new();
    visit(tree, &mut Vec::new(), facts, &mut shards);
    code::components(tree, facts);
    facts.weight_file_count = shards.len() as u64;
    let pickled = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"];
    facts.pickled_weight_files = shards
        .iter()
        .filter(|file| pickled.iter().any(|end| file.to_ascii_lowercase().ends_with(end)))
        .count() as u64;
    facts.weight_files = shards.iter().take(LIST_LIMIT).map(|file| excerpt(file, CHARS)).collect();
}

/// Walks the tree; its depth is bounded by the parser.
fn visit<'t>(
    tree: &'t Json<'_>,
    keys: &mut Vec<&'t str>,
    facts: &mut ModelConfig,
    shards: &mut BTreeSet<String>,
) {
    duplicates(tree, keys, facts);
    for (key, value) in tree.members() {
        keys.push(key);
        member(key, value, keys, facts, shards);
        visit(value, keys, facts, shards);
        keys.pop();
    }
    for element in tree.elements() {
        visit(element, keys, facts, shards);
    }
}

fn duplicates(tree: &Json<'_>, keys: &[&str], facts: &mut ModelConfig) {
    let mut count = BTreeMap::new();
    for (key, _) in tree.members() {
        let times = count.entry(key.as_ref()).or_insert(0_u32);
        *times += 1;
        if *times == 2 {
            facts.anomalies.note("duplicate-key", None, format!("{key} in {}", path(keys)));
        }
    }
}

/// What one key says.
fn member(
    key: &str,
    value: &Json<'_>,
    keys: &[&str],
    facts: &mut ModelConfig,
    shards: &mut BTreeSet<String>,
) {
    let top = keys.len() == 1;
    let short = |value: &Json<'_>| value.text().map(|text| excerpt(text, CHARS));
    match key {
        "model_type" if top => facts.model_type = short(value),
        "architectures" if top => {
            let names = value.elements().iter().filter_map(short);
            facts.architectures = names.take(LIST_LIMIT).collect();
        }
        "_name_or_path" if top => facts.name_or_path = short(value),
        "auto_map" => code::auto_map(value, keys, facts),
        "custom_pipelines" => code::custom_pipelines(value, keys, facts),
        "auto_mapping" => code::auto_mapping(value, keys, facts),
        "trust_remote_code" => facts.trust_remote_code |= value.is_true(),
        "_target_" => {
            if let Some(target) = short(value)
                && facts.targets.len() < LIST_LIMIT
                && !facts.targets.contains(&target)
            {
                facts.targets.push(target);
            }
        }
        "base_model_name_or_path" => facts.base_model = short(value),
        "revision" if top => facts.base_model_revision = short(value),
        "peft_type" => facts.peft_type = short(value),
        "quant_method" => facts.quantization = short(value),
        "weight_map" => {
            for file in value.members().iter().filter_map(|(_, file)| file.text()) {
                weight_file(file, facts, shards);
            }
        }
        _ if key.contains("chat_template") => templates(value, keys, facts),
        _ => {}
    }
}

fn weight_file(file: &str, facts: &mut ModelConfig, shards: &mut BTreeSet<String>) {
    if !shards.contains(file) {
        if leaves(file) {
            facts.anomalies.note("path-leaves-folder", None, file);
        }
        shards.insert(file.to_owned());
    }
}

/// Whether a path of a file leads out of the folder it stands in, on any system.
pub fn leaves(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    path.starts_with(['/', '\\', '~'])
        || drive
        || path.contains("://")
        || climbs(path)
        || path.contains('\0')
}

/// Whether more steps lead up than down somewhere on the way: `a/../b` stays where it is.
fn climbs(path: &str) -> bool {
    let mut depth = 0_usize;
    path.split(['/', '\\']).any(|part| {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
        false
    })
}

/// A template, a list of `{name, template}`, or an object of templates.
fn templates(value: &Json<'_>, keys: &[&str], facts: &mut ModelConfig) {
    let mut keep = |key: String, text: &str| {
        if facts.templates.len() < LIST_LIMIT {
            facts.template_keys.push(excerpt(&key, CHARS));
            facts.templates.push(ConfigTemplate { key, text: text.to_owned() });
        }
    };
    match value {
        Json::Text(text) => keep(path(keys), text),
        Json::List(list) => {
            for (number, entry) in list.iter().enumerate() {
                let text = entry.text().or_else(|| entry.get("template").and_then(Json::text));
                let name = entry.get("name").and_then(Json::text).map(str::to_owned);
                if let Some(text) = text {
                    keep(format!("{}.{}", path(keys), name.unwrap_or(number.to_string())), text);
                }
            }
        }
        Json::Map(members) => {
            for (name, text) in members {
                if let Some(text) = text.text() {
                    keep(format!("{}.{name}", path(keys)), text);
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn path(keys: &[&str]) -> String {
    let whole = keys.iter().take(16).copied().collect::<Vec<_>>().join(".");
    if whole.is_empty() { "the top level".into() } else { excerpt(&whole, CHARS) }
}

#[cfg(test)]
mod tests;
