//! Group `names`: which better-known crate a name could be taken for.
//!
//! The checks of the registry itself (`typomania`: swapped, omitted, repeated and mistyped characters,
//! swapped words, flipped bits, version endings) and rules for separators, plurals, affixes, other
//! numbers and look-alike glyphs, against a table of popular names and the other crates of the graph.
//! A look-alike alone means little: in three AI graphs every pair at edit distance one was honest. The
//! rules join it with age, and a shared owner clears it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use typomania::checks::{
    Check, Omitted, Repeated, Squat, SwappedCharacters, SwappedWords, Typos, Version,
};
use typomania::{AuthorSet, Corpus, Package};

use crate::domain::Measured;

use super::arrivals::Kinship;

/// Name of the group.
pub const GROUP: &str = "names";
/// Characters of crate names.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_";
/// Endings and beginnings that turn a name into one that seems to belong to it.
const AFFIXES: [&str; 20] = [
    "api", "async", "cli", "client", "core", "crate", "dev", "lib", "macro", "macros", "new",
    "official", "pro", "rs", "rust", "sdk", "sys", "util", "utils", "x",
];
/// Neighbours on a keyboard, row by row.
const ROWS: [&str; 4] = ["1234567890-", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
/// Shortest name that is compared: below it every name has neighbours.
const SHORTEST: usize = 4;
/// Longest name that is compared; the registry takes 64 characters.
const LONGEST: usize = 64;
/// Most look-alikes that are kept of one name.
const KEPT: usize = 50;
/// Most names of one graph that are compared because they fold to the same: where there are more, they are
/// numbered on purpose, and comparing each with each would cost the square of them.
const ALIKE: usize = 200;

/// A better-known name that this one resembles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookAlike {
    /// The name that it could be taken for.
    pub of: String,
    /// How: `swapped-characters`, `swapped-words`, `omitted-character`, `repeated-character`, `typo`,
    /// `bit-flip`, `version-ending`, `separator`, `plural`, `folded` (separators, plurals and the order of words, more
    /// than one of them), `affix`, `other-number`, `glyph`.
    #[schemars(extend("enum" = ["swapped-characters", "swapped-words", "omitted-character", "repeated-character", "typo", "bit-flip", "version-ending", "separator", "plural", "folded", "affix", "other-number", "glyph"]))]
    pub how: String,
    /// That name is in the table of popular names; else it is another crate of the graph.
    pub popular: bool,
    /// Both crates have an owner in common. Source: the owner lists of group `custody`.
    pub shared_owner: Measured<bool>,
    /// The same in one word: `shared`, `others`, or `unknown`.
    pub owners: Kinship,
}

/// Which better-known crate this name could be taken for. Never a finding alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameFacts {
    /// The name itself is in the table of popular names; it is not compared then.
    pub popular: bool,
    /// Names that it resembles, popular ones first, at most 50.
    pub look_alikes: Vec<LookAlike>,
    /// How many of them have no owner in common with it. Unknown where that is not known of one.
    pub without_shared_owner: Measured<u32>,
    /// Look-alikes that are not in the list.
    pub look_alikes_left_out: u32,
    /// Date of the list of popular names, `YYYY-MM-DD`. Source: the extract of the registry or its dump, by
    /// downloads and dependents; else the table that comes with the program.
    pub table_date: String,
}

/// The table of popular names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PopularNames {
    /// When it was made.
    pub date: String,
    /// The names.
    pub names: BTreeSet<String>,
}

impl PopularNames {
    /// The table that comes with the program.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn embedded() -> Self {
        toml::from_str(include_str!("../../rules/tables/popular-names.toml"))
            .expect("the table that comes with the program is valid")
    }
}

