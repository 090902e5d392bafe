//! What a run works with and many runs can share: threads, the runtime, the client, what is kept, and
//! the databases that are opened once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use custody_bytes::gzip_tar::Limits;

use super::{GatherError, IMPORTED, Options, client};
use crate::collectors::advisories::{self, AdvisoryDb, Choice};
use crate::collectors::cargo_home::CargoHome;
use crate::collectors::contents::{Contents, Measurer};
use crate::collectors::crate_files::Want;
use crate::collectors::custody_data::{self, When};
use crate::collectors::custody_store::{self, CustodySource, CustodyStoreError};
use crate::collectors::kept::Kept;
use crate::collectors::names::{PopularNames, Prepared};
use crate::collectors::shared::Shared;
use crate::domain::Origin;
use crate::net::Client;
use crate_read::rust_source;

/// Room to parse code, and what a thread has otherwise. It is address space: what is never deep takes no memory.
const STACK: usize = (8 << 20) + rust_source::STACK;

/// A file with custody data that many runs ask.
pub(super) struct CustodyFile {
    /// What answers.
    pub(super) source: Arc<dyn CustodySource>,
    popular: OnceLock<Option<Arc<Prepared>>>,
}

impl CustodyFile {
    fn new(source: Box<dyn CustodySource>) -> Arc<Self> {
        Arc::new(Self { source: Arc::from(source), popular: OnceLock::new() })
    }

    /// Its list of popular names, read and folded once however many runs ask for it. None where it has no
    /// such list.
    pub(super) fn popular(&self) -> Option<Arc<Prepared>> {
        let read = || {
            let list = self.source.popular();
            let names = list.into_iter().map(|one| one.name).collect();
            let table = PopularNames { date: self.source.stamp().date().to_string(), names };
            (!table.names.is_empty()).then(|| Arc::new(Prepared::new(table)))
        };
        self.popular.get_or_init(read).clone()
    }
}

/// A file with custody data, or why it cannot be opened.
type Opened = Result<Arc<CustodyFile>, String>;

/// Made once for a process that gathers many times. Everything that differs between its runs stays in
/// their [`Options`]; folders, addresses and `offline` are those that it was made with.
pub struct Equipment {
    /// Where archives are scanned; `None` is in whatever pool the caller is.
    pool: Option<rayon::ThreadPool>,
    /// Drives the requests.
    pub(super) runtime: tokio::runtime::Runtime,
    /// Cargo's folders.
    pub(super) home: CargoHome,
    /// Asks the registry.
    client: Client,
    /// What earlier runs measured.
    pub(super) kept: Arc<Kept>,
    /// Measures archives.
    pub(super) measurer: Arc<Measurer>,
    advisories: OnceLock<Choice>,
    extract: OnceLock<custody_data::Present>,
    custody: Mutex<BTreeMap<PathBuf, Opened>>,
    /// Problems that were told.
    told: Mutex<BTreeSet<String>>,
}

fn want(sha256: &str, name: &str, version: &str) -> Want {
    Want {
        name: name.to_owned(),
        version: version.to_owned(),
        checksum: sha256.to_owned(),
        origin: Origin::Registry,
    }
}

impl fmt::Debug for Equipment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Equipment").finish_non_exhaustive()
    }
}

/// Threads that scan archives, with room to parse their code.
fn pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK)
        .start_handler(|_| rust_source::with_room())
        .build()
}

impl Equipment {
    /// For one run.
    fn single(options: &Options) -> Result<Self, GatherError> {
        Self::new(options, Kept::open(&options.cache_dir), Limits::default())
    }

    /// For many runs in one process; what they measure is written in batches.
    pub fn shared(options: &Options) -> Result<Self, GatherError> {
        Self::new(options, Kept::open(&options.cache_dir).in_batches(), Limits::default())
    }

    /// For a stream of items, each measured by one thread of the caller's, within `limits`.
    pub fn streaming(options: &Options, limits: Limits) -> Result<Self, GatherError> {
        let made = Self::new(options, Kept::open(&options.cache_dir).in_batches(), limits)?;
        Ok(Self { pool: None, ..made })
    }

