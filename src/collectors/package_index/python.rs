//! The page of a distribution (PEP 691, 700, 740, 792): files with their uploads and provenance.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::facts::PackageIndexFacts;
use super::wheel::{self, Wheel};
use super::{Question, days};
use crate::domain::Measured;
use crate::net::Answer;
use crate::net::package_index::PackageIndex;

/// Most files of one page that are read.
const FILES_LIMIT: usize = 50_000;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Page {
    // Without them it is no page of a distribution.
    files: Vec<File>,
    project_status: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    size: Option<u64>,
    upload_time: Option<String>,
    yanked: Option<Value>,
    #[serde(default)]
    provenance: Provenance,
}

/// Whether there are statements about a file.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Provenance {
    /// The index never tells.
    #[default]
    Untold,
    /// It says that there are none.
    Missing,
    /// It gives their address.
    There,
}

impl<'de> Deserialize<'de> for Provenance {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(if Value::deserialize(from)?.is_null() { Self::Missing } else { Self::There })
    }
}

/// The files of one version.
struct Version<'p> {
    name: String,
    files: Vec<&'p File>,
    /// Age of the first upload, days.
    days: Option<i64>,
}

impl Version<'_> {
    /// Unknown where the index never tells of statements.
    fn attested(&self) -> Option<bool> {
        let mut told = self.files.iter().map(|file| file.provenance);
        let known = told.clone().any(|provenance| provenance != Provenance::Untold);
        known.then(|| told.any(|provenance| provenance == Provenance::There))
    }

    /// The wheel whose directory is smallest to read: pure ones first, then by name.
    fn wheel(&self) -> Option<Wheel<'_>> {
        let wheels = self.files.iter().filter_map(|file| {
            let is_wheel = file.filename.rsplit('.').next() == Some("whl");
            let hash = file.hashes.get("sha256")?;
            is_wheel.then_some((!file.filename.ends_with("-none-any.whl"), file, hash))
        });
        let (_, file, hash) = wheels.min_by_key(|(native, file, _)| (*native, &file.filename))?;
        Some(Wheel { url: &file.url, size: file.size?, sha256: hash })
    }
}

pub(super) async fn measure(
    index: &PackageIndex,
    question: &Question<'_>,
    answer: &Answer,
) -> PackageIndexFacts {
    let page: Page = match serde_json::from_slice(&answer.bytes) {
        Ok(page) => page,
        Err(error) => return PackageIndexFacts::unknown(&format!("no page of an index: {error}")),
    };
    let versions = versions(&page, question);
    let mut facts = PackageIndexFacts::unknown("the index does not tell it");
    let status = page.project_status.as_ref().map(|status| {
        status.get("status").and_then(Value::as_str).or(status.as_str()).unwrap_or("?").to_owned()
    });
    facts.project_status = Measured::Known(status.unwrap_or_default());
    let first = versions.iter().filter_map(|version| version.days).max();
    facts.first_days = first.map_or(facts.first_days, Measured::Known);
    let Some(at) = versions.iter().position(|version| version.name == question.version) else {
        facts.status = Measured::Known("version-missing".to_owned());
        return facts;
    };
    facts.status = Measured::Known("found".to_owned());
    let version = &versions[at];
    facts.version_days = version.days.map_or(facts.version_days, Measured::Known);
    let is_yanked = |file: &&&File| !matches!(file.yanked, None | Some(Value::Bool(false)));
    facts.withdrawn = Measured::Known(version.files.iter().any(|file| is_yanked(&file)));
    facts.attested = version.attested().map_or(facts.attested, Measured::Known);
    let before = &versions[..at];
    let attested_before = before.iter().filter_map(Version::attested).collect::<Vec<_>>();
    if before.is_empty() || !attested_before.is_empty() {
        facts.attested_before = Measured::Known(attested_before.contains(&true));
    }
    facts.install_script_new = Measured::unknown("Python has no such scripts; see only_source");
    let page = answer.url.as_str();
    (facts.startup_files, facts.startup_files_new) =
        startup(index, page, version, before.last()).await;
    facts
}

/// What runs at every start, and what of it is new. The version before is looked at only where there is
/// something to compare.
async fn startup(
    index: &PackageIndex,
    page: &str,
    version: &Version<'_>,
    before: Option<&Version<'_>>,
) -> (Measured<Vec<String>>, Measured<Vec<String>>) {
    let Some(wheel) = version.wheel() else {
        let no = || Measured::unknown("there is no wheel whose directory could be read");
        return (no(), no());
    };
    let now = match wheel::startup_files(index, page, &wheel).await {
        Ok(files) => files,
        Err(reason) => return (Measured::Unknown(reason.clone()), Measured::Unknown(reason)),
    };
    let Some(before) = before.filter(|_| !now.is_empty()) else {
        return (Measured::Known(now.clone()), Measured::Known(now));
    };
    let Some(older) = before.wheel() else {
        return (Measured::Known(now), Measured::unknown("the version before has no wheel"));
    };
    let new = match wheel::startup_files(index, page, &older).await {
        Ok(older) => {
            Measured::Known(now.iter().filter(|file| !older.contains(file)).cloned().collect())
        }
        Err(reason) => Measured::Unknown(reason),
    };
    (Measured::Known(now), new)
}

/// The versions up to the day, oldest first; those without a moment come first of all.
fn versions<'p>(page: &'p Page, question: &Question<'_>) -> Vec<Version<'p>> {
    let mut all: BTreeMap<String, Version<'p>> = BTreeMap::new();
    for file in page.files.iter().take(FILES_LIMIT) {
        let Some(name) = version_of(&file.filename) else { continue };
        let age = file.upload_time.as_deref().and_then(|moment| days(moment, question.as_of));
        if age.is_some_and(|age| age < 0) {
            continue;
        }
        let version =
            all.entry(name.clone()).or_insert(Version { name, files: Vec::new(), days: None });
        version.days = version.days.max(age);
        version.files.push(file);
    }
    let mut all: Vec<Version<'p>> = all.into_values().collect();
    all.sort_by_key(|version| std::cmp::Reverse(version.days.unwrap_or(i64::MAX)));
    all
}

/// The version in the name of a wheel or of a source archive.
fn version_of(name: &str) -> Option<String> {
    if let Some(stem) = name.strip_suffix(".whl") {
        return stem.split('-').nth(1).map(str::to_owned);
    }
    let stem = [".tar.gz", ".zip", ".tar.bz2"].iter().find_map(|end| name.strip_suffix(end))?;
    stem.rsplit_once('-').map(|(_, version)| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn a_version_is_read_off_the_name_of_a_file() {
        for (name, version) in [
            ("a_b-1.0.post1-py3-none-any.whl", Some("1.0.post1")),
            ("a-b-2.0rc1.tar.gz", Some("2.0rc1")),
            ("a.exe", None),
            (".whl", None),
        ] {
            assert_eq!(version_of(name).as_deref(), version, "{name}");
        }
    }
}
