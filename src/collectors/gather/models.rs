//! The part of a run that looks at the models of the graph: on the Hub, and in this machine's copy of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Gathering, Scope};
use crate::collectors::hub::{self, FilesRead, HubFacts, ModelRecord, Question};
use crate::collectors::hub_cache::{self, Cached, CachedFile, HubCacheFacts};
use crate::collectors::model_files::{self, ModelFacts};
use crate::collectors::pins::ModelState;
use crate::collectors::{model_custody, pins};
use crate::domain::{Measured, ModelPin, NodeIndex, Origin, SubjectKind, Undetermined};
use crate::net::hub::Hub;

/// Most models that are asked about in one run.
const MODELS_LIMIT: usize = 100;

impl Gathering<'_> {
    /// The repository, the people, the files and the pin of every model that comes from the Hub.
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
        // The client of the whole run, whose deadline has been running since its beginning.
        let client = self.equipment.client_for(self.options);
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
            // Of a computed revision nothing is known, and the default branch is not it.
            if revision == "?" {
                self.not_asked(*node, "the code computes the revision");
                continue;
            }
            let asked = stopped.is_none().then_some(&hub);
            if let Some(reason) = &stopped {
                self.not_asked(*node, reason);
            }
            let unreachable = self.model(asked, *node, id, revision);
            stopped = stopped.or(unreachable);
        }
    }

    fn not_asked(&mut self, node: NodeIndex, reason: &str) {
        self.gathered.sheets[node].put(hub::GROUP, &HubFacts::unknown(reason));
        self.gathered.sheets[node].put_unknown(model_custody::GROUP, reason);
    }

    /// Looks at one model; the answer is why no other one needs to be asked about.
    fn model(
        &mut self,
        hub: Option<&Hub>,
        node: NodeIndex,
        id: &str,
        revision: &str,
    ) -> Option<String> {
        let as_of = self.options.as_of;
        let pinned = self.options.pins.as_ref().map_or(&[][..], |pins| &pins.models);
        let pin = pin_of(pinned, id, revision);
        let question = Question { id, revision, pin };
        let mut record = hub.map(|hub| self.runtime.block_on(hub::look(hub, &question, as_of)));
        let cached = self.cached(node, id, revision);
        let mut imports = Measured::unknown("the model's code was not read");
        if let (Some(record), Some(hub)) = (&mut record, hub) {
            let commit = record.hub.commit.known();
            let current =
                |copy: &&(Cached, _)| commit.is_none_or(|now| *now == copy.0.facts.commit);
            if let Some((cached, model)) = cached.as_ref().filter(current) {
                hashes_of_copy(record, &cached.facts);
                if let Measured::Known(model) = model {
                    record.hub.add_remote_code(model);
                    imports = Measured::Known(imports_of(model));
                }
            } else {
                // The branch has moved on since the copy was made.
                let files = hub::read_files(hub, self.runtime, id, &mut record.hub);
                imports = files.as_ref().map(|files| imports_of(&files.model));
                self.files(node, files);
            }
            record.hold_signature();
        }
        let mut pin_now = cached.map(|(cached, _)| cached.pin(id, as_of));
        if let Some(record) = &record {
            self.record(node, record);
            pin_now = record.pin(id, as_of).or(pin_now);
        }
        if let Measured::Known(imports) = &imports {
            self.gathered.imports.insert(node, imports.clone());
        }
        if let Some(Measured::Known(days)) = record.as_ref().map(|r| &r.hub.created_days) {
            self.gathered.model_days.insert(node, *days);
        }
        if let Some(mut pin) = pin_now {
            add_imports(&mut pin, &imports);
            self.gathered.models.insert(node, pin);
        }
        if let (Some(pins), Some(record)) = (&self.options.pins, &record) {
            let commit = record.hub.commit.known().map_or(revision, String::as_str);
            let modules = imports.map(|files| {
                let all: BTreeSet<String> = files.into_values().flatten().collect();
                all.into_iter().collect()
            });
            let now = ModelState {
                files: record.pinned_files(),
                committers: record.committers(),
                namespace: record.custody.namespace_kind.clone(),
                signer: record.signer(),
                imports: modules,
            };
            let facts = pins::model_pin_facts(pins, id, commit, &now, as_of);
            self.gathered.sheets[node].put(pins::MODEL_GROUP, &facts);
        }
        record.and_then(|record| record.unreachable)
    }

    fn record(&mut self, node: NodeIndex, record: &ModelRecord) {
        let sheet = &mut self.gathered.sheets[node];
        sheet.put(hub::GROUP, &record.hub);
        sheet.put(model_custody::GROUP, &record.custody);
    }

    /// What the scanner saw in files of the Hub, and what it could not look at.
    fn files(&mut self, node: NodeIndex, files: Measured<FilesRead>) {
        let files = match files {
            Measured::Known(files) => files,
            Measured::Unknown(reason) => {
                self.gathered.sheets[node].put_unknown(model_files::GROUP, reason);
                return;
            }
        };
        self.gathered.sheets[node].put(model_files::GROUP, &files.model);
        let subject = self.gathered.sheets[node].subject.clone();
        let entries = files.left_out.into_iter().map(|(file, reason)| Undetermined {
            subject: subject.clone(),
            what: model_files::GROUP.to_owned(),
            file: Some(file),
            reason,
            required: false,
        });
        self.gathered.undetermined.extend(entries);
    }

    /// Looks at the copy in this machine's cache, which is what a program would load, and at its files.
    fn cached(
        &mut self,
        node: NodeIndex,
        id: &str,
        revision: &str,
    ) -> Option<(Cached, Measured<ModelFacts>)> {
        let pins = self.options.pins.as_ref().map_or(&[][..], |pins| &pins.models);
        let cached = hub_cache::find(self.options.hub_cache.as_ref()?, id, revision, pins)?;
        let sheet = &mut self.gathered.sheets[node];
        sheet.put(hub_cache::GROUP, &cached.facts);
        let model = Measured::from(model_files::measure(&cached.folder));
        match &model {
            Measured::Known(facts) => sheet.put(model_files::GROUP, facts),
            Measured::Unknown(reason) => sheet.put_unknown(model_files::GROUP, reason.clone()),
        }
        Some((cached, model))
    }
}

