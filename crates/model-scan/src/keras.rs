//! The JSON by which Keras rebuilds a model: from a `.keras` zip, an HDF5 attribute or a saved model's
//! `keras_metadata.pb`. Says which code would be unmarshalled and which modules would be imported.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `not-json`, `lambda-layer`,
//! `lambda-with-dangerous-names`, `lambda-undecoded`, `foreign-module` (CVE-2025-1550: the class is imported
//! from outside of Keras), `custom-object` (a class that the user has to register), `get-file` (downloads and
//! unpacks), `torch-module-wrapper` (CVE-2025-49655: unpickles), `unsafe-flag` (CVE-2025-9906: switches the
//! safe mode off), `nested-load` (loads another model), `vocabulary-path` (CVE-2025-12058: reads a file or
//! an address).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::json::{self, Json};

use crate::code_names;

/// Most values in one configuration.
const VALUES_LIMIT: usize = 1_000_000;
/// Most entries of one list of facts.
const LIST_LIMIT: usize = 200;
/// Longest marshalled code that is searched, in bytes of base64.
const CODE_LIMIT: usize = 1024 * 1024;
/// Deepest JSON in a string in JSON.
const STRING_DEPTH: u32 = 3;

/// What a Keras configuration would make the loader do.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Keras {
    /// Whether the configuration was read to its end.
    pub complete: bool,
    /// Class of the model, such as `Sequential`.
    pub class_name: Option<String>,
    /// `keras_version`, where the configuration holds it.
    pub keras_version: Option<String>,
    /// Number of objects with a class name, layers and all else.
    pub objects: u64,
    /// Lambdas: code that is unmarshalled or a function named by the configuration; at most 200.
    pub lambdas: Vec<KerasLambda>,
    /// Objects whose module is outside of Keras, as `module.class`, each once; at most 200.
    pub foreign: Vec<String>,
    /// Classes that the user has to register, each once; at most 200.
    pub custom: Vec<String>,
    /// What an ordinary configuration does not show.
    pub anomalies: Anomalies,
}

/// A Lambda layer or function.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct KerasLambda {
    /// Name of the layer, where it has one.
    pub layer: Option<String>,
    /// Bytes of marshalled code; absent when the function is only named.
    pub code_size: Option<u64>,
    /// Names in the code that reach beyond arithmetic, such as `system`.
    pub dangerous_names: Vec<String>,
}

impl Keras {
    /// Adds what another configuration of the same model says.
    pub fn merge(&mut self, other: Keras) {
        self.complete &= other.complete;
        self.class_name = self.class_name.take().or(other.class_name);
        self.keras_version = self.keras_version.take().or(other.keras_version);
        self.objects = self.objects.saturating_add(other.objects);
        let room = LIST_LIMIT.saturating_sub(self.lambdas.len());
        self.lambdas.extend(other.lambdas.into_iter().take(room));
        for name in &other.foreign {
            keep(&mut self.foreign, name);
        }
        for name in &other.custom {
            keep(&mut self.custom, name);
        }
        self.anomalies.extend(other.anomalies);
    }
}

/// Reads `config.json`, a `model_config` attribute or a metadata node.
pub fn read(bytes: &[u8]) -> Keras {
    let mut facts = Keras::default();
    match json::parse(bytes, VALUES_LIMIT) {
        Ok(tree) => {
            facts.complete = true;
            let text = |key| tree.get(key).and_then(Json::text).map(|text| excerpt(text, 100));
            facts.class_name = text("class_name");
            facts.keras_version = text("keras_version");
            visit(&tree, None, STRING_DEPTH, &mut facts);
        }
        Err(error) => {
            facts.anomalies.note("not-json", error.offset() as u64, error.to_string());
        }
    }
    facts
}

/// Walks the tree; its depth is bounded by the parser.
fn visit(tree: &Json<'_>, layer: Option<&str>, depth: u32, facts: &mut Keras) {
    let named = tree.get("config").and_then(|config| config.get("name")).and_then(Json::text);
    let layer = named.or(layer);
    if let Some(class) = tree.get("class_name").and_then(Json::text) {
        facts.objects += 1;
        object(tree, class, layer, facts);
    }
    for (key, value) in tree.members() {
        flags(key, value, layer, facts);
        visit(value, layer, depth, facts);
    }
    for element in tree.elements() {
        visit(element, layer, depth, facts);
    }
    // TensorFlow's metadata holds JSON in strings.
    if depth > 0
        && let Some(text) = tree.text()
        && text.starts_with('{')
        && text.contains("class_name")
        && let Ok(inner) = json::parse(text.as_bytes(), VALUES_LIMIT)
    {
        visit(&inner, layer, depth - 1, facts);
    }
}

