//! Which bytes a finding about a model on disk is about: the hash of each file that its evidence names, so that
//! a waiver, a baseline and a comparison hold for these bytes and for no others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::group_of;
use crate::collectors::model_files::{self, ModelFacts};
use crate::domain::{Evidence, FactSheet, Finding, Origin, Subject, SubjectKind};

/// Largest file that is hashed for a finding, 8 GiB: some seconds, and only where something was found.
const HASHED: u64 = 8 << 30;

/// Adds hashes to the evidence of findings about models on disk. `place` says where a path of the facts lies.
pub(super) fn bind<'s>(
    findings: &mut [Finding],
    sheets: impl Iterator<Item = &'s FactSheet>,
    place: impl Fn(&str) -> PathBuf,
) {
    let of_model =
        |subject: &Subject| subject.kind == SubjectKind::Model && subject.origin == Origin::Local;
    let mut found: BTreeMap<Subject, BTreeMap<String, Option<String>>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| of_model(&finding.subject)) {
        found.entry(finding.subject.clone()).or_default();
    }
    for sheet in sheets {
        let Some(hashes) = found.get_mut(&sheet.subject) else { continue };
        let facts = group_of::<ModelFacts>(sheet, model_files::GROUP);
        let files = facts.known().into_iter().flat_map(|facts| &facts.files);
        hashes.extend(files.map(|file| (file.path.clone(), file.sha256.clone())));
    }
    for finding in findings {
        let Some(hashes) = found.get_mut(&finding.subject) else { continue };
        let mut hash = |path: &str| hash_of(hashes, path, &place);
        for evidence in finding.evidence.iter_mut().filter(|one| one.sha256.is_none()) {
            evidence.sha256 = evidence.file.as_deref().and_then(&mut hash);
        }
        if finding.evidence.iter().all(|one| one.sha256.is_none())
            && let Some(sha256) = hash(&finding.location.file)
        {
            finding.evidence.push(Evidence {
                note: format!("the bytes of {}", finding.location.file),
                file: Some(finding.location.file.clone()),
                sha256: Some(sha256),
                ..Evidence::default()
            });
        }
    }
}

/// The hash of one of the model's files: known, or taken now and kept.
fn hash_of(
    hashes: &mut BTreeMap<String, Option<String>>,
    path: &str,
    place: impl Fn(&str) -> PathBuf,
) -> Option<String> {
    let known = hashes.get_mut(path)?;
    if known.is_none() {
        *known = of_file(&place(path));
    }
    known.clone()
}

fn of_file(path: &Path) -> Option<String> {
    let file = crate::disk::open(path).ok()?;
    let small = file.metadata().is_ok_and(|data| data.is_file() && data.len() <= HASHED);
    small.then(|| model_files::sha256(file).ok())?
}
