//! Which repository an address means, and where clones lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most folders that are looked into for clones.
const FOLDERS_LIMIT: usize = 20_000;

/// Host and path of a repository, lower case, without `.git`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    host: String,
    path: Vec<String>,
}

impl Address {
    /// From an address as people write it: with or without scheme, `.git`, or a folder behind it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().split(['?', '#']).next()?;
        let rest = match text.split_once("://") {
            Some((_, rest)) => rest.to_owned(),
            // `git@host:owner/name`
            None => text.split_once(':').map(|(host, path)| format!("{host}/{path}"))?,
        };
        let mut parts = rest.split('/').filter(|part| !part.is_empty());
        let host = parts.next()?.rsplit('@').next()?.split(':').next()?.to_ascii_lowercase();
        let path = parts
            .take_while(|part| !matches!(*part, "tree" | "blob" | "-" | "src"))
            .map(|part| part.strip_suffix(".git").unwrap_or(part).to_ascii_lowercase());
        let path: Vec<String> = path.take(8).collect();
        let host = host.strip_prefix("www.").map(str::to_owned).unwrap_or(host);
        (path.len() >= 2 && !host.is_empty()).then_some(Self { host, path })
    }

    /// From an address as a submodule has it, which may begin with `../` and then starts from this one.
    #[must_use]
    pub fn relative(&self, url: &str) -> Option<Self> {
        if !url.starts_with("../") && !url.starts_with("./") {
            return Self::parse(url);
        }
        let mut path = self.path.clone();
        for part in url.split('/').filter(|part| !matches!(*part, "" | ".")) {
            if part == ".." {
                path.pop()?;
            } else {
                path.push(part.strip_suffix(".git").unwrap_or(part).to_ascii_lowercase());
            }
        }
        (path.len() >= 2 && path.len() <= 8).then(|| Self { host: self.host.clone(), path })
    }

    /// The host, lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The parts of the path, lower case, without `.git`.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// Owner and name joined as the name of a clone's folder is.
    #[must_use]
    pub fn folder_name(&self) -> String {
        self.path[..2].join("+")
    }
}

/// What an address can be found by: the remote of a clone, or the name of its folder.
#[derive(Clone, Debug, Default)]
pub struct Place {
    by_address: BTreeMap<Address, PathBuf>,
    by_name: BTreeMap<String, PathBuf>,
}

impl Place {
    /// Looks for clones in these folders, two levels deep, without following links.
    #[must_use]
    pub fn look(folders: &[PathBuf]) -> Self {
        let mut place = Self::default();
        let mut seen = 0;
        for folder in folders {
            place.add(folder, 0, &mut seen);
        }
        place
    }

    fn add(&mut self, folder: &Path, depth: usize, seen: &mut usize) {
        *seen += 1;
        if *seen > FOLDERS_LIMIT {
            return;
        }
        if let Ok(Some(git_dir)) = crate::git_dir(folder) {
            self.clone_at(folder, &git_dir);
            return;
        }
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut below: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        below.sort();
        for folder in below.into_iter().filter(|_| depth < 2) {
            self.add(&folder, depth + 1, seen);
        }
    }

    /// Reads where a clone is from, and nothing else: there can be hundreds.
    fn clone_at(&mut self, folder: &Path, git_dir: &Path) {
        for address in crate::addresses_of(git_dir).unwrap_or_default() {
            self.by_address.entry(address).or_insert_with(|| folder.to_owned());
        }
        if let Some(name) = folder.file_name().and_then(|name| name.to_str())
            && name.contains('+')
        {
            let name = name.strip_suffix(".git").unwrap_or(name).to_ascii_lowercase();
            self.by_name.entry(name).or_insert_with(|| folder.to_owned());
        }
    }

    /// The clone of an address.
    #[must_use]
    pub fn of(&self, address: &Address) -> Option<&Path> {
        // Whoever has a subgroup's clone may be asked for something below it.
        let mut shorter = address.clone();
        while shorter.path.len() >= 2 {
            if let Some(found) = self.by_address.get(&shorter) {
                return Some(found);
            }
            shorter.path.pop();
        }
        self.by_name.get(&address.folder_name()).map(PathBuf::as_path)
    }
}

/// What a configuration says of a repository's own form, lower case.
pub(crate) fn extension(config: &str, key: &str) -> Option<String> {
    let mut inside = false;
    let mut found = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.to_ascii_lowercase().starts_with("[extensions]");
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case(key)
        {
            found = Some(value.trim().trim_matches('"').to_ascii_lowercase());
        }
    }
    found
}

/// The addresses in a configuration's `[remote "origin"]`, and in the list of what was fetched.
pub(crate) fn addresses(config: &str, fetched: &str) -> Vec<Address> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.eq_ignore_ascii_case("[remote \"origin\"]");
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            found.extend(Address::parse(value));
        }
    }
    let fetched = fetched.lines().filter_map(|line| line.split('\t').nth(2));
    found.extend(
        fetched
            .map(|from| from.rsplit(" of ").next().unwrap_or(from))
            .map(
                |from| if from.contains("://") { from.to_owned() } else { format!("git://{from}") },
            )
            .filter_map(|from| Address::parse(&from)),
    );
    found.sort();
    found.dedup();
    found
}
