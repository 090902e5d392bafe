//! The code of a TorchScript archive (`code/*.py`): operators outside of torch, operators that touch
//! files, and paths of a host. The pickles beside it are read by the pickle parser.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `file-operator`, `custom-operator`,
//! `python-operator`, `host-path`, `too-long`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;

/// Longest source that is looked at, in bytes.
pub const SIZE_LIMIT: usize = 16 * 1024 * 1024;
/// Most entries of one list of facts.
const LIST_LIMIT: usize = 200;

/// Namespaces of operators that torch and its own libraries bring.
const NAMESPACES: [&str; 17] = [
    "aten",
    "prim",
    "prims",
    "quantized",
    "quantized_decomposed",
    "_quantized",
    "torchvision",
    "torchaudio",
    "torchtext",
    "sparse",
    "mkldnn",
    "mkldnn_prepacked",
    "onednn",
    "xnnpack",
    "prepacked",
    "static_runtime",
    "profiler",
];
/// Operators that read or write files, or load code.
const FILE_OPERATORS: [&str; 6] =
    ["from_file", "save", "load", "load_library", "_save_for_mobile", "read_file"];

/// What the code of a TorchScript archive names.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct TorchScript {
    /// Length in bytes.
    pub size: u64,
    /// Operators of namespaces that torch does not bring, as `namespace.name`, sorted; at most 200.
    pub custom_operators: Vec<String>,
    /// Operators that touch files, as written, sorted.
    pub file_operators: Vec<String>,
    /// String constants that are absolute paths, sorted; at most 200.
    pub host_paths: Vec<String>,
    /// What ordinary code does not show.
    pub anomalies: Anomalies,
}

/// Reads one source of the archive.
pub fn read(bytes: &[u8]) -> TorchScript {
    let mut facts = TorchScript { size: bytes.len() as u64, ..TorchScript::default() };
    if bytes.len() > SIZE_LIMIT {
        let detail = format!("{} bytes, {SIZE_LIMIT} are looked at", bytes.len());
        facts.anomalies.note("too-long", SIZE_LIMIT as u64, detail);
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SIZE_LIMIT)]);
    let (mut custom, mut files, mut paths) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut at = 0;
    for line in text.split('\n') {
        let code = line.split('#').next().unwrap_or(line);
        operators(code, at, &mut custom, &mut files, &mut facts.anomalies);
        constants(code, at, &mut paths, &mut facts.anomalies);
        at += line.len() as u64 + 1;
    }
    let bounded = |names: BTreeSet<String>| names.into_iter().take(LIST_LIMIT).collect();
    facts.custom_operators = bounded(custom);
    facts.file_operators = bounded(files);
    facts.host_paths = bounded(paths);
    facts
}

fn operators(
    code: &str,
    at: u64,
    custom: &mut BTreeSet<String>,
    files: &mut BTreeSet<String>,
    anomalies: &mut Anomalies,
) {
    let dotted = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    for name in dotted.filter(|name| name.contains('.')) {
        let parts: Vec<_> = name.splitn(5, '.').collect();
        let (namespace, operator) = match parts.as_slice() {
            ["torch", "ops", namespace, operator, ..] | ["ops", namespace, operator, ..] => {
                (*namespace, *operator)
            }
            ["torch", operator] => ("aten", *operator),
            _ => continue,
        };
        let name = excerpt(&format!("{namespace}.{operator}"), 100);
        if operator.starts_with("PythonOp") {
            anomalies.note("python-operator", at, name.as_str());
        }
        if !NAMESPACES.contains(&namespace) {
            if custom.len() < LIST_LIMIT && custom.insert(name.clone()) {
                anomalies.note("custom-operator", at, name);
            }
        } else if FILE_OPERATORS.contains(&operator)
            && files.len() < LIST_LIMIT
            && files.insert(name.clone())
        {
            anomalies.note("file-operator", at, name);
        }
    }
}

/// String constants of a line that are absolute paths of at least two parts.
fn constants(code: &str, at: u64, paths: &mut BTreeSet<String>, anomalies: &mut Anomalies) {
    for (number, text) in code.split(['"', '\'']).enumerate() {
        if number % 2 == 0 {
            continue;
        }
        let unix = text.starts_with('/') && text[1..].contains('/');
        let home = text.starts_with("~/");
        let windows = text.as_bytes().get(1) == Some(&b':') && text.contains('\\');
        let share = text.starts_with("\\\\\\\\");
        if (unix || home || windows || share) && paths.len() < LIST_LIMIT {
            let path = excerpt(text, 200);
            if paths.insert(path.clone()) {
                anomalies.note("host-path", at, path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_code_is_quiet() {
        let facts = read(b"class Net(Module):\n  __parameters__ = [\"weight\", ]\n  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    _0 = torch.add(ops.prim.min(1, 2), x) # /home/x/y.py\n    return torch._convolution(ops.torchvision.nms(x), \"a/b\")\n");
        assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    }

    #[test]
    fn files_strangers_and_host_paths_are_named() {
        for (code, kind) in [
            ("x = torch.from_file(\"x\")", "file-operator"),
            ("x = ops.aten.save(y)", "file-operator"),
            ("x = torch.ops.evil.run(y)", "custom-operator"),
            ("x = ops.evil.run(y)", "custom-operator"),
            ("x = ops.prim.PythonOp(y)", "python-operator"),
            ("x = \"/etc/passwd\"", "host-path"),
            ("x = '~/.ssh/id_rsa'", "host-path"),
        ] {
            assert!(read(code.as_bytes()).anomalies.has(kind), "{code}");
        }
        for end in 0..30 {
            read(&b"x = torch.ops.evil.run(\"/a/b\")"[..end]);
        }
    }
}
