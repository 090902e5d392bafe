//! `baseline`.
use super::Failure;
use super::arguments::BaselineArguments;
pub fn run(_: &BaselineArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
