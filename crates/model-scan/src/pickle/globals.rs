//! Which importable names are known to be harmless, known to be dangerous, or neither. A pure function over
//! a table that is data (`rules/tables/pickle-globals.toml`): nothing here names a Python module.
//!
//! Order of judgement: Python 2 names are translated; an exact pair of the allow list is allowed; a denied
//! module (with everything below it), a denied name, or a path that leads through one is denied; a dotted
//! name whose first part is no known class of its module is denied; everything else is unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is no TOML of this shape.
    #[error("the table of globals cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A pair stands on both lists.
    #[error("{module}.{name} is allowed and denied by name")]
    Contradiction {
        /// Its module.
        module: String,
        /// Its name.
        name: String,
    },
}

/// What the lists say of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// An exact pair of the allow list.
    Allowed,
    /// Allowed as long as the function handed to it first is allowed (`functools.partial`).
    AllowedOfAllowed,
    /// Allowed as long as it is handed something allowed and a plain constant (`getattr`), or plain
    /// constants only (`itemgetter`); where it is not called so, as bad as a denied name.
    AllowedChoosing,
    /// Allowed as long as it is not called: a class of which objects are made without its constructor, or
    /// a method of an allowed class.
    AllowedUncalled,
    /// On no list.
    Unknown,
    /// On the deny list, or reached through it.
    Denied,
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<'t> {
    /// What the lists say.
    pub verdict: Verdict,
    /// Why, one clause.
    pub reason: &'t str,
    /// Advisory or CVE, where there is one.
    pub reference: Option<&'t str>,
    /// What it is good for, for a denied name: `execution`, `import`, `network`, ...
    pub family: Option<&'t str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    python2: BTreeMap<String, String>,
    deny_segments: DenySegments,
    #[serde(default)]
    deny_methods: DenySegments,
    #[serde(default)]
    carry: Vec<Carry>,
    #[serde(default)]
    allow_under: Vec<AllowUnder>,
    deny: Vec<Deny>,
    allow: Vec<Allow>,
}

/// What a name does where a library rebuilds functions of its own, code and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// Begins: unpickles what is inside and makes an object of it.
    Rebuild,
    /// Holds what is rebuilt: a class and its state.
    Pair,
    /// The class of that object.
    Class,
    /// A type of arguments; made without its constructor.
    Value,
    /// Makes such a type, by the function that it is handed.
    Types,
    /// Makes a function of a code object.
    Function,
    /// Looks up the type of code objects.
    Code,
    /// Sets the globals of a function that was made before.
    State,
    /// Makes a cell of a closure.
    Cell,
    /// Imports a module by its name.
    Module,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carry {
    modules: Vec<String>,
    names: BTreeSet<String>,
    role: Carrier,
}

/// Attribute names that are denied in any module.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DenySegments {
    reason: String,
    names: BTreeSet<String>,
}

/// A module, or some names of it, that is denied.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deny {
    module: String,
    /// Only these names; absent: everything, submodules too.
    names: Option<BTreeSet<String>>,
    family: String,
    reason: String,
    reference: Option<String>,
    /// Whether a path through any component of this name is denied, wherever it begins.
    #[serde(default)]
    component: bool,
}

/// Names of a module that are allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Allow {
    modules: Vec<String>,
    names: BTreeSet<String>,
    reason: String,
    /// The first argument must be allowed as well.
    #[serde(default)]
    of_allowed: bool,
    /// It chooses a part of something by a constant.
    #[serde(default)]
    choosing: bool,
    /// Only where nobody calls it; a pair that is denied by name may be allowed so.
    #[serde(default)]
    uncalled: bool,
}

/// Classes of one version of a library.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Library {
    name: String,
    version: String,
    /// A module and its classes, one space between.
    #[serde(default)]
    classes: Vec<String>,
    /// A module and what of it may be called, one space between.
    #[serde(default)]
    calls: Vec<String>,
    /// A module and classes of which an object may be called, one space between.
    #[serde(default)]
    objects: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Libraries {
    library: Vec<Library>,
}

