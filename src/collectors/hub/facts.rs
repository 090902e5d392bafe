//! What the Hub says of a model's repository: facts group `hub`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;

/// Most entries of one list.
pub const LISTED: usize = 2_000;

/// What the Hub says of a model's repository at one revision.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct HubFacts {
    /// What became of the question: `found`, `missing-or-private` (the Hub does not tell these apart),
    /// `gated`, `disabled` or `revision-not-found` (the repository is there, the revision is not).
    /// Unknown where the Hub was not asked or gave no answer. Source: the Hub's API.
    #[schemars(extend("enum" = ["found", "missing-or-private", "gated", "disabled", "revision-not-found"]))]
    pub status: Measured<String>,
    /// The commit that the revision stands for, 40 hexadecimal digits. Source: model info, `sha`.
    pub commit: Measured<String>,
    /// What the repository is called today, where it was renamed: then the old name may be free for
    /// anybody. Empty where it was not. Source: model info, `id`.
    pub renamed_to: Measured<String>,
    /// Whether only its owner sees it. Source: model info.
    pub private: Measured<bool>,
    /// Who may download: `open`, `auto` (who accepts the terms) or `manual` (whom the owner lets in).
    #[schemars(extend("enum" = ["open", "auto", "manual"]))]
    pub gated: Measured<String>,
    /// Whether the Hub has switched it off.
    pub disabled: Measured<bool>,
    /// Age of the repository in days. The Hub keeps no date before March 2022.
    pub created_days: Measured<i64>,
    /// Days since the last change.
    pub modified_days: Measured<i64>,
    /// The library that loads it, as the Hub found; empty where it found none.
    pub library: String,
    /// Files, ordered by path; at most 2,000. Source: model info with blobs, tree with last commits.
    pub files: Measured<Vec<HubFile>>,
    /// Files beyond those listed.
    pub files_left_out: u32,
    /// Formats of the weight files, ordered, without repetition. Source: file names.
    pub weight_formats: Measured<Vec<String>>,
    /// Whether code from the repository would run in a loader that allows it: `auto_map` or a custom
    /// class. Source: the Hub's digest of `config.json`.
    pub remote_code: Measured<bool>,
    /// Other repositories whose code `auto_map` names, ordered.
    pub remote_code_repositories: Measured<Vec<String>>,
    /// What is different from an older commit.
    pub change: Measured<HubChange>,
    /// What is different from the commit just before; asked only where there are pickles among the files.
    pub parent: Measured<HubChange>,
    /// Whether the commit that the project accepted still belongs to the history of this revision; it
    /// does not after a forced push. Source: custody.lock, list of commits.
    pub pinned_commit_in_history: Measured<bool>,
    /// Small files whose bytes are others than the id that the Hub itself lists for them (git blob id
    /// or SHA-256), by path. Source: the files, read whole.
    pub files_altered: Measured<Vec<String>>,
    /// Models that this one is built on, nearest first, their own base models included; at most 16.
    /// Source: `base_model` of the card, the Hub's tags, `adapter_config.json`, `mergekit_config.yml`.
    pub base_models: Measured<Vec<BaseModel>>,
    /// Base models that a configuration names and the card does not, `file: id`, at most 16. Known to
    /// be empty where the card names none.
    pub base_models_untold: Measured<Vec<String>>,
    /// Whether following the base models led back to one of them.
    pub base_model_cycle: bool,
    /// Licence ids of the card, as the Hub writes them.
    pub licenses: Measured<Vec<String>>,
    /// The same as SPDX ids, where there is one. Source: `rules/tables/hub-licences.toml`.
    pub licenses_spdx: Measured<Vec<String>>,
    /// What the licence allows: `open`, `restricted`, `non-commercial`, or `unknown`.
    #[schemars(extend("enum" = ["open", "restricted", "non-commercial", "unknown"]))]
    pub license_use: Measured<String>,
    /// Base models with stricter terms than this one declares: `id: theirs, ours`.
    pub license_contradictions: Measured<Vec<String>>,
    /// What the card tells.
    pub card: Measured<CardFacts>,
    /// What is told of licence, data, evaluation and origin.
    pub transparency: Measured<EvidenceFacts>,
    /// Evidence for the six components of an open model, Class III of the Model Openness Framework 1.0
    /// (<https://isitopen.ai/>). A count of evidence, never a class.
    pub openness: Measured<EvidenceFacts>,
    /// Pointers that Art. 53 of Regulation (EU) 2024/1689 asks providers of general-purpose models for.
    /// Whether a model falls under it, or obeys it, is not measured.
    pub eu_ai_act: Measured<EvidenceFacts>,
    /// What a signature manifest covers.
    pub signature: Measured<SignatureFacts>,
}

/// One file of a repository.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct HubFile {
    /// Path in the repository.
    pub path: String,
    /// Bytes.
    pub size: Measured<u64>,
    /// SHA-256, lower-case hexadecimal: of a file that is kept outside of git (LFS) as the Hub tells it,
    /// of a small text that was read as it was computed.
    pub sha256: Measured<String>,
    /// Git blob id, 40 hexadecimal digits; of a large file it is that of its pointer.
    pub blob: Measured<String>,
    /// What it is by its name: `safetensors`, `gguf`, `pickle`, `onnx`, `keras`, `flax`, `tflite`,
    /// `code`, `configuration` or `other`.
    #[schemars(extend("enum" = ["safetensors", "gguf", "pickle", "onnx", "keras", "flax", "tflite", "code", "configuration", "other"]))]
    pub format: String,
    /// Whether it holds weights.
    pub weights: bool,
    /// Whether it is code.
    pub code: bool,
    /// Account that committed to it last. Source: tree with last commits, list of commits.
    pub account: Measured<String>,
    /// Days since that commit.
    pub changed_days: Measured<i64>,
}

