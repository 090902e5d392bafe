//! Composes crates out of the grammar in `grammar/`, audits them in one project, and counts what was
//! found, for each entry of each dimension. See `grammar/README.md`.

#[path = "../replicas/make.rs"]
mod make;
#[path = "../replicas/shelf.rs"]
mod shelf;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use cargo_custody::audit::{self, Request};
use cargo_custody::collectors;
use cargo_custody::config::Policy;
use cargo_custody::domain::Level;
use cargo_custody::heuristics;
use cargo_custody::walker;
use make::{Made, Word};
use serde::Deserialize;
use shelf::{Release, Shelf};

/// One snippet of one dimension. Which keys an entry has depends on the dimension.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    name: String,
    why: String,
    code: String,
    twin: String,
    library: String,
    carried: bool,
    file: String,
    size: usize,
    head: String,
    call: String,
    files: BTreeMap<String, String>,
    helper: String,
    manifest: String,
    names: Vec<String>,
    header: String,
    /// Rules that may tell of the entry whatever becomes of it: they count neither way.
    deserves: Vec<String>,
}

impl Entry {
    /// Whether a layout calls the function that holds the whole chain.
    fn goes(&self) -> bool {
        let named = |text: &String| text.contains("@GO@");
        self.call.is_empty() || named(&self.call) || self.files.values().any(named)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dimension {
    entry: Vec<Entry>,
}

/// Names of the dimensions, in the order in which [`Grammar`] keeps them.
const DIMENSIONS: [&str; 7] =
    ["origin", "carrier", "transformation", "layout", "sink", "guard", "disguise"];

/// Entries that make no whole chain together: one list of names a dimension, others do not matter.
#[derive(Deserialize)]
struct Pair {
    why: String,
    #[serde(flatten)]
    lists: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pairs {
    pair: Vec<Pair>,
}

/// The lists of snippets, and which of them do not go together.
struct Grammar(Vec<Vec<Entry>>, Vec<Pair>);

impl Grammar {
    fn load() -> Self {
        let texts = [
            include_str!("grammar/origin.toml"),
            include_str!("grammar/carrier.toml"),
            include_str!("grammar/transformation.toml"),
            include_str!("grammar/layout.toml"),
            include_str!("grammar/sink.toml"),
            include_str!("grammar/guard.toml"),
            include_str!("grammar/disguise.toml"),
        ];
        let read = |text: &&str| toml::from_str::<Dimension>(text).expect("a list of entries");
        let lists: Vec<Vec<Entry>> = texts.iter().map(|text| read(text).entry).collect();
        for entry in lists.iter().flatten() {
            assert!(!entry.why.is_empty(), "{} says why somebody would write it", entry.name);
        }
        let Pairs { pair } =
            toml::from_str(include_str!("grammar/apart.toml")).expect("a list of pairs");
        for pair in &pair {
            let known = |name: &String| DIMENSIONS.contains(&name.as_str());
            assert!(!pair.why.is_empty() && pair.lists.keys().all(known), "{}", pair.why);
        }
        Self(lists, pair)
    }
}

/// One choice of an entry of each dimension.
struct Composition<'g>(Vec<&'g Entry>);

impl<'g> Composition<'g> {
    /// The next one that the generator gives.
    fn next(grammar: &'g Grammar, state: &mut u64) -> Self {
        let mut below = |bound: usize| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            usize::try_from(*state >> 33).expect("31 bits") % bound
        };
        loop {
            let chosen = Self(grammar.0.iter().map(|list| &list[below(list.len())]).collect());
            if !grammar.1.iter().any(|pair| chosen.is_apart(pair)) {
                return chosen;
            }
        }
    }

    fn is_apart(&self, pair: &Pair) -> bool {
        let mut lists = pair.lists.iter();
        lists.all(|(dimension, names)| names.contains(&self.of(dimension).name))
    }

    fn of(&self, dimension: &str) -> &'g Entry {
        let at = DIMENSIONS.iter().position(|name| *name == dimension).expect("a dimension");
        self.0[at]
    }

    /// The entries that say something about this composition: a literal has no carrier.
    fn entries(&self) -> Vec<(&'static str, &'g str)> {
        let carried = self.of("origin").carried;
        let all = DIMENSIONS.into_iter().zip(&self.0);
        let mut told: Vec<_> = all.map(|(name, entry)| (name, entry.name.as_str())).collect();
        told.retain(|(name, _)| *name != "carrier" || carried);
        told
    }

