//! What is known about the files of a model, as rules see it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use model_scan::chat_template::ChatTemplate;
use model_scan::gguf::Gguf;
use model_scan::hdf5::Hdf5;
use model_scan::keras::Keras;
use model_scan::model_config::ModelConfig;
use model_scan::onnx::Onnx;
use model_scan::pmml::Pmml;
use model_scan::python_source::PythonSource;
use model_scan::safetensors::Safetensors;
use model_scan::skops::Skops;
use model_scan::tensorflow::Tensorflow;
use model_scan::tokenizer::Tokenizer;
use model_scan::torchscript::TorchScript;

/// The files of a model folder, or one model file.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct ModelFacts {
    /// Number of regular files found.
    pub file_count: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Number of files of each format, such as `pickle` or `safetensors`, by their first bytes.
    pub formats: BTreeMap<String, u64>,
    /// Files in order of their path; at most 2,000, and those with imports, calls or anomalies first
    /// where some have to be left out.
    pub files: Vec<ModelFile>,
    /// Number of files beyond those kept.
    pub files_left_out: u64,
    /// Files and members that could not be looked at; at most 2,000.
    pub unscannable: Vec<Unscannable>,
    /// Number of such files and members beyond those kept.
    pub unscannable_left_out: u64,
    /// Number of files that are, or contain, a pickle.
    pub pickle_files: u64,
    /// Number of different names, per file, that pickles import and that the lists deny.
    pub denied_imports: u64,
    /// Number of different names, per file, that pickles import and that are on no list.
    pub unknown_imports: u64,
    /// Headers of safetensors files; at most 500 of this and each of the following.
    pub safetensors: Vec<Part<Safetensors>>,
    /// Heads of GGUF and GGML files.
    pub gguf: Vec<Part<Gguf>>,
    /// ONNX models.
    pub onnx: Vec<Part<Onnx>>,
    /// TensorFlow graphs and saved models.
    pub tensorflow: Vec<Part<Tensorflow>>,
    /// HDF5 files.
    pub hdf5: Vec<Part<Hdf5>>,
    /// Keras configurations, from whatever they stand in.
    pub keras: Vec<Part<Keras>>,
    /// Configurations in JSON or YAML that say something a loader acts on.
    pub configs: Vec<Part<ModelConfig>>,
    /// Chat templates, from whatever they stand in.
    pub templates: Vec<Part<ChatTemplate>>,
    /// Python sources.
    pub python: Vec<Part<PythonSource>>,
    /// Sources in the `code/` of TorchScript archives.
    pub torchscript: Vec<Part<TorchScript>>,
    /// XML documents, PMML for instance.
    pub pmml: Vec<Part<Pmml>>,
    /// Schemas of skops archives.
    pub skops: Vec<Part<Skops>>,
    /// Tokenizers in JSON.
    pub tokenizers: Vec<Part<Tokenizer>>,
    /// Model cards: every `README.md` that begins with front matter; at most 500.
    pub cards: Vec<ModelCard>,
    /// GGUF files that name base models, none of which the nearest card names; at most 500.
    pub origin_mismatches: Vec<OriginMismatch>,
    /// Number of parts of whatever format beyond those kept.
    pub parts_left_out: u64,
    /// What `_target_` in configurations names, for a loader to import and call; at most 500.
    pub targets: Vec<ConfigTarget>,
}

/// A name that a configuration asks a loader to import and call (`_target_`, as hydra reads it).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct ConfigTarget {
    /// File, as its `path` says.
    pub path: String,
    /// Member inside the file; empty for the file itself.
    pub member: String,
    /// The dotted name, as written.
    pub target: String,
    /// What the lists for pickles say of it.
    pub verdict: ImportVerdict,
    /// Why, one clause.
    pub reason: String,
}

/// What the front matter of a model card says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct ModelCard {
    /// The card, as the `path` of files.
    pub path: String,
    /// `base_model`: ids of what the model was made from.
    pub base_models: Vec<String>,
    /// `license`.
    pub licenses: Vec<String>,
}

/// Weights and a card that name different models as what the weights were made from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct OriginMismatch {
    /// The GGUF file, as its `path` says.
    pub path: String,
    /// What the file names: ids, or names where it has no ids.
    pub bases: Vec<String>,
    /// The card, in the file's folder or the nearest one above.
    pub card: String,
    /// What the card names.
    pub card_bases: Vec<String>,
}

