//! A crate's folder, read by the same pass as in an audit: its files are those that cargo would see, and what
//! is left out is told.

use std::path::{Path, PathBuf};

use super::{CloseLook, Eyes};
use crate::collectors::archive::BenignProfiles;
use crate::collectors::pass;
use crate::collectors::source_tree::{SourceFacts, SourceTree, TreeError};
use crate::domain::Place;

/// Most sentences about what was left out.
const TOLD: usize = 20;
/// Largest manifest that is read.
const MANIFEST: u64 = 4 << 20;

/// Why a folder could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Its manifest cannot be read.
    #[error("cannot read {path}: {reason}")]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Its files cannot be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// A folder that was read.
#[derive(Debug)]
pub struct Folder {
    /// What it shows.
    pub look: CloseLook,
    /// Which of its files were read.
    pub source: SourceFacts,
    /// What was left out, one sentence each.
    pub limits: Vec<String>,
}

/// Looks at a crate's folder.
pub fn read_folder(name: &str, version: &str, place: &Place) -> Result<Folder, FolderError> {
    let mut tree = SourceTree::open(place)?;
    let mut eyes = Eyes::default();
    let profiles = BenignProfiles::embedded();
    let (contents, _) = pass::tree(&profiles, (name, version), &mut tree, &mut eyes);
    let archive = &contents.archive.facts;
    let source = tree.facts(archive.files, archive.unpacked_bytes);
    let told = source.left_out.iter().take(TOLD);
    let mut limits: Vec<String> =
        told.map(|one| format!("{} was not read: {}", one.path, one.reason)).collect();
    let more = source.left_out.len().saturating_sub(TOLD) as u64 + source.left_out_more;
    if more > 0 {
        limits.push(format!("{more} more files and folders were not read"));
    }
    Ok(Folder { look: eyes.look(contents), source, limits })
}

/// Name and version in the manifest of a folder that no lockfile speaks of; `0.0.0` where it has no version
/// or takes it from its workspace.
pub fn named_in(folder: &Path) -> Result<(String, String), FolderError> {
    let path = folder.join("Cargo.toml");
    let failed = |reason: String| FolderError::Manifest { path: path.clone(), reason };
    let text = crate::disk::text(&path, MANIFEST).map_err(|error| failed(error.to_string()))?;
    let manifest: toml::Table = text.parse().map_err(|e: toml::de::Error| failed(e.to_string()))?;
    let package =
        manifest.get("package").ok_or_else(|| failed("it has no [package]".to_owned()))?;
    let word = |key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let name = word("name").ok_or_else(|| failed("the package has no name".to_owned()))?;
    Ok((name, word("version").unwrap_or_else(|| "0.0.0".to_owned())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::PlaceKind;

    #[test]
    fn links_that_lead_out_stay_out_and_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("crate");
        fs::create_dir_all(root.join("src")).expect("made");
        fs::write(root.join("Cargo.toml"), "[package]\nname = \"x\"\nversion = \"1.0.0\"\n")
            .expect("written");
        fs::write(root.join("src/lib.rs"), "pub fn f() {}\n").expect("written");
        fs::write(folder.path().join("secret"), "outside").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", root.join("link")).expect("linked");
        let (name, version) = named_in(&root).expect("has a manifest");
        assert_eq!((name.as_str(), version.as_str()), ("x", "1.0.0"));
        let place = Place::new(PlaceKind::Path, root.clone(), root.clone());
        let read = read_folder(&name, &version, &place).expect("reads");
        let files = &read.look.contents.archive.listing.files;
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["Cargo.toml", "src/lib.rs"]);
        #[cfg(unix)]
        assert_eq!(read.limits, ["link was not read: a link that leads out of the project"]);
    }

    #[test]
    fn a_folder_without_a_manifest_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(named_in(folder.path()), Err(FolderError::Manifest { .. })));
    }
}
