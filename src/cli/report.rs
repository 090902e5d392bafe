//! `report`.
use super::Failure;
use super::arguments::ReportArguments;
pub fn run(_: &ReportArguments) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