/// Keys whose value alone tells.
fn flags(key: &str, value: &Json<'_>, layer: Option<&str>, facts: &mut Keras) {
    let place = layer.unwrap_or("the model");
    match key {
        "safe_mode" if *value == Json::Bool(false) => {
            facts.anomalies.note("unsafe-flag", None, format!("safe_mode is false in {place}"));
        }
        "vocabulary" => {
            if let Some(path) = value.text() {
                facts.anomalies.note("vocabulary-path", None, format!("{path} in {place}"));
            }
        }
        _ => {}
    }
}

fn object(tree: &Json<'_>, class: &str, layer: Option<&str>, facts: &mut Keras) {
    let place = layer.unwrap_or("the model");
    let module = tree.get("module").and_then(Json::text);
    let config = tree.get("config");
    let named = config.and_then(Json::text).unwrap_or("");
    for name in [class, named] {
        let last = name.rsplit(['.', '>']).next().unwrap_or(name);
        let kind = match last {
            "get_file" => "get-file",
            "TorchModuleWrapper" => "torch-module-wrapper",
            "enable_unsafe_deserialization" | "set_safe_mode" => "unsafe-flag",
            "load_model" | "load_weights" | "deserialize_keras_object" | "model_from_json" => {
                "nested-load"
            }
            _ => continue,
        };
        facts.anomalies.note(kind, None, format!("{last} in {place}"));
    }
    match class {
        "Lambda" => lambda(config.and_then(|config| config.get("function")), layer, facts),
        "__lambda__" => {
            // Reached through a Lambda layer it is counted there.
            let code = config.and_then(|config| config.get("code")).and_then(Json::text);
            if facts.lambdas.last().is_none_or(|last| last.layer.as_deref() != layer) {
                marshalled(code, layer, facts);
            }
        }
        _ => {}
    }
    let registered = tree.get("registered_name").and_then(Json::text);
    match module {
        Some(module) if !is_keras(module, class) => {
            let whole = excerpt(&format!("{module}.{class} {named}"), 200);
            facts.anomalies.note("foreign-module", None, format!("{whole} in {place}"));
            keep(&mut facts.foreign, whole.trim_end());
        }
        None if registered.is_some_and(|name| name.contains('>')) || class.contains('>') => {
            let name = registered.unwrap_or(class);
            facts.anomalies.note("custom-object", None, format!("{name} in {place}"));
            keep(&mut facts.custom, &excerpt(name, 200));
        }
        _ => {}
    }
}

fn keep(list: &mut Vec<String>, name: &str) {
    if list.len() < LIST_LIMIT && !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}

/// Whether Keras itself brings the class.
fn is_keras(module: &str, class: &str) -> bool {
    let root = module.split('.').next().unwrap_or(module);
    match root {
        "keras" | "tf_keras" | "keras_nlp" | "keras_cv" | "keras_hub" | "keras_core" => true,
        "tensorflow" => module.starts_with("tensorflow.keras") || module.contains("python.keras"),
        // How Keras 3 writes functions and slices that it looks up by name.
        "builtins" => matches!(class, "function" | "slice" | "tuple" | "set" | "NoneType"),
        _ => false,
    }
}

/// The `function` of a Lambda layer: Keras 3 holds an object, Keras 2 a list or a name.
fn lambda(function: Option<&Json<'_>>, layer: Option<&str>, facts: &mut Keras) {
    let code = match function {
        Some(Json::List(parts)) => parts.first().and_then(Json::text),
        Some(map @ Json::Map(_)) => {
            map.get("config").and_then(|config| config.get("code")).and_then(Json::text)
        }
        Some(Json::Text(text)) if text.len() > 40 => Some(text.as_ref()),
        _ => None,
    };
    marshalled(code, layer, facts);
}

fn marshalled(code: Option<&str>, layer: Option<&str>, facts: &mut Keras) {
    let place = layer.unwrap_or("a layer without name");
    let mut found = KerasLambda {
        layer: layer.map(|l| excerpt(l, 100)),
        code_size: None,
        dangerous_names: Vec::new(),
    };
    facts.anomalies.note("lambda-layer", None, place);
    if let Some(code) = code {
        let clean: Vec<u8> =
            code.bytes().take(CODE_LIMIT).filter(|b| !b.is_ascii_whitespace()).collect();
        match STANDARD.decode(&clean) {
            Ok(bytes) if code.len() <= CODE_LIMIT => {
                found.code_size = Some(bytes.len() as u64);
                found.dangerous_names = dangerous_names(&bytes);
            }
            _ => facts.anomalies.note("lambda-undecoded", None, place),
        }
    }
    if !found.dangerous_names.is_empty() {
        let detail = format!("{} in {place}", found.dangerous_names.join(", "));
        facts.anomalies.note("lambda-with-dangerous-names", None, detail);
    }
    if facts.lambdas.len() < LIST_LIMIT {
        facts.lambdas.push(found);
    }
}

