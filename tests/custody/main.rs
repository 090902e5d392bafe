//! Custody end to end on registries of 127.0.0.1 and dumps that the tests write: timelines replayed day
//! by day, what a run asks the registry for, and what a registry can do to a run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on may stop")]

#[path = "../repository/sample.rs"]
#[allow(dead_code, reason = "shared with the tests of repositories")]
mod sample;

mod advisories;
mod arrayref;
mod extract;
mod faults;
mod pins;
mod registry;
mod replay;
mod report;
mod requests;
mod run;
mod statements;