/// Name without what one of the own rules ignores, and which rule that is, to the names that have it.
type Folded = BTreeMap<(&'static str, String), Vec<String>>;

/// A table of popular names, folded.
pub struct Prepared {
    table: PopularNames,
    /// Those names of it that are compared.
    known: BTreeSet<String>,
    folded: Folded,
}

impl Prepared {
    /// Folds a table.
    #[must_use]
    pub fn new(table: PopularNames) -> Self {
        let known = table.names.iter().filter(|name| is_comparable(name)).cloned().collect();
        let folded = folded(&known);
        Self { table, known, folded }
    }

    /// The table that comes with the program, folded once: a stream of single crates would otherwise spend
    /// most of its time on it.
    #[must_use]
    pub fn embedded() -> Arc<Self> {
        static PREPARED: OnceLock<Arc<Prepared>> = OnceLock::new();
        Arc::clone(PREPARED.get_or_init(|| Arc::new(Self::new(PopularNames::embedded()))))
    }
}

/// Compares names with a table and a graph.
pub struct NameChecks {
    known: Known,
    checks: Vec<Box<dyn Check>>,
    folded: Folded,
}

/// The names that are compared with, as `typomania` wants them.
struct Known {
    popular: Arc<Prepared>,
    /// Names of the graph that are compared and not popular.
    graph: BTreeSet<String>,
}

impl Known {
    fn has(&self, name: &str) -> bool {
        self.popular.known.contains(name) || self.graph.contains(name)
    }

    /// Known names that differ from this one in one bit of one character. The check of `typomania` spells out
    /// every flip of every known name instead.
    fn flipped(&self, name: &str) -> Vec<String> {
        let mut known = Vec::new();
        for (at, byte) in name.bytes().enumerate() {
            let flips = (0..7).map(|bit| byte ^ (1 << bit));
            for flip in flips.filter(|flip| ALPHABET.as_bytes().contains(flip)) {
                let mut bytes = name.as_bytes().to_vec();
                bytes[at] = flip;
                known.extend(String::from_utf8(bytes).ok().filter(|of| self.has(of)));
            }
        }
        known
    }
}

/// A package without authors: shared owners are told apart later, with what is known of them.
struct Nobody;

impl AuthorSet for Nobody {
    fn contains(&self, _: &str) -> bool {
        false
    }
}

impl Package for Nobody {
    fn authors(&self) -> &dyn AuthorSet {
        self
    }
    fn description(&self) -> Option<&str> {
        None
    }
    fn shared_authors(&self, _: &dyn AuthorSet) -> bool {
        false
    }
}

impl Corpus for Known {
    fn contains_name(&self, name: &str) -> typomania::Result<bool> {
        Ok(self.has(name))
    }
    fn get(&self, name: &str) -> typomania::Result<Option<&dyn Package>> {
        Ok(self.has(name).then_some(&Nobody as &dyn Package))
    }
}

fn is_comparable(name: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&name.len())
}

fn folded(names: &BTreeSet<String>) -> Folded {
    let mut folded = Folded::new();
    for name in names {
        for key in folds(name) {
            folded.entry(key).or_default().push(name.clone());
        }
    }
    folded
}

impl NameChecks {
    /// Prepares the comparison with a table and the crates of a graph.
    #[must_use]
    pub fn new<'n>(popular: Arc<Prepared>, graph: impl IntoIterator<Item = &'n str>) -> Self {
        let graph = graph.into_iter().filter(|name| is_comparable(name));
        let graph = graph.filter(|name| !popular.known.contains(*name));
        let graph: BTreeSet<String> = graph.map(str::to_owned).collect();
        let folded = folded(&graph);
        let checks: Vec<Box<dyn Check>> = vec![
            Box::new(Omitted::new(ALPHABET)),
            Box::new(Repeated),
            Box::new(SwappedCharacters),
            Box::new(SwappedWords::new("-_").with_max_k(4)),
            Box::new(Typos::new(typos().into_iter())),
            Box::new(Version),
        ];
        Self { known: Known { popular, graph }, checks, folded }
    }

    /// Compares one crate of the graph. `owners` gives the logins of a crate's owners where they are
    /// known.
    #[must_use]
    pub fn measure(
        &self,
        name: &str,
        owners: &dyn Fn(&str) -> Measured<BTreeSet<String>>,
    ) -> NameFacts {
        let table = &self.known.popular.table;
        let popular = table.names.contains(name);
        let mut found = BTreeMap::new();
        let mut left_out = 0;
        if !popular && (SHORTEST..=LONGEST).contains(&name.len()) {
            self.registry_checks(name, &mut found);
            left_out = self.own_checks(name, &mut found);
        }
        let own = owners(name);
        let mut look_alikes: Vec<LookAlike> = found
            .into_iter()
            .map(|(of, how)| {
                let shared_owner = own.clone().and_then(|own| {
                    owners(&of).map(|others| others.iter().any(|login| own.contains(login)))
                });
                LookAlike {
                    popular: table.names.contains(&of),
                    owners: match shared_owner {
                        Measured::Known(true) => Kinship::Shared,
                        Measured::Known(false) => Kinship::Others,
                        Measured::Unknown(_) => Kinship::Unknown,
                    },
                    shared_owner,
                    how: how.to_owned(),
                    of,
                }
            })
            .collect();
        look_alikes.sort_by_key(|one| (!one.popular, one.of.clone()));
        let without_shared_owner = strangers(&look_alikes);
        left_out += look_alikes.len().saturating_sub(KEPT);
        look_alikes.truncate(KEPT);
        look_alikes.shrink_to_fit();
        NameFacts {
            popular,
            look_alikes,
            without_shared_owner,
            look_alikes_left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
            table_date: table.date.clone(),
        }
    }

    fn registry_checks(&self, name: &str, found: &mut BTreeMap<String, &'static str>) {
        for of in self.known.flipped(name) {
            found.insert(of, "bit-flip");
        }
        for check in &self.checks {
            // The corpus is in memory and never fails.
            for squat in check.check(&self.known, name, &Nobody).into_iter().flatten() {
                let how = match &squat {
                    Squat::OmittedCharacter(_) => "omitted-character",
                    Squat::RepeatedCharacter(_) => "repeated-character",
                    Squat::SwappedCharacters(_) => "swapped-characters",
                    Squat::SwappedWords(_) => "swapped-words",
                    Squat::Typo(_) => "typo",
                    Squat::Version(_) => "version-ending",
                    Squat::Bitflip(_) | Squat::Custom { .. } => continue,
                };
                if squat.package() != name {
                    found.insert(squat.package().to_owned(), how);
                }
            }
        }
    }

    /// Adds what our own rules find; returns how many names of the graph they left out.
    fn own_checks(&self, name: &str, found: &mut BTreeMap<String, &'static str>) -> usize {
        let mut left_out = 0;
        for key in folds(name) {
            let popular = self.known.popular.folded.get(&key).into_iter().flatten();
            let graph = self.folded.get(&key).map_or(&[][..], Vec::as_slice);
            left_out = left_out.max(graph.len().saturating_sub(ALIKE));
            for of in popular.chain(graph.iter().take(ALIKE)).filter(|of| *of != name) {
                found.entry(of.clone()).or_insert(key.0);
            }
        }
        for bare in without_affix(name) {
            if self.known.popular.known.contains(bare) {
                found.entry(bare.to_owned()).or_insert("affix");
            }
        }
        left_out
    }
}

