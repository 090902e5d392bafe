//! Source replacement: what cargo's configuration puts in the place of a registry or of git. Cargo reads
//! the configuration of the folder that it is started in, of every folder above, and of its home; the
//! nearest wins, key by key.
//!
//! Files above the audited folder and in cargo's home are the user's own. Nothing is run; whether a
//! replacement matters is for the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tame_index::index::{git::CRATES_IO_INDEX, sparse::CRATES_IO_HTTP_INDEX};
use toml::{Table, Value};

use super::tree::MANIFEST_LIMIT;
use crate::domain::Origin;

/// Most configuration files, included ones too.
const FILES: usize = 256;
/// Longest chain of sources that replace one another; cargo itself refuses loops.
const CHAIN: usize = 100;
/// What cargo calls its default registry.
const DEFAULT: &str = "crates-io";

/// What cargo takes instead of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandIn {
    /// The source itself, or a mirror of it: the hashes of the lockfile hold.
    Itself,
    /// A folder of vendored crates.
    Directory(PathBuf),
    /// A folder of archives with an index of its own.
    LocalRegistry(PathBuf),
    /// It cannot be told, and why.
    Unclear(String),
}

/// What one `[source.NAME]` says, all files together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Source {
    replace_with: Option<String>,
    registry: Option<String>,
    git: Option<String>,
    reference: Option<String>,
    directory: Option<PathBuf>,
    local_registry: Option<PathBuf>,
}

/// All source replacement that counts for a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacements {
    sources: BTreeMap<String, Source>,
    /// Folders whose crates take the place of those of the same name and version.
    paths: Vec<PathBuf>,
    /// `[patch]` entries that lead to a folder, or to a repository and so to no folder: by name.
    patches: Vec<(String, Option<PathBuf>)>,
    /// A configuration file that could not be read: whether it replaces anything is not known.
    unread: Option<String>,
    /// The same where cargo is started in another folder of the project with a configuration of its own.
    others: Vec<Self>,
}

