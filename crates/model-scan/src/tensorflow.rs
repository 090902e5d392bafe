//! TensorFlow: the graphs and function library of a `saved_model.pb`, and a `keras_metadata.pb`, walked by
//! lengths; tensor contents are jumped over.
//!
//! Field numbers from `tensorflow/core/protobuf/saved_model.proto`, `meta_graph.proto`, `graph.proto`,
//! `function.proto`, `saved_object_graph.proto` and Keras' `saved_metadata.proto`.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `truncated`, `malformed`, `no-graph`, `too-deep`,
//! `too-many-fields`, `python-operation`, `file-operation`, `network-operation`, `path-leaves-folder`.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Seek};
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keras::{self, Keras};
use crate::model_config::leaves;
use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::protobuf::{FieldValue, Message, ProtobufError};
use custody_bytes::stream::{Stream, StreamError};

/// Most fields that are looked at.
const FIELDS_LIMIT: u64 = 2_000_000;
/// Most entries of one list of facts.
const LIST_LIMIT: usize = 200;
/// Longest name that is read, in bytes.
const TEXT_LIMIT: u64 = 4096;
/// Longest Keras metadata that is read, in bytes.
const METADATA_LIMIT: u64 = 4 * 1024 * 1024;

/// Operations that do more than compute, with the anomaly that says so. Reading and writing checkpoints
/// (`RestoreV2`, `SaveV2`) is left out: every saved model does.
const OPERATIONS: [(&str, &str); 34] = [
    ("PyFunc", "python-operation"),
    ("PyFuncStateless", "python-operation"),
    ("EagerPyFunc", "python-operation"),
    ("GeneratorDataset", "python-operation"),
    ("ReadFile", "file-operation"),
    ("WriteFile", "file-operation"),
    ("MatchingFiles", "file-operation"),
    ("MatchingFilesDataset", "file-operation"),
    ("WholeFileReader", "file-operation"),
    ("WholeFileReaderV2", "file-operation"),
    ("TextLineReader", "file-operation"),
    ("TextLineReaderV2", "file-operation"),
    ("TextLineDataset", "file-operation"),
    ("FixedLengthRecordReader", "file-operation"),
    ("FixedLengthRecordReaderV2", "file-operation"),
    ("FixedLengthRecordDataset", "file-operation"),
    ("FixedLengthRecordDatasetV2", "file-operation"),
    ("TFRecordReader", "file-operation"),
    ("TFRecordReaderV2", "file-operation"),
    ("TFRecordDataset", "file-operation"),
    ("LMDBReader", "file-operation"),
    ("SqlDataset", "file-operation"),
    ("ImmutableConst", "file-operation"),
    ("LoadDataset", "file-operation"),
    ("SaveDataset", "file-operation"),
    ("PrintV2", "file-operation"),
    ("LoadLibrary", "python-operation"),
    ("DebugIdentity", "network-operation"),
    ("DebugIdentityV2", "network-operation"),
    ("DebugIdentityV3", "network-operation"),
    ("RpcCall", "network-operation"),
    ("RpcClient", "network-operation"),
    ("RpcServer", "network-operation"),
    ("DataServiceDataset", "network-operation"),
];

/// What a TensorFlow file says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Tensorflow {
    /// Length of the file in bytes.
    pub file_size: u64,
    /// Whether the file was walked to its end; when not, `anomalies` says why.
    pub complete: bool,
    /// Number of graphs.
    pub graphs: u64,
    /// Number of nodes, those of functions included.
    pub nodes: u64,
    /// Number of functions in the libraries.
    pub functions: u64,
    /// Operations that do more than compute, with their number of uses.
    pub operations: BTreeMap<String, u64>,
    /// The first 200 nodes with such an operation, as `operation node`, those of functions as
    /// `operation function/node`.
    pub operation_nodes: Vec<String>,
    /// Files that the model brings as assets; at most 200.
    pub assets: Vec<String>,
    /// What Keras metadata inside would make the loader do; absent when there is none.
    pub keras: Option<Keras>,
    /// Bytes that were read to learn this.
    pub bytes_read: u64,
    /// What a well-formed file does not show; offsets count from the start of the file.
    pub anomalies: Anomalies,
}

/// Reads a `saved_model.pb` of `len` bytes.
///
/// # Errors
/// Only when the system refuses to read; everything about the content is an anomaly.
pub fn read_saved_model<R: Read + Seek>(source: R, len: u64) -> Result<Tensorflow, StreamError> {
    let mut facts = walk(source, len, Part::SavedModel)?;
    if facts.graphs == 0 && facts.complete {
        facts.anomalies.note("no-graph", None, "the saved model holds no graph");
    }
    Ok(facts)
}

