//! The chain of base models: adapters, quantisations, merges and fine-tunes name what they are built on,
//! and that may name something in turn.

use std::collections::{BTreeSet, VecDeque};

use jiff::civil::Date;

use super::facts::{BaseModel, HubFacts};
use super::{Licences, card, info};
use crate::domain::Measured;
use crate::formats::hub::ModelInfo;
use crate::net::hub::Hub;

/// Most base models of one model.
const MODELS_LIMIT: usize = 16;
/// Longest chain.
const DEPTH_LIMIT: u32 = 4;

/// Base models that a repository names, with what each is to it.
fn named(info: &ModelInfo) -> Vec<(String, String)> {
    // Absent means that the Hub could not tell either; an empty word stands for that.
    let told_relation = card::strings(info, "base_model_relation").concat();
    let mut found: Vec<(String, String)> = Vec::new();
    for tag in info.tags.iter().flatten() {
        let Some(rest) = tag.strip_prefix("base_model:") else { continue };
        if let Some((relation, id)) = rest.split_once(':') {
            found.push((id.to_owned(), relation.to_owned()));
        }
    }
    for id in card::strings(info, "base_model") {
        if !found.iter().any(|(known, _)| *known == id) {
            found.push((id, told_relation.clone()));
        }
    }
    found.truncate(MODELS_LIMIT);
    found
}

/// Follows the chain and fills what the facts tell of it.
pub(super) async fn follow(
    hub: &Hub,
    id: &str,
    first: &ModelInfo,
    facts: &mut HubFacts,
    as_of: Date,
) {
    let licences = Licences::embedded();
    let kept = as_of.to_string();
    let mut seen = BTreeSet::from([id.to_owned()]);
    let mut waiting: VecDeque<(String, String, u32)> =
        named(first).into_iter().map(|(id, relation)| (id, relation, 1)).collect();
    let mut found: Vec<BaseModel> = Vec::new();
    while let Some((base, relation, depth)) = waiting.pop_front() {
        if !seen.insert(base.clone()) {
            facts.base_model_cycle |= base == id || depth > 1;
            continue;
        }
        if found.len() == MODELS_LIMIT {
            break;
        }
        let answer = info(hub, &base, "main", &kept).await;
        if let (Ok(answer), true) = (&answer, depth < DEPTH_LIMIT) {
            let next = named(answer).into_iter().map(|(id, relation)| (id, relation, depth + 1));
            waiting.extend(next);
        }
        found.push(base_model(base, relation, depth, answer));
    }
    facts.license_contradictions = contradictions(&licences, facts, &found);
    facts.base_models = Measured::Known(found);
}

fn base_model(
    id: String,
    relation: String,
    depth: u32,
    answer: Result<ModelInfo, crate::net::hub::HubError>,
) -> BaseModel {
    let untold = "the Hub did not tell it";
    match answer {
        Ok(info) => BaseModel {
            id,
            relation,
            depth,
            status: Measured::Known("found".to_owned()),
            gated: info.gated.map_or_else(
                || Measured::unknown(untold),
                |gate| Measured::Known(gate.as_str().to_owned()),
            ),
            licenses: card::licenses(&info),
        },
        Err(error) => BaseModel {
            id,
            relation,
            depth,
            status: error.status().map_or_else(
                || Measured::unknown(error.to_string()),
                |s| Measured::Known(s.to_owned()),
            ),
            gated: Measured::unknown(error.to_string()),
            licenses: Measured::unknown(error.to_string()),
        },
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
