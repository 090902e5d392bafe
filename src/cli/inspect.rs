//! `inspect`: one crate in depth, for a person, or what loading a model file would do.

use std::io::Read as _;
use std::path::Path;

use super::Failure;
use super::arguments::InspectArguments;
use super::facts::crate_spec;
use super::{output, session};
use crate::audit;
use crate::collectors;
use crate::collectors::close_look::{self, CloseLook};
use crate::collectors::model_files::{self, Look};
use crate::collectors::source_tree;
use crate::config::FailOn;
use crate::domain::inspection::{
    Inspection, MODEL_INSPECTION, ModelInspection, ModelTrace, WeighedSignal,
};
use crate::domain::text::shown;
use crate::domain::{
    FactSheet, Finding, Level, Location, Origin, Place, PlaceKind, Subject, SubjectKind,
};
use crate::heuristics::judge::{Case, judge};
use crate::reporter::{self, Format};

/// Largest archive that is read from a path; the registry takes far smaller ones only.
const ARCHIVE_BYTES: u64 = 512 << 20;
/// Groups that only a project around the crate can tell.
const PROJECT_GROUPS: [&str; 2] = ["lock", "exposure"];
/// Groups that only the registry can tell.
const REGISTRY_GROUPS: [&str; 7] =
    ["advisories", "bytes", "releases", "window", "previous", "custody", "names"];

/// Shows one crate or one model file.
pub fn run(arguments: &InspectArguments) -> Result<u8, Failure> {
    let path = Path::new(&arguments.subject);
    let mut inspection = match Form::of(path) {
        Form::Model => return model(path, arguments),
        Form::Archive => archive(path)?,
        Form::Folder => folder(path)?,
        Form::Release => release(arguments)?,
    };
    rule(&mut inspection, arguments)?;
    let gate = gate(arguments)?;
    let page = || reporter::inspect::human(&inspection, output::width());
    let subject = &inspection.sheet.subject;
    let about = audit::one::Judged {
        subject,
        findings: &inspection.findings,
        undetermined: &inspection.undetermined,
        gate,
        as_of: session::day(&arguments.common)?,
    };
    told(arguments, &inspection, &page, &about)?;
    Ok(exit_code(gate, &inspection.findings, false))
}

/// From which level on the run fails.
fn gate(arguments: &InspectArguments) -> Result<Option<Level>, Failure> {
    let Some(word) = &arguments.fail_on else { return Ok(None) };
    let gate: FailOn = word.parse().map_err(|e| Failure::text(format!("--fail-on {e}")))?;
    Ok(gate.level())
}

/// 1 for a finding at the level, 3 where something that may hold one was not read, 0 without a level.
fn exit_code(gate: Option<Level>, findings: &[Finding], unread: bool) -> u8 {
    match gate {
        Some(level) if findings.iter().any(|finding| finding.level >= level) => 1,
        Some(_) if unread => 3,
        _ => 0,
    }
}

/// Says what was seen, in the format and at the place that was asked for.
fn told(
    arguments: &InspectArguments,
    inspection: &impl serde::Serialize,
    page: &dyn Fn() -> String,
    about: &audit::one::Judged<'_>,
) -> Result<(), Failure> {
    let asked = if arguments.json { Some("json") } else { arguments.format.as_deref() };
    output::in_format(asked, |format| {
        Ok(match format {
            Format::Json => reporter::json_text(inspection)?,
            Format::Html => {
                let texts = vec![("Everything that was read".to_owned(), page())];
                audit::one::page(about, "what was seen of one crate or model", texts)?
            }
            _ => page(),
        })
    })
}

/// What the argument names.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// `NAME@VERSION`.
    Release,
    /// A `.crate` file.
    Archive,
    /// A folder with a manifest.
    Folder,
    /// Any other file or folder.
    Model,
}

