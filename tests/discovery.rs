//! Discovery measured on published crates whose models a person has listed by reading: recall and false
//! names, with the counts of each form. Needs the crates in Cargo's home, which `cargo fetch` of a
//! throw-away manifest puts there.

#![allow(clippy::format_push_string, reason = "the text of a test is small")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_custody::domain::{Graph, Location, Node, Subject, SubjectKind};
use cargo_custody::walker::models::{Confidence, discover};
use cargo_custody::walker::tree::Tree;

/// What the rules were made with.
const MADE_WITH: [(&str, &str); 3] =
    [("candle-examples", "0.11.1"), ("fastembed", "7.5.0"), ("rust-bert", "0.23.0")];

/// What they were held against afterwards; `fixtures/discovery/README.md` has the figures.
const HELD_AGAINST: [(&str, &str); 16] = [
    ("any-tts", "0.2.0"),
    ("candle-pipelines", "0.0.7"),
    ("ck-embed", "0.8.1"),
    ("embed_anything", "0.7.1"),
    ("genai", "0.7.2"),
    ("gline-rs", "1.1.0"),
    ("hf-hub", "1.0.0"),
    ("kalosm-llama", "0.4.4"),
    ("langchain-rust", "7.0.0"),
    ("mistralrs", "0.8.1"),
    ("mistralrs-core", "0.8.1"),
    ("rbert", "0.4.0"),
    ("rig-fastembed", "0.44.0"),
    ("rwhisper", "0.4.1"),
    ("text-splitter", "0.33.1"),
    ("tokenizers", "0.23.2"),
];

/// Folder of a crate, by `cargo metadata` of a manifest that asks for it alone: some exclude one another.
fn fetch(name: &str, version: &str) -> PathBuf {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = format!(
        "[package]\nname = \"throw-away\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[dependencies]\n{name} = {{ version = \"={version}\", default-features = false }}\n"
    );
    std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("written");
    std::fs::write(folder.path().join("lib.rs"), "").expect("written");
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1"])
        .current_dir(folder.path())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list").iter();
    let manifest = packages
        .filter(|package| package["name"] == name && package["version"] == version)
        .find_map(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .expect("it was fetched");
    manifest.to_owned()
}

/// A graph in which a hub client is in use, as in these crates.
fn graph() -> Graph {
    let location = Location::line("Cargo.lock", 1);
    let node = Node {
        subject: Subject::registry_crate("hf-hub", "0.5.0"),
        checksum: None,
        location: location.clone(),
        name_location: location,
        declared: Vec::new(),
        dependencies: Vec::new(),
        member: false,
    };
    Graph { nodes: vec![node], roots: vec![0] }
}

fn listed(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/discovery").join(file);
    let text = std::fs::read_to_string(path).expect("the list is there");
    text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect()
}

#[test]
#[ignore = "live"]
fn live_what_a_person_finds_by_reading_is_found() {
    let (mut wanted, mut hit, mut named, mut wrong) = (0, 0, 0, 0);
    for (name, version) in MADE_WITH.into_iter().chain(HELD_AGAINST) {
        let list = listed(&format!("{name}-{version}.txt"));
        let tree = Tree::open(&fetch(name, version)).expect("fetched");
        let discovery = discover(&tree, &graph(), &[]);
        let sure = discovery.references.iter().filter(|reference| {
            reference.confidence > Confidence::Low && reference.kind != SubjectKind::Service
        });
        let mut forms: BTreeMap<String, usize> = BTreeMap::new();
        let mut found = BTreeSet::new();
        for reference in sure {
            *forms.entry(reference.form.name()).or_insert(0) += 1;
            found.insert(reference.id.clone());
        }
        let missed: Vec<_> = list.difference(&found).collect();
        let extra: Vec<_> = found.difference(&list).collect();
        println!("{name} {version}: {} listed, {} found", list.len(), list.len() - missed.len());
        println!("  missed {missed:?}\n  not listed {extra:?}\n  forms {forms:?}");
        wanted += list.len();
        hit += list.len() - missed.len();
        named += found.len();
        wrong += extra.len();
    }
    println!("recall {hit} of {wanted}, false {wrong} of {named}");
    assert!(hit * 100 >= wanted * 95, "recall {hit} of {wanted}");
    assert!(wrong * 100 <= named * 5, "false {wrong} of {named}");
}
