//! `db`: the databases that audits read.

use std::fmt::Write as _;
use std::path::Path;

use super::Failure;
use super::arguments::{DbArguments, DbCommand, DbData};
use super::environment::today;
use super::{output, session};
use crate::collectors::advisories::{self, AdvisoryDb};
use crate::collectors::custody_data;
use crate::collectors::custody_store::{
    self, CustodySource as _, Extract, ImportStats, Store, Target, Way, Written, open_store,
    write_extract,
};
use crate::collectors::{self, Options};
use crate::domain::{Measured, Origin};
use crate::net::Client;
use crate::net::index::{IndexConfig, SparseIndex};

/// Runs one of the subcommands.
pub fn run(arguments: &DbArguments) -> Result<u8, Failure> {
    let options = session::gather_options(&arguments.common, false)?;
    match &arguments.command {
        DbCommand::Update { only, dependents } => update(&options, *only, *dependents),
        DbCommand::Status => status(&options),
        DbCommand::Import { file: Some(file), .. } => import(&options, file),
        DbCommand::Import { file: None, .. } => update(&options, Some(DbData::Custody), false),
        DbCommand::Slim { all: true, output, .. } => slim_all(&options, output),
        DbCommand::Slim { lockfile, output, .. } => slim(&options, lockfile, output),
    }
}

/// Fetches one after the other; a failure of the one does not keep the other from being fetched.
fn update(options: &Options, only: Option<DbData>, dependents: bool) -> Result<u8, Failure> {
    let runtime = crate::net::runtime()?;
    let client = collectors::client(options);
    let mut failed = Vec::new();
    for data in [DbData::Advisories, DbData::Custody] {
        if only.is_some_and(|only| only != data) {
            continue;
        }
        let fetched = match data {
            DbData::Advisories => update_advisories(options, &client, &runtime),
            DbData::Custody => update_custody(options, &client, &runtime, dependents),
        };
        match fetched {
            Ok(text) => output::stdout(text.as_bytes())?,
            Err(failure) => failed.push(failure),
        }
    }
    let mut failed = failed.into_iter();
    match (failed.next(), failed.next()) {
        (None, _) => Ok(0),
        (Some(one), None) => Err(one),
        (Some(one), Some(other)) => {
            Err(Failure { message: format!("{}; {}", one.message, other.message), ..one })
        }
    }
}

fn update_advisories(
    options: &Options,
    client: &Client,
    runtime: &tokio::runtime::Runtime,
) -> Result<String, Failure> {
    let asked = advisories::update(client, &options.urls, &options.cache_dir, today()?);
    let installed = runtime.block_on(asked)?;
    let mut text = format!("advisories  {}", installed.advisories);
    if let Some(day) = installed.downloaded {
        let _ = write!(text, " of {day}");
    }
    if installed.unreadable > 0 {
        let _ =
            write!(text, "; {} files could not be read and were left out", installed.unreadable);
    }
    let _ = writeln!(text, "; SHA-256 of the archive {}", installed.sha256);
    Ok(text)
}

fn update_custody(
    options: &Options,
    client: &Client,
    runtime: &tokio::runtime::Runtime,
    dependents: bool,
) -> Result<String, Failure> {
    let base = match &options.urls.static_files {
        Some(base) => base.clone(),
        None => static_files(&runtime.block_on(SparseIndex::new(client, &options.urls).config())?)?,
    };
    let bar = bar(options);
    let progress = |came: u64, of: Option<u64>| {
        if let Some(of) = of {
            bar.set_length(of);
        }
        bar.set_position(came);
    };
    let path = store_path(options);
    let into = Target { store: &path, dependents, today: Some(options.today) };
    let done = Store::download(client, runtime, &base, into, &progress);
    bar.finish_and_clear();
    let done = done?;
    let day = done.taken.strftime("%Y-%m-%d");
    let mib = done.bytes.div_ceil(1 << 20);
    Ok(match (done.imported, done.way) {
        (None, _) => format!("custody     that of {day} is there already\n"),
        (Some(stats), Way::Ranges) => {
            format!("custody     {} of {day}; {mib} MiB read of its zip\n", told(&stats))
        }
        (Some(stats), Way::Whole) => {
            format!("custody     {} of {day}; the whole dump read, {mib} MiB\n", told(&stats))
        }
    })
}

