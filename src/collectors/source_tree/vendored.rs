//! A folder of vendored crates, as source replacement names it: one folder a crate, told apart by their
//! manifests and not by what the folders are called, as cargo does.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Most crates of one folder.
const CRATES: usize = 20_000;
/// Largest manifest that is read.
const MANIFEST: u64 = 2 << 20;

/// The crates of one folder, by name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    crates: BTreeMap<(String, String), PathBuf>,
    /// Why some or all of it could not be read.
    unread: Option<String>,
}

impl Directory {
    /// Reads the manifests of all folders in a folder.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let mut found = Self::default();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.unread = Some(format!("the vendored folder cannot be listed: {error}"));
                return found;
            }
        };
        let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        folders.sort();
        if folders.len() > CRATES {
            folders.truncate(CRATES);
            found.unread = Some(format!("the vendored folder has more than {CRATES} entries"));
        }
        for folder in folders {
            // Cargo passes over hidden folders, and over those without a manifest.
            let hidden = folder.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
            if let (false, Some(who)) = (hidden, who(&folder.join("Cargo.toml"))) {
                found.crates.insert(who, folder);
            }
        }
        found
    }

    /// The folder of a crate, or why there is none.
    pub fn find(&self, name: &str, version: &str) -> Result<&Path, String> {
        let found = self.crates.get(&(name.to_owned(), version.to_owned()));
        found.map(PathBuf::as_path).ok_or_else(|| match &self.unread {
            Some(why) => why.clone(),
            None => "the vendored folder does not hold this version".to_owned(),
        })
    }
}

/// Name and version of the crate that a manifest is of. Vendored manifests inherit nothing.
fn who(manifest: &Path) -> Option<(String, String)> {
    let mut text = String::new();
    let file = fs::metadata(manifest).ok()?.is_file().then(|| fs::File::open(manifest).ok())??;
    file.take(MANIFEST).read_to_string(&mut text).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let package = table.get("package").or_else(|| table.get("project"))?;
    let word = |key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    Some((word("name")?, word("version").unwrap_or_else(|| "0.0.0".to_owned())))
}
