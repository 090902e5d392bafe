//! ONNX: the graph is walked by lengths, tensors are jumped over.
//!
//! Field numbers from <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `truncated`, `malformed`, `no-graph`, `too-deep`,
//! `too-many-fields`, `path-leaves-folder` (external data outside of the model's folder, CVE-2024-27318 and
//! relatives), `external-range` (its offset or length is no number), `custom-domain` (operators that no
//! standard runtime and no function of the file brings), `python-operator`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Read, Seek};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model_config::leaves;
use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::protobuf::{FieldValue, Message, ProtobufError};
use custody_bytes::stream::{Stream, StreamError};

/// Most fields that are looked at.
const FIELDS_LIMIT: u64 = 2_000_000;
/// Most different operators and external files that are told apart.
const NAMES_LIMIT: usize = 20_000;
/// Deepest subgraph that is entered.
const DEPTH_LIMIT: u32 = 64;
/// Most entries of one list of facts.
const LIST_LIMIT: usize = 200;
/// Longest string that is read, in bytes.
const TEXT_LIMIT: u64 = 4096;
/// Longest string that is kept, in characters.
const CHARS: usize = 300;

/// Domains whose operators onnxruntime brings.
const KNOWN_DOMAINS: [&str; 10] = [
    "",
    "ai.onnx",
    "ai.onnx.ml",
    "ai.onnx.training",
    "ai.onnx.preview",
    "ai.onnx.preview.training",
    "com.microsoft",
    "com.microsoft.nchwc",
    "com.microsoft.experimental",
    "com.ms.internal.nhwc",
];

/// What an ONNX file says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Onnx {
    /// Length of the file in bytes.
    pub file_size: u64,
    /// Whether the file was walked to its end; when not, `anomalies` says why.
    pub complete: bool,
    /// `ir_version`.
    pub ir_version: Option<u64>,
    /// `producer_name`.
    pub producer: Option<String>,
    /// Operator sets by domain, with their version.
    pub operator_sets: BTreeMap<String, u64>,
    /// Number of nodes, in subgraphs and functions too.
    pub nodes: u64,
    /// Number of tensors, as initializers and in attributes.
    pub tensors: u64,
    /// Number of functions that the file defines.
    pub functions: u64,
    /// Number of graphs inside of nodes.
    pub subgraphs: u64,
    /// Operators of domains that neither the standard nor a function of the file defines, as
    /// `domain:operator`, sorted; at most 200.
    pub custom_operators: Vec<String>,
    /// Operators that run Python, as `domain:operator`, sorted.
    pub python_operators: Vec<String>,
    /// Files that hold tensors outside of this one, each once, sorted; at most 200.
    pub external_files: Vec<String>,
    /// The first 64 entries of `metadata_props`, each cut to 300 characters.
    pub metadata: BTreeMap<String, String>,
    /// Bytes that were read to learn this.
    pub bytes_read: u64,
    /// What a well-formed file does not show; offsets count from the start of the file.
    pub anomalies: Anomalies,
}

/// Reads the `len` bytes long file `source`.
///
/// # Errors
/// Only when the system refuses to read; everything about the content is an anomaly.
pub fn read<R: Read + Seek>(source: R, len: u64) -> Result<Onnx, StreamError> {
    let mut walk = Walk {
        stream: Stream::new(source, len),
        facts: Onnx { file_size: len, ..Onnx::default() },
        open: VecDeque::from([(Part::Model, Message::new(0, len), 0)]),
        fields: 0,
        graphs: 0,
        operators: BTreeSet::new(),
        defined: BTreeSet::new(),
        external: BTreeSet::new(),
    };
    match walk.run() {
        Ok(complete) => walk.facts.complete = complete,
        Err(ProtobufError::Stream(StreamError::Truncated { offset, wanted, left })) => {
            let detail = format!("{wanted} bytes announced, {left} left");
            walk.facts.anomalies.note("truncated", offset, detail);
        }
        Err(ProtobufError::Stream(error)) => return Err(error),
        Err(ProtobufError::Malformed { offset, what }) => {
            walk.facts.anomalies.note("malformed", offset, what);
        }
    }
    Ok(walk.finish())
}

/// The messages that are entered.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Model,
    OperatorSet,
    Metadata,
    Training,
    Graph,
    Function,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
}

struct Walk<R> {
    stream: Stream<R>,
    facts: Onnx,
    /// In file order, level by level, so that the file is swept forwards.
    open: VecDeque<(Part, Message, u32)>,
    fields: u64,
    graphs: u64,
    /// Domain and operator of every node.
    operators: BTreeSet<(String, String)>,
    /// Domain and name of every function.
    defined: BTreeSet<(String, String)>,
    external: BTreeSet<String>,
}