/// What each Python file of a model imports.
type Imports = BTreeMap<String, Vec<String>>;

fn imports_of(model: &ModelFacts) -> Imports {
    let whole = model.python.iter().filter(|part| part.member.is_empty());
    whole.map(|part| (part.path.clone(), part.facts.imports.clone())).collect()
}

/// Adds to the pinned files what they import, where they were read.
fn add_imports(pin: &mut ModelPin, imports: &Measured<Imports>) {
    let Measured::Known(imports) = imports else { return };
    for file in &mut pin.files {
        file.imports = imports.get(&file.path).cloned();
    }
}

/// Small files have no SHA-256 on the Hub; the copy of the same commit does.
fn hashes_of_copy(record: &mut ModelRecord, copy: &HubCacheFacts) {
    let Measured::Known(files) = &mut record.hub.files else { return };
    for file in files.iter_mut().filter(|file| file.sha256.known().is_none()) {
        let same = |cached: &&CachedFile| {
            cached.path == file.path && !copy.altered.iter().any(|a| a.path == cached.path)
        };
        if let Some(cached) = copy.files.iter().find(same) {
            file.sha256 = cached.sha256.clone();
        }
    }
}

/// The pin of that revision, else any of that repository.
fn pin_of<'p>(pins: &'p [ModelPin], id: &str, revision: &str) -> Option<&'p ModelPin> {
    let mut of_model = pins.iter().filter(|pin| pin.repository == id);
    of_model.clone().find(|pin| pin.revision == revision).or_else(|| of_model.next_back())
}