/// A module below which nothing can be imported.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowUnder {
    module: String,
    reason: String,
}

/// The lists, ready to be asked.
#[derive(Clone, Debug)]
pub struct Globals {
    python2: BTreeMap<String, String>,
    segments: DenySegments,
    methods: DenySegments,
    carriers: BTreeMap<(String, String), Carrier>,
    under: Vec<AllowUnder>,
    deny: BTreeMap<String, Vec<Deny>>,
    components: BTreeMap<String, Deny>,
    allow: BTreeMap<String, Vec<Allow>>,
    /// Classes of libraries by module and name, with the library's place in `reasons`.
    classes: BTreeMap<String, BTreeMap<String, (usize, bool)>>,
    reasons: Vec<String>,
    /// Modules and classes of which a fresh object may be called.
    objects: BTreeSet<(String, String)>,
}

impl Globals {
    /// What a name does where a library rebuilds functions of its own.
    #[must_use]
    pub fn carrier(&self, module: &str, name: &str) -> Option<Carrier> {
        self.carriers.get(&(module.to_owned(), name.to_owned())).copied()
    }

    /// Whether a fresh object of this class may be called: what its `__call__` does was read.
    #[must_use]
    pub fn may_be_called(&self, module: &str, name: &str) -> bool {
        self.objects.contains(&(module.to_owned(), name.to_owned()))
    }

    /// Adds the classes of libraries (`rules/tables/pickle-classes.toml`): allowed as long as nobody calls
    /// them.
    ///
    /// # Errors
    /// Where the table has another shape.
    pub fn with_classes(mut self, text: &str) -> Result<Self, TableError> {
        let libraries: Libraries = toml::from_str(text)?;
        for Library { name, version, classes, calls, objects } in libraries.library {
            let at = self.reasons.len();
            self.reasons.push(format!("known from {name} {version}"));
            for line in objects {
                let mut words = line.split(' ').map(str::to_owned);
                let Some(module) = words.next() else { continue };
                self.objects.extend(words.map(|name| (module.clone(), name)));
            }
            for (lines, called) in [(classes, false), (calls, true)] {
                for line in lines {
                    let mut words = line.split(' ').map(str::to_owned);
                    let Some(module) = words.next() else { continue };
                    let names = self.classes.entry(module).or_default();
                    names.extend(words.map(|name| (name, (at, called))));
                }
            }
        }
        Ok(self)
    }

