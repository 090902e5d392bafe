//! `facts`: everything that is known of one crate or model, as JSON, for rule authors.

mod item;
mod stream;

use std::io;
use std::path::Path;
use std::sync::Arc;

use custody_bytes::gzip_tar::Limits;

use super::Failure;
use super::arguments::FactsArguments;
use super::{output, session};
use crate::audit;
use crate::collectors::{self, Equipment, model_files};
use crate::domain::FactSheet;

/// Largest file inside an archive of the stream: as much memory is taken for each thread.
const MEMBER_BYTES: u64 = 64 << 20;

/// Prints the facts sheet of one crate or model.
pub fn run(arguments: &FactsArguments) -> Result<u8, Failure> {
    let Some(spec) = arguments.spec.as_deref() else { return all_of_stdin(arguments) };
    let path = Path::new(spec);
    if path.exists() {
        let mut sheet = FactSheet::new(audit::model_subject(path));
        sheet.put(model_files::GROUP, &model_files::measure(path)?);
        output::stdout(crate::reporter::json_text(&sheet)?.as_bytes())?;
        return Ok(0);
    }
    let (name, version) = crate_spec(spec)?;
    let options = session::gather_options(&arguments.common, false)?;
    let graph = collectors::single(name, version, &options)?;
    let gathered = collectors::gather(&graph, &options)?;
    let text = crate::reporter::json_text(&gathered.sheets[0])?;
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// Answers every line of standard input; each thread works on an item of its own.
fn all_of_stdin(arguments: &FactsArguments) -> Result<u8, Failure> {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.common.jobs.filter(|jobs| *jobs > 0).unwrap_or_else(cores).min(256);
    let options = session::gather_options(&arguments.common, false)?;
    let options = collectors::Options { jobs: Some(1), progress: false, ..options };
    let limits = Limits { member_bytes: MEMBER_BYTES, ..Limits::default() };
    let equipment = Arc::new(Equipment::streaming(&options, limits)?);
    let items = item::Items {
        options: collectors::Options { equipment: Some(Arc::clone(&equipment)), ..options },
        equipment: Arc::clone(&equipment),
        archive_bytes: arguments.item_mib << 20,
    };
    let way = stream::Way { threads, item_time: arguments.item_time };
    let measure = move |request: &item::Request| items.measure(request);
    let done = stream::run(io::stdin().lock(), io::stdout(), &way, &Arc::new(measure));
    equipment.finish();
    equipment.problems().iter().for_each(|problem| output::warning(problem));
    done.map_err(|error| Failure::text(format!("the stream broke off: {error}")))?;
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
