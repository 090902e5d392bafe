//! The rules that come with the program, and those who judge by them ([`custody_judge`]).

pub use custody_judge::*;

/// Every rule and table below `rules/` and every facts sheet that their tests name, put in by `build.rs`.
pub static BUILT_IN: BuiltIn = BuiltIn { rules: RULE_FILES, sheets: FACT_SHEETS };

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The rules of the program and `extra` ones of the user's.
///
/// # Errors
/// A rule that cannot be read, or that says something impossible.
pub fn load(schema: FactSchema, extra: &[ruleset::RuleFile]) -> Result<Ruleset, RuleError> {
    Ruleset::load(&BUILT_IN, schema, extra)
}
