//! Every rule on every facts sheet: the tests inside the rules, the golden list of what fires where,
//! the fact table, and the budget for noise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use cargo_custody::audit;
use cargo_custody::collectors::archive::{
    self, ArchiveFacts, ArchiveListing, ArchiveRecord, ListedFile,
};
use cargo_custody::collectors::build_code::{self, BuildRecord};
use cargo_custody::collectors::{concealment, update, window};
use cargo_custody::domain::rule::RuleKind;
use cargo_custody::domain::{FactSheet, Level, Subject, SubjectKind};
use cargo_custody::heuristics::{self, BUILT_IN, Ruleset, judge, ruleset, selftest};

fn rules() -> Ruleset {
    heuristics::load(audit::schema(), &[]).expect("the embedded rules load")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares with a committed file, or rewrites it where `CUSTODY_BLESS` is set.
fn golden(file: &str, text: &str) {
    let path = root().join(file);
    if std::env::var_os("CUSTODY_BLESS").is_some() {
        std::fs::write(&path, text).expect("the golden file can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "{file} is not current; look at the difference after `CUSTODY_BLESS=1 cargo test`"
    );
}

fn sheets() -> BTreeMap<&'static str, FactSheet> {
    BUILT_IN
        .sheets
        .iter()
        .map(|(path, text)| {
            let name = path.trim_start_matches("fixtures/facts/").trim_end_matches(".json");
            (name, serde_json::from_str(text).unwrap_or_else(|e| panic!("{path}: {e}")))
        })
        .collect()
}

#[test]
fn the_tests_inside_the_rules_pass() {
    let outcome = selftest::run(&rules(), &|_, _| None);
    let failures: Vec<_> = outcome
        .failures
        .iter()
        .map(|f| format!("{} test {}: {}", f.rule, f.test, f.problem))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(outcome.ran > 200, "{} tests ran", outcome.ran);
}

#[test]
fn every_embedded_rule_compiles_and_names_what_exists() {
    rules().check().unwrap_or_else(|e| panic!("{e}"));
}

/// Rules whose facts a subject has none of are not evaluated at all; that has to be all the same.
#[test]
fn no_embedded_condition_comes_out_without_facts() {
    let embedded = rules();
    // As rules of the user's, they are always evaluated.
    let files: Vec<_> = ruleset::read_folder(&root().join("rules")).expect("the rules are there");
    let always = heuristics::load(audit::schema(), &files).expect("the same rules load");
    for kind in [
        SubjectKind::Project,
        SubjectKind::Crate,
        SubjectKind::Model,
        SubjectKind::Dataset,
        SubjectKind::Service,
        SubjectKind::Package,
    ] {
        let subject = Subject { kind, ..Subject::registry_crate("x", "1.0.0") };
        let empty = FactSheet { subject, facts: BTreeMap::new() };
        let verdicts = judge::verdicts(&always, &empty);
        assert_eq!(judge::verdicts(&embedded, &empty), verdicts);
        let out = verdicts.iter().find(|(_, verdict)| **verdict == judge::Verdict::Fires);
        assert_eq!(out, None);
    }
    for (name, sheet) in sheets() {
        let (skipping, all) =
            (judge::verdicts(&embedded, &sheet), judge::verdicts(&always, &sheet));
        assert_eq!(skipping, all, "{name}");
    }
}

#[test]
fn a_users_rule_that_takes_away_a_signal_is_an_error_of_the_rule_that_names_it() {
    let embedded = rules();
    let rule = embedded.rules().find(|rule| !rule.signals().is_empty()).expect("there is one");
    let signal = rule.signals().first().expect("it names one");
    let text = "title = 'x'\nlevel = 'low'\napplies-to = ['crate']\nwhen = 'true'\n\
                message = 'x'\nclear = 'x'\ndocs = 'x'\n";
    let path = format!("mine/findings/{signal}.toml");
    let mine = ruleset::RuleFile { path: path.into(), text: text.into() };
    let error = heuristics::load(audit::schema(), &[mine]).expect_err("a signal is gone");
    assert!(error.to_string().contains(&format!("no signal `{signal}`")), "{error}");
}

#[test]
fn what_fires_on_each_sheet_is_what_was_agreed() {
    let rules = rules();
    let sheets = sheets();
    let fired = selftest::fired_on(&rules, sheets.iter().map(|(name, sheet)| (*name, sheet)));
    let mut text = String::new();
    for (name, ids) in fired {
        writeln!(text, "{name}").expect("a String grows");
        for id in ids {
            let info = &rules.rule(&id).expect("it fired").info;
            let kind = if info.kind == RuleKind::Finding { info.level.as_str() } else { "signal" };
            writeln!(text, "    {kind:<8} {id}").expect("a String grows");
        }
    }
    golden("fixtures/facts/fired.txt", &text);
}

#[test]
fn no_rule_is_at_fault_on_any_sheet() {
    let rules = rules();
    for (name, sheet) in sheets() {
        for (id, verdict) in judge::verdicts(&rules, &sheet) {
            let broken = matches!(verdict, judge::Verdict::Broken(_));
            assert!(!broken, "{id} on {name}: {verdict:?}");
        }
    }
}

/// `list.filter(x, ...)` and `list.exists(x, ...)` over facts in the part of a rule that stands before its
/// tests: the list and the condition, spaces and the name of the variable left out. What an item of
/// `for-each` holds, and what a variable does, is not looked at.
fn filters(text: &str, groups: &[&str]) -> Vec<String> {
    let head = text.split("\n[[test]]").next().unwrap_or(text);
    let of = |(at, word): (usize, &str)| {
        let before = &head[..at];
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let list = &before[before.trim_end_matches(name).len()..];
        groups.contains(&list.split('.').next()?).then_some(())?;
        let (variable, rest) = head[at + word.len()..].split_once(", ")?;
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        })?;
        let body: String = rest[..end].split_whitespace().collect();
        Some(format!("{list}: {}", body.replace(&format!("{variable}."), "_.")))
    };
    [".filter(", ".exists("]
        .iter()
        .flat_map(|word| head.match_indices(word))
        .filter_map(of)
        .collect()
}

