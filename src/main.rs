//! `cargo-custody`: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_custody::cli::main(std::env::args_os())
}