    /// Reads the table.
    ///
    /// # Errors
    /// Where it has another shape, or allows what it denies by name.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let raw: Raw = toml::from_str(text)?;
        let mut deny: BTreeMap<String, Vec<Deny>> = BTreeMap::new();
        let mut components = BTreeMap::new();
        for entry in raw.deny {
            if entry.component {
                let bare = entry.module.trim_start_matches('_').to_owned();
                components.insert(bare, entry.clone());
            }
            deny.entry(entry.module.clone()).or_default().push(entry);
        }
        let mut allow: BTreeMap<String, Vec<Allow>> = BTreeMap::new();
        for entry in raw.allow {
            for module in &entry.modules {
                allow.entry(module.clone()).or_default().push(entry.clone());
            }
        }
        let globals = Self {
            python2: raw.python2,
            segments: raw.deny_segments,
            methods: raw.deny_methods,
            carriers: carriers(raw.carry),
            under: raw.allow_under,
            deny,
            components,
            allow,
            classes: BTreeMap::new(),
            reasons: Vec::new(),
            objects: BTreeSet::new(),
        };
        globals.check()?;
        Ok(globals)
    }

    /// No pair may be allowed and denied by its own name, unless nobody may call it; a denied module may have
    /// allowed pairs.
    fn check(&self) -> Result<(), TableError> {
        for (module, entries) in &self.allow {
            let called = entries.iter().filter(|entry| !entry.uncalled);
            for name in called.flat_map(|entry| &entry.names) {
                let named = self.deny.get(module).into_iter().flatten();
                if named.filter_map(|deny| deny.names.as_ref()).any(|names| names.contains(name)) {
                    let (module, name) = (module.clone(), name.clone());
                    return Err(TableError::Contradiction { module, name });
                }
            }
        }
        Ok(())
    }

    /// What the lists say of `module` `name`, both as the pickle writes them.
    pub fn judge(&self, module: &str, name: &str) -> Judgement<'_> {
        let module = self.python2.get(module).map_or(module, String::as_str);
        if let Some(judgement) = self.allowed(module, name) {
            if judgement.verdict == Verdict::AllowedUncalled {
                let family = self.denied(module, name).map(|deny| deny.family.as_str());
                return Judgement { family, ..judgement };
            }
            return judgement;
        }
        let denied = self.denied(module, name);
        if let Some((at, called)) = self.classes.get(module).and_then(|names| names.get(name)) {
            let verdict = if *called { Verdict::Allowed } else { Verdict::AllowedUncalled };
            // A class on both lists is as bad as the list says where it is called.
            let family = denied.map(|deny| deny.family.as_str());
            return Self::plain(verdict, &self.reasons[*at], family);
        }
        if let Some(deny) = denied {
            return Judgement {
                verdict: Verdict::Denied,
                reason: &deny.reason,
                reference: deny.reference.as_deref(),
                family: Some(&deny.family),
            };
        }
        if name.split('.').any(|segment| self.segments.names.contains(segment)) {
            return Self::plain(Verdict::Denied, &self.segments.reason, Some("internals"));
        }
        if let Some((class, rest)) = name.split_once('.') {
            return self.dotted(module, class, rest);
        }
        Self::plain(Verdict::Unknown, "on no list", None)
    }

    /// A name behind a dot: a method of an allowed class may be referred to.
    fn dotted(&self, module: &str, class: &str, rest: &str) -> Judgement<'_> {
        let known = self.allowed(module, class).map(|judgement| judgement.verdict);
        let listed = self.classes.get(module).is_some_and(|names| names.contains_key(class));
        if known != Some(Verdict::Allowed) && !listed {
            let reason = "a dotted name that does not begin with a known class of its module";
            return Self::plain(Verdict::Denied, reason, Some("dotted-name"));
        }
        if rest.contains('.') || rest.starts_with("__") {
            return Self::plain(Verdict::Unknown, "on no list", None);
        }
        let acts = self.methods.names.contains(rest.trim_start_matches('_'));
        let family = acts.then_some("method");
        Self::plain(Verdict::AllowedUncalled, "a method of an allowed class", family)
    }

    fn plain<'t>(verdict: Verdict, reason: &'t str, family: Option<&'t str>) -> Judgement<'t> {
        Judgement { verdict, reason, reference: None, family }
    }

    fn allowed(&self, module: &str, name: &str) -> Option<Judgement<'_>> {
        let under = self.under.iter().find(|under| is_below(module, &under.module));
        if let Some(under) = under.filter(|_| !name.contains('.')) {
            return Some(Self::plain(Verdict::Allowed, &under.reason, None));
        }
        let entry = self.allow.get(module)?.iter().find(|entry| entry.names.contains(name))?;
        let verdict = match entry {
            Allow { of_allowed: true, .. } => Verdict::AllowedOfAllowed,
            Allow { choosing: true, .. } => Verdict::AllowedChoosing,
            Allow { uncalled: true, .. } => Verdict::AllowedUncalled,
            _ => Verdict::Allowed,
        };
        Some(Self::plain(verdict, &entry.reason, None))
    }

    fn denied(&self, module: &str, name: &str) -> Option<&Deny> {
        let path = format!("{module}.{name}");
        // The longest module of the list that the path goes through says the most.
        let ends = path.match_indices('.').map(|(at, _)| at).take(64).collect::<Vec<_>>();
        let through = ends.into_iter().chain([path.len()]).rev().find_map(|end| {
            let rest = path.get(end + 1..).unwrap_or("");
            self.deny.get(&path[..end])?.iter().find(|deny| deny.covers(rest))
        });
        through.or_else(|| {
            path.split('.').take(256).find_map(|part| {
                let part = self.python2.get(part).map_or(part, String::as_str);
                self.components.get(part.trim_start_matches('_'))
            })
        })
    }
}