/// What is different from an older commit.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct HubChange {
    /// The commit that it is compared with.
    pub commit: String,
    /// Why that one: `pinned` (the project accepted it), `before-newcomer` (the last one before the
    /// newest committer came), `window` (the last one at least 180 days older), `parent` (the one just before),
    /// `no-pickles` (it was not asked for) or `nothing-older`.
    pub reason: String,
    /// Days between the two commits.
    pub days_between: Measured<i64>,
    /// Code that was not there.
    pub code_added: Vec<HubFile>,
    /// Code with other bytes.
    pub code_changed: Vec<HubFile>,
    /// Weights whose bytes are others.
    pub weights_changed: Vec<HubFile>,
    /// Weights that were not there.
    pub weights_added: Vec<HubFile>,
    /// Pickles that were not there.
    pub pickles_added: Vec<HubFile>,
    /// Safetensors files that are gone, by path.
    pub safetensors_removed: Vec<String>,
}

impl HubChange {
    /// No difference, against no commit.
    #[must_use]
    pub fn nothing(reason: &str) -> Self {
        Self {
            commit: String::new(),
            reason: reason.to_owned(),
            days_between: Measured::Known(0),
            code_added: Vec::new(),
            code_changed: Vec::new(),
            weights_changed: Vec::new(),
            weights_added: Vec::new(),
            pickles_added: Vec::new(),
            safetensors_removed: Vec::new(),
        }
    }
}

/// Things that were looked for, each in one of three lists, in a fixed order.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Default)]
pub struct EvidenceFacts {
    /// Evidence was found. Source: the card, file names, the Hub's tags.
    pub present: Vec<String>,
    /// None was found, and everything that was looked at could be read.
    pub absent: Vec<String>,
    /// It could not be checked.
    pub unchecked: Vec<String>,
}

/// A model that another one is built on.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct BaseModel {
    /// `owner/name`.
    pub id: String,
    /// `adapter`, `quantized`, `merge`, `finetune`, or empty where it is not told.
    pub relation: String,
    /// The model that names it.
    pub named_by: String,
    /// Where: `card`, `tag`, `adapter_config.json` or `mergekit_config.yml`.
    #[schemars(extend("enum" = ["card", "tag", "adapter_config.json", "mergekit_config.yml"]))]
    pub source: String,
    /// 1 for a direct base model, 2 for the base model of that, and so on.
    pub depth: u32,
    /// What it is called today, where it was renamed; empty where it was not.
    pub renamed_to: Measured<String>,
    /// As `status` of this group; unknown where it was not asked for.
    pub status: Measured<String>,
    /// Who may download it: `open`, `auto` or `manual`.
    #[schemars(extend("enum" = ["open", "auto", "manual"]))]
    pub gated: Measured<String>,
    /// Licence ids of its card.
    pub licenses: Measured<Vec<String>>,
}

/// What a model card tells. Each is present or absent; what could not be checked is unknown.
#[expect(clippy::struct_excessive_bools, reason = "independent facts that rules read by name")]
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct CardFacts {
    /// Whether there is a README.md.
    pub present: bool,
    /// Whether a licence is named; `other` counts only with a name and a link.
    pub license: bool,
    /// Whether a base model is named.
    pub base_model: bool,
    /// Whether training data sets are named.
    pub datasets: bool,
    /// Whether results of an evaluation are given in a form for programs.
    pub evaluation: bool,
    /// Placeholders of the template that nobody filled in. Source: the card's text.
    pub placeholders: Measured<u32>,
    /// Whether the text has a heading about training data.
    pub training_data: Measured<bool>,
    /// Whether the text has a heading about limits, bias or risks.
    pub limitations: Measured<bool>,
}

/// What a signature manifest covers (<https://github.com/ossf/model-signing-spec>). The signature itself
/// is not verified.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Default)]
pub struct SignatureFacts {
    /// The manifest's path; empty where there is none.
    pub path: String,
    /// Whom the signature claims to be by: an address of mail, or of a workflow without its branch or tag;
    /// empty where it tells nobody. Not verified.
    pub signer: String,
    /// Files that the manifest lists.
    pub listed: u32,
    /// Weight, pickle and code files that it does not list, by path; at most 2,000.
    pub not_covered: Vec<String>,
    /// Files whose SHA-256 is another one than the manifest's, by path; at most 2,000.
    pub different: Vec<String>,
    /// Files that the manifest lists and the repository does not have, by path; at most 2,000.
    pub missing: Vec<String>,
}

impl HubFacts {
    /// Nothing is known, for one reason.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        fn no<T>(reason: &str) -> Measured<T> {
            Measured::unknown(reason)
        }
        Self {
            status: no(reason),
            commit: no(reason),
            renamed_to: no(reason),
            private: no(reason),
            gated: no(reason),
            disabled: no(reason),
            created_days: no(reason),
            modified_days: no(reason),
            library: String::new(),
            files: no(reason),
            files_left_out: 0,
            weight_formats: no(reason),
            remote_code: no(reason),
            remote_code_repositories: no(reason),
            change: no(reason),
            parent: no(reason),
            pinned_commit_in_history: no(reason),
            files_altered: no(reason),
            base_models: no(reason),
            base_models_untold: no(reason),
            base_model_cycle: false,
            licenses: no(reason),
            licenses_spdx: no(reason),
            license_use: no(reason),
            license_contradictions: no(reason),
            card: no(reason),
            transparency: no(reason),
            openness: no(reason),
            eu_ai_act: no(reason),
            signature: no(reason),
        }
    }
}
