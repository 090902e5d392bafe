//! The order in which facts are gathered. Decides what runs before what, and nothing else.

mod advice;
mod ages;
mod equipment;
mod helpers;
mod keys;
mod lanes;
mod models;
mod packages;
mod pinned;
mod repositories;
mod trees;

pub use equipment::Equipment;
pub use keys::IMPORTED;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use rayon::prelude::*;

use crate::collectors::archive::ManifestFacts;
use crate::collectors::contents::Contents;
use crate::collectors::cooldown::CooldownPolicy;
use crate::collectors::crate_files::{self, FoundIn};
use crate::collectors::crates::{Crates, Measured as MeasuredCrate, Treed};
use crate::collectors::custody::CustodyFacts;
use crate::collectors::custody_store::CustodyStoreError;
use crate::collectors::index_files::{IndexFiles, Lookup, Wanted};
use crate::collectors::malware::Malware;
use crate::collectors::releases::{self, Locked, Older, ReleaseFacts, Releases};
use crate::collectors::update;
use crate::collectors::window::{self, WINDOW_DAYS};
use crate::domain::{
    FactSheet, Graph, HandsLane, Location, Measured, ModelPin, Node, NodeIndex, Origin, Pins,
    Place, PlaceKind, Places, PublishAges, Subject, Undetermined,
};
use crate::net::shared_store::SharedStore;
use crate::net::{BaseUrls, Client, Token};
use crate_read::features::FeatureTable;

/// Where facts come from, and how much may be asked for them.
#[derive(Clone, Debug)]
pub struct Options {
    /// The day the audit speaks of; what happened later does not count.
    pub as_of: Date,
    /// The day of the clock: what is fetched cannot be ahead of it.
    pub today: Date,
    /// Open no socket at all.
    pub offline: bool,
    /// Ask again for what changes by the day, although what is kept would do.
    pub refresh: bool,
    /// Cargo's home: archives and the index cache are read there.
    pub cargo_home: PathBuf,
    /// The tool's own cache folder.
    pub cache_dir: PathBuf,
    /// Base addresses.
    pub urls: BaseUrls,
    /// A checkout of the advisory database, instead of the tool's own copy.
    pub advisory_db: Option<PathBuf>,
    /// A registry dump or slim file.
    pub dump: Option<PathBuf>,
    /// Folders with clones of repositories.
    pub repos: Vec<PathBuf>,
    /// Fetch the repositories of crates before they are looked for, and how; absent to fetch nothing.
    pub fetching: Option<super::repository::fetch::Fetching>,
    /// Records of malicious packages of Python and npm.
    pub malware: Option<Arc<Malware>>,
    /// Where the extract of the whole registry is fetched from; nobody is asked for it where absent.
    pub data: Option<String>,
    /// How long the registry's API may be asked.
    pub api_budget: Duration,
    /// How long the run waits for anybody on the network, all together; absent for ever.
    pub deadline: Option<Duration>,
    /// Names of the crates that a change brought in; they are asked for first.
    pub changed: BTreeSet<String>,
    /// What the project's own manifests ask for, by who asks and who is asked for.
    pub requirements: BTreeMap<(NodeIndex, NodeIndex), BTreeSet<String>>,
    /// Who held the keys when the project pinned them.
    pub pins: Option<Pins>,
    /// How old a release has to be, if the policy says so.
    pub cooldown: Option<CooldownPolicy>,
    /// Cargo's own setting of how old releases have to be, where it is set.
    pub publish_ages: Option<PublishAges>,
    /// The cache in which the Hub's clients keep models on this machine.
    pub hub_cache: Option<PathBuf>,
    /// Token for the model Hub; none is sent without it.
    pub hub_token: Option<Token>,
    /// Threads that scan archives; `None` is one a core.
    pub jobs: Option<usize>,
    /// Show progress on stderr where it is a terminal.
    pub progress: bool,
    /// The store of facts that machines share.
    pub store: Option<SharedStore>,
    /// What many runs share; a run without it makes its own.
    pub equipment: Option<Arc<Equipment>>,
}

