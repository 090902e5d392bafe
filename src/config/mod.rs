//! custody.toml and custody.lock: raw text to valid policy.
//!
//! Works on text, wherever it was read: in a pull request the policy of the base counts, so that a
//! change cannot excuse itself. Nothing half-checked leaves this module, an unknown key is refused
//! instead of ignored, and every error names file, line and column. What a project could use against
//! its own audit is not configurable here: base URLs, tokens, the advisory database.

mod age;
mod baseline;
pub mod cargo_age;
pub mod custody_lock;
mod discovery;
mod error;
pub mod model_pins;
pub mod package_pins;
mod policy;
mod section;

pub use age::MinAge;
pub use baseline::{BASELINE_FILE, Baseline, BaselineEntry};
pub use discovery::{CONFIG_FILES, POLICY_BYTES, Texts, load, place};
pub use error::{At, ConfigError, nearest};
pub use policy::{Cooldown, Exempt, FailOn, ModelEntry, Named, Policy};

/// The commented `custody.toml` that `cargo custody init` writes: every setting is there, switched
/// off, with what it is for.
#[must_use]
pub fn init_text() -> &'static str {
    include_str!("init.toml")
}