impl Replacements {
    /// Adds what cargo would read where it is started in one of these folders below; those without a
    /// configuration of their own say nothing new.
    #[must_use]
    pub fn and_in<'f>(mut self, folders: impl Iterator<Item = Vec<&'f Path>>, home: &Path) -> Self {
        for above in folders {
            let other = Self::of_folders(above.into_iter(), home);
            if other == (Self { others: Vec::new(), ..self.clone() }) {
                continue;
            }
            for path in &other.paths {
                if !self.paths.contains(path) {
                    self.paths.push(path.clone());
                }
            }
            let new = other.patches.iter().filter(|patch| !self.patches.contains(patch));
            let new: Vec<_> = new.cloned().collect();
            self.patches.extend(new);
            self.others.push(other);
        }
        self
    }

    /// Reads the configuration of folders, the nearest first, and of cargo's home.
    pub fn of_folders<'f>(folders: impl Iterator<Item = &'f Path>, cargo_home: &Path) -> Self {
        let mut found = Self::default();
        let mut seen = BTreeSet::new();
        for folder in folders {
            found.folder(&folder.join(".cargo"), &mut seen);
        }
        found.folder(cargo_home, &mut seen);
        found
    }

    /// The same with other folders: a copy of the project lies elsewhere.
    #[must_use]
    pub fn moved(mut self, to: &dyn Fn(&Path) -> PathBuf) -> Self {
        for source in self.sources.values_mut() {
            for folder in [&mut source.directory, &mut source.local_registry].into_iter().flatten()
            {
                *folder = to(folder);
            }
        }
        for path in &mut self.paths {
            *path = to(path);
        }
        for path in self.patches.iter_mut().filter_map(|(_, path)| path.as_mut()) {
            *path = to(path);
        }
        self.others = self.others.into_iter().map(|other| other.moved(to)).collect();
        self
    }

    /// Reads the configuration file of one folder; cargo prefers the old name where both are there.
    fn folder(&mut self, folder: &Path, seen: &mut BTreeSet<PathBuf>) {
        let [old, new] = ["config", "config.toml"].map(|name| folder.join(name));
        let file = if old.is_file() { old } else { new };
        if file.symlink_metadata().is_ok() {
            self.file(&file, seen);
        }
    }

    /// Reads a file and what it includes, which counts less than itself.
    fn file(&mut self, first: &Path, seen: &mut BTreeSet<PathBuf>) {
        let mut waiting = vec![first.to_owned()];
        while let Some(file) = waiting.pop() {
            let known = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if !seen.insert(known) {
                continue;
            }
            if seen.len() > FILES {
                let why = format!("cargo's configuration has more than {FILES} files");
                self.unread.get_or_insert(why);
                return;
            }
            let table = match table(&file) {
                Ok(table) => table,
                Err(why) => {
                    let why = format!("cargo's configuration {}: {why}", file.display());
                    self.unread.get_or_insert(why);
                    continue;
                }
            };
            let folder = file.parent().unwrap_or(Path::new(""));
            // Paths are relative to the folder that holds `.cargo`.
            let base = folder.parent().unwrap_or(folder);
            let paths = table.get("paths").and_then(Value::as_array).into_iter().flatten();
            self.paths.extend(paths.filter_map(Value::as_str).map(|path| base.join(path)));
            self.patches.extend(patches(&table, base));
            for (name, value) in table.get("source").and_then(Value::as_table).into_iter().flatten()
            {
                if let Some(value) = value.as_table() {
                    self.sources.entry(name.clone()).or_default().take(value, base);
                }
            }
            waiting.extend(includes(&table).into_iter().map(|include| folder.join(include)));
        }
    }

    /// What cargo takes instead of a crate's source. Where that hangs on the folder in which it is started,
    /// what stands in counts, and two that stand in are not told apart.
    #[must_use]
    pub fn of(&self, origin: &Origin) -> StandIn {
        let mut found = self.here(origin);
        for other in &self.others {
            let there = other.here(origin);
            if there == found || there == StandIn::Itself {
                continue;
            }
            if found != StandIn::Itself {
                let why = "folders of the project configure different sources for it";
                return StandIn::Unclear(why.to_owned());
            }
            found = there;
        }
        found
    }

    fn here(&self, origin: &Origin) -> StandIn {
        if matches!(origin, Origin::Path | Origin::Hub | Origin::Local) {
            return StandIn::Itself;
        }
        if let Some(why) = &self.unread {
            return StandIn::Unclear(why.clone());
        }
        let Some(mut name) = self.named(origin) else { return StandIn::Itself };
        for _ in 0..CHAIN {
            let Some(source) = self.sources.get(name) else {
                // Without a table of its own it is a registry by name, which is a mirror.
                return StandIn::Itself;
            };
            match (&source.replace_with, &source.directory, &source.local_registry) {
                (Some(next), ..) => name = next,
                (None, Some(folder), _) => return StandIn::Directory(folder.clone()),
                (None, None, Some(folder)) => return StandIn::LocalRegistry(folder.clone()),
                (None, None, None) => return StandIn::Itself,
            }
        }
        StandIn::Unclear("sources replace one another in a loop".to_owned())
    }

    /// Folders of `paths` overrides, the nearest configuration's first.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Crates that a `[patch]` of the configuration puts in the place of others: name, and their folder where
    /// they do not lie in a repository.
    #[must_use]
    pub fn patches(&self) -> &[(String, Option<PathBuf>)] {
        &self.patches
    }

    /// The name under which the configuration knows a source.
    fn named(&self, origin: &Origin) -> Option<&str> {
        let default = || self.sources.contains_key(DEFAULT).then_some(DEFAULT);
        let defined = self.sources.iter().find(|(_, source)| source.is(origin));
        match origin {
            Origin::Registry => default().or(defined.map(|(name, _)| name.as_str())),
            _ => defined.map(|(name, _)| name.as_str()),
        }
    }
}

