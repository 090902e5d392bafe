//! The manifests that belong to the project: its root, the members that the root names, and every
//! path dependency inside the audited folder.
//!
//! A member or path that leaves the folder is a fact about its declaration and is not followed. A
//! manifest that cannot be read is an entry for the reader, and the walk goes on without it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::manifest::{self, BuildKey, DeclaredSource, Manifest, PackageVersion};
use super::tree::{self, MANIFEST_LIMIT, Tree};
use crate::domain::Sources;

/// Most manifests that are read for one project.
pub const MANIFESTS_LIMIT: usize = 5_000;

/// Most folders that the wildcards of `members` may look into.
const FOLDERS_LIMIT: usize = 20_000;

/// The project's manifests.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// File to manifest; the root's is `Cargo.toml`.
    pub manifests: BTreeMap<String, Manifest>,
    /// File and reason of each manifest that was not read.
    pub unread: Vec<(String, String)>,
}

impl Workspace {
    /// Reads the manifests of a tree and keeps their texts.
    pub(super) fn read(tree: &Tree, sources: &mut Sources) -> Self {
        let mut reading = Reading {
            tree,
            found: Self::default(),
            queue: VecDeque::new(),
            queued: BTreeSet::from([String::new()]),
        };
        reading.manifest("Cargo.toml", false, sources);
        let root = reading.found.manifests.get("Cargo.toml");
        if let Some(workspace) = root.and_then(|root| root.workspace.clone()) {
            reading.members(&workspace.members, &workspace.exclude);
        }
        while let Some(folder) = reading.queue.pop_front() {
            reading.manifest(&tree::join(&folder, "Cargo.toml"), true, sources);
        }
        reading.found
    }

    /// Whether cargo locks everything that a manifest declares: the root's own, and those of its workspace.
    /// Of a path dependency outside the workspace it locks what is asked of it, and no more.
    pub(super) fn locks_all(&self, manifest: &Manifest) -> bool {
        if manifest.file == "Cargo.toml" {
            return true;
        }
        let Some(root) = self.root() else { return false };
        let out = |folder: &String| {
            let folder = tree::normalise(folder).unwrap_or_default();
            let rest = manifest.folder().strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        manifest.workspace.is_none() && !root.exclude.iter().any(out)
    }

    /// The `[workspace]` of the root.
    fn root(&self) -> Option<&manifest::WorkspaceTable> {
        self.manifests.get("Cargo.toml")?.workspace.as_ref()
    }

    /// Version of a package, inherited or its own; nothing where the workspace does not say.
    #[must_use]
    pub fn version<'w>(&'w self, package: &'w manifest::PackageTable) -> Option<&'w str> {
        match &package.version {
            PackageVersion::Own(version) => Some(version),
            PackageVersion::Inherited => self.root()?.version.as_deref(),
        }
    }

    /// What a declaration says in the end: the workspace's entry for `workspace = true`.
    #[must_use]
    pub fn inherited(&self, declaration: &manifest::Declaration) -> Option<&manifest::Declaration> {
        if declaration.source != DeclaredSource::Workspace {
            return None;
        }
        self.root()?.dependencies.iter().find(|entry| entry.key == declaration.key)
    }

    /// Build scripts that a member names or has by default, as files of the tree.
    pub(super) fn build_scripts(&self, tree: &Tree) -> Vec<String> {
        let mut files = Vec::new();
        for manifest in self.manifests.values() {
            let Some(package) = &manifest.package else { continue };
            let default = [String::from("build.rs")];
            let named = match &package.build {
                BuildKey::Off => continue,
                BuildKey::Files(files) => files.as_slice(),
                BuildKey::Default => default.as_slice(),
            };
            for name in named {
                let file = tree::within(manifest.folder(), name);
                files.extend(file.filter(|file| matches!(tree.resolve(file), Ok(Some(_)))));
            }
        }
        files.sort();
        files.dedup();
        files
    }
}

struct Reading<'t> {
    tree: &'t Tree,
    found: Workspace,
    /// Folders whose manifest is to be read.
    queue: VecDeque<String>,
    /// Every folder that was ever queued.
    queued: BTreeSet<String>,
}

