//! Three statements on one commit, through the whole program: the archive's record, what the registry verified for a
//! workflow, and the tag in a clone that is at hand.

use std::time::Duration;

use super::registry::{Crate, Registry, World, tar_gz};
use super::run::Project;
use super::sample::{Files, Sample};

const DAY: &str = "2026-06-02";
const MANIFEST: &str = "[package]\nname = \"acme\"\nversion = \"1.2.0\"\nedition = \"2021\"\n\
                        repository = \"https://host.example/owner/sample\"\n";

/// A commit, and the archive that cargo makes at it.
type Packed = (String, Files);

/// Three commits of a workspace of one crate: the tagged release, one after it that changes the crate, and one that
/// has the crate of the first and another file beside it.
fn history() -> (Sample, [Packed; 3]) {
    let sample = Sample::new();
    sample.write("Cargo.toml", "[workspace]\nmembers = [\"crates/acme\"]\nresolver = \"2\"\n");
    sample.write(".gitignore", "Cargo.lock\n");
    sample.write("crates/acme/Cargo.toml", MANIFEST);
    let mut packed = Vec::new();
    for (library, beside) in [("a", ""), ("b", ""), ("a", "beside")] {
        sample.write("crates/acme/src/lib.rs", format!("pub fn {library}() {{}}\n"));
        sample.write("beside", beside);
        let commit = sample.commit(library);
        if packed.is_empty() {
            sample.git(&["tag", "v1.2.0"]);
        }
        packed.push((commit, sample.package("acme", "1.2.0")));
    }
    (sample, packed.try_into().expect("three"))
}

/// The level at which the disagreement is told, where it is.
fn level((_, files): &Packed, workflow: Option<&Packed>, clone: Option<&Sample>) -> String {
    let mut one = Crate::of("acme", "ada", &[("1.2.0", "2026-01-01")]);
    let release = &mut one.releases[0];
    let named: Vec<(String, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (format!("acme-1.2.0/{path}"), bytes.as_slice()))
        .collect();
    release.archive = tar_gz(named.iter().map(|(path, bytes)| (path.as_str(), *bytes)));
    if let Some((commit, _)) = workflow {
        release.publisher = String::new();
        release.workflow = Some("owner/sample".to_owned());
        release.commit = Some(commit.clone());
    }
    let world = World { crates: vec![one] };
    let registry = Registry::start(world.clone(), DAY);
    let mut project = Project::new(&registry, DAY);
    project.request.gather.api_budget = Duration::from_mins(5);
    project.request.gather.repos = clone.map(|clone| clone.at().to_owned()).into_iter().collect();
    project.lock(&world.lock(&[("acme", "1.2.0")]));
    let findings = project.audit().report.findings;
    let told = findings.iter().find(|finding| finding.rule == "statements-disagree");
    told.map_or_else(|| "nothing".to_owned(), |finding| finding.level.as_str().to_owned())
}

#[test]
fn record_registry_and_tag_are_held_against_each_other() {
    let (sample, [tagged, other, beside]) = history();
    let clone = Some(&sample);
    // All agree; and a commit whose crate is that of the tag is no other release.
    assert_eq!(level(&tagged, Some(&tagged), clone), "nothing");
    assert_eq!(level(&beside, None, clone), "nothing", "squashed, or a file beside the crate");
    // The bytes say one commit, whoever may push and the registry another.
    assert_eq!(level(&other, Some(&tagged), clone), "medium");
    assert_eq!(level(&other, Some(&tagged), None), "low", "nobody looked at the tag");
    // A workflow that commits the version before it publishes.
    assert_eq!(level(&tagged, Some(&other), clone), "low");
    // A token, and a tag that was moved or set before the last commit.
    assert_eq!(level(&other, None, clone), "note");
    assert_eq!(level(&other, None, None), "nothing", "one statement alone");
}
