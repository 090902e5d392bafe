//! The chain of base models: adapters, quantisations, merges and fine-tunes name what they are built on,
//! and that may name something in turn. The card is asked, and what beside it cannot be wrong without
//! breaking the model: an adapter's configuration, a merge's recipe.

use std::collections::{BTreeSet, VecDeque};

use jiff::civil::Date;

use super::facts::{BaseModel, HubFacts, HubFile};
use super::looking::info;
use super::{Licences, card};
use crate::domain::Measured;
use crate::net::hub::{Hub, HubError};
use model_scan::hub::{ModelInfo, is_repository, merged_models};
use model_scan::model_config;

/// Most base models of one model.
const MODELS_LIMIT: usize = 16;
/// Longest chain.
const DEPTH_LIMIT: u32 = 4;
/// Largest configuration that is read, in bytes.
const CONFIG_LIMIT: u64 = 1024 * 1024;
/// Files that name base models.
const CONFIGS: [&str; 3] = ["adapter_config.json", "mergekit_config.yml", "mergekit_config.yaml"];

/// One step of the chain: a base model that something names.
struct Step {
    id: String,
    relation: String,
    named_by: String,
    source: String,
    depth: u32,
}

/// Base models that a repository's card and tags name, with what each is to it.
fn named(id: &str, info: &ModelInfo, depth: u32) -> Vec<Step> {
    // Absent means that the Hub could not tell either; an empty word stands for that.
    let told_relation = card::strings(info, "base_model_relation").concat();
    let new = |base: String, relation: String, source: &str| Step {
        id: base,
        relation,
        named_by: id.to_owned(),
        source: source.to_owned(),
        depth,
    };
    let mut found: Vec<Step> = Vec::new();
    for tag in info.tags.iter().flatten() {
        let Some(rest) = tag.strip_prefix("base_model:") else { continue };
        if let Some((relation, base)) = rest.split_once(':') {
            found.push(new(base.to_owned(), relation.to_owned(), "tag"));
        }
    }
    for base in card::strings(info, "base_model") {
        match found.iter_mut().find(|known| known.id == base) {
            Some(known) => "card".clone_into(&mut known.source),
            None => found.push(new(base, told_relation.clone(), "card")),
        }
    }
    found.truncate(MODELS_LIMIT);
    found
}

/// Base models that the configurations of a repository name: file and id.
pub(super) async fn configured(
    hub: &Hub,
    id: &str,
    commit: &str,
    files: &Measured<Vec<HubFile>>,
    kept: &str,
) -> Measured<Vec<(String, String)>> {
    let files = match files {
        Measured::Known(files) => files,
        Measured::Unknown(reason) => return Measured::Unknown(reason.clone()),
    };
    let mut found: Vec<(String, String)> = Vec::new();
    for file in CONFIGS.iter().filter(|name| files.iter().any(|file| file.path == **name)) {
        let bytes = match hub.file(id, commit, file, CONFIG_LIMIT, kept).await {
            Ok(bytes) => bytes,
            Err(error) => return Measured::unknown(format!("{file}: {error}")),
        };
        let ids: Vec<String> = if *file == CONFIGS[0] {
            let base = model_config::read_json(&bytes).base_model;
            base.into_iter().filter(|base| is_repository(base)).collect()
        } else {
            merged_models(&String::from_utf8_lossy(&bytes))
        };
        found.extend(ids.into_iter().map(|base| ((*file).to_owned(), base)));
    }
    found.truncate(MODELS_LIMIT);
    Measured::Known(found)
}