impl<R: Read + Seek> Walk<R> {
    /// Walks everything; false when a limit ended it.
    fn run(&mut self) -> Result<bool, ProtobufError> {
        while let Some((part, message, depth)) = self.open.pop_front() {
            if depth > DEPTH_LIMIT {
                self.facts.anomalies.note("too-deep", None, format!("{depth} levels"));
                return Ok(false);
            }
            let mut message = message;
            let mut named = Named::default();
            while let Some(field) = message.field(&mut self.stream)? {
                self.fields += 1;
                if self.fields > FIELDS_LIMIT {
                    let detail = format!("more than {FIELDS_LIMIT} fields");
                    self.facts.anomalies.note("too-many-fields", field.offset, detail);
                    return Ok(false);
                }
                self.field(part, field.number, field.value, depth, &mut named)?;
            }
            self.end(part, named);
        }
        Ok(true)
    }

    /// What one field of a message means.
    fn field(
        &mut self,
        part: Part,
        number: u64,
        value: FieldValue,
        depth: u32,
        named: &mut Named,
    ) -> Result<(), ProtobufError> {
        let inner = match (part, number) {
            (Part::Model, 1) => {
                self.facts.ir_version = value.number();
                None
            }
            (Part::Model, 2) => {
                self.facts.producer = Some(self.text(value)?);
                None
            }
            (Part::Model, 7) | (Part::Training, 1 | 2) => Some(Part::Graph),
            (Part::Model, 8) | (Part::Function, 9) => Some(Part::OperatorSet),
            (Part::Model, 14) => Some(Part::Metadata),
            (Part::Model, 20) => Some(Part::Training),
            (Part::Model, 25) => Some(Part::Function),
            (Part::Graph, 1) | (Part::Function, 7) => Some(Part::Node),
            (Part::Graph, 5) | (Part::Attribute, 5 | 10) | (Part::SparseTensor, 1 | 2) => {
                Some(Part::Tensor)
            }
            (Part::Graph, 15) | (Part::Attribute, 22 | 23) => Some(Part::SparseTensor),
            (Part::Node, 5) | (Part::Function, 11) => Some(Part::Attribute),
            (Part::Attribute, 6 | 11) => {
                self.facts.subgraphs += 1;
                Some(Part::Graph)
            }
            (Part::Tensor, 13) => {
                self.external(value)?;
                None
            }
            (Part::OperatorSet | Part::Metadata | Part::Function, 1) | (Part::Node, 4) => {
                named.name = self.text(value)?;
                None
            }
            (Part::Metadata, 2) => {
                named.value = self.text(value)?;
                None
            }
            (Part::OperatorSet, 2) => {
                named.version = value.number();
                None
            }
            (Part::Node, 7) | (Part::Function, 10) => {
                named.domain = self.text(value)?;
                None
            }
            _ => None,
        };
        if let (Some(inner), Some(message)) = (inner, value.message()) {
            self.open.push_back((inner, message, depth + 1));
        }
        Ok(())
    }

    /// What a message means once all its fields are known.
    fn end(&mut self, part: Part, named: Named) {
        let facts = &mut self.facts;
        match part {
            Part::Graph => self.graphs += 1,
            Part::Tensor => facts.tensors += 1,
            Part::OperatorSet => {
                if facts.operator_sets.len() < LIST_LIMIT {
                    facts.operator_sets.insert(named.name, named.version.unwrap_or(0));
                }
            }
            Part::Metadata => {
                if facts.metadata.len() < 64 {
                    facts.metadata.insert(named.name, named.value);
                }
            }
            Part::Node => {
                facts.nodes += 1;
                if self.operators.len() < NAMES_LIMIT {
                    self.operators.insert((named.domain, named.name));
                }
            }
            Part::Function => {
                facts.functions += 1;
                if self.defined.len() < NAMES_LIMIT {
                    self.defined.insert((named.domain, named.name));
                }
            }
            Part::Model | Part::Training | Part::Attribute | Part::SparseTensor => {}
        }
    }

