//! Which crates of a lockfile the features bring in that are on by default.
//!
//! A lockfile has what every feature of the project's own crates could ask for. What is built is less: here the
//! features of every crate are followed as cargo follows them, from those that are on by default, with all
//! platforms, build scripts and tests. Where cargo would leave something out for a platform or a kind of build,
//! it counts as brought in; where nothing is known of a crate's features, all it could turn on does, too. So
//! what is left out is left out for certain.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Declaration, Manifest};
use super::workspace::Workspace;
use super::{Declared, Walk};
use crate::domain::{Graph, Measured, NodeIndex};
use crate_read::features::{FeatureDependency, FeatureTable};

/// Most features of the project's own crates that are tried one by one.
const TRIED: usize = 64;
/// Most of them that are named of one crate.
const NAMED: usize = 8;

impl Walk {
    /// Follows the features, given those of the crates that are not the project's own, and says of every crate
    /// whether they bring it in.
    pub fn learn_features(&mut self, mut tables: BTreeMap<NodeIndex, FeatureTable>) {
        if self.workspace.manifests.is_empty() {
            return;
        }
        let own = own_tables(&self.workspace, &self.declared);
        let optional: Vec<(NodeIndex, String)> = own
            .iter()
            .flat_map(|(&node, table)| table.features.keys().map(move |name| (node, name.clone())))
            .filter(|(_, name)| name != "default")
            .collect();
        tables.extend(own);
        let by_default = Resolver::run(&self.graph, &tables, None);
        let without: Vec<NodeIndex> =
            (0..self.graph.nodes.len()).filter(|&node| !by_default.active[node]).collect();
        for (&node, facts) in &mut self.exposure {
            facts.brought_in = match (by_default.active[node], by_default.unsure) {
                (false, _) => Measured::Known(false),
                (true, false) => Measured::Known(true),
                (true, true) => Measured::unknown("the features of a crate are not known"),
            };
        }
        if without.is_empty() {
            return;
        }
        for one in optional.iter().take(TRIED) {
            let with = Resolver::run(&self.graph, &tables, Some(one));
            for node in without.iter().filter(|&&node| with.active[node]) {
                let Some(facts) = self.exposure.get_mut(node) else { continue };
                if facts.features_needed.len() < NAMED {
                    let of = &self.graph.nodes[one.0].subject.name;
                    facts.features_needed.push(format!("{of}/{}", one.1));
                }
            }
        }
    }
}

/// The features of the project's own crates, from their manifests.
fn own_tables(workspace: &Workspace, declared: &Declared) -> BTreeMap<NodeIndex, FeatureTable> {
    let tables = declared.manifests.iter().filter_map(|(&node, file)| {
        let manifest = workspace.manifests.get(file)?;
        Some((node, table(workspace, manifest)))
    });
    tables.collect()
}

fn table(workspace: &Workspace, manifest: &Manifest) -> FeatureTable {
    let dependency = |declaration: &Declaration| {
        let inherited = workspace.inherited(declaration);
        let says = inherited.unwrap_or(declaration);
        let mut features = declaration.features.clone();
        features.extend(inherited.iter().flat_map(|entry| entry.features.clone()));
        let own = declaration.default_features;
        let default_features = match inherited.and_then(|entry| entry.default_features) {
            // A member can turn them on again, and not off.
            Some(false) => own == Some(true),
            Some(true) => true,
            None => inherited.is_some() || own != Some(false),
        };
        FeatureDependency {
            key: declaration.key.clone(),
            package: says.package.clone(),
            requirement: says.requirement.clone().unwrap_or_default(),
            optional: declaration.optional,
            default_features,
            features,
        }
    };
    FeatureTable {
        features: manifest.features.clone(),
        dependencies: manifest.dependencies.iter().map(dependency).collect(),
    }
}

/// What is still to be followed.
enum Step {
    Crate(NodeIndex),
    Feature(NodeIndex, String),
    /// Everything that it could turn on.
    All(NodeIndex),
}

struct Resolver<'r> {
    graph: &'r Graph,
    tables: &'r BTreeMap<NodeIndex, FeatureTable>,
    active: Vec<bool>,
    on: Vec<BTreeSet<String>>,
    steps: Vec<Step>,
    /// A crate that is brought in has features of which nothing is known.
    unsure: bool,
}