/// Reads a frozen `graph.pb` (a bare `GraphDef`) of `len` bytes.
///
/// # Errors
/// Only when the system refuses to read; everything about the content is an anomaly.
pub fn read_graph<R: Read + Seek>(source: R, len: u64) -> Result<Tensorflow, StreamError> {
    walk(source, len, Part::Graph)
}

/// Reads a `keras_metadata.pb` of `len` bytes.
///
/// # Errors
/// Only when the system refuses to read; everything about the content is an anomaly.
pub fn read_keras_metadata<R: Read + Seek>(source: R, len: u64) -> Result<Tensorflow, StreamError> {
    walk(source, len, Part::KerasMetadata)
}

fn walk<R: Read + Seek>(source: R, len: u64, part: Part) -> Result<Tensorflow, StreamError> {
    let mut walk = Walk {
        stream: Stream::new(source, len),
        facts: Tensorflow { file_size: len, ..Tensorflow::default() },
        open: VecDeque::from([(part, Message::new(0, len), Rc::from(""))]),
        fields: 0,
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
    walk.facts.bytes_read = walk.stream.fetched();
    Ok(walk.facts)
}

/// The messages that are entered. None contains itself, so the depth is that of this list.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    SavedModel,
    MetaGraph,
    Graph,
    Library,
    Function,
    Node,
    Asset,
    ObjectGraph,
    Object,
    UserObject,
    KerasMetadata,
    KerasObject,
}

struct Walk<R> {
    stream: Stream<R>,
    facts: Tensorflow,
    /// Part, its bytes, and the function around it; in file order, so that the file is swept forwards.
    open: VecDeque<(Part, Message, Rc<str>)>,
    fields: u64,
}

impl<R: Read + Seek> Walk<R> {
    fn run(&mut self) -> Result<bool, ProtobufError> {
        while let Some((part, mut message, function)) = self.open.pop_front() {
            let mut function = function;
            let (mut name, mut operation, mut at) = (String::new(), String::new(), 0);
            let entered = self.open.len();
            while let Some(field) = message.field(&mut self.stream)? {
                self.fields += 1;
                if self.fields > FIELDS_LIMIT {
                    let detail = format!("more than {FIELDS_LIMIT} fields");
                    self.facts.anomalies.note("too-many-fields", field.offset, detail);
                    return Ok(false);
                }
                match (part, field.number) {
                    (Part::Node, 1) => name = self.text(field.value)?,
                    (Part::Node, 2) => {
                        operation = self.text(field.value)?;
                        at = field.offset;
                    }
                    (Part::Function, 1) => function = Rc::from(self.signature(field.value)?),
                    _ => self.enter(part, field.number, field.value, &function)?,
                }
            }
            if part == Part::Function {
                // The signature may stand behind the nodes.
                for (_, _, around) in self.open.iter_mut().skip(entered) {
                    *around = Rc::clone(&function);
                }
            }
            self.end(part, &name, &operation, &function, at);
        }
        Ok(true)
    }

    fn enter(
        &mut self,
        part: Part,
        number: u64,
        value: FieldValue,
        function: &Rc<str>,
    ) -> Result<(), ProtobufError> {
        let inner = match (part, number) {
            (Part::SavedModel, 2) => Part::MetaGraph,
            (Part::MetaGraph, 2) => Part::Graph,
            (Part::MetaGraph, 6) => Part::Asset,
            (Part::MetaGraph, 7) => Part::ObjectGraph,
            (Part::Graph, 1) | (Part::Function, 3) => Part::Node,
            (Part::Graph, 2) => Part::Library,
            (Part::Library, 1) => Part::Function,
            (Part::ObjectGraph, 1) => Part::Object,
            (Part::Object, 4) => Part::UserObject,
            (Part::KerasMetadata, 1) => Part::KerasObject,
            (Part::Asset, 2) => return self.asset(value),
            (Part::UserObject, 3) | (Part::KerasObject, 5) => return self.metadata(value),
            _ => return Ok(()),
        };
        if let Some(message) = value.message() {
            self.open.push_back((inner, message, Rc::clone(function)));
        }
        Ok(())
    }

    fn end(&mut self, part: Part, name: &str, operation: &str, function: &str, at: u64) {
        let facts = &mut self.facts;
        match part {
            Part::Graph => facts.graphs += 1,
            Part::Function => facts.functions += 1,
            Part::Node => {
                facts.nodes += 1;
                let known = OPERATIONS.iter().find(|(known, _)| *known == operation);
                let Some((_, kind)) = known else { return };
                *facts.operations.entry(operation.to_owned()).or_insert(0) += 1;
                let place = if function.is_empty() {
                    format!("{operation} {name}")
                } else {
                    format!("{operation} {function}/{name}")
                };
                facts.anomalies.note(kind, at, place.as_str());
                if facts.operation_nodes.len() < LIST_LIMIT {
                    facts.operation_nodes.push(excerpt(&place, 300));
                }
            }
            _ => {}
        }
    }