/// How many look-alikes have no owner in common.
fn strangers(look_alikes: &[LookAlike]) -> Measured<u32> {
    let mut count = 0;
    for one in look_alikes {
        match &one.shared_owner {
            Measured::Known(shared) => count += u32::from(!shared),
            Measured::Unknown(why) => return Measured::Unknown(why.clone()),
        }
    }
    Measured::Known(count)
}

/// A name without what one of the own rules ignores, and which rule that is.
fn folds(name: &str) -> Vec<(&'static str, String)> {
    let bare: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut keys = vec![("separator", bare)];
    let singular = name.strip_suffix("es").or(name.strip_suffix('s')).unwrap_or(name);
    keys.push(("plural", singular.trim_end_matches('e').to_owned()));
    if stem.len() < name.len() && stem.len() >= SHORTEST {
        keys.push(("other-number", stem.to_owned()));
    }
    let glyphs = name
        .replace("rn", "m")
        .replace("vv", "w")
        .replace("cl", "d")
        .replace(['1', 'i', 'l'], "l")
        .replace('0', "o");
    keys.push(("glyph", glyphs));
    let mut sorted: Vec<&str> =
        name.split(['-', '_']).filter(|word| !word.is_empty()).map(one_of).collect();
    sorted.sort_unstable();
    // In one order for whoever turns words around, and as one word for whoever leaves separators out.
    keys.push(("folded", sorted.join("-")));
    keys.push(("folded", one_of(&bare_of_plurals(name)).to_owned()));
    keys
}

/// A name as one word, each of its words without the last `s`.
fn bare_of_plurals(name: &str) -> String {
    name.split(['-', '_']).map(|word| word.strip_suffix('s').unwrap_or(word)).collect()
}

/// A word without the ending of a plural.
fn one_of(word: &str) -> &str {
    let one = word.strip_suffix("es").or(word.strip_suffix('s')).unwrap_or(word);
    let one = one.trim_end_matches('e');
    if one.is_empty() { word } else { one }
}

/// What is left of a name without one affix, with or without a separator.
fn without_affix(name: &str) -> Vec<&str> {
    let mut bare = Vec::new();
    for affix in AFFIXES {
        let ends = name.strip_suffix(affix).map(|rest| rest.trim_end_matches(['-', '_']));
        let starts = name.strip_prefix(affix).map(|rest| rest.trim_start_matches(['-', '_']));
        bare.extend(ends.into_iter().chain(starts).filter(|rest| rest.len() >= SHORTEST));
    }
    bare
}

