//! Group `hub`: a model's repository at one revision, compared with an older commit. No weights are
//! downloaded; at most four questions are put to the API about one model, and none whose answer was kept
//! under its commit. Measures, never judges.

mod bases;
mod card;
mod evidence;
mod facts;
mod files;
mod licence;
mod reading;
mod remote;
mod signature;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

pub use facts::{
    BaseModel, CardFacts, EvidenceFacts, HubChange, HubFacts, HubFile, LISTED, SignatureFacts,
};
pub use licence::Licences;
pub use reading::{FilesRead, read_files};

use super::model_custody::{self, History, ModelCustodyFacts, commit_before, days_before};
use crate::domain::{Measured, ModelPin, PinnedFile};
use crate::formats::hub::{self as answers, Commit, LastCommit, ModelInfo, Sibling, TreeEntry};
use crate::net::hub::{Hub, HubError};
use crate::net::{Answer, NetError};

/// Name of the group.
pub const GROUP: &str = "hub";
/// Most questions about one model.
const CALLS_LIMIT: u32 = 4;
/// Days that a commit has to be older to be compared with.
const WINDOW_DAYS: i64 = 180;

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
}

impl ModelRecord {
    /// Files with their hashes, for pins.
    #[must_use]
    pub fn pinned_files(&self) -> Measured<Vec<PinnedFile>> {
        self.hub.files.as_ref().map(|files| {
            let file = |file: &HubFile| {
                Some(PinnedFile { path: file.path.clone(), sha256: file.sha256.known()?.clone() })
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
            seen: as_of.to_string(),
            reason: None,
        })
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
        Err(error) => looking.refused(&error),
    }
}

struct Looking<'a> {
    hub: &'a Hub,
    question: &'a Question<'a>,
    revision: &'a str,
    as_of: Date,
    calls: u32,
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl Looking<'_> {
    /// Under what an answer is kept: what belongs to a commit stays, the rest holds for the day.
    fn kept(&self, revision: &str) -> String {
        if is_commit(revision) { revision.to_owned() } else { self.as_of.to_string() }
    }

    fn refused(&self, error: &HubError) -> ModelRecord {
        let reason = error.to_string();
        let mut facts = HubFacts::unknown(&reason);
        if let Some(status) = error.status() {
            facts.status = Measured::Known(status.to_owned());
        }
        let nothing = Measured::Unknown(reason.clone());
        let files = Measured::Unknown(reason);
        let custody = model_custody::measure(self.question.id, &nothing, &files, self.as_of);
        let unreachable = match error {
            HubError::Net(net) if !matches!(net, NetError::Offline) => Some(error.to_string()),
            _ => None,
        };
        ModelRecord { hub: facts, custody, calls: self.calls, unreachable }
    }

    async fn info(&mut self) -> Result<ModelInfo, HubError> {
        self.calls += 1;
        let kept = self.kept(self.revision);
        info(self.hub, self.question.id, self.revision, &kept).await
    }

