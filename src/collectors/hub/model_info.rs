//! What the Hub says of a model at once: its info, as facts.

use serde_json::Value;

use super::facts::{HubChange, HubFacts, HubFile, LISTED};
use super::looking::Looking;
use super::{Licences, card, told};
use crate::collectors::model_custody::days_before;
use crate::domain::Measured;
use crate::net::hub::Hub;
use model_scan::hub::ModelInfo;

impl Looking<'_> {
    pub(super) fn facts(
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
            parent: Measured::unknown("not asked"),
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