impl Reading<'_> {
    /// Reads one manifest and queues what it leads to. `expected`: something names it, so that its
    /// absence is worth a word.
    fn manifest(&mut self, file: &str, expected: bool, sources: &mut Sources) {
        if self.found.manifests.len() >= MANIFESTS_LIMIT {
            let reason = format!("the project has more than {MANIFESTS_LIMIT} manifests");
            if self.found.unread.last().is_none_or(|(_, last)| *last != reason) {
                self.found.unread.push((file.to_owned(), reason));
            }
            return;
        }
        let text = match self.tree.read(file, MANIFEST_LIMIT) {
            Ok(Some(text)) => text,
            Ok(None) if !expected => return,
            Ok(None) => return self.unread(file, "the manifest is not there"),
            Err(error) => return self.unread(file, &error.to_string()),
        };
        let parsed = manifest::parse(&text, file);
        sources.insert(file, text);
        match parsed {
            Ok(manifest) => {
                self.follow(&manifest);
                self.found.manifests.insert(file.to_owned(), manifest);
            }
            Err(error) => self.unread(file, &error.reason),
        }
    }

    fn enqueue(&mut self, folder: String) {
        if self.queued.insert(folder.clone()) {
            self.queue.push_back(folder);
        }
    }

    fn unread(&mut self, file: &str, reason: &str) {
        self.found.unread.push((file.to_owned(), reason.to_owned()));
    }

    /// Queues the folders inside the tree that a manifest's paths lead to.
    fn follow(&mut self, manifest: &Manifest) {
        let workspace = manifest.workspace.as_ref();
        let declared = manifest
            .dependencies
            .iter()
            .chain(workspace.into_iter().flat_map(|table| &table.dependencies))
            .chain(manifest.patches.iter().map(|patch| &patch.with));
        for declaration in declared {
            if let DeclaredSource::Path(path) = &declaration.source
                && let Some(folder) = tree::within(manifest.folder(), path)
            {
                self.enqueue(folder);
            }
        }
    }

    /// Queues the members that the root names.
    fn members(&mut self, members: &[String], exclude: &[String]) {
        let exclude: BTreeSet<String> =
            exclude.iter().filter_map(|path| tree::normalise(path)).collect();
        let mut budget = FOLDERS_LIMIT;
        for pattern in members {
            let Some(normal) = tree::normalise(pattern) else {
                self.unread(pattern, "the member is outside the audited folder");
                continue;
            };
            let wild = normal.contains(['*', '?', '[']);
            for folder in self.expand(&normal, &mut budget) {
                let file = tree::join(&folder, "Cargo.toml");
                let excluded = exclude.iter().any(|out| {
                    folder == *out
                        || folder.strip_prefix(out.as_str()).is_some_and(|r| r.starts_with('/'))
                });
                // As in cargo, a wildcard passes over folders without a manifest.
                let there = !wild || !matches!(self.tree.resolve(&file), Ok(None));
                if !excluded && there {
                    self.enqueue(folder);
                }
            }
        }
        if budget == 0 {
            self.unread(
                "Cargo.toml",
                &format!("the wildcards of `members` lead to more than {FOLDERS_LIMIT} folders"),
            );
        }
    }

    /// Folders that a pattern stands for, part by part. `budget` counts folders looked at.
    fn expand(&self, pattern: &str, budget: &mut usize) -> Vec<String> {
        let mut folders = vec![String::new()];
        for part in pattern.split('/') {
            let mut next = Vec::new();
            for folder in &folders {
                if !part.contains(['*', '?', '[']) {
                    next.push(tree::join(folder, part));
                } else if part == "**" {
                    next.extend(self.below(folder, budget));
                } else {
                    let names = self.tree.folders(folder, budget);
                    let fitting = names.into_iter().filter(|name| glob(part, name));
                    next.extend(fitting.map(|name| tree::join(folder, &name)));
                }
            }
            folders = next;
        }
        folders
    }

    /// A folder and all folders below it.
    fn below(&self, folder: &str, budget: &mut usize) -> Vec<String> {
        let mut all = vec![folder.to_owned()];
        let mut at = 0;
        while at < all.len() {
            let names = self.tree.folders(&all[at], budget);
            let below: Vec<String> = names.iter().map(|name| tree::join(&all[at], name)).collect();
            all.extend(below);
            at += 1;
        }
        all
    }
}

