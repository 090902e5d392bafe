//! `completions`: shell completions.

use clap::CommandFactory as _;

use super::Failure;
use super::arguments::{Cli, CompletionsArguments};

/// Prints the completions of one shell.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all subcommands")]
pub fn run(arguments: &CompletionsArguments) -> Result<u8, Failure> {
    let mut command = Cli::command();
    clap_complete::generate(arguments.shell, &mut command, "cargo-custody", &mut std::io::stdout());
    Ok(0)
}
