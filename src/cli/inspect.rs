//! `inspect`.
use super::Failure;
use super::arguments::InspectArguments;
pub fn run(_: &InspectArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
