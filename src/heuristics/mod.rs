//! Judge, never fetch: rules, conditions, scores. Pure, synchronous, repeatable.
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
pub use ruleset::{RuleError, Ruleset};
pub use schema::FactSchema;