    /// Files of the crate and, where the layout has one, of its helper crate.
    fn files(&self, name: &str, is_twin: bool) -> [BTreeMap<String, Vec<u8>>; 2] {
        let layout = self.of("layout");
        let mut own: BTreeMap<String, Vec<u8>> = layout
            .files
            .iter()
            .map(|(path, text)| (path.clone(), self.filled(text, name, is_twin).into_bytes()))
            .collect();
        let mut helper = BTreeMap::new();
        if !layout.helper.is_empty() {
            let text = self.filled(&layout.helper, name, is_twin);
            helper.insert("src/lib.rs".to_owned(), text.into_bytes());
        }
        if self.of("origin").carried {
            let holder = if helper.is_empty() { &mut own } else { &mut helper };
            holder.insert(self.of("carrier").file.clone(), self.payload(name));
        }
        let library = &self.of("sink").library;
        if !library.is_empty() && !own.contains_key("src/lib.rs") {
            own.insert("src/lib.rs".to_owned(), library.clone().into_bytes());
        }
        [own, helper]
    }

    fn payload(&self, name: &str) -> Vec<u8> {
        let carrier = self.of("carrier");
        let noise = Made::Word(Word::Noise(carrier.size));
        let parts = match carrier.head.as_str() {
            "picture" => vec![Made::Word(Word::Picture(9)), noise],
            "text" => {
                vec![
                    Made::Text("# Notes\n\n".to_owned()),
                    Made::Word(Word::Base64(Box::new(noise))),
                ]
            }
            _ => vec![noise],
        };
        Made::Word(Word::Join(parts)).bytes(name)
    }

    fn filled(&self, text: &str, name: &str, is_twin: bool) -> String {
        let (layout, sink, names) =
            (self.of("layout"), self.of("sink"), &self.of("disguise").names);
        let (origin, change) = (&self.of("origin").code, &self.of("transformation").code);
        let end = if is_twin { &sink.twin } else { &sink.code };
        let mut functions = format!(
            "fn @LOAD@() -> Vec<u8> {{ {origin} }}\nfn @MEND@(data: Vec<u8>) -> Vec<u8> {{ {change} }}\n\
             fn @END@(data: Vec<u8>) {{{end}\n}}\n"
        );
        // A layout that makes the chain itself shows no function in which it stands plainly.
        if layout.goes() {
            functions.push_str("pub fn @GO@() { @END@(@MEND@(@LOAD@())) }\n");
        }
        let flat = format!(
            "let data: Vec<u8> = {{ {origin} }};\nlet data: Vec<u8> = {{ {change} }};{end}\n"
        );
        let call = if layout.call.is_empty() { "@GO@()" } else { &layout.call };
        let noise = |size| Made::Word(Word::Noise(size));
        let made = |word: Word| String::from_utf8(Made::Word(word).bytes(name)).expect("text");
        let mut filled = text.to_owned();
        for (place, with) in [
            ("@HEADER@", self.of("disguise").header.as_str()),
            ("@PUBLIC@", &functions),
            ("@FUNCTIONS@", &functions),
            ("@FLAT@", &flat),
            ("@GUARDED@", &self.of("guard").code),
            ("@CALL@", call),
            ("@LOAD@", &names[0]),
            ("@MEND@", &names[1]),
            ("@END@", &names[2]),
            ("@GO@", &names[3]),
            ("@FILE@", &self.of("carrier").file),
            ("@HELPER@", &helper_name(name).replace('-', "_")),
            ("@NUMBERS@", &made(Word::Numbers(Box::new(noise(900))))),
            ("@HEX@", &made(Word::Hex(Box::new(noise(500))))),
        ] {
            filled = filled.replace(place, with);
        }
        filled
    }

    fn put(&self, into: &mut Shelf, name: &str, is_twin: bool) {
        let [own, parts] = self.files(name, is_twin);
        let helper_of = helper_name(name);
        let mut needs = Vec::new();
        let mut manifest = self.of("layout").manifest.clone();
        if !parts.is_empty() {
            add(into, &helper_of, "", &parts, &[]);
            write!(manifest, "[build-dependencies]\n{helper_of} = \"1\"\n").expect("grows");
            needs.push(helper_of);
        }
        add(into, name, &manifest, &own, &needs);
    }
}

fn helper_name(name: &str) -> String {
    format!("{name}-parts")
}

/// Puts two releases of a crate on the shelf that hold the same: nothing is told by a change.
fn add(
    shelf: &mut Shelf,
    name: &str,
    manifest: &str,
    files: &BTreeMap<String, Vec<u8>>,
    needs: &[String],
) {
    let release = |version: &'static str, published: &'static str| {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{manifest}"
        );
        let mut all = BTreeMap::from([
            ("Cargo.toml".to_owned(), manifest.clone().into_bytes()),
            ("Cargo.toml.orig".to_owned(), manifest.into_bytes()),
            ("src/lib.rs".to_owned(), b"//! A composition.\n".to_vec()),
        ]);
        all.extend(files.clone());
        Release { version, published, files: all.into_iter().collect() }
    };
    let releases =
        [release("1.0.0", "2025-02-01T08:00:00Z"), release("1.1.0", "2025-09-01T08:00:00Z")];
    shelf.add(name, &releases, needs);
}

