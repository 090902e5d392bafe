//! The registry's API about one crate: versions with publishers, owners.
//!
//! The registry asks for at most one request a second and for the API to be the last resort, so every
//! answer is kept under the crate's newest version: as long as that is the same, nobody is asked.
//! Returns bytes; what they mean is `formats::registry_api`'s.

use std::time::Duration;

use super::index::crate_name;
use super::{Answer, BaseUrls, Caching, Client, Expect, NetError, Redirects, Request, index};

/// Most bytes of one answer.
pub const ANSWER_LIMIT: u64 = 8 * 1024 * 1024;
/// Least time between two requests, by the registry's own policy.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// What is asked about a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Its versions and who published them.
    Versions,
    /// Its owners.
    Owners,
}

/// Asks one registry's API.
#[derive(Clone, Debug)]
pub struct RegistryApi {
    client: Client,
    base: String,
    interval: Duration,
    anew: bool,
}

impl RegistryApi {
    /// The API below `base` (ends in `/`), asked at most once per `interval`.
    #[must_use]
    pub fn new(client: &Client, base: impl Into<String>, interval: Duration) -> Self {
        Self { client: client.clone(), base: base.into(), interval, anew: false }
    }

    /// The same; where `anew`, an answer that was kept under the newest version does not do.
    #[must_use]
    pub fn anew(self, anew: bool) -> Self {
        Self { anew, ..self }
    }

    /// The API of the registry that the user chose: its address where they gave one, else what the
    /// index's own configuration says; `None` where the registry has no API.
    ///
    /// # Errors
    /// [`NetError`] where the index's configuration could not be had.
    pub async fn find(client: &Client, urls: &BaseUrls) -> Result<Option<Self>, NetError> {
        let base = match &urls.crates_io {
            Some(base) => Some(base.clone()),
            None => index::SparseIndex::new(client, urls).config().await?.api,
        };
        Ok(base.map(|base| {
            let slash = if base.ends_with('/') { "" } else { "/" };
            Self::new(client, format!("{base}{slash}"), INTERVAL)
        }))
    }

    /// Whether nobody can be asked, so that only kept answers come.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.client.is_offline()
    }

    /// Asks. `newest` is the crate's newest published version: an answer kept under the same version
    /// is given without a request. `page` is the query of a further page, as the answer before named it.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn ask(
        &self,
        question: Question,
        name: &str,
        newest: &str,
        page: Option<&str>,
    ) -> Result<Answer, NetError> {
        self.client.send(&self.request(question, name, newest, page)?).await
    }

    /// The answer that was kept under this newest version; nobody is asked.
    #[must_use]
    pub fn current(
        &self,
        question: Question,
        name: &str,
        newest: &str,
        page: Option<&str>,
    ) -> Option<Answer> {
        self.client.current(&self.request(question, name, newest, page).ok()?)
    }

    /// The answer that an earlier run kept, whatever was the newest version then.
    #[must_use]
    pub fn kept(&self, question: Question, name: &str, page: Option<&str>) -> Option<Answer> {
        self.client.kept(&self.request(question, name, "", page).ok()?)
    }

    fn request(
        &self,
        question: Question,
        name: &str,
        newest: &str,
        page: Option<&str>,
    ) -> Result<Request, NetError> {
        // Checked by the registry's own rules for names: no separator, no dot, no escape is left.
        crate_name(name)?;
        let what = match question {
            Question::Versions => "versions",
            Question::Owners => "owners",
        };
        let page = page.unwrap_or("");
        let url = format!("{}api/v1/crates/{name}/{what}{page}", self.base);
        let request = Request::get(url, Expect::Json, ANSWER_LIMIT)
            .cached(Caching::Tagged(newest.to_owned()))
            .every(self.interval)
            .anew(self.anew);
        Ok(Request { redirects: Redirects::SameHost, ..request })
    }
}
