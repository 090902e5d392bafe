//! What the user's environment and own configuration say. The audited tree has no word here.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use serde::Deserialize;

use super::Failure;
use crate::net::BaseUrls;

/// Names the address of the advisory database.
const ADVISORIES: &str = "CARGO_CUSTODY_ADVISORY_DB";

/// Names the address of the extract of the whole registry, or `off`.
const DATA: &str = "CARGO_CUSTODY_DATA";
/// This project's own, which a workflow makes every night.
const DEFAULT_DATA: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/releases/download/custody-data/registry.custody");

/// The user's own configuration, `cargo-custody/config.toml` in the user's configuration folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct UserConfig {
    /// Sparse index to read instead of the default one; ends in `/`.
    index: Option<String>,
    /// Base of the registry's static files.
    r#static: Option<String>,
    /// Base of the registry's API.
    crates_io: Option<String>,
    /// Base of the model Hub.
    hf_endpoint: Option<String>,
    /// The simple index of Python that may be asked.
    python_index: Option<String>,
    /// The index of npm that may be asked.
    npm_index: Option<String>,
    /// A folder with records of malicious packages, in the format of OSV.
    malware: Option<PathBuf>,
    /// The advisory database as a gzip tar.
    advisory_db: Option<String>,
    /// A registry dump or slim file.
    dump: Option<PathBuf>,
    /// The extract of the whole registry; `off` for none.
    data: Option<String>,
    /// Where measured facts and downloads are kept.
    cache_dir: Option<PathBuf>,
}

/// Folders and base addresses of one run.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Cargo's home, as cargo itself resolves it.
    pub cargo_home: PathBuf,
    /// The tool's own cache.
    pub cache_dir: PathBuf,
    /// A dump or slim file that the user's configuration names.
    pub dump: Option<PathBuf>,
    /// A folder with records of malicious packages.
    pub malware: Option<PathBuf>,
    /// Where the extract of the whole registry is fetched from.
    pub data: Option<String>,
    /// The cache in which the Hub's clients keep models, where it can be told.
    pub hub_cache: Option<PathBuf>,
    /// Base addresses.
    pub urls: BaseUrls,
}

impl Environment {
    /// Reads the environment and the user's configuration.
    pub fn read(cache_dir: Option<PathBuf>) -> Result<Self, Failure> {
        let folders = etcetera::choose_base_strategy()
            .map_err(|e| Failure::text(format!("cannot find your home folder: {e}")))?;
        let user = user_config(&folders.config_dir().join("cargo-custody").join("config.toml"))?;
        let cargo_home = home::cargo_home()
            .map_err(|e| Failure::text(format!("cannot find Cargo's home folder: {e}")))?;
        let mut urls = BaseUrls::default();
        if let Some(url) = address("CARGO_CUSTODY_INDEX", user.index)? {
            urls.index = url;
        }
        urls.static_files = address("CARGO_CUSTODY_STATIC", user.r#static)?;
        urls.crates_io = address("CARGO_CUSTODY_CRATES_IO", user.crates_io)?;
        urls.hub = address("HF_ENDPOINT", user.hf_endpoint)?;
        urls.python_index = address("CARGO_CUSTODY_PYTHON_INDEX", user.python_index)?;
        urls.npm_index = address("CARGO_CUSTODY_NPM_INDEX", user.npm_index)?;
        if let Some(url) = given(ADVISORIES, user.advisory_db) {
            urls.advisory_db = BaseUrls::checked_file(ADVISORIES, &url)?;
        }
        let data = match given(DATA, user.data).as_deref() {
            Some("off") => None,
            Some(url) => Some(BaseUrls::checked_file(DATA, url)?),
            None => Some(DEFAULT_DATA.to_owned()),
        };
        Ok(Self {
            data,
            cargo_home,
            cache_dir: cache_dir
                .or(user.cache_dir)
                .unwrap_or_else(|| folders.cache_dir().join("cargo-custody")),
            dump: user.dump,
            malware: std::env::var_os("CARGO_CUSTODY_MALWARE")
                .filter(|folder| !folder.is_empty())
                .map(PathBuf::from)
                .or(user.malware),
            hub_cache: hub_cache(),
            urls,
        })
    }
}

/// The folder that the Hub's own clients use
/// (<https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables>).
fn hub_cache() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || {
        let cache = variable("XDG_CACHE_HOME")
            .or_else(|| home::home_dir().map(|home| home.join(".cache")))?;
        Some(cache.join("huggingface"))
    };
    variable("HF_HUB_CACHE").or_else(|| Some(variable("HF_HOME").or_else(home)?.join("hub")))
}

/// Most bytes of the user's configuration.
const CONFIG_BYTES: u64 = 1 << 20;

fn user_config(path: &std::path::Path) -> Result<UserConfig, Failure> {
    match crate::disk::text(path, CONFIG_BYTES) {
        Ok(text) => toml::from_str(&text)
            .map_err(|e| Failure::text(format!("cannot read {}: {e}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(UserConfig::default()),
        Err(error) => Err(Failure::text(format!("cannot read {}: {error}", path.display()))),
    }
}

/// A base address from the environment, else from the user's configuration, checked.
fn address(variable: &str, configured: Option<String>) -> Result<Option<String>, Failure> {
    let given = given(variable, configured);
    given.map(|url| BaseUrls::checked(variable, &url).map_err(Failure::from)).transpose()
}

/// What the environment says, else the user's configuration.
fn given(variable: &str, configured: Option<String>) -> Option<String> {
    std::env::var(variable).ok().filter(|text| !text.is_empty()).or(configured)
}

/// The day that the audit speaks of: `SOURCE_DATE_EPOCH`, else today (UTC). The only clock of the
/// house is read here.
pub fn today() -> Result<jiff::civil::Date, Failure> {
    let Ok(epoch) = std::env::var("SOURCE_DATE_EPOCH") else {
        return Ok(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date());
    };
    let seconds = epoch.parse().ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    let Some(instant) = seconds else {
        return Err(Failure::text(format!(
            "SOURCE_DATE_EPOCH is not a number of seconds: {epoch}"
        )));
    };
    Ok(instant.to_zoned(jiff::tz::TimeZone::UTC).date())
}