/// What a parser says of a file or of a part of one.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct Part<T> {
    /// File, relative to the audited folder, with `/`.
    pub path: String,
    /// Member inside the file, parts joined by `!/`; a key where it stands in a configuration; empty for
    /// the file itself.
    pub member: String,
    /// What the parser says.
    pub facts: T,
}

/// One file.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct ModelFile {
    /// Path relative to the audited folder, with `/`; the file name where a file is audited for itself. The
    /// folder is the project's where the model lies in one.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Format by the first bytes, such as `zip`.
    pub format: String,
    /// What its member names make it: `torch`, `torchscript`, `keras`, `npz`; or its first pickle:
    /// `torch-legacy`; absent else.
    pub flavour: Option<String>,
    /// SHA-256, lower-case hexadecimal; of files of at most 1 MiB, and of larger ones where it was asked for.
    pub sha256: Option<String>,
    /// Whether the path is a link to a file.
    pub link: bool,
    /// Number of members that were looked at, all levels together.
    pub members: u64,
    /// Number of pickles in it, all levels together.
    pub pickles: u64,
    /// Names that its pickles import, in order; at most 200, denied ones kept first.
    pub imports: Vec<ModelImport>,
    /// Number of imports beyond those kept.
    pub imports_left_out: u64,
    /// Calls that are not of an allowed name, and changes of what is imported; at most 200, the gravest
    /// first where some have to be left out.
    pub calls: Vec<ModelCall>,
    /// Number of such calls beyond those kept.
    pub calls_left_out: u64,
    /// What a well-formed file does not show, of whatever format; at most 500.
    pub anomalies: Vec<ModelAnomaly>,
    /// Number of anomalies beyond those kept.
    pub anomalies_left_out: u64,
}

/// What the lists of `rules/tables/pickle-globals.toml` say of a name.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum ImportVerdict {
    /// It can do more than build data.
    Denied,
    /// It is on no list.
    Unknown,
    /// It is known to build data only.
    Allowed,
}

/// A name that a pickle imports.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct ModelImport {
    /// File, as its `path` says.
    pub path: String,
    /// Module, as written.
    pub module: String,
    /// Name in it, as written.
    pub name: String,
    /// What the lists say.
    pub verdict: ImportVerdict,
    /// Why, one clause.
    pub reason: String,
    /// What a denied name is good for: `execution`, `import`, `introspection`, `loading`, `file`,
    /// `network`, `process`, `native`, `environment`, `tamper`, `iterator`, `internals`, `dotted-name`.
    pub family: Option<String>,
    /// Advisory or CVE, where one names it.
    pub reference: Option<String>,
    /// Where that can be read.
    pub url: Option<String>,
    /// Offset of the opcode, in bytes from the start of the file or member.
    pub offset: u64,
    /// Opcode, such as `STACK_GLOBAL`.
    pub opcode: String,
    /// Member, and the encodings of strings that are pickles; empty for the file itself.
    pub member: String,
}

/// Something that a pickle calls or changes.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// File, as its `path` says.
    pub path: String,
    /// `call`, `call-on-result`, `build-on-result`, `build-rebind` or `iterator-drained`.
    pub kind: String,
    /// Who is called or changed, as an expression.
    pub callee: String,
    /// What the lists say of the name at the root of it; unknown where there is none.
    pub verdict: ImportVerdict,
    /// Arguments or state, short.
    pub arguments: String,
    /// Offset of the opcode, in bytes from the start of the file or member.
    pub offset: u64,
    /// Opcode, such as `REDUCE`.
    pub opcode: String,
    /// Member, and the encodings of strings that are pickles; empty for the file itself.
    pub member: String,
}

/// Something odd.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct ModelAnomaly {
    /// File, as its `path` says.
    pub path: String,
    /// Which parser says it: `pickle`, `container`, `safetensors`, `gguf`, ...
    pub source: String,
    /// A stable kebab-case word; the module docs of the parser list them.
    pub kind: String,
    /// Where, in bytes from the start of the file or member.
    pub offset: Option<u64>,
    /// Numbers and names.
    pub detail: String,
    /// Member; empty for the file itself.
    pub member: String,
}

/// A file or member that could not be looked at.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct Unscannable {
    /// File, relative to the audited folder.
    pub path: String,
    /// Member; empty for the file itself.
    pub member: String,
    /// Why.
    pub reason: String,
}
