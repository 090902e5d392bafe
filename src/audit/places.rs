//! Which crates of the graph do not come from an archive of cargo's cache: the project's own and its path
//! dependencies, git checkouts, `paths` overrides, and what source replacement vendors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::collectors::source_tree::{Package, Packages, checkout, databases};
use crate::domain::{Measured, Node, NodeIndex, Origin, Place, PlaceKind, Places};
use crate::walker::manifest::DeclaredSource;
use crate::walker::replacement::{Replacements, StandIn};
use crate::walker::repository;
use crate::walker::{self, Walk};

/// Most folders outside of the project that path dependencies lead to.
const OUTSIDE: usize = 2_000;

/// Places, and the folders that were made for them, which are gone with this.
pub(super) struct Found {
    /// Where the crates are.
    pub places: Places,
    _made: Vec<tempfile::TempDir>,
}

/// A commit that was written out of a clone: its folder, and what of it could not be had.
type Written = (PathBuf, BTreeMap<PathBuf, String>);

/// The folders in which cargo may be started, as far as it makes a difference: the one that was named, and
/// those of the project that have a configuration of their own.
pub(super) struct Started {
    at: PathBuf,
    below: Vec<PathBuf>,
}

impl Started {
    /// Of what was named and the project around it.
    pub(super) fn of(named: &Path, walk: &Walk) -> Self {
        let real = |path: &Path| path.canonicalize().ok();
        let folder = if named.is_dir() { Some(named) } else { named.parent() };
        let root = real(&walk.root).unwrap_or_else(|| walk.root.clone());
        let at = folder.and_then(real).filter(|folder| folder.starts_with(&root));
        let at = at.unwrap_or_else(|| root.clone());
        let folders = walker::project::folders(&walk.workspace).into_iter();
        let folders = folders.take(CONFIGURED).map(|folder| root.join(folder));
        let below = folders.filter(|folder| !at.starts_with(folder) && has_config(folder));
        Self { below: below.collect(), at }
    }

    /// What stands in for sources there. `to` says where a copy of a folder lies and what is above it.
    pub(super) fn replacements(
        &self,
        cargo_home: &Path,
        to: &dyn Fn(&Path) -> Vec<PathBuf>,
    ) -> Replacements {
        let at = to(&self.at);
        let read = Replacements::of_folders(at.iter().map(PathBuf::as_path), cargo_home);
        let below: Vec<Vec<PathBuf>> = self.below.iter().map(|folder| to(folder)).collect();
        let below = below.iter().map(|above| above.iter().map(PathBuf::as_path).collect());
        read.and_in(below, cargo_home)
    }

    /// The same, read where it lies.
    pub(super) fn here(&self, cargo_home: &Path) -> Replacements {
        self.replacements(cargo_home, &|folder| folder.ancestors().map(Path::to_owned).collect())
    }
}

/// Most folders in which a configuration is looked for.
const CONFIGURED: usize = 20_000;

fn has_config(folder: &Path) -> bool {
    ["config", "config.toml"].iter().any(|name| folder.join(".cargo").join(name).exists())
}

/// Names of crates that a `[patch]` of cargo's configuration would put in the place of locked ones, and the
/// lockfile does not know: cargo would lock anew.
pub(super) fn new_patches(walk: &Walk, replacements: &Replacements) -> BTreeSet<String> {
    let patches: Vec<(String, Option<String>)> = replacements
        .patches()
        .iter()
        .map(|(name, folder)| {
            let package = folder.as_ref().and_then(|folder| Package::at(folder, folder));
            (name.clone(), package.map(|package| package.version))
        })
        .collect();
    walker::new_patches(&walk.graph, &walk.declared.unused_patches, &patches)
}

/// The places of all crates that cargo would not take from an archive of its cache.
pub(super) fn of(walk: &Walk, cargo_home: &Path, replacements: &Replacements) -> Found {
    let mut found = Finding::new(walk, cargo_home);
    found.own();
    found.outside();
    for (node, of) in walk.graph.nodes.iter().enumerate() {
        found.replaced(node, of, replacements);
    }
    found.overridden(replacements);
    found.part();
    Found { places: found.places, _made: found.made }
}

/// The place of the project's own crate that lies in `folder`, as an audit of the project reads it.
pub(super) fn lying_in(walk: &Walk, folder: &Path) -> Option<(NodeIndex, Place)> {
    let mut found = Finding::new(walk, Path::new(""));
    found.own();
    found.outside();
    found.part();
    let folder = folder.canonicalize().ok()?;
    found.places.into_iter().find_map(|(node, place)| match place {
        Measured::Known(place) if place.folder.canonicalize().ok()? == folder => {
            Some((node, place))
        }
        _ => None,
    })
}

struct Finding<'w> {
    walk: &'w Walk,
    cargo_home: &'w Path,
    /// What was found in folders that hold several crates.
    packages: BTreeMap<PathBuf, Packages>,
    places: Places,
    /// Commits that were looked for in cargo's clones.
    commits: BTreeMap<String, Result<Written, String>>,
    made: Vec<tempfile::TempDir>,
}

impl<'w> Finding<'w> {
    fn new(walk: &'w Walk, cargo_home: &'w Path) -> Self {
        Self {
            walk,
            cargo_home,
            packages: BTreeMap::new(),
            places: Places::new(),
            commits: BTreeMap::new(),
            made: Vec::new(),
        }
    }
}

