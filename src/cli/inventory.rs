//! `inventory`.
use super::Failure;
use super::arguments::InventoryArguments;
pub fn run(_: &InventoryArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
