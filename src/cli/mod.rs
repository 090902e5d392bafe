//! The command line: clap types and one file a subcommand; no decisions.
//!
//! Data goes to stdout, everything else to stderr. Exit codes: 0 nothing at or above `--fail-on`,
//! 1 findings at or above it, 2 usage, configuration or internal error, 3 a required check could
//! not run.

mod arguments;
mod baseline;
mod cargo_age;
mod check;
mod completions;
mod db;
mod diff;
mod environment;
mod explain;
mod facts;
mod fix;
mod fleet;
mod gate;
mod help;
mod init;
mod inspect;
mod inventory;
mod man;
mod output;
mod pin;
mod report;
mod repos;
mod repository;
mod rules;
mod session;
mod spelling;
mod values;
mod waive;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use crate::config::ConfigError;
use arguments::{Cli, Command};

/// Exit code for usage, configuration and internal errors.
pub const EXIT_ERROR: u8 = 2;

/// An error that ends the run with exit code 2, and what could be done about it.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong; names the operation and the thing.
    message: String,
    /// What to do, without the `help:`.
    help: Option<String>,
}

impl Failure {
    /// An error whose sources are told, too.
    fn new(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            let text = inner.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = inner.source();
        }
        Self { message, help: None }
    }

    /// An error in plain words.
    fn text(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// Says what was being done.
    fn context(mut self, doing: &str) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Says what to do about it.
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let failure = Self::new(&error);
        let known = &error as &(dyn std::error::Error + 'static);
        let help = known.downcast_ref::<ConfigError>().and_then(ConfigError::help);
        Self { help, ..failure }
    }
}

/// Parses `arguments`, runs the subcommand and answers with its exit code.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let words = spelling::ordered(without_subcommand_name(arguments), &help::command());
    if let Some(slip) = spelling::slip(&words, &help::command()) {
        output::failure(&slip.message, slip.help.as_deref());
        return ExitCode::from(EXIT_ERROR);
    }
    let parsed = help::command()
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let code = error.exit_code();
            // A closed pipe while printing help is not worth a word.
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(EXIT_ERROR));
        }
    };
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::failure(&failure.message, failure.help.as_deref());
            ExitCode::from(EXIT_ERROR)
        }
    }
}

fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        None => check::run(&cli.check),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments),
        Some(Command::Facts(arguments)) => facts::run(&arguments),
        Some(Command::Fleet(arguments)) => fleet::run(&arguments),
        Some(Command::Diff(arguments)) => diff::run(&arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Rules(arguments)) => rules::run(&arguments),
        Some(Command::Report(arguments)) => report::run(&arguments),
        Some(Command::Inventory(arguments)) => inventory::run(&arguments),
        Some(Command::Pin(arguments)) => pin::run(&arguments),
        Some(Command::Baseline(arguments)) => baseline::run(&arguments),
        Some(Command::Waive(arguments)) => waive::run(&arguments),
        Some(Command::Fix(arguments)) => fix::run(&arguments),
        Some(Command::Db(arguments)) => db::run(&arguments),
        Some(Command::Repos(arguments)) => repos::run(&arguments),
        Some(Command::Repository(arguments)) => repository::run(&arguments),
        Some(Command::Init(arguments)) => init::run(&arguments),
        Some(Command::Completions(arguments)) => completions::run(&arguments),
        Some(Command::Man(arguments)) => man::run(&arguments),
    }
}

/// Cargo starts `cargo custody ARGS` as `cargo-custody custody ARGS`: the repeated name is dropped.
fn without_subcommand_name(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = arguments.collect();
    if all.get(1).is_some_and(|first| first == "custody") {
        all.remove(1);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        without_subcommand_name(line.split(' ').map(OsString::from))
    }

    #[test]
    fn cargo_repeats_the_subcommand_and_a_user_does_not() {
        assert_eq!(words("cargo-custody custody check x"), ["cargo-custody", "check", "x"]);
        assert_eq!(words("cargo-custody check x"), ["cargo-custody", "check", "x"]);
    }

    #[test]
    fn the_command_line_is_consistent() {
        help::command().debug_assert();
    }

    #[test]
    fn check_is_the_default_command() {
        use clap::Parser as _;
        let cli = Cli::try_parse_from(words("cargo-custody . --offline")).expect("parses");
        assert!(cli.command.is_none());
        assert!(cli.check.common.offline);
    }
}
