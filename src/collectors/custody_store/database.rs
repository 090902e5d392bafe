//! The store itself: a redb file with one row a crate.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use redb::{Builder, ReadOnlyDatabase, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use crate::collectors::custody::{CrateCustody, SourceKind, Stamp};
use crate::domain::Measured;
use crate_read::registry_dump::{DumpError, DumpLimits, read_dump};

use super::assemble::{Assembly, ImportStats};
use super::popular::{LIST_LIMIT, PopularCrate};
use super::slim::write_slim;
use super::{CustodySource, CustodyStoreError, answer_of};

/// Crate name to its answer as JSON.
const CRATES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("crates");
/// What the store is: `schema`, `stamp`; `popular` is the list of popular crates, as JSON.
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
/// Version of the rows.
const SCHEMA: &str = "custody-store/1";
/// Memory for pages, in bytes.
const CACHE: usize = 16 * 1024 * 1024;
/// Longest row that is read, in bytes.
const ROW_LIMIT: usize = 64 * 1024 * 1024;

/// Custody data of a whole registry. Opened read-only: several runs can share it.
pub struct Store {
    path: PathBuf,
    database: ReadOnlyDatabase,
    stamp: Stamp,
    /// A folder that goes when the store is closed; last, so that the database is closed before.
    _scratch: Option<tempfile::TempDir>,
}

impl Store {
    /// Reads a dump into a new store at `path`, in place of a former one. Nothing is changed unless the
    /// whole dump was read, and it is not older than the one that is there.
    ///
    /// # Errors
    /// See [`CustodyStoreError`].
    pub fn import(dump: impl Read, path: &Path) -> Result<ImportStats, CustodyStoreError> {
        Self::import_on(dump, path, None)
    }

    /// [`Store::import`] on a day: a dump of a day that has not come is refused, and one that is there of such a
    /// day hinders nobody.
    ///
    /// # Errors
    /// See [`CustodyStoreError`].
    pub fn import_on(
        dump: impl Read,
        path: &Path,
        today: Option<Date>,
    ) -> Result<ImportStats, CustodyStoreError> {
        let mut assembly = Assembly::default();
        let taken = read_dump(dump, DumpLimits::default(), &mut |row| assembly.take(row))?;
        let stamp = Stamp { taken, source: SourceKind::Dump };
        not_older(stamp, path, today)?;
        write_store(assembly, stamp, path, today)
    }

    /// Opens a store.
    ///
    /// # Errors
    /// [`CustodyStoreError::Format`] for a store of another version, or a file that is none.
    pub fn open(path: &Path) -> Result<Self, CustodyStoreError> {
        let wrong = database_error(path);
        let database = Builder::new().set_cache_size(CACHE).open_read_only(path).map_err(wrong)?;
        let about = |key: &str| -> Result<Option<String>, redb::Error> {
            let table = database.begin_read()?.open_table(ABOUT)?;
            Ok(table.get(key)?.map(|value| value.value().to_owned()))
        };
        let schema = about("schema").map_err(database_error(path))?;
        if schema.as_deref() != Some(SCHEMA) {
            return Err(CustodyStoreError::format(path, "it is of another version; import again"));
        }
        let stamp = about("stamp").map_err(database_error(path))?;
        let stamp = stamp.and_then(|text| serde_json::from_str(&text).ok());
        let stamp =
            stamp.ok_or_else(|| CustodyStoreError::format(path, "it does not say of which day"))?;
        Ok(Self { path: path.to_owned(), database, stamp, _scratch: None })
    }

    /// The same store, which takes the folder that it lies in with it.
    #[must_use]
    pub(super) fn within(self, scratch: tempfile::TempDir) -> Self {
        Self { _scratch: Some(scratch), ..self }
    }

    /// The row of a crate.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn row(&self, name: &str) -> Result<Option<CrateCustody>, CustodyStoreError> {
        let bytes = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(CRATES)?;
            Ok(table.get(name)?.map(|row| row.value().to_vec()))
        };
        let Some(bytes) = bytes().map_err(database_error(&self.path))? else { return Ok(None) };
        parse_row(&self.path, name, &bytes).map(Some)
    }

    /// Hands every row to `take`, in the order of the names.
    ///
    /// # Errors
    /// Where the file is damaged, and what `take` refuses.
    pub fn each(
        &self,
        mut take: impl FnMut(&str, CrateCustody) -> Result<(), CustodyStoreError>,
    ) -> Result<(), CustodyStoreError> {
        let wrong = database_error(&self.path);
        let transaction = self.database.begin_read().map_err(redb::Error::from).map_err(&wrong)?;
        let table = transaction.open_table(CRATES).map_err(redb::Error::from).map_err(&wrong)?;
        for entry in table.iter().map_err(redb::Error::from).map_err(&wrong)? {
            let (name, row) = entry.map_err(redb::Error::from).map_err(&wrong)?;
            take(name.value(), parse_row(&self.path, name.value(), row.value())?)?;
        }
        Ok(())
    }

    /// Writes the extract for `names` (sorted and made unique here): the same bytes for the same store
    /// and names.
    ///
    /// # Errors
    /// See [`CustodyStoreError`].
    pub fn slim<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Vec<u8>, CustodyStoreError> {
        let mut rows = std::collections::BTreeMap::new();
        for name in names {
            rows.insert(name.to_owned(), self.row(name)?);
        }
        write_slim(self.stamp, &rows).map_err(|error| CustodyStoreError::io(&self.path, error))
    }
}