impl Source {
    /// Takes over what a file says and no nearer one did.
    fn take(&mut self, table: &Table, base: &Path) {
        let text = |key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
        let path = |key: &str| text(key).map(|path| base.join(path));
        let reference = ["branch", "tag", "rev"]
            .into_iter()
            .find_map(|key| text(key).map(|value| format!("{key}={value}")));
        fill(&mut self.replace_with, text("replace-with"));
        fill(&mut self.registry, text("registry"));
        fill(&mut self.git, text("git"));
        fill(&mut self.reference, reference);
        fill(&mut self.directory, path("directory"));
        fill(&mut self.local_registry, path("local-registry"));
    }

    /// Whether this is the source that a crate comes from.
    fn is(&self, origin: &Origin) -> bool {
        match origin {
            Origin::Registry => self.registry.as_deref().is_some_and(|url| {
                [CRATES_IO_INDEX, CRATES_IO_HTTP_INDEX].map(plain).contains(&plain(url))
            }),
            Origin::AlternativeRegistry { index } => {
                self.registry.as_deref().is_some_and(|url| plain(url) == plain(index))
            }
            Origin::Git { url, reference, .. } => {
                let here = self.git.as_deref().is_some_and(|git| bare(git) == bare(url));
                here && self.reference == *reference
            }
            Origin::Path | Origin::Hub | Origin::Local | Origin::PackageIndex { .. } => false,
        }
    }
}

fn fill<T>(into: &mut Option<T>, value: Option<T>) {
    if into.is_none() {
        *into = value;
    }
}

/// The address of an index, without the protocol's prefix and the last slash.
fn plain(url: &str) -> &str {
    let url = url.strip_prefix("registry+").or_else(|| url.strip_prefix("sparse+")).unwrap_or(url);
    url.trim_end_matches('/')
}

/// The address of a repository as cargo compares it.
fn bare(url: &str) -> String {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url).to_ascii_lowercase()
}

/// `[patch.<registry>]` entries with a folder or a repository.
fn patches(table: &Table, base: &Path) -> Vec<(String, Option<PathBuf>)> {
    let registries = table.get("patch").and_then(Value::as_table).into_iter().flatten();
    let entries = registries.filter_map(|(_, entries)| entries.as_table()).flatten();
    let elsewhere = entries.filter_map(|(key, value)| {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let name = text("package").unwrap_or(key).to_owned();
        match (text("path"), text("git")) {
            (Some(path), _) => Some((name, Some(base.join(path)))),
            (None, Some(_)) => Some((name, None)),
            (None, None) => None,
        }
    });
    elsewhere.collect()
}

