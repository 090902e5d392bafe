//! The questions about one model, one after another, at most five.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::facts::{HubFacts, HubFile, SignatureFacts};
use super::{ModelRecord, Question, bases, card, evidence, files, signature, told};
use crate::collectors::model_custody::{self, History, ModelCustodyFacts, days_before};
use crate::domain::Measured;
use crate::net::hub::{Hub, HubError};
use crate::net::{Answer, NetError};
use model_scan::hub::{self as answers, Commit, LastCommit, ModelInfo, Sibling, TreeEntry};

/// Most questions about one model.
pub(super) const CALLS_LIMIT: u32 = 5;

/// One model that is being looked at.
pub(super) struct Looking<'a> {
    pub(super) hub: &'a Hub,
    pub(super) question: &'a Question<'a>,
    pub(super) revision: &'a str,
    pub(super) as_of: Date,
    pub(super) calls: u32,
}

pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl Looking<'_> {
    /// Under what an answer is kept: what belongs to a commit stays, the rest holds for the day.
    pub(super) fn kept(&self, revision: &str) -> String {
        if is_commit(revision) { revision.to_owned() } else { self.as_of.to_string() }
    }

    /// What is left to say where the Hub shows nothing. Of a commit that is gone it is asked who holds the
    /// name now: that tells a rewritten history from a name that somebody else took.
    pub(super) async fn refused(&mut self, error: &HubError) -> ModelRecord {
        let reason = error.to_string();
        let mut facts = HubFacts::unknown(&reason);
        if let Some(status) = error.status() {
            facts.status = Measured::Known(status.to_owned());
        }
        let nothing: Measured<History> = Measured::Unknown(reason.clone());
        let files = Measured::Unknown(reason);
        let mut custody = model_custody::measure(self.question.id, &nothing, &files, self.as_of);
        if matches!(error, HubError::RevisionNotFound) && is_commit(self.revision) {
            self.namespace(&mut custody, &nothing).await;
        }
        let unreachable = match error {
            HubError::Net(net) if !matches!(net, NetError::Offline) => Some(error.to_string()),
            _ => None,
        };
        ModelRecord { hub: facts, custody, calls: self.calls, unreachable, manifest: None }
    }

    pub(super) async fn info(&mut self) -> Result<ModelInfo, HubError> {
        self.calls += 1;
        let kept = self.kept(self.revision);
        info(self.hub, self.question.id, self.revision, &kept).await
    }

    pub(super) async fn all(mut self, info: ModelInfo) -> ModelRecord {
        let commit = info.sha.clone().unwrap_or_else(|| self.revision.to_owned());
        let history = self.history(&commit).await;
        let (siblings, files, mut custody) = self.people(&info, &commit, &history).await;
        let change = self.change(&commit, &siblings, &files, &history, &custody).await;
        let parent = self.parent(&change, &siblings, &files, &history).await;
        if self.calls < CALLS_LIMIT {
            self.namespace(&mut custody, &history).await;
        }
        let mut facts = self.facts(&info, files, change);
        facts.parent = parent;
        facts.pinned_commit_in_history = self.in_history(&commit, &history);
        let (id, kept) = (self.question.id, self.kept(&commit));
        let configured = bases::configured(self.hub, id, &commit, &facts.files, &kept).await;
        bases::follow(self.hub, id, &info, configured, &mut facts, self.as_of).await;
        let manifest = self.signature(&commit, &mut facts).await;
        let text = self.card(&commit, &mut facts).await;
        evidence::fill(&mut facts, text.as_ref(), info.tags.as_deref());
        ModelRecord { hub: facts, custody, calls: self.calls, unreachable: None, manifest }
    }

    /// The files, and who committed. Who touched which file last costs a question of its own, which is
    /// put only where somebody is new.
    async fn people(
        &mut self,
        info: &ModelInfo,
        commit: &str,
        history: &Measured<History>,
    ) -> (Measured<Vec<Sibling>>, Measured<Vec<HubFile>>, ModelCustodyFacts) {
        let mut tree = Measured::unknown("nobody is new, so who touched what last was not asked");
        loop {
            let siblings = siblings(info, &tree);
            let files = self.files(&siblings, &tree, history);
            let custody = model_custody::measure(self.question.id, history, &files, self.as_of);
            let nobody = custody.newcomers.known().is_some_and(Vec::is_empty);
            let room = self.calls < CALLS_LIMIT && tree.known().is_none();
            if (nobody && siblings.known().is_some()) || !room {
                return (siblings, files, custody);
            }
            tree = self.tree(commit).await;
            if tree.known().is_none() {
                let files = self.files(&siblings, &tree, history);
                return (siblings, files, custody);
            }
        }
    }

    /// The first page of the tree with the last commit of every file.
    async fn tree(&mut self, commit: &str) -> Measured<Vec<TreeEntry>> {
        self.calls += 1;
        match self.hub.tree(self.question.id, commit, &self.kept(commit)).await {
            Ok(page) => answers::tree(&page.answer.bytes).into(),
            Err(error) => Measured::unknown(error.to_string()),
        }
    }

    /// The history, as far as the number of questions allows.
    async fn history(&mut self, commit: &str) -> Measured<History> {
        self.calls += 1;
        let kept = self.kept(commit);
        let mut page = match self.hub.commits(self.question.id, commit, &kept).await {
            Ok(page) => page,
            Err(error) => return Measured::unknown(error.to_string()),
        };
        let mut history = History { commits: Vec::new(), complete: false };
        loop {
            match answers::commits(&page.answer.bytes) {
                Ok(commits) => history.commits.extend(commits),
                Err(error) => return Measured::unknown(error.to_string()),
            }
            let Some(next) = page.next.take() else {
                history.complete = true;
                return Measured::Known(history);
            };
            if self.calls >= CALLS_LIMIT {
                return Measured::Known(history);
            }
            self.calls += 1;
            match self.hub.page(&next, &kept).await {
                Ok(following) => page = following,
                // What was listed is listed; that it is not all is said.
                Err(_) => return Measured::Known(history),
            }
        }
    }

    fn files(
        &self,
        siblings: &Measured<Vec<Sibling>>,
        tree: &Measured<Vec<TreeEntry>>,
        history: &Measured<History>,
    ) -> Measured<Vec<HubFile>> {
        let empty = (Vec::new(), Vec::new());
        let tree = tree.known().unwrap_or(&empty.0);
        let commits: &Vec<Commit> = history.known().map_or(&empty.1, |history| &history.commits);
        let last: BTreeMap<&str, &LastCommit> = tree
            .iter()
            .filter_map(|entry| Some((entry.path.as_str(), entry.last_commit.as_ref()?)))
            .collect();
        let authors = commits
            .iter()
            .filter_map(|commit| {
                Some((commit.id.as_str(), commit.authors.first()?.user.as_deref()?))
            })
            .collect();
        let people = files::People { last, authors };
        let days = |moment: &str| days_before(moment, self.as_of);
        siblings.as_ref().map(|siblings| {
            let mut all: Vec<HubFile> =
                siblings.iter().map(|sibling| files::file(sibling, &people, &days)).collect();
            all.sort_by(|a, b| a.path.cmp(&b.path));
            all
        })
    }

    /// Whether the namespace is an organisation or a person: one is tried, then the other, within the
    /// number of questions.
    async fn namespace(&mut self, custody: &mut ModelCustodyFacts, history: &Measured<History>) {
        if custody.namespace.is_empty() {
            return;
        }
        let kept = self.as_of.to_string();
        self.calls += 1;
        let name = custody.namespace.clone();
        // An account that commits is a person's.
        let commits = |all: &Vec<model_custody::Committer>| all.iter().any(|c| c.account == name);
        let kinds = if custody.committers.known().is_some_and(commits) {
            ["user", "organization"]
        } else {
            ["organization", "user"]
        };
        let mut answer = self.overview(kinds[0], &name, &kept).await;
        let mut kind = kinds[0];
        if matches!(answer, Err(HubError::MissingOrPrivate)) && self.calls < CALLS_LIMIT {
            self.calls += 1;
            kind = kinds[1];
            answer = self.overview(kind, &name, &kept).await;
        }
        let Ok(answer) = answer else { return };
        let Ok(overview) = answers::namespace(&answer.bytes) else { return };
        let untold = "the Hub did not tell it";
        custody.namespace_kind = Measured::Known(kind.to_owned());
        custody.verified = match overview.is_verified {
            Some(verified) => Measured::Known(verified),
            None if kind == "user" => Measured::Known(false),
            None => Measured::unknown(untold),
        };
        let days = overview.created_at.as_deref().and_then(|at| days_before(at, self.as_of));
        custody.namespace_days = told(days, untold);
        let oldest = history
            .known()
            .and_then(|history| history.commits.last())
            .and_then(|commit| days_before(commit.date.as_deref()?, self.as_of));
        custody.namespace_younger_than_history = match (days, oldest) {
            (Some(namespace), Some(history)) => Measured::Known(namespace < history),
            _ => Measured::unknown(untold),
        };
    }

    async fn overview(&self, kind: &str, name: &str, kept: &str) -> Result<Answer, HubError> {
        match kind {
            "user" => self.hub.user(name, kept).await,
            _ => self.hub.organization(name, kept).await,
        }
    }

    /// The signature's manifest: a small file, kept under its commit.
    async fn signature(&self, commit: &str, facts: &mut HubFacts) -> Option<signature::Manifest> {
        let Measured::Known(files) = &facts.files else {
            facts.signature = Measured::unknown("the files are not known");
            return None;
        };
        let is_signature = |file: &&HubFile| file.path.rsplit('.').next() == Some("sig");
        let Some(path) = files.iter().find(is_signature).map(|file| file.path.clone()) else {
            facts.signature = Measured::Known(SignatureFacts::default());
            return None;
        };
        let (id, kept) = (self.question.id, self.kept(commit));
        let read = match self.hub.file(id, commit, &path, signature::LIMIT, &kept).await {
            Ok(bytes) => signature::read(&path, &bytes),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(manifest) => {
                facts.signature = Measured::Known(manifest.compare(files));
                Some(manifest)
            }
            Err(reason) => {
                facts.signature = Measured::Unknown(reason);
                None
            }
        }
    }

    /// The card's text: a small file, kept under its commit.
    async fn card(&self, commit: &str, facts: &mut HubFacts) -> Option<answers::Card> {
        let Measured::Known(files) = &facts.files else { return None };
        let (id, kept) = (self.question.id, self.kept(commit));
        let Measured::Known(card) = &mut facts.card else { return None };
        if !card.present {
            return None;
        }
        // Of a card without end the beginning is read.
        let limit = answers::CARD_LIMIT as u64;
        let size = files.iter().find(|file| file.path == card::README).map(|file| &file.size);
        let read = match size {
            Some(Measured::Known(size)) if *size > limit => {
                self.hub.range(id, commit, card::README, (0, limit - 1), &kept).await
            }
            _ => self.hub.file(id, commit, card::README, limit, &kept).await,
        };
        match read {
            Ok(bytes) => Some(card::add_text(card, &bytes)),
            Err(error) => {
                card::no_text(card, &error.to_string());
                None
            }
        }
    }
}

/// Asks for model info and reads it.
pub(super) async fn info(
    hub: &Hub,
    id: &str,
    revision: &str,
    kept: &str,
) -> Result<ModelInfo, HubError> {
    let answer = hub.info(id, revision, kept).await?;
    answers::model_info(&answer.bytes).map_err(|error| {
        HubError::Net(NetError::Unexpected {
            url: answer.url,
            got: error.to_string(),
            expected: "model info".to_owned(),
        })
    })
}

/// The files as model info lists them; where it does not, as the tree does.
fn siblings(info: &ModelInfo, tree: &Measured<Vec<TreeEntry>>) -> Measured<Vec<Sibling>> {
    if let Some(siblings) = &info.siblings {
        return Measured::Known(siblings.clone());
    }
    tree.as_ref().map(|entries| {
        let files = entries.iter().filter(|entry| entry.kind == "file");
        files
            .map(|entry| Sibling {
                rfilename: entry.path.clone(),
                size: entry.size,
                blob_id: entry.oid.clone(),
                lfs: entry.lfs.clone(),
            })
            .collect()
    })
}