impl<'r> Resolver<'r> {
    fn run(
        graph: &'r Graph,
        tables: &'r BTreeMap<NodeIndex, FeatureTable>,
        also: Option<&(NodeIndex, String)>,
    ) -> Self {
        let count = graph.nodes.len();
        let mut resolver = Self {
            graph,
            tables,
            active: vec![false; count],
            on: vec![BTreeSet::new(); count],
            steps: Vec::new(),
            unsure: false,
        };
        for &root in &graph.roots {
            resolver.steps.push(Step::Crate(root));
            resolver.steps.push(Step::Feature(root, "default".to_owned()));
        }
        resolver.steps.extend(also.map(|(node, name)| Step::Feature(*node, name.clone())));
        while let Some(step) = resolver.steps.pop() {
            match step {
                Step::Crate(node) => resolver.activate(node),
                Step::Feature(node, name) => resolver.enable(node, name),
                Step::All(node) => resolver.everything(node),
            }
        }
        resolver
    }

    fn activate(&mut self, node: NodeIndex) {
        if std::mem::replace(&mut self.active[node], true) {
            return;
        }
        let tables = self.tables;
        let Some(table) = tables.get(&node) else {
            self.unsure |= !self.graph.nodes[node].dependencies.is_empty();
            for &next in &self.graph.nodes[node].dependencies {
                self.steps.extend([Step::Crate(next), Step::All(next)]);
            }
            return;
        };
        for dependency in table.dependencies.iter().filter(|one| !one.optional) {
            self.depend(node, dependency);
        }
        for name in self.on[node].clone() {
            self.follow(node, &name);
        }
    }

    fn enable(&mut self, node: NodeIndex, name: String) {
        if self.active[node] && !self.on[node].contains(&name) {
            self.follow(node, &name);
        }
        // Of a crate that is not there yet the features wait until it is.
        self.on[node].insert(name);
    }

    fn everything(&mut self, node: NodeIndex) {
        let tables = self.tables;
        let Some(table) = tables.get(&node) else { return };
        for name in table.features.keys() {
            self.enable(node, name.clone());
        }
        for dependency in table.dependencies.iter().filter(|one| one.optional) {
            self.depend(node, dependency);
        }
    }

