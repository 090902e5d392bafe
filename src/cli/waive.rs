//! `waive`: an exception with its reason, written into the policy as somebody would write it by hand, with
//! the hashes of what was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::Failure;
use super::arguments::{CheckArguments, WaiveArguments};
use super::session::folder_of;
use super::{output, session};
use crate::audit;
use crate::config::{self, CONFIG_FILES, POLICY_BYTES, Policy};
use crate::domain::text::shown;
use crate::domain::{Finding, Level, Location, Report, Subject, Waiver};
use crate::heuristics::waivers;

/// Findings that are named where none is the one that was meant.
const OTHERS: usize = 8;

/// Audits, finds what is to be waived, and appends the exception to the policy.
pub fn run(arguments: &WaiveArguments) -> Result<u8, Failure> {
    if arguments.reason.trim().is_empty() {
        return Err(Failure::text("--reason is empty").help("say why this is acceptable"));
    }
    let check = CheckArguments::about(&arguments.path, &arguments.common);
    let request = session::request(&check)?;
    let as_of = request.gather.as_of;
    if arguments.expires.is_some_and(|last| last < as_of) {
        return Err(Failure::text("--expires is in the past"));
    }
    let audit = audit::run(&request)?;
    let waiver = waiver(arguments, &audit.report)?;
    let folder = folder_of(&request.path);
    let file = policy_file(&folder, arguments)?;
    let path = folder.join(&file);
    let before = match path.symlink_metadata() {
        Ok(_) => crate::disk::text(&path, POLICY_BYTES)
            .map_err(|error| Failure::text(format!("cannot read {}: {error}", path.display())))?,
        Err(_) => String::new(),
    };
    let block = block(&waiver);
    let text = appended(&before, &block);
    let policy = Policy::from_toml(&text, &file.to_string_lossy()).map_err(|error| {
        Failure::from(error)
            .context(&format!("{} would not be a policy any more", file.display()))
            .help(format!("write this yourself:\n{block}"))
    })?;
    covers(&policy, &waiver, &audit.report)?;
    output::file(&path, text.as_bytes())?;
    output::stdout(format!("wrote to {}:\n\n{block}", path.display()).as_bytes())?;
    Ok(0)
}

/// The file that holds the project's policy, or would.
fn policy_file(folder: &Path, arguments: &WaiveArguments) -> Result<std::path::PathBuf, Failure> {
    if let Some(named) = &arguments.common.config {
        return Ok(std::env::current_dir()?.join(named));
    }
    let [custody, _, manifest] = CONFIG_FILES;
    // What is wrong with a policy is the audit's to tell, which was made by now.
    match config::place(folder)? {
        Some(file) if file == manifest => Err(Failure::text(
            "the policy of this project is in Cargo.toml",
        )
        .help("move it to custody.toml, or write [[package.metadata.custody.waiver]] there")),
        Some(file) => Ok(file.into()),
        None => Ok(custody.into()),
    }
}

/// What the findings that are meant need to be excused.
fn waiver(arguments: &WaiveArguments, report: &Report) -> Result<Waiver, Failure> {
    // As cargo writes it, or as a report does.
    let (name, version) = match arguments.package.trim().split_once(['@', ' ']) {
        Some((name, version)) if !name.is_empty() => (name, Some(version)),
        _ => (arguments.package.as_str(), None),
    };
    let meant: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|one| one.rule == arguments.rule && one.subject.name == name)
        .filter(|one| version.is_none_or(|version| one.subject.version == version))
        .collect();
    if meant.is_empty() {
        return Err(none_such(arguments, report));
    }
    if meant.iter().all(|finding| finding.waived.is_some()) {
        return Err(Failure::text("that finding is waived already"));
    }
    let hashes = if arguments.any_bytes { BTreeSet::new() } else { hashes(&meant, report) };
    let grave = meant.iter().any(|finding| finding.level == Level::Critical);
    if grave && hashes.is_empty() {
        return Err(Failure::text("a critical finding is waived for named bytes only")
            .help("leave --any-bytes out; where nothing has a hash, remove or replace it"));
    }
    Ok(Waiver {
        rule: arguments.rule.clone(),
        package: name.to_owned(),
        version: version.map(ToOwned::to_owned),
        reason: shown(arguments.reason.trim()),
        expires: arguments.expires.map(|day| day.to_string()),
        sha256: hashes.into_iter().collect(),
        location: Location::default(),
    })
}

/// Hashes of all bytes that the findings show, or, where one shows none, of the archives.
fn hashes(meant: &[&Finding], report: &Report) -> BTreeSet<String> {
    let of = |finding: &&Finding| -> Vec<String> {
        finding.evidence.iter().filter_map(|one| one.sha256.clone()).collect()
    };
    if meant.iter().all(|finding| !of(finding).is_empty()) {
        return meant.iter().flat_map(of).collect();
    }
    let archives = checksums(report);
    let all = meant.iter().map(|finding| archives.get(&finding.subject).cloned());
    // One without a hash cannot be bound, and a waiver with the others' hashes would not cover it.
    all.collect::<Option<BTreeSet<String>>>().unwrap_or_default()
}

fn checksums(report: &Report) -> BTreeMap<Subject, String> {
    let pinned = report.subjects.iter();
    pinned.filter_map(|entry| Some((entry.subject.clone(), entry.sha256.clone()?))).collect()
}