/// The entries of `carry`, by module and name.
fn carriers(entries: Vec<Carry>) -> BTreeMap<(String, String), Carrier> {
    let mut carriers = BTreeMap::new();
    for Carry { modules, names, role } in entries {
        for module in modules {
            carriers.extend(names.iter().map(|name| ((module.clone(), name.clone()), role)));
        }
    }
    carriers
}

impl Deny {
    /// Whether what follows the module is covered: everything, or the names and what lies below them.
    fn covers(&self, rest: &str) -> bool {
        let Some(names) = &self.names else { return true };
        let ends = rest.match_indices('.').map(|(at, _)| at).take(64);
        ends.chain([rest.len()]).any(|end| names.contains(&rest[..end]))
    }
}

/// Whether a module is `above` or lies below it.
fn is_below(module: &str, above: &str) -> bool {
    module.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Globals {
        Globals::parse(include_str!("../../../../rules/tables/pickle-globals.toml")).unwrap()
    }

    fn verdict(path: &str) -> Verdict {
        let (module, name) = path.split_once(' ').unwrap();
        table().judge(module, name).verdict
    }

    /// One or more of every family of gadgets that advisories name.
    const GADGETS: &str = include_str!("../../../../fixtures/models/gadgets.txt");

    #[test]
    fn gadgets_of_the_advisories_are_denied() {
        for path in GADGETS.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(verdict(path), Verdict::Denied, "{path}");
        }
    }

    #[test]
    fn a_dotted_path_that_leads_elsewhere_is_denied() {
        for path in [
            "torch os.system",
            "pathlib os.system",
            "collections _sys.modules.clear",
            "random _os.system",
            "mymodule helper.subprocess.Popen",
            "x.y.os system",
            "typing sys.modules",
            "numpy ndarray.__reduce__",
            "mine Thing.__globals__",
            "mine unknown.thing",
        ] {
            assert_eq!(verdict(path), Verdict::Denied, "{path}");
        }
    }

    #[test]
    fn a_library_is_not_denied_whole_where_a_few_of_its_names_are_meant() {
        for path in [
            "torch.distributed.checkpoint.metadata Metadata",
            "torch.distributed.checkpoint.filesystem _StorageInfo",
            "nltk.stem.porter PorterStemmer",
            "nltk.tokenize.casual TweetTokenizer",
        ] {
            assert_eq!(verdict(path), Verdict::Allowed, "{path}");
        }
        assert_eq!(verdict("dill._dill _create_array"), Verdict::AllowedOfAllowed);
        for path in [
            "torch.distributed.checkpoint load",
            "nltk.stem.porter PorterStemmer.__init__",
            "nltk.tokenize word_tokenize",
            "nltk.data load",
            "dill._dill _create_code",
        ] {
            assert_eq!(verdict(path), Verdict::Denied, "{path}");
        }
    }

    #[test]
    fn a_function_that_is_kept_is_allowed_and_denied_where_it_is_called() {
        for path in ["builtins max", "builtins sum", "numpy apply_along_axis"] {
            let (module, name) = path.split_once(' ').unwrap();
            let table = table();
            let judgement = table.judge(module, name);
            assert_eq!(judgement.verdict, Verdict::AllowedUncalled, "{path}");
            assert!(judgement.family.is_some(), "{path}");
        }
        for path in ["builtins map", "builtins filter", "builtins next", "itertools starmap"] {
            assert_eq!(verdict(path), Verdict::Denied, "{path}");
        }
        for path in ["itertools count", "contextlib nullcontext", "string Template"] {
            assert_eq!(verdict(path), Verdict::Allowed, "{path}");
        }
    }

    #[test]
    fn a_method_that_loads_or_writes_is_known_by_its_name() {
        let table = table();
        for (name, acts) in [
            ("LogisticRegression.fit", false),
            ("LogisticRegression.load", true),
            ("LogisticRegression.from_pretrained", true),
            ("LogisticRegression._load", true),
        ] {
            let judgement = table.judge("sklearn.linear_model._logistic", name);
            assert_eq!(judgement.verdict, Verdict::AllowedUncalled, "{name}");
            assert_eq!(judgement.family.is_some(), acts, "{name}");
        }
    }

    #[test]
    fn names_that_reach_code_by_other_roads_are_denied() {
        for path in [
            "six _import_module",
            "wrapt resolve_path",
            "werkzeug.utils import_string",
            "importlib_metadata EntryPoint",
            "numexpr evaluate",
            "ray.cloudpickle loads",
            "pyspark.cloudpickle loads",
            "srsly pickle_loads",
            "copy _reconstruct",
            "test.libregrtest main",
            "dl open",
            "_bootsubprocess check_output",
            "jax pure_callback",
            "keras.models model_from_json",
            "pyarrow.fs LocalFileSystem",
            "zmq Socket",
        ] {
            assert_eq!(verdict(path), Verdict::Denied, "{path}");
        }
        for path in ["copy deepcopy", "test Net", "polars DataFrame", "configparser ConfigParser"] {
            assert_ne!(verdict(path), Verdict::Denied, "{path}");
        }
    }

    #[test]
    fn what_ordinary_checkpoints_import_is_allowed() {
        for path in [
            "torch FloatStorage",
            "torch._utils _rebuild_tensor_v2",
            "torch.nn.modules.linear Linear",
            "collections OrderedDict",
            "numpy.core.multiarray _reconstruct",
            "numpy._core.multiarray scalar",
            "numpy ndarray",
            "numpy dtype",
            "numpy.random._pickle __randomstate_ctor",
            "numpy.random __RandomState_ctor",
            "sklearn.datasets.base Bunch",
            "copy_reg _reconstructor",
            "__builtin__ object",
            "_codecs encode",
            "datetime datetime",
            "decimal Decimal",
            "uuid UUID",
            "re _compile",
            "pathlib PosixPath",
            "sklearn.linear_model._logistic LogisticRegression",
            "sklearn.tree._tree Tree",
            "joblib.numpy_pickle NumpyArrayWrapper",
            "scipy.sparse._csr csr_matrix",
            "transformers.training_args OptimizerNames",
            "argparse Namespace",
            "torch.jit._pickle build_intlist",
            "__torch__.torch.nn.modules.linear Linear",
            "torch.storage _load_from_bytes",
        ] {
            assert_eq!(verdict(path), Verdict::Allowed, "{path}");
        }
        assert_eq!(verdict("functools partial"), Verdict::AllowedOfAllowed);
        // Binding a method is as harmless as the method.
        assert_eq!(verdict("types MethodType"), Verdict::AllowedOfAllowed);
    }

    #[test]
    fn what_nobody_knows_is_unknown() {
        for path in [
            "__main__ MyModel",
            "mymodel.layers Block",
            "scipy.signal._filter Filter",
            "collections.abc Mapping",
            "sklearn.mystery Thing",
            "test_model Net",
        ] {
            assert_eq!(verdict(path), Verdict::Unknown, "{path}");
        }
    }

    #[test]
    fn every_denial_says_why() {
        let table = table();
        let judgement = table.judge("pip", "main");
        assert_eq!(judgement.reference, Some("CVE-2025-1716"));
        assert!(table.deny.values().flatten().all(|deny| deny.reason.len() >= 8));
        assert!(table.allow.values().flatten().all(|allow| allow.reason.len() > 3));
    }

    #[test]
    fn a_pair_on_both_lists_is_refused() {
        let text = "[python2]\n[deny-segments]\nreason = ''\nnames = []\n\
                    [[deny]]\nmodule = 'a'\nnames = ['b']\nfamily = ''\nreason = ''\n\
                    [[allow]]\nmodules = ['a']\nnames = ['b']\nreason = ''\n";
        assert!(matches!(Globals::parse(text), Err(TableError::Contradiction { .. })));
    }

    #[test]
    fn a_path_of_a_million_dots_is_judged_quickly() {
        let long = "a.".repeat(1_000_000);
        assert_eq!(table().judge(&long, "b").verdict, Verdict::Unknown);
    }
}
