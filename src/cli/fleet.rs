//! `fleet`: many projects in one process with one store, and what only all of them together can say.

mod list;
mod records;
mod who;

use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Failure;
use super::arguments::{CheckArguments, FleetArguments, FleetCommand, FleetRun};
use super::{output, session};
use crate::audit::{self, fleet};
use crate::collectors::{self, Equipment};
use crate::domain::fleet::{FLEET_SCHEMA, FleetSummary, ProjectRecord};
use crate::domain::hash::hex;
use crate::domain::report::Context;
use crate::reporter::{self, Format};
use list::Listed;
pub use list::Shard;
use records::Records;

/// As much as the main thread has, on which a single audit runs.
const STACK: usize = 8 << 20;

/// Audits a fleet, or asks what is known of one.
pub fn run(arguments: &FleetArguments) -> Result<u8, Failure> {
    match &arguments.command {
        Some(FleetCommand::Who(asked)) => who::run(asked),
        Some(FleetCommand::Sum { out }) => sum(out),
        None => audit_all(&arguments.run),
    }
}

/// The sum over the records of several runs or shards.
fn sum(folders: &[std::path::PathBuf]) -> Result<u8, Failure> {
    let mut all = fleet::Fleet::default();
    let mut as_of = String::new();
    for folder in folders {
        for record in Records::read(folder)? {
            as_of = as_of.max(record.as_of.clone());
            all.add(&record);
        }
    }
    print_summary(&all.summary(&as_of))?;
    Ok(0)
}

fn print_summary(summary: &FleetSummary) -> Result<(), Failure> {
    let line = json!({"schema": FLEET_SCHEMA, "fleet": summary});
    output::stdout((reporter::json_line(&line)? + "\n").as_bytes())
}

/// What all threads share.
struct Yard<'a> {
    run: &'a FleetRun,
    shared: session::Shared,
    records: Option<Records>,
    /// What is asked of every project, as a hash.
    question: String,
    as_of: String,
    state: Mutex<fleet::Fleet>,
    /// What the user was told of this machine: once, and not once a project.
    warned: Mutex<BTreeSet<String>>,
}

fn audit_all(run: &FleetRun) -> Result<u8, Failure> {
    let projects = list::read(&run.list, &mut io::stdin().lock())?;
    let projects: Vec<Listed> = match run.shard {
        Some(shard) => shard.of(projects),
        None => projects,
    };
    if projects.is_empty() {
        return Err(Failure::text("there is no project in this list or shard"));
    }
    let mut options = session::gather_options(&run.common, false)?;
    // At one request a second the registry's API is not for fleets; a dump knows every crate.
    options.api_budget = Duration::ZERO;
    options.progress = false;
    let equipment = Arc::new(Equipment::shared(&options)?);
    let as_of = options.as_of.to_string();
    let question = question(run, &options, &equipment);
    let yard = Yard {
        run,
        shared: session::Shared {
            gathering: collectors::Options { equipment: Some(Arc::clone(&equipment)), ..options },
            ruleset: Arc::new(session::ruleset(&run.common.rules)?),
        },
        records: run.out.as_deref().map(Records::open).transpose()?,
        question,
        as_of,
        state: Mutex::default(),
        warned: Mutex::default(),
    };
    let done = work(&yard, &projects);
    equipment.finish();
    equipment.problems().iter().for_each(|problem| output::warning(problem));
    done?;
    let state = std::mem::take(&mut *yard.state.lock().unwrap_or_else(PoisonError::into_inner));
    let summary = state.summary(&yard.as_of);
    if let Some(records) = &yard.records {
        records.write_summary(&summary)?;
    }
    print_summary(&summary)?;
    if !run.common.quiet {
        let verdict = reporter::fleet::verdict(&summary);
        output::note(&format!("{} projects: {verdict}", summary.projects));
    }
    Ok(exit_code(&summary))
}

/// 1 where a project fails, 3 where something was not read, which a project that could not be audited is.
fn exit_code(summary: &FleetSummary) -> u8 {
    if summary.failed > 0 {
        1
    } else if summary.incomplete > 0 || !summary.not_audited.is_empty() {
        3
    } else {
        0
    }
}