/// Rules about two lists at once, of which only one can be called `hits`.
const TWO_LISTS: [&str; 7] = [
    "build-reads-opaque-file",
    "compromised-upstream-sources",
    "compromised-upstream-with-payload",
    "new-native-code",
    "new-opaque-file",
    "new-payload-read-at-build",
    "vendored-compromised-upstream",
];

#[test]
fn no_rule_writes_a_long_condition_twice() {
    let mut twice = Vec::new();
    let rules = rules();
    let groups: Vec<&str> = rules.schema().names().collect();
    for rule in rules.rules().filter(|rule| !TWO_LISTS.contains(&rule.info.id.as_str())) {
        let text = std::fs::read_to_string(root().join(&rule.file)).expect("a rule is a file");
        let mut seen = BTreeSet::new();
        for filter in filters(&text, &groups).into_iter().filter(|filter| filter.len() >= 60) {
            if !seen.insert(filter.clone()) {
                twice.push(format!("{}: {filter}", rule.file));
            }
        }
    }
    assert!(twice.is_empty(), "name it once, as `hits`:\n{}", twice.join("\n"));
}

/// A sheet with a word or a field that no collector fills would test rules on what never happens.
#[test]
fn every_sheet_holds_what_collectors_fill_and_nothing_else() {
    let rules = rules();
    for (name, sheet) in sheets() {
        for (group, facts) in &sheet.facts {
            assert_eq!(rules.schema().fault(group, facts), None, "{name}");
        }
    }
}

#[test]
fn the_fact_table_is_current() {
    let file = "rules/README.md";
    let committed = std::fs::read_to_string(root().join(file)).expect("the format is described");
    let (head, _) = committed.split_once("<!-- facts -->\n").expect("the table has its mark");
    golden(file, &format!("{head}<!-- facts -->\n{}", rules().schema().table()));
}

/// A finding of medium or above has to be rare on honest crates. Its signals' base rates bound it: a
/// finding that fires wherever one common signal does is a design error.
#[test]
fn a_loud_finding_is_never_one_common_signal() {
    let rules = rules();
    for rule in rules.rules().filter(|r| r.info.kind == RuleKind::Finding) {
        if rule.info.level < Level::Medium {
            continue;
        }
        let signals = rule.signals();
        if let [only] = signals.iter().collect::<Vec<_>>()[..] {
            let rate = rules.rates().of(only);
            let share = f64::from(rate.fires) / f64::from(rate.of.max(1));
            assert!(
                share <= 0.01 || rule.names_facts(),
                "{}: {only} alone fires on {:.1} % of crates",
                rule.info.id,
                share * 100.0
            );
        }
    }
}

