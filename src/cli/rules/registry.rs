//! `rules --measure DUMP`: how often signals of custody fire over the newest release of every crate of a registry.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::cli::arguments::RulesArguments;
use crate::cli::{Failure, output, session};
use crate::collectors::custody::{self, CrateCustody, History, custody_facts};
use crate::collectors::custody_store::CustodySource as _;
use crate::collectors::custody_store::{self, CustodyStoreError, Store};
use crate::domain::{FactSheet, Location, Subject};
use crate::heuristics::Ruleset;
use crate::heuristics::judge::{Case, judge};

/// Crates that are judged at a time.
const BATCH: usize = 2_000;
/// Signals that only a graph shows: one crate by itself says nothing of them.
const OF_A_GRAPH: [&str; 1] = ["ring-of-crates"];

/// Counts how often each signal of custody fires, over the newest release of every crate of a registry's dump.
pub(super) fn measure(
    arguments: &RulesArguments,
    ruleset: &Ruleset,
    data: &Path,
) -> Result<u8, Failure> {
    let options = session::gather_options(&arguments.common, true)?;
    let store = custody_store::open_store(data, &options.cache_dir)?;
    let mut counted = Counted::default();
    let mut batch: Vec<Case> = Vec::with_capacity(BATCH);
    let as_of = store.stamp().date();
    store.each(|name, row| {
        batch.extend(case(name, row, &store));
        if batch.len() == BATCH {
            counted.add(ruleset, &std::mem::take(&mut batch));
        }
        Ok::<_, CustodyStoreError>(())
    })?;
    counted.add(ruleset, &batch);
    let source = format!(
        "rules --measure over a registry dump, the newest releases of {} crates",
        counted.crates
    );
    let mut text = format!("date = \"{as_of}\"\nsource = {source:?}\n\n[signals]\n");
    for (signal, of) in &counted.determined {
        let fires = counted.fires.get(signal).copied().unwrap_or(0);
        let _ = writeln!(text, "{signal} = {{ fires = {fires}, of = {of} }}");
    }
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// The newest release of a crate, with what is known of its people; none where the registry deleted it.
fn case(name: &str, row: CrateCustody, store: &Store) -> Option<Case> {
    let releases = row.releases.known()?;
    let newest = releases.iter().max_by_key(|release| release.published)?.number.clone();
    let history = History::new(name, vec![row]);
    let mut sheet = FactSheet::new(Subject::registry_crate(name, newest.as_str()));
    sheet.put(custody::GROUP, &custody_facts(&history, &newest, store.stamp().date()));
    let location = Location::line("Cargo.lock", 1);
    Some(Case { sheet, location, related: Vec::new(), path: Vec::new() })
}

/// How often each signal fired, and of how many crates that could be told.
#[derive(Default)]
struct Counted {
    crates: usize,
    fires: BTreeMap<String, u32>,
    determined: BTreeMap<String, u32>,
}

impl Counted {
    fn add(&mut self, ruleset: &Ruleset, cases: &[Case]) {
        self.crates += cases.len();
        let judgement = judge(ruleset, cases);
        for fired in judgement.signals {
            *self.fires.entry(fired.hit.id).or_insert(0) += 1;
        }
        for (signal, count) in judgement.determined {
            if !OF_A_GRAPH.contains(&signal.as_str()) && count > 0 {
                *self.determined.entry(signal).or_insert(0) += count;
            }
        }
    }
}