impl Finding<'_> {
    fn put(&mut self, node: NodeIndex, kind: PlaceKind, folder: PathBuf, within: PathBuf) {
        let place = Place::new(kind, folder, within);
        self.places.insert(node, Measured::Known(place));
    }

    /// The crates whose manifests were found inside the project.
    fn own(&mut self) {
        for (&node, file) in &self.walk.declared.manifests {
            let manifest = self.walk.root.join(file);
            if let Some(folder) = manifest.parent() {
                let within = self.walk.root.clone();
                self.put(node, PlaceKind::Path, folder.to_owned(), within);
            }
        }
    }

    /// Path dependencies that leave the audited folder and stay in its repository.
    fn outside(&mut self) {
        let root = &self.walk.root;
        let Some(top) = repository::top(root) else { return };
        let mut open: BTreeMap<(String, String), NodeIndex> = BTreeMap::new();
        for (node, of) in self.walk.graph.nodes.iter().enumerate() {
            if of.subject.origin == Origin::Path && !self.places.contains_key(&node) {
                open.insert((of.subject.name.clone(), of.subject.version.clone()), node);
            }
        }
        let declared = self.walk.workspace.outside_paths();
        let mut waiting: Vec<PathBuf> = declared
            .into_iter()
            .filter_map(|(file, declaration)| match &declaration.source {
                DeclaredSource::Path(path) => Some(root.join(file).parent()?.join(path)),
                _ => None,
            })
            .collect();
        let mut seen = BTreeSet::new();
        while let Some(folder) = waiting.pop() {
            let Ok(folder) = folder.canonicalize() else { continue };
            let known = !folder.starts_with(&top) || folder.starts_with(root);
            if known || seen.len() >= OUTSIDE || !seen.insert(folder.clone()) {
                continue;
            }
            let Some(package) = Package::at(&folder, &top) else { continue };
            waiting.extend(package.paths.iter().map(|path| folder.join(path)));
            if let Some(node) = open.remove(&(package.name, package.version)) {
                self.put(node, PlaceKind::Path, folder, top.clone());
            }
        }
    }

    /// A crate of a registry or of git, where configuration puts something in its place or git has it.
    fn replaced(&mut self, node: NodeIndex, of: &Node, replacements: &Replacements) {
        let place = match (replacements.of(&of.subject.origin), &of.subject.origin) {
            (StandIn::Directory(folder), _) => {
                let read = || Packages::beside(&folder);
                self.find(of, PlaceKind::Vendored, &folder, read)
            }
            (StandIn::LocalRegistry(folder), _) => {
                Ok(Place::new(PlaceKind::LocalRegistry, folder.clone(), folder))
            }
            (StandIn::Unclear(reason), _) => Err(reason),
            (StandIn::Itself, Origin::Git { rev, .. }) => {
                let folder = match checkout(self.cargo_home, rev) {
                    Ok(folder) => Ok((folder, BTreeMap::new())),
                    Err(why) => self.written(rev).map_err(|error| format!("{why}{error}")),
                };
                folder.and_then(|(folder, lacking)| {
                    let read = || Packages::below(&folder);
                    let place = self.find(of, PlaceKind::Git, &folder, read)?;
                    Ok(Place { lacking, ..place })
                })
            }
            (StandIn::Itself, _) => return,
        };
        self.places.insert(node, Measured::from(place));
    }

    /// The files of a commit, out of the clones from which cargo makes its checkouts.
    fn written(&mut self, rev: &str) -> Result<Written, String> {
        if let Some(known) = self.commits.get(rev) {
            return known.clone();
        }
        let written = self.write(rev);
        self.commits.insert(rev.to_owned(), written.clone());
        written
    }

    fn write(&mut self, rev: &str) -> Result<Written, String> {
        let told = |error: std::io::Error| format!(", and its clone cannot be read: {error}");
        let folder = tempfile::Builder::new().prefix("cargo-custody-git-").tempdir();
        let folder = folder.map_err(told)?;
        let target = folder.path().canonicalize().map_err(told)?;
        let lacking = repository::from_clones(&databases(self.cargo_home), rev, &target)?;
        self.made.push(folder);
        Ok((target, lacking))
    }

    fn find(
        &mut self,
        of: &Node,
        kind: PlaceKind,
        folder: &Path,
        read: impl FnOnce() -> Packages,
    ) -> Result<Place, String> {
        let packages = self.packages.entry(folder.to_owned()).or_insert_with(read);
        let found = packages.find(&of.subject.name, &of.subject.version)?;
        Ok(Place::new(kind, found.to_owned(), folder.to_owned()))
    }

    /// Crates for which a `paths` override takes the place of everything else.
    fn overridden(&mut self, replacements: &Replacements) {
        let overrides: Vec<(&PathBuf, Packages)> =
            replacements.paths().iter().map(|path| (path, Packages::below(path))).collect();
        for (node, of) in self.walk.graph.nodes.iter().enumerate() {
            let (name, version) = (&of.subject.name, &of.subject.version);
            let local = matches!(of.subject.origin, Origin::Path | Origin::Hub | Origin::Local);
            let taken = overrides
                .iter()
                .find_map(|(path, packages)| Some((*path, packages.in_place_of(name, version)?)));
            if let (false, Some((path, found))) = (local, taken) {
                let place = found
                    .map(|folder| Place::new(PlaceKind::Override, folder.to_owned(), path.clone()));
                self.places.insert(node, Measured::from(place));
            }
        }
    }

    /// Takes the folders of nested crates out of those around them.
    fn part(&mut self) {
        let all: BTreeSet<PathBuf> =
            self.places.values().filter_map(|place| Some(place.known()?.folder.clone())).collect();
        for place in self.places.values_mut() {
            if let Measured::Known(place) = place {
                // Those below follow their folder in the order of paths.
                let below = all.range(place.folder.clone()..).skip(1);
                let below = below.take_while(|other| other.starts_with(&place.folder));
                place.without = below.cloned().collect();
            }
        }
    }
}
