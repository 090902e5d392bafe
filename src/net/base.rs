//! Which servers are asked. Filled by the command line from the user's own environment and
//! configuration, never from the audited tree.

use reqwest::Url;

/// Base addresses. Every one ends in `/`, so that a path can be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrls {
    /// The sparse index of the default registry; `config.json` and crate files are below it.
    pub index: String,
    /// Where archives and the database dump are, instead of the index's own `dl`
    /// (`crates/{name}/{name}-{version}.crate` and `db-dump.tar.gz` are below it).
    pub static_files: Option<String>,
    /// The registry's API, instead of the index's own `api` (`api/v1/...` is below it).
    pub crates_io: Option<String>,
    /// The model Hub, where the user named another one.
    pub hub: Option<String>,
    /// The simple index of Python, where the user named one; nobody is asked otherwise.
    pub python_index: Option<String>,
    /// The index of npm, where the user named one; nobody is asked otherwise.
    pub npm_index: Option<String>,
    /// The advisory database as a gzip tar.
    pub advisory_db: String,
}

/// Why a base address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not a base address: {why}")]
pub struct BaseUrlError {
    /// The setting it came from.
    pub variable: String,
    /// What is wrong with it.
    pub why: String,
}

impl Default for BaseUrls {
    /// The default registry as `tame-index` names it, and `RustSec`'s database.
    fn default() -> Self {
        let index = tame_index::index::sparse::CRATES_IO_HTTP_INDEX;
        Self {
            index: index.strip_prefix("sparse+").unwrap_or(index).to_owned(),
            static_files: None,
            crates_io: None,
            hub: None,
            python_index: None,
            npm_index: None,
            advisory_db: super::advisories::DEFAULT_ARCHIVE.to_owned(),
        }
    }
}

impl BaseUrls {
    /// Checks a base address and makes it end in `/`.
    ///
    /// # Errors
    /// Anything but an `http` or `https` address without query and fragment.
    pub fn checked(variable: &str, value: &str) -> Result<String, BaseUrlError> {
        let mut out = Self::checked_file(variable, value)?;
        if !out.ends_with('/') {
            out.push('/');
        }
        Ok(out)
    }

    /// Checks the address of one file.
    ///
    /// # Errors
    /// Anything but an `http` or `https` address without query and fragment.
    pub fn checked_file(variable: &str, value: &str) -> Result<String, BaseUrlError> {
        let refuse = |why: String| BaseUrlError { variable: variable.to_owned(), why };
        let text = value.strip_prefix("sparse+").unwrap_or(value);
        let url = Url::parse(text).map_err(|e| refuse(e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("the scheme is {}, not http or https", url.scheme())));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or a fragment".to_owned()));
        }
        Ok(url.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_ends_in_a_slash() {
        assert_eq!(
            BaseUrls::checked("X", "https://index.example.invalid").unwrap(),
            "https://index.example.invalid/"
        );
        assert_eq!(
            BaseUrls::checked("X", "sparse+http://127.0.0.1:9/i/").unwrap(),
            "http://127.0.0.1:9/i/"
        );
    }

    #[test]
    fn a_file_address_or_a_query_is_refused() {
        assert!(BaseUrls::checked("X", "file:///etc/").is_err());
        assert!(BaseUrls::checked("X", "https://example.invalid/?a=b").is_err());
        assert!(BaseUrls::checked("X", "no address").is_err());
    }

    #[test]
    fn the_default_index_is_an_address() {
        let index = BaseUrls::default().index;
        assert_eq!(BaseUrls::checked("default", &index).unwrap(), index);
    }
}
