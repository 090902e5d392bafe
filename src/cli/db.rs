//! `db`: the databases that audits read.

use std::fmt::Write as _;
use std::path::Path;

use super::Failure;
use super::arguments::{DbArguments, DbCommand};
use super::environment::today;
use super::{output, session};
use crate::collectors::advisories::{self, AdvisoryDb};
use crate::collectors::custody_store::{self, Store, open_store};
use crate::collectors::{self, Options};
use crate::domain::{Measured, Origin};
use crate::net::index::{IndexConfig, SparseIndex};

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
    let installed = runtime.block_on(advisories::update(
        &client,
        &options.urls,
        &options.cache_dir,
        today()?,
    ))?;
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
            "none; run `cargo custody db import`, or let audits ask the registry's API".to_owned()
        }
        Err(error) => format!("unusable: {error}"),
    };
    let folder = options.cache_dir.display();
    let text = format!("cache       {folder}\nadvisories  {advisories}\ncustody     {custody}\n");
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// The store that a dump is imported into.
fn store_path(options: &Options) -> std::path::PathBuf {
    options.cache_dir.join(collectors::IMPORTED)
}

fn import(options: &Options, file: Option<&Path>, download: bool) -> Result<u8, Failure> {
    let downloaded;
    let path = match file {
        Some(path) => path,
        None if download => {
            downloaded = download_dump(options)?;
            downloaded.path()
        }
        None => return Err(Failure::text("name a dump, or --download one")),
    };
    let cannot = |e: std::io::Error| Failure::text(format!("cannot read {}: {e}", path.display()));
    let dump =
        std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(path).map_err(cannot)?);
    std::fs::create_dir_all(&options.cache_dir)
        .map_err(|e| Failure::text(format!("cannot make {}: {e}", options.cache_dir.display())))?;
    let stats = Store::import(dump, &store_path(options))?;
    let text = format!(
        "{} crates, {} versions, {} owners, {} accounts, {} deleted crates\nimported into {}\n",
        stats.crates,
        stats.versions,
        stats.owners,
        stats.accounts,
        stats.deleted,
        store_path(options).display()
    );
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// Streams the registry's dump into a temporary file of the cache folder.
fn download_dump(options: &Options) -> Result<tempfile::NamedTempFile, Failure> {
    let runtime = crate::net::runtime()?;
    let client = collectors::client(options);
    let base = match &options.urls.static_files {
        Some(base) => base.clone(),
        None => {
            static_files(&runtime.block_on(SparseIndex::new(&client, &options.urls).config())?)?
        }
    };
    std::fs::create_dir_all(&options.cache_dir)
        .map_err(|e| Failure::text(format!("cannot make {}: {e}", options.cache_dir.display())))?;
    let mut file = tempfile::NamedTempFile::new_in(&options.cache_dir)
        .map_err(|e| Failure::text(format!("cannot write to the cache folder: {e}")))?;
    runtime.block_on(crate::net::archives::download_dump(&client, &base, file.as_file_mut()))?;
    Ok(file)
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

fn slim(options: &Options, lockfile: &Path, to: &Path) -> Result<u8, Failure> {
    let walk = crate::walker::walk(lockfile, &crate::walker::Options::default())?;
    let store = match &options.dump {
        Some(dump) => open_store(dump, &options.cache_dir)?,
        None => Store::open(&store_path(options)).map_err(|error| {
            Failure::new(&error)
                .help("import a registry dump first: `cargo custody db import FILE`")
        })?,
    };
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