    fn new(options: &Options, kept: Kept, limits: Limits) -> Result<Self, GatherError> {
        let threads = options.jobs.unwrap_or(0);
        let kept = Arc::new(kept);
        // What is named and cannot be used ends the run before anybody is asked.
        let named = options.advisory_db.as_deref().map(AdvisoryDb::open).transpose()?;
        let advisories = named.map_or_else(OnceLock::new, |named| {
            OnceLock::from(Choice { database: Ok(named), warning: None })
        });
        let mut custody = BTreeMap::new();
        if let Some(dump) = &options.dump {
            let source = custody_store::open(dump, &options.cache_dir)?;
            let day = source.stamp().date();
            if custody_store::is_to_come(day, Some(options.today)) {
                return Err(CustodyStoreError::ToCome { day: day.to_string() }.into());
            }
            custody.insert(dump.clone(), Ok(CustodyFile::new(source)));
        }
        Ok(Self {
            pool: Some(pool(threads)?),
            runtime: crate::net::runtime()?,
            home: CargoHome::open(&options.cargo_home)?,
            client: client(options),
            measurer: Arc::new(Measurer::new(
                Arc::clone(&kept),
                limits,
                options.store.clone().map(Shared::new),
            )),
            kept,
            advisories,
            extract: OnceLock::new(),
            custody: Mutex::new(custody),
            told: Mutex::default(),
        })
    }

    /// The client for one run: a project may forbid sockets that its fleet allows.
    pub(super) fn client_for(&self, options: &Options) -> Client {
        if options.offline { client(options) } else { self.client.clone() }
    }

    /// The one of these options, or a new one.
    pub(super) fn of(options: &Options) -> Result<Arc<Self>, GatherError> {
        match &options.equipment {
            Some(shared) => Ok(Arc::clone(shared)),
            None => Ok(Arc::new(Self::single(options)?)),
        }
    }

    /// Runs in its pool.
    pub(super) fn install<T: Send>(&self, run: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(run),
            None => run(),
        }
    }

    /// What measures archives and keeps what they say.
    #[must_use]
    pub fn measurer(&self) -> &Measurer {
        &self.measurer
    }

    /// What this machine or the shared store knows of an archive of the default registry.
    #[must_use]
    pub fn known(&self, sha256: &str, name: &str, version: &str) -> Option<Contents> {
        if let Some(shared) = self.measurer.shared() {
            let wants = [want(sha256, name, version)];
            self.runtime.block_on(shared.exchange(&self.measurer, &wants));
        }
        self.measurer.kept_contents(sha256, name, version, false)
    }

    /// Gives the shared store what was measured of an archive.
    pub fn give(&self, sha256: &str, name: &str, version: &str) {
        if let Some(shared) = self.measurer.shared() {
            let want = want(sha256, name, version);
            self.runtime.block_on(shared.give(&self.measurer, &want));
        }
    }

    /// What the user should know of the stores and was not told yet.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let kept = self.kept.problem();
        let kept = kept.map(|why| format!("nothing is kept for the next run: {why}"));
        let shared = self.measurer.shared().map(Shared::problems).unwrap_or_default();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        kept.into_iter().chain(shared).filter(|problem| told.insert(problem.clone())).collect()
    }

    /// Writes what is kept in memory; to be called at the end.
    pub fn finish(&self) {
        self.kept.write_all();
    }

    /// The advisory database, chosen once: a newer one is asked for where that is due.
    pub(super) fn advisories(&self, options: &Options) -> &Choice {
        self.advisories.get_or_init(|| {
            let folders = (options.cache_dir.as_path(), options.cargo_home.as_path());
            let asked = advisories::current(
                &self.client,
                &options.urls,
                folders,
                (options.as_of, options.refresh),
            );
            self.runtime.block_on(asked)
        })
    }

    /// The extract of the whole registry, chosen once: a newer one is asked for where that is due.
    pub(super) fn extract(&self, options: &Options) -> &custody_data::Present {
        self.extract.get_or_init(|| {
            let store = options.cache_dir.join(IMPORTED);
            let folders = (options.cache_dir.as_path(), store.as_path());
            let url = options.data.as_deref();
            let when = When { as_of: options.as_of, today: options.today, anew: options.refresh };
            self.runtime.block_on(custody_data::current(&self.client, url, folders, when))
        })
    }

    /// The custody data of a file, opened once, or why it cannot be.
    pub(super) fn custody(&self, dump: &Path, cache: &Path) -> Opened {
        let mut all = self.custody.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || {
            let source = custody_store::open(dump, cache).map_err(|error| error.to_string())?;
            Ok(CustodyFile::new(source))
        };
        all.entry(dump.to_owned()).or_insert_with(open).clone()
    }
}