impl Options {
    /// Facts from these two folders and the default registry as far as that is needed, known on a day;
    /// nobody is asked beyond it.
    #[must_use]
    pub fn new(as_of: Date, cargo_home: PathBuf, cache_dir: PathBuf) -> Self {
        Self {
            as_of,
            today: as_of,
            offline: false,
            refresh: false,
            cargo_home,
            cache_dir,
            urls: BaseUrls::default(),
            advisory_db: None,
            dump: None,
            repos: Vec::new(),
            fetching: None,
            data: None,
            malware: None,
            api_budget: Duration::ZERO,
            deadline: None,
            changed: BTreeSet::new(),
            requirements: BTreeMap::new(),
            pins: None,
            cooldown: None,
            publish_ages: None,
            hub_token: None,
            hub_cache: None,
            jobs: None,
            progress: false,
            store: None,
            equipment: None,
        }
    }
}

/// What was gathered.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// One sheet a node, in the order of the graph.
    pub sheets: Vec<FactSheet>,
    /// What could not be measured and is not told by an unknown fact.
    pub undetermined: Vec<Undetermined>,
    /// What the crates' own manifests say, by node.
    pub manifests: BTreeMap<NodeIndex, ManifestFacts>,
    /// Who can publish each crate, as far as it is known, by node.
    pub custody: BTreeMap<NodeIndex, CustodyFacts>,
    /// Two years of the crates that changed hands, by node.
    pub lanes: BTreeMap<NodeIndex, HandsLane>,
    /// What a pin would say of each model that the Hub showed, by node.
    pub models: BTreeMap<NodeIndex, ModelPin>,
    /// What the Python of each model on the Hub imports, file by file, by node.
    pub imports: BTreeMap<NodeIndex, BTreeMap<String, Vec<String>>>,
    /// Age in days of each model's repository, as far as it is known, by node.
    pub model_days: BTreeMap<NodeIndex, i64>,
    /// Days since there is a package of this name, as far as an index told, by node.
    pub package_days: BTreeMap<NodeIndex, i64>,
    /// What the user should know about this machine, such as a cache that cannot be written.
    pub warnings: Vec<String>,
    /// Fact family to its source and date.
    pub provenance: BTreeMap<String, String>,
    /// What the features of each crate turn on, where an advisory makes that matter, by node.
    pub features: BTreeMap<NodeIndex, FeatureTable>,
}