    /// The name in a function's signature.
    fn signature(&mut self, value: FieldValue) -> Result<String, ProtobufError> {
        let Some(mut message) = value.message() else { return Ok(String::new()) };
        while let Some(field) = message.field(&mut self.stream)? {
            if field.number == 1 {
                return self.text(field.value);
            }
        }
        Ok(String::new())
    }

    fn asset(&mut self, value: FieldValue) -> Result<(), ProtobufError> {
        let file = self.text(value)?;
        if leaves(&file) {
            self.facts.anomalies.note("path-leaves-folder", None, file.as_str());
        }
        if self.facts.assets.len() < LIST_LIMIT {
            self.facts.assets.push(file);
        }
        Ok(())
    }

    /// Keras' JSON about one object.
    fn metadata(&mut self, value: FieldValue) -> Result<(), ProtobufError> {
        let text = value.text(&mut self.stream, METADATA_LIMIT)?;
        if text.trim_start().starts_with('{') {
            let seen = keras::read(text.as_bytes());
            match &mut self.facts.keras {
                Some(all) => all.merge(seen),
                None => self.facts.keras = Some(seen),
            }
        }
        Ok(())
    }

    fn text(&mut self, value: FieldValue) -> Result<String, ProtobufError> {
        Ok(excerpt(&value.text(&mut self.stream, TEXT_LIMIT)?, 300))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use custody_bytes::protobuf::sample::{bytes, join, number, text};

    fn node(operation: &str) -> Vec<u8> {
        join(&[text(1, "n"), text(2, operation)])
    }

    fn saved_model(graph: &[u8]) -> Vec<u8> {
        join(&[number(1, 1), bytes(2, &bytes(2, graph))])
    }

    fn facts(bytes: &[u8]) -> Tensorflow {
        read_saved_model(Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    #[test]
    fn operations_are_found_in_the_graph_and_in_functions() {
        let function = join(&[bytes(3, &node("WriteFile")), bytes(1, &text(1, "f"))]);
        let graph = join(&[
            bytes(1, &node("MatMul")),
            bytes(1, &node("EagerPyFunc")),
            bytes(2, &bytes(1, &function)),
        ]);
        let facts = facts(&saved_model(&graph));
        assert!(facts.complete);
        assert_eq!((facts.graphs, facts.nodes, facts.functions), (1, 3, 1));
        assert!(
            facts.operation_nodes.contains(&"WriteFile f/n".to_owned()),
            "{:?}",
            facts.operation_nodes
        );
        assert!(facts.anomalies.has("python-operation") && facts.anomalies.has("file-operation"));
    }

    #[test]
    fn an_ordinary_graph_is_quiet() {
        let graph = join(&[
            bytes(1, &node("MatMul")),
            bytes(1, &node("RestoreV2")),
            bytes(1, &node("SaveV2")),
        ]);
        assert!(facts(&saved_model(&graph)).anomalies.is_empty());
        assert!(facts(b"").anomalies.has("no-graph"));
    }

    #[test]
    fn keras_metadata_is_read_where_it_is_kept() {
        let json = r#"{"class_name": "Lambda", "config": {"name": "l", "function": ["2gRleGVj", null, null]}}"#;
        let metadata = bytes(1, &join(&[number(2, 1), text(5, json)]));
        let facts = read_keras_metadata(Cursor::new(&metadata), metadata.len() as u64).unwrap();
        assert_eq!(facts.keras.unwrap().lambdas[0].dangerous_names, ["exec"]);
        let object =
            bytes(7, &bytes(1, &bytes(4, &join(&[text(1, "_tf_keras_layer"), text(3, json)]))));
        let model = bytes(2, &join(&[bytes(2, b""), object]));
        let facts = read_saved_model(Cursor::new(&model), model.len() as u64).unwrap();
        assert_eq!(facts.keras.unwrap().lambdas.len(), 1);
    }

    #[test]
    fn an_asset_outside_of_the_folder_is_named() {
        let model = bytes(2, &join(&[bytes(2, b""), bytes(6, &text(2, "../x"))]));
        assert!(facts(&model).anomalies.has("path-leaves-folder"));
    }

    #[test]
    fn truncation_at_every_byte_is_survived() {
        let function = join(&[bytes(3, &node("WriteFile")), bytes(1, &text(1, "f"))]);
        let bytes =
            saved_model(&join(&[bytes(1, &node("PyFunc")), bytes(2, &bytes(1, &function))]));
        for end in 0..bytes.len() {
            facts(&bytes[..end]);
        }
    }
}
