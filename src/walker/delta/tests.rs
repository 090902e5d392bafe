use super::project::lines_of;
use super::*;
use crate::walker::lockfile;

fn graph(packages: &[(&str, &str, &str)]) -> Graph {
    let mut text = String::from("version = 4\n");
    for (name, version, source) in packages {
        let source = match *source {
            "" => String::new(),
            "registry" => {
                let checksum = "a".repeat(64);
                format!(
                    "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{checksum}\"\n"
                )
            }
            other => format!("source = \"{other}\"\n"),
        };
        let package =
            format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}");
        text.push_str(&package);
    }
    crate::walker::graph(&lockfile::parse(&text, "Cargo.lock").unwrap(), "Cargo.lock")
}

fn base(graph: Graph) -> Base {
    Base {
        label: "main".to_owned(),
        graph,
        lockfile: true,
        locks: BTreeMap::new(),
        exposure: BTreeMap::new(),
        project: Measured::Known(ProjectFacts::default()),
        sources: Sources::default(),
    }
}

/// What became of each crate: `name version: kind from`.
fn told(before: &[(&str, &str, &str)], after: &[(&str, &str, &str)]) -> Vec<String> {
    let (before, after) = (graph(before), graph(after));
    let pairs = versions::pair(&before, &after);
    let mut all: Vec<String> = after
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| match pairs.get(&index) {
            None => format!("{} new", node.subject),
            Some(&from) => {
                let unknown = Measured::unknown("");
                let facts = updated(&before, from, &after, index, unknown);
                let mut text = format!("{} from {}", node.subject, facts.from_version);
                for (flag, word) in [
                    (facts.kind == UpdateKind::Unchanged, " unchanged"),
                    (facts.source_changed, " source"),
                    (facts.commit_changed, " commit"),
                    (facts.checksum_changed, " checksum"),
                    (facts.downgrade, " downgrade"),
                    (facts.crosses_line, " line"),
                ] {
                    if flag {
                        text.push_str(word);
                    }
                }
                text
            }
        })
        .collect();
    all.sort();
    all
}

const GIT: &str =
    "git+https://example.invalid/r?branch=main#0123456789012345678901234567890123456789";
const LATER: &str =
    "git+https://example.invalid/r?branch=main#1123456789012345678901234567890123456789";

#[test]
fn an_update_is_followed_within_its_line_and_across_lines() {
    let before =
        [("a", "1.0.0", "registry"), ("b", "0.1.0", "registry"), ("c", "1.0.0", "registry")];
    let after =
        [("a", "1.2.0", "registry"), ("b", "0.2.0", "registry"), ("d", "1.0.0", "registry")];
    assert_eq!(
        told(&before, &after),
        ["a 1.2.0 from 1.0.0", "b 0.2.0 from 0.1.0 line", "d 1.0.0 new"]
    );
}

#[test]
fn a_second_version_beside_the_first_is_new_and_the_first_unchanged() {
    let before = [("a", "1.0.0", "registry")];
    let after = [("a", "1.0.0", "registry"), ("a", "2.0.0", "registry")];
    assert_eq!(told(&before, &after), ["a 1.0.0 from 1.0.0 unchanged", "a 2.0.0 new"]);
    let before = [("a", "1.0.0", "registry"), ("a", "2.0.0", "registry")];
    let after = [("a", "1.1.0", "registry"), ("a", "3.0.0", "registry")];
    assert_eq!(told(&before, &after), ["a 1.1.0 from 1.0.0", "a 3.0.0 from 2.0.0 line"]);
}

#[test]
fn another_place_another_commit_and_a_lower_version_are_told() {
    let registry = [("a", "1.0.0", "registry")];
    assert_eq!(told(&registry, &[("a", "1.0.0", GIT)]), ["a 1.0.0 from 1.0.0 source"]);
    assert_eq!(
        told(&[("a", "1.0.0", GIT)], &[("a", "1.0.0", LATER)]),
        ["a 1.0.0 from 1.0.0 commit"]
    );
    assert_eq!(told(&[("a", "1.0.1", "registry")], &registry), ["a 1.0.0 from 1.0.1 downgrade"]);
}

#[test]
fn another_checksum_of_the_same_version_is_told_and_so_is_a_missing_one() {
    let before = graph(&[("a", "1.0.0", "registry")]);
    for checksum in [Some("b".repeat(64)), None] {
        let mut after = before.clone();
        after.nodes[0].checksum = checksum;
        let facts = updated(&before, 0, &after, 0, Measured::Known(false));
        assert!(facts.checksum_changed);
        assert_eq!(facts.kind, UpdateKind::Updated);
    }
}

#[test]
fn ten_thousand_versions_of_one_name_are_paired_in_time() {
    let versions: Vec<String> = (0..10_000).map(|n| format!("1.0.{n}")).collect();
    let packages: Vec<_> = versions.iter().map(|v| ("a", v.as_str(), "registry")).collect();
    let before = graph(&packages[..9_999]);
    let after = graph(&packages[1..]);
    assert_eq!(versions::pair(&before, &after).len(), 9_999);
}

#[test]
fn a_base_without_a_lockfile_makes_everything_new() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
    let base = Base::of_folder(folder.path(), "Cargo.lock", "main").unwrap();
    assert!(!base.lockfile && base.graph.nodes.is_empty());
}

#[test]
fn a_newly_named_program_is_added_and_one_that_moved_a_line_is_not() {
    let setting = |line, value: &str| super::super::project::Setting {
        path: ".cargo/config.toml".to_owned(),
        line,
        name: "build.rustc-wrapper".to_owned(),
        value: value.to_owned(),
    };
    let mut before = base(Graph::default());
    let old = ProjectFacts { programs: vec![setting(1, "sccache")], ..ProjectFacts::default() };
    before.project = Measured::Known(old);
    let now = ProjectFacts {
        programs: vec![setting(9, "sccache"), setting(10, "./evil")],
        ..ProjectFacts::default()
    };
    let facts = changes(
        &before,
        &now,
        &Sources::default(),
        Measured::Known(&[]),
        Measured::Known(Vec::new()),
    );
    assert_eq!(facts.programs_added.known().unwrap(), &[setting(10, "./evil")]);
    before.project = Measured::unknown("a lockfile only");
    assert!(
        changes(
            &before,
            &now,
            &Sources::default(),
            Measured::Known(&[]),
            Measured::Known(Vec::new())
        )
        .programs_added
        .known()
        .is_none()
    );
}

#[test]
fn a_change_of_the_policy_is_told_line_by_line() {
    let file = |before: Option<&str>, after: Option<&str>| PolicyFile {
        path: "custody.toml".to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let lines = |f: &PolicyFile| -> Vec<String> {
        lines_of(f).into_iter().map(|l| format!("{} {} {}", l.line, l.what, l.text)).collect()
    };
    let weaker = file(
        Some("a = 1\nfail-on = \"high\"\nb = 2\n"),
        Some("a = 1\nfail-on = \"never\"\nb = 2\n"),
    );
    assert_eq!(lines(&weaker), ["2 added fail-on = \"never\"", "2 removed fail-on = \"high\""]);
    assert_eq!(lines(&file(Some("a\nb\n"), Some("a\n"))), ["1 removed b"]);
    assert_eq!(lines(&file(None, Some("a\n"))), ["1 added a"]);
    assert_eq!(lines(&file(Some("a\n"), None)), ["1 removed a"]);
    assert!(lines(&file(Some("a\n"), Some("a\n"))).is_empty());
}