/// Why nothing could be gathered.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The operating system refuses a thread or a poller.
    #[error("cannot start the machinery for requests: {0}")]
    Runtime(#[from] std::io::Error),
    /// The crate that was asked for is not there.
    #[error("cannot look at {name} {version}: {reason}")]
    NoSuchCrate {
        /// Crate name.
        name: String,
        /// Version.
        version: String,
        /// Why.
        reason: String,
    },
    /// The advisory database that was named cannot be used.
    #[error("the advisory database that was named cannot be used: {0}")]
    Advisories(#[from] crate::collectors::advisories::AdvisoryError),
    /// The dump or slim file that was named cannot be used.
    #[error("the custody data that was named cannot be used: {0}")]
    Custody(#[from] CustodyStoreError),
    /// The thread pool cannot be built.
    #[error("cannot start threads for scanning: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Which nodes are looked at closely: their archives read, the registry's API asked for them.
#[derive(Clone, Debug)]
pub enum Scope {
    /// All of them.
    All,
    /// Those that a change touches, each with the node of the base that it continues, if there is one.
    Changed(BTreeMap<NodeIndex, Option<Node>>),
}

/// Gathers the facts of every node of the graph.
pub fn gather(graph: &Graph, options: &Options) -> Result<Gathered, GatherError> {
    gather_within(graph, &Scope::All, &Places::new(), options)
}

/// Gathers the facts of every node of the graph; nodes outside the scope get only what the advisories
/// say: what else is to be said of them was said when they came. `places` has the crates whose files are
/// in no archive, or not in the archive alone.
pub fn gather_within(
    graph: &Graph,
    scope: &Scope,
    places: &Places,
    options: &Options,
) -> Result<Gathered, GatherError> {
    let equipment = Equipment::of(options)?;
    Ok(equipment.install(|| Gathering::new(graph, places, options, &equipment).run(scope)))
}

/// A graph of one crate of the default registry, pinned to what the index says of it.
pub fn single(name: &str, version: &str, options: &Options) -> Result<Graph, GatherError> {
    let equipment = Equipment::of(options)?;
    let index =
        IndexFiles::new(equipment.home.clone(), &equipment.client_for(options), &options.urls)
            .anew(options.refresh);
    if index.can_ask() && !index.in_cargos_cache(name, &Origin::Registry, Some(version)) {
        let wanted = Wanted { name: name.to_owned(), versions: vec![version.to_owned()] };
        equipment.runtime.block_on(index.fetch(&[wanted], &|| {}));
    }
    let unknown = |reason: String| GatherError::NoSuchCrate {
        name: name.to_owned(),
        version: version.to_owned(),
        reason,
    };
    let found = match index.find(name, &Origin::Registry, None) {
        Lookup::Found(found) => found,
        Lookup::NoSuchCrate => return Err(unknown("the index has no such crate".to_owned())),
        Lookup::Unknown(reason) => return Err(unknown(reason)),
    };
    let line = found.file.lines.iter().find(|line| line.version == version).ok_or_else(|| {
        unknown(format!("the index lists {} other versions", found.file.lines.len()))
    })?;
    let location = Location::line("Cargo.lock", 1);
    let node = Node {
        subject: Subject::registry_crate(name, version),
        checksum: Some(line.checksum.clone()),
        name_location: location.clone(),
        location,
        declared: Vec::new(),
        dependencies: Vec::new(),
        member: false,
    };
    Ok(Graph { nodes: vec![node], roots: vec![0] })
}

/// One run of the collectors over one graph.
struct Gathering<'a> {
    options: &'a Options,
    runtime: &'a tokio::runtime::Runtime,
    equipment: &'a Equipment,
    crates: Crates<'a>,
    releases: Releases,
    /// What each node depends on.
    edges: Vec<Vec<NodeIndex>>,
    /// Whether there is no project around the crates: what they depend on is not in the graph.
    alone: bool,
    /// The registry crates of the graph, with their nodes.
    locked: Vec<(NodeIndex, Locked)>,
    /// The crates whose files lie in folders.
    treed: Vec<Treed>,
    /// What the index says of each locked crate.
    history: BTreeMap<NodeIndex, ReleaseFacts>,
    gathered: Gathered,
}

impl<'a> Gathering<'a> {
    fn new(graph: &Graph, places: &Places, options: &'a Options, equipment: &'a Equipment) -> Self {
        let Equipment { home, runtime, kept, measurer, .. } = equipment;
        let client = equipment.client_for(options);
        let index = IndexFiles::new(home.clone(), &client, &options.urls).anew(options.refresh);
        let nodes = graph.nodes.iter().enumerate();
        let locked = nodes.filter_map(|(node, of)| Some((node, locked(of)?)));
        let sheets = graph.nodes.iter().map(|node| FactSheet::new(node.subject.clone()));
        let home = home.clone();
        Self {
            options,
            runtime,
            equipment,
            crates: Crates::new(home, client, options, runtime, Arc::clone(measurer)),
            releases: Releases::new(index).keeping(Arc::clone(kept)),
            edges: graph.nodes.iter().map(|node| node.dependencies.clone()).collect(),
            alone: !graph.nodes.iter().any(|node| node.member),
            locked: locked.collect(),
            treed: trees::of(graph, places),
            history: BTreeMap::new(),
            gathered: Gathered { sheets: sheets.collect(), ..Gathered::default() },
        }
    }

    fn run(mut self, scope: &Scope) -> Gathered {
        self.advisories();
        let whole = self.is_affected().then(|| self.locked.clone());
        if let Scope::Changed(changed) = scope {
            self.locked.retain(|(node, _)| changed.contains_key(node));
            // No lockfile says whether the project's own files are others.
            let own = |place: &Measured<Place>| {
                place.known().is_some_and(|place| place.kind == PlaceKind::Path)
            };
            self.treed.retain(|treed| changed.contains_key(&treed.node) || own(&treed.place));
            self.releases();
            self.updates(changed);
        } else {
            self.releases();
        }
        if let Some(whole) = whole {
            self.gathered.features = self.releases.features(&whole);
        }
        let measured = self.bytes();
        self.windows(&measured);
        self.keys();
        self.repositories(&measured);
        self.statements();
        self.models(scope);
        self.packages(scope);
        measured.into_par_iter().for_each(drop);
        self.gathered.warnings.extend(self.equipment.problems());
        self.gathered
    }

    /// A bar on stderr where that is a terminal, else nothing.
    fn progress(&self, what: &'static str, length: usize) -> ProgressBar {
        if !self.options.progress || length == 0 {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{prefix:>22} [{bar:30}] {pos}/{len}, {elapsed}")
            .expect("the template is constant")
            .progress_chars("=> ");
        ProgressBar::new(length as u64).with_style(style).with_prefix(what)
    }

    fn releases(&mut self) {
        let locked: Vec<Locked> = self.locked.iter().map(|(_, locked)| locked.clone()).collect();
        let all = self.releases.measure_all(&locked, self.options.as_of, self.runtime, &|| {});
        self.sheets().into_par_iter().zip(&all).for_each(|(sheet, facts)| {
            sheet.put(releases::GROUP, facts);
        });
        self.history = self.locked.iter().map(|(node, _)| *node).zip(all).collect();
    }

    /// The sheets of the locked crates, in their order.
    fn sheets(&mut self) -> Vec<&mut FactSheet> {
        let mut locked = self.locked.iter().map(|(node, _)| *node).peekable();
        let sheets = self.gathered.sheets.iter_mut().enumerate();
        sheets.filter_map(|(node, sheet)| locked.next_if_eq(&node).map(|_| sheet)).collect()
    }

    /// The bytes of every crate, and what they say of themselves.
    fn bytes(&mut self) -> Vec<MeasuredCrate> {
        let locked: Vec<&Locked> = self.locked.iter().map(|(_, locked)| locked).collect();
        let progress = self.progress("reading archives", locked.len());
        let mut all = self.crates.measure(&locked, &|| progress.inc(1));
        progress.finish_and_clear();
        self.believed(&all);
        let trees = self.trees(&mut all);
        self.sheets().into_par_iter().zip(&all).for_each(|(sheet, measured)| {
            sheet.put(crate_files::GROUP, &measured.bytes);
            put_contents(sheet, &measured.contents);
        });
        let archives = self.locked.iter().map(|(node, _)| *node).zip(&all);
        let all_contents: Vec<(NodeIndex, &Measured<Contents>)> = archives
            .map(|(node, measured)| (node, &measured.contents))
            .chain(trees.iter().map(|(node, contents)| (*node, contents)))
            .collect();
        for (node, contents) in &all_contents {
            if let Measured::Known(contents) = contents
                && let Measured::Known(manifest) = &contents.archive.facts.manifest
            {
                self.gathered.manifests.insert(*node, manifest.clone());
            }
        }
        self.build_code(&all_contents);
        // Of an archive that breaks off the manifest may still have been read.
        let broken = self
            .locked
            .iter()
            .zip(&all)
            .filter_map(|((node, _), measured)| Some((*node, measured.manifest.clone()?)));
        self.gathered.manifests.extend(broken);
        all
    }

    /// Tells of how many crates nothing but the facts of the shared store was read.
    fn believed(&mut self, all: &[MeasuredCrate]) {
        let shared = Measured::Known(FoundIn::SharedStore);
        let believed = all.iter().filter(|measured| measured.bytes.found_in == shared).count();
        if believed > 0 {
            let sealed = self.options.store.as_ref().is_some_and(|store| store.seal().is_some());
            let who = if sealed { "sealed with a secret" } else { "whoever can write there" };
            let told = format!(
                "{believed} of {} crates as the shared store has them ({who}), their archives not read",
                all.len()
            );
            self.gathered.provenance.insert("archives".to_owned(), told);
        }
    }

    /// What changed in the bytes since the version that the base locks.
    fn updates(&mut self, changed: &BTreeMap<NodeIndex, Option<Node>>) {
        let mut compared = Vec::new();
        for (node, now) in &self.locked {
            let Some(from) = changed.get(node).and_then(Option::as_ref) else { continue };
            let older = match locked(from) {
                Some(from) if from.origin == now.origin => {
                    self.releases.named(now, &from, self.options.as_of)
                }
                _ => Measured::unknown("the base takes it from another place"),
            };
            match older {
                Measured::Known(older) => compared.push((*node, now, older)),
                Measured::Unknown(reason) => self.gathered.sheets[*node]
                    .put(update::BYTES, &window::ComparisonFacts::unknown(&reason)),
            }
        }
        let facts = self.crates.compare_named(&compared);
        for ((node, ..), facts) in compared.iter().zip(facts) {
            self.gathered.sheets[*node].put(update::BYTES, &facts);
        }
    }

    /// What changed in the bytes since older releases, where anything could have.
    fn windows(&mut self, measured: &[MeasuredCrate]) {
        let chosen: Vec<Measured<Option<Older>>> = self
            .locked
            .par_iter()
            .zip(measured)
            .map(|((_, locked), measured)| match &measured.contents {
                Measured::Unknown(reason) => Measured::Unknown(reason.clone()),
                Measured::Known(contents)
                    if !window::worth_comparing(&contents.archive.facts, &contents.code) =>
                {
                    Measured::Known(None)
                }
                Measured::Known(_) => {
                    self.releases.older(locked, self.options.as_of, WINDOW_DAYS).map(Some)
                }
            })
            .collect();
        let of_locked = measured.par_iter().zip(&chosen);
        self.sheets().into_par_iter().zip(of_locked).for_each(|(sheet, (measured, chosen))| {
            let facts = match (chosen, &measured.contents) {
                (Measured::Known(Some(_)), _) => return,
                (Measured::Known(None), Measured::Known(contents)) => {
                    window::ComparisonFacts::nothing_to_compare(&contents.concealment)
                }
                (Measured::Unknown(reason), _) | (_, Measured::Unknown(reason)) => {
                    window::ComparisonFacts::unknown(reason)
                }
            };
            sheet.put(window::WINDOW, &facts);
            sheet.put(window::PREVIOUS, &facts);
        });
        let of_locked = self.locked.iter().zip(chosen);
        let compared: Vec<(NodeIndex, &Locked, Older)> = of_locked
            .filter_map(|((node, locked), chosen)| Some((*node, locked, chosen.known()?.clone()?)))
            .collect();
        let comparisons = self.crates.compare(&compared);
        for ((node, ..), comparison) in compared.iter().zip(comparisons) {
            let sheet = &mut self.gathered.sheets[*node];
            sheet.put(window::WINDOW, &comparison.window);
            if let Some(previous) = &comparison.previous {
                sheet.put(window::PREVIOUS, previous);
            }
        }
    }
}

/// Puts what the bytes of one crate say, or that they say nothing.
fn put_contents(sheet: &mut FactSheet, contents: &Measured<Contents>) {
    match contents {
        Measured::Known(contents) => contents.put(sheet),
        Measured::Unknown(reason) => Contents::put_unknown(sheet, reason),
    }
}

/// A node as a locked release; none where it comes from no registry.
fn locked(node: &Node) -> Option<Locked> {
    let registry =
        matches!(node.subject.origin, Origin::Registry | Origin::AlternativeRegistry { .. });
    registry.then(|| Locked {
        name: node.subject.name.clone(),
        version: node.subject.version.clone(),
        checksum: node.checksum.clone(),
        origin: node.subject.origin.clone(),
    })
}

/// A client that may ask as much as `options` allow.
#[must_use]
pub fn client(options: &Options) -> Client {
    let cache = options.cache_dir.join("answers");
    if options.offline {
        Client::offline_with_cache(cache)
    } else {
        let cache = Some(cache);
        let deadline = options.deadline;
        Client::online(crate::net::Options { cache, deadline, ..crate::net::Options::default() })
    }
}
