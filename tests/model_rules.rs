//! Every word that a parser of model files can say is named by some rule: nothing that was seen is
//! silent because nobody wrote a rule for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The parsers of model files, in whichever crate they live.
const PARSERS: [&str; 15] = [
    "zip_reader",
    "containers",
    "safetensors.rs",
    "gguf",
    "onnx.rs",
    "tensorflow.rs",
    "hdf5",
    "keras.rs",
    "skops.rs",
    "tokenizer.rs",
    "torchscript.rs",
    "pmml.rs",
    "python_source",
    "model_config",
    "chat_template",
];

/// What a call begins with that notes an oddity; its first text is the kind.
const NOTES: [&str; 4] = [".note(", "self.note(", "note(", "kind: "];

fn sources(place: &Path, into: &mut Vec<String>) {
    for entry in walkdir::WalkDir::new(place).sort_by_file_name() {
        let entry = entry.expect("the sources are there");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_file() && name != "tests.rs" {
            let text = fs::read_to_string(entry.path()).expect("a source");
            into.push(
                text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned(),
            );
        }
    }
}

/// The texts that stand as a kind in a source.
fn kinds(source: &str) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for start in NOTES {
        for (at, _) in source.match_indices(start) {
            let rest = &source[at + start.len()..];
            let call = &rest[..rest.find(';').unwrap_or(rest.len()).min(160)];
            let Some(kind) = call.split('"').nth(1) else { continue };
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if kind.contains('-') && kind.chars().all(word) {
                kinds.insert(kind.to_owned());
            }
        }
    }
    kinds
}

#[test]
fn every_anomaly_has_a_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for parser in PARSERS {
        let place = ["crates/bytes/src", "crates/model-scan/src"]
            .iter()
            .map(|folder| root.join(folder).join(parser))
            .find(|place| place.exists())
            .expect("every parser is in one of the crates");
        sources(&place, &mut texts);
    }
    let said: BTreeSet<String> = texts.iter().flat_map(|text| kinds(text)).collect();
    assert!(said.len() > 100, "{} kinds were found in the sources", said.len());
    let mut rules = Vec::new();
    sources(&root.join("rules/findings"), &mut rules);
    let rules = rules.concat();
    // A pointer, and what lies beyond a limit of ours, is told as a file that could not be scanned.
    let doubts = fs::read_to_string(root.join("src/collectors/model_files/doubt.rs"));
    let doubts = doubts.expect("the limits are listed");
    let told = |kind: &String| {
        rules.contains(&format!("'{kind}'"))
            || kind == "lfs-pointer"
            || doubts.contains(&format!("\"{kind}\""))
    };
    let silent: Vec<&String> = said.iter().filter(|kind| !told(kind)).collect();
    assert!(silent.is_empty(), "no rule names {silent:?}");
}
