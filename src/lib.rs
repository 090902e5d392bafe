//! `cargo custody`: who holds the keys of every crate and model that a project pulls in, what changed
//! hands, and whether the bytes that would run look like xz.
//!
//! The house, in four verbs:
//!
//! ```text
//! WALK -> subjects -> GATHER -> facts -> JUDGE -> findings -> REPORT
//! walker              collectors        heuristics           reporter
//!                     (net, crates/)    (rules/)
//! ```
//!
//! Everybody speaks the words of [`domain`]; `audit` is the only conductor. Which module may import
//! which is a table in `tests/architecture.rs`.
//!
//! The library exists for this project's own tests and benches. What is promised to users is the
//! command line, the JSON schema and the rule format.

pub mod audit;
pub mod cli;
pub mod collectors;
pub mod config;
pub mod heuristics;
pub mod net;
pub mod reporter;
pub mod walker;

pub use custody_bytes::disk;
pub use custody_facts as domain;