    /// One entry of a tensor's `external_data`: a key and a value.
    fn external(&mut self, value: FieldValue) -> Result<(), ProtobufError> {
        let Some(mut entry) = value.message() else { return Ok(()) };
        let (mut key, mut content, mut at) = (String::new(), String::new(), None);
        while let Some(field) = entry.field(&mut self.stream)? {
            match field.number {
                1 => key = self.text(field.value)?,
                2 => {
                    content = field.value.text(&mut self.stream, TEXT_LIMIT)?;
                    at = Some(field.offset);
                }
                _ => {}
            }
        }
        match key.as_str() {
            "location" => {
                if leaves(&content) && !self.external.contains(&content) {
                    self.facts.anomalies.note("path-leaves-folder", at, content.as_str());
                }
                if self.external.len() < NAMES_LIMIT {
                    self.external.insert(content);
                }
            }
            "offset" | "length" if content.parse::<u64>().is_err() => {
                self.facts.anomalies.note("external-range", at, format!("{key} {content}"));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, value: FieldValue) -> Result<String, ProtobufError> {
        Ok(excerpt(&value.text(&mut self.stream, TEXT_LIMIT)?, CHARS))
    }

    fn finish(mut self) -> Onnx {
        let facts = &mut self.facts;
        facts.bytes_read = self.stream.fetched();
        facts.external_files =
            self.external.iter().take(LIST_LIMIT).map(|file| excerpt(file, CHARS)).collect();
        for key in &self.operators {
            let (domain, operator) = key;
            let name = format!("{domain}:{operator}");
            if matches!(
                operator.as_str(),
                "PyOp" | "PythonOp" | "PythonOpGrad" | "PyCustomOp" | "PyFunc"
            ) {
                facts.anomalies.note("python-operator", None, name.as_str());
                facts.python_operators.push(name);
            } else if !KNOWN_DOMAINS.contains(&domain.as_str()) && !self.defined.contains(key) {
                facts.anomalies.note("custom-domain", None, name.as_str());
                if facts.custom_operators.len() < LIST_LIMIT {
                    facts.custom_operators.push(name);
                }
            }
        }
        if self.graphs == 0 && facts.complete {
            facts.anomalies.note("no-graph", None, "the model holds no graph");
        }
        self.facts
    }
}

/// Strings of the message at hand.
#[derive(Default)]
struct Named {
    name: String,
    value: String,
    domain: String,
    version: Option<u64>,
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use custody_bytes::protobuf::sample::{bytes, join, number, text};

    fn facts(bytes: &[u8]) -> Onnx {
        read(Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    fn kinds(bytes: &[u8]) -> Vec<String> {
        facts(bytes).anomalies.seen.iter().map(|anomaly| anomaly.kind.to_string()).collect()
    }

    fn node(domain: &str, operator: &str) -> Vec<u8> {
        bytes(1, &join(&[text(4, operator), text(7, domain)]))
    }

    fn external(location: &str) -> Vec<u8> {
        let entry = join(&[text(1, "location"), text(2, location)]);
        bytes(5, &join(&[bytes(13, &entry), number(14, 1)]))
    }

    fn model(graph: &[Vec<u8>]) -> Vec<u8> {
        join(&[number(1, 8), bytes(7, &join(graph))])
    }

    #[test]
    fn what_the_onnx_library_writes_is_quiet() {
        for (file, nodes) in [("tiny", 2), ("external", 2), ("branches", 3), ("functions", 2)] {
            let path = format!(
                "{}/../../fixtures/models/benign/onnx/{file}.onnx",
                env!("CARGO_MANIFEST_DIR")
            );
            let facts = facts(&std::fs::read(path).unwrap());
            assert!(facts.complete && facts.anomalies.is_empty(), "{file}: {:?}", facts.anomalies);
            assert_eq!(facts.nodes, nodes, "{file}");
            match file {
                "tiny" => assert_eq!(facts.metadata["author"], "nobody"),
                "external" => assert_eq!(facts.external_files, ["external.bin"]),
                "branches" => assert_eq!(facts.subgraphs, 2),
                _ => assert_eq!(facts.functions, 1),
            }
        }
    }

    #[test]
    fn external_data_outside_of_the_folder_is_named() {
        for path in
            ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:\\x", "\\\\host\\x", "file:///x"]
        {
            assert_eq!(kinds(&model(&[external(path)])), ["path-leaves-folder"], "{path}");
        }
        for path in ["x.bin", "sub/x.bin", "model..bin"] {
            assert!(kinds(&model(&[external(path)])).is_empty(), "{path}");
        }
    }

    #[test]
    fn operators_of_strangers_are_told_from_known_and_defined_ones() {
        assert_eq!(kinds(&model(&[node("evil", "Op")])), ["custom-domain"]);
        assert_eq!(kinds(&model(&[node("ai.onnx.contrib", "PyOp")])), ["python-operator"]);
        assert_eq!(kinds(&model(&[node("com.microsoft", "PythonOp")])), ["python-operator"]);
        for domain in ["", "ai.onnx.ml", "com.microsoft"] {
            assert!(kinds(&model(&[node(domain, "Gelu")])).is_empty());
        }
        let function = bytes(25, &join(&[text(1, "Op"), text(10, "mine")]));
        assert!(kinds(&join(&[model(&[node("mine", "Op")]), function])).is_empty());
    }

    #[test]
    fn a_node_deep_inside_is_reached_and_a_bomb_is_not_followed() {
        let mut graph = node("evil", "Op");
        for _ in 0..10 {
            graph = bytes(1, &bytes(5, &bytes(6, &graph)));
        }
        assert_eq!(kinds(&model(&[graph])), ["custom-domain"]);
        let mut graph = node("evil", "Op");
        for _ in 0..100 {
            graph = bytes(1, &bytes(5, &bytes(6, &graph)));
        }
        assert_eq!(kinds(&model(&[graph])), ["too-deep"]);
    }

    #[test]
    fn tensors_are_jumped_over() {
        let raw = bytes(5, &bytes(9, &vec![0; 4_000_000]));
        let bytes = model(&[raw, external("../x")]);
        let facts = facts(&bytes);
        assert!(facts.anomalies.has("path-leaves-folder"));
        assert!(facts.bytes_read < 64 * 1024, "{}", facts.bytes_read);
    }

    #[test]
    fn truncation_at_every_byte_is_survived() {
        let bytes = model(&[node("evil", "Op"), external("../x")]);
        for end in 0..bytes.len() {
            facts(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            facts(&changed);
        }
        assert_eq!(kinds(b""), ["no-graph"]);
    }
}
