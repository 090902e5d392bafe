//! The rows of the dump that are read, and the columns that they come from.

use jiff::Timestamp;

use super::csv_table::Record;

/// A table of the dump: its path, its columns (and which of them must be there), its parser.
pub(super) struct Table {
    /// Path below the dated folder.
    pub(super) path: &'static str,
    /// Whether a dump without it is refused.
    pub(super) required: bool,
    /// Column and whether the table is refused without it. Columns that the registry added late are
    /// optional, so that older dumps can be read.
    pub(super) columns: &'static [(&'static str, bool)],
    /// Values to row.
    pub(super) parse: for<'a> fn(&'a Record<'_>) -> Result<DumpRow<'a>, String>,
}

/// The path of a member that is read, by what stands in an archive; nothing for any other.
pub(super) fn is_wanted(path: &str) -> Option<&'static str> {
    let mut paths = TABLES.iter().map(|table| table.path).chain([super::METADATA]);
    paths.find(|wanted| *wanted == path)
}

/// What is read of a dump. Any order; every other table is passed over.
pub(super) static TABLES: [Table; 9] = [
    Table {
        path: "data/crates.csv",
        required: true,
        columns: &[
            ("id", true),
            ("name", true),
            ("created_at", true),
            ("repository", false),
            ("homepage", false),
            ("trustpub_only", false),
        ],
        parse: |record| crate_row(record).map(DumpRow::Crate),
    },
    Table {
        path: "data/crate_owners.csv",
        required: true,
        columns: &[
            ("crate_id", true),
            ("owner_id", true),
            ("owner_kind", true),
            ("created_at", true),
            ("created_by", true),
        ],
        parse: |record| owner_row(record).map(DumpRow::Owner),
    },
    Table {
        path: "data/users.csv",
        required: true,
        columns: &[("id", true), ("gh_login", true), ("username", false), ("created_at", false)],
        parse: |record| user_row(record).map(DumpRow::User),
    },
    Table {
        path: "data/teams.csv",
        required: true,
        columns: &[("id", true), ("login", true)],
        parse: |record| team_row(record).map(DumpRow::Team),
    },
    Table {
        path: "data/versions.csv",
        required: true,
        columns: &[
            ("crate_id", true),
            ("num", true),
            ("created_at", true),
            ("published_by", true),
            ("yanked", true),
            ("repository", false),
            ("homepage", false),
        ],
        parse: |record| version_row(record).map(DumpRow::Version),
    },
    Table {
        path: "data/deleted_crates.csv",
        required: false,
        columns: &[("name", true), ("deleted_at", true), ("message", false)],
        parse: |record| deleted_row(record).map(DumpRow::Deleted),
    },
    Table {
        path: "data/crate_downloads.csv",
        required: false,
        columns: &[("crate_id", true), ("downloads", true)],
        parse: |record| downloads_row(record).map(DumpRow::Downloads),
    },
    Table {
        path: "data/default_versions.csv",
        required: false,
        columns: &[("version_id", true)],
        parse: |record| id(record, "version_id").map(DumpRow::DefaultVersion),
    },
    Table {
        path: super::DEPENDENCIES,
        required: false,
        columns: &[("crate_id", true), ("version_id", true), ("kind", true)],
        parse: |record| dependency_row(record).map(DumpRow::Dependency),
    },
];

/// One row of the dump.
#[derive(Clone, Debug, PartialEq)]
pub enum DumpRow<'a> {
    /// Of `crates`.
    Crate(CrateRow<'a>),
    /// Of `crate_owners`.
    Owner(OwnerRow),
    /// Of `users`.
    User(UserRow<'a>),
    /// Of `teams`.
    Team(TeamRow<'a>),
    /// Of `versions`.
    Version(VersionRow<'a>),
    /// Of `deleted_crates`.
    Deleted(DeletedRow<'a>),
    /// Of `crate_downloads`.
    Downloads(DownloadsRow),
    /// Of `default_versions`: id of the version that stands for its crate, the newest as a rule.
    DefaultVersion(u64),
    /// Of `dependencies`.
    Dependency(DependencyRow),
}

/// Whether a crate accepts trusted publishing only; older dumps do not say.
pub type TrustedOnly = Option<bool>;

/// A crate.
#[derive(Clone, Debug, PartialEq)]
pub struct CrateRow<'a> {
    /// The registry's id.
    pub id: u64,
    /// Name as published.
    pub name: &'a str,
    /// First publish.
    pub created_at: Timestamp,
    /// Repository of the newest version.
    pub repository: Option<&'a str>,
    /// Home page of the newest version.
    pub homepage: Option<&'a str>,
    /// Accepts trusted publishing only.
    pub trusted_only: TrustedOnly,
}

/// One owner of one crate, today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    /// Id of the crate.
    pub crate_id: u64,
    /// Id of the user or team, each counted for itself.
    pub owner_id: u64,
    /// A team, else a user.
    pub team: bool,
    /// Since when; a removed and re-added owner has the later date.
    pub created_at: Timestamp,
    /// The user who added them; absent for old rows.
    pub created_by: Option<u64>,
}

/// A user who owns or published something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow<'a> {
    /// The registry's id.
    pub id: u64,
    /// Login at the forge that they sign in with.
    pub login: &'a str,
    /// Name at the registry, where it has its own.
    pub username: Option<&'a str>,
    /// When the account was made; older dumps do not say.
    pub created_at: Option<Timestamp>,
}

/// A team that owns something. Who is in it is not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamRow<'a> {
    /// The registry's id, counted apart from users.
    pub id: u64,
    /// `github:organisation:team`.
    pub login: &'a str,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow<'a> {
    /// Id of the crate.
    pub crate_id: u64,
    /// Version number.
    pub number: &'a str,
    /// When it was published.
    pub created_at: Timestamp,
    /// Id of the user who published it; null for trusted publishing and for very old versions.
    pub published_by: Option<u64>,
    /// Yanked today.
    pub yanked: bool,
    /// Repository as this version declares it.
    pub repository: Option<&'a str>,
    /// Home page as this version declares it.
    pub homepage: Option<&'a str>,
}

/// A crate that the registry deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// When.
    pub deleted_at: Timestamp,
    /// What the registry says of it.
    pub message: Option<&'a str>,
}