/// Follows the chain and fills what the facts tell of it.
pub(super) async fn follow(
    hub: &Hub,
    id: &str,
    first: &ModelInfo,
    configured: Measured<Vec<(String, String)>>,
    facts: &mut HubFacts,
    as_of: Date,
) {
    let kept = as_of.to_string();
    let mut waiting: VecDeque<Step> = named(id, first, 1).into();
    facts.base_models_untold = add_configured(&mut waiting, id, configured);
    let mut seen = BTreeSet::from([id.to_owned()]);
    let mut found: Vec<BaseModel> = Vec::new();
    while let Some(next) = waiting.pop_front() {
        if !seen.insert(next.id.clone()) {
            // Two adapters of one base are no cycle; a base that is built on what is built on it is.
            facts.base_model_cycle |= next.id == id || leads_to(&found, &next.id, &next.named_by);
            continue;
        }
        if found.len() == MODELS_LIMIT {
            break;
        }
        let answer = info(hub, &next.id, "main", &kept).await;
        if let (Ok(answer), true) = (&answer, next.depth < DEPTH_LIMIT) {
            waiting.extend(named(&next.id, answer, next.depth + 1));
        }
        found.push(base_model(next, answer));
    }
    facts.license_contradictions = contradictions(&Licences::embedded(), facts, &found);
    facts.base_models = Measured::Known(found);
}

/// Adds what configurations name to what the card names; the answer is what the card leaves out.
fn add_configured(
    waiting: &mut VecDeque<Step>,
    id: &str,
    configured: Measured<Vec<(String, String)>>,
) -> Measured<Vec<String>> {
    configured.map(|configured| {
        let mut untold = Vec::new();
        for (file, base) in configured {
            // Names of the Hub differ in nothing but case only where they are the same repository.
            if waiting.iter().any(|known| known.id.eq_ignore_ascii_case(&base)) {
                continue;
            }
            untold.push(format!("{file}: {base}"));
            let adapter = if file == CONFIGS[0] { "adapter" } else { "merge" };
            waiting.push_back(Step {
                id: base,
                relation: adapter.to_owned(),
                named_by: id.to_owned(),
                source: file,
                depth: 1,
            });
        }
        untold
    })
}

/// Whether following who named whom leads from `from` up to `to`.
fn leads_to(found: &[BaseModel], to: &str, from: &str) -> bool {
    let mut at = from;
    // A chain has at most as many steps as there are models.
    for _ in 0..=found.len() {
        if at == to {
            return true;
        }
        match found.iter().find(|base| base.id == at) {
            Some(base) => at = &base.named_by,
            None => return false,
        }
    }
    false
}

fn base_model(named: Step, answer: Result<ModelInfo, HubError>) -> BaseModel {
    let Step { id, relation, named_by, source, depth } = named;
    let unknown = |reason: String| BaseModel {
        id: id.clone(),
        relation: relation.clone(),
        named_by: named_by.clone(),
        source: source.clone(),
        depth,
        renamed_to: Measured::Unknown(reason.clone()),
        status: Measured::Unknown(reason.clone()),
        gated: Measured::Unknown(reason.clone()),
        licenses: Measured::Unknown(reason),
    };
    let untold = || "the Hub did not tell it".to_owned();
    match answer {
        Ok(info) => BaseModel {
            status: Measured::Known("found".to_owned()),
            renamed_to: Measured::Known(Hub::renamed(&id, info.id.as_deref())),
            gated: info.gated.map_or_else(
                || Measured::Unknown(untold()),
                |g| Measured::Known(g.as_str().to_owned()),
            ),
            licenses: card::licenses(&info),
            ..unknown(untold())
        },
        Err(error) => {
            let status = error.status().map(str::to_owned);
            let reason = error.to_string();
            let known = status.map_or_else(|| Measured::Unknown(reason.clone()), Measured::Known);
            BaseModel { status: known, ..unknown(reason) }
        }
    }
}

/// Unknown only where nothing contradicts and something is not known.
fn contradictions(
    licences: &Licences,
    facts: &HubFacts,
    bases: &[BaseModel],
) -> Measured<Vec<String>> {
    let ours = match &facts.licenses {
        Measured::Known(ours) => ours,
        Measured::Unknown(reason) => return Measured::Unknown(reason.clone()),
    };
    let mut found = Vec::new();
    let mut unknown = None;
    for base in bases {
        match &base.licenses {
            Measured::Known(theirs) if licences.contradicts(ours, theirs) => {
                found.push(format!("{}: {}, ours: {}", base.id, theirs.join(" "), ours.join(" ")));
            }
            Measured::Known(_) => {}
            Measured::Unknown(reason) => unknown = Some(format!("{}: {reason}", base.id)),
        }
    }
    match unknown {
        Some(reason) if found.is_empty() => Measured::Unknown(reason),
        _ => Measured::Known(found),
    }
}