/// Each character to those beside it on a keyboard.
fn typos() -> BTreeMap<char, Vec<String>> {
    let mut neighbours: BTreeMap<char, Vec<String>> = BTreeMap::new();
    for row in ROWS {
        let keys: Vec<char> = row.chars().collect();
        for pair in keys.windows(2) {
            neighbours.entry(pair[0]).or_default().push(pair[1].to_string());
            neighbours.entry(pair[1]).or_default().push(pair[0].to_string());
        }
    }
    neighbours
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(graph: &[&str]) -> NameChecks {
        NameChecks::new(Prepared::embedded(), graph.iter().copied())
    }

    fn unknown(_: &str) -> Measured<BTreeSet<String>> {
        Measured::unknown("no owner data")
    }

    fn of(facts: &NameFacts, of: &str) -> Option<String> {
        facts.look_alikes.iter().find(|one| one.of == of).map(|one| one.how.clone())
    }

    #[test]
    fn names_that_the_registry_had_to_remove_resemble_those_they_were_taken_for() {
        let checks = checks(&["rust_decimal", "proc-macro2", "lazy_static", "postgres"]);
        for (name, popular) in [
            ("rustdecimal", "rust_decimal"),
            ("proc-macro1", "proc-macro2"),
            ("lazystatic", "lazy_static"),
            ("postgress", "postgres"),
            ("serdes", "serde"),
            ("sedre", "serde"),
            ("serde-rs", "serde"),
            ("rust-tokio", "tokio"),
            ("tokoi", "tokio"),
            ("json_serde", "serde_json"),
            ("anyh0w", "anyhow"),
            ("serdejsons", "serde_json"),
            ("jsons-serde", "serde_json"),
            ("statics_lazy", "lazy_static"),
        ] {
            let facts = checks.measure(name, &unknown);
            assert!(of(&facts, popular).is_some(), "{name}: {:?}", facts.look_alikes);
        }
    }

    #[test]
    fn a_popular_name_resembles_nobody_and_an_odd_one_neither() {
        let checks = checks(&["serde", "gearhash", "zz-top"]);
        let facts = checks.measure("serde", &unknown);
        assert!(facts.popular && facts.look_alikes.is_empty());
        assert!(checks.measure("gearhash", &unknown).look_alikes.is_empty());
        assert_eq!(checks.measure("gearhash", &unknown).without_shared_owner, Measured::Known(0));
    }

    #[test]
    fn a_shared_owner_is_told_and_an_unknown_one_is_not_guessed() {
        let checks = checks(&["acme-c32", "acme-c64"]);
        let owners = |name: &str| match name {
            "acme-c32" | "acme-c64" => Measured::Known(BTreeSet::from(["sarah".to_owned()])),
            _ => Measured::unknown("no owner data"),
        };
        let facts = checks.measure("acme-c64", &owners);
        assert_eq!(of(&facts, "acme-c32").as_deref(), Some("other-number"));
        assert_eq!(facts.look_alikes[0].shared_owner, Measured::Known(true));
        assert_eq!(facts.without_shared_owner, Measured::Known(0));
        let facts = checks.measure("acme-c64", &unknown);
        assert!(facts.without_shared_owner.known().is_none());
    }

    #[test]
    fn thousands_of_numbered_names_are_counted_and_not_held_against_each_other() {
        let names: Vec<String> = (0..3_000).map(|number| format!("zzshard-{number}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let facts = checks(&all).measure("zzshard-7", &unknown);
        assert_eq!(facts.look_alikes.len(), KEPT);
        assert!(facts.look_alikes.capacity() == KEPT && facts.look_alikes_left_out >= 2_900);
        assert_eq!(
            of(&checks(&all).measure("zzshard-w", &unknown), "zzshard-7"),
            Some("bit-flip".to_owned())
        );
    }

    #[test]
    fn hostile_names_cost_nothing_and_break_nothing() {
        let long = "a-".repeat(5_000);
        for name in ["", "-", "é", "\u{202e}", "../../x", "a\0b", long.as_str(), "s", "es", "ees"]
        {
            let facts = checks(&[name]).measure(name, &unknown);
            assert!(facts.look_alikes.len() <= KEPT);
        }
        let words = "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u-v-w-x-y-z-1-2-3";
        assert!(checks(&[words]).measure(words, &unknown).look_alikes.is_empty());
    }
}