/// How often a crate was downloaded, all versions and all times together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadsRow {
    /// Id of the crate.
    pub crate_id: u64,
    /// How often.
    pub downloads: u64,
}

/// A version that depends on a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DependencyRow {
    /// Id of the crate that is depended on.
    pub crate_id: u64,
    /// Id of the version that depends on it.
    pub version_id: u64,
    /// For its tests only.
    pub dev: bool,
}

fn downloads_row(record: &Record<'_>) -> Result<DownloadsRow, String> {
    Ok(DownloadsRow { crate_id: id(record, "crate_id")?, downloads: id(record, "downloads")? })
}

fn dependency_row(record: &Record<'_>) -> Result<DependencyRow, String> {
    Ok(DependencyRow {
        crate_id: id(record, "crate_id")?,
        version_id: id(record, "version_id")?,
        dev: match required(record, "kind")? {
            "0" | "1" => false,
            "2" => true,
            _ => return Err("`kind` is none that is known".to_owned()),
        },
    })
}

fn crate_row<'a>(record: &'a Record<'_>) -> Result<CrateRow<'a>, String> {
    Ok(CrateRow {
        id: id(record, "id")?,
        name: required(record, "name")?,
        created_at: time(record, "created_at")?,
        repository: record.text("repository")?,
        homepage: record.text("homepage")?,
        trusted_only: if record.has("trustpub_only") {
            Some(truth(record, "trustpub_only")?)
        } else {
            None
        },
    })
}

fn owner_row(record: &Record<'_>) -> Result<OwnerRow, String> {
    Ok(OwnerRow {
        crate_id: id(record, "crate_id")?,
        owner_id: id(record, "owner_id")?,
        team: match required(record, "owner_kind")? {
            "0" => false,
            "1" => true,
            _ => return Err("`owner_kind` is neither user nor team".to_owned()),
        },
        created_at: time(record, "created_at")?,
        created_by: optional_id(record, "created_by")?,
    })
}

fn user_row<'a>(record: &'a Record<'_>) -> Result<UserRow<'a>, String> {
    Ok(UserRow {
        id: id(record, "id")?,
        login: required(record, "gh_login")?,
        username: record.text("username")?,
        created_at: record
            .text("created_at")?
            .map(|text| parse_time(text, "created_at"))
            .transpose()?,
    })
}

fn team_row<'a>(record: &'a Record<'_>) -> Result<TeamRow<'a>, String> {
    Ok(TeamRow { id: id(record, "id")?, login: required(record, "login")? })
}

fn version_row<'a>(record: &'a Record<'_>) -> Result<VersionRow<'a>, String> {
    Ok(VersionRow {
        crate_id: id(record, "crate_id")?,
        number: required(record, "num")?,
        created_at: time(record, "created_at")?,
        published_by: optional_id(record, "published_by")?,
        yanked: truth(record, "yanked")?,
        repository: record.text("repository")?,
        homepage: record.text("homepage")?,
    })
}

fn deleted_row<'a>(record: &'a Record<'_>) -> Result<DeletedRow<'a>, String> {
    Ok(DeletedRow {
        name: required(record, "name")?,
        deleted_at: time(record, "deleted_at")?,
        message: record.text("message")?,
    })
}

fn required<'a>(record: &'a Record<'_>, column: &str) -> Result<&'a str, String> {
    record.text(column)?.ok_or_else(|| format!("`{column}` is empty"))
}

fn optional_id(record: &Record<'_>, column: &str) -> Result<Option<u64>, String> {
    record
        .text(column)?
        .map(|text| text.parse().map_err(|_| format!("`{column}` is no id")))
        .transpose()
}

fn id(record: &Record<'_>, column: &str) -> Result<u64, String> {
    optional_id(record, column)?.ok_or_else(|| format!("`{column}` is empty"))
}

fn truth(record: &Record<'_>, column: &str) -> Result<bool, String> {
    match required(record, column)? {
        "t" => Ok(true),
        "f" => Ok(false),
        _ => Err(format!("`{column}` is neither t nor f")),
    }
}

fn time(record: &Record<'_>, column: &str) -> Result<Timestamp, String> {
    parse_time(required(record, column)?, column)
}

/// `2026-03-14 09:26:53.123456+00`, as PostgreSQL writes it.
fn parse_time(text: &str, column: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("`{column}` is no time"))
}
