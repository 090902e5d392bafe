//! The sparse index of a crate registry
//! (<https://doc.rust-lang.org/cargo/reference/registry-index.html>).

use serde::Deserialize;

use super::{Answer, BaseUrls, Caching, Client, Expect, NetError, Request};

/// Most bytes of one crate's index file. The largest known has about 2 MB.
pub const CRATE_LIMIT: u64 = 32 * 1024 * 1024;
const CONFIG_LIMIT: u64 = 64 * 1024;

/// The registry's own `config.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IndexConfig {
    /// Where archives are, possibly with markers such as `{crate}`.
    pub dl: String,
    /// Base of the web API, where there is one.
    #[serde(default)]
    pub api: Option<String>,
    /// Whether the registry answers only with a token.
    #[serde(default, rename = "auth-required")]
    pub auth_required: bool,
}

/// What the index says of a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexAnswer {
    /// One JSON object a line, one line a version.
    Lines(Answer),
    /// The registry has no such crate.
    NoSuchCrate,
}

/// The path of a crate below an index or its cache, with `/`, in lower case.
///
/// # Errors
/// [`NetError::BadName`] for anything but ASCII letters, digits, `-` and `_`, or more than 128 of them.
pub fn crate_path(name: &str) -> Result<String, NetError> {
    Ok(crate_name(name)?.relative_path(Some('/')))
}

pub(super) fn crate_name(name: &str) -> Result<tame_index::KrateName<'_>, NetError> {
    let bad = || NetError::BadName(name.chars().take(100).collect());
    if name.len() > 128 {
        return Err(bad());
    }
    tame_index::KrateName::try_from(name).map_err(|_| bad())
}

/// Asks one sparse index.
#[derive(Clone, Debug)]
pub struct SparseIndex {
    client: Client,
    base: String,
    anew: bool,
}

impl SparseIndex {
    /// The index that the user chose.
    #[must_use]
    pub fn new(client: &Client, urls: &BaseUrls) -> Self {
        Self { client: client.clone(), base: urls.index.clone(), anew: false }
    }

    /// The same; where `anew`, nothing kept is taken without asking.
    #[must_use]
    pub fn anew(self, anew: bool) -> Self {
        Self { anew, ..self }
    }

    /// The registry's configuration; that of an earlier run, as long as the registry said that it holds.
    ///
    /// # Errors
    /// [`NetError`]; [`NetError::Unexpected`] where it is not the JSON that it should be.
    pub async fn config(&self) -> Result<IndexConfig, NetError> {
        match self.client.fresh(&self.config_request()) {
            Some(kept) => read_config(kept),
            None => self.ask_config().await,
        }
    }

    /// The same from the registry itself, whatever is kept.
    ///
    /// # Errors
    /// As [`SparseIndex::config`].
    pub async fn ask_config(&self) -> Result<IndexConfig, NetError> {
        read_config(self.client.send(&self.config_request()).await?)
    }

    fn config_request(&self) -> Request {
        self.request("config.json", Expect::Json, CONFIG_LIMIT)
    }

    /// The index file of a crate.
    ///
    /// # Errors
    /// [`NetError`]; that there is no such crate is an answer.
    pub async fn crate_lines(&self, name: &str) -> Result<IndexAnswer, NetError> {
        let request = self.crate_request(name)?;
        match self.client.send(&request).await {
            Ok(answer) => Ok(IndexAnswer::Lines(answer)),
            Err(error) if error.is_absent() => Ok(IndexAnswer::NoSuchCrate),
            Err(error) => Err(error),
        }
    }

    /// The index file of a crate as an earlier run kept it, as long as the registry said that it holds; nobody
    /// is asked.
    #[must_use]
    pub fn fresh_lines(&self, name: &str) -> Option<Answer> {
        self.client.fresh(&self.crate_request(name).ok()?)
    }

    /// The index file of a crate as an earlier run kept it; nobody is asked.
    #[must_use]
    pub fn kept_lines(&self, name: &str) -> Option<Answer> {
        self.client.kept(&self.crate_request(name).ok()?)
    }

    fn crate_request(&self, name: &str) -> Result<Request, NetError> {
        Ok(self.request(&crate_path(name)?, Expect::JsonLines, CRATE_LIMIT))
    }

    fn request(&self, path: &str, expect: Expect, limit: u64) -> Request {
        Request::get(format!("{}{path}", self.base), expect, limit)
            .cached(Caching::Revalidate)
            .header("cargo-protocol", "version=1")
            .anew(self.anew)
    }
}

fn read_config(answer: Answer) -> Result<IndexConfig, NetError> {
    serde_json::from_slice(&answer.bytes).map_err(|error| NetError::Unexpected {
        url: answer.url,
        got: error.to_string(),
        expected: "the registry's configuration".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_length_of_the_name() {
        for (name, path) in [
            ("a", "1/a"),
            ("ab", "2/ab"),
            ("abc", "3/a/abc"),
            ("Serde", "se/rd/serde"),
            ("serde_json", "se/rd/serde_json"),
        ] {
            assert_eq!(crate_path(name).unwrap(), path);
        }
    }

    #[test]
    fn a_name_that_climbs_out_is_refused() {
        for name in ["", "..", "../x", "a/b", "a\\b", "a\0b", "ä", "a b", &"x".repeat(129)] {
            assert!(crate_path(name).is_err(), "{name}");
        }
    }
}