/// Words of marshalled code that are on the list. Marshal writes names as they are, so words suffice.
fn dangerous_names(code: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let words = code.split(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
    for word in words.filter_map(|word| std::str::from_utf8(word).ok()) {
        if code_names::reaches_by_word(word) && !names.iter().any(|known| known == word) {
            names.push(word.to_owned());
        }
    }
    // A two-letter word can stand in byte code by chance: only as a name of its own.
    let own: [&[u8]; 4] = [b"\xda\x02os", b"\xfa\x02os", b"z\x02os", b"Z\x02os"];
    if own.iter().any(|name| memchr::memmem::find(code, name).is_some()) {
        names.push("os".into());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<String> {
        read(text.as_bytes())
            .anomalies
            .seen
            .iter()
            .map(|anomaly| anomaly.kind.to_string())
            .collect()
    }

    fn lambda_with(code: &[u8]) -> String {
        format!(
            r#"{{"class_name": "Lambda", "module": "keras.layers", "config": {{"name": "l", "function":
            {{"class_name": "__lambda__", "config": {{"code": "{}"}}}}}}}}"#,
            STANDARD.encode(code)
        )
    }

    #[test]
    fn an_ordinary_model_is_quiet() {
        let text = r#"{"module": "keras", "class_name": "Sequential", "registered_name": null, "config": {"name": "s",
            "layers": [{"module": "keras.layers", "class_name": "Dense", "registered_name": null,
            "config": {"name": "d", "activation": "relu", "dtype": {"module": "keras", "class_name": "DTypePolicy",
            "config": {"name": "float32"}}}}]}, "keras_version": "3.0"}"#;
        let facts = read(text.as_bytes());
        assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
        assert_eq!((facts.objects, facts.class_name.as_deref()), (3, Some("Sequential")));
    }

    #[test]
    fn a_lambda_is_listed_with_the_names_in_its_code() {
        let facts = read(lambda_with(b"\xe3\x00\xda\x02os\xda\x06system\xfa\x04echo").as_bytes());
        assert_eq!(facts.lambdas.len(), 1);
        assert_eq!(facts.lambdas[0].dangerous_names, ["system", "os"]);
        assert_eq!(facts.lambdas[0].layer.as_deref(), Some("l"));
        let facts = read(lambda_with(b"\xe3\x00\xda\x01x\xfa\x08<lambda>os1").as_bytes());
        assert!(facts.lambdas[0].dangerous_names.is_empty());
        assert_eq!(kinds(&lambda_with(b"x")), ["lambda-layer"]);
    }

    #[test]
    fn a_lambda_of_keras_2_and_one_in_a_string_are_seen() {
        let code = STANDARD.encode(b"\xda\x04exec");
        let old = format!(
            r#"{{"class_name": "Lambda", "config": {{"name": "l", "function_type": "lambda", "function": ["{code}\n", null, null]}}}}"#
        );
        assert!(kinds(&old).contains(&"lambda-with-dangerous-names".to_owned()));
        let quoted = format!(r#"{{"metadata": {}}}"#, serde_json::to_string(&old).unwrap());
        assert!(
            kinds(&quoted).contains(&"lambda-with-dangerous-names".to_owned()),
            "{:?}",
            kinds(&quoted)
        );
        assert_eq!(
            kinds(r#"{"class_name": "Lambda", "config": {"function": ["%%%", null]}}"#),
            ["lambda-layer", "lambda-undecoded"]
        );
    }

    #[test]
    fn what_reaches_outside_of_keras_is_named() {
        for (text, kind) in [
            (
                r#"{"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}"#,
                "foreign-module",
            ),
            (r#"{"module": "builtins", "class_name": "exec", "config": {}}"#, "foreign-module"),
            (r#"{"module": "keras_evil", "class_name": "Dense"}"#, "foreign-module"),
            (r#"{"module": "keras.utils", "class_name": "get_file", "config": {}}"#, "get-file"),
            (
                r#"{"module": "builtins", "class_name": "function", "config": "keras.utils.get_file"}"#,
                "get-file",
            ),
            (
                r#"{"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}}"#,
                "torch-module-wrapper",
            ),
            (
                r#"{"module": "keras.config", "class_name": "enable_unsafe_deserialization"}"#,
                "unsafe-flag",
            ),
            (r#"{"class_name": "x", "config": {"safe_mode": false}}"#, "unsafe-flag"),
            (
                r#"{"module": null, "class_name": "My", "registered_name": "pkg>My"}"#,
                "custom-object",
            ),
            (
                r#"{"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}"#,
                "vocabulary-path",
            ),
            ("{", "not-json"),
        ] {
            assert_eq!(kinds(text), [kind], "{text}");
        }
        assert!(
            kinds(r#"{"module": "builtins", "class_name": "function", "config": "my_loss"}"#)
                .is_empty()
        );
    }

    #[test]
    fn what_keras_itself_writes_reads_as_expected() {
        // The configuration inside fixtures/models/benign/keras/*.h5 is read by the tests of hdf5.
        let text = lambda_with(b"\xe3 x times two");
        for end in 0..text.len() {
            read(&text.as_bytes()[..end]);
        }
    }
}
