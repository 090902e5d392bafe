//! Inert replicas of attack shapes, and their innocent twins, through the whole program: each text in
//! `fixtures/crates/` is packed into archives in memory, laid into a registry on disk, audited, and held
//! against the findings that it says. See `fixtures/crates/README.md`.

mod make;
mod shelf;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use cargo_custody::audit::{self, Request};
use cargo_custody::collectors;
use cargo_custody::config::Policy;
use cargo_custody::domain::{Finding, Level, Location, Report, Waiver};
use cargo_custody::heuristics;
use cargo_custody::walker;
use make::Made;
use serde::Deserialize;
use shelf::{Release, Shelf};

/// One file of `fixtures/crates/`: one attack shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    /// What the shape is, in a sentence.
    #[serde(rename = "shape")]
    sentence: String,
    /// The spellings of the attack.
    attack: Vec<Replica>,
    /// What looks like it and is innocent.
    twin: Vec<Replica>,
    /// Crates that the others call; what is found in them is not held against the texts.
    #[serde(default)]
    helper: Vec<Replica>,
}

/// One crate, of which there are two releases.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replica {
    /// The crate's name.
    name: String,
    /// What it does, in a sentence.
    says: String,
    /// Findings above `note` that it has, each as `LEVEL RULE`.
    #[serde(default)]
    fires: BTreeSet<String>,
    /// What the manifest says beyond name and version.
    #[serde(default)]
    manifest: String,
    /// Crates of the same registry that it depends on.
    #[serde(default)]
    needs: Vec<String>,
    /// Files of both releases.
    #[serde(default)]
    files: BTreeMap<String, Made>,
    /// Files that the newer release has, instead of or beside those.
    #[serde(default)]
    added: BTreeMap<String, Made>,
    /// Files that the older release had, instead of or beside those.
    #[serde(default)]
    before: BTreeMap<String, Made>,
}

impl Replica {
    fn release(&self, version: &'static str, published: &'static str) -> Release {
        let own = if version == "1.0.0" { &self.before } else { &self.added };
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"{version}\"\nedition = \"2021\"\n{}",
            self.name, self.manifest
        );
        let commit = "{\"git\": {\"sha1\": \"0123456789012345678901234567890123456789\"}}";
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::from([
            ("Cargo.toml".to_owned(), manifest.clone().into_bytes()),
            ("Cargo.toml.orig".to_owned(), manifest.into_bytes()),
            (".cargo_vcs_info.json".to_owned(), commit.to_owned().into_bytes()),
            ("src/lib.rs".to_owned(), b"//! A replica.\n".to_vec()),
        ]);
        for (path, made) in self.files.iter().chain(own) {
            // The seed holds the version for files of one release only: their bytes are others.
            let seed = if own.contains_key(path) {
                format!("{} {version} {path}", self.name)
            } else {
                format!("{} {path}", self.name)
            };
            files.insert(path.clone(), made.bytes(&seed));
        }
        Release { version, published, files: files.into_iter().collect() }
    }
}

fn shapes() -> BTreeMap<String, Shape> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/crates");
    let mut shapes = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("listed").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_stem().expect("named").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("readable");
            let shape = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            shapes.insert(name, shape);
        }
    }
    shapes
}

/// Audits a project that depends on these crates.
fn audited<'r>(replicas: impl Iterator<Item = &'r Replica>, policy: Policy) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::new(folder.path());
    for replica in replicas {
        let releases = [
            replica.release("1.0.0", "2026-02-01T08:00:00Z"),
            replica.release("1.1.0", "2026-09-01T08:00:00Z"),
        ];
        shelf.add(&replica.name, &releases, &replica.needs);
    }
    let (project, home) = shelf.close();
    let request = Request {
        notes: false,
        path: project,
        walk: walker::Options { metadata: walker::MetadataMode::Never },
        gather: collectors::Options {
            offline: true,
            ..collectors::Options::new(
                "2026-11-23".parse().expect("a date"),
                home,
                folder.path().join("cache"),
            )
        },
        policy,
        fail_on: None,
        ruleset: Arc::new(heuristics::load(audit::schema(), &[]).expect("the rules load")),
        base: None,
        baseline: None,
        strict_unknown: false,
    };
    audit::run(&request).expect("audits").report
}