    /// Turns on what one feature of an active crate turns on.
    fn follow(&mut self, node: NodeIndex, name: &str) {
        let tables = self.tables;
        let Some(table) = tables.get(&node) else { return };
        let named = |key: &str| -> Vec<&'r FeatureDependency> {
            table.dependencies.iter().filter(|one| one.key == key).collect()
        };
        let Some(items) = table.features.get(name) else {
            // An optional dependency is a feature of its own name.
            for dependency in named(name).into_iter().filter(|one| one.optional) {
                self.depend(node, dependency);
            }
            return;
        };
        for item in items {
            if let Some(key) = item.strip_prefix("dep:") {
                for dependency in named(key) {
                    self.depend(node, dependency);
                }
            } else if let Some((key, feature)) = item.split_once('/') {
                let (key, weak) = key.strip_suffix('?').map_or((key, false), |key| (key, true));
                for dependency in named(key) {
                    if !weak {
                        self.depend(node, dependency);
                    }
                    for to in self.targets(node, dependency) {
                        self.steps.push(Step::Feature(to, feature.to_owned()));
                    }
                }
                if !weak && table.features.contains_key(key) {
                    self.steps.push(Step::Feature(node, key.to_owned()));
                }
            } else {
                self.steps.push(Step::Feature(node, item.clone()));
            }
        }
    }

    fn depend(&mut self, node: NodeIndex, dependency: &FeatureDependency) {
        for to in self.targets(node, dependency) {
            self.steps.push(Step::Crate(to));
            if dependency.default_features {
                self.steps.push(Step::Feature(to, "default".to_owned()));
            }
            let asked = dependency.features.iter();
            self.steps.extend(asked.map(|name| Step::Feature(to, name.clone())));
        }
    }

    /// The crates of the lockfile that a dependency can mean: all of that name where no version fits.
    fn targets(&self, node: NodeIndex, dependency: &FeatureDependency) -> Vec<NodeIndex> {
        let all = self.graph.nodes[node].dependencies.iter().copied();
        let named: Vec<NodeIndex> =
            all.filter(|&to| self.graph.nodes[to].subject.name == dependency.package).collect();
        let Ok(requirement) = semver::VersionReq::parse(&dependency.requirement) else {
            return named;
        };
        let fits = |&to: &NodeIndex| {
            let version = semver::Version::parse(&self.graph.nodes[to].subject.version);
            version.is_ok_and(|version| requirement.matches(&version))
        };
        let fitting: Vec<NodeIndex> = named.iter().copied().filter(fits).collect();
        if fitting.is_empty() { named } else { fitting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Location, Node, Subject};

    /// A graph of these crates, each with what it depends on; the first is the project's.
    fn graph(crates: &[(&str, &[usize])]) -> Graph {
        let node = |(name, edges): &(&str, &[usize])| Node {
            subject: Subject::registry_crate(*name, "1.0.0"),
            checksum: None,
            name_location: Location::line("Cargo.lock", 1),
            location: Location::line("Cargo.lock", 1),
            declared: Vec::new(),
            dependencies: edges.to_vec(),
            member: false,
        };
        Graph { nodes: crates.iter().map(node).collect(), roots: vec![0] }
    }

    fn table(
        features: &[(&str, &[&str])],
        dependencies: &[(&str, bool, bool, &[&str])],
    ) -> FeatureTable {
        let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect();
        FeatureTable {
            features: features
                .iter()
                .map(|(name, items)| ((*name).to_owned(), words(items)))
                .collect(),
            dependencies: dependencies
                .iter()
                .map(|(name, optional, default_features, features)| FeatureDependency {
                    key: (*name).to_owned(),
                    package: (*name).to_owned(),
                    requirement: "1".to_owned(),
                    optional: *optional,
                    default_features: *default_features,
                    features: words(features),
                })
                .collect(),
        }
    }

    fn brought(graph: &Graph, tables: Vec<FeatureTable>) -> Vec<bool> {
        let tables = tables.into_iter().enumerate().collect();
        let found = Resolver::run(graph, &tables, None);
        assert!(!found.unsure);
        found.active
    }

    #[test]
    fn what_only_a_feature_that_is_off_turns_on_is_left_out() {
        let graph = graph(&[("app", &[1, 2]), ("plain", &[]), ("extra", &[])]);
        let own = |features: &[(&str, &[&str])]| {
            table(features, &[("plain", false, true, &[]), ("extra", true, true, &[])])
        };
        let with = |features| {
            brought(&graph, vec![own(features), FeatureTable::default(), FeatureTable::default()])
        };
        assert_eq!(with(&[("gpu", &["dep:extra"])]), [true, true, false]);
        assert_eq!(with(&[("default", &["gpu"]), ("gpu", &["dep:extra"])]), [true, true, true]);
        assert_eq!(
            with(&[("default", &["extra"])]),
            [true, true, true],
            "a feature of its own name"
        );
        assert_eq!(
            with(&[("default", &["extra?/fast"])]),
            [true, true, false],
            "a weak one brings nothing"
        );
        assert_eq!(with(&[("default", &["extra/fast"])]), [true, true, true]);
    }

    #[test]
    fn features_are_followed_through_what_they_are_asked_of() {
        let graph = graph(&[("app", &[1]), ("web", &[2, 3]), ("tls", &[]), ("old", &[])]);
        let web = table(
            &[("default", &["old"]), ("secure", &["dep:tls"]), ("old", &["dep:old"])],
            &[("tls", true, true, &[]), ("old", true, true, &[])],
        );
        let ask = |default_features, features: &[&str]| {
            let own = table(&[], &[("web", false, default_features, features)]);
            let none = FeatureTable::default();
            brought(&graph, vec![own, web.clone(), none.clone(), none])
        };
        assert_eq!(ask(true, &[]), [true, true, false, true]);
        assert_eq!(ask(false, &[]), [true, true, false, false]);
        assert_eq!(ask(false, &["secure"]), [true, true, true, false]);
    }

    #[test]
    fn a_crate_of_which_nothing_is_known_turns_everything_on() {
        let graph = graph(&[("app", &[1]), ("dark", &[2]), ("web", &[3]), ("tls", &[])]);
        let web = table(&[("secure", &["dep:tls"])], &[("tls", true, true, &[])]);
        let own = table(&[], &[("dark", false, true, &[])]);
        let tables: BTreeMap<NodeIndex, FeatureTable> = [(0, own), (2, web)].into();
        let found = Resolver::run(&graph, &tables, None);
        assert!(found.unsure && found.active.iter().all(|on| *on));
    }

    #[test]
    fn circles_of_features_and_of_crates_end() {
        let graph = graph(&[("app", &[1]), ("a", &[0, 1])]);
        let own = table(
            &[("default", &["x"]), ("x", &["y"]), ("y", &["x", "a/x"])],
            &[("a", true, true, &[])],
        );
        let a = table(&[("x", &["a/x", "x"])], &[("a", false, true, &["x"])]);
        assert_eq!(brought(&graph, vec![own, a]), [true, true]);
    }
}
