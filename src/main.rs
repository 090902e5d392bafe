//! `cargo-custody`: parse, run, exit code.

fn main() {}
