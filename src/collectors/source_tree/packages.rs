//! The crates that lie somewhere below a folder: a git checkout, a `paths` override, a repository. Found as
//! cargo finds them, by the manifests and not by what the folders are called.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Most folders that are looked into.
const FOLDERS: usize = 50_000;
/// Most manifests that are read.
const MANIFESTS: usize = 20_000;
/// Folders inside one another.
const DEPTH: usize = 32;
/// Largest manifest that is read.
const MANIFEST: u64 = 2 << 20;

/// Crates by name and version, with their folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages {
    crates: BTreeMap<(String, String), BTreeSet<PathBuf>>,
    /// Why some or all of it could not be read.
    unread: Option<String>,
}

impl Packages {
    /// The crates right below a folder, as a vendored folder holds them. Their manifests inherit nothing.
    #[must_use]
    pub fn beside(folder: &Path) -> Self {
        let mut found = Self::default();
        for folder in found.folders(folder, MANIFESTS) {
            if let Some(table) = found.manifest(&folder) {
                found.add(&table, None, folder);
            }
        }
        found
    }

    /// The crates of a folder and of all folders below it.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        let mut found = Self::default();
        let mut waiting = vec![(root.to_owned(), None, 0)];
        let mut looked_into = 0;
        while let Some((folder, inherited, depth)) = waiting.pop() {
            looked_into += 1;
            if looked_into > FOLDERS || depth > DEPTH {
                found.unread = Some(format!("the folder holds more than {FOLDERS} folders"));
                continue;
            }
            let table = found.manifest(&folder);
            let own = table.as_ref().and_then(workspace_version);
            let inherited = own.or(inherited);
            if let Some(table) = &table {
                found.add(table, inherited.as_deref(), folder.clone());
            }
            // What cargo built is no source; `.git` and the like are hidden.
            let built = |folder: &PathBuf| table.is_some() && folder.ends_with("target");
            let inside = found.folders(&folder, FOLDERS);
            waiting.extend(
                inside
                    .into_iter()
                    .rev()
                    .filter(|folder| !built(folder))
                    .map(|folder| (folder, inherited.clone(), depth + 1)),
            );
        }
        found
    }

    /// Folders in a folder, in order; hidden ones are passed over and links to folders followed only where
    /// they are asked for by name.
    fn folders(&mut self, folder: &Path, most: usize) -> Vec<PathBuf> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.unread = Some(format!("the folder cannot be listed: {error}"));
                return Vec::new();
            }
        };
        let mut folders: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_name().as_encoded_bytes().first() != Some(&b'.'))
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink()))
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        if folders.len() > most {
            folders.truncate(most);
            self.unread = Some(format!("the folder has more than {most} entries"));
        }
        folders
    }

    fn add(&mut self, table: &Table, inherited: Option<&str>, folder: PathBuf) {
        if let Some(who) = who(table, inherited) {
            self.crates.entry(who).or_default().insert(folder);
        }
    }

    /// The folder of a crate, or why there is none that is surely it.
    pub fn find(&self, name: &str, version: &str) -> Result<&Path, String> {
        let found = self.crates.get(&(name.to_owned(), version.to_owned()));
        let mut folders = found.into_iter().flatten();
        match (folders.next(), folders.next(), &self.unread) {
            (Some(only), None, _) => Ok(only),
            (Some(one), Some(other), _) => Err(format!(
                "two folders hold this crate: {} and {}",
                one.display(),
                other.display()
            )),
            (None, _, Some(why)) => Err(why.clone()),
            (None, _, None) => Err("the folder does not hold this version".to_owned()),
        }
    }

    /// The manifest in a folder; one that is too large to be read is no reason to believe that there is none.
    fn manifest(&mut self, folder: &Path) -> Option<Table> {
        match text(folder) {
            Ok(text) => parsed(&text),
            Err(error) => {
                if error.kind() == io::ErrorKind::FileTooLarge {
                    let told = format!("the manifest of {} is too large", folder.display());
                    self.unread = Some(told);
                }
                None
            }
        }
    }

    /// The folder of the crate that takes the place of all crates of a name, as `paths` overrides do: cargo
    /// compares names only. Nothing where there is no such crate.
    #[must_use]
    pub fn in_place_of(&self, name: &str, version: &str) -> Option<Result<&Path, String>> {
        let first = (name.to_owned(), String::new());
        let named: Vec<&String> = self
            .crates
            .range(first..)
            .map(|((of, version), _)| (of, version))
            .take_while(|(of, _)| *of == name)
            .map(|(_, version)| version)
            .collect();
        match named.as_slice() {
            [] => self.unread.clone().map(Err),
            [only] => Some(self.find(name, only)),
            several if several.iter().any(|one| *one == version) => Some(self.find(name, version)),
            _ => Some(Err(format!("several versions of `{name}` take the place of this one"))),
        }
    }

    /// The folders of all crates.
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        self.crates.values().flatten().map(PathBuf::as_path)
    }
}

/// What one manifest says of its crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version, inherited or its own.
    pub version: String,
    /// Folders that it takes dependencies from, as it writes them.
    pub paths: Vec<String>,
}

impl Package {
    /// The crate whose manifest lies in a folder; `top` is where the search for its workspace ends.
    #[must_use]
    pub fn at(folder: &Path, top: &Path) -> Option<Self> {
        let table = manifest(folder)?;
        let above = folder.ancestors().take(DEPTH).take_while(|above| above.starts_with(top));
        let inherited = above.filter_map(manifest).find_map(|table| workspace_version(&table));
        let (name, version) = who(&table, inherited.as_deref())?;
        Some(Self { name, version, paths: paths(&table) })
    }
}

/// The manifest in a folder, where it is a plain file and TOML.
fn manifest(folder: &Path) -> Option<Table> {
    parsed(&text(folder).ok()?)
}

fn text(folder: &Path) -> io::Result<String> {
    crate::disk::text(&folder.join("Cargo.toml"), MANIFEST)
}

fn parsed(text: &str) -> Option<Table> {
    text.trim_start_matches('\u{feff}').parse().ok()
}

/// Name and version of the crate that a manifest is of.
fn who(table: &Table, inherited: Option<&str>) -> Option<(String, String)> {
    let package = table.get("package").or_else(|| table.get("project"))?;
    let name = package.get("name")?.as_str()?;
    let version = match package.get("version") {
        None => "0.0.0",
        Some(Value::String(version)) => version,
        Some(_) => inherited?,
    };
    // As the lockfile writes it: cargo parses and prints it.
    let version = version.trim();
    let version = semver::Version::parse(version).map_or(version.to_owned(), |v| v.to_string());
    Some((name.to_owned(), version))
}

fn workspace_version(table: &Table) -> Option<String> {
    let package = table.get("workspace")?.get("package")?;
    package.get("version")?.as_str().map(str::to_owned)
}

/// `path = "..."` of all dependencies, of every target and kind, and of the workspace's.
fn paths(table: &Table) -> Vec<String> {
    let kinds = [
        "dependencies",
        "build-dependencies",
        "build_dependencies",
        "dev-dependencies",
        "dev_dependencies",
    ];
    let targets = table.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let tables = tables.chain([table]).chain(table.get("workspace").and_then(Value::as_table));
    let listed = tables.flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)));
    let all = listed.filter_map(Value::as_table).flat_map(Table::values);
    all.filter_map(|given| given.get("path")?.as_str().map(str::to_owned)).collect()
}
