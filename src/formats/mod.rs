//! Bytes to structure: archives, file kinds, index caches, model files, source text. Pure and bounded:
//! no file is opened and no socket, every size is checked before memory is taken, every parser returns
//! errors and none panics. Imports nothing else of the house.

pub mod anomaly;
pub mod cargo_index;
pub mod chat_template;
pub mod codec;
pub mod concealment;
pub mod containers;
pub mod excerpt;
pub mod file_kind;
pub mod gguf;
pub mod git_objects;
pub mod gzip_tar;
pub mod hdf5;
pub mod hub;
mod joiner;
pub mod json;
pub mod keras;
pub mod model_config;
pub mod model_kind;
pub mod native_tree;
pub mod onnx;
pub mod pickle;
pub mod pmml;
pub mod protobuf;
pub mod python_source;
pub mod registry_api;
pub mod registry_dump;
pub mod rust_source;
pub mod safetensors;
pub mod skops;
pub mod source;
pub mod stream;
pub mod tensorflow;
pub mod tokenizer;
pub mod torchscript;
pub mod zip_reader;
