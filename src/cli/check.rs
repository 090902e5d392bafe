//! `check`: audit, report in every format that was asked for, answer with the exit code.

use std::path::PathBuf;
use std::str::FromStr as _;

use super::Failure;
use super::arguments::CheckArguments;
use super::{output, session};
use crate::audit::{self, Audit};
use crate::domain::Level;
use crate::domain::report::Context;
use crate::reporter::{self, Format};

/// One `--format FORMAT[=FILE]`.
struct Sink {
    format: Format,
    file: Option<PathBuf>,
}

/// Runs the audit.
pub fn run(arguments: &CheckArguments) -> Result<u8, Failure> {
    let sinks = sinks(&arguments.format)?;
    let request = session::request(arguments)?;
    let min_level = session::min_level(arguments, &request.policy)?;
    let audit = audit::run(&request)?;
    if !arguments.common.quiet {
        audit.warnings.iter().for_each(|warning| output::warning(warning));
    }
    write(arguments, &sinks, &audit, min_level)?;
    Ok(audit.report.exit)
}

fn sinks(formats: &[String]) -> Result<Vec<Sink>, Failure> {
    let mut sinks = Vec::new();
    for text in formats {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) if !file.is_empty() => (name, Some(PathBuf::from(file))),
            Some(_) => return Err(Failure::text(format!("--format {text}: the file is missing"))),
            None => (text.as_str(), None),
        };
        sinks.push(Sink { format: Format::from_str(name)?, file });
    }
    if sinks.is_empty() {
        sinks.push(Sink { format: Format::Human, file: None });
    }
    if sinks.iter().filter(|sink| sink.file.is_none()).count() > 1 {
        return Err(Failure::text("only one format can go to standard output")
            .help("give the others a file: --format sarif=custody.sarif"));
    }
    Ok(sinks)
}

fn write(
    arguments: &CheckArguments,
    sinks: &[Sink],
    audit: &Audit,
    min_level: Level,
) -> Result<(), Failure> {
    let context = Context { rules: &audit.rules, sources: &audit.sources, prefix: &audit.prefix };
    for sink in sinks {
        let options = reporter::Options {
            color: sink.file.is_none() && output::colored(arguments.common.color),
            width: output::width(),
            all: arguments.all,
            verbose: arguments.verbose,
            min_level: if arguments.all { Level::Note } else { min_level },
            ..reporter::Options::default()
        };
        let text = reporter::render(sink.format, &audit.report, &context, &options)?;
        match &sink.file {
            Some(file) => output::file(file, text.as_bytes())?,
            None => output::stdout(text.as_bytes())?,
        }
    }
    Ok(())
}
