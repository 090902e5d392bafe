//! The `schema.json` of a skops file: which types its loader would import and which functions it would
//! call.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `not-json`, `foreign-type` (outside of the
//! libraries that skops trusts), `function-node` (a function or method is looked up: CVE-2025-54412,
//! CVE-2025-54413), `unknown-loader`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::json::{self, Json};

/// Most values in one schema.
const VALUES_LIMIT: usize = 2_000_000;
/// Most entries of one list of facts.
const LIST_LIMIT: usize = 200;

/// Node types of skops 0.16 that only hold data.
const DATA_LOADERS: [&str; 22] = [
    "ObjectNode",
    "DictNode",
    "DefaultDictNode",
    "OrderedDictNode",
    "ListNode",
    "SetNode",
    "TupleNode",
    "SliceNode",
    "JsonNode",
    "BytesNode",
    "BytearrayNode",
    "TypeNode",
    "NdArrayNode",
    "MaskedArrayNode",
    "DatetimeTimedeltaNode",
    "RandomStateNode",
    "RandomGeneratorNode",
    "SparseMatrixNode",
    "TreeNode",
    "LossNode",
    "QuantileForestNode",
    "DTypeNode",
];
/// Node types that look up something to call.
const FUNCTION_LOADERS: [&str; 6] =
    ["FunctionNode", "PartialNode", "MethodNode", "OperatorFuncNode", "ReduceNode", "CachedNode"];
/// Libraries whose types are ordinary in a skops file.
const LIBRARIES: [&str; 12] = [
    "builtins",
    "numpy",
    "scipy",
    "sklearn",
    "skops",
    "collections",
    "datetime",
    "lightgbm",
    "xgboost",
    "catboost",
    "quantile_forest",
    "pandas",
];

/// What a skops schema names.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Skops {
    /// Whether the schema was read to its end.
    pub complete: bool,
    /// Types as `module.class`, each once, sorted; at most 200.
    pub types: Vec<String>,
    /// Types of libraries that are not ordinary in a skops file; at most 200.
    pub foreign_types: Vec<String>,
    /// Number of nodes for each loader; unknown ones are counted under `unknown`.
    pub loaders: BTreeMap<String, u64>,
    /// What an ordinary schema does not show.
    pub anomalies: Anomalies,
}

/// Reads a `schema.json`.
pub fn read(bytes: &[u8]) -> Skops {
    let mut facts = Skops::default();
    match json::parse(bytes, VALUES_LIMIT) {
        Ok(tree) => {
            let mut types = BTreeSet::new();
            visit(&tree, &mut types, &mut facts);
            facts.types = types.into_iter().take(LIST_LIMIT).collect();
            facts.complete = true;
        }
        Err(error) => {
            facts.anomalies.note("not-json", error.offset() as u64, error.to_string());
        }
    }
    facts
}

/// Walks the tree; its depth is bounded by the parser.
fn visit(tree: &Json<'_>, types: &mut BTreeSet<String>, facts: &mut Skops) {
    let text = |key| tree.get(key).and_then(Json::text);
    if let Some(loader) = text("__loader__") {
        let module = text("__module__").unwrap_or("");
        let name = excerpt(&format!("{module}.{}", text("__class__").unwrap_or("")), 200);
        node(loader, module, &name, facts);
        if types.len() < 10_000 {
            types.insert(name);
        }
    }
    for (_, value) in tree.members() {
        visit(value, types, facts);
    }
    for element in tree.elements() {
        visit(element, types, facts);
    }
}

fn node(loader: &str, module: &str, name: &str, facts: &mut Skops) {
    let function = FUNCTION_LOADERS.contains(&loader);
    let known = function || DATA_LOADERS.contains(&loader);
    let label = if known { loader } else { "unknown" };
    *facts.loaders.entry(label.to_owned()).or_insert(0) += 1;
    if !known {
        facts.anomalies.note("unknown-loader", None, format!("{loader} for {name}"));
    }
    let root = module.split('.').next().unwrap_or(module);
    let foreign = !LIBRARIES.contains(&root);
    // NumPy's and SciPy's own functions are ordinary: universal functions in transformers.
    if function && (foreign || matches!(loader, "OperatorFuncNode" | "MethodNode" | "ReduceNode")) {
        facts.anomalies.note("function-node", None, format!("{loader} for {name}"));
    }
    if foreign {
        facts.anomalies.note("foreign-type", None, name);
        if facts.foreign_types.len() < LIST_LIMIT && !facts.foreign_types.iter().any(|t| t == name)
        {
            facts.foreign_types.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(class: &str, module: &str, loader: &str) -> Vec<String> {
        let text = format!(
            r#"{{"content": [{{"__class__": "{class}", "__module__": "{module}", "__loader__": "{loader}"}}]}}"#
        );
        read(text.as_bytes())
            .anomalies
            .seen
            .iter()
            .map(|anomaly| anomaly.kind.to_string())
            .collect()
    }

    #[test]
    fn data_of_known_libraries_is_quiet_and_the_rest_is_named() {
        assert!(kinds("Pipeline", "sklearn.pipeline", "ObjectNode").is_empty());
        assert!(kinds("partial", "numpy", "PartialNode").is_empty());
        assert_eq!(kinds("system", "os", "FunctionNode"), ["function-node", "foreign-type"]);
        assert_eq!(kinds("methodcaller", "builtins", "OperatorFuncNode"), ["function-node"]);
        assert_eq!(kinds("X", "evil", "ObjectNode"), ["foreign-type"]);
        assert_eq!(kinds("X", "sklearn", "EvilNode"), ["unknown-loader"]);
        assert!(read(b"{").anomalies.has("not-json"));
    }
}