/// A bar on stderr where that is a terminal, else nothing.
fn bar(options: &Options) -> indicatif::ProgressBar {
    if !options.progress {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template(
        "{prefix:>22} [{bar:30}] {binary_bytes}/{binary_total_bytes} {eta}",
    )
    .expect("the template is constant")
    .progress_chars("=> ");
    indicatif::ProgressBar::no_length().with_style(style).with_prefix("custody data")
}

fn told(stats: &ImportStats) -> String {
    format!(
        "{} crates, {} versions, {} owners, {} accounts, {} deleted crates",
        stats.crates, stats.versions, stats.owners, stats.accounts, stats.deleted
    )
}

fn status(options: &Options) -> Result<u8, Failure> {
    let database = match &options.advisory_db {
        Some(folder) => AdvisoryDb::open(folder).map_err(|error| error.to_string()),
        None => advisories::present(&options.cache_dir, &options.cargo_home).database,
    };
    let advisories = match database {
        Ok(database) => match database.date() {
            Measured::Known(date) => {
                let days = date.duration_until(today()?).as_hours() / 24;
                format!("of {date}, {days} days old")
            }
            Measured::Unknown(reason) => format!("of unknown age: {reason}"),
        },
        Err(why) if why == advisories::NO_DATABASE => {
            "none; run `cargo custody db update`".to_owned()
        }
        Err(why) => format!("unusable: {why}"),
    };
    let imported = options.dump.clone().unwrap_or_else(|| store_path(options));
    let custody = match custody_store::open(&imported, &options.cache_dir) {
        Ok(source) => {
            let stamp = source.stamp();
            let days = stamp.date().duration_until(today()?).as_hours() / 24;
            format!("{} of {}, {days} days old", stamp.source.as_str(), stamp.date())
        }
        Err(_) if options.dump.is_none() && !imported.exists() => {
            "none; run `cargo custody db update`, or let audits ask the registry's API".to_owned()
        }
        Err(error) => format!("unusable: {error}"),
    };
    let extract = match Extract::open(&options.cache_dir.join(custody_data::EXTRACT)) {
        Ok(extract) => {
            let day = extract.stamp().date();
            let days = day.duration_until(today()?).as_hours() / 24;
            format!("{} crates of {day}, {days} days old", extract.crates())
        }
        Err(custody_store::CustodyStoreError::Io { .. }) => match &options.data {
            Some(url) => format!("none; the next audit asks {url}"),
            None => "none, and none is fetched".to_owned(),
        },
        Err(error) => format!("unusable: {error}"),
    };
    let folder = options.cache_dir.display();
    let text = format!(
        "cache       {folder}\nadvisories  {advisories}\ncustody     {custody}\nextract     {extract}\n"
    );
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// The store that a dump is imported into.
fn store_path(options: &Options) -> std::path::PathBuf {
    options.cache_dir.join(collectors::IMPORTED)
}

fn import(options: &Options, path: &Path) -> Result<u8, Failure> {
    let cannot = |e: std::io::Error| Failure::text(format!("cannot read {}: {e}", path.display()));
    let dump = std::io::BufReader::with_capacity(1 << 20, crate::disk::open(path).map_err(cannot)?);
    std::fs::create_dir_all(&options.cache_dir)
        .map_err(|e| Failure::text(format!("cannot make {}: {e}", options.cache_dir.display())))?;
    let stats = Store::import_on(dump, &store_path(options), Some(options.today))?;
    let text = format!("{}\nimported into {}\n", told(&stats), store_path(options).display());
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// The base of the registry's static files, from where its index says that archives are.
fn static_files(config: &IndexConfig) -> Result<String, Failure> {
    config.dl.trim_end_matches('/').strip_suffix("crates").map(str::to_owned).ok_or_else(|| {
        Failure::text("where the registry keeps its dump is not known").help(
            "set CARGO_CUSTODY_STATIC to the base address of its static files; the registry's page on \
             data access names it",
        )
    })
}

/// The dump that the user names, else the one that was imported.
fn store(options: &Options) -> Result<Store, Failure> {
    match &options.dump {
        Some(dump) => Ok(open_store(dump, &options.cache_dir)?),
        None => Store::open(&store_path(options)).map_err(|error| {
            Failure::new(&error).help(
                "fetch or import a registry dump first: `cargo custody db update` or `db import FILE`",
            )
        }),
    }
}

fn slim_all(options: &Options, to: &Path) -> Result<u8, Failure> {
    let Written { crates, bytes } = write_extract(&store(options)?, to)?;
    let text = format!("wrote {bytes} bytes about {crates} crates to {}\n", to.display());
    output::stdout(text.as_bytes())?;
    Ok(0)
}

fn slim(options: &Options, lockfile: &Path, to: &Path) -> Result<u8, Failure> {
    let walk = crate::walker::walk(lockfile, &crate::walker::Options::default())?;
    let store = store(options)?;
    let registry = walk.graph.nodes.iter().filter(|n| n.subject.origin == Origin::Registry);
    let names: std::collections::BTreeSet<&str> =
        registry.map(|node| node.subject.name.as_str()).collect();
    let count = names.len();
    let bytes = store.slim(names)?;
    output::file(to, &bytes)?;
    let text = format!("wrote {} bytes about {count} crates to {}\n", bytes.len(), to.display());
    output::stdout(text.as_bytes())?;
    Ok(0)
}