/// What a record has to have been made for.
fn question(run: &FleetRun, options: &collectors::Options, equipment: &Equipment) -> String {
    let common = &run.common;
    let asked = format!(
        "{} {:016x} {} {:?} {:?} {:?} {:?} {} {:?} {:?} {}",
        env!("CARGO_PKG_VERSION"),
        equipment.measurer().facts_version(),
        options.as_of,
        run.since,
        run.fail_on,
        common.rules,
        common.config,
        common.no_config,
        options.dump,
        options.advisory_db,
        options.offline,
    );
    hex(&Sha256::digest(asked))
}

/// Audits all projects, as many at a time as there are threads.
fn work(yard: &Yard<'_>, projects: &[Listed]) -> Result<(), Failure> {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = yard.run.common.jobs.filter(|jobs| *jobs > 0).unwrap_or_else(cores).min(64);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failure: Mutex<Option<Failure>> = Mutex::default();
    std::thread::scope(|scope| -> io::Result<()> {
        for _ in 0..threads.min(projects.len()) {
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(project) = projects.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        break;
                    };
                    if let Err(why) = one(yard, project) {
                        stop.store(true, Ordering::Relaxed);
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
                    }
                }
            })?;
        }
        Ok(())
    })?;
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(why) => Err(why.help("what is done is kept: go on with --resume")),
        None => Ok(()),
    }
}

/// One project, from the list to its line. Fails only where nothing can be written.
fn one(yard: &Yard<'_>, project: &Listed) -> Result<(), Failure> {
    let lockfile = project.place.as_deref().ok().and_then(list::lockfile_hash);
    let finished =
        yard.records.as_ref().filter(|_| yard.run.resume).and_then(|records| {
            records.finished(&project.name, &yard.question, lockfile.as_deref())
        });
    let record = match finished {
        Some(record) => record,
        None => measure(yard, project, lockfile)?,
    };
    let line = reporter::json_line(&record.line)? + "\n";
    let mut state = yard.state.lock().unwrap_or_else(PoisonError::into_inner);
    output::stdout(line.as_bytes())?;
    state.add(&record);
    Ok(())
}

fn measure(
    yard: &Yard<'_>,
    project: &Listed,
    lockfile: Option<String>,
) -> Result<ProjectRecord, Failure> {
    let mut audited = match &project.place {
        Ok(place) => audit_one(yard, place),
        Err(why) => Err(why.clone()),
    };
    let mut record = match &audited {
        Ok(audit) => {
            warn(yard, &audit.warnings);
            fleet::record(&project.name, audit)
        }
        Err(why) => fleet::refused(&project.name, why),
    };
    record.run.clone_from(&yard.question);
    record.as_of.clone_from(&yard.as_of);
    record.lockfile = lockfile;
    if let Some(records) = &yard.records {
        if let Ok(audit) = &mut audited {
            audit::cut(&mut audit.report);
            let context =
                Context { rules: &audit.rules, sources: &audit.sources, prefix: &audit.prefix };
            let options = reporter::Options::default();
            for (format, ending) in [(Format::Sarif, "sarif"), (Format::Html, "html")] {
                let text = reporter::render(format, &audit.report, &context, &options)?;
                records.write(&project.name, ending, text.as_bytes())?;
            }
        }
        // The record comes last: where it is, everything else is.
        records.write_record(&record)?;
    }
    Ok(record)
}

fn warn(yard: &Yard<'_>, warnings: &[String]) {
    let mut warned = yard.warned.lock().unwrap_or_else(PoisonError::into_inner);
    for warning in warnings {
        if warned.insert(warning.clone()) {
            output::warning(warning);
        }
    }
}

fn audit_one(yard: &Yard<'_>, place: &Path) -> Result<audit::Audit, String> {
    let arguments = CheckArguments {
        since: yard.run.since.clone(),
        fail_on: yard.run.fail_on.clone(),
        // The page of each project is written where there is a folder for it.
        format: yard.run.out.iter().map(|_| Format::Html.as_str().to_owned()).collect(),
        ..CheckArguments::about(place, &yard.run.common)
    };
    let run = || {
        let request = session::request_within(&arguments, Some(&yard.shared))
            .map_err(|failure| failure.message)?;
        audit::run(&request).map_err(|error| Failure::new(&error).message)
    };
    // A parser's mistake costs its project and not the thousands behind it.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("auditing it failed".to_owned()))
}
