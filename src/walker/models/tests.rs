//! Discovery over whole folders.

use std::fs;

use super::*;

fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let tree = Tree::open(folder.path()).unwrap();
    (folder, tree)
}

fn krate(name: &str, member: bool) -> Node {
    let mut subject = Subject::registry_crate(name, "1.0.0");
    if member {
        subject.origin = Origin::Path;
    }
    Node {
        subject,
        checksum: None,
        location: Location::line("Cargo.lock", 1),
        name_location: Location::line("Cargo.lock", 1),
        declared: Vec::new(),
        dependencies: Vec::new(),
        member,
    }
}

fn ai_app() -> (Walk, Discovery) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/ai-app");
    let walk = crate::walker::walk(&root, &crate::walker::Options::default()).unwrap();
    let discovery = in_project(&walk, &[]);
    (walk, discovery)
}

#[test]
fn the_models_of_the_ai_application_are_found_with_their_revisions() {
    let (mut walk, discovery) = ai_app();
    let attached = attach(&mut walk.graph, &discovery, &walk.declared.manifests);
    let told: Vec<(&str, RevisionKind, u32)> = attached
        .references
        .iter()
        .map(|(&node, facts)| {
            let name = walk.graph.nodes[node].subject.name.as_str();
            (name, facts.revision_kind, facts.references[0].line)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Qwen/Qwen2.5-0.5B-Instruct", RevisionKind::None, 30),
            ("Xenova/bge-reranker-base", RevisionKind::None, 26),
            ("sentence-transformers/all-MiniLM-L6-v2", RevisionKind::Commit, 22),
            ("127.0.0.1:8080", RevisionKind::None, 29),
        ]
    );
    let ways = walk.graph.ways();
    for node in attached.references.keys() {
        assert_eq!(walk.graph.nodes[ways.to(*node)[0]].subject.name, "ai-app");
    }
    assert!(attached.services.values().all(|service| service.local));
}

#[test]
fn one_repository_at_two_revisions_is_two_nodes() {
    let commit = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf";
    let shell = format!("hf download o/n-1 --revision {commit}\nhf download o/n-1\n");
    let (_folder, tree) = project(&[("a.sh", &shell), ("b.py", "snapshot_download('o/n-1')\n")]);
    let mut graph = Graph { nodes: vec![krate("app", true)], roots: vec![0] };
    let discovery = discover(&tree, &graph, &[]);
    let attached = attach(&mut graph, &discovery, &BTreeMap::new());
    let told: Vec<(&str, u32)> = attached
        .references
        .iter()
        .map(|(&node, facts)| (graph.nodes[node].subject.version.as_str(), facts.count))
        .collect();
    assert_eq!(told, [("", 2), (commit, 1)]);
    assert_eq!(graph.nodes[0].dependencies, [1, 2]);
}

#[test]
fn a_client_crate_of_a_service_is_a_service() {
    let (_folder, tree) = project(&[]);
    let mut graph =
        Graph { nodes: vec![krate("app", true), krate("async-openai", false)], roots: vec![0] };
    let discovery = discover(&tree, &graph, &[]);
    let attached = attach(&mut graph, &discovery, &BTreeMap::new());
    assert_eq!(attached.services[&2].vendor, "OpenAI");
    assert!(!attached.services[&2].local);
}

#[test]
fn what_the_policy_names_is_a_model_and_documentation_is_none() {
    let (_folder, tree) = project(&[("README.md", "hf download o/from-readme-1")]);
    let stated = Stated {
        id: "o/n-1".to_owned(),
        revision: Some("main".to_owned()),
        location: Location::line("custody.toml", 3),
    };
    let discovery = discover(&tree, &Graph::default(), &[stated]);
    assert_eq!(discovery.references.len(), 1);
    assert_eq!(discovery.references[0].form, Form::Policy);
}

#[test]
fn hostile_files_are_read_in_bounded_time_and_never_crash() {
    let many = "hf download o/n-1\n".repeat(8_000);
    let nested = "f(".repeat(50_000);
    let url = "https://huggingface.co/".repeat(4_000);
    let (_folder, tree) = project(&[
        ("a.sh", &many),
        ("b.rs", &nested),
        ("c.py", &nested),
        ("d.yaml", &url),
        ("e.rs", "use hf_hub; \"\u{202e}o/n\" 'x"),
        ("f.json", &"[".repeat(100_000)),
    ]);
    let discovery = discover(&tree, &Graph::default(), &[]);
    assert!(discovery.references.len() <= REFERENCES_LIMIT);
    assert!(discovery.references.iter().any(|r| r.id == "o/n-1"));
}

#[test]
fn what_a_router_calls_a_model_is_a_service_and_what_the_hub_holds_stays_a_model() {
    use SubjectKind::{Model, Service};

    let yaml = "model: openai/gpt-4o-mini\n---\nmodel: vertex_ai/gemini-1.5-pro\n---\nmodel: openrouter/auto-2\n---\nmodel: openai/gpt-oss-20b\n";
    let shell = "hf download groq/own-1\n";
    let (_folder, tree) = project(&[("a.yaml", yaml), ("b.sh", shell)]);
    let mut graph = Graph { nodes: vec![krate("app", true)], roots: vec![0] };
    let discovery = discover(&tree, &graph, &[]);
    let attached = attach(&mut graph, &discovery, &BTreeMap::new());
    let told: Vec<_> = attached
        .references
        .keys()
        .map(|&node| (graph.nodes[node].subject.kind, graph.nodes[node].subject.name.as_str()))
        .collect();

    assert_eq!(
        told,
        [
            (Model, "groq/own-1"),
            (Model, "openai/gpt-oss-20b"),
            (Service, "aiplatform.googleapis.com"),
            (Service, "api.openai.com"),
            (Service, "openrouter.ai"),
        ]
    );
}
