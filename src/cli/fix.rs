//! `fix`: lets cargo lock the versions that mend what advisories say, where nothing else has to change.

use std::collections::BTreeSet;
use std::path::Path;

use super::Failure;
use super::arguments::{CheckArguments, FixArguments};
use super::{output, session};
use crate::audit;
use crate::domain::{Finding, Origin};
use crate::walker::{self, metadata};

/// Settings of the tree that choose where cargo takes crates from. Cargo is started so that it does not obey
/// them, and could lock something else than the user's own cargo would.
const SETTINGS: [&str; 2] = [".cargo/config.toml", ".cargo/config"];

/// One update of the lockfile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Update {
    spec: String,
    version: String,
}

impl Update {
    fn command(&self) -> String {
        format!("cargo update -p {} --precise {}", self.spec, self.version)
    }
}

/// Mends what an update of the lockfile mends. Says what it did and what is left; 1 where something is.
pub fn run(arguments: &FixArguments) -> Result<u8, Failure> {
    let check = CheckArguments::about(&arguments.path, &arguments.common);
    let request = session::request(&check)?;
    let audit = audit::run(&request)?;
    if !arguments.common.quiet {
        audit.warnings.iter().for_each(|warning| output::warning(warning));
    }
    let unmeasured = audit.report.coverage.get("advisories").filter(|one| one.known < one.of);
    if let Some(coverage) = unmeasured {
        let (known, of) = (coverage.known, coverage.of);
        output::warning(&format!("the advisories are known of {known} crates of {of}"));
    }
    let (updates, left) = sorted(&audit.report.findings);
    if updates.is_empty() && left.is_empty() {
        let said: &[u8] = match unmeasured {
            None => b"no advisory speaks of a crate in this lockfile\n",
            Some(_) => b"nothing to mend is known; of some crates no advisory could be looked up\n",
        };
        output::stdout(said)?;
        return Ok(if unmeasured.is_some() { 3 } else { 0 });
    }
    let mut lines = Vec::new();
    let mut failed = 0;
    if arguments.dry_run {
        lines.extend(updates.iter().map(Update::command));
    } else if !updates.is_empty() {
        failed = carry_out(&updates, &request, &mut lines)?;
    }
    lines.extend(left.iter().map(|line| format!("left to you: {line}")));
    if !arguments.dry_run && failed < updates.len() {
        lines.push("next: build and test, then `cargo custody check`".to_owned());
    }
    output::stdout((lines.join("\n") + "\n").as_bytes())?;
    Ok(u8::from(failed > 0 || !left.is_empty()))
}

/// Lets cargo lock each version. Says how many it did not.
fn carry_out(
    updates: &BTreeSet<Update>,
    request: &audit::Request,
    lines: &mut Vec<String>,
) -> Result<usize, Failure> {
    let (project, _) = walker::audited(&request.path)?;
    own_settings(&project)?;
    let manifest = project.join("Cargo.toml");
    let mut failed = 0;
    for update in updates {
        let (command, offline) = (update.command(), request.gather.offline);
        let what = (update.spec.as_str(), update.version.as_str());
        lines.push(match metadata::update(&manifest, &project, what, offline) {
            Ok(()) => format!("done: {command}"),
            Err(error) => {
                failed += 1;
                format!("not done: {command}: {error}")
            }
        });
    }
    Ok(failed)
}

/// What the lockfile alone can mend, each update once, and what needs somebody.
fn sorted(findings: &[Finding]) -> (BTreeSet<Update>, BTreeSet<String>) {
    let (mut updates, mut left) = (BTreeSet::new(), BTreeSet::new());
    for finding in findings.iter().filter(|finding| finding.waived.is_none()) {
        let Some(advisory) = &finding.advisory else { continue };
        let subject = &finding.subject;
        let mends = advisory.fix == "update" && subject.origin == Origin::Registry;
        if let Some(version) = advisory.fixed_in.as_ref().filter(|_| mends) {
            let spec = format!("{}@{}", subject.name, subject.version);
            updates.insert(Update { spec, version: version.clone() });
        } else {
            let text = format!("{subject}, {}: {}", advisory.id, finding.clear);
            left.insert(crate::reporter::told(&text));
        }
    }
    // Two advisories about one crate can name two versions: the later one mends both, or the next run says so.
    let newest = |update: &Update| {
        let parsed = |one: &Update| semver::Version::parse(&one.version).ok();
        !updates.iter().any(|other| other.spec == update.spec && parsed(other) > parsed(update))
    };
    (updates.iter().filter(|update| newest(update)).cloned().collect(), left)
}

/// Refuses a tree that says where cargo takes crates from.
fn own_settings(project: &Path) -> Result<(), Failure> {
    let named = SETTINGS.iter().find(|name| project.join(name).symlink_metadata().is_ok());
    let Some(name) = named else { return Ok(()) };
    Err(Failure::text(format!(
        "the project has settings for cargo ({name}), which are not obeyed here"
    ))
    .help("`--dry-run` prints the commands: run them yourself"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::AdvisoryNote;
    use crate::domain::{Level, Location, Subject};

    fn finding(fix: &str, fixed_in: Option<&str>) -> Finding {
        Finding {
            rule: "advisory-vulnerability".to_owned(),
            level: Level::High,
            score: 0.0,
            subject: Subject::registry_crate("acme", "1.0.0"),
            message: String::new(),
            evidence: Vec::new(),
            location: Location::line("Cargo.lock", 1),
            related: Vec::new(),
            path: Vec::new(),
            change: None,
            arithmetic: Vec::new(),
            terms: Vec::new(),
            clear: "Raise it.".to_owned(),
            advisory: Some(AdvisoryNote {
                id: "RUSTSEC-2026-0001".to_owned(),
                fix: fix.to_owned(),
                fixed_in: fixed_in.map(str::to_owned),
                ..AdvisoryNote::default()
            }),
            waived: None,
            baselined: None,
        }
    }

    #[test]
    fn two_advisories_about_one_crate_are_one_update_to_the_later_version() {
        let findings = ["1.0.9", "1.0.10"].map(|version| finding("update", Some(version)));
        let (updates, left) = sorted(&findings);
        let told: Vec<_> = updates.iter().map(|one| (&*one.spec, &*one.version)).collect();
        assert_eq!(told, [("acme@1.0.0", "1.0.10")]);
        assert!(left.is_empty());
    }

    #[test]
    fn what_needs_a_requirement_or_has_no_mend_is_left_to_the_user() {
        for one in [finding("upgrade", Some("2.0.0")), finding("none", None)] {
            let (updates, left) = sorted(&[one]);
            assert!(updates.is_empty());
            assert_eq!(left.first().unwrap(), "acme 1.0.0, RUSTSEC-2026-0001: Raise it.");
        }
        let mut waived = finding("update", Some("1.0.1"));
        waived.waived =
            Some(crate::domain::finding::Waived { reason: "r".to_owned(), expires: None });
        assert_eq!(sorted(&[waived]), (BTreeSet::new(), BTreeSet::new()));
    }

    #[test]
    fn a_tree_that_says_where_crates_come_from_is_not_updated() {
        let folder = tempfile::tempdir().unwrap();
        assert!(own_settings(folder.path()).is_ok());
        std::fs::create_dir(folder.path().join(".cargo")).unwrap();
        std::fs::write(folder.path().join(".cargo/config.toml"), "").unwrap();
        assert!(own_settings(folder.path()).is_err());
    }
}