/// What was found instead, so that a slip is seen.
fn none_such(arguments: &WaiveArguments, report: &Report) -> Failure {
    let close = |one: &&Finding| {
        let name = arguments.package.split(['@', ' ']).next().unwrap_or_default();
        one.rule == arguments.rule || one.subject.name == name
    };
    let one = |finding: &Finding| format!("{} {}", finding.rule, finding.subject.name);
    let mut found: BTreeSet<String> = report.findings.iter().filter(close).map(one).collect();
    if found.is_empty() {
        found = report.findings.iter().map(one).collect();
    }
    let named: Vec<String> = found.iter().take(OTHERS).map(|one| shown(one)).collect();
    let failure = Failure::text(format!(
        "there is no finding {} about {}",
        shown(&arguments.rule),
        shown(&arguments.package)
    ));
    if named.is_empty() {
        return failure.help("there is no finding at all");
    }
    failure.help(format!("there is: {}", named.join(", ")))
}

/// The exception, as it stands in the policy.
fn block(waiver: &Waiver) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut out = String::from("[[waiver]]\n");
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{key} = {value}");
    };
    line("rule", &quoted(&waiver.rule));
    line("package", &quoted(&waiver.package));
    if let Some(version) = &waiver.version {
        line("version", &quoted(version));
    }
    line("reason", &quoted(&waiver.reason));
    if let Some(expires) = &waiver.expires {
        line("expires", expires);
    }
    match waiver.sha256.as_slice() {
        [] => {}
        [one] => line("sha256", &quoted(one)),
        more => {
            let all: Vec<String> = more.iter().map(|one| format!("    {}", quoted(one))).collect();
            line("sha256", &format!("[\n{},\n]", all.join(",\n")));
        }
    }
    out
}

/// The policy with the exception at its end.
fn appended(before: &str, block: &str) -> String {
    let gap = match before {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{before}{gap}{block}")
}

/// Holds what is about to be written against the findings: an exception that covers nothing helps nobody.
fn covers(policy: &Policy, waiver: &Waiver, report: &Report) -> Result<(), Failure> {
    let written = policy.waivers.last().filter(|last| {
        (&last.rule, &last.package, &last.sha256) == (&waiver.rule, &waiver.package, &waiver.sha256)
    });
    let mut findings = report.findings.clone();
    let about = |one: &Finding| one.rule == waiver.rule && one.subject.name == waiver.package;
    let of_version =
        |one: &Finding| waiver.version.as_ref().is_none_or(|it| *it == one.subject.version);
    findings.retain(|one| about(one) && of_version(one));
    if let Some(written) = written {
        let checksums = checksums(report);
        waivers::apply(&mut findings, std::slice::from_ref(written), &report.as_of, &checksums);
    }
    if findings.iter().all(|finding| finding.waived.is_some()) {
        return Ok(());
    }
    Err(Failure::text("the exception would not cover the finding, and is not written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Evidence;
    use crate::reporter::sample;

    fn arguments(rule: &str, package: &str) -> WaiveArguments {
        WaiveArguments {
            rule: rule.to_owned(),
            package: package.to_owned(),
            reason: "read it \"twice\"\u{1b}[2J".to_owned(),
            expires: Some("2027-05-31".parse().unwrap()),
            any_bytes: false,
            path: ".".into(),
            common: super::super::arguments::CommonArguments::default(),
        }
    }

    #[test]
    fn what_is_written_is_a_policy_that_covers_the_finding_with_full_hashes() {
        let report = sample::report();
        for finding in report.findings.iter().filter(|one| one.waived.is_none()) {
            let waiver = waiver(&arguments(&finding.rule, &finding.subject.name), &report).unwrap();
            for before in ["", "fail-on = \"low\"", "[level]\nx = \"low\"\n"] {
                let text = appended(before, &block(&waiver));
                let policy = Policy::from_toml(&text, "custody.toml").unwrap();
                covers(&policy, &waiver, &report).unwrap();
                assert!(!text.contains('\u{1b}'), "{text}");
            }
            assert!(waiver.sha256.iter().all(|hash| hash.len() == 64));
        }
    }

    #[test]
    fn a_critical_finding_needs_named_bytes() {
        let report = sample::report();
        let grave = report.findings.iter().find(|one| one.level == Level::Critical).unwrap();
        let mut loose = arguments(&grave.rule, &grave.subject.name);
        assert!(!waiver(&loose, &report).unwrap().sha256.is_empty());
        loose.any_bytes = true;
        assert!(waiver(&loose, &report).is_err());
    }

    #[test]
    fn a_finding_without_hashes_is_bound_to_the_archive() {
        let mut report = sample::report();
        let grave = report.findings.iter_mut().find(|one| one.level == Level::Critical).unwrap();
        grave.evidence = vec![Evidence { note: "seen".to_owned(), ..Evidence::default() }];
        let (rule, subject) = (grave.rule.clone(), grave.subject.clone());
        let entry = report.subjects.iter_mut().find(|entry| entry.subject == subject).unwrap();
        entry.sha256 = Some("ab".repeat(32));
        let waiver = waiver(&arguments(&rule, &subject.name), &report).unwrap();
        assert_eq!(waiver.sha256, ["ab".repeat(32)]);
    }

    #[test]
    fn a_slip_is_told_what_there_is() {
        let report = sample::report();
        let failure = waiver(&arguments("no-such-rule", "liblzma-sys"), &report).unwrap_err();
        assert!(failure.help.unwrap().contains(" liblzma-sys"), "names the rules about it");
    }
}
