//! `diff`.
use super::Failure;
use super::arguments::DiffArguments;
pub fn run(_: &DiffArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
