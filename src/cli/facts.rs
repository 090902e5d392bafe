//! `facts`: everything that is known of one crate, as JSON, for rule authors.

use super::Failure;
use super::arguments::FactsArguments;
use super::{output, session};
use crate::collectors;

/// Prints the facts sheet of one crate.
pub fn run(arguments: &FactsArguments) -> Result<u8, Failure> {
    let (name, version) = crate_spec(&arguments.spec)?;
    let options = session::gather_options(&arguments.common, false)?;
    let graph = collectors::single(name, version, &options)?;
    let gathered = collectors::gather(&graph, &options)?;
    let mut text = serde_json::to_string_pretty(&gathered.sheets[0])?;
    text.push('\n');
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// `NAME@VERSION`, taken apart.
pub fn crate_spec(spec: &str) -> Result<(&str, &str), Failure> {
    spec.split_once('@')
        .filter(|(name, version)| !name.is_empty() && !version.is_empty())
        .ok_or_else(|| {
            Failure::text(format!("`{spec}` does not name a crate and a version"))
                .help("write NAME@VERSION")
        })
}