#[test]
fn every_signal_has_a_measured_base_rate() {
    let rules = rules();
    for signal in rules.catalogue(RuleKind::Signal) {
        assert!(
            rules.rates().signals.contains_key(&signal.id),
            "{} has no line in rules/tables/base-rates.toml",
            signal.id
        );
    }
}

#[test]
fn nothing_but_tests_stands_behind_the_first_test_of_a_rule() {
    for (path, text) in BUILT_IN.rules.iter().filter(|(path, _)| !path.contains("/tables/")) {
        let Some((_, tests)) = text.split_once("\n[[test]]") else { panic!("{path}: no test") };
        let tests: toml::Table =
            toml::from_str(&format!("[[test]]{tests}")).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(tests.keys().collect::<Vec<_>>(), ["test"], "{path}");
    }
}

#[test]
fn every_table_is_toml() {
    for (path, text) in BUILT_IN.rules.iter().filter(|(path, _)| path.contains("/tables/")) {
        toml::from_str::<toml::Table>(text).unwrap_or_else(|e| panic!("{path}: {e}"));
    }
}

/// What the comparison of a release with itself says of it, from the facts of a sheet; nothing where it was
/// not read.
fn with_itself(sheet: &FactSheet, against_nothing: bool) -> Option<FactSheet> {
    fn known<T: serde::de::DeserializeOwned + Clone>(sheet: &FactSheet, group: &str) -> Option<T> {
        audit::group_of::<T>(sheet, group).known().cloned()
    }
    let facts: ArchiveFacts = known(sheet, archive::GROUP)?;
    let build = known(sheet, build_code::GROUP)?;
    let secrets = known(sheet, build_code::SECRETS_GROUP).unwrap_or_default();
    let nothing = || concealment::ConcealmentKeeper::default().finish();
    let concealment = known(sheet, concealment::GROUP).unwrap_or_else(nothing);
    let files = facts.binaries.iter().map(|file| ListedFile {
        path: file.path.clone(),
        size: file.size,
        mode: file.mode,
        sha256: file.sha256.clone(),
        class: file.class,
    });
    let listing = ArchiveListing { files: files.collect() };
    let record = ArchiveRecord { facts, listing };
    let (library, library_flows, build_dependencies) = (Vec::new(), Vec::new(), Vec::new());
    let code = BuildRecord {
        build,
        secrets,
        library,
        library_flows,
        build_dependencies,
        at_run_time: build_code::LibraryFacts::default(),
    };
    let version = sheet.subject.version.as_str();
    let now = window::Now { version, archive: &record, code: &code, concealment: &concealment };
    let listing = &record.listing;
    let same = window::Against { version, listing, code: &code, concealment: &concealment };
    let compared = window::compare(&now, (!against_nothing).then_some(&same), 400);
    let mut sheet = sheet.clone();
    for group in [window::WINDOW, window::PREVIOUS, update::BYTES] {
        sheet.put(group, &compared);
    }
    let gains = update::gains(&sheet, &sheet);
    sheet.put(update::GAINS, &gains);
    Some(sheet)
}

/// Rules that come out with these facts and not without any comparison.
fn told_by_comparison(rules: &Ruleset, sheet: &FactSheet) -> BTreeSet<String> {
    let fires = |sheet: &FactSheet| -> BTreeSet<String> {
        let all = judge::verdicts(rules, sheet).into_iter();
        let fires = all.filter(|(_, verdict)| *verdict == judge::Verdict::Fires);
        fires.map(|(id, _)| id.clone()).collect()
    };
    let mut without = sheet.clone();
    for group in [window::WINDOW, window::PREVIOUS, update::BYTES, update::GAINS] {
        without.facts.remove(group);
    }
    &fires(sheet) - &fires(&without)
}

#[test]
fn a_release_that_is_compared_with_itself_is_silent() {
    let rules = rules();
    let (mut compared, mut told_of_nothing) = (0, BTreeSet::new());
    for (name, sheet) in sheets() {
        if let Some(same) = with_itself(&sheet, false) {
            compared += 1;
            assert_eq!(told_by_comparison(&rules, &same), BTreeSet::new(), "{name}");
        }
        if let Some(new) = with_itself(&sheet, true) {
            told_of_nothing.extend(told_by_comparison(&rules, &new));
        }
    }
    assert!(compared > 10, "{compared} sheets were compared");
    // Held against nothing, the same sheets are told of: the rules do read the comparison.
    assert!(told_of_nothing.len() > 5, "{told_of_nothing:?}");
}
