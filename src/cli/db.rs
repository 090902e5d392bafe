//! `db`: the databases that audits read.

use std::fmt::Write as _;
use std::path::Path;

use super::Failure;
use super::arguments::{DbArguments, DbCommand};
use super::environment::today;
use super::{output, session};
use crate::collectors::advisories::{self, AdvisoryDb};
use crate::collectors::{self, Options};
use crate::domain::Measured;

/// Runs one of the subcommands.
pub fn run(arguments: &DbArguments) -> Result<u8, Failure> {
    let options = session::gather_options(&arguments.common, false)?;
    match &arguments.command {
        DbCommand::Update => update(&options),
        DbCommand::Status => status(&options),
        DbCommand::Import { file, download } => import(&options, file.as_deref(), *download),
        DbCommand::Slim { lockfile, output } => slim(&options, lockfile, output),
    }
}

fn update(options: &Options) -> Result<u8, Failure> {
    let runtime = crate::net::runtime()?;
    let client = collectors::client(options);
    let installed =
        runtime.block_on(advisories::update(&client, &options.urls, &options.cache_dir))?;
    let mut text = format!("{} advisories installed", installed.advisories);
    if let Some(day) = installed.downloaded {
        let _ = write!(text, ", downloaded on {day}");
    }
    if installed.unreadable > 0 {
        let _ =
            write!(text, "; {} files could not be read and were left out", installed.unreadable);
    }
    let _ = writeln!(text, "\nSHA-256 of the archive: {}", installed.sha256);
    output::stdout(text.as_bytes())?;
    Ok(0)
}

fn status(options: &Options) -> Result<u8, Failure> {
    let database = match &options.advisory_db {
        Some(folder) => AdvisoryDb::open(folder).map(Some),
        None => AdvisoryDb::open_cached(&options.cache_dir),
    };
    let advisories = match database {
        Ok(Some(database)) => match database.date() {
            Measured::Known(date) => {
                let days = date.duration_until(today()?).as_hours() / 24;
                format!("of {date}, {days} days old")
            }
            Measured::Unknown(reason) => format!("of unknown age: {reason}"),
        },
        Ok(None) => "none; run `cargo custody db update`".to_owned(),
        Err(error) => format!("unusable: {error}"),
    };
    let folder = options.cache_dir.display();
    output::stdout(format!("cache       {folder}\nadvisories  {advisories}\n").as_bytes())?;
    Ok(0)
}

fn import(_: &Options, _: Option<&Path>, _: bool) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}

fn slim(_: &Options, _: &Path, _: &Path) -> Result<u8, Failure> {
    Err(Failure::text("not yet"))
}
