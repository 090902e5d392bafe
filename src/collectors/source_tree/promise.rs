//! A copy of a published crate held against the archive whose hash the lockfile pins, file by file.

use std::collections::BTreeMap;

use super::facts::{AlteredFile, FileChange};
use crate::collectors::archive::{ArchiveListing, FileRole, ListedFile, role_of};
use crate::collectors::build_code::BuildFacts;

/// One side of the comparison: its files, and the code of it that runs at build time.
#[derive(Clone, Copy, Debug)]
pub struct Copy<'c> {
    /// All its files.
    pub listing: &'c ArchiveListing,
    /// Its build-time code.
    pub build: &'c BuildFacts,
}

/// What differs, the gravest first.
#[must_use]
pub fn altered(published: Copy<'_>, here: Copy<'_>) -> Vec<AlteredFile> {
    let (then, now) = (by_path(published.listing), by_path(here.listing));
    let at_build = |path: &str| runs(published.build, path) || runs(here.build, path);
    let mut found = Vec::new();
    for (path, file) in &now {
        let change = match then.get(path) {
            None if is_cargos(path) => continue,
            None => FileChange::Added,
            Some(before) if before.sha256 == file.sha256 => continue,
            Some(_) => FileChange::Changed,
        };
        found.push(one(path, change, at_build(path), &file.sha256));
    }
    for path in then.keys().filter(|path| !now.contains_key(*path) && !is_left_out(path)) {
        found.push(one(path, FileChange::Missing, at_build(path), ""));
    }
    found.sort_by(|a, b| {
        (!a.at_build, !a.compiled, a.change, &a.path).cmp(&(
            !b.at_build,
            !b.compiled,
            b.change,
            &b.path,
        ))
    });
    found
}

fn one(path: &str, change: FileChange, at_build: bool, sha256: &str) -> AlteredFile {
    let role = role_of(path);
    let compiled = match role {
        FileRole::Source | FileRole::BuildInput | FileRole::VendoredNative => true,
        // The author's own manifest and the lockfile are not read where the crate is a dependency.
        FileRole::Manifest => path == "Cargo.toml",
        FileRole::Test
        | FileRole::Bench
        | FileRole::Example
        | FileRole::Fixture
        | FileRole::Doc
        | FileRole::Other => false,
    };
    let path = path.to_owned();
    AlteredFile { path, change, role, at_build, compiled, sha256: sha256.to_owned() }
}

fn by_path(listing: &ArchiveListing) -> BTreeMap<&str, &ListedFile> {
    listing.files.iter().map(|file| (file.path.as_str(), file)).collect()
}

/// Whether a file is, or decides, what runs at build time.
fn runs(build: &BuildFacts, path: &str) -> bool {
    let manifest = path == "Cargo.toml" && build.runs_at_build.known() == Some(&true);
    let script = build.build_scripts.known().is_some_and(|all| all.iter().any(|one| one == path));
    manifest
        || script
        || build.files.iter().any(|file| file == path)
        || build.reads.iter().any(|read| {
            read.at_build
                && (read.path == path
                    || (!read.path.is_empty()
                        && path.strip_prefix(&*read.path).is_some_and(|r| r.starts_with('/'))))
        })
}

/// What cargo puts beside the files of a crate.
fn is_cargos(path: &str) -> bool {
    matches!(path, ".cargo-checksum.json" | ".cargo-ok")
}

/// What `cargo vendor` does not copy.
fn is_left_out(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(name, ".gitignore" | ".gitattributes" | ".git" | ".cargo-ok")
        || matches!(ending, "orig" | "rej")
}
