//! `pin`.
use super::Failure;
use super::arguments::PinArguments;
pub fn run(_: &PinArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
