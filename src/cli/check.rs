//! `check`: audit, report in every format that was asked for, answer with the exit code.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use super::Failure;
use super::arguments::CheckArguments;
use super::{gate, output, session};
use crate::audit::{self, Audit};
use crate::config::{self, CONFIG_FILES};
use crate::domain::Level;
use crate::domain::report::Context;
use crate::reporter::{self, Format};
use crate::walker;

/// One `--format FORMAT[=FILE]`.
struct Sink {
    format: Format,
    file: Option<PathBuf>,
}

/// Runs the audit.
pub fn run(arguments: &CheckArguments) -> Result<u8, Failure> {
    let sinks = sinks(&arguments.format)?;
    let (mut audit, min_level) = audited(arguments)?;
    audit::cut(&mut audit.report);
    if !arguments.common.quiet {
        audit.warnings.iter().for_each(|warning| output::warning(warning));
    }
    write(arguments, &sinks, &audit, min_level)?;
    Ok(audit.report.exit)
}

/// One audit of what the path names, or one of every lockfile below it, put together.
fn audited(arguments: &CheckArguments) -> Result<(Audit, Level), Failure> {
    let path = arguments.manifest_path.as_ref().unwrap_or(&arguments.path);
    let is_project = walker::is_project(path);
    let own = is_project || walker::audited(path).is_ok();
    // From inside of a package, what lies below belongs to somebody else.
    let wanted = path.is_dir() && (is_project || arguments.recursive || !own);
    let below = if wanted { walker::below(path) } else { walker::Below::default() };
    if (own && !arguments.recursive) || below.folders.is_empty() {
        let (mut audit, level) = one(arguments)?;
        if is_project {
            audit.report.undetermined.extend(audit::not_audited(&below.folders, below.cut));
            audit.report.undetermined.sort();
        }
        return Ok((audit, level));
    }
    let mut folders = below.folders;
    if own {
        folders.insert(0, String::new());
    }
    if let Some(revision) = &arguments.since {
        gate::none_is_gone(revision, path, &folders)?;
    }
    let mut audits = Vec::new();
    let mut shown = None;
    for folder in folders {
        let (audit, level) = one(&of_folder(arguments, path, &folder)?)?;
        shown = shown.or(Some(level));
        audits.push((folder, audit));
    }
    let joined = audit::join(audits).and_then(|audit| Some((audit, shown?)));
    let (mut audit, level) =
        joined.ok_or_else(|| Failure::text("there is no lockfile to audit"))?;
    audit.report.undetermined.extend(audit::not_audited(&[], below.cut));
    Ok((audit, level))
}

fn one(arguments: &CheckArguments) -> Result<(Audit, Level), Failure> {
    let request = session::request(arguments)?;
    let min_level = session::min_level(arguments, &request.policy)?;
    Ok((audit::run(&request)?, min_level))
}

/// The arguments for one of several lockfiles. Where its own folder has no policy, that of the folder which
/// is audited as a whole counts.
fn of_folder(
    arguments: &CheckArguments,
    root: &Path,
    folder: &str,
) -> Result<CheckArguments, Failure> {
    let mut own = arguments.clone();
    own.path = root.join(folder);
    own.manifest_path = None;
    let free = own.common.config.is_none() && !own.common.no_config && own.since.is_none();
    if free
        && config::place(&own.path)?.is_none()
        && let Some(file) = config::place(root)?
        // A manifest cannot be named as a policy.
        && file != CONFIG_FILES[2]
    {
        own.common.config = Some(root.join(file));
    }
    Ok(own)
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