/// Crate name to its findings above `note`, and to what could not be told of its bytes.
fn findings(report: Report) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in report.findings.into_iter().filter(|finding| finding.level > Level::Note) {
        let told = format!("{} {}", finding.level.as_str(), finding.rule);
        found.entry(finding.subject.name).or_default().insert(told);
    }
    for entry in report.undetermined {
        let about_bytes =
            ["archive", "build", "secrets", "library", "native", "concealment", "window"];
        if about_bytes.iter().any(|group| entry.what.starts_with(group)) {
            let told = format!("undetermined: {}: {}", entry.what, entry.reason);
            found.entry(entry.subject.name).or_default().insert(told);
        }
    }
    found
}

#[test]
fn every_replica_has_the_findings_that_its_text_says() {
    let shapes = shapes();
    let all = shapes.values().flat_map(|s| s.attack.iter().chain(&s.twin).chain(&s.helper));
    let found = findings(audited(all, Policy::default()));
    let nothing = BTreeSet::new();
    let mut wrong = String::new();
    for (file, shape) in &shapes {
        for replica in shape.attack.iter().chain(&shape.twin) {
            let fired = found.get(&replica.name).unwrap_or(&nothing);
            if *fired != replica.fires {
                let Replica { name, says, fires, .. } = replica;
                let _ =
                    writeln!(wrong, "{file}: {name}: {says}\n  says  {fires:?}\n  fired {fired:?}");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_shape_is_there_in_two_spellings_and_beside_an_innocent_twin() {
    let shapes = shapes();
    let mut names = BTreeSet::new();
    let grave = |replica: &Replica| {
        replica
            .fires
            .iter()
            .any(|f| ["medium ", "high ", "critical "].iter().any(|l| f.starts_with(l)))
    };
    for (file, shape) in &shapes {
        assert!(shape.sentence.ends_with('.'), "{file} says in a sentence what it is");
        assert!(shape.attack.len() >= 2 && !shape.twin.is_empty(), "{file}");
        for replica in shape.attack.iter().chain(&shape.twin).chain(&shape.helper) {
            assert!(names.insert(&replica.name), "{file}: {} is there twice", replica.name);
        }
        for attack in &shape.attack {
            assert!(grave(attack), "{file}: {} has no finding of medium or above", attack.name);
        }
        for twin in &shape.twin {
            assert!(!grave(twin), "{file}: {} is innocent", twin.name);
        }
    }
    assert!(shapes.len() >= 12, "{} shapes", shapes.len());
}

#[test]
fn a_waiver_that_is_bound_to_a_build_script_dies_when_the_script_changes() {
    let shapes = shapes();
    let first = &shapes["download-at-build"].attack[0];
    let report = audited(std::iter::once(first), Policy::default());
    let finding = &report.findings[0];
    let bound = finding.evidence.iter().find_map(|evidence| evidence.sha256.clone());
    let waiver = Waiver {
        rule: finding.rule.clone(),
        package: first.name.clone(),
        version: None,
        reason: "we have read it".to_owned(),
        expires: None,
        sha256: vec![bound.expect("the hash of the build inputs is evidence")],
        location: Location::line("custody.toml", 1),
    };
    let policy = || Policy { waivers: vec![waiver.clone()], ..Policy::default() };
    let excused = |report: &Report| {
        let of = |finding: &&Finding| finding.subject.name == first.name;
        report.findings.iter().find(of).is_some_and(|finding| finding.waived.is_some())
    };
    assert!(excused(&audited(std::iter::once(first), policy())));
    // One line more, in the script only.
    let mut other = first.clone();
    let Some(Made::Text(script)) = other.files.get_mut("build.rs") else { panic!("it has one") };
    script.push_str("// harmless\n");
    let report = audited(std::iter::once(&other), policy());
    assert!(!excused(&report));
    assert!(report.findings.iter().any(|finding| finding.rule == "outdated-waiver"));
}
