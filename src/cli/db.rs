//! `db`.
use super::Failure;
use super::arguments::DbArguments;
pub fn run(_: &DbArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
