//! One archive read for a person: the same facts as for an audit, and what a reader wants to see beside
//! them (first bytes of binary files, lines of code). Nothing of it is kept between runs, nothing judged.

mod folder;
mod patch;
mod versions;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use custody_bytes::gzip_tar::Limits;

use super::archive::{ArchiveError, BenignProfiles, ListedFile, Observer};
use super::cargo_home::CargoHome;
use super::contents::Contents;
use super::crate_files::{CrateFile, CrateFiles, Want};
use super::gather::Options;
use super::pass;
use crate::domain::{FactSheet, Origin};
use crate_read::file_kind::FileClass;

pub use folder::{FolderError, named_in, read_folder};
pub use patch::patch;
pub use versions::{compare, dependencies};

/// Bytes of a file that are shown.
const HEAD: usize = 16;
/// Bytes of a file that a comparison of two releases shows.
const SAMPLE: usize = 256;
/// Files whose first bytes are kept.
const HEADS: usize = 4_000;
/// Bytes of source text that are kept for quoting.
const TEXT: usize = 32 << 20;
/// Largest source file that is kept for quoting.
const ONE_TEXT: usize = 2 << 20;
/// Longest quoted line, in characters.
const LINE_CHARS: usize = 200;

/// What one archive shows.
#[derive(Clone, Debug)]
pub struct CloseLook {
    /// What its bytes say, without what its build code reaches through other crates.
    pub contents: Contents,
    /// First bytes of files that are not text, in hexadecimal, by path; at most 4,000.
    pub heads: BTreeMap<String, String>,
    /// First bytes of such files, more of them, by path.
    samples: BTreeMap<String, Vec<u8>>,
    /// Texts of its Rust files and of the files that build native code, by path, as far as they were kept.
    texts: BTreeMap<String, String>,
}

/// Why a crate could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The archive cannot be read to its end.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Cargo's home cannot be used.
    #[error("cannot look into Cargo's home: {0}")]
    Home(#[from] std::io::Error),
    /// The archive is not there.
    #[error("cannot read the archive of {name} {version}: {reason}")]
    Unavailable {
        /// Crate name.
        name: String,
        /// Version.
        version: String,
        /// Why.
        reason: String,
    },
}

/// Looks at the bytes of an archive.
pub fn read(name: &str, version: &str, bytes: &[u8]) -> Result<CloseLook, ArchiveError> {
    let mut eyes = Eyes::default();
    let (limits, profiles) = (Limits::default(), BenignProfiles::embedded());
    let contents = pass::archive(limits, &profiles, (name, version), (bytes, None), &mut eyes)?;
    Ok(eyes.look(contents))
}

/// Looks at a release of the default registry that is on this machine: whoever gathered its facts has
/// fetched it.
pub fn read_release(
    name: &str,
    version: &str,
    checksum: &str,
    options: &Options,
) -> Result<CloseLook, LookError> {
    let home = CargoHome::open(&options.cargo_home)?;
    let files = CrateFiles::new(home, Some(options.cache_dir.join("archives")));
    let want = Want {
        name: name.to_owned(),
        version: version.to_owned(),
        checksum: checksum.to_owned(),
        origin: Origin::Registry,
    };
    let reason = match files.read(&want) {
        CrateFile::Found { bytes, .. } => return Ok(read(name, version, &bytes)?),
        CrateFile::Mismatched(_) => {
            "the bytes on this machine are not the published ones".to_owned()
        }
        CrateFile::Unavailable(reason) => reason,
    };
    Err(LookError::Unavailable { name: want.name, version: want.version, reason })
}

impl CloseLook {
    /// Puts the groups that the bytes alone can tell.
    pub fn put(&self, sheet: &mut FactSheet) {
        self.contents.put(sheet);
    }

    /// A line of a source file, trimmed; none where the text was not kept.
    #[must_use]
    pub fn line(&self, file: &str, line: u32) -> Option<String> {
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        let text = self.texts.get(file)?.lines().nth(index)?;
        Some(text.trim().chars().take(LINE_CHARS).collect())
    }

    /// The lines that the facts about build-time code and secrets point at, by `file:line`.
    #[must_use]
    pub fn quoted(&self) -> BTreeMap<String, String> {
        let (build, secrets) = (&self.contents.code.build, &self.contents.code.secrets);
        let hits = build.capabilities.iter().map(|hit| (hit.file.as_str(), hit.line));
        let steps = build.flows.iter().flat_map(|flow| &flow.steps);
        let modules = secrets.modules.iter();
        let uses = modules.flat_map(|module| {
            [&module.secrets, &module.network, &module.started].into_iter().flatten()
        });
        hits.chain(steps.map(|step| (step.file.as_str(), step.line)))
            .chain(build.spawned.iter().map(|spawned| (spawned.file.as_str(), spawned.line)))
            .chain(uses.map(|hit| (hit.file.as_str(), hit.line)))
            .filter_map(|(file, line)| Some((format!("{file}:{line}"), self.line(file, line)?)))
            .collect()
    }
}

/// What a reader wants to see beside the facts.
#[derive(Default)]
struct Eyes {
    heads: BTreeMap<String, String>,
    samples: BTreeMap<String, Vec<u8>>,
    texts: BTreeMap<String, String>,
    text_bytes: usize,
}

impl Eyes {
    fn look(self, contents: Contents) -> CloseLook {
        CloseLook { contents, heads: self.heads, samples: self.samples, texts: self.texts }
    }
}

impl Observer for Eyes {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        let is_text = matches!(file.class, FileClass::Text | FileClass::Empty);
        if !is_text && self.heads.len() < HEADS {
            self.heads.insert(file.path.clone(), hexadecimal(bytes));
            let sample = bytes.iter().copied().take(SAMPLE).collect();
            self.samples.insert(file.path.clone(), sample);
        }
        let room = TEXT.saturating_sub(self.text_bytes).min(ONE_TEXT);
        if is_text && patch::is_read(&file.path) && bytes.len() <= room {
            self.text_bytes += bytes.len();
            self.texts.insert(file.path.clone(), String::from_utf8_lossy(bytes).into_owned());
        }
    }
}

/// The first bytes as `fd 37 7a`.
fn hexadecimal(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes.iter().take(HEAD) {
        let gap = if out.is_empty() { "" } else { " " };
        write!(out, "{gap}{byte:02x}").expect("writing to a string cannot fail");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use custody_bytes::gzip_tar::sample::crate_archive;

    const MANIFEST: &[u8] = b"[package]\nname = \"x\"\nversion = \"1.0.0\"\nbuild = \"build.rs\"\n";

    #[test]
    fn binaries_keep_their_first_bytes_and_code_its_lines() {
        let script = b"fn main() {\n    std::process::Command::new(\"echo\").status();\n}\n";
        let blob: Vec<u8> = (0..=255).collect();
        let archive = crate_archive(
            "x-1.0.0",
            &[("Cargo.toml", MANIFEST), ("build.rs", script), ("tests/a.bin", &blob)],
        );
        let look = read("x", "1.0.0", &archive).expect("reads");
        assert_eq!(look.heads["tests/a.bin"], "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
        let quoted = look.quoted();
        assert!(quoted["build.rs:2"].starts_with("std::process::Command"), "{quoted:?}");
        assert_eq!(look.line("build.rs", 0), None);
        assert_eq!(look.line("build.rs", 99), None);
    }

    #[test]
    fn an_archive_that_is_none_is_an_error() {
        assert!(read("x", "1.0.0", b"no gzip").is_err());
    }
}
