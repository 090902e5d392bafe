//! Advisories that nobody had to ask for: the first run of a fresh machine fetches the database itself.

use cargo_custody::domain::{Finding, Level};

use super::registry::{Crate, Registry, World, answer, tar_gz};
use super::run::Project;

const DAY: &str = "2026-06-02";
const LOW: &str = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";

fn world() -> World {
    let releases = [("1.0.0", "2024-01-01"), ("1.0.1", "2025-01-01"), ("2.0.0", "2026-01-01")];
    World { crates: ["acme", "other"].map(|name| Crate::of(name, "ada", &releases)).to_vec() }
}

/// A database of one advisory about `acme`.
pub fn database(more: &str, patched: &str) -> Vec<u8> {
    let text = format!(
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"acme\"\ndate = \"2026-05-20\"\n\
         aliases = [\"CVE-2026-1\"]\n{more}\n\n[versions]\npatched = [{patched}]\n```\n\n# A bad sum\n"
    );
    let path = "advisory-db-main/crates/acme/RUSTSEC-2026-0001.md";
    tar_gz([(path, text.as_bytes())].into_iter())
}

fn registry(database: Vec<u8>) -> Registry {
    Registry::with_faults(world(), DAY, move |path| {
        let dated = "date: Tue, 02 Jun 2026 12:00:00 GMT\r\netag: \"one\"\r\n";
        (path == "/advisories.tar.gz")
            .then(|| answer("200 OK", "application/gzip", dated, &database))
    })
}

fn of_advisories(project: &Project) -> Vec<Finding> {
    let findings = project.audit().report.findings;
    findings.into_iter().filter(|finding| finding.rule.starts_with("advisory-")).collect()
}

fn asked(registry: &Registry) -> usize {
    registry.requests().iter().filter(|path| *path == "/advisories.tar.gz").count()
}

#[test]
fn a_fresh_machine_gets_its_advisories_by_itself_and_asks_once_a_day() {
    let registry = registry(database("", "\">= 1.0.1\""));
    let mut project = Project::new(&registry, DAY);
    project.lock(&world().lock(&[("acme", "1.0.0"), ("other", "1.0.0")]));
    let first = of_advisories(&project);
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].level, first[0].subject.name.as_str()), (Level::High, "acme"));
    let notes: Vec<&str> = first[0].evidence.iter().map(|one| one.note.as_str()).collect();
    assert_eq!(first[0].clear, "cargo update -p acme@1.0.0 --precise 1.0.1");
    let told = first[0].advisory.as_ref().expect("as data");
    assert_eq!((told.id.as_str(), told.fix.as_str()), ("RUSTSEC-2026-0001", "update"));
    assert_eq!(told.fixed_in.as_deref(), Some("1.0.1"));
    assert!(notes.contains(&"also known as CVE-2026-1"), "{notes:?}");
    assert_eq!(of_advisories(&project), first);
    assert_eq!(asked(&registry), 1);
    project.request.gather.offline = true;
    project.request.gather.as_of = "2026-06-20".parse().expect("a day");
    assert_eq!(of_advisories(&project), first, "offline from the copy");
    assert_eq!(project.audit().report.coverage["advisories"].known, 2);
}

#[test]
fn the_level_is_that_of_the_vector_unless_the_policy_says_another() {
    let mut lowered = cargo_custody::heuristics::load(cargo_custody::audit::schema(), &[])
        .expect("the rules load");
    lowered.set_level("advisory-vulnerability", Level::Note).expect("a rule");
    let lowered = std::sync::Arc::new(lowered);
    for (vector, level) in [
        (LOW, Level::Low),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N", Level::Medium),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Level::Critical),
    ] {
        let registry = registry(database(&format!("cvss = \"{vector}\""), ""));
        let mut project = Project::new(&registry, DAY);
        project.lock(&world().lock(&[("acme", "1.0.0")]));
        let found = of_advisories(&project);
        assert_eq!(found[0].level, level, "{vector}");
        let notes: Vec<&str> = found[0].evidence.iter().map(|one| one.note.as_str()).collect();
        assert!(notes.contains(&"no version mends it"), "{notes:?}");
        assert!(notes.iter().any(|note| note.contains(vector)), "{notes:?}");
        project.request.ruleset = std::sync::Arc::clone(&lowered);
        assert_eq!(of_advisories(&project)[0].level, Level::Note);
    }
}

#[test]
fn a_fix_that_a_requirement_keeps_out_is_told_as_that() {
    let registry = registry(database("", "\">= 2.0.0\""));
    let project = Project::new(&registry, DAY);
    project.lock(&world().lock(&[("acme", "1.0.0")]));
    let found = of_advisories(&project);
    let told = "A requirement keeps 2.0.0 out: change that first, then cargo update -p acme@1.0.0 --precise 2.0.0";
    assert_eq!(found[0].clear, told);
    assert_eq!(found[0].advisory.as_ref().map(|one| one.fix.as_str()), Some("upgrade"));
}

#[test]
fn an_outage_or_a_page_leaves_advisories_unknown_and_the_run_whole() {
    for (status, body) in [("200 OK", "<html>maintenance</html>"), ("403 Forbidden", "")] {
        let registry = Registry::with_faults(world(), DAY, move |path| {
            (path == "/advisories.tar.gz").then(|| answer(status, "text/html", "", body.as_bytes()))
        });
        let project = Project::new(&registry, DAY);
        project.lock(&world().lock(&[("acme", "1.0.0")]));
        let report = project.audit().report;
        assert_eq!((report.coverage["advisories"].known, report.coverage["advisories"].of), (0, 1));
        let told = report.undetermined.iter().any(|one| one.what.starts_with("advisories"));
        assert!(told, "{:?}", report.undetermined);
        assert_eq!(report.coverage["bytes"].known, 1, "the rest was read");
    }
}

#[test]
fn a_project_without_registry_crates_asks_nobody() {
    let registry = registry(database("", ""));
    let project = Project::new(&registry, DAY);
    project.lock("version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n");
    project.audit();
    assert_eq!(registry.requests(), Vec::<String>::new());
}

/// A project whose dependency on `acme` is optional.
fn with_feature(project: &Project, default: &str) {
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n[features]\ndefault = [{default}]\ngpu = [\"dep:acme\"]\n\n\
         [dependencies]\nacme = {{ version = \"1\", optional = true }}\nother = \"1\"\n"
    );
    std::fs::write(project.request.path.join("Cargo.toml"), manifest).expect("a manifest");
}

#[test]
fn an_advisory_for_what_no_default_feature_brings_in_is_told_as_such_without_running_cargo() {
    let registry = registry(database("", "\">= 1.0.1\""));
    let mut project = Project::new(&registry, DAY);
    project.lock(&world().lock(&[("acme", "1.0.0"), ("other", "1.0.0")]));
    with_feature(&project, "");
    project.audit();
    project.request.gather.offline = true;
    let found = of_advisories(&project);
    let told: Vec<(&str, Level)> = found.iter().map(|one| (one.rule.as_str(), one.level)).collect();
    assert_eq!(told, [("advisory-not-built", Level::Low)]);
    let notes: Vec<&str> = found[0].evidence.iter().map(|one| one.note.as_str()).collect();
    assert!(notes.contains(&"built with the feature app/gpu"), "{notes:?}");
    with_feature(&project, "\"gpu\"");
    let found = of_advisories(&project);
    assert_eq!((found[0].rule.as_str(), found[0].level), ("advisory-vulnerability", Level::High));
}
