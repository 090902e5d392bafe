//! What a model was before: which older commit is compared with, and what is different.

use super::facts::{HubChange, HubFile};
use super::files;
use super::looking::{CALLS_LIMIT, Looking, info, is_commit};
use crate::collectors::model_custody::{History, ModelCustodyFacts, commit_before, days_before};
use crate::domain::Measured;
use model_scan::hub::{Commit, Sibling};

const LIMIT_REACHED: &str = "five questions were put to the Hub, which is the limit";
/// Days that a commit has to be older to be compared with.
const WINDOW_DAYS: i64 = 180;

impl Looking<'_> {
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

    pub(super) async fn change(
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
        let change = match self.against(&older, siblings, files).await {
            Measured::Known(change) => change,
            Measured::Unknown(why) => return Measured::Unknown(why),
        };
        let days_between = self.days_between(history, commit, &older);
        Measured::Known(HubChange {
            commit: older,
            reason: reason.to_owned(),
            days_between,
            ..change
        })
    }

    /// What is different from the commit just before. Only pickles that came in the place of safetensors are
    /// looked for there, so that a commit without pickles costs no question.
    pub(super) async fn parent(
        &mut self,
        change: &Measured<HubChange>,
        siblings: &Measured<Vec<Sibling>>,
        files: &Measured<Vec<HubFile>>,
        history: &Measured<History>,
    ) -> Measured<HubChange> {
        let pickles = match files {
            Measured::Known(files) => files.iter().any(|file| file.format == "pickle"),
            Measured::Unknown(why) => return Measured::Unknown(why.clone()),
        };
        if !pickles {
            return Measured::Known(HubChange::nothing("no-pickles"));
        }
        let commits = match history {
            Measured::Known(history) => &history.commits,
            Measured::Unknown(why) => return Measured::Unknown(why.clone()),
        };
        let Some(before) = commits.get(1).map(|commit| commit.id.clone()) else {
            return Measured::Known(HubChange::nothing("nothing-older"));
        };
        let reason = "parent".to_owned();
        match change {
            Measured::Known(change) if change.commit == before => {
                Measured::Known(HubChange { reason, ..change.clone() })
            }
            _ => {
                let days_between = self.days_between(history, &commits[0].id, &before);
                let change = self.against(&before, siblings, files).await;
                change.map(|change| HubChange { commit: before, reason, days_between, ..change })
            }
        }
    }

    /// One question: what is different from an older commit.
    async fn against(
        &mut self,
        older: &str,
        siblings: &Measured<Vec<Sibling>>,
        files: &Measured<Vec<HubFile>>,
    ) -> Measured<HubChange> {
        if self.calls >= CALLS_LIMIT {
            return Measured::unknown(LIMIT_REACHED);
        }
        let (files, siblings) = match (files, siblings) {
            (Measured::Known(files), Measured::Known(siblings)) => (files, siblings),
            (Measured::Unknown(why), _) | (_, Measured::Unknown(why)) => {
                return Measured::Unknown(why.clone());
            }
        };
        self.calls += 1;
        let before = match info(self.hub, self.question.id, older, &self.kept(older)).await {
            Ok(before) => before,
            Err(error) => return Measured::unknown(format!("commit {older}: {error}")),
        };
        match before.siblings {
            Some(before) => Measured::Known(files::compare(files, siblings, &before)),
            None => Measured::unknown("the Hub did not list the files of the older commit"),
        }
    }

    /// Whether the pinned commit still belongs to the history; nothing pinned is nothing lost.
    pub(super) fn in_history(&self, commit: &str, history: &Measured<History>) -> Measured<bool> {
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
}
