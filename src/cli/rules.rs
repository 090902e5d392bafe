//! `rules`.
use super::Failure;
use super::arguments::RulesArguments;
pub fn run(_: &RulesArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
