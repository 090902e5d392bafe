//! Group `hub`: a model's repository at one revision, compared with an older commit. No weights are
//! downloaded; at most five questions are put to the API about one model, and none whose answer was kept
//! under its commit. Measures, never judges.

mod bases;
mod card;
mod change;
mod evidence;
mod facts;
mod files;
mod licence;
mod looking;
mod model_info;
mod reading;
mod remote;
mod signature;

use jiff::civil::Date;

pub use facts::{
    BaseModel, CardFacts, EvidenceFacts, HubChange, HubFacts, HubFile, LISTED, SignatureFacts,
};
pub use licence::Licences;
pub use reading::{FilesRead, read_files};

use super::model_custody::{self, ModelCustodyFacts};
use crate::domain::{Measured, ModelPin, PinnedFile};
use crate::net::hub::Hub;
use looking::Looking;

/// Name of the group.
pub const GROUP: &str = "hub";

/// One model to look at.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// `owner/name`.
    pub id: &'a str,
    /// Commit, branch or tag; empty for the default branch.
    pub revision: &'a str,
    /// The state that the project has accepted.
    pub pin: Option<&'a ModelPin>,
}

/// Everything about one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRecord {
    /// Group `hub`.
    pub hub: HubFacts,
    /// Group `model_custody`.
    pub custody: ModelCustodyFacts,
    /// Questions that were put to the API, answers that were kept included.
    pub calls: u32,
    /// The Hub could not be reached at all, and why: asking about another model makes no sense.
    pub unreachable: Option<String>,
    /// The manifest of a model signature, where there is one.
    manifest: Option<signature::Manifest>,
}

impl ModelRecord {
    /// Files with their hashes, for pins.
    #[must_use]
    pub fn pinned_files(&self) -> Measured<Vec<PinnedFile>> {
        self.hub.files.as_ref().map(|files| {
            let file = |file: &HubFile| {
                let sha256 = file.sha256.known()?.clone();
                Some(PinnedFile { path: file.path.clone(), sha256, imports: None })
            };
            files.iter().filter_map(file).collect()
        })
    }

    /// What a pin would say of it; nothing where the Hub did not tell the commit and its files.
    #[must_use]
    pub fn pin(&self, repository: &str, as_of: Date) -> Option<ModelPin> {
        let mut files = self.pinned_files().known()?.clone();
        files.sort();
        Some(ModelPin {
            repository: repository.to_owned(),
            revision: self.hub.commit.known()?.clone(),
            files,
            committers: self.committers().known().cloned(),
            namespace: self.custody.namespace_kind.known().cloned(),
            signer: self.signer().known().cloned(),
            seen: as_of.to_string(),
            reason: None,
        })
    }

    /// Whom the signature claims to be by, for pins; empty where nobody signed.
    #[must_use]
    pub fn signer(&self) -> Measured<String> {
        self.hub.signature.as_ref().map(|signature| signature.signer.clone())
    }

    /// Holds the manifest of the signature against the files once more, now that more of them is known.
    pub fn hold_signature(&mut self) {
        if let (Some(manifest), Measured::Known(files)) = (&self.manifest, &self.hub.files) {
            self.hub.signature = Measured::Known(manifest.compare(files));
        }
    }

    /// Accounts that committed, for pins.
    #[must_use]
    pub fn committers(&self) -> Measured<Vec<String>> {
        let names = |all: &Vec<model_custody::Committer>| {
            all.iter().map(|committer| committer.account.clone()).collect()
        };
        self.custody.committers.as_ref().map(names)
    }
}

/// Looks at one model.
pub async fn look(hub: &Hub, question: &Question<'_>, as_of: Date) -> ModelRecord {
    let revision = if question.revision.is_empty() { "main" } else { question.revision };
    let mut looking = Looking { hub, question, revision, as_of, calls: 0 };
    match looking.info().await {
        Ok(info) => looking.all(info).await,
        Err(error) => looking.refused(&error).await,
    }
}

/// A value that the Hub may leave out.
fn told<T>(value: Option<T>, why: &str) -> Measured<T> {
    value.map_or_else(|| Measured::unknown(why), Measured::Known)
}
