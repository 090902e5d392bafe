//! Judge, never fetch: rules, conditions, scores. Pure, synchronous, repeatable.
//!
//! ```
//! use custody_judge::FactSchema;
//! use custody_judge::condition::{Bindings, Condition, Outcome, Scope};
//! use serde_json::{Value, json};
//!
//! fn owners() -> Value {
//!     json!({"type": "object", "properties": {"count": {"type": "integer"}}})
//! }
//! let schema = FactSchema::new([("owners", owners as fn() -> Value)]);
//!
//! // A misspelt fact is an error when the rule is loaded, never "clear".
//! assert!(Condition::new("owners.cuont == 1", &schema, &Scope::default()).is_err());
//!
//! // An unknown fact is neither yes nor no.
//! let single = Condition::new("owners.count == 1", &schema, &Scope::default())?;
//! let owners = json!({"count": {"$unknown": "the registry did not answer"}});
//! let mut facts = Bindings::new();
//! facts.bind("owners", &owners);
//! assert_eq!(single.evaluate(&facts), Outcome::Undetermined);
//! # Ok::<(), custody_judge::condition::ConditionError>(())
//! ```
//!
//! A rule is a TOML file under `rules/` ([`rule`]). Its condition is CEL over the facts of one
//! subject ([`condition`]), checked against the fact schema when it is loaded ([`schema`]) and
//! three-valued when it is judged: it fires, it does not, or it could not be determined. Signals
//! weigh what they are rare ([`rates`], [`score`]); findings join them ([`judge`]).

pub mod change;
pub mod condition;
pub mod judge;
pub mod rates;
pub mod rule;
pub mod ruleset;
pub mod schema;
pub mod score;
pub mod selftest;
mod template;
pub mod waivers;

pub use judge::{Judgement, judge};
pub use ruleset::{BuiltIn, RuleError, Ruleset};
pub use schema::FactSchema;