fn table(file: &Path) -> Result<Table, String> {
    let told = |error: std::io::Error| error.to_string();
    if !fs::metadata(file).map_err(told)?.is_file() {
        return Err("it is no plain file".to_owned());
    }
    let text = crate::disk::text(file, MANIFEST_LIMIT).map_err(told)?;
    text.parse().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// `include = "file"`, a list of files, or a list of tables with `path`.
fn includes(table: &Table) -> Vec<String> {
    let path = |value: &Value| match value {
        Value::String(path) => Some(path.clone()),
        Value::Table(table) => table.get("path").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    match table.get("include") {
        Some(Value::Array(list)) => list.iter().filter_map(path).collect(),
        Some(value) => path(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cargo would read where it is started in a folder.
    fn read(root: &Path, cargo_home: &Path) -> Replacements {
        Replacements::of_folders(root.ancestors(), cargo_home)
    }

    fn put(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn git(reference: Option<&str>) -> Origin {
        Origin::Git {
            url: "https://git.example.invalid/X.git".to_owned(),
            rev: "0".repeat(40),
            reference: reference.map(str::to_owned),
        }
    }

    #[test]
    fn the_nearest_configuration_wins_key_by_key_and_paths_are_relative_to_its_folder() {
        let top = tempfile::tempdir().expect("a folder");
        let (home, project) = (top.path().join("home"), top.path().join("a/project"));
        put(&project.join("Cargo.toml"), "");
        put(
            &project.join(".cargo/config.toml"),
            "include = \"more.toml\"\npaths = [\"../fork\"]\n[source.crates-io]\nreplace-with = \"mine\"\n",
        );
        put(&project.join(".cargo/more.toml"), "[source.mine]\ndirectory = \"vendor\"\n");
        put(
            &top.path().join("a/.cargo/config.toml"),
            "[source.crates-io]\nreplace-with = \"other\"\n[source.other]\ndirectory = \"x\"\n",
        );
        put(
            &home.join("config.toml"),
            "[source.forks]\ngit = \"https://git.example.invalid/x\"\nbranch = \"main\"\nreplace-with = \"other\"\n",
        );
        let found = read(&project, &home);
        assert_eq!(found.of(&Origin::Registry), StandIn::Directory(project.join("vendor")));
        assert_eq!(found.paths(), [project.join("../fork")]);
        let other = StandIn::Directory(top.path().join("a/x"));
        assert_eq!(found.of(&git(Some("branch=main"))), other);
        assert_eq!(found.of(&git(None)), StandIn::Itself);
        assert_eq!(found.of(&Origin::Path), StandIn::Itself);
    }

    #[test]
    fn a_configuration_that_is_too_large_or_has_too_many_files_is_not_cut_but_unclear() {
        let top = tempfile::tempdir().expect("a folder");
        let config = top.path().join(".cargo/config.toml");
        let with = |text: &str| {
            put(&config, text);
            read(&top.path().join("project"), &top.path().join("home"))
        };
        let vendored = "\n[source.crates-io]\nreplace-with=\"v\"\n[source.v]\ndirectory=\"v\"\n";
        let long = format!("{}{vendored}", "# a comment line\n".repeat(130_000));
        assert!(matches!(with(&long).of(&Origin::Registry), StandIn::Unclear(_)));
        let some = format!("{}{vendored}", "# a comment line\n".repeat(1_000));
        assert_eq!(with(&some).of(&Origin::Registry), StandIn::Directory(top.path().join("v")));
        for number in 0..300 {
            let next = format!("include = \"{}.toml\"\n", number + 1);
            put(&top.path().join(format!(".cargo/{number}.toml")), &next);
        }
        assert!(matches!(
            with("include = \"0.toml\"\n").of(&Origin::Registry),
            StandIn::Unclear(_)
        ));
    }

    #[test]
    fn patches_of_the_configuration_are_known_by_name_and_folder() {
        let top = tempfile::tempdir().expect("a folder");
        let text = "[patch.crates-io]\na = { path = \"fork\" }\nb = { package = \"c\", git = \"https://git.example.invalid/x\" }\nd = \"1\"\n";
        put(&top.path().join(".cargo/config.toml"), text);
        let found = read(top.path(), &top.path().join("home"));
        let fork = Some(top.path().join("fork"));
        assert_eq!(found.patches(), [("a".to_owned(), fork), ("c".to_owned(), None)]);
    }

    #[test]
    fn a_mirror_by_another_name_is_itself_and_a_loop_is_told() {
        let top = tempfile::tempdir().expect("a folder");
        let none = top.path().join("home");
        let config = |text: &str| {
            put(&top.path().join(".cargo/config.toml"), text);
            read(top.path(), &none).of(&Origin::Registry)
        };
        assert_eq!(config("[source.crates-io]\nreplace-with = \"mirror\"\n"), StandIn::Itself);
        let index = format!(
            "[source.r]\nregistry = \"{CRATES_IO_HTTP_INDEX}\"\nreplace-with=\"v\"\n[source.v]\ndirectory=\"v\"\n"
        );
        assert_eq!(config(&index), StandIn::Directory(top.path().join("v")));
        let around =
            "[source.crates-io]\nreplace-with=\"a\"\n[source.a]\nreplace-with=\"crates-io\"\n";
        assert!(matches!(config(around), StandIn::Unclear(_)));
        assert!(matches!(config("[source"), StandIn::Unclear(_)));
    }
}
