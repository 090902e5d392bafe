//! Model files to structure: pickles, weights, graphs, templates, configuration and the Python beside them.
//!
//! Pure: nothing is loaded, unpickled, rendered or imported; every size is checked before memory is taken,
//! every parser returns errors and none panics. States what a file holds; how bad that is belongs to rules.

pub mod chat_template;
pub mod code_names;
pub mod containers;
pub mod gguf;
pub mod hdf5;
pub mod hub;
mod joiner;
pub mod keras;
pub mod model_config;
pub mod model_kind;
pub mod onnx;
pub mod pickle;
pub mod pmml;
pub mod python_source;
pub mod safetensors;
pub mod search;
pub mod skops;
pub mod tensorflow;
pub mod tokenizer;
pub mod torchscript;
pub mod words_of_code;
