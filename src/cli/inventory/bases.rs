//! What adapters, quantisations and merges of the inventory are built on, as far as it can be told
//! without a socket: from the files of a local model, and from answers that an earlier `check` kept.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::collectors::hub::{self, BaseModel, Question};
use crate::collectors::{self, client};
use crate::domain::{Graph, Measured, NodeIndex, Origin, SubjectKind};
use crate::net::hub::Hub;
use crate::walker::tree::Tree;
use model_scan::hub::{is_repository, merged_models};
use model_scan::model_config;

/// Largest configuration that is read, in bytes.
const CONFIG_LIMIT: u64 = 1024 * 1024;
/// Most models whose kept answers are looked for.
const MODELS_LIMIT: usize = 200;

/// One base model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct BaseEntry {
    pub id: String,
    /// `adapter`, `quantized`, `merge`, `finetune`; empty where it is not told.
    pub relation: String,
    /// The model that names it.
    pub named_by: String,
    /// 1 for a direct base model, 2 for the base model of that, and so on.
    pub depth: u32,
    /// `found`, `gated`, `missing-or-private`, ...; absent where the Hub was not asked.
    pub status: Option<String>,
}

/// The chains of the models of a graph that an earlier run asked the Hub about.
pub(super) fn kept(
    graph: &Graph,
    options: &collectors::Options,
) -> std::io::Result<BTreeMap<NodeIndex, Vec<BaseEntry>>> {
    let client = client(options);
    let hub = Hub::new(&client, &options.urls, None);
    let runtime = crate::net::runtime()?;
    let nodes = graph.nodes.iter().enumerate();
    let models = nodes.filter(|(_, node)| {
        node.subject.kind == SubjectKind::Model && node.subject.origin == Origin::Hub
    });
    let chains = models.take(MODELS_LIMIT).filter_map(|(index, node)| {
        let question =
            Question { id: &node.subject.name, revision: &node.subject.version, pin: None };
        let record = runtime.block_on(hub::look(&hub, &question, options.as_of));
        let Measured::Known(bases) = record.hub.base_models else { return None };
        (!bases.is_empty()).then(|| (index, bases.into_iter().map(entry).collect()))
    });
    Ok(chains.collect())
}

fn entry(base: BaseModel) -> BaseEntry {
    BaseEntry {
        id: base.id,
        relation: base.relation,
        named_by: base.named_by,
        depth: base.depth,
        status: base.status.known().cloned(),
    }
}

/// What the configuration of a model in the project's folder names.
pub(super) fn local(tree: &Tree, folder: &str) -> Vec<BaseEntry> {
    let text = |file: &str| tree.read(&format!("{folder}/{file}"), CONFIG_LIMIT).ok().flatten();
    let new = |id: String, relation: &str| BaseEntry {
        id,
        relation: relation.to_owned(),
        named_by: folder.to_owned(),
        depth: 1,
        status: None,
    };
    let adapter = text("adapter_config.json")
        .and_then(|text| model_config::read_json(text.as_bytes()).base_model)
        .filter(|id| is_repository(id))
        .map(|id| new(id, "adapter"));
    let recipe = text("mergekit_config.yml").or_else(|| text("mergekit_config.yaml"));
    let merged = recipe.map(|text| merged_models(&text)).into_iter().flatten();
    adapter.into_iter().chain(merged.map(|id| new(id, "merge"))).collect()
}

/// A chain in words: those of one depth together, nearest first.
pub(super) fn words(bases: &[BaseEntry]) -> String {
    let mut by_depth: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for base in bases {
        let id = crate::domain::text::shown(&base.id);
        let told = match (base.relation.as_str(), base.status.as_deref()) {
            ("", None | Some("found")) => id,
            (relation, None | Some("found")) => format!("{id} ({})", shown_relation(relation)),
            (_, Some(status)) => format!("{id} ({status})"),
        };
        by_depth.entry(base.depth).or_default().push(told);
    }
    let steps: Vec<String> = by_depth.into_values().map(|ids| ids.join(" and ")).collect();
    steps.join(", then ")
}

fn shown_relation(relation: &str) -> String {
    format!("as {}", crate::domain::text::shown(relation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_adapter_and_a_recipe_name_their_bases_and_a_path_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("a/adapter_config.json", "{\"base_model_name_or_path\":\"o/base\"}");
        write("b/adapter_config.json", "{\"base_model_name_or_path\":\"/home/me/base\"}");
        write("c/mergekit_config.yml", "models:\n- model: o/x\n- model: o/y\n");
        let tree = Tree::open(folder.path()).unwrap();
        assert_eq!(words(&local(&tree, "a")), "o/base (as adapter)");
        assert_eq!(words(&local(&tree, "b")), "");
        assert_eq!(words(&local(&tree, "c")), "o/x (as merge) and o/y (as merge)");
        assert!(local(&tree, "nothing").is_empty());
    }
}