impl CustodySource for Store {
    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn popular(&self) -> Vec<PopularCrate> {
        let text = || -> Result<Option<String>, redb::Error> {
            let table = self.database.begin_read()?.open_table(ABOUT)?;
            Ok(table.get("popular")?.map(|value| value.value().to_owned()))
        };
        // A store of before has none, and one that cannot be read tells so at its rows.
        let text = text().ok().flatten().filter(|text| text.len() as u64 <= LIST_LIMIT);
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn answer(&self, name: &str) -> Measured<CrateCustody> {
        answer_of(self.row(name), self.stamp)
    }
}

/// Writes a store beside its place and renames it into it.
pub(super) fn write_store(
    mut assembly: Assembly,
    stamp: Stamp,
    path: &Path,
    today: Option<Date>,
) -> Result<ImportStats, CustodyStoreError> {
    let refused = |what| CustodyStoreError::Dump(DumpError::Refused(what));
    assembly.check().map_err(refused)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| CustodyStoreError::io(folder, error))?;
    let _turn = Turn::take(folder);
    let beside = tempfile::Builder::new().prefix(BESIDE).tempfile_in(folder);
    let file = beside.map_err(|error| CustodyStoreError::io(folder, error))?;
    let stats = write(assembly, stamp, file.path())?;
    // Somebody else may have put a newer one there in the meantime.
    not_older(stamp, path, today)?;
    file.persist(path).map_err(|error| CustodyStoreError::io(path, error.error))?;
    Ok(stats)
}

/// Refuses to go back in time: a mirror that stands still would hide what changed hands since. A store
/// that cannot be read says of no day, and is replaced; so is one of a day that has not come, which would block
/// every honest one until then. The answer is the stamp of what is there.
pub(super) fn not_older(
    new: Stamp,
    path: &Path,
    today: Option<Date>,
) -> Result<Option<Stamp>, CustodyStoreError> {
    if is_to_come(new.date(), today) {
        return Err(CustodyStoreError::ToCome { day: new.date().to_string() });
    }
    let former = if path.exists() { Store::open(path).ok() } else { None };
    let former = former.filter(|former| !is_to_come(former.stamp.date(), today));
    match former {
        Some(former) if former.stamp.taken > new.taken => Err(CustodyStoreError::Older {
            path: path.display().to_string(),
            new: new.date().to_string(),
            former: former.stamp.date().to_string(),
        }),
        former => Ok(former.map(|former| former.stamp)),
    }
}

/// Whether a day has not come, clocks of a day's difference allowed for. Without a clock every day may have.
pub(crate) fn is_to_come(day: Date, today: Option<Date>) -> bool {
    today.is_some_and(|today| today.tomorrow().is_ok_and(|tomorrow| day > tomorrow))
}

/// How files begin that are written beside their place.
const BESIDE: &str = ".custody-writing-";

/// One writer at a time in a folder. What a writer left that was stopped in the middle is taken away by the
/// next one: nobody else can be at it.
pub(super) struct Turn {
    _folder: Option<std::fs::File>,
}

impl Turn {
    /// Waits for its turn; where a folder cannot be locked, as on Windows, everybody writes at once, each file
    /// beside its place.
    pub(super) fn take(folder: &Path) -> Self {
        // The folder is locked and never read; `disk` opens regular files only.
        let open = std::fs::OpenOptions::new().read(true).open(folder);
        let locked = open.ok().filter(|folder| folder.lock().is_ok());
        if locked.is_some() {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            for entry in entries.filter(|one| one.file_name().to_string_lossy().starts_with(BESIDE))
            {
                // What cannot be taken away costs space and nothing else.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Self { _folder: locked }
    }
}

/// One row from its bytes, checked.
pub(super) fn parse_row(
    path: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<CrateCustody, CustodyStoreError> {
    if bytes.len() > ROW_LIMIT {
        return Err(CustodyStoreError::format(path, "a row is longer than any honest one"));
    }
    let row: CrateCustody = serde_json::from_slice(bytes)
        .map_err(|error| CustodyStoreError::format(path, format!("`{name}`: {error}")))?;
    row.checked().map_err(|source| CustodyStoreError::Reference {
        path: path.display().to_string(),
        name: name.to_owned(),
        source,
    })
}

/// Fills a new database in the order of its keys.
fn write(assembly: Assembly, stamp: Stamp, path: &Path) -> Result<ImportStats, CustodyStoreError> {
    let fill = || -> Result<ImportStats, redb::Error> {
        let database = Builder::new().set_cache_size(CACHE).create(path)?;
        let transaction = database.begin_write()?;
        let stats = {
            let mut about = transaction.open_table(ABOUT)?;
            about.insert("schema", SCHEMA)?;
            about.insert("stamp", json(&stamp).as_str())?;
            let mut crates = transaction.open_table(CRATES)?;
            let mut bytes = Vec::new();
            let (stats, popular) = assembly.finish(stamp, |name, row| {
                bytes.clear();
                serde_json::to_writer(&mut bytes, &row).map_err(std::io::Error::from)?;
                crates.insert(name, bytes.as_slice())?;
                Ok::<_, redb::Error>(())
            })?;
            let popular = serde_json::to_string(&popular).map_err(std::io::Error::from)?;
            about.insert("popular", popular.as_str())?;
            stats
        };
        transaction.commit()?;
        Ok(stats)
    };
    let stats = fill().map_err(database_error(path))?;
    let flushed = std::fs::OpenOptions::new().write(true).open(path).and_then(|mut file| {
        file.flush()?;
        file.sync_all()
    });
    flushed.map_err(|error| CustodyStoreError::io(path, error))?;
    Ok(stats)
}

fn json(stamp: &Stamp) -> String {
    serde_json::to_string(stamp).expect("a stamp is a plain struct")
}

fn database_error<E: Into<redb::Error>>(path: &Path) -> impl Fn(E) -> CustodyStoreError {
    let path = path.display().to_string();
    move |error| CustodyStoreError::Database { path: path.clone(), source: Box::new(error.into()) }
}
