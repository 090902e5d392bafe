//! `init`.
use super::Failure;
use super::arguments::InitArguments;
pub fn run(_: &InitArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
