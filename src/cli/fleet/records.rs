//! The folder of a fleet: a record, SARIF and a page for each project, and the summary.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use sha2::{Digest as _, Sha256};

use crate::cli::{Failure, output};
use crate::disk;
use crate::domain::fleet::{FLEET_SCHEMA, FleetSummary, ProjectRecord};
use crate::domain::hash::hex;
use crate::reporter;

/// Largest record that is read.
const RECORD_BYTES: u64 = 64 << 20;
/// Below the fleet's folder.
const PROJECTS: &str = "projects";

/// An open folder.
pub struct Records {
    folder: PathBuf,
}

impl Records {
    /// Opens a folder and makes it where it is missing.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let projects = folder.join(PROJECTS);
        fs::create_dir_all(&projects).map_err(|error| {
            Failure::text(format!("cannot make {}: {error}", projects.display()))
        })?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// All records of a folder, in the order of their file names.
    pub fn read(folder: &Path) -> Result<Vec<ProjectRecord>, Failure> {
        Self::paths(folder)?.iter().map(|path| read_one(path).ok_or_else(|| none(path))).collect()
    }

    /// How many records a folder has, and those in which a crate of this name may be locked, in the order
    /// of their file names. The others are read and not parsed, which is most of the work.
    pub fn naming(folder: &Path, name: &str) -> Result<(usize, Vec<ProjectRecord>), Failure> {
        let paths = Self::paths(folder)?;
        let text = serde_json::to_string(name)?;
        let wanted = memchr::memmem::Finder::new(text.as_bytes());
        let read = |path: &PathBuf| {
            let bytes = disk::read(path, RECORD_BYTES).map_err(|_| none(path))?;
            if wanted.find(&bytes).is_none() {
                return Ok(None);
            }
            parse(&bytes).ok_or_else(|| none(path)).map(Some)
        };
        let found: Result<Vec<_>, Failure> = paths.par_iter().map(read).collect();
        Ok((paths.len(), found?.into_iter().flatten().collect()))
    }

    fn paths(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        let projects = folder.join(PROJECTS);
        let failed = |error: std::io::Error| {
            Failure::text(format!("cannot list {}: {error}", projects.display()))
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(&projects).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// The record of a project, where it answers the same question of the same lockfile.
    pub fn finished(
        &self,
        project: &str,
        question: &str,
        lockfile: Option<&str>,
    ) -> Option<ProjectRecord> {
        let record = read_one(&self.path(project, "json"))?;
        let same = record.line.project == project
            && record.run == question
            && record.lockfile.as_deref() == lockfile
            && record.line.error.is_none();
        same.then_some(record)
    }

    /// Writes a project's record.
    pub fn write_record(&self, record: &ProjectRecord) -> Result<(), Failure> {
        let text = serde_json::to_string(record)? + "\n";
        self.write(&record.line.project, "json", text.as_bytes())
    }

    /// Writes a file of a project, whole or not at all.
    pub fn write(&self, project: &str, ending: &str, bytes: &[u8]) -> Result<(), Failure> {
        output::file(&self.path(project, ending), bytes)
    }

    /// Writes what all projects together say.
    pub fn write_summary(&self, summary: &FleetSummary) -> Result<(), Failure> {
        let text = reporter::json_text(summary)?;
        output::file(&self.folder.join("fleet.json"), text.as_bytes())?;
        let page_of = |project: &str| format!("{PROJECTS}/{}.html", file_stem(project));
        let page =
            reporter::fleet::page(summary, &page_of).map_err(|error| Failure::new(&error))?;
        output::file(&self.folder.join("fleet.html"), page.as_bytes())
    }

    fn path(&self, project: &str, ending: &str) -> PathBuf {
        self.folder.join(PROJECTS).join(format!("{}.{ending}", file_stem(project)))
    }
}

fn read_one(path: &Path) -> Option<ProjectRecord> {
    parse(&disk::read(path, RECORD_BYTES).ok()?)
}

fn parse(bytes: &[u8]) -> Option<ProjectRecord> {
    let record: ProjectRecord = serde_json::from_slice(bytes).ok()?;
    (record.line.schema == FLEET_SCHEMA).then_some(record)
}

fn none(path: &Path) -> Failure {
    Failure::text(format!("{} is no record of this version", path.display()))
}

/// What a person would know a project by, and a hash, which keeps two of them apart. No string of
/// strangers becomes a path.
fn file_stem(project: &str) -> String {
    let mut parts =
        project.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "Cargo.lock"));
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let last: String = parts.next_back().unwrap_or("project").chars().take(40).map(plain).collect();
    format!("{last}-{}", &hex(&Sha256::digest(project))[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_strangers_is_a_plain_file_name() {
        let stem = file_stem("/srv/a b/../../etc/pass\u{202e}wd;rm -rf");
        assert!(stem.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{stem}");
        assert!(file_stem("/srv/web/Cargo.lock").starts_with("web-"));
        assert_ne!(file_stem("a/x"), file_stem("b/x"));
        assert!(file_stem(&"x".repeat(5_000)).len() < 64);
    }
}
