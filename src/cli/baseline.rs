//! `baseline`: today's findings, recorded with one reason, so that the gate starts green and hides
//! nothing.

use super::Failure;
use super::arguments::BaselineArguments;
use super::gate::Gate;
use super::{output, session};
use crate::audit;
use crate::config::{BASELINE_FILE, Baseline};

/// Writes `custody-baseline.toml` beside the lockfile. Says how many findings it holds.
pub fn run(arguments: &BaselineArguments) -> Result<u8, Failure> {
    if arguments.reason.trim().is_empty() {
        return Err(Failure::text("--reason is empty").help("say why these findings are accepted"));
    }
    let check = &arguments.check;
    if check.since.is_some() || check.base_lockfile.is_some() {
        return Err(Failure::text("a baseline records everything, not what a change brings")
            .help("leave --since and --base-lockfile out"));
    }
    let path = check.manifest_path.as_ref().unwrap_or(&check.path);
    let folder = Gate::open(check, path)?.judge().to_owned();
    let request = audit::Request { baseline: None, ..session::request(check)? };
    let audit = audit::run(&request)?;
    let findings = &audit.report.findings;
    let baseline = Baseline::record(findings, request.gather.as_of, &arguments.reason);
    let file = folder.join(BASELINE_FILE);
    output::file(&file, baseline.to_toml().as_bytes())?;
    if !check.common.quiet {
        audit.warnings.iter().for_each(|warning| output::warning(warning));
    }
    let unknown = audit.report.undetermined.len();
    let said = format!("wrote {} with {} findings\n", file.display(), baseline.entries.len());
    output::stdout(said.as_bytes())?;
    if unknown > 0 {
        // What is unknown today will be a new finding once it is known.
        output::warning(&format!(
            "{unknown} things could not be determined; what they hide will count as new"
        ));
    }
    Ok(0)
}
