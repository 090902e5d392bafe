//! What a crate is made of, and what registries say of it: index files, file kinds, Rust that runs at
//! build time, native build files, hidden characters, git objects, the registry's dump and API.
//!
//! Pure: nothing is built or run; every size is checked before memory is taken, every parser returns
//! errors and none panics. States what is there; how bad that is belongs to rules.

pub mod cargo_index;
pub mod concealment;
pub mod features;
pub mod file_kind;
pub mod git_objects;
pub mod native_tree;
pub mod registry_api;
pub mod registry_dump;
pub mod rust_source;
pub mod script;
