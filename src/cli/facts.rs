//! `facts`.
use super::Failure;
use super::arguments::FactsArguments;
pub fn run(_: &FactsArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