    async fn all(mut self, info: ModelInfo) -> ModelRecord {
        let commit = info.sha.clone().unwrap_or_else(|| self.revision.to_owned());
        let history = self.history(&commit).await;
        let (siblings, files, mut custody) = self.people(&info, &commit, &history).await;
        let change = self.change(&commit, &siblings, &files, &history, &custody).await;
        if self.calls < CALLS_LIMIT {
            self.namespace(&mut custody, &history).await;
        }
        let mut facts = self.facts(&info, files, change);
        facts.pinned_commit_in_history = self.in_history(&commit, &history);
        let (id, kept) = (self.question.id, self.kept(&commit));
        let configured = bases::configured(self.hub, id, &commit, &facts.files, &kept).await;
        bases::follow(self.hub, id, &info, configured, &mut facts, self.as_of).await;
        let text = self.texts(&commit, &mut facts).await;
        evidence::fill(&mut facts, text.as_ref(), info.tags.as_deref());
        ModelRecord { hub: facts, custody, calls: self.calls, unreachable: None }
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

    /// The older commit to compare with, and why it.
    fn older(
        &self,
        commit: &str,
        history: &Measured<History>,
        custody: &ModelCustodyFacts,
    ) -> Option<(String, &'static str)> {
        if let Some(pin) = self.question.pin
            && is_commit(&pin.revision)
            && pin.revision != commit
        {
            return Some((pin.revision.clone(), "pinned"));
        }
        let history = history.known()?;
        let newcomers = custody.newcomers.known().map_or(&[][..], Vec::as_slice);
        let touching = newcomers.iter().find(|one| one.weights || one.code);
        if let Some(newcomer) = touching.or(newcomers.first())
            && let Some(before) = commit_before(history, &newcomer.commit)
        {
            return Some((before.id.clone(), "before-newcomer"));
        }
        let age = |commit: &Commit| days_before(commit.date.as_deref()?, self.as_of);
        let head = age(history.commits.first()?)?;
        let old = history
            .commits
            .iter()
            .find(|one| age(one).is_some_and(|days| days - head >= WINDOW_DAYS))?;
        Some((old.id.clone(), "window"))
    }

    async fn change(
        &mut self,
        commit: &str,
        siblings: &Measured<Vec<Sibling>>,
        files: &Measured<Vec<HubFile>>,
        history: &Measured<History>,
        custody: &ModelCustodyFacts,
    ) -> Measured<HubChange> {
        let Some((older, reason)) = self.older(commit, history, custody) else {
            return match history {
                Measured::Unknown(why) => Measured::Unknown(why.clone()),
                Measured::Known(history) if !history.complete => {
                    Measured::unknown("the history is longer than what was asked for")
                }
                // A young repository has no older state, so nothing changed.
                Measured::Known(_) => Measured::Known(HubChange::nothing("nothing-older")),
            };
        };
        if self.calls >= CALLS_LIMIT {
            return Measured::unknown("four questions were put to the Hub, which is the limit");
        }
        let (files, siblings) = match (files, siblings) {
            (Measured::Known(files), Measured::Known(siblings)) => (files, siblings),
            (Measured::Unknown(why), _) | (_, Measured::Unknown(why)) => {
                return Measured::Unknown(why.clone());
            }
        };
        self.calls += 1;
        let before = match info(self.hub, self.question.id, &older, &self.kept(&older)).await {
            Ok(before) => before,
            Err(error) => return Measured::unknown(format!("commit {older}: {error}")),
        };
        let Some(before) = before.siblings else {
            return Measured::unknown("the Hub did not list the files of the older commit");
        };
        let change = files::compare(files, siblings, &before);
        let days_between = self.days_between(history, commit, &older);
        Measured::Known(HubChange {
            commit: older,
            reason: reason.to_owned(),
            days_between,
            ..change
        })
    }

    /// Whether the pinned commit still belongs to the history; nothing pinned is nothing lost.
    fn in_history(&self, commit: &str, history: &Measured<History>) -> Measured<bool> {
        let Some(pin) = self.question.pin.filter(|pin| is_commit(&pin.revision)) else {
            return Measured::Known(true);
        };
        match history {
            _ if pin.revision == commit => Measured::Known(true),
            Measured::Unknown(reason) => Measured::Unknown(reason.clone()),
            Measured::Known(history) => {
                let listed = history.commits.iter().any(|one| one.id == pin.revision);
                if listed || history.complete {
                    Measured::Known(listed)
                } else {
                    Measured::unknown("the history is longer than what was asked for")
                }
            }
        }
    }

    fn days_between(&self, history: &Measured<History>, new: &str, old: &str) -> Measured<i64> {
        let age = |id: &str| {
            let commit = history.known()?.commits.iter().find(|commit| commit.id == id)?;
            days_before(commit.date.as_deref()?, self.as_of)
        };
        match (age(new), age(old)) {
            (Some(new), Some(old)) => Measured::Known(old - new),
            _ => Measured::unknown("one of the commits is not among those listed"),
        }
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

    fn facts(
        &self,
        info: &ModelInfo,
        files: Measured<Vec<HubFile>>,
        change: Measured<HubChange>,
    ) -> HubFacts {
        let untold = "the Hub did not tell it";
        let days = |moment: &Option<String>| {
            told(moment.as_deref().and_then(|moment| days_before(moment, self.as_of)), untold)
        };
        let repositories = remote_repositories(info);
        let weight_formats = files.as_ref().map(|files| {
            let mut formats: Vec<String> =
                files.iter().filter(|file| file.weights).map(|file| file.format.clone()).collect();
            formats.sort();
            formats.dedup();
            formats
        });
        let licences = Licences::embedded();
        let declared = card::licenses(info);
        let spdx = |ids: &Vec<String>| {
            ids.iter().filter_map(|id| licences.spdx(id)).map(str::to_owned).collect()
        };
        let left_out = files.known().map_or(0, |files| files.len().saturating_sub(LISTED));
        HubFacts {
            status: Measured::Known("found".to_owned()),
            commit: told(info.sha.clone(), untold),
            renamed_to: Measured::Known(Hub::renamed(self.question.id, info.id.as_deref())),
            private: told(info.private, untold),
            gated: told(info.gated.map(|gate| gate.as_str().to_owned()), untold),
            disabled: told(info.disabled, untold),
            created_days: days(&info.created_at),
            modified_days: days(&info.last_modified),
            library: info.library_name.iter().map(String::as_str).collect(),
            card: card::facts(info, &files),
            files: files.map(|mut files| {
                files.truncate(LISTED);
                files
            }),
            files_left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
            weight_formats,
            remote_code: remote_code(info),
            remote_code_repositories: repositories,
            change,
            pinned_commit_in_history: Measured::unknown("not asked"),
            files_altered: Measured::unknown("the files were not read"),
            base_models: Measured::unknown("not asked"),
            base_models_untold: Measured::unknown("not asked"),
            base_model_cycle: false,
            licenses_spdx: declared.as_ref().map(spdx),
            license_use: declared.as_ref().map(|ids| licences.allows(ids).to_owned()),
            licenses: declared,
            license_contradictions: Measured::unknown("not asked"),
            transparency: Measured::unknown("not asked"),
            openness: Measured::unknown("not asked"),
            eu_ai_act: Measured::unknown("not asked"),
            signature: Measured::unknown("not asked"),
        }
    }

    /// The card's text and the signature's manifest: small files, kept under their commit.
    async fn texts(&self, commit: &str, facts: &mut HubFacts) -> Option<answers::Card> {
        let Measured::Known(files) = &facts.files else {
            facts.signature = Measured::unknown("the files are not known");
            return None;
        };
        let (id, kept) = (self.question.id, self.kept(commit));
        let signature = files
            .iter()
            .find(|file| file.path.rsplit('.').next() == Some("sig"))
            .map(|f| f.path.clone());
        facts.signature = match signature {
            None => Measured::Known(SignatureFacts::default()),
            Some(path) => match self.hub.file(id, commit, &path, signature::LIMIT, &kept).await {
                Ok(bytes) => signature::compare(&path, &bytes, files).into(),
                Err(error) => Measured::unknown(error.to_string()),
            },
        };
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

/// A value that the Hub may leave out.
fn told<T>(value: Option<T>, why: &str) -> Measured<T> {
    value.map_or_else(|| Measured::unknown(why), Measured::Known)
}

/// Asks for model info and reads it.
async fn info(hub: &Hub, id: &str, revision: &str, kept: &str) -> Result<ModelInfo, HubError> {
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

/// Whether a loader that allows it would run the repository's code.
fn remote_code(info: &ModelInfo) -> Measured<bool> {
    let custom =
        info.transformers_info.as_ref().is_some_and(|value| value.get("custom_class").is_some());
    match &info.config {
        Some(config) => {
            Measured::Known(custom || config.get("auto_map").is_some_and(Value::is_object))
        }
        None if custom => Measured::Known(true),
        // A repository without config.json has nothing that a loader would map to code.
        None => match &info.siblings {
            Some(files) if !files.iter().any(|file| file.rfilename == "config.json") => {
                Measured::Known(false)
            }
            _ => Measured::unknown("the Hub gave no digest of config.json"),
        },
    }
}

/// Other repositories that `auto_map` takes code from: `owner/name--file.Class`.
fn remote_repositories(info: &ModelInfo) -> Measured<Vec<String>> {
    let Some(config) = &info.config else {
        return Measured::unknown("the Hub gave no digest of config.json");
    };
    let mut found: Vec<String> = config
        .get("auto_map")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.values())
        .flat_map(|value| match value {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        })
        .filter_map(|text| text.split_once("--").map(|(repository, _)| repository.to_owned()))
        .collect();
    found.sort();
    found.dedup();
    Measured::Known(found)
}