/// What was counted for one entry, or for all.
#[derive(Clone, Copy, Default)]
pub struct Count {
    /// Compositions with it.
    pub all: usize,
    /// Attacks that have a finding of `medium` or above.
    pub found: usize,
    /// Twins that have one.
    pub alarms: usize,
}

impl Count {
    /// Attacks found, in percent.
    pub fn recall(self) -> usize {
        self.found * 100 / self.all.max(1)
    }
}

/// What was counted.
pub struct Table {
    /// Over all compositions.
    pub total: Count,
    /// For each dimension and entry.
    pub entries: BTreeMap<(&'static str, String), Count>,
    /// Rules that told of twins, and how often.
    pub alarms: BTreeMap<String, usize>,
    /// Attacks that were not told of, the entries of each.
    pub missed: Vec<String>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| dimension | entry | compositions | found % | twins alarming |")?;
        writeln!(f, "|---|---|---:|---:|---:|")?;
        for ((dimension, name), count) in &self.entries {
            let Count { all, alarms, .. } = count;
            writeln!(f, "| {dimension} | {name} | {all} | {} | {alarms} |", count.recall())?;
        }
        let Count { all, alarms, .. } = self.total;
        writeln!(f, "| all | | {all} | {} | {alarms} |", self.total.recall())?;
        for (rule, times) in &self.alarms {
            writeln!(f, "twins: {times} {rule}")?;
        }
        for missed in self.missed.iter().take(150) {
            writeln!(f, "missed: {missed}")?;
        }
        Ok(())
    }
}

/// Composes so many attacks and their twins from a seed, audits them and counts.
pub fn measure(seed: u64, compositions: usize) -> Table {
    let grammar = Grammar::load();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let chosen: Vec<Composition> =
        (0..compositions).map(|_| Composition::next(&grammar, &mut state)).collect();
    let told = audited(&chosen);
    let mut table = Table {
        total: Count::default(),
        entries: BTreeMap::new(),
        alarms: BTreeMap::new(),
        missed: Vec::new(),
    };
    for (at, composition) in chosen.iter().enumerate() {
        let rules = |is_twin| {
            let name = name_of(at, is_twin);
            let of = |name: &str| told.get(name).cloned().unwrap_or_default();
            let mut all = of(&name);
            all.extend(of(&helper_name(&name)));
            all.retain(|rule| !composition.0.iter().any(|entry| entry.deserves.contains(rule)));
            all
        };
        let (found, alarms) = (rules(false), rules(true));
        let count = |counted: &mut Count| {
            counted.all += 1;
            counted.found += usize::from(!found.is_empty());
            counted.alarms += usize::from(!alarms.is_empty());
        };
        count(&mut table.total);
        for (dimension, entry) in composition.entries() {
            count(table.entries.entry((dimension, entry.to_owned())).or_default());
        }
        if found.is_empty() {
            let names: Vec<&str> = composition.entries().into_iter().map(|(_, e)| e).collect();
            table.missed.push(format!("{} {}", name_of(at, false), names.join(" ")));
        }
        for rule in alarms {
            *table.alarms.entry(rule).or_default() += 1;
        }
    }
    table
}

fn name_of(at: usize, is_twin: bool) -> String {
    // Far apart, so that none is taken for a misspelling of another.
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(is_twin) << 20;
    let kind = if is_twin { "twin" } else { "made" };
    format!("{kind}-{mixed:016x}-{at}")
}

/// Crate name to the rules of its findings from `medium` up.
fn audited(chosen: &[Composition]) -> BTreeMap<String, BTreeSet<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::new(folder.path());
    for (at, composition) in chosen.iter().enumerate() {
        composition.put(&mut shelf, &name_of(at, false), false);
        composition.put(&mut shelf, &name_of(at, true), true);
    }
    let (project, home) = shelf.close();
    let today = "2026-11-23".parse().expect("a date");
    let gather = collectors::Options::new(today, home, folder.path().join("cache"));
    let request = Request {
        notes: false,
        path: project,
        walk: walker::Options { metadata: walker::MetadataMode::Never },
        gather: collectors::Options { offline: true, ..gather },
        policy: Policy::default(),
        fail_on: None,
        ruleset: Arc::new(heuristics::load(audit::schema(), &[]).expect("the rules load")),
        base: None,
        baseline: None,
        strict_unknown: false,
    };
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in audit::run(&request).expect("audits").report.findings {
        if finding.level >= Level::Medium {
            told.entry(finding.subject.name).or_default().insert(finding.rule);
        }
    }
    told
}