/// Whether a name fits a pattern of `*`, `?` and `[abc]`, `[a-z]`, `[!a]`. Linear in practice: only
/// the last `*` is ever tried again.
fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            again = Some((p + 1, n));
            p += 1;
        } else if let Some(width) = pattern.get(p..).and_then(|rest| one(rest, name[n])) {
            p += width;
            n += 1;
        } else if let Some((after, from)) = again {
            (p, n) = (after, from + 1);
            again = Some((after, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// How much of a pattern one character takes, if it fits.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => {
            let end = pattern.iter().skip(2).position(|&c| c == ']')? + 2;
            let (negated, set) = match &pattern[1..end] {
                ['!', rest @ ..] => (true, rest),
                set => (false, set),
            };
            let mut at = 0;
            let mut found = false;
            while at < set.len() {
                if let [from, '-', to, ..] = set[at..] {
                    found |= (from..=to).contains(&c);
                    at += 3;
                } else {
                    found |= set[at] == c;
                    at += 1;
                }
            }
            (found != negated).then_some(end + 1)
        }
        &literal => (literal == c).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn put(folder: &Path, file: &str, text: &str) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(folder: &Path) -> Workspace {
        Workspace::read(&Tree::open(folder).unwrap(), &mut Sources::default())
    }

    fn files(workspace: &Workspace) -> Vec<&str> {
        workspace.manifests.keys().map(String::as_str).collect()
    }

    #[test]
    fn wildcards_fit_as_in_cargo() {
        for (pattern, name, fits) in [
            ("*", "anything", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x", "x", false),
            ("*a*a*a*a*b", &"a".repeat(5_000), false),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn members_wildcards_and_inner_paths_are_found_and_excluded_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        put(
            top,
            "Cargo.toml",
            "[workspace]\nmembers = [\"crates/*\", \"deep/**\"]\nexclude = [\"crates/old\"]\n",
        );
        put(
            top,
            "crates/a/Cargo.toml",
            "[package]\nname=\"a\"\n[dependencies]\nb={path=\"../../own/b\"}\n",
        );
        put(top, "crates/old/Cargo.toml", "[package]\nname=\"old\"\n");
        put(top, "crates/notes/README", "");
        put(top, "deep/x/y/Cargo.toml", "[package]\nname=\"y\"\n");
        put(
            top,
            "own/b/Cargo.toml",
            "[package]\nname=\"b\"\n[dependencies]\na={path=\"../../crates/a\"}\n",
        );
        put(top, "crates/.hidden/Cargo.toml", "[package]\nname=\"hidden\"\n");
        let workspace = read(top);
        assert_eq!(
            files(&workspace),
            ["Cargo.toml", "crates/a/Cargo.toml", "deep/x/y/Cargo.toml", "own/b/Cargo.toml"]
        );
        assert_eq!(workspace.unread, []);
    }

    #[test]
    fn paths_out_of_the_folder_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        put(top, "outside/Cargo.toml", "[package]\nname=\"o\"\n");
        put(
            top,
            "in/Cargo.toml",
            "[workspace]\nmembers=[\"../outside\", \"gone\", \"bad\"]\n[package]\nname=\"i\"\n[dependencies]\no={path=\"../outside\"}\n",
        );
        put(top, "in/bad/Cargo.toml", "[package\n");
        #[cfg(unix)]
        std::os::unix::fs::symlink(top.join("outside"), top.join("in/link")).unwrap();
        let workspace = read(&top.join("in"));
        assert_eq!(files(&workspace), ["Cargo.toml"]);
        let unread: Vec<&str> = workspace.unread.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(unread, ["../outside", "gone/Cargo.toml", "bad/Cargo.toml"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_manifest_that_links_out_of_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        put(top, "outside/Cargo.toml", "[package]\nname=\"o\"\n");
        put(top, "in/Cargo.toml", "[workspace]\nmembers=[\"link\", \"*\"]\n");
        std::os::unix::fs::symlink(top.join("outside"), top.join("in/link")).unwrap();
        let workspace = read(&top.join("in"));
        assert_eq!(files(&workspace), ["Cargo.toml"]);
        assert!(
            workspace.unread[0].1.contains("leaves the audited folder"),
            "{:?}",
            workspace.unread
        );
    }

    #[test]
    fn build_scripts_are_named_or_found_by_default() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        put(top, "Cargo.toml", "[package]\nname=\"a\"\n[workspace]\nmembers=[\"b\",\"c\"]\n");
        put(top, "build.rs", "");
        put(top, "b/Cargo.toml", "[package]\nname=\"b\"\nbuild=\"make/it.rs\"\n");
        put(top, "b/make/it.rs", "");
        put(top, "c/Cargo.toml", "[package]\nname=\"c\"\nbuild=false\n");
        put(top, "c/build.rs", "");
        let tree = Tree::open(top).unwrap();
        assert_eq!(read(top).build_scripts(&tree), ["b/make/it.rs", "build.rs"]);
    }
}
