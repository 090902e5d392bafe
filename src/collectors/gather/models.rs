//! The part of a run that asks the Hub about the models of the graph.

use super::{Gathering, Scope, client};
use crate::collectors::hub::{self, HubFacts, Question};
use crate::collectors::{model_custody, pins};
use crate::domain::{NodeIndex, Origin, SubjectKind};
use crate::net::hub::Hub;

/// Most models that are asked about in one run.
const MODELS_LIMIT: usize = 100;

impl Gathering<'_> {
    /// The repository, the people and the pin of every model that comes from the Hub.
    pub(super) fn models(&mut self, scope: &Scope) {
        let sheets = self.gathered.sheets.iter().enumerate();
        let models: Vec<(NodeIndex, String, String)> = sheets
            .filter(|(_, sheet)| sheet.subject.kind == SubjectKind::Model)
            .filter(|(_, sheet)| sheet.subject.origin == Origin::Hub)
            .map(|(node, sheet)| (node, sheet.subject.name.clone(), sheet.subject.version.clone()))
            .collect();
        if models.is_empty() {
            return;
        }
        let client = client(self.options);
        let hub = Hub::new(&client, &self.options.urls, self.options.hub_token.clone());
        let mut stopped: Option<String> = None;
        for (at, (node, id, revision)) in models.iter().enumerate() {
            if at == MODELS_LIMIT {
                stopped = Some(format!("only {MODELS_LIMIT} models are asked about in one run"));
            }
            if matches!(scope, Scope::Changed(changed) if !changed.contains_key(node)) {
                self.not_asked(*node, "the change does not touch it");
                continue;
            }
            match &stopped {
                Some(reason) => self.not_asked(*node, reason),
                None => stopped = self.model(&hub, *node, id, revision),
            }
        }
    }

    fn not_asked(&mut self, node: NodeIndex, reason: &str) {
        self.gathered.sheets[node].put(hub::GROUP, &HubFacts::unknown(reason));
        self.gathered.sheets[node].put_unknown(model_custody::GROUP, reason);
    }

    /// Looks at one model; the answer is why no other one needs to be tried.
    fn model(&mut self, hub: &Hub, node: NodeIndex, id: &str, revision: &str) -> Option<String> {
        // Of a computed revision nothing is known, and the default branch is not it.
        if revision == "?" {
            self.not_asked(node, "the code computes the revision");
            return None;
        }
        let as_of = self.options.as_of;
        let pinned = self.options.pins.as_ref();
        let pin = pinned.and_then(|pins| pins.models.iter().find(|pin| pin.repository == id));
        let question = Question { id, revision, pin };
        let record = self.runtime.block_on(hub::look(hub, &question, as_of));
        let sheet = &mut self.gathered.sheets[node];
        sheet.put(hub::GROUP, &record.hub);
        sheet.put(model_custody::GROUP, &record.custody);
        if let Some(pinned) = pinned {
            let commit = record.hub.commit.known().map_or(revision, String::as_str);
            let (files, committers) = (record.pinned_files(), record.committers());
            let facts = pins::model_pin_facts(pinned, id, commit, &files, &committers, as_of);
            sheet.put(pins::MODEL_GROUP, &facts);
        }
        record.unreachable
    }
}