impl Form {
    fn of(path: &Path) -> Self {
        if path.is_dir() {
            return if path.join("Cargo.toml").exists() { Self::Folder } else { Self::Model };
        }
        let is_crate = path.extension().is_some_and(|extension| extension == "crate");
        match (is_crate, path.exists()) {
            (true, _) => Self::Archive,
            (false, true) => Self::Model,
            (false, false) => Self::Release,
        }
    }
}

fn release(arguments: &InspectArguments) -> Result<Inspection, Failure> {
    let (name, version) = crate_spec(&arguments.subject)?;
    let options = session::gather_options(&arguments.common, false)?;
    let graph = collectors::single(name, version, &options)?;
    let gathered = collectors::gather(&graph, &options)?;
    gathered.warnings.iter().for_each(|warning| output::warning(&shown(warning)));
    let mut inspection = Inspection::about(gathered.sheets[0].clone());
    let checksum = graph.nodes[0].checksum.as_deref().unwrap_or_default();
    match close_look::read_release(name, version, checksum, &options) {
        Ok(look) => add(&mut inspection, &look),
        // The facts tell why already; what is missing is the look beside them.
        Err(error) => inspection.limits.push(error.to_string()),
    }
    Ok(inspection)
}

fn archive(path: &Path) -> Result<Inspection, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::text(format!("cannot read {}: {why}", path.display()))
    };
    let mut bytes = Vec::new();
    let file = crate::disk::open(path).map_err(|error| failed(&error))?;
    file.take(ARCHIVE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > ARCHIVE_BYTES {
        return Err(failed(&format!("it has more than {ARCHIVE_BYTES} bytes")));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let (name, version) = name_and_version(&stem).ok_or_else(|| {
        failed(&"its name is not NAME-VERSION.crate")
            .help("rename it to what the registry calls it")
    })?;
    let look = close_look::read(name, version, &bytes)?;
    Ok(on_disk(path, name, version, &look))
}

fn folder(path: &Path) -> Result<Inspection, Failure> {
    let (name, version, place) = if let Some((subject, place)) = audit::one::crate_in(path) {
        (subject.name, subject.version, place)
    } else {
        let (name, version) = close_look::named_in(path)?;
        (name, version, Place::new(PlaceKind::Path, path.to_owned(), path.to_owned()))
    };
    let folder = close_look::read_folder(&name, &version, &place)?;
    let mut inspection = on_disk(path, &name, &version, &folder.look);
    inspection.sheet.put(source_tree::GROUP, &folder.source);
    inspection.limits = folder.limits;
    Ok(inspection)
}

/// `NAME-VERSION`, taken apart where a version begins.
fn name_and_version(stem: &str) -> Option<(&str, &str)> {
    stem.match_indices('-')
        .map(|(at, _)| (&stem[..at], &stem[at + 1..]))
        .find(|(name, version)| !name.is_empty() && semver::Version::parse(version).is_ok())
}

fn on_disk(path: &Path, name: &str, version: &str, look: &CloseLook) -> Inspection {
    let mut sheet = FactSheet::new(Subject {
        kind: SubjectKind::Crate,
        name: name.to_owned(),
        version: version.to_owned(),
        origin: Origin::Local,
    });
    look.put(&mut sheet);
    for group in REGISTRY_GROUPS {
        sheet.put_unknown(group, "it was read from disk, and the registry was not asked");
    }
    let mut inspection = Inspection::about(sheet);
    inspection.path = Some(path.display().to_string());
    add(&mut inspection, look);
    inspection
}

/// Adds what a close look saw.
fn add(inspection: &mut Inspection, look: &CloseLook) {
    inspection.heads.clone_from(&look.heads);
    inspection.code = look.quoted();
}

/// Asks the rules.
fn rule(inspection: &mut Inspection, arguments: &InspectArguments) -> Result<(), Failure> {
    let ruleset = session::ruleset(&arguments.common.rules)?;
    let mut sheet = inspection.sheet.clone();
    for group in PROJECT_GROUPS {
        sheet.put_unknown(group, "there is no project around it");
    }
    let location = Location::line("Cargo.lock", 1);
    let judgement =
        judge(&ruleset, &[Case { sheet, location, related: Vec::new(), path: Vec::new() }]);
    inspection.findings = judgement.findings;
    inspection.undetermined = judgement.undetermined;
    inspection.signals = judgement
        .signals
        .into_iter()
        .map(|fired| WeighedSignal {
            bits: fired.hit.weight(),
            id: fired.hit.id,
            axis: fired.hit.axis,
            evidence: fired.hit.evidence,
        })
        .collect();
    inspection.signals.sort_by(|a, b| b.bits.total_cmp(&a.bits).then_with(|| a.id.cmp(&b.id)));
    Ok(())
}

/// What is seen in a model file without loading it, and what the rules say of it.
fn model(path: &Path, arguments: &InspectArguments) -> Result<u8, Failure> {
    let how = Look { trace: true, hash: arguments.hash, ..Look::default() };
    let (facts, traces) = model_files::look(path, &how)?;
    let subject = audit::model_subject(path);
    let undetermined = audit::not_scanned(&subject, &facts, false);
    let mut sheet = FactSheet::new(subject);
    sheet.put(model_files::GROUP, &facts);
    let ruleset = session::ruleset(&arguments.common.rules)?;
    let location = Location::line(".", 1);
    let case = Case { sheet, location, related: Vec::new(), path: Vec::new() };
    let judgement = judge(&ruleset, std::slice::from_ref(&case));
    let inspection = ModelInspection {
        schema: MODEL_INSPECTION.to_owned(),
        path: path.display().to_string(),
        sheet: case.sheet,
        traces: traces
            .into_iter()
            .map(|trace| ModelTrace { path: trace.path, lines: trace.lines })
            .collect(),
        findings: judgement.findings,
        undetermined,
    };
    let gate = gate(arguments)?;
    let page = || reporter::model::human(&inspection, output::width());
    let about = audit::one::Judged {
        subject: &inspection.sheet.subject,
        findings: &inspection.findings,
        undetermined: &inspection.undetermined,
        gate,
        as_of: session::day(&arguments.common)?,
    };
    told(arguments, &inspection, &page, &about)?;
    Ok(exit_code(gate, &inspection.findings, !inspection.undetermined.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use custody_bytes::gzip_tar::sample::crate_archive;

    #[test]
    fn a_version_begins_where_one_can_be_read() {
        assert_eq!(name_and_version("ort-sys-2.0.0-rc.13"), Some(("ort-sys", "2.0.0-rc.13")));
        assert_eq!(name_and_version("a-1-b-0.1.0+x-1"), Some(("a-1-b", "0.1.0+x-1")));
        assert_eq!(name_and_version("no-version"), None);
        assert_eq!(name_and_version("-1.0.0"), None);
    }

    #[test]
    fn a_path_is_told_from_a_name() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Form::of(Path::new("x@1.0.0")), Form::Release);
        assert_eq!(Form::of(folder.path()), Form::Model);
        assert_eq!(Form::of(&folder.path().join("x-1.0.0.crate")), Form::Archive);
        std::fs::write(folder.path().join("Cargo.toml"), "").expect("written");
        assert_eq!(Form::of(folder.path()), Form::Folder);
        assert_eq!(Form::of(&folder.path().join("Cargo.toml")), Form::Model);
    }

    #[test]
    fn an_archive_on_disk_is_read_and_the_registry_is_unknown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x-1.0.0.crate");
        let manifest = b"[package]\nname = \"x\"\nversion = \"1.0.0\"\n";
        let bytes = crate_archive("x-1.0.0", &[("Cargo.toml", manifest), ("a.bin", &[0, 159, 1])]);
        std::fs::write(&path, bytes).expect("written");
        let inspection = archive(&path).expect("reads");
        assert_eq!(inspection.heads["a.bin"], "00 9f 01");
        let page = reporter::inspect::human(&inspection, 80);
        assert!(page.contains("x 1.0.0\n"), "{page}");
        assert!(page.contains("the registry was not asked"), "{page}");
    }
}
