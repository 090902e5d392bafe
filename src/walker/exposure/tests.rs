use super::*;
use crate::domain::{Location, Node, Origin, Subject, SubjectKind};

/// A graph from lines `name: dependency dependency`; names with capitals are the project's own.
fn graph(lines: &[&str]) -> Graph {
    let parsed: Vec<(&str, Vec<&str>)> = lines
        .iter()
        .map(|line| line.split_once(':').map(|(n, d)| (n, d.split_whitespace().collect())).unwrap())
        .collect();
    let index = |name: &str| parsed.iter().position(|(other, _)| *other == name).unwrap();
    let nodes: Vec<Node> = parsed
        .iter()
        .map(|(name, dependencies)| Node {
            subject: Subject {
                kind: SubjectKind::Crate,
                name: (*name).into(),
                version: "1.0.0".into(),
                origin: Origin::Registry,
            },
            checksum: None,
            location: Location::line("Cargo.lock", 1),
            name_location: Location::line("Cargo.lock", 1),
            declared: Vec::new(),
            dependencies: dependencies.iter().map(|name| index(name)).collect(),
            member: name.starts_with(char::is_uppercase),
        })
        .collect();
    let roots = (0..nodes.len()).filter(|&at| nodes[at].member).collect();
    Graph { nodes, roots }
}

fn kinds(graph: &Graph, edges: &[(&str, &str, DependencyKind)]) -> Declared {
    let mut declared = Declared::default();
    for (from, to, kind) in edges {
        let edge = (at(graph, from), at(graph, to));
        declared.kinds.entry(edge).or_default().insert(*kind);
    }
    declared
}

fn at(graph: &Graph, name: &str) -> NodeIndex {
    graph.nodes.iter().position(|node| node.subject.name == name).unwrap()
}

use DependencyKind::{Build, Dev, Normal};

#[test]
fn dev_only_is_known_where_every_first_edge_is() {
    let graph = graph(&[
        "App: serde tempfile cc",
        "serde: libc",
        "tempfile: libc rand",
        "cc: find",
        "libc:",
        "rand:",
        "find:",
    ]);
    let declared =
        kinds(&graph, &[("App", "serde", Normal), ("App", "tempfile", Dev), ("App", "cc", Build)]);
    let facts = measure(&graph, &declared, &BTreeMap::new());
    let dev = |name| facts[&at(&graph, name)].dev_only.clone();
    assert_eq!(dev("rand"), Measured::Known(true));
    assert_eq!(dev("libc"), Measured::Known(false));
    assert_eq!(dev("App"), Measured::Known(false));
    let find = &facts[&at(&graph, "find")];
    assert_eq!(find.build_only, Measured::Known(true));
    assert_eq!(find.build_machine, Measured::Known(true));
    assert_eq!(find.depth, Measured::Known(2));
    assert_eq!(find.reached_from, Measured::Known(vec!["App".to_owned()]));
}

#[test]
fn without_manifests_it_is_unknown_and_not_false() {
    let graph = graph(&["App: serde", "serde:", "stray:"]);
    let facts = measure(&graph, &Declared::default(), &BTreeMap::new());
    let serde = &facts[&at(&graph, "serde")];
    assert!(serde.dev_only.known().is_none() && serde.runs_at_build.known().is_none());
    assert_eq!(serde.depth, Measured::Known(1));
    let stray = &facts[&at(&graph, "stray")];
    assert!(stray.depth.known().is_none() && stray.reached_from.known().is_none());
}

#[test]
fn a_normal_way_decides_even_beside_an_unread_manifest() {
    let graph = graph(&["App: serde", "Other: serde rand", "serde:", "rand:"]);
    let declared = kinds(&graph, &[("App", "serde", Normal)]);
    let facts = measure(&graph, &declared, &BTreeMap::new());
    assert_eq!(facts[&at(&graph, "serde")].dev_only, Measured::Known(false));
    assert!(facts[&at(&graph, "rand")].dev_only.known().is_none());
}

#[test]
fn the_dev_dependencies_of_an_own_crate_stay_dev_when_another_needs_it() {
    let graph = graph(&["App: Lib", "Lib: tempfile App", "tempfile:"]);
    let declared =
        kinds(&graph, &[("App", "Lib", Normal), ("Lib", "tempfile", Dev), ("Lib", "App", Dev)]);
    let facts = measure(&graph, &declared, &BTreeMap::new());
    assert_eq!(facts[&at(&graph, "tempfile")].dev_only, Measured::Known(true));
}

#[test]
fn natures_decide_what_runs_while_building() {
    let graph =
        graph(&["App: derive sys plain", "derive: syn", "syn:", "sys: cc", "cc:", "plain:"]);
    let declared = kinds(
        &graph,
        &[("App", "derive", Normal), ("App", "sys", Normal), ("App", "plain", Normal)],
    );
    let nature = |proc_macro, build_script, build: &[&str]| Nature {
        proc_macro,
        build_script,
        build_dependencies: build.iter().map(|name| (*name).to_owned()).collect(),
    };
    let mut natures: BTreeMap<NodeIndex, Nature> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            let nature = match node.subject.name.as_str() {
                "derive" => nature(true, false, &[]),
                "sys" => nature(false, true, &["cc"]),
                _ => nature(false, false, &[]),
            };
            (index, nature)
        })
        .collect();
    let facts = measure(&graph, &declared, &natures);
    let says = |name: &str| {
        let facts = &facts[&at(&graph, name)];
        (facts.build_machine.clone(), facts.runs_at_build.clone())
    };
    let known = |a, b| (Measured::Known(a), Measured::Known(b));
    assert_eq!(says("derive"), known(true, true));
    assert_eq!(says("syn"), known(true, true));
    assert_eq!(says("cc"), known(true, true));
    assert_eq!(says("sys"), known(false, true));
    assert_eq!(says("plain"), known(false, false));
    natures.remove(&at(&graph, "sys"));
    let facts = measure(&graph, &declared, &natures);
    assert!(facts[&at(&graph, "cc")].build_machine.known().is_none());
    assert_eq!(facts[&at(&graph, "plain")].build_machine, Measured::Known(false));
}

#[test]
fn a_long_chain_and_a_cycle_do_not_recurse() {
    let mut graph = graph(&["App:"]);
    graph.nodes = (0..=20_000)
        .map(|n| Node {
            dependencies: vec![if n == 20_000 { 0 } else { n + 1 }],
            member: n == 0,
            ..graph.nodes[0].clone()
        })
        .collect();
    let facts = measure(&graph, &Declared::default(), &BTreeMap::new());
    assert_eq!(facts[&20_000].depth, Measured::Known(20_000));
}
