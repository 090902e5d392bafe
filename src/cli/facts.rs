//! `facts`: everything that is known of one crate or model, as JSON, for rule authors.

use std::path::Path;

use super::Failure;
use super::arguments::FactsArguments;
use super::{output, session};
use crate::audit;
use crate::collectors;
use crate::collectors::model_files;
use crate::domain::FactSheet;

/// Prints the facts sheet of one crate or model.
pub fn run(arguments: &FactsArguments) -> Result<u8, Failure> {
    let path = Path::new(&arguments.spec);
    if path.exists() {
        let mut sheet = FactSheet::new(audit::model_subject(path));
        sheet.put(model_files::GROUP, &model_files::measure(path)?);
        output::stdout(format!("{}\n", serde_json::to_string_pretty(&sheet)?).as_bytes())?;
        return Ok(0);
    }
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
