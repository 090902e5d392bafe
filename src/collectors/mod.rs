//! Measure, never judge: one file is one group of facts.

pub mod archive;
pub mod cargo_home;
pub mod crate_files;
pub mod custody;
pub mod index_files;
pub mod releases;
pub mod store;
