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

const CRATES: [(&str, &str); 3] =
    [("candle-examples", "0.11.1"), ("fastembed", "7.5.0"), ("rust-bert", "0.23.0")];

/// Folder of every crate, by `cargo metadata` of a manifest that asks for them.
fn fetch() -> BTreeMap<String, PathBuf> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut manifest = String::from(
        "[package]\nname = \"throw-away\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[dependencies]\n",
    );
    for (name, version) in CRATES {
        manifest.push_str(&format!(
            "{name} = {{ version = \"={version}\", default-features = false }}\n"
        ));
    }
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
    packages
        .filter_map(|package| {
            let name = package["name"].as_str()?.to_owned();
            let file = Path::new(package["manifest_path"].as_str()?);
            Some((name, file.parent()?.to_owned()))
        })
        .collect()
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
    let folders = fetch();
    let (mut wanted, mut hit, mut named, mut wrong) = (0, 0, 0, 0);
    for (name, version) in CRATES {
        let list = listed(&format!("{name}-{version}.txt"));
        let tree = Tree::open(&folders[name]).expect("fetched");
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
    assert!(wrong * 100 <= named * 2, "false {wrong} of {named}");
}
